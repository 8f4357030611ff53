//! Networks: `vanilla`, `leaky` and `feedforward` (`docs/reference/model.md#networks`).
//!
//! ```text
//! vanilla      a_t = h_{t-1} W + x_t U + b,   h_t = φ(a_t),   y_t = h_t R + c
//! leaky        h_t = h_{t-1} + dt (-h_{t-1} + φ(h_{t-1}) W + x_t U + b),   y_t = h_t R + c
//! feedforward  as vanilla, with a W and a b of its own for each layer, and depth in the place of time
//! ```
//!
//! [`crate::reference`] has the same in f64, as plain as it is written here.

mod backward;
mod condensed;
mod disturbance;
mod equations;
mod forward;
pub mod initial;
mod packed;
mod score;
mod weights;

use concertina_numerics::kernels::{Rows, RowsRef};
use ndarray::{Array2, Array3, ArrayView2, ArrayViewMut2, s};

pub(crate) use backward::Backward;
pub(crate) use condensed::Condensed;
pub(crate) use disturbance::Disturbance;
pub use equations::Equations;
pub(crate) use forward::Forward;
pub(crate) use packed::Packed;
pub(crate) use score::Score;
pub use weights::Weights;

use crate::error::{Error, Result};
use crate::loss::predicted_class;
use crate::params::{NetworkKind, Nonlinearity, ValidParams};
use crate::task::Samples;

/// How many samples pass through the network at once outside training: large enough for full speed, small enough that the
/// states of a trial stay in the second-level cache at the paper's size (64 × 10 × 200 × 4 bytes = 512 kB). Any value
/// gives the same bits.
pub(crate) const PASS: usize = 64;

/// A network: its equations and its weights.
#[derive(Clone, Debug)]
pub struct Network {
    equations: Equations,
    weights: Weights,
    packed: Packed,
}

/// How a network does on a set of samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evaluation {
    /// The mean loss over samples and evaluated timesteps.
    pub loss: f64,
    /// The share of samples whose class the last output names.
    pub accuracy: f64,
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
        Ok(Network { equations: Equations::new(params), weights, packed })
    }

    /// The network of a realisation before training.
    ///
    /// # Errors
    /// As [`initial::draw`].
    pub fn initial(params: &ValidParams) -> Result<Self> {
        Self::new(params, initial::draw(params)?)
    }

    /// The weights.
    pub fn weights(&self) -> &Weights {
        &self.weights
    }

    /// The equations.
    pub fn equations(&self) -> &Equations {
        &self.equations
    }

    /// Which network it is.
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

    /// The states `h_1, h_2, ...` of each trial; after `hold` timesteps the input is zero, past the trial's end too.
    ///
    /// # Shapes
    /// `inputs`: (trials, input_dim) → (trials, timesteps, units).
    ///
    /// # Errors
    /// [`Error::Shape`]; [`Error::Lacks`] without input weights; [`Error::PastLastLayer`] when a feedforward network is asked for more timesteps than it has layers.
    pub fn states(&self, inputs: ArrayView2<f32>, timesteps: usize) -> Result<Array3<f32>> {
        let mut states = Array3::zeros((inputs.nrows(), timesteps, self.weights.input.ncols()));
        self.pass(timesteps, inputs, |first, forward| {
            for step in 0..timesteps {
                copy_block(forward.state(step), states.slice_mut(s![first.., step, ..]));
            }
        })?;
        Ok(states) // (trials, timesteps, units)
    }

    /// The states of each trial at these timesteps alone, counted from 0 after the first step: those of
    /// [`states`](Self::states), with the rest not kept.
    ///
    /// # Shapes
    /// `inputs`: (trials, input_dim) → for each timestep (trials, units).
    ///
    /// # Errors
    /// As [`states`](Self::states).
    pub fn states_at(&self, inputs: ArrayView2<f32>, timesteps: &[usize]) -> Result<Vec<Array2<f32>>> {
        let mut kept = vec![Array2::zeros((inputs.nrows(), self.weights.input.ncols())); timesteps.len()];
        let steps = timesteps.iter().map(|timestep| timestep + 1).max().unwrap_or_default();
        self.pass(steps, inputs, |first, forward| {
            for (states, timestep) in kept.iter_mut().zip(timesteps) {
                copy_block(forward.state(*timestep), states.slice_mut(s![first.., ..]));
            }
        })?;
        Ok(kept)
    }

    /// The outputs `h R + c` of states.
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
        Ok(states.dot(self.readout()?) + &self.weights.readout_bias)
    }

    /// The classes that outputs stand for: the largest, or the sign of a scalar one. (trials, outputs) → (trials).
    pub fn predict(&self, outputs: ArrayView2<f32>) -> Vec<u32> {
        outputs.outer_iter().map(|output| predicted_class(&output.to_vec())).collect()
    }

    /// Loss and accuracy on these samples, without noise or dropout.
    ///
    /// # Errors
    /// [`Error::Shape`]; [`Error::Lacks`] without input weights or without a readout.
    pub fn evaluate(&self, samples: &Samples) -> Result<Evaluation> {
        self.readout()?;
        check_stimuli(&self.packed, samples.inputs.view())?;
        let capacity = PASS.min(samples.labels.len());
        let mut forward = Forward::new(&self.equations, &self.packed, capacity, false);
        Ok(evaluate(samples, capacity, |stimulus, labels| {
            forward.score(&self.equations, &self.packed, stimulus, labels)
        }))
    }

    /// The readout weights, (units, outputs).
    ///
    /// # Errors
    /// [`Error::Lacks`] if the network was imported without any.
    pub fn readout(&self) -> Result<&Array2<f32>> {
        match self.weights.has_readout() {
            true => Ok(&self.weights.readout),
            false => Err(Error::Lacks { what: "a readout" }),
        }
    }

    /// Hands the forward pass of [`PASS`] samples at a time to `each`, with the number of the first of them.
    fn pass(
        &self,
        steps: usize,
        inputs: ArrayView2<f32>,
        mut each: impl FnMut(usize, &Forward),
    ) -> Result<()> {
        if self.kind() == NetworkKind::Feedforward && steps > self.trial_steps() {
            return Err(Error::PastLastLayer { layers: self.trial_steps(), asked: steps });
        }
        check_stimuli(&self.packed, inputs)?;
        let equations = Equations { steps, evaluate: 0, ..self.equations };
        let mut forward = Forward::new(&equations, &self.packed, PASS.min(inputs.nrows()), false);
        for first in (0..inputs.nrows()).step_by(PASS) {
            let batch = inputs.slice(s![first..(first + PASS).min(inputs.nrows()), ..]);
            forward.run(&equations, &self.packed, Rows::from_array(batch).view(), None);
            each(first, &forward);
        }
        Ok(())
    }
}

/// Copies the states of a batch into the first rows of `into`, (trials from the batch on, units).
fn copy_block(block: RowsRef<'_>, mut into: ArrayViewMut2<f32>) {
    for (sample, mut into) in (0..block.row_count()).zip(into.rows_mut()) {
        into.iter_mut().zip(block.row(sample)).for_each(|(into, from)| *into = *from);
    }
}

/// Loss and accuracy on samples that are scored `capacity` at a time.
pub(crate) fn evaluate(
    samples: &Samples,
    capacity: usize,
    mut score: impl FnMut(RowsRef<'_>, &[u32]) -> Score,
) -> Evaluation {
    let count = samples.labels.len();
    let mut total = Score::default();
    for first in (0..count).step_by(capacity) {
        let batch = first..(first + capacity).min(count);
        let stimulus = Rows::from_array(samples.inputs.slice(s![batch.clone(), ..]));
        let score = score(stimulus.view(), &samples.labels[batch.clone()]);
        total.loss += score.loss * batch.len() as f64;
        total.correct += score.correct;
    }
    Evaluation { loss: total.loss / count as f64, accuracy: total.correct as f64 / count as f64 }
}

/// Stimuli of the dimension that the input weights take.
pub(crate) fn check_stimuli(weights: &Packed, inputs: ArrayView2<f32>) -> Result<()> {
    let input_dim = weights.input().row_count();
    if input_dim == 0 {
        return Err(Error::Lacks { what: "input weights" });
    }
    if inputs.ncols() != input_dim {
        let (expected, found) = (vec![inputs.nrows(), input_dim], inputs.shape().to_vec());
        return Err(Error::Shape { what: "inputs".to_owned(), expected, found });
    }
    Ok(())
}
