//! The softplus and the logistic function with their slopes, with the same bits on every instruction set.

/// Replaces `a` by `ln(1 + exp a)` and writes its slope `1 / (1 + exp(-a))`, both to a few units in the last
/// place, without overflow.
///
/// # Panics
/// If the lengths differ.
pub fn softplus_and_slopes(values: &mut [f64], slopes: &mut [f64]) {
    assert_eq!(values.len(), slopes.len(), "values and slopes");
    for (value, slope) in values.iter_mut().zip(slopes) {
        let (a, e) = (*value, libm::exp(-value.abs()));
        *slope = if a < 0.0 { e / (1.0 + e) } else { 1.0 / (1.0 + e) };
        *value = if a < 0.0 { 0.0 } else { a } + libm::log1p(e);
    }
}

/// Replaces `a` by `1 / (1 + exp(-a))` and writes its slope, both to a few units in the last place.
///
/// # Panics
/// If the lengths differ.
pub fn logistic_and_slopes(values: &mut [f64], slopes: &mut [f64]) {
    assert_eq!(values.len(), slopes.len(), "values and slopes");
    for (value, slope) in values.iter_mut().zip(slopes) {
        let (a, e) = (*value, libm::exp(-value.abs()));
        *value = if a < 0.0 { e / (1.0 + e) } else { 1.0 / (1.0 + e) };
        *slope = e / ((1.0 + e) * (1.0 + e));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slopes_are_derivatives_and_nothing_overflows() {
        for map in [softplus_and_slopes, logistic_and_slopes] {
            for step in -300..=300 {
                let a = f64::from(step) * 0.1;
                let (mut values, mut slopes) = ([a - 1e-5, a, a + 1e-5], [0.0; 3]);
                map(&mut values, &mut slopes);
                let difference = (values[2] - values[0]) / 2e-5;
                assert!((difference - slopes[1]).abs() < 1e-9, "at {a}: {difference} and {}", slopes[1]);
            }
        }
        let (mut values, mut slopes) = ([-1e300, -40.0, 0.0, 40.0, 1e300, f64::NAN], [0.0; 6]);
        softplus_and_slopes(&mut values, &mut slopes);
        assert_eq!((values[0], values[4], values[2]), (0.0, 1e300, std::f64::consts::LN_2));
        assert!((values[1] / (-40.0_f64).exp() - 1.0).abs() < 1e-15 && values[5].is_nan());
        assert_eq!((slopes[0], slopes[2], slopes[4]), (0.0, 0.5, 1.0));
        let (mut values, mut slopes) = ([-1e300, -40.0, 0.0, 1e300], [0.0; 4]);
        logistic_and_slopes(&mut values, &mut slopes);
        assert_eq!((values[0], values[2], values[3]), (0.0, 0.5, 1.0));
        assert!((values[1] / (-40.0_f64).exp() - 1.0).abs() < 1e-15);
        assert_eq!((slopes[0], slopes[2], slopes[3]), (0.0, 0.25, 0.0));
    }
}
