//! A test of whether two samples have the same mean.

use super::{mean, student, variance};

/// The two-sided p-value of Welch's test that two samples, whose variances may differ, have the same mean.
///
/// `resolution` is the limit of what a mean can resolve, as a standard deviation. Its square is added to the
/// squared error of each mean. Without it, two columns of ones would be infinitely far apart if a single
/// count were missing in one of them.
///
/// # Returns  `None` if either has fewer than 2 samples, or a sample that is NaN or infinite. If all errors
/// are zero, 1 for equal means and 0 otherwise.
/// # Source   Welch, Biometrika 34 (1947), 28: the degrees of freedom are those of Welch and Satterthwaite.
pub fn p_value(a: &[f64], b: &[f64], resolution: f64) -> Option<f64> {
    let largest = a.iter().chain(b).fold(resolution, |largest, sample| largest.max(sample.abs()));
    if a.iter().chain(b).any(|sample| sample.is_nan()) || largest.is_infinite() {
        return None;
    }
    if USUAL.contains(&largest) || largest == 0.0 {
        return p_value_in_range(a, b, resolution);
    }
    let unit = libm::exp2(-libm::floor(libm::log2(largest)).clamp(-1000.0, 1000.0)); // changes no digit
    let in_units = |samples: &[f64]| samples.iter().map(|sample| sample * unit).collect::<Vec<f64>>();
    p_value_in_range(&in_units(a), &in_units(b), resolution * unit)
}

/// Range of the largest sample within which errors neither overflow nor underflow when squared twice, unless
/// they are 1e-40 of the samples.
const USUAL: std::ops::Range<f64> = 1e-30..1e70;

fn p_value_in_range(a: &[f64], b: &[f64], resolution: f64) -> Option<f64> {
    let squared_error =
        |samples: &[f64]| Some(variance(samples)? / samples.len() as f64 + resolution * resolution);
    let (squared_a, squared_b) = (squared_error(a)?, squared_error(b)?);
    let (apart, squared) = ((mean(a)? - mean(b)?).abs(), squared_a + squared_b);
    if squared == 0.0 {
        return Some(if apart == 0.0 { 1.0 } else { 0.0 });
    }
    let share = |squared: f64, samples: &[f64]| squared * squared / (samples.len() - 1) as f64;
    let freedom = squared * squared / (share(squared_a, a) + share(squared_b, b));
    Some(student::two_sided(apart / squared.sqrt(), freedom))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_scipy() {
        // SciPy 1.17.1: ttest_ind(a, b, equal_var=False).pvalue
        let (a, b) = ([22.1, 23.4, 21.9, 24.0, 22.6], [22.9, 21.8, 24.1, 25.2, 23.6, 26.3]);
        let found = p_value(&a, &b, 0.0).expect("enough samples");
        assert!((found - 0.161_649_741_420_956_7).abs() < 1e-12, "{found}");
    }

    #[test]
    fn differences_below_the_resolution_are_not_significant() {
        let (ones, nearly) = ([1.0; 5], [1.0, 1.0, 0.999, 1.0, 1.0]);
        assert!(p_value(&ones, &nearly, 1e-3).expect("enough samples") > 0.8);
        assert_eq!(p_value(&ones, &ones, 0.0), Some(1.0));
        assert_eq!(p_value(&ones, &[2.0; 3], 0.0), Some(0.0));
        assert_eq!(p_value(&ones, &[1.0], 1e-3), None);
    }

    #[test]
    fn a_planted_difference_is_detected() {
        let published = [22.1, 23.4, 21.9, 24.0, 22.6];
        assert!(p_value(&[22.9, 21.8, 23.1, 22.2, 23.6], &published, 1e-2).expect("enough samples") > 0.5);
        assert!(p_value(&[32.9, 31.8, 33.1, 32.2, 33.6], &published, 1e-2).expect("enough samples") < 1e-6);
    }
}
