//! Claims judged: from a table over realisations to a verdict with its numbers.
//!
//! Pure functions. A claim is judged group by group ([`Claim::each`]); in each the quantity has one value a realisation, and a test
//! over realisations decides. What has no value is left out and counted, with the reason.

mod finding;
mod quantity;

use concertina_table::{Scalar, Table};

pub use finding::{Finding, LEVEL, LeftOut, Level, Realisation, SIGNIFICANCE};

use crate::{Result, panel::key, recipe::Claim};

/// What became of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It holds, in every group.
    Reproduced,
    /// Too few realisations to tell, in some group; it fails in none.
    NotEnoughRealisations,
    /// It does not hold, in some group.
    NotReproduced,
}

/// What a claim is judged on.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// The table.
    pub table: &'a Table,
    /// The realisations that were asked for.
    pub seeds: &'a [u64],
    /// Runs that do not count.
    pub absent: &'a [Absent],
}

impl Evidence<'_> {
    /// Whether a row of the table is of a run that counts.
    pub(crate) fn counts(&self, row: usize) -> bool {
        let same = |(column, cell): &(String, Scalar)| {
            self.table.scalar(row, column).is_ok_and(|found| key(&found) == key(cell))
        };
        !self.absent.iter().any(|absent| absent.cells.iter().all(same))
    }
}

/// A run that does not count, whether the table has rows of it or not: it diverged, or failed.
#[derive(Clone, Debug, PartialEq)]
pub struct Absent {
    /// The columns that tell it from others.
    pub cells: Vec<(String, Scalar)>,
    /// Why, in a few words.
    pub reason: String,
}

/// A claim's verdict and what it rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// The verdict over all groups.
    pub verdict: Verdict,
    /// Group by group.
    pub findings: Vec<Finding>,
}

impl Claim {
    /// Judges the claim.
    ///
    /// # Errors
    /// [`Error::Table`](crate::Error::Table) for a column that the table does not have, [`Error::Claim`](crate::Error::Claim) where
    /// a realisation has several values.
    pub fn judge(&self, evidence: &Evidence<'_>) -> Result<Judgement> {
        let mut findings = Vec::new();
        for group in self.groups() {
            let values = quantity::values(self, evidence, &group)?;
            findings.push(Finding::of(self, group, values));
        }
        // There is one group at least.
        let verdict = findings.iter().map(|finding| finding.verdict).max();
        Ok(Judgement { verdict: verdict.unwrap_or(Verdict::NotEnoughRealisations), findings })
    }

    /// Whether a table has the columns that the claim is about.
    pub fn applies_to(&self, table: &Table) -> bool {
        self.columns().all(|column| table.has_column(column))
    }

    fn columns(&self) -> impl Iterator<Item = &str> {
        let compared = self.compare.iter().map(|contrast| contrast.column.as_str());
        let reduced = self.reduce.iter().map(|reduction| reduction.over.as_str());
        let named = self.rows.keys().chain(self.each.keys()).map(String::as_str);
        named.chain(compared).chain(reduced).chain([self.value.as_str(), "seed"])
    }

    /// All combinations of the values of `each`, the last column fastest.
    fn groups(&self) -> Vec<Vec<Level>> {
        let mut groups = vec![Vec::new()];
        for (column, cells) in &self.each {
            let extended = |group: &Vec<Level>| -> Vec<Vec<Level>> {
                let level = |value: &crate::Cell| {
                    let mut group = group.clone();
                    group.push(Level { column: column.clone(), value: key(&Scalar::Text(value.0.clone())) });
                    group
                };
                cells.0.iter().map(level).collect()
            };
            groups = groups.iter().flat_map(extended).collect();
        }
        groups
    }
}
