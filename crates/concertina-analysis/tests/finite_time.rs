//! Finite-time growth rates: laws, closed forms, an independent way, and results without any.

mod common;

use concertina_analysis::finite_time::{FiniteTimeRates, Method, finite_time};
use concertina_analysis::lyapunov::Driven;
use concertina_analysis::{Analysis, Error, FiniteTime};
use concertina_model::params::NetworkKind;
use concertina_numerics::linalg::{product, qr, svd};
use concertina_numerics::random::{Purpose, Stream};
use ndarray::{Array1, Array2, Array3, ArrayView3, Axis, s};

const NUMBERS: Purpose = Purpose::new("test numbers");

fn random(shape: (usize, usize, usize), scale: f64, seed: u64) -> Array3<f64> {
    let mut stream = Stream::new(seed, NUMBERS, 0);
    Array3::from_shape_simple_fn(shape, || scale * stream.normal())
}

fn orthogonal(numbers: usize, seed: u64) -> Array2<f64> {
    let raw = random((1, numbers, numbers), 1.0, seed);
    qr(raw.index_axis(Axis(0), 0)).expect("finite").orthogonal
}

fn log2_det(jacobians: ArrayView3<f64>) -> f64 {
    let bits = |jacobian| {
        let upper = qr(jacobian).expect("finite").upper;
        upper.diag().iter().map(|entry| entry.abs().log2()).sum::<f64>()
    };
    jacobians.outer_iter().map(bits).sum()
}

fn known(found: &FiniteTimeRates) -> Array2<f64> {
    assert!(found.converged.iter().all(|one| *one));
    found.rates.mapv(|rate| rate.expect("not lost"))
}

/// The singular values of the product itself.
fn plainly(jacobians: ArrayView3<f64>, count: usize) -> Array1<f64> {
    let numbers = jacobians.dim().1;
    let all =
        jacobians.outer_iter().fold(Array2::eye(numbers), |all: Array2<f64>, one| product(all.view(), one));
    let values = svd(all.view()).expect("finite").singular_values;
    values.iter().take(count).map(|value| value.log2() / jacobians.dim().0 as f64).collect()
}

#[test]
fn all_rates_sum_to_the_logarithm_of_the_determinant() {
    for (numbers, timesteps, scale) in [(1, 4, 0.3), (2, 7, 1.0), (5, 30, 0.4), (12, 12, 1.0)] {
        let jacobians = random((timesteps, numbers, numbers), scale, numbers as u64);
        let found =
            known(&finite_time(jacobians.view(), numbers, Method::SingularValues).expect("it applies"));
        for timestep in 0..timesteps {
            let volume = log2_det(jacobians.slice(s![..=timestep, .., ..]));
            let total = found.row(timestep).sum() * (timestep + 1) as f64;
            assert!((total - volume).abs() < 1e-9, "{numbers} at {timestep}: {total} and {volume}");
        }
    }
}

#[test]
fn all_rates_of_every_kind_of_network_sum_to_the_logarithm_of_the_determinant() {
    for params in common::each_kind() {
        let run = common::Run::trained(params);
        let kind = run.params.network.kind;
        let analysis = FiniteTime { samples: 3, ..FiniteTime::default() };
        if kind == NetworkKind::Feedforward {
            let error = analysis.run(&run.subject()).expect_err("no dynamics");
            assert!(matches!(error, Error::NotApplicable { .. }) && error.hint().is_some());
            continue;
        }
        let driven = Driven::of(&run.checkpoints[1].1).expect("finite").expect("recurrent");
        let numbers = driven.autonomous().dimension();
        let inputs = random((3, 6, driven.inputs()), 1.0, 4);
        let found = FiniteTime { exponents: Some(numbers), ..analysis }.along(&driven, inputs.view());
        for (found, inputs) in found.expect("it applies").iter().zip(inputs.outer_iter()) {
            let states = driven.trajectory(Array1::zeros(numbers).view(), inputs).expect("shapes agree");
            let jacobians = driven.jacobians(states.view(), inputs).expect("shapes agree");
            let apart = finite_time(jacobians.view(), numbers, Method::SingularValues).expect("it applies");
            let last = found.rates.row(5);
            for (together, apart) in last.iter().zip(apart.rates.row(5)) {
                let near = match (together, apart) {
                    (Some(together), Some(apart)) => (together - apart).abs() < 1e-9,
                    (together, apart) => together.is_none() == apart.is_none(),
                };
                assert!(near, "{kind}: {together:?} and {apart:?}");
            }
            if let Some(total) = last.iter().copied().sum::<Option<f64>>() {
                let volume = log2_det(jacobians.view());
                assert!((6.0 * total - volume).abs() < 1e-7, "{kind}: {} and {volume}", 6.0 * total);
            }
        }
    }
}

/// Large enough for the block Lanczos process.
#[test]
fn rates_are_those_of_the_product_itself_where_it_keeps_its_digits() {
    for (numbers, count, timesteps, seed) in [(40, 5, 6, 1), (60, 1, 3, 2), (33, 3, 10, 3)] {
        let scale = 1.0 / (numbers as f64).sqrt();
        let mut jacobians = random((timesteps, numbers, numbers), 0.3 * scale, seed);
        jacobians.outer_iter_mut().for_each(|mut one| one += &Array2::<f64>::eye(numbers));
        let found = known(&finite_time(jacobians.view(), count, Method::SingularValues).expect("it applies"));
        for timestep in 0..timesteps {
            let expected = plainly(jacobians.slice(s![..=timestep, .., ..]), count);
            let off =
                (&found.row(timestep) - &expected).iter().fold(0.0, |most: f64, off| most.max(off.abs()));
            assert!(off < 1e-10, "{numbers} numbers at {timestep}: {off}");
        }
    }
}

#[test]
fn equal_singular_values_are_all_found_and_orthogonal_maps_keep_lengths() {
    let numbers = 60;
    let rotation = orthogonal(numbers, 5).insert_axis(Axis(0));
    let found = known(&finite_time(rotation.view(), 5, Method::SingularValues).expect("it applies"));
    assert!(found.iter().all(|rate| rate.abs() < 1e-13), "{found}");
    // 4, 4, 2, 2, and the rest spread below 1
    let diagonal = Array1::from_shape_fn(numbers, |k| match k {
        0 | 1 => 4.0,
        2 | 3 => 2.0,
        _ => 1.0 - k as f64 / 100.0,
    });
    let (left, right) = (orthogonal(numbers, 6), orthogonal(numbers, 7));
    let matrix = product((&left * &diagonal).view(), right.view()).insert_axis(Axis(0));
    let found = known(&finite_time(matrix.view(), 5, Method::SingularValues).expect("it applies"));
    let expected = [2.0, 2.0, 1.0, 1.0, 0.96_f64.log2()];
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-11, "{found} and {expected}");
    }
}

/// Values that a product in double precision loses, known by construction.
#[test]
fn small_singular_values_keep_their_digits() {
    let (numbers, timesteps) = (30, 12);
    let bases: Vec<Array2<f64>> = (0..=timesteps as u64).map(|seed| orthogonal(numbers, 20 + seed)).collect();
    let factors = Array1::from_shape_fn(numbers, |k| 2.0_f64.powf(1.0 - 2.0 * k as f64));
    let mut jacobians = Array3::zeros((timesteps, numbers, numbers));
    for (timestep, mut jacobian) in jacobians.outer_iter_mut().enumerate() {
        // from one basis to the next, so that the product is diagonal between the first and the last
        let scaled = &bases[timestep].t() * &factors;
        jacobian.assign(&product(scaled.view(), bases[timestep + 1].view()));
    }
    let found = known(&finite_time(jacobians.view(), 5, Method::SingularValues).expect("it applies"));
    for timestep in 0..timesteps {
        for (k, rate) in found.row(timestep).iter().enumerate() {
            let expected = 1.0 - 2.0 * k as f64;
            assert!((rate - expected).abs() < 1e-9, "{k} at {timestep}: {rate} and {expected}");
        }
    }
}

/// The product of the Jacobians is the derivative of the last state by the first.
#[test]
fn products_are_the_limit_of_central_differences_with_the_order_of_the_scheme() {
    for params in common::each_kind() {
        let smooth = params.network.nonlinearity == concertina_model::params::Nonlinearity::Tanh;
        if params.network.kind == NetworkKind::Feedforward || !smooth {
            continue;
        }
        let kind = params.network.kind;
        let run = common::Run::untrained(params);
        let driven = Driven::of(&run.checkpoints[0].1).expect("finite").expect("recurrent");
        let numbers = driven.autonomous().dimension();
        let inputs = random((1, 4, driven.inputs()), 1.0, 8).index_axis_move(Axis(0), 0);
        let at = |start: &Array1<f64>| {
            driven.trajectory(start.view(), inputs.view()).expect("shapes").row(4).to_owned()
        };
        let start = Array1::from_shape_fn(numbers, |k| 0.1 * (k as f64).sin());
        let direction = Array1::from_shape_fn(numbers, |k| (k as f64 + 1.0).cos());
        let states = driven.trajectory(start.view(), inputs.view()).expect("shapes");
        let jacobians = driven.jacobians(states.view(), inputs.view()).expect("shapes");
        let image = jacobians.outer_iter().fold(direction.clone(), |vector, one| vector.dot(&one));
        let error = |step: f64| {
            let moved = &direction * step;
            let difference = (at(&(&start + &moved)) - at(&(&start - &moved))) / (2.0 * step);
            (&difference - &image).mapv(|off| off * off).sum().sqrt()
        };
        let order = (error(1e-3) / error(2e-4)).ln() / 5.0_f64.ln();
        assert!((order - 2.0).abs() < 0.1, "{kind}: order {order}");
    }
}

#[test]
fn zero_directions_are_undefined_and_others_known() {
    let singular = ndarray::arr2(&[[3.0, 4.0, 0.0], [6.0, 8.0, 0.0], [0.0, 0.0, 0.5]]).insert_axis(Axis(0));
    for method in [Method::SingularValues, Method::Qr] {
        let found = finite_time(singular.view(), 3, method).expect("it applies");
        let lost = found.rates.iter().filter(|rate| rate.is_none()).count();
        assert_eq!(lost, 1, "{method:?}: {found:?}");
    }
    let nothing =
        finite_time(Array3::zeros((3, 2, 2)).view(), 2, Method::SingularValues).expect("it applies");
    assert!(nothing.rates.iter().all(Option::is_none) && nothing.converged.iter().all(|one| *one));
    let none = finite_time(Array3::zeros((0, 2, 2)).view(), 2, Method::SingularValues).expect("no timesteps");
    assert_eq!(none.rates.dim(), (0, 2));
}

#[test]
fn invalid_arrays_and_settings_are_refused() {
    let refused = |jacobians: Array3<f64>, exponents| {
        finite_time(jacobians.view(), exponents, Method::Qr).expect_err("refused").to_string()
    };
    assert_eq!(
        refused(Array3::zeros((3, 2, 4)), 1),
        "jacobians: expected (timesteps, numbers, numbers), with at least one number, found [3, 2, 4]"
    );
    assert_eq!(
        refused(Array3::zeros((3, 2, 2)), 3),
        "`finite_time.exponents`: expected at least 1 and at most 2, the dimension of a state, found 3"
    );
    assert!(
        refused(Array3::from_elem((3, 2, 2), f64::NAN), 1).contains("found NaN at timestep 0, from 0 to 0")
    );
    let run = common::Run::untrained(common::small());
    let refused = |analysis: FiniteTime| analysis.check(&run.params).expect_err("refused").to_string();
    assert_eq!(
        refused(FiniteTime { from: 2, ..FiniteTime::default() }),
        "`finite_time.from`: expected 0 or 1, found 2"
    );
    assert_eq!(
        refused(FiniteTime { exponents: Some(17), ..FiniteTime::default() }),
        "`finite_time.exponents`: expected at most 16, the dimension of a state, found 17"
    );
    assert!(refused(FiniteTime { samples: 0, ..FiniteTime::default() }).contains("at least 1"));
}
