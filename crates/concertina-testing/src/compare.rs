//! Comparisons of arrays. A failure reports the place of the worst difference, both values, and the
//! tolerance.
//!
//! Elements may be f32 or f64. Shapes must be equal. A NaN on either side is a difference, however large the
//! tolerance.

use ndarray::{ArrayView, Dimension};

/// No entry may differ by more than `absolute`.
///
/// # Panics
/// If one does, or the shapes differ.
#[track_caller]
pub fn assert_close<A, B, D, E>(what: &str, found: ArrayView<A, D>, expected: ArrayView<B, E>, absolute: f64)
where
    A: Copy + Into<f64>,
    B: Copy + Into<f64>,
    D: Dimension,
    E: Dimension,
{
    let worst = Worst::of(what, &found, &expected, |_| 1.0);
    worst.assert(what, absolute, "absolute");
}

/// No entry may differ by more than `relative` times the largest magnitude among the expected entries.
///
/// # Panics
/// If one does, or the shapes differ.
#[track_caller]
pub fn assert_close_to_largest<A, B, D, E>(
    what: &str,
    found: ArrayView<A, D>,
    expected: ArrayView<B, E>,
    relative: f64,
) where
    A: Copy + Into<f64>,
    B: Copy + Into<f64>,
    D: Dimension,
    E: Dimension,
{
    let largest = expected.iter().map(|&value| value.into().abs()).fold(0.0, f64::max);
    let worst = Worst::of(what, &found, &expected, |_| if largest > 0.0 { largest } else { 1.0 });
    worst.assert(what, relative, "of the largest entry");
}

/// No entry may differ by more than `relative` times the expected entry itself. Where the expected entry is
/// zero, the found entry must be zero too.
///
/// # Panics
/// If one does, or the shapes differ.
#[track_caller]
pub fn assert_relative<A, B, D, E>(
    what: &str,
    found: ArrayView<A, D>,
    expected: ArrayView<B, E>,
    relative: f64,
) where
    A: Copy + Into<f64>,
    B: Copy + Into<f64>,
    D: Dimension,
    E: Dimension,
{
    let worst = Worst::of(what, &found, &expected, f64::abs);
    worst.assert(what, relative, "relative");
}

/// The root of the mean squared difference may not exceed `limit`.
///
/// # Panics
/// If it does, or the shapes differ.
#[track_caller]
pub fn assert_root_mean_square<A, B, D, E>(
    what: &str,
    found: ArrayView<A, D>,
    expected: ArrayView<B, E>,
    limit: f64,
) where
    A: Copy + Into<f64>,
    B: Copy + Into<f64>,
    D: Dimension,
    E: Dimension,
{
    let worst = Worst::of(what, &found, &expected, |_| 1.0);
    let squares: f64 = found.iter().zip(expected.iter()).map(|(&f, &e)| (f.into() - e.into()).powi(2)).sum();
    let root = (squares / found.len().max(1) as f64).sqrt();
    assert!(root <= limit, "{what}: root mean square difference {root:.3e}, tolerance {limit:.1e}; {worst}");
}

/// Two numbers may not differ by more than `absolute`.
///
/// # Panics
/// If they do.
#[track_caller]
pub fn assert_number(what: &str, found: f64, expected: f64, absolute: f64) {
    let off = (found - expected).abs();
    assert!(
        off <= absolute,
        "{what}: expected {expected:?}, found {found:?}, difference {off:.3e}, tolerance {absolute:.1e}"
    );
}

/// Two numbers may not differ by more than `relative` times the expected one.
///
/// # Panics
/// If they do.
#[track_caller]
pub fn assert_number_relative(what: &str, found: f64, expected: f64, relative: f64) {
    assert_number(what, found, expected, relative * expected.abs());
}

/// The entry that differs most, relative to its scale.
#[derive(Debug)]
struct Worst {
    at: Vec<usize>,
    found: f64,
    expected: f64,
    difference: f64,
}

impl Worst {
    #[track_caller]
    fn of<A, B, D, E>(
        what: &str,
        found: &ArrayView<A, D>,
        expected: &ArrayView<B, E>,
        scale: impl Fn(f64) -> f64,
    ) -> Self
    where
        A: Copy + Into<f64>,
        B: Copy + Into<f64>,
        D: Dimension,
        E: Dimension,
    {
        assert!(
            found.shape() == expected.shape(),
            "{what}: expected shape {:?}, found {:?}",
            expected.shape(),
            found.shape()
        );
        let mut worst = Self { at: Vec::new(), found: 0.0, expected: 0.0, difference: 0.0 };
        for (position, (&found, &wanted)) in found.iter().zip(expected.iter()).enumerate() {
            let (found, wanted): (f64, f64) = (found.into(), wanted.into());
            let difference = if found == wanted { 0.0 } else { (found - wanted).abs() / scale(wanted) };
            // A NaN compares false, so it becomes the worst difference and remains so.
            if !(difference <= worst.difference || worst.difference.is_nan()) {
                worst = Self { at: unravel(position, expected.shape()), found, expected: wanted, difference };
            }
        }
        worst
    }

    #[track_caller]
    fn assert(&self, what: &str, tolerance: f64, kind: &str) {
        assert!(self.difference <= tolerance, "{what}: {self}, tolerance {tolerance:.1e} {kind}");
    }
}

impl std::fmt::Display for Worst {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { at, found, expected, difference } = self;
        write!(f, "worst at {at:?}: expected {expected:?}, found {found:?}, difference {difference:.3e}")
    }
}

/// The index of the entry at `position` in row-major order.
fn unravel(mut position: usize, shape: &[usize]) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for (axis, &length) in shape.iter().enumerate().rev() {
        index[axis] = position % length;
        position /= length;
    }
    index
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use ndarray::{Array2, arr1, arr2};

    use super::*;

    fn message(check: impl FnOnce() + std::panic::UnwindSafe) -> String {
        let payload = catch_unwind(check).expect_err("the comparison should have failed");
        *payload.downcast::<String>().expect("a formatted message")
    }

    #[test]
    fn a_failure_reports_the_worst_entry_both_values_and_the_tolerance() {
        let expected = arr2(&[[1.0, 2.0], [3.0, 4.0]]);
        let text = message(|| {
            let found = arr2(&[[1.0, 2.1], [3.5, 4.0]]);
            assert_close("weights", found.view(), arr2(&[[1.0, 2.0], [3.0, 4.0]]).view(), 1e-3);
        });
        assert_eq!(
            text,
            "weights: worst at [1, 0]: expected 3.0, found 3.5, difference 5.000e-1, tolerance 1.0e-3 absolute"
        );
        assert_close("weights", expected.view(), expected.view(), 0.0);
    }

    #[test]
    fn nan_is_a_difference_at_any_tolerance() {
        for (found, expected) in [(f64::NAN, 1.0), (1.0, f64::NAN), (f64::NAN, f64::NAN)] {
            let (found, expected) = (arr1(&[0.0, found, 5.0]), arr1(&[0.0, expected, 0.0]));
            for check in [assert_close, assert_close_to_largest, assert_relative, assert_root_mean_square] {
                let (found, expected) = (found.clone(), expected.clone());
                message(move || check("x", found.view(), expected.view(), f64::INFINITY));
            }
        }
    }

    #[test]
    fn shapes_must_be_equal_even_if_lengths_are() {
        let text = message(|| {
            assert_close("x", Array2::<f64>::zeros((2, 3)).view(), Array2::<f64>::zeros((3, 2)).view(), 1.0);
        });
        assert_eq!(text, "x: expected shape [3, 2], found [2, 3]");
    }

    #[test]
    fn single_and_double_precision_may_be_mixed() {
        assert_close("x", arr1(&[0.5_f32]).view(), arr1(&[0.5_f64]).view(), 0.0);
        assert_root_mean_square("x", arr1(&[1.0_f32, 2.0]).view(), arr1(&[1.0_f64, 2.5]).view(), 0.36);
    }
}
