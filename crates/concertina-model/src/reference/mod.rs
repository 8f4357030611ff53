//! The equations, in f64, as plain as they are written: slow, and what the fast path is checked against.
//!
//! | symbol | meaning | shape |
//! |---|---|---|
//! | `x` | stimulus | (batch, input_dim) |
//! | `h_t` | state after step `t`, `h_0 = 0` | (batch, units) |
//! | `r_t` | rate: `h_t`, or `φ(h_t)` in the leaky network | (batch, units) |
//! | `a_t` | input current, `r_{t-1} W + x_t U + b` | (batch, units) |
//! | `W`, `U`, `b` | recurrent and input weights, biases | (units, units), (input_dim, units), (units) |
//! | `R`, `c` | readout weights and bias | (units, outputs), (outputs) |
//!
//! Nothing here is stochastic: dropout, unit noise and gradient noise belong to training. The feedforward network is the
//! vanilla one with a `W` and a `b` for each step.

use ndarray::{Array1, Array2, ArrayView2, Axis, Zip};

use crate::loss::predicted_class;
use crate::network::Equations;
use crate::params::{NetworkKind, Nonlinearity};

/// The parameters of a network in f64; also what a gradient consists of.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    /// `U`, (input_dim, units).
    pub input: Array2<f64>,
    /// `W`, (units, units): one, or one for each layer after the first.
    pub recurrent: Vec<Array2<f64>>,
    /// `b`, (units): one, or one for each layer.
    pub biases: Vec<Array1<f64>>,
    /// `R`, (units, outputs).
    pub readout: Array2<f64>,
    /// `c`, (outputs).
    pub readout_bias: Array1<f64>,
}

impl Equations {
    /// φ.
    fn phi(&self, values: &Array2<f64>) -> Array2<f64> {
        match self.nonlinearity {
            Nonlinearity::Tanh => values.mapv(f64::tanh),
            Nonlinearity::Relu => values.mapv(|value| value.max(0.0)),
            Nonlinearity::Linear => values.clone(),
        }
    }

    /// φ′ from the rate φ(a); relu has slope 0 at 0.
    fn slope(&self, rate: f64) -> f64 {
        match self.nonlinearity {
            Nonlinearity::Tanh => 1.0 - rate * rate,
            Nonlinearity::Relu => f64::from(u8::from(rate > 0.0)),
            Nonlinearity::Linear => 1.0,
        }
    }

    fn rates(&self, state: &Array2<f64>) -> Array2<f64> {
        if self.kind == NetworkKind::Leaky { self.phi(state) } else { state.clone() }
    }

    /// The states `h_1 ... h_T`, each (batch, units).
    pub fn states(&self, parameters: &Parameters, stimulus: ArrayView2<f64>) -> Vec<Array2<f64>> {
        let units = parameters.input.ncols();
        let mut states: Vec<Array2<f64>> = Vec::with_capacity(self.steps);
        let start = Array2::zeros((stimulus.nrows(), units));
        for step in 0..self.steps {
            let previous = states.last().unwrap_or(&start);
            let mut current = Array2::zeros((stimulus.nrows(), units));
            current += &parameters.biases[self.bias_index(step)];
            if step < self.hold {
                current += &stimulus.dot(&parameters.input);
            }
            if step > 0 {
                current += &self.rates(previous).dot(&parameters.recurrent[self.recurrent_index(step)]);
            }
            states.push(match self.kind {
                NetworkKind::Vanilla | NetworkKind::Feedforward => self.phi(&current),
                NetworkKind::Leaky => self.kept() * previous + self.dt * current,
            });
        }
        states
    }

    /// The outputs `h R + c`, (batch, outputs).
    pub fn outputs(&self, parameters: &Parameters, state: &Array2<f64>) -> Array2<f64> {
        state.dot(&parameters.readout) + &parameters.readout_bias
    }

    /// The mean loss over the batch and the evaluated steps.
    pub fn loss(&self, parameters: &Parameters, stimulus: ArrayView2<f64>, labels: &[u32]) -> f64 {
        let states = self.states(parameters, stimulus);
        let evaluated = self.steps - self.evaluate..self.steps;
        evaluated.map(|step| self.loss_at(parameters, &states[step], labels).0).sum()
    }

    /// The share of a step in the mean loss, and its derivative by the outputs.
    fn loss_at(&self, parameters: &Parameters, state: &Array2<f64>, labels: &[u32]) -> (f64, Array2<f64>) {
        let outputs = self.outputs(parameters, state);
        let share = 1.0 / (labels.len() * self.evaluate) as f64;
        let mut derivative = vec![0.0; outputs.ncols()];
        let mut derivatives = Array2::zeros(outputs.raw_dim());
        let mut total = 0.0;
        for (sample, (output, label)) in outputs.outer_iter().zip(labels).enumerate() {
            total += self.loss.of_sample(&output.to_vec(), *label, &mut derivative) * share;
            derivatives.row_mut(sample).assign(&(Array1::from(derivative.clone()) * share));
        }
        (total, derivatives)
    }

    /// The mean loss and its gradient by every parameter: backpropagation through time.
    pub fn loss_and_gradient(
        &self,
        parameters: &Parameters,
        stimulus: ArrayView2<f64>,
        labels: &[u32],
    ) -> (f64, Parameters) {
        let states = self.states(parameters, stimulus);
        let mut gradient = parameters.zeros_like();
        let mut loss = 0.0;
        let mut by_state = Array2::<f64>::zeros(states[0].raw_dim()); // ∂loss/∂h_t, (batch, units)
        for step in (0..self.steps).rev() {
            if self.is_evaluated(step) {
                let (share, by_output) = self.loss_at(parameters, &states[step], labels);
                loss += share;
                gradient.readout += &states[step].t().dot(&by_output);
                gradient.readout_bias += &by_output.sum_axis(Axis(0));
                by_state += &by_output.dot(&parameters.readout.t());
            }
            // ∂loss/∂a_t, (batch, units)
            let mut by_current = by_state.clone();
            match self.kind {
                NetworkKind::Vanilla | NetworkKind::Feedforward => {
                    Zip::from(&mut by_current)
                        .and(&states[step])
                        .for_each(|slope, rate| *slope *= self.slope(*rate));
                }
                NetworkKind::Leaky => by_current *= self.dt,
            }
            gradient.biases[self.bias_index(step)] += &by_current.sum_axis(Axis(0));
            if step < self.hold {
                gradient.input += &stimulus.t().dot(&by_current);
            }
            if step > 0 {
                let index = self.recurrent_index(step);
                let rates = self.rates(&states[step - 1]);
                gradient.recurrent[index] += &rates.t().dot(&by_current);
                let mut by_rate = by_current.dot(&parameters.recurrent[index].t());
                if self.kind == NetworkKind::Leaky {
                    Zip::from(&mut by_rate).and(&rates).for_each(|slope, rate| *slope *= self.slope(*rate));
                    by_state = self.kept() * &by_state + by_rate;
                } else {
                    by_state = by_rate;
                }
            }
        }
        (loss, gradient)
    }

    /// The share of samples whose class the last output names.
    pub fn accuracy(&self, parameters: &Parameters, stimulus: ArrayView2<f64>, labels: &[u32]) -> f64 {
        let states = self.states(parameters, stimulus);
        let outputs = self.outputs(parameters, &states[self.steps - 1]);
        let correct = outputs
            .outer_iter()
            .zip(labels)
            .filter(|(output, label)| predicted_class(&output.to_vec()) == **label)
            .count();
        correct as f64 / labels.len() as f64
    }
}

impl Parameters {
    /// Zeros of the same shapes.
    pub fn zeros_like(&self) -> Self {
        Parameters {
            input: Array2::zeros(self.input.raw_dim()),
            recurrent: self.recurrent.iter().map(|weights| Array2::zeros(weights.raw_dim())).collect(),
            biases: self.biases.iter().map(|bias| Array1::zeros(bias.raw_dim())).collect(),
            readout: Array2::zeros(self.readout.raw_dim()),
            readout_bias: Array1::zeros(self.readout_bias.raw_dim()),
        }
    }
}
