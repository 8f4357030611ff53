//! Detects orbits that grow without bound, from the sizes of their states.

/// The base-2 logarithm of the size from which a state counts as out of bounds, because its square would
/// overflow.
const BOUND: f64 = 500.0;
/// Fewer sizes than this do not allow a decision (arbitrary: two per quarter).
const FEWEST: usize = 8;
/// The factor by which the largest size must rise from the first to the last quarter (arbitrary: well above
/// rounding, and reached within 500 timesteps by an orbit that grows by a factor of 1.0001 per timestep).
const RISE: f64 = 1.02;
/// The rise in the second half must be at least this share of the rise in the first. For linear growth the
/// two are equal. For the approach to a fixed point the second is e⁻¹ of the first or less, if the sizes
/// cover two time constants.
const SHARE: f64 = 0.9;

/// The sizes of the states along one orbit, or of the smallest state of several orbits.
#[derive(Debug, Clone, Default)]
pub(super) struct Sizes {
    log2: Vec<f64>,
}

impl Sizes {
    pub(super) fn push(&mut self, log2_size: f64) {
        self.log2.push(log2_size);
    }

    pub(super) fn clear(&mut self) {
        self.log2.clear();
    }

    /// Whether the states keep growing: the largest size of each quarter of the time rises from quarter to
    /// quarter, and not more slowly towards the end.
    ///
    /// The exponents of such an orbit are not those of an attractor. An orbit that grows slowly does not
    /// overflow within any reasonable time.
    pub(super) fn keep_growing(&self) -> bool {
        let count = self.log2.len();
        if count < FEWEST {
            return false;
        }
        let largest = |quarter: usize| {
            let sizes = &self.log2[quarter * count / 4..(quarter + 1) * count / 4];
            sizes.iter().copied().fold(f64::NEG_INFINITY, f64::max)
        };
        let last = largest(3);
        // in units of the last, which may itself be out of the range of numbers
        let [a, b, c, d] = [0, 1, 2, 3].map(|quarter| (largest(quarter) - last).exp2());
        d > RISE * a && b > a && c > b && d - c > SHARE * (b - a)
    }
}

/// Whether a state of this size is out of bounds.
pub(super) fn out_of_bounds(log2_size: f64) -> bool {
    log2_size.is_nan() || log2_size > BOUND
}
