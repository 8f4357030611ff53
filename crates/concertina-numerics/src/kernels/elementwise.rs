//! Maps that act on every element, and sums over rows.

use super::product::BLOCK;
use super::{Operation, RowsMut, RowsRef, dispatch};

/// `x = max(x, 0)`; NaN stays NaN.
pub fn relu_in_place(values: &mut [f32]) {
    dispatch(
        #[inline(always)]
        || {
            for value in values {
                *value = if *value < 0.0 { 0.0 } else { *value };
            }
        },
    );
}

/// `delta = delta (1 - h²)`: the backward pass through a tanh whose output was `h`.
///
/// # Panics
/// If the lengths differ.
pub fn tanh_derivative_mul(delta: &mut [f32], states: &[f32]) {
    assert_eq!(delta.len(), states.len(), "backward signals and states");
    dispatch(
        #[inline(always)]
        || {
            for (d, h) in delta.iter_mut().zip(states) {
                *d *= (-h).mul_add(*h, 1.0);
            }
        },
    );
}

/// `delta = delta` where `h > 0`, and zero elsewhere: the backward pass through a relu whose output was `h`.
///
/// # Panics
/// If the lengths differ.
pub fn relu_derivative_mul(delta: &mut [f32], states: &[f32]) {
    assert_eq!(delta.len(), states.len(), "backward signals and states");
    dispatch(
        #[inline(always)]
        || {
            for (d, h) in delta.iter_mut().zip(states) {
                *d = if *h > 0.0 { *d } else { 0.0 };
            }
        },
    );
}

/// `x = scale x`.
pub fn scale_in_place(values: &mut [f32], scale: f32) {
    dispatch(
        #[inline(always)]
        || {
            for value in values {
                *value *= scale;
            }
        },
    );
}

/// `y = y + scale x`, fused.
///
/// # Panics
/// If the lengths differ.
pub fn scaled_add(to: &mut [f32], scale: f32, values: &[f32]) {
    assert_eq!(to.len(), values.len(), "vectors to be added");
    dispatch(
        #[inline(always)]
        || {
            for (y, x) in to.iter_mut().zip(values) {
                *y = scale.mul_add(*x, *y);
            }
        },
    );
}

/// Adds a vector (a bias) to every row.
///
/// # Panics
/// If the vector does not have one entry per column.
pub fn add_row(mut rows: RowsMut<'_>, vector: &[f32]) {
    assert_eq!(rows.column_count(), vector.len(), "columns and the vector to be added");
    dispatch(
        #[inline(always)]
        || {
            for row in 0..rows.row_count() {
                for (y, x) in rows.row_mut(row).iter_mut().zip(vector) {
                    *y += x;
                }
            }
        },
    );
}

/// Writes the sums over the rows (the gradient of a bias) to `out`, or adds them to it if `accumulate`.
///
/// The sums are in blocks of [`BLOCK`] rows, as in a product with a row of ones.
///
/// # Panics
/// If `out` does not have one entry per column.
pub fn column_sums(out: &mut [f32], rows: RowsRef<'_>, accumulate: bool) {
    assert_eq!(rows.column_count(), out.len(), "columns and their sums");
    if !accumulate {
        out.fill(0.0);
    }
    dispatch(ColumnSums { out, rows });
}

/// This is a struct because a closure was not compiled into the wide instructions, and the sums took seven
/// times as long.
struct ColumnSums<'a> {
    out: &'a mut [f32],
    rows: RowsRef<'a>,
}

impl Operation for ColumnSums<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { out, rows } = self;
        let columns = rows.column_count();
        // one strip of columns at a time, so that its sums stay in registers
        for (strip, out) in out.chunks_mut(STRIP).enumerate() {
            let (from, to) = (strip * STRIP, columns.min((strip + 1) * STRIP));
            for block in rows.as_slice().chunks(BLOCK * rows.stride()) {
                let mut sums = [0.0; STRIP];
                for row in block.chunks_exact(rows.stride()) {
                    if to - from == STRIP {
                        let row: &[f32] = &row[from..from + STRIP];
                        for (sum, x) in sums.iter_mut().zip(row) {
                            *sum += x;
                        }
                    } else {
                        for (sum, x) in sums.iter_mut().zip(&row[from..to]) {
                            *sum += x;
                        }
                    }
                }
                for (to, sum) in out.iter_mut().zip(&sums) {
                    *to += sum;
                }
            }
        }
    }
}

/// Number of columns summed together by [`column_sums`].
const STRIP: usize = 64;

/// Sum of squares in `f64`, by 128 interleaved partial sums and then a tree over them. The order is fixed.
#[must_use]
pub fn squared_norm(values: &[f32]) -> f64 {
    let mut sums = [0.0_f64; PARTIAL_SUMS];
    dispatch(
        #[inline(always)]
        || {
            for chunk in values.chunks(PARTIAL_SUMS) {
                for (sum, value) in sums.iter_mut().zip(chunk) {
                    let x = f64::from(*value);
                    *sum = x.mul_add(x, *sum);
                }
            }
        },
    );
    let mut half = PARTIAL_SUMS / 2;
    while half > 0 {
        for i in 0..half {
            sums[i] += sums[i + half];
        }
        half /= 2;
    }
    sums[0]
}

/// Whether no value is NaN or infinite.
pub fn all_finite(values: &[f32]) -> bool {
    dispatch(
        #[inline(always)]
        || values.iter().fold(true, |all, value| all & value.is_finite()), // without early exit, to be vectorised
    )
}

/// Number of partial sums of [`squared_norm`]: enough that a sum, which is kept in memory, has been stored
/// long before it is needed again.
const PARTIAL_SUMS: usize = 128;
