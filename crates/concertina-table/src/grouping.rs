//! Groups and order of rows.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use crate::{Result, Scalar, Table, Values};

/// The cell of a key, with a total order, so that groups can be found in a tree.
pub(crate) struct Cell(pub(crate) Scalar);

impl PartialEq for Cell {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Cell {}
impl PartialOrd for Cell {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Cell {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Table {
    /// The rows grouped by equal cells in these columns, with groups in order of first appearance and rows in
    /// their original order.
    ///
    /// Nulls form a single group. Without names, all rows form a single group (or no group if there are no
    /// rows).
    ///
    /// # Errors
    /// [`Error::UnknownColumn`](crate::Error::UnknownColumn).
    pub fn group_by(&self, names: &[&str]) -> Result<Vec<(Vec<Scalar>, Table)>> {
        let keys = self.keys(names)?;
        let mut places: BTreeMap<Vec<Cell>, usize> = BTreeMap::new();
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for row in 0..self.row_count() {
            let place = *places.entry(cells(&keys, row)).or_insert(groups.len());
            if place == groups.len() {
                groups.push(Vec::new());
            }
            groups[place].push(row);
        }
        Ok(groups
            .into_iter()
            .map(|rows| (cells(&keys, rows[0]).into_iter().map(|cell| cell.0).collect(), self.take(&rows)))
            .collect())
    }

    /// The rows sorted in increasing order by these columns, the first name first. Nulls come last, and equal
    /// rows keep their order.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`](crate::Error::UnknownColumn).
    pub fn sort_by(&self, names: &[&str]) -> Result<Table> {
        let keys = self.keys(names)?;
        let mut rows: Vec<_> = (0..self.row_count()).map(|row| (cells(&keys, row), row)).collect();
        rows.sort();
        Ok(self.take(&rows.into_iter().map(|(_, row)| row).collect::<Vec<_>>()))
    }

    /// The keys ([`Scalar::key`]) of the distinct cells of a column, without nulls: numbers in increasing
    /// order, everything else in order of appearance.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`](crate::Error::UnknownColumn).
    pub fn distinct(&self, column: &str) -> Result<Vec<String>> {
        let values = self.column(column)?;
        let mut known = BTreeSet::new();
        let mut found: Vec<(Scalar, String)> = Vec::new();
        for cell in (0..self.row_count()).filter_map(|row| values.get(row)) {
            let key = cell.key();
            if !cell.is_null() && known.insert(key.clone()) {
                found.push((cell, key));
            }
        }
        if matches!(values, Values::Float(_) | Values::Integer(_)) {
            found.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        }
        Ok(found.into_iter().map(|(_, key)| key).collect())
    }

    pub(crate) fn keys(&self, names: &[&str]) -> Result<Vec<&Values>> {
        names.iter().map(|name| self.column(name)).collect()
    }
}

pub(crate) fn cells(keys: &[&Values], row: usize) -> Vec<Cell> {
    keys.iter().map(|values| Cell(values.get(row).unwrap_or(Scalar::Null))).collect()
}
