//! Runs, as a study hands them out.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use concertina_analysis::Analysis;
use concertina_model::Checkpoint;
use concertina_model::network::{Network, Weights};
use concertina_model::params::ValidParams;
use concertina_model::task::Task;
use concertina_model::trainer::EpochRecord;
use concertina_store::RunKey;
use concertina_table::{Scalar, Table};

use crate::answer::Answers;
use crate::engine::{self, Demand, Question};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::params_table;
use crate::selection::{CheckpointSelection, End};
use crate::study::Shared;

/// A run: its parameters, how far it came, and a way to its checkpoints.
#[derive(Debug, Clone)]
pub struct Run {
    pub(crate) shared: Arc<Shared>,
    pub(crate) key: RunKey,
    pub(crate) params: ValidParams,
    pub(crate) outcome: Outcome,
    pub(crate) source: Source,
    pub(crate) end: End,
    pub(crate) history: Vec<EpochRecord>,
    pub(crate) comparison: Option<Comparison>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// It came to its end: the epochs asked for, or fewer if it stopped early.
    Complete,
    /// Its loss or a weight became NaN or infinite. Its checkpoints up to there are kept.
    Diverged(Divergence),
    /// It could not be trained.
    Failed {
        /// Why.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// Somebody asked to stop before it came to its end.
    Interrupted,
}

impl Outcome {
    /// `complete`, `diverged`, `failed` or `interrupted`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Diverged(_) => "diverged",
            Self::Failed { .. } => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

/// Where and how a run diverged.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Divergence {
    /// The epoch, counted from 1.
    pub epoch: u64,
    /// The update, counted from 1 over the whole of training.
    pub update: u64,
    /// The loss: `NaN` or `inf`, unless only a weight is. As text, because JSON has no such numbers.
    pub loss: String,
    /// The largest absolute weight. As text, because it may be infinite.
    pub largest_weight: String,
    /// The learning rate in force.
    pub learning_rate: f64,
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { epoch, update, loss, largest_weight, .. } = self;
        write!(
            f,
            "diverged at epoch {epoch}, update {update}: loss is {loss}, largest weight {largest_weight}"
        )
    }
}

/// Where a run came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// Nowhere: it failed, or was not begun.
    Nothing,
    /// The store had all that was asked for.
    Loaded,
    /// It was trained from its start.
    Trained,
    /// The store had fewer epochs of it, and it was trained on.
    Extended,
    /// It had been interrupted, and was trained on.
    Resumed,
    /// The store lacked checkpoints of it, which were computed again.
    Recomputed,
}

impl Source {
    /// `nothing`, `loaded`, `trained`, `extended`, `resumed` or `recomputed`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Loaded => "loaded",
            Self::Trained => "trained",
            Self::Extended => "extended",
            Self::Resumed => "resumed",
            Self::Recomputed => "recomputed",
        }
    }
}

/// What training a run anew showed, against what the store had of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// How many checkpoints were compared.
    pub checkpoints: usize,
    /// How many epochs of the history were compared.
    pub epochs: usize,
    /// Where the first difference is; `None` if all bits agree.
    pub difference: Option<Difference>,
}

/// The first place at which a run trained anew differs from the stored one.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// The array, or the column of the history.
    pub name: String,
    /// The place in it.
    pub index: Vec<usize>,
    /// What the store has.
    pub stored: f64,
    /// What training anew gave.
    pub found: f64,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { checkpoint, name, index, stored, found } = self;
        let epoch = checkpoint.epoch.0;
        write!(
            f,
            "epoch {epoch}, `{name}` at {index:?}: the store has {stored:?}, training anew gives {found:?}"
        )
    }
}

impl Run {
    /// Its key: the hash of the parameters that name it.
    pub fn key(&self) -> &RunKey {
        &self.key
    }

    /// Its parameters.
    pub fn params(&self) -> &ValidParams {
        &self.params
    }

    /// Whether it was trained elsewhere.
    pub fn is_imported(&self) -> bool {
        self.params.network.weights.is_some()
    }

    /// How it ended.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Where it came from.
    pub fn source(&self) -> Source {
        self.source
    }

    /// The last checkpoint of it that was asked for: the end of training, unless it diverged, failed or was interrupted.
    pub fn last_checkpoint(&self) -> Checkpoint {
        self.end.last(&self.params)
    }

    /// What was written down in training, an epoch an entry.
    pub fn history(&self) -> &[EpochRecord] {
        &self.history
    }

    /// What `rerun` found; `None` if it was not asked for, or the store had nothing to compare with.
    pub fn comparison(&self) -> Option<&Comparison> {
        self.comparison.as_ref()
    }

    /// The checkpoints of its schedule, in order.
    pub fn checkpoints(&self) -> Vec<Checkpoint> {
        CheckpointSelection::All.resolve(&self.params, self.end).into_iter().collect()
    }

    /// The task of its realisation.
    ///
    /// # Errors
    /// When the clusters cannot be placed.
    pub fn task(&self) -> Result<Task> {
        Ok(Task::new(&self.params)?)
    }

    /// The weights at a checkpoint, computed again if the store does not have them.
    ///
    /// # Errors
    /// When the run has no such checkpoint, or the store cannot be read.
    pub fn weights(&self, checkpoint: Checkpoint) -> Result<Weights> {
        if checkpoint.update > self.end.update {
            return Err(Error::NoSuchEpoch {
                epoch: checkpoint.epoch.0,
                last: self.end.epoch,
                run: self.key.short(),
            });
        }
        engine::weights(&self.shared, &self.params, checkpoint)
    }

    /// The network at a checkpoint.
    ///
    /// # Errors
    /// As [`Run::weights`].
    pub fn network(&self, checkpoint: Checkpoint) -> Result<Network> {
        Ok(Network::new(&self.params, self.weights(checkpoint)?)?)
    }

    /// Runs an analysis before and after training; in the store already, it is only read.
    ///
    /// # Errors
    /// When the analysis cannot be made of this run, or the store cannot be used.
    pub fn analyse<A: Answers + Sync>(&self, analysis: &A) -> Result<A::Answer> {
        self.analyse_at(analysis, &CheckpointSelection::Ends)
    }

    /// Runs an analysis at the checkpoints of a selection.
    ///
    /// # Errors
    /// As [`Run::analyse`].
    pub fn analyse_at<A: Answers + Sync>(&self, analysis: &A, at: &CheckpointSelection) -> Result<A::Answer> {
        let runs = Runs { runs: vec![self.clone()], varied: Vec::new() };
        Ok(A::answer(runs.analyse_at(analysis, at)?))
    }
}

/// Runs of a sweep, in its order. Reads like a slice of [`Run`].
#[derive(Debug, Clone)]
pub struct Runs {
    pub(crate) runs: Vec<Run>,
    pub(crate) varied: Vec<&'static str>,
}

impl Deref for Runs {
    type Target = [Run];

    fn deref(&self) -> &[Run] {
        &self.runs
    }
}

impl<'a> IntoIterator for &'a Runs {
    type Item = &'a Run;
    type IntoIter = std::slice::Iter<'a, Run>;

    fn into_iter(self) -> Self::IntoIter {
        self.runs.iter()
    }
}

impl Runs {
    /// The first run. A sweep has at least one.
    pub fn first(&self) -> &Run {
        &self.runs[0]
    }

    /// The paths of the parameters that vary.
    pub fn varied(&self) -> &[&'static str] {
        &self.varied
    }

    /// Runs an analysis before and after training, over all runs: a tidy table, a row an observation.
    ///
    /// Columns: the parameters that vary, by the last part of their names; `seed`; `stage`, which is `before` training,
    /// `during` or `after` it; `epoch` and `update`; then those of the analysis. Runs without a network (failed or
    /// interrupted) have no rows.
    ///
    /// # Errors
    /// The first error of the analysis, or of the store.
    pub fn analyse<A: Analysis + Sync>(&self, analysis: &A) -> Result<Table> {
        self.analyse_at(analysis, &CheckpointSelection::Ends)
    }

    /// Runs an analysis at the checkpoints of a selection.
    ///
    /// # Errors
    /// As [`Runs::analyse`].
    pub fn analyse_at<A: Analysis + Sync>(&self, analysis: &A, at: &CheckpointSelection) -> Result<Table> {
        let question = Question::of(analysis, at.clone())?;
        let asked: Vec<&Run> = self.runs.iter().filter(|run| run.is_there()).collect();
        let Some(shared) = asked.first().map(|run| Arc::clone(&run.shared)) else {
            return Err(self.first().failure().unwrap_or(Error::Interrupted));
        };
        let demands: Vec<Demand<'_>> = asked
            .iter()
            .map(|run| Demand { params: &run.params, questions: vec![&question], train: false })
            .collect();
        self.tell_missing_epochs(at);
        if asked.len() < self.runs.len() {
            let (left, of) = (self.runs.len() - asked.len(), self.runs.len());
            let message = format!("{left} of {of} runs failed or were interrupted, and have no rows");
            shared.settings.tell(&Event::Warning { message: &message });
        }
        let mut all = Vec::new();
        for mut answered in engine::compute(&shared, &demands)?.0 {
            if let Some(error) = answered.run.failure() {
                return Err(error);
            }
            for answer in &mut answered.answers {
                if let Some(error) = answer.errors.drain(..).next() {
                    return Err(error);
                }
                all.push(params_table::add_run(&answer.table, &answered.run, &self.varied)?);
            }
        }
        params_table::stack(all)
    }

    /// Tells of epochs that are asked for by number and that runs which stopped early or diverged do not
    /// have: they have no rows.
    pub(crate) fn tell_missing_epochs(&self, at: &CheckpointSelection) {
        let Some(epoch) = at.largest_epoch() else { return };
        let short: Vec<&Run> =
            self.runs.iter().filter(|run| run.is_there() && run.end.epoch < epoch).collect();
        let Some(first) = short.first() else { return };
        let others = match short.len() - 1 {
            0 => String::new(),
            others => format!(" (and {others} more)"),
        };
        let message = format!(
            "run {}{others} ended at epoch {}, before epoch {epoch}: it has no rows for epochs after its end",
            first.key.short(),
            first.end.epoch
        );
        first.shared.settings.tell(&Event::Warning { message: &message });
    }

    /// One row per run: `key`, the parameters that vary, `seed`, `status`, `source`, `epochs`, `updates`, and the
    /// last entry of its history.
    ///
    /// # Errors
    /// None in practice: columns have one length.
    pub fn table(&self) -> Result<Table> {
        let mut all = Vec::with_capacity(self.runs.len());
        for run in &self.runs {
            let last = run.history.last();
            let source = (run.source != Source::Nothing).then(|| run.source.name()).into();
            let number = |of: fn(&EpochRecord) -> f64| last.map(of).into();
            let mut cells: Vec<(String, Scalar)> =
                vec![("key".to_owned(), run.key.short().to_string().into())];
            cells.extend(params_table::identity(&run.params, &self.varied));
            cells.extend([
                ("status".to_owned(), run.outcome.name().into()),
                ("source".to_owned(), source),
                ("epochs".to_owned(), Scalar::Integer(run.end.epoch as i64)),
                ("updates".to_owned(), Scalar::Integer(run.end.update.0 as i64)),
                ("training_loss".to_owned(), number(|record| record.training_loss)),
                ("training_accuracy".to_owned(), number(|record| record.training_accuracy)),
                ("validation_loss".to_owned(), number(|record| record.validation_loss)),
                ("validation_accuracy".to_owned(), number(|record| record.validation_accuracy)),
            ]);
            all.push(params_table::row(cells)?);
        }
        params_table::stack(all)
    }

    /// The keys of the runs, without repetition.
    pub fn keys(&self) -> BTreeSet<RunKey> {
        self.runs.iter().map(|run| run.key).collect()
    }
}

impl Run {
    /// Whether there are checkpoints to look at.
    fn is_there(&self) -> bool {
        matches!(self.outcome, Outcome::Complete | Outcome::Diverged(_))
    }

    /// Why there is nothing to look at.
    pub(crate) fn failure(&self) -> Option<Error> {
        match &self.outcome {
            Outcome::Complete | Outcome::Diverged(_) => None,
            Outcome::Failed { message, hint } => {
                Some(Error::RunFailed { run: self.key.short(), message: message.clone(), hint: hint.clone() })
            }
            Outcome::Interrupted => Some(Error::Interrupted),
        }
    }

    /// An analysis of it failed.
    pub(crate) fn failed_analysis(&self, error: &Error) -> Error {
        Error::RunFailed { run: self.key.short(), message: error.to_string(), hint: error.hint() }
    }
}
