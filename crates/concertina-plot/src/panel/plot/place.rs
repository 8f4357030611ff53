//! The legend of a panel of lines: its contents, and where it fits.

use super::PlotPanel;
use super::draw::path_of;
use crate::{
    Colour,
    drawing::{Channel, Legend},
    panel::Context,
    panel::{
        axes::{self, Axes},
        colour_bar::ColourBar,
        legend::{Entry, Group, LegendBlock, Sign},
        look::{self, Look},
    },
    rich::Rich,
    scene::{Point, Rect, Shape},
};

/// Where the legend goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Place {
    None,
    Inside,
    Corner(f64, f64),
    Right,
    Above,
}

/// The part of a line, from 0 to 1, that is on axes or close to them; `None` if there is none. Data may lie
/// arbitrarily far outside fixed limits, and a legend does not cover them there.
fn near(axes: &Rect, from: Point, to: Point) -> Option<(f64, f64)> {
    const FAR: f64 = 100.0; // points; arbitrary, more than any legend extends beyond its axes
    let (mut first, mut last) = (0.0_f64, 1.0_f64);
    let spans = [(from.0, to.0, axes.left, axes.right()), (from.1, to.1, axes.top, axes.bottom())];
    for (from, to, low, high) in spans {
        let (low, high, length) = (low - FAR, high + FAR, to - from);
        if !length.is_finite() {
            return None;
        }
        if length == 0.0 {
            if from < low || from > high {
                return None;
            }
            continue;
        }
        let (enters, leaves) = ((low - from) / length, (high - from) / length);
        first = first.max(enters.min(leaves));
        last = last.min(enters.max(leaves));
    }
    (first <= last).then_some((first, last))
}

impl PlotPanel<'_> {
    pub(super) fn wanted_place(&self) -> Place {
        if self.legend.is_empty() {
            return Place::None;
        }
        match self.drawing.legend {
            // Marks of a legend among the marks of the data would be mistaken for data.
            Legend::Auto | Legend::ColourBar if self.has_marks() => Place::Above,
            Legend::Auto | Legend::ColourBar => Place::Inside,
            Legend::None => Place::None,
            Legend::Right => Place::Right,
            Legend::Above => Place::Above,
            Legend::TopLeft => Place::Corner(0.0, 0.0),
            Legend::TopRight => Place::Corner(1.0, 0.0),
            Legend::BottomLeft => Place::Corner(0.0, 1.0),
            Legend::BottomRight => Place::Corner(1.0, 1.0),
        }
    }

    /// The place where the legend covers least, and how much it covers.
    pub(super) fn inside_place(&self, axes: Rect) -> (Rect, usize) {
        let mut best = (axes, usize::MAX);
        for (cell, place) in self.facet_rects(axes).into_iter().enumerate() {
            let pair = Axes { place, x: &self.x, y: self.y_scale(cell) };
            let (place, covered) = self.legend.best_place(place, &self.occupied(cell, &pair), self.theme);
            if covered < best.1 {
                best = (place, covered);
            }
        }
        best
    }

    /// Points on the page where data are, close enough together that nothing fits between them.
    pub(super) fn occupied(&self, cell: usize, pair: &Axes<'_>) -> Vec<Point> {
        const STEP: f64 = 1.5;
        let mut points = Vec::new();
        let mut along = |from: Point, to: Point| {
            let Some((first, last)) = near(&pair.place, from, to) else { return };
            let steps = ((to.0 - from.0).hypot(to.1 - from.1) / STEP).ceil().max(1.0);
            for k in (first * steps).floor() as usize..=(last * steps).ceil() as usize {
                let share = k as f64 / steps;
                points.push((from.0 + share * (to.0 - from.0), from.1 + share * (to.1 - from.1)));
            }
        };
        for line in self.split.series.get(cell).into_iter().flatten() {
            for path in self.point_paths(cell, line, pair) {
                path.windows(2).for_each(|ends| along(ends[0], ends[1]));
                path.iter().for_each(|&point| along(point, point));
            }
            for path in self.band_paths(cell, line, pair) {
                if let [(low, high)] = path[..] {
                    along(low, high);
                }
                for ends in path.windows(2) {
                    for k in 0..=8 {
                        let share = f64::from(k) / 8.0;
                        let mix = |a: Point, b: Point| (a.0 + share * (b.0 - a.0), a.1 + share * (b.1 - a.1));
                        along(mix(ends[0].0, ends[1].0), mix(ends[0].1, ends[1].1));
                    }
                }
            }
            for path in self.single_paths(cell, line, pair) {
                path.windows(2).for_each(|ends| along(ends[0], ends[1]));
            }
            let radius = self.theme.marker.radius;
            let marks = line.marks.iter().filter_map(|&(x, y)| pair.at(self.across(cell, line, x), y));
            for (x, y) in marks {
                along((x - radius, y), (x + radius, y));
                along((x, y - radius), (x, y + radius));
            }
        }
        for reference in &self.drawing.reference {
            if let Some(path) = path_of(reference, pair) {
                path.windows(2).for_each(|ends| along(ends[0], ends[1]));
            }
        }
        points
    }

    pub(super) fn legend_block(&self, context: &Context<'_>) -> LegendBlock {
        let theme = self.theme;
        let shown = |channel: Channel| self.shows(channel, context);
        let width = theme.line.data;
        let mut groups = Vec::new();
        let levels = &self.split.levels;
        if self.drawing.hue.is_some() && shown(Channel::Hue) && levels.hues.len() > 1 && self.bar.is_none() {
            // If shades differ by facet, the legend shows grey ones.
            let same = self.hues.windows(2).all(|pair| pair[0] == pair[1]);
            let marker = self.markers().then_some(theme.marker.radius);
            let count = levels.hues.len();
            let colour = |index: usize, look: &Look| {
                if same { look.colour } else { theme.colour.reference.shade(index, count) }
            };
            let looks = self.hues.first().into_iter().flatten().enumerate();
            let sign = |colour: Colour| match self.has_marks() {
                true => Sign::Mark { colour, shape: Shape::Disc, radius: theme.marker.radius },
                false => Sign::Line { colour, width, dash: Vec::new(), marker },
            };
            let entries = looks
                .map(|(index, look)| Entry { name: Rich::parse(&look.name), sign: sign(colour(index, look)) })
                .collect();
            groups.push(Group { title: self.hue_title(), entries });
        }
        if self.drawing.style.is_some() && shown(Channel::Style) && levels.styles.len() > 1 {
            let entry = |look: &Look| Entry {
                name: Rich::parse(&look.name),
                sign: match self.has_marks() {
                    true => {
                        Sign::Mark { colour: look.colour, shape: look.shape, radius: theme.marker.radius }
                    }
                    false => Sign::Line { colour: look.colour, width, dash: look.dash.clone(), marker: None },
                },
            };
            groups.push(Group { title: None, entries: self.styles.iter().map(entry).collect() });
        }
        let references = self.drawing.reference.iter().filter_map(|line| Some((line, line.label.as_ref()?)));
        let entries: Vec<Entry> = references
            .map(|(line, label)| Entry {
                name: Rich::parse(label),
                sign: Sign::Line {
                    colour: theme.colour.reference,
                    width: theme.line.reference,
                    dash: if line.solid { Vec::new() } else { theme.line.dash.clone() },
                    marker: None,
                },
            })
            .collect();
        if shown(Channel::Reference) && !entries.is_empty() {
            groups.push(Group { title: None, entries });
        }
        LegendBlock { groups }
    }

    fn shows(&self, channel: Channel, context: &Context<'_>) -> bool {
        match &self.drawing.legend_in_figure {
            Some(channels) if context.in_figure => channels.contains(&channel),
            _ => true,
        }
    }

    /// The hues as a bar, where that is requested or shows more than a list.
    pub(super) fn colour_bar(&self, context: &Context<'_>) -> Option<ColourBar> {
        let column = self.drawing.hue.as_deref()?;
        let hues = &self.split.levels.hues;
        let wanted = match self.drawing.legend {
            Legend::ColourBar => true,
            Legend::Auto => look::mapped(self.theme, self.drawing, hues),
            _ => false,
        };
        let looks =
            self.hues.first().filter(|_| wanted && hues.len() > 1 && self.shows(Channel::Hue, context))?;
        let title = self.drawing.legend_title.clone().unwrap_or_else(|| self.column_label(column));
        Some(ColourBar { title: Rich::parse(&title), looks: looks.clone() })
    }

    fn column_label(&self, column: &str) -> String {
        self.theme.labels.get(column).cloned().unwrap_or_else(|| axes::capitalised(column))
    }

    /// The title of the hues: the drawing's, or the column's name where a bare number would not explain
    /// itself.
    fn hue_title(&self) -> Option<Rich> {
        if let Some(title) = &self.drawing.legend_title {
            return Some(Rich::parse(title));
        }
        let column = self.drawing.hue.as_deref()?;
        let numbers = self
            .hues
            .first()?
            .iter()
            .all(|look| look.name.starts_with(|c: char| c.is_ascii_digit() || c == '\u{2212}'));
        numbers.then(|| Rich::parse(&self.column_label(column)))
    }
}
