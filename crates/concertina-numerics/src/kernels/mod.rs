//! Plain stand-in.
#![allow(missing_docs, missing_debug_implementations)]
use ndarray::{Array2, ArrayView2};
use std::ops::Range;

#[derive(Clone, Debug)]
pub struct Panels { rows: usize, columns: usize, data: Vec<f32> }
impl Panels {
    pub fn zeros(rows: usize, columns: usize) -> Self { Panels { rows, columns, data: vec![0.0; rows * columns] } }
    pub fn from_row_major(a: ArrayView2<f32>) -> Self { Panels { rows: a.nrows(), columns: a.ncols(), data: a.iter().copied().collect() } }
    pub fn to_array(&self) -> Array2<f32> { Array2::from_shape_vec((self.rows, self.columns), self.data.clone()).expect("shape") }
    pub fn rows(&self) -> usize { self.rows }
    pub fn columns(&self) -> usize { self.columns }
    pub fn as_slice(&self) -> &[f32] { &self.data }
    pub fn as_mut_slice(&mut self) -> &mut [f32] { &mut self.data }
    pub fn transpose_into(&self, out: &mut Panels) { for i in 0..self.rows { for j in 0..self.columns { out.data[j * self.rows + i] = self.data[i * self.columns + j]; } } }
    pub fn fill_row(&mut self, row: usize, mut f: impl FnMut(&mut [f32])) { let c = self.columns; f(&mut self.data[row * c..(row + 1) * c]) }
}
#[derive(Clone, Debug)]
pub struct Rows { rows: usize, columns: usize, data: Vec<f32> }
#[derive(Clone, Copy, Debug)]
pub struct RowsRef<'a> { rows: usize, columns: usize, data: &'a [f32] }
#[derive(Debug)]
pub struct RowsMut<'a> { rows: usize, columns: usize, data: &'a mut [f32] }
impl Rows {
    pub fn zeros(rows: usize, columns: usize) -> Self { Rows { rows, columns, data: vec![0.0; rows * columns] } }
    pub fn rows(&self) -> usize { self.rows }
    pub fn block(&self, r: Range<usize>) -> RowsRef<'_> { RowsRef { rows: r.len(), columns: self.columns, data: &self.data[r.start * self.columns..r.end * self.columns] } }
    pub fn block_mut(&mut self, r: Range<usize>) -> RowsMut<'_> { RowsMut { rows: r.len(), columns: self.columns, data: &mut self.data[r.start * self.columns..r.end * self.columns] } }
    pub fn split_at_mut(&mut self, row: usize) -> (RowsRef<'_>, RowsMut<'_>) {
        let (a, b) = self.data.split_at_mut(row * self.columns);
        (RowsRef { rows: row, columns: self.columns, data: a }, RowsMut { rows: self.rows - row, columns: self.columns, data: b })
    }
    pub fn row(&self, r: usize) -> &[f32] { &self.data[r * self.columns..(r + 1) * self.columns] }
    pub fn row_mut(&mut self, r: usize) -> &mut [f32] { &mut self.data[r * self.columns..(r + 1) * self.columns] }
}
impl<'a> RowsRef<'a> {
    pub fn from_array(a: &'a ArrayView2<'_, f32>) -> Self { RowsRef { rows: a.nrows(), columns: a.ncols(), data: a.as_slice().expect("contiguous") } }
    pub fn rows(&self) -> usize { self.rows }
    pub fn as_slice(&self) -> &'a [f32] { self.data }
    pub fn row(&self, r: usize) -> &'a [f32] { &self.data[r * self.columns..(r + 1) * self.columns] }
    pub fn block(&self, r: Range<usize>) -> RowsRef<'a> { RowsRef { rows: r.len(), columns: self.columns, data: &self.data[r.start * self.columns..r.end * self.columns] } }
}
impl RowsMut<'_> {
    pub fn as_mut_slice(&mut self) -> &mut [f32] { self.data }
    pub fn as_ref(&self) -> RowsRef<'_> { RowsRef { rows: self.rows, columns: self.columns, data: self.data } }
    pub fn copy_from(&mut self, o: RowsRef<'_>) { self.data.copy_from_slice(o.data) }
    pub fn row_mut(&mut self, r: usize) -> &mut [f32] { &mut self.data[r * self.columns..(r + 1) * self.columns] }
    pub fn block_mut(&mut self, r: Range<usize>) -> RowsMut<'_> { RowsMut { rows: r.len(), columns: self.columns, data: &mut self.data[r.start * self.columns..r.end * self.columns] } }
}
pub fn product(out: &mut RowsMut<'_>, a: RowsRef<'_>, b: &Panels, accumulate: bool) {
    assert_eq!((a.columns, out.rows, out.columns), (b.rows, a.rows, b.columns));
    if !accumulate { out.data.fill(0.0) }
    for r in 0..a.rows { for k in 0..a.columns { let x = a.data[r * a.columns + k]; for j in 0..b.columns { out.data[r * b.columns + j] = x.mul_add(b.data[k * b.columns + j], out.data[r * b.columns + j]); } } }
}
pub fn product_transposed(out: &mut Panels, a: RowsRef<'_>, b: RowsRef<'_>, accumulate: bool) {
    assert_eq!((a.columns, a.rows, out.columns), (out.rows, b.rows, b.columns));
    if !accumulate { out.data.fill(0.0) }
    for k in 0..a.rows { for i in 0..a.columns { let x = a.data[k * a.columns + i]; for j in 0..b.columns { out.data[i * b.columns + j] = x.mul_add(b.data[k * b.columns + j], out.data[i * b.columns + j]); } } }
}
pub fn repeat_row(out: &mut RowsMut<'_>, row: &Panels) { for r in 0..out.rows { out.row_mut(r).copy_from_slice(&row.data) } }
pub fn column_sums(out: &mut Panels, rows: RowsRef<'_>) { out.data.fill(0.0); for r in 0..rows.rows { for (o, x) in out.data.iter_mut().zip(rows.row(r)) { *o += x } } }
pub fn tanh(x: &mut [f32]) { for x in x { *x = x.tanh() } }
pub fn relu(x: &mut [f32]) { for x in x { *x = x.max(0.0) } }
pub fn multiply_by_tanh_slope(x: &mut [f32], rate: &[f32]) { for (x, r) in x.iter_mut().zip(rate) { *x *= 1.0 - r * r } }
pub fn multiply_by_relu_slope(x: &mut [f32], rate: &[f32]) { for (x, r) in x.iter_mut().zip(rate) { if *r <= 0.0 { *x = 0.0 } } }
pub fn scale(x: &mut [f32], by: f32) { for x in x { *x *= by } }
pub fn blend(x: &mut [f32], own: f32, other: &[f32], share: f32) { for (x, o) in x.iter_mut().zip(other) { *x = own * *x + share * o } }
pub fn multiply(x: &mut [f32], other: &[f32]) { for (x, o) in x.iter_mut().zip(other) { *x *= o } }
pub fn add_scaled(x: &mut [f32], other: &[f32], s: f32) { for (x, o) in x.iter_mut().zip(other) { *x += s * o } }
pub fn squared_norm(x: &[f32]) -> f64 { x.iter().map(|x| f64::from(*x) * f64::from(*x)).sum() }
pub fn dispatch<R>(f: impl FnOnce() -> R) -> R { f() }
