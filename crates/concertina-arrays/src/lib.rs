//! Named arrays in the files of others: `.npy`, `.npz` (NumPy) and `.safetensors` (PyTorch and others).
//!
//! What is read comes from strangers. Nothing in a file makes the reader panic, run anything, or allocate
//! more than [`MAX_BYTES`] and a few times the size of the file; what cannot be read says why. Pickles
//! (`.pt`, `.pth`, object arrays) are programs and are refused.
//!
//! ```
//! use concertina_arrays::{Npz, read_npz};
//! use ndarray::arr2;
//! let mut npz = Npz::new();
//! npz.array("weights", &arr2(&[[1.0_f32, 2.0], [3.0, 4.0]]).into_dyn())?;
//! let bytes = npz.finish()?;
//! let arrays = read_npz(&bytes)?;
//! assert_eq!(arrays["weights"].numbers("weights")?.shape(), [2, 2]);
//! # Ok::<(), concertina_arrays::Error>(())
//! ```

mod bits;
mod error;
mod npy;
mod npz;
mod safetensors;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use ndarray::ArrayD;

pub use error::{Error, Result};
pub use npy::{Element, read_npy};
pub use npz::{Npz, read_member, read_npz};
pub use safetensors::read_safetensors;

/// Most bytes of a file, and of what it holds when unpacked: 2^30. Arbitrary, because a network of 10,000
/// units takes 4 · 10^8; a few kilobytes can claim any amount.
pub const MAX_BYTES: u64 = 1 << 30;

/// What messages call arrays of integers.
pub(crate) const INTEGERS: &str = "integers";
/// What messages call arrays of truth values.
pub(crate) const TRUTHS: &str = "truth values";

/// The arrays of a file by name.
pub type Arrays = BTreeMap<String, Member>;

/// What stands under a name in a file.
#[derive(Debug, Clone, PartialEq)]
pub enum Member {
    /// An array of floating-point numbers, row-major, each as exact as it was.
    Numbers(ArrayD<f64>),
    /// The same of a type that the file does not name: two bytes each, read as bfloat16, which NumPy writes
    /// so.
    Guessed(ArrayD<f64>),
    /// An array of integers, row-major.
    Integers(ArrayD<i64>),
    /// An array of truth values, row-major.
    Truths(ArrayD<bool>),
    /// Something else, or nothing that can be read, in words: `a record array`, `a damaged array: ...`.
    Other(String),
}

impl Member {
    /// The floating-point numbers of the member of this name.
    ///
    /// # Errors
    /// [`Error::Type`] if it is something else.
    pub fn numbers(&self, name: &str) -> Result<&ArrayD<f64>> {
        match self {
            Self::Numbers(array) | Self::Guessed(array) => Ok(array),
            other => Err(Error::Type { name: name.to_owned(), found: other.in_words().to_owned() }),
        }
    }

    /// What it is, in words.
    pub fn in_words(&self) -> &str {
        match self {
            Self::Numbers(_) => "numbers",
            Self::Guessed(_) => "numbers of a type that the file does not name",
            Self::Integers(_) => INTEGERS,
            Self::Truths(_) => TRUTHS,
            Self::Other(found) => found,
        }
    }
}

/// Reads the arrays of a file; its name says in which format: `.npz`, `.npy` (one array, named as the file),
/// `.safetensors`.
///
/// # Errors
/// [`Error::Read`], [`Error::TooLarge`], [`Error::Empty`]; [`Error::Pickle`], [`Error::Format`] by the name;
/// what is wrong with the content.
pub fn read(path: &Path) -> Result<Arrays> {
    let ending = ending(path);
    match &*ending {
        "npz" => read_npz(&read_bytes(path)?),
        "safetensors" => read_safetensors(&read_bytes(path)?),
        "npy" => {
            let name = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
            Ok(BTreeMap::from([(name, read_npy(&read_bytes(path)?)?)]))
        }
        // Whether there is such a file comes before what it would be.
        "pt" | "pth" | "pkl" | "pickle" | "ckpt" | "bin" => opened(path).and(Err(Error::Pickle)),
        _ if path.is_dir() => Err(Error::Format { found: ending }),
        _ => opened(path).and(Err(Error::Format { found: ending })),
    }
}

/// How a file's name ends, in lower case and without the point.
fn ending(path: &Path) -> String {
    path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase()
}

/// The bytes of a file, if they are not too many.
///
/// # Errors
/// [`Error::Read`], [`Error::TooLarge`], [`Error::Empty`].
pub fn read_bytes(path: &Path) -> Result<Vec<u8>> {
    let file = opened(path)?;
    let mut bytes = Vec::new();
    // One byte more than allowed, in case it grows meanwhile.
    let read = file.take(MAX_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|source| Error::Read { path: path.to_owned(), source })?;
    check_size(bytes.len() as u64)?;
    Ok(bytes)
}

/// A plain file that is not empty and not too large.
fn opened(path: &Path) -> Result<File> {
    let failed = |source| Error::Read { path: path.to_owned(), source };
    let metadata = std::fs::metadata(path).map_err(failed)?;
    if !metadata.is_file() {
        let what = if metadata.is_dir() { "it is a folder" } else { "it is not a plain file" };
        return Err(failed(std::io::Error::new(std::io::ErrorKind::InvalidInput, what)));
    }
    check_size(metadata.len())?;
    match metadata.len() {
        0 => Err(Error::Empty),
        _ => File::open(path).map_err(failed),
    }
}

pub(crate) fn check_size(found: u64) -> Result<()> {
    if found > MAX_BYTES { Err(Error::TooLarge { limit: MAX_BYTES, found }) } else { Ok(()) }
}

/// How many elements an array of this shape has; `None` past 64 bits.
pub(crate) fn elements(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1_usize, |count, &axis| count.checked_mul(axis))
}
