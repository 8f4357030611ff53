//! Results are remembered, and what is damaged or lost is computed again.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use concertina::prelude::*;
use concertina::{Event, EventKind, Observer, Source};
use support::{one, open, small};

/// Counts epochs trained and analyses computed.
#[derive(Default)]
struct Work {
    epochs: AtomicUsize,
    analyses: AtomicUsize,
}

impl Observer for Work {
    fn observe(&self, event: &Event) {
        match event.kind {
            EventKind::Trained { .. } => self.epochs.fetch_add(1, Ordering::Relaxed),
            EventKind::Analysed { .. } => self.analyses.fetch_add(1, Ordering::Relaxed),
            _ => 0,
        };
    }
}

fn watched(folder: &std::path::Path) -> (Study, Arc<Work>) {
    let work = Arc::new(Work::default());
    let study = Study::builder(folder).observer(work.clone()).open().expect("a store");
    (study, work)
}

fn done(work: &Work) -> (usize, usize) {
    (work.epochs.swap(0, Ordering::Relaxed), work.analyses.swap(0, Ordering::Relaxed))
}

fn dimension() -> EffectiveDimension {
    EffectiveDimension { samples: 40, ..Default::default() }
}

#[test]
fn an_analysis_asked_for_again_is_read_and_not_computed() {
    let folder = tempfile::tempdir().expect("a folder");
    let sweep = Sweep::of(small()).gain([20.0, 250.0]).seeds(0..2).check().expect("valid");
    let (study, work) = watched(folder.path());
    let runs = study.train(&sweep).expect("trained");
    assert_eq!(done(&work), (24, 0));
    let first = runs.analyse(&dimension()).expect("analysed");
    assert_eq!(done(&work), (0, 8));
    let second = runs.analyse(&dimension()).expect("analysed");
    assert_eq!(done(&work), (0, 0));
    assert_eq!(first, second);
    // Another study, with the analysis as data and in one call, finds the same.
    let (study, work) = watched(folder.path());
    let analysed = study.analyse(&sweep, &dimension().into(), &CheckpointSelection::Ends).expect("analysed");
    assert_eq!(done(&work), (0, 0));
    assert_eq!(analysed.table, first);
    // Another setting is another result; other checkpoints are more of them.
    runs.analyse(&EffectiveDimension { samples: 41, ..Default::default() }).expect("analysed");
    runs.first().analyse_at(&dimension(), &CheckpointSelection::All).expect("analysed");
    assert_eq!(
        first.column_names().collect::<Vec<_>>(),
        ["gain", "seed", "stage", "epoch", "update", "timestep", "effective_dimension"]
    );
    assert_eq!(first.row_count(), 4 * 2 * 5);
}

#[test]
fn one_thread_and_two_give_the_same_table() {
    let folder = tempfile::tempdir().expect("a folder");
    let sweep = Sweep::of(small()).gain([20.0, 250.0]).seeds(0..3).check().expect("valid");
    let table = |name: &str, jobs| {
        let study = open(&folder.path().join(name), jobs);
        let holdout = ClusterHoldout { samples: 64, ..Default::default() };
        study.analyse(&sweep, &holdout.into(), &CheckpointSelection::All).expect("analysed").table
    };
    assert_eq!(table("one", 1), table("two", 2));
}

#[test]
fn an_epoch_that_was_not_kept_can_still_be_analysed() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = CheckpointSelection::Epochs(vec![0, 2, 3]);
    let all = open(&folder.path().join("all"), 1)
        .analyse(&one(small()), &dimension().into(), &at)
        .expect("analysed");
    let study = Study::builder(folder.path().join("ends")).keep(Keep::Ends).open().expect("a store");
    study.train(&one(small())).expect("trained");
    let ends = study.analyse(&one(small()), &dimension().into(), &at).expect("analysed");
    assert_eq!(all.table, ends.table);
    assert_eq!(ends.runs.first().source(), Source::Recomputed);
}

#[test]
fn a_damaged_file_is_set_aside_and_its_content_is_computed_again_bit_for_bit() {
    let folder = tempfile::tempdir().expect("a folder");
    let runs = open(folder.path(), 1).train(&one(small())).expect("trained");
    let key = runs.first().key().to_string();
    let run_folder = folder.path().join("runs").join(&key[..2]).join(&key);
    let before = support::contents(&run_folder);
    for (name, place) in [
        ("checkpoints.safetensors", 0.99), // the weights of the last checkpoint
        ("checkpoints.safetensors", 0.0),  // the header
        ("resume.safetensors", 0.5),
        ("history.parquet", 0.5),
        ("params.toml", 0.5),
    ] {
        let path = run_folder.join(name);
        let mut bytes = std::fs::read(&path).expect("it exists");
        let at = (bytes.len() as f64 * place) as usize;
        bytes[at] ^= 0x10;
        std::fs::write(&path, bytes).expect("written");
        let study = open(folder.path(), 1);
        let mut longer = small();
        longer.train.epochs += 1; // so that everything needed to resume is read
        let table = study
            .analyse(&one(small()), &dimension().into(), &CheckpointSelection::All)
            .expect("analysed")
            .table;
        assert_eq!(table.row_count(), 7 * 5);
        let again = study.train(&one(small())).expect("trained");
        assert_eq!(again.first().outcome(), &Outcome::Complete);
        if name != "resume.safetensors" {
            assert!(!study.incidents().expect("a list").is_empty(), "{name} at {place}");
            let after = support::contents(&run_folder);
            for (path, bytes) in &before {
                assert!(after.get(path) == Some(bytes), "{name} at {place}: {} differs", path.display());
            }
        } else {
            study.train(&one(longer)).expect("trained");
            assert!(!study.incidents().expect("a list").is_empty(), "{name} at {place}");
            std::fs::remove_dir_all(folder.path()).expect("removed");
            open(folder.path(), 1).train(&one(small())).expect("trained");
        }
        // The next file is damaged in a store without memory of this one.
        std::fs::remove_dir_all(folder.path().join("analyses")).ok();
        std::fs::remove_dir_all(folder.path().join("set-aside")).ok();
    }
}

#[test]
fn the_published_codes_names_give_the_same_run() {
    let ours =
        ["gain=250", "input_dim=2", "delay=10", "input_weights=diagonal", "loss=cross_entropy", "seed=3"];
    let theirs =
        ["g_radius=250", "X_dim=2", "n_lag=10", "Win=diagonal_first_two", "loss=cce", "model_seed=3"];
    let key = |names: [&str; 6]| {
        let sweep = concertina::sweep(names, None).expect("read").check().expect("valid");
        concertina::key_of(&sweep[0])
    };
    assert_eq!(key(ours), key(theirs));
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("params.json");
    let json = r#"{"g_radius": 250, "X_dim": 2, "n_lag": 10, "Win": "diagonal_first_two", "loss": "cce", "model_seed": 3}"#;
    std::fs::write(&file, json).expect("written");
    let sweep = concertina::sweep([file.to_str().expect("a plain path")], None)
        .expect("read")
        .check()
        .expect("valid");
    assert_eq!(concertina::key_of(&sweep[0]), key(ours));
}

#[test]
fn the_run_table_is_derived_from_the_folders() {
    let folder = tempfile::tempdir().expect("a folder");
    let sweep = Sweep::of(small()).gain([20.0, 250.0]).seeds(0..2).check().expect("valid");
    let study = open(folder.path(), 2);
    study.train(&sweep).expect("trained");
    let view = folder.path().join("runs.csv");
    let written = std::fs::read(&view).expect("it exists");
    std::fs::remove_file(&view).expect("removed");
    study.train(&sweep).expect("loaded");
    assert_eq!(std::fs::read(&view).expect("rebuilt"), written);
    let mut listing = concertina::RunListing::default();
    listing.condition = Some(
        concertina::Condition::parse("g_radius = 250 and seed < 1", &concertina::RunColumns)
            .expect("a condition"),
    );
    let listed = study.list(&listing).expect("listed");
    assert_eq!(listed.row_count(), 1);
    let key = listed.texts("key").expect("keys")[0].clone().expect("a key");
    let run = study.stored_run(&key[..8]).expect("found");
    assert_eq!((run.checkpoints.len(), run.history.row_count(), run.status), (7, 6, "complete"));
    assert_eq!(run.params.expect("readable").network.gain, Some(250.0));
    assert!(study.stored_run("").is_err() && study.stored_run("xyz").is_err());
}
