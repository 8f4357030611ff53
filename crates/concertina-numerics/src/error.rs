//! What can go wrong in this crate.

/// What can go wrong in a numerical routine.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An array has the wrong shape.
    #[error("{operation}: expected {expected}, found {found:?}")]
    Shape {
        /// What was to be computed.
        operation: &'static str,
        /// The shape expected, in words and numbers.
        expected: String,
        /// The shape of the array.
        found: Vec<usize>,
    },
    /// An array has an entry that is NaN or infinite.
    #[error("{operation}: expected finite numbers, found {value} at {index:?}")]
    NotFinite {
        /// What was to be computed.
        operation: &'static str,
        /// The index of the first such entry.
        index: Vec<usize>,
        /// The entry.
        value: f64,
    },
    /// There are too few samples.
    #[error("{operation}: expected at least {needed} samples, found {found}")]
    TooFewSamples {
        /// What was to be computed.
        operation: &'static str,
        /// The least number of samples needed.
        needed: usize,
        /// The number of samples found.
        found: usize,
    },
    /// An argument is outside its range.
    #[error("`{name}`: expected a number {range}, found {value}")]
    OutOfRange {
        /// Name of the argument.
        name: &'static str,
        /// The range in words.
        range: &'static str,
        /// Its value.
        value: f64,
    },
    /// A sample lies outside the support of the distribution to be fitted.
    #[error("gamma fit: expected samples above the location {location}, found {value} at {index}")]
    SampleBelowLocation {
        /// Location of the distribution.
        location: f64,
        /// The index of the sample.
        index: usize,
        /// The sample.
        value: f64,
    },
    /// A label is not the number of a class.
    #[error("labels: expected 0 to {}, found {label} at {index}", classes - 1)]
    UnknownLabel {
        /// The label.
        label: u32,
        /// The index of the sample that has it.
        index: usize,
        /// How many classes there are.
        classes: usize,
    },
    /// A class has no sample to be fitted to.
    #[error("logistic regression: expected samples of all {classes} classes, found none of class {class}")]
    EmptyClass {
        /// The class.
        class: usize,
        /// How many classes there are.
        classes: usize,
    },
    /// An iteration inside a decomposition did not converge.
    #[error("{operation}: did not converge for a matrix of shape {shape:?}")]
    NotConverged {
        /// What was to be computed.
        operation: &'static str,
        /// Shape of the matrix.
        shape: (usize, usize),
    },
}

/// Result of a numerical routine.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// What the caller can do about it, if anything.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::SampleBelowLocation { .. } => {
                Some("choose a location below the smallest sample, or mirror the samples".to_owned())
            }
            Self::EmptyClass { .. } => {
                Some("use more samples, so that every class has at least one".to_owned())
            }
            Self::NotFinite { .. } => Some("check whether the run has diverged".to_owned()),
            _ => None,
        }
    }
}
