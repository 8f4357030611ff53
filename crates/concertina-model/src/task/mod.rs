//! Tasks: the inputs of a network and the targets of its outputs (`docs/reference/model.md#task`).
//!
//! Each kind of task (`task.kind`) has its own file and its own [`Task`]: a pure function from the parameters
//! to [`Trials`], which are drawn from streams keyed by the seed, the purpose and the epoch.

mod arrays;
mod clusters;
mod condition;
pub mod context;
mod draws;
mod evidence;
pub mod flip_flop;
pub mod integration;
pub mod r#match;
mod reading;
pub mod sine;
mod trials;

use std::fmt::Debug;

pub use arrays::{FromArrays, TrialArrays};
pub use clusters::{Clusters, minimal_separation};
pub use condition::Condition;
pub use context::Context;
use draws::Draws;
pub use evidence::Evidence;
pub use flip_flop::FlipFlop;
pub use integration::Integration;
pub use r#match::Match;
pub use sine::Sine;
pub use trials::{Inputs, Mask, Number, Targets, Trials};
pub(crate) use trials::{InputsRef, MaskRef, TargetsRef, TrialsRef};

use ndarray::Array2;

use crate::error::Result;
use crate::params::{Params, TaskKind, ValidParams};

/// The task of one realisation.
pub trait Task: Debug + Send + Sync {
    /// The sizes of its trials, and the kind of their targets.
    fn shape(&self) -> TaskShape;

    /// Trials for a purpose. The same request always gives the same trials.
    fn trials(&self, ask: Ask) -> Trials;

    /// What a condition consists of, as far as the task says it in numbers.
    fn condition(&self, _number: u32) -> Condition {
        Condition::default()
    }
}

/// The purpose of trials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// The training trials of an epoch, counted from 0.
    Training(u64),
    /// The validation trials of an epoch, counted from 0.
    Validation(u64),
    /// This many trials for an analysis, spread over the conditions as evenly as the task can.
    Analysis {
        /// The number of trials.
        count: usize,
    },
}

/// The sizes of a task's trials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskShape {
    /// Number of inputs at a timestep.
    pub inputs: usize,
    /// What an output is compared with.
    pub target: Target,
    /// Timesteps of a trial.
    pub timesteps: usize,
    /// Number of conditions, which are numbered from 0; 0 if the task has none.
    pub conditions: usize,
}

/// The kind of a task's targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// One of this many classes.
    Classes(usize),
    /// This many real numbers.
    Real(usize),
}

impl TaskShape {
    /// The number of classes; `None` where targets are real numbers.
    pub fn classes(&self) -> Option<usize> {
        match self.target {
            Target::Classes(classes) => Some(classes),
            Target::Real(_) => None,
        }
    }
}

/// The task that `params` describe.
///
/// # Errors
/// [`Error::ClustersDoNotFit`](crate::Error::ClustersDoNotFit); [`Error::TooLarge`](crate::Error::TooLarge).
pub fn of(params: &ValidParams) -> Result<Box<dyn Task>> {
    crate::memory::check(params)?;
    Ok(match params.task.kind {
        TaskKind::Clusters => Box::new(Clusters::new(params)?),
        TaskKind::FlipFlop => Box::new(FlipFlop::new(params)),
        TaskKind::Integration => Box::new(Integration::new(params)),
        TaskKind::Context => Box::new(Context::new(params)),
        TaskKind::Match => Box::new(Match::new(params)),
        TaskKind::Sine => Box::new(Sine::new(params)),
        TaskKind::Trials => Box::new(FromArrays::new(params)),
    })
}

/// The sizes of the trials that parameters describe. Each parameter must be in its range.
pub(crate) fn shape(params: &Params) -> TaskShape {
    match params.task.kind {
        TaskKind::Clusters => Clusters::shape(&params.task),
        TaskKind::FlipFlop => FlipFlop::shape(&params.task),
        TaskKind::Integration => Integration::shape(&params.task),
        TaskKind::Context => Context::shape(&params.task),
        TaskKind::Match => Match::shape(&params.task),
        TaskKind::Sine => Sine::shape(&params.task),
        TaskKind::Trials => FromArrays::shape(&params.task),
    }
}

/// A task without trials, for analyses that need none. It exists even where clusters cannot be placed.
pub fn without_trials(params: &ValidParams) -> Box<dyn Task> {
    Box::new(NoTrials { shape: *params.shape() })
}

/// A task of which only the shape is known.
#[derive(Clone, Copy, Debug)]
struct NoTrials {
    shape: TaskShape,
}

impl Task for NoTrials {
    fn shape(&self) -> TaskShape {
        self.shape
    }

    fn trials(&self, _ask: Ask) -> Trials {
        Trials {
            inputs: Inputs::Held { stimuli: Array2::zeros((0, self.shape.inputs)), hold: 1 },
            targets: Targets::Class(Vec::new()),
            mask: Mask::Last(1),
            conditions: Vec::new(),
        }
    }
}
