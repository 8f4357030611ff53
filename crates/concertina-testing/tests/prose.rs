//! The text of the project reads as a native speaker writes it: phrases that do not are listed with what to
//! write instead, and comments fit into 110 columns.

use std::path::Path;

use concertina_testing::repository;

/// Phrases that were found too often, and what to write.
const REPLACED: [(&str, &str); 33] = [
    ("a row a", "one row per ..."),
    ("a run a", "one run per ..."),
    ("a line a", "one line per ..."),
    ("a column a", "one column per ..."),
    ("a file a", "one file per ..."),
    ("a class a", "one class per ..."),
    ("one a core", "one per core"),
    ("one a class", "one per class"),
    ("one a run", "one per run"),
    ("run a core", "run per core"),
    ("no number", "NaN or infinite"),
    ("no numbers", "NaN or infinite"),
    ("hold against", "compare with"),
    ("holds against", "compares with"),
    ("held against", "compared with"),
    ("just now", "currently"),
    ("to the bit", "bit-for-bit"),
    ("there are so many", "say how many"),
    ("the memory there is", "available memory"),
    ("is it there", "does it exist"),
    ("somebody", "another process, a user, or the passive"),
    ("someone", "another process, a user, or the passive"),
    ("whoever", "a user who ..., or the passive"),
    ("nobody", "no other process, no user, or the passive"),
    ("anybody", "any user, or the passive"),
    ("anew", "again"),
    ("what came of", "its outcome"),
    ("goes with it", "is written alongside"),
    ("go with it", "are written alongside"),
    ("lest", "so that ... not"),
    ("whence", "from which"),
    ("thereof", "of it"),
    ("is to be had", "is available"),
];

/// Where a phrase is something else: `nobody` is a user of Unix systems.
const MEANT: [(&str, &str); 1] = [("crates/concertina-cli/tests/slow_fire.rs", "nobody")];

/// Kinds of files that hold text for people.
const TEXTS: [&str; 13] =
    ["rs", "md", "toml", "py", "pyi", "ipynb", "sh", "yml", "yaml", "snap", "txt", "html", "cff"];

/// Files of other people's text, and this one, which names the phrases.
const NOT_OURS: [&str; 8] = [
    "crates/concertina-testing/tests/prose.rs",
    "crates/concertina/tests/data",
    "crates/concertina-recipe/tests/data",
    "fuzz/corpus",
    "recipes/reference",
    "tests/golden",
    "python/tests/requirements.txt",
    "docs/requirements.txt",
];

#[test]
fn no_text_has_a_phrase_that_reads_as_translated() {
    let mut found = Vec::new();
    for (path, text) in texts() {
        for (number, line) in (1..).zip(text.lines()) {
            let is_meant = |phrase: &str| MEANT.contains(&(path.as_str(), phrase));
            let phrases = REPLACED.iter().filter(|(phrase, _)| contains_phrase(line, phrase));
            for (phrase, instead) in phrases.filter(|(phrase, _)| !is_meant(phrase)) {
                found.push(format!("{path}:{number}: `{phrase}`, write: {instead}"));
            }
        }
    }
    assert!(found.is_empty(), "{} phrases to replace:\n{}", found.len(), found.join("\n"));
}

#[test]
fn comments_fit_into_110_columns() {
    let mut found = Vec::new();
    for (path, text) in texts() {
        let marks: &[&str] = match Path::new(&path).extension().and_then(|extension| extension.to_str()) {
            Some("rs") => &["//! ", "/// ", "// "],
            Some("py" | "toml" | "sh" | "yml" | "yaml") => &["# "],
            _ => continue,
        };
        let mut in_block = false; // of code or equations, which keep their own width
        for (number, line) in (1..).zip(text.lines()) {
            let Some(comment) = marks.iter().find_map(|mark| line.trim_start().strip_prefix(mark)) else {
                continue;
            };
            in_block ^= comment.trim_start().starts_with("```");
            // rows of tables and single long words cannot be wrapped
            let wraps = !in_block && !comment.starts_with('|') && comment.trim().contains(' ');
            if wraps && line.chars().count() > 110 {
                found.push(format!("{path}:{number}"));
            }
        }
    }
    assert!(found.is_empty(), "{} comments to wrap:\n{}", found.len(), found.join("\n"));
}

#[test]
fn phrases_are_found_as_whole_words_only() {
    for (line, phrase, expected) in [
        ("/// One run a core.", "run a core", true),
        ("fn trains_anew() {", "anew", true),
        ("Somebody else's store", "somebody", true),
        ("the smallest of them", "lest", false),
        ("one a corner", "one a core", false),
    ] {
        assert_eq!(contains_phrase(line, phrase), expected, "{line}");
    }
}

/// The texts of the project, by path from its top folder.
fn texts() -> impl Iterator<Item = (String, String)> {
    let paths = repository::paths();
    assert!(paths.len() > 300, "found only {} files and folders", paths.len());
    paths.into_iter().filter_map(|path| {
        let name = repository::slashed(&path);
        let is_text = path.extension().and_then(|extension| extension.to_str());
        let ours = !NOT_OURS.iter().any(|other| name.starts_with(other));
        let script =
            ["build", "run", "run_slow", "release", "archive"].iter().any(|script| path.ends_with(script));
        let read = ours && (is_text.is_some_and(|extension| TEXTS.contains(&extension)) || script);
        (read && repository::root().join(&path).is_file()).then(|| (name, repository::text(&path)))
    })
}

/// Whether a line has a phrase, in any case, between signs that are neither letters nor digits. In a name,
/// `_` separates words.
fn contains_phrase(line: &str, phrase: &str) -> bool {
    let line = line.to_lowercase().replace('_', " ");
    line.match_indices(phrase).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        let after = line[start + phrase.len()..].chars().next();
        ![before, after].into_iter().flatten().any(char::is_alphanumeric)
    })
}
