//! The description of program, machine and store.

use std::path::PathBuf;

use concertina as facade;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::values::python_json;
use crate::words;

/// What was found, as plain values and as a report. Without a folder, no store is looked at.
#[pyfunction]
pub(crate) fn doctor(
    py: Python<'_>,
    folder: Option<PathBuf>,
    verify: bool,
) -> PyResult<(Bound<'_, PyAny>, String)> {
    let diagnosis = py.detach(|| facade::doctor(folder.as_deref(), verify));
    let json =
        serde_json::to_value(&diagnosis).map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
    Ok((python_json(py, &json)?, words::of_python(&diagnosis.to_text(words::hint))))
}
