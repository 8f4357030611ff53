//! Draws a measured heat map.

use super::{BAR_GAP, FACET_GAP, HeatMapPanel, TITLE_LEADING, hatch};
use crate::{
    Colour,
    drawing::Legend,
    panel::axes::{self, Axes, LABEL_GAP, TICK_GAP},
    rich::Rich,
    scene::{Anchor, Item, Margins, Pen, Rect, Scene},
};

/// How far a cell reaches under its right and lower neighbours, in points, so that no gap shows between them.
const UNDER: f64 = 0.2;

impl HeatMapPanel<'_> {
    /// Draws into `outer`, with the axes inset by `margins`, which are at least its own.
    pub(crate) fn draw(&self, scene: &mut Scene, outer: Rect, margins: Margins) {
        let theme = self.theme;
        let axes = outer.inset(margins);
        let (width, height) = self.size(axes);
        let count = self.matrices.facets.len().max(1);
        let used_width = count as f64 * width + (count - 1) as f64 * FACET_GAP;
        let used = Rect::new(
            axes.left + 0.5 * (axes.width - used_width),
            axes.top + 0.5 * (axes.height - height),
            used_width,
            height,
        );
        for facet in 0..count {
            let left = used.left + facet as f64 * (width + FACET_GAP);
            let place = Rect::new(left, used.top, width, height);
            self.draw_matrix(scene, facet, place);
            let pair = Axes { place, x: &self.x, y: &self.y };
            pair.draw(scene, theme, true, facet == 0);
            let pen = Pen::solid(theme.colour.axis, theme.line.axis);
            let corner =
                vec![(place.left, place.top), (place.right(), place.top), (place.right(), place.bottom())];
            scene.items.push(Item::Lines { strokes: vec![corner], pen });
        }
        self.draw_texts(scene, outer, used, width);
        if self.drawing.legend != Legend::None {
            let left = used.right() + self.overhang(width).1.max(1.5) + BAR_GAP;
            self.bar.draw(scene, left, used, outer, theme);
        }
    }

    fn draw_texts(&self, scene: &mut Scene, outer: Rect, used: Rect, width: f64) {
        let theme = self.theme;
        let labels = axes::labels_height(&self.x, theme);
        let below = used.bottom() + theme.line.tick_length + TICK_GAP + labels + LABEL_GAP;
        axes::draw_x_label(scene, theme, &self.x_label, used, below);
        let right = used.left - self.labels_width() - LABEL_GAP;
        axes::draw_y_label(scene, theme, &self.y_label, used, outer, right);
        let colour = theme.text.colour;
        let mut baseline = used.top - 3.5;
        for (facet, lines) in self.heads.iter().enumerate() {
            let middle = used.left + facet as f64 * (width + FACET_GAP) + 0.5 * width;
            for (index, line) in lines.iter().rev().enumerate() {
                let up = index as f64 * TITLE_LEADING * theme.text.title;
                scene.text((middle, baseline - up), line.clone(), theme.text.title, Anchor::Middle, colour);
            }
        }
        baseline -= self.head_height();
        if let Some(title) = &self.title {
            let middle = (used.left + used.width / 2.0, baseline);
            scene.text(middle, title.clone(), theme.text.title, Anchor::Middle, colour);
        }
        if self.matrices.cells.is_empty() {
            let middle = (used.left + used.width / 2.0, used.top + used.height / 2.0);
            let colour = theme.colour.reference;
            scene.text(middle, Rich::parse("no data"), theme.text.legend, Anchor::Middle, colour);
        }
    }

    fn draw_matrix(&self, scene: &mut Scene, facet: usize, place: Rect) {
        let theme = self.theme;
        let (x, y) = (&self.matrices.x, &self.matrices.y);
        let mut items = Vec::new();
        let mut hatched = Vec::new();
        let across = |value: f64| Some(place.left + self.x.position(value)? * place.width);
        let up = |value: f64| Some(place.bottom() - self.y.position(value)? * place.height);
        // From the upper left to the lower right, so that each cell covers what its neighbours put under it.
        for row in (0..y.places.len()).rev() {
            let (Some(bottom), Some(top)) = (up(y.edges[row]), up(y.edges[row + 1])) else { continue };
            for column in 0..x.places.len() {
                let Some(cell) = self.matrices.cells.get(&(facet, row, column)) else { continue };
                let (Some(left), Some(right)) = (across(x.edges[column]), across(x.edges[column + 1])) else {
                    continue;
                };
                let cell_place = Rect::new(left, top, right - left, bottom - top);
                let colour = match cell.value {
                    Some(value) => self.colour(value),
                    None => {
                        hatched.push(cell_place);
                        theme.colour.frame.towards(Colour::WHITE, 0.6)
                    }
                };
                let beside =
                    |row: usize, column: usize| self.matrices.cells.contains_key(&(facet, row, column));
                let right = if beside(row, column + 1) { right + UNDER } else { right };
                let bottom = if row > 0 && beside(row - 1, column) { bottom + UNDER } else { bottom };
                let outline = vec![(left, top), (right, top), (right, bottom), (left, bottom)];
                items.push(Item::Area { outline, colour, opacity: 1.0 });
            }
        }
        if !hatched.is_empty() {
            let strokes = hatched.into_iter().flat_map(hatch::strokes).collect();
            items.push(Item::Lines { strokes, pen: Pen::solid(theme.colour.reference, theme.line.tick) });
        }
        let limited =
            [self.along.0, self.along.1].iter().any(|axis| axis.from.is_some() || axis.to.is_some());
        if limited {
            scene.items.push(Item::Clipped { window: place, items });
        } else {
            scene.items.extend(items);
        }
    }
}
