//! What happens while a study works, for an observer: a progress bar, a log, a viewer.

use std::time::{SystemTime, UNIX_EPOCH};

use concertina_model::Checkpoint;
use concertina_model::trainer::EpochRecord;
use concertina_store::RunKey;
use serde::{Serialize, Serializer};

use crate::record::{self, RunRecord};

/// Watches a study at work.
///
/// Called from the threads that work, at the ends of epochs, so it should be quick; it can change nothing.
pub trait Observer: Send + Sync {
    /// Something happened.
    fn observe(&self, event: &Event);
}

/// Something that happened, and when. A plain value: it can be kept, sent elsewhere, or written down as JSON,
/// an object each:
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use concertina::prelude::*;
/// use concertina::{Event, Observer};
///
/// #[derive(Default)]
/// struct Log(Mutex<Vec<Event>>);
///
/// impl Observer for Log {
///     fn observe(&self, event: &Event) {
///         self.0.lock().expect("nobody panics").push(event.clone());
///     }
/// }
///
/// # let folder = tempfile::tempdir()?;
/// # let mut params = Params::default();
/// # (params.network.units, params.task.input_dim, params.train.epochs) = (16, 6, 1);
/// # (params.task.clusters, params.task.train_samples) = (8, 40);
/// let log = Arc::new(Log::default());
/// let study = Study::builder(folder.path()).observer(log.clone()).open()?;
/// study.train(&params.check()?.into())?;
/// let log = log.0.lock().expect("nobody panics");
/// let kinds: Vec<_> = log.iter().map(|event| serde_json::json!(event)["event"].clone()).collect();
/// assert_eq!(kinds, ["started", "trained", "finished"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Event {
    /// When. As JSON: seconds since the beginning of 1970, in UTC.
    #[serde(serialize_with = "seconds")]
    pub time: SystemTime,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

impl Event {
    /// Something that happens now.
    pub(crate) fn now(kind: EventKind) -> Self {
        Self { time: SystemTime::now(), kind }
    }
}

/// What happened.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum EventKind {
    /// Work begins on so many runs; `work` is the sum of what their training may cost, in the unit of
    /// [`EventKind::Trained`].
    Started {
        /// How many runs.
        runs: usize,
        /// What their training may cost.
        work: f64,
    },
    /// Another process trains this run; its results are waited for.
    Waiting {
        /// The run.
        #[serde(serialize_with = "record::as_text")]
        run: RunKey,
    },
    /// An epoch of a run was trained.
    Trained {
        /// The run.
        #[serde(serialize_with = "record::as_text")]
        run: RunKey,
        /// What was written down.
        record: EpochRecord,
        /// What it cost, of all the work.
        work: f64,
    },
    /// A run is there, up to where it was asked for, or failed.
    Finished {
        /// The run.
        run: Box<RunRecord>,
        /// What is left of its work and need not be done.
        saved: f64,
    },
    /// So many analyses of a run were asked for, of which some were in the store.
    Asked {
        /// The run.
        #[serde(serialize_with = "record::as_text")]
        run: RunKey,
        /// To be computed.
        missing: usize,
        /// In the store.
        loaded: usize,
    },
    /// An analysis at a checkpoint was computed. One that looks at several checkpoints at once is told of at
    /// each of them.
    Analysed {
        /// The run.
        #[serde(serialize_with = "record::as_text")]
        run: RunKey,
        /// The checkpoint.
        #[serde(serialize_with = "record::as_numbers")]
        checkpoint: Checkpoint,
        /// The name of the analysis.
        analysis: String,
        /// How many rows it found, or why it found none.
        result: Result<usize, String>,
    },
    /// Something that the user should know and that stops nothing.
    Warning {
        /// What it is.
        message: String,
    },
}

fn seconds<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64())
}

/// An observer that looks away.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn observe(&self, _: &Event) {}
}
