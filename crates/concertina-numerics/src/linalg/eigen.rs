//! Eigenvalues of general and of symmetric matrices.

use faer::Side;
use ndarray::{Array1, Array2, ArrayView2, Axis};
use num_complex::Complex64;

use super::convert::{check_finite, check_square, row_major, safe_scale, scaled};
use crate::{Error, Result};

/// Eigenvalues of a square real matrix, in order of decreasing modulus, then decreasing imaginary part, then
/// decreasing real part.
///
/// The two of a conjugate pair are therefore adjacent, the one with positive imaginary part first.
///
/// If zeros divide the matrix into parts that are connected in only one direction, as in a network without
/// loops, the eigenvalues are those of the parts. A unit that is on no loop contributes exactly its diagonal
/// entry. Within a part, rounding moves an eigenvalue of multiplicity `m` by up to about the `m`-th root of
/// machine epsilon times the norm.
///
/// # Errors
/// [`Error::Shape`] unless the matrix is square, [`Error::NotFinite`], [`Error::NotConverged`].
///
/// # Source
/// Tarjan, Depth-first search and linear graph algorithms, SIAM Journal on Computing 1 (1972), 146, for the
/// parts.
pub fn eigenvalues(a: ArrayView2<f64>) -> Result<Vec<Complex64>> {
    check_square(EIGENVALUES, &a)?;
    check_finite(EIGENVALUES, &a)?;
    let parts = strong_components(a);
    let mut values = Vec::with_capacity(a.nrows());
    for part in &parts {
        match part[..] {
            [only] => values.push(Complex64::new(a[[only, only]], 0.0)),
            _ if part.len() == a.nrows() => values.extend(eigenvalues_of_part(a)?),
            _ => values.extend(eigenvalues_of_part(a.select(Axis(0), part).select(Axis(1), part).view())?),
        }
    }
    values.sort_by(|a, b| {
        modulus(*b).total_cmp(&modulus(*a)).then(b.im.total_cmp(&a.im)).then(b.re.total_cmp(&a.re))
    });
    Ok(values)
}

const EIGENVALUES: &str = "eigenvalues";

/// Eigenvalues, unordered, of a matrix with at least one row.
fn eigenvalues_of_part(a: ArrayView2<f64>) -> Result<Vec<Complex64>> {
    let scale = safe_scale(&a);
    let found = row_major(&scaled(&a, scale).view()).view().eigenvalues();
    let found = found.map_err(|_| Error::NotConverged { operation: EIGENVALUES, shape: a.dim() })?;
    Ok(found.into_iter().map(|value| Complex64::new(value.re / scale, value.im / scale)).collect())
}

/// The sets of rows that reach one another through non-zero entries, each in increasing order.
fn strong_components(a: ArrayView2<f64>) -> Vec<Vec<usize>> {
    let n = a.nrows();
    let mut search =
        Search { number: vec![None; n], lowest: vec![0; n], is_open: vec![false; n], open: vec![] };
    let mut parts = Vec::new();
    for root in 0..n {
        if search.number[root].is_some() {
            continue;
        }
        let mut path = vec![(search.enter(root), 0)];
        while let Some((row, next)) = path.last_mut() {
            let row = *row;
            let neighbour = (*next..n).find(|&column| column != row && a[[row, column]] != 0.0);
            let Some(column) = neighbour else {
                path.pop();
                if let Some((before, _)) = path.last() {
                    search.lowest[*before] = search.lowest[*before].min(search.lowest[row]);
                }
                parts.extend(search.leave(row));
                continue;
            };
            *next = column + 1;
            match search.number[column] {
                None => path.push((search.enter(column), 0)),
                Some(number) if search.is_open[column] => {
                    search.lowest[row] = search.lowest[row].min(number);
                }
                Some(_) => {}
            }
        }
    }
    parts
}

/// Tarjan's search for strongly connected components, without recursion.
struct Search {
    /// The number of each row, in the order in which rows were visited.
    number: Vec<Option<usize>>,
    /// The lowest number among open rows that each row is known to reach.
    lowest: Vec<usize>,
    /// Whether the component of a row is not yet complete.
    is_open: Vec<bool>,
    open: Vec<usize>,
}

impl Search {
    fn enter(&mut self, row: usize) -> usize {
        let number = self.number.iter().flatten().count();
        self.number[row] = Some(number);
        self.lowest[row] = number;
        self.is_open[row] = true;
        self.open.push(row);
        row
    }

    /// The component that this row completes, if any.
    fn leave(&mut self, row: usize) -> Option<Vec<usize>> {
        if self.number[row] != Some(self.lowest[row]) {
            return None;
        }
        let first = self.open.iter().rposition(|&other| other == row)?;
        let mut part = self.open.split_off(first);
        part.iter().for_each(|&member| self.is_open[member] = false);
        part.sort_unstable();
        Some(part)
    }
}

/// The largest modulus of an eigenvalue; 0 for an empty matrix.
///
/// # Errors
/// As [`eigenvalues`].
pub fn spectral_radius(a: ArrayView2<f64>) -> Result<f64> {
    Ok(eigenvalues(a)?.first().map_or(0.0, |&value| modulus(value)))
}

fn modulus(value: Complex64) -> f64 {
    libm::hypot(value.re, value.im)
}

/// Eigenvalues of a symmetric matrix in decreasing order, and its eigenvectors of length 1 as columns in the
/// same order.
///
/// Only the lower triangle is read. The sign of each vector is arbitrary.
///
/// # Shapes
/// `a`: (n, n); returns (n) and (n, n).
///
/// # Errors
/// [`Error::Shape`] unless the matrix is square, [`Error::NotFinite`], [`Error::NotConverged`].
pub fn symmetric_eigen(a: ArrayView2<f64>) -> Result<(Array1<f64>, Array2<f64>)> {
    const OPERATION: &str = "symmetric eigenvalues";
    check_square(OPERATION, &a)?;
    check_finite(OPERATION, &a)?;
    let n = a.nrows();
    if n == 0 {
        return Ok((Array1::zeros(0), Array2::zeros((0, 0))));
    }
    let scale = safe_scale(&a);
    let found = row_major(&scaled(&a, scale).view()).view().self_adjoint_eigen(Side::Lower);
    let found = found.map_err(|_| Error::NotConverged { operation: OPERATION, shape: a.dim() })?;
    // faer returns them in increasing order.
    let values = Array1::from_shape_fn(n, |k| found.S()[n - 1 - k] / scale);
    let vectors = Array2::from_shape_fn((n, n), |(row, k)| found.U()[(row, n - 1 - k)]);
    Ok((values, vectors))
}

/// Eigenvalues of a symmetric matrix in decreasing order. Only the lower triangle is read.
///
/// # Errors
/// As [`symmetric_eigen`].
pub fn symmetric_eigenvalues(a: ArrayView2<f64>) -> Result<Vec<f64>> {
    const OPERATION: &str = "symmetric eigenvalues";
    check_square(OPERATION, &a)?;
    check_finite(OPERATION, &a)?;
    if a.nrows() == 0 {
        return Ok(Vec::new());
    }
    let scale = safe_scale(&a);
    let found = row_major(&scaled(&a, scale).view()).view().self_adjoint_eigenvalues(Side::Lower);
    let found = found.map_err(|_| Error::NotConverged { operation: OPERATION, shape: a.dim() })?;
    Ok(found.into_iter().rev().map(|value| value / scale).collect())
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, arr2};

    use super::*;
    use crate::linalg::product;

    #[test]
    fn a_companion_matrix_has_the_roots_of_its_polynomial() {
        // (x - 3)(x^2 + 4): roots 3 and +-2i.
        let found = eigenvalues(arr2(&[[3.0, -4.0, 12.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]).view());
        let expected = [Complex64::new(3.0, 0.0), Complex64::new(0.0, 2.0), Complex64::new(0.0, -2.0)];
        for (found, expected) in found.expect("eigenvalues").iter().zip(expected) {
            assert!((found - expected).norm() < 1e-13, "{found} should be {expected}");
        }
    }

    #[test]
    fn a_cyclic_shift_has_the_roots_of_unity_and_spectral_radius_one() {
        let n = 7;
        let shift = Array2::from_shape_fn((n, n), |(i, j)| f64::from((i + 1) % n == j));
        let found = eigenvalues(shift.view()).expect("eigenvalues");
        for value in &found {
            assert!((value.powu(7) - 1.0).norm() < 1e-12, "{value} is not a root of unity");
        }
        assert!((spectral_radius(shift.view()).expect("a radius") - 1.0).abs() < 1e-13);
        assert!(found.iter().sum::<Complex64>().norm() < 1e-12);
    }

    #[test]
    fn pairs_of_opposite_real_eigenvalues_have_the_positive_one_first() {
        let found = eigenvalues(arr2(&[[0.0, 2.0], [2.0, 0.0]]).view()).expect("eigenvalues");
        assert!((found[0].re - 2.0).abs() < 1e-14 && (found[1].re + 2.0).abs() < 1e-14, "{found:?}");
    }

    #[test]
    fn symmetric_eigenvectors_rebuild_the_matrix_and_are_orthonormal() {
        let n = 9;
        let a = Array2::from_shape_fn((n, n), |(i, j)| 1.0 / (1.0 + (i + j) as f64));
        let (values, vectors) = symmetric_eigen(a.view()).expect("a decomposition");
        assert!(values.windows(2).into_iter().all(|pair| pair[0] >= pair[1]));
        let alone = symmetric_eigenvalues(a.view()).expect("eigenvalues");
        assert!(alone.iter().zip(&values).all(|(alone, value)| (alone - value).abs() < 1e-14));
        let rebuilt = product((&vectors * &values).view(), vectors.t());
        assert!((&rebuilt - &a).iter().all(|off| off.abs() < 1e-14));
        let gram = product(vectors.t(), vectors.view());
        assert!((&gram - &Array2::<f64>::eye(n)).iter().all(|off| off.abs() < 1e-14));
    }

    #[test]
    fn empty_non_square_and_non_finite_matrices_are_distinguished() {
        assert_eq!(eigenvalues(Array2::zeros((0, 0)).view()), Ok(vec![]));
        let error = eigenvalues(Array2::zeros((2, 3)).view()).expect_err("not square");
        assert_eq!(error.to_string(), "eigenvalues: expected a square matrix, found [2, 3]");
        let error = symmetric_eigen(arr2(&[[1.0, 0.0], [f64::NAN, 1.0]]).view()).expect_err("not finite");
        assert_eq!(error.to_string(), "symmetric eigenvalues: expected finite numbers, found NaN at [1, 0]");
    }
}
