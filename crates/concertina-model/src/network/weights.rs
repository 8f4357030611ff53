//! The weights of a network, in the form that users and files have them.

use ndarray::{Array1, Array2, ArrayD, Ix1, Ix2};

use super::connectivity::Part;
use super::{Connectivity, Equations, cell};
use crate::error::{Error, Result};
use crate::params::{InitialState, NetworkKind, ValidParams};

/// The weights of a network. Vectors are row vectors throughout, so a matrix is (from, to) and acts as `h W`.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// Input weights `U`, (input_dim, currents × units); without rows for a network that was imported without
    /// any. A unit has one current, or several in a gated network, whose columns lie side by side.
    pub input: Array2<f32>,
    /// Recurrent weights `W`, (units, currents × units): one matrix, or in a feedforward network one for each
    /// layer after the first.
    pub recurrent: Vec<Array2<f32>>,
    /// Biases `b`, (currents × units): one vector, or in a feedforward network one for each layer. A gated
    /// network has a second one, `d`, that is added to the recurrent currents.
    pub biases: Vec<Array1<f32>>,
    /// Readout weights `R`, (units, outputs); (units, 0) for a network that was imported without any.
    pub readout: Array2<f32>,
    /// Readout bias `c`, (outputs), or none.
    pub readout_bias: Array1<f32>,
    /// The state before the first timestep, (units), or (2 × units) for `h` and `c` of an LSTM; `None` if it
    /// is zero.
    pub initial_state: Option<Array1<f32>>,
}

/// The names of the recurrent matrices in files: `recurrent_weights`, followed by the layer in a feedforward
/// network.
fn recurrent_names(count: usize, layered: bool) -> Vec<String> {
    (1..=count).map(|layer| numbered(Weights::RECURRENT, layer, count + 1, layered)).collect()
}

/// The name of a bias in files: `bias` and `recurrent_bias`, or `bias` followed by the layer in a feedforward
/// network.
fn bias_name(index: usize, count: usize, layered: bool) -> String {
    match (layered, index) {
        (false, 1) => Weights::RECURRENT_BIAS.to_owned(),
        _ => numbered(Weights::BIAS, index, count, layered),
    }
}

/// Layers are written with as many digits as the last one needs, so that names sort in their order.
fn numbered(name: &str, layer: usize, layers: usize, layered: bool) -> String {
    if !layered {
        return name.to_owned();
    }
    let digits = layers.saturating_sub(1).to_string().len();
    format!("{name}.{layer:0digits$}")
}

impl Weights {
    /// The name of the input weights in files.
    pub const INPUT: &'static str = "input_weights";
    /// The name of the recurrent weights in files; in a feedforward network it is followed by `.` and the
    /// layer.
    pub const RECURRENT: &'static str = "recurrent_weights";
    /// The name of the biases in files; in a feedforward network it is followed by `.` and the layer.
    pub const BIAS: &'static str = "bias";
    /// The name of the second bias of gated networks in files.
    pub const RECURRENT_BIAS: &'static str = "recurrent_bias";
    /// The name of the readout weights in files.
    pub const READOUT: &'static str = "readout_weights";
    /// The name of the readout bias in files.
    pub const READOUT_BIAS: &'static str = "readout_bias";
    /// The name of the initial state in files.
    pub const INITIAL_STATE: &'static str = "initial_state";

    /// Every array with its name in files, in a fixed order.
    pub fn tensors(&self) -> Vec<(String, ArrayD<f32>)> {
        self.tensors_with(self.recurrent_names())
    }

    /// The names of the recurrent matrices in files.
    pub(super) fn recurrent_names(&self) -> Vec<String> {
        recurrent_names(self.recurrent.len(), self.is_layered())
    }

    /// As [`Weights::tensors`], with other names of the recurrent matrices.
    pub(super) fn tensors_with(&self, recurrent: Vec<String>) -> Vec<(String, ArrayD<f32>)> {
        let layered = self.is_layered();
        let mut tensors = vec![(Self::INPUT.to_owned(), self.input.clone().into_dyn())];
        for (name, weights) in recurrent.into_iter().zip(&self.recurrent) {
            tensors.push((name, weights.clone().into_dyn()));
        }
        for (index, bias) in self.biases.iter().enumerate() {
            tensors.push((bias_name(index, self.biases.len(), layered), bias.clone().into_dyn()));
        }
        tensors.push((Self::READOUT.to_owned(), self.readout.clone().into_dyn()));
        tensors.push((Self::READOUT_BIAS.to_owned(), self.readout_bias.clone().into_dyn()));
        if let Some(state) = &self.initial_state {
            tensors.push((Self::INITIAL_STATE.to_owned(), state.clone().into_dyn()));
        }
        tensors
    }

    /// Number of units, in each layer.
    pub fn units(&self) -> usize {
        self.readout.nrows()
    }

    /// Whether each timestep has its own weights, as in a feedforward network with several layers. A gated
    /// network has several biases but one recurrent matrix.
    fn is_layered(&self) -> bool {
        self.biases.len() > 1
            && self.biases.len() == self.recurrent.len() + 1
            && self.input.ncols() == self.units()
    }

    /// Whether the network takes inputs; an imported network may not.
    pub fn has_input(&self) -> bool {
        self.input.nrows() > 0
    }

    /// Whether the network has outputs; an imported network may not.
    pub fn has_readout(&self) -> bool {
        self.readout.ncols() > 0
    }

    /// The inverse of [`Weights::tensors`], for the network that `params` describe. An imported network may
    /// lack input weights or the readout, which are then arrays without rows or without columns.
    ///
    /// # Errors
    /// [`Error::MissingTensor`] or [`Error::Shape`], naming the array.
    pub fn from_tensors(params: &ValidParams, lookup: impl Fn(&str) -> Option<ArrayD<f32>>) -> Result<Self> {
        Self::with_parts(params, &Connectivity::unrestricted(params).parts(), lookup)
    }

    /// As [`Weights::from_tensors`], with these parts in place of the recurrent matrices.
    pub(super) fn with_parts(
        params: &ValidParams,
        parts: &[Part],
        lookup: impl Fn(&str) -> Option<ArrayD<f32>>,
    ) -> Result<Self> {
        let (units, input_dim, outputs) = (params.network.units, params.inputs(), params.outputs());
        let Layout { currents, biases, layered, states, .. } = Layout::of(params);
        let columns = currents * units;
        // What an imported network lacks is an array without entries.
        let lacks = |name: &str, axis: usize| {
            params.network.weights.is_some()
                && lookup(name).is_some_and(|array| array.shape().get(axis) == Some(&0))
        };
        let input_dim = if lacks(Self::INPUT, 0) { 0 } else { input_dim };
        let outputs = if lacks(Self::READOUT, 1) { 0 } else { outputs };
        let find = |name: &str| lookup(name).ok_or_else(|| Error::MissingTensor { name: name.to_owned() });
        let matrix = |name: &str, rows: usize, columns: usize| {
            let array = find(name)?;
            let found = array.shape().to_vec();
            match array.into_dimensionality::<Ix2>() {
                Ok(matrix) if matrix.dim() == (rows, columns) => Ok(matrix),
                _ => Err(Error::Shape { what: name.to_owned(), expected: vec![rows, columns], found }),
            }
        };
        let vector = |name: &str, length: usize| {
            let array = find(name)?;
            let found = array.shape().to_vec();
            match array.into_dimensionality::<Ix1>() {
                Ok(vector) if vector.len() == length => Ok(vector),
                _ => Err(Error::Shape { what: name.to_owned(), expected: vec![length], found }),
            }
        };
        Ok(Weights {
            input: matrix(Self::INPUT, input_dim, columns)?,
            recurrent: parts
                .iter()
                .map(|part| matrix(&part.name, units, part.columns))
                .collect::<Result<_>>()?,
            biases: (0..biases)
                .map(|index| vector(&bias_name(index, biases, layered), columns))
                .collect::<Result<_>>()?,
            readout: matrix(Self::READOUT, units, outputs)?,
            readout_bias: vector(Self::READOUT_BIAS, outputs)?,
            initial_state: match params.network.initial_state {
                InitialState::Zero => None,
                InitialState::Trained => Some(vector(Self::INITIAL_STATE, states * units)?),
            },
        })
    }
}

/// The number of arrays of a network, and their width.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Layout {
    /// Number of currents of a unit.
    pub(super) currents: usize,
    /// Number of recurrent matrices.
    pub(super) recurrent: usize,
    /// Number of biases of the units.
    pub(super) biases: usize,
    /// Whether the names of arrays contain the layer.
    pub(super) layered: bool,
    /// How many numbers the state of a unit has.
    pub(super) states: usize,
}

impl Layout {
    /// The names of the recurrent matrices in files.
    pub(super) fn recurrent_names(&self) -> Vec<String> {
        recurrent_names(self.recurrent, self.layered)
    }

    pub(super) fn of(params: &ValidParams) -> Self {
        let cell = cell::of(&Equations::new(params));
        let (currents, states) = (cell.currents(), cell.states());
        let steps = params.trial_steps();
        match params.network.kind {
            // names are numbered where there is more than one layer
            NetworkKind::Feedforward => {
                Layout { currents, recurrent: steps - 1, biases: steps, layered: steps > 1, states }
            }
            _ => {
                let biases = if currents > 1 { 2 } else { 1 };
                Layout { currents, recurrent: 1, biases, layered: false, states }
            }
        }
    }
}
