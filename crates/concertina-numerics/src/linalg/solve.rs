//! Linear systems with a square matrix.

use faer::linalg::solvers::{PartialPivLu, Solve};
use faer::{Mat, MatRef, Side};
use ndarray::{Array1, ArrayView1, ArrayView2};

use super::convert::{check_finite, check_square, row_major};
use crate::{Error, Result};

/// A pivot below this share of the largest, times `n`, is not significant, because elimination rounds by
/// about `n` machine epsilons of the largest. Arbitrary: a thousand times that, so that a solution has at
/// least three digits.
const LOST: f64 = 1e3 * f64::EPSILON;

/// A square matrix, factorised for solving equations: `P a = L U`, by elimination with row pivoting.
#[derive(Debug, Clone)]
pub struct Elimination {
    factors: PartialPivLu<f64>,
}

impl Elimination {
    /// The factors of a matrix, (n, n); `None` if it is singular up to rounding.
    ///
    /// # Errors
    /// [`Error::Shape`] unless it is square, [`Error::NotFinite`].
    pub fn of(a: ArrayView2<f64>) -> Result<Option<Self>> {
        const OPERATION: &str = "elimination";
        check_square(OPERATION, &a)?;
        check_finite(OPERATION, &a)?;
        let factors: PartialPivLu<f64> = row_major(&a).view().partial_piv_lu();
        let pivots = factors.U().diagonal();
        let pivots = (0..a.nrows()).map(|row| pivots[row].abs());
        let (least, largest) = pivots.fold((f64::INFINITY, 0.0), |(least, largest): (f64, f64), pivot| {
            (least.min(pivot), largest.max(pivot))
        });
        Ok((least > LOST * a.nrows() as f64 * largest).then_some(Self { factors }))
    }

    /// The solution `x` of `a x = b`, (n); `None` if it is beyond the range of f64.
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::NotFinite`].
    pub fn solve(&self, b: ArrayView1<f64>) -> Result<Option<Array1<f64>>> {
        check_right("solution of linear equations", self.factors.L().nrows(), &b)?;
        Ok(finite(self.factors.solve(column(&b)).as_ref()))
    }
}

/// The solution `x` of `a x = b` for a symmetric positive definite `a`, by Cholesky factorisation; `None` if
/// `a` is not positive definite up to rounding. Only the lower triangle is read.
///
/// # Shapes
/// `a`: (n, n); `b`: (n); returns (n).
///
/// # Errors
/// [`Error::Shape`], [`Error::NotFinite`].
pub fn solve_positive_definite(a: ArrayView2<f64>, b: ArrayView1<f64>) -> Result<Option<Array1<f64>>> {
    const OPERATION: &str = "solution of symmetric linear equations";
    check_square(OPERATION, &a)?;
    check_finite(OPERATION, &a)?;
    check_right(OPERATION, a.nrows(), &b)?;
    let factors = row_major(&a).view().llt(Side::Lower).ok();
    Ok(factors.and_then(|factors| finite(factors.solve(column(&b)).as_ref())))
}

fn check_right(operation: &'static str, rows: usize, b: &ArrayView1<f64>) -> Result<()> {
    if b.len() != rows {
        let expected = format!("a right side of {rows} numbers");
        return Err(Error::Shape { operation, expected, found: vec![b.len()] });
    }
    match b.indexed_iter().find(|(_, value)| !value.is_finite()) {
        Some((place, &value)) => Err(Error::NotFinite { operation, index: vec![place], value }),
        None => Ok(()),
    }
}

fn column(b: &ArrayView1<f64>) -> Mat<f64> {
    Mat::from_fn(b.len(), 1, |row, _| b[row])
}

fn finite(solution: MatRef<'_, f64>) -> Option<Array1<f64>> {
    let solution = Array1::from_shape_fn(solution.nrows(), |row| solution[(row, 0)]);
    solution.iter().all(|entry| entry.is_finite()).then_some(solution)
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, arr1, arr2};

    use super::*;
    use crate::linalg::product;

    fn solve(a: ArrayView2<f64>, b: ArrayView1<f64>) -> Result<Option<Array1<f64>>> {
        Elimination::of(a)?.map_or(Ok(None), |factors| factors.solve(b))
    }

    #[test]
    fn solutions_satisfy_the_equations() {
        for n in [1, 2, 7, 60] {
            let entry = |(i, j): (usize, usize)| ((31 * i + 17 * j + i * j) % 23) as f64 / 23.0 - 0.5;
            let a = Array2::from_shape_fn((n, n), entry) + Array2::<f64>::eye(n) * 2.0;
            let expected = Array1::from_shape_fn(n, |row| 1.0 + row as f64 % 5.0);
            let b = a.dot(&expected);
            let found = solve(a.view(), b.view()).expect("sound").expect("not singular");
            assert!((&found - &expected).iter().all(|off| off.abs() < 1e-11), "{n}");
            let gram = product(a.view(), a.t());
            let found = solve_positive_definite(gram.view(), gram.dot(&expected).view());
            let found = found.expect("sound").expect("positive definite");
            assert!((&found - &expected).iter().all(|off| off.abs() < 1e-9), "{n}");
        }
        let swapped = solve(arr2(&[[0.0, 2.0], [1.0, 0.0]]).view(), arr1(&[4.0, 3.0]).view());
        assert_eq!(swapped, Ok(Some(arr1(&[3.0, 2.0]))));
    }

    #[test]
    fn a_singular_matrix_has_no_solution() {
        let b = arr1(&[1.0, 2.0, 3.0]);
        let third = 1.0 / 3.0;
        for a in [
            Array2::zeros((3, 3)),
            arr2(&[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]),
            Array2::eye(3) - third,
        ] {
            assert_eq!(solve(a.view(), b.view()), Ok(None), "{a}");
        }
        let indefinite = arr2(&[[1.0, 2.0], [2.0, 1.0]]);
        assert_eq!(solve_positive_definite(indefinite.view(), arr1(&[1.0, 1.0]).view()), Ok(None));
    }

    #[test]
    fn wrong_shapes_and_numbers_are_named() {
        let error = solve(Array2::zeros((2, 3)).view(), arr1(&[1.0, 1.0]).view()).expect_err("not square");
        assert_eq!(error.to_string(), "elimination: expected a square matrix, found [2, 3]");
        let error = solve(Array2::eye(2).view(), arr1(&[1.0]).view()).expect_err("too short");
        assert!(error.to_string().contains("a right side of 2 numbers"), "{error}");
        assert!(solve(Array2::eye(1).view(), arr1(&[f64::NAN]).view()).is_err());
    }
}
