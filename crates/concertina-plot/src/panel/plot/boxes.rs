//! Boxes over words: quartiles, whiskers, and each realisation.

use super::PlotPanel;
use crate::{
    panel::{axes::Axes, series::Series},
    scene::{Item, Pen, Point},
};

/// Half the width of a box, as a share of the space of its marks, and at most so many points: arbitrary, so
/// that neighbours stay apart, and boxes in wide panels do not become bars.
const HALF_WIDTH: f64 = 0.36;
const MOST_HALF_WIDTH: f64 = 9.0;
/// The share of a box over which its realisations are spread, and that of the caps of whiskers.
const SPREAD: f64 = 0.7;
const CAP: f64 = 0.5;

impl PlotPanel<'_> {
    /// Half the width of a box on the page.
    fn half_width(&self, cell: usize, pair: &Axes<'_>) -> f64 {
        let levels = &self.split.levels;
        let lines = self.split.series.get(cell).map_or(0, Vec::len);
        let places = if lines > 1 { (levels.hues.len() * levels.styles.len()).max(1) } else { 1 };
        let unit = pair.place.width / (pair.x.to - pair.x.from);
        let space = if places > 1 { super::words::SPREAD / places as f64 } else { 1.0 };
        (HALF_WIDTH * space * unit).min(MOST_HALF_WIDTH)
    }

    /// The boxes of a line, with their whiskers.
    pub(super) fn draw_boxes(&self, items: &mut Vec<Item>, cell: usize, line: &Series, pair: &Axes<'_>) {
        let (theme, colour, half) = (self.theme, self.colour(cell, line), self.half_width(cell, pair));
        for point in &line.points {
            let Ok(summary) = &point.summary else { continue };
            let Some((lower, upper)) = summary.interval else { continue };
            let x = self.across(cell, line, point.x);
            let at = |y: f64| pair.at(x, y);
            let Some(((low, high), median)) = pair.span(x, lower, upper).zip(at(summary.centre)) else {
                continue;
            };
            let corners = vec![
                (low.0 - half, low.1),
                (low.0 - half, high.1),
                (low.0 + half, high.1),
                (low.0 + half, low.1),
                (low.0 - half, low.1),
            ];
            let outline = corners[..4].to_vec();
            items.push(Item::Area { outline, colour, opacity: theme.band.opacity });
            let values = line.singles.iter().flatten().filter(|(place, _)| *place == point.x);
            let values = values.filter_map(|(_, y)| *y);
            let (least, most) = values.fold((lower, upper), |(least, most), y| (least.min(y), most.max(y)));
            let mut strokes = vec![corners];
            for (end, from) in [(least, low), (most, high)] {
                let Some(end) = at(end) else { continue };
                if (end.1 - from.1).abs() > 1e-3 {
                    strokes.push(vec![from, end]);
                    strokes.push(vec![(end.0 - CAP * half, end.1), (end.0 + CAP * half, end.1)]);
                }
            }
            items.push(Item::Lines { strokes, pen: Pen::solid(colour, theme.line.reference) });
            let across = vec![(median.0 - half, median.1), (median.0 + half, median.1)];
            items.push(Item::Lines { strokes: vec![across], pen: Pen::solid(colour, 1.5 * theme.line.data) });
        }
    }

    /// Each realisation on the page, next to each other in its box in the order of the table.
    pub(super) fn realisations_in_boxes(
        &self,
        cell: usize,
        line: &Series,
        pair: &Axes<'_>,
    ) -> Vec<Vec<Point>> {
        let (half, count) = (self.half_width(cell, pair), line.singles.len());
        let aside = |place: usize| SPREAD * half * (2.0 * (place as f64 + 0.5) / count as f64 - 1.0);
        let of = |(place, single): (usize, &Vec<(f64, Option<f64>)>)| -> Vec<Vec<Point>> {
            let at = |&(x, y): &(f64, Option<f64>)| pair.at(self.across(cell, line, x), y?);
            single.iter().filter_map(at).map(|(x, y)| vec![(x + aside(place), y)]).collect()
        };
        line.singles.iter().enumerate().flat_map(of).collect()
    }
}
