//! The identity of a checkpoint within a run.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Error, Result};

/// The identity of a checkpoint within a run: the completed epochs and the completed updates in total.
///
/// Checkpoints are ordered by update, and written as `<epoch>_<update>`, such as `12_960`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CheckpointId {
    /// Completed epochs.
    pub epoch: u64,
    /// Completed updates since the start of training.
    pub update: u64,
}

impl Ord for CheckpointId {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.update, self.epoch).cmp(&(other.update, other.epoch))
    }
}

impl PartialOrd for CheckpointId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for CheckpointId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}_{}", self.epoch, self.update)
    }
}

impl FromStr for CheckpointId {
    type Err = Error;

    /// Reads what `Display` writes, and nothing else: a checkpoint has only one spelling.
    fn from_str(text: &str) -> Result<Self> {
        let parse = || {
            let (epoch, update) = text.split_once('_')?;
            let id = Self { epoch: epoch.parse().ok()?, update: update.parse().ok()? };
            (id.to_string() == text).then_some(id)
        };
        parse().ok_or_else(|| Error::Checkpoint { found: text.chars().take(80).collect() })
    }
}

impl Serialize for CheckpointId {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CheckpointId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}
