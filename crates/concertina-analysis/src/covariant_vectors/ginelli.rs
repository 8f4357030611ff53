//! The forward and the backward pass, and what is computed from the vectors in the window.

use concertina_numerics::linalg::{product, svd};
use ndarray::{Array2, Array3, ArrayView2, Axis, s};

use crate::Result;
use crate::rows::{add, dot, orthonormalise, unit_vectors};

/// Covariant vectors at the states of a window.
#[derive(Debug, Clone, PartialEq)]
pub struct CovariantWindow {
    /// Unit vectors, (states, vectors, numbers). Their signs are arbitrary. Vectors that were lost are zero.
    pub vectors: Array3<f64>,
    /// The exponents in the window, bits per timestep; `None` for vectors that were lost.
    pub exponents: Vec<Option<f64>>,
    /// The angles at each state, in radians, between 0 and π/2, (states, pairs), with the pairs (0, 1), (0,
    /// 2), ..., (1, 2), ...; `None` if one of the two was lost.
    pub angles: Array2<Option<f64>>,
    /// For each pair, the largest change of its angle over the window if the backward pass starts from
    /// another triangular matrix.
    pub changes: Vec<Option<f64>>,
    /// How many exponents are positive.
    pub unstable: usize,
    /// At each state, the smallest principal angle between the span of the vectors with positive exponents
    /// and that of the others that were not lost; `None` if there are none of one of the two.
    pub principal_angles: Option<Vec<f64>>,
}

/// The frames of a forward pass.
pub(super) struct Frames {
    count: usize,
    numbers: usize,
    forward: usize,
    window: usize,
    frame: Vec<f64>,
    /// The frames at the states of the window, and the triangular factors of all steps from its beginning.
    frames: Vec<Vec<f64>>,
    factors: Vec<Vec<f64>>,
    timestep: usize,
    /// The first vectors, up to the first that was lost.
    kept: usize,
}

impl Frames {
    pub(super) fn new(count: usize, numbers: usize, forward: usize, window: usize) -> Self {
        let frame = unit_vectors(count, numbers);
        let (frames, factors) = (Vec::new(), Vec::new());
        Self { count, numbers, forward, window, frame, frames, factors, timestep: 0, kept: count }
    }

    /// One timestep. `push` replaces the rows of the frame by their images.
    pub(super) fn step(&mut self, push: impl FnOnce(&mut [f64])) {
        self.keep();
        push(&mut self.frame);
        let lower = orthonormalise(&mut self.frame, self.numbers);
        if self.timestep >= self.forward {
            let lost = (0..self.count).find(|k| lower[k * self.count + k] == 0.0);
            self.kept = self.kept.min(lost.unwrap_or(self.count));
            self.factors.push(lower);
        }
        self.timestep += 1;
    }

    fn keep(&mut self) {
        if (self.forward..=self.forward + self.window).contains(&self.timestep) {
            self.frames.push(self.frame.clone());
        }
    }

    /// The backward pass, and the angles.
    pub(super) fn covariant(mut self) -> CovariantWindow {
        self.keep(); // the last state of the window, if it has no backward transient
        let (count, kept) = (self.count, self.kept);
        let identity = unit_vectors(kept, kept);
        // another triangular matrix: ones below the diagonal
        let other: Vec<f64> = (0..kept * kept).map(|k| f64::from(u8::from(k % kept <= k / kept))).collect();
        let vectors = self.backward(identity);
        let angles = angles_of(&vectors, count, kept);
        let moved = angles_of(&self.backward(other), count, kept);
        let change = |pair: usize| {
            let pairs =
                angles.column(pair).into_iter().zip(moved.column(pair)).map(|(a, b)| Some((*a)? - (*b)?));
            pairs.map(|off| off.map(f64::abs)).try_fold(0.0, |most: f64, off| Some(most.max(off?)))
        };
        let changes = (0..angles.ncols()).map(change).collect();
        let exponent = |k: usize| {
            let steps = &self.factors[..self.window];
            let bits: f64 = steps.iter().map(|lower| libm::log2(lower[k * count + k])).sum();
            (k < kept).then(|| bits / self.window as f64)
        };
        let exponents: Vec<Option<f64>> = (0..count).map(exponent).collect();
        let unstable = exponents.iter().flatten().filter(|exponent| **exponent > 0.0).count();
        let known = vectors.slice(s![.., ..kept, ..]);
        // sorted by sign: exponents of a window need not decrease
        let is_unstable = |k: &usize| exponents[*k].is_some_and(|exponent| exponent > 0.0);
        let (up, down): (Vec<usize>, Vec<usize>) = (0..kept).partition(is_unstable);
        let principal = |state: ArrayView2<f64>| {
            principal_angle(state.select(Axis(0), &up).view(), state.select(Axis(0), &down).view()).ok()
        };
        let has_both = !up.is_empty() && !down.is_empty();
        let principal_angles =
            if has_both { known.outer_iter().map(principal).collect::<Option<Vec<f64>>>() } else { None };
        CovariantWindow { vectors, exponents, angles, changes, unstable, principal_angles }
    }

    /// The vectors at the states of the window, from these coefficients at the end, whose rows belong to the
    /// vectors: `C_t L_{t+1} = D C_{t+1}` with `D` such that rows have length 1, and `V_t = C_t Q_t`.
    fn backward(&self, mut coefficients: Vec<f64>) -> Array3<f64> {
        let (count, kept, numbers) = (self.count, self.kept, self.numbers);
        let mut vectors = Array3::zeros((self.window + 1, count, numbers));
        for timestep in (0..=self.factors.len()).rev() {
            if let Some(lower) = self.factors.get(timestep) {
                for (vector, row) in coefficients.chunks_exact_mut(kept.max(1)).enumerate() {
                    solve_lower(&mut row[..=vector], lower, count);
                }
            }
            for row in coefficients.chunks_exact_mut(kept.max(1)) {
                normalise(row);
            }
            if timestep <= self.window {
                let frame = &self.frames[timestep];
                for (vector, row) in coefficients.chunks_exact(kept.max(1)).enumerate() {
                    let mut sum = vec![0.0; numbers];
                    for (factor, known) in row.iter().zip(frame.chunks_exact(numbers)) {
                        add(&mut sum, *factor, known);
                    }
                    normalise(&mut sum);
                    vectors.slice_mut(s![timestep, vector, ..]).assign(&ndarray::ArrayView1::from(&sum));
                }
            }
        }
        vectors
    }
}

/// Replaces the row `b` by the solution of `x L = b`, with `L` row-major with rows of length `stride`.
fn solve_lower(row: &mut [f64], lower: &[f64], stride: usize) {
    for i in (0..row.len()).rev() {
        let later: f64 = (i + 1..row.len()).map(|k| row[k] * lower[k * stride + i]).sum();
        row[i] = (row[i] - later) / lower[i * stride + i];
    }
    normalise(row);
}

/// Divides by the length, after division by the largest entry, whose square might leave the range.
fn normalise(row: &mut [f64]) {
    let largest = row.iter().fold(0.0, |largest: f64, entry| largest.max(entry.abs()));
    if largest > 0.0 && largest.is_finite() {
        row.iter_mut().for_each(|entry| *entry /= largest);
        let length = dot(row, row).sqrt();
        row.iter_mut().for_each(|entry| *entry /= length);
    }
}

/// The angles between the first `kept` of `count` vectors at each state.
fn angles_of(vectors: &Array3<f64>, count: usize, kept: usize) -> Array2<Option<f64>> {
    let pairs: Vec<(usize, usize)> = (0..count).flat_map(|i| (i + 1..count).map(move |j| (i, j))).collect();
    Array2::from_shape_fn((vectors.dim().0, pairs.len()), |(state, pair)| {
        let (i, j) = pairs[pair];
        (j < kept).then(|| {
            let (a, b) = (vectors.slice(s![state, i, ..]), vectors.slice(s![state, j, ..]));
            let cosine = a.dot(&b);
            let rest = &b - &(&a * cosine);
            libm::atan2(rest.dot(&rest).sqrt(), cosine.abs())
        })
    })
}

/// The smallest principal angle between the spans of the rows of two matrices, in radians, between 0 and π/2,
/// from its sine and its cosine, so that small angles keep their digits.
///
/// # Shapes
/// (vectors, numbers) each, with at least one vector, and together no more vectors than numbers.
///
/// # Errors
/// [`Error::Numerics`](crate::Error::Numerics) if the singular values do not converge.
///
/// # Source
/// Björck and Golub, Mathematics of Computation 27 (1973), 579.
pub fn principal_angle(a: ArrayView2<f64>, b: ArrayView2<f64>) -> Result<f64> {
    let orthonormal = |rows: ArrayView2<f64>| {
        let mut entries: Vec<f64> = rows.iter().copied().collect();
        orthonormalise(&mut entries, rows.ncols());
        Array2::from_shape_vec(rows.dim(), entries).expect("the same shape")
    };
    let (a, b) = (orthonormal(a), orthonormal(b));
    let cosines = product(b.view(), a.t()); // (b, a)
    let rest = &b - &product(cosines.view(), a.view());
    let cosine = svd(cosines.view())?.singular_values.iter().copied().fold(0.0, f64::max);
    let sine = svd(rest.view())?.singular_values.iter().copied().fold(f64::INFINITY, f64::min);
    Ok(libm::atan2(sine, cosine.min(1.0)))
}
