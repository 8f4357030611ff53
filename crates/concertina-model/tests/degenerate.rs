//! Parameters at the edges of their ranges: compared with closed forms, or refused with a reason.

use std::collections::BTreeSet;

use concertina_model::network::{Network, TrainedWeights, Weights, initial};
use concertina_model::params::{NetworkKind, Params, ValidParams};
use concertina_model::trainer::Trainer;
use concertina_model::{Checkpoint, Error};
use ndarray::{Array2, ArrayView2};

/// Small parameters with these changes, as in `units=1 gain=0`.
fn params(changes: &str) -> ValidParams {
    let mut params = Params::default();
    for change in "units=6 input_dim=3 clusters=6 delay=3 train_samples=12 val_samples=4 batch=4"
        .split_whitespace()
        .chain(changes.split_whitespace())
    {
        let (name, value) = change.split_once('=').expect("name=value");
        params.set(name, value).expect("in range");
    }
    params.check().expect("valid")
}

fn drawn(changes: &str) -> Weights {
    initial::draw(&params(changes)).expect("weights")
}

#[test]
fn initial_weights_beyond_single_precision_are_refused_with_the_scale_that_causes_them() {
    for (change, parameter) in [
        ("gain=1e300", "network.gain"),
        ("gain=1e300 kind=leaky", "network.gain"),
        ("gain=1e300 kind=leaky random_fraction=0", "network.gain"),
        ("gain=1e300 kind=feedforward", "network.gain"),
        ("gain=1.7e308 dt=1", "network.gain"),
        ("input_scale=1e300", "network.input_scale"),
        ("input_scale=1e300 input_weights=diagonal", "network.input_scale"),
        ("readout_scale=1e300", "network.readout_scale"),
        ("kind=gru gate_gain=1e300", "network.gate_gain"),
        ("kind=lstm gate_gain=1e300", "network.gate_gain"),
        ("kind=gru gate_bias=1e300", "network.gate_bias"),
        ("kind=lstm gate_bias=1e300", "network.gate_bias"),
    ] {
        let error = Network::initial(&params(change)).expect_err("refused");
        assert!(
            matches!(&error, Error::Parameter { parameter: named, .. } if named == parameter),
            "{change}: {error}"
        );
        assert_eq!(error.hint(), Some(format!("lower `{parameter}`")), "{change}");
        assert!(Trainer::new(&params(change)).is_err(), "{change}");
    }
    let error = Network::initial(&params("gain=1e300")).expect_err("refused").to_string();
    assert_eq!(
        error,
        "`network.gain`: expected a number that keeps every weight below 3.4e38, the largest number in single precision, found 1e300"
    );
}

#[test]
fn without_gain_recurrent_weights_are_the_rest_of_the_identity() {
    for kind in [NetworkKind::Vanilla, NetworkKind::Feedforward] {
        for (dt, left) in [(0.25, 0.75_f32), (1.0, 0.0)] {
            for weights in drawn(&format!("gain=0 dt={dt} kind={kind}")).recurrent {
                assert_eq!(weights, Array2::<f32>::eye(6) * left, "{kind}, {dt}");
            }
        }
    }
    assert_eq!(drawn("gain=0 kind=leaky").recurrent[0], Array2::<f32>::zeros((6, 6)));
}

#[test]
fn the_recurrent_weight_of_a_single_unit_is_the_gain_up_to_its_sign() {
    for gain in [0.0, 1e-40, 3.0, 1e30] {
        let weight = f64::from(drawn(&format!("units=1 gain={gain} dt=1")).recurrent[0][[0, 0]]);
        assert_eq!(weight.abs(), f64::from(gain as f32), "{gain}");
    }
    let leaky = drawn("units=1 gain=3 kind=leaky random_fraction=0").recurrent[0][[0, 0]];
    assert_eq!(leaky, 3.0, "an orthogonal 1 by 1 matrix with a positive diagonal is 1");
}

/// `a aᵀ` is a multiple of the identity.
fn has_orthogonal_rows(a: ArrayView2<f64>) -> bool {
    let gram = a.dot(&a.t());
    let size = gram[[0, 0]];
    gram.indexed_iter().all(|((i, j), entry)| (entry - if i == j { size } else { 0.0 }).abs() < 1e-5 * size)
}

#[test]
fn orthogonal_input_weights_are_orthogonal_and_their_mean_size_is_the_scale() {
    for (units, input_dim) in [(6, 3), (3, 3), (2, 5), (1, 5), (5, 1), (1, 1)] {
        let input =
            drawn(&format!("units={units} input_dim={input_dim} input_scale=2")).input.mapv(f64::from);
        assert_eq!(input.dim(), (input_dim, units));
        let few = if input_dim <= units { input.view() } else { input.t() };
        assert!(has_orthogonal_rows(few), "{units} units, {input_dim} inputs");
        let mean = input.iter().map(|entry| entry.abs()).sum::<f64>() / input.len() as f64;
        let expected = 2.0 / (input_dim as f64).sqrt();
        assert!((mean / expected - 1.0).abs() < 1e-6, "{units} units, {input_dim} inputs: {mean}");
    }
}

/// Trains and keeps every update. Returns what was kept, and the error that ended training, if any.
fn all_kept(changes: &str) -> (Vec<(Checkpoint, TrainedWeights)>, Option<Error>) {
    let mut trainer = Trainer::new(&params(changes)).expect("weights in range");
    let wanted: BTreeSet<_> = (1..=100).map(concertina_model::Update).collect();
    let mut kept = Vec::new();
    for _ in 0..3 {
        if let Err(error) =
            trainer.train_epoch(&wanted, &mut |checkpoint, weights| kept.push((checkpoint, weights)))
        {
            return (kept, Some(error));
        }
    }
    (kept, None)
}

#[test]
fn weights_that_exceed_single_precision_end_a_run_whatever_its_loss() {
    // The zero loss stays zero, and tanh turns an infinite input into a finite state.
    for changes in [
        "loss=zero weight_decay=1e300 optimizer=sgd",
        "loss=zero weight_decay=1e10 optimizer=sgd learning_rate=1 train_samples=40",
        "learning_rate=1e300",
        "learning_rate=1e300 optimizer=sgd gain=1 delay=1",
        "learning_rate=1e300 optimizer=adam loss=mse",
        "gradient_noise=1e300 loss=zero",
        "weight_decay=1e300",
    ] {
        let (kept, error) = all_kept(changes);
        let Some(Error::Diverged { epoch: 1, update, largest_weight, .. }) = error else {
            panic!("{changes}: {error:?} after {} updates", kept.len())
        };
        assert!(largest_weight.is_infinite(), "{changes}");
        let before: Vec<&(Checkpoint, TrainedWeights)> =
            kept.iter().filter(|(checkpoint, _)| checkpoint.update.0 < update).collect();
        assert_eq!(before.len() as u64, update - 1, "{changes}");
        for (checkpoint, weights) in &kept {
            let finite =
                weights.tensors().iter().all(|(_, array)| array.iter().all(|entry| entry.is_finite()));
            assert!(finite, "{changes}: weights at {checkpoint}");
        }
    }
}

#[test]
fn a_first_loss_that_is_not_finite_is_not_blamed_on_the_learning_rate() {
    let (kept, error) = all_kept("unit_noise=1e300");
    assert!(kept.is_empty());
    let hint = error.expect("infinite noise").hint().expect("a hint");
    assert!(hint.contains("`network.unit_noise`") && !hint.contains("learning_rate"), "{hint}");
}
