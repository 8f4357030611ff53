//! Measures a plot: its scales, its labels, the places of its facets, and the space that its texts need.

use super::{PlotPanel, place::Place};
use crate::{
    drawing::{Axis, Share},
    font::{self, Cut},
    panel::{
        Context,
        axes::{self, LABEL_GAP, TICK_GAP},
        look,
        series::Series,
    },
    scene::{Margins, Rect},
    ticks::{self, Scale, ScaleKind, Wishes},
};

/// Least distance of labelled ticks up the axis, in points.
pub(crate) const TICK_SPACING: f64 = 14.5;
/// Least gap between labels along the axis, in points.
pub(super) const TICK_AIR: f64 = 8.0;
/// The space that may be added above the data to make room for the legend, as a share of their range; tried
/// in this order.
const HEADROOM: [f64; 3] = [0.12, 0.22, 0.32];
/// Between facets that share their vertical scale, in points.
const FACET_GAP: f64 = 8.0;
/// Between rows of facets, in points, so that the tick labels at the ends of two axes do not meet.
const ROW_GAP: f64 = 8.5;
/// Share of the range left free next to lines, so that they do not run into the spines.
const PAD: f64 = 0.04;
/// Between the axes and a legend above them, in points.
pub(super) const ABOVE_GAP: f64 = 3.5;
/// Between the axes and a legend to their right, in points.
pub(super) const LEGEND_GAP: f64 = 6.0;
/// Between the axes and the name of their row, in points.
pub(super) const ROW_NAME_GAP: f64 = 4.0;
/// Height of a line of a title, relative to its size.
pub(super) const TITLE_LEADING: f64 = 1.2;

impl PlotPanel<'_> {
    /// Determines scales, labels, the legend's place and margins for a panel of the context's size.
    pub(super) fn measure(&mut self, context: &Context<'_>) {
        let (width, height) = context.size;
        self.place = self.wanted_place();
        // First as large as the axes are with typical labels; then again with the labels found.
        let mut axes = Rect::new(0.0, 0.0, (width - 28.0).max(10.0), (height - 26.0).max(10.0));
        for _ in 0..2 {
            axes = self.fit(context, axes);
        }
        if self.place == Place::Inside {
            let fixed =
                self.drawing.y.as_ref().is_some_and(|axis| axis.to.is_some() || axis.scale == ScaleKind::Log);
            let mut rooms = if fixed { [].iter() } else { HEADROOM.iter() };
            while self.inside_place(axes).1 > 0 {
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

    /// Determines scales and labels for axes of this size, and returns the axes that their margins leave.
    fn fit(&mut self, context: &Context<'_>, axes: Rect) -> Rect {
        let (columns, rows) = self.grid();
        let share = |length: f64, count: usize, gap: f64| {
            ((length - (count - 1) as f64 * gap) / count as f64).max(5.0)
        };
        let (width, height) = (share(axes.width, columns, self.between()), share(axes.height, rows, ROW_GAP));
        self.facet_size = (width, height);
        self.scales(width, height);
        let size = self.theme.text.label;
        self.x_label = axes::broken(&self.axis_label(self.drawing.x.as_ref()), size, axes.width + 12.0);
        self.y_label = axes::broken(&self.axis_label(self.drawing.y.as_ref()), size, axes.height + 4.0);
        let levels = &self.split.levels;
        let name = |column: &Option<String>, value: &Option<String>, length: f64| {
            let (column, value) = (column.as_ref()?, value.as_deref()?);
            let name = look::name(self.theme, self.drawing, column, value);
            Some(axes::broken(&name, self.theme.text.title, length))
        };
        let heads = levels.facets.iter().filter_map(|value| name(&self.drawing.facet, value, width));
        let row_names = levels.rows.iter().filter_map(|value| name(&self.drawing.facet_rows, value, height));
        (self.heads, self.row_names) = (heads.collect(), row_names.collect());
        self.margins = self.needed_margins(context);
        Rect::new(0.0, 0.0, context.size.0, context.size.1).inset(self.margins)
    }

    /// The distance between the axes of neighbouring facets.
    fn between(&self) -> f64 {
        if self.shared_y() {
            // Labels under the ends of neighbouring axes must not meet.
            let (before, after) = self.overhang();
            FACET_GAP.max(before + after + 0.5 * TICK_AIR)
        } else {
            let labels =
                self.y.iter().skip(1).map(|scale| axes::widest(scale, self.theme)).fold(0.0, f64::max);
            FACET_GAP + labels + TICK_GAP + self.theme.line.tick_length
        }
    }

    /// How far labels along the axis extend beyond its ends.
    fn overhang(&self) -> (f64, f64) {
        let width = self.facet_size.0;
        let reach = |(value, text): &(f64, String)| {
            let place = self.x.position(*value).unwrap_or(0.0) * width;
            let across =
                if self.x.upright { self.theme.text.tick } else { axes::label_width(text, self.theme) };
            (place, 0.5 * across)
        };
        let over = self.x.ticks.iter().map(reach).map(|(place, half)| (half - place, half - (width - place)));
        over.fold((0.0, 0.0), |(before, after), (left, right)| (left.max(before), right.max(after)))
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
        let along = |line: &Series| -> Vec<f64> {
            line.points.iter().map(|point| point.x).chain(line.marks.iter().map(|mark| mark.0)).collect()
        };
        let circles = self.drawing.reference.iter().filter_map(|line| line.circle);
        let circles = circles.flat_map(|radius| [-radius, radius]);
        let xs: Vec<f64> = lines
            .iter()
            .flat_map(|(_, line)| along(line))
            .chain(self.drawing.reference.iter().filter_map(|line| line.x))
            .chain(circles.clone())
            .collect();
        let whole = |values: &[f64]| values.iter().all(|value| value.fract() == 0.0);
        let (low, high) = range(&xs, log(x_axis));
        let label =
            |value: f64| font::width(&ticks::plain(value.round()), Cut::Regular, self.theme.text.tick);
        let spacing = if log(x_axis) { 20.0 } else { label(low).max(label(high)) + TICK_AIR };
        let x = match &self.split.x_words {
            Some(words) => self.words_across(words, width),
            None => Scale::new(low, high, width, spacing, &wishes(x_axis, whole(&xs))),
        };
        let (columns, rows) = self.grid();
        let groups = match self.drawing.share_y {
            Share::All => 1,
            Share::Rows => rows,
            Share::None => rows * columns,
        };
        let y = (0..groups)
            .map(|group| {
                if let Some(words) = &self.split.y_words {
                    return self.words_up(words, height);
                }
                let mut ys: Vec<f64> = self.drawing.reference.iter().filter_map(|line| line.y).collect();
                ys.extend(circles.clone());
                for (_, line) in lines.iter().filter(|(cell, _)| self.scale_of(*cell) == group) {
                    for summary in line.points.iter().filter_map(|point| point.summary.as_ref().ok()) {
                        ys.push(summary.centre);
                        ys.extend(summary.interval.into_iter().flat_map(|(low, high)| [low, high]));
                    }
                    ys.extend(line.singles.iter().flatten().filter_map(|(_, y)| *y));
                    ys.extend(line.marks.iter().map(|(_, y)| *y));
                }
                let (low, high) = range(&ys, log(y_axis));
                let low_shown = y_axis.and_then(|axis| axis.from).unwrap_or(low);
                let high = high + self.headroom * (high - low_shown).max(0.0);
                let high = self.above_data(group, (low_shown, high), height, log(y_axis));
                Scale::new(low, high, height, TICK_SPACING, &wishes(y_axis, !ys.is_empty() && whole(&ys)))
            })
            .collect();
        (self.x, self.y) = (x, y);
        if self.drawing.square {
            self.square_scales((width, height), spacing, wishes(x_axis, false));
        }
    }

    /// Widens the scales around their middles until a unit has the same length along all of them.
    fn square_scales(&mut self, (width, height): (f64, f64), spacing: f64, wishes: Wishes) {
        let unit = |scale: &Scale, length: f64| (scale.to - scale.from) / length;
        let units = self.y.iter().map(|scale| unit(scale, height));
        let largest = units.fold(unit(&self.x, width), f64::max);
        let widened = |scale: &Scale, length: f64, spacing: f64, ticks: Option<Vec<f64>>| {
            let (middle, half) = (0.5 * (scale.from + scale.to), 0.5 * largest * length);
            let (from, to) = (middle - half, middle + half);
            let wishes = Wishes { from: Some(from), to: Some(to), ticks, ..wishes.clone() };
            Scale::new(from, to, length, spacing, &wishes)
        };
        let y_ticks = self.drawing.y.as_ref().and_then(|axis| axis.ticks.clone());
        let y = self.y.iter().map(|scale| widened(scale, height, TICK_SPACING, y_ticks.clone())).collect();
        (self.x, self.y) = (widened(&self.x, width, spacing, wishes.ticks.clone()), y);
    }

    fn needed_margins(&self, context: &Context<'_>) -> Margins {
        let theme = self.theme;
        let tick = theme.line.tick_length + TICK_GAP;
        let text = font::ASCENT + font::DESCENT;
        let label =
            |lines: usize| if lines == 0 { 0.0 } else { LABEL_GAP + axes::label_height(lines, theme) };
        let mut top: f64 = 0.5 * theme.text.tick;
        let mut lines = self.head_height();
        if self.title.is_some() {
            lines += TITLE_LEADING * theme.text.title;
        }
        if lines > 0.0 {
            top = lines + 2.5;
        }
        if context.letter {
            top = top.max(1.15 * theme.text.letter);
        }
        let mut right = self.overhang().1.max(1.5).max(self.row_name_width());
        let widest = self.y.iter().take(if self.shared_y() { usize::MAX } else { 1 });
        let widest = widest.map(|scale| axes::widest(scale, theme)).fold(0.0, f64::max);
        let left = label(self.y_label.len()) + widest + tick;
        match self.place {
            Place::Above => {
                top += self.legend.rows_height(self.above_width(context.size.0, left), theme) + ABOVE_GAP
            }
            Place::Right => right += LEGEND_GAP + self.legend.list_size(theme).0,
            _ => {}
        }
        if let Some(bar) = &self.bar {
            right += LEGEND_GAP + bar.width(theme);
        }
        Margins {
            left,
            right,
            top,
            bottom: tick + axes::labels_height(&self.x, theme) + 0.1 * text + label(self.x_label.len()),
        }
    }

    /// Height of the names above the facets.
    pub(super) fn head_height(&self) -> f64 {
        let lines = self.heads.iter().map(Vec::len).max().unwrap_or(0);
        lines as f64 * TITLE_LEADING * self.theme.text.title
    }

    /// Width of the names next to the rows, including their distance from the axes.
    pub(super) fn row_name_width(&self) -> f64 {
        let lines = self.row_names.iter().map(Vec::len).max().unwrap_or(0);
        if lines == 0 { 0.0 } else { ROW_NAME_GAP + lines as f64 * axes::LEADING * self.theme.text.title }
    }

    pub(super) fn above_width(&self, width: f64, left: f64) -> f64 {
        width - left
    }

    /// The axes of each facet, row by row.
    pub(super) fn facet_rects(&self, axes: Rect) -> Vec<Rect> {
        let (columns, rows) = self.grid();
        let between = self.between();
        let width = ((axes.width - (columns - 1) as f64 * between) / columns as f64).max(1.0);
        let height = ((axes.height - (rows - 1) as f64 * ROW_GAP) / rows as f64).max(1.0);
        let place = |cell: usize| {
            let (row, column) = (cell / columns, cell % columns);
            let (left, top) = (column as f64 * (width + between), row as f64 * (height + ROW_GAP));
            let place = Rect::new(axes.left + left, axes.top + top, width, height);
            if self.drawing.square {
                // The margins of neighbours may leave less than was measured.
                let ratio = |scale: &Scale| (self.x.to - self.x.from) / (scale.to - scale.from);
                place.with_ratio(ratio(self.y_scale(cell)))
            } else {
                place
            }
        };
        (0..rows * columns).map(place).collect()
    }
}

/// The smallest and the largest value; on a logarithmic scale, only positive values count.
fn range(values: &[f64], log: bool) -> (f64, f64) {
    let usable = values.iter().copied().filter(|&value| value.is_finite() && (!log || value > 0.0));
    let (low, high) = usable
        .map(|value| value.clamp(-ticks::FARTHEST, ticks::FARTHEST))
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    if low <= high {
        (low, high)
    } else if log {
        (0.1, 10.0)
    } else {
        (0.0, 1.0)
    }
}
