//! The result: exponents with their errors, and the quantities derived from them.

use std::fmt;

use super::orbits::Tally;

/// Upper bound on the rounding error of an exponent, in bits per timestep.
const ROUNDING: f64 = 1e-9;

/// One Lyapunov exponent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exponent {
    /// The mean over initial conditions; `-∞` where the Jacobians leave no further direction for any initial
    /// condition.
    pub bits_per_timestep: f64,
    /// The standard error of that mean; `None` with a single initial condition, or if the exponent is `-∞` or
    /// a bound.
    pub standard_error: Option<f64>,
    /// Whether `bits_per_timestep` is only an upper bound, because in some timestep the Jacobians contracted
    /// this direction so far that what was left of it was smaller than the rounding errors.
    pub is_bound: bool,
}

/// Why an estimate ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The standard error over initial conditions is below the tolerance.
    Converged,
    /// The standard error is above the tolerance after `max_iterations` timesteps.
    IterationLimit,
    /// The standard error will stay above the tolerance, because the exponents of the orbits have settled on
    /// different values.
    SeveralAttractors,
    /// The standard error is above the tolerance with the last initial condition that the rule `paper`
    /// allows.
    InitialConditionLimit,
    /// The standard error is above the tolerance after all trials of a driven network.
    TrialLimit,
    /// The state exceeded the bounds, or was still growing when the exponents had settled. The exponents are
    /// those of the orbits up to that point.
    Unbounded,
}

impl Outcome {
    /// Whether the estimate met its tolerance.
    pub fn converged(self) -> bool {
        self == Self::Converged
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Converged => "the standard error over initial conditions is under `tolerance`",
            Self::IterationLimit => "the standard error is above `tolerance` after `max_iterations`",
            Self::SeveralAttractors => "initial conditions lead to attractors with different exponents",
            Self::InitialConditionLimit => {
                "the standard error is above `tolerance` with all initial conditions"
            }
            Self::TrialLimit => "the standard error is above `tolerance` after all trials",
            Self::Unbounded => "the state grows without bound",
        })
    }
}

/// The largest Lyapunov exponents of a network, with their errors.
#[derive(Debug, Clone, PartialEq)]
pub struct Spectrum {
    /// The exponents, largest first. Bounds come after the exponents that are known, and `-∞` comes last.
    pub exponents: Vec<Exponent>,
    /// Number of initial conditions averaged over.
    pub initial_conditions: usize,
    /// Number of timesteps averaged over, without the burn-in: the largest of all initial conditions.
    pub iterations: usize,
    /// Why the estimate ended.
    pub outcome: Outcome,
    /// The dimension of a state.
    numbers: usize,
}

impl Spectrum {
    /// Computes the spectrum from the sums along the orbit of each initial condition.
    pub(super) fn of(tallies: &[Tally], numbers: usize, outcome: Outcome) -> Self {
        let means: Vec<Vec<f64>> = tallies.iter().map(Tally::means).collect();
        let mut exponents: Vec<Exponent> = (0..tallies[0].bits.len())
            .map(|vector| {
                let estimates = means.iter().map(|means| means[vector]);
                let is_bound = tallies.iter().any(|tally| tally.unresolved[vector] > 0);
                Exponent::of(estimates, tallies.len(), is_bound)
            })
            .collect();
        let known_first = |a: &Exponent, b: &Exponent| {
            (a.is_bound.cmp(&b.is_bound)).then(b.bits_per_timestep.total_cmp(&a.bits_per_timestep))
        };
        exponents.sort_by(known_first);
        exponents.sort_by_key(|exponent| exponent.bits_per_timestep == f64::NEG_INFINITY);
        let iterations = tallies.iter().map(|tally| tally.timesteps).max().unwrap_or_default();
        Self { exponents, initial_conditions: tallies.len(), iterations, outcome, numbers }
    }

    /// The largest exponent; `None` if none was requested.
    pub fn largest(&self) -> Option<Exponent> {
        self.exponents.first().copied()
    }

    /// The largest standard error among the exponents; `None` if no exponent has one.
    pub fn largest_error(&self) -> Option<f64> {
        self.exponents.iter().filter_map(|exponent| exponent.standard_error).reduce(f64::max)
    }

    /// A sentence on why an exponent of this spectrum is not reliable; `None` if it has converged.
    pub fn reason(&self, exponent: &Exponent) -> Option<String> {
        let bound = exponent.is_bound.then(|| {
            let bits = exponent.bits_per_timestep;
            format!("lost to rounding: all that is known is that the exponent is below {bits:.1}")
        });
        bound.or_else(|| (!self.outcome.converged()).then(|| self.outcome.to_string()))
    }

    /// The Kaplan-Yorke (Lyapunov) dimension `j + (λ_1 + ... + λ_j) / |λ_{j+1}|`, with `j` the largest number
    /// for which the sum is not negative (`kaplan1979`). It is 0 for an attracting fixed point, and equals
    /// the number of units if volumes do not shrink.
    ///
    /// `None` if the sum of all the exponents is still not negative and the network has more exponents:
    /// request more of them. Also `None` if it depends on an exponent of which only a bound is known, or if
    /// the exponents are means over several attractors. A sum that is negative by less than three standard
    /// errors of its last exponent counts as zero, as along a cycle or a line of fixed points.
    pub fn kaplan_yorke_dimension(&self) -> Option<f64> {
        if self.outcome == Outcome::SeveralAttractors {
            return None;
        }
        let mut sum = 0.0;
        for (index, exponent) in self.exponents.iter().enumerate() {
            let next = exponent.bits_per_timestep;
            let negative =
                sum + next < -exponent.standard_error.map_or(ROUNDING, |error| ROUNDING.max(3.0 * error));
            if negative {
                let sum = sum.max(0.0);
                let known = !exponent.is_bound || sum == 0.0;
                return known.then(|| index as f64 + sum / next.abs());
            }
            if exponent.is_bound {
                return None;
            }
            sum += next;
        }
        (self.exponents.len() == self.numbers).then_some(self.numbers as f64)
    }

    /// The sum of the positive exponents, in bits per timestep: an upper bound on the entropy rate
    /// (`ruelle1978`), and equal to it where the map is invertible and its measure smooth along the unstable
    /// directions (`pesin1977`).
    ///
    /// `None` if all the exponents are positive and the network has more exponents: request more of them.
    /// Also `None` if an exponent of which only a bound is known may be positive, or if the exponents are
    /// means over several attractors.
    pub fn entropy_rate(&self) -> Option<f64> {
        if self.outcome == Outcome::SeveralAttractors {
            return None;
        }
        let last = self.exponents.last().map_or(f64::INFINITY, |exponent| exponent.bits_per_timestep);
        let known =
            self.exponents.iter().all(|exponent| !exponent.is_bound || exponent.bits_per_timestep <= 0.0);
        let complete = known && (last <= 0.0 || self.exponents.len() == self.numbers);
        complete.then(|| self.exponents.iter().map(|exponent| exponent.bits_per_timestep.max(0.0)).sum())
    }
}

impl Exponent {
    /// The mean of the estimates of all initial conditions.
    fn of(estimates: impl Iterator<Item = f64> + Clone, count: usize, is_bound: bool) -> Self {
        let bits_per_timestep = estimates.clone().sum::<f64>() / count as f64;
        let has_error = bits_per_timestep.is_finite() && count > 1 && !is_bound;
        let standard_error = has_error.then(|| {
            let squares: f64 = estimates.map(|value| (value - bits_per_timestep).powi(2)).sum();
            (squares / (count - 1) as f64 / count as f64).sqrt()
        });
        Self { bits_per_timestep, standard_error, is_bound }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(means: &[f64]) -> Tally {
        let mut tally = Tally::zero(means.len());
        tally.timesteps = 1;
        tally.bits = means.iter().map(|mean| if mean.is_finite() { *mean } else { 0.0 }).collect();
        tally.gone = means.iter().map(|mean| u32::from(!mean.is_finite())).collect();
        tally
    }

    fn spectrum(exponents: &[f64], units: usize) -> Spectrum {
        Spectrum::of(&[tally(exponents)], units, Outcome::Converged)
    }

    #[test]
    fn dimensions_and_entropy_rates_of_known_spectra() {
        // Lorenz (bits per time unit, Viswanath 1998 in nats: 0.9056, 0, -14.5723): dimension 2.062
        let lorenz = spectrum(&[0.9056, 0.0, -14.5723], 3);
        assert!((lorenz.kaplan_yorke_dimension().expect("known") - 2.0621).abs() < 1e-4);
        assert_eq!(lorenz.entropy_rate(), Some(0.9056));
        let fixed_point = spectrum(&[-0.1, -0.5], 200);
        assert_eq!(
            (fixed_point.kaplan_yorke_dimension(), fixed_point.entropy_rate()),
            (Some(0.0), Some(0.0))
        );
        let rotation = spectrum(&[0.0, 0.0], 2);
        assert_eq!((rotation.kaplan_yorke_dimension(), rotation.entropy_rate()), (Some(2.0), Some(0.0)));
        let one_direction = spectrum(&[0.5, f64::NEG_INFINITY], 9);
        assert_eq!(
            (one_direction.kaplan_yorke_dimension(), one_direction.entropy_rate()),
            (Some(1.0), Some(0.5))
        );
    }

    #[test]
    fn quantities_that_depend_on_missing_exponents_are_undefined() {
        let cut = spectrum(&[0.5, 0.2], 200);
        assert_eq!((cut.kaplan_yorke_dimension(), cut.entropy_rate()), (None, None));
        let half = spectrum(&[0.5, -0.2], 200); // the entropy rate is known, the dimension is not
        assert_eq!((half.kaplan_yorke_dimension(), half.entropy_rate()), (None, Some(0.5)));
    }

    #[test]
    fn exponents_come_largest_first_with_the_standard_error_of_their_mean() {
        let estimates = [tally(&[0.1, 0.3, -1.0]), tally(&[0.1, 0.5, f64::NEG_INFINITY])];
        let spectrum = Spectrum::of(&estimates, 3, Outcome::IterationLimit);
        let means: Vec<f64> = spectrum.exponents.iter().map(|exponent| exponent.bits_per_timestep).collect();
        assert_eq!(means, [0.4, 0.1, f64::NEG_INFINITY]);
        let errors: Vec<_> = spectrum.exponents.iter().map(|exponent| exponent.standard_error).collect();
        assert!((errors[0].expect("two initial conditions") - 0.1).abs() < 1e-15);
        assert_eq!(errors[1..], [Some(0.0), None]);
        assert_eq!(spectrum.largest(), Some(spectrum.exponents[0]));
    }
}
