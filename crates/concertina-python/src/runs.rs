//! Runs as a study returns them.

use std::num::NonZeroUsize;

use concertina::analyses::Timestep;
use concertina::model::params::ValidParams;
use concertina::model::selection::after_epoch;
use concertina::model::task::{Inputs, Targets, Trials};
use concertina::model::{Checkpoint, network::Weights};
use concertina::table::Condition;
use concertina::{self as facade, CheckpointSelection, Outcome};
use numpy::IntoPyArray;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::{OrRaise, raised};
use crate::network::Network;
use crate::params::Params;
use crate::study::settings;
use crate::table::Table;
use crate::values::python_json;
use crate::words;
use crate::work::work;

/// The runs of a sweep, in the order of the sweep; at least one.
#[pyclass(frozen, module = "concertina._core")]
pub(crate) struct Runs {
    runs: facade::Runs,
    jobs: Option<NonZeroUsize>,
}

impl Runs {
    pub(crate) fn new(runs: facade::Runs, jobs: Option<NonZeroUsize>) -> Self {
        Self { runs, jobs }
    }

    /// The parameters of each run.
    pub(crate) fn params(&self) -> Vec<ValidParams> {
        self.runs.iter().map(|run| run.params().clone()).collect()
    }
}

#[pymethods]
impl Runs {
    fn __len__(&self) -> usize {
        self.runs.len()
    }

    /// The run at a position.
    fn run(&self, place: usize) -> Option<Run> {
        let run = self.runs.get(place)?;
        Some(Run { run: run.clone() })
    }

    /// The runs at these positions; `None` if there are no positions.
    fn select(&self, places: Vec<usize>) -> Option<Self> {
        let places: Vec<usize> = places.into_iter().filter(|place| *place < self.runs.len()).collect();
        Some(Self { runs: self.runs.select(&places)?, jobs: self.jobs })
    }

    /// The positions of the runs that fulfil a condition on the table.
    fn places(&self, condition: &str) -> PyResult<Vec<usize>> {
        let condition: Condition = condition.parse().or_raise()?;
        let table = self.runs.table().or_raise()?;
        let holds =
            |place: usize| condition.holds(&table, place).or_raise().map(|holds| holds.then_some(place));
        (0..self.runs.len()).filter_map(|place| holds(place).transpose()).collect()
    }

    /// How each run ended.
    fn statuses(&self) -> Vec<&'static str> {
        self.runs.iter().map(|run| run.outcome().name()).collect()
    }

    /// One row per run, with its outcome.
    fn table(&self) -> PyResult<Table> {
        Ok(self.runs.table().or_raise()?.into())
    }

    /// Runs an analysis at the checkpoints of a selection.
    fn analyse(
        &self,
        py: Python<'_>,
        name: &str,
        settings_json: &str,
        at: &str,
        report: Option<Py<PyAny>>,
    ) -> PyResult<Table> {
        let analysis = crate::analyses::spec(name, settings_json)?;
        let at: CheckpointSelection = at.parse().or_raise()?;
        let settings = settings(self.jobs);
        let table = work(py, settings, self.runs.varied(), report, |settings| {
            self.runs.with_settings(&settings).analyse_at(&analysis, &at)
        })?;
        Ok(table.into())
    }
}

/// A run: its parameters, how far it got, and access to its checkpoints.
#[pyclass(frozen, module = "concertina._core")]
pub(crate) struct Run {
    run: facade::Run,
}

#[pymethods]
impl Run {
    fn key(&self) -> String {
        self.run.key().to_string()
    }

    fn params(&self) -> Params {
        Params { valid: self.run.params().clone() }
    }

    /// How it ended, with a message and a hint where there are any.
    fn outcome(&self) -> (&'static str, Option<String>, Option<String>) {
        let outcome = self.run.outcome();
        let (message, hint) = match outcome {
            Outcome::Diverged(divergence) => (Some(divergence.to_string()), None),
            Outcome::Failed { message, hint } => (Some(message.clone()), hint.as_ref().map(words::hint)),
            _ => (None, None),
        };
        (outcome.name(), message, hint)
    }

    fn source(&self) -> &'static str {
        self.run.source().name()
    }

    /// One row per epoch.
    fn history(&self) -> PyResult<Table> {
        Ok(self.run.history_table().or_raise()?.into())
    }

    /// The checkpoints of its schedule: epoch and update.
    fn checkpoints(&self) -> Vec<(u64, u64)> {
        self.run.checkpoints().into_iter().map(|one| (one.epoch.0, one.update.0)).collect()
    }

    /// The result of training it again; `None` unless that was requested.
    fn comparison<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let comparison = self.run.comparison().map(|comparison| serde_json::json!(comparison));
        comparison.map(|comparison| python_json(py, &comparison)).transpose()
    }

    /// The weights at a checkpoint, by name.
    fn weights<'py>(&self, py: Python<'py>, at: At) -> PyResult<Bound<'py, PyDict>> {
        let checkpoint = self.checkpoint(&at)?;
        let weights = py.detach(|| self.run.weights(checkpoint)).or_raise()?;
        named_weights(py, &weights)
    }

    /// The network at a checkpoint.
    fn network(&self, py: Python<'_>, at: At) -> PyResult<Network> {
        let checkpoint = self.checkpoint(&at)?;
        let network = py.detach(|| self.run.network(checkpoint)).or_raise()?;
        Ok(Network::of(self.run.params().clone(), network))
    }

    /// The states at a checkpoint for the trials that analyses use, (trials, time, units), together with
    /// those trials.
    fn states<'py>(
        &self,
        py: Python<'py>,
        at: At,
        samples: usize,
        extend_to: Option<i64>,
    ) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyDict>)> {
        let checkpoint = self.checkpoint(&at)?;
        let (trials, states) =
            py.detach(|| self.run.states(checkpoint, samples, extend_to.map(Timestep))).or_raise()?;
        Ok((states.into_pyarray(py).into_any(), named_trials(py, &trials)?))
    }
}

/// One checkpoint: `first`, `last`, or an epoch.
#[derive(FromPyObject)]
enum At {
    Epoch(u64),
    Name(String),
}

impl Run {
    fn checkpoint(&self, at: &At) -> PyResult<Checkpoint> {
        let last = self.run.last_checkpoint();
        match at {
            At::Name(name) if name == "first" => Ok(Checkpoint::START),
            At::Name(name) if name == "last" => Ok(last),
            At::Name(name) => {
                let message = format!("`at`: expected \"first\", \"last\" or an epoch, found \"{name}\"");
                Err(raised("ParameterError", &message, None))
            }
            At::Epoch(0) => Ok(Checkpoint::START),
            At::Epoch(epoch) if *epoch == last.epoch.0 => Ok(last),
            At::Epoch(epoch) => Ok(after_epoch(self.run.params(), *epoch)),
        }
    }
}

/// Weights under the names that the package uses: `input`, `recurrent`, `bias`, `recurrent_bias`, `readout`,
/// `readout_bias`.
pub(crate) fn named_weights<'py>(py: Python<'py>, weights: &Weights) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (name, array) in weights.tensors() {
        dict.set_item(name.replacen("_weights", "", 1), array.into_pyarray(py))?;
    }
    Ok(dict)
}

/// Trials as arrays by name: `inputs`, which is (trials, inputs) where a stimulus is held; `labels` or
/// `targets`; `conditions`.
fn named_trials<'py>(py: Python<'py>, trials: &Trials) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    match &trials.inputs {
        Inputs::Held { stimuli, .. } => dict.set_item("inputs", stimuli.clone().into_pyarray(py))?,
        Inputs::Timed(inputs) => dict.set_item("inputs", inputs.clone().into_pyarray(py))?,
    }
    let integers = |labels: &[u32]| labels.iter().map(|label| i64::from(*label)).collect::<Vec<i64>>();
    if let Some(labels) = trials.labels() {
        dict.set_item("labels", integers(&labels).into_pyarray(py))?;
    }
    if let Targets::Real(targets) = &trials.targets {
        dict.set_item("targets", targets.clone().into_pyarray(py))?;
    }
    if !trials.conditions.is_empty() {
        dict.set_item("conditions", integers(&trials.conditions).into_pyarray(py))?;
    }
    Ok(dict)
}
