//! `effective_dimension`: the participation ratio of the states.

use concertina_model::task::Trials;
use concertina_numerics::kernels::{Columns, Operation, dispatch};
use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

use crate::numbers::{Precision, Rounding, contiguous, one_over_largest, sum_of};
use crate::responses::{Responses, check_finite};
use crate::state_measure::{StateMeasure, States};
use crate::{Error, Result, Subject, Timestep, Timesteps};

/// The effective dimension (participation ratio) of the states at each timestep: see [`effective_dimension`].
///
/// # Returns  The column `effective_dimension`, a row for each checkpoint and timestep; null where it is
/// undefined.
/// # Source   `farrell2022`, Methods; `gao2017` for the measure. Differs in: nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EffectiveDimension {
    /// Samples, spread evenly over the clusters; at least 2.
    pub samples: usize,
    /// The timesteps to look at.
    pub timesteps: Timesteps,
    /// Run the trials on, with zero input, to this timestep.
    pub extend_to: Option<Timestep>,
}

impl Default for EffectiveDimension {
    fn default() -> Self {
        Self { samples: 500, timesteps: Timesteps::All, extend_to: None }
    }
}

impl StateMeasure for EffectiveDimension {
    const NAME: &'static str = "effective_dimension";
    const VERSION: u32 = 3;
    const REFERENCES: &'static [&'static str] = &["farrell2022", "gao2017"];
    const COLUMNS: &'static [&'static str] = &["effective_dimension"];
    const LEAST_SAMPLES: usize = 2;

    fn states(&self) -> States<'_> {
        States { samples: self.samples, timesteps: &self.timesteps, extend_to: self.extend_to }
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
/// `D = (Σ λ)² / Σ λ² = (tr C)² / tr(C²)`, `λ` the eigenvalues of the covariance `C`. From the traces, in
/// f64: no eigenproblem, and of `C` and its counterpart between samples only one triangle of the smaller is
/// computed; n or n - 1 cancels. Biased low for few samples. Rotations, scalings and shifts of the cloud and
/// the order of its samples leave it alone.
///
/// Large clouds are shared between as many threads as
/// [`with_threads`](crate::with_threads) allows, one by default; the bits are the same.
///
/// # Undefined
/// `None` if all states are equal *up to rounding*: if their root mean square distance from the mean is under
/// 8 machine epsilons of the root mean square state, with the epsilon of the precision that the states are
/// given in (f32 for those of a network: 1e-6 of the state). States that have run into the same fixed point
/// differ in their last bits alone; the dimension of that noise, a number anywhere up to the number of units,
/// says nothing about the network. The other side of the bargain: a cloud narrower than a millionth of its
/// distance from the origin has no dimension here, since its f32 coordinates hold three bits of it or less.
/// States that shrink towards zero keep their dimension until the precision ends: a cloud narrower than 8
/// times its smallest positive number (for f32 1.4e-45) in each coordinate has none either.
///
/// # Shapes
/// `states`: (samples, units), a row per sample.
///
/// # Returns
/// Dimensionless, in `[1, min(samples - 1, units)]`; `None` if undefined.
///
/// # Errors
/// [`Error::TooFewSamples`] under 2 samples; [`Error::NotFinite`] names the first bad sample and unit.
///
/// # Source
/// `gao2017`, where it is the participation ratio, and `farrell2022`, Methods. Differs in: nothing.
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

/// Mean squares of states within which nothing over- or underflows when squared again: a cloud as narrow as
/// f64 can hold has 1e-30 of it, and both end at 1e±308. States in f32 are always within.
const SAFE_SQUARES: std::ops::RangeInclusive<f64> = 1e-100..=1e100;

/// Memory that is kept from one cloud to the next.
#[derive(Debug, Default)]
struct Scratch {
    /// States less their mean, (samples, units), or their transpose if there are fewer samples than units.
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
    /// The dimension of at least two states; an error calls them as `what` says.
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
            check_finite(states, what)?; // a state that is NaN or infinite makes the sum so too
            let Some(inverse) = one_over_largest(states) else { return Ok(None) };
            scale = inverse;
            squares = self.centre(states, scale, 1);
        }
        let of_the_mean = samples as f64 * f64::EPSILON; // the sum over so many is rounded by up to so much
        if squares.distance <= of_the_mean * of_the_mean * squares.state {
            squares = self.centre(states, scale, 2);
        }
        let rounding = Rounding::of::<T>(squares.state / (samples * units) as f64, scale);
        if squares.distance.sqrt() <= rounding.whole(samples, units) {
            return Ok(None);
        }

        let dimension = squares.distance * squares.distance / self.centred.gram_squared_norm();
        Ok(Some(dimension.clamp(1.0, (samples - 1).min(units) as f64))) // rounding alone can leave the range
    }

    /// Writes the states times `scale`, less their mean; after two passes over them equal states leave exact
    /// zeros.
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

/// Adds the states times `scale`, less a mean, to `sums`.
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
