//! Principal components.

use ndarray::{Array1, Array2, ArrayView2, Axis, s};

use super::{product, svd::svd};
use crate::{Error, Result};

/// Relative difference below which two entries of a component count as equally large. Arbitrary, but well
/// above the rounding errors of a decomposition and well below the differences between unrelated entries.
const SIGN_TIE: f64 = 1e-10;

/// Principal components of a cloud of samples, from the singular values of the centred data.
///
/// With `X - mean = U diag(s) Vᵀ`, the components are the first columns of `V`, with variances
/// `s² / (samples - 1)`. The entry of largest magnitude in each component is positive (the first one if
/// several agree to 10 digits), so that signs are the same everywhere.
#[derive(Debug, Clone, PartialEq)]
pub struct Pca {
    /// Mean of each feature, (features).
    pub mean: Array1<f64>,
    /// The first components as columns of length 1, (features, k); no more than the rank.
    pub components: Array2<f64>,
    /// Variance along every component, in decreasing order, (min(samples, features)); in squared units of the
    /// data.
    pub explained_variance: Array1<f64>,
    /// Share of the total variance, (min(samples, features)); zeros if there is no variance.
    pub explained_variance_ratio: Array1<f64>,
    /// Singular values of the centred data, in decreasing order, (min(samples, features)).
    pub singular_values: Array1<f64>,
    /// Number of components with variance: singular values above `max(samples, features)` machine epsilons of
    /// the largest one (and of the largest entry of the data, below which centring leaves only rounding
    /// errors).
    pub rank: usize,
}

impl Pca {
    /// The principal components of `x`, at most `count` of them.
    ///
    /// # Shapes
    /// `x`: (samples, features).
    ///
    /// # Errors
    /// [`Error::TooFewSamples`] for fewer than 2 samples, [`Error::NotFinite`], [`Error::NotConverged`].
    pub fn fit(x: ArrayView2<f64>, count: usize) -> Result<Self> {
        let (samples, features) = x.dim();
        if samples < 2 {
            return Err(Error::TooFewSamples {
                operation: "principal components",
                needed: 2,
                found: samples,
            });
        }
        super::check_finite("principal components", &x)?;
        let (mean, centred) = centre(x);
        let decomposition = svd(centred.view())?;
        let singular_values = decomposition.singular_values;
        let largest = x.iter().fold(0.0, |largest: f64, entry| largest.max(entry.abs()));
        let negligible = samples.max(features) as f64
            * f64::EPSILON
            * singular_values.first().copied().unwrap_or_default().max(largest);
        let rank = singular_values.iter().filter(|&&value| value > negligible).count();

        let explained_variance = singular_values.mapv(|value| value * value / (samples - 1) as f64);
        let explained_variance_ratio = shares(&explained_variance, &singular_values);
        let kept = decomposition.right_transposed.slice(s![..rank.min(count), ..]); // (k, features)
        let mut components = kept.t().as_standard_layout().into_owned(); // (features, k)
        for mut component in components.columns_mut() {
            let largest = component.iter().fold(0.0, |largest: f64, entry| largest.max(entry.abs()));
            let peak = component.iter().find(|entry| entry.abs() >= (1.0 - SIGN_TIE) * largest);
            if peak.is_some_and(|&peak| peak < 0.0) {
                component.mapv_inplace(|entry| -entry);
            }
        }
        Ok(Self { mean, components, explained_variance, explained_variance_ratio, singular_values, rank })
    }

    /// Coordinates of samples along the components, (samples, k).
    ///
    /// # Errors
    /// [`Error::Shape`] unless `x` has as many features as the data of the fit.
    pub fn project(&self, x: ArrayView2<f64>) -> Result<Array2<f64>> {
        if x.ncols() != self.mean.len() {
            let expected = format!("(samples, features) = (any, {})", self.mean.len());
            return Err(Error::Shape { operation: "projection", expected, found: x.shape().to_vec() });
        }
        Ok(product((&x - &self.mean).view(), self.components.view()))
    }
}

/// The share of each variance in the total, computed from the singular values if the variances overflow or
/// underflow.
fn shares(variances: &Array1<f64>, singular_values: &Array1<f64>) -> Array1<f64> {
    let total = variances.sum();
    if total.is_normal() {
        return variances / total;
    }
    let largest = singular_values.first().copied().unwrap_or_default();
    if largest == 0.0 {
        return Array1::zeros(singular_values.len());
    }
    let squares = singular_values.mapv(|value| (value / largest) * (value / largest));
    &squares / squares.sum()
}

/// The mean over samples (rows), and the samples minus the mean. Zeros without samples.
///
/// The mean is corrected by the mean of the residuals, so that equal samples leave exact zeros.
pub fn centre(x: ArrayView2<f64>) -> (Array1<f64>, Array2<f64>) {
    let Some(mut mean) = x.mean_axis(Axis(0)) else {
        return (Array1::zeros(x.ncols()), x.to_owned());
    };
    let residual = (&x - &mean).mean_axis(Axis(0)).expect("there are samples, or there would be no mean");
    mean += &residual;
    let centred = &x - &mean;
    (mean, centred.as_standard_layout().into_owned())
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, arr1, arr2};

    use super::*;

    #[test]
    fn a_cross_has_its_axes_as_components_and_known_variances() {
        // Two points on each of two orthogonal axes, at distances 5 and 1, around (1, 2).
        let x = arr2(&[
            [1.0 + 3.0, 2.0 - 4.0],
            [1.0 - 3.0, 2.0 + 4.0],
            [1.0 + 0.8, 2.0 + 0.6],
            [1.0 - 0.8, 2.0 - 0.6],
        ]);
        let pca = Pca::fit(x.view(), 2).expect("components");
        let close = |a: &Array2<f64>, b: &Array2<f64>| (a - b).iter().all(|off| off.abs() < 1e-14);
        assert!(close(&pca.components, &arr2(&[[-0.6, 0.8], [0.8, 0.6]])), "{}", pca.components);
        assert!(
            (&pca.explained_variance - &arr1(&[50.0 / 3.0, 2.0 / 3.0])).iter().all(|off| off.abs() < 1e-13)
        );
        assert!((pca.explained_variance_ratio[0] - 25.0 / 26.0).abs() < 1e-14);
        let projected = pca.project(x.view()).expect("coordinates");
        assert!(close(&projected, &arr2(&[[-5.0, 0.0], [5.0, 0.0], [0.0, 1.0], [0.0, -1.0]])), "{projected}");
        assert_eq!(pca.rank, 2);
    }

    #[test]
    fn equal_samples_have_no_components_and_no_nan() {
        let x = Array2::from_shape_fn((10, 4), |(_, j)| 0.1 + j as f64 / 3.0);
        let pca = Pca::fit(x.view(), 3).expect("no components");
        assert_eq!((pca.rank, pca.components.dim()), (0, (4, 0)));
        assert_eq!(pca.explained_variance_ratio, Array1::<f64>::zeros(4));
        assert_eq!(pca.project(x.view()).expect("coordinates").dim(), (10, 0));
    }

    #[test]
    fn one_sample_is_too_few() {
        let error = Pca::fit(Array2::zeros((1, 3)).view(), 2).expect_err("too few");
        assert_eq!(error.to_string(), "principal components: expected at least 2 samples, found 1");
    }
}
