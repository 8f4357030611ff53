//! Lyapunov exponents, compared with reference numbers (`lyapunov` in the golden fixtures) at their stated
//! tolerances.

use concertina_analysis::lyapunov::{Autonomous, Orbits, Rule};
use concertina_model::params::Nonlinearity;
use concertina_testing::compare::{assert_close, assert_number};
use concertina_testing::golden::Fixture;
use ndarray::{Array1, Array2, ArrayView2, Axis, Ix1, Ix2, s};

const TIMES: [usize; 5] = [1, 2, 5, 50, 1000];
const TOLERANCE: f64 = 1e-9;
/// The number of bits of divergence after which an orbit counts as a different one. Rounding errors of 2^-52
/// have then grown to 2^-12.
const SAME_ORBIT: f64 = 40.0;
/// The sensitivity is how far a single displacement of 1e-15 moves the exponents. Rounding displaces an orbit
/// in every timestep.
const ROUNDINGS: f64 = 10.0;

#[test]
fn golden_lyapunov_exponents_agree_in_both_conventions_and_for_linear_networks() {
    let Some(fixture) = Fixture::open("lyapunov") else { return };
    for case in fixture.cases(".trajectory") {
        tanh_networks(&fixture, &case);
        stored_trajectories(&fixture, &case);
    }
    for case in fixture.cases(".log2_abs_eig") {
        fixed_points(&fixture, &case);
    }
    for case in fixture.cases(".exact") {
        linear_networks(&fixture, &case);
    }
    for case in fixture.cases(".log2_abs_det") {
        determinants(&fixture, &case);
    }
    fixture.finish();
}

fn tanh_networks(fixture: &Fixture, case: &str) {
    let system = dynamics(fixture, case, Nonlinearity::Tanh);
    let start = vector(fixture, &format!("{case}.h0")).insert_axis(Axis(0));
    let known = matrix(fixture, &format!("{case}.trajectory"));
    // Jacobians at the states after a step are Jacobians at the states before the next step.
    let one_later = next(&system, start.view());
    for (convention, start, later) in [("textbook", start, 0), ("original", one_later, 1)] {
        let expected: Vec<_> =
            TIMES.iter().map(|time| vector(fixture, &format!("{case}.{convention}.T{time}"))).collect();
        let along = known.slice(s![later.., ..]);
        let within: Vec<usize> = TIMES.into_iter().filter(|time| *time <= along.nrows()).collect();
        let own = exponents(&system, 10, start.view(), None, &TIMES);
        for ((time, expected), found) in TIMES.into_iter().zip(&expected).zip(own) {
            let name = format!("{case}.{convention}.T{time}_sensitivity");
            let sensitivity = if fixture.has(&name) { fixture.scalar(&name) } else { 0.0 };
            let largest = expected.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            if largest * time as f64 > SAME_ORBIT && within.contains(&time) {
                continue; // chaotic for too long, so our orbit differs: compared along the stored one below
            }
            let tolerance = TOLERANCE.max(ROUNDINGS * sensitivity);
            assert_close(&format!("{case} {convention} T={time}"), found.view(), expected.view(), tolerance);
        }
        let found = exponents(&system, 10, start.view(), Some(along), &within);
        for ((time, expected), found) in within.iter().zip(&expected).zip(found) {
            let what = format!("{case} {convention} T={time}, along the stored trajectory");
            assert_close(&what, found.view(), expected.view(), TOLERANCE);
        }
    }
}

fn stored_trajectories(fixture: &Fixture, case: &str) {
    let system = dynamics(fixture, case, Nonlinearity::Tanh);
    let known = matrix(fixture, &format!("{case}.trajectory"));
    for (before, after) in known.outer_iter().zip(known.outer_iter().skip(1)) {
        let found = next(&system, before.insert_axis(Axis(0)));
        assert_close(case, found.row(0), after, 1e-13); // sums of 200 products of order one
    }
}

fn fixed_points(fixture: &Fixture, case: &str) {
    let system = dynamics(fixture, case, Nonlinearity::Tanh);
    let start = vector(fixture, &format!("{case}.h0")).insert_axis(Axis(0));
    let mut found = exponents(&system, 10, start.view(), None, &[1000]).remove(0).to_vec();
    found.sort_by(|a, b| b.total_cmp(a));
    let eigenvalues = vector(fixture, &format!("{case}.log2_abs_eig"));
    assert_close(case, Array1::from(found).view(), eigenvalues.view(), 0.02); // 1/T, in pairs
}

fn linear_networks(fixture: &Fixture, case: &str) {
    let system = dynamics(fixture, case, Nonlinearity::Linear);
    let start = Array2::zeros((1, system.units()));
    let exact = vector(fixture, &format!("{case}.exact"));
    let times: Vec<usize> =
        TIMES.into_iter().filter(|time| fixture.has(&format!("{case}.T{time}"))).collect();
    for (time, found) in times.iter().zip(exponents(&system, 10, start.view(), None, &times)) {
        let expected = vector(fixture, &format!("{case}.T{time}"));
        assert_close(&format!("{case} T={time}"), found.view(), expected.view(), TOLERANCE);
        // For a general matrix, the exponents converge only as 1/T.
        let off = (&expected - &exact).iter().fold(0.0, |off: f64, entry| off.max(entry.abs()));
        assert_close(&format!("{case} T={time}, exact"), found.view(), exact.view(), off + TOLERANCE);
    }
}

fn determinants(fixture: &Fixture, case: &str) {
    let system = dynamics(fixture, case, Nonlinearity::Linear);
    let start = Array2::zeros((1, system.units()));
    let full = exponents(&system, system.units(), start.view(), None, &[50]).remove(0);
    assert_close("full", full.view(), vector(fixture, &format!("{case}.full_T50")).view(), TOLERANCE);
    assert_number("sum", full.sum(), fixture.scalar(&format!("{case}.log2_abs_det")), TOLERANCE);
}

/// Exponents after each of the times, with the first unit vectors as the frame, along a computed orbit or a
/// given one.
fn exponents(
    system: &Autonomous,
    count: usize,
    start: ArrayView2<f64>,
    known: Option<ArrayView2<f64>>,
    times: &[usize],
) -> Vec<Array1<f64>> {
    let frame = Array2::eye(system.units());
    let mut orbits = Orbits::new(system, start, frame.slice(s![..count, ..])).expect("shapes agree");
    let mut totals = Array1::zeros(count);
    let mut found = Vec::new();
    for time in 1..=*times.last().expect("at least one time") {
        if let Some(known) = known {
            orbits.move_to(known.slice(s![time - 1..time, ..])).expect("shapes agree");
        }
        totals += &orbits.step().index_axis(Axis(0), 0);
        if times.contains(&time) {
            found.push(&totals / time as f64);
        }
    }
    found
}

/// The state one step later.
fn next(system: &Autonomous, state: ArrayView2<f64>) -> Array2<f64> {
    let no_frame = Array2::zeros((0, system.units()));
    let mut orbits = Orbits::new(system, state, no_frame.view()).expect("shapes agree");
    orbits.step();
    orbits.states().to_owned()
}

fn dynamics(fixture: &Fixture, case: &str, nonlinearity: Nonlinearity) -> Autonomous {
    let weights = matrix(fixture, &format!("{case}.W"));
    let bias = match nonlinearity {
        Nonlinearity::Linear => Array1::zeros(weights.nrows()),
        _ => vector(fixture, &format!("{case}.b")),
    };
    Autonomous::new(weights, bias, nonlinearity, Rule::Map).expect("the fixture has sound weights")
}

fn matrix(fixture: &Fixture, name: &str) -> Array2<f64> {
    fixture.f64(name).into_dimensionality::<Ix2>().expect("a matrix")
}

fn vector(fixture: &Fixture, name: &str) -> Array1<f64> {
    fixture.f64(name).into_dimensionality::<Ix1>().expect("a vector")
}
