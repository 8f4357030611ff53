//! What measures on a cloud of states have in common: everything but their parameters and their mathematics.

use std::fmt::Debug;

use concertina_model::params::ValidParams;
use concertina_model::task::{Ask, Trials};
use concertina_table::{Table, Values};
use serde::Serialize;

use crate::ranges::{self, needs_classes};
use crate::responses::{Observations, Responses, StateVariable};
use crate::{Analysis, Result, Subject, Timestep, Timesteps};

/// A measure on the states of some trials at a timestep. It yields one or several numbers per timestep and
/// checkpoint.
pub(crate) trait StateMeasure: Serialize + Debug {
    /// Its name as an analysis.
    const NAME: &'static str;
    /// Its version as an analysis.
    const VERSION: u32;
    /// What to cite for it.
    const REFERENCES: &'static [&'static str];
    /// The columns of its table after `timestep`.
    const COLUMNS: &'static [&'static str];
    /// The least number of samples for which it is meaningful.
    const LEAST_SAMPLES: usize;
    /// Whether it uses the classes of trials.
    const NEEDS_CLASSES: bool = false;
    /// Whether a row depends only on its own checkpoint.
    const PER_CHECKPOINT: bool = true;

    /// The states that it uses.
    fn states(&self) -> States<'_>;

    /// Checks the settings that only this measure has.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter).
    fn check_settings(&self) -> Result<()> {
        Ok(())
    }

    /// The measure itself: one number per column, given the responses of a network to the samples and a
    /// timestep.
    ///
    /// # Errors
    /// Errors found before any checkpoint is analysed, and those of the measure itself.
    fn measure(
        &self,
        subject: &Subject,
        samples: &Trials,
        timesteps: &[Timestep],
    ) -> Result<impl FnMut(&Responses, Timestep) -> Result<Vec<Option<f64>>>>;
}

/// The states that a measure uses, as in its fields of the same names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct States<'a> {
    pub(crate) samples: usize,
    pub(crate) timesteps: &'a Timesteps,
    pub(crate) extend_to: Option<Timestep>,
    pub(crate) state: Option<StateVariable>,
}

impl<M: StateMeasure> Analysis for M {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn version(&self) -> u32 {
        Self::VERSION
    }

    fn references(&self) -> &'static [&'static str] {
        Self::REFERENCES
    }

    fn per_checkpoint(&self) -> bool {
        Self::PER_CHECKPOINT
    }

    fn check(&self, params: &ValidParams) -> Result<()> {
        let States { samples, timesteps, extend_to, state } = self.states();
        if Self::NEEDS_CLASSES {
            needs_classes(Self::NAME, params)?;
        }
        StateVariable::check(state, Self::NAME, params)?;
        ranges::samples(Self::NAME, samples, Self::LEAST_SAMPLES)?;
        self.check_settings()?;
        timesteps.resolve(Self::NAME, extend_to, params).map(drop)
    }

    fn run(&self, subject: &Subject) -> Result<Table> {
        self.check(subject.params)?;
        let States { samples, timesteps, extend_to, state } = self.states();
        let timesteps = timesteps.resolve(Self::NAME, extend_to, subject.params)?;
        let samples = subject.task.trials(Ask::Analysis { count: samples });
        let mut measure = self.measure(subject, &samples, &timesteps)?;
        let mut rows = Observations::default();
        let mut columns = vec![Vec::new(); Self::COLUMNS.len()];
        for (checkpoint, network) in subject.checkpoints {
            let responses = Responses::run(network, &samples, &timesteps, state)?;
            for &timestep in &timesteps {
                rows.push_at(*checkpoint, timestep);
                columns
                    .iter_mut()
                    .zip(measure(&responses, timestep)?)
                    .for_each(|(column, number)| column.push(number));
            }
        }
        let named = Self::COLUMNS.iter().map(|&name| name.to_owned());
        rows.into_table(true, named.zip(columns.into_iter().map(Values::from)))
    }
}
