//! Several arrays in a single file in NumPy's format `.npz`, a ZIP archive of `.npy` files.

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};

use ndarray::ArrayD;
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

use crate::npy::{Element, read_npy, write_npy};
use crate::{Arrays, Error, MAX_BYTES, Member, Result, check_size};

/// Maximum number of members of an archive. Arbitrary: a network has a dozen arrays.
const MAX_MEMBERS: usize = 10_000;

fn damaged(reason: impl Into<String>) -> Error {
    Error::Damaged { format: ".npz", reason: reason.into() }
}

/// Reads the arrays of an archive written by `numpy.savez` or `numpy.savez_compressed`.
///
/// A member that is not an array or cannot be read (records, objects, bzip2 compression, damage) becomes
/// [`Member::Other`] with the reason, and does not prevent the other members from being read.
///
/// # Errors
/// [`Error::Damaged`] if the file is not an archive; [`Error::TooLarge`] if its unpacked members together
/// exceed the limit.
pub fn read_npz(bytes: &[u8]) -> Result<Arrays> {
    let mut archive = opened(bytes)?;
    let mut arrays = BTreeMap::new();
    let mut left = MAX_BYTES;
    for index in 0..archive.len() {
        // The name is known even if the member cannot be unpacked.
        let Some(name) = archive.name_for_index(index).map(str::to_owned) else { continue };
        let (plain, is_array) = name.strip_suffix(".npy").map_or((&*name, false), |plain| (plain, true));
        let value = match unpacked(&mut archive, index, &mut left)? {
            Err(reason) => Member::Other(reason),
            Ok(content) if is_array => read_npy(&content).or_else(|error| match error {
                Error::Damaged { reason, .. } => Ok(Member::Other(format!("a damaged array: {reason}"))),
                other => Err(other),
            })?,
            Ok(_) => Member::Other("a member that is not an array".to_owned()),
        };
        let twice = |_: &mut Member| Member::Other("two members of this name".to_owned());
        arrays.entry(plain.to_owned()).and_modify(|known| *known = twice(known)).or_insert(value);
    }
    Ok(arrays)
}

/// The bytes of the member of an archive with this full name, such as `params.json`; `None` if it does not
/// exist.
///
/// # Errors
/// As [`read_npz`]; [`Error::Damaged`] if the member cannot be unpacked.
pub fn read_member(bytes: &[u8], name: &str) -> Result<Option<Vec<u8>>> {
    let mut archive = opened(bytes)?;
    let Some(index) = archive.index_for_name(name) else { return Ok(None) };
    let content = unpacked(&mut archive, index, &mut { MAX_BYTES })?;
    content.map(Some).map_err(|reason| damaged(format!("`{name}`: {reason}")))
}

pub(crate) fn opened(bytes: &[u8]) -> Result<ZipArchive<Cursor<&[u8]>>> {
    check_size(bytes.len() as u64)?;
    let archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| damaged(error.to_string()))?;
    match archive.len() {
        ..=MAX_MEMBERS => Ok(archive),
        found => Err(damaged(format!("{found} members, more than {MAX_MEMBERS}"))),
    }
}

/// The content of a member, of which at most `left` bytes are read, or the reason why it cannot be unpacked.
pub(crate) fn unpacked(
    archive: &mut ZipArchive<Cursor<&[u8]>>,
    index: usize,
    left: &mut u64,
) -> Result<Result<Vec<u8>, String>> {
    let method = archive.by_index_raw(index).map(|member| member.compression()).ok();
    let member = match archive.by_index(index) {
        Ok(member) => member,
        Err(ZipError::UnsupportedArchive(reason)) => {
            return Ok(Err(match method {
                Some(CompressionMethod::BZIP2) => "compressed with bzip2, which is not supported".to_owned(),
                Some(CompressionMethod::LZMA) => "compressed with lzma, which is not supported".to_owned(),
                _ => format!("compressed in an unsupported way ({reason})"),
            }));
        }
        Err(error) => return Ok(Err(format!("damaged: {error}"))),
    };
    let mut content = Vec::new();
    // The sizes stated in the archive are not trusted. The unpacked bytes are counted.
    let read = member.take(*left + 1).read_to_end(&mut content);
    *left = left
        .checked_sub(content.len() as u64)
        .ok_or(Error::TooLarge { limit: MAX_BYTES, found: MAX_BYTES + 1 })?;
    Ok(read.map(|_| content).map_err(|error| format!("damaged: {error}")))
}

/// An archive that is being written, in the format of `numpy.savez`; `numpy.load` reads it. The same content
/// gives the same bytes.
#[derive(Debug)]
pub struct Npz(ZipWriter<Cursor<Vec<u8>>>);

impl Default for Npz {
    fn default() -> Self {
        Self::new()
    }
}

impl Npz {
    /// An empty archive.
    pub fn new() -> Self {
        Self(ZipWriter::new(Cursor::new(Vec::new())))
    }

    /// Adds an array, row-major.
    ///
    /// # Errors
    /// [`Error::Write`], for example if the name already exists.
    pub fn array<T: Element>(&mut self, name: &str, array: &ArrayD<T>) -> Result<()> {
        self.member(&format!("{name}.npy"), &write_npy(array.shape(), array.iter().copied()))
    }

    /// Adds an array with one axis.
    ///
    /// # Errors
    /// As [`Npz::array`].
    pub fn vector<T: Element>(&mut self, name: &str, values: &[T]) -> Result<()> {
        self.member(&format!("{name}.npy"), &write_npy(&[values.len()], values.iter().copied()))
    }

    /// Adds a text under its full name, such as `params.json`: `numpy.load(...)["params.json"]` returns its
    /// bytes.
    ///
    /// # Errors
    /// As [`Npz::array`].
    pub fn text(&mut self, name: &str, text: &str) -> Result<()> {
        self.member(name, text.as_bytes())
    }

    fn member(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        let failed = |source| Error::Write { name: name.to_owned(), source };
        // Without timestamps, so that the same content gives the same bytes.
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(DateTime::default())
            .large_file(u32::try_from(bytes.len()).is_err());
        self.0.start_file(name, options).map_err(|error| failed(error.into()))?;
        self.0.write_all(bytes).map_err(failed)
    }

    /// Finishes the archive and returns its bytes.
    ///
    /// # Errors
    /// As [`Npz::array`].
    pub fn finish(self) -> Result<Vec<u8>> {
        let failed = |error: ZipError| Error::Write { name: "its end".to_owned(), source: error.into() };
        Ok(self.0.finish().map_err(failed)?.into_inner())
    }
}
