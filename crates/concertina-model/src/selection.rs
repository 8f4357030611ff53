//! Selections of checkpoints, made before it is known how far a run was trained.

use std::collections::BTreeSet;
use std::num::NonZeroU64;
use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::params::ValidParams;
use crate::{Checkpoint, Epoch, Error, Result, Update};

/// Which checkpoints of a run: `ends`, `first`, `last`, `last:10`, `every:5`, `all` or epochs as in `0,5,12`;
/// in a recipe `"last"`, `{ last = 10 }` or a list of epochs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum CheckpointSelection {
    /// Before training and after it.
    #[default]
    Ends,
    /// Before training.
    First,
    /// After training.
    Last,
    /// Those of the run's schedule, `train.saves_per_epoch`.
    All,
    /// The last few of the run's schedule: this many, or fewer if the run has fewer.
    LastOf(usize),
    /// Every few epochs, and before and after training.
    Every(NonZeroU64),
    /// After each of these numbers of epochs.
    Epochs(Vec<u64>),
}

/// How far a run was trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// Its last completed epoch.
    pub epoch: u64,
    /// Its last completed update: at the end of that epoch, unless it diverged.
    pub update: Update,
    /// Whether it diverged after that update.
    pub diverged: bool,
}

impl End {
    /// The end of an epoch.
    pub fn after(params: &ValidParams, epoch: u64) -> Self {
        Self { epoch, update: after_epoch(params, epoch).update, diverged: false }
    }

    /// The last checkpoint of a run that ended here: the end of its last epoch, or, if it diverged, the last
    /// checkpoint of its schedule that it reached.
    pub fn last(self, params: &ValidParams) -> Checkpoint {
        let reached = |one: &Checkpoint| one.update <= self.update;
        if self.diverged {
            params.checkpoints().iter().take_while(reached).last().unwrap_or(Checkpoint::START)
        } else if params.network.weights.is_some() {
            Checkpoint { epoch: Epoch(self.epoch), update: self.update } // where it was imported
        } else {
            after_epoch(params, self.epoch)
        }
    }
}

impl CheckpointSelection {
    /// The selected checkpoints of a run that ended here, in order.
    pub fn resolve(&self, params: &ValidParams, end: End) -> BTreeSet<Checkpoint> {
        let reached = |one: &Checkpoint| one.update <= end.update;
        match self {
            Self::Ends => BTreeSet::from([Checkpoint::START, end.last(params)]),
            Self::First => BTreeSet::from([Checkpoint::START]),
            Self::Last => BTreeSet::from([end.last(params)]),
            // An imported network has no others.
            Self::All | Self::Every(_) if params.network.weights.is_some() => Self::Ends.resolve(params, end),
            Self::Epochs(epochs) if params.network.weights.is_some() => {
                let ends = Self::Ends.resolve(params, end).into_iter();
                ends.filter(|one| epochs.contains(&one.epoch.0)).collect()
            }
            Self::All => params.checkpoints().iter().take_while(reached).chain([end.last(params)]).collect(),
            Self::LastOf(count) => {
                let all = Self::All.resolve(params, end);
                let before = all.len().saturating_sub(*count);
                all.into_iter().skip(before).collect()
            }
            Self::Every(epochs) => {
                let whole = (0..=end.epoch).step_by(usize::try_from(epochs.get()).unwrap_or(usize::MAX));
                whole
                    .map(|epoch| after_epoch(params, epoch))
                    .filter(reached)
                    .chain([end.last(params)])
                    .collect()
            }
            Self::Epochs(epochs) => {
                epochs.iter().map(|&epoch| after_epoch(params, epoch)).filter(reached).collect()
            }
        }
    }

    /// The largest epoch that is selected by its number.
    pub fn largest_epoch(&self) -> Option<u64> {
        match self {
            Self::Epochs(epochs) => epochs.iter().copied().max(),
            _ => None,
        }
    }
}

/// The checkpoint after this many epochs.
pub fn after_epoch(params: &ValidParams, epoch: u64) -> Checkpoint {
    // The epoch is user input. One so large that the product overflows is past the end of every run.
    Checkpoint::new(epoch, epoch.saturating_mul(params.updates_per_epoch()))
}

impl<'de> Deserialize<'de> for CheckpointSelection {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct LastOf {
            last: std::num::NonZeroUsize,
        }
        struct SelectionVisitor;
        impl<'de> Visitor<'de> for SelectionVisitor {
            type Value = CheckpointSelection;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(
                    "`\"last\"`, `\"first\"`, `\"ends\"`, `\"all\"`, `{ last = 10 }` or a list of epochs",
                )
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<CheckpointSelection, E> {
                match text {
                    "last" => Ok(CheckpointSelection::Last),
                    "first" => Ok(CheckpointSelection::First),
                    "ends" => Ok(CheckpointSelection::Ends),
                    "all" => Ok(CheckpointSelection::All),
                    _ => Err(E::unknown_variant(text, &["last", "first", "ends", "all"])),
                }
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<CheckpointSelection, A::Error> {
                let LastOf { last } = LastOf::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(CheckpointSelection::LastOf(last.get()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<CheckpointSelection, A::Error> {
                let mut epochs = Vec::new();
                while let Some(epoch) = list.next_element()? {
                    epochs.push(epoch);
                }
                epochs.sort_unstable();
                epochs.dedup();
                if epochs.is_empty() {
                    return Err(de::Error::custom("expected at least one epoch, found none"));
                }
                Ok(CheckpointSelection::Epochs(epochs))
            }
        }
        deserializer.deserialize_any(SelectionVisitor)
    }
}

impl FromStr for CheckpointSelection {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || Error::Selection { text: text.to_owned() };
        if let Some(count) = text.trim().strip_prefix("last:") {
            let count: std::num::NonZeroUsize = count.trim().parse().map_err(|_| wrong())?;
            return Ok(Self::LastOf(count.get()));
        }
        if let Some(epochs) = text.trim().strip_prefix("every:") {
            return epochs.trim().parse().map(Self::Every).map_err(|_| wrong());
        }
        match text.trim() {
            "ends" => Ok(Self::Ends),
            "first" => Ok(Self::First),
            "last" => Ok(Self::Last),
            "all" => Ok(Self::All),
            epochs => {
                let epochs: Option<Vec<u64>> =
                    epochs.split(',').map(|epoch| epoch.trim().parse().ok()).collect();
                epochs.map(Self::Epochs).ok_or_else(wrong)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::params::Params;

    use super::*;

    #[test]
    fn an_epoch_too_large_to_count_updates_selects_nothing() {
        let params = Params::default().check().expect("valid");
        for epoch in [u64::MAX, u64::MAX / 80 + 1] {
            let selection: CheckpointSelection = epoch.to_string().parse().expect("a selection");
            assert!(selection.resolve(&params, End::after(&params, 12)).is_empty(), "{epoch}");
        }
    }

    #[test]
    fn the_last_few_are_the_last_of_the_schedule_that_the_run_reached() {
        let mut params = Params::default();
        params.train.epochs = 6;
        params.set("saves_per_epoch", "0.5").expect("a rate");
        let params = params.check().expect("valid");
        let epochs = |selection: &str, end: u64| -> Vec<u64> {
            let selection: CheckpointSelection = selection.parse().expect("a selection");
            selection.resolve(&params, End::after(&params, end)).iter().map(|one| one.epoch.0).collect()
        };
        assert_eq!(epochs("all", 6), [0, 2, 4, 6]);
        assert_eq!(epochs("last:2", 6), [4, 6]);
        assert_eq!(epochs("last:2", 5), [4, 5], "the end of the run is a checkpoint");
        assert_eq!(epochs("last:9", 6), [0, 2, 4, 6]);
        assert_eq!(epochs("every:3", 5), [0, 3, 5]);
        assert_eq!(epochs("every:9", 6), [0, 6]);
        for wrong in ["every:0", "every:x", "last:0", "last:", "last:x", "lasts"] {
            assert!(wrong.parse::<CheckpointSelection>().is_err(), "{wrong}");
        }
    }
}
