//! Estimates of the dimension of a cloud from the distances between its points.

use std::cmp::Ordering;

use concertina_numerics::statistics::mean;
use ndarray::{Array2, ArrayView2, Axis};

use super::{check_neighbours, check_share};
use crate::Result;
use crate::cka::centred;
use crate::numbers::{Precision, one_over_largest};
use crate::pairs::each_pair;
use crate::responses::check_finite;

/// Number of radii of the correlation dimension.
const RADII: usize = 10;

/// The dimension of a cloud by the ratio of the distances to the two nearest neighbours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TwoNn {
    /// The slope of a line through the origin, without the largest ratios.
    pub dimension: f64,
    /// Its standard error, if the ratios of different points were independent.
    pub standard_error: f64,
    /// The maximum likelihood estimate from all ratios, `n / Σ ln μ`.
    pub ml: f64,
    /// The same without its bias, `(n - 1) / Σ ln μ`.
    pub ml_unbiased: f64,
    /// The estimate without bias in which the discarded ratios only count as larger than the others.
    pub ml_censored: f64,
}

/// The dimension of a cloud by the ratio `μ` of the distances to the second and the first nearest neighbour
/// of each point.
///
/// Where the density of `n` points varies little within these distances, `μ` has the distribution
/// `1 - μ^(-d)`. With the ratios in rising order, `d` is the slope of the line through the origin and the
/// points `(ln μ_i, -ln(1 - i/n))`, without the share `discarded` of the largest ratios. The standard error
/// is that of this slope for independent ratios, to first order: the ordered `d ln μ_i` are then ordered
/// exponential numbers, whose covariances are known. Points that are each other's neighbours share distances,
/// so the true error is somewhat larger.
///
/// Points that repeat an earlier one are left out. In more than about ten dimensions the estimate is too
/// small for any practical number of points, because neighbours are then far away.
///
/// # Shapes
/// `states`: (samples, units).
///
/// # Undefined
/// `None` if fewer than 3 points are left, or none of their ratios; if the two nearest neighbours of all
/// points that count are equally far away, as on a lattice; and if all states are equal up to rounding, as in
/// [`effective_dimension`](fn@crate::effective_dimension).
///
/// # Errors
/// [`Error::Parameter`](crate::Error::Parameter) unless `discarded` is between 0 and 1;
/// [`Error::NotFinite`](crate::Error::NotFinite) names the sample and unit of the first NaN or infinite
/// value.
///
/// # Source
/// `facco2017`, Methods. Differs in: the standard error.
///
/// # Example
/// ```
/// use concertina_analysis::twonn;
/// use ndarray::Array2;
///
/// // irregular points on a curve in three dimensions
/// let time = |i: usize| 10.0 * ((i as f64).sin() * 43758.5).fract().abs();
/// let curve = Array2::from_shape_fn((200, 3), |(i, unit)| match unit {
///     0 => time(i).cos(),
///     1 => time(i).sin(),
///     _ => time(i),
/// });
/// let found = twonn(curve.view(), 0.1)?.expect("defined");
/// assert!((0.8..1.3).contains(&found.ml));
/// # Ok::<(), concertina_analysis::Error>(())
/// ```
pub fn twonn<T: Precision>(states: ArrayView2<T>, discarded: f64) -> Result<Option<TwoNn>> {
    check_share(discarded)?;
    check_finite(states, || "states".to_owned())?;
    Ok(Neighbours::of(states, 2).and_then(|neighbours| neighbours.twonn(discarded)))
}

/// The dimension of a cloud by maximum likelihood, for several numbers of neighbours.
#[derive(Debug, Clone, PartialEq)]
pub struct LevinaBickel {
    /// The mean over the numbers of neighbours.
    pub dimension: f64,
    /// The estimate for each number of neighbours, from `k_min` to `k_max`.
    pub by_neighbours: Vec<f64>,
}

/// The dimension of a cloud by the maximum likelihood estimate of Levina and Bickel.
///
/// With `T_j` the distance of a point to its neighbour `j`, the estimate for `k` neighbours is the inverse of
/// the mean of `ln(T_k / T_j)` over all points and `j < k`. The inverses of the points' estimates are
/// averaged, which is the maximum likelihood estimate for all points together (MacKay and Ghahramani). The
/// result is the mean over `k` from `k_min` to `k_max`. Points that repeat an earlier one are left out.
///
/// # Shapes
/// `states`: (samples, units).
///
/// # Undefined
/// `None` if `k_max` points or fewer are left; if the first `k` neighbours of all points are equally far
/// away; and if all states are equal up to rounding.
///
/// # Errors
/// [`Error::Parameter`](crate::Error::Parameter) unless `2 <= k_min < k_max`, and `k_max` is at most
/// 1000;
/// [`Error::NotFinite`](crate::Error::NotFinite).
///
/// # Source
/// `levina2004`, Eq. 8 and 9. Differs in: inverses are averaged, as `mackay2005` proposes.
pub fn levina_bickel<T: Precision>(
    states: ArrayView2<T>,
    k_min: usize,
    k_max: usize,
) -> Result<Option<LevinaBickel>> {
    check_neighbours(k_min, k_max)?;
    check_finite(states, || "states".to_owned())?;
    Ok(Neighbours::of(states, k_max).and_then(|neighbours| neighbours.levina_bickel(k_min, k_max)))
}

/// The correlation dimension of a cloud, with the numbers that it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct CorrelationDimension {
    /// The slope of `ln C` against `ln r`, by least squares over all radii.
    pub dimension: f64,
    /// The slope between the first and the last radius.
    pub between_ends: f64,
    /// The radii `r`, rising; in units of the state.
    pub radii: Vec<f64>,
    /// The share `C` of pairs of points whose distance is below each radius.
    pub shares: Vec<f64>,
}

/// The correlation dimension of a cloud: how fast the share of pairs of points within a radius grows with
/// the radius.
///
/// There are ten radii, evenly spaced in their logarithm from the median distance to neighbour `k_min` to the
/// median distance to neighbour `k_max`. Points that repeat an earlier one are left out.
///
/// # Shapes
/// `states`: (samples, units).
///
/// # Undefined
/// `None` if `k_max` points or fewer are left; if the two medians are equal, or no pair is within the
/// smallest radius; and if all states are equal up to rounding.
///
/// # Errors
/// [`Error::Parameter`](crate::Error::Parameter) unless `2 <= k_min < k_max`, and `k_max` is at most
/// 1000;
/// [`Error::NotFinite`](crate::Error::NotFinite).
///
/// # Source
/// `grassberger1983`, Eq. 3 and 4; the range of radii as in common implementations. Differs in: nothing.
pub fn correlation_dimension<T: Precision>(
    states: ArrayView2<T>,
    k_min: usize,
    k_max: usize,
) -> Result<Option<CorrelationDimension>> {
    check_neighbours(k_min, k_max)?;
    check_finite(states, || "states".to_owned())?;
    Ok(Neighbours::of(states, k_max).and_then(|neighbours| neighbours.correlation(k_min, k_max)))
}

/// The points of a cloud, each once, with the distances to their nearest neighbours.
#[derive(Debug)]
pub(super) struct Neighbours {
    /// (points, units), multiplied by `scale`.
    points: Array2<f64>,
    scale: f64,
    /// The distances of each point to its nearest neighbours, rising.
    nearest: Vec<Vec<f64>>,
}

impl Neighbours {
    /// The points of finite states with the distances to `count` neighbours, or to all others if there are
    /// fewer; `None` if the states are all equal up to rounding.
    pub(super) fn of<T: Precision>(states: ArrayView2<T>, count: usize) -> Option<Self> {
        centred(states)?;
        let scale = one_over_largest(states)?;
        let points = states.select(Axis(0), &distinct(states)).mapv(|entry| entry.into() * scale);
        let mut nearest = vec![Vec::with_capacity(count + 1); points.nrows()];
        each_pair(points.view(), 1.0, |one, other, square| {
            insert(&mut nearest[one], square, count);
            insert(&mut nearest[other], square, count);
        });
        nearest.iter_mut().flatten().for_each(|square| *square = square.sqrt());
        Some(Self { points, scale, nearest })
    }

    pub(super) fn twonn(&self, discarded: f64) -> Option<TwoNn> {
        let points = self.nearest.len();
        if points < 3 {
            return None;
        }
        let mut ratios: Vec<f64> =
            self.nearest.iter().map(|distances| libm::log(distances[1] / distances[0])).collect();
        ratios.sort_unstable_by(f64::total_cmp);
        if !ratios[points - 1].is_finite() {
            return None; // two points whose distance is below the range of numbers
        }
        let n = points as f64;
        // 1e-9 is for a share such as 0.3, which no binary number equals
        let kept = ((n * (1.0 - discarded) + 1e-9).floor() as usize).min(points - 1);
        let heights: Vec<f64> = (1..=kept).map(|rank| -libm::log1p(-(rank as f64) / n)).collect();
        let product: f64 = ratios.iter().zip(&heights).map(|(x, y)| x * y).sum();
        let square: f64 = ratios[..kept].iter().map(|x| x * x).sum();
        if square == 0.0 {
            return None;
        }
        let dimension = product / square;
        // The variance of the sum of heights times ordered exponential numbers, whose spacings are
        // independent with variances 1 / (n - k)².
        let (mut above, mut variance) = (0.0, 0.0);
        for (rank, height) in heights.iter().enumerate().rev() {
            above += height;
            variance += (above / (n - rank as f64)).powi(2);
        }
        let heights: f64 = heights.iter().map(|y| y * y).sum();
        let total: f64 = ratios.iter().sum();
        let censored = ratios[..kept].iter().sum::<f64>() + (n - kept as f64) * ratios[kept - 1];
        Some(TwoNn {
            dimension,
            standard_error: dimension * variance.sqrt() / heights,
            ml: n / total,
            ml_unbiased: (n - 1.0) / total,
            ml_censored: (kept as f64 - 1.0) / censored,
        })
    }

    pub(super) fn levina_bickel(&self, k_min: usize, k_max: usize) -> Option<LevinaBickel> {
        if self.nearest.len() <= k_max {
            return None;
        }
        let logarithms: Vec<Vec<f64>> = self
            .nearest
            .iter()
            .map(|distances| distances.iter().map(|distance| libm::log(*distance)).collect())
            .collect();
        let estimate = |k: usize| {
            let of_point = |logs: &Vec<f64>| logs[..k - 1].iter().map(|log| logs[k - 1] - log).sum::<f64>();
            let sum: f64 = logarithms.iter().map(of_point).sum();
            let inverse = sum / (self.nearest.len() * (k - 1)) as f64;
            (inverse > 0.0 && inverse.is_finite()).then(|| 1.0 / inverse)
        };
        let by_neighbours: Vec<f64> = (k_min..=k_max).map(estimate).collect::<Option<_>>()?;
        Some(LevinaBickel { dimension: mean(&by_neighbours)?, by_neighbours })
    }

    pub(super) fn correlation(&self, k_min: usize, k_max: usize) -> Option<CorrelationDimension> {
        let points = self.nearest.len();
        if points <= k_max {
            return None;
        }
        let median = |k: usize| {
            let mut distances: Vec<f64> = self.nearest.iter().map(|nearest| nearest[k - 1]).collect();
            distances.sort_unstable_by(f64::total_cmp);
            (distances[(points - 1) / 2] + distances[points / 2]) / 2.0
        };
        let (first, last) = (median(k_min), median(k_max));
        if first == 0.0 || first >= last {
            return None;
        }
        let (from, to) = (libm::log(first), libm::log(last));
        let step = (to - from) / (RADII - 1) as f64;
        let logarithms: Vec<f64> = (0..RADII).map(|number| from + step * number as f64).collect();
        let mut radii: Vec<f64> = logarithms.iter().map(|logarithm| libm::exp(*logarithm)).collect();
        (radii[0], radii[RADII - 1]) = (first, last);
        let mut counts = [0_u64; RADII]; // of pairs whose distance is below this radius but no smaller one
        each_pair(self.points.view(), 1.0, |_, _, square| {
            let distance = square.sqrt();
            if distance < last {
                counts[radii.partition_point(|radius| *radius <= distance)] += 1;
            }
        });
        let pairs = points as f64 * (points - 1) as f64 / 2.0;
        let mut below = 0;
        let shares: Vec<f64> = counts
            .iter()
            .map(|count| {
                below += count;
                below as f64 / pairs
            })
            .collect();
        if shares[0] == 0.0 {
            return None;
        }
        let heights: Vec<f64> = shares.iter().map(|share| libm::log(*share)).collect();
        let (centre, height) = (mean(&logarithms)?, mean(&heights)?);
        let product: f64 = logarithms.iter().zip(&heights).map(|(x, y)| (x - centre) * (y - height)).sum();
        let square: f64 = logarithms.iter().map(|x| (x - centre) * (x - centre)).sum();
        Some(CorrelationDimension {
            dimension: product / square,
            between_ends: (heights[RADII - 1] - heights[0]) / (to - from),
            radii: radii.into_iter().map(|radius| radius / self.scale).collect(),
            shares,
        })
    }
}

/// The places of the rows that equal no earlier one, in order.
pub(super) fn distinct<T: Precision>(states: ArrayView2<T>) -> Vec<usize> {
    let compare = |one: &usize, other: &usize| {
        let values = |sample: &usize| states.row(*sample).into_iter().map(|value| (*value).into());
        values(one).partial_cmp(values(other)).expect("finite")
    };
    let mut order: Vec<usize> = (0..states.nrows()).collect();
    order.sort_by(compare); // stable, so that the first of equal rows comes first
    let mut kept: Vec<usize> =
        order.chunk_by(|one, other| compare(one, other) == Ordering::Equal).map(|equal| equal[0]).collect();
    kept.sort_unstable();
    kept
}

/// Inserts a value into a rising list of the `count` smallest.
fn insert(smallest: &mut Vec<f64>, value: f64, count: usize) {
    if smallest.len() == count && smallest.last().is_none_or(|last| value >= *last) {
        return;
    }
    let place = smallest.partition_point(|other| *other <= value);
    smallest.insert(place, value);
    smallest.truncate(count);
}
