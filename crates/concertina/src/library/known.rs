//! What the store has of a run, and where the run ends.

use std::collections::BTreeSet;

use concertina_model::params::ValidParams;
use concertina_model::trainer::{EpochRecord, early_stop};
use concertina_model::{Checkpoint, Update};
use concertina_store::RunFolder;

use super::history;
use super::parameters::params_toml;
use super::progress::{Progress, checkpoint_of};
use super::{provenance, trials};
use crate::error::Result;
use crate::record::Divergence;
use crate::selection::End;

/// What the store has of a run.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    /// Its checkpoints.
    pub(crate) checkpoints: BTreeSet<Checkpoint>,
    /// Whether some are in separate files. A complete run has all of them in one file.
    pub(crate) loose: bool,
    /// Its newest state, if the store has the history up to that state.
    pub(crate) progress: Option<Progress>,
    /// Whether the provenance names that state.
    pub(crate) noted: bool,
    /// Its history up to that state.
    pub(crate) history: Vec<EpochRecord>,
}

impl Known {
    /// Looks at the store. Weights are read only if the run is not known to have reached its end.
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

    /// Takes a progress that is further, if the history goes up to it.
    fn note(&mut self, progress: Option<Progress>, history: &[EpochRecord]) {
        let Some(progress) = progress else { return };
        let further = self.progress.as_ref().is_none_or(|known| known.epoch <= progress.epoch);
        let epochs = usize::try_from(progress.epoch).unwrap_or(usize::MAX);
        if let (true, Some(history)) = (further, history.get(..epochs)) {
            self.history = history.to_vec();
            self.progress = Some(progress);
        }
    }

    /// Where the run ends with these parameters; `None` if it has not been trained that far.
    pub(crate) fn end(&self, params: &ValidParams) -> Option<End> {
        if params.network.weights.is_some() {
            // Trained elsewhere: it ends where it was imported, however many epochs are asked for.
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

    /// Restores what a finished run has lost: its parameters, and the note in its provenance that it is
    /// finished.
    pub(crate) fn restore(&self, folder: &RunFolder, params: &ValidParams) -> Result<()> {
        if folder.params()?.is_none() {
            folder.publish_params(&params_toml(params))?;
        }
        trials::keep(folder.store(), params)?;
        if let (false, Some(progress)) = (self.noted, &self.progress) {
            folder.publish_provenance(&provenance::noted(folder.provenance()?, progress))?;
        }
        Ok(())
    }

    /// The divergence, if the run ends with one.
    pub(crate) fn divergence(&self, end: End) -> Option<&Divergence> {
        self.progress.as_ref()?.diverged.as_ref().filter(|_| end.diverged)
    }
}

/// The update whose loss was NaN or infinite does not count, and neither does what was kept after it.
pub(crate) fn diverged_end(epoch: u64, divergence: &Divergence) -> End {
    End { epoch, update: Update(divergence.update.saturating_sub(1)), diverged: true }
}
