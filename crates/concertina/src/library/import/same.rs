//! An exported run that is imported as the same run: it gets its key, its parameters and everything else that
//! the store kept of it.

use std::path::Path;

use concertina_model::network::{TrainedWeights, Weights};
use concertina_model::params::ValidParams;
use concertina_store::{CheckpointId, Claimed, RunKey, Tensors};
use ndarray::Axis;

use super::super::arrays::tensors_of;
use super::super::incoming::{self, Incoming};
use super::super::parameters::params_toml;
use super::super::progress::{Progress, id_of};
use super::super::sealed::STATE;
use super::super::{Library, history, trials};
use super::exported::{Archive, Opened};
use super::fit::Fitted;
use super::reading::OURS;
use super::{Import, ReadImport, wrong};
use crate::error::{Error, Result};
use crate::hint::Hint;

/// A run from an archive.
#[derive(Debug, Clone)]
pub(super) struct SameRun {
    pub(super) key: RunKey,
    checkpoints: Vec<(CheckpointId, Tensors)>,
    rest: Incoming,
}

impl Import {
    /// The run in an archive, if it can be imported as the same run. Otherwise the reason why it cannot, if
    /// there is something to say.
    pub(super) fn same_run(
        &self,
        archive: &Archive,
        path: &Path,
    ) -> Result<std::result::Result<ReadImport, Option<String>>> {
        let (Some(seal), Some(params)) = (&archive.seal, &archive.params) else { return Ok(Err(None)) };
        let opened = match seal {
            Ok(opened) => opened,
            Err(reason) => return Ok(Err(Some(reason.clone()))),
        };
        if self.before.is_some() || !self.names.is_empty() {
            return Ok(Err(Some("other arrays were given".to_owned())));
        }
        let fitted = Fitted::of(self, Some(params.clone()))?;
        let own = params.clone().check()?;
        if fitted.checked().is_none_or(|changed| changed.canonical() != own.canonical()) {
            return Ok(Err(Some("other parameters were given than those of the run".to_owned())));
        }
        if !archive.checkpoints.is_sorted_by(|one, next| one < next) {
            return Ok(Err(Some("its checkpoints are not in order".to_owned())));
        }
        let key = RunKey::of(&own.canonical());
        if key.to_string() != opened.seal.key {
            return Ok(Err(Some(format!("it has the key of another run, {}", opened.seal.key))));
        }
        let mut checkpoints = Vec::with_capacity(archive.checkpoints.len());
        let mut networks = Vec::new();
        for (place, checkpoint) in archive.checkpoints.iter().enumerate() {
            let weights = weights_of(opened, &own, place).map_err(|error| {
                wrong(path, error.to_string(), "export the run again with this version of the program")
            })?;
            checkpoints.push((id_of(*checkpoint), tensors_of(&weights)));
            let is_start = place == archive.first() && archive.starts();
            if is_start || place == archive.last() {
                networks.push((*checkpoint, path.to_owned(), weights.effective()));
            }
        }
        networks.sort_by_key(|(checkpoint, ..)| *checkpoint);
        let rest = rest_of(opened, &own)?;
        let note = note(key, archive, opened, &rest);
        let arrays = (networks.last().map(|(.., weights)| names_of(weights))).unwrap_or_default();
        Ok(Ok(ReadImport {
            without_effect: fitted.without_effect(false),
            networks,
            arrays,
            not_used: Vec::new(),
            not_read: Vec::new(),
            assumed: Vec::new(),
            trials: Vec::new(),
            notes: vec![note],
            run: Some(SameRun { key, checkpoints, rest }),
            params: own,
        }))
    }
}

/// The weights of one checkpoint, in the form in which they are trained.
fn weights_of(
    opened: &Opened,
    params: &ValidParams,
    place: usize,
) -> concertina_model::Result<TrainedWeights> {
    TrainedWeights::from_tensors(params, |name| {
        let stack = opened.arrays.get(name)?;
        stack.shape().first().filter(|&&checkpoints| place < checkpoints)?;
        Some(stack.index_axis(Axis(0), place).to_owned())
    })
}

/// What the archive has of the run besides its checkpoints.
fn rest_of(opened: &Opened, params: &ValidParams) -> Result<Incoming> {
    let seal = &opened.seal;
    let state = seal.state.clone();
    Ok(Incoming {
        params: params_toml(params),
        history: seal.history.as_deref().map(history::to_table).transpose()?,
        resume: state.map(|metadata| Tensors { arrays: opened.below(STATE), metadata }),
        provenance: seal.provenance.clone(),
    })
}

fn note(key: RunKey, archive: &Archive, opened: &Opened, rest: &Incoming) -> String {
    let state = match &rest.resume {
        Some(state) if Progress::in_state(state).is_some_and(|progress| progress.diverged.is_some()) => {
            "; its training diverged"
        }
        Some(_) => ", with the state from which its training continues",
        None => ", without the state of its training: to train it further, it is trained from its start",
    };
    format!(
        "run {} itself, as version {} exported it: {} checkpoints, the last after {} epochs{state}",
        key.short(),
        opened.seal.version,
        archive.checkpoints.len(),
        archive.checkpoints[archive.last()].epoch.0,
    )
}

/// The arrays of a network under our names, which are those in the archive.
fn names_of(weights: &Weights) -> Vec<(&'static str, String)> {
    let there = weights.tensors();
    let named = OURS.into_iter().filter(|ours| there.iter().any(|(name, _)| name == ours));
    named.map(|ours| (ours, ours.to_owned())).collect()
}

impl Library<'_> {
    /// Takes over an exported run. Returns true if the store had all of it.
    pub(super) fn take_over(&self, read: &ReadImport, run: &SameRun) -> Result<bool> {
        let (store, path) = (self.store, &read.networks[read.networks.len() - 1].1);
        let folder = store.run(&run.key);
        let claim = folder.claim()?;
        if let Claimed::Held(holder) = &claim {
            return Err(Error::RunFailed {
                run: run.key.short(),
                message: format!("process {} on {} is training it", holder.pid, holder.host),
                hint: Some(Hint::text("try again when that process has finished")),
            });
        }
        let checkpoints = run.checkpoints.iter().cloned().map(Ok);
        let news = incoming::news(&folder, checkpoints)?.map_err(|id| {
            wrong(
                path,
                format!("run {}: its checkpoint {id} differs from the one in the store", run.key.short()),
                "`concertina store verify` checks the store; import the file into another store to compare them",
            )
        })?;
        trials::keep(store, &read.params)?;
        let mut batch = store.batch();
        let gain = run.rest.add(&mut batch, &folder, &news)?;
        let had_all = gain.was_there && !gain.further && news.is_empty();
        batch.publish()?;
        drop(claim);
        Ok(had_all)
    }
}
