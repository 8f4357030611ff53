//! Lyapunov exponents in cases where they are known, and compared with a plain twin.

mod common;

use concertina_analysis::lyapunov::{Autonomous, Exponent, Orbits, Outcome, Rule, Spectrum, Stopping};
use concertina_analysis::{Analysis, AnalysisSpec, Lyapunov};
use concertina_model::params::{NetworkKind, Nonlinearity};
use concertina_numerics::linalg::{eigenvalues, product, qr};
use concertina_numerics::random::{Purpose, Stream};
use ndarray::{Array1, Array2, ArrayView1, Axis, arr1, arr2, s};
use proptest::prelude::*;

const NUMBERS: Purpose = Purpose::new("test numbers");
const RULES: [Rule; 3] = [Rule::Map, Rule::Euler { dt: 0.1, kept: 0.9 }, Rule::Euler { dt: 0.1, kept: 1.0 }];
const NONLINEARITIES: [Nonlinearity; 5] = [
    Nonlinearity::Tanh,
    Nonlinearity::Relu,
    Nonlinearity::Linear,
    Nonlinearity::Softplus,
    Nonlinearity::Sigmoid,
];

/// Random weights of variance `gain² / units`, and a bias.
fn parts(units: usize, gain: f64, seed: u64) -> (Array2<f64>, Array1<f64>) {
    let mut stream = Stream::new(seed, NUMBERS, 0);
    let scale = gain / (units as f64).sqrt();
    let weights = Array2::from_shape_simple_fn((units, units), || scale * stream.normal());
    (weights, Array1::from_shape_simple_fn(units, || 0.1 * stream.normal()))
}

fn random(units: usize, gain: f64, nonlinearity: Nonlinearity, rule: Rule, seed: u64) -> Autonomous {
    let (weights, bias) = parts(units, gain, seed);
    Autonomous::new(weights, bias, nonlinearity, rule).expect("finite weights")
}

fn bits(spectrum: &Spectrum) -> Vec<f64> {
    spectrum.exponents.iter().map(|exponent| exponent.bits_per_timestep).collect()
}

#[test]
fn a_leaky_network_without_weights_forgets_at_the_rate_of_its_leak() {
    for (kept, expected) in [(0.9, 0.9_f64.log2()), (1.0, 0.0)] {
        let rule = Rule::Euler { dt: 0.1, kept };
        let system = Autonomous::new(Array2::zeros((12, 12)), Array1::zeros(12), Nonlinearity::Tanh, rule);
        let spectrum = Lyapunov::default().spectrum(&system.expect("finite"), 0).expect("valid");
        assert_eq!(spectrum.outcome, Outcome::Converged);
        for found in bits(&spectrum) {
            assert!((found - expected).abs() < 1e-12, "expected {expected}, found {found}");
        }
    }
}

#[test]
fn exponents_of_a_linear_network_are_the_moduli_of_its_eigenvalues() {
    for seed in 0..3 {
        let (weights, bias) = parts(12, 1.5, seed);
        let system = Autonomous::new(weights.clone(), bias, Nonlinearity::Linear, Rule::Map).expect("finite");
        let analysis = Lyapunov { exponents: Some(12), tolerance: 5e-4, ..Lyapunov::default() };
        let spectrum = analysis.spectrum(&system, seed).expect("valid");
        assert_eq!(spectrum.outcome, Outcome::Converged, "seed {seed}");
        let moduli = eigenvalues(weights.view()).expect("it converges");
        for (found, eigenvalue) in spectrum.exponents.iter().zip(moduli) {
            let expected = eigenvalue.norm().log2();
            let error = found.standard_error.expect("ten initial conditions").max(1e-4);
            let off = (found.bits_per_timestep - expected).abs();
            assert!(off < 5.0 * error, "seed {seed}: expected {expected}, found {found:?}");
        }
    }
}

/// The direction and the length of the image of a unit tangent vector at a state.
fn image_of(system: &Autonomous, state: &Array1<f64>, vector: &Array1<f64>) -> (Array1<f64>, f64) {
    let (state, frame) = (state.view().insert_axis(Axis(0)), vector.view().insert_axis(Axis(0)));
    let mut orbits = Orbits::new(system, state, frame).expect("shapes agree");
    let length = orbits.step()[[0, 0]].exp2();
    (orbits.frame(0).row(0).to_owned(), length)
}

fn next(system: &Autonomous, state: ArrayView1<f64>) -> Array1<f64> {
    let no_frame = Array2::zeros((0, state.len()));
    let mut orbits = Orbits::new(system, state.insert_axis(Axis(0)), no_frame.view()).expect("shapes agree");
    orbits.step();
    orbits.states().row(0).to_owned()
}

#[test]
fn tangent_vectors_are_the_limit_of_central_differences_with_the_order_of_the_scheme() {
    for rule in RULES {
        let system = random(9, 1.2, Nonlinearity::Tanh, rule, 5);
        let mut stream = Stream::new(5, NUMBERS, 1);
        let state = Array1::from_shape_simple_fn(9, || stream.normal());
        let vector = Array1::from_shape_simple_fn(9, || stream.normal());
        let vector = &vector / vector.dot(&vector).sqrt();
        let (direction, length) = image_of(&system, &state, &vector);
        let image = direction * length;
        let error = |step: f64| {
            let shifted = |sign: f64| next(&system, (&state + &(&vector * (sign * step))).view());
            let difference = (shifted(1.0) - shifted(-1.0)) / (2.0 * step);
            (&difference - &image).mapv(|entry| entry * entry).sum().sqrt()
        };
        let order = (error(1e-2) / error(1e-3)).log10();
        assert!((order - 2.0).abs() < 0.05, "{rule:?}: order {order}");
    }
}

/// One timestep, written like the definition: the Jacobian as a matrix, and a QR factorisation.
fn plain_step(
    weights: &Array2<f64>,
    bias: &Array1<f64>,
    nonlinearity: Nonlinearity,
    rule: Rule,
    state: &mut Array1<f64>,
    frame: &mut Array2<f64>, // (vectors, units)
) -> Vec<f64> {
    let value = |a: f64| match nonlinearity {
        Nonlinearity::Tanh => a.tanh(),
        Nonlinearity::Relu => a.max(0.0),
        Nonlinearity::Linear => a,
        Nonlinearity::Softplus => a.exp().ln_1p(),
        Nonlinearity::Sigmoid => 1.0 / (1.0 + (-a).exp()),
    };
    let slope = |a: f64| match nonlinearity {
        Nonlinearity::Tanh => 1.0 / a.cosh().powi(2),
        Nonlinearity::Relu => f64::from(u8::from(a > 0.0)),
        Nonlinearity::Linear => 1.0,
        Nonlinearity::Softplus => 1.0 / (1.0 + (-a).exp()),
        Nonlinearity::Sigmoid => 1.0 / (2.0 + a.exp() + (-a).exp()),
    };
    let units = state.len();
    let identity: Array2<f64> = Array2::eye(units);
    let (after, jacobian) = match rule {
        Rule::Map => {
            let current = state.dot(weights) + bias;
            (current.mapv(value), weights * &current.mapv(slope)) // ∂h'[j] / ∂h[i] = W[i, j] φ'(a[j])
        }
        Rule::Euler { dt, kept } => {
            let current = state.mapv(value).dot(weights) + bias;
            let slopes = state.mapv(slope).insert_axis(Axis(1));
            (&*state * kept + &current * dt, identity * kept + weights * &slopes * dt)
        }
    };
    *state = after;
    let image = product(frame.view(), jacobian.view());
    let factors = qr(image.t()).expect("finite");
    *frame = factors.orthogonal.t().to_owned();
    factors.upper.diag().iter().map(|entry| entry.abs().log2()).collect()
}

#[test]
fn orbits_agree_with_explicit_jacobians_and_qr_factors() {
    for rule in RULES {
        for nonlinearity in NONLINEARITIES {
            let (units, vectors) = (11, 4);
            let mut stream = Stream::new(8, NUMBERS, 2);
            let weights = Array2::from_shape_simple_fn((units, units), || 0.4 * stream.normal());
            let bias = Array1::from_shape_simple_fn(units, || 0.1 * stream.normal());
            let system = Autonomous::new(weights.clone(), bias.clone(), nonlinearity, rule).expect("finite");
            let starts = Array2::from_shape_simple_fn((3, units), || stream.uniform() - 0.5);
            let first: Array2<f64> = Array2::eye(units).slice(s![..vectors, ..]).to_owned();
            let mut orbits = Orbits::new(&system, starts.view(), first.view()).expect("shapes agree");
            let mut plain: Vec<_> =
                starts.outer_iter().map(|start| (start.to_owned(), first.clone())).collect();
            for step in 0..20 {
                let found = orbits.step().to_owned();
                for (orbit, (state, frame)) in plain.iter_mut().enumerate() {
                    let expected = plain_step(&weights, &bias, nonlinearity, rule, state, frame);
                    let worst = found
                        .row(orbit)
                        .iter()
                        .zip(&expected)
                        .map(|(a, b)| (a - b).abs())
                        .fold(0.0, f64::max);
                    assert!(worst < 1e-10, "{rule:?} {nonlinearity:?} step {step}: {worst:e}");
                }
            }
        }
    }
}

/// The published rule, one initial condition after the other, as described in
/// `docs/reference/analyses.md#lyapunov`.
fn plain_paper_rule(system: &Autonomous, exponents: usize, starts: &Array2<f64>) -> (Vec<Vec<f64>>, usize) {
    let tolerance = 2e-3;
    let statistic = |rows: &[Vec<f64>]| {
        let deviation = |index: usize| {
            let column: Vec<f64> = rows.iter().map(|row| row[index]).collect();
            let mean = column.iter().sum::<f64>() / column.len() as f64;
            (column.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / column.len() as f64).sqrt()
        };
        let mean = (0..rows[0].len()).map(deviation).sum::<f64>() / rows[0].len() as f64;
        mean / (rows.len() as f64).sqrt()
    };
    let frame: Array2<f64> = Array2::eye(system.units());
    let (mut estimates, mut longest) = (Vec::new(), 0);
    for start in starts.outer_iter() {
        let after = next(system, start); // "the Jacobian at the state after the step"
        let (state, frame) = (after.view().insert_axis(Axis(0)), frame.slice(s![..exponents, ..]));
        let mut orbits = Orbits::new(system, state, frame).expect("shapes agree");
        let mut total = Array1::zeros(exponents);
        let mut averages: Vec<Vec<f64>> = Vec::new();
        for iteration in 1..=1000 {
            total += &orbits.step().row(0);
            averages.push((&total / iteration as f64).to_vec());
            if iteration >= 10 && statistic(&averages[iteration - 10..]) < 0.1 * tolerance {
                break;
            }
        }
        longest = longest.max(averages.len());
        estimates.push(averages.pop().expect("at least one iteration"));
        if estimates.len() >= 4 && statistic(&estimates) < tolerance {
            break;
        }
    }
    (estimates, longest)
}

#[test]
fn the_paper_rule_run_side_by_side_is_the_rule_run_one_by_one() {
    for (gain, seed) in [(0.6, 0), (1.1, 1), (2.0, 2), (3.5, 3)] {
        let system = random(20, gain, Nonlinearity::Tanh, Rule::Map, seed);
        let starts = concertina_analysis::lyapunov::initial_states(seed, 10, 20);
        assert!(
            starts.iter().all(|state| state.abs() <= 0.2) && starts.iter().any(|state| state.abs() > 0.15)
        );
        let (estimates, longest) = plain_paper_rule(&system, 5, &starts);
        let mut expected: Vec<f64> = (0..5)
            .map(|index| {
                estimates.iter().map(|estimate| estimate[index]).sum::<f64>() / estimates.len() as f64
            })
            .collect();
        expected.sort_by(|a, b| b.total_cmp(a));
        let analysis = Lyapunov { exponents: Some(5), stopping: Stopping::Paper, ..Lyapunov::default() };
        let spectrum = analysis.spectrum(&system, seed).expect("valid");
        assert_eq!(
            (spectrum.initial_conditions, spectrum.iterations),
            (estimates.len(), longest),
            "gain {gain}"
        );
        let worst = bits(&spectrum).iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(worst < 1e-12, "gain {gain}: {worst:e}");
    }
}

#[test]
fn a_chaotic_network_is_detected_and_its_error_is_realistic() {
    let system = random(60, 3.0, Nonlinearity::Tanh, Rule::Map, 4);
    let analysis =
        |seed| Lyapunov { tolerance: 4e-3, ..Lyapunov::default() }.spectrum(&system, seed).expect("valid");
    let (one, other) = (analysis(0), analysis(1));
    assert_eq!((one.outcome, other.outcome), (Outcome::Converged, Outcome::Converged));
    assert!(one.largest().expect("ten exponents").bits_per_timestep > 0.1);
    for (one, other) in one.exponents.iter().zip(&other.exponents) {
        let error = |exponent: &Exponent| exponent.standard_error.expect("ten initial conditions");
        let joint = (error(one).powi(2) + error(other).powi(2)).sqrt();
        let off = (one.bits_per_timestep - other.bits_per_timestep).abs();
        assert!(off < 5.0 * joint, "other initial conditions: {one:?} and {other:?}"); // fixed seeds
    }
}

/// One unit with two fixed points, whose slopes differ because of a bias.
fn bistable() -> Autonomous {
    Autonomous::new(arr2(&[[1.5]]), arr1(&[0.01]), Nonlinearity::Tanh, Rule::Map).expect("finite")
}

#[test]
fn initial_conditions_on_different_attractors_are_a_result_with_its_reason() {
    let analysis = Lyapunov { exponents: Some(1), ..Lyapunov::default() };
    let spectrum = analysis.spectrum(&bistable(), 0).expect("valid");
    assert_eq!(spectrum.outcome, Outcome::SeveralAttractors);
    assert!(!spectrum.outcome.converged() && spectrum.iterations < 2000);
    assert!(spectrum.largest_error().expect("ten initial conditions") > analysis.tolerance);
}

#[test]
fn an_estimate_that_runs_out_of_time_is_a_result_with_its_reason() {
    let system = random(30, 3.0, Nonlinearity::Tanh, Rule::Map, 4);
    let analysis = Lyapunov { tolerance: 1e-9, max_iterations: 75, burn_in: 20, ..Lyapunov::default() };
    let spectrum = analysis.spectrum(&system, 0).expect("valid");
    assert_eq!((spectrum.outcome, spectrum.iterations), (Outcome::IterationLimit, 75));
    assert!(spectrum.largest_error().expect("ten initial conditions") > analysis.tolerance);
}

#[test]
fn a_state_that_grows_without_bound_ends_the_estimate_but_not_the_program() {
    let doubling =
        Autonomous::new(Array2::eye(3) * 2.0, arr1(&[1.0, 1.0, 1.0]), Nonlinearity::Relu, Rule::Map);
    let doubling = doubling.expect("finite");
    for stopping in [Stopping::Converged, Stopping::Paper] {
        // The published rule stops long before, when the running averages agree.
        let analysis = Lyapunov { exponents: Some(3), stopping, ..Lyapunov::default() };
        let spectrum = analysis.spectrum(&doubling, 0).expect("valid");
        if stopping == Stopping::Converged {
            assert_eq!(spectrum.outcome, Outcome::Unbounded);
        }
        assert!(bits(&spectrum).iter().all(|found| (found - 1.0).abs() < 1e-9), "{spectrum:?}");
    }
}

#[test]
fn units_that_have_fallen_silent_leave_exponents_of_minus_infinity() {
    let silent = Autonomous::new(Array2::eye(4), Array1::from_elem(4, -1.0), Nonlinearity::Relu, Rule::Map);
    let silent = silent.expect("finite");
    for stopping in [Stopping::Converged, Stopping::Paper] {
        let analysis = Lyapunov { exponents: Some(4), stopping, ..Lyapunov::default() };
        let spectrum = analysis.spectrum(&silent, 0).expect("valid");
        assert_eq!(bits(&spectrum), [f64::NEG_INFINITY; 4]);
        assert!(spectrum.exponents.iter().all(|exponent| exponent.standard_error.is_none()));
        assert_eq!((spectrum.kaplan_yorke_dimension(), spectrum.entropy_rate()), (Some(0.0), Some(0.0)));
        assert!(spectrum.outcome.converged());
    }
}

#[test]
fn a_jacobian_of_rank_two_up_to_rounding_has_two_exponents_and_then_bounds() {
    let (left, right) = (
        arr2(&[[1.0, 0.2], [0.3, -1.0], [0.5, 0.7], [-0.4, 0.1]]),
        arr2(&[[1.0, 0.0, 0.4, 0.2], [0.1, 1.0, -0.3, 0.5]]),
    );
    let weights = product(left.view(), right.view());
    let inner = product(right.view(), left.view()); // has the two eigenvalues that are not zero
    let system = Autonomous::new(weights, Array1::zeros(4), Nonlinearity::Linear, Rule::Map).expect("finite");
    let spectrum =
        Lyapunov { exponents: Some(4), ..Lyapunov::default() }.spectrum(&system, 0).expect("valid");
    let found = bits(&spectrum);
    for (found, expected) in found.iter().zip(eigenvalues(inner.view()).expect("it converges")) {
        assert!((found - expected.norm().log2()).abs() < 5e-3, "{found} {expected}");
    }
    assert!(
        spectrum.exponents[2..]
            .iter()
            .all(|exponent| exponent.is_bound && exponent.bits_per_timestep < -48.0)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]
    #[test]
    fn the_order_of_units_does_not_matter(seed in 0..1000_u64, nonlinearity in 0..3_usize, rule in 0..3_usize) {
        let (units, vectors) = (8, 3);
        let (weights, bias) = parts(units, 0.9, seed);
        let dynamics = |weights, bias| {
            Autonomous::new(weights, bias, NONLINEARITIES[nonlinearity], RULES[rule]).expect("finite weights")
        };
        let mut order: Vec<usize> = (0..units).collect();
        let mut stream = Stream::new(seed, NUMBERS, 3);
        stream.shuffle(&mut order);
        let start = Array2::from_shape_simple_fn((1, units), || stream.uniform() - 0.5);
        let frame: Array2<f64> = Array2::eye(units).slice(s![..vectors, ..]).to_owned();
        let permuted = weights.select(Axis(0), &order).select(Axis(1), &order);
        let (permuted, system) = (dynamics(permuted, bias.select(Axis(0), &order)), dynamics(weights, bias));
        let mut one = Orbits::new(&system, start.view(), frame.view()).expect("shapes agree");
        let (start, frame) = (start.select(Axis(1), &order), frame.select(Axis(1), &order));
        let mut other = Orbits::new(&permuted, start.view(), frame.view()).expect("shapes agree");
        for _ in 0..10 {
            let (stretches, others) = (one.step().to_owned(), other.step());
            for (one, other) in stretches.iter().zip(others) {
                prop_assert!(one == other || (one - other).abs() < 1e-9, "{one} {other}");
            }
            if one.tallies()[0].has_losses() {
                break; // a vector that was lost continues in an arbitrary direction
            }
        }
    }
}

#[test]
fn the_table_has_one_row_per_exponent_largest_first() {
    let run = common::Run::trained(common::small());
    let analysis = Lyapunov { exponents: Some(4), max_iterations: 100, burn_in: 50, ..Lyapunov::default() };
    let table = analysis.run(&run.subject()).expect("a recurrent network");
    assert_eq!(table.row_count(), 8);
    assert_eq!(table.integers("index").expect("there"), [1, 2, 3, 4, 1, 2, 3, 4].map(Some));
    assert_eq!(table.integers("update").expect("there"), [0, 0, 0, 0, 4, 4, 4, 4].map(Some));
    for exponents in table.floats("exponent").expect("there").chunks(4) {
        assert!(exponents.is_sorted_by(|a, b| a >= b), "{exponents:?}");
    }
    let columns: Vec<&str> = table.column_names().collect();
    assert_eq!(
        columns,
        [
            "epoch",
            "update",
            "index",
            "exponent",
            "standard_error",
            "kaplan_yorke_dimension",
            "entropy_rate",
            "initial_conditions",
            "iterations",
            "converged",
            "reason"
        ]
    );
}

#[test]
fn a_feedforward_network_is_refused_with_the_reason() {
    let mut params = common::small();
    params.network.kind = NetworkKind::Feedforward;
    let run = common::Run::untrained(params);
    let error = Lyapunov::default().run(&run.subject()).expect_err("refused");
    assert_eq!(
        error.to_string(),
        "`lyapunov` does not apply to a feedforward network: it maps an input to an output once, and has no dynamics of its own"
    );
    assert!(error.hint().is_some());
}

#[test]
fn parameters_out_of_range_are_refused_and_named() {
    let run = common::Run::untrained(common::small());
    let refused = |text: &str| {
        let spec: AnalysisSpec = serde_json::from_str(text).expect("known parameters");
        spec.check(&run.params).expect_err("refused").to_string()
    };
    assert_eq!(
        refused(r#"{"analysis": "lyapunov", "exponents": 17}"#),
        "`lyapunov.exponents`: expected at most 16, the number of units, found 17"
    );
    assert_eq!(
        refused(r#"{"analysis": "lyapunov", "tolerance": 0.0}"#),
        "`lyapunov.tolerance`: expected a positive number, found 0"
    );
    assert_eq!(
        refused(r#"{"analysis": "lyapunov", "initial_conditions": 1}"#),
        "`lyapunov.initial_conditions`: expected at least 2, found 1"
    );
    assert_eq!(
        refused(r#"{"analysis": "lyapunov", "stopping": "paper", "burn_in": 10}"#),
        "`lyapunov.burn_in`: expected the default, 500, because `paper` has its own settings, found 10"
    );
}
