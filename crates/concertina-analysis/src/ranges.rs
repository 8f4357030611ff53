//! Ranges of parameters, refused with one voice.

use crate::{Error, Result};

/// A count that must be at least `minimum`.
pub(crate) fn at_least(
    analysis: &'static str,
    parameter: &'static str,
    found: usize,
    minimum: usize,
) -> Result<()> {
    if found >= minimum {
        return Ok(());
    }
    refuse(analysis, parameter, format!("at least {minimum}"), found)
}

/// A number that must be positive, and a number.
pub(crate) fn positive(analysis: &'static str, parameter: &'static str, found: f64) -> Result<()> {
    if found.is_finite() && found > 0.0 {
        return Ok(());
    }
    refuse(analysis, parameter, "a positive number".to_owned(), found)
}

/// The error for a parameter that is not what it must be.
pub(crate) fn refuse<T>(
    analysis: &'static str,
    parameter: &'static str,
    expected: String,
    found: impl ToString,
) -> Result<T> {
    Err(Error::Parameter { analysis, parameter, expected, found: found.to_string() })
}
