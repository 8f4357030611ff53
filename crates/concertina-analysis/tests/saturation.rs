//! Saturation in cases where it is known.

mod common;

use concertina_analysis::{Analysis, Saturation, Timestep, Timesteps};
use concertina_model::network::Weights;
use concertina_model::params::{NetworkKind, Nonlinearity};
use concertina_table::Table;
use ndarray::Axis;

/// The analysis of a network with zero input weights, so that every state follows from the bias.
fn without_input(kind: NetworkKind, nonlinearity: Nonlinearity, change: impl FnOnce(&mut Weights)) -> Table {
    let mut params = common::small();
    params.network.kind = kind;
    params.network.nonlinearity = nonlinearity;
    let run = common::Run::untrained(params).with_weights(|weights| {
        weights.input.fill(0.0);
        weights.recurrent.iter_mut().for_each(|weights| weights.fill(0.0));
        change(weights);
    });
    let analysis = Saturation { samples: 20, timesteps: Timesteps::these([0, 3]), extend_to: None };
    analysis.run(&run.subject()).expect("it applies")
}

/// The mean and the standard deviation, at one row.
fn at(table: &Table, row: usize) -> (f64, f64) {
    let value = |column: &str| table.floats(column).expect("there")[row].expect("defined");
    (value("saturation"), value("saturation_sd"))
}

#[test]
fn a_bias_alone_saturates_as_far_as_the_nonlinearity_allows() {
    for (nonlinearity, expected) in
        [(Nonlinearity::Tanh, 2.0_f64.tanh()), (Nonlinearity::Relu, 1.0), (Nonlinearity::Linear, 2.0)]
    {
        for kind in [NetworkKind::Vanilla, NetworkKind::Feedforward] {
            let table = without_input(kind, nonlinearity, |weights| {
                for bias in &mut weights.biases {
                    bias.fill(2.0);
                    bias.slice_mut(ndarray::s![..8]).fill(-2.0); // half of the units
                }
            });
            // Relu: half of the rates are 0 and half 2.
            let spread = if nonlinearity == Nonlinearity::Relu { 1.0 } else { 0.0 };
            for row in 0..2 {
                let (mean, deviation) = at(&table, row);
                assert!((mean - expected).abs() < 1e-6, "{kind:?} {nonlinearity:?}: {mean}");
                assert!((deviation - spread).abs() < 1e-6, "{kind:?} {nonlinearity:?}: {deviation}");
            }
        }
    }
}

#[test]
fn in_a_leaky_network_the_rate_saturates_but_not_the_state() {
    // After n steps towards b = 400 with dt = 0.01, h is 400 (1 - 0.99^n). The rate is its tanh, 1 to all
    // digits.
    let states = |steps: i32| 400.0 * (1.0 - 0.99_f64.powi(steps));
    for (nonlinearity, rate) in [
        (Nonlinearity::Tanh, (|state: f64| state.tanh()) as fn(f64) -> f64),
        (Nonlinearity::Linear, |state| state),
    ] {
        let table = without_input(NetworkKind::Leaky, nonlinearity, |weights| weights.biases[0].fill(400.0));
        for (row, steps) in [(0, 1), (1, 4)] {
            let (mean, deviation) = at(&table, row);
            let expected = rate(states(steps));
            assert!((mean / expected - 1.0).abs() < 1e-6, "{nonlinearity:?} {steps}: {mean} {expected}");
            assert!(deviation < 1e-6 * expected, "{deviation}");
        }
    }
}

#[test]
fn it_is_the_mean_over_samples_and_units_and_null_at_the_input() {
    let run = common::Run::trained(common::small());
    let analysis = Saturation { samples: 30, extend_to: Some(Timestep(6)), ..Saturation::default() };
    let table = analysis.run(&run.subject()).expect("valid");
    let (means, deviations) =
        (table.floats("saturation").expect("there"), table.floats("saturation_sd").expect("there"));
    let inputs = run.samples(30).shown;
    for (place, (_, network)) in run.checkpoints.iter().enumerate() {
        assert_eq!((means[place * 8], deviations[place * 8]), (None, None));
        let states = network.states(&inputs, 7).expect("shapes agree").mapv(|state| f64::from(state.abs()));
        for (timestep, states) in states.axis_iter(Axis(1)).enumerate() {
            let row = place * 8 + timestep + 1;
            let (mean, deviation) = (means[row].expect("defined"), deviations[row].expect("defined"));
            assert!((mean - states.mean().expect("states")).abs() < 1e-14);
            assert!((deviation - states.std(0.0)).abs() < 1e-14);
        }
    }
}
