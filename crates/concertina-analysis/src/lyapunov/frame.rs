//! Orthonormal frames of tangent vectors: the QR step of Benettin's method.

use concertina_numerics::kernels::{Operation, dispatch};

/// Where a vector has lost more than this share of its length (times the number of units) to those before it, what is left
/// is rounding error.
const ROUNDING: f64 = f64::EPSILON;

/// Makes the rows of a frame orthonormal, one after the other, and writes the base-2 logarithm of what each was long
/// orthogonally to those before it: `log2 R[j, j]` of the QR factors of the transposed frame.
///
/// A row that depends on those before it up to rounding becomes zero, with the logarithm `-∞`, and stays out of the way of
/// the rows after it.
///
/// Modified Gram-Schmidt, repeated for a vector that lost more than half of its length: "twice is enough", after which it is
/// orthogonal to working precision (`daniel1976`).
///
/// # Shapes
/// `frame`: (vectors, units), row-major; `log2_lengths`: (vectors).
pub(super) fn orthonormalise(frame: &mut [f64], units: usize, log2_lengths: &mut [f64]) {
    debug_assert_eq!(frame.len(), units * log2_lengths.len());
    dispatch(Orthonormalise { frame, units, log2_lengths });
}

struct Orthonormalise<'a> {
    frame: &'a mut [f64],
    units: usize,
    log2_lengths: &'a mut [f64],
}

impl Operation for Orthonormalise<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { frame, units, log2_lengths } = self;
        for (index, log2_length) in log2_lengths.iter_mut().enumerate() {
            let (before, rest) = frame.split_at_mut(index * units);
            let vector = &mut rest[..units];
            let mut original = None;
            let mut length = 0.0;
            for _ in 0..2 {
                let mut taken = 0.0; // the square of what lies along the vectors before
                for unit_vector in before.chunks_exact(units) {
                    let along = dot(unit_vector, vector);
                    subtract(vector, along, unit_vector);
                    taken += along * along;
                }
                length = norm(vector);
                let whole = libm::hypot(length, taken.sqrt());
                original.get_or_insert(whole);
                if length >= 0.5 * whole {
                    break;
                }
            }
            let original = original.unwrap_or_default();
            if length > units as f64 * ROUNDING * original {
                let factor = 1.0 / length;
                vector.iter_mut().for_each(|entry| *entry *= factor);
                *log2_length = libm::log2(length);
            } else {
                vector.fill(0.0);
                *log2_length = f64::NEG_INFINITY;
            }
        }
    }
}

/// Lanes of the sums below: a fixed order, so the same bits whatever the vector registers are; enough of them that no sum
/// waits for the one before it.
const LANES: usize = 32;

#[inline(always)]
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; LANES];
    let (a_blocks, a_rest) = a.as_chunks::<LANES>();
    let (b_blocks, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a_blocks.iter().zip(b_blocks) {
        for lane in 0..LANES {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    for (lane, (a, b)) in a_rest.iter().zip(b_rest).enumerate() {
        lanes[lane] += a * b;
    }
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] += lanes[lane + width];
        }
        width /= 2;
    }
    lanes[0]
}

/// The Euclidean length; scaled where squares would over- or underflow.
#[inline(always)]
fn norm(vector: &[f64]) -> f64 {
    let plain = dot(vector, vector);
    if plain.is_normal() && plain < f64::MAX {
        return plain.sqrt();
    }
    let largest = vector.iter().fold(0.0, |largest: f64, entry| largest.max(entry.abs()));
    if largest == 0.0 || !largest.is_finite() {
        return largest;
    }
    largest * vector.iter().map(|entry| (entry / largest) * (entry / largest)).sum::<f64>().sqrt()
}

#[inline(always)]
fn subtract(vector: &mut [f64], factor: f64, direction: &[f64]) {
    for (entry, step) in vector.iter_mut().zip(direction) {
        *entry -= factor * step;
    }
}

#[cfg(test)]
mod tests {
    use concertina_numerics::kernels::{Level, with_level};
    use concertina_numerics::linalg::product;
    use ndarray::{Array2, ArrayView2};
    use proptest::prelude::*;

    use super::*;

    fn orthonormalised(mut frame: Array2<f64>) -> (Array2<f64>, Vec<f64>) {
        let (vectors, units) = frame.dim();
        let mut lengths = vec![f64::NAN; vectors];
        orthonormalise(frame.as_slice_mut().expect("row-major"), units, &mut lengths);
        (frame, lengths)
    }

    fn worst_from_identity(frame: ArrayView2<f64>) -> f64 {
        let gram = product(frame, frame.t());
        gram.indexed_iter()
            .map(|((i, j), entry)| (entry - f64::from(u8::from(i == j))).abs())
            .fold(0.0, f64::max)
    }

    proptest! {
        #[test]
        fn frames_become_orthonormal_and_their_volume_is_kept(
            entries in proptest::collection::vec(-1.0..1.0_f64, 40),
            squeeze in 0..10_i32, // the vectors differ by 10^-squeeze only
        ) {
            let common = &entries[..10];
            let frame = Array2::from_shape_fn((3, 10), |(i, j)| {
                common[j] + entries[10 * (i + 1) + j] * 10.0_f64.powi(-squeeze)
            });
            let (orthonormal, lengths) = orthonormalised(frame.clone());
            prop_assume!(lengths.iter().all(|length| length.is_finite()));
            prop_assert!(worst_from_identity(orthonormal.view()) < 1e-14);
            // R = A Qᵀ is lower triangular with the lengths on its diagonal.
            let r = product(frame.view(), orthonormal.t());
            for i in 0..3 {
                let scale = r.row(i).iter().fold(0.0, |scale: f64, entry| scale.max(entry.abs()));
                prop_assert!((r[[i, i]] - lengths[i].exp2()).abs() < 1e-14 * scale);
                for j in i + 1..3 {
                    prop_assert!(r[[i, j]].abs() < 1e-14 * scale);
                }
            }
        }
    }

    #[test]
    fn a_vector_that_depends_on_those_before_it_collapses_and_the_next_survives() {
        let frame = ndarray::arr2(&[[3.0, 4.0, 0.0], [0.3, 0.4, 0.0], [0.0, 0.0, 0.0], [1.0, 0.0, 2.0]]);
        let (frame, lengths) = orthonormalised(frame);
        assert_eq!(lengths[1..3], [f64::NEG_INFINITY; 2]);
        assert!(frame.row(1).iter().chain(frame.row(2)).all(|entry| *entry == 0.0));
        assert!((lengths[3] - 0.5 * (0.64_f64 + 4.0).log2()).abs() < 1e-15);
    }

    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        let frame = Array2::from_shape_fn((7, 45), |(i, j)| ((i * 45 + j) as f64 * 0.7).sin());
        let portable = with_level(Level::PORTABLE, || orthonormalised(frame.clone()));
        for level in Level::available() {
            assert_eq!(with_level(level, || orthonormalised(frame.clone())), portable, "{level}");
        }
    }

    #[test]
    fn lengths_beyond_the_range_of_squares_are_right() {
        for size in [1e-200, 1e200, 1e-310] {
            let (_, lengths) = orthonormalised(ndarray::arr2(&[[3.0 * size, 0.0, 4.0 * size]]));
            assert!((lengths[0] - (5.0 * size).log2()).abs() < 1e-10, "{size}");
        }
    }
}
