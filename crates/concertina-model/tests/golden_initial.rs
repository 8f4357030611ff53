//! Initial weights from given Gaussian numbers, compared with NumPy (fixture `init`, for which
//! concertina-numerics is responsible).

use concertina_model::network::initial;
use concertina_testing::compare::assert_close;
use concertina_testing::golden::Fixture;
use ndarray::{Array2, Ix2};

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
