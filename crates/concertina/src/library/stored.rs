//! A look at one run in a store, without training anything.

use concertina_model::Checkpoint;
use concertina_model::params::ValidParams;
use concertina_model::trainer::EpochRecord;
use concertina_store::{RunFolder, RunKey, Store};
use concertina_table::{Scalar, Table};

use super::history;
use super::progress::{Progress, Status, checkpoint_of};
use super::trials::KeptTrials;
use crate::error::{Error, Result};

/// A run as it is in the store.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StoredRun {
    /// Its key.
    pub key: RunKey,
    /// Its folder.
    pub folder: std::path::PathBuf,
    /// Its parameters; `None` if the file is damaged or missing.
    pub params: Option<ValidParams>,
    /// `complete`, `diverged` or `unfinished`.
    pub status: &'static str,
    /// How far it has been trained: the epochs and updates of its newest state or checkpoint.
    pub reached: Option<Checkpoint>,
    /// The checkpoints in the store.
    pub checkpoints: Vec<Checkpoint>,
    /// Loss, accuracy and learning rate, one row per epoch; empty if there is no history.
    pub history: Table,
    /// When and how it was trained.
    pub provenance: Option<serde_json::Value>,
}

/// What the run table shows of a run.
pub(super) struct Glance {
    pub(super) params: Option<ValidParams>,
    pub(super) status: &'static str,
    pub(super) reached: Option<Checkpoint>,
    checkpoints: Vec<Checkpoint>,
    history: Option<Table>,
    provenance: Option<serde_json::Value>,
}

impl Glance {
    pub(super) fn at(folder: &RunFolder, trials: &KeptTrials<'_>) -> Result<Self> {
        let params = folder.params()?.and_then(|text| trials.params(&text));
        let checkpoints: Vec<Checkpoint> = folder.checkpoint_ids()?.into_iter().map(checkpoint_of).collect();
        let (history, provenance) = (folder.history()?, folder.provenance()?);
        let progress = provenance.as_ref().and_then(Progress::in_provenance);
        let loose = folder.path().join("checkpoints").exists();
        let state = progress.as_ref().map(|progress| Checkpoint::new(progress.epoch, progress.update));
        let reached = checkpoints.last().copied().max(state);
        let status = match progress {
            _ if loose => Status::Unfinished,
            Some(progress) if progress.diverged.is_some() => Status::Diverged,
            Some(_) => Status::Complete,
            None => Status::Unfinished,
        };
        Ok(Self { params, status: status.name(), reached, checkpoints, history, provenance })
    }

    /// The record of the last epoch that it has reached.
    pub(super) fn last_record(&self) -> Option<EpochRecord> {
        let epoch = usize::try_from(self.reached?.epoch.0).ok()?;
        let history = history::from_table(self.history.as_ref()?)?;
        history.into_iter().nth(epoch.checked_sub(1)?)
    }

    /// When it was last trained, and how many seconds all of its training took.
    pub(super) fn times(&self) -> [Scalar; 2] {
        let training = self.provenance.as_ref().and_then(|provenance| provenance.get("training")?.as_array());
        let Some(training) = training.filter(|training| !training.is_empty()) else {
            return [Scalar::Null, Scalar::Null];
        };
        let finished = training.last().and_then(|last| last.get("finished")?.as_str());
        let seconds = training.iter().filter_map(|one| one.get("wall_seconds")?.as_f64()).sum::<f64>();
        [finished.map_or(Scalar::Null, Scalar::from), seconds.into()]
    }
}

/// The key of the run in the store that begins with these digits.
pub(crate) fn key(store: &Store, beginning: &str) -> Result<RunKey> {
    let beginning = beginning.trim().to_ascii_lowercase();
    // A whole key needs no look at the other runs, of which there may be many.
    if let Ok(key) = beginning.parse::<RunKey>()
        && store.run(&key).path().is_dir()
    {
        return Ok(key);
    }
    let mut keys: Vec<RunKey> =
        store.keys()?.into_iter().filter(|key| key.to_string().starts_with(&beginning)).collect();
    match (keys.pop(), keys.len()) {
        (None, _) => Err(Error::UnknownRun { key: beginning }),
        (Some(key), 0) => Ok(key),
        (Some(_), others) => Err(Error::AmbiguousRun { key: beginning, count: others + 1 }),
    }
}

/// Reads a run from the store.
pub(crate) fn look(store: &Store, key: RunKey) -> Result<StoredRun> {
    let folder = store.run(&key);
    let Glance { params, status, reached, checkpoints, history, provenance } =
        Glance::at(&folder, &KeptTrials::of(store))?;
    Ok(StoredRun {
        key,
        folder: folder.path(),
        params,
        status,
        reached,
        checkpoints,
        history: history.unwrap_or_default(),
        provenance,
    })
}
