//! The forward pass of the fast path: f32, time-major, no allocation in the time loop.

use concertina_numerics::kernels::{self, Rows, RowsMut, RowsRef};

use super::Equations;
use super::disturbance::DisturbedPart;
use super::packed::Packed;
use super::score::{Score, Scorer};
use crate::params::{NetworkKind, Nonlinearity};

/// The states of one batch through a trial: blocks of `batch` rows, one block a timestep.
///
/// | buffer | holds | rows |
/// |---|---|---|
/// | `states` | `h_t` | steps × batch |
/// | `rates` | what φ returned: `φ(h_t)` (leaky), or `φ(a_t)` before noise and dropout; empty where that is `h_t` itself | steps × batch |
/// | `outputs` | `y_t` of the evaluated timesteps | evaluate × batch |
#[derive(Debug)]
pub(crate) struct Forward {
    pub(super) states: Rows,
    pub(super) rates: Option<Rows>,
    pub(super) outputs: Rows,
    pub(super) batch: usize,
}

impl Forward {
    /// Room for batches of up to `capacity` samples, disturbed or not.
    pub(crate) fn new(equations: &Equations, weights: &Packed, capacity: usize, disturbed: bool) -> Self {
        let (units, outputs) = (weights.readout().row_count(), weights.readout().column_count());
        let rows = equations.steps * capacity;
        let separate_rates = disturbed || equations.kind == NetworkKind::Leaky;
        Forward {
            states: Rows::zeros(rows, units),
            rates: separate_rates.then(|| Rows::zeros(rows, units)),
            outputs: Rows::zeros(equations.evaluate * capacity, outputs),
            batch: 0,
        }
    }

    /// How many samples fit.
    pub(crate) fn capacity(&self, equations: &Equations) -> usize {
        self.states.row_count() / equations.steps
    }

    /// Runs a batch through its trial and scores it.
    pub(crate) fn score(
        &mut self,
        equations: &Equations,
        weights: &Packed,
        stimulus: RowsRef<'_>,
        labels: &[u32],
    ) -> Score {
        self.run(equations, weights, stimulus, None);
        self.read_out(equations, weights);
        let mut scorer = Scorer::new(self.outputs.column_count());
        scorer.score(equations, &self.outputs, labels, labels.len(), None)
    }

    /// Runs a batch through its trial, undisturbed or with the noise and dropout of these samples.
    ///
    /// # Shapes
    /// `stimulus`: (batch, input_dim), batch at most the capacity.
    pub(crate) fn run(
        &mut self,
        equations: &Equations,
        weights: &Packed,
        stimulus: RowsRef<'_>,
        disturbance: Option<&DisturbedPart<'_>>,
    ) {
        let batch = stimulus.row_count();
        self.batch = batch;
        for step in 0..equations.steps {
            let (past, rest) = self.states.split_at_mut(step * batch);
            let past = past.view();
            let mut current = rest.into_rows(0..batch);
            if step > 0 {
                let previous = (step - 1) * batch..step * batch;
                let recurrent = weights.recurrent(equations.recurrent_index(step));
                let rates = match (&self.rates, equations.kind) {
                    (Some(rates), NetworkKind::Leaky) => rates.rows(previous),
                    _ => past.rows(previous),
                };
                kernels::product(current.reborrow(), rates, recurrent, false);
            }
            if step < equations.hold {
                kernels::product(current.reborrow(), stimulus, weights.input(), step > 0);
            }
            kernels::add_row(current.reborrow(), weights.bias(equations.bias_index(step)));
            match equations.kind {
                NetworkKind::Vanilla | NetworkKind::Feedforward => {
                    apply(equations.nonlinearity, &mut current);
                    if let Some(disturbance) = disturbance {
                        if let Some(rates) = &mut self.rates {
                            rates.rows_mut(step * batch..(step + 1) * batch).copy_from(current.view());
                        }
                        disturbance.disturb(step, &mut current);
                    }
                }
                NetworkKind::Leaky => {
                    kernels::scale_in_place(current.as_mut_slice(), equations.dt as f32);
                    if step > 0 {
                        let previous = past.rows((step - 1) * batch..step * batch);
                        kernels::scaled_add(
                            current.as_mut_slice(),
                            equations.kept() as f32,
                            previous.as_slice(),
                        );
                    }
                    if let Some(disturbance) = disturbance {
                        disturbance.disturb(step, &mut current);
                    }
                    if let Some(rates) = &mut self.rates {
                        let mut rates = rates.rows_mut(step * batch..(step + 1) * batch);
                        rates.copy_from(current.view());
                        apply(equations.nonlinearity, &mut rates);
                    }
                }
            }
        }
    }

    /// Reads out the evaluated timesteps: (evaluate × batch, outputs), time-major.
    pub(crate) fn read_out(&mut self, equations: &Equations, weights: &Packed) {
        let rows = equations.evaluate * self.batch;
        let first = (equations.steps - equations.evaluate) * self.batch;
        let mut outputs = self.outputs.rows_mut(0..rows);
        kernels::product(outputs.reborrow(), self.states.rows(first..first + rows), weights.readout(), false);
        kernels::add_row(outputs, weights.readout_bias());
    }

    /// The state after a step, (batch, units).
    pub(crate) fn state(&self, step: usize) -> RowsRef<'_> {
        self.states.rows(step * self.batch..(step + 1) * self.batch)
    }

    /// What reaches the next step through the recurrent weights: the rates in the leaky network, the states otherwise.
    pub(super) fn presynaptic(&self, kind: NetworkKind) -> &Rows {
        match (&self.rates, kind) {
            (Some(rates), NetworkKind::Leaky) => rates,
            _ => &self.states,
        }
    }

    /// Where φ′ is read from: see the table above.
    pub(super) fn slope_from(&self) -> &Rows {
        self.rates.as_ref().unwrap_or(&self.states)
    }
}

fn apply(nonlinearity: Nonlinearity, rows: &mut RowsMut<'_>) {
    match nonlinearity {
        Nonlinearity::Tanh => kernels::tanh_in_place(rows.as_mut_slice()),
        Nonlinearity::Relu => kernels::relu_in_place(rows.as_mut_slice()),
        Nonlinearity::Linear => {}
    }
}
