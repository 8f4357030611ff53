//! `autocorrelation`: how much of its first state a trial still resembles.

use concertina_model::params::ValidParams;
use concertina_model::task::Ask;
use concertina_numerics::statistics::{mean, variance};
use concertina_table::{Table, Values};
use ndarray::{ArrayView1, ArrayView2};
use serde::{Deserialize, Serialize};

use crate::numbers::{Rounding, contiguous, sum_of};
use crate::ranges;
use crate::responses::{Observations, Responses};
use crate::{Analysis, Result, Subject, Timestep, Timesteps};

/// The cosine of the angle between the state at each timestep and the state after the first step of the same trial.
///
/// 1: the state points where it pointed first, whatever its length; 0: at a right angle to it. The states are not centred,
/// neither over units nor over samples: centred over units the number would depend on the choice of axes, which a rotation of
/// state space now leaves alone, and centred over samples a trial's number would depend on the other trials. The other side
/// of the bargain: activity that is the same in all trials, such as a bias gives, counts as resemblance.
///
/// # Returns
/// A row for each checkpoint and timestep, with the columns `autocorrelation`, the mean over samples, in [-1,
/// 1]; `autocorrelation_sd`, the standard deviation over samples (squares over n - 1); `samples`, over how
/// many: a sample whose state is zero at either timestep has no angle (silent relu units) and is left out, as
/// is one whose state has shrunk to where single precision has no digits left (8 times its smallest number,
/// 1.4e-45, in each unit). Null over no samples, the deviation under two; null at the input, timestep -1,
/// which lies in another space.
///
/// # Source
/// The definition of the cosine; no figure of `farrell2022` shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Autocorrelation {
    /// Samples, spread evenly over the clusters.
    pub samples: usize,
    /// The timesteps to look at.
    pub timesteps: Timesteps,
    /// Run the trials on, with zero input, to this timestep.
    pub extend_to: Option<Timestep>,
}

impl Default for Autocorrelation {
    fn default() -> Self {
        Self { samples: 1000, timesteps: Timesteps::All, extend_to: None }
    }
}

impl Autocorrelation {
    pub(crate) const NAME: &'static str = "autocorrelation";
}

/// The timestep whose states all others are held against.
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
            let responses = Responses::run(network, &samples, &needed)?;
            for &timestep in &timesteps {
                let found = match timestep {
                    Timestep::INPUT => Vec::new(),
                    _ => cosines(responses.at(timestep)?, responses.at(FIRST)?),
                };
                rows.push_at(*checkpoint, timestep);
                means.push(mean(&found));
                deviations.push(variance(&found).map(f64::sqrt));
                counts.push(found.len() as i64);
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

/// The cosine between each pair of rows in which neither is zero, nor rounding alone.
fn cosines(states: ArrayView2<f32>, first: ArrayView2<f32>) -> Vec<f64> {
    states.outer_iter().zip(first.outer_iter()).filter_map(|(state, first)| cosine(state, first)).collect()
}

fn cosine(a: ArrayView1<f32>, b: ArrayView1<f32>) -> Option<f64> {
    let pairs: Vec<(f64, f64)> = contiguous(&a)
        .iter()
        .zip(contiguous(&b).iter())
        .map(|(a, b)| (f64::from(*a), f64::from(*b)))
        .collect();
    // Squares of f32 neither over- nor underflow in f64.
    let (a, b) = (sum_of(&pairs, |(a, _)| a * a).sqrt(), sum_of(&pairs, |(_, b)| b * b).sqrt());
    let nothing = Rounding::of::<f32>(0.0, 1.0).length(pairs.len());
    // Rounding alone can leave the range.
    (a.min(b) > nothing).then(|| (sum_of(&pairs, |(a, b)| a * b) / (a * b)).clamp(-1.0, 1.0))
}
