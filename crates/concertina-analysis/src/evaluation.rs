//! A single number from the evaluation of the network at each checkpoint.

use concertina_model::network::Evaluation;
use concertina_model::task::Trials;
use concertina_table::{Table, Values};

use crate::responses::Observations;
use crate::{Error, Result, Subject};

/// The table of one number per checkpoint, in the column `name`, taken from the evaluation on these samples.
///
/// If outputs are NaN or infinite, so is the loss, whichever loss it is. This is an error.
pub(crate) fn evaluated(
    subject: &Subject,
    samples: &Trials,
    name: &'static str,
    number: impl Fn(Evaluation) -> Option<f64>,
) -> Result<Table> {
    let mut rows = Observations::default();
    let mut numbers = Vec::with_capacity(subject.checkpoints.len());
    for (checkpoint, network) in subject.checkpoints {
        let evaluation = network.evaluate(samples)?;
        if !evaluation.loss.is_finite() {
            let place = format!("checkpoint {checkpoint}");
            return Err(Error::NotFinite { what: "loss".to_owned(), place, value: evaluation.loss });
        }
        rows.push(*checkpoint);
        numbers.push(number(evaluation));
    }
    rows.into_table(false, [(name.to_owned(), Values::from(numbers))])
}
