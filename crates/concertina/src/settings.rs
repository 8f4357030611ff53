//! The settings of one request, as opposed to those of the store that serves it.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::device::DeviceChoice;
use crate::event::{Event, EventKind, Observer, Unobserved};
use crate::time_limit::TimeLimit;

/// Which checkpoints a store keeps. Checkpoints that are not kept are computed again when asked for,
/// bit-for-bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Keep {
    /// Those of the run's schedule (`train.saves_per_epoch`), and those that an analysis asks for.
    #[default]
    All,
    /// Those that an analysis needs several of together; of runs that are only trained, the first and the
    /// last. A checkpoint that analyses look at by itself during training is not kept: its results are
    /// remembered, and the state to resume from holds the last one.
    Needed,
    /// The first and the last.
    Ends,
}

/// How one request is served: the number of threads, the checkpoints to keep, the observer, and a flag to
/// stop it.
///
/// An open store serves several requests at the same time, each with its own settings:
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicBool, Ordering};
/// use concertina::prelude::*;
/// use concertina::Settings;
///
/// # let folder = tempfile::tempdir()?;
/// # let mut params = Params::default();
/// # (params.network.units, params.task.input_dim, params.train.epochs) = (16, 6, 1);
/// # (params.task.clusters, params.task.train_samples) = (8, 40);
/// # let sweep = params.check()?.into();
/// let study = Study::open(folder.path())?;
/// let stop = Arc::new(AtomicBool::new(false));
/// let other = study.with_settings(Settings::default().cancel(Arc::clone(&stop)));
/// stop.store(true, Ordering::Relaxed);
/// assert_eq!(*other.train(&sweep)?.first().outcome(), Outcome::Interrupted);
/// assert_eq!(*study.train(&sweep)?.first().outcome(), Outcome::Complete);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[must_use = "settings have an effect on a study that is opened or continued with them"]
pub struct Settings {
    pub(crate) jobs: usize,
    pub(crate) keep: Option<Keep>,
    pub(crate) rerun: bool,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) cancel: Arc<AtomicBool>,
    pub(crate) time_limit: Option<Arc<TimeLimit>>,
    pub(crate) device: DeviceChoice,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            jobs: std::thread::available_parallelism().map_or(1, usize::from),
            keep: None,
            rerun: false,
            observer: Arc::new(Unobserved),
            cancel: Arc::new(AtomicBool::new(false)),
            time_limit: None,
            device: DeviceChoice::Cpu,
        }
    }
}

impl Settings {
    /// How many runs are trained or analysed side by side; the number of cores unless given. Results do not
    /// depend on it.
    pub fn jobs(mut self, jobs: NonZeroUsize) -> Self {
        self.jobs = jobs.get();
        self
    }

    /// Which checkpoints the store keeps: [`Keep::All`] unless given, [`Keep::Needed`] for figures.
    pub fn keep(mut self, keep: Keep) -> Self {
        self.keep = Some(keep);
        self
    }

    /// Whether runs that are in the store are trained again and compared, bit-for-bit; see
    /// [`Run::comparison`](crate::Run::comparison).
    pub fn rerun(mut self, rerun: bool) -> Self {
        self.rerun = rerun;
        self
    }

    /// The observer of what happens.
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = observer;
        self
    }

    /// A flag that requests a stop when it is set. Runs in training finish their current epoch and are kept.
    pub fn cancel(mut self, flag: Arc<AtomicBool>) -> Self {
        self.cancel = flag;
        self
    }

    /// A limit on the time of the work, from now on. No epoch is begun that cannot be published before the
    /// limit, as far as the times of earlier epochs tell. What is left then counts as interrupted, and is
    /// continued by the next request.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = Some(Arc::new(TimeLimit::new(limit)));
        self
    }

    /// The device that trains runs; the CPU unless given. Runs that are trained on a GPU have other bits, and
    /// therefore other keys: their parameter `train.arithmetic` is `gpu`.
    pub fn device(mut self, device: DeviceChoice) -> Self {
        self.device = device;
        self
    }

    pub(crate) fn cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed) || self.time_limit.as_ref().is_some_and(|limit| limit.is_over())
    }

    /// Whether there is time for an epoch of this work.
    pub(crate) fn has_time_for(&self, work: f64) -> bool {
        self.time_limit.as_ref().is_none_or(|limit| limit.allows(work))
    }

    /// Sends an event that happens now to the observer.
    pub(crate) fn tell(&self, kind: EventKind) {
        self.observer.observe(&Event::now(kind));
    }

    pub(crate) fn note(&self, message: &str) {
        self.tell(EventKind::Note { message: message.to_owned() });
    }

    pub(crate) fn warn(&self, message: &str) {
        self.tell(EventKind::Warning { message: message.to_owned() });
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("jobs", &self.jobs)
            .field("keep", &self.keep)
            .field("rerun", &self.rerun)
            .field("device", &self.device)
            .finish_non_exhaustive()
    }
}
