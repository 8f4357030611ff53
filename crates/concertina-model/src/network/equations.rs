//! The equations of a network: everything that they need besides its weights.

use std::ops::Range;

use super::cell::{self, Dynamics};
use crate::params::{LossKind, NetworkKind, Nonlinearity, ValidParams};

/// The equations of a network and of its trial (`docs/reference/model.md#networks`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Equations {
    /// The kind of network.
    pub kind: NetworkKind,
    /// φ.
    pub nonlinearity: Nonlinearity,
    /// The step of the discretisation, which is used in the update of leaky and rate networks.
    pub dt: f64,
    /// Whether the leaky network has its leak.
    pub leak: bool,
    /// Timesteps of a trial, or layers.
    pub steps: usize,
    /// Number of timesteps, at the beginning, for which the stimulus is shown.
    pub hold: usize,
    /// Number of timesteps, at the end, at which the loss is evaluated.
    pub evaluate: usize,
    /// The loss.
    pub loss: LossKind,
}

impl Equations {
    /// The equations that the parameters describe.
    pub fn new(params: &ValidParams) -> Self {
        Equations {
            kind: params.network.kind,
            nonlinearity: params.network.nonlinearity,
            dt: params.network.dt,
            leak: params.network.leak,
            steps: params.trial_steps(),
            hold: params.task.hold,
            evaluate: params.evaluated_steps(),
            loss: params.train.loss,
        }
    }

    /// Whether the states are linear in the inputs.
    pub fn is_linear(&self) -> bool {
        self.nonlinearity == Nonlinearity::Linear && cell::of(self).affine().is_some()
    }

    /// A timestep of the network in f64, entry by entry.
    pub fn dynamics(&self) -> Box<dyn Dynamics> {
        cell::of(self)
    }

    /// Number of recurrent matrices.
    pub(crate) fn matrices(&self) -> usize {
        if self.kind == NetworkKind::Feedforward { self.steps - 1 } else { 1 }
    }

    /// The index of the recurrent matrix that leads into a step (counted from 0; the first step has none).
    pub fn recurrent_index(&self, step: usize) -> usize {
        if self.kind == NetworkKind::Feedforward { step - 1 } else { 0 }
    }

    /// The index of the bias of a step.
    pub fn bias_index(&self, step: usize) -> usize {
        if self.kind == NetworkKind::Feedforward { step } else { 0 }
    }

    /// The steps into which a recurrent matrix leads.
    pub(crate) fn steps_into(&self, recurrent: usize) -> Range<usize> {
        if self.kind == NetworkKind::Feedforward { recurrent + 1..recurrent + 2 } else { 1..self.steps }
    }

    /// The steps that use a bias.
    pub(crate) fn steps_of(&self, bias: usize) -> Range<usize> {
        if self.kind == NetworkKind::Feedforward { bias..bias + 1 } else { 0..self.steps }
    }

    /// The share of a state that stays from one timestep to the next in the leaky network.
    pub fn kept(&self) -> f64 {
        if self.leak { 1.0 - self.dt } else { 1.0 }
    }

    /// The index of a step among those at which the loss is evaluated.
    pub(crate) fn evaluated_index(&self, step: usize) -> usize {
        step + self.evaluate - self.steps
    }

    /// Whether the loss is evaluated at a step.
    pub(crate) fn is_evaluated(&self, step: usize) -> bool {
        step < self.steps && step + self.evaluate >= self.steps
    }
}
