//! Where shared test data lies, and what happens when it does not.

use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The environment variable that turns missing data into failures.
const REQUIRE: &str = "CONCERTINA_REQUIRE_SHARED";

/// The root of the workspace: two folders above this crate.
pub(crate) fn workspace_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The folder named by the environment variable, which then alone counts, else the first of `defaults` that
/// is there.
pub(crate) fn first_of(variable: &str, defaults: &[PathBuf]) -> Option<PathBuf> {
    if let Some(named) = std::env::var_os(variable).filter(|value| !value.is_empty()) {
        return Some(PathBuf::from(named));
    }
    defaults.iter().find(|folder| folder.is_dir()).cloned()
}

/// Says that `what` is not there and was skipped; fails the test if shared data is required.
pub(crate) fn missing(what: &str) {
    let required = std::env::var_os(REQUIRE).is_some_and(|value| !value.is_empty());
    assert!(!required, "{what} not there, and {REQUIRE} is set");
    report(&format!("{what} not there, skipped"));
}

/// Writes a line to standard error past the test harness, which would swallow it.
pub(crate) fn report(line: &str) {
    // A test that cannot write its remark is still a good test.
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
