//! The hyperbolic tangent in single precision.

use super::dispatch;

/// `x = tanh(x)`, with an error of at most 2 units in the last place (1.91 is the largest among all floats).
///
/// The function is odd and never exceeds one in magnitude. 0 maps to 0, the infinities map to ±1, and NaN
/// maps to NaN.
///
/// With `e = expm1(-2|x|)`, it is `-e / (e + 2)` with the sign of `x`. `expm1` is reduced to
/// `|r| <= ln(2)/2`, where it is a polynomial: `e = 2ⁿ (1 + p) - 1` with `p = expm1(r)`.
pub fn tanh_in_place(values: &mut [f32]) {
    dispatch(
        #[inline(always)]
        || {
            for value in values {
                *value = tanh(*value);
            }
        },
    );
}

/// From here on the hyperbolic tangent rounds to one: `tanh(x) > 1 - 2⁻²⁵` for `x > 13 ln(2)`, 9.01.
const ONE_FROM: f32 = 9.02;

/// Adding and then subtracting it rounds to a whole number: 1.5 times 2²³.
const ROUND: f32 = 12_582_912.0;

/// `ln(2)` truncated to 15 bits, so that its product with a small whole number is exact. The remainder
/// follows.
const LN_2_HIGH: f32 = 0.693_145_75;
const LN_2_LOW: f32 = 0.000_001_428_606_8;

/// `(expm1(r) - r) / r²` on `|r| <= ln(2)/2`: minimax in the relative error of `expm1` (Remez exchange in 40
/// digits, then rounded to single precision), 2.2e-9.
const EXPM1: [f32; 6] = [0.5, 0.166_666_66, 0.041_666_362, 0.008_333_39, 0.001_394_062_8, 0.000_198_458_79];

/// `1 / (1 + exp(-x)) = (1 + tanh(x / 2)) / 2`, to be called in a loop that [`dispatch`] compiles.
#[inline(always)]
#[must_use]
pub fn logistic(x: f32) -> f32 {
    0.5_f32.mul_add(tanh(0.5 * x), 0.5)
}

/// `n` and `p` of `exp(z) = 2ⁿ (1 + p)`, for `z` from -150 to 0: `z = n ln(2) + r` with `|r| <= ln(2) / 2`,
/// and `p = expm1(r)`.
#[inline(always)]
pub(super) fn exponential(z: f32) -> (f32, f32) {
    let n = z.mul_add(std::f32::consts::LOG2_E, ROUND) - ROUND;
    let r = n.mul_add(-LN_2_LOW, n.mul_add(-LN_2_HIGH, z));
    let q = EXPM1[5];
    let q = q.mul_add(r, EXPM1[4]);
    let q = q.mul_add(r, EXPM1[3]);
    let q = q.mul_add(r, EXPM1[2]);
    let q = q.mul_add(r, EXPM1[1]);
    let q = q.mul_add(r, EXPM1[0]);
    (n, q.mul_add(r * r, r))
}

/// `2ⁿ` for a whole number from -126 to 127.
#[inline(always)]
pub(super) fn power_of_two(n: f32) -> f32 {
    // the low bits of the sum are `n`
    f32::from_bits(((n + ROUND).to_bits() << 23).wrapping_add(1.0_f32.to_bits()))
}

/// The function of [`tanh_in_place`] for a single number, to be called in a loop that [`dispatch`] compiles.
#[inline(always)]
#[must_use]
pub fn tanh(x: f32) -> f32 {
    let size = x.abs();
    let size = if size > ONE_FROM { ONE_FROM } else { size };
    let (n, p) = exponential(-2.0 * size);
    let power = power_of_two(n);
    let above = power.mul_add(p, power - 1.0);
    let below = power.mul_add(p, power + 1.0);
    let y = -above / below;
    // the rounding error of `below` would cost up to 1 unit; its inverse on [1, 2] need not be more accurate
    // than 9%
    let lost = power.mul_add(p, (power + 1.0) - below);
    let inverse = below.mul_add(-0.5, 1.457);
    (-y * lost).mul_add(inverse, y).copysign(x)
}
