//! The runs that a study returns.

use std::collections::BTreeSet;
use std::ops::Deref;
use std::sync::Arc;

use concertina_analysis::{Analysis, EffectiveDimension, Error as AnalysisError, Timestep};
use concertina_model::Checkpoint;
use concertina_model::network::{Network, TrainedWeights, Weights};
use concertina_model::params::{ValidParams, varied};
use concertina_model::task::{self, Ask, Task, Trials};
use concertina_model::trainer::EpochRecord;
use concertina_store::RunKey;
use concertina_table::{Scalar, Table};
use ndarray::Array3;

use crate::answer::Answers;
use crate::context::Context;
use crate::engine::{self, Demand, Question};
use crate::error::{Error, Result};
use crate::library::{history, import};
use crate::params_table;
use crate::record::{Comparison, Outcome, RunRecord, Source};
use crate::selection::CheckpointSelection;
use crate::settings::Settings;

/// A run: its parameters, how far it was trained, and access to its checkpoints.
#[derive(Debug, Clone)]
pub struct Run {
    context: Arc<Context>,
    record: RunRecord,
}

impl Run {
    /// A run with access to its checkpoints.
    pub(crate) fn new(context: Arc<Context>, record: RunRecord) -> Self {
        Self { context, record }
    }

    /// The run as plain data.
    pub fn record(&self) -> &RunRecord {
        &self.record
    }

    /// Why it has no checkpoints that can be analysed.
    pub(crate) fn failure(&self) -> Option<Error> {
        self.record.failure()
    }

    /// The error of an analysis of it that failed.
    pub(crate) fn failed_analysis(&self, error: &Error) -> Error {
        self.record.failed_analysis(error)
    }

    /// Its key: the hash of the parameters that name it.
    pub fn key(&self) -> &RunKey {
        &self.record.key
    }

    /// Its parameters.
    pub fn params(&self) -> &ValidParams {
        &self.record.params
    }

    /// Whether it was trained elsewhere.
    pub fn is_imported(&self) -> bool {
        self.record.is_imported()
    }

    /// How it ended.
    pub fn outcome(&self) -> &Outcome {
        &self.record.outcome
    }

    /// Where it came from.
    pub fn source(&self) -> Source {
        self.record.source
    }

    /// The last checkpoint that was asked for: the end of training, unless the run diverged, failed or was
    /// interrupted.
    pub fn last_checkpoint(&self) -> Checkpoint {
        self.record.last_checkpoint()
    }

    /// What was recorded during training, one entry per epoch.
    pub fn history(&self) -> &[EpochRecord] {
        &self.record.history
    }

    /// The history as a table with one row per epoch: `epoch`, `update`, `learning_rate`, losses, accuracies
    /// and the norm of the gradient, and `validation_r2` where targets are real numbers.
    ///
    /// # Errors
    /// None in practice: all columns have the same length.
    pub fn history_table(&self) -> Result<Table> {
        history::to_table(self.history())
    }

    /// What `rerun` found; `None` if it was not asked for, or the store had nothing to compare with.
    pub fn comparison(&self) -> Option<&Comparison> {
        self.record.comparison.as_ref()
    }

    /// The checkpoints of its schedule, in order.
    pub fn checkpoints(&self) -> Vec<Checkpoint> {
        CheckpointSelection::All.resolve(self.params(), self.record.end).into_iter().collect()
    }

    /// The task of its realisation.
    ///
    /// # Errors
    /// When the clusters cannot be placed.
    pub fn task(&self) -> Result<Box<dyn Task>> {
        Ok(task::of(self.params())?)
    }

    /// The weights at a checkpoint, computed again if the store does not have them.
    ///
    /// # Errors
    /// When the run has no such checkpoint, or the store cannot be read.
    pub fn weights(&self, checkpoint: Checkpoint) -> Result<Weights> {
        self.trained_weights(checkpoint).map(|weights| weights.effective())
    }

    /// The weights at a checkpoint in the form in which they are trained: with the parts of the recurrent
    /// weights in their place.
    ///
    /// # Errors
    /// As [`Run::weights`].
    pub fn trained_weights(&self, checkpoint: Checkpoint) -> Result<TrainedWeights> {
        let RunRecord { key, params, end, .. } = &self.record;
        if checkpoint.update > end.update {
            let (epoch, last, run) = (checkpoint.epoch.0, end.epoch, key.short());
            return Err(Error::NoSuchEpoch { epoch, last, run });
        }
        engine::weights(&self.context.store, &self.context.settings, params, checkpoint)
    }

    /// The network at a checkpoint.
    ///
    /// # Errors
    /// As [`Run::weights`].
    pub fn network(&self, checkpoint: Checkpoint) -> Result<Network> {
        Ok(Network::of_trained(self.params(), self.trained_weights(checkpoint)?)?)
    }

    /// The trials that analyses with this number of `samples` (at least 2) show the network, and the
    /// network's states at a checkpoint, (trials, timesteps, units). The states cover the trial, or continue
    /// with zero input up to `extend_to`. They are the states that analyses use.
    ///
    /// # Errors
    /// [`Error::Analysis`] for settings that analyses refuse; when the clusters cannot be placed; as
    /// [`Run::weights`].
    pub fn states(
        &self,
        checkpoint: Checkpoint,
        samples: usize,
        extend_to: Option<Timestep>,
    ) -> Result<(Trials, Array3<f32>)> {
        let params = self.params();
        // These settings are the same for all analyses.
        let refused = |mut error: AnalysisError| {
            match &mut error {
                AnalysisError::Parameter { analysis, parameter, hint, .. } => {
                    *analysis = "states";
                    *hint = format!("give another `{parameter}`");
                }
                AnalysisError::NotApplicable { analysis, .. } => *analysis = "states",
                _ => {}
            }
            error
        };
        EffectiveDimension { samples, extend_to, ..Default::default() }.check(params).map_err(refused)?;
        let task = task::of(params).map_err(|error| import::unplaced(params, error.into()))?;
        let trials = task.trials(Ask::Analysis { count: samples });
        let timesteps = extend_to.map_or(params.trial_steps(), Timestep::steps);
        let states = self.network(checkpoint)?.states(&trials.inputs, timesteps)?;
        Ok((trials, states))
    }

    /// Runs an analysis before and after training. If the result is in the store, it is only read.
    ///
    /// # Errors
    /// When the analysis does not apply to this run, or the store cannot be used.
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
    /// Some of the runs, in this order; `None` if there are none.
    ///
    /// # Panics
    /// If one of the places is not that of a run.
    pub fn select(&self, places: &[usize]) -> Option<Self> {
        let runs: Vec<Run> = places.iter().map(|&place| self.runs[place].clone()).collect();
        let varied = varied(runs.iter().map(Run::params));
        (!runs.is_empty()).then_some(Self { runs, varied })
    }

    /// The same runs for another request with these settings; see
    /// [`Study::with_settings`](crate::Study::with_settings).
    pub fn with_settings(&self, settings: &Settings) -> Self {
        let context = Arc::new(self.first().context.with_settings(settings.clone()));
        let runs = self.runs.iter().map(|run| Run::new(Arc::clone(&context), run.record.clone())).collect();
        Self { runs, varied: self.varied.clone() }
    }

    /// The first run. A sweep has at least one.
    pub fn first(&self) -> &Run {
        &self.runs[0]
    }

    /// The paths of the parameters that vary.
    pub fn varied(&self) -> &[&'static str] {
        &self.varied
    }

    /// Runs an analysis of all runs, before and after training: a tidy table with one row per observation.
    ///
    /// Columns: the parameters that vary, by the last part of their names; `seed`; `stage`, which is `before`
    /// training, `during` or `after` it; `epoch` and `update`; then those of the analysis. Runs without a
    /// network (failed or interrupted) have no rows.
    ///
    /// # Errors
    /// The first error of the analysis, or of the store.
    pub fn analyse(&self, analysis: &(dyn Analysis + Sync)) -> Result<Table> {
        self.analyse_at(analysis, &CheckpointSelection::Ends)
    }

    /// Runs an analysis at the checkpoints of a selection.
    ///
    /// # Errors
    /// As [`Runs::analyse`].
    pub fn analyse_at(&self, analysis: &(dyn Analysis + Sync), at: &CheckpointSelection) -> Result<Table> {
        let question = Question::of(analysis, at.clone())?;
        let asked: Vec<&Run> = self.runs.iter().filter(|run| run.record.is_there()).collect();
        let Some(context) = asked.first().map(|run| Arc::clone(&run.context)) else {
            return Err(self.first().failure().unwrap_or(Error::Interrupted));
        };
        let demands: Vec<Demand<'_>> = asked
            .iter()
            .map(|run| Demand { params: run.params(), questions: vec![&question], train: false, keep: None })
            .collect();
        self.warn_of_missing_epochs(at);
        if asked.len() < self.runs.len() {
            let (left, of) = (self.runs.len() - asked.len(), self.runs.len());
            context.warn(&format!("{left} of {of} runs failed or were interrupted, and have no rows"));
        }
        let mut all = Vec::new();
        for mut answered in engine::compute(&context.store, &context.settings, &context.seats, &demands)?.0 {
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

    /// Warns of epochs that are asked for by number but that runs which stopped early or diverged do not
    /// have: these have no rows.
    pub(crate) fn warn_of_missing_epochs(&self, at: &CheckpointSelection) {
        let Some(epoch) = at.largest_epoch() else { return };
        let ended_before = |run: &&Run| run.record.is_there() && run.record.end.epoch < epoch;
        let short: Vec<&Run> = self.runs.iter().filter(ended_before).collect();
        let Some(first) = short.first() else { return };
        let others = match short.len() - 1 {
            0 => String::new(),
            others => format!(" (and {others} more)"),
        };
        let message = format!(
            "run {}{others} ended at epoch {}, before epoch {epoch}: it has no rows for epochs after its end",
            first.key().short(),
            first.record.end.epoch
        );
        first.context.warn(&message);
    }

    /// One row per run: `key`, the parameters that vary, `seed`, `status`, `source`, `epochs`, `updates`, and
    /// the last entry of its history.
    ///
    /// # Errors
    /// None in practice: all columns have the same length.
    pub fn table(&self) -> Result<Table> {
        let mut all = Vec::with_capacity(self.runs.len());
        for RunRecord { key, params, outcome, source, end, history, .. } in self.runs.iter().map(Run::record)
        {
            let last = history.last();
            let source = (*source != Source::Nothing).then(|| source.name()).into();
            let number = |of: fn(&EpochRecord) -> Option<f64>| last.and_then(of).into();
            let mut cells: Vec<(String, Scalar)> = vec![("key".to_owned(), key.short().to_string().into())];
            cells.extend(params_table::identity(params, &self.varied));
            cells.extend([
                ("status".to_owned(), outcome.name().into()),
                ("source".to_owned(), source),
                ("epochs".to_owned(), Scalar::Integer(end.epoch as i64)),
                ("updates".to_owned(), Scalar::Integer(end.update.0 as i64)),
                ("training_loss".to_owned(), number(|record| Some(record.training_loss))),
                ("training_accuracy".to_owned(), number(|record| record.training_accuracy)),
                ("validation_loss".to_owned(), number(|record| Some(record.validation_loss))),
                ("validation_accuracy".to_owned(), number(|record| record.validation_accuracy)),
            ]);
            all.push(params_table::row(cells)?);
        }
        params_table::stack(all)
    }

    /// The keys of the runs, without repetition.
    pub fn keys(&self) -> BTreeSet<RunKey> {
        self.runs.iter().map(|run| *run.key()).collect()
    }
}
