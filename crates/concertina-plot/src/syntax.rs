//! Reads TOML into data, with errors that name the place and the nearest known name.

use concertina_names::suggestion;
use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue};

/// An invalid file, with the place of the error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}{}", at(.place.as_ref(), .name))]
pub struct SyntaxError {
    /// What was expected and what was found.
    pub message: String,
    /// Where.
    pub place: Option<Place>,
    /// The file, or a name in place of it.
    pub name: String,
    /// What to do.
    pub hint: Option<String>,
}

/// A place in a file: ` at line 3, column 5 of mine.toml`.
pub fn at(place: Option<&Place>, name: &str) -> String {
    match place {
        Some(Place { line, column }) => format!(" at line {line}, column {column} of {name}"),
        None => format!(" in {name}"),
    }
}

/// Reads `text`; `name` is the name of the file in errors.
///
/// # Errors
/// What is wrong, and where.
pub fn toml<T: DeserializeOwned>(name: &str, text: &str) -> Result<T, SyntaxError> {
    toml::from_str(text).map_err(|error| {
        let place = error.span().map(|span| Place::of(text, span.start));
        let (message, hint) = in_our_words(error.message());
        SyntaxError { hint, message, place, name: name.to_owned() }
    })
}

/// Separates the message from the hint in errors of types with their own deserialisation, because serde's
/// errors are plain texts.
const HINT: &str = "\nhint: ";

/// An error of a type with its own deserialisation, with a hint that [`toml()`] extracts again.
pub fn with_hint<E: serde::de::Error>(message: impl std::fmt::Display, hint: Option<String>) -> E {
    match hint {
        Some(hint) => E::custom(format!("{message}{HINT}{hint}")),
        None => E::custom(message),
    }
}

/// Converts serde's message to the wording of this project: expected, then found, names in backticks, known
/// names as a hint.
fn in_our_words(message: &str) -> (String, Option<String>) {
    if let Some((message, hint)) = message.split_once(HINT) {
        return (message.trim().replace('\n', "; "), Some(hint.trim().to_owned()));
    }
    let message = message.trim().replace('\n', "; ");
    for (serde, ours) in [("unknown field `", "key"), ("unknown variant `", "value")] {
        // What was found comes first, then the known names, each in backticks.
        if let Some(rest) = message.strip_prefix(serde)
            && let Some((found, rest)) = rest.split_once('`')
        {
            let known: Vec<&str> = rest.split('`').skip(1).step_by(2).collect();
            let hint = suggestion(found, known, "known:");
            return (format!("unknown {ours} `{found}`"), Some(hint));
        }
    }
    for serde in ["invalid type: ", "invalid value: "] {
        if let Some((found, expected)) =
            message.strip_prefix(serde).and_then(|rest| rest.split_once(", expected "))
        {
            let expected = match expected {
                "f64" => "a number",
                "u64" | "usize" | "u32" => "a whole number of at least 0",
                "a nonzero usize" => "a whole number of at least 1",
                other => other,
            };
            return (format!("expected {expected}, found {found}"), None);
        }
    }
    (message, None)
}

/// A place in a text, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The character in the line.
    pub column: usize,
}

impl Place {
    /// The place of a key in a TOML text, given the names of the enclosing tables and its own name, which may
    /// have dots for further tables.
    pub fn of_key(text: &str, path: &[&str]) -> Option<Self> {
        fn find(table: &DeTable<'_>, path: &[&str]) -> Option<usize> {
            let (wanted, deeper) = path.split_first()?;
            table.iter().find_map(|(key, value)| {
                let here = key.span().start;
                let rest = wanted.strip_prefix(key.get_ref().as_ref())?;
                let path: Vec<&str> = match rest.strip_prefix('.') {
                    Some(rest) => [rest].into_iter().chain(deeper.iter().copied()).collect(),
                    None if rest.is_empty() => deeper.to_vec(),
                    None => return None,
                };
                match (path.is_empty(), value.get_ref()) {
                    (true, _) => Some(here),
                    (false, DeValue::Table(inner)) => find(inner, &path),
                    (false, _) => None,
                }
            })
        }
        let table = DeTable::parse(text).ok()?;
        find(table.get_ref(), path).map(|start| Self::of(text, start))
    }

    /// The place of the byte at `offset`.
    pub fn of(text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self { line: before.matches('\n').count() + 1, column: before[start..].chars().count() + 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_from_one() {
        assert_eq!(Place::of("ab\ncd", 0), Place { line: 1, column: 1 });
        assert_eq!(Place::of("ab\ncd", 4), Place { line: 2, column: 2 });
    }

    #[test]
    fn keys_are_found_however_they_are_nested() {
        let text = "[runs.all]\nsweep = { task.input_dim = [2], \"network.gain\" = [20] }\n[runs.all.parameters]\ntrain.epochs = 3\n";
        let place = |path: &[&str]| Place::of_key(text, path).map(|place| (place.line, place.column));
        assert_eq!(place(&["runs", "all", "sweep", "task.input_dim"]), Some((2, 16)));
        assert_eq!(place(&["runs", "all", "sweep", "network.gain"]), Some((2, 33)));
        assert_eq!(place(&["runs", "all", "parameters", "train.epochs"]), Some((4, 7)));
        assert_eq!(place(&["runs", "all", "sweep", "seed"]), None);
    }

    #[test]
    fn messages_of_serde_are_reworded() {
        let words = |message| in_our_words(message);
        let hint = |text: &str| Some(text.to_owned());
        assert_eq!(
            words("unknown field `hu`, expected one of `x`, `hue`"),
            ("unknown key `hu`".to_owned(), hint("did you mean `hue`?"))
        );
        assert_eq!(
            words("unknown field `zebra`, expected `x` or `hue`"),
            ("unknown key `zebra`".to_owned(), hint("known: `x`, `hue`"))
        );
        assert_eq!(
            words("invalid type: string \"low\", expected f64"),
            ("expected a number, found string \"low\"".to_owned(), None)
        );
        assert_eq!(words("missing field `figure`"), ("missing field `figure`".to_owned(), None));
    }

    #[test]
    fn long_names_are_reported() {
        // A key with the quotes of serde's message in it, so that it is both the found and a known name.
        let long = "a".repeat(1_000_000);
        let (message, hint) =
            in_our_words(&format!("unknown field `{long}`, `{long}`, expected `x` or `hue`"));
        assert!(message.starts_with("unknown key `aaa") && hint.is_some());
    }
}
