//! The singular value decomposition.

use ndarray::{Array1, Array2, ArrayView2};

use super::convert::{check_finite, row_major, safe_scale, scaled, to_array};
use crate::{Error, Result};

const OPERATION: &str = "singular values";

/// The thin singular value decomposition `a = left diag(singular_values) right_transposed`.
#[derive(Debug, Clone, PartialEq)]
pub struct Svd {
    /// Left singular vectors as columns, (rows, k) with k = min(rows, columns).
    pub left: Array2<f64>,
    /// Singular values in decreasing order, (k).
    pub singular_values: Array1<f64>,
    /// Right singular vectors as rows, (k, columns).
    pub right_transposed: Array2<f64>,
}

/// The thin singular value decomposition. The common sign of each pair of vectors is arbitrary.
///
/// Singular values are exact up to the rounding of the largest. Those below about 1e-16 of it may not have a
/// single correct digit.
///
/// # Errors
/// [`Error::NotFinite`], [`Error::NotConverged`].
pub fn svd(a: ArrayView2<f64>) -> Result<Svd> {
    check_finite(OPERATION, &a)?;
    let scale = safe_scale(&a);
    let found = row_major(&scaled(&a, scale).view()).view().thin_svd();
    let found = found.map_err(|_| Error::NotConverged { operation: OPERATION, shape: a.dim() })?;
    Ok(Svd {
        left: to_array(found.U()),
        singular_values: found.S().column_vector().iter().map(|value| value / scale).collect(),
        right_transposed: to_array(found.V().transpose()),
    })
}

/// The singular values in decreasing order, (min(rows, columns)), in a fraction of the time of [`svd`], and
/// equally exact.
///
/// # Errors
/// As [`svd`].
pub fn singular_values(a: ArrayView2<f64>) -> Result<Array1<f64>> {
    check_finite(OPERATION, &a)?;
    let scale = safe_scale(&a);
    let found = row_major(&scaled(&a, scale).view()).view().singular_values();
    let found = found.map_err(|_| Error::NotConverged { operation: OPERATION, shape: a.dim() })?;
    Ok(found.into_iter().map(|value| value / scale).collect())
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::linalg::product;

    #[test]
    fn the_factors_rebuild_the_matrix_for_every_shape() {
        for (rows, columns) in [(1, 1), (9, 4), (4, 9), (30, 30), (6, 0)] {
            let a = Array2::from_shape_fn((rows, columns), |(i, j)| {
                ((i * i + 3 * j) % 7) as f64 - (i as f64) * 0.1
            });
            let Svd { left, singular_values, right_transposed } = svd(a.view()).expect("factors");
            let k = rows.min(columns);
            assert_eq!(
                (left.dim(), singular_values.dim(), right_transposed.dim()),
                ((rows, k), k, (k, columns))
            );
            let alone = super::singular_values(a.view()).expect("values");
            assert!((&alone - &singular_values).iter().all(|off| off.abs() < 1e-13), "{rows} by {columns}");
            let off = &product((&left * &singular_values).view(), right_transposed.view()) - &a;
            assert!(off.iter().all(|off| off.abs() < 1e-12), "{rows} by {columns}");
            assert!(singular_values.windows(2).into_iter().all(|pair| pair[0] >= pair[1] && pair[1] >= 0.0));
        }
    }

    #[test]
    fn the_singular_values_of_a_diagonal_matrix_are_its_moduli() {
        let a = Array2::from_diag(&ndarray::arr1(&[0.5, -4.0, 2.0]));
        let found = svd(a.view()).expect("factors").singular_values;
        assert!((&found - &ndarray::arr1(&[4.0, 2.0, 0.5])).iter().all(|off| off.abs() < 1e-15), "{found}");
    }
}
