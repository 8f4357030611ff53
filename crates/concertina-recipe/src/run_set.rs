//! Which runs a recipe needs, and what is to be computed from them. This is pure data: nothing is trained
//! here.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use concertina_analysis::AnalysisSpec;
use concertina_model::params::{MOST_RUNS, seeds};
use concertina_model::selection::CheckpointSelection;
use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer,
    de::{self, SeqAccess, Visitor},
};

use crate::schema;

/// The most sets of runs in a recipe. Arbitrary; the paper's recipes have at most four. Each set may have
/// [`MOST_RUNS`].
const MOST_SETS: usize = 100;

/// A set of runs: parameters that override the recipe's, axes of a sweep, seeds.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RunSet {
    /// Parameters, in any spelling that the model knows. They override those of the recipe.
    #[schemars(schema_with = "schema::parameters")]
    pub parameters: toml::Table,
    /// Axes: a parameter with the list of its values, or any name with a list of tables whose parameters
    /// change together. Such a table may have a `label`, which becomes the value of a column with the axis's
    /// name.
    #[schemars(schema_with = "schema::parameters")]
    pub sweep: toml::Table,
    /// The seeds.
    pub seeds: SeedRule,
}

/// One set of parameters of a sweep.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Point {
    /// Parameters to set, in this order, on top of the model's defaults.
    pub assignments: Vec<Assignment>,
    /// Columns to add to every table of these runs: axis and label.
    pub columns: Vec<(String, String)>,
}

/// A parameter and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    /// The parameter, as the recipe spells it; nested tables joined by dots.
    pub name: String,
    /// Its value.
    pub value: toml::Value,
}

impl Assignment {
    /// The value as it would be typed on a command line: text without quotes.
    pub fn text(&self) -> String {
        match &self.value {
            toml::Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }
}

/// Which seeds a set of runs has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SeedRule {
    /// Those of the figure: `figure` in a recipe, or if nothing is given.
    #[default]
    Figure,
    /// The first of the figure's seeds: `{ first = 1 }`.
    First(usize),
    /// Separate seeds, unless the user names seeds: `[0, 1, 2]` or `"0..3"`.
    Own(Vec<u64>),
}

/// Which seeds the user requested.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SeedChoice {
    /// A few realisations.
    #[default]
    Fast,
    /// As many as in the paper.
    Full,
    /// These.
    These(Vec<u64>),
}

/// Seeds of a figure.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FigureSeeds {
    /// With `--fast`.
    pub fast: Seeds,
    /// With `--full`.
    pub full: Seeds,
}

impl Default for FigureSeeds {
    /// Five realisations, or thirty as in the paper.
    fn default() -> Self {
        Self { fast: Seeds((0..5).collect()), full: Seeds((0..30).collect()) }
    }
}

impl SeedRule {
    /// The seeds, given what the user requested and the figure's own seeds.
    pub fn resolve(&self, choice: &SeedChoice, figure: &FigureSeeds) -> Vec<u64> {
        let asked = match choice {
            SeedChoice::Fast => &figure.fast.0,
            SeedChoice::Full => &figure.full.0,
            SeedChoice::These(seeds) => seeds,
        };
        match (self, choice) {
            (Self::Own(seeds), SeedChoice::Fast | SeedChoice::Full) => seeds.clone(),
            (Self::First(count), _) => asked.iter().copied().take(*count).collect(),
            _ => asked.clone(),
        }
    }
}

/// A list of seeds: `[0, 1, 2]`, or a text as on the command line: `"0..3"` (without 3), `"0..=2"` or
/// `"0,3,7"`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Seeds(pub Vec<u64>);

impl<'de> Deserialize<'de> for Seeds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SeedsVisitor;
        impl<'de> Visitor<'de> for SeedsVisitor {
            type Value = Seeds;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("seeds as a list `[0, 1]` or a range `\"0..5\"`")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Seeds, E> {
                seeds(text)
                    .map(Seeds)
                    .map_err(|_| E::custom(format!("expected seeds as `0..5` or `0..=4`, found `{text}`")))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Seeds, A::Error> {
                let mut seeds = Vec::new();
                while let Some(seed) = list.next_element()? {
                    seeds.push(seed);
                }
                if seeds.is_empty() {
                    Err(de::Error::custom("expected at least one seed, found none"))
                } else {
                    Ok(Seeds(seeds))
                }
            }
        }
        deserializer.deserialize_any(SeedsVisitor)
    }
}

impl<'de> Deserialize<'de> for SeedRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct First {
            first: std::num::NonZeroUsize,
        }
        struct RuleVisitor;
        impl<'de> Visitor<'de> for RuleVisitor {
            type Value = SeedRule;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`\"figure\"`, `{ first = 3 }`, a list of seeds `[0, 1]` or a range `\"0..5\"`")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<SeedRule, E> {
                if text == "figure" {
                    return Ok(SeedRule::Figure);
                }
                seeds(text)
                    .map(SeedRule::Own)
                    .map_err(|_| E::custom(format!("expected `figure`, `0..5` or `0..=4`, found `{text}`")))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<SeedRule, A::Error> {
                let seeds = Seeds::deserialize(de::value::SeqAccessDeserializer::new(list))?;
                Ok(SeedRule::Own(seeds.0))
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<SeedRule, A::Error> {
                let first = First::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(SeedRule::First(first.first.get()))
            }
        }
        deserializer.deserialize_any(RuleVisitor)
    }
}

/// The checkpoints if a recipe names none.
pub(crate) fn last() -> CheckpointSelection {
    CheckpointSelection::Last
}

/// Something that has to be computed before a figure can be drawn: one table.
#[derive(Clone, Debug, PartialEq)]
pub struct Requirement {
    /// The name of the set of runs in the recipe.
    pub run_set: String,
    /// The parameters of the whole recipe.
    pub base: toml::Table,
    /// What this set of runs changes and sweeps over, and its seeds.
    pub runs: RunSet,
    /// The analysis.
    pub analysis: AnalysisSpec,
    /// The checkpoints.
    pub checkpoints: CheckpointSelection,
    /// The letters of the panels drawn from it; empty if it is only for claims and comparisons.
    pub panels: Vec<String>,
}

impl Requirement {
    /// Whether a panel is drawn from it.
    pub fn is_drawn(&self) -> bool {
        !self.panels.is_empty()
    }

    /// The parameter sets. The axes are in the order of their names, and the last axis varies fastest.
    pub fn points(&self) -> Vec<Point> {
        let mut start = Point::default();
        flatten("", &self.base, &mut start.assignments);
        flatten("", &self.runs.parameters, &mut start.assignments);
        let mut points = vec![start];
        for (axis, values) in axes(&self.runs.sweep) {
            points = points
                .into_iter()
                .flat_map(|point| {
                    values.iter().map(|value| extended(&point, &axis, value)).collect::<Vec<_>>()
                })
                .collect();
        }
        points
    }
}

fn extended(point: &Point, axis: &str, value: &toml::Value) -> Point {
    let mut point = point.clone();
    match value {
        toml::Value::Table(table) => {
            let mut table = table.clone();
            if let Some(toml::Value::String(label)) = table.remove("label") {
                point.columns.push((axis.to_owned(), label));
            }
            flatten("", &table, &mut point.assignments);
        }
        value => point.assignments.push(Assignment { name: axis.to_owned(), value: value.clone() }),
    }
    point
}

impl RunSet {
    /// Names of the columns by which the sweep distinguishes runs: the last parts of its axes' names, the
    /// parameters that change together along them, and their labels.
    pub fn columns(&self) -> BTreeSet<String> {
        let last = |name: &str| name.rsplit('.').next().unwrap_or(name).to_owned();
        let mut names = BTreeSet::new();
        for (axis, values) in axes(&self.sweep) {
            names.insert(last(&axis));
            for table in values.iter().filter_map(toml::Value::as_table) {
                let mut assignments = Vec::new();
                flatten("", table, &mut assignments);
                let set = assignments.iter().filter(|assignment| assignment.name != "label");
                names.extend(set.map(|assignment| last(&assignment.name)));
            }
        }
        names
    }
}

/// Sets of runs by name, up to a limit.
pub(crate) fn sets<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, RunSet>, D::Error> {
    struct SetsVisitor;
    impl<'de> Visitor<'de> for SetsVisitor {
        type Value = BTreeMap<String, RunSet>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("sets of runs by name")
        }
        fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut sets = BTreeMap::new();
            while let Some((name, set)) = map.next_entry()? {
                if sets.len() == MOST_SETS {
                    return Err(de::Error::custom(format!(
                        "expected at most {MOST_SETS} sets of runs, found more"
                    )));
                }
                sets.insert(name, set);
            }
            Ok(sets)
        }
    }
    deserializer.deserialize_map(SetsVisitor)
}

impl RunSet {
    /// The total number of values in all combinations of the sweep, given the number of values in the base;
    /// an error in words if there are too many.
    pub(crate) fn size(&self, base: usize) -> Result<usize, String> {
        let (mut points, mut values) = (1_usize, base.saturating_add(weight_of(&self.parameters)));
        for (_, axis) in axes(&self.sweep) {
            points = points.saturating_mul(axis.len().max(1));
            values = values.saturating_add(axis.iter().map(weight).max().unwrap_or(0));
        }
        if points > MOST_RUNS {
            return Err(format!("expected at most {MOST_RUNS} combinations, found {points}"));
        }
        Ok(points.saturating_mul(values).saturating_add(weight_of(&self.sweep)))
    }
}

/// The amount of data in a table: one for a value, more for a long text.
pub(crate) fn weight_of(table: &toml::Table) -> usize {
    const TEXT: usize = 32; // about the number of bytes of a value
    table.iter().map(|(name, value)| weight(value) + name.len() / TEXT).sum()
}

fn weight(value: &toml::Value) -> usize {
    match value {
        toml::Value::Array(items) => 1 + items.iter().map(weight).sum::<usize>(),
        toml::Value::Table(table) => 1 + weight_of(table),
        toml::Value::String(text) => 1 + text.len() / 32,
        _ => 1,
    }
}

/// Parameters in the order in which they are set.
pub(crate) fn assignments(table: &toml::Table) -> Vec<Assignment> {
    let mut all = Vec::new();
    flatten("", table, &mut all);
    all
}

impl RunSet {
    /// The axes of the sweep, each with the assignments at each of its points.
    pub(crate) fn axes(&self) -> impl Iterator<Item = (String, Vec<Point>)> {
        axes(&self.sweep).into_iter().map(|(axis, values)| {
            let points = values.iter().map(|value| extended(&Point::default(), &axis, value)).collect();
            (axis, points)
        })
    }
}

fn flatten(prefix: &str, table: &toml::Table, out: &mut Vec<Assignment>) {
    for (key, value) in table {
        let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            toml::Value::Table(inner) => flatten(&name, inner, out),
            value => out.push(Assignment { name, value: value.clone() }),
        }
    }
}

/// The axes of a sweep with their values. A value that is not a list counts as a list with one value.
fn axes(sweep: &toml::Table) -> Vec<(String, Vec<toml::Value>)> {
    let mut flat = Vec::new();
    flatten("", sweep, &mut flat);
    flat.into_iter()
        .map(|assignment| match assignment.value {
            toml::Value::Array(values) => (assignment.name, values),
            value => (assignment.name, vec![value]),
        })
        .collect()
}

/// The first axis of a sweep that has no values.
pub(crate) fn empty_axis(sweep: &toml::Table) -> Option<String> {
    axes(sweep).into_iter().find(|(_, values)| values.is_empty()).map(|(name, _)| name)
}
