//! Parameters that have been checked.

use std::ops::Deref;

use serde::{Serialize, Serializer};

use super::registry::PARAMETERS;
use super::rules;
use super::{LossKind, Nonlinearity, Params, SaveRate, SavesPerEpoch, SchedulerKind, TaskParams};
use crate::Result;
use crate::checkpoint::CheckpointSchedule;

/// Parameters that have been checked, and resolved: what was left open is filled in, and what has no effect is back at
/// its default, so that the same computation has one key.
///
/// Reads like [`Params`], and cannot be changed; to change it, take [`ValidParams::into_params`] and check again.
#[derive(Debug, Clone, PartialEq)]
pub struct ValidParams {
    params: Params,
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
    /// Validation samples an epoch if none are given: the paper's 100 for its 800 training samples, otherwise 15% of
    /// the training samples, rounded, at least one.
    pub(super) fn default_val_samples(&self) -> usize {
        if self.train_samples == 800 {
            return 100;
        }
        let share = (self.train_samples as f64 * 0.15).round() as usize;
        share.max(1)
    }
}

impl Params {
    /// Checks every parameter and the rules between them, fills in what was left open (`task.val_samples`, `train.gradients`, and
    /// `train.cycle_epochs` of a `onecycle` schedule), and puts parameters without effect back to their defaults.
    ///
    /// Whether the clusters can be placed is found by the task.
    ///
    /// # Errors
    /// [`crate::Error::Parameter`] names the first parameter that cannot be so, what it may be, and what to do.
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
        if params.train.scheduler == SchedulerKind::Onecycle && params.train.epochs > 0 {
            params.train.cycle_epochs.get_or_insert(params.train.epochs);
        }
        rules::check(&params)?;
        params.resolve_gradients();
        Ok(ValidParams { params })
    }
}

impl Params {
    /// Whether outputs are linear in the stimulus, and for all samples in the same way.
    pub(super) fn is_linear(&self) -> bool {
        self.network.nonlinearity == Nonlinearity::Linear && self.network.dropout == 0.0
    }

    /// Outputs of the readout: one for `mse_scalar`, otherwise one a class.
    fn outputs(&self) -> usize {
        if self.train.loss == LossKind::MseScalar { 1 } else { self.task.classes }
    }

    fn resolve_gradients(&mut self) {
        let condensed = self.task.evaluate * self.outputs();
        self.train.gradients = self.train.gradients.resolve(self.is_linear(), condensed, self.train.batch);
    }
}

impl ValidParams {
    /// The parameters, open again.
    pub fn into_params(self) -> Params {
        self.params
    }

    /// The same run, trained for another number of epochs. The key stays: a `onecycle` schedule keeps its length. A list
    /// of saves is cut, or goes on with its last entry.
    ///
    /// # Errors
    /// [`crate::Error::Parameter`] if there are too many epochs: 1,000,000 where saves are a list.
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

    /// Timesteps in a trial: `delay + hold - 1`.
    pub fn trial_steps(&self) -> usize {
        self.task.trial_steps()
    }

    /// Outputs of the readout: one for `mse_scalar`, otherwise one a class.
    pub fn outputs(&self) -> usize {
        self.params.outputs()
    }

    /// Validation samples an epoch.
    pub fn val_samples(&self) -> usize {
        self.task.val_samples.expect("check() fills it in")
    }

    /// Updates in an epoch: a batch each, the last one smaller if the batch does not divide the samples.
    pub fn updates_per_epoch(&self) -> u64 {
        self.task.train_samples.div_ceil(self.train.batch) as u64
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
