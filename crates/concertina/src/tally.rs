//! What a study has done so far, counted from its events and described in words.

use std::time::{Duration, Instant};

use concertina_model::trainer::EpochRecord;

use crate::event::{Event, EventKind};
use crate::library::listing::run_label;
use crate::record::{Outcome, RunRecord, Source};

/// What a study has done so far, counted from its events, for a progress bar or a summary at the end.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use concertina::prelude::*;
/// use concertina::{Event, Observer, Tally};
///
/// #[derive(Default)]
/// struct Bar(Mutex<Tally>);
///
/// impl Observer for Bar {
///     fn observe(&self, event: &Event) {
///         let mut tally = self.0.lock().expect("no thread panics");
///         tally.observe(event);
///         eprintln!("{:3.0}% {}", 100.0 * tally.fraction(), tally.message());
///     }
/// }
///
/// # let folder = tempfile::tempdir()?;
/// # let mut params = Params::default();
/// # (params.network.units, params.task.input_dim, params.train.epochs) = (16, 6, 1);
/// # (params.task.clusters, params.task.train_samples) = (8, 40);
/// let bar = Arc::new(Bar::default());
/// let study = Study::builder(folder.path()).observer(bar.clone()).open()?;
/// study.train(&params.check()?.into())?;
/// let tally = bar.0.lock().expect("no thread panics");
/// assert_eq!((tally.fraction(), tally.trained), (1.0, 1));
/// assert!(tally.summary().starts_with("1 run: 1 trained, 0 loaded; "));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Tally {
    /// Runs that were asked for.
    pub runs: usize,
    /// Runs that the store had.
    pub loaded: usize,
    /// Runs that were trained, or diverged.
    pub trained: usize,
    /// Runs that failed.
    pub failed: usize,
    /// Runs that were interrupted.
    pub interrupted: usize,
    /// Epochs that were trained.
    pub epochs: u64,
    /// What training all runs may cost, in the unit of [`EventKind::Started`].
    pub work: f64,
    /// The part of that work that was done.
    pub done: f64,
    /// The part of that work that need not be done.
    pub saved: f64,
    /// Analyses to be computed, each at one checkpoint.
    pub asked: usize,
    /// Analyses that were computed.
    pub analysed: usize,
    start: Instant,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
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
            start: Instant::now(),
        }
    }
}

impl Tally {
    /// An empty tally. Its clock starts now.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts the clock again.
    pub fn restart_clock(&mut self) {
        self.start = Instant::now();
    }

    /// Counts an event.
    pub fn observe(&mut self, event: &Event) {
        match &event.kind {
            EventKind::Started { runs, work } => {
                self.runs += runs;
                self.work += work;
            }
            EventKind::Trained { work, .. } => {
                self.epochs += 1;
                self.done += work;
            }
            EventKind::Finished { run, saved } => {
                self.saved += saved;
                match (&run.outcome, run.source) {
                    (Outcome::Interrupted, _) => self.interrupted += 1,
                    (Outcome::Failed { .. }, _) => self.failed += 1,
                    (_, Source::Loaded) => self.loaded += 1,
                    _ => self.trained += 1,
                }
            }
            EventKind::Asked { missing, .. } => self.asked += missing,
            EventKind::Analysed { .. } => self.analysed += 1,
            _ => {}
        }
    }

    /// How much of the training is done, from 0 to 1.
    pub fn fraction(&self) -> f64 {
        let fraction = if self.work > 0.0 { (self.done + self.saved) / self.work } else { 1.0 };
        fraction.clamp(0.0, 1.0)
    }

    /// The current state, to show beside a bar: `3/10 runs, 2 loaded, 1 trained, 41 epochs/s, 0:20 left`.
    pub fn message(&self) -> String {
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

    /// A summary at the end: `10 runs: 7 trained, 2 loaded, 1 failed, 20 analyses computed; 31.2 s`.
    pub fn summary(&self) -> String {
        let analysed = match self.asked {
            0 => String::new(),
            _ => format!(", {} analyses computed", self.analysed),
        };
        let seconds = self.start.elapsed().as_secs_f64();
        let Self { runs, loaded, trained, failed, interrupted, .. } = self;
        let plural = if *runs == 1 { "" } else { "s" };
        let some = |count: usize, what: &str| {
            if count > 0 { format!(", {count} {what}") } else { String::new() }
        };
        let (failed, interrupted) = (some(*failed, "failed"), some(*interrupted, "interrupted"));
        format!(
            "{runs} run{plural}: {trained} trained, {loaded} loaded{failed}{interrupted}{analysed}; {seconds:.1} s"
        )
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

/// A finished run in one line:
/// `run 1a2b3c4d (gain 250, seed 3): trained, 120 epochs, validation accuracy 0.987`.
pub fn describe(run: &RunRecord, varied: &[&'static str]) -> String {
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
    use super::clock;

    #[test]
    fn time_left_is_written_briefly() {
        assert_eq!(clock(0.4), "0:00");
        assert_eq!(clock(75.0), "1:15");
        assert_eq!(clock(7265.0), "2 h 01 min");
        assert_eq!(clock(f64::INFINITY), "277777 h 46 min");
    }
}
