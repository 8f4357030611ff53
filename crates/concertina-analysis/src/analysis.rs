//! What every analysis has in common: the trait [`Analysis`], its [`Settings`] as data, and the [`Subject`]
//! that it analyses.

use std::fmt::Debug;

use concertina_model::Checkpoint;
use concertina_model::network::Network;
use concertina_model::params::ValidParams;
use concertina_model::task::Task;
use concertina_table::Table;
use serde::Serialize;
use serde_json::Value;

use crate::Result;

/// What is analysed: one run, at some of its checkpoints.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The parameters of the run. Their seed also keys every random number of an analysis.
    pub params: &'a ValidParams,
    /// The task of the run, which generates the samples.
    pub task: &'a dyn Task,
    /// The networks to analyse, each with its checkpoint in training.
    pub checkpoints: &'a [(Checkpoint, Network)],
}

/// The settings of an analysis as data. Every type that serde can serialise implements this trait. It is
/// separate from serde's traits so that it is also available for an [`Analysis`] of unknown type,
/// `&dyn Analysis`.
pub trait Settings {
    /// As a JSON object, in the order of the fields.
    ///
    /// # Errors
    /// If JSON cannot represent a field, for example a map whose keys are not strings.
    fn settings_json(&self) -> serde_json::Result<String>;

    /// As a value.
    ///
    /// # Errors
    /// As [`settings_json`](Self::settings_json).
    fn settings_value(&self) -> serde_json::Result<Value>;
}

impl<T: Serialize> Settings for T {
    fn settings_json(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }

    fn settings_value(&self) -> serde_json::Result<Value> {
        serde_json::to_value(self)
    }
}

/// A measurement on the networks of a run, with its parameters as fields.
///
/// The trait lets a store keep results without knowing what they contain. The name, the version and the
/// serialised parameters identify the result (see
/// [`AnalysisSpec::canonical`](crate::AnalysisSpec::canonical)), [`per_checkpoint`](Self::per_checkpoint)
/// says whether it is stored checkpoint by checkpoint, and [`run`](Self::run) is a pure function of the
/// subject, so the same subject gives the same bits.
///
/// An analysis never requests further checkpoints. If it needs the network before training, it draws that
/// network from the parameters, and its statements about the course of training refer to the checkpoints
/// requested. The parameters are plain public fields, which are checked before anything runs.
/// [`check`](Self::check) is a separate method so that a recipe can be rejected before hours of training.
///
/// A result is tidy: one row per observation, with the columns `epoch` and `update`, then `timestep` where it
/// applies, then the values. A value may be a vector, such as a state. Undefined values are null.
///
/// Analyses of different types can be used together as `&dyn Analysis`.
pub trait Analysis: Settings + Debug {
    /// Its name in recipes and tables, for example `effective_dimension`.
    fn name(&self) -> &'static str;

    /// Its version, which is raised whenever the numbers change for the same parameters. Stored results of
    /// other versions are not used.
    fn version(&self) -> u32;

    /// What to cite for it with these parameters, as keys of `references.bib`.
    fn references(&self) -> &'static [&'static str];

    /// Whether every checkpoint is analysed separately. If so, no row depends on which other checkpoints are
    /// requested, and results are stored checkpoint by checkpoint. Otherwise all requested checkpoints are
    /// analysed together.
    fn per_checkpoint(&self) -> bool;

    /// Whether the network is shown trials of the task. An analysis that uses only the weights returns
    /// `false`. It then also works where clusters cannot be placed, as for an imported network with one
    /// input, in which case the task of its subject has no trials.
    fn shows_samples(&self) -> bool {
        true
    }

    /// Checks whether the analysis can be applied to runs with these parameters.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter), [`Error::NotApplicable`](crate::Error::NotApplicable).
    fn check(&self, params: &ValidParams) -> Result<()>;

    /// The result, one checkpoint after the other in the order of the subject.
    ///
    /// # Errors
    /// Those of [`check`](Self::check), and [`Error::NotFinite`](crate::Error::NotFinite), which names the
    /// first state that is NaN or infinite.
    fn run(&self, subject: &Subject) -> Result<Table>;
}
