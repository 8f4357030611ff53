//! Words along an axis: how they are labelled, and how marks over the same word are placed next to each
//! other.

use super::{
    PlotPanel,
    measure::{TICK_AIR, TICK_SPACING},
};
use crate::{
    Axis, Drawing, Theme,
    panel::{
        axes::{self, LEADING},
        look,
        series::Series,
    },
    ticks::{Scale, ScaleKind},
};

/// The share of a word's space that its marks take up; arbitrary, so that neighbouring words stay apart.
pub(super) const SPREAD: f64 = 0.5;

impl PlotPanel<'_> {
    /// The scale of words along the horizontal axis.
    pub(super) fn words_across(&self, words: &[String], width: f64) -> Scale {
        across(self.theme, self.drawing, self.drawing.x.as_ref(), words, width)
    }

    /// The scale of words along the vertical axis.
    pub(super) fn words_up(&self, words: &[String], height: f64) -> Scale {
        up(self.theme, self.drawing, self.drawing.y.as_ref(), words, height)
    }

    /// The position of a value of a line along the horizontal axis, next to the values of other lines over
    /// the same word.
    pub(super) fn across(&self, cell: usize, line: &Series, x: f64) -> f64 {
        let lines = self.split.series.get(cell).map_or(&[][..], Vec::as_slice);
        if self.split.x_words.is_none() || self.is_scatter() || !shares_a_place(lines) {
            return x;
        }
        let levels = &self.split.levels;
        let (places, place) =
            (levels.hues.len() * levels.styles.len(), line.hue * levels.styles.len() + line.style);
        x + SPREAD * ((place as f64 + 0.5) / places.max(1) as f64 - 0.5)
    }
}

/// The names of words along an axis.
fn called(theme: &Theme, drawing: &Drawing, axis: Option<&Axis>, words: &[String]) -> Vec<String> {
    let column = axis.map(|axis| axis.column.as_str()).unwrap_or_default();
    words.iter().map(|word| look::name(theme, drawing, column, word)).collect()
}

/// The scale of words along a horizontal axis of `width` points: in lines if they fit into their spaces,
/// otherwise upright.
pub(crate) fn across(
    theme: &Theme,
    drawing: &Drawing,
    axis: Option<&Axis>,
    words: &[String],
    width: f64,
) -> Scale {
    let names = called(theme, drawing, axis, words);
    let size = theme.text.tick;
    let place = width / words.len().max(1) as f64;
    let free = place - 0.5 * TICK_AIR;
    let in_lines: Vec<String> = names.iter().map(|name| axes::wrapped(name, size, free)).collect();
    if in_lines.iter().all(|label| axes::label_width(label, theme) <= free) {
        return scale_of(in_lines, 1, false);
    }
    let every = (LEADING * size / place).ceil() as usize;
    let in_one_line = names.iter().map(|name| name.replace('\n', " ")).collect();
    scale_of(in_one_line, every, true)
}

/// The scale of words along a vertical axis of `height` points.
pub(crate) fn up(
    theme: &Theme,
    drawing: &Drawing,
    axis: Option<&Axis>,
    words: &[String],
    height: f64,
) -> Scale {
    let names = called(theme, drawing, axis, words);
    let every = (0.5 * TICK_SPACING * words.len() as f64 / height).ceil() as usize;
    scale_of(names.iter().map(|name| name.replace('\n', " ")).collect(), every, false)
}

/// A scale of words at the positions 0, 1, and so on. If there are too many, only every `every`-th has a
/// label.
fn scale_of(labels: Vec<String>, every: usize, upright: bool) -> Scale {
    let to = labels.len().max(1) as f64 - 0.5;
    let ticks = labels.into_iter().enumerate().step_by(every.max(1));
    let ticks = ticks.map(|(place, label)| (place as f64, label)).collect();
    Scale { kind: ScaleKind::Linear, from: -0.5, to, ticks, minor: Vec::new(), upright }
}

/// Whether two lines have a point over the same word.
fn shares_a_place(lines: &[Series]) -> bool {
    let mut seen: Vec<f64> = Vec::new();
    for line in lines {
        if line.points.iter().any(|point| seen.contains(&point.x)) {
            return true;
        }
        seen.extend(line.points.iter().map(|point| point.x));
    }
    false
}
