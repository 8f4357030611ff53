//! What the kernels for GPUs compute.

use super::{Arithmetic, InitialState, NetworkKind, Nonlinearity, Params, ValidParams};
use crate::error::Result;

/// The largest number of units and the largest batch that the kernels for GPUs take. One work group trains a
/// network, and larger networks would keep a device busy with a single update for too long.
const MOST: usize = 1024;

impl Params {
    /// Why no GPU can train a run with these parameters; `None` if one can.
    ///
    /// The kernels for GPUs compute `vanilla`, `leaky`, `rate` and `gru` networks with `tanh`, `relu` or
    /// `linear` units, full recurrent weights and trials that start from zero, with up to 1024 units and
    /// batches of up to 1024 samples; every loss and optimizer; unit noise, dropout and gradient noise.
    pub fn unsuited_to_gpu(&self) -> Option<String> {
        let network = &self.network;
        let kind = network.kind;
        if matches!(kind, NetworkKind::Feedforward | NetworkKind::Lstm) {
            return Some(format!("`network.kind = {kind}`"));
        }
        if !kind.is_gated()
            && !matches!(network.nonlinearity, Nonlinearity::Tanh | Nonlinearity::Relu | Nonlinearity::Linear)
        {
            return Some(format!("`network.nonlinearity = {}`", network.nonlinearity));
        }
        if let Some(rank) = network.rank {
            return Some(format!("`network.rank = {rank}`"));
        }
        if let Some(share) = network.excitatory {
            return Some(format!("`network.excitatory = {share}`"));
        }
        if network.density < 1.0 {
            return Some(format!("`network.density = {}`", network.density));
        }
        if network.initial_state == InitialState::Trained {
            return Some("`network.initial_state = trained`".to_owned());
        }
        if network.initial_noise > 0.0 {
            return Some(format!("`network.initial_noise = {}`", network.initial_noise));
        }
        if network.units > MOST {
            return Some(format!("`network.units = {}`, more than {MOST}", network.units));
        }
        if self.train.batch > MOST {
            return Some(format!("`train.batch = {}`, more than {MOST}", self.train.batch));
        }
        network.weights.is_some().then(|| "`network.weights`, which are not trained".to_owned())
    }

    /// The same run with the arithmetic of a GPU, which has another key.
    ///
    /// # Errors
    /// [`crate::Error::Parameter`] if no GPU computes it.
    pub fn on_gpu(&self) -> Result<ValidParams> {
        let mut params = self.clone();
        params.train.arithmetic = Arithmetic::Gpu;
        params.check()
    }

    /// Refuses the arithmetic of a GPU where no GPU computes it.
    pub(super) fn check_arithmetic(&self) -> Result<()> {
        let unsuited = match self.train.arithmetic {
            Arithmetic::Cpu => None,
            Arithmetic::Gpu => self.unsuited_to_gpu(),
        };
        super::rules::unless(
            unsuited.is_none(),
            "train.arithmetic",
            format!("`cpu` with {}, which the kernels for GPUs do not compute", unsuited.unwrap_or_default()),
            self.train.arithmetic,
            "leave `train.arithmetic` out: the CPU then trains the run".to_owned(),
        )
    }
}
