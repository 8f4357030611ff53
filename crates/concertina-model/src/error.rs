//! What can go wrong in this crate.

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong with a model: its parameters first of all.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A parameter has a value that it cannot have.
    #[error("`{parameter}`: expected {expected}, found {found}")]
    Parameter {
        /// The parameter's path, for example `network.gain`.
        parameter: String,
        /// What it may be.
        expected: String,
        /// What it was.
        found: String,
        /// What to do about it.
        hint: Option<String>,
    },
}

impl Error {
    /// What the user can do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Parameter { hint, .. } => hint.clone(),
        }
    }
}
