//! How far the store has a run.

use std::collections::BTreeSet;

use concertina_model::params::ValidParams;
use concertina_model::trainer::{EpochRecord, early_stop};
use concertina_model::{Checkpoint, Update};
use concertina_store::{CheckpointId, RunFolder};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::history;
use crate::error::Result;
use crate::run::Divergence;
use crate::selection::End;

/// How far the newest state in the store has come.
///
/// It is part of the metadata of `resume.safetensors`; `provenance.json` repeats it, so that a look at a run need not read
/// its weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// Completed epochs.
    pub(crate) epoch: u64,
    /// Completed updates.
    pub(crate) update: u64,
    /// Where training broke off for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) diverged: Option<Divergence>,
}

impl Progress {
    /// As the provenance has it: perhaps not the newest.
    pub(crate) fn noted(folder: &RunFolder) -> Result<Option<Self>> {
        Ok(folder.provenance()?.as_ref().and_then(Self::in_provenance))
    }

    /// As this provenance has it.
    pub(crate) fn in_provenance(provenance: &Value) -> Option<Self> {
        serde_json::from_value(provenance.get("progress")?.clone()).ok()
    }

    /// The further of the two below.
    pub(crate) fn of(folder: &RunFolder) -> Result<Option<Self>> {
        let (noted, resumable) = (Self::noted(folder)?, Self::resumable(folder)?);
        Ok([noted, resumable].into_iter().flatten().max_by_key(|progress| (progress.epoch, progress.update)))
    }

    /// As the state to resume from has it.
    pub(crate) fn resumable(folder: &RunFolder) -> Result<Option<Self>> {
        let metadata = folder.read_resume()?.map(|tensors| Value::Object(tensors.metadata));
        Ok(metadata.and_then(|value| serde_json::from_value(value).ok()))
    }
}

/// What the store has of a run.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    /// Its checkpoints.
    pub(crate) checkpoints: BTreeSet<Checkpoint>,
    /// Whether some lie in files of their own: a run that is complete has them all in one.
    pub(crate) loose: bool,
    /// Its newest state, if its history is there up to that.
    pub(crate) progress: Option<Progress>,
    /// Whether the provenance tells of that state.
    pub(crate) noted: bool,
    /// Its history up to that state.
    pub(crate) history: Vec<EpochRecord>,
}

impl Known {
    /// Looks; weights are read only if the run is not known to have come to its end.
    pub(crate) fn read(folder: &RunFolder, params: &ValidParams) -> Result<Self> {
        let checkpoints: BTreeSet<Checkpoint> =
            folder.checkpoint_ids()?.into_iter().map(checkpoint_of).collect();
        let loose = folder.path().join("checkpoints").exists();
        let mut known = Self { checkpoints, loose, progress: None, noted: true, history: Vec::new() };
        let Some(table) = folder.history()? else { return Ok(known) };
        let history = history::from_table(&table).unwrap_or_default();
        let noted = Progress::noted(folder)?;
        known.note(noted.clone(), &history);
        if known.end(params).is_none() {
            known.note(Progress::resumable(folder)?, &history);
        }
        known.noted = known.progress == noted;
        Ok(known)
    }

    /// Takes a progress that is further, if the history is there up to it.
    fn note(&mut self, progress: Option<Progress>, history: &[EpochRecord]) {
        let Some(progress) = progress else { return };
        let further = self.progress.as_ref().is_none_or(|known| known.epoch <= progress.epoch);
        let epochs = usize::try_from(progress.epoch).unwrap_or(usize::MAX);
        if let (true, Some(history)) = (further, history.get(..epochs)) {
            self.history = history.to_vec();
            self.progress = Some(progress);
        }
    }

    /// Where the run ends with these parameters; `None` if training has not come so far.
    pub(crate) fn end(&self, params: &ValidParams) -> Option<End> {
        if params.network.weights.is_some() {
            // Trained elsewhere: it ends where it was imported, however long one asks for it.
            let last = self.checkpoints.last()?;
            return Some(End { epoch: last.epoch.0, update: last.update, diverged: false });
        }
        let progress = self.progress.as_ref()?;
        let asked = params.train.epochs;
        let done = progress.epoch.min(asked) as usize;
        if let Some(stop) =
            params.train.stop_after.and_then(|patience| early_stop(&self.history[..done], patience))
        {
            return Some(End::after(params, stop));
        }
        if progress.epoch >= asked {
            return Some(End::after(params, asked));
        }
        progress.diverged.as_ref().map(|divergence| diverged_end(progress.epoch, divergence))
    }

    /// The divergence, if the run ends there.
    pub(crate) fn divergence(&self, end: End) -> Option<&Divergence> {
        self.progress.as_ref()?.diverged.as_ref().filter(|_| end.diverged)
    }
}

/// The update whose loss was no number does not count, and neither does what was kept after it.
pub(crate) fn diverged_end(epoch: u64, divergence: &Divergence) -> End {
    End { epoch, update: Update(divergence.update.saturating_sub(1)), diverged: true }
}

/// The store's name for a checkpoint.
pub(crate) fn id_of(checkpoint: Checkpoint) -> CheckpointId {
    CheckpointId { epoch: checkpoint.epoch.0, update: checkpoint.update.0 }
}

/// A checkpoint by the store's name for it.
pub(crate) fn checkpoint_of(id: CheckpointId) -> Checkpoint {
    Checkpoint::new(id.epoch, id.update)
}
