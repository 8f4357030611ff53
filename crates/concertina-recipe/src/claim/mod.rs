//! The claims of a recipe, and the published tables with which its tables are compared. This is pure data,
//! which is judged elsewhere.

mod origin;
mod references;
mod values;

use std::{collections::BTreeMap, fmt, num::NonZeroUsize};

use concertina_analysis::AnalysisSpec;
use concertina_model::selection::CheckpointSelection;
use concertina_table::{Condition, OneOf, Scalar};
use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor, value::MapAccessDeserializer},
};
use toml::Spanned;

use crate::schema;

pub use origin::{Origin, OriginKind};

/// Something that is computed only for claims and comparisons and that no panel draws.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Measurement {
    /// The set of runs.
    #[schemars(with = "String")]
    pub runs: Spanned<String>,
    /// What is computed, as for a panel.
    #[serde(deserialize_with = "crate::analyses::analysis")]
    #[schemars(schema_with = "schema::analysis")]
    pub analysis: AnalysisSpec,
    /// The checkpoints.
    #[serde(default = "crate::run_set::last")]
    #[schemars(schema_with = "schema::checkpoints")]
    pub checkpoints: CheckpointSelection,
}

/// A statement about a table, with the test that decides whether it was reproduced.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// Its name, unique in the recipe.
    #[schemars(with = "String")]
    pub name: Spanned<String>,
    /// The claim, in a sentence.
    #[schemars(with = "String")]
    pub statement: Spanned<String>,
    /// The source of the claim; the author of the recipe, unless another source is given.
    #[serde(default)]
    #[schemars(schema_with = "schema::origin")]
    pub source: Origin,
    /// The table that it is about: the letter of a panel, or the name of a measurement.
    #[schemars(with = "String")]
    pub table: Spanned<String>,
    /// The column that it is about.
    pub value: String,
    /// The rows that it is about: columns with the values they may have, or a condition as text.
    #[serde(rename = "where", default)]
    #[schemars(schema_with = "concertina_plot::schema::condition")]
    pub rows: Condition,
    /// The claim must hold for each of these values of these columns separately.
    #[serde(default)]
    #[schemars(schema_with = "concertina_plot::schema::columns")]
    pub each: BTreeMap<String, OneOf>,
    /// How several rows of a realisation are reduced to one number.
    #[serde(default)]
    pub reduce: Option<Reduction>,
    /// What is compared, within a realisation. If not given, the value itself is compared with `than`.
    #[serde(default)]
    pub compare: Option<Contrast>,
    /// On which side of `than` the quantity must lie.
    pub expect: Side,
    /// What the quantity is compared with. If not given, 0, or 1 for ratios.
    #[serde(default)]
    pub than: Option<f64>,
    /// When the claim counts as reproduced.
    #[serde(default)]
    pub test: Test,
}

impl Claim {
    /// All columns of which the claim names values, with those values.
    pub(crate) fn named(&self) -> impl Iterator<Item = (&str, &Scalar)> {
        let each = self.each.iter().map(|(column, OneOf(values))| (column.as_str(), values.as_slice()));
        let listed = self.rows.named().into_iter().chain(each);
        let compared = self.compare.iter().flat_map(|contrast| {
            [&contrast.first, &contrast.second].map(|value| (contrast.column.as_str(), value))
        });
        listed.flat_map(|(column, values)| values.iter().map(move |value| (column, value))).chain(compared)
    }

    /// What the quantity is compared with.
    pub fn than(&self) -> f64 {
        self.than.unwrap_or(if self.is_ratio() { 1.0 } else { 0.0 })
    }

    /// Whether the quantity is a ratio.
    pub fn is_ratio(&self) -> bool {
        self.compare.as_ref().is_some_and(|contrast| contrast.measure == Measure::Ratio)
    }
}

/// How several rows of a realisation are reduced to one number.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reduction {
    /// The column that distinguishes the rows.
    pub over: String,
    /// What is taken from them.
    pub take: Take,
}

/// What is taken from several rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Take {
    /// The largest value.
    Max,
    /// The smallest value.
    Min,
    /// The mean of the values.
    Mean,
    /// The value where the column is largest.
    Last,
    /// The place where the value is largest (the first such place).
    Argmax,
    /// The number of rows, 0 if there are none.
    Count,
}

/// A comparison of two numbers of a realisation.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Contrast {
    /// The column that distinguishes them.
    pub column: String,
    /// Its value for the first.
    #[schemars(schema_with = "concertina_plot::schema::scalar")]
    pub first: Scalar,
    /// Its value for the second.
    #[schemars(schema_with = "concertina_plot::schema::scalar")]
    pub second: Scalar,
    /// The difference of the two, or their ratio.
    #[serde(rename = "as", default)]
    pub measure: Measure,
}

/// How two numbers are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// The first minus the second.
    #[default]
    Difference,
    /// The first divided by the second, both positive; averaged and tested as logarithms.
    Ratio,
}

/// A side of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Below it.
    Less,
    /// Above it.
    Greater,
}

/// When a claim counts as reproduced: `"wilcoxon"` or `{ every = 3 }` in a recipe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Test {
    /// If Wilcoxon's one-sided signed-rank test over realisations has p < 0.05. Five of five realisations are
    /// just enough.
    #[default]
    Wilcoxon,
    /// If it holds in every realisation, and there are at least this many. For figures that the paper draws
    /// from few realisations.
    Every(NonZeroUsize),
}

impl<'de> Deserialize<'de> for Test {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Every {
            every: NonZeroUsize,
        }
        struct TestVisitor;
        impl<'de> Visitor<'de> for TestVisitor {
            type Value = Test;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`\"wilcoxon\"` or `{ every = 3 }`")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Test, E> {
                match text {
                    "wilcoxon" => Ok(Test::Wilcoxon),
                    _ => Err(E::unknown_variant(text, &["wilcoxon"])),
                }
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Test, A::Error> {
                Ok(Test::Every(Every::deserialize(MapAccessDeserializer::new(map))?.every))
            }
        }
        deserializer.deserialize_any(TestVisitor)
    }
}

/// A published table with which a table of the recipe is compared, point by point.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// Our table: the letter of a panel, or the name of a measurement.
    #[schemars(with = "String")]
    pub table: Spanned<String>,
    /// The published table, by the name of its file.
    #[schemars(with = "String")]
    pub file: Spanned<String>,
    /// The rows of our table that are compared: columns with the values they may have, or a condition as
    /// text. If not given, all rows.
    #[serde(rename = "where", default)]
    #[schemars(schema_with = "concertina_plot::schema::condition")]
    pub rows: Condition,
    /// The columns that identify a point. Realisations with the same values in these columns are averaged.
    pub keys: Vec<String>,
    /// The columns that are compared.
    pub values: BTreeMap<String, Resolved>,
}

/// A column, and the limit to which its mean over realisations can be resolved.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Resolved {
    /// The limit to which the mean can be resolved, as a standard deviation, in the unit of the column (in
    /// decades on a `log` scale).
    pub resolution: f64,
    /// Whether values or their logarithms are averaged.
    #[serde(default)]
    pub scale: concertina_plot::ScaleKind,
    /// Smaller values count as this value, where numbers of the two codes have different meanings below it.
    #[serde(default)]
    pub floor: Option<f64>,
}
