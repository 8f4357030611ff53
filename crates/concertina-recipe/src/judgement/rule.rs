//! From differences over realisations to the verdict on a group, by the test of the claim.

use concertina_numerics::statistics::{power, sequential, signed_rank};

use super::{SIGNIFICANCE, Verdict};
use crate::claim::Test;

/// How a group is tested.
pub(super) struct Rule<'a> {
    /// The planned looks, as numbers of requested realisations; empty if all realisations are tested once.
    pub(super) looks: &'a [usize],
    /// The requested realisations, in the order in which they were added.
    pub(super) seeds: &'a [u64],
    /// How many groups the claim has. It must hold in each, so each is tested at the whole level. A claim
    /// would be contradicted by any of them, so that each has its part of the level (Bonferroni).
    pub(super) groups: usize,
}

/// The outcome of a test.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Outcome {
    pub(super) verdict: Verdict,
    pub(super) p: Option<f64>,
    pub(super) p_opposite: Option<f64>,
    pub(super) detectable_effect: Option<f64>,
    pub(super) looks: Vec<usize>,
}

impl Rule<'_> {
    /// Decides on the differences of realisations, which are above 0 where the claim holds.
    pub(super) fn decide(&self, test: Test, seeds: &[u64], beyond: &[f64]) -> Outcome {
        let undecided = Outcome {
            verdict: Verdict::Undecided,
            p: None,
            p_opposite: None,
            detectable_effect: None,
            looks: Vec::new(),
        };
        match test {
            Test::Every(fewest) => {
                let holds = beyond.iter().all(|&beyond| beyond > 0.0);
                let verdict = match (holds, beyond.len() >= fewest.get()) {
                    (false, _) => Verdict::Contradicted,
                    (true, true) => Verdict::Reproduced,
                    (true, false) => Verdict::Undecided,
                };
                Outcome { verdict, ..undecided }
            }
            Test::Wilcoxon if self.looks.len() > 1 => self.at_looks(seeds, beyond),
            Test::Wilcoxon => {
                let opposite: Vec<f64> = beyond.iter().map(|difference| -difference).collect();
                let (p, p_opposite) = (signed_rank::p_above(beyond), signed_rank::p_above(&opposite));
                let below = |p: Option<f64>, level: f64| p.is_some_and(|p| p < level);
                let verdict = match (below(p, SIGNIFICANCE), below(p_opposite, self.level_of_opposite())) {
                    (true, _) => Verdict::Reproduced,
                    (_, true) => Verdict::Contradicted,
                    _ => Verdict::Undecided,
                };
                let detectable_effect = power::detectable(beyond.len(), SIGNIFICANCE);
                Outcome { verdict, p, p_opposite, detectable_effect, ..undecided }
            }
        }
    }

    fn level_of_opposite(&self) -> f64 {
        SIGNIFICANCE / self.groups.max(1) as f64
    }

    /// The test at each of the looks for which there are realisations. The first look that decides counts,
    /// whatever was added later for another claim.
    fn at_looks(&self, seeds: &[u64], beyond: &[f64]) -> Outcome {
        let made: Vec<usize> = self.looks.iter().copied().filter(|&look| look <= self.seeds.len()).collect();
        let mut blocks = Vec::with_capacity(made.len());
        let mut from = 0;
        for &look in &made {
            let added = &self.seeds[from..look];
            let new = seeds.iter().zip(beyond).filter(|(seed, _)| added.contains(seed));
            blocks.push(new.map(|(_, &difference)| difference).collect::<Vec<f64>>());
            from = look;
        }
        let opposite: Vec<Vec<f64>> =
            blocks.iter().map(|block| block.iter().map(|difference| -difference).collect()).collect();
        let spent = sequential::spending(self.looks.len(), SIGNIFICANCE);
        let spent_on_opposite = sequential::spending(self.looks.len(), self.level_of_opposite());
        let found = sequential::signed_rank(&blocks, &spent);
        let against = sequential::signed_rank(&opposite, &spent_on_opposite);
        let at = |outcome: Option<sequential::Sequential>| outcome.and_then(|outcome| outcome.found_at);
        let (verdict, last) = match (at(found), at(against)) {
            (Some(found), Some(against)) if against < found => (Verdict::Contradicted, against),
            (Some(found), _) => (Verdict::Reproduced, found),
            (None, Some(against)) => (Verdict::Contradicted, against),
            (None, None) => (Verdict::Undecided, made.len().saturating_sub(1)),
        };
        // Both p-values are those at the look that decided.
        let until = &blocks[..blocks.len().min(last + 1)];
        let counts: Vec<usize> = until
            .iter()
            .scan(0, |count, block| {
                *count += block.len();
                Some(*count)
            })
            .collect();
        let p_at = |blocks: &[Vec<f64>], spent: &[f64]| {
            sequential::signed_rank(&blocks[..until.len()], spent).map(|outcome| outcome.p)
        };
        Outcome {
            verdict,
            p: p_at(&blocks, &spent),
            p_opposite: p_at(&opposite, &spent_on_opposite),
            detectable_effect: power::detectable_sequentially(&counts, &spent),
            looks: made[..until.len()].to_vec(),
        }
    }
}
