//! Draws a trial: lines into the network on the left, and out of it on the right.

use super::{
    network::draw_icon,
    settings::counted,
    shapes,
    trials::{Along, Curve, Period, Row, Trial},
};
use crate::{
    Colour, Theme, font,
    rich::Rich,
    scene::{Anchor, Item, Pen, Point, Rect, Scene, Shape},
};

/// Share of the width between the two blocks, for the network.
const MIDDLE: f64 = 0.17;
/// Least and greatest width of the network with its arrows, in points.
const MIDDLE_RANGE: (f64, f64) = (44.0, 76.0);
/// Greatest height of a line, in points.
const TALLEST: f64 = 38.0;
/// Height of the dots that represent further lines, relative to that of a line.
const DOTS: f64 = 0.45;
/// Share of a line's half height that the value 1 reaches.
const REACH: f64 = 0.72;
/// Height of a bracket's feet, in points.
const FOOT: f64 = 2.2;

impl Trial {
    pub(super) fn draw(&self, scene: &mut Scene, place: Rect, theme: &Theme) {
        let size = theme.text.legend;
        let widest = |rows: &[Row]| {
            let widths = rows.iter().flat_map(|row| &row.name).map(|name| Rich::parse(name).width(size));
            widths.fold(0.0, f64::max) + 4.0
        };
        let (left_names, right_names) = (widest(&self.inputs), widest(&self.outputs));
        let middle = (MIDDLE * place.width).clamp(MIDDLE_RANGE.0, MIDDLE_RANGE.1);
        let block = (0.5 * (place.width - left_names - right_names - middle)).max(1.0);
        let head = 1.6 * theme.text.title;
        let brackets = if self.periods.is_empty() { 0.0 } else { FOOT + 1.5 * size };
        let foot = 1.9 * size;
        let free = (place.height - head - brackets - foot).max(1.0);
        let weight = |rows: &[Row]| -> f64 {
            rows.iter().map(|row| if row.name.is_some() { 1.0 } else { DOTS }).sum()
        };
        let most = weight(&self.inputs).max(weight(&self.outputs)).max(1.0);
        let row = (free / most).min(TALLEST);
        let used = row * most;
        let top = place.top + head + brackets + 0.5 * (free - used);
        let inputs = Rect::new(place.left + left_names, top, block, used);
        let outputs = Rect::new(place.right() - block, top, block, used);
        let time = self.time_of(block, size);
        for (rows, name, area) in [(&self.inputs, "Inputs", inputs), (&self.outputs, "Targets", outputs)] {
            if let Some((from, to)) = self.counted.filter(|_| name == "Targets") {
                let (left, right, bottom) =
                    (time.at(area, from as f64), time.at(area, to as f64), area.bottom());
                let outline = vec![(left, area.top), (right, area.top), (right, bottom), (left, bottom)];
                let colour = theme.colour.frame.towards(Colour::WHITE, 0.65);
                scene.items.push(Item::Area { outline, colour, opacity: 1.0 });
            }
            let own = row * weight(rows);
            let mut from = area.top + 0.5 * (area.height - own);
            for line in rows {
                let height = if line.name.is_some() { row } else { DOTS * row };
                self.draw_row(scene, line, Rect::new(area.left, from, area.width, height), &time, theme);
                from += height;
            }
            self.draw_periods(scene, area, &time, name == "Targets", theme);
            let baseline = area.top - brackets - 0.45 * theme.text.title;
            let middle = (area.left + 0.5 * area.width, baseline);
            scene.text(middle, Rich::parse(name), theme.text.title, Anchor::Middle, theme.text.colour);
            let level = area.bottom() + 3.5;
            let axis = Pen::solid(theme.colour.axis, theme.line.axis);
            shapes::arrow(scene, (area.left, level), (area.right(), level), &axis);
            if name == "Inputs" {
                let label = Rich::parse(&self.duration());
                let half = 0.5 * label.width(size);
                let middle = (area.left + 0.5 * area.width).max(place.left + half);
                scene.text((middle, level + 1.3 * size), label, size, Anchor::Middle, theme.text.colour);
            }
        }
        // The network between them.
        let from = inputs.right();
        let to = outputs.left - right_names;
        let centre = (0.5 * (from + to), inputs.top + 0.5 * inputs.height);
        let pen = Pen::solid(theme.colour.neutral, theme.line.readout);
        let radius = (0.27 * (to - from)).min(0.3 * used.max(24.0)).max(6.0);
        draw_icon(scene, centre, radius, theme);
        shapes::arrow(scene, (from + 3.0, centre.1), (centre.0 - radius - 4.0, centre.1), &pen);
        shapes::arrow(scene, (centre.0 + radius + 4.0, centre.1), (to - 1.0, centre.1), &pen);
    }

    fn draw_row(&self, scene: &mut Scene, row: &Row, place: Rect, time: &Time, theme: &Theme) {
        let level = place.top + 0.5 * place.height;
        let Some(name) = &row.name else {
            let centres =
                [-0.3, 0.0, 0.3].map(|down| (place.left - 8.0, level + down * place.height)).to_vec();
            let (radius, colour) = (0.6, theme.colour.neutral);
            scene.items.push(Item::Marks { centres, shape: Shape::Disc, radius, colour });
            return;
        };
        let size = theme.text.legend;
        let baseline = level + 0.5 * font::CAP_HEIGHT * size;
        scene.text((place.left - 3.0, baseline), Rich::parse(name), size, Anchor::End, theme.text.colour);
        // Lines that are never below 0 have 0 at their lower edge.
        let low = row.curves.iter().flat_map(|curve| curve.values.iter().flatten()).any(|value| *value < 0.0);
        let (zero, one) = if low {
            (level, 0.5 * REACH * place.height)
        } else {
            (level + 0.5 * REACH * place.height, REACH * place.height)
        };
        let thin = Pen::solid(theme.colour.frame, theme.line.tick);
        scene.line((place.left, zero), (place.right(), zero), &thin);
        for curve in &row.curves {
            let strokes = strokes(curve, place, time, zero, one);
            let width =
                if curve.shape == Along::Line && self.steps > 20 { 0.7 } else { 0.9 } * theme.line.data;
            scene.items.push(Item::Lines { strokes, pen: Pen::solid(curve.colour, width) });
        }
    }

    /// How long a trial is.
    fn duration(&self) -> String {
        match self.whole {
            Some(whole) if whole > self.steps => format!("First {} of {whole} timesteps", self.steps),
            Some(whole) => counted(whole, "timestep", "timesteps"),
            None => "Time".to_owned(),
        }
    }

    /// Time along blocks of this width: to scale, except that each period is as wide as its name.
    fn time_of(&self, width: f64, size: f64) -> Time {
        let scale = width / self.steps as f64;
        let periods: Vec<&Period> = self.periods.iter().filter(|period| period.to > period.from).collect();
        if periods.is_empty() {
            return Time { stops: vec![(0.0, 0.0), (self.steps as f64, width)] };
        }
        let least = |period: &Period| Rich::parse(period.name).width(size) + 4.0;
        let wanted: Vec<f64> = periods
            .iter()
            .map(|period| (scale * (period.to - period.from) as f64).max(least(period)))
            .collect();
        let spare: f64 = wanted.iter().zip(&periods).map(|(wanted, period)| wanted - least(period)).sum();
        let over = wanted.iter().sum::<f64>() - width;
        // What is too much is taken from periods that are wider than their names, or else from all.
        let widths: Vec<f64> = if over <= spare {
            let share = if spare > 0.0 { over / spare } else { 0.0 };
            let shorter = |(wanted, period): (&f64, &&Period)| wanted - share * (wanted - least(period));
            wanted.iter().zip(&periods).map(shorter).collect()
        } else {
            let all: f64 = periods.iter().map(|period| least(period)).sum();
            periods.iter().map(|period| width * least(period) / all).collect()
        };
        let mut stops = vec![(periods[0].from as f64, 0.0)];
        let mut end = 0.0;
        for (period, width) in periods.iter().zip(widths) {
            end += width;
            stops.push((period.to as f64, end));
        }
        Time { stops }
    }

    /// Brackets with names over the periods of the trial; over targets, only over the one that counts.
    fn draw_periods(&self, scene: &mut Scene, area: Rect, time: &Time, only_counted: bool, theme: &Theme) {
        let size = theme.text.legend;
        let pen = Pen::solid(theme.colour.axis, theme.line.axis);
        let top = area.top - FOOT - 2.0;
        for period in self.periods.iter().filter(|period| period.to > period.from) {
            if only_counted && self.counted != Some((period.from, period.to)) {
                continue;
            }
            let at = |step: usize| time.at(area, step as f64);
            let (left, right) = (at(period.from) + 0.6, at(period.to) - 0.6);
            shapes::bracket(scene, left, right, top, FOOT, &pen);
            let name = Rich::parse(period.name);
            let (place, anchor) = if name.width(size) <= right - left + 1.0 {
                ((0.5 * (left + right), top - 2.5), Anchor::Middle)
            } else if only_counted {
                ((right, top - 2.5), Anchor::End)
            } else if period.from == 0 {
                ((left, top - 2.5), Anchor::Start)
            } else {
                // A panel that is too narrow for its names has the first one, and that of what counts.
                continue;
            };
            scene.text(place, name, size, anchor, theme.text.colour);
        }
    }
}

/// Time along a block: timesteps and their distances from its left edge, in points.
struct Time {
    stops: Vec<(f64, f64)>,
}

impl Time {
    fn at(&self, area: Rect, step: f64) -> f64 {
        let pair = self.stops.windows(2).find(|pair| step <= pair[1].0);
        let Some(pair) = pair.or(self.stops.windows(2).last()) else { return area.left };
        let share = ((step - pair[0].0) / (pair[1].0 - pair[0].0)).clamp(0.0, 1.0);
        area.left + pair[0].1 + share * (pair[1].1 - pair[0].1)
    }
}

/// A curve on the page; the value 1 is `one` points above `zero`.
fn strokes(curve: &Curve, place: Rect, time: &Time, zero: f64, one: f64) -> Vec<Vec<Point>> {
    let at = |index: usize, share: f64| time.at(place, index as f64 + share);
    let up = |value: f64| zero - one * value.clamp(-1.1, 1.1);
    let values = curve.values.iter().enumerate();
    if curve.shape == Along::Pulses {
        let stick = |(index, value): (usize, &Option<f64>)| {
            let value = value.filter(|value| *value != 0.0)?;
            Some(vec![(at(index, 0.5), zero), (at(index, 0.5), up(value))])
        };
        return values.filter_map(stick).collect();
    }
    let mut strokes: Vec<Vec<Point>> = vec![Vec::new()];
    for (index, value) in values {
        match (value, strokes.last_mut()) {
            (Some(value), Some(stroke)) if curve.shape == Along::Steps => {
                stroke.extend([(at(index, 0.0), up(*value)), (at(index, 1.0), up(*value))]);
            }
            (Some(value), Some(stroke)) => stroke.push((at(index, 0.5), up(*value))),
            _ => strokes.push(Vec::new()),
        }
    }
    strokes.retain(|stroke| stroke.len() > 1);
    strokes
}
