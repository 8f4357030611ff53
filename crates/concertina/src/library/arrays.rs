//! Conversions between the model's weights and states and the store's arrays.

use std::collections::BTreeMap;

use concertina_model::network::{Connectivity, TrainedWeights, Weights};
use concertina_model::params::ValidParams;
use concertina_model::trainer::{EpochRecord, TrainingState};
use concertina_store::Tensors;
use serde_json::{Map, Value};

use super::progress::Progress;
use crate::error::{Error, Result};

/// Where the model keeps the history in the metadata of a state. The store keeps it as a separate table.
const HISTORY: &str = "history";

/// Weights as arrays for a file in the store.
pub(crate) fn tensors_of(weights: &TrainedWeights) -> Tensors {
    Tensors { arrays: weights.tensors().into_iter().collect(), metadata: Map::new() }
}

/// Weights, as analyses see them, from the arrays of a file in the store.
pub(crate) fn weights_of(params: &ValidParams, tensors: &Tensors) -> Result<Weights> {
    trained_weights_of(params, tensors).map(|weights| weights.effective())
}

/// Weights in the form in which they are trained, from the arrays of a file in the store.
pub(crate) fn trained_weights_of(params: &ValidParams, tensors: &Tensors) -> Result<TrainedWeights> {
    TrainedWeights::from_tensors(params, |name| tensors.arrays.get(name).cloned())
        .map_err(|source| Error::StoredWeights { source: Box::new(source) })
}

/// Adds the recurrent weights to arrays that have only the parts that they are made of.
pub(crate) fn add_recurrent_weights(params: &ValidParams, tensors: &mut Tensors) -> Result<()> {
    if !Connectivity::of(params).is_plain() {
        tensors.arrays.extend(weights_of(params, tensors)?.tensors());
    }
    Ok(())
}

/// A state as arrays for a file, without its history.
pub(crate) fn tensors_of_state(state: TrainingState) -> Tensors {
    let mut metadata = state.metadata;
    metadata.remove(HISTORY);
    Tensors { arrays: state.tensors.into_iter().collect(), metadata }
}

/// A state from the arrays of a file. Its history comes from elsewhere.
pub(crate) fn state_of(tensors: Tensors, history: &[EpochRecord]) -> Option<TrainingState> {
    let mut metadata = tensors.metadata;
    metadata.insert(HISTORY.to_owned(), serde_json::to_value(history).ok()?);
    Some(TrainingState { tensors: tensors.arrays.into_iter().collect(), metadata })
}

/// What is stored in place of a state when training ended for good, so that no training can continue from
/// there.
pub(crate) fn tensors_of_end(progress: &Progress) -> Tensors {
    let metadata = match serde_json::to_value(progress) {
        Ok(Value::Object(metadata)) => metadata,
        _ => Map::new(),
    };
    Tensors { arrays: BTreeMap::new(), metadata }
}
