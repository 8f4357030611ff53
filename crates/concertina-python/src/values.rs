//! Conversion between Python values, values of parameters and JSON.

use concertina::model::params::Value;
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};

use crate::trials::Trials;

/// The value of the parameter `name`, as the user gave it. NumPy's numbers and arrays are treated as Python
/// numbers and lists, and paths as text.
pub(crate) fn parameter_value(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Value> {
    if value.is_none() {
        return Ok(Value::None);
    }
    if let Ok(truth) = value.cast::<PyBool>() {
        return Ok(Value::Boolean(truth.is_true()));
    }
    if value.is_instance_of::<PyInt>() {
        // a number that no parameter can hold is refused with the digits that were given
        return Ok(value.extract().map_or_else(|_| Value::Text(value.to_string()), Value::Integer));
    }
    if let Ok(number) = value.cast::<PyFloat>() {
        return Ok(Value::Real(number.value()));
    }
    if let Ok(text) = value.cast::<PyString>() {
        return Ok(Value::Text(text.to_str()?.to_owned()));
    }
    if let Ok(trials) = value.extract::<PyRef<'_, Trials>>() {
        return Ok(Value::Trials(trials.arrays()));
    }
    if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
        let items = value.try_iter()?.map(|item| parameter_value(name, &item?));
        return Ok(Value::List(items.collect::<PyResult<_>>()?));
    }
    // a number or an array of NumPy, of any type
    if let Ok(plain) = value.call_method0("tolist") {
        return parameter_value(name, &plain);
    }
    if let Ok(path) = value.call_method0("__fspath__") {
        return Ok(Value::Text(path.extract()?));
    }
    let found = value.get_type().qualname()?;
    Err(PyTypeError::new_err(format!(
        "`{name}`: expected a number, a text, True or False, None, trials or a list, found {found}"
    )))
}

/// A parameter's value as a Python object.
pub(crate) fn python_value<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    match value {
        Value::None => Ok(py.None().into_bound(py)),
        Value::Boolean(truth) => truth.into_bound_py_any(py),
        Value::Integer(number) => number.into_bound_py_any(py),
        Value::Real(number) => number.into_bound_py_any(py),
        Value::Text(text) => text.into_bound_py_any(py),
        Value::Trials(arrays) => Trials::of(arrays.clone()).into_bound_py_any(py),
        Value::List(items) => {
            let items = items.iter().map(|item| python_value(py, item)).collect::<PyResult<Vec<_>>>()?;
            PyList::new(py, items)?.into_bound_py_any(py)
        }
    }
}

/// A JSON value as a Python object.
pub(crate) fn python_json<'py>(py: Python<'py>, value: &serde_json::Value) -> PyResult<Bound<'py, PyAny>> {
    use serde_json::Value as Json;
    match value {
        Json::Null => Ok(py.None().into_bound(py)),
        Json::Bool(truth) => truth.into_bound_py_any(py),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => whole.into_bound_py_any(py),
            (None, real) => real.into_bound_py_any(py),
        },
        Json::String(text) => text.into_bound_py_any(py),
        Json::Array(items) => {
            let items = items.iter().map(|item| python_json(py, item)).collect::<PyResult<Vec<_>>>()?;
            PyList::new(py, items)?.into_bound_py_any(py)
        }
        Json::Object(entries) => {
            let dict = PyDict::new(py);
            for (name, value) in entries {
                dict.set_item(name, python_json(py, value)?)?;
            }
            dict.into_bound_py_any(py)
        }
    }
}
