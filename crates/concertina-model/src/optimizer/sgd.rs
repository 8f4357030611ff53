//! `sgd`: gradient descent with momentum and weight decay.

use super::{Real, StepContext};

/// `g ← g + λθ`, `v ← μ v + g`, `θ ← θ - η v`; `v` starts at zero, so the first step sets `v = g`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sgd {
    /// μ, in [0, 1).
    pub momentum: f64,
    /// λ, coupled.
    pub weight_decay: f64,
}

impl Sgd {
    #[inline(always)]
    pub(super) fn step<T: Real>(
        &self,
        weights: &mut [T],
        gradient: &[T],
        velocity: &mut [T],
        context: StepContext,
    ) {
        let (rate, momentum, decay) =
            (T::of(context.learning_rate), T::of(self.momentum), T::of(self.weight_decay));
        if velocity.is_empty() {
            for (weight, slope) in weights.iter_mut().zip(gradient) {
                *weight = *weight - rate * (*slope + decay * *weight);
            }
        } else {
            for ((weight, slope), velocity) in weights.iter_mut().zip(gradient).zip(velocity) {
                *velocity = momentum * *velocity + (*slope + decay * *weight);
                *weight = *weight - rate * *velocity;
            }
        }
    }
}
