//! Orthogonal compression in cases where it is known, under transformations that must never change it, and
//! the choice of the readout.

mod common;

use concertina_analysis::{
    Analysis, OrthogonalCompression, Reference, Subject, Timesteps, compression_beside_class_means,
    orthogonal_compression,
};
use concertina_model::Checkpoint;
use concertina_model::network::Network;
use concertina_model::params::{LossKind, NetworkKind, Params};
use concertina_numerics::linalg::{orthogonal_factor, product};
use concertina_numerics::random::{Purpose, Stream};
use concertina_numerics::statistics::mean;
use ndarray::{Array1, Array2, ArrayView2, Axis, arr2, s};
use proptest::prelude::*;

use common::Run;

const NUMBERS: Purpose = Purpose::new("test numbers");

fn gaussian(rows: usize, columns: usize, seed: u64) -> Array2<f64> {
    let mut stream = Stream::new(seed, NUMBERS, 0);
    Array2::from_shape_simple_fn((rows, columns), || stream.normal())
}

fn ratios(
    states: ArrayView2<f64>,
    initial: ArrayView2<f64>,
    readout: ArrayView2<f64>,
    labels: &[u32],
    components: usize,
) -> Vec<Option<f64>> {
    orthogonal_compression(states, initial, readout, labels, components).expect("finite states")
}

#[test]
fn the_part_along_the_readout_does_not_count_and_the_rest_gives_the_ratio() {
    // The readout is along unit 0, which grows. Unit 1 halves, and unit 2 shrinks to a third.
    let initial = gaussian(50, 3, 1) * &Array1::from_vec(vec![1.0, 2.0, 0.0]);
    let labels: Vec<u32> = (0..50).map(|sample| sample % 2).collect();
    let readout = arr2(&[[1.0, -3.0], [0.0, 0.0], [0.0, 0.0]]);
    let halved = &initial * &Array1::from_vec(vec![40.0, 0.5, 1.0]);
    for found in ratios(halved.view(), initial.view(), readout.view(), &labels, 3) {
        assert!((found.expect("defined") - 0.5).abs() < 1e-12, "{found:?}");
    }
    // Shifts of either cloud change nothing.
    for found in ratios((&halved + 5.0).view(), (&initial - 2.0).view(), readout.view(), &labels, 3) {
        assert!((found.expect("defined") - 0.5).abs() < 1e-12, "{found:?}");
    }
}

#[test]
fn components_beyond_those_requested_are_ignored() {
    // A third direction of little variance grows a hundredfold, and still has the least variance.
    let along = |spread: [f64; 3]| gaussian(60, 3, 2) * &Array1::from_vec(spread.to_vec());
    let (initial, states) = (along([9.0, 4.0, 1e-4]), along([9.0, 2.0, 1e-2]));
    let readout = arr2(&[[1.0], [0.0], [0.0]]);
    let two = ratios(states.view(), initial.view(), readout.view(), &[0; 60], 2);
    let three = ratios(states.view(), initial.view(), readout.view(), &[0; 60], 3);
    let all = ratios(states.view(), initial.view(), readout.view(), &[0; 60], 10);
    assert_eq!(three, all, "only three exist");
    let plane = |cloud: &Array2<f64>| cloud.slice(s![.., ..2]).to_owned();
    let expected =
        ratios(plane(&states).view(), plane(&initial).view(), readout.slice(s![..2, ..]), &[0; 60], 2);
    assert!(
        (two[0].expect("defined") / expected[0].expect("defined") - 1.0).abs() < 0.02,
        "{two:?} {expected:?}"
    );
    assert_ne!(two, three);
}

#[test]
fn a_cloud_that_collapses_onto_the_readout_is_compressed_entirely() {
    let initial = gaussian(40, 5, 3);
    let mut states = initial.clone();
    states.slice_mut(s![.., 1..]).fill(0.0);
    let readout = Array2::from_shape_fn((5, 1), |(unit, _)| f64::from(u8::from(unit == 0)));
    for components in [2, 5] {
        let found = ratios(states.view(), initial.view(), readout.view(), &[0; 40], components);
        assert!(found[0].expect("defined") < 1e-15, "{components}: {found:?}");
    }
    let point = Array2::from_elem((40, 5), 0.3);
    let found = ratios(point.view(), initial.view(), readout.view(), &[0; 40], 2);
    assert_eq!(found, [Some(0.0)], "a point has no orthogonal part");
}

#[test]
fn without_an_orthogonal_part_before_training_there_is_no_ratio() {
    let states = gaussian(30, 4, 4);
    let readout = gaussian(4, 1, 5);
    let line = product(gaussian(30, 1, 6).view(), gaussian(1, 4, 7).view());
    let of = |initial: &Array2<f64>, components| {
        ratios(states.view(), initial.view(), readout.view(), &[0; 30], components)
    };
    assert_eq!(of(&line, 2), [None], "one direction");
    assert_eq!(of(&Array2::from_elem((30, 4), 0.1), 2), [None], "no direction");
    assert_eq!(of(&states, 1), [None], "in one dimension there is no orthogonal part");
    assert_eq!(of(&states, 2), [Some(1.0)], "nothing has changed");
    let found = ratios(states.view(), states.view(), gaussian(4, 2, 8).view(), &[0; 30], 2);
    assert_eq!(found, [Some(1.0), None], "class 1 has no sample");
}

#[test]
fn a_readout_of_zeros_removes_nothing() {
    let (states, initial) = (gaussian(30, 4, 9) * 0.2, gaussian(30, 4, 9));
    let found = ratios(states.view(), initial.view(), Array2::zeros((4, 1)).view(), &[0; 30], 4);
    assert!((found[0].expect("defined") - 0.2).abs() < 1e-14, "{found:?}");
}

/// Copies of the same state in which each entry is off by up to `last_bits` units in the last place.
fn nearly_equal(samples: usize, state: &[f32], last_bits: u32) -> Array2<f32> {
    let mut stream = Stream::new(11, NUMBERS, 0);
    Array2::from_shape_fn((samples, state.len()), |(_, unit)| {
        f32::from_bits(state[unit].to_bits() + stream.below(last_bits + 1))
    })
}

#[test]
fn class_means_that_differ_only_by_rounding_remove_nothing() {
    let whole = |initial: &Array2<f64>| {
        let ratios: Vec<f64> = initial.outer_iter().map(|row| 1.0 / row.dot(&row).sqrt()).collect();
        mean(&ratios).expect("samples")
    };
    for classes in [2, 3] {
        let labels: Vec<u32> = (0..60).map(|sample| sample % classes).collect();
        let initial = gaussian(60, 2, 12);
        let states = nearly_equal(60, &[0.6, 0.8], 1);
        let single = initial.mapv(|entry| entry as f32);
        let found = compression_beside_class_means(states.view(), single.view(), &labels).expect("finite");
        let off = found.map(|found| found / whole(&initial) - 1.0);
        assert!(off.is_some_and(|off| off.abs() < 1e-5), "{classes} classes: {found:?}");
    }
    // In double precision, the sums over classes of different sizes are rounded.
    let labels: Vec<u32> = (0..6000).map(|sample| u32::from(sample % 3 == 0)).collect();
    let initial = gaussian(6000, 2, 13);
    let states = Array2::from_shape_fn((6000, 2), |(_, unit)| [0.6, 0.8][unit]);
    let found = compression_beside_class_means(states.view(), initial.view(), &labels).expect("finite");
    let off = found.map(|found| found / whole(&initial) - 1.0);
    assert!(off.is_some_and(|off| off.abs() < 1e-12), "{found:?}");
}

#[test]
fn initial_states_at_the_end_of_single_precision_have_no_orthogonal_part() {
    let tiny = gaussian(30, 4, 14).mapv(|entry| (1e-44 * entry) as f32); // a few units in the last place
    let states = gaussian(30, 4, 15).mapv(|entry| entry as f32);
    let found = orthogonal_compression(states.view(), tiny.view(), gaussian(4, 1, 16).view(), &[0; 30], 4);
    assert_eq!(found.expect("finite"), [None]);
    let labels: Vec<u32> = (0..30).map(|sample| sample % 2).collect();
    let found = compression_beside_class_means(states.view(), tiny.view(), &labels);
    assert_eq!(found.expect("finite"), None);
}

#[test]
fn only_the_differences_of_the_class_means_are_removed() {
    // Classes differ along unit 0, or along units 0 and 1; the remaining units shrink to a quarter.
    for classes in [2_u32, 3] {
        let labels: Vec<u32> = (0..60).map(|sample| sample % classes).collect();
        let apart = classes as usize - 1;
        let mut initial = gaussian(60, 5, 10);
        let mut states = &initial * 0.25;
        for (sample, label) in labels.iter().enumerate() {
            let place = |unit: usize| if *label as usize == unit { 7.0 } else { 0.0 };
            for unit in 0..apart {
                // The samples of a class come in opposite pairs, so that its mean is exact.
                let jitter = if (sample / classes as usize).is_multiple_of(2) { 1.0 } else { -1.0 };
                states[[sample, unit]] = place(unit) + jitter;
            }
        }
        let mut centred = states.slice_mut(s![.., apart..]);
        for class in 0..classes as usize {
            let mean = centred.slice(s![class..;classes as usize, ..]).mean_axis(Axis(0)).expect("samples");
            for mut state in centred.slice_mut(s![class..;classes as usize, ..]).rows_mut() {
                state -= &mean;
            }
        }
        initial.slice_mut(s![.., apart..]).assign(&(&centred * 4.0));
        let found = compression_beside_class_means(states.view(), initial.view(), &labels).expect("finite");
        assert!((found.expect("defined") - 0.25).abs() < 1e-12, "{classes}: {found:?}");
    }
    let states = gaussian(10, 3, 11);
    let one_class = compression_beside_class_means(states.view(), states.view(), &[4; 10]).expect("finite");
    assert_eq!(one_class, None);
}

proptest! {
    #[test]
    fn it_is_invariant_under_rotations_and_the_order_of_samples_and_scales_with_the_later_cloud(
        samples in 12..40_usize, units in 2..10_usize, components in 2..12_usize, seed in 0..1000_u64,
        factor in 0.01..100.0_f64,
    ) {
        // Different spreads along the axes, so that the leading directions are well defined.
        let spread = Array1::from_shape_fn(units, |unit| 2.0_f64.powi(-(unit as i32)));
        let (states, initial) = (gaussian(samples, units, seed) * &spread, gaussian(samples, units, seed + 1) * &spread);
        let readout = gaussian(units, 2, seed + 2);
        let labels: Vec<u32> = (0..samples as u32).map(|sample| sample % 2).collect();
        let both = |states: &Array2<f64>, initial: &Array2<f64>, readout: &Array2<f64>, labels: &[u32]| {
            let mut found = ratios(states.view(), initial.view(), readout.view(), labels, components);
            found.push(compression_beside_class_means(states.view(), initial.view(), labels).expect("finite"));
            found.into_iter().map(|found| found.expect("defined")).collect::<Vec<f64>>()
        };
        let expected = both(&states, &initial, &readout, &labels);
        let turn = orthogonal_factor(gaussian(units, units, seed + 3).view()).expect("finite");
        let turned = |rows: &Array2<f64>| product(rows.view(), turn.view());
        let turned_readout = product(turn.t(), readout.view());
        let mut order: Vec<usize> = (0..samples).collect();
        Stream::new(seed, NUMBERS, 4).shuffle(&mut order);
        let reordered: Vec<u32> = order.iter().map(|sample| labels[*sample]).collect();
        let take = |rows: &Array2<f64>| rows.select(Axis(0), &order);
        for (name, found, scale) in [
            ("rotated", both(&turned(&states), &turned(&initial), &turned_readout, &labels), 1.0),
            ("reordered", both(&take(&states), &take(&initial), &readout, &reordered), 1.0),
            ("scaled", both(&(&states * factor), &initial, &readout, &labels), factor),
            ("another readout of the same direction", both(&states, &initial, &(&readout * -7.0), &labels), 1.0),
        ] {
            for (found, expected) in found.iter().zip(&expected) {
                let off = (found / (scale * expected) - 1.0).abs();
                prop_assert!(off < 1e-6, "{name}: {found} {expected}");
            }
        }
    }
}

#[test]
fn invalid_arrays_are_refused_and_named() {
    let (states, readout) = (gaussian(4, 3, 0), gaussian(3, 2, 0));
    let refused =
        |states: ArrayView2<f64>, initial: ArrayView2<f64>, readout: ArrayView2<f64>, labels: &[u32]| {
            orthogonal_compression(states, initial, readout, labels, 2).expect_err("refused").to_string()
        };
    let one = states.slice(s![..1, ..]);
    assert_eq!(
        refused(one, one, readout.view(), &[0]),
        "orthogonal compression: expected at least 2 samples, found 1"
    );
    assert_eq!(
        refused(states.view(), one, readout.view(), &[0; 4]),
        "initial states: expected (samples, units) = (4, 3), as the states, found [1, 3]"
    );
    assert_eq!(
        refused(states.view(), states.view(), readout.view(), &[0; 3]),
        "labels: expected (samples) = (4), found [3]"
    );
    assert_eq!(
        refused(states.view(), states.view(), readout.t(), &[0; 4]),
        "readout: expected (units, outputs) = (3, any), found [2, 3]"
    );
    let mut wrong = states.clone();
    wrong[[2, 1]] = f64::NAN;
    assert_eq!(
        refused(states.view(), wrong.view(), readout.view(), &[0; 4]),
        "initial states: expected finite numbers, found NaN at sample 2, unit 1"
    );
}

fn compressions(analysis: &OrthogonalCompression, subject: &Subject) -> Vec<Option<f64>> {
    let table = analysis.run(subject).expect("it applies");
    table.floats("orthogonal_compression").expect("there")
}

#[test]
fn the_analysis_compares_states_with_those_before_training_using_the_last_readout() {
    for (kind, loss) in [
        (NetworkKind::Vanilla, LossKind::CrossEntropy),
        (NetworkKind::Leaky, LossKind::MseScalar),
        (NetworkKind::Feedforward, LossKind::Mse),
    ] {
        let mut params = common::small();
        params.task.input_dim = 4;
        (params.network.kind, params.train.loss) = (kind, loss);
        let run = Run::trained(params);
        let analysis = OrthogonalCompression {
            samples: 50,
            timesteps: Timesteps::these([-1, 0, 4]),
            ..OrthogonalCompression::default()
        };
        let found = compressions(&analysis, &run.subject());
        let samples = run.samples(50);
        let states_of = |network: &Network| network.states(&samples.shown, 5).expect("shapes agree"); // (trials, time, units)
        let initial = states_of(&run.checkpoints[0].1);
        let readout = run.checkpoints[1].1.weights().readout.mapv(f64::from);
        let mut expected = Vec::new();
        for (_, network) in &run.checkpoints {
            expected.push(None); // the input has no readout
            for timestep in [0, 4] {
                let states = states_of(network);
                let ratios = orthogonal_compression(
                    states.index_axis(Axis(1), timestep),
                    initial.index_axis(Axis(1), timestep),
                    readout.view(),
                    &samples.labels,
                    4,
                );
                let ratios: Option<Vec<f64>> = ratios.expect("finite").into_iter().collect();
                expected.push(mean(&ratios.expect("defined")));
            }
        }
        assert_eq!(found, expected, "{kind:?}");
        assert_eq!(found[..3], [None, Some(1.0), Some(1.0)], "before training nothing has changed");
        assert!(found[5].is_some_and(|found| found != 1.0), "{found:?}");

        let last = Subject { checkpoints: &run.checkpoints[1..], ..run.subject() };
        assert_eq!(compressions(&analysis, &last), found[3..], "the start need not be requested");
        let beside_means = OrthogonalCompression { reference: Reference::ClassMeans, ..analysis };
        assert_eq!(compressions(&beside_means, &run.subject())[0], Some(1.0), "inputs do not change");
    }
}

#[test]
fn the_readout_is_averaged_over_the_checkpoints_of_the_last_epoch() {
    let params = common::small(); // four updates per epoch
    let run = Run::untrained(params);
    let with_readout = |update: u64, change: &dyn Fn(&mut Array2<f32>)| {
        let mut weights = run.checkpoints[0].1.weights().clone();
        change(&mut weights.readout);
        weights.biases[0].fill(0.1 * update as f32);
        let network = Network::new(&run.params, weights).expect("finite weights");
        (Checkpoint::new(update / 4, update), network)
    };
    let analysis = OrthogonalCompression { samples: 30, ..OrthogonalCompression::default() };
    let rows = |checkpoints: &[(Checkpoint, Network)], one: usize| {
        let subject = Subject { checkpoints, ..run.subject() };
        let found = compressions(&analysis, &subject);
        let each = found.len() / checkpoints.len();
        found[one * each..(one + 1) * each].to_vec()
    };
    // Update 4 ends the first epoch; 5 to 8 make up the second.
    let another = |readout: &mut Array2<f32>| readout.invert_axis(Axis(0));
    let (up, down) = (Array2::from_elem((16, 2), 0.25_f32), Array2::from_elem((16, 2), -0.25_f32));
    let first = with_readout(4, &another);
    let (sixth, eighth) =
        (with_readout(6, &|readout| *readout += &up), with_readout(8, &|readout| *readout += &down));
    let together = rows(&[first.clone(), sixth.clone(), eighth.clone()], 0);
    let unchanged = with_readout(8, &|_| {});
    let with_mean = rows(&[first.clone(), unchanged], 0);
    for (together, with_mean) in together.iter().zip(&with_mean).skip(1) {
        let (together, with_mean) = (together.expect("defined"), with_mean.expect("defined"));
        assert!(
            (together / with_mean - 1.0).abs() < 1e-4,
            "{together} {with_mean}: ± 1/4 is gone in the mean"
        );
    }
    assert_ne!(together, rows(&[first.clone(), sixth], 0), "update 8 counts");
    assert_ne!(together, rows(&[first], 0), "the first epoch does not");
}

#[test]
fn more_classes_than_two_are_averaged() {
    let mut params: Params = common::small();
    params.task.classes = 4;
    let run = Run::trained(params);
    for reference in [Reference::Readout, Reference::ClassMeans] {
        let analysis = OrthogonalCompression { samples: 60, reference, ..OrthogonalCompression::default() };
        let found = compressions(&analysis, &run.subject());
        assert!(
            found[1..6].iter().all(|found| found.is_some_and(|found| (found - 1.0).abs() < 1e-12)),
            "{found:?}"
        );
        assert!(found[7..].iter().all(Option::is_some), "{found:?}");
    }
}
