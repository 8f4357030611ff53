//! A study: a store, a pool of threads, and what one does with them.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use concertina_analysis::AnalysisSpec;
use concertina_model::params::ValidSweep;
use concertina_store::{Finding, Incident, RUN_TABLE, RunKey, Store, StoreOptions, Usage};
use concertina_table::Table;

use crate::engine::{self, Answered, Demand, Question, lock};
use crate::error::{Error, Result};
use crate::event::{Event, Observer};
use crate::library::removal::long_enough;
use crate::library::stored::{self, StoredRun};
use crate::params_table;
use crate::run::Runs;
use crate::selection::CheckpointSelection;
use crate::settings::{Keep, Settings};

/// Most runs of a store whose run table every command keeps up to date. Arbitrary: reading so many takes a
/// few hundredths of a second.
const FEW_RUNS: usize = 500;
/// How often the run table is made again because runs change meanwhile. Arbitrary: others finish a run just
/// then each time.
const SETTLING_ATTEMPTS: usize = 8;

/// What a study and its runs have in common.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) settings: Settings,
    /// Damage that was there before, or has been told of.
    told: Arc<Mutex<BTreeSet<Incident>>>,
}

impl Shared {
    fn new(store: Store, settings: Settings) -> Result<Self> {
        let told = store.incidents()?.into_iter().collect();
        Ok(Self { store, settings, told: Arc::new(Mutex::new(told)) })
    }
}

/// A store and a pool of threads: loads what is there, trains and computes the rest.
///
/// Results depend on nothing but what is asked: not on the number of threads, the order of work, interruptions, or what the store
/// had. Cheap to clone.
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
    pub(crate) shared: Arc<Shared>,
}

/// Settings of a study that is about to be opened.
#[derive(Debug, Clone)]
#[must_use = "a study is opened by `open`"]
pub struct StudyBuilder(Settings);

impl StudyBuilder {
    /// How many runs are trained or analysed side by side; the number of cores unless given. Results do not depend on it.
    pub fn jobs(mut self, jobs: NonZeroUsize) -> Self {
        self.0.jobs = jobs.get();
        self
    }

    /// Which checkpoints the store keeps: [`Keep::All`] unless given, [`Keep::Needed`] for figures.
    pub fn keep(mut self, keep: Keep) -> Self {
        self.0.keep = Some(keep);
        self
    }

    /// Whether runs that are in the store are trained anew and compared, bit for bit; see [`Run::comparison`](crate::Run::comparison).
    pub fn rerun(mut self, rerun: bool) -> Self {
        self.0.rerun = rerun;
        self
    }

    /// Who is told what happens.
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.0.observer = observer;
        self
    }

    /// A flag that asks to stop when it is set: runs in training come to the end of their epoch and are kept.
    pub fn cancel(mut self, flag: Arc<AtomicBool>) -> Self {
        self.0.cancel = flag;
        self
    }

    /// How the store is opened: what publishing waits for, how long a silent process keeps a run.
    pub fn store_options(mut self, options: StoreOptions) -> Self {
        self.0.store = options;
        self
    }

    /// Opens the store; a folder that is empty or not there becomes one.
    ///
    /// # Errors
    /// [`Error::Store`]: the folder is something else, of a newer version, or cannot be used.
    pub fn open(self) -> Result<Study> {
        let store = self.0.store.clone().open(&self.0.root)?;
        Ok(Study { shared: Arc::new(Shared::new(store, self.0)?) })
    }

    /// Opens a store that is there, for reading and writing.
    ///
    /// # Errors
    /// As [`StudyBuilder::open`]; also if there is no store.
    pub fn open_existing(self) -> Result<Study> {
        Store::read_only(&self.0.root)?;
        self.open()
    }

    /// Opens a store whose `FORMAT` may be damaged, and writes that anew if all else looks like a store; for [`Study::repair`].
    ///
    /// # Errors
    /// As [`StudyBuilder::open_existing`].
    pub fn repair(self) -> Result<Study> {
        if self.0.root.is_dir() {
            let store = Store::repair_format(&self.0.root)?;
            return Ok(Study { shared: Arc::new(Shared::new(store, self.0)?) });
        }
        self.open_existing()
    }

    /// Opens a store for reading: nothing is created or changed.
    ///
    /// # Errors
    /// As [`StudyBuilder::open`]; also if there is no store.
    pub fn read_only(mut self) -> Result<Study> {
        self.0.read_only = true;
        let store = self.0.store.clone().read_only(true).open(&self.0.root)?;
        Ok(Study { shared: Arc::new(Shared::new(store, self.0)?) })
    }
}

/// What came of an analysis over a sweep.
#[derive(Debug)]
#[non_exhaustive]
pub struct Analysed {
    /// The runs.
    pub runs: Runs,
    /// The results, as from [`Runs::analyse`]; those that failed are left out.
    pub table: Table,
    /// What failed, with the run it is about.
    pub failures: Vec<Error>,
}

impl Study {
    /// Opens the store in a folder; one that is empty or not there becomes a store.
    ///
    /// # Errors
    /// As [`StudyBuilder::open`].
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        Self::builder(folder).open()
    }

    /// Settings, to be followed by [`StudyBuilder::open`].
    pub fn builder(folder: impl AsRef<Path>) -> StudyBuilder {
        StudyBuilder(Settings::new(folder.as_ref().to_owned()))
    }

    /// The folder of the store, as an absolute path.
    pub fn folder(&self) -> PathBuf {
        self.shared.store.root().to_owned()
    }

    /// Loads the runs of a sweep, and trains what the store does not have of them.
    ///
    /// A run that diverges or fails is among the results; see [`Run::outcome`](crate::Run::outcome).
    ///
    /// # Errors
    /// [`Error::Store`] if the store cannot be used: that ends everything.
    pub fn train(&self, sweep: &ValidSweep) -> Result<Runs> {
        let demands: Vec<Demand<'_>> =
            sweep.iter().map(|params| Demand { params, questions: Vec::new(), train: true }).collect();
        let (answered, _) = engine::compute(&self.shared, &demands)?;
        let runs = answered.into_iter().map(|answered| answered.run).collect();
        let runs = Runs { runs, varied: sweep.varied().to_vec() };
        self.after_work()?;
        Ok(runs)
    }

    /// Trains what is missing of a sweep and runs an analysis over it, at the same time.
    ///
    /// # Errors
    /// The analysis cannot be made of these runs at all; as [`Study::train`].
    pub fn analyse(
        &self,
        sweep: &ValidSweep,
        analysis: &AnalysisSpec,
        at: &CheckpointSelection,
    ) -> Result<Analysed> {
        if let Some(epoch) = at.largest_epoch()
            && let Some(params) = sweep.iter().find(|params| params.train.epochs < epoch)
        {
            let run = concertina_store::RunKey::of(&params.canonical()).short();
            return Err(Error::NoSuchEpoch { epoch, last: params.train.epochs, run });
        }
        let question = Question::of(analysis, at.clone())?;
        let demands: Vec<Demand<'_>> =
            sweep.iter().map(|params| Demand { params, questions: vec![&question], train: false }).collect();
        let (answered, _) = engine::compute(&self.shared, &demands)?;
        let mut tables = Vec::new();
        let mut failures = Vec::new();
        let mut runs = Vec::with_capacity(answered.len());
        for Answered { run, answers } in answered {
            failures.extend(run.failure());
            for answer in answers {
                failures.extend(answer.errors.iter().map(|error| run.failed_analysis(error)));
                tables.push(params_table::add_run(&answer.table, &run, sweep.varied())?);
            }
            runs.push(run);
        }
        let runs = Runs { runs, varied: sweep.varied().to_vec() };
        runs.tell_missing_epochs(at);
        self.after_work()?;
        Ok(Analysed { runs, table: params_table::stack(tables)?, failures })
    }

    /// Every run in the store, a row each: `key`, `folder`, `status`, `epochs`, `updates`; every parameter by
    /// its path; of the last epoch `training_loss`, `training_accuracy`, `validation_loss` and
    /// `validation_accuracy`; `finished` (when it was last trained, in UTC) and `wall_seconds` (how long all
    /// of its training took). What is not known of a run is null.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn run_table(&self) -> Result<Table> {
        stored::table(&self.shared.store, self.shared.settings.jobs)
    }

    /// A run in the store by the beginning of its key.
    ///
    /// # Errors
    /// [`Error::UnknownRun`], [`Error::AmbiguousRun`], [`Error::Store`].
    pub fn stored_run(&self, key: &str) -> Result<StoredRun> {
        let store = &self.shared.store;
        stored::look(store, stored::key(store, key)?)
    }

    /// The keys of all runs in the store, sorted.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn keys(&self) -> Result<Vec<RunKey>> {
        Ok(self.shared.store.keys()?)
    }

    /// Runs in the store by the beginnings of their keys, each as far as it has come: to be analysed.
    ///
    /// # Errors
    /// As [`Study::stored_run`]; [`Error::RunFailed`] if the parameters of one are damaged.
    pub fn stored_sweep<'a>(&self, keys: impl IntoIterator<Item = &'a str>) -> Result<ValidSweep> {
        let mut runs = Vec::new();
        let mut known = BTreeSet::new();
        for key in keys {
            let run = self.stored_run(key)?;
            if !known.insert(run.key) {
                self.warn(&format!("run {} is named twice, and counts once", run.key.short()));
                continue;
            }
            let (Some(params), Some(reached)) = (&run.params, run.reached) else {
                return Err(Error::RunFailed {
                    run: run.key.short(),
                    message: "its parameters are damaged or of a newer version, or nothing of it is there"
                        .to_owned(),
                    hint: Some("ask for it by its parameters: it is computed again".to_owned()),
                });
            };
            runs.push(long_enough(params, reached.epoch.0)?);
        }
        ValidSweep::of_runs(runs).ok_or_else(|| Error::UnknownRun { key: String::new() })
    }

    /// What takes how much room in the store, by kind of file and, of memoised results, by analysis.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn usage(&self) -> Result<Vec<Usage>> {
        Ok(self.shared.store.usage()?)
    }

    /// Reads every byte of the store and says what is wrong with it; changes nothing.
    ///
    /// # Errors
    /// [`Error::Store`] if the store cannot be read at all.
    pub fn verify(&self) -> Result<Vec<Finding>> {
        Ok(self.shared.store.verify()?)
    }

    /// Sets aside what [`Study::verify`] finds damaged, keeps what is whole, removes what killed processes left, and writes a damaged
    /// `FORMAT` anew; returns what was found. What was set aside is computed anew when it is asked for.
    ///
    /// # Errors
    /// [`Error::Store`] if the store cannot be read or written.
    pub fn repair(&self) -> Result<Vec<Finding>> {
        let findings = self.shared.store.repair()?;
        self.write_run_table()?;
        Ok(findings)
    }

    /// The damaged files that were found and set aside so far.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn incidents(&self) -> Result<Vec<Incident>> {
        Ok(self.shared.store.incidents()?)
    }

    /// What is left to do when runs may have changed: the run table, and a word on files that were found damaged.
    pub(crate) fn after_work(&self) -> Result<()> {
        self.write_run_table()?;
        self.tell_incidents()
    }

    /// Tells of damaged files that were found since the study was opened, each once.
    pub(crate) fn tell_incidents(&self) -> Result<()> {
        let Shared { store, told, .. } = &*self.shared;
        for incident in store.incidents()? {
            if lock(told).insert(incident.clone()) {
                let what = match &incident.set_aside {
                    Some(place) => format!("set aside as {}", place.display()),
                    None => "left where it is".to_owned(),
                };
                self.warn(&format!("damaged file, {what}: {}: {}", incident.reason, incident.path.display()));
            }
        }
        Ok(())
    }

    /// Writes `runs.csv`, the run table as a view, in a store of few runs.
    ///
    /// In a larger one looking at every run would take longer than most work: the table was taken away when
    /// the first run changed, and a listing writes it again ([`Study::list`]).
    pub(crate) fn write_run_table(&self) -> Result<()> {
        match self.shared.store.has_more_runs_than(FEW_RUNS)? {
            true => Ok(()),
            false => self.settle_run_table(self.run_table()?),
        }
    }

    /// Writes the run table unless it is there as it should be. While other processes change runs, it is made
    /// again; if they go on, it is left to them.
    pub(crate) fn settle_run_table(&self, mut table: Table) -> Result<()> {
        let store = &self.shared.store;
        for _ in 0..SETTLING_ATTEMPTS {
            let csv = stored::view(&table)?;
            if std::fs::read(store.root().join(RUN_TABLE)).is_ok_and(|there| there == csv) {
                return Ok(());
            }
            if let Err(error) = store.write_run_table(csv) {
                self.warn(&format!("the run table is not written: {error}")); // a view: nothing depends on it
                return Ok(());
            }
            let again = self.run_table()?;
            if again == table {
                return Ok(());
            }
            table = again;
        }
        Ok(store.remove_run_table()?)
    }

    pub(crate) fn warn(&self, message: &str) {
        self.shared.settings.tell(&Event::Warning { message });
    }

    /// The same study with another policy for what to keep, unless one was chosen.
    pub(crate) fn with_default_keep(&self, keep: Keep) -> Self {
        let mut settings = self.shared.settings.clone();
        settings.keep.get_or_insert(keep);
        let Shared { store, told, .. } = &*self.shared;
        Self { shared: Arc::new(Shared { store: store.clone(), settings, told: Arc::clone(told) }) }
    }
}
