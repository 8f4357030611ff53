//! Many checkpoints of one run in one safetensors file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Read, Seek};

use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::container::{self, Header};
use crate::damage::Damage;
use crate::place::FileId;
use crate::tensors::{assemble, hash_of, json, parse};
use crate::{CheckpointId, RunKey, Tensors};

/// The prefix of the names of arrays that are the same in all checkpoints of the file.
const SHARED: &str = "all";

/// The metadata of a packed file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    checkpoints: BTreeMap<CheckpointId, Packed>,
    run: String,
}

/// The metadata of one checkpoint. It has its own hash, so that it can be checked by itself.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Packed {
    blake3: String,
    metadata: Map<String, Value>,
}

/// The subject in a checkpoint's hash, loose or packed.
pub(crate) fn subject(run: &RunKey, id: CheckpointId) -> String {
    format!("run {run} checkpoint {id}")
}

/// The two parts (header, values) of a packed file.
pub(crate) fn encode(run: &RunKey, checkpoints: &BTreeMap<CheckpointId, &Tensors>) -> [Vec<u8>; 2] {
    let shared = shared_names(checkpoints);
    let mut arrays: BTreeMap<String, &ArrayD<f32>> = BTreeMap::new();
    for (id, tensors) in checkpoints {
        for (name, array) in &tensors.arrays {
            arrays.insert(place_name(*id, name, &shared), array);
        }
    }
    let mut values = Vec::with_capacity(4 * arrays.values().map(|array| array.len()).sum::<usize>());
    let mut ranges = BTreeMap::new();
    for (name, array) in &arrays {
        let start = values.len();
        container::append_bytes(array, &mut values);
        ranges.insert(name.as_str(), start..values.len());
    }
    let packed = checkpoints.iter().map(|(id, tensors)| {
        let blake3 = hash_of(&subject(run, *id), &tensors.metadata, tensors.arrays.len(), |mut each| {
            for (name, array) in &tensors.arrays {
                let range = ranges[place_name(*id, name, &shared).as_str()].clone();
                each(name, array.shape(), &values[range]);
            }
        });
        (*id, Packed { blake3, metadata: tensors.metadata.clone() })
    });
    let envelope = Envelope { checkpoints: packed.collect(), run: run.to_string() };
    let shapes = arrays.iter().map(|(name, array)| (name.as_str(), array.shape()));
    [container::encode_header(&json(&envelope), shapes), values]
}

/// The names whose arrays have the same shape and bits in every checkpoint; none if there is only one
/// checkpoint.
fn shared_names(checkpoints: &BTreeMap<CheckpointId, &Tensors>) -> BTreeSet<String> {
    let mut rest = checkpoints.values();
    let Some(first) = rest.next() else { return BTreeSet::new() };
    if checkpoints.len() < 2 {
        return BTreeSet::new();
    }
    let same = |a: &ArrayD<f32>, b: &ArrayD<f32>| {
        a.shape() == b.shape() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
    };
    let in_all = |name: &str, array| {
        rest.clone().all(|tensors| tensors.arrays.get(name).is_some_and(|other| same(array, other)))
    };
    first.arrays.iter().filter(|(name, array)| in_all(name, array)).map(|(name, _)| name.clone()).collect()
}

fn place_name(id: CheckpointId, name: &str, shared: &BTreeSet<String>) -> String {
    if shared.contains(name) { format!("{SHARED}/{name}") } else { format!("{id}/{name}") }
}

impl Pack<File> {
    /// The identity of the file.
    pub(crate) fn id(&self) -> Option<FileId> {
        self.file.metadata().ok().map(|metadata| FileId::of(&metadata))
    }
}

/// An open packed file whose header has been read and checked.
pub(crate) struct Pack<F> {
    file: F,
    run: RunKey,
    header: Header,
    checkpoints: BTreeMap<CheckpointId, Packed>,
    shared: BTreeMap<String, Vec<u8>>,
}

impl<F: Read + Seek> Pack<F> {
    pub(crate) fn open(mut file: F, length: u64, run: &RunKey) -> Result<Self, Damage> {
        let header = container::read_header(&mut file, length)?;
        let envelope: Envelope = parse(&header.metadata)?;
        if envelope.run != run.to_string() {
            return Err(Damage::content(format!("expected run {run}, found {}", envelope.run)));
        }
        let mut shared = BTreeMap::new();
        for (name, place) in &header.places {
            let (folder, plain) = name.split_once('/').unwrap_or(("", name));
            if folder == SHARED {
                shared.insert(plain.to_owned(), container::read_bytes(&mut file, &header, place)?);
            } else if !folder.parse().is_ok_and(|id: CheckpointId| envelope.checkpoints.contains_key(&id)) {
                return Err(Damage::content(format!("tensor `{name}` belongs to no checkpoint")));
            }
        }
        Ok(Self { file, run: *run, header, checkpoints: envelope.checkpoints, shared })
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = CheckpointId> + '_ {
        self.checkpoints.keys().copied()
    }

    pub(crate) fn contains(&self, id: CheckpointId) -> bool {
        self.checkpoints.contains_key(&id)
    }

    /// Reads one checkpoint without the others; `None` if the file does not have it.
    pub(crate) fn read(&mut self, id: CheckpointId) -> Result<Option<Tensors>, Damage> {
        let Some(packed) = self.checkpoints.get(&id) else { return Ok(None) };
        let folder = format!("{id}/");
        let mut own = BTreeMap::new();
        let names = self.header.places.range(folder.clone()..);
        for (name, place) in names.take_while(|(name, _)| name.starts_with(&folder)) {
            let bytes = container::read_bytes(&mut self.file, &self.header, place)?;
            own.insert(&name[folder.len()..], (place.shape.as_slice(), bytes));
        }
        let mut parts: BTreeMap<&str, (&[usize], &[u8])> =
            own.iter().map(|(name, (shape, bytes))| (*name, (*shape, bytes.as_slice()))).collect();
        for (name, bytes) in &self.shared {
            let place = &self.header.places[&format!("{SHARED}/{name}")];
            parts.insert(name, (&place.shape, bytes));
        }
        let parts = parts.iter().map(|(name, (shape, bytes))| (*name, *shape, *bytes));
        assemble(&subject(&self.run, id), packed.metadata.clone(), &packed.blake3, parts).map(Some)
    }
}
