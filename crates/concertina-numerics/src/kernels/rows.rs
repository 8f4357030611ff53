//! Row-major matrices with padded rows: states, inputs and their gradients.

use std::ops::Range;

use ndarray::{Array2, ArrayView2};

use super::buffer::{Buffer, LINE};

/// A row-major matrix in which each row is padded with zeros to a stride of whole cache lines.
///
/// The stride is an odd number of lines. With an even number, the same column of many rows would fall into
/// few sets of the cache (with 256 columns, every row into the same four).
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    storage: Buffer,
    rows: usize,
    columns: usize,
    stride: usize,
}

/// A block of consecutive rows, to read.
#[derive(Clone, Copy, Debug)]
pub struct RowsRef<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
    stride: usize,
}

/// A block of consecutive rows, to write.
#[derive(Debug)]
pub struct RowsMut<'a> {
    data: &'a mut [f32],
    rows: usize,
    columns: usize,
    stride: usize,
}

impl Rows {
    /// A matrix of zeros.
    #[must_use]
    pub fn zeros(rows: usize, columns: usize) -> Self {
        let stride = LINE * (columns.div_ceil(LINE) | 1);
        Self { storage: Buffer::zeros(rows * stride), rows, columns, stride }
    }

    /// A copy of a matrix of shape (rows, columns).
    #[must_use]
    pub fn from_array(array: ArrayView2<'_, f32>) -> Self {
        let mut rows = Self::zeros(array.nrows(), array.ncols());
        rows.view_mut().copy_from_array(array);
        rows
    }

    /// A copy without the padding, shape (rows, columns).
    #[must_use]
    pub fn to_array(&self) -> Array2<f32> {
        self.view().to_array()
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

    /// Floats from one row to the next.
    #[must_use]
    pub const fn stride(&self) -> usize {
        self.stride
    }

    /// All rows, to read.
    #[must_use]
    pub fn view(&self) -> RowsRef<'_> {
        RowsRef { data: self.storage.as_slice(), rows: self.rows, columns: self.columns, stride: self.stride }
    }

    /// All rows, to write.
    pub fn view_mut(&mut self) -> RowsMut<'_> {
        RowsMut {
            data: self.storage.as_mut_slice(),
            rows: self.rows,
            columns: self.columns,
            stride: self.stride,
        }
    }

    /// The rows of `range`, to read.
    ///
    /// # Panics
    /// If the range goes past the last row.
    #[must_use]
    pub fn rows(&self, range: Range<usize>) -> RowsRef<'_> {
        self.view().rows(range)
    }

    /// The rows of `range`, to write.
    ///
    /// # Panics
    /// If the range goes past the last row.
    pub fn rows_mut(&mut self, range: Range<usize>) -> RowsMut<'_> {
        self.view_mut().into_rows(range)
    }

    /// The rows before `row` and those from it on, to write.
    ///
    /// # Panics
    /// If there are fewer than `row` rows.
    pub fn split_at_mut(&mut self, row: usize) -> (RowsMut<'_>, RowsMut<'_>) {
        self.view_mut().split_at(row)
    }

    /// One row without its padding.
    #[must_use]
    pub fn row(&self, row: usize) -> &[f32] {
        &self.storage.as_slice()[row * self.stride..][..self.columns]
    }

    /// One row without its padding, to write.
    pub fn row_mut(&mut self, row: usize) -> &mut [f32] {
        &mut self.storage.as_mut_slice()[row * self.stride..][..self.columns]
    }

    /// The storage with its padding, row after row.
    #[must_use]
    pub fn as_slice(&self) -> &[f32] {
        self.storage.as_slice()
    }

    /// The storage with its padding, row after row. The padding should stay zero.
    pub fn as_mut_slice(&mut self) -> &mut [f32] {
        self.storage.as_mut_slice()
    }

    /// Sets everything to zero.
    pub fn clear(&mut self) {
        self.as_mut_slice().fill(0.0);
    }
}

impl<'a> RowsRef<'a> {
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

    /// Floats from one row to the next.
    #[must_use]
    pub const fn stride(&self) -> usize {
        self.stride
    }

    /// The rows of `range`.
    ///
    /// # Panics
    /// If the range goes past the last row.
    #[must_use]
    pub fn rows(&self, range: Range<usize>) -> RowsRef<'a> {
        let data = &self.data[range.start * self.stride..range.end * self.stride];
        RowsRef { data, rows: range.len(), columns: self.columns, stride: self.stride }
    }

    /// One row without its padding.
    #[must_use]
    pub fn row(&self, row: usize) -> &'a [f32] {
        &self.data[row * self.stride..][..self.columns]
    }

    /// One row with its padding.
    #[inline(always)]
    pub(super) fn padded_row(&self, row: usize) -> &'a [f32] {
        &self.data[row * self.stride..][..self.stride]
    }

    /// The storage of these rows with the padding.
    #[must_use]
    pub const fn as_slice(&self) -> &'a [f32] {
        self.data
    }

    /// A copy.
    #[must_use]
    pub fn to_rows(&self) -> Rows {
        let mut rows = Rows::zeros(self.rows, self.columns);
        rows.view_mut().copy_from(*self);
        rows
    }

    /// A copy without the padding, shape (rows, columns).
    #[must_use]
    pub fn to_array(&self) -> Array2<f32> {
        Array2::from_shape_fn((self.rows, self.columns), |(i, j)| self.data[i * self.stride + j])
    }
}

impl<'a> RowsMut<'a> {
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

    /// Floats from one row to the next.
    #[must_use]
    pub const fn stride(&self) -> usize {
        self.stride
    }

    /// The same rows, borrowed for a shorter time.
    pub fn reborrow(&mut self) -> RowsMut<'_> {
        RowsMut { data: self.data, rows: self.rows, columns: self.columns, stride: self.stride }
    }

    /// The same rows, to read.
    #[must_use]
    pub fn view(&self) -> RowsRef<'_> {
        RowsRef { data: self.data, rows: self.rows, columns: self.columns, stride: self.stride }
    }

    /// The rows of `range`.
    ///
    /// # Panics
    /// If the range goes past the last row.
    #[must_use]
    pub fn into_rows(self, range: Range<usize>) -> RowsMut<'a> {
        let data = &mut self.data[range.start * self.stride..range.end * self.stride];
        RowsMut { data, rows: range.len(), columns: self.columns, stride: self.stride }
    }

    /// The rows before `row` and those from it on.
    ///
    /// # Panics
    /// If there are fewer than `row` rows.
    #[must_use]
    pub fn split_at(self, row: usize) -> (RowsMut<'a>, RowsMut<'a>) {
        let (rows, columns, stride) = (self.rows, self.columns, self.stride);
        let (before, after) = self.data.split_at_mut(row * stride);
        (
            RowsMut { data: before, rows: row, columns, stride },
            RowsMut { data: after, rows: rows - row, columns, stride },
        )
    }

    /// One row without its padding, to write.
    pub fn row_mut(&mut self, row: usize) -> &mut [f32] {
        &mut self.data[row * self.stride..][..self.columns]
    }

    /// One row with its padding, to write.
    #[inline(always)]
    pub(super) fn padded_row_mut(&mut self, row: usize) -> &mut [f32] {
        &mut self.data[row * self.stride..][..self.stride]
    }

    /// The storage of these rows with the padding. The padding should stay zero.
    pub const fn as_mut_slice(&mut self) -> &mut [f32] {
        self.data
    }

    /// Copies rows of the same shape.
    ///
    /// # Panics
    /// If the shapes differ.
    pub fn copy_from(&mut self, other: RowsRef<'_>) {
        assert_eq!((self.rows, self.columns), (other.rows, other.columns), "rows of different shapes");
        self.data.copy_from_slice(other.data);
    }

    /// Copies an array of the same shape (rows, columns).
    ///
    /// # Panics
    /// If the shapes differ.
    pub fn copy_from_array(&mut self, array: ArrayView2<'_, f32>) {
        assert_eq!((self.rows, self.columns), array.dim(), "rows and an array of different shapes");
        for (i, from) in array.outer_iter().enumerate() {
            let to = self.row_mut(i);
            if let Some(from) = from.as_slice() {
                to.copy_from_slice(from);
            } else {
                to.iter_mut().zip(from).for_each(|(to, value)| *to = *value);
            }
        }
    }
}
