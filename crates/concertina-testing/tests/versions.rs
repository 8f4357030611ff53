//! Every file that names the version or the address of the repository agrees with `Cargo.toml`.

use std::path::PathBuf;

fn read(path: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn parsed(path: &str) -> toml::Table {
    read(path).parse().unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What the manifest of the workspace says of all its packages.
fn of_workspace(key: &str) -> String {
    parsed("Cargo.toml")["workspace"]["package"][key].as_str().expect("a text").to_owned()
}

/// The value of the first line that begins with `key`.
fn value<'a>(text: &'a str, key: &str) -> &'a str {
    let found = text.lines().find_map(|line| line.strip_prefix(key));
    found.unwrap_or_else(|| panic!("expected a line with `{key}`, found none")).trim().trim_matches('"')
}

#[test]
fn the_citation_names_the_version_and_the_repository() {
    let citation = read("CITATION.cff");
    assert_eq!(value(&citation, "version:"), of_workspace("version"));
    assert_eq!(value(&citation, "repository-code:"), of_workspace("repository"));
    let date = value(&citation, "date-released:");
    let parts: Vec<&str> = date.split('-').collect();
    let numbers = parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    assert!(numbers && lengths == [4, 2, 2], "expected a date as 2026-11-28, found `{date}`");
}

#[test]
fn the_changelog_begins_with_this_version_or_what_comes_after_it() {
    let changelog = read("CHANGELOG.md");
    let first = value(&changelog, "## ");
    let version = of_workspace("version");
    assert!(
        first == "Unreleased" || first.split(' ').next() == Some(version.as_str()),
        "expected `## Unreleased` or `## {version}` first in CHANGELOG.md, found `## {first}`"
    );
}

#[test]
fn packages_take_their_version_from_the_workspace() {
    let members = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut count = 0;
    for member in std::fs::read_dir(members).expect("the crates") {
        let name = member.expect("an entry").file_name().into_string().expect("a name in UTF-8");
        let manifest = parsed(&format!("crates/{name}/Cargo.toml"));
        assert_eq!(manifest["package"]["version"].get("workspace"), Some(&true.into()), "{name}");
        count += 1;
    }
    assert!(count > 10, "found {count} crates");
    let project = &parsed("pyproject.toml")["project"];
    assert_eq!(project.get("version"), None, "the Python package has the version of its crate");
    assert!(project["dynamic"].as_array().is_some_and(|names| names.contains(&"version".into())));
}

#[test]
fn the_image_and_the_forms_agree_with_the_manifest() {
    let image = read("Dockerfile");
    assert_eq!(value(&image, "ARG VERSION="), of_workspace("version"));
    let repository = of_workspace("repository");
    for (file, text) in [
        ("Dockerfile", image),
        (".github/ISSUE_TEMPLATE/config.yml", read(".github/ISSUE_TEMPLATE/config.yml")),
    ] {
        assert!(text.contains(&repository), "{file}: expected the repository {repository}");
    }
}
