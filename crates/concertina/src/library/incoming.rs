//! A run that comes from another store or from an archive, and is taken over as it is.

use std::collections::BTreeSet;

use concertina_model::Checkpoint;
use concertina_store::{Batch, CheckpointId, Keep, RunFolder, Tensors};
use concertina_table::Table;
use serde_json::Value;

use super::progress::Progress;
use crate::error::Result;

/// What there is of a run besides its checkpoints and its results.
#[derive(Debug, Clone)]
pub(super) struct Incoming {
    /// Its parameters, as a store keeps them.
    pub(super) params: String,
    /// Its history, if it has one.
    pub(super) history: Option<Table>,
    /// The state from which its training continues, if there is one.
    pub(super) resume: Option<Tensors>,
    /// When and how it was trained.
    pub(super) provenance: Option<Value>,
}

/// What a store gains.
pub(super) struct Gain {
    /// Whether the store had the run.
    pub(super) was_there: bool,
    /// Whether the run now is trained further.
    pub(super) further: bool,
}

impl Incoming {
    /// What another store has; `None` if the run's parameters are damaged or missing there.
    pub(super) fn of(folder: &RunFolder) -> Result<Option<Self>> {
        let Some(params) = folder.params()? else { return Ok(None) };
        let (history, resume) = (folder.history()?, folder.read_resume()?);
        Ok(Some(Self { params, history, resume, provenance: folder.provenance()? }))
    }

    /// How far the run has been trained.
    fn reached(&self) -> Option<Checkpoint> {
        let noted = self.provenance.as_ref().and_then(Progress::in_provenance);
        let resumable = self.resume.as_ref().and_then(Progress::in_state);
        reached(noted).max(reached(resumable))
    }

    /// Adds to a batch what the store does not have of the run: `news`, as [`news`] returns them, and
    /// everything else if it is from later in the training than what the store has.
    pub(super) fn add<'a>(
        &self,
        batch: &mut Batch<'a>,
        to: &RunFolder,
        news: &'a [(CheckpointId, Tensors)],
    ) -> Result<Gain> {
        let was_there = to.params()?.is_some();
        if !was_there {
            batch.params(to, &self.params);
        }
        if !news.is_empty() {
            let news: Vec<_> = news.iter().map(|(id, tensors)| (*id, tensors)).collect();
            batch.packed(to, &news, Keep::All);
        }
        let further = self.reached() > reached(Progress::of(to)?);
        if further {
            if let Some(history) = &self.history {
                batch.history(to, history)?;
            }
            if let Some(state) = &self.resume {
                batch.resume(to, state)?;
            }
            if let Some(provenance) = &self.provenance {
                batch.provenance(to, provenance);
            }
        }
        Ok(Gain { was_there, further })
    }
}

/// The checkpoints that a store does not have of its run, or the first one that differs from its own. Bits
/// are compared: a NaN is the same as itself here.
pub(super) fn news(
    to: &RunFolder,
    checkpoints: impl IntoIterator<Item = Result<(CheckpointId, Tensors)>>,
) -> Result<std::result::Result<Vec<(CheckpointId, Tensors)>, CheckpointId>> {
    let there: BTreeSet<CheckpointId> = to.checkpoint_ids()?.into_iter().collect();
    let mut news = Vec::new();
    for one in checkpoints {
        let (id, tensors) = one?;
        if !there.contains(&id) {
            news.push((id, tensors));
        } else if to.read_checkpoint(id)?.is_some_and(|own| own.fingerprint() != tensors.fingerprint()) {
            return Ok(Err(id));
        }
    }
    Ok(Ok(news))
}

fn reached(progress: Option<Progress>) -> Option<Checkpoint> {
    progress.map(|progress| Checkpoint::new(progress.epoch, progress.update))
}
