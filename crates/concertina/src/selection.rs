//! Selections of a run's checkpoints, as the model defines them.

pub use concertina_model::selection::CheckpointSelection;
pub(crate) use concertina_model::selection::{End, after_epoch};
