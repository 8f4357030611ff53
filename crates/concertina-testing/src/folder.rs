//! Where shared test data is, and what happens if it is missing.

use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The environment variable that turns missing data into failures.
const REQUIRE: &str = "CONCERTINA_REQUIRE_SHARED";

/// The root of the workspace: two folders above this crate.
pub(crate) fn workspace_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The folder named by the environment variable if it is set, otherwise the first of `defaults` that exists.
pub(crate) fn first_of(variable: &str, defaults: &[PathBuf]) -> Option<PathBuf> {
    if let Some(named) = std::env::var_os(variable).filter(|value| !value.is_empty()) {
        return Some(PathBuf::from(named));
    }
    defaults.iter().find(|folder| folder.is_dir()).cloned()
}

/// Reports that `what` is missing and was skipped. Fails the test if shared data is required.
pub(crate) fn missing(what: &str) {
    let required = std::env::var_os(REQUIRE).is_some_and(|value| !value.is_empty());
    assert!(!required, "{what} is missing, and {REQUIRE} is set");
    report(&format!("{what} is missing, skipped"));
}

/// Writes a line to standard error directly, because the test harness would hide it.
pub(crate) fn report(line: &str) {
    // A test that cannot write its note is still a valid test.
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
