//! What comes out: exponents with their errors, and what follows from them.

use std::fmt;

use ndarray::{ArrayView2, Axis};

/// One Lyapunov exponent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exponent {
    /// The mean over initial conditions, in bits per timestep; `-∞` where the Jacobians leave no further direction.
    pub bits_per_timestep: f64,
    /// The standard error of that mean; `None` with one initial condition, or where the exponent is `-∞`.
    pub standard_error: Option<f64>,
}

/// Why an estimate ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The standard error over initial conditions is under the tolerance.
    Converged,
    /// It is not, after `max_iterations` timesteps.
    IterationLimit,
    /// It is not and will not be: every orbit's own exponents have settled, on different values.
    SeveralAttractors,
    /// It is not, with the last initial condition that the rule `paper` allows.
    InitialConditionLimit,
    /// The state grew out of bounds; the estimate is from the timesteps before.
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
            Self::Unbounded => "the state grows without bound",
        })
    }
}

/// The largest Lyapunov exponents of a network, with their errors.
#[derive(Debug, Clone, PartialEq)]
pub struct Spectrum {
    /// The exponents, largest first.
    pub exponents: Vec<Exponent>,
    /// Number of initial conditions behind each.
    pub initial_conditions: usize,
    /// Timesteps that were averaged over: the most over initial conditions, without the burn-in.
    pub iterations: usize,
    /// Why it ended.
    pub outcome: Outcome,
    units: usize,
}

impl Spectrum {
    /// From the exponents of each initial condition, (initial conditions, exponents).
    pub(super) fn of(estimates: ArrayView2<f64>, units: usize, iterations: usize, outcome: Outcome) -> Self {
        let mut exponents: Vec<Exponent> = estimates
            .axis_iter(Axis(1))
            .map(|estimates| {
                let bits_per_timestep = estimates.sum() / estimates.len() as f64;
                let finite = bits_per_timestep.is_finite() && estimates.len() > 1;
                let standard_error = finite.then(|| {
                    let squares: f64 =
                        estimates.iter().map(|value| (value - bits_per_timestep).powi(2)).sum();
                    (squares / (estimates.len() - 1) as f64 / estimates.len() as f64).sqrt()
                });
                Exponent { bits_per_timestep, standard_error }
            })
            .collect();
        exponents.sort_by(|a, b| b.bits_per_timestep.total_cmp(&a.bits_per_timestep));
        Self { exponents, initial_conditions: estimates.nrows(), iterations, outcome, units }
    }

    /// The largest exponent; `None` if none was asked for.
    pub fn largest(&self) -> Option<Exponent> {
        self.exponents.first().copied()
    }

    /// The largest standard error among the exponents; `None` if no exponent has one.
    pub fn largest_error(&self) -> Option<f64> {
        self.exponents.iter().filter_map(|exponent| exponent.standard_error).reduce(f64::max)
    }

    /// The Kaplan-Yorke (Lyapunov) dimension `j + (λ_1 + ... + λ_j) / |λ_{j+1}|`, with `j` the largest number for which the
    /// sum is not negative: 0 for a fixed point that attracts, the number of units if volumes do not shrink (`kaplan1979`).
    ///
    /// `None` if the sum of all the exponents there are is still not negative and the network has more: ask for more.
    pub fn kaplan_yorke_dimension(&self) -> Option<f64> {
        let mut sum = 0.0;
        for (index, exponent) in self.exponents.iter().enumerate() {
            let next = exponent.bits_per_timestep;
            if sum + next < 0.0 {
                return Some(index as f64 + sum / next.abs());
            }
            sum += next;
        }
        (self.exponents.len() == self.units).then_some(self.units as f64)
    }

    /// The sum of the positive exponents, in bits per timestep: an upper bound on the entropy rate (`ruelle1978`), and equal to
    /// it where the map is invertible and its measure smooth along the unstable directions (`pesin1977`).
    ///
    /// `None` if all the exponents there are are positive and the network has more: ask for more.
    pub fn entropy_rate(&self) -> Option<f64> {
        let last = self.exponents.last().map_or(f64::INFINITY, |exponent| exponent.bits_per_timestep);
        let complete = last <= 0.0 || self.exponents.len() == self.units;
        complete.then(|| self.exponents.iter().map(|exponent| exponent.bits_per_timestep.max(0.0)).sum())
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, arr2};

    use super::*;

    fn spectrum(exponents: &[f64], units: usize) -> Spectrum {
        let estimates = Array2::from_shape_fn((1, exponents.len()), |(_, index)| exponents[index]);
        Spectrum::of(estimates.view(), units, 1, Outcome::Converged)
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
    fn what_the_missing_exponents_would_decide_is_undefined() {
        let cut = spectrum(&[0.5, 0.2], 200);
        assert_eq!((cut.kaplan_yorke_dimension(), cut.entropy_rate()), (None, None));
        let half = spectrum(&[0.5, -0.2], 200); // the entropy rate is known, the dimension is not
        assert_eq!((half.kaplan_yorke_dimension(), half.entropy_rate()), (None, Some(0.5)));
    }

    #[test]
    fn exponents_come_largest_first_with_the_standard_error_of_their_mean() {
        let estimates = arr2(&[[0.1, 0.3, -1.0], [0.1, 0.5, f64::NEG_INFINITY]]);
        let spectrum = Spectrum::of(estimates.view(), 3, 7, Outcome::IterationLimit);
        let means: Vec<f64> = spectrum.exponents.iter().map(|exponent| exponent.bits_per_timestep).collect();
        assert_eq!(means, [0.4, 0.1, f64::NEG_INFINITY]);
        let errors: Vec<_> = spectrum.exponents.iter().map(|exponent| exponent.standard_error).collect();
        assert!((errors[0].expect("two initial conditions") - 0.1).abs() < 1e-15);
        assert_eq!(errors[1..], [Some(0.0), None]);
        assert_eq!(spectrum.largest(), Some(spectrum.exponents[0]));
    }
}
