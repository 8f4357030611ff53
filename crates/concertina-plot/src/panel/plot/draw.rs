//! Draws a measured panel of lines.

use super::{
    PlotPanel,
    measure::{ABOVE_GAP, LEGEND_GAP, ROW_NAME_GAP, TITLE_LEADING},
    place::Place,
    problems::SLACK,
};
use crate::{
    Colour, ErrorBar, font,
    panel::{
        axes::{self, Axes, LABEL_GAP, TICK_GAP},
        series::{self, Series},
    },
    rich::Rich,
    scene::{Anchor, Item, Margins, Pen, Point, Rect, Scene, Shape},
};

impl PlotPanel<'_> {
    /// Draws into `outer`, with the axes inset by `margins`, which are at least its own.
    pub(crate) fn draw(&self, scene: &mut Scene, outer: Rect, margins: Margins) {
        let theme = self.theme;
        let axes = outer.inset(margins);
        let rects = self.facet_rects(axes);
        let (columns, rows) = self.grid();
        for (cell, place) in rects.iter().enumerate() {
            let pair = Axes { place: *place, x: &self.x, y: self.y_scale(cell) };
            self.draw_data(scene, cell, &pair);
            pair.draw(scene, theme, cell / columns + 1 == rows, cell % columns == 0 || !self.shared_y());
        }
        self.draw_texts(scene, outer, axes, &rects);
        match self.place {
            Place::None => {}
            Place::Inside => {
                let (place, _) = self.inside_place(axes);
                self.legend.draw_list(scene, (place.left, place.top), theme);
            }
            Place::Corner(across, down) => {
                let place = self.legend.corner(*rects.last().unwrap_or(&axes), across, down, theme);
                self.legend.draw_list(scene, (place.left, place.top), theme);
            }
            Place::Right => {
                let left = axes.right() + self.row_name_width() + LEGEND_GAP;
                self.legend.draw_list(scene, (left, axes.top), theme);
            }
            Place::Above => {
                let width = self.above_width(outer.width, self.margins.left);
                let top = axes.top - self.head_height() - ABOVE_GAP - self.legend.rows_height(width, theme);
                let left = axes.left.min(outer.right() - self.legend.rows_width(width, theme));
                self.legend.draw_rows(scene, (left, top), width, theme);
            }
        }
        if let Some(bar) = &self.bar {
            // To the right of everything else, as far right as the margin made for it allows.
            bar.draw(scene, outer.right() - bar.width(theme), axes, theme);
        }
    }

    fn draw_texts(&self, scene: &mut Scene, outer: Rect, axes: Rect, rects: &[Rect]) {
        let theme = self.theme;
        let colour = theme.text.colour;
        let below = axes.bottom()
            + theme.line.tick_length
            + TICK_GAP
            + axes::labels_height(&self.x, theme)
            + LABEL_GAP;
        axes::draw_x_label(scene, theme, &self.x_label, axes, below);
        let scales = self.y.iter().take(if self.shared_y() { usize::MAX } else { 1 });
        let widest = scales.map(|scale| axes::widest(scale, theme)).fold(0.0, f64::max);
        let labels = widest + theme.line.tick_length + TICK_GAP;
        axes::draw_y_label(scene, theme, &self.y_label, axes, outer, axes.left - labels - LABEL_GAP);
        let legend = if self.place == Place::Above {
            ABOVE_GAP + self.legend.rows_height(self.above_width(outer.width, self.margins.left), theme)
        } else {
            0.0
        };
        let mut baseline = axes.top - 3.5;
        for (lines, place) in self.heads.iter().zip(rects) {
            for (index, line) in lines.iter().rev().enumerate() {
                let up = index as f64 * TITLE_LEADING * theme.text.title;
                let middle = (place.left + place.width / 2.0, baseline - up);
                scene.text(middle, line.clone(), theme.text.title, Anchor::Middle, colour);
            }
        }
        for (lines, place) in self.row_names.iter().zip(rects.iter().step_by(self.grid().0)) {
            for (index, line) in lines.iter().enumerate() {
                let across = axes.right()
                    + ROW_NAME_GAP
                    + theme.text.title * (font::ASCENT + index as f64 * axes::LEADING);
                scene.items.push(Item::Text {
                    place: (across, place.top + place.height / 2.0),
                    rich: line.clone(),
                    size: theme.text.title,
                    anchor: Anchor::Middle,
                    upright: true,
                    colour,
                });
            }
        }
        baseline -= self.head_height() + legend;
        if let Some(title) = &self.title {
            let middle = (axes.left + axes.width / 2.0, baseline);
            scene.text(middle, title.clone(), theme.text.title, Anchor::Middle, colour);
        }
        if self.split.all().all(|(_, line)| line.is_empty()) {
            let middle = (axes.left + axes.width / 2.0, axes.top + axes.height / 2.0);
            scene.text(
                middle,
                Rich::parse("no data"),
                theme.text.legend,
                Anchor::Middle,
                theme.colour.reference,
            );
        }
    }

    fn draw_data(&self, scene: &mut Scene, cell: usize, pair: &Axes<'_>) {
        let theme = self.theme;
        let mut items = Vec::new();
        for reference in &self.drawing.reference {
            if let Some(stroke) = path_of(reference, pair) {
                let dash: &[f64] = if reference.solid { &[] } else { &theme.line.dash };
                let pen = Pen::dashed(theme.colour.reference, theme.line.reference, dash);
                items.push(Item::Lines { strokes: vec![stroke], pen });
            }
        }
        let lines = self.split.series.get(cell).map_or(&[][..], Vec::as_slice);
        match self.drawing.band {
            Some(ErrorBar::Box) => {
                lines.iter().for_each(|line| self.draw_boxes(&mut items, cell, line, pair))
            }
            _ => lines.iter().for_each(|line| self.draw_band(&mut items, cell, line, pair)),
        }
        lines.iter().for_each(|line| self.draw_singles(&mut items, cell, line, pair));
        lines.iter().for_each(|line| self.draw_line(&mut items, cell, line, pair));
        // Lines at a limit are not cut in half; only what lies well outside is clipped.
        let slack = SLACK;
        let inside = Rect::new(
            pair.place.left - slack * pair.place.width,
            pair.place.top - slack * pair.place.height,
            (1.0 + 2.0 * slack) * pair.place.width,
            (1.0 + 2.0 * slack) * pair.place.height,
        );
        if items.iter().all(|item| within(item, inside)) {
            scene.items.extend(items);
        } else {
            scene.items.push(Item::Clipped { window: pair.place, items });
        }
        self.draw_brackets(scene, cell, pair);
    }

    pub(super) fn colour(&self, cell: usize, line: &Series) -> Colour {
        self.hues[self.split.levels.column_of(cell)][line.hue].colour
    }

    /// The band over realisations: an area along the line, or error bars where there is no line to follow.
    fn draw_band(&self, items: &mut Vec<Item>, cell: usize, line: &Series, pair: &Axes<'_>) {
        let (theme, colour) = (self.theme, self.colour(cell, line));
        for path in self.band_paths(cell, line, pair) {
            let seen = path.iter().any(|(low, high)| (low.1 - high.1).abs() > 1e-3);
            if let (&[(low, high)], true) = (path.as_slice(), seen) {
                let half = CAP * theme.marker.radius;
                let cap = |(x, y): Point| vec![(x - half, y), (x + half, y)];
                let strokes = vec![vec![low, high], cap(low), cap(high)];
                items.push(Item::Lines { strokes, pen: Pen::solid(colour, theme.line.readout) });
            } else if seen {
                let upper = path.iter().map(|(_, high)| *high);
                let outline: Vec<Point> = path.iter().map(|(low, _)| *low).chain(upper.rev()).collect();
                items.push(Item::Area { outline, colour, opacity: theme.band.opacity });
            }
        }
    }

    /// The band of a line on the page, in segments without gaps. Over words, each position is a segment.
    pub(super) fn band_paths(&self, cell: usize, line: &Series, pair: &Axes<'_>) -> Vec<Vec<(Point, Point)>> {
        let ends = |point: &series::SeriesPoint| {
            let (low, high) = point.summary.as_ref().ok()?.interval?;
            pair.span(self.across(cell, line, point.x), low, high)
        };
        self.stretches(line.points.iter().map(ends))
    }

    /// Positions on the page in segments without gaps. Over words, each position is a segment.
    fn stretches<T>(&self, places: impl Iterator<Item = Option<T>>) -> Vec<Vec<T>> {
        match self.split.x_words {
            Some(_) => places.flatten().map(|place| vec![place]).collect(),
            None => runs(places),
        }
    }

    /// The realisations of a line on the page, in segments without gaps.
    pub(super) fn single_paths(&self, cell: usize, line: &Series, pair: &Axes<'_>) -> Vec<Vec<Point>> {
        let at = |&(x, y): &(f64, Option<f64>)| pair.at(self.across(cell, line, x), y?);
        match self.drawing.band {
            Some(ErrorBar::Paired) => line.singles.iter().flat_map(|one| runs(one.iter().map(at))).collect(),
            _ => line.singles.iter().flat_map(|one| self.stretches(one.iter().map(at))).collect(),
        }
    }

    /// The points of a line on the page, in segments without gaps.
    pub(super) fn point_paths(&self, cell: usize, line: &Series, pair: &Axes<'_>) -> Vec<Vec<Point>> {
        let at = |point: &series::SeriesPoint| {
            pair.at(self.across(cell, line, point.x), point.summary.as_ref().ok()?.centre)
        };
        self.stretches(line.points.iter().map(at))
    }

    /// Draws each realisation fainter than the line.
    fn draw_singles(&self, items: &mut Vec<Item>, cell: usize, line: &Series, pair: &Axes<'_>) {
        let (theme, colour) = (self.theme, self.colour(cell, line));
        let paths = match self.drawing.band {
            Some(ErrorBar::Box) => self.realisations_in_boxes(cell, line, pair),
            _ => self.single_paths(cell, line, pair),
        };
        let (mut dots, strokes): (Vec<_>, Vec<_>) = paths.into_iter().partition(|path| path.len() == 1);
        if self.drawing.band == Some(ErrorBar::Paired) {
            dots.extend(strokes.iter().cloned());
        }
        if !strokes.is_empty() {
            let dash = &self.styles[line.style].dash;
            let pen = Pen { opacity: FAINT, ..Pen::dashed(colour, theme.line.single, dash) };
            items.push(Item::Lines { strokes: strokes.into_iter().map(thinned).collect(), pen });
        }
        if !dots.is_empty() {
            let (centres, radius) = (dots.concat(), 0.5 * theme.marker.radius);
            let colour = colour.towards(Colour::WHITE, 1.0 - FAINT);
            items.push(Item::Marks { centres, shape: Shape::Disc, radius, colour });
        }
    }

    /// Draws the line itself, its dots, and the marks of a scatter.
    fn draw_line(&self, items: &mut Vec<Item>, cell: usize, line: &Series, pair: &Axes<'_>) {
        let (theme, colour, style) = (self.theme, self.colour(cell, line), &self.styles[line.style]);
        let paths = self.point_paths(cell, line, pair);
        let paths = match self.drawing.band {
            Some(ErrorBar::Box) => Vec::new(), // the median is a line in the box
            _ => paths,
        };
        let alone = paths.iter().filter(|path| path.len() == 1).flatten().copied();
        let dots: Vec<Point> =
            if self.markers() { paths.iter().flatten().copied().collect() } else { alone.collect() };
        let strokes = paths.into_iter().filter(|path| path.len() > 1).map(thinned).collect();
        items.push(Item::Lines { strokes, pen: Pen::dashed(colour, theme.line.data, &style.dash) });
        let radius = theme.marker.radius;
        let shape = if self.has_marks() { style.shape } else { Shape::Disc };
        items.push(Item::Marks { centres: dots, shape, radius, colour });
        let centres =
            line.marks.iter().filter_map(|&(x, y)| pair.at(self.across(cell, line, x), y)).collect();
        items.push(Item::Marks { centres, shape: style.shape, radius, colour });
    }
}

/// Half the cap of an error bar, relative to the radius of a mark: arbitrary, so that it can be seen next to
/// a mark.
const CAP: f64 = 1.6;
/// Opacity of a single realisation.
const FAINT: f64 = 0.5;

/// Removes the points of a polyline that lie on it anyway, to within a twentieth of a point. A run of 400
/// checkpoints is drawn in a column of a few hundred points (the rule of Douglas and Peucker).
fn thinned(path: Vec<Point>) -> Vec<Point> {
    const TOLERANCE: f64 = 0.05;
    if path.len() < 3 {
        return path;
    }
    let mut kept = vec![false; path.len()];
    let last = path.len() - 1;
    (kept[0], kept[last]) = (true, true);
    let mut open = vec![(0, last)];
    while let Some((from, to)) = open.pop() {
        let off = |index: usize| distance(path[index], path[from], path[to]);
        let farthest = (from + 1..to).max_by(|&a, &b| off(a).total_cmp(&off(b)));
        if let Some(index) = farthest.filter(|&index| off(index) > TOLERANCE) {
            kept[index] = true;
            open.extend([(from, index), (index, to)]);
        }
    }
    path.into_iter().zip(kept).filter(|(_, kept)| *kept).map(|(point, _)| point).collect()
}

/// The distance of a point from the straight line between two others, or from their position if they
/// coincide.
fn distance(point: Point, from: Point, to: Point) -> f64 {
    let (along, across) = ((to.0 - from.0, to.1 - from.1), (point.0 - from.0, point.1 - from.1));
    let length = along.0.hypot(along.1);
    if length > 0.0 {
        (along.0 * across.1 - along.1 * across.0).abs() / length
    } else {
        across.0.hypot(across.1)
    }
}

fn within(item: &Item, window: Rect) -> bool {
    let inside =
        |&(x, y): &Point| x >= window.left && x <= window.right() && y >= window.top && y <= window.bottom();
    match item {
        Item::Lines { strokes, .. } => strokes.iter().flatten().all(inside),
        Item::Area { outline, .. } => outline.iter().all(inside),
        Item::Marks { centres, .. } => centres.iter().all(inside),
        Item::Text { .. } | Item::Clipped { .. } => true,
    }
}

/// Pieces of a circle; at the size of a panel, no corners are visible.
const PIECES: usize = 120;

/// A reference line on the page; none where an axis cannot show it.
pub(super) fn path_of(line: &crate::drawing::ReferenceLine, pair: &Axes<'_>) -> Option<Vec<Point>> {
    if let Some(radius) = line.circle {
        let angle = |piece: usize| std::f64::consts::TAU * piece as f64 / PIECES as f64;
        let at = |piece: usize| pair.at(radius * angle(piece).cos(), radius * angle(piece).sin());
        return (0..=PIECES).map(at).collect();
    }
    if let Some(y) = line.y {
        return Some(vec![pair.at(pair.x.from, y)?, pair.at(pair.x.to, y)?]);
    }
    let x = line.x?;
    Some(vec![pair.at(x, pair.y.from)?, pair.at(x, pair.y.to)?])
}

/// Positions in segments without gaps.
fn runs<T>(places: impl Iterator<Item = Option<T>>) -> Vec<Vec<T>> {
    let mut paths = vec![Vec::new()];
    for place in places {
        match (place, paths.last_mut()) {
            (Some(place), Some(path)) => path.push(place),
            _ => paths.push(Vec::new()),
        }
    }
    paths.retain(|path| !path.is_empty());
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_keeps_its_corners_and_loses_what_lies_on_its_way() {
        let straight: Vec<Point> = (0..100).map(|k| (k as f64, 2.0 * k as f64)).collect();
        assert_eq!(thinned(straight), [(0.0, 0.0), (99.0, 198.0)]);
        let corner = vec![(0.0, 0.0), (1.0, 0.01), (2.0, 0.0), (3.0, 5.0), (4.0, 10.0)];
        assert_eq!(thinned(corner), [(0.0, 0.0), (2.0, 0.0), (4.0, 10.0)]);
        let zigzag: Vec<Point> = (0..50).map(|k| (k as f64, (k % 2) as f64)).collect();
        assert_eq!(thinned(zigzag.clone()), zigzag);
        assert_eq!(thinned(Vec::new()), []);
    }
}
