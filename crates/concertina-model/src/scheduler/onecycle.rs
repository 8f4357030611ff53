//! `onecycle`: PyTorch's OneCycleLR with cosine annealing.

use std::f64::consts::PI;

/// From `maximum / division` up to `maximum` in the first share of `total_epochs`, then down to `maximum /
/// division / final_division`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Onecycle {
    /// The rate at the peak.
    pub maximum: f64,
    /// The length of the cycle in epochs. Afterwards the rate stays at its final value.
    pub total_epochs: u64,
    /// The share of the cycle spent going up.
    pub share_up: f64,
    /// `maximum` over the rate at the start.
    pub division: f64,
    /// The rate at the start over the rate at the end.
    pub final_division: f64,
}

impl Onecycle {
    /// A cycle with PyTorch's default divisions, 25 and 1e4. (The published code passes its factor 0.5 as the
    /// first, and so starts at twice the maximum.)
    pub fn new(maximum: f64, total_epochs: u64, share_up: f64) -> Self {
        Onecycle { maximum, total_epochs, share_up: share_up.min(1.0), division: 25.0, final_division: 1e4 }
    }

    pub(super) fn rate_after(&self, epochs: u64) -> f64 {
        let last = self.total_epochs.saturating_sub(1) as f64;
        let at = (epochs as f64).min(last);
        let peak = self.share_up * self.total_epochs as f64 - 1.0;
        let first = self.maximum / self.division;
        let (from, to, share) = if at <= peak && peak > 0.0 {
            (first, self.maximum, at / peak)
        } else if last > peak {
            (self.maximum, first / self.final_division, (at - peak) / (last - peak))
        } else {
            (self.maximum, first / self.final_division, 0.0)
        };
        to + (from - to) / 2.0 * (1.0 + libm::cos(PI * share))
    }
}
