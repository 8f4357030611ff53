//! The history of a run as a table: one row per epoch.

use concertina_model::trainer::EpochRecord;
use concertina_table::{Table, Values};

use crate::error::Result;

/// The name of a column, and its number in a record.
type Column = (&'static str, fn(&EpochRecord) -> Option<f64>);

const COLUMNS: [Column; 6] = [
    ("learning_rate", |record| Some(record.learning_rate)),
    ("training_loss", |record| Some(record.training_loss)),
    ("training_accuracy", |record| record.training_accuracy),
    ("gradient_norm", |record| Some(record.gradient_norm)),
    ("validation_loss", |record| Some(record.validation_loss)),
    ("validation_accuracy", |record| record.validation_accuracy),
];
/// A column that exists only for tasks with real targets.
const R2: Column = ("validation_r2", |record| record.validation_r2);

/// A table with the columns `epoch`, `update`, `learning_rate`, `training_loss`, `training_accuracy`,
/// `gradient_norm`, `validation_loss`, `validation_accuracy`, and `validation_r2` where targets are real
/// numbers. The numbers keep their bits.
pub(crate) fn to_table(history: &[EpochRecord]) -> Result<Table> {
    let count = |of: fn(&EpochRecord) -> u64| {
        Values::Integer(history.iter().map(|record| i64::try_from(of(record)).ok()).collect())
    };
    let counters = [("epoch", count(|record| record.epoch)), ("update", count(|record| record.update))];
    let has_r2 = history.iter().any(|record| record.validation_r2.is_some());
    let measures = COLUMNS.iter().chain(has_r2.then_some(&R2));
    let measures = measures.map(|(name, of)| (*name, Values::Float(history.iter().map(of).collect())));
    Ok(Table::from_columns(counters.into_iter().chain(measures))?)
}

/// The inverse of [`to_table`]; `None` if the table is not a history that starts at the first epoch and has
/// no gaps.
pub(crate) fn from_table(table: &Table) -> Option<Vec<EpochRecord>> {
    let epochs = table.integers("epoch").ok()?;
    let updates = table.integers("update").ok()?;
    let column = |name: &str| table.floats(name).ok();
    let (learning_rates, gradient_norms) = (column("learning_rate")?, column("gradient_norm")?);
    let (training_losses, validation_losses) = (column("training_loss")?, column("validation_loss")?);
    let (training_accuracies, validation_accuracies) =
        (column("training_accuracy")?, column("validation_accuracy")?);
    let r2 = column(R2.0);
    let record = |row: usize| {
        Some(EpochRecord {
            epoch: u64::try_from(epochs[row]?).ok().filter(|&epoch| epoch == row as u64 + 1)?,
            update: u64::try_from(updates[row]?).ok()?,
            learning_rate: learning_rates[row]?,
            training_loss: training_losses[row]?,
            training_accuracy: training_accuracies[row],
            gradient_norm: gradient_norms[row]?,
            validation_loss: validation_losses[row]?,
            validation_accuracy: validation_accuracies[row],
            validation_r2: r2.as_ref().and_then(|values| values[row]),
        })
    };
    (0..table.row_count()).map(record).collect()
}

#[cfg(test)]
mod tests {
    use super::{from_table, to_table};
    use concertina_model::trainer::EpochRecord;

    #[test]
    fn a_history_comes_back_from_its_table_bit_for_bit() {
        let record = |epoch: u64| EpochRecord {
            epoch,
            update: 80 * epoch,
            learning_rate: 0.1_f64.powi(epoch as i32),
            training_loss: 1.0 / epoch as f64,
            training_accuracy: (epoch > 3).then_some(0.3),
            gradient_norm: 1e-300,
            validation_loss: 2.0_f64.sqrt(),
            validation_accuracy: Some(1.0),
            validation_r2: None,
        };
        let history: Vec<EpochRecord> = (1..=7).map(record).collect();
        let table = to_table(&history).expect("columns of one length");
        assert_eq!(from_table(&table), Some(history));
        let explained = |record: EpochRecord| EpochRecord {
            validation_accuracy: None,
            validation_r2: Some(1.0 / record.epoch as f64),
            ..record
        };
        let of_real_targets: Vec<EpochRecord> = (1..=7).map(record).map(explained).collect();
        let with_r2 = to_table(&of_real_targets).expect("columns of one length");
        assert_eq!(from_table(&with_r2), Some(of_real_targets));
        assert!(table.floats("validation_r2").is_err(), "only where targets are real numbers");
        assert_eq!(from_table(&table.filter(|row| row != 2)), None);
        assert_eq!(from_table(&concertina_table::Table::new()), None);
    }
}
