//! Notes on parameters that are valid, but perhaps not what the user meant.

use std::fmt;

use super::PassedOver;
use super::parameter::grouped;

/// Something about a sweep that is not an error, but may be unexpected.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// An argument was given that is not a parameter of a run; its value requests nothing.
    PassedOver(PassedOver),
    /// A parameter was given that has no effect in any of the runs.
    WithoutEffect {
        /// Its path.
        path: &'static str,
        /// The condition under which it would have an effect, in words.
        only_with: &'static str,
    },
    /// Some combinations are the same run.
    Repeated {
        /// How many combinations were requested.
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
