//! The interface through which checkpoints are analysed as training reaches them.

use std::collections::BTreeSet;

use concertina_model::Checkpoint;
use concertina_model::network::TrainedWeights;
use concertina_store::Batch;

use crate::error::Result;
use crate::selection::End;

/// The checkpoints that are still needed of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    /// All of them. They can be analysed during training.
    pub(crate) all: BTreeSet<Checkpoint>,
    /// Those that are analysed together when the run has ended, so the store must hold them.
    pub(crate) together: BTreeSet<Checkpoint>,
}

/// Receives the weights that training reaches.
pub(crate) trait Witness {
    /// What it still needs of a run with this end.
    fn needs(&self, end: End) -> Needs;

    /// Takes the weights at a checkpoint that it needs, for a run with this end as far as is known.
    fn meet(&mut self, checkpoint: Checkpoint, weights: TrainedWeights, end: End) -> Result<()>;

    /// Adds the answers about all weights that it received to a batch. The batch may also publish a state to
    /// resume from that is past these weights.
    fn hand_over(&mut self, batch: &mut Batch<'_>) -> Result<()>;
}
