//! Publishes a run in training to the store, in batches: first checkpoints and the answers about them, then
//! the history, then the state to resume from.
//!
//! If the process is killed between any two of these, the store has a state, a history at least as long, and
//! every checkpoint up to that state. The next start continues from there. What lies beyond is written again,
//! with the same bits.

use std::collections::BTreeSet;

use concertina_model::Checkpoint;
use concertina_model::network::TrainedWeights;
use concertina_model::params::ValidParams;
use concertina_model::trainer::EpochRecord;
use concertina_store::{Batch, Keep, RunFolder, Store, Tensors};
use serde_json::Value;

use super::comparison::Comparer;
use super::witness::Witness;
use crate::error::Result;
use crate::library::arrays::tensors_of;
use crate::library::parameters::params_toml;
use crate::library::progress::id_of;
use crate::library::{history, trials};

/// A state to resume from, and the history up to it.
pub(crate) type State = (Tensors, Vec<EpochRecord>);

/// Collects checkpoints of a run and publishes them.
pub(crate) struct Publisher<'a> {
    store: &'a Store,
    folder: &'a RunFolder,
    params: &'a ValidParams,
    params_toml: String,
    /// The checkpoints that the store has.
    stored: BTreeSet<Checkpoint>,
    waiting: Vec<(Checkpoint, Tensors)>,
    waiting_bytes: usize,
    /// Whether some checkpoints are in separate files.
    loose: bool,
    pub(crate) comparer: Option<Comparer<'a>>,
}

impl<'a> Publisher<'a> {
    pub(crate) fn new(
        store: &'a Store,
        folder: &'a RunFolder,
        params: &'a ValidParams,
        stored: BTreeSet<Checkpoint>,
        loose: bool,
        comparer: Option<Comparer<'a>>,
    ) -> Self {
        let (params_toml, waiting) = (params_toml(params), Vec::new());
        Self { store, folder, params, params_toml, stored, waiting, waiting_bytes: 0, loose, comparer }
    }

    /// Takes weights that training reached. They wait to be published if the store is to keep them (`keeps`)
    /// and does not have them.
    pub(crate) fn offer(&mut self, checkpoint: Checkpoint, weights: &TrainedWeights, keeps: bool) {
        if self.stored.contains(&checkpoint) {
            if let Some(comparer) = &mut self.comparer {
                comparer.compare(checkpoint, weights);
            }
        } else if keeps {
            let tensors = tensors_of(weights);
            self.waiting_bytes += tensors.arrays.values().map(|array| 4 * array.len()).sum::<usize>();
            self.waiting.push((checkpoint, tensors));
        }
    }

    /// The size in bytes of the weights that wait.
    pub(crate) fn waiting_bytes(&self) -> usize {
        self.waiting_bytes
    }

    /// Publishes what waits while training continues, and what the witness hands over. Checkpoints go into
    /// separate files, so that nothing is written twice.
    pub(crate) fn publish_part(&mut self, state: Option<&State>, witness: &mut dyn Witness) -> Result<()> {
        let waiting = self.take_waiting();
        let checkpoints: Vec<_> = waiting.iter().map(|(one, tensors)| (id_of(*one), tensors)).collect();
        self.loose |= !checkpoints.is_empty();
        let mut batch = self.batch()?;
        batch.checkpoints(self.folder, &checkpoints)?;
        witness.hand_over(&mut batch)?;
        self.add_state(&mut batch, state)?;
        batch.publish()?;
        Ok(())
    }

    /// Publishes what waits when training has ended, and what the witness hands over. All checkpoints go into
    /// one file.
    pub(crate) fn publish_all(
        &mut self,
        state: Option<&State>,
        provenance: Option<&Value>,
        witness: &mut dyn Witness,
    ) -> Result<()> {
        let waiting = self.take_waiting();
        let checkpoints: Vec<_> = waiting.iter().map(|(one, tensors)| (id_of(*one), tensors)).collect();
        let mut batch = self.batch()?;
        if self.loose || !checkpoints.is_empty() {
            batch.packed(self.folder, &checkpoints, Keep::All);
        }
        self.loose = false;
        witness.hand_over(&mut batch)?;
        self.add_state(&mut batch, state)?;
        if let Some(provenance) = provenance {
            batch.provenance(self.folder, provenance);
        }
        batch.publish()?;
        Ok(())
    }

    /// A batch with the parameters. The trials that they name are stored before.
    fn batch(&self) -> Result<Batch<'a>> {
        trials::keep(self.store, self.params)?;
        let mut batch = self.store.batch();
        batch.params(self.folder, &self.params_toml);
        Ok(batch)
    }

    fn add_state(&self, batch: &mut Batch<'_>, state: Option<&State>) -> Result<()> {
        if let Some((tensors, records)) = state {
            batch.history(self.folder, &history::to_table(records)?)?;
            batch.resume(self.folder, tensors)?;
        }
        Ok(())
    }

    fn take_waiting(&mut self) -> Vec<(Checkpoint, Tensors)> {
        self.waiting_bytes = 0;
        let batch = std::mem::take(&mut self.waiting);
        self.stored.extend(batch.iter().map(|(checkpoint, _)| *checkpoint));
        batch
    }
}
