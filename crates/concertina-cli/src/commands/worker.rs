//! `concertina worker`

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use concertina::{Event, EventKind, Observer, Outcome, Source, Standing, Study, WorkPlan, Worked, describe};

use crate::arguments::{Everywhere, Worker};
use crate::interrupt;
use crate::output::{Failure, print, print_table, say};
use crate::progress::{Talk, approximately};

/// Time between two lines of a summary.
const MINUTE: Duration = Duration::from_secs(60);
/// Looking at the store may take one part in this many of the time.
const SHARE: u32 = 20;

pub(crate) fn run(everywhere: &Everywhere, worker: &Worker) -> Result<(), Failure> {
    if worker.dry_run {
        return dry_run(everywhere, worker);
    }
    let log = Arc::new(Log::new(everywhere.talk()));
    let mut builder = everywhere.builder().observer(log.clone()).cancel(interrupt::flag());
    if let Some(limit) = worker.time_limit {
        builder = builder.time_limit(limit);
    }
    let study = builder.open_existing()?;
    let plan = study.read_plans(&worker.plans)?;
    let worked = with_summary(&study, &plan, worker.summary, || match &worker.scratch {
        Some(scratch) => study.work_in_scratch(&plan, scratch),
        None => study.work(&plan),
    })?;
    conclude(everywhere, worker, worked, &log)
}

/// Prints what is missing.
fn dry_run(everywhere: &Everywhere, worker: &Worker) -> Result<(), Failure> {
    let study = everywhere.builder().read_only()?;
    let plan = study.read_plans(&worker.plans)?;
    let missing = study.missing_of(&plan)?;
    if missing.row_count() > 0 || worker.listing.json || worker.listing.csv {
        print_table(&missing, worker.listing, None)?;
    }
    if !everywhere.quiet {
        say(&format!("{} of {} runs are missing or unfinished", missing.row_count(), plan.len()));
    }
    Ok(())
}

fn conclude(everywhere: &Everywhere, worker: &Worker, worked: Worked, log: &Log) -> Result<(), Failure> {
    let Worked { runs, trained, unfinished, ref failures, time, .. } = worked;
    let (failed, seconds) = (failures.len(), time.as_secs_f64());
    if worker.listing.json {
        let report = serde_json::json!({
            "runs": runs, "trained": trained, "unfinished": unfinished, "failed": failed,
            "diverged": log.diverged(), "epochs": log.epochs(), "seconds": seconds,
        });
        print(format!("[{report}]\n").as_bytes())?;
    } else if worker.listing.csv {
        let (diverged, epochs) = (log.diverged(), log.epochs());
        print(
            format!("runs,trained,unfinished,failed,diverged,epochs,seconds\n{runs},{trained},{unfinished},{failed},{diverged},{epochs},{seconds}\n")
                .as_bytes(),
        )?;
    }
    if !everywhere.quiet {
        let state = if unfinished == 0 && failed == 0 { "complete" } else { "not complete" };
        say(&format!(
            "{state}: {runs} runs, {trained} trained here ({} epochs); {seconds:.1} s",
            log.epochs()
        ));
    }
    if unfinished > 0 {
        return Err(Failure::More { left: unfinished, of: runs });
    }
    match worked.failures.is_empty() {
        true => Ok(()),
        false => Err(Failure::Runs { failures: worked.failures, of: runs }),
    }
}

/// Does work, and prints one line per minute meanwhile if that is wanted.
fn with_summary(
    study: &Study,
    plan: &WorkPlan,
    wanted: bool,
    work: impl FnOnce() -> concertina::Result<Worked>,
) -> concertina::Result<Worked> {
    if !wanted {
        return work();
    }
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let summary = scope.spawn(|| summarise(study, plan, &done));
        let worked = work();
        done.store(true, Ordering::Relaxed);
        summary.thread().unpark();
        worked
    })
}

/// Prints a line at once, and then one per minute until `done`.
fn summarise(study: &Study, plan: &WorkPlan, done: &AtomicBool) {
    let mut standing = Standing::of(plan);
    let mut first: Option<(Instant, usize)> = None;
    while !done.load(Ordering::Relaxed) {
        let begin = Instant::now();
        if let Err(error) = study.look_at(plan, &mut standing) {
            say(&format!("warning: no summary: {error}"));
            return;
        }
        if done.load(Ordering::Relaxed) {
            return;
        }
        let (since, before) = *first.get_or_insert((begin, standing.done));
        say(&line(&standing, standing.done - before, since.elapsed()));
        let next = begin + MINUTE.max(begin.elapsed() * SHARE);
        while !done.load(Ordering::Relaxed) && Instant::now() < next {
            std::thread::park_timeout(next.saturating_duration_since(Instant::now()));
        }
    }
}

/// `120/2000 runs done, 16 running, 1.9 runs/s, 16 min left`, given how many were done in a time.
fn line(standing: &Standing, news: usize, time: Duration) -> String {
    let Standing { runs, done, running, .. } = *standing;
    let mut text = format!("{done}/{runs} runs done, {running} running");
    let seconds = time.as_secs_f64();
    if news > 0 && seconds > 0.0 {
        let rate = news as f64 / seconds;
        let said =
            if rate >= 1.0 { format!("{rate:.1} runs/s") } else { format!("{:.1} runs/min", 60.0 * rate) };
        text.push_str(&format!(", {said}, {} left", approximately((runs - done) as f64 / rate)));
    }
    text
}

/// Prints what a worker did, without the runs of other workers.
struct Log {
    talk: Talk,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    epochs: u64,
    diverged: usize,
}

impl Log {
    fn new(talk: Talk) -> Self {
        Self { talk, counts: Mutex::default() }
    }

    fn epochs(&self) -> u64 {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).epochs
    }

    fn diverged(&self) -> usize {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).diverged
    }
}

impl Observer for Log {
    fn observe(&self, event: &Event) {
        match &event.kind {
            EventKind::Trained { .. } => {
                self.counts.lock().unwrap_or_else(PoisonError::into_inner).epochs += 1;
            }
            EventKind::Finished { run, .. } => {
                let here = !matches!(run.source, Source::Loaded | Source::Nothing);
                if here && matches!(run.outcome, Outcome::Diverged(_)) {
                    self.counts.lock().unwrap_or_else(PoisonError::into_inner).diverged += 1;
                }
                // a line per run would fill a log with thousands of them
                let told = here && self.talk == Talk::Verbose
                    || self.talk != Talk::Quiet && matches!(run.outcome, Outcome::Failed { .. });
                if told {
                    say(&describe(run, &["network.gain"]));
                }
            }
            EventKind::Note { message } if self.talk != Talk::Quiet => say(&format!("note: {message}")),
            EventKind::Warning { message } => say(&format!("warning: {message}")),
            _ => {}
        }
    }
}
