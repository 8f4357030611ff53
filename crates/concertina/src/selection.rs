//! Which checkpoints of a run are meant: the model's words for it.

pub use concertina_model::selection::CheckpointSelection;
pub(crate) use concertina_model::selection::{End, after_epoch};
