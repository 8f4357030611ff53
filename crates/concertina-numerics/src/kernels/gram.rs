//! The squared norm of a Gram matrix in `f64`, without the matrix.
#![allow(unsafe_code)] // a marker trait, and the loop over terms, preceded by the checks that allow it
#![allow(clippy::needless_range_loop)] // with iterators, the sums would be kept in memory

use std::ops::Range;
use std::thread;

use pulp::bytemuck::{Pod, Zeroable, cast_slice, cast_slice_mut};
use pulp::{Simd, WithSimd};

use super::{Level, team};

/// Number of columns of a panel: two of the widest vectors of `f64`.
const WIDTH: usize = 16;

/// One row of a panel.
#[repr(C, align(64))]
#[derive(Clone, Copy, Debug, PartialEq)]
struct Row([f64; WIDTH]);

// SAFETY: `Row` is 128 bytes of `f64` without padding, for which all zeros is a value.
unsafe impl Zeroable for Row {}
// SAFETY: `repr(C)` around a `Pod` array, whose size is a multiple of the alignment: no padding, every bit
// pattern is a value, `Copy`, `'static`.
unsafe impl Pod for Row {}

/// A matrix in `f64`, in panels of 16 columns that are stored row by row, for [`Columns::gram_squared_norm`].
#[derive(Clone, Debug, Default)]
pub struct Columns {
    storage: Vec<Row>,
    rows: usize,
    columns: usize,
}

impl Columns {
    /// Makes room for a matrix. Its entries are arbitrary until every row or every column has been set.
    pub fn resize(&mut self, rows: usize, columns: usize) {
        if (self.rows, self.columns) != (rows, columns) {
            self.storage.clear(); // so that the padding columns of the last panel are zeros
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

    /// `‖XᵀX‖²`, the sum of the squared entries of the Gram matrix, which equals `tr((XᵀX)²)`.
    ///
    /// Each entry is a single chain of fused multiply-adds over the rows, in order. Squares are summed in
    /// order in 16 interleaved sums, one per column of a panel and separately for the blocks of 8 by 8 on the
    /// diagonal, and these sums are added one after the other. The result is therefore the same on every
    /// instruction set and for any number of threads ([`with_threads`](super::with_threads)). Only blocks on
    /// and below the diagonal are computed.
    #[must_use]
    pub fn gram_squared_norm(&self) -> f64 {
        if self.rows == 0 {
            return 0.0;
        }
        let (panels, work) = (self.panel_count(), self.rows * self.columns * self.columns / 2);
        let mut sums = Sums::default();
        match team::threads(work, panels) {
            1 => {
                let mut gram = vec![Row([0.0; WIDTH]); self.gram_rows(0..panels.min(1))];
                for panel in 0..panels {
                    let gram = &mut gram[..self.gram_rows(panel..panel + 1)];
                    Level::current().vectorize(GramShare { matrix: self, panels: panel..panel + 1, gram });
                    Level::current().vectorize(AddSquares { sums: &mut sums, gram });
                }
            }
            threads => {
                let mut gram = vec![Row([0.0; WIDTH]); self.gram_rows(0..panels)];
                self.compute_together(threads, &mut gram);
                let mut rest = gram.as_slice();
                for panel in 0..panels {
                    let (gram, after) = rest.split_at(self.gram_rows(panel..panel + 1));
                    rest = after;
                    Level::current().vectorize(AddSquares { sums: &mut sums, gram });
                }
            }
        }
        sums.on.iter().sum::<f64>() + 2.0 * sums.below.iter().sum::<f64>()
    }

    /// Computes the Gram matrix on and below the diagonal, with this number of threads.
    fn compute_together(&self, threads: usize, gram: &mut [Row]) {
        let mut shares = self.shares(threads);
        let own = shares.pop().unwrap_or_default();
        thread::scope(|scope| {
            let mut rest = gram;
            for panels in shares {
                let (gram, after) = rest.split_at_mut(self.gram_rows(panels.clone()));
                rest = after;
                let share = GramShare { matrix: self, panels, gram };
                scope.spawn(team::at_this_level(move || Level::current().vectorize(share)));
            }
            Level::current().vectorize(GramShare { matrix: self, panels: own, gram: rest });
        });
    }

    fn panel_count(&self) -> usize {
        self.columns.div_ceil(WIDTH)
    }

    /// Number of half panels that contain columns of the matrix, from a panel on.
    fn halves_from(&self, panel: usize) -> usize {
        (self.columns - panel * WIDTH).div_ceil(HALF)
    }

    /// Number of rows of the Gram matrix on and below the diagonal in the columns of these panels.
    fn gram_rows(&self, panels: Range<usize>) -> usize {
        panels.map(|panel| self.halves_from(panel) * HALF).sum()
    }

    /// The panels of each thread, with about the same amount of work for each.
    fn shares(&self, threads: usize) -> Vec<Range<usize>> {
        let (panels, all) = (self.panel_count(), self.gram_rows(0..self.panel_count()));
        let mut ends: Vec<usize> = Vec::with_capacity(threads);
        let mut done = 0;
        for panel in 0..panels {
            done += self.gram_rows(panel..panel + 1);
            if done * threads >= all * (ends.len() + 1) {
                ends.push(panel + 1);
            }
        }
        let starts = std::iter::once(0).chain(ends.iter().copied());
        starts.zip(&ends).map(|(start, end)| start..*end).collect()
    }
}

/// Computes the Gram matrix on and below the diagonal in the columns of some panels. In `gram`, each panel
/// consists of rows of 16 columns, from the diagonal on.
struct GramShare<'a> {
    matrix: &'a Columns,
    panels: Range<usize>,
    gram: &'a mut [Row],
}

impl WithSimd for GramShare<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { matrix, panels, gram } = self;
        let all: Vec<&[Row]> = matrix.storage.chunks_exact(matrix.rows).collect();
        let mut rest = gram;
        for right in panels {
            let (blocks, after) = rest.split_at_mut(matrix.halves_from(right) * HALF);
            rest = after;
            for (half, entries) in blocks.chunks_exact_mut(HALF).enumerate() {
                let (left, panel) = (all[right + half / 2], all[right]);
                if S::F64_LANES == HALF && half > 1 {
                    tile::<HALF, 2, S>(simd, left, half % 2 * HALF, panel, 0, entries);
                    continue;
                }
                half_by_half(simd, left, half % 2, panel, 0, entries);
                if half > 0 {
                    half_by_half(simd, left, half % 2, panel, 1, entries);
                }
            }
        }
    }
}

/// Sums of squared entries of a Gram matrix, one per column of a panel.
#[derive(Default)]
struct Sums {
    /// The sums in the blocks of 8 by 8 on the diagonal.
    on: [f64; WIDTH],
    below: [f64; WIDTH],
}

/// Adds the squared entries of the Gram matrix on and below the diagonal in the columns of a panel.
struct AddSquares<'a> {
    sums: &'a mut Sums,
    gram: &'a [Row],
}

impl WithSimd for AddSquares<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Sums { on, below } = self.sums;
        for (half, entries) in self.gram.chunks_exact(HALF).enumerate() {
            match half {
                0 => add_squares(simd, entries, 0..HALF, on),
                1 => {
                    add_squares(simd, entries, 0..HALF, below);
                    add_squares(simd, entries, HALF..WIDTH, on);
                }
                _ => add_squares(simd, entries, 0..WIDTH, below),
            }
        }
    }
}

/// Adds the squared entries in these columns, row after row, to the sums of the same columns.
#[inline(always)]
fn add_squares<S: Simd>(simd: S, entries: &[Row], columns: Range<usize>, sums: &mut [f64; WIDTH]) {
    let sums = S::as_mut_simd_f64s(sums).0;
    for vector in columns.start / S::F64_LANES..columns.end / S::F64_LANES {
        let mut sum = sums[vector];
        for row in entries {
            let entry = S::as_simd_f64s(&row.0).0[vector];
            sum = simd.mul_add_f64s(entry, entry, sum);
        }
        sums[vector] = sum;
    }
}

/// Number of columns of half a panel: the widest vector of `f64`.
const HALF: usize = WIDTH / 2;

/// Computes a block of the Gram matrix: half a panel by half a panel.
#[inline(always)]
fn half_by_half<S: Simd>(
    simd: S,
    left: &[Row],
    left_half: usize,
    right: &[Row],
    right_half: usize,
    entries: &mut [Row],
) {
    let (first, vectors) = (left_half * HALF, HALF / S::F64_LANES);
    if vectors == 1 {
        return tile::<HALF, 1, S>(simd, left, first, right, right_half, entries);
    }
    for (half, entries) in entries.chunks_exact_mut(HALF / 2).enumerate() {
        for at in (right_half * vectors..(right_half + 1) * vectors).step_by(2) {
            tile::<{ HALF / 2 }, 2, S>(simd, left, first + half * HALF / 2, right, at, entries);
        }
    }
}

/// Computes `M` by `V` vectors of the Gram matrix: columns `first` and the following ones of `left`, vectors
/// `at` and the following ones of `right`.
#[inline(never)]
fn tile<const M: usize, const V: usize, S: Simd>(
    simd: S,
    left: &[Row],
    first: usize,
    right: &[Row],
    at: usize,
    entries: &mut [Row],
) {
    simd.vectorize(Tile::<M, V> { left, first, right, at, entries });
}

struct Tile<'a, const M: usize, const V: usize> {
    left: &'a [Row],
    first: usize,
    right: &'a [Row],
    at: usize,
    entries: &'a mut [Row],
}

impl<const M: usize, const V: usize> WithSimd for Tile<'_, M, V> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { left, first, right, at, entries: out } = self;
        let (terms, step) = (left.len(), WIDTH / S::F64_LANES);
        let left: &[f64] = cast_slice(left);
        let right = S::as_simd_f64s(cast_slice(right)).0;
        let out = S::as_mut_simd_f64s(cast_slice_mut(out)).0;
        assert!(first + M <= WIDTH && at + V <= step, "a tile within its panels");
        assert!(left.len() == terms * WIDTH && right.len() == terms * step, "panels of a tile");
        assert!(out.len() == M * step, "entries of a tile");
        let (left, right) = (left.as_ptr(), right.as_ptr());
        let mut entries = [[simd.splat_f64s(0.0); V]; M];
        for k in 0..terms {
            let mut vectors = [simd.splat_f64s(0.0); V];
            for v in 0..V {
                // SAFETY: `k < terms` and `at + v < step`, and the slice behind `right` has `terms * step`
                // vectors.
                vectors[v] = unsafe { right.add(k * step + at + v).read() };
            }
            for r in 0..M {
                // SAFETY: `k < terms` and `first + r < WIDTH`, and the slice behind `left` has `terms *
                // WIDTH` numbers.
                let factor = simd.splat_f64s(unsafe { *left.add(k * WIDTH + first + r) });
                for v in 0..V {
                    entries[r][v] = simd.mul_add_f64s(factor, vectors[v], entries[r][v]);
                }
            }
        }
        for r in 0..M {
            for v in 0..V {
                out[r * step + at + v] = entries[r][v];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{with_level, with_threads};
    use super::*;

    fn entry(row: usize, column: usize) -> f64 {
        ((7 * row + 13 * column) % 11) as f64 - 4.0
    }

    /// Uses whole numbers, whose sums are exact in any order.
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
            by_rows.resize(rows + 1, columns + 3); // earlier content must not matter
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

    #[test]
    fn any_number_of_threads_has_the_same_bits_and_every_panel_has_one() {
        let mut matrix = Columns::default();
        matrix.resize(2_000, 203);
        for row in 0..2_000 {
            let values: Vec<f64> = (0..203).map(|column| libm::sin((203 * row + column) as f64)).collect();
            matrix.set_row(row, &values);
        }
        let alone = matrix.gram_squared_norm();
        for threads in [2, 3, 5, 100] {
            let shares = matrix.shares(threads);
            assert!(shares.len() <= threads && shares.iter().all(|share| !share.is_empty()), "{shares:?}");
            assert_eq!(shares.into_iter().flatten().collect::<Vec<_>>(), (0..13).collect::<Vec<_>>());
            let together = with_threads(threads, || matrix.gram_squared_norm());
            assert_eq!(together.to_bits(), alone.to_bits(), "{threads} threads");
        }
    }
}
