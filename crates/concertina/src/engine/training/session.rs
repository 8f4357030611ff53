//! A run in training: which epochs and weights its plan asks for, and what is done with them.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use concertina_model::network::TrainedWeights;
use concertina_model::params::ValidParams;
use concertina_model::trainer::{EpochRecord, TrainingState, early_stop};
use concertina_model::{Checkpoint, Error as ModelError, Update};
use concertina_store::{Claim, RunFolder, Store};

use super::cohort::{Member, TrainedEpoch};
use super::comparison::Comparer;
use super::plan::{Plan, RunRequest};
use super::publisher::{Publisher, State};
use super::witness::Witness;
use crate::error::Result;
use crate::event::EventKind;
use crate::library::arrays::{state_of, tensors_of_end, tensors_of_state};
use crate::library::known::{Known, diverged_end};
use crate::library::progress::Progress;
use crate::library::provenance::{self, Clock};
use crate::record::{Comparison, Divergence};
use crate::selection::{End, after_epoch};
use crate::settings::Settings;

/// Time between two publications of a run in training. If the process is killed, no more work than this is
/// lost. Arbitrary: a few times as long as a short run takes, so that a short run is published once.
const INTERVAL: Duration = Duration::from_millis(700);
/// Writing may take one part in this many of the time: checkpoints take at most 5% of a run's time (a target
/// of `docs/performance.md`).
const SHARE: u32 = 20;
/// The size in bytes of waiting weights at which they are published immediately. Arbitrary: 64 MB, four
/// hundred checkpoints of the paper's size.
const MOST_WAITING: usize = 64 << 20;

/// Time between two signs of life for other processes: a sixth of the minute after which they take this
/// process for dead.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// What a session wants next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Another epoch, with the weights at these updates.
    Epoch(BTreeSet<Update>),
    /// Nothing: the plan is carried out, or the run cannot continue.
    Done,
    /// Nothing: a stop was requested.
    Stop,
}

/// The outcome of training a run in one pass.
#[derive(Debug)]
pub(crate) struct Trained {
    /// Where it ended; `None` if it was interrupted.
    pub(crate) end: Option<End>,
    pub(crate) history: Vec<EpochRecord>,
    /// The first epoch that was trained, minus one.
    pub(crate) from_epoch: u64,
    /// The last epoch that was trained.
    pub(crate) to_epoch: u64,
    /// The time that training them took.
    pub(crate) time: Duration,
    /// What training it again showed, if it was compared.
    pub(crate) comparison: Option<Comparison>,
}

/// Where and how a run is made: the store, the run's folder in it, and the settings of the request.
#[derive(Clone, Copy)]
pub(crate) struct Site<'a> {
    pub(crate) store: &'a Store,
    pub(crate) folder: &'a RunFolder,
    pub(crate) settings: &'a Settings,
}

/// One run whose plan is being carried out.
///
/// The trainer's loop asks [`begin`](Session::begin) what is wanted, trains that, passes the outcome to
/// [`epoch`](Session::epoch) until nothing more is wanted, and ends with [`close`](Session::close).
pub(crate) struct Session<'a> {
    site: Site<'a>,
    request: &'a RunRequest<'a>,
    known: &'a Known,
    plan: &'a Plan,
    witness: &'a mut dyn Witness,
    claim: &'a mut Claim,
    publisher: Publisher<'a>,
    clock: Clock,
    from_epoch: u64,
    /// The last epoch to train, as far as is known.
    end_epoch: u64,
    published: Instant,
    beaten: Instant,
    /// When the last epoch was asked for.
    asked: Instant,
    interval: Duration,
    last_met: Option<Checkpoint>,
    divergence: Option<Divergence>,
    interrupted: bool,
    time: Duration,
}

impl<'a> Session<'a> {
    pub(crate) fn new(
        site: Site<'a>,
        request: &'a RunRequest<'a>,
        known: &'a Known,
        plan: &'a Plan,
        witness: &'a mut dyn Witness,
        claim: &'a mut Claim,
    ) -> Self {
        let Site { store, folder, .. } = site;
        let comparer = plan.from_start.then(|| Comparer::new(folder));
        let stored = known.checkpoints.clone();
        Self {
            publisher: Publisher::new(store, folder, request.params, stored, known.loose, comparer),
            clock: Clock::start(),
            from_epoch: 0,
            end_epoch: plan.epochs,
            published: Instant::now(),
            beaten: Instant::now(),
            asked: Instant::now(),
            interval: INTERVAL,
            last_met: None,
            divergence: None,
            interrupted: false,
            time: Duration::ZERO,
            site,
            request,
            known,
            plan,
            witness,
            claim,
        }
    }

    /// The parameters of the run.
    pub(crate) fn params(&self) -> &'a ValidParams {
        self.request.params
    }

    /// Says that the stored state cannot be used.
    pub(crate) fn begins_again(&self, error: &ModelError) {
        let run = self.request.key.short();
        self.site.settings.warn(&format!("run {run}: {error}; it is trained from its start"));
    }

    /// The state to continue from; `None` if the run is trained from its start.
    pub(crate) fn stored_state(&self) -> Result<Option<TrainingState>> {
        if !self.known.progress.as_ref().is_some_and(|state| self.plan.continues_from(state)) {
            return Ok(None);
        }
        let tensors = self.site.folder.read_resume()?;
        Ok(tensors.and_then(|tensors| state_of(tensors, &self.known.history)))
    }

    /// Takes a run at the point where training begins.
    pub(crate) fn begin(&mut self, run: Member<'_>) -> Result<Next> {
        let start = run.checkpoint();
        self.from_epoch = start.epoch.0;
        (self.published, self.beaten, self.asked) = (Instant::now(), Instant::now(), Instant::now());
        if self.plan.wanted.contains(&start) {
            self.take(start, run.weights()?, self.plan.end)?;
        }
        self.next(run)
    }

    /// Takes the outcome of an epoch that was wanted.
    pub(crate) fn epoch(&mut self, epoch: TrainedEpoch, run: Member<'_>) -> Result<Next> {
        self.time += epoch.time;
        let record = match epoch.record {
            Ok(record) => record,
            Err(ModelError::Diverged { epoch: number, update, loss, largest_weight, learning_rate }) => {
                for (checkpoint, weights) in epoch.met.into_iter().filter(|(one, _)| one.update.0 < update) {
                    self.take(checkpoint, weights, self.plan.end)?;
                }
                let loss = if loss.is_finite() { format!("{loss:.3e}") } else { loss.to_string() };
                let largest_weight = format!("{largest_weight:.3e}");
                self.divergence =
                    Some(Divergence { epoch: number, update, loss, largest_weight, learning_rate });
                return Ok(Next::Done);
            }
            Err(error) => return Err(error.into()),
        };
        for (checkpoint, weights) in epoch.met {
            self.take(checkpoint, weights, self.plan.end)?;
        }
        let work = self.request.epoch_work();
        self.site.settings.tell(EventKind::Trained { run: self.request.key, record, work });
        if self.plan.to_the_end
            && let Some(patience) = self.request.params.train.stop_after
            && let Some(stop) = early_stop(run.history(), patience)
        {
            self.end_epoch = stop;
        }
        self.publish_now_and_then(run)?;
        if let Some(limit) = &self.site.settings.time_limit {
            limit.note(work, self.asked.elapsed());
        }
        self.next(run)
    }

    /// What is wanted next of a run that has come this far.
    fn next(&mut self, run: Member<'_>) -> Result<Next> {
        if run.checkpoint().epoch.0 >= self.end_epoch {
            return Ok(Next::Done);
        }
        self.asked = Instant::now();
        let settings = self.site.settings;
        if settings.cancelled() || !settings.has_time_for(self.request.epoch_work()) {
            self.interrupted = true;
            return Ok(Next::Stop);
        }
        if self.beaten.elapsed() >= HEARTBEAT {
            self.claim.beat()?; // whether the claim is lost or not, the same bits are published
            self.beaten = Instant::now();
        }
        Ok(Next::Epoch(self.plan.updates_after(run.checkpoint(), self.request.params.updates_per_epoch())))
    }

    /// Gives weights to the store, to the witness, or to both.
    fn take(&mut self, checkpoint: Checkpoint, weights: TrainedWeights, end: End) -> Result<()> {
        self.last_met = Some(checkpoint);
        let (keeps, needs) = if end == self.plan.end {
            (self.plan.kept.contains(&checkpoint), self.plan.needed.contains(&checkpoint))
        } else {
            let needs = self.witness.needs(end);
            (self.request.kept(end, &needs).contains(&checkpoint), needs.all.contains(&checkpoint))
        };
        self.publisher.offer(checkpoint, &weights, keeps);
        if needs { self.witness.meet(checkpoint, weights, end) } else { Ok(()) }
    }

    /// Publishes what waits if it is time to do so and training continues.
    fn publish_now_and_then(&mut self, run: Member<'_>) -> Result<()> {
        let done = run.checkpoint().epoch.0 >= self.end_epoch;
        let is_time =
            self.published.elapsed() >= self.interval || self.publisher.waiting_bytes() >= MOST_WAITING;
        if !done && is_time {
            let begin = Instant::now();
            let state = self.newer_state(run)?;
            self.publisher.publish_part(state.as_ref(), self.witness)?;
            self.interval = INTERVAL.max(begin.elapsed() * SHARE);
            self.published = Instant::now();
        }
        Ok(())
    }

    /// The state to publish, if the store does not have one that is as new.
    fn newer_state(&self, run: Member<'_>) -> Result<Option<State>> {
        let stored = self.known.progress.as_ref();
        let newer =
            stored.is_none_or(|stored| stored.diverged.is_none() && stored.epoch < run.checkpoint().epoch.0);
        match newer {
            true => Ok(Some((tensors_of_state(run.state()?), run.history().to_vec()))),
            false => Ok(None),
        }
    }

    /// Publishes the rest when nothing more is wanted, and returns the outcome.
    pub(crate) fn close(mut self, run: Member<'_>) -> Result<Trained> {
        let completed = run.history().len() as u64;
        let end = match &self.divergence {
            _ if self.interrupted => None,
            Some(divergence) => Some(diverged_end(completed, divergence)),
            None => Some(End::after(self.request.params, completed)),
        };
        if let Some(end) = end.filter(|end| !end.diverged) {
            self.take_early_stop(end, run)?;
        }
        self.publish_rest(completed, run)?;
        let comparison = match self.publisher.comparer.take() {
            Some(comparer) => {
                let both = self.known.history.len().min(run.history().len());
                comparer.finish(&self.known.history[..both], &run.history()[..both])?
            }
            None => None,
        };
        let (from_epoch, history, time) = (self.from_epoch, run.history().to_vec(), self.time);
        Ok(Trained { end, history, from_epoch, to_epoch: completed, time, comparison })
    }

    /// Takes the last weights of a run that stopped early, which could not be known when the epoch began.
    fn take_early_stop(&mut self, end: End, run: Member<'_>) -> Result<()> {
        let last = after_epoch(self.request.params, end.epoch);
        if self.plan.to_the_end && end.epoch < self.plan.epochs && self.last_met != Some(last) {
            self.take(last, run.weights()?, end)?;
        }
        Ok(())
    }

    fn publish_rest(&mut self, completed: u64, run: Member<'_>) -> Result<()> {
        let progress = Progress {
            epoch: completed,
            update: after_epoch(self.request.params, completed).update.0,
            diverged: self.divergence.clone(),
        };
        let stored = self.known.progress.as_ref();
        let state = match &self.divergence {
            Some(_) => {
                let news = stored.is_none_or(|stored| stored.diverged.is_none());
                news.then(|| (tensors_of_end(&progress), run.history().to_vec()))
            }
            None => self.newer_state(run)?,
        };
        if self.interrupted {
            return self.publisher.publish_part(state.as_ref(), self.witness);
        }
        let Site { folder, settings, .. } = self.site;
        let provenance = match if state.is_some() { Some(&progress) } else { stored } {
            Some(newest) => {
                let epochs = (self.from_epoch, completed);
                let before = folder.provenance()?;
                let device = run.device();
                Some(provenance::extended(
                    before,
                    newest,
                    epochs,
                    settings.jobs,
                    device.as_deref(),
                    &self.clock,
                ))
            }
            None => None,
        };
        self.publisher.publish_all(state.as_ref(), provenance.as_ref(), self.witness)
    }
}
