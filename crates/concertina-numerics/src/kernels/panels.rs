//! Matrices in panels of columns: weights, their gradients, and the optimiser's state.

use ndarray::{Array2, ArrayView2};

use super::buffer::{Buffer, LINE};

/// A matrix stored in panels of [`Panels::WIDTH`] columns, each panel row after row.
///
/// The last panel is as narrow as half that width if its columns fit. Columns that do not exist are stored as zeros; an
/// elementwise update that maps zeros to zeros keeps them so.
///
/// Two matrices of one shape have one layout: entry `i` of one slice belongs to entry `i` of the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Panels {
    storage: Buffer,
    rows: usize,
    columns: usize,
}

impl Panels {
    /// Columns of a panel: two of the widest vectors.
    pub const WIDTH: usize = 2 * LINE;

    /// A matrix of zeros.
    #[must_use]
    pub fn zeros(rows: usize, columns: usize) -> Self {
        Self { storage: Buffer::zeros(rows * columns.next_multiple_of(LINE)), rows, columns }
    }

    /// A packed copy of a matrix of shape (rows, columns).
    #[must_use]
    pub fn from_row_major(array: ArrayView2<'_, f32>) -> Self {
        let mut panels = Self::zeros(array.nrows(), array.ncols());
        panels.copy_from_row_major(array);
        panels
    }

    /// Packs a matrix of the same shape (rows, columns).
    ///
    /// # Panics
    /// If the shapes differ.
    pub fn copy_from_row_major(&mut self, array: ArrayView2<'_, f32>) {
        assert_eq!((self.rows, self.columns), array.dim(), "panels and an array of different shapes");
        for ((i, j), value) in array.indexed_iter() {
            let at = self.position(i, j);
            self.storage.as_mut_slice()[at] = *value;
        }
    }

    /// An unpacked copy, shape (rows, columns).
    #[must_use]
    pub fn to_array(&self) -> Array2<f32> {
        let data = self.as_slice();
        Array2::from_shape_fn((self.rows, self.columns), |(i, j)| data[self.position(i, j)])
    }

    /// Number of rows.
    #[must_use]
    pub const fn row_count(&self) -> usize {
        self.rows
    }

    /// Number of columns, without the padding.
    #[must_use]
    pub const fn column_count(&self) -> usize {
        self.columns
    }

    /// The storage with its padding, panel after panel.
    #[must_use]
    pub fn as_slice(&self) -> &[f32] {
        self.storage.as_slice()
    }

    /// The storage with its padding, panel after panel. The padding should stay zero.
    pub fn as_mut_slice(&mut self) -> &mut [f32] {
        self.storage.as_mut_slice()
    }

    /// Sets everything to zero.
    pub fn clear(&mut self) {
        self.as_mut_slice().fill(0.0);
    }

    /// Copies a matrix of the same shape.
    ///
    /// # Panics
    /// If the shapes differ.
    pub fn copy_from(&mut self, other: &Self) {
        assert_eq!((self.rows, self.columns), (other.rows, other.columns), "panels of different shapes");
        self.as_mut_slice().copy_from_slice(other.as_slice());
    }

    /// One entry.
    #[must_use]
    pub fn get(&self, row: usize, column: usize) -> f32 {
        assert!(row < self.rows && column < self.columns, "entry outside of the panels");
        self.as_slice()[self.position(row, column)]
    }

    /// Sets one entry.
    pub fn set(&mut self, row: usize, column: usize, value: f32) {
        assert!(row < self.rows && column < self.columns, "entry outside of the panels");
        let at = self.position(row, column);
        self.as_mut_slice()[at] = value;
    }

    /// Writes the transposed matrix to `out`, of shape (columns, rows).
    ///
    /// # Panics
    /// If `out` has another shape.
    pub fn pack_transposed_into(&self, out: &mut Self) {
        assert_eq!((self.columns, self.rows), (out.rows, out.columns), "panels and their transpose");
        for i in 0..self.rows {
            for j in 0..self.columns {
                let to = out.position(j, i);
                out.storage.as_mut_slice()[to] = self.storage.as_slice()[self.position(i, j)];
            }
        }
    }

    /// Where an entry is stored.
    const fn position(&self, row: usize, column: usize) -> usize {
        let first = column - column % Self::WIDTH;
        let rest = self.columns.next_multiple_of(LINE) - first;
        let width = if rest < Self::WIDTH { rest } else { Self::WIDTH };
        self.rows * first + row * width + (column - first)
    }
}
