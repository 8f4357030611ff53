//! Conversions between `ndarray` and faer.

use std::borrow::Cow;

use faer::MatRef;
use ndarray::{Array2, ArrayView2, CowArray, Ix2};

use crate::{Error, Result};

/// A row-major matrix, borrowed if the array is already row-major.
pub(crate) struct RowMajor<'a> {
    entries: Cow<'a, [f64]>,
    shape: (usize, usize),
}

/// The entries of an array in row-major order.
pub(crate) fn row_major<'a>(array: &'a ArrayView2<f64>) -> RowMajor<'a> {
    let entries = array.as_slice().map_or_else(|| Cow::Owned(array.iter().copied().collect()), Cow::Borrowed);
    RowMajor { entries, shape: array.dim() }
}

impl RowMajor<'_> {
    pub(crate) fn view(&self) -> MatRef<'_, f64> {
        MatRef::from_row_major_slice(&self.entries, self.shape.0, self.shape.1)
    }

    pub(crate) fn rows(&self) -> usize {
        self.shape.0
    }

    pub(crate) fn columns(&self) -> usize {
        self.shape.1
    }
}

/// A power of two by which numbers with this largest magnitude are multiplied so that their squares neither
/// overflow nor underflow. The multiplication is exact.
pub fn one_over_power_of_two(largest: f64) -> f64 {
    libm::exp2(-libm::floor(libm::log2(largest)).clamp(-1000.0, 1000.0))
}

/// Magnitudes within which a decomposition loses nothing to overflow or underflow.
const SAFE: std::ops::RangeInclusive<f64> = 1e-100..=1e100;

/// The factor by which a matrix is multiplied before it is decomposed: 1, unless its largest entry is near an
/// end of the range of f64.
pub(crate) fn safe_scale(a: &ArrayView2<f64>) -> f64 {
    let largest = a.iter().fold(0.0, |largest: f64, entry| largest.max(entry.abs()));
    if largest == 0.0 || SAFE.contains(&largest) { 1.0 } else { one_over_power_of_two(largest) }
}

/// A matrix times its [`safe_scale`].
pub(crate) fn scaled<'a>(a: &'a ArrayView2<f64>, scale: f64) -> CowArray<'a, f64, Ix2> {
    if scale == 1.0 { CowArray::from(a.view()) } else { CowArray::from(a * scale) }
}

/// A faer matrix as an array.
pub(crate) fn to_array(matrix: MatRef<'_, f64>) -> Array2<f64> {
    Array2::from_shape_fn((matrix.nrows(), matrix.ncols()), |(row, column)| matrix[(row, column)])
}

/// Returns an error that names the first entry that is NaN or infinite.
pub(crate) fn check_finite(operation: &'static str, array: &ArrayView2<f64>) -> Result<()> {
    match array.indexed_iter().find(|(_, value)| !value.is_finite()) {
        Some(((row, column), &value)) => Err(Error::NotFinite { operation, index: vec![row, column], value }),
        None => Ok(()),
    }
}

/// Checks that the matrix is square.
pub(crate) fn check_square(operation: &'static str, array: &ArrayView2<f64>) -> Result<()> {
    if array.is_square() {
        return Ok(());
    }
    Err(Error::Shape { operation, expected: "a square matrix".to_owned(), found: array.shape().to_vec() })
}
