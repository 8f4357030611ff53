//! Tests of parameters.

mod arbitrary;
mod checking;
mod hostile;
mod keys;
mod reading;
mod registry;
mod schedule;
mod sweeps;
mod wrong_inputs;

use super::*;
use crate::Error;

/// The message and the hint, as a user reads them.
fn shown(error: &Error) -> String {
    let hint = error.hint().map_or(String::new(), |hint| format!("\nhint: {hint}"));
    format!("{error}{hint}\n")
}

/// Parameters after `name=value` overrides, which must be valid.
fn with(overrides: &[&str]) -> Params {
    let mut params = Params::default();
    for text in overrides {
        let (name, value) = text.split_once('=').expect("the tests write name=value");
        params.set(name, value).unwrap_or_else(|error| panic!("{text}: {error}"));
    }
    params
}

fn valid(overrides: &[&str]) -> ValidParams {
    with(overrides).check().unwrap_or_else(|error| panic!("{overrides:?}: {error}"))
}
