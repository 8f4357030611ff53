//! Representational dissimilarity matrices, and how similar two of them are.

use concertina_numerics::statistics::mean;
use ndarray::{Array1, ArrayView2};
use serde::{Deserialize, Serialize};

use crate::cka::check_pair;
use crate::numbers::{Precision, Rounding, one_over_largest};
use crate::pairs::each_pair;
use crate::responses::check_finite;
use crate::{Error, Result};

/// The distance between the states of two trials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RdmDistance {
    /// The Euclidean distance.
    #[default]
    Euclidean,
    /// The square of the Euclidean distance. Some programs call it `euclidean`.
    Sqeuclidean,
    /// 1 minus the Pearson correlation of the two states over units. The states are not centred.
    Correlation,
}

/// The upper triangle of the dissimilarity matrix of states: the distance of every pair of trials.
///
/// # Shapes
/// `states`: (samples, units). The result has `samples (samples - 1) / 2` entries, row by row: (0, 1),
/// (0, 2), …, (1, 2), ….
///
/// # Undefined
/// `None` for [`RdmDistance::Correlation`] if the units of a trial are all equal up to rounding, as they are
/// with a single unit: its correlations are undefined.
///
/// # Errors
/// [`Error::TooFewSamples`] for fewer than 2 samples; [`Error::NotFinite`] names the sample and unit of the
/// first NaN or infinite value, or the first distance that leaves the range of f64.
///
/// # Source
/// `kriegeskorte2008`. Differs in: nothing.
pub fn rdm<T: Precision>(states: ArrayView2<T>, distance: RdmDistance) -> Result<Option<Array1<f64>>> {
    if states.nrows() < 2 {
        return Err(Error::TooFewSamples {
            quantity: "dissimilarity matrix",
            expected: 2,
            found: states.nrows(),
        });
    }
    check_finite(states, || "states".to_owned())?;
    let Some(Distances { values, unit, .. }) = Distances::of(states, distance) else { return Ok(None) };
    let values: Array1<f64> = values.into_iter().map(|value| value * unit).collect();
    if let Some((pair, &value)) = values.iter().enumerate().find(|(_, value)| !value.is_finite()) {
        return Err(Error::NotFinite { what: "distances".to_owned(), place: format!("pair {pair}"), value });
    }
    Ok(Some(values))
}

/// How similar the dissimilarity matrices of two sets of states are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RdmSimilarity {
    /// The Pearson correlation of the distances, over pairs of trials.
    pub pearson: f64,
    /// The Spearman correlation, with mean ranks for ties.
    pub spearman: f64,
}

/// The correlations of the dissimilarity matrices of two sets of states of the same trials.
///
/// # Shapes
/// `x`: (samples, units); `y`: (samples, its own number of units). Rows of the same index belong to the same
/// trial.
///
/// # Undefined
/// `None` where [`rdm`] is undefined for either set, and if all distances of a set are equal up to rounding,
/// as they are for two samples or a single point.
///
/// # Errors
/// As [`cka`](fn@crate::cka).
///
/// # Source
/// `kriegeskorte2008`. Differs in: nothing.
///
/// # Example
/// Distances do not change when a set is rotated and shifted:
/// ```
/// use concertina_analysis::{RdmDistance, rdm_similarity};
/// use ndarray::arr2;
///
/// let x = arr2(&[[1.0, 0.0], [-1.0, 0.5], [0.0, 2.0]]);
/// let turned = x.dot(&arr2(&[[0.0, 1.0], [-1.0, 0.0]])) + 7.0;
/// let found = rdm_similarity(x.view(), turned.view(), RdmDistance::Euclidean)?.expect("defined");
/// assert!((found.pearson - 1.0).abs() < 1e-12);
/// assert!((found.spearman - 1.0).abs() < 1e-12);
/// # Ok::<(), concertina_analysis::Error>(())
/// ```
pub fn rdm_similarity<A: Precision, B: Precision>(
    x: ArrayView2<A>,
    y: ArrayView2<B>,
    distance: RdmDistance,
) -> Result<Option<RdmSimilarity>> {
    check_pair(x, y, "similarity of dissimilarity matrices", 2)?;
    let of_x = Distances::of(x, distance).and_then(Compared::of);
    let of_y = Distances::of(y, distance).and_then(Compared::of);
    Ok(of_x.zip(of_y).map(|(x, y)| x.similarity(&y)))
}

/// The distances of all pairs, row by row, in units in which they neither overflow nor underflow.
#[derive(Debug)]
pub(super) struct Distances {
    values: Vec<f64>,
    unit: f64,
    /// How far a distance may be off because the states are rounded.
    rounding: f64,
}

impl Distances {
    /// The distances of finite states; `None` where they are undefined.
    pub(super) fn of<T: Precision>(states: ArrayView2<T>, distance: RdmDistance) -> Option<Self> {
        let (samples, units) = states.dim();
        let scale = one_over_largest(states).unwrap_or(1.0);
        let mut values = vec![0.0; samples * samples.saturating_sub(1) / 2];
        let place = |one: usize, other: usize| one * (2 * samples - one - 1) / 2 + other - one - 1;
        let scaled = states.mapv(|entry| entry.into() * scale);
        let squares: f64 = scaled.iter().map(|entry| entry * entry).sum();
        let of_state = Rounding::of::<T>(squares / scaled.len().max(1) as f64, scale).length(units);
        if distance == RdmDistance::Correlation {
            let mut directions = scaled;
            let mut shortest = f64::INFINITY;
            for mut state in directions.outer_iter_mut() {
                for _ in 0..2 {
                    // the second time for the rounding error of the mean
                    let mean = state.mean()?;
                    state -= mean;
                }
                let length = state.iter().map(|entry| entry * entry).sum::<f64>().sqrt();
                if length <= of_state {
                    return None;
                }
                state /= length;
                shortest = shortest.min(length);
            }
            // |a - b|² / 2 = 1 - a b for directions a and b, without cancellation
            each_pair(directions.view(), 1.0, |one, other, square| values[place(one, other)] = square / 2.0);
            return Some(Self { values, unit: 1.0, rounding: 2.0 * of_state / shortest });
        }
        let squared = distance == RdmDistance::Sqeuclidean;
        each_pair(states, scale, |one, other, square| {
            values[place(one, other)] = if squared { square } else { square.sqrt() };
        });
        let largest = values.iter().fold(0.0, |largest: f64, value| largest.max(*value));
        Some(match squared {
            true => Self { unit: 1.0 / scale / scale, rounding: 2.0 * largest.sqrt() * of_state, values },
            false => Self { unit: 1.0 / scale, rounding: of_state, values },
        })
    }
}

/// The distances of a set of states and their ranks, both centred and of length 1.
#[derive(Debug)]
pub(super) struct Compared {
    distances: Vec<f64>,
    ranks: Vec<f64>,
}

impl Compared {
    /// `None` if all distances are equal up to rounding.
    pub(super) fn of(distances: Distances) -> Option<Self> {
        let Distances { values, rounding, .. } = distances;
        let ranks = direction(ranks(&values), 0.0)?;
        let pairs = values.len() as f64;
        Some(Self { distances: direction(values, rounding * pairs.sqrt())?, ranks })
    }

    pub(super) fn similarity(&self, other: &Self) -> RdmSimilarity {
        let product = |a: &[f64], b: &[f64]| -> f64 {
            let product: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
            product.clamp(-1.0, 1.0) // rounding can take it out of the range
        };
        RdmSimilarity {
            pearson: product(&self.distances, &other.distances),
            spearman: product(&self.ranks, &other.ranks),
        }
    }
}

/// The values minus their mean, divided by their length; `None` if that is not above `least`.
fn direction(mut values: Vec<f64>, least: f64) -> Option<Vec<f64>> {
    let average = mean(&values)?;
    values.iter_mut().for_each(|value| *value -= average);
    let length = values.iter().map(|value| value * value).sum::<f64>().sqrt();
    if length <= least {
        return None;
    }
    values.iter_mut().for_each(|value| *value /= length);
    Some(values)
}

/// The ranks from 1, with the mean rank for ties.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<(f64, usize)> = values.iter().copied().zip(0..).collect();
    order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let mut ranks = vec![0.0; values.len()];
    let mut below = 0;
    for tied in order.chunk_by(|a, b| a.0 == b.0) {
        let rank = below as f64 + (tied.len() + 1) as f64 / 2.0;
        tied.iter().for_each(|(_, place)| ranks[*place] = rank);
        below += tied.len();
    }
    ranks
}
