//! Compares a run that is trained again with what the store has, bit-for-bit.

use concertina_model::Checkpoint;
use concertina_model::network::TrainedWeights;
use concertina_model::trainer::EpochRecord;
use concertina_store::RunFolder;

use crate::error::Result;
use crate::library::history;
use crate::library::progress::id_of;
use crate::record::{Comparison, Difference};

/// Compares checkpoints as training reaches them.
pub(crate) struct Comparer<'a> {
    folder: &'a RunFolder,
    checkpoints: usize,
    difference: Option<Difference>,
}

impl<'a> Comparer<'a> {
    pub(crate) fn new(folder: &'a RunFolder) -> Self {
        Self { folder, checkpoints: 0, difference: None }
    }

    /// Compares one checkpoint. A checkpoint that the store cannot read has been set aside and is not
    /// compared.
    pub(crate) fn compare(&mut self, checkpoint: Checkpoint, weights: &TrainedWeights) {
        let Ok(Some(stored)) = self.folder.read_checkpoint(id_of(checkpoint)) else { return };
        self.checkpoints += 1;
        if self.difference.is_some() {
            return;
        }
        for (name, found) in weights.tensors() {
            let Some(stored) = stored.arrays.get(&name).filter(|stored| stored.shape() == found.shape())
            else {
                self.difference = Some(Difference {
                    checkpoint,
                    name,
                    index: Vec::new(),
                    stored: f64::NAN,
                    found: f64::NAN,
                });
                return;
            };
            let differs =
                stored.iter().zip(&found).position(|(stored, found)| stored.to_bits() != found.to_bits());
            if let Some(place) = differs {
                let value = |array: &ndarray::ArrayD<f32>| {
                    array.iter().nth(place).copied().map_or(f64::NAN, f64::from)
                };
                let (stored, found_value) = (value(stored), value(&found));
                let index = unravel(place, found.shape());
                self.difference = Some(Difference { checkpoint, name, index, stored, found: found_value });
                return;
            }
        }
    }

    /// The result, after the histories are compared as well; `None` if the store had nothing to compare with.
    pub(crate) fn finish(
        mut self,
        stored: &[EpochRecord],
        found: &[EpochRecord],
    ) -> Result<Option<Comparison>> {
        if self.difference.is_none() {
            let (stored, found) = (history::to_table(stored)?, history::to_table(found)?);
            for name in stored.column_names() {
                let (before, after) = (stored.floats(name)?, found.floats(name)?);
                let differs = before
                    .iter()
                    .zip(&after)
                    .position(|(before, after)| before.map(f64::to_bits) != after.map(f64::to_bits));
                if let Some(row) = differs {
                    self.difference = Some(Difference {
                        checkpoint: Checkpoint::new(row as u64 + 1, 0),
                        name: name.to_owned(),
                        index: vec![row],
                        stored: before[row].unwrap_or(f64::NAN),
                        found: after[row].unwrap_or(f64::NAN),
                    });
                    break;
                }
            }
        }
        let (checkpoints, epochs, difference) =
            (self.checkpoints, stored.len().min(found.len()), self.difference);
        Ok((checkpoints + epochs > 0).then_some(Comparison { checkpoints, epochs, difference }))
    }
}

/// The index in an array of the entry at a place in row-major order.
fn unravel(mut place: usize, shape: &[usize]) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for (axis, &length) in shape.iter().enumerate().rev() {
        index[axis] = place % length.max(1);
        place /= length.max(1);
    }
    index
}

#[cfg(test)]
mod tests {
    use concertina_model::trainer::EpochRecord;
    use concertina_store::{RunKey, Store};

    #[test]
    fn a_different_history_is_reported_even_if_the_store_keeps_no_checkpoints() {
        let folder = tempfile::tempdir().expect("a folder");
        let run = Store::open(folder.path()).expect("a store").run(&RunKey::of("a run"));
        let record = |loss: f64| EpochRecord {
            epoch: 1,
            update: 4,
            learning_rate: 1e-3,
            training_loss: loss,
            training_accuracy: Some(0.5),
            gradient_norm: 1.0,
            validation_loss: 0.7,
            validation_accuracy: Some(0.5),
            validation_r2: None,
        };
        let compared = |stored: &[EpochRecord], found: &[EpochRecord]| {
            super::Comparer::new(&run).finish(stored, found).expect("columns")
        };
        let same = compared(&[record(0.1)], &[record(0.1)]).expect("an epoch was compared");
        assert!(same.epochs == 1 && same.checkpoints == 0 && same.difference.is_none());
        let other = compared(&[record(0.1)], &[record(0.2)]).expect("an epoch was compared");
        assert_eq!(other.difference.expect("it differs").name, "training_loss");
        assert_eq!(compared(&[], &[]), None);
    }

    #[test]
    fn a_place_becomes_an_index() {
        assert_eq!(super::unravel(0, &[3, 4]), [0, 0]);
        assert_eq!(super::unravel(7, &[3, 4]), [1, 3]);
        assert_eq!(super::unravel(11, &[12]), [11]);
    }
}
