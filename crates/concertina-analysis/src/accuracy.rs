//! `accuracy`: how often the network names the right class.

use concertina_model::params::ValidParams;
use concertina_model::task::Ask;
use concertina_table::Table;
use serde::{Deserialize, Serialize};

use crate::evaluation::evaluated;
use crate::ranges::{self, needs_classes};
use crate::{Analysis, Result, Subject};

/// The fraction of samples that the network classifies correctly, at each checkpoint.
///
/// The predicted class is that of the largest output at the trial's last timestep, or the sign of a scalar
/// output. Dropout and noise are off. If several outputs are equal, the first one counts. A scalar output of
/// zero means class 0. A silent network without a readout bias therefore assigns every sample to class 0.
///
/// # Returns  The column `accuracy`, in [0, 1], with one row per checkpoint.
/// # Errors   [`Error::NotFinite`](crate::Error::NotFinite) if a checkpoint has outputs that are NaN or
/// infinite, from which no class follows.
/// # Source   `farrell2022`, Fig. 2d. Differs in: a scalar output is classified by its sign. The published
/// code takes the argmax over the single output, which is always class 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Accuracy {
    /// Samples, spread evenly over the clusters.
    pub samples: usize,
}

impl Default for Accuracy {
    fn default() -> Self {
        Self { samples: 1000 }
    }
}

impl Accuracy {
    pub(crate) const NAME: &'static str = "accuracy";
}

impl Analysis for Accuracy {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn version(&self) -> u32 {
        2
    }

    fn references(&self) -> &'static [&'static str] {
        &["farrell2022"]
    }

    fn per_checkpoint(&self) -> bool {
        true
    }

    fn check(&self, params: &ValidParams) -> Result<()> {
        needs_classes(Self::NAME, params)?;
        ranges::samples(Self::NAME, self.samples, 1)
    }

    fn run(&self, subject: &Subject) -> Result<Table> {
        self.check(subject.params)?;
        let samples = subject.task.trials(Ask::Analysis { count: self.samples });
        evaluated(subject, &samples, Self::NAME, |evaluation| evaluation.accuracy)
    }
}
