//! Figures: from recipes to runs and analyses, and from their tables to files.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use concertina_analysis::AnalysisSpec;
use concertina_figures::{Checkpoints, RECIPES, Recipe, Requirement, SeedChoice, Theme};
use concertina_model::params::{Params, ValidParams, parameter};
use concertina_table::{Scalar, Table};

use crate::compute::{self, Answered, Demand, Question, lock};
use crate::error::{Error, Result};
use crate::params_table;
use crate::pool;
use crate::run::{Run, Runs};
use crate::selection::CheckpointSelection;
use crate::settings::Keep;
use crate::spec;
use crate::study::Study;

/// Figures that are drawn when none are named, of those that there are recipes for.
const USUAL: [&str; 5] = ["fig1", "fig2", "fig3", "fig4", "fig5a"];

/// Recipes by the names of their figures; if none are named, Figures 1 to 5a.
///
/// # Errors
/// [`Error::Figures`] with the nearest name.
pub fn recipes<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Vec<Recipe>> {
    let mut recipes: Vec<Recipe> = Vec::new();
    for name in names {
        let recipe = Recipe::shipped(name)?;
        if !recipes.iter().any(|known| known.figure == recipe.figure) {
            recipes.push(recipe);
        }
    }
    if recipes.is_empty() {
        let usual = RECIPES.iter().filter(|(name, _)| USUAL.contains(name));
        recipes = usual.map(|(name, _)| Recipe::shipped(name)).collect::<Result<_, _>>()?;
    }
    Ok(recipes)
}

/// Every recipe that comes with the program.
///
/// # Errors
/// None in practice: they are tested.
pub fn all_recipes() -> Result<Vec<Recipe>> {
    Ok(RECIPES.iter().map(|(name, _)| Recipe::shipped(name)).collect::<Result<_, _>>()?)
}

/// What some figures need: runs, each once, and what is to be computed from them.
#[derive(Debug)]
pub struct FigurePlan {
    recipes: Vec<Recipe>,
    runs: Vec<ValidParams>,
    /// Each run's analyses, as places among `questions`.
    asked: Vec<Vec<usize>>,
    questions: Vec<(AnalysisSpec, CheckpointSelection)>,
    /// By recipe, by requirement.
    needed: Vec<Vec<Needed>>,
}

/// Where the table of a requirement comes from.
#[derive(Debug)]
struct Needed {
    question: usize,
    parts: Vec<NeededRun>,
}

/// A run of a requirement, with the columns that tell it from the others.
#[derive(Debug, PartialEq)]
struct NeededRun {
    run: usize,
    columns: Vec<(String, Scalar)>,
}

/// What came of drawing.
#[derive(Debug)]
#[non_exhaustive]
pub struct Drawn {
    /// The runs that the figures are made of.
    pub runs: Runs,
    /// The files that were written.
    pub files: Vec<PathBuf>,
    /// What could not be drawn and why, by figure and panel.
    pub problems: Vec<String>,
    /// Analyses that failed.
    pub failures: Vec<Error>,
}

impl FigurePlan {
    /// Works out what recipes need, with these seeds, and these overrides (`name=value`) over every run.
    ///
    /// # Errors
    /// A parameter, an analysis or an override that cannot be.
    pub fn new<'a>(
        recipes: Vec<Recipe>,
        seeds: &SeedChoice,
        overrides: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self> {
        let overrides: Vec<(&str, &str)> = overrides
            .into_iter()
            .map(|text| {
                text.split_once('=')
                    .ok_or_else(|| concertina_model::Error::NotAnAssignment { text: text.to_owned() })
            })
            .collect::<Result<_, _>>()?;
        let mut plan = Self {
            recipes: Vec::new(),
            runs: Vec::new(),
            asked: Vec::new(),
            questions: Vec::new(),
            needed: Vec::new(),
        };
        let mut known = HashMap::new();
        for recipe in &recipes {
            let needed = recipe
                .requirements()
                .iter()
                .map(|requirement| plan.add(recipe, requirement, seeds, &overrides, &mut known))
                .collect::<Result<Vec<_>>>()?;
            plan.needed.push(needed);
        }
        plan.recipes = recipes;
        Ok(plan)
    }

    fn add(
        &mut self,
        recipe: &Recipe,
        requirement: &Requirement,
        seeds: &SeedChoice,
        overrides: &[(&str, &str)],
        known: &mut HashMap<String, usize>,
    ) -> Result<Needed> {
        let analysis = spec::from_table(requirement.analysis.clone())?;
        let at = match &requirement.checkpoints {
            Checkpoints::Last => CheckpointSelection::Last,
            Checkpoints::First => CheckpointSelection::First,
            Checkpoints::Ends => CheckpointSelection::Ends,
            Checkpoints::All => CheckpointSelection::All,
            Checkpoints::Epochs(epochs) => CheckpointSelection::Epochs(epochs.clone()),
        };
        let asked = (analysis, at);
        let question = match self.questions.iter().position(|known| *known == asked) {
            Some(question) => question,
            None => {
                self.questions.push(asked);
                self.questions.len() - 1
            }
        };
        let mut parts = Vec::new();
        for point in requirement.points() {
            let mut base = Params::default();
            for assignment in &point.assignments {
                base.set(&assignment.name, &assignment.text())?;
            }
            for (name, value) in overrides {
                base.set(name, value)?;
            }
            for seed in requirement.runs.seeds.resolve(seeds, &recipe.seeds) {
                let mut params = base.clone();
                params.seed = seed;
                let params = params.check()?;
                let run = self.run(&params, known);
                if !self.asked[run].contains(&question) {
                    self.asked[run].push(question);
                }
                let part = NeededRun { run, columns: columns(requirement, &point.columns, &params) };
                // An override may make one run of what the recipe tells apart.
                if !parts.contains(&part) {
                    parts.push(part);
                }
            }
        }
        Ok(Needed { question, parts })
    }

    /// The place of a run; the same parameters, trained as far, are one run.
    fn run(&mut self, params: &ValidParams, known: &mut HashMap<String, usize>) -> usize {
        let train = &params.train;
        let name = format!(
            "{}{} {:?} {:?}",
            params.canonical(),
            train.epochs,
            train.saves_per_epoch,
            train.stop_after
        );
        *known.entry(name).or_insert_with(|| {
            self.runs.push(params.clone());
            self.asked.push(Vec::new());
            self.runs.len() - 1
        })
    }

    /// The runs, each once.
    pub fn runs(&self) -> &[ValidParams] {
        &self.runs
    }
}

/// What tells a run of a requirement from its others: axes of the sweep, labels, seed.
fn columns(
    requirement: &Requirement,
    labels: &[(String, String)],
    params: &ValidParams,
) -> Vec<(String, Scalar)> {
    let mut names: Vec<String> = Vec::new();
    axis_names("", &requirement.runs.sweep, &mut names);
    let mut columns: Vec<(String, Scalar)> = Vec::new();
    for name in names {
        if let Ok(parameter) = parameter(&name)
            && parameter.path != "seed"
            && !columns.iter().any(|(known, _)| known == parameter.name())
        {
            columns.push((parameter.name().to_owned(), params_table::cell(&parameter.value(params))));
        }
    }
    columns.extend(labels.iter().map(|(name, label)| (name.clone(), Scalar::Text(label.clone()))));
    columns.push(("seed".to_owned(), Scalar::Integer(params.seed as i64)));
    columns
}

/// Names that a sweep may set: axes, and what changes together along an axis.
fn axis_names(prefix: &str, table: &toml::Table, names: &mut Vec<String>) {
    for (key, value) in table {
        let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            toml::Value::Table(inner) => axis_names(&name, inner, names),
            toml::Value::Array(items) => {
                let tables: Vec<&toml::Table> = items.iter().filter_map(toml::Value::as_table).collect();
                if tables.is_empty() {
                    names.push(name);
                }
                tables.into_iter().for_each(|table| axis_names("", table, names));
            }
            _ => names.push(name),
        }
    }
}

impl Study {
    /// Trains and computes what figures need, and draws them into a folder.
    ///
    /// What the store has is loaded. Of new runs it keeps only the checkpoints that the figures need, unless the study was opened
    /// with another [`Keep`].
    ///
    /// # Errors
    /// [`Error::Store`]; [`Error::Figures`] if a figure cannot be drawn or written; [`Error::Interrupted`] if not all was computed.
    pub fn figures(&self, plan: &FigurePlan, folder: impl AsRef<Path>) -> Result<Drawn> {
        let folder = folder.as_ref();
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
        if runs.iter().any(|run| *run.outcome() == crate::Outcome::Interrupted) {
            return Err(Error::Interrupted);
        }
        let mut drawn = Drawn { runs, files: Vec::new(), problems: Vec::new(), failures };
        let incomplete = !drawn.failures.is_empty() || drawn.runs.iter().any(|run| run.failure().is_some());
        let pages: Vec<Mutex<Option<Result<Page>>>> = plan.recipes.iter().map(|_| Mutex::new(None)).collect();
        pool::work(study.shared.settings.jobs, (0..pages.len()).map(|number| (0.0, number)), |number, _| {
            let page = page(&plan.recipes[number], &plan.needed[number], &drawn.runs, &tables, folder);
            *lock(&pages[number]) = Some(page);
        });
        for (recipe, page) in plan.recipes.iter().zip(pages) {
            match page.into_inner().unwrap_or_else(PoisonError::into_inner) {
                Some(Ok(page)) => {
                    drawn.files.extend(page.files);
                    drawn.problems.extend(page.problems);
                }
                // What it would show failed, which is said elsewhere.
                Some(Err(Error::Figures(_))) if incomplete => {
                    drawn
                        .problems
                        .push(format!("{} is not drawn: some of what it shows failed", recipe.figure));
                }
                Some(Err(error)) => return Err(error),
                None => {}
            }
        }
        Ok(drawn)
    }
}

/// A figure on disk.
struct Page {
    files: Vec<PathBuf>,
    problems: Vec<String>,
}

fn page(
    recipe: &Recipe,
    needed: &[Needed],
    runs: &[Run],
    tables: &[Vec<(usize, Table)>],
    folder: &Path,
) -> Result<Page> {
    let tables = needed.iter().map(|needed| assemble(needed, runs, tables)).collect::<Result<Vec<_>>>()?;
    let figure = recipe.draw(&Theme::default(), &tables)?;
    let problems =
        figure.problems().into_iter().map(|problem| format!("{}, {problem}", recipe.figure)).collect();
    Ok(Page { files: figure.save(folder)?, problems })
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
