//! The model of a run: parameters, task, networks, losses, optimizers, schedulers, training.

pub mod checkpoint;
mod error;
pub mod loss;
mod memory;
pub mod network;
pub mod optimizer;
pub mod params;
pub mod reference;
pub mod scheduler;
pub mod selection;
pub mod task;
pub mod trainer;

pub use checkpoint::{Checkpoint, CheckpointSchedule, Epoch, Update};
pub use error::{Error, Result};
pub use memory::machine_memory;
