//! Ctrl-C: the first ends cleanly, the second at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::output::say;

/// A flag that the first Ctrl-C (or SIGTERM, as a cluster sends it before the time is up) sets; the second ends the process.
pub(crate) fn flag() -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let set = Arc::clone(&flag);
    let handled = ctrlc::set_handler(move || {
        if set.swap(true, Ordering::Relaxed) {
            std::process::exit(crate::INTERRUPTED.into());
        }
        say("stopping: epochs in progress come to their end, and what is done is kept (again: stop at once)");
    });
    if handled.is_err() {
        say("warning: Ctrl-C cannot be caught here; what is done is kept all the same");
    }
    flag
}
