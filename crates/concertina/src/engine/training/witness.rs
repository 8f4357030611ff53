//! What looks at a run's checkpoints as they appear.

use std::collections::BTreeSet;

use concertina_model::Checkpoint;
use concertina_model::network::Weights;
use concertina_store::Batch;

use crate::error::Result;
use crate::selection::End;

/// The checkpoints that are still needed of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    /// All of them. They can be looked at while training passes by.
    pub(crate) all: BTreeSet<Checkpoint>,
    /// Those that are looked at together when the run has ended, so that the store must hold them.
    pub(crate) together: BTreeSet<Checkpoint>,
}

/// Looks at the weights that training meets.
pub(crate) trait Witness {
    /// What it still needs of a run that ends so.
    fn needs(&self, end: End) -> Needs;

    /// Takes weights at a checkpoint that it needs, of a run that ends so as far as is known.
    fn meet(&mut self, checkpoint: Checkpoint, weights: Weights, end: End) -> Result<()>;

    /// Adds what came of all that was met to a batch. A state to resume from that is past it may be published
    /// with it.
    fn hand_over(&mut self, batch: &mut Batch<'_>) -> Result<()>;
}
