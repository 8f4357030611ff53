//! The backward pass of the fast path: hand-written backpropagation through time.

use std::ops::Range;

use concertina_numerics::kernels::{self, Panels, Rows, RowsRef};

use super::Equations;
use super::batch::Batch;
use super::cell::{Back, ThroughWeights, multiply_by_slope};
use super::connectivity::{Collected, Products};
use super::disturbance::DisturbedPart;
use super::forward::Forward;
use super::packed::Packed;
use super::score::{Score, Scorer};

/// The derivatives of the loss of one batch, or of one of the parts that a large batch is split into.
///
/// | buffer | holds | rows |
/// |---|---|---|
/// | `by_output` | ∂L/∂y_t of the evaluated timesteps | evaluated × batch |
/// | `by_current` | ∂L/∂ the currents from the other units, and from the inputs where the derivative is the same | window × batch |
/// | `by_last_input` | ∂L/∂ the last current from the inputs, for cells where it is a different one | window × batch |
/// | `by_state` | ∂L/∂h_t of the current timestep | batch |
/// | `by_rest` | ∂L/∂ the rest of the state, for cells with several numbers per unit | batch |
/// | `by_rate` | ∂L/∂φ(h_t) of the current or the previous timestep, for cells that send or read out rates | batch |
/// | `kept` | what the products with the recurrent weights keep for the gradient | window × batch |
///
/// A window is a range of timesteps; see [`window`].
///
/// `readout_transposed` is `Rᵀ`, packed again for each batch.
#[derive(Debug)]
pub(crate) struct Backward {
    by_output: Rows,
    by_current: Rows,
    by_last_input: Option<LastInput>,
    by_state: Rows,
    by_rest: Rows,
    by_rate: Rows,
    products: Box<dyn Products>,
    kept: Rows,
    readout_transposed: Panels,
    /// Whether the gradient already contains the contribution of a part or a window.
    begun: bool,
    scorer: Scorer,
}

/// The derivatives by the last current from the inputs, and buffers for the gradients by its input weights
/// and bias.
#[derive(Debug)]
struct LastInput {
    rows: Rows,
    input: Panels,
    bias: Vec<f32>,
}

impl Backward {
    /// Buffers for the batches that `forward` has buffers for.
    pub(crate) fn new(equations: &Equations, weights: &Packed, forward: &Forward) -> Self {
        let (units, outputs) = (weights.readout().row_count(), weights.readout().column_count());
        let capacity = forward.capacity(equations);
        let currents = forward.cell.currents();
        let rows =
            (1..=capacity).map(|count| count * window(currents, equations.steps, count)).max().unwrap_or(0);
        let products = weights.connectivity().products(weights, true);
        Backward {
            by_output: Rows::zeros(equations.evaluate * capacity, outputs),
            by_current: Rows::zeros(rows, currents * units),
            by_last_input: forward.cell.has_own_last_input().then(|| LastInput {
                rows: Rows::zeros(rows, units),
                input: Panels::zeros(weights.input().row_count(), units),
                bias: vec![0.0; units],
            }),
            by_state: Rows::zeros(capacity, units),
            by_rest: Rows::zeros(
                if forward.cell.states() > 1 { capacity } else { 0 },
                (forward.cell.states() - 1) * units,
            ),
            by_rate: Rows::zeros(
                if forward.cell.sends_rates() || forward.cell.reads_rates() { capacity } else { 0 },
                units,
            ),
            kept: Rows::zeros(rows, products.width()),
            products,
            readout_transposed: Panels::zeros(outputs, units),
            begun: false,
            scorer: Scorer::new(outputs),
        }
    }

    /// Begins the gradient of a batch. [`Backward::score`] and [`Backward::run`] then take one part of the
    /// batch after the other.
    pub(crate) fn begin(&mut self, weights: &Packed) {
        self.products.begin(weights);
        weights.readout().pack_transposed_into(&mut self.readout_transposed);
        self.begun = false;
    }

    /// Scores the part of a batch that `forward` has read out, and keeps the derivative of the batch's mean
    /// loss by the outputs.
    pub(crate) fn score(
        &mut self,
        equations: &Equations,
        forward: &Forward,
        batch: &Batch,
        share: f64,
    ) -> Score {
        self.scorer.score(equations.loss, &forward.outputs, batch, share, Some(&mut self.by_output))
    }

    /// Computes the gradient by every array marked in `trained`. The first part of a batch overwrites these
    /// arrays of `gradient`, and the others add to them. Must be called after [`Backward::score`].
    ///
    /// `trained`: one entry per array, in the order of [`Packed::arrays`].
    pub(crate) fn run(
        &mut self,
        equations: &Equations,
        forward: &Forward,
        batch: &Batch,
        disturbance: Option<&DisturbedPart<'_>>,
        trained: &[bool],
        gradient: &mut Packed,
    ) {
        self.by_state.rows_mut(0..batch.count()).as_mut_slice().fill(0.0);
        self.by_rest.as_mut_slice().fill(0.0);
        self.collect_readout(forward, batch, trained, gradient);
        let slots = gradient.slots();
        let of_readout = [slots.readout, slots.readout_bias];
        if !trained.iter().enumerate().any(|(slot, trained)| *trained && !of_readout.contains(&slot)) {
            self.begun = true;
            return; // only the readout is trained, so nothing has to go back through time
        }
        let size = window(forward.cell.currents(), batch.steps(), batch.count());
        let begun = self.begun;
        for index in (0..batch.steps().div_ceil(size)).rev() {
            let window = index * size..batch.steps().min((index + 1) * size);
            for step in window.clone().rev() {
                self.step(equations, forward, batch, disturbance, step, step - window.start);
            }
            self.collect_inputs(batch, &window, trained, gradient);
            self.collect_recurrent(equations, forward, batch, &window, trained, gradient);
            self.begun = true;
        }
        self.collect_start(batch.count(), begun, trained, gradient);
    }

    /// Goes from the derivative by the state of a step, the `place`-th of its window, to that by the previous
    /// state.
    fn step(
        &mut self,
        equations: &Equations,
        forward: &Forward,
        batch: &Batch,
        disturbance: Option<&DisturbedPart<'_>>,
        step: usize,
        place: usize,
    ) {
        let count = batch.count();
        let rows = |step: usize| step * count..(step + 1) * count;
        let mut by_state = self.by_state.rows_mut(0..count);
        if let Some(index) = batch.evaluated_index(step) {
            let by_output = self.by_output.rows(rows(index));
            if forward.cell.reads_rates() {
                let mut by_rate = self.by_rate.rows_mut(0..count);
                kernels::product(by_rate.reborrow(), by_output, &self.readout_transposed, false);
                multiply_by_slope(equations.nonlinearity, &mut by_rate, forward.read().rows(rows(step)));
                kernels::scaled_add(by_state.as_mut_slice(), 1.0, by_rate.view().as_slice());
            } else {
                kernels::product(by_state.reborrow(), by_output, &self.readout_transposed, true);
            }
        }
        if let Some(disturbance) = disturbance {
            disturbance.drop_out(step, &mut by_state);
        }
        let start = forward.start.as_ref().filter(|_| step == 0);
        forward.cell.backward(Back {
            by_state: by_state.reborrow(),
            by_rest: self.by_rest.rows_mut(0..if forward.cell.states() > 1 { count } else { 0 }),
            by_current: self.by_current.rows_mut(rows(place)),
            by_last_input: self.by_last_input.as_mut().map(|last| last.rows.rows_mut(rows(place))),
            state: forward.state(step),
            previous: match start {
                Some(start) => Some(start.state.rows(0..count)),
                None => (step > 0).then(|| forward.state(step - 1)),
            },
            start_rest: start.filter(|_| forward.cell.states() > 1).map(|start| start.rest.rows(0..count)),
            tapes: &forward.tapes,
            rows: rows(step),
        });
        if step == 0 && start.is_none() {
            return;
        }
        let (products, index) = (&self.products, equations.recurrent_index(step));
        let (by_current, keep) = (self.by_current.rows(rows(place)), self.kept.rows_mut(rows(place)));
        match forward.cell.through_weights() {
            ThroughWeights::IsAll => products.backward(index, by_state, by_current, keep, false),
            ThroughWeights::IsAdded => products.backward(index, by_state, by_current, keep, true),
            ThroughWeights::ThroughRates { kept } => {
                let mut by_rate = self.by_rate.rows_mut(0..count);
                products.backward(index, by_rate.reborrow(), by_current, keep, false);
                let rates = match start {
                    Some(start) => start.sent().rows(0..count),
                    None => forward.sent().rows(rows(step - 1)),
                };
                multiply_by_slope(equations.nonlinearity, &mut by_rate, rates);
                kernels::scale_in_place(by_state.as_mut_slice(), kept);
                kernels::scaled_add(by_state.as_mut_slice(), 1.0, by_rate.view().as_slice());
            }
        }
    }

    /// The gradient by the input weights. It takes one product over all timesteps of a window that have an
    /// input, or one for each timestep at which a stimulus is held.
    fn collect_inputs(
        &mut self,
        batch: &Batch,
        window: &Range<usize>,
        trained: &[bool],
        gradient: &mut Packed,
    ) {
        let slot = gradient.slots().input;
        if !trained[slot] {
            return;
        }
        let array = &mut gradient.arrays_mut()[slot];
        let units = self.by_state.column_count();
        let last = array.column_count() - units;
        if let Some(LastInput { rows, input, .. }) = &mut self.by_last_input {
            products_with_inputs(batch, window, rows, input, self.begun);
        }
        products_with_inputs(batch, window, &self.by_current, array, self.begun);
        if let Some(LastInput { input, .. }) = &self.by_last_input {
            (0..input.row_count()).for_each(|row| {
                (0..units).for_each(|unit| array.set(row, last + unit, input.get(row, unit)))
            });
        }
    }

    /// The gradient by recurrent weights and biases, with one product over all timesteps of a window.
    fn collect_recurrent(
        &mut self,
        equations: &Equations,
        forward: &Forward,
        batch: &Batch,
        window: &Range<usize>,
        trained: &[bool],
        gradient: &mut Packed,
    ) {
        let slots = gradient.slots();
        let arrays = gradient.arrays_mut();
        let add = self.begun;
        let rows = |steps: Range<usize>| steps.start * batch.count()..steps.end * batch.count();
        let placed = |steps: Range<usize>| rows(steps.start - window.start..steps.end - window.start);
        for index in 0..equations.matrices() {
            let into = within(&equations.steps_into(index), window);
            let of = Collected {
                sent: forward.sent().rows(rows(into.start - 1..into.end - 1)),
                by_currents: self.by_current.rows(placed(into.clone())),
                kept: forward.kept.rows(rows(into.clone())),
                kept_back: self.kept.rows(placed(into)),
                add,
            };
            let (parts, trained) = (&mut arrays[slots.recurrent.clone()], &trained[slots.recurrent.clone()]);
            self.products.collect(index, of, parts, trained);
            if let Some(start) = forward.start.as_ref().filter(|_| window.start == 0) {
                let of = Collected {
                    sent: start.sent().rows(0..batch.count()),
                    by_currents: self.by_current.rows(placed(0..1)),
                    kept: forward.kept.rows(rows(0..1)),
                    kept_back: self.kept.rows(placed(0..1)),
                    add: true,
                };
                self.products.collect(index, of, parts, trained);
            }
        }
        for index in slots.biases.clone().filter(|index| trained[*index]) {
            let of = within(&equations.steps_of(index - slots.biases.start), window);
            column_sums(&mut arrays[index], self.by_current.rows(placed(of)), add);
        }
        // The first of two biases is that of the currents from the inputs, the last of which may have its own
        // derivatives.
        let first = slots.biases.start;
        if let Some(LastInput { rows: by_last, bias, .. }) = &mut self.by_last_input
            && trained[first]
        {
            let columns = arrays[first].column_count();
            kernels::column_sums(bias, by_last.rows(placed(window.clone())), add);
            let last = columns - bias.len()..columns;
            arrays[first].as_mut_slice()[last].copy_from_slice(bias);
        }
    }

    /// The gradient by the initial state, which all trials share. The derivatives are those that the first
    /// step has left.
    fn collect_start(&self, count: usize, add: bool, trained: &[bool], gradient: &mut Packed) {
        let Some(slot) = gradient.slots().initial_state.filter(|slot| trained[*slot]) else { return };
        let by_initial = gradient.arrays_mut()[slot].as_mut_slice();
        let units = self.by_state.column_count();
        kernels::column_sums(&mut by_initial[..units], self.by_state.rows(0..count), add);
        let rest = self.by_rest.column_count();
        if rest > 0 {
            kernels::column_sums(&mut by_initial[units..units + rest], self.by_rest.rows(0..count), add);
        }
    }

    /// The gradient by the readout.
    fn collect_readout(&self, forward: &Forward, batch: &Batch, trained: &[bool], gradient: &mut Packed) {
        let slots = gradient.slots();
        let arrays = gradient.arrays_mut();
        let count = batch.count();
        let mut done = 0;
        let mut add = self.begun;
        if trained[slots.readout] {
            for steps in batch.evaluated() {
                let by_output = self.by_output.rows(done * count..(done + steps.len()) * count);
                let states = forward.read().rows(steps.start * count..steps.end * count);
                kernels::product_transposed_a(&mut arrays[slots.readout], states, by_output, add);
                done += steps.len();
                add = true;
            }
            if !add {
                arrays[slots.readout].clear(); // the loss counts nowhere
            }
        }
        if trained[slots.readout_bias] {
            let by_output = self.by_output.rows(0..batch.evaluated_count() * count);
            column_sums(&mut arrays[slots.readout_bias], by_output, self.begun);
        }
    }
}

/// How many timesteps are differentiated before the products of the gradient with their derivatives are
/// taken.
///
/// For cells with one current, these are all timesteps. For the others, they are as many as fill a block of
/// the products' rows, so that the derivatives are still in the second-level cache.
fn window(currents: usize, steps: usize, batch: usize) -> usize {
    if currents > 1 { (kernels::BLOCK / batch.max(1)).clamp(1, steps) } else { steps }
}

/// The steps that a window shares with `steps`; an empty range in the window if there are none.
fn within(steps: &Range<usize>, window: &Range<usize>) -> Range<usize> {
    let start = steps.start.clamp(window.start, window.end);
    start..steps.end.clamp(start, window.end)
}

/// `Σ_t x_tᵀ δ_t` over the inputs in a window.
fn products_with_inputs(
    batch: &Batch,
    window: &Range<usize>,
    by_current: &Rows,
    into: &mut Panels,
    begun: bool,
) {
    let count = batch.count();
    let placed = |steps: &Range<usize>| {
        by_current.rows((steps.start - window.start) * count..(steps.end - window.start) * count)
    };
    let mut add = begun;
    for step in within(&(0..batch.hold()), window) {
        let by_current = placed(&(step..step + 1));
        kernels::product_transposed_a(into, batch.stimulus(), by_current, add);
        add = true;
    }
    for steps in batch.timed().iter().map(|steps| within(steps, window)).filter(|steps| !steps.is_empty()) {
        kernels::product_transposed_a(into, batch.inputs_at(&steps), placed(&steps), add);
        add = true;
    }
    if !add {
        into.clear(); // nothing was shown
    }
}

fn column_sums(into: &mut Panels, rows: RowsRef<'_>, add: bool) {
    let columns = into.column_count();
    kernels::column_sums(&mut into.as_mut_slice()[..columns], rows, add);
}
