//! `loss`: the loss that training minimises, on separate samples.

use concertina_model::params::ValidParams;
use concertina_model::task::Ask;
use concertina_table::Table;
use serde::{Deserialize, Serialize};

use crate::evaluation::evaluated;
use crate::ranges;
use crate::{Analysis, Result, Subject};

/// The loss of the run (`train.loss`), at each checkpoint.
///
/// The mean over samples and over the evaluated timesteps; cross-entropy is in nats. Dropout and noise are
/// off. Weight decay is not included.
///
/// # Returns  The column `loss`, with one row per checkpoint.
/// # Errors   [`Error::NotFinite`](crate::Error::NotFinite) if the loss of a checkpoint is NaN or infinite.
/// # Source   `farrell2022`, Methods. Differs in: nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Loss {
    /// Samples, spread evenly over the clusters.
    pub samples: usize,
}

impl Default for Loss {
    fn default() -> Self {
        Self { samples: 1000 }
    }
}

impl Loss {
    pub(crate) const NAME: &'static str = "loss";
}

impl Analysis for Loss {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn version(&self) -> u32 {
        1
    }

    fn references(&self) -> &'static [&'static str] {
        &["farrell2022"]
    }

    fn per_checkpoint(&self) -> bool {
        true
    }

    fn check(&self, _params: &ValidParams) -> Result<()> {
        ranges::samples(Self::NAME, self.samples, 1)
    }

    fn run(&self, subject: &Subject) -> Result<Table> {
        self.check(subject.params)?;
        let samples = subject.task.trials(Ask::Analysis { count: self.samples });
        evaluated(subject, &samples, Self::NAME, |evaluation| Some(evaluation.loss))
    }
}
