//! `lstm`: the long short-term memory of PyTorch's `nn.LSTM` (Hochreiter and Schmidhuber 1997, with the
//! forget gate of Gers et al. 2000).
//!
//! ```text
//! i = σ(x U_i + b_i + h W_i + d_i)       input gate
//! f = σ(x U_f + b_f + h W_f + d_f)       forget gate
//! g = tanh(x U_g + b_g + h W_g + d_g)    candidate
//! o = σ(x U_o + b_o + h W_o + d_o)       output gate
//! c' = f ∘ c + i ∘ g
//! h' = o ∘ tanh(c')
//! ```
//!
//! The columns of `U`, `W`, `b` and `d` hold the four currents of a unit in the order i, f, g, o. The state
//! is `h`, followed by `c`.

use concertina_numerics::double::tanh_and_slopes;
use concertina_numerics::kernels::{Operation, Rows, RowsMut, RowsRef, dispatch, logistic, tanh};
use ndarray::{Array1, s};

use super::{Affine, Ahead, Back, Cell, Dynamics, ThroughWeights, logistic_and_slopes, prefetch_ahead};
use crate::error::Result;
use crate::network::drawing::{Drawing, Drawn, block_recurrent, gate_input, input_around};
use crate::params::Nonlinearity;

/// Number of currents of a unit.
const CURRENTS: usize = 4;

/// The tape that holds the cell `c`.
const CELL: usize = 1;

/// The equations are at the top of this file. The note of a step holds, in this order: `f`; the derivatives
/// of `c'` by the currents of `i`, `f` and `g`; those of `h'` by the current of `o` and by `c'`; and
/// buffers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lstm;

impl Dynamics for Lstm {
    fn states(&self) -> usize {
        2
    }

    fn currents(&self) -> usize {
        CURRENTS
    }

    fn notes(&self) -> usize {
        10
    }

    fn step(&self, state: &mut [f64], recurrent: &[f64], input: &[f64], note: &mut [f64]) {
        let units = state.len() / 2;
        let (h, c) = state.split_at_mut(units);
        let mut parts = note.chunks_exact_mut(units);
        let [f, by_i, by_f, by_g, by_o, by_c, i, g, o, slopes] =
            std::array::from_fn(|_| parts.next().expect("ten numbers for each unit"));
        for (current, gate) in [&mut *i, &mut *f, &mut *g, &mut *o].into_iter().enumerate() {
            for (unit, gate) in gate.iter_mut().enumerate() {
                *gate = input[current * units + unit] + recurrent[current * units + unit];
            }
        }
        logistic_and_slopes(i, by_i);
        logistic_and_slopes(f, by_f);
        tanh_and_slopes(g, by_g);
        logistic_and_slopes(o, by_o);
        for unit in 0..units {
            by_i[unit] *= g[unit];
            by_f[unit] *= c[unit];
            by_g[unit] *= i[unit];
            c[unit] = f[unit] * c[unit] + i[unit] * g[unit];
        }
        h.copy_from_slice(c);
        tanh_and_slopes(h, slopes);
        for unit in 0..units {
            by_o[unit] *= h[unit];
            by_c[unit] = o[unit] * slopes[unit];
            h[unit] *= o[unit];
        }
    }

    fn tangent(&self, vector: &mut [f64], image: &[f64], note: &[f64]) {
        let units = vector.len() / 2;
        let (along_h, along_c) = vector.split_at_mut(units);
        for (unit, (along_h, along_c)) in along_h.iter_mut().zip(along_c).enumerate() {
            let of = |part: usize| note[part * units + unit];
            let through = |current: usize| image[current * units + unit];
            *along_c = of(0) * *along_c + of(1) * through(0) + of(2) * through(1) + of(3) * through(2);
            *along_h = of(4) * through(3) + of(5) * *along_c;
        }
    }

    fn adjoint(&self, by_state: &mut [f64], by_recurrent: &mut [f64], by_input: &mut [f64], note: &[f64]) {
        let units = by_state.len() / 2;
        let (by_h, by_c) = by_state.split_at_mut(units);
        for (unit, (by_h, by_c)) in by_h.iter_mut().zip(by_c).enumerate() {
            let of = |part: usize| note[part * units + unit];
            *by_c += of(5) * *by_h;
            for current in 0..3 {
                by_recurrent[current * units + unit] = of(1 + current) * *by_c;
            }
            by_recurrent[3 * units + unit] = of(4) * *by_h;
            *by_c *= of(0);
            *by_h = 0.0;
        }
        by_input.copy_from_slice(by_recurrent);
    }

    fn reach(&self, columns: &[f64], _slopes: &[f64], note: &[f64], scales: &mut [f64]) -> usize {
        let units = scales.len() / 2;
        let (of_h, of_c) = scales.split_at_mut(units);
        for (unit, (of_h, of_c)) in of_h.iter_mut().zip(of_c).enumerate() {
            let of = |part: usize| note[part * units + unit].abs();
            let through: f64 = (0..3).map(|current| of(1 + current) * columns[current * units + unit]).sum();
            *of_c = of(0) + through;
            *of_h = of(4) * columns[3 * units + unit] + of(5) * *of_c;
        }
        scales.len()
    }

    /// With a forget gate that rounds to 1, `c` can.
    fn can_grow(&self) -> bool {
        true
    }

    fn nonlinearity(&self) -> Option<Nonlinearity> {
        None
    }
}

impl Cell for Lstm {
    /// The currents from the inputs, which become i, f, g and o; `c`; and `tanh(c)`.
    fn tapes(&self, _disturbed: bool) -> &'static [usize] {
        &[CURRENTS, 1, 1]
    }

    fn rest_tape(&self) -> Option<usize> {
        Some(CELL)
    }

    fn forward(&self, step: Ahead<'_>) {
        let Ahead { mut state, previous, start_rest, recurrent, biases, tapes, rows, disturbance, step } =
            step;
        let [gates, cells, bounded] = tapes else { unreachable!("the cell has three tapes") };
        let count = rows.len();
        let (past, rest) = cells.split_at_mut(rows.start);
        let past = past.view();
        let before = start_rest.or_else(|| previous.map(|_| past.rows(rows.start - count..rows.start)));
        let cell = rest.into_rows(0..count);
        let (gates, bounded) = (gates.rows_mut(rows.clone()), bounded.rows_mut(rows));
        dispatch(ForwardStep { state: state.reborrow(), before, recurrent, biases, gates, cell, bounded });
        if let Some(disturbance) = disturbance {
            disturbance.disturb(step, &mut state);
        }
    }

    fn backward(&self, step: Back<'_>) {
        let Back { by_state, by_rest, by_current, previous, start_rest, tapes, rows, .. } = step;
        let [gates, cells, bounded] = tapes else { unreachable!("the cell has three tapes") };
        let before = start_rest.or_else(|| previous.map(|_| earlier(cells, &rows)));
        let (gates, bounded) = (gates.rows(rows.clone()), bounded.rows(rows));
        dispatch(BackwardStep { by_state, by_cell: by_rest, by_current, before, gates, bounded });
    }

    fn through_weights(&self) -> ThroughWeights {
        ThroughWeights::IsAll
    }

    /// Each block of `W` has its own spectral radius: that of the candidate is `gain`, those of the gates
    /// are `gate_gain`. The candidate has the input weights of a vanilla unit, the gates have `N(0, 1/d)`.
    fn draw(&self, drawing: &Drawing<'_>) -> Result<Drawn> {
        let network = &drawing.params.network;
        let (gate, gain) = (network.gate_gain, drawing.params.gain());
        let gains = [gate, gate, gain, gate];
        let recurrent = drawing.recurrent(CURRENTS, |numbers| block_recurrent(numbers, &gains))?;
        let gates = gate_input(drawing.gate_input(CURRENTS - 1).view());
        let input = input_around(gates.view(), drawing.input()?.view(), 2);
        let mut bias = Array1::zeros(CURRENTS * network.units);
        bias.slice_mut(s![network.units..2 * network.units]).fill(drawing.params.gate_bias());
        let recurrent_bias = Array1::zeros(bias.len());
        Ok(Drawn { input, recurrent, biases: vec![bias, recurrent_bias] })
    }

    fn affine(&self) -> Option<Affine> {
        None
    }
}

/// The rows of the step before that of these rows.
fn earlier<'a>(tape: &'a Rows, rows: &std::ops::Range<usize>) -> RowsRef<'a> {
    tape.rows(rows.start - rows.len()..rows.start)
}

/// The four parts of a row.
#[inline(always)]
fn quarters(row: &[f32], units: usize) -> [&[f32]; CURRENTS] {
    let (first, rest) = row.split_at(units);
    let (second, rest) = rest.split_at(units);
    let (third, fourth) = rest.split_at(units);
    [first, second, third, &fourth[..units]]
}

#[inline(always)]
fn quarters_mut(row: &mut [f32], units: usize) -> [&mut [f32]; CURRENTS] {
    let (first, rest) = row.split_at_mut(units);
    let (second, rest) = rest.split_at_mut(units);
    let (third, fourth) = rest.split_at_mut(units);
    [first, second, third, &mut fourth[..units]]
}

struct ForwardStep<'a> {
    state: RowsMut<'a>,
    /// The previous cell; none at the first step if trials start from zero.
    before: Option<RowsRef<'a>>,
    recurrent: RowsRef<'a>,
    biases: [&'a [f32]; 2],
    gates: RowsMut<'a>,
    cell: RowsMut<'a>,
    bounded: RowsMut<'a>,
}

impl Operation for ForwardStep<'_> {
    type Output = ();

    #[inline(always)]
    fn run(mut self) {
        let units = self.state.column_count();
        let inputs = quarters(self.biases[0], units);
        let biases = quarters(self.biases[1], units);
        for sample in 0..self.state.row_count() {
            let gates = quarters_mut(self.gates.row_mut(sample), units);
            let from = quarters(self.recurrent.row(sample), units);
            for current in 0..CURRENTS {
                let currents = gates[current].iter_mut().zip(from[current]);
                for (((gate, from), input), bias) in currents.zip(inputs[current]).zip(biases[current]) {
                    *gate = (*gate + input) + (from + bias);
                }
            }
            let [i, f, g, o] = gates;
            i.iter_mut().for_each(|gate| *gate = logistic(*gate));
            f.iter_mut().for_each(|gate| *gate = logistic(*gate));
            g.iter_mut().for_each(|candidate| *candidate = tanh(*candidate));
            o.iter_mut().for_each(|gate| *gate = logistic(*gate));
            let cell = self.cell.row_mut(sample);
            for ((cell, i), g) in cell.iter_mut().zip(&*i).zip(&*g) {
                *cell = i * g;
            }
            if let Some(before) = self.before {
                for ((cell, f), before) in cell.iter_mut().zip(&*f).zip(before.row(sample)) {
                    *cell = f.mul_add(*before, *cell);
                }
            }
            let (state, bounded) = (self.state.row_mut(sample), self.bounded.row_mut(sample));
            for ((state, bounded), (cell, o)) in state.iter_mut().zip(bounded).zip(cell.iter().zip(&*o)) {
                *bounded = tanh(*cell);
                *state = o * *bounded;
            }
        }
    }
}

struct BackwardStep<'a> {
    by_state: RowsMut<'a>,
    /// The derivative by `c` from the next step, which becomes that by the previous `c`.
    by_cell: RowsMut<'a>,
    by_current: RowsMut<'a>,
    before: Option<RowsRef<'a>>,
    gates: RowsRef<'a>,
    bounded: RowsRef<'a>,
}

impl Operation for BackwardStep<'_> {
    type Output = ();

    #[inline(always)]
    fn run(mut self) {
        let units = self.by_state.column_count();
        for sample in 0..self.by_state.row_count() {
            prefetch_ahead(sample, [self.gates, self.bounded], self.before);
            let [i, f, g, o] = quarters(self.gates.row(sample), units);
            let bounded = self.bounded.row(sample);
            let by_state = self.by_state.row_mut(sample);
            let by_cell = self.by_cell.row_mut(sample);
            let [by_i, by_f, by_g, by_o] = quarters_mut(self.by_current.row_mut(sample), units);
            for (((by_o, by_state), o), bounded) in by_o.iter_mut().zip(&*by_state).zip(o).zip(bounded) {
                *by_o = by_state * bounded * o * (1.0 - o);
            }
            for (((by_cell, by_state), o), bounded) in by_cell.iter_mut().zip(&*by_state).zip(o).zip(bounded)
            {
                *by_cell = (by_state * o).mul_add((-bounded).mul_add(*bounded, 1.0), *by_cell);
            }
            for (((by_i, by_cell), i), g) in by_i.iter_mut().zip(&*by_cell).zip(i).zip(g) {
                *by_i = by_cell * g * i * (1.0 - i);
            }
            for (((by_g, by_cell), i), g) in by_g.iter_mut().zip(&*by_cell).zip(i).zip(g) {
                *by_g = by_cell * i * (-g).mul_add(*g, 1.0);
            }
            match self.before {
                Some(before) => {
                    let forgotten = by_f.iter_mut().zip(&*by_cell).zip(f).zip(before.row(sample));
                    forgotten
                        .for_each(|(((by_f, by_cell), f), before)| *by_f = by_cell * before * f * (1.0 - f));
                }
                None => by_f.fill(0.0),
            }
            by_cell.iter_mut().zip(f).for_each(|(by_cell, f)| *by_cell *= f);
        }
    }
}
