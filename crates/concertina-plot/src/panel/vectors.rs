//! Columns of vectors along the axes of a scatter: one mark per entry.

use std::collections::BTreeSet;

use concertina_table::{Table, Values};

use crate::{Axis, Drawing, Error, Result};

/// The table with a row for each entry of the vectors along the axes; other columns are repeated. `panel` is
/// the name of the panel in errors.
///
/// # Errors
/// [`Error::Panel`] if a column has vectors and the other does not, or vectors of another length.
pub(crate) fn unrolled(table: Table, drawing: &Drawing, panel: &str) -> Result<Table> {
    let along: BTreeSet<&str> =
        [&drawing.x, &drawing.y].into_iter().flatten().map(|axis: &Axis| axis.column.as_str()).collect();
    let mut vectors = Vec::new();
    for &column in &along {
        if let Values::Vector(cells) = table.column(column)? {
            vectors.push((column, cells));
        }
    }
    let Some(&(first, cells)) = vectors.first() else { return Ok(table) };
    let wrong = |message: String| {
        let hint =
            "draw a column of vectors over another one, as `eigenvalue_imaginary` over `eigenvalue_real`";
        Err(Error::Panel { panel: panel.to_owned(), message, hint: Some(hint.to_owned()) })
    };
    if let Some(&alone) = along.iter().find(|name| vectors.iter().all(|(column, _)| column != *name)) {
        return wrong(format!("`{first}` has vectors, and `{alone}` has single values"));
    }
    let lengths = |cells: &[Option<Vec<f64>>]| -> Vec<usize> {
        cells.iter().map(|cell| cell.as_ref().map_or(0, Vec::len)).collect()
    };
    let entries = lengths(cells);
    if let Some((other, _)) = vectors.iter().find(|(_, cells)| lengths(cells) != entries) {
        return wrong(format!("the vectors of `{first}` and `{other}` differ in length"));
    }
    // A row without vectors stays, as a row without a value.
    let rows: Vec<usize> =
        entries.iter().enumerate().flat_map(|(row, &count)| vec![row; count.max(1)]).collect();
    let repeated = table.take(&rows);
    let entry = |cells: &[Option<Vec<f64>>]| -> Vec<Option<f64>> {
        let one = |cell: &Option<Vec<f64>>| match cell {
            Some(vector) if !vector.is_empty() => vector.iter().copied().map(Some).collect(),
            _ => vec![None],
        };
        cells.iter().flat_map(one).collect()
    };
    let columns =
        repeated.columns().map(|(name, values)| match vectors.iter().find(|(column, _)| *column == name) {
            Some((_, cells)) => (name.to_owned(), Values::from(entry(cells))),
            None => (name.to_owned(), values.clone()),
        });
    Ok(Table::from_columns(columns)?)
}
