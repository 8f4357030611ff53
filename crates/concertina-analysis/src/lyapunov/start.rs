//! Where orbits and frames start.

use concertina_numerics::random::{Purpose, Stream};
use ndarray::Array2;

use super::frame::Factors;

const STATES: Purpose = Purpose::new("lyapunov states");
const FRAMES: Purpose = Purpose::new("lyapunov frames");

/// Initial conditions are uniform in `[-HALF_SIDE, HALF_SIDE]` in every unit, as in the published code.
const HALF_SIDE: f64 = 0.2;

/// The first initial conditions drawn with `seed`, uniform in [-0.2, 0.2] in every number of
/// the state.
///
/// # Returns
/// (initial conditions, numbers).
pub fn initial_states(seed: u64, count: usize, numbers: usize) -> Array2<f64> {
    let mut states = Array2::zeros((count, numbers));
    for (number, mut state) in states.outer_iter_mut().enumerate() {
        let mut stream = Stream::new(seed, STATES, number as u64);
        state.mapv_inplace(|_| HALF_SIDE * (2.0 * stream.uniform() - 1.0));
    }
    states
}

/// A uniformly distributed orthonormal frame, (vectors, numbers).
pub(super) fn random_frame(seed: u64, index: u64, vectors: usize, numbers: usize) -> Array2<f64> {
    let mut stream = Stream::new(seed, FRAMES, index);
    let mut frame = Array2::from_shape_simple_fn((vectors, numbers), || stream.normal());
    let entries = frame.as_slice_mut().expect("row-major");
    Factors::new(vectors, numbers).orthonormalise(entries, &vec![1.0; numbers], numbers);
    frame
}
