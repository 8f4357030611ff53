//! Analyses beyond the paper's, on plain arrays.

use std::collections::BTreeSet;

use concertina::analyses::lyapunov::{Drive, Driven, initial_states};
use concertina::analyses::{self as ct, AnalysisSpec, GivenStates, RdmDistance, StatesAt, Timestep};
use concertina::model::task::Inputs;
use concertina::table;
use ndarray::{Array2, Array3, ArrayView3, Axis, Ix2, Ix3};
use numpy::{IntoPyArray, PyArray1, PyArray2, PyArray3};
use pyo3::prelude::*;

use crate::analyses::{LABELS, TRIALS, autonomous, by_timestep, computed, spec};
use crate::arrays::{self, Argument, Reals, doubles, each_precision, reals, shape_in_words};
use crate::errors::{OrRaise, raised, shape_error};
use crate::network::Network;
use crate::table::Table;

const INPUTS: Argument = Argument::new("inputs", &["trials", "time", "inputs"]);

/// An analysis that needs no more than states, and perhaps labels and conditions, as a table.
#[pyfunction]
pub(crate) fn on_states(
    py: Python<'_>,
    name: &str,
    settings: &str,
    states: &Bound<'_, PyAny>,
    labels: Option<&Bound<'_, PyAny>>,
    conditions: Option<&Bound<'_, PyAny>>,
    seed: u64,
) -> PyResult<Table> {
    const CONDITIONS: Argument = Argument::new("conditions", &["trials"]);
    let spec = spec(name, settings)?;
    let states = reals::<Ix3>(TRIALS, states)?;
    let states = match &states {
        Reals::Single(states) => StatesAt::Single(at_timesteps(states.as_array())),
        Reals::Double(states) => StatesAt::Double(at_timesteps(states.as_array())),
    };
    let count = match &states {
        StatesAt::Single(states) => states.len(),
        StatesAt::Double(states) => states.len(),
    };
    let given = GivenStates {
        timesteps: (0..count as i64).map(Timestep).collect(),
        states,
        classes: labels.map(|labels| arrays::labels(LABELS, labels)).transpose()?,
        conditions: conditions.map(|conditions| arrays::labels(CONDITIONS, conditions)).transpose()?,
        seed,
    };
    Ok(computed(py, || spec.run_on_states(&given))?.into())
}

/// The states at each timestep.
fn at_timesteps<T: Clone>(states: ArrayView3<'_, T>) -> Vec<Array2<T>> {
    states.axis_iter(Axis(1)).map(|states| states.to_owned()).collect()
}

fn rdm_distance(name: &str) -> PyResult<RdmDistance> {
    match name {
        "euclidean" => Ok(RdmDistance::Euclidean),
        "sqeuclidean" => Ok(RdmDistance::Sqeuclidean),
        "correlation" => Ok(RdmDistance::Correlation),
        other => Err(raised(
            "ParameterError",
            &format!("`distance`: expected euclidean, sqeuclidean or correlation, found `{other}`"),
            None,
        )),
    }
}

/// The similarity of two sets of states at each timestep, by every measure.
#[pyfunction]
pub(crate) fn representation_similarity(
    py: Python<'_>,
    x: &Bound<'_, PyAny>,
    y: &Bound<'_, PyAny>,
    distance: &str,
) -> PyResult<Table> {
    const X: Argument = Argument::new("x", &["trials", "time", "units"]);
    const Y: Argument = Argument::new("y", &["trials", "time", "units"]);
    let distance = rdm_distance(distance)?;
    let (x, y) = (reals::<Ix3>(X, x)?, reals::<Ix3>(Y, y)?);
    let rows = each_precision!(x, x => each_precision!(y, y => {
        if x.dim().1 != y.dim().1 {
            let expected = format!("{} timesteps as in `x`", x.dim().1);
            return Err(shape_error("y", &expected, &y.dim().1.to_string(), None));
        }
        computed(py, || {
            x.axis_iter(Axis(1))
                .zip(y.axis_iter(Axis(1)))
                .map(|(x, y)| {
                    let rdm = ct::rdm_similarity(x, y, distance)?;
                    let debiased = if x.nrows() < 4 { None } else { ct::cka_debiased(x, y)? };
                    Ok([
                        ct::cka(x, y)?,
                        debiased,
                        ct::procrustes_angle(x, y)?,
                        rdm.map(|rdm| rdm.pearson),
                        rdm.map(|rdm| rdm.spearman),
                    ])
                })
                .collect::<ct::Result<Vec<[Option<f64>; 5]>>>()
        })?
    }));
    let column = |index: usize| table::Values::from(rows.iter().map(|row| row[index]).collect::<Vec<_>>());
    by_timestep(vec![
        ("cka", column(0)),
        ("cka_debiased", column(1)),
        ("procrustes", column(2)),
        ("rdm_pearson", column(3)),
        ("rdm_spearman", column(4)),
    ])
}

/// The distances of all pairs of trials, the upper triangle row by row; `None` if they are undefined.
#[pyfunction]
pub(crate) fn rdm<'py>(
    py: Python<'py>,
    states: &Bound<'py, PyAny>,
    distance: &str,
) -> PyResult<Option<Bound<'py, PyArray1<f64>>>> {
    const CLOUD: Argument = Argument::new("states", &["trials", "units"]);
    let distance = rdm_distance(distance)?;
    let states = reals::<Ix2>(CLOUD, states)?;
    let found = each_precision!(states, view => computed(py, || ct::rdm(view, distance))?);
    Ok(found.map(|found| found.into_pyarray(py)))
}

/// A TwoNN estimate: the dimension, its standard error, and three estimates by maximum likelihood.
type TwoNnEstimate = (f64, f64, f64, f64, f64);

/// The TwoNN estimate of a cloud of states. `None` if it is undefined.
#[pyfunction]
pub(crate) fn twonn(
    py: Python<'_>,
    states: &Bound<'_, PyAny>,
    discarded: f64,
) -> PyResult<Option<TwoNnEstimate>> {
    const CLOUD: Argument = Argument::new("states", &["samples", "units"]);
    let states = reals::<Ix2>(CLOUD, states)?;
    let found = each_precision!(states, view => computed(py, || ct::twonn(view, discarded))?);
    Ok(found.map(|one| (one.dimension, one.standard_error, one.ml, one.ml_unbiased, one.ml_censored)))
}

/// The measures of laziness of a network for some trials.
#[pyfunction]
pub(crate) fn kernel(
    py: Python<'_>,
    network: &Network,
    inputs: &Bound<'_, PyAny>,
    labels: Option<&Bound<'_, PyAny>>,
    before: Option<&Network>,
    trained: Option<BTreeSet<String>>,
    read_at: Option<&Bound<'_, PyAny>>,
) -> PyResult<Table> {
    const READ_AT: Argument = Argument::new("read_at", &["trials"]);
    let inputs = doubles::<Ix3>(INPUTS, inputs)?.as_array().to_owned();
    let (trials, steps, _) = inputs.dim();
    if let Some(trained) = &trained {
        let names = kernel_arrays(network);
        if let Some(unknown) = trained.iter().find(|name| !names.contains(name)) {
            let message =
                format!("`trained`: expected names of arrays, {}, found `{unknown}`", names.join(", "));
            return Err(raised("ParameterError", &message, None));
        }
    }
    let read_at = match read_at {
        Some(given) => arrays::labels(READ_AT, given)?.into_iter().map(|step| step as usize).collect(),
        None => vec![steps.saturating_sub(1); trials],
    };
    if read_at.len() != trials || read_at.iter().any(|step| *step >= steps) {
        let expected = format!("{trials} timesteps, each below {steps}");
        let found = match read_at.iter().max() {
            Some(last) if read_at.len() == trials => last.to_string(),
            _ => format!("{} of them", read_at.len()),
        };
        return Err(shape_error("read_at", &expected, &found, None));
    }
    let labels = labels.map(|labels| arrays::labels(LABELS, labels)).transpose()?;
    let shown = ct::kernel::ShownTrials { inputs: Inputs::Timed(inputs), read_at, labels };
    let (params, before) = (&network.params, before.map(|before| &before.network));
    let table =
        computed(py, || ct::kernel::kernel(params, &network.network, before, trained.as_ref(), &shown))?;
    Ok(table.into())
}

/// The names of the arrays that a network may train.
fn kernel_arrays(network: &Network) -> Vec<String> {
    let tensors = match network.network.trained_weights() {
        Some(weights) => weights.tensors(),
        None => network.network.weights().tensors(),
    };
    tensors.into_iter().map(|(name, _)| name).collect()
}

/// Rates (trials, time, exponents), NaN where undefined, and whether they have converged, (trials, time).
type Rates<'py> = (Bound<'py, PyArray3<f64>>, Bound<'py, PyArray2<bool>>);

/// The finite-time growth rates along trials.
#[pyfunction]
pub(crate) fn finite_time<'py>(
    py: Python<'py>,
    network: &Network,
    inputs: &Bound<'py, PyAny>,
    settings: &str,
) -> PyResult<Rates<'py>> {
    let AnalysisSpec::FiniteTime(settings) = spec("finite_time", settings)? else {
        unreachable!("an analysis has the kind of its name")
    };
    let (driven, inputs) = (driven(network)?, doubles::<Ix3>(INPUTS, inputs)?);
    let view = checked(&driven, inputs.as_array())?;
    let found = computed(py, || settings.along(&driven, view))?;
    let (time, count) = found.first().map_or((0, 0), |one| one.rates.dim());
    let mut rates = Array3::from_elem((found.len(), time, count), f64::NAN);
    let mut converged = Array2::from_elem((found.len(), time), false);
    for (trial, one) in found.iter().enumerate() {
        for ((timestep, index), rate) in one.rates.indexed_iter() {
            rates[[trial, timestep, index]] = rate.unwrap_or(f64::NAN);
        }
        one.converged.iter().enumerate().for_each(|(timestep, flag)| converged[[trial, timestep]] = *flag);
    }
    Ok((rates.into_pyarray(py), converged.into_pyarray(py)))
}

/// The Lyapunov exponents of a network that is driven by the inputs of trials, one trial after the other.
pub(crate) fn driven_exponents(
    py: Python<'_>,
    network: &Network,
    inputs: &Bound<'_, PyAny>,
    settings: ct::Lyapunov,
    seed: u64,
) -> PyResult<Table> {
    let settings = ct::Lyapunov { drive: Some(Drive::Input), ..settings };
    let (driven, inputs) = (driven(network)?, doubles::<Ix3>(INPUTS, inputs)?);
    let view = checked(&driven, inputs.as_array())?;
    let starts = initial_states(seed, settings.initial_conditions, driven.autonomous().dimension());
    let (_, table) = computed(py, || ct::lyapunov_driven(&settings, &driven, starts.view(), view))?;
    Ok(table.into())
}

/// Angles between the covariant Lyapunov vectors of a network without input.
#[pyfunction]
pub(crate) fn covariant_vectors(
    py: Python<'_>,
    network: &Network,
    settings: &str,
    seed: u64,
) -> PyResult<Table> {
    let AnalysisSpec::CovariantVectors(settings) = spec("covariant_vectors", settings)? else {
        unreachable!("an analysis has the kind of its name")
    };
    let system = autonomous(network)?;
    let starts = initial_states(seed, 1, system.dimension());
    let found = computed(py, || settings.along(&system, starts.row(0)))?;
    match found {
        Some(found) => Ok(found.table(settings.tolerance).or_refuse()?.into()),
        None => Err(raised(
            "ParameterError",
            "`network`: expected dynamics whose states stay bounded, found some that grow without bound",
            None,
        )),
    }
}

/// The dynamics of a network with inputs.
fn driven(network: &Network) -> PyResult<Driven> {
    Driven::of(&network.network).or_refuse()?.ok_or_else(|| {
        raised(
            "ParameterError",
            "expected a recurrent network, found a feedforward one, which has no dynamics",
            None,
        )
    })
}

/// Inputs, if the network has as many.
fn checked<'a>(driven: &Driven, inputs: ArrayView3<'a, f64>) -> PyResult<ArrayView3<'a, f64>> {
    if inputs.dim().2 == driven.inputs() {
        return Ok(inputs);
    }
    let expected = format!("trials of {} inputs, as the network has", driven.inputs());
    Err(shape_error("inputs", &expected, &shape_in_words(inputs.shape()), None))
}
