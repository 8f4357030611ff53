//! What is worth a word about parameters that are right.

use std::fmt;

use super::PassedOver;
use super::parameter::grouped;

/// Something about a sweep that is no error, but may be unexpected.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// An argument that is no parameter of a run, and asks for nothing.
    PassedOver(PassedOver),
    /// A parameter was given, and changes nothing in any of the runs.
    WithoutEffect {
        /// Its path.
        path: &'static str,
        /// With what it would have an effect, in words.
        only_with: &'static str,
    },
    /// Some combinations come to the same run.
    Repeated {
        /// How many combinations were asked for.
        combinations: usize,
        /// How many runs they are.
        runs: usize,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PassedOver(argument) => argument.fmt(f),
            Self::WithoutEffect { path, only_with } => {
                write!(f, "`{path}` has no effect here: it counts only with {only_with}")
            }
            Self::Repeated { combinations, runs } => {
                let (combinations, runs) = (grouped(*combinations as u64), grouped(*runs as u64));
                let plural = if runs == "1" { "" } else { "s" };
                write!(
                    f,
                    "{combinations} combinations are {runs} run{plural}: some are given twice, or differ only in parameters without effect"
                )
            }
        }
    }
}
