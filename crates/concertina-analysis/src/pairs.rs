//! The distances between all pairs of states.

use concertina_numerics::kernels::{Operation, dispatch};
use ndarray::ArrayView2;

use crate::numbers::Precision;

/// Number of samples whose distances to another sample are computed together: the sums fill four AVX-512
/// vectors, enough to hide the latency of the additions.
const WIDTH: usize = 32;

/// Calls `each` with every pair of samples, the lower number first, and the square of their Euclidean
/// distance after multiplication of the states by `scale`.
///
/// The square is computed from the differences themselves, in f64, and not from a matrix product
/// (`a² - 2ab + b²`), in which a narrow cloud far from the origin would lose its digits. The order of the
/// pairs is fixed: blocks of [`WIDTH`] second samples, then first samples, then second samples.
pub(crate) fn each_pair<T: Precision>(
    states: ArrayView2<T>,
    scale: f64,
    mut each: impl FnMut(usize, usize, f64),
) {
    let (samples, units) = states.dim();
    let scaled: Vec<f64> = states.iter().map(|entry| (*entry).into() * scale).collect();
    let row = |sample: usize| &scaled[sample * units..(sample + 1) * units];
    let mut panel = vec![0.0; units * WIDTH];
    for first in (0..samples).step_by(WIDTH) {
        let last = samples.min(first + WIDTH);
        for (lane, sample) in (first..last).enumerate() {
            let entries = panel.iter_mut().skip(lane).step_by(WIDTH);
            entries.zip(row(sample)).for_each(|(into, entry)| *into = *entry);
        }
        for sample in 0..last {
            let squares = dispatch(ToPanel { panel: &panel, state: row(sample) });
            for other in first.max(sample + 1)..last {
                each(sample, other, squares[other - first]);
            }
        }
    }
}

/// The squared distances of one state to the states of a panel, (units, [`WIDTH`]).
struct ToPanel<'a> {
    panel: &'a [f64],
    state: &'a [f64],
}

impl Operation for ToPanel<'_> {
    type Output = [f64; WIDTH];

    #[inline(always)]
    fn run(self) -> [f64; WIDTH] {
        let mut squares = [0.0; WIDTH];
        let (units, _) = self.panel.as_chunks::<WIDTH>();
        for (others, entry) in units.iter().zip(self.state) {
            for (square, other) in squares.iter_mut().zip(others) {
                let difference = other - entry;
                *square += difference * difference;
            }
        }
        squares
    }
}
