//! Ctrl-C and the signals of a cluster. The first one ends the program cleanly; a second Ctrl-C or
//! termination signal ends it immediately.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use crate::output::say;

/// A flag that is set when the process is asked to stop: by Ctrl-C, SIGTERM or SIGHUP, of which the second
/// ends the process immediately; or by SIGUSR1, SIGUSR2 or SIGXCPU, which a cluster sends before the time is
/// up and which may be repeated.
///
/// There is one flag per process: a command that runs another one stops with it.
pub(crate) fn flag() -> Arc<AtomicBool> {
    flag_that_says(
        "stopping: epochs in progress are finished, and their results are kept (Ctrl-C again: stop immediately)",
    )
}

/// The same flag, for a command that says something else when it is set. The first call counts.
pub(crate) fn flag_that_says(message: &'static str) -> Arc<AtomicBool> {
    static FLAG: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    Arc::clone(FLAG.get_or_init(|| watched(message)))
}

fn watched(message: &'static str) -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let mut asked = Asked { flag: Arc::clone(&flag), message, to_end: false };
    if watch(move |ends| asked.again(ends)).is_err() {
        say("warning: Ctrl-C and signals cannot be caught here; finished work is kept nevertheless");
    }
    flag
}

/// How the process has been asked to stop so far.
struct Asked {
    flag: Arc<AtomicBool>,
    message: &'static str,
    /// By something that ends a process, not only by a warning.
    to_end: bool,
}

impl Asked {
    /// Called when the process is asked to stop. If `ends` is given twice, the process ends immediately.
    fn again(&mut self, ends: bool) {
        if ends && std::mem::replace(&mut self.to_end, true) {
            std::process::exit(crate::INTERRUPTED.into());
        }
        if !self.flag.swap(true, Ordering::Relaxed) {
            say(self.message);
        }
    }
}

/// Calls `asked` at every signal, from a separate thread.
#[cfg(unix)]
fn watch(mut asked: impl FnMut(bool) + Send + 'static) -> io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGXCPU};
    let mut signals =
        signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU])?;
    let wait =
        move || signals.forever().for_each(|signal| asked([SIGINT, SIGTERM, SIGHUP].contains(&signal)));
    std::thread::Builder::new().name("signals".to_owned()).spawn(wait).map(drop)
}

#[cfg(not(unix))]
fn watch(mut asked: impl FnMut(bool) + Send + 'static) -> io::Result<()> {
    ctrlc::set_handler(move || asked(true)).map_err(io::Error::other)
}
