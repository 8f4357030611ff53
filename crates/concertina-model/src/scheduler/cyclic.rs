//! `cyclic` and `cyclic_halving`: PyTorch's CyclicLR, modes triangular and triangular2.

/// Triangles between `base` and `maximum`: `epochs_up` epochs up, and as many down. With `halving`, each is
/// half as high as the one before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cyclic {
    /// The rate at the foot of each triangle.
    pub base: f64,
    /// The rate at the first peak.
    pub maximum: f64,
    /// Epochs from foot to peak, at least 1.
    pub epochs_up: u64,
    /// Whether each triangle is half as high as the one before.
    pub halving: bool,
}

impl Cyclic {
    pub(super) fn rate_after(&self, epochs: u64) -> f64 {
        let up = self.epochs_up.max(1);
        let (cycle, within) = (epochs / (2 * up), epochs % (2 * up));
        let height = within.min(2 * up - within) as f64 / up as f64;
        let scale = if self.halving { libm::pow(0.5, cycle as f64) } else { 1.0 };
        self.base + (self.maximum - self.base) * height * scale
    }
}
