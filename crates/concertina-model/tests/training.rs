//! The guarantees of training: it resumes exactly, it does not depend on what is kept, and noise and dropout
//! act only in training.

use std::collections::BTreeSet;

use concertina_model::Update;
use concertina_model::network::{Network, TrainedWeights};
use concertina_model::params::{
    GradientMethod, GradientNoiseTarget, LossKind, NetworkKind, Nonlinearity, OptimizerKind, Params,
    SchedulerKind, ValidParams,
};
use concertina_model::task::{self, Ask};
use concertina_model::trainer::Trainer;
use ndarray::Axis;

const OPTIMIZERS: [OptimizerKind; 4] =
    [OptimizerKind::Sgd, OptimizerKind::Rmsprop, OptimizerKind::Adam, OptimizerKind::SgdRmsprop];
const SCHEDULERS: [SchedulerKind; 7] = [
    SchedulerKind::None,
    SchedulerKind::Plateau,
    SchedulerKind::Step,
    SchedulerKind::Multistep,
    SchedulerKind::Cyclic,
    SchedulerKind::CyclicHalving,
    SchedulerKind::Onecycle,
];

fn small() -> Params {
    let mut params = Params::default();
    params.task.input_dim = 5;
    params.task.clusters = 6;
    params.task.delay = 4;
    params.task.train_samples = 33; // the last batch is smaller
    params.task.val_samples = Some(20);
    params.network.units = 20;
    params.train.batch = 10;
    params.train.momentum = 0.5;
    params.train.scheduler_patience = 2;
    params
}

fn train(trainer: &mut Trainer, epochs: u64) -> Vec<(String, TrainedWeights)> {
    let mut kept = Vec::new();
    let every: BTreeSet<Update> = (0..10_000).map(Update).collect();
    for _ in 0..epochs {
        trainer
            .train_epoch(&every, &mut |checkpoint, weights| kept.push((checkpoint.to_string(), weights)))
            .expect("training converges");
    }
    kept
}

/// Every optimizer × scheduler, with every kind of noise.
fn every_way_to_train() -> Vec<ValidParams> {
    let mut ways = Vec::new();
    const KINDS: [NetworkKind; 4] =
        [NetworkKind::Vanilla, NetworkKind::Gru, NetworkKind::Lstm, NetworkKind::Rate];
    for (optimizer, kind) in OPTIMIZERS.into_iter().flat_map(|one| KINDS.map(|kind| (one, kind))) {
        for scheduler in SCHEDULERS {
            let mut params = small();
            params.network.kind = kind;
            params.network.train_input = kind.is_gated();
            params.train.optimizer = optimizer;
            params.train.scheduler = scheduler;
            params.train.milestones =
                if scheduler == SchedulerKind::Multistep { vec![3, 5] } else { Vec::new() };
            params.train.cycle_epochs = (scheduler == SchedulerKind::Onecycle).then_some(8);
            params.train.gradient_noise = 0.01;
            params.train.gradient_noise_on = GradientNoiseTarget::All;
            params.network.dropout = 0.1;
            params.network.unit_noise = 0.05;
            ways.push(params.check().expect("the parameters are valid"));
        }
    }
    // and with gradients of condensed batches
    let mut params = small();
    params.network.nonlinearity = Nonlinearity::Linear;
    params.network.unit_noise = 0.05;
    params.train.loss = LossKind::MseScalar;
    let params = params.check().expect("the parameters are valid");
    assert_eq!(params.train.gradients, GradientMethod::Condensed);
    ways.push(params);
    ways
}

#[test]
fn training_4_epochs_and_then_4_more_gives_the_bits_of_8() {
    for params in every_way_to_train() {
        let mut whole = Trainer::new(&params).expect("the clusters fit");
        train(&mut whole, 8);
        let mut first = Trainer::new(&params).expect("the clusters fit");
        train(&mut first, 4);
        let mut second = Trainer::resume(&params, first.state()).expect("the state can be resumed");
        train(&mut second, 4);
        assert_eq!(
            second.state(),
            whole.state(),
            "{:?} {:?} {:?}",
            params.network.kind,
            params.train.optimizer,
            params.train.scheduler
        );
    }
}

#[test]
fn what_is_kept_does_not_change_training() {
    let params = small().check().expect("valid");
    let mut watched = Trainer::new(&params).expect("the clusters fit");
    let kept = train(&mut watched, 2);
    let mut alone = Trainer::new(&params).expect("the clusters fit");
    for _ in 0..2 {
        alone.train_epoch(&BTreeSet::new(), &mut |_, _| panic!("nothing was requested")).expect("converges");
    }
    assert_eq!(alone.state(), watched.state());
    let names: Vec<&str> = kept.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["0_1", "0_2", "0_3", "1_4", "1_5", "1_6", "1_7", "2_8"]);
    assert_eq!(kept.last().expect("eight").1, alone.trained_weights());
}

#[test]
fn runs_that_differ_in_the_learning_rate_have_the_same_initial_weights_and_samples() {
    let mut other = small();
    other.train.learning_rate = 0.1;
    let (params, other) = (small().check().expect("valid"), other.check().expect("valid"));
    let (a, b) = (Trainer::new(&params).expect("fits"), Trainer::new(&other).expect("fits"));
    assert_eq!(a.weights(), b.weights());
    assert_eq!(a.task().trials(Ask::Training(3)), b.task().trials(Ask::Training(3)));
    assert_ne!(a.task().trials(Ask::Training(3)), a.task().trials(Ask::Training(4)));
    assert_ne!(a.task().trials(Ask::Training(3)).inputs, a.task().trials(Ask::Validation(3)).inputs);
}

#[test]
fn frozen_samples_are_the_same_every_epoch() {
    let mut params = small();
    params.task.frozen = true;
    let trainer = Trainer::new(&params.check().expect("valid")).expect("fits");
    assert_eq!(trainer.task().trials(Ask::Training(0)), trainer.task().trials(Ask::Training(7)));
}

#[test]
fn the_task_can_be_learnt_by_every_network() {
    for (kind, gain, dt) in [
        (NetworkKind::Vanilla, 20.0, 0.01),
        (NetworkKind::Feedforward, 20.0, 0.01),
        (NetworkKind::Leaky, 1.0, 0.3),
        (NetworkKind::Rate, 1.0, 0.3),
        (NetworkKind::Gru, 1.0, 1.0),
        (NetworkKind::Lstm, 1.0, 1.0),
    ] {
        let mut params = small();
        params.network.kind = kind;
        (params.network.gain, params.network.dt) = (Some(gain), dt);
        params.network.units = 40;
        params.task.input_dim = 20;
        params.task.train_samples = 400;
        let mut trainer = Trainer::new(&params.check().expect("valid")).expect("fits");
        train(&mut trainer, 6);
        let last = trainer.history().last().expect("six epochs");
        assert!(last.validation_accuracy > Some(0.9), "{kind:?}: {last:?}");
    }
}

#[test]
fn only_what_should_be_trained_changes() {
    for (train_input, train_readout, biases) in
        [(false, false, false), (true, false, true), (false, true, false)]
    {
        let mut params = small();
        (params.network.train_input, params.network.train_readout, params.network.biases) =
            (train_input, train_readout, biases);
        let params = params.check().expect("valid");
        let before = Network::initial(&params).expect("drawn").weights().clone();
        let mut trainer = Trainer::new(&params).expect("fits");
        train(&mut trainer, 1);
        let after = trainer.weights();
        assert_eq!(before.input != after.input, train_input);
        assert_eq!(before.readout != after.readout, train_readout);
        assert_eq!(before.biases != after.biases, biases);
        assert_eq!(before.readout_bias != after.readout_bias, biases);
        assert_ne!(before.recurrent, after.recurrent);
    }
}

#[test]
fn the_zero_loss_changes_nothing() {
    let mut params = small();
    params.train.loss = LossKind::Zero;
    let mut trainer = Trainer::new(&params.check().expect("valid")).expect("fits");
    let before = trainer.weights();
    train(&mut trainer, 2);
    assert_eq!(trainer.weights(), before);
}

#[test]
fn divergence_is_reported_with_epoch_update_and_largest_weight() {
    let mut params = small();
    params.network.nonlinearity = Nonlinearity::Linear;
    params.train.optimizer = OptimizerKind::Sgd;
    params.train.loss = LossKind::Mse;
    params.train.learning_rate = 1e6;
    let mut trainer = Trainer::new(&params.check().expect("valid")).expect("fits");
    let error = (0..5)
        .find_map(|_| trainer.train_epoch(&BTreeSet::new(), &mut |_, _| {}).err())
        .expect("a rate of a million diverges");
    let message = error.to_string();
    assert!(
        message.starts_with("diverged in epoch 1, update ") && message.contains("largest weight"),
        "{message}"
    );
    assert_eq!(error.hint().as_deref(), Some("lower `train.learning_rate` (now 1000000)"));
}

#[test]
fn dropout_and_unit_noise_act_in_training_only() {
    let mut params = small();
    params.network.dropout = 0.5;
    params.network.unit_noise = 1.0;
    let noisy = Network::initial(&params.check().expect("valid")).expect("drawn");
    let plain = Network::initial(&small().check().expect("valid")).expect("drawn");
    let samples = Trainer::new(&small().check().expect("valid"))
        .expect("fits")
        .task()
        .trials(Ask::Analysis { count: 10 });
    assert_eq!(
        noisy.states(&samples.inputs, 4).expect("4 steps"),
        plain.states(&samples.inputs, 4).expect("4 steps")
    );
}

#[test]
fn states_at_some_timesteps_are_those_among_all_for_any_number_of_trials() {
    for kind in [NetworkKind::Vanilla, NetworkKind::Leaky, NetworkKind::Feedforward, NetworkKind::Lstm] {
        let mut params = small();
        params.network.kind = kind;
        let params = params.check().expect("valid");
        let network = Network::initial(&params).expect("drawn");
        let task = task::of(&params).expect("fits");
        for trials in [1, 64, 150] {
            let inputs = task.trials(Ask::Analysis { count: trials }).inputs;
            let all = network.states(&inputs, 4).expect("4 steps"); // (trials, time, units)
            let some = network.states_at(&inputs, &[3, 0]).expect("4 steps");
            for (states, timestep) in some.iter().zip([3, 0]) {
                assert_eq!(states, all.index_axis(Axis(1), timestep), "{kind:?}, {trials} trials");
            }
        }
        assert!(
            network
                .states_at(&task.trials(Ask::Analysis { count: 5 }).inputs, &[])
                .expect("nothing")
                .is_empty()
        );
        let past_the_trial = network.states_at(&task.trials(Ask::Analysis { count: 5 }).inputs, &[4]);
        assert_eq!(past_the_trial.is_err(), kind == NetworkKind::Feedforward, "{kind:?}");
    }
}

#[test]
fn weights_drawn_as_in_pytorch_are_uniform_and_do_not_depend_on_the_gain() {
    for kind in
        [NetworkKind::Vanilla, NetworkKind::Leaky, NetworkKind::Gru, NetworkKind::Lstm, NetworkKind::Rate]
    {
        let mut params = small();
        (params.network.kind, params.network.units) = (kind, 100);
        params.network.init = concertina_model::params::InitialWeights::Pytorch;
        let plain = params.clone().check().expect("valid");
        params.network.gain = Some(3.0);
        params.network.readout_scale = 0.5;
        let params = params.check().expect("valid");
        assert_eq!(params.canonical(), plain.canonical(), "{kind:?}");
        let network = Network::initial(&params).expect("drawn");
        for (name, array) in network.weights().tensors() {
            let (largest, sum) = array
                .iter()
                .fold((0.0_f32, 0.0), |(largest, sum), value| (largest.max(value.abs()), sum + value));
            assert!(largest <= 0.1 && largest > 0.03, "{kind:?} {name}: {largest}");
            let spread = 0.1 / (3.0 * array.len() as f32).sqrt();
            assert!((sum / array.len() as f32).abs() < 5.0 * spread, "{kind:?} {name}: {sum}");
        }
    }
}

#[test]
fn masks_and_labels_that_do_not_fit_the_trials_are_refused() {
    let params = small().check().expect("valid");
    let trials = task::of(&params).expect("fits").trials(Ask::Analysis { count: 5 });
    let network = Network::initial(&params).expect("drawn");
    let refused = |trials: &task::Trials| network.evaluate(trials).expect_err("refused").to_string();
    let too_long = task::Trials { mask: task::Mask::Last(5), ..trials.clone() };
    assert_eq!(refused(&too_long), "`mask`: expected shape [4], found [5]");
    let too_few = task::Trials { targets: task::Targets::Class(vec![0, 1]), ..trials.clone() };
    assert_eq!(refused(&too_few), "`targets`: expected shape [5], found [2]");
    let elsewhere = task::Mask::At(ndarray::Array2::from_elem((5, 3), true));
    assert_eq!(
        refused(&task::Trials { mask: elsewhere, ..trials }),
        "`mask`: expected shape [5, 4], found [5, 3]"
    );
}
