//! The quantity of a claim: one number per realisation, or the reason why there is none.

use std::collections::BTreeMap;

use concertina_table::Condition;

use super::{Absent, Evidence, LeftOut, Level, Realisation};
use crate::{
    Error, Result,
    claim::{Claim, Measure, Reduction, Take},
};

/// Values in the order of the seeds, and the realisations that are left out.
#[derive(Debug, Default)]
pub(super) struct Values {
    pub(super) realisations: Vec<Realisation>,
    pub(super) left_out: Vec<LeftOut>,
}

/// Why a realisation has no value.
type Reason = String;

pub(super) fn values(claim: &Claim, evidence: &Evidence<'_>, group: &[Level]) -> Result<Values> {
    let common = group.iter().fold(claim.rows.clone(), |rows, level| {
        rows.and(Condition::one_of(&level.column, [level.value.as_str()]))
    });
    let mut sides = Vec::new();
    match &claim.compare {
        None => sides.push(Side::of(claim, evidence, common)?),
        Some(contrast) => {
            for value in [&contrast.first, &contrast.second] {
                let condition = common.clone().and(Condition::one_of(&contrast.column, [value.clone()]));
                sides.push(Side::of(claim, evidence, condition)?);
            }
        }
    }
    let mut values = Values::default();
    for &seed in evidence.seeds {
        let numbers: Result<Vec<f64>, Reason> =
            sides.iter().map(|side| side.value(claim, evidence, seed)).collect::<Result<Result<_, _>>>()?;
        match numbers.and_then(|numbers| combined(claim, &numbers)) {
            Ok(value) => values.realisations.push(Realisation { seed, value }),
            Err(reason) => values.left_out.push(LeftOut { seed, reason }),
        }
    }
    Ok(values)
}

/// Combines the number of one side, or the numbers of both sides.
fn combined(claim: &Claim, numbers: &[f64]) -> Result<f64, Reason> {
    let measure = claim.compare.as_ref().map(|contrast| contrast.measure);
    let value = match (measure, numbers) {
        (Some(Measure::Difference), [first, second]) => first - second,
        (Some(Measure::Ratio), [first, second]) if *first > 0.0 && *second > 0.0 => first / second,
        (Some(Measure::Ratio), _) => return Err("not positive, so without a ratio".to_owned()),
        (_, numbers) => numbers[0],
    };
    if value.is_finite() { Ok(value) } else { Err("infinite".to_owned()) }
}

/// A row: the cell of the column that is reduced, and the value.
type Row = (Option<f64>, Option<f64>);

/// The rows of one side of a comparison, by seed.
struct Side {
    condition: Condition,
    /// Of every realisation in the table, the rows that fulfil the condition.
    rows: BTreeMap<u64, Vec<Row>>,
}

impl Side {
    fn of(claim: &Claim, evidence: &Evidence<'_>, condition: Condition) -> Result<Self> {
        let mut side = Self { condition, rows: BTreeMap::new() };
        let table = evidence.table;
        if table.is_empty() {
            return Ok(side);
        }
        let seeds = table.integers("seed")?;
        let values = table.floats(&claim.value)?;
        let over = match &claim.reduce {
            Some(reduction) => table.floats(&reduction.over)?,
            None => vec![None; values.len()],
        };
        for (row, seed) in seeds.iter().enumerate() {
            let counts = side.condition.holds(table, row)?;
            if let Some(seed) = seed.and_then(|seed| u64::try_from(seed).ok()) {
                let rows = side.rows.entry(seed).or_default();
                if counts && evidence.counts(row) {
                    rows.push((over[row], values[row]));
                }
            }
        }
        Ok(side)
    }

    /// The number of a realisation.
    fn value(&self, claim: &Claim, evidence: &Evidence<'_>, seed: u64) -> Result<Result<f64, Reason>> {
        let rows = self.rows.get(&seed).map_or(&[][..], Vec::as_slice);
        match (&claim.reduce, rows) {
            (Some(Reduction { take: Take::Count, .. }), []) if self.rows.contains_key(&seed) => Ok(Ok(0.0)),
            (_, []) => Ok(Err(self.why_absent(evidence, seed))),
            (None, [(_, value)]) => Ok(value.ok_or_else(undefined)),
            (Some(reduction), rows) => match same_place(rows) {
                Some(place) => Err(several(
                    claim,
                    format!("one `{}` per realisation at each `{}`", claim.value, reduction.over),
                    format!("several of seed {seed} at {place}"),
                    "tell them apart with `where` or `each`: `reduce` takes rows that differ only in its column",
                )),
                None => Ok(reduced(reduction, rows)),
            },
            (None, rows) => Err(several(
                claim,
                format!("one `{}` per realisation", claim.value),
                format!("{} of seed {seed}", rows.len()),
                "tell them apart with `where` or `each`, or make one of them with `reduce`",
            )),
        }
    }

    /// Why the table has no rows of a realisation.
    fn why_absent(&self, evidence: &Evidence<'_>, seed: u64) -> Reason {
        let of_seed = |absent: &&Absent| {
            absent.cells.iter().all(|(column, cell)| column != "seed" || cell.key() == seed.to_string())
        };
        let concerns = |absent: &&Absent| {
            let known = |name: &str| absent.cells.iter().find(|(column, _)| column == name);
            of_seed(absent) && self.condition.may_hold(&|name| known(name).map(|(_, cell)| cell.clone()))
        };
        match evidence.absent.iter().find(concerns) {
            Some(absent) => absent.reason.clone(),
            None => "no such rows".to_owned(),
        }
    }
}

fn several(claim: &Claim, expected: String, found: String, hint: &str) -> Error {
    Error::Claim {
        claim: claim.name.as_ref().clone(),
        message: format!("expected {expected}, found {found}"),
        hint: Some(hint.to_owned()),
    }
}

/// A place along the column of a reduction where there are two rows.
fn same_place(rows: &[Row]) -> Option<f64> {
    let mut places: Vec<f64> = rows.iter().filter_map(|(over, _)| *over).collect();
    places.sort_by(f64::total_cmp);
    places.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
}

fn undefined() -> Reason {
    "undefined".to_owned()
}

/// Reduces several rows to one number, which is undefined if one of them is.
fn reduced(reduction: &Reduction, rows: &[Row]) -> Result<f64, Reason> {
    let rows: Option<Vec<(f64, f64)>> =
        rows.iter().map(|(over, value)| Some(((*over)?, (*value)?))).collect();
    let mut rows = rows.ok_or_else(undefined)?;
    rows.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    // The first of equal values.
    let largest = rows.iter().copied().reduce(|best, row| if row.1 > best.1 { row } else { best });
    let number = match reduction.take {
        Take::Max => largest.map(|(_, value)| value),
        Take::Argmax => largest.map(|(over, _)| over),
        Take::Min => rows.iter().map(|(_, value)| *value).reduce(f64::min),
        Take::Last => rows.last().map(|(_, value)| *value),
        Take::Count => Some(rows.len() as f64),
        Take::Mean => Some(rows.iter().map(|(_, value)| value).sum::<f64>() / rows.len() as f64),
    };
    number.ok_or_else(undefined)
}
