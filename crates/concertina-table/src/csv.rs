//! Tables as comma-separated values.

use std::collections::BTreeSet;
use std::io::{Read, Write};

use crate::parquet::check_size;
use crate::{Error, Result, Table, Values};

impl Table {
    /// Writes a header line and one line per row. Null is an empty cell, and lines end in `
    /// `.
    ///
    /// A float is written as the shortest text that is read back to the same bits, with a point or an
    /// exponent (`2.0`, `1e-7`). Integers have neither. Infinities are `inf` and `-inf`, and booleans are
    /// `true` and `false`. Texts are quoted where needed. A column `state` of vectors is written as columns
    /// `state[0]`, `state[1]`, ... of numbers, and read back as such.
    ///
    /// # Errors
    /// [`Error::Csv`] if the writer fails; [`Error::DuplicateColumn`] if another column has the same name as
    /// a number of a vector; [`Error::TooLarge`] for more than 2^14 columns.
    pub fn write_csv(&self, writer: impl Write) -> Result<()> {
        if self.columns.is_empty() {
            return Ok(());
        }
        let csv = |source| Error::Csv { source };
        let mut out = ::csv::WriterBuilder::new().from_writer(writer);
        out.write_record(self.flat_names()?).map_err(csv)?;
        for row in 0..self.row_count() {
            for (_, values) in &self.columns {
                match (values, values.width()) {
                    (Values::Text(cells), _) => out.write_field(cells[row].as_deref().unwrap_or("")),
                    (Values::Vector(cells), Some(width)) => (0..width).try_for_each(|place| {
                        let number = cells[row].as_ref().map(|vector| format!("{:?}", vector[place]));
                        out.write_field(number.unwrap_or_default())
                    }),
                    _ => out.write_field(values.get(row).map(|cell| cell.to_string()).unwrap_or_default()),
                }
                .map_err(csv)?;
            }
            out.write_record(None::<&[u8]>).map_err(csv)?;
        }
        out.flush().map_err(|error| csv(error.into()))
    }

    /// Reads a header line and rows. The kind of each column is inferred from all its cells.
    ///
    /// An empty cell is null. If all other cells are whole numbers that fit into 64 bits, the column is
    /// integer; if all are numbers, float; if all are `true` or `false` (or `True`, `False`), boolean;
    /// otherwise text. A column that contains only nulls is float. A number must be spelled as programs spell
    /// it: without leading zeros or a plus sign, and with one digit before the point if there is an exponent.
    /// Therefore `007` and hexadecimal keys such as `12e4` remain text. *A column of texts that all look like
    /// numbers becomes numbers.* Where that matters, keep the table as Parquet or JSON.
    ///
    /// # Errors
    /// [`Error::Csv`] if the reader fails, lines differ in their number of cells, or bytes are not UTF-8;
    /// [`Error::DuplicateColumn`]; [`Error::TooLarge`] for more than 2^14 columns.
    pub fn read_csv(reader: impl Read) -> Result<Table> {
        let csv = |source| Error::Csv { source };
        let mut input = ::csv::ReaderBuilder::new().from_reader(reader);
        let mut names: Vec<String> = input.headers().map_err(csv)?.iter().map(str::to_owned).collect();
        if let Some(first) = names.first_mut() {
            // Spreadsheet programs put a byte-order mark before the first name.
            *first = first.trim_start_matches('\u{feff}').to_owned();
        }
        check_size(0, names.len())?;
        let mut columns: Vec<Vec<Option<String>>> = vec![Vec::new(); names.len()];
        for record in input.records() {
            let record = record.map_err(csv)?;
            for (column, cell) in columns.iter_mut().zip(record.iter()) {
                column.push((!cell.is_empty()).then(|| cell.to_owned()));
            }
        }
        Table::from_columns(names.into_iter().zip(columns.into_iter().map(inferred)))
    }

    /// The names of the columns, with one name per number of a vector.
    fn flat_names(&self) -> Result<Vec<String>> {
        let mut names = Vec::with_capacity(self.columns.len());
        for (name, values) in &self.columns {
            match values.width() {
                Some(width) => names.extend((0..width).map(|place| format!("{name}[{place}]"))),
                None => names.push(name.clone()),
            }
        }
        check_size(0, names.len())?;
        let mut known = BTreeSet::new();
        match names.iter().find(|name| !known.insert(name.as_str())) {
            Some(name) => Err(Error::DuplicateColumn { name: name.clone() }),
            None => Ok(names),
        }
    }
}

/// The narrowest kind that holds all cells.
fn inferred(cells: Vec<Option<String>>) -> Values {
    fn all<T>(cells: &[Option<String>], parse: impl Fn(&str) -> Option<T>) -> Option<Vec<Option<T>>> {
        cells
            .iter()
            .map(|cell| cell.as_deref().map(&parse).map_or(Some(None), |value| value.map(Some)))
            .collect()
    }
    if cells.iter().all(Option::is_none) {
        return Values::Float(vec![None; cells.len()]);
    }
    if let Some(cells) = all(&cells, integer) {
        return Values::Integer(cells);
    }
    if let Some(cells) = all(&cells, float) {
        return Values::Float(cells).without_nan();
    }
    if let Some(cells) = all(&cells, boolean) {
        return Values::Boolean(cells);
    }
    Values::Text(cells)
}

fn boolean(cell: &str) -> Option<bool> {
    match cell {
        "true" | "True" => Some(true),
        "false" | "False" => Some(false),
        _ => None,
    }
}

fn integer(cell: &str) -> Option<i64> {
    let value: i64 = cell.parse().ok()?;
    (cell == value.to_string()).then_some(value)
}

fn float(cell: &str) -> Option<f64> {
    match cell {
        "inf" => return Some(f64::INFINITY),
        "-inf" => return Some(f64::NEG_INFINITY),
        "nan" | "NaN" => return Some(f64::NAN),
        _ => {}
    }
    let (mantissa, exponent) = match cell.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (cell, None),
    };
    let unsigned = mantissa.strip_prefix('-').unwrap_or(mantissa);
    let whole = unsigned.split('.').next().unwrap_or("");
    let digits = !whole.is_empty() && whole.bytes().all(|byte| byte.is_ascii_digit());
    let normal = whole.len() == 1 || (exponent.is_none() && !whole.starts_with('0'));
    let value: f64 = cell.parse().ok()?;
    (digits && normal && value.is_finite()).then_some(value)
}
