//! When an estimate is good enough: the rules `converged` and `paper`.

use concertina_numerics::random::{Purpose, Stream};
use ndarray::{Array2, Array3, ArrayView2, Axis, s};

use super::dynamics::Autonomous;
use super::frame::orthonormalise;
use super::orbits::Orbits;
use super::spectrum::{Outcome, Spectrum};
use crate::Result;

const STATES: Purpose = Purpose::new("lyapunov states");
const FRAMES: Purpose = Purpose::new("lyapunov frames");

/// Initial conditions are uniform in `[-HALF_SIDE, HALF_SIDE]` in every unit, as in the published code.
const HALF_SIDE: f64 = 0.2;
/// Timesteps between two looks at the standard error (arbitrary: a look costs nothing, and no figure needs finer steps).
const LOOK_EVERY: usize = 50;
/// A state beyond this grows without bound: its square would overflow.
const BOUND: f64 = 1e150;
/// Attractors differ if the error that the orbits' own fluctuations explain is under this share of the tolerance while the
/// error over initial conditions is above it. With ten initial conditions and one attractor the ratio of the two variances
/// would have to reach 16, which an F(9, 9) variable does with probability 2e-4.
const OWN_SHARE: f64 = 0.25;

/// What the rule `converged` goes by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Converged {
    pub exponents: usize,
    pub initial_conditions: usize,
    pub burn_in: usize,
    pub max_iterations: usize,
    pub tolerance: f64,
}

/// Sums of the stretches of every orbit over time.
struct Totals {
    /// (orbits, exponents), in bits.
    bits: Array2<f64>,
    timesteps: usize,
}

impl Totals {
    fn none(like: (usize, usize)) -> Self {
        Self { bits: Array2::zeros(like), timesteps: 0 }
    }

    fn add(&mut self, stretches: ArrayView2<f64>) {
        self.bits += &stretches;
        self.timesteps += 1;
    }

    /// Bits per timestep, (orbits, exponents).
    fn means(&self) -> Array2<f64> {
        &self.bits / self.timesteps.max(1) as f64
    }
}

/// A burn-in, then until the standard error of every exponent over initial conditions is under the tolerance.
///
/// What the initial conditions have in common their standard error does not know of: a transient, or at a fixed point a frame
/// that turns slowly and has everywhere been through the same part of its turn. Against the one there is the burn-in, against
/// the other the average is at least as long as the burn-in. (A network trained on two-dimensional inputs gave -1.388 and
/// -1.416 for a pair of exponents at -1.402, with a standard error of 4e-4, after 1000 timesteps and an average over 100.)
///
/// Every initial condition has a random frame of its own, so that the standard error also knows of frames that have not yet
/// turned into the directions of the exponents.
pub(super) fn converged(system: &Autonomous, rule: &Converged, seed: u64) -> Result<Spectrum> {
    let (units, size) = (system.units(), (rule.initial_conditions, rule.exponents));
    let states = initial_states(seed, rule.initial_conditions, units);
    let mut orbits = Orbits::with_frames(system, states.view(), random_frames(seed, size.0, size.1, units))?;
    let mut totals = Totals::none(size);
    for _ in 0..rule.burn_in {
        totals.add(orbits.step());
        if unbounded(&orbits) {
            return Ok(Spectrum::of(totals.means().view(), units, totals.timesteps, Outcome::Unbounded));
        }
    }
    let mut totals = Totals::none(size);
    let mut history = vec![totals.bits.clone()]; // at every look, the first at 0
    loop {
        let end = (totals.timesteps + LOOK_EVERY).min(rule.max_iterations);
        while totals.timesteps < end {
            totals.add(orbits.step());
            if unbounded(&orbits) {
                return Ok(Spectrum::of(totals.means().view(), units, totals.timesteps, Outcome::Unbounded));
            }
        }
        history.push(totals.bits.clone());
        if totals.timesteps < rule.burn_in.min(rule.max_iterations) {
            continue;
        }
        let done = |outcome| Spectrum::of(totals.means().view(), units, totals.timesteps, outcome);
        let spectrum = done(Outcome::Converged);
        if spectrum.largest_error().unwrap_or_default() < rule.tolerance {
            return Ok(spectrum);
        }
        let looks = history.len() - 1;
        if looks.is_multiple_of(2)
            && own_error(&totals.bits, &history[looks / 2], totals.timesteps) < OWN_SHARE * rule.tolerance
        {
            return Ok(done(Outcome::SeveralAttractors));
        }
        if totals.timesteps == rule.max_iterations {
            return Ok(done(Outcome::IterationLimit));
        }
    }
}

/// The largest standard error among the exponents that the fluctuations of each orbit along itself would explain, from the
/// difference between the two halves of its time.
///
/// If an orbit's mean over the time `T` has the variance `v` and the halves are independent, each half has `2 v` and their
/// difference `4 v`.
fn own_error(bits: &Array2<f64>, bits_at_half: &Array2<f64>, timesteps: usize) -> f64 {
    let half = timesteps as f64 / 2.0;
    let mut worst = 0.0_f64;
    for (bits, at_half) in bits.axis_iter(Axis(1)).zip(bits_at_half.axis_iter(Axis(1))) {
        let orbits = bits.len() as f64;
        let squares: f64 = bits
            .iter()
            .zip(at_half)
            .map(|(all, first)| ((all - first) - first) / half)
            .filter(|difference| difference.is_finite()) // an exponent of -∞ has no error
            .map(|difference| difference * difference / 4.0)
            .sum();
        worst = worst.max((squares / orbits / orbits).sqrt());
    }
    worst
}

/// The published code's settings: `k_LE = 10`, `tol = 2e-3`, and what its convergence check has fixed.
mod published {
    pub(super) const TOLERANCE: f64 = 2e-3;
    pub(super) const MAX_ITERATIONS: usize = 1000;
    pub(super) const MIN_INITIAL_CONDITIONS: usize = 4;
    pub(super) const MAX_INITIAL_CONDITIONS: usize = 10;
    /// Running averages that are compared.
    pub(super) const WINDOW: usize = 10;
    /// An initial condition ends when the statistic over its window is under this share of the tolerance.
    pub(super) const SHARE: f64 = 0.1;
}

/// The published rule, for comparison with published curves only (`docs/reference/analyses.md#lyapunov`).
///
/// No burn-in; the frame starts as the first unit vectors; the Jacobian is taken at the state *after* the step, which is the
/// same as starting one step later. An initial condition ends when the mean over exponents of the standard deviation of its
/// last ten running averages, divided by √10, is under a tenth of the tolerance, at most after 1000 timesteps. Initial
/// conditions are added, at least 4 and at most 10, until the same statistic over them is under the tolerance. Standard
/// deviations divide by the count, as there.
///
/// There, a counter keeps the first initial condition from ending at once, and is not reset for those after it, which could
/// therefore end with as few as two running averages. Here each takes the ten that the rule speaks of; on no network of the
/// reference tables does one end within ten timesteps.
pub(super) fn paper(system: &Autonomous, exponents: usize, seed: u64) -> Result<Spectrum> {
    use published::{MAX_INITIAL_CONDITIONS, MIN_INITIAL_CONDITIONS, TOLERANCE};
    let mut runs = Vec::with_capacity(MAX_INITIAL_CONDITIONS);
    // Run side by side: the first four are needed in any case, the others only if those do not suffice.
    let states = initial_states(seed, MAX_INITIAL_CONDITIONS, system.units());
    for together in [0..MIN_INITIAL_CONDITIONS, MIN_INITIAL_CONDITIONS..MAX_INITIAL_CONDITIONS] {
        runs.extend(published_runs(system, exponents, states.slice(s![together.clone(), ..]))?);
        for count in together.start.max(MIN_INITIAL_CONDITIONS - 1) + 1..=runs.len() {
            let estimates = Array2::from_shape_fn((count, exponents), |(run, index)| runs[run].means[index]);
            let statistic =
                mean_error(estimates.outer_iter().map(|run| run.to_vec()).collect::<Vec<_>>().as_slice());
            let unbounded = runs[..count].iter().any(|run| run.unbounded);
            let outcome = match (unbounded, statistic < TOLERANCE) {
                (true, _) => Outcome::Unbounded,
                (false, true) => Outcome::Converged,
                (false, false) if count == MAX_INITIAL_CONDITIONS => Outcome::InitialConditionLimit,
                (false, false) => continue,
            };
            let iterations = runs[..count].iter().map(|run| run.iterations).max().unwrap_or_default();
            return Ok(Spectrum::of(estimates.view(), system.units(), iterations, outcome));
        }
    }
    unreachable!("the tenth initial condition ends it in every case")
}

/// One initial condition under the published rule.
struct PublishedRun {
    means: Vec<f64>,
    iterations: usize,
    unbounded: bool,
}

fn published_runs(
    system: &Autonomous,
    exponents: usize,
    initial: ArrayView2<f64>,
) -> Result<Vec<PublishedRun>> {
    use published::{MAX_ITERATIONS, SHARE, TOLERANCE, WINDOW};
    let units = system.units();
    let mut first_step = Orbits::new(system, initial, Array2::zeros((0, units)).view())?;
    first_step.step();
    let frame = Array2::from_shape_fn((exponents, units), |(i, j)| f64::from(u8::from(i == j)));
    let mut orbits = Orbits::new(system, first_step.states(), frame.view())?;

    let mut going: Vec<usize> = (0..initial.nrows()).collect(); // which run each orbit is
    let mut totals = vec![vec![0.0; exponents]; initial.nrows()];
    let mut windows: Vec<Vec<Vec<f64>>> = vec![Vec::with_capacity(WINDOW + 1); initial.nrows()];
    let mut runs: Vec<Option<PublishedRun>> = (0..initial.nrows()).map(|_| None).collect();
    for iterations in 1..=MAX_ITERATIONS {
        for (stretches, &run) in orbits.step().outer_iter().zip(&going) {
            totals[run].iter_mut().zip(stretches).for_each(|(total, stretch)| *total += stretch);
            windows[run].push(totals[run].iter().map(|total| total / iterations as f64).collect());
            if windows[run].len() > WINDOW {
                windows[run].remove(0);
            }
        }
        let mut kept = Vec::with_capacity(going.len());
        for (orbit, &run) in going.iter().enumerate() {
            let unbounded = orbits.states().row(orbit).iter().any(is_unbounded);
            let settled = windows[run].len() == WINDOW && mean_error(&windows[run]) < SHARE * TOLERANCE;
            if unbounded || settled || iterations == MAX_ITERATIONS {
                let means = windows[run].pop().expect("pushed above");
                runs[run] = Some(PublishedRun { means, iterations, unbounded });
            } else {
                kept.push(orbit);
            }
        }
        if kept.len() < going.len() {
            orbits.keep(&kept);
            going = kept.into_iter().map(|orbit| going[orbit]).collect();
        }
        if going.is_empty() {
            break;
        }
    }
    Ok(runs
        .into_iter()
        .map(|run| run.expect("every run ends at the latest after the last iteration"))
        .collect())
}

/// The mean over exponents of their standard deviation over `rows` (dividing by the count), divided by the square root of
/// the count. Exponents of `-∞` do not vary.
fn mean_error(rows: &[Vec<f64>]) -> f64 {
    let (count, exponents) = (rows.len() as f64, rows[0].len());
    let mut total = 0.0;
    for index in 0..exponents {
        let mean = rows.iter().map(|row| row[index]).sum::<f64>() / count;
        if mean.is_finite() {
            let variance = rows.iter().map(|row| (row[index] - mean).powi(2)).sum::<f64>() / count;
            total += variance.sqrt();
        }
    }
    total / exponents as f64 / count.sqrt()
}

fn is_unbounded(state: &f64) -> bool {
    state.is_nan() || state.abs() > BOUND
}

fn unbounded(orbits: &Orbits) -> bool {
    orbits.states().iter().any(is_unbounded)
}

/// The first initial conditions that `seed` draws: uniform in [-0.2, 0.2] in every unit.
///
/// # Returns
/// (initial conditions, units).
pub fn initial_states(seed: u64, count: usize, units: usize) -> Array2<f64> {
    let mut states = Array2::zeros((count, units));
    for (number, mut state) in states.outer_iter_mut().enumerate() {
        let mut stream = Stream::new(seed, STATES, number as u64);
        state.mapv_inplace(|_| HALF_SIDE * (2.0 * stream.uniform() - 1.0));
    }
    states
}

/// Uniformly distributed orthonormal frames, (initial conditions, exponents, units).
fn random_frames(seed: u64, initial_conditions: usize, exponents: usize, units: usize) -> Array3<f64> {
    let mut frames = Array3::zeros((initial_conditions, exponents, units));
    let mut lengths = vec![0.0; exponents];
    for (number, mut frame) in frames.outer_iter_mut().enumerate() {
        let mut stream = Stream::new(seed, FRAMES, number as u64);
        frame.mapv_inplace(|_| stream.normal());
        orthonormalise(frame.as_slice_mut().expect("row-major"), units, &mut lengths);
    }
    frames
}
