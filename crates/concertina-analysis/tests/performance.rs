//! `performance`: networks whose choices follow from their weights.

mod common;

use concertina_analysis::{Accuracy, Analysis, Performance};
use concertina_model::network::Weights;
use concertina_model::params::{LossKind, Nonlinearity, Params, TaskKind};
use concertina_table::Table;

use common::Run;

fn params(kind: TaskKind, units: usize) -> Params {
    let mut params = Params::default();
    params.task.kind = kind;
    params.task.coherences = vec![-0.5, -0.1, 0.2, 0.8];
    (params.task.noise, params.task.stimulus, params.task.delay, params.task.response) = (0.3, 12, 3, 2);
    (params.task.timesteps, params.task.frequencies) = (40, 6);
    params.network.units = units;
    (params.network.nonlinearity, params.network.dt) = (Nonlinearity::Linear, 1.0);
    params.network.gain = Some(1.0);
    params
}

/// Performance before training, with weights that are zero but for those that are set.
fn performance(params: Params, samples: usize, set: impl FnOnce(&mut Weights)) -> Table {
    let run = Run::untrained(params).with_weights(|weights| {
        weights.input.fill(0.0);
        weights.recurrent[0].fill(0.0);
        weights.readout.fill(0.0);
        set(weights);
    });
    Performance { samples }.run(&run.subject()).expect("it applies")
}

/// The sum of the input on line 0 for the readout of two classes.
fn integrate(weights: &mut Weights) {
    weights.input[[0, 0]] = 1.0;
    weights.recurrent[0][[0, 0]] = 1.0;
    (weights.readout[[0, 0]], weights.readout[[0, 1]]) = (-1.0, 1.0);
}

#[test]
fn an_integrator_without_noise_is_always_right_and_with_noise_it_has_a_psychometric_curve() {
    let mut exact = params(TaskKind::Integration, 1);
    exact.task.noise = 0.0;
    let table = performance(exact, 40, integrate);
    assert_eq!(table.integers("condition").expect("there"), [0, 1, 2, 3].map(Some));
    assert_eq!(table.integers("trials").expect("there"), [Some(10); 4]);
    assert_eq!(table.floats("coherence").expect("there"), [-0.5, -0.1, 0.2, 0.8].map(Some));
    assert_eq!(table.floats("accuracy").expect("there"), [Some(1.0); 4]);
    assert_eq!(table.floats("chose_positive").expect("there"), [0.0, 0.0, 1.0, 1.0].map(Some));
    for absent in ["attended", "other_coherence", "sample_item", "test_item", "frequency", "mse", "r2"] {
        let column = table.column(absent).expect("there");
        assert!((0..4).all(|row| column.get(row).expect("a row").is_null()), "{absent}");
    }

    // the sum of 12 numbers is normal with mean 12 c and variance 12 · 0.3²; it is held in the delay
    let mut noisy = params(TaskKind::Integration, 1);
    noisy.task.noise = 1.0;
    let samples = 40_000;
    let table = performance(noisy, samples, integrate);
    let found = table.floats("chose_positive").expect("there");
    for (found, coherence) in found.into_iter().zip([-0.5, -0.1, 0.2, 0.8]) {
        let expected = 0.5 * libm::erfc(-coherence * f64::sqrt(12.0 / 2.0));
        let found = found.expect("two classes");
        let spread = f64::sqrt(expected * (1.0 - expected) / (samples as f64 / 4.0));
        assert!((found - expected).abs() < 4.0 * spread + 1e-3, "{coherence}: {found} and {expected}");
    }
}

#[test]
fn an_integrator_of_one_line_is_right_in_one_context_and_at_chance_in_the_other() {
    let mut exact = params(TaskKind::Context, 1);
    exact.task.noise = 0.0;
    exact.task.coherences = vec![-0.4, 0.4];
    let table = performance(exact, 80, integrate);
    assert_eq!(table.integers("trials").expect("there"), [Some(10); 8]);
    assert_eq!(table.integers("attended").expect("there"), [0, 0, 0, 0, 1, 1, 1, 1].map(Some));
    let of = |name: &str| -> Vec<f64> { table.floats(name).expect("there").into_iter().flatten().collect() };
    assert_eq!(of("coherence"), [-0.4, -0.4, 0.4, 0.4, -0.4, 0.4, -0.4, 0.4]);
    assert_eq!(of("other_coherence"), [-0.4, 0.4, -0.4, 0.4, -0.4, -0.4, 0.4, 0.4]);
    assert_eq!(of("chose_positive"), [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0], "line 0 decides");
    assert_eq!(of("accuracy"), [1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 1.0]);
}

#[test]
fn a_network_without_readout_chooses_class_0_and_its_mean_accuracy_is_that_of_chance() {
    for kind in [TaskKind::Integration, TaskKind::Context, TaskKind::Match] {
        let params = params(kind, 3);
        let table = performance(params.clone(), 320, |_| {});
        assert!(table.floats("chose_positive").expect("there").iter().all(|share| *share == Some(0.0)));
        let accuracies = table.floats("accuracy").expect("there");
        let mean = accuracies.iter().flatten().sum::<f64>() / accuracies.len() as f64;
        let chance = if kind == TaskKind::Match { 0.75 } else { 0.5 };
        assert!((mean - chance).abs() < 1e-12, "{kind}: {mean}");
    }
}

#[test]
fn accuracies_of_conditions_average_to_the_accuracy() {
    for kind in [TaskKind::Clusters, TaskKind::Integration, TaskKind::Context, TaskKind::Match] {
        let run = Run::untrained(params(kind, 8));
        let samples = 480;
        let table = Performance { samples }.run(&run.subject()).expect("it applies");
        let of_all = Accuracy { samples }.run(&run.subject()).expect("it applies").floats("accuracy");
        let trials = table.integers("trials").expect("there").into_iter().flatten();
        let accuracies = table.floats("accuracy").expect("there").into_iter().flatten();
        let right: f64 = accuracies.zip(trials).map(|(accuracy, trials)| accuracy * trials as f64).sum();
        let expected = of_all.expect("there")[0].expect("classes");
        assert!((right / samples as f64 - expected).abs() < 1e-12, "{kind}");
    }
}

/// Without a readout, the error is the mean square of the target, and so 1 - R² is its share of the variance.
#[test]
fn real_targets_have_errors_and_explained_variance_whatever_the_loss() {
    for loss in [LossKind::Mse, LossKind::Zero] {
        let mut params = params(TaskKind::Sine, 2);
        params.train.loss = loss;
        let table = performance(params, 60, |_| {});
        for row in 0..6 {
            let frequency = 0.1 + 0.1 * row as f64;
            let target = |step: usize| f64::sin(frequency * step as f64);
            let square = (0..40).map(|step| target(step).powi(2)).sum::<f64>() / 40.0;
            let mean = (0..40).map(target).sum::<f64>() / 40.0;
            let of = |name: &str| table.floats(name).expect("there")[row];
            assert!((of("frequency").expect("a sine") - frequency).abs() < 1e-12);
            assert!((of("mse").expect("real targets") - square).abs() < 1e-6);
            let expected = 1.0 - square / (square - mean * mean);
            assert!((of("r2").expect("they vary") - expected).abs() < 1e-5);
            assert_eq!((of("accuracy"), of("chose_positive")), (None, None));
        }
    }
}
