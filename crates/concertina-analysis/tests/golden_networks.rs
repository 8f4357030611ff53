//! Lyapunov exponents of gated, leaky, rate and vanilla networks, compared with reference numbers at their
//! stated tolerances.

use std::sync::Arc;

use concertina_analysis::lyapunov::{Autonomous, Orbits, Rule};
use concertina_model::network::{Gru, Lstm, Rate};
use concertina_model::params::Nonlinearity;
use concertina_testing::compare::{assert_close, assert_number};
use concertina_testing::golden::{Fixture, networks};
use ndarray::{Array1, Array2, ArrayView2, Ix1, Ix2, s};

const TIMES: [usize; 5] = [1, 2, 5, 50, 200];
const TOLERANCE: f64 = 1e-9;
/// The sensitivity is how far a single displacement of 1e-15 moves the exponents. Rounding displaces an orbit
/// in every timestep.
const ROUNDINGS: f64 = 10.0;

fn matrix(fixture: &Fixture, name: &str) -> Array2<f64> {
    fixture.f64(name).into_dimensionality::<Ix2>().expect("a matrix")
}

fn vector(fixture: &Fixture, name: &str) -> Array1<f64> {
    fixture.f64(name).into_dimensionality::<Ix1>().expect("a vector")
}

fn system(fixture: &Fixture, name: &str) -> Autonomous {
    let (weights, bias) = (matrix(fixture, &format!("{name}.W")), vector(fixture, &format!("{name}.b")));
    assert_eq!(matrix(fixture, &format!("{name}.U")).ncols(), bias.len());
    let system = match name {
        "gru" => Autonomous::with_dynamics(Arc::new(Gru), weights, bias, vector(fixture, "gru.d")),
        "lstm" => Autonomous::with_dynamics(Arc::new(Lstm), weights, bias, vector(fixture, "lstm.d")),
        "rate" => {
            let rate = Rate::new(Nonlinearity::Tanh, fixture.scalar("rate.alpha"));
            Autonomous::with_dynamics(Arc::new(rate), weights, bias, Array1::zeros(0))
        }
        "leaky" => {
            let dt = fixture.scalar("leaky.dt");
            Autonomous::new(weights, bias, Nonlinearity::Tanh, Rule::Euler { dt, kept: 1.0 - dt })
        }
        _ => Autonomous::new(weights, bias, Nonlinearity::Tanh, Rule::Map),
    };
    system.expect("the fixture has sound weights")
}

/// Exponents after each of these times, along a computed orbit or a given one.
fn exponents(
    system: &Autonomous,
    count: usize,
    start: ArrayView2<f64>,
    known: Option<ArrayView2<f64>>,
    times: &[usize],
) -> Vec<Array1<f64>> {
    let frame = Array2::eye(system.dimension());
    let mut orbits = Orbits::new(system, start, frame.slice(s![..count, ..])).expect("shapes agree");
    let mut totals = Array1::zeros(count);
    let mut found = Vec::new();
    for time in 1..=*times.last().expect("at least one time") {
        if let Some(known) = known {
            orbits.move_to(known.slice(s![time - 1..time, ..])).expect("shapes agree");
        }
        totals += &orbits.step().index_axis(ndarray::Axis(0), 0);
        if times.contains(&time) {
            found.push(&totals / time as f64);
        }
    }
    found
}

#[test]
fn golden_networks_lyapunov_exponents_come_from_exact_jacobians() {
    let Some(fixture) = networks::open("lyapunov", &["*"]) else { return };
    for name in fixture.cases(".trajectory").iter().map(String::as_str) {
        let system = system(&fixture, name);
        let trajectory = matrix(&fixture, &format!("{name}.trajectory"));
        let start = trajectory.slice(s![..1, ..]);
        let expected = TIMES.map(|time| vector(&fixture, &format!("{name}.T{time}")));
        let own = exponents(&system, expected[0].len(), start, None, &TIMES);
        let along = exponents(&system, expected[0].len(), start, Some(trajectory.view()), &TIMES);
        for (((time, expected), own), along) in TIMES.iter().zip(&expected).zip(own).zip(along) {
            let sensitivity = match *time {
                50 | 200 => fixture.scalar(&format!("{name}.T{time}_sensitivity")),
                _ => 0.0,
            };
            let what = format!("{name} after {time} timesteps");
            assert_close(&what, along.view(), expected.view(), TOLERANCE);
            assert_close(&what, own.view(), expected.view(), TOLERANCE.max(ROUNDINGS * sensitivity));
        }
        let all = exponents(&system, system.dimension(), start, Some(trajectory.view()), &[50]).remove(0);
        let volume = fixture.scalar(&format!("{name}.mean_log2_abs_det_T50"));
        assert_number(&format!("{name}: sum of all exponents"), all.sum(), volume, TOLERANCE);
    }
    fixture.finish();
}
