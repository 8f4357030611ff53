//! What a study and its runs share.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use concertina_store::{Incident, Store};

use crate::engine::Seats;
use crate::error::Result;
use crate::library::Library;
use crate::settings::Settings;

/// An open store, and the settings of the current request.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) store: Store,
    /// Whether the store is opened for reading only.
    pub(crate) read_only: bool,
    pub(crate) settings: Settings,
    /// The threads that all requests share.
    pub(crate) seats: Arc<Seats>,
    /// Damage that existed before, or has been reported.
    reported: Arc<Mutex<BTreeSet<Incident>>>,
}

impl Context {
    pub(crate) fn new(store: Store, read_only: bool, settings: Settings) -> Result<Self> {
        let reported = store.incidents()?.into_iter().collect();
        let seats = Arc::new(Seats::new(settings.jobs));
        Ok(Self { store, read_only, settings, seats, reported: Arc::new(Mutex::new(reported)) })
    }

    /// The same open store for another request.
    pub(crate) fn with_settings(&self, settings: Settings) -> Self {
        Self { settings, ..self.clone() }
    }

    /// The store seen as runs.
    pub(crate) fn library(&self) -> Library<'_> {
        let Self { store, read_only, settings, reported, .. } = self;
        Library { store, read_only: *read_only, settings, reported }
    }

    pub(crate) fn warn(&self, message: &str) {
        self.settings.warn(message);
    }
}
