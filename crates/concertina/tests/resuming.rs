//! A run has the same bits, however its epochs were trained.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use concertina::model::params::{OptimizerKind, Params, SchedulerKind, Sweep};
use concertina::{Event, EventKind, Keep, Observer, Outcome, Settings, Source, Study};
use support::{assert_same_store, contents, one, open, small, stopped_after};

const OPTIMIZERS: [OptimizerKind; 4] =
    [OptimizerKind::Sgd, OptimizerKind::Rmsprop, OptimizerKind::Adam, OptimizerKind::SgdRmsprop];
const SCHEDULERS: [SchedulerKind; 7] = [
    SchedulerKind::None,
    SchedulerKind::Plateau,
    SchedulerKind::Step,
    SchedulerKind::Multistep,
    SchedulerKind::Cyclic,
    SchedulerKind::CyclicHalving,
    SchedulerKind::Onecycle,
];

/// A run that uses everything that an optimizer and a scheduler may have to remember.
fn with(optimizer: OptimizerKind, scheduler: SchedulerKind, epochs: u64) -> Params {
    let mut params = small();
    params.train.optimizer = optimizer;
    params.train.scheduler = scheduler;
    params.train.scheduler_patience = 3;
    params.train.momentum = 0.5;
    params.train.weight_decay = 1e-4;
    params.train.gradient_noise = 1e-3;
    params.network.dropout = 0.1;
    params.network.unit_noise = 1e-3;
    if scheduler == SchedulerKind::Multistep {
        params.train.milestones = vec![5, 15];
    }
    if scheduler == SchedulerKind::Onecycle {
        params.train.cycle_epochs = Some(24);
    }
    params.train.epochs = epochs;
    params
}

#[test]
fn training_12_epochs_and_12_more_gives_the_bytes_of_24_for_every_optimizer_and_scheduler() {
    let folder = tempfile::tempdir().expect("a folder");
    let (split, whole) = (folder.path().join("split"), folder.path().join("whole"));
    let (split_study, whole_study) = (open(&split, 2), open(&whole, 2));
    for optimizer in OPTIMIZERS {
        for scheduler in SCHEDULERS {
            let run = |study: &Study, epochs| {
                study.train(&one(with(optimizer, scheduler, epochs))).expect("trained")
            };
            assert_eq!(run(&split_study, 12).first().source(), Source::Trained);
            let extended = run(&split_study, 24);
            assert_eq!(extended.first().source(), Source::Extended, "{optimizer} {scheduler}");
            assert_eq!(extended.first().history().len(), 24);
            assert_eq!(run(&split_study, 12).first().source(), Source::Loaded);
            let once = run(&whole_study, 24);
            assert_eq!(once.first().history(), extended.first().history());
        }
    }
    assert_same_store(&split, &whole, "12 + 12 compared with 24");
    assert_eq!(contents(&split).keys().filter(|path| path.ends_with("params.toml")).count(), 28);
}

#[test]
fn one_thread_and_two_give_the_same_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    let sweep = || Sweep::of(small()).gain([20.0, 250.0]).seeds(0..4).check().expect("valid");
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    let first = open(&one, 1).train(&sweep()).expect("trained");
    let second = open(&two, 2).train(&sweep()).expect("trained");
    assert_eq!(first.table().expect("a table"), second.table().expect("a table"));
    assert_same_store(&one, &two, "one thread compared with two");
}

#[test]
fn a_run_interrupted_after_any_epoch_resumes_to_the_bytes_of_an_uninterrupted_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut params = small();
    params.train.saves_per_epoch = toml::from_str::<toml::Table>("a = 3")
        .map_or_else(|_| unreachable!("it is TOML"), |table| table["a"].clone().try_into().expect("a rate"));
    let whole = folder.path().join("whole");
    open(&whole, 1).train(&one(params.clone())).expect("trained");
    for epochs in 0..params.train.epochs as usize {
        let store = folder.path().join(format!("stopped after {epochs}"));
        let stopped = stopped_after(&store, epochs).train(&one(params.clone())).expect("the store works");
        assert_eq!(*stopped.first().outcome(), Outcome::Interrupted);
        assert_eq!(stopped.first().history().len(), epochs);
        let resumed = open(&store, 1).train(&one(params.clone())).expect("trained");
        assert_eq!(*resumed.first().outcome(), Outcome::Complete);
        let expected = if epochs == 0 { Source::Trained } else { Source::Resumed };
        assert_eq!(resumed.first().source(), expected, "after {epochs} epochs");
        assert_same_store(&store, &whole, &format!("interrupted after {epochs} epochs"));
    }
}

#[test]
fn a_run_interrupted_again_and_again_still_has_the_same_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    let (whole, often) = (folder.path().join("whole"), folder.path().join("often"));
    open(&whole, 1).train(&one(small())).expect("trained");
    for _ in 0..small().train.epochs {
        stopped_after(&often, 1).train(&one(small())).expect("the store works");
    }
    let last = open(&often, 1).train(&one(small())).expect("trained");
    assert_eq!(*last.first().outcome(), Outcome::Complete);
    assert_same_store(&often, &whole, "interrupted after every epoch");
}

#[test]
fn a_sweep_is_interrupted_as_a_whole_and_shows_which_runs_are_left() {
    let folder = tempfile::tempdir().expect("a folder");
    let sweep = Sweep::of(small()).seeds(0..6).check().expect("valid");
    let study = stopped_after(folder.path(), 8);
    let runs = study.train(&sweep).expect("the store works");
    let interrupted = runs.iter().filter(|run| *run.outcome() == Outcome::Interrupted).count();
    assert!(interrupted >= 3, "{interrupted}");
    let runs = open(folder.path(), 2).train(&sweep).expect("trained");
    assert!(runs.iter().all(|run| *run.outcome() == Outcome::Complete));
}

#[test]
fn early_stopping_ends_where_the_longer_run_would_have_stopped_and_can_be_extended() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut params = small();
    params.train.epochs = 40;
    params.train.optimizer = OptimizerKind::Sgd;
    params.train.learning_rate = 1e-9; // so slow that the validation loss only fluctuates
    params.train.scheduler = SchedulerKind::None;
    let full = open(&folder.path().join("full"), 1).train(&one(params.clone())).expect("trained");
    let stops = |patience| concertina::model::trainer::early_stop(full.first().history(), patience);
    let early =
        (1..8).rev().find_map(|patience| Some((patience, stops(patience).filter(|&stop| stop < 35)?)));
    let (patience, stop) = early.expect("some patience ends early");
    params.train.stop_after = Some(patience);
    let study = open(&folder.path().join("stopped"), 1);
    let stopped = study.train(&one(params.clone())).expect("trained");
    assert_eq!(stopped.first().last_checkpoint().epoch.0, stop);
    assert_eq!(stopped.first().checkpoints().len() as u64, stop + 1);
    assert_eq!(study.train(&one(params.clone())).expect("loaded").first().source(), Source::Loaded);
    params.train.stop_after = None;
    let extended = study.train(&one(params)).expect("trained");
    assert_eq!(extended.first().source(), Source::Extended);
    assert_same_store(&folder.path().join("stopped"), &folder.path().join("full"), "stopped and extended");
}

#[test]
fn a_run_that_diverges_keeps_its_checkpoints_and_does_not_stop_the_others() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut params = small();
    params.network.nonlinearity = concertina::model::params::Nonlinearity::Linear;
    params.train.loss = concertina::model::params::LossKind::Mse;
    params.train.optimizer = OptimizerKind::Sgd;
    let sweep = Sweep::of(params).vary("learning_rate", [1e-3, 1e6]).seeds(0..2).check().expect("valid");
    let study = open(folder.path(), 2);
    let check = |source: Source| {
        let runs = study.train(&sweep).expect("the store works");
        let outcomes: Vec<&str> = runs.iter().map(|run| run.outcome().name()).collect();
        assert_eq!(outcomes, ["complete", "complete", "diverged", "diverged"]);
        assert!(runs.iter().all(|run| run.source() == source), "{source:?}");
        let diverged = &runs[2];
        assert!(diverged.weights(diverged.last_checkpoint()).is_ok());
        runs.table().expect("a table")
    };
    let first = check(Source::Trained);
    let second = check(Source::Loaded);
    assert_eq!(first.texts("status").expect("a column"), second.texts("status").expect("a column"));
    assert_eq!(first.integers("epochs").expect("a column"), second.integers("epochs").expect("a column"));
    let listed = study.run_table().expect("a table").texts("status").expect("a column");
    assert_eq!(listed.iter().flatten().filter(|status| *status == "diverged").count(), 2);
}

#[test]
fn checkpoints_that_are_not_kept_are_computed_again_bit_for_bit() {
    let folder = tempfile::tempdir().expect("a folder");
    let all = open(&folder.path().join("all"), 1).train(&one(small())).expect("trained");
    let ends_folder = folder.path().join("ends");
    let ends = Study::builder(&ends_folder).keep(Keep::Ends).open().expect("a store");
    let ends = ends.train(&one(small())).expect("trained");
    let middle = all.first().checkpoints()[3];
    assert_eq!(ends.first().weights(middle).expect("again"), all.first().weights(middle).expect("it exists"));
    let again = open(&ends_folder, 1).train(&one(small())).expect("trained");
    assert_eq!(again.first().source(), Source::Recomputed);
    assert_same_store(&ends_folder, &folder.path().join("all"), "first the ends and then all");
}

#[test]
fn a_run_trained_again_agrees_with_itself_bit_for_bit_and_a_planted_difference_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    open(folder.path(), 1).train(&one(small())).expect("trained");
    let again = || {
        Study::builder(folder.path())
            .rerun(true)
            .open()
            .expect("a store")
            .train(&one(small()))
            .expect("trained")
    };
    let runs = again();
    let comparison = runs.first().comparison().expect("there was something to compare with");
    assert_eq!((comparison.checkpoints, &comparison.difference), (7, &None));
    assert_eq!(runs.first().source(), Source::Trained);

    // Another run's weights under this run's name, as a stand-in for those of another processor.
    let mut other = small();
    other.seed = 1;
    let other = open(&folder.path().join("other"), 1).train(&one(other)).expect("trained");
    let tensors = |run: &concertina::Run| {
        let weights = run.weights(run.last_checkpoint()).expect("it exists");
        concertina::store::Tensors {
            arrays: weights.tensors().into_iter().collect(),
            metadata: Default::default(),
        }
    };
    let store = concertina::store::Store::open(folder.path()).expect("a store");
    let stored = store.run(runs.first().key());
    let last = runs.first().last_checkpoint();
    let id = concertina::store::CheckpointId { epoch: last.epoch.0, update: last.update.0 };
    let others = stored.checkpoint_ids().expect("ids").into_iter().filter(|other| *other != id).collect();
    stored.pack(concertina::store::Keep::Only(&others)).expect("packed");
    stored.publish_packed(&[(id, &tensors(other.first()))]).expect("packed");
    let runs = again();
    let difference =
        runs.first().comparison().and_then(|comparison| comparison.difference.clone()).expect("planted");
    assert_eq!(difference.checkpoint, last);
}

#[test]
fn runs_with_the_same_key_and_several_lengths_are_one_run_that_grows() {
    let folder = tempfile::tempdir().expect("a folder");
    let sweep = || Sweep::of(small()).vary("epochs", [6_u64, 2, 4]).check().expect("valid");
    let runs = open(&folder.path().join("together"), 2).train(&sweep()).expect("trained");
    let sources: Vec<Source> = runs.iter().map(concertina::Run::source).collect();
    assert_eq!(sources, [Source::Extended, Source::Trained, Source::Extended]);
    assert_eq!(runs.keys().len(), 1);
    let table = runs.table().expect("a table");
    assert_eq!(table.integers("epochs").expect("a column"), [Some(6), Some(2), Some(4)]);
    open(&folder.path().join("whole"), 1).train(&one(small())).expect("trained");
    assert_same_store(
        &folder.path().join("together"),
        &folder.path().join("whole"),
        "2, 4 and 6 compared with 6",
    );
}

#[test]
fn two_clients_of_a_study_cancel_independently() {
    let folder = tempfile::tempdir().expect("a folder");
    let sweep = one(small());
    let study = Study::open(folder.path()).expect("a store");
    let flag = Arc::new(AtomicBool::new(true));
    let other = study.with_settings(Settings::default().cancel(Arc::clone(&flag)));
    let interrupted = other.train(&sweep).expect("it ends");
    assert_eq!(*interrupted.first().outcome(), Outcome::Interrupted);
    let complete = study.train(&sweep).expect("it trains");
    assert_eq!(*complete.first().outcome(), Outcome::Complete);
    flag.store(false, Ordering::Relaxed);
    assert_eq!(other.train(&sweep).expect("it loads").first().source(), Source::Loaded);
}

/// Records the work that events announce.
#[derive(Default)]
struct Work(std::sync::Mutex<f64>);

impl Observer for Work {
    fn observe(&self, event: &Event) {
        if let EventKind::Started { work, .. } = event.kind {
            *self.0.lock().expect("no thread panics") += work;
        }
    }
}

#[test]
fn what_a_sweep_lacks_is_what_training_would_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let observed = Arc::new(Work::default());
    let study = Study::builder(folder.path()).observer(observed.clone()).open().expect("a store");
    let sweep = |epochs: u64| {
        let mut base = small();
        (base.train.epochs, base.train.optimizer) = (epochs, OptimizerKind::Sgd);
        base.network.nonlinearity = concertina::model::params::Nonlinearity::Linear;
        base.train.loss = concertina::model::params::LossKind::Mse;
        Sweep::of(base).vary("learning_rate", [1e-3, 1e6]).seeds(0..2).check().expect("valid")
    };
    let missing = |epochs: u64| study.missing(&sweep(epochs)).expect("a look");
    let before = missing(4);
    assert_eq!(before.iter().map(|one| one.place).collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert!(study.keys().expect("listed").is_empty(), "a look changes nothing");
    let runs = study.train(&sweep(4)).expect("trains");
    let outcomes: Vec<&str> = runs.iter().map(|run| run.outcome().name()).collect();
    assert_eq!(outcomes, ["complete", "complete", "diverged", "diverged"]);
    assert_eq!(before.iter().map(|one| one.work).sum::<f64>(), *observed.0.lock().expect("no thread panics"));
    assert_eq!((missing(4), missing(3)), (Vec::new(), Vec::new()));
    // With more epochs, two of six are left for the runs that did not diverge.
    let left = missing(6);
    assert_eq!(left.iter().map(|one| one.place).collect::<Vec<_>>(), [0, 1]);
    assert!((left[0].work - before[0].work / 2.0).abs() < 1e-9 * left[0].work, "{left:?} {before:?}");
    study.train(&sweep(6)).expect("trains");
    assert_eq!(missing(6), []);
}
