//! Exact gradients of linear networks, at a cost that hardly grows with the batch.
//!
//! With φ linear, the derivative of an output by a state is the same for every sample. The sum over the
//! samples can therefore be taken before the pass through time instead of after it. A batch condenses into
//! one *virtual sample* for each output `o` of each evaluated timestep `e`. With `g_b` the derivative of the
//! loss by that output of sample `b`,
//!
//! ```text
//! d_t = ∂y_{e,o}/∂h_t               d_{t-1} = d_t A_tᵀ, starting with d_e = R[:,o]ᵀ: one row for all samples
//! y_{b,e,o} = x_b v + offset        v = U Σ_{t ≤ hold} d_tᵀ, offset = c_o + Σ_t b d_tᵀ
//! s_t = Σ_b g_b h_{b,t}             s_t = s_{t-1} A_t + (Σ_b g_b x_b) U + (Σ_b g_b) b: the network's own recursion
//! ∂L/∂W = Σ_{e,o} Σ_t s_{t-1}ᵀ d_t  and likewise for every other array
//! ```
//!
//! so only the two products with the stimuli involve the whole batch. `A_t` is `W`, or `kept + dt W` in the
//! leaky network, whose input and bias also have the factor `dt`. Unit noise `ξ_{b,t}` adds `Σ_t ξ_{b,t}
//! d_tᵀ` to `y` and `Σ_b g_b ξ_{b,t}` to `s_t`; its random numbers are those of the general path. Dropout
//! differs between samples, so it does not condense.
//!
//! The result agrees with [`Forward`](super::Forward) and [`Backward`](super::Backward) up to rounding.

use concertina_numerics::kernels::{self, Panels, Rows, RowsMut, RowsRef};

use super::batch::Batch;
use super::cell::{self, Affine};
use super::connectivity::{Products, Square};
use super::packed::Packed;
use super::score::{Score, Scorer};
use super::{Disturbance, Equations};

/// A condensed batch of a linear network.
///
/// Virtual sample `k` is output `k % outputs` at evaluated timestep `k / outputs`. Their number is
/// `virtual = evaluate × outputs`.
///
/// | buffer | holds | shape |
/// |---|---|---|
/// | `by_state` | `d_t` | steps × virtual, units |
/// | `effective` | `v`, one array for each evaluated timestep | input_dim, outputs |
/// | `offsets` | the rest of the outputs | virtual |
/// | `states` | `s_t` | steps × virtual, units |
/// | `weights` | `Σ_b g_b`, repeated for each timestep | steps × virtual, 1 |
/// | `outputs`, `by_output` | `y` and `g` | evaluate × batch, outputs |
#[derive(Debug)]
pub(crate) struct Condensed {
    square: Square,
    recurrent_transposed: Vec<Panels>,
    input_transposed: Panels,
    by_state: Rows,
    effective: Vec<Panels>,
    offsets: Vec<f64>,
    /// Whether the fields above are those of the current weights.
    fresh: bool,
    states: Rows,
    weights: Rows,
    outputs: Rows,
    by_output: Rows,
    disturbance: Option<Disturbance>,
    affine: Affine,
    scorer: Scorer,
    room: Room,
}

/// Buffers for intermediate results.
#[derive(Debug)]
struct Room {
    /// The currents of the virtual samples at one timestep, (virtual, units).
    current: Rows,
    /// The stimuli of the virtual samples, `Σ_b g_b x_b`, (virtual, input_dim), and those of one evaluated
    /// timestep, (outputs, input_dim).
    stimulus: Rows,
    part_of_stimulus: Panels,
    /// `d_t` of the outputs of one evaluated timestep, (units, outputs), and `Σ_b g_b ξ_{b,t}`, (outputs,
    /// units).
    columns: Panels,
    noise: Panels,
}

impl Condensed {
    /// Buffers for batches of up to `capacity` samples. `disturbance` must not have dropout.
    pub(crate) fn new(
        equations: &Equations,
        weights: &Packed,
        capacity: usize,
        disturbance: Option<Disturbance>,
    ) -> Self {
        let (units, outputs) = (weights.readout().row_count(), weights.readout().column_count());
        let (input_dim, virtuals) = (weights.input().row_count(), equations.evaluate * outputs);
        Condensed {
            square: weights.connectivity().square().expect("recurrent matrices"),
            recurrent_transposed: (0..weights.recurrent_count())
                .map(|_| Panels::zeros(units, units))
                .collect(),
            input_transposed: Panels::zeros(units, input_dim),
            by_state: Rows::zeros(equations.steps * virtuals, units),
            effective: (0..equations.evaluate).map(|_| Panels::zeros(input_dim, outputs)).collect(),
            offsets: vec![0.0; virtuals],
            fresh: false,
            states: Rows::zeros(equations.steps * virtuals, units),
            weights: Rows::zeros(equations.steps * virtuals, 1),
            outputs: Rows::zeros(equations.evaluate * capacity, outputs),
            by_output: Rows::zeros(equations.evaluate * capacity, outputs),
            disturbance,
            affine: cell::of(equations).affine().expect("a cell that is linear if φ is"),
            scorer: Scorer::new(outputs),
            room: Room {
                current: Rows::zeros(virtuals, units),
                stimulus: Rows::zeros(virtuals, input_dim),
                part_of_stimulus: Panels::zeros(outputs, input_dim),
                columns: Panels::zeros(units, outputs),
                noise: Panels::zeros(outputs, units),
            },
        }
    }

    /// The largest number of samples in a batch.
    pub(crate) fn capacity(&self, equations: &Equations) -> usize {
        self.outputs.row_count() / equations.evaluate
    }

    /// The scorer of the outputs.
    pub(crate) fn scorer(&self) -> &Scorer {
        &self.scorer
    }

    /// Must be called whenever the weights have changed.
    pub(crate) fn weights_changed(&mut self) {
        self.fresh = false;
    }

    /// Scores a batch of held stimuli, without noise. The batch has at most `capacity` samples; `share` is
    /// the weight of one (sample, timestep) pair in the mean loss.
    pub(crate) fn score(
        &mut self,
        equations: &Equations,
        weights: &Packed,
        batch: &Batch,
        share: f64,
    ) -> Score {
        self.read_out(equations, weights, batch.stimulus());
        self.add_offsets(batch.count());
        self.scorer.score(equations.loss, &self.outputs, batch, share, None)
    }

    /// Scores a batch, with noise if there is any, and computes the gradient by every array marked in
    /// `trained`, which overwrites these arrays of `gradient`.
    ///
    /// `trained`: one entry per array, in the order of [`Packed::arrays`]. `update` is the number of
    /// previous updates, and keys the noise.
    #[expect(clippy::too_many_arguments, reason = "a batch, and where its gradient goes")]
    pub(crate) fn differentiate(
        &mut self,
        equations: &Equations,
        weights: &Packed,
        trials: &Batch,
        share: f64,
        update: u64,
        trained: &[bool],
        gradient: &mut Packed,
    ) -> Score {
        let (stimulus, batch) = (trials.stimulus(), trials.count());
        if let Some(disturbance) = &mut self.disturbance {
            disturbance.draw(update, equations.steps * batch);
        }
        self.read_out(equations, weights, stimulus);
        self.read_out_noise(equations, batch);
        self.add_offsets(batch);
        let by_output = Some(&mut self.by_output);
        let score = self.scorer.score(equations.loss, &self.outputs, trials, share, by_output);
        self.condense(equations, stimulus);
        for step in 0..equations.steps {
            self.step(equations, weights, step, batch);
        }
        self.collect(equations, trained, gradient);
        score
    }

    fn virtuals(&self) -> usize {
        self.offsets.len()
    }

    fn output_count(&self) -> usize {
        self.outputs.column_count()
    }

    /// The rows of the virtual samples at a timestep.
    fn at(&self, step: usize) -> std::ops::Range<usize> {
        step * self.virtuals()..(step + 1) * self.virtuals()
    }

    /// Computes what depends only on the weights: the derivatives of the outputs by all states, and how the
    /// outputs depend on the stimulus.
    fn refresh(&mut self, equations: &Equations, weights: &Packed) {
        if self.fresh {
            return;
        }
        self.square.begin(weights);
        for (index, transposed) in self.recurrent_transposed.iter_mut().enumerate() {
            self.square.matrix(weights, index).pack_transposed_into(transposed);
        }
        weights.input().pack_transposed_into(&mut self.input_transposed);
        let (steps, outputs) = (equations.steps, self.output_count());
        let scale = self.affine.scale as f32;
        for step in (0..steps).rev() {
            let (virtuals, at) = (self.virtuals(), self.at(step));
            let (rest, later) = self.by_state.split_at_mut(at.end);
            let mut by_state = rest.into_rows(at);
            if step + 1 < steps {
                let next = later.view().rows(0..virtuals);
                let transposed = &self.recurrent_transposed[equations.recurrent_index(step + 1)];
                kernels::product(by_state.reborrow(), next, transposed, false);
                keep(self.affine, &mut by_state, next);
            } else {
                by_state.as_mut_slice().fill(0.0);
            }
            if equations.is_evaluated(step) {
                let first = equations.evaluated_index(step) * outputs;
                for output in 0..outputs {
                    let row = by_state.row_mut(first + output);
                    for (unit, value) in row.iter_mut().enumerate() {
                        *value += weights.readout().get(unit, output);
                    }
                }
            }
        }

        let current = &mut self.room.current;
        current.clear();
        for step in 0..equations.hold {
            let at = step * self.offsets.len()..(step + 1) * self.offsets.len();
            kernels::scaled_add(current.as_mut_slice(), scale, self.by_state.rows(at).as_slice());
        }
        kernels::product(self.room.stimulus.view_mut(), current.view(), &self.input_transposed, false);
        for (evaluated, effective) in self.effective.iter_mut().enumerate() {
            let rows = self.room.stimulus.rows(evaluated * outputs..(evaluated + 1) * outputs);
            effective.copy_from_transposed_rows(rows);
        }
        for sample in 0..self.virtuals() {
            let mut offset = 0.0;
            for step in 0..steps {
                let bias = weights.bias(equations.bias_index(step));
                let row = self.by_state.row(step * self.virtuals() + sample);
                offset += dot(bias, row);
            }
            let readout_bias = f64::from(weights.readout_bias()[sample % outputs]);
            self.offsets[sample] = readout_bias + f64::from(scale) * offset;
        }
        self.fresh = true;
    }

    /// Computes the part of the outputs that comes from the stimulus.
    fn read_out(&mut self, equations: &Equations, weights: &Packed, stimulus: RowsRef<'_>) {
        self.refresh(equations, weights);
        let batch = stimulus.row_count();
        for (evaluated, effective) in self.effective.iter().enumerate() {
            let outputs = self.outputs.rows_mut(evaluated * batch..(evaluated + 1) * batch);
            kernels::product(outputs, stimulus, effective, false);
        }
    }

    /// Adds the part of the outputs that is the same for every sample.
    fn add_offsets(&mut self, batch: usize) {
        let outputs = self.output_count();
        for (evaluated, offsets) in self.offsets.chunks(outputs).enumerate() {
            for row in evaluated * batch..(evaluated + 1) * batch {
                for (output, offset) in self.outputs.row_mut(row).iter_mut().zip(offsets) {
                    *output = (f64::from(*output) + offset) as f32;
                }
            }
        }
    }

    /// Adds the part of the outputs that comes from the noise on the units: `Σ_t ξ_{b,t} d_tᵀ`.
    fn read_out_noise(&mut self, equations: &Equations, batch: usize) {
        let (virtuals, outputs) = (self.virtuals(), self.output_count());
        let Some(disturbance) = &self.disturbance else { return };
        for evaluated in 0..equations.evaluate {
            let last = equations.steps - equations.evaluate + evaluated;
            for step in 0..=last {
                let Some((size, noise)) = disturbance.noise(step * batch..(step + 1) * batch) else { return };
                let first = step * virtuals + evaluated * outputs;
                self.room.columns.copy_from_transposed_rows(self.by_state.rows(first..first + outputs));
                kernels::scale_in_place(self.room.columns.as_mut_slice(), size);
                let outputs = self.outputs.rows_mut(evaluated * batch..(evaluated + 1) * batch);
                kernels::product(outputs, noise, &self.room.columns, true);
            }
        }
    }

    /// Takes the sums over the batch, which give the stimuli and weights of the virtual samples.
    fn condense(&mut self, equations: &Equations, stimulus: RowsRef<'_>) {
        let (batch, outputs) = (stimulus.row_count(), self.output_count());
        for evaluated in 0..equations.evaluate {
            let by_output = self.by_output.rows(evaluated * batch..(evaluated + 1) * batch);
            kernels::product_transposed_a(&mut self.room.part_of_stimulus, by_output, stimulus, false);
            let first = evaluated * outputs;
            let rows = self.room.stimulus.rows_mut(first..first + outputs);
            self.room.part_of_stimulus.unpack_into(rows);
            for output in 0..outputs {
                let weight: f64 = (0..batch).map(|sample| f64::from(by_output.row(sample)[output])).sum();
                for step in 0..equations.steps {
                    self.weights.row_mut(step * self.offsets.len() + first + output)[0] = weight as f32;
                }
            }
        }
    }

    /// Computes one timestep of the virtual samples.
    fn step(&mut self, equations: &Equations, weights: &Packed, step: usize, batch: usize) {
        let (virtuals, outputs) = (self.virtuals(), self.output_count());
        let scale = self.affine.scale as f32;
        let (past, rest) = self.states.split_at_mut(step * virtuals);
        let mut states = rest.into_rows(0..virtuals);
        let current = &mut self.room.current;
        current.clear();
        if step > 0 {
            let previous = past.view().rows((step - 1) * virtuals..step * virtuals);
            let recurrent = self.square.matrix(weights, equations.recurrent_index(step));
            kernels::product(current.view_mut(), previous, recurrent, false);
        }
        if step < equations.hold {
            kernels::product(current.view_mut(), self.room.stimulus.view(), weights.input(), true);
        }
        let bias = weights.bias(equations.bias_index(step));
        for sample in 0..virtuals {
            kernels::scaled_add(current.row_mut(sample), self.weights.row(sample)[0], bias);
        }
        states.copy_from(current.view());
        kernels::scale_in_place(states.as_mut_slice(), scale);
        if let Some(kept) = self.affine.kept
            && step > 0
        {
            let previous = past.view().rows((step - 1) * virtuals..step * virtuals);
            kernels::scaled_add(states.as_mut_slice(), kept as f32, previous.as_slice());
        }
        let noise = self.disturbance.as_ref().and_then(|d| d.noise(step * batch..(step + 1) * batch));
        let Some((size, noise)) = noise else { return };
        for evaluated in 0..equations.evaluate {
            let by_output = self.by_output.rows(evaluated * batch..(evaluated + 1) * batch);
            kernels::product_transposed_a(&mut self.room.noise, by_output, noise, false);
            let mut summed = self.room.current.rows_mut(evaluated * outputs..(evaluated + 1) * outputs);
            self.room.noise.unpack_into(summed.reborrow());
            let mut states = states.reborrow().into_rows(evaluated * outputs..(evaluated + 1) * outputs);
            kernels::scaled_add(states.as_mut_slice(), size, summed.view().as_slice());
        }
    }

    /// Computes the gradient by the weights, with one product over all timesteps.
    fn collect(&self, equations: &Equations, trained: &[bool], gradient: &mut Packed) {
        let (virtuals, steps, outputs) = (self.virtuals(), equations.steps, self.output_count());
        let scale = self.affine.scale as f32;
        let slots = gradient.slots();
        let arrays = gradient.arrays_mut();
        let rows = |steps: std::ops::Range<usize>| steps.start * virtuals..steps.end * virtuals;
        if trained[slots.input] {
            for step in 0..equations.hold {
                let by_state = self.by_state.rows(self.at(step));
                let stimulus = self.room.stimulus.view();
                kernels::product_transposed_a(&mut arrays[slots.input], stimulus, by_state, step > 0);
            }
            kernels::scale_in_place(arrays[slots.input].as_mut_slice(), scale);
        }
        for index in slots.recurrent.clone().filter(|index| trained[*index]) {
            let into = equations.steps_into(index - slots.recurrent.start);
            let states = self.states.rows(rows(into.start - 1..into.end - 1));
            let by_state = self.by_state.rows(rows(into));
            kernels::product_transposed_a(&mut arrays[index], states, by_state, false);
            kernels::scale_in_place(arrays[index].as_mut_slice(), scale);
        }
        for index in slots.biases.clone().filter(|index| trained[*index]) {
            let of = rows(equations.steps_of(index - slots.biases.start));
            let (weights, by_state) = (self.weights.rows(of.clone()), self.by_state.rows(of));
            kernels::product_transposed_a(&mut arrays[index], weights, by_state, false);
            kernels::scale_in_place(arrays[index].as_mut_slice(), scale);
        }
        let evaluated = || (steps - equations.evaluate..steps).enumerate();
        if trained[slots.readout] {
            let readout = &mut arrays[slots.readout];
            for output in 0..outputs {
                for unit in 0..readout.row_count() {
                    let row = |(index, step)| step * virtuals + index * outputs + output;
                    let sum = evaluated().map(|at| self.states.row(row(at))[unit]).sum();
                    readout.set(unit, output, sum);
                }
            }
        }
        if trained[slots.readout_bias] {
            for output in 0..outputs {
                let sum = evaluated().map(|(index, _)| self.weights.row(index * outputs + output)[0]).sum();
                arrays[slots.readout_bias].set(0, output, sum);
            }
        }
    }
}

/// Completes `d_{t+1} Wᵀ` to `d_{t+1} A_{t+1}ᵀ`.
fn keep(affine: Affine, by_state: &mut RowsMut<'_>, next: RowsRef<'_>) {
    if let Some(kept) = affine.kept {
        kernels::scale_in_place(by_state.as_mut_slice(), affine.scale as f32);
        kernels::scaled_add(by_state.as_mut_slice(), kept as f32, next.as_slice());
    }
}

/// The dot product, as eight interleaved sums in double precision in a fixed order.
fn dot(a: &[f32], b: &[f32]) -> f64 {
    let mut sums = [0.0; 8];
    for (a, b) in a.chunks(8).zip(b.chunks(8)) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += f64::from(*a) * f64::from(*b);
        }
    }
    sums.iter().sum()
}
