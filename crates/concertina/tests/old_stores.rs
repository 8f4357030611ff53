//! Stores of earlier formats can be opened and continued. `tests/data/store_1` has format 1, as the first
//! version wrote it.

mod support;

use std::path::{Path, PathBuf};

use concertina::analyses::AnalysisSpec;
use concertina::model::params::{Params, Sweep, ValidSweep};
use concertina::{CheckpointSelection, Import, Outcome, Source, Study, key_of};
use support::{contents, copied, open};

/// Parameters of the runs in the store. They must not change, because the store is fixed.
fn tiny() -> Params {
    let mut params = Params::default();
    params.network.units = 4;
    params.task.input_dim = 3;
    params.task.clusters = 4;
    params.task.delay = 3;
    params.task.train_samples = 20;
    params.task.val_samples = Some(8);
    params.train.epochs = 3;
    params
}

fn sweep() -> ValidSweep {
    Sweep::of(tiny()).gain([20.0, 250.0]).check().expect("valid")
}

fn diverging() -> ValidSweep {
    let mut params = tiny();
    params.network.nonlinearity = concertina::model::params::Nonlinearity::Linear;
    params.train.loss = concertina::model::params::LossKind::Mse;
    params.train.optimizer = concertina::model::params::OptimizerKind::Sgd;
    params.train.learning_rate = 1e9;
    params.train.epochs = 20;
    Sweep::of(params).check().expect("valid")
}

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

/// How the store was made. It is kept so that a store of the next format can be made in the same way. Run it
/// by hand, with a new name for the folder.
#[test]
#[ignore = "makes the data of the other test, once per format"]
fn makes_the_store_of_this_format() {
    let root = data().join("store_1");
    let study = open(&root, 1);
    study.train(&sweep()).expect("trains");
    study.train(&diverging()).expect("trains");
    let accuracy = AnalysisSpec::named("accuracy").expect("a known name");
    study.analyse(&sweep(), &accuracy, &CheckpointSelection::All).expect("analyses");
    let mut import = Import::of(data().join("weights.safetensors"));
    import.params = tiny();
    study.import(&import).expect("imports");
}

#[test]
fn a_store_of_format_1_is_verified_listed_read_and_trained_further() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("store");
    copied(&data().join("store_1"), &root);
    let runs_alone = |root: &Path| {
        let mut contents = contents(root);
        contents.retain(|path, _| path.starts_with("runs"));
        contents
    };
    let before = runs_alone(&root);
    let study = open(&root, 2);
    assert!(study.verify().expect("verified").is_empty());
    let table = study.run_table().expect("listed");
    assert_eq!(table.row_count(), 4, "two that were trained, one that diverged, one that was imported");
    let statuses = table.texts("status").expect("texts");
    let diverged = statuses.iter().filter(|status| status.as_deref() == Some("diverged")).count();
    assert_eq!(diverged, 1);
    // Everything in the store is loaded: the keys of runs and results and the columns have not changed.
    let runs = study.train(&sweep()).expect("loads");
    assert!(runs.iter().all(|run| run.source() == Source::Loaded && *run.outcome() == Outcome::Complete));
    for run in &runs {
        assert_eq!(*run.key(), key_of(run.params()));
        assert_eq!(run.history().len(), 3);
        run.weights(run.last_checkpoint()).expect("weights of the shapes that they have");
    }
    assert!(matches!(study.train(&diverging()).expect("loads").first().outcome(), Outcome::Diverged(_)));
    let accuracy = AnalysisSpec::named("accuracy").expect("a known name");
    let analysed = study.analyse(&sweep(), &accuracy, &CheckpointSelection::All).expect("analyses");
    assert_eq!(analysed.table.row_count(), 8);
    assert!(runs_alone(&root) == before, "nothing was trained again");
    // Old results can be read, whether or not this program still computes that version of the analysis.
    let store = concertina::store::Store::read_only(data().join("store_1")).expect("a store");
    let memos = store.memos().expect("listed");
    assert_eq!(memos.len(), 2);
    for memo in memos {
        assert_eq!((memo.analysis.as_str(), memo.version), ("accuracy", 1));
        let table = store.memo(&memo.key).expect("read").expect("it exists");
        assert_eq!(table.integers("update").expect("numbers").len(), 4);
    }
    let imported =
        table.texts("network.weights").expect("texts").into_iter().zip(table.texts("key").expect("texts"));
    let key = imported.filter_map(|(weights, key)| weights.and(key)).next().expect("one is imported");
    let imported = study.stored_sweep([key.as_str()]).expect("it exists");
    let analysed = study.analyse(&imported, &accuracy, &CheckpointSelection::Ends).expect("analyses");
    assert_eq!(analysed.table.row_count(), 1);
    // Training continues from the state in the store.
    let mut longer = tiny();
    longer.train.epochs = 5;
    let longer = Sweep::of(longer).gain([20.0, 250.0]).check().expect("valid");
    let runs = study.train(&longer).expect("trains on");
    assert!(runs.iter().all(|run| run.source() == Source::Extended && run.history().len() == 5));
    assert!(study.incidents().expect("listed").is_empty());
}

#[test]
fn a_store_of_format_1_can_be_merged_into_a_new_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let old = Study::builder(data().join("store_1")).read_only().expect("a store");
    let new = open(&folder.path().join("store"), 1);
    let merged = new.merge(&old).expect("merged");
    assert_eq!(merged.len(), 4);
    assert!(merged.iter().all(|one| one.fate == concertina::MergeFate::Added));
    let again = new.merge(&old).expect("merged");
    assert!(again.iter().all(|one| one.fate == concertina::MergeFate::Same), "{again:?}");
    assert_eq!(new.run_table().expect("listed"), old.run_table().expect("listed"));
}
