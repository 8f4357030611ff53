//! The rule `paper`: stops as the published code does, for comparison with published curves only.

use std::ops::Range;

use ndarray::{Array2, s};

use super::dynamics::Autonomous;
use super::growth::{Sizes, out_of_bounds};
use super::orbits::{Orbits, Tally};
use super::spectrum::{Outcome, Spectrum};
use super::start::{initial_states, random_frame};
use crate::Result;

// The published code's settings: `k_LE = 10`, `tol = 2e-3`, and the constants of its convergence check.
const TOLERANCE: f64 = 2e-3;
const MAX_ITERATIONS: usize = 1000;
const MIN_INITIAL_CONDITIONS: usize = 4;
const MAX_INITIAL_CONDITIONS: usize = 10;
/// Number of running averages that are compared.
const WINDOW: usize = 10;
/// An initial condition ends when the statistic over its window is below this share of the tolerance.
const SHARE: f64 = 0.1;

/// The spectrum under the published rule.
///
/// There is no burn-in. The frame starts as the first unit vectors. The Jacobian is taken at the state
/// *after* the step, which is the same as starting one step later. An initial condition ends when the mean
/// over exponents of the standard deviation of its last ten running averages, divided by √10, is below a
/// tenth of the tolerance, or after 1000 timesteps. Initial conditions are added, at least 4 and at most 10,
/// until the same statistic over them is below the tolerance. As in the published code, standard deviations
/// divide by the count.
///
/// In the published code, a counter keeps the first initial condition from ending immediately. The counter is
/// not reset for later initial conditions, which could therefore end with as few as two running averages.
/// Here every initial condition needs the ten of the rule. On no network of the reference tables does one end
/// within ten timesteps.
///
/// In the published code, a vector that a Jacobian contracts to zero is replaced by rounding errors. Here the
/// average begins again after such a loss, and an initial condition does not end until it has had as many
/// timesteps since the loss as before it. Vectors that are still lost in the second half of the 1000
/// timesteps count as lost.
pub(super) fn spectrum(system: &Autonomous, exponents: usize, seed: u64) -> Result<Spectrum> {
    let mut runs = Vec::with_capacity(MAX_INITIAL_CONDITIONS);
    // The first four always run, and do so side by side. The others run only if those do not suffice.
    for together in [0..MIN_INITIAL_CONDITIONS, MIN_INITIAL_CONDITIONS..MAX_INITIAL_CONDITIONS] {
        runs.extend(side_by_side(system, exponents, seed, together.clone())?);
        for count in together.start.max(MIN_INITIAL_CONDITIONS - 1) + 1..=runs.len() {
            let estimates: Vec<Vec<f64>> = runs[..count].iter().map(|run| run.tally.means()).collect();
            let unbounded = runs[..count].iter().any(|run| run.unbounded);
            let outcome = match (unbounded, mean_error(&estimates) < TOLERANCE) {
                (true, _) => Outcome::Unbounded,
                (false, true) => Outcome::Converged,
                (false, false) if count == MAX_INITIAL_CONDITIONS => Outcome::InitialConditionLimit,
                (false, false) => continue,
            };
            let tallies: Vec<Tally> = runs[..count].iter().map(|run| run.tally.clone()).collect();
            return Ok(Spectrum::of(&tallies, system.dimension(), outcome));
        }
    }
    unreachable!("the tenth initial condition is always the last")
}

/// One initial condition.
#[derive(Debug, Clone)]
struct Run {
    /// The last [`WINDOW`] running averages.
    window: Vec<Vec<f64>>,
    sizes: Sizes,
    /// The timestep after which the average begins.
    begun: usize,
    tally: Tally,
    unbounded: bool,
}

impl Run {
    fn new(exponents: usize) -> Self {
        let window = Vec::with_capacity(WINDOW + 1);
        Self { window, sizes: Sizes::default(), begun: 0, tally: Tally::zero(exponents), unbounded: false }
    }

    /// Records a timestep. Returns whether it is the last.
    fn note(&mut self, tally: &Tally, log2_size: f64, timestep: usize) -> bool {
        self.sizes.push(log2_size);
        self.unbounded = out_of_bounds(log2_size);
        self.window.push(tally.means());
        if self.window.len() > WINDOW {
            self.window.remove(0);
        }
        let settled = self.window.len() == WINDOW
            && timestep >= 2 * self.begun
            && !tally.has_losses()
            && mean_error(&self.window) < SHARE * TOLERANCE;
        let ends = self.unbounded || settled || timestep == MAX_ITERATIONS;
        if ends {
            self.tally = tally.clone();
        }
        ends
    }

    fn begin_again_after(&mut self, timestep: usize) {
        self.begun = timestep;
        self.window.clear();
    }
}

/// Runs the initial conditions with these numbers side by side.
fn side_by_side(
    system: &Autonomous,
    exponents: usize,
    seed: u64,
    conditions: Range<usize>,
) -> Result<Vec<Run>> {
    let numbers = system.dimension();
    let states = initial_states(seed, conditions.end, numbers);
    let initial = states.slice(s![conditions.clone(), ..]);
    let mut first_step = Orbits::new(system, initial, Array2::zeros((0, numbers)).view())?;
    first_step.step();
    let frame = Array2::from_shape_fn((exponents, numbers), |(i, j)| f64::from(u8::from(i == j)));
    let mut orbits = Orbits::new(system, first_step.states(), frame.view())?;
    let mut runs = vec![Run::new(exponents); initial.nrows()];
    let mut going: Vec<usize> = (0..runs.len()).collect(); // the run that each orbit belongs to
    for timestep in 1..=MAX_ITERATIONS {
        orbits.step();
        let mut kept = Vec::with_capacity(going.len());
        for (orbit, &run) in going.iter().enumerate() {
            if orbits.tallies()[orbit].has_losses() && timestep <= MAX_ITERATIONS / 2 {
                let index = (timestep * MAX_INITIAL_CONDITIONS + conditions.start + run) as u64;
                orbits.set_frame(orbit, random_frame(seed, index, exponents, numbers).view());
                orbits.forget(orbit);
                runs[run].begin_again_after(timestep);
                kept.push(orbit);
            } else if !runs[run].note(&orbits.tallies()[orbit], orbits.log2_sizes()[orbit], timestep) {
                kept.push(orbit);
            }
        }
        if kept.is_empty() {
            break;
        }
        if kept.len() < going.len() {
            orbits.keep(&kept);
            going = kept.into_iter().map(|orbit| going[orbit]).collect();
        }
    }
    for run in &mut runs {
        run.unbounded |= system.dynamics.can_grow() && run.sizes.keep_growing();
    }
    Ok(runs)
}

/// The mean over exponents of their standard deviation over `rows` (dividing by the count), divided by the
/// square root of the count. An exponent that is `-∞` in all rows does not vary. If it is `-∞` in only some
/// of them, the error is infinite.
fn mean_error(rows: &[Vec<f64>]) -> f64 {
    let (count, exponents) = (rows.len() as f64, rows[0].len());
    let mut total = 0.0;
    for index in 0..exponents {
        if rows.iter().all(|row| row[index] == f64::NEG_INFINITY) {
            continue;
        }
        let mean = rows.iter().map(|row| row[index]).sum::<f64>() / count;
        if !mean.is_finite() {
            return f64::INFINITY;
        }
        let variance = rows.iter().map(|row| (row[index] - mean).powi(2)).sum::<f64>() / count;
        total += variance.sqrt();
    }
    total / exponents as f64 / count.sqrt()
}
