//! The engine: from what is asked of which runs to tables, with as little work as possible.
//!
//! What the store remembers is read. For the rest, runs are loaded or trained, longest first, and analysed as soon as their
//! weights are there; runs of one key are one job, so nothing is done twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use concertina_analysis::{Analysis, Subject};
use concertina_model::Checkpoint;
use concertina_model::network::{Network, Weights};
use concertina_model::params::ValidParams;
use concertina_model::task::Task;
use concertina_store::{MemoKey, RunFolder, RunKey};
use concertina_table::Table;

use crate::error::{Error, ErrorKind, Result};
use crate::event::Event;
use crate::pool::{self, Queue};
use crate::run::{Outcome, Run, Source};
use crate::selection::{CheckpointSelection, End};
use crate::settings::Keep;
use crate::study::Shared;
use crate::training::{self, Fulfilled, Known, Order, id_of, weights_of};

/// Whether an analysis can be made of such runs.
type Check<'a> = dyn Fn(&ValidParams) -> Result<()> + Sync + 'a;
/// The analysis itself.
type Answer<'a> = dyn Fn(&Subject<'_>) -> Result<Table> + Sync + 'a;

/// An analysis and the checkpoints that it is to be made of.
pub(crate) struct Question<'a> {
    pub(crate) name: &'static str,
    version: u32,
    per_checkpoint: bool,
    /// Its settings in one spelling, part of the memo's key.
    settings: String,
    at: CheckpointSelection,
    check: Box<Check<'a>>,
    run: Box<Answer<'a>>,
}

impl<'a> Question<'a> {
    pub(crate) fn of<A: Analysis + Sync>(analysis: &'a A, at: CheckpointSelection) -> Result<Self> {
        Ok(Self {
            name: analysis.name(),
            version: analysis.version(),
            per_checkpoint: analysis.per_checkpoint(),
            settings: crate::spec::canonical(analysis)?,
            at,
            check: Box::new(|params| Ok(analysis.check(params)?)),
            run: Box::new(|subject| Ok(analysis.run(subject)?)),
        })
    }

    /// The portions in which the results are remembered: checkpoint by checkpoint, or all at once.
    fn portions(&self, params: &ValidParams, end: End) -> Vec<Vec<Checkpoint>> {
        let checkpoints: Vec<Checkpoint> = self.at.resolve(params, end).into_iter().collect();
        match checkpoints.is_empty() {
            true => Vec::new(),
            false if self.per_checkpoint => checkpoints.into_iter().map(|one| vec![one]).collect(),
            false => vec![checkpoints],
        }
    }

    fn memo_key(&self, run: &RunKey, portion: &[Checkpoint]) -> MemoKey {
        let ids: Vec<_> = portion.iter().copied().map(id_of).collect();
        MemoKey::of(run, &ids, self.name, self.version, &self.settings)
    }
}

/// A run, and what is asked of it.
pub(crate) struct Demand<'a> {
    pub(crate) params: &'a ValidParams,
    pub(crate) questions: Vec<&'a Question<'a>>,
    /// Whether the run is wanted for itself, too.
    pub(crate) train: bool,
}

/// A run with the answers.
pub(crate) struct Answered {
    pub(crate) run: Run,
    /// In the order of questions, and of checkpoints within each.
    pub(crate) parts: Vec<Part>,
}

/// A part of an answer.
pub(crate) struct Part {
    /// Which of the demand's questions it answers.
    pub(crate) question: usize,
    pub(crate) table: Result<Table>,
}

/// Answers to one demand, while they come in.
struct Slot {
    run: Option<Run>,
    parts: BTreeMap<(usize, usize), Result<Table>>,
}

/// Something for a thread to do.
enum Job<'a> {
    /// Runs of one key: places among the demands. They were looked at before if another process was training them.
    Runs { places: Vec<usize>, looks: u32 },
    /// Portions of answers that need the same weights.
    Portions { demand: usize, portions: Vec<Portion>, subject: Arc<Loaded<'a>> },
}

/// A portion of an answer that is not in the store.
struct Portion {
    question: usize,
    place: usize,
    checkpoints: Vec<Checkpoint>,
    key: MemoKey,
}

/// What the analyses of a run have in common.
struct Loaded<'a> {
    params: &'a ValidParams,
    task: Task,
    folder: RunFolder,
    met: BTreeMap<Checkpoint, Weights>,
}

impl Loaded<'_> {
    fn network(&self, checkpoint: Checkpoint) -> Result<Option<Network>> {
        let weights = match self.met.get(&checkpoint) {
            Some(weights) => weights.clone(),
            None => match self.folder.read_checkpoint(id_of(checkpoint))? {
                Some(tensors) => weights_of(self.params, &tensors)?,
                None => return Ok(None),
            },
        };
        Ok(Some(Network::new(self.params, weights)?))
    }
}

struct Engine<'a> {
    shared: &'a Arc<Shared>,
    demands: &'a [Demand<'a>],
    slots: Vec<Mutex<Slot>>,
    /// What ends everything: trouble with the store.
    fatal: Mutex<Option<Error>>,
}

/// Does what is asked; answers come in the order of the demands, whatever the number of threads.
///
/// A run that fails is a result. Trouble with the store ends everything.
pub(crate) fn compute<'a>(shared: &'a Arc<Shared>, demands: &'a [Demand<'a>]) -> Result<Vec<Answered>> {
    for demand in demands {
        for question in &demand.questions {
            (question.check)(demand.params)?;
        }
    }
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
    let settings = &shared.settings;
    settings.tell(&Event::Started {
        runs: demands.len(),
        work: demands.iter().map(|demand| cost(demand.params)).sum(),
    });
    let slots = demands.iter().map(|_| Mutex::new(Slot { run: None, parts: BTreeMap::new() })).collect();
    let engine = Engine { shared, demands, slots, fatal: Mutex::new(None) };
    pool::work(settings.jobs, jobs, |job, queue| {
        let done = match job {
            Job::Runs { places, looks } => engine.runs(&places, &keys[places[0]], looks, queue),
            Job::Portions { demand, portions, subject } => engine.portions(demand, portions, &subject, queue),
        };
        if let Err(error) = done {
            queue.stop();
            lock(&engine.fatal).get_or_insert(error);
        }
    });
    if let Some(error) = engine.fatal.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    let slots =
        engine.slots.into_iter().map(|slot| slot.into_inner().unwrap_or_else(PoisonError::into_inner));
    let finish = |(place, slot): (usize, Slot)| {
        let run = slot.run.unwrap_or_else(|| never_begun(shared, demands[place].params, &keys[place]));
        let parts = slot.parts.into_iter().map(|((question, _), table)| Part { question, table }).collect();
        Answered { run, parts }
    };
    Ok(slots.enumerate().map(finish).collect())
}

/// The weights of a run at a checkpoint, computed again if they are not in the store.
pub(crate) fn weights(shared: &Arc<Shared>, params: &ValidParams, checkpoint: Checkpoint) -> Result<Weights> {
    let key = RunKey::of(&params.canonical());
    let folder = shared.store.run(&key);
    if let Some(tensors) = folder.read_checkpoint(id_of(checkpoint))? {
        return weights_of(params, &tensors);
    }
    let how = How { train: false, wait: true, work: 0.0 };
    let fulfilled = fulfil(shared, params, &key, &|_| BTreeSet::from([checkpoint]), how)?;
    let met = fulfilled.map(|fulfilled| fulfilled.met).unwrap_or_default();
    match met.into_iter().find(|(one, _)| *one == checkpoint) {
        Some((_, weights)) => Ok(weights),
        None => match folder.read_checkpoint(id_of(checkpoint))? {
            Some(tensors) => weights_of(params, &tensors),
            None => Err(Error::Interrupted),
        },
    }
}

/// How a run is wanted.
struct How {
    /// For itself.
    train: bool,
    /// Even if another process trains it just now.
    wait: bool,
    /// What its training counts for in progress.
    work: f64,
}

fn fulfil(
    shared: &Shared,
    params: &ValidParams,
    key: &RunKey,
    needs: &dyn Fn(End) -> BTreeSet<Checkpoint>,
    how: How,
) -> Result<Option<Fulfilled>> {
    let settings = &shared.settings;
    let order = Order {
        params,
        name: &key.short(),
        needs,
        train: how.train,
        keep: settings.keep.unwrap_or(Keep::All),
        rerun: settings.rerun,
        wait: how.wait,
        work: how.work,
    };
    training::fulfil(settings, &shared.store, &shared.store.run(key), &order)
}

/// What training a run may cost, in multiplications or so: enough to put the longest first.
pub(crate) fn cost(params: &ValidParams) -> f64 {
    let units = params.network.units as f64;
    let samples = (3 * params.task.train_samples + params.val_samples()) as f64;
    params.train.epochs as f64 * samples * params.trial_steps() as f64 * units * units
}

/// A poisoned lock is as good as any: whoever held it has ended everything.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A run that was not begun because somebody asked to stop.
fn never_begun(shared: &Arc<Shared>, params: &ValidParams, key: &RunKey) -> Run {
    unfinished(shared, params, key, Outcome::Interrupted)
}

fn unfinished(shared: &Arc<Shared>, params: &ValidParams, key: &RunKey, outcome: Outcome) -> Run {
    Run {
        shared: Arc::clone(shared),
        key: *key,
        params: params.clone(),
        outcome,
        source: Source::Nothing,
        end: End::after(params, 0),
        history: Vec::new(),
        comparison: None,
    }
}

impl<'a> Engine<'a> {
    /// Has runs of one key loaded or trained, or comes back to them when another process is at them.
    fn runs(&self, places: &[usize], key: &RunKey, looks: u32, queue: &Queue<Job<'a>>) -> Result<()> {
        if looks == 1 {
            self.shared.settings.tell(&Event::Waiting { run: &key.short() });
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

    /// Has a run loaded or trained, and asks for the portions of its answers that are missing; false if another process is at it
    /// and `wait` is not wanted.
    fn run(&self, place: usize, key: &RunKey, wait: bool, queue: &Queue<Job<'a>>) -> Result<bool> {
        let demand = &self.demands[place];
        let (params, shared) = (demand.params, self.shared);
        let settings = &shared.settings;
        if settings.cancelled() {
            return Ok(true);
        }
        let work = cost(params);
        let folder = shared.store.run(key);
        let mut missing = None;
        if !demand.questions.is_empty() {
            let known = Known::read(&folder, params)?;
            if let Some(end) = known.end(params) {
                let asked = self.recall(place, key, end)?;
                if asked.is_empty() && !demand.train && !settings.rerun {
                    training::mend_params(&folder, params)?;
                    let divergence = known.divergence(end).cloned();
                    let run = Run {
                        shared: Arc::clone(shared),
                        key: *key,
                        params: params.clone(),
                        outcome: divergence.map_or(Outcome::Complete, Outcome::Diverged),
                        source: Source::Loaded,
                        end,
                        history: known.history.into_iter().take(end.epoch as usize).collect(),
                        comparison: None,
                    };
                    settings.tell(&Event::Finished { run: &run, saved: work });
                    lock(&self.slots[place]).run = Some(run);
                    return Ok(true);
                }
                missing = Some(asked);
            }
        }
        let needs = |end: End| -> BTreeSet<Checkpoint> {
            match &missing {
                Some(portions) => {
                    portions.iter().flat_map(|portion| portion.checkpoints.iter().copied()).collect()
                }
                None => {
                    let asked = demand.questions.iter().flat_map(|question| question.at.resolve(params, end));
                    asked.collect()
                }
            }
        };
        let fulfilled = match fulfil(shared, params, key, &needs, How { train: demand.train, wait, work }) {
            Ok(Some(fulfilled)) => fulfilled,
            Ok(None) => return Ok(false),
            Err(error) if error.kind() == ErrorKind::Store => return Err(error),
            Err(error) => {
                let outcome = Outcome::Failed { message: error.to_string(), hint: error.hint() };
                let run = unfinished(shared, params, key, outcome);
                settings.tell(&Event::Finished { run: &run, saved: work });
                lock(&self.slots[place]).run = Some(run);
                return Ok(true);
            }
        };
        let Fulfilled { outcome, source, end, history, met, comparison, trained_epochs } = fulfilled;
        let interrupted = outcome == Outcome::Interrupted;
        let run = Run {
            shared: Arc::clone(shared),
            key: *key,
            params: params.clone(),
            outcome,
            source,
            end,
            history,
            comparison,
        };
        let done = trained_epochs.min(params.train.epochs) as f64 / params.train.epochs.max(1) as f64;
        settings.tell(&Event::Finished { run: &run, saved: work * (1.0 - done) });
        lock(&self.slots[place]).run = Some(run);
        if interrupted {
            return Ok(true);
        }
        let missing = match missing {
            Some(missing) => missing,
            None => self.recall(place, key, end)?,
        };
        if missing.is_empty() {
            return Ok(true);
        }
        let subject = Arc::new(Loaded { params, task: Task::new(params)?, folder, met });
        // Portions that need the same checkpoints share the work of loading them.
        let mut together: BTreeMap<Vec<Checkpoint>, Vec<Portion>> = BTreeMap::new();
        for portion in missing {
            together.entry(portion.checkpoints.clone()).or_default().push(portion);
        }
        for portions in together.into_values() {
            // Before any other training, so that weights can be dropped.
            queue.push(
                f64::INFINITY,
                Job::Portions { demand: place, portions, subject: Arc::clone(&subject) },
            );
        }
        Ok(true)
    }

    /// Reads from the store what it remembers; returns the rest.
    fn recall(&self, place: usize, key: &RunKey, end: End) -> Result<Vec<Portion>> {
        let demand = &self.demands[place];
        let mut missing = Vec::new();
        let mut loaded = 0;
        for (number, question) in demand.questions.iter().enumerate() {
            for (order, checkpoints) in question.portions(demand.params, end).into_iter().enumerate() {
                let memo = question.memo_key(key, &checkpoints);
                match self.shared.store.memo(&memo)? {
                    Some(table) => {
                        loaded += 1;
                        lock(&self.slots[place]).parts.insert((number, order), Ok(table));
                    }
                    None => missing.push(Portion { question: number, place: order, checkpoints, key: memo }),
                }
            }
        }
        if !demand.questions.is_empty() {
            self.shared.settings.tell(&Event::Asked { missing: missing.len(), loaded });
        }
        Ok(missing)
    }

    /// Computes portions of answers and remembers them.
    fn portions(
        &self,
        place: usize,
        portions: Vec<Portion>,
        subject: &Arc<Loaded<'a>>,
        queue: &Queue<Job<'a>>,
    ) -> Result<()> {
        let settings = &self.shared.settings;
        if settings.cancelled() {
            lock(&self.slots[place]).interrupt();
            queue.stop();
            return Ok(());
        }
        let Some(first) = portions.first() else { return Ok(()) };
        let mut checkpoints = Vec::with_capacity(first.checkpoints.len());
        for &checkpoint in &first.checkpoints {
            match subject.network(checkpoint)? {
                Some(network) => checkpoints.push((checkpoint, network)),
                None => return self.again(place, subject, queue),
            }
        }
        let subject = Subject { params: subject.params, task: &subject.task, checkpoints: &checkpoints };
        let mut batch = self.shared.store.batch();
        let mut tables = Vec::with_capacity(portions.len());
        for portion in portions {
            let question = self.demands[place].questions[portion.question];
            let table = (question.run)(&subject);
            if let Ok(table) = &table {
                batch.memo(&portion.key, table)?;
            }
            settings.tell(&Event::Analysed { analysis: question.name });
            tables.push(((portion.question, portion.place), table));
        }
        batch.publish()?;
        lock(&self.slots[place]).parts.extend(tables);
        Ok(())
    }

    /// A checkpoint that was there is gone, or was damaged and has been set aside: the run is asked for again.
    fn again(&self, place: usize, subject: &Arc<Loaded<'a>>, queue: &Queue<Job<'a>>) -> Result<()> {
        self.run(place, subject.folder.key(), true, queue).map(drop)
    }
}

impl Slot {
    /// Marks the run as not analysed to its end.
    fn interrupt(&mut self) {
        if let Some(run) = &mut self.run {
            run.outcome = Outcome::Interrupted;
        }
    }
}
