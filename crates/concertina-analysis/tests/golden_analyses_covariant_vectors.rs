//! Covariant Lyapunov vectors, compared with reference numbers at their stated tolerances.

mod common;

use common::golden::{cube, driven, matrix, vector};
use concertina_analysis::covariant_vectors::{CovariantWindow, covariant_vectors, principal_angle};
use concertina_testing::compare::{assert_close, assert_number};
use concertina_testing::golden::{Fixture, analyses};
use ndarray::{Array1, Array2, Array3, Axis, arr2};

const ANGLE: f64 = 1e-8;
const EXPONENT: f64 = 1e-10;

fn known(what: &str, found: &CovariantWindow) -> (Array1<f64>, Array2<f64>) {
    let exponents = found.exponents.iter().map(|one| one.unwrap_or_else(|| panic!("{what}: lost")));
    (exponents.collect(), found.angles.mapv(|one| one.unwrap_or_else(|| panic!("{what}: lost"))))
}

fn case(fixture: &Fixture, name: &str) {
    let of = |array: &str| format!("{name}.{array}");
    // the fixture's Jacobians act on columns
    let jacobians = cube(fixture, &of("J")).permuted_axes([0, 2, 1]);
    let length = |array: &str| fixture.scalar(&of(array)) as usize;
    let (forward, window, backward) = (length("forward"), length("window"), length("backward"));
    assert_eq!(forward + window + backward, jacobians.dim().0, "{name}");
    let found = covariant_vectors(jacobians.view(), jacobians.dim().1, forward, window).expect("it applies");
    let (exponents, angles) = known(name, &found);
    assert_close(name, exponents.view(), vector(fixture, &of("exponents")).view(), EXPONENT);
    assert_close(name, angles.view(), matrix(fixture, &of("angles")).view(), ANGLE);
    assert_eq!(found.unstable, length("unstable"), "{name}");
    let expected = cube(fixture, &of("vectors"));
    let columns = found.columns();
    for (found, expected) in columns.outer_iter().zip(expected.outer_iter()) {
        for (found, expected) in found.columns().into_iter().zip(expected.columns()) {
            let sign = found.dot(&expected).signum();
            assert_close(name, (&found * sign).view(), expected, ANGLE);
        }
    }
    match fixture.has(&of("principal_angle")) {
        true => {
            let found = Array1::from(found.principal_angles.clone().expect("both signs"));
            assert_close(name, found.view(), vector(fixture, &of("principal_angle")).view(), ANGLE);
        }
        false => assert_eq!(found.principal_angles, None, "{name}"),
    }
    let covariance = |timestep: usize| {
        let images = found.vectors.index_axis(Axis(0), timestep);
        let next = found.vectors.index_axis(Axis(0), timestep + 1);
        for (vector, next) in images.outer_iter().zip(next.outer_iter()) {
            let image = vector.dot(&jacobians.index_axis(Axis(0), forward + timestep));
            let cosine = image.dot(&next) / image.dot(&image).sqrt();
            assert_number(name, cosine.abs(), 1.0, 1e-9);
        }
    };
    (0..window).for_each(covariance);
    if fixture.has(&of("exact_angles")) {
        constant(fixture, name, &angles, &exponents);
    }
    if fixture.has(&of("orbit")) {
        henon(fixture, name, &jacobians);
    }
    if fixture.has(&of("W")) {
        net(fixture, name, &jacobians);
    }
}

/// The vectors of a constant matrix are its eigenvectors.
fn constant(fixture: &Fixture, name: &str, angles: &Array2<f64>, exponents: &Array1<f64>) {
    let of = |array: &str| format!("{name}.{array}");
    let exact = vector(fixture, &of("exact_angles"));
    angles.outer_iter().for_each(|angles| assert_close(name, angles, exact.view(), ANGLE));
    assert_close(name, exponents.view(), vector(fixture, &of("exact_exponents")).view(), EXPONENT);
    let eigenvectors = matrix(fixture, &of("eigenvectors"));
    let (a, b) = (eigenvectors.column(0), eigenvectors.column(1));
    let (a, b) = (a.insert_axis(Axis(0)), b.insert_axis(Axis(0)));
    assert_number(name, principal_angle(a, b).expect("finite"), exact[0], ANGLE);
}

/// `(x, y)` goes to `(1 - a x² + y, b x)`.
fn henon(fixture: &Fixture, name: &str, jacobians: &Array3<f64>) {
    let of = |array: &str| format!("{name}.{array}");
    let (a, b, orbit) = (fixture.scalar(&of("a")), fixture.scalar(&of("b")), matrix(fixture, &of("orbit")));
    for (state, jacobian) in orbit.outer_iter().zip(jacobians.outer_iter()) {
        assert_close(name, jacobian, arr2(&[[-2.0 * a * state[0], b], [1.0, 0.0]]).view(), 1e-13);
    }
    for (state, next) in orbit.outer_iter().zip(orbit.outer_iter().skip(1)) {
        let (x, y) = (state[0], state[1]);
        assert_close(name, next, ndarray::arr1(&[1.0 - a * x * x + y, b * x]).view(), 1e-13);
    }
}

/// A network without input, whose Jacobians are computed here.
fn net(fixture: &Fixture, name: &str, jacobians: &Array3<f64>) {
    let driven = driven(fixture, name);
    let trajectory = matrix(fixture, &format!("{name}.trajectory"));
    let silence = Array2::zeros((jacobians.dim().0, driven.inputs()));
    let own = driven.jacobians(trajectory.view(), silence.view()).expect("shapes agree");
    assert_close(name, own.view(), jacobians.view(), 1e-13);
    for (state, next) in trajectory.outer_iter().zip(trajectory.outer_iter().skip(1)) {
        assert_close(name, driven.autonomous().next(state).expect("a state").view(), next, 1e-13);
    }
}

#[test]
fn golden_analyses_covariant_vectors_are_ginellis() {
    let Some(fixture) = analyses::open("covariant_vectors", &["*"]) else { return };
    fixture.cases(".J").iter().for_each(|name| case(&fixture, name));
    fixture.finish();
}
