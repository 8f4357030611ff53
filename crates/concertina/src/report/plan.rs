//! Works out what figures need: runs, each once, and what is to be computed from them.

use std::collections::HashMap;

use concertina_analysis::AnalysisSpec;
use concertina_model::params::{MOST_RUNS, Params, ValidParams, parameter, varied};
use concertina_numerics::statistics::sequential;
use concertina_plot::Theme;
use concertina_recipe::{Recipe, Requirement, SeedChoice};
use concertina_table::Scalar;

use crate::engine::{Demand, Question};
use crate::error::{Error, Result};
use crate::params_table;
use crate::selection::CheckpointSelection;

/// What some figures need: runs, each once, and what is to be computed from them.
#[derive(Debug)]
pub struct FigurePlan {
    pub(crate) recipes: Vec<Recipe>,
    pub(crate) runs: Vec<ValidParams>,
    /// Each run's analyses, as places among `questions`.
    pub(crate) asked: Vec<Vec<usize>>,
    pub(crate) questions: Vec<(AnalysisSpec, CheckpointSelection)>,
    /// By recipe, by requirement.
    pub(crate) needed: Vec<Vec<Needed>>,
    /// Up to how many realisations may be added to decide claims; `None`: none are.
    pub(crate) most: Option<usize>,
    overrides: Vec<(String, String)>,
    /// How figures look.
    pub(crate) theme: Theme,
}

/// Where the table of a requirement comes from.
#[derive(Debug)]
pub(crate) struct Needed {
    pub(crate) question: usize,
    pub(crate) parts: Vec<NeededRun>,
    /// The realisations, in increasing order.
    pub(crate) seeds: Vec<u64>,
    /// How many of them there were before any were added.
    pub(crate) first: usize,
}

/// A run of a requirement, with the columns that distinguish it from the others.
#[derive(Debug, PartialEq)]
pub(crate) struct NeededRun {
    pub(crate) run: usize,
    pub(crate) columns: Vec<(String, Scalar)>,
}

impl FigurePlan {
    /// Works out what drawing recipes needs, with these seeds, and with these overrides (`name=value`) for
    /// every run.
    ///
    /// # Errors
    /// An invalid parameter, analysis or override; a panel that keeps a value which no run has.
    pub fn new<'a>(
        recipes: Vec<Recipe>,
        seeds: &SeedChoice,
        overrides: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self> {
        Self::of(recipes, seeds, overrides, false)
    }

    /// The same, including what claims and comparisons with published tables need.
    ///
    /// # Errors
    /// As [`FigurePlan::new`]; a claim about a value which no run has.
    pub fn with_claims<'a>(
        recipes: Vec<Recipe>,
        seeds: &SeedChoice,
        overrides: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self> {
        Self::of(recipes, seeds, overrides, true)
    }

    fn of<'a>(
        recipes: Vec<Recipe>,
        seeds: &SeedChoice,
        overrides: impl IntoIterator<Item = &'a str>,
        with_claims: bool,
    ) -> Result<Self> {
        let overrides: Vec<(String, String)> = overrides
            .into_iter()
            .map(|text| {
                text.split_once('=')
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .ok_or_else(|| concertina_model::Error::NotAnAssignment { text: text.to_owned() })
            })
            .collect::<Result<_, _>>()?;
        let mut plan = Self {
            recipes: Vec::new(),
            runs: Vec::new(),
            asked: Vec::new(),
            questions: Vec::new(),
            needed: Vec::new(),
            most: None,
            overrides,
            theme: Theme::default(),
        };
        for (number, recipe) in recipes.iter().enumerate() {
            if recipes[..number].iter().any(|other| other.figure == recipe.figure) {
                return Err(concertina_recipe::Error::SameFigure { figure: recipe.figure.clone() }.into());
            }
        }
        let mut known = HashMap::new();
        for recipe in &recipes {
            let needed = recipe
                .requirements()
                .iter()
                // The requirements that are drawn come first.
                .filter(|requirement| with_claims || requirement.is_drawn())
                .map(|requirement| {
                    let seeds = requirement.runs.seeds.resolve(seeds, &recipe.seeds);
                    plan.add(recipe, requirement, &seeds, &mut known)
                })
                .collect::<Result<Vec<Needed>>>()?;
            for (number, needed) in needed.iter().enumerate() {
                let runs = needed.parts.iter().map(|part| part.columns.as_slice());
                let checked = recipe.check_runs(number, runs, with_claims).map_err(Error::from);
                checked.map_err(|error| error.in_recipe(&recipe.figure))?;
            }
            plan.needed.push(needed);
        }
        plan.recipes = recipes;
        Ok(plan)
    }

    fn add(
        &mut self,
        recipe: &Recipe,
        requirement: &Requirement,
        seeds: &[u64],
        known: &mut HashMap<String, usize>,
    ) -> Result<Needed> {
        let here = |error: Error| error.in_recipe(&recipe.figure);
        let asked = (requirement.analysis.clone(), requirement.checkpoints.clone());
        let question = match self.questions.iter().position(|known| *known == asked) {
            Some(question) => question,
            None => {
                self.questions.push(asked);
                self.questions.len() - 1
            }
        };
        let mut parts: Vec<NeededRun> = Vec::new();
        let mut parts_of: HashMap<usize, Vec<usize>> = HashMap::new();
        let points = requirement.points();
        // The limit holds for each requirement: what several ask for is trained once.
        let found = points.len().saturating_mul(seeds.len());
        if found > MOST_RUNS {
            return Err(here(concertina_model::Error::TooManyRuns { most: MOST_RUNS, found }.into()));
        }
        for point in points {
            let mut base = Params::default();
            for assignment in &point.assignments {
                base.set(&assignment.name, &assignment.text()).map_err(Error::from).map_err(here)?;
            }
            for (name, value) in &self.overrides {
                base.set(name, value)?;
            }
            for &seed in seeds {
                let mut params = base.clone();
                params.seed = seed;
                let params = params.check()?;
                let run = self.run(&params, known);
                if !self.asked[run].contains(&question) {
                    self.asked[run].push(question);
                }
                let part = NeededRun { run, columns: columns(requirement, &point.columns, &params) };
                // An override may give two runs of the recipe the same parameters.
                let of_run = parts_of.entry(run).or_default();
                if !of_run.iter().any(|&place| parts[place] == part) {
                    of_run.push(parts.len());
                    parts.push(part);
                }
            }
        }
        let mut seeds = seeds.to_vec();
        seeds.sort_unstable();
        seeds.dedup();
        Ok(Needed { question, parts, first: seeds.len(), seeds })
    }

    /// The place of a run. The same parameters, trained equally far, are one run.
    fn run(&mut self, params: &ValidParams, known: &mut HashMap<String, usize>) -> usize {
        *known.entry(name_of(params)).or_insert_with(|| {
            self.runs.push(params.clone());
            self.asked.push(Vec::new());
            self.runs.len() - 1
        })
    }

    /// The planned looks at a requirement of a recipe, as numbers of realisations; empty if realisations are
    /// not added.
    pub(crate) fn looks(&self, recipe: usize, requirement: usize) -> Vec<usize> {
        match (self.most, self.needed.get(recipe).and_then(|needed| needed.get(requirement))) {
            (Some(most), Some(needed)) => sequential::looks(needed.first, most),
            _ => Vec::new(),
        }
    }

    /// Adds realisations to a requirement of a recipe, up to its next look. Returns how many it then has;
    /// `None` if it was looked at for the last time.
    pub(crate) fn extend(&mut self, recipe: usize, requirement: usize) -> Result<Option<usize>> {
        let Needed { seeds, first, .. } = &self.needed[recipe][requirement];
        let (mut seeds, first) = (seeds.clone(), *first);
        let Some(next) = self.looks(recipe, requirement).into_iter().find(|&look| look > seeds.len()) else {
            return Ok(None);
        };
        // New seeds are larger, so that all seeds are in the order in which they were added.
        let Some(largest) = seeds.last().copied() else { return Ok(None) };
        seeds.extend((largest + 1..).take(next - seeds.len()));
        let mut known: HashMap<String, usize> =
            self.runs.iter().enumerate().map(|(place, params)| (name_of(params), place)).collect();
        let owner = self.recipes[recipe].clone();
        let requirements = owner.requirements();
        let needed = self.add(&owner, &requirements[requirement], &seeds, &mut known)?;
        self.needed[recipe][requirement] = Needed { first, ..needed };
        Ok(Some(next))
    }

    /// The questions to be answered.
    pub(crate) fn questions(&self) -> Result<Vec<Question<'_>>> {
        self.questions.iter().map(|(analysis, at)| Question::of(analysis, at.clone())).collect()
    }

    /// The questions about each run.
    pub(crate) fn demands<'a>(&'a self, questions: &'a [Question<'a>]) -> Vec<Demand<'a>> {
        let demand = |(params, asked): (&'a ValidParams, &'a Vec<usize>)| Demand {
            params,
            questions: asked.iter().map(|&question| &questions[question]).collect(),
            train: false,
            keep: None,
        };
        self.runs.iter().zip(&self.asked).map(demand).collect()
    }

    /// The parameters that tell the runs apart in messages. Of figures whose runs differ in many, only the
    /// gain, so that a line stays short.
    pub fn varied(&self) -> Vec<&'static str> {
        const MOST: usize = 3;
        let all = varied(self.runs.iter());
        let beside_seed = all.iter().filter(|path| **path != "seed").count();
        if beside_seed > MOST { vec!["network.gain"] } else { all }
    }

    /// The same figures, to be tested until every claim is decided or has `most` realisations: see
    /// [`Study::compute_until_decided`](crate::Study::compute_until_decided).
    ///
    /// # Errors
    /// [`Error::FewerRealisations`](crate::Error::FewerRealisations) if a table begins with more than `most`.
    pub fn until_decided(mut self, most: usize) -> Result<Self> {
        let fewest = self.needed.iter().flatten().map(|needed| needed.first).max().unwrap_or(0);
        if most < fewest {
            return Err(Error::FewerRealisations { fewest, most });
        }
        self.most = Some(most);
        Ok(self)
    }

    /// The same figures in this look: [`Theme::talk`] for slides.
    #[must_use]
    pub fn with_theme(mut self, theme: Theme) -> Self {
        self.theme = theme;
        self
    }

    /// The recipes, in the order in which they were given.
    pub fn recipes(&self) -> &[Recipe] {
        &self.recipes
    }

    /// The runs, each once.
    pub fn runs(&self) -> &[ValidParams] {
        &self.runs
    }
}

/// A name of a run: the same parameters, trained equally far.
fn name_of(params: &ValidParams) -> String {
    let train = &params.train;
    let (saves, stop) = (&train.saves_per_epoch, &train.stop_after);
    format!("{}{} {saves:?} {stop:?}", params.canonical(), train.epochs)
}

/// What distinguishes a run of a requirement from its other runs: axes of the sweep, labels, seed.
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

/// Names that a sweep may set: axes, and parameters that change together along an axis.
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
