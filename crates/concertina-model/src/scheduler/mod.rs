//! Learning-rate schedulers: they step once per epoch, after validation
//! (`docs/reference/model.md#learning-rate-schedules`).
//!
//! All except `plateau` are closed forms of the number of completed epochs; `plateau` also has a memory. The
//! rules are those of PyTorch, and are tested against its sequences (golden `schedulers`).

mod cyclic;
mod multistep;
mod onecycle;
mod plateau;
mod step;

pub use cyclic::Cyclic;
pub use multistep::Multistep;
pub use onecycle::Onecycle;
pub use plateau::{Plateau, PlateauMemory};
pub use step::Step;

use crate::params::{SchedulerKind, TrainParams};

/// A scheduler with its constants.
#[derive(Clone, Debug, PartialEq)]
pub enum Scheduler {
    /// The same rate throughout.
    Constant {
        /// The rate.
        learning_rate: f64,
    },
    /// Smaller when the validation loss stops falling.
    Plateau(Plateau),
    /// Smaller every few epochs.
    Step(Step),
    /// Smaller at given epochs.
    Multistep(Multistep),
    /// Up and down in triangles.
    Cyclic(Cyclic),
    /// Up once and down to nearly nothing.
    Onecycle(Onecycle),
}

impl Scheduler {
    /// The scheduler that the parameters specify.
    pub fn from_params(train: &TrainParams) -> Self {
        let (learning_rate, factor, patience) =
            (train.learning_rate, train.scheduler_factor, train.scheduler_patience);
        let cyclic = Cyclic {
            maximum: learning_rate,
            base: factor * learning_rate,
            epochs_up: patience,
            halving: false,
        };
        match train.scheduler {
            SchedulerKind::None => Scheduler::Constant { learning_rate },
            SchedulerKind::Plateau => Scheduler::Plateau(Plateau { learning_rate, factor, patience }),
            SchedulerKind::Step => Scheduler::Step(Step { learning_rate, factor, every: patience }),
            SchedulerKind::Multistep => Scheduler::Multistep(Multistep {
                learning_rate,
                factor,
                milestones: train.milestones.clone(),
            }),
            SchedulerKind::Cyclic => Scheduler::Cyclic(cyclic),
            SchedulerKind::CyclicHalving => Scheduler::Cyclic(Cyclic { halving: true, ..cyclic }),
            SchedulerKind::Onecycle => {
                let total = train.cycle_epochs.unwrap_or(train.epochs).max(1);
                Scheduler::Onecycle(Onecycle::new(learning_rate, total, patience as f64 / total as f64))
            }
        }
    }

    /// The state before the first epoch.
    pub fn start(&self) -> SchedulerState {
        let mut state = SchedulerState { epochs: 0, learning_rate: 0.0, plateau: PlateauMemory::default() };
        state.learning_rate = self.rate_after(0).unwrap_or(match self {
            Scheduler::Plateau(plateau) => plateau.learning_rate,
            _ => 0.0,
        });
        state
    }

    /// One step, after an epoch with this mean validation loss.
    pub fn step(&self, state: &mut SchedulerState, validation_loss: f64) {
        state.epochs += 1;
        state.learning_rate = match self {
            Scheduler::Plateau(plateau) => {
                plateau.step(&mut state.plateau, state.learning_rate, validation_loss)
            }
            closed_form => closed_form.rate_after(state.epochs).unwrap_or(state.learning_rate),
        };
    }

    /// The rate after a number of epochs, for the schedulers that are closed forms of it.
    fn rate_after(&self, epochs: u64) -> Option<f64> {
        match self {
            Scheduler::Constant { learning_rate } => Some(*learning_rate),
            Scheduler::Plateau(_) => None,
            Scheduler::Step(step) => Some(step.rate_after(epochs)),
            Scheduler::Multistep(multistep) => Some(multistep.rate_after(epochs)),
            Scheduler::Cyclic(cyclic) => Some(cyclic.rate_after(epochs)),
            Scheduler::Onecycle(onecycle) => Some(onecycle.rate_after(epochs)),
        }
    }
}

/// The state of a scheduler, which is part of what a run resumes from.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SchedulerState {
    /// Steps taken.
    pub epochs: u64,
    /// The rate for the next epoch.
    pub learning_rate: f64,
    /// The memory of `plateau`.
    pub plateau: PlateauMemory,
}
