//! Orthonormal frames of tangent vectors: the QR step of Benettin's method.

use concertina_numerics::kernels::{Operation, dispatch};

/// A vector shorter than this is lost, because slopes, squares and products may have underflowed while it was
/// computed.
const UNDERFLOW: f64 = 1e-290;

/// A unit counts as small if its scale is below this share of the largest, 2⁻²⁰. Lengths then keep at least
/// 32 of their 52 bits.
const SMALL: f64 = 1.0 / 1_048_576.0;

/// What happened to a tangent vector in a timestep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The length of its part orthogonal to the vectors before it is known.
    Kept,
    /// That length is zero: the Jacobian leaves no further direction.
    Gone,
    /// That length is below the rounding errors. The stretch is only an upper bound.
    Unresolved,
}

/// The QR factorisation of the images of a frame.
#[derive(Debug, Clone)]
pub(super) struct Factors {
    /// The previous index of each vector: first those that were kept, in their order, then those that were
    /// lost.
    pub was: Vec<usize>,
    /// The base-2 logarithm of the length of each vector's part orthogonal to those before it, in the order
    /// of `was`.
    pub log2_lengths: Vec<f64>,
    /// What happened to each vector, in the order of `was`.
    pub fates: Vec<Fate>,
    /// (vectors, units), with the units in the order of `order`. First holds the images, then the directions
    /// of the reflections.
    images: Vec<f64>,
    /// The units, those with very small scales last. The index of a unit in this order is called its place.
    order: Vec<usize>,
    /// Whether any scale is very small. If not, `order` is the order of the units themselves.
    is_graded: bool,
    /// (units), by place: the largest scale from that place on.
    scales: Vec<f64>,
    /// The factor of each reflection, and the sign of the entry of `R` that it produced.
    reflections: Vec<(f64, f64)>,
    /// (units), by place.
    column: Vec<f64>,
}

impl Factors {
    pub(super) fn new(vectors: usize, units: usize) -> Self {
        let stride = units.next_multiple_of(LANES);
        Self {
            was: Vec::with_capacity(vectors),
            log2_lengths: Vec::with_capacity(vectors),
            fates: Vec::with_capacity(vectors),
            images: vec![0.0; vectors * stride],
            order: Vec::with_capacity(units),
            is_graded: false,
            scales: vec![0.0; units],
            reflections: Vec::with_capacity(vectors),
            column: vec![0.0; stride],
        }
    }

    /// Makes the rows of `frame` orthonormal, one after the other, and finds the length of each row's part
    /// orthogonal to those before it: `R[j, j]` of the QR factors of the transposed frame.
    ///
    /// It uses Householder reflections, so that the rows become orthonormal to working precision whatever
    /// they were before. If the entries of some units are very much smaller than those of others, as behind
    /// saturated units, the small ones keep their digits because these units come last, ordered by size
    /// (`cox1998`).
    ///
    /// A row of which nothing but rounding error is left is lost. It is moved behind those that were kept, in
    /// a direction orthogonal to them, and so does not influence them.
    ///
    /// # Shapes
    /// `frame`: (vectors, units), row-major; `scales`: (units), a bound on the entries of each unit, zero
    /// only where all are zero. `rank`: the largest number of directions that the Jacobian leaves.
    pub(super) fn orthonormalise(&mut self, frame: &mut [f64], scales: &[f64], rank: usize) {
        self.arrange(scales);
        let (stride, order) = (self.column.len(), &self.order);
        for (image, row) in self.images.chunks_exact_mut(stride).zip(frame.chunks_exact(scales.len())) {
            if self.is_graded {
                image.iter_mut().zip(order).for_each(|(entry, unit)| *entry = row[*unit]);
            } else {
                image[..row.len()].copy_from_slice(row);
            }
        }
        dispatch(Factorise { factors: self, frame, rank });
    }

    /// Puts the units with very small scales last, in decreasing order of their scales.
    fn arrange(&mut self, scales: &[f64]) {
        let largest = scales.iter().copied().fold(0.0, f64::max);
        let small = |unit: &usize| scales[*unit] < SMALL * largest;
        self.order.clear();
        self.order.extend((0..scales.len()).filter(|unit| !small(unit)));
        let others = self.order.len();
        self.is_graded = others < scales.len();
        if self.is_graded {
            self.order.extend((0..scales.len()).filter(small));
            self.order[others..].sort_by(|a, b| scales[*b].total_cmp(&scales[*a]));
        }
        let mut largest = 0.0;
        for (scale, unit) in self.scales.iter_mut().zip(&self.order).rev() {
            largest = scales[*unit].max(largest);
            *scale = largest;
        }
    }

    /// Reflects the images onto the axes of their places, one after the other.
    #[inline(always)]
    fn reduce(&mut self, rank: usize) {
        let (units, stride) = (self.scales.len(), self.column.len());
        self.was.clear();
        self.log2_lengths.clear();
        self.fates.clear();
        self.reflections.clear();
        let mut lost = Vec::new(); // allocates only if there are any
        for vector in 0..self.images.len() / stride {
            let place = self.was.len();
            let (before, rest) = self.images.split_at_mut(vector * stride);
            let (image, after) = rest.split_at_mut(stride);
            if place >= rank || self.scales[place] == 0.0 {
                lost.push((vector, f64::NEG_INFINITY, Fate::Gone));
                continue;
            }
            image[..place].fill(0.0); // entries of R: not needed
            let length = norm(image);
            // A bound on the rounding errors of the preceding product and of the reflections.
            let rounding = units as f64 * f64::EPSILON * self.scales[place];
            if length <= rounding || length < UNDERFLOW {
                lost.push((vector, libm::log2(rounding.max(UNDERFLOW)), Fate::Unresolved));
                continue;
            }
            self.was.push(vector);
            self.log2_lengths.push(libm::log2(length));
            self.fates.push(Fate::Kept);
            let reflection = Reflection::onto_axis(place, image, length);
            for other in after.chunks_exact_mut(stride) {
                reflection.apply(other);
            }
            self.reflections.push((reflection.factor, reflection.sign));
            if place < vector {
                before[place * stride..(place + 1) * stride].copy_from_slice(image);
            }
        }
        for (vector, log2_length, fate) in lost {
            self.was.push(vector);
            self.log2_lengths.push(log2_length);
            self.fates.push(fate);
        }
    }

    /// Writes the images of the axes under all reflections: first those of the vectors that were kept, then
    /// any others.
    #[inline(always)]
    fn expand(&mut self, frame: &mut [f64]) {
        let (units, stride) = (self.scales.len(), self.column.len());
        for (place, row) in frame.chunks_exact_mut(units).enumerate() {
            self.column.fill(0.0);
            self.column[place] = self.reflections.get(place).map_or(1.0, |(_, sign)| *sign);
            // later reflections leave the axis unchanged
            for (number, &(factor, sign)) in self.reflections.iter().enumerate().take(place + 1).rev() {
                let direction = &self.images[number * stride..(number + 1) * stride];
                Reflection { direction, factor, sign }.apply(&mut self.column);
            }
            if self.is_graded {
                self.order.iter().zip(&self.column).for_each(|(unit, entry)| row[*unit] = *entry);
            } else {
                row.copy_from_slice(&self.column[..units]);
            }
        }
    }
}

struct Factorise<'a> {
    factors: &'a mut Factors,
    frame: &'a mut [f64],
    rank: usize,
}

impl Operation for Factorise<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        self.factors.reduce(self.rank);
        self.factors.expand(self.frame);
    }
}

/// `H = 1 - factor direction directionᵀ`, orthogonal and symmetric.
struct Reflection<'a> {
    direction: &'a [f64],
    factor: f64,
    /// The sign of the entry that remains of the vector for which it was made.
    sign: f64,
}

impl<'a> Reflection<'a> {
    /// The reflection that maps a vector of this length, which is zero before `place`, onto the axis of that
    /// place. The vector is overwritten with the direction of the reflection.
    #[inline(always)]
    fn onto_axis(place: usize, vector: &'a mut [f64], length: f64) -> Self {
        let sign = if vector[place] > 0.0 { -1.0 } else { 1.0 }; // the other sign would cancel
        let end = sign * length;
        let factor = (end - vector[place]) / end;
        let scale = 1.0 / (vector[place] - end);
        vector.iter_mut().for_each(|entry| *entry *= scale);
        vector[place] = 1.0;
        Self { direction: vector, factor, sign }
    }

    #[inline(always)]
    fn apply(&self, vector: &mut [f64]) {
        let along = self.factor * dot(self.direction, vector);
        for (entry, direction) in vector.iter_mut().zip(self.direction) {
            *entry -= along * direction;
        }
    }
}

/// Number of lanes of the sums below. The order of summation is fixed, so the bits do not depend on the width
/// of the vector registers, and there are enough lanes that no sum waits for the previous one. Rows are
/// padded with zeros to a multiple of this number.
const LANES: usize = 32;

#[inline(always)]
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; LANES];
    for (a, b) in a.as_chunks::<LANES>().0.iter().zip(b.as_chunks::<LANES>().0) {
        for lane in 0..LANES {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] += lanes[lane + width];
        }
        width /= 2;
    }
    lanes[0]
}

/// The Euclidean length, scaled where squares would overflow or underflow.
#[inline(always)]
fn norm(vector: &[f64]) -> f64 {
    let plain = dot(vector, vector);
    if plain.is_normal() && plain < f64::MAX {
        return plain.sqrt();
    }
    let largest = vector.iter().fold(0.0, |largest: f64, entry| largest.max(entry.abs()));
    if largest == 0.0 || !largest.is_finite() {
        return largest;
    }
    largest * vector.iter().map(|entry| (entry / largest) * (entry / largest)).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use concertina_numerics::kernels::{Level, with_level};
    use concertina_numerics::linalg::product;
    use ndarray::{Array2, ArrayView2};
    use proptest::prelude::*;

    use super::*;

    fn orthonormalised(mut frame: Array2<f64>) -> (Array2<f64>, Vec<f64>) {
        let scales: Vec<f64> = frame
            .columns()
            .into_iter()
            .map(|column| column.iter().fold(0.0, |length: f64, entry| length.hypot(*entry)))
            .collect();
        let mut factors = Factors::new(frame.nrows(), frame.ncols());
        factors.orthonormalise(frame.as_slice_mut().expect("row-major"), &scales, scales.len());
        (frame, factors.log2_lengths)
    }

    fn worst_from_identity(frame: ArrayView2<f64>) -> f64 {
        let gram = product(frame, frame.t());
        gram.indexed_iter()
            .map(|((i, j), entry)| (entry - f64::from(u8::from(i == j))).abs())
            .fold(0.0, f64::max)
    }

    proptest! {
        #[test]
        fn frames_become_orthonormal_and_their_volume_is_kept(
            entries in proptest::collection::vec(-1.0..1.0_f64, 40),
            squeeze in 0..10_i32, // the vectors differ by only 10^-squeeze
        ) {
            let common = &entries[..10];
            let frame = Array2::from_shape_fn((3, 10), |(i, j)| {
                common[j] + entries[10 * (i + 1) + j] * 10.0_f64.powi(-squeeze)
            });
            let (orthonormal, lengths) = orthonormalised(frame.clone());
            prop_assume!(lengths.iter().all(|length| length.is_finite()));
            prop_assert!(worst_from_identity(orthonormal.view()) < 1e-14);
            // R = A Qᵀ is lower triangular with the lengths on its diagonal.
            let r = product(frame.view(), orthonormal.t());
            for i in 0..3 {
                let scale = r.row(i).iter().fold(0.0, |scale: f64, entry| scale.max(entry.abs()));
                prop_assert!((r[[i, i]] - lengths[i].exp2()).abs() < 1e-14 * scale);
                for j in i + 1..3 {
                    prop_assert!(r[[i, j]].abs() < 1e-14 * scale);
                }
            }
        }
    }

    #[test]
    fn a_linearly_dependent_vector_is_moved_behind_the_independent_ones() {
        let frame = ndarray::arr2(&[
            [3.0, 4.0, 0.0, 0.0, 0.0],
            [0.3, 0.4, 0.0, 0.0, 0.0],
            [0.0, 0.0, 0.0, 0.0, 0.0],
            [1.0, 0.0, 2.0, 0.0, 0.0],
        ]);
        let mut factors = Factors::new(4, 5);
        let mut rows = frame.clone();
        let entries = rows.as_slice_mut().expect("row-major");
        factors.orthonormalise(entries, &[5.0, 5.0, 5.0, 0.0, 0.0], 5);
        assert_eq!(factors.was, [0, 3, 1, 2]);
        assert_eq!(factors.fates, [Fate::Kept, Fate::Kept, Fate::Unresolved, Fate::Unresolved]);
        assert!((factors.log2_lengths[1] - 0.5 * (0.64_f64 + 4.0).log2()).abs() < 1e-15);
        assert!(factors.log2_lengths[2] < -45.0, "what is left of it is rounding");
        assert!(worst_from_identity(rows.view()) < 1e-14);
        // If the Jacobian leaves only one direction, the other vectors are gone.
        factors.orthonormalise(frame.clone().as_slice_mut().expect("row-major"), &[5.0; 5], 1);
        assert_eq!(factors.fates, [Fate::Kept, Fate::Gone, Fate::Gone, Fate::Gone]);
    }

    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        let frame = Array2::from_shape_fn((7, 45), |(i, j)| ((i * 45 + j) as f64 * 0.7).sin());
        let portable = with_level(Level::PORTABLE, || orthonormalised(frame.clone()));
        for level in Level::available() {
            assert_eq!(with_level(level, || orthonormalised(frame.clone())), portable, "{level}");
        }
    }

    #[test]
    fn lengths_whose_squares_leave_the_range_are_right() {
        for size in [1e-200, 1e200, 1e-280] {
            let (_, lengths) = orthonormalised(ndarray::arr2(&[[3.0 * size, 0.0, 4.0 * size]]));
            assert!((lengths[0] - (5.0 * size).log2()).abs() < 1e-10, "{size}");
        }
    }
}
