//! `sgd_rmsprop`: a mixture of an rmsprop step and a plain gradient step.

use super::{Buffers, Real, Rmsprop, StepContext};

/// The rmsprop step times `mix`, plus the plain gradient step (without decay or momentum) times `1 - mix`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdRmsprop {
    /// The share of rmsprop, in [0, 1].
    pub mix: f64,
    /// The rmsprop part.
    pub rmsprop: Rmsprop,
}

impl SgdRmsprop {
    #[inline(always)]
    pub(super) fn step<T: Real>(
        &self,
        weights: &mut [T],
        gradient: &[T],
        buffers: Buffers<&mut [T]>,
        context: StepContext,
    ) {
        let (rate, plain_rate) = (context.learning_rate * self.mix, context.learning_rate * (1.0 - self.mix));
        self.rmsprop.step_mixed(weights, gradient, buffers, rate, plain_rate);
    }
}
