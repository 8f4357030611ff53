//! What every analysis is: the trait [`Analysis`], its [`Settings`] as data, and the [`Subject`] it is done
//! on.

use std::fmt::Debug;

use concertina_model::Checkpoint;
use concertina_model::network::Network;
use concertina_model::params::ValidParams;
use concertina_model::task::Task;
use concertina_table::Table;
use serde::Serialize;
use serde_json::Value;

use crate::Result;

/// What an analysis looks at: one run, at some of its checkpoints.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The parameters of the run; their seed also keys every random number of an analysis.
    pub params: &'a ValidParams,
    /// The task of the run: where samples come from.
    pub task: &'a dyn Task,
    /// The networks to look at, each with the moment of training it is from.
    pub checkpoints: &'a [(Checkpoint, Network)],
}

/// The settings of an analysis as data. Whatever serde can write has them; the trait is there so that an
/// [`Analysis`] of unknown type, `&dyn Analysis`, has them too.
pub trait Settings {
    /// As a JSON object, in the order of the fields.
    ///
    /// # Errors
    /// Fields that JSON cannot hold, such as maps whose keys are no texts.
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
/// The trait is cut so that a store can keep results it knows nothing about: name, version and the serialised
/// parameters name the result (see [`AnalysisSpec::canonical`](crate::AnalysisSpec::canonical)),
/// [`per_checkpoint`](Self::per_checkpoint) says in which portions, and [`run`](Self::run) is a pure function
/// of the subject: the same subject gives the same bits. An analysis never asks for checkpoints of its own:
/// the network before training it can draw from the parameters, and what it says of the course of training it
/// says of the checkpoints asked for. Parameters are plain open fields, checked before anything runs;
/// [`check`](Self::check) is on its own so that a recipe can be refused before hours of training.
///
/// A result is tidy: one row per observation, with the columns `epoch` and `update`, then `timestep` where it
/// applies, then the values; a value may be a vector, such as a state. What is undefined is null.
///
/// Analyses of different types may stand side by side as `&dyn Analysis`.
pub trait Analysis: Settings + Debug {
    /// The name by which recipes and tables know it, for example `effective_dimension`.
    fn name(&self) -> &'static str;

    /// Raised whenever the numbers change for the same parameters: kept results of other versions are not
    /// used.
    fn version(&self) -> u32;

    /// What to cite for it: keys of `references.bib`, for these parameters.
    fn references(&self) -> &'static [&'static str];

    /// Whether every checkpoint is analysed on its own, so that no row depends on which others are asked for
    /// and results are kept checkpoint by checkpoint; otherwise over all checkpoints asked for at once.
    fn per_checkpoint(&self) -> bool;

    /// Whether the network is shown trials of the task. What looks at weights alone says no: it then works
    /// where clusters cannot be placed, as for an imported network with one input. The task of its subject
    /// has no trials there.
    fn shows_samples(&self) -> bool {
        true
    }

    /// Whether the analysis can be done with these parameters on networks like these.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter), [`Error::NotApplicable`](crate::Error::NotApplicable).
    fn check(&self, params: &ValidParams) -> Result<()>;

    /// The result, checkpoint after checkpoint in the order of the subject.
    ///
    /// # Errors
    /// Those of [`check`](Self::check); [`Error::NotFinite`](crate::Error::NotFinite) names the first state
    /// that is NaN or infinite.
    fn run(&self, subject: &Subject) -> Result<Table>;
}
