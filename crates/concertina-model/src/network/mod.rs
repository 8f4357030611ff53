//! Networks (`docs/reference/model.md#networks`): one loop over time, forward and backward, for all cells.
//!
//! ```text
//! vanilla      a_t = h_{t-1} W + x_t U + b,   h_t = φ(a_t),   y_t = h_t R + c
//! leaky        h_t = h_{t-1} + dt (-h_{t-1} + φ(h_{t-1}) W + x_t U + b),   y_t = h_t R + c
//! rate         v_t = v_{t-1} + dt (-v_{t-1} + φ(v_{t-1}) W + x_t U + b),   y_t = φ(v_t) R + c
//! gru          r, z = σ(..), n = tanh(x_t U_n + b_n + r ∘ (h_{t-1} W_n + d_n)), h_t = (1-z) ∘ n + z ∘ h_{t-1},   y_t = h_t R + c
//! lstm         i, f, o = σ(..), g = tanh(..), c_t = f ∘ c_{t-1} + i ∘ g, h_t = o ∘ tanh(c_t),   y_t = h_t R + c
//! feedforward  as vanilla, with a separate W and b for each layer, and depth in place of time
//! ```
//!
//! [`crate::reference`] implements the same in f64 and in plain loops.

mod backward;
mod batch;
mod cell;
mod condensed;
mod connectivity;
mod disturbance;
mod drawing;
mod equations;
mod evaluate;
mod forward;
pub mod initial;
mod packed;
mod score;
mod start;
mod trained;
mod variable;
mod weights;

use concertina_numerics::kernels::{Rows, RowsRef};
use ndarray::{Array2, Array3, ArrayView2, ArrayViewMut2, s};

pub(crate) use backward::Backward;
pub(crate) use batch::Batch;
pub use cell::{Dynamics, Gru, Leaky, Lstm, Rate, Vanilla};
pub(crate) use condensed::Condensed;
pub use connectivity::{Connectivity, Part};
pub use disturbance::Disturbance;
pub use equations::Equations;
pub use evaluate::{evaluate_outputs, score_outputs};
pub(crate) use forward::Forward;
pub(crate) use packed::Packed;
pub(crate) use score::{Score, Scorer};
pub(crate) use start::{InitialNoise, Trial};
pub use trained::{TrainedWeights, is_trained};
pub use variable::Variable;
pub use weights::Weights;

use self::start::Start;
use crate::error::{Error, Result};
use crate::loss::predicted_class;
use crate::params::{NetworkKind, Nonlinearity, ValidParams};
use crate::task::{Inputs, Trials, TrialsRef};

/// How many samples pass through the network at once outside training. It is large enough for full speed, and
/// small enough that the states of these samples stay in the second-level cache at the paper's size (64 × 10
/// × 200 × 4 bytes = 512 kB). Any value gives the same bits.
pub(crate) const PASS: usize = 64;

/// A network: its equations and its weights.
#[derive(Clone, Debug)]
pub struct Network {
    equations: Equations,
    weights: Weights,
    /// The weights in the form in which they are trained, where that is another form and is known.
    trained: Option<TrainedWeights>,
    packed: Packed,
    initial_noise: Option<InitialNoise>,
}

/// The performance of a network on a set of trials.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evaluation {
    /// The mean loss over the (trial, timestep) pairs at which it counts.
    pub loss: f64,
    /// The share of trials whose class the last output predicts; with a mask, the share of the (trial,
    /// timestep) pairs that count. `None` if targets are real numbers.
    pub accuracy: Option<f64>,
    /// For real targets, the share of their variance that the outputs explain: `1 - Σ (y - t)² / Σ (t - mean
    /// t)²` over the pairs that count and over outputs, with the mean of each output. `None` for classes, and
    /// if targets do not vary.
    pub r2: Option<f64>,
}

impl Network {
    /// The network that `params` describe, with these weights.
    ///
    /// # Errors
    /// [`Error::NotFinite`] names the first weight that is NaN or infinite.
    pub fn new(params: &ValidParams, weights: Weights) -> Result<Self> {
        for (name, array) in weights.tensors() {
            if let Some((index, value)) = array.indexed_iter().find(|(_, value)| !value.is_finite()) {
                return Err(Error::NotFinite {
                    what: name,
                    index: ndarray::Dimension::slice(&index).to_vec(),
                    value: f64::from(*value),
                });
            }
        }
        let packed = Packed::pack(&weights);
        let initial_noise = InitialNoise::from_params(params);
        Ok(Network { equations: Equations::new(params), weights, trained: None, packed, initial_noise })
    }

    /// The network that `params` describe, with weights in the form in which they are trained. Only such a
    /// network knows the parts of its recurrent weights.
    ///
    /// # Errors
    /// As [`Network::new`].
    pub fn of_trained(params: &ValidParams, weights: TrainedWeights) -> Result<Self> {
        let network = Self::new(params, weights.effective())?;
        let trained = (!weights.connectivity().is_plain()).then_some(weights);
        Ok(Network { trained, ..network })
    }

    /// The network of a realisation before training.
    ///
    /// # Errors
    /// As [`initial::draw`].
    pub fn initial(params: &ValidParams) -> Result<Self> {
        Self::of_trained(params, TrainedWeights::draw(params)?)
    }

    /// The weights.
    pub fn weights(&self) -> &Weights {
        &self.weights
    }

    /// The weights in the form in which they are trained, where the recurrent weights are made of other
    /// arrays and these are known; `None` if the weights themselves are trained.
    pub fn trained_weights(&self) -> Option<&TrainedWeights> {
        self.trained.as_ref()
    }

    /// The equations.
    pub fn equations(&self) -> &Equations {
        &self.equations
    }

    /// The kind of network.
    pub fn kind(&self) -> NetworkKind {
        self.equations.kind
    }

    /// φ.
    pub fn nonlinearity(&self) -> Nonlinearity {
        self.equations.nonlinearity
    }

    /// The step of the discretisation.
    pub fn dt(&self) -> f64 {
        self.equations.dt
    }

    /// Whether the leaky network has its leak.
    pub fn leak(&self) -> bool {
        self.equations.leak
    }

    /// Timesteps of a trial, or layers.
    pub fn trial_steps(&self) -> usize {
        self.equations.steps
    }

    /// A timestep of the network in f64, entry by entry, for its Jacobian and its dynamics.
    pub fn dynamics(&self) -> Box<dyn Dynamics> {
        self.equations.dynamics()
    }

    /// The states `h_1, h_2, ...` of each trial (`v_1, v_2, ...` of a rate network), (trials, timesteps,
    /// units). After the last timestep of the inputs, the input is zero.
    ///
    /// # Errors
    /// [`Error::Shape`]; [`Error::Lacks`] without input weights; [`Error::PastLastLayer`] if more timesteps
    /// are requested of a feedforward network than it has layers.
    pub fn states(&self, inputs: &Inputs, timesteps: usize) -> Result<Array3<f32>> {
        self.variable(Variable::State, inputs, timesteps)
    }

    /// A variable after each timestep of each trial, (trials, timesteps, units).
    ///
    /// # Errors
    /// As [`states`](Self::states); [`Error::Variable`] if the network does not have the variable.
    pub fn variable(&self, variable: Variable, inputs: &Inputs, timesteps: usize) -> Result<Array3<f32>> {
        self.check_variable(variable)?;
        let mut values = Array3::zeros((inputs.len(), timesteps, self.weights.units()));
        self.pass(timesteps, inputs, |first, forward| {
            for step in 0..timesteps {
                copy_block(forward.variable(variable, step), values.slice_mut(s![first.., step, ..]));
            }
        })?;
        Ok(values) // (trials, timesteps, units)
    }

    /// The states of each trial at these timesteps only, counted from 0 after the first step. They are those
    /// of [`states`](Self::states), but the others are not kept. For each timestep (trials, units).
    ///
    /// # Errors
    /// As [`states`](Self::states).
    pub fn states_at(&self, inputs: &Inputs, timesteps: &[usize]) -> Result<Vec<Array2<f32>>> {
        self.variable_at(Variable::State, inputs, timesteps)
    }

    /// As [`states_at`](Self::states_at), for any variable.
    ///
    /// # Errors
    /// As [`variable`](Self::variable).
    pub fn variable_at(
        &self,
        variable: Variable,
        inputs: &Inputs,
        timesteps: &[usize],
    ) -> Result<Vec<Array2<f32>>> {
        self.check_variable(variable)?;
        let mut kept = vec![Array2::zeros((inputs.len(), self.weights.units())); timesteps.len()];
        let steps = timesteps.iter().map(|timestep| timestep + 1).max().unwrap_or_default();
        self.pass(steps, inputs, |first, forward| {
            for (values, timestep) in kept.iter_mut().zip(timesteps) {
                copy_block(forward.variable(variable, *timestep), values.slice_mut(s![first.., ..]));
            }
        })?;
        Ok(kept)
    }

    /// The states before the first timestep of the first trials of a set, (trials, states × units): zero,
    /// unless the network has an initial state or noise on it.
    pub fn starts(&self, trials: usize) -> Array2<f32> {
        let dynamics = cell::of(&self.equations);
        let numbers = dynamics.states() * self.weights.units();
        let mut states = Array2::zeros((trials, numbers));
        let Some(mut start) = Start::new(&*dynamics, &self.packed, trials, self.initial_noise) else {
            return states;
        };
        start.place(&self.packed, Trial::Shown(0), trials, self.nonlinearity());
        let (first, rest) = states.view_mut().split_at(ndarray::Axis(1), self.weights.units());
        copy_block(start.state.view(), first);
        copy_block(start.rest.view(), rest);
        states
    }

    /// The outputs `h R + c` of states, or `φ(h) R + c` where rates are read out.
    ///
    /// # Shapes
    /// `states`: (trials, units) → (trials, outputs).
    ///
    /// # Errors
    /// [`Error::Shape`]; [`Error::Lacks`] without a readout.
    pub fn outputs(&self, states: ArrayView2<f32>) -> Result<Array2<f32>> {
        let units = self.weights.readout.nrows();
        if states.ncols() != units {
            let (expected, found) = (vec![states.nrows(), units], states.shape().to_vec());
            return Err(Error::Shape { what: "states".to_owned(), expected, found });
        }
        let readout = self.readout()?;
        let outputs = match self.equations.dynamics().reads_rates() {
            true => self.rates(states).dot(readout),
            false => states.dot(readout),
        };
        Ok(outputs + &self.weights.readout_bias)
    }

    /// The rates `φ(h)` of states, (trials, units) → the same.
    fn rates(&self, states: ArrayView2<f32>) -> Array2<f32> {
        let mut rates = Rows::from_array(states);
        cell::apply(self.nonlinearity(), &mut rates.view_mut());
        let mut array = Array2::zeros(states.raw_dim());
        copy_block(rates.view(), array.view_mut());
        array
    }

    /// The classes that outputs predict: the largest output, or the sign of a scalar one. (trials, outputs) →
    /// (trials).
    pub fn predict(&self, outputs: ArrayView2<f32>) -> Vec<u32> {
        outputs.outer_iter().map(|output| predicted_class(&output.to_vec())).collect()
    }

    /// Loss and accuracy on these trials, without noise or dropout.
    ///
    /// # Errors
    /// [`Error::Shape`]; [`Error::Lacks`] without input weights or without a readout.
    pub fn evaluate(&self, trials: &Trials) -> Result<Evaluation> {
        self.readout()?;
        let (equations, weights) = (&self.equations, &self.packed);
        let capacity = PASS.min(trials.len());
        let mut forward = Forward::new(equations, weights, capacity, false, self.initial_noise);
        let mut batch = Batch::new(weights.input().row_count(), capacity);
        let mut scorer = Scorer::new(weights.readout().column_count());
        forward.begin(weights);
        let total = score_in_parts(trials.view(), capacity, |first, part| {
            batch.load(equations, part)?;
            Ok(forward.score(equations, weights, &batch, Trial::Shown(first), part.share(), &mut scorer))
        })?;
        Ok(total.evaluation(trials.targets.are_classes(), &scorer))
    }

    /// The readout weights, (units, outputs).
    ///
    /// # Errors
    /// [`Error::Lacks`] if the network was imported without a readout.
    pub fn readout(&self) -> Result<&Array2<f32>> {
        match self.weights.has_readout() {
            true => Ok(&self.weights.readout),
            false => Err(Error::Lacks { what: "a readout" }),
        }
    }

    /// The input weights, (inputs, currents × units).
    ///
    /// # Errors
    /// [`Error::Lacks`] if the network was imported without input weights.
    pub fn input(&self) -> Result<&Array2<f32>> {
        match self.weights.input.is_empty() {
            false => Ok(&self.weights.input),
            true => Err(Error::Lacks { what: "input weights" }),
        }
    }

    /// Runs the forward pass for [`PASS`] samples at a time, and passes each to `each` with the number of its
    /// first sample.
    fn pass(&self, steps: usize, inputs: &Inputs, mut each: impl FnMut(usize, &Forward)) -> Result<()> {
        if self.kind() == NetworkKind::Feedforward && steps > self.trial_steps() {
            return Err(Error::PastLastLayer { layers: self.trial_steps(), asked: steps });
        }
        let equations = Equations { steps, evaluate: 0, ..self.equations };
        let capacity = PASS.min(inputs.len());
        let mut forward = Forward::new(&equations, &self.packed, capacity, false, self.initial_noise);
        let mut batch = Batch::new(self.packed.input().row_count(), capacity);
        forward.begin(&self.packed);
        for first in (0..inputs.len()).step_by(PASS) {
            let part = inputs.slice(first..(first + PASS).min(inputs.len()));
            batch.load_inputs(steps, part)?;
            forward.run(&equations, &self.packed, &batch, Trial::Shown(first), None);
            each(first, &forward);
        }
        Ok(())
    }
}

/// Copies the states of a batch into the first rows of `into`, (trials from the first of the batch on,
/// units).
fn copy_block(block: RowsRef<'_>, mut into: ArrayViewMut2<f32>) {
    for (sample, mut into) in (0..block.row_count()).zip(into.rows_mut()) {
        into.iter_mut().zip(block.row(sample)).for_each(|(into, from)| *into = *from);
    }
}

/// The weighted sum of the losses of trials, and how often an output predicts the right class.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Total {
    loss: f64,
    correct: usize,
    weight: usize,
}

/// Scores trials `capacity` at a time. `score` also gets the number of the first trial.
pub(crate) fn score_in_parts(
    trials: TrialsRef<'_>,
    capacity: usize,
    mut score: impl FnMut(usize, TrialsRef<'_>) -> Result<Score>,
) -> Result<Total> {
    trials.check()?;
    let mut total = Total::default();
    for first in (0..trials.len()).step_by(capacity.max(1)) {
        let part = trials.slice(first..(first + capacity).min(trials.len()));
        let score = score(first, part)?;
        total.loss += score.loss * part.weight() as f64;
        total.correct += score.correct;
        total.weight += part.weight();
    }
    Ok(total)
}

impl Total {
    /// The means. The scorer must have seen these trials and no others.
    pub(crate) fn evaluation(&self, of_classes: bool, scorer: &Scorer) -> Evaluation {
        let weight = self.weight as f64;
        Evaluation {
            loss: self.loss / weight,
            accuracy: of_classes.then(|| self.correct as f64 / weight),
            r2: scorer.residuals.explained(),
        }
    }
}
