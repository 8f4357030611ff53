//! The dimension of a cloud from its covariance, with corrections for few samples.

use concertina_numerics::linalg::{product, symmetric_eigen};
use ndarray::{Array2, ArrayView2, Axis};

use crate::cka::centred;
use crate::numbers::{Precision, one_over_largest};
use crate::responses::check_finite;
use crate::{Result, effective_dimension};

/// The share of the variance that the counted components must have.
const SHARE: f64 = 0.9;
/// A sum of eigenvalues within this of the share counts as reaching it: some thousand machine epsilons, for
/// clouds whose components have exactly that share.
const SUM_ROUNDING: f64 = 1e-12;
/// A corrected denominator below this share of its terms is nothing but rounding error: some thousand machine
/// epsilons.
const CANCELLED: f64 = 1e-12;

/// The participation ratio of a cloud, and its corrections.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ParticipationRatios {
    /// Without correction: see [`effective_dimension`](fn@crate::effective_dimension).
    pub ratio: f64,
    /// With unbiased estimates of `(tr C)²` and `tr(C²)`, for samples that are drawn independently.
    pub corrected: Option<f64>,
    /// The same if the units, too, are a sample of more units.
    pub corrected_both: Option<f64>,
    /// The unbiased estimate of `(tr C)²`, in units of the state to the fourth power.
    pub squared_trace: Option<f64>,
    /// The unbiased estimate of `tr(C²)`, in units of the state to the fourth power.
    pub trace_of_square: Option<f64>,
}

/// The participation ratio of a cloud of states, `(tr C)² / tr(C²)`, and two versions of it that are
/// corrected for few samples.
///
/// With few samples, the ratio is too small. `corrected` replaces `(tr C)²` and `tr(C²)` by estimates without
/// bias for independent samples with an unknown mean: the means of `|x_i - x_j|² |x_k - x_l|² / 4` and of
/// `((x_i - x_j) · (x_k - x_l))² / 4` over four different samples. They are computed from the covariance and
/// fourth powers, without enumerating samples. `corrected_both` also leaves out the terms that use one unit
/// twice, for units that are themselves a sample of a larger population. The quotient of two estimates
/// without bias has a small bias itself.
///
/// # Shapes
/// `states`: (samples, units).
///
/// # Undefined
/// `None` if all states are equal up to rounding, as in
/// [`effective_dimension`](fn@crate::effective_dimension). The corrections are `None` for fewer than 4
/// samples, and if either estimate is not positive, which happens with few samples (or with few units, for
/// `corrected_both`; always with one).
///
/// # Errors
/// [`Error::TooFewSamples`](crate::Error::TooFewSamples) for fewer than 2 samples;
/// [`Error::NotFinite`](crate::Error::NotFinite) names the sample and unit of the first NaN or infinite
/// value.
///
/// # Source
/// `chun2025`, the estimators corrected for rows, and for rows and columns. Differs in: the mean of the
/// samples is unknown.
pub fn participation_ratios<T: Precision>(states: ArrayView2<T>) -> Result<Option<ParticipationRatios>> {
    let Some(ratio) = effective_dimension(states)? else { return Ok(None) };
    let none = ParticipationRatios {
        ratio,
        corrected: None,
        corrected_both: None,
        squared_trace: None,
        trace_of_square: None,
    };
    let Some((centred, scale)) = centred(states).zip(one_over_largest(states)) else { return Ok(Some(none)) };
    if states.nrows() < 4 {
        return Ok(Some(none));
    }
    let whole = Traces::of(&centred);
    let mut between = whole;
    for unit in centred.axis_chunks_iter(Axis(1), 1) {
        let own = Traces::of(&unit.to_owned());
        between.squared_trace -= own.squared_trace;
        between.trace_of_square -= own.squared_trace; // both are equal for a single unit
        between.largest = between.largest.max(own.largest);
    }
    let corrected_both = if centred.ncols() > 1 { between.ratio() } else { None };
    let unit = scale.powi(-4);
    Ok(Some(ParticipationRatios {
        corrected: whole.ratio(),
        corrected_both,
        squared_trace: Some(whole.squared_trace * unit),
        trace_of_square: Some(whole.trace_of_square * unit),
        ..none
    }))
}

/// Unbiased estimates for a covariance.
#[derive(Debug, Clone, Copy)]
struct Traces {
    /// Of `(tr C)²`.
    squared_trace: f64,
    /// Of `tr(C²)`.
    trace_of_square: f64,
    /// The largest term of the second.
    largest: f64,
}

impl Traces {
    /// From at least 4 centred samples.
    fn of(centred: &Array2<f64>) -> Self {
        let n = centred.nrows() as f64;
        let gram = small_gram(centred);
        let trace = gram.diag().sum() / (n - 1.0);
        let square = gram.iter().map(|entry| entry * entry).sum::<f64>() / ((n - 1.0) * (n - 1.0));
        let lengths = centred.outer_iter().map(|state| state.iter().map(|entry| entry * entry).sum::<f64>());
        let fourth = lengths.map(|square| square * square).sum::<f64>() / (n - 1.0);
        let factor = (n - 1.0) / (n * (n - 2.0) * (n - 3.0));
        let terms = [(n - 1.0) * (n - 2.0) * square, trace * trace, -n * fourth];
        Self {
            squared_trace: factor * (2.0 * square + (n * n - 3.0 * n + 1.0) * trace * trace - n * fourth),
            trace_of_square: factor * terms.iter().sum::<f64>(),
            largest: factor * terms.iter().fold(0.0, |largest: f64, term| largest.max(term.abs())),
        }
    }

    fn ratio(self) -> Option<f64> {
        let positive = self.trace_of_square > CANCELLED * self.largest && self.squared_trace > 0.0;
        positive.then(|| self.squared_trace / self.trace_of_square)
    }
}

/// `XᵀX` or `XXᵀ`, whichever is smaller. Both have the same trace and the same eigenvalues, up to zeros.
fn small_gram(centred: &Array2<f64>) -> Array2<f64> {
    if centred.ncols() <= centred.nrows() {
        product(centred.t(), centred.view())
    } else {
        product(centred.view(), centred.t())
    }
}

/// The smallest number of principal components that have 90% of the variance of a cloud of states.
///
/// # Shapes
/// `states`: (samples, units).
///
/// # Undefined
/// `None` if all states are equal up to rounding, as in
/// [`effective_dimension`](fn@crate::effective_dimension).
///
/// # Errors
/// [`Error::NotFinite`](crate::Error::NotFinite) names the sample and unit of the first NaN or infinite
/// value.
pub fn components_90<T: Precision>(states: ArrayView2<T>) -> Result<Option<usize>> {
    check_finite(states, || "states".to_owned())?;
    let Some(centred) = centred(states) else { return Ok(None) };
    let (mut variances, _) = symmetric_eigen(small_gram(&centred).view())?;
    variances.as_slice_mut().expect("a new vector").sort_by(|a, b| b.total_cmp(a));
    let enough = variances.sum() * (SHARE - SUM_ROUNDING);
    let mut sum = 0.0;
    let before = variances.iter().take_while(|variance| {
        sum += **variance;
        sum < enough
    });
    Ok(Some((before.count() + 1).min(variances.len())))
}
