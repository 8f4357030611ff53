//! The errors of every crate below, and the kind of each.

use std::path::PathBuf;

use crate::hint::Hint;

/// Result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of a study.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Parameters, a task or a network.
    #[error(transparent)]
    Model(#[from] concertina_model::Error),
    /// An analysis.
    #[error(transparent)]
    Analysis(#[from] concertina_analysis::Error),
    /// The store.
    #[error(transparent)]
    Store(#[from] concertina_store::Error),
    /// A table.
    #[error(transparent)]
    Table(#[from] concertina_table::Error),
    /// A drawing.
    #[error(transparent)]
    Plot(#[from] concertina_plot::Error),
    /// A recipe, its claims or its figure.
    #[error(transparent)]
    Recipe(#[from] concertina_recipe::Error),
    /// Something is wrong with a file of parameters.
    #[error("{}", in_file(source, path))]
    InFile {
        /// What is wrong.
        source: Box<Error>,
        /// The file.
        path: PathBuf,
    },
    /// Something is wrong with what a recipe asks for.
    #[error("{source}, in the recipe of `{figure}`")]
    InRecipe {
        /// What is wrong.
        source: Box<Error>,
        /// The figure.
        figure: String,
    },
    /// A file cannot be read.
    #[error("cannot read: {source}: {path}", path = path.display())]
    Read {
        /// Why.
        source: std::io::Error,
        /// The file.
        path: PathBuf,
    },
    /// A file cannot be written.
    #[error("cannot write: {source}: {path}", path = path.display())]
    Write {
        /// Why.
        source: std::io::Error,
        /// The file.
        path: PathBuf,
    },
    /// A table cannot be written in the format that a file name asks for.
    #[error("expected a file name that ends in .csv, .json or .parquet, found {path}", path = path.display())]
    TableFormat {
        /// The file.
        path: PathBuf,
    },
    /// An analysis was asked for without its name.
    #[error("expected the name of an analysis, found {}", found.as_ref().map_or("none".to_owned(), |found| format!("`{found}`")))]
    NoAnalysis {
        /// What was found instead of a name.
        found: Option<String>,
    },
    /// There is no analysis of this name.
    #[error("unknown analysis `{name}`")]
    UnknownAnalysis {
        /// The name.
        name: String,
        /// The nearest name, or all of them.
        hint: String,
    },
    /// There is neither an analysis nor a figure of this name.
    #[error("unknown analysis or figure `{name}`")]
    UnknownSource {
        /// The name.
        name: String,
        /// The nearest name, or all of them.
        hint: String,
    },
    /// A setting of an analysis is wrong.
    #[error("analysis `{analysis}`: {reason}")]
    AnalysisSetting {
        /// The analysis.
        analysis: String,
        /// What is wrong.
        reason: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// There is no column of this name in the run table.
    #[error("unknown column `{name}`")]
    UnknownColumn {
        /// The name.
        name: String,
        /// The nearest name, or where to find all of them.
        hint: Hint,
    },
    /// A run does not have the epoch that was asked for.
    #[error("expected an epoch up to {last}, the last of run {run}, found {epoch}")]
    NoSuchEpoch {
        /// The epoch.
        epoch: u64,
        /// The last one.
        last: u64,
        /// The run.
        run: String,
    },
    /// Claims are to have at most fewer realisations than their tables have to begin with.
    #[error("`--most`: expected at least {fewest} realisations, the number to begin with, found {most}")]
    FewerRealisations {
        /// How many realisations there are to begin with.
        fewest: usize,
        /// The most that were asked for.
        most: usize,
    },
    /// Seeds that cannot be read.
    #[error("expected seeds as in `0..5`, `0..=4` or `0,3,7`, found `{text}`")]
    Seeds {
        /// The text that was found.
        text: String,
    },
    /// No run in the store has a key that begins with these digits.
    #[error("no run in the store has a key that begins with `{key}`")]
    UnknownRun {
        /// The beginning of a key.
        key: String,
    },
    /// More than one run in the store has a key that begins with these digits.
    #[error("{count} runs in the store have a key that begins with `{key}`")]
    AmbiguousRun {
        /// The beginning of a key.
        key: String,
        /// How many.
        count: usize,
    },
    /// A GPU cannot be used.
    #[error("{message}")]
    Device {
        /// Why.
        message: String,
    },
    /// A run could not be trained.
    #[error("run {run}: {message}")]
    RunFailed {
        /// The run.
        run: String,
        /// Why.
        message: String,
        /// What to do about it.
        hint: Option<Hint>,
    },
    /// A file of weights cannot be read.
    #[error("{source}: {path}", path = path.display())]
    Arrays {
        /// Why.
        source: concertina_arrays::Error,
        /// The file.
        path: PathBuf,
    },
    /// An array of a file of states is missing, or is not what was expected.
    #[error("{reason}: {path}", path = path.display())]
    States {
        /// Which array, what was expected and what was found.
        reason: String,
        /// What to do about it.
        hint: Hint,
        /// The file.
        path: PathBuf,
    },
    /// States cannot be written in the format that a file name asks for.
    #[error("expected a file name that ends in .npz or .safetensors, found {path}", path = path.display())]
    StatesFormat {
        /// The file.
        path: PathBuf,
    },
    /// A selection of checkpoints has several where one was expected, or none.
    #[error("expected one checkpoint, found {found}")]
    OneCheckpoint {
        /// How many were selected.
        found: usize,
    },
    /// Weights cannot be imported.
    #[error("{reason}: {path}", path = path.display())]
    Import {
        /// Why.
        reason: String,
        /// What to do about it.
        hint: Option<Hint>,
        /// The file, or the name of arrays in memory.
        path: PathBuf,
    },
    /// An archive cannot be made.
    #[error(transparent)]
    Archive(#[from] concertina_arrays::Error),
    /// The weights in the store do not fit a network with the parameters of their run.
    #[error("weights in the store do not fit the parameters of their run: {source}")]
    StoredWeights {
        /// Why they do not fit.
        source: Box<concertina_model::Error>,
    },
    /// The store has none of the checkpoints of a run that were asked for.
    #[error("run {run} has none of these checkpoints in the store")]
    NothingToExport {
        /// The run.
        run: String,
    },
    /// Several runs were to be written into one archive.
    #[error("expected one run for an archive, found {found}: {path}", path = path.display())]
    OneArchive {
        /// How many runs there are.
        found: usize,
        /// The archive.
        path: PathBuf,
    },
    /// A sweep was given where one run was expected.
    #[error("expected the parameters of one run, found a sweep of {found}")]
    OneRun {
        /// How many runs it has.
        found: usize,
    },
    /// Some runs of another store were not merged.
    #[error("{left} of {of} runs were not taken")]
    LeftOut {
        /// How many.
        left: usize,
        /// Of how many.
        of: usize,
    },
    /// Files of the store are damaged.
    #[error("{damaged} damaged files in the store, {path}", path = path.display())]
    DamagedStore {
        /// How many.
        damaged: usize,
        /// The store.
        path: PathBuf,
    },
    /// A file is not a plan, or a plan that means something else here.
    #[error("{reason}: {path}", path = path.display())]
    Plan {
        /// What is wrong.
        reason: String,
        /// What to do about it.
        hint: Option<Hint>,
        /// The file.
        path: PathBuf,
    },
    /// A job cannot be made, submitted or looked after.
    #[error("{reason}")]
    Job {
        /// What is wrong, or what the engine answered.
        reason: String,
        /// What to do about it.
        hint: Option<Hint>,
    },
    /// A stop was requested before the work was done.
    #[error("interrupted")]
    Interrupted,
}

/// The kind of an error. The command line turns it into an exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request is wrong: its parameters, names or parameter files.
    Usage,
    /// A run or an analysis failed.
    Run,
    /// The store, or another place to write to, has a problem.
    Store,
    /// A stop was requested.
    Interrupted,
}

impl Error {
    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Model(source) => kind_of_model(source),
            Self::Analysis(source) => match source {
                concertina_analysis::Error::Parameter { .. }
                | concertina_analysis::Error::GivenStates(_)
                | concertina_analysis::Error::NotApplicable { .. }
                | concertina_analysis::Error::Shape { .. }
                | concertina_analysis::Error::TooFewSamples { .. }
                | concertina_analysis::Error::UnknownAnalysis { .. } => ErrorKind::Usage,
                concertina_analysis::Error::Model(source) => kind_of_model(source),
                _ => ErrorKind::Run,
            },
            Self::RunFailed { .. }
            | Self::Device { .. }
            | Self::LeftOut { .. }
            | Self::NothingToExport { .. } => ErrorKind::Run,
            Self::Store(_)
            | Self::StoredWeights { .. }
            | Self::Write { .. }
            | Self::Archive(_)
            | Self::DamagedStore { .. } => ErrorKind::Store,
            Self::InFile { source, .. } | Self::InRecipe { source, .. } => source.kind(),
            Self::Interrupted => ErrorKind::Interrupted,
            _ => ErrorKind::Usage,
        }
    }

    /// What the user can do about it, where that is known.
    pub fn hint(&self) -> Option<Hint> {
        Some(match self {
            Self::Model(concertina_model::Error::Selection { .. }) => Hint::SelectEpochs { example: [0, 5] },
            Self::Model(source) => Hint::Text(source.hint()?),
            Self::Analysis(source) => Hint::Text(source.hint()?),
            Self::Store(source) => Hint::Text(source.hint()?),
            Self::Table(source) => Hint::Text(source.hint()?),
            Self::Plot(source) => Hint::Text(source.hint()?),
            Self::Recipe(source) => Hint::Text(source.hint()?),
            Self::Arrays { source, .. } | Self::Archive(source) => Hint::Text(source.hint()?),
            Self::InFile { source, .. } | Self::InRecipe { source, .. } => source.hint()?,
            Self::UnknownAnalysis { hint, .. } | Self::UnknownSource { hint, .. } => Hint::text(hint),
            Self::UnknownColumn { hint, .. } => hint.clone(),
            Self::AnalysisSetting { hint, .. } => Hint::Text(hint.clone()?),
            Self::RunFailed { hint, .. }
            | Self::Import { hint, .. }
            | Self::Plan { hint, .. }
            | Self::Job { hint, .. } => hint.clone()?,
            Self::Device { .. } => Hint::TrainOnCpu,
            Self::StoredWeights { .. } => Hint::VerifyStoreOrRerun,
            Self::NoAnalysis { .. } => Hint::ListAnalyses {
                suggestion: suggestion("", concertina_analysis::AnalysisSpec::NAMES.iter().copied()),
            },
            Self::Read { .. } => Hint::GiveParameters,
            Self::Write { source, .. } if source.kind() == std::io::ErrorKind::AlreadyExists => Hint::text(
                "nothing is overwritten: choose another name, or remove the existing file or folder",
            ),
            Self::Write { .. } => Hint::text("choose a folder that can be written to"),
            Self::TableFormat { .. } => Hint::LeaveOutFile,
            Self::States { hint, .. } => hint.clone(),
            Self::StatesFormat { .. } => Hint::text("name the file `states.npz`"),
            Self::OneCheckpoint { found: 0 } => Hint::ShowRunOrTrain,
            Self::OneCheckpoint { .. } => Hint::text("choose `first`, `last` or one epoch"),
            Self::FewerRealisations { .. } => {
                Hint::text("without it, claims may have up to 100 realisations")
            }
            Self::Seeds { .. } => Hint::text("`0..5` leaves out the 5"),
            Self::NoSuchEpoch { epoch, .. } => Hint::SetParameter { path: "train.epochs", at_least: *epoch },
            Self::OneArchive { .. } => Hint::text("name a folder: each run is an archive in it"),
            Self::OneRun { .. } => Hint::text("give each parameter one value"),
            Self::LeftOut { .. } => Hint::RerunInBothStores,
            Self::NothingToExport { .. } => Hint::ShowRunOrTrain,
            Self::UnknownRun { .. } => Hint::ListRuns,
            Self::AmbiguousRun { .. } => Hint::text("give more of the key"),
            Self::DamagedStore { .. } => Hint::text(
                "a damaged file is set aside when it is next read, and computed again, bit-for-bit",
            ),
            Self::Interrupted => Hint::AskAgain,
        })
    }

    /// Adds the recipe in which the error occurred.
    pub(crate) fn in_recipe(self, figure: &str) -> Self {
        Self::InRecipe { source: Box::new(self), figure: figure.to_owned() }
    }

    /// Adds the file in which the error occurred.
    pub(crate) fn in_file(self, path: &std::path::Path) -> Self {
        Self::InFile { source: Box::new(self), path: path.to_owned() }
    }
}

/// The kind of an error of the model. A wrong shape is the caller's mistake: shapes in the store are
/// [`Error::StoredWeights`].
fn kind_of_model(error: &concertina_model::Error) -> ErrorKind {
    use concertina_model::Error as Model;
    match error {
        Model::ClustersDoNotFit { .. }
        | Model::Diverged { .. }
        | Model::Imported { .. }
        | Model::TooLarge { .. }
        | Model::NotFinite { .. }
        | Model::Numerics(_) => ErrorKind::Run,
        Model::Resume { .. } => ErrorKind::Store,
        _ => ErrorKind::Usage,
    }
}

/// What is wrong with a file. The path comes last, or first if the message has several lines.
fn in_file(source: &Error, path: &std::path::Path) -> String {
    let message = source.to_string();
    match message.contains('\n') {
        true => format!("in {}: {message}", path.display()),
        false => format!("{message}, in {}", path.display()),
    }
}

/// ``did you mean `x`?``, or all that are available.
pub(crate) fn suggestion<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str> + Clone) -> String {
    concertina_names::suggestion(name, candidates, "available:")
}

#[cfg(test)]
mod tests {
    use super::{Error, ErrorKind};

    #[test]
    fn a_wrong_shape_is_a_usage_error_unless_it_comes_from_the_store() {
        let shape = || concertina_model::Error::Shape {
            what: "states".to_owned(),
            expected: vec![3, 4],
            found: vec![3, 5],
        };
        assert_eq!(Error::from(shape()).kind(), ErrorKind::Usage);
        assert_eq!(Error::from(concertina_analysis::Error::from(shape())).kind(), ErrorKind::Usage);
        let missing = concertina_model::Error::MissingTensor { name: "bias".to_owned() };
        assert_eq!(Error::from(missing).kind(), ErrorKind::Usage);
        let labels = concertina_analysis::Error::Shape {
            what: "labels",
            expected: "(samples)".to_owned(),
            found: vec![2],
        };
        assert_eq!(Error::from(labels).kind(), ErrorKind::Usage);
        let few = concertina_analysis::Error::TooFewSamples { quantity: "dimension", expected: 2, found: 1 };
        assert_eq!(Error::from(few).kind(), ErrorKind::Usage);
        let past = || concertina_model::Error::PastLastLayer { layers: 3, asked: 4 };
        assert_eq!(Error::from(concertina_analysis::Error::from(past())).kind(), Error::from(past()).kind());
        assert_eq!(Error::StoredWeights { source: Box::new(shape()) }.kind(), ErrorKind::Store);
    }
}
