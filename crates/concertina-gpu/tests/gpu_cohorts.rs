//! Cohorts: the bits of a run do not depend on the other runs, nor on interruptions.

mod common;

use std::collections::BTreeSet;
use std::sync::Arc;

use common::{cohort, device, on_cpu, small};
use concertina_gpu::{Beginning, Cohort, Device, Shape};
use concertina_model::network::TrainedWeights;
use concertina_model::params::{Nonlinearity, OptimizerKind, ValidParams};
use concertina_model::trainer::Trainer;

/// The weights after two epochs.
fn trained(device: &Arc<Device>, runs: &[&ValidParams]) -> Vec<TrainedWeights> {
    let mut cohort = cohort(device, runs);
    for _ in 0..2 {
        let wanted = vec![Some(BTreeSet::new()); runs.len()];
        for outcome in cohort.train_epoch(&wanted).expect("the device works") {
            outcome.expect("it was trained").record.expect("it does not diverge");
        }
    }
    (0..runs.len()).map(|run| cohort.weights(run).expect("the device works")).collect()
}

#[test]
fn a_run_has_the_same_bits_twice_and_in_every_cohort() {
    let device = device();
    let runs: Vec<ValidParams> = (0..5)
        .map(|seed| {
            small(|params| {
                (params.seed, params.network.gain) = (seed, Some(20.0 + 50.0 * seed as f64));
                params.train.learning_rate = 1e-3 / (1.0 + seed as f64);
            })
        })
        .collect();
    let together = trained(&device, &runs.iter().collect::<Vec<_>>());
    let some = trained(&device, &[&runs[3], &runs[1]]);
    assert_eq!(together[3], some[0]);
    assert_eq!(together[1], some[1]);
    for (run, expected) in runs.iter().zip(&together) {
        assert_eq!(trained(&device, &[run])[0], *expected);
    }
}

#[test]
fn a_run_that_is_resumed_has_the_bits_of_one_that_is_not() {
    let device = device();
    for optimizer in [OptimizerKind::Rmsprop, OptimizerKind::Adam, OptimizerKind::Sgd] {
        let params = small(|params| {
            (params.train.optimizer, params.train.momentum) = (optimizer, 0.5);
            (params.network.unit_noise, params.train.gradient_noise) = (0.05, 1e-4);
        });
        let expected = trained(&device, &[&params]).remove(0);
        let mut first = cohort(&device, &[&params]);
        first.train_epoch(&[Some(BTreeSet::new())]).expect("the device works");
        let state = first.state(0).expect("the device works");
        let beginning = Beginning { params: &params, state: Some(state) };
        let mut second = Cohort::new(Arc::clone(&device), vec![beginning], 1)
            .expect("the device works")
            .expect("the run continues");
        second.train_epoch(&[Some(BTreeSet::new())]).expect("the device works");
        assert_eq!(second.weights(0).expect("the device works"), expected);
    }
}

#[test]
fn weights_are_taken_at_the_updates_at_which_they_are_wanted() {
    let device = device();
    let params = small(|_| {});
    let mut cohort = cohort(&device, &[&params, &params]);
    let wanted = BTreeSet::from([concertina_model::Update(4), concertina_model::Update(10)]);
    let outcomes = cohort.train_epoch(&[Some(wanted), Some(BTreeSet::new())]).expect("the device works");
    let met: Vec<_> = outcomes.into_iter().map(|outcome| outcome.expect("it was trained").met).collect();
    let at: Vec<_> = met[0].iter().map(|(at, _)| (at.epoch.0, at.update.0)).collect();
    assert_eq!(at, [(0, 4), (1, 10)]);
    assert!(met[1].is_empty() && met[0][0].1 != met[0][1].1);
    assert_eq!(met[0][1].1, cohort.weights(1).expect("the device works"));
}

#[test]
fn a_run_that_diverges_stops_and_the_others_go_on() {
    let device = device();
    let wild_params = small(|params| {
        params.network.nonlinearity = Nonlinearity::Relu;
        params.train.optimizer = OptimizerKind::Sgd;
        params.train.learning_rate = 1e30;
    });
    let calm = small(|params| {
        params.network.nonlinearity = Nonlinearity::Relu;
        params.train.optimizer = OptimizerKind::Sgd;
    });
    assert_eq!(Shape::of(&wild_params), Shape::of(&calm));
    let mut cohort = cohort(&device, &[&wild_params, &calm]);
    let mut outcomes = cohort.train_epoch(&[Some(BTreeSet::new()), Some(BTreeSet::new())]).expect("it works");
    let calm = outcomes.pop().flatten().expect("it was trained");
    assert_eq!(calm.record.expect("it does not diverge").epoch, 1);
    let wild = outcomes.pop().flatten().expect("it was trained");
    let found = wild.record.expect_err("it diverges");
    let mut trainer = Trainer::new(&on_cpu(&wild_params)).expect("it begins");
    let expected = trainer.train_epoch(&BTreeSet::new(), &mut |_, _| {}).expect_err("it diverges");
    let at = |error: &concertina_model::Error| match error {
        concertina_model::Error::Diverged { epoch, update, .. } => (*epoch, *update),
        other => panic!("{other}"),
    };
    assert_eq!(at(&found), at(&expected));
}
