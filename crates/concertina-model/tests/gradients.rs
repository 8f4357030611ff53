//! Gradients: those of the reference are compared with central differences, and those of the fast path with
//! the reference.

mod common;

use common::{arrays, narrowed, views_mut, widened};
use concertina_model::network::{Equations, Network};
use concertina_model::optimizer::{Optimizer, Sgd};
use concertina_model::params::{
    GradientMethod, InitialState, LossKind, NetworkKind, Nonlinearity, Params, ValidParams,
};
use concertina_model::reference::Parameters;
use concertina_model::task::{self, Ask, Trials};
use concertina_model::trainer::Updater;
use ndarray::s;

const KINDS: [NetworkKind; 6] = [
    NetworkKind::Vanilla,
    NetworkKind::Leaky,
    NetworkKind::Feedforward,
    NetworkKind::Gru,
    NetworkKind::Lstm,
    NetworkKind::Rate,
];
/// Those that are linear in their inputs if φ is.
const LINEAR_KINDS: [NetworkKind; 4] =
    [NetworkKind::Vanilla, NetworkKind::Leaky, NetworkKind::Feedforward, NetworkKind::Rate];
const NONLINEARITIES: [Nonlinearity; 5] = [
    Nonlinearity::Tanh,
    Nonlinearity::Relu,
    Nonlinearity::Linear,
    Nonlinearity::Softplus,
    Nonlinearity::Sigmoid,
];
const LOSSES: [LossKind; 4] = [LossKind::CrossEntropy, LossKind::Mse, LossKind::MseScalar, LossKind::Zero];

/// Every network × nonlinearity × loss, and, where the network allows it, also with a held input and several
/// evaluated steps.
fn every_case() -> Vec<ValidParams> {
    let mut cases = from_zero();
    cases.extend(with_initial_states());
    cases
}

/// Cases with a trained initial state: every recurrent network.
fn with_initial_states() -> Vec<ValidParams> {
    let is_recurrent = |params: &ValidParams| params.network.kind != NetworkKind::Feedforward;
    let with_state = |params: ValidParams| {
        let mut params = params.into_params();
        params.train.gradients = GradientMethod::Automatic;
        params.network.initial_state = InitialState::Trained;
        params.check().expect("the case is valid")
    };
    from_zero().into_iter().filter(is_recurrent).map(with_state).collect()
}

/// Cases whose trials start from zero.
fn from_zero() -> Vec<ValidParams> {
    let mut cases = Vec::new();
    for kind in KINDS {
        for nonlinearity in NONLINEARITIES {
            for loss in LOSSES {
                for (hold, evaluate) in [(1, 1), (2, 3)] {
                    if kind == NetworkKind::Feedforward && hold > 1 {
                        continue;
                    }
                    let mut params = Params::default();
                    params.task.input_dim = 5;
                    params.task.clusters = 7;
                    params.task.delay = 5;
                    params.task.hold = hold;
                    params.task.evaluate = evaluate;
                    params.network.kind = kind;
                    params.network.units = 13;
                    params.network.nonlinearity = nonlinearity;
                    params.train.loss = loss;
                    // large enough that a wrong term shows, small enough that the states of a linear network
                    // stay small
                    (params.network.gain, params.network.dt) = match kind {
                        NetworkKind::Leaky | NetworkKind::Rate => (Some(1.5), 0.3),
                        NetworkKind::Gru | NetworkKind::Lstm => (Some(1.5), 0.01),
                        NetworkKind::Vanilla | NetworkKind::Feedforward => (Some(30.0), 0.02),
                    };
                    cases.push(params.check().expect("the case is valid"));
                }
            }
        }
    }
    cases
}

fn stimuli(trials: &Trials) -> ndarray::ArrayView2<'_, f32> {
    trials.inputs.stimuli().expect("the clusters' stimuli are held")
}

fn labels(trials: &Trials) -> std::borrow::Cow<'_, [u32]> {
    trials.labels().expect("the clusters have classes")
}

/// The weights of a realisation, with biases that are not zero, and a batch.
fn weights_and_batch(params: &ValidParams) -> (Parameters, Trials) {
    let network = Network::initial(params).expect("initial weights can be drawn");
    let mut parameters = widened(network.weights());
    for (index, bias) in parameters.biases.iter_mut().enumerate() {
        bias.iter_mut()
            .enumerate()
            .for_each(|(unit, value)| *value = 0.1 * ((3 * unit + index) as f64).sin());
    }
    for (place, value) in parameters.initial_state.iter_mut().flatten().enumerate() {
        *value = 0.4 * (1.3 * place as f64 + 0.2).sin();
    }
    parameters
        .readout_bias
        .iter_mut()
        .enumerate()
        .for_each(|(output, value)| *value = 0.05 * (output as f64 + 1.0));
    // rounded to f32, so that both precisions start from the same numbers
    let parameters = widened(&narrowed(&parameters));
    (parameters, task::of(params).expect("the clusters fit").trials(Ask::Analysis { count: 6 }))
}

/// The error of central differences falls with the square of the step until rounding dominates, so its slope
/// on log axes is 2.
///
/// The derivative is taken along a direction that changes every weight, so that it involves every term of the
/// gradient.
#[test]
fn reference_gradients_agree_with_central_differences_to_second_order() {
    for params in every_case() {
        let equations = Equations::new(&params);
        let (parameters, samples) = weights_and_batch(&params);
        let (inputs, labels) = (stimuli(&samples).mapv(f64::from), labels(&samples));
        let (loss, gradient) = equations.loss_and_gradient(&parameters, inputs.view(), &labels);
        let again = equations.loss(&parameters, inputs.view(), &labels);
        assert!((loss - again).abs() <= 4.0 * f64::EPSILON * loss, "{loss} and {again}");

        let mut direction = parameters.zeros_like();
        let mut position = 0.0_f64;
        for mut array in views_mut(&mut direction) {
            array.iter_mut().for_each(|value| {
                position += 1.0;
                *value = (1.7 * position).sin();
            });
        }
        let mut flat_gradient = gradient.clone();
        let along: f64 = views_mut(&mut flat_gradient)
            .iter()
            .zip(views_mut(&mut direction))
            .map(|(gradient, direction)| {
                gradient.iter().zip(direction.iter()).map(|(g, d)| g * d).sum::<f64>()
            })
            .sum();
        let loss_at = |step: f64| {
            let mut moved = parameters.clone();
            for (mut array, direction) in
                views_mut(&mut moved).into_iter().zip(views_mut(&mut direction.clone()))
            {
                array.scaled_add(step, &direction);
            }
            equations.loss(&moved, inputs.view(), &labels)
        };
        let error = |step: f64| ((loss_at(step) - loss_at(-step)) / (2.0 * step) - along).abs();

        let case = format!("{:?} {:?} {:?}", equations.kind, equations.nonlinearity, equations);
        let scale = along.abs().max(1e-3);
        assert!(error(1e-5) < 1e-5 * scale, "{case}: {} of {along}", error(1e-5));
        // relu is piecewise linear: a difference across a kink has no order, and elsewhere the error is only
        // rounding
        let (coarse, fine) = (error(4e-4), error(1e-4));
        let rounding = 1e-11 * scale.max(loss.abs()) / 1e-4;
        if equations.nonlinearity != Nonlinearity::Relu && fine > 30.0 * rounding {
            let slope = (coarse / fine).ln() / 4.0_f64.ln();
            assert!((slope - 2.0).abs() < 0.1, "{case}: slope {slope}, errors {coarse:e} and {fine:e}");
        }
    }
}

/// Checks that the test above really measures orders: most smooth cases are not exact.
#[test]
fn the_tanh_cases_have_an_error_whose_order_can_be_measured() {
    let seen = every_case().iter().filter(|params| params.network.nonlinearity == Nonlinearity::Tanh).count();
    assert!(seen >= 16, "{seen} cases");
}

#[test]
fn the_fast_path_has_the_gradient_of_the_reference() {
    for params in every_case() {
        has_the_gradient_of_the_reference(&params, GradientMethod::Backpropagation);
    }
}

/// The derivatives of gated networks are multiplied in windows of 256 rows, which are 42 timesteps here.
/// Neither the stimulus nor the evaluated timesteps fill whole windows.
#[test]
fn gated_networks_with_several_windows_have_the_gradient_of_the_reference() {
    for kind in [NetworkKind::Gru, NetworkKind::Lstm] {
        let mut params = Params::default();
        (params.task.input_dim, params.task.clusters) = (5, 7);
        (params.task.delay, params.task.hold, params.task.evaluate) = (120, 50, 60);
        params.network.kind = kind;
        (params.network.units, params.network.gain) = (13, Some(1.5));
        for initial_state in [InitialState::Zero, InitialState::Trained] {
            params.network.initial_state = initial_state;
            let params = params.clone().check().expect("valid");
            has_the_gradient_of_the_reference(&params, GradientMethod::Backpropagation);
        }
    }
}

#[test]
fn condensed_batches_have_the_gradient_of_the_reference() {
    let linear = |params: &ValidParams| params.network.nonlinearity == Nonlinearity::Linear;
    let cases: Vec<ValidParams> = from_zero().into_iter().filter(linear).collect();
    // two kinds of trial for every network except the feedforward one
    assert_eq!(cases.len(), (2 * LINEAR_KINDS.len() - 1) * LOSSES.len());
    for params in cases {
        has_the_gradient_of_the_reference(&params, GradientMethod::Condensed);
    }
}

fn has_the_gradient_of_the_reference(params: &ValidParams, method: GradientMethod) {
    let equations = Equations::new(params);
    let (parameters, samples) = weights_and_batch(params);
    let (inputs, labels) = (stimuli(&samples).mapv(f64::from), labels(&samples));
    let (loss, gradient) = equations.loss_and_gradient(&parameters, inputs.view(), &labels);

    let still = Optimizer::Sgd(Sgd::default());
    let weights = narrowed(&parameters).into();
    let mut updater = Updater::new(equations, still, method, |_| true, &weights, samples.len());
    let record = updater.update(stimuli(&samples), &labels, 0.0).expect("shapes agree");
    let case = format!("{method}, {equations:?}");
    assert!((record.loss - loss).abs() <= 1e-5 * loss.max(1.0), "{case}: loss {} for {loss}", record.loss);
    let size = |array: &ndarray::ArrayD<f64>| array.iter().fold(0.0_f64, |size, value| size.max(value.abs()));
    let expected = arrays(&gradient);
    // Sums of a few dozen f32 terms (an epsilon is 1.2e-7), some of which cancel, so the tolerance is
    // relative to the largest entry of all.
    let tolerance = 1e-5 * expected.iter().map(|(_, array)| size(array)).fold(0.0, f64::max);
    for ((name, found), (_, expected)) in arrays(&widened(&updater.gradient())).iter().zip(&expected) {
        let worst = size(&(found - expected));
        assert!(worst <= tolerance, "{case}, {name}: off by {worst:e}, tolerance {tolerance:e}");
    }

    let evaluation = updater.evaluate(&samples).expect("shapes agree");
    assert!((evaluation.loss - loss).abs() <= 1e-5 * loss.max(1.0), "{case}: {evaluation:?} for {loss}");
    assert_eq!(evaluation.accuracy, Some(equations.accuracy(&parameters, inputs.view(), &labels)), "{case}");
}

/// The noise on the units is the same, batch after batch, even in batches that are not full.
#[test]
fn condensed_batches_have_the_same_noise_as_backpropagation() {
    for kind in LINEAR_KINDS {
        for loss in [LossKind::CrossEntropy, LossKind::MseScalar] {
            for (hold, evaluate) in [(1, 1), (2, 3)] {
                if kind == NetworkKind::Feedforward && hold > 1 {
                    continue;
                }
                let mut params = Params::default();
                params.task.input_dim = 5;
                params.task.clusters = 7;
                params.task.delay = 5;
                (params.task.hold, params.task.evaluate) = (hold, evaluate);
                params.network.kind = kind;
                params.network.units = 70; // more than a block of random numbers
                params.network.nonlinearity = Nonlinearity::Linear;
                params.network.unit_noise = 0.3;
                (params.network.gain, params.network.dt) = match kind {
                    NetworkKind::Leaky | NetworkKind::Rate => (Some(1.5), 0.3),
                    NetworkKind::Gru | NetworkKind::Lstm => (Some(1.5), 0.01),
                    NetworkKind::Vanilla | NetworkKind::Feedforward => (Some(30.0), 0.02),
                };
                params.train.loss = loss;
                params.train.batch = 9;
                let mut condensed = params.clone();
                condensed.train.gradients = GradientMethod::Condensed;
                params.train.gradients = GradientMethod::Backpropagation;
                let (params, condensed) = (params.check().expect("valid"), condensed.check().expect("valid"));
                agree(&params, &condensed, &[0..9, 9..13, 13..22]);
            }
        }
    }
}

/// Sums over the parts of a batch equal the sum over the whole batch, including everything random.
#[test]
fn split_batches_have_the_gradient_of_whole_ones() {
    for kind in LINEAR_KINDS {
        let mut params = Params::default();
        params.task.input_dim = 5;
        params.task.delay = 5;
        params.network.kind = kind;
        params.network.units = 70;
        (params.network.unit_noise, params.network.dropout) = (0.3, 0.2);
        if kind != NetworkKind::Feedforward {
            (params.network.initial_state, params.network.initial_noise) = (InitialState::Trained, 0.4);
        }
        params.network.train_input = true;
        (params.network.gain, params.network.dt) = match kind {
            NetworkKind::Leaky | NetworkKind::Rate => (Some(1.5), 0.3),
            NetworkKind::Gru | NetworkKind::Lstm => (Some(1.5), 0.01),
            NetworkKind::Vanilla | NetworkKind::Feedforward => (Some(30.0), 0.02),
        };
        params.train.batch = 100;
        let mut whole = params.clone();
        whole.train.gradients = GradientMethod::Backpropagation;
        let (split, whole) = (params.check().expect("valid"), whole.check().expect("valid"));
        assert_eq!(split.train.gradients, GradientMethod::Split, "which is the automatic choice");
        agree(&whole, &split, &[0..100, 100..149, 149..160]);
    }
}

fn agree(params: &ValidParams, other: &ValidParams, batches: &[std::ops::Range<usize>]) {
    let weights = narrowed(&weights_and_batch(params).0).into();
    let samples = task::of(params).expect("the clusters fit").trials(Ask::Training(0));
    let mut general = Updater::from_params(params, &weights);
    let mut other = Updater::from_params(other, &weights);
    for batch in batches {
        let inputs = stimuli(&samples).slice_move(ndarray::s![batch.clone(), ..]);
        let labels = &labels(&samples)[batch.clone()];
        // the learning rate is so small that the two networks stay practically the same
        let expected = general.update(inputs, labels, 1e-9).expect("shapes agree");
        let found = other.update(inputs, labels, 1e-9).expect("shapes agree");
        let case = format!("{params:?} {batch:?}");
        assert!((found.loss - expected.loss).abs() <= 1e-5 * expected.loss.max(1.0), "{case}: {found:?}");
        assert_eq!(found.correct, expected.correct, "{case}");
        let (expected, found) = (widened(&general.gradient()), widened(&other.gradient()));
        let (expected, found) = (arrays(&expected), arrays(&found));
        let largest = expected.iter().flat_map(|(_, array)| array).fold(0.0_f64, |size, v| size.max(v.abs()));
        for ((name, found), (_, expected)) in found.iter().zip(&expected) {
            let worst = (found - expected).iter().fold(0.0_f64, |size, v| size.max(v.abs()));
            assert!(worst <= 1e-5 * largest, "{case}, {name}: off by {worst:e}, largest {largest:e}");
        }
    }
}

#[test]
fn the_fast_path_has_the_states_of_the_reference_even_past_the_end_of_the_trial() {
    for params in every_case() {
        let (parameters, samples) = weights_and_batch(&params);
        let network = Network::new(&params, narrowed(&parameters)).expect("weights are finite");
        let beyond = if params.network.kind == NetworkKind::Feedforward { 0 } else { 4 };
        let equations = Equations { steps: network.trial_steps() + beyond, ..Equations::new(&params) };
        let expected = equations.states(&parameters, stimuli(&samples).mapv(f64::from).view());
        let found = network.states(&samples.inputs, equations.steps).expect("the steps exist");
        for (step, expected) in expected.iter().enumerate() {
            let units = found.dim().2;
            for ((trial, unit), value) in expected.slice(s![.., ..units]).indexed_iter() {
                let difference = (f64::from(found[[trial, step, unit]]) - value).abs();
                assert!(difference < 1e-5 * value.abs().max(1.0), "{equations:?}: step {step}, unit {unit}");
            }
        }
    }
}
