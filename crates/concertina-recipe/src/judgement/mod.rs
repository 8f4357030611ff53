//! Judges claims: from a table over realisations to a verdict with its numbers.
//!
//! These are pure functions. A claim is judged group by group ([`Claim::each`]). In each group, the
//! quantity has one value per realisation, and a test over realisations decides. Realisations without a
//! value are left out and counted, with the reason.

mod finding;
mod quantity;
mod rule;

use concertina_table::{OneOf, Scalar, Table};

pub use finding::{Finding, LEVEL, LeftOut, Level, Realisation, SIGNIFICANCE};

use concertina_plot::no_such_value;

use rule::Rule;

use crate::{Claim, Error, Result};

/// The outcome of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// There is evidence for the claim in every group.
    Reproduced,
    /// In some group, the realisations are too few to say. There is evidence against the claim in none.
    Undecided,
    /// In some group, there is evidence for the opposite of the claim.
    Contradicted,
}

/// The data on which a claim is judged.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// The table.
    pub table: &'a Table,
    /// The requested realisations.
    pub seeds: &'a [u64],
    /// Runs that do not count.
    pub absent: &'a [Absent],
}

impl Evidence<'_> {
    /// Whether a row of the table belongs to a run that counts.
    pub(crate) fn counts(&self, row: usize) -> bool {
        let same = |(column, cell): &(String, Scalar)| {
            self.table.scalar(row, column).is_ok_and(|found| found.key() == cell.key())
        };
        !self.absent.iter().any(|absent| absent.cells.iter().all(same))
    }
}

/// A run that does not count, regardless of whether the table has rows of it, because it diverged or
/// failed.
#[derive(Clone, Debug, PartialEq)]
pub struct Absent {
    /// The columns that distinguish it from others.
    pub cells: Vec<(String, Scalar)>,
    /// Why, in a few words.
    pub reason: String,
}

/// The verdict on a claim and its basis.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// The verdict over all groups.
    pub verdict: Verdict,
    /// Group by group.
    pub findings: Vec<Finding>,
}

impl From<Vec<Finding>> for Judgement {
    fn from(findings: Vec<Finding>) -> Self {
        // There is at least one group.
        let verdict = findings.iter().map(|finding| finding.verdict).max();
        Self { verdict: verdict.unwrap_or(Verdict::Undecided), findings }
    }
}

impl Claim {
    /// Judges the claim.
    ///
    /// # Errors
    /// [`Error::Table`](crate::Error::Table) for a column that the table does not have;
    /// [`Error::Claim`](crate::Error::Claim) if a realisation has several values, or if no row has a value
    /// that the claim names and no absent run could have had it.
    pub fn judge(&self, evidence: &Evidence<'_>) -> Result<Judgement> {
        self.judge_at(evidence, &[])
    }

    /// Judges the claim by a test that was planned to look at these numbers of the requested realisations,
    /// in increasing order. Looks at more realisations than were requested are still to come. Realisations
    /// are taken in the order of the evidence's seeds. Without looks, as [`Claim::judge`].
    ///
    /// # Errors
    /// As [`Claim::judge`].
    pub fn judge_at(&self, evidence: &Evidence<'_>, looks: &[usize]) -> Result<Judgement> {
        self.check_values(evidence)?;
        Ok(Judgement::from(self.findings_at(evidence, looks)?))
    }

    /// The quantity group by group. The table, for example a published one, need not have all groups.
    ///
    /// # Errors
    /// The errors of [`Claim::judge`], except those for values that no row has.
    pub fn findings(&self, evidence: &Evidence<'_>) -> Result<Vec<Finding>> {
        self.findings_at(evidence, &[])
    }

    /// The quantity group by group, as [`Claim::findings`], by a test with these [looks](Claim::judge_at).
    ///
    /// # Errors
    /// As [`Claim::findings`].
    pub fn findings_at(&self, evidence: &Evidence<'_>, looks: &[usize]) -> Result<Vec<Finding>> {
        let groups = self.groups();
        let rule = Rule { looks, seeds: evidence.seeds, groups: groups.len() };
        let of = |group: Vec<Level>| {
            let quantity::Values { realisations, left_out } = quantity::values(self, evidence, &group)?;
            Ok(Finding::of(self, group, realisations, left_out, &rule))
        };
        groups.into_iter().map(of).collect()
    }

    /// Checks that every value that the claim names is in some row, or may have been in a row of an absent
    /// run.
    fn check_values(&self, evidence: &Evidence<'_>) -> Result<()> {
        if evidence.table.is_empty() {
            return Ok(());
        }
        for (column, cell) in self.named() {
            let wanted = cell.key();
            let may_have = |absent: &Absent| match absent.cells.iter().find(|(known, _)| known == column) {
                Some((_, known)) => known.key() == wanted,
                None => true, // a column of the analysis, of which an absent run may have had any value
            };
            let known = evidence.table.distinct(column)?;
            if !known.contains(&wanted) && !evidence.absent.iter().any(may_have) {
                return Err(self.no_such_value(column, &cell.word(), &known));
            }
        }
        Ok(())
    }

    /// The error for a value that no row has.
    pub(crate) fn no_such_value(&self, column: &str, found: &str, known: &[String]) -> Error {
        let (message, hint) = no_such_value(column, found, known);
        Error::Claim { claim: self.name.as_ref().clone(), message, hint: Some(hint) }
    }

    /// Whether a table has the columns that the claim needs.
    pub fn applies_to(&self, table: &Table) -> bool {
        self.columns().all(|column| table.has_column(column))
    }

    fn columns(&self) -> impl Iterator<Item = &str> {
        let compared = self.compare.iter().map(|contrast| contrast.column.as_str());
        let reduced = self.reduce.iter().map(|reduction| reduction.over.as_str());
        let named = self.rows.columns().into_iter().chain(self.each.keys().map(String::as_str));
        named.chain(compared).chain(reduced).chain([self.value.as_str(), "seed"])
    }

    /// All combinations of the values of `each`; the last column varies fastest.
    fn groups(&self) -> Vec<Vec<Level>> {
        let mut groups = vec![Vec::new()];
        for (column, OneOf(values)) in &self.each {
            let extended = |group: &Vec<Level>| -> Vec<Vec<Level>> {
                let level = |value: &Scalar| {
                    let mut group = group.clone();
                    group.push(Level { column: column.clone(), value: value.key() });
                    group
                };
                values.iter().map(level).collect()
            };
            groups = groups.iter().flat_map(extended).collect();
        }
        groups
    }
}
