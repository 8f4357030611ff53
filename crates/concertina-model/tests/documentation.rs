//! Documentation: the page of the parameters is up to date, and everything that is cited is in the
//! repository.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use concertina_model::params::parameters_markdown;

#[test]
fn the_reference_page_of_the_parameters_is_up_to_date() {
    let page = format!(
        "# Parameters\n\nMade from the code: `CONCERTINA_BLESS=1 cargo test -p concertina-model --test documentation` writes this page.\n\n{}",
        parameters_markdown()
    );
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/parameters.md");
    if std::env::var_os("CONCERTINA_BLESS").is_some() {
        std::fs::write(path, &page).expect("the page can be written");
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert!(found == page, "docs/reference/parameters.md is out of date; CONCERTINA_BLESS=1 writes it again");
}

#[test]
fn everything_that_code_and_pages_cite_is_in_the_repository() {
    let repository = Repository::read();
    assert!(repository.texts.len() > 200, "found only {} files to read", repository.texts.len());
    let missing: Vec<String> =
        repository.texts.iter().flat_map(|(file, text)| repository.missing(file, text)).collect();
    assert!(missing.is_empty(), "{} citations lead nowhere:\n{}", missing.len(), missing.join("\n"));
}

#[test]
fn citations_that_lead_nowhere_are_found() {
    let page = "# A page\n\n## Its `first` part: a, b\n";
    let repository = Repository::of(&[("docs/page.md", page), ("crates/one/src/thing/part.rs", "")]);
    let missing = |file: &str, text: &str| repository.missing(Path::new(file), text).len();
    for (text, expected) in [
        ("//! See docs/page.md, `docs/page.md#its-first-part-a-b` and (`thing/part.rs`).", 0),
        ("//! Files in `docs/` and `crates/one/src/`; https://example.org/other.md is elsewhere.", 0),
        ("let name = \"other.md\";", 0),
        ("//! `page.md`, which is in another folder", 1),
        ("//! `docs/page.md#its-second-part`", 1),
        ("//! as elsewhere.md says", 1),
        ("/// `thing/gone.rs`", 1),
        ("let path = \"docs/pages/page.md\"; // in `crates/nothing`", 2),
    ] {
        assert_eq!(missing("crates/one/src/lib.rs", text), expected, "{text}");
    }
    for (text, expected) in [
        ("[here](page.md) [there](page.md#a-page) [own](#part)\n# Part\n", 0),
        ("[from the root](docs/page.md) ![none](images/none.png) [no part](#part)", 3),
        ("`page.md#nowhere`", 1),
    ] {
        assert_eq!(missing("docs/other.md", text), expected, "{text}");
    }
}

/// Folders of test data that may lie beside a clone. Tests report that they skip them if they are missing.
const BESIDE: [&str; 5] = [
    "../shared/files",
    "../shared/golden",
    "../shared/golden-analyses",
    "../shared/golden-networks",
    "../shared/reference/paper",
];

/// What a fresh clone does not have, because it is made by working in it.
const MADE: [&str; 6] = [".git", "concertina", "figures", "fuzz/artifacts", "fuzz/coverage", "fuzz/found"];

/// This file, whose examples cite what does not exist.
const THIS_FILE: &str = "crates/concertina-model/tests/documentation.rs";

/// The files of the repository that matter for citations.
struct Repository {
    /// Every file and folder, as a path from the root.
    paths: BTreeSet<String>,
    /// The text of the files that are searched for citations.
    texts: BTreeMap<PathBuf, String>,
}

impl Repository {
    /// This repository.
    fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut repository = Repository { paths: BTreeSet::new(), texts: BTreeMap::new() };
        repository.add_folder(&root, Path::new(""));
        repository
    }

    /// A made-up repository with these files.
    fn of(files: &[(&str, &str)]) -> Self {
        let mut repository = Repository { paths: BTreeSet::new(), texts: BTreeMap::new() };
        for (file, text) in files {
            for path in Path::new(file).ancestors().filter(|path| *path != Path::new("")) {
                repository.paths.insert(slashed(path));
            }
            repository.texts.insert(PathBuf::from(file), (*text).to_owned());
        }
        repository
    }

    fn add_folder(&mut self, root: &Path, folder: &Path) {
        for entry in std::fs::read_dir(root.join(folder)).expect("a folder of the repository") {
            let name = entry.expect("an entry of that folder").file_name();
            let path = folder.join(&name);
            if MADE.iter().any(|made| path == Path::new(made)) || name == "target" || name == "node_modules" {
                continue;
            }
            let path_on_disk = root.join(&path);
            let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
            self.paths.insert(slashed(&path));
            if path_on_disk.is_dir() {
                self.add_folder(root, &path);
            } else if ["md", "rs", "toml", "py"].contains(&extension) && path != Path::new(THIS_FILE) {
                let bytes = std::fs::read(path_on_disk).expect("a file of the repository");
                self.texts.insert(path, String::from_utf8_lossy(&bytes).into_owned());
            }
        }
    }

    /// What a file cites and the repository lacks, one line for each citation.
    fn missing(&self, file: &Path, text: &str) -> Vec<String> {
        let is = |extension: &str| file.extension().is_some_and(|found| found == extension);
        let mut missing = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let mut cited = |what: &str, is_there: bool| {
                if !is_there {
                    missing.push(format!("{}:{number}: `{what}`", file.display()));
                }
            };
            // in a manifest, `concertina/gpu` is the feature of a crate
            let is_manifest = file.ends_with("Cargo.toml");
            let comment = match is_manifest {
                true => line.find('#'),
                false => line.find("//").filter(|_| is("rs")),
            };
            let whole_line_cites = !is("rs") && !is_manifest;
            let (code, prose) =
                line.split_at(comment.unwrap_or(if whole_line_cites { 0 } else { line.len() }));
            for word in words(prose) {
                cited(word, self.has(file, word));
            }
            for word in words(code).filter(|word| word.starts_with("docs/")) {
                cited(word, self.has(file, word));
            }
            for target in links(line).filter(|_| is("md")) {
                cited(target, self.has_target(file, text, target));
            }
        }
        missing
    }

    /// Whether a word of a comment or a page is not a citation, or cites something in the repository.
    fn has(&self, file: &Path, word: &str) -> bool {
        let (path, anchor) = word.split_once('#').map_or((word, None), |(path, anchor)| (path, Some(anchor)));
        let path = path.trim_end_matches('/');
        let extension = Path::new(path).extension().and_then(|extension| extension.to_str());
        if BESIDE.contains(&path) {
            return true;
        }
        if extension == Some("md") {
            let beside = file.parent().map(|folder| slashed(&normal(&folder.join(path))));
            return [Some(path.to_owned()), beside]
                .into_iter()
                .flatten()
                .any(|page| self.has_part(&page, anchor));
        }
        let top = path.split('/').next().filter(|first| first.len() < path.len()).unwrap_or_default();
        let is_path = path.starts_with("../shared")
            || top.starts_with("concertina")
            || (self.paths.contains(top) && !self.texts.contains_key(Path::new(top)));
        let is_source = matches!(extension, Some("rs" | "py")) && path.len() > 3;
        if !is_path && !is_source {
            return true;
        }
        let end = format!("/{path}");
        self.paths.contains(path) || self.paths.iter().any(|known| known.ends_with(&end))
    }

    /// Whether the target of a link in a page exists. Links to the web are not checked.
    fn has_target(&self, file: &Path, text: &str, target: &str) -> bool {
        let (path, anchor) =
            target.split_once('#').map_or((target, None), |(path, anchor)| (path, Some(anchor)));
        if target.contains("://") {
            return true;
        }
        if path.is_empty() {
            return anchor.is_none_or(|anchor| anchors(text).any(|known| known == anchor));
        }
        let folder = file.parent().unwrap_or(Path::new(""));
        self.has_part(slashed(&normal(&folder.join(path))).trim_end_matches('/'), anchor)
    }

    /// Whether a page or another file exists, and the page has a heading with this anchor.
    fn has_part(&self, path: &str, anchor: Option<&str>) -> bool {
        let has = |anchor| {
            self.texts.get(Path::new(path)).is_some_and(|text| anchors(text).any(|known| known == anchor))
        };
        self.paths.contains(path) && anchor.is_none_or(has)
    }
}

/// The words of a line that may be paths, without surrounding punctuation.
fn words(line: &str) -> impl Iterator<Item = &str> {
    let is_part = |sign: char| sign.is_ascii_alphanumeric() || "._-/#".contains(sign);
    line.split_whitespace()
        .filter(|word| !word.contains("://"))
        .flat_map(move |word| word.split(move |sign| !is_part(sign)))
        .map(|word| word.trim_start_matches('/').trim_end_matches(['.', '#']))
}

/// The targets of the links in a line of Markdown.
fn links(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split(')').next())
}

/// The anchors of a page's headings, as GitHub makes them.
fn anchors(page: &str) -> impl Iterator<Item = String> {
    let heading =
        |line: &str| line.starts_with('#').then(|| line.trim_start_matches('#').trim().to_lowercase());
    page.lines().filter_map(heading).map(|heading| {
        let kept = heading.chars().filter(|sign| sign.is_alphanumeric() || " -_".contains(*sign));
        kept.map(|sign| if sign == ' ' { '-' } else { sign }).collect()
    })
}

/// A path without `.` and `..` inside.
fn normal(path: &Path) -> PathBuf {
    let mut parts = Vec::new();
    for part in path.components() {
        match part {
            Component::ParentDir if parts.last().is_some_and(|last| *last != Component::ParentDir) => {
                parts.pop();
            }
            Component::CurDir => {}
            other => parts.push(other),
        }
    }
    parts.into_iter().collect()
}

/// A path as text, with `/` between its parts.
fn slashed(path: &Path) -> String {
    path.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}
