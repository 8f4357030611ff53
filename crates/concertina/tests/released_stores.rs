//! The store that each release wrote can be read, and trained on, for ever.
//!
//! In `tests/data`, `store_<format>_of_<version>` is a store as that version wrote it, with one run of every
//! kind; the file of the same name that ends in `.json` says what is in it, and `exported_by_<version>` holds
//! its runs as `runs export` wrote them. A release adds its own (docs/concepts/versions.md says how).

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::SystemTime;

use concertina::analyses::{Analysis, AnalysisSpec};
use concertina::arrays::Npz;
use concertina::model::params::{Params, Sweep, TrialSource, ValidSweep};
use concertina::store::{LAYOUT, Store};
use concertina::{
    CheckpointSelection, Event, EventKind, Import, MergeFate, Observer, Source, Study, StudyBuilder,
};
use ndarray::Array;
use serde::{Deserialize, Serialize};
use support::{copied, open};

/// What is in a store.
#[derive(Debug, Serialize, Deserialize)]
struct Contents {
    runs: Vec<KnownRun>,
    /// Results for the first run, at its ends: name, settings, version.
    analyses: Vec<(String, Vec<String>, u32)>,
}

/// A run in a store.
#[derive(Debug, Serialize, Deserialize)]
struct KnownRun {
    parameters: Vec<String>,
    key: String,
    status: String,
    /// The bits of training and validation loss, epoch by epoch, when training goes on for two epochs.
    continued: Vec<String>,
}

const TINY: [&str; 7] =
    ["units=4", "input_dim=3", "clusters=4", "delay=3", "train_samples=20", "val_samples=8", "epochs=2"];

/// A run of every kind: they differ in network, task, or how gradients are computed. Most weights are drawn
/// as PyTorch draws them, because that gives the same bits on every processor.
const RUNS: [&[&str]; 6] = [
    &["init=pytorch"],
    &["network=leaky", "nonlinearity=linear", "batch=20", "loss=mse", "saves_per_epoch=1"],
    &["network=gru", "init=pytorch", "optimizer=adam", "scheduler=none"],
    &["task=flip_flop", "bits=2", "timesteps=8", "init=pytorch", "optimizer=adam"],
    &["task=trials", "init=pytorch", "seed=3"],
    &["network=feedforward", "init=pytorch"],
];
/// Which of them is not trained to its end.
const UNFINISHED: usize = 5;

/// Every analysis, with settings that keep its result small.
const ANALYSES: [(&str, &[&str]); 13] = [
    ("effective_dimension", &["samples=20"]),
    ("accuracy", &["samples=20"]),
    ("loss", &["samples=20"]),
    ("pca_snapshots", &["samples=20", "drawn=5"]),
    ("lyapunov", &["exponents=3", "burn_in=10", "max_iterations=60"]),
    ("cluster_holdout", &["samples=20", "splits=2"]),
    ("saturation", &["samples=20"]),
    ("class_distances", &["samples=20"]),
    ("orthogonal_compression", &["samples=20"]),
    ("weight_variance", &["window=2"]),
    ("autocorrelation", &["samples=20"]),
    ("spectrum", &[]),
    ("fixed_points", &["starts=10"]),
];

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

/// The stores of all releases.
fn stores() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(data()).expect("the folder of test data");
    let folders = entries.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_dir());
    let mut stores: Vec<PathBuf> = folders
        .filter(|path| {
            let name = path.file_name().expect("a name").to_string_lossy();
            name.starts_with("store_") && name.contains("_of_")
        })
        .collect();
    stores.sort();
    assert!(!stores.is_empty());
    stores
}

fn contents_of(store: &Path) -> Contents {
    let path = PathBuf::from(format!("{}.json", store.display()));
    serde_json::from_str(&std::fs::read_to_string(path).expect("it lies beside the store"))
        .expect("as written")
}

fn version_of(store: &Path) -> String {
    let name = store.file_name().expect("a name").to_string_lossy().into_owned();
    name.split_once("_of_").expect("a release").1.to_owned()
}

/// Parameters as they were typed, so many epochs longer; trials are taken from the store.
fn sweep<S: AsRef<str>>(parameters: &[S], longer: u64, study: &Study) -> ValidSweep {
    let parse = |parameters: Vec<String>| {
        let sweep = Sweep::parse(Params::default(), parameters.iter().map(String::as_str)).expect("read");
        sweep.take_trials(|name| study.trials(name)).check().expect("valid")
    };
    let mut parameters: Vec<String> = parameters.iter().map(|text| text.as_ref().to_owned()).collect();
    let epochs = parse(parameters.clone())[0].train.epochs + longer;
    parameters.push(format!("epochs={epochs}"));
    parse(parameters)
}

/// The losses of every epoch of a run that goes on for two epochs.
fn continued(study: &Study, parameters: &[String]) -> (Source, Vec<String>) {
    let runs = study.train(&sweep(parameters, 2, study)).expect("trained");
    let bits = |loss: f64| format!("{:016x}", loss.to_bits());
    let losses = runs.first().history().iter();
    let losses = losses.map(|epoch| format!("{} {}", bits(epoch.training_loss), bits(epoch.validation_loss)));
    (runs.first().source(), losses.collect())
}

fn analyses() -> impl Iterator<Item = (AnalysisSpec, &'static str, &'static [&'static str])> {
    let spec = |(name, settings): &(&'static str, &'static [&'static str])| {
        (concertina::analysis(name, settings.iter().copied()).expect("an analysis"), *name, *settings)
    };
    ANALYSES.each_ref().map(spec).into_iter()
}

/// Counts analyses that had to be computed, and stops after an epoch if it is asked to.
#[derive(Default)]
struct Watch {
    computed: AtomicUsize,
    stop: Option<Arc<AtomicBool>>,
}

impl Observer for Watch {
    fn observe(&self, event: &Event) {
        match &event.kind {
            EventKind::Asked { missing, .. } => drop(self.computed.fetch_add(*missing, Ordering::Relaxed)),
            EventKind::Trained { .. } => {
                self.stop.iter().for_each(|stop| stop.store(true, Ordering::Relaxed));
            }
            _ => {}
        }
    }
}

fn one_job(folder: &Path) -> StudyBuilder {
    Study::builder(folder).jobs(std::num::NonZeroUsize::MIN)
}

/// Every file with its bytes and when it changed.
fn files(root: &Path) -> BTreeMap<PathBuf, (SystemTime, Vec<u8>)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let time = path.metadata().and_then(|metadata| metadata.modified()).expect("a time");
            let bytes = if path.is_dir() { Vec::new() } else { std::fs::read(&path).expect("a file") };
            if path.is_dir() {
                folders.push(path.clone());
            }
            found.insert(path, (time, bytes));
        }
    }
    found
}

/// Makes the store of this version. Run by hand before a release, and never again for a version that has been
/// released: `cargo test -p concertina --test released_stores -- --ignored`.
#[test]
#[ignore = "makes the data of the other tests, once per release"]
fn makes_the_store_of_this_release() {
    let version = env!("CARGO_PKG_VERSION");
    let root = data().join(format!("store_{LAYOUT}_of_{version}"));
    let exported = data().join(format!("exported_by_{version}"));
    let folder = tempfile::tempdir().expect("a folder");
    let study = open(&root, 1);
    let mut runs = Vec::new();
    for (number, own) in RUNS.iter().enumerate() {
        let mut parameters: Vec<String> = TINY.iter().chain(*own).map(|text| (*text).to_owned()).collect();
        let mut typed = parameters.clone();
        if own.contains(&"task=trials") {
            typed.push(format!("file={}", trials(folder.path()).display()));
        }
        let sweep = sweep(&typed, 0, &study);
        let (watch, stop) = match number == UNFINISHED {
            true => {
                let stop = Arc::new(AtomicBool::new(false));
                (Watch { stop: Some(Arc::clone(&stop)), ..Watch::default() }, stop)
            }
            false => (Watch::default(), Arc::default()),
        };
        let study = one_job(&root).observer(Arc::new(watch)).cancel(stop).open().expect("a store");
        study.train(&sweep).expect("trained");
        if let Some(arrays) = sweep[0].task.arrays() {
            parameters.push(format!("file={}", arrays.name()));
        }
        let key = concertina::key_of(&sweep[0]).to_string();
        let status = study.stored_run(&key).expect("stored").status.to_owned();
        runs.push(KnownRun { parameters, key, status, continued: Vec::new() });
    }
    let first = sweep(&runs[0].parameters, 0, &study);
    for (analysis, ..) in analyses() {
        let analysed = study.analyse(&first, &analysis, &CheckpointSelection::Ends).expect("analysed");
        assert!(analysed.failures.is_empty(), "{:?}", analysed.failures);
    }
    // A damaged file that is set aside, and its content computed again.
    let memos = Store::read_only(&root).and_then(|store| store.memos()).expect("listed");
    let memo = memos.iter().find(|memo| memo.analysis == "loss").expect("one of them").key.to_string();
    let file = root.join("analyses").join(&memo[..2]).join(format!("{memo}.parquet"));
    std::fs::write(&file, &std::fs::read(&file).expect("read")[..100]).expect("cut");
    let loss = concertina::analysis("loss", ["samples=20"]).expect("an analysis");
    study.analyse(&first, &loss, &CheckpointSelection::Ends).expect("analysed");
    assert_eq!(study.incidents().expect("listed").len(), 1);
    let keys = study.keys().expect("listed");
    study.export_all(&keys, &CheckpointSelection::Ends, &exported).expect("exported");
    study.repair().expect("the table of runs is written");
    let longer = folder.path().join("longer");
    copied(&root, &longer);
    for run in &mut runs {
        run.continued = continued(&open(&longer, 1), &run.parameters).1;
    }
    let analyses = analyses().map(|(analysis, name, settings)| {
        (name.to_owned(), settings.iter().map(|text| (*text).to_owned()).collect(), analysis.version())
    });
    let contents = Contents { runs, analyses: analyses.collect() };
    let json = serde_json::to_string_pretty(&contents).expect("texts") + "\n";
    std::fs::write(format!("{}.json", root.display()), json).expect("written");
}

/// Trials from elsewhere: which of two inputs is larger.
fn trials(folder: &Path) -> PathBuf {
    let inputs = Array::from_shape_fn((12, 4, 2), |(trial, step, input)| {
        ((trial * 31 + step * 17 + input * 5) % 13) as f32 / 8.0
    });
    let targets = Array::from_shape_fn(12, |trial| i64::from(inputs[[trial, 0, 0]] > inputs[[trial, 0, 1]]));
    let mut npz = Npz::new();
    npz.array("inputs", &inputs.into_dyn()).expect("added");
    npz.array("targets", &targets.into_dyn()).expect("added");
    let file = folder.join("trials.npz");
    std::fs::write(&file, npz.finish().expect("finished")).expect("written");
    file
}

#[test]
fn the_store_of_every_release_is_read_without_being_changed() {
    for root in stores() {
        let before = files(&root);
        let known = contents_of(&root);
        let study = one_job(&root).read_only().expect("a store");
        assert_eq!(study.verify().expect("verified"), [], "{}", root.display());
        assert_eq!(study.incidents().expect("listed").len(), 1, "what was set aside is listed");
        let table = study.run_table().expect("listed");
        assert_eq!(table.row_count(), known.runs.len());
        assert!(table.integers("seed").expect("numbers").iter().all(Option::is_some), "parameters are read");
        for run in &known.runs {
            let stored = study.stored_run(&run.key).expect("stored");
            assert_eq!(stored.status, run.status, "{:?}", run.parameters);
            assert!(!stored.checkpoints.is_empty() && stored.history.row_count() > 0);
            let sweep = sweep(&run.parameters, 0, &study);
            assert_eq!(concertina::key_of(&sweep[0]).to_string(), run.key, "{:?}", run.parameters);
            assert_eq!(stored.params.expect("read").canonical(), sweep[0].canonical());
        }
        let store = Store::read_only(&root).expect("a store");
        let memos = store.memos().expect("listed");
        assert_eq!(memos.len(), known.analyses.len());
        for memo in memos {
            let table = store.memo(&memo.key).expect("read").expect("there");
            assert!(table.row_count() > 0 && table.has_column("update"), "{}", memo.analysis);
        }
        assert!(files(&root) == before, "{}: reading changed something", root.display());
    }
}

#[test]
fn runs_and_results_in_the_store_of_every_release_are_loaded_and_not_computed_again() {
    for root in stores() {
        let known = contents_of(&root);
        let folder = tempfile::tempdir().expect("a folder");
        let copy = folder.path().join("store");
        copied(&root, &copy);
        let watch = Arc::new(Watch::default());
        let study = one_job(&copy).observer(watch.clone()).open().expect("a store");
        for run in known.runs.iter().filter(|run| run.status == "complete") {
            let runs = study.train(&sweep(&run.parameters, 0, &study)).expect("loads");
            assert_eq!(runs.first().source(), Source::Loaded, "{:?}", run.parameters);
            runs.first().weights(runs.first().last_checkpoint()).expect("of the right shapes");
        }
        let first = sweep(&known.runs[0].parameters, 0, &study);
        for (name, settings, version) in &known.analyses {
            let analysis = concertina::analysis(name, settings.iter().map(String::as_str)).expect("known");
            if analysis.version() > *version {
                continue; // results of earlier versions are computed again
            }
            let analysed = study.analyse(&first, &analysis, &CheckpointSelection::Ends).expect("analysed");
            assert!(analysed.failures.is_empty() && analysed.table.row_count() > 0);
            assert_eq!(watch.computed.load(Ordering::Relaxed), 0, "{name} was computed again");
        }
    }
}

#[test]
fn runs_in_the_store_of_every_release_are_trained_on_to_the_same_bits() {
    for root in stores() {
        let known = contents_of(&root);
        let folder = tempfile::tempdir().expect("a folder");
        let copy = folder.path().join("store");
        copied(&root, &copy);
        let study = open(&copy, 2);
        for run in &known.runs {
            let (source, losses) = continued(&study, &run.parameters);
            let expected = if run.status == "complete" { Source::Extended } else { Source::Resumed };
            assert_eq!(source, expected, "{:?}", run.parameters);
            assert_eq!(losses, run.continued, "{:?}", run.parameters);
        }
    }
}

/// Whether a run has the same initial weights here as where it was trained, either because it has them on
/// every processor or because this processor is of the same kind.
fn starts_alike(run: &KnownRun, study: &Study) -> bool {
    if run.parameters.iter().any(|text| text == "init=pytorch") {
        return true;
    }
    let stored = study.stored_run(&run.key).expect("stored");
    let trained = &stored.provenance.expect("there")["training"][0];
    let machine = concertina::doctor(None, false).machine;
    let features = serde_json::json!(machine.features);
    trained["architecture"] == std::env::consts::ARCH && trained["cpu_features"] == features
}

#[test]
fn runs_in_the_store_of_every_release_have_the_bits_of_fresh_ones() {
    for root in stores() {
        let known = contents_of(&root);
        let folder = tempfile::tempdir().expect("a folder");
        let old = one_job(&root).read_only().expect("a store");
        let fresh = open(&folder.path().join("store"), 2);
        let complete = known.runs.iter().filter(|run| run.status == "complete");
        for run in complete.filter(|run| starts_alike(run, &old)) {
            let sweep = sweep(&run.parameters, 0, &old);
            let (loaded, trained) = (old.train(&sweep).expect("loads"), fresh.train(&sweep).expect("trains"));
            let (loaded, trained) = (loaded.first(), trained.first());
            assert_eq!((loaded.source(), trained.source()), (Source::Loaded, Source::Trained));
            assert_eq!(loaded.history(), trained.history(), "{:?}", run.parameters);
            let end = loaded.last_checkpoint();
            assert_eq!(end, trained.last_checkpoint());
            assert_eq!(loaded.weights(end).expect("kept"), trained.weights(end).expect("kept"));
        }
    }
}

#[test]
fn the_store_of_every_release_can_be_merged_into_a_new_one() {
    for root in stores() {
        let folder = tempfile::tempdir().expect("a folder");
        let old = one_job(&root).read_only().expect("a store");
        let new = open(&folder.path().join("store"), 1);
        let merged = new.merge(&old).expect("merged");
        assert!(merged.iter().all(|one| one.fate == MergeFate::Added), "{merged:?}");
        assert_eq!(new.run_table().expect("listed"), old.run_table().expect("listed"));
        assert!(new.verify().expect("verified").is_empty());
    }
}

#[test]
fn what_every_release_exported_is_imported() {
    for root in stores() {
        let old = one_job(&root).read_only().expect("a store");
        let exported = data().join(format!("exported_by_{}", version_of(&root)));
        let folder = tempfile::tempdir().expect("a folder");
        let study = open(&folder.path().join("store"), 1);
        let csv = std::fs::read_to_string(exported.join("runs.csv")).expect("a table");
        assert_eq!(csv.lines().count(), 1 + old.keys().expect("listed").len());
        for run in contents_of(&root).runs {
            let archive = exported.join(format!("{}.npz", &run.key[..12]));
            let mut import = Import::of(archive);
            // trials are not in the archive
            let trials = sweep(&run.parameters, 0, &old)[0].task.arrays().cloned();
            import.params.task.file = trials.map(TrialSource::Arrays);
            let imported = study.import(&import).expect("imported");
            let found = study.stored_run(&imported.run.to_string()).expect("stored");
            let expected = old.stored_run(&run.key).expect("stored");
            assert_eq!(found.checkpoints.last(), expected.checkpoints.last(), "{:?}", run.parameters);
        }
    }
}
