//! The state before the first timestep: the noise on it, and where it is seen.

use std::collections::BTreeSet;

use concertina_model::network::{Network, Variable, Weights};
use concertina_model::params::{InitialState, NetworkKind, Params, ValidParams};
use concertina_model::task::{self, Ask, Inputs, Trials};
use concertina_model::trainer::Trainer;
use ndarray::{Array1, Axis, s};

const KINDS: [NetworkKind; 5] =
    [NetworkKind::Vanilla, NetworkKind::Leaky, NetworkKind::Rate, NetworkKind::Gru, NetworkKind::Lstm];

fn with(kind: NetworkKind, initial_state: InitialState, noise: f64) -> ValidParams {
    let mut params = Params::default();
    params.network.kind = kind;
    (params.network.units, params.task.input_dim, params.task.clusters) = (13, 5, 7);
    (params.task.delay, params.task.train_samples, params.task.val_samples) = (6, 33, Some(20));
    (params.network.gain, params.network.dt) = (Some(1.5), if kind.is_gated() { 0.01 } else { 0.3 });
    (params.network.initial_state, params.network.initial_noise) = (initial_state, noise);
    params.check().expect("valid")
}

fn trials(params: &ValidParams, count: usize) -> Trials {
    task::of(params).expect("the clusters fit").trials(Ask::Analysis { count })
}

/// The network with this state before the first timestep.
fn from_state(params: &ValidParams, state: Array1<f32>) -> Network {
    let weights = Network::initial(params).expect("drawn").weights().clone();
    Network::new(params, Weights { initial_state: Some(state), ..weights }).expect("finite")
}

/// With noise, each trial starts from a state of its own, and is then that of a network with this state.
#[test]
fn a_trial_with_noise_is_that_of_a_network_that_starts_where_it_starts() {
    for kind in KINDS {
        let noisy = with(kind, InitialState::Zero, 0.5);
        let network = Network::initial(&noisy).expect("drawn");
        let plain = with(kind, InitialState::Trained, 0.0);
        let samples = trials(&noisy, 70); // more than pass through the network at once
        let (starts, states) = (network.starts(70), network.states(&samples.inputs, 8).expect("8 steps"));
        assert_eq!(starts.ncols(), if kind == NetworkKind::Lstm { 26 } else { 13 });
        for trial in [0, 3, 69] {
            let alone = from_state(&plain, starts.row(trial).to_owned());
            let expected = alone.states(&samples.inputs, 8).expect("8 steps");
            assert_eq!(states.index_axis(Axis(0), trial), expected.index_axis(Axis(0), trial), "{kind}");
        }
        let spread =
            starts.iter().map(|number| f64::from(number * number)).sum::<f64>() / starts.len() as f64;
        assert!((spread.sqrt() - 0.5).abs() < 0.05, "{kind}: {spread}");
        assert_ne!(starts.row(0), starts.row(1), "{kind}");
    }
}

/// The evaluation and the states of a trial do not depend on the trials that are shown with it.
#[test]
fn the_noise_of_a_trial_does_not_depend_on_how_many_there_are() {
    for kind in KINDS {
        let params = with(kind, InitialState::Zero, 0.5);
        let network = Network::initial(&params).expect("drawn");
        let samples = trials(&params, 70);
        let stimuli = samples.inputs.stimuli().expect("held").slice(s![..5, ..]).to_owned();
        let few = network.states(&Inputs::Held { stimuli, hold: 1 }, 6).expect("6 steps");
        let all = network.states(&samples.inputs, 6).expect("6 steps");
        assert_eq!(few, all.slice(s![..5, .., ..]), "{kind}");
        assert_eq!(network.starts(5), network.starts(70).slice(s![..5, ..]), "{kind}");
        let twice = [network.evaluate(&samples).expect("fits"), network.evaluate(&samples).expect("fits")];
        assert_eq!(twice[0], twice[1], "{kind}");
        // the trainer validates with the same noise as an evaluation of the same weights
        let mut trainer = Trainer::new(&params).expect("fits");
        let record = trainer.train_epoch(&BTreeSet::new(), &mut |_, _| {}).expect("it does not diverge");
        let validation = trainer.task().trials(Ask::Validation(0));
        let trained = Network::new(&params, trainer.weights()).expect("finite");
        let found = trained.evaluate(&validation).expect("fits");
        assert_eq!(record.validation_loss, found.loss, "{kind}");
    }
}

/// The noise in training differs from update to update, and from that of evaluations.
#[test]
fn training_draws_new_noise_for_every_update() {
    let still = |noise: f64| {
        let mut params = with(NetworkKind::Vanilla, InitialState::Zero, noise).into_params();
        (params.train.learning_rate, params.train.batch) = (0.0, 33);
        (params.task.train_samples, params.task.frozen) = (33, true);
        let mut trainer = Trainer::new(&params.check().expect("valid")).expect("fits");
        let mut epoch = || trainer.train_epoch(&BTreeSet::new(), &mut |_, _| {}).expect("nothing changes");
        [epoch(), epoch()]
    };
    let [first, second] = still(0.0);
    assert_eq!((first.training_loss, first.validation_loss), (second.training_loss, second.validation_loss));
    let [first, second] = still(0.5);
    assert_ne!(first.training_loss, second.training_loss);
    assert_eq!(first.validation_loss, second.validation_loss);
}

#[test]
fn a_trained_initial_state_is_learnt_kept_and_read_back() {
    for kind in KINDS {
        let params = with(kind, InitialState::Trained, 0.1);
        let before = Network::initial(&params).expect("drawn").weights().initial_state.clone();
        assert!(before.expect("it is one of the weights").iter().all(|number| *number == 0.0), "{kind}");
        let mut trainer = Trainer::new(&params).expect("fits");
        trainer.train_epoch(&BTreeSet::new(), &mut |_, _| {}).expect("it does not diverge");
        let weights = trainer.weights();
        let state = weights.initial_state.clone().expect("it is one of the weights");
        assert!(state.iter().all(|number| *number != 0.0), "{kind}: {state}");
        let tensors = weights.tensors();
        let find =
            |name: &str| tensors.iter().find(|(known, _)| known == name).map(|(_, array)| array.clone());
        assert_eq!(Weights::from_tensors(&params, find).expect("complete"), weights, "{kind}");
        let lacking = Weights::from_tensors(&params, |name| find(name).filter(|_| name != "initial_state"));
        assert!(lacking.expect_err("refused").to_string().contains("initial_state"), "{kind}");

        let resumed = Trainer::resume(&params, trainer.state()).expect("it resumes");
        assert_eq!(resumed.state(), trainer.state(), "{kind}");
    }
}

/// `c_0` is where the cell of an LSTM starts.
#[test]
fn the_cell_of_an_lstm_starts_from_the_second_half() {
    let params = with(NetworkKind::Lstm, InitialState::Trained, 0.0);
    let samples = trials(&params, 3);
    let cells = |c: f32| {
        let mut state = Array1::zeros(26);
        state.slice_mut(s![13..]).fill(c);
        let network = from_state(&params, state);
        network.variable(Variable::Cell, &samples.inputs, 1).expect("it has cells")
    };
    // c_1 = f c_0 + i g, and neither the gates nor g depend on c_0
    let gate = &(cells(1.0) - &cells(0.0));
    assert!(gate.iter().all(|forget| *forget > 0.0 && *forget < 1.0));
    let off = cells(-2.0) - &cells(0.0) + 2.0 * gate;
    assert!(off.iter().all(|difference| difference.abs() < 1e-6));
}
