//! `rate`: leaky firing rates, `v_t = v_{t-1} + dt (-v_{t-1} + φ(v_{t-1}) W + x_t U + b)`, of which
//! `φ(v_t)` is read out.

use ndarray::Array1;

use super::{Affine, Ahead, Back, Cell, Dynamics, Leaky, ThroughWeights};
use crate::error::Result;
use crate::network::drawing::{Drawing, Drawn, random_part};
use crate::params::Nonlinearity;

/// The dynamics of [`Leaky`] with its leak. In contrast to it, the rates are read out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    leaky: Leaky,
}

impl Rate {
    /// Rates with this φ and this step, in time constants.
    pub fn new(nonlinearity: Nonlinearity, dt: f64) -> Self {
        Self { leaky: Leaky { nonlinearity, dt, kept: 1.0 - dt } }
    }
}

impl Dynamics for Rate {
    fn notes(&self) -> usize {
        self.leaky.notes()
    }

    fn sends_rates(&self) -> bool {
        true
    }

    fn reads_rates(&self) -> bool {
        true
    }

    fn rates(&self, state: &mut [f64], slopes: &mut [f64]) {
        self.leaky.rates(state, slopes);
    }

    fn step(&self, state: &mut [f64], recurrent: &[f64], input: &[f64], note: &mut [f64]) {
        self.leaky.step(state, recurrent, input, note);
    }

    fn tangent(&self, vector: &mut [f64], image: &[f64], note: &[f64]) {
        self.leaky.tangent(vector, image, note);
    }

    fn adjoint(&self, by_state: &mut [f64], by_recurrent: &mut [f64], by_input: &mut [f64], note: &[f64]) {
        self.leaky.adjoint(by_state, by_recurrent, by_input, note);
    }

    fn reach(&self, columns: &[f64], slopes: &[f64], note: &[f64], scales: &mut [f64]) -> usize {
        self.leaky.reach(columns, slopes, note, scales)
    }

    fn can_grow(&self) -> bool {
        self.leaky.can_grow()
    }

    fn nonlinearity(&self) -> Option<Nonlinearity> {
        self.leaky.nonlinearity()
    }
}

impl Cell for Rate {
    /// `φ(v)`.
    fn tapes(&self, disturbed: bool) -> &'static [usize] {
        self.leaky.tapes(disturbed)
    }

    fn forward(&self, step: Ahead<'_>) {
        self.leaky.forward(step);
    }

    fn backward(&self, step: Back<'_>) {
        self.leaky.backward(step);
    }

    /// `√(2 dt)`: the noise is that of an Ornstein-Uhlenbeck process whose standard deviation, without other
    /// currents and in the limit of small `dt`, is that of `network.unit_noise`.
    fn noise_factor(&self) -> f64 {
        (2.0 * self.leaky.dt).sqrt()
    }

    fn through_weights(&self) -> ThroughWeights {
        self.leaky.through_weights()
    }

    /// `J*`.
    fn draw(&self, drawing: &Drawing<'_>) -> Result<Drawn> {
        Ok(Drawn {
            input: drawing.input()?,
            recurrent: drawing.recurrent(1, |numbers| random_part(numbers, drawing.params.gain()))?,
            biases: vec![Array1::zeros(drawing.params.network.units)],
        })
    }

    fn affine(&self) -> Option<Affine> {
        self.leaky.affine()
    }
}
