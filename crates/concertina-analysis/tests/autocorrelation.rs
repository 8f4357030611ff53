//! The autocorrelation in cases where it is known, and transformations that must never change it.

mod common;

use std::f64::consts::TAU;

use concertina_analysis::{Analysis, Autocorrelation, Timesteps};
use concertina_model::network::Weights;
use concertina_model::params::{NetworkKind, Nonlinearity};
use concertina_numerics::linalg::{orthogonal_factor, product};
use concertina_numerics::random::{Purpose, Stream};
use concertina_table::Table;
use ndarray::{Array2, arr2, s};

const NUMBERS: Purpose = Purpose::new("test numbers");

/// The analysis of a linear vanilla network with these weights.
fn of_linear(change: impl FnOnce(&mut Weights)) -> Table {
    let mut params = common::small();
    params.network.nonlinearity = Nonlinearity::Linear;
    let run = common::Run::untrained(params).with_weights(change);
    Autocorrelation { samples: 30, ..Autocorrelation::default() }.run(&run.subject()).expect("it applies")
}

fn column(table: &Table, name: &str) -> Vec<Option<f64>> {
    table.floats(name).expect("there")
}

/// Rotations by an angle in each plane of two units.
fn rotation(units: usize, angle: f64) -> Array2<f64> {
    let mut weights = Array2::zeros((units, units));
    for plane in (0..units).step_by(2) {
        let turned = arr2(&[[angle.cos(), angle.sin()], [-angle.sin(), angle.cos()]]);
        weights.slice_mut(s![plane..plane + 2, plane..plane + 2]).assign(&turned);
    }
    weights
}

#[test]
fn a_network_that_rotates_its_state_has_the_cosine_of_the_angle_whatever_it_scales_by() {
    let angle = TAU / 7.0;
    for scale in [1.0, 0.1, 10.0] {
        let table = of_linear(|weights| {
            weights.recurrent[0] = rotation(16, angle).mapv(|weight| (scale * weight) as f32);
        });
        let (means, deviations) = (column(&table, "autocorrelation"), column(&table, "autocorrelation_sd"));
        assert_eq!((means[0], deviations[0]), (None, None), "the input lies in another space");
        for (step, (mean, deviation)) in means[1..].iter().zip(&deviations[1..]).enumerate() {
            let (mean, deviation) = (mean.expect("defined"), deviation.expect("defined"));
            assert!((mean - (angle * step as f64).cos()).abs() < 1e-6, "{scale}, {step}: {mean}");
            assert!(deviation < 1e-6, "{scale}, {step}: {deviation}");
        }
    }
}

#[test]
fn the_first_state_resembles_itself_entirely_and_its_opposite_not_at_all() {
    let table = of_linear(|weights| {
        weights.recurrent[0] = Array2::from_diag_elem(16, -0.5);
    });
    assert_eq!(
        column(&table, "autocorrelation")[1..],
        [1.0, -1.0, 1.0, -1.0, 1.0].map(Some),
        "powers of -1/2 are exact"
    );
    assert_eq!(column(&table, "samples"), [0.0, 30.0, 30.0, 30.0, 30.0, 30.0].map(Some));
}

#[test]
fn it_is_invariant_under_rotations_of_state_space() {
    let mut stream = Stream::new(5, NUMBERS, 0);
    let mut gaussian = || Array2::from_shape_simple_fn((16, 16), || stream.normal());
    let (weights, turn) = (gaussian() / 4.0, orthogonal_factor(gaussian().view()).expect("finite"));
    let single = |weights: &Array2<f64>| weights.mapv(|weight| weight as f32);
    let before = of_linear(|network| network.recurrent[0] = single(&weights));
    let after = of_linear(|network| {
        // h → h Q turns U into U Q and W into Qᵀ W Q.
        network.input = single(&product(network.input.mapv(f64::from).view(), turn.view()));
        network.recurrent[0] = single(&product(product(turn.t(), weights.view()).view(), turn.view()));
    });
    for (before, after) in column(&before, "autocorrelation").iter().zip(column(&after, "autocorrelation")) {
        match (before, after) {
            (Some(before), Some(after)) => assert!((before - after).abs() < 1e-5, "{before} {after}"),
            (before, after) => assert_eq!(*before, after),
        }
    }
}

#[test]
fn samples_whose_state_is_zero_are_left_out_and_counted() {
    let mut params = common::small();
    params.network.nonlinearity = Nonlinearity::Relu;
    let run = common::Run::untrained(params).with_weights(|weights| {
        weights.input.slice_mut(s![.., 1..]).fill(0.0); // one unit receives the input, of either sign
        weights.recurrent[0].fill(0.0);
        weights.recurrent[0][[0, 1]] = 1.0; // another unit receives its output
    });
    let inputs = run.samples(30).shown;
    let states = run.checkpoints[0].1.states(&inputs, 1).expect("shapes agree");
    let alive = states.iter().filter(|state| **state > 0.0).count() as f64;
    assert!((2.0..29.0).contains(&alive), "{alive} of 30");
    let analysis =
        Autocorrelation { samples: 30, timesteps: Timesteps::these([0, 1, 2]), extend_to: None, state: None };
    let table = analysis.run(&run.subject()).expect("it applies");
    assert_eq!(column(&table, "autocorrelation"), [Some(1.0), Some(0.0), None]);
    assert_eq!(column(&table, "autocorrelation_sd"), [Some(0.0), Some(0.0), None]);
    assert_eq!(column(&table, "samples"), [alive, alive, 0.0].map(Some));
}

#[test]
fn states_at_the_end_of_single_precision_have_no_angle() {
    // A rotation that contracts by 7e-12 per step. After four steps a state is a few times the smallest
    // number.
    let angle = TAU / 7.0;
    let table = of_linear(|weights| {
        weights.recurrent[0] = rotation(16, angle).mapv(|weight| (7e-12 * weight) as f32);
    });
    let means = column(&table, "autocorrelation");
    for (step, mean) in means[1..5].iter().enumerate() {
        assert!((mean.expect("defined") - (angle * step as f64).cos()).abs() < 1e-4, "{step}: {mean:?}");
    }
    assert_eq!((means[5], column(&table, "samples")[5]), (None, Some(0.0)));
}

#[test]
fn a_late_timestep_is_the_same_alone_as_among_all_and_one_sample_has_no_deviation() {
    for kind in [NetworkKind::Vanilla, NetworkKind::Leaky, NetworkKind::Feedforward] {
        let mut params = common::small();
        params.network.kind = kind;
        let run = common::Run::untrained(params);
        let of = |samples, timesteps| {
            let analysis = Autocorrelation { samples, timesteps, extend_to: None, state: None };
            analysis.run(&run.subject()).expect("it applies")
        };
        let (all, last) = (of(20, Timesteps::All), of(20, Timesteps::Last));
        assert_eq!(column(&last, "autocorrelation"), [column(&all, "autocorrelation")[5]], "{kind:?}");
        let one = of(1, Timesteps::Last);
        assert!(column(&one, "autocorrelation")[0].is_some());
        assert_eq!(column(&one, "autocorrelation_sd"), [None]);
    }
}
