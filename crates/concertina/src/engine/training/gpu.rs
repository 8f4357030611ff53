//! Cohorts of runs on a GPU.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use concertina_gpu::{Beginning, Cohort as GpuCohort, Device, Error as DeviceError};
use concertina_model::network::TrainedWeights;
use concertina_model::trainer::{EpochRecord, TrainingState};
use concertina_model::{Checkpoint, Update};

use super::cohort::{Cohort, TrainedEpoch};
use super::session::Trained;
use super::{Making, Pass, train};
use crate::error::{Error, Result};

fn failed(error: &DeviceError) -> Error {
    Error::Device { message: error.to_string() }
}

impl Cohort for GpuCohort {
    fn train_epoch(&mut self, wanted: &[Option<BTreeSet<Update>>]) -> Result<Vec<Option<TrainedEpoch>>> {
        let begin = Instant::now();
        let outcomes = self.train_epoch(wanted).map_err(|error| failed(&error))?;
        // Each run has its share of the time.
        let time = begin.elapsed() / outcomes.iter().flatten().count().max(1) as u32;
        let epoch = |outcome: concertina_gpu::EpochOutcome| TrainedEpoch {
            record: outcome.record,
            met: outcome.met,
            time,
        };
        Ok(outcomes.into_iter().map(|outcome| outcome.map(epoch)).collect())
    }

    fn checkpoint(&self, run: usize) -> Checkpoint {
        self.checkpoint(run)
    }

    fn history(&self, run: usize) -> &[EpochRecord] {
        self.history(run)
    }

    fn weights(&self, run: usize) -> Result<TrainedWeights> {
        self.weights(run).map_err(|error| failed(&error))
    }

    fn state(&self, run: usize) -> Result<TrainingState> {
        self.state(run).map_err(|error| failed(&error))
    }

    fn device(&self) -> Option<String> {
        let info = self.device().info();
        Some(format!("{} ({}, {})", info.name, info.backend, info.driver))
    }
}

/// Trains runs in one pass, together.
pub(super) fn train_passes(passes: &mut [(&mut Making<'_, '_>, &mut Pass)]) -> Vec<Result<Trained>> {
    let Some((first, _)) = passes.first() else { return Vec::new() };
    match Device::open(first.site.settings.device.number()) {
        Ok(device) => train_on(&device, passes),
        Err(error) => passes.iter().map(|_| Err(failed(&error))).collect(),
    }
}

/// Trains as many runs together as the device has memory for: all, or one half after the other.
fn train_on(device: &Arc<Device>, passes: &mut [(&mut Making<'_, '_>, &mut Pass)]) -> Vec<Result<Trained>> {
    let Some((first, _)) = passes.first() else { return Vec::new() };
    let threads = first.site.settings.jobs;
    let mut sessions = Vec::with_capacity(passes.len());
    for (making, pass) in passes.iter_mut() {
        sessions.push(making.session(pass));
    }
    let mut states = Vec::with_capacity(sessions.len());
    for session in &sessions {
        match session.stored_state() {
            Ok(state) => states.push(state),
            Err(error) => {
                let at = states.len();
                drop(sessions);
                return without(device, passes, at, error);
            }
        }
    }
    loop {
        let beginnings = sessions.iter().zip(&states);
        let beginnings =
            beginnings.map(|(session, state)| Beginning { params: session.params(), state: state.clone() });
        match GpuCohort::new(Arc::clone(device), beginnings.collect(), threads) {
            Ok(Ok(mut cohort)) => return train(&mut cohort, sessions),
            Ok(Err((at, error))) => match states[at].take() {
                Some(_) => sessions[at].begins_again(&error),
                None => {
                    drop(sessions);
                    return without(device, passes, at, error.into());
                }
            },
            Err(DeviceError::OutOfMemory { .. }) if sessions.len() > 1 => break,
            Err(error) => return sessions.iter().map(|_| Err(failed(&error))).collect(),
        }
    }
    drop(sessions);
    let half = passes.len() / 2;
    let (first, second) = passes.split_at_mut(half);
    let mut trained = train_on(device, first);
    trained.extend(train_on(device, second));
    trained
}

/// Trains all runs but one, which failed.
fn without(
    device: &Arc<Device>,
    passes: &mut [(&mut Making<'_, '_>, &mut Pass)],
    at: usize,
    error: Error,
) -> Vec<Result<Trained>> {
    let (before, rest) = passes.split_at_mut(at);
    let mut trained = train_on(device, before);
    trained.push(Err(error));
    trained.extend(train_on(device, &mut rest[1..]));
    trained
}
