//! `autocorrelation`: how much the states of a trial still resemble its first state.

use concertina_model::params::ValidParams;
use concertina_model::task::Ask;
use concertina_numerics::statistics::{mean, variance};
use concertina_table::{Table, Values};
use ndarray::{ArrayView1, ArrayView2, ArrayView3, Axis};
use serde::{Deserialize, Serialize};

use crate::numbers::{Precision, Rounding, contiguous, one_over_largest, sum_of};
use crate::ranges;
use crate::responses::{Observations, Responses, StateVariable, check_finite};
use crate::{Analysis, Result, Subject, Timestep, Timesteps};

/// The cosine of the angle between the state at each timestep and the state after the first step of the same
/// trial.
///
/// It is 1 if the state points in the direction of the first state, whatever its length, and 0 if the two are
/// orthogonal. The states are centred neither over units nor over samples. If they were centred over units,
/// the cosine would depend on the choice of axes, whereas it is now invariant under rotations of state space.
/// If they were centred over samples, the cosine of one trial would depend on the other trials. The price is
/// that activity common to all trials, such as the effect of a bias, counts as resemblance.
///
/// # Returns
/// One row per checkpoint and timestep, with the columns
/// * `autocorrelation`: the mean over samples, in [-1, 1];
/// * `autocorrelation_sd`: the standard deviation over samples (with n - 1 in the denominator);
/// * `samples`: the number of samples averaged over. A sample whose state is zero at either timestep (silent
///   relu units) has no angle and is left out. So is a sample whose state has shrunk to where single
///   precision has no digits left (8 times its smallest number, 1.4e-45, in each unit).
///
/// The mean is null if no sample is left, and the standard deviation if fewer than two are. Both are null at
/// the input, timestep -1, which lies in another space.
///
/// # Source
/// The definition of the cosine. No figure of `farrell2022` shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Autocorrelation {
    /// Samples, spread evenly over the clusters.
    pub samples: usize,
    /// The timesteps to analyse.
    pub timesteps: Timesteps,
    /// Continue the trials to this timestep, with zero input.
    pub extend_to: Option<Timestep>,
    /// The variable to analyse in place of the state of the units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<StateVariable>,
}

impl Default for Autocorrelation {
    fn default() -> Self {
        Self { samples: 1000, timesteps: Timesteps::All, extend_to: None, state: None }
    }
}

impl Autocorrelation {
    pub(crate) const NAME: &'static str = "autocorrelation";
}

/// The timestep whose states all others are compared with.
const FIRST: Timestep = Timestep(0);

impl Analysis for Autocorrelation {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn version(&self) -> u32 {
        2
    }

    fn references(&self) -> &'static [&'static str] {
        &["farrell2022"]
    }

    fn per_checkpoint(&self) -> bool {
        true
    }

    fn check(&self, params: &ValidParams) -> Result<()> {
        StateVariable::check(self.state, Self::NAME, params)?;
        ranges::samples(Self::NAME, self.samples, 1)?;
        self.timesteps.resolve(Self::NAME, self.extend_to, params).map(drop)
    }

    fn run(&self, subject: &Subject) -> Result<Table> {
        self.check(subject.params)?;
        let timesteps = self.timesteps.resolve(Self::NAME, self.extend_to, subject.params)?;
        let samples = subject.task.trials(Ask::Analysis { count: self.samples });
        let needed: Vec<Timestep> = timesteps.iter().copied().chain([FIRST]).collect();
        let mut rows = Observations::default();
        let (mut means, mut deviations, mut counts) = (Vec::new(), Vec::new(), Vec::new());
        for (checkpoint, network) in subject.checkpoints {
            let responses = Responses::run(network, &samples, &needed, self.state)?;
            for &timestep in &timesteps {
                let found = match timestep {
                    Timestep::INPUT => Resemblance::over(&[]),
                    _ => Resemblance::of(responses.at(timestep)?, responses.at(FIRST)?),
                };
                rows.push_at(*checkpoint, timestep);
                means.push(found.mean);
                deviations.push(found.standard_deviation);
                counts.push(found.samples as i64);
            }
        }
        let columns = [
            ("autocorrelation", Values::from(means)),
            ("autocorrelation_sd", Values::from(deviations)),
            ("samples", Values::from(counts)),
        ];
        rows.into_table(true, columns.map(|(name, values)| (name.to_owned(), values)))
    }
}

/// How much the states at a timestep resemble the first: the cosine of the angle between the two.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Resemblance {
    /// The mean over samples, in [-1, 1]; `None` without samples.
    pub mean: Option<f64>,
    /// The standard deviation over samples (with n - 1 in the denominator); `None` for fewer than two.
    pub standard_deviation: Option<f64>,
    /// The number of samples averaged over: those with an angle.
    pub samples: usize,
}

/// The cosine of the angle between the state at each timestep and the first state of the same trial.
///
/// States are centred neither over units nor over samples (see [`Autocorrelation`]). The cosine is invariant
/// under rotations of state space and under scaling of the states of a timestep.
///
/// # Undefined
/// A sample whose state is zero at either timestep has no angle and is left out. So is a sample whose state
/// is below 8 times the smallest number of its precision in each unit. [`Resemblance::samples`] counts the
/// samples that are left.
///
/// # Shapes
/// `states`: (trials, timesteps, units).
///
/// # Returns
/// One value per timestep. The first timestep is compared with itself.
///
/// # Errors
/// [`Error::NotFinite`](crate::Error::NotFinite) names the timestep, and the sample and unit of the first NaN
/// or infinite value there.
///
/// # Source
/// The definition of the cosine.
///
/// # Example
/// A state that turns by a right angle in every timestep:
/// ```
/// use concertina_analysis::autocorrelation;
/// use ndarray::arr3;
///
/// let turning = arr3(&[[[2.0, 0.0], [0.0, 1.0], [-0.5, 0.0]]]);
/// let found = autocorrelation(turning.view())?;
/// let means: Vec<Option<f64>> = found.iter().map(|resemblance| resemblance.mean).collect();
/// assert_eq!(means, [1.0, 0.0, -1.0].map(Some));
/// # Ok::<(), concertina_analysis::Error>(())
/// ```
pub fn autocorrelation<T: Precision>(states: ArrayView3<T>) -> Result<Vec<Resemblance>> {
    for (timestep, states) in (0..).map(Timestep).zip(states.axis_iter(Axis(1))) {
        check_finite(states, || Responses::name_of(timestep))?;
    }
    let all = states.axis_iter(Axis(1));
    Ok(all.map(|at_timestep| Resemblance::of(at_timestep, states.index_axis(Axis(1), 0))).collect())
}

impl Resemblance {
    /// Compares states with the first states, both (samples, units).
    fn of<T: Precision>(states: ArrayView2<T>, first: ArrayView2<T>) -> Self {
        let pairs = states.outer_iter().zip(first.outer_iter());
        Self::over(&pairs.filter_map(|(state, first)| cosine(state, first)).collect::<Vec<f64>>())
    }

    fn over(cosines: &[f64]) -> Self {
        let standard_deviation = variance(cosines).map(f64::sqrt);
        Self { mean: mean(cosines), standard_deviation, samples: cosines.len() }
    }
}

/// The cosine between two states; `None` if one of them is zero or consists only of rounding error.
fn cosine<T: Precision>(a: ArrayView1<T>, b: ArrayView1<T>) -> Option<f64> {
    // Near 1, squares neither overflow nor underflow, and scaling by a power of two is exact.
    let scales = [a, b].map(|state| one_over_largest(state.insert_axis(Axis(0))));
    let [Some(of_a), Some(of_b)] = scales else { return None };
    let pairs: Vec<(f64, f64)> = contiguous(&a)
        .iter()
        .zip(contiguous(&b).iter())
        .map(|(a, b)| ((*a).into() * of_a, (*b).into() * of_b))
        .collect();
    let (a, b) = (sum_of(&pairs, |(a, _)| a * a).sqrt(), sum_of(&pairs, |(_, b)| b * b).sqrt());
    let nothing = Rounding::of::<T>(0.0, 1.0).length(pairs.len());
    // Rounding can take it out of the range.
    let has_angle = (a / of_a).min(b / of_b) > nothing;
    has_angle.then(|| (sum_of(&pairs, |(a, b)| a * b) / (a * b)).clamp(-1.0, 1.0))
}
