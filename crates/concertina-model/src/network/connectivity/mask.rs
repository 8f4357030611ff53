//! Masks: which connections exist.

use concertina_numerics::random::{Purpose, Stream};
use ndarray::Array2;

use super::super::weights::Layout;
use crate::params::ValidParams;

const CONNECTIONS: Purpose = Purpose::new("connections");

/// Which entries of the recurrent weights are connections, (units, currents × units).
#[derive(Clone, Debug)]
pub(super) enum Mask {
    /// These.
    Given(Array2<bool>),
    /// Each with the same probability, keyed by the seed. They are drawn row by row.
    Drawn {
        /// The seed.
        seed: u64,
        /// The probability.
        density: f64,
        /// Units, and columns.
        shape: (usize, usize),
    },
}

impl Mask {
    /// The mask of the parameters; `None` if all connections exist.
    pub(super) fn of(params: &ValidParams) -> Option<Self> {
        let (density, units) = (params.network.density, params.network.units);
        let shape = (units, Layout::of(params).currents * units);
        (density < 1.0).then_some(Mask::Drawn { seed: params.seed, density, shape })
    }

    /// Number of columns.
    pub(super) fn columns(&self) -> usize {
        match self {
            Self::Given(mask) => mask.ncols(),
            Self::Drawn { shape, .. } => shape.1,
        }
    }

    pub(super) fn entries(&self) -> Array2<bool> {
        match self {
            Self::Given(mask) => mask.clone(),
            Self::Drawn { seed, density, shape } => {
                let mut stream = Stream::new(*seed, CONNECTIONS, 0);
                Array2::from_shape_simple_fn(*shape, || stream.uniform() < *density)
            }
        }
    }
}
