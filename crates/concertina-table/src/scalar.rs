//! One cell of a table.

use std::cmp::Ordering;
use std::fmt;

/// One cell of a table.
///
/// `Display` writes what [`Table::write_csv`](crate::Table::write_csv) writes: null is empty, floats have a point or an
/// exponent and read back to the same bits.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    /// A number with fraction; never NaN when it comes from a table.
    Float(f64),
    /// A whole number.
    Integer(i64),
    /// A text.
    Text(String),
    /// True or false.
    Boolean(bool),
    /// Nothing: unknown or undefined.
    Null,
}

impl Scalar {
    /// The value as a float; integers are widened, all else is `None`.
    pub fn as_float(&self) -> Option<f64> {
        match self {
            Self::Float(value) => Some(*value),
            Self::Integer(value) => Some(*value as f64),
            _ => None,
        }
    }

    /// The value as an integer; all else is `None`.
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Integer(value) => Some(*value),
            _ => None,
        }
    }

    /// The value as a text; all else is `None`.
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

    /// A total order: numbers by size (integers and floats mixed), then booleans, then texts, null last.
    pub fn total_cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Boolean(a), Self::Boolean(b)) => a.cmp(b),
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
            Self::Null => 3,
        }
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Float(value) => write!(formatter, "{value:?}"),
            Self::Integer(value) => write!(formatter, "{value}"),
            Self::Text(value) => formatter.write_str(value),
            Self::Boolean(value) => write!(formatter, "{value}"),
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
