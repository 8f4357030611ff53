//! Removing, collecting and merging, and listing what is in a store whatever was lost.

mod support;

use std::collections::BTreeSet;

use concertina::analyses::AnalysisSpec;
use concertina::model::params::{Sweep, ValidSweep};
use concertina::store::Removal;
use concertina::{CheckpointSelection, Condition, Garbage, MergeFate, RunColumns, RunListing, Source, Study};
use support::{assert_same_store, contents, one, open, small};

fn sweep(seeds: std::ops::Range<u64>) -> ValidSweep {
    Sweep::of(small()).gain([20.0, 250.0]).seeds(seeds).check().expect("valid")
}

fn accuracy() -> AnalysisSpec {
    AnalysisSpec::named("accuracy").expect("a known name")
}

fn statuses(study: &Study) -> Vec<Option<String>> {
    study.run_table().expect("listed").texts("status").expect("texts")
}

fn keys_where(study: &Study, condition: &str) -> Vec<concertina::store::RunKey> {
    study.keys_where(&Condition::parse(condition, &RunColumns).expect("a condition")).expect("listed")
}

#[test]
fn a_run_whose_provenance_is_lost_is_not_listed_as_unfinished_forever() {
    let folder = tempfile::tempdir().expect("a folder");
    let study = open(folder.path(), 1);
    let run = study.train(&one(small())).expect("trains");
    let provenance =
        study.stored_run(&run.first().key().to_string()).expect("it exists").folder.join("provenance.json");
    std::fs::remove_file(&provenance).expect("it exists");
    assert_eq!(statuses(&study), [Some("unfinished".to_owned())], "nothing says that it is finished");
    let again = study.train(&one(small())).expect("loads");
    assert_eq!(again.first().source(), Source::Loaded);
    assert_eq!(statuses(&study), [Some("complete".to_owned())]);
    assert!(provenance.exists());
}

#[test]
fn a_run_table_that_could_not_be_written_is_written_the_next_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let study = open(folder.path(), 1);
    study.train(&one(small())).expect("trains");
    let view = folder.path().join("runs.csv");
    let whole = std::fs::read(&view).expect("written");
    for stale in [b"key\n".as_slice(), b""] {
        std::fs::write(&view, stale).expect("writable");
        let again = study.train(&one(small())).expect("loads");
        assert_eq!(again.first().source(), Source::Loaded);
        assert_eq!(std::fs::read(&view).expect("written"), whole);
    }
}

#[test]
fn a_store_of_many_runs_is_not_listed_by_every_command_and_its_table_is_right_if_it_exists() {
    let folder = tempfile::tempdir().expect("a folder");
    let study = open(folder.path(), 1);
    let store = concertina::store::Store::open(folder.path()).expect("opens");
    let made_up = |seed: u64| {
        let mut params = small();
        params.seed = 1000 + seed;
        let params = params.check().expect("valid");
        let run = store.run(&concertina::key_of(&params));
        run.publish_params(&params.to_annotated_toml()).expect("published");
    };
    let view = folder.path().join("runs.csv");
    let rows = || std::fs::read_to_string(&view).expect("it exists").lines().count() - 1;
    study.train(&one(small())).expect("trains");
    assert_eq!(rows(), 1, "a store of few runs has a table after every command");
    (0..500).for_each(made_up);
    assert!(!view.exists(), "runs were added");
    study.train(&Sweep::of(small()).seeds(7..9).check().expect("valid")).expect("trains");
    assert!(!view.exists(), "making a table of all runs takes longer than training two");
    let listed = study.list(&RunListing::default()).expect("listed");
    assert_eq!((listed.row_count(), rows()), (503, 503));
    study.analyse(&one(small()), &accuracy(), &CheckpointSelection::Ends).expect("analyses");
    assert_eq!(rows(), 503, "no run has changed");
    // A table of an earlier version has other columns.
    std::fs::write(&view, "key,folder,status\n").expect("writable");
    study.list(&RunListing::default()).expect("listed");
    assert_eq!(rows(), 503);
    let few: Vec<_> = keys_where(&study, "seed >= 1003").into_iter().collect();
    study.remove(&few, Removal::Now).expect("removed");
    assert_eq!(rows(), 6);
}

#[test]
fn a_table_of_runs_that_was_written_while_runs_changed_is_made_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let sweeps: Vec<ValidSweep> = (0..4)
        .map(|thread| Sweep::of(small()).seeds(10 * thread..10 * thread + 5).check().expect("valid"))
        .collect();
    for round in 0..3 {
        let root = folder.path().join(format!("round {round}"));
        std::thread::scope(|scope| {
            for sweep in &sweeps {
                scope.spawn(|| open(&root, 1).train(sweep).expect("trains"));
            }
        });
        let view = std::fs::read_to_string(root.join("runs.csv")).expect("it exists");
        assert_eq!(view.matches(",complete,").count(), 20, "{view}");
    }
}

#[test]
fn results_of_unknown_analyses_are_kept_and_reported() {
    let folder = tempfile::tempdir().expect("a folder");
    let study = open(folder.path(), 1);
    study.analyse(&one(small()), &accuracy(), &CheckpointSelection::Ends).expect("analyses");
    let known = study.keys().expect("listed")[0];
    let version = concertina::analyses::Analysis::version(&accuracy());
    let store = concertina::store::Store::open(folder.path()).expect("opens");
    let table =
        concertina::table::Table::from_columns([("own", concertina::table::Values::from(vec![0_i64]))]);
    let gone = concertina::store::RunKey::of("gone");
    for (run, name, version) in [
        (known, "my_own", 1),
        (known, "my_own", 2),
        (gone, "my_own", 2),
        (known, "accuracy", version + 1),
        (known, "accuracy", 0),
        (gone, "accuracy", version),
    ] {
        let memo = concertina::store::Memo::of(&run, &[], name, version, "{}");
        store.publish_memo(&memo, table.as_ref().expect("a column").clone(), "own").expect("published");
    }
    let names = |collected: &[concertina::Collected]| -> Vec<(String, u32, u64, bool)> {
        let one = |one: &concertina::Collected| {
            let (name, version) = one.analysis.clone().expect("of an analysis");
            (name, version, one.count, one.stays.is_some())
        };
        collected.iter().map(one).collect::<BTreeSet<_>>().into_iter().collect()
    };
    let kept = [
        ("accuracy".to_owned(), version + 1, 1, true),
        ("my_own".to_owned(), 1, 1, true),
        ("my_own".to_owned(), 2, 2, true),
    ];
    let removed = [("accuracy".to_owned(), 0, 1, false), ("accuracy".to_owned(), version, 1, false)];
    let mut both: Vec<_> = [&removed[..], &kept[..]].concat();
    both.sort();
    let before = store.memos().expect("listed").len();
    assert_eq!(names(&study.collect(&Garbage::default(), Removal::DryRun).expect("counted")), both);
    assert_eq!(names(&study.collect(&Garbage::default(), Removal::Now).expect("collected")), both);
    assert_eq!(store.memos().expect("listed").len(), before - 2);
    assert_eq!(names(&study.collect(&Garbage::default(), Removal::Now).expect("collected")), kept);
    let usage = concertina::usage_table(&study.usage().expect("counted")).expect("a table");
    let superseded = usage.booleans("superseded").expect("a column");
    let analyses = usage.texts("analysis").expect("a column");
    let versions = usage.integers("version").expect("a column");
    for row in 0..usage.row_count() {
        let current = analyses[row].as_deref() == Some("accuracy") && versions[row] == Some(version.into());
        assert_eq!(superseded[row], current.then_some(false), "unknown versions are not called superseded");
    }
    let mut garbage = Garbage::default();
    garbage.unknown_analyses = true;
    let collected = study.collect(&garbage, Removal::Now).expect("collected");
    assert!(collected.iter().all(|one| one.stays.is_none()) && collected.len() == 4, "{collected:?}");
    assert_eq!(store.memos().expect("listed").len(), before - 6);
}

#[test]
fn the_results_of_the_last_epoch_are_in_the_run_table() {
    let folder = tempfile::tempdir().expect("a folder");
    let study = open(folder.path(), 1);
    let runs = study.train(&sweep(0..2)).expect("trains");
    let table = study.run_table().expect("listed");
    let keys = table.texts("key").expect("a column");
    for run in &runs {
        let row = keys.iter().position(|key| *key == Some(run.key().to_string())).expect("listed");
        let last = run.history().last().expect("trained");
        for (name, expected) in [
            ("training_loss", Some(last.training_loss)),
            ("training_accuracy", last.training_accuracy),
            ("validation_loss", Some(last.validation_loss)),
            ("validation_accuracy", last.validation_accuracy),
        ] {
            assert_eq!(table.floats(name).expect("a column")[row], expected, "{name}");
        }
    }
    let finished = table.texts("finished").expect("a column");
    assert!(finished.iter().flatten().all(|time| time.starts_with("20") && time.ends_with('Z')));
    assert!(table.floats("wall_seconds").expect("a column").iter().flatten().all(|time| *time > 0.0));
    let accurate =
        runs.iter().filter(|run| run.history().last().is_some_and(|last| last.validation_loss < 0.7));
    assert_eq!(keys_where(&study, "validation_loss < 0.7").len(), accurate.count());
    // A run without a history has no results, and stores of the same runs have the same `runs.csv`.
    let file =
        study.stored_run(&keys[0].clone().expect("a key")).expect("it exists").folder.join("history.parquet");
    std::fs::remove_file(file).expect("it exists");
    assert_eq!(study.run_table().expect("listed").floats("validation_loss").expect("a column")[0], None);
    let csv = std::fs::read_to_string(folder.path().join("runs.csv")).expect("written");
    assert!(csv.contains("validation_loss") && !csv.contains("finished") && !csv.contains("wall_seconds"));
}

#[test]
fn removing_runs_removes_their_results_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let (kept, all) = (folder.path().join("kept"), folder.path().join("all"));
    let work = |root: &std::path::Path, sweep: &ValidSweep| {
        let study = open(root, 1);
        study.analyse(sweep, &accuracy(), &CheckpointSelection::All).expect("analyses");
        study.train(sweep).expect("trains");
        study
    };
    let study = work(&all, &sweep(0..2));
    let only = Sweep::of(small()).gain([20.0]).seeds(0..2).check().expect("valid");
    work(&kept, &only);
    let gone = keys_where(&study, "gain = 250");
    assert_eq!(gone.len(), 2);
    // A file of the user.
    let notes = study.stored_run(&gone[0].to_string()).expect("it exists").folder.join("notes.txt");
    std::fs::write(&notes, "mine").expect("writable");
    let before = contents(&all);
    let would = study.remove(&gone, Removal::DryRun).expect("counted");
    assert_eq!(contents(&all), before, "a dry run changes nothing");
    let removed = study.remove(&gone, Removal::Now).expect("removed");
    assert_eq!(would, removed, "the dry run reports what is then done");
    assert_eq!(std::fs::read_to_string(&notes).expect("kept"), "mine");
    std::fs::remove_file(&notes).expect("it exists");
    open(&all, 1).collect(&Garbage::default(), Removal::Now).expect("collected");
    assert_same_store(&all, &kept, "as if the runs had never existed");
    // A run that another process is training stays.
    let key = keys_where(&study, "seed = 0")[0];
    let store = concertina::store::Store::open(&all).expect("opens");
    let claim = store.run(&key).claim().expect("claimed");
    let removed = study.remove(&[key], Removal::Now).expect("asked");
    assert!(removed[0].stays.as_ref().is_some_and(|why| why.contains("is training it")), "{removed:?}");
    drop(claim);
    assert_same_store(&all, &kept, "it stays");
}

#[test]
fn what_is_collected_can_be_computed_again_with_the_same_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    let (root, whole) = (folder.path().join("store"), folder.path().join("whole"));
    let sweep = sweep(0..2);
    for place in [&root, &whole] {
        let study = open(place, 1);
        study.train(&sweep).expect("trains");
        study.analyse(&sweep, &accuracy(), &CheckpointSelection::Ends).expect("analyses");
    }
    let study = open(&root, 1);
    let mut garbage = Garbage::default();
    garbage.all_checkpoints_but = Some("every:4".parse().expect("a selection"));
    let before = contents(&root);
    let would = study.collect(&garbage, Removal::DryRun).expect("counted");
    assert_eq!(contents(&root), before);
    let collected = study.collect(&garbage, Removal::Now).expect("collected");
    assert_eq!(would, collected);
    assert!(collected.iter().all(|one| one.kind == "checkpoints" && one.count == 4), "{collected:?}");
    let run = study.stored_run(&study.keys().expect("listed")[0].to_string()).expect("it exists");
    let epochs: Vec<u64> = run.checkpoints.iter().map(|one| one.epoch.0).collect();
    assert_eq!(epochs, [0, 4, 6]);
    let again = study.train(&sweep).expect("computes what is missing");
    assert!(again.iter().all(|run| run.source() == Source::Recomputed));
    assert_same_store(&root, &whole, "everything is restored");
    // Results of a superseded version and of a run that is gone, and a damaged file that was set aside.
    let shard = root.join("analyses").join("00");
    std::fs::create_dir_all(&shard).expect("made");
    let store = concertina::store::Store::open(&root).expect("opens");
    let table =
        concertina::table::Table::from_columns([("update", concertina::table::Values::from(vec![0_i64]))])
            .expect("one column");
    let known = study.keys().expect("listed")[0];
    let unknown = concertina::store::RunKey::of("not a run of this store");
    for (run, version) in [(known, 0), (unknown, 1)] {
        let memo = concertina::store::Memo::of(&run, &[], "accuracy", version, "{}");
        store.publish_memo(&memo, table.clone(), "update").expect("published");
    }
    let params = study.stored_run(&known.to_string()).expect("it exists").folder.join("params.toml");
    std::fs::write(&params, "damaged").expect("writable");
    study.train(&sweep).expect("restores it");
    let mut garbage = Garbage::default();
    garbage.set_aside = true;
    let kinds: BTreeSet<&str> =
        study.collect(&garbage, Removal::Now).expect("collected").iter().map(|one| one.kind).collect();
    assert_eq!(kinds, BTreeSet::from(["analysis of no run", "set aside", "superseded analysis"]));
    assert!(study.collect(&garbage, Removal::DryRun).expect("counted").is_empty());
}

#[test]
fn two_merged_stores_are_the_same_as_one_store_of_all_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = |name: &str| folder.path().join(name);
    let work = |name: &str, sweep: &ValidSweep| {
        let study = open(&place(name), 1);
        study.analyse(sweep, &accuracy(), &CheckpointSelection::Ends).expect("analyses");
        study.train(sweep).expect("trains");
        study
    };
    let study = work("left", &sweep(0..2));
    let mut longer = small();
    longer.train.epochs += 3;
    let longer = Sweep::of(longer).gain([20.0, 250.0]).seeds(1..3).check().expect("valid");
    let other = work("right", &longer);
    work("both", &sweep(0..2));
    work("both", &longer);
    let before = contents(&place("right"));
    let merged = study.merge(&other).expect("merged");
    assert_eq!(contents(&place("right")), before, "the other store is only read");
    let count = |fate| merged.iter().filter(|one| one.fate == fate).count();
    assert_eq!((count(MergeFate::Added), count(MergeFate::Extended)), (2, 2), "{merged:?}");
    assert_same_store(&place("left"), &place("both"), "merged");
    let again = study.merge(&other).expect("merged");
    assert!(again.iter().all(|one| one.fate == MergeFate::Same), "{again:?}");
}

#[test]
fn runs_that_differ_are_left_as_they_are_when_stores_are_merged() {
    let folder = tempfile::tempdir().expect("a folder");
    let study = open(&folder.path().join("left"), 1);
    let run = study.train(&one(small())).expect("trains");
    let key = *run.first().key();
    // The same run with one number changed, which the checksums do not show.
    let store = concertina::store::Store::open(folder.path().join("right")).expect("new");
    let ours = concertina::store::Store::read_only(folder.path().join("left")).expect("it exists").run(&key);
    let ids = ours.checkpoint_ids().expect("listed");
    let mut tensors = ours.read_checkpoint(ids[1]).expect("read").expect("it exists");
    tensors.arrays.get_mut("bias").expect("it exists")[[0]] += 1.0;
    store.run(&key).publish_params(&ours.params().expect("read").expect("it exists")).expect("published");
    store.run(&key).publish_packed(&[(ids[1], &tensors)]).expect("published");
    let other = Study::builder(folder.path().join("right")).read_only().expect("a store");
    let before = contents(&folder.path().join("left"));
    let merged = study.merge(&other).expect("merged");
    assert_eq!(merged[0].fate, MergeFate::Differs);
    assert_eq!(contents(&folder.path().join("left")), before);
}

#[test]
fn an_index_gives_the_same_table_as_the_folders_and_notices_every_change() {
    let folder = tempfile::tempdir().expect("a folder");
    let study = open(folder.path(), 1);
    study.train(&sweep(0..2)).expect("trains");
    let store = concertina::store::Store::open(folder.path()).expect("opens");
    let stamps = |store: &concertina::store::Store| store.stamps(2).expect("looked");
    let before = stamps(&store);
    assert_eq!(before.len(), 4);
    assert_eq!(stamps(&store), before);
    let key = before[0].0;
    store.run(&key).publish_provenance(&serde_json::json!({})).expect("published");
    let after = stamps(&store);
    assert_ne!(after[0], before[0], "a file was replaced");
    assert_eq!(after[1..], before[1..]);
    assert!(!after[0].1.is_settled(std::time::SystemTime::now()), "it may change again in the same tick");
    // A wrong index is not trusted, and a file that is not an index is ignored.
    let table = study.run_table().expect("listed");
    std::fs::write(folder.path().join("index.parquet"), "no index").expect("writable");
    assert_eq!(study.run_table().expect("listed"), table);
    store.publish_index(&table, "runs 1").expect("published");
    assert_eq!(study.run_table().expect("listed"), table);
}
