//! A heat map: a cell for each pair of values along two axes, with the colour of a third column.

mod bar;
mod cells;
mod draw;
mod hatch;

use bar::Bar;
use cells::Matrices;
use concertina_table::Table;

use crate::{
    Axis, Colour, Drawing, Error, Result, Theme,
    drawing::{Legend, Palette},
    font,
    panel::{
        Context,
        axes::{self, LABEL_GAP, TICK_GAP},
        look,
        plot::{measure::TICK_SPACING, words, wrong_limits},
        rows,
    },
    rich::Rich,
    scene::{Margins, Rect},
    ticks::{self, Scale, ScaleKind, Wishes},
};

/// Between neighbouring matrices, in points.
const FACET_GAP: f64 = 8.0;
/// Between the matrices and the colour bar, in points.
const BAR_GAP: f64 = 6.0;
/// Height of a line of a title, relative to its size.
const TITLE_LEADING: f64 = 1.2;
/// Least gap between labels along the axis, in points.
const TICK_AIR: f64 = 3.0;

/// A heat map, measured and ready to be drawn.
#[derive(Debug)]
pub(crate) struct HeatMapPanel<'a> {
    theme: &'a Theme,
    drawing: &'a Drawing,
    title: Option<Rich>,
    along: (&'a Axis, &'a Axis, &'a Axis),
    matrices: Matrices,
    heads: Vec<Vec<Rich>>,
    x: Scale,
    y: Scale,
    /// From a value to a position in the map of colours.
    bar: Bar,
    x_label: Vec<Rich>,
    y_label: Vec<Rich>,
    pub(crate) margins: Margins,
}

impl<'a> HeatMapPanel<'a> {
    pub(crate) fn new(
        table: &Table,
        drawing: &'a Drawing,
        theme: &'a Theme,
        context: &Context<'_>,
    ) -> Result<Self> {
        let along = check(drawing, context.name)?;
        let kept = rows::kept(table, drawing, context.name)?;
        let matrices = Matrices::of(&kept, along, drawing, theme, context.name)?;
        let bar = Bar::of(&matrices, along.2, drawing, theme);
        let mut panel = Self {
            theme,
            drawing,
            title: context.title.map(Rich::parse),
            along,
            matrices,
            heads: Vec::new(),
            x: Scale::new(0.0, 1.0, 1.0, 1.0, &Wishes::default()),
            y: Scale::new(0.0, 1.0, 1.0, 1.0, &Wishes::default()),
            bar,
            x_label: Vec::new(),
            y_label: Vec::new(),
            margins: Margins::default(),
        };
        let (width, height) = context.size;
        let mut axes = Rect::new(0.0, 0.0, (width - 50.0).max(10.0), (height - 26.0).max(10.0));
        for _ in 0..3 {
            panel.fit(axes, context);
            axes = Rect::new(0.0, 0.0, width, height).inset(panel.margins);
        }
        Ok(panel)
    }

    /// The cells as they are drawn.
    pub(crate) fn data(&self) -> Result<Table> {
        self.matrices.data(self.along, self.drawing)
    }

    /// What is not drawn, or not drawn as requested, and why.
    pub(crate) fn problems(&self) -> Vec<String> {
        let (cells, value) = (&self.matrices.cells, &self.along.2.column);
        let mut problems = Vec::new();
        if self.matrices.unplaced > 0 {
            problems.push(format!(
                "{} of {} rows have no place along both axes, and are left out",
                self.matrices.unplaced, self.matrices.rows
            ));
        }
        if cells.is_empty() {
            problems.push("there is nothing to draw: no row has values along both axes".to_owned());
        }
        let count = |what: &dyn Fn(&cells::Cell) -> bool| cells.values().filter(|cell| what(cell)).count();
        let undefined = count(&|cell| cell.value.is_none());
        if undefined > 0 {
            problems.push(format!(
                "`{value}` is undefined in {undefined} of {} cells, which are hatched",
                cells.len()
            ));
        }
        let partly = count(&|cell| cell.value.is_some() && cell.undefined > 0);
        if partly > 0 {
            problems.push(format!(
                "`{value}` is undefined in some realisations of {partly} of {} cells, which show the mean of the others",
                cells.len()
            ));
        }
        let clipped = count(&|cell| cell.value.is_some_and(|value| self.bar.is_outside(value)));
        if clipped > 0 {
            problems.push(format!(
                "{clipped} of {} values lie outside the colours of `{value}`, {} to {}, and have the last one",
                cells.len(),
                self.bar.scale.from,
                self.bar.scale.to
            ));
        }
        let missing =
            self.matrices.facets.len() * self.matrices.x.places.len() * self.matrices.y.places.len();
        if missing > cells.len() {
            problems.push(format!(
                "{} of {missing} cells have no row, and are left white",
                missing - cells.len()
            ));
        }
        problems
    }

    /// Width and height of each matrix on axes of this size.
    fn size(&self, axes: Rect) -> (f64, f64) {
        let count = self.matrices.facets.len().max(1) as f64;
        let width = ((axes.width - (count - 1.0) * FACET_GAP) / count).max(1.0);
        if !self.drawing.square {
            return (width, axes.height);
        }
        let place = Rect::new(0.0, 0.0, width, axes.height).with_ratio(self.ratio());
        (place.width, place.height)
    }

    /// Width over height of a matrix whose cells are square: by units where both axes have the same, else by
    /// numbers of cells.
    fn ratio(&self) -> f64 {
        let (x, y) = (&self.matrices.x, &self.matrices.y);
        let range = |edges: &[f64]| edges.last().zip(edges.first()).map_or(1.0, |(last, first)| last - first);
        let (across, up) = if x.places == y.places {
            (range(&x.edges), range(&y.edges))
        } else {
            (x.places.len().max(1) as f64, y.places.len().max(1) as f64)
        };
        (across / up).clamp(1e-3, 1e3)
    }

    fn fit(&mut self, axes: Rect, context: &Context<'_>) {
        let theme = self.theme;
        let (width, height) = self.size(axes);
        let (x_axis, y_axis, _) = self.along;
        let (x, y) = (&self.matrices.x, &self.matrices.y);
        let (x_scale, y_scale) = (
            match &x.words {
                Some(names) => words::across(theme, self.drawing, Some(x_axis), names, width),
                None => self.numbers(x, x_axis, width, true),
            },
            match &y.words {
                Some(names) => words::up(theme, self.drawing, Some(y_axis), names, height),
                None => self.numbers(y, y_axis, height, false),
            },
        );
        (self.x, self.y) = (x_scale, y_scale);
        let size = theme.text.label;
        self.x_label = axes::broken(&axes::label_of(theme, x_axis), size, axes.width + 12.0);
        self.y_label = axes::broken(&axes::label_of(theme, y_axis), size, axes.height + 4.0);
        let head = |value: &Option<String>| {
            let (column, value) = (self.drawing.facet.as_ref()?, value.as_ref()?);
            let name = look::name(theme, self.drawing, column, value);
            Some(axes::broken(&name, theme.text.title, width))
        };
        self.heads = self.matrices.facets.iter().filter_map(head).collect();
        self.bar.fit(height);
        self.margins = self.needed_margins(context, width);
    }

    /// The scale of numbers, with a tick in the middle of each cell if their labels fit.
    fn numbers(&self, side: &cells::Side, axis: &Axis, length: f64, across: bool) -> Scale {
        let theme = self.theme;
        let (first, last) = (side.edges.first().copied(), side.edges.last().copied());
        let (low, high) = (first.unwrap_or(0.0), last.unwrap_or(1.0));
        let (from, to) = (axis.from.unwrap_or(low), axis.to.unwrap_or(high));
        let whole = side.places.iter().all(|place| place.fract() == 0.0);
        let mut wishes = Wishes {
            kind: axis.scale,
            from: Some(from),
            to: Some(to),
            ticks: axis.ticks.clone(),
            whole,
            pad: 0.0,
        };
        let labels = ticks::spell(&side.places);
        let width = |label: &String| if across { axes::label_width(label, theme) } else { theme.text.tick };
        let widest = labels.iter().map(width).fold(0.0, f64::max);
        let spacing = if across { widest.max(theme.text.tick) + 2.0 * TICK_AIR } else { TICK_SPACING };
        let usual = Scale::new(from, to, length, spacing, &wishes);
        if wishes.ticks.is_some() {
            return usual;
        }
        let at: Vec<f64> =
            side.places.iter().filter_map(|&place| Some(length * usual.position(place)?)).collect();
        if at.windows(2).all(|pair| pair[1] - pair[0] >= widest + TICK_AIR) {
            wishes.ticks = Some(side.places.clone());
            return Scale { minor: Vec::new(), ..Scale::new(from, to, length, spacing, &wishes) };
        }
        usual
    }

    /// How far labels along the axis extend beyond its ends.
    fn overhang(&self, width: f64) -> (f64, f64) {
        let reach = |(value, text): &(f64, String)| {
            let place = self.x.position(*value).unwrap_or(0.0) * width;
            let across =
                if self.x.upright { self.theme.text.tick } else { axes::label_width(text, self.theme) };
            (0.5 * across - place, 0.5 * across - (width - place))
        };
        self.x.ticks.iter().map(reach).fold((0.0, 0.0), |(before, after), (left, right)| {
            (f64::max(before, left), f64::max(after, right))
        })
    }

    /// Width of the tick labels and ticks left of the axes.
    fn labels_width(&self) -> f64 {
        axes::widest(&self.y, self.theme) + self.theme.line.tick_length + TICK_GAP
    }

    fn head_height(&self) -> f64 {
        let lines = self.heads.iter().map(Vec::len).max().unwrap_or(0);
        lines as f64 * TITLE_LEADING * self.theme.text.title
    }

    fn needed_margins(&self, context: &Context<'_>, width: f64) -> Margins {
        let theme = self.theme;
        let label =
            |lines: usize| if lines == 0 { 0.0 } else { LABEL_GAP + axes::label_height(lines, theme) };
        let title = if self.title.is_some() { TITLE_LEADING * theme.text.title } else { 0.0 };
        let mut top = self.head_height() + title;
        top = if top > 0.0 { top + 2.5 } else { 0.5 * theme.text.tick };
        if context.letter {
            top = top.max(1.15 * theme.text.letter);
        }
        let (before, after) = self.overhang(width);
        let bar = if self.drawing.legend == Legend::None { 0.0 } else { BAR_GAP + self.bar.width(theme) };
        let text = font::ASCENT + font::DESCENT;
        Margins {
            left: (label(self.y_label.len()) + self.labels_width()).max(before),
            right: after.max(1.5) + bar,
            top,
            bottom: theme.line.tick_length
                + TICK_GAP
                + axes::labels_height(&self.x, theme)
                + 0.1 * text
                + label(self.x_label.len()),
        }
    }

    fn colour(&self, value: f64) -> Colour {
        Colour::from_map(self.bar.stops(self.theme), self.bar.position(value))
    }
}

/// Checks that all settings of the drawing have a meaning for a heat map, and returns its columns.
fn check<'d>(drawing: &'d Drawing, panel: &str) -> Result<(&'d Axis, &'d Axis, &'d Axis)> {
    let wrong = |message: String, hint: String| {
        Err(Error::Panel { panel: panel.to_owned(), message, hint: Some(hint) })
    };
    let column = |name: &str, axis: &'d Option<Axis>, example: &str| match axis {
        Some(axis) => Ok(axis),
        None => Err(Error::Panel {
            panel: panel.to_owned(),
            message: format!("expected a column for `{name}` of the heat map, found none"),
            hint: Some(format!("in a recipe, `{name} = \"{example}\"`")),
        }),
    };
    let x = column("x", &drawing.x, "timestep")?;
    let y = column("y", &drawing.y, "other_timestep")?;
    let value = column("value", &drawing.value, "cka")?;
    let ignored = [
        ("hue", drawing.hue.is_some()),
        ("style", drawing.style.is_some()),
        ("facet_rows", drawing.facet_rows.is_some()),
        ("band", drawing.band.is_some()),
        ("markers", drawing.markers.is_some()),
        ("reference", !drawing.reference.is_empty()),
        ("snapshot_file", drawing.snapshot_file.is_some()),
        ("words", value.words || value.order.is_some()),
        ("palette", !matches!(drawing.palette, Palette::Auto | Palette::Continuous)),
    ];
    if let Some((name, _)) = ignored.iter().find(|(_, given)| *given) {
        return wrong(
            format!("a heat map has no such `{name}`"),
            "it has `x`, `y`, `value`, `centre`, `square` and `facet`; realisations are averaged".to_owned(),
        );
    }
    for (name, axis) in [("x", x), ("y", y), ("value", value)] {
        if let Some((message, hint)) = wrong_limits(axis) {
            return wrong(format!("`{name}`: {message}"), hint.to_owned());
        }
    }
    if let Some(centre) = drawing.centre {
        let log = value.scale == ScaleKind::Log;
        if !centre.is_finite() || log && centre <= 0.0 {
            let expected = if log { "above 0 on a logarithmic scale" } else { "that is finite" };
            return wrong(
                format!("expected a `centre` {expected}, found {centre}"),
                "centre = 0.5".to_owned(),
            );
        }
    }
    Ok((x, y, value))
}
