//! The names of imported weights, which are made of their content.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{LossKind, Params, content_name};
use crate::Error;

/// The prefix of the name of imported weights. It keeps a name from being read as a number.
const PREFIX: &str = "imported-";

/// The name of imported weights: `imported-` and 32 hexadecimal digits, which are a hash of their bits.
///
/// A run with such weights consists of what was imported, and nothing else: the weights cannot be drawn, and
/// are not trained.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ImportedWeights(content_name::Hash);

impl ImportedWeights {
    /// The name of weights with this hash.
    pub fn of(hash: content_name::Hash) -> Self {
        Self(hash)
    }
}

/// The parameters that have an effect for a network with imported weights: its equations, the shapes of its
/// weights, and the trials that analyses show it. The others determine how weights are drawn and trained.
/// Samples for such a network are drawn with the default seed: the clusters that it was trained on are not
/// known, so one realisation is as good as another.
const COUNTING: [&str; 26] = [
    "network.initial_state",
    "network.kind",
    "network.leak",
    "network.nonlinearity",
    "network.units",
    "network.weights",
    "task.bits",
    "task.classes",
    "task.cluster_std",
    "task.clusters",
    "task.coherences",
    "task.delay",
    "task.evaluate",
    "task.file",
    "task.frequencies",
    "task.hold",
    "task.kind",
    "task.noise",
    "task.pulse",
    "task.response",
    "task.sample",
    "task.stimuli",
    "task.stimulus",
    "task.test",
    "task.timesteps",
    "task.input_dim",
];

/// Whether a parameter changes anything in the network of these parameters or in an analysis of it, as far as
/// its weights decide that.
pub(super) fn counts(path: &str, params: &Params) -> bool {
    match path {
        _ if params.network.weights.is_none() => true,
        // How far it was trained, and what is kept. These are not part of the key, and an imported network
        // has them too.
        "train.epochs" | "train.saves_per_epoch" | "train.stop_after" => true,
        // The class is the sign of a single output.
        "train.loss" => params.train.loss == LossKind::MseScalar,
        "network.dt" => params.network.kind.is_continuous(),
        path => COUNTING.contains(&path),
    }
}

impl fmt::Display for ImportedWeights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        content_name::write(f, PREFIX, &self.0)
    }
}

impl fmt::Debug for ImportedWeights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ImportedWeights({self})")
    }
}

impl FromStr for ImportedWeights {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        content_name::read(text, PREFIX).map(Self).ok_or_else(|| Error::Parameter {
            parameter: "network.weights".to_owned(),
            expected: super::Kind::Imported.to_string(),
            found: format!("`{text}`"),
            hint: None,
        })
    }
}

impl Serialize for ImportedWeights {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ImportedWeights {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
