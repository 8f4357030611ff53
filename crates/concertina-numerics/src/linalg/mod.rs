//! Dense linear algebra in f64, based on faer and sequential.
//!
//! Arguments and results are `ndarray` arrays in row-major order. faer is built without its thread pool, so
//! nothing here starts a thread, and the same matrix gives the same bits on the same instruction set.

mod convert;
mod eigen;
mod non_negative;
mod pca;
mod qr;
mod solve;
mod svd;

pub use eigen::{eigenvalues, spectral_radius, symmetric_eigen, symmetric_eigenvalues};
pub use non_negative::{NonNegative, non_negative_least_squares};
pub use num_complex::Complex64;
pub use pca::{Pca, centre};
pub use qr::{Qr, orthogonal_factor, qr};
pub use solve::{Elimination, solve_positive_definite};
pub use svd::{Svd, singular_values, svd};

pub(crate) use convert::check_finite;
pub use convert::one_over_power_of_two;
use convert::row_major;

use faer::{Accum, MatMut, Par, linalg::matmul::matmul};
use ndarray::{Array2, ArrayView2};

/// The matrix product `a b`, sequential.
///
/// # Panics
/// If the number of columns of `a` is not the number of rows of `b`, as in [`ndarray`]'s own product.
pub fn product(a: ArrayView2<f64>, b: ArrayView2<f64>) -> Array2<f64> {
    assert_eq!(a.ncols(), b.nrows(), "product of {:?} and {:?}", a.dim(), b.dim());
    let (a, b) = (row_major(&a), row_major(&b));
    let mut out = Array2::zeros((a.rows(), b.columns()));
    let (rows, columns) = out.dim();
    let slice = out.as_slice_mut().expect("a new array is contiguous");
    matmul(
        MatMut::from_row_major_slice_mut(slice, rows, columns),
        Accum::Replace,
        a.view(),
        b.view(),
        1.0,
        Par::Seq,
    );
    out
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, s};

    use super::product;

    #[test]
    fn the_product_is_the_sum_over_the_inner_axis_whatever_the_strides() {
        let entry = |(i, j): (usize, usize)| ((7 * i + 3 * j) % 11) as f64 - 4.0;
        let (a, b) = (Array2::from_shape_fn((5, 8), entry), Array2::from_shape_fn((4, 6), entry));
        let (a, b) = (a.slice(s![..;2, 1..;2]), b.t());
        let b = b.slice(s![..4, ..;-1]);
        let found = product(a, b);
        for ((i, j), &value) in found.indexed_iter() {
            let expected: f64 = (0..4).map(|k| a[[i, k]] * b[[k, j]]).sum();
            assert_eq!(value, expected, "at {i}, {j}");
        }
    }

    #[test]
    fn a_product_over_nothing_is_zero() {
        assert_eq!(
            product(Array2::zeros((2, 0)).view(), Array2::zeros((0, 3)).view()),
            Array2::<f64>::zeros((2, 3))
        );
    }
}
