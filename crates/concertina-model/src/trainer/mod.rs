//! Training: epochs of updates, validation, the learning rate schedule, and exact resuming
//! (`docs/reference/model.md#optimizers` and the sections after it).

mod held;
mod history;
mod noise;
mod state;
mod updater;

use std::collections::BTreeSet;

pub use history::{EpochRecord, early_stop};
pub use state::TrainingState;
pub use updater::{BatchRecord, Updater};

use crate::checkpoint::{Checkpoint, Update};
use crate::error::{Error, Result};
use crate::network::{TrainedWeights, Weights};
use crate::params::ValidParams;
use crate::scheduler::{Scheduler, SchedulerState};
use crate::task::{self, Ask, Task};

/// A run that is being trained.
///
/// Its result depends only on the parameters, not on how often it was interrupted, on which thread it runs,
/// or on which of its checkpoints are kept.
///
/// ```
/// use std::collections::BTreeSet;
/// use concertina_model::params::Params;
/// use concertina_model::trainer::Trainer;
///
/// let mut params = Params::default();
/// params.network.units = 32;
/// params.task.train_samples = 100;
/// let mut trainer = Trainer::new(&params.check()?)?;
/// let record = trainer.train_epoch(&BTreeSet::new(), &mut |_, _| {})?;
/// assert_eq!((record.epoch, record.update), (1, 10));
/// # Ok::<(), concertina_model::Error>(())
/// ```
#[derive(Debug)]
pub struct Trainer {
    params: ValidParams,
    task: Box<dyn Task>,
    updater: Updater,
    scheduler: Scheduler,
    scheduler_state: SchedulerState,
    checkpoint: Checkpoint,
    history: Vec<EpochRecord>,
}

impl Trainer {
    /// A run before training: checkpoint 0.
    ///
    /// # Errors
    /// [`Error::ClustersDoNotFit`]; [`Error::Parameter`] if weights exceed the range of single precision.
    pub fn new(params: &ValidParams) -> Result<Self> {
        let task = task::of(params)?;
        Self::with_weights(params, task, &TrainedWeights::draw(params)?)
    }

    fn with_weights(params: &ValidParams, task: Box<dyn Task>, weights: &TrainedWeights) -> Result<Self> {
        let scheduler = Scheduler::from_params(&params.train);
        Ok(Trainer {
            updater: Updater::from_params(params, weights),
            scheduler_state: scheduler.start(),
            scheduler,
            task,
            params: params.clone(),
            checkpoint: Checkpoint::START,
            history: Vec::new(),
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

    /// The current weights of the network.
    pub fn weights(&self) -> Weights {
        self.updater.weights().effective()
    }

    /// The current weights in the form in which they are trained.
    pub fn trained_weights(&self) -> TrainedWeights {
        self.updater.weights()
    }

    /// The history so far, with one entry per epoch.
    pub fn history(&self) -> &[EpochRecord] {
        &self.history
    }

    /// Trains one epoch and validates.
    ///
    /// Passes the weights to `keep` after each update in `wanted` (counted over the whole of training).
    ///
    /// # Errors
    /// [`Error::Diverged`] as soon as a loss or a weight is NaN or infinite. Training cannot continue after
    /// that. Weights that were passed to `keep` are always finite.
    pub fn train_epoch(
        &mut self,
        wanted: &BTreeSet<Update>,
        keep: &mut dyn FnMut(Checkpoint, TrainedWeights),
    ) -> Result<EpochRecord> {
        let epoch = self.checkpoint.epoch.0;
        let learning_rate = self.scheduler_state.learning_rate;
        let trials = self.task.trials(Ask::Training(epoch));
        let (count, batch) = (trials.len(), self.params.train.batch);
        let (mut loss, mut correct, mut weight) = (0.0, 0, 0);
        let (mut gradient_norm, mut updates) = (0.0, 0);
        for first in (0..count).step_by(batch) {
            let range = first..(first + batch).min(count);
            let done = self.updater.update_on_trials(&trials, range.clone(), learning_rate)?;
            loss += done.loss * done.weight as f64;
            correct += done.correct;
            weight += done.weight;
            gradient_norm += done.gradient_norm;
            updates += 1;
            self.checkpoint.update.0 += 1;
            self.ensure_finite(done.loss)?;
            if !self.updater.is_finite() {
                return Err(self.diverged(done.loss));
            }
            if range.end == count {
                self.checkpoint.epoch.0 += 1;
            }
            if wanted.contains(&self.checkpoint.update) {
                keep(self.checkpoint, self.updater.weights());
            }
        }
        let validation = self.updater.evaluate(&self.task.trials(Ask::Validation(epoch)))?;
        self.ensure_finite(validation.loss)?;
        let record = EpochRecord {
            epoch: self.checkpoint.epoch.0,
            update: self.checkpoint.update.0,
            learning_rate,
            training_loss: loss / weight as f64,
            training_accuracy: trials.targets.are_classes().then(|| correct as f64 / weight as f64),
            gradient_norm: gradient_norm / updates as f64,
            validation_loss: validation.loss,
            validation_accuracy: validation.accuracy,
            validation_r2: validation.r2,
        };
        self.scheduler.step(&mut self.scheduler_state, validation.loss);
        self.history.push(record.clone());
        Ok(record)
    }

    fn ensure_finite(&self, loss: f64) -> Result<()> {
        if loss.is_finite() { Ok(()) } else { Err(self.diverged(loss)) }
    }

    fn diverged(&self, loss: f64) -> Error {
        Error::Diverged {
            epoch: self.history.len() as u64 + 1,
            update: self.checkpoint.update.0,
            loss,
            largest_weight: self.updater.largest_weight(),
            learning_rate: self.scheduler_state.learning_rate,
        }
    }
}
