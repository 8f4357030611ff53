//! One pass of training: from the start or a stored state to where all that is missing has been met.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use concertina_model::network::Weights;
use concertina_model::params::ValidParams;
use concertina_model::trainer::{EpochRecord, Trainer, early_stop};
use concertina_model::{Checkpoint, Error as ModelError, Update};
use concertina_store::{Claim, RunFolder};

use super::publisher::{Publisher, State};
use super::{Wishes, Witness};
use crate::error::Result;
use crate::event::Event;
use crate::library::arrays::{state_of, tensors_of_end, tensors_of_state};
use crate::library::known::{Known, diverged_end};
use crate::library::progress::Progress;
use crate::library::provenance::{self, Clock};
use crate::record::Divergence;
use crate::selection::{End, after_epoch};
use crate::settings::Settings;

/// Time between two publications of a run in training: a kill loses no more work than this. Arbitrary, a few times what a short
/// run takes, so that a short run is published once.
const INTERVAL: Duration = Duration::from_millis(700);
/// Writing may take one part in so many of the time: checkpoints at most 5% of a run's time
/// (a target of `docs/performance.md`).
const SHARE: u32 = 20;
/// Weights that wait to be published, in bytes, at which they are published at once. Arbitrary: 64 MB, four hundred checkpoints
/// of the paper's size.
const MOST_WAITING: usize = 64 << 20;

/// Time between two signs of life to other processes: a sixth of the minute after which they think us dead.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// What a pass is to do.
#[derive(Debug)]
pub(crate) struct Goal {
    /// The last epoch to train.
    pub(crate) epochs: u64,
    /// Whether that is where the run ends, as far as is known, so that early stopping applies.
    pub(crate) to_the_end: bool,
    /// Checkpoints to meet on the way.
    pub(crate) wanted: BTreeSet<Checkpoint>,
}

/// What came of a pass.
#[derive(Debug)]
pub(crate) struct Passed {
    /// Where it ended; `None` if it was interrupted.
    pub(crate) end: Option<End>,
    pub(crate) history: Vec<EpochRecord>,
    /// The first epoch that was trained, less one.
    pub(crate) from_epoch: u64,
    /// The last epoch that was trained.
    pub(crate) to_epoch: u64,
    /// What training these took.
    pub(crate) training: Duration,
}

/// One pass over one run.
pub(crate) struct Pass<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) params: &'a ValidParams,
    pub(crate) name: &'a str,
    pub(crate) folder: &'a RunFolder,
    pub(crate) known: &'a Known,
    pub(crate) goal: &'a Goal,
    pub(crate) wishes: &'a Wishes<'a>,
    /// Whether to train from the start whatever the store has.
    pub(crate) anew: bool,
    /// What an epoch counts for in progress.
    pub(crate) epoch_work: f64,
    pub(crate) clock: &'a Clock,
}

impl Pass<'_> {
    /// The state to start from: the stored one, if it is not past the first missing checkpoint.
    fn start(&self) -> Result<Trainer> {
        let stored =
            self.known.progress.as_ref().filter(|progress| !self.anew && progress.diverged.is_none());
        let first = self.goal.wanted.first().map(|one| one.update.0);
        if let Some(progress) = stored
            && progress.epoch <= self.goal.epochs
            && first.is_none_or(|first| progress.update <= first)
            && let Some(tensors) = self.folder.read_resume()?
            && let Some(state) = state_of(tensors, &self.known.history)
        {
            match Trainer::resume(self.params, state) {
                Ok(trainer) => return Ok(trainer),
                Err(error) => self.settings.tell(&Event::Warning {
                    message: &format!("run {}: {error}; it is trained from its start", self.name),
                }),
            }
        }
        Ok(Trainer::new(self.params)?)
    }

    /// Trains; what is met goes to the witness and to the store, as wished.
    pub(crate) fn run(
        &self,
        witness: &mut dyn Witness,
        publisher: &mut Publisher<'_>,
        claim: &mut Claim,
    ) -> Result<Passed> {
        let mut trainer = self.start()?;
        let from_epoch = trainer.checkpoint().epoch.0;
        let (mut published, mut beaten) = (Instant::now(), Instant::now());
        let mut interval = INTERVAL;
        let mut divergence = None;
        let mut interrupted = false;
        let mut training = Duration::ZERO;
        let mut last_met = None;
        let expected = self.wishes.end;
        if self.goal.wanted.contains(&trainer.checkpoint()) {
            last_met = Some(trainer.checkpoint());
            self.take(trainer.checkpoint(), trainer.weights(), expected, witness, publisher)?;
        }
        let mut end_epoch = self.goal.epochs;
        while trainer.checkpoint().epoch.0 < end_epoch {
            if self.settings.cancelled() {
                interrupted = true;
                break;
            }
            if beaten.elapsed() >= HEARTBEAT {
                claim.beat()?; // lost or not: what is published is the same
                beaten = Instant::now();
            }
            let updates = self.wanted_in_epoch(trainer.checkpoint());
            let mut kept = Vec::new();
            let begin = Instant::now();
            let trained =
                trainer.train_epoch(&updates, &mut |checkpoint, weights| kept.push((checkpoint, weights)));
            training += begin.elapsed();
            match trained {
                Ok(record) => {
                    for (checkpoint, weights) in kept {
                        last_met = Some(checkpoint);
                        self.take(checkpoint, weights, expected, witness, publisher)?;
                    }
                    self.settings.tell(&Event::Trained {
                        run: self.name,
                        record: &record,
                        work: self.epoch_work,
                    });
                }
                Err(ModelError::Diverged { epoch, update, loss, largest_weight, learning_rate }) => {
                    for (checkpoint, weights) in kept.into_iter().filter(|(one, _)| one.update.0 < update) {
                        self.take(checkpoint, weights, expected, witness, publisher)?;
                    }
                    divergence = Some(Divergence {
                        epoch,
                        update,
                        loss: if loss.is_finite() { format!("{loss:.3e}") } else { loss.to_string() },
                        largest_weight: format!("{largest_weight:.3e}"),
                        learning_rate,
                    });
                    break;
                }
                Err(error) => return Err(error.into()),
            }
            if self.goal.to_the_end
                && let Some(patience) = self.params.train.stop_after
                && let Some(stop) = early_stop(trainer.history(), patience)
            {
                end_epoch = stop;
            }
            let done = trainer.checkpoint().epoch.0 >= end_epoch;
            if !done && (published.elapsed() >= interval || publisher.waiting_bytes() >= MOST_WAITING) {
                let begin = Instant::now();
                publisher.publish_part(self.newer_state(&trainer).as_ref(), witness)?;
                interval = INTERVAL.max(begin.elapsed() * SHARE);
                published = Instant::now();
            }
        }
        let completed = trainer.history().len() as u64;
        let end = match &divergence {
            _ if interrupted => None,
            Some(divergence) => Some(diverged_end(completed, divergence)),
            None => Some(End::after(self.params, completed)),
        };
        if let (true, Some(end)) = (self.goal.to_the_end && divergence.is_none(), end) {
            let last = after_epoch(self.params, end.epoch);
            if end.epoch < self.goal.epochs && last_met != Some(last) {
                // It stopped early, which nobody could know when the epoch began.
                self.take(last, trainer.weights(), end, witness, publisher)?;
            }
        }
        let progress = Progress {
            epoch: completed,
            update: after_epoch(self.params, completed).update.0,
            diverged: divergence.clone(),
        };
        let state = match &divergence {
            Some(_) => {
                let stored = self.known.progress.as_ref();
                let news = stored.is_none_or(|stored| stored.diverged.is_none());
                news.then(|| (tensors_of_end(&progress), trainer.history().to_vec()))
            }
            None => self.newer_state(&trainer),
        };
        if interrupted {
            publisher.publish_part(state.as_ref(), witness)?;
        } else {
            let newest = if state.is_some() { Some(&progress) } else { self.known.progress.as_ref() };
            let epochs = (from_epoch, completed);
            let provenance = match newest {
                Some(newest) => {
                    let before = self.folder.provenance()?;
                    Some(provenance::extended(before, newest, epochs, self.settings.jobs, self.clock))
                }
                None => None,
            };
            publisher.publish_all(state.as_ref(), provenance.as_ref(), witness)?;
        }
        Ok(Passed { end, history: trainer.history().to_vec(), from_epoch, to_epoch: completed, training })
    }

    /// The state to publish, if the store has none that is as new.
    fn newer_state(&self, trainer: &Trainer) -> Option<State> {
        let stored = self.known.progress.as_ref();
        let newer = stored
            .is_none_or(|stored| stored.diverged.is_none() && stored.epoch < trainer.checkpoint().epoch.0);
        newer.then(|| (tensors_of_state(trainer.state()), trainer.history().to_vec()))
    }

    /// The updates of the next epoch at which weights are wanted.
    fn wanted_in_epoch(&self, from: Checkpoint) -> BTreeSet<Update> {
        let until = Update(from.update.0 + self.params.updates_per_epoch());
        let wanted = self.goal.wanted.iter().map(|one| one.update);
        wanted.filter(|&update| update > from.update && update <= until).collect()
    }

    /// Gives weights to the store, to the witness, or to both.
    fn take(
        &self,
        checkpoint: Checkpoint,
        weights: Weights,
        end: End,
        witness: &mut dyn Witness,
        publisher: &mut Publisher<'_>,
    ) -> Result<()> {
        publisher.offer(checkpoint, &weights, self.wishes.keeps(checkpoint, end));
        match self.wishes.needs(checkpoint, end) {
            true => witness.meet(checkpoint, weights, end),
            false => Ok(()),
        }
    }
}
