//! Losses on a device over several updates, compared with those of the reference in f64 and of the CPU.

mod common;

use std::collections::BTreeSet;
use std::sync::Arc;

use common::{LOSSES, NETWORKS, cohort, device, epoch, initial, on_cpu, set_network, small, widened_trials};
use concertina_gpu::Device;
use concertina_model::network::Equations;
use concertina_model::params::{GradientNoiseTarget, LossKind, OptimizerKind, Params, ValidParams};
use concertina_model::reference::Parameters;
use concertina_model::task::{self, Ask};
use concertina_model::trainer::Trainer;

/// Updates after which losses are compared.
const UPDATES: u64 = 10;

fn close(expected: f64, found: f64) -> bool {
    (expected - found).abs() <= 1e-5 * expected.abs().max(1e-3)
}

/// The same run with epochs of one update, so that the record of an epoch has the loss of an update.
fn update_by_update(params: &ValidParams) -> ValidParams {
    let mut params = params.clone().into_params();
    params.task.train_samples = params.train.batch;
    params.check().expect("valid")
}

/// Compares the losses of the first updates, and those on the validation samples after each, with the CPU.
fn compare_with_cpu(device: &Arc<Device>, params: &ValidParams) {
    let params = update_by_update(params);
    let mut cohort = cohort(device, &[&params]);
    let mut trainer = Trainer::new(&on_cpu(&params)).expect("it begins");
    for update in 1..=UPDATES {
        let found = epoch(&mut cohort);
        let expected = trainer.train_epoch(&BTreeSet::new(), &mut |_, _| {}).expect("it does not diverge");
        for (expected, found) in
            [(expected.training_loss, found.training_loss), (expected.validation_loss, found.validation_loss)]
        {
            let case = params.canonical();
            assert!(close(expected, found), "update {update}: {expected} and {found} of {case}");
        }
        assert_eq!((expected.update, expected.learning_rate), (found.update, found.learning_rate));
    }
}

/// Compares the losses of the first updates by gradient descent with the reference, which takes them in f64.
fn compare_with_reference(device: &Arc<Device>, params: &ValidParams) {
    let params = update_by_update(params);
    let mut cohort = cohort(device, &[&params]);
    let cpu = on_cpu(&params);
    let (equations, task) = (Equations::new(&cpu), task::of(&cpu).expect("a task"));
    let mut weights = initial(&cpu);
    for update in 0..UPDATES {
        let record = epoch(&mut cohort);
        let found = record.training_loss;
        let trials = widened_trials(task.trials(Ask::Training(update)));
        let (expected, gradient) = equations.loss_and_gradient_on(&weights, &trials);
        assert!(close(expected, found), "update {update}: {expected} and {found} of {}", params.canonical());
        descend(&mut weights, &gradient, record.learning_rate);
    }
}

/// A step of gradient descent on all arrays.
fn descend(weights: &mut Parameters, gradient: &Parameters, rate: f64) {
    weights.input.scaled_add(-rate, &gradient.input);
    weights.recurrent[0].scaled_add(-rate, &gradient.recurrent[0]);
    for (bias, gradient) in weights.biases.iter_mut().zip(&gradient.biases) {
        bias.scaled_add(-rate, gradient);
    }
    weights.readout.scaled_add(-rate, &gradient.readout);
    weights.readout_bias.scaled_add(-rate, &gradient.readout_bias);
}

#[test]
fn losses_of_the_first_ten_updates_agree_with_the_reference_for_every_network_and_loss() {
    let device = device();
    for network in NETWORKS {
        for loss in LOSSES {
            if loss == LossKind::Zero {
                continue; // there is no gradient to descend
            }
            compare_with_reference(
                &device,
                &small(|params| {
                    set_network(params, network);
                    (params.train.loss, params.train.optimizer) = (loss, OptimizerKind::Sgd);
                    (params.train.learning_rate, params.network.train_input) = (1e-3, true);
                }),
            );
        }
    }
}

/// Disturbances and changes of the step, of which each case has one.
fn disturb(params: &mut Params, which: usize) {
    let (network, train) = (&mut params.network, &mut params.train);
    match which {
        0 => network.unit_noise = 0.05,
        1 => network.dropout = 0.2,
        2 => (train.gradient_noise, train.gradient_noise_on) = (1e-3, GradientNoiseTarget::All),
        3 => {
            (train.gradient_noise, train.gradient_noise_scaled) = (1e-2, true);
            train.gradient_noise_on = GradientNoiseTarget::Recurrent;
        }
        4 => {
            (train.gradient_noise, train.gradient_noise_on) = (1e-3, GradientNoiseTarget::Readout);
            train.weight_decay = 1e-2;
        }
        5 if train.optimizer != OptimizerKind::Adam => train.momentum = 0.5,
        5 => train.weight_decay = 1e-2,
        _ => unreachable!(),
    }
}

/// Every network with every optimizer. Disturbances and losses go round, so that each meets every network and
/// every optimizer.
#[test]
fn losses_of_the_first_ten_updates_agree_with_the_cpu_for_every_network_optimizer_and_noise() {
    let device = device();
    let optimizers =
        [OptimizerKind::Sgd, OptimizerKind::Rmsprop, OptimizerKind::Adam, OptimizerKind::SgdRmsprop];
    for (row, network) in NETWORKS.into_iter().enumerate() {
        for (column, optimizer) in optimizers.into_iter().enumerate() {
            for which in [(row + column) % 6, (row + column + 3) % 6] {
                compare_with_cpu(
                    &device,
                    &small(|params| {
                        set_network(params, network);
                        params.train.optimizer = optimizer;
                        params.train.loss = LOSSES[(row + which) % 3];
                        params.train.learning_rate = 1e-4;
                        disturb(params, which);
                    }),
                );
            }
        }
    }
}
