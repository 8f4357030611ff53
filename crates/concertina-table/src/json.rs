//! Tables as JSON records.

use std::io::Write;

use serde_json::{Map, Number, Value};

use crate::parquet::check_size;
use crate::{Error, Result, Scalar, Table, Values};

impl Table {
    /// An array with one object per row. Null is `null`, an infinity is the text `inf` or `-inf`, and a
    /// vector is an array.
    ///
    /// The members of objects are ordered by name. [`Table::write_json`] keeps the order of the columns.
    pub fn to_json(&self) -> Value {
        let record = |row| {
            Value::Object(
                self.columns.iter().map(|(name, values)| (name.clone(), value(values.get(row)))).collect(),
            )
        };
        Value::Array((0..self.row_count()).map(record).collect())
    }

    /// Writes an array with one object per row, one row per line, with members in the order of the columns.
    ///
    /// # Errors
    /// [`Error::JsonWrite`] if the writer fails.
    pub fn write_json(&self, mut writer: impl Write) -> Result<()> {
        let failed = |source| Error::JsonWrite { source };
        let io = |error| failed(serde_json::Error::io(error));
        writer.write_all(b"[").map_err(io)?;
        for row in 0..self.row_count() {
            writer.write_all(if row == 0 { b"\n{" } else { b",\n{" }).map_err(io)?;
            for (index, (name, values)) in self.columns.iter().enumerate() {
                if index > 0 {
                    writer.write_all(b", ").map_err(io)?;
                }
                serde_json::to_writer(&mut writer, name).map_err(failed)?;
                writer.write_all(b": ").map_err(io)?;
                serde_json::to_writer(&mut writer, &value(values.get(row))).map_err(failed)?;
            }
            writer.write_all(b"}").map_err(io)?;
        }
        writer.write_all(b"\n]\n").map_err(io)
    }

    /// Reads an array of objects. A name that is missing in an object is null in that row.
    ///
    /// Columns are in order of first appearance. Numbers written with a point or an exponent (and those that
    /// exceed 64 bits) make a float column, whole numbers an integer column, and the two together a float
    /// column. The texts `inf` and `-inf` are infinities if all other cells are numbers or null. Arrays of
    /// numbers, all of the same length, make a column of vectors. A column that contains only nulls is float.
    ///
    /// # Errors
    /// [`Error::Json`] if it is something else, a cell contains an object, or a column mixes kinds;
    /// [`Error::Width`] for arrays of different lengths; [`Error::TooLarge`] for more than 2^14 columns or
    /// 2^26 cells.
    pub fn from_json(json: &Value) -> Result<Table> {
        let records = json.as_array().ok_or_else(|| Error::Json { found: kind(json).to_owned() })?;
        let mut objects: Vec<&Map<String, Value>> = Vec::with_capacity(records.len());
        let mut names: Vec<&str> = Vec::new();
        let mut known = std::collections::BTreeSet::new();
        for (row, record) in records.iter().enumerate() {
            let object = record
                .as_object()
                .ok_or_else(|| Error::Json { found: format!("{} as record {row}", kind(record)) })?;
            names.extend(object.keys().map(String::as_str).filter(|&name| known.insert(name)));
            objects.push(object);
        }
        // If names are missing in most records, there are many more cells than values.
        check_size(objects.len(), names.len())?;
        let mut table = Table::new();
        for name in names {
            let cells: Vec<_> =
                objects.iter().map(|object| object.get(name).unwrap_or(&Value::Null)).collect();
            table.push_column(name, column(name, &cells)?)?;
        }
        Ok(table)
    }
}

fn value(cell: Option<Scalar>) -> Value {
    match cell {
        Some(Scalar::Float(value)) => number(value),
        Some(Scalar::Vector(value)) => value.into_iter().map(number).collect(),
        Some(Scalar::Integer(value)) => Value::from(value),
        Some(Scalar::Text(value)) => Value::from(value),
        Some(Scalar::Boolean(value)) => Value::from(value),
        Some(Scalar::Null) | None => Value::Null,
    }
}

fn number(value: f64) -> Value {
    if value.is_infinite() {
        return Value::from(if value > 0.0 { "inf" } else { "-inf" });
    }
    Number::from_f64(value).map_or(Value::Null, Value::Number)
}

/// The cells of a column, in the narrowest kind that holds them.
fn column(name: &str, cells: &[&Value]) -> Result<Values> {
    let all = |fits: fn(&Value) -> bool| cells.iter().all(|cell| cell.is_null() || fits(cell));
    if all(|_| false) {
        return Ok(Values::Float(vec![None; cells.len()]));
    }
    if all(Value::is_boolean) {
        return Ok(Values::Boolean(cells.iter().map(|cell| cell.as_bool()).collect()));
    }
    if all(Value::is_i64) {
        return Ok(Values::Integer(cells.iter().map(|cell| cell.as_i64()).collect()));
    }
    if all(|cell| float(cell).is_some()) {
        return Ok(Values::Float(cells.iter().map(|cell| float(cell)).collect()));
    }
    if all(Value::is_string) {
        return Ok(Values::Text(cells.iter().map(|cell| cell.as_str().map(str::to_owned)).collect()));
    }
    if all(|cell| vector(cell).is_some()) {
        return Ok(Values::Vector(cells.iter().map(|cell| vector(cell)).collect()));
    }
    let mut kinds: Vec<_> = cells.iter().map(|cell| kind(cell)).filter(|&kind| kind != "null").collect();
    kinds.sort_unstable();
    kinds.dedup();
    Err(Error::Json { found: format!("{} in column `{name}`", kinds.join(" and ")) })
}

fn float(cell: &Value) -> Option<f64> {
    match cell {
        Value::Number(number) => number.as_f64(),
        Value::String(text) if text == "inf" => Some(f64::INFINITY),
        Value::String(text) if text == "-inf" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

fn vector(cell: &Value) -> Option<Vec<f64>> {
    cell.as_array()?.iter().map(float).collect()
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
