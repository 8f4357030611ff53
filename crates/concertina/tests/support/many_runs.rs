//! Stores of very many made-up runs, written through the store's own calls.

use std::collections::BTreeMap;
use std::path::Path;

use concertina::key_of;
use concertina::model::params::Params;
use concertina::prelude::Table;
use concertina::store::{CheckpointId, Durability, Store, StoreOptions, Tensors};
use concertina::table::Values;
use ndarray::ArrayD;
use serde_json::json;

/// Made-up runs with the files of finished ones: parameters, one small checkpoint, a history, provenance.
pub(crate) fn fill(root: &Path, runs: u64) {
    let store = StoreOptions::new().durability(Durability::Process).open(root).expect("a new store");
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let store = &store;
            scope.spawn(move || (thread..runs).step_by(threads as usize).for_each(|run| publish(store, run)));
        }
    });
}

pub(crate) fn publish(store: &Store, number: u64) {
    let mut params = Params { seed: number / 10, ..Params::default() };
    params.network.gain = Some(10.0 * (number % 10) as f64);
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
    batch.history(&folder, &history(number)).expect("columns");
    batch.provenance(&folder, &json!({ "progress": { "epoch": 12, "update": 960 }, "training": [] }));
    batch.publish().expect("published");
}

/// A history of twelve epochs. Runs differ in their validation accuracy.
fn history(number: u64) -> Table {
    let floats = |of: &dyn Fn(i64) -> f64| Values::Float((1..=12).map(|epoch| Some(of(epoch))).collect());
    let accuracy = (number % 1000) as f64 / 1000.0;
    Table::from_columns([
        ("epoch", Values::Integer((1..=12).map(Some).collect())),
        ("update", Values::Integer((1..=12).map(|epoch| Some(80 * epoch)).collect())),
        ("learning_rate", floats(&|_| 1e-3)),
        ("training_loss", floats(&|epoch| 1.0 / epoch as f64)),
        ("training_accuracy", floats(&|_| 0.5)),
        ("gradient_norm", floats(&|_| 1.0)),
        ("validation_loss", floats(&|epoch| 2.0 / epoch as f64)),
        ("validation_accuracy", floats(&|_| accuracy)),
    ])
    .expect("columns of one length")
}
