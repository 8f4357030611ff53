//! Golden numbers of more networks and tasks: which crate reads which parts of each file.

use std::path::PathBuf;

use super::Fixture;
use super::pattern::matches;

/// The folder with the fixtures: `CONCERTINA_GOLDEN_NETWORKS`, or `../shared/golden-networks` beside the
/// project.
pub fn folder() -> Option<PathBuf> {
    let root = crate::folder::workspace_root();
    crate::folder::first_of("CONCERTINA_GOLDEN_NETWORKS", &[root.join("../shared/golden-networks")])
}

/// Arrays of some files, and the crate that reads them.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    /// Pattern of file names without `.npz`, `*` for any run of characters.
    pub files: &'static str,
    /// Pattern of array names.
    pub arrays: &'static str,
    /// The crate whose tests read them.
    pub reader: &'static str,
}

pub(super) const fn read(files: &'static str, arrays: &'static str, reader: &'static str) -> Part {
    Part { files, arrays, reader }
}

const MODEL: &str = "concertina-model";
const ANALYSIS: &str = "concertina-analysis";

/// The parts of the files in the folder. If several match an array, the first counts.
pub const PARTS: &[Part] = &[
    read("small_*", "*", MODEL),
    read("medium_*", "*", MODEL),
    read("init", "gru.*", MODEL),
    read("init", "lstm.*", MODEL),
    read("init", "rate.*", MODEL),
    read("init", "dale*", MODEL),
    read("init", "density.*", MODEL),
    read("init", "rank*", MODEL),
    read("jacobians", "*", MODEL),
    read("lyapunov", "*", ANALYSIS),
    read("connectivity_*", "*", MODEL),
    read("tasks", "*", MODEL),
];

/// The part that an array belongs to.
pub fn part_of(file: &str, array: &str) -> Option<&'static Part> {
    PARTS.iter().find(|part| matches(part.files, file) && matches(part.arrays, array))
}

/// Opens a fixture and takes responsibility for the arrays that match these patterns. `None` if the file is
/// missing, which is reported.
///
/// # Panics
/// If the file cannot be read.
pub fn open(file: &str, arrays: &[&str]) -> Option<Fixture> {
    open_in(folder(), "golden-networks", file, arrays)
}

/// Opens the fixture in a folder; `name` is the folder's name in messages.
pub(super) fn open_in(folder: Option<PathBuf>, name: &str, file: &str, arrays: &[&str]) -> Option<Fixture> {
    let path = folder.map(|folder| folder.join(format!("{file}.npz"))).filter(|path| path.is_file());
    let Some(path) = path else {
        crate::folder::missing(&format!("{name}/{file}.npz"));
        return None;
    };
    Some(Fixture::from_path(&path, arrays))
}
