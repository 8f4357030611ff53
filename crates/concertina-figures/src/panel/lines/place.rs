//! The legend of a panel of lines: what is in it and where it fits.

use super::LinesPanel;
use super::draw::{ends, runs};
use crate::{
    panel::Context,
    panel::{
        axes::Axes,
        legend::{Entry, Group, LegendBlock, Sign},
        look::Look,
    },
    recipe::{Channel, Legend},
    rich::Rich,
    scene::{Point, Rect},
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

impl LinesPanel<'_> {
    pub(super) fn wanted_place(&self) -> Place {
        if self.legend.is_empty() {
            return Place::None;
        }
        match self.drawing.legend {
            Legend::Auto => Place::Inside,
            Legend::None => Place::None,
            Legend::Right => Place::Right,
            Legend::Above => Place::Above,
            Legend::TopLeft => Place::Corner(0.0, 0.0),
            Legend::TopRight => Place::Corner(1.0, 0.0),
            Legend::BottomLeft => Place::Corner(0.0, 1.0),
            Legend::BottomRight => Place::Corner(1.0, 1.0),
        }
    }

    /// The facet and place where the legend covers least, and how much.
    pub(super) fn inside_place(&self, axes: Rect) -> (usize, Rect, usize) {
        let mut best = (0, axes, usize::MAX);
        for (facet, place) in self.facet_rects(axes).into_iter().enumerate() {
            let pair = Axes { place, x: &self.x, y: self.y_scale(facet) };
            let (place, covered) = self.legend.best_place(place, &self.occupied(facet, &pair), self.theme);
            if covered < best.2 {
                best = (facet, place, covered);
            }
        }
        best
    }

    /// Points on the page that data take, close enough together that nothing fits between them.
    pub(super) fn occupied(&self, facet: usize, pair: &Axes<'_>) -> Vec<Point> {
        const STEP: f64 = 1.5;
        let mut points = Vec::new();
        let mut along = |from: Point, to: Point| {
            let steps = ((to.0 - from.0).hypot(to.1 - from.1) / STEP).ceil().max(1.0);
            for k in 0..=steps as usize {
                let share = k as f64 / steps;
                points.push((from.0 + share * (to.0 - from.0), from.1 + share * (to.1 - from.1)));
            }
        };
        for line in self.split.series.get(facet).into_iter().flatten() {
            for path in
                runs(line, |point| point.summary.as_ref().ok().and_then(|s| pair.at(point.x, s.centre)))
            {
                path.windows(2).for_each(|ends| along(ends[0], ends[1]));
                path.iter().for_each(|&point| along(point, point));
            }
            let edges = runs(line, |point| {
                let (low, high) = point.summary.as_ref().ok()?.interval?;
                Some((pair.at(point.x, low)?, pair.at(point.x, high)?))
            });
            for path in edges {
                for ends in path.windows(2) {
                    for k in 0..=8 {
                        let share = f64::from(k) / 8.0;
                        let mix = |a: Point, b: Point| (a.0 + share * (b.0 - a.0), a.1 + share * (b.1 - a.1));
                        along(mix(ends[0].0, ends[1].0), mix(ends[0].1, ends[1].1));
                    }
                }
            }
            for single in &line.singles {
                let path: Vec<Point> = single.iter().filter_map(|&(x, y)| pair.at(x, y)).collect();
                path.windows(2).for_each(|ends| along(ends[0], ends[1]));
            }
        }
        for reference in &self.drawing.reference {
            if let Some((from, to)) = ends(reference, pair) {
                along(from, to);
            }
        }
        points
    }

    pub(super) fn legend_block(&self, context: &Context<'_>) -> LegendBlock {
        let theme = self.theme;
        let shown = |channel: Channel| match &self.drawing.legend_in_figure {
            Some(channels) if context.in_figure => channels.contains(&channel),
            _ => true,
        };
        let width = theme.line.data;
        let mut groups = Vec::new();
        if self.drawing.hue.is_some() && shown(Channel::Hue) && self.split.hues.len() > 1 {
            // With shades that differ by facet, grey ones stand for all.
            let same = self.hues.windows(2).all(|pair| pair[0] == pair[1]);
            let marker = self.markers().then_some(theme.marker.radius);
            let count = self.split.hues.len();
            let colour = |index: usize, look: &Look| {
                if same { look.colour } else { theme.colour.reference.shade(index, count) }
            };
            let looks = self.hues.first().into_iter().flatten().enumerate();
            let entries = looks
                .map(|(index, look)| Entry {
                    name: Rich::parse(&look.name),
                    sign: Sign::Line { colour: colour(index, look), width, dash: Vec::new(), marker },
                })
                .collect();
            groups.push(Group { title: self.hue_title(), entries });
        }
        if self.drawing.style.is_some() && shown(Channel::Style) && self.split.styles.len() > 1 {
            let entry = |look: &Look| Entry {
                name: Rich::parse(&look.name),
                sign: Sign::Line { colour: look.colour, width, dash: look.dash.clone(), marker: None },
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

    /// What stands over the hues: what the drawing says, or the column's name where a bare number would say nothing.
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
        let label = || self.theme.labels.get(column).cloned().unwrap_or_else(|| capitalised(column));
        numbers.then(|| Rich::parse(&label()))
    }
}

/// `weight_decay` as `Weight decay`.
pub(super) fn capitalised(column: &str) -> String {
    let spaced = column.replace('_', " ");
    let mut letters = spaced.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
