//! Normal numbers from random words, by the Box-Muller transform in single precision.
//!
//! Two words give two numbers: `sqrt(-2 ln u)` times the cosine and the sine of an angle. Logarithm and sines
//! are polynomials (minimax by Remez exchange in 40 digits, then rounded to single precision), evaluated with
//! fused multiply-adds in a fixed order, so the numbers are the same on every machine. A radius is computed
//! from 32 bits, so numbers go up to `sqrt(66 ln 2)`, 6.76, which the normal distribution exceeds once in
//! 10¹¹ numbers.
//!
//! # Source
//! Box and Muller, A note on the generation of random normal deviates, Annals of Mathematical Statistics 29
//! (1958).

use crate::kernels::dispatch;

/// Number of words, and of numbers, in a block.
pub(super) const BLOCK: usize = 64;

const PAIRS: usize = BLOCK / 2;

/// Transforms blocks of words. The first half of a block gives radii and the second half angles. In the
/// result, cosines come first, then sines.
pub(super) fn transform(words: &[[u32; BLOCK]], out: &mut [[f32; BLOCK]]) {
    dispatch(
        #[inline(always)]
        || {
            for (words, out) in words.iter().zip(out) {
                let (radii, angles) = words.split_at(PAIRS);
                let (cosines, sines) = out.split_at_mut(PAIRS);
                for i in 0..PAIRS {
                    let r = radius(radii[i]);
                    let (sine, cosine) = sine_cosine(angles[i]);
                    cosines[i] = r * cosine;
                    sines[i] = r * sine;
                }
            }
        },
    );
}

/// `(ln(1+f) - f + f²/2) / f³` on `1/sqrt(2) <= 1+f <= sqrt(2)`; relative error of the logarithm 6.4e-9.
const LN: [f32; 8] = [
    0.333_333_3,
    -0.250_008_2,
    0.200_012_27,
    -0.166_233_57,
    0.142_017_59,
    -0.131_601_83,
    0.127_615_75,
    -0.076_344_94,
];

/// `(sin(x) - x) / x³` as a polynomial in `x²` on `|x| <= π/4`; relative error of the sine 5.5e-9.
const SINE: [f32; 3] = [-0.166_666_55, 0.008_332_178, -0.000_195_172_67];

/// `(cos(x) - 1 + x²/2) / x⁴` as a polynomial in `x²` on `|x| <= π/4`; relative error of the cosine 1.8e-10.
const COSINE: [f32; 3] = [0.041_666_646, -0.001_388_731_6, 0.000_024_433_12];

/// `sqrt(-2 ln u)` with `u = (word + 1/2) / 2³²`.
#[inline(always)]
fn radius(word: u32) -> f32 {
    const SQRT_HALF: u32 = std::f32::consts::FRAC_1_SQRT_2.to_bits();
    const MANTISSA: u32 = 0x007f_ffff;
    let u = (word as f32 + 0.5) * (1.0 / 4_294_967_296.0);
    // u = 2^exponent (1 + f)
    let bits = u.to_bits().wrapping_sub(SQRT_HALF);
    let exponent = (bits.cast_signed() >> 23) as f32;
    let f = f32::from_bits((bits & MANTISSA).wrapping_add(SQRT_HALF)) - 1.0;
    let p = LN[7];
    let p = p.mul_add(f, LN[6]);
    let p = p.mul_add(f, LN[5]);
    let p = p.mul_add(f, LN[4]);
    let p = p.mul_add(f, LN[3]);
    let p = p.mul_add(f, LN[2]);
    let p = p.mul_add(f, LN[1]);
    let p = p.mul_add(f, LN[0]);
    let ln = p.mul_add(f, -0.5).mul_add(f * f, f);
    let ln = exponent.mul_add(std::f32::consts::LN_2, ln);
    (-2.0 * ln).sqrt()
}

/// Sine and cosine of `2π word / 2³²`.
#[inline(always)]
fn sine_cosine(word: u32) -> (f32, f32) {
    const SIGN: u32 = 1 << 31;
    // the nearest multiple of a quarter turn, and the remainder: at most an eighth of a turn
    let quarter = word.wrapping_add(1 << 29) >> 30;
    let rest = word.wrapping_sub(quarter << 30).cast_signed();
    let x = rest as f32 * (std::f32::consts::TAU / 4_294_967_296.0);
    let square = x * x;
    let s = SINE[2].mul_add(square, SINE[1]).mul_add(square, SINE[0]);
    let s = s.mul_add(square * x, x);
    let c = COSINE[2].mul_add(square, COSINE[1]).mul_add(square, COSINE[0]);
    let c = c.mul_add(square, -0.5).mul_add(square, 1.0);
    let odd = quarter & 1 == 1;
    let (sine, cosine) = if odd { (c, s) } else { (s, c) };
    let sine_sign = (quarter << 30) & SIGN;
    let cosine_sign = (quarter.wrapping_add(1) << 30) & SIGN;
    (f32::from_bits(sine.to_bits() ^ sine_sign), f32::from_bits(cosine.to_bits() ^ cosine_sign))
}
