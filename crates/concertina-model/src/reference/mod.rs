//! The networks in f64, in slow, plain loops. The fast path is tested against them.
//!
//! | symbol | meaning | shape |
//! |---|---|---|
//! | `x_t` | input | (batch, input_dim) |
//! | `s_t` | state after step `t`, `s_0` before the first: `h_t`, then any further number of every unit | (batch, states × units) |
//! | `r_t` | the factor of the recurrent weights: `h_t`, or `φ(h_t)` in leaky and rate networks | (batch, units) |
//! | `r_{t-1} W + d` | recurrent currents; `d` in gated networks only | (batch, currents × units) |
//! | `x_t U + b` | input currents | (batch, currents × units) |
//! | `W`, `U`, `b`, `d` | recurrent and input weights, biases | (units, currents × units), (input_dim, currents × units), (currents × units) |
//! | `R`, `c` | readout weights and bias | (units, outputs), (outputs) |
//!
//! What happens within a unit is computed by the cell ([`Dynamics`]). Nothing here is stochastic: dropout,
//! unit noise and gradient noise belong to training. The feedforward network is the vanilla one with a
//! separate `W` and `b` for each step.

use ndarray::{Array1, Array2, ArrayView2, Axis, s};

use crate::loss::predicted_class;
use crate::network::{Dynamics, Equations};
use crate::task::{Inputs, Mask, Targets, Trials};

/// The parameters of a network in f64. A gradient has the same form.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    /// `U`, (input_dim, currents × units).
    pub input: Array2<f64>,
    /// `W`, (units, currents × units): one matrix, or one for each layer after the first.
    pub recurrent: Vec<Array2<f64>>,
    /// `b`, (currents × units): one vector, or one for each layer; in gated networks `d` follows.
    pub biases: Vec<Array1<f64>>,
    /// `R`, (units, outputs).
    pub readout: Array2<f64>,
    /// `c`, (outputs).
    pub readout_bias: Array1<f64>,
    /// `s_0`, (states × units); `None` if it is zero.
    pub initial_state: Option<Array1<f64>>,
}

/// What a step keeps for the backward pass.
struct Step {
    /// `s_t`, (batch, states × units).
    state: Array2<f64>,
    /// `r_{t-1}` and its slopes by `h_{t-1}`, (batch, units).
    sent: Array2<f64>,
    slopes: Array2<f64>,
    /// What the cell notes for the backward pass, (batch, notes × units).
    notes: Array2<f64>,
}

impl Equations {
    /// The states `s_1 ... s_T`, each (batch, states × units), for held stimuli (batch, input_dim).
    pub fn states(&self, parameters: &Parameters, stimulus: ArrayView2<f64>) -> Vec<Array2<f64>> {
        self.states_on(parameters, &self.held(stimulus))
    }

    /// The states `s_1 ... s_T`, each (batch, states × units).
    pub fn states_on(&self, parameters: &Parameters, inputs: &Inputs<f64>) -> Vec<Array2<f64>> {
        self.steps(parameters, inputs).into_iter().map(|step| step.state).collect()
    }

    /// The outputs `h R + c`, or `φ(h) R + c` where rates are read out, (batch, outputs).
    pub fn outputs(&self, parameters: &Parameters, state: &Array2<f64>) -> Array2<f64> {
        let dynamics = self.dynamics();
        let (read, _) = rates(&*dynamics, dynamics.reads_rates(), state, parameters.units());
        read.dot(&parameters.readout) + &parameters.readout_bias
    }

    /// The mean loss over the batch and the evaluated steps, for held stimuli.
    pub fn loss(&self, parameters: &Parameters, stimulus: ArrayView2<f64>, labels: &[u32]) -> f64 {
        self.loss_on(parameters, &self.labelled(stimulus, labels))
    }

    /// The mean loss over the (trial, timestep) pairs at which it counts.
    pub fn loss_on(&self, parameters: &Parameters, trials: &Trials<f64>) -> f64 {
        let states = self.states_on(parameters, &trials.inputs);
        let losses =
            states.iter().enumerate().map(|(step, state)| self.loss_at(parameters, state, trials, step).0);
        losses.sum()
    }

    /// The mean loss and its gradient by every parameter, for held stimuli.
    pub fn loss_and_gradient(
        &self,
        parameters: &Parameters,
        stimulus: ArrayView2<f64>,
        labels: &[u32],
    ) -> (f64, Parameters) {
        self.loss_and_gradient_on(parameters, &self.labelled(stimulus, labels))
    }

    /// The mean loss and its gradient by every parameter, by backpropagation through time.
    pub fn loss_and_gradient_on(&self, parameters: &Parameters, trials: &Trials<f64>) -> (f64, Parameters) {
        let steps = self.steps(parameters, &trials.inputs);
        let dynamics = self.dynamics();
        let mut gradient = parameters.zeros_like();
        let mut loss = 0.0;
        let units = parameters.units();
        let mut by_state = Array2::<f64>::zeros(steps[0].state.raw_dim()); // ∂loss/∂s_t, (batch, states × units)
        for (number, step) in steps.iter().enumerate().rev() {
            let (share, by_output) = self.loss_at(parameters, &step.state, trials, number);
            loss += share;
            let (read, slopes) = rates(&*dynamics, dynamics.reads_rates(), &step.state, units);
            gradient.readout += &read.t().dot(&by_output);
            gradient.readout_bias += &by_output.sum_axis(Axis(0));
            let mut by_h = by_state.slice_mut(s![.., ..units]);
            by_h += &(by_output.dot(&parameters.readout.t()) * &slopes);
            // ∂loss/∂ the currents, (batch, currents × units)
            let (by_recurrent, by_input) = back(&*dynamics, &mut by_state, &step.notes, units);
            gradient.biases[self.bias_index(number)] += &by_input.sum_axis(Axis(0));
            if dynamics.currents() > 1 {
                gradient.biases[1] += &by_recurrent.sum_axis(Axis(0));
            }
            if let Some(input) = input_at(&trials.inputs, number) {
                gradient.input += &input.t().dot(&by_input);
            }
            if number > 0 || parameters.initial_state.is_some() {
                let index = self.recurrent_index(number);
                gradient.recurrent[index] += &step.sent.t().dot(&by_recurrent);
                let mut by_h = by_state.slice_mut(s![.., ..units]);
                by_h += &(by_recurrent.dot(&parameters.recurrent[index].t()) * &step.slopes);
            }
        }
        if let Some(by_initial) = &mut gradient.initial_state {
            *by_initial += &by_state.sum_axis(Axis(0));
        }
        (loss, gradient)
    }

    /// The share of samples whose class the last output predicts, for held stimuli.
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

    fn held(&self, stimulus: ArrayView2<f64>) -> Inputs<f64> {
        Inputs::Held { stimuli: stimulus.to_owned(), hold: self.hold }
    }

    fn labelled(&self, stimulus: ArrayView2<f64>, labels: &[u32]) -> Trials<f64> {
        Trials {
            inputs: self.held(stimulus),
            targets: Targets::Class(labels.to_vec()),
            mask: Mask::Last(self.evaluate),
            conditions: Vec::new(),
        }
    }

    /// Runs the trial step by step.
    fn steps(&self, parameters: &Parameters, inputs: &Inputs<f64>) -> Vec<Step> {
        let dynamics = self.dynamics();
        let (batch, units) = (inputs.len(), parameters.units());
        let mut state = Array2::zeros((batch, dynamics.states() * units));
        if let Some(initial) = &parameters.initial_state {
            state += initial;
        }
        let mut steps = Vec::with_capacity(self.steps);
        for number in 0..self.steps {
            let (sent, slopes) = rates(&*dynamics, dynamics.sends_rates(), &state, units);
            let mut recurrent = Array2::zeros((batch, parameters.input.ncols()));
            if number > 0 || parameters.initial_state.is_some() {
                recurrent += &sent.dot(&parameters.recurrent[self.recurrent_index(number)]);
            }
            if dynamics.currents() > 1 {
                recurrent += &parameters.biases[1];
            }
            let mut input = Array2::zeros(recurrent.raw_dim());
            input += &parameters.biases[self.bias_index(number)];
            if let Some(shown) = input_at(inputs, number) {
                input += &shown.dot(&parameters.input);
            }
            let mut notes = Array2::zeros((batch, dynamics.notes() * units));
            for sample in 0..batch {
                dynamics.step(
                    row(&mut state, sample),
                    row(&mut recurrent, sample),
                    row(&mut input, sample),
                    row(&mut notes, sample),
                );
            }
            steps.push(Step { state: state.clone(), sent, slopes, notes });
        }
        steps
    }

    /// The contribution of a step to the mean loss, and its derivative by the outputs.
    fn loss_at(
        &self,
        parameters: &Parameters,
        state: &Array2<f64>,
        trials: &Trials<f64>,
        step: usize,
    ) -> (f64, Array2<f64>) {
        let outputs = self.outputs(parameters, state);
        let share = trials.view().share();
        let mut derivative = vec![0.0; outputs.ncols()];
        let mut derivatives = Array2::zeros(outputs.raw_dim());
        let mut total = 0.0;
        for (sample, output) in outputs.outer_iter().enumerate() {
            let counts = match &trials.mask {
                Mask::Last(timesteps) => step + timesteps >= self.steps,
                Mask::At(mask) => mask[[sample, step]],
            };
            if !counts {
                continue;
            }
            let output = output.to_vec();
            total += share
                * match &trials.targets {
                    Targets::Class(labels) => self.loss.of_sample(&output, labels[sample], &mut derivative),
                    Targets::ClassAt(classes) => {
                        self.loss.of_sample(&output, classes[[sample, step]], &mut derivative)
                    }
                    Targets::Real(targets) => {
                        let target: Vec<f64> =
                            (0..output.len()).map(|place| targets[[sample, step, place]]).collect();
                        self.loss.of_target(&output, &target, &mut derivative)
                    }
                };
            derivatives.row_mut(sample).assign(&(Array1::from(derivative.clone()) * share));
        }
        (total, derivatives)
    }
}

/// A row of a row-major matrix; all matrices here are row-major.
fn row(matrix: &mut Array2<f64>, row: usize) -> &mut [f64] {
    let columns = matrix.ncols();
    &mut matrix.as_slice_mut().expect("row-major")[row * columns..][..columns]
}

/// The factor of the recurrent weights or of the readout weights, and its slopes: the rates of `h`, or `h`
/// itself. Both are (batch, units).
fn rates(
    dynamics: &dyn Dynamics,
    are_rates: bool,
    state: &Array2<f64>,
    units: usize,
) -> (Array2<f64>, Array2<f64>) {
    let mut rates = state.slice(s![.., ..units]).to_owned();
    let mut slopes = Array2::ones(rates.raw_dim());
    if are_rates {
        for sample in 0..state.nrows() {
            dynamics.rates(row(&mut rates, sample), row(&mut slopes, sample));
        }
    }
    (rates, slopes)
}

/// Goes back through the cells. Returns the derivatives by the recurrent and by the input currents;
/// `by_state` becomes the part of the derivative that reaches the previous state directly.
fn back(
    dynamics: &dyn Dynamics,
    by_state: &mut Array2<f64>,
    notes: &Array2<f64>,
    units: usize,
) -> (Array2<f64>, Array2<f64>) {
    let batch = by_state.nrows();
    let mut by_recurrent = Array2::zeros((batch, dynamics.currents() * units));
    let mut by_input = by_recurrent.clone();
    for sample in 0..batch {
        let note = notes.row(sample).to_vec();
        let (by_recurrent, by_input) = (row(&mut by_recurrent, sample), row(&mut by_input, sample));
        dynamics.adjoint(row(by_state, sample), by_recurrent, by_input, &note);
    }
    (by_recurrent, by_input)
}

/// The input at a step, (batch, input_dim); `None` after the end of a held stimulus and after the last timed
/// input.
fn input_at(inputs: &Inputs<f64>, step: usize) -> Option<ArrayView2<'_, f64>> {
    match inputs {
        Inputs::Held { stimuli, hold } => (step < *hold).then(|| stimuli.view()),
        Inputs::Timed(inputs) => (step < inputs.dim().1).then(|| inputs.index_axis(Axis(1), step)),
    }
}

impl Parameters {
    /// Number of units.
    fn units(&self) -> usize {
        self.readout.nrows()
    }

    /// Zeros of the same shapes.
    pub fn zeros_like(&self) -> Self {
        Parameters {
            input: Array2::zeros(self.input.raw_dim()),
            recurrent: self.recurrent.iter().map(|weights| Array2::zeros(weights.raw_dim())).collect(),
            biases: self.biases.iter().map(|bias| Array1::zeros(bias.raw_dim())).collect(),
            readout: Array2::zeros(self.readout.raw_dim()),
            readout_bias: Array1::zeros(self.readout_bias.raw_dim()),
            initial_state: self.initial_state.as_ref().map(|state| Array1::zeros(state.raw_dim())),
        }
    }
}
