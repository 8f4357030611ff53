//! Trials that were made elsewhere. The store keeps them once, for all runs that are trained on them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use concertina_model::params::{Params, TrialSource, TrialsName, ValidParams};
use concertina_model::task::TrialArrays;
use concertina_store::{Store, Tensors, TrialsKey};

use crate::error::Result;

/// The key of these trials in a store.
fn key_of(name: TrialsName) -> Result<TrialsKey> {
    Ok(name.digits().parse()?)
}

/// Stores the trials of a run, if they were made elsewhere and the store does not have them.
pub(crate) fn keep(store: &Store, params: &ValidParams) -> Result<()> {
    let Some(arrays) = params.task.arrays() else { return Ok(()) };
    let key = key_of(arrays.name())?;
    if store.has_trials(&key)? {
        return Ok(());
    }
    let tensors = Tensors { arrays: arrays.to_tensors(), ..Tensors::default() };
    let mut batch = store.batch();
    batch.trials(&key, &tensors)?;
    batch.publish()?;
    Ok(())
}

/// Copies the trials of a run from another store.
pub(crate) fn take(ours: &Store, theirs: &Store, params: &str) -> Result<()> {
    let Ok(Params { task, .. }) = Params::from_stored_toml(params) else { return Ok(()) };
    let Some(TrialSource::Stored(name)) = task.file else { return Ok(()) };
    let key = key_of(name)?;
    if ours.has_trials(&key)? {
        return Ok(());
    }
    let Some(tensors) = theirs.trials(&key)? else { return Ok(()) };
    let mut batch = ours.batch();
    batch.trials(&key, &tensors)?;
    batch.publish()?;
    Ok(())
}

/// The trials that stored runs were trained on.
pub(crate) fn in_use(store: &Store) -> Result<BTreeSet<TrialsKey>> {
    let mut keys = BTreeSet::new();
    for run in store.keys()? {
        let params = store.run(&run).params()?.map(|text| Params::from_stored_toml(&text));
        if let Some(Ok(Params { task, .. })) = params
            && let Some(TrialSource::Stored(name)) = task.file
        {
            keys.insert(key_of(name)?);
        }
    }
    Ok(keys)
}

/// Trials that a store keeps, each read once.
#[derive(Debug)]
pub(crate) struct KeptTrials<'a> {
    store: &'a Store,
    read: Mutex<BTreeMap<TrialsName, Option<Arc<TrialArrays>>>>,
}

impl<'a> KeptTrials<'a> {
    pub(crate) fn of(store: &'a Store) -> Self {
        Self { store, read: Mutex::default() }
    }

    /// The trials with this name; `None` if the store does not have them, or has other trials under this
    /// name.
    pub(crate) fn find(&self, name: TrialsName) -> Option<Arc<TrialArrays>> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let arrays = read.entry(name).or_insert_with(|| {
            let tensors = self.store.trials(&key_of(name).ok()?).ok()??;
            let arrays = TrialArrays::from_tensors(&tensors.arrays).ok()?;
            (arrays.name() == name).then(|| Arc::new(arrays))
        });
        arrays.clone()
    }

    /// The parameters with which a run was stored; `None` if they are damaged or of a newer version, or if
    /// the run's trials are lost.
    pub(crate) fn params(&self, text: &str) -> Option<ValidParams> {
        let mut params = Params::from_stored_toml(text).ok()?;
        params.task.take_trials(|name| self.find(name));
        params.check().ok()
    }
}
