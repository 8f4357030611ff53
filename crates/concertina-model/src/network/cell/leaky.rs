//! `leaky`: `h_t = h_{t-1} + dt (-h_{t-1} + φ(h_{t-1}) W + x_t U + b)`.

use concertina_numerics::kernels;
use ndarray::{Array1, ArrayView2};

use super::{Affine, Ahead, Back, Cell, Dynamics, ThroughWeights, activate, apply, largest};
use crate::error::Result;
use crate::network::drawing::{Drawing, Drawn, leaky_recurrent};
use crate::params::Nonlinearity;

/// `h' = kept h + dt a`, where `kept` is `1 - dt`, or 1 without leak, and `a` contains the rates `φ(h)`. The
/// step notes nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Leaky {
    /// φ.
    pub nonlinearity: Nonlinearity,
    /// The step, in time constants.
    pub dt: f64,
    /// The share of the state that stays.
    pub kept: f64,
}

impl Dynamics for Leaky {
    fn notes(&self) -> usize {
        0
    }

    fn sends_rates(&self) -> bool {
        true
    }

    fn rates(&self, state: &mut [f64], slopes: &mut [f64]) {
        activate(self.nonlinearity, state, slopes);
    }

    fn step(&self, state: &mut [f64], recurrent: &[f64], input: &[f64], _note: &mut [f64]) {
        for ((state, recurrent), input) in state.iter_mut().zip(recurrent).zip(input) {
            *state = self.kept * *state + self.dt * (recurrent + input);
        }
    }

    fn tangent(&self, vector: &mut [f64], image: &[f64], _note: &[f64]) {
        for (entry, image) in vector.iter_mut().zip(image) {
            *entry = self.kept * *entry + self.dt * image;
        }
    }

    fn adjoint(&self, by_state: &mut [f64], by_recurrent: &mut [f64], by_input: &mut [f64], _note: &[f64]) {
        for ((by_state, by_recurrent), by_input) in by_state.iter_mut().zip(by_recurrent).zip(by_input) {
            *by_recurrent = self.dt * *by_state;
            *by_input = *by_recurrent;
            *by_state *= self.kept;
        }
    }

    fn reach(&self, columns: &[f64], slopes: &[f64], _note: &[f64], scales: &mut [f64]) -> usize {
        let steepest = self.dt * largest(slopes);
        for (scale, column) in scales.iter_mut().zip(columns) {
            *scale = self.kept + steepest * column;
        }
        match self.kept == 0.0 {
            true => slopes.iter().filter(|slope| **slope != 0.0).count(),
            false => scales.len(),
        }
    }

    fn can_grow(&self) -> bool {
        match self.nonlinearity {
            Nonlinearity::Linear => false,
            Nonlinearity::Tanh | Nonlinearity::Sigmoid => self.kept >= 1.0,
            Nonlinearity::Relu | Nonlinearity::Softplus => true,
        }
    }

    fn nonlinearity(&self) -> Option<Nonlinearity> {
        Some(self.nonlinearity)
    }
}

impl Cell for Leaky {
    /// `φ(h)`.
    fn tapes(&self, _disturbed: bool) -> &'static [usize] {
        &[1]
    }

    fn forward(&self, step: Ahead<'_>) {
        let Ahead { mut state, previous, tapes, rows, disturbance, step, .. } = step;
        kernels::scale_in_place(state.as_mut_slice(), self.dt as f32);
        if let Some(previous) = previous {
            kernels::scaled_add(state.as_mut_slice(), self.kept as f32, previous.as_slice());
        }
        if let Some(disturbance) = disturbance {
            disturbance.disturb(step, &mut state);
        }
        if let [rates, ..] = tapes {
            let mut rates = rates.rows_mut(rows);
            rates.copy_from(state.view());
            apply(self.nonlinearity, &mut rates);
        }
    }

    fn backward(&self, step: Back<'_>) {
        let Back { by_state, mut by_current, .. } = step;
        by_current.copy_from(by_state.view());
        kernels::scale_in_place(by_current.as_mut_slice(), self.dt as f32);
    }

    fn through_weights(&self) -> ThroughWeights {
        ThroughWeights::ThroughRates { kept: self.kept as f32 }
    }

    /// `f J* + (1 - f) gain Q`.
    fn draw(&self, drawing: &Drawing<'_>) -> Result<Drawn> {
        let network = &drawing.params.network;
        let (gain, fraction) = (drawing.params.gain(), network.random_fraction);
        let rule = |numbers: ArrayView2<'_, f64>| {
            leaky_recurrent(numbers, drawing.orthogonal_part().view(), gain, fraction)
        };
        Ok(Drawn {
            input: drawing.input()?,
            recurrent: drawing.recurrent(1, rule)?,
            biases: vec![Array1::zeros(network.units)],
        })
    }

    fn affine(&self) -> Option<Affine> {
        Some(Affine { kept: Some(self.kept), scale: self.dt })
    }
}
