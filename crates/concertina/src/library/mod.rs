//! The library: the store as a collection of runs that can be listed, read, imported, exported, merged and
//! removed.

pub(crate) mod arrays;
pub(crate) mod columns;
pub(crate) mod export;
pub(crate) mod history;
pub(crate) mod import;
mod incoming;
pub(crate) mod known;
pub(crate) mod listing;
pub(crate) mod merge;
pub(crate) mod parameters;
pub(crate) mod progress;
pub(crate) mod provenance;
pub(crate) mod removal;
pub(crate) mod run_table;
mod sealed;
pub(crate) mod stored;
pub(crate) mod trials;
pub(crate) mod watch;

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use concertina_store::{Incident, Store};

use crate::error::Result;
use crate::settings::Settings;

/// The column that says to which checkpoint a row of an answer belongs.
pub(crate) const UPDATE: &str = "update";

/// The store as a collection of runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Library<'a> {
    pub(crate) store: &'a Store,
    /// Whether it is opened for reading only.
    pub(crate) read_only: bool,
    pub(crate) settings: &'a Settings,
    /// Damage that existed when the store was opened, or has been reported.
    pub(crate) reported: &'a Mutex<BTreeSet<Incident>>,
}

impl Library<'_> {
    /// The work that remains when runs may have changed: writes the run table, and reports files that were
    /// found damaged.
    pub(crate) fn after_work(&self) -> Result<()> {
        self.write_run_table()?;
        self.report_incidents()
    }

    /// Reports damaged files that were found since the study was opened, each once.
    pub(crate) fn report_incidents(&self) -> Result<()> {
        for incident in self.store.incidents()? {
            if self.reported.lock().unwrap_or_else(PoisonError::into_inner).insert(incident.clone()) {
                let what = match &incident.set_aside {
                    Some(place) => format!("set aside as {}", place.display()),
                    None => "left where it is".to_owned(),
                };
                self.settings.warn(&format!(
                    "damaged file, {what}: {}: {}",
                    incident.reason,
                    incident.path.display()
                ));
            }
        }
        Ok(())
    }
}
