//! Checkpoints: how far a run has been trained, and how much of it is kept.

use std::fmt;
use std::str::FromStr;

use crate::params::{SaveRate, SavesPerEpoch};
use crate::{Error, Result};

/// A number of completed epochs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Epoch(pub u64);

/// A number of completed updates, counted from the start of training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Update(pub u64);

/// A moment of training. Ordered by update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Checkpoint {
    /// Completed epochs.
    pub epoch: Epoch,
    /// Completed updates since the start of training.
    pub update: Update,
}

impl Checkpoint {
    /// The network before training.
    pub const START: Self = Self::new(0, 0);

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

/// `<epoch>_<update>`, as in file names: `12_960`.
impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.epoch.0, self.update.0)
    }
}

impl FromStr for Checkpoint {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let number = |digits: &str| digits.parse().ok().filter(|number: &u64| number.to_string() == digits);
        text.split_once('_')
            .and_then(|(epoch, update)| Some(Self::new(number(epoch)?, number(update)?)))
            .ok_or_else(|| Error::NotACheckpoint { text: text.to_owned() })
    }
}

/// Which checkpoints of a run are kept.
///
/// The start and the end are always kept. A rate of `k` means `k` checkpoints per epoch, evenly spaced in
/// updates, the last at the end of the epoch; if the epoch has fewer than `k` updates, every update is kept.
/// A rate of `1/k` means the end of every k-th epoch. A list gives a rate for each epoch. The schedule only
/// decides what is kept, and changes nothing in the training.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointSchedule {
    saves: SavesPerEpoch,
    epochs: u64,
    updates_per_epoch: u64,
}

impl CheckpointSchedule {
    /// The schedule of a run with this many epochs, and this many updates per epoch (at least one).
    pub fn new(saves: SavesPerEpoch, epochs: u64, updates_per_epoch: u64) -> Self {
        debug_assert!(updates_per_epoch > 0, "an epoch has at least one update");
        Self { saves, epochs, updates_per_epoch }
    }

    /// The checkpoint at the end of training.
    pub fn end(&self) -> Checkpoint {
        self.end_of(self.epochs)
    }

    /// Every checkpoint that is kept, in order, from the start to the end.
    pub fn iter(&self) -> impl Iterator<Item = Checkpoint> + '_ {
        let trained = (1..=self.epochs).flat_map(|epoch| self.within(epoch));
        std::iter::once(Checkpoint::START).chain(trained)
    }

    /// The checkpoints that are kept in the `epoch`-th epoch (from 1), in order. Its end is one of them if it
    /// is kept.
    pub fn within(&self, epoch: u64) -> impl Iterator<Item = Checkpoint> + '_ {
        let updates = self.updates_per_epoch;
        let before = self.end_of(epoch.saturating_sub(1));
        let times = match self.rate(epoch) {
            SaveRate::PerEpoch(times) => times.min(updates),
            SaveRate::EveryEpochs(every) => u64::from(epoch.is_multiple_of(every)),
        };
        let times = if epoch == self.epochs { times.max(1) } else { times };
        (1..=times).map(move |save| {
            let done = (u128::from(save) * u128::from(updates) / u128::from(times)) as u64; // at most `updates`
            if done == updates {
                self.end_of(epoch)
            } else {
                Checkpoint::new(before.epoch.0, before.update.0 + done)
            }
        })
    }

    /// Whether a checkpoint is kept.
    pub fn keeps(&self, checkpoint: Checkpoint) -> bool {
        if checkpoint == Checkpoint::START {
            return true;
        }
        let epoch = checkpoint.update.0.div_ceil(self.updates_per_epoch);
        epoch <= self.epochs && self.within(epoch).any(|kept| kept == checkpoint)
    }

    fn end_of(&self, epoch: u64) -> Checkpoint {
        Checkpoint::new(epoch, epoch * self.updates_per_epoch)
    }

    /// The rate of the `epoch`-th epoch, from 1.
    fn rate(&self, epoch: u64) -> SaveRate {
        match &self.saves {
            SavesPerEpoch::Same(rate) => *rate,
            SavesPerEpoch::Each(rates) => {
                let place = usize::try_from(epoch.saturating_sub(1)).ok();
                place.and_then(|place| rates.get(place)).copied().unwrap_or(SaveRate::PerEpoch(0))
            }
        }
    }
}
