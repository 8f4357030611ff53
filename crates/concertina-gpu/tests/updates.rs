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

const NETWORKS: [(NetworkKind, Nonlinearity); 10] = [
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
const LOSSES: [LossKind; 4] = [LossKind::CrossEntropy, LossKind::Mse, LossKind::MseScalar, LossKind::Zero];

/// A network whose states are neither small nor saturated.
fn set_network(params: &mut Params, (kind, nonlinearity): (NetworkKind, Nonlinearity)) {
    (params.network.kind, params.network.nonlinearity) = (kind, nonlinearity);
    (params.network.gain, params.network.dt) = match kind {
        NetworkKind::Leaky | NetworkKind::Rate => (Some(1.5), 0.3),
        NetworkKind::Gru => (Some(1.5), 0.01),
        _ => (Some(30.0), 0.02),
    };
}

#[test]
fn gradients_of_every_network_nonlinearity_and_loss_agree_with_the_cpu() {
    let device = device();
    // Each network with one loss, and each loss with several networks: compiling kernels takes most of the
    // time.
    for (network, loss) in NETWORKS.into_iter().zip(LOSSES.into_iter().cycle()) {
        compare_gradients(
            &device,
            &small(|params| {
                set_network(params, network);
                (params.train.loss, params.task.hold, params.task.evaluate) = (loss, 2, 3);
                params.network.train_input = true;
            }),
        );
    }
}

#[test]
fn gradients_with_noise_and_dropout_agree_with_the_cpu() {
    let device = device();
    for network in [NETWORKS[0], NETWORKS[4], NETWORKS[6], NETWORKS[9]] {
        compare_gradients(
            &device,
            &small(|params| {
                set_network(params, network);
                (params.network.unit_noise, params.network.dropout) = (0.1, 0.3);
            }),
        );
    }
}

#[test]
fn gradients_of_every_shape_agree_with_the_cpu() {
    let device = device();
    for (batch, units, inputs) in [(1, 1, 1), (3, 4, 300), (33, 50, 2), (70, 7, 5), (28, 65, 9), (24, 300, 3)]
    {
        compare_gradients(
            &device,
            &small(|params| {
                (params.train.batch, params.task.train_samples) = (batch, batch.max(10));
                (params.network.units, params.task.input_dim) = (units, inputs);
            }),
        );
    }
}

#[test]
fn gradients_of_every_task_agree_with_the_cpu() {
    let device = device();
    let tasks =
        [TaskKind::FlipFlop, TaskKind::Integration, TaskKind::Context, TaskKind::Match, TaskKind::Sine];
    for (task, network) in tasks.into_iter().zip([NETWORKS[0], NETWORKS[6], NETWORKS[9]].into_iter().cycle())
    {
        compare_gradients(
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
    let device = device();
    compare_gradients(&device, &small(|params| params.network.train_recurrent = false));
}

/// The losses of the first epochs of one update each, on a GPU and on the CPU.
fn compare_losses(device: &Arc<Device>, params: &ValidParams) {
    let mut params = params.clone().into_params();
    params.task.train_samples = params.train.batch;
    let params = params.check().expect("valid");
    let mut cohort = cohort(device, &[&params]);
    let mut trainer = Trainer::new(&on_cpu(&params)).expect("it begins");
    for _ in 0..10 {
        let outcome = cohort.train_epoch(&[Some(BTreeSet::new())]).expect("the device works").remove(0);
        let found = outcome.expect("it was trained").record.expect("it does not diverge");
        let expected = trainer.train_epoch(&BTreeSet::new(), &mut |_, _| {}).expect("it does not diverge");
        let close = |expected: f64, found: f64| (expected - found).abs() <= 1e-5 * expected.abs().max(1e-3);
        let all = [
            (expected.training_loss, found.training_loss),
            (expected.validation_loss, found.validation_loss),
        ];
        for (expected, found) in all {
            assert!(close(expected, found), "{expected} and {found} of {}", params.canonical());
        }
        assert_eq!((expected.update, expected.learning_rate), (found.update, found.learning_rate));
    }
}

#[test]
fn losses_of_the_first_ten_updates_agree_with_the_cpu_for_every_optimizer() {
    let device = device();
    for optimizer in
        [OptimizerKind::Sgd, OptimizerKind::Rmsprop, OptimizerKind::Adam, OptimizerKind::SgdRmsprop]
    {
        for (momentum, noise) in [(0.0, 0.0), (0.5, 1e-3)] {
            compare_losses(
                &device,
                &small(|params| {
                    (params.train.optimizer, params.train.momentum) = (optimizer, momentum);
                    params.train.weight_decay = 2.0 * noise;
                    params.train.gradient_noise = noise;
                    params.train.gradient_noise_scaled = optimizer == OptimizerKind::Rmsprop;
                    params.train.gradient_noise_on = GradientNoiseTarget::All;
                    params.train.learning_rate = 1e-4;
                }),
            );
        }
    }
}

/// The weights after two epochs.
fn trained(device: &Arc<Device>, runs: &[&ValidParams]) -> Vec<TrainedWeights> {
    let mut cohort = cohort(device, runs);
    for _ in 0..2 {
        let wanted = vec![Some(BTreeSet::new()); runs.len()];
        for outcome in cohort.train_epoch(&wanted).expect("the device works") {
            outcome.expect("it was trained").record.expect("it does not diverge");
        }
    }
    (0..runs.len()).map(|run| cohort.weights(run).expect("the device works")).collect()
}

#[test]
fn a_run_has_the_same_bits_twice_and_in_every_cohort() {
    let device = device();
    let runs: Vec<ValidParams> = (0..5)
        .map(|seed| {
            small(|params| {
                (params.seed, params.network.gain) = (seed, Some(20.0 + 50.0 * seed as f64));
                params.train.learning_rate = 1e-3 / (1.0 + seed as f64);
            })
        })
        .collect();
    let together = trained(&device, &runs.iter().collect::<Vec<_>>());
    let some = trained(&device, &[&runs[3], &runs[1]]);
    assert_eq!(together[3], some[0]);
    assert_eq!(together[1], some[1]);
    for (run, expected) in runs.iter().zip(&together) {
        assert_eq!(trained(&device, &[run])[0], *expected);
    }
}

#[test]
fn a_run_that_is_resumed_has_the_bits_of_one_that_is_not() {
    let device = device();
    for optimizer in [OptimizerKind::Rmsprop, OptimizerKind::Adam, OptimizerKind::Sgd] {
        let params = small(|params| {
            (params.train.optimizer, params.train.momentum) = (optimizer, 0.5);
            (params.network.unit_noise, params.train.gradient_noise) = (0.05, 1e-4);
        });
        let expected = trained(&device, &[&params]).remove(0);
        let mut first = cohort(&device, &[&params]);
        first.train_epoch(&[Some(BTreeSet::new())]).expect("the device works");
        let state = first.state(0).expect("the device works");
        let beginning = Beginning { params: &params, state: Some(state) };
        let mut second = Cohort::new(Arc::clone(&device), vec![beginning], 1)
            .expect("the device works")
            .expect("the run continues");
        second.train_epoch(&[Some(BTreeSet::new())]).expect("the device works");
        assert_eq!(second.weights(0).expect("the device works"), expected);
    }
}

#[test]
fn weights_are_taken_at_the_updates_at_which_they_are_wanted() {
    let device = device();
    let params = small(|_| {});
    let mut cohort = cohort(&device, &[&params, &params]);
    let wanted = BTreeSet::from([concertina_model::Update(4), concertina_model::Update(10)]);
    let outcomes = cohort.train_epoch(&[Some(wanted), Some(BTreeSet::new())]).expect("the device works");
    let met: Vec<_> = outcomes.into_iter().map(|outcome| outcome.expect("it was trained").met).collect();
    let at: Vec<_> = met[0].iter().map(|(at, _)| (at.epoch.0, at.update.0)).collect();
    assert_eq!(at, [(0, 4), (1, 10)]);
    assert!(met[1].is_empty() && met[0][0].1 != met[0][1].1);
    assert_eq!(met[0][1].1, cohort.weights(1).expect("the device works"));
}

#[test]
fn a_run_that_diverges_stops_and_the_others_go_on() {
    let device = device();
    let wild_params = small(|params| {
        params.network.nonlinearity = Nonlinearity::Relu;
        params.train.optimizer = OptimizerKind::Sgd;
        params.train.learning_rate = 1e30;
    });
    let calm = small(|params| {
        params.network.nonlinearity = Nonlinearity::Relu;
        params.train.optimizer = OptimizerKind::Sgd;
    });
    assert_eq!(Shape::of(&wild_params), Shape::of(&calm));
    let mut cohort = cohort(&device, &[&wild_params, &calm]);
    let mut outcomes = cohort.train_epoch(&[Some(BTreeSet::new()), Some(BTreeSet::new())]).expect("it works");
    let calm = outcomes.pop().flatten().expect("it was trained");
    assert_eq!(calm.record.expect("it does not diverge").epoch, 1);
    let wild = outcomes.pop().flatten().expect("it was trained");
    let found = wild.record.expect_err("it diverges");
    let mut trainer = Trainer::new(&on_cpu(&wild_params)).expect("it begins");
    let expected = trainer.train_epoch(&BTreeSet::new(), &mut |_, _| {}).expect_err("it diverges");
    let at = |error: &concertina_model::Error| match error {
        concertina_model::Error::Diverged { epoch, update, .. } => (*epoch, *update),
        other => panic!("{other}"),
    };
    assert_eq!(at(&found), at(&expected));
}
