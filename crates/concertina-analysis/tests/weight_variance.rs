//! The variance of weights in cases where it is known.

mod common;

use concertina_analysis::{Analysis, VaryingWeights, WeightVariance};
use concertina_model::Checkpoint;
use concertina_model::network::{Network, Weights};
use concertina_model::params::{NetworkKind, Params};
use concertina_numerics::linalg::product;
use concertina_numerics::statistics::variance;
use ndarray::Array2;

use common::Run;

/// A run with one checkpoint for each of these changes to the initial weights.
fn changing(params: Params, changes: &[&dyn Fn(&mut Weights)]) -> Run {
    let run = Run::untrained(params);
    let checkpoints = changes.iter().zip(0..).map(|(change, update)| {
        let mut weights = run.checkpoints[0].1.weights().clone();
        change(&mut weights);
        (Checkpoint::new(0, update), Network::new(&run.params, weights).expect("finite weights"))
    });
    Run { checkpoints: checkpoints.collect(), ..run }
}

fn variances(analysis: &WeightVariance, run: &Run) -> Vec<Option<f64>> {
    let table = analysis.run(&run.subject()).expect("it applies");
    table.floats("weight_variance").expect("there")
}

#[test]
fn a_shift_of_every_weight_has_the_variance_of_the_shift() {
    let shift = |by: f32| move |weights: &mut Weights| weights.readout.fill(0.5 + by);
    let run = changing(common::small(), &[&shift(0.0), &shift(1.0), &shift(2.0), &shift(3.0), &shift(7.0)]);
    let found = variances(&WeightVariance { window: 3, ..WeightVariance::default() }, &run);
    assert_eq!(found, [None, None, Some(1.0), Some(1.0), Some(7.0)], "of 0 1 2, 1 2 3 and 2 3 7");
    let found = variances(&WeightVariance { window: 5, ..WeightVariance::default() }, &run);
    assert_eq!(found[..4], [None; 4], "fewer than the window");
    assert!((found[4].expect("five") - variance(&[0.0, 1.0, 2.0, 3.0, 7.0]).expect("five")).abs() < 1e-13);
}

#[test]
fn it_is_the_mean_over_entries_and_scales_with_the_square_of_the_weights() {
    let only_one = |value: f32| move |weights: &mut Weights| weights.readout[[3, 1]] = value;
    let run = changing(common::small(), &[&only_one(1.0), &only_one(3.0)]);
    let analysis = WeightVariance { window: 2, ..WeightVariance::default() };
    assert_eq!(variances(&analysis, &run), [None, Some(2.0 / 32.0)], "variance 2 of one entry of 16 × 2");
    let fourfold = changing(common::small(), &[&only_one(4.0), &only_one(12.0)]);
    assert_eq!(variances(&analysis, &fourfold), [None, Some(16.0 * 2.0 / 32.0)]);
}

#[test]
fn the_product_is_the_readout_seen_through_all_timesteps() {
    for kind in [NetworkKind::Vanilla, NetworkKind::Leaky, NetworkKind::Feedforward] {
        let mut params = common::small(); // five timesteps
        params.network.kind = kind;
        let run = Run::trained(params);
        let analysis = WeightVariance { window: 2, of: VaryingWeights::Product };
        let products: Vec<Array2<f64>> = run
            .checkpoints
            .iter()
            .map(|(_, network)| {
                let weights = network.weights();
                let readout = weights.readout.mapv(f64::from);
                let matrix = |step: usize| {
                    let layer = if kind == NetworkKind::Feedforward { step - 1 } else { 0 };
                    let matrix = weights.recurrent[layer].mapv(f64::from);
                    let dt = network.dt();
                    if kind == NetworkKind::Leaky {
                        Array2::eye(16) * (1.0 - dt) + matrix * dt
                    } else {
                        matrix
                    }
                };
                let power =
                    (1..5).map(matrix).reduce(|a, b| product(a.view(), b.view())).expect("four steps");
                product(power.view(), readout.view())
            })
            .collect();
        let expected = (&products[0] - &products[1]).mapv(|off| off * off / 2.0).mean().expect("entries");
        let found = variances(&analysis, &run);
        assert_eq!(found[0], None);
        let found = found[1].expect("two checkpoints");
        assert!(expected > 0.0 && (found / expected - 1.0).abs() < 1e-10, "{kind:?}: {found} {expected}");
    }
}

#[test]
fn in_a_trial_of_one_timestep_the_product_is_the_readout() {
    for kind in [NetworkKind::Vanilla, NetworkKind::Feedforward] {
        let mut params = common::small();
        params.task.delay = 1;
        params.network.kind = kind;
        let run = Run::trained(params);
        let of = |of| variances(&WeightVariance { window: 2, of }, &run);
        assert_eq!(of(VaryingWeights::Product), of(VaryingWeights::Readout));
    }
}

#[test]
fn only_the_checkpoints_in_the_window_count() {
    let run = Run::trained(common::small());
    let drift = |by: f32| move |weights: &mut Weights| weights.readout.mapv_inplace(|weight| weight + by);
    let all = changing(run.params.into_params(), &[&drift(9.0), &drift(0.1), &drift(-0.2), &drift(0.4)]);
    let analysis = WeightVariance { window: 2, ..WeightVariance::default() };
    let found = variances(&analysis, &all);
    let without_first = Run { checkpoints: all.checkpoints[1..].to_vec(), ..all };
    assert_eq!(variances(&analysis, &without_first)[1..], found[2..]);
}

#[test]
fn a_window_without_a_variance_and_products_out_of_range_are_refused() {
    let refused =
        |analysis: WeightVariance, run: &Run| analysis.run(&run.subject()).expect_err("refused").to_string();
    let run = Run::untrained(common::small());
    let analysis = WeightVariance { window: 1, ..WeightVariance::default() };
    assert_eq!(refused(analysis, &run), "`weight_variance.window`: expected at least 2, found 1");

    let mut params = common::small();
    params.task.delay = 10;
    let huge = |weights: &mut Weights| weights.recurrent[0].fill(3e38);
    let run = changing(params, &[&huge, &|_: &mut Weights| {}]);
    let analysis = WeightVariance { window: 2, of: VaryingWeights::Product };
    let text = refused(analysis, &run);
    assert!(text.starts_with("variance of weights: expected finite numbers, found"), "{text}");
    assert!(text.ends_with("at checkpoint 0_1"), "{text}");
}
