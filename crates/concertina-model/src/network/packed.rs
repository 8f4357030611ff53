//! The weights in the layout that the kernels use.

use std::ops::Range;

use concertina_numerics::kernels::Panels;
use ndarray::Array1;

use super::{Connectivity, TrainedWeights, Weights};

/// All arrays of a network (or of its gradient, or of an optimizer's buffer), packed for the kernels.
///
/// Vectors are matrices of one row. The order of the arrays is that of [`Weights::tensors`], with the parts
/// of the recurrent weights in their place. Padding is zero, and every elementwise update keeps it so.
#[derive(Clone, Debug)]
pub(crate) struct Packed {
    connectivity: Connectivity,
    arrays: Vec<Panels>,
    recurrent_count: usize,
    bias_count: usize,
    has_initial_state: bool,
}

/// The positions of the arrays in [`Packed::arrays`].
#[derive(Clone, Debug)]
pub(crate) struct Slots {
    pub(crate) input: usize,
    pub(crate) recurrent: Range<usize>,
    pub(crate) biases: Range<usize>,
    pub(crate) readout: usize,
    pub(crate) readout_bias: usize,
    pub(crate) initial_state: Option<usize>,
}

impl Packed {
    /// Weights whose recurrent matrices are used as they are.
    pub(crate) fn pack(weights: &Weights) -> Self {
        Self::of(weights, Connectivity::full(weights))
    }

    /// Weights in the form in which they are trained.
    pub(crate) fn pack_trained(weights: &TrainedWeights) -> Self {
        Self::of(weights.arrays(), weights.connectivity().clone())
    }

    fn of(weights: &Weights, connectivity: Connectivity) -> Self {
        let row = |vector: &Array1<f32>| Panels::from_row_major(vector.view().insert_axis(ndarray::Axis(0)));
        let mut arrays = vec![Panels::from_row_major(weights.input.view())];
        arrays.extend(weights.recurrent.iter().map(|matrix| Panels::from_row_major(matrix.view())));
        arrays.extend(weights.biases.iter().map(row));
        arrays.push(Panels::from_row_major(weights.readout.view()));
        arrays.push(row(&weights.readout_bias));
        arrays.extend(weights.initial_state.iter().map(row));
        Packed {
            connectivity,
            arrays,
            recurrent_count: weights.recurrent.len(),
            bias_count: weights.biases.len(),
            has_initial_state: weights.initial_state.is_some(),
        }
    }

    /// The arrays, with the parts in place of the recurrent matrices.
    pub(crate) fn unpack(&self) -> Weights {
        Weights {
            input: self.input().to_array(),
            recurrent: (0..self.recurrent_count).map(|index| self.recurrent(index).to_array()).collect(),
            biases: (0..self.bias_count).map(|index| Array1::from(self.bias(index).to_vec())).collect(),
            readout: self.readout().to_array(),
            readout_bias: Array1::from(self.readout_bias().to_vec()),
            initial_state: self.initial_state().map(|state| Array1::from(state.to_vec())),
        }
    }

    /// Zeros of the same shapes.
    pub(crate) fn zeros_like(&self) -> Self {
        let arrays = self
            .arrays
            .iter()
            .map(|panels| Panels::zeros(panels.row_count(), panels.column_count()))
            .collect();
        Packed {
            connectivity: self.connectivity.clone(),
            arrays,
            recurrent_count: self.recurrent_count,
            bias_count: self.bias_count,
            has_initial_state: self.has_initial_state,
        }
    }

    pub(crate) fn connectivity(&self) -> &Connectivity {
        &self.connectivity
    }

    pub(crate) fn arrays(&self) -> &[Panels] {
        &self.arrays
    }

    pub(crate) fn arrays_mut(&mut self) -> &mut [Panels] {
        &mut self.arrays
    }

    pub(crate) fn input(&self) -> &Panels {
        &self.arrays[0]
    }

    /// A part of the recurrent weights.
    pub(crate) fn recurrent(&self, index: usize) -> &Panels {
        &self.arrays[1 + index]
    }

    pub(crate) fn bias(&self, index: usize) -> &[f32] {
        vector(&self.arrays[1 + self.recurrent_count + index])
    }

    pub(crate) fn readout(&self) -> &Panels {
        &self.arrays[self.slots().readout]
    }

    pub(crate) fn readout_bias(&self) -> &[f32] {
        vector(&self.arrays[self.slots().readout_bias])
    }

    /// The state before the first timestep, (states × units); `None` if it is zero.
    pub(crate) fn initial_state(&self) -> Option<&[f32]> {
        self.slots().initial_state.map(|slot| vector(&self.arrays[slot]))
    }

    pub(crate) fn recurrent_count(&self) -> usize {
        self.recurrent_count
    }

    /// The position of each array.
    pub(crate) fn slots(&self) -> Slots {
        let recurrent = 1..1 + self.recurrent_count;
        let biases = recurrent.end..recurrent.end + self.bias_count;
        Slots {
            input: 0,
            readout: biases.end,
            readout_bias: biases.end + 1,
            initial_state: self.has_initial_state.then_some(biases.end + 2),
            recurrent,
            biases,
        }
    }
}

/// A packed matrix of one row, without its padding.
fn vector(panels: &Panels) -> &[f32] {
    &panels.as_slice()[..panels.column_count()]
}
