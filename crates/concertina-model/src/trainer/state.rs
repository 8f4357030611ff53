//! The state from which a run resumes.

use concertina_numerics::kernels::Panels;
use ndarray::{ArrayD, Ix2};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{EpochRecord, Trainer};
use crate::checkpoint::Checkpoint;
use crate::error::{Error, Result};
use crate::network::TrainedWeights;
use crate::params::ValidParams;
use crate::scheduler::SchedulerState;
use crate::task;

/// Everything that training needs in order to continue as if it had not been interrupted, at the end of an
/// epoch.
///
/// Random streams are not part of it, because they are keyed by epoch and update.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingState {
    /// The weights under their names in files, and the optimizer's buffers as `mean/<name>` and
    /// `square/<name>`.
    pub tensors: Vec<(String, ArrayD<f32>)>,
    /// Counters, the scheduler's state and the history.
    pub metadata: Map<String, Value>,
}

#[derive(Serialize, Deserialize)]
struct Metadata {
    epoch: u64,
    update: u64,
    scheduler: SchedulerState,
    history: Vec<EpochRecord>,
}

impl Trainer {
    /// The state after the epochs completed so far.
    pub fn state(&self) -> TrainingState {
        let mut tensors = self.updater.weights().tensors();
        for (name, buffers) in self.updater.buffers() {
            for (kind, buffer) in [("mean", &buffers.mean), ("square", &buffers.square)] {
                if let Some(panels) = buffer {
                    tensors.push((format!("{kind}/{name}"), panels.to_array().into_dyn()));
                }
            }
        }
        let metadata = Metadata {
            epoch: self.checkpoint.epoch.0,
            update: self.checkpoint.update.0,
            scheduler: self.scheduler_state.clone(),
            history: self.history.clone(),
        };
        let metadata = match serde_json::to_value(metadata) {
            Ok(Value::Object(metadata)) => metadata,
            _ => unreachable!("a struct of numbers is a JSON object"),
        };
        TrainingState { tensors, metadata }
    }

    /// Continues from a state, exactly.
    ///
    /// # Errors
    /// [`Error::Resume`], [`Error::MissingTensor`] or [`Error::Shape`] if the state does not belong to a run
    /// with these parameters.
    pub fn resume(params: &ValidParams, state: TrainingState) -> Result<Self> {
        let not_a_state = |reason: String| Error::Resume { reason };
        let metadata: Metadata = serde_json::from_value(Value::Object(state.metadata))
            .map_err(|error| not_a_state(format!("the metadata of the state cannot be read: {error}")))?;
        let find = |name: &str| {
            state.tensors.iter().find(|(candidate, _)| candidate == name).map(|(_, array)| array.clone())
        };
        let weights = TrainedWeights::from_tensors(params, find)?;
        let mut trainer = Self::with_weights(params, task::of(params)?, &weights)?;
        for (name, buffers) in trainer.updater.restore(metadata.update) {
            for (kind, buffer) in [("mean", &mut buffers.mean), ("square", &mut buffers.square)] {
                let Some(panels) = buffer else { continue };
                let name = format!("{kind}/{name}");
                let array = find(&name).ok_or_else(|| Error::MissingTensor { name: name.clone() })?;
                let expected = vec![panels.row_count(), panels.column_count()];
                let found = array.shape().to_vec();
                match array.into_dimensionality::<Ix2>() {
                    Ok(matrix) if found == expected => *panels = Panels::from_row_major(matrix.view()),
                    _ => return Err(Error::Shape { what: name, expected, found }),
                }
            }
        }
        if metadata.history.len() as u64 != metadata.epoch || metadata.scheduler.epochs != metadata.epoch {
            return Err(not_a_state(format!(
                "expected a history of {} epochs, found {}",
                metadata.epoch,
                metadata.history.len()
            )));
        }
        trainer.checkpoint = Checkpoint::new(metadata.epoch, metadata.update);
        trainer.scheduler_state = metadata.scheduler;
        trainer.history = metadata.history;
        Ok(trainer)
    }
}
