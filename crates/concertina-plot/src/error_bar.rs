//! Error bars: a point and an interval over realisations.
//!
//! Pure functions from values to a [`Summary`]. What cannot be computed is reported ([`NoSummary`]), and
//! never replaced by something else.

use std::fmt;

use concertina_numerics::{
    random::{Purpose, Stream},
    statistics::{bootstrap, gamma::AnchoredGamma},
};
use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor, value::MapAccessDeserializer},
};

/// The location of gamma fits: slightly below 1, the smallest possible effective dimension, so that 1 itself
/// can be fitted. Taken from the published figures (`docs/reference/analyses.md#error-bars`).
const DIMENSION_ANCHOR: f64 = 0.9999;
/// Accuracies are mirrored at the best possible accuracy.
const ACCURACY_ANCHOR: f64 = 1.0;
/// The mirrored fit begins this far beyond the anchor, so that an accuracy of 1 can be fitted (ibid.).
const ACCURACY_SHIFT: f64 = -1e-4;
/// The share of the fitted distribution inside the band (ibid.).
const GAMMA_LEVEL: f64 = 0.75;
/// The number of bootstrap resamples. The ends of a 95% interval then scatter by about 2% of its length;
/// apart from that, the number is arbitrary.
const RESAMPLES: usize = 2000;
/// The confidence of `mean_ci` unless another is given.
const DEFAULT_LEVEL: f64 = 0.95;

/// How the values of several realisations are summarised as a point and a band.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum ErrorBar {
    /// Median and central 75% of a fitted gamma distribution, as in the paper: located at 0.9999 for
    /// dimensions, and mirrored at 1 for columns that are accuracies (see [`ErrorBar::for_column`]).
    Gamma,
    /// The same, mirrored at 1, for any column.
    GammaReflected,
    /// Mean and a bootstrap interval of this level.
    MeanCi {
        /// Confidence, between 0 and 1.
        level: f64,
    },
    /// Mean and one standard deviation (n - 1) to either side.
    MeanSd,
    /// Median and the quartiles.
    MedianIqr,
    /// Each realisation as a line, and the mean.
    Lines,
    /// Over words: each realisation as marks that are joined from word to word, and the mean.
    Paired,
    /// Over words: a box from the first to the third quartile with the median, whiskers to the smallest and
    /// the largest value, and a mark for each realisation.
    Box,
}

/// A point and, if there are enough values, an interval around it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// Median or mean.
    pub centre: f64,
    /// Lower and upper end.
    pub interval: Option<(f64, f64)>,
}

/// Why there is no summary.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NoSummary {
    /// All values are undefined.
    #[error("no values")]
    Empty,
    /// The values are so large that their squares or sums are not finite.
    #[error("the values are too large to be summarised: their squares are infinite")]
    Overflow,
    /// The fit or the bootstrap failed.
    #[error("{0}")]
    Failed(#[from] concertina_numerics::Error),
}

impl ErrorBar {
    /// Their names in recipes.
    pub(crate) const NAMES: &[&str] =
        &["gamma", "gamma_reflected", "mean_ci", "mean_sd", "median_iqr", "lines", "paired", "box"];

    /// The error bar to use for `column`: [`ErrorBar::Gamma`] is mirrored for `accuracy` and `..._accuracy`.
    pub fn for_column(self, column: &str) -> Self {
        match self {
            Self::Gamma if column == "accuracy" || column.ends_with("_accuracy") => Self::GammaReflected,
            other => other,
        }
    }

    /// Whether single realisations are drawn.
    pub(crate) fn shows_realisations(self) -> bool {
        matches!(self, Self::Lines | Self::Paired | Self::Box)
    }

    /// Whether it is only for words along the horizontal axis.
    pub(crate) fn needs_words(self) -> bool {
        matches!(self, Self::Paired | Self::Box)
    }

    /// Whether an interval of this kind over so few values is only their range. A bootstrap of n values draws
    /// the smallest of them n times with probability n^-n. While that is more than the probability in the
    /// tail, no interval inside the range can be found.
    pub fn is_range(self, realisations: usize) -> bool {
        match self {
            Self::MeanCi { level } => {
                let n = realisations as f64;
                n.powf(-n) >= 0.5 * (1.0 - level)
            }
            _ => false,
        }
    }

    /// The summary of `values`. `index` keys the bootstrap's random stream, so that points do not share their
    /// draws.
    ///
    /// A single value is its own centre. It has no interval, except with gamma, where the interval of equal
    /// values is that value.
    ///
    /// # Errors
    /// [`NoSummary`] tells why there is none.
    pub fn summarise(self, values: &[f64], index: u64) -> Result<Summary, NoSummary> {
        if values.is_empty() {
            return Err(NoSummary::Empty);
        }
        let several = values.len() > 1;
        let summary = match self {
            Self::Gamma => gamma(values, DIMENSION_ANCHOR, 0.0, false)?,
            Self::GammaReflected => gamma(values, ACCURACY_ANCHOR, ACCURACY_SHIFT, true)?,
            Self::MeanCi { level } => {
                let mut stream = Stream::new(0, Purpose::new("error bar"), index);
                let interval =
                    bootstrap::mean_interval(values, level, RESAMPLES, |n| stream.below(n as u32) as usize)?;
                Summary { centre: interval.mean, interval: several.then_some((interval.low, interval.high)) }
            }
            Self::MeanSd => {
                let centre = mean(values);
                let interval = several.then(|| {
                    let squares: f64 = values.iter().map(|value| (value - centre) * (value - centre)).sum();
                    let deviation = (squares / (values.len() - 1) as f64).sqrt();
                    (centre - deviation, centre + deviation)
                });
                Summary { centre, interval }
            }
            Self::MedianIqr | Self::Box => {
                let mut sorted = values.to_vec();
                sorted.sort_by(f64::total_cmp);
                let interval = several.then(|| (quantile(&sorted, 0.25), quantile(&sorted, 0.75)));
                Summary { centre: quantile(&sorted, 0.5), interval }
            }
            Self::Lines | Self::Paired => Summary { centre: mean(values), interval: None },
        };
        let (low, high) = summary.interval.unwrap_or_default();
        match [summary.centre, low, high].iter().all(|number| number.is_finite()) {
            true => Ok(summary),
            false => Err(NoSummary::Overflow),
        }
    }
}

fn gamma(values: &[f64], anchor: f64, shift: f64, mirrored: bool) -> Result<Summary, NoSummary> {
    let fit = AnchoredGamma::fit(values, anchor, shift, mirrored)?;
    Ok(Summary { centre: fit.median(), interval: Some(fit.central_interval(GAMMA_LEVEL)?) })
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Interpolates linearly between order statistics, like NumPy's default.
fn quantile(sorted: &[f64], p: f64) -> f64 {
    let place = p * (sorted.len() - 1) as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (place - below as f64) * (sorted[above] - sorted[below])
}

impl<'de> Deserialize<'de> for ErrorBar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct MeanCi {
            mean_ci: f64,
        }
        struct BarVisitor;
        impl<'de> Visitor<'de> for BarVisitor {
            type Value = ErrorBar;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of an error bar, or `{ mean_ci = 0.95 }`")
            }
            fn visit_str<E: de::Error>(self, name: &str) -> Result<ErrorBar, E> {
                match name {
                    "gamma" => Ok(ErrorBar::Gamma),
                    "gamma_reflected" => Ok(ErrorBar::GammaReflected),
                    "mean_ci" => Ok(ErrorBar::MeanCi { level: DEFAULT_LEVEL }),
                    "mean_sd" => Ok(ErrorBar::MeanSd),
                    "median_iqr" => Ok(ErrorBar::MedianIqr),
                    "lines" => Ok(ErrorBar::Lines),
                    "paired" => Ok(ErrorBar::Paired),
                    "box" => Ok(ErrorBar::Box),
                    _ => Err(E::unknown_variant(name, ErrorBar::NAMES)),
                }
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ErrorBar, A::Error> {
                let MeanCi { mean_ci: level } = MeanCi::deserialize(MapAccessDeserializer::new(map))?;
                if level > 0.0 && level < 1.0 {
                    Ok(ErrorBar::MeanCi { level })
                } else {
                    Err(de::Error::custom(format!("expected a level between 0 and 1, found {level}")))
                }
            }
        }
        deserializer.deserialize_any(BarVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [ErrorBar; 8] = [
        ErrorBar::Gamma,
        ErrorBar::GammaReflected,
        ErrorBar::MeanCi { level: 0.95 },
        ErrorBar::MeanSd,
        ErrorBar::MedianIqr,
        ErrorBar::Lines,
        ErrorBar::Paired,
        ErrorBar::Box,
    ];

    #[test]
    fn one_value_is_its_own_centre() {
        for bar in ALL {
            let summary = bar.summarise(&[0.75], 0).expect("one value is enough");
            assert_eq!(summary.centre, 0.75, "{bar:?}");
            assert!(summary.interval.is_none_or(|interval| interval == (0.75, 0.75)), "{bar:?}");
        }
    }

    #[test]
    fn equal_values_are_their_own_summary() {
        for bar in ALL {
            let summary = bar.summarise(&[0.98; 7], 0).expect("equal values are enough");
            assert!((summary.centre - 0.98).abs() < 1e-15, "{bar:?}");
            if let Some((low, high)) = summary.interval {
                assert!((low - 0.98).abs() < 1e-15 && (high - 0.98).abs() < 1e-15, "{bar:?}");
            }
        }
    }

    #[test]
    fn no_values_give_no_summary() {
        for bar in ALL {
            assert_eq!(bar.summarise(&[], 0), Err(NoSummary::Empty));
        }
    }

    #[test]
    fn mean_and_deviation_are_the_textbooks() {
        let summary = ErrorBar::MeanSd.summarise(&[1.0, 2.0, 3.0], 0).expect("three values");
        assert_eq!(summary, Summary { centre: 2.0, interval: Some((1.0, 3.0)) });
    }

    #[test]
    fn median_and_quartiles_are_the_textbooks() {
        let summary = ErrorBar::MedianIqr.summarise(&[5.0, 1.0, 3.0, 2.0, 4.0], 0).expect("five values");
        assert_eq!(summary, Summary { centre: 3.0, interval: Some((2.0, 4.0)) });
    }

    #[test]
    fn the_bootstrap_repeats_and_holds_the_mean() {
        let values = [1.0, 2.0, 4.0, 8.0, 16.0];
        let bar = ErrorBar::MeanCi { level: 0.9 };
        let summary = bar.summarise(&values, 3).expect("five values");
        let (low, high) = summary.interval.expect("five values");
        assert!(low < 6.2 && 6.2 < high && low >= 1.0 && high <= 16.0, "{summary:?}");
        assert_eq!(summary.centre, 6.2);
        assert_eq!(bar.summarise(&values, 3), Ok(summary));
        assert_ne!(bar.summarise(&values, 4).expect("five values").interval, summary.interval);
    }

    #[test]
    fn a_value_below_the_location_is_reported() {
        let error = ErrorBar::Gamma.summarise(&[0.5, 2.0], 0).expect_err("0.5 is not a dimension");
        assert!(matches!(error, NoSummary::Failed(_)), "{error}");
    }

    #[test]
    fn accuracies_are_mirrored() {
        assert_eq!(ErrorBar::Gamma.for_column("testing_accuracy"), ErrorBar::GammaReflected);
        assert_eq!(ErrorBar::Gamma.for_column("accuracy"), ErrorBar::GammaReflected);
        assert_eq!(ErrorBar::Gamma.for_column("effective_dimension"), ErrorBar::Gamma);
        let summary = ErrorBar::GammaReflected.summarise(&[1.0, 0.95, 0.9], 0).expect("three accuracies");
        let (low, high) = summary.interval.expect("gamma has an interval");
        assert!(low < summary.centre && summary.centre < high && high <= 1.0 + 1e-4, "{summary:?}");
    }
}
