//! `rmsprop`: steps divided by the root of a running mean of squares.

use super::{Buffers, Real, StepContext};

/// `g ← g + λθ`, `s ← α s + (1-α) g²`, `u = g / (√s + ε)`. Then `θ ← θ - η u`, or with momentum
/// `m ← μ m + u`, `θ ← θ - η m`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rmsprop {
    /// α, the memory of the running mean; 0.9 in the published code.
    pub memory: f64,
    /// ε, added to the root; 1e-8 as in PyTorch.
    pub epsilon: f64,
    /// μ, in [0, 1).
    pub momentum: f64,
    /// λ, coupled.
    pub weight_decay: f64,
}

impl Default for Rmsprop {
    fn default() -> Self {
        Rmsprop { memory: 0.9, epsilon: 1e-8, momentum: 0.0, weight_decay: 0.0 }
    }
}

impl Rmsprop {
    #[inline(always)]
    pub(super) fn step<T: Real>(
        &self,
        weights: &mut [T],
        gradient: &[T],
        buffers: Buffers<&mut [T]>,
        context: StepContext,
    ) {
        self.step_mixed(weights, gradient, buffers, context.learning_rate, 0.0);
    }

    /// The rmsprop step with `rate`, plus a plain gradient step (no decay) with `plain_rate`.
    #[inline(always)]
    pub(super) fn step_mixed<T: Real>(
        &self,
        weights: &mut [T],
        gradient: &[T],
        buffers: Buffers<&mut [T]>,
        rate: f64,
        plain_rate: f64,
    ) {
        let (rate, plain_rate) = (T::of(rate), T::of(plain_rate));
        let (memory, fresh) = (T::of(self.memory), T::of(1.0 - self.memory));
        let (epsilon, momentum, decay) =
            (T::of(self.epsilon), T::of(self.momentum), T::of(self.weight_decay));
        let Buffers { mean: velocity, square } = buffers;
        if velocity.is_empty() {
            for ((weight, plain), square) in weights.iter_mut().zip(gradient).zip(square) {
                let slope = *plain + decay * *weight;
                *square = memory * *square + fresh * (slope * slope);
                let direction = slope / (square.square_root() + epsilon);
                *weight = *weight - (rate * direction + plain_rate * *plain);
            }
        } else {
            for (((weight, plain), square), velocity) in
                weights.iter_mut().zip(gradient).zip(square).zip(velocity)
            {
                let slope = *plain + decay * *weight;
                *square = memory * *square + fresh * (slope * slope);
                *velocity = momentum * *velocity + slope / (square.square_root() + epsilon);
                *weight = *weight - (rate * *velocity + plain_rate * *plain);
            }
        }
    }
}
