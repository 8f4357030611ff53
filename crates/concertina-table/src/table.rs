//! A table: ordered, named columns of equal length.

use crate::values::widened;
use crate::{Error, Result, Scalar, Values};

/// Ordered, named columns of equal length.
///
/// Two tables are equal if their names, order, kinds and cells are (`-0.0` equals `0.0`).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    pub(crate) columns: Vec<(String, Values)>,
}

impl Table {
    /// A table without columns or rows.
    pub fn new() -> Self {
        Self::default()
    }

    /// A table of these columns, in this order. NaN becomes null, and so does a vector that contains NaN.
    ///
    /// # Errors
    /// [`Error::Length`] if a column is longer or shorter than the first, [`Error::DuplicateColumn`],
    /// [`Error::Width`] if vectors of a column differ in length.
    pub fn from_columns(columns: impl IntoIterator<Item = (impl Into<String>, Values)>) -> Result<Self> {
        let mut table = Self::new();
        for (name, values) in columns {
            table.push_column(name, values)?;
        }
        Ok(table)
    }

    /// Adds a column after the others. NaN becomes null, and so does a vector that contains NaN.
    ///
    /// # Errors
    /// [`Error::Length`] if it has another number of rows than the table, [`Error::DuplicateColumn`],
    /// [`Error::Width`] if its vectors differ in length.
    pub fn push_column(&mut self, name: impl Into<String>, values: Values) -> Result<()> {
        let name = name.into();
        if self.has_column(&name) {
            return Err(Error::DuplicateColumn { name });
        }
        if !self.columns.is_empty() && values.len() != self.row_count() {
            return Err(Error::Length { name, expected: self.row_count(), found: values.len() });
        }
        if let (Some(expected), Some(found)) = (values.width(), values.other_width()) {
            return Err(Error::Width { name, expected, found });
        }
        self.columns.push((name, values.without_nan()));
        Ok(())
    }

    /// The number of rows; 0 for a table without columns.
    pub fn row_count(&self) -> usize {
        self.columns.first().map_or(0, |(_, values)| values.len())
    }

    /// The number of columns.
    pub fn column_count(&self) -> usize {
        self.columns.len()
    }

    /// True if the table has no rows.
    pub fn is_empty(&self) -> bool {
        self.row_count() == 0
    }

    /// The names of the columns, in order.
    pub fn column_names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|(name, _)| name.as_str())
    }

    /// The names and cells of the columns, in order.
    pub fn columns(&self) -> impl Iterator<Item = (&str, &Values)> {
        self.columns.iter().map(|(name, values)| (name.as_str(), values))
    }

    /// True if a column has this name.
    pub fn has_column(&self, name: &str) -> bool {
        self.column_names().any(|known| known == name)
    }

    /// The cells of one column.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`] names the columns that exist.
    pub fn column(&self, name: &str) -> Result<&Values> {
        self.columns
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, values)| values)
            .ok_or_else(|| self.unknown(name))
    }

    /// A column as floats; integers are converted.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`]; [`Error::Kind`] for texts and booleans, unless all are null.
    pub fn floats(&self, name: &str) -> Result<Vec<Option<f64>>> {
        match self.column(name)? {
            Values::Float(cells) => Ok(cells.clone()),
            Values::Integer(cells) => Ok(widened(cells).collect()),
            other => all_null(other, name, "float"),
        }
    }

    /// A column as integers.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`]; [`Error::Kind`] for other kinds, unless all are null.
    pub fn integers(&self, name: &str) -> Result<Vec<Option<i64>>> {
        match self.column(name)? {
            Values::Integer(cells) => Ok(cells.clone()),
            other => all_null(other, name, "integer"),
        }
    }

    /// A column as texts.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`]; [`Error::Kind`] for other kinds, unless all are null.
    pub fn texts(&self, name: &str) -> Result<Vec<Option<String>>> {
        match self.column(name)? {
            Values::Text(cells) => Ok(cells.clone()),
            other => all_null(other, name, "text"),
        }
    }

    /// A column as booleans.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`]; [`Error::Kind`] for other kinds, unless all are null.
    pub fn booleans(&self, name: &str) -> Result<Vec<Option<bool>>> {
        match self.column(name)? {
            Values::Boolean(cells) => Ok(cells.clone()),
            other => all_null(other, name, "boolean"),
        }
    }

    /// A column as vectors, all of the same length.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`]; [`Error::Kind`] for other kinds, unless all are null.
    pub fn vectors(&self, name: &str) -> Result<Vec<Option<Vec<f64>>>> {
        match self.column(name)? {
            Values::Vector(cells) => Ok(cells.clone()),
            other => all_null(other, name, "vector"),
        }
    }

    /// One cell.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`], [`Error::Row`].
    pub fn scalar(&self, row: usize, name: &str) -> Result<Scalar> {
        self.column(name)?.get(row).ok_or(Error::Row { row, rows: self.row_count() })
    }

    /// Adds a column (after the others) or replaces one in its place, with the same value in every row.
    ///
    /// A table without columns has no rows to fill, so the column is added empty.
    pub fn set_constant(&mut self, name: &str, value: Scalar) {
        let values = Values::constant(&value, self.row_count());
        match self.columns.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = values,
            None => self.columns.push((name.to_owned(), values)),
        }
    }

    /// Appends the rows of `other`.
    ///
    /// Columns are matched by name. A column that one of the two tables lacks is null there. Integers are
    /// converted to floats where the other table has floats. A column that contains only nulls is compatible
    /// with every kind.
    ///
    /// # Errors
    /// [`Error::Kind`] if two columns of the same name hold different kinds, [`Error::Width`] if they hold
    /// vectors of different lengths. In either case the table is left unchanged.
    pub fn append(&mut self, other: &Table) -> Result<()> {
        if other.columns.is_empty() {
            return Ok(());
        }
        if self.columns.is_empty() {
            *self = other.clone();
            return Ok(());
        }
        let (rows, more) = (self.row_count(), other.row_count());
        let mut columns = Vec::with_capacity(self.columns.len());
        for (name, values) in &self.columns {
            let mut values = values.clone();
            match other.columns.iter().find(|(known, _)| known == name) {
                Some((_, below)) => {
                    values = stacked(name, values, below)?;
                }
                None => {
                    values.extend(&values.nulls_like(more));
                }
            }
            columns.push((name.clone(), values));
        }
        for (name, below) in other.columns.iter().filter(|(name, _)| !self.has_column(name)) {
            let mut values = below.nulls_like(rows);
            values.extend(below);
            columns.push((name.clone(), values));
        }
        self.columns = columns;
        Ok(())
    }

    /// The rows for which `keep`, called with the row number, returns true.
    pub fn filter(&self, keep: impl Fn(usize) -> bool) -> Table {
        let rows: Vec<_> = (0..self.row_count()).filter(|&row| keep(row)).collect();
        self.take(&rows)
    }

    /// These columns, in this order.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`], [`Error::DuplicateColumn`].
    pub fn select(&self, names: &[&str]) -> Result<Table> {
        let mut table = Table::new();
        for &name in names {
            table.push_column(name, self.column(name)?.clone())?;
        }
        Ok(table)
    }

    /// These rows, in this order; a row may occur more than once.
    ///
    /// # Panics
    /// If the table has no such row.
    pub fn take(&self, rows: &[usize]) -> Table {
        Table {
            columns: self.columns.iter().map(|(name, values)| (name.clone(), values.take(rows))).collect(),
        }
    }

    fn unknown(&self, name: &str) -> Error {
        Error::UnknownColumn {
            name: name.to_owned(),
            known: self.column_names().map(str::to_owned).collect(),
        }
    }
}

/// A column followed by the cells of another of the same name.
pub(crate) fn stacked(name: &str, mut above: Values, below: &Values) -> Result<Values> {
    let (expected, width) = (above.kind(), above.width());
    if above.extend(below) {
        return Ok(above);
    }
    let name = name.to_owned();
    Err(match (width, below.width()) {
        (Some(expected), Some(found)) => Error::Width { name, expected, found },
        _ => Error::Kind { name, expected, found: below.kind() },
    })
}

/// A column that contains only nulls has no definite kind (CSV and JSON do not store it), so it is accepted
/// as any kind.
fn all_null<T: Clone>(values: &Values, name: &str, expected: &'static str) -> Result<Vec<Option<T>>> {
    if values.is_all_null() {
        return Ok(vec![None; values.len()]);
    }
    Err(Error::Kind { name: name.to_owned(), expected, found: values.kind() })
}
