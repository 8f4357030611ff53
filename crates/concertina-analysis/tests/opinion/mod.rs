//! A second opinion on every analysis but those that have golden numbers and tests of their own (`lyapunov`,
//! `fixed_points`, `representation_similarity`, `intrinsic_dimension`, `decoding`, `kernel`,
//! `manifold_capacity`): the same numbers in plain loops, as the documentation defines them.
//!
//! No code is shared with the analyses or with the numerics that they use. Only the weights, the samples and
//! the random draws of splits are those of the project. The states of a network are compared with a forward
//! pass in f64. Every analysis is then checked on the network's own states, so that a difference is due to
//! the analysis and not to the rounding of states to f32.

#![allow(dead_code, reason = "every test crate uses its own part")]
#![allow(clippy::print_stdout, reason = "the counts and largest differences are the result of the test")]
#![allow(clippy::needless_range_loop, reason = "plain loops over rows and columns")]

mod algebra;
pub(crate) mod cases;
mod classifiers;
mod clouds;
mod components;
mod compression;
mod dice;
mod fit;
mod forward;
mod ledger;
mod outputs;
mod weights;

#[path = "../common/samples.rs"]
mod samples;

use std::ops::Range;

use concertina_analysis::{Analysis, Timestep};
use concertina_model::params::NetworkKind;
use concertina_table::Table;

use algebra::Matrix;
use cases::Case;
use forward::{Runner, rows};
use ledger::Ledger;
use samples::Samples;

/// The smallest positive number of single precision, which is the distance between neighbouring numbers near
/// zero.
const SMALLEST: f64 = 1.401_298_464_324_817e-45;

/// The states of a checkpoint at each timestep, starting from -1, the inputs.
type Clouds = Vec<Matrix>;

/// The subject of all checks of a case.
struct Subject<'a> {
    case: &'a Case,
    samples: Samples,
    extend_to: Option<Timestep>,
    /// The clouds of each checkpoint.
    clouds: Vec<Clouds>,
}

impl Subject<'_> {
    /// The result of an analysis, which must succeed.
    fn of(&self, analysis: &impl Analysis) -> Table {
        analysis.run(&self.case.subject()).unwrap_or_else(|error| panic!("{error} in {}", self.case.place))
    }

    /// Each cloud with its timestep and a name, in the order of the rows of a result.
    fn each_cloud(&self) -> impl Iterator<Item = (i64, String, &Matrix)> {
        self.clouds.iter().enumerate().flat_map(move |(checkpoint, clouds)| {
            let named = move |(timestep, cloud)| {
                (
                    timestep,
                    format!("checkpoint {checkpoint}, timestep {timestep} of {}", self.case.place),
                    cloud,
                )
            };
            (-1_i64..).zip(clouds).map(named)
        })
    }
}

/// Compares all analyses on these cases, and prints how far apart the opinions are.
///
/// # Panics
/// If they differ by more than rounding.
pub(crate) fn check(cases: Range<u64>, seed: u64, most_units: usize) {
    let count = cases.end - cases.start;
    let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get() as u64);
    let share = count.div_ceil(threads).max(1);
    let mut ledger = Ledger::default();
    std::thread::scope(|scope| {
        let shares = cases.clone().step_by(share as usize);
        let parts: Vec<_> = shares
            .map(|first| {
                let part = first..(first + share).min(cases.end);
                scope.spawn(move || compared(part, seed, most_units))
            })
            .collect();
        for part in parts {
            ledger.append(part.join().expect("a part of the cases"));
        }
    });
    println!("{count} networks");
    ledger.close();
}

fn compared(cases: Range<u64>, seed: u64, most_units: usize) -> Ledger {
    let mut ledger = Ledger::default();
    for number in cases {
        let case = Case::new(seed, number, most_units);
        weights::spectrum(&case, &mut ledger);
        weights::variance(&case, &mut ledger);
        let Some(subject) = subject(&case, &mut ledger) else { continue };
        clouds::check(&subject, &mut ledger);
        components::check(&subject, &mut ledger);
        compression::check(&subject, &mut ledger);
        outputs::check(&subject, &mut ledger);
        classifiers::check(&subject, &mut ledger);
    }
    ledger
}

/// The states of every checkpoint, compared with a forward pass in f64; `None` if they leave the range of
/// f32.
fn subject<'a>(case: &'a Case, ledger: &mut Ledger) -> Option<Subject<'a>> {
    let samples = Samples::of(&*case.task, case.samples);
    let beyond = case.params.network.kind != NetworkKind::Feedforward && case.samples.is_multiple_of(3);
    let steps = case.params.trial_steps() + if beyond { 2 } else { 0 };
    let inputs = rows(samples.inputs.outer_iter());
    let mut clouds = Vec::new();
    for (_, network) in &case.checkpoints {
        let found = network.states_at(&samples.shown, &(0..steps).collect::<Vec<_>>()).expect("shapes agree");
        let (double, single) = (Runner::new(network, false), Runner::new(network, true));
        let of =
            |runner: &Runner| inputs.iter().map(|input| runner.states(input, steps)).collect::<Vec<Matrix>>();
        let (double, single) = (of(&double), of(&single));
        let mut at_checkpoint = vec![inputs.clone()];
        for (step, found) in found.iter().enumerate() {
            let found = rows(found.outer_iter());
            let of_step =
                |trials: &[Matrix]| trials.iter().map(|trial| trial[step].clone()).collect::<Matrix>();
            if found.iter().flatten().any(|entry| !entry.is_finite()) {
                let beyond_range =
                    double.iter().flatten().flatten().any(|entry| entry.is_nan() || entry.abs() > 1e38);
                ledger.holds("states out of range", &case.place, beyond_range, || format!("step {step}"));
                return None;
            }
            compare_states(case, step, &found, &of_step(&double), &of_step(&single), ledger);
            at_checkpoint.push(found);
        }
        clouds.push(at_checkpoint);
    }
    let extend_to = beyond.then(|| Timestep(steps as i64 - 1));
    Some(Subject { case, samples, extend_to, clouds })
}

/// Compares states, which may differ by a multiple of the effect of rounding every intermediate result to
/// f32.
fn compare_states(
    case: &Case,
    step: usize,
    found: &Matrix,
    double: &Matrix,
    single: &Matrix,
    ledger: &mut Ledger,
) {
    const KIND: &str = "states, in roundings to f32";
    let apart = |a: &Matrix, b: &Matrix| {
        let pairs = a.iter().flatten().zip(b.iter().flatten());
        pairs.fold(0.0, |largest: f64, (a, b)| largest.max((a - b).abs()))
    };
    let largest = double.iter().flatten().fold(0.0, |largest: f64, entry| largest.max(entry.abs()));
    let rounding = apart(double, single);
    if rounding > 1e-3 * largest + 1e-44 {
        return ledger.undecided(KIND); // chaos: they diverge
    }
    let scale = rounding + f64::from(f32::EPSILON) * largest + SMALLEST;
    let place = format!("step {step} of {}", case.place);
    ledger.compare(KIND, &place, Some(apart(found, double)), Some(0.0), scale, 200.0);
}

/// The mean of rows, and the rows minus their mean; exact zeros for equal rows.
fn centred(cloud: &Matrix) -> (Vec<f64>, Matrix) {
    let first = &cloud[0];
    let mut shift = vec![0.0; first.len()];
    for row in cloud {
        shift.iter_mut().zip(row.iter().zip(first)).for_each(|(sum, (entry, first))| *sum += entry - first);
    }
    let mean: Vec<f64> =
        first.iter().zip(shift).map(|(first, shift)| first + shift / cloud.len() as f64).collect();
    let less_mean = |row: &Vec<f64>| row.iter().zip(&mean).map(|(entry, mean)| entry - mean).collect();
    let centred = cloud.iter().map(less_mean).collect();
    (mean, centred)
}

fn squares(cloud: &Matrix) -> f64 {
    cloud.iter().flatten().map(|entry| entry * entry).sum()
}

/// Eight roundings of a coordinate of these states, below which a value counts as nothing.
fn rounding(cloud: &Matrix) -> f64 {
    let entries = (cloud.len() * cloud[0].len()) as f64;
    8.0 * (f64::from(f32::EPSILON) * (squares(cloud) / entries).sqrt()).hypot(SMALLEST)
}

/// Whether a number is so close to a threshold that rounding might change the decision.
fn close_to(number: f64, threshold: f64) -> bool {
    (number / threshold - 1.0).abs() < 1e-3
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The standard deviation, with n - 1 in the denominator.
fn deviation(values: &[f64]) -> Option<f64> {
    let mean = mean(values).filter(|_| values.len() > 1)?;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Some((squares / (values.len() - 1) as f64).sqrt())
}
