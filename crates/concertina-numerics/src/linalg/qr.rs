//! The QR decomposition with a non-negative diagonal.

use ndarray::{Array2, ArrayView2};

use super::convert::{check_finite, row_major, to_array};
use crate::Result;

/// The thin QR decomposition `a = orthogonal upper`.
#[derive(Debug, Clone, PartialEq)]
pub struct Qr {
    /// Orthonormal columns, (rows, k) with k = min(rows, columns).
    pub orthogonal: Array2<f64>,
    /// Upper triangular (trapezoidal if `a` is wide) with a non-negative diagonal, (k, columns).
    pub upper: Array2<f64>,
}

/// The thin QR decomposition, by Householder reflections. Signs are chosen so that the diagonal of the upper
/// factor is not negative, which makes the decomposition unique for a matrix of full rank.
///
/// # Errors
/// [`Error::NotFinite`](crate::Error::NotFinite).
pub fn qr(a: ArrayView2<f64>) -> Result<Qr> {
    check_finite("qr", &a)?;
    let found = row_major(&a).view().qr();
    let mut orthogonal = to_array(found.compute_thin_Q().as_ref());
    let mut upper = to_array(found.thin_R());
    for k in 0..upper.nrows() {
        if upper[[k, k]] < 0.0 {
            orthogonal.column_mut(k).mapv_inplace(|entry| -entry);
            upper.row_mut(k).mapv_inplace(|entry| -entry);
        }
    }
    Ok(Qr { orthogonal, upper })
}

/// The orthogonal factor of a matrix: of `raw` itself if it is square or tall, or of its transpose,
/// transposed back, if it is wide. Signs are chosen as in [`qr`].
///
/// For Gaussian entries, the result is uniformly distributed among the matrices with orthonormal columns (or
/// rows).
///
/// # Shapes
/// Returns the shape of `raw`.
///
/// # Errors
/// [`Error::NotFinite`](crate::Error::NotFinite).
pub fn orthogonal_factor(raw: ArrayView2<f64>) -> Result<Array2<f64>> {
    if raw.nrows() >= raw.ncols() {
        return Ok(qr(raw)?.orthogonal);
    }
    Ok(qr(raw.t())?.orthogonal.t().as_standard_layout().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::product;

    /// Entries without a pattern, from a linear congruential sequence.
    fn scrambled(rows: usize, columns: usize) -> Array2<f64> {
        let mut state = 12345_u32;
        Array2::from_shape_simple_fn((rows, columns), || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state) / f64::from(u32::MAX) - 0.5
        })
    }

    #[test]
    fn the_factors_rebuild_the_matrix_for_every_shape() {
        for (rows, columns) in [(1, 1), (8, 3), (3, 8), (60, 60), (200, 13), (5, 0), (0, 4)] {
            let a = scrambled(rows, columns);
            let Qr { orthogonal, upper } = qr(a.view()).expect("factors");
            let k = rows.min(columns);
            assert_eq!((orthogonal.dim(), upper.dim()), ((rows, k), (k, columns)));
            let off = &product(orthogonal.view(), upper.view()) - &a;
            assert!(off.iter().all(|off| off.abs() < 1e-13), "{rows} by {columns}");
            let gram = product(orthogonal.t(), orthogonal.view()) - Array2::<f64>::eye(k);
            assert!(gram.iter().all(|off| off.abs() < 1e-13), "{rows} by {columns}");
            assert!(upper.indexed_iter().all(|((i, j), &entry)| if i > j {
                entry == 0.0
            } else {
                i != j || entry >= 0.0
            }));
        }
    }

    #[test]
    fn the_orthogonal_factor_of_the_transpose_is_the_transpose() {
        let a = scrambled(7, 19);
        let wide = orthogonal_factor(a.view()).expect("a factor");
        let tall = orthogonal_factor(a.t()).expect("a factor");
        assert_eq!(wide, tall.t());
        assert!(wide.is_standard_layout());
    }
}
