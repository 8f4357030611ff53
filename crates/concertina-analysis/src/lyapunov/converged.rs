//! The rule `converged`: after a burn-in, average until the standard error over initial conditions is below
//! the tolerance.

use ndarray::{Array2, Array3, ArrayView2};

use super::dynamics::Autonomous;
use super::growth::{Sizes, out_of_bounds};
use super::orbits::{Orbits, Tally};
use super::spectrum::{Outcome, Spectrum};
use super::start::{initial_states, random_frame};
use crate::Result;

/// Timesteps between two checks of the standard error (arbitrary: a check costs nothing, and no figure needs
/// finer steps).
const LOOK_EVERY: usize = 50;
/// Attractors are different if the error explained by the fluctuations along each orbit is below this share
/// of the tolerance while the error over initial conditions is above the tolerance. With ten initial
/// conditions and one attractor the ratio of the two variances would have to reach 16, which an F(9, 9)
/// variable does with probability 2e-4.
const OWN_SHARE: f64 = 0.25;
/// Attractors are different if vectors are gone this often on some orbits and never on others. By chance,
/// this would happen with a probability of e⁻¹⁰.
const OFTEN: u32 = 10;

/// The settings of the rule.
#[derive(Debug, Clone, Copy)]
pub(super) struct Converged {
    pub exponents: usize,
    pub initial_conditions: usize,
    pub burn_in: usize,
    pub max_iterations: usize,
    pub tolerance: f64,
}

impl Converged {
    /// The spectrum of a system under this rule.
    ///
    /// The standard error over initial conditions cannot detect what these have in common. One example is a
    /// transient. Another is a frame that turns slowly at a fixed point and has gone through the same part of
    /// its turn on every orbit. The burn-in removes the first; against the second, the average is at least as
    /// long as the burn-in. (A network trained on two-dimensional inputs gave -1.388 and -1.416 for a pair of
    /// exponents at -1.402, with a standard error of 4e-4, after 1000 timesteps and an average over 100.)
    ///
    /// Every initial condition has its own random frame, so the standard error also detects frames that have
    /// not yet turned into the directions of the exponents.
    ///
    /// Frames start where the states have settled. Units that are active later may be silent during a
    /// transient. A vector lost there would be lost for good, and one that is not lost would be confined to
    /// the directions that were left. For the same reason, if vectors were lost in the first half of the
    /// average and none in the second, new frames are drawn, with another burn-in. Vectors that are lost
    /// again and again are a property of the network.
    pub(super) fn spectrum(&self, system: &Autonomous, seed: u64) -> Result<Spectrum> {
        let start = initial_states(seed, self.initial_conditions, system.dimension());
        let settled = settle(system, start.view(), self.burn_in)?;
        let has_settled = settled.is_some();
        let mut estimate = Estimate::new(self, system, seed, settled.unwrap_or(start).view())?;
        let ended = estimate.transient_of_new_frames();
        let outcome = match ended {
            Some(outcome) => outcome,
            None if has_settled => estimate.average(),
            None => Outcome::Unbounded,
        };
        Ok(Spectrum::of(estimate.orbits.tallies(), system.dimension(), outcome))
    }
}

/// The states after a number of timesteps; `None` if one of them exceeds the bounds.
fn settle(system: &Autonomous, start: ArrayView2<f64>, timesteps: usize) -> Result<Option<Array2<f64>>> {
    let mut orbits = Orbits::new(system, start, Array2::zeros((0, system.dimension())).view())?;
    for _ in 0..timesteps {
        orbits.step();
        if orbits.log2_sizes().iter().copied().any(out_of_bounds) {
            return Ok(None);
        }
    }
    Ok(Some(orbits.states().to_owned()))
}

/// An estimate in progress.
struct Estimate<'a> {
    rule: &'a Converged,
    system: &'a Autonomous,
    seed: u64,
    orbits: Orbits<'a>,
    /// Sizes of the smallest state in each timestep since the sums began. It grows only if all states do.
    sizes: Sizes,
    /// The sums at every check, the first of which is at their beginning.
    looks: Vec<Vec<Tally>>,
    /// How many times frames were drawn.
    rounds: usize,
}

/// When and on which orbits vectors were lost since the sums began. The later variants take precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Losses {
    /// The same vectors on all orbits, or no vectors at all.
    OnAllOrbits,
    /// Some vectors often on some orbits and never on others.
    OnSomeOrbits,
    /// Too few to decide.
    Recent,
    /// In the first half of the time, and none in the second.
    Past,
}

impl<'a> Estimate<'a> {
    fn new(rule: &'a Converged, system: &'a Autonomous, seed: u64, states: ArrayView2<f64>) -> Result<Self> {
        let no_frame = Array3::zeros((rule.initial_conditions, rule.exponents, system.dimension()));
        let orbits = Orbits::with_frames(system, states, no_frame)?;
        Ok(Self { rule, system, seed, orbits, sizes: Sizes::default(), looks: Vec::new(), rounds: 0 })
    }

    /// Advances by this many timesteps.
    fn advance(&mut self, timesteps: usize) -> Option<Outcome> {
        for _ in 0..timesteps {
            self.orbits.step();
            let sizes = self.orbits.log2_sizes();
            if sizes.iter().copied().any(out_of_bounds) {
                return Some(Outcome::Unbounded);
            }
            self.sizes.push(sizes.iter().copied().fold(f64::INFINITY, f64::min));
        }
        None
    }

    fn begin_sums(&mut self) {
        (0..self.rule.initial_conditions).for_each(|orbit| self.orbits.forget(orbit));
        self.sizes.clear();
        self.looks = vec![self.orbits.tallies().to_vec()];
    }

    /// Draws new frames and lets them turn during a burn-in.
    fn transient_of_new_frames(&mut self) -> Option<Outcome> {
        let Converged { initial_conditions, exponents, .. } = *self.rule;
        for orbit in 0..initial_conditions {
            let index = (self.rounds * initial_conditions + orbit) as u64;
            let frame = random_frame(self.seed, index, exponents, self.system.dimension());
            self.orbits.set_frame(orbit, frame.view());
        }
        self.rounds += 1;
        self.begin_sums();
        self.advance(self.rule.burn_in)
    }

    /// Averages until the rule is satisfied.
    fn average(&mut self) -> Outcome {
        self.begin_sums();
        let Converged { burn_in, max_iterations, .. } = *self.rule;
        let mut spent = 0;
        loop {
            let timesteps = LOOK_EVERY.min(max_iterations - spent);
            if let Some(outcome) = self.advance(timesteps) {
                return outcome;
            }
            spent += timesteps;
            self.looks.push(self.orbits.tallies().to_vec());
            if self.orbits.tallies()[0].timesteps >= burn_in || spent == max_iterations {
                let losses = self.losses();
                if losses == Losses::Past && max_iterations - spent > 2 * burn_in {
                    if let Some(outcome) = self.transient_of_new_frames() {
                        return outcome;
                    }
                    spent += burn_in;
                    self.begin_sums();
                } else if let Some(outcome) = self.verdict(losses) {
                    return outcome;
                }
            }
            if spent == max_iterations {
                return Outcome::IterationLimit;
            }
        }
    }

    /// The outcome that follows from the losses and the standard errors; `None` if the estimate must
    /// continue.
    fn verdict(&self, losses: Losses) -> Option<Outcome> {
        match losses {
            Losses::OnAllOrbits => {}
            Losses::OnSomeOrbits => return Some(Outcome::SeveralAttractors),
            Losses::Recent | Losses::Past => return None,
        }
        let tallies = self.orbits.tallies();
        let spectrum = Spectrum::of(tallies, self.system.dimension(), Outcome::Converged);
        if spectrum.largest_error().unwrap_or_default() < self.rule.tolerance {
            let grows = self.system.dynamics.can_grow() && self.sizes.keep_growing();
            return Some(if grows { Outcome::Unbounded } else { Outcome::Converged });
        }
        let looks = self.looks.len() - 1;
        let settled = looks.is_multiple_of(2)
            && own_error(tallies, &self.looks[looks / 2]) < OWN_SHARE * self.rule.tolerance;
        settled.then_some(Outcome::SeveralAttractors)
    }

    fn losses(&self) -> Losses {
        let (tallies, half) = (self.orbits.tallies(), &self.looks[(self.looks.len() - 1) / 2]);
        let mut found = Losses::OnAllOrbits;
        for (tally, half) in tallies.iter().zip(half) {
            for (all, first) in tally.losses().zip(half.losses()) {
                found = found.max(match (first > 0, all > first) {
                    (true, false) => Losses::Past,
                    (false, true) => Losses::Recent,
                    (true, true) | (false, false) => Losses::OnAllOrbits,
                });
            }
        }
        for vector in 0..self.rule.exponents {
            let gone = tallies.iter().map(|tally| tally.gone[vector]);
            let fewest = gone.clone().filter(|count| *count > 0).min();
            if let (Some(fewest), true) = (fewest, gone.clone().any(|count| count == 0)) {
                found = found.max(if fewest < OFTEN { Losses::Recent } else { Losses::OnSomeOrbits });
            }
        }
        found
    }
}

/// The largest standard error, over the exponents, that the fluctuations along each orbit would explain. It
/// is estimated from the difference between the two halves of each orbit.
///
/// If an orbit's mean over the time `T` has the variance `v` and the halves are independent, each half has `2
/// v` and their difference `4 v`.
fn own_error(tallies: &[Tally], at_half: &[Tally]) -> f64 {
    let half = tallies[0].timesteps as f64 / 2.0;
    let orbits = tallies.len() as f64;
    let error = |vector: usize| {
        let squares: f64 = tallies
            .iter()
            .zip(at_half)
            .map(|(all, first)| ((all.bits[vector] - first.bits[vector]) - first.bits[vector]) / half)
            .map(|difference| difference * difference / 4.0)
            .sum();
        (squares / orbits / orbits).sqrt()
    };
    let known =
        |vector: &usize| tallies.iter().all(|tally| tally.gone[*vector] + tally.unresolved[*vector] == 0);
    (0..tallies[0].bits.len()).filter(known).map(error).fold(0.0, f64::max)
}
