//! Lyapunov exponents when tangent vectors are contracted to zero or to less than rounding, in transients and
//! by silent and saturated units.

use concertina_analysis::Lyapunov;
use concertina_analysis::lyapunov::{Autonomous, Orbits, Outcome, Rule, Spectrum, Stopping};
use concertina_model::params::Nonlinearity;
use concertina_numerics::linalg::{eigenvalues, qr};
use concertina_numerics::random::{Purpose, Stream};
use ndarray::{Array1, Array2, ArrayView1, Axis, arr1, arr2};
use proptest::prelude::*;

const NUMBERS: Purpose = Purpose::new("test numbers");
const BOTH: [Stopping; 2] = [Stopping::Converged, Stopping::Paper];
const SILENT: f64 = f64::NEG_INFINITY;

fn relu(weights: Array2<f64>, bias: Array1<f64>) -> Autonomous {
    Autonomous::new(weights, bias, Nonlinearity::Relu, Rule::Map).expect("finite")
}

fn spectrum(system: &Autonomous, exponents: usize, stopping: Stopping) -> Spectrum {
    Lyapunov { exponents: Some(exponents), stopping, ..Lyapunov::default() }
        .spectrum(system, 0)
        .expect("valid")
}

fn bits(spectrum: &Spectrum) -> Vec<f64> {
    spectrum.exponents.iter().map(|exponent| exponent.bits_per_timestep).collect()
}

#[track_caller]
fn assert_exponents(found: &Spectrum, expected: &[f64], tolerance: f64) {
    assert_eq!(found.exponents.len(), expected.len());
    for (index, (found, expected)) in bits(found).iter().zip(expected).enumerate() {
        assert!(found == expected || (found - expected).abs() < tolerance, "{index}: {found} for {expected}");
    }
}

/// Two units that form a tent map of slope ±`slope` from the sum of their inputs, a third unit that switches
/// them on, and a fourth that decays. In the first timestep only the third unit is active, and it contributes
/// no tangent direction.
fn tent_behind_a_silent_step(slope: f64, decay: f64) -> Autonomous {
    let weights = arr2(&[
        [-slope, slope, 0.0, 0.0],
        [-slope, slope, 0.0, 0.0],
        [8.0, 8.0, 0.0, 0.0],
        [0.0, 0.0, 0.0, decay],
    ]);
    relu(weights, arr1(&[-7.0, -9.0, 1.0, 0.1]))
}

#[test]
fn a_silent_step_in_the_transient_does_not_lose_directions_for_good() {
    for (slope, decay) in [(1.3_f64, 0.5_f64), (1.15, 0.25), (1.2, 0.8)] {
        let system = tent_behind_a_silent_step(slope, decay);
        for stopping in BOTH {
            let found = spectrum(&system, 2, stopping);
            // The published rule has no burn-in in which frames could turn.
            let tolerance = if stopping == Stopping::Paper { 0.05 } else { 1e-9 };
            assert_exponents(&found, &[slope.log2(), decay.log2()], tolerance);
            assert!(found.outcome.converged() || stopping == Stopping::Paper);
        }
    }
}

#[test]
fn a_transient_with_few_active_units_does_not_confine_directions_to_their_space() {
    // Two units that form a tent map, one that switches it on from the second timestep on, and one that
    // decays independently. In the first timestep only the last is active, and vectors tangent to it stay
    // tangent to it.
    let system = tent_behind_a_silent_step(1.3, 0.5);
    let found = spectrum(&system, 1, Stopping::Converged);
    assert_exponents(&found, &[1.3_f64.log2()], 1e-9);
    // The same with a decaying unit that is active from the start, so that no vector is lost.
    let weights =
        arr2(&[[-1.3, 1.3, 0.0, 0.0], [-1.3, 1.3, 0.0, 0.0], [8.0, 8.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.5]]);
    let found = spectrum(&relu(weights, arr1(&[-7.0, -9.0, 1.0, 5.0])), 1, Stopping::Converged);
    assert_exponents(&found, &[1.3_f64.log2()], 1e-9);
}

#[test]
fn a_direction_that_is_contracted_by_more_than_the_precision_keeps_its_exponent() {
    for (large, small) in [(2.0_f64, 1e-25_f64), (0.5, 1e-60), (1e-30, 1e30)] {
        let weights = arr2(&[[large, 0.0], [0.0, small]]);
        let system =
            Autonomous::new(weights, arr1(&[0.0, 0.0]), Nonlinearity::Linear, Rule::Map).expect("finite");
        for stopping in BOTH {
            let found = spectrum(&system, 2, stopping);
            let mut expected = [large.log2(), small.log2()];
            expected.sort_by(|a, b| b.total_cmp(a));
            let tolerance = if stopping == Stopping::Paper { 0.05 } else { 1e-9 };
            assert_exponents(&found, &expected, tolerance);
            assert!(found.outcome.converged() || stopping == Stopping::Paper);
        }
    }
    let system = Autonomous::new(
        arr2(&[[2.0, 0.0], [0.0, 1e-25]]),
        arr1(&[0.0, 0.0]),
        Nonlinearity::Linear,
        Rule::Map,
    );
    let dimension = spectrum(&system.expect("finite"), 2, Stopping::Converged).kaplan_yorke_dimension();
    assert!((dimension.expect("known") - 1.012_041).abs() < 1e-6);
}

#[test]
fn a_direction_lost_to_rounding_in_every_timestep_is_a_bound_and_not_a_number() {
    // Both vectors become the first row; the rest of the second is 1e-25 of it.
    let weights = arr2(&[[2.0, 1.0], [0.0, 1e-25]]);
    let system =
        Autonomous::new(weights, arr1(&[0.0, 0.0]), Nonlinearity::Linear, Rule::Map).expect("finite");
    let found = spectrum(&system, 2, Stopping::Converged);
    assert!((found.exponents[0].bits_per_timestep - 1.0).abs() < 1e-9);
    assert_eq!(found.reason(&found.exponents[0]), None);
    let lost = found.exponents[1];
    assert!(lost.is_bound && lost.standard_error.is_none());
    assert!(lost.bits_per_timestep < -40.0 && lost.bits_per_timestep > 1e-25_f64.log2());
    let reason = found.reason(&lost).expect("a bound");
    assert!(
        reason.starts_with("lost to rounding: all that is known is that the exponent is below -5"),
        "{reason}"
    );
    assert_eq!(found.kaplan_yorke_dimension(), None);
    assert_eq!(found.entropy_rate().map(|rate| (rate - 1.0).abs() < 1e-9), Some(true));
}

#[test]
fn starts_some_of_which_fall_silent_have_no_common_exponent() {
    for decay in [0.9, 0.4, 0.05, 1e-6] {
        let system = relu(arr2(&[[decay]]), arr1(&[0.0]));
        for stopping in BOTH {
            let found = spectrum(&system, 1, stopping);
            assert_eq!(bits(&found), [SILENT], "mean over both kinds");
            assert!(!found.outcome.converged(), "{decay} {stopping:?}: {found:?}");
            assert!(found.reason(&found.exponents[0]).is_some());
        }
        let outcome = spectrum(&system, 1, Stopping::Converged).outcome;
        assert_eq!(outcome, Outcome::SeveralAttractors, "{decay}");
    }
}

#[test]
fn a_relu_network_that_decays_does_not_fall_silent_by_underflow() {
    for decay in [0.9_f64, 0.4, 1e-3] {
        // all weights are positive, so any active unit makes both active
        let system = relu(arr2(&[[0.0, decay], [decay, 0.0]]), arr1(&[0.0, 0.0]));
        let start = arr2(&[[0.1, 0.2]]);
        let mut orbits = Orbits::new(&system, start.view(), Array2::eye(2).view()).expect("shapes agree");
        for step in 0..20_000 {
            let stretches = orbits.step();
            assert!(stretches.iter().all(|bits| (bits - decay.log2()).abs() < 1e-9), "{decay}, step {step}");
        }
    }
    // The same alongside a unit that does not decay.
    let weights = arr2(&[[0.4, 0.0], [0.0, 0.5]]);
    let system = relu(weights, arr1(&[0.0, 1.0]));
    let mut orbits =
        Orbits::new(&system, arr2(&[[0.1, 0.2]]).view(), Array2::eye(2).view()).expect("shapes agree");
    for _ in 0..5_000 {
        orbits.step();
    }
    let means = orbits.tallies()[0].means();
    assert!((means[0] - 0.4_f64.log2()).abs() < 1e-9 && (means[1] + 1.0).abs() < 1e-9, "{means:?}");
}

#[test]
fn saturated_units_that_contract_by_more_than_the_precision_keep_their_exponents() {
    let slope = |a: f64| 1.0 / a.cosh().powi(2);
    for bias in [20.0, 50.0, 200.0] {
        // a fixed point with the first unit at that of tanh(2h) and the second at one; the matrix is
        // triangular, so its eigenvalues are known
        let weights = arr2(&[[2.0, 1.0], [0.0, 1.0]]);
        let system =
            Autonomous::new(weights, arr1(&[0.0, bias]), Nonlinearity::Tanh, Rule::Map).expect("finite");
        let h = (0..200).fold(0.5_f64, |h, _| (2.0 * h).tanh());
        let found = spectrum(&system, 2, Stopping::Converged);
        let second = found.exponents[1];
        // starts below and above zero lead to fixed points whose currents of the second unit differ by 2h
        let expected = [1.0, -1.0].map(|sign| slope(1.0 + bias + sign * h).log2());
        assert!((found.exponents[0].bits_per_timestep - (2.0 * slope(2.0 * h)).log2()).abs() < 1e-9);
        assert!(
            second.bits_per_timestep > expected[0] - 1e-6 && second.bits_per_timestep < expected[1] + 1e-6,
            "{second:?} {expected:?}"
        );
        assert!(!second.is_bound && second.standard_error.is_some());
    }
}

#[test]
fn slopes_beyond_the_range_of_numbers_are_a_bound() {
    let system =
        Autonomous::new(arr2(&[[1.0]]), arr1(&[1000.0]), Nonlinearity::Tanh, Rule::Map).expect("finite");
    for stopping in BOTH {
        let found = spectrum(&system, 1, stopping);
        assert!(found.exponents[0].is_bound && found.exponents[0].bits_per_timestep < -900.0, "{found:?}");
        assert!(found.reason(&found.exponents[0]).is_some());
    }
}

#[test]
fn a_state_that_grows_slowly_is_on_no_attractor() {
    for rate in [1.5, 1.1, 1.01, 1.003] {
        let system = relu(arr2(&[[0.0, rate], [rate, 0.0]]), arr1(&[0.1, 0.1]));
        let found = spectrum(&system, 1, Stopping::Converged);
        assert!((found.exponents[0].bits_per_timestep - rate.log2()).abs() < 1e-9);
        assert_eq!(found.outcome, Outcome::Unbounded, "{rate}");
    }
    let line = relu(arr2(&[[1.0]]), arr1(&[0.3])); // one more in every timestep
    assert_eq!(spectrum(&line, 1, Stopping::Converged).outcome, Outcome::Unbounded);
    let drift = Rule::Euler { dt: 0.1, kept: 1.0 };
    let drift = Autonomous::new(arr2(&[[0.0]]), arr1(&[0.3]), Nonlinearity::Tanh, drift).expect("finite");
    assert_eq!(spectrum(&drift, 1, Stopping::Converged).outcome, Outcome::Unbounded);
    for rate in [0.99, 0.999, 0.9] {
        let bounded = relu(arr2(&[[rate]]), arr1(&[0.1]));
        assert_eq!(spectrum(&bounded, 1, Stopping::Converged).outcome, Outcome::Converged, "{rate}");
    }
}

/// One timestep of a relu network: the next state, and where its slopes are one.
fn step(
    weights: &Array2<f64>,
    bias: &Array1<f64>,
    rule: Rule,
    state: &Array1<f64>,
) -> (Array1<f64>, Array1<f64>) {
    match rule {
        Rule::Map => {
            let current = state.dot(weights) + bias;
            (current.mapv(|a| a.max(0.0)), current)
        }
        Rule::Euler { dt, kept } => {
            let current = state.mapv(|h| h.max(0.0)).dot(weights) + bias;
            (state * kept + current * dt, state.clone())
        }
    }
}

/// The units that are active at the fixed point that a relu network reaches from a start, if it reaches one.
fn active_at_the_end(
    weights: &Array2<f64>,
    bias: &Array1<f64>,
    rule: Rule,
    start: ArrayView1<f64>,
) -> Option<Vec<usize>> {
    let mut state = start.to_owned();
    for _ in 0..5_000 {
        if state.iter().any(|h| h.abs() > 1e6) {
            return None;
        }
        state = step(weights, bias, rule, &state).0;
    }
    let (next, bends) = step(weights, bias, rule, &state);
    let settled = (&next - &state).iter().all(|off| off.abs() < 1e-12);
    let clear = bends.iter().all(|current| current.abs() > 1e-6);
    (settled && clear).then(|| (0..bias.len()).filter(|unit| bends[*unit] > 0.0).collect())
}

#[test]
fn relu_fixed_points_have_the_exponents_of_the_units_that_are_active_there() {
    for rule in [Rule::Map, Rule::Euler { dt: 1.0, kept: 0.0 }, Rule::Euler { dt: 0.5, kept: 0.5 }] {
        let (mut compared, mut with_few_at_first) = (0, 0);
        for seed in 0..150 {
            let mut stream = Stream::new(seed, NUMBERS, 0);
            let units = 2 + stream.below(9) as usize;
            let scale = 1.1 / (units as f64).sqrt();
            let weights = Array2::from_shape_simple_fn((units, units), || scale * stream.normal());
            let bias = Array1::from_shape_simple_fn(units, || 0.25 * stream.normal());
            let starts = concertina_analysis::lyapunov::initial_states(0, 10, units);
            let ends: Vec<_> =
                starts.outer_iter().map(|start| active_at_the_end(&weights, &bias, rule, start)).collect();
            let Some(active) = ends[0].clone() else { continue };
            if ends.iter().any(|end| end.as_ref() != Some(&active)) {
                continue; // several attractors
            }
            let first = step(&weights, &bias, rule, &starts.row(0).to_owned()).1;
            with_few_at_first += usize::from(first.iter().filter(|a| **a > 0.0).count() < active.len());
            // The eigenvalues are those of the block of the active units and those of the silent units.
            let kept = if let Rule::Euler { kept, .. } = rule { kept } else { 0.0 };
            let dt = if let Rule::Euler { dt, .. } = rule { dt } else { 1.0 };
            let block = weights.select(Axis(0), &active).select(Axis(1), &active) * dt
                + Array2::<f64>::eye(active.len()) * kept;
            let moduli = eigenvalues(block.view()).expect("it converges");
            let mut expected: Vec<f64> = moduli.iter().map(|value| value.norm().log2()).collect();
            expected.resize(units, kept.log2());
            expected.sort_by(|a, b| b.total_cmp(a));
            let system = Autonomous::new(weights, bias, Nonlinearity::Relu, rule).expect("finite");
            let found = spectrum(&system, units, Stopping::Converged);
            assert_exponents(&found, &expected, 0.02); // pairs turn in their plane
            let paper = spectrum(&system, units, Stopping::Paper);
            for (paper, expected) in bits(&paper).iter().zip(&expected) {
                assert_eq!(paper.is_finite(), expected.is_finite(), "seed {seed}: {paper} {expected}");
            }
            compared += 1;
        }
        assert!(compared > 60 && with_few_at_first > 10, "{rule:?}: {compared} {with_few_at_first}");
    }
}

/// A network of some kind, and one of its states.
fn network(
    seed: u64,
    rule: Rule,
    nonlinearity: Nonlinearity,
    regime: usize,
) -> (Array2<f64>, Array1<f64>, Autonomous, Array2<f64>) {
    let mut stream = Stream::new(seed, NUMBERS, 7);
    let units = 2 + stream.below(7) as usize;
    let (gain, shift) = [(0.8, 0.0), (1.0, 0.1), (6.0, 1.0), (1.5, -0.8), (1.2, 0.5)][regime];
    let weights =
        Array2::from_shape_simple_fn((units, units), || gain * stream.normal() / (units as f64).sqrt());
    let bias = Array1::from_shape_simple_fn(units, || shift + 0.2 * stream.normal());
    let system = Autonomous::new(weights.clone(), bias.clone(), nonlinearity, rule).expect("finite");
    let start = Array2::from_shape_simple_fn((1, units), || stream.uniform() - 0.5);
    (weights, bias, system, start)
}

/// `log2 |det J|` at a state, from the definition of the Jacobian.
fn log2_determinant(
    weights: &Array2<f64>,
    bias: &Array1<f64>,
    nonlinearity: Nonlinearity,
    rule: Rule,
    state: &Array1<f64>,
) -> f64 {
    let slope = |a: f64| match nonlinearity {
        Nonlinearity::Tanh => 1.0 / a.cosh().powi(2),
        Nonlinearity::Relu => f64::from(u8::from(a > 0.0)),
        Nonlinearity::Linear => 1.0,
        Nonlinearity::Softplus => 1.0 / (1.0 + (-a).exp()),
        Nonlinearity::Sigmoid => 1.0 / (2.0 + a.exp() + (-a).exp()),
    };
    let value = |matrix: Array2<f64>| -> f64 {
        qr(matrix.view()).expect("finite").upper.diag().iter().map(|entry| entry.abs().log2()).sum()
    };
    match rule {
        Rule::Map => {
            let slopes = (state.dot(weights) + bias).mapv(slope);
            value(weights.clone()) + slopes.iter().map(|slope| slope.log2()).sum::<f64>()
        }
        Rule::Euler { dt, kept } => {
            let slopes = state.mapv(slope).insert_axis(Axis(1));
            value(Array2::<f64>::eye(state.len()) * kept + weights * &slopes * dt)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn the_sum_of_all_stretches_is_the_logarithm_of_the_determinant(
        seed in 0..100_000_u64, rule in 0..3_usize, nonlinearity in 0..3_usize, regime in 0..5_usize,
    ) {
        let rule = [Rule::Map, Rule::Euler { dt: 0.1, kept: 0.9 }, Rule::Euler { dt: 0.3, kept: 1.0 }][rule];
        let nonlinearity = [Nonlinearity::Tanh, Nonlinearity::Relu, Nonlinearity::Linear][nonlinearity];
        let (weights, bias, system, start) = network(seed, rule, nonlinearity, regime);
        let units = system.units();
        let mut orbits = Orbits::new(&system, start.view(), Array2::eye(units).view()).expect("shapes agree");
        for step in 0..30 {
            let state = orbits.states().row(0).to_owned();
            if state.iter().any(|entry| entry.abs() > 1e6) {
                break;
            }
            let expected = log2_determinant(&weights, &bias, nonlinearity, rule, &state);
            let stretches = orbits.step();
            let (sum, largest) = (stretches.sum(), stretches.iter().fold(0.0, |a: f64, b| a.max(b.abs())));
            let frame = orbits.frame(0).to_owned();
            let gram = frame.dot(&frame.t()) - Array2::<f64>::eye(units);
            prop_assert!(gram.iter().all(|off| off.abs() < 1e-13), "step {step}: not orthonormal");
            if expected == SILENT {
                prop_assert_eq!(sum, SILENT);
            } else {
                prop_assert!((sum - expected).abs() < 1e-7 * (1.0 + largest), "step {}: {} for {}", step, sum, expected);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn both_rules_agree_about_lost_vectors(
        seed in 0..100_000_u64, rule in 0..2_usize, nonlinearity in 0..2_usize, regime in 0..5_usize,
    ) {
        let rule = [Rule::Map, Rule::Euler { dt: 0.3, kept: 0.7 }][rule];
        let nonlinearity = [Nonlinearity::Tanh, Nonlinearity::Relu][nonlinearity];
        let (_, _, system, _) = network(seed, rule, nonlinearity, regime);
        let [ours, paper] = BOTH.map(|stopping| spectrum(&system, system.units(), stopping));
        if ours.outcome == Outcome::Converged && paper.outcome == Outcome::Converged {
            for (ours, paper) in ours.exponents.iter().zip(&paper.exponents) {
                prop_assert_eq!(ours.bits_per_timestep.is_finite(), paper.bits_per_timestep.is_finite());
                // The published rule has no burn-in, and ends when its running averages agree, which they
                // nearly do by construction.
                let off = (ours.bits_per_timestep - paper.bits_per_timestep).abs();
                prop_assert!(off.is_nan() || off < 0.3 * (1.0 + ours.bits_per_timestep.abs()), "{:?} {:?}", ours, paper);
            }
        }
    }
}

#[test]
fn the_default_number_of_exponents_fits_a_small_network() {
    for units in [1, 3, 9, 10, 12] {
        let weights = Array2::eye(units) * 0.5;
        let system =
            Autonomous::new(weights, Array1::zeros(units), Nonlinearity::Tanh, Rule::Map).expect("finite");
        let found = Lyapunov::default().spectrum(&system, 0).expect("the default fits");
        assert_eq!(found.exponents.len(), units.min(10));
        let asked = Lyapunov { exponents: Some(units + 1), ..Lyapunov::default() }.spectrum(&system, 0);
        assert!(asked.expect_err("more than units").to_string().contains("at most"));
    }
}
