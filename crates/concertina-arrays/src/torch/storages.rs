//! The pickle of a file of PyTorch, and its storages, which hold the elements of tensors.

use std::collections::BTreeMap;
use std::io::Cursor;

use zip::ZipArchive;

use crate::error::Program;
use crate::npz::{self, unpacked};
use crate::pickle::{self, Storage, Value, Values, damaged};
use crate::{Error, MAX_BYTES, Result};

/// The beginning of a file from before PyTorch 1.6: a pickle of protocol 2 of the number
/// 0x1950a86a20f9469cfc6c.
const LEGACY: &[u8] = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.";
/// The version of that format.
const LEGACY_VERSION: i64 = 1001;

/// What is in a file of PyTorch.
pub(super) struct Content<'a> {
    /// The value that its pickle describes.
    pub(super) value: Value,
    /// The contents of the value and its parts.
    pub(super) values: Values,
    pub(super) storages: Storages<'a>,
}

impl<'a> Content<'a> {
    /// The content of a file, of either format; `None` if it begins like neither.
    pub(super) fn of(bytes: &'a [u8]) -> Result<Option<Self>> {
        let (value, values, storages) = match bytes {
            _ if bytes.starts_with(b"PK") => of_archive(bytes)?,
            _ if bytes.starts_with(LEGACY) => of_pickles(bytes)?,
            _ => return Ok(None),
        };
        Ok(Some(Self { value, values, storages }))
    }
}

/// The storages of a file.
pub(super) struct Storages<'a> {
    found: Found<'a>,
    pub(super) big_endian: bool,
}

enum Found<'a> {
    Archive {
        archive: ZipArchive<Cursor<&'a [u8]>>,
        /// The folder of all members.
        folder: String,
        unpacked: BTreeMap<String, Result<Vec<u8>, String>>,
        left: u64,
    },
    Legacy(BTreeMap<String, &'a [u8]>),
}

/// The pickle and the storages of a zip archive.
fn of_archive(bytes: &[u8]) -> Result<(Value, Values, Storages<'_>)> {
    let mut archive = npz::opened(bytes).map_err(|error| match error {
        Error::Damaged { reason, .. } => damaged(reason),
        other => other,
    })?;
    let names: Vec<String> = archive.file_names().map(str::to_owned).collect();
    let folder = names.iter().find_map(|name| {
        let folder = name.strip_suffix("data.pkl")?;
        (folder.matches('/').count() <= 1 && (folder.is_empty() || folder.ends_with('/')))
            .then(|| folder.to_owned())
    });
    let Some(folder) = folder else {
        let arrays = names.iter().any(|name| name.ends_with(".npy"));
        let what =
            if arrays { "it is an archive of NumPy: call it .npz" } else { "the archive has no `data.pkl`" };
        return Err(damaged(what));
    };
    let has = |part: &str| {
        names.iter().any(|name| name.strip_prefix(&*folder).is_some_and(|rest| rest.starts_with(part)))
    };
    if has("constants.pkl") || has("code/") {
        let found = "a TorchScript archive, which is a program rather than data".to_owned();
        return Err(Error::Program { kind: Program::Script, found });
    }
    let mut left = MAX_BYTES;
    let mut member = |name: &str| -> Result<Option<Vec<u8>>> {
        let Some(index) = archive.index_for_name(&format!("{folder}{name}")) else { return Ok(None) };
        let content = unpacked(&mut archive, index, &mut left)?;
        content.map(Some).map_err(|reason| damaged(format!("`{name}`: {reason}")))
    };
    let big_endian = match member("byteorder")?.as_deref().map(<[u8]>::trim_ascii) {
        None | Some(b"little") => false,
        Some(b"big") => true,
        Some(_) => return Err(damaged("its byte order is neither `little` nor `big`")),
    };
    let pickle = member("data.pkl")?.ok_or_else(|| damaged("the archive has no `data.pkl`"))?;
    let (value, values, _) = pickle::read(&pickle)?;
    let found = Found::Archive { archive, folder, unpacked: BTreeMap::new(), left };
    Ok((value, values, Storages { found, big_endian }))
}

/// The pickle and the storages of a file from before PyTorch 1.6: pickles of a number, the version, the
/// machine, the content, and the keys of the storages; then for each key the number of elements in 8 bytes,
/// and the elements.
fn of_pickles(bytes: &[u8]) -> Result<(Value, Values, Storages<'_>)> {
    let mut at = LEGACY.len();
    let mut next = |most: usize| -> Result<(Value, Values, usize)> {
        let end = bytes.len().min(at.saturating_add(most));
        let (value, values, length) = pickle::read(&bytes[at..end])?;
        at += length;
        Ok((value, values, at))
    };
    let (version, ..) = next(pickle::MAX_PICKLE)?;
    if !matches!(version, Value::Whole(LEGACY_VERSION)) {
        return Err(damaged(format!(
            "a version of the format before PyTorch 1.6 other than {LEGACY_VERSION}"
        )));
    }
    let (machine, its, _) = next(pickle::MAX_PICKLE)?;
    let is_little = |(key, value): &(Value, Value)| match (key, value) {
        (Value::Text(key), Value::Boolean(little)) if &**key == "little_endian" => Some(*little),
        _ => None,
    };
    let Value::Dict(place) = machine else { return Err(damaged("it does not describe its machine")) };
    let big_endian = its.dict(place).iter().find_map(is_little) == Some(false);
    let (value, values, _) = next(pickle::MAX_PICKLE)?;
    let (Value::List(keys), lists, mut at) = next(pickle::MAX_PICKLE)? else {
        return Err(damaged("it does not list its storages"));
    };
    let sizes = values.sizes();
    let mut found = BTreeMap::new();
    for key in lists.row(keys) {
        let Value::Text(key) = key else { return Err(damaged("the key of a storage is not text")) };
        let cut = || damaged(format!("it is cut off before the end of storage `{key}`"));
        let count = bytes.get(at..at + 8).ok_or_else(cut)?;
        let count: [u8; 8] = count.try_into().expect("eight bytes");
        let count = if big_endian { u64::from_be_bytes(count) } else { u64::from_le_bytes(count) };
        let size =
            sizes.get(&**key).copied().ok_or_else(|| damaged(format!("storage `{key}` has no type")))?;
        let length = usize::try_from(count).ok().and_then(|count| count.checked_mul(size)).ok_or_else(cut)?;
        let end = (at + 8).checked_add(length).filter(|end| *end <= bytes.len()).ok_or_else(cut)?;
        found.insert(key.to_string(), &bytes[at + 8..end]);
        at = end;
    }
    Ok((value, values, Storages { found: Found::Legacy(found), big_endian }))
}

impl Storages<'_> {
    /// The bytes of a storage, or why they cannot be read.
    pub(super) fn bytes(&mut self, key: &str) -> Result<Result<&[u8], String>> {
        let missing = || format!("a damaged tensor: its storage `{key}` is missing");
        match &mut self.found {
            Found::Legacy(found) => Ok(found.get(key).copied().ok_or_else(missing)),
            Found::Archive { archive, folder, unpacked: known, left } => {
                if !known.contains_key(key) {
                    let content = match archive.index_for_name(&format!("{folder}data/{key}")) {
                        None => Err(missing()),
                        Some(index) => unpacked(archive, index, left)?
                            .map_err(|reason| format!("a damaged tensor: its storage `{key}`: {reason}")),
                    };
                    known.insert(key.to_owned(), content);
                }
                Ok(known[key].as_deref().map_err(Clone::clone))
            }
        }
    }
}

impl Values {
    /// The size of an element of each storage.
    fn sizes(&self) -> BTreeMap<&str, usize> {
        self.storages().iter().map(|Storage { key, elements, .. }| (&**key, elements.size())).collect()
    }
}
