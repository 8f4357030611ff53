//! The methods of runs and figures.

use concertina as facade;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::values::python_json;

/// Plain values, Markdown and LaTeX.
pub(crate) type Written<'py> = (Bound<'py, PyAny>, String, String);

/// Methods in every form that Python offers.
pub(crate) fn written<'py>(py: Python<'py>, methods: &facade::Methods) -> PyResult<Written<'py>> {
    let json = serde_json::from_str(&methods.to_json());
    let json = json.map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
    Ok((python_json(py, &json)?, methods.to_markdown(), methods.to_latex()))
}
