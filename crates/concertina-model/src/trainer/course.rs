//! A run in training without its arithmetic: the task, the schedule, the counters and the history.

use serde_json::{Map, Value};

use super::state::Metadata;
use super::{BatchRecord, EpochRecord, TrainingState};
use crate::checkpoint::Checkpoint;
use crate::error::{Error, Result};
use crate::network::Evaluation;
use crate::params::ValidParams;
use crate::scheduler::{Scheduler, SchedulerState};
use crate::task::{self, Ask, Task, Trials};

/// Everything of a run in training except weights and arithmetic, which a [`Trainer`](super::Trainer) adds on
/// the CPU, and other back ends on other devices.
#[derive(Debug)]
pub struct Course {
    params: ValidParams,
    task: Box<dyn Task>,
    scheduler: Scheduler,
    scheduler_state: SchedulerState,
    checkpoint: Checkpoint,
    history: Vec<EpochRecord>,
}

/// What the updates of an epoch add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct EpochSums {
    loss: f64,
    correct: usize,
    weight: usize,
    gradient_norm: f64,
    updates: usize,
}

impl EpochSums {
    /// Adds an update.
    pub fn add(&mut self, update: &BatchRecord) {
        self.loss += update.loss * update.weight as f64;
        self.correct += update.correct;
        self.weight += update.weight;
        self.gradient_norm += update.gradient_norm;
        self.updates += 1;
    }
}

impl Course {
    /// A run before training.
    ///
    /// # Errors
    /// [`Error::ClustersDoNotFit`].
    pub fn new(params: &ValidParams) -> Result<Self> {
        let scheduler = Scheduler::from_params(&params.train);
        Ok(Course {
            task: task::of(params)?,
            scheduler_state: scheduler.start(),
            scheduler,
            params: params.clone(),
            checkpoint: Checkpoint::START,
            history: Vec::new(),
        })
    }

    /// A run that continues from the counters, the schedule and the history of a [`TrainingState`].
    ///
    /// # Errors
    /// [`Error::Resume`] if they do not belong to a run with these parameters; as [`Course::new`].
    pub fn resume(params: &ValidParams, metadata: Map<String, Value>) -> Result<Self> {
        let not_a_state = |reason: String| Error::Resume { reason };
        let metadata: Metadata = serde_json::from_value(Value::Object(metadata))
            .map_err(|error| not_a_state(format!("the metadata of the state cannot be read: {error}")))?;
        if metadata.history.len() as u64 != metadata.epoch || metadata.scheduler.epochs != metadata.epoch {
            return Err(not_a_state(format!(
                "expected a history of {} epochs, found {}",
                metadata.epoch,
                metadata.history.len()
            )));
        }
        Ok(Course {
            checkpoint: Checkpoint::new(metadata.epoch, metadata.update),
            scheduler_state: metadata.scheduler,
            history: metadata.history,
            ..Self::new(params)?
        })
    }

    /// The parameters.
    pub fn params(&self) -> &ValidParams {
        &self.params
    }

    /// The task of this realisation.
    pub fn task(&self) -> &dyn Task {
        &*self.task
    }

    /// How far the run has been trained.
    pub fn checkpoint(&self) -> Checkpoint {
        self.checkpoint
    }

    /// The history so far, with one entry per epoch.
    pub fn history(&self) -> &[EpochRecord] {
        &self.history
    }

    /// The learning rate of the current epoch.
    pub fn learning_rate(&self) -> f64 {
        self.scheduler_state.learning_rate
    }

    /// The training samples of the current epoch.
    pub fn training(&self) -> Trials {
        self.task.trials(Ask::Training(self.history.len() as u64))
    }

    /// The validation samples of the current epoch.
    pub fn validation(&self) -> Trials {
        self.task.trials(Ask::Validation(self.history.len() as u64))
    }

    /// Counts an update. With the last one of an epoch, the epoch is complete.
    pub fn advance(&mut self) {
        self.checkpoint.update.0 += 1;
        if self.checkpoint.update.0 == (self.history.len() as u64 + 1) * self.params.updates_per_epoch() {
            self.checkpoint.epoch.0 += 1;
        }
    }

    /// Adds an epoch to the history, after its last update, and takes a step of the schedule.
    pub fn finish_epoch(&mut self, sums: &EpochSums, validation: &Evaluation) -> EpochRecord {
        let record = EpochRecord {
            epoch: self.checkpoint.epoch.0,
            update: self.checkpoint.update.0,
            learning_rate: self.learning_rate(),
            training_loss: sums.loss / sums.weight as f64,
            training_accuracy: validation.accuracy.map(|_| sums.correct as f64 / sums.weight as f64),
            gradient_norm: sums.gradient_norm / sums.updates as f64,
            validation_loss: validation.loss,
            validation_accuracy: validation.accuracy,
            validation_r2: validation.r2,
        };
        self.scheduler.step(&mut self.scheduler_state, validation.loss);
        self.history.push(record.clone());
        record
    }

    /// The error of a run whose loss or weights are NaN or infinite.
    pub fn diverged(&self, loss: f64, largest_weight: f64) -> Error {
        Error::Diverged {
            epoch: self.history.len() as u64 + 1,
            update: self.checkpoint.update.0,
            loss,
            largest_weight,
            learning_rate: self.learning_rate(),
        }
    }

    /// The state after the epochs completed so far, with these weights and buffers.
    pub fn state(&self, tensors: Vec<(String, ndarray::ArrayD<f32>)>) -> TrainingState {
        let metadata = Metadata {
            epoch: self.checkpoint.epoch.0,
            update: self.checkpoint.update.0,
            scheduler: self.scheduler_state.clone(),
            history: self.history.clone(),
        };
        match serde_json::to_value(metadata) {
            Ok(Value::Object(metadata)) => TrainingState { tensors, metadata },
            _ => unreachable!("a struct of numbers is a JSON object"),
        }
    }
}
