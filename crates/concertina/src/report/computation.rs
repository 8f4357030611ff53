//! Computes what figures need: a table for every requirement of every recipe.

use concertina_table::Table;

use super::plan::{FigurePlan, Needed};
use crate::engine::Spent;
use crate::error::{Error, Result};
use crate::params_table;
use crate::record::Outcome;
use crate::run::{Run, Runs};
use crate::settings::Keep;
use crate::study::Study;

/// The tables that figures need.
#[derive(Debug)]
#[non_exhaustive]
pub struct Computed {
    /// The runs from which the figures are made, each once.
    pub runs: Runs,
    /// Analyses that failed.
    pub failures: Vec<Error>,
    /// The time that it took.
    pub spent: Spent,
    /// By recipe, by requirement.
    tables: Vec<Vec<Table>>,
}

impl Computed {
    /// The tables of the plan's recipe number `recipe`, in the order of its requirements.
    ///
    /// # Panics
    /// If the plan has no such recipe.
    pub fn tables(&self, recipe: usize) -> &[Table] {
        &self.tables[recipe]
    }

    /// Whether something that the figures show is missing from the tables, because a run or an analysis
    /// failed.
    pub fn is_incomplete(&self) -> bool {
        !self.failures.is_empty() || self.runs.iter().any(|run| run.failure().is_some())
    }
}

impl Study {
    /// Trains and computes what figures need.
    ///
    /// What the store has is loaded. For new runs, it keeps the results and the state to resume from, but no
    /// weights that were analysed only by themselves ([`Keep::Needed`]), unless the study was opened with
    /// another [`Keep`].
    ///
    /// # Errors
    /// [`Error::Store`]; [`Error::Interrupted`] if not everything was computed.
    pub fn compute(&self, plan: &FigurePlan) -> Result<Computed> {
        let study = self.with_default_keep(Keep::Needed);
        let questions = plan.questions()?;
        let demands = plan.demands(&questions);
        let (answered, spent) = study.answer(&demands)?;
        let mut failures = Vec::new();
        let mut runs = Vec::new();
        // By run and question.
        let mut tables: Vec<Vec<(usize, Table)>> = Vec::new();
        for ((run, answers), asked) in answered.into_iter().zip(&plan.asked) {
            failures.extend(
                answers.iter().flat_map(|answer| &answer.errors).map(|error| run.failed_analysis(error)),
            );
            tables.push(asked.iter().copied().zip(answers.into_iter().map(|answer| answer.table)).collect());
            runs.push(run);
        }
        let varied = concertina_model::params::varied(runs.iter().map(Run::params));
        let runs = Runs { runs, varied };
        study.after_work()?;
        if runs.iter().any(|run| *run.outcome() == Outcome::Interrupted) {
            return Err(Error::Interrupted);
        }
        let assembled = plan.needed.iter().map(|needed| {
            needed.iter().map(|needed| assemble(needed, &runs, &tables)).collect::<Result<Vec<_>>>()
        });
        let tables = assembled.collect::<Result<_>>()?;
        Ok(Computed { runs, failures, spent, tables })
    }
}

/// The table of a requirement.
fn assemble(needed: &Needed, runs: &[Run], tables: &[Vec<(usize, Table)>]) -> Result<Table> {
    let mut all = Vec::with_capacity(needed.parts.len());
    for part in &needed.parts {
        if let Some((_, table)) = tables[part.run].iter().find(|(question, _)| *question == needed.question) {
            let run = &runs[part.run];
            let last = run.last_checkpoint().update.0;
            all.push(params_table::add_columns(table, part.columns.clone(), last, run.is_imported())?);
        }
    }
    params_table::stack(all)
}
