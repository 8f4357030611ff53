//! What can go wrong in this crate.

use std::path::{Path, PathBuf};

use crate::network::Variable;
use crate::params::{ImportedWeights, NetworkKind, TrialsName, grouped};

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Errors of a model: of its parameters, its trials, its weights and its training.
#[derive(Debug, thiserror::Error)]
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
    /// No parameter has this name.
    #[error("unknown parameter `{name}`")]
    UnknownParameter {
        /// The name.
        name: String,
        /// The nearest name, or where to find all of them.
        hint: String,
    },
    /// The published code has an argument of this name, but it is not a parameter of a run here.
    #[error("`{name}` is not a parameter of a run")]
    NotAParameter {
        /// The name.
        name: String,
        /// What to use instead.
        hint: String,
    },
    /// A selection of checkpoints cannot be parsed.
    #[error(
        "expected `ends`, `first`, `last`, `last:10`, `every:5`, `all` or epochs as in `0,5,12`, found `{text}`"
    )]
    Selection {
        /// The text that was given.
        text: String,
    },
    /// A file of parameters has an unknown section.
    #[error("expected a section `[task]`, `[network]` or `[train]`, found `[{name}]`")]
    UnknownSection {
        /// The section.
        name: String,
        /// The nearest section, or where to find all parameters.
        hint: String,
    },
    /// A parameter is given twice, perhaps under two of its names.
    #[error("`{parameter}` is given twice")]
    GivenTwice {
        /// The parameter's path.
        parameter: String,
    },
    /// A line of a file is wrong.
    #[error("line {line}: {source}")]
    AtLine {
        /// The line, from 1.
        line: usize,
        /// What is wrong there.
        source: Box<Error>,
    },
    /// A file is not TOML.
    #[error("{}", source.to_string().trim_end())]
    Toml {
        /// What the reader found, with line, column and snippet.
        source: Box<toml::de::Error>,
    },
    /// A text is not a JSON object.
    #[error("expected a JSON object: {source}")]
    Json {
        /// What the reader found, with line and column.
        source: serde_json::Error,
    },
    /// An override or an axis of a sweep has no `=`.
    #[error("expected `name=value`, found `{text}`")]
    NotAnAssignment {
        /// The text that was given.
        text: String,
    },
    /// An axis of a sweep has no value.
    #[error("`{parameter}`: expected at least one value, found none")]
    EmptyAxis {
        /// The parameter's path.
        parameter: String,
    },
    /// Parameters of a sweep that vary together have different numbers of values.
    #[error(
        "parameters that vary together: expected the same number of values for each, found {}",
        counted(lengths)
    )]
    UnequalAxes {
        /// The path of each parameter, and how many values it has.
        lengths: Vec<(String, usize)>,
    },
    /// A sweep has too many runs.
    #[error("expected at most {} runs in a sweep, found {}", grouped(*most as u64), grouped(*found as u64))]
    TooManyRuns {
        /// The most that a sweep may have.
        most: usize,
        /// How many it has; `usize::MAX` if that number is too large to represent.
        found: usize,
    },
    /// A text is not a checkpoint.
    #[error("expected a checkpoint as `<epoch>_<update>`, found `{text}`")]
    NotACheckpoint {
        /// The text that was given.
        text: String,
    },
    /// A cluster's centre was redrawn too often.
    #[error(
        "cannot place {clusters} clusters {separation:.3} apart in {input_dim} dimensions ({redraws} draws of cluster {cluster})"
    )]
    ClustersDoNotFit {
        /// How many clusters there should be.
        clusters: usize,
        /// The dimension of the input space.
        input_dim: usize,
        /// How far apart they must be.
        separation: f64,
        /// The cluster that could not be placed, counted from 0.
        cluster: usize,
        /// How often it was drawn.
        redraws: usize,
        /// The standard deviation from which this separation follows.
        cluster_std: f64,
    },
    /// The loss, or a weight, is NaN or infinite.
    #[error(
        "diverged in epoch {epoch}, update {update}: the loss is {loss}, the largest weight {largest_weight:.3e}"
    )]
    Diverged {
        /// The epoch in which it happened, counted from 1.
        epoch: u64,
        /// The update in which it happened, counted from 1 over the whole of training.
        update: u64,
        /// The loss: NaN or infinite, unless only a weight is.
        loss: f64,
        /// The largest absolute weight; infinite if a weight is.
        largest_weight: f64,
        /// The learning rate at that update.
        learning_rate: f64,
    },
    /// A file of trials cannot be read.
    #[error("`task.file`, {}: {source}", path.display())]
    TrialsFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: concertina_arrays::Error,
    },
    /// An array cannot be used as part of trials.
    #[error("{array}: expected {expected}, found {found}")]
    Trials {
        /// The array, and the file if it comes from one.
        array: String,
        /// What it has to be.
        expected: String,
        /// What it is.
        found: String,
        /// What to do about it.
        hint: String,
    },
    /// Trials are given by their name, but are not available. A name refers to trials that a store keeps.
    #[error("`task.file`: expected a file of trials, or the name of trials in the store, found `{name}`")]
    TrialsNotFound {
        /// Their name.
        name: TrialsName,
    },
    /// An array has the wrong shape.
    #[error("`{what}`: expected shape {expected:?}, found {found:?}")]
    Shape {
        /// The array.
        what: String,
        /// The shape it must have.
        expected: Vec<usize>,
        /// The shape it has.
        found: Vec<usize>,
    },
    /// A file lacks an array.
    #[error("expected an array `{name}`, found none of that name")]
    MissingTensor {
        /// Its name.
        name: String,
    },
    /// A number is NaN or infinite where it must be finite.
    #[error("`{what}`: expected finite numbers, found {value} at {index:?}")]
    NotFinite {
        /// The array.
        what: String,
        /// The first entry that is not finite.
        index: Vec<usize>,
        /// That entry.
        value: f64,
    },
    /// A feedforward network has no timesteps past its last layer.
    #[error("a feedforward network of {layers} layers has no timestep {asked}")]
    PastLastLayer {
        /// The number of its layers.
        layers: usize,
        /// The number of timesteps that were requested.
        asked: usize,
    },
    /// The state from which to resume is not a state of this run's training.
    #[error("cannot resume: {reason}")]
    Resume {
        /// Why not.
        reason: String,
    },
    /// Imported weights are requested at a checkpoint at which none were imported.
    #[error("weights `{weights}` were imported, but the store does not have them at this checkpoint")]
    Imported {
        /// Their name.
        weights: ImportedWeights,
    },
    /// An imported network lacks a part that is needed.
    #[error("the network was imported without {what}")]
    Lacks {
        /// The part: `input weights` or `a readout`.
        what: &'static str,
    },
    /// A variable of the units that a network does not have.
    #[error("a network of kind `{kind}` has no variable `{variable}`")]
    Variable {
        /// The variable.
        variable: Variable,
        /// The kind of network.
        kind: NetworkKind,
    },
    /// A run does not fit into memory.
    #[error("expected a run that fits into memory ({:.1} GB), found one that needs at least {:.0} GB", *found as f64 / 1e9, needed / 1e9)]
    TooLarge {
        /// Bytes that it needs at least.
        needed: f64,
        /// Bytes of memory that the machine has.
        found: u64,
    },
    /// A factorisation failed.
    #[error(transparent)]
    Numerics(#[from] concertina_numerics::Error),
}

/// Lists how many values each parameter has, for the message.
fn counted(lengths: &[(String, usize)]) -> String {
    let one = |(path, length): &(String, usize)| format!("{length} for `{path}`");
    lengths.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Adds the line of an entry in a file to the error that it caused.
pub(crate) fn at_line(line: Option<usize>) -> impl Fn(Error) -> Error {
    move |source| match line {
        Some(line) => Error::AtLine { line, source: Box::new(source) },
        None => source,
    }
}

impl Error {
    /// The same error, with the file that the trials come from.
    pub(crate) fn in_trials_of(mut self, file: &Path) -> Self {
        if let Self::Trials { array, .. } = &mut self {
            *array = format!("`task.file`, {}, {array}", file.display());
        }
        self
    }

    /// What the user can do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Parameter { hint, .. } => hint.clone(),
            Self::UnknownParameter { hint, .. }
            | Self::NotAParameter { hint, .. }
            | Self::UnknownSection { hint, .. } => Some(hint.clone()),
            Self::Selection { .. } => {
                Some("`--checkpoints 0,5` is before training and after five epochs".to_owned())
            }
            Self::GivenTwice { .. } => {
                Some("keep one; `concertina params` lists the names of each".to_owned())
            }
            Self::AtLine { source, .. } => source.hint(),
            Self::Toml { source } if source.message() == "duplicate key" => {
                Some("keep one of them".to_owned())
            }
            Self::Toml { .. } => {
                Some("in TOML, text needs quotes, and decimals need a digit before the point".to_owned())
            }
            Self::Json { .. } => Some("write a Python dict with `json.dumps`".to_owned()),
            Self::NotAnAssignment { .. } => Some("as in `gain=250`, `gain=20,250` or `seed=0..5`".to_owned()),
            Self::UnequalAxes { .. } => {
                Some("give each the same number of values, or vary them separately so that every combination is a run".to_owned())
            }
            Self::EmptyAxis { .. } => {
                Some("as in `gain=20,250` or `seed=0..5`; `0..5` leaves out the 5".to_owned())
            }
            Self::TooManyRuns { .. } => Some("split the sweep, or shorten an axis".to_owned()),
            Self::NotACheckpoint { .. } => Some("as in `12_960`".to_owned()),
            Self::ClustersDoNotFit { cluster_std, .. } => {
                Some(format!("lower `task.cluster_std` (now {cluster_std}) or `task.clusters`"))
            }
            Self::Diverged { update: 1, loss, .. } if !loss.is_finite() => Some(
                "lower `network.gain`, `network.input_scale`, `network.readout_scale` or `network.unit_noise`: it diverged before anything was learnt"
                    .to_owned(),
            ),
            Self::Diverged { learning_rate, .. } => {
                Some(format!("lower `train.learning_rate` (now {learning_rate})"))
            }
            Self::PastLastLayer { layers, .. } => {
                Some(format!("ask for at most {layers} timesteps: layers take the place of timesteps"))
            }
            Self::TooLarge { .. } => Some(
                "lower `network.units`, `task.input_dim`, `task.delay`, `task.timesteps`, `task.clusters` or `task.train_samples`".to_owned(),
            ),
            Self::Imported { .. } => Some(
                "import them with `concertina runs import` (again), or choose checkpoints that were imported"
                    .to_owned(),
            ),
            Self::Variable { .. } => Some("`rates` are those of `leaky` and `rate`, and `cell` is that of `lstm`".to_owned()),
            Self::Lacks { .. } => Some(
                "import it with them (`--name` says which arrays they are); `spectrum` and `lyapunov` need only the recurrent weights"
                    .to_owned(),
            ),
            Self::Resume { .. } => Some("train the run again with `--rerun`".to_owned()),
            Self::NotFinite { .. } => {
                Some("the weights come from a network that diverged: take them from earlier in its training".to_owned())
            }
            Self::TrialsFile { source, .. } => source.hint(),
            Self::Trials { hint, .. } => Some(hint.clone()),
            Self::TrialsNotFound { .. } => Some(
                "give the file that they came from (`task.file=trials.npz`), or use the store that has them".to_owned(),
            ),
            Self::Numerics(source) => source.hint(),
            Self::Shape { .. } | Self::MissingTensor { .. } => None,
        }
    }
}
