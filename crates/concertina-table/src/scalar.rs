//! One cell of a table.

use std::cmp::Ordering;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};

/// One cell of a table.
///
/// `Display` writes the same text as [`Table::write_csv`](crate::Table::write_csv): null is empty, and floats
/// have a point or an exponent and are read back to the same bits. A vector, which occupies several cells in
/// CSV, is written as `[0.5, -2.0]`.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    /// A floating-point number; never NaN if it comes from a table.
    Float(f64),
    /// A whole number.
    Integer(i64),
    /// A text.
    Text(String),
    /// True or false.
    Boolean(bool),
    /// A vector of numbers; never contains NaN if it comes from a table.
    Vector(Vec<f64>),
    /// No value: unknown or undefined.
    Null,
}

impl Scalar {
    /// The value as a float; integers are converted, and everything else is `None`.
    pub fn as_float(&self) -> Option<f64> {
        match self {
            Self::Float(value) => Some(*value),
            Self::Integer(value) => Some(*value as f64),
            _ => None,
        }
    }

    /// The value as an integer; everything else is `None`.
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Integer(value) => Some(*value),
            _ => None,
        }
    }

    /// The value as a text; everything else is `None`.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(value) => Some(value),
            _ => None,
        }
    }

    /// True for [`Scalar::Null`].
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The value that a word represents: a number, a truth value, null (`none`, `null`), or the word itself.
    pub fn of_word(word: &str) -> Self {
        if let Ok(number) = word.parse::<i64>() {
            return Self::Integer(number);
        }
        if let Some(number) = number(word) {
            return Self::Float(number);
        }
        match &*word.to_ascii_lowercase() {
            "true" => Self::Boolean(true),
            "false" => Self::Boolean(false),
            "none" | "null" => Self::Null,
            _ => Self::Text(word.to_owned()),
        }
    }

    /// The cell as a user would type it: `20` for both 20 and 20.0, a text as it is, and the empty text for
    /// null.
    pub fn word(&self) -> String {
        match self {
            Self::Float(value) => value.to_string(),
            other => other.to_string(),
        }
    }

    /// A text that identifies the value of a cell independently of its spelling: `20` for 20, 20.0 and the
    /// text `2e1`.
    pub fn key(&self) -> String {
        match self {
            Self::Text(text) => match (text.parse::<i64>(), number(text)) {
                (Ok(whole), _) => whole.to_string(),
                (Err(_), Some(number)) => number.to_string(),
                (Err(_), None) => text.clone(),
            },
            other => other.word(),
        }
    }

    /// Whether two cells have the same value, however they are spelled: a text that reads as a number counts
    /// as that number. Null is the same only as null.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, _) | (_, Self::Null) => self.is_null() && other.is_null(),
            (Self::Integer(a), Self::Integer(b)) => a == b, // exact for any size
            (Self::Boolean(a), Self::Boolean(b)) => a == b,
            (Self::Text(a), Self::Text(b)) if a == b => true,
            _ => {
                let of = |cell: &Self| cell.as_float().or_else(|| number(cell.as_text()?));
                match (of(self), of(other)) {
                    (Some(a), Some(b)) => a == b,
                    (None, None) if self.as_text().is_some() && other.as_text().is_some() => false,
                    _ => self.word() == other.word(),
                }
            }
        }
    }

    /// A total order: numbers by value (integers and floats mixed), then booleans, then texts, then vectors
    /// by their first different number, then null.
    pub fn total_cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Boolean(a), Self::Boolean(b)) => a.cmp(b),
            (Self::Vector(a), Self::Vector(b)) => {
                let different = a.iter().zip(b).map(|(a, b)| a.total_cmp(b)).find(|order| order.is_ne());
                different.unwrap_or_else(|| a.len().cmp(&b.len()))
            }
            _ => match (self.as_float(), other.as_float()) {
                (Some(a), Some(b)) => a.total_cmp(&b),
                _ => self.rank().cmp(&other.rank()),
            },
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Float(_) | Self::Integer(_) => 0,
            Self::Boolean(_) => 1,
            Self::Text(_) => 2,
            Self::Vector(_) => 3,
            Self::Null => 4,
        }
    }
}

/// The finite number that a text represents.
fn number(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|number| number.is_finite())
}

/// Reads a number, a text, or true or false.
impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ScalarVisitor;
        impl Visitor<'_> for ScalarVisitor {
            type Value = Scalar;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, a text, or true or false")
            }
            fn visit_str<E: de::Error>(self, value: &str) -> Result<Scalar, E> {
                Ok(value.into())
            }
            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Scalar, E> {
                Ok(value.into())
            }
            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Scalar, E> {
                Ok(i64::try_from(value).map_or(Scalar::Float(value as f64), Scalar::Integer))
            }
            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Scalar, E> {
                Ok(Scalar::Float(value))
            }
            fn visit_bool<E: de::Error>(self, value: bool) -> Result<Scalar, E> {
                Ok(value.into())
            }
        }
        deserializer.deserialize_any(ScalarVisitor)
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Float(value) => write!(formatter, "{value:?}"),
            Self::Integer(value) => write!(formatter, "{value}"),
            Self::Text(value) => formatter.write_str(value),
            Self::Boolean(value) => write!(formatter, "{value}"),
            Self::Vector(value) => write!(formatter, "{value:?}"),
            Self::Null => Ok(()),
        }
    }
}

impl From<f64> for Scalar {
    /// NaN becomes null.
    fn from(value: f64) -> Self {
        if value.is_nan() { Self::Null } else { Self::Float(value) }
    }
}

impl From<f32> for Scalar {
    /// NaN becomes null.
    fn from(value: f32) -> Self {
        Self::from(f64::from(value))
    }
}

impl From<i64> for Scalar {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<i32> for Scalar {
    fn from(value: i32) -> Self {
        Self::Integer(value.into())
    }
}

impl From<u32> for Scalar {
    fn from(value: u32) -> Self {
        Self::Integer(value.into())
    }
}

impl From<&str> for Scalar {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Scalar {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<bool> for Scalar {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl<T: Into<Scalar>> From<Option<T>> for Scalar {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
