//! Analyses whose answer says more than a table.

use concertina_analysis::{Accuracy, Analysis, EffectiveDimension, Loss};
use concertina_table::Table;

/// An analysis with the form in which a single run answers it: a table, or something that reads like one and knows more.
pub trait Answers: Analysis {
    /// The form.
    type Answer;

    /// Puts a table into that form.
    fn answer(table: Table) -> Self::Answer;
}

macro_rules! answers_with_a_table {
    ($($analysis:ty),* $(,)?) => {$(
        impl Answers for $analysis {
            type Answer = Table;

            fn answer(table: Table) -> Table {
                table
            }
        }
    )*};
}

answers_with_a_table!(EffectiveDimension, Accuracy, Loss);
