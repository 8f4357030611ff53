//! Arrows, brackets and circles.

use crate::{
    Colour,
    scene::{Item, Pen, Point, Rect, Scene},
};

/// Length of an arrow's head, in points.
const HEAD: f64 = 3.4;
/// Size of a small head, relative to an arrow's.
const SMALL: f64 = 0.7;
/// Half the width of the head, relative to its length: a slender triangle.
const HEAD_WIDTH: f64 = 0.36;
/// Pieces of an arc; at the sizes of a schematic, no corners are visible.
const PIECES: usize = 32;

/// A straight arrow.
pub(super) fn arrow(scene: &mut Scene, from: Point, to: Point, pen: &Pen) {
    let length = (to.0 - from.0).hypot(to.1 - from.1).max(1e-9);
    let direction = ((to.0 - from.0) / length, (to.1 - from.1) / length);
    // The line ends inside the head, so that its square end does not stick out at the tip.
    let end = (to.0 - 0.8 * HEAD * direction.0, to.1 - 0.8 * HEAD * direction.1);
    scene.line(from, end, pen);
    head(scene, to, direction, pen.colour);
}

/// A straight arrow with a small head, for places where many meet.
pub(super) fn small_arrow(scene: &mut Scene, from: Point, to: Point, pen: &Pen) {
    let length = (to.0 - from.0).hypot(to.1 - from.1).max(1e-9);
    let direction = ((to.0 - from.0) / length, (to.1 - from.1) / length);
    let size = SMALL * HEAD;
    scene.line(from, (to.0 - 0.8 * size * direction.0, to.1 - 0.8 * size * direction.1), pen);
    sized_head(scene, to, direction, size, pen.colour);
}

/// An arrow along a path with corners.
pub(super) fn path_arrow(scene: &mut Scene, path: &[Point], pen: &Pen) {
    let [before @ .., from, to] = path else { return };
    if !before.is_empty() {
        let stroke = before.iter().copied().chain([*from]).collect();
        scene.items.push(Item::Lines { strokes: vec![stroke], pen: pen.clone() });
    }
    arrow(scene, *from, *to, pen);
}

/// The frame of a rectangle.
pub(super) fn frame(scene: &mut Scene, place: Rect, pen: &Pen) {
    let (right, bottom) = (place.right(), place.bottom());
    let stroke = vec![
        (place.left, place.top),
        (right, place.top),
        (right, bottom),
        (place.left, bottom),
        (place.left, place.top),
    ];
    scene.items.push(Item::Lines { strokes: vec![stroke], pen: pen.clone() });
}

/// A rectangle with a frame.
pub(super) fn framed(scene: &mut Scene, place: Rect, filling: Colour, pen: &Pen) {
    let outline = vec![
        (place.left, place.top),
        (place.right(), place.top),
        (place.right(), place.bottom()),
        (place.left, place.bottom()),
    ];
    scene.items.push(Item::Area { outline, colour: filling, opacity: 1.0 });
    frame(scene, place, pen);
}

/// A filled triangle with its tip at `tip`.
fn head(scene: &mut Scene, tip: Point, direction: Point, colour: Colour) {
    sized_head(scene, tip, direction, HEAD, colour);
}

fn sized_head(scene: &mut Scene, tip: Point, direction: Point, size: f64, colour: Colour) {
    let back = (tip.0 - size * direction.0, tip.1 - size * direction.1);
    let side = (-HEAD_WIDTH * size * direction.1, HEAD_WIDTH * size * direction.0);
    let outline = vec![tip, (back.0 + side.0, back.1 + side.1), (back.0 - side.0, back.1 - side.1)];
    scene.items.push(Item::Area { outline, colour, opacity: 1.0 });
}

/// An arc around `centre` with a head at its end. Angles are in degrees, clockwise on the page, from the
/// right.
pub(super) fn arc_arrow(scene: &mut Scene, centre: Point, radius: f64, from: f64, to: f64, pen: &Pen) {
    let at = |degrees: f64| {
        let angle = degrees.to_radians();
        (centre.0 + radius * angle.cos(), centre.1 + radius * angle.sin())
    };
    let turn = (to - from).signum();
    // As much of the arc as the head covers, minus a little.
    let covered = turn * (0.8 * HEAD / radius).to_degrees();
    let share = |piece: usize| from + (to - covered - from) * piece as f64 / PIECES as f64;
    let stroke = (0..=PIECES).map(|piece| at(share(piece))).collect();
    scene.items.push(Item::Lines { strokes: vec![stroke], pen: pen.clone() });
    let (tip, back) = (at(to), at(to - turn * (HEAD / radius).to_degrees()));
    let length = (tip.0 - back.0).hypot(tip.1 - back.1).max(1e-9);
    head(scene, tip, ((tip.0 - back.0) / length, (tip.1 - back.1) / length), pen.colour);
}

/// A filled circle.
pub(super) fn circle(scene: &mut Scene, centre: Point, radius: f64, filling: Colour, pen: &Pen) {
    let round = |radius: f64| -> Vec<Point> {
        (0..=2 * PIECES)
            .map(|piece| {
                let angle = std::f64::consts::PI * piece as f64 / PIECES as f64;
                (centre.0 + radius * angle.cos(), centre.1 + radius * angle.sin())
            })
            .collect()
    };
    scene.items.push(Item::Area { outline: round(radius), colour: filling, opacity: 1.0 });
    scene.items.push(Item::Lines { strokes: vec![round(radius)], pen: pen.clone() });
}

/// A horizontal bracket, open downwards, from `left` to `right`.
pub(super) fn bracket(scene: &mut Scene, left: f64, right: f64, top: f64, foot: f64, pen: &Pen) {
    let stroke = vec![(left, top + foot), (left, top), (right, top), (right, top + foot)];
    scene.items.push(Item::Lines { strokes: vec![stroke], pen: pen.clone() });
}
