//! Cells: what happens in a unit in one timestep, one file for each network.
//!
//! A cell is entry by entry: the loop over time makes the products with the weights
//! ([`Forward`](super::Forward) and [`Backward`](super::Backward) in f32, [`crate::reference`] and the
//! analyses in f64). A unit has one *current* or several, each with a column of its own in the weights:
//! `x U + b` from the inputs, `h W` from the other units.

mod gru;
mod leaky;
mod vanilla;

use std::fmt::Debug;
use std::ops::Range;

use concertina_numerics::kernels::{self, Rows, RowsMut, RowsRef};

pub use gru::Gru;
pub use leaky::Leaky;
pub use vanilla::Vanilla;

use super::Equations;
use super::disturbance::DisturbedPart;
use super::drawing::{Drawing, Drawn};
use crate::error::Result;
use crate::params::{NetworkKind, Nonlinearity};

/// The cell of these equations: the one place that knows them all.
pub(crate) fn of(equations: &Equations) -> Box<dyn Cell> {
    let Equations { nonlinearity, dt, .. } = *equations;
    match equations.kind {
        NetworkKind::Vanilla | NetworkKind::Feedforward => Box::new(Vanilla { nonlinearity }),
        NetworkKind::Leaky => Box::new(Leaky { nonlinearity, dt, kept: equations.kept() }),
        NetworkKind::Gru => Box::new(Gru),
    }
}

/// One timestep of a network in f64: the state of one trial, and how it depends on the state before.
///
/// With row vectors, a tangent vector `q` at `h` becomes `q J`, `J[i, j] = ∂h'[j] / ∂h[i]`, and a derivative
/// by `h'` becomes one by `h`. Both need what [`step`](Self::step) notes, and the product with the weights,
/// which is left to the caller.
///
/// Slices are (units); those of currents are (currents × units), current after current, and notes (notes ×
/// units).
pub trait Dynamics: Debug + Send + Sync {
    /// Currents of a unit.
    fn currents(&self) -> usize {
        1
    }

    /// Numbers of a note for each unit.
    fn notes(&self) -> usize {
        1
    }

    /// Whether rates `φ(h)`, and not the state itself, are multiplied with the recurrent weights.
    fn sends_rates(&self) -> bool {
        false
    }

    /// Replaces a state by its rates, and writes the slopes `φ'(h)`.
    fn rates(&self, _state: &mut [f64], slopes: &mut [f64]) {
        slopes.fill(1.0);
    }

    /// The next state, given the currents from the other units, `h W` or `φ(h) W` (with their own bias, if
    /// they have one), and those from the inputs, `x U + b`.
    fn step(&self, state: &mut [f64], recurrent: &[f64], input: &[f64], note: &mut [f64]);

    /// Carries a tangent vector along; `image` is its product with the recurrent weights (after `∘ φ'(h)`,
    /// where rates are sent).
    fn tangent(&self, vector: &mut [f64], image: &[f64], note: &[f64]);

    /// Goes back through the step: from the derivative by the next state to those by the currents; leaves in
    /// `by_state` what reaches the state before without passing the weights.
    fn adjoint(&self, by_state: &mut [f64], by_recurrent: &mut [f64], by_input: &mut [f64], note: &[f64]);

    /// How large the entries of `q J` can be for a unit vector `q`, given the lengths of the columns of the
    /// recurrent weights, and the rank of `J` as far as slopes of zero tell.
    fn reach(&self, columns: &[f64], slopes: &[f64], note: &[f64], scales: &mut [f64]) -> usize;

    /// Whether states can grow without bound. Where the Jacobian is the same everywhere, the state is not
    /// followed.
    fn can_grow(&self) -> bool;

    /// φ, where the equations have one that can be chosen.
    fn nonlinearity(&self) -> Option<Nonlinearity>;
}

/// A cell of the fast path, in f32.
///
/// In cells of one current the state takes the place of the current; cells of several find the inputs'
/// currents in the first tape.
pub(crate) trait Cell: Dynamics {
    /// What has to be kept of each step besides the state, as widths in units; more of it if units are
    /// disturbed.
    fn tapes(&self, disturbed: bool) -> &'static [usize];

    /// From the currents of a step to its state.
    fn forward(&self, step: Ahead<'_>);

    /// From the derivative by the state of a step to those by its currents.
    fn backward(&self, step: Back<'_>);

    /// What becomes of the product of the derivative by the recurrent currents with `Wᵀ`.
    fn through_weights(&self) -> ThroughWeights;

    /// Weights before training.
    ///
    /// # Errors
    /// When a factorisation fails, which Gaussian numbers do not make happen.
    fn draw(&self, drawing: &Drawing<'_>) -> Result<Drawn>;

    /// What the step is if φ is linear; `None` where the equations are not linear even then.
    fn affine(&self) -> Option<Affine>;
}

/// `h' = kept h + scale (h W + x U + b)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Affine {
    /// The share of the state that stays; `None` where the step has no such term.
    pub(crate) kept: Option<f64>,
    /// The factor of the current.
    pub(crate) scale: f64,
}

/// What becomes of the product of the derivative by the recurrent currents with `Wᵀ`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ThroughWeights {
    /// It is the derivative by the state before.
    IsAll,
    /// It is added to what reaches the state directly.
    IsAdded,
    /// It is a derivative by rates: it goes through the slope of φ, and is added to `kept` times the
    /// derivative by the state.
    ThroughRates {
        /// The share of the state that stays.
        kept: f32,
    },
}

/// A step forward of the samples of a batch.
pub(crate) struct Ahead<'a> {
    pub(crate) step: usize,
    /// Where the state goes, (batch, units).
    pub(crate) state: RowsMut<'a>,
    /// The state before; none at the first step, where it is zero.
    pub(crate) previous: Option<RowsRef<'a>>,
    /// For cells of several currents: `h W`, (batch, currents × units), and the biases of the currents from
    /// inputs and from units.
    pub(crate) recurrent: RowsRef<'a>,
    pub(crate) biases: [&'a [f32]; 2],
    /// The tapes of all steps, and the rows of this one.
    pub(crate) tapes: &'a mut [Rows],
    pub(crate) rows: Range<usize>,
    pub(crate) disturbance: Option<&'a DisturbedPart<'a>>,
}

/// A step back.
pub(crate) struct Back<'a> {
    /// The derivative by the state, (batch, units).
    pub(crate) by_state: RowsMut<'a>,
    /// The derivative by the currents from other units, (batch, currents × units).
    pub(crate) by_current: RowsMut<'a>,
    /// That by the last current from the inputs, (batch, units), where it is another: for cells of several
    /// currents.
    pub(crate) by_last_input: Option<RowsMut<'a>>,
    /// The state of this step, and the one before.
    pub(crate) state: RowsRef<'a>,
    pub(crate) previous: Option<RowsRef<'a>>,
    pub(crate) tapes: &'a [Rows],
    pub(crate) rows: Range<usize>,
}

/// `φ(a)` in place.
pub(super) fn apply(nonlinearity: Nonlinearity, rows: &mut RowsMut<'_>) {
    match nonlinearity {
        Nonlinearity::Tanh => kernels::tanh_in_place(rows.as_mut_slice()),
        Nonlinearity::Relu => kernels::relu_in_place(rows.as_mut_slice()),
        Nonlinearity::Linear => {}
    }
}

/// Multiplies by `φ'`, given the rates.
pub(super) fn multiply_by_slope(nonlinearity: Nonlinearity, rows: &mut RowsMut<'_>, rates: RowsRef<'_>) {
    match nonlinearity {
        Nonlinearity::Tanh => kernels::tanh_derivative_mul(rows.as_mut_slice(), rates.as_slice()),
        Nonlinearity::Relu => kernels::relu_derivative_mul(rows.as_mut_slice(), rates.as_slice()),
        Nonlinearity::Linear => {}
    }
}

/// `φ(a)` in place and `φ'(a)` in f64; relu has slope 0 at 0.
fn activate(nonlinearity: Nonlinearity, values: &mut [f64], slopes: &mut [f64]) {
    match nonlinearity {
        Nonlinearity::Tanh => concertina_numerics::double::tanh_and_slopes(values, slopes),
        Nonlinearity::Relu => {
            for (value, slope) in values.iter_mut().zip(slopes) {
                *slope = f64::from(u8::from(*value > 0.0));
                *value = value.max(0.0);
            }
        }
        Nonlinearity::Linear => slopes.fill(1.0),
    }
}

/// The largest absolute value.
fn largest(values: &[f64]) -> f64 {
    values.iter().fold(
        0.0,
        |largest: f64, value| {
            if value.abs() > largest || value.is_nan() { value.abs() } else { largest }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relu_has_slope_zero_at_zero() {
        let (mut values, mut slopes) = ([0.0, 2.0, -3.0], [f64::NAN; 3]);
        activate(Nonlinearity::Relu, &mut values, &mut slopes);
        assert_eq!((values, slopes), ([0.0, 2.0, 0.0], [0.0, 1.0, 0.0]));
    }
}
