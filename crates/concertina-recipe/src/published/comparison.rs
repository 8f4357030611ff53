//! Compares our realisations with the published ones, point by point.

use std::collections::{BTreeMap, BTreeSet};

use concertina_numerics::statistics::{mean, variance, welch};
use concertina_table::Table;
use schemars::JsonSchema;
use serde::Serialize;

use concertina_plot::ScaleKind;

use crate::{Error, Evidence, Level, Published, Resolved, Result};

/// The mean of a quantity over realisations, and its spread.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Moments {
    /// The number of realisations that have a value.
    pub realisations: usize,
    /// The mean (on a logarithmic scale, the geometric mean).
    pub mean: Option<f64>,
    /// The standard deviation, with n - 1 (on a logarithmic scale, in decades).
    pub standard_deviation: Option<f64>,
}

/// A point of a published table, and the corresponding point of ours.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PointComparison {
    /// The column.
    pub quantity: String,
    /// The point: a value of each key column.
    pub point: Vec<Level>,
    /// Our realisations.
    pub ours: Moments,
    /// The published code's realisations.
    pub published: Moments,
    /// The two-sided p-value of Welch's test; null if either has fewer than two realisations.
    pub p: Option<f64>,
}

/// Compares the published rows with ours. There is one comparison for every point of the published table, in
/// its order.
///
/// The squared error of each mean includes the limit to which it can be resolved ([`Resolved::resolution`]).
///
/// # Errors
/// [`Error::Table`] for a column that either table does not have; [`Error::Published`] where a realisation
/// has several values at a point.
pub fn compare(how: &Published, ours: &Evidence<'_>, published: &Table) -> Result<Vec<PointComparison>> {
    let mut all = Vec::new();
    for (column, resolved) in &how.values {
        // If no row of ours is compared, as after an override, no point is compared, and the report counts
        // that.
        let ours = Points::of(how, column, *resolved, ours.table, |row| {
            Ok(how.rows.holds(ours.table, row)? && ours.counts(row))
        })?;
        let published = Points::of(how, column, *resolved, published, |_| Ok(true))?;
        for point in published.order {
            let theirs = &published.values[&point];
            let values = ours.values.get(&point).map_or(&[][..], Vec::as_slice);
            all.push(PointComparison {
                quantity: column.clone(),
                p: welch::p_value(values, theirs, resolved.resolution),
                ours: moments(values, resolved.scale),
                published: moments(theirs, resolved.scale),
                point,
            });
        }
    }
    Ok(all)
}

/// The values of realisations by point, on the scale on which they are compared.
struct Points {
    order: Vec<Vec<Level>>,
    values: BTreeMap<Vec<Level>, Vec<f64>>,
}

impl Points {
    fn of(
        how: &Published,
        column: &str,
        resolved: Resolved,
        table: &Table,
        counts: impl Fn(usize) -> Result<bool>,
    ) -> Result<Self> {
        let mut points = Self { order: Vec::new(), values: BTreeMap::new() };
        if table.is_empty() {
            return Ok(points);
        }
        let (seeds, numbers) = (table.integers("seed")?, table.floats(column)?);
        let mut seen = BTreeSet::new();
        for (row, (seed, number)) in seeds.into_iter().zip(numbers).enumerate() {
            if !counts(row)? {
                continue;
            }
            let level = |column: &String| {
                Ok(Level { column: column.clone(), value: table.scalar(row, column)?.key() })
            };
            let point = how.keys.iter().map(level).collect::<Result<Vec<_>>>()?;
            if !seen.insert((seed, point.clone())) {
                return Err(Error::Published {
                    table: how.file.as_ref().clone(),
                    message: format!(
                        "expected one `{column}` per realisation and point, found several: name more columns as `keys`"
                    ),
                });
            }
            let values = points.values.entry(point.clone()).or_insert_with(|| {
                points.order.push(point);
                Vec::new()
            });
            // Undefined values are not averaged; moments count the others.
            values.extend(number.and_then(|number| on_scale(number, resolved)));
        }
        Ok(points)
    }
}

fn on_scale(number: f64, resolved: Resolved) -> Option<f64> {
    let number = resolved.floor.map_or(number, |floor| number.max(floor));
    let number = match resolved.scale {
        ScaleKind::Linear => number,
        ScaleKind::Log => number.log10(),
    };
    number.is_finite().then_some(number)
}

fn moments(values: &[f64], scale: ScaleKind) -> Moments {
    let back = |mean: f64| match scale {
        ScaleKind::Linear => mean,
        ScaleKind::Log => 10.0_f64.powf(mean),
    };
    Moments {
        realisations: values.len(),
        mean: mean(values).map(back),
        standard_deviation: variance(values).map(f64::sqrt),
    }
}
