//! The covariance between units, or its counterpart between samples, into memory that is already there.

use faer::linalg::matmul::triangular::{BlockStructure, matmul};
use faer::{Accum, MatMut, MatRef, Par};

/// The smaller of `x xᵀ` and `xᵀ x`: its lower triangle is written, the rest of `out` is left as it was.
///
/// # Shapes
/// `x`: (rows, columns), row-major; `out`: (n, n), with n the smaller of the two.
pub(crate) fn smaller_gram(x: &[f64], rows: usize, columns: usize, out: &mut [f64]) {
    let size = rows.min(columns);
    debug_assert_eq!((x.len(), out.len()), (rows * columns, size * size));
    let x = MatRef::from_row_major_slice(x, rows, columns);
    let (left, right) = if rows < columns { (x, x.transpose()) } else { (x.transpose(), x) };
    matmul(
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
