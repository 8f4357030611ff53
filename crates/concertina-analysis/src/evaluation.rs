//! One number of a network's evaluation, at each checkpoint.

use concertina_model::Checkpoint;
use concertina_model::network::Evaluation;
use concertina_model::task::Samples;
use concertina_table::{Table, Values};

use crate::trials::Observations;
use crate::{Result, Subject};

/// The table of one number, in the column `name`, that each checkpoint's evaluation on these samples gives.
pub(crate) fn evaluated(
    subject: &Subject,
    samples: &Samples,
    name: &'static str,
    number: impl Fn(Checkpoint, Evaluation) -> Result<f64>,
) -> Result<Table> {
    let mut rows = Observations::default();
    let mut numbers = Vec::with_capacity(subject.checkpoints.len());
    for (checkpoint, network) in subject.checkpoints {
        rows.push(*checkpoint);
        numbers.push(number(*checkpoint, network.evaluate(samples)?)?);
    }
    rows.into_table(false, [(name.to_owned(), Values::from(numbers))])
}
