//! The files of this repository, for tests that read its own text.

use std::path::{Component, Path, PathBuf};

/// Folders that a clone does not have: version control, and what building, testing and drawing leave behind.
const LEFT_BEHIND: [&str; 7] =
    [".git", "concertina", "dist", "figures", "fuzz/artifacts", "fuzz/coverage", "fuzz/found"];

/// The same, wherever they lie.
const LEFT_BEHIND_ANYWHERE: [&str; 8] = [
    "target",
    "__pycache__",
    "node_modules",
    ".venv",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".ipynb_checkpoints",
];

/// The top folder of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every file and folder, as paths from the top folder, sorted.
pub fn paths() -> Vec<PathBuf> {
    let mut found = Vec::new();
    add_folder(&root(), Path::new(""), &mut found);
    found.sort();
    found
}

/// The content of a file, with replacement characters where it is not UTF-8.
pub fn text(path: &Path) -> String {
    let bytes = std::fs::read(root().join(path))
        .unwrap_or_else(|error| panic!("expected a readable file at `{}`: {error}", path.display()));
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A path with `/` between its parts, on every system.
pub fn slashed(path: &Path) -> String {
    path.components()
        .filter(|part| *part != Component::CurDir)
        .map(|part| part.as_os_str().to_string_lossy())
        .collect::<Vec<_>>()
        .join("/")
}

fn add_folder(root: &Path, folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(root.join(folder)).expect("a folder of the repository") {
        let name = entry.expect("an entry of that folder").file_name();
        let path = folder.join(&name);
        let left_behind = LEFT_BEHIND.iter().any(|known| path == Path::new(known))
            || LEFT_BEHIND_ANYWHERE.iter().any(|known| name == *known);
        if left_behind {
            continue;
        }
        if root.join(&path).is_dir() {
            add_folder(root, &path, found);
        }
        found.push(path);
    }
}
