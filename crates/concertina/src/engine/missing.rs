//! What the store lacks of a sweep, for executors that split the training over processes.

use concertina_model::params::ValidParams;
use concertina_store::Store;

use super::cost;
use super::training::{RunRequest, epochs_left};
use crate::error::Result;
use crate::library::import;
use crate::settings::Settings;

/// A run of a sweep that needs training, or further training.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Missing {
    /// Its place in the sweep, counting from 0.
    pub place: usize,
    /// What the remaining training may cost, in the unit of
    /// [`EventKind::Started`](crate::EventKind::Started). It is 0 where the missing weights need no training.
    pub work: f64,
}

/// The runs of which the store lacks something that training would keep.
pub(crate) fn missing(store: &Store, settings: &Settings, sweep: &[ValidParams]) -> Result<Vec<Missing>> {
    let mut all = Vec::new();
    for (place, params) in sweep.iter().enumerate() {
        let request = RunRequest { train: true, ..RunRequest::of(params, settings) };
        let folder = import::folder_of(store, settings.jobs, params);
        let folder = folder.unwrap_or_else(|_| store.run(&request.key));
        if let Some(epochs) = epochs_left(&folder, &request)? {
            let work = cost(params) * epochs as f64 / params.train.epochs.max(1) as f64;
            all.push(Missing { place, work });
        }
    }
    Ok(all)
}
