//! What a study and its runs have in common.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use concertina_store::{Incident, Store};

use crate::error::Result;
use crate::library::Library;
use crate::settings::Settings;

/// An open store, and how it is worked with.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) store: Store,
    pub(crate) settings: Settings,
    /// Damage that was there before, or has been told of.
    told: Arc<Mutex<BTreeSet<Incident>>>,
}

impl Context {
    pub(crate) fn new(store: Store, settings: Settings) -> Result<Self> {
        let told = store.incidents()?.into_iter().collect();
        Ok(Self { store, settings, told: Arc::new(Mutex::new(told)) })
    }

    /// The store seen as runs.
    pub(crate) fn library(&self) -> Library<'_> {
        Library { store: &self.store, settings: &self.settings, told: &self.told }
    }

    pub(crate) fn warn(&self, message: &str) {
        self.settings.warn(message);
    }
}
