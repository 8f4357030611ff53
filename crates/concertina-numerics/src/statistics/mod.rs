//! Means, their uncertainty, tests, and the gamma distribution of the published error bars.
//!
//! Elementary functions come from `libm`, so that results are the same on every machine.

pub mod bootstrap;
pub mod gamma;
pub mod holm;
pub mod power;
pub mod sequential;
pub mod signed_rank;
mod special;
pub mod student;
pub mod welch;

/// The mean; `None` without values.
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The unbiased sample variance (with n - 1 in the denominator); `None` for fewer than 2 values.
pub fn variance(values: &[f64]) -> Option<f64> {
    let mean = mean(values).filter(|_| values.len() > 1)?;
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    Some(squares / (values.len() - 1) as f64)
}

/// The standard error of the mean, the square root of the variance divided by the number of values; `None`
/// for fewer than 2 values.
pub fn standard_error(values: &[f64]) -> Option<f64> {
    Some((variance(values)? / values.len() as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_moments_of_four_values_are_as_computed_by_hand() {
        let values = [1.0, 2.0, 4.0, 5.0];
        assert_eq!(mean(&values), Some(3.0));
        assert_eq!(variance(&values), Some(10.0 / 3.0));
        assert_eq!(standard_error(&values), Some((10.0_f64 / 12.0).sqrt()));
    }

    #[test]
    fn moments_of_too_few_values_are_undefined() {
        assert_eq!((mean(&[]), variance(&[3.0]), standard_error(&[3.0])), (None, None, None));
    }
}
