//! The network without input, or with a constant input, as a map of its state, and the Jacobian of that map.

use std::sync::Arc;

use concertina_model::network::{Dynamics, Leaky, Network, Vanilla};
use concertina_model::params::{NetworkKind, Nonlinearity};
use concertina_numerics::double::{Panels, product};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2};

use crate::{Error, Result};

/// A network without input: a map from its state to its next state, in f64.
///
/// Vectors are row vectors throughout, so a tangent vector `q` at `h` becomes the row `q J` with
/// `J[i, j] = ∂h'[j] / ∂h[i]`:
///
/// ```text
/// map    h' = φ(h W + b)                    q J = (q W) ∘ φ'(h W + b)
/// Euler  h' = h + dt (-h + φ(h) W + b)      q J = (1 - dt) q + dt (q ∘ φ'(h)) W      (without leak: 1 for 1 - dt)
/// ```
///
/// and likewise for gated networks, whose units have several currents. The state of a unit may be more than
/// one number, as in an LSTM: states are then `h` of every unit, followed by the other numbers.
#[derive(Debug, Clone)]
pub struct Autonomous {
    /// (units, currents × units).
    pub(crate) weights: Array2<f64>,
    /// The bias of the currents from the inputs, (currents × units).
    pub(super) bias: Array1<f64>,
    /// The bias of the recurrent currents, (currents × units); empty if there is none.
    pub(super) recurrent_bias: Array1<f64>,
    pub(crate) dynamics: Arc<dyn Dynamics>,
}

/// How the next state follows from the input current.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    /// `h' = φ(h W + b)`: the vanilla network.
    Map,
    /// `h' = kept h + dt (φ(h) W + b)`: one Euler step of the leaky network; `kept` is `1 - dt`, or 1 without
    /// leak.
    Euler {
        /// The step, in time constants.
        dt: f64,
        /// The share of the state that is kept.
        kept: f64,
    },
}

impl Autonomous {
    /// The dynamics of a network with a single current per unit, with these weights.
    ///
    /// # Shapes
    /// `weights`: (units, units), (from, to); `bias`: (units).
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::NotFinite`].
    pub fn new(
        weights: Array2<f64>,
        bias: Array1<f64>,
        nonlinearity: Nonlinearity,
        rule: Rule,
    ) -> Result<Self> {
        let dynamics: Arc<dyn Dynamics> = match rule {
            Rule::Map => Arc::new(Vanilla { nonlinearity }),
            Rule::Euler { dt, kept } => Arc::new(Leaky { nonlinearity, dt, kept }),
        };
        Self::with_dynamics(dynamics, weights, bias, Array1::zeros(0))
    }

    /// The dynamics of any network with these weights.
    ///
    /// # Shapes
    /// `weights`: (units, currents × units), (from, to); `bias`: (currents × units); `recurrent_bias`:
    /// (currents × units), or empty.
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::NotFinite`].
    pub fn with_dynamics(
        dynamics: Arc<dyn Dynamics>,
        weights: Array2<f64>,
        bias: Array1<f64>,
        recurrent_bias: Array1<f64>,
    ) -> Result<Self> {
        let currents = dynamics.currents();
        let units = bias.len() / currents;
        let columns = currents * units;
        if weights.dim() != (units, columns) || units == 0 || bias.len() != columns {
            let expected = match currents {
                1 => format!("(units, units) = ({units}, {units}), with at least one unit"),
                _ => format!("(units, {currents} × units) = ({units}, {columns}), with at least one unit"),
            };
            let found = weights.shape().to_vec();
            return Err(Error::Shape { what: "recurrent weights", expected, found });
        }
        if !recurrent_bias.is_empty() && recurrent_bias.len() != columns {
            let (expected, found) = (format!("({columns})"), vec![recurrent_bias.len()]);
            return Err(Error::Shape { what: "recurrent bias", expected, found });
        }
        if let Some(((from, to), value)) = weights.indexed_iter().find(|(_, value)| !value.is_finite()) {
            let place = match currents {
                1 => format!("from unit {from} to unit {to}"),
                _ => format!("from unit {from} to column {to}"),
            };
            return Err(Error::NotFinite { what: "recurrent weights".to_owned(), place, value: *value });
        }
        for (what, bias) in [("bias", &bias), ("recurrent bias", &recurrent_bias)] {
            if let Some((unit, value)) = bias.indexed_iter().find(|(_, value)| !value.is_finite()) {
                let place = format!("unit {unit}");
                return Err(Error::NotFinite { what: what.to_owned(), place, value: *value });
            }
        }
        Ok(Self { weights: weights.as_standard_layout().into_owned(), bias, recurrent_bias, dynamics })
    }

    /// The dynamics of a recurrent network; `None` for a feedforward one, which has none.
    ///
    /// # Errors
    /// [`Error::NotFinite`].
    pub fn of(network: &Network) -> Result<Option<Self>> {
        if network.kind() == NetworkKind::Feedforward {
            return Ok(None);
        }
        let weights = network.weights();
        let recurrent_bias = weights.biases.get(1).map_or(Array1::zeros(0), |bias| bias.mapv(f64::from));
        let (recurrent, bias) = (weights.recurrent[0].mapv(f64::from), weights.biases[0].mapv(f64::from));
        Self::with_dynamics(network.dynamics().into(), recurrent, bias, recurrent_bias).map(Some)
    }

    /// The same dynamics with a constant input instead of none.
    ///
    /// # Shapes
    /// `weights`: (inputs, currents × units); `input`: (inputs).
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::NotFinite`].
    pub fn with_input(self, weights: ArrayView2<f64>, input: ArrayView1<f64>) -> Result<Self> {
        if weights.dim() != (input.len(), self.bias.len()) {
            let expected = format!("(inputs, currents × units) = ({}, {})", input.len(), self.bias.len());
            return Err(Error::Shape { what: "input weights", expected, found: weights.shape().to_vec() });
        }
        let bias = &self.bias + &input.dot(&weights);
        Self::with_dynamics(self.dynamics, self.weights, bias, self.recurrent_bias)
    }

    /// Number of units.
    pub fn units(&self) -> usize {
        self.weights.nrows()
    }

    /// How many numbers a state consists of: one per unit, or several, as in an LSTM.
    pub fn dimension(&self) -> usize {
        self.dynamics.states() * self.units()
    }

    /// The state after this one.
    ///
    /// # Shapes
    /// `state`: ([`dimension`](Self::dimension)); returns the same.
    ///
    /// # Errors
    /// [`Error::Shape`].
    pub fn next(&self, state: ArrayView1<f64>) -> Result<Array1<f64>> {
        self.check_state(state)?;
        Ok(self.next_of(&state.to_owned()))
    }

    /// The Jacobian `J[i, j] = ∂h'[j] / ∂h[i]` at this state.
    ///
    /// # Shapes
    /// `state`: ([`dimension`](Self::dimension)); returns (dimension, dimension), (from, to).
    ///
    /// # Errors
    /// [`Error::Shape`].
    pub fn jacobian(&self, state: ArrayView1<f64>) -> Result<Array2<f64>> {
        self.check_state(state)?;
        Ok(self.jacobian_of(&state.to_owned()))
    }

    pub(super) fn check_state(&self, state: ArrayView1<f64>) -> Result<()> {
        if state.len() == self.dimension() {
            return Ok(());
        }
        let expected = format!("({}) = ({})", self.width(), self.dimension());
        Err(Error::Shape { what: "state", expected, found: vec![state.len()] })
    }

    /// The name of the dimension of a state in messages about shapes.
    pub(crate) fn width(&self) -> String {
        width(self.dynamics.states())
    }

    /// The state after this one, which must have the right length.
    pub(crate) fn next_of(&self, state: &Array1<f64>) -> Array1<f64> {
        self.advanced(state, &self.bias.to_vec()).next
    }

    /// The Jacobian at this state, which must have the right length.
    pub(crate) fn jacobian_of(&self, state: &Array1<f64>) -> Array2<f64> {
        self.jacobian_from(&self.advanced(state, &self.bias.to_vec()))
    }

    /// The Jacobian of a timestep.
    pub(crate) fn jacobian_from(&self, step: &Advanced) -> Array2<f64> {
        let Advanced { slopes, note, .. } = step;
        let mut jacobian = Array2::eye(self.dimension());
        let mut image = vec![0.0; self.bias.len()];
        for (number, mut vector) in jacobian.rows_mut().into_iter().enumerate() {
            // the image of a unit vector; that of a part of the state which is not sent is zero
            match slopes.get(number) {
                Some(slope) => image
                    .iter_mut()
                    .zip(self.weights.row(number))
                    .for_each(|(image, weight)| *image = weight * slope),
                None => image.fill(0.0),
            }
            let vector = vector.as_slice_mut().expect("a row of an array in row-major order");
            self.dynamics.tangent(vector, &image, note);
        }
        jacobian
    }

    /// Whether orbits can reach this state. In a gated network, `h` of a unit is a mean or a product of
    /// numbers between -1 and 1. Outside this range, an update gate of 1 would keep any number.
    pub(crate) fn is_reachable(&self, state: &Array1<f64>) -> bool {
        self.dynamics.currents() == 1 || state.iter().take(self.units()).all(|entry| entry.abs() <= 1.0)
    }

    /// A timestep with these currents from the inputs, which include the bias.
    pub(crate) fn advanced(&self, state: &Array1<f64>, input: &[f64]) -> Advanced {
        let units = self.units();
        let mut next = state.to_vec();
        let (mut rates, mut slopes) = (next[..units].to_vec(), vec![1.0; units]);
        if self.dynamics.sends_rates() {
            self.dynamics.rates(&mut rates, &mut slopes);
        }
        let mut recurrent = vec![0.0; self.bias.len()];
        let weights = self.weights.as_slice().expect("in row-major order");
        for (rate, weights) in rates.iter().zip(weights.chunks_exact(recurrent.len())) {
            recurrent.iter_mut().zip(weights).for_each(|(current, weight)| *current += rate * weight);
        }
        recurrent.iter_mut().zip(&self.recurrent_bias).for_each(|(current, bias)| *current += bias);
        let mut note = vec![0.0; self.dynamics.notes() * units];
        self.dynamics.step(&mut next, &recurrent, input, &mut note);
        Advanced { next: Array1::from(next), slopes, note }
    }
}

/// The Jacobians of a system applied to tangent vectors, without forming them.
#[derive(Debug)]
pub(crate) struct Tangents<'a> {
    system: &'a Autonomous,
    weights: Panels,
}

impl<'a> Tangents<'a> {
    pub(crate) fn new(system: &'a Autonomous) -> Self {
        Self { system, weights: Panels::from_row_major(system.weights.view()) }
    }

    /// Replaces every row `q` by `q J`, with the Jacobian at this state.
    ///
    /// # Shapes
    /// `rows`: (vectors, numbers), row-major.
    pub(crate) fn push(&self, state: &Array1<f64>, rows: &mut [f64]) {
        let Advanced { slopes, note, .. } = self.system.advanced(state, &self.system.bias.to_vec());
        let (units, numbers) = (self.system.units(), self.system.dimension());
        let sent = rows
            .chunks_exact(numbers)
            .flat_map(|row| row.iter().zip(&slopes).map(|(entry, slope)| entry * slope));
        let sent: Vec<f64> = sent.collect();
        let columns = self.system.bias.len();
        let mut images = vec![0.0; sent.len() / units * columns];
        product(&sent, &self.weights, &mut images);
        for (row, image) in rows.chunks_exact_mut(numbers).zip(images.chunks_exact(columns)) {
            self.system.dynamics.tangent(row, image, &note);
        }
    }
}

/// The name of the dimension of a state with this many numbers per unit, in messages about shapes.
pub(super) fn width(states: usize) -> String {
    if states == 1 { "units".to_owned() } else { format!("{states} × units") }
}

/// The results of one timestep.
pub(crate) struct Advanced {
    pub(crate) next: Array1<f64>,
    /// `φ'(h)` where rates are transmitted, else 1.
    pub(crate) slopes: Vec<f64>,
    pub(crate) note: Vec<f64>,
}

#[cfg(test)]
mod tests {
    use ndarray::{arr1, arr2};

    use super::*;

    #[test]
    fn invalid_weights_are_refused_and_named() {
        let new = |weights, bias| {
            Autonomous::new(weights, bias, Nonlinearity::Tanh, Rule::Map).expect_err("refused").to_string()
        };
        assert_eq!(
            new(arr2(&[[1.0, 2.0]]), arr1(&[0.0, 0.0])),
            "recurrent weights: expected (units, units) = (2, 2), with at least one unit, found [1, 2]"
        );
        assert_eq!(
            new(arr2(&[[1.0, 2.0], [f64::NAN, 0.0]]), arr1(&[0.0, 0.0])),
            "recurrent weights: expected finite numbers, found NaN at from unit 1 to unit 0"
        );
    }
}
