//! The weights of a network in the form in which they are trained and kept.

use ndarray::{Array2, ArrayD};

use super::connectivity::Connectivity;
use super::{Weights, initial};
use crate::error::Result;
use crate::params::ValidParams;

/// The weights of a network in the form in which they are trained and kept: the parts of the recurrent
/// weights in their place ([`Connectivity`]).
#[derive(Clone, Debug)]
pub struct TrainedWeights {
    /// Its `recurrent` matrices are the parts.
    arrays: Weights,
    connectivity: Connectivity,
}

impl PartialEq for TrainedWeights {
    fn eq(&self, other: &Self) -> bool {
        self.arrays == other.arrays && self.connectivity.parts() == other.connectivity.parts()
    }
}

impl From<Weights> for TrainedWeights {
    fn from(weights: Weights) -> Self {
        Self { connectivity: Connectivity::full(&weights), arrays: weights }
    }
}

impl TrainedWeights {
    /// The weights of a network whose recurrent weights are made of parts. In `arrays`, the parts are in
    /// place of the recurrent matrices.
    pub fn new(connectivity: Connectivity, arrays: Weights) -> Self {
        Self { arrays, connectivity }
    }

    /// The weights of a realisation before training.
    ///
    /// # Errors
    /// As [`initial::draw`].
    pub fn draw(params: &ValidParams) -> Result<Self> {
        initial::draw_trained(params)
    }

    /// The inverse of [`TrainedWeights::tensors`], for the network that `params` describe.
    ///
    /// # Errors
    /// As [`Weights::from_tensors`].
    pub fn from_tensors(params: &ValidParams, lookup: impl Fn(&str) -> Option<ArrayD<f32>>) -> Result<Self> {
        let connectivity = Connectivity::of(params);
        let arrays = Weights::with_parts(params, &connectivity.parts(), lookup)?;
        Ok(Self { arrays, connectivity })
    }

    /// Every array with its name in files, in a fixed order.
    pub fn tensors(&self) -> Vec<(String, ArrayD<f32>)> {
        self.arrays.tensors_with(self.names())
    }

    /// The weights of the network, as analyses see them.
    pub fn effective(&self) -> Weights {
        if self.connectivity.is_plain() {
            return self.arrays.clone();
        }
        let parts: Vec<Array2<f64>> = self.arrays.recurrent.iter().map(|part| part.mapv(f64::from)).collect();
        let rounded = |matrix: Array2<f64>| matrix.mapv(|entry| entry as f32);
        let recurrent = self.connectivity.weights(&parts).into_iter().map(rounded).collect();
        Weights { recurrent, ..self.arrays.clone() }
    }

    /// The arrays, with the parts in place of the recurrent matrices.
    pub fn arrays(&self) -> &Weights {
        &self.arrays
    }

    /// How the recurrent weights are made of their parts.
    pub fn connectivity(&self) -> &Connectivity {
        &self.connectivity
    }

    fn names(&self) -> Vec<String> {
        self.connectivity.parts().into_iter().map(|part| part.name).collect()
    }
}

/// Whether these parameters train the array of this name: recurrent weights if `network.train_recurrent`,
/// biases (including that of the readout) if `network.biases`, input weights if `network.train_input`, and
/// readout weights if `network.train_readout`. In a reservoir, only the readout is trained.
pub fn is_trained(params: &ValidParams, name: &str) -> bool {
    match name {
        name if !params.network.train_recurrent && !is_of_readout(name) => false,
        Weights::INPUT => params.network.train_input,
        Weights::READOUT => params.network.train_readout,
        Weights::READOUT_BIAS | Weights::RECURRENT_BIAS => params.network.biases,
        _ if name.starts_with(Weights::BIAS) => params.network.biases,
        _ => true,
    }
}

fn is_of_readout(name: &str) -> bool {
    matches!(name, Weights::READOUT | Weights::READOUT_BIAS)
}
