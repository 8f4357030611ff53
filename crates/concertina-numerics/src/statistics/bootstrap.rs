//! The percentile bootstrap of the mean.

use super::mean;
use crate::{Error, Result};

/// A mean and its confidence interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeanInterval {
    /// Mean of the samples.
    pub mean: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

/// The mean of the samples with a percentile bootstrap interval.
///
/// Resamples with replacement `resamples` times, each time as many samples as there are, and takes the
/// central share `level` of the means (quantiles are interpolated linearly between order statistics).
///
/// `below(n)` returns a random whole number from 0 to n - 1. It is called `resamples` times the number of
/// samples, in order.
///
/// # Errors
/// [`Error::TooFewSamples`] without samples, [`Error::NotFinite`], [`Error::OutOfRange`] for a level outside
/// (0, 1) or no resamples.
///
/// # Source
/// Efron & Tibshirani, An Introduction to the Bootstrap (1993), section 13.3.
pub fn mean_interval(
    samples: &[f64],
    level: f64,
    resamples: usize,
    mut below: impl FnMut(usize) -> usize,
) -> Result<MeanInterval> {
    const OPERATION: &str = "bootstrap";
    if !(level > 0.0 && level < 1.0) {
        return Err(Error::OutOfRange { name: "level", range: "between 0 and 1", value: level });
    }
    if resamples == 0 {
        return Err(Error::OutOfRange { name: "resamples", range: "of at least 1", value: 0.0 });
    }
    if let Some((index, &value)) = samples.iter().enumerate().find(|(_, value)| !value.is_finite()) {
        return Err(Error::NotFinite { operation: OPERATION, index: vec![index], value });
    }
    let Some(mean) = mean(samples) else {
        return Err(Error::TooFewSamples { operation: OPERATION, needed: 1, found: 0 });
    };
    let n = samples.len();
    let mut means: Vec<f64> =
        (0..resamples).map(|_| (0..n).map(|_| samples[below(n)]).sum::<f64>() / n as f64).collect();
    means.sort_by(f64::total_cmp);
    let tail = 0.5 * (1.0 - level);
    Ok(MeanInterval { mean, low: sorted_quantile(&means, tail), high: sorted_quantile(&means, 1.0 - tail) })
}

/// The quantile of sorted values, interpolated linearly between neighbours: definition 7 of Hyndman & Fan,
/// The American Statistician 50 (1996), 361.
fn sorted_quantile(sorted: &[f64], p: f64) -> f64 {
    let position = p * (sorted.len() - 1) as f64;
    let at = position.floor().min((sorted.len() - 1) as f64);
    let index = at as usize;
    let next = sorted[(index + 1).min(sorted.len() - 1)];
    sorted[index] + (position - at) * (next - sorted[index])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers without a pattern: the high bits of a linear congruential sequence.
    fn scrambled(mut state: u64) -> impl FnMut(usize) -> usize {
        move |n| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from((state >> 33) % n as u64).expect("below n")
        }
    }

    #[test]
    fn quantiles_interpolate_between_order_statistics() {
        let sorted = [1.0, 2.0, 4.0];
        for (p, expected) in [(0.0, 1.0), (0.25, 1.5), (0.5, 2.0), (0.75, 3.0), (1.0, 4.0)] {
            assert_eq!(sorted_quantile(&sorted, p), expected);
        }
    }

    #[test]
    fn equal_samples_leave_no_uncertainty() {
        let found = mean_interval(&[2.5; 6], 0.95, 100, scrambled(1)).expect("an interval");
        assert_eq!(found, MeanInterval { mean: 2.5, low: 2.5, high: 2.5 });
    }

    #[test]
    fn the_interval_has_the_width_of_the_normal_one_for_many_samples() {
        // Half of 400 samples at 0, half at 1: the mean has standard error 0.5 / 20, and 1.96 of them to
        // either side.
        let samples: Vec<f64> = (0..400).map(|k| f64::from(k % 2)).collect();
        let found = mean_interval(&samples, 0.95, 4000, scrambled(7)).expect("an interval");
        assert_eq!(found.mean, 0.5);
        // The ends themselves scatter by about 0.001 over 4000 resamples.
        assert!((found.low - 0.451).abs() < 0.005 && (found.high - 0.549).abs() < 0.005, "{found:?}");
    }

    #[test]
    fn invalid_arguments_are_refused() {
        assert!(mean_interval(&[], 0.9, 10, |_| 0).is_err());
        assert!(mean_interval(&[1.0], 1.0, 10, |_| 0).is_err());
        assert!(mean_interval(&[1.0], 0.9, 0, |_| 0).is_err());
        assert!(mean_interval(&[1.0, f64::NAN], 0.9, 10, |_| 0).is_err());
    }
}
