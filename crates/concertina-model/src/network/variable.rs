//! The variables of the units that analyses can look at.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Dynamics, Network};
use crate::error::{Error, Result};

/// A variable of the units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Variable {
    /// The state: `h`, or `v` in a rate network.
    #[default]
    State,
    /// The rates `φ(h)` or `φ(v)`, in networks whose units send them.
    Rates,
    /// The cell `c` of an LSTM.
    Cell,
}

impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::State => "state",
            Self::Rates => "rates",
            Self::Cell => "cell",
        })
    }
}

impl Variable {
    /// Whether a network with these dynamics has it.
    pub fn exists(self, dynamics: &dyn Dynamics) -> bool {
        match self {
            Self::State => true,
            Self::Rates => dynamics.sends_rates(),
            Self::Cell => dynamics.states() > 1,
        }
    }
}

impl Network {
    /// Refuses a variable that this network does not have.
    pub(super) fn check_variable(&self, variable: Variable) -> Result<()> {
        match variable.exists(&*self.dynamics()) {
            true => Ok(()),
            false => Err(Error::Variable { variable, kind: self.kind() }),
        }
    }
}
