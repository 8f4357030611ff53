//! `cka`: how similar two sets of states of the same trials are, independently of their axes.

use concertina_numerics::kernels::Columns;
use concertina_numerics::linalg::{centre, product};
use ndarray::{Array2, ArrayView2};

use crate::numbers::{Precision, Rounding, one_over_largest, sum_of};
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
    Ok(Some(Kernel::once(x).alignment(&Kernel::once(y))))
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
    Ok(Kernel::once(x).alignment_debiased(&Kernel::once(y)))
}

/// Both sets in f64, scaled and centred; `None` if either is a single point.
pub(crate) fn centred_pair<A: Precision, B: Precision>(
    x: ArrayView2<A>,
    y: ArrayView2<B>,
    quantity: &'static str,
    least: usize,
) -> Result<Option<(Array2<f64>, Array2<f64>)>> {
    check_pair(x, y, quantity, least)?;
    Ok(centred(x).zip(centred(y)))
}

/// Checks that both sets are finite states of the same trials, of which there are enough.
pub(crate) fn check_pair<A: Precision, B: Precision>(
    x: ArrayView2<A>,
    y: ArrayView2<B>,
    quantity: &'static str,
    least: usize,
) -> Result<()> {
    if x.nrows() < least {
        return Err(Error::TooFewSamples { quantity, expected: least, found: x.nrows() });
    }
    if y.nrows() != x.nrows() {
        let expected = format!("(samples, units) = ({}, any), as the first", x.nrows());
        return Err(Error::Shape { what: "second states", expected, found: y.shape().to_vec() });
    }
    check_finite(x, || "first states".to_owned())?;
    check_finite(y, || "second states".to_owned())
}

/// The states minus their mean, scaled so that no square leaves the range of f64; `None` if they are one
/// point up to rounding.
pub(crate) fn centred<T: Precision>(states: ArrayView2<T>) -> Option<Array2<f64>> {
    let scale = one_over_largest(states)?;
    let (samples, units) = states.dim();
    let scaled: Vec<f64> = states.iter().map(|entry| (*entry).into() * scale).collect();
    let squares = sum_of(&scaled, |entry| entry * entry);
    let scaled = ArrayView2::from_shape((samples, units), &scaled).expect("as many entries");
    let (_, centred) = centre(scaled);
    let distance = sum_of(entries(&centred), |entry| entry * entry).sqrt();
    let rounding = Rounding::of::<T>(squares / (samples * units) as f64, scale);
    (distance > rounding.whole(samples, units)).then_some(centred)
}

fn entries(centred: &Array2<f64>) -> &[f64] {
    centred.as_slice().expect("in row-major order")
}

/// `‖Xᵀ X‖²`, by the axis along which there are fewer entries.
fn own_squared_norm(centred: &Array2<f64>) -> f64 {
    let (samples, units) = centred.dim();
    let states = entries(centred).chunks_exact(units);
    let mut columns = Columns::default();
    if units <= samples {
        columns.resize(samples, units);
        states.enumerate().for_each(|(row, values)| columns.set_row(row, values));
    } else {
        columns.resize(units, samples);
        states.enumerate().for_each(|(column, values)| columns.set_column(column, values));
    }
    columns.gram_squared_norm()
}

/// The linear kernel of a centred set of states, with what its alignments with other kernels have in common.
#[derive(Debug)]
pub(crate) struct Kernel {
    centred: Array2<f64>,
    /// (samples, samples), if it is worth keeping.
    gram: Option<Array2<f64>>,
    /// The squared norm of each centred state.
    diagonal: Vec<f64>,
    /// The alignment with itself, before normalisation.
    own: f64,
}

impl Kernel {
    /// For several alignments. The matrix is kept if the samples are not more than twice the units, since an
    /// alignment then takes one multiplication per pair of samples.
    pub(crate) fn of(centred: Array2<f64>) -> Self {
        let (samples, units) = centred.dim();
        let gram = (samples <= 2 * units).then(|| product(centred.view(), centred.t()));
        Self::with(centred, gram)
    }

    /// For a single alignment.
    fn once(centred: Array2<f64>) -> Self {
        Self::with(centred, None)
    }

    fn with(centred: Array2<f64>, gram: Option<Array2<f64>>) -> Self {
        let square = |values: &[f64]| sum_of(values, |entry| entry * entry);
        let diagonal = entries(&centred).chunks_exact(centred.ncols()).map(square).collect();
        let own = gram.as_ref().map(|gram| square(entries(gram)));
        let own = own.unwrap_or_else(|| own_squared_norm(&centred));
        Self { centred, gram, diagonal, own }
    }

    /// `‖Xᵀ Y‖²`, which equals the sum over pairs of samples of the products of their kernels. The form with
    /// fewer multiplications is used.
    fn cross(&self, other: &Self) -> f64 {
        let (x, y) = (&self.centred, &other.centred);
        let sum = |a: &Array2<f64>, b: &Array2<f64>| a.iter().zip(b).map(|(a, b)| a * b).sum();
        match (&self.gram, &other.gram) {
            (Some(of_x), Some(of_y)) => return sum(of_x, of_y),
            (None, None) => {}
            (Some(of_x), None) => return sum(of_x, &product(y.view(), y.t())),
            (None, Some(of_y)) => return sum(&product(x.view(), x.t()), of_y),
        }
        if x.ncols() * y.ncols() <= x.nrows() * (x.ncols() + y.ncols()) {
            return product(x.t(), y.view()).iter().map(|entry| entry * entry).sum();
        }
        sum(&product(x.view(), x.t()), &product(y.view(), y.t()))
    }

    /// The alignment of two kernels of the same samples: see [`cka`].
    pub(crate) fn alignment(&self, other: &Self) -> f64 {
        let similarity = self.cross(other) / (self.own * other.own).sqrt();
        similarity.clamp(0.0, 1.0) // rounding can take it out of the range
    }

    /// The debiased alignment of two kernels of at least 4 samples: see [`cka_debiased`].
    pub(crate) fn alignment_debiased(&self, other: &Self) -> Option<f64> {
        let of_self = self.unbiased(self, self.own);
        let of_other = other.unbiased(other, other.own);
        let defined = of_self > 0.0 && of_other > 0.0;
        defined.then(|| self.unbiased(other, self.cross(other)) / (of_self * of_other).sqrt())
    }

    /// The unbiased estimate of the independence criterion of centred sets. The rows of their kernels sum to
    /// zero, so all that the kernels without their diagonals require are those diagonals.
    fn unbiased(&self, other: &Self, cross: f64) -> f64 {
        let both: f64 = self.diagonal.iter().zip(&other.diagonal).map(|(a, b)| a * b).sum();
        let traces = self.diagonal.iter().sum::<f64>() * other.diagonal.iter().sum::<f64>();
        let n = self.diagonal.len() as f64;
        let sum = cross - both + traces / ((n - 1.0) * (n - 2.0)) - 2.0 / (n - 2.0) * both;
        sum / (n * (n - 3.0))
    }
}
