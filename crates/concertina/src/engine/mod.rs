//! The engine: turns questions about runs into answers, with as little work as possible.
//!
//! What the store remembers is read. For the rest, runs are loaded or trained, longest first, and analysed as
//! soon as their weights are available. Runs with the same key are one job, so nothing is done twice.

mod devices;
mod missing;
mod notes;
mod outlook;
pub(crate) mod pool;
mod question;
mod spent;
mod standing;
mod training;
mod weights;
mod work;

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use concertina_model::Checkpoint;
use concertina_model::network::TrainedWeights;
#[cfg(feature = "gpu")]
use concertina_model::params::Arithmetic;
use concertina_model::params::ValidParams;
use concertina_numerics::kernels::with_threads;
use concertina_store::{Batch, RunFolder, RunKey, Store};

pub use self::missing::Missing;
pub(crate) use self::missing::missing;
pub(crate) use self::notes::Notes;
pub(crate) use self::outlook::{Ahead, Pace, wall_seconds};
pub(crate) use self::pool::{Seats, lock};
pub(crate) use self::question::{Answer, Answered, Demand, Question};
pub use self::spent::Spent;
pub(crate) use self::standing::lacks;
pub(crate) use self::training::patience;
pub(crate) use self::weights::weights;

use self::pool::Queue;
use self::spent::Ledger;
#[cfg(feature = "gpu")]
use self::training::Asked;
use self::training::{Made, Needs, RunRequest, Site, Witness};
use self::work::RunWork;
use crate::error::{Error, ErrorKind, Result};
use crate::event::EventKind;
use crate::library::import;
use crate::library::known::Known;
use crate::record::{Outcome, RunRecord, Source};
use crate::selection::End;
use crate::settings::Settings;

/// What has been obtained for a run so far.
#[derive(Default)]
struct Slot<'a> {
    run: Option<RunRecord>,
    work: Option<Arc<RunWork<'a>>>,
}

/// A job for a thread.
enum Job<'a> {
    /// Loads or trains runs with the same key, the shortest first. `looks` counts how often another process
    /// was found training them.
    Runs { places: Vec<usize>, looks: u32 },
    /// Loads runs, or trains them together on a GPU: groups of runs with the same key, the shortest first.
    #[cfg(feature = "gpu")]
    Cohort { groups: Vec<Vec<usize>> },
    /// Helps to analyse weights that a run in training has reached.
    Help(Arc<RunWork<'a>>),
    /// Answers questions about a stored checkpoint.
    Stored { place: usize, work: Arc<RunWork<'a>>, checkpoint: Checkpoint, questions: Vec<usize> },
    /// Answers a question about several stored checkpoints together.
    Joint { place: usize, work: Arc<RunWork<'a>>, question: usize, about: BTreeSet<Checkpoint> },
}

/// What is done with the results of the demands.
enum Results {
    /// They are the answer.
    Returned,
    /// They are published and then dropped, because others want them, and there may be many. Other processes
    /// work on the same demands: among runs that cost the same, each process has an order of its own, so that
    /// two of them rarely try the same run.
    Published(RandomState),
}

struct Engine<'a> {
    store: &'a Store,
    settings: &'a Settings,
    demands: &'a [Demand<'a>],
    /// The key of each run.
    keys: Vec<RunKey>,
    ledger: &'a Ledger,
    slots: Vec<Mutex<Slot<'a>>>,
    /// What is done with the results.
    results: Results,
    /// The portions of a large plan that other processes found done.
    notes: Option<Notes>,
    /// The error that ends all work: a problem with the store.
    fatal: Mutex<Option<Error>>,
}

/// Serves the demands. The answers are in the order of the demands, whatever the number of threads.
///
/// A run that fails is a result. A problem with the store ends all work.
pub(crate) fn compute(
    store: &Store,
    settings: &Settings,
    seats: &Seats,
    demands: &[Demand<'_>],
) -> Result<(Vec<Answered>, Spent)> {
    let ledger = Ledger::default();
    let begin = Instant::now();
    let answered = devices::on_devices(store, settings, demands, |demands| {
        let mut engine = Engine::new(store, settings, demands, &ledger, Results::Returned)?;
        engine.serve(seats);
        engine.answers()
    })?;
    Ok((answered, ledger.close(begin.elapsed())))
}

/// Serves the demands together with other processes, and keeps no results. The outcomes of the runs are in
/// the order of the demands.
///
/// # Errors
/// As [`compute`].
pub(crate) fn publish(
    store: &Store,
    settings: &Settings,
    seats: &Seats,
    demands: &[Demand<'_>],
) -> Result<Vec<RunRecord>> {
    let ledger = Ledger::default();
    let answered = devices::on_devices(store, settings, demands, |demands| {
        let results = Results::Published(RandomState::new());
        let mut engine = Engine::new(store, settings, demands, &ledger, results)?;
        engine.serve(seats);
        engine.answers()
    })?;
    Ok(answered.into_iter().map(|answered| answered.run).collect())
}

/// Checks that the questions apply to their runs, and warns where they ask for more than exists.
fn check(settings: &Settings, demands: &[Demand<'_>]) -> Result<()> {
    let mut warnings = BTreeSet::new();
    for demand in demands {
        for question in &demand.questions {
            question.check(demand.params)?;
            warnings.extend(question.lacks_trials(demand.params));
        }
    }
    warnings.iter().for_each(|message| settings.warn(message));
    Ok(())
}

/// What training a run may cost, roughly in multiplications. It is precise enough to put the longest run
/// first.
pub(crate) fn cost(params: &ValidParams) -> f64 {
    let units = params.network.units as f64;
    let samples = (3 * params.train_samples() + params.val_samples()) as f64;
    params.train.epochs as f64 * samples * params.trial_steps() as f64 * units * units
}

/// Passes the weights that training reaches on to a run's questions.
struct Passing<'w, 'a> {
    work: &'w Arc<RunWork<'a>>,
    queue: &'w Queue<Job<'a>>,
}

impl Witness for Passing<'_, '_> {
    fn needs(&self, end: End) -> Needs {
        self.work.needs(end)
    }

    fn meet(&mut self, checkpoint: Checkpoint, weights: TrainedWeights, end: End) -> Result<()> {
        self.work.meet(checkpoint, weights, end);
        if self.queue.a_thread_waits() {
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
    fn new(
        store: &'a Store,
        settings: &'a Settings,
        demands: &'a [Demand<'a>],
        ledger: &'a Ledger,
        results: Results,
    ) -> Result<Self> {
        check(settings, demands)?;
        let keys = demands.iter().map(|demand| RunKey::of(&demand.params.canonical())).collect();
        let slots = demands.iter().map(|_| Mutex::default()).collect();
        let (notes, fatal) = (None, Mutex::new(None));
        Ok(Self { store, settings, demands, keys, ledger, slots, results, notes, fatal })
    }

    /// Does all the work.
    fn serve(&mut self, seats: &Seats) {
        let jobs = self.jobs();
        let (engine, settings) = (&*self, self.settings);
        let work = self.demands.iter().map(|demand| cost(demand.params)).sum();
        settings.tell(EventKind::Started { runs: self.demands.len(), work });
        // fewer runs than threads: large products are split over threads, which does not change any bit
        let threads_of_a_run = settings.jobs / jobs.len().max(1);
        pool::work(settings.jobs, jobs, |job, queue| {
            let _seat = seats.take(settings.jobs);
            if let Err(error) = with_threads(threads_of_a_run, || engine.job(job, queue)) {
                queue.stop();
                lock(&engine.fatal).get_or_insert(error);
            }
        });
    }

    /// Runs with the same key are one job, which costs as much as the longest of them.
    fn jobs(&mut self) -> Vec<(f64, Job<'a>)> {
        let mut groups: BTreeMap<RunKey, Vec<usize>> = BTreeMap::new();
        for (place, key) in self.keys.iter().enumerate() {
            groups.entry(*key).or_default().push(place);
        }
        let demands = self.demands;
        let params = |place: usize| demands[place].params;
        let mut groups: Vec<Vec<usize>> = groups.into_values().collect();
        for group in &mut groups {
            group.sort_by_key(|&place| params(place).train.epochs);
        }
        match &self.results {
            // Among equals, the one that was asked for first comes first.
            Results::Returned => groups.sort_by_key(|group| group[0]),
            Results::Published(order) => {
                groups.sort_by_cached_key(|group| order.hash_one(self.keys[group[0]]))
            }
        }
        let (together, groups) = self.split(groups);
        let cost = |places: &[usize]| places.iter().map(|&place| cost(params(place))).fold(0.0, f64::max);
        let mut groups: Vec<_> = groups.into_iter().map(|places| (cost(&places), places)).collect();
        if let (Results::Published(order), false) = (&self.results, self.settings.rerun) {
            self.notes = Notes::new(self.store, demands, &self.keys, &mut groups, order);
        }
        let alone = groups.into_iter().map(|(cost, places)| (cost, Job::Runs { places, looks: 0 }));
        together.into_iter().chain(alone).collect()
    }

    /// Jobs of runs that are trained together, and the groups of the other runs.
    #[cfg(feature = "gpu")]
    fn split(&self, groups: Vec<Vec<usize>>) -> (Vec<(f64, Job<'a>)>, Vec<Vec<usize>>) {
        let params = |group: &Vec<usize>| self.demands[group[0]].params;
        let (together, alone): (Vec<_>, Vec<_>) =
            groups.into_iter().partition(|group| params(group).train.arithmetic == Arithmetic::Gpu);
        if together.is_empty() {
            return (Vec::new(), alone);
        }
        let together = together.into_iter().map(|group| {
            let params = params(&group);
            (group, params)
        });
        let job = |groups: Vec<Vec<usize>>| {
            let costs = groups.iter().flatten().map(|&place| cost(self.demands[place].params));
            (costs.sum(), Job::Cohort { groups })
        };
        let together = devices::cohorts(self.settings, together.collect());
        (together.into_iter().map(job).collect(), alone)
    }

    #[cfg(not(feature = "gpu"))]
    fn split(&self, groups: Vec<Vec<usize>>) -> (Vec<(f64, Job<'a>)>, Vec<Vec<usize>>) {
        (Vec::new(), groups)
    }

    /// All outcomes, in the order of the demands.
    fn answers(self) -> Result<Vec<Answered>> {
        if let Some(error) = self.fatal.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(error);
        }
        let mut all = Vec::with_capacity(self.demands.len());
        for ((demand, key), slot) in self.demands.iter().zip(self.keys).zip(self.slots) {
            let Slot { run, work } = slot.into_inner().unwrap_or_else(PoisonError::into_inner);
            let run = run.unwrap_or_else(|| RunRecord::unfinished(demand.params, key, Outcome::Interrupted));
            let answers = match work {
                Some(work) => work.answers(run.end)?,
                None => demand.questions.iter().map(|_| Answer::default()).collect(),
            };
            all.push(Answered { run, answers });
        }
        Ok(all)
    }

    fn job(&self, job: Job<'a>, queue: &Queue<Job<'a>>) -> Result<()> {
        match job {
            Job::Runs { places, looks } => self.runs(&places, looks, queue),
            #[cfg(feature = "gpu")]
            Job::Cohort { groups } => self.cohort(&groups, queue),
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

    /// Loads or trains runs with the same key, or comes back to them later if another process is training
    /// them.
    fn runs(&self, places: &[usize], looks: u32, queue: &Queue<Job<'a>>) -> Result<()> {
        if looks == 1 {
            self.settings.tell(EventKind::Waiting { run: self.keys[places[0]] });
        }
        if looks > 0 && !self.settings.cancelled() {
            std::thread::sleep(training::patience(looks - 1));
        }
        for (number, &place) in places.iter().enumerate() {
            if self.notes.as_ref().is_some_and(|notes| notes.is_done(place)) {
                let run =
                    RunRecord::unfinished(self.demands[place].params, self.keys[place], Outcome::Complete);
                let saved = cost(&run.params);
                self.finished(place, RunRecord { source: Source::Loaded, ..run }, saved, None);
                continue;
            }
            if !self.run(place, false, queue)? {
                // After everything else, and after those that were looked at less often.
                let (places, looks) = (places[number..].to_vec(), looks.saturating_add(1));
                queue.push(-f64::from(looks), Job::Runs { places, looks });
                break;
            }
        }
        Ok(())
    }

    /// Loads runs, or trains them together. The first of each group comes first, because the others continue
    /// from there.
    #[cfg(feature = "gpu")]
    fn cohort(&self, groups: &[Vec<usize>], queue: &Queue<Job<'a>>) -> Result<()> {
        let longest = groups.iter().map(Vec::len).max().unwrap_or(0);
        for number in 0..longest {
            let mut made = Vec::new();
            for &place in groups.iter().filter_map(|group| group.get(number)) {
                if let Some((folder, work)) = self.recall(place)? {
                    made.push((place, folder, work));
                }
            }
            let requests: Vec<RunRequest<'_>> = made
                .iter()
                .map(|(place, _, _)| {
                    let demand = &self.demands[*place];
                    RunRequest { work: cost(demand.params), ..demand.request(self.settings) }
                })
                .collect();
            let mut witnesses: Vec<Passing<'_, 'a>> =
                made.iter().map(|(_, _, work)| Passing { work, queue }).collect();
            let asked =
                made.iter().zip(&requests).zip(&mut witnesses).map(|(((_, folder, _), request), witness)| {
                    let site = Site { store: self.store, folder, settings: self.settings };
                    Asked { site, request, witness }
                });
            let outcomes = training::make_together(asked.collect());
            for ((place, _, work), outcome) in made.iter().zip(outcomes) {
                if !self.settle(*place, work, outcome, queue)? {
                    queue.push(-1.0, Job::Runs { places: vec![*place], looks: 1 });
                }
            }
        }
        Ok(())
    }

    /// Loads or trains a run, answers its questions on the way, and then asks for what is still missing.
    /// False if another process is training it and `wait` is false.
    fn run(&self, place: usize, wait: bool, queue: &Queue<Job<'a>>) -> Result<bool> {
        let (demand, settings) = (&self.demands[place], self.settings);
        let Some((folder, work)) = self.recall(place)? else { return Ok(true) };
        let request = RunRequest { wait, work: cost(demand.params), ..demand.request(settings) };
        let site = Site { store: self.store, folder: &folder, settings };
        let made = training::make(site, &request, &mut Passing { work: &work, queue });
        self.settle(place, &work, made, queue)
    }

    /// The folder of a run and what is to be answered about it; `None` if nothing is left to do.
    fn recall(&self, place: usize) -> Result<Option<(RunFolder, Arc<RunWork<'a>>)>> {
        let (demand, settings) = (&self.demands[place], self.settings);
        let params = demand.params;
        if settings.cancelled() {
            return Ok(None);
        }
        let folder = import::folder_of(self.store, settings.jobs, params);
        let Some(folder) = self.or_failed(place, folder)? else { return Ok(None) };
        let (key, copy) = (&self.keys[place], folder.clone());
        let work = Arc::new(RunWork::recall(self.store, settings, self.ledger, demand, key, copy)?);
        if let Some(record) = self.recalled(place, &work, &folder)? {
            self.finished(place, record, cost(params), Some(work));
            self.found_done(place);
            return Ok(None);
        }
        Ok(Some((folder, work)))
    }

    /// Records a run that was made, and asks for what is still missing. False if another process is training
    /// it.
    fn settle(
        &self,
        place: usize,
        work: &Arc<RunWork<'a>>,
        made: Result<Option<Made>>,
        queue: &Queue<Job<'a>>,
    ) -> Result<bool> {
        let params = self.demands[place].params;
        let Some(made) = self.or_failed(place, made)? else { return Ok(true) };
        let Some(Made { record, trained_epochs, training }) = made else { return Ok(false) };
        self.ledger.trained(trained_epochs, training);
        let (end, interrupted) = (record.end, record.outcome == Outcome::Interrupted);
        let complete = matches!(record.outcome, Outcome::Complete | Outcome::Diverged(_));
        if complete && work.is_published(end) {
            self.found_done(place);
        }
        let done = trained_epochs.min(params.train.epochs) as f64 / params.train.epochs.max(1) as f64;
        self.finished(place, record, cost(params) * (1.0 - done), Some(Arc::clone(work)));
        if !interrupted {
            self.ask_stored(place, work, end, queue);
        }
        Ok(true)
    }

    /// Tells other processes, in a note about its portion, that the store has everything of a demand.
    fn found_done(&self, place: usize) {
        if let Some(notes) = &self.notes {
            notes.found_done(place);
        }
    }

    /// The record of a run that only has to be analysed, if the store has the run and all the answers. Also
    /// reports how many answers the store has.
    fn recalled(&self, place: usize, work: &RunWork<'_>, folder: &RunFolder) -> Result<Option<RunRecord>> {
        let demand = &self.demands[place];
        let params = demand.params;
        if demand.questions.is_empty() {
            return Ok(None);
        }
        let known = Known::read(folder, params)?;
        if let Some(end) = known.end(params) {
            work.recall_joint(end)?;
        }
        let end = known.end(params).unwrap_or(End::after(params, params.train.epochs));
        let (missing, asked) = (work.missing(end).count(), demand.asked(end));
        let loaded = asked.saturating_sub(missing);
        self.settings.tell(EventKind::Asked { run: self.keys[place], missing, loaded });
        if missing > 0 || known.end(params).is_none() || demand.train || self.settings.rerun {
            return Ok(None);
        }
        known.restore(folder, params)?;
        let divergence = known.divergence(end).cloned();
        Ok(Some(RunRecord {
            key: self.keys[place],
            params: params.clone(),
            outcome: divergence.map_or(Outcome::Complete, Outcome::Diverged),
            source: Source::Loaded,
            end,
            history: known.history.into_iter().take(end.epoch as usize).collect(),
            comparison: None,
        }))
    }

    /// What was obtained for a run. A problem with the store ends all work; any other error makes this run
    /// fail.
    fn or_failed<T>(&self, place: usize, obtained: Result<T>) -> Result<Option<T>> {
        match obtained {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.kind() == ErrorKind::Store => Err(error),
            Err(error) => {
                let (params, key) = (self.demands[place].params, self.keys[place]);
                let outcome = Outcome::Failed { message: error.to_string(), hint: error.hint() };
                self.finished(place, RunRecord::unfinished(params, key, outcome), cost(params), None);
                Ok(None)
            }
        }
    }

    /// Records that a run is available or failed.
    fn finished(&self, place: usize, run: RunRecord, saved: f64, work: Option<Arc<RunWork<'a>>>) {
        self.settings.tell(EventKind::Finished { run: Box::new(run.clone()), saved });
        *lock(&self.slots[place]) = match &self.results {
            Results::Returned => Slot { run: Some(run), work },
            Results::Published(_) => Slot { run: Some(RunRecord { history: Vec::new(), ..run }), work: None },
        };
    }

    /// Asks for what is missing of a run whose checkpoints are in the store. These jobs come before any other
    /// training.
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

    /// Answers questions from stored checkpoints.
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
            // A checkpoint has disappeared, or was damaged and has been set aside: the run is asked for
            // again.
            self.run(place, true, queue)?;
        }
        Ok(())
    }
}
