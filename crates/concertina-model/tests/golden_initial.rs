//! Initial weights from given Gaussian numbers, compared with NumPy (fixture `init`, for which
//! concertina-numerics is responsible).

use concertina_model::network::initial;
use concertina_model::params::{NetworkKind, Params};
use concertina_numerics::linalg::spectral_radius;
use concertina_testing::compare::assert_close;
use concertina_testing::golden::Fixture;
use ndarray::{Array2, Ix2, s};

fn matrix(fixture: &Fixture, name: &str) -> Array2<f64> {
    fixture.f64(name).into_dimensionality::<Ix2>().expect("weights are matrices")
}

/// 1e-12 for small networks, 1e-10 for large ones, as in the README of the fixtures.
fn tolerance(weights: &Array2<f64>) -> f64 {
    if weights.ncols() <= 50 { 1e-12 } else { 1e-10 }
}

#[test]
fn golden_initial_weights() {
    let Some(fixture) = Fixture::borrow("init") else { return };
    for case in fixture.cases(".Win") {
        let expected = matrix(&fixture, &format!("{case}.Win"));
        let gaussian = matrix(&fixture, &format!("{case}.raw"));
        let scale = fixture.scalar(&format!("{case}.input_scale"));
        let found = initial::orthogonal_input(gaussian.view(), scale).expect("the factorisation succeeds");
        assert_close(&case, found.view(), expected.view(), tolerance(&expected));
    }
    for case in fixture.cases(".Wrec") {
        let (base, gain) = case.rsplit_once("_g").expect("the name ends with the gain");
        let expected = matrix(&fixture, &format!("{case}.Wrec"));
        let gaussian = matrix(&fixture, &format!("{base}.raw"));
        let dt = fixture.scalar(&format!("{base}.dt"));
        let gain = gain.replace('p', ".").parse().expect("the gain is a number");
        let found = initial::vanilla_recurrent(gaussian.view(), gain, dt).expect("there are eigenvalues");
        assert_close(&case, found.view(), expected.view(), tolerance(&expected));
    }
    for case in fixture.cases(".Wrec_scaled") {
        let expected = matrix(&fixture, &format!("{case}.Wrec_scaled"));
        let found = initial::leaky_recurrent(
            matrix(&fixture, &format!("{case}.raw_J")).view(),
            matrix(&fixture, &format!("{case}.raw_Q")).view(),
            fixture.scalar(&format!("{case}.g")),
            fixture.scalar(&format!("{case}.proportion")),
        );
        assert_close(
            &case,
            found.expect("there are eigenvalues").view(),
            expected.view(),
            tolerance(&expected),
        );
    }
    for case in fixture.cases(".Wout") {
        let expected = matrix(&fixture, &format!("{case}.Wout"));
        let gaussian = matrix(&fixture, &format!("{case}.raw"));
        let found = initial::readout(gaussian.view(), fixture.scalar(&format!("{case}.wout_scale")));
        assert_close(&case, found.view(), expected.view(), tolerance(&expected));
    }
    fixture.finish();
}

/// Which block of columns is the candidate's, and which has the bias of the gates.
#[test]
fn gated_networks_draw_each_block_with_its_own_scale() {
    let (units, inputs) = (40, 10);
    for (kind, currents, candidate) in [(NetworkKind::Gru, 3, 2), (NetworkKind::Lstm, 4, 2)] {
        let mut params = Params::default();
        params.network.kind = kind;
        (params.network.units, params.task.input_dim, params.task.clusters) = (units, inputs, 4);
        (params.network.gain, params.network.gate_gain) = (Some(1.7), 0.6);
        (params.network.gate_bias, params.network.input_scale) = (Some(0.75), 3.0);
        let weights = initial::draw(&params.check().expect("valid")).expect("drawn");
        let block = |matrix: &Array2<f32>, current: usize| {
            matrix.slice(s![.., current * units..(current + 1) * units]).mapv(f64::from)
        };
        for current in 0..currents {
            let is_candidate = current == candidate;
            let radius = spectral_radius(block(&weights.recurrent[0], current).view()).expect("finite");
            let expected = if is_candidate { 1.7 } else { 0.6 };
            assert!((radius - expected).abs() < 1e-5, "{kind}, block {current}: radius {radius}");
            // in units of the standard deviation of a gate's weights
            let sizes = block(&weights.input, current).mapv(f64::abs) * (inputs as f64).sqrt();
            let size = sizes.mean().expect("not empty");
            let (expected, tolerance) =
                if is_candidate { (3.0, 1e-5) } else { (std::f64::consts::FRAC_2_PI.sqrt(), 0.1) };
            assert!((size - expected).abs() < tolerance, "{kind}, block {current}: inputs of size {size}");
            let bias = weights.biases[0].slice(s![current * units..(current + 1) * units]);
            let expected = if current == 1 { 0.75 } else { 0.0 };
            assert!(bias.iter().all(|entry| *entry == expected), "{kind}, block {current}: {bias}");
        }
        assert!(weights.biases[1].iter().all(|entry| *entry == 0.0), "{kind}");
    }
}

#[test]
fn a_network_of_rates_starts_with_the_gain_as_its_spectral_radius() {
    let mut params = Params::default();
    params.network.kind = NetworkKind::Rate;
    for (gain, expected) in [(None, 1.5), (Some(0.7), 0.7)] {
        (params.network.units, params.network.gain) = (40, gain);
        let weights = initial::draw(&params.clone().check().expect("valid")).expect("drawn");
        let radius = spectral_radius(weights.recurrent[0].mapv(f64::from).view()).expect("finite");
        assert!((radius - expected).abs() < 1e-5, "{gain:?}: {radius}");
    }
}
