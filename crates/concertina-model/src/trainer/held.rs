//! Entries of arrays that are not trained.

use concertina_numerics::kernels::Panels;
use ndarray::Array2;

use crate::network::Packed;

/// Some entries of an array that keep their value.
#[derive(Debug)]
pub(super) struct Held {
    /// The position of the array in [`Packed::arrays`].
    pub(super) at: usize,
    /// 1 for entries that are trained, and 0 for those that are not.
    trained: Panels,
    /// The values of the entries that are not trained.
    values: Panels,
}

impl Held {
    /// `trained`: one entry for each entry of the array, or one column for all of its columns.
    pub(super) fn new(at: usize, trained: &Array2<bool>, weights: &Packed) -> Self {
        let values = weights.arrays()[at].clone();
        let (rows, columns) = (values.row_count(), values.column_count());
        let entry = |(row, column): (usize, usize)| {
            f32::from(u8::from(trained[[row, if trained.ncols() == 1 { 0 } else { column }]]))
        };
        let trained = Panels::from_row_major(Array2::from_shape_fn((rows, columns), entry).view());
        Self { at, trained, values }
    }

    /// Sets derivatives, or noise on them, to zero where nothing is trained.
    pub(super) fn clear(&self, derivatives: &mut Panels) {
        for (derivative, trained) in derivatives.as_mut_slice().iter_mut().zip(self.trained.as_slice()) {
            *derivative = if *trained > 0.0 { *derivative } else { 0.0 };
        }
    }

    /// Gives the entries that are not trained their value again.
    pub(super) fn restore(&self, array: &mut Panels) {
        let held = self.trained.as_slice().iter().zip(self.values.as_slice());
        for (entry, (trained, value)) in array.as_mut_slice().iter_mut().zip(held) {
            *entry = if *trained > 0.0 { *entry } else { *value };
        }
    }
}
