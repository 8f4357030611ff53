//! The engine: from what is asked of which runs to answers, with as little work as possible.
//!
//! What the store remembers is read. For the rest, runs are loaded or trained, longest first, and analysed as soon as their
//! weights are there; runs of one key are one job, so nothing is done twice.

mod outlook;
pub(crate) mod pool;
mod question;
mod spent;
mod training;
mod work;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use concertina_model::Checkpoint;
use concertina_model::network::{Weights, initial};
use concertina_model::params::ValidParams;
use concertina_numerics::kernels::with_threads;
use concertina_store::{Batch, RunKey, Store};

pub(crate) use outlook::{Ahead, Pace, wall_seconds};
pub(crate) use question::{Answer, Answered, Demand, Question};
pub use spent::Spent;

use self::pool::Queue;
pub(crate) use self::pool::lock;
use self::spent::Ledger;
use self::training::{Fulfilled, Order, Witness};
use self::work::RunWork;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Event;
use crate::library::arrays::weights_of;
use crate::library::import;
use crate::library::known::Known;
use crate::library::progress::id_of;
use crate::record::{Outcome, RunRecord, Source};
use crate::selection::End;
use crate::settings::Settings;

/// What came of a run so far.
#[derive(Default)]
struct Slot<'a> {
    run: Option<RunRecord>,
    work: Option<Arc<RunWork<'a>>>,
}

/// Something for a thread to do.
enum Job<'a> {
    /// Runs of one key, the shortest first: to be loaded or trained. `looks` counts how often another process was at them.
    Runs { places: Vec<usize>, looks: u32 },
    /// Helping with weights that a run in training has met.
    Help(Arc<RunWork<'a>>),
    /// Questions about a stored checkpoint.
    Stored { place: usize, work: Arc<RunWork<'a>>, checkpoint: Checkpoint, questions: Vec<usize> },
    /// A question about several stored checkpoints at once.
    Joint { place: usize, work: Arc<RunWork<'a>>, question: usize, about: BTreeSet<Checkpoint> },
}

struct Engine<'a> {
    store: &'a Store,
    settings: &'a Settings,
    demands: &'a [Demand<'a>],
    ledger: &'a Ledger,
    slots: Vec<Mutex<Slot<'a>>>,
    /// What ends everything: trouble with the store.
    fatal: Mutex<Option<Error>>,
}

/// Does what is asked; answers come in the order of the demands, whatever the number of threads.
///
/// A run that fails is a result. Trouble with the store ends everything.
pub(crate) fn compute(
    store: &Store,
    settings: &Settings,
    demands: &[Demand<'_>],
) -> Result<(Vec<Answered>, Spent)> {
    for demand in demands {
        for question in &demand.questions {
            question.check(demand.params)?;
        }
    }
    let begin = Instant::now();
    let keys: Vec<RunKey> = demands.iter().map(|demand| RunKey::of(&demand.params.canonical())).collect();
    let mut groups: BTreeMap<RunKey, Vec<usize>> = BTreeMap::new();
    for (place, key) in keys.iter().enumerate() {
        groups.entry(*key).or_default().push(place);
    }
    let mut jobs: Vec<(f64, Job<'_>)> = Vec::new();
    for mut group in groups.into_values() {
        group.sort_by_key(|&place| demands[place].params.train.epochs);
        let cost = group.iter().map(|&place| cost(demands[place].params)).fold(0.0, f64::max);
        jobs.push((cost, Job::Runs { places: group, looks: 0 }));
    }
    // Of equals the first asked for comes first.
    jobs.sort_by_key(|(_, job)| if let Job::Runs { places, .. } = job { places[0] } else { 0 });
    settings.tell(&Event::Started {
        runs: demands.len(),
        work: demands.iter().map(|demand| cost(demand.params)).sum(),
    });
    let ledger = Ledger::default();
    let slots = demands.iter().map(|_| Mutex::default()).collect();
    let engine = Engine { store, settings, demands, ledger: &ledger, slots, fatal: Mutex::new(None) };
    // fewer runs than threads: large products are shared out, which changes no bit
    let threads_of_a_run = settings.jobs / jobs.len().max(1);
    pool::work(settings.jobs, jobs, |job, queue| {
        if let Err(error) = with_threads(threads_of_a_run, || engine.job(job, &keys, queue)) {
            queue.stop();
            lock(&engine.fatal).get_or_insert(error);
        }
    });
    if let Some(error) = engine.fatal.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    let mut all = Vec::with_capacity(demands.len());
    for (place, slot) in engine.slots.into_iter().enumerate() {
        let Slot { run, work } = slot.into_inner().unwrap_or_else(PoisonError::into_inner);
        let interrupted = || RunRecord::unfinished(demands[place].params, keys[place], Outcome::Interrupted);
        let run = run.unwrap_or_else(interrupted);
        let answers = match work {
            Some(work) => work.answers(run.end)?,
            None => demands[place].questions.iter().map(|_| Answer::default()).collect(),
        };
        all.push(Answered { run, answers });
    }
    Ok((all, ledger.close(begin.elapsed())))
}

/// The weights of a run at a checkpoint, computed again if they are not in the store.
pub(crate) fn weights(
    store: &Store,
    settings: &Settings,
    params: &ValidParams,
    checkpoint: Checkpoint,
) -> Result<Weights> {
    /// Takes hold of the weights that it meets.
    struct Catch<'c>(&'c RefCell<Option<Weights>>);
    impl Witness for Catch<'_> {
        fn meet(&mut self, _: Checkpoint, weights: Weights, _: End) -> Result<()> {
            *self.0.borrow_mut() = Some(weights);
            Ok(())
        }

        fn hand_over(&mut self, _: &mut Batch<'_>) -> Result<()> {
            Ok(())
        }
    }

    let key = RunKey::of(&params.canonical());
    let folder = import::folder_of(store, settings.jobs, params)?;
    if let Some(tensors) = folder.read_checkpoint(id_of(checkpoint))? {
        return weights_of(params, &tensors);
    }
    if checkpoint == Checkpoint::START {
        return Ok(initial::draw(params)?);
    }
    let caught = RefCell::new(None);
    let name = key.short();
    let order = Order {
        needs: &|_| if caught.borrow().is_some() { BTreeSet::new() } else { BTreeSet::from([checkpoint]) },
        wait: true,
        ..Order::of(params, &name, settings)
    };
    training::fulfil(settings, store, &folder, &order, &mut Catch(&caught))?;
    match (caught.take(), folder.read_checkpoint(id_of(checkpoint))?) {
        (Some(weights), _) => Ok(weights),
        (None, Some(tensors)) => weights_of(params, &tensors),
        (None, None) => Err(Error::Interrupted),
    }
}

/// What training a run may cost, in multiplications or so: enough to put the longest first.
pub(crate) fn cost(params: &ValidParams) -> f64 {
    let units = params.network.units as f64;
    let samples = (3 * params.task.train_samples + params.val_samples()) as f64;
    params.train.epochs as f64 * samples * params.trial_steps() as f64 * units * units
}

/// Lets a run's questions see what training meets.
struct Passing<'w, 'a> {
    work: &'w Arc<RunWork<'a>>,
    queue: &'w Queue<Job<'a>>,
}

impl Witness for Passing<'_, '_> {
    fn meet(&mut self, checkpoint: Checkpoint, weights: Weights, end: End) -> Result<()> {
        self.work.meet(checkpoint, weights, end);
        if self.queue.somebody_waits() {
            self.queue.push(f64::INFINITY, Job::Help(Arc::clone(self.work)));
        }
        while self.work.is_behind() && self.work.help()? {}
        Ok(())
    }

    fn hand_over(&mut self, batch: &mut Batch<'_>) -> Result<()> {
        self.work.hand_over(batch)
    }
}

impl<'a> Engine<'a> {
    fn job(&self, job: Job<'a>, keys: &[RunKey], queue: &Queue<Job<'a>>) -> Result<()> {
        match job {
            Job::Runs { places, looks } => self.runs(&places, &keys[places[0]], looks, queue),
            Job::Help(work) => {
                while work.help()? {}
                Ok(())
            }
            Job::Stored { place, work, checkpoint, questions } => {
                self.on_stored(place, &work, queue, || work.answer_stored(checkpoint, &questions))
            }
            Job::Joint { place, work, question, about } => {
                self.on_stored(place, &work, queue, || work.answer_joint(question, &about))
            }
        }
    }

    /// Has runs of one key loaded or trained, or comes back to them when another process is at them.
    fn runs(&self, places: &[usize], key: &RunKey, looks: u32, queue: &Queue<Job<'a>>) -> Result<()> {
        if looks == 1 {
            self.settings.tell(&Event::Waiting { run: &key.short() });
        }
        if looks > 0 {
            std::thread::sleep(training::patience(looks - 1));
        }
        for (number, &place) in places.iter().enumerate() {
            if !self.run(place, key, false, queue)? {
                // After everything else, and after those that were not looked at as often.
                let (places, looks) = (places[number..].to_vec(), looks.saturating_add(1));
                queue.push(-f64::from(looks), Job::Runs { places, looks });
                break;
            }
        }
        Ok(())
    }

    /// Has a run loaded or trained, its questions answered on the way, and asks for what is missing then; false if another process is
    /// at it and `wait` is not wanted.
    fn run(&self, place: usize, key: &RunKey, wait: bool, queue: &Queue<Job<'a>>) -> Result<bool> {
        let demand = &self.demands[place];
        let (params, settings) = (demand.params, self.settings);
        if settings.cancelled() {
            return Ok(true);
        }
        let folder = match import::folder_of(self.store, settings.jobs, params) {
            Ok(folder) => folder,
            Err(error) if error.kind() == ErrorKind::Store => return Err(error),
            Err(error) => {
                self.failed(place, key, &error);
                return Ok(true);
            }
        };
        let work = Arc::new(RunWork::recall(self.store, settings, self.ledger, demand, key, folder.clone())?);
        if !demand.questions.is_empty() {
            let known = Known::read(&folder, params)?;
            if let Some(end) = known.end(params) {
                work.recall_joint(end)?;
            }
            let end = known.end(params).unwrap_or(End::after(params, params.train.epochs));
            let (missing, asked) = (work.missing(end), demand.asked(end));
            settings.tell(&Event::Asked {
                missing: missing.count(),
                loaded: asked.saturating_sub(missing.count()),
            });
            if missing.is_empty() && known.end(params).is_some() && !demand.train && !settings.rerun {
                known.mend(&folder, params)?;
                let divergence = known.divergence(end).cloned();
                let run = RunRecord {
                    key: *key,
                    params: params.clone(),
                    outcome: divergence.map_or(Outcome::Complete, Outcome::Diverged),
                    source: Source::Loaded,
                    end,
                    history: known.history.into_iter().take(end.epoch as usize).collect(),
                    comparison: None,
                };
                self.finished(place, run, cost(params), Some(work));
                return Ok(true);
            }
        }
        let name = key.short();
        let order = Order {
            needs: &|end| work.needs(end),
            needs_together: &|end| work.needs_together(end),
            train: demand.train,
            wait,
            work: cost(params),
            ..Order::of(params, &name, settings)
        };
        let mut witness = Passing { work: &work, queue };
        let fulfilled = match training::fulfil(settings, self.store, &folder, &order, &mut witness) {
            Ok(Some(fulfilled)) => fulfilled,
            Ok(None) => return Ok(false),
            Err(error) if error.kind() == ErrorKind::Store => return Err(error),
            Err(error) => {
                self.failed(place, key, &error);
                return Ok(true);
            }
        };
        let Fulfilled { outcome, source, end, history, comparison, trained_epochs, training } = fulfilled;
        self.ledger.trained(trained_epochs, training);
        let interrupted = outcome == Outcome::Interrupted;
        let run = RunRecord { key: *key, params: params.clone(), outcome, source, end, history, comparison };
        let done = trained_epochs.min(params.train.epochs) as f64 / params.train.epochs.max(1) as f64;
        self.finished(place, run, cost(params) * (1.0 - done), Some(Arc::clone(&work)));
        if !interrupted {
            self.ask_stored(place, &work, end, queue);
        }
        Ok(true)
    }

    /// A run cannot be had.
    fn failed(&self, place: usize, key: &RunKey, error: &Error) {
        let params = self.demands[place].params;
        let outcome = Outcome::Failed { message: error.to_string(), hint: error.hint() };
        self.finished(place, RunRecord::unfinished(params, *key, outcome), cost(params), None);
    }

    /// A run is there, or failed.
    fn finished(&self, place: usize, run: RunRecord, saved: f64, work: Option<Arc<RunWork<'a>>>) {
        self.settings.tell(&Event::Finished { run: &run, saved });
        *lock(&self.slots[place]) = Slot { run: Some(run), work };
    }

    /// Asks for what is missing of a run whose checkpoints are in the store: before any other training.
    fn ask_stored(&self, place: usize, work: &Arc<RunWork<'a>>, end: End, queue: &Queue<Job<'a>>) {
        let missing = work.missing(end);
        work.open(missing.single.len() + missing.joint.len());
        for (checkpoint, questions) in missing.single {
            let work = Arc::clone(work);
            queue.push(f64::INFINITY, Job::Stored { place, work, checkpoint, questions });
        }
        for (question, about) in missing.joint {
            let work = Arc::clone(work);
            queue.push(f64::INFINITY, Job::Joint { place, work, question, about });
        }
    }

    /// Has questions answered from stored checkpoints.
    fn on_stored(
        &self,
        place: usize,
        work: &Arc<RunWork<'a>>,
        queue: &Queue<Job<'a>>,
        answer: impl FnOnce() -> Result<bool>,
    ) -> Result<()> {
        if self.settings.cancelled() {
            if let Some(run) = &mut lock(&self.slots[place]).run {
                run.outcome = Outcome::Interrupted;
            }
            queue.stop();
            return work.publish();
        }
        let there = answer()?;
        work.close()?;
        if !there {
            // A checkpoint that was there is gone, or was damaged and has been set aside: the run is asked for again.
            self.run(place, work.key(), true, queue)?;
        }
        Ok(())
    }
}
