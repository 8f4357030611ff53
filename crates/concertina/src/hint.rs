//! What the user can do about an error: data, which each front end says in its own words.

use std::fmt;

use serde::Serialize;

/// What can be done about an error.
///
/// [`Display`](fmt::Display) says it in words that hold for every front end; one that has commands or methods
/// for it says which.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Hint {
    /// Something about names, values or files that is the same for every front end.
    Text(String),
    /// Set a parameter to at least this.
    SetParameter {
        /// Its path.
        path: &'static str,
        /// The least value that helps.
        at_least: u64,
    },
    /// Give parameters by themselves instead of in a file.
    GiveParameters,
    /// Leave out the file, and see the table.
    LeaveOutFile,
    /// Choose checkpoints by epochs, as in these.
    SelectEpochs {
        /// An example.
        example: [u64; 2],
    },
    /// Look for an analysis among all of them.
    ListAnalyses {
        /// Those whose names are like what was given, in words.
        suggestion: String,
    },
    /// Look for a parameter among all of them.
    ListParameters,
    /// Look for a run among all in the store.
    ListRuns,
    /// Look at what the store has of a run, or train it.
    ShowRunOrTrain,
    /// Give sizes as a run in the store has them.
    GiveSizesOf {
        /// The run.
        run: String,
    },
    /// Verify the store, or train the run again and compare.
    VerifyStoreOrRerun,
    /// Verify the store, or train the run again to see whether this machine computes the same.
    VerifyStoreOrCompareMachines,
    /// Train again, in both stores, what differs.
    RerunInBothStores,
    /// Ask for the same again: it goes on where it stopped.
    AskAgain,
    /// Repair the store.
    RepairStore,
    /// Remove the files that were set aside, if they are no longer wanted.
    RemoveSetAside,
}

impl Hint {
    /// A text, if it is one.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::SetParameter { path: "train.epochs", .. } => f.write_str("train longer with `train.epochs`"),
            Self::SetParameter { path, at_least } => write!(f, "set `{path}` to {at_least} or more"),
            Self::GiveParameters => f.write_str("parameters can be given by themselves"),
            Self::LeaveOutFile => f.write_str("the table can be had without a file"),
            Self::SelectEpochs { example: [first, second] } => {
                write!(f, "checkpoints can be chosen by epochs, as in `{first},{second}`")
            }
            Self::ListAnalyses { suggestion } => f.write_str(suggestion),
            Self::ListParameters => f.write_str("look for it in the list of parameters"),
            Self::ListRuns => f.write_str("look for it in the list of runs"),
            Self::ShowRunOrTrain => f.write_str("look at what is there of the run, or train it"),
            Self::GiveSizesOf { run } => write!(f, "give the sizes that run {run} has"),
            Self::VerifyStoreOrRerun => {
                f.write_str("verify the store to look for damage, or train the run again and compare")
            }
            Self::VerifyStoreOrCompareMachines => f.write_str(
                "verify the store to look for damage, or train the run again to compare with this machine",
            ),
            Self::RerunInBothStores => f.write_str(
                "those that differ were trained by another version or are damaged in a way checksums do not show: training them again in both stores says which is right",
            ),
            Self::AskAgain => f.write_str("asked again, it goes on from here"),
            Self::RepairStore => {
                f.write_str("repair the store: damaged files are set aside, and computed again when needed")
            }
            Self::RemoveSetAside => f.write_str("harmless: what they held is computed again when needed"),
        }
    }
}
