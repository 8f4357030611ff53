//! The analysis `manifold_capacity`: laws, theory of balls, and undefined cases.

mod common;

use concertina_analysis::{Analysis, Error, ManifoldCapacity, Manifolds, anchor_points, manifold_capacity};
use concertina_numerics::linalg::orthogonal_factor;
use concertina_numerics::random::{Purpose, Stream};
use ndarray::{Array2, concatenate, s};

fn normal(rows: usize, columns: usize, number: u64) -> Array2<f64> {
    let mut stream = Stream::new(number, Purpose::new("capacity tests"), 0);
    Array2::from_shape_simple_fn((rows, columns), || stream.normal())
}

#[test]
fn the_capacity_of_points_is_two() {
    let points = normal(6, 4, 1);
    let found = manifold_capacity(points.view(), &[0, 1, 2, 3, 4, 5], 1000, 3).expect("finite");
    let (capacity, error) = found.capacity.zip(found.capacity_error).expect("defined");
    assert!((capacity - 2.0).abs() < 4.0 * error && error < 0.1, "{capacity} ± {error}");
    for manifold in &found.manifolds {
        let known = manifold.anchored.as_ref().expect("apart");
        assert_eq!((known.radius, known.dimension, known.span), (0.0, 0.0, 0));
        let theory: f64 = known.f.iter().sum::<f64>() / known.f.len() as f64;
        assert!((known.capacity.expect("defined") * theory - 1.0).abs() < 1e-12);
    }
}

#[test]
fn a_ball_of_radius_one_has_the_capacity_of_its_dimension() {
    // its cone is its own polar: F has the mean (D + 1) / 2
    for dimension in [1, 2] {
        let count = 400;
        let points = match dimension {
            1 => ndarray::arr2(&[[1.0], [-1.0]]),
            _ => Array2::from_shape_fn((count, 2), |(point, axis)| {
                let angle = std::f64::consts::TAU * point as f64 / count as f64;
                if axis == 0 { libm::cos(angle) } else { libm::sin(angle) }
            }),
        };
        let found = anchor_points(points.view(), normal(4000, dimension + 1, 5).view(), 0.0).expect("finite");
        let expected = 2.0 / (dimension as f64 + 1.0);
        let error = found.capacity_error.expect("defined");
        assert!((found.capacity.expect("defined") - expected).abs() < 4.0 * error, "{dimension}: {error}");
        assert_eq!(found.span, dimension);
    }
}

#[test]
fn shifts_scalings_and_repeated_points_change_nothing() {
    let (mut cloud, labels) = (normal(40, 6, 2), (0..40).map(|row| row % 4).collect::<Vec<u32>>());
    for (row, mut point) in cloud.outer_iter_mut().enumerate() {
        point[row % 4] += 4.0;
    }
    let of = |cloud: &Array2<f64>, labels: &[u32]| {
        let found = manifold_capacity(cloud.view(), labels, 50, 9).expect("finite");
        found.capacity.expect("defined")
    };
    let expected = of(&cloud, &labels);
    let moved = &cloud * 37.0 + 1000.0;
    assert!((of(&moved, &labels) / expected - 1.0).abs() < 1e-9);
    let twice = concatenate![ndarray::Axis(0), cloud, cloud];
    let labels_twice = [labels.clone(), labels.clone()].concat();
    assert!((of(&twice, &labels_twice) / expected - 1.0).abs() < 1e-9);
    // a rotation changes only which directions are drawn
    let rotated = cloud.dot(&orthogonal_factor(normal(6, 6, 3).view()).expect("a rotation"));
    let found = manifold_capacity(rotated.view(), &labels, 4000, 9).expect("finite");
    let before = manifold_capacity(cloud.view(), &labels, 4000, 9).expect("finite");
    let apart = found.capacity.expect("defined") - before.capacity.expect("defined");
    assert!(apart.abs() < 5.0 * before.capacity_error.expect("defined"), "{apart}");
}

#[test]
fn degenerate_clouds_are_undefined_and_invalid_ones_refused() {
    let cloud = normal(10, 3, 4);
    let alone = manifold_capacity(cloud.view(), &[7; 10], 20, 0).expect("finite");
    assert_eq!((alone.capacity, alone.manifolds[0].anchored.as_ref()), (None, None));
    let equal = Array2::from_elem((4, 3), 0.5_f32);
    assert_eq!(manifold_capacity(equal.view(), &[0, 0, 1, 1], 20, 0).expect("finite").capacity, None);
    let table = alone.table().expect("columns");
    assert_eq!(table.integers("manifold").expect("there"), [Some(7), None]);
    assert_eq!(table.floats("capacity").expect("there"), [None, None]);
    // fewer points than units, and a manifold of equal points beside others
    let mut few = normal(4, 30, 5);
    let first = few.row(0).to_owned();
    few.row_mut(1).assign(&first);
    let found = manifold_capacity(few.view(), &[0, 0, 1, 1], 300, 0).expect("finite");
    let spans: Vec<usize> =
        found.manifolds.iter().map(|one| one.anchored.as_ref().expect("apart").span).collect();
    assert_eq!(spans, [0, 1]);
    assert!(
        manifold_capacity(Array2::<f64>::zeros((0, 3)).view(), &[], 20, 0)
            .expect("finite")
            .capacity
            .is_none()
    );
    let one_unit = manifold_capacity(cloud.slice(s![.., ..1]), &[0, 0, 0, 0, 0, 1, 1, 1, 1, 1], 50, 0);
    assert!(one_unit.expect("finite").capacity.is_some());

    let refused = |labels: &[u32], directions| {
        manifold_capacity(cloud.view(), labels, directions, 0).expect_err("refused").to_string()
    };
    assert_eq!(refused(&[0; 9], 20), "labels: expected (samples) = (10), found [9]");
    assert_eq!(refused(&[0; 10], 1), "`manifold_capacity.directions`: expected at least 2, found 1");
}

#[test]
fn clusters_or_classes_are_the_manifolds_of_a_run() {
    let run = common::Run::trained(common::small());
    let analysis = ManifoldCapacity { samples: 60, directions: 40, ..ManifoldCapacity::default() };
    let table = analysis.run(&run.subject()).expect("it applies");
    // 2 checkpoints, 6 timesteps, 10 clusters and their set
    assert_eq!(table.row_count(), 2 * 6 * 11);
    assert!(table.integers("unconverged").expect("there").iter().all(|count| *count == Some(0)));
    let of_classes = ManifoldCapacity { manifolds: Manifolds::Class, ..analysis.clone() };
    assert_eq!(of_classes.run(&run.subject()).expect("it applies").row_count(), 2 * 6 * 3);
    let error = ManifoldCapacity { directions: 0, ..analysis }.run(&run.subject()).expect_err("refused");
    assert!(matches!(error, Error::Parameter { parameter: "directions", .. }), "{error}");
}
