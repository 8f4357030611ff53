//! Singular values of a product of Jacobians by QR sweeps, which keep the small ones.
//!
//! A frame of orthonormal rows is carried forward through the factors, and made orthonormal after each:
//! `Q J_1 ... J_t = L_1 ... L_t Q_t` with lower triangular `L`. The singular values within the frame are
//! those of the triangular product, whose columns differ in size but are accurate one by one. The right
//! singular vectors are then carried back through the transposes, which aligns the frame with the largest
//! values, and so on, until nothing changes.

use super::chain::Chain;
use super::graded::Graded;
use crate::rows::{orthonormalise, unit_vectors};

/// Values have settled if a further sweep changes the logarithms by at most this many bits, relative to 1 or
/// to the largest: rounding over the factors of a product.
const SETTLED: f64 = 1e-12;
/// With fewer vectors than numbers, the largest values left out decide how fast sweeps converge. After this
/// many sweeps, the frame is doubled.
const PATIENCE: usize = 6;
/// Most sweeps. With all vectors, two or three are enough, whatever the values.
const MOST_SWEEPS: usize = 100;
/// Vectors in addition to the requested ones.
const EXTRA: usize = 16;

/// Logarithms of singular values, and whether they have settled.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Swept {
    /// Base-2 logarithms, largest first; `None` for values that are zero or lost to rounding.
    pub(super) bits: Vec<Option<f64>>,
    pub(super) settled: bool,
}

/// The largest `count` singular values of `J_1 ... J_t` of one trial. `start` holds rows near their left
/// vectors, if any are known.
pub(super) fn sweep(chain: &dyn Chain, trial: usize, steps: usize, count: usize, start: &[f64]) -> Swept {
    let numbers = chain.numbers();
    let mut vectors = numbers.min(count + EXTRA).max(start.len() / numbers);
    let mut frame = filled(start, vectors, numbers);
    let mut before: Option<Swept> = None;
    for sweep in 1..=MOST_SWEEPS {
        if sweep % PATIENCE == 0 && vectors < numbers {
            vectors = numbers.min(2 * vectors);
            frame = filled(&frame, vectors, numbers);
            before = None;
        }
        let (mut triangle, mut lost) = (Graded::identity(vectors), 0);
        for timestep in 0..steps {
            chain.push(timestep, &[trial], &mut frame);
            let lower = orthonormalise(&mut frame, numbers);
            lost = lost.max((0..vectors).filter(|k| lower[k * vectors + k] == 0.0).count());
            triangle = triangle.times_lower(&lower);
        }
        let values = triangle.values();
        let known = |k: usize| k < vectors - lost && values.bits[k].is_finite();
        let bits: Vec<Option<f64>> = (0..count).map(|k| known(k).then_some(values.bits[k])).collect();
        let now = Swept { settled: before.is_some_and(|before| is_near(&before.bits, &bits)), bits };
        if now.settled || sweep == MOST_SWEEPS {
            return now;
        }
        before = Some(now);
        frame = rotated(&values.right, &frame, vectors, numbers);
        for timestep in (0..steps).rev() {
            chain.pull(timestep, &[trial], &mut frame);
            orthonormalise(&mut frame, numbers);
        }
    }
    unreachable!("the last sweep returns")
}

/// The values of one step are those of its Jacobian, of several steps those of their product; both change by
/// rounding only once the frame has settled.
fn is_near(before: &[Option<f64>], now: &[Option<f64>]) -> bool {
    let scale = now.iter().flatten().fold(1.0, |scale: f64, bits| scale.max(bits.abs()));
    before.iter().zip(now).all(|(before, now)| match (before, now) {
        (Some(before), Some(now)) => (before - now).abs() <= SETTLED * scale,
        (before, now) => before.is_none() && now.is_none(),
    })
}

/// A frame that begins with these rows and has as many as requested: the others are a fixed pattern of
/// cosines, which is not orthogonal to anything in particular.
fn filled(rows: &[f64], vectors: usize, numbers: usize) -> Vec<f64> {
    let mut frame = rows.to_vec();
    let pattern = |vector: usize, number: usize| {
        let place = (vector * numbers + number) as f64;
        f64::from(u8::from(vector == number)) + 0.01 * libm::cos(place)
    };
    for vector in rows.len() / numbers..vectors {
        frame.extend((0..numbers).map(|number| pattern(vector, number)));
    }
    orthonormalise(&mut frame, numbers);
    frame
}

/// `rotation · frame`.
fn rotated(rotation: &[f64], frame: &[f64], vectors: usize, numbers: usize) -> Vec<f64> {
    let mut out = vec![0.0; frame.len()];
    for (out, factors) in out.chunks_exact_mut(numbers).zip(rotation.chunks_exact(vectors)) {
        for (factor, row) in factors.iter().zip(frame.chunks_exact(numbers)) {
            crate::rows::add(out, *factor, row);
        }
    }
    out
}

/// What Benettin's method accumulates from the first unit vectors: sums of `log2 L[j, j]` after every step,
/// (timesteps, count); `None` once a vector is lost. They are not the singular values of the product.
pub(super) fn accumulate(chain: &dyn Chain, trial: usize, count: usize) -> Vec<Vec<Option<f64>>> {
    let numbers = chain.numbers();
    let mut frame = unit_vectors(count, numbers);
    let mut totals = vec![Some(0.0); count];
    let step = |timestep: usize| {
        chain.push(timestep, &[trial], &mut frame);
        let lower = orthonormalise(&mut frame, numbers);
        for (k, total) in totals.iter_mut().enumerate() {
            let length = lower[k * count + k];
            *total = total.filter(|_| length > 0.0).map(|total| total + libm::log2(length));
        }
        totals.clone()
    };
    (0..chain.timesteps()).map(step).collect()
}
