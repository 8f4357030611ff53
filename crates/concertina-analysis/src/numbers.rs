//! States as numbers: the precision they are given in, and sums over them in a fixed order.

use std::borrow::Cow;

use ndarray::{ArrayView1, ArrayView2};

/// The precision that states are given in: f32 or f64.
pub trait Precision: Copy + Into<f64> + sealed::Sealed {
    /// The distance from 1 to the next larger number.
    const EPSILON: f64;
}

impl Precision for f32 {
    const EPSILON: f64 = f32::EPSILON as f64;
}

impl Precision for f64 {
    const EPSILON: f64 = Self::EPSILON;
}

mod sealed {
    /// Implemented for the two precisions alone.
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// Machine epsilons of the states within which a cloud counts as one point. Rounding to nearest alone gives 0.3, a sum over
/// 200 units before the nonlinearity a few; arbitrary between there and where a cloud has bits of its own.
pub(crate) const ROUNDING_EPSILONS: f64 = 8.0;

/// The entries of a row side by side, where loops over them are vectorised: copied only if they are not so already.
pub(crate) fn contiguous<'a, T: Copy>(row: &'a ArrayView1<'_, T>) -> Cow<'a, [T]> {
    row.as_slice().map_or_else(|| Cow::Owned(row.to_vec()), Cow::Borrowed)
}

/// One over the power of two at or under the largest magnitude, so that multiplying by it is exact; `None` if all are zero.
pub(crate) fn one_over_largest<T: Precision>(states: ArrayView2<T>) -> Option<f64> {
    let largest = states.iter().fold(0.0, |largest: f64, entry| largest.max((*entry).into().abs()));
    (largest > 0.0).then(|| libm::exp2(-libm::floor(libm::log2(largest)).clamp(-1000.0, 1000.0)))
}

/// The sum of `term` over the values: in eight lanes, so in a fixed order that can be vectorised.
pub(crate) fn sum_of<T: Copy>(values: &[T], term: impl Fn(T) -> f64) -> f64 {
    let (blocks, rest) = values.as_chunks::<8>();
    let mut lanes = [0.0; 8];
    for block in blocks {
        for (lane, value) in lanes.iter_mut().zip(block) {
            *lane += term(*value);
        }
    }
    lanes.iter().sum::<f64>() + rest.iter().map(|value| term(*value)).sum::<f64>()
}
