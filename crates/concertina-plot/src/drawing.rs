//! How a table is drawn: the part that a recipe's panel and a panel made from Rust share.

use std::{collections::BTreeMap, fmt};

use concertina_table::{Condition, Scalar};
use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor, value::MapAccessDeserializer},
};

use crate::{ErrorBar, schema, ticks::ScaleKind};

/// How a table is drawn.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Drawing {
    /// The kind of panel.
    pub kind: Kind,
    /// The column of the horizontal axis. For `snapshots`, the first principal component if not given.
    pub x: Option<Axis>,
    /// The column of the vertical axis.
    pub y: Option<Axis>,
    /// For `heat_map`: the column that colours show.
    pub value: Option<Axis>,
    /// For `heat_map`: the value of the middle of a map with two colours, which grow away from it.
    pub centre: Option<f64>,
    /// Whether a unit has the same length along both axes: square cells of a `heat_map`, round circles.
    pub square: bool,
    /// The column that colours distinguish.
    pub hue: Option<String>,
    /// The column that dashes distinguish, or in a `scatter`, the shapes of marks.
    pub style: Option<String>,
    /// The column whose values get separate axes next to each other (or for `snapshots`, separate rows).
    pub facet: Option<String>,
    /// The column whose values get separate rows of axes. Column headings are above the first row, and tick
    /// labels below the last.
    pub facet_rows: Option<String>,
    /// The rows to keep: columns with the values they may have, or a condition as text.
    #[schemars(schema_with = "schema::condition")]
    pub keep: Condition,
    /// How realisations are summarised as a point and a band.
    pub band: Option<ErrorBar>,
    /// Where colours come from.
    pub palette: Palette,
    /// Whether lines have dots at their points. By default `spectrum` has them and `lines` does not.
    pub markers: Option<bool>,
    /// Lines across the axes.
    pub reference: Vec<ReferenceLine>,
    /// Names of values in legends and titles: column, value, name. For other values, the theme's names are
    /// used.
    pub names: BTreeMap<String, BTreeMap<String, String>>,
    /// Where the legend goes.
    pub legend: Legend,
    /// The text above the legend's colours.
    pub legend_title: Option<String>,
    /// What the legend shows in the composed figure, where a neighbour's legend may suffice. If not given,
    /// everything.
    pub legend_in_figure: Option<Vec<Channel>>,
    /// Which facets have the same vertical scale.
    pub share_y: Share,
    /// For `snapshots`: the name of the file of each single snapshot, without extension; `{timestep}` and
    /// other columns are filled in.
    pub snapshot_file: Option<String>,
    /// For `schematic`: what it illustrates.
    pub schematic: Option<Schematic>,
    /// Marks of significance above words along the horizontal axis. A recipe takes them from its claims.
    #[serde(skip)]
    pub brackets: Vec<Bracket>,
}

/// A mark of significance: a bracket from one word along the horizontal axis to another.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bracket {
    /// The words, as in the cells of the table.
    pub between: [String; 2],
    /// The p-value, which is shown as `***` (below 0.001), `**` (below 0.01), `*` (below 0.05) or `n.s.`.
    /// `None` if there was nothing to test: the problems of the panel say that the mark is missing.
    pub p: Option<f64>,
    /// Values of the columns that facets or colours distinguish: where the bracket is. Everywhere, if empty.
    pub group: BTreeMap<String, String>,
}

/// The kind of panel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Lines over any column, with bands over realisations.
    #[default]
    Lines,
    /// Lines with dots over an index.
    Spectrum,
    /// Squares with one cloud of states each, in rows.
    Snapshots,
    /// One mark per row; of columns of vectors, one per entry.
    Scatter,
    /// A cell per value of `x` and of `y`, with the colour of its `value`.
    HeatMap,
    /// An explanatory drawing, with numbers from columns that have a single value.
    Schematic,
}

/// What a schematic illustrates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Schematic {
    /// A trial of the task, along time. The numbers are columns named as parameters: `task.kind`,
    /// `task.delay` (or only `delay`) and so on; in a recipe they come from the runs.
    Task,
    /// Input, recurrent units and readout, as the connectivity has them. Columns `input_dim`, `units`,
    /// `classes`, and those of the connectivity.
    Network,
    /// What happens within a unit in a timestep. Column `network.kind`.
    Cell,
    /// The recurrent weights as a matrix, or as the matrices that they are made of.
    Weights,
}

/// Which facets have the same vertical scale: `true`, `false` or `"rows"` in a recipe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Share {
    /// All of them.
    #[default]
    All,
    /// Those in a row.
    Rows,
    /// None: each facet has a separate scale.
    None,
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ShareVisitor;
        impl Visitor<'_> for ShareVisitor {
            type Value = Share;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`true`, `false` or `\"rows\"`")
            }
            fn visit_bool<E: de::Error>(self, all: bool) -> Result<Share, E> {
                Ok(if all { Share::All } else { Share::None })
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Share, E> {
                match text {
                    "rows" => Ok(Share::Rows),
                    _ => Err(E::unknown_variant(text, &["rows"])),
                }
            }
        }
        deserializer.deserialize_any(ShareVisitor)
    }
}

/// Where colours come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Palette {
    /// The theme's colours of these values, if it has them all; otherwise a perceptual map for more than four
    /// numbers, and `categorical` for all else.
    #[default]
    Auto,
    /// Okabe and Ito's colours, one after another.
    Categorical,
    /// A perceptual map over the values.
    Continuous,
    /// From light to dark around the colour of the facet.
    Shade,
}

/// A part of a legend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// Colours.
    Hue,
    /// Dashes.
    Style,
    /// Reference lines that have a label.
    Reference,
}

/// Where the legend goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Legend {
    /// A colour bar where colours come from a perceptual map. Everything else where there are no data, or
    /// above the axes if there is no such place; always above for a `scatter`.
    #[default]
    Auto,
    /// Colours as a bar to the right of the axes, everything else as with `auto`.
    ColourBar,
    /// Nowhere.
    None,
    /// To the right of the axes.
    Right,
    /// Above the axes.
    Above,
    /// In a corner of the axes.
    TopLeft,
    /// In a corner of the axes.
    TopRight,
    /// In a corner of the axes.
    BottomLeft,
    /// In a corner of the axes.
    BottomRight,
}

/// A line across the axes.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReferenceLine {
    /// A vertical line at this value.
    #[serde(default)]
    pub x: Option<f64>,
    /// A horizontal line at this value.
    #[serde(default)]
    pub y: Option<f64>,
    /// A circle of this radius around 0.
    #[serde(default)]
    pub circle: Option<f64>,
    /// Its name in the legend.
    #[serde(default)]
    pub label: Option<String>,
    /// Whether the line is solid; it is dashed by default.
    #[serde(default)]
    pub solid: bool,
}

/// A column along an axis. In a recipe, a plain string names the column, and a table gives further settings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Axis {
    /// The column.
    pub column: String,
    /// The label, with the unit in parentheses. The theme has labels for common columns.
    pub label: Option<String>,
    /// First value shown.
    pub from: Option<f64>,
    /// Last value shown.
    pub to: Option<f64>,
    /// The positions of ticks, if not at round numbers.
    pub ticks: Option<Vec<f64>>,
    /// Linear or logarithmic.
    pub scale: ScaleKind,
    /// Whether numbers are treated as words: next to each other at equal distances, each with a label.
    pub words: bool,
    /// The values in the order in which they are along the axis, which then has words.
    pub order: Option<Vec<Scalar>>,
}

impl Axis {
    /// An axis of a column, with everything else determined by the theme and the data.
    pub fn of(column: &str) -> Self {
        Self { column: column.to_owned(), ..Self::default() }
    }
}

/// A column along an axis.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AxisTable {
    /// The column.
    column: String,
    /// The label, with the unit in parentheses; the theme knows the common ones.
    #[serde(default)]
    label: Option<String>,
    /// First value shown.
    #[serde(default)]
    from: Option<f64>,
    /// Last value shown.
    #[serde(default)]
    to: Option<f64>,
    /// Where ticks stand, if not at round numbers.
    #[serde(default)]
    ticks: Option<Vec<f64>>,
    /// Linear or logarithmic.
    #[serde(default)]
    scale: ScaleKind,
    /// Whether numbers are treated as words: next to each other at equal distances, each with a label.
    #[serde(default)]
    words: bool,
    /// The values in the order in which they are along the axis, which then has words.
    #[serde(default)]
    #[schemars(schema_with = "schema::order")]
    order: Option<Vec<Scalar>>,
}

impl<'de> Deserialize<'de> for Axis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AxisVisitor;
        impl<'de> Visitor<'de> for AxisVisitor {
            type Value = Axis;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a column, or a table with `column`, `label`, `from`, `to`, `ticks`, `scale`, `words`, `order`",
                )
            }
            fn visit_str<E: de::Error>(self, column: &str) -> Result<Axis, E> {
                Ok(Axis::of(column))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Axis, A::Error> {
                let AxisTable { column, label, from, to, ticks, scale, words, order } =
                    AxisTable::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Axis { column, label, from, to, ticks, scale, words, order })
            }
        }
        deserializer.deserialize_any(AxisVisitor)
    }
}
