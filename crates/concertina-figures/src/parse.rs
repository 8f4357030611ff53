//! TOML into data, with errors that name the place and the nearest known name.

use serde::de::DeserializeOwned;

use crate::{Error, Result};

/// Reads `text`; `name` is what errors call the file.
pub(crate) fn toml<T: DeserializeOwned>(name: &str, text: &str) -> Result<T> {
    toml::from_str(text).map_err(|error| {
        let place = error.span().map(|span| Place::of(text, span.start));
        let message = error.message().trim().replace('\n', "; ");
        Error::Syntax { hint: hint(&message), message, place, name: name.to_owned() }
    })
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
    /// The place of the byte at `offset`.
    pub(crate) fn of(text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self { line: before.matches('\n').count() + 1, column: before[start..].chars().count() + 1 }
    }
}

/// serde's message names what was found first and then what it knows, each in backticks.
fn hint(message: &str) -> Option<String> {
    if !message.starts_with("unknown field") && !message.starts_with("unknown variant") {
        return None;
    }
    let mut names = message.split('`').skip(1).step_by(2);
    let found = names.next()?;
    let known: Vec<&str> = names.collect();
    nearest(found, known.iter().copied()).map(|name| format!("did you mean `{name}`?"))
}

/// The known name that is most like `found`, if any is like it at all.
pub(crate) fn nearest<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(found, name), name))
        .filter(|&(distance, name)| distance <= 1 + name.len().max(found.len()) / 3)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, name)| name)
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
    fn the_nearest_name_is_found_and_strangers_are_not() {
        assert_eq!(nearest("gian", ["gain", "units"]), Some("gain"));
        assert_eq!(nearest("zebra", ["gain", "units"]), None);
    }
}
