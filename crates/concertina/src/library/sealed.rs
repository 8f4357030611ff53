//! What an exported run has beside its weights, so that it can be imported as the same run.

use std::collections::BTreeMap;

use concertina_model::Checkpoint;
use concertina_model::trainer::EpochRecord;
use concertina_store::Tensors;
use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// The member of an archive that holds the parameters.
pub(super) const PARAMS: &str = "params.json";
/// The member of an archive that holds a [`Seal`].
pub(super) const SEAL: &str = "run.json";
/// What the names of the columns of the history begin with.
pub(super) const HISTORY: &str = "history/";
/// What the names of the state's arrays begin with.
pub(super) const STATE: &str = "state/";
/// What the names of the arrays of trials begin with.
pub(super) const TRIALS: &str = "trials/";

/// The version of the format. An archive of another version is imported as a network.
const FORMAT: u64 = 1;

/// An exported run without its arrays and its parameters.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Seal {
    format: u64,
    /// The version of the program that exported it.
    pub(super) version: String,
    /// The key of the run.
    pub(super) key: String,
    /// Its history; `None` if it has none.
    pub(super) history: Option<Vec<EpochRecord>>,
    /// When and how it was trained.
    pub(super) provenance: Option<Value>,
    /// The counters of the state from which training continues; `None` if there is no state.
    pub(super) state: Option<Map<String, Value>>,
    /// A hash of everything that makes the run: what is above, parameters, checkpoints, and all arrays.
    blake3: String,
}

/// What makes a run, besides a [`Seal`].
pub(super) struct Sealed<'a> {
    /// The text of [`PARAMS`].
    pub(super) params: &'a str,
    pub(super) checkpoints: &'a [Checkpoint],
    /// All arrays by their names in the archive. Those of weights have one more axis in front: the
    /// checkpoints.
    pub(super) arrays: BTreeMap<String, ArrayD<f32>>,
}

impl Seal {
    /// The seal of a run. Returns the arrays.
    pub(super) fn new(
        key: String,
        history: Option<Vec<EpochRecord>>,
        provenance: Option<Value>,
        state: Option<Map<String, Value>>,
        content: Sealed<'_>,
    ) -> (Self, BTreeMap<String, ArrayD<f32>>) {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let mut seal =
            Self { format: FORMAT, version, key, history, provenance, state, blake3: String::new() };
        let (blake3, arrays) = seal.hash(content);
        seal.blake3 = blake3;
        (seal, arrays)
    }

    /// The seal with this text, and the arrays, if the seal is that of the content. Otherwise the reason, as
    /// the end of a sentence.
    pub(super) fn opened(
        text: &[u8],
        content: Sealed<'_>,
    ) -> Result<(Self, BTreeMap<String, ArrayD<f32>>), String> {
        let unreadable = |error: serde_json::Error| format!("`{SEAL}` cannot be read: {error}");
        let value: Value = serde_json::from_slice(text).map_err(unreadable)?;
        match value.get("format").and_then(Value::as_u64) {
            Some(FORMAT) => {}
            found => {
                let found = found.map_or_else(|| "none".to_owned(), |format| format.to_string());
                return Err(format!("expected format {FORMAT} in `{SEAL}`, found {found}"));
            }
        }
        let mut seal = Self::deserialize(value).map_err(unreadable)?;
        let expected = std::mem::take(&mut seal.blake3);
        let (found, arrays) = seal.hash(content);
        if found != expected {
            return Err("its content was changed after the export".to_owned());
        }
        seal.blake3 = expected;
        Ok((seal, arrays))
    }

    /// The hash of this seal, which has none yet, together with the content.
    fn hash(&self, content: Sealed<'_>) -> (String, BTreeMap<String, ArrayD<f32>>) {
        let checkpoints = content.checkpoints.iter().map(|one| [one.epoch.0, one.update.0]);
        let metadata = Map::from_iter([
            ("run".to_owned(), json!(self)),
            ("params".to_owned(), json!(content.params)),
            ("checkpoints".to_owned(), json!(checkpoints.collect::<Vec<_>>())),
        ]);
        let tensors = Tensors { arrays: content.arrays, metadata };
        (tensors.fingerprint(), tensors.arrays)
    }
}
