//! Parameters as cells of a table.

use concertina_model::params::{PARAMETERS, Parameter, ValidParams, Value};
use concertina_table::{Scalar, Table, Values};

use crate::error::Result;
use crate::record::RunRecord;

/// The value of a parameter as a cell.
pub(crate) fn cell(value: &Value) -> Scalar {
    match value {
        Value::None => Scalar::Null,
        Value::Boolean(value) => Scalar::Boolean(*value),
        Value::Integer(number) => {
            i64::try_from(*number).map_or(Scalar::Float(*number as f64), Scalar::Integer)
        }
        Value::Real(number) => Scalar::from(*number),
        Value::Text(text) => Scalar::Text(text.clone()),
        Value::Trials(arrays) => Scalar::Text(arrays.name().to_string()),
        list @ Value::List(_) => Scalar::Text(list.to_string()),
    }
}

fn parameter(path: &str) -> Option<&'static Parameter> {
    PARAMETERS.iter().find(|parameter| parameter.path == path)
}

/// What distinguishes a run from the others: the parameters that vary, by the last part of their names, and
/// the seed.
pub(crate) fn identity(params: &ValidParams, varied: &[&'static str]) -> Vec<(String, Scalar)> {
    let mut cells: Vec<(String, Scalar)> = varied
        .iter()
        .filter_map(|path| parameter(path))
        .filter(|parameter| parameter.path != "seed")
        .map(|parameter| (parameter.name().to_owned(), cell(&parameter.value(params))))
        .collect();
    cells.push(("seed".to_owned(), cell(&Value::from(params.seed))));
    cells
}

/// A table of one row. If two cells have the same name, the first counts (`epochs` that vary, and those that
/// were trained).
pub(crate) fn row(cells: impl IntoIterator<Item = (String, Scalar)>) -> Result<Table> {
    let mut table = Table::new();
    for (name, cell) in cells {
        if !table.has_column(&name) {
            table.push_column(name, Values::constant(&cell, 1))?;
        }
    }
    Ok(table)
}

/// Stacks tables below one another. No tables give an empty table.
///
/// Joining copies the rows, so tables are joined in pairs: the cost then grows with the number of rows, and
/// hardly with the number of tables.
pub(crate) fn stack(mut tables: Vec<Table>) -> Result<Table> {
    while tables.len() > 1 {
        let mut joined = Vec::with_capacity(tables.len().div_ceil(2));
        let mut rest = tables.into_iter();
        while let Some(mut upper) = rest.next() {
            if let Some(lower) = rest.next() {
                upper.append(&lower)?;
            }
            joined.push(upper);
        }
        tables = joined;
    }
    Ok(tables.pop().unwrap_or_default())
}

/// The result of an analysis, preceded by what distinguishes its run from others and by the stage of
/// training.
pub(crate) fn add_run(part: &Table, run: &RunRecord, varied: &[&'static str]) -> Result<Table> {
    add_columns(part, identity(&run.params, varied), run.end.update.0, run.is_imported())
}

/// As [`add_run`], for any columns. `last_update` is the update that counts as after training. A network that
/// was imported alone counts as after training.
pub(crate) fn add_columns(
    part: &Table,
    cells: Vec<(String, Scalar)>,
    last_update: u64,
    is_imported: bool,
) -> Result<Table> {
    let rows = part.row_count();
    let mut columns: Vec<(String, Values)> = cells
        .into_iter()
        .filter(|(name, _)| !part.has_column(name))
        .map(|(name, cell)| (name, Values::constant(&cell, rows)))
        .collect();
    if part.has_column("update") && !part.has_column("stage") {
        let stage = |update: Option<i64>| match update {
            Some(0) if last_update > 0 || !is_imported => Some("before".to_owned()),
            Some(update) if update as u64 == last_update => Some("after".to_owned()),
            _ => Some("during".to_owned()),
        };
        columns.push((
            "stage".to_owned(),
            Values::Text(part.integers("update")?.into_iter().map(stage).collect()),
        ));
    }
    columns.extend(part.columns().map(|(name, values)| (name.to_owned(), values.clone())));
    Ok(Table::from_columns(columns)?)
}
