//! Checks of parameter ranges, with uniform error messages.

use concertina_model::network::Equations;
use concertina_model::params::ValidParams;

use crate::{Error, Result};

/// Largest number of samples: arbitrary, a thousand times the paper's. Stimuli of 200 dimensions then take
/// 0.8 GB.
const MOST_SAMPLES: usize = 1_000_000;
/// Largest number of repetitions of a fit or an orbit: arbitrary, a thousand times the defaults.
pub(crate) const MOST_REPETITIONS: usize = 10_000;

/// Checks that a number of samples is at least `minimum`, and small enough for the samples to fit in memory.
pub(crate) fn samples(analysis: &'static str, found: usize, minimum: usize) -> Result<()> {
    at_least(analysis, "samples", found, minimum)?;
    at_most(analysis, "samples", found, MOST_SAMPLES.max(minimum))
}

/// The number of classes; an error for a task whose targets are real numbers.
pub(crate) fn needs_classes(analysis: &'static str, params: &ValidParams) -> Result<usize> {
    params.shape().classes().ok_or_else(|| Error::NotApplicable {
        analysis,
        subject: format!("the task `{}`, whose targets are real numbers", params.task.kind),
        reason: "it uses the classes of trials",
        hint: "choose a task with classes, or leave this analysis out",
    })
}

/// Refuses a network whose units have several currents, since its recurrent weights are not a single square
/// matrix.
pub(crate) fn refuse_gates(analysis: &'static str, params: &ValidParams, hint: &'static str) -> Result<()> {
    if Equations::new(params).dynamics().currents() == 1 {
        return Ok(());
    }
    Err(Error::NotApplicable {
        analysis,
        subject: format!("a network of kind `{}`", params.network.kind),
        reason: "its units have gates, so no single square matrix maps a state to the next",
        hint,
    })
}

/// Checks that a count is at most `maximum`.
pub(crate) fn at_most(
    analysis: &'static str,
    parameter: &'static str,
    found: usize,
    maximum: usize,
) -> Result<()> {
    if found <= maximum {
        return Ok(());
    }
    refuse(analysis, parameter, format!("at most {maximum}"), found)
}

/// Checks that a count is at least `minimum`.
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

/// Checks that a number is positive, and not NaN.
pub(crate) fn positive(analysis: &'static str, parameter: &'static str, found: f64) -> Result<()> {
    if found.is_finite() && found > 0.0 {
        return Ok(());
    }
    refuse(analysis, parameter, "a positive number".to_owned(), found)
}

/// The error for a parameter that is out of its range.
pub(crate) fn refuse<T>(
    analysis: &'static str,
    parameter: &'static str,
    expected: String,
    found: impl ToString,
) -> Result<T> {
    let hint = format!("`--with {parameter}=...` sets it; leave it out to use the default");
    Err(Error::Parameter { analysis, parameter, expected, found: found.to_string(), hint })
}
