//! Lines over a column with bands over realisations, or marks, in one pair of axes per facet.

mod boxes;
mod brackets;
mod draw;
pub(super) mod measure;
mod place;
mod problems;
pub(super) mod words;

use brackets::Placed;
use concertina_table::Table;
use place::Place;

use crate::{
    Drawing, Error, ErrorBar, Result, Theme,
    drawing::{Axis, Kind, Legend, ReferenceLine, Share},
    panel::{
        Context, axes,
        colour_bar::ColourBar,
        legend::LegendBlock,
        look::{self, Look},
        rows,
        series::{self, Split},
        vectors,
    },
    rich::Rich,
    scene::Margins,
    ticks::{Scale, ScaleKind, Wishes},
};

/// A panel of lines or marks, measured and ready to be drawn.
#[derive(Debug)]
pub(crate) struct PlotPanel<'a> {
    theme: &'a Theme,
    drawing: &'a Drawing,
    title: Option<Rich>,
    /// The rows that are drawn.
    kept: Table,
    /// Names of values that do not occur, and of columns that the drawing does not distinguish.
    idle_names: Vec<String>,
    split: Split,
    /// Names of the columns of facets, in lines.
    heads: Vec<Vec<Rich>>,
    /// Names of the rows of facets, in lines.
    row_names: Vec<Vec<Rich>>,
    /// Looks of the hues in each facet.
    hues: Vec<Vec<Look>>,
    styles: Vec<Look>,
    x: Scale,
    /// One scale per facet, one per row, or one for all.
    y: Vec<Scale>,
    x_label: Vec<Rich>,
    y_label: Vec<Rich>,
    legend: LegendBlock,
    bar: Option<ColourBar>,
    place: Place,
    /// Width and height of one facet's axes, as measured.
    facet_size: (f64, f64),
    /// Space added above the data for the legend, as a share of their range.
    headroom: f64,
    /// The marks of significance of each pair of axes.
    brackets: Vec<Vec<Placed>>,
    pub(crate) margins: Margins,
}

impl<'a> PlotPanel<'a> {
    pub(crate) fn new(
        table: &Table,
        drawing: &'a Drawing,
        theme: &'a Theme,
        context: &Context<'_>,
    ) -> Result<Self> {
        check(drawing, context.name)?;
        let mut kept = rows::kept(table, drawing, context.name)?;
        if drawing.kind == Kind::Scatter {
            kept = vectors::unrolled(kept, drawing, context.name)?;
        }
        let split = if drawing.kind == Kind::Scatter {
            Split::marks(&kept, drawing, theme, context.name)?
        } else {
            Split::lines(&kept, drawing, theme, context.name)?
        };
        if let Some(words) = split.x_words.as_ref().or(split.y_words.as_ref()).filter(|_| drawing.square) {
            return Err(Error::Panel {
                panel: context.name.to_owned(),
                message: format!(
                    "expected numbers along both axes with `square`, found {}",
                    rows::listed(words)
                ),
                hint: Some("leave out `square`, or draw columns of numbers".to_owned()),
            });
        }
        let idle_names = problems::idle_names(table, drawing, &split)?;
        let levels = &split.levels;
        let hues =
            levels.facets.iter().map(|facet| look::hues(theme, drawing, &levels.hues, facet.as_deref()));
        let mut panel = Self {
            theme,
            drawing,
            title: context.title.map(Rich::parse),
            kept,
            idle_names,
            heads: Vec::new(),
            row_names: Vec::new(),
            hues: hues.collect(),
            styles: look::styles(theme, drawing, &levels.styles),
            x: Scale::new(0.0, 1.0, 1.0, 1.0, &Wishes::default()),
            y: Vec::new(),
            x_label: Vec::new(),
            y_label: Vec::new(),
            legend: LegendBlock::default(),
            bar: None,
            place: Place::None,
            facet_size: (0.0, 0.0),
            headroom: 0.0,
            brackets: Vec::new(),
            margins: Margins::default(),
            split,
        };
        panel.check_words(context.name)?;
        panel.brackets = panel.placed_brackets();
        panel.bar = panel.colour_bar(context);
        panel.legend = panel.legend_block(context);
        panel.measure(context);
        Ok(panel)
    }

    /// Checks that the horizontal axis has words, if something in the drawing is only for words.
    fn check_words(&self, panel: &str) -> Result<()> {
        let band = self.drawing.band.is_some_and(ErrorBar::needs_words);
        let needs_words = band || !self.drawing.brackets.is_empty();
        if !needs_words || self.split.x_words.is_some() || self.kept.is_empty() {
            return Ok(());
        }
        let what = if band { "this `band`" } else { "marks of significance" };
        Err(Error::Panel {
            panel: panel.to_owned(),
            message: format!("expected words along the horizontal axis for {what}, found numbers"),
            hint: Some("`words = true` for the axis places numbers like words".to_owned()),
        })
    }

    /// The numbers as they are drawn.
    pub(crate) fn data(&self) -> Result<Table> {
        if self.is_scatter() {
            series::scattered(&self.kept, self.drawing)
        } else {
            self.split.to_table(self.drawing)
        }
    }

    fn is_scatter(&self) -> bool {
        self.drawing.kind == Kind::Scatter
    }

    /// Whether values are drawn only as marks: rows of a scatter, and lines that have a single point or run
    /// over words, which have no order to join them in. Marks are distinguished by their shapes, lines by
    /// their dashes.
    fn has_marks(&self) -> bool {
        let mut lines = self.split.all().filter(|(_, line)| !line.is_empty()).peekable();
        let alone = lines.peek().is_some() && lines.all(|(_, line)| line.points.len() < 2);
        self.is_scatter() || self.split.x_words.is_some() || alone
    }

    fn axis_label(&self, axis: Option<&Axis>) -> String {
        axis.map_or_else(String::new, |axis| axes::label_of(self.theme, axis))
    }

    /// Whether lines have marks at their points.
    fn markers(&self) -> bool {
        self.drawing.markers.unwrap_or(self.drawing.kind == Kind::Spectrum)
    }

    /// The numbers of columns and rows of facets.
    fn grid(&self) -> (usize, usize) {
        (self.split.levels.facets.len().max(1), self.split.levels.rows.len().max(1))
    }

    /// Whether the facets of a row have the same vertical scale.
    fn shared_y(&self) -> bool {
        self.drawing.share_y != Share::None || self.grid().0 < 2
    }

    /// Which of the vertical scales a facet has.
    fn scale_of(&self, cell: usize) -> usize {
        match self.drawing.share_y {
            Share::All => 0,
            Share::Rows => self.split.levels.row_of(cell),
            Share::None => cell,
        }
    }

    fn y_scale(&self, cell: usize) -> &Scale {
        &self.y[self.scale_of(cell).min(self.y.len() - 1)]
    }
}

/// Checks that all settings of a drawing have a meaning for its kind.
fn check(drawing: &Drawing, panel: &str) -> Result<()> {
    let wrong = |message: &str, hint: &str| {
        let (panel, message, hint) = (panel.to_owned(), message.to_owned(), Some(hint.to_owned()));
        Err(Error::Panel { panel, message, hint })
    };
    if drawing.kind == Kind::Scatter && drawing.band.is_some() {
        return wrong("a scatter draws every row and has no `band`", "use `kind = \"lines\"` to summarise");
    }
    if drawing.snapshot_file.is_some() {
        return wrong(
            "`snapshot_file` names the files of snapshots, but this panel has none",
            "leave it out",
        );
    }
    if drawing.value.is_some() || drawing.centre.is_some() {
        return wrong(
            "only a heat map has `value` and `centre`",
            "use `kind = \"heat_map\"`, or leave them out",
        );
    }
    for (name, axis) in [("x", &drawing.x), ("y", &drawing.y)] {
        let Some(axis) = axis else { continue };
        if let Some((message, hint)) = wrong_limits(axis) {
            return wrong(&format!("`{name}`: {message}"), hint);
        }
        if drawing.square && axis.scale == ScaleKind::Log {
            let message = format!("`{name}`: expected a linear axis with `square`, found a logarithmic one");
            return wrong(&message, "leave out `square` or `scale`");
        }
    }
    let given = |line: &ReferenceLine| [line.x, line.y, line.circle].into_iter().flatten().count();
    if drawing.reference.iter().any(|line| given(line) != 1) {
        return wrong(
            "expected one of `x`, `y` and `circle` of a reference line",
            "two lines are two entries: [{ x = 1 }, { y = 0 }]",
        );
    }
    if let Some(radius) = drawing
        .reference
        .iter()
        .filter_map(|line| line.circle)
        .find(|radius| !(radius.is_finite() && *radius > 0.0))
    {
        return wrong(&format!("expected a radius above 0 of the circle, found {radius}"), "circle = 1");
    }
    if drawing.legend == Legend::ColourBar && drawing.hue.is_none() {
        return wrong("expected a `hue` for the colour bar, found none", "name the column: hue = \"gain\"");
    }
    Ok(())
}

/// What is wrong with the limits of an axis, with a hint.
pub(super) fn wrong_limits(axis: &Axis) -> Option<(String, &'static str)> {
    let log = axis.scale == ScaleKind::Log;
    let numbers = [axis.from, axis.to].into_iter().flatten().chain(axis.ticks.iter().flatten().copied());
    for number in numbers {
        if !number.is_finite() {
            return Some((
                format!("expected finite limits and ticks, found {number}"),
                "leave them out to see all values",
            ));
        }
        if log && number <= 0.0 {
            let message = format!("expected limits and ticks above 0 on a logarithmic axis, found {number}");
            return Some((message, "leave it out, or use a small number above 0"));
        }
    }
    match (axis.from, axis.to) {
        (Some(from), Some(to)) if from >= to => {
            Some((format!("expected `from` below `to`, found {from} and {to}"), "swap them"))
        }
        _ => None,
    }
}
