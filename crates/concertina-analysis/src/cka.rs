//! `cka`: how similar two sets of states of the same trials are, independently of their axes.

use concertina_numerics::linalg::{centre, product};
use ndarray::{Array2, ArrayView2};

use crate::numbers::{Precision, Rounding, one_over_largest};
use crate::responses::check_finite;
use crate::{Error, Result};

/// The linear centred kernel alignment of two sets of states of the same trials.
///
/// `‖Xᵀ Y‖² / (‖Xᵀ X‖ ‖Yᵀ Y‖)` in Frobenius norms, with the columns of both centred. It is 1 if one set is a
/// rotated, scaled and shifted copy of the other, and 0 if no direction of one is correlated with a direction
/// of the other. With few samples and many units it is biased upwards, even for independent clouds: see
/// [`cka_debiased`].
///
/// # Shapes
/// `x`: (samples, units); `y`: (samples, its own number of units). Rows of the same index belong to the same
/// trial.
///
/// # Undefined
/// `None` if all states of one set are equal up to rounding, as in
/// [`effective_dimension`](fn@crate::effective_dimension).
///
/// # Errors
/// [`Error::TooFewSamples`] for fewer than 2 samples; [`Error::Shape`] if the sets differ in the number of
/// samples; [`Error::NotFinite`] names the sample and unit of the first NaN or infinite value.
///
/// # Source
/// `kornblith2019`, Eq. 5 with linear kernels. Differs in: nothing.
///
/// # Example
/// A rotation changes nothing:
/// ```
/// use concertina_analysis::cka;
/// use ndarray::arr2;
///
/// let x = arr2(&[[1.0, 0.0], [-1.0, 0.5], [0.0, 2.0]]);
/// let turned = x.dot(&arr2(&[[0.0, 1.0], [-1.0, 0.0]]));
/// assert!((cka(x.view(), turned.view())?.expect("defined") - 1.0).abs() < 1e-12);
/// # Ok::<(), concertina_analysis::Error>(())
/// ```
pub fn cka<A: Precision, B: Precision>(x: ArrayView2<A>, y: ArrayView2<B>) -> Result<Option<f64>> {
    let Some((x, y)) = centred_pair(x, y, "centred kernel alignment", 2)? else { return Ok(None) };
    let similarity = cross(&x, &y) / (cross(&x, &x) * cross(&y, &y)).sqrt();
    Ok(Some(similarity.clamp(0.0, 1.0))) // rounding can take it out of the range
}

/// The linear centred kernel alignment without its bias for few samples. It is 0 on average for independent
/// clouds, and can be negative.
///
/// `H(K, L) / √(H(K, K) H(L, L))`, with `H` the unbiased estimator of the Hilbert-Schmidt independence
/// criterion.
///
/// # Shapes, errors
/// As [`cka`], with at least 4 samples.
///
/// # Undefined
/// `None` as for [`cka`], and if the estimate for a set with itself is not positive, which can happen with
/// hardly more than four samples.
///
/// # Source
/// `song2012`, Eq. 5, for the estimator; `kornblith2019` for the measure. Differs in: nothing.
pub fn cka_debiased<A: Precision, B: Precision>(x: ArrayView2<A>, y: ArrayView2<B>) -> Result<Option<f64>> {
    let Some((x, y)) = centred_pair(x, y, "debiased centred kernel alignment", 4)? else { return Ok(None) };
    let (of_x, of_y) = (unbiased(&x, &x), unbiased(&y, &y));
    let defined = of_x > 0.0 && of_y > 0.0;
    Ok(defined.then(|| unbiased(&x, &y) / (of_x * of_y).sqrt()))
}

/// Both sets in f64, scaled and centred; `None` if either is a single point.
fn centred_pair<A: Precision, B: Precision>(
    x: ArrayView2<A>,
    y: ArrayView2<B>,
    quantity: &'static str,
    least: usize,
) -> Result<Option<(Array2<f64>, Array2<f64>)>> {
    if x.nrows() < least {
        return Err(Error::TooFewSamples { quantity, expected: least, found: x.nrows() });
    }
    if y.nrows() != x.nrows() {
        let expected = format!("(samples, units) = ({}, any), as the first", x.nrows());
        return Err(Error::Shape { what: "second states", expected, found: y.shape().to_vec() });
    }
    check_finite(x, || "first states".to_owned())?;
    check_finite(y, || "second states".to_owned())?;
    Ok(centred(x).zip(centred(y)))
}

/// The states minus their mean, scaled so that no square leaves the range of f64; `None` if they are one
/// point up to rounding.
fn centred<T: Precision>(states: ArrayView2<T>) -> Option<Array2<f64>> {
    let scale = one_over_largest(states)?;
    let scaled = states.mapv(|entry| entry.into() * scale);
    let (samples, units) = scaled.dim();
    let squares: f64 = scaled.iter().map(|entry| entry * entry).sum();
    let (_, centred) = centre(scaled.view());
    let distance = centred.iter().map(|entry| entry * entry).sum::<f64>().sqrt();
    let rounding = Rounding::of::<T>(squares / (samples * units) as f64, scale);
    (distance > rounding.whole(samples, units)).then_some(centred)
}

/// `‖Xᵀ Y‖²`, which equals the sum over pairs of samples of the products of their kernels. The form with
/// fewer multiplications is used.
fn cross(x: &Array2<f64>, y: &Array2<f64>) -> f64 {
    let samples = x.nrows();
    if x.ncols() * y.ncols() <= samples * (x.ncols() + y.ncols()) {
        return product(x.t(), y.view()).iter().map(|entry| entry * entry).sum();
    }
    let (of_x, of_y) = (product(x.view(), x.t()), product(y.view(), y.t()));
    of_x.iter().zip(&of_y).map(|(a, b)| a * b).sum()
}

/// The unbiased estimate of the independence criterion of centred sets. The rows of their kernels sum to
/// zero, so all that the kernels without their diagonals require are those diagonals.
fn unbiased(x: &Array2<f64>, y: &Array2<f64>) -> f64 {
    let diagonal = |states: &Array2<f64>| -> Vec<f64> {
        states.outer_iter().map(|state| state.iter().map(|entry| entry * entry).sum()).collect()
    };
    let (of_x, of_y) = (diagonal(x), diagonal(y));
    let both: f64 = of_x.iter().zip(&of_y).map(|(a, b)| a * b).sum();
    let traces = of_x.iter().sum::<f64>() * of_y.iter().sum::<f64>();
    let n = x.nrows() as f64;
    let sum = cross(x, y) - both + traces / ((n - 1.0) * (n - 2.0)) - 2.0 / (n - 2.0) * both;
    sum / (n * (n - 3.0))
}
