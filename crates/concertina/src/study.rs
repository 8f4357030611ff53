//! A study: a store and a pool of threads, and the work done with them.

mod library;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use concertina_analysis::AnalysisSpec;
use concertina_model::params::ValidSweep;
use concertina_store::{RunKey, Store, StoreOptions};
use concertina_table::Table;

use crate::context::Context;
use crate::device::DeviceChoice;
use crate::engine::{self, Answer, Answered, Demand, Missing, Question, Spent};
use crate::error::{Error, Result};
use crate::event::Observer;
use crate::params_table;
use crate::run::{Run, Runs};
use crate::selection::CheckpointSelection;
use crate::settings::{Keep, Settings};

/// A store and a pool of threads. A study loads what exists, and trains and computes the rest.
///
/// Results depend only on what is asked for, not on the number of threads, the order of work, interruptions,
/// or what the store had. A study is cheap to clone.
///
/// ```
/// use concertina::prelude::*;
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path().join("runs");
/// let mut base = Params::default();
/// base.network.units = 16;
/// base.task.input_dim = 10;
/// base.train.epochs = 2;
/// let study = Study::open(&folder)?;
/// let runs = study.train(&Sweep::of(base).gain([20.0, 250.0]).check()?)?;
/// assert_eq!(runs.len(), 2);
/// assert_eq!(runs.first().history().len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Study {
    pub(crate) context: Arc<Context>,
}

/// Settings of a study that is about to be opened.
#[derive(Debug, Clone)]
#[must_use = "a study is opened by `open`"]
pub struct StudyBuilder {
    root: PathBuf,
    store: StoreOptions,
    settings: Settings,
}

impl StudyBuilder {
    /// How many runs are trained or analysed side by side; the number of cores unless given. Results do not
    /// depend on it.
    pub fn jobs(mut self, jobs: NonZeroUsize) -> Self {
        self.settings = self.settings.jobs(jobs);
        self
    }

    /// Which checkpoints the store keeps: [`Keep::All`] unless given, [`Keep::Needed`] for figures.
    pub fn keep(mut self, keep: Keep) -> Self {
        self.settings = self.settings.keep(keep);
        self
    }

    /// Whether runs that are in the store are trained again and compared, bit-for-bit; see
    /// [`Run::comparison`](crate::Run::comparison).
    pub fn rerun(mut self, rerun: bool) -> Self {
        self.settings = self.settings.rerun(rerun);
        self
    }

    /// The observer of what happens.
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.settings = self.settings.observer(observer);
        self
    }

    /// A flag that requests a stop when it is set. Runs in training finish their current epoch and are kept.
    pub fn cancel(mut self, flag: Arc<AtomicBool>) -> Self {
        self.settings = self.settings.cancel(flag);
        self
    }

    /// A limit on the time of the work, from now on: see [`Settings::time_limit`].
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.settings = self.settings.time_limit(limit);
        self
    }

    /// The device that trains runs: see [`Settings::device`].
    pub fn device(mut self, device: DeviceChoice) -> Self {
        self.settings = self.settings.device(device);
        self
    }

    /// How the store is opened: what publishing waits for, and how long a silent process keeps its claim on a
    /// run.
    pub fn store_options(mut self, options: StoreOptions) -> Self {
        self.store = options;
        self
    }

    /// Opens the store. A folder that is empty or does not exist becomes one.
    ///
    /// # Errors
    /// [`Error::Store`] if the folder is not a store, is of a newer version, or cannot be used.
    pub fn open(self) -> Result<Study> {
        let store = self.store.open(&self.root)?;
        Ok(Study { context: Arc::new(Context::new(store, false, self.settings)?) })
    }

    /// Opens an existing store for reading and writing.
    ///
    /// # Errors
    /// As [`StudyBuilder::open`]; also if there is no store.
    pub fn open_existing(self) -> Result<Study> {
        Store::read_only(&self.root)?;
        self.open()
    }

    /// Opens a store whose `FORMAT` may be damaged, and writes that file again if everything else looks like
    /// a store. For [`Study::repair`].
    ///
    /// # Errors
    /// As [`StudyBuilder::open_existing`].
    pub fn repair(self) -> Result<Study> {
        if self.root.is_dir() {
            let store = Store::repair_format(&self.root)?;
            return Ok(Study { context: Arc::new(Context::new(store, false, self.settings)?) });
        }
        self.open_existing()
    }

    /// Opens a store for reading only. Nothing is created or changed.
    ///
    /// # Errors
    /// As [`StudyBuilder::open`]; also if there is no store.
    pub fn read_only(self) -> Result<Study> {
        let store = self.store.read_only(true).open(&self.root)?;
        Ok(Study { context: Arc::new(Context::new(store, true, self.settings)?) })
    }
}

/// A run with the answers to the questions about it, in their order.
pub(crate) type RunAnswers = (Run, Vec<Answer>);

/// The outcome of an analysis of a sweep.
#[derive(Debug)]
#[non_exhaustive]
pub struct Analysed {
    /// The runs.
    pub runs: Runs,
    /// The results, as from [`Runs::analyse`], without those that failed.
    pub table: Table,
    /// The errors, each with its run.
    pub failures: Vec<Error>,
}

impl Study {
    /// Opens the store in a folder. A folder that is empty or does not exist becomes a store.
    ///
    /// # Errors
    /// As [`StudyBuilder::open`].
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        Self::builder(folder).open()
    }

    /// Settings, to be followed by [`StudyBuilder::open`].
    pub fn builder(folder: impl AsRef<Path>) -> StudyBuilder {
        let (root, store, settings) = (folder.as_ref().to_owned(), StoreOptions::new(), Settings::default());
        StudyBuilder { root, store, settings }
    }

    /// The same open store for another request, which has its own jobs, observer and other settings, and is
    /// cancelled independently. Requests that are served at the same time share the threads: together they
    /// run as many jobs at a time as one alone.
    pub fn with_settings(&self, settings: Settings) -> Self {
        Self { context: Arc::new(self.context.with_settings(settings)) }
    }

    /// The folder of the store, as an absolute path.
    pub fn folder(&self) -> PathBuf {
        self.context.store.root().to_owned()
    }

    /// Loads the runs of a sweep, and trains what the store lacks of them.
    ///
    /// A run that diverges or fails is among the results; see [`Run::outcome`](crate::Run::outcome).
    ///
    /// # Errors
    /// [`Error::Store`] if the store cannot be used, which ends all work.
    pub fn train(&self, sweep: &ValidSweep) -> Result<Runs> {
        let demands: Vec<Demand<'_>> = sweep
            .iter()
            .map(|params| Demand { params, questions: Vec::new(), train: true, keep: None })
            .collect();
        let (answered, _) = self.answer(&demands)?;
        let runs = answered.into_iter().map(|(run, _)| run).collect();
        let runs = Runs { runs, varied: sweep.varied().to_vec() };
        self.after_work()?;
        Ok(runs)
    }

    /// The runs of a sweep of which the store lacks something that [`Study::train`] would need, with what
    /// training the rest may cost. It is for executors that split a sweep over other processes, and only
    /// reads the store. Runs that diverged are not missing; with [`StudyBuilder::rerun`] all runs are.
    ///
    /// # Errors
    /// [`Error::Store`] if the store cannot be read.
    pub fn missing(&self, sweep: &ValidSweep) -> Result<Vec<Missing>> {
        engine::missing(&self.context.store, &self.context.settings, sweep)
    }

    /// Trains what is missing of a sweep and analyses it at the same time.
    ///
    /// # Errors
    /// As [`Study::train`]; also if the analysis does not apply to these runs at all.
    pub fn analyse(
        &self,
        sweep: &ValidSweep,
        analysis: &AnalysisSpec,
        at: &CheckpointSelection,
    ) -> Result<Analysed> {
        if let Some(epoch) = at.largest_epoch()
            && let Some(params) = sweep.iter().find(|params| params.train.epochs < epoch)
        {
            let run = RunKey::of(&params.canonical()).short();
            return Err(Error::NoSuchEpoch { epoch, last: params.train.epochs, run });
        }
        let question = Question::of(analysis, at.clone())?;
        let demands: Vec<Demand<'_>> = sweep
            .iter()
            .map(|params| Demand { params, questions: vec![&question], train: false, keep: None })
            .collect();
        let (answered, _) = self.answer(&demands)?;
        let mut tables = Vec::new();
        let mut failures = Vec::new();
        let mut runs = Vec::with_capacity(answered.len());
        for (run, answers) in answered {
            failures.extend(run.failure());
            for answer in answers {
                failures.extend(answer.errors.iter().map(|error| run.failed_analysis(error)));
                tables.push(params_table::add_run(&answer.table, run.record(), sweep.varied())?);
            }
            runs.push(run);
        }
        let runs = Runs { runs, varied: sweep.varied().to_vec() };
        runs.warn_of_missing_epochs(at);
        self.after_work()?;
        Ok(Analysed { runs, table: params_table::stack(tables)?, failures })
    }

    /// Lets the engine serve the demands. The answers are in the order of the demands.
    pub(crate) fn answer(&self, demands: &[Demand<'_>]) -> Result<(Vec<RunAnswers>, Spent)> {
        let Context { store, settings, seats, .. } = &*self.context;
        let (answered, spent) = engine::compute(store, settings, seats, demands)?;
        let handle = |Answered { run, answers }| (Run::new(Arc::clone(&self.context), run), answers);
        Ok((answered.into_iter().map(handle).collect(), spent))
    }

    /// The work that remains when runs may have changed.
    pub(crate) fn after_work(&self) -> Result<()> {
        self.context.library().after_work()
    }

    /// How many threads work side by side.
    pub(crate) fn jobs(&self) -> usize {
        self.context.settings.jobs
    }

    /// The same study with another policy for what to keep, unless the user chose one.
    pub(crate) fn with_default_keep(&self, keep: Keep) -> Self {
        let mut settings = self.context.settings.clone();
        settings.keep.get_or_insert(keep);
        self.with_settings(settings)
    }
}
