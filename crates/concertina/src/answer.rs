//! The form in which a single run answers an analysis.

use std::ops::Deref;

use concertina_analysis::{
    Accuracy, Analysis, AnalysisSpec, ClusterHoldout, EffectiveDimension, Loss, Lyapunov, PcaSnapshots,
};
use concertina_table::Table;

/// An analysis with the form in which a single run answers it: a table, or something that reads like one and knows more.
pub trait Answers: Analysis {
    /// The form.
    type Answer;

    /// Puts a table into that form.
    fn answer(table: Table) -> Self::Answer;
}

macro_rules! answers_with_a_table {
    ($($analysis:ty),* $(,)?) => {$(
        impl Answers for $analysis {
            type Answer = Table;

            fn answer(table: Table) -> Table {
                table
            }
        }
    )*};
}

answers_with_a_table!(AnalysisSpec, Accuracy, ClusterHoldout, EffectiveDimension, Loss, PcaSnapshots);

impl Answers for Lyapunov {
    type Answer = LyapunovSpectra;

    fn answer(table: Table) -> LyapunovSpectra {
        LyapunovSpectra { table }
    }
}

/// The Lyapunov spectra of a run at some checkpoints. Reads like a [`Table`].
#[derive(Debug, Clone, PartialEq)]
pub struct LyapunovSpectra {
    table: Table,
}

impl Deref for LyapunovSpectra {
    type Target = Table;

    fn deref(&self) -> &Table {
        &self.table
    }
}

/// A Lyapunov exponent with its error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LyapunovExponent {
    bits_per_timestep: f64,
    standard_error: Option<f64>,
}

impl LyapunovExponent {
    /// The exponent; `-∞` where the network leaves no further direction.
    pub fn bits_per_timestep(self) -> f64 {
        self.bits_per_timestep
    }

    /// Its standard error over initial conditions, in bits per timestep; `None` where the exponent is `-∞`.
    pub fn standard_error(self) -> Option<f64> {
        self.standard_error
    }
}

impl LyapunovSpectra {
    /// The exponents at the last of the checkpoints, largest first.
    pub fn last(&self) -> Vec<LyapunovExponent> {
        let column = |name: &str| self.table.floats(name).unwrap_or_default();
        let (updates, exponents, errors) = (column("update"), column("exponent"), column("standard_error"));
        let Some(last) = updates.last() else { return Vec::new() };
        let rows = updates.iter().zip(exponents.iter().zip(errors)).filter(|(update, _)| *update == last);
        let exponent = |(_, (exponent, standard_error)): (_, (&Option<f64>, Option<f64>))| LyapunovExponent {
            bits_per_timestep: exponent.unwrap_or(f64::NEG_INFINITY),
            standard_error,
        };
        rows.map(exponent).collect()
    }

    /// The largest exponent at the last of the checkpoints.
    pub fn largest(&self) -> LyapunovExponent {
        let none = LyapunovExponent { bits_per_timestep: f64::NEG_INFINITY, standard_error: None };
        self.last().first().copied().unwrap_or(none)
    }
}
