//! The plane in which points are drawn: that of the first two principal components of the starts.

use ndarray::{ArrayView1, ArrayView2};

use crate::{PcaSnapshot, Result};

/// The plane of the first two principal components of some states. It has fewer directions if the states vary
/// along fewer, and none for a single state.
#[derive(Debug)]
pub(super) struct Plane(Option<PcaSnapshot>);

impl Plane {
    /// How many directions a plane has.
    pub(super) const DIRECTIONS: usize = 2;

    /// The plane of these states, (states, units).
    pub(super) fn of(states: ArrayView2<f64>) -> Result<Self> {
        if states.nrows() < 2 {
            return Ok(Self(None));
        }
        PcaSnapshot::of(states, Self::DIRECTIONS, None).map(|found| Self(Some(found)))
    }

    /// Where a state is in the plane: its difference from the mean state, along each direction.
    pub(super) fn coordinates(&self, state: ArrayView1<f64>) -> [Option<f64>; Self::DIRECTIONS] {
        std::array::from_fn(|direction| {
            let plane = self.0.as_ref()?;
            let mean = plane.mean.get(direction)?;
            let along = state.dot(&plane.components.column(direction)) - mean;
            along.is_finite().then_some(along)
        })
    }
}
