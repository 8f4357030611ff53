//! The two matrix products that analyses repeat, into memory that is already there.

use faer::linalg::matmul::matmul;
use faer::linalg::matmul::triangular::{BlockStructure, matmul as triangular_matmul};
use faer::{Accum, MatMut, MatRef, Par};

/// `out = rows · weights`, sequential, all row-major.
///
/// # Shapes
/// `rows`: (count, inner); `weights`: (inner, columns); `out`: (count, columns).
pub(crate) fn product_into(rows: &[f64], weights: &[f64], inner: usize, out: &mut [f64]) {
    let (count, columns) = (rows.len() / inner, weights.len() / inner);
    debug_assert_eq!(
        (rows.len(), weights.len(), out.len()),
        (count * inner, inner * columns, count * columns)
    );
    matmul(
        MatMut::from_row_major_slice_mut(out, count, columns),
        Accum::Replace,
        MatRef::from_row_major_slice(rows, count, inner),
        MatRef::from_row_major_slice(weights, inner, columns),
        1.0,
        Par::Seq,
    );
}

/// The smaller of `x xᵀ` and `xᵀ x`: its lower triangle is written, the rest of `out` is left as it was.
///
/// # Shapes
/// `x`: (rows, columns), row-major; `out`: (n, n), with n the smaller of the two.
pub(crate) fn smaller_gram(x: &[f64], rows: usize, columns: usize, out: &mut [f64]) {
    let size = rows.min(columns);
    debug_assert_eq!((x.len(), out.len()), (rows * columns, size * size));
    let x = MatRef::from_row_major_slice(x, rows, columns);
    let (left, right) = if rows < columns { (x, x.transpose()) } else { (x.transpose(), x) };
    triangular_matmul(
        MatMut::from_row_major_slice_mut(out, size, size),
        BlockStructure::TriangularLower,
        Accum::Replace,
        left,
        BlockStructure::Rectangular,
        right,
        BlockStructure::Rectangular,
        1.0,
        Par::Seq,
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(count: usize) -> Vec<f64> {
        (0..count).map(|i| ((7 * i) % 11) as f64 - 4.0).collect()
    }

    #[test]
    fn a_product_is_the_sum_over_the_inner_axis() {
        let (rows, weights) = (entries(3 * 5), entries(5 * 4));
        let mut out = vec![f64::NAN; 3 * 4]; // must be overwritten
        product_into(&rows, &weights, 5, &mut out);
        for i in 0..3 {
            for j in 0..4 {
                let expected: f64 = (0..5).map(|k| rows[i * 5 + k] * weights[k * 4 + j]).sum();
                assert_eq!(out[i * 4 + j], expected);
            }
        }
    }

    #[test]
    fn the_gram_is_taken_over_the_longer_axis() {
        for (rows, columns) in [(3, 5), (5, 3), (4, 4), (1, 6), (6, 1)] {
            let x = entries(rows * columns);
            let size = rows.min(columns);
            let mut gram = vec![f64::NAN; size * size];
            smaller_gram(&x, rows, columns, &mut gram);
            for i in 0..size {
                for j in 0..=i {
                    let expected: f64 = if rows < columns {
                        (0..columns).map(|k| x[i * columns + k] * x[j * columns + k]).sum()
                    } else {
                        (0..rows).map(|k| x[k * columns + i] * x[k * columns + j]).sum()
                    };
                    assert_eq!(gram[i * size + j], expected, "{rows} by {columns} at {i}, {j}");
                }
            }
        }
    }
}
