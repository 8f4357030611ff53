//! Where the trials of `task.kind = trials` come from.

use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{TaskKind, TaskParams, TrialsName};
use crate::error::{Error, Result};
use crate::task::TrialArrays;

/// Where the trials of `task.kind = trials` come from (`task.file`).
///
/// [`Params::check`](super::Params::check) reads the file; in [`ValidParams`](super::ValidParams) they are
/// [`TrialSource::Arrays`].
#[derive(Clone, Debug)]
pub enum TrialSource {
    /// A file that [`TrialArrays::read`] can read. A relative path is relative to the current folder.
    File(PathBuf),
    /// The name of trials in a store. [`TaskParams::take_trials`] replaces it with the trials.
    Stored(TrialsName),
    /// The trials themselves.
    Arrays(Arc<TrialArrays>),
}

/// Trials and their name are equal.
impl PartialEq for TrialSource {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::File(one), Self::File(other)) => one == other,
            (one, other) => one.name().is_some() && one.name() == other.name(),
        }
    }
}

impl TrialSource {
    /// The name of the trials; `None` for a file, which has to be read first.
    pub fn name(&self) -> Option<TrialsName> {
        match self {
            Self::File(_) => None,
            Self::Stored(name) => Some(*name),
            Self::Arrays(arrays) => Some(arrays.name()),
        }
    }
}

impl From<TrialArrays> for TrialSource {
    fn from(arrays: TrialArrays) -> Self {
        Self::Arrays(Arc::new(arrays))
    }
}

impl FromStr for TrialSource {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(TrialsName::parse(text).map_or_else(|| Self::File(text.into()), Self::Stored))
    }
}

/// The path or the name, as it is written in a file of parameters.
impl fmt::Display for TrialSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Stored(name) => name.fmt(f),
            Self::Arrays(arrays) => arrays.name().fmt(f),
        }
    }
}

impl Serialize for TrialSource {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TrialSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let Ok(source) = text.parse();
        Ok(source)
    }
}

impl TaskParams {
    /// The imported trials, if the task uses them and they have been read.
    pub fn arrays(&self) -> Option<&Arc<TrialArrays>> {
        match &self.file {
            Some(TrialSource::Arrays(arrays)) if self.kind == TaskKind::Trials => Some(arrays),
            _ => None,
        }
    }

    /// Replaces the name of trials with the trials, if `find` has them.
    pub fn take_trials(&mut self, find: impl FnOnce(TrialsName) -> Option<Arc<TrialArrays>>) {
        if let Some(TrialSource::Stored(name)) = self.file
            && let Some(arrays) = find(name)
        {
            self.file = Some(TrialSource::Arrays(arrays));
        }
    }

    /// Reads the file, if the task uses its trials.
    pub(super) fn read_trials(&mut self) -> Result<()> {
        if self.kind != TaskKind::Trials {
            return Ok(());
        }
        match &self.file {
            Some(TrialSource::Arrays(_)) => {}
            Some(TrialSource::File(path)) => self.file = Some(TrialArrays::read(path)?.into()),
            Some(TrialSource::Stored(name)) => return Err(Error::TrialsNotFound { name: *name }),
            None => {
                return Err(Error::Parameter {
                    parameter: "task.file".to_owned(),
                    expected: "a file of trials with `task.kind = trials`".to_owned(),
                    found: "none".to_owned(),
                    hint: Some("give it as `task.file=trials.npz`; in Python: `numpy.savez(\"trials.npz\", inputs=x, targets=y)`".to_owned()),
                });
            }
        }
        Ok(())
    }
}
