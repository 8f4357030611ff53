//! `multistep`: PyTorch's MultiStepLR.

/// `η₀ factor^(milestones reached)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Multistep {
    /// η₀, the rate at the start.
    pub learning_rate: f64,
    /// The factor by which each milestone multiplies the rate.
    pub factor: f64,
    /// The milestones: epochs.
    pub milestones: Vec<u64>,
}

impl Multistep {
    pub(super) fn rate_after(&self, epochs: u64) -> f64 {
        let reached = self.milestones.iter().filter(|milestone| **milestone <= epochs).count();
        self.learning_rate * libm::pow(self.factor, reached as f64)
    }
}
