//! The state before the first timestep of a trial (`docs/reference/model.md#initial-state`).

use concertina_numerics::kernels::Rows;
use concertina_numerics::random::{Purpose, Stream};

use super::cell::{self, Cell};
use super::packed::Packed;
use crate::params::{Nonlinearity, ValidParams};

const TRAINING: Purpose = Purpose::new("initial noise");
const EVALUATION: Purpose = Purpose::new("initial state");

/// The noise on initial states: `σ ξ` with `ξ ~ N(0, 1)`, drawn for each trial.
///
/// Each trial has its own stream of random numbers, so its noise does not depend on the batches and parts
/// that trials are shown in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InitialNoise {
    seed: u64,
    size: f32,
    batch: u64,
}

impl InitialNoise {
    /// `None` if the parameters specify none.
    pub(crate) fn from_params(params: &ValidParams) -> Option<Self> {
        let size = params.network.initial_noise as f32;
        (size > 0.0).then_some(Self { seed: params.seed, size, batch: params.train.batch as u64 })
    }

    /// Adds the noise of a trial to the numbers of its state.
    fn add<'a>(&self, trial: Trial, numbers: impl Iterator<Item = &'a mut f32>) {
        let mut stream = match trial {
            Trial::Trained { update, sample } => {
                Stream::new(self.seed, TRAINING, update * self.batch + sample as u64)
            }
            Trial::Shown(trial) => Stream::new(self.seed, EVALUATION, trial as u64),
        };
        numbers.for_each(|number| *number += (f64::from(self.size) * stream.normal()) as f32);
    }
}

/// A trial, which keys the noise on its initial state.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Trial {
    /// A sample of the batch of an update (counted from 0).
    Trained { update: u64, sample: usize },
    /// A trial of a set that is evaluated or analysed.
    Shown(usize),
}

impl Trial {
    /// The trial this many places later.
    fn after(self, places: usize) -> Self {
        match self {
            Self::Trained { update, sample } => Self::Trained { update, sample: sample + places },
            Self::Shown(trial) => Self::Shown(trial + places),
        }
    }
}

/// The states before the first timestep of the trials of a batch.
#[derive(Debug)]
pub(super) struct Start {
    noise: Option<InitialNoise>,
    /// `h_0`, (batch, units).
    pub(super) state: Rows,
    /// The rest of the state, (batch, (states - 1) × units).
    pub(super) rest: Rows,
    /// `φ(h_0)`, (batch, units), where rates are sent.
    rates: Option<Rows>,
}

impl Start {
    /// `None` if all trials start from zero.
    pub(super) fn new(
        cell: &dyn Cell,
        weights: &Packed,
        capacity: usize,
        noise: Option<InitialNoise>,
    ) -> Option<Self> {
        let units = weights.readout().row_count();
        (noise.is_some() || weights.initial_state().is_some()).then(|| Start {
            noise,
            state: Rows::zeros(capacity, units),
            rest: Rows::zeros(capacity, (cell.states() - 1) * units),
            rates: cell.sends_rates().then(|| Rows::zeros(capacity, units)),
        })
    }

    /// Computes the states of this many trials.
    pub(super) fn place(&mut self, weights: &Packed, first: Trial, count: usize, nonlinearity: Nonlinearity) {
        let units = self.state.column_count();
        for sample in 0..count {
            let (state, rest) = (self.state.row_mut(sample), self.rest.row_mut(sample));
            match weights.initial_state() {
                Some(initial) => {
                    state.copy_from_slice(&initial[..units]);
                    rest.copy_from_slice(&initial[units..]);
                }
                None => {
                    state.fill(0.0);
                    rest.fill(0.0);
                }
            }
            if let Some(noise) = &self.noise {
                noise.add(first.after(sample), state.iter_mut().chain(rest));
            }
        }
        if let Some(rates) = &mut self.rates {
            let mut rates = rates.rows_mut(0..count);
            rates.copy_from(self.state.rows(0..count));
            cell::apply(nonlinearity, &mut rates);
        }
    }

    /// What is multiplied with the recurrent weights in the first step.
    pub(super) fn sent(&self) -> &Rows {
        self.rates.as_ref().unwrap_or(&self.state)
    }
}
