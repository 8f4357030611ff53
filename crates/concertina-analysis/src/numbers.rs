//! States as numbers: the precision in which they are given, and sums over them in a fixed order.

use std::borrow::Cow;

use concertina_model::params::Nonlinearity;
use concertina_numerics::double::{logistic_and_slopes, softplus_and_slopes, tanh_and_slopes};
use concertina_numerics::kernels::{logistic_in_place, relu_in_place, softplus_in_place, tanh_in_place};
use concertina_numerics::linalg::one_over_power_of_two;
use ndarray::{ArrayView1, ArrayView2};

/// The precision in which states are given: f32 or f64.
pub trait Precision: Copy + Into<f64> + sealed::Sealed {
    /// The distance from 1 to the next larger number.
    const EPSILON: f64;
    /// The smallest positive number, which is the distance between neighbouring numbers near zero.
    const SMALLEST: f64;

    /// Applies the nonlinearity to each value in place.
    fn activate(nonlinearity: Nonlinearity, values: &mut [Self]);
}

impl Precision for f32 {
    const EPSILON: f64 = f32::EPSILON as f64;
    const SMALLEST: f64 = f32::from_bits(1) as f64;

    fn activate(nonlinearity: Nonlinearity, values: &mut [Self]) {
        match nonlinearity {
            Nonlinearity::Tanh => tanh_in_place(values),
            Nonlinearity::Relu => relu_in_place(values),
            Nonlinearity::Linear => {}
            Nonlinearity::Softplus => softplus_in_place(values),
            Nonlinearity::Sigmoid => logistic_in_place(values),
        }
    }
}

impl Precision for f64 {
    const EPSILON: f64 = Self::EPSILON;
    const SMALLEST: f64 = Self::from_bits(1);

    fn activate(nonlinearity: Nonlinearity, values: &mut [Self]) {
        let mut slopes = vec![0.0; values.len()];
        match nonlinearity {
            Nonlinearity::Tanh => tanh_and_slopes(values, &mut slopes),
            Nonlinearity::Relu => values.iter_mut().for_each(|value| *value = value.max(0.0)),
            Nonlinearity::Linear => {}
            Nonlinearity::Softplus => softplus_and_slopes(values, &mut slopes),
            Nonlinearity::Sigmoid => logistic_and_slopes(values, &mut slopes),
        }
    }
}

mod sealed {
    /// Implemented only for the two precisions.
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// A cloud within this many roundings of its states counts as a single point. Rounding to nearest alone gives
/// 0.3, and a sum over 200 units before the nonlinearity gives a few. The value is arbitrary between that and
/// the spread at which a cloud has significant bits.
const ROUNDINGS: f64 = 8.0;

/// How much of a cloud of states may be rounding error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rounding {
    /// The rounding error of one coordinate of a state.
    coordinate: f64,
}

impl Rounding {
    /// The rounding error of states with this mean square coordinate that were multiplied by `scale`: a
    /// number of machine epsilons of the root mean square coordinate, but at least the distance between
    /// neighbouring numbers near zero.
    pub(crate) fn of<T: Precision>(mean_square: f64, scale: f64) -> Self {
        let relative = T::EPSILON * mean_square.sqrt();
        Self { coordinate: ROUNDINGS * libm::hypot(relative, T::SMALLEST * scale) }
    }

    /// The rounding error of these states, (samples, units), which were given in the precision `T`.
    pub(crate) fn of_states<T: Precision>(states: ArrayView2<f64>) -> Self {
        let squares: f64 = states.iter().map(|entry| entry * entry).sum();
        Self::of::<T>(squares / states.len().max(1) as f64, 1.0)
    }

    /// The rounding error of the length of a state.
    pub(crate) fn length(self, units: usize) -> f64 {
        self.coordinate * (units as f64).sqrt()
    }

    /// The rounding error of the square root of the sum of squares over all states.
    pub(crate) fn whole(self, samples: usize, units: usize) -> f64 {
        self.coordinate * (samples as f64 * units as f64).sqrt()
    }

    /// The rounding error of a singular value of the states. A matrix of independent errors has singular
    /// values of up to about `√samples + √units` times one error (the Marchenko-Pastur law), which is at most
    /// twice the larger root. The larger root itself is used, so that a cloud that is [more than
    /// rounding](Self::whole) also has at least one component that is.
    pub(crate) fn singular_value(self, samples: usize, units: usize) -> f64 {
        self.coordinate * (samples.max(units) as f64).sqrt()
    }
}

/// The entries of a row in contiguous memory, so that loops over them are vectorised. They are copied only if
/// they are not contiguous already.
pub(crate) fn contiguous<'a, T: Copy>(row: &'a ArrayView1<'_, T>) -> Cow<'a, [T]> {
    row.as_slice().map_or_else(|| Cow::Owned(row.to_vec()), Cow::Borrowed)
}

/// The inverse of the largest power of two that does not exceed the largest magnitude, so that multiplying by
/// it is exact; `None` if all states are zero.
pub(crate) fn one_over_largest<T: Precision>(states: ArrayView2<T>) -> Option<f64> {
    let largest = states.iter().fold(0.0, |largest: f64, entry| largest.max((*entry).into().abs()));
    (largest > 0.0).then(|| one_over_power_of_two(largest))
}

/// The sum of `term` over the values, in eight lanes: a fixed order that can be vectorised.
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
