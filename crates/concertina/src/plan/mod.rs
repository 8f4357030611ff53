//! Plans: what is asked for as a file, for workers that run elsewhere.

mod file;
mod scratch;
mod worker;

use std::collections::HashMap;

use concertina_analysis::AnalysisSpec;
use concertina_model::params::{ValidParams, ValidSweep};
use concertina_store::RunKey;

pub use worker::{Standing, Worked};

use crate::engine::{Demand, Question};
use crate::error::{Error, Result};
use crate::report::FigurePlan;
use crate::selection::CheckpointSelection;
use crate::settings::Keep;

/// Runs, and the analyses that are asked for of each: what a command would train and compute, as data.
///
/// A plan can be written to a file ([`Study::write_plan`](crate::Study::write_plan)). Any number of processes
/// can read it ([`Study::read_plans`](crate::Study::read_plans)) and work on it together
/// ([`Study::work`](crate::Study::work)).
///
/// ```
/// use concertina::WorkPlan;
/// use concertina::prelude::*;
/// # let folder = tempfile::tempdir()?;
/// # let (store, file) = (folder.path().join("runs"), folder.path().join("gains.plan"));
/// # let mut base = Params::default();
/// # (base.network.units, base.task.input_dim, base.train.epochs) = (16, 6, 1);
/// # (base.task.clusters, base.task.train_samples) = (8, 40);
/// let sweep = Sweep::of(base).gain([20.0, 250.0]).check()?;
/// let study = Study::open(&store)?;
/// study.write_plan(&WorkPlan::of_training(&sweep, None), &file)?;
/// // in any number of other processes
/// let worked = study.work(&study.read_plans([&file])?)?;
/// assert_eq!((worked.runs, worked.unfinished), (2, 0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WorkPlan {
    /// Analyses and the checkpoints to analyse, each once.
    questions: Vec<(AnalysisSpec, CheckpointSelection)>,
    runs: Vec<PlannedRun>,
}

/// A run of a plan.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PlannedRun {
    params: ValidParams,
    /// Places among the questions.
    questions: Vec<usize>,
    /// Whether the trained run itself is wanted.
    train: bool,
    /// Which checkpoints to keep.
    keep: Keep,
}

impl WorkPlan {
    /// The runs of a sweep, to be trained.
    pub fn of_training(sweep: &ValidSweep, keep: Option<Keep>) -> Self {
        let run = |params: &ValidParams| PlannedRun {
            params: params.clone(),
            questions: Vec::new(),
            train: true,
            keep: keep.unwrap_or_default(),
        };
        Self { questions: Vec::new(), runs: sweep.iter().map(run).collect() }
    }

    /// An analysis of the runs of a sweep.
    ///
    /// # Errors
    /// If the analysis does not apply to these runs, or they have fewer epochs than are asked for.
    pub fn of_analysis(
        sweep: &ValidSweep,
        analysis: &AnalysisSpec,
        at: &CheckpointSelection,
        keep: Option<Keep>,
    ) -> Result<Self> {
        if let Some(epoch) = at.largest_epoch()
            && let Some(params) = sweep.iter().find(|params| params.train.epochs < epoch)
        {
            let run = RunKey::of(&params.canonical()).short();
            return Err(Error::NoSuchEpoch { epoch, last: params.train.epochs, run });
        }
        let run = |params: &ValidParams| PlannedRun {
            params: params.clone(),
            questions: vec![0],
            train: false,
            keep: keep.unwrap_or_default(),
        };
        let plan =
            Self { questions: vec![(analysis.clone(), at.clone())], runs: sweep.iter().map(run).collect() };
        plan.check()?;
        Ok(plan)
    }

    /// What figures need. What to keep is [`Keep::Needed`] unless it is given.
    ///
    /// # Errors
    /// If an analysis does not apply to its runs.
    pub fn of_figures(plan: &FigurePlan, keep: Option<Keep>) -> Result<Self> {
        let run = |(params, asked): (&ValidParams, &Vec<usize>)| PlannedRun {
            params: params.clone(),
            questions: asked.clone(),
            train: false,
            keep: keep.unwrap_or(Keep::Needed),
        };
        let runs = plan.runs.iter().zip(&plan.asked).map(run).collect();
        let plan = Self { questions: plan.questions.clone(), runs };
        plan.check()?;
        Ok(plan)
    }

    /// Several plans as one. A run that several of them ask for in the same way is one run.
    pub(crate) fn join(plans: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Self::default();
        let mut places: HashMap<String, usize> = HashMap::new();
        for plan in plans {
            let mut question_at = Vec::with_capacity(plan.questions.len());
            for question in plan.questions {
                let known = all.questions.iter().position(|known| *known == question);
                question_at.push(known.unwrap_or(all.questions.len()));
                if known.is_none() {
                    all.questions.push(question);
                }
            }
            for mut run in plan.runs {
                run.questions.iter_mut().for_each(|question| *question = question_at[*question]);
                let train = &run.params.train;
                let name = format!(
                    "{}{} {:?} {:?} {:?} {}",
                    run.params.canonical(),
                    train.epochs,
                    train.saves_per_epoch,
                    train.stop_after,
                    run.keep,
                    run.train,
                );
                match places.get(&name) {
                    Some(&place) => {
                        let known = &mut all.runs[place].questions;
                        run.questions.retain(|question| !known.contains(question));
                        known.extend(run.questions);
                    }
                    None => {
                        places.insert(name, all.runs.len());
                        all.runs.push(run);
                    }
                }
            }
        }
        all
    }

    /// The number of runs.
    pub fn len(&self) -> usize {
        self.runs.len()
    }

    /// Whether there are no runs.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// The parameters of each run.
    pub fn runs(&self) -> impl ExactSizeIterator<Item = &ValidParams> + Clone {
        self.runs.iter().map(|run| &run.params)
    }

    /// How many analyses of runs are asked for. One analysis may look at several checkpoints.
    pub fn analyses(&self) -> usize {
        self.runs.iter().map(|run| run.questions.len()).sum()
    }

    fn check(&self) -> Result<()> {
        let questions = self.questions()?;
        let check = |demand: &Demand<'_>| {
            demand.questions.iter().try_for_each(|question| question.check(demand.params))
        };
        self.demands(&questions).iter().try_for_each(check)
    }

    /// The questions to be answered.
    pub(crate) fn questions(&self) -> Result<Vec<Question<'_>>> {
        self.questions.iter().map(|(analysis, at)| Question::of(analysis, at.clone())).collect()
    }

    /// The questions about each run.
    pub(crate) fn demands<'a>(&'a self, questions: &'a [Question<'a>]) -> Vec<Demand<'a>> {
        let demand = |run: &'a PlannedRun| Demand {
            params: &run.params,
            questions: run.questions.iter().map(|&question| &questions[question]).collect(),
            train: run.train,
            keep: Some(run.keep),
        };
        self.runs.iter().map(demand).collect()
    }
}
