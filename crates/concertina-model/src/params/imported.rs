//! Weights that come from elsewhere, by what they are.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{LossKind, NetworkKind, Params, content_name};
use crate::Error;

/// What the name of imported weights begins with: so no name reads as a number.
const PREFIX: &str = "imported-";

/// The name of weights that come from elsewhere: `imported-` and 32 hexadecimal digits, which are a hash of
/// their bits.
///
/// A run of such weights is what was imported, and nothing else: they cannot be drawn, and are not trained.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ImportedWeights(content_name::Hash);

impl ImportedWeights {
    /// The name of weights with this hash.
    pub fn of(hash: content_name::Hash) -> Self {
        Self(hash)
    }
}

/// The parameters that count for a network whose weights come from elsewhere: its equations, the shapes of
/// its weights, and the trials that analyses show it. The others say how weights are drawn and trained.
/// Samples of such a network are drawn with the default seed: the clusters that it was trained on are not
/// known, so one realisation is as good as another.
const COUNTING: [&str; 17] = [
    "network.kind",
    "network.leak",
    "network.nonlinearity",
    "network.units",
    "network.weights",
    "task.bits",
    "task.classes",
    "task.cluster_std",
    "task.clusters",
    "task.delay",
    "task.evaluate",
    "task.file",
    "task.hold",
    "task.kind",
    "task.pulse",
    "task.timesteps",
    "task.input_dim",
];

/// Whether a parameter changes anything in the network of these parameters or in an analysis of it, as far as
/// its weights decide that.
pub(super) fn counts(path: &str, params: &Params) -> bool {
    match path {
        _ if params.network.weights.is_none() => true,
        // How far it was trained, and what is kept: part of no key, and said of an imported network too.
        "train.epochs" | "train.saves_per_epoch" | "train.stop_after" => true,
        // A single output is read by its sign.
        "train.loss" => params.train.loss == LossKind::MseScalar,
        "network.dt" => params.network.kind == NetworkKind::Leaky,
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
