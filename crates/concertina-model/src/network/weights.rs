//! The weights of a network, as users and files see them.

use ndarray::{Array1, Array2, ArrayD, Ix1, Ix2};

use super::initial::layer_counts;
use crate::error::{Error, Result};
use crate::params::ValidParams;

/// The weights of a network: row vectors throughout, so a matrix is (from, to) and acts as `h W`.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// Input weights `U`, (input_dim, units); (0, units) for a network that was imported without any.
    pub input: Array2<f32>,
    /// Recurrent weights `W`, (units, units): one, or in a feedforward network one for each layer after the first.
    pub recurrent: Vec<Array2<f32>>,
    /// Biases `b`, (units): one, or in a feedforward network one for each layer.
    pub biases: Vec<Array1<f32>>,
    /// Readout weights `R`, (units, outputs); (units, 0) for a network that was imported without any.
    pub readout: Array2<f32>,
    /// Readout bias `c`, (outputs), or none.
    pub readout_bias: Array1<f32>,
}

/// The name under which a recurrent matrix is kept in files: `recurrent_weights`, or with the layer for a feedforward network.
fn recurrent_name(index: usize, count: usize, feedforward: bool) -> String {
    numbered(Weights::RECURRENT, index + 1, count + 1, feedforward)
}

/// The name under which a bias is kept in files: `bias`, or with the layer for a feedforward network.
fn bias_name(index: usize, count: usize, feedforward: bool) -> String {
    numbered(Weights::BIAS, index, count, feedforward)
}

/// Layers are written with as many digits as the last one needs, so that names sort.
fn numbered(name: &str, layer: usize, layers: usize, feedforward: bool) -> String {
    if !feedforward {
        return name.to_owned();
    }
    let digits = layers.saturating_sub(1).to_string().len();
    format!("{name}.{layer:0digits$}")
}

impl Weights {
    /// The name of the input weights in files.
    pub const INPUT: &'static str = "input_weights";
    /// The name of the recurrent weights in files; in a feedforward network `.` and the layer follow.
    pub const RECURRENT: &'static str = "recurrent_weights";
    /// The name of the biases in files; in a feedforward network `.` and the layer follow.
    pub const BIAS: &'static str = "bias";
    /// The name of the readout weights in files.
    pub const READOUT: &'static str = "readout_weights";
    /// The name of the readout bias in files.
    pub const READOUT_BIAS: &'static str = "readout_bias";

    /// Every array with its name in files, in a fixed order.
    pub fn tensors(&self) -> Vec<(String, ArrayD<f32>)> {
        let feedforward = self.biases.len() > 1;
        let mut tensors = vec![(Self::INPUT.to_owned(), self.input.clone().into_dyn())];
        for (index, weights) in self.recurrent.iter().enumerate() {
            tensors
                .push((recurrent_name(index, self.recurrent.len(), feedforward), weights.clone().into_dyn()));
        }
        for (index, bias) in self.biases.iter().enumerate() {
            tensors.push((bias_name(index, self.biases.len(), feedforward), bias.clone().into_dyn()));
        }
        tensors.push((Self::READOUT.to_owned(), self.readout.clone().into_dyn()));
        tensors.push((Self::READOUT_BIAS.to_owned(), self.readout_bias.clone().into_dyn()));
        tensors
    }

    /// Whether the network takes inputs: one that was imported may not.
    pub fn has_input(&self) -> bool {
        self.input.nrows() > 0
    }

    /// Whether the network has outputs: one that was imported may not.
    pub fn has_readout(&self) -> bool {
        self.readout.ncols() > 0
    }

    /// The inverse of [`Weights::tensors`], for the network that `params` describe. An imported network may lack input weights, or the
    /// readout: arrays without rows, or without columns.
    ///
    /// # Errors
    /// [`Error::MissingTensor`] or [`Error::Shape`], naming the array.
    pub fn from_tensors(params: &ValidParams, lookup: impl Fn(&str) -> Option<ArrayD<f32>>) -> Result<Self> {
        let (units, input_dim, outputs) = (params.network.units, params.task.input_dim, params.outputs());
        let (recurrent_count, bias_count) = layer_counts(params);
        let feedforward = bias_count > 1;
        // What an imported network lacks is there as an array of nothing.
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
            input: matrix(Self::INPUT, input_dim, units)?,
            recurrent: (0..recurrent_count)
                .map(|index| matrix(&recurrent_name(index, recurrent_count, feedforward), units, units))
                .collect::<Result<_>>()?,
            biases: (0..bias_count)
                .map(|index| vector(&bias_name(index, bias_count, feedforward), units))
                .collect::<Result<_>>()?,
            readout: matrix(Self::READOUT, units, outputs)?,
            readout_bias: vector(Self::READOUT_BIAS, outputs)?,
        })
    }
}
