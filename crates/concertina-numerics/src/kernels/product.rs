//! Matrix products: the loops around the tiles.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::tile::{Part, product_tile, row_blocks, transposed_tile, with_row_count};
use super::{Level, Panels, RowsMut, RowsRef};

/// Terms of a sum that are chained before they are added to the output; part of the definition of a product.
///
/// 256 rows of a panel are 32 kB, a first-level cache; and sums over thousands of samples lose less to rounding in blocks.
pub const BLOCK: usize = 256;

/// `out = a B`, or `out += a B` if `accumulate`: (m, n) from (m, k) and (k, n).
///
/// # Panics
/// If the shapes do not fit.
pub fn product(mut out: RowsMut<'_>, a: RowsRef<'_>, b: &Panels, accumulate: bool) {
    assert_eq!(a.column_count(), b.row_count(), "inner dimensions of a product");
    assert_eq!(
        (out.row_count(), out.column_count()),
        (a.row_count(), b.column_count()),
        "output and factors of a product"
    );
    if a.column_count() == 0 && !accumulate {
        out.as_mut_slice().fill(0.0);
    }
    Level::current().vectorize(Product { out, a, b, accumulate });
}

/// `out = aᵀ b`, or `out += aᵀ b` if `accumulate`: (m, n) from (k, m) and (k, n).
///
/// With the states of all timesteps and trials as rows of `a`, and the backward signals as rows of `b`, this is
/// the gradient of the weights.
///
/// # Panics
/// If the shapes do not fit.
pub fn product_transposed_a(out: &mut Panels, a: RowsRef<'_>, b: RowsRef<'_>, accumulate: bool) {
    assert_eq!(a.row_count(), b.row_count(), "inner dimensions of a product");
    assert_eq!(
        (out.row_count(), out.column_count()),
        (a.column_count(), b.column_count()),
        "output and factors of a product"
    );
    if a.row_count() == 0 && !accumulate {
        out.clear();
    }
    Level::current().vectorize(TransposedProduct { out, a, b, accumulate });
}

fn blocks(inner: usize) -> impl Iterator<Item = Range<usize>> {
    (0..inner).step_by(BLOCK).map(move |first| first..inner.min(first + BLOCK))
}

struct Product<'a> {
    out: RowsMut<'a>,
    a: RowsRef<'a>,
    b: &'a Panels,
    accumulate: bool,
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let rows = self.out.row_count();
        let full_panels = self.b.column_count().next_multiple_of(16) / Panels::WIDTH;
        for inner in blocks(self.a.column_count()) {
            let mut panel = 0;
            while panel < self.b.panel_count() {
                let full = full_panels - panel.min(full_panels);
                // few rows: several panels at once, so that enough sums are under way to hide the latency of one
                panel += match (S::F32_LANES, rows) {
                    (16, 1) if full >= 4 => self.strip::<S, 4, 2>(simd, &inner, 1, panel, 0),
                    (16, 2..=3) if full >= 2 => self.strip::<S, 2, 2>(simd, &inner, 3, panel, 0),
                    (16, _) if full >= 1 => self.strip::<S, 1, 2>(simd, &inner, 12, panel, 0),
                    (16, _) => self.strip::<S, 1, 1>(simd, &inner, 12, panel, 0),
                    (8, 1) if full >= 2 => self.strip::<S, 2, 4>(simd, &inner, 1, panel, 0),
                    (8, 2..=3) if full >= 1 => self.strip::<S, 1, 4>(simd, &inner, 3, panel, 0),
                    (8, _) => {
                        for at in (0..self.b.panel_width(panel) / S::F32_LANES).step_by(2) {
                            self.strip::<S, 1, 2>(simd, &inner, 6, panel, at);
                        }
                        1
                    }
                    _ => {
                        for at in (0..self.b.panel_width(panel) / S::F32_LANES).step_by(4) {
                            self.strip::<S, 1, 4>(simd, &inner, 6, panel, at);
                        }
                        1
                    }
                };
            }
        }
    }
}

impl Product<'_> {
    /// All rows of `P` panels; returns `P`.
    #[inline(always)]
    fn strip<S: Simd, const P: usize, const V: usize>(
        &mut self,
        simd: S,
        inner: &Range<usize>,
        most_rows: usize,
        panel: usize,
        at: usize,
    ) -> usize {
        for rows in row_blocks(self.out.row_count(), most_rows) {
            let part = Part { inner: inner.clone(), rows, add: self.accumulate || inner.start > 0 };
            let (out, a, b) = (&mut self.out, self.a, self.b);
            with_row_count!(
                part.rows.len(),
                most_rows,
                product_tile::<P, V, S>(simd, &part, out, a, b, panel, at)
            );
        }
        P
    }
}

struct TransposedProduct<'a> {
    out: &'a mut Panels,
    a: RowsRef<'a>,
    b: RowsRef<'a>,
    accumulate: bool,
}

impl WithSimd for TransposedProduct<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        for inner in blocks(self.a.row_count()) {
            for panel in 0..self.out.panel_count() {
                let vectors = self.out.panel_width(panel) / S::F32_LANES;
                match S::F32_LANES {
                    16 if vectors == 2 => self.strip::<S, 2>(simd, &inner, 12, panel, 0),
                    16 => self.strip::<S, 1>(simd, &inner, 12, panel, 0),
                    8 => {
                        (0..vectors).step_by(2).for_each(|at| self.strip::<S, 2>(simd, &inner, 6, panel, at))
                    }
                    _ => {
                        (0..vectors).step_by(4).for_each(|at| self.strip::<S, 4>(simd, &inner, 6, panel, at))
                    }
                }
            }
        }
    }
}

impl TransposedProduct<'_> {
    /// All rows of `V` vectors of a panel.
    #[inline(always)]
    fn strip<S: Simd, const V: usize>(
        &mut self,
        simd: S,
        inner: &Range<usize>,
        most_rows: usize,
        panel: usize,
        at: usize,
    ) {
        for rows in row_blocks(self.out.row_count(), most_rows) {
            let part = Part { inner: inner.clone(), rows, add: self.accumulate || inner.start > 0 };
            let (out, a, b) = (&mut *self.out, self.a, self.b);
            with_row_count!(
                part.rows.len(),
                most_rows,
                transposed_tile::<V, S>(simd, &part, out, a, b, panel, at)
            );
        }
    }
}
