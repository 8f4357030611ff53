//! Trials from a file, from end to end.

mod support;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use concertina::analyses::AnalysisSpec;
use concertina::model::params::{
    LossKind, NetworkKind, OptimizerKind, Params, SchedulerKind, Sweep, TaskKind, TrialSource,
};
use concertina::model::task::{Ask, Target, TaskShape, TrialArrays};
use concertina::{CheckpointSelection, Garbage, Import, Study};
use concertina_arrays::{Arrays, Member, Npz};
use concertina_store::Removal;
use ndarray::{Array1, Array2, Array3, ArrayD, s};
use support::{open, without_seal};

/// Trials that ask which of two inputs was larger, answered in the last two of six timesteps. The condition
/// is by how much.
fn evidence(trials: usize) -> (Array3<f32>, Array2<i64>, Array2<bool>, Array1<i64>) {
    let condition = Array1::from_shape_fn(trials, |trial| (trial * 7 % 4) as i64);
    let inputs = Array3::from_shape_fn((trials, 6, 2), |(trial, step, input)| {
        let wave = ((trial * 31 + step * 17 + input * 5) % 13) as f32 / 13.0 - 0.5;
        let strength = [-1.0, -0.5, 0.5, 1.0][condition[trial] as usize];
        if step < 4 { wave + if input == 0 { strength } else { -strength } } else { 0.0 }
    });
    let targets = Array2::from_shape_fn((trials, 6), |(trial, _)| i64::from(condition[trial] >= 2));
    let mask = Array2::from_shape_fn((trials, 6), |(_, step)| step >= 4);
    (inputs, targets, mask, condition)
}

/// A file of such trials.
fn write(path: &Path, trials: usize) -> PathBuf {
    let (inputs, targets, mask, condition) = evidence(trials);
    let mut npz = Npz::new();
    npz.array("inputs", &inputs.into_dyn()).expect("added");
    npz.array("targets", &targets.into_dyn()).expect("added");
    npz.array("mask", &mask.into_dyn()).expect("added");
    npz.array("condition", &condition.into_dyn()).expect("added");
    std::fs::write(path, npz.finish().expect("written")).expect("written");
    path.to_owned()
}

fn params(file: &Path) -> Params {
    let mut params = Params::default();
    params.task.kind = TaskKind::Trials;
    params.task.file = Some(TrialSource::File(file.to_owned()));
    (params.network.units, params.network.train_input) = (16, true);
    (params.network.gain, params.network.dt) = (Some(1.0), 1.0);
    (params.train.optimizer, params.train.learning_rate) = (OptimizerKind::Adam, 0.01);
    (params.train.scheduler, params.train.epochs) = (SchedulerKind::None, 6);
    params
}

#[test]
fn a_file_of_trials_is_learnt_by_every_recurrent_network_and_resumed_bit_for_bit() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = write(&folder.path().join("trials.npz"), 200);
    let study = open(&folder.path().join("whole"), 2);
    for kind in
        [NetworkKind::Vanilla, NetworkKind::Leaky, NetworkKind::Gru, NetworkKind::Lstm, NetworkKind::Rate]
    {
        let sweep = |epochs: u64| {
            let mut params = params(&file);
            (params.network.kind, params.train.epochs) = (kind, epochs);
            Sweep::of(params).check().expect("valid")
        };
        let sweep_of_six = sweep(6);
        let shape = TaskShape { inputs: 2, target: Target::Classes(2), timesteps: 6, conditions: 4 };
        assert_eq!(*sweep_of_six[0].shape(), shape);
        assert_eq!((sweep_of_six[0].train_samples(), sweep_of_six[0].val_samples()), (170, 30));
        let runs = study.train(&sweep_of_six).expect("trains");
        let run = runs.first();
        let last = run.history().last().expect("trained");
        assert!(last.validation_accuracy.is_some_and(|accuracy| accuracy > 0.9), "{kind}: {last:?}");

        let parts = open(&folder.path().join(format!("parts of {kind}")), 1);
        parts.train(&sweep(2)).expect("trains");
        let extended = parts.train(&sweep(6)).expect("extends");
        let end = run.last_checkpoint();
        assert_eq!(run.weights(end).expect("kept"), extended.first().weights(end).expect("kept"), "{kind}");
        assert_eq!(run.history(), extended.first().history(), "{kind}");
    }
}

#[test]
fn every_epoch_visits_each_trial_once_in_an_order_that_depends_on_seed_and_epoch() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = write(&folder.path().join("trials.npz"), 60);
    let task = |seed: u64| {
        let params = Params { seed, ..params(&file) };
        concertina::model::task::of(&params.check().expect("valid")).expect("a task")
    };
    let order = |seed: u64, epoch: u64| {
        let trials = task(seed).trials(Ask::Training(epoch));
        let concertina::model::task::Inputs::Timed(inputs) = trials.inputs else {
            panic!("an input at every timestep")
        };
        let bits =
            inputs.outer_iter().map(|trial| trial.iter().map(|value| value.to_bits()).collect::<Vec<u32>>());
        bits.collect::<Vec<_>>()
    };
    let sorted = |mut trials: Vec<Vec<u32>>| {
        trials.sort();
        trials
    };
    assert_eq!(order(0, 3), order(0, 3));
    assert_ne!(order(0, 3), order(0, 4));
    assert_ne!(order(0, 3), order(1, 3));
    assert_eq!(sorted(order(0, 3)), sorted(order(1, 4)));
    assert_eq!(task(0).trials(Ask::Validation(0)), task(1).trials(Ask::Validation(7)));
    let shown = task(0).trials(Ask::Analysis { count: 4 });
    let mut conditions = shown.conditions.clone();
    conditions.sort_unstable();
    assert_eq!(conditions, [0, 1, 2, 3], "one of each condition");
    assert_eq!(task(0).trials(Ask::Analysis { count: 1000 }).len(), 9, "all trials for validation");
}

#[test]
fn the_key_depends_on_the_content_and_not_on_the_name_or_types_of_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let key = |params: Params| params.check().expect("valid").canonical();
    let one = write(&folder.path().join("one.npz"), 40);
    let canonical = key(params(&one));
    assert!(canonical.contains("task.file = \"trials-") && !canonical.contains("one.npz"), "{canonical}");
    assert_eq!(canonical, key(params(&write(&folder.path().join("other.npz"), 40))));
    assert_ne!(canonical, key(params(&write(&folder.path().join("more.npz"), 41))));
    // with other types, an explicit split, and without the targets that do not count
    let (inputs, targets, mask, condition) = evidence(40);
    let mut npz = Npz::new();
    for (prefix, range) in [("", 0..34), ("val_", 34..40)] {
        let rows = s![range.clone(), ..];
        let mask = mask.slice(rows).mapv(i64::from);
        let targets = &targets.slice(rows) * &mask - (1 - &mask);
        let inputs = inputs.slice(s![range.clone(), .., ..]).mapv(f64::from);
        npz.array(&format!("{prefix}inputs"), &inputs.into_dyn()).expect("added");
        npz.array(&format!("{prefix}targets"), &targets.into_dyn()).expect("added");
        npz.array(&format!("{prefix}mask"), &mask.into_dyn()).expect("added");
        let condition = condition.slice(s![range]).to_owned();
        npz.array(&format!("{prefix}condition"), &condition.into_dyn()).expect("added");
    }
    let path = folder.path().join("typed.npz");
    std::fs::write(&path, npz.finish().expect("written")).expect("written");
    assert_eq!(canonical, key(params(&path)));
    // parameters of other tasks are not part of the key
    let mut other = params(&one);
    (other.task.clusters, other.task.train_samples, other.task.frozen, other.task.bits) = (5, 77, true, 2);
    assert_eq!(canonical, key(other));
}

#[test]
fn the_hash_of_trials_never_changes() {
    let trials =
        TrialArrays::read(&write(&tempfile::tempdir().expect("a folder").path().join("trials.npz"), 40));
    assert_eq!(trials.expect("read").name().to_string(), "trials-49a1aa2bb5acc67611b01ac72d643892");
}

#[test]
fn a_store_keeps_the_trials_once_and_no_longer_needs_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = write(&folder.path().join("trials.npz"), 60);
    let root = folder.path().join("store");
    let study = open(&root, 2);
    let sweep = Sweep::of(params(&file)).seeds(0..3).check().expect("valid");
    let trained = study.train(&sweep).expect("trains");
    let names = || {
        let entries = std::fs::read_dir(root.join("trials")).expect("kept");
        entries
            .map(|entry| entry.expect("listed").file_name().into_string().expect("hexadecimal"))
            .collect::<Vec<_>>()
    };
    let name = sweep[0].task.arrays().expect("read").name();
    assert_eq!(names(), [format!("{}.safetensors", name.digits())]);
    assert!(study.verify().expect("read").is_empty());
    std::fs::remove_file(&file).expect("removed");

    // read back, listed, analysed and extended without the file
    let study = open(&root, 1);
    let table = study.run_table().expect("read");
    assert_eq!(table.texts("task.file").expect("a column"), vec![Some(name.to_string()); 3]);
    let key = trained.first().key().to_string();
    let stored = study.stored_sweep([key.as_str()]).expect("its trials are in the store");
    let accuracy = AnalysisSpec::named("accuracy").expect("known");
    let analysed = study.analyse(&stored, &accuracy, &CheckpointSelection::Ends).expect("analysed");
    assert_eq!((analysed.failures.len(), analysed.table.row_count()), (0, 2));
    let named = format!("task.file={name}");
    let sweep = concertina::sweep(["task=trials", &named], None)
        .expect("reads")
        .take_trials(|name| study.trials(name));
    assert_eq!(sweep.check().expect("valid")[0].task.arrays().expect("found").name(), name);

    // merged into another store, with the runs
    let other = open(&folder.path().join("other"), 1);
    other.merge(&study).expect("merged");
    assert!(other.trials(name).is_some());
    assert!(other.stored_run(&key).expect("it exists").params.is_some());

    // damaged trials are reported, set aside, and restored by the next run that has them
    let path = root.join("trials").join(&names()[0]);
    let mut bytes = std::fs::read(&path).expect("read");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).expect("written");
    assert_eq!(study.verify().expect("read").len(), 1);
    assert!(study.stored_run(&key).expect("it exists").params.is_none());
    let file = write(&folder.path().join("again.npz"), 60);
    study.train(&Sweep::of(params(&file)).check().expect("valid")).expect("found");
    assert!(study.stored_run(&key).expect("it exists").params.is_some());
}

#[test]
fn importing_an_exported_run_of_trials_reported_clusters() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = write(&folder.path().join("trials.npz"), 60);
    let study = open(&folder.path().join("store"), 1);
    let runs =
        study.train(&Sweep::of(Params { seed: 5, ..params(&file) }).check().expect("valid")).expect("trains");
    let archive = folder.path().join("run.npz");
    study.export(runs.first().key(), &CheckpointSelection::Ends, &archive).expect("exported");
    let other = open(&folder.path().join("other"), 1);
    let same = other.import(&Import::of(&archive)).expect("its trials are in the archive");
    assert_eq!(same.run, *runs.first().key());
    let plain = folder.path().join("plain.npz");
    without_seal(&archive, &plain);
    let mut import = Import::of(&plain);
    let error = other.import(&import).expect_err("its trials are not in the archive");
    assert!(error.to_string().contains("expected a file of trials"), "{error}");
    import.params.task.file = Some(TrialSource::File(file));
    let imported = other.import(&import).expect("imported");
    assert!(!imported.notes.join(" ").contains("clusters"), "{:?}", imported.notes);
    let accuracy = AnalysisSpec::named("accuracy").expect("known");
    let sweep = other.stored_sweep([imported.run.to_string().as_str()]).expect("stored");
    let analysed = other.analyse(&sweep, &accuracy, &CheckpointSelection::Ends).expect("analysed");
    assert_eq!((analysed.failures.len(), analysed.table.row_count()), (0, 2));
}

#[test]
fn collecting_removes_trials_of_no_run_unless_they_are_new() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = write(&folder.path().join("trials.npz"), 60);
    let root = folder.path().join("store");
    let study = open(&root, 1);
    let runs = study.train(&Sweep::of(params(&file)).check().expect("valid")).expect("trains");
    let collected = |study: &Study| {
        let collected = study.collect(&Garbage::default(), Removal::Now).expect("collected");
        collected.iter().filter(|one| one.kind == "trials of no run").count()
    };
    let kept =
        std::fs::read_dir(root.join("trials")).expect("kept").next().expect("one").expect("listed").path();
    let age = |hours: u64| {
        let then = std::time::SystemTime::now() - std::time::Duration::from_secs(3600 * hours);
        std::fs::File::options().write(true).open(&kept).expect("opened").set_modified(then).expect("set");
    };
    age(5);
    assert_eq!(collected(&study), 0, "a run needs them");
    study.remove(&[*runs.first().key()], Removal::Now).expect("removed");
    age(0);
    assert_eq!(collected(&study), 0, "a run that begins may need them");
    age(5);
    assert_eq!(collected(&study), 1);
    assert!(!kept.exists());
}

#[test]
fn analyses_of_trials_are_done_or_refused_with_a_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = write(&folder.path().join("trials.npz"), 200);
    let study = open(&folder.path().join("store"), 2);
    let sweep = Sweep::of(params(&file)).check().expect("valid");
    for name in AnalysisSpec::NAMES {
        let analysis = AnalysisSpec::named(name).expect("known");
        let analysed = study.analyse(&sweep, &analysis, &CheckpointSelection::Ends).expect(name);
        assert!(
            analysed.failures.is_empty() && !analysed.table.is_empty(),
            "{name}: {:?}",
            analysed.failures
        );
    }
    // without conditions, and with one condition per class
    let write = |name: &str, condition: Option<&dyn Fn(usize) -> i64>| {
        let (inputs, targets, mask, _) = evidence(100);
        let mut npz = Npz::new();
        npz.array("inputs", &inputs.into_dyn()).expect("added");
        npz.array("targets", &targets.clone().into_dyn()).expect("added");
        npz.array("mask", &mask.into_dyn()).expect("added");
        if let Some(condition) = condition {
            let condition: ArrayD<i64> = Array1::from_shape_fn(100, condition).into_dyn();
            npz.array("condition", &condition).expect("added");
        }
        let path = folder.path().join(name);
        std::fs::write(&path, npz.finish().expect("written")).expect("written");
        Sweep::of(params(&path)).check().expect("valid")
    };
    let holdout = AnalysisSpec::named("cluster_holdout").expect("known");
    let none = write("none.npz", None);
    let error = study.analyse(&none, &holdout, &CheckpointSelection::Ends).expect_err("no conditions");
    assert!(error.to_string().contains("whose trials have no conditions"), "{error}");
    let (_, targets, ..) = evidence(100);
    let one = write("one.npz", Some(&|trial| targets[[trial, 0]]));
    let analysed = study.analyse(&one, &holdout, &CheckpointSelection::Last).expect("the runs are trained");
    assert!(
        analysed.failures[0].to_string().contains("class 0 has 1 of the conditions"),
        "{}",
        analysed.failures[0]
    );
}

#[derive(Default)]
struct Warnings(std::sync::Mutex<Vec<String>>);

impl concertina::Observer for Warnings {
    fn observe(&self, event: &concertina::Event) {
        if let concertina::EventKind::Warning { message } = &event.kind {
            self.0.lock().expect("no thread panics").push(message.clone());
        }
    }
}

#[test]
fn analyses_of_fewer_trials_than_they_ask_for_did_not_warn() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = write(&folder.path().join("trials.npz"), 100);
    let warnings = std::sync::Arc::new(Warnings::default());
    let study =
        Study::builder(folder.path().join("store")).observer(warnings.clone()).open().expect("a store");
    let sweep = Sweep::of(params(&file)).seeds(0..2).check().expect("valid");
    let analyse = |samples: &str| {
        let analysis = concertina::analysis("effective_dimension", [samples]).expect("an analysis");
        study.analyse(&sweep, &analysis, &CheckpointSelection::Last).expect("analysed");
        std::mem::take(&mut *warnings.0.lock().expect("no thread panics"))
    };
    assert_eq!(analyse("samples=15"), Vec::<String>::new());
    let said = analyse("samples=16");
    assert_eq!(said.len(), 1, "once for both runs: {said:?}");
    assert!(said[0].contains("asks for 16 samples") && said[0].contains("has 15 trials"), "{said:?}");
}

#[test]
fn real_targets_of_a_file_are_learnt_by_their_mean_squared_error() {
    let (inputs, _, _, _) = evidence(200);
    // the sum of both inputs so far; NaN before the first answer
    let targets = Array3::from_shape_fn((200, 6, 1), |(trial, step, _)| match step {
        0 => f32::NAN,
        step => inputs.slice(s![trial, ..=step, ..]).sum() / 4.0,
    });
    let mask = Array2::from_shape_fn((200, 6), |(_, step)| step > 0);
    let mut npz = Npz::new();
    npz.array("inputs", &inputs.into_dyn()).expect("added");
    npz.array("targets", &targets.into_dyn()).expect("added");
    npz.array("mask", &mask.into_dyn()).expect("added");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("reals.npz");
    std::fs::write(&path, npz.finish().expect("written")).expect("written");
    let study = open(&folder.path().join("store"), 1);
    let mut params = params(&path);
    params.train.epochs = 20;
    let sweep = Sweep::of(params).check().expect("valid");
    assert_eq!((sweep[0].train.loss, sweep[0].outputs()), (LossKind::Mse, 1));
    let runs = study.train(&sweep).expect("trains");
    let last = runs.first().history().last().expect("trained").clone();
    assert!(last.validation_r2.is_some_and(|r2| r2 > 0.8), "{last:?}");
}

#[test]
fn a_sweep_over_files_reads_each_file_once_and_names_runs_by_content() {
    let folder = tempfile::tempdir().expect("a folder");
    let one = write(&folder.path().join("one.npz"), 40);
    write(&folder.path().join("two.npz"), 50);
    let deeper = folder.path().join("deeper");
    std::fs::create_dir(&deeper).expect("made");
    let files = format!("task.file={},{}/../two.npz", one.display(), deeper.display());
    let sweep = concertina::sweep(["task=trials", &files, "seed=0..2", "units=8"], None).expect("reads");
    let sweep = sweep.check().expect("valid");
    assert_eq!((sweep.len(), sweep.varied()), (4, &["task.file", "seed"][..]));
    let name = |run: usize| sweep[run].task.arrays().expect("read").name();
    assert_eq!((name(0), name(2)), (name(1), name(3)));
    assert_ne!(name(0), name(2));
}

/// Analyses a network in memory with two inputs, five units and `outputs` outputs, on trials in memory.
fn imported_on(trials: TrialArrays, outputs: usize, analysis: &str) -> (LossKind, usize) {
    let numbers = |shape: [usize; 2]| {
        let array = Array2::from_shape_fn(shape, |(row, column)| ((row * 7 + column * 3) % 5) as f64 / 10.0);
        Member::Numbers(array.into_dyn())
    };
    let arrays = [("rnn.weight_ih_l0", [5, 2]), ("rnn.weight_hh_l0", [5, 5]), ("fc.weight", [outputs, 5])];
    let arrays: Arrays = arrays.map(|(name, shape)| (name.to_owned(), numbers(shape))).into();
    let mut import = Import::of_arrays("state dict", arrays);
    import.params.task.kind = TaskKind::Trials;
    import.params.task.file = Some(TrialSource::Arrays(Arc::new(trials)));
    let folder = tempfile::tempdir().expect("a folder");
    let study = open(&folder.path().join("store"), 1);
    let imported = study.import(&import).expect("imported");
    assert_eq!((imported.notes.len(), imported.trials.len()), (0, 0), "{:?}", imported.trials);
    let sweep = study.stored_sweep([imported.run.to_string().as_str()]).expect("stored");
    let analysis = AnalysisSpec::named(analysis).expect("known");
    let analysed = study.analyse(&sweep, &analysis, &CheckpointSelection::Ends).expect("analysed");
    assert!(analysed.failures.is_empty(), "{:?}", analysed.failures);
    (imported.params.train.loss, analysed.table.row_count())
}

#[test]
fn an_imported_network_is_shown_trials_in_memory() {
    let (inputs, targets, mask, _) = evidence(60);
    let of = |targets: Member| {
        let inputs = Member::Numbers(inputs.mapv(f64::from).into_dyn());
        let mask = Member::Truths(mask.clone().into_dyn());
        let arrays = [("inputs", inputs), ("targets", targets), ("mask", mask)];
        TrialArrays::of_arrays(&arrays.map(|(name, member)| (name.to_owned(), member)).into())
            .expect("trials")
    };
    let classes = || of(Member::Integers(targets.clone().into_dyn()));
    assert_eq!(imported_on(classes(), 2, "accuracy"), (LossKind::default(), 1));
    assert_eq!(imported_on(classes(), 1, "accuracy"), (LossKind::MseScalar, 1));
    let real =
        || of(Member::Numbers(targets.mapv(|class| class as f64).insert_axis(ndarray::Axis(2)).into_dyn()));
    assert_eq!(imported_on(real(), 1, "loss"), (LossKind::Mse, 1));
}
