//! Shared by the tests on a device: small runs of every kind, and the same in the reference in f64.
#![allow(dead_code, reason = "each test target uses its own part")]

use std::collections::BTreeSet;
use std::sync::Arc;

use concertina_gpu::{Beginning, Cohort, Device};
use concertina_model::network::{TrainedWeights, Weights};
use concertina_model::params::{Arithmetic, LossKind, NetworkKind, Nonlinearity, Params, ValidParams};
use concertina_model::reference::Parameters;
use concertina_model::task::{Inputs, Targets, Trials};
use concertina_model::trainer::EpochRecord;
use ndarray::ArrayD;

pub(crate) fn device() -> Arc<Device> {
    Device::open(None).expect("tests/gpu/run installs a device")
}

/// A small run, trained on a GPU.
pub(crate) fn small(change: impl FnOnce(&mut Params)) -> ValidParams {
    let mut params = Params::default();
    (params.task.input_dim, params.task.clusters, params.task.delay) = (5, 7, 5);
    (params.task.train_samples, params.train.batch) = (60, 6);
    params.network.units = 13;
    (params.network.gain, params.network.dt) = (Some(30.0), 0.02);
    params.train.arithmetic = Arithmetic::Gpu;
    change(&mut params);
    params.check().expect("the case is valid")
}

/// The same run on the CPU.
pub(crate) fn on_cpu(params: &ValidParams) -> ValidParams {
    let mut params = params.clone().into_params();
    params.train.arithmetic = Arithmetic::Cpu;
    params.check().expect("valid")
}

pub(crate) fn cohort(device: &Arc<Device>, runs: &[&ValidParams]) -> Cohort {
    let beginnings = runs.iter().map(|params| Beginning { params, state: None }).collect();
    Cohort::new(Arc::clone(device), beginnings, 2).expect("the device works").expect("the runs begin")
}

/// Trains an epoch of a cohort of one run.
pub(crate) fn epoch(cohort: &mut Cohort) -> EpochRecord {
    let outcome = cohort.train_epoch(&[Some(BTreeSet::new())]).expect("the device works").remove(0);
    outcome.expect("it was trained").record.expect("it does not diverge")
}

/// The networks that the kernels compute.
pub(crate) const NETWORKS: [(NetworkKind, Nonlinearity); 10] = [
    (NetworkKind::Vanilla, Nonlinearity::Tanh),
    (NetworkKind::Vanilla, Nonlinearity::Relu),
    (NetworkKind::Vanilla, Nonlinearity::Linear),
    (NetworkKind::Leaky, Nonlinearity::Tanh),
    (NetworkKind::Leaky, Nonlinearity::Relu),
    (NetworkKind::Leaky, Nonlinearity::Linear),
    (NetworkKind::Rate, Nonlinearity::Tanh),
    (NetworkKind::Rate, Nonlinearity::Relu),
    (NetworkKind::Rate, Nonlinearity::Linear),
    (NetworkKind::Gru, Nonlinearity::Tanh),
];

pub(crate) const LOSSES: [LossKind; 4] =
    [LossKind::CrossEntropy, LossKind::Mse, LossKind::MseScalar, LossKind::Zero];

/// A network whose states are neither small nor saturated.
pub(crate) fn set_network(params: &mut Params, (kind, nonlinearity): (NetworkKind, Nonlinearity)) {
    (params.network.kind, params.network.nonlinearity) = (kind, nonlinearity);
    (params.network.gain, params.network.dt) = match kind {
        NetworkKind::Leaky | NetworkKind::Rate => (Some(1.5), 0.3),
        NetworkKind::Gru => (Some(1.5), 0.01),
        _ => (Some(30.0), 0.02),
    };
}

/// The parameters of the reference that equal the weights exactly.
pub(crate) fn widened(weights: &Weights) -> Parameters {
    Parameters {
        input: weights.input.mapv(f64::from),
        recurrent: weights.recurrent.iter().map(|matrix| matrix.mapv(f64::from)).collect(),
        biases: weights.biases.iter().map(|bias| bias.mapv(f64::from)).collect(),
        readout: weights.readout.mapv(f64::from),
        readout_bias: weights.readout_bias.mapv(f64::from),
        initial_state: None,
    }
}

/// The initial weights of a run, in f64.
pub(crate) fn initial(params: &ValidParams) -> Parameters {
    widened(TrainedWeights::draw(params).expect("weights").arrays())
}

/// Trials in f64.
pub(crate) fn widened_trials(trials: Trials) -> Trials<f64> {
    Trials {
        inputs: match trials.inputs {
            Inputs::Held { stimuli, hold } => Inputs::Held { stimuli: stimuli.mapv(f64::from), hold },
            Inputs::Timed(inputs) => Inputs::Timed(inputs.mapv(f64::from)),
        },
        targets: match trials.targets {
            Targets::Class(classes) => Targets::Class(classes),
            Targets::ClassAt(classes) => Targets::ClassAt(classes),
            Targets::Real(targets) => Targets::Real(targets.mapv(f64::from)),
        },
        mask: trials.mask,
        conditions: trials.conditions,
    }
}

/// The arrays of a gradient, in the order of those of [`Weights`].
pub(crate) fn arrays(parameters: &Parameters) -> Vec<ArrayD<f64>> {
    let mut arrays = vec![parameters.input.clone().into_dyn()];
    arrays.extend(parameters.recurrent.iter().map(|matrix| matrix.clone().into_dyn()));
    arrays.extend(parameters.biases.iter().map(|bias| bias.clone().into_dyn()));
    arrays.push(parameters.readout.clone().into_dyn());
    arrays.push(parameters.readout_bias.clone().into_dyn());
    arrays
}

/// The largest error among the entries of an array, compared with the largest entry.
pub(crate) fn error(expected: &ArrayD<f64>, found: &ArrayD<f32>) -> f64 {
    assert_eq!(expected.shape(), found.shape());
    let largest = expected.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
    let apart = |expected: &f64, found: &f32| match (expected - f64::from(*found)).abs() {
        apart if apart.is_nan() => f64::INFINITY,
        apart => apart,
    };
    let error = expected.iter().zip(found).fold(0.0_f64, |error, (a, b)| error.max(apart(a, b)));
    if error == 0.0 { 0.0 } else { error / largest }
}
