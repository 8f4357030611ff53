//! `step`: PyTorch's StepLR.

/// `η₀ factor^⌊epochs / every⌋`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// η₀, the rate at the start.
    pub learning_rate: f64,
    /// The factor by which each step multiplies the rate.
    pub factor: f64,
    /// Epochs between steps, at least 1.
    pub every: u64,
}

impl Step {
    pub(super) fn rate_after(&self, epochs: u64) -> f64 {
        self.learning_rate * libm::pow(self.factor, (epochs / self.every.max(1)) as f64)
    }
}
