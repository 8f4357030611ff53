//! Matrices in panels of columns: weights, their gradients, and the optimiser's state.

use ndarray::{Array2, ArrayView2};

use super::buffer::{Buffer, LINE};
use super::{RowsMut, RowsRef, transpose};

/// A matrix stored in panels of [`Panels::WIDTH`] columns, each panel row after row.
///
/// The columns left over, rounded up to a multiple of 8, are a panel of 16, of 8, or one of each. Columns that do not
/// exist are stored as zeros, and so is the end of the last cache line; an elementwise update that maps zeros to zeros
/// keeps them so.
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
        Self { storage: Buffer::zeros(rows * Self::stored_columns(columns)), rows, columns }
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

    /// Copies the matrix to rows of the same shape.
    ///
    /// # Panics
    /// If the shapes differ.
    pub fn unpack_into(&self, mut out: RowsMut<'_>) {
        assert_eq!((self.rows, self.columns), (out.row_count(), out.column_count()), "panels and rows");
        for panel in 0..self.panel_count() {
            let (start, width) = (self.panel_start(panel), self.panel_width(panel));
            let end = self.columns.min(start + width);
            for (row, values) in self.panel(panel).chunks_exact(width).enumerate() {
                out.row_mut(row)[start..end].copy_from_slice(&values[..end - start]);
            }
        }
    }

    /// Packs the transpose of rows: (rows, columns) from (columns, rows).
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn copy_from_transposed_rows(&mut self, from: RowsRef<'_>) {
        assert_eq!(
            (self.rows, self.columns),
            (from.column_count(), from.row_count()),
            "panels and the rows to be transposed"
        );
        for column in 0..self.columns {
            for (row, value) in from.row(column).iter().enumerate() {
                let at = self.position(row, column);
                self.storage.as_mut_slice()[at] = *value;
            }
        }
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
        transpose::transpose(self, out);
    }

    /// Number of panels.
    #[inline(always)]
    pub(super) const fn panel_count(&self) -> usize {
        let (full, rest) = self.full_and_rest();
        full + (rest / LINE) + (rest % LINE) / (LINE / 2)
    }

    /// Number of panels of full width.
    #[inline(always)]
    pub(super) const fn full_panel_count(&self) -> usize {
        self.full_and_rest().0
    }

    /// Whether the last panel has 8 columns.
    pub(super) const fn last_panel_is_narrow(&self) -> bool {
        !self.full_and_rest().1.is_multiple_of(LINE)
    }

    /// First column of a panel.
    #[inline(always)]
    pub(super) const fn panel_start(&self, panel: usize) -> usize {
        let (full, _) = self.full_and_rest();
        // only after a panel of 16 columns is there another one that is not full
        if panel <= full { panel * Self::WIDTH } else { full * Self::WIDTH + LINE }
    }

    /// Stored columns of a panel: 32, 16 or 8.
    #[inline(always)]
    pub(super) const fn panel_width(&self, panel: usize) -> usize {
        let (full, rest) = self.full_and_rest();
        if panel < full {
            Self::WIDTH
        } else if panel == full && rest >= LINE {
            LINE
        } else {
            LINE / 2
        }
    }

    /// One panel, row after row.
    #[inline(always)]
    pub(super) fn panel(&self, panel: usize) -> &[f32] {
        &self.storage.as_slice()[self.rows * self.panel_start(panel)..][..self.rows * self.panel_width(panel)]
    }

    /// One panel, row after row.
    #[inline(always)]
    pub(super) fn panel_mut(&mut self, panel: usize) -> &mut [f32] {
        let (from, floats) = (self.rows * self.panel_start(panel), self.rows * self.panel_width(panel));
        &mut self.storage.as_mut_slice()[from..][..floats]
    }

    /// Full panels, and columns stored behind them.
    #[inline(always)]
    const fn full_and_rest(&self) -> (usize, usize) {
        let stored = Self::stored_columns(self.columns);
        (stored / Self::WIDTH, stored % Self::WIDTH)
    }

    #[inline(always)]
    const fn stored_columns(columns: usize) -> usize {
        columns.next_multiple_of(LINE / 2)
    }

    /// Where an entry is stored.
    #[inline(always)]
    pub(super) const fn position(&self, row: usize, column: usize) -> usize {
        let (full, rest) = self.full_and_rest();
        let mut panel = column / Self::WIDTH;
        if panel == full && rest > LINE && column % Self::WIDTH >= LINE {
            panel += 1;
        }
        let start = self.panel_start(panel);
        self.rows * start + row * self.panel_width(panel) + (column - start)
    }
}
