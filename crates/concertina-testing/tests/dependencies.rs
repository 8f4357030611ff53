//! The dependencies of the project: their licences, their sources, and crates that are compiled in several
//! versions. These are the rules of `deny.toml`, checked without installing anything.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;

/// Licences that are compatible with MIT and Apache-2.0.
const LICENCES: [&str; 11] = [
    "MIT",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Crates of which several versions are compiled, because our dependencies do not use the same one yet. Look
/// into every new one: perhaps a dependency can be updated or removed.
const SEVERAL: [&str; 12] = [
    "equator",
    "equator-macro",
    "getrandom",
    "hashbrown",
    "miniz_oxide",
    "num-bigint",
    "r-efi",
    "roxmltree",
    "rustc-hash",
    "syn",
    "thiserror",
    "thiserror-impl",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Whether a licence expression (SPDX) lets us choose allowed licences only. `and` binds more tightly than
/// `or`.
fn is_allowed(expression: &str) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    any(&mut rest) && rest.is_empty()
}

fn any(rest: &mut &[&str]) -> bool {
    let mut holds = all(rest);
    while rest.first() == Some(&"OR") {
        *rest = &rest[1..];
        holds |= all(rest);
    }
    holds
}

fn all(rest: &mut &[&str]) -> bool {
    let mut holds = one(rest);
    while rest.first() == Some(&"AND") {
        *rest = &rest[1..];
        holds &= one(rest);
    }
    holds
}

fn one(rest: &mut &[&str]) -> bool {
    match **rest {
        ["(", ..] => {
            *rest = &rest[1..];
            let holds = any(rest);
            let closed = rest.first() == Some(&")");
            *rest = rest.get(1..).unwrap_or_default();
            holds && closed
        }
        [name, "WITH", exception, ..] => {
            *rest = &rest[3..];
            LICENCES.contains(&&*format!("{name} WITH {exception}"))
        }
        [name, ..] => {
            *rest = &rest[1..];
            LICENCES.contains(&name)
        }
        [] => false,
    }
}

#[test]
fn licence_expressions_are_read_as_in_spdx() {
    for good in [
        "MIT",
        "MIT/Apache-2.0",
        "GPL-3.0 OR MIT",
        "(MIT OR GPL-3.0) AND Zlib",
        "Apache-2.0 WITH LLVM-exception",
    ] {
        assert!(is_allowed(good), "{good}");
    }
    for bad in
        ["", "GPL-3.0", "MIT AND GPL-3.0", "(MIT OR Zlib", "MIT Zlib", "GPL-2.0 WITH Classpath-exception-2.0"]
    {
        assert!(!is_allowed(bad), "{bad}");
    }
}

#[test]
fn cargo_deny_allows_the_same_licences() {
    let settings = std::fs::read_to_string(root().join("deny.toml")).expect("it is committed");
    let settings: toml::Table = settings.parse().expect("TOML");
    let allowed = settings["licenses"]["allow"].as_array().expect("a list");
    assert_eq!(allowed.iter().filter_map(toml::Value::as_str).collect::<Vec<_>>(), LICENCES);
}

#[test]
fn every_dependency_has_a_licence_compatible_with_ours() {
    let rustc = Command::new("rustc").arg("-vV").output().expect("rustc is installed beside cargo");
    let version = String::from_utf8_lossy(&rustc.stdout).into_owned();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc reports its host");
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--locked", "--filter-platform", host])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(metadata.status.success(), "{}", String::from_utf8_lossy(&metadata.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout).expect("cargo writes JSON");
    let packages = metadata["packages"].as_array().expect("a list");
    assert!(packages.len() > 100, "{} packages", packages.len());
    let wrong: Vec<String> = packages
        .iter()
        .filter(|package| !package["license"].as_str().is_some_and(is_allowed))
        .map(|package| format!("{} {}: {}", package["name"], package["version"], package["license"]))
        .collect();
    assert!(wrong.is_empty(), "expected one of {LICENCES:?}, found {wrong:#?}");
}

#[test]
fn every_dependency_comes_from_the_registry_in_one_version() {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).expect("the lock file is committed");
    let lock: toml::Table = lock.parse().expect("cargo writes TOML");
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in lock["package"].as_array().expect("a list") {
        let text = |key: &str| package.get(key).and_then(toml::Value::as_str);
        let name = text("name").expect("every package has a name");
        versions.entry(name).or_default().insert(text("version").expect("every package has a version"));
        match text("source") {
            Some(source) => {
                assert!(source.starts_with("registry+"), "{name}: expected the registry, found {source}");
                assert!(text("checksum").is_some(), "{name}: no checksum");
            }
            None => assert!(name.starts_with("concertina"), "{name}: expected a registry, found none"),
        }
    }
    let several: Vec<_> = versions.iter().filter(|(_, versions)| versions.len() > 1).collect();
    let unknown: Vec<_> = several.iter().filter(|(name, _)| !SEVERAL.contains(name)).collect();
    assert!(
        unknown.is_empty(),
        "several versions of {unknown:?}; `cargo tree -d` shows which crates need them"
    );
    let gone: Vec<_> =
        SEVERAL.iter().filter(|name| !several.iter().any(|(found, _)| found == name)).collect();
    assert!(gone.is_empty(), "{gone:?} now have a single version: remove them from the list");
}

#[test]
fn cargo_run_means_the_one_command() {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--locked", "--no-deps"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout).expect("cargo writes JSON");
    let default = metadata["workspace_default_members"].as_array().expect("a list");
    let packages = metadata["packages"].as_array().expect("a list");
    let is_binary = |target: &&serde_json::Value| {
        target["kind"].as_array().is_some_and(|kinds| kinds.contains(&"bin".into()))
    };
    let binaries: Vec<&str> = packages
        .iter()
        .filter(|package| default.contains(&package["id"]))
        .flat_map(|package| package["targets"].as_array().expect("a list").iter().filter(is_binary))
        .filter_map(|target| target["name"].as_str())
        .collect();
    assert_eq!(binaries, ["concertina"], "there is one command to run and to install");
}
