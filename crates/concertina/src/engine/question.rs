//! Questions about runs, and their answers.

use std::collections::BTreeSet;

use concertina_analysis::{Analysis, Subject};
use concertina_model::Checkpoint;
use concertina_model::params::ValidParams;
use concertina_store::{Memo, RunKey};
use concertina_table::Table;

use super::training::RunRequest;
use crate::error::{Error, Result};
use crate::library::progress::id_of;
use crate::record::RunRecord;
use crate::selection::{CheckpointSelection, End};
use crate::settings::{Keep, Settings};

/// An analysis and the checkpoints to analyse.
pub(crate) struct Question<'a> {
    analysis: &'a (dyn Analysis + Sync),
    /// Its settings in their canonical spelling, which is part of the memo's key.
    settings: String,
    at: CheckpointSelection,
}

impl<'a> Question<'a> {
    pub(crate) fn of(analysis: &'a (dyn Analysis + Sync), at: CheckpointSelection) -> Result<Self> {
        Ok(Self { analysis, settings: crate::spec::canonical(analysis)?, at })
    }

    pub(crate) fn name(&self) -> &'static str {
        self.analysis.name()
    }

    /// Whether each checkpoint is analysed by itself.
    pub(crate) fn per_checkpoint(&self) -> bool {
        self.analysis.per_checkpoint()
    }

    /// Whether networks are shown samples of their task.
    pub(crate) fn shows_samples(&self) -> bool {
        self.analysis.shows_samples()
    }

    /// Whether it applies to runs with these parameters.
    pub(crate) fn check(&self, params: &ValidParams) -> Result<()> {
        Ok(self.analysis.check(params)?)
    }

    /// A warning if a file has fewer trials to show than the analysis asks for.
    pub(crate) fn lacks_trials(&self, params: &ValidParams) -> Option<String> {
        let there = params.task.arrays()?.validation().len();
        let asked = self.analysis.settings_value().ok()?.get("samples")?.as_u64()?;
        let (name, trials) = (self.name(), params.task.arrays()?.name());
        (asked > there as u64).then(|| {
            format!("`{name}` asks for {asked} samples, and `{trials}` has {there} trials for validation: all of them are shown")
        })
    }

    /// The answer for the checkpoints of the subject.
    pub(crate) fn compute(&self, subject: &Subject<'_>) -> Result<Table> {
        Ok(self.analysis.run(subject)?)
    }

    /// The checkpoints that it asks about, for a run with this end.
    pub(crate) fn checkpoints(&self, params: &ValidParams, end: End) -> BTreeSet<Checkpoint> {
        self.at.resolve(params, end)
    }

    /// Where answers about a run are remembered. Answers about single checkpoints share one memo, to which
    /// others are added. An answer about several checkpoints together has a memo that names them.
    pub(crate) fn memo(&self, run: &RunKey, checkpoints: &BTreeSet<Checkpoint>) -> Memo {
        let ids: Vec<_> = match self.per_checkpoint() {
            true => Vec::new(),
            false => checkpoints.iter().copied().map(id_of).collect(),
        };
        Memo::of(run, &ids, self.name(), self.analysis.version(), &self.settings)
    }

    /// The selection of checkpoints that it asks about.
    pub(crate) fn selection(&self) -> &CheckpointSelection {
        &self.at
    }

    /// What is computed, regardless of the run and the checkpoints.
    pub(crate) fn computation(&self) -> String {
        format!("{} {} {}", self.name(), self.analysis.version(), self.settings)
    }
}

/// A run, and the questions about it.
pub(crate) struct Demand<'a> {
    pub(crate) params: &'a ValidParams,
    pub(crate) questions: Vec<&'a Question<'a>>,
    /// Whether the trained run itself is wanted, too.
    pub(crate) train: bool,
    /// Which checkpoints to keep, if that differs from the settings of the request.
    pub(crate) keep: Option<Keep>,
}

impl<'a> Demand<'a> {
    /// The request for the run that this demand makes.
    pub(super) fn request(&self, settings: &Settings) -> RunRequest<'a> {
        let usual = RunRequest::of(self.params, settings);
        RunRequest { train: self.train, keep: self.keep.unwrap_or(usual.keep), ..usual }
    }

    /// How many checkpoints it asks about, summed over questions, for a run with this end.
    pub(crate) fn asked(&self, end: End) -> usize {
        self.questions.iter().map(|question| question.checkpoints(self.params, end).len()).sum()
    }
}

/// A run with the answers to the questions about it.
pub(crate) struct Answered {
    pub(crate) run: RunRecord,
    /// One per question, in their order.
    pub(crate) answers: Vec<Answer>,
}

/// The outcome of a question.
#[derive(Default)]
pub(crate) struct Answer {
    /// The rows of the checkpoints for which it could be answered, in their order.
    pub(crate) table: Table,
    /// Why it could not be answered for the others.
    pub(crate) errors: Vec<Error>,
}
