//! Recipes: figures as data.
//!
//! A recipe says which runs it needs, what is computed from them, and how the results are drawn. Reading a
//! recipe gives plain data. [`Recipe::requirements`] lists what has to be computed, as tables, from which
//! [`Recipe::draw`] draws the figure.

use std::{collections::BTreeMap, path::Path};

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use concertina_analysis::AnalysisSpec;
use concertina_model::selection::CheckpointSelection;
use concertina_plot::{
    Drawing, Kind,
    syntax::{self, Place, SyntaxError},
};

use crate::{
    Analyses, Claim, Error, FigureSeeds, Measurement, OTHER_RECIPES, Published, RECIPES, Requirement, Result,
    RunSet, run_set, schema,
};

/// The most bytes of a recipe: 2^18. Arbitrary; the paper's have 10,000.
const MOST_BYTES: usize = 1 << 18;

/// The most values of parameters in a recipe, over all combinations and all tables. Arbitrary; this is half a
/// gigabyte.
const MOST_VALUES: usize = 5_000_000;

/// A figure as data.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The name of the figure and of its files: `fig2`.
    pub figure: String,
    /// What it shows, in a sentence.
    #[serde(default)]
    pub title: String,
    /// The source of the figure.
    #[serde(default)]
    pub source: Option<String>,
    /// Seeds with `--fast` and `--full`.
    #[serde(default)]
    pub seeds: FigureSeeds,
    /// Parameters of all runs, which override the model's defaults.
    #[serde(default)]
    #[schemars(schema_with = "schema::parameters")]
    pub parameters: toml::Table,
    /// Sets of runs by name.
    #[serde(deserialize_with = "run_set::sets")]
    pub runs: BTreeMap<String, RunSet>,
    /// Panels, in the order of their letters.
    pub panels: Vec<PanelRecipe>,
    /// How panels are arranged on the page.
    #[serde(default)]
    pub layout: Layout,
    /// What is computed only for claims and comparisons, by name.
    #[serde(default)]
    pub measurements: BTreeMap<String, Measurement>,
    /// Claims that the figure supports.
    #[serde(default)]
    pub claims: Vec<Claim>,
    /// Published tables with which its tables are compared.
    #[serde(default)]
    pub published: Vec<Published>,
}

/// A panel of a figure.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PanelRecipe {
    /// Its letter, which is also the name of its files.
    #[schemars(with = "String")]
    pub letter: Spanned<String>,
    /// The text above it.
    #[serde(default)]
    pub title: Option<String>,
    /// The set of runs.
    #[schemars(with = "String")]
    pub runs: Spanned<String>,
    /// What is computed: `{ analysis = "effective_dimension", samples = 500 }`; or a list of these, whose
    /// tables are joined.
    #[schemars(with = "Analyses")]
    pub analysis: Spanned<Analyses>,
    /// The checkpoints.
    #[serde(default = "run_set::last")]
    #[schemars(schema_with = "schema::checkpoints")]
    pub checkpoints: CheckpointSelection,
    /// Width and height of the separate panel, in millimetres; its size in the figure if not given.
    #[serde(default)]
    pub size_mm: Option<[f64; 2]>,
    /// How the table is drawn.
    pub draw: Drawing,
    /// Names of claims about the panel, which compare values of the horizontal axis: brackets above the data
    /// show their significance.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub significance: Vec<Spanned<String>>,
}

/// How panels are arranged on the page.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Layout {
    /// Width of the figure in millimetres; two text columns if not given.
    pub width_mm: Option<f64>,
    /// Rows from top to bottom. If there are none, three panels per row.
    pub rows: Vec<Row>,
}

/// A row of panels.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Letters, from left to right.
    #[schemars(with = "Vec<String>")]
    pub panels: Vec<Spanned<String>>,
    /// Shares of the width, one per panel; equal if not given.
    #[serde(default)]
    pub widths: Vec<f64>,
    /// Height in millimetres.
    pub height_mm: f64,
}

impl Recipe {
    /// Reads a recipe; `name` is the name of the file in errors.
    ///
    /// # Errors
    /// [`Error::Syntax`] or [`Error::Unknown`], with line, column and a hint.
    pub fn from_toml(name: &str, text: &str) -> Result<Self> {
        if text.len() > MOST_BYTES {
            let message = format!("expected at most {MOST_BYTES} bytes, found {}", text.len());
            return Err(Error::Syntax(SyntaxError {
                message,
                place: None,
                name: name.to_owned(),
                hint: None,
            }));
        }
        let recipe: Self = syntax::toml(name, text)?;
        recipe.check(name, text)?;
        Ok(recipe)
    }

    /// Reads a recipe from a file.
    ///
    /// # Errors
    /// The errors of [`Recipe::from_toml`]; [`Error::File`] if the file cannot be read.
    pub fn from_path(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::File {
            action: "read",
            path: path.to_owned(),
            source,
        })?;
        Self::from_toml(&path.display().to_string(), &text)
    }

    /// A shipped recipe by the name of its figure. `fig2`, `2` and `figure2` are the same.
    ///
    /// # Errors
    /// [`Error::UnknownFigure`] with the nearest name.
    pub fn shipped(figure: &str) -> Result<Self> {
        let wanted = figure.trim().to_ascii_lowercase();
        let short = |name: &str| name.trim_start_matches("figure").trim_start_matches("fig").to_owned();
        let mut all = RECIPES.iter().chain(OTHER_RECIPES);
        match all.find(|(name, _)| *name == wanted || short(name) == short(&wanted)) {
            Some((name, text)) => Self::from_toml(&format!("{name}.toml"), text),
            None => Err(Error::UnknownFigure {
                found: figure.to_owned(),
                known: RECIPES.iter().chain(OTHER_RECIPES).map(|(name, _)| (*name).to_owned()).collect(),
            }),
        }
    }

    /// The panel with this letter.
    pub fn panel(&self, letter: &str) -> Option<&PanelRecipe> {
        self.panels.iter().find(|panel| panel.letter.as_ref() == letter)
    }

    /// Everything that has to be computed, in the order in which panels first need it, without duplicates;
    /// then what measurements need in addition.
    pub fn requirements(&self) -> Vec<Requirement> {
        let mut all: Vec<Requirement> = Vec::new();
        for panel in &self.panels {
            let letter = panel.letter.as_ref().clone();
            let run_set: &String = panel.runs.as_ref();
            for analysis in &panel.analysis.as_ref().0 {
                if let Some(known) = all.iter_mut().find(|known| panel.needs(analysis, known)) {
                    known.panels.push(letter.clone());
                    continue;
                }
                all.push(Requirement {
                    run_set: run_set.clone(),
                    base: self.parameters.clone(),
                    runs: self.runs.get(run_set).cloned().unwrap_or_default(),
                    analysis: analysis.clone(),
                    checkpoints: panel.checkpoints.clone(),
                    panels: vec![letter.clone()],
                });
            }
        }
        for measurement in self.measurements.values() {
            if !all.iter().any(|known| measurement.needs(known)) {
                all.push(self.required(measurement));
            }
        }
        all
    }

    fn check(&self, name: &str, text: &str) -> Result<()> {
        let place = |start: usize| Some(Place::of(text, start));
        let wrong = |message: String, place: Option<Place>, hint: Option<String>| {
            Err(Error::Syntax(SyntaxError { message, place, name: name.to_owned(), hint }))
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if self.figure.is_empty() || !self.figure.chars().all(plain) {
            let message =
                format!("expected a figure name of letters, digits, `_` and `-`, found `{}`", self.figure);
            return wrong(message, None, None);
        }
        if self.panels.is_empty() {
            return wrong(
                "expected at least one panel, found none".to_owned(),
                None,
                Some("add `[[panels]]`".to_owned()),
            );
        }
        for (set, runs) in &self.runs {
            if let Some(axis) = run_set::empty_axis(&runs.sweep) {
                return wrong(format!("axis `{axis}` of `runs.{set}` has no values"), None, None);
            }
        }
        for (index, panel) in self.panels.iter().enumerate() {
            let letter: &String = panel.letter.as_ref();
            let here = place(panel.letter.span().start);
            if letter.is_empty() || !letter.chars().all(plain) {
                let message =
                    format!("expected a panel letter of letters, digits, `_` and `-`, found `{letter}`");
                return wrong(message, here, None);
            }
            if self.panels[..index].iter().any(|other| other.letter.as_ref() == letter) {
                return wrong(format!("two panels have the letter `{letter}`"), here, None);
            }
            let runs: &String = panel.runs.as_ref();
            if !self.runs.contains_key(runs) {
                return Err(Error::Unknown {
                    what: "set of runs",
                    found: runs.clone(),
                    known: self.runs.keys().cloned().collect(),
                    place: place(panel.runs.span().start),
                    name: name.to_owned(),
                });
            }
            let has_axes = !matches!(panel.draw.kind, Kind::Snapshots | Kind::Schematic);
            if has_axes && (panel.draw.x.is_none() || panel.draw.y.is_none()) {
                let (missing, example) =
                    if panel.draw.x.is_none() { ("x", "timestep") } else { ("y", "effective_dimension") };
                let message = format!("panel `{letter}` has no `{missing}`");
                return wrong(
                    message,
                    here,
                    Some(format!("name the column: draw.{missing} = \"{example}\"")),
                );
            }
            if panel.draw.kind == Kind::HeatMap && panel.draw.value.is_none() {
                let message = format!("panel `{letter}` has no `value`");
                return wrong(message, here, Some("name the column: draw.value = \"cka\"".to_owned()));
            }
            if panel.draw.kind == Kind::Schematic && panel.draw.schematic.is_none() {
                let message = format!("panel `{letter}` has no `schematic`");
                return wrong(
                    message,
                    here,
                    Some("draw.schematic = \"task\", \"network\", \"cell\" or \"weights\"".to_owned()),
                );
            }
            // Snapshots must stay inside the figure's folder.
            let leaves = |template: &String| {
                template.starts_with('/') || template.contains("..") || template.contains('\\')
            };
            if let Some(template) = panel.draw.snapshot_file.as_ref().filter(|template| leaves(template)) {
                let message = format!("expected a path inside the figure's folder, found `{template}`");
                return wrong(message, here, None);
            }
            if panel.size_mm.is_some_and(|[width, height]| !(sensible(width) && sensible(height))) {
                return wrong(format!("panel `{letter}`: expected a size of 10 to 2000 mm"), here, None);
            }
        }
        self.check_size(name)?;
        self.check_parameters(name, text)?;
        self.check_layout(name, text)?;
        self.check_claims(name, text)
    }

    /// Checks that the recipe does not need more runs than memory can list, which a few lines can do.
    fn check_size(&self, name: &str) -> Result<()> {
        let wrong = |message: String| {
            let hint = Some("shorten an axis, or split the recipe in two".to_owned());
            Err(Error::Syntax(SyntaxError { message, place: None, name: name.to_owned(), hint }))
        };
        let base = run_set::weight_of(&self.parameters);
        let mut sizes = BTreeMap::new();
        for (set, runs) in &self.runs {
            match runs.size(base) {
                Ok(size) => sizes.insert(set.as_str(), size),
                Err(reason) => return wrong(format!("`runs.{set}`: {reason}")),
            };
        }
        let of_panels =
            self.panels.iter().map(|panel| (panel.runs.as_ref(), panel.analysis.as_ref().0.len()));
        let of_measurements = self.measurements.values().map(|measurement| (measurement.runs.as_ref(), 1));
        let mut values = 0_usize;
        for (set, tables) in of_panels.chain(of_measurements) {
            let size = sizes.get(set.as_str()).copied().unwrap_or(0);
            values = values.saturating_add(size.saturating_mul(tables));
        }
        match values > MOST_VALUES {
            true => {
                wrong(format!("expected at most {MOST_VALUES} values of parameters in all, found {values}"))
            }
            false => Ok(()),
        }
    }

    fn check_layout(&self, name: &str, text: &str) -> Result<()> {
        let wrong = |message: String, start: Option<usize>| {
            let place = start.map(|start| Place::of(text, start));
            Err(Error::Syntax(SyntaxError { message, place, name: name.to_owned(), hint: None }))
        };
        if self.layout.width_mm.is_some_and(|width| !sensible(width)) {
            return wrong("layout: expected a width of 10 to 2000 mm".to_owned(), None);
        }
        let mut placed: Vec<&str> = Vec::new();
        for row in &self.layout.rows {
            let start = row.panels.first().map(|letter| letter.span().start);
            if row.panels.is_empty() || !sensible(row.height_mm) {
                return wrong(
                    "layout: expected a row with panels and a height of 10 to 2000 mm".to_owned(),
                    start,
                );
            }
            let positive = row.widths.iter().all(|width| *width > 0.0 && width.is_finite());
            if !positive || !(row.widths.is_empty() || row.widths.len() == row.panels.len()) {
                let (expected, found) = (row.panels.len(), row.widths.len());
                return wrong(
                    format!("layout: expected {expected} positive widths, one per panel, found {found}"),
                    start,
                );
            }
            for letter in &row.panels {
                let (found, start): (&String, _) = (letter.as_ref(), letter.span().start);
                if self.panel(found).is_none() {
                    return Err(Error::Unknown {
                        what: "panel",
                        found: found.clone(),
                        known: self.panels.iter().map(|panel| panel.letter.as_ref().clone()).collect(),
                        place: Some(Place::of(text, start)),
                        name: name.to_owned(),
                    });
                }
                if placed.contains(&found.as_str()) {
                    return wrong(format!("layout: panel `{found}` is placed twice"), Some(start));
                }
                placed.push(found);
            }
        }
        Ok(())
    }
}

/// Whether a page can have a length in millimetres. This is no precise limit, but a check for slips.
fn sensible(length_mm: f64) -> bool {
    (10.0..=2000.0).contains(&length_mm)
}

impl PanelRecipe {
    /// Whether a requirement's table is the one that this panel needs from one of its analyses.
    pub(crate) fn needs(&self, analysis: &AnalysisSpec, requirement: &Requirement) -> bool {
        requirement.run_set == *self.runs.as_ref()
            && requirement.analysis == *analysis
            && requirement.checkpoints == self.checkpoints
    }
}
