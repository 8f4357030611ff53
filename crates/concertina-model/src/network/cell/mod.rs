//! Cells: what happens in a unit in one timestep. Each kind of network has its own file.
//!
//! A cell works entry by entry. The products with the weights are computed by the loop over time
//! ([`Forward`](super::Forward) and [`Backward`](super::Backward) in f32, [`crate::reference`] and the
//! analyses in f64). A unit has one *current* or several, each with its own column in the weights: `x U + b`
//! from the inputs, `h W` from the other units. The state of a unit is one number or several, and the first
//! of them is sent to the other units and read out, either itself or as the rate `φ(h)`.

mod gru;
mod leaky;
mod lstm;
mod rate;
mod vanilla;

use std::fmt::Debug;
use std::ops::Range;

use concertina_numerics::double;
use concertina_numerics::kernels::{self, Rows, RowsMut, RowsRef};

pub use gru::Gru;
pub use leaky::Leaky;
pub use lstm::Lstm;
pub use rate::Rate;
pub use vanilla::Vanilla;

use super::Equations;
use super::disturbance::DisturbedPart;
use super::drawing::{Drawing, Drawn};
use crate::error::Result;
use crate::params::{NetworkKind, Nonlinearity};

/// The cell of these equations. This is the only place that lists all cells.
pub(crate) fn of(equations: &Equations) -> Box<dyn Cell> {
    let Equations { nonlinearity, dt, .. } = *equations;
    match equations.kind {
        NetworkKind::Vanilla | NetworkKind::Feedforward => Box::new(Vanilla { nonlinearity }),
        NetworkKind::Leaky => Box::new(Leaky { nonlinearity, dt, kept: equations.kept() }),
        NetworkKind::Gru => Box::new(Gru),
        NetworkKind::Lstm => Box::new(Lstm),
        NetworkKind::Rate => Box::new(Rate::new(nonlinearity, dt)),
    }
}

/// One timestep of a network in f64: the state of one trial, and how it depends on the previous state.
///
/// Vectors are row vectors: a tangent vector `q` at `h` becomes `q J` with `J[i, j] = ∂h'[j] / ∂h[i]`, and a
/// derivative by `h'` becomes one by `h`. Both need what [`step`](Self::step) notes, and the product with the
/// weights, which is left to the caller.
///
/// States, tangent vectors and derivatives by states are (states × units): first `h` of every unit, then any
/// further number. Slices of currents are (currents × units), one current after the other, and notes are
/// (notes × units).
pub trait Dynamics: Debug + Send + Sync {
    /// How many numbers the state of a unit consists of. Only the first, `h`, is sent to other units and
    /// read out.
    fn states(&self) -> usize {
        1
    }

    /// Number of currents of a unit.
    fn currents(&self) -> usize {
        1
    }

    /// How many numbers a step notes for each unit.
    fn notes(&self) -> usize {
        1
    }

    /// Whether the rates `φ(h)`, and not the states themselves, are multiplied with the recurrent weights.
    fn sends_rates(&self) -> bool {
        false
    }

    /// Whether the rates, and not the states themselves, are read out.
    fn reads_rates(&self) -> bool {
        false
    }

    /// Replaces `h` by its rates, and writes the slopes `φ'(h)`; both (units).
    fn rates(&self, _state: &mut [f64], slopes: &mut [f64]) {
        slopes.fill(1.0);
    }

    /// The next state, given the currents from the other units, `h W` or `φ(h) W` (with their own bias, if
    /// they have one), and those from the inputs, `x U + b`.
    fn step(&self, state: &mut [f64], recurrent: &[f64], input: &[f64], note: &mut [f64]);

    /// Propagates a tangent vector. `image` is the product of its first part, that of `h`, with the
    /// recurrent weights (after `∘ φ'(h)`, if rates are sent).
    fn tangent(&self, vector: &mut [f64], image: &[f64], note: &[f64]);

    /// Goes back through the step, from the derivative by the next state to those by the currents. It leaves
    /// in `by_state` the part that reaches the previous state without passing through the weights.
    fn adjoint(&self, by_state: &mut [f64], by_recurrent: &mut [f64], by_input: &mut [f64], note: &[f64]);

    /// Writes upper bounds on the entries of `q J` for a unit vector `q`, given the lengths of the columns of
    /// the recurrent weights and, where rates are sent, `φ'(h)`. Returns an upper bound on the rank of `J`,
    /// which slopes of zero can lower.
    fn reach(&self, columns: &[f64], slopes: &[f64], note: &[f64], scales: &mut [f64]) -> usize;

    /// Whether states can grow without bound. It is false if the Jacobian is the same everywhere, because the
    /// state is then not needed.
    fn can_grow(&self) -> bool;

    /// φ, if the equations have one that can be chosen.
    fn nonlinearity(&self) -> Option<Nonlinearity>;
}

/// A cell of the fast path, in f32.
///
/// In cells with one current, the state replaces the current in place. Cells with several currents find those
/// from the inputs in the first tape.
pub(crate) trait Cell: Dynamics {
    /// The tapes: what is kept of each step besides the state. Widths are multiples of the number of units.
    /// `disturbed` units may need more.
    fn tapes(&self, disturbed: bool) -> &'static [usize];

    /// The tape with the rest of the state, if the state of a unit is more than one number.
    fn rest_tape(&self) -> Option<usize> {
        None
    }

    /// Goes from the currents of a step to its state.
    fn forward(&self, step: Ahead<'_>);

    /// Goes from the derivative by the state of a step to those by its currents.
    fn backward(&self, step: Back<'_>);

    /// Whether the derivative by the last current from the inputs differs from that by the last current from
    /// other units.
    fn has_own_last_input(&self) -> bool {
        false
    }

    /// The factor of the noise on a unit.
    fn noise_factor(&self) -> f64 {
        1.0
    }

    /// How the product of the derivative by the recurrent currents with `Wᵀ` is used.
    fn through_weights(&self) -> ThroughWeights;

    /// Draws the weights before training.
    ///
    /// # Errors
    /// If a factorisation fails, which does not happen with Gaussian numbers.
    fn draw(&self, drawing: &Drawing<'_>) -> Result<Drawn>;

    /// The step if φ is linear; `None` if the equations are not linear even then.
    fn affine(&self) -> Option<Affine>;
}

/// `h' = kept h + scale (h W + x U + b)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Affine {
    /// The share of the state that stays; `None` if the step has no such term.
    pub(crate) kept: Option<f64>,
    /// The factor of the current.
    pub(crate) scale: f64,
}

/// How the product of the derivative by the recurrent currents with `Wᵀ` is used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ThroughWeights {
    /// It is the derivative by the previous state.
    IsAll,
    /// It is added to the part that reaches the previous state directly.
    IsAdded,
    /// It is a derivative by rates. It is multiplied by the slope of φ, and added to `kept` times the
    /// derivative by the state.
    ThroughRates {
        /// The share of the state that stays.
        kept: f32,
    },
}

/// A forward step of the samples of a batch.
pub(crate) struct Ahead<'a> {
    pub(crate) step: usize,
    /// The state to compute, (batch, units).
    pub(crate) state: RowsMut<'a>,
    /// The previous state; none at the first step if trials start from zero.
    pub(crate) previous: Option<RowsRef<'a>>,
    /// The rest of the state before the first step, at that step only, and unless trials start from zero.
    pub(crate) start_rest: Option<RowsRef<'a>>,
    /// For cells with several currents: `h W`, (batch, currents × units), and the biases of the currents from
    /// inputs and from units.
    pub(crate) recurrent: RowsRef<'a>,
    pub(crate) biases: [&'a [f32]; 2],
    /// The tapes of all steps, and the rows of this one.
    pub(crate) tapes: &'a mut [Rows],
    pub(crate) rows: Range<usize>,
    pub(crate) disturbance: Option<&'a DisturbedPart<'a>>,
}

/// A backward step.
pub(crate) struct Back<'a> {
    /// The derivative by `h`, (batch, units).
    pub(crate) by_state: RowsMut<'a>,
    /// The derivative by the rest of the state, (batch, (states - 1) × units), from the next step.
    pub(crate) by_rest: RowsMut<'a>,
    /// The derivative by the currents from other units, (batch, currents × units).
    pub(crate) by_current: RowsMut<'a>,
    /// The derivative by the last current from the inputs, (batch, units), for cells where it is a different
    /// one.
    pub(crate) by_last_input: Option<RowsMut<'a>>,
    /// The state of this step, and the previous one.
    pub(crate) state: RowsRef<'a>,
    pub(crate) previous: Option<RowsRef<'a>>,
    /// The rest of the state before the first step, as in [`Ahead`].
    pub(crate) start_rest: Option<RowsRef<'a>>,
    pub(crate) tapes: &'a [Rows],
    pub(crate) rows: Range<usize>,
}

/// `φ(a)` in place.
pub(super) fn apply(nonlinearity: Nonlinearity, rows: &mut RowsMut<'_>) {
    match nonlinearity {
        Nonlinearity::Tanh => kernels::tanh_in_place(rows.as_mut_slice()),
        Nonlinearity::Relu => kernels::relu_in_place(rows.as_mut_slice()),
        Nonlinearity::Linear => {}
        Nonlinearity::Softplus => kernels::softplus_in_place(rows.as_mut_slice()),
        Nonlinearity::Sigmoid => kernels::logistic_in_place(rows.as_mut_slice()),
    }
}

/// Multiplies by `φ'`, given the rates.
pub(super) fn multiply_by_slope(nonlinearity: Nonlinearity, rows: &mut RowsMut<'_>, rates: RowsRef<'_>) {
    match nonlinearity {
        Nonlinearity::Tanh => kernels::tanh_derivative_mul(rows.as_mut_slice(), rates.as_slice()),
        Nonlinearity::Relu => kernels::relu_derivative_mul(rows.as_mut_slice(), rates.as_slice()),
        Nonlinearity::Linear => {}
        Nonlinearity::Softplus => kernels::softplus_derivative_mul(rows.as_mut_slice(), rates.as_slice()),
        Nonlinearity::Sigmoid => kernels::logistic_derivative_mul(rows.as_mut_slice(), rates.as_slice()),
    }
}

/// `φ(a)` in place and `φ'(a)` in f64; relu has slope 0 at 0.
fn activate(nonlinearity: Nonlinearity, values: &mut [f64], slopes: &mut [f64]) {
    match nonlinearity {
        Nonlinearity::Tanh => double::tanh_and_slopes(values, slopes),
        Nonlinearity::Relu => {
            for (value, slope) in values.iter_mut().zip(slopes) {
                *slope = f64::from(u8::from(*value > 0.0));
                *value = value.max(0.0);
            }
        }
        Nonlinearity::Linear => slopes.fill(1.0),
        Nonlinearity::Softplus => double::softplus_and_slopes(values, slopes),
        Nonlinearity::Sigmoid => double::logistic_and_slopes(values, slopes),
    }
}

/// The logistic function of gates and its slope `σ (1 - σ)`, in place, vectorised. Both are accurate in
/// comparison with 1.
fn logistic_and_slopes(values: &mut [f64], slopes: &mut [f64]) {
    values.iter_mut().for_each(|value| *value *= 0.5);
    double::tanh_and_slopes(values, slopes);
    values.iter_mut().for_each(|value| *value = 0.5 + 0.5 * *value);
    slopes.iter_mut().for_each(|slope| *slope *= 0.25);
}

/// How many samples ahead data is prefetched. What the backward step of a gated network reads was written long
/// ago, and waiting for it takes longer than the arithmetic.
const AHEAD: usize = 4;

/// Prefetches what a backward step will read of the sample that comes [`AHEAD`] places after this one, if it
/// exists: its rows of two tapes, and of the state before the step.
#[inline(always)]
fn prefetch_ahead(sample: usize, tapes: [RowsRef<'_>; 2], before: Option<RowsRef<'_>>) {
    let later = sample + AHEAD;
    if later < tapes[0].row_count() {
        tapes.iter().chain(&before).for_each(|rows| kernels::prefetch(rows.row(later)));
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
