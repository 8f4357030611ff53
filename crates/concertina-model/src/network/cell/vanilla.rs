//! `vanilla`, and each layer of `feedforward`: `h_t = φ(h_{t-1} W + x_t U + b)`.

use ndarray::Array1;

use super::{Affine, Ahead, Back, Cell, Dynamics, ThroughWeights, activate, apply, multiply_by_slope};
use crate::error::Result;
use crate::network::drawing::{Drawing, Drawn, vanilla_recurrent};
use crate::params::Nonlinearity;

/// `h' = φ(a)`; the note is `φ'(a)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Vanilla {
    /// φ.
    pub nonlinearity: Nonlinearity,
}

impl Dynamics for Vanilla {
    fn step(&self, state: &mut [f64], recurrent: &[f64], input: &[f64], note: &mut [f64]) {
        for ((state, recurrent), input) in state.iter_mut().zip(recurrent).zip(input) {
            *state = recurrent + input;
        }
        activate(self.nonlinearity, state, note);
    }

    fn tangent(&self, vector: &mut [f64], image: &[f64], note: &[f64]) {
        for ((entry, image), slope) in vector.iter_mut().zip(image).zip(note) {
            *entry = image * slope;
        }
    }

    fn adjoint(&self, by_state: &mut [f64], by_recurrent: &mut [f64], by_input: &mut [f64], note: &[f64]) {
        for (((by_state, slope), by_recurrent), by_input) in
            by_state.iter_mut().zip(note).zip(by_recurrent).zip(by_input)
        {
            *by_recurrent = *by_state * slope;
            *by_input = *by_recurrent;
            *by_state = 0.0;
        }
    }

    fn reach(&self, columns: &[f64], _slopes: &[f64], note: &[f64], scales: &mut [f64]) -> usize {
        for ((scale, column), slope) in scales.iter_mut().zip(columns).zip(note) {
            *scale = column * slope;
        }
        scales.len()
    }

    fn can_grow(&self) -> bool {
        matches!(self.nonlinearity, Nonlinearity::Relu | Nonlinearity::Softplus)
    }

    fn nonlinearity(&self) -> Option<Nonlinearity> {
        Some(self.nonlinearity)
    }
}

impl Cell for Vanilla {
    /// `φ(a)` before noise and dropout. Without them, it is the state.
    fn tapes(&self, disturbed: bool) -> &'static [usize] {
        if disturbed { &[1] } else { &[] }
    }

    fn forward(&self, step: Ahead<'_>) {
        let Ahead { mut state, tapes, rows, disturbance, step, .. } = step;
        apply(self.nonlinearity, &mut state);
        if let Some(disturbance) = disturbance {
            if let [rates, ..] = tapes {
                rates.rows_mut(rows).copy_from(state.view());
            }
            disturbance.disturb(step, &mut state);
        }
    }

    fn backward(&self, step: Back<'_>) {
        let Back { by_state, mut by_current, state, tapes, rows, .. } = step;
        by_current.copy_from(by_state.view());
        let rates = tapes.first().map_or(state, |rates| rates.rows(rows));
        multiply_by_slope(self.nonlinearity, &mut by_current, rates);
    }

    fn through_weights(&self) -> ThroughWeights {
        ThroughWeights::IsAll
    }

    /// `(1 - dt) I + dt J*`.
    fn draw(&self, drawing: &Drawing<'_>) -> Result<Drawn> {
        let network = &drawing.params.network;
        Ok(Drawn {
            input: drawing.input()?,
            recurrent: drawing
                .recurrent(1, |numbers| vanilla_recurrent(numbers, drawing.params.gain(), network.dt))?,
            biases: vec![Array1::zeros(network.units)],
        })
    }

    fn affine(&self) -> Option<Affine> {
        Some(Affine { kept: None, scale: 1.0 })
    }
}
