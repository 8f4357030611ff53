//! What the user can do about an error, as data. Each front end puts it into its own words.

use std::fmt;

use serde::Serialize;

/// What can be done about an error.
///
/// [`Display`](fmt::Display) words it for any front end. A front end that has a command or method for it
/// names that one instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Hint {
    /// Advice about names, values or files that reads the same in every front end.
    Text(String),
    /// Set a parameter to at least this.
    SetParameter {
        /// Its path.
        path: &'static str,
        /// The least value that helps.
        at_least: u64,
    },
    /// Give parameters directly instead of in a file.
    GiveParameters,
    /// Leave out the file, and the table is shown.
    LeaveOutFile,
    /// Choose checkpoints by epochs, as in this example.
    SelectEpochs {
        /// An example.
        example: [u64; 2],
    },
    /// Look for an analysis among all of them.
    ListAnalyses {
        /// A sentence that suggests similar names.
        suggestion: String,
    },
    /// Look for a parameter among all of them.
    ListParameters,
    /// Look for a run among all in the store.
    ListRuns,
    /// Look at what the store has of a run, or train it.
    ShowRunOrTrain,
    /// Give the sizes that a run in the store has.
    GiveSizesOf {
        /// The run.
        run: String,
    },
    /// Verify the store, or train the run again and compare.
    VerifyStoreOrRerun,
    /// Verify the store, or train the run again to see whether this machine computes the same.
    VerifyStoreOrCompareMachines,
    /// Train the runs that differ again in both stores.
    RerunInBothStores,
    /// Ask for the same again: it continues where it stopped.
    AskAgain,
    /// Write a plan, which is what was expected.
    WritePlan,
    /// Use another engine, or start workers without one.
    NoEngine,
    /// Repair the store.
    RepairStore,
    /// Train on the CPU, or on another device.
    TrainOnCpu,
    /// Remove the files that were set aside, if they are no longer wanted.
    RemoveSetAside,
}

impl Hint {
    /// A hint that is plain text.
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
            Self::LeaveOutFile => f.write_str("leave out the file to see the table"),
            Self::SelectEpochs { example: [first, second] } => {
                write!(f, "checkpoints can be chosen by epochs, as in `{first},{second}`")
            }
            Self::ListAnalyses { suggestion } => f.write_str(suggestion),
            Self::ListParameters => f.write_str("look for it in the list of parameters"),
            Self::ListRuns => f.write_str("look for it in the list of runs"),
            Self::ShowRunOrTrain => f.write_str("look at what the store has of the run, or train it"),
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
            Self::AskAgain => f.write_str("ask again to continue from here"),
            Self::WritePlan => f.write_str("write a plan first"),
            Self::NoEngine => f.write_str("use another engine, or start workers on a plan without one"),
            Self::RepairStore => {
                f.write_str("repair the store: damaged files are set aside, and computed again when needed")
            }
            Self::TrainOnCpu => f.write_str(
                "leave out `train.arithmetic`: the run is then trained on the CPU, under another key",
            ),
            Self::RemoveSetAside => f.write_str("harmless: what they held is computed again when needed"),
        }
    }
}
