//! Weights as users have them: files of PyTorch and PsychRNN, and what PyTorch computes with them.

use std::path::PathBuf;

/// The folder with the files: `CONCERTINA_FILES`, or `../shared/files` beside the project, or `tests/files`.
/// `None` if there is none, which is reported.
///
/// # Panics
/// If there is no folder and shared data is required.
pub fn folder() -> Option<PathBuf> {
    let root = crate::folder::workspace_root();
    let defaults = [root.join("../shared/files"), root.join("tests/files")];
    let found = crate::folder::first_of("CONCERTINA_FILES", &defaults);
    if found.is_none() {
        crate::folder::missing("files/");
    }
    found
}

/// The names of the files of PyTorch (`pytorch/NAME.pt`), without their ending, sorted.
///
/// # Panics
/// As [`folder`].
pub fn of_pytorch() -> Vec<String> {
    let Some(entries) = folder().and_then(|folder| std::fs::read_dir(folder.join("pytorch")).ok()) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok()?.strip_suffix(".pt").map(String::from))
        .collect();
    names.sort();
    names
}
