//! A test of whether paired differences lie on one side of zero.

/// The one-sided p-value of Wilcoxon's signed-rank test that differences lie above 0: the probability of a
/// rank sum at least as large, if every difference were equally likely to have the other sign.
///
/// It is exact for any number of differences, ties and zeros, because the null distribution is that of the
/// actual ranks. Ties share the mean of their ranks. Zeros take part in the ranking but count for neither
/// side (Pratt), so they make a test weaker and never stronger. The time grows with the cube of the number of
/// differences: 300 take some milliseconds.
///
/// # Returns  In (0, 1], at least `0.5^n` of n differences; 1 if all are zero. `None` without differences, or
/// if one is NaN.
/// # Source   Wilcoxon, Biometrics Bulletin 1 (1945), 80; Pratt, Journal of the American Statistical
/// Association 54 (1959), 655.
pub fn p_above(differences: &[f64]) -> Option<f64> {
    if differences.is_empty() || differences.iter().any(|difference| difference.is_nan()) {
        return None;
    }
    let mut sorted = differences.to_vec();
    sorted.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
    // Twice the ranks, which are whole numbers even with ties.
    let mut ranks = Vec::with_capacity(sorted.len());
    for tied in sorted.chunk_by(|a, b| a.abs() == b.abs()) {
        let (first, last) = (ranks.len() + 1, ranks.len() + tied.len());
        ranks.extend(std::iter::repeat_n(first + last, tied.len()));
    }
    let counted: Vec<(f64, usize)> =
        sorted.into_iter().zip(ranks).filter(|(difference, _)| *difference != 0.0).collect();
    let above: usize = counted.iter().filter(|(difference, _)| *difference > 0.0).map(|(_, rank)| rank).sum();
    let total: usize = counted.iter().map(|(_, rank)| rank).sum();
    // The probability of every sum, one rank after the other.
    let mut probability = vec![0.0; total + 1];
    probability[0] = 1.0;
    let mut reached = 0;
    for (_, rank) in counted {
        reached += rank;
        for sum in (0..=reached).rev() {
            let with = if sum >= rank { probability[sum - rank] } else { 0.0 };
            probability[sum] = 0.5 * (probability[sum] + with);
        }
    }
    // The smallest first, to keep the last digits.
    Some(probability[above..].iter().rev().sum())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::p_above;

    /// The definition: enumerates all patterns of signs.
    fn by_enumeration(differences: &[f64]) -> f64 {
        let rank = |difference: f64| -> f64 {
            let below = differences.iter().filter(|other| other.abs() < difference.abs()).count() as f64;
            let equal = differences.iter().filter(|other| other.abs() == difference.abs()).count() as f64;
            below + (equal + 1.0) / 2.0
        };
        let counted: Vec<f64> = differences.iter().copied().filter(|&one| one != 0.0).collect();
        let found: f64 = counted.iter().filter(|&&one| one > 0.0).map(|&one| rank(one)).sum();
        let patterns = 1_u32 << counted.len();
        let as_large = (0..patterns).filter(|pattern| {
            let positive = counted.iter().enumerate().filter(|(place, _)| pattern >> place & 1 == 1);
            positive.map(|(_, &one)| rank(one)).sum::<f64>() >= found
        });
        as_large.count() as f64 / f64::from(patterns)
    }

    #[test]
    fn five_of_five_give_one_in_thirty_two() {
        assert_eq!(p_above(&[0.1, 3.0, 0.2, 1.0, 7.0]), Some(1.0 / 32.0));
        assert_eq!(p_above(&[-0.1, -3.0, -0.2, -1.0, -7.0]), Some(1.0));
        // With one zero: as with four differences, but with higher ranks.
        assert_eq!(p_above(&[0.0, 3.0, 0.2, 1.0, 7.0]), Some(1.0 / 16.0));
    }

    #[test]
    fn zeros_and_no_differences_give_no_evidence() {
        assert_eq!(p_above(&[]), None);
        assert_eq!(p_above(&[1.0, f64::NAN]), None);
        assert_eq!(p_above(&[0.0, 0.0, -0.0]), Some(1.0));
    }

    /// Differences and SciPy 1.17.1's `wilcoxon(d, zero_method="pratt", alternative="greater",
    /// method=PermutationMethod(n_resamples=inf)).pvalue`; of the last, without ties and zeros, with
    /// `method="exact"`.
    const SCIPY: [(&[f64], f64); 5] = [
        (&[0.3, -0.1, 0.8, 1.2, 0.5], 0.0625),
        (&[1.0, 1.0, 2.0, -1.0, 3.0, 0.0], 0.125),
        (&[0.0, 0.0, -2.0, 4.0, 4.0, 1.0, -1.0], 0.28125),
        (&[0.75, 1.22, 0.73, -0.9, 1.31, 0.85, -0.14, 0.98, 0.76, 0.69, 0.43, 0.95], 0.008_056_640_625),
        (
            &[
                0.227956, -0.644752, 0.20173, 0.395483, 0.335586, -0.206292, 0.893748, 1.191167, 0.620848,
                -0.51823, 1.031652, -0.20144, 1.179161, -0.771787, 1.214467, 0.279937, -0.948749, -0.013899,
                0.354102, 0.572791, -0.682188, -0.807373, 0.499585, -0.16675, 0.535506, 1.05952, -1.348787,
                0.554388, 1.524647, 0.002473,
            ],
            0.064_676_538_109_779_36,
        ),
    ];

    #[test]
    fn agrees_with_scipy() {
        for (differences, expected) in SCIPY {
            let found = p_above(differences).expect("there are differences");
            assert!(
                (found / expected - 1.0).abs() < 1e-12,
                "{found} should be {expected} for {differences:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn agrees_with_all_patterns_of_signs_with_ties_and_zeros(differences in prop::collection::vec(-4_i32..5, 1..11)) {
            let differences: Vec<f64> = differences.into_iter().map(f64::from).collect();
            let (found, expected) = (p_above(&differences).expect("some"), by_enumeration(&differences));
            prop_assert!((found - expected).abs() < 1e-14, "{found} should be {expected}");
        }

        #[test]
        fn order_and_scale_do_not_matter(mut differences in prop::collection::vec(-1.0..1.0_f64, 1..40), factor in 0.1..10.0_f64) {
            let before = p_above(&differences);
            differences.reverse();
            differences.iter_mut().for_each(|one| *one *= factor);
            prop_assert_eq!(p_above(&differences), before);
        }
    }
}
