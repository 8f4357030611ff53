//! Hatching: oblique lines over a rectangle.

use crate::scene::{Point, Rect};

/// Distance of the lines along the horizontal, in points.
const SPACING: f64 = 3.0;
/// The most lines over one rectangle; arbitrary, more than on any page.
const MOST: usize = 10_000;

/// Lines that rise to the right, at the same places whatever the rectangle, so that those of neighbours
/// continue each other.
pub(super) fn strokes(place: Rect) -> Vec<Vec<Point>> {
    let (low, high) = (place.left + place.top, place.right() + place.bottom());
    let first = (low / SPACING).ceil();
    (0..MOST)
        .map(|line| (first + line as f64) * SPACING)
        .take_while(|sum| *sum <= high)
        .map(|sum| {
            let left = place.left.max(sum - place.bottom());
            let right = place.right().min(sum - place.top);
            vec![(left, sum - left), (right, sum - right)]
        })
        .filter(|stroke| stroke[1].0 > stroke[0].0)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stay_inside() {
        let place = Rect::new(1.3, 2.7, 10.0, 5.5);
        let strokes = strokes(place);
        assert_eq!(strokes.len(), 5);
        for (x, y) in strokes.into_iter().flatten() {
            assert!(x >= place.left - 1e-9 && x <= place.right() + 1e-9, "{x}");
            assert!(y >= place.top - 1e-9 && y <= place.bottom() + 1e-9, "{y}");
        }
    }
}
