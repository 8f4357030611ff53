//! Trials that were made elsewhere.

use std::collections::BTreeMap;
use std::sync::Arc;

use concertina::arrays::Arrays;
use concertina::model::task::{Targets, TrialArrays};
use numpy::{IntoPyArray, PyArrayDyn, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::arrays::member;
use crate::errors::OrRaise;

/// Trials for training and for validation.
#[pyclass(frozen, module = "concertina._core")]
pub(crate) struct Trials {
    arrays: Arc<TrialArrays>,
}

impl Trials {
    pub(crate) fn of(arrays: Arc<TrialArrays>) -> Self {
        Self { arrays }
    }

    pub(crate) fn arrays(&self) -> Arc<TrialArrays> {
        Arc::clone(&self.arrays)
    }
}

#[pymethods]
impl Trials {
    /// Makes trials from arrays by name, as in a file: `inputs`, `targets`, and optionally `mask`,
    /// `condition` and `val_...`.
    #[new]
    fn new(py: Python<'_>, arrays: BTreeMap<String, Bound<'_, PyAny>>) -> PyResult<Self> {
        let members = arrays.iter().map(|(name, array)| Ok((name.clone(), member(name, array)?)));
        let members: Arrays = members.collect::<PyResult<_>>()?;
        let arrays = py.detach(|| TrialArrays::of_arrays(&members)).or_raise()?;
        Ok(Self { arrays: Arc::new(arrays) })
    }

    /// Reads the arrays that `tensors` returned.
    #[staticmethod]
    fn from_tensors(tensors: BTreeMap<String, Bound<'_, PyArrayDyn<f32>>>) -> PyResult<Self> {
        let tensors = tensors.into_iter().map(|(name, array)| (name, array.to_owned_array())).collect();
        Ok(Self { arrays: Arc::new(TrialArrays::from_tensors(&tensors).or_raise()?) })
    }

    /// All of the trials as arrays of single precision, by name.
    fn tensors<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        for (name, array) in self.arrays.to_tensors() {
            dict.set_item(name, array.into_pyarray(py))?;
        }
        Ok(dict)
    }

    /// Their name: a hash of the content.
    fn name(&self) -> String {
        self.arrays.name().to_string()
    }

    /// The numbers of training trials, validation trials, timesteps and inputs.
    fn sizes(&self) -> (usize, usize, usize, usize) {
        let shape = self.arrays.shape();
        (self.arrays.training().len(), self.arrays.validation().len(), shape.timesteps, shape.inputs)
    }

    /// Whether the targets are classes rather than real numbers.
    fn are_classes(&self) -> bool {
        !matches!(self.arrays.training().targets, Targets::Real(_))
    }
}
