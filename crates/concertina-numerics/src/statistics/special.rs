//! Special functions of the gamma and the normal distribution, to about 13 digits.

/// From here on the asymptotic series in 1/a are exact to rounding: the first terms left out are below 1e-15
/// of the sum.
const ASYMPTOTIC_FROM: f64 = 10.0;

/// From this shape on, the quantile is computed from its expansion in 1/sqrt(shape), in which the first term
/// left out is of order 1 / shape², at most 1e-15 of the quantile. Below, it is computed from the incomplete
/// gamma function.
const EXPANSION_FROM: f64 = 1e5;

/// `x - ln(1 + x)` for x > -1, without cancellation near 0.
pub(super) fn excess_over_log(x: f64) -> f64 {
    if x.abs() > 0.25 {
        return x - libm::log1p(x);
    }
    // x²/2 - x³/3 + x⁴/4 - ...
    let (mut power, mut sum) = (x * x, 0.0);
    for k in 2..60_u32 {
        let term = power / f64::from(k);
        sum += term;
        if term.abs() <= 1e-18 * sum {
            break;
        }
        power *= -x;
    }
    sum
}

/// `ln a - digamma(a)` and its derivative `1/a - trigamma(a)`, for a > 0. The first decreases from infinity
/// to 0.
///
/// Abramowitz & Stegun, 6.3.5 and 6.4.6 (recurrence), 6.3.18 and 6.4.12 (asymptotic series).
pub(super) fn log_minus_digamma(a: f64) -> (f64, f64) {
    let (mut value, mut slope) = (0.0, 0.0);
    let mut shifted = a;
    while shifted < ASYMPTOTIC_FROM {
        value += 1.0 / shifted;
        slope -= 1.0 / (shifted * shifted);
        shifted += 1.0;
    }
    if shifted > a {
        value += libm::log(a / shifted);
        slope += 1.0 / a - 1.0 / shifted;
    }
    let r = 1.0 / shifted;
    let r2 = r * r;
    let series = 1.0 / 12.0
        - r2 * (1.0 / 120.0
            - r2 * (1.0 / 252.0
                - r2 * (1.0 / 240.0 - r2 * (1.0 / 132.0 - r2 * (691.0 / 32_760.0 - r2 / 12.0)))));
    let derivative = 1.0 / 6.0
        - r2 * (1.0 / 30.0
            - r2 * (1.0 / 42.0
                - r2 * (1.0 / 30.0 - r2 * (5.0 / 66.0 - r2 * (691.0 / 2730.0 - r2 * 7.0 / 6.0)))));
    (value + 0.5 * r + r2 * series, slope - 0.5 * r2 - r2 * r * derivative)
}

/// The density of the standard gamma distribution times x: `x^a exp(-x) / Gamma(a)`.
fn density_times_x(a: f64, x: f64) -> f64 {
    if a < ASYMPTOTIC_FROM {
        return libm::exp(a * libm::log(x) - x - libm::lgamma(a));
    }
    // Gamma(a) by Stirling's series (Abramowitz & Stegun 6.1.40); the large parts of the exponent cancel
    // analytically.
    let r2 = 1.0 / (a * a);
    let stirling = (1.0 / 12.0
        - r2 * (1.0 / 360.0
            - r2 * (1.0 / 1260.0 - r2 * (1.0 / 1680.0 - r2 * (1.0 / 1188.0 - r2 * 691.0 / 360_360.0)))))
        / a;
    let exponent = -a * excess_over_log((x - a) / a) - stirling;
    libm::exp(exponent) * (a / (2.0 * std::f64::consts::PI)).sqrt()
}

/// The standard gamma distribution at x > 0: its lower or its upper tail, whichever is computed without
/// cancellation.
enum Tail {
    Lower(f64),
    Upper(f64),
}

fn gamma_tail(a: f64, x: f64, density_times_x: f64) -> Tail {
    if x < a + 1.0 {
        // Abramowitz & Stegun 6.5.29: sum over n of x^n / ((a + 1) ... (a + n)), times x^a exp(-x) /
        // Gamma(a + 1).
        let (mut term, mut sum, mut denominator) = (1.0, 1.0, a);
        while term > 1e-17 * sum {
            denominator += 1.0;
            term *= x / denominator;
            sum += term;
        }
        return Tail::Lower(density_times_x / a * sum);
    }
    // Abramowitz & Stegun 6.5.31 in its even form, by the modified method of Lentz.
    let mut b = x + 1.0 - a;
    let mut d = 1.0 / b;
    let mut c = f64::MAX;
    let mut fraction = d;
    for n in 1..1_000_000_u32 {
        let n = f64::from(n);
        let numerator = n * (a - n);
        b += 2.0;
        d = 1.0 / (numerator * d + b);
        c = b + numerator / c;
        let factor = c * d;
        fraction *= factor;
        if (factor - 1.0).abs() < 1e-16 {
            break;
        }
    }
    Tail::Upper(density_times_x * fraction)
}

/// The quantile of the standard normal distribution, for p in (0, 1).
///
/// Starts from Abramowitz & Stegun 26.2.23 (in error by less than 4.5e-4), refined by Halley's method.
pub(super) fn normal_quantile(p: f64) -> f64 {
    let tail = p.min(1.0 - p);
    let t = (-2.0 * libm::log(tail)).sqrt();
    let numerator = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let denominator = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    let mut z = -(t - numerator / denominator); // negative: the lower tail
    for _ in 0..3 {
        let off = 0.5 * libm::erfc(-z * std::f64::consts::FRAC_1_SQRT_2) - tail;
        let newton = off * (2.0 * std::f64::consts::PI).sqrt() * libm::exp(0.5 * z * z);
        z -= newton / (1.0 + 0.5 * z * newton);
    }
    if p < 0.5 { z } else { -z }
}

/// The quantile of the standard gamma distribution of shape a > 0, for p in (0, 1).
///
/// Uses Halley's method on the incomplete gamma function in the logarithm of x, kept within a bracket.
pub(super) fn gamma_quantile(a: f64, p: f64) -> f64 {
    let z = normal_quantile(p);
    if a >= EXPANSION_FROM {
        return large_shape_quantile(a, z);
    }
    let mut log_x = starting_point(a, p, z);
    let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
    for _ in 0..200 {
        let x = libm::exp(log_x);
        let slope = density_times_x(a, x);
        let off = match gamma_tail(a, x, slope) {
            Tail::Lower(lower) => lower - p,
            Tail::Upper(upper) => (1.0 - p) - upper,
        };
        if off > 0.0 {
            high = log_x;
        } else {
            low = log_x;
        }
        let newton = off / slope;
        let step = newton / (1.0 - 0.5 * newton * (a - x)).max(0.5);
        // The error after a step of Halley's method is of the order of the cube of the step, in units of the
        // relative width 1/sqrt(a).
        if step.abs() * a.max(1.0).sqrt() < 1e-6 {
            log_x -= step;
            break;
        }
        let next = log_x - step;
        log_x = match (low.is_finite(), high.is_finite()) {
            _ if next > low && next < high => next,
            (true, true) => 0.5 * (low + high),
            (true, false) => low + 1.0,
            _ => high - 1.0,
        };
    }
    libm::exp(log_x)
}

/// The quantile for large shapes, by the Cornish-Fisher expansion: Johnson, Kotz & Balakrishnan, Continuous
/// Univariate Distributions 1 (1994), chapter 17; z is the normal quantile.
fn large_shape_quantile(a: f64, z: f64) -> f64 {
    let root = a.sqrt();
    let z2 = z * z;
    let terms = [
        (z2 - 1.0) / 3.0,
        z * (z2 - 7.0) / 36.0,
        -(z2 * (3.0 * z2 + 7.0) - 16.0) / 810.0,
        z * (z2 * (9.0 * z2 + 256.0) - 433.0) / 38_880.0,
    ];
    let correction = terms.iter().rev().fold(0.0, |sum, term| term + sum / root);
    a + (z * root + correction)
}

/// A first guess of the logarithm of the quantile.
fn starting_point(a: f64, p: f64, z: f64) -> f64 {
    // Wilson and Hilferty's cube: Abramowitz & Stegun 26.4.17.
    let cube_root = 1.0 - 1.0 / (9.0 * a) + z / (3.0 * a.sqrt());
    if a >= 1.0 && cube_root > 0.1 {
        return libm::log(a) + 3.0 * libm::log(cube_root);
    }
    // The first term of the series at 0: p = x^a / Gamma(a + 1).
    (libm::log(p) + libm::lgamma(a + 1.0)) / a
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use statrs::distribution::{ContinuousCDF as _, Gamma, Normal};
    use statrs::function::gamma::digamma;

    use super::*;

    #[test]
    fn the_digamma_difference_has_its_known_values() {
        const EULER: f64 = 0.577_215_664_901_532_9;
        let (value, slope) = log_minus_digamma(1.0);
        assert!((value - EULER).abs() < 1e-14, "{value}");
        assert!((slope - (1.0 - std::f64::consts::PI.powi(2) / 6.0)).abs() < 1e-14, "{slope}");
        let (value, _) = log_minus_digamma(0.5);
        assert!((value - (EULER + std::f64::consts::LN_2)).abs() < 1e-14, "{value}");
    }

    #[test]
    fn an_exponential_distribution_has_logarithms_as_quantiles() {
        for p in [1e-6, 0.125, 0.5, 0.875, 0.999] {
            let (found, expected) = (gamma_quantile(1.0, p), -libm::log1p(-p));
            assert!((found / expected - 1.0).abs() < 1e-13, "{found} should be {expected}");
        }
    }

    #[test]
    fn both_routes_to_the_quantile_agree_where_they_meet() {
        for p in [1e-4, 0.125, 0.5, 0.875, 1.0 - 1e-4] {
            let (a, z) = (EXPANSION_FROM * (1.0 - 1e-12), normal_quantile(p));
            let off = (gamma_quantile(a, p) - large_shape_quantile(a, z)) / a.sqrt();
            assert!(off.abs() < 1e-11, "{off} standard deviations apart at {p}");
        }
    }

    proptest! {
        #[test]
        fn quantiles_are_the_inverse_of_the_distribution(shape_log10 in -2.0..5.0_f64, p in 1e-3..0.999_f64) {
            let shape = 10.0_f64.powf(shape_log10);
            let x = gamma_quantile(shape, p);
            prop_assume!(x > 1e-280);
            let back = Gamma::new(shape, 1.0).expect("a distribution").cdf(x);
            prop_assert!((back - p).abs() < 1e-9, "shape {shape}: {back} should be {p}");
        }

        #[test]
        fn normal_quantiles_are_the_inverse_of_the_distribution(p in 1e-12..1.0_f64) {
            let back = Normal::standard().cdf(normal_quantile(p));
            prop_assert!((back / p - 1.0).abs() < 1e-9, "{back} should be {p}");
        }

        #[test]
        fn digamma_agrees_with_another_implementation(a in 0.01..100.0_f64) {
            let (value, _) = log_minus_digamma(a);
            prop_assert!((a.ln() - digamma(a) - value).abs() < 1e-10 * (1.0 + value));
        }

        #[test]
        fn the_slope_is_the_derivative(a in 0.05..50.0_f64) {
            let h = 1e-5 * a;
            let quotient = (log_minus_digamma(a + h).0 - log_minus_digamma(a - h).0) / (2.0 * h);
            let (_, slope) = log_minus_digamma(a);
            prop_assert!((quotient / slope - 1.0).abs() < 1e-7, "{quotient} should be {slope}");
        }
    }
}
