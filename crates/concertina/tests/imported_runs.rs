//! An imported network in a store: it is one run regardless of parameters without effect, it is also found
//! under keys of earlier versions, and it is analysed as far as it has what an analysis needs.

mod support;

use std::path::{Path, PathBuf};

use concertina::analyses::AnalysisSpec;
use concertina::model::params::{NetworkKind, Params, Sweep};
use concertina::recipe::{Recipe, SeedChoice};
use concertina::table::Table;
use concertina::{CheckpointSelection, Error, ErrorKind, FigurePlan, Import, Outcome, Source, Study};
use concertina_arrays::Npz;
use ndarray::{Array2, ArrayD};
use support::{contents, copied, one, open, small, without_seal};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// The weights of `tests/data/weights.safetensors`, on four clusters.
fn import(overrides: &[&str]) -> Import {
    let sweep = Sweep::parse(Params::default(), ["clusters=4", "delay=3"].iter().chain(overrides).copied());
    let sweep = sweep.expect("parameters");
    let mut import = Import::of(data("weights.safetensors"));
    import.given = sweep.given();
    import.params = sweep.only().expect("in range").expect("one run");
    import
}

fn analysed(study: &Study, run: &str, name: &str, settings: &[&str]) -> (Table, Vec<Error>) {
    let sweep = study.stored_sweep([run]).expect("it exists");
    let analysis = concertina::analysis(name, settings.iter().copied()).expect("it is listed");
    let analysed = study.analyse(&sweep, &analysis, &CheckpointSelection::Ends).expect("analyses");
    (analysed.table, analysed.failures)
}

fn archive(folder: &Path, name: &str, arrays: &[(&str, ArrayD<f32>)]) -> PathBuf {
    let mut npz = Npz::new();
    arrays.iter().for_each(|(name, array)| npz.array(name, array).expect("added"));
    let path = folder.join(name);
    std::fs::write(&path, npz.finish().expect("an archive")).expect("written");
    path
}

/// Weights that are not zero, (rows, columns).
fn matrix(rows: usize, columns: usize) -> ArrayD<f32> {
    Array2::from_shape_fn((rows, columns), |(i, j)| ((i * 7 + j * 3) as f32).sin() / 3.0).into_dyn()
}

#[test]
fn parameters_that_change_nothing_made_eight_runs_of_one_network() {
    let folder = tempfile::tempdir().expect("a folder");
    let study = open(&folder.path().join("store"), 1);
    let plain = study.import(&import(&[])).expect("imported");
    for (given, path) in [
        ("seed=3", "seed"),
        ("gain=250", "network.gain"),
        ("learning_rate=0.1", "train.learning_rate"),
        ("optimizer=adam", "train.optimizer"),
        ("batch=20", "train.batch"),
        ("loss=mse", "train.loss"),
        ("train_samples=400", "task.train_samples"),
        ("val_samples=7", "task.val_samples"),
        ("frozen=true", "task.frozen"),
        ("input_weights=diagonal", "network.input_weights"),
        ("dropout=0.2", "network.dropout"),
        ("scheduler=onecycle", "train.scheduler"),
        ("gradients=split", "train.gradients"),
        ("dt=0.5", "network.dt"),
        ("epochs=3", "train.epochs"),
        ("stop_after=3", "train.stop_after"),
    ] {
        let again = study.import(&import(&[given])).expect(given);
        assert_eq!((again.run, again.was_there), (plain.run, true), "{given}");
        assert_eq!(again.without_effect, [path], "{given}: said");
    }
    // A parameter that affects its equations or its trials makes another run.
    for counts in [
        "nonlinearity=relu",
        "kind=leaky",
        "delay=4",
        "hold=2",
        "evaluate=2",
        "clusters=5",
        "cluster_std=0.03",
    ] {
        let other = study.import(&import(&[counts])).expect(counts);
        assert!(other.run != plain.run && !other.was_there && other.without_effect.is_empty(), "{counts}");
    }
    let leaky = study.import(&import(&["kind=leaky", "dt=0.5"])).expect("imported");
    assert_ne!(leaky.run, study.import(&import(&["kind=leaky"])).expect("imported").run);
}

#[test]
fn a_size_given_as_its_default_was_passed_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let study = open(&folder.path().join("store"), 1);
    for (given, expected) in [
        ("units=200", "`network.units`: expected 200, as given, found 4"),
        ("N=200", "`network.units`: expected 200, as given, found 4"),
        ("input_dim=200", "`task.input_dim`: expected 200, as given, found 3"),
        ("units=17", "`network.units`: expected 17, as given, found 4"),
        ("classes=3", "`task.classes`: expected 3, as given, found 2"),
        ("loss=mse_scalar", "expected one output, found 2"),
        ("weights=imported-00000000000000000000000000000000", "as given, found imported-"),
        ("weights=none", "expected none, as given, found imported-"),
    ] {
        let error = study.import(&import(&[given])).expect_err(given);
        assert_eq!(error.kind(), ErrorKind::Usage);
        assert!(error.to_string().contains(expected), "{given}: {error}");
    }
    assert!(study.import(&import(&["units=4", "input_dim=3", "classes=2"])).is_ok());
    // In a file of parameters as well.
    let file = folder.path().join("params.toml");
    std::fs::write(&file, "[network]\nunits = 200\n").expect("written");
    let json = folder.path().join("params.json");
    std::fs::write(&json, r#"{"N": 200}"#).expect("written");
    for file in [file, json] {
        let sweep = concertina::read_sweep(&file).expect("parameters");
        assert_eq!(sweep.given().into_iter().collect::<Vec<_>>(), ["network.units"]);
    }
}

#[test]
fn an_imported_network_was_not_found_beside_runs_with_other_seeds() {
    let folder = tempfile::tempdir().expect("a folder");
    let study = open(&folder.path().join("store"), 2);
    let imported = study.import(&import(&[])).expect("imported");
    let weights = imported.params.network.weights.expect("a name");
    let recipe = format!(
        r#"
figure = "beside"
title = "Here and elsewhere"
[parameters]
task.input_dim = 3
task.clusters = 4
task.delay = 3
task.train_samples = 20
network.units = 4
network.gain = 50.0
train.epochs = 1
train.learning_rate = 0.01
train.loss = "mse"
[runs.all]
sweep = {{ source = [{{ label = "here", network.dt = 0.02 }}, {{ label = "theirs", network.weights = "{weights}" }}] }}
seeds = [0, 1, 2, 3, 4]
[layout]
width_mm = 120
rows = [{{ panels = ["a"], height_mm = 52 }}]
[[panels]]
letter = "a"
runs = "all"
analysis = {{ analysis = "accuracy" }}
checkpoints = "last"
[panels.draw]
kind = "lines"
x = "seed"
y = "accuracy"
hue = "source"
"#
    );
    let path = folder.path().join("beside.toml");
    std::fs::write(&path, recipe).expect("written");
    let recipe = Recipe::from_path(&path).expect("a recipe");
    let plan = FigurePlan::new(vec![recipe], &SeedChoice::Fast, []).expect("valid");
    assert_eq!(plan.runs().len(), 6, "five realisations, and one network");
    let computed = study.compute(&plan).expect("computed");
    assert!(!computed.is_incomplete(), "{:?}", computed.failures);
    let table = &computed.tables(0)[0];
    let sources = table.texts("source").expect("texts");
    let theirs = sources.iter().filter(|source| source.as_deref() == Some("theirs")).count();
    assert_eq!((theirs, sources.len()), (1, 6), "it is shown once");
}

#[test]
fn weights_are_found_under_any_parameters_that_fit_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let study = open(&folder.path().join("store"), 1);
    let imported = study.import(&import(&[])).expect("imported");
    let mut other = imported.params.clone().into_params();
    other.task.delay = 6;
    other.task.clusters = 5;
    let runs = study.train(&one(other.clone())).expect("loads");
    assert_eq!((runs.first().source(), runs.first().outcome()), (Source::Loaded, &Outcome::Complete));
    let accuracy = AnalysisSpec::named("effective_dimension").expect("there is one");
    let analysed =
        study.analyse(&one(other.clone()), &accuracy, &CheckpointSelection::Last).expect("analyses");
    assert_eq!(analysed.table.row_count(), 1 + 6, "the input and six timesteps: the trials asked for");
    assert_eq!(study.keys().expect("listed").len(), 1, "nothing is copied");
    // If the sizes differ, the message says so, and not that the weights are missing.
    other.network.units = 7;
    let runs = study.train(&one(other)).expect("a result");
    let Outcome::Failed { message, .. } = runs.first().outcome() else { panic!("seven units of four") };
    assert!(
        message.contains(&imported.run.short()) && message.contains("`network.units = 4`, found 7"),
        "{message}"
    );
}

/// `tests/data/imports_1` was written before parameters without effect were left out of the keys of imported
/// networks: one network before and after 7 epochs with `seed=4 gain=250 learning_rate=0.01 optimizer=adam
/// batch=20 loss=mse train_samples=400 dropout=0.1`, a linear one with `seed=2`, and one with defaults, all
/// of `weights.safetensors` and on 4 clusters with delay 3.
#[test]
fn imports_of_earlier_versions_are_found_by_key_and_by_parameters() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("store");
    copied(&data("imports_1"), &root);
    let runs_alone = |root: &Path| {
        let mut contents = contents(root);
        contents.retain(|path, _| path.starts_with("runs"));
        contents
    };
    let before = runs_alone(&root);
    let study = open(&root, 1);
    assert!(study.verify().expect("verified").is_empty());
    let keys = ["211a302af3e7", "211a9223d4a5", "cb7fcd9bfe97"];
    let stored: Vec<String> = study.keys().expect("listed").iter().map(|key| key.short()).collect();
    assert_eq!(stored, keys);
    for (key, rows) in [(keys[0], 1), (keys[1], 1), (keys[2], 2)] {
        let (table, failures) = analysed(&study, key, "accuracy", &[]);
        assert!(failures.is_empty() && table.row_count() == rows, "{key}: {failures:?}");
    }
    let stages = analysed(&study, keys[2], "accuracy", &[]).0.texts("stage").expect("texts");
    assert_eq!(stages.iter().flatten().collect::<Vec<_>>(), ["before", "after"]);
    let updates = analysed(&study, keys[2], "spectrum", &[]).0.integers("update").expect("numbers");
    assert_eq!(updates.last(), Some(&Some(140)), "where it was imported, in batches of that time");
    // They are found by the parameters that named them.
    let name = "imported-eca0bc827e4ff7af50631f07e548fe14";
    let old = [
        "clusters=4",
        "delay=3",
        "epochs=7",
        "seed=4",
        "gain=250",
        "learning_rate=0.01",
        "optimizer=adam",
        "batch=20",
        "loss=mse",
        "train_samples=400",
        "dropout=0.1",
        "units=4",
        "input_dim=3",
    ];
    let weights = format!("network.weights={name}");
    for given in [&old[..], &["clusters=4", "delay=3", "units=4", "input_dim=3"]] {
        let sweep = Sweep::parse(Params::default(), given.iter().copied().chain([weights.as_str()]));
        let runs = study.train(&sweep.and_then(Sweep::check).expect("valid")).expect("loads");
        assert_eq!(runs.first().outcome(), &Outcome::Complete);
        assert_eq!(runs.first().last_checkpoint().epoch.0, 7);
        assert!(runs.first().weights(runs.first().last_checkpoint()).is_ok());
    }
    // Importing the same weights again gives the existing run.
    let again = study.import(&import(&["nonlinearity=linear", "seed=9"])).expect("imported");
    assert_eq!((again.run.short().as_str(), again.was_there), (keys[1], true));
    assert_eq!(study.import(&import(&[])).expect("imported").run.short(), keys[0]);
    // A run can be exported under its old key.
    let file = folder.path().join("old.npz");
    let run = study.key_of_run(keys[2]).expect("it exists");
    let exported = study.export(&run, &CheckpointSelection::Ends, &file).expect("exported");
    assert_eq!(exported.checkpoints, 2);
    assert!(runs_alone(&root) == before, "nothing of it has changed");
}

#[test]
fn the_same_networks_with_other_epochs_between_them_are_not_more_checkpoints_of_one_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let study = open(&folder.path().join("store"), 1);

    let before = archive(
        folder.path(),
        "before.npz",
        &[
            ("recurrent_weights", matrix(4, 4)),
            ("input_weights", matrix(3, 4)),
            ("readout_weights", matrix(4, 2)),
        ],
    );
    let with = |epochs: &str| {
        let mut import = import(&[epochs]);
        import.before = Some(before.clone().into());
        import
    };
    let first = study.import(&with("epochs=12")).expect("imported");
    assert_eq!(study.import(&with("epochs=12")).expect("imported").run, first.run);
    let error = study.import(&with("epochs=24")).expect_err("there already");
    assert!(error.to_string().contains("after 12 epochs"), "{error}");
    assert_eq!(study.stored_run(&first.run.to_string()).expect("it exists").checkpoints.len(), 2);
}

#[test]
fn a_network_with_one_input_or_a_hundred_outputs_or_without_either_could_not_be_imported() {
    let folder = tempfile::tempdir().expect("a folder");
    let study = open(&folder.path().join("store"), 1);
    let recurrent = || ("recurrent_weights", matrix(6, 6));
    let with = |name: &str, more: &[(&str, ArrayD<f32>)]| {
        let path = archive(folder.path(), name, &[&[recurrent()], more].concat());
        study.import(&Import::of(path)).expect(name).run.to_string()
    };
    let input = |dimension: usize| ("input_weights", matrix(dimension, 6));
    let readout = |outputs: usize| ("readout_weights", matrix(6, outputs));
    let one_input = with("one_input.npz", &[input(1), readout(1)]);
    let hundred = with("hundred.npz", &[input(5), readout(100)]);
    let no_readout = with("no_readout.npz", &[input(5)]);
    let no_input = with("no_input.npz", &[readout(2)]);
    let alone = with("alone.npz", &[]);
    for run in [&one_input, &hundred, &no_readout, &no_input, &alone] {
        for (name, settings) in [("spectrum", &[][..]), ("lyapunov", &["exponents=2"])] {
            let (table, failures) = analysed(&study, run, name, settings);
            assert!(failures.is_empty() && !table.is_empty(), "{name}: {failures:?}");
        }
        assert!(study.stored_run(run).expect("it exists").params.is_some());
    }
    let all = |run: &str, fine: &[&str], reason: &str, hint: &str| {
        for &name in AnalysisSpec::NAMES {
            let settings: &[&str] = if name == "lyapunov" { &["exponents=2"] } else { &[] };
            let (table, failures) = analysed(&study, run, name, settings);
            if fine.contains(&name) {
                assert!(failures.is_empty(), "{name}: {failures:?}");
                continue;
            }
            assert!(table.is_empty() && !failures.is_empty(), "{name}: {failures:?}");
            for failure in failures {
                assert!(failure.to_string().contains(reason), "{name}: {failure}");
                assert!(
                    failure.hint().is_some_and(|found| found.to_string().contains(hint)),
                    "{name}: {:?}",
                    failure.hint()
                );
            }
        }
    };
    let weights_only = ["spectrum", "lyapunov", "weight_variance", "covariant_vectors"];
    all(&one_input, &weights_only, "cannot place 60 clusters", "clusters=2");
    all(&no_input, &weights_only, "without input weights", "--name");
    let states = [
        "spectrum",
        "lyapunov",
        "effective_dimension",
        "pca_snapshots",
        "cluster_holdout",
        "saturation",
        "class_distances",
        "autocorrelation",
        "fixed_points",
        "representation_similarity",
        "intrinsic_dimension",
        "decoding",
        "manifold_capacity",
        "finite_time",
        "covariant_vectors",
    ];
    all(&no_readout, &states, "without a readout", "--name");
    for &name in AnalysisSpec::NAMES {
        // A held-out cluster for each of a hundred classes needs two hundred clusters, so the analysis is
        // refused before anything is computed.
        if !matches!(name, "lyapunov" | "cluster_holdout") {
            let (table, failures) = analysed(&study, &hundred, name, &[]);
            assert!(failures.is_empty() && !table.is_empty(), "{name}: {failures:?}");
        }
    }
    let run = study.stored_run(&hundred).expect("it exists");
    assert_eq!(run.params.expect("whole").task.clusters, 100, "at least one cluster per class");
    let (table, _) = analysed(&study, &no_readout, "pca_snapshots", &["samples=20", "drawn=2"]);
    assert!(table.texts("kind").expect("texts").iter().all(|kind| kind.as_deref() != Some("readout")));
}

#[test]
fn a_run_that_version_0_1_0_exported_is_imported_as_a_network() {
    let folder = tempfile::tempdir().expect("a folder");
    let study = open(&folder.path().join("store"), 1);
    let other = open(&folder.path().join("other"), 1);
    let mut relu = small();
    relu.network.nonlinearity = concertina::model::params::Nonlinearity::Relu;
    relu.network.kind = NetworkKind::Leaky;
    relu.network.dt = 0.1;
    relu.seed = 3;
    let mut layers = small();
    layers.network.kind = NetworkKind::Feedforward;
    let mut scalar = small();
    scalar.train.loss = concertina::model::params::LossKind::MseScalar;
    let mut gated = small();
    gated.network.kind = NetworkKind::Gru;
    let mut bits = small();
    bits.task.kind = concertina::model::params::TaskKind::FlipFlop;
    bits.task.bits = 2;
    bits.task.timesteps = 8;
    for (number, params) in [small(), relu, layers, scalar, gated, bits].into_iter().enumerate() {
        let runs = study.train(&one(params)).expect("trains");
        let run = runs.first();
        let (first, last) = (run.checkpoints()[0], run.last_checkpoint());
        for (selection, with_before) in
            [("all", true), ("ends", true), ("last", false), ("first", false), ("0,3", true)]
        {
            let sealed = folder.path().join(format!("{number} {selection}.npz"));
            let file = folder.path().join(format!("{number} {selection} of 0.1.0.npz"));
            let selection: CheckpointSelection = selection.parse().expect("a selection");
            study.export(run.key(), &selection, &sealed).expect("exported");
            without_seal(&sealed, &file);
            let imported = other.import(&Import::of(&file)).expect("imported");
            assert!(imported.assumed.is_empty(), "the file says all of it: {:?}", imported.assumed);
            let equations =
                |params: &Params| (params.network.kind, params.network.nonlinearity, params.task.delay);
            assert_eq!(equations(&imported.params), equations(run.params()));
            let sweep = other.stored_sweep([imported.run.to_string().as_str()]).expect("it exists");
            let loaded = other.train(&sweep).expect("loads");
            let loaded = loaded.first();
            let end = match selection {
                CheckpointSelection::First => first,
                CheckpointSelection::Epochs(_) => run.checkpoints()[3],
                _ => last,
            };
            let weights = |run: &concertina::Run, at| run.weights(at).expect("it exists");
            assert!(
                weights(loaded, loaded.last_checkpoint()) == weights(run, end),
                "{number} {}",
                file.display()
            );
            if with_before {
                assert_eq!(loaded.last_checkpoint(), end, "epoch and update are those of the run");
                assert!(weights(loaded, first) == weights(run, first));
                assert!(
                    imported.notes.iter().any(|note| note.contains("before training")),
                    "{:?}",
                    imported.notes
                );
            }
            let is_reported = imported.notes.iter().any(|note| note.contains("seed 3"));
            assert_eq!(is_reported, run.params().seed == 3, "{:?}", imported.notes);
        }
    }
    // A folder of archives.
    let place = folder.path().join("all");
    let keys = study.keys().expect("listed");
    study.export_all(&keys, &CheckpointSelection::Ends, &place).expect("exported");
    let read = Import::of(&place).read().expect("read");
    assert_eq!(read.len(), keys.len());
    for one in read {
        let first = other.import_read(one.clone()).expect("kept");
        assert!(!first.was_there && keys.contains(&first.run), "these are the runs themselves");
        assert!(other.import_read(one).expect("kept").was_there, "the second time");
    }
    assert!(matches!(other.import(&Import::of(&place)), Err(Error::Import { .. })), "one run is expected");
    assert!(
        matches!(Import::of(folder.path()).read(), Err(Error::Import { .. })),
        "a folder of something else"
    );
}
