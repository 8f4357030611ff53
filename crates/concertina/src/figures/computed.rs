//! What figures need, computed: a table for every requirement of every recipe.

use concertina_table::Table;

use super::plan::{FigurePlan, Needed};
use crate::compute::{self, Answered, Demand, Question};
use crate::error::{Error, Result};
use crate::params_table;
use crate::run::{Outcome, Run, Runs};
use crate::settings::Keep;
use crate::study::Study;

/// What figures need, computed.
#[derive(Debug)]
#[non_exhaustive]
pub struct Computed {
    /// The runs that the figures are made of, each once.
    pub runs: Runs,
    /// Analyses that failed.
    pub failures: Vec<Error>,
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

    /// Whether something that the figures show is missing from the tables: a run or an analysis failed.
    pub fn is_incomplete(&self) -> bool {
        !self.failures.is_empty() || self.runs.iter().any(|run| run.failure().is_some())
    }
}

impl Study {
    /// Trains and computes what figures need.
    ///
    /// What the store has is loaded. Of new runs it keeps only the checkpoints that the figures need, unless the study was opened
    /// with another [`Keep`].
    ///
    /// # Errors
    /// [`Error::Store`]; [`Error::Interrupted`] if not all was computed.
    pub fn compute(&self, plan: &FigurePlan) -> Result<Computed> {
        let study = self.with_default_keep(Keep::Needed);
        let questions = plan
            .questions
            .iter()
            .map(|(analysis, at)| Question::of(analysis, at.clone()))
            .collect::<Result<Vec<_>>>()?;
        let demands: Vec<Demand<'_>> = plan
            .runs
            .iter()
            .zip(&plan.asked)
            .map(|(params, asked)| Demand {
                params,
                questions: asked.iter().map(|&question| &questions[question]).collect(),
                train: false,
            })
            .collect();
        let answered = compute::compute(&study.shared, &demands)?;
        let mut failures = Vec::new();
        let mut runs = Vec::new();
        // By run and question.
        let mut tables: Vec<Vec<(usize, Table)>> = Vec::new();
        for (Answered { run, parts }, asked) in answered.into_iter().zip(&plan.asked) {
            let mut of_run: Vec<(usize, Vec<Table>)> = Vec::new();
            for part in parts {
                let question = asked[part.question];
                match part.table {
                    Err(error) => failures.push(run.failed_analysis(&error)),
                    Ok(part) => match of_run.iter_mut().find(|(known, _)| *known == question) {
                        Some((_, tables)) => tables.push(part),
                        None => of_run.push((question, vec![part])),
                    },
                }
            }
            let stacked =
                of_run.into_iter().map(|(question, parts)| Ok((question, params_table::stack(parts)?)));
            tables.push(stacked.collect::<Result<_>>()?);
            runs.push(run);
        }
        let runs = Runs { runs, varied: Vec::new() };
        study.after_work(&runs)?;
        if runs.iter().any(|run| *run.outcome() == Outcome::Interrupted) {
            return Err(Error::Interrupted);
        }
        let assembled = plan.needed.iter().map(|needed| {
            needed.iter().map(|needed| assemble(needed, &runs, &tables)).collect::<Result<Vec<_>>>()
        });
        let tables = assembled.collect::<Result<_>>()?;
        Ok(Computed { runs, failures, tables })
    }
}

/// The table of a requirement.
fn assemble(needed: &Needed, runs: &[Run], tables: &[Vec<(usize, Table)>]) -> Result<Table> {
    let mut all = Vec::with_capacity(needed.parts.len());
    for part in &needed.parts {
        if let Some((_, table)) = tables[part.run].iter().find(|(question, _)| *question == needed.question) {
            let last = runs[part.run].last_checkpoint().update.0;
            all.push(params_table::add_columns(table, part.columns.clone(), last)?);
        }
    }
    params_table::stack(all)
}
