//! The backward pass of the fast path: backpropagation through time, by hand.

use std::ops::Range;

use concertina_numerics::kernels::{self, Panels, Rows, RowsMut, RowsRef};

use super::Equations;
use super::disturbance::DisturbedPart;
use super::forward::Forward;
use super::packed::Packed;
use super::score::{Score, Scorer};
use crate::params::{NetworkKind, Nonlinearity};

/// The derivatives of the loss of one batch, or of a part of one that the samples of a large one are split into.
///
/// | buffer | holds | rows |
/// |---|---|---|
/// | `by_output` | ∂L/∂y_t of the evaluated timesteps | evaluate × batch |
/// | `by_current` | ∂L/∂a_t | steps × batch |
/// | `by_state` | ∂L/∂h_t of the timestep at hand | batch |
/// | `by_rate` | ∂L/∂φ(h_t) of the timestep before (leaky) | batch |
///
/// `recurrent_transposed` and `readout_transposed` are `Wᵀ` and `Rᵀ`, packed anew for each batch.
#[derive(Debug)]
pub(crate) struct Backward {
    by_output: Rows,
    by_current: Rows,
    by_state: Rows,
    by_rate: Rows,
    recurrent_transposed: Vec<Panels>,
    readout_transposed: Panels,
    /// Whether the gradient has the share of a part already.
    begun: bool,
    scorer: Scorer,
}

impl Backward {
    /// Room for batches of up to `capacity` samples.
    pub(crate) fn new(equations: &Equations, weights: &Packed, capacity: usize) -> Self {
        let (units, outputs) = (weights.readout().row_count(), weights.readout().column_count());
        Backward {
            by_output: Rows::zeros(equations.evaluate * capacity, outputs),
            by_current: Rows::zeros(equations.steps * capacity, units),
            by_state: Rows::zeros(capacity, units),
            by_rate: Rows::zeros(capacity, units),
            recurrent_transposed: (0..weights.recurrent_count())
                .map(|_| Panels::zeros(units, units))
                .collect(),
            readout_transposed: Panels::zeros(outputs, units),
            begun: false,
            scorer: Scorer::new(outputs),
        }
    }

    /// Begins with the gradient of a batch, of which [`Backward::score`] and [`Backward::run`] take a part after the other.
    pub(crate) fn begin(&mut self, weights: &Packed) {
        for (index, transposed) in self.recurrent_transposed.iter_mut().enumerate() {
            weights.recurrent(index).pack_transposed_into(transposed);
        }
        weights.readout().pack_transposed_into(&mut self.readout_transposed);
        self.begun = false;
    }

    /// Scores the part of a batch that `forward` has read out; leaves the derivative of the batch's mean loss by the outputs behind.
    pub(crate) fn score(
        &mut self,
        equations: &Equations,
        forward: &Forward,
        labels: &[u32],
        batch: usize,
    ) -> Score {
        self.scorer.score(equations, &forward.outputs, labels, batch, Some(&mut self.by_output))
    }

    /// The gradient by every array marked in `trained`; the first part of a batch overwrites those of `gradient`, and the others add to
    /// them. To be called after [`Backward::score`].
    ///
    /// # Shapes
    /// `stimulus`: (samples, input_dim); `trained`: one entry an array, in the order of [`Packed::arrays`].
    pub(crate) fn run(
        &mut self,
        equations: &Equations,
        forward: &Forward,
        stimulus: RowsRef<'_>,
        disturbance: Option<&DisturbedPart<'_>>,
        trained: &[bool],
        gradient: &mut Packed,
    ) {
        let (batch, steps) = (stimulus.row_count(), equations.steps);
        let block = |step: usize| step * batch..(step + 1) * batch;
        let slope_from = forward.slope_from();
        for step in (0..steps).rev() {
            let mut by_state = self.by_state.rows_mut(0..batch);
            if step + 1 == steps {
                by_state.as_mut_slice().fill(0.0);
            }
            if equations.is_evaluated(step) {
                let by_output = self.by_output.rows(block(equations.evaluated_index(step)));
                kernels::product(by_state.reborrow(), by_output, &self.readout_transposed, true);
            }
            if let Some(disturbance) = disturbance {
                disturbance.drop_out(step, &mut by_state);
            }
            let mut by_current = self.by_current.rows_mut(block(step));
            by_current.copy_from(by_state.view());
            match equations.kind {
                NetworkKind::Vanilla | NetworkKind::Feedforward => {
                    multiply_by_slope(equations.nonlinearity, &mut by_current, slope_from.rows(block(step)));
                    if step > 0 {
                        let transposed = &self.recurrent_transposed[equations.recurrent_index(step)];
                        kernels::product(by_state.reborrow(), by_current.view(), transposed, false);
                    }
                }
                NetworkKind::Leaky => {
                    kernels::scale_in_place(by_current.as_mut_slice(), equations.dt as f32);
                    if step > 0 {
                        let mut by_rate = self.by_rate.rows_mut(0..batch);
                        let transposed = &self.recurrent_transposed[0];
                        kernels::product(by_rate.reborrow(), by_current.view(), transposed, false);
                        multiply_by_slope(
                            equations.nonlinearity,
                            &mut by_rate,
                            slope_from.rows(block(step - 1)),
                        );
                        kernels::scale_in_place(by_state.as_mut_slice(), equations.kept() as f32);
                        kernels::scaled_add(by_state.as_mut_slice(), 1.0, by_rate.view().as_slice());
                    }
                }
            }
        }
        self.collect(equations, forward, stimulus, trained, gradient);
        self.begun = true;
    }

    /// The gradient by the weights from the derivatives by the currents: one product over all timesteps.
    fn collect(
        &self,
        equations: &Equations,
        forward: &Forward,
        stimulus: RowsRef<'_>,
        trained: &[bool],
        gradient: &mut Packed,
    ) {
        let (batch, steps) = (stimulus.row_count(), equations.steps);
        let presynaptic = forward.presynaptic(equations.kind);
        let slots = gradient.slots();
        let arrays = gradient.arrays_mut();
        let add = self.begun;
        if trained[slots.input] {
            for step in 0..equations.hold {
                let by_current = self.by_current.rows(step * batch..(step + 1) * batch);
                let array = &mut arrays[slots.input];
                kernels::product_transposed_a(array, stimulus, by_current, add || step > 0);
            }
        }
        let rows = |steps: Range<usize>| steps.start * batch..steps.end * batch;
        for index in slots.recurrent.clone().filter(|index| trained[*index]) {
            let into = equations.steps_into(index - slots.recurrent.start);
            let rates = presynaptic.rows(rows(into.start - 1..into.end - 1));
            kernels::product_transposed_a(&mut arrays[index], rates, self.by_current.rows(rows(into)), add);
        }
        for index in slots.biases.clone().filter(|index| trained[*index]) {
            let of = equations.steps_of(index - slots.biases.start);
            column_sums(&mut arrays[index], self.by_current.rows(rows(of)), add);
        }
        let evaluated = (steps - equations.evaluate) * batch..steps * batch;
        let by_output = self.by_output.rows(0..evaluated.len());
        if trained[slots.readout] {
            let states = forward.states.rows(evaluated);
            kernels::product_transposed_a(&mut arrays[slots.readout], states, by_output, add);
        }
        if trained[slots.readout_bias] {
            column_sums(&mut arrays[slots.readout_bias], by_output, add);
        }
    }
}

fn column_sums(into: &mut Panels, rows: RowsRef<'_>, add: bool) {
    let columns = into.column_count();
    kernels::column_sums(&mut into.as_mut_slice()[..columns], rows, add);
}

fn multiply_by_slope(nonlinearity: Nonlinearity, rows: &mut RowsMut<'_>, rates: RowsRef<'_>) {
    match nonlinearity {
        Nonlinearity::Tanh => kernels::tanh_derivative_mul(rows.as_mut_slice(), rates.as_slice()),
        Nonlinearity::Relu => kernels::relu_derivative_mul(rows.as_mut_slice(), rates.as_slice()),
        Nonlinearity::Linear => {}
    }
}
