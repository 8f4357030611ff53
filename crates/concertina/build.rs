//! Notes the commit from which the program is built, and whether the working tree was clean, for provenance
//! and methods sections.

#![allow(clippy::print_stdout, reason = "Cargo reads what a build script prints")]

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-env-changed=CONCERTINA_COMMIT");
    // The crates of which a program consists: if one changes, this crate is compiled again anyway.
    for part in ["analysis", "arrays", "model", "names", "numerics", "plot", "recipe", "store", "table"] {
        watch(&format!("../concertina-{part}/src"));
    }
    watch("src");
    watch("../../Cargo.lock");
    watch("../../recipes");
    if let Some(log) = git(&["rev-parse", "--git-path", "logs/HEAD"]) {
        watch(&log);
    }
    let given = std::env::var("CONCERTINA_COMMIT").ok().filter(|commit| !commit.is_empty());
    let (commit, tree) = match given {
        Some(commit) => (commit, "clean"),
        None => {
            match (git(&["rev-parse", "HEAD"]), git(&["status", "--porcelain", "--untracked-files=no"])) {
                // A repository that happens to contain the sources is not theirs.
                _ if !Path::new("../../recipes").exists() => (String::new(), ""),
                (Some(commit), Some(changes)) if changes.is_empty() => (commit, "clean"),
                (Some(commit), _) => (commit, "changed"),
                (None, _) => (String::new(), ""),
            }
        }
    };
    println!("cargo:rustc-env=CONCERTINA_BUILT_FROM={commit}");
    println!("cargo:rustc-env=CONCERTINA_TREE={tree}");
}

/// Builds again if a file or something in a folder changes. A path that does not exist would always do so.
fn watch(path: &str) {
    if Path::new(path).exists() {
        println!("cargo:rerun-if-changed={path}");
    }
}

/// What a command of git prints, if there is a git, and a repository.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
