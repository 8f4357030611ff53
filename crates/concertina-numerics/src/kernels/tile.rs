//! The innermost loops of the products: a tile of the output in registers.

use std::ops::Range;

use pulp::Simd;

use super::{Panels, RowsMut, RowsRef};

/// Which part of a product a tile does: terms `inner` of the sums of rows `rows` of the output.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) inner: Range<usize>,
    pub(super) rows: Range<usize>,
    /// Add to the output, or overwrite it.
    pub(super) add: bool,
}

/// Splits rows into the fewest blocks of at most `most` rows, as equal as can be: 20 rows are 10 + 10, not 12 + 8.
#[inline(always)]
pub(super) fn row_blocks(rows: &Range<usize>, most: usize) -> impl Iterator<Item = Range<usize>> + use<> {
    let (start, count) = (rows.start, rows.len());
    let blocks = count.div_ceil(most);
    (0..blocks).map(move |block| start + block * count / blocks..start + (block + 1) * count / blocks)
}

/// Runs a tile function with the number of rows as a constant, `most` of them at most.
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
/// The panels are `first_panel` and the following ones, the vectors start at `at` in each.
#[inline(always)]
pub(super) fn product_tile<const M: usize, const P: usize, const V: usize, S: Simd>(
    simd: S,
    part: &Part,
    out: &mut RowsMut<'_>,
    a: RowsRef<'_>,
    b: &Panels,
    first_panel: usize,
    at: usize,
) {
    let terms = part.inner.len();
    let mut rows: [&[f32]; M] = [&[]; M];
    for (r, row) in rows.iter_mut().enumerate() {
        *row = &a.row(part.rows.start + r)[part.inner.clone()][..terms];
    }
    let step = b.panel_width(first_panel) / S::F32_LANES;
    let mut panels: [&[S::f32s]; P] = [&[]; P];
    for (p, panel) in panels.iter_mut().enumerate() {
        let whole = S::as_simd_f32s(b.panel(first_panel + p)).0;
        *panel = &whole[part.inner.start * step..part.inner.end * step];
    }
    let mut sums = [[[simd.splat_f32s(0.0); V]; P]; M];
    for k in 0..terms {
        let mut right = [[simd.splat_f32s(0.0); V]; P];
        for p in 0..P {
            let from = &panels[p][k * step + at..][..V];
            right[p].copy_from_slice(from);
        }
        for r in 0..M {
            let left = simd.splat_f32s(rows[r][k]);
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
            let first = b.panel_start(first_panel + p) / S::F32_LANES + at;
            store(simd, &mut row[first..first + V], sums, part.add);
        }
    }
}

/// `M` rows by `V` vectors of `out (+)= aᵀ b`: vectors `at` and the following ones of a panel.
#[inline(always)]
pub(super) fn transposed_tile<const M: usize, const V: usize, S: Simd>(
    simd: S,
    part: &Part,
    out: &mut Panels,
    a: RowsRef<'_>,
    b: RowsRef<'_>,
    panel: usize,
    at: usize,
) {
    let column = part.rows.start;
    let first = out.panel_start(panel) / S::F32_LANES + at;
    let b_rows = S::as_simd_f32s(b.rows(part.inner.clone()).as_slice()).0;
    let a_rows = a.rows(part.inner.clone()).as_slice();
    let mut sums = [[simd.splat_f32s(0.0); V]; M];
    for (left, right) in a_rows.chunks_exact(a.stride()).zip(b_rows.chunks_exact(b.stride() / S::F32_LANES)) {
        let left = &left[column..][..M];
        let right = &right[first..][..V];
        for r in 0..M {
            let left = simd.splat_f32s(left[r]);
            for v in 0..V {
                sums[r][v] = simd.mul_add_f32s(left, right[v], sums[r][v]);
            }
        }
    }
    let step = out.panel_width(panel) / S::F32_LANES;
    let to = S::as_mut_simd_f32s(out.panel_mut(panel)).0;
    for (r, sums) in sums.iter().enumerate() {
        let first = (column + r) * step + at;
        store(simd, &mut to[first..first + V], sums, part.add);
    }
}

#[inline(always)]
fn store<S: Simd>(simd: S, to: &mut [S::f32s], sums: &[S::f32s], add: bool) {
    for (to, sum) in to.iter_mut().zip(sums) {
        *to = if add { simd.add_f32s(*to, *sum) } else { *sum };
    }
}
