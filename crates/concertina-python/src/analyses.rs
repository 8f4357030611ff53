//! Analyses: the list of all analyses, and functions that run each on plain arrays.

use concertina::analyses::lyapunov::Autonomous;
use concertina::analyses::{self as ct, Analysis as _, AnalysisSpec, Precision, Setting};
use concertina::model::params::{Params, Value, parameter};
use concertina::model::task::{Mask, Targets};
use concertina::table::{self, Values};
use ndarray::{Array2, Array3, ArrayView2, ArrayView3, Axis, Ix2, Ix3, s};
use numpy::{IntoPyArray, PyArray2, PyArray3};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::arrays::{self, Argument, Reals, doubles, each_precision, reals, shape_in_words, singles};
use crate::beyond::driven_exponents;
use crate::errors::{OrRaise, raised, shape_error};
use crate::network::Network;
use crate::table::Table;
use crate::values::python_json;

/// An analysis by its name, with settings as a JSON object.
pub(crate) fn spec(name: &str, settings: &str) -> PyResult<AnalysisSpec> {
    let settings = serde_json::from_str(settings).unwrap_or_default(); // the package writes an object
    concertina::analysis_with(name, settings).or_raise()
}

/// All analyses, each described by a dictionary.
#[pyfunction]
pub(crate) fn analyses(py: Python<'_>) -> PyResult<Vec<Bound<'_, PyDict>>> {
    AnalysisSpec::NAMES.iter().map(|name| described(py, &AnalysisSpec::named(name).or_raise()?)).collect()
}

fn described<'py>(py: Python<'py>, spec: &AnalysisSpec) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("name", spec.name())?;
    dict.set_item("version", spec.version())?;
    dict.set_item("summary", spec.summary())?;
    dict.set_item("documentation", spec.documentation())?;
    dict.set_item("references", spec.references())?;
    let settings =
        concertina::analysis_settings(spec.name()).or_raise()?.into_iter().map(|(setting, schema)| {
            let Setting { name, default, values, meaning, .. } = setting;
            let dict = PyDict::new(py);
            dict.set_item("schema", python_json(py, &schema)?)?;
            dict.set_item("name", name)?;
            dict.set_item("default", python_json(py, &default)?)?;
            dict.set_item("values", values)?;
            dict.set_item("meaning", meaning)?;
            Ok(dict)
        });
    dict.set_item("settings", settings.collect::<PyResult<Vec<_>>>()?)?;
    Ok(dict)
}

const CLOUD: Argument = Argument::new("states", &["samples", "units"]);
pub(crate) const TRIALS: Argument = Argument::new("states", &["trials", "time", "units"]);
pub(crate) const LABELS: Argument = Argument::new("labels", &["trials"]);

/// A table with one row per timestep.
pub(crate) fn by_timestep(columns: Vec<(&'static str, Values)>) -> PyResult<Table> {
    let count = columns.first().map_or(0, |(_, values)| values.len());
    let timesteps = Values::from((0..count as i64).collect::<Vec<i64>>());
    let columns = std::iter::once(("timestep", timesteps)).chain(columns);
    Ok(table::Table::from_columns(columns).or_refuse()?.into())
}

/// Computes without the interpreter's lock. Large computations use one thread per core.
pub(crate) fn computed<R: Send>(
    py: Python<'_>,
    compute: impl FnOnce() -> ct::Result<R> + Send,
) -> PyResult<R> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    py.detach(|| ct::with_threads(cores, compute)).or_refuse()
}

/// The values of a measure at each timestep of states, (trials, time, units).
fn at_each<T: Precision + Send + Sync, R: Send>(
    py: Python<'_>,
    states: ArrayView3<'_, T>,
    measure: impl Fn(ArrayView2<'_, T>) -> ct::Result<R> + Send,
) -> PyResult<Vec<R>> {
    computed(py, || states.axis_iter(Axis(1)).map(measure).collect())
}

/// The effective dimension of a cloud of states; `None` if it is undefined.
#[pyfunction]
pub(crate) fn effective_dimension(py: Python<'_>, states: &Bound<'_, PyAny>) -> PyResult<Option<f64>> {
    let states = reals::<Ix2>(CLOUD, states)?;
    each_precision!(states, view => computed(py, || ct::effective_dimension(view)))
}

/// The effective dimension at each timestep.
#[pyfunction]
pub(crate) fn effective_dimensions(py: Python<'_>, states: &Bound<'_, PyAny>) -> PyResult<Vec<Option<f64>>> {
    let states = reals::<Ix3>(TRIALS, states)?;
    each_precision!(states, view => at_each(py, view, |cloud| ct::effective_dimension(cloud)))
}

/// How similar two sets of states are; `None` if it is undefined.
#[pyfunction]
pub(crate) fn cka(
    py: Python<'_>,
    x: &Bound<'_, PyAny>,
    y: &Bound<'_, PyAny>,
    debiased: bool,
) -> PyResult<Option<f64>> {
    const X: Argument = Argument::new("x", &["samples", "units"]);
    const Y: Argument = Argument::new("y", &["samples", "units"]);
    let (x, y) = (reals::<Ix2>(X, x)?, reals::<Ix2>(Y, y)?);
    each_precision!(x, x => each_precision!(y, y => {
        computed(py, || if debiased { ct::cka_debiased(x, y) } else { ct::cka(x, y) })
    }))
}

/// How much each state resembles the first of its trial.
#[pyfunction]
pub(crate) fn autocorrelation(py: Python<'_>, states: &Bound<'_, PyAny>) -> PyResult<Table> {
    let states = reals::<Ix3>(TRIALS, states)?;
    let found = each_precision!(states, view => computed(py, || ct::autocorrelation(view))?);
    by_timestep(vec![
        ("autocorrelation", found.iter().map(|one| one.mean).collect::<Vec<_>>().into()),
        ("autocorrelation_sd", found.iter().map(|one| one.standard_deviation).collect::<Vec<_>>().into()),
        ("samples", found.iter().map(|one| one.samples as i64).collect::<Vec<_>>().into()),
    ])
}

/// Mean and standard deviation of the magnitude of rates.
#[pyfunction]
pub(crate) fn saturation(py: Python<'_>, rates: &Bound<'_, PyAny>) -> PyResult<Table> {
    const RATES: Argument = Argument::new("rates", &["trials", "time", "units"]);
    let rates = reals::<Ix3>(RATES, rates)?;
    let found = each_precision!(rates, view => at_each(py, view, |cloud| ct::saturation(cloud)))?;
    by_timestep(vec![
        ("saturation", found.iter().map(|one| one.mean).collect::<Vec<_>>().into()),
        ("saturation_sd", found.iter().map(|one| one.standard_deviation).collect::<Vec<_>>().into()),
    ])
}

/// Mean distances within and across classes.
#[pyfunction]
pub(crate) fn class_distances(
    py: Python<'_>,
    states: &Bound<'_, PyAny>,
    labels: &Bound<'_, PyAny>,
) -> PyResult<Table> {
    let (states, labels) = (reals::<Ix3>(TRIALS, states)?, arrays::labels(LABELS, labels)?);
    let found =
        each_precision!(states, view => at_each(py, view, |cloud| ct::class_distances(cloud, &labels)))?;
    by_timestep(vec![
        ("within_class_distance", found.iter().map(|one| one.within).collect::<Vec<_>>().into()),
        ("across_class_distance", found.iter().map(|one| one.across).collect::<Vec<_>>().into()),
    ])
}

/// How much the part of the states that is orthogonal to the readout, or to the differences of class means,
/// has shrunk.
#[pyfunction]
pub(crate) fn orthogonal_compression(
    py: Python<'_>,
    states: &Bound<'_, PyAny>,
    initial: &Bound<'_, PyAny>,
    labels: &Bound<'_, PyAny>,
    readout: Option<&Bound<'_, PyAny>>,
    components: Option<usize>,
) -> PyResult<Table> {
    const INITIAL: Argument = Argument::new("initial", &["trials", "time", "units"]);
    const READOUT: Argument = Argument::new("readout", &["units", "outputs"]);
    let labels = arrays::labels(LABELS, labels)?;
    let readout = readout.map(|readout| doubles::<Ix2>(READOUT, readout)).transpose()?;
    let readout = readout.as_ref().map(|readout| readout.as_array());
    let pair = (reals::<Ix3>(TRIALS, states)?, reals::<Ix3>(INITIAL, initial)?);
    let ratios = match pair {
        (Reals::Single(states), Reals::Single(initial)) => {
            ratios(py, states.as_array(), initial.as_array(), readout, &labels, components)?
        }
        _ => {
            let (states, initial) = (doubles::<Ix3>(TRIALS, states)?, doubles::<Ix3>(INITIAL, initial)?);
            ratios(py, states.as_array(), initial.as_array(), readout, &labels, components)?
        }
    };
    by_timestep(vec![("orthogonal_compression", ratios.into())])
}

fn ratios<T: Precision + Send + Sync>(
    py: Python<'_>,
    states: ArrayView3<'_, T>,
    initial: ArrayView3<'_, T>,
    readout: Option<ArrayView2<'_, f64>>,
    labels: &[u32],
    components: Option<usize>,
) -> PyResult<Vec<Option<f64>>> {
    if states.shape() != initial.shape() {
        let (expected, found) = (shape_in_words(states.shape()), shape_in_words(initial.shape()));
        return Err(shape_error("initial", &format!("the shape of `states`, {expected}"), &found, None));
    }
    let components = components.unwrap_or(states.dim().2);
    let ratio = |(now, before): (ArrayView2<'_, T>, ArrayView2<'_, T>)| match readout {
        None => ct::compression_beside_class_means(now, before, labels),
        Some(readout) => {
            let of_outputs = ct::orthogonal_compression(now, before, readout, labels, components)?;
            let count = of_outputs.len() as f64;
            Ok(of_outputs.into_iter().sum::<Option<f64>>().map(|sum| sum / count))
        }
    };
    let pairs = || states.axis_iter(Axis(1)).zip(initial.axis_iter(Axis(1)));
    computed(py, || pairs().map(ratio).collect())
}

/// Accuracies of a linear classifier on clusters that it has seen and on clusters that it has not seen.
#[pyfunction]
pub(crate) fn cluster_holdout(
    py: Python<'_>,
    states: &Bound<'_, PyAny>,
    labels: &Bound<'_, PyAny>,
    clusters: &Bound<'_, PyAny>,
    settings: &str,
    seed: u64,
) -> PyResult<Table> {
    const CLUSTERS: Argument = Argument::new("clusters", &["trials"]);
    let AnalysisSpec::ClusterHoldout(settings) = spec("cluster_holdout", settings)? else {
        unreachable!("an analysis has the kind of its name")
    };
    let states = reals::<Ix3>(TRIALS, states)?;
    let (labels, clusters) = (arrays::labels(LABELS, labels)?, arrays::labels(CLUSTERS, clusters)?);
    let found = each_precision!(states, view => {
        at_each(py, view, |cloud| ct::cluster_holdout(&settings, cloud, &labels, &clusters, seed))
    })?;
    by_timestep(vec![
        ("training_accuracy", found.iter().map(|one| one.training_accuracy).collect::<Vec<_>>().into()),
        ("testing_accuracy", found.iter().map(|one| one.testing_accuracy).collect::<Vec<_>>().into()),
        ("training_accuracy_sd", found.iter().map(|one| one.training_accuracy_sd).collect::<Vec<_>>().into()),
        ("testing_accuracy_sd", found.iter().map(|one| one.testing_accuracy_sd).collect::<Vec<_>>().into()),
        ("converged", found.iter().map(|one| one.converged).collect::<Vec<_>>().into()),
    ])
}

/// Scores, components and shares of the variance.
type Components<'py> = (Bound<'py, PyArray3<f64>>, Bound<'py, PyArray3<f64>>, Bound<'py, PyArray2<f64>>);

/// Principal components at each timestep: scores (trials, time, k), components (time, units, k) and shares of
/// the variance (time, k). NaN where the states have no such component.
#[pyfunction]
pub(crate) fn principal_components<'py>(
    py: Python<'py>,
    states: &Bound<'py, PyAny>,
    count: usize,
) -> PyResult<Components<'py>> {
    let states = reals::<Ix3>(TRIALS, states)?;
    let (found, (trials, time, units)) = each_precision!(states, view => {
        (computed(py, || ct::pca_snapshots(view, count))?, view.dim())
    });
    let mut scores = Array3::from_elem((trials, time, count), f64::NAN);
    let mut components = Array3::from_elem((time, units, count), f64::NAN);
    let mut ratio = Array2::from_elem((time, count), f64::NAN);
    for (timestep, one) in found.iter().enumerate() {
        let kept = one.components.ncols();
        scores.slice_mut(s![.., timestep, ..kept]).assign(&one.scores);
        components.slice_mut(s![timestep, .., ..kept]).assign(&one.components);
        ratio.slice_mut(s![timestep, ..kept]).assign(&one.explained_variance_ratio);
    }
    Ok((scores.into_pyarray(py), components.into_pyarray(py), ratio.into_pyarray(py)))
}

/// The variance of weights over a window of checkpoints, for each checkpoint.
#[pyfunction]
pub(crate) fn weight_variance(
    py: Python<'_>,
    weights: &Bound<'_, PyAny>,
    window: usize,
) -> PyResult<Vec<Option<f64>>> {
    const WEIGHTS: Argument = Argument::new("weights", &["checkpoints", "from", "to"]);
    let weights = doubles::<Ix3>(WEIGHTS, weights)?;
    let view = weights.as_array();
    computed(py, || ct::weight_variance(view, window))
}

/// Eigenvalues and singular values of a matrix.
#[pyfunction]
pub(crate) fn spectrum(py: Python<'_>, weights: &Bound<'_, PyAny>) -> PyResult<Table> {
    const WEIGHTS: Argument = Argument::new("weights", &["units", "units"]);
    let weights = doubles::<Ix2>(WEIGHTS, weights)?;
    let view = weights.as_array();
    let found = computed(py, || ct::spectrum(view))?;
    Ok(found.table().or_refuse()?.into())
}

/// The dynamics of a network without input.
pub(crate) fn autonomous(network: &Network) -> PyResult<Autonomous> {
    Autonomous::of(&network.network).or_refuse()?.ok_or_else(|| {
        raised(
            "ParameterError",
            "expected a recurrent network, found a feedforward one, which has no dynamics",
            None,
        )
    })
}

/// The largest Lyapunov exponents of a network without input, or along trials with these inputs.
#[pyfunction]
pub(crate) fn lyapunov(
    py: Python<'_>,
    network: &Network,
    inputs: Option<&Bound<'_, PyAny>>,
    settings: &str,
    seed: u64,
) -> PyResult<Table> {
    let AnalysisSpec::Lyapunov(settings) = spec("lyapunov", settings)? else {
        unreachable!("an analysis has the kind of its name")
    };
    if let Some(inputs) = inputs {
        return driven_exponents(py, network, inputs, settings, seed);
    }
    let system = autonomous(network)?;
    let (_, table) = computed(py, || ct::lyapunov(&settings, &system, seed))?;
    Ok(table.into())
}

/// Fixed points and slow points of a network, searched for from some states.
#[pyfunction]
pub(crate) fn fixed_points(
    py: Python<'_>,
    network: &Network,
    states: &Bound<'_, PyAny>,
    settings: &str,
) -> PyResult<Table> {
    const STARTS: Argument = Argument::new("states", &["starts", "units"]);
    let AnalysisSpec::FixedPoints(settings) = spec("fixed_points", settings)? else {
        unreachable!("an analysis has the kind of its name")
    };
    let mut system = autonomous(network)?;
    if let Some(input) = &settings.input {
        let weights = network.network.weights().input.mapv(f64::from);
        system = system.with_input(weights.view(), ndarray::ArrayView1::from(input)).or_refuse()?;
    }
    let starts = doubles::<Ix2>(STARTS, states)?;
    let view = starts.as_array();
    if view.ncols() != system.units() {
        let (expected, found) = (format!("states of {} units", system.units()), shape_in_words(view.shape()));
        return Err(shape_error("states", &expected, &found, None));
    }
    let table = computed(py, || ct::fixed_points(&settings, &system, view))?;
    Ok(table.into())
}

/// Loss, accuracy and explained variance of outputs.
#[pyfunction]
pub(crate) fn evaluate(
    py: Python<'_>,
    outputs: &Bound<'_, PyAny>,
    targets: &Bound<'_, PyAny>,
    mask: Option<&Bound<'_, PyAny>>,
    loss: &str,
) -> PyResult<(f64, Option<f64>, Option<f64>)> {
    const OUTPUTS: Argument = Argument::new("outputs", &["trials", "time", "outputs"]);
    let outputs = singles::<Ix3>(OUTPUTS, outputs)?;
    let view = outputs.as_array();
    let targets = targets_of(targets)?;
    let mask = match mask {
        None => Mask::Last(view.dim().1),
        Some(mask) => Mask::At(arrays::truths(Argument::new("mask", &["trials", "time"]), mask)?),
    };
    let mut params = Params::default();
    parameter("train.loss")
        .and_then(|parameter| parameter.set(&mut params, &Value::from(loss)))
        .or_refuse()?;
    let found = py.detach(|| ct::evaluate_outputs(view, &targets, &mask, params.train.loss)).or_refuse()?;
    Ok((found.loss, found.accuracy, found.r2))
}

/// Classes (trials) or (trials, time), or real numbers (trials, time, outputs).
fn targets_of(targets: &Bound<'_, PyAny>) -> PyResult<Targets> {
    let array = targets.getattr("ndim").and_then(|ndim| ndim.extract::<usize>());
    Ok(match array {
        Ok(1) => Targets::Class(arrays::labels(Argument::new("targets", &["trials"]), targets)?),
        Ok(2) => {
            const CLASSES: Argument = Argument::new("targets", &["trials", "time"]);
            let (classes, shape) =
                (arrays::labels(CLASSES, targets)?, targets.getattr("shape")?.extract::<(usize, usize)>()?);
            Targets::ClassAt(
                Array2::from_shape_vec(shape, classes)
                    .map_err(|error| raised("ShapeError", &error.to_string(), None))?,
            )
        }
        _ => {
            const REALS: Argument = Argument::new("targets", &["trials", "time", "outputs"]);
            Targets::Real(singles::<Ix3>(REALS, targets)?.as_array().to_owned())
        }
    })
}
