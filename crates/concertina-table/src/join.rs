//! Two tables side by side, with rows matched by key columns.

use std::collections::{BTreeMap, BTreeSet};

use crate::grouping::{Cell, cells};
use crate::table::stacked;
use crate::{Error, Result, Table};

impl Table {
    /// Joins the rows of both tables that have the same cells in the columns `on`.
    ///
    /// The columns are those of this table, then those of `other` that are not in `on`. The rows are in the
    /// order of this table, followed by those that only `other` has. A row without a match is kept, with
    /// nulls in place of the missing cells. If one of the tables has several rows with the same key, each is
    /// joined to the single row of the other.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`] if one of the tables lacks a column of `on`; [`Error::DuplicateColumn`] for a
    /// column outside `on` that both have; [`Error::Ambiguous`] if both have several rows with the same key;
    /// [`Error::NoPartner`] if no row has a match although both tables have rows; [`Error::Kind`] if a column
    /// of `on` holds different kinds.
    pub fn join(&self, other: &Table, on: &[&str]) -> Result<Table> {
        let (left, right) = (places(self, on)?, places(other, on)?);
        let names = || on.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let partners: BTreeSet<&Vec<Cell>> = left.keys().filter(|key| right.contains_key(*key)).collect();
        if partners.is_empty() && !left.is_empty() && !right.is_empty() {
            return Err(Error::NoPartner { columns: names() });
        }
        if let Some(key) = partners.into_iter().find(|key| left[*key].len() > 1 && right[*key].len() > 1) {
            let cells = on.iter().zip(key).map(|(name, cell)| format!("{name} {}", cell.0));
            return Err(Error::Ambiguous { columns: names(), row: cells.collect::<Vec<_>>().join(", ") });
        }

        // Pairs of rows, in order.
        let mut pairs: Vec<(Option<usize>, Option<usize>)> = Vec::new();
        let keys = self.keys(on)?;
        for row in 0..self.row_count() {
            match right.get(&cells(&keys, row)) {
                Some(partners) => pairs.extend(partners.iter().map(|&partner| (Some(row), Some(partner)))),
                None => pairs.push((Some(row), None)),
            }
        }
        let keys = other.keys(on)?;
        let alone = |row: &usize| !left.contains_key(&cells(&keys, *row));
        pairs.extend((0..other.row_count()).filter(alone).map(|row| (None, Some(row))));

        let of_left: Vec<Option<usize>> = pairs.iter().map(|(left, _)| *left).collect();
        let of_right: Vec<Option<usize>> = pairs.iter().map(|(_, right)| *right).collect();
        // Rows that only the other table has come last, with their keys taken from there.
        let shared = of_left.iter().take_while(|row| row.is_some()).count();
        let mut table = Table::new();
        for (name, values) in self.columns() {
            let column = if on.contains(&name) {
                let (above, below) = (values.pick(&of_left[..shared]), other.column(name)?);
                stacked(name, above, &below.pick(&of_right[shared..]))?
            } else {
                values.pick(&of_left)
            };
            table.push_column(name, column)?;
        }
        for (name, values) in other.columns().filter(|(name, _)| !on.contains(name)) {
            table.push_column(name, values.pick(&of_right))?;
        }
        Ok(table)
    }
}

/// The rows of each key.
fn places(table: &Table, on: &[&str]) -> Result<BTreeMap<Vec<Cell>, Vec<usize>>> {
    let keys = table.keys(on)?;
    let mut places: BTreeMap<Vec<Cell>, Vec<usize>> = BTreeMap::new();
    for row in 0..table.row_count() {
        places.entry(cells(&keys, row)).or_default().push(row);
    }
    Ok(places)
}
