//! Finite-time growth rates, compared with reference numbers at their stated tolerances.

mod common;

use common::golden::{autonomous, cube, driven, matrix};
use concertina_analysis::FiniteTime;
use concertina_analysis::finite_time::{FiniteTimeRates, Method, finite_time};
use concertina_testing::compare::assert_close;
use concertina_testing::golden::{Fixture, analyses};
use ndarray::{Array1, Array2, Array3, ArrayView2, Axis, s, stack};

const TOLERANCE: f64 = 1e-9;
const MAP: f64 = 1e-13;

fn known(what: &str, found: &FiniteTimeRates) -> Array2<f64> {
    assert!(found.converged.iter().all(|converged| *converged), "{what}");
    found.rates.mapv(|rate| rate.unwrap_or_else(|| panic!("{what}: {found:?}")))
}

/// The Jacobians of each trial, along the stored states.
fn jacobians(fixture: &Fixture, net: &str) -> Vec<Array3<f64>> {
    let of = |name: &str| format!("{net}.{name}");
    if !fixture.has(&of("trajectory")) {
        let system = autonomous(fixture, net);
        let matrix = system.jacobian(Array1::zeros(system.dimension()).view()).expect("a state");
        let steps = cube(fixture, &of("rates")).dim().1;
        return vec![stack(Axis(0), &vec![matrix.view(); steps]).expect("equal shapes")];
    }
    let driven = driven(fixture, net);
    let (inputs, states) = (cube(fixture, &of("inputs")), cube(fixture, &of("trajectory")));
    let trials = inputs.outer_iter().zip(states.outer_iter());
    trials
        .map(|(inputs, states)| {
            let start = states.row(0);
            assert!(start.iter().all(|entry| *entry == 0.0), "{net}: the state before the first step");
            let size = states.iter().fold(1.0, |size: f64, entry| size.max(entry.abs()));
            let own = driven.trajectory(start, inputs).expect("shapes agree");
            assert_close(net, own.view(), states, 10.0 * MAP * size);
            driven.jacobians(states, inputs).expect("shapes agree")
        })
        .collect()
}

fn compare(what: &str, found: ArrayView2<f64>, expected: ArrayView2<f64>) {
    assert_close(what, found, expected, TOLERANCE);
}

fn network(fixture: &Fixture, net: &str) {
    let of = |name: &str| format!("{net}.{name}");
    let expected = cube(fixture, &of("rates")); // (trials, timesteps, exponents)
    let count = expected.dim().2;
    let trials = jacobians(fixture, net);
    for (jacobians, expected) in trials.iter().zip(expected.outer_iter()) {
        let found = finite_time(jacobians.view(), count, Method::SingularValues).expect("it applies");
        compare(net, known(net, &found).view(), expected);
    }
    if fixture.has(&of("rates_from_1")) {
        let expected = cube(fixture, &of("rates_from_1"));
        for (jacobians, expected) in trials.iter().zip(expected.outer_iter()) {
            let later = jacobians.slice(s![1.., .., ..]);
            let found = finite_time(later, count, Method::SingularValues).expect("it applies");
            compare(net, known(net, &found).view(), expected);
        }
    }
    if fixture.has(&of("qr")) {
        let expected = cube(fixture, &of("qr"));
        for (jacobians, expected) in trials.iter().zip(expected.outer_iter()) {
            let found = finite_time(jacobians.view(), count, Method::Qr).expect("it applies");
            compare(net, known(net, &found).view(), expected);
        }
    }
    if !fixture.has(&of("inputs")) {
        return;
    }
    // along own trajectories, all trials together
    let (driven, inputs) = (driven(fixture, net), cube(fixture, &of("inputs")));
    for from in [0, 1] {
        let settings = FiniteTime { exponents: Some(count), from, ..FiniteTime::default() };
        let found = settings.along(&driven, inputs.view()).expect("it applies");
        let name = of(if from == 0 { "rates" } else { "rates_from_1" });
        if !fixture.has(&name) {
            continue;
        }
        for (found, expected) in found.iter().zip(cube(fixture, &name).outer_iter()) {
            compare(net, known(net, found).view(), expected);
        }
        if from == 0 && fixture.has(&of("mean")) {
            let all: Vec<Array2<f64>> = found.iter().map(|one| known(net, one)).collect();
            let views: Vec<_> = all.iter().map(|one| one.view()).collect();
            let all = stack(Axis(0), &views).expect("equal shapes");
            let (mean, sd) = (all.mean_axis(Axis(0)).expect("trials"), all.std_axis(Axis(0), 1.0));
            compare(net, mean.view(), matrix(fixture, &of("mean")).view());
            compare(net, sd.view(), matrix(fixture, &of("sd")).view());
        }
    }
}

#[test]
fn golden_analyses_finite_time_rates_are_those_of_eighty_digits() {
    let Some(fixture) = analyses::open("finite_time", &["*"]) else { return };
    fixture.cases(".rates").iter().for_each(|net| network(&fixture, net));
    fixture.finish();
}
