//! Named arrays with metadata: one checkpoint, or the state to resume from.

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Seek};

use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::container;
use crate::damage::Damage;

/// Named arrays of 32-bit floats with metadata: one checkpoint, or the state to resume from.
///
/// The writer may name axes in `metadata`. Arrays are stored row-major, whatever their memory layout.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tensors {
    /// The arrays by name.
    pub arrays: BTreeMap<String, ArrayD<f32>>,
    /// Counters and notes, kept beside the arrays.
    pub metadata: Map<String, Value>,
}

/// The metadata of a file with a single [`Tensors`].
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    blake3: String,
    metadata: Map<String, Value>,
    subject: String,
}

impl Tensors {
    /// A separate safetensors file in two parts: header and values. The same content gives the same bytes.
    pub(crate) fn to_parts(&self, subject: &str) -> [Vec<u8>; 2] {
        let mut values = Vec::with_capacity(4 * self.arrays.values().map(ArrayD::len).sum::<usize>());
        let hash = hash_of(subject, &self.metadata, self.arrays.len(), |mut each| {
            for (name, array) in &self.arrays {
                let start = values.len();
                container::append_bytes(array, &mut values);
                each(name, array.shape(), &values[start..]);
            }
        });
        let envelope =
            Envelope { blake3: hash, metadata: self.metadata.clone(), subject: subject.to_owned() };
        let shapes = self.arrays.iter().map(|(name, array)| (name.as_str(), array.shape()));
        [container::encode_header(&json(&envelope), shapes), values]
    }

    /// Reads a file that [`Tensors::to_parts`] made, and checks every byte of it.
    pub(crate) fn read(file: &mut (impl Read + Seek), length: u64, subject: &str) -> Result<Self, Damage> {
        let header = container::read_header(file, length)?;
        let envelope: Envelope = parse(&header.metadata)?;
        if envelope.subject != subject {
            return Err(Damage::content(format!("expected `{subject}`, found `{}`", envelope.subject)));
        }
        let mut values = Vec::with_capacity(header.places.len());
        for (name, place) in &header.places {
            values.push((name, place, container::read_bytes(file, &header, place)?));
        }
        let parts = values
            .iter()
            .map(|(name, place, bytes)| (name.as_str(), place.shape.as_slice(), bytes.as_slice()));
        assemble(subject, envelope.metadata, &envelope.blake3, parts)
    }

    /// A hash of the arrays, their names and shapes, and the metadata: 64 hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        let mut values = Vec::new();
        hash_of("", &self.metadata, self.arrays.len(), |mut each| {
            for (name, array) in &self.arrays {
                values.clear();
                container::append_bytes(array, &mut values);
                each(name, array.shape(), &values);
            }
        })
    }

    /// A safetensors file of these arrays, readable from Python, Julia and other languages. The same content
    /// gives the same bytes.
    ///
    /// `subject` says what the arrays belong to, and must be given again on reading.
    pub fn to_safetensors(&self, subject: &str) -> Vec<u8> {
        self.to_parts(subject).concat()
    }

    /// Reads what [`Tensors::to_safetensors`] wrote for this subject.
    ///
    /// This is safe for untrusted bytes: it does not panic, and does not allocate much more than the size of
    /// `bytes`.
    ///
    /// # Errors
    /// The reason in words, if any byte or the subject differs.
    pub fn from_safetensors(bytes: &[u8], subject: &str) -> std::result::Result<Self, String> {
        Self::read(&mut Cursor::new(bytes), bytes.len() as u64, subject).map_err(|damage| match damage {
            Damage::Content(reason) => reason,
            Damage::Io(error) => error.to_string(),
        })
    }
}

/// Compact JSON of a value that can always be written as JSON: texts, numbers, and maps with text keys.
pub(crate) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("texts and maps with text keys are always json")
}

/// Parses metadata, and refuses any spelling other than that of [`json`].
pub(crate) fn parse<T: for<'de> Deserialize<'de> + Serialize>(text: &str) -> Result<T, Damage> {
    let value: T =
        serde_json::from_str(text).map_err(|error| Damage::content(format!("metadata: {error}")))?;
    if json(&value) == text { Ok(value) } else { Err(Damage::content("metadata: not as it was written")) }
}

/// Assembles arrays that were read as bytes, after checking the hash.
pub(crate) fn assemble<'a>(
    subject: &str,
    metadata: Map<String, Value>,
    hash: &str,
    parts: impl Iterator<Item = (&'a str, &'a [usize], &'a [u8])> + Clone,
) -> Result<Tensors, Damage> {
    let found = hash_of(subject, &metadata, parts.clone().count(), |mut each| {
        parts.clone().for_each(|(name, shape, bytes)| each(name, shape, bytes));
    });
    if found != hash {
        return Err(Damage::content(format!("expected checksum {hash}, found {found}")));
    }
    let mut arrays = BTreeMap::new();
    for (name, shape, bytes) in parts {
        arrays.insert(name.to_owned(), container::array(shape, bytes)?);
    }
    Ok(Tensors { arrays, metadata })
}

/// The BLAKE3 hash of subject, metadata, names, shapes and values. It is the same for a checkpoint in its own
/// file and in a packed file.
///
/// The hash covers `concertina tensors 1`; the subject; the metadata as JSON; the number of arrays; then, for
/// each array in the order of names, the name, the number of axes, the axes, and the values in row-major
/// order. Texts are preceded by their length. Lengths, numbers and axes are 8 little-endian bytes, values are
/// 4. `feed` receives a function to call with each array's name, shape and bytes, in the order of names.
pub(crate) fn hash_of(
    subject: &str,
    metadata: &Map<String, Value>,
    count: usize,
    feed: impl FnOnce(Box<dyn FnMut(&str, &[usize], &[u8]) + '_>),
) -> String {
    fn number(hasher: &mut blake3::Hasher, value: usize) {
        hasher.update(&(value as u64).to_le_bytes());
    }
    fn text(hasher: &mut blake3::Hasher, value: &str) {
        number(hasher, value.len());
        hasher.update(value.as_bytes());
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"concertina tensors 1");
    text(&mut hasher, subject);
    text(&mut hasher, &json(metadata));
    number(&mut hasher, count);
    feed(Box::new(|name, shape, bytes| {
        text(&mut hasher, name);
        number(&mut hasher, shape.len());
        shape.iter().for_each(|&axis| number(&mut hasher, axis));
        hasher.update(bytes);
    }));
    hasher.finalize().to_hex().to_string()
}
