//! Checkpoints: how far a run has been trained, and how far of it is kept.

use std::fmt;

/// A number of completed epochs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Epoch(pub u64);

/// A number of completed updates, counted from the start of training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Update(pub u64);

/// A moment of training: completed epochs and completed updates in total.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Checkpoint {
    /// Completed epochs.
    pub epoch: Epoch,
    /// Completed updates since the start of training.
    pub update: Update,
}

impl Checkpoint {
    /// The network before training.
    pub const START: Self = Self { epoch: Epoch(0), update: Update(0) };

    /// The checkpoint after `epoch` completed epochs and `update` completed updates in total.
    pub const fn new(epoch: u64, update: u64) -> Self {
        Self { epoch: Epoch(epoch), update: Update(update) }
    }
}

impl Ord for Checkpoint {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.update, self.epoch).cmp(&(other.update, other.epoch))
    }
}

impl PartialOrd for Checkpoint {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.epoch.0, self.update.0)
    }
}
