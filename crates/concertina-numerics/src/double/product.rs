//! The matrix product, with one order of summation everywhere.
//!
//! An orbit of a chaotic network depends on the last bit of every product: a difference of one bit grows to
//! the size of the attractor within a few hundred timesteps. Therefore each element of the product is a
//! single chain of fused multiply-adds over the inner index, in order. Vector registers run only across
//! columns, so their width does not matter.

use std::marker::PhantomData;

use ndarray::ArrayView2;
use pulp::{Arch, Simd, WithSimd};

/// Number of columns of a panel: two of the widest registers.
const WIDTH: usize = 16;
/// Number of vectors of a tile.
const VECTORS: usize = 2;
/// Number of rows of a tile: with two vectors each, the sums, weights and state together fill the 16
/// registers of AVX2.
const ROWS: usize = 6;

/// Weights in panels of 16 columns, each stored row by row. The last panel is padded with zeros.
#[derive(Debug, Clone)]
pub struct Panels {
    entries: Vec<f64>,
    rows: usize,
    columns: usize,
}

impl Panels {
    /// Packs weights, (inner, columns).
    #[must_use]
    pub fn from_row_major(weights: ArrayView2<f64>) -> Self {
        let (rows, columns) = weights.dim();
        let mut entries = vec![0.0; columns.div_ceil(WIDTH) * rows * WIDTH];
        for ((row, column), weight) in weights.indexed_iter() {
            entries[(column / WIDTH * rows + row) * WIDTH + column % WIDTH] = *weight;
        }
        Self { entries, rows, columns }
    }

    /// Packs the transpose of a row-major matrix, (columns, inner).
    #[must_use]
    pub fn from_transposed(matrix: ArrayView2<f64>) -> Self {
        let (columns, rows) = matrix.dim();
        let mut entries = vec![0.0; columns.div_ceil(WIDTH) * rows * WIDTH];
        for (column, from) in matrix.outer_iter().enumerate() {
            let to = &mut entries[column / WIDTH * rows * WIDTH..][..rows * WIDTH];
            to.chunks_exact_mut(WIDTH).zip(from).for_each(|(to, from)| to[column % WIDTH] = *from);
        }
        Self { entries, rows, columns }
    }
}

/// `out = rows · weights`, with contiguous rows.
///
/// # Shapes
/// `rows`: (count, inner); `weights`: (inner, columns); `out`: (count, columns).
pub fn product(rows: &[f64], weights: &Panels, out: &mut [f64]) {
    Arch::new().dispatch(Sums::<Products> { rows, weights, out, term: PhantomData });
}

/// The squared Euclidean distance of each row to each point, from the differences themselves: a narrow cloud
/// far from the origin would lose its digits in `a² - 2ab + b²`.
///
/// # Shapes
/// `rows`: (count, inner); `points`: (inner, columns), from [`Panels::from_transposed`]; `out`: (count,
/// columns).
pub fn squared_distances(rows: &[f64], points: &Panels, out: &mut [f64]) {
    Arch::new().dispatch(Sums::<SquaredDifferences> { rows, weights: points, out, term: PhantomData });
}

/// The terms that are summed over the inner index.
trait Terms {
    fn add<S: Simd>(simd: S, entry: S::f64s, others: S::f64s, sum: S::f64s) -> S::f64s;
}

struct Products;

impl Terms for Products {
    #[inline(always)]
    fn add<S: Simd>(simd: S, entry: S::f64s, others: S::f64s, sum: S::f64s) -> S::f64s {
        simd.mul_add_f64s(entry, others, sum)
    }
}

struct SquaredDifferences;

impl Terms for SquaredDifferences {
    #[inline(always)]
    fn add<S: Simd>(simd: S, entry: S::f64s, others: S::f64s, sum: S::f64s) -> S::f64s {
        let difference = simd.sub_f64s(others, entry);
        simd.add_f64s(sum, simd.mul_f64s(difference, difference))
    }
}

struct Sums<'a, T> {
    rows: &'a [f64],
    weights: &'a Panels,
    out: &'a mut [f64],
    term: PhantomData<T>,
}

impl<T: Terms> WithSimd for Sums<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { rows, weights, out, .. } = self;
        let (inner, columns) = (weights.rows, weights.columns);
        debug_assert_eq!(rows.len() * columns, out.len() * inner);
        if inner == 0 {
            out.fill(0.0);
            return;
        }
        let width = VECTORS * S::F64_LANES;
        for (panel, first) in weights.entries.chunks_exact(inner * WIDTH).zip((0..columns).step_by(WIDTH)) {
            for offset in (0..WIDTH.min(columns - first)).step_by(width) {
                let first = first + offset;
                let strip = Strip::<_, T> { simd, panel, offset, inner, first, columns, term: PhantomData };
                let mut rows = rows.chunks_exact(ROWS * inner);
                let mut outs = out.chunks_exact_mut(ROWS * columns);
                for (rows, out) in (&mut rows).zip(&mut outs) {
                    strip.tile::<ROWS>(rows, out);
                }
                let (rows, out) = (rows.remainder(), outs.into_remainder());
                match rows.len() / inner {
                    0 => {}
                    1 => strip.tile::<1>(rows, out),
                    2 => strip.tile::<2>(rows, out),
                    3 => strip.tile::<3>(rows, out),
                    4 => strip.tile::<4>(rows, out),
                    _ => strip.tile::<5>(rows, out),
                }
            }
        }
    }
}

/// The columns of a panel that a tile covers.
struct Strip<'a, S, T> {
    simd: S,
    panel: &'a [f64],
    /// The first column, within the panel.
    offset: usize,
    inner: usize,
    /// The first column, within the matrix.
    first: usize,
    columns: usize,
    term: PhantomData<T>,
}

impl<S: Simd, T: Terms> Strip<'_, S, T> {
    #[inline(always)]
    fn tile<const R: usize>(&self, rows: &[f64], out: &mut [f64]) {
        let Self { simd, panel, offset, inner, first, columns, .. } = *self;
        let mut sums = [[simd.splat_f64s(0.0); VECTORS]; R];
        let rows: [&[f64]; R] = std::array::from_fn(|row| &rows[row * inner..][..inner]);
        for (index, weights) in panel.chunks_exact(WIDTH).enumerate().take(inner) {
            let (vectors, _) = S::as_simd_f64s(&weights[offset..][..VECTORS * S::F64_LANES]);
            for row in 0..R {
                let entry = simd.splat_f64s(rows[row][index]);
                for vector in 0..VECTORS {
                    sums[row][vector] = T::add(simd, entry, vectors[vector], sums[row][vector]);
                }
            }
        }
        for (row, sums) in sums.iter().enumerate() {
            let out = &mut out[row * columns..][first..columns.min(first + VECTORS * S::F64_LANES)];
            let (whole, rest) = S::as_mut_simd_f64s(out);
            whole.iter_mut().zip(sums).for_each(|(out, sum)| *out = *sum);
            if let (false, Some(sum)) = (rest.is_empty(), sums.get(whole.len())) {
                simd.partial_store_f64s(rest, *sum);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;

    type Term = fn(f64, f64, f64) -> f64;

    /// The definition: a chain over the inner index.
    fn plain(rows: &Array2<f64>, weights: &Array2<f64>, term: Term) -> Array2<f64> {
        Array2::from_shape_fn((rows.nrows(), weights.ncols()), |(i, j)| {
            (0..weights.nrows()).fold(0.0, |sum, k| term(rows[[i, k]], weights[[k, j]], sum))
        })
    }

    fn check<T: Terms>(term: Term) {
        for (count, inner, columns) in
            [(1, 1, 1), (2, 0, 3), (7, 5, 3), (13, 24, 24), (4, 17, 40), (110, 200, 200), (6, 9, 33)]
        {
            let entry = |seed: f64| move |(i, j): (usize, usize)| ((i * 37 + j) as f64 * seed).sin();
            let rows = Array2::from_shape_fn((count, inner), entry(0.7));
            let weights = Array2::from_shape_fn((inner, columns), entry(1.3));
            let expected = plain(&rows, &weights, term);
            let panels = Panels::from_row_major(weights.view());
            assert_eq!(Panels::from_transposed(weights.t()).entries, panels.entries);
            let run = |how: &dyn Fn(Sums<T>)| {
                let mut out = Array2::from_elem((count, columns), f64::NAN);
                let (rows, out_slice) =
                    (rows.as_slice().expect("row-major"), out.as_slice_mut().expect("row-major"));
                how(Sums { rows, weights: &panels, out: out_slice, term: PhantomData });
                assert_eq!(out, expected, "{count} by {inner} by {columns}");
            };
            run(&|sums| pulp::Scalar.vectorize(sums));
            run(&|sums| Arch::new().dispatch(sums));
            #[cfg(target_arch = "x86_64")]
            if let Some(token) = pulp::x86::V3::try_new() {
                run(&|sums| Simd::vectorize(token, sums));
            }
        }
    }

    #[test]
    fn every_instruction_set_gives_the_bits_of_the_plain_loop() {
        check::<Products>(|row, weight, sum| row.mul_add(weight, sum));
        check::<SquaredDifferences>(|row, point, sum| sum + (point - row) * (point - row));
    }
}
