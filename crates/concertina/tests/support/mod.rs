//! What the integration tests share: small runs, and stores compared byte by byte.

#![allow(dead_code, unreachable_pub, reason = "every test target uses another part of it")]

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use concertina::Study;
use concertina::model::params::{Params, Sweep, ValidSweep};

/// A run of a few milliseconds.
pub fn small() -> Params {
    let mut params = Params::default();
    params.network.units = 16;
    params.task.input_dim = 6;
    params.task.clusters = 8;
    params.task.delay = 4;
    params.task.train_samples = 40;
    params.task.val_samples = Some(20);
    params.train.epochs = 6;
    params
}

/// One run.
pub fn one(params: Params) -> ValidSweep {
    Sweep::of(params).check().expect("valid parameters")
}

pub fn open(folder: &Path, jobs: usize) -> Study {
    Study::builder(folder).jobs(NonZeroUsize::new(jobs).expect("not zero")).open().expect("a store")
}

/// Every file of a store with its bytes, by its path below the root; times and machines (the provenance) left out.
pub fn contents(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of the store") {
            let path = entry.expect("an entry").path();
            if path.is_symlink() {
                found.insert(path.strip_prefix(root).expect("below the root").to_owned(), b"a link".to_vec());
            } else if path.is_dir() {
                folders.push(path);
            } else if path.file_name().is_some_and(|name| name != "provenance.json") {
                let bytes = std::fs::read(&path).expect("a file of the store");
                found.insert(path.strip_prefix(root).expect("below the root").to_owned(), bytes);
            }
        }
    }
    found
}

/// Says which files differ, rather than printing their bytes.
#[track_caller]
pub fn assert_same_store(left: &Path, right: &Path, what: &str) {
    let (left, right) = (contents(left), contents(right));
    let names = |contents: &BTreeMap<PathBuf, Vec<u8>>| contents.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&left), names(&right), "{what}: other files");
    for (path, bytes) in &left {
        assert!(bytes == &right[path], "{what}: {} differs", path.display());
    }
}
