//! The history of training, epoch by epoch.

use serde::{Deserialize, Serialize};

/// One epoch of training and the validation after it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Number of completed epochs, including this one: 1 is the first.
    pub epoch: u64,
    /// Number of completed updates in total.
    pub update: u64,
    /// The learning rate during the epoch.
    pub learning_rate: f64,
    /// Mean loss over the training samples, each computed before its update.
    pub training_loss: f64,
    /// Share of the training samples that were classified correctly, each before its update; none if targets
    /// are real numbers.
    pub training_accuracy: Option<f64>,
    /// Mean over updates of the Euclidean norm of the whole gradient, without noise and decay.
    pub gradient_norm: f64,
    /// Mean loss over the validation samples, after the epoch.
    pub validation_loss: f64,
    /// Share of the validation samples that are classified correctly after the epoch; none if targets are
    /// real numbers.
    pub validation_accuracy: Option<f64>,
    /// Share of the variance of real validation targets that is explained after the epoch; none for classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation_r2: Option<f64>,
}

/// The epoch at which early stopping ends training: the first at which the validation loss has not improved
/// on its best for `patience` epochs. `None` if that has not happened.
pub fn early_stop(history: &[EpochRecord], patience: u64) -> Option<u64> {
    let mut best = f64::INFINITY;
    let mut best_epoch = 0;
    for record in history {
        if record.validation_loss < best {
            (best, best_epoch) = (record.validation_loss, record.epoch);
        } else if record.epoch - best_epoch >= patience {
            return Some(record.epoch);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_losses(losses: &[f64]) -> Vec<EpochRecord> {
        let record = |(index, loss): (usize, &f64)| EpochRecord {
            epoch: index as u64 + 1,
            update: 0,
            learning_rate: 0.0,
            training_loss: 0.0,
            training_accuracy: None,
            gradient_norm: 0.0,
            validation_loss: *loss,
            validation_accuracy: None,
            validation_r2: None,
        };
        losses.iter().enumerate().map(record).collect()
    }

    #[test]
    fn early_stopping_waits_for_its_patience_and_no_longer() {
        let history = with_losses(&[1.0, 0.5, 0.6, 0.5, 0.4, 0.4, 0.4, 0.4]);
        assert_eq!(early_stop(&history, 2), Some(4));
        assert_eq!(early_stop(&history, 3), Some(8));
        assert_eq!(early_stop(&history, 4), None);
        assert_eq!(early_stop(&[], 1), None);
    }
}
