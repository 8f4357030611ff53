//! Tensors and other values in nested containers, under joined names.

use std::collections::BTreeMap;

use ndarray::{ArrayD, IxDyn};

use super::elements::Elements;
use super::storages::{Content, Storages};
use crate::encoding::{Integer, Number};
use crate::pickle::{self, Tensor, Value, Values, damaged};
use crate::{Arrays, MAX_BYTES, Member, Result, check_size, elements};

/// Maximum number of named tensors and other values. Arbitrary: a network has a dozen.
const MAX_ENTRIES: usize = 10_000;
/// Maximum depth of containers in containers. Arbitrary: checkpoints have four or five.
const MAX_DEPTH: usize = 32;
/// The number of elements that tensors may have beyond those in the file, since several can share a storage
/// and one can repeat its elements: this many, and [`MAX_REPEATS`] times the size of the file in bytes.
/// Arbitrary.
const MAX_REPEATED: usize = 1 << 20;
const MAX_REPEATS: usize = 4;
/// Maximum length of a joined name in bytes. Arbitrary: PyTorch's have about a hundred.
const MAX_NAME: usize = 1000;
/// The most values of lists that are looked at, since one list can be in many places. Arbitrary: a history of
/// losses may have a million.
const MAX_LISTED: usize = 1 << 24;
/// The most characters of a value in messages. Arbitrary.
const MAX_CHARACTERS: usize = 60;

/// The tensors and other values of a file of this size in bytes.
pub(super) fn arrays(content: Content<'_>, size: usize) -> Result<Arrays> {
    let Content { value, values, storages } = content;
    let elements = size.saturating_mul(MAX_REPEATS).saturating_add(MAX_REPEATED);
    let mut flat =
        Flat { values: &values, storages, arrays: Arrays::new(), elements, bytes: 0, seen: 0, listed: 0 };
    flat.add(String::new(), &value, 0)?;
    Ok(flat.arrays)
}

/// Values under joined names.
struct Flat<'a> {
    values: &'a Values,
    storages: Storages<'a>,
    arrays: Arrays,
    /// How many more elements tensors may have.
    elements: usize,
    /// How many bytes the elements so far have in the file.
    bytes: u64,
    /// How many values were looked at.
    seen: usize,
    /// How many values the lists had.
    listed: usize,
}

impl Flat<'_> {
    /// Adds a value and those in it.
    fn add(&mut self, name: String, value: &Value, depth: usize) -> Result<()> {
        self.seen += 1;
        if self.seen > 4 * MAX_ENTRIES || self.arrays.len() >= MAX_ENTRIES {
            return Err(damaged(format!("more than {MAX_ENTRIES} tensors and other values")));
        }
        if depth > MAX_DEPTH {
            return Err(damaged(format!("containers in containers to a depth of more than {MAX_DEPTH}")));
        }
        let within = |key: &str| match name.len() + key.len() {
            MAX_NAME.. => Err(damaged(format!("a name of more than {MAX_NAME} bytes"))),
            _ if name.is_empty() => Ok(key.to_owned()),
            _ => Ok(format!("{name}.{key}")),
        };
        let values = self.values;
        match value {
            Value::Dict(place) | Value::Namespace(place) => {
                // Of several entries with one key, Python keeps the last.
                let mut entries = BTreeMap::new();
                for (key, value) in values.dict(*place) {
                    self.seen += 1;
                    if self.seen > 4 * MAX_ENTRIES {
                        return Err(damaged(format!("more than {MAX_ENTRIES} tensors and other values")));
                    }
                    let key = match key {
                        Value::Text(text) => within(text)?,
                        other => within(&self.in_words(other))?,
                    };
                    entries.insert(key, value);
                }
                for (name, value) in entries {
                    self.add(name, value, depth + 1)?;
                }
                Ok(())
            }
            Value::List(place) | Value::Tuple(place) | Value::Set(place) if self.has_parts(*place)? => {
                for (number, value) in values.row(*place).iter().enumerate() {
                    self.add(within(&number.to_string())?, value, depth + 1)?;
                }
                Ok(())
            }
            Value::Tensor(place) => {
                let member = self.tensor(values.tensor(*place))?;
                self.put(name, member)
            }
            plain => {
                let words = self.in_words(plain);
                self.put(name, Member::Plain(words))
            }
        }
    }

    /// Whether a list has other values than numbers, text and so on.
    fn has_parts(&mut self, place: usize) -> Result<bool> {
        let row = self.values.row(place);
        self.listed += row.len();
        match self.listed > MAX_LISTED {
            true => Err(damaged(format!("lists of more than {MAX_LISTED} values"))),
            false => Ok(row.iter().any(|value| !is_plain(value))),
        }
    }

    fn put(&mut self, name: String, member: Member) -> Result<()> {
        let name = if name.is_empty() { "tensor".to_owned() } else { name };
        let twice = |known: &mut Member| *known = Member::Other("two entries of this name".to_owned());
        self.arrays.entry(name).and_modify(twice).or_insert(member);
        Ok(())
    }

    /// The array of a tensor, whose elements are gathered from its storage.
    fn tensor(&mut self, tensor: &Tensor) -> Result<Member> {
        let Tensor { storage, offset, .. } = tensor;
        let damaged = |reason: String| Ok(Member::Other(format!("a damaged tensor: {reason}")));
        let Some((shape, strides)) = self.values.axes(tensor) else {
            return damaged("its shape or its strides are not whole numbers".to_owned());
        };
        let sizes: Option<Vec<usize>> = shape.iter().map(|length| usize::try_from(*length).ok()).collect();
        let Some((sizes, count)) = sizes.and_then(|sizes| elements(&sizes).map(|count| (sizes, count)))
        else {
            return damaged(format!("its shape is {shape:?}"));
        };
        if shape.len() != strides.len() {
            return damaged(format!("{} axes, but {} strides", shape.len(), strides.len()));
        }
        let kind = match storage.elements {
            Elements::Read(kind) => kind,
            Elements::Other(words, _) => return Ok(Member::Other(words.to_owned())),
        };
        let Some((mut begin, mut end)) = extent(&shape, &strides, *offset, count) else {
            return damaged(format!("its strides are {strides:?} from element {offset} on"));
        };
        let outside = |end: i64, available: i64| {
            damaged(format!("element {} of its storage `{}`, which has {available}", end - 1, storage.key))
        };
        if end > storage.part.map_or(storage.count, |(_, count)| count) {
            return outside(end, storage.part.map_or(storage.count, |(_, count)| count));
        }
        if let Some((start, count)) = storage.part {
            // The offset counts from the beginning of the part.
            if start < 0 || start.checked_add(count).is_none_or(|end| end > storage.count) {
                return damaged(format!("its storage `{}` is part of a smaller one", storage.key));
            }
            (begin, end) = (begin + start, end + start);
        }
        let size = storage.elements.size();
        self.elements = self.elements.checked_sub(count).ok_or_else(|| {
            pickle::damaged(
                "its tensors repeat the elements of their storages too often: save copies of them",
            )
        })?;
        self.bytes = self.bytes.saturating_add((count as u64).saturating_mul(size as u64));
        check_size(self.bytes)?;
        let kind = format!("{}{kind}", if self.storages.big_endian { '>' } else { '<' });
        let bytes = match self.storages.bytes(&storage.key)? {
            Ok(bytes) => bytes,
            Err(reason) => return Ok(Member::Other(reason)),
        };
        let have = i64::try_from(bytes.len() / size).unwrap_or(i64::MAX);
        if have < end {
            return outside(end, have);
        }
        let places = Places { sizes: &sizes, strides: &strides, begin, count };
        let made = if let Some(number) = Number::of(&kind) {
            places.array(bytes, size, |bytes| number.decode(bytes)).map(Member::Numbers)
        } else if let Some(integer) = Integer::of(&kind) {
            // Expanded to eight bytes each, they must not take more memory than any other array.
            if count as u64 > MAX_BYTES / 8 {
                return Ok(Member::Other(format!("more than {} integers", MAX_BYTES / 8)));
            }
            places.array(bytes, size, |bytes| integer.decode(bytes)).map(|array| {
                match array.iter().all(Option::is_some) {
                    true => Member::Integers(array.mapv(Option::unwrap_or_default)),
                    false => Member::Other("integers above 2^63".to_owned()),
                }
            })
        } else {
            places.array(bytes, size, |bytes| bytes[0] != 0).map(Member::Truths)
        };
        made.map_or_else(damaged, Ok)
    }

    /// A value as Python writes it, if it is short.
    fn in_words(&self, value: &Value) -> String {
        let text = match value {
            Value::None => "None".to_owned(),
            Value::Boolean(true) => "True".to_owned(),
            Value::Boolean(false) => "False".to_owned(),
            Value::Whole(number) => number.to_string(),
            Value::Large => "a whole number beyond 64 bits".to_owned(),
            Value::Real(number) => format!("{number:?}"),
            Value::Text(text) => {
                let short: String = text.chars().take(MAX_CHARACTERS + 1).collect();
                format!("'{}'", short.escape_debug())
            }
            Value::Bytes(_) => "bytes".to_owned(),
            Value::Namespace(_) => "a namespace".to_owned(),
            Value::Foreign(words) => words.to_string(),
            Value::Tuple(place) => format!("({})", self.row(*place)),
            Value::List(place) => format!("[{}]", self.row(*place)),
            Value::Set(place) => format!("{{{}}}", self.row(*place)),
            Value::Dict(_) => "a dict".to_owned(),
            Value::Tensor(_) => "a tensor".to_owned(),
            Value::Storage(_) => "a storage".to_owned(),
            Value::Dtype(name) => format!("torch.{name}"),
            Value::Known(_) | Value::Unknown(_) | Value::NumberType(_) => "a function".to_owned(),
        };
        match text.chars().count() > MAX_CHARACTERS {
            true => text.chars().take(MAX_CHARACTERS).chain("...".chars()).collect(),
            false => text,
        }
    }

    /// The first plain values of a tuple, list or set.
    fn row(&self, place: usize) -> String {
        let row = self.values.row(place).iter().take(MAX_CHARACTERS / 2);
        let words = row.map(|value| match value {
            Value::Tuple(_) | Value::List(_) | Value::Set(_) | Value::Dict(_) | Value::Namespace(_) => {
                "...".to_owned()
            }
            plain => self.in_words(plain),
        });
        words.collect::<Vec<_>>().join(", ")
    }
}

/// Whether a value has no parts.
fn is_plain(value: &Value) -> bool {
    !matches!(
        value,
        Value::Dict(_)
            | Value::Namespace(_)
            | Value::List(_)
            | Value::Tuple(_)
            | Value::Set(_)
            | Value::Tensor(_)
            | Value::Storage(_)
    )
}

/// The first element of a tensor, and the place after its largest; `None` if they are beyond all storages, or
/// negative.
fn extent(shape: &[i64], strides: &[i64], offset: i64, count: usize) -> Option<(i64, i64)> {
    if offset < 0 || strides.iter().any(|stride| *stride < 0) {
        return None;
    }
    if count == 0 {
        return Some((offset, offset));
    }
    let last = shape
        .iter()
        .zip(strides)
        .try_fold(offset, |last, (length, stride)| last.checked_add((length - 1).checked_mul(*stride)?))?;
    Some((offset, last.checked_add(1)?))
}

/// Where the elements of a tensor are in its storage. All of them are within it.
struct Places<'a> {
    sizes: &'a [usize],
    strides: &'a [i64],
    begin: i64,
    count: usize,
}

impl Places<'_> {
    /// The elements, row-major.
    fn array<T>(&self, bytes: &[u8], size: usize, decode: impl Fn(&[u8]) -> T) -> Result<ArrayD<T>, String> {
        let mut values = Vec::with_capacity(self.count);
        let mut index = vec![0_usize; self.sizes.len()];
        let mut place = self.begin;
        for _ in 0..self.count {
            let start = place as usize * size;
            values.push(decode(&bytes[start..start + size]));
            // The next index, row-major: the last axis is the fastest.
            for axis in (0..self.sizes.len()).rev() {
                index[axis] += 1;
                // An axis of length 1 may have any stride, so the sums may wrap on their way.
                place = place.wrapping_add(self.strides[axis]);
                if index[axis] < self.sizes[axis] {
                    break;
                }
                place = place.wrapping_sub(self.strides[axis].wrapping_mul(self.sizes[axis] as i64));
                index[axis] = 0;
            }
        }
        ArrayD::from_shape_vec(IxDyn(self.sizes), values)
            .map_err(|error| format!("shape {:?}: {error}", self.sizes))
    }
}
