//! Draws a measured panel of lines.

use super::{ABOVE_GAP, LEGEND_GAP, LinesPanel, place::Place};
use crate::{
    font,
    panel::{
        axes::{self, Axes, LABEL_GAP, TICK_GAP},
        series::{self, Series},
    },
    rich::Rich,
    scene::{Anchor, Item, Margins, Pen, Point, Rect, Scene},
};

impl LinesPanel<'_> {
    /// Draws into `outer`, the axes inset by `margins` (at least its own).
    pub(crate) fn draw(&self, scene: &mut Scene, outer: Rect, margins: Margins) {
        let theme = self.theme;
        let axes = outer.inset(margins);
        let rects = self.facet_rects(axes);
        for (facet, place) in rects.iter().enumerate() {
            let pair = Axes { place: *place, x: &self.x, y: self.y_scale(facet) };
            self.draw_data(scene, facet, &pair);
            pair.draw(scene, theme, facet == 0 || !self.shared_y());
        }
        self.draw_texts(scene, outer, axes, &rects);
        match self.place {
            Place::None => {}
            Place::Inside => {
                let (_, place, _) = self.inside_place(axes);
                self.legend.draw_list(scene, (place.left, place.top), theme);
            }
            Place::Corner(across, down) => {
                let place = self.legend.corner(*rects.last().unwrap_or(&axes), across, down, theme);
                self.legend.draw_list(scene, (place.left, place.top), theme);
            }
            Place::Right => self.legend.draw_list(scene, (axes.right() + LEGEND_GAP, axes.top), theme),
            Place::Above => {
                let width = self.above_width(outer.width, self.margins.left);
                let top = axes.top - ABOVE_GAP - self.legend.rows_height(width, theme);
                let left = axes.left.min(outer.right() - self.legend.rows_width(width, theme));
                self.legend.draw_rows(scene, (left, top), width, theme);
            }
        }
    }

    fn draw_texts(&self, scene: &mut Scene, outer: Rect, axes: Rect, rects: &[Rect]) {
        let theme = self.theme;
        let colour = theme.text.colour;
        let size = theme.text.label;
        let below = axes.bottom()
            + theme.line.tick_length
            + TICK_GAP
            + font::CAP_HEIGHT * theme.text.tick
            + LABEL_GAP;
        for (index, line) in self.x_label.iter().enumerate() {
            let baseline = below + size * (font::ASCENT + index as f64 * axes::LEADING);
            scene.text((axes.left + axes.width / 2.0, baseline), line.clone(), size, Anchor::Middle, colour);
        }
        let labels = axes::widest(self.y_scale(0), theme) + theme.line.tick_length + TICK_GAP;
        let count = self.y_label.len();
        for (index, line) in self.y_label.iter().enumerate() {
            let across = axes.left
                - labels
                - LABEL_GAP
                - size * (font::DESCENT + (count - 1 - index) as f64 * axes::LEADING);
            let length = line.width(size);
            // Centred on the axes, but never beyond the panel.
            let middle = axes.top + axes.height / 2.0;
            let middle = middle.min(outer.bottom() - length / 2.0).max(outer.top + length / 2.0);
            let place = (across, middle);
            let rich = line.clone();
            scene.items.push(Item::Text { place, rich, size, anchor: Anchor::Middle, upright: true, colour });
        }
        let legend = if self.place == Place::Above {
            ABOVE_GAP + self.legend.rows_height(self.above_width(outer.width, self.margins.left), theme)
        } else {
            0.0
        };
        let mut baseline = axes.top - legend - 3.5;
        for (name, place) in self.facet_names.iter().zip(rects) {
            let middle = (place.left + place.width / 2.0, baseline);
            scene.text(middle, name.clone(), theme.text.title, Anchor::Middle, colour);
        }
        if !self.facet_names.is_empty() {
            baseline -= 1.2 * theme.text.title;
        }
        if let Some(title) = &self.title {
            let middle = (axes.left + axes.width / 2.0, baseline);
            scene.text(middle, title.clone(), theme.text.title, Anchor::Middle, colour);
        }
        if self.split.all().all(|(_, line)| line.points.iter().all(|point| point.summary.is_err())) {
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

    fn draw_data(&self, scene: &mut Scene, facet: usize, pair: &Axes<'_>) {
        let theme = self.theme;
        let mut items = Vec::new();
        for reference in &self.drawing.reference {
            if let Some((from, to)) = ends(reference, pair) {
                let dash: &[f64] = if reference.solid { &[] } else { &theme.line.dash };
                let pen = Pen::dashed(theme.colour.reference, theme.line.reference, dash);
                items.push(Item::Lines { strokes: vec![vec![from, to]], pen });
            }
        }
        let lines = self.split.series.get(facet).map_or(&[][..], Vec::as_slice);
        let look = |line: &Series| (self.hues[facet][line.hue].colour, &self.styles[line.style].dash);
        for line in lines {
            let edges = runs(line, |point| {
                let (low, high) = point.summary.as_ref().ok()?.interval?;
                Some((pair.at(point.x, low)?, pair.at(point.x, high)?))
            });
            for path in edges.into_iter().filter(|path| path.len() > 1) {
                let upper = path.iter().map(|(_, high)| *high);
                let outline: Vec<Point> = path.iter().map(|(low, _)| *low).chain(upper.rev()).collect();
                if path.iter().any(|(low, high)| (low.1 - high.1).abs() > 1e-3) {
                    items.push(Item::Area { outline, colour: look(line).0, opacity: theme.band.opacity });
                }
            }
        }
        for line in lines {
            let (colour, dash) = look(line);
            let strokes: Vec<Vec<Point>> = line
                .singles
                .iter()
                .map(|single| single.iter().filter_map(|&(x, y)| pair.at(x, y)).collect())
                .collect();
            if !strokes.is_empty() {
                let pen = Pen { opacity: 0.5, ..Pen::dashed(colour, theme.line.single, dash) };
                items.push(Item::Lines { strokes, pen });
            }
        }
        for line in lines {
            let (colour, dash) = look(line);
            let paths =
                runs(line, |point| point.summary.as_ref().ok().and_then(|s| pair.at(point.x, s.centre)));
            let alone = paths.iter().filter(|path| path.len() == 1).flatten().copied();
            let dots: Vec<Point> =
                if self.markers() { paths.iter().flatten().copied().collect() } else { alone.collect() };
            items.push(Item::Lines { strokes: paths, pen: Pen::dashed(colour, theme.line.data, dash) });
            items.push(Item::Dots { centres: dots, radius: theme.marker.radius, colour });
        }
        // Lines at a limit are not cut in half; only what lies well outside is cut off.
        let slack = 0.01;
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
    }
}

fn within(item: &Item, window: Rect) -> bool {
    let inside =
        |&(x, y): &Point| x >= window.left && x <= window.right() && y >= window.top && y <= window.bottom();
    match item {
        Item::Lines { strokes, .. } => strokes.iter().flatten().all(inside),
        Item::Area { outline, .. } => outline.iter().all(inside),
        Item::Dots { centres, .. } => centres.iter().all(inside),
        Item::Text { .. } | Item::Clipped { .. } => true,
    }
}

/// The ends of a reference line on the page.
pub(super) fn ends(line: &crate::recipe::ReferenceLine, pair: &Axes<'_>) -> Option<(Point, Point)> {
    if let Some(y) = line.y {
        return Some((pair.at(pair.x.from, y)?, pair.at(pair.x.to, y)?));
    }
    let x = line.x?;
    Some((pair.at(x, pair.y.from)?, pair.at(x, pair.y.to)?))
}

/// Stretches of a line without a gap.
pub(super) fn runs<T>(line: &Series, place: impl Fn(&series::SeriesPoint) -> Option<T>) -> Vec<Vec<T>> {
    let mut paths = vec![Vec::new()];
    for point in &line.points {
        match (place(point), paths.last_mut()) {
            (Some(place), Some(path)) => path.push(place),
            _ => paths.push(Vec::new()),
        }
    }
    paths.retain(|path| !path.is_empty());
    paths
}
