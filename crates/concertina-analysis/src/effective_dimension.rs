//! `effective_dimension`: the participation ratio of the states.

use concertina_model::task::Trials;
use concertina_numerics::kernels::{Columns, Operation, dispatch};
use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

use crate::numbers::{Precision, Rounding, contiguous, one_over_largest, sum_of};
use crate::responses::{Responses, StateVariable, check_finite};
use crate::state_measure::{StateMeasure, States};
use crate::{Error, Result, Subject, Timestep, Timesteps};

/// The effective dimension (participation ratio) of the states at each timestep: see [`effective_dimension`].
///
/// # Returns  The column `effective_dimension`, with one row per checkpoint and timestep; null where it is
/// undefined.
/// # Source   `farrell2022`, Methods; `gao2017` for the measure. Differs in: nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EffectiveDimension {
    /// Samples, spread evenly over the clusters; at least 2.
    pub samples: usize,
    /// The timesteps to analyse.
    pub timesteps: Timesteps,
    /// Continue the trials to this timestep, with zero input.
    pub extend_to: Option<Timestep>,
    /// The variable to analyse in place of the state of the units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<StateVariable>,
}

impl Default for EffectiveDimension {
    fn default() -> Self {
        Self { samples: 500, timesteps: Timesteps::All, extend_to: None, state: None }
    }
}

impl StateMeasure for EffectiveDimension {
    const NAME: &'static str = "effective_dimension";
    const VERSION: u32 = 3;
    const REFERENCES: &'static [&'static str] = &["farrell2022", "gao2017"];
    const COLUMNS: &'static [&'static str] = &["effective_dimension"];
    const LEAST_SAMPLES: usize = 2;

    fn states(&self) -> States<'_> {
        States {
            samples: self.samples,
            timesteps: &self.timesteps,
            extend_to: self.extend_to,
            state: self.state,
        }
    }

    fn measure(
        &self,
        _: &Subject,
        _: &Trials,
        _: &[Timestep],
    ) -> Result<impl FnMut(&Responses, Timestep) -> Result<Vec<Option<f64>>>> {
        let mut scratch = Scratch::default();
        Ok(move |responses: &Responses, timestep| {
            let what = || Responses::name_of(timestep);
            Ok(vec![scratch.dimension(responses.unchecked_at(timestep), what)?])
        })
    }
}

/// Effective dimension of a cloud of states: the participation ratio of its covariance.
///
/// `D = (Σ λ)² / Σ λ² = (tr C)² / tr(C²)`, with `λ` the eigenvalues of the covariance `C`. It is computed
/// from the traces, in f64, without solving an eigenproblem. Only one triangle is computed, of `C` or of its
/// counterpart between samples, whichever is smaller. Whether the covariance is normalised by n or n - 1
/// makes no difference. The estimate is biased low for few samples. It is invariant under rotations, scalings
/// and shifts of the cloud, and under the order of its samples.
///
/// Large clouds are divided between as many threads as [`with_threads`](crate::with_threads) allows, one by
/// default. The bits do not depend on the number of threads.
///
/// # Undefined
/// `None` if all states are equal *up to rounding*, that is, if their root mean square distance from the mean
/// is below 8 machine epsilons of the root mean square state. The epsilon is that of the precision in which
/// the states are given (f32 for the states of a network, so that the limit is 1e-6 of the state). States
/// that have converged to the same fixed point differ only in their last bits. The dimension of that noise,
/// which can be anything up to the number of units, says nothing about the network. The price is that a cloud
/// narrower than a millionth of its distance from the origin has no dimension here, since its f32 coordinates
/// hold three bits of it or fewer. States that shrink towards zero keep their dimension until the precision
/// is exhausted: it is also undefined for a cloud narrower than 8 times the smallest positive number (1.4e-45
/// for f32) in each coordinate.
///
/// # Shapes
/// `states`: (samples, units).
///
/// # Returns
/// Dimensionless, in `[1, min(samples - 1, units)]`; `None` if undefined.
///
/// # Errors
/// [`Error::TooFewSamples`] for fewer than 2 samples; [`Error::NotFinite`] names the sample and unit of the
/// first NaN or infinite value.
///
/// # Source
/// `gao2017`, where it is called the participation ratio, and `farrell2022`, Methods. Differs in: nothing.
///
/// # Example
/// Four points at the ends of two equal axes have dimension 2:
/// ```
/// use concertina_analysis::effective_dimension;
/// use ndarray::arr2;
///
/// let cross = arr2(&[[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]);
/// assert_eq!(effective_dimension(cross.view())?, Some(2.0));
/// # Ok::<(), concertina_analysis::Error>(())
/// ```
pub fn effective_dimension<T: Precision>(states: ArrayView2<T>) -> Result<Option<f64>> {
    if states.nrows() < 2 {
        return Err(Error::TooFewSamples {
            quantity: "effective dimension",
            expected: 2,
            found: states.nrows(),
        });
    }
    Scratch::default().dimension(states, || "states".to_owned())
}

/// Range of the mean square of the states within which squaring it again neither overflows nor underflows.
/// The narrowest cloud that f64 can represent has 1e-30 of the mean square of its states, and the squares of
/// both must stay within 1e±308. States in f32 are always within this range.
const SAFE_SQUARES: std::ops::RangeInclusive<f64> = 1e-100..=1e100;

/// Memory that is reused from one cloud to the next.
#[derive(Debug, Default)]
struct Scratch {
    /// States minus their mean, (samples, units), or the transpose if there are fewer samples than units.
    centred: Columns,
}

/// Sums over samples and units.
struct Squares {
    /// Of the distances from the mean.
    distance: f64,
    /// Of the states.
    state: f64,
}

impl Scratch {
    /// The dimension of at least two states. Errors refer to them by the name that `what` returns.
    fn dimension<T: Precision>(
        &mut self,
        states: ArrayView2<T>,
        what: impl FnOnce() -> String,
    ) -> Result<Option<f64>> {
        let (samples, units) = states.dim();
        if units == 0 {
            return Ok(None);
        }
        let mut scale = 1.0;
        let mut squares = self.centre(states, scale, 1);
        if !SAFE_SQUARES.contains(&squares.state) {
            check_finite(states, what)?; // a NaN or infinite state makes the sum NaN or infinite
            let Some(inverse) = one_over_largest(states) else { return Ok(None) };
            scale = inverse;
            squares = self.centre(states, scale, 1);
        }
        let of_the_mean = samples as f64 * f64::EPSILON; // bounds the rounding of the sum over samples
        if squares.distance <= of_the_mean * of_the_mean * squares.state {
            squares = self.centre(states, scale, 2);
        }
        let rounding = Rounding::of::<T>(squares.state / (samples * units) as f64, scale);
        if squares.distance.sqrt() <= rounding.whole(samples, units) {
            return Ok(None);
        }

        let dimension = squares.distance * squares.distance / self.centred.gram_squared_norm();
        Ok(Some(dimension.clamp(1.0, (samples - 1).min(units) as f64))) // rounding can leave the range
    }

    /// Writes the states times `scale`, minus their mean. After two passes, equal states leave exact zeros.
    fn centre<T: Precision>(&mut self, states: ArrayView2<T>, scale: f64, passes: usize) -> Squares {
        let (samples, units) = states.dim();
        let mut mean = vec![0.0; units];
        for _ in 0..passes {
            let mut sums = vec![0.0; units];
            dispatch(AddTo { sums: &mut sums, states, mean: &mean, scale });
            mean.iter_mut().zip(sums).for_each(|(mean, sum)| *mean += sum / samples as f64);
        }
        let mut distances = vec![0.0; units]; // squared, of each unit
        self.centred.resize(samples.max(units), samples.min(units));
        dispatch(Centre {
            centred: &mut self.centred,
            distances: &mut distances,
            states,
            mean: &mean,
            scale,
        });
        let distance: f64 = distances.iter().sum();
        Squares { distance, state: distance + samples as f64 * sum_of(&mean, |entry| entry * entry) }
    }
}

/// Adds the states times `scale`, minus a mean, to `sums`.
struct AddTo<'a, T> {
    sums: &'a mut [f64],
    states: ArrayView2<'a, T>,
    mean: &'a [f64],
    scale: f64,
}

impl<T: Precision> Operation for AddTo<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for state in self.states.outer_iter() {
            for ((sum, entry), mean) in self.sums.iter_mut().zip(&*contiguous(&state)).zip(self.mean) {
                *sum += (*entry).into() * self.scale - mean;
            }
        }
    }
}

struct Centre<'a, T> {
    centred: &'a mut Columns,
    distances: &'a mut [f64],
    states: ArrayView2<'a, T>,
    mean: &'a [f64],
    scale: f64,
}

impl<T: Precision> Operation for Centre<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let (samples, units) = self.states.dim();
        let mut centred = vec![0.0; units];
        for (sample, state) in self.states.outer_iter().enumerate() {
            let state = &*contiguous(&state);
            let entries = centred.iter_mut().zip(self.distances.iter_mut()).zip(state).zip(self.mean);
            for (((centred, distance), entry), mean) in entries {
                *centred = (*entry).into() * self.scale - mean;
                *distance += *centred * *centred;
            }
            if samples < units {
                self.centred.set_column(sample, &centred);
            } else {
                self.centred.set_row(sample, &centred);
            }
        }
    }
}
