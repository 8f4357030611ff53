//! The largest singular values of a product of Jacobians where they are of similar size: a block Lanczos
//! process for `P Pᵀ`, for all trials together.

use concertina_numerics::kernels::dispatch;
use concertina_numerics::linalg::{symmetric_eigen, symmetric_eigenvalues};
use concertina_numerics::random::{Purpose, Stream};
use ndarray::{Array2, s};

use super::chain::Chain;
use crate::Result;
use crate::rows::{add, dot, orthonormalise};

const START: Purpose = Purpose::new("finite time vecs");

/// A square of a singular value has converged if a further block changes it by at most this share; the
/// changes fall by a factor of about ten per block. An error of 1e-11 in the square is 7e-12 bits.
const CONVERGED: f64 = 1e-11;
/// The process is trusted if the smallest square is above this share of the largest, times the
/// amplification of rounding errors. Its relative error is then about 1e-11: machine epsilons times 1e4.
const TRUSTED: f64 = 1e-4;
/// A vector of a new block below this share of the images is rounding: the space is invariant.
const INVARIANT: f64 = 1e-12;
/// A projection that leaves less than this share of a vector is repeated.
const SHARE: f64 = 1e-2;
/// Least number of blocks after which values are compared for the first time.
const FIRST_LOOK: usize = 5;
/// The longer product of the next timestep needs fewer blocks, because its values lie further apart: 0.7 to 1
/// times as many in networks of 200 units. Its values are compared from this share of the blocks on.
const SHARE_OF_BLOCKS: f64 = 0.75;
/// Least number of blocks between two looks, and their least share of all blocks so far: the values of a
/// small matrix cost as much as a block of vectors, and those of a large one much more.
const LOOK_EVERY: usize = 2;
const LOOK_SHARE: usize = 6;
/// Below this many numbers of a state, per requested value, sweeps with all vectors take no longer.
const WORTHWHILE: usize = 5;
/// Vectors beside the requested ones that are handed to the sweeps.
const EXTRA: usize = 16;

/// What the process found for one trial.
#[derive(Debug)]
pub(super) enum Found {
    /// Base-2 logarithms of the singular values, largest first.
    Values(Vec<f64>),
    /// Rows near the left vectors, from which sweeps have to continue.
    Start(Vec<f64>),
}

/// The largest `count` singular values of `J_1 ... J_t` of every trial.
///
/// The blocks have as many vectors as values are requested, so equal values are not missed. `blocks` holds
/// the number of blocks that each trial needed for the product of one step less, or 0, and is updated. It
/// decides only when values are compared.
pub(super) fn largest(
    chain: &dyn Chain,
    steps: usize,
    count: usize,
    blocks: &mut [usize],
) -> Result<Vec<Found>> {
    let numbers = chain.numbers();
    if numbers < WORTHWHILE * count {
        return Ok((0..chain.trials()).map(|_| Found::Start(Vec::new())).collect());
    }
    let mut stream = Stream::new(0, START, 0); // the same for every run: any start gives the same values
    let mut block: Vec<f64> = (0..count * numbers).map(|_| stream.normal()).collect();
    orthonormalise(&mut block, numbers);
    let first_look = |blocks: &usize| FIRST_LOOK.max((SHARE_OF_BLOCKS * *blocks as f64) as usize);
    let mut spaces: Vec<Space> =
        blocks.iter().map(|blocks| Space::new(&block, count, numbers, first_look(blocks))).collect();
    let mut going: Vec<usize> = (0..spaces.len()).collect();
    while !going.is_empty() {
        let mut rows: Vec<f64> = going.iter().flat_map(|trial| spaces[*trial].last()).copied().collect();
        let frame = count * numbers;
        let mut sizes = vec![Vec::with_capacity(steps + 1); going.len()];
        for timestep in 0..steps {
            sizes.iter_mut().zip(rows.chunks_exact(frame)).for_each(|(sizes, rows)| sizes.push(size(rows)));
            chain.push(timestep, &going, &mut rows);
        }
        for (trial, rows) in going.iter().zip(rows.chunks_exact(frame)) {
            spaces[*trial].add_products(rows);
        }
        let mut amplified = vec![0.0_f64; going.len()];
        for timestep in (0..steps).rev() {
            chain.pull(timestep, &going, &mut rows);
            for ((most, sizes), rows) in amplified.iter_mut().zip(&sizes).zip(rows.chunks_exact(frame)) {
                *most = most.max(sizes[timestep] * size(rows));
            }
        }
        let mut kept = Vec::with_capacity(going.len());
        for ((trial, rows), amplified) in going.iter().zip(rows.chunks_exact_mut(frame)).zip(amplified) {
            if spaces[*trial].extend(rows, amplified)? {
                kept.push(*trial);
            }
        }
        going = kept;
    }
    blocks.iter_mut().zip(&spaces).for_each(|(blocks, space)| *blocks = space.blocks());
    spaces.into_iter().map(Space::found).collect()
}

/// The largest length of a row, roughly: that of the whole frame.
fn size(rows: &[f64]) -> f64 {
    dispatch(
        #[inline(always)]
        || dot(rows, rows).sqrt(),
    )
}

/// The space of one trial.
struct Space {
    count: usize,
    numbers: usize,
    /// Orthonormal rows, block after block.
    basis: Vec<f64>,
    /// `P Pᵀ` in this basis: block tridiagonal.
    projected: Array2<f64>,
    amplified: f64,
    /// The number of blocks at the next look.
    next_look: usize,
    /// The values at the last look.
    values: Vec<f64>,
    converged: bool,
}

impl Space {
    fn new(block: &[f64], count: usize, numbers: usize, first_look: usize) -> Self {
        Self {
            count,
            numbers,
            basis: block.to_vec(),
            projected: Array2::zeros((numbers, numbers)),
            amplified: 0.0,
            next_look: first_look,
            values: Vec::new(),
            converged: false,
        }
    }

    fn vectors(&self) -> usize {
        self.basis.len() / self.numbers
    }

    fn blocks(&self) -> usize {
        self.vectors() / self.count
    }

    fn last(&self) -> &[f64] {
        &self.basis[self.basis.len() - self.count * self.numbers..]
    }

    /// Adds the block on the diagonal from the images `Q P` of the last block.
    fn add_products(&mut self, images: &[f64]) {
        let first = self.vectors() - self.count;
        let row = |index: usize| &images[index * self.numbers..][..self.numbers];
        let projected = &mut self.projected;
        for i in 0..self.count {
            for j in 0..=i {
                let product = size_product(row(i), row(j));
                projected[[first + i, first + j]] = product;
                projected[[first + j, first + i]] = product;
            }
        }
    }

    /// Extends the basis by the part of the images `Q P Pᵀ` orthogonal to it. Returns whether the process
    /// goes on.
    fn extend(&mut self, rows: &mut [f64], amplified: f64) -> Result<bool> {
        self.amplified = self.amplified.max(amplified);
        let (count, numbers, vectors) = (self.count, self.numbers, self.vectors());
        let scale = size(rows);
        if !scale.is_finite() || scale == 0.0 {
            return Ok(false);
        }
        dispatch(
            #[inline(always)]
            || remove(rows, &self.basis, numbers),
        );
        let lower = orthonormalise(rows, numbers);
        let is_invariant = (0..count).any(|k| lower[k * count + k] <= INVARIANT * scale);
        let blocks = self.blocks();
        if is_invariant || blocks >= self.next_look || vectors + count > numbers {
            self.look()?;
            self.next_look = blocks + LOOK_EVERY.max(blocks / LOOK_SHARE);
        }
        if is_invariant || self.converged || vectors + count > numbers {
            // of a block that is only partly invariant, the values may not all be there: sweeps continue
            self.converged &= !is_invariant;
            return Ok(false);
        }
        let first = vectors - count;
        for i in 0..count {
            for j in 0..=i {
                let coupling = lower[i * count + j];
                self.projected[[first + i, vectors + j]] = coupling;
                self.projected[[vectors + j, first + i]] = coupling;
            }
        }
        self.basis.extend_from_slice(rows);
        Ok(true)
    }

    /// Compares the values with those at the last look.
    fn look(&mut self) -> Result<()> {
        let vectors = self.vectors();
        let mut values = symmetric_eigenvalues(self.projected.slice(s![..vectors, ..vectors]))?;
        values.truncate(self.count);
        let near = |(before, now): (&f64, &f64)| (before - now).abs() <= CONVERGED * now.abs();
        self.converged = self.values.len() == values.len() && self.values.iter().zip(&values).all(near);
        self.values = values;
        Ok(())
    }

    fn found(self) -> Result<Found> {
        let (count, vectors) = (self.count, self.vectors());
        if let (true, Some(largest), Some(least)) = (self.converged, self.values.first(), self.values.last())
            && *least > TRUSTED * largest.max(self.amplified)
        {
            return Ok(Found::Values(self.values.iter().map(|value| 0.5 * libm::log2(*value)).collect()));
        }
        let (_, eigenvectors) = symmetric_eigen(self.projected.slice(s![..vectors, ..vectors]))?;
        let mut start = vec![0.0; vectors.min(count + EXTRA) * self.numbers];
        for (row, factors) in start.chunks_exact_mut(self.numbers).zip(eigenvectors.columns()) {
            for (factor, vector) in factors.iter().zip(self.basis.chunks_exact(self.numbers)) {
                add(row, *factor, vector);
            }
        }
        Ok(Found::Start(start))
    }
}

fn size_product(a: &[f64], b: &[f64]) -> f64 {
    dispatch(
        #[inline(always)]
        || dot(a, b),
    )
}

/// Removes the part of each row in the span of the basis.
#[inline(always)]
fn remove(rows: &mut [f64], basis: &[f64], numbers: usize) {
    for row in rows.chunks_exact_mut(numbers) {
        let mut length = dot(row, row).sqrt();
        for _ in 0..3 {
            for vector in basis.chunks_exact(numbers) {
                let along = dot(row, vector);
                add(row, -along, vector);
            }
            let left = dot(row, row).sqrt();
            let enough = left >= SHARE * length;
            length = left;
            if enough {
                break;
            }
        }
    }
}
