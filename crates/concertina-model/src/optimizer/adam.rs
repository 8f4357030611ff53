//! `adam`: Kingma and Ba (2015), algorithm 1, with coupled weight decay as in PyTorch.

use super::{Buffers, Real, StepContext};

/// `g ← g + λθ`, `m ← β₁ m + (1-β₁) g`, `s ← β₂ s + (1-β₂) g²`, `θ ← θ - η m̂ / (√ŝ + ε)` with the
/// bias-corrected moments.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    /// β₁.
    pub mean_memory: f64,
    /// β₂.
    pub square_memory: f64,
    /// ε.
    pub epsilon: f64,
    /// λ, coupled.
    pub weight_decay: f64,
}

impl Default for Adam {
    fn default() -> Self {
        Adam { mean_memory: 0.9, square_memory: 0.999, epsilon: 1e-8, weight_decay: 0.0 }
    }
}

impl Adam {
    #[inline(always)]
    pub(super) fn step<T: Real>(
        &self,
        weights: &mut [T],
        gradient: &[T],
        buffers: Buffers<&mut [T]>,
        context: StepContext,
    ) {
        let mean_correction = 1.0 - libm::pow(self.mean_memory, context.update as f64);
        let square_correction = 1.0 - libm::pow(self.square_memory, context.update as f64);
        let rate = T::of(context.learning_rate / mean_correction);
        let square_scale = T::of(square_correction.sqrt());
        let (mean_memory, mean_fresh) = (T::of(self.mean_memory), T::of(1.0 - self.mean_memory));
        let (square_memory, square_fresh) = (T::of(self.square_memory), T::of(1.0 - self.square_memory));
        let (epsilon, decay) = (T::of(self.epsilon), T::of(self.weight_decay));
        let Buffers { mean, square } = buffers;
        for (((weight, slope), mean), square) in weights.iter_mut().zip(gradient).zip(mean).zip(square) {
            let slope = *slope + decay * *weight;
            *mean = mean_memory * *mean + mean_fresh * slope;
            *square = square_memory * *square + square_fresh * (slope * slope);
            *weight = *weight - rate * *mean / (square.square_root() / square_scale + epsilon);
        }
    }
}
