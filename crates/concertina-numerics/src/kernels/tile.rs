//! The innermost loops of the products: a tile of the output in registers.
//!
//! Two measures keep all sums in registers. Both were found by experiment (AVX-512, 12x200x200: 64% of the
//! peak without them, 94% with them). Every tile is compiled as a separate function, and the loop over terms
//! has no bounds check, since its failure path would need the sums in memory.
#![allow(unsafe_code)] // the loops over terms, each preceded by the checks that allow it
#![allow(clippy::needless_range_loop)] // with iterators, the sums would be kept in memory (46% of the peak)

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::panels::PanelsMut;
use super::{Panels, RowsMut, RowsRef};

/// The part of a product that a tile computes: the terms `inner` of the sums in the rows `rows` of the
/// output.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) inner: Range<usize>,
    pub(super) rows: Range<usize>,
    /// Whether to add to the output or overwrite it.
    pub(super) add: bool,
}

/// Splits rows into the fewest blocks of at most `most` rows, as equal as possible: 20 rows become 10 + 10,
/// not 12 + 8.
#[inline(always)]
pub(super) fn row_blocks(rows: &Range<usize>, most: usize) -> impl Iterator<Item = Range<usize>> + use<> {
    let (start, count) = (rows.start, rows.len());
    let blocks = count.div_ceil(most);
    (0..blocks).map(move |block| start + block * count / blocks..start + (block + 1) * count / blocks)
}

/// Calls a tile function with the number of rows, at most `most`, as a constant.
macro_rules! with_row_count {
    ($count:expr, $most:expr, $tile:ident::<$($constant:tt),*>($($argument:expr),*)) => {
        with_row_count!(@ $count, $most, [1 2 3 4 5 6 7 8 9 10 11 12], $tile, ($($constant),*), ($($argument),*))
    };
    (@ $count:expr, $most:expr, [$($number:literal)*], $tile:ident, $constants:tt, $arguments:tt) => {
        match $count {
            $($number if $number <= $most => with_row_count!(@call $tile, $number, $constants, $arguments),)*
            _ => debug_assert!(false, "a tile of {} rows", $count),
        }
    };
    (@call $tile:ident, $number:literal, ($($constant:tt),*), ($($argument:expr),*)) => {
        $tile::<$number, $($constant),*>($($argument),*)
    };
}
pub(super) use with_row_count;

/// `M` rows by `P` panels by `V` vectors of `out (+)= a B`.
///
/// The panels are `first_panel` and the following ones, and the vectors start at `at` in each.
#[inline(never)]
pub(super) fn product_tile<const M: usize, const P: usize, const V: usize, S: Simd>(
    simd: S,
    part: &Part,
    out: &mut RowsMut<'_>,
    a: RowsRef<'_>,
    b: &Panels,
    first_panel: usize,
    at: usize,
) {
    simd.vectorize(ProductTile::<M, P, V> { part, out, a, b, first_panel, at });
}

struct ProductTile<'a, 'b, const M: usize, const P: usize, const V: usize> {
    part: &'a Part,
    out: &'a mut RowsMut<'b>,
    a: RowsRef<'a>,
    b: &'a Panels,
    first_panel: usize,
    at: usize,
}

impl<const M: usize, const P: usize, const V: usize> WithSimd for ProductTile<'_, '_, M, P, V> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { part, out, a, b, first_panel, at } = self;
        let (terms, stride) = (part.inner.len(), a.stride());
        let rows = &a.as_slice()[part.rows.start * stride + part.inner.start..];
        assert!(terms > 0 && rows.len() >= (M - 1) * stride + terms, "rows of a tile");
        let step = b.layout().panel_width(first_panel) / S::F32_LANES;
        let mut panels = [std::ptr::null::<S::f32s>(); P];
        for (p, panel) in panels.iter_mut().enumerate() {
            let whole = S::as_simd_f32s(b.panel(first_panel + p)).0;
            let from = &whole[part.inner.start * step + at..];
            assert!(from.len() >= (terms - 1) * step + V, "panels of a tile");
            *panel = from.as_ptr();
        }
        let rows = rows.as_ptr();
        let mut sums = [[[simd.splat_f32s(0.0); V]; P]; M];
        for k in 0..terms {
            let mut right = [[simd.splat_f32s(0.0); V]; P];
            for p in 0..P {
                for v in 0..V {
                    // SAFETY: `k <= terms - 1` and `v < V`; the slice behind `panels[p]` was checked to have
                    // `(terms - 1) * step + V` vectors.
                    right[p][v] = unsafe { panels[p].add(k * step + v).read() };
                }
            }
            for r in 0..M {
                // SAFETY: `r <= M - 1` and `k < terms`; the slice behind `rows` was checked to have
                // `(M - 1) * stride + terms` floats.
                let left = simd.splat_f32s(unsafe { *rows.add(r * stride + k) });
                for p in 0..P {
                    for v in 0..V {
                        sums[r][p][v] = simd.mul_add_f32s(left, right[p][v], sums[r][p][v]);
                    }
                }
            }
        }
        for (r, sums) in sums.iter().enumerate() {
            let row = S::as_mut_simd_f32s(out.padded_row_mut(part.rows.start + r)).0;
            for (p, sums) in sums.iter().enumerate() {
                let first = b.layout().panel_start(first_panel + p) / S::F32_LANES + at;
                store(simd, &mut row[first..first + V], sums, part.add);
            }
        }
    }
}

/// `M` rows by `V` vectors of `out (+)= aᵀ b`: vectors `at` and the following ones of a panel.
#[inline(never)]
pub(super) fn transposed_tile<const M: usize, const V: usize, S: Simd>(
    simd: S,
    part: &Part,
    out: &mut PanelsMut<'_>,
    a: RowsRef<'_>,
    b: RowsRef<'_>,
    panel: usize,
    at: usize,
) {
    simd.vectorize(TransposedTile::<M, V> { part, out, a, b, panel, at });
}

struct TransposedTile<'a, 'b, const M: usize, const V: usize> {
    part: &'a Part,
    out: &'a mut PanelsMut<'b>,
    a: RowsRef<'a>,
    b: RowsRef<'a>,
    panel: usize,
    at: usize,
}

impl<const M: usize, const V: usize> WithSimd for TransposedTile<'_, '_, M, V> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { part, out, a, b, panel, at } = self;
        let (terms, column) = (part.inner.len(), part.rows.start);
        let (a_stride, b_stride) = (a.stride(), b.stride() / S::F32_LANES);
        let left = &a.as_slice()[part.inner.start * a_stride + column..];
        assert!(terms > 0 && left.len() >= (terms - 1) * a_stride + M, "left rows of a tile");
        let first = out.layout().panel_start(panel) / S::F32_LANES + at;
        let right = &S::as_simd_f32s(b.as_slice()).0[part.inner.start * b_stride + first..];
        assert!(right.len() >= (terms - 1) * b_stride + V, "right rows of a tile");
        let (left_rows, right_rows) = (left.as_ptr(), right.as_ptr());
        let mut sums = [[simd.splat_f32s(0.0); V]; M];
        for k in 0..terms {
            let mut right = [simd.splat_f32s(0.0); V];
            for v in 0..V {
                // SAFETY: `k <= terms - 1` and `v < V`; the slice behind `right_rows` was checked to have
                // `(terms - 1) * b_stride + V` vectors.
                right[v] = unsafe { right_rows.add(k * b_stride + v).read() };
            }
            for r in 0..M {
                // SAFETY: `k <= terms - 1` and `r < M`; the slice behind `left_rows` was checked to have
                // `(terms - 1) * a_stride + M` floats.
                let left = simd.splat_f32s(unsafe { *left_rows.add(k * a_stride + r) });
                for v in 0..V {
                    sums[r][v] = simd.mul_add_f32s(left, right[v], sums[r][v]);
                }
            }
        }
        let step = out.layout().panel_width(panel) / S::F32_LANES;
        let to = S::as_mut_simd_f32s(out.panel_mut(panel)).0;
        for (r, sums) in sums.iter().enumerate() {
            let first = (column + r) * step + at;
            store(simd, &mut to[first..first + V], sums, part.add);
        }
    }
}

#[inline(always)]
fn store<S: Simd>(simd: S, to: &mut [S::f32s], sums: &[S::f32s], add: bool) {
    for (to, sum) in to.iter_mut().zip(sums) {
        *to = if add { simd.add_f32s(*to, *sum) } else { *sum };
    }
}
