//! Progress on standard error: a bar where there is a terminal, a line a run everywhere.

use std::io::IsTerminal;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use concertina::model::trainer::EpochRecord;
use concertina::{Event, EventKind, Observer, Outcome, RunRecord, Source, run_label};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::say;

/// Steps of the bar: finer than a terminal is wide.
const STEPS: u64 = 1000;

/// How much to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Talk {
    /// Nothing but warnings.
    Quiet,
    /// Progress.
    Normal,
    /// Also what was loaded.
    Verbose,
}

/// Says warnings and nothing else.
pub(crate) struct Warnings;

impl Observer for Warnings {
    fn observe(&self, event: &Event) {
        if let EventKind::Warning { message } = &event.kind {
            say(&format!("warning: {message}"));
        }
    }
}

/// Shows what a study does.
pub(crate) struct Progress {
    talk: Talk,
    /// The parameters that tell runs apart.
    varied: Vec<&'static str>,
    bar: Option<ProgressBar>,
    counts: Mutex<Counts>,
}

struct Counts {
    start: Instant,
    runs: usize,
    loaded: usize,
    trained: usize,
    failed: usize,
    interrupted: usize,
    epochs: u64,
    work: f64,
    /// Work done by training, and work that was in the store already.
    done: f64,
    saved: f64,
    asked: usize,
    analysed: usize,
}

impl Progress {
    pub(crate) fn new(talk: Talk, varied: &[&'static str]) -> Self {
        let shown = talk != Talk::Quiet && std::io::stderr().is_terminal();
        let bar = shown.then(|| {
            let bar = ProgressBar::with_draw_target(Some(STEPS), ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template("[{bar:30}] {msg}") {
                bar.set_style(style.progress_chars("=> "));
            }
            bar
        });
        let counts = Counts {
            start: Instant::now(),
            runs: 0,
            loaded: 0,
            trained: 0,
            failed: 0,
            interrupted: 0,
            epochs: 0,
            work: 0.0,
            done: 0.0,
            saved: 0.0,
            asked: 0,
            analysed: 0,
        };
        Self { talk, varied: varied.to_vec(), bar, counts: Mutex::new(counts) }
    }

    /// Time counts from here.
    pub(crate) fn begin(&self) {
        self.counts().start = Instant::now();
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says a line above the bar.
    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| say(text)),
            None => say(text),
        }
    }

    fn draw(&self, counts: &Counts) {
        let Some(bar) = &self.bar else { return };
        let share = if counts.work > 0.0 { (counts.done + counts.saved) / counts.work } else { 1.0 };
        bar.set_position((share.clamp(0.0, 1.0) * STEPS as f64) as u64);
        bar.set_message(counts.message());
    }

    /// Takes the bar away, and says how it went.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let counts = self.counts();
        if self.talk != Talk::Quiet && counts.runs > 0 {
            let analysed = match counts.asked {
                0 => String::new(),
                _ => format!(", {} analyses computed", counts.analysed),
            };
            let seconds = counts.start.elapsed().as_secs_f64();
            let Counts { runs, loaded, trained, failed, interrupted, .. } = &*counts;
            let plural = if *runs == 1 { "" } else { "s" };
            let some = |count: usize, what: &str| {
                if count > 0 { format!(", {count} {what}") } else { String::new() }
            };
            let (failed, interrupted) = (some(*failed, "failed"), some(*interrupted, "interrupted"));
            say(&format!(
                "{runs} run{plural}: {trained} trained, {loaded} loaded{failed}{interrupted}{analysed}; {seconds:.1} s"
            ));
        }
    }
}

impl Counts {
    fn message(&self) -> String {
        let Self { runs, loaded, trained, failed, epochs, asked, analysed, .. } = self;
        let mut text =
            format!("{}/{runs} runs, {loaded} loaded, {trained} trained", loaded + trained + failed);
        let elapsed = self.start.elapsed().as_secs_f64();
        if *epochs > 0 && elapsed > 0.0 {
            text.push_str(&format!(", {:.0} epochs/s", *epochs as f64 / elapsed));
        }
        if *asked > 0 {
            text.push_str(&format!(", {analysed}/{asked} analyses"));
        }
        let left = self.work - self.done - self.saved;
        if self.done > 0.0 && left > 1e-9 * self.work {
            text.push_str(&format!(", {} left", clock(elapsed * left / self.done)));
        }
        text
    }
}

/// Seconds as minutes and seconds, or hours and minutes.
fn clock(seconds: f64) -> String {
    let seconds = Duration::from_secs_f64(seconds.clamp(0.0, 1e9)).as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, minutes, seconds) => format!("{minutes}:{seconds:02}"),
        (hours, minutes, _) => format!("{hours} h {minutes:02} min"),
    }
}

/// Seconds for an estimate: no more digits than it is worth.
pub(crate) fn approximately(seconds: f64) -> String {
    let minutes = seconds / 60.0;
    match seconds {
        ..1.0 => "a second".to_owned(),
        1.0..55.0 => format!("{seconds:.0} s"),
        55.0..5700.0 => format!("{:.0} min", minutes.max(1.0)),
        _ => format!("{:.1} h", minutes / 60.0),
    }
}

impl Observer for Progress {
    fn observe(&self, event: &Event) {
        let mut counts = self.counts();
        match &event.kind {
            EventKind::Started { runs, work } => {
                counts.runs += runs;
                counts.work += work;
            }
            EventKind::Trained { work, .. } => {
                counts.epochs += 1;
                counts.done += work;
            }
            EventKind::Finished { run, saved } => {
                counts.saved += saved;
                match (&run.outcome, run.source) {
                    (Outcome::Interrupted, _) => counts.interrupted += 1,
                    (Outcome::Failed { .. }, _) => counts.failed += 1,
                    (_, Source::Loaded) => counts.loaded += 1,
                    _ => counts.trained += 1,
                }
                let told = match self.talk {
                    Talk::Quiet => false,
                    Talk::Normal => run.source != Source::Loaded || !matches!(run.outcome, Outcome::Complete),
                    Talk::Verbose => true,
                };
                if told {
                    self.line(&describe(run, &self.varied));
                }
            }
            EventKind::Asked { missing, .. } => counts.asked += missing,
            EventKind::Analysed { .. } => counts.analysed += 1,
            EventKind::Waiting { run } if self.talk != Talk::Quiet => {
                self.line(&format!("run {}: another process trains it; waiting", run.short()));
            }
            EventKind::Warning { message } => self.line(&format!("warning: {message}")),
            _ => {}
        }
        self.draw(&counts);
    }
}

/// A finished run in a line.
fn describe(run: &RunRecord, varied: &[&'static str]) -> String {
    let label = run_label(&run.params, varied);
    let name = format!("run {} ({label})", run.key.short());
    match &run.outcome {
        Outcome::Complete => {
            let epochs = run.last_checkpoint().epoch.0;
            let accuracy = match run.history.last() {
                Some(EpochRecord { validation_accuracy: Some(accuracy), .. }) => {
                    format!(", validation accuracy {accuracy:.3}")
                }
                Some(record) => format!(", validation loss {:.3e}", record.validation_loss),
                None => String::new(),
            };
            format!("{name}: {}, {epochs} epochs{accuracy}", run.source.name())
        }
        Outcome::Diverged(divergence) => format!("{name}: {divergence}"),
        Outcome::Interrupted => format!("{name}: interrupted after {} epochs", run.history.len()),
        _ => format!("{name}: failed"),
    }
}

#[cfg(test)]
mod tests {
    use super::{approximately, clock};

    #[test]
    fn estimates_have_one_unit() {
        let said = [0.2, 7.4, 58.0, 150.0, 5600.0, 9000.0, 90_000.0].map(approximately);
        assert_eq!(said, ["a second", "7 s", "1 min", "2 min", "93 min", "2.5 h", "25.0 h"]);
    }

    #[test]
    fn time_left_is_short() {
        assert_eq!(clock(0.4), "0:00");
        assert_eq!(clock(75.0), "1:15");
        assert_eq!(clock(7265.0), "2 h 01 min");
        assert_eq!(clock(f64::INFINITY), "277777 h 46 min");
    }
}
