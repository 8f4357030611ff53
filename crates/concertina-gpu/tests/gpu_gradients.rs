//! Gradients on a device, compared with those of the reference in f64 and of the CPU.

mod common;

use std::sync::Arc;

use common::{
    LOSSES, NETWORKS, arrays, cohort, device, epoch, error, initial, on_cpu, set_network, small,
    widened_trials,
};
use concertina_gpu::Device;
use concertina_model::network::{Equations, TrainedWeights, is_trained};
use concertina_model::params::{Arithmetic, Params, TaskKind, ValidParams};
use concertina_model::task::{self, Ask};
use concertina_model::trainer::Updater;
use ndarray::ArrayD;

/// The largest error of a gradient, compared with the largest entry of its array.
const MOST: f64 = 1e-4;

/// A run whose first epoch is one batch, and the gradient of that batch on a GPU.
fn gradient_of_a_batch(
    device: &Arc<Device>,
    params: &ValidParams,
) -> (ValidParams, Vec<(String, ArrayD<f32>)>) {
    let mut one = params.clone().into_params();
    (one.train.epochs, one.task.train_samples) = (1, one.train.batch);
    let one = one.check().expect("valid");
    let mut cohort = cohort(device, &[&one]);
    epoch(&mut cohort);
    let gradient = cohort.gradient(0).expect("the device works");
    (one, gradient)
}

/// Compares with the reference in f64, which is deterministic.
fn compare_with_reference(device: &Arc<Device>, params: &ValidParams) {
    let (one, found) = gradient_of_a_batch(device, params);
    let cpu = on_cpu(&one);
    let trials = widened_trials(task::of(&cpu).expect("a task").trials(Ask::Training(0)));
    let (_, gradient) = Equations::new(&cpu).loss_and_gradient_on(&initial(&cpu), &trials);
    let expected = arrays(&gradient);
    assert_eq!(expected.len(), found.len());
    for (expected, (name, found)) in expected.iter().zip(&found) {
        if is_trained(&cpu, name) {
            let error = error(expected, found);
            assert!(error < MOST, "{name}: {error:.1e} of {}", params.canonical());
        }
    }
}

/// Compares with the CPU, which draws the same noise.
fn compare_with_cpu(device: &Arc<Device>, params: &ValidParams) {
    let (one, found) = gradient_of_a_batch(device, params);
    let cpu = on_cpu(&one);
    let weights = TrainedWeights::draw(&cpu).expect("weights");
    let mut updater = Updater::from_params(&cpu, &weights);
    let trials = task::of(&cpu).expect("a task").trials(Ask::Training(0));
    updater.update_on_trials(&trials, 0..trials.len(), 1e-3).expect("an update");
    for ((name, expected), (other, found)) in updater.gradient().tensors().iter().zip(&found) {
        assert_eq!(name, other);
        if is_trained(&cpu, name) {
            let error = error(&expected.mapv(f64::from), found);
            assert!(error < MOST, "{name}: {error:.1e} of {}", params.canonical());
        }
    }
}

#[test]
fn every_network_with_every_loss_has_the_gradient_of_the_reference() {
    let device = device();
    for network in NETWORKS {
        for loss in LOSSES {
            compare_with_reference(
                &device,
                &small(|params| {
                    set_network(params, network);
                    (params.train.loss, params.task.hold, params.task.evaluate) = (loss, 2, 3);
                    params.network.train_input = true;
                }),
            );
        }
    }
}

#[test]
fn every_network_with_noise_and_dropout_has_the_gradient_of_the_cpu() {
    let device = device();
    for network in NETWORKS {
        for (unit_noise, dropout) in [(0.1, 0.0), (0.0, 0.3), (0.1, 0.3)] {
            compare_with_cpu(
                &device,
                &small(|params| {
                    set_network(params, network);
                    (params.network.unit_noise, params.network.dropout) = (unit_noise, dropout);
                }),
            );
        }
    }
}

/// Sizes around those of a vector, a part of a batch, a work group and a chunk of a product.
#[test]
fn every_shape_has_the_gradient_of_the_reference() {
    let device = device();
    let shapes = [
        (1, 1, 1),
        (3, 4, 300),
        (28, 65, 9),
        (33, 50, 2),
        (70, 7, 5),
        (24, 300, 3),
        (1024, 8, 4),
        (2, 1024, 3),
    ];
    for (batch, units, inputs) in shapes {
        let sizes = |params: &mut Params| {
            (params.train.batch, params.task.train_samples) = (batch, batch.max(10));
            (params.network.units, params.task.input_dim) = (units, inputs);
        };
        compare_with_reference(&device, &small(sizes));
    }
    for (batch, units, inputs) in [(3, 1, 2), (9, 90, 5), (40, 33, 40)] {
        let gated = |params: &mut Params| {
            set_network(params, NETWORKS[9]);
            (params.train.batch, params.task.train_samples) = (batch, batch.max(10));
            (params.network.units, params.task.input_dim) = (units, inputs);
        };
        compare_with_reference(&device, &small(gated));
    }
}

#[test]
fn every_task_has_the_gradient_of_the_reference() {
    let device = device();
    let tasks =
        [TaskKind::FlipFlop, TaskKind::Integration, TaskKind::Context, TaskKind::Match, TaskKind::Sine];
    for (task, network) in tasks.into_iter().zip([NETWORKS[0], NETWORKS[6], NETWORKS[9]].into_iter().cycle())
    {
        compare_with_reference(
            &device,
            &small(|params| {
                *params = Params { task: Default::default(), ..params.clone() };
                (params.task.kind, params.task.train_samples) = (task, 60);
                params.train.arithmetic = Arithmetic::Gpu;
                set_network(params, network);
                params.network.train_input = true;
            }),
        );
    }
}

#[test]
fn a_reservoir_trains_its_readout_only() {
    compare_with_reference(&device(), &small(|params| params.network.train_recurrent = false));
}
