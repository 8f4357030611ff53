//! A store of a hundred thousand runs, listed and queried. Slow, run by name:
//!
//! ```sh
//! cargo test --release -p concertina --test slow_many_runs -- --nocapture
//! ```
//!
//! `CONCERTINA_RUNS=1000` makes another number. Times are printed, not asserted.

#![allow(clippy::print_stdout, reason = "the times are what this is run for")]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use concertina::model::params::Params;
use concertina::store::{CheckpointId, Durability, Store, StoreOptions, Tensors};
use concertina::{Condition, Study, key_of, run_table_column};
use ndarray::ArrayD;
use serde_json::json;

/// Made-up runs, as finished ones stand in a store: parameters, one small checkpoint, provenance.
fn fill(root: &Path, runs: u64) {
    let store = StoreOptions::new().durability(Durability::Process).open(root).expect("a new store");
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let store = &store;
            scope.spawn(move || (thread..runs).step_by(threads as usize).for_each(|run| publish(store, run)));
        }
    });
}

fn publish(store: &Store, number: u64) {
    let mut params = Params::default();
    params.seed = number / 10;
    params.network.gain = 10.0 * (number % 10) as f64;
    params.task.input_dim = 2 + (number % 7) as usize;
    let params = params.check().expect("valid");
    let folder = store.run(&key_of(&params));
    let arrays = BTreeMap::from([("bias".to_owned(), ArrayD::zeros(vec![4]))]);
    let tensors = Tensors { arrays, metadata: Default::default() };
    let mut batch = store.batch();
    batch.params(&folder, &params.to_annotated_toml());
    let id = CheckpointId { epoch: 12, update: 960 };
    let given = [(id, &tensors)];
    batch.packed(&folder, &given, concertina::store::Keep::All);
    batch.provenance(&folder, &json!({ "progress": { "epoch": 12, "update": 960 }, "training": [] }));
    batch.publish().expect("published");
}

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let begin = Instant::now();
    let done = work();
    println!("{what}: {:.2} s", begin.elapsed().as_secs_f64());
    done
}

#[test]
fn a_store_of_a_hundred_thousand_runs_is_listed_and_queried() {
    let runs: u64 =
        std::env::var("CONCERTINA_RUNS").ok().and_then(|text| text.parse().ok()).unwrap_or(100_000);
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("store");
    timed(&format!("made {runs} runs"), || fill(&root, runs));
    // What changed a moment ago is not indexed: it may change again within the same tick of the file system's clock.
    std::thread::sleep(Duration::from_secs(4));
    let open = || Study::builder(&root).open_existing().expect("a store");
    let first = timed("listed for the first time", || open().run_table().expect("listed"));
    assert_eq!(first.row_count() as u64, runs);
    let second = timed("listed again", || open().run_table().expect("listed"));
    assert!(second == first, "an index tells the same as the folders");
    let condition = Condition::parse("gain = 50 and input_dim = 2 and seed < 1000", &run_table_column)
        .expect("a condition");
    let columns = ["key", "network.gain", "seed"].map(str::to_owned);
    let found = timed("queried", || open().list(Some(&condition), &columns, false).expect("listed"));
    let expected = (0..runs).filter(|run| run % 10 == 5 && run % 7 == 0 && run / 10 < 1000).count();
    assert_eq!(found.row_count(), expected);
    let key = first.texts("key").expect("texts")[0].clone().expect("a key");
    timed("one shown", || open().stored_run(&key[..16]).expect("there"));
    // A run that is added or changed is noticed.
    let store = Store::open(&root).expect("opens");
    publish(&store, 10 * runs + 3);
    store.run(&key.parse().expect("a key")).publish_provenance(&json!({})).expect("published");
    let third = timed("listed after a change", || open().run_table().expect("listed"));
    assert_eq!(third.row_count() as u64, runs + 1);
    assert_eq!(third.texts("status").expect("texts")[0].as_deref(), Some("unfinished"));
    assert_eq!(
        timed("read without the index", || {
            std::fs::remove_file(root.join("index.parquet")).expect("there");
            Study::builder(&root).read_only().expect("a store").run_table().expect("listed")
        })
        .row_count() as u64,
        runs + 1
    );
}
