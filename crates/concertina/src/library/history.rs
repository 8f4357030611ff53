//! The history of a run as a table: an epoch a row.

use concertina_model::trainer::EpochRecord;
use concertina_table::{Table, Values};

use crate::error::Result;

/// A number of a record, by its column.
type Column = (&'static str, fn(&EpochRecord) -> f64);

const COLUMNS: [Column; 6] = [
    ("learning_rate", |record| record.learning_rate),
    ("training_loss", |record| record.training_loss),
    ("training_accuracy", |record| record.training_accuracy),
    ("gradient_norm", |record| record.gradient_norm),
    ("validation_loss", |record| record.validation_loss),
    ("validation_accuracy", |record| record.validation_accuracy),
];

/// Columns `epoch`, `update`, `learning_rate`, `training_loss`, `training_accuracy`, `gradient_norm`, `validation_loss`,
/// `validation_accuracy`; the numbers keep their bits.
pub(crate) fn to_table(history: &[EpochRecord]) -> Result<Table> {
    let count = |of: fn(&EpochRecord) -> u64| {
        Values::Integer(history.iter().map(|record| i64::try_from(of(record)).ok()).collect())
    };
    let counters = [("epoch", count(|record| record.epoch)), ("update", count(|record| record.update))];
    let measures = COLUMNS
        .iter()
        .map(|(name, of)| (*name, Values::Float(history.iter().map(|record| Some(of(record))).collect())));
    Ok(Table::from_columns(counters.into_iter().chain(measures))?)
}

/// The inverse of [`to_table`]; `None` if the table is no history, from the first epoch on without a gap.
pub(crate) fn from_table(table: &Table) -> Option<Vec<EpochRecord>> {
    let epochs = table.integers("epoch").ok()?;
    let updates = table.integers("update").ok()?;
    let measures: Vec<Vec<Option<f64>>> =
        COLUMNS.iter().map(|(name, _)| table.floats(name)).collect::<Result<_, _>>().ok()?;
    let record = |row: usize| {
        let epoch = u64::try_from(epochs[row]?).ok().filter(|&epoch| epoch == row as u64 + 1)?;
        let update = u64::try_from(updates[row]?).ok()?;
        let &[
            learning_rate,
            training_loss,
            training_accuracy,
            gradient_norm,
            validation_loss,
            validation_accuracy,
        ] = &measures.iter().map(|values| values[row]).collect::<Option<Vec<f64>>>()?[..]
        else {
            return None;
        };
        Some(EpochRecord {
            epoch,
            update,
            learning_rate,
            training_loss,
            training_accuracy,
            gradient_norm,
            validation_loss,
            validation_accuracy,
        })
    };
    (0..table.row_count()).map(record).collect()
}

#[cfg(test)]
mod tests {
    use super::{from_table, to_table};
    use concertina_model::trainer::EpochRecord;

    #[test]
    fn a_history_comes_back_from_its_table_to_the_bit() {
        let record = |epoch: u64| EpochRecord {
            epoch,
            update: 80 * epoch,
            learning_rate: 0.1_f64.powi(epoch as i32),
            training_loss: 1.0 / epoch as f64,
            training_accuracy: 0.3,
            gradient_norm: 1e-300,
            validation_loss: 2.0_f64.sqrt(),
            validation_accuracy: 1.0,
        };
        let history: Vec<EpochRecord> = (1..=7).map(record).collect();
        let table = to_table(&history).expect("columns of one length");
        assert_eq!(from_table(&table), Some(history));
        assert_eq!(from_table(&table.filter(|row| row != 2)), None);
        assert_eq!(from_table(&concertina_table::Table::new()), None);
    }
}
