//! The form of the result of an analysis of a single run.

use std::convert::identity;
use std::ops::Deref;

use concertina_analysis::{self as analyses, Analysis, AnalysisSpec};
use concertina_table::Table;

/// An analysis with the form of its result for a single run: a table, or a type that reads like a table and
/// offers more.
///
/// Every analysis of [`analyses`](crate::analyses) is one:
///
/// ```
/// use concertina::prelude::*;
/// # let folder = tempfile::tempdir()?;
/// let mut params = Params::default();
/// (params.network.units, params.task.input_dim, params.train.epochs) = (16, 6, 1);
/// (params.task.clusters, params.task.train_samples) = (8, 40);
/// let run = Study::open(folder.path())?.train(&params.check()?.into())?.first().clone();
/// let saturation = run.analyse(&Saturation::default())?;
/// assert!(saturation.has_column("saturation"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Answers: Analysis {
    /// The form.
    type Answer;

    /// Puts a table into that form.
    fn answer(table: Table) -> Self::Answer;
}

/// Every analysis with the form of its result, which is a table unless stated otherwise.
macro_rules! answers {
    ($($name:ident: $analysis:ident,)*) => {
        $(answer!($analysis);)*
    };
}

macro_rules! answer {
    (Lyapunov) => {
        answer!(Lyapunov => LyapunovSpectra: LyapunovSpectra::of);
    };
    ($analysis:ident) => {
        answer!($analysis => Table: identity);
    };
    ($analysis:ident => $answer:ty: $of:expr) => {
        impl Answers for analyses::$analysis {
            type Answer = $answer;

            fn answer(table: Table) -> $answer {
                $of(table)
            }
        }
    };
}

analyses::each_analysis!(answers);

impl Answers for AnalysisSpec {
    type Answer = Table;

    fn answer(table: Table) -> Table {
        table
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
    converged: bool,
}

impl LyapunovExponent {
    /// The exponent. It is `-∞` where the network leaves no further direction, and NaN where it is not known:
    /// the column `reason` of the table says why.
    pub fn bits_per_timestep(self) -> f64 {
        self.bits_per_timestep
    }

    /// Its standard error over initial conditions, in bits per timestep; `None` where the exponent is `-∞` or
    /// not known.
    pub fn standard_error(self) -> Option<f64> {
        self.standard_error
    }

    /// Whether the estimate met its tolerance.
    pub fn converged(self) -> bool {
        self.converged
    }
}

impl LyapunovSpectra {
    fn of(table: Table) -> Self {
        Self { table }
    }

    /// The exponents at the last of the checkpoints, largest first.
    pub fn last(&self) -> Vec<LyapunovExponent> {
        let column = |name: &str| self.table.floats(name).unwrap_or_default();
        let (updates, exponents, errors) = (column("update"), column("exponent"), column("standard_error"));
        let converged = self.table.booleans("converged").unwrap_or_default();
        // the table of a network that belongs to no run has no checkpoints
        let rows = (0..self.table.row_count()).filter(|row| updates.get(*row) == updates.last());
        rows.map(|row| {
            let converged = converged[row] == Some(true);
            let missing = if converged { f64::NEG_INFINITY } else { f64::NAN };
            let bits_per_timestep = exponents[row].unwrap_or(missing);
            LyapunovExponent { bits_per_timestep, standard_error: errors[row], converged }
        })
        .collect()
    }

    /// The largest exponent at the last of the checkpoints.
    pub fn largest(&self) -> LyapunovExponent {
        let none = LyapunovExponent { bits_per_timestep: f64::NAN, standard_error: None, converged: false };
        self.last().first().copied().unwrap_or(none)
    }
}

#[cfg(test)]
mod tests {
    use concertina_table::{Table, Values};

    use super::*;

    #[test]
    fn an_exponent_that_is_not_known_is_not_minus_infinity() {
        let columns = [
            ("update", Values::from(vec![0_i64; 3])),
            ("exponent", Values::from(vec![Some(0.5), None, None])),
            ("standard_error", Values::from(vec![Some(0.1), None, None])),
            ("converged", Values::from(vec![true, true, false])),
        ];
        let table = Table::from_columns(columns).expect("equal lengths");
        let [known, gone, unknown] = LyapunovSpectra::of(table).last().try_into().expect("three exponents");
        assert_eq!((known.bits_per_timestep(), known.converged()), (0.5, true));
        assert_eq!((gone.bits_per_timestep(), gone.converged()), (f64::NEG_INFINITY, true));
        assert!(unknown.bits_per_timestep().is_nan() && !unknown.converged());
    }
}
