//! Progress on standard error: a bar where there is a terminal, and one line per run everywhere.

use std::io::IsTerminal;
use std::sync::{Mutex, MutexGuard, PoisonError};

use concertina::{Event, EventKind, Observer, Outcome, Source, Tally, describe};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::say;

/// Steps of the bar: more than a terminal has columns.
const STEPS: u64 = 1000;

/// How much to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Talk {
    /// Nothing but warnings.
    Quiet,
    /// Progress.
    Normal,
    /// Also what was loaded.
    Verbose,
}

/// Prints warnings and nothing else.
pub(crate) struct Warnings;

impl Observer for Warnings {
    fn observe(&self, event: &Event) {
        if let EventKind::Warning { message } = &event.kind {
            say(&format!("warning: {message}"));
        }
    }
}

/// Shows the progress of a study.
pub(crate) struct Progress {
    talk: Talk,
    /// The parameters that distinguish runs.
    varied: Vec<&'static str>,
    bar: Option<ProgressBar>,
    tally: Mutex<Tally>,
}

impl Progress {
    pub(crate) fn new(talk: Talk, varied: &[&'static str]) -> Self {
        let shown = talk != Talk::Quiet && std::io::stderr().is_terminal();
        let bar = shown.then(|| bar(STEPS));
        Self { talk, varied: varied.to_vec(), bar, tally: Mutex::default() }
    }

    /// Starts the clock.
    pub(crate) fn begin(&self) {
        self.tally().restart_clock();
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Prints a line above the bar.
    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| say(text)),
            None => say(text),
        }
    }

    fn draw(&self, tally: &Tally) {
        let Some(bar) = &self.bar else { return };
        bar.set_position((tally.fraction() * STEPS as f64) as u64);
        bar.set_message(tally.message());
    }

    /// Removes the bar, and prints a summary.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let tally = self.tally();
        if self.talk != Talk::Quiet && tally.runs > 0 {
            say(&tally.summary());
        }
    }
}

/// A bar on standard error.
pub(crate) fn bar(steps: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(steps), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("[{bar:30}] {msg}") {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}

/// An estimated number of seconds, with no more digits than it is worth.
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
        let mut tally = self.tally();
        tally.observe(event);
        match &event.kind {
            EventKind::Finished { run, .. } => {
                let told = match self.talk {
                    Talk::Quiet => false,
                    Talk::Normal => run.source != Source::Loaded || !matches!(run.outcome, Outcome::Complete),
                    Talk::Verbose => true,
                };
                if told {
                    self.line(&describe(run, &self.varied));
                }
            }
            EventKind::Waiting { run } if self.talk != Talk::Quiet => {
                self.line(&format!("run {}: another process is training it; waiting", run.short()));
            }
            EventKind::Note { message } if self.talk != Talk::Quiet => self.line(&format!("note: {message}")),
            EventKind::Warning { message } => self.line(&format!("warning: {message}")),
            _ => {}
        }
        self.draw(&tally);
    }
}

#[cfg(test)]
mod tests {
    use super::approximately;

    #[test]
    fn estimates_have_one_unit() {
        let said = [0.2, 7.4, 58.0, 150.0, 5600.0, 9000.0, 90_000.0].map(approximately);
        assert_eq!(said, ["a second", "7 s", "1 min", "2 min", "93 min", "2.5 h", "25.0 h"]);
    }
}
