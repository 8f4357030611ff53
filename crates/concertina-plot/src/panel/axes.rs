//! A pair of axes: spines, ticks and their labels.

use crate::{
    Axis, Theme, font,
    rich::Rich,
    scene::{Anchor, Item, Pen, Point, Rect, Scene},
    ticks::Scale,
};

/// Between a tick and its label, in points.
pub(crate) const TICK_GAP: f64 = 1.4;
/// Between tick labels and the axis label, in points.
pub(crate) const LABEL_GAP: f64 = 2.6;
/// Distance of the lines of a label, relative to its size.
pub(crate) const LEADING: f64 = 1.16;

/// A rectangle with a scale along its lower edge and a scale along its left edge.
#[derive(Clone, Debug)]
pub(crate) struct Axes<'a> {
    pub(crate) place: Rect,
    pub(crate) x: &'a Scale,
    pub(crate) y: &'a Scale,
}

impl Axes<'_> {
    /// The position of a value on the page.
    pub(crate) fn at(&self, x: f64, y: f64) -> Option<Point> {
        let (across, up) = (self.x.position(x)?, self.y.position(y)?);
        Some((self.place.left + across * self.place.width, self.place.bottom() - up * self.place.height))
    }

    /// The ends of a band on the page. The lower end is at the edge of the axes where a logarithmic scale
    /// cannot show it. `None` if no part of the band can be shown on such a scale.
    pub(crate) fn span(&self, x: f64, low: f64, high: f64) -> Option<(Point, Point)> {
        let low = if self.y.position(low).is_none() { self.y.from } else { low };
        Some((self.at(x, low)?, self.at(x, high)?))
    }

    /// Draws spines, ticks and tick labels; `x_labels` and `y_labels` are false where a neighbour's labels
    /// suffice.
    pub(crate) fn draw(&self, scene: &mut Scene, theme: &Theme, x_labels: bool, y_labels: bool) {
        let Rect { left, top, .. } = self.place;
        let (right, bottom) = (self.place.right(), self.place.bottom());
        let axis = Pen::solid(theme.colour.axis, theme.line.axis);
        let corner = vec![(left, top), (left, bottom), (right, bottom)];
        scene.items.push(Item::Lines { strokes: vec![corner], pen: axis });
        let mut strokes = Vec::new();
        let x_at = |value: f64| self.x.position(value).map(|share| left + share * self.place.width);
        let y_at = |value: f64| self.y.position(value).map(|share| bottom - share * self.place.height);
        let ticks = [(theme.line.tick_length, false), (theme.line.minor_tick_length, true)];
        for (length, minor) in ticks {
            let values = |scale: &Scale| -> Vec<f64> {
                if minor {
                    scale.minor.clone()
                } else {
                    scale.ticks.iter().map(|(value, _)| *value).collect()
                }
            };
            strokes.extend(
                values(self.x).into_iter().filter_map(x_at).map(|x| vec![(x, bottom), (x, bottom + length)]),
            );
            strokes.extend(
                values(self.y).into_iter().filter_map(y_at).map(|y| vec![(left - length, y), (left, y)]),
            );
        }
        scene.items.push(Item::Lines { strokes, pen: Pen::solid(theme.colour.axis, theme.line.tick) });
        let size = theme.text.tick;
        if x_labels {
            for (value, label) in &self.x.ticks {
                let Some(x) = x_at(*value) else { continue };
                let top = bottom + theme.line.tick_length + TICK_GAP;
                if self.x.upright {
                    let place = (x + 0.5 * font::CAP_HEIGHT * size, top);
                    let (rich, anchor, colour) = (Rich::parse(label), Anchor::End, theme.text.colour);
                    scene.items.push(Item::Text { place, rich, size, anchor, upright: true, colour });
                    continue;
                }
                for (line, text) in label.split('\n').enumerate() {
                    let baseline = top + size * (font::CAP_HEIGHT + line as f64 * LEADING);
                    scene.text((x, baseline), Rich::parse(text), size, Anchor::Middle, theme.text.colour);
                }
            }
        }
        if y_labels {
            for (value, label) in &self.y.ticks {
                if let Some(y) = y_at(*value) {
                    let place = (left - theme.line.tick_length - TICK_GAP, y + 0.5 * font::CAP_HEIGHT * size);
                    scene.text(place, Rich::parse(label), size, Anchor::End, theme.text.colour);
                }
            }
        }
    }
}

/// The label of an axis: its own, the theme's, or the name of its column.
pub(crate) fn label_of(theme: &Theme, axis: &Axis) -> String {
    let known = || theme.labels.get(&axis.column).cloned();
    axis.label.clone().or_else(known).unwrap_or_else(|| capitalised(&axis.column))
}

/// `weight_decay` as `Weight decay`.
pub(crate) fn capitalised(column: &str) -> String {
    let spaced = column.replace('_', " ");
    let mut letters = spaced.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Draws the label of the horizontal axis with its upper edge at `below`.
pub(crate) fn draw_x_label(scene: &mut Scene, theme: &Theme, lines: &[Rich], axes: Rect, below: f64) {
    let (size, colour) = (theme.text.label, theme.text.colour);
    for (index, line) in lines.iter().enumerate() {
        let baseline = below + size * (font::ASCENT + index as f64 * LEADING);
        scene.text((axes.left + axes.width / 2.0, baseline), line.clone(), size, Anchor::Middle, colour);
    }
}

/// Draws the label of the vertical axis with its right edge at `right`, and within `outer`.
pub(crate) fn draw_y_label(
    scene: &mut Scene,
    theme: &Theme,
    lines: &[Rich],
    axes: Rect,
    outer: Rect,
    right: f64,
) {
    let (size, colour) = (theme.text.label, theme.text.colour);
    let count = lines.len();
    for (index, line) in lines.iter().enumerate() {
        let across = right - size * (font::DESCENT + (count - 1 - index) as f64 * LEADING);
        let length = line.width(size);
        // Centred on the axes, but never beyond the panel.
        let middle = axes.top + axes.height / 2.0;
        let middle = middle.min(outer.bottom() - length / 2.0).max(outer.top + length / 2.0);
        let place = (across, middle);
        let rich = line.clone();
        scene.items.push(Item::Text { place, rich, size, anchor: Anchor::Middle, upright: true, colour });
    }
}

/// Width of a tick label, or of its longest line if it has several.
pub(crate) fn label_width(label: &str, theme: &Theme) -> f64 {
    label.split('\n').map(|line| Rich::parse(line).width(theme.text.tick)).fold(0.0, f64::max)
}

/// Width of the widest tick label.
pub(crate) fn widest(scale: &Scale, theme: &Theme) -> f64 {
    scale.ticks.iter().map(|(_, label)| label_width(label, theme)).fold(0.0, f64::max)
}

/// Height that the tick labels under the axes take.
pub(crate) fn labels_height(scale: &Scale, theme: &Theme) -> f64 {
    if scale.upright {
        return widest(scale, theme);
    }
    let lines = scale.ticks.iter().map(|(_, label)| label.split('\n').count()).max().unwrap_or(1);
    theme.text.tick * (font::CAP_HEIGHT + (lines - 1) as f64 * LEADING)
}

/// A label in lines: broken at its line breaks, and between words where it is longer than `length`.
pub(crate) fn broken(label: &str, size: f64, length: f64) -> Vec<Rich> {
    wrapped(label, size, length).split('\n').filter(|line| !line.is_empty()).map(Rich::parse).collect()
}

/// The same as a single text with line breaks.
pub(crate) fn wrapped(label: &str, size: f64, length: f64) -> String {
    let width = |text: &str| Rich::parse(text).width(size);
    let mut lines: Vec<String> = Vec::new();
    for part in label.split('\n').map(str::trim).filter(|part| !part.is_empty()) {
        if width(part) <= length {
            lines.push(part.to_owned());
            continue;
        }
        // A unit in parentheses is put on a separate line; otherwise, words fill the lines evenly.
        if let Some((name, unit)) = part.rsplit_once(" (").filter(|(name, _)| !inside_formula(name)) {
            let unit = format!("({unit}");
            if width(name) <= length && width(&unit) <= length {
                lines.extend([name.to_owned(), unit]);
                continue;
            }
        }
        let mut line = String::new();
        for word in part.split(' ') {
            let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
            if !line.is_empty() && width(&longer) > length && !inside_formula(&line) {
                lines.push(std::mem::replace(&mut line, word.to_owned()));
            } else {
                line = longer;
            }
        }
        lines.push(line);
    }
    lines.join("\n")
}

/// Whether a text ends between the two `$` of a formula, where it cannot be broken.
fn inside_formula(text: &str) -> bool {
    !text.matches('$').count().is_multiple_of(2)
}

/// Height of a label with the given number of lines.
pub(crate) fn label_height(lines: usize, theme: &Theme) -> f64 {
    if lines == 0 {
        0.0
    } else {
        theme.text.label * ((lines - 1) as f64 * LEADING + font::ASCENT + font::DESCENT)
    }
}
