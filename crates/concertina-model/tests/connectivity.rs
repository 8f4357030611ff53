//! Restricted recurrent weights: their gradients, and what training keeps.

mod common;

use std::collections::BTreeSet;

use common::{narrowed, widened};
use concertina_model::Update;
use concertina_model::network::{Connectivity, Equations, Network, TrainedWeights, Weights, initial};
use concertina_model::optimizer::{Optimizer, Sgd};
use concertina_model::params::{GradientMethod, LossKind, NetworkKind, Nonlinearity, Params, ValidParams};
use concertina_model::reference::Parameters;
use concertina_model::task::{self, Ask, Trials};
use concertina_model::trainer::{Trainer, Updater};
use concertina_numerics::linalg::{spectral_radius, svd};
use ndarray::Array2;

const LOSSES: [LossKind; 4] = [LossKind::CrossEntropy, LossKind::Mse, LossKind::MseScalar, LossKind::Zero];

/// Every kind of network but feedforward, and whether it is gated.
fn kinds() -> impl Iterator<Item = (NetworkKind, bool)> {
    let recurrent =
        [NetworkKind::Vanilla, NetworkKind::Leaky, NetworkKind::Rate, NetworkKind::Gru, NetworkKind::Lstm];
    recurrent.into_iter().map(|kind| {
        let mut params = Params::default();
        params.network.kind = kind;
        let gated = Equations::new(&params.check().expect("valid")).dynamics().currents() > 1;
        (kind, gated)
    })
}

/// The restrictions, as parameters; those of gated networks first.
const RESTRICTIONS: [&str; 10] = [
    "rank=1",
    "rank=3",
    "rank=2 random_part=true",
    "density=0.3",
    "train_recurrent=false",
    "rank=2 initial_state=trained initial_noise=0.2",
    "excitatory=0.8",
    "excitatory=0.6 excitatory_readout=true",
    "excitatory=0.7 density=0.5",
    "excitatory=0.7 initial_state=trained",
];

fn restrictions(gated: bool) -> &'static [&'static str] {
    if gated { &RESTRICTIONS[..6] } else { &RESTRICTIONS }
}

/// Small parameters with these changes.
fn small(kind: NetworkKind, changes: &str) -> Params {
    let mut params = Params::default();
    params.network.kind = kind;
    (params.network.units, params.task.input_dim, params.task.clusters) = (13, 5, 7);
    (params.task.delay, params.task.hold, params.task.evaluate) = (5, 2, 3);
    (params.task.train_samples, params.task.val_samples) = (33, Some(20));
    if !kind.is_gated() {
        params.network.dt = 0.3;
    }
    params.network.gain = Some(1.5);
    for change in changes.split_whitespace() {
        let (name, value) = change.split_once('=').expect("name=value");
        params.set(name, value).expect("in range");
    }
    params
}

fn valid(kind: NetworkKind, changes: &str) -> ValidParams {
    small(kind, changes).check().unwrap_or_else(|error| panic!("{kind:?} {changes}: {error}"))
}

/// Every network × restriction.
fn every_case() -> Vec<ValidParams> {
    kinds()
        .flat_map(|(kind, gated)| restrictions(gated).iter().map(move |changes| valid(kind, changes)))
        .collect()
}

/// Weights before training, with biases that are not zero. Under Dale's law, some magnitudes are zero, and the
/// sign of others is negative, which does not matter.
fn weights_of(params: &ValidParams) -> TrainedWeights {
    let drawn = TrainedWeights::draw(params).expect("they can be drawn");
    let mut arrays = drawn.arrays().clone();
    for bias in arrays.biases.iter_mut().chain([&mut arrays.readout_bias]) {
        bias.iter_mut().enumerate().for_each(|(unit, value)| *value = 0.1 * (3.0 * unit as f32).sin());
    }
    for (place, value) in arrays.initial_state.iter_mut().flatten().enumerate() {
        *value = 0.4 * (1.3 * place as f32 + 0.2).sin();
    }
    if params.network.excitatory.is_some() {
        for (place, value) in arrays.recurrent[0].iter_mut().enumerate() {
            *value *= [1.0, -1.0, 1.0, 0.0, 1.0][place % 5];
        }
    }
    TrainedWeights::new(drawn.connectivity().clone(), arrays)
}

fn trials(params: &ValidParams, count: usize) -> Trials {
    task::of(params).expect("the clusters fit").trials(Ask::Analysis { count })
}

fn doubled(trials: &Trials) -> (ndarray::Array2<f64>, Vec<u32>) {
    let stimuli = trials.inputs.stimuli().expect("held").mapv(f64::from);
    (stimuli, trials.labels().expect("classes").into_owned())
}

/// The parts in f64, and the network that they make.
fn in_double(weights: &TrainedWeights) -> (Vec<Array2<f64>>, Parameters) {
    let mut parameters = widened(weights.arrays());
    let parts = std::mem::take(&mut parameters.recurrent);
    parameters.recurrent = weights.connectivity().weights(&parts);
    (parts, parameters)
}

#[test]
fn derivatives_by_the_parts_agree_with_central_differences_for_every_loss() {
    for params in every_case() {
        for loss in LOSSES {
            let mut params = params.clone().into_params();
            params.train.loss = loss;
            let params = params.check().expect("valid");
            let equations = Equations::new(&params);
            let weights = weights_of(&params);
            let (connectivity, (parts, parameters)) = (weights.connectivity(), in_double(&weights));
            let (inputs, labels) = doubled(&trials(&params, 6));
            let (_, by) = equations.loss_and_gradient(&parameters, inputs.view(), &labels);
            let by_parts = connectivity.pull_back(&parts, &by.recurrent);
            for (index, part) in connectivity.parts().iter().enumerate() {
                let trained = connectivity.trained_entries(&part.name);
                let loss_at = |at: (usize, usize), step: f64| {
                    let mut moved = parts.clone();
                    moved[index][at] += step;
                    let recurrent = connectivity.weights(&moved);
                    let parameters = Parameters { recurrent, ..parameters.clone() };
                    equations.loss(&parameters, inputs.view(), &labels)
                };
                for (at, derivative) in by_parts[index].indexed_iter() {
                    if !part.trained || trained.as_ref().is_some_and(|trained| !trained[at]) {
                        assert_eq!(*derivative, 0.0, "{params:?} {}", part.name);
                        continue;
                    }
                    let slope = (loss_at(at, 1e-5) - loss_at(at, -1e-5)) / 2e-5;
                    let off = (slope - derivative).abs();
                    assert!(off < 1e-8, "{params:?} {} {at:?}: {slope} for {derivative}", part.name);
                }
            }
        }
    }
}

/// The gradient of the fast path is that of the reference, whichever way it is computed.
fn has_the_gradient_of_the_reference(params: &ValidParams, method: GradientMethod, count: usize) {
    let equations = Equations::new(params);
    let weights = weights_of(params);
    let (connectivity, (parts, parameters)) = (weights.connectivity(), in_double(&weights));
    let samples = trials(params, count);
    let (inputs, labels) = doubled(&samples);
    let (loss, mut by) = equations.loss_and_gradient(&parameters, inputs.view(), &labels);
    by.recurrent = connectivity.pull_back(&parts, &by.recurrent);
    if let Some(trained) = connectivity.trained_entries(Weights::READOUT) {
        by.readout.indexed_iter_mut().for_each(|((unit, _), value)| {
            *value = if trained[[unit, 0]] { *value } else { 0.0 };
        });
    }
    let expected = narrowed(&by);
    let sgd = Optimizer::Sgd(Sgd::default());
    let mut updater = Updater::new(equations, sgd, method, |_| true, &weights, count);
    let record = updater.update(samples.inputs.stimuli().expect("held"), &labels, 0.0).expect("shapes agree");
    let case = format!("{method}, {params:?}");
    assert!((record.loss - loss).abs() <= 1e-5 * loss.max(1.0), "{case}: {} for {loss}", record.loss);
    let largest = expected
        .tensors()
        .iter()
        .flat_map(|(_, array)| array.iter().map(|value| value.abs()).collect::<Vec<_>>())
        .fold(0.0, f32::max);
    for ((name, found), (_, expected)) in updater.gradient().tensors().iter().zip(expected.tensors()) {
        for (found, expected) in found.iter().zip(&expected) {
            assert!((found - expected).abs() <= 1e-5 * largest, "{case}, {name}: {found} for {expected}");
        }
    }
    let evaluation = updater.evaluate(&samples).expect("shapes agree");
    assert!((evaluation.loss - loss).abs() <= 1e-5 * loss.max(1.0), "{case}: {evaluation:?} for {loss}");
}

#[test]
fn the_fast_path_has_the_gradient_of_the_reference_for_every_connectivity() {
    for params in every_case() {
        has_the_gradient_of_the_reference(&params, GradientMethod::Backpropagation, 6);
        has_the_gradient_of_the_reference(&params, GradientMethod::Split, 101);
    }
}

/// Gradients of gated networks are collected in several windows of timesteps.
#[test]
fn a_gated_network_of_low_rank_has_the_gradient_of_the_reference_over_several_windows() {
    for (kind, _) in kinds().filter(|(_, gated)| *gated) {
        for changes in ["rank=2", "rank=2 random_part=true"] {
            let changes = format!("{changes} delay=120 hold=50 evaluate=60");
            let params = valid(kind, &changes);
            has_the_gradient_of_the_reference(&params, GradientMethod::Backpropagation, 6);
        }
    }
}

#[test]
fn condensed_batches_have_the_gradient_of_the_reference_unless_weights_are_of_low_rank_or_trials_start_elsewhere()
 {
    for (kind, gated) in kinds().filter(|(_, gated)| !gated) {
        for changes in restrictions(gated) {
            let mut params = small(kind, changes);
            params.network.nonlinearity = Nonlinearity::Linear;
            params.train.gradients = GradientMethod::Condensed;
            match params.clone().check() {
                Ok(params) => {
                    assert_eq!((params.network.rank, changes.contains("initial")), (None, false));
                    has_the_gradient_of_the_reference(&params, GradientMethod::Condensed, 6);
                }
                Err(error) => {
                    assert!(changes.starts_with("rank") || changes.contains("initial"), "{changes}: {error}");
                    params.train.gradients = GradientMethod::Automatic;
                    let chosen = params.check().expect("valid").train.gradients;
                    assert_eq!(chosen, GradientMethod::Backpropagation);
                }
            }
        }
    }
}

/// Trains with noise, decay and momentum, and passes the weights after each update.
fn after_every_update(params: &ValidParams, mut check: impl FnMut(&TrainedWeights)) {
    let mut params = params.clone().into_params();
    (params.train.momentum, params.train.weight_decay, params.train.learning_rate) = (0.5, 0.1, 0.01);
    params.train.gradient_noise = 0.1;
    params.train.gradient_noise_on = concertina_model::params::GradientNoiseTarget::All;
    params.train.gradient_noise_scaled = true;
    let mut trainer = Trainer::new(&params.check().expect("valid")).expect("fits");
    let every: BTreeSet<Update> = (0..1000).map(Update).collect();
    let mut seen = 0;
    for _ in 0..3 {
        trainer
            .train_epoch(&every, &mut |_, weights| {
                check(&weights);
                seen += 1;
            })
            .expect("it does not diverge");
    }
    assert_eq!(seen, 12);
}

#[test]
fn signs_masks_ranks_and_frozen_parts_hold_after_every_update() {
    for params in every_case() {
        let before = TrainedWeights::draw(&params).expect("drawn");
        let start = before.effective();
        let network = &params.network;
        let (units, case) = (network.units, format!("{params:?}"));
        let connectivity = before.connectivity();
        after_every_update(&params, |weights| {
            let (arrays, now) = (weights.arrays(), weights.effective());
            for (index, part) in connectivity.parts().iter().enumerate() {
                let (was, is) = (&before.arrays().recurrent[index], &arrays.recurrent[index]);
                assert_eq!(was == is, !part.trained || !network.train_recurrent, "{case}: {}", part.name);
                let Some(trained) = connectivity.trained_entries(&part.name) else { continue };
                for (at, trained) in trained.indexed_iter().filter(|(_, trained)| !**trained) {
                    assert_eq!((was[at], *trained), (is[at], false), "{case}: {} {at:?}", part.name);
                }
            }
            if !network.train_recurrent {
                assert_eq!(
                    (&start.input, &start.recurrent, &start.biases),
                    (&now.input, &now.recurrent, &now.biases)
                );
                assert_ne!(start.readout, now.readout, "{case}");
            }
            if let Some(excitatory) = params.excitatory_units() {
                for ((from, to), weight) in now.recurrent[0].indexed_iter() {
                    let right = if from < excitatory { *weight >= 0.0 } else { *weight <= 0.0 };
                    assert!(right && (from != to || *weight == 0.0), "{case}: {from} to {to}: {weight}");
                }
                if network.excitatory_readout {
                    let read: Vec<bool> =
                        now.readout.rows().into_iter().map(|row| row.iter().any(|one| *one != 0.0)).collect();
                    assert_eq!(read, (0..units).map(|unit| unit < excitatory).collect::<Vec<_>>(), "{case}");
                }
            }
            if let Some(rank) = network.rank {
                let random = arrays.recurrent.get(2);
                let trained = match random {
                    Some(random) => &now.recurrent[0] - random,
                    None => now.recurrent[0].clone(),
                };
                for block in trained.axis_chunks_iter(ndarray::Axis(1), units) {
                    let values = svd(block.mapv(f64::from).view()).expect("finite").singular_values;
                    let largest_of_all =
                        f64::from(now.recurrent[0].iter().fold(0.0_f32, |a, b| a.max(b.abs())));
                    assert!(values[rank] < 1e-5 * largest_of_all.max(values[0]), "{case}: {values:?}");
                    assert!(values[rank - 1] > 1e-3 * values[0], "{case}: {values:?}");
                }
            }
        });
    }
}

#[test]
fn training_2_epochs_and_then_2_more_gives_the_bits_of_4_for_every_connectivity() {
    for params in every_case() {
        for changes in ["", "optimizer=adam weight_decay=0.01 gradient_noise=0.01 gradient_noise_on=all"] {
            let mut params = params.clone().into_params();
            for change in changes.split_whitespace() {
                let (name, value) = change.split_once('=').expect("name=value");
                params.set(name, value).expect("in range");
            }
            let params = params.check().expect("valid");
            let train = |mut trainer: Trainer, epochs: usize| {
                for _ in 0..epochs {
                    trainer.train_epoch(&BTreeSet::new(), &mut |_, _| {}).expect("it does not diverge");
                }
                trainer.state()
            };
            let whole = train(Trainer::new(&params).expect("fits"), 4);
            let half = train(Trainer::new(&params).expect("fits"), 2);
            let resumed = train(Trainer::resume(&params, half).expect("it resumes"), 2);
            assert_eq!(resumed, whole, "{params:?}");
        }
    }
}

#[test]
fn weights_that_were_kept_are_read_back_as_the_same_bits() {
    for params in every_case() {
        let drawn = TrainedWeights::draw(&params).expect("drawn");
        let tensors = drawn.tensors();
        let find =
            |name: &str| tensors.iter().find(|(other, _)| other == name).map(|(_, array)| array.clone());
        let read = TrainedWeights::from_tensors(&params, find).expect("all are there");
        assert_eq!(read, drawn);
        assert_eq!(read.effective(), initial::draw(&params).expect("drawn"));
        assert_eq!(Network::initial(&params).expect("drawn").weights(), &drawn.effective());
        let lost = TrainedWeights::from_tensors(&params, |name| {
            find(name).filter(|_| !name.starts_with("recurrent_"))
        });
        assert!(lost.is_err(), "{params:?}");
    }
}

#[test]
fn drawn_weights_have_the_density_balance_and_radius_that_were_asked_for() {
    let of = |changes: &str| {
        let params = valid(NetworkKind::Leaky, &format!("units=150 {changes}"));
        initial::draw(&params).expect("drawn").recurrent.remove(0).mapv(f64::from)
    };
    let radius = |weights: &Array2<f64>| spectral_radius(weights.view()).expect("finite");
    let sparse = of("density=0.2");
    let share = sparse.iter().filter(|weight| **weight != 0.0).count() as f64 / sparse.len() as f64;
    assert!((share - 0.2).abs() < 0.01 && (radius(&sparse) - 1.5).abs() < 1e-5, "{share}");
    assert_eq!(of("density=1"), of(""));
    let dale = of("excitatory=0.8 gain=2");
    assert!((radius(&dale) - 2.0).abs() < 1e-5);
    assert!(dale.sum_axis(ndarray::Axis(0)).iter().all(|sum| sum.abs() < 1e-5), "each column is balanced");
    // the same connections, whatever is drawn on them
    let exists = |weights: &Array2<f64>| weights.mapv(|weight| weight != 0.0);
    let (mut sparse, both) = (exists(&sparse), exists(&of("excitatory=0.8 density=0.2")));
    sparse.diag_mut().fill(false);
    assert_eq!(sparse, both);
    let vanilla = initial::draw(&valid(NetworkKind::Vanilla, "units=150 density=0.2")).expect("drawn");
    let stays = vanilla.recurrent[0].diag().iter().filter(|weight| **weight == 0.7).count();
    assert!(stays > 100, "the mask does not touch the identity part: {stays}");
    // a unit of each sign has a column without the other sign, which cannot be balanced
    assert!(of("units=2 excitatory=0.5").iter().all(|weight| weight.is_finite()));
    // without inhibition nothing is balanced
    assert!(of("excitatory=1").iter().all(|weight| *weight >= 0.0));
}

#[test]
fn connections_without_a_loop_cannot_be_scaled() {
    let params = valid(NetworkKind::Vanilla, "units=3 density=1e-9");
    let error = initial::draw(&params).expect_err("refused");
    let text = error.to_string();
    assert!(text.contains("`network.density`") && text.contains("loop"), "{text}");
    assert!(error.hint().is_some_and(|hint| hint.contains("raise `network.density`")));
}

/// With all connections and no restriction of the rank, nothing changes.
#[test]
fn a_connectivity_of_its_own_is_used_as_given() {
    let mut mask = Array2::from_elem((13, 13), true);
    mask[[2, 5]] = false;
    let params = valid(NetworkKind::Leaky, "");
    let weights = TrainedWeights::new(Connectivity::sparse(mask), initial::draw(&params).expect("drawn"));
    let optimizer = Optimizer::Sgd(Sgd::default());
    let method = GradientMethod::Automatic;
    let mut updater = Updater::new(Equations::new(&params), optimizer, method, |_| true, &weights, 6);
    let samples = trials(&params, 6);
    let labels = samples.labels().expect("classes").into_owned();
    updater.update(samples.inputs.stimuli().expect("held"), &labels, 0.1).expect("shapes agree");
    let (before, after) = (weights.effective(), updater.weights().effective());
    let same = before.recurrent[0].indexed_iter().filter(|(at, weight)| after.recurrent[0][*at] == **weight);
    assert_eq!(same.map(|(at, _)| at).collect::<Vec<_>>(), [(2, 5)]);
}

#[test]
fn no_unit_has_a_trained_connection_to_itself_under_dales_law() {
    let trained =
        Connectivity::dale(4, 3, true).trained_entries("recurrent_v").expect("some are not trained");
    assert!(trained.indexed_iter().all(|((from, to), is_trained)| *is_trained == (from != to)), "{trained}");
}

#[test]
fn the_two_factors_of_low_rank_are_drawn_independently_with_variance_one() {
    let mut params = small(NetworkKind::Vanilla, "rank=3");
    params.network.units = 200;
    let drawn = TrainedWeights::draw(&params.check().expect("valid")).expect("drawn");
    let [m, l] = &drawn.arrays().recurrent[..] else { panic!("two factors") };
    let mean = |product: Array2<f32>| product.mean().expect("not empty");
    let (squares, together) = ([mean(m * m), mean(l * l)], mean(m * l));
    assert!(squares.iter().all(|square| (square - 1.0).abs() < 0.3), "{squares:?}");
    assert!(together.abs() < 0.2, "{together}");
}
