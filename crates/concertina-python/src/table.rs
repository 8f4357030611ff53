//! Tables: columns as NumPy arrays, and whole tables through the Arrow C data interface.

use std::sync::Arc;

use arrow_array::builder::{Float64Builder, ListBuilder};
use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, RecordBatchIterator, RecordBatchOptions,
    StringArray,
};
use arrow_schema::{ArrowError, Field, Schema};
use concertina::analyses::Lyapunov;
use concertina::table::{self, Condition, Scalar, Values};
use concertina::{Answers as _, LyapunovExponent, write_table};
use ndarray::Array2;
use numpy::{IntoPyArray, PyArray1};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCapsule, PyList};

use crate::errors::{OrRaise, raised, shape_error};

/// Ordered named columns of equal length.
#[pyclass(frozen, module = "concertina._core")]
pub(crate) struct Table {
    pub(crate) table: table::Table,
}

impl From<table::Table> for Table {
    fn from(table: table::Table) -> Self {
        Self { table }
    }
}

#[pymethods]
impl Table {
    /// Makes a table from columns, each a list of numbers, texts, truth values or lists of numbers, with
    /// `None` for null.
    #[new]
    fn new(columns: Vec<(String, Vec<Bound<'_, PyAny>>)>) -> PyResult<Self> {
        let columns = columns
            .into_iter()
            .map(|(name, cells)| Ok((name.clone(), values_of(&name, &cells)?)))
            .collect::<PyResult<Vec<_>>>()?;
        Ok(table::Table::from_columns(columns).or_raise()?.into())
    }

    /// Reads the bytes that `to_parquet` returned.
    #[staticmethod]
    fn from_parquet(bytes: &[u8]) -> PyResult<Self> {
        Ok(table::Table::from_parquet(bytes).or_raise()?.into())
    }

    /// As a Parquet file in memory.
    fn to_parquet<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.table.to_parquet().or_raise()?))
    }

    fn __len__(&self) -> usize {
        self.table.row_count()
    }

    /// The names of the columns, in order.
    fn names(&self) -> Vec<&str> {
        self.table.column_names().collect()
    }

    /// The kind of the cells of a column: `float`, `integer`, `text`, `boolean` or `vector`.
    fn kind(&self, name: &str) -> PyResult<&'static str> {
        Ok(self.table.column(name).or_raise()?.kind())
    }

    /// A column as a NumPy array. Nulls are NaN among numbers and `None` elsewhere.
    fn column<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        numpy_of(py, self.table.column(name).or_raise()?)
    }

    /// A column as a list. Nulls are `None`.
    fn cells<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyList>> {
        match self.table.column(name).or_raise()? {
            Values::Float(cells) => PyList::new(py, cells),
            Values::Integer(cells) => PyList::new(py, cells),
            Values::Text(cells) => PyList::new(py, cells),
            Values::Boolean(cells) => PyList::new(py, cells),
            Values::Vector(cells) => PyList::new(py, cells),
        }
    }

    /// The rows that fulfil a condition.
    fn filtered(&self, condition: &str) -> PyResult<Self> {
        let condition: Condition = condition.parse().or_raise()?;
        Ok(condition.rows(&self.table).or_raise()?.into())
    }

    /// A table with only these columns.
    fn select(&self, names: Vec<String>) -> PyResult<Self> {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        Ok(self.table.select(&names).or_raise()?.into())
    }

    /// A table with only these rows.
    fn take(&self, rows: Vec<usize>) -> PyResult<Self> {
        let count = self.table.row_count();
        match rows.iter().find(|row| **row >= count) {
            Some(row) => Err(shape_error("rows", &format!("rows below {count}"), &row.to_string(), None)),
            None => Ok(self.table.take(&rows).into()),
        }
    }

    /// For a table of Lyapunov exponents: the exponents at the last checkpoint in bits per timestep, each
    /// with its standard error and whether it has converged.
    fn lyapunov_exponents(&self) -> Vec<(f64, Option<f64>, bool)> {
        let spectra = Lyapunov::answer(self.table.clone());
        let numbers =
            |one: LyapunovExponent| (one.bits_per_timestep(), one.standard_error(), one.converged());
        spectra.last().into_iter().map(numbers).collect()
    }

    /// Whether both tables have the same names, kinds and cells.
    fn equals(&self, other: &Self) -> bool {
        self.table == other.table
    }

    /// Writes .csv, .json or .parquet.
    fn save(&self, path: std::path::PathBuf) -> PyResult<()> {
        write_table(&self.table, &path).or_raise()
    }

    /// The Arrow C stream of the table, in a capsule.
    fn arrow_stream<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        let batch = record_batch(&self.table).map_err(|error| {
            raised("Error", &format!("the table cannot be converted to Arrow: {error}"), None)
        })?;
        let schema = batch.schema();
        let stream = FFI_ArrowArrayStream::new(Box::new(RecordBatchIterator::new([Ok(batch)], schema)));
        PyCapsule::new_with_value(py, stream, c"arrow_array_stream")
    }
}

/// A table as one Arrow record batch.
fn record_batch(table: &table::Table) -> Result<RecordBatch, ArrowError> {
    let mut fields = Vec::with_capacity(table.column_count());
    let mut arrays = Vec::with_capacity(table.column_count());
    for (name, values) in table.columns() {
        let array = arrow_of(values);
        fields.push(Field::new(name, array.data_type().clone(), true));
        arrays.push(array);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(table.row_count()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
}

fn arrow_of(values: &Values) -> ArrayRef {
    match values {
        Values::Float(cells) => Arc::new(Float64Array::from(cells.clone())),
        Values::Integer(cells) => Arc::new(Int64Array::from(cells.clone())),
        Values::Text(cells) => Arc::new(StringArray::from(cells.clone())),
        Values::Boolean(cells) => Arc::new(BooleanArray::from(cells.clone())),
        Values::Vector(cells) => {
            let mut lists = ListBuilder::new(Float64Builder::new());
            for cell in cells {
                lists.append_option(cell.as_ref().map(|vector| vector.iter().copied().map(Some)));
            }
            Arc::new(lists.finish())
        }
    }
}

fn numpy_of<'py>(py: Python<'py>, values: &Values) -> PyResult<Bound<'py, PyAny>> {
    fn whole<T: Copy>(cells: &[Option<T>]) -> Option<Vec<T>> {
        cells.iter().copied().collect()
    }
    fn objects<'py, T: IntoPyObject<'py> + Clone>(
        py: Python<'py>,
        cells: &[Option<T>],
    ) -> PyResult<Bound<'py, PyAny>> {
        let cells = cells.iter().map(|cell| cell.clone().into_py_any(py)).collect::<PyResult<Vec<_>>>()?;
        Ok(PyArray1::from_vec(py, cells).into_any())
    }
    let or_nan = |cell: &Option<f64>| cell.unwrap_or(f64::NAN);
    match values {
        Values::Float(cells) => {
            Ok(cells.iter().map(or_nan).collect::<Vec<f64>>().into_pyarray(py).into_any())
        }
        Values::Integer(cells) => match whole(cells) {
            Some(cells) => Ok(cells.into_pyarray(py).into_any()),
            None => {
                let cells: Vec<f64> =
                    cells.iter().map(|cell| cell.map_or(f64::NAN, |cell| cell as f64)).collect();
                Ok(cells.into_pyarray(py).into_any())
            }
        },
        Values::Boolean(cells) => match whole(cells) {
            Some(cells) => Ok(cells.into_pyarray(py).into_any()),
            None => objects(py, cells),
        },
        Values::Text(cells) => objects(py, cells),
        Values::Vector(cells) => {
            let mut numbers = Array2::from_elem((cells.len(), values.width().unwrap_or(0)), f64::NAN);
            for (mut row, cell) in numbers.outer_iter_mut().zip(cells) {
                if let Some(cell) = cell {
                    row.iter_mut().zip(cell).for_each(|(number, cell)| *number = *cell);
                }
            }
            Ok(numbers.into_pyarray(py).into_any())
        }
    }
}

/// Cells of one kind. Whole numbers are widened to floating-point numbers if a column has both.
fn values_of(name: &str, cells: &[Bound<'_, PyAny>]) -> PyResult<Values> {
    let cells = cells.iter().map(|cell| scalar(name, cell)).collect::<PyResult<Vec<Scalar>>>()?;
    let known: Vec<&Scalar> = cells.iter().filter(|cell| !cell.is_null()).collect();
    let all = |is: fn(&Scalar) -> bool| known.iter().all(|cell| is(cell));
    Ok(if all(|cell| matches!(cell, Scalar::Boolean(_))) && !known.is_empty() {
        Values::Boolean(
            cells
                .iter()
                .map(|cell| if let Scalar::Boolean(truth) = cell { Some(*truth) } else { None })
                .collect(),
        )
    } else if all(|cell| matches!(cell, Scalar::Integer(_))) && !known.is_empty() {
        Values::Integer(cells.iter().map(Scalar::as_integer).collect())
    } else if all(|cell| matches!(cell, Scalar::Integer(_) | Scalar::Float(_))) {
        Values::Float(cells.iter().map(Scalar::as_float).collect())
    } else if all(|cell| matches!(cell, Scalar::Text(_))) {
        Values::Text(cells.iter().map(|cell| cell.as_text().map(str::to_owned)).collect())
    } else if all(|cell| matches!(cell, Scalar::Vector(_))) {
        Values::Vector(
            cells
                .into_iter()
                .map(|cell| if let Scalar::Vector(cell) = cell { Some(cell) } else { None })
                .collect(),
        )
    } else {
        return Err(shape_error(
            name,
            "cells of one kind",
            "numbers, texts or truth values in the same column",
            None,
        ));
    })
}

fn scalar(name: &str, cell: &Bound<'_, PyAny>) -> PyResult<Scalar> {
    use concertina::model::params::Value;
    Ok(match crate::values::parameter_value(name, cell)? {
        Value::None => Scalar::Null,
        Value::Boolean(truth) => Scalar::Boolean(truth),
        Value::Integer(number) => i64::try_from(number).map_or(Scalar::Float(number as f64), Scalar::Integer),
        // pandas uses NaN for missing values, also among texts
        Value::Real(number) if number.is_nan() => Scalar::Null,
        Value::Real(number) => Scalar::Float(number),
        Value::Text(text) => Scalar::Text(text),
        Value::List(_) => Scalar::Vector(cell.extract()?),
        Value::Trials(_) => return Err(shape_error(name, "numbers, texts or truth values", "trials", None)),
    })
}
