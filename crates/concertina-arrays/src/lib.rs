//! Named arrays in files of other programs: `.npy`, `.npz` (NumPy), `.pt`, `.pth` (PyTorch) and
//! `.safetensors` (PyTorch and others).
//!
//! Files are not trusted. Nothing in a file makes the reader panic, execute anything, or allocate more than
//! [`MAX_BYTES`] and a few times the size of the file. An error explains why a file cannot be read. Pickles
//! are programs: those of PyTorch are read as far as they describe tensors and containers, and everything
//! else in them is refused by its name. Object arrays are not read.
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
mod encoding;
mod error;
mod npy;
mod npz;
mod pickle;
mod safetensors;
mod torch;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use ndarray::ArrayD;

pub use error::{Error, Program, Result};
pub use npy::{Element, read_npy};
pub use npz::{Npz, read_member, read_npz};
pub use safetensors::{Safetensors, read_safetensors};
pub use torch::read_torch;

/// Maximum size of a file and of its unpacked content, in bytes: 2^30. The limit is needed because a few
/// kilobytes can claim any amount. Its value is arbitrary: a network of 10,000 units takes 4 · 10^8.
pub const MAX_BYTES: u64 = 1 << 30;

/// The name of arrays of integers in messages.
pub(crate) const INTEGERS: &str = "integers";
/// The name of arrays of truth values in messages.
pub(crate) const TRUTHS: &str = "truth values";

/// The arrays of a file by name.
pub type Arrays = BTreeMap<String, Member>;

/// A named member of a file.
#[derive(Debug, Clone, PartialEq)]
pub enum Member {
    /// An array of floating-point numbers, row-major, converted without loss.
    Numbers(ArrayD<f64>),
    /// An array of numbers whose type the file does not name: two bytes each, read as bfloat16, since this is
    /// how NumPy writes bfloat16.
    Guessed(ArrayD<f64>),
    /// An array of integers, row-major.
    Integers(ArrayD<i64>),
    /// An array of truth values, row-major.
    Truths(ArrayD<bool>),
    /// A value that is not an array, as Python writes it: `7`, `'adam'`, `None`.
    Plain(String),
    /// Something else, or something that cannot be read, in words: `a record array`, `a damaged array: ...`.
    Other(String),
}

impl Member {
    /// The floating-point numbers of this member. `name` is its name, for error messages.
    ///
    /// # Errors
    /// [`Error::Type`] if it is something else.
    pub fn numbers(&self, name: &str) -> Result<&ArrayD<f64>> {
        match self {
            Self::Numbers(array) | Self::Guessed(array) => Ok(array),
            other => Err(Error::Type { name: name.to_owned(), found: other.in_words().to_owned() }),
        }
    }

    /// A description in words.
    pub fn in_words(&self) -> &str {
        match self {
            Self::Numbers(_) => "numbers",
            Self::Guessed(_) => "numbers of a type that the file does not name",
            Self::Integers(_) => INTEGERS,
            Self::Truths(_) => TRUTHS,
            Self::Plain(found) | Self::Other(found) => found,
        }
    }
}

/// Reads the arrays of a file. The ending of its name determines the format: `.npz`, `.npy` (a single array,
/// named after the file), `.safetensors`, or those of `torch.save` (`.pt`, `.pth`, `.ckpt`, `.bin`, `.tar`,
/// `.pkl`).
///
/// # Errors
/// [`Error::Read`], [`Error::TooLarge`], [`Error::Empty`]; [`Error::Format`], depending on the name; and the
/// errors of the content.
pub fn read(path: &Path) -> Result<Arrays> {
    let ending = ending(path);
    match &*ending {
        "npz" => read_npz(&read_bytes(path)?),
        "safetensors" => read_safetensors(&read_bytes(path)?),
        "npy" => {
            let name = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
            Ok(BTreeMap::from([(name, read_npy(&read_bytes(path)?)?)]))
        }
        "pt" | "pth" | "pkl" | "pickle" | "ckpt" | "bin" | "tar" => read_torch(&read_bytes(path)?),
        // A missing file is reported before its format.
        _ if path.is_dir() => Err(Error::Format { found: ending }),
        _ => opened(path).and(Err(Error::Format { found: ending })),
    }
}

/// The ending of a file name, in lower case and without the dot.
fn ending(path: &Path) -> String {
    path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase()
}

/// The bytes of a file, if it is not too large.
///
/// # Errors
/// [`Error::Read`], [`Error::TooLarge`], [`Error::Empty`].
pub fn read_bytes(path: &Path) -> Result<Vec<u8>> {
    let file = opened(path)?;
    let mut bytes = Vec::new();
    // One byte more than allowed, in case the file grows in the meantime.
    let read = file.take(MAX_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|source| Error::Read { path: path.to_owned(), source })?;
    check_size(bytes.len() as u64)?;
    Ok(bytes)
}

/// Opens a regular file that is neither empty nor too large.
fn opened(path: &Path) -> Result<File> {
    let failed = |source| Error::Read { path: path.to_owned(), source };
    let metadata = std::fs::metadata(path).map_err(failed)?;
    if !metadata.is_file() {
        let what = if metadata.is_dir() { "it is a folder" } else { "it is not a regular file" };
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

/// The number of elements of an array of this shape; `None` if it exceeds 64 bits.
pub(crate) fn elements(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1_usize, |count, &axis| count.checked_mul(axis))
}
