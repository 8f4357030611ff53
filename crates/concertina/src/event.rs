//! What happens while a study works, for an observer: a progress bar, a log, a viewer.

use std::time::{SystemTime, UNIX_EPOCH};

use concertina_model::Checkpoint;
use concertina_model::trainer::EpochRecord;
use concertina_store::RunKey;
use serde::{Serialize, Serializer};

use crate::record::{self, RunRecord};

/// Watches a study at work.
///
/// It is called from the working threads at the end of epochs, so it should be quick. It cannot change
/// anything.
pub trait Observer: Send + Sync {
    /// Something happened.
    fn observe(&self, event: &Event);
}

/// Something that happened, and when. It is a plain value that can be kept, sent elsewhere, or written as
/// JSON, one object per event:
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
///         self.0.lock().expect("no thread panics").push(event.clone());
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
/// let log = log.0.lock().expect("no thread panics");
/// let kinds: Vec<_> = log.iter().map(|event| serde_json::json!(event)["event"].clone()).collect();
/// assert_eq!(kinds, ["started", "trained", "finished"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Event {
    /// When it happened. In JSON: seconds since the beginning of 1970, in UTC.
    #[serde(serialize_with = "seconds")]
    pub time: SystemTime,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

impl Event {
    /// An event that happens now.
    pub(crate) fn now(kind: EventKind) -> Self {
        Self { time: SystemTime::now(), kind }
    }
}

/// What happened.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum EventKind {
    /// Work begins on some runs. `work` is the sum of what their training may cost, in the unit of
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
        /// What was recorded of the epoch.
        record: EpochRecord,
        /// Its share of all the work.
        work: f64,
    },
    /// A run is available up to where it was asked for, or it failed.
    Finished {
        /// The run.
        run: Box<RunRecord>,
        /// The part of its work that need not be done.
        saved: f64,
    },
    /// Analyses of a run were asked for, some of which were in the store.
    Asked {
        /// The run.
        #[serde(serialize_with = "record::as_text")]
        run: RunKey,
        /// How many are to be computed.
        missing: usize,
        /// How many were in the store.
        loaded: usize,
    },
    /// An analysis at a checkpoint was computed. An analysis of several checkpoints together is reported once
    /// for each of them.
    Analysed {
        /// The run.
        #[serde(serialize_with = "record::as_text")]
        run: RunKey,
        /// The checkpoint.
        #[serde(serialize_with = "record::as_numbers")]
        checkpoint: Checkpoint,
        /// The name of the analysis.
        analysis: String,
        /// How many rows it gave, or why it gave none.
        result: Result<usize, String>,
    },
    /// A choice that was made for the user, and its reason.
    Note {
        /// What it is.
        message: String,
    },
    /// Something that the user should know, but that does not stop the work.
    Warning {
        /// What it is.
        message: String,
    },
}

fn seconds<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64())
}

/// An observer that ignores all events.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn observe(&self, _: &Event) {}
}
