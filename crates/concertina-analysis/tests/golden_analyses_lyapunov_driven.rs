//! Lyapunov exponents of driven networks, compared with reference numbers at their stated tolerances.

mod common;

use common::golden::{cube, driven, matrix, vector};
use concertina_analysis::lyapunov::{Drive, Driven, Orbits};
use concertina_analysis::{Lyapunov, lyapunov_driven};
use concertina_testing::compare::{assert_close, assert_number};
use concertina_testing::golden::{Fixture, analyses};
use ndarray::{Array1, Array2, Array3, ArrayView2, Axis, s};

const TOLERANCE: f64 = 1e-8;
/// Along an own orbit, 100 times the stored sensitivity is allowed.
const OWN: f64 = 100.0;

/// Exponents after each of these times, along a computed orbit or a given one.
fn exponents(
    driven: &Driven,
    count: usize,
    inputs: ArrayView2<f64>,
    states: ArrayView2<f64>,
    is_known: bool,
    times: &[usize],
) -> Vec<Array1<f64>> {
    let frame: Array2<f64> = Array2::eye(driven.autonomous().dimension());
    let start = states.slice(s![..1, ..]);
    let mut orbits =
        Orbits::new(driven.autonomous(), start, frame.slice(s![..count, ..])).expect("shapes agree");
    let currents = driven.currents(inputs).expect("shapes agree");
    let mut totals = Array1::zeros(count);
    let mut found = Vec::new();
    for (time, currents) in (1..).zip(currents.outer_iter()) {
        if is_known {
            orbits.move_to(states.slice(s![time - 1..time, ..])).expect("shapes agree");
        }
        totals += &orbits.step_with(currents.as_slice().expect("contiguous")).index_axis(Axis(0), 0);
        if times.contains(&time) {
            found.push(&totals / time as f64);
        }
    }
    found
}

fn sorted(values: &Array1<f64>) -> Array1<f64> {
    let mut values = values.to_vec();
    values.sort_by(|a, b| b.total_cmp(a));
    values.into()
}

fn network(fixture: &Fixture, net: &str) {
    let of = |name: &str| format!("{net}.{name}");
    let driven = driven(fixture, net);
    let inputs = cube(fixture, &of("inputs")); // (trials, timesteps, inputs)
    let (trials, steps, dimension) = inputs.dim();
    let all = inputs.to_shape((trials * steps, dimension)).expect("contiguous").into_owned();
    let trajectory = matrix(fixture, &of("trajectory"));
    let start = vector(fixture, &of("h0"));
    let at = |row: usize, state: &Array1<f64>| {
        let before = trajectory.row(row);
        let next = driven.next(before, all.row(row)).expect("shapes agree");
        let size = state.iter().fold(1.0, |size: f64, entry| size.max(entry.abs()));
        assert_close(net, next.view(), state.view(), 1e-13 * size);
    };
    (0..all.nrows()).for_each(|row| at(row, &trajectory.row(row + 1).to_owned()));
    assert_close(net, start.view(), trajectory.row(0), 0.0);

    let names = ["1", "2", "5", "first_trial", "all"];
    let times = [1, 2, 5, steps, trials * steps];
    let sensitivity = if fixture.has(&of("sensitivity")) { fixture.scalar(&of("sensitivity")) } else { 0.0 };
    let known: Vec<(usize, Array1<f64>)> = names
        .iter()
        .zip(times)
        .map(|(name, time)| (of(&format!("exponents_{name}")), time))
        .filter(|(name, _)| fixture.has(name))
        .map(|(name, time)| (time, vector(fixture, &name)))
        .collect();
    let times: Vec<usize> = known.iter().map(|(time, _)| *time).collect();
    let count = known[0].1.len();
    let along = exponents(&driven, count, all.view(), trajectory.view(), true, &times);
    let own = exponents(&driven, count, all.view(), trajectory.view(), false, &times);
    for (((time, expected), along), own) in known.iter().zip(&along).zip(&own) {
        let what = format!("{net} after {time} timesteps");
        assert_close(&what, along.view(), expected.view(), TOLERANCE);
        assert_close(&what, own.view(), expected.view(), TOLERANCE.max(OWN * sensitivity));
    }

    // the function, which sorts them
    let settings = Lyapunov { exponents: Some(count), drive: Some(Drive::Input), ..Lyapunov::default() };
    let starts = start.view().insert_axis(Axis(0));
    let (spectrum, table) = lyapunov_driven(&settings, &driven, starts, inputs.view()).expect("it applies");
    let bits = spectrum.exponents.iter().map(|one| one.bits_per_timestep).collect::<Array1<f64>>();
    let (_, last) = known.last().expect("all trials");
    assert_close(net, bits.view(), sorted(last).view(), TOLERANCE.max(OWN * sensitivity));
    assert_eq!((spectrum.iterations, table.row_count()), (trials * steps, count));

    if fixture.has(&of("full")) {
        let full = vector(fixture, &of("full"));
        let found = exponents(&driven, full.len(), all.view(), trajectory.view(), true, &[all.nrows()]);
        assert_close(net, found[0].view(), full.view(), TOLERANCE);
        let jacobians = driven.jacobians(trajectory.view(), all.view()).expect("shapes agree");
        let volume: f64 = jacobians
            .outer_iter()
            .map(|jacobian| {
                let upper = concertina_numerics::linalg::qr(jacobian).expect("finite").upper;
                upper.diag().iter().map(|entry| entry.abs().log2()).sum::<f64>()
            })
            .sum();
        assert_number(net, found[0].sum(), volume / all.nrows() as f64, 1e-7);
    }
    if fixture.has(&of("autonomous")) {
        let expected = vector(fixture, &of("autonomous"));
        let silence = Array3::zeros(inputs.dim());
        let from = |start: ArrayView2<f64>| {
            let (spectrum, _) =
                lyapunov_driven(&settings, &driven, start, silence.view()).expect("it applies");
            spectrum.exponents.iter().map(|one| one.bits_per_timestep).collect::<Array1<f64>>()
        };
        // the orbit is not stored: its sensitivity is measured as that of the driven one was
        let moved = Array1::from_shape_fn(start.len(), |unit| start[unit] + 1e-15 * (unit as f64).cos());
        let (found, moved) = (from(starts), from(moved.view().insert_axis(Axis(0))));
        let sensitivity = (&moved - &found).iter().fold(0.0, |most: f64, off| most.max(off.abs()));
        let tolerance = TOLERANCE.max(OWN * sensitivity);
        assert_close(net, found.view(), sorted(&expected).view(), tolerance);
    }
}

#[test]
fn golden_analyses_lyapunov_driven_exponents_follow_the_inputs() {
    let Some(fixture) = analyses::open("lyapunov_driven", &["*"]) else { return };
    fixture.cases(".exponents_all").iter().for_each(|net| network(&fixture, net));
    fixture.finish();
}
