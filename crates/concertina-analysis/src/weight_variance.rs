//! `weight_variance`: how much the weights still move.

use concertina_model::network::Network;
use concertina_model::params::{NetworkKind, ValidParams};
use concertina_numerics::linalg::product;
use concertina_numerics::statistics::{mean, variance};
use concertina_table::{Table, Values};
use ndarray::{Array2, ArrayView3};
use serde::{Deserialize, Serialize};

use crate::ranges::{at_least, refuse_gates};
use crate::responses::Observations;
use crate::{Analysis, Error, Result, Subject};

/// The variance of weights over a window of checkpoints: the mean over entries of their unbiased variance.
///
/// Late in training it measures how far gradient noise moves the weights, and early in training how fast they
/// learn. The window slides over the requested checkpoints, so the unit of time is the interval between them.
/// Request evenly spaced checkpoints.
///
/// # Returns
/// The column `weight_variance`, with one row per checkpoint: the variance over the `window` checkpoints that
/// end with it, in squared units of the weights. It is null for the first checkpoints, which do not complete
/// a window. If fewer than `window` checkpoints are requested, all values are null.
///
/// # Errors
/// [`Error::NotFinite`] if the variance of a product leaves the range of f64.
///
/// # Source
/// The definition. No figure of `farrell2022` shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WeightVariance {
    /// The weights whose variance is computed.
    pub of: VaryingWeights,
    /// Number of checkpoints in the window, including its last; at least 2. The default is arbitrary.
    pub window: usize,
}

/// The weights whose variance is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VaryingWeights {
    /// The readout weights `R`.
    #[default]
    Readout,
    /// `M^(T-1) R` in a trial of `T` timesteps: what the readout sees of the state after the first step if
    /// the network is linear. `M` maps a state to the next timestep: it is `W` in a vanilla network and
    /// `(1 - dt) I + dt W` in a leaky one (without leak `I + dt W`). In a feedforward network, the product of
    /// the layers takes the place of the power.
    Product,
}

impl Default for WeightVariance {
    fn default() -> Self {
        Self { of: VaryingWeights::Readout, window: 10 }
    }
}

impl WeightVariance {
    pub(crate) const NAME: &'static str = "weight_variance";

    /// (units, outputs).
    fn weights(&self, network: &Network) -> Result<Array2<f64>> {
        let readout = network.readout()?.mapv(f64::from);
        Ok(match self.of {
            VaryingWeights::Readout => readout,
            VaryingWeights::Product => {
                let step = |seen: Array2<f64>, step: usize| one_timestep_earlier(network, step, seen);
                (1..network.trial_steps()).rev().fold(readout, step)
            }
        })
    }
}

impl Analysis for WeightVariance {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn version(&self) -> u32 {
        1
    }

    fn references(&self) -> &'static [&'static str] {
        &["farrell2022"]
    }

    fn per_checkpoint(&self) -> bool {
        false
    }

    fn shows_samples(&self) -> bool {
        false
    }

    fn check(&self, params: &ValidParams) -> Result<()> {
        at_least(Self::NAME, "window", self.window, 2)?;
        match self.of {
            VaryingWeights::Product => refuse_gates(Self::NAME, params, "set `of` to `readout`"),
            VaryingWeights::Readout => Ok(()),
        }
    }

    fn run(&self, subject: &Subject) -> Result<Table> {
        self.check(subject.params)?;
        let mut rows = Observations::default();
        let mut weights: Vec<Vec<f64>> = Vec::with_capacity(subject.checkpoints.len());
        for (checkpoint, network) in subject.checkpoints {
            weights.push(self.weights(network)?.into_iter().collect());
            rows.push(*checkpoint);
        }
        let name = |place: usize| format!("checkpoint {}", subject.checkpoints[place].0);
        let variances = sliding_variances(&weights, self.window, name)?;
        rows.into_table(false, [("weight_variance".to_owned(), Values::from(variances))])
    }
}

/// The variance of weights over a sliding window of checkpoints: the mean over entries of their unbiased
/// variance.
///
/// The window is counted in checkpoints, so these should be evenly spaced.
///
/// # Undefined
/// `None` for a checkpoint that does not complete a window of `window` checkpoints, and for weights without
/// entries.
///
/// # Shapes
/// `weights`: (checkpoints, from, to), in the order of training.
///
/// # Returns
/// For each checkpoint, the variance over the `window` checkpoints that end with it, in squared units of the
/// weights.
///
/// # Errors
/// [`Error::Parameter`] for a window below 2; [`Error::NotFinite`] for weights that are NaN or infinite, or
/// whose variance leaves the range of f64.
///
/// # Source
/// The definition.
///
/// # Example
/// One weight that alternates, over windows of two:
/// ```
/// use concertina_analysis::weight_variance;
/// use ndarray::arr3;
///
/// let weights = arr3(&[[[1.0]], [[3.0]], [[1.0]]]);
/// assert_eq!(weight_variance(weights.view(), 2)?, [None, Some(2.0), Some(2.0)]);
/// # Ok::<(), concertina_analysis::Error>(())
/// ```
pub fn weight_variance(weights: ArrayView3<f64>, window: usize) -> Result<Vec<Option<f64>>> {
    at_least(WeightVariance::NAME, "window", window, 2)?;
    if let Some(((checkpoint, from, to), value)) =
        weights.indexed_iter().find(|(_, value)| !value.is_finite())
    {
        let place = format!("checkpoint {checkpoint}, from {from} to {to}");
        return Err(Error::NotFinite { what: "weights".to_owned(), place, value: *value });
    }
    let weights: Vec<Vec<f64>> =
        weights.outer_iter().map(|weights| weights.iter().copied().collect()).collect();
    sliding_variances(&weights, window, |place| format!("checkpoint {place}"))
}

/// See [`weight_variance`]. Errors refer to a checkpoint by the name that `name` returns.
fn sliding_variances(
    weights: &[Vec<f64>],
    window: usize,
    name: impl Fn(usize) -> String,
) -> Result<Vec<Option<f64>>> {
    let ending_with = |last: usize| {
        let first = (last + 1).checked_sub(window);
        let variance = first.and_then(|first| mean_variance(&weights[first..=last]));
        match variance.filter(|variance| !variance.is_finite()) {
            Some(value) => {
                let what = "variance of weights".to_owned();
                Err(Error::NotFinite { what, place: name(last), value })
            }
            None => Ok(variance),
        }
    };
    (0..weights.len()).map(ending_with).collect()
}

/// `M seen`: what weights on the state after `step` see of the state one timestep earlier. (units, outputs) →
/// (units, outputs).
fn one_timestep_earlier(network: &Network, step: usize, seen: Array2<f64>) -> Array2<f64> {
    let recurrent = &network.weights().recurrent;
    let matrix =
        if network.kind() == NetworkKind::Feedforward { &recurrent[step - 1] } else { &recurrent[0] };
    let through = product(matrix.mapv(f64::from).view(), seen.view());
    match network.dynamics().sends_rates() {
        true => seen * network.equations().kept() + through * network.dt(),
        false => through,
    }
}

/// The mean over entries of their variance over these sets of weights; `None` for fewer than two sets.
fn mean_variance(weights: &[Vec<f64>]) -> Option<f64> {
    let entries = weights.first()?.len();
    let of_entry =
        |entry: usize| variance(&weights.iter().map(|weights| weights[entry]).collect::<Vec<f64>>());
    mean(&(0..entries).map(of_entry).collect::<Option<Vec<f64>>>()?)
}
