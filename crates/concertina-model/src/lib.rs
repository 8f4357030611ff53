//! What a run is and does: parameters, task, networks, losses, optimizers, schedulers, training.

pub mod checkpoint;
mod error;
pub mod params;

pub use checkpoint::{Checkpoint, CheckpointSchedule, Epoch, Update};
pub use error::{Error, Result};
