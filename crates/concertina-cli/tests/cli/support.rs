//! A folder for each test, the command in it, and its output in a comparable form.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Parameters of a run of a few milliseconds.
pub(crate) const SMALL: [&str; 7] =
    ["units=16", "input_dim=6", "clusters=8", "delay=4", "train_samples=40", "val_samples=20", "epochs=6"];

/// A folder in which the command runs.
pub(crate) struct Place {
    pub(crate) folder: tempfile::TempDir,
}

/// What a command printed and how it ended.
pub(crate) struct Said {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("written");
    }

    /// The command, ready to run here.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("concertina"));
        command.args(arguments).current_dir(self.folder.path());
        for (name, _) in std::env::vars_os() {
            // variables that the tests read, or that point to the user's own store
            if name.to_string_lossy().starts_with("CONCERTINA_") {
                command.env_remove(name);
            }
        }
        command.env("COLUMNS", "100").env("RUST_BACKTRACE", "0");
        // the user's own defaults
        command.env("XDG_CONFIG_HOME", self.path("config"));
        command
    }

    /// What a command says.
    pub(crate) fn said(&self, command: &mut Command) -> Said {
        let Output { status, stdout, stderr } = command.output().expect("the command runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Said { status: status.code(), stdout: text(stdout), stderr: text(stderr) }
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        self.said(&mut self.command(arguments))
    }

    /// A command with the parameters of a small run.
    pub(crate) fn run_small(&self, first: &[&str], more: &[&str]) -> Said {
        let arguments: Vec<&str> = first.iter().chain(&SMALL).chain(more).copied().collect();
        self.run(&arguments)
    }

    /// Every file of a store with its bytes, except the provenance, which holds times and machines.
    pub(crate) fn store(&self, name: &str) -> BTreeMap<PathBuf, Vec<u8>> {
        contents(&self.path(name))
    }
}

impl Said {
    /// The text of a snapshot.
    pub(crate) fn snapshot(&self) -> String {
        let Self { status, stdout, stderr } = self;
        let status = status.map_or("a signal".to_owned(), |status| status.to_string());
        format!(
            "exit status: {status}\n----- standard output -----\n{stdout}----- standard error -----\n{stderr}"
        )
    }

    #[track_caller]
    pub(crate) fn expect_success(self) -> Self {
        assert_eq!(self.status, Some(0), "{}", self.snapshot());
        self
    }
}

fn contents(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of the store") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().is_some_and(|name| name != "provenance.json") {
                let bytes = std::fs::read(&path).expect("a file of the store");
                found.insert(path.strip_prefix(root).expect("below the root").to_owned(), bytes);
            }
        }
    }
    found
}

#[track_caller]
pub(crate) fn assert_same_store(
    left: &BTreeMap<PathBuf, Vec<u8>>,
    right: &BTreeMap<PathBuf, Vec<u8>>,
    what: &str,
) {
    let names = |contents: &BTreeMap<PathBuf, Vec<u8>>| contents.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(left), names(right), "{what}: different files");
    for (path, bytes) in left {
        assert!(bytes == &right[path], "{what}: {} differs", path.display());
    }
}

/// Compares what was printed with a snapshot, in which keys, times and folders are replaced by placeholders.
macro_rules! assert_said {
    ($place:expr, $said:expr) => {{
        let folder = $place.folder.path().canonicalize().expect("a folder");
        let mut settings = insta::Settings::clone_current();
        settings.add_filter(&regex_escape(&folder.display().to_string()), "[FOLDER]");
        settings.add_filter(&regex_escape(&$place.folder.path().display().to_string()), "[FOLDER]");
        settings.add_filter(r"\b[0-9a-f]{64}\b", "[KEY]");
        settings.add_filter(r"\b[0-9a-f]{12}\b", "[KEY]");
        settings.add_filter(r"\b\d+\.\d s\b", "[TIME]");
        settings.bind(|| insta::assert_snapshot!($said.snapshot()));
    }};
}
pub(crate) use assert_said;

/// A pattern that matches a text and nothing else.
pub(crate) fn regex_escape(text: &str) -> String {
    text.chars()
        .flat_map(|sign| (!sign.is_alphanumeric()).then_some('\\').into_iter().chain([sign]))
        .collect()
}
