//! Parameters that have been checked.

use std::ops::Deref;

use serde::{Serialize, Serializer};

use super::registry::PARAMETERS;
use super::rules;
use super::{
    Arithmetic, GradientMethod, InitialState, LossKind, NetworkKind, NetworkParams, Nonlinearity, Params,
    SaveRate, SavesPerEpoch, SchedulerKind, TaskKind, TaskParams,
};
use crate::Result;
use crate::checkpoint::CheckpointSchedule;
use crate::task::{self, Target, TaskShape};

/// Parameters that have been checked and resolved: what was left open is filled in, and what has no effect is
/// reset to its default, so that the same computation always has the same key.
///
/// Its fields read like those of [`Params`], but cannot be changed. To change them, take
/// [`ValidParams::into_params`] and check again.
#[derive(Debug, Clone, PartialEq)]
pub struct ValidParams {
    params: Params,
    shape: TaskShape,
}

impl Deref for ValidParams {
    type Target = Params;

    fn deref(&self) -> &Params {
        &self.params
    }
}

impl Serialize for ValidParams {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.params.serialize(serializer)
    }
}

impl TaskParams {
    /// Validation samples per epoch if none are given: the paper's 100 for its 800 training samples,
    /// otherwise 15% of the training samples, rounded, at least one.
    pub(super) fn default_val_samples(&self) -> usize {
        if self.train_samples == 800 {
            return 100;
        }
        let share = (self.train_samples as f64 * 0.15).round() as usize;
        share.max(1)
    }
}

impl NetworkParams {
    /// The gain if none is given: the paper's 20. Rates start with the more common 1.5, at which a network
    /// of tanh units is chaotic (`sompolinsky1988`). It is also the default under Dale's law, where there is
    /// no identity part and 20 saturates the units.
    pub(super) fn default_gain(&self) -> f64 {
        match self.kind {
            _ if self.excitatory.is_some() => 1.5,
            NetworkKind::Rate => 1.5,
            _ => 20.0,
        }
    }

    /// Number of excitatory units under Dale's law.
    pub(super) fn excitatory_units(&self) -> Option<usize> {
        self.excitatory.map(|share| (share * self.units as f64).round() as usize)
    }

    /// The bias of the gate that keeps the state, if none is given: 1 for the forget gate of an LSTM, and 0
    /// for the update gate of a GRU.
    pub(super) fn default_gate_bias(&self) -> f64 {
        match self.kind {
            NetworkKind::Lstm => 1.0,
            _ => 0.0,
        }
    }
}

impl Params {
    /// Checks every parameter and the rules between them, fills in what was left open (`task.val_samples`,
    /// `network.gain`, `network.gate_bias`, `train.gradients`, and `train.cycle_epochs` of a `onecycle`
    /// schedule), resets parameters without effect to their defaults, and reads `task.file`.
    ///
    /// Whether the clusters can be placed is only checked when the task is made.
    ///
    /// # Errors
    /// [`crate::Error::Parameter`] names the first parameter that has a wrong value, what it may be, and what
    /// to do; [`crate::Error::TrialsFile`], [`crate::Error::Trials`] and [`crate::Error::TrialsNotFound`] are
    /// errors of `task.file`.
    pub fn check(self) -> Result<ValidParams> {
        let mut params = self;
        let defaults = Params::default();
        // First: a parameter without effect may have any value.
        for parameter in PARAMETERS {
            if !parameter.applies(&params) {
                parameter.set(&mut params, &parameter.value(&defaults))?;
            }
        }
        for parameter in PARAMETERS {
            let value = parameter.value(&params);
            parameter.set(&mut params, &value)?;
        }
        params.task.val_samples.get_or_insert(params.task.default_val_samples());
        params.network.gain.get_or_insert(params.network.default_gain());
        params.network.gate_bias.get_or_insert(params.network.default_gate_bias());
        if params.train.scheduler == SchedulerKind::Onecycle && params.train.epochs > 0 {
            params.train.cycle_epochs.get_or_insert(params.train.epochs);
        }
        params.task.read_trials()?;
        let shape = task::shape(&params);
        params.resolve_loss(&shape);
        rules::check(&params, &shape)?;
        params.check_arithmetic()?;
        params.resolve_gradients(&shape);
        Ok(ValidParams { params, shape })
    }
}

impl Params {
    /// Whether outputs are linear in a constant stimulus, in the same way for all samples.
    pub(super) fn is_linear(&self) -> bool {
        self.network.nonlinearity == Nonlinearity::Linear
            && !self.network.kind.is_gated()
            && self.network.rank.is_none()
            && self.network.dropout == 0.0
            && self.network.initial_state == InitialState::Zero
            && self.network.initial_noise == 0.0
            && self.task.kind == TaskKind::Clusters
    }

    /// Training samples in an epoch.
    pub(super) fn train_samples(&self) -> usize {
        self.task.arrays().map_or(self.task.train_samples, |arrays| arrays.training().len())
    }

    /// Outputs of the readout: one for `mse_scalar`, otherwise one per class or real target.
    fn outputs(&self, shape: &TaskShape) -> usize {
        match shape.target {
            Target::Classes(_) if self.train.loss == LossKind::MseScalar => 1,
            Target::Classes(outputs) | Target::Real(outputs) => outputs,
        }
    }

    /// Replaces the default loss, which is one for classes, with that for real targets if the task has those.
    fn resolve_loss(&mut self, shape: &TaskShape) {
        if matches!(shape.target, Target::Real(_)) && self.train.loss == LossKind::default() {
            self.train.loss = LossKind::Mse;
        }
    }

    fn resolve_gradients(&mut self, shape: &TaskShape) {
        if self.train.arithmetic == Arithmetic::Gpu {
            self.train.gradients = GradientMethod::Backpropagation;
            return;
        }
        let condensed = self.task.evaluate * self.outputs(shape);
        self.train.gradients = self.train.gradients.resolve(self.is_linear(), condensed, self.train.batch);
    }
}

impl ValidParams {
    /// The parameters, open again.
    pub fn into_params(self) -> Params {
        self.params
    }

    /// The same run, trained for another number of epochs. The key stays the same, because a `onecycle`
    /// schedule keeps its length. A list of saves is cut, or extended by repeating its last entry.
    ///
    /// # Errors
    /// [`crate::Error::Parameter`] if there are too many epochs: more than 1,000,000 if saves are a list.
    pub fn with_epochs(&self, epochs: u64) -> Result<Self> {
        let mut params = self.params.clone();
        let parameter = super::parameter("train.epochs")?;
        parameter.set(&mut params, &epochs.into())?;
        if let SavesPerEpoch::Each(rates) = &mut params.train.saves_per_epoch {
            rules::saves_fit_memory(epochs)?;
            let last = rates.last().copied().unwrap_or(SaveRate::PerEpoch(1));
            rates.resize(epochs as usize, last);
        }
        params.check()
    }

    /// The sizes of a trial.
    pub fn shape(&self) -> &TaskShape {
        &self.shape
    }

    /// Number of inputs at a timestep.
    pub fn inputs(&self) -> usize {
        self.shape.inputs
    }

    /// Timesteps in a trial: `delay + hold - 1` for the clusters.
    pub fn trial_steps(&self) -> usize {
        self.shape.timesteps
    }

    /// Timesteps at which the loss may be evaluated, the last ones of a trial. If a mask selects timesteps,
    /// these are all timesteps.
    pub fn evaluated_steps(&self) -> usize {
        if self.has_stimulus() { self.task.evaluate } else { self.shape.timesteps }
    }

    /// Whether a trial shows one stimulus, which is then its input at timestep -1; otherwise there is an
    /// input at every timestep.
    pub fn has_stimulus(&self) -> bool {
        self.task.kind == TaskKind::Clusters
    }

    /// Outputs of the readout: one for `mse_scalar`, otherwise one per class or real target.
    pub fn outputs(&self) -> usize {
        self.params.outputs(&self.shape)
    }

    /// Training samples in an epoch.
    pub fn train_samples(&self) -> usize {
        self.params.train_samples()
    }

    /// The spectral radius of the random part of the recurrent weights.
    pub fn gain(&self) -> f64 {
        self.network.gain.expect("check() fills it in")
    }

    /// Number of excitatory units under Dale's law, which come first: the share of the units, with halves
    /// rounded up.
    pub fn excitatory_units(&self) -> Option<usize> {
        self.network.excitatory_units()
    }

    /// The bias before training of the gate that keeps the state.
    pub fn gate_bias(&self) -> f64 {
        self.network.gate_bias.expect("check() fills it in")
    }

    /// Validation samples per epoch.
    pub fn val_samples(&self) -> usize {
        match self.task.arrays() {
            Some(arrays) => arrays.validation().len(),
            None => self.task.val_samples.expect("check() fills it in"),
        }
    }

    /// Updates in an epoch, one per batch. The last batch is smaller if the batch size does not divide the
    /// number of samples.
    pub fn updates_per_epoch(&self) -> u64 {
        self.train_samples().div_ceil(self.train.batch) as u64
    }

    /// Which checkpoints are kept.
    pub fn checkpoints(&self) -> CheckpointSchedule {
        CheckpointSchedule::new(
            self.train.saves_per_epoch.clone(),
            self.train.epochs,
            self.updates_per_epoch(),
        )
    }
}
