//! Noise and dropout on the units, in training only (`model.md`, section 3).

use concertina_numerics::kernels::{Rows, RowsMut, RowsRef};
use concertina_numerics::random::{Purpose, Stream};

use crate::params::ValidParams;

const UNIT_NOISE: Purpose = Purpose::new("unit noise");
const DROPOUT: Purpose = Purpose::new("dropout");

/// Unit noise `h + σ ξ` and then inverted dropout `h m / (1 - p)`, drawn anew for each update.
///
/// The numbers are keyed by the update, and drawn timestep by timestep, sample by sample.
#[derive(Debug)]
pub(crate) struct Disturbance {
    seed: u64,
    noise: f32,
    dropout: f32,
    noise_stream: Stream,
    dropout_stream: Stream,
    drawn: Vec<f32>,
    /// `m / (1 - p)`, (steps × batch, units).
    masks: Option<Rows>,
    batch: usize,
}

impl Disturbance {
    /// `None` if the parameters ask for neither.
    pub(crate) fn from_params(params: &ValidParams) -> Option<Self> {
        let (noise, dropout) = (params.network.unit_noise as f32, params.network.dropout as f32);
        if noise == 0.0 && dropout == 0.0 {
            return None;
        }
        let (units, rows) = (params.network.units, params.trial_steps() * params.train.batch);
        Some(Disturbance {
            seed: params.seed,
            noise,
            dropout,
            noise_stream: Stream::new(params.seed, UNIT_NOISE, 0),
            dropout_stream: Stream::new(params.seed, DROPOUT, 0),
            drawn: vec![0.0; units],
            masks: (dropout > 0.0).then(|| Rows::zeros(rows, units)),
            batch: 0,
        })
    }

    /// Begins the update with this number (counted from 0).
    pub(crate) fn begin(&mut self, update: u64, batch: usize) {
        self.noise_stream = Stream::new(self.seed, UNIT_NOISE, update);
        self.dropout_stream = Stream::new(self.seed, DROPOUT, update);
        self.batch = batch;
    }

    /// Disturbs the states of one step, (batch, units).
    pub(super) fn disturb(&mut self, step: usize, states: &mut RowsMut<'_>) {
        if self.noise > 0.0 {
            for sample in 0..self.batch {
                self.noise_stream.fill_normal(&mut self.drawn);
                for (state, normal) in states.row_mut(sample).iter_mut().zip(&self.drawn) {
                    *state += self.noise * normal;
                }
            }
        }
        if let Some(masks) = &mut self.masks {
            let scale = 1.0 / (1.0 - self.dropout);
            let mut masks = masks.rows_mut(step * self.batch..(step + 1) * self.batch);
            for sample in 0..self.batch {
                self.dropout_stream.fill_uniform(&mut self.drawn);
                for (mask, uniform) in masks.row_mut(sample).iter_mut().zip(&self.drawn) {
                    *mask = if *uniform < self.dropout { 0.0 } else { scale };
                }
            }
            multiply(states, masks.view());
        }
    }

    /// Takes derivatives by the states of a step, (batch, units), back through its dropout.
    pub(super) fn undo(&self, step: usize, by_state: &mut RowsMut<'_>) {
        if let Some(masks) = &self.masks {
            multiply(by_state, masks.rows(step * self.batch..(step + 1) * self.batch));
        }
    }
}

fn multiply(rows: &mut RowsMut<'_>, factors: RowsRef<'_>) {
    for (value, factor) in rows.as_mut_slice().iter_mut().zip(factors.as_slice()) {
        *value *= factor;
    }
}
