//! Golden fixtures: `.npz` files of reference numbers, and the record of which test reads what.
//!
//! Every array of a fixture must be read by some test. [`Fixture::finish`] fails a test that left one unread,
//! and [`KNOWN`] lists the files, the parts of files, and the test that is responsible for each. Tests find
//! their cases from array names ([`Fixture::cases`]), so that another folder with the same format, named in
//! `CONCERTINA_GOLDEN`, works without changes.

pub mod analyses;
mod fixture;
mod known;
pub mod networks;
mod pattern;

pub use fixture::Fixture;
pub use known::{KNOWN, Known, Part};

use std::path::PathBuf;

/// The folder with the fixtures: `CONCERTINA_GOLDEN`, or `../shared/golden` beside the project, or
/// `tests/golden`.
pub fn folder() -> Option<PathBuf> {
    let root = crate::folder::workspace_root();
    crate::folder::first_of("CONCERTINA_GOLDEN", &[root.join("../shared/golden"), root.join("tests/golden")])
}

/// The names of all fixtures in the folder, without `.npz`, sorted. Empty if there is no
/// folder, which is reported.
///
/// # Panics
/// If there is no folder and shared data is required.
pub fn files() -> Vec<String> {
    let Some(entries) = folder().and_then(|folder| std::fs::read_dir(folder).ok()) else {
        crate::folder::missing("golden/");
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .filter_map(|entry| {
            entry.ok()?.file_name().into_string().ok()?.strip_suffix(".npz").map(String::from)
        })
        .collect();
    names.sort();
    names
}

/// The arrays of a known file that belong to none of its parts in [`KNOWN`], sorted.
///
/// # Panics
/// If the file is missing or cannot be read.
pub fn unclaimed(known: &Known) -> Vec<String> {
    let folder = folder().unwrap_or_else(|| panic!("no folder with golden fixtures"));
    let fixture = Fixture::from_path(&folder.join(format!("{}.npz", known.file)), &[]);
    let claimed = |name: &&str| {
        known.parts.iter().flat_map(|part| part.arrays).any(|pattern| pattern::matches(pattern, name))
    };
    fixture.names().filter(|name| !claimed(name)).map(String::from).collect()
}
