//! The forward pass of a network from its weights, one multiplication at a time.

use concertina_model::network::{Network, Weights};
use concertina_model::params::{NetworkKind, Nonlinearity};

use super::algebra::Matrix;

/// Converts single-precision numbers to rows in double precision.
pub(crate) fn rows<'a>(array: impl IntoIterator<Item = ndarray::ArrayView1<'a, f32>>) -> Matrix {
    array.into_iter().map(|row| row.iter().map(|entry| f64::from(*entry)).collect()).collect()
}

/// A network, ready to be run in f64, or with every intermediate result rounded to f32.
pub(crate) struct Runner<'a> {
    network: &'a Network,
    input: Matrix,
    recurrent: Vec<Matrix>,
    biases: Vec<Vec<f64>>,
    single: bool,
}

impl<'a> Runner<'a> {
    pub(crate) fn new(network: &'a Network, single: bool) -> Self {
        let Weights { input, recurrent, biases, .. } = network.weights();
        Self {
            network,
            input: rows(input.outer_iter()),
            recurrent: recurrent.iter().map(|matrix| rows(matrix.outer_iter())).collect(),
            biases: biases.iter().map(|bias| bias.iter().map(|entry| f64::from(*entry)).collect()).collect(),
            single,
        }
    }

    fn rounded(&self, number: f64) -> f64 {
        if self.single { f64::from(number as f32) } else { number }
    }

    fn rate(&self, activity: f64) -> f64 {
        self.rounded(match self.network.nonlinearity() {
            Nonlinearity::Tanh => activity.tanh(),
            Nonlinearity::Relu => activity.max(0.0),
            Nonlinearity::Linear => activity,
            Nonlinearity::Softplus => activity.max(0.0) + (-activity.abs()).exp().ln_1p(),
            Nonlinearity::Sigmoid => 1.0 / (1.0 + (-activity).exp()),
        })
    }

    /// The states of a trial after each of this number of steps.
    pub(crate) fn states(&self, stimulus: &[f64], steps: usize) -> Matrix {
        let hold = self.network.equations().hold;
        let layered = self.network.kind() == NetworkKind::Feedforward;
        let mut states: Matrix = Vec::new();
        for step in 0..steps {
            let matrix = step.checked_sub(1).map(|before| &self.recurrent[if layered { before } else { 0 }]);
            let bias = &self.biases[if layered { step } else { 0 }];
            let shown = if step < hold { stimulus } else { &[] };
            let next = self.step(states.last(), matrix, shown, bias);
            states.push(next);
        }
        states
    }

    fn step(
        &self,
        before: Option<&Vec<f64>>,
        matrix: Option<&Matrix>,
        shown: &[f64],
        bias: &[f64],
    ) -> Vec<f64> {
        let leaky = self.network.kind() == NetworkKind::Leaky;
        let mut next = Vec::new();
        for unit in 0..bias.len() {
            let mut sum = 0.0;
            for (from, entry) in before.into_iter().flatten().enumerate() {
                let heard = if leaky { self.rate(*entry) } else { *entry };
                sum = self.rounded(sum + self.rounded(heard * matrix.expect("a step before")[from][unit]));
            }
            for (from, entry) in shown.iter().enumerate() {
                sum = self.rounded(sum + self.rounded(entry * self.input[from][unit]));
            }
            sum = self.rounded(sum + bias[unit]);
            next.push(if leaky {
                let dt = self.network.dt();
                let kept = if self.network.leak() { 1.0 - dt } else { 1.0 };
                let own = before.map_or(0.0, |before| before[unit]);
                self.rounded(self.rounded(self.rounded(dt) * sum) + self.rounded(self.rounded(kept) * own))
            } else {
                self.rate(sum)
            });
        }
        next
    }

    /// The rates that correspond to states: the outputs of the nonlinearity.
    pub(crate) fn rates(&self, state: &[f64]) -> Vec<f64> {
        let leaky = self.network.kind() == NetworkKind::Leaky;
        state.iter().map(|entry| if leaky { self.rate(*entry) } else { *entry }).collect()
    }
}
