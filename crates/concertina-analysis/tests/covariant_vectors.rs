//! Covariant Lyapunov vectors: closed forms, order of convergence, and results without any.

mod common;

use std::f64::consts::FRAC_PI_2;

use concertina_analysis::covariant_vectors::{covariant_vectors, principal_angle};
use concertina_analysis::lyapunov::{Autonomous, Rule};
use concertina_analysis::{Analysis, CovariantVectors, Error};
use concertina_model::params::{NetworkKind, Nonlinearity};
use ndarray::{Array1, Array2, Array3, arr2};

fn constant(matrix: &Array2<f64>, timesteps: usize) -> Array3<f64> {
    Array3::from_shape_fn((timesteps, matrix.nrows(), matrix.ncols()), |(_, i, j)| matrix[[i, j]])
}

#[test]
fn vectors_of_a_symmetric_matrix_are_orthogonal() {
    let matrix = arr2(&[[1.0, 0.6, 0.2], [0.6, 0.1, -0.3], [0.2, -0.3, 0.4]]);
    let found = covariant_vectors(constant(&matrix, 500).view(), 3, 240, 10).expect("it applies");
    assert!(found.angles.iter().all(|angle| (angle.expect("known") - FRAC_PI_2).abs() < 1e-9), "{found:?}");
    assert!(found.changes.iter().all(|change| change.expect("known") < 1e-9));
    assert_eq!(found.unstable, 1);
    let principal = found.principal_angles.expect("both signs");
    assert!(principal.iter().all(|angle| (angle - FRAC_PI_2).abs() < 1e-9));
}

/// Both transients turn the vectors into place at the rate of the difference of the exponents.
#[test]
fn errors_fall_with_the_transients_as_the_difference_of_the_exponents() {
    let matrix = arr2(&[[1.6, 0.3], [0.7, 0.5]]);
    let half = 0.5 * (1.6 - 0.5_f64);
    let root = (half * half + 0.3_f64 * 0.7).sqrt();
    let (large, small) = (1.05 + root, 1.05 - root);
    let gap = (large / small).abs().log2();
    // left eigenvectors, as Jacobians act on rows: (0.7, λ - 1.6)
    let angle = {
        let (a, b) = ([0.7, large - 1.6], [0.7, small - 1.6]);
        let (dot, cross): (f64, f64) = (a[0] * b[0] + a[1] * b[1], a[0] * b[1] - a[1] * b[0]);
        cross.abs().atan2(dot.abs())
    };
    let error = |forward: usize, backward: usize| {
        let found = covariant_vectors(constant(&matrix, forward + 1 + backward).view(), 2, forward, 1);
        let found = found.expect("it applies");
        (found.angles[[0, 0]].expect("known") - angle).abs()
    };
    let slope = |short: f64, long: f64, steps: usize| (short / long).log2() / steps as f64;
    let (forward, backward) = (slope(error(4, 60), error(9, 60), 5), slope(error(60, 4), error(60, 9), 5));
    assert!((backward - gap).abs() < 0.05 * gap, "{backward} and {gap}");
    assert!((forward - gap).abs() < 0.05 * gap, "{forward} and {gap}");
    assert!(error(60, 60) < 1e-14);
}

#[test]
fn equal_exponents_have_no_directions_of_their_own() {
    let (sine, cosine) = (0.7_f64.sin(), 0.7_f64.cos());
    let rotation = arr2(&[[cosine, sine], [-sine, cosine]]) * 1.1;
    let found = covariant_vectors(constant(&rotation, 100).view(), 2, 40, 10).expect("it applies");
    assert!(found.changes[0].expect("known") > 0.1, "{found:?}");
    let table = found.table(1e-3).expect("a table");
    assert_eq!(table.booleans("converged").expect("there"), [Some(false)]);
}

#[test]
fn lost_vectors_are_undefined_and_those_before_them_known() {
    let matrix = arr2(&[[2.0, 0.0, 0.0], [1.0, 0.5, 0.0], [0.0, 0.0, 0.0]]);
    let found = covariant_vectors(constant(&matrix, 100).view(), 3, 40, 5).expect("it applies");
    assert_eq!(found.exponents, [Some(1.0), Some(-1.0), None]);
    assert!(found.angles.row(0)[0].is_some() && found.angles.row(0)[1].is_none());
    assert!(found.table(1e-3).expect("a table").booleans("converged").expect("there").contains(&Some(true)));
    let nothing = covariant_vectors(Array3::zeros((10, 2, 2)).view(), 2, 2, 2).expect("it applies");
    assert_eq!((nothing.exponents, nothing.principal_angles), (vec![None, None], None));
    let one = covariant_vectors(Array3::from_elem((4, 1, 1), 2.0).view(), 1, 1, 1).expect("it applies");
    assert_eq!((one.exponents.clone(), one.angles.dim()), (vec![Some(1.0)], (2, 0)));
    assert_eq!(one.table(1e-3).expect("a table").row_count(), 1);
}

#[test]
fn principal_angles_are_known_between_known_planes() {
    let angle = 0.3_f64;
    let a = arr2(&[[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]]);
    let b = arr2(&[[angle.cos(), 0.0, angle.sin(), 0.0], [0.0, 0.2, 0.0, 1.0]]);
    assert!((principal_angle(a.view(), b.view()).expect("finite") - angle).abs() < 1e-14);
    let tiny = arr2(&[[1.0, 0.0, 1e-12, 0.0]]);
    assert!((principal_angle(a.view(), tiny.view()).expect("finite") / 1e-12 - 1.0).abs() < 1e-3);
}

#[test]
fn networks_and_their_jacobians_give_the_same_vectors() {
    let weights =
        Array2::from_shape_fn((6, 6), |(i, j)| 0.9 * (((i * 6 + j) * (i * 6 + j)) as f64 * 0.7).sin());
    let system = Autonomous::new(weights, Array1::from_elem(6, 0.1), Nonlinearity::Tanh, Rule::Map);
    let system = system.expect("sound");
    let settings =
        CovariantVectors { settle: 30, forward: 40, window: 6, backward: 40, ..Default::default() };
    let mut state = Array1::from_elem(6, 0.2);
    let found = settings.along(&system, state.view()).expect("it applies").expect("bounded");
    (0..30).for_each(|_| state = system.next(state.view()).expect("a state"));
    let mut jacobians = Array3::zeros((86, 6, 6));
    for mut jacobian in jacobians.outer_iter_mut() {
        jacobian.assign(&system.jacobian(state.view()).expect("a state"));
        state = system.next(state.view()).expect("a state");
    }
    let other = covariant_vectors(jacobians.view(), 6, 40, 6).expect("it applies");
    for (a, b) in found.angles.iter().zip(&other.angles) {
        assert!((a.expect("known") - b.expect("known")).abs() < 1e-6, "{a:?} and {b:?}");
    }
}

#[test]
fn every_recurrent_network_has_a_table_and_growth_is_a_reason() {
    for params in common::each_kind() {
        let run = common::Run::trained(params);
        let analysis =
            CovariantVectors { settle: 20, forward: 30, window: 4, backward: 30, ..Default::default() };
        if run.params.network.kind == NetworkKind::Feedforward {
            let error = analysis.run(&run.subject()).expect_err("no dynamics");
            assert!(matches!(error, Error::NotApplicable { .. }) && error.hint().is_some());
            continue;
        }
        let table = analysis.run(&run.subject()).expect("it applies");
        assert_eq!(table.row_count(), 2 * 45, "{}", run.params.network.kind);
        for angle in table.floats("mean_angle").expect("there").into_iter().flatten() {
            assert!((0.0..=FRAC_PI_2).contains(&angle));
        }
    }
    let grows = Autonomous::new(arr2(&[[3.0]]), Array1::from_elem(1, 1.0), Nonlinearity::Relu, Rule::Map);
    let found = CovariantVectors::default().along(&grows.expect("sound"), Array1::zeros(1).view());
    assert_eq!(found.expect("it applies"), None);
}

#[test]
fn invalid_arrays_and_settings_are_refused() {
    let error = covariant_vectors(Array3::zeros((3, 2, 2)).view(), 2, 2, 2).expect_err("too short");
    assert_eq!(
        error.to_string(),
        "jacobians: expected (timesteps, numbers, numbers), with at least 4 timesteps, found [3, 2, 2]"
    );
    assert!(covariant_vectors(Array3::zeros((9, 2, 2)).view(), 3, 2, 2).is_err());
    assert!(covariant_vectors(Array3::from_elem((9, 2, 2), f64::NAN).view(), 2, 2, 2).is_err());
    let run = common::Run::untrained(common::small());
    let refused = |analysis: CovariantVectors| analysis.check(&run.params).expect_err("refused").to_string();
    assert_eq!(
        refused(CovariantVectors { window: 0, ..Default::default() }),
        "`covariant_vectors.window`: expected at least 1, found 0"
    );
    assert_eq!(
        refused(CovariantVectors { vectors: Some(17), ..Default::default() }),
        "`covariant_vectors.vectors`: expected at most 16, the dimension of a state, found 17"
    );
}
