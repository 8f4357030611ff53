//! The design matrix of a classifier, and its products for Newton's method.

use faer::linalg::matmul::{
    matmul,
    triangular::{self, BlockStructure},
};
use faer::{Accum, Mat, MatMut, MatRef, Par};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2};

use crate::Result;
use crate::linalg::{Qr, Svd, product, qr, svd};

/// Samples by parameters, reduced to the span of the samples if it has fewer dimensions than there are
/// features.
pub(super) struct Design {
    matrix: Mat<f64>,
    /// Orthonormal columns, (features, parameters): the direction in feature space of each parameter.
    basis: Option<Array2<f64>>,
}

impl Design {
    /// Reduces `features` (samples, features) to the span of its rows if it is wide, and appends a column of
    /// ones if `ones`.
    ///
    /// With `xᵀ = Q R`, any penalised optimum is a linear combination of the samples, `w = Q v`, which has
    /// the same length as `v`, and `x w = Rᵀ v`.
    pub(super) fn new(features: ArrayView2<f64>, ones: bool) -> Result<Self> {
        let (basis, reduced) = if features.ncols() > features.nrows() {
            let Qr { orthogonal, upper } = qr(features.t())?;
            (Some(orthogonal), Some(upper.reversed_axes()))
        } else {
            (None, None)
        };
        let matrix = with_ones(reduced.as_ref().map_or(features, |reduced| reduced.view()), ones);
        Ok(Self { matrix, basis })
    }

    /// The same problem along the principal axes of `features`, for features so correlated that the second
    /// derivative is nothing but rounding error in some directions. Along the axes each direction has its own
    /// scale, so no precision is lost. This is slower.
    pub(super) fn along_principal_axes(features: ArrayView2<f64>, ones: bool) -> Result<Self> {
        let Svd { left, singular_values, right_transposed } = svd(features)?;
        let matrix = with_ones((&left * &singular_values).view(), ones);
        Ok(Self { matrix, basis: Some(right_transposed.reversed_axes()) })
    }

    pub(super) fn samples(&self) -> usize {
        self.matrix.nrows()
    }

    pub(super) fn parameters(&self) -> usize {
        self.matrix.ncols()
    }

    /// Weights on the features from weights in the span.
    pub(super) fn to_features(&self, reduced: ArrayView1<f64>) -> Array1<f64> {
        self.basis.as_ref().map_or_else(|| reduced.to_owned(), |basis| times(basis.view(), reduced))
    }

    /// Weights in the span from weights on the features. The part orthogonal to the samples is dropped.
    pub(super) fn project(&self, weights: ArrayView1<f64>) -> Array1<f64> {
        self.basis.as_ref().map_or_else(|| weights.to_owned(), |basis| times(basis.t(), weights))
    }

    /// The scores of the samples, `matrix point`.
    pub(super) fn scores(&self, point: &[f64]) -> Vec<f64> {
        let mut scores = vec![0.0; self.samples()];
        let point = MatRef::from_column_major_slice(point, self.parameters(), 1);
        let out = MatMut::from_column_major_slice_mut(&mut scores, self.samples(), 1);
        matmul(out, Accum::Replace, &self.matrix, point, 1.0, Par::Seq);
        scores
    }

    /// Adds `matrixᵀ residuals` to `out`.
    pub(super) fn add_transposed_product(&self, residuals: &[f64], out: &mut [f64]) {
        let residuals = MatRef::from_column_major_slice(residuals, self.samples(), 1);
        let out = MatMut::from_column_major_slice_mut(out, self.parameters(), 1);
        matmul(out, Accum::Add, self.matrix.transpose(), residuals, 1.0, Par::Seq);
    }

    /// Writes the lower triangle of `matrixᵀ diag(weights) matrix`, for weights that are not negative, to
    /// `out`.
    ///
    /// Samples of zero weight are skipped.
    pub(super) fn weighted_gram(&self, weights: &[f64], out: MatMut<'_, f64>) {
        let heavy: Vec<usize> = (0..self.samples()).filter(|&row| weights[row] > 0.0).collect();
        let roots: Vec<f64> = heavy.iter().map(|&row| weights[row].sqrt()).collect();
        let scaled = Mat::from_fn(heavy.len(), self.parameters(), |row, column| {
            roots[row] * self.matrix[(heavy[row], column)]
        });
        triangular::matmul(
            out,
            BlockStructure::TriangularLower,
            Accum::Replace,
            scaled.transpose(),
            BlockStructure::Rectangular,
            &scaled,
            BlockStructure::Rectangular,
            1.0,
            Par::Seq,
        );
    }

    /// Writes `matrixᵀ diag(weights) matrix`, for any weights, to `out`.
    pub(super) fn signed_weighted_gram(&self, weights: &[f64], out: MatMut<'_, f64>) {
        let scaled = Mat::from_fn(self.samples(), self.parameters(), |row, column| {
            weights[row] * self.matrix[(row, column)]
        });
        matmul(out, Accum::Replace, self.matrix.transpose(), &scaled, 1.0, Par::Seq);
    }
}

/// The matrix, with an additional column of ones if `ones`.
fn with_ones(x: ArrayView2<f64>, ones: bool) -> Mat<f64> {
    let width = x.ncols();
    Mat::from_fn(
        x.nrows(),
        width + usize::from(ones),
        |row, column| {
            if column < width { x[[row, column]] } else { 1.0 }
        },
    )
}

fn times(matrix: ArrayView2<f64>, vector: ArrayView1<f64>) -> Array1<f64> {
    product(matrix, vector.insert_axis(ndarray::Axis(1))).column(0).to_owned()
}
