//! `gru`: the gated recurrent unit of PyTorch's `nn.GRU` (Cho et al. 2014, but with the reset gate applied
//! after the product).
//!
//! ```text
//! r = σ(x U_r + b_r + h W_r + d_r)          reset
//! z = σ(x U_z + b_z + h W_z + d_z)          update
//! n = tanh(x U_n + b_n + r ∘ (h W_n + d_n)) candidate
//! h' = (1 - z) ∘ n + z ∘ h
//! ```
//!
//! The columns of `U`, `W`, `b` and `d` hold the three currents of a unit in the order r, z, n.

use concertina_numerics::double::tanh_and_slopes;
use concertina_numerics::kernels::{Operation, RowsMut, RowsRef, dispatch, logistic, tanh};

use ndarray::{Array1, s};

use super::{Affine, Ahead, Back, Cell, Dynamics, ThroughWeights, logistic_and_slopes, prefetch_ahead};
use crate::error::Result;
use crate::network::drawing::{Drawing, Drawn, block_recurrent, gate_input, input_around};
use crate::params::Nonlinearity;

/// Number of currents of a unit.
const CURRENTS: usize = 3;

/// The equations are at the top of this file. The note of a step holds, in this order: `z`; the derivatives
/// of `h'` by the current of `r`, by the current of `z`, by the recurrent part of the current of `n`, and by
/// its input part; and a buffer for the slopes of the candidate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gru;

impl Dynamics for Gru {
    fn currents(&self) -> usize {
        CURRENTS
    }

    fn notes(&self) -> usize {
        6
    }

    fn step(&self, state: &mut [f64], recurrent: &[f64], input: &[f64], note: &mut [f64]) {
        let units = state.len();
        let mut parts = note.chunks_exact_mut(units);
        let [z, by_r, by_z, by_recurrent, by_input, slopes] =
            std::array::from_fn(|_| parts.next().expect("six numbers for each unit"));
        let (recurrent_n, input_n) = (&recurrent[2 * units..], &input[2 * units..]);
        // until the derivatives are known, `by_recurrent` holds r and `by_input` holds n
        for unit in 0..units {
            by_recurrent[unit] = input[unit] + recurrent[unit];
            z[unit] = input[units + unit] + recurrent[units + unit];
        }
        logistic_and_slopes(by_recurrent, by_r);
        logistic_and_slopes(z, by_z);
        for unit in 0..units {
            by_input[unit] = input_n[unit] + by_recurrent[unit] * recurrent_n[unit];
        }
        tanh_and_slopes(by_input, slopes);
        for unit in 0..units {
            let candidate = by_input[unit];
            by_z[unit] *= state[unit] - candidate;
            by_input[unit] = (1.0 - z[unit]) * slopes[unit];
            by_r[unit] *= by_input[unit] * recurrent_n[unit];
            by_recurrent[unit] *= by_input[unit];
            state[unit] = (1.0 - z[unit]) * candidate + z[unit] * state[unit];
        }
    }

    fn tangent(&self, vector: &mut [f64], image: &[f64], note: &[f64]) {
        let units = vector.len();
        for (unit, entry) in vector.iter_mut().enumerate() {
            let of = |part: usize| note[part * units + unit];
            *entry = of(0) * *entry
                + of(1) * image[unit]
                + of(2) * image[units + unit]
                + of(3) * image[2 * units + unit];
        }
    }

    fn adjoint(&self, by_state: &mut [f64], by_recurrent: &mut [f64], by_input: &mut [f64], note: &[f64]) {
        let units = by_state.len();
        for (unit, by_state) in by_state.iter_mut().enumerate() {
            for current in 0..CURRENTS {
                by_recurrent[current * units + unit] = note[(1 + current) * units + unit] * *by_state;
                by_input[current * units + unit] = by_recurrent[current * units + unit];
            }
            by_input[2 * units + unit] = note[4 * units + unit] * *by_state;
            *by_state *= note[unit];
        }
    }

    fn reach(&self, columns: &[f64], _slopes: &[f64], note: &[f64], scales: &mut [f64]) -> usize {
        let units = scales.len();
        for (unit, scale) in scales.iter_mut().enumerate() {
            let through: f64 = (0..CURRENTS)
                .map(|current| note[(1 + current) * units + unit].abs() * columns[current * units + unit])
                .sum();
            *scale = note[unit] + through;
        }
        units
    }

    /// The state is a weighted mean of a tanh and the previous state.
    fn can_grow(&self) -> bool {
        false
    }

    fn nonlinearity(&self) -> Option<Nonlinearity> {
        None
    }
}

impl Cell for Gru {
    /// The currents from the inputs, which become r, z and n; and `h W_n + d_n`.
    fn tapes(&self, _disturbed: bool) -> &'static [usize] {
        &[CURRENTS, 1]
    }

    fn forward(&self, step: Ahead<'_>) {
        let Ahead { mut state, previous, recurrent, biases, tapes, rows, disturbance, step, .. } = step;
        let [gates, inner] = tapes else { unreachable!("the cell has two tapes") };
        let (gates, inner) = (gates.rows_mut(rows.clone()), inner.rows_mut(rows));
        dispatch(ForwardStep { state: state.reborrow(), previous, recurrent, biases, gates, inner });
        if let Some(disturbance) = disturbance {
            disturbance.disturb(step, &mut state);
        }
    }

    fn backward(&self, step: Back<'_>) {
        let Back { by_state, by_current, by_last_input, previous, tapes, rows, .. } = step;
        let (Some(by_candidate), [gates, inner]) = (by_last_input, tapes) else {
            unreachable!("the cell has several currents and two tapes")
        };
        let (gates, inner) = (gates.rows(rows.clone()), inner.rows(rows));
        dispatch(BackwardStep { by_state, by_current, by_candidate, previous, gates, inner });
    }

    /// The reset gate acts on the last current from other units only.
    fn has_own_last_input(&self) -> bool {
        true
    }

    fn through_weights(&self) -> ThroughWeights {
        ThroughWeights::IsAdded
    }

    /// Each block of `W` has its own spectral radius: that of the candidate is `gain`, those of the gates are
    /// `gate_gain`. The candidate has the input weights of a vanilla unit, the gates have `N(0, 1/d)`.
    fn draw(&self, drawing: &Drawing<'_>) -> Result<Drawn> {
        let network = &drawing.params.network;
        let gains = [network.gate_gain, network.gate_gain, drawing.params.gain()];
        let recurrent = drawing.recurrent(CURRENTS, |numbers| block_recurrent(numbers, &gains))?;
        let gates = gate_input(drawing.gate_input(CURRENTS - 1).view());
        let input = input_around(gates.view(), drawing.input()?.view(), CURRENTS - 1);
        let mut bias = Array1::zeros(CURRENTS * network.units);
        bias.slice_mut(s![network.units..2 * network.units]).fill(drawing.params.gate_bias());
        let recurrent_bias = Array1::zeros(bias.len());
        Ok(Drawn { input, recurrent, biases: vec![bias, recurrent_bias] })
    }

    fn affine(&self) -> Option<Affine> {
        None
    }
}

/// The three parts of a row.
#[inline(always)]
fn thirds(row: &[f32], units: usize) -> [&[f32]; CURRENTS] {
    let (first, rest) = row.split_at(units);
    let (second, third) = rest.split_at(units);
    [first, second, &third[..units]]
}

#[inline(always)]
fn thirds_mut(row: &mut [f32], units: usize) -> [&mut [f32]; CURRENTS] {
    let (first, rest) = row.split_at_mut(units);
    let (second, third) = rest.split_at_mut(units);
    [first, second, &mut third[..units]]
}

struct ForwardStep<'a> {
    state: RowsMut<'a>,
    previous: Option<RowsRef<'a>>,
    recurrent: RowsRef<'a>,
    biases: [&'a [f32]; 2],
    gates: RowsMut<'a>,
    inner: RowsMut<'a>,
}

impl Operation for ForwardStep<'_> {
    type Output = ();

    #[inline(always)]
    fn run(mut self) {
        let units = self.state.column_count();
        let [input_r, input_z, input_n] = thirds(self.biases[0], units);
        let [bias_r, bias_z, bias_n] = thirds(self.biases[1], units);
        for sample in 0..self.state.row_count() {
            let [r, z, n] = thirds_mut(self.gates.row_mut(sample), units);
            let [from_r, from_z, from_n] = thirds(self.recurrent.row(sample), units);
            let (state, inner) = (self.state.row_mut(sample), self.inner.row_mut(sample));
            for (((gate, from), input), bias) in r.iter_mut().zip(from_r).zip(input_r).zip(bias_r) {
                *gate = logistic((*gate + input) + (from + bias));
            }
            for (((gate, from), input), bias) in z.iter_mut().zip(from_z).zip(input_z).zip(bias_z) {
                *gate = logistic((*gate + input) + (from + bias));
            }
            for ((inner, from), bias) in inner.iter_mut().zip(from_n).zip(bias_n) {
                *inner = from + bias;
            }
            for (((candidate, input), inner), r) in n.iter_mut().zip(input_n).zip(&*inner).zip(&*r) {
                *candidate = tanh(r.mul_add(*inner, *candidate + input));
            }
            let Some(previous) = self.previous else {
                for ((state, candidate), z) in state.iter_mut().zip(&*n).zip(&*z) {
                    *state = z.mul_add(-candidate, *candidate);
                }
                continue;
            };
            let states = state.iter_mut().zip(previous.row(sample)).zip(&*n).zip(&*z);
            for (((state, previous), candidate), z) in states {
                *state = z.mul_add(previous - candidate, *candidate);
            }
        }
    }
}

struct BackwardStep<'a> {
    by_state: RowsMut<'a>,
    by_current: RowsMut<'a>,
    by_candidate: RowsMut<'a>,
    previous: Option<RowsRef<'a>>,
    gates: RowsRef<'a>,
    inner: RowsRef<'a>,
}

impl Operation for BackwardStep<'_> {
    type Output = ();

    #[inline(always)]
    fn run(mut self) {
        let units = self.by_state.column_count();
        for sample in 0..self.by_state.row_count() {
            prefetch_ahead(sample, [self.gates, self.inner], self.previous);
            let [r, z, n] = thirds(self.gates.row(sample), units);
            let inner = self.inner.row(sample);
            let by_state = self.by_state.row_mut(sample);
            let by_n = self.by_candidate.row_mut(sample);
            let [by_r, by_z, by_inner] = thirds_mut(self.by_current.row_mut(sample), units);
            for (((by_n, by_state), z), n) in by_n.iter_mut().zip(&*by_state).zip(z).zip(n) {
                *by_n = by_state * (1.0 - z) * (-n).mul_add(*n, 1.0);
            }
            let reset = by_r.iter_mut().zip(by_inner).zip(&*by_n).zip(r).zip(inner);
            for ((((by_r, by_inner), by_n), r), inner) in reset {
                *by_inner = by_n * r;
                *by_r = by_n * inner * r * (1.0 - r);
            }
            for ((by_z, by_state), z) in by_z.iter_mut().zip(&*by_state).zip(z) {
                *by_z = by_state * z * (1.0 - z);
            }
            match self.previous {
                Some(previous) => {
                    let changes = by_z.iter_mut().zip(previous.row(sample)).zip(n);
                    changes.for_each(|((by_z, previous), n)| *by_z *= previous - n);
                }
                None => by_z.iter_mut().zip(n).for_each(|(by_z, n)| *by_z *= -n),
            }
            by_state.iter_mut().zip(z).for_each(|(by_state, z)| *by_state *= z);
        }
    }
}
