//! Whether the store has everything that is demanded of a run.

use concertina_store::Store;

use super::outlook::Ahead;
use super::question::Demand;
use super::training::{RunRequest, epochs_left};
use crate::error::Result;
use crate::library::import;
use crate::settings::Settings;

/// What the store lacks of a demand; `None` if it lacks nothing. Nothing is changed.
pub(crate) fn lacks(store: &Store, settings: &Settings, demand: &Demand<'_>) -> Result<Option<Ahead>> {
    let mut ahead = match demand.questions.is_empty() {
        true => Ahead::default(),
        false => Ahead::of(store, settings, demand)?,
    };
    let mut complete = ahead.is_nothing();
    if demand.train {
        let request = demand.request(settings);
        let folder = import::folder_of(store, settings.jobs, demand.params);
        let folder = folder.unwrap_or_else(|_| store.run(&request.key));
        if let Some(epochs) = epochs_left(&folder, &RunRequest { train: true, ..request })? {
            ahead.epochs = ahead.epochs.max(epochs);
            complete = false;
        }
    }
    Ok((!complete).then_some(ahead))
}
