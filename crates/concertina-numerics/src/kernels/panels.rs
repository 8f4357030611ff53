//! Matrices in panels of columns: weights, their gradients, and the optimiser's state.

use std::ops::Range;

use ndarray::{Array2, ArrayView2};

use super::buffer::{Buffer, LINE};
use super::{RowsMut, RowsRef, transpose};

/// A matrix stored in panels of [`Panels::WIDTH`] columns, each panel row by row.
///
/// The remaining columns, rounded up to a multiple of 8, form a panel of 16, a panel of 8, or one of each.
/// The padding columns and the end of the last cache line are zeros, and stay zeros in an elementwise update
/// that maps zeros to zeros.
///
/// Two matrices of the same shape have the same layout: entry `i` of one slice corresponds to entry `i` of
/// the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Panels {
    storage: Buffer,
    layout: Layout,
}

/// The layout of the entries of a matrix of this shape.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Layout {
    rows: usize,
    columns: usize,
}

/// Some consecutive panels of a matrix, to write.
#[derive(Debug)]
pub(super) struct PanelsMut<'a> {
    data: &'a mut [f32],
    /// Where `data` begins in the storage of the matrix.
    first: usize,
    layout: Layout,
}

impl Panels {
    /// Number of columns of a panel: two of the widest vectors.
    pub const WIDTH: usize = 2 * LINE;

    /// A matrix of zeros.
    #[must_use]
    pub fn zeros(rows: usize, columns: usize) -> Self {
        let layout = Layout { rows, columns };
        Self { storage: Buffer::zeros(rows * Layout::stored_columns(columns)), layout }
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
        let layout = self.layout;
        assert_eq!((layout.rows, layout.columns), array.dim(), "panels and an array of different shapes");
        for (i, row) in array.outer_iter().enumerate() {
            let Some(row) = row.as_slice() else {
                row.iter().enumerate().for_each(|(j, value)| self.set(i, j, *value));
                continue;
            };
            for panel in 0..layout.panel_count() {
                let (columns, width) = (layout.columns_of(panel..panel + 1), layout.panel_width(panel));
                let to = &mut self.storage.as_mut_slice()[layout.floats(panel..panel + 1)];
                to[i * width..][..columns.len()].copy_from_slice(&row[columns]);
            }
        }
    }

    /// An unpacked copy, shape (rows, columns).
    #[must_use]
    pub fn to_array(&self) -> Array2<f32> {
        let columns = self.layout.columns;
        let mut array = Array2::zeros((self.layout.rows, columns));
        let flat = array.as_slice_mut().expect("a new array is row-major");
        self.unpack(|row, part, values| flat[row * columns..][part].copy_from_slice(values));
        array
    }

    /// Copies the matrix to rows of the same shape.
    ///
    /// # Panics
    /// If the shapes differ.
    pub fn unpack_into(&self, mut out: RowsMut<'_>) {
        assert_eq!(
            (self.layout.rows, self.layout.columns),
            (out.row_count(), out.column_count()),
            "panels and rows"
        );
        self.unpack(|row, part, values| out.row_mut(row)[part].copy_from_slice(values));
    }

    /// Calls `put` with every row of every panel: the row, the columns, and their values.
    fn unpack(&self, mut put: impl FnMut(usize, Range<usize>, &[f32])) {
        for panel in 0..self.layout.panel_count() {
            let columns = self.layout.columns_of(panel..panel + 1);
            let rows = self.panel(panel).chunks_exact(self.layout.panel_width(panel));
            for (row, values) in rows.enumerate() {
                put(row, columns.clone(), &values[..columns.len()]);
            }
        }
    }

    /// Packs the transpose of rows: (rows, columns) from (columns, rows).
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn copy_from_transposed_rows(&mut self, from: RowsRef<'_>) {
        assert_eq!(
            (self.layout.rows, self.layout.columns),
            (from.column_count(), from.row_count()),
            "panels and the rows to be transposed"
        );
        for column in 0..self.layout.columns {
            for (row, value) in from.row(column).iter().enumerate() {
                let at = self.layout.position(row, column);
                self.storage.as_mut_slice()[at] = *value;
            }
        }
    }

    /// Number of rows.
    #[must_use]
    pub const fn row_count(&self) -> usize {
        self.layout.rows
    }

    /// Number of columns, without the padding.
    #[must_use]
    pub const fn column_count(&self) -> usize {
        self.layout.columns
    }

    /// The storage with its padding, panel after panel.
    #[must_use]
    pub fn as_slice(&self) -> &[f32] {
        self.storage.as_slice()
    }

    /// The storage with its padding, panel after panel, to write. The padding should stay zero.
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
        assert_eq!(
            (self.layout.rows, self.layout.columns),
            (other.layout.rows, other.layout.columns),
            "panels of different shapes"
        );
        self.as_mut_slice().copy_from_slice(other.as_slice());
    }

    /// One entry.
    #[must_use]
    pub fn get(&self, row: usize, column: usize) -> f32 {
        assert!(row < self.layout.rows && column < self.layout.columns, "entry outside of the panels");
        self.as_slice()[self.layout.position(row, column)]
    }

    /// Sets one entry.
    pub fn set(&mut self, row: usize, column: usize, value: f32) {
        assert!(row < self.layout.rows && column < self.layout.columns, "entry outside of the panels");
        let at = self.layout.position(row, column);
        self.as_mut_slice()[at] = value;
    }

    /// Writes the transpose to `out`, of shape (columns, rows).
    ///
    /// # Panics
    /// If `out` has another shape.
    pub fn pack_transposed_into(&self, out: &mut Self) {
        assert_eq!(
            (self.layout.columns, self.layout.rows),
            (out.layout.rows, out.layout.columns),
            "panels and their transpose"
        );
        transpose::transpose(self, out);
    }

    /// The layout of the entries.
    #[inline(always)]
    pub(super) const fn layout(&self) -> Layout {
        self.layout
    }

    /// One panel, row after row.
    #[inline(always)]
    pub(super) fn panel(&self, panel: usize) -> &[f32] {
        &self.storage.as_slice()[self.layout.floats(panel..panel + 1)]
    }

    /// All panels, to write.
    pub(super) fn panels_mut(&mut self) -> PanelsMut<'_> {
        PanelsMut { data: self.storage.as_mut_slice(), first: 0, layout: self.layout }
    }
}

impl<'a> PanelsMut<'a> {
    /// The layout of the entries of the whole matrix.
    #[inline(always)]
    pub(super) const fn layout(&self) -> Layout {
        self.layout
    }

    /// The panels before this one, and those from it on.
    pub(super) fn split_at(self, panel: usize) -> (PanelsMut<'a>, PanelsMut<'a>) {
        let (first, layout) = (self.first, self.layout);
        let middle = layout.floats(0..panel).end - first;
        let (before, after) = self.data.split_at_mut(middle);
        (PanelsMut { data: before, first, layout }, PanelsMut { data: after, first: first + middle, layout })
    }

    /// One panel, row after row.
    #[inline(always)]
    pub(super) fn panel_mut(&mut self, panel: usize) -> &mut [f32] {
        let floats = self.layout.floats(panel..panel + 1);
        &mut self.data[floats.start - self.first..floats.end - self.first]
    }
}

impl Layout {
    /// Number of columns, without the padding.
    pub(super) const fn column_count(&self) -> usize {
        self.columns
    }

    /// The columns of consecutive panels.
    pub(super) fn columns_of(&self, panels: Range<usize>) -> Range<usize> {
        let end = panels.end.checked_sub(1).map_or(0, |last| self.panel_start(last) + self.panel_width(last));
        self.panel_start(panels.start)..end.min(self.columns)
    }

    /// Where consecutive panels are stored.
    #[inline(always)]
    pub(super) const fn floats(&self, panels: Range<usize>) -> Range<usize> {
        let end = if panels.end == 0 {
            0
        } else {
            self.panel_start(panels.end - 1) + self.panel_width(panels.end - 1)
        };
        self.rows * self.panel_start(panels.start)..self.rows * end
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
        // a panel that is not full can be preceded only by full panels and one panel of 16 columns
        if panel <= full { panel * Panels::WIDTH } else { full * Panels::WIDTH + LINE }
    }

    /// Stored columns of a panel: 32, 16 or 8.
    #[inline(always)]
    pub(super) const fn panel_width(&self, panel: usize) -> usize {
        let (full, rest) = self.full_and_rest();
        if panel < full {
            Panels::WIDTH
        } else if panel == full && rest >= LINE {
            LINE
        } else {
            LINE / 2
        }
    }

    /// The number of full panels, and of columns stored after them.
    #[inline(always)]
    const fn full_and_rest(&self) -> (usize, usize) {
        let stored = Self::stored_columns(self.columns);
        (stored / Panels::WIDTH, stored % Panels::WIDTH)
    }

    #[inline(always)]
    const fn stored_columns(columns: usize) -> usize {
        columns.next_multiple_of(LINE / 2)
    }

    /// Where an entry is stored.
    #[inline(always)]
    pub(super) const fn position(&self, row: usize, column: usize) -> usize {
        let (full, rest) = self.full_and_rest();
        let mut panel = column / Panels::WIDTH;
        if panel == full && rest > LINE && column % Panels::WIDTH >= LINE {
            panel += 1;
        }
        let start = self.panel_start(panel);
        self.rows * start + row * self.panel_width(panel) + (column - start)
    }
}
