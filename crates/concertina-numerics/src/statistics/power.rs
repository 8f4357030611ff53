//! What a signed-rank test can find: the effect that it would have found in 80% of repetitions.
//!
//! An effect is the mean of normally distributed differences, in standard deviations. Results are simulated
//! with fixed random numbers, so they are the same everywhere, to within about 3%.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::special::normal_quantile;
use crate::random::{Purpose, Stream};

/// The probability with which an effect is to be found: the conventional value.
pub const POWER: f64 = 0.8;

/// Simulated experiments, for a standard error of the effect of about 1.5%.
const EXPERIMENTS: u64 = 2000;
/// Above so many differences, the normal approximation is as accurate as the simulation.
const LARGE: usize = 40;
/// The relative efficiency of the test for normal differences (Hodges and Lehmann, Annals of Mathematical
/// Statistics 27 (1956), 324).
const EFFICIENCY: f64 = 3.0 / std::f64::consts::PI;

/// The effect that Wilcoxon's one-sided signed-rank test of this many differences finds with probability
/// [`POWER`] at a level in (0, 0.5), in standard deviations.
///
/// The test finds a sample shifted by d if enough of its pairwise means (Walsh averages) lie above -d, so
/// each sample has a smallest shift that is found; the result is the 80% quantile of these.
///
/// # Returns  `None` if there are too few differences to find any effect, as with four at 0.05.
/// # Source   For large numbers, Noether, Journal of the American Statistical Association 82 (1987), 645.
pub fn detectable(count: usize, level: f64) -> Option<f64> {
    let critical = critical(count, level)?;
    if count > LARGE {
        return Some(approximate(count, level));
    }
    static KNOWN: Known<(usize, usize)> = Mutex::new(BTreeMap::new());
    Some(remembered(&KNOWN, (count, critical), || {
        let least = |experiment| least_shift(&sample(experiment, count), critical);
        quantile((0..EXPERIMENTS).map(least).collect())
    }))
}

/// The effect that the [group-sequential test](super::sequential) finds with probability [`POWER`] at one
/// of the looks at these numbers of differences, if so much of the level may be spent up to each look. Sums
/// after the first look are taken to be normal.
///
/// # Returns  `None` if no effect can be found.
pub fn detectable_sequentially(looks: &[usize], spent: &[f64]) -> Option<f64> {
    let (&last, &level) = (looks.last()?, spent.get(looks.len() - 1)?);
    if looks.len() == 1 {
        return detectable(last, level);
    }
    // Even the whole level would not do.
    critical(last, level)?;
    static KNOWN: Known<(Vec<usize>, u64)> = Mutex::new(BTreeMap::new());
    let key = (looks.to_vec(), level.to_bits());
    Some(remembered(&KNOWN, key, || simulated(looks, spent)))
}

fn simulated(looks: &[usize], spent: &[f64]) -> f64 {
    let last = looks.last().copied().unwrap_or(0);
    let samples: Vec<Vec<f64>> = (0..EXPERIMENTS).map(|experiment| sample(experiment, last)).collect();
    // The smallest shift that is found at the first look, or later; and whether none at all would be found.
    let first = critical(looks[0], spent[0]).filter(|_| looks[0] <= LARGE);
    let mut least: Vec<f64> = samples
        .iter()
        .map(|sample| first.map_or(f64::INFINITY, |critical| least_shift(&sample[..looks[0]], critical)))
        .collect();
    let mut stopped: Vec<bool> = least.iter().map(|&shift| shift <= 0.0).collect();
    for (look, (&count, &allowed)) in looks.iter().zip(spent).enumerate() {
        if (look == 0 && first.is_some()) || critical(count, allowed).is_none() {
            continue;
        }
        let root = (count as f64).sqrt();
        let scores: Vec<f64> =
            samples.iter().map(|sample| sample[..count].iter().sum::<f64>() / root).collect();
        // The boundary: the largest scores of those without an effect that have not stopped.
        let already = stopped.iter().filter(|&&stopped| stopped).count();
        let room = ((allowed * EXPERIMENTS as f64) as usize).saturating_sub(already);
        let mut going: Vec<f64> =
            scores.iter().zip(&stopped).filter(|(_, stopped)| !**stopped).map(|(score, _)| *score).collect();
        going.sort_by(|a, b| b.total_cmp(a));
        let Some(&boundary) = going.get(room) else { continue };
        for ((score, least), stopped) in scores.iter().zip(&mut least).zip(&mut stopped) {
            *stopped |= *score > boundary;
            *least = least.min((boundary - score) / (EFFICIENCY.sqrt() * root));
        }
    }
    quantile(least)
}

type Known<K> = Mutex<BTreeMap<K, f64>>;

/// A number that is simulated once per process.
fn remembered<K: Ord>(known: &Known<K>, key: K, simulate: impl FnOnce() -> f64) -> f64 {
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    *known.entry(key).or_insert_with(simulate)
}

/// Standard normal numbers. Those of a shorter sample are the first of a longer one.
fn sample(experiment: u64, count: usize) -> Vec<f64> {
    const PURPOSE: Purpose = Purpose::new("power of a test");
    let mut stream = Stream::new(0, PURPOSE, experiment);
    (0..count).map(|_| stream.normal()).collect()
}

/// The smallest rank sum that has a smaller probability than the level if all signs are equally likely.
fn critical(count: usize, level: f64) -> Option<usize> {
    // Beyond this, the smallest p-value is far below any level, and the sum is not needed.
    if count > LARGE {
        return Some(0);
    }
    let most = count * (count + 1) / 2;
    let mut probability = vec![0.0; most + 1];
    probability[0] = 1.0;
    for rank in 1..=count {
        for sum in (0..=most).rev() {
            let with = if sum >= rank { probability[sum - rank] } else { 0.0 };
            probability[sum] = 0.5 * (probability[sum] + with);
        }
    }
    let mut tail = 0.0;
    let mut critical = None;
    for sum in (0..=most).rev() {
        tail += probability[sum];
        if tail > level * (1.0 + 1e-9) {
            break;
        }
        critical = Some(sum);
    }
    critical.filter(|&sum| sum > 0)
}

/// The shift above which the rank sum of a sample is at least `critical`.
fn least_shift(sample: &[f64], critical: usize) -> f64 {
    let mut walsh: Vec<f64> = Vec::with_capacity(sample.len() * (sample.len() + 1) / 2);
    for (place, first) in sample.iter().enumerate() {
        walsh.extend(sample[place..].iter().map(|second| 0.5 * (first + second)));
    }
    walsh.sort_by(|a, b| b.total_cmp(a));
    walsh.get(critical - 1).map_or(f64::INFINITY, |average| -average)
}

fn quantile(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[(POWER * values.len() as f64) as usize]
}

fn approximate(count: usize, level: f64) -> f64 {
    (normal_quantile(POWER) - normal_quantile(level)) / (EFFICIENCY * count as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::sequential;

    #[test]
    fn five_realisations_have_a_closed_form() {
        // All five must lie above 0: Φ(d)^5 = 0.8.
        let expected = normal_quantile(POWER.powf(0.2));
        let found = detectable(5, 0.05).expect("five are enough");
        assert!((found / expected - 1.0).abs() < 0.04, "{found} should be {expected}");
        assert_eq!(detectable(4, 0.05), None);
        assert_eq!(detectable(0, 0.05), None);
    }

    #[test]
    fn the_simulation_agrees_with_the_approximation_for_large_samples() {
        for count in [30, 40] {
            let found = detectable(count, 0.05).expect("enough");
            assert!((found / approximate(count, 0.05) - 1.0).abs() < 0.05, "{count}: {found}");
        }
        assert_eq!(detectable(100, 0.05), Some(approximate(100, 0.05)));
    }

    #[test]
    fn more_realisations_and_more_looks_find_smaller_effects() {
        let looks = sequential::looks(5, 100);
        let spent = sequential::spending(looks.len(), 0.05);
        let found: Vec<f64> = (1..=looks.len())
            .map(|made| detectable_sequentially(&looks[..made], &spent).expect("five are enough"))
            .collect();
        assert!(found.windows(2).all(|pair| pair[1] < pair[0]), "{found:?}");
        // The price of looking: more than with one look at as many, but not by half.
        let once = detectable(100, 0.05).expect("enough");
        assert!((1.0..1.5).contains(&(found[8] / once)), "{} and {once}", found[8]);
        let few = sequential::looks(2, 3);
        assert_eq!(detectable_sequentially(&few, &sequential::spending(2, 0.05)), None);
    }
}
