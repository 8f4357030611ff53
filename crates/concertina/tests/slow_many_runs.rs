//! A store of a hundred thousand runs that is listed and queried. Slow; run it by name:
//!
//! ```sh
//! cargo test --release -p concertina --test slow_many_runs -- --nocapture
//! ```
//!
//! `CONCERTINA_RUNS=1000` sets another number. Times are printed, not asserted.

#![allow(clippy::print_stdout, reason = "this test is run for its times")]

#[path = "support/many_runs.rs"]
mod many_runs;

use std::path::Path;
use std::time::{Duration, Instant};

use concertina::model::params::Params;
use concertina::prelude::{Accuracy, CheckpointSelection};
use concertina::store::Store;
use concertina::{Condition, RunColumns, RunListing, Study};
use serde_json::json;

/// The time of a command that trains or analyses one small run in this store.
fn one_command(root: &Path, seed: u64, analyse: bool) -> Duration {
    let mut params = Params::default();
    (params.seed, params.network.units, params.task.input_dim) = (seed, 4, 3);
    (params.task.clusters, params.task.delay, params.task.train_samples) = (4, 3, 20);
    (params.task.val_samples, params.train.epochs) = (Some(8), 2);
    let sweep = concertina::model::params::Sweep::of(params).check().expect("valid");
    let begin = Instant::now();
    let study = Study::builder(root).open_existing().expect("a store");
    if analyse {
        study.analyse(&sweep, &Accuracy::default().into(), &CheckpointSelection::Ends).expect("analysed");
    } else {
        study.train(&sweep).expect("trained");
    }
    begin.elapsed()
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
    timed(&format!("made {runs} runs"), || many_runs::fill(&root, runs));
    // A run that changed a moment ago is not indexed, because it may change again within the same tick of the
    // file system's clock.
    std::thread::sleep(Duration::from_secs(4));
    let open = || Study::builder(&root).open_existing().expect("a store");
    let first = timed("listed for the first time", || open().run_table().expect("listed"));
    assert_eq!(first.row_count() as u64, runs);
    let second = timed("listed again", || open().run_table().expect("listed"));
    assert!(second == first, "the index gives the same table as the folders");
    let mut listing = RunListing::default();
    listing.condition = Some(
        Condition::parse("gain = 50 and input_dim = 2 and seed < 1000", &RunColumns).expect("a condition"),
    );
    listing.columns = ["key", "network.gain", "seed"].map(str::to_owned).to_vec();
    timed("listed with `runs.csv` written", || open().list(&listing).expect("listed"));
    assert_eq!(
        std::fs::read_to_string(root.join("runs.csv")).expect("it exists").lines().count() as u64,
        runs + 1
    );
    let found = timed("queried", || open().list(&listing).expect("listed"));
    let expected = (0..runs).filter(|run| run % 10 == 5 && run % 7 == 0 && run / 10 < 1000).count();
    assert_eq!(found.row_count(), expected);
    listing.condition =
        Some(Condition::parse("validation_accuracy >= 0.9", &RunColumns).expect("a condition"));
    listing.sort = vec!["-validation_accuracy".parse().expect("a column")];
    let best = timed("queried by results of runs", || open().list(&listing).expect("listed"));
    assert_eq!(best.row_count(), (0..runs).filter(|run| run % 1000 >= 900).count());
    for (what, analyse) in [("train", false), ("analyse", true)] {
        let mut times: Vec<Duration> =
            (0..9).map(|seed| one_command(&root, 1_000_000 + seed, analyse)).collect();
        times.sort_unstable();
        println!("{what} one small run: median {:.1} ms of nine", 1e3 * times[4].as_secs_f64());
    }
    assert!(!root.join("runs.csv").exists(), "runs were added");
    let runs = runs + 9;
    let key = first.texts("key").expect("texts")[0].clone().expect("a key");
    timed("showed one run", || open().stored_run(&key[..16]).expect("it exists"));
    // A run that is added or changed is noticed.
    let store = Store::open(&root).expect("opens");
    many_runs::publish(&store, 10_000_003);
    store.run(&key.parse().expect("a key")).publish_provenance(&json!({})).expect("published");
    let third = timed("listed after a change", || open().run_table().expect("listed"));
    assert_eq!(third.row_count() as u64, runs + 1);
    assert_eq!(third.texts("status").expect("texts")[0].as_deref(), Some("unfinished"));
    assert_eq!(
        timed("read without the index", || {
            std::fs::remove_file(root.join("index.parquet")).expect("it exists");
            Study::builder(&root).read_only().expect("a store").run_table().expect("listed")
        })
        .row_count() as u64,
        runs + 1
    );
}
