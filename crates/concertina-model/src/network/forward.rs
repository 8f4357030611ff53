//! The forward pass of the fast path: in f32, in time-major order, without allocation in the loop over time.

use std::ops::Range;

use concertina_numerics::kernels::{self, Rows, RowsRef};

use super::batch::Batch;
use super::cell::{self, Ahead, Cell};
use super::connectivity::Products;
use super::disturbance::DisturbedPart;
use super::packed::Packed;
use super::score::{Score, Scorer};
use super::start::{InitialNoise, Start, Trial};
use super::{Equations, Variable};

/// The states of one batch during a trial: blocks of `batch` rows, one block per timestep.
///
/// | buffer | holds | rows |
/// |---|---|---|
/// | `states` | `h_t` | steps × batch |
/// | `tapes` | what the cell keeps of a step besides `h` ([`Cell::tapes`]) | steps × batch |
/// | `recurrent` | `h_{t-1} W` of the current step, for cells with several currents | batch |
/// | `kept` | what the products with the recurrent weights keep for the gradient | steps × batch |
/// | `outputs` | `y_t` of the evaluated timesteps | evaluated × batch |
/// | `start` | `h_0`, unless it is zero | batch |
#[derive(Debug)]
pub(crate) struct Forward {
    pub(super) cell: Box<dyn Cell>,
    pub(super) states: Rows,
    pub(super) tapes: Vec<Rows>,
    recurrent: Rows,
    products: Box<dyn Products>,
    pub(super) kept: Rows,
    pub(super) outputs: Rows,
    pub(super) start: Option<Start>,
    batch: usize,
}

impl Forward {
    /// Buffers for batches of up to `capacity` samples, disturbed or not.
    pub(crate) fn new(
        equations: &Equations,
        weights: &Packed,
        capacity: usize,
        disturbed: bool,
        noise: Option<InitialNoise>,
    ) -> Self {
        let cell = cell::of(equations);
        let (units, outputs) = (weights.readout().row_count(), weights.readout().column_count());
        let rows = equations.steps * capacity;
        let currents = cell.currents();
        let products = weights.connectivity().products(weights, false);
        Forward {
            states: Rows::zeros(rows, units),
            tapes: cell.tapes(disturbed).iter().map(|width| Rows::zeros(rows, width * units)).collect(),
            recurrent: Rows::zeros(if currents > 1 { capacity } else { 0 }, currents * units),
            kept: Rows::zeros(rows, products.width()),
            outputs: Rows::zeros(equations.evaluate * capacity, outputs),
            start: Start::new(&*cell, weights, capacity, noise),
            batch: 0,
            cell,
            products,
        }
    }

    /// The largest number of samples in a batch.
    pub(crate) fn capacity(&self, equations: &Equations) -> usize {
        self.states.row_count() / equations.steps
    }

    /// Takes over weights that have changed.
    pub(crate) fn begin(&mut self, weights: &Packed) {
        self.products.begin(weights);
    }

    /// Runs a batch through its trial and scores it. `first` is its first trial, and `share` is the weight of
    /// one (sample, timestep) pair in the mean loss.
    pub(crate) fn score(
        &mut self,
        equations: &Equations,
        weights: &Packed,
        batch: &Batch,
        first: Trial,
        share: f64,
        scorer: &mut Scorer,
    ) -> Score {
        self.run(equations, weights, batch, first, None);
        self.read_out(batch, weights);
        scorer.score(equations.loss, &self.outputs, batch, share, None)
    }

    /// Runs a batch of at most `capacity` samples through its trial, either undisturbed or with the noise and
    /// dropout of these samples, of which `first` is the first.
    pub(crate) fn run(
        &mut self,
        equations: &Equations,
        weights: &Packed,
        batch: &Batch,
        first: Trial,
        disturbance: Option<&DisturbedPart<'_>>,
    ) {
        self.batch = batch.count();
        if let Some(start) = &mut self.start {
            start.place(weights, first, self.batch, equations.nonlinearity);
        }
        for step in 0..batch.steps() {
            match self.cell.currents() {
                1 => self.step_of_one_current(equations, weights, batch, step, disturbance),
                _ => self.step_of_several(weights, batch, step, disturbance),
            }
        }
    }

    /// A step of a cell with one current, which is turned into the state in place.
    fn step_of_one_current(
        &mut self,
        equations: &Equations,
        weights: &Packed,
        batch: &Batch,
        step: usize,
        disturbance: Option<&DisturbedPart<'_>>,
    ) {
        let (count, rows) = (self.batch, self.rows(step));
        let (past, rest) = self.states.split_at_mut(rows.start);
        let past = past.view();
        let mut current = rest.into_rows(0..count);
        let start = self.start.as_ref().filter(|_| step == 0);
        let previous = match start {
            Some(start) => Some(start.state.rows(0..count)),
            None => (step > 0).then(|| past.rows(rows.start - count..rows.start)),
        };
        if let Some(previous) = previous {
            let sent = match start {
                Some(start) => start.sent().rows(0..count),
                None if self.cell.sends_rates() => self.tapes[0].rows(rows.start - count..rows.start),
                None => previous,
            };
            let (index, kept) = (equations.recurrent_index(step), self.kept.rows_mut(rows.clone()));
            self.products.forward(weights, index, current.reborrow(), sent, kept);
        }
        match batch.input_at(step) {
            Some(input) => kernels::product(current.reborrow(), input, weights.input(), previous.is_some()),
            None if previous.is_none() => current.as_mut_slice().fill(0.0),
            None => {}
        }
        kernels::add_row(current.reborrow(), weights.bias(equations.bias_index(step)));
        let (recurrent, biases) = (self.recurrent.view(), [&[][..]; 2]);
        let (state, start_rest, tapes) = (current, None, &mut self.tapes);
        self.cell.forward(Ahead {
            step,
            state,
            previous,
            start_rest,
            recurrent,
            biases,
            tapes,
            rows,
            disturbance,
        });
    }

    /// A step of a cell with several currents, which takes those from the inputs and those from the units
    /// separately.
    fn step_of_several(
        &mut self,
        weights: &Packed,
        batch: &Batch,
        step: usize,
        disturbance: Option<&DisturbedPart<'_>>,
    ) {
        let (count, rows) = (self.batch, self.rows(step));
        let (past, rest) = self.states.split_at_mut(rows.start);
        let past = past.view();
        let state = rest.into_rows(0..count);
        let start = self.start.as_ref().filter(|_| step == 0);
        let previous = match start {
            Some(start) => Some(start.state.rows(0..count)),
            None => (step > 0).then(|| past.rows(rows.start - count..rows.start)),
        };
        let mut recurrent = self.recurrent.rows_mut(0..count);
        match previous {
            Some(previous) => {
                let kept = self.kept.rows_mut(rows.clone());
                self.products.forward(weights, 0, recurrent, previous, kept);
            }
            None => recurrent.as_mut_slice().fill(0.0),
        }
        let mut currents = self.tapes[0].rows_mut(rows.clone());
        match batch.input_at(step) {
            Some(input) => kernels::product(currents, input, weights.input(), false),
            None => currents.as_mut_slice().fill(0.0),
        }
        let recurrent = self.recurrent.rows(0..count);
        let biases = [weights.bias(0), weights.bias(1)];
        let start_rest = start.map(|start| start.rest.rows(0..count));
        let tapes = &mut self.tapes;
        self.cell.forward(Ahead {
            step,
            state,
            previous,
            start_rest,
            recurrent,
            biases,
            tapes,
            rows,
            disturbance,
        });
    }

    /// Reads out the evaluated timesteps: (evaluated × batch, outputs), time-major.
    pub(crate) fn read_out(&mut self, batch: &Batch, weights: &Packed) {
        let mut done = 0;
        let read = if self.cell.reads_rates() { &self.tapes[0] } else { &self.states };
        for steps in batch.evaluated() {
            let rows = steps.start * self.batch..steps.end * self.batch;
            let mut outputs = self.outputs.rows_mut(done..done + rows.len());
            done += rows.len();
            kernels::product(outputs.reborrow(), read.rows(rows), weights.readout(), false);
            kernels::add_row(outputs, weights.readout_bias());
        }
    }

    /// The state after a step, (batch, units).
    pub(crate) fn state(&self, step: usize) -> RowsRef<'_> {
        self.states.rows(self.rows(step))
    }

    /// A variable after a step, (batch, units). The cell must have it.
    pub(super) fn variable(&self, variable: Variable, step: usize) -> RowsRef<'_> {
        let rows = self.rows(step);
        match (variable, self.cell.rest_tape()) {
            (Variable::Rates, _) if self.cell.sends_rates() => self.tapes[0].rows(rows),
            (Variable::Cell, Some(tape)) => self.tapes[tape].rows(rows),
            _ => self.states.rows(rows),
        }
    }

    /// The rows of a step.
    fn rows(&self, step: usize) -> Range<usize> {
        step * self.batch..(step + 1) * self.batch
    }

    /// What is multiplied with the recurrent weights in the next step: the rates, or the states.
    pub(super) fn sent(&self) -> &Rows {
        if self.cell.sends_rates() { &self.tapes[0] } else { &self.states }
    }

    /// What is multiplied with the readout weights: the rates, or the states.
    pub(super) fn read(&self) -> &Rows {
        if self.cell.reads_rates() { &self.tapes[0] } else { &self.states }
    }
}
