//! A benchmark: cases timed in turns.

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde::Serialize;

use crate::{Machine, Summary, peak};

/// Seconds for which a case is timed in every round.
const SLICE: f64 = 0.05;

/// The work of a case, to which its time is related.
#[derive(Clone, Copy, Debug)]
pub enum Work {
    /// Floating-point operations: printed as a rate and as a share of the peak.
    Flops(f64),
    /// A number of equal items: printed as the time per item.
    Each(usize),
    /// The case as a whole: only its time is printed.
    Whole,
}

/// A benchmark that is being set up.
#[derive(Debug)]
pub struct Session<'a> {
    name: &'static str,
    rounds: usize,
    only: Option<String>,
    save: Option<PathBuf>,
    cases: Vec<Case<'a>>,
}

struct Case<'a> {
    name: String,
    work: Work,
    run: Box<dyn FnMut() + 'a>,
    repeats: usize,
}

impl std::fmt::Debug for Case<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Case").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The measurements of a session, in the order of its rounds.
#[derive(Serialize)]
struct Measured {
    benchmark: &'static str,
    machine: Machine,
    /// Floating-point operations per second of one core, measured in each round.
    peak: Vec<f64>,
    cases: Vec<MeasuredCase>,
}

/// The measurements of one case.
#[derive(Serialize)]
struct MeasuredCase {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    flops: Option<f64>,
    /// The number of calls that each measurement averages.
    repeats: usize,
    /// Seconds per call, one measurement per round.
    seconds: Vec<f64>,
}

impl<'a> Session<'a> {
    /// A session with the options of the command line.
    ///
    /// # Errors
    /// An argument is unknown or lacks its value.
    pub fn from_args(name: &'static str) -> Result<Self> {
        let mut session = Session { name, rounds: 7, only: None, save: None, cases: Vec::new() };
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            let mut value = || args.next().with_context(|| format!("expected a value after {arg}"));
            match arg.as_str() {
                "--bench" => {} // cargo passes this to every benchmark
                "--rounds" => {
                    let text = value()?;
                    session.rounds = text.parse().ok().filter(|rounds| *rounds > 0).with_context(|| {
                        format!("expected a number of rounds of at least 1, found `{text}`")
                    })?;
                }
                "--only" => session.only = Some(value()?),
                "--save" => session.save = Some(value()?.into()),
                _ => bail!("expected --rounds N, --only TEXT or --save FILE, found `{arg}`"),
            }
        }
        Ok(session)
    }

    /// Whether a case of this name will be measured; if not, its preparation can be left out.
    pub fn wants(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|only| name.contains(only))
    }

    /// Adds a case.
    pub fn case(&mut self, name: impl Into<String>, work: Work, run: impl FnMut() + 'a) {
        let name = name.into();
        if self.wants(&name) {
            self.cases.push(Case { name, work, run: Box::new(run), repeats: 1 });
        }
    }

    /// Measures all cases in turns, prints them, and saves them if requested.
    ///
    /// # Errors
    /// The file cannot be written.
    #[expect(clippy::print_stdout, reason = "the output of a benchmark is its text")]
    pub fn finish(mut self) -> Result<()> {
        let machine = Machine::this();
        println!(
            "{}: {} with {} cores ({}, {}), {} rounds",
            self.name, machine.processor, machine.cores, machine.instructions, machine.system, self.rounds
        );
        for case in &mut self.cases {
            (case.run)(); // warm up caches, and create what the first call creates
            let once = seconds(&mut case.run, 1);
            case.repeats = ((SLICE / once) as usize).clamp(1, 1_000_000);
        }
        let mut peaks = Vec::new();
        let mut measured: Vec<Vec<f64>> = self.cases.iter().map(|_| Vec::new()).collect();
        for _ in 0..self.rounds {
            peaks.push(peak());
            for (case, seconds_of) in self.cases.iter_mut().zip(&mut measured) {
                seconds_of.push(seconds(&mut case.run, case.repeats));
            }
        }
        println!("peak of one core: {:.1} GFLOP/s", Summary::of(peaks.iter().map(|peak| 1e-9 * peak)));
        for (case, seconds) in self.cases.iter().zip(&measured) {
            println!("{}", line(case, seconds, &peaks));
        }
        let Some(file) = self.save else { return Ok(()) };
        let cases = self.cases.into_iter().zip(measured).map(|(case, seconds)| MeasuredCase {
            flops: if let Work::Flops(flops) = case.work { Some(flops) } else { None },
            name: case.name,
            repeats: case.repeats,
            seconds,
        });
        let measured = Measured { benchmark: self.name, machine, peak: peaks, cases: cases.collect() };
        let text = serde_json::to_string_pretty(&measured)?;
        fs::write(&file, text + "\n").with_context(|| format!("{} cannot be written", file.display()))
    }
}

fn seconds(run: &mut dyn FnMut(), repeats: usize) -> f64 {
    let start = Instant::now();
    for _ in 0..repeats {
        run();
    }
    start.elapsed().as_secs_f64() / repeats as f64
}

/// Median and range of the time, and the resulting rate.
fn line(case: &Case<'_>, seconds: &[f64], peaks: &[f64]) -> String {
    let time = Summary::of(seconds.iter().copied());
    let (unit, scale) = if time.median < 1e-3 {
        ("us", 1e6)
    } else if time.median < 1.0 {
        ("ms", 1e3)
    } else {
        ("s ", 1.0)
    };
    let name = &case.name;
    let scaled = Summary::of(seconds.iter().map(|seconds| scale * seconds));
    let text = format!("{name:58} {scaled:>8.2} {unit}");
    match case.work {
        Work::Whole => text,
        Work::Each(count) => format!("{text}  {:.3} ns each", 1e9 * time.median / count as f64),
        Work::Flops(flops) => {
            let share = Summary::of(seconds.iter().zip(peaks).map(|(seconds, peak)| flops / seconds / peak));
            format!(
                "{text}  {:.1} GFLOP/s, {:.1}% of the peak",
                1e-9 * flops / time.median,
                100.0 * share.median
            )
        }
    }
}
