//! What happens while a study works, for whoever wants to watch: a progress bar, a log, a viewer.

use concertina_model::trainer::EpochRecord;

use crate::record::RunRecord;

/// Watches a study at work.
///
/// Called from the threads that work, at the ends of epochs, so it should be quick; it can change nothing.
pub trait Observer: Send + Sync {
    /// Something happened.
    fn observe(&self, event: &Event<'_>);
}

/// What happened.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Event<'a> {
    /// Work begins on so many runs; `work` is the sum of what their training may cost, in the unit of [`Event::Trained`].
    Started {
        /// How many runs.
        runs: usize,
        /// What their training may cost.
        work: f64,
    },
    /// Another process trains this run; its results are waited for.
    Waiting {
        /// The run.
        run: &'a str,
    },
    /// An epoch of a run was trained.
    Trained {
        /// The run.
        run: &'a str,
        /// What was written down.
        record: &'a EpochRecord,
        /// What it cost, of all the work.
        work: f64,
    },
    /// A run is there, up to where it was asked for, or failed.
    Finished {
        /// The run.
        run: &'a RunRecord,
        /// What is left of its work and need not be done.
        saved: f64,
    },
    /// So many analyses were asked for, of which some were in the store.
    Asked {
        /// To be computed.
        missing: usize,
        /// In the store.
        loaded: usize,
    },
    /// An analysis at a checkpoint was computed.
    Analysed {
        /// Its name.
        analysis: &'static str,
    },
    /// Something that the user should know and that stops nothing.
    Warning {
        /// What it is.
        message: &'a str,
    },
}

/// An observer that looks away.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn observe(&self, _: &Event<'_>) {}
}
