//! An exported run is imported as the same run, unless the archive or the request says otherwise.

mod support;

use std::path::{Path, PathBuf};

use concertina::model::Checkpoint;
use concertina::model::params::{LossKind, Nonlinearity, OptimizerKind, Params};
use concertina::store::RunKey;
use concertina::{CheckpointSelection, Error, Import, Outcome, Source, Study};
use support::{assert_same_store, in_memory, one, open, rewritten, small, stopped_after, without_seal};

/// A study with one trained run, and the run as an archive.
struct Place {
    folder: tempfile::TempDir,
    study: Study,
    key: RunKey,
    archive: PathBuf,
}

impl Place {
    fn new() -> Self {
        let folder = in_memory();
        let study = open(&folder.path().join("store"), 1);
        let runs = study.train(&one(params())).expect("trains");
        let (key, archive) = (*runs.first().key(), folder.path().join("run.npz"));
        study.export(&key, &CheckpointSelection::All, &archive).expect("exported");
        Self { folder, study, key, archive }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A copy of the archive with changed texts.
    fn with_text(&self, name: &str, change: impl Fn(&str, String) -> Option<String>) -> PathBuf {
        let path = self.path(name);
        rewritten(&self.archive, &path, |_, _| true, change);
        path
    }
}

fn params() -> Params {
    let mut params = small();
    params.seed = 3;
    params.network.rank = Some(2);
    params
}

/// Imports an archive into an empty store. Returns the run's key and the notes.
fn imported(archive: &Path) -> (RunKey, String) {
    let folder = in_memory();
    let one = open(folder.path(), 1).import(&Import::of(archive)).expect("imported");
    (one.run, one.notes.join("\n"))
}

#[test]
fn an_archive_that_is_written_again_unchanged_is_the_same_run() {
    let place = Place::new();
    let again = place.with_text("again.npz", |_, text| Some(text));
    let (run, notes) = imported(&again);
    assert_eq!(run, place.key);
    assert!(notes.contains("7 checkpoints, the last after 6 epochs, with the state"), "{notes}");
}

#[test]
fn an_archive_that_was_changed_is_a_network_and_not_the_run() {
    let place = Place::new();
    let in_text = |member: &'static str, from: &'static str, to: &'static str| {
        move |name: &str, text: String| {
            assert!(name != member || text.contains(from), "{member} has {from}");
            Some(if name == member { text.replacen(from, to, 1) } else { text })
        }
    };
    let mut changed = vec![
        place.with_text("params.npz", in_text("params.json", "\"delay\": 4", "\"delay\": 5")),
        place.with_text("loss.npz", in_text("run.json", "\"validation_loss\": 0", "\"validation_loss\": 1")),
        place.with_text("key.npz", in_text("run.json", "\"key\": \"", "\"key\": \"0")),
        place.with_text("version.npz", in_text("run.json", "\"version\": \"", "\"version\": \"9")),
        place.with_text("progress.npz", in_text("run.json", "\"epoch\": 6", "\"epoch\": 5")),
    ];
    for array in ["recurrent_m", "recurrent_weights", "readout_bias", "state/readout_weights"] {
        let path = place.path(&format!("{}.npz", array.replace('/', " ")));
        let change = |name: &str, there: &mut ndarray::ArrayD<f32>| {
            if name == array {
                *there.iter_mut().next().expect("not empty") = 0.125;
            }
            true
        };
        rewritten(&place.archive, &path, change, |_, text| Some(text));
        assert!(concertina_arrays::read(&path).expect("read").contains_key(array), "{array}");
        changed.push(path);
    }
    let without = place.path("without.npz");
    rewritten(&place.archive, &without, |name, _| name != "state/readout_weights", |_, text| Some(text));
    changed.push(without);
    for path in changed {
        let (run, notes) = imported(&path);
        assert_ne!(run, place.key, "{}", path.display());
        let reason = "not as the run itself: its content was changed after the export";
        assert!(notes.contains(reason), "{}: {notes}", path.display());
    }
    for (name, from, to, reason) in [
        ("format.npz", "\"format\": 1", "\"format\": 2", "expected format 1 in `run.json`, found 2"),
        ("none.npz", "\"format\"", "\"form\"", "expected format 1 in `run.json`, found none"),
        ("broken.npz", "{", "", "`run.json` cannot be read"),
        ("missing.npz", "\"key\"", "\"keys\"", "`run.json` cannot be read"),
    ] {
        let (run, notes) = imported(&place.with_text(name, in_text("run.json", from, to)));
        assert!(run != place.key && notes.contains(reason), "{name}: {notes}");
    }
}

#[test]
fn a_run_with_other_parameters_or_arrays_is_a_network() {
    let place = Place::new();
    let read = |change: &dyn Fn(&mut Import)| {
        let mut import = Import::of(&place.archive);
        change(&mut import);
        import.read().expect("read").remove(0)
    };
    // What the run has anyway, or what is not part of its key, makes no difference.
    let same = read(&|import| {
        import.params.seed = 3;
        import.params.task.delay = 4;
        import.params.train.epochs = 50;
        import.given.insert("network.gain");
        import.params.network.gain = Some(20.0);
    });
    let plain = read(&|_| {});
    assert_eq!(
        same.params().canonical() == plain.params().canonical(),
        same.params().network.weights.is_none()
    );
    assert!(plain.params().network.weights.is_none() && plain.assumed().is_empty());
    assert_eq!(plain.arrays().iter().map(|(ours, _)| *ours).collect::<Vec<_>>().len(), 5);
    assert!(plain.network().is_ok() && plain.network_before().expect("read").is_some());
    for (change, reason) in [
        (&(|import: &mut Import| import.params.task.delay = 7) as &dyn Fn(&mut Import), "other parameters"),
        (&|import| import.params.seed = 4, "other parameters"),
        (&|import| import.before = Some(place.archive.clone().into()), "other arrays"),
        (
            &|import| {
                import.names.insert("recurrent_weights".to_owned(), "recurrent_weights".to_owned());
            },
            "other arrays",
        ),
    ] {
        let other = read(change);
        assert!(other.params().network.weights.is_some(), "{reason}");
        let notes = other.notes().join("\n");
        assert!(notes.contains("not as the run itself") && notes.contains(reason), "{notes}");
    }
}

#[test]
fn a_checkpoint_that_differs_stops_the_import_and_changes_nothing() {
    let place = Place::new();
    let root = place.path("other");
    let other = open(&root, 1);
    other.import(&Import::of(&place.archive)).expect("imported");
    // Another run's last checkpoint under this run's name.
    let mut wrong = params();
    wrong.seed = 4;
    let runs = open(&place.path("wrong"), 1).train(&one(wrong)).expect("trains");
    let run = runs.first();
    let store = |root: &Path| concertina::store::Store::open(root).expect("a store");
    let last = run.last_checkpoint();
    let id = concertina::store::CheckpointId { epoch: last.epoch.0, update: last.update.0 };
    let theirs = store(&place.path("wrong")).run(run.key()).read_checkpoint(id).expect("read");
    let stored = store(&root).run(&place.key);
    let others = stored.checkpoint_ids().expect("ids").into_iter().filter(|one| *one != id).collect();
    stored.pack(concertina::store::Keep::Only(&others)).expect("packed");
    stored.publish_packed(&[(id, &theirs.expect("it exists"))]).expect("packed");
    let before = support::contents(&root);
    let error = other.import(&Import::of(&place.archive)).expect_err("they differ");
    assert!(matches!(error, Error::Import { .. }), "{error}");
    assert!(error.to_string().contains("differs from the one in the store"), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.to_string().contains("store verify")));
    assert!(support::contents(&root) == before, "nothing changed");
}

#[test]
fn a_run_without_its_state_is_trained_from_its_start_when_it_is_extended() {
    let place = Place::new();
    // A store that has lost the state.
    let resume = place.path("store").join("runs").join(&place.key.to_string()[..2]);
    let resume = resume.join(place.key.to_string()).join("resume.safetensors");
    std::fs::remove_file(&resume).expect("there was one");
    let archive = place.path("stateless.npz");
    place.study.export(&place.key, &"0,6".parse().expect("a selection"), &archive).expect("exported");
    let other = open(&place.path("other"), 1);
    let read = Import::of(&archive).read().expect("read").remove(0);
    assert!(read.notes()[0].contains("it is trained from its start"), "{:?}", read.notes());
    assert_eq!(other.import_read(read).expect("imported").run, place.key);
    let mut longer = params();
    longer.train.epochs = 9;
    let extended = other.train(&one(longer.clone())).expect("trains");
    assert_eq!(*extended.first().outcome(), Outcome::Complete);
    open(&place.path("whole"), 1).train(&one(longer)).expect("trains");
    assert_same_store(&place.path("other"), &place.path("whole"), "trained again");
}

#[test]
fn a_store_gains_what_it_lacks_of_an_imported_run() {
    let place = Place::new();
    let other = open(&place.path("other"), 1);
    let mut shorter = params();
    shorter.train.epochs = 2;
    other.train(&one(shorter)).expect("trains");
    let gained = other.import(&Import::of(&place.archive)).expect("imported");
    assert!(!gained.was_there && gained.run == place.key);
    assert_same_store(&place.path("store"), &place.path("other"), "two epochs and the archive");
    let two = place.path("two.npz");
    place.study.export(&place.key, &"0,2".parse().expect("a selection"), &two).expect("exported");
    assert!(other.import(&Import::of(&two)).expect("imported").was_there, "it has all of that");
    assert_same_store(&place.path("store"), &place.path("other"), "an archive with less");
}

#[test]
fn interrupted_and_diverged_runs_come_back_as_they_were() {
    let folder = in_memory();
    let place = |name: &str| folder.path().join(name);
    let interrupted = stopped_after(&place("first"), 2).train(&one(small())).expect("the store works");
    assert_eq!(*interrupted.first().outcome(), Outcome::Interrupted);
    let mut wild = small();
    wild.network.nonlinearity = Nonlinearity::Linear;
    (wild.train.loss, wild.train.optimizer, wild.train.learning_rate) =
        (LossKind::Mse, OptimizerKind::Sgd, 1e6);
    let first = open(&place("first"), 1);
    let diverged = first.train(&one(wild.clone())).expect("the store works");
    assert!(matches!(diverged.first().outcome(), Outcome::Diverged(_)));
    let other = open(&place("other"), 1);
    for run in [interrupted.first(), diverged.first()] {
        let archive = place(&format!("{}.npz", run.key()));
        first.export(run.key(), &CheckpointSelection::All, &archive).expect("exported");
        assert_eq!(other.import(&Import::of(&archive)).expect("imported").run, *run.key());
        let [here, there] =
            [&first, &other].map(|study| study.stored_run(&run.key().to_string()).expect("it exists"));
        assert_eq!((here.status, here.reached), (there.status, there.reached));
    }
    let resumed = other.train(&one(small())).expect("trains");
    assert_eq!(*resumed.first().outcome(), Outcome::Complete);
    assert_eq!(
        resumed.first().source(),
        Source::Extended,
        "two epochs were there, and are not trained again"
    );
    let loaded = other.train(&one(wild)).expect("loads");
    assert_eq!(
        (loaded.first().outcome(), loaded.first().source()),
        (diverged.first().outcome(), Source::Loaded)
    );
    first.train(&one(small())).expect("trains");
    assert_same_store(&place("first"), &place("other"), "after both were continued");
}

#[test]
fn an_imported_network_that_is_exported_is_imported_under_its_key() {
    let place = Place::new();
    let plain = place.path("plain.npz");
    without_seal(&place.archive, &plain);
    let network = place.study.import(&Import::of(&plain)).expect("imported");
    let archive = place.path("network.npz");
    place.study.export(&network.run, &CheckpointSelection::All, &archive).expect("exported");
    let other = open(&place.path("other"), 1);
    let again = other.import(&Import::of(&archive)).expect("imported");
    assert_eq!(again.run, network.run);
    let stored = other.stored_run(&again.run.to_string()).expect("it exists");
    assert_eq!(stored.checkpoints.first(), Some(&Checkpoint::START));
}
