//! Gamma distributions fitted to samples: the error bars of the published figures.

use super::special::{excess_over_log, gamma_quantile, log_minus_digamma};
use crate::{Error, Result};

/// A gamma distribution fitted to samples by maximum likelihood, with a fixed location.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum GammaFit {
    /// All samples are equal, so every quantile is their value.
    Point {
        /// The value of every sample.
        value: f64,
    },
    /// A distribution on the numbers above its location.
    Distribution {
        /// Location: the lower end of the support; not fitted.
        location: f64,
        /// Shape, dimensionless.
        shape: f64,
        /// Scale, in the unit of the samples.
        scale: f64,
    },
}

impl GammaFit {
    /// Fits shape and scale to the samples by maximum likelihood, with the given location.
    ///
    /// Solves `ln(shape) - digamma(shape) = ln(mean z) - mean(ln z)` for the shape by Newton's method, with
    /// `z` the samples minus the location. The scale is the mean of `z` divided by the shape. Equal samples,
    /// wherever they lie, give a [`GammaFit::Point`].
    ///
    /// # Errors
    /// [`Error::TooFewSamples`] without samples; [`Error::NotFinite`]; [`Error::SampleBelowLocation`] if a
    /// sample is not above the location, and the samples are not all equal.
    ///
    /// # Source
    /// Minka, Estimating a Gamma distribution (2002): the equation and the start of the iteration.
    pub fn fit(samples: &[f64], location: f64) -> Result<Self> {
        const OPERATION: &str = "gamma fit";
        let Some(&first) = samples.first() else {
            return Err(Error::TooFewSamples { operation: OPERATION, needed: 1, found: 0 });
        };
        if let Some((index, &value)) = samples.iter().enumerate().find(|(_, value)| !value.is_finite()) {
            return Err(Error::NotFinite { operation: OPERATION, index: vec![index], value });
        }
        if samples.iter().all(|&value| value == first) {
            return Ok(Self::Point { value: first });
        }
        if !location.is_finite() {
            return Err(Error::OutOfRange { name: "location", range: "that is finite", value: location });
        }
        if let Some((index, &value)) = samples.iter().enumerate().find(|&(_, &value)| value <= location) {
            return Err(Error::SampleBelowLocation { location, index, value });
        }

        let n = samples.len() as f64;
        let mean = samples.iter().map(|value| value - location).sum::<f64>() / n;
        // ln(mean z) - mean(ln z), with d = z/mean - 1: mean(d - ln(1 + d)), minus the contribution of the
        // rounding of the mean.
        let deviation = |value: f64| (value - location - mean) / mean;
        let excess = |value: f64| match deviation(value) {
            // so far below the mean that 1 + deviation has lost half of its digits
            far if far < 1e-8 - 1.0 => far - (libm::log(value - location) - libm::log(mean)),
            near => excess_over_log(near),
        };
        let spread = samples.iter().map(|&value| excess(value)).sum::<f64>() / n
            - excess_over_log(samples.iter().map(|&value| deviation(value)).sum::<f64>() / n);
        if spread <= 0.0 {
            // The samples differ by less than the square root of the smallest number.
            return Ok(Self::Point { value: location + mean });
        }
        let shape = solve_shape(spread);
        Ok(Self::Distribution { location, shape, scale: mean / shape })
    }

    /// The quantile: the number below which a share `p` of the distribution lies.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] for `p` outside (0, 1).
    pub fn quantile(&self, p: f64) -> Result<f64> {
        if !(p > 0.0 && p < 1.0) {
            return Err(Error::OutOfRange { name: "p", range: "between 0 and 1", value: p });
        }
        Ok(self.quantile_inside(p))
    }

    /// The median.
    pub fn median(&self) -> f64 {
        self.quantile_inside(0.5)
    }

    /// The ends, lower first, of the interval that holds the share `level`, with equal shares to either side.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] for a level outside (0, 1).
    pub fn central_interval(&self, level: f64) -> Result<(f64, f64)> {
        if !(level > 0.0 && level < 1.0) {
            return Err(Error::OutOfRange { name: "level", range: "between 0 and 1", value: level });
        }
        Ok((self.quantile(0.5 * (1.0 - level))?, self.quantile(0.5 * (1.0 + level))?))
    }

    fn quantile_inside(&self, p: f64) -> f64 {
        match *self {
            Self::Point { value } => value,
            Self::Distribution { location, shape, scale } => location + scale * gamma_quantile(shape, p),
        }
    }
}

/// The shape at which `ln(shape) - digamma(shape)` is `spread`, for a positive spread.
fn solve_shape(spread: f64) -> f64 {
    // Within 1.5 % of the solution everywhere; from there Newton's method doubles the digits at every step.
    let mut shape =
        (3.0 - spread + ((spread - 3.0) * (spread - 3.0) + 24.0 * spread).sqrt()) / (12.0 * spread);
    for _ in 0..20 {
        let (value, slope) = log_minus_digamma(shape);
        let next = shape - (value - spread) / slope;
        let next = if next > 0.0 { next } else { 0.5 * shape };
        let moved = (next - shape).abs();
        shape = next;
        if moved <= 1e-15 * shape {
            break;
        }
    }
    shape
}

/// A gamma distribution on one side of an anchor: above it or, mirrored, below it.
///
/// The published figures treat accuracies in this way, mirrored at 1. Samples `x` become `2 anchor - x`, the
/// distribution is fitted with the location `anchor + shift`, and quantiles are mirrored back.
///
/// Differs from the published code in the quantiles of mirrored samples: that code takes them with the
/// location `anchor` after fitting with `anchor + shift`. Here the location is the same in both, and
/// quantiles differ from the published ones by `shift`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AnchoredGamma {
    anchor: f64,
    mirrored: bool,
    fit: GammaFit,
}

impl AnchoredGamma {
    /// Fits to samples above `anchor + shift` or, if `mirrored`, below `anchor - shift`.
    ///
    /// # Errors
    /// As [`GammaFit::fit`].
    pub fn fit(samples: &[f64], anchor: f64, shift: f64, mirrored: bool) -> Result<Self> {
        let all_equal = samples.windows(2).all(|pair| pair[0] == pair[1]);
        if !mirrored || all_equal {
            // Mirroring twice would round a value shared by all samples.
            let fit = GammaFit::fit(samples, anchor + shift)?;
            return Ok(Self { anchor, mirrored: false, fit });
        }
        let images: Vec<f64> = samples.iter().map(|value| 2.0 * anchor - value).collect();
        Ok(Self { anchor, mirrored, fit: GammaFit::fit(&images, anchor + shift)? })
    }

    /// The fitted distribution; that of the mirror images if the samples were mirrored.
    pub fn gamma(&self) -> GammaFit {
        self.fit
    }

    /// The median.
    pub fn median(&self) -> f64 {
        self.unmirror(self.fit.median())
    }

    /// The ends, lower first, of the interval that holds the share `level`, with equal shares to either side.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] for a level outside (0, 1).
    pub fn central_interval(&self, level: f64) -> Result<(f64, f64)> {
        let (low, high) = self.fit.central_interval(level)?;
        let (one, other) = (self.unmirror(low), self.unmirror(high));
        Ok(if self.mirrored { (other, one) } else { (one, other) })
    }

    fn unmirror(&self, value: f64) -> f64 {
        if self.mirrored { 2.0 * self.anchor - value } else { value }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Samples at equally spaced quantiles of a gamma distribution, which a fit must nearly recover.
    fn ideal_samples(location: f64, shape: f64, scale: f64, n: u32) -> Vec<f64> {
        (0..n)
            .map(|k| location + scale * gamma_quantile(shape, (f64::from(k) + 0.5) / f64::from(n)))
            .collect()
    }

    #[test]
    fn the_fit_recovers_the_distribution_its_samples_come_from() {
        for (location, shape, scale) in [(0.0, 1.0, 2.0), (1.0, 7.5, 0.3), (-4.0, 300.0, 0.01)] {
            let fit = GammaFit::fit(&ideal_samples(location, shape, scale, 4000), location).expect("a fit");
            let GammaFit::Distribution { shape: found, .. } = fit else { panic!("{fit:?}") };
            assert!((found / shape - 1.0).abs() < 0.01, "{found} should be near {shape}");
            let median = location + scale * gamma_quantile(shape, 0.5);
            assert!(
                (fit.median() - median).abs() < 0.002 * scale * shape,
                "{} should be near {median}",
                fit.median()
            );
        }
    }

    #[test]
    fn samples_a_rounding_error_apart_have_their_value_as_median() {
        for apart in [1e-6, 1e-9, 1e-13, f64::EPSILON] {
            let fit = GammaFit::fit(&[3.0, 3.0 + 3.0 * apart, 3.0], 1.0).expect("a fit");
            let (low, high) = fit.central_interval(0.75).expect("an interval");
            assert!(low <= fit.median() && fit.median() <= high, "{fit:?}");
            assert!(
                (low - 3.0).abs() < 10.0 * apart && (high - 3.0).abs() < 10.0 * apart,
                "{fit:?}: {low} to {high}"
            );
        }
    }

    #[test]
    fn equal_samples_are_their_own_interval_even_at_the_location() {
        for value in [1.0, 0.98, -2.0] {
            let fit = AnchoredGamma::fit(&[value; 5], 1.0, -1e-4, true).expect("a fit");
            assert_eq!(fit.median(), value);
            assert_eq!(fit.central_interval(0.75), Ok((value, value)));
        }
    }

    #[test]
    fn samples_below_the_location_are_named() {
        let error = GammaFit::fit(&[2.0, 0.5], 1.0).expect_err("below the location");
        assert_eq!(error.to_string(), "gamma fit: expected samples above the location 1, found 0.5 at 1");
        assert!(error.hint().is_some());
        assert!(GammaFit::fit(&[], 0.0).is_err() && GammaFit::fit(&[1.0, f64::INFINITY], 0.0).is_err());
    }

    proptest! {
        #[test]
        fn the_likelihood_is_stationary(samples in prop::collection::vec(1e-3..10.0_f64, 2..40)) {
            let fit = GammaFit::fit(&samples, 0.0).expect("a fit");
            if let GammaFit::Distribution { shape, scale, .. } = fit {
                let n = samples.len() as f64;
                let mean = samples.iter().sum::<f64>() / n;
                let mean_log = samples.iter().map(|z| z.ln()).sum::<f64>() / n;
                prop_assert!((mean / scale / shape - 1.0).abs() < 1e-12);
                let off = shape.ln() - log_minus_digamma(shape).0 + scale.ln() - mean_log;
                prop_assert!(off.abs() < 1e-12, "{off}");
            }
        }

        #[test]
        fn scaling_and_shifting_the_samples_scales_and_shifts_the_quantiles(
            samples in prop::collection::vec(0.1..10.0_f64, 3..20), factor in 0.1..10.0_f64, shift in -5.0..5.0_f64,
        ) {
            let moved: Vec<f64> = samples.iter().map(|z| shift + factor * z).collect();
            let (plain, moved) = (GammaFit::fit(&samples, 0.0), GammaFit::fit(&moved, shift));
            let (plain, moved) = (plain.expect("a fit").median(), moved.expect("a fit").median());
            prop_assert!((shift + factor * plain - moved).abs() < 1e-9 * (1.0 + factor * plain));
        }
    }
}
