//! The softplus `ln(1 + exp(x))` and the logistic function in single precision.

use super::dispatch;
use super::tanh::{exponential, logistic, power_of_two};

/// `x = ln(1 + exp(x))`, with an error of a few units in the last place, wherever the result is a normal
/// number.
///
/// Nothing overflows: it is `max(x, 0) + log1p(exp(-|x|))`, and `log1p(e)` is `2 artanh(e / (2 + e))`. Large
/// numbers map to themselves, -∞ to 0, and NaN to NaN.
pub fn softplus_in_place(values: &mut [f32]) {
    dispatch(
        #[inline(always)]
        || {
            for value in values {
                *value = softplus(*value);
            }
        },
    );
}

/// `x = 1 / (1 + exp(-x))`.
pub fn logistic_in_place(values: &mut [f32]) {
    dispatch(
        #[inline(always)]
        || {
            for value in values {
                *value = logistic(*value);
            }
        },
    );
}

/// `delta = delta (1 - exp(-r))`: the backward pass through a softplus whose output was `r`.
///
/// # Panics
/// If the lengths differ.
pub fn softplus_derivative_mul(delta: &mut [f32], rates: &[f32]) {
    assert_eq!(delta.len(), rates.len(), "backward signals and rates");
    dispatch(
        #[inline(always)]
        || {
            for (delta, rate) in delta.iter_mut().zip(rates) {
                let rate = if *rate > ONE_FROM { ONE_FROM } else { *rate };
                let (n, p) = exponential(-rate);
                let power = power_of_two(n);
                *delta *= -power.mul_add(p, power - 1.0);
            }
        },
    );
}

/// `delta = delta r (1 - r)`: the backward pass through a logistic function whose output was `r`.
///
/// # Panics
/// If the lengths differ.
pub fn logistic_derivative_mul(delta: &mut [f32], rates: &[f32]) {
    assert_eq!(delta.len(), rates.len(), "backward signals and rates");
    dispatch(
        #[inline(always)]
        || {
            for (delta, rate) in delta.iter_mut().zip(rates) {
                *delta *= rate * (1.0 - rate);
            }
        },
    );
}

/// From here on `1 - exp(-r)` rounds to one: `exp(-r) < 2⁻²⁵` for `r > 25 ln(2)`, 17.33.
const ONE_FROM: f32 = 17.4;

/// From here on `exp(-x)` rounds to zero: it is below half of the smallest positive number, 2⁻¹⁵⁰, for `x >
/// 150 ln(2)`, 103.97.
const ZERO_FROM: f32 = 104.0;

/// The smallest `n` for which `exp` is computed as `2ⁿ (1 + p)`. Below it the power is split in two, because
/// `2ⁿ` may not be a normal number.
const SPLIT_AT: f32 = -100.0;

/// `(artanh(s) / s - 1) / s²` in powers of `s²`: 1/3, 1/5, ..., 1/15. The terms left out are below `s¹⁶ /
/// 17`, 1.4e-9, for `s <= 1/3`.
const ARTANH: [f32; 7] = [1.0 / 3.0, 1.0 / 5.0, 1.0 / 7.0, 1.0 / 9.0, 1.0 / 11.0, 1.0 / 13.0, 1.0 / 15.0];

#[inline(always)]
fn softplus(x: f32) -> f32 {
    let size = x.abs();
    let size = if size > ZERO_FROM { ZERO_FROM } else { size };
    let (n, p) = exponential(-size);
    let first = if n < SPLIT_AT { SPLIT_AT } else { n };
    let power = power_of_two(first);
    let e = power.mul_add(p, power) * power_of_two(n - first);
    let s = e / (2.0 + e);
    let square = s * s;
    let series = ARTANH[6];
    let series = series.mul_add(square, ARTANH[5]);
    let series = series.mul_add(square, ARTANH[4]);
    let series = series.mul_add(square, ARTANH[3]);
    let series = series.mul_add(square, ARTANH[2]);
    let series = series.mul_add(square, ARTANH[1]);
    let series = series.mul_add(square, ARTANH[0]);
    let half = s.mul_add(square * series, s);
    let above = if x > 0.0 { x } else { 0.0 };
    2.0_f32.mul_add(half, above)
}
