//! Distances within and across classes in cases where they are known, under transformations that must never
//! change them, and compared with a plain twin.

mod common;

use concertina_analysis::{Analysis, ClassDistances, Distances, Timesteps, class_distances};
use concertina_numerics::linalg::{orthogonal_factor, product};
use concertina_numerics::random::{Purpose, Stream};
use ndarray::{Array2, ArrayView2, Axis, arr2};
use proptest::prelude::*;

const NUMBERS: Purpose = Purpose::new("test numbers");

fn gaussian(samples: usize, units: usize, seed: u64) -> Array2<f64> {
    let mut stream = Stream::new(seed, NUMBERS, 0);
    Array2::from_shape_simple_fn((samples, units), || stream.normal())
}

fn labels(samples: usize, classes: u32, seed: u64) -> Vec<u32> {
    let mut stream = Stream::new(seed, NUMBERS, 1);
    (0..samples).map(|_| stream.below(classes)).collect()
}

fn distances(states: ArrayView2<f64>, labels: &[u32]) -> Distances {
    class_distances(states, labels).expect("finite states")
}

/// A double loop that reads like the definition.
fn plainly(states: ArrayView2<f64>, labels: &[u32]) -> Distances {
    let mut found = [Vec::new(), Vec::new()];
    for i in 0..labels.len() {
        for j in 0..i {
            let squares: f64 = (&states.row(i) - &states.row(j)).iter().map(|off| off * off).sum();
            found[usize::from(labels[i] == labels[j])].push(squares.sqrt());
        }
    }
    let [across, within] = found.map(|found| concertina_numerics::statistics::mean(&found));
    Distances { within, across }
}

fn assert_agree(what: &str, found: Distances, expected: Distances, relative: f64) {
    for (name, found, expected) in
        [("within", found.within, expected.within), ("across", found.across, expected.across)]
    {
        let agree = match (found, expected) {
            (Some(found), Some(expected)) => (found - expected).abs() <= relative * expected,
            (found, expected) => found == expected,
        };
        assert!(agree, "{what}, {name}: expected {expected:?}, found {found:?}");
    }
}

#[test]
fn the_corners_of_a_simplex_are_all_equally_far_apart() {
    for corners in [2_u32, 3, 40, 70] {
        let states: Array2<f64> = Array2::eye(corners as usize);
        let labels: Vec<u32> = (0..corners).map(|corner| corner % 3).collect();
        let Distances { within, across } = distances(states.view(), &labels);
        assert!((across.expect("two classes") - 2.0_f64.sqrt()).abs() < 1e-13, "{corners}: {across:?}");
        assert_eq!(within.is_some(), corners > 3, "{corners}");
        assert!(within.is_none_or(|within| (within - 2.0_f64.sqrt()).abs() < 1e-13), "{corners}: {within:?}");
    }
}

#[test]
fn without_a_pair_there_is_no_distance() {
    let states = gaussian(4, 3, 0);
    let all_alike = distances(states.view(), &[5; 4]);
    assert!(all_alike.within.is_some() && all_alike.across.is_none());
    let all_different = distances(states.view(), &[0, 1, 2, 3]);
    assert!(all_different.within.is_none() && all_different.across.is_some());
    assert_eq!(distances(states.slice(ndarray::s![..1, ..]), &[0]), Distances { within: None, across: None });
    assert_eq!(distances(Array2::zeros((0, 3)).view(), &[]), Distances { within: None, across: None });
}

#[test]
fn equal_states_and_states_without_units_are_no_distance_apart() {
    for states in [Array2::from_elem((5, 4), 0.7), Array2::zeros((5, 4)), Array2::zeros((5, 0))] {
        let found = distances(states.view(), &[0, 1, 0, 1, 0]);
        assert_eq!(found, Distances { within: Some(0.0), across: Some(0.0) });
    }
}

#[test]
fn a_narrow_cloud_far_from_the_origin_keeps_its_digits() {
    // The entries are multiples of 2⁻²⁰, so that the sum of shift and cloud is exact in f32.
    let cloud = gaussian(100, 8, 1).mapv(|entry| (entry * 64.0).round() / f64::from(1 << 20));
    let labels = labels(100, 2, 1);
    let shifted = cloud.mapv(|entry| (1.0 + entry) as f32);
    let found = class_distances(shifted.view(), &labels).expect("finite states");
    assert_agree("shifted by 16,000 widths", found, plainly(cloud.view(), &labels), 1e-14);
}

#[test]
fn very_large_and_very_small_states_neither_overflow_nor_vanish() {
    for size in [1e300, 1e-300] {
        let states = arr2(&[[3.0 * size, 0.0], [0.0, 4.0 * size]]);
        let across = distances(states.view(), &[0, 1]).across.expect("a pair");
        assert!((across / (5.0 * size) - 1.0).abs() < 1e-15, "{across:e}");
    }
}

proptest! {
    #[test]
    fn they_agree_with_a_double_loop(
        samples in 1..100_usize, units in 1..20_usize, classes in 1..5_u32, seed in 0..1000_u64,
    ) {
        let (states, labels) = (gaussian(samples, units, seed), labels(samples, classes, seed));
        let found = distances(states.view(), &labels);
        assert_agree(&format!("seed {seed}"), found, plainly(states.view(), &labels), 1e-13);
        let single = states.mapv(|entry| entry as f32);
        let expected = plainly(single.mapv(f64::from).view(), &labels);
        let found = class_distances(single.view(), &labels).expect("finite states");
        assert_agree(&format!("seed {seed}, f32"), found, expected, 1e-13);
    }

    #[test]
    fn they_are_invariant_under_rotations_shifts_and_the_order_of_samples_and_scale_with_the_cloud(
        samples in 2..60_usize, units in 1..12_usize, seed in 0..1000_u64, factor in 0.01..100.0_f64, shift in -3.0..3.0_f64,
    ) {
        let (states, labels) = (gaussian(samples, units, seed), labels(samples, 3, seed));
        let expected = distances(states.view(), &labels);
        let rotation = orthogonal_factor(gaussian(units, units, seed + 1).view()).expect("finite");
        let mut order: Vec<usize> = (0..samples).collect();
        Stream::new(seed, NUMBERS, 2).shuffle(&mut order);
        let reordered: Vec<u32> = order.iter().map(|sample| labels[*sample]).collect();
        for (name, changed, labels, scale) in [
            ("rotated", product(states.view(), rotation.view()), &labels, 1.0),
            ("shifted", &states + shift, &labels, 1.0),
            ("reordered", states.select(Axis(0), &order), &reordered, 1.0),
            ("scaled", &states * factor, &labels, factor),
        ] {
            let found = distances(changed.view(), labels);
            let scaled = |distance: Option<f64>| distance.map(|distance| distance * scale);
            let expected = Distances { within: scaled(expected.within), across: scaled(expected.across) };
            assert_agree(name, found, expected, 1e-12);
        }
    }
}

#[test]
fn invalid_arrays_are_refused_and_named() {
    let refused = |states: Array2<f64>, labels: &[u32]| {
        class_distances(states.view(), labels).expect_err("refused").to_string()
    };
    assert_eq!(refused(Array2::zeros((3, 2)), &[0, 1]), "labels: expected (samples) = (3), found [2]");
    let mut states = Array2::zeros((3, 2));
    states[[2, 1]] = f64::INFINITY;
    assert_eq!(refused(states, &[0, 1, 0]), "states: expected finite numbers, found inf at sample 2, unit 1");
}

#[test]
fn the_analysis_gives_the_distances_of_inputs_and_states() {
    let run = common::Run::trained(common::small());
    let analysis =
        ClassDistances { samples: 60, timesteps: Timesteps::these([-1, 3]), extend_to: None, state: None };
    let table = analysis.run(&run.subject()).expect("valid");
    let samples = run.samples(60);
    let mut expected = Vec::new();
    for (_, network) in &run.checkpoints {
        let states = network.states(&samples.shown, 4).expect("shapes agree");
        expected.push(class_distances(samples.inputs.view(), &samples.labels).expect("finite"));
        expected.push(class_distances(states.index_axis(Axis(1), 3), &samples.labels).expect("finite"));
    }
    let column = |of: fn(&Distances) -> Option<f64>| expected.iter().map(of).collect::<Vec<_>>();
    assert_eq!(table.floats("within_class_distance").expect("there"), column(|found| found.within));
    assert_eq!(table.floats("across_class_distance").expect("there"), column(|found| found.across));
}
