//! What can go wrong in this crate.

use concertina_names::suggestion;

use crate::AnalysisSpec;

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong with an analysis.
///
/// An estimate that has not converged or a quantity that is undefined is not an error. It is reported in the
/// table.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No analysis has this name.
    #[error("unknown analysis `{name}`")]
    UnknownAnalysis {
        /// The name requested.
        name: String,
    },
    /// A setting of an analysis does not exist or has the wrong type.
    #[error("analysis `{analysis}`: {reason}")]
    Setting {
        /// The analysis.
        analysis: String,
        /// What is wrong.
        reason: String,
        /// What to do about it.
        hint: String,
    },
    /// A parameter of an analysis is out of its range.
    #[error("`{analysis}.{parameter}`: expected {expected}, found {found}")]
    Parameter {
        /// The analysis, for example `lyapunov`.
        analysis: &'static str,
        /// Its parameter.
        parameter: &'static str,
        /// The values that it may have.
        expected: String,
        /// The value that it had.
        found: String,
        /// What to do about it.
        hint: String,
    },
    /// The analysis is not meaningful for this network or this task.
    #[error("`{analysis}` does not apply to {subject}: {reason}")]
    NotApplicable {
        /// The analysis.
        analysis: &'static str,
        /// What it was to be applied to, for example "a feedforward network".
        subject: String,
        /// Why it does not apply.
        reason: &'static str,
        /// What to do instead.
        hint: &'static str,
    },
    /// There are too few samples for the quantity to be meaningful.
    #[error("{quantity}: expected at least {expected} samples, found {found}")]
    TooFewSamples {
        /// The quantity requested.
        quantity: &'static str,
        /// The least number of samples it needs.
        expected: usize,
        /// The number of samples found.
        found: usize,
    },
    /// A number is NaN or infinite where it must be finite.
    #[error("{what}: expected finite numbers, found {value} at {place}")]
    NotFinite {
        /// The array, for example "states at timestep 3".
        what: String,
        /// The first entry that is not finite, for example "sample 0, unit 17".
        place: String,
        /// That entry.
        value: f64,
    },
    /// Arrays that belong together have shapes that do not match.
    #[error("{what}: expected {expected}, found {found:?}")]
    Shape {
        /// The array.
        what: &'static str,
        /// The shape it must have, with the names of its axes.
        expected: String,
        /// The shape it has.
        found: Vec<usize>,
    },
    /// States that were given cannot be analysed: one of the errors above, about them.
    #[error(transparent)]
    GivenStates(Box<Error>),
    /// The network could not be run.
    #[error(transparent)]
    Model(#[from] concertina_model::Error),
    /// A factorisation or a fit failed.
    #[error(transparent)]
    Numerics(#[from] concertina_numerics::Error),
    /// The result could not be written as a table.
    #[error(transparent)]
    Table(#[from] concertina_table::Error),
}

impl Error {
    /// What the user can do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownAnalysis { name } => {
                Some(suggestion(name, AnalysisSpec::NAMES.iter().copied(), "available:"))
            }
            Self::Setting { hint, .. } | Self::Parameter { hint, .. } => Some(hint.clone()),
            Self::NotApplicable { hint, .. } => Some((*hint).to_owned()),
            Self::TooFewSamples { expected, .. } => Some(format!("set `samples` to {expected} or more")),
            Self::NotFinite { .. } => Some(
                "the network has diverged: lower `train.learning_rate` (or `network.gain`, if it diverges before training), or analyse an earlier checkpoint"
                    .to_owned(),
            ),
            Self::GivenStates(source) => match source.as_ref() {
                Self::TooFewSamples { expected, .. } => {
                    Some(format!("give the states of {expected} trials or more"))
                }
                Self::NotFinite { .. } => {
                    Some("leave out trials with missing values, or fill these in".to_owned())
                }
                Self::Shape { what: "states", .. } => {
                    Some("states are (trials, timesteps, units), or (trials, units) without time".to_owned())
                }
                other => other.hint(),
            },
            Self::Model(source) => source.hint(),
            Self::Numerics(source) => source.hint(),
            Self::Table(source) => source.hint(),
            Self::Shape { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_analysis_gets_the_nearest_name_or_all_names_as_a_hint() {
        let hint = |name: &str| AnalysisSpec::named(name).expect_err("unknown").hint().expect("a hint");
        assert_eq!(hint("lyapunof"), "did you mean `lyapunov`?");
        assert_eq!(hint("clusterholdout"), "did you mean `cluster_holdout`?");
        assert!(hint("xyz").starts_with("available: `effective_dimension`, `accuracy`, "));
    }
}
