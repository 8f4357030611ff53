//! The weights of a run at a checkpoint.

use std::collections::BTreeSet;

use concertina_model::Checkpoint;
use concertina_model::network::TrainedWeights;
use concertina_model::params::ValidParams;
use concertina_store::{Batch, Store};

use super::training::{self, Needs, RunRequest, Site, Witness};
use crate::error::{Error, Result};
use crate::library::arrays::trained_weights_of;
use crate::library::import;
use crate::library::progress::id_of;
use crate::selection::End;
use crate::settings::Settings;

/// A witness that needs the weights at a checkpoint, and keeps them.
struct Catch {
    checkpoint: Checkpoint,
    caught: Option<TrainedWeights>,
}

impl Witness for Catch {
    fn needs(&self, _: End) -> Needs {
        let all = if self.caught.is_some() { BTreeSet::new() } else { BTreeSet::from([self.checkpoint]) };
        Needs { all, together: BTreeSet::new() }
    }

    fn meet(&mut self, _: Checkpoint, weights: TrainedWeights, _: End) -> Result<()> {
        self.caught = Some(weights);
        Ok(())
    }

    fn hand_over(&mut self, _: &mut Batch<'_>) -> Result<()> {
        Ok(())
    }
}

/// The weights of a run at a checkpoint, computed again if they are not in the store.
pub(crate) fn weights(
    store: &Store,
    settings: &Settings,
    params: &ValidParams,
    checkpoint: Checkpoint,
) -> Result<TrainedWeights> {
    let folder = import::folder_of(store, settings.jobs, params)?;
    if let Some(tensors) = folder.read_checkpoint(id_of(checkpoint))? {
        return trained_weights_of(params, &tensors);
    }
    if checkpoint == Checkpoint::START {
        return Ok(TrainedWeights::draw(params)?);
    }
    let request = RunRequest { wait: true, ..RunRequest::of(params, settings) };
    let mut catch = Catch { checkpoint, caught: None };
    training::make(Site { store, folder: &folder, settings }, &request, &mut catch)?;
    match (catch.caught, folder.read_checkpoint(id_of(checkpoint))?) {
        (Some(weights), _) => Ok(weights),
        (None, Some(tensors)) => trained_weights_of(params, &tensors),
        (None, None) => Err(Error::Interrupted),
    }
}
