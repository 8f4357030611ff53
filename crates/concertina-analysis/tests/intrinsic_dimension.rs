//! Intrinsic dimension: clouds of known dimension, plain loops, and undefined cases.

mod common;

use concertina_analysis::{
    Analysis, IntrinsicDimension, correlation_dimension, intrinsic_dimension, levina_bickel,
    participation_ratios, twonn,
};
use concertina_numerics::linalg::orthogonal_factor;
use concertina_numerics::random::{Purpose, Stream};
use concertina_testing::compare::assert_number_relative;
use ndarray::{Array2, ArrayView2, s};

fn normal(samples: usize, units: usize, number: u64) -> Array2<f64> {
    let mut stream = Stream::new(number, Purpose::new("known dimension"), 0);
    Array2::from_shape_simple_fn((samples, units), || stream.normal())
}

#[test]
fn a_gaussian_cloud_has_its_dimension_within_the_standard_error() {
    for dimension in [1, 2, 3] {
        let basis = orthogonal_factor(normal(10, 10, 99).view()).expect("a basis");
        let cloud = normal(2000, dimension, dimension as u64).dot(&basis.slice(s![..dimension, ..]));
        let found = twonn(cloud.view(), 0.1).expect("finite").expect("defined");
        let off = (found.dimension - dimension as f64).abs();
        assert!(off < 3.0 * found.standard_error, "{dimension}: {found:?}");
        assert!(found.standard_error < 0.05 * dimension as f64, "{found:?}");
        let others = intrinsic_dimension(&IntrinsicDimension::default(), cloud.view()).expect("finite");
        let near = |name: &str, found: f64| {
            assert!((found / dimension as f64 - 1.0).abs() < 0.15, "{name} of {dimension}: {found}");
        };
        near("levina_bickel", others.levina_bickel.expect("defined").dimension);
        near("correlation", others.correlation.expect("defined").dimension);
        near("corrected", others.participation.expect("defined").corrected.expect("defined"));
    }
}

/// The standard error is compared with the spread over many clouds on a line.
#[test]
fn the_standard_error_is_the_spread_over_clouds() {
    let found: Vec<(f64, f64)> = (0..300)
        .map(|number| {
            let found = twonn(normal(200, 2, 1000 + number).view(), 0.1).expect("finite").expect("defined");
            (found.dimension, found.standard_error)
        })
        .collect();
    let mean = |of: fn(&(f64, f64)) -> f64| found.iter().map(of).sum::<f64>() / found.len() as f64;
    let (centre, claimed) = (mean(|one| one.0), mean(|one| one.1));
    let spread = (found.iter().map(|one| (one.0 - centre).powi(2)).sum::<f64>() / 299.0).sqrt();
    // neighbours share distances, so the spread is somewhat larger
    assert!((0.85..1.6).contains(&(spread / claimed)), "spread {spread}, standard error {claimed}");
}

#[test]
fn neighbours_agree_with_plain_loops() {
    let cloud = normal(60, 4, 7);
    let mut nearest: Vec<Vec<f64>> = Vec::new();
    let distance =
        |a: usize, b: usize| (&cloud.row(a) - &cloud.row(b)).mapv(|entry| entry * entry).sum().sqrt();
    for one in 0..60 {
        let mut own: Vec<f64> =
            (0..60).filter(|other| *other != one).map(|other| distance(one, other)).collect();
        own.sort_by(f64::total_cmp);
        nearest.push(own);
    }
    let total: f64 = nearest.iter().map(|own| (own[1] / own[0]).ln()).sum();
    let found = twonn(cloud.view(), 0.1).expect("finite").expect("defined");
    assert_number_relative("twonn", found.ml, 60.0 / total, 1e-12);
    let inverse: f64 =
        nearest.iter().flat_map(|own| (0..4).map(|j| (own[4] / own[j]).ln())).sum::<f64>() / 240.0;
    let found = levina_bickel(cloud.view(), 5, 8).expect("finite").expect("defined");
    assert_number_relative("levina_bickel", found.by_neighbours[0], 1.0 / inverse, 1e-12);
    let found = correlation_dimension(cloud.view(), 5, 8).expect("finite").expect("defined");
    for (radius, share) in found.radii.iter().zip(&found.shares) {
        let below = (0..60)
            .flat_map(|a| (a + 1..60).map(move |b| (a, b)))
            .filter(|(a, b)| distance(*a, *b) < *radius);
        assert_number_relative("share", *share, below.count() as f64 / 1770.0, 1e-12);
    }
}

/// All quadruples of different samples, as in the definition.
#[test]
fn the_correction_for_few_samples_is_a_mean_over_quadruples() {
    let cloud = normal(6, 5, 8);
    let (mut squares, mut products, mut count) = (0.0, 0.0, 0.0);
    for i in 0..6 {
        for j in 0..6 {
            for k in 0..6 {
                for l in 0..6 {
                    if i == j || i == k || i == l || j == k || j == l || k == l {
                        continue;
                    }
                    let (one, other) = (&cloud.row(i) - &cloud.row(j), &cloud.row(k) - &cloud.row(l));
                    squares += one.dot(&one) * other.dot(&other) / 4.0;
                    products += one.dot(&other).powi(2) / 4.0;
                    count += 1.0;
                }
            }
        }
    }
    let found = participation_ratios(cloud.view()).expect("finite").expect("defined");
    assert_number_relative("squared trace", found.squared_trace.expect("defined"), squares / count, 1e-12);
    assert_number_relative(
        "trace of square",
        found.trace_of_square.expect("defined"),
        products / count,
        1e-11,
    );
}

#[test]
fn scalings_shifts_rotations_and_repetitions_change_no_estimate_by_neighbours() {
    let cloud = normal(50, 3, 9);
    let rotation = orthogonal_factor(normal(3, 3, 10).view()).expect("a rotation");
    let moved = cloud.dot(&rotation) * 1e-3 + 1.0;
    let twice =
        ndarray::concatenate(ndarray::Axis(0), &[cloud.view(), cloud.slice(s![..7, ..])]).expect("rows");
    let settings = IntrinsicDimension::default();
    let numbers = |states: ArrayView2<f64>| {
        let found = intrinsic_dimension(&settings, states).expect("finite");
        let by_neighbours = [
            found.twonn.expect("defined").dimension,
            found.levina_bickel.expect("defined").dimension,
            found.correlation.expect("defined").dimension,
        ];
        (found.duplicates, by_neighbours)
    };
    let (none, expected) = numbers(cloud.view());
    assert_eq!(none, 0);
    for (states, duplicates) in [(moved, 0), (twice, 7)] {
        let (count, found) = numbers(states.view());
        assert_eq!(count, duplicates);
        found.iter().zip(expected).for_each(|(found, expected)| {
            assert_number_relative("estimate", *found, expected, 1e-9);
        });
    }
}

#[test]
fn undefined_dimensions_are_none() {
    let settings = IntrinsicDimension::default();
    let of = |states: ArrayView2<f64>| intrinsic_dimension(&settings, states).expect("finite");
    let point = of(Array2::from_elem((30, 4), 0.7).view());
    assert_eq!(point.duplicates, 29);
    assert!(point.twonn.is_none() && point.components_90.is_none() && point.participation.is_none());
    // a lattice: both neighbours are equally far away
    let corners = Array2::from_shape_fn((8, 3), |(corner, axis)| f64::from(corner as u32 >> axis & 1));
    assert_eq!(of(corners.view()).twonn, None);
    let few = of(normal(20, 3, 11).view());
    assert!(few.twonn.is_some() && few.levina_bickel.is_none() && few.correlation.is_none());
    let two = of(normal(2, 3, 12).view());
    assert!(two.twonn.is_none() && two.components_90 == Some(1));
    assert_eq!(two.participation.expect("two points differ").corrected, None);
    let one_unit = of(normal(30, 1, 13).view()).participation.expect("defined");
    assert!(one_unit.corrected.is_some() && one_unit.corrected_both.is_none());
    // the extremes of the range of numbers
    for size in [1e-300, 1e300] {
        let found = of((normal(40, 2, 14) * size).view());
        assert!(found.twonn.is_some() && found.correlation.is_some(), "{size}");
    }
}

#[test]
fn settings_out_of_range_are_refused_and_named() {
    let run = common::Run::untrained(common::small());
    let refused =
        |analysis: IntrinsicDimension| analysis.check(&run.params).expect_err("refused").to_string();
    let default = IntrinsicDimension::default;
    assert_eq!(
        refused(IntrinsicDimension { discarded: 1.0, ..default() }),
        "`intrinsic_dimension.discarded`: expected a share between 0 and 1, found 1"
    );
    assert_eq!(
        refused(IntrinsicDimension { k_min: 1, ..default() }),
        "`intrinsic_dimension.k_min`: expected at least 2, found 1"
    );
    assert_eq!(
        refused(IntrinsicDimension { k_min: 20, ..default() }),
        "`intrinsic_dimension.k_max`: expected at least 21, found 20"
    );
}
