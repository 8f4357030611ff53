//! A single network: from arrays, or of a run at a checkpoint.

use std::collections::BTreeMap;

use concertina::arrays::Arrays;
use concertina::model::network::Network as Model;
use concertina::model::params::{Sweep, ValidParams};
use concertina::model::task::Inputs;
use concertina::{Import, ReadImport};
use ndarray::Ix3;
use numpy::{IntoPyArray, PyArray3};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::arrays::{Argument, member, singles};
use crate::errors::{OrRaise, raised};
use crate::params::Params;
use crate::runs::named_weights;
use crate::values::parameter_value;

/// A network: its equations and its weights.
#[pyclass(frozen, module = "concertina._core")]
pub(crate) struct Network {
    pub(crate) params: ValidParams,
    pub(crate) network: Model,
    /// The arrays it was read from, if it was made from arrays.
    read: Option<ReadImport>,
}

impl Network {
    /// The network of a run at a checkpoint.
    pub(crate) fn of(params: ValidParams, network: Model) -> Self {
        Self { params, network, read: None }
    }

    /// What a study stores of it.
    pub(crate) fn read(&self) -> PyResult<ReadImport> {
        self.read.clone().ok_or_else(|| {
            let message = "expected a network that was made from arrays, found the network of a run";
            raised(
                "ParameterError",
                message,
                Some(&concertina::Hint::Text("the run is in a store already".to_owned())),
            )
        })
    }
}

const INPUTS: Argument = Argument::new("inputs", &["trials", "time", "inputs"]);

#[pymethods]
impl Network {
    /// Makes a network from arrays by name and from parameters. `names` tells which array is which, where the
    /// names of the arrays do not.
    #[new]
    fn new(
        py: Python<'_>,
        arrays: BTreeMap<String, Bound<'_, PyAny>>,
        given: Vec<(String, Bound<'_, PyAny>)>,
        names: BTreeMap<String, String>,
    ) -> PyResult<Self> {
        let members: Arrays = arrays
            .iter()
            .map(|(name, array)| Ok((name.clone(), member(name, array)?)))
            .collect::<PyResult<_>>()?;
        let mut import = Import::of_arrays("arrays", members);
        let mut sweep = Sweep::default();
        for (name, value) in &given {
            sweep.set(name, &parameter_value(name, value)?).or_raise()?;
        }
        import.given = sweep.given();
        import.params = concertina::one_of(sweep).or_raise()?;
        import.names = names;
        let read = py.detach(|| import.read()).or_raise()?;
        let read = read
            .into_iter()
            .next()
            .ok_or_else(|| raised("ShapeError", "`arrays`: expected weights, found none", None))?;
        let network = read.network().or_raise()?;
        Ok(Self { params: read.params().clone(), network, read: Some(read) })
    }

    fn params(&self) -> Params {
        Params { valid: self.params.clone() }
    }

    /// Parameters that determine what the network computes and that were neither given nor found in the
    /// arrays.
    fn assumed(&self) -> Vec<String> {
        self.read.as_ref().map_or_else(Vec::new, |read| read.assumed().to_vec())
    }

    /// The arrays that were not used.
    fn not_used(&self) -> Vec<String> {
        self.read.as_ref().map_or_else(Vec::new, |read| read.not_used().to_vec())
    }

    fn weights<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        named_weights(py, self.network.weights())
    }

    fn has_readout(&self) -> bool {
        self.network.weights().has_readout()
    }

    /// The states of trials, (trials, time, units), over a number of timesteps. Past the end of the inputs,
    /// the inputs are zero.
    fn states<'py>(
        &self,
        py: Python<'py>,
        inputs: &Bound<'py, PyAny>,
        timesteps: Option<usize>,
    ) -> PyResult<Bound<'py, PyArray3<f32>>> {
        let inputs = singles::<Ix3>(INPUTS, inputs)?.as_array().to_owned();
        let timesteps = timesteps.unwrap_or(inputs.dim().1);
        let states = py.detach(|| self.network.states(&Inputs::Timed(inputs), timesteps)).or_raise()?;
        Ok(states.into_pyarray(py))
    }

    /// The outputs for states: (trials, time, units) to (trials, time, outputs).
    fn outputs<'py>(
        &self,
        py: Python<'py>,
        states: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyArray3<f32>>> {
        const STATES: Argument = Argument::new("states", &["trials", "time", "units"]);
        let states = singles::<Ix3>(STATES, states)?.as_array().to_owned();
        let (trials, time, units) = states.dim();
        let flat = states
            .to_shape((trials * time, units))
            .map_err(|error| raised("ShapeError", &error.to_string(), None))?;
        let outputs = py.detach(|| self.network.outputs(flat.view())).or_raise()?;
        let count = outputs.ncols();
        let outputs = outputs.into_shape_with_order((trials, time, count));
        Ok(outputs.map_err(|error| raised("ShapeError", &error.to_string(), None))?.into_pyarray(py))
    }
}
