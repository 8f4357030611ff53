//! A study as a library of runs: what its store holds, and how runs are listed, imported, exported, merged
//! and removed.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use concertina_analysis::Analysis;
use concertina_model::Checkpoint;
use concertina_model::network::{Network, TrainedWeights};
use concertina_model::params::{TrialsName, ValidSweep};
use concertina_model::task::TrialArrays;
use concertina_store::{Finding, Incident, Removal, RunKey, Usage};
use concertina_table::{Condition, Table};

use super::Study;
use crate::engine::Question;
use crate::error::{Error, Result};
use crate::hint::Hint;
use crate::library::Library;
use crate::library::arrays::trained_weights_of;
use crate::library::export::Exported;
use crate::library::import::{Import, Imported, ReadImport};
use crate::library::listing::RunListing;
use crate::library::merge::Merged;
use crate::library::progress::id_of;
use crate::library::removal::{Collected, Garbage, long_enough};
use crate::library::stored::{self, StoredRun};
use crate::library::trials::KeptTrials;
use crate::library::watch::RunWatch;
use crate::selection::CheckpointSelection;

impl Study {
    fn library(&self) -> Library<'_> {
        self.context.library()
    }

    /// Every run in the store, one row per run: `key`, `folder`, `status`, `epochs`, `updates`; every
    /// parameter by its path; `training_loss`, `training_accuracy`, `validation_loss` and
    /// `validation_accuracy` of the last epoch; `finished` (when it was last trained, in UTC) and
    /// `wall_seconds` (how long all of its training took). What is not known about a run is null.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn run_table(&self) -> Result<Table> {
        self.library().run_table()
    }

    /// The run table for a program that shows it while runs are trained elsewhere. See [`RunWatch`].
    pub fn watch_runs(&self) -> RunWatch {
        RunWatch::new(self.context.store.clone(), self.context.settings.jobs)
    }

    /// A run in the store by the beginning of its key.
    ///
    /// # Errors
    /// [`Error::UnknownRun`], [`Error::AmbiguousRun`], [`Error::Store`].
    pub fn stored_run(&self, key: &str) -> Result<StoredRun> {
        let store = &self.context.store;
        stored::look(store, stored::key(store, key)?)
    }

    /// What the store remembers of an analysis of a run that looks at each checkpoint by itself: the rows of
    /// all checkpoints that were analysed with the same settings, in order of `update`. `None` if there are
    /// none.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn stored_results(&self, run: &StoredRun, analysis: &(dyn Analysis + Sync)) -> Result<Option<Table>> {
        let question = Question::of(analysis, CheckpointSelection::Ends)?;
        if !question.per_checkpoint() {
            return Ok(None);
        }
        let memo = question.memo(&run.key, &BTreeSet::new());
        Ok(self.context.store.memo(memo.key())?)
    }

    /// The network of a run at a checkpoint that the store has; before training it is drawn from the
    /// parameters. `None` if the store has neither the checkpoint nor the parameters. Nothing is trained.
    ///
    /// # Errors
    /// [`Error::Store`]; [`Error::StoredWeights`] if the arrays do not fit the parameters.
    pub fn stored_network(&self, run: &StoredRun, checkpoint: Checkpoint) -> Result<Option<Network>> {
        let Some(params) = &run.params else { return Ok(None) };
        let folder = self.context.store.run(&run.key);
        let weights = match folder.read_checkpoint(id_of(checkpoint))? {
            Some(tensors) => trained_weights_of(params, &tensors)?,
            None if checkpoint == Checkpoint::START && params.network.weights.is_none() => {
                TrainedWeights::draw(params)?
            }
            None => return Ok(None),
        };
        Ok(Some(Network::of_trained(params, weights)?))
    }

    /// The trials of this name, which were made elsewhere and used to train runs in the store; `None` if the
    /// store does not have them.
    pub fn trials(&self, name: TrialsName) -> Option<Arc<TrialArrays>> {
        KeptTrials::of(&self.context.store).find(name)
    }

    /// The keys of all runs in the store, sorted.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn keys(&self) -> Result<Vec<RunKey>> {
        Ok(self.context.store.keys()?)
    }

    /// Runs in the store by the beginnings of their keys, each as far as it has been trained, to be analysed.
    ///
    /// # Errors
    /// As [`Study::stored_run`]; [`Error::RunFailed`] if the parameters of one are damaged.
    pub fn stored_sweep<'a>(&self, keys: impl IntoIterator<Item = &'a str>) -> Result<ValidSweep> {
        let mut runs = Vec::new();
        let mut known = BTreeSet::new();
        for key in keys {
            let run = self.stored_run(key)?;
            if !known.insert(run.key) {
                self.context.warn(&format!("run {} is named twice, and counts once", run.key.short()));
                continue;
            }
            let (Some(params), Some(reached)) = (&run.params, run.reached) else {
                return Err(Error::RunFailed {
                    run: run.key.short(),
                    message:
                        "its parameters are damaged or of a newer version, or the store has nothing of it"
                            .to_owned(),
                    hint: Some(Hint::text("ask for it by its parameters, and it is computed again")),
                });
            };
            runs.push(long_enough(params, reached.epoch.0)?);
        }
        ValidSweep::of_runs(runs).ok_or_else(|| Error::UnknownRun { key: String::new() })
    }

    /// How much space the store takes, by kind of file and, for memoised results, by analysis.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn usage(&self) -> Result<Vec<Usage>> {
        Ok(self.context.store.usage()?)
    }

    /// Reads every byte of the store and reports what is wrong with it. Nothing is changed.
    ///
    /// # Errors
    /// [`Error::Store`] if the store cannot be read at all.
    pub fn verify(&self) -> Result<Vec<Finding>> {
        Ok(self.context.store.verify()?)
    }

    /// Sets aside what [`Study::verify`] finds damaged, keeps what is whole, removes what killed processes
    /// left, and writes a damaged `FORMAT` again. Returns what was found. What was set aside is computed
    /// again when it is asked for.
    ///
    /// # Errors
    /// [`Error::Store`] if the store cannot be read or written.
    pub fn repair(&self) -> Result<Vec<Finding>> {
        let findings = self.context.store.repair()?;
        self.library().write_run_table()?;
        Ok(findings)
    }

    /// The damaged files that were found and set aside so far.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn incidents(&self) -> Result<Vec<Incident>> {
        Ok(self.context.store.incidents()?)
    }

    /// The run table as a [`RunListing`] asks for it. If `runs.csv` was removed because runs changed, it is
    /// written again.
    ///
    /// # Errors
    /// [`Error::Store`]; a column that the run table does not have.
    pub fn list(&self, listing: &RunListing) -> Result<Table> {
        self.library().list(listing)
    }

    /// The runs in the store that fulfil a condition, by key.
    ///
    /// # Errors
    /// [`Error::Store`]; a column that the run table does not have.
    pub fn keys_where(&self, condition: &Condition) -> Result<Vec<RunKey>> {
        self.library().keys_where(condition)
    }

    /// The run in the store whose key begins with these digits.
    ///
    /// # Errors
    /// [`Error::UnknownRun`], [`Error::AmbiguousRun`], [`Error::Store`].
    pub fn key_of_run(&self, beginning: &str) -> Result<RunKey> {
        self.library().key_of_run(beginning)
    }

    /// Removes runs and the results of their analyses. Runs that are being trained stay.
    ///
    /// # Errors
    /// [`Error::Store`]: what was removed before the error is gone.
    pub fn remove(&self, runs: &[RunKey], removal: Removal) -> Result<Vec<Collected>> {
        self.library().remove(runs, removal)
    }

    /// Removes what will not be asked for again: results of analyses in earlier versions than this program
    /// computes, or of runs that are gone; empty folders of runs; what killed processes left; and what
    /// `garbage` names.
    ///
    /// Results of analyses that it does not know stay, unless `garbage` says otherwise. They are returned,
    /// too, with the reason why they stay.
    ///
    /// # Errors
    /// [`Error::Store`]: what was removed before the error is gone.
    pub fn collect(&self, garbage: &Garbage, removal: Removal) -> Result<Vec<Collected>> {
        self.library().collect(garbage, removal)
    }

    /// Takes every run and every result of another store that this one does not have. What both have is
    /// compared, bit-for-bit. The other store is only read.
    ///
    /// # Errors
    /// [`Error::Store`], for either store: what was taken before the error is complete.
    pub fn merge(&self, other: &Study) -> Result<Vec<Merged>> {
        self.library().merge(&other.library())
    }

    /// Writes a run as an archive that `numpy.load` reads.
    ///
    /// It holds, for the checkpoints of the selection that the store has: `epoch` and `update`,
    /// (checkpoints); every array of weights under its name, stacked: `input_weights` (checkpoints,
    /// input_dim, units), `recurrent_weights` (checkpoints, units, units), `bias` (checkpoints, units),
    /// `readout_weights` (checkpoints, units, outputs), `readout_bias` (checkpoints, outputs). States are row
    /// vectors: a state `h` becomes `tanh(h @ recurrent_weights + x @ input_weights + bias)`. It also holds
    /// the history, `history/epoch`, `history/training_loss` and so on, (epochs), and the parameters as text,
    /// `params.json`.
    ///
    /// # Errors
    /// [`Error::NothingToExport`] without a checkpoint; [`Error::Write`], also if the file exists;
    /// [`Error::Store`].
    pub fn export(&self, run: &RunKey, selection: &CheckpointSelection, file: &Path) -> Result<Exported> {
        self.library().export(run, selection, file)
    }

    /// Writes runs into a new or empty folder: one archive per run, as [`Study::export`] does, and
    /// `runs.csv`, with one row per run that has the name of its `file`, its key, its status and every
    /// parameter.
    ///
    /// # Errors
    /// As [`Study::export`].
    pub fn export_all(
        &self,
        runs: &[RunKey],
        selection: &CheckpointSelection,
        folder: &Path,
    ) -> Result<Vec<Exported>> {
        self.library().export_all(runs, selection, folder)
    }

    /// Keeps weights from elsewhere as a run, so that they can be analysed and drawn like any other. The run
    /// is not trained here.
    ///
    /// # Errors
    /// [`Error::Arrays`] and [`Error::Import`] say what is wrong with the file; a parameter that does not fit
    /// the weights; [`Error::Store`].
    pub fn import(&self, import: &Import) -> Result<Imported> {
        self.library().import(import)
    }

    /// Keeps a network that was read.
    ///
    /// # Errors
    /// [`Error::Import`] if the store has the same networks with another number of epochs between them;
    /// [`Error::Store`].
    pub fn import_read(&self, read: ReadImport) -> Result<Imported> {
        self.library().import_read(read)
    }
}
