//! From the values of realisations to a verdict.

use concertina_numerics::statistics::{mean, student, variance};
use schemars::JsonSchema;
use serde::Serialize;

use super::Verdict;
use super::rule::{Outcome, Rule};
use crate::claim::{Claim, Side};

/// The probability with which an interval covers the mean.
pub const LEVEL: f64 = 0.95;
/// A claim counts as reproduced below this p-value, and as contradicted if its opposite has such a p-value
/// (in one of m groups, one below this value over m). It is the conventional value, and five of five
/// realisations are just enough for it.
pub const SIGNIFICANCE: f64 = 0.05;

/// A column and its value, as a text, that distinguish a group of rows from others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Level {
    /// The column.
    pub column: String,
    /// Its value.
    pub value: String,
}

/// A value of the quantity.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Realisation {
    /// The seed.
    pub seed: u64,
    /// The value.
    pub value: f64,
}

/// A realisation without a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LeftOut {
    /// The seed.
    pub seed: u64,
    /// Why it has no value.
    pub reason: String,
}

/// The quantity of a claim over the realisations of one group.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Finding {
    /// The group: a value of each column of the claim's `each`.
    pub group: Vec<Level>,
    /// The verdict on this group.
    pub verdict: Verdict,
    /// The mean over realisations (the geometric mean of ratios).
    pub mean: Option<f64>,
    /// Lower end of the 95% interval of the mean, from Student's t (for ratios, from their logarithms).
    pub low: Option<f64>,
    /// Upper end of that interval.
    pub high: Option<f64>,
    /// The distance of the mean from what it is compared with, in standard deviations over realisations
    /// (for ratios, of their logarithms); null if it is undefined.
    pub effect_size: Option<f64>,
    /// The one-sided p-value of Wilcoxon's signed-rank test; null if the claim is tested otherwise. After
    /// several looks, it is valid in spite of them.
    pub p: Option<f64>,
    /// The p-value of the opposite of the claim, by the same test.
    pub p_opposite: Option<f64>,
    /// The effect that the test would have found in 80% of repetitions, in standard deviations over
    /// realisations (normally distributed); null if there are too few realisations to find any, or if the
    /// claim is tested otherwise.
    pub detectable_effect: Option<f64>,
    /// The looks of the test so far, as numbers of requested realisations, up to the one that decided;
    /// empty if all realisations were tested once.
    pub looks: Vec<usize>,
    /// The values.
    pub realisations: Vec<Realisation>,
    /// Requested realisations that have no value.
    pub left_out: Vec<LeftOut>,
}

impl Finding {
    pub(super) fn of(
        claim: &Claim,
        group: Vec<Level>,
        realisations: Vec<Realisation>,
        left_out: Vec<LeftOut>,
        rule: &Rule<'_>,
    ) -> Self {
        // Ratios are averaged and tested as logarithms, so that halving is as large a change as doubling.
        let ratio = claim.is_ratio();
        let into = |number: f64| if ratio { number.ln() } else { number };
        let back = |number: f64| if ratio { number.exp() } else { number };
        let numbers: Vec<f64> = realisations.iter().map(|one| into(one.value)).collect();
        let than = into(claim.than());
        let beyond: Vec<f64> = numbers
            .iter()
            .map(|number| match claim.expect {
                Side::Greater => number - than,
                Side::Less => than - number,
            })
            .collect();
        let seeds: Vec<u64> = realisations.iter().map(|one| one.seed).collect();
        let Outcome { verdict, p, p_opposite, detectable_effect, looks } =
            rule.decide(claim.test, &seeds, &beyond);
        let interval = student::mean_interval(&numbers, LEVEL);
        let deviation = variance(&numbers).map(f64::sqrt).filter(|&deviation| deviation > 0.0);
        let centre = mean(&numbers);
        Self {
            group,
            verdict,
            mean: centre.map(back),
            low: interval.map(|(low, _)| back(low)),
            high: interval.map(|(_, high)| back(high)),
            effect_size: centre.zip(deviation).map(|(centre, deviation)| (centre - than) / deviation),
            p,
            p_opposite,
            detectable_effect,
            looks,
            realisations,
            left_out,
        }
    }
}
