//! How a study works.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use concertina_store::StoreOptions;

use crate::event::{Event, EventKind, Observer, Unobserved};

/// Which checkpoints a store keeps. What is not kept and asked for later is computed again, to the bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Keep {
    /// Those of the run's schedule, `train.saves_per_epoch`, and those that an analysis asks for.
    #[default]
    All,
    /// None that analyses only look at once, while training passes by: what they found is remembered, and the state to resume from holds
    /// the last. Those that an analysis needs several of at once; of runs that are only trained, the first and the last.
    Needed,
    /// The first and the last.
    Ends,
}

/// How a study works; see [`Study::builder`](crate::Study::builder).
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) root: PathBuf,
    pub(crate) store: StoreOptions,
    pub(crate) jobs: usize,
    pub(crate) keep: Option<Keep>,
    pub(crate) rerun: bool,
    /// Whether the store is only read.
    pub(crate) read_only: bool,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) cancel: Arc<AtomicBool>,
}

impl Settings {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self {
            root,
            store: StoreOptions::new(),
            jobs: std::thread::available_parallelism().map_or(1, usize::from),
            keep: None,
            rerun: false,
            read_only: false,
            observer: Arc::new(Unobserved),
            cancel: Arc::new(AtomicBool::new(false)),
        }
    }

    pub(crate) fn cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }

    /// Tells the observer of what happens now.
    pub(crate) fn tell(&self, kind: EventKind) {
        self.observer.observe(&Event::now(kind));
    }

    pub(crate) fn warn(&self, message: &str) {
        self.tell(EventKind::Warning { message: message.to_owned() });
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("root", &self.root)
            .field("jobs", &self.jobs)
            .field("keep", &self.keep)
            .field("rerun", &self.rerun)
            .finish_non_exhaustive()
    }
}
