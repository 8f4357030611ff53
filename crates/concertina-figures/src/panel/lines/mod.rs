//! Lines over a column, with bands over realisations, in one pair of axes a facet.

mod draw;
mod place;

use concertina_table::Table;
use place::Place;

use crate::{
    Drawing, Result, Theme,
    font::{self, Cut},
    panel::{
        Context,
        axes::{self, LABEL_GAP, TICK_GAP},
        legend::LegendBlock,
        look::{self, Look},
        series::{self, Series, Split},
    },
    recipe::{Axis, Kind},
    rich::Rich,
    scene::{Margins, Rect},
    ticks::{self, Scale, ScaleKind, Wishes},
};

/// Least distance of labelled ticks up the axis, in points.
const TICK_SPACING: f64 = 14.5;
/// Least gap between labels along the axis, in points.
const TICK_AIR: f64 = 8.0;
/// What may be added on top of the data, as a share of their range, to make room for the legend, in turn.
const HEADROOM: [f64; 3] = [0.12, 0.22, 0.32];
/// Between facets that share their vertical scale, in points.
const FACET_GAP: f64 = 8.0;
/// Share of the range left free beside lines, so that they do not run into the spines.
const PAD: f64 = 0.04;
/// Between the axes and a legend above them, in points.
const ABOVE_GAP: f64 = 3.5;
/// Between the axes and a legend to their right, in points.
const LEGEND_GAP: f64 = 6.0;

/// A panel of lines, measured and ready to be drawn.
#[derive(Debug)]
pub(crate) struct LinesPanel<'a> {
    theme: &'a Theme,
    drawing: &'a Drawing,
    title: Option<Rich>,
    split: Split,
    facet_names: Vec<Rich>,
    /// Looks of the hues in each facet.
    hues: Vec<Vec<Look>>,
    styles: Vec<Look>,
    x: Scale,
    /// One a facet, or one for all.
    y: Vec<Scale>,
    x_label: Vec<Rich>,
    y_label: Vec<Rich>,
    legend: LegendBlock,
    place: Place,
    /// Width of one facet's axes, as measured.
    facet_width: f64,
    /// Added on top of the data for the legend, as a share of their range.
    headroom: f64,
    pub(crate) margins: Margins,
}

impl<'a> LinesPanel<'a> {
    pub(crate) fn new(
        table: &Table,
        drawing: &'a Drawing,
        theme: &'a Theme,
        context: &Context<'_>,
    ) -> Result<Self> {
        let split = Split::of(&series::kept(table, drawing)?, drawing, theme, context.name)?;
        let facet = |index: usize| split.facets[index].as_deref();
        let hues: Vec<Vec<Look>> = (0..split.facets.len())
            .map(|index| look::hues(theme, drawing, &split.hues, facet(index)))
            .collect();
        let facet_names = match &drawing.facet {
            Some(column) => split
                .facets
                .iter()
                .map(|value| {
                    Rich::parse(&look::name(theme, drawing, column, value.as_deref().unwrap_or_default()))
                })
                .collect(),
            None => Vec::new(),
        };
        let mut panel = Self {
            theme,
            drawing,
            title: context.title.map(Rich::parse),
            facet_names,
            styles: look::styles(theme, drawing, &split.styles),
            hues,
            x: Scale::new(0.0, 1.0, 1.0, 1.0, &Wishes::default()),
            y: Vec::new(),
            x_label: Vec::new(),
            y_label: Vec::new(),
            legend: LegendBlock::default(),
            place: Place::None,
            facet_width: 0.0,
            headroom: 0.0,
            margins: Margins::default(),
            split,
        };
        panel.legend = panel.legend_block(context);
        panel.measure(context);
        Ok(panel)
    }

    /// Numbers as drawn.
    pub(crate) fn data(&self) -> Result<Table> {
        self.split.to_table(self.drawing)
    }

    /// Points without a summary, in words.
    pub(crate) fn problems(&self) -> Vec<String> {
        let x = self.drawing.x.as_ref().map_or("x", |axis| &axis.column);
        let mut problems = Vec::new();
        for (facet, line) in self.split.all() {
            for point in &line.points {
                if let Err(error) = &point.summary
                    && *error != crate::NoSummary::Empty
                {
                    let levels = [
                        (&self.drawing.facet, &self.split.facets[facet]),
                        (&self.drawing.hue, &self.split.hues[line.hue]),
                        (&self.drawing.style, &self.split.styles[line.style]),
                    ];
                    let group: String = levels
                        .iter()
                        .filter_map(|(column, level)| {
                            Some(format!("{} {}, ", column.as_ref()?, level.as_ref()?))
                        })
                        .collect();
                    problems.push(format!("{group}{x} {}: {error}", point.x));
                }
            }
        }
        problems
    }

    fn axis_label(&self, axis: Option<&Axis>) -> String {
        let Some(axis) = axis else { return String::new() };
        let known = || self.theme.labels.get(&axis.column).cloned();
        axis.label.clone().or_else(known).unwrap_or_else(|| place::capitalised(&axis.column))
    }

    fn markers(&self) -> bool {
        self.drawing.markers.unwrap_or(self.drawing.kind == Kind::Spectrum)
    }

    fn shared_y(&self) -> bool {
        self.drawing.share_y.unwrap_or(true) || self.split.facets.len() < 2
    }

    fn facet_count(&self) -> usize {
        self.split.facets.len().max(1)
    }

    fn y_scale(&self, facet: usize) -> &Scale {
        &self.y[if self.y.len() > 1 { facet.min(self.y.len() - 1) } else { 0 }]
    }

    /// Scales, labels, legend place and margins for a panel of the context's size.
    fn measure(&mut self, context: &Context<'_>) {
        let (width, height) = context.size;
        self.place = self.wanted_place();
        // Axes as large as they come out with usual labels; then again with the labels that gave.
        let mut axes = Rect::new(0.0, 0.0, (width - 28.0).max(10.0), (height - 26.0).max(10.0));
        for _ in 0..2 {
            axes = self.fit(context, axes);
        }
        if self.place == Place::Inside {
            let fixed =
                self.drawing.y.as_ref().is_some_and(|axis| axis.to.is_some() || axis.scale == ScaleKind::Log);
            let mut rooms = if fixed { [].iter() } else { HEADROOM.iter() };
            while self.inside_place(axes).2 > 0 {
                let Some(&room) = rooms.next() else {
                    (self.headroom, self.place) = (0.0, Place::Above);
                    axes = self.fit(context, axes);
                    break;
                };
                self.headroom = room;
                axes = self.fit(context, axes);
            }
        }
        self.fit(context, axes);
    }

    /// Scales and labels for axes of this size, and the axes that their margins leave.
    fn fit(&mut self, context: &Context<'_>, axes: Rect) -> Rect {
        let count = self.facet_count() as f64;
        self.facet_width = ((axes.width - (count - 1.0) * self.between()) / count).max(5.0);
        self.scales(self.facet_width, axes.height);
        let size = self.theme.text.label;
        self.x_label = axes::broken(&self.axis_label(self.drawing.x.as_ref()), size, axes.width + 12.0);
        self.y_label = axes::broken(&self.axis_label(self.drawing.y.as_ref()), size, axes.height + 4.0);
        self.margins = self.needed_margins(context);
        Rect::new(0.0, 0.0, context.size.0, context.size.1).inset(self.margins)
    }

    /// Distance of one facet's axes from the next's.
    fn between(&self) -> f64 {
        if self.shared_y() {
            FACET_GAP
        } else {
            let labels =
                self.y.iter().skip(1).map(|scale| axes::widest(scale, self.theme)).fold(0.0, f64::max);
            FACET_GAP + labels + TICK_GAP + self.theme.line.tick_length
        }
    }

    fn scales(&mut self, width: f64, height: f64) {
        let lines: Vec<(usize, &Series)> = self.split.all().collect();
        let wishes = |axis: Option<&Axis>, whole: bool| Wishes {
            kind: axis.map_or(ScaleKind::Linear, |axis| axis.scale),
            from: axis.and_then(|axis| axis.from),
            to: axis.and_then(|axis| axis.to),
            ticks: axis.and_then(|axis| axis.ticks.clone()),
            whole,
            pad: PAD,
        };
        let log = |axis: Option<&Axis>| axis.is_some_and(|axis| axis.scale == ScaleKind::Log);
        let (x_axis, y_axis) = (self.drawing.x.as_ref(), self.drawing.y.as_ref());
        let xs: Vec<f64> = lines
            .iter()
            .flat_map(|(_, line)| line.points.iter().map(|point| point.x))
            .chain(self.drawing.reference.iter().filter_map(|line| line.x))
            .collect();
        let whole = |values: &[f64]| values.iter().all(|value| value.fract() == 0.0);
        let (low, high) = range(&xs, log(x_axis));
        let label =
            |value: f64| font::width(&ticks::plain(value.round()), Cut::Regular, self.theme.text.tick);
        let spacing = if log(x_axis) { 20.0 } else { label(low).max(label(high)) + TICK_AIR };
        let x = Scale::new(low, high, width, spacing, &wishes(x_axis, whole(&xs)));
        let groups: Vec<Option<usize>> =
            if self.shared_y() { vec![None] } else { (0..self.facet_count()).map(Some).collect() };
        let y = groups
            .into_iter()
            .map(|group| {
                let mut ys: Vec<f64> = self.drawing.reference.iter().filter_map(|line| line.y).collect();
                for (_, line) in lines.iter().filter(|(facet, _)| group.is_none_or(|group| group == *facet)) {
                    for summary in line.points.iter().filter_map(|point| point.summary.as_ref().ok()) {
                        ys.push(summary.centre);
                        ys.extend(summary.interval.into_iter().flat_map(|(low, high)| [low, high]));
                    }
                    ys.extend(line.singles.iter().flatten().map(|(_, y)| *y));
                }
                let (low, high) = range(&ys, log(y_axis));
                let low_shown = y_axis.and_then(|axis| axis.from).unwrap_or(low);
                let high = high + self.headroom * (high - low_shown).max(0.0);
                Scale::new(low, high, height, TICK_SPACING, &wishes(y_axis, !ys.is_empty() && whole(&ys)))
            })
            .collect();
        (self.x, self.y) = (x, y);
    }

    fn needed_margins(&self, context: &Context<'_>) -> Margins {
        let theme = self.theme;
        let tick = theme.line.tick_length + TICK_GAP;
        let text = font::ASCENT + font::DESCENT;
        let label =
            |lines: usize| if lines == 0 { 0.0 } else { LABEL_GAP + axes::label_height(lines, theme) };
        let half_last = |scale: &Scale| {
            let over = |(value, text): &(f64, String)| {
                let left_over = (1.0 - scale.position(*value).unwrap_or(0.0)) * self.facet_width;
                (0.5 * Rich::parse(text).width(theme.text.tick) - left_over).max(0.0)
            };
            scale.ticks.iter().map(over).fold(0.0, f64::max)
        };
        let mut top: f64 = 0.5 * theme.text.tick;
        let mut lines = 0.0;
        if self.title.is_some() {
            lines += 1.2 * theme.text.title;
        }
        if !self.facet_names.is_empty() {
            lines += 1.2 * theme.text.title;
        }
        if lines > 0.0 {
            top = lines + 2.5;
        }
        if context.letter {
            top = top.max(1.15 * theme.text.letter);
        }
        let mut right = half_last(&self.x).max(1.5);
        let left = label(self.y_label.len()) + axes::widest(self.y_scale(0), theme) + tick;
        match self.place {
            Place::Above => {
                top += self.legend.rows_height(self.above_width(context.size.0, left), theme) + ABOVE_GAP
            }
            Place::Right => right += LEGEND_GAP + self.legend.list_size(theme).0,
            _ => {}
        }
        Margins {
            left,
            right,
            top,
            bottom: tick + font::CAP_HEIGHT * theme.text.tick + 0.1 * text + label(self.x_label.len()),
        }
    }

    fn above_width(&self, width: f64, left: f64) -> f64 {
        width - left
    }

    fn facet_rects(&self, axes: Rect) -> Vec<Rect> {
        let count = self.facet_count();
        let between = self.between();
        let width = ((axes.width - (count - 1) as f64 * between) / count as f64).max(1.0);
        (0..count)
            .map(|index| {
                Rect::new(axes.left + index as f64 * (width + between), axes.top, width, axes.height)
            })
            .collect()
    }
}

/// Least and largest value; only positive ones count on a logarithmic scale.
fn range(values: &[f64], log: bool) -> (f64, f64) {
    let usable = values.iter().copied().filter(|&value| value.is_finite() && (!log || value > 0.0));
    let (low, high) = usable
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    if low <= high {
        (low, high)
    } else if log {
        (0.1, 10.0)
    } else {
        (0.0, 1.0)
    }
}
