//! Correction for multiple tests.

/// Holm's adjusted p-values, in the order of `p`. Rejecting those below a rate keeps the probability of *any*
/// false alarm below that rate.
///
/// # Source  Holm, Scandinavian Journal of Statistics 6 (1979), 65.
pub fn adjusted(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let mut adjusted = vec![1.0; p.len()];
    let mut largest = 0.0_f64;
    for (rank, &place) in order.iter().enumerate() {
        // Hypotheses with smaller p-values are rejected first.
        largest = largest.max((p.len() - rank) as f64 * p[place]).min(1.0);
        adjusted[place] = largest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::adjusted;

    #[test]
    fn values_are_as_computed_by_hand() {
        // sorted 0.01, 0.015, 0.04: times 3, 2, 1, never decreasing
        assert_eq!(adjusted(&[0.04, 0.01, 0.015]), [0.04, 0.03, 0.03]);
        assert_eq!(adjusted(&[0.6, 0.5]), [1.0, 1.0]);
        assert_eq!(adjusted(&[]), [0.0; 0]);
    }
}
