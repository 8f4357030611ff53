//! Student's t distribution: tail probabilities, quantiles, and the interval of a mean.

use super::{mean, standard_error};

/// The probability that a t variable with `freedom` degrees of freedom is farther from 0 than `t`, on either
/// side.
///
/// # Returns  In [0, 1]; 1 for `t` = 0. Relative accuracy about 1e-12 up to a thousand degrees of freedom.
/// # Source   Abramowitz & Stegun 26.7.1 (as an incomplete beta function).
pub fn two_sided(t: f64, freedom: f64) -> f64 {
    incomplete_beta(freedom / (freedom + t * t), 0.5 * freedom, 0.5)
}

/// The distance from 0 within which a t variable with `freedom` degrees of freedom lies with probability
/// `level`, in (0, 1).
///
/// Found by bisection, since [`two_sided`] is decreasing and cheap.
pub fn central_quantile(level: f64, freedom: f64) -> f64 {
    let outside = 1.0 - level;
    let (mut low, mut high) = (0.0, 1.0);
    while two_sided(high, freedom) > outside {
        (low, high) = (high, 2.0 * high);
    }
    // Until the ends of the bracket are neighbouring numbers.
    loop {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            return middle;
        }
        if two_sided(middle, freedom) > outside {
            low = middle;
        } else {
            high = middle;
        }
    }
}

/// The interval that covers the mean of normal samples with probability `level`, in (0, 1); `None` for fewer
/// than 2 samples.
pub fn mean_interval(samples: &[f64], level: f64) -> Option<(f64, f64)> {
    let (centre, error) = (mean(samples)?, standard_error(samples)?);
    let half = error * central_quantile(level, (samples.len() - 1) as f64);
    Some((centre - half, centre + half))
}

/// The regularised incomplete beta function, for x in [0, 1] and positive a and b.
///
/// # Source  Abramowitz & Stegun 26.5.8 (continued fraction), 26.5.2 (symmetry); evaluated by the modified
/// method of Lentz.
fn incomplete_beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    // The fraction converges fast only on this side of the mean.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta(1.0 - x, b, a);
    }
    let log_front =
        a * libm::log(x) + b * libm::log1p(-x) + libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b);
    const TINY: f64 = 1e-300; // replaces a zero denominator, as the method requires
    let away_from_zero = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    // About the square root of a + b terms suffice. The limit only matters if rounding prevents convergence.
    for m in 1..10_000_u32 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut factor = 1.0;
        for numerator in [even, odd] {
            d = 1.0 / away_from_zero(1.0 + numerator * d);
            c = away_from_zero(1.0 + numerator / c);
            factor = c * d;
            fraction *= factor;
        }
        if (factor - 1.0).abs() < 1e-16 {
            break;
        }
    }
    libm::exp(log_front) * fraction / a
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use statrs::distribution::{ContinuousCDF as _, StudentsT};

    use super::*;

    #[test]
    fn one_and_two_degrees_of_freedom_have_closed_forms() {
        for t in [0.0, 0.1, 1.0, 12.7, 1e4] {
            let cauchy = 1.0 - 2.0 * f64::atan(t) / std::f64::consts::PI;
            assert!((two_sided(t, 1.0) - cauchy).abs() < 1e-12, "{t}");
            let two = 1.0 - t / (t * t + 2.0).sqrt();
            assert!((two_sided(t, 2.0) - two).abs() < 1e-12, "{t}");
        }
        assert_eq!(two_sided(f64::INFINITY, 3.0), 0.0);
    }

    #[test]
    fn quantiles_are_those_of_the_tables() {
        // Abramowitz & Stegun, table 26.10
        for (level, freedom, expected) in
            [(0.95, 4.0, 2.776), (0.95, 29.0, 2.045), (0.99, 1.0, 63.657), (0.5, 10.0, 0.700)]
        {
            let found = central_quantile(level, freedom);
            assert!((found - expected).abs() < 6e-4, "{found} should be {expected}");
        }
    }

    #[test]
    fn the_interval_of_a_mean_is_as_computed_by_hand() {
        // mean 3, standard error sqrt(10 / 3 / 4), three degrees of freedom: 3.18245
        let (low, high) = mean_interval(&[1.0, 2.0, 4.0, 5.0], 0.95).expect("four values");
        let half = 3.182_446_305 * (10.0_f64 / 12.0).sqrt();
        assert!((low - (3.0 - half)).abs() < 1e-8 && (high - (3.0 + half)).abs() < 1e-8, "{low} to {high}");
        assert_eq!(mean_interval(&[2.0; 3], 0.95), Some((2.0, 2.0)));
        assert_eq!(mean_interval(&[2.0], 0.95), None);
    }

    proptest! {
        #[test]
        fn tails_agree_with_another_implementation(t in 0.0..50.0_f64, freedom in 0.7..300.0_f64) {
            let law = StudentsT::new(0.0, 1.0, freedom).expect("a distribution");
            let (found, expected) = (two_sided(t, freedom), 2.0 * law.cdf(-t));
            prop_assert!((found - expected).abs() < 1e-10, "{found} should be {expected}");
        }

        #[test]
        fn quantiles_are_the_inverse_of_the_tails(level in 0.01..0.999_f64, freedom in 0.7..300.0_f64) {
            let back = 1.0 - two_sided(central_quantile(level, freedom), freedom);
            // the tail itself is accurate to about 1e-12
            prop_assert!((back - level).abs() < 5e-12, "{back} should be {level}");
        }
    }
}
