//! Updates on a device, compared with the reference in f64 and with the CPU.

use std::collections::BTreeSet;
use std::sync::Arc;

use concertina_gpu::{Beginning, Cohort, Device, Shape};
use concertina_model::network::TrainedWeights;
use concertina_model::params::{
    Arithmetic, GradientNoiseTarget, LossKind, NetworkKind, Nonlinearity, OptimizerKind, Params, TaskKind,
    ValidParams,
};
use concertina_model::trainer::{Course, Trainer, Updater};
use ndarray::ArrayD;

fn device() -> Arc<Device> {
    Device::open(None).expect("tests/gpu/run installs a device")
}

/// A small run, trained on a GPU.
fn small(change: impl FnOnce(&mut Params)) -> ValidParams {
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
fn on_cpu(params: &ValidParams) -> ValidParams {
    let mut params = params.clone().into_params();
    params.train.arithmetic = Arithmetic::Cpu;
    params.check().expect("valid")
}

fn cohort(device: &Arc<Device>, runs: &[&ValidParams]) -> Cohort {
    let beginnings = runs.iter().map(|params| Beginning { params, state: None }).collect();
    Cohort::new(Arc::clone(device), beginnings, 2).expect("the device works").expect("the runs begin")
}

/// The largest error among the entries of an array, compared with the largest entry.
fn error(expected: &ArrayD<f32>, found: &ArrayD<f32>) -> f64 {
    let largest = expected.iter().fold(0.0_f64, |largest, value| largest.max(f64::from(value.abs())));
    let error = expected
        .iter()
        .zip(found)
        .fold(0.0_f64, |error, (expected, found)| error.max(f64::from((expected - found).abs())));
    if error == 0.0 { 0.0 } else { error / largest }
}

/// The gradient of the first batch, with noise and dropout, on a GPU and on the CPU.
fn compare_gradients(device: &Arc<Device>, params: &ValidParams) {
    let mut one = params.clone().into_params();
    (one.train.epochs, one.task.train_samples) = (1, one.train.batch);
    let one = one.check().expect("valid");
    let mut cohort = cohort(device, &[&one]);
    let outcome = cohort.train_epoch(&[Some(BTreeSet::new())]).expect("the device works").remove(0);
    outcome.expect("it was trained").record.expect("it does not diverge");
    let found = cohort.gradient(0).expect("the device works");
    let cpu = on_cpu(&one);
    let weights = TrainedWeights::draw(&cpu).expect("weights");
    let mut updater = Updater::from_params(&cpu, &weights);
    let trials = Course::new(&cpu).expect("a task").training();
    updater.update_on_trials(&trials, 0..trials.len(), 1e-3).expect("an update");
    for ((name, expected), (other, found)) in updater.gradient().tensors().iter().zip(&found) {
        assert_eq!(name, other);
        if concertina_model::network::is_trained(&cpu, name) {
            let error = error(expected, found);
            assert!(error < 1e-4, "{name}: {error:.1e} of {}", params.canonical());
        }
    }
}

#[test]
fn gradients_of_every_network_nonlinearity_and_loss_agree_with_the_cpu() {
    let device = device();
    let params = small(|_| {});
    compare_gradients(&device, &params);
}
