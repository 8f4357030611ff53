//! Noise and dropout on the units, in training only (`docs/reference/model.md#networks`).

use std::ops::Range;

use concertina_numerics::kernels::{Rows, RowsMut, RowsRef};
use concertina_numerics::random::{Purpose, Stream};

use super::{Equations, cell};
use crate::params::ValidParams;

const UNIT_NOISE: Purpose = Purpose::new("unit noise");
const DROPOUT: Purpose = Purpose::new("dropout");

/// Unit noise `h + σ ξ`, followed by inverted dropout `h m / (1 - p)`, drawn again for each update.
///
/// The random numbers are keyed by the update, and drawn timestep by timestep, sample by sample.
///
/// The rows of both are in time-major order, (steps × batch, units), like those of the states.
#[derive(Debug)]
pub struct Disturbance {
    seed: u64,
    /// σ and `ξ`.
    noise: Option<(f32, Rows)>,
    /// p and `m / (1 - p)`.
    dropout: Option<(f32, Rows)>,
}

impl Disturbance {
    /// `None` if the parameters specify neither.
    pub fn from_params(params: &ValidParams) -> Option<Self> {
        let factor = cell::of(&Equations::new(params)).noise_factor();
        let noise = (params.network.unit_noise * factor) as f32;
        let dropout = params.network.dropout as f32;
        let rows = || Rows::zeros(params.trial_steps() * params.train.batch, params.network.units);
        let disturbance = Disturbance {
            seed: params.seed,
            noise: (noise > 0.0).then(|| (noise, rows())),
            dropout: (dropout > 0.0).then(|| (dropout, rows())),
        };
        (disturbance.noise.is_some() || disturbance.dropout.is_some()).then_some(disturbance)
    }

    /// Draws the random numbers of the update with this number (counted from 0): (steps × batch) rows.
    pub fn draw(&mut self, update: u64, rows: usize) {
        if let Some((_, noise)) = &mut self.noise {
            let mut stream = Stream::new(self.seed, UNIT_NOISE, update);
            (0..rows).for_each(|row| stream.fill_normal(noise.row_mut(row)));
        }
        if let Some((dropout, masks)) = &mut self.dropout {
            let mut stream = Stream::new(self.seed, DROPOUT, update);
            let scale = 1.0 / (1.0 - *dropout);
            for row in 0..rows {
                let masks = masks.row_mut(row);
                stream.fill_uniform(masks);
                for mask in masks {
                    *mask = if *mask < *dropout { 0.0 } else { scale };
                }
            }
        }
    }

    /// σ; 0 if there is no noise.
    pub fn noise_size(&self) -> f32 {
        self.noise.as_ref().map_or(0.0, |(size, _)| *size)
    }

    /// `ξ` of a row, (units); `None` if there is no noise.
    pub fn noise_row(&self, row: usize) -> Option<&[f32]> {
        self.noise.as_ref().map(|(_, noise)| noise.row(row))
    }

    /// `m / (1 - p)` of a row, (units); `None` without dropout.
    pub fn dropout_row(&self, row: usize) -> Option<&[f32]> {
        self.dropout.as_ref().map(|(_, masks)| masks.row(row))
    }

    /// The part that belongs to these samples of a batch.
    pub(crate) fn of(&self, batch: usize, samples: Range<usize>) -> DisturbedPart<'_> {
        DisturbedPart { disturbance: self, batch, samples }
    }

    /// σ and these rows of `ξ`, if there is noise.
    pub(super) fn noise(&self, rows: Range<usize>) -> Option<(f32, RowsRef<'_>)> {
        self.noise.as_ref().map(|(size, noise)| (*size, noise.rows(rows)))
    }
}

/// The disturbance of some samples of a batch.
#[derive(Clone, Debug)]
pub(crate) struct DisturbedPart<'a> {
    disturbance: &'a Disturbance,
    batch: usize,
    samples: Range<usize>,
}

impl DisturbedPart<'_> {
    fn rows(&self, step: usize) -> Range<usize> {
        step * self.batch + self.samples.start..step * self.batch + self.samples.end
    }

    /// Disturbs the states of a step, (samples, units).
    pub(super) fn disturb(&self, step: usize, states: &mut RowsMut<'_>) {
        if let Some((size, noise)) = self.disturbance.noise(self.rows(step)) {
            for (state, normal) in states.as_mut_slice().iter_mut().zip(noise.as_slice()) {
                *state += size * normal;
            }
        }
        self.drop_out(step, states);
    }

    /// Drops units of the states of a step, (samples, units). For derivatives by these states, the backward
    /// pass is the same product.
    pub(super) fn drop_out(&self, step: usize, rows: &mut RowsMut<'_>) {
        if let Some((_, masks)) = &self.disturbance.dropout {
            for (value, mask) in rows.as_mut_slice().iter_mut().zip(masks.rows(self.rows(step)).as_slice()) {
                *value *= mask;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::{NetworkKind, Params};

    /// `√(2 dt) σ ξ` is added in the current step, as in the golden numbers of rate networks with noise.
    #[test]
    fn the_noise_on_rates_grows_with_the_root_of_the_step() {
        let size = |kind, dt| {
            let mut params = Params::default();
            (params.network.kind, params.network.units, params.network.dt) = (kind, 3, dt);
            params.network.unit_noise = 0.5;
            let params = params.check().expect("valid");
            let mut disturbance = Disturbance::from_params(&params).expect("there is noise");
            disturbance.draw(7, 20);
            let (size, normal) = disturbance.noise(10..20).expect("there is noise");
            let mut states = Rows::zeros(10, 3);
            disturbance.of(10, 0..10).disturb(1, &mut states.view_mut());
            assert!(normal.row(4)[2] != 0.0);
            assert_eq!(states.row(4)[2], size * normal.row(4)[2]);
            size
        };
        assert_eq!((size(NetworkKind::Rate, 0.08), size(NetworkKind::Rate, 0.5)), (0.2, 0.5));
        assert_eq!((size(NetworkKind::Leaky, 0.08), size(NetworkKind::Lstm, 0.08)), (0.5, 0.5));
    }
}
