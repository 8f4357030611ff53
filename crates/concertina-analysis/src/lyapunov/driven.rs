//! The network with inputs that change from timestep to timestep.

use concertina_model::network::Network;
use concertina_model::task::Inputs;
use ndarray::{Array1, Array2, Array3, ArrayView1, ArrayView2, Axis};

use super::dynamics::{Advanced, Autonomous};
use crate::{Error, Result};

/// A network with inputs: a map from its state and an input to its next state, in f64.
///
/// The Jacobian of a step is taken at the state that it maps from, together with the input of that step.
///
/// ```
/// use concertina_analysis::lyapunov::{Autonomous, Driven, Rule};
/// use concertina_model::params::Nonlinearity;
/// use ndarray::{arr1, arr2};
///
/// let unit = Autonomous::new(arr2(&[[0.5]]), arr1(&[0.0]), Nonlinearity::Linear, Rule::Map)?;
/// let driven = Driven::new(unit, arr2(&[[2.0]]))?;
/// let states = driven.trajectory(arr1(&[0.0]).view(), arr2(&[[1.0], [0.0]]).view())?;
/// assert_eq!(states, arr2(&[[0.0], [2.0], [1.0]]));
/// # Ok::<(), concertina_analysis::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Driven {
    pub(crate) system: Autonomous,
    /// (inputs, currents × units).
    input_weights: Array2<f64>,
    /// The state before the first timestep of a trial.
    pub(crate) start: Array1<f64>,
}

impl Driven {
    /// These dynamics with inputs that reach them through these weights. Trials start from the zero state.
    ///
    /// # Shapes
    /// `input_weights`: (inputs, currents × units).
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::NotFinite`].
    pub fn new(system: Autonomous, input_weights: Array2<f64>) -> Result<Self> {
        if input_weights.ncols() != system.bias.len() {
            let expected = format!("(inputs, currents × units) = (any, {})", system.bias.len());
            let found = input_weights.shape().to_vec();
            return Err(Error::Shape { what: "input weights", expected, found });
        }
        match input_weights.indexed_iter().find(|(_, value)| !value.is_finite()) {
            None => Ok(Self { start: Array1::zeros(system.dimension()), system, input_weights }),
            Some(((input, column), value)) => Err(Error::NotFinite {
                what: "input weights".to_owned(),
                place: format!("from input {input} to column {column}"),
                value: *value,
            }),
        }
    }

    /// The dynamics of a recurrent network, whose trials start from its initial state; `None` for a
    /// feedforward one, which has none.
    ///
    /// # Errors
    /// [`Error::NotFinite`]; [`Error::Model`] for a network that was imported without input weights.
    pub fn of(network: &Network) -> Result<Option<Self>> {
        let Some(system) = Autonomous::of(network)? else { return Ok(None) };
        let mut driven = Self::new(system, network.input()?.mapv(f64::from))?;
        if let Some(start) = &network.weights().initial_state {
            driven.start = start.mapv(f64::from);
        }
        Ok(Some(driven))
    }

    /// The same network without input.
    pub fn autonomous(&self) -> &Autonomous {
        &self.system
    }

    /// Number of inputs.
    pub fn inputs(&self) -> usize {
        self.input_weights.nrows()
    }

    /// The state after this one.
    ///
    /// # Shapes
    /// `state`: ([`Autonomous::dimension`]); `input`: (inputs); returns the shape of the state.
    ///
    /// # Errors
    /// [`Error::Shape`].
    pub fn next(&self, state: ArrayView1<f64>, input: ArrayView1<f64>) -> Result<Array1<f64>> {
        self.system.check_state(state)?;
        let currents = self.currents(input.insert_axis(Axis(0)))?;
        Ok(self.advanced(&state.to_owned(), currents.row(0)).next)
    }

    /// The Jacobian `J[i, j] = ∂h'[j] / ∂h[i]` of the step from this state with this input.
    ///
    /// # Shapes
    /// `state`: ([`Autonomous::dimension`]); `input`: (inputs); returns (dimension, dimension), (from, to).
    ///
    /// # Errors
    /// [`Error::Shape`].
    pub fn jacobian(&self, state: ArrayView1<f64>, input: ArrayView1<f64>) -> Result<Array2<f64>> {
        self.system.check_state(state)?;
        let currents = self.currents(input.insert_axis(Axis(0)))?;
        Ok(self.system.jacobian_from(&self.advanced(&state.to_owned(), currents.row(0))))
    }

    /// The states of a trial: the start, and the state after every input.
    ///
    /// # Shapes
    /// `start`: (dimension); `inputs`: (timesteps, inputs); returns (timesteps + 1, dimension).
    ///
    /// # Errors
    /// [`Error::Shape`].
    pub fn trajectory(&self, start: ArrayView1<f64>, inputs: ArrayView2<f64>) -> Result<Array2<f64>> {
        self.system.check_state(start)?;
        let currents = self.currents(inputs)?;
        let mut states = Array2::zeros((inputs.nrows() + 1, start.len()));
        states.row_mut(0).assign(&start);
        for (timestep, currents) in currents.outer_iter().enumerate() {
            let next = self.advanced(&states.row(timestep).to_owned(), currents).next;
            states.row_mut(timestep + 1).assign(&next);
        }
        Ok(states)
    }

    /// The Jacobians along given states: that of step `t` is taken at state `t` with input `t`.
    ///
    /// # Shapes
    /// `states`: (timesteps or more, dimension); `inputs`: (timesteps, inputs); returns (timesteps,
    /// dimension, dimension), (.., from, to).
    ///
    /// # Errors
    /// [`Error::Shape`].
    pub fn jacobians(&self, states: ArrayView2<f64>, inputs: ArrayView2<f64>) -> Result<Array3<f64>> {
        let numbers = self.system.dimension();
        if states.ncols() != numbers || states.nrows() < inputs.nrows() {
            let width = self.system.width();
            let expected = format!("(timesteps, {width}) = (at least {}, {numbers})", inputs.nrows());
            return Err(Error::Shape { what: "states", expected, found: states.shape().to_vec() });
        }
        let currents = self.currents(inputs)?;
        let mut jacobians = Array3::zeros((inputs.nrows(), numbers, numbers));
        let steps = states.outer_iter().zip(currents.outer_iter());
        for (mut jacobian, (state, currents)) in jacobians.outer_iter_mut().zip(steps) {
            jacobian.assign(&self.system.jacobian_from(&self.advanced(&state.to_owned(), currents)));
        }
        Ok(jacobians)
    }

    /// The currents from the inputs, with the bias.
    ///
    /// # Shapes
    /// `inputs`: (timesteps, inputs); returns (timesteps, currents × units).
    ///
    /// # Errors
    /// [`Error::Shape`].
    pub fn currents(&self, inputs: ArrayView2<f64>) -> Result<Array2<f64>> {
        if inputs.ncols() != self.inputs() {
            let expected = format!("(timesteps, inputs) = (any, {})", self.inputs());
            return Err(Error::Shape { what: "inputs", expected, found: inputs.shape().to_vec() });
        }
        // an input of zero, as after a stimulus, needs no product
        let mut currents = Array2::zeros((inputs.nrows(), self.system.bias.len()));
        for (mut current, input) in currents.outer_iter_mut().zip(inputs.outer_iter()) {
            current.assign(&self.system.bias);
            for (input, weights) in input.iter().zip(self.input_weights.outer_iter()) {
                if *input != 0.0 {
                    current.scaled_add(*input, &weights);
                }
            }
        }
        Ok(currents)
    }

    /// A timestep with these currents from the inputs.
    pub(crate) fn advanced(&self, state: &Array1<f64>, currents: ArrayView1<f64>) -> Advanced {
        self.system.advanced(state, currents.as_slice().expect("a row of an array in row-major order"))
    }
}

/// The inputs of trials at every timestep, (trials, timesteps, inputs): zero after their end.
pub(crate) fn over_time(inputs: &Inputs, timesteps: usize) -> Array3<f64> {
    let mut all = Array3::zeros((inputs.len(), timesteps, inputs.dimension()));
    match inputs {
        Inputs::Held { stimuli, hold } => {
            for timestep in 0..timesteps.min(*hold) {
                all.index_axis_mut(Axis(1), timestep).assign(&stimuli.mapv(f64::from));
            }
        }
        Inputs::Timed(inputs) => {
            for timestep in 0..timesteps.min(inputs.dim().1) {
                let known = inputs.index_axis(Axis(1), timestep).mapv(f64::from);
                all.index_axis_mut(Axis(1), timestep).assign(&known);
            }
        }
    }
    all
}
