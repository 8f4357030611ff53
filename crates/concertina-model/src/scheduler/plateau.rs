//! `plateau`: PyTorch's ReduceLROnPlateau (mode min, absolute threshold, no cooldown, no minimum rate).

use serde::{Deserialize, Serialize};

/// An epoch counts as better if its loss is lower than the best by more than this. The value is that of the
/// published code.
const THRESHOLD: f64 = 1e-7;
/// A reduction smaller than this is not made. The value is PyTorch's default `eps`.
const SMALLEST_CHANGE: f64 = 1e-8;

/// The rate is multiplied by `factor` after more than `patience` epochs without a better validation loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plateau {
    /// The rate at the start.
    pub learning_rate: f64,
    /// The factor by which a reduction multiplies the rate.
    pub factor: f64,
    /// Epochs without improvement that are tolerated.
    pub patience: u64,
}

/// What the rule remembers from epoch to epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PlateauMemory {
    /// The best validation loss so far; none before the first epoch.
    pub best: Option<f64>,
    /// Epochs since the best loss.
    pub epochs_without_improvement: u64,
}

impl Plateau {
    pub(super) fn step(&self, memory: &mut PlateauMemory, learning_rate: f64, loss: f64) -> f64 {
        let better = memory.best.is_none_or(|best| loss < best - THRESHOLD);
        if better {
            *memory = PlateauMemory { best: Some(loss), epochs_without_improvement: 0 };
        } else {
            memory.epochs_without_improvement += 1;
        }
        if memory.epochs_without_improvement <= self.patience {
            return learning_rate;
        }
        memory.epochs_without_improvement = 0;
        let reduced = learning_rate * self.factor;
        if learning_rate - reduced > SMALLEST_CHANGE { reduced } else { learning_rate }
    }
}
