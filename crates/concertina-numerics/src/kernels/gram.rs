//! The squared norm of a Gram matrix in `f64`, without the matrix.
#![allow(unsafe_code)] // a marker trait, and the loop over terms; the checks that allow it stand in front
#![allow(clippy::needless_range_loop)] // sums that are visited by iterators stay in memory

use pulp::bytemuck::{Pod, Zeroable, cast_slice};
use pulp::{Simd, WithSimd};

use super::Level;

/// Columns of a panel: two of the widest vectors of `f64`.
const WIDTH: usize = 16;

/// One row of a panel.
#[repr(C, align(64))]
#[derive(Clone, Copy, Debug, PartialEq)]
struct Row([f64; WIDTH]);

// SAFETY: `Row` is 128 bytes of `f64` without padding, for which all zeros is a value.
unsafe impl Zeroable for Row {}
// SAFETY: `repr(C)` around a `Pod` array, whose size is a multiple of the alignment: no padding, every bit pattern is a value,
// `Copy`, `'static`.
unsafe impl Pod for Row {}

/// A matrix in `f64`, in panels of 16 columns, each row after row: for [`Columns::gram_squared_norm`].
#[derive(Clone, Debug, Default)]
pub struct Columns {
    storage: Vec<Row>,
    rows: usize,
    columns: usize,
}

impl Columns {
    /// Makes room for a matrix; what it holds is arbitrary until every row or every column is set.
    pub fn resize(&mut self, rows: usize, columns: usize) {
        if (self.rows, self.columns) != (rows, columns) {
            self.storage.clear(); // so that the columns that fill up the last panel are zeros
            self.storage.resize(rows * columns.div_ceil(WIDTH), Row([0.0; WIDTH]));
            (self.rows, self.columns) = (rows, columns);
        }
    }

    /// Sets a row.
    ///
    /// # Panics
    /// If there is no such row, or `values` does not have one entry per column.
    pub fn set_row(&mut self, row: usize, values: &[f64]) {
        assert_eq!(self.columns, values.len(), "columns and the entries of a row");
        assert!(row < self.rows, "a row of the matrix");
        for (panel, values) in values.chunks(WIDTH).enumerate() {
            self.storage[panel * self.rows + row].0[..values.len()].copy_from_slice(values);
        }
    }

    /// Sets a column.
    ///
    /// # Panics
    /// If there is no such column, or `values` does not have one entry per row.
    pub fn set_column(&mut self, column: usize, values: &[f64]) {
        assert_eq!(self.rows, values.len(), "rows and the entries of a column");
        assert!(column < self.columns, "a column of the matrix");
        let panel = &mut self.storage[column / WIDTH * self.rows..][..self.rows];
        for (row, value) in panel.iter_mut().zip(values) {
            row.0[column % WIDTH] = *value;
        }
    }

    /// `‖XᵀX‖²`, the sum of the squared entries of the Gram matrix, which is `tr((XᵀX)²)`.
    ///
    /// Each entry is one chain of fused multiply-adds over the rows, in order; squares are summed in 16 interleaved sums (a column of
    /// a panel each, those of blocks of 8 by 8 on the diagonal apart from the others), in order, and these one after the other. So the
    /// result is the same on every instruction set. Only blocks on and below the diagonal are computed, and none is stored.
    #[must_use]
    pub fn gram_squared_norm(&self) -> f64 {
        if self.rows == 0 {
            return 0.0;
        }
        Level::current().vectorize(SquaredNorm(self))
    }
}

struct SquaredNorm<'a>(&'a Columns);

impl WithSimd for SquaredNorm<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let matrix = self.0;
        let panels: Vec<&[Row]> = matrix.storage.chunks_exact(matrix.rows).collect();
        let (mut on, mut below) = ([0.0; WIDTH], [0.0; WIDTH]);
        for (right, panel) in panels.iter().enumerate() {
            // halves that hold columns of the matrix
            let halves = (matrix.columns - right * WIDTH).div_ceil(HALF);
            half_by_half(simd, panel, 0, panel, 0, &mut on);
            if halves > 1 {
                half_by_half(simd, panel, 1, panel, 0, &mut below);
                half_by_half(simd, panel, 1, panel, 1, &mut on);
            }
            for half in 2..halves {
                let left = panels[right + half / 2];
                if S::F64_LANES == HALF {
                    tile::<HALF, 2, S>(simd, left, half % 2 * HALF, panel, 0, &mut below);
                } else {
                    half_by_half(simd, left, half % 2, panel, 0, &mut below);
                    half_by_half(simd, left, half % 2, panel, 1, &mut below);
                }
            }
        }
        on.iter().sum::<f64>() + 2.0 * below.iter().sum::<f64>()
    }
}

/// Columns of half a panel: the widest vector of `f64`.
const HALF: usize = WIDTH / 2;

/// Adds the squares of a block of the Gram matrix to `sums`: half a panel by half a panel.
#[inline(always)]
fn half_by_half<S: Simd>(
    simd: S,
    left: &[Row],
    left_half: usize,
    right: &[Row],
    right_half: usize,
    sums: &mut [f64; WIDTH],
) {
    let (first, vectors) = (left_half * HALF, HALF / S::F64_LANES);
    if vectors == 1 {
        return tile::<HALF, 1, S>(simd, left, first, right, right_half, sums);
    }
    for rows in [first, first + HALF / 2] {
        for at in (right_half * vectors..(right_half + 1) * vectors).step_by(2) {
            tile::<{ HALF / 2 }, 2, S>(simd, left, rows, right, at, sums);
        }
    }
}

/// Adds the squares of `M` by `V` vectors of the Gram matrix to `sums`: columns `first` and the following ones of `left`, vectors `at`
/// and the following ones of `right`.
#[inline(never)]
fn tile<const M: usize, const V: usize, S: Simd>(
    simd: S,
    left: &[Row],
    first: usize,
    right: &[Row],
    at: usize,
    sums: &mut [f64; WIDTH],
) {
    simd.vectorize(Tile::<M, V> { left, first, right, at, sums });
}

struct Tile<'a, const M: usize, const V: usize> {
    left: &'a [Row],
    first: usize,
    right: &'a [Row],
    at: usize,
    sums: &'a mut [f64; WIDTH],
}

impl<const M: usize, const V: usize> WithSimd for Tile<'_, M, V> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { left, first, right, at, sums } = self;
        let (terms, step) = (left.len(), WIDTH / S::F64_LANES);
        let left: &[f64] = cast_slice(left);
        let right = S::as_simd_f64s(cast_slice(right)).0;
        assert!(first + M <= WIDTH && at + V <= step, "a tile within its panels");
        assert!(left.len() == terms * WIDTH && right.len() == terms * step, "panels of a tile");
        let (left, right) = (left.as_ptr(), right.as_ptr());
        let mut entries = [[simd.splat_f64s(0.0); V]; M];
        for k in 0..terms {
            let mut vectors = [simd.splat_f64s(0.0); V];
            for v in 0..V {
                // SAFETY: `k < terms` and `at + v < step`, and the slice behind `right` has `terms * step` vectors.
                vectors[v] = unsafe { right.add(k * step + at + v).read() };
            }
            for r in 0..M {
                // SAFETY: `k < terms` and `first + r < WIDTH`, and the slice behind `left` has `terms * WIDTH` numbers.
                let factor = simd.splat_f64s(unsafe { *left.add(k * WIDTH + first + r) });
                for v in 0..V {
                    entries[r][v] = simd.mul_add_f64s(factor, vectors[v], entries[r][v]);
                }
            }
        }
        let sums = &mut S::as_mut_simd_f64s(sums).0[at..at + V];
        for r in 0..M {
            for v in 0..V {
                sums[v] = simd.mul_add_f64s(entries[r][v], entries[r][v], sums[v]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::with_level;
    use super::*;

    fn entry(row: usize, column: usize) -> f64 {
        ((7 * row + 13 * column) % 11) as f64 - 4.0
    }

    /// Whole numbers, whose sums are exact in any order.
    #[test]
    fn the_norm_is_that_of_the_gram_matrix_whichever_way_it_was_filled() {
        for (rows, columns) in
            [(1, 1), (3, 5), (5, 3), (7, 8), (4, 16), (9, 17), (20, 24), (2, 25), (50, 70), (0, 3)]
        {
            let gram = |i: usize, j: usize| (0..rows).map(|k| entry(k, i) * entry(k, j)).sum::<f64>();
            let expected: f64 = (0..columns)
                .flat_map(|i| (0..columns).map(move |j| (i, j)))
                .map(|(i, j)| gram(i, j).powi(2))
                .sum();
            let (mut by_rows, mut by_columns) = (Columns::default(), Columns::default());
            by_rows.resize(rows + 1, columns + 3); // what was there before does not show
            by_rows.resize(rows, columns);
            by_columns.resize(rows, columns);
            for row in 0..rows {
                by_rows.set_row(row, &(0..columns).map(|column| entry(row, column)).collect::<Vec<_>>());
            }
            for column in 0..columns {
                by_columns.set_column(column, &(0..rows).map(|row| entry(row, column)).collect::<Vec<_>>());
            }
            for level in Level::available() {
                let found =
                    with_level(level, || [by_rows.gram_squared_norm(), by_columns.gram_squared_norm()]);
                assert_eq!(found, [expected, expected], "{level}, {rows} by {columns}");
            }
        }
    }

    #[test]
    fn every_instruction_set_has_the_same_bits() {
        let mut matrix = Columns::default();
        matrix.resize(61, 43);
        for row in 0..61 {
            let values: Vec<f64> = (0..43).map(|column| libm::sin((43 * row + column) as f64)).collect();
            matrix.set_row(row, &values);
        }
        let norms =
            Level::available().into_iter().map(|level| with_level(level, || matrix.gram_squared_norm()));
        let norms: Vec<u64> = norms.map(f64::to_bits).collect();
        assert!(norms.windows(2).all(|pair| pair[0] == pair[1]), "{norms:x?}");
    }
}
