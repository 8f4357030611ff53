//! The responses of a network to trials: its states.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use concertina_model::Checkpoint;
use concertina_model::network::{Equations, Network, Variable};
use concertina_model::params::ValidParams;
use concertina_model::task::Trials;
use concertina_table::{Table, Values};
use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};

use crate::timestep::Timestep;
use crate::{Error, Result};

/// A variable of the units that analyses can look at in place of their state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StateVariable {
    /// The rates `φ(v)` of a rate network, or `φ(h)` of a leaky one.
    Rates,
    /// The cell `c` of an LSTM.
    Cell,
}

impl StateVariable {
    fn variable(self) -> Variable {
        match self {
            Self::Rates => Variable::Rates,
            Self::Cell => Variable::Cell,
        }
    }

    /// Refuses a variable that networks of this kind do not have.
    pub(crate) fn check(state: Option<Self>, analysis: &'static str, params: &ValidParams) -> Result<()> {
        let Some(state) = state else { return Ok(()) };
        if state.variable().exists(&*Equations::new(params).dynamics()) {
            return Ok(());
        }
        let (reason, hint) = match state {
            Self::Rates => {
                ("its units have no rates besides their state", "leave `state` out: the states are analysed")
            }
            Self::Cell => (
                "its units have no cell, which is part of an LSTM",
                "leave `state` out, or use `network.kind = lstm`",
            ),
        };
        let subject =
            format!("`state = {}` of a network of kind `{}`", state.variable(), params.network.kind);
        Err(Error::NotApplicable { analysis, subject, reason, hint })
    }
}

/// The states of a network in some trials, at the requested timesteps.
#[derive(Debug)]
pub(crate) struct Responses<'a> {
    samples: &'a Trials,
    /// (trials, units) at each timestep but the input.
    states: BTreeMap<Timestep, Array2<f32>>,
}

impl<'a> Responses<'a> {
    /// Runs the network on every sample up to the latest of these timesteps, with zero input past the end of
    /// the trial.
    pub(crate) fn run(
        network: &Network,
        samples: &'a Trials,
        timesteps: &[Timestep],
        state: Option<StateVariable>,
    ) -> Result<Self> {
        let asked: BTreeSet<Timestep> =
            timesteps.iter().copied().filter(|timestep| *timestep != Timestep::INPUT).collect();
        let after_first_step: Vec<usize> = asked.iter().map(|timestep| timestep.steps() - 1).collect();
        let variable = state.map_or(Variable::State, StateVariable::variable);
        let states = network.variable_at(variable, &samples.inputs, &after_first_step)?;
        Ok(Self { samples, states: asked.into_iter().zip(states).collect() })
    }

    /// The states at a timestep, (trials, units), or the inputs, (trials, input_dim), after checking that all
    /// are finite.
    pub(crate) fn at(&self, timestep: Timestep) -> Result<ArrayView2<'_, f32>> {
        let states = self.unchecked_at(timestep);
        check_finite(states, || Self::name_of(timestep))?;
        Ok(states)
    }

    /// The same without the check, for callers that check every state themselves.
    pub(crate) fn unchecked_at(&self, timestep: Timestep) -> ArrayView2<'_, f32> {
        if timestep == Timestep::INPUT {
            return self.samples.inputs.stimuli().expect("the input, if requested, is a stimulus");
        }
        self.states.get(&timestep).expect("a requested timestep").view()
    }

    /// The name of the states at a timestep in error messages.
    pub(crate) fn name_of(timestep: Timestep) -> String {
        if timestep == Timestep::INPUT {
            "inputs".to_owned()
        } else {
            format!("states at timestep {timestep}")
        }
    }
}

/// The class of each trial.
///
/// # Errors
/// [`Error::NotApplicable`] where targets are real numbers.
pub(crate) fn labels<'a>(analysis: &'static str, samples: &'a Trials) -> Result<Cow<'a, [u32]>> {
    samples.labels().ok_or_else(|| Error::NotApplicable {
        analysis,
        subject: "a task whose targets are real numbers".to_owned(),
        reason: "it compares the classes of trials",
        hint: "choose a task with classes, or leave this analysis out",
    })
}

/// Returns an error that names the sample and unit of the first NaN or infinite value.
pub(crate) fn check_finite<T: Copy + Into<f64>>(
    states: ArrayView2<T>,
    what: impl FnOnce() -> String,
) -> Result<()> {
    for (sample, state) in states.outer_iter().enumerate() {
        // without early exit, so that it is vectorised
        if state.iter().fold(false, |found, value| found | !(*value).into().is_finite()) {
            let wrong = state.iter().position(|value| !(*value).into().is_finite());
            let unit = wrong.expect("one was found");
            let place = format!("sample {sample}, unit {unit}");
            return Err(Error::NotFinite { what: what(), place, value: state[unit].into() });
        }
    }
    Ok(())
}

/// The checkpoint and timestep of each row of a result.
#[derive(Debug, Default)]
pub(crate) struct Observations {
    epochs: Vec<i64>,
    updates: Vec<i64>,
    timesteps: Vec<i64>,
}

impl Observations {
    /// Adds a row for this checkpoint.
    pub(crate) fn push(&mut self, checkpoint: Checkpoint) {
        self.epochs.push(checkpoint.epoch.0 as i64);
        self.updates.push(checkpoint.update.0 as i64);
    }

    /// Adds a row for this timestep of this checkpoint.
    pub(crate) fn push_at(&mut self, checkpoint: Checkpoint, timestep: Timestep) {
        self.push(checkpoint);
        self.timesteps.push(timestep.0);
    }

    /// The table with these columns after `epoch`, `update` and, if the rows have one, `timestep`.
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
