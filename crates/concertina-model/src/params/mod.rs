//! Parameters: everything that identifies a run.
//!
//! [`Params`] is open: plain fields to fill in, from Rust, TOML, JSON or a command line. [`Params::check`]
//! turns it into [`ValidParams`], which are known to be right, so that no later code has to check them again.
//! One table, [`PARAMETERS`], defines names, ranges, messages, files and keys.
//!
//! ```
//! use concertina_model::params::Params;
//! let mut ours = Params::default();
//! ours.task.input_dim = 2;
//! ours.network.gain = Some(250.0);
//! let mut published = Params::default();
//! published.set("X_dim", "2")?;
//! published.set("g_radius", "2.5e2")?;
//! assert_eq!(ours.check()?.canonical(), published.check()?.canonical());
//! # Ok::<(), concertina_model::Error>(())
//! ```

mod arithmetic;
mod content_name;
mod elsewhere;
mod field;
mod imported;
mod kinds;
mod names;
mod notes;
mod parameter;
mod read;
mod registry;
mod rules;
mod saves;
mod sweep;
#[cfg(test)]
mod tests;
mod trial_source;
mod valid;
mod value;
mod write;

pub use content_name::TrialsName;
pub use elsewhere::PassedOver;
pub use imported::ImportedWeights;
pub(crate) use kinds::PART;
pub use kinds::{
    Arithmetic, ChoiceNames, GradientMethod, GradientNoiseTarget, InitialState, InitialWeights, InputWeights,
    LossKind, NetworkKind, Nonlinearity, OptimizerKind, SchedulerKind, TaskKind,
};
pub use names::parameter;
pub use notes::Note;
pub(crate) use parameter::grouped;
pub use parameter::{Condition, Interval, Kind, Parameter};
pub use registry::PARAMETERS;
pub use saves::{SaveRate, SavesPerEpoch};
pub use sweep::{MOST_RUNS, Sweep, ValidSweep, seeds, varied};
pub use trial_source::TrialSource;
pub use valid::ValidParams;
pub use value::Value;
pub use write::parameters_markdown;

use serde::{Deserialize, Serialize};

/// Every parameter of a run. The default is the paper's: input dimension 200, edge of chaos, 12 epochs.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// The realisation: keys every stream of random numbers.
    pub seed: u64,
    /// The task.
    pub task: TaskParams,
    /// The network and its initial weights.
    pub network: NetworkParams,
    /// Training.
    pub train: TrainParams,
}

/// The task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TaskParams {
    /// Which task.
    pub kind: TaskKind,
    /// Dimension of the input space.
    pub input_dim: usize,
    /// Number of Gaussian clusters.
    pub clusters: usize,
    /// Number of class labels.
    pub classes: usize,
    /// Standard deviation of a cluster, per coordinate.
    pub cluster_std: f64,
    /// Timesteps from stimulus onset to the end of evaluation in `clusters`; timesteps without input after
    /// the stimulus in `integration` and `context`, and between sample and test in `match`.
    pub delay: usize,
    /// Timesteps for which the input is shown.
    pub hold: usize,
    /// Timesteps over which the loss is evaluated, the last ones of the trial.
    pub evaluate: usize,
    /// Input lines of `flip_flop`, each with an output.
    pub bits: usize,
    /// Probability of a pulse at a timestep, in `flip_flop`.
    pub pulse: f64,
    /// Timesteps of a trial of `flip_flop` or `sine`.
    pub timesteps: usize,
    /// The mean of the evidence in the conditions of `integration` and `context`: at least one, none is 0.
    pub coherences: Vec<f64>,
    /// Standard deviation of the evidence at a timestep.
    pub noise: f64,
    /// Timesteps with evidence.
    pub stimulus: usize,
    /// Timesteps after the delay at which the choice is compared with its target.
    pub response: usize,
    /// Items of `match`.
    pub stimuli: usize,
    /// Timesteps for which `match` shows its first item.
    pub sample: usize,
    /// Timesteps for which `match` shows its second item.
    pub test: usize,
    /// Frequencies of `sine`.
    pub frequencies: usize,
    /// The trials of `trials`. Always [`TrialSource::Arrays`] in [`ValidParams`] of that kind.
    pub file: Option<TrialSource>,
    /// The same samples every epoch, or fresh ones (online learning).
    pub frozen: bool,
    /// Training samples per epoch.
    pub train_samples: usize,
    /// Validation samples per epoch. `None`: 100 for 800 training samples (the paper's), 15% of
    /// `train_samples` otherwise. Always `Some` in [`ValidParams`]; read it there with
    /// [`ValidParams::val_samples`], which also covers trials from a file.
    pub val_samples: Option<usize>,
}

impl Default for TaskParams {
    fn default() -> Self {
        Self {
            kind: TaskKind::Clusters,
            input_dim: 200,
            clusters: 60,
            classes: 2,
            cluster_std: 0.02,
            delay: 10,
            hold: 1,
            evaluate: 1,
            bits: 3,
            pulse: 0.1,
            timesteps: 100,
            coherences: vec![-0.512, -0.256, -0.128, -0.064, -0.032, 0.032, 0.064, 0.128, 0.256, 0.512],
            noise: 1.0,
            stimulus: 20,
            response: 5,
            stimuli: 4,
            sample: 5,
            test: 5,
            frequencies: 51,
            file: None,
            frozen: false,
            train_samples: 800,
            val_samples: None,
        }
    }
}

/// The network and its initial weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkParams {
    /// The equations of the network.
    pub kind: NetworkKind,
    /// Units of the network (of each layer of a feedforward one).
    pub units: usize,
    /// The units' transfer function.
    pub nonlinearity: Nonlinearity,
    /// Spectral radius of the random part of the recurrent weights, exact. `None`: the default of the kind of
    /// network. Always `Some` in [`ValidParams`]; read it there with [`ValidParams::gain`].
    pub gain: Option<f64>,
    /// Step of the discretisation, in time constants.
    pub dt: f64,
    /// Whether a leaky network has its leak; `false` gives the published code's update, which lacks it.
    pub leak: bool,
    /// Initial input weights.
    pub input_weights: InputWeights,
    /// The rule of the initial weights.
    pub init: InitialWeights,
    /// Spectral radius of each gate's block of the recurrent weights of a gated network, exact.
    pub gate_gain: f64,
    /// Bias before training of the gate that keeps the state: the update gate of `gru`, the forget gate of
    /// `lstm`. `None`: the default of
    /// the kind of network. Always `Some` in [`ValidParams`]; read it there with [`ValidParams::gate_bias`].
    pub gate_bias: Option<f64>,
    /// Factor of the input weights.
    pub input_scale: f64,
    /// Factor of the readout weights.
    pub readout_scale: f64,
    /// Leaky only: the random share of the recurrent weights, the rest is orthogonal; 1 is all random.
    pub random_fraction: f64,
    /// Rank of the trained part of the recurrent weights (of each gate's block); `None`: not restricted.
    pub rank: Option<usize>,
    /// With a rank: whether the random recurrent weights stay as a part that is not trained.
    pub random_part: bool,
    /// Dale's law: the share of excitatory units; `None`: a unit has connections of both signs.
    pub excitatory: Option<f64>,
    /// Under Dale's law: whether only excitatory units are read out.
    pub excitatory_readout: bool,
    /// Probability that a recurrent connection exists.
    pub density: f64,
    /// Train the recurrent weights; without, the network is a reservoir, and only its readout is trained.
    pub train_recurrent: bool,
    /// Train the biases (otherwise they stay zero).
    pub biases: bool,
    /// Train the input weights.
    pub train_input: bool,
    /// Train the readout weights and their bias.
    pub train_readout: bool,
    /// Probability that a unit is dropped, in training only.
    pub dropout: f64,
    /// Standard deviation of the noise added to every unit at every timestep, in training only.
    pub unit_noise: f64,
    /// The state before the first timestep.
    pub initial_state: InitialState,
    /// Standard deviation of the noise on the state before the first timestep, drawn for each trial.
    pub initial_noise: f64,
    /// Imported weights; `None`: drawn from the seed.
    pub weights: Option<ImportedWeights>,
}

impl Default for NetworkParams {
    fn default() -> Self {
        Self {
            kind: NetworkKind::Vanilla,
            units: 200,
            nonlinearity: Nonlinearity::Tanh,
            gain: None,
            dt: 0.01,
            leak: true,
            input_weights: InputWeights::Orthogonal,
            init: InitialWeights::Standard,
            gate_gain: 1.0,
            gate_bias: None,
            input_scale: 1.0,
            readout_scale: 1.0,
            random_fraction: 1.0,
            rank: None,
            random_part: false,
            excitatory: None,
            excitatory_readout: false,
            density: 1.0,
            train_recurrent: true,
            biases: true,
            train_input: false,
            train_readout: true,
            dropout: 0.0,
            unit_noise: 0.0,
            initial_state: InitialState::Zero,
            initial_noise: 0.0,
            weights: None,
        }
    }
}

/// Training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainParams {
    /// Epochs to train. Not part of the key: a longer run extends a shorter one.
    pub epochs: u64,
    /// Samples in a batch; the last batch of an epoch may be smaller.
    pub batch: usize,
    /// The loss.
    pub loss: LossKind,
    /// The optimizer.
    pub optimizer: OptimizerKind,
    /// Share of rmsprop in `sgd_rmsprop`; the rest is plain gradient descent.
    pub mix: f64,
    /// Learning rate at the start.
    pub learning_rate: f64,
    /// Momentum of sgd and rmsprop.
    pub momentum: f64,
    /// Coupled weight decay.
    pub weight_decay: f64,
    /// Standard deviation of the noise on the gradient.
    pub gradient_noise: f64,
    /// The weights whose gradient is noisy.
    pub gradient_noise_on: GradientNoiseTarget,
    /// Rescale the noise to the norm of the gradient.
    pub gradient_noise_scaled: bool,
    /// How gradients are computed. In [`ValidParams`] it is the method that is used, never `Automatic`.
    pub gradients: GradientMethod,
    /// The processor whose arithmetic the run has.
    pub arithmetic: Arithmetic,
    /// How the learning rate changes from epoch to epoch.
    pub scheduler: SchedulerKind,
    /// Epochs: patience of `plateau`, step size of `step`, half a cycle of `cyclic` and `cyclic_halving`, the
    /// rise of `onecycle` (its pct_start is `scheduler_patience / cycle_epochs`).
    pub scheduler_patience: u64,
    /// Factor of `plateau`, gamma of `step` and `multistep`, lowest over highest rate of `cyclic` and
    /// `cyclic_halving`.
    pub scheduler_factor: f64,
    /// Epochs after which `multistep` lowers the rate.
    pub milestones: Vec<u64>,
    /// Epochs of the `onecycle` schedule. `None`: `epochs`. Set in [`ValidParams`] if the scheduler is
    /// `onecycle`.
    pub cycle_epochs: Option<u64>,
    /// Stop after this many epochs without a better validation loss. Not part of the key.
    pub stop_after: Option<u64>,
    /// Which checkpoints are kept. Not part of the key.
    pub saves_per_epoch: SavesPerEpoch,
}

impl Default for TrainParams {
    fn default() -> Self {
        Self {
            epochs: 12,
            batch: 10,
            loss: LossKind::CrossEntropy,
            optimizer: OptimizerKind::Rmsprop,
            mix: 0.5,
            learning_rate: 1e-3,
            momentum: 0.0,
            weight_decay: 0.0,
            gradient_noise: 0.0,
            gradient_noise_on: GradientNoiseTarget::Recurrent,
            gradient_noise_scaled: false,
            gradients: GradientMethod::Automatic,
            arithmetic: Arithmetic::Cpu,
            scheduler: SchedulerKind::Plateau,
            scheduler_patience: 5,
            scheduler_factor: 0.5,
            milestones: Vec::new(),
            cycle_epochs: None,
            stop_after: None,
            saves_per_epoch: SavesPerEpoch::default(),
        }
    }
}
