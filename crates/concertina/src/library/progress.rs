//! How far a run in the store has been trained.

use concertina_model::Checkpoint;
use concertina_store::{CheckpointId, RunFolder, Tensors};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::Result;
use crate::record::Divergence;

/// How far the newest state in the store is.
///
/// It is part of the metadata of `resume.safetensors`; `provenance.json` repeats it, so that a look at a run
/// does not have to read its weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// Completed epochs.
    pub(crate) epoch: u64,
    /// Completed updates.
    pub(crate) update: u64,
    /// Where training diverged, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) diverged: Option<Divergence>,
}

impl Progress {
    /// As the provenance records it, which may not be the newest.
    pub(crate) fn noted(folder: &RunFolder) -> Result<Option<Self>> {
        Ok(folder.provenance()?.as_ref().and_then(Self::in_provenance))
    }

    /// As this provenance records it.
    pub(crate) fn in_provenance(provenance: &Value) -> Option<Self> {
        serde_json::from_value(provenance.get("progress")?.clone()).ok()
    }

    /// The further of [`Progress::noted`] and [`Progress::resumable`].
    pub(crate) fn of(folder: &RunFolder) -> Result<Option<Self>> {
        let (noted, resumable) = (Self::noted(folder)?, Self::resumable(folder)?);
        Ok([noted, resumable].into_iter().flatten().max_by_key(|progress| (progress.epoch, progress.update)))
    }

    /// As the state to resume from records it.
    pub(crate) fn resumable(folder: &RunFolder) -> Result<Option<Self>> {
        Ok(folder.read_resume()?.as_ref().and_then(Self::in_state))
    }

    /// As this state records it.
    pub(crate) fn in_state(state: &Tensors) -> Option<Self> {
        serde_json::from_value(Value::Object(state.metadata.clone())).ok()
    }
}

/// The status of a run in a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Complete,
    Diverged,
    Unfinished,
}

impl Status {
    pub(crate) const ALL: [Self; 3] = [Self::Complete, Self::Diverged, Self::Unfinished];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Diverged => "diverged",
            Self::Unfinished => "unfinished",
        }
    }
}

/// The store's name for a checkpoint.
pub(crate) fn id_of(checkpoint: Checkpoint) -> CheckpointId {
    CheckpointId { epoch: checkpoint.epoch.0, update: checkpoint.update.0 }
}

/// A checkpoint by the store's name for it.
pub(crate) fn checkpoint_of(id: CheckpointId) -> Checkpoint {
    Checkpoint::new(id.epoch, id.update)
}
