//! Wilcoxon's signed-rank test, repeated while realisations are added.
//!
//! A user who looks again after every few realisations, and stops at the first p-value below 0.05, errs far
//! more often than in 5% of cases. A group-sequential test fixes in advance when it looks, and how much of
//! the level is spent up to each look.

/// The share of the level that is spent at the first look. It is 1/32 of a level of 0.05, which is what
/// five of five realisations need, so that a clear effect is still found with five.
pub const FIRST_SHARE: f64 = 0.625;

/// Ranks are multiplied by this before they are rounded to whole numbers. Any value gives a valid test;
/// this one keeps the distribution of 100 realisations below 10,000 sums.
const STEPS: f64 = 4.0;

/// Relative tolerance for a probability that equals what may be spent but for rounding.
const ROUNDING: f64 = 1e-9;

/// The numbers of realisations at which a test looks, up to `most`: `first`, and then half as many again,
/// at least five. If there are `most` already, the only look is the first.
///
/// # Returns  Increasing numbers.
pub fn looks(first: usize, most: usize) -> Vec<usize> {
    let mut looks = vec![first];
    let mut last = first;
    while last < most {
        last = last.saturating_add(last.div_ceil(2)).max(5).min(most);
        looks.push(last);
    }
    looks
}

/// The level that may be spent up to each look, both included: [`FIRST_SHARE`] at the first, and equal
/// parts of the rest at the others. A single look spends all of it.
///
/// # Source   Lan and DeMets, Biometrika 70 (1983), 659 (spending); the shares are ours.
pub fn spending(looks: usize, level: f64) -> Vec<f64> {
    let later = looks.saturating_sub(1).max(1) as f64;
    let share = |look: usize| FIRST_SHARE + (1.0 - FIRST_SHARE) * look as f64 / later;
    let mut spent: Vec<f64> = (0..looks).map(|look| level * share(look)).collect();
    if let Some(last) = spent.last_mut() {
        *last = level;
    }
    spent
}

/// The outcome of a group-sequential test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sequential {
    /// The look, counted from 0, at which the differences were found to lie above 0.
    pub found_at: Option<usize>,
    /// The p-value, valid in spite of the repeated looks: the probability of stopping earlier, or at the
    /// same look with a sum at least as large (stagewise ordering).
    pub p: f64,
}

/// Tests at each look whether differences lie above 0. `blocks` has the differences that are new at each of
/// the looks so far, and `spent` what may be spent up to each look ([`spending`]).
///
/// At its look, a difference gets the rank of its size among all differences so far, divided by one more
/// than their number; the statistic is the sum over differences above 0. At the first look, it is the sum
/// of Wilcoxon's test. Weights never change later, and given the sizes of the differences, every pattern of
/// signs is equally likely if differences are symmetric about 0. The distribution of the sums at all looks
/// is therefore known exactly, for any sizes, with ties and zeros, and at each look the boundary is the
/// smallest sum for which no more is spent than may be. The probability that differences symmetric about 0
/// are ever found to lie above 0 is at most the last entry of `spent`.
///
/// # Returns  `None` without differences, or if one is NaN.
/// # Source   Reynolds, Annals of Statistics 3 (1975), 382 (sequential ranks); Lan and DeMets, Biometrika 70
/// (1983), 659 (spending); Fairbanks and Madsen, Biometrika 69 (1982), 69 (the p-value).
pub fn signed_rank(blocks: &[Vec<f64>], spent: &[f64]) -> Option<Sequential> {
    let nan = |block: &Vec<f64>| block.iter().any(|difference| difference.is_nan());
    if blocks.iter().all(Vec::is_empty) || blocks.iter().any(nan) {
        return None;
    }
    let unit = STEPS * blocks.iter().map(Vec::len).find(|&count| count > 0).map_or(1.0, |n| n as f64 + 1.0);
    let mut so_far: Vec<f64> = Vec::new();
    let (mut probability, mut sum, mut used, mut p) = (vec![1.0], 0, 0.0, 1.0);
    for (look, (block, &allowed)) in blocks.iter().zip(spent).enumerate() {
        so_far.extend(block.iter().map(|difference| difference.abs()));
        so_far.sort_by(f64::total_cmp);
        for difference in block.iter().filter(|&&difference| difference != 0.0) {
            let weight = weight(&so_far, difference.abs(), unit);
            add(&mut probability, weight);
            if *difference > 0.0 {
                sum += weight;
            }
        }
        p = used + tail(&probability, sum);
        if p <= allowed * (1.0 + ROUNDING) {
            return Some(Sequential { found_at: Some(look), p });
        }
        used += stop(&mut probability, allowed * (1.0 + ROUNDING) - used);
    }
    Some(Sequential { found_at: None, p: p.min(1.0) })
}

/// Twice the rank of a size among sorted sizes, ties at the mean of their ranks, over one more than their
/// number, in whole steps.
fn weight(sorted: &[f64], size: f64, unit: f64) -> usize {
    let below = sorted.partition_point(|&other| other < size);
    let up_to = sorted.partition_point(|&other| other <= size);
    ((below + up_to + 1) as f64 * unit / (sorted.len() + 1) as f64).round() as usize
}

/// The distribution of the sum after one more weight, which counts with probability 1/2.
fn add(probability: &mut Vec<f64>, weight: usize) {
    let before = probability.len();
    probability.resize(before + weight, 0.0);
    for sum in (0..probability.len()).rev() {
        let with = if sum >= weight { probability[sum - weight] } else { 0.0 };
        probability[sum] = 0.5 * (probability[sum] + with);
    }
}

/// The probability of a sum of at least this much; the smallest terms first.
fn tail(probability: &[f64], from: usize) -> f64 {
    probability.get(from..).unwrap_or_default().iter().rev().sum()
}

/// Removes the largest sums, as many as have no more than the allowed probability, and returns what they
/// had.
fn stop(probability: &mut Vec<f64>, allowed: f64) -> f64 {
    let mut removed = 0.0;
    while let Some(&last) = probability.last()
        && removed + last <= allowed
    {
        removed += last;
        probability.pop();
    }
    removed
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::statistics::signed_rank::p_above;

    #[test]
    fn looks_grow_by_half() {
        assert_eq!(looks(5, 100), [5, 8, 12, 18, 27, 41, 62, 93, 100]);
        assert_eq!(looks(1, 10), [1, 5, 8, 10]);
        assert_eq!(looks(0, 3), [0, 3]);
        assert_eq!(looks(30, 30), [30]);
        assert_eq!(looks(30, 10), [30]);
    }

    #[test]
    fn spending_starts_with_five_of_five_and_ends_with_the_level() {
        let spent = spending(9, 0.05);
        assert!((spent[0] - 1.0 / 32.0).abs() < 1e-15 && spent[8] == 0.05);
        assert!(spent.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(spending(1, 0.05), [0.05]);
        assert!(spending(0, 0.05).is_empty());
    }

    #[test]
    fn five_of_five_are_found_at_the_first_look() {
        let spent = spending(9, 0.05);
        let found = signed_rank(&[vec![0.1, 3.0, 0.2, 1.0, 7.0]], &spent);
        assert_eq!(found, Some(Sequential { found_at: Some(0), p: 1.0 / 32.0 }));
        let against = signed_rank(&[vec![-0.1, -3.0, -0.2, -1.0, -7.0]], &spent).expect("differences");
        assert_eq!((against.found_at, against.p), (None, 1.0));
    }

    #[test]
    fn nothing_or_nan_has_no_outcome_and_zeros_are_no_evidence() {
        let spent = spending(3, 0.05);
        assert_eq!(signed_rank(&[], &spent), None);
        assert_eq!(signed_rank(&[vec![], vec![]], &spent), None);
        assert_eq!(signed_rank(&[vec![1.0], vec![f64::NAN]], &spent), None);
        let zeros = signed_rank(&[vec![0.0; 5], vec![0.0; 5]], &spent).expect("differences");
        assert_eq!((zeros.found_at, zeros.p), (None, 1.0));
    }

    /// The probability that some look finds something, over all patterns of signs of given sizes.
    fn error_rate(sizes: &[Vec<f64>], spent: &[f64]) -> f64 {
        let count: usize = sizes.iter().map(Vec::len).sum();
        let found = (0..1_u32 << count).filter(|pattern| {
            let mut place = 0;
            let mut signed = |size: &f64| {
                place += 1;
                if pattern >> (place - 1) & 1 == 1 { *size } else { -size }
            };
            let blocks: Vec<Vec<f64>> =
                sizes.iter().map(|block| block.iter().map(&mut signed).collect()).collect();
            signed_rank(&blocks, spent).is_some_and(|outcome| outcome.found_at.is_some())
        });
        found.count() as f64 / f64::from(1_u32 << count)
    }

    #[test]
    fn the_error_rate_is_at_most_the_level_by_enumeration_and_not_far_below() {
        let sizes = [vec![0.3, 1.0, 2.0, 0.1, 0.7], vec![0.2, 5.0, 0.4], vec![0.9, 0.8, 3.0]];
        let rate = error_rate(&sizes, &spending(3, 0.05));
        assert!((0.04..=0.05).contains(&rate), "{rate}");
        let tied = [vec![1.0; 5], vec![1.0, 0.0, 2.0], vec![2.0; 3]];
        let rate = error_rate(&tied, &spending(3, 0.05));
        assert!((0.03..=0.05).contains(&rate), "{rate}");
    }

    proptest! {
        #[test]
        fn a_single_look_is_wilcoxons_test(differences in prop::collection::vec(-4_i32..5, 1..12)) {
            let differences: Vec<f64> = differences.into_iter().map(f64::from).collect();
            let expected = p_above(&differences).expect("some");
            let found = signed_rank(&[differences], &[0.05]).expect("some");
            prop_assert!((found.p - expected).abs() < 1e-14, "{} should be {expected}", found.p);
            prop_assert_eq!(found.found_at.is_some(), expected <= 0.05);
        }

        #[test]
        fn p_is_below_the_level_where_something_is_found(first in prop::collection::vec(-1.0..2.0_f64, 5), second in prop::collection::vec(-1.0..2.0_f64, 4)) {
            let outcome = signed_rank(&[first, second], &spending(2, 0.05)).expect("some");
            prop_assert!(outcome.p > 0.0 && outcome.p <= 1.0);
            prop_assert_eq!(outcome.found_at.is_some(), outcome.p <= 0.05 * (1.0 + 1e-9));
        }
    }
}
