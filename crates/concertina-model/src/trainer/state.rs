//! The state from which a run resumes.

use concertina_numerics::kernels::Panels;
use ndarray::{Array2, ArrayD, Ix2};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Course, EpochRecord, Trainer};
use crate::error::{Error, Result};
use crate::network::TrainedWeights;
use crate::params::ValidParams;
use crate::scheduler::SchedulerState;

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
pub(super) struct Metadata {
    pub(super) epoch: u64,
    pub(super) update: u64,
    pub(super) scheduler: SchedulerState,
    pub(super) history: Vec<EpochRecord>,
}

impl TrainingState {
    /// The array with this name.
    pub fn find(&self, name: &str) -> Option<ArrayD<f32>> {
        self.tensors.iter().find(|(candidate, _)| candidate == name).map(|(_, array)| array.clone())
    }

    /// A buffer of the optimizer.
    ///
    /// # Errors
    /// [`Error::MissingTensor`]; [`Error::Shape`] if it does not have this shape.
    pub fn buffer(&self, name: &str, shape: (usize, usize)) -> Result<Array2<f32>> {
        let array = self.find(name).ok_or_else(|| Error::MissingTensor { name: name.to_owned() })?;
        let (expected, found) = (vec![shape.0, shape.1], array.shape().to_vec());
        match array.into_dimensionality::<Ix2>() {
            Ok(matrix) if found == expected => Ok(matrix),
            _ => Err(Error::Shape { what: name.to_owned(), expected, found }),
        }
    }
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
        self.course.state(tensors)
    }

    /// Continues from a state, exactly.
    ///
    /// # Errors
    /// [`Error::Resume`], [`Error::MissingTensor`] or [`Error::Shape`] if the state does not belong to a run
    /// with these parameters.
    pub fn resume(params: &ValidParams, mut state: TrainingState) -> Result<Self> {
        let metadata = std::mem::take(&mut state.metadata);
        let weights = TrainedWeights::from_tensors(params, |name| state.find(name))?;
        let mut trainer = Self::with(Course::resume(params, metadata)?, &weights);
        let updates = trainer.checkpoint().update.0;
        for (name, buffers) in trainer.updater.restore(updates) {
            for (kind, buffer) in [("mean", &mut buffers.mean), ("square", &mut buffers.square)] {
                let Some(panels) = buffer else { continue };
                let shape = (panels.row_count(), panels.column_count());
                let array = state.buffer(&format!("{kind}/{name}"), shape)?;
                *panels = Panels::from_row_major(array.view());
            }
        }
        Ok(trainer)
    }
}
