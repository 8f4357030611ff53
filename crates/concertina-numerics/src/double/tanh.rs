//! The hyperbolic tangent and its slope, vectorised, with the same bits on every instruction set.

use crate::kernels::{Operation, dispatch};

/// Replaces `a` by `tanh a` and writes `1 / cosh² a`, both to a few units in the last place.
///
/// # Panics
/// If the lengths differ.
pub fn tanh_and_slopes(values: &mut [f64], slopes: &mut [f64]) {
    assert_eq!(values.len(), slopes.len(), "values and slopes");
    dispatch(Tanh { values, slopes });
}

struct Tanh<'a> {
    values: &'a mut [f64],
    slopes: &'a mut [f64],
}

impl Operation for Tanh<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (value, slope) in self.values.iter_mut().zip(self.slopes) {
            (*value, *slope) = tanh_and_slope(*value);
        }
    }
}

/// Larger currents are replaced by this one, where the hyperbolic tangent is one (it is from 19 on) and the
/// slope, 4e-304, is still a normal number.
const LARGEST: f64 = 350.0;
/// Adding and then subtracting it rounds to a whole number: 1.5 times 2⁵².
const ROUND: f64 = 6_755_399_441_055_744.0;
/// `ln 2` truncated to 42 bits, so that its product with a whole number below 2¹¹ is exact. The remainder
/// follows.
const LN_2_HIGH: f64 = f64::from_bits(std::f64::consts::LN_2.to_bits() & !0x7ff);
const LN_2_LOW: f64 = 5.497_923_018_708_371e-14;

/// `tanh a` and `1 / cosh² a`, both to a few ulp for every `a`.
///
/// `1 - tanh²` has no digits left where the unit saturates, although the Jacobian needs them there. With
/// `z = -2|a|`, `e = exp z` and `m = expm1 z`, which is more precise than `e - 1` for small `a`, the
/// hyperbolic tangent of `|a|` is `-m / (2 + m)` and the slope is `4 e / (1 + e)²`. Both follow from
/// `expm1 r`, where `z = n ln 2 + r` with `|r| <= ln(2) / 2`, which is computed by its Taylor series.
#[inline(always)]
fn tanh_and_slope(a: f64) -> (f64, f64) {
    let size = a.abs();
    let size = if size > LARGEST { LARGEST } else { size };
    let z = -2.0 * size;
    let shifted = z.mul_add(std::f64::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = n.mul_add(-LN_2_LOW, n.mul_add(-LN_2_HIGH, z));
    let mut series = TAYLOR[0];
    let mut term = 1;
    while term < TAYLOR.len() {
        series = series.mul_add(r, TAYLOR[term]);
        term += 1;
    }
    let p = series.mul_add(r * r, r);
    // 2ⁿ: the low bits of `shifted` are `n`
    let power = f64::from_bits((shifted.to_bits() << 52).wrapping_add(1.0_f64.to_bits()));
    let e = power.mul_add(p, power);
    let m = power.mul_add(p, power - 1.0);
    let above = 1.0 + e;
    ((-m / (2.0 + m)).copysign(a), 4.0 * e / (above * above))
}

/// 1/14!, 1/13!, ..., 1/2!: the terms left out of `expm1 r / r` are below `r¹⁴ / 15!`, 3e-19.
const TAYLOR: [f64; 13] = {
    let mut coefficients = [0.0; 13];
    let mut factorial = 1.0; // exact to 18!
    let mut order = 2;
    while order <= 14 {
        factorial *= order as f64;
        coefficients[14 - order] = 1.0 / factorial;
        order += 1;
    }
    coefficients
};

#[cfg(test)]
mod tests {
    use crate::kernels::{Level, with_level};

    use super::*;

    fn currents() -> Vec<f64> {
        let sizes =
            (0..8000).map(|step| f64::from(step) * 0.05).chain((0..2000).map(|step| 1.02_f64.powi(-step)));
        sizes.flat_map(|size| [size, -size]).collect()
    }

    #[test]
    fn tanh_and_its_slope_keep_their_digits_from_the_smallest_current_to_saturation() {
        for a in currents() {
            let (value, slope) = tanh_and_slope(a);
            assert!((value - a.tanh()).abs() <= 4.0 * f64::EPSILON * a.tanh().abs(), "tanh {a}: {value}");
            let cosh = a.abs().min(LARGEST).cosh();
            assert!((slope * cosh * cosh - 1.0).abs() <= 8.0 * f64::EPSILON, "slope at {a}: {slope}");
        }
        assert_eq!(tanh_and_slope(0.0), (0.0, 1.0));
        assert_eq!(tanh_and_slope(f64::INFINITY).0, 1.0);
        assert_eq!(tanh_and_slope(-1e300).0, -1.0);
        assert!(tanh_and_slope(f64::NAN).0.is_nan());
    }

    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        let run = |level| {
            with_level(level, || {
                let mut values = currents();
                let mut slopes = vec![0.0; values.len()];
                tanh_and_slopes(&mut values, &mut slopes);
                (values, slopes)
            })
        };
        let portable = run(Level::PORTABLE);
        for level in Level::available() {
            assert_eq!(run(level), portable, "{level}");
        }
    }
}
