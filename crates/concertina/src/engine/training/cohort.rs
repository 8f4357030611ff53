//! Runs that are trained side by side, an epoch at a time.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use concertina_model::network::Weights;
use concertina_model::trainer::{EpochRecord, Trainer, TrainingState};
use concertina_model::{Checkpoint, Error as ModelError, Update};

/// One or several runs of one shape in training.
///
/// A cohort knows nothing of stores, plans or analyses: it trains an epoch and says what came of it. On the
/// CPU a cohort is a [`Trainer`], of one run.
pub(crate) trait Cohort {
    /// Trains the next epoch of the runs for which updates are given, perhaps none, at which weights are
    /// wanted. A run without is left as it is. What comes back is in the order of the runs.
    fn train_epoch(&mut self, wanted: &[Option<BTreeSet<Update>>]) -> Vec<Option<TrainedEpoch>>;

    /// How far a run has come.
    fn checkpoint(&self, run: usize) -> Checkpoint;

    /// What was written down of a run, one entry per epoch.
    fn history(&self, run: usize) -> &[EpochRecord];

    /// The weights of a run as they are now.
    fn weights(&self, run: usize) -> Weights;

    /// What a run can be resumed from.
    fn state(&self, run: usize) -> TrainingState;
}

/// What came of an epoch of one run.
#[derive(Debug)]
pub(crate) struct TrainedEpoch {
    /// What was written down, or why the run cannot go on.
    pub(crate) record: Result<EpochRecord, ModelError>,
    /// The weights that were wanted, as far as training came.
    pub(crate) met: Vec<(Checkpoint, Weights)>,
    /// What it took.
    pub(crate) time: Duration,
}

/// One run of a cohort, to be looked at.
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

    pub(crate) fn weights(self) -> Weights {
        self.cohort.weights(self.run)
    }

    pub(crate) fn state(self) -> TrainingState {
        self.cohort.state(self.run)
    }
}

impl Cohort for Trainer {
    fn train_epoch(&mut self, wanted: &[Option<BTreeSet<Update>>]) -> Vec<Option<TrainedEpoch>> {
        let epoch = |updates: &Option<BTreeSet<Update>>| {
            let mut met = Vec::new();
            let begin = Instant::now();
            let keep = &mut |checkpoint, weights| met.push((checkpoint, weights));
            let record = self.train_epoch(updates.as_ref()?, keep);
            Some(TrainedEpoch { record, met, time: begin.elapsed() })
        };
        wanted.iter().map(epoch).collect()
    }

    fn checkpoint(&self, _: usize) -> Checkpoint {
        self.checkpoint()
    }

    fn history(&self, _: usize) -> &[EpochRecord] {
        self.history()
    }

    fn weights(&self, _: usize) -> Weights {
        self.weights()
    }

    fn state(&self, _: usize) -> TrainingState {
        self.state()
    }
}
