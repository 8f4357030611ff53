//! Samples shown to a network, and the states they lead to.

use concertina_model::Checkpoint;
use concertina_model::network::Network;
use concertina_model::task::Samples;
use concertina_table::{Table, Values};
use ndarray::{Array3, ArrayView2, s};

use crate::timestep::Timestep;
use crate::{Error, Result};

/// The trials of a sample set.
#[derive(Debug)]
pub(crate) struct Trials<'a> {
    samples: &'a Samples,
    /// (trials, time, units).
    states: Array3<f32>,
}

impl<'a> Trials<'a> {
    /// Runs the network on every sample, as far as the latest of these timesteps; past the trial's end with zero input.
    pub(crate) fn run(network: &Network, samples: &'a Samples, timesteps: &[Timestep]) -> Result<Self> {
        let steps = timesteps.iter().map(|timestep| timestep.steps()).max().unwrap_or_default();
        Ok(Self { samples, states: network.states(samples.inputs.view(), steps)? })
    }

    /// The states at a timestep, (trials, units), or the inputs, (trials, input_dim): all of them finite.
    pub(crate) fn at(&self, timestep: Timestep) -> Result<ArrayView2<'_, f32>> {
        let states = self.unchecked_at(timestep);
        check_finite(states, || Self::name_of(timestep))?;
        Ok(states)
    }

    /// The same, for those who look at every state anyway.
    pub(crate) fn unchecked_at(&self, timestep: Timestep) -> ArrayView2<'_, f32> {
        match timestep.steps() {
            0 => self.samples.inputs.view(),
            steps => self.states.slice(s![.., steps - 1, ..]),
        }
    }

    /// What errors call the states at a timestep.
    pub(crate) fn name_of(timestep: Timestep) -> String {
        if timestep == Timestep::INPUT {
            "inputs".to_owned()
        } else {
            format!("states at timestep {timestep}")
        }
    }
}

/// An error that names the first sample and unit whose number is none.
pub(crate) fn check_finite<T: Copy + Into<f64>>(
    states: ArrayView2<T>,
    what: impl FnOnce() -> String,
) -> Result<()> {
    for (sample, state) in states.outer_iter().enumerate() {
        // without a way out, so that it is vectorised
        if state.iter().fold(false, |found, value| found | !(*value).into().is_finite()) {
            let wrong = state.iter().position(|value| !(*value).into().is_finite());
            let unit = wrong.expect("found just now");
            let place = format!("sample {sample}, unit {unit}");
            return Err(Error::NotFinite { what: what(), place, value: state[unit].into() });
        }
    }
    Ok(())
}

/// Which checkpoint and timestep each row of a result is about.
#[derive(Debug, Default)]
pub(crate) struct Observations {
    epochs: Vec<i64>,
    updates: Vec<i64>,
    timesteps: Vec<i64>,
}

impl Observations {
    /// The next row is about this checkpoint.
    pub(crate) fn push(&mut self, checkpoint: Checkpoint) {
        self.epochs.push(checkpoint.epoch.0 as i64);
        self.updates.push(checkpoint.update.0 as i64);
    }

    /// The next row is about this timestep at this checkpoint.
    pub(crate) fn push_at(&mut self, checkpoint: Checkpoint, timestep: Timestep) {
        self.push(checkpoint);
        self.timesteps.push(timestep.0);
    }

    /// The table with these columns after `epoch`, `update` and, if rows have one, `timestep`.
    pub(crate) fn into_table(
        self,
        has_timesteps: bool,
        columns: impl IntoIterator<Item = (String, Values)>,
    ) -> Result<Table> {
        let mut all = vec![
            ("epoch".to_owned(), Values::from(self.epochs)),
            ("update".to_owned(), Values::from(self.updates)),
        ];
        if has_timesteps {
            all.push(("timestep".to_owned(), Values::from(self.timesteps)));
        }
        all.extend(columns);
        Ok(Table::from_columns(all)?)
    }
}
