//! The transpose of a matrix in panels, in tiles of 8 by 8.

use pulp::{Scalar, Simd, WithSimd};

use super::Panels;

/// Number of rows and columns that are transposed together. It divides the width of every panel.
const TILE: usize = 8;

type Tile = [[f32; TILE]; TILE];

/// Writes the transpose of `from` to `to`, whose shape has been checked.
pub(super) fn transpose(from: &Panels, to: &mut Panels) {
    #[cfg(target_arch = "x86_64")]
    if let Some(avx2) = super::Level::current().avx2() {
        Simd::vectorize(avx2, Transpose { from, to, way: avx2 });
        return;
    }
    Transpose { from, to, way: Scalar }.with_simd(Scalar);
}

/// A method of transposing a tile.
trait Way {
    fn transposed(&self, tile: Tile) -> Tile;
}

struct Transpose<'a, W> {
    from: &'a Panels,
    to: &'a mut Panels,
    way: W,
}

impl<W: Way> WithSimd for Transpose<'_, W> {
    type Output = ();

    /// Tile by tile, in the order in which the output is stored.
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { from, to, way } = self;
        let (rows, columns) = (to.row_count(), to.column_count());
        let whole = rows - rows % TILE;
        let layout = to.layout();
        let mut panels = to.panels_mut();
        for panel in 0..layout.panel_count() {
            let (start, width) = (layout.panel_start(panel), layout.panel_width(panel));
            let out = panels.panel_mut(panel);
            for i in (0..whole).step_by(TILE) {
                // columns of one panel of `from`, which are `step` apart from row to row
                let first = from.layout().position(0, i);
                let step = if from.row_count() > 1 { from.layout().position(1, i) - first } else { TILE };
                for j in (0..width).step_by(TILE) {
                    let source = &from.as_slice()[first + (start + j) * step..];
                    let mut rows = Tile::default();
                    if start + j + TILE <= columns {
                        for (r, row) in rows.iter_mut().enumerate() {
                            row.copy_from_slice(&source[r * step..][..TILE]);
                        }
                    } else {
                        let count = columns.saturating_sub(start + j);
                        for (row, source) in rows.iter_mut().zip(source.chunks(step)).take(count) {
                            row.copy_from_slice(&source[..TILE]);
                        }
                    }
                    let rows = way.transposed(rows);
                    let out = &mut out[i * width + j..];
                    for r in 0..TILE {
                        out[r * width..][..TILE].copy_from_slice(&rows[r]);
                    }
                }
            }
            for i in whole..rows {
                for j in 0..width.min(columns.saturating_sub(start)) {
                    out[i * width + j] = from.as_slice()[from.layout().position(start + j, i)];
                }
            }
        }
    }
}

impl Way for Scalar {
    fn transposed(&self, tile: Tile) -> Tile {
        let mut out = Tile::default();
        for (i, row) in tile.iter().enumerate() {
            for (j, value) in row.iter().enumerate() {
                out[j][i] = *value;
            }
        }
        out
    }
}

#[cfg(target_arch = "x86_64")]
impl Way for pulp::x86::V3 {
    /// In registers: pairs change places, then quarters, then halves.
    #[inline(always)]
    fn transposed(&self, tile: Tile) -> Tile {
        use pulp::{cast, f32x8};
        use std::arch::x86_64::__m256;

        let avx = self.avx;
        let load = |row: [f32; TILE]| -> __m256 { cast(cast::<_, f32x8>(row)) };
        let [a, b, c, d, e, f, g, h] = tile.map(load);
        let (ab, ab_high) = (avx._mm256_unpacklo_ps(a, b), avx._mm256_unpackhi_ps(a, b));
        let (cd, cd_high) = (avx._mm256_unpacklo_ps(c, d), avx._mm256_unpackhi_ps(c, d));
        let (ef, ef_high) = (avx._mm256_unpacklo_ps(e, f), avx._mm256_unpackhi_ps(e, f));
        let (gh, gh_high) = (avx._mm256_unpacklo_ps(g, h), avx._mm256_unpackhi_ps(g, h));
        let upper = [
            avx._mm256_shuffle_ps::<0b01_00_01_00>(ab, cd),
            avx._mm256_shuffle_ps::<0b11_10_11_10>(ab, cd),
            avx._mm256_shuffle_ps::<0b01_00_01_00>(ab_high, cd_high),
            avx._mm256_shuffle_ps::<0b11_10_11_10>(ab_high, cd_high),
        ];
        let lower = [
            avx._mm256_shuffle_ps::<0b01_00_01_00>(ef, gh),
            avx._mm256_shuffle_ps::<0b11_10_11_10>(ef, gh),
            avx._mm256_shuffle_ps::<0b01_00_01_00>(ef_high, gh_high),
            avx._mm256_shuffle_ps::<0b11_10_11_10>(ef_high, gh_high),
        ];
        let first = |i: usize| avx._mm256_permute2f128_ps::<0x20>(upper[i], lower[i]);
        let second = |i: usize| avx._mm256_permute2f128_ps::<0x31>(upper[i], lower[i]);
        [first(0), first(1), first(2), first(3), second(0), second(1), second(2), second(3)].map(cast)
    }
}
