//! The outcome of runs, as plain data.

use std::fmt;

use concertina_model::Checkpoint;
use concertina_model::params::ValidParams;
use concertina_model::trainer::EpochRecord;
use concertina_store::RunKey;
use serde::{Deserialize, Serialize, Serializer};

use crate::error::Error;
use crate::hint::Hint;
use crate::selection::End;

/// A run as plain data: its parameters, how it ended and where it came from. A [`Run`](crate::Run) also gives
/// access to its checkpoints.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct RunRecord {
    /// Its key: the hash of the parameters that name it.
    #[serde(serialize_with = "as_text")]
    pub key: RunKey,
    /// Its parameters.
    pub params: ValidParams,
    /// How it ended.
    pub outcome: Outcome,
    /// Where it came from.
    pub source: Source,
    /// How far it was trained.
    #[serde(serialize_with = "as_counts")]
    pub(crate) end: End,
    /// What was recorded during training, one entry per epoch.
    pub history: Vec<EpochRecord>,
    /// What `rerun` found; `None` if it was not asked for, or the store had nothing to compare with.
    pub comparison: Option<Comparison>,
}

impl RunRecord {
    /// A run without results: it failed, or was not begun.
    pub(crate) fn unfinished(params: &ValidParams, key: RunKey, outcome: Outcome) -> Self {
        Self {
            key,
            params: params.clone(),
            outcome,
            source: Source::Nothing,
            end: End::after(params, 0),
            history: Vec::new(),
            comparison: None,
        }
    }

    /// Whether it was trained elsewhere.
    pub fn is_imported(&self) -> bool {
        self.params.network.weights.is_some()
    }

    /// The last checkpoint that was asked for: the end of training, unless the run diverged, failed or was
    /// interrupted.
    pub fn last_checkpoint(&self) -> Checkpoint {
        self.end.last(&self.params)
    }

    /// Whether it has checkpoints that can be analysed.
    pub(crate) fn is_there(&self) -> bool {
        matches!(self.outcome, Outcome::Complete | Outcome::Diverged(_))
    }

    /// Why it has none.
    pub(crate) fn failure(&self) -> Option<Error> {
        match &self.outcome {
            Outcome::Complete | Outcome::Diverged(_) => None,
            Outcome::Failed { message, hint } => {
                Some(Error::RunFailed { run: self.key.short(), message: message.clone(), hint: hint.clone() })
            }
            Outcome::Interrupted => Some(Error::Interrupted),
        }
    }

    /// The error of an analysis of it that failed.
    pub(crate) fn failed_analysis(&self, error: &Error) -> Error {
        Error::RunFailed { run: self.key.short(), message: error.to_string(), hint: error.hint() }
    }
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// It was trained to its end: the epochs asked for, or fewer if it stopped early.
    Complete,
    /// Its loss or a weight became NaN or infinite. Its checkpoints up to that point are kept.
    Diverged(Divergence),
    /// It could not be trained.
    Failed {
        /// Why.
        message: String,
        /// What to do about it.
        hint: Option<Hint>,
    },
    /// A stop was requested before its end.
    Interrupted,
}

impl Outcome {
    /// `complete`, `diverged`, `failed` or `interrupted`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Diverged(_) => "diverged",
            Self::Failed { .. } => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

/// Where and how a run diverged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Divergence {
    /// The epoch, counting from 1.
    pub epoch: u64,
    /// The update, counting from 1 over the whole of training.
    pub update: u64,
    /// The loss: `NaN` or `inf`, unless only a weight became one of these. As text, because JSON has no such
    /// numbers.
    pub loss: String,
    /// The largest absolute weight. As text, because it may be infinite.
    pub largest_weight: String,
    /// The learning rate in force.
    pub learning_rate: f64,
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { epoch, update, loss, largest_weight, .. } = self;
        write!(
            f,
            "diverged at epoch {epoch}, update {update}: loss is {loss}, largest weight {largest_weight}"
        )
    }
}

/// Where a run came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Source {
    /// Nowhere: it failed, or was not begun.
    Nothing,
    /// The store had everything that was asked for.
    Loaded,
    /// It was trained from its start.
    Trained,
    /// The store had fewer epochs of it, and training was continued.
    Extended,
    /// It had been interrupted, and training was continued.
    Resumed,
    /// The store lacked checkpoints of it, which were computed again.
    Recomputed,
}

impl Source {
    /// `nothing`, `loaded`, `trained`, `extended`, `resumed` or `recomputed`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Loaded => "loaded",
            Self::Trained => "trained",
            Self::Extended => "extended",
            Self::Resumed => "resumed",
            Self::Recomputed => "recomputed",
        }
    }
}

/// What training a run again showed, compared with what the store had of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// How many checkpoints were compared.
    pub checkpoints: usize,
    /// How many epochs of the history were compared.
    pub epochs: usize,
    /// Where the first difference is; `None` if all bits agree.
    pub difference: Option<Difference>,
}

/// The first place at which a run trained again differs from the stored one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The checkpoint.
    #[serde(serialize_with = "as_numbers")]
    pub checkpoint: Checkpoint,
    /// The array, or the column of the history.
    pub name: String,
    /// The place in it.
    pub index: Vec<usize>,
    /// What the store has.
    pub stored: f64,
    /// What training it again gave.
    pub found: f64,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { checkpoint, name, index, stored, found } = self;
        let epoch = checkpoint.epoch.0;
        write!(
            f,
            "epoch {epoch}, `{name}` at {index:?}: the store has {stored:?}, training it again gives {found:?}"
        )
    }
}

/// Serialises a value as the text that it displays.
pub(crate) fn as_text<S: Serializer>(value: &impl fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// A checkpoint as an object: `epoch` and `update`.
pub(crate) fn as_numbers<S: Serializer>(checkpoint: &Checkpoint, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Numbers {
        epoch: u64,
        update: u64,
    }
    Numbers { epoch: checkpoint.epoch.0, update: checkpoint.update.0 }.serialize(serializer)
}

/// How far a run was trained, as an object: completed epochs and updates.
fn as_counts<S: Serializer>(end: &End, serializer: S) -> Result<S::Ok, S::Error> {
    as_numbers(&Checkpoint::new(end.epoch, end.update.0), serializer)
}
