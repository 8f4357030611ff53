//! Matrix products: the loops around the tiles.

use std::ops::Range;
use std::panic::resume_unwind;
use std::thread;

use pulp::{Simd, WithSimd};

use super::panels::{Layout, PanelsMut};
use super::tile::{Part, product_tile, row_blocks, transposed_tile, with_row_count};
use super::{Level, Panels, Rows, RowsMut, RowsRef, team};

/// Number of terms of a sum that are chained before they are added to the output. It is part of the
/// definition of a product.
///
/// 256 rows of a panel are 32 kB, the size of a first-level cache. Sums over thousands of samples also lose
/// less to rounding in blocks.
pub const BLOCK: usize = 256;

/// `out = a B`, or `out += a B` if `accumulate`: (m, n) from (m, k) and (k, n).
///
/// The padding of `out` is overwritten with zeros (with NaN where `a` is not finite).
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
    let layout = b.layout();
    let work = out.row_count() * a.column_count() * layout.column_count();
    let threads = team::threads(work, layout.panel_count());
    let mut shares = team::shares(threads, &layout);
    let Some(own) = shares.next_back() else { return };
    if threads == 1 {
        return share_of_product(out, a, b, own, accumulate);
    }
    // the other threads write into separate rows, from which their columns are copied
    let before = accumulate.then(|| out.view().to_rows());
    thread::scope(|scope| {
        let helpers: Vec<_> = shares
            .map(|share| {
                let before = before.as_ref();
                let columns = b.layout().columns_of(share.clone());
                let help = move || {
                    let mut rows =
                        before.cloned().unwrap_or_else(|| Rows::zeros(a.row_count(), b.column_count()));
                    share_of_product(rows.view_mut(), a, b, share, accumulate);
                    rows
                };
                (columns, scope.spawn(team::at_this_level(help)))
            })
            .collect();
        share_of_product(out.reborrow(), a, b, own, accumulate);
        for (columns, helper) in helpers {
            let rows = helper.join().unwrap_or_else(|panic| resume_unwind(panic));
            for row in 0..rows.row_count() {
                out.row_mut(row)[columns.clone()].copy_from_slice(&rows.row(row)[columns.clone()]);
            }
        }
    });
}

/// Computes the columns of some panels of a product.
fn share_of_product(
    mut out: RowsMut<'_>,
    a: RowsRef<'_>,
    b: &Panels,
    panels: Range<usize>,
    accumulate: bool,
) {
    for (level, panels) in by_level(&b.layout(), panels) {
        level.vectorize(Product { out: out.reborrow(), a, b, panels, accumulate });
    }
}

/// `out = aᵀ b`, or `out += aᵀ b` if `accumulate`: (m, n) from (k, m) and (k, n).
///
/// With the states of all timesteps and trials as rows of `a`, and the backward signals as rows of `b`, this
/// is the gradient of the weights.
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
    let layout = out.layout();
    let work = a.row_count() * a.column_count() * layout.column_count();
    let threads = team::threads(work, layout.panel_count());
    if threads == 1 {
        return share_of_transposed_product(out.panels_mut(), a, b, 0..layout.panel_count(), accumulate);
    }
    thread::scope(|scope| {
        let mut rest = out.panels_mut();
        for (index, share) in team::shares(threads, &layout).enumerate() {
            let (now, later) = rest.split_at(share.end);
            rest = later;
            let multiply = move || share_of_transposed_product(now, a, b, share, accumulate);
            if index + 1 == threads {
                multiply();
            } else {
                scope.spawn(team::at_this_level(multiply));
            }
        }
    });
}

/// Computes the panels of a product that are in `out`.
fn share_of_transposed_product(
    mut out: PanelsMut<'_>,
    a: RowsRef<'_>,
    b: RowsRef<'_>,
    panels: Range<usize>,
    accumulate: bool,
) {
    for (level, panels) in by_level(&out.layout(), panels) {
        level.vectorize(TransposedProduct { out: &mut out, a, b, panels, accumulate });
    }
}

/// The instruction set for each of some panels: a last panel of 8 columns is too narrow for the widest
/// vectors.
fn by_level(layout: &Layout, panels: Range<usize>) -> [(Level, Range<usize>); 2] {
    let (level, all) = (Level::current(), layout.panel_count());
    let wide = if layout.last_panel_is_narrow() { all - 1 } else { all };
    let middle = panels.end.min(wide).max(panels.start);
    [(level, panels.start..middle), (level.narrow(), middle..panels.end)]
}

/// Number of rows that are multiplied with all panels before the next rows: a share of the second-level cache
/// at 200 units.
const ROWS: usize = 96;

fn blocks(inner: usize, size: usize) -> impl Iterator<Item = Range<usize>> {
    (0..inner).step_by(size).map(move |first| first..inner.min(first + size))
}

struct Product<'a> {
    out: RowsMut<'a>,
    a: RowsRef<'a>,
    b: &'a Panels,
    panels: Range<usize>,
    accumulate: bool,
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        if self.panels.is_empty() {
            return;
        }
        for inner in blocks(self.a.column_count(), BLOCK) {
            for rows in row_blocks(&(0..self.out.row_count()), ROWS) {
                let part = Part { inner: inner.clone(), rows, add: self.accumulate || inner.start > 0 };
                let mut panel = self.panels.start;
                while panel < self.panels.end {
                    panel += self.strips(simd, &part, panel);
                }
            }
        }
    }
}

impl Product<'_> {
    /// Computes a part of one panel or of a few panels. Returns the number of panels.
    #[inline(always)]
    fn strips<S: Simd>(&mut self, simd: S, part: &Part, panel: usize) -> usize {
        let full = self.b.layout().full_panel_count().min(self.panels.end).saturating_sub(panel);
        let vectors = self.b.layout().panel_width(panel) / S::F32_LANES;
        // few rows: several panels together, so that enough sums are in progress to hide the latency of each
        match (S::F32_LANES, part.rows.len(), vectors) {
            (16, 1, 2) if full >= 6 => self.strip::<S, 6, 2>(simd, part, 1, panel, 0),
            (16, 1, 2) if full >= 4 => self.strip::<S, 4, 2>(simd, part, 1, panel, 0),
            (16, 1..=3, 2) if full >= 2 => self.strip::<S, 2, 2>(simd, part, 3, panel, 0),
            (16, _, 2) => self.strip::<S, 1, 2>(simd, part, 12, panel, 0),
            (16, ..) => self.strip::<S, 1, 1>(simd, part, 12, panel, 0),
            (8, 1, 4) if full >= 2 => self.strip::<S, 2, 4>(simd, part, 1, panel, 0),
            (8, 1..=2, 4) => self.strip::<S, 1, 4>(simd, part, 2, panel, 0),
            (8, _, 1) => self.strip::<S, 1, 1>(simd, part, 12, panel, 0),
            _ => {
                for at in (0..vectors).step_by(2) {
                    self.strip::<S, 1, 2>(simd, part, 6, panel, at);
                }
            }
        }
        match (S::F32_LANES, part.rows.len(), vectors) {
            (16, 1, 2) if full >= 6 => 6,
            (16, 1, 2) if full >= 4 => 4,
            (16, 1..=3, 2) | (8, 1, 4) if full >= 2 => 2,
            _ => 1,
        }
    }

    /// Computes `V` vectors, from `at` on, of `P` panels.
    #[inline(always)]
    fn strip<S: Simd, const P: usize, const V: usize>(
        &mut self,
        simd: S,
        part: &Part,
        most_rows: usize,
        panel: usize,
        at: usize,
    ) {
        for rows in row_blocks(&part.rows, most_rows) {
            let part = Part { rows, ..part.clone() };
            let (out, a, b) = (&mut self.out, self.a, self.b);
            with_row_count!(
                part.rows.len(),
                most_rows,
                product_tile::<P, V, S>(simd, &part, out, a, b, panel, at)
            );
        }
    }
}

struct TransposedProduct<'a, 'b> {
    out: &'a mut PanelsMut<'b>,
    a: RowsRef<'a>,
    b: RowsRef<'a>,
    panels: Range<usize>,
    accumulate: bool,
}

impl WithSimd for TransposedProduct<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        if self.panels.is_empty() {
            return;
        }
        let (terms, rows) = (self.a.row_count(), self.a.column_count());
        let tiles = self.panels.len() * rows.div_ceil(12);
        for inner in blocks(terms, BLOCK) {
            let mut next = Prefetch::new(inner.end..terms.min(inner.end + BLOCK), tiles);
            let part = Part { rows: 0..rows, add: self.accumulate || inner.start > 0, inner };
            for panel in self.panels.clone() {
                let vectors = self.out.layout().panel_width(panel) / S::F32_LANES;
                match (S::F32_LANES, vectors) {
                    (16, 2) => self.strip::<S, 2>(simd, &part, &mut next, 12, panel, 0),
                    (16, _) | (8, 1) => self.strip::<S, 1>(simd, &part, &mut next, 12, panel, 0),
                    _ => {
                        for at in (0..vectors).step_by(2) {
                            self.strip::<S, 2>(simd, &part, &mut next, 6, panel, at);
                        }
                    }
                }
            }
        }
    }
}

impl TransposedProduct<'_, '_> {
    /// Computes `V` vectors, from `at` on, of a panel.
    #[inline(always)]
    fn strip<S: Simd, const V: usize>(
        &mut self,
        simd: S,
        part: &Part,
        next: &mut Prefetch,
        most_rows: usize,
        panel: usize,
        at: usize,
    ) {
        for rows in row_blocks(&part.rows, most_rows) {
            for row in next.share() {
                prefetch(self.a.padded_row(row));
                prefetch(self.b.padded_row(row));
            }
            let part = Part { rows, ..part.clone() };
            let (out, a, b) = (&mut *self.out, self.a, self.b);
            with_row_count!(
                part.rows.len(),
                most_rows,
                transposed_tile::<V, S>(simd, &part, out, a, b, panel, at)
            );
        }
    }
}

/// Rows of the next block, of which a few are fetched with every tile of this block. A tile walks down
/// columns, which no processor predicts (800 trials of 10 steps, 200 units: 67% of the peak without
/// prefetching, 77% with it, AVX-512 on a fourth-generation EPYC).
struct Prefetch {
    rows: Range<usize>,
    tiles: usize,
    tile: usize,
}

impl Prefetch {
    const fn new(rows: Range<usize>, tiles: usize) -> Self {
        Self { rows, tiles, tile: 0 }
    }

    /// The rows to fetch with the next tile.
    #[inline(always)]
    fn share(&mut self) -> Range<usize> {
        if self.rows.is_empty() {
            return 0..0;
        }
        let (count, from) = (self.rows.len(), self.tile.min(self.tiles));
        self.tile = (from + 1).min(self.tiles);
        self.rows.start + from * count / self.tiles..self.rows.start + self.tile * count / self.tiles
    }
}

/// Prefetches a slice into the second-level cache.
#[inline(always)]
pub fn prefetch(values: &[f32]) {
    #[cfg(target_arch = "x86_64")]
    for line in values.chunks(16) {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        // SAFETY: a hint without effect on the program, for the address of a slice.
        #[allow(unsafe_code)]
        unsafe {
            _mm_prefetch::<_MM_HINT_T1>(line.as_ptr().cast());
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = values;
}
