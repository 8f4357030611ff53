//! What networks of a shape occupy on a device.

use crate::shape::Shape;
use crate::source::scratch_vectors;

/// Vectors of `control` before the rates: the constants of a network.
pub(crate) const CONSTANTS: usize = 2;

/// The most networks in a cohort. Arbitrary: more than any device trains at once.
const MOST: usize = 1024;

/// What networks of a shape occupy on a device, in bytes for each network.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) weights: usize,
    pub(crate) moments: usize,
    pub(crate) gradient: usize,
    pub(crate) scratch: usize,
    /// Trials of an update, and of a part of the validation set.
    pub(crate) update: usize,
    pub(crate) part: usize,
    /// Noise on the gradient of an update.
    pub(crate) drawn: usize,
    /// Results of an update, and of a part of the validation set.
    pub(crate) results: usize,
    pub(crate) part_results: usize,
    /// Rates of an epoch.
    pub(crate) control: usize,
}

impl Sizes {
    pub(crate) fn of(shape: &Shape) -> Self {
        Self {
            weights: 4 * shape.weights(),
            moments: 4 * shape.moments(),
            gradient: 4 * shape.parameters(),
            scratch: 16 * scratch_vectors(shape),
            update: 16 * shape.parts() * shape.part_vectors(),
            part: 16 * shape.input_vectors(),
            drawn: 4 * shape.drawn(),
            results: 16 * shape.result_vectors(),
            part_results: 16 * shape.output_vectors(),
            control: 16 * (CONSTANTS + shape.updates),
        }
    }

    /// How many networks fit into buffers of this many bytes.
    pub(crate) fn capacity(&self, limit: usize) -> usize {
        let largest = [
            self.weights,
            self.moments,
            self.gradient,
            self.scratch,
            self.update,
            self.part,
            self.drawn,
            self.results,
            self.control,
        ]
        .into_iter()
        .max()
        .unwrap_or(1);
        (limit / largest.max(1)).min(MOST)
    }
}
