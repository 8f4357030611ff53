//! Training: epochs of updates, validation, the learning rate schedule, and exact resuming
//! (`docs/reference/model.md#optimizers` and the sections after it).

mod course;
mod held;
mod history;
mod noise;
mod state;
mod updater;

use std::collections::BTreeSet;

pub use course::{Course, EpochSums};
pub use history::{EpochRecord, early_stop};
pub use noise::GradientNoise;
pub use state::TrainingState;
pub use updater::{BatchRecord, Updater};

use crate::checkpoint::{Checkpoint, Update};
use crate::error::{Error, Result};
use crate::network::{TrainedWeights, Weights};
use crate::params::ValidParams;
use crate::task::Task;

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
    course: Course,
    updater: Updater,
}

impl Trainer {
    /// A run before training: checkpoint 0.
    ///
    /// # Errors
    /// [`Error::ClustersDoNotFit`]; [`Error::Parameter`] if weights exceed the range of single precision.
    ///
    /// [`Error::ClustersDoNotFit`]: crate::Error::ClustersDoNotFit
    /// [`Error::Parameter`]: crate::Error::Parameter
    pub fn new(params: &ValidParams) -> Result<Self> {
        let course = Course::new(params)?;
        Ok(Self::with(course, &TrainedWeights::draw(params)?))
    }

    fn with(course: Course, weights: &TrainedWeights) -> Self {
        Trainer { updater: Updater::from_params(course.params(), weights), course }
    }

    /// The parameters.
    pub fn params(&self) -> &ValidParams {
        self.course.params()
    }

    /// The task of this realisation.
    pub fn task(&self) -> &dyn Task {
        self.course.task()
    }

    /// How far the run has been trained.
    pub fn checkpoint(&self) -> Checkpoint {
        self.course.checkpoint()
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
        self.course.history()
    }

    /// Trains one epoch and validates.
    ///
    /// Passes the weights to `keep` after each update in `wanted` (counted over the whole of training).
    ///
    /// # Errors
    /// [`Error::Diverged`] as soon as a loss or a weight is NaN or infinite. Training
    /// cannot continue after that. Weights that were passed to `keep` are always finite.
    pub fn train_epoch(
        &mut self,
        wanted: &BTreeSet<Update>,
        keep: &mut dyn FnMut(Checkpoint, TrainedWeights),
    ) -> Result<EpochRecord> {
        let trials = self.course.training();
        let (count, batch) = (trials.len(), self.params().train.batch);
        let mut sums = EpochSums::default();
        for first in (0..count).step_by(batch) {
            let range = first..(first + batch).min(count);
            let done = self.updater.update_on_trials(&trials, range, self.course.learning_rate())?;
            sums.add(&done);
            self.course.advance();
            if !done.loss.is_finite() || !self.updater.is_finite() {
                return Err(self.diverged(done.loss));
            }
            if wanted.contains(&self.checkpoint().update) {
                keep(self.checkpoint(), self.updater.weights());
            }
        }
        let validation = self.updater.evaluate(&self.course.validation())?;
        if !validation.loss.is_finite() {
            return Err(self.diverged(validation.loss));
        }
        Ok(self.course.finish_epoch(&sums, &validation))
    }

    fn diverged(&self, loss: f64) -> Error {
        self.course.diverged(loss, self.updater.largest_weight())
    }
}
