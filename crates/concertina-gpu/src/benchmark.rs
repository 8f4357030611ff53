//! How fast a device trains.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use concertina_model::Error as ModelError;
use concertina_model::params::ValidParams;

use crate::cohort::{Beginning, Cohort};
use crate::device::Device;
use crate::error::Result;
use crate::faults;

/// Updates per second, over all networks, of this many networks that are trained together. Compiling the
/// kernels and the first epoch are not counted. It takes at least `time`, and at least an epoch.
///
/// # Errors
/// As [`Cohort::new`]; the inner result has why the runs cannot begin, or cannot continue.
pub fn updates_per_second(
    device: &Arc<Device>,
    params: &ValidParams,
    networks: usize,
    threads: usize,
    time: Duration,
) -> Result<Result<f64, ModelError>> {
    let beginnings = (0..networks.max(1)).map(|_| Beginning { params, state: None }).collect();
    let mut cohort = match Cohort::new(Arc::clone(device), beginnings, threads)? {
        Ok(cohort) => cohort,
        Err((_, error)) => return Ok(Err(error)),
    };
    let wanted = vec![Some(BTreeSet::new()); cohort.len()];
    let mut begin = Instant::now();
    let mut epochs = 0;
    loop {
        let outcomes = cohort.train_epoch(&wanted)?;
        if let Some(error) = outcomes.into_iter().flatten().find_map(|outcome| outcome.record.err()) {
            return Ok(Err(error));
        }
        match epochs {
            0 => begin = Instant::now(),
            _ if begin.elapsed() >= time => {
                if let Some(rate) = faults::rate() {
                    return Ok(Ok(rate));
                }
                let updates = epochs * params.updates_per_epoch() * cohort.len() as u64;
                return Ok(Ok(updates as f64 / begin.elapsed().as_secs_f64()));
            }
            _ => {}
        }
        epochs += 1;
    }
}
