//! Frames of row vectors: their images made orthonormal, with the triangular factor.

use concertina_numerics::kernels::dispatch;
use concertina_numerics::linalg::one_over_power_of_two;

/// A vector counts as zero if every entry is within this many times `numbers` machine epsilons of the
/// largest entry of its column: what the preceding product and the projections may have rounded.
const ROUNDINGS: f64 = 4.0;
/// A projection that leaves less than this share of a vector is repeated, because what is left is not
/// orthogonal to working precision ("twice is enough", Kahan and Parlett, for vectors above rounding).
const SHARE: f64 = 0.5;
/// More repetitions than this only meet rounding error.
const MOST_PROJECTIONS: usize = 5;
/// Number of lanes of the sums below. The order of summation is fixed, so the bits do not depend on the width
/// of the vector registers.
const LANES: usize = 16;

/// The scalar product.
#[inline(always)]
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let ((a_blocks, a_rest), (b_blocks, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut lanes = [0.0; LANES];
    for (a, b) in a_blocks.iter().zip(b_blocks) {
        for lane in 0..LANES {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] += lanes[lane + width];
        }
        width /= 2;
    }
    lanes[0] + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f64>()
}

/// Adds a multiple of another row.
#[inline(always)]
pub(crate) fn add(to: &mut [f64], factor: f64, row: &[f64]) {
    to.iter_mut().zip(row).for_each(|(entry, other)| *entry += factor * other);
}

/// Makes the rows of a frame orthonormal, one after the other, and returns the lower triangular factor `L` of
/// `frame = L Q`, row-major (vectors, vectors), with a diagonal that is not negative.
///
/// It is the Gram-Schmidt process with repeated projections. Columns of very different size, as behind
/// saturated units, keep their own relative precision. A row of which nothing but rounding error is left has
/// a zero on the diagonal, and is replaced by some direction orthogonal to the rows before it.
///
/// # Shapes
/// `frame`: (vectors, numbers), row-major, with at most as many vectors as numbers.
pub(crate) fn orthonormalise(frame: &mut [f64], numbers: usize) -> Vec<f64> {
    dispatch(
        #[inline(always)]
        || {
            let vectors = frame.len() / numbers;
            let mut lower = vec![0.0; vectors * vectors];
            let mut scales = vec![0.0; numbers];
            for row in frame.chunks_exact(numbers) {
                scales.iter_mut().zip(row).for_each(|(scale, entry)| *scale = entry.abs().max(*scale));
            }
            for vector in 0..vectors {
                let (before, rest) = frame.split_at_mut(vector * numbers);
                let row = &mut rest[..numbers];
                let factors = &mut lower[vector * vectors..][..vectors];
                let largest = row.iter().fold(0.0, |largest: f64, entry| largest.max(entry.abs()));
                let mut length = 0.0;
                if largest > 0.0 && largest.is_finite() {
                    let scale = one_over_power_of_two(largest);
                    row.iter_mut().for_each(|entry| *entry *= scale);
                    length = project(row, before, factors);
                    let rounding = ROUNDINGS * numbers as f64 * f64::EPSILON * scale;
                    if row.iter().zip(&scales).all(|(entry, scale)| entry.abs() <= rounding * scale) {
                        length = 0.0;
                    }
                    factors[..vector].iter_mut().for_each(|factor| *factor /= scale);
                    factors[vector] = length / scale;
                }
                match length > 0.0 {
                    true => row.iter_mut().for_each(|entry| *entry /= length),
                    false => complete(row, before),
                }
            }
            lower
        },
    )
}

/// Removes the part of a row in the span of orthonormal rows, adds the coefficients, and returns the length
/// of the rest.
#[inline(always)]
fn project(row: &mut [f64], before: &[f64], factors: &mut [f64]) -> f64 {
    let mut length = dot(row, row).sqrt();
    for _ in 0..MOST_PROJECTIONS {
        for (known, factor) in before.chunks_exact(row.len()).zip(&mut *factors) {
            let along = dot(row, known);
            add(row, -along, known);
            *factor += along;
        }
        let left = dot(row, row).sqrt();
        let enough = left >= SHARE * length || left == 0.0;
        length = left;
        if enough {
            break;
        }
    }
    length
}

/// Replaces a row by the normalised part of an axis that is orthogonal to the rows before it.
#[inline(always)]
fn complete(row: &mut [f64], before: &[f64]) {
    let numbers = row.len();
    // with v rows before it, the mean square of the rest of an axis is (numbers - v) / numbers
    let enough = 0.5 / (numbers as f64).sqrt();
    for axis in 0..numbers {
        row.fill(0.0);
        row[axis] = 1.0;
        let mut unused = vec![0.0; before.len() / numbers];
        let length = project(row, before, &mut unused);
        if length >= enough {
            row.iter_mut().for_each(|entry| *entry /= length);
            return;
        }
    }
}

/// The first unit vectors as rows.
pub(crate) fn unit_vectors(vectors: usize, numbers: usize) -> Vec<f64> {
    let mut frame = vec![0.0; vectors * numbers];
    (0..vectors).for_each(|vector| frame[vector * numbers + vector] = 1.0);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(frame: &[f64], numbers: usize) -> Vec<f64> {
        let vectors = frame.len() / numbers;
        let mut rows = frame.to_vec();
        let lower = orthonormalise(&mut rows, numbers);
        let row = |index: usize| &rows[index * numbers..][..numbers];
        for i in 0..vectors {
            for j in 0..vectors {
                let expected = f64::from(u8::from(i == j));
                assert!((dot(row(i), row(j)) - expected).abs() < 1e-14, "{i}, {j}");
            }
            for column in 0..numbers {
                let built: f64 = (0..=i).map(|j| lower[i * vectors + j] * row(j)[column]).sum();
                let size = frame.iter().fold(0.0, |size: f64, entry| size.max(entry.abs()));
                assert!((built - frame[i * numbers + column]).abs() <= 1e-14 * size);
            }
            assert!(lower[i * vectors + i] >= 0.0);
        }
        (0..vectors).map(|i| lower[i * vectors + i]).collect()
    }

    #[test]
    fn the_factors_rebuild_the_frame() {
        let frame: Vec<f64> = (0..4 * 19).map(|i| (i as f64 * i as f64 * 0.7).sin()).collect();
        assert!(check(&frame, 19).iter().all(|length| *length > 0.1));
        let near: Vec<f64> = (0..3 * 7).map(|i| 1.0 + 1e-9 * (i as f64).cos()).collect();
        check(&near, 7);
    }

    #[test]
    fn dependent_rows_have_a_zero_and_are_replaced() {
        let frame = [3.0, 4.0, 0.0, 0.3, 0.4, 0.0, 0.0, 0.0, 0.0];
        assert_eq!(check(&frame, 3), [5.0, 0.0, 0.0]);
    }

    #[test]
    fn a_small_column_keeps_its_digits() {
        let lengths = check(&[1.0, 2.0, 1e-20, 2.0, 1.0, 3e-20, 1.0, 1.0, 5e-20], 3);
        let volume: f64 = lengths.iter().product();
        // det [[1, 2, 1], [2, 1, 3], [1, 1, 5]] = -11
        assert!((volume / 11e-20 - 1.0).abs() < 1e-13, "{volume}");
    }

    #[test]
    fn sizes_whose_squares_leave_the_range_are_kept() {
        for size in [1e-200, 1e200] {
            let lengths = check(&[3.0 * size, 4.0 * size, 4.0 * size, 0.0], 2);
            assert!((lengths[0] / (5.0 * size) - 1.0).abs() < 1e-14);
        }
    }
}
