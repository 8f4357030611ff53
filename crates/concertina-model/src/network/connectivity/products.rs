//! The products of the loops over time with the recurrent weights.

use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;

use concertina_numerics::kernels::{self, Panels, RowsMut, RowsRef};

use super::super::packed::Packed;

/// Products with the recurrent weights. Rows are samples.
///
/// `sent` is what units send to each other: states, or rates.
pub(crate) trait Products: Debug + Send + Sync {
    /// How many numbers a product keeps of each row, for the gradient.
    fn width(&self) -> usize {
        0
    }

    /// Takes over weights that have changed.
    fn begin(&mut self, weights: &Packed);

    /// The currents `sent W`. (rows, units) → (rows, currents × units).
    fn forward(
        &self,
        weights: &Packed,
        index: usize,
        currents: RowsMut<'_>,
        sent: RowsRef<'_>,
        kept: RowsMut<'_>,
    );

    /// `by_currents Wᵀ`, which is added to `by_sent` if `accumulate`. (rows, currents × units) → (rows,
    /// units).
    fn backward(
        &self,
        index: usize,
        by_sent: RowsMut<'_>,
        by_currents: RowsRef<'_>,
        kept: RowsMut<'_>,
        accumulate: bool,
    );

    /// The derivatives by the parts that are `trained`, of which `sentᵀ by_currents` are those by the
    /// weights. The rows are those of several timesteps.
    fn collect(&mut self, index: usize, of: Collected<'_>, by_parts: &mut [Panels], trained: &[bool]);
}

/// What the gradient is made of.
pub(crate) struct Collected<'a> {
    pub(crate) sent: RowsRef<'a>,
    pub(crate) by_currents: RowsRef<'a>,
    /// What the forward and the backward products kept.
    pub(crate) kept: RowsRef<'a>,
    pub(crate) kept_back: RowsRef<'a>,
    /// Whether the gradient is added to what is there.
    pub(crate) add: bool,
}

/// Products with matrices of full size: the parts themselves, or their absolute values with fixed signs.
#[derive(Debug)]
pub(crate) struct Square {
    /// The sign of each entry of the only matrix, or 0 where there is no connection.
    signs: Option<Arc<Panels>>,
    /// `signs ∘ |part|`.
    signed: Option<Panels>,
    transposed: Vec<Panels>,
}

impl Square {
    /// The matrices are the parts.
    pub(crate) fn plain() -> Self {
        Self { signs: None, signed: None, transposed: Vec::new() }
    }

    /// The matrix has these signs, and the absolute values of the only part.
    pub(super) fn signed(signs: Arc<Panels>) -> Self {
        Self { signs: Some(signs), ..Self::plain() }
    }

    /// Room for the transposed matrices, if there is a backward pass.
    pub(super) fn with_room(mut self, weights: &Packed, backward: bool) -> Self {
        let matrices: Range<usize> = if backward { 0..weights.recurrent_count() } else { 0..0 };
        let transposed = |index| {
            let matrix = weights.recurrent(index);
            Panels::zeros(matrix.column_count(), matrix.row_count())
        };
        self.transposed = matrices.map(transposed).collect();
        self
    }

    /// A recurrent matrix of the weights that were taken over.
    pub(crate) fn matrix<'a>(&'a self, weights: &'a Packed, index: usize) -> &'a Panels {
        self.signed.as_ref().unwrap_or(weights.recurrent(index))
    }
}

impl Products for Square {
    fn begin(&mut self, weights: &Packed) {
        if let Some(signs) = &self.signs {
            let magnitudes = weights.recurrent(0);
            let signed = self
                .signed
                .get_or_insert_with(|| Panels::zeros(magnitudes.row_count(), magnitudes.column_count()));
            let entries = signed.as_mut_slice().iter_mut();
            for ((entry, sign), magnitude) in entries.zip(signs.as_slice()).zip(magnitudes.as_slice()) {
                *entry = sign * magnitude.abs();
            }
        }
        for (index, transposed) in self.transposed.iter_mut().enumerate() {
            self.signed.as_ref().unwrap_or(weights.recurrent(index)).pack_transposed_into(transposed);
        }
    }

    fn forward(
        &self,
        weights: &Packed,
        index: usize,
        currents: RowsMut<'_>,
        sent: RowsRef<'_>,
        _kept: RowsMut<'_>,
    ) {
        kernels::product(currents, sent, self.matrix(weights, index), false);
    }

    fn backward(
        &self,
        index: usize,
        by_sent: RowsMut<'_>,
        by_currents: RowsRef<'_>,
        _kept: RowsMut<'_>,
        accumulate: bool,
    ) {
        kernels::product(by_sent, by_currents, &self.transposed[index], accumulate);
    }

    fn collect(&mut self, index: usize, of: Collected<'_>, by_parts: &mut [Panels], trained: &[bool]) {
        if trained[index] {
            kernels::product_transposed_a(&mut by_parts[index], of.sent, of.by_currents, of.add);
        }
    }
}
