//! Functions shared by the store's tests.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use concertina_store::{CheckpointId, RunFolder, RunKey, Store, Tensors};
use concertina_table::{Table, Values};
use ndarray::{ArrayD, IxDyn};
use serde_json::json;
use tempfile::TempDir;

/// A temporary folder, in memory if the system has such a place, because these tests flush a lot.
pub fn scratch() -> TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() };
    made.or_else(|_| TempDir::new()).expect("a temporary folder")
}

/// A store in a folder that is removed when the first of the pair is dropped.
pub fn fresh() -> (TempDir, Store) {
    let folder = scratch();
    let store = Store::open(folder.path().join("store")).expect("a new store");
    (folder, store)
}

pub fn key(name: &str) -> RunKey {
    RunKey::of(name)
}

pub fn id(epoch: u64) -> CheckpointId {
    CheckpointId { epoch, update: 80 * epoch }
}

/// A checkpoint of `units` units: recurrent weights and biases that change with the epoch, input weights that
/// do not.
pub fn tensors(epoch: u64, units: usize) -> Tensors {
    let array = |shape: &[usize], salt: u64| {
        let mut state = salt.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        ArrayD::from_shape_fn(IxDyn(shape), |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / 8_388_608.0 - 1.0
        })
    };
    let mut metadata = serde_json::Map::new();
    metadata.insert("epoch".to_owned(), json!(epoch));
    metadata.insert("gain".to_owned(), json!(0.1 + 0.2));
    Tensors {
        arrays: BTreeMap::from([
            ("recurrent_weights".to_owned(), array(&[units, units], 10 + epoch)),
            ("recurrent_bias".to_owned(), array(&[units], 1000 + epoch)),
            ("input_weights".to_owned(), array(&[2, units], 1)),
        ]),
        metadata,
    }
}

pub fn history() -> Table {
    Table::from_columns([("epoch", Values::from(vec![0, 1])), ("loss", Values::from(vec![Some(0.5), None]))])
        .expect("equal lengths")
}

/// A finished run: all six kinds of files, one loose checkpoint besides the packed ones.
pub fn finished(store: &Store, name: &str) -> RunFolder {
    let run = store.run(&key(name));
    run.publish_params("gain = 20.0\nseed = 1\n").expect("params");
    run.publish_packed(&[(id(0), &tensors(0, 4)), (id(1), &tensors(1, 4)), (id(2), &tensors(2, 4))])
        .expect("pack");
    run.publish_checkpoints(&[(id(3), &tensors(3, 4))]).expect("loose");
    run.publish_history(&history()).expect("history");
    run.publish_resume(&tensors(3, 4)).expect("resume");
    run.publish_provenance(&json!({"version": "0.1.0", "wall_seconds": 0.2})).expect("provenance");
    run
}

/// Every file below a folder with its bytes, by path.
pub fn contents(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    fn walk(folder: &Path, root: &Path, out: &mut BTreeMap<PathBuf, Vec<u8>>) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, root, out);
            } else {
                let relative = path.strip_prefix(root).expect("below the root").to_owned();
                out.insert(relative, fs::read(&path).unwrap_or_default());
            }
        }
    }
    let mut out = BTreeMap::new();
    walk(root, root, &mut out);
    out
}

/// Runs the ignored test `name` of this test binary in a separate process, with these variables set.
pub fn child(name: &str, variables: &[(&str, String)]) -> std::process::Command {
    let mut command = std::process::Command::new(std::env::current_exe().expect("this test binary"));
    command.args(["--exact", name, "--ignored", "--nocapture", "--test-threads=1"]);
    command.stdout(std::process::Stdio::null()); // stderr is kept, to see why a child fails
    for (variable, value) in variables {
        command.env(variable, value);
    }
    command
}
