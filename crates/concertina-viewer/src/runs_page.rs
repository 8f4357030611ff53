//! The table of runs: rows as they scroll into view, and whole columns for pictures.

use std::collections::BTreeSet;

use concertina::model::params::{Kind, PARAMETERS};
use concertina::table::{Columns as _, Scalar, Table, Values};
use concertina::{Condition, RunColumns, Sorting};
use serde_json::{Value, json};

use crate::answer::{Refusal, Result};
use crate::routes::Query;
use crate::shelf::Look;

/// The most rows in one answer; a page asks for what it shows.
const MOST_ROWS: usize = 500;
/// Columns that are always of interest; the others are where runs differ.
const USUAL: [&str; 6] = ["key", "status", "epochs", "seed", "validation_loss", "validation_accuracy"];
/// Columns that are shown only if they are asked for.
const SELDOM: [&str; 6] =
    ["folder", "updates", "training_loss", "training_accuracy", "finished", "wall_seconds"];

/// A cell as JSON.
fn cell(values: &Values, row: usize) -> Value {
    match values.get(row) {
        Some(Scalar::Float(number)) => json!(number),
        Some(Scalar::Integer(number)) => json!(number),
        Some(Scalar::Text(text)) => json!(text),
        Some(Scalar::Boolean(truth)) => json!(truth),
        Some(Scalar::Vector(numbers)) => json!(numbers),
        Some(Scalar::Null) | None => Value::Null,
    }
}

/// A table as JSON: the names of its columns, and the cells of each.
pub(crate) fn by_columns(table: &Table) -> Value {
    let column = |(name, values): (&str, &Values)| json!({ "name": name, "values": (0..values.len()).map(|row| cell(values, row)).collect::<Vec<_>>() });
    Value::Array(table.columns().map(column).collect())
}

/// The rows that a query asks for, in its order.
fn rows(look: &Look, query: &Query) -> Result<Vec<usize>> {
    let text = query.get("where").unwrap_or_default().trim();
    let mut rows: Vec<usize> = (0..look.table.row_count()).collect();
    if !text.is_empty() {
        let condition = Condition::parse(text, &RunColumns)?;
        // Only the columns that it is about: looking for the others in each row would take most of the time.
        let names: Vec<&str> = condition.columns().into_iter().collect();
        if !look.table.is_empty() {
            let narrow = look.table.select(&names).map_err(concertina::Error::from)?;
            let mut kept = Vec::new();
            for row in rows {
                if condition.holds(&narrow, row).map_err(concertina::Error::from)? {
                    kept.push(row);
                }
            }
            rows = kept;
        }
    }
    if let Some(sort) = query.get("sort").filter(|sort| !sort.is_empty()) {
        let Sorting { column, falling } = sort.parse()?;
        if !look.table.is_empty() {
            sort_by(look.table.column(&column).map_err(concertina::Error::from)?, falling, &mut rows);
        }
    }
    Ok(rows)
}

/// Sorts rows by a column. Empty cells come last either way, and equal rows keep their order.
fn sort_by(values: &Values, falling: bool, rows: &mut [usize]) {
    fn by<T>(rows: &mut [usize], falling: bool, key: impl Fn(usize) -> Option<T>, order: Order<T>) {
        rows.sort_by(|&left, &right| match (key(left), key(right)) {
            (Some(left), Some(right)) if falling => order(&right, &left),
            (Some(left), Some(right)) => order(&left, &right),
            (left, right) => left.is_none().cmp(&right.is_none()),
        });
    }
    type Order<T> = fn(&T, &T) -> std::cmp::Ordering;
    match values {
        Values::Float(cells) => by(rows, falling, |row| cells[row], |a, b| a.total_cmp(b)),
        Values::Integer(cells) => by(rows, falling, |row| cells[row], Ord::cmp),
        Values::Boolean(cells) => by(rows, falling, |row| cells[row], Ord::cmp),
        Values::Text(cells) => by(rows, falling, |row| cells[row].as_deref(), Ord::cmp),
        Values::Vector(_) => {}
    }
}

/// `runs`: how many there are, how many fulfil the condition, and some of their rows.
pub(crate) fn runs(look: &Look, query: &Query) -> Result<Value> {
    let all = rows(look, query)?;
    let number = |name: &str, otherwise: usize| -> Result<usize> {
        query.get(name).map_or(Ok(otherwise), |text| {
            text.parse()
                .map_err(|_| Refusal::wrong(format!("expected a whole number for `{name}`, found `{text}`")))
        })
    };
    let (from, count) = (number("from", 0)?.min(all.len()), number("count", 100)?.min(MOST_ROWS));
    let names = columns(look, query)?;
    let shown: Vec<Value> = all[from..all.len().min(from + count)]
        .iter()
        .map(|&row| {
            let cells = names
                .iter()
                .map(|name| look.table.column(name).map_or(Value::Null, |values| cell(values, row)));
            Value::Array(cells.collect())
        })
        .collect();
    Ok(json!({
        "version": look.version,
        "exists": look.exists,
        "unread": look.unread,
        "total": look.table.row_count(),
        "matched": all.len(),
        "from": from,
        "columns": names,
        "rows": shown,
    }))
}

/// The columns that a query names, or those in which runs differ. The key comes first.
fn columns(look: &Look, query: &Query) -> Result<Vec<String>> {
    let mut names = vec!["key".to_owned()];
    match query.get("columns").filter(|text| !text.is_empty()) {
        Some(text) => {
            for name in text.split(',').map(column_named) {
                let name = name?;
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        None => names.extend(usual(&look.table).into_iter().skip(1)),
    }
    Ok(names)
}

fn column_named(name: &str) -> Result<String> {
    Ok(RunColumns.column(name.trim())?)
}

/// The usual columns of a table: those that are always of interest, and those in which runs differ.
fn usual(table: &Table) -> Vec<String> {
    let is_usual = |name: &str, values: &Values| {
        USUAL.contains(&name) || !(SELDOM.contains(&name) || is_constant(values))
    };
    table.columns().filter(|(name, values)| is_usual(name, values)).map(|(name, _)| name.to_owned()).collect()
}

/// Whether all cells that are not empty are the same.
fn is_constant(values: &Values) -> bool {
    fn same<T: PartialEq>(cells: &[Option<T>]) -> bool {
        let mut there = cells.iter().flatten();
        let first = there.next();
        there.all(|cell| Some(cell) == first)
    }
    match values {
        Values::Float(cells) => same(cells),
        Values::Integer(cells) => same(cells),
        Values::Text(cells) => same(cells),
        Values::Boolean(cells) => same(cells),
        Values::Vector(cells) => same(cells),
    }
}

/// `columns`: every column of the run table with what it may be compared with, for completion and menus.
pub(crate) fn all_columns(look: &Look) -> Value {
    let usual: BTreeSet<String> = usual(&look.table).into_iter().collect();
    let column = |(name, values): (&str, &Values)| {
        let parameter = PARAMETERS.iter().find(|parameter| parameter.path == name);
        let choices: Vec<&str> = match (name, parameter.map(|parameter| parameter.kind)) {
            ("status", _) => vec!["complete", "diverged", "unfinished"],
            (_, Some(Kind::Choice(names))) => names.iter().map(|choice| choice.name).collect(),
            (_, Some(Kind::Boolean)) => vec!["true", "false"],
            _ => Vec::new(),
        };
        json!({
            "name": name,
            "kind": values.kind(),
            "choices": choices,
            "usual": usual.contains(name),
            "meaning": parameter.map_or("", |parameter| parameter.meaning),
        })
    };
    json!({ "version": look.version, "columns": look.table.columns().map(column).collect::<Vec<_>>() })
}

/// `values`: whole columns of the rows that fulfil the condition, for pictures. Texts are numbered.
pub(crate) fn values(look: &Look, query: &Query) -> Result<Value> {
    let rows = rows(look, query)?;
    let mut columns = Vec::new();
    for name in query.get("columns").unwrap_or_default().split(',').filter(|name| !name.is_empty()) {
        let name = column_named(name)?;
        let Ok(values) = look.table.column(&name) else { continue };
        let numbered = |texts: Vec<Option<String>>| {
            let names: Vec<String> =
                texts.iter().flatten().collect::<BTreeSet<_>>().into_iter().cloned().collect();
            let place = |text: &Option<String>| names.binary_search(text.as_ref()?).ok();
            let places: Vec<Option<usize>> = texts.iter().map(place).collect();
            json!({ "name": name, "names": names, "values": places })
        };
        columns.push(match values {
            Values::Float(cells) => {
                json!({ "name": name, "values": rows.iter().map(|&row| cells[row]).collect::<Vec<_>>() })
            }
            Values::Integer(cells) => {
                json!({ "name": name, "values": rows.iter().map(|&row| cells[row]).collect::<Vec<_>>() })
            }
            Values::Text(cells) => numbered(rows.iter().map(|&row| cells[row].clone()).collect()),
            Values::Boolean(cells) => {
                numbered(rows.iter().map(|&row| cells[row].map(|truth| truth.to_string())).collect())
            }
            Values::Vector(_) => {
                return Err(Refusal::wrong(format!("`{name}` has vectors, which have no place on an axis")));
            }
        });
    }
    Ok(json!({ "version": look.version, "rows": rows.len(), "columns": columns }))
}
