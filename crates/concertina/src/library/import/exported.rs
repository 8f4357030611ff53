//! Archives that `runs export` wrote: the stacked checkpoints of one run, with its parameters.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use concertina_arrays::{Arrays, Member, read_member};
use concertina_model::Checkpoint;
use concertina_model::network::Weights;
use concertina_model::params::Params;
use concertina_model::task::TrialArrays;
use ndarray::{ArrayD, Axis};

use super::super::sealed::{HISTORY, PARAMS, SEAL, STATE, Seal, Sealed, TRIALS};
use crate::error::{Error, Result};

/// A run that was exported.
pub(super) struct Archive {
    /// Its parameters, unless the run had lost them.
    pub(super) params: Option<Params>,
    /// Its checkpoints, in the order in which they are stacked.
    pub(super) checkpoints: Vec<Checkpoint>,
    /// What makes it the same run again, or the reason why it cannot be that; `None` if its version did not
    /// write this, or if the run is an imported network.
    pub(super) seal: Option<std::result::Result<Opened, String>>,
    arrays: Arrays,
}

/// A seal whose hash is right, and the arrays that it covers.
pub(super) struct Opened {
    pub(super) seal: Seal,
    pub(super) arrays: BTreeMap<String, ArrayD<f32>>,
}

impl Opened {
    /// The arrays whose names begin so, without that beginning.
    pub(super) fn below(&self, beginning: &str) -> BTreeMap<String, ArrayD<f32>> {
        below(beginning, &self.arrays)
    }
}

fn below(beginning: &str, arrays: &BTreeMap<String, ArrayD<f32>>) -> BTreeMap<String, ArrayD<f32>> {
    let plain = |name: &String| Some(name.strip_prefix(beginning)?.to_owned());
    arrays.iter().filter_map(|(name, array)| Some((plain(name)?, array.clone()))).collect()
}

/// The arrays of floating-point numbers with these names, in single precision.
fn singles(arrays: &Arrays, is_chosen: impl Fn(&str) -> bool) -> BTreeMap<String, ArrayD<f32>> {
    let chosen = arrays.iter().filter(|(name, _)| is_chosen(name));
    let numbers = chosen.filter_map(|(name, member)| match member {
        Member::Numbers(array) => Some((name.clone(), array.mapv(|number| number as f32))),
        _ => None,
    });
    numbers.collect()
}

impl Archive {
    /// The archive in a file with these arrays; `None` if the file is something else.
    pub(super) fn of(path: &Path, arrays: &Arrays, bytes: &[u8]) -> Result<Option<Self>> {
        let failed = |source| Error::Arrays { source, path: path.to_owned() };
        let Some(checkpoints) = checkpoints(arrays) else { return Ok(None) };
        let is_stack = |name: &str, axes: usize| match arrays.get(name) {
            Some(Member::Numbers(array)) => {
                array.ndim() == axes && array.shape()[0] == checkpoints.len() && !checkpoints.is_empty()
            }
            _ => false,
        };
        if !is_stack(Weights::INPUT, 3) || !is_stack(Weights::READOUT, 3) {
            return Ok(None);
        }
        let text =
            read_member(bytes, PARAMS).map_err(failed)?.and_then(|bytes| String::from_utf8(bytes).ok());
        // It is `null` if the run's parameters were damaged.
        let text = text.filter(|text| text.trim() != "null");
        let mut params = match &text {
            Some(text) => Some(Params::from_json(text).map_err(|error| Error::from(error).in_file(path))?),
            None => None,
        };
        let seal = match (read_member(bytes, SEAL).map_err(failed)?, &text) {
            (Some(seal), Some(text)) => Some(opened(&seal, text, &checkpoints, arrays)),
            _ => None,
        };
        if let Some(params) = &mut params {
            let trials =
                TrialArrays::from_tensors(&below(TRIALS, &singles(arrays, |name| name.starts_with(TRIALS))))
                    .ok();
            params.task.take_trials(|name| trials.filter(|trials| trials.name() == name).map(Arc::new));
        }
        let weights = arrays.iter().filter(|(name, member)| {
            matches!(member, Member::Numbers(array) if array.ndim() > 1 && array.shape()[0] == checkpoints.len())
                && ![HISTORY, STATE, TRIALS].iter().any(|beginning| name.starts_with(beginning))
        });
        let arrays = weights.map(|(name, member)| (name.clone(), member.clone())).collect();
        Ok(Some(Self { params, checkpoints, seal, arrays }))
    }

    /// The arrays of one checkpoint.
    pub(super) fn at(&self, place: usize) -> Arrays {
        let slice = |member: &Member| match member {
            Member::Numbers(stack) => Member::Numbers(stack.index_axis(Axis(0), place).to_owned()),
            other => other.clone(),
        };
        self.arrays.iter().map(|(name, member)| (name.clone(), slice(member))).collect()
    }

    /// The last checkpoint's place.
    pub(super) fn last(&self) -> usize {
        let places = 0..self.checkpoints.len();
        places.max_by_key(|place| self.checkpoints[*place]).unwrap_or(0)
    }

    /// Whether its first checkpoint is the network before training, and not its only checkpoint.
    pub(super) fn starts(&self) -> bool {
        self.checkpoints[self.first()] == Checkpoint::START && self.first() != self.last()
    }

    /// The first checkpoint's place.
    pub(super) fn first(&self) -> usize {
        let places = 0..self.checkpoints.len();
        places.min_by_key(|place| self.checkpoints[*place]).unwrap_or(0)
    }
}

/// The checkpoints of an archive, if it lists them.
fn checkpoints(arrays: &Arrays) -> Option<Vec<Checkpoint>> {
    let counters = |name: &str| match arrays.get(name) {
        Some(Member::Integers(array)) if array.ndim() == 1 => Some(array),
        _ => None,
    };
    let (epochs, updates) = (counters("epoch")?, counters("update")?);
    if epochs.len() != updates.len() {
        return None;
    }
    let one = |(epoch, update): (&i64, &i64)| {
        Some(Checkpoint::new(u64::try_from(*epoch).ok()?, u64::try_from(*update).ok()?))
    };
    epochs.iter().zip(updates).map(one).collect()
}

/// The seal with this text, if it is right.
fn opened(
    seal: &[u8],
    params: &str,
    checkpoints: &[Checkpoint],
    arrays: &Arrays,
) -> std::result::Result<Opened, String> {
    let content = Sealed { params, checkpoints, arrays: singles(arrays, |name| !name.starts_with(HISTORY)) };
    Seal::opened(seal, content).map(|(seal, arrays)| Opened { seal, arrays })
}
