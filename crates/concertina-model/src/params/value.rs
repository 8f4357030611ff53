//! Values of parameters before they have a type, as they come from a command line, TOML, JSON or Python.

use std::fmt;
use std::sync::Arc;

use crate::task::TrialArrays;

/// The value of a parameter, as the user wrote it.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing: Python's `None`, JSON's `null`, the published table's `na`.
    None,
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Integer(i128),
    /// Any other number, NaN and infinities included (no parameter takes those).
    Real(f64),
    /// A word.
    Text(String),
    /// Several of them.
    List(Vec<Value>),
    /// Imported trials: what `task.file` is replaced with.
    Trials(Arc<TrialArrays>),
}

impl Value {
    /// Reads a value as it is written on a command line, in Python or in the published run table.
    ///
    /// `20`, `2e1`, `.02`, `1_000`, `true`, `True`, `None`, `na`, `tanh`, `'tanh'`, `[2, 1, 0.5]`, `(2, 1)`.
    /// Anything else is text, so this cannot fail.
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        match inside(text, '[', ']').or_else(|| inside(text, '(', ')')) {
            Some(items) => Self::List(split(items).into_iter().map(Self::parse_single).collect()),
            None => Self::parse_single(text),
        }
    }

    fn parse_single(text: &str) -> Self {
        let text = text.trim();
        let text = inside(text, '"', '"').or_else(|| inside(text, '\'', '\'')).unwrap_or(text).trim();
        match &*text.to_ascii_lowercase() {
            "none" | "na" | "null" => return Self::None,
            "true" => return Self::Boolean(true),
            "false" => return Self::Boolean(false),
            _ => {}
        }
        let digits = ungrouped(text);
        if let Ok(number) = digits.parse() {
            Self::Integer(number)
        } else if let Ok(number) = digits.parse() {
            Self::Real(number)
        } else {
            Self::Text(text.to_owned())
        }
    }

    /// The same value, with text read as [`Value::parse`] reads it.
    pub(super) fn untexted(&self) -> Self {
        match self {
            Self::Text(text) => Self::parse(text),
            Self::List(items) => {
                Self::List(
                    items
                        .iter()
                        .map(|item| {
                            if let Self::Text(text) = item { Self::parse_single(text) } else { item.clone() }
                        })
                        .collect(),
                )
            }
            other => other.clone(),
        }
    }
}

/// As in messages: text is in backticks.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Boolean(value) => value.fmt(f),
            Self::Integer(number) => number.fmt(f),
            Self::Real(number) => f.write_str(&spell(*number)),
            Self::Text(text) => write!(f, "`{text}`"),
            Self::Trials(arrays) => write!(f, "`{}`", arrays.name()),
            Self::List(items) => {
                f.write_str("[")?;
                for (place, item) in items.iter().enumerate() {
                    if place > 0 {
                        f.write_str(", ")?;
                    }
                    item.fmt(f)?;
                }
                f.write_str("]")
            }
        }
    }
}

/// The one spelling of a number: the shortest that reads back as the same bits, with whole numbers written
/// without a decimal point.
///
/// 20, 20.0 and 2e1 are all `20`; 1e-7 is `1e-7`. Keys depend on this spelling, which a test fixes.
pub(super) fn spell(number: f64) -> String {
    let mut text = format!("{number:?}");
    if text.ends_with(".0") {
        text.truncate(text.len() - 2);
    }
    text
}

/// The text between two brackets or quotes at its ends.
fn inside(text: &str, open: char, close: char) -> Option<&str> {
    text.strip_prefix(open)?.strip_suffix(close)
}

/// A number without the underscores between its digits.
fn ungrouped(text: &str) -> String {
    let digit = |place: Option<usize>| {
        place.and_then(|place| text.as_bytes().get(place)).is_some_and(u8::is_ascii_digit)
    };
    let kept = text
        .char_indices()
        .filter(|&(place, sign)| !(sign == '_' && digit(place.checked_sub(1)) && digit(Some(place + 1))));
    kept.map(|(_, sign)| sign).collect()
}

/// Splits at commas outside brackets and quotes. An empty rest after the last comma is not an item.
pub(super) fn split(text: &str) -> Vec<&str> {
    let (mut items, mut depth, mut quote, mut start) = (Vec::new(), 0_i64, None, 0);
    for (place, sign) in text.char_indices() {
        match (quote, sign) {
            (Some(open), _) if sign == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(sign),
            (None, '[' | '(') => depth += 1,
            (None, ']' | ')') => depth -= 1,
            (None, ',') if depth == 0 => {
                items.push(text[start..place].trim());
                start = place + 1;
            }
            _ => {}
        }
    }
    let last = text[start..].trim();
    if !last.is_empty() {
        items.push(last);
    }
    items
}

macro_rules! from_whole {
    ($($kind:ty)*) => {$(
        impl From<$kind> for Value {
            fn from(number: $kind) -> Self {
                Self::Integer(number as i128)
            }
        }
    )*};
}

from_whole!(i32 u32 i64 u64 usize);

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Real(number)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}
