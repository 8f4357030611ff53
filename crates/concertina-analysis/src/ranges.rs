//! Ranges of parameters, refused with one voice.

use concertina_model::network::Equations;
use concertina_model::params::ValidParams;

use crate::{Error, Result};

/// Most samples: arbitrary, a thousand times the paper's; stimuli of 200 dimensions then take 0.8 GB.
const MOST_SAMPLES: usize = 1_000_000;
/// Most repetitions of a fit or an orbit: arbitrary, a thousand times the defaults.
pub(crate) const MOST_REPETITIONS: usize = 10_000;

/// A number of samples that must be at least `minimum`, and few enough to be held in memory.
pub(crate) fn samples(analysis: &'static str, found: usize, minimum: usize) -> Result<()> {
    at_least(analysis, "samples", found, minimum)?;
    at_most(analysis, "samples", found, MOST_SAMPLES.max(minimum))
}

/// The number of classes; an error for a task whose targets are real numbers.
pub(crate) fn needs_classes(analysis: &'static str, params: &ValidParams) -> Result<usize> {
    params.shape().classes().ok_or_else(|| Error::NotApplicable {
        analysis,
        subject: format!("the task `{}`, whose targets are real numbers", params.task.kind),
        reason: "it looks at the classes of trials",
        hint: "choose a task with classes, or leave this analysis out",
    })
}

/// An error for a network whose units have several currents: its recurrent weights are not one square matrix.
pub(crate) fn refuse_gates(analysis: &'static str, params: &ValidParams, hint: &'static str) -> Result<()> {
    if Equations::new(params).dynamics().currents() == 1 {
        return Ok(());
    }
    Err(Error::NotApplicable {
        analysis,
        subject: format!("a network of kind `{}`", params.network.kind),
        reason: "its units have gates, so that no single square matrix takes a state to the next",
        hint,
    })
}

/// A count that must be at most `maximum`.
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
    let hint = format!("`--with {parameter}=...` sets it; left out it is the default");
    Err(Error::Parameter { analysis, parameter, expected, found: found.to_string(), hint })
}
