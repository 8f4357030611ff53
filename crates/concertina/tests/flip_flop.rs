//! A task with inputs and losses at every timestep, from end to end.

mod support;

use concertina::analyses::AnalysisSpec;
use concertina::model::params::{NetworkKind, OptimizerKind, Params, SchedulerKind, Sweep, TaskKind};
use concertina::model::task::{Ask, Targets};
use support::open;

fn params(kind: NetworkKind) -> Params {
    let mut params = Params::default();
    params.task.kind = TaskKind::FlipFlop;
    (params.task.bits, params.task.timesteps) = (2, 30);
    (params.task.train_samples, params.task.val_samples) = (256, Some(64));
    params.network.kind = kind;
    (params.network.units, params.network.train_input) = (32, true);
    (params.network.gain, params.network.dt) = (Some(1.0), 1.0);
    (params.train.optimizer, params.train.learning_rate) = (OptimizerKind::Adam, 0.005);
    (params.train.scheduler, params.train.batch, params.train.epochs) = (SchedulerKind::None, 32, 30);
    params
}

#[test]
fn flip_flops_are_learnt_by_every_recurrent_network_and_resumed_bit_for_bit() {
    let folder = tempfile::tempdir().expect("a folder");
    let study = open(&folder.path().join("whole"), 2);
    for kind in
        [NetworkKind::Vanilla, NetworkKind::Leaky, NetworkKind::Gru, NetworkKind::Lstm, NetworkKind::Rate]
    {
        let sweep = |epochs: u64| {
            let mut params = params(kind);
            params.train.epochs = epochs;
            Sweep::of(params).check().expect("valid")
        };
        let runs = study.train(&sweep(30)).expect("trains");
        let run = runs.first();
        let last = run.history().last().expect("trained");
        let r2 = last.validation_r2.expect("real targets");
        assert!(r2 > 0.6 && last.validation_loss < 0.3, "{kind}: {last:?}");
        assert_eq!((last.training_accuracy, last.validation_accuracy), (None, None));

        let parts = open(&folder.path().join(format!("parts of {kind}")), 1);
        parts.train(&sweep(3)).expect("trains");
        let extended = parts.train(&sweep(30)).expect("extends");
        let end = run.last_checkpoint();
        assert_eq!(run.weights(end).expect("kept"), extended.first().weights(end).expect("kept"), "{kind}");
        assert_eq!(run.history(), extended.first().history(), "{kind}");

        // the loss in the history is that of outputs and targets
        let trials = run.task().expect("a task").trials(Ask::Validation(29));
        let network = run.network(end).expect("kept");
        let states = network.states(&trials.inputs, 30).expect("shapes agree");
        let Targets::Real(targets) = &trials.targets else { panic!("real targets") };
        let mut squares = 0.0;
        for step in 0..30 {
            let outputs = network.outputs(states.index_axis(ndarray::Axis(1), step)).expect("shapes agree");
            let errors = outputs - targets.index_axis(ndarray::Axis(1), step);
            squares += errors.iter().map(|error| f64::from(error * error)).sum::<f64>();
        }
        let loss = squares / targets.len() as f64;
        assert!((loss - last.validation_loss).abs() < 1e-5, "{kind}: {loss} and {}", last.validation_loss);
    }
}

#[test]
fn analyses_of_classes_refuse_real_targets_before_anything_is_trained() {
    let folder = tempfile::tempdir().expect("a folder");
    let study = open(folder.path(), 1);
    let sweep = Sweep::of(params(NetworkKind::Vanilla)).check().expect("valid");
    let at = concertina::CheckpointSelection::Ends;
    let mut refused = Vec::new();
    for name in AnalysisSpec::NAMES {
        let analysis = AnalysisSpec::named(name).expect("known");
        match study.analyse(&sweep, &analysis, &at) {
            Ok(analysed) => {
                assert!(analysed.failures.is_empty() && !analysed.table.is_empty(), "{name}");
                if let Ok(timesteps) = analysed.table.integers("timestep") {
                    assert!(timesteps.iter().flatten().all(|timestep| *timestep >= 0), "{name}");
                }
            }
            Err(error) => {
                assert!(error.to_string().contains("whose targets are real numbers"), "{error}");
                refused.push(*name);
            }
        }
    }
    let expected = ["accuracy", "cluster_holdout", "class_distances", "orthogonal_compression", "decoding"];
    assert_eq!(refused, expected);
    let input = concertina::analysis("effective_dimension", ["timesteps=[-1]"]).expect("an analysis");
    let error = study.analyse(&sweep, &input, &at).expect_err("there is no single input");
    assert!(error.to_string().contains("expected timesteps from 0 to 9999"), "{error}");
}

#[test]
fn parameters_that_a_task_does_not_have_are_not_part_of_the_key() {
    let mut other = params(NetworkKind::Gru);
    (other.task.clusters, other.task.delay) = (5, 3);
    let key = |params: Params| params.check().expect("valid").canonical();
    assert_eq!(key(other), key(params(NetworkKind::Gru)));
    let mut feedforward = params(NetworkKind::Feedforward);
    feedforward.network.dt = 0.01;
    let error = feedforward.check().expect_err("no recurrent network").to_string();
    assert!(error.contains("expected a recurrent network for `task.kind = flip_flop`"), "{error}");
}
