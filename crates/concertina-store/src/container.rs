//! The safetensors container, with a single spelling for the same content.
//!
//! A file consists of eight bytes with the header's length (little-endian), a JSON header, and the tensors
//! one after another. The format leaves the order of names and the spelling of the header open. Here both are
//! fixed: names are sorted, tensors are in that order, there is one metadata entry `concertina`, and spaces
//! pad the header to a multiple of 8. The same content therefore gives the same bytes, and a header with
//! another spelling counts as damaged. Only 32-bit floats are written.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read, Seek, SeekFrom};

use ndarray::{ArrayD, IxDyn};
use serde::Deserialize;

use crate::damage::Damage;

/// The largest header, in bytes: 2^24. Arbitrary, because a run of 121 checkpoints needs about 2^17. It
/// bounds what a hostile header can make the parser allocate.
pub(crate) const MAX_HEADER_BYTES: u64 = 1 << 24;

/// A tensor's place: its shape, and where its bytes are after the header.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Place {
    pub(crate) shape: Vec<usize>,
    pub(crate) start: u64,
    pub(crate) end: u64,
}

/// The content of a header.
#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) metadata: String,
    pub(crate) places: BTreeMap<String, Place>,
    /// Where the first tensor starts in the file.
    pub(crate) data_start: u64,
}

/// Appends the bytes of a tensor: row-major, little-endian.
pub(crate) fn append_bytes(array: &ArrayD<f32>, out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + 4 * array.len(), 0);
    let places = out[start..].chunks_exact_mut(4);
    match array.as_slice() {
        Some(values) => {
            places.zip(values).for_each(|(place, value)| place.copy_from_slice(&value.to_le_bytes()))
        }
        None => places.zip(array).for_each(|(place, value)| place.copy_from_slice(&value.to_le_bytes())),
    }
}

/// The header, preceded by its length, for these tensors in this order.
pub(crate) fn encode_header<'a>(
    metadata: &str,
    shapes: impl Iterator<Item = (&'a str, &'a [usize])>,
) -> Vec<u8> {
    let text = |text: &str| serde_json::Value::from(text).to_string();
    let mut header = format!(r#"{{"__metadata__":{{"concertina":{}}}"#, text(metadata));
    let mut start = 0_u64;
    for (name, shape) in shapes {
        let end = start + 4 * shape.iter().map(|&axis| axis as u64).product::<u64>();
        let shape: Vec<_> = shape.iter().map(usize::to_string).collect();
        write!(
            header,
            r#",{}:{{"dtype":"F32","shape":[{}],"data_offsets":[{start},{end}]}}"#,
            text(name),
            shape.join(",")
        )
        .expect("writing to a string cannot fail");
        start = end;
    }
    header.push('}');
    while header.len() % 8 != 0 {
        header.push(' ');
    }
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header.as_bytes());
    bytes
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: (u64, u64),
}

/// Reads and checks the header of a file of `length` bytes. Allocates no more than the length of the file.
pub(crate) fn read_header(file: &mut impl Read, length: u64) -> Result<Header, Damage> {
    let mut size = [0; 8];
    file.read_exact(&mut size)?;
    let size = u64::from_le_bytes(size);
    if size > MAX_HEADER_BYTES || size > length.saturating_sub(8) {
        return Err(Damage::content(format!("header of {size} bytes in a file of {length}")));
    }
    let mut bytes = vec![0; usize::try_from(size).map_err(|_| Damage::content("header too large"))?];
    file.read_exact(&mut bytes)?;
    let header = parse_header(&bytes)?;
    let end = header.places.values().map(|place| place.end).max().unwrap_or(0);
    if header.data_start + end != length {
        return Err(Damage::content(format!("expected {} bytes, found {length}", header.data_start + end)));
    }
    Ok(header)
}

fn parse_header(bytes: &[u8]) -> Result<Header, Damage> {
    let wrong = |reason: &dyn std::fmt::Display| Damage::content(format!("header: {reason}"));
    let mut entries: BTreeMap<String, serde_json::Value> =
        serde_json::from_slice(bytes).map_err(|error| wrong(&error))?;
    let metadata = entries
        .remove("__metadata__")
        .and_then(|metadata| metadata.get("concertina")?.as_str().map(str::to_owned))
        .ok_or_else(|| wrong(&"no metadata `concertina`"))?;
    let mut places = BTreeMap::new();
    let mut start = 0_u64;
    for (name, entry) in entries {
        let entry = Entry::deserialize(entry).map_err(|error| wrong(&error))?;
        let size = entry.shape.iter().try_fold(4_u64, |size, &axis| size.checked_mul(axis as u64));
        let end =
            size.and_then(|size| size.checked_add(start)).ok_or_else(|| wrong(&"a shape past 64 bits"))?;
        if entry.dtype != "F32" || entry.data_offsets != (start, end) {
            return Err(wrong(&format_args!("tensor `{name}` is not where its shape says")));
        }
        places.insert(name, Place { shape: entry.shape, start, end });
        start = end;
    }
    // Whatever the parser tolerated (order, repeated names, spaces, escapes) is found here.
    let canonical =
        encode_header(&metadata, places.iter().map(|(name, place)| (name.as_str(), place.shape.as_slice())));
    if canonical.get(8..) != Some(bytes) {
        return Err(wrong(&"not as it was written"));
    }
    let data_start = canonical.len() as u64;
    if data_start.checked_add(start).is_none() {
        return Err(wrong(&"shapes past 64 bits"));
    }
    Ok(Header { metadata, places, data_start })
}

/// Reads one tensor's bytes. [`read_header`] has checked its place against the file's length.
pub(crate) fn read_bytes(
    file: &mut (impl Read + Seek),
    header: &Header,
    place: &Place,
) -> Result<Vec<u8>, Damage> {
    file.seek(SeekFrom::Start(header.data_start + place.start))?;
    let size = usize::try_from(place.end - place.start).map_err(|_| Damage::content("tensor too large"))?;
    let mut bytes = vec![0; size];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// The tensor with these bytes.
pub(crate) fn array(shape: &[usize], bytes: &[u8]) -> Result<ArrayD<f32>, Damage> {
    let values = bytes
        .chunks_exact(4)
        .map(|quad| f32::from_le_bytes(quad.try_into().expect("chunks have four bytes")))
        .collect();
    ArrayD::from_shape_vec(IxDyn(shape), values).map_err(|error| Damage::content(format!("shape: {error}")))
}
