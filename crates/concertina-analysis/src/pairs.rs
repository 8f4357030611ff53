//! The distances between all pairs of states.

use concertina_numerics::double::{Panels, squared_distances};
use ndarray::{ArrayView2, s};

use crate::numbers::Precision;

/// Number of second samples in a block.
const WIDTH: usize = 32;
/// Number of first samples whose distances to the block are computed together: with 200 units, their states
/// fill a third of the second-level cache, and those of the block stay in the first level.
const HEIGHT: usize = 192;

/// Calls `each` with every pair of samples, the lower number first, and the square of their Euclidean
/// distance after multiplication of the states by `scale`.
///
/// The square is computed from the differences themselves, in f64. The order of the pairs is fixed: blocks of
/// [`WIDTH`] second samples, then first samples, then second samples.
pub(crate) fn each_pair<T: Precision>(
    states: ArrayView2<T>,
    scale: f64,
    mut each: impl FnMut(usize, usize, f64),
) {
    let (samples, units) = states.dim();
    let scaled = states.mapv(|entry| entry.into() * scale);
    let scaled = scaled.as_standard_layout();
    let entries = scaled.as_slice().expect("in standard layout");
    let mut squares = vec![0.0; HEIGHT * WIDTH];
    for first in (0..samples).step_by(WIDTH) {
        let last = samples.min(first + WIDTH);
        let block = Panels::from_transposed(scaled.slice(s![first..last, ..]));
        for top in (0..last).step_by(HEIGHT) {
            let bottom = last.min(top + HEIGHT);
            let squares = &mut squares[..(bottom - top) * (last - first)];
            squared_distances(&entries[top * units..bottom * units], &block, squares);
            for (sample, squares) in (top..bottom).zip(squares.chunks_exact(last - first)) {
                for other in first.max(sample + 1)..last {
                    each(sample, other, squares[other - first]);
                }
            }
        }
    }
}
