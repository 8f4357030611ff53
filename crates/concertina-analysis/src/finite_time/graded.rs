//! A product of small triangular matrices whose columns may differ in size by any factor, and its singular
//! values.

/// Columns that differ by more than this factor, in bits, do not influence the larger one: the square of a
/// tangent of 2^-60 is far below rounding.
const FAR: f64 = 60.0;
/// Most rounds of rotations. Cyclic Jacobi rotations converge quadratically: ten rounds are usual.
const MOST_ROUNDS: usize = 60;
/// Columns of n numbers are orthogonal if the cosine of their angle is at most this times n, at least four:
/// its own rounding.
const ORTHOGONAL: f64 = f64::EPSILON;

/// A square matrix whose column `j` is `2^exponents[j]` times a stored column.
#[derive(Debug, Clone)]
pub(super) struct Graded {
    size: usize,
    /// Column after column.
    columns: Vec<f64>,
    exponents: Vec<f64>,
}

/// The singular values of `M = U 2^bits Vᵀ`, largest first, and its right vectors.
#[derive(Debug)]
pub(super) struct Values {
    /// Base-2 logarithms; `-∞` for zero.
    pub(super) bits: Vec<f64>,
    /// The right vectors, one after the other.
    pub(super) right: Vec<f64>,
}

impl Graded {
    pub(super) fn identity(size: usize) -> Self {
        let columns = crate::rows::unit_vectors(size, size);
        Self { size, columns, exponents: vec![0.0; size] }
    }

    fn column(&self, index: usize) -> &[f64] {
        &self.columns[index * self.size..][..self.size]
    }

    /// `M L` with a lower triangular matrix, (size, size), row-major.
    pub(super) fn times_lower(&self, lower: &[f64]) -> Self {
        let size = self.size;
        let (mut columns, mut exponents) = (vec![0.0; size * size], vec![0.0; size]);
        for j in 0..size {
            let bits = |k: usize| self.exponents[k] + libm::log2(lower[k * size + j].abs());
            let exponent = (j..size).map(bits).fold(f64::NEG_INFINITY, f64::max);
            if exponent == f64::NEG_INFINITY {
                continue; // all zeros
            }
            let exponent = exponent.floor();
            let to = &mut columns[j * size..][..size];
            for k in j..size {
                let share = bits(k) - exponent;
                let factor = libm::copysign(libm::exp2(share), lower[k * size + j]);
                // the factor itself, where it needs no scaling, is more accurate than its logarithm
                let plain = lower[k * size + j] * libm::exp2(self.exponents[k] - exponent);
                let factor = if plain.is_normal() { plain } else { factor };
                if share > -1100.0 {
                    crate::rows::add(to, factor, self.column(k));
                }
            }
            exponents[j] = exponent;
        }
        Self { size, columns, exponents }
    }

    /// The singular values and vectors, by one-sided Jacobi rotations of the columns. Each value has its own
    /// relative accuracy, however small it is, if the columns divided by their lengths are well-conditioned
    /// (`demmel1992`).
    pub(super) fn values(mut self) -> Values {
        let size = self.size;
        let mut right = crate::rows::unit_vectors(size, size);
        for column in 0..size {
            self.normalise(column);
        }
        for _ in 0..MOST_ROUNDS {
            let mut turned = false;
            for p in 0..size {
                for q in p + 1..size {
                    turned |= self.rotate(p, q, &mut right);
                }
            }
            if !turned {
                break;
            }
        }
        let mut order: Vec<usize> = (0..size).collect();
        order.sort_by(|a, b| self.exponents[*b].total_cmp(&self.exponents[*a]));
        let sorted =
            |vectors: &[f64]| order.iter().flat_map(|k| &vectors[k * size..][..size]).copied().collect();
        Values { bits: order.iter().map(|k| self.exponents[*k]).collect(), right: sorted(&right) }
    }

    /// Divides a column by its length, whose logarithm is added to the exponent.
    fn normalise(&mut self, column: usize) {
        let entries = &mut self.columns[column * self.size..][..self.size];
        let length = crate::rows::dot(entries, entries).sqrt();
        if length > 0.0 {
            entries.iter_mut().for_each(|entry| *entry /= length);
            self.exponents[column] += libm::log2(length);
        } else {
            self.exponents[column] = f64::NEG_INFINITY;
        }
    }

    /// Makes two columns orthogonal; returns whether they were not.
    fn rotate(&mut self, p: usize, q: usize, right: &mut [f64]) -> bool {
        let (size, gap) = (self.size, self.exponents[p] - self.exponents[q]);
        if gap.is_nan() || gap.is_infinite() {
            return false; // one of them is zero
        }
        let (left, rest) = self.columns.split_at_mut(q * size);
        let (a, b) = (&mut left[p * size..][..size], &mut rest[..size]);
        let cosine = crate::rows::dot(a, b);
        if cosine.abs() <= ORTHOGONAL * size.max(4) as f64 {
            return false;
        }
        if gap.abs() > FAR {
            // only the smaller column changes
            let (large, small, which) = if gap > 0.0 { (a, b, q) } else { (b, a, p) };
            crate::rows::add(small, -cosine, large);
            self.normalise(which);
            return true;
        }
        // relative to the first column: lengths 1 and r
        let r = libm::exp2(-gap);
        let zeta = (r - 1.0 / r) / (2.0 * cosine);
        let tangent = libm::copysign(1.0, zeta) / (zeta.abs() + libm::hypot(1.0, zeta));
        let c = 1.0 / libm::hypot(1.0, tangent);
        let s = c * tangent;
        for (a, b) in a.iter_mut().zip(&mut *b) {
            let (x, y) = (*a, *b * r);
            (*a, *b) = (c * x - s * y, (s * x + c * y) / r);
        }
        let (left, rest) = right.split_at_mut(q * size);
        for (x, y) in left[p * size..][..size].iter_mut().zip(&mut rest[..size]) {
            (*x, *y) = (c * *x - s * *y, s * *x + c * *y);
        }
        self.normalise(p);
        self.normalise(q);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_a_shear_have_their_closed_form() {
        let (a, times) = (1.5, 40);
        let mut product = Graded::identity(2);
        for _ in 0..times {
            product = product.times_lower(&[1.0, 0.0, a, 1.0]);
        }
        let values = product.values();
        let at = a * f64::from(times);
        let largest = ((at * at + 4.0).sqrt() + at) / 2.0;
        assert!((values.bits[0] - largest.log2()).abs() < 1e-13, "{values:?}");
        assert!((values.bits[1] + largest.log2()).abs() < 1e-13, "{values:?}");
    }

    #[test]
    fn values_far_beyond_the_range_of_a_number_are_kept() {
        let mut product = Graded::identity(3);
        for _ in 0..2000 {
            product = product.times_lower(&[2.0, 0.0, 0.0, 0.3, 1.0, 0.0, -0.2, 0.4, 0.25]);
        }
        let bits = product.values().bits;
        for (found, expected) in bits.iter().zip([1.0, 0.0, -2.0]) {
            assert!((found / 2000.0 - expected).abs() < 1e-3, "{bits:?}");
        }
        assert!((bits.iter().sum::<f64>() + 2000.0).abs() < 1e-8);
    }

    #[test]
    fn equal_values_and_zeros_are_found() {
        let bits = Graded::identity(4)
            .times_lower(&[3.0, 0.0, 0.0, 0.0, 0.0, 3.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 3.0]);
        let bits = bits.values().bits;
        assert_eq!(bits[3], f64::NEG_INFINITY);
        assert!(bits[..3].iter().all(|bits| bits.is_finite()));
    }
}
