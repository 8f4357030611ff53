//! Many arrays in one file as NumPy writes it: `.npz`, a ZIP archive of `.npy` files.

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};

use ndarray::ArrayD;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

use crate::npy::{Element, read_npy, write_npy};
use crate::{Arrays, Error, MAX_BYTES, Member, Result, check_size};

/// Most members of an archive. Arbitrary, because a network has a dozen arrays.
const MAX_MEMBERS: usize = 10_000;

fn damaged(reason: impl Into<String>) -> Error {
    Error::Damaged { format: ".npz", reason: reason.into() }
}

/// Reads the arrays of an archive: `numpy.savez` and `numpy.savez_compressed`. Members that are no arrays are [`Member::Other`].
///
/// # Errors
/// [`Error::Damaged`], [`Error::TooLarge`]: of all members together, unpacked.
pub fn read_npz(bytes: &[u8]) -> Result<Arrays> {
    check_size(bytes.len() as u64)?;
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| damaged(error.to_string()))?;
    if archive.len() > MAX_MEMBERS {
        return Err(damaged(format!("{} members, {MAX_MEMBERS} at most", archive.len())));
    }
    let mut arrays = BTreeMap::new();
    let mut left = MAX_BYTES;
    for index in 0..archive.len() {
        let member = archive.by_index(index).map_err(|error| damaged(error.to_string()))?;
        let name = member.name().to_owned();
        let mut content = Vec::new();
        // What the archive says of sizes is not believed: what comes out is counted.
        member
            .take(left + 1)
            .read_to_end(&mut content)
            .map_err(|error| damaged(format!("`{name}`: {error}")))?;
        left = left
            .checked_sub(content.len() as u64)
            .ok_or(Error::TooLarge { limit: MAX_BYTES, found: MAX_BYTES + 1 })?;
        let (name, value) = match name.strip_suffix(".npy") {
            Some(plain) => (plain.to_owned(), named(plain, read_npy(&content))?),
            None => (name, Member::Other("no array".to_owned())),
        };
        if arrays.insert(name.clone(), value).is_some() {
            return Err(damaged(format!("two members `{name}`")));
        }
    }
    Ok(arrays)
}

fn named(name: &str, read: Result<Member>) -> Result<Member> {
    read.map_err(|error| match error {
        Error::Damaged { reason, .. } => damaged(format!("`{name}`: {reason}")),
        other => other,
    })
}

/// An archive that is being written, as `numpy.savez` does: `numpy.load` reads it. The same content gives the same bytes.
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
    /// [`Error::Write`], such as for a name that is there already.
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

    /// Adds a text under its whole name, as in `params.json`: `numpy.load(...)["params.json"]` gives its bytes.
    ///
    /// # Errors
    /// As [`Npz::array`].
    pub fn text(&mut self, name: &str, text: &str) -> Result<()> {
        self.member(name, text.as_bytes())
    }

    fn member(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        let failed = |source| Error::Write { name: name.to_owned(), source };
        // No times, so that the same content gives the same bytes.
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(DateTime::default())
            .large_file(u32::try_from(bytes.len()).is_err());
        self.0.start_file(name, options).map_err(|error| failed(error.into()))?;
        self.0.write_all(bytes).map_err(failed)
    }

    /// The archive.
    ///
    /// # Errors
    /// As [`Npz::array`].
    pub fn finish(self) -> Result<Vec<u8>> {
        let failed =
            |error: zip::result::ZipError| Error::Write { name: "its end".to_owned(), source: error.into() };
        Ok(self.0.finish().map_err(failed)?.into_inner())
    }
}
