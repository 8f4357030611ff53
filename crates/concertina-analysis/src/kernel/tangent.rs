//! The derivatives of outputs by all trained parameters, and the kernels that they define.

use concertina_model::network::{Connectivity, Dynamics, Equations, Weights};
use concertina_model::reference::Parameters;
use concertina_model::task::{Inputs, Mask};
use concertina_numerics::double::Panels;
use ndarray::{Array1, Array2, ArrayView2, Axis, s};

use super::gram::{OuterProducts, add_gram, multiply};
use crate::{Error, Result};

/// A network in f64 and what is trained in it, for its neural tangent kernels.
#[derive(Debug, Clone, Copy)]
pub struct Tangents<'a> {
    /// The equations. Of the trial, only the number of timesteps is used.
    pub equations: &'a Equations,
    /// How the recurrent weights are made of their parts.
    pub connectivity: &'a Connectivity,
    /// The weights, with the parts in place of the recurrent matrices.
    pub arrays: &'a Parameters,
    /// Which arrays are trained, in the order of
    /// [`TrainedWeights::tensors`](concertina_model::network::TrainedWeights::tensors): input weights, parts
    /// of the recurrent weights, biases, readout weights, readout bias, and the initial state if there is
    /// one.
    pub trained: &'a [bool],
}

/// The tangent kernels of a network.
#[derive(Debug, Clone, PartialEq)]
pub struct TangentKernels {
    /// The outputs that are differentiated, (trials, outputs).
    pub outputs: Array2<f64>,
    /// The kernel of each array, (trials, trials), in the order of [`Tangents::trained`]; `None` if the array
    /// is not trained.
    pub blocks: Vec<Option<Array2<f64>>>,
}

impl TangentKernels {
    /// The kernel of all trained arrays together, (trials, trials).
    pub fn total(&self) -> Array2<f64> {
        let trials = self.outputs.nrows();
        let zeros = Array2::zeros((trials, trials));
        self.blocks.iter().flatten().fold(zeros, |sum, block| sum + block)
    }
}

/// A trial batch on its way through the network. Each vector has one entry per timestep.
struct Forward {
    /// What the recurrent weights were multiplied with, and its slopes by `h`, (trials, units).
    sent: Vec<Array2<f64>>,
    slopes: Vec<Array2<f64>>,
    /// What the cell noted, (trials, notes × units).
    notes: Vec<Array2<f64>>,
    /// What is read out, and its slopes by `h`, in the timestep of each trial that counts, (trials, units).
    read: Array2<f64>,
    read_slopes: Array2<f64>,
}

/// The derivatives of an output.
struct Derivatives {
    /// By the currents, (trials, currents × units), one entry per timestep.
    recurrent: Vec<Array2<f64>>,
    input: Vec<Array2<f64>>,
    /// By the state before the first timestep, (trials, numbers of a state).
    initial_state: Array2<f64>,
}

impl Tangents<'_> {
    /// The kernel `Σ_o Σ_p (∂y_o(x) / ∂p) (∂y_o(x') / ∂p)` of each trained array: over the outputs `o` and
    /// the trained entries `p` of the array.
    ///
    /// Each output is differentiated once, by backpropagation through time, for all trials together. A
    /// gradient by weights is a sum of outer products over time, so its inner products with other gradients
    /// need only the vectors, or a few rows of the matrix at a time.
    ///
    /// # Shapes
    /// `read_at`: (trials), the timestep of each trial whose output is differentiated, from 0.
    ///
    /// # Errors
    /// [`Error::Shape`] unless there is a timestep within the trial for each trial, and the inputs are those
    /// of the network; [`Error::NotFinite`] names the first output that is NaN or infinite.
    ///
    /// # Source
    /// `jacot2018`.
    pub fn kernels(&self, inputs: &Inputs<f64>, read_at: &[usize]) -> Result<TangentKernels> {
        let trials = inputs.len();
        if read_at.len() != trials || read_at.iter().any(|step| *step >= self.equations.steps) {
            let expected = format!("{trials} timesteps, each below {}", self.equations.steps);
            return Err(Error::Shape { what: "timesteps to read", expected, found: read_at.to_vec() });
        }
        if inputs.dimension() != self.arrays.input.nrows() {
            let expected = format!("(trials, ..., inputs) with {} inputs", self.arrays.input.nrows());
            return Err(Error::Shape { what: "inputs", expected, found: vec![trials, inputs.dimension()] });
        }
        let dynamics = self.equations.dynamics();
        let matrices = self.connectivity.weights(&self.arrays.recurrent);
        let forward = self.forward(&*dynamics, &matrices, inputs, read_at);
        let outputs = forward.read.dot(&self.arrays.readout) + &self.arrays.readout_bias;
        if let Some(((trial, output), value)) = outputs.indexed_iter().find(|(_, value)| !value.is_finite()) {
            let (what, place) = ("outputs".to_owned(), format!("sample {trial}, output {output}"));
            return Err(Error::NotFinite { what, place, value: *value });
        }
        let mut blocks: Vec<Option<Array2<f64>>> =
            self.trained.iter().map(|trained| trained.then(|| Array2::zeros((trials, trials)))).collect();
        self.add_readout(&forward, &mut blocks);
        let readout = self.readout_index();
        let needs_derivatives =
            |(index, trained): (usize, &bool)| *trained && !(readout..readout + 2).contains(&index);
        if self.trained.iter().enumerate().any(needs_derivatives) {
            let transposed: Vec<Panels> =
                matrices.iter().map(|matrix| Panels::from_transposed(matrix.view())).collect();
            for output in 0..outputs.ncols() {
                let by = self.back(&*dynamics, &transposed, &forward, output, read_at);
                self.add_input(inputs, &by, &mut blocks);
                self.add_recurrent(&forward, &by, &mut blocks);
                self.add_biases(&*dynamics, &by, &mut blocks);
                if let Some(Some(kernel)) = blocks.get_mut(readout + 2) {
                    add_gram(by.initial_state.view(), kernel);
                }
            }
        }
        Ok(TangentKernels { outputs, blocks })
    }

    fn units(&self) -> usize {
        self.arrays.readout.nrows()
    }

    /// The place of the readout weights among the arrays.
    fn readout_index(&self) -> usize {
        1 + self.arrays.recurrent.len() + self.arrays.biases.len()
    }

    /// The first step in which the recurrent weights have something to multiply: the second, if trials start
    /// from zero.
    fn first_recurrent(&self) -> usize {
        usize::from(self.arrays.initial_state.is_none())
    }

    /// Number of timesteps that matter.
    fn steps(read_at: &[usize]) -> usize {
        read_at.iter().max().map_or(0, |last| last + 1)
    }

    fn forward(
        &self,
        dynamics: &dyn Dynamics,
        matrices: &[Array2<f64>],
        inputs: &Inputs<f64>,
        read_at: &[usize],
    ) -> Forward {
        let (trials, units, columns) = (inputs.len(), self.units(), self.arrays.input.ncols());
        let packed: Vec<Panels> =
            matrices.iter().map(|matrix| Panels::from_row_major(matrix.view())).collect();
        let mut state = Array2::<f64>::zeros((trials, dynamics.states() * units));
        if let Some(initial) = &self.arrays.initial_state {
            state += initial;
        }
        let mut found = Forward {
            sent: Vec::new(),
            slopes: Vec::new(),
            notes: Vec::new(),
            read: Array2::zeros((trials, units)),
            read_slopes: Array2::ones((trials, units)),
        };
        for step in 0..Self::steps(read_at) {
            let mut sent = state.slice(s![.., ..units]).to_owned();
            let mut slopes = Array2::ones((trials, units));
            if dynamics.sends_rates() {
                for (mut sent, mut slopes) in sent.outer_iter_mut().zip(slopes.outer_iter_mut()) {
                    dynamics.rates(row(&mut sent), row(&mut slopes));
                }
            }
            let mut recurrent = Array2::zeros((trials, columns));
            if step >= self.first_recurrent() {
                multiply(sent.view(), &packed[self.equations.recurrent_index(step)], &mut recurrent);
            }
            if dynamics.currents() > 1 {
                recurrent += &self.arrays.biases[1];
            }
            let mut input = Array2::zeros((trials, columns));
            if let Some(shown) = input_at(inputs, step) {
                input += &shown.dot(&self.arrays.input);
            }
            input += &self.arrays.biases[self.equations.bias_index(step)];
            let mut notes = Array2::zeros((trials, dynamics.notes() * units));
            for (trial, mut state) in state.outer_iter_mut().enumerate() {
                dynamics.step(
                    row(&mut state),
                    row(&mut recurrent.row_mut(trial)),
                    row(&mut input.row_mut(trial)),
                    row(&mut notes.row_mut(trial)),
                );
                if read_at[trial] == step {
                    let mut read = found.read.row_mut(trial);
                    read.assign(&state.slice(s![..units]));
                    if dynamics.reads_rates() {
                        dynamics.rates(row(&mut read), row(&mut found.read_slopes.row_mut(trial)));
                    }
                }
            }
            found.sent.push(sent);
            found.slopes.push(slopes);
            found.notes.push(notes);
        }
        found
    }

    /// Goes back through time from one output.
    fn back(
        &self,
        dynamics: &dyn Dynamics,
        transposed: &[Panels],
        forward: &Forward,
        output: usize,
        read_at: &[usize],
    ) -> Derivatives {
        let (trials, units) = forward.read.dim();
        let columns = self.arrays.input.ncols();
        let by_output = self.arrays.readout.column(output);
        let mut by_state = Array2::<f64>::zeros((trials, dynamics.states() * units));
        let (mut recurrent, mut input) = (Vec::new(), Vec::new());
        for step in (0..Self::steps(read_at)).rev() {
            let mut by_recurrent = Array2::zeros((trials, columns));
            let mut by_input = Array2::zeros((trials, columns));
            for (trial, mut by_state) in by_state.outer_iter_mut().enumerate() {
                if read_at[trial] == step {
                    let slopes = forward.read_slopes.row(trial);
                    let mut by_h = by_state.slice_mut(s![..units]);
                    by_h += &(&by_output * &slopes);
                }
                dynamics.adjoint(
                    row(&mut by_state),
                    row(&mut by_recurrent.row_mut(trial)),
                    row(&mut by_input.row_mut(trial)),
                    forward.notes[step].row(trial).as_slice().expect("row-major"),
                );
            }
            if step >= self.first_recurrent() {
                let mut through = Array2::zeros((trials, units));
                let transposed = &transposed[self.equations.recurrent_index(step)];
                multiply(by_recurrent.view(), transposed, &mut through);
                let mut by_h = by_state.slice_mut(s![.., ..units]);
                by_h += &(through * &forward.slopes[step]);
            }
            recurrent.push(by_recurrent);
            input.push(by_input);
        }
        recurrent.reverse();
        input.reverse();
        Derivatives { recurrent, input, initial_state: by_state }
    }

    /// Output weights and their bias: `∂y_o / ∂R = r` for the weights into output `o`, and 1 for its bias.
    fn add_readout(&self, forward: &Forward, blocks: &mut [Option<Array2<f64>>]) {
        let [readout, bias] = &mut blocks[self.readout_index()..][..2] else { return };
        let outputs = self.arrays.readout.ncols();
        let trained = self.connectivity.trained_entries(Weights::READOUT);
        if let Some(kernel) = readout {
            for output in 0..outputs {
                let mut read = forward.read.clone();
                if let Some(trained) = &trained {
                    let column = trained.column(output.min(trained.ncols() - 1));
                    for (mut units, trained) in read.columns_mut().into_iter().zip(column) {
                        units.mapv_inplace(|entry| if *trained { entry } else { 0.0 });
                    }
                }
                add_gram(read.view(), kernel);
            }
        }
        if let Some(kernel) = bias {
            kernel.fill(outputs as f64);
        }
    }

    fn add_input(&self, inputs: &Inputs<f64>, by: &Derivatives, blocks: &mut [Option<Array2<f64>>]) {
        let Some(kernel) = &mut blocks[0] else { return };
        match inputs {
            Inputs::Held { stimuli, hold } => {
                // A stimulus that is held is multiplied with the sum of the derivatives.
                let shown = by.input.iter().take(*hold);
                let sum = shown.fold(Array2::zeros(by.input[0].raw_dim()), |sum, one| sum + one);
                let (left, right) = (vec![stimuli.view()], vec![sum.view()]);
                OuterProducts { left, right, factor: None }.add_gram(kernel);
            }
            Inputs::Timed(inputs) => {
                let left: Vec<_> = inputs.axis_iter(Axis(1)).take(by.input.len()).collect();
                let right = by.input.iter().take(left.len()).map(|one| one.view()).collect();
                OuterProducts { left, right, factor: None }.add_gram(kernel);
            }
        }
    }

    fn add_recurrent(&self, forward: &Forward, by: &Derivatives, blocks: &mut [Option<Array2<f64>>]) {
        let parts = &self.arrays.recurrent;
        if let Some(rank) = self.connectivity.rank() {
            return self.add_factors(forward, by, rank, blocks);
        }
        // The derivative by a part is that by the weights, entry by entry times a factor.
        let factors = (!self.connectivity.is_plain()
            || self.connectivity.trained_entries(Weights::RECURRENT).is_some())
        .then(|| {
            let ones: Vec<_> = parts.iter().map(|part| Array2::ones(part.raw_dim())).collect();
            self.connectivity.pull_back(parts, &ones)
        });
        for index in 0..parts.len() {
            let Some(kernel) = &mut blocks[1 + index] else { continue };
            let steps = self.first_recurrent()..by.recurrent.len();
            let steps = steps.filter(|step| self.equations.recurrent_index(*step) == index);
            let (left, right) =
                steps.map(|step| (forward.sent[step].view(), by.recurrent[step].view())).unzip();
            let factor = factors.as_ref().map(|factors| factors[index].view());
            OuterProducts { left, right, factor }.add_gram(kernel);
        }
    }

    /// `W = W_0 + M Lᵀ / N`, so that `∂y/∂M = Σ_t h_{t-1} ⊗ δ_t L / N` and `∂y/∂L = Σ_t δ_t ⊗ h_{t-1} M / N`,
    /// for each current.
    fn add_factors(
        &self,
        forward: &Forward,
        by: &Derivatives,
        rank: usize,
        blocks: &mut [Option<Array2<f64>>],
    ) {
        let (units, parts) = (self.units(), &self.arrays.recurrent);
        let share = 1.0 / units as f64;
        for current in 0..self.arrays.input.ncols() / units {
            let terms = s![.., current * rank..(current + 1) * rank];
            let (m, l) = (parts[0].slice(terms), parts[1].slice(terms));
            let steps = self.first_recurrent()..by.recurrent.len();
            let by_block: Vec<Array2<f64>> = steps
                .clone()
                .map(|step| {
                    by.recurrent[step].slice(s![.., current * units..(current + 1) * units]).to_owned()
                })
                .collect();
            if let Some(kernel) = &mut blocks[1] {
                let gathered: Vec<Array2<f64>> = by_block.iter().map(|by| by.dot(&l) * share).collect();
                let left = forward.sent[steps.clone()].iter().map(|one| one.view()).collect();
                let right = gathered.iter().map(|one| one.view()).collect();
                OuterProducts { left, right, factor: None }.add_gram(kernel);
            }
            if let Some(kernel) = &mut blocks[2] {
                let selected: Vec<Array2<f64>> =
                    forward.sent[steps].iter().map(|sent| sent.dot(&m) * share).collect();
                let left = by_block.iter().map(|one| one.view()).collect();
                let right = selected.iter().map(|one| one.view()).collect();
                OuterProducts { left, right, factor: None }.add_gram(kernel);
            }
        }
    }

    fn add_biases(&self, dynamics: &dyn Dynamics, by: &Derivatives, blocks: &mut [Option<Array2<f64>>]) {
        let first = 1 + self.arrays.recurrent.len();
        let count = self.arrays.biases.len();
        let mut sums = vec![Array2::<f64>::zeros(by.input[0].raw_dim()); count];
        for (step, (by_input, by_recurrent)) in by.input.iter().zip(&by.recurrent).enumerate() {
            sums[self.equations.bias_index(step)] += by_input;
            if dynamics.currents() > 1 {
                sums[1] += by_recurrent;
            }
        }
        for (sum, kernel) in sums.iter().zip(&mut blocks[first..first + count]) {
            if let Some(kernel) = kernel {
                add_gram(sum.view(), kernel);
            }
        }
    }
}

/// A row of a row-major matrix.
fn row<S: ndarray::DataMut<Elem = f64>>(row: &mut ndarray::ArrayBase<S, ndarray::Ix1>) -> &mut [f64] {
    row.as_slice_mut().expect("row-major")
}

/// The input at a step, (trials, inputs); `None` after the end of a held stimulus and after the last timed
/// input.
fn input_at(inputs: &Inputs<f64>, step: usize) -> Option<ArrayView2<'_, f64>> {
    match inputs {
        Inputs::Held { stimuli, hold } => (step < *hold).then(|| stimuli.view()),
        Inputs::Timed(inputs) => (step < inputs.dim().1).then(|| inputs.index_axis(Axis(1), step)),
    }
}

/// The timestep of each trial at whose output the loss counts last: the last timestep in a trial in which it
/// counts nowhere.
pub(super) fn last_evaluated(mask: &Mask, trials: usize, steps: usize) -> Vec<usize> {
    match mask {
        Mask::Last(_) => vec![steps - 1; trials],
        Mask::At(mask) => mask
            .outer_iter()
            .map(|counts| counts.iter().rposition(|counts| *counts).unwrap_or(steps - 1))
            .collect(),
    }
}

/// An array in f64.
pub(super) fn widened<D: ndarray::Dimension>(array: &ndarray::Array<f32, D>) -> ndarray::Array<f64, D> {
    array.mapv(f64::from)
}

/// Weights in f64, with these parts in place of the recurrent matrices.
pub(super) fn in_double(weights: &Weights, parts: Vec<Array2<f64>>) -> Parameters {
    let biases: Vec<Array1<f64>> = weights.biases.iter().map(widened).collect();
    Parameters {
        input: widened(&weights.input),
        recurrent: parts,
        biases,
        readout: widened(&weights.readout),
        readout_bias: widened(&weights.readout_bias),
        initial_state: weights.initial_state.as_ref().map(widened),
    }
}
