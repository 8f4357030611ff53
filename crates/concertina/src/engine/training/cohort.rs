//! Runs that are trained side by side, one epoch at a time.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use concertina_model::network::TrainedWeights;
use concertina_model::trainer::{EpochRecord, Trainer, TrainingState};
use concertina_model::{Checkpoint, Error as ModelError, Update};

use crate::error::Result;

/// One or several runs of the same shape in training.
///
/// A cohort knows nothing of stores, plans or analyses: it trains an epoch and returns the outcome. On the
/// CPU, a cohort is a [`Trainer`] of one run. An error is one of the device, which ends the training of all
/// runs.
pub(crate) trait Cohort {
    /// Trains the next epoch of each run that has a set of updates, possibly empty, at which its weights are
    /// wanted. A run with `None` is left as it is. The outcomes are in the order of the runs.
    fn train_epoch(&mut self, wanted: &[Option<BTreeSet<Update>>]) -> Result<Vec<Option<TrainedEpoch>>>;

    /// How far a run has been trained.
    fn checkpoint(&self, run: usize) -> Checkpoint;

    /// The history of a run, one entry per epoch.
    fn history(&self, run: usize) -> &[EpochRecord];

    /// The current weights of a run.
    fn weights(&self, run: usize) -> Result<TrainedWeights>;

    /// The state from which a run can be resumed.
    fn state(&self, run: usize) -> Result<TrainingState>;

    /// The GPU and its driver; `None` on the CPU.
    fn device(&self) -> Option<String> {
        None
    }
}

/// The outcome of an epoch of one run.
#[derive(Debug)]
pub(crate) struct TrainedEpoch {
    /// The record of the epoch, or why the run cannot continue.
    pub(crate) record: std::result::Result<EpochRecord, ModelError>,
    /// The weights that were wanted, as far as training got.
    pub(crate) met: Vec<(Checkpoint, TrainedWeights)>,
    /// The time it took.
    pub(crate) time: Duration,
}

/// A read-only view of one run of a cohort.
#[derive(Clone, Copy)]
pub(crate) struct Member<'c> {
    pub(crate) cohort: &'c dyn Cohort,
    pub(crate) run: usize,
}

impl<'c> Member<'c> {
    pub(crate) fn checkpoint(self) -> Checkpoint {
        self.cohort.checkpoint(self.run)
    }

    pub(crate) fn history(self) -> &'c [EpochRecord] {
        self.cohort.history(self.run)
    }

    pub(crate) fn weights(self) -> Result<TrainedWeights> {
        self.cohort.weights(self.run)
    }

    pub(crate) fn state(self) -> Result<TrainingState> {
        self.cohort.state(self.run)
    }

    pub(crate) fn device(self) -> Option<String> {
        self.cohort.device()
    }
}

impl Cohort for Trainer {
    fn train_epoch(&mut self, wanted: &[Option<BTreeSet<Update>>]) -> Result<Vec<Option<TrainedEpoch>>> {
        let epoch = |updates: &Option<BTreeSet<Update>>| {
            let mut met = Vec::new();
            let begin = Instant::now();
            let keep = &mut |checkpoint, weights| met.push((checkpoint, weights));
            let record = self.train_epoch(updates.as_ref()?, keep);
            Some(TrainedEpoch { record, met, time: begin.elapsed() })
        };
        Ok(wanted.iter().map(epoch).collect())
    }

    fn checkpoint(&self, _: usize) -> Checkpoint {
        self.checkpoint()
    }

    fn history(&self, _: usize) -> &[EpochRecord] {
        self.history()
    }

    fn weights(&self, _: usize) -> Result<TrainedWeights> {
        Ok(self.trained_weights())
    }

    fn state(&self, _: usize) -> Result<TrainingState> {
        Ok(self.state())
    }
}
