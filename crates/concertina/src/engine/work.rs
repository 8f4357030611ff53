//! The questions about one run, answered step by step: from the store, during training, and from stored
//! checkpoints.
//!
//! Weights that training reaches are analysed immediately and dropped. The training thread analyses them
//! while all other threads are busy; an idle thread helps. Answers are published before a later state to
//! resume from, so an interruption never makes training go back for an analysis.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Condvar, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use concertina_analysis::Subject;
use concertina_model::Checkpoint;
use concertina_model::network::{Network, TrainedWeights};
use concertina_model::task::{self, Task};
use concertina_store::{Batch, RunFolder, RunKey, Store};
use concertina_table::Table;

use super::pool::lock;
use super::question::{Answer, Demand, Question};
use super::spent::Ledger;
use super::training::Needs;
use crate::error::{Error, Result};
use crate::event::EventKind;
use crate::library::UPDATE;
use crate::library::arrays::trained_weights_of;
use crate::library::import;
use crate::library::progress::id_of;
use crate::params_table;
use crate::selection::End;
use crate::settings::Settings;

/// The largest number of weights of a run in training that may wait to be analysed. Arbitrary: enough to keep
/// a helper busy, and few enough to hold in memory.
const MOST_WAITING: usize = 4;

/// Time between two publications of answers from stored checkpoints, the same as for a run in training. If
/// the process is killed, no more work than this is lost.
const INTERVAL: Duration = Duration::from_millis(700);

/// Weights that training reached, and the questions about them.
struct Portion {
    checkpoint: Checkpoint,
    weights: TrainedWeights,
    questions: Vec<usize>,
}

/// What is known of a question's answer.
#[derive(Default)]
struct Known {
    /// Rows that are in the store.
    stored: Table,
    /// The updates to which these rows belong.
    updates: BTreeSet<i64>,
    /// Rows that are not in the store yet.
    fresh: BTreeMap<Checkpoint, Table>,
    /// Checkpoints for which there is no answer, and why.
    errors: BTreeMap<Checkpoint, Error>,
    /// The answer to a question about several checkpoints together, with these checkpoints.
    joint: Option<(BTreeSet<Checkpoint>, Result<Table>)>,
}

impl Known {
    fn has(&self, checkpoint: Checkpoint) -> bool {
        self.updates.contains(&update_of(checkpoint))
            || self.fresh.contains_key(&checkpoint)
            || self.errors.contains_key(&checkpoint)
    }

    fn has_joint(&self, checkpoints: &BTreeSet<Checkpoint>) -> bool {
        self.joint.as_ref().is_some_and(|(about, _)| about == checkpoints)
    }

    fn store(&mut self, rows: &Table) -> Result<()> {
        self.updates.extend(rows.integers(UPDATE)?.into_iter().flatten());
        Ok(self.stored.append(rows)?)
    }
}

fn update_of(checkpoint: Checkpoint) -> i64 {
    checkpoint.update.0 as i64
}

struct State {
    known: Vec<Known>,
    waiting: VecDeque<Portion>,
    /// Portions that a thread is working on.
    running: usize,
    /// Jobs on stored checkpoints that are not done.
    open: usize,
    published: Instant,
}

/// The answers about a run that are missing.
#[derive(Debug, Default)]
pub(super) struct Missing {
    /// Questions about single checkpoints, by checkpoint.
    pub(super) single: BTreeMap<Checkpoint, Vec<usize>>,
    /// Questions about several checkpoints together, with these checkpoints.
    pub(super) joint: Vec<(usize, BTreeSet<Checkpoint>)>,
}

impl Missing {
    /// The number of checkpoints without an answer, summed over questions.
    pub(super) fn count(&self) -> usize {
        self.single.values().map(Vec::len).sum::<usize>()
            + self.joint.iter().map(|(_, checkpoints)| checkpoints.len()).sum::<usize>()
    }
}

/// The questions about a run, and the answers so far.
pub(super) struct RunWork<'a> {
    store: &'a Store,
    settings: &'a Settings,
    ledger: &'a Ledger,
    demand: &'a Demand<'a>,
    key: RunKey,
    folder: RunFolder,
    task: OnceLock<Box<dyn Task>>,
    without_trials: OnceLock<Box<dyn Task>>,
    state: Mutex<State>,
    changed: Condvar,
}

impl<'a> RunWork<'a> {
    /// Reads what the store remembers about single checkpoints.
    pub(super) fn recall(
        store: &'a Store,
        settings: &'a Settings,
        ledger: &'a Ledger,
        demand: &'a Demand<'a>,
        key: &RunKey,
        folder: RunFolder,
    ) -> Result<Self> {
        let mut known = Vec::with_capacity(demand.questions.len());
        for question in &demand.questions {
            let mut one = Known::default();
            if question.per_checkpoint()
                && let Some(table) = store.memo(question.memo(key, &BTreeSet::new()).key())?
            {
                one.store(&table)?;
            }
            known.push(one);
        }
        let state = State { known, waiting: VecDeque::new(), running: 0, open: 0, published: Instant::now() };
        Ok(Self {
            store,
            settings,
            ledger,
            demand,
            key: *key,
            folder,
            task: OnceLock::new(),
            without_trials: OnceLock::new(),
            state: Mutex::new(state),
            changed: Condvar::new(),
        })
    }

    /// Reads what the store remembers about several checkpoints together, for a run with this end.
    pub(super) fn recall_joint(&self, end: End) -> Result<()> {
        for (number, question) in self.demand.questions.iter().enumerate() {
            if question.per_checkpoint() {
                continue;
            }
            let about = question.checkpoints(self.demand.params, end);
            if let Some(table) = self.store.memo(question.memo(&self.key, &about).key())? {
                lock(&self.state).known[number].joint = Some((about, Ok(table)));
            }
        }
        Ok(())
    }

    /// What is missing for a run with this end.
    pub(super) fn missing(&self, end: End) -> Missing {
        let state = lock(&self.state);
        let mut missing = Missing::default();
        for (number, (question, known)) in self.demand.questions.iter().zip(&state.known).enumerate() {
            let about = question.checkpoints(self.demand.params, end);
            if about.is_empty() {
                continue;
            }
            if question.per_checkpoint() {
                for checkpoint in about.into_iter().filter(|one| !known.has(*one)) {
                    missing.single.entry(checkpoint).or_default().push(number);
                }
            } else if !known.has_joint(&about) {
                missing.joint.push((number, about));
            }
        }
        missing
    }

    /// Whether the store has every answer for a run with this end. An analysis that failed has none.
    pub(super) fn is_published(&self, end: End) -> bool {
        let state = lock(&self.state);
        self.demand.questions.iter().zip(&state.known).all(|(question, known)| {
            let about = question.checkpoints(self.demand.params, end);
            match question.per_checkpoint() {
                true => about.iter().all(|&one| known.updates.contains(&update_of(one))),
                false => about.is_empty() || matches!(&known.joint, Some((there, Ok(_))) if *there == about),
            }
        })
    }

    /// The checkpoints whose weights are needed for the missing answers. The weights before training are
    /// drawn again, so they are not needed.
    pub(super) fn needs(&self, end: End) -> Needs {
        let missing = self.missing(end);
        let together: BTreeSet<Checkpoint> = missing.joint.into_iter().flat_map(|(_, about)| about).collect();
        let mut all: BTreeSet<Checkpoint> =
            missing.single.into_keys().chain(together.iter().copied()).collect();
        all.remove(&Checkpoint::START);
        Needs { all, together }
    }

    /// Takes weights that training reached, for a run with this end as far as is known.
    pub(super) fn meet(&self, checkpoint: Checkpoint, weights: TrainedWeights, end: End) {
        let mut state = lock(&self.state);
        let asks = |number: &usize| {
            let question = self.demand.questions[*number];
            question.per_checkpoint()
                && !state.known[*number].has(checkpoint)
                && question.checkpoints(self.demand.params, end).contains(&checkpoint)
        };
        let questions: Vec<usize> = (0..self.demand.questions.len()).filter(asks).collect();
        if !questions.is_empty() {
            state.waiting.push_back(Portion { checkpoint, weights, questions });
        }
    }

    /// Whether more weights are waiting than should be.
    pub(super) fn is_behind(&self) -> bool {
        lock(&self.state).waiting.len() > MOST_WAITING
    }

    /// Analyses waiting weights; false if there are none.
    pub(super) fn help(&self) -> Result<bool> {
        let mut state = lock(&self.state);
        let Some(portion) = state.waiting.pop_front() else { return Ok(false) };
        state.running += 1;
        drop(state);
        let done = self.answer(portion.checkpoint, portion.weights, &portion.questions);
        lock(&self.state).running -= 1;
        self.changed.notify_all();
        done.map(|()| true)
    }

    /// Analyses all waiting weights, waits for helpers, and adds the answers to a batch.
    pub(super) fn hand_over(&self, batch: &mut Batch<'_>) -> Result<()> {
        while self.help()? {}
        let mut state = lock(&self.state);
        while state.running > 0 {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        drop(state);
        self.add_fresh(batch)
    }

    fn add_fresh(&self, batch: &mut Batch<'_>) -> Result<()> {
        let mut state = lock(&self.state);
        for (question, known) in self.demand.questions.iter().zip(&mut state.known) {
            if known.fresh.is_empty() {
                continue;
            }
            let rows = params_table::stack(std::mem::take(&mut known.fresh).into_values().collect())?;
            known.store(&rows)?;
            batch.memo(&question.memo(&self.key, &BTreeSet::new()), rows, UPDATE);
        }
        state.published = Instant::now();
        Ok(())
    }

    /// Counts jobs on stored checkpoints that are about to begin.
    pub(super) fn open(&self, jobs: usize) {
        lock(&self.state).open += jobs;
    }

    /// Counts a job on stored checkpoints as done. Publishes the answers after the last job, and at intervals
    /// before.
    pub(super) fn close(&self) -> Result<()> {
        let mut state = lock(&self.state);
        state.open -= 1;
        if state.open > 0 && state.published.elapsed() < INTERVAL {
            return Ok(());
        }
        drop(state);
        self.publish()
    }

    /// Publishes the answers that are not in the store yet.
    pub(super) fn publish(&self) -> Result<()> {
        let mut batch = self.store.batch();
        self.add_fresh(&mut batch)?;
        batch.publish()?;
        Ok(())
    }

    /// The weights at a stored checkpoint, or before training.
    fn weights(&self, checkpoint: Checkpoint) -> Result<Option<TrainedWeights>> {
        if let Some(tensors) = self.folder.read_checkpoint(id_of(checkpoint))? {
            return trained_weights_of(self.demand.params, &tensors).map(Some);
        }
        match checkpoint {
            Checkpoint::START => Ok(Some(TrainedWeights::draw(self.demand.params)?)),
            _ => Ok(None),
        }
    }

    /// Answers questions about a stored checkpoint; false if it is missing (or has disappeared).
    pub(super) fn answer_stored(&self, checkpoint: Checkpoint, questions: &[usize]) -> Result<bool> {
        match self.weights(checkpoint)? {
            Some(weights) => self.answer(checkpoint, weights, questions).map(|()| true),
            None => Ok(false),
        }
    }

    /// Answers a question about several stored checkpoints together; false if one is missing (or has
    /// disappeared).
    pub(super) fn answer_joint(&self, number: usize, about: &BTreeSet<Checkpoint>) -> Result<bool> {
        let params = self.demand.params;
        let mut checkpoints = Vec::with_capacity(about.len());
        for &checkpoint in about {
            let Some(weights) = self.weights(checkpoint)? else { return Ok(false) };
            checkpoints.push((checkpoint, weights));
        }
        let question = self.demand.questions[number];
        let begin = Instant::now();
        let networks =
            checkpoints.into_iter().map(|(one, weights)| Ok((one, Network::of_trained(params, weights)?)));
        let table = networks.collect::<Result<Vec<_>>>().and_then(|checkpoints| {
            question.compute(&Subject { params, task: self.task(question)?, checkpoints: &checkpoints })
        });
        about.iter().for_each(|&checkpoint| self.tell(question.name(), checkpoint, &table));
        self.ledger.analysed(question.name(), begin.elapsed());
        if let Ok(table) = &table {
            self.store.publish_memo(&question.memo(&self.key, about), table.clone(), UPDATE)?;
        }
        lock(&self.state).known[number].joint = Some((about.clone(), table));
        Ok(true)
    }

    /// Answers questions about a checkpoint with these weights.
    fn answer(&self, checkpoint: Checkpoint, weights: TrainedWeights, questions: &[usize]) -> Result<()> {
        let params = self.demand.params;
        let network = Network::of_trained(params, weights.clone()).map(|network| [(checkpoint, network)]);
        for &number in questions {
            let question = self.demand.questions[number];
            let begin = Instant::now();
            let table = match &network {
                Ok(checkpoints) => self
                    .task(question)
                    .and_then(|task| question.compute(&Subject { params, task, checkpoints })),
                Err(_) => {
                    Network::of_trained(params, weights.clone()).map(|_| Table::new()).map_err(Error::from)
                }
            };
            self.tell(question.name(), checkpoint, &table);
            self.ledger.analysed(question.name(), begin.elapsed());
            let known = &mut lock(&self.state).known[number];
            match table {
                Ok(table) => drop(known.fresh.insert(checkpoint, table)),
                Err(error) => drop(known.errors.insert(checkpoint, error)),
            }
        }
        Ok(())
    }

    fn tell(&self, analysis: &str, checkpoint: Checkpoint, table: &Result<Table>) {
        let result = table.as_ref().map(Table::row_count).map_err(Error::to_string);
        let (run, analysis) = (self.key, analysis.to_owned());
        self.settings.tell(EventKind::Analysed { run, checkpoint, analysis, result });
    }

    /// The task that gives the samples of a question. An analysis that shows no samples works even if the
    /// clusters cannot be placed.
    fn task(&self, question: &Question<'_>) -> Result<&dyn Task> {
        let params = self.demand.params;
        if !question.shows_samples() {
            return Ok(&**self.without_trials.get_or_init(|| task::without_trials(params)));
        }
        if let Some(task) = self.task.get() {
            return Ok(&**task);
        }
        let task = task::of(params).map_err(|error| import::unplaced(params, error.into()))?;
        Ok(&**self.task.get_or_init(|| task))
    }

    /// The answers about a run with this end, one per question.
    pub(super) fn answers(&self, end: End) -> Result<Vec<Answer>> {
        let mut state = lock(&self.state);
        let mut answers = Vec::with_capacity(self.demand.questions.len());
        for (question, known) in self.demand.questions.iter().zip(&mut state.known) {
            let mut answer = Answer::default();
            let about = question.checkpoints(self.demand.params, end);
            if question.per_checkpoint() {
                let asked: BTreeSet<i64> = about.iter().copied().map(update_of).collect();
                let mut rows = std::mem::take(&mut known.stored);
                if !rows.is_empty() {
                    let updates = rows.integers(UPDATE)?;
                    rows = rows.filter(|row| updates[row].is_some_and(|update| asked.contains(&update)));
                }
                let fresh = std::mem::take(&mut known.fresh);
                let mut tables = vec![rows];
                tables.extend(fresh.into_iter().filter(|(one, _)| about.contains(one)).map(|(_, rows)| rows));
                answer.table = params_table::stack(tables)?;
                if !answer.table.is_empty() {
                    answer.table = answer.table.sort_by(&[UPDATE])?;
                }
                let errors = std::mem::take(&mut known.errors);
                answer.errors =
                    errors.into_iter().filter(|(one, _)| about.contains(one)).map(|(_, e)| e).collect();
            } else {
                match known.joint.take() {
                    Some((_, Ok(table))) => answer.table = table,
                    Some((_, Err(error))) => answer.errors.push(error),
                    None => {}
                }
            }
            answers.push(answer);
        }
        Ok(answers)
    }
}
