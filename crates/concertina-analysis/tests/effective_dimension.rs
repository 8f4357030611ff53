//! The effective dimension in cases where it is known, under transformations that must never change it, and
//! compared with eigenvalues.

mod common;

use concertina_analysis::{Analysis, EffectiveDimension, Timestep, Timesteps, effective_dimension};
use concertina_numerics::linalg::{product, symmetric_eigen};
use concertina_numerics::random::{Purpose, Stream};
use ndarray::{Array2, ArrayView2, Axis, concatenate};
use proptest::prelude::*;

const NUMBERS: Purpose = Purpose::new("test numbers");

fn gaussian(samples: usize, units: usize, seed: u64) -> Array2<f64> {
    let mut stream = Stream::new(seed, NUMBERS, 0);
    Array2::from_shape_simple_fn((samples, units), || stream.normal())
}

fn dimension(states: ArrayView2<f64>) -> Option<f64> {
    effective_dimension(states).expect("finite states")
}

/// `(Σ λ)² / Σ λ²` from the eigenvalues of the covariance.
fn from_eigenvalues(states: ArrayView2<f64>) -> f64 {
    let centred = &states - &states.mean_axis(Axis(0)).expect("samples");
    let (eigenvalues, _) =
        symmetric_eigen(product(centred.t(), centred.view()).view()).expect("it converges");
    eigenvalues.sum().powi(2) / eigenvalues.mapv(|value| value * value).sum()
}

#[test]
fn points_at_the_ends_of_k_equal_axes_have_dimension_k() {
    for k in 1..8 {
        let axes: Array2<f64> = Array2::eye(k);
        let ends = concatenate(Axis(0), &[axes.view(), (-&axes).view()]).expect("equal widths");
        let found = dimension(ends.view()).expect("it has variance");
        assert!((found - k as f64).abs() < 1e-14, "{k}: {found}");
    }
}

#[test]
fn two_different_points_have_dimension_one_whatever_their_distance() {
    for distance in [1e-3, 1.0, 1e200, 1e-200, 1e-300] {
        let points = ndarray::arr2(&[[distance, 0.0, 0.0], [0.0, distance, 2.0 * distance]]);
        assert_eq!(dimension(points.view()), Some(1.0), "{distance:e}");
    }
}

#[test]
fn equal_states_have_no_dimension() {
    for state in [0.0, 0.1, 1e30] {
        assert_eq!(dimension(Array2::from_elem((10, 4), state).view()), None);
        let single = Array2::from_elem((10, 4), state as f32);
        assert_eq!(effective_dimension(single.view()).expect("finite"), None);
    }
}

#[test]
fn states_that_differ_in_their_last_bits_have_no_dimension() {
    let mut stream = Stream::new(1, NUMBERS, 1);
    let mean = Array2::from_shape_simple_fn((1, 50), || stream.normal() as f32);
    let last_bits = Array2::from_shape_fn((100, 50), |(_, unit)| {
        let state = mean[[0, unit]];
        f32::from_bits(state.to_bits() + stream.below(5)) // up to four units in the last place
    });
    assert_eq!(effective_dimension(last_bits.view()).expect("finite"), None);
    // The same numbers given in f64 count as exact.
    let found = dimension(last_bits.mapv(f64::from).view()).expect("it has variance");
    assert!(found > 10.0, "{found}");
}

#[test]
fn thousands_of_equal_states_have_no_dimension_though_their_sum_is_rounded() {
    for samples in [10, 1000, 30_000] {
        for state in [0.1, 1.0 / 3.0, 1e30] {
            let equal = Array2::from_elem((samples, 3), state);
            assert_eq!(dimension(equal.view()), None, "{samples} of {state}");
        }
    }
}

#[test]
fn states_at_the_end_of_single_precision_have_no_dimension() {
    // A linear network that contracts by 1e-5 per step. Its states span the same directions as the inputs
    // until there are no digits left.
    let mut params = common::small();
    params.task.input_dim = 3;
    params.task.delay = 11;
    params.network.nonlinearity = concertina_model::params::Nonlinearity::Linear;
    let run =
        common::Run::untrained(params).with_weights(|weights| weights.recurrent[0] = Array2::eye(16) * 1e-5);
    let table = EffectiveDimension { samples: 60, ..EffectiveDimension::default() }.run(&run.subject());
    let found = table.expect("valid").floats("effective_dimension").expect("there");
    let first = found[1].expect("it has variance");
    for step in 1..7 {
        let later = found[1 + step].expect("it has variance");
        assert!((later / first - 1.0).abs() < 1e-4, "{step}: {later}, not {first}");
    }
    assert_eq!(found[1 + 9..], [None; 2], "one unit in the last place, and zeros");
}

#[test]
fn a_cloud_that_shrinks_keeps_its_dimension_until_single_precision_ends() {
    let cloud = gaussian(100, 6, 2);
    let expected = dimension(cloud.view()).expect("it has variance");
    for scale in [1e-10, 1e-20, 1e-30] {
        let shrunk = cloud.mapv(|entry| (scale * entry) as f32);
        let found = effective_dimension(shrunk.view()).expect("finite").expect("it has variance");
        assert!((found / expected - 1.0).abs() < 1e-6, "{scale:e}: {found} {expected}");
    }
}

#[test]
fn a_narrow_cloud_far_from_the_origin_keeps_its_dimension_while_it_has_bits() {
    let cloud = gaussian(200, 6, 3);
    let expected = dimension(cloud.view()).expect("it has variance");
    for width in [1e-3_f64, 1e-4] {
        let narrow = cloud.mapv(|entry| (1.0 + width * entry) as f32);
        let found = effective_dimension(narrow.view()).expect("finite").expect("it has variance");
        assert!((found / expected - 1.0).abs() < 1e-2, "{width:e}: {found} {expected}");
    }
}

proptest! {
    #[test]
    fn the_traces_agree_with_the_eigenvalues(samples in 2..40_usize, units in 1..40_usize, seed in 0..1000_u64) {
        let states = gaussian(samples, units, seed);
        let found = dimension(states.view()).expect("it has variance");
        let expected = from_eigenvalues(states.view());
        prop_assert!((found / expected - 1.0).abs() < 1e-10, "{found} {expected}");
        prop_assert!((1.0..=(samples - 1).min(units) as f64).contains(&found), "{found}");
    }

    #[test]
    fn it_is_invariant_under_rotations_scalings_shifts_and_the_order_of_samples(
        samples in 2..30_usize, units in 1..12_usize, seed in 0..1000_u64, scale in -8..8_i32, shift in -3.0..3.0_f64,
    ) {
        let states = gaussian(samples, units, seed);
        let expected = dimension(states.view()).expect("it has variance");
        let raw = gaussian(units, units, seed + 1);
        let rotation = concertina_numerics::linalg::orthogonal_factor(raw.view()).expect("finite");
        let mut order: Vec<usize> = (0..samples).collect();
        Stream::new(seed, NUMBERS, 2).shuffle(&mut order);
        for (name, changed) in [
            ("rotated", product(states.view(), rotation.view())),
            ("scaled", &states * 10.0_f64.powi(scale)),
            ("shifted", &states + shift),
            ("reordered", states.select(Axis(0), &order)),
            ("reflected", -&states),
        ] {
            let found = dimension(changed.view()).expect("it has variance");
            prop_assert!((found / expected - 1.0).abs() < 1e-11, "{name}: {found} {expected}");
        }
    }
}

#[test]
fn strides_do_not_matter() {
    let states = gaussian(30, 20, 4);
    let (view, copy) =
        (states.slice(ndarray::s![..;2, 3..]), states.slice(ndarray::s![..;2, 3..]).to_owned());
    assert_eq!(dimension(view), dimension(copy.view()));
    assert_eq!(dimension(states.t()), dimension(states.t().as_standard_layout().view()));
}

#[test]
fn invalid_states_are_refused_and_named() {
    let refused = |states: Array2<f64>| effective_dimension(states.view()).expect_err("refused").to_string();
    assert_eq!(refused(Array2::zeros((1, 5))), "effective dimension: expected at least 2 samples, found 1");
    let mut states = Array2::zeros((3, 5));
    states[[1, 4]] = f64::NAN;
    states[[2, 0]] = f64::INFINITY;
    assert_eq!(refused(states), "states: expected finite numbers, found NaN at sample 1, unit 4");
}

#[test]
fn the_analysis_gives_the_dimension_of_the_states_at_each_timestep() {
    let run = common::Run::trained(common::small());
    let analysis =
        EffectiveDimension { samples: 60, extend_to: Some(Timestep(7)), ..EffectiveDimension::default() };
    let table = analysis.run(&run.subject()).expect("valid");
    let timesteps = table.integers("timestep").expect("there");
    assert_eq!(timesteps, (0..2).flat_map(|_| (-1..=7).map(Some)).collect::<Vec<_>>());
    let found = table.floats("effective_dimension").expect("there");
    let samples = run.samples(60);
    let mut expected = Vec::new();
    for (_, network) in &run.checkpoints {
        expected.push(effective_dimension(samples.inputs.view()).expect("finite"));
        let states = network.states(&samples.shown, 8).expect("shapes agree");
        expected.extend(states.axis_iter(Axis(1)).map(|states| effective_dimension(states).expect("finite")));
    }
    assert_eq!(found, expected);

    let last = EffectiveDimension { samples: 60, timesteps: Timesteps::Last, extend_to: None, state: None };
    let table = last.run(&run.subject()).expect("valid");
    assert_eq!(table.integers("timestep").expect("there"), [Some(4); 2]);
    assert_eq!(table.floats("effective_dimension").expect("there"), [expected[5], expected[9 + 5]]);
}
