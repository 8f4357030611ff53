//! Converts the published code's columns to ours.

use concertina_table::{Table, Values};

use crate::{Error, Result};

/// Columns with the same values under our names. Other columns are left out.
const VALUES: [(&str, &str); 8] = [
    ("lyapunov_log2", "exponent"),
    ("effective_dimension", "effective_dimension"),
    ("LR_training", "training_accuracy"),
    ("LR_testing", "testing_accuracy"),
    ("mean_abs_h", "saturation"),
    ("std_abs_h", "saturation_sd"),
    ("accuracy", "accuracy"),
    ("loss", "loss"),
];

/// Columns of parameters, and our names for them.
const PARAMETERS: [(&str, &str); 3] =
    [("n_lag", "delay"), ("loss", "loss"), ("learning_rate", "learning_rate")];

/// The table `name` with our columns. A table that has them already is returned unchanged.
///
/// Of the published code's tables, only those rows are kept that were made from the samples of the main
/// process (`loader_workers` 0); and of Lyapunov exponents, only those from all seeds at an epoch that
/// exists.
pub(super) fn ours(name: &str, table: &Table) -> Result<Table> {
    if !table.has_column("g_radius") {
        return Ok(table.clone());
    }
    let is = |row: usize, column: &str, wanted: &str| {
        table.scalar(row, column).is_ok_and(|cell| cell.to_string() == wanted)
    };
    // A table without these columns has no such rows to leave out.
    let same = |row: usize, a: &str, b: &str| table.scalar(row, a).ok() == table.scalar(row, b).ok();
    let wanted = |row: usize| {
        is(row, "loader_workers", "0")
            && (!table.has_column("call") || is(row, "call", "extended"))
            && same(row, "epoch_requested", "epoch_loaded")
    };
    let theirs = table.filter(wanted);
    if theirs.is_empty() {
        return Err(Error::Published {
            table: name.to_owned(),
            message: "expected rows with `loader_workers` 0 (for Lyapunov exponents, those of the extended call), found none"
                .to_owned(),
        });
    }
    let mut all: Vec<(&str, Values)> = Vec::new();
    all.push(("seed", theirs.column("seed")?.clone()));
    all.push(("gain", theirs.column("g_radius")?.clone()));
    let length = whole(name, &theirs, "num_epochs")?;
    let epochs = match ["epoch_loaded", "epoch"].into_iter().find(|column| theirs.has_column(column)) {
        Some(column) => whole(name, &theirs, column)?,
        None => length.clone(),
    };
    let stage = |(&epoch, &last): (&i64, &i64)| match epoch {
        0 => "before".to_owned(),
        _ if epoch == last => "after".to_owned(),
        _ => "during".to_owned(),
    };
    all.push(("stage", Values::from(epochs.iter().zip(&length).map(stage).collect::<Vec<_>>())));
    all.push(("epoch", Values::from(epochs)));
    if theirs.has_column("layer") {
        all.push(("timestep", Values::from(counted(name, &theirs, "layer", -1)?)));
    }
    if theirs.has_column("index") {
        all.push(("index", Values::from(counted(name, &theirs, "index", 1)?)));
    }
    for (column, ours) in PARAMETERS {
        // A table of losses has a column of that name, too.
        if theirs.has_column(column) && !(column == "loss" && theirs.floats(column).is_ok()) {
            all.push((ours, theirs.column(column)?.clone()));
        }
    }
    for (column, ours) in VALUES {
        if theirs.has_column(column) && !all.iter().any(|(known, _)| *known == ours) {
            all.push((ours, theirs.column(column)?.clone()));
        }
    }
    Ok(Table::from_columns(all)?)
}

/// A column of whole numbers that start from a different number here.
fn counted(name: &str, table: &Table, column: &str, shift: i64) -> Result<Vec<i64>> {
    let shifted = whole(name, table, column)?.into_iter().map(|number| number.checked_add(shift));
    shifted.collect::<Option<_>>().ok_or_else(|| Error::Published {
        table: name.to_owned(),
        message: format!("expected small whole numbers in `{column}`, found one past 64 bits"),
    })
}

/// A column of whole numbers without gaps.
fn whole(name: &str, table: &Table, column: &str) -> Result<Vec<i64>> {
    let cells: Option<Vec<i64>> = table.integers(column)?.into_iter().collect();
    cells.ok_or_else(|| Error::Published {
        table: name.to_owned(),
        message: format!("expected a whole number in every row of `{column}`, found an empty cell"),
    })
}
