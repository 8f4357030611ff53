//! What can go wrong with a file of arrays.

use std::path::PathBuf;

/// Result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong with a file of arrays.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file has no bytes.
    #[error("the file is empty")]
    Empty,
    /// The file is, or claims to hold, more than is read.
    #[error("expected at most {limit} bytes, found {found}")]
    TooLarge {
        /// The limit.
        limit: u64,
        /// What was found, as far as it was counted.
        found: u64,
    },
    /// The file is a pickle, as `torch.save` writes it: a program rather than data.
    #[error("expected .npz, .npy or .safetensors, found a pickle, which is a program rather than data")]
    Pickle,
    /// The file's name ends otherwise.
    #[error("expected a file name that ends in .npz, .npy or .safetensors, found `.{found}`")]
    Format {
        /// How it ends.
        found: String,
    },
    /// Something in the file is not as its format has it.
    #[error("not {format}: {reason}")]
    Damaged {
        /// The format.
        format: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// A member of the file that is needed, and is no array of floating-point numbers or cannot be read.
    #[error("`{name}`: expected an array of floating-point numbers, found {found}")]
    Type {
        /// The member.
        name: String,
        /// What it is.
        found: String,
    },
    /// An archive cannot be written.
    #[error("cannot write `{name}` into an archive")]
    Write {
        /// The member.
        name: String,
        /// Why.
        source: std::io::Error,
    },
}

/// How NumPy writes what is read here.
const AGAIN: &str = "save the arrays that are needed as plain numbers: `numpy.savez(\"weights.npz\", name=array.astype(\"float32\"))`";

impl Error {
    /// What the user can do about it, if there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Pickle => Some(
                "in Python: `numpy.savez(\"weights.npz\", **{name: value.cpu().numpy() for name, value in model.state_dict().items()})`"
                    .to_owned(),
            ),
            Self::Format { .. } => {
                Some("save with `numpy.savez` or `safetensors.torch.save_file`".to_owned())
            }
            Self::Type { .. } => Some(format!("if NumPy reads it, {AGAIN}")),
            Self::TooLarge { .. } => Some("save the weights alone, without states of an optimizer".to_owned()),
            Self::Damaged { format: ".npy" | ".npz", .. } => Some(format!(
                "if `numpy.load` reads the file, {AGAIN}; if not, it is cut off or of another kind: copy it from where it was written"
            )),
            Self::Damaged { .. } => Some(
                "if `safetensors.torch.load_file` does not read it either, it is cut off or of another kind: copy it from where it was written"
                    .to_owned(),
            ),
            Self::Empty => Some("the program that wrote it has not finished, or failed: write it again".to_owned()),
            Self::Read { source, .. } => Some(
                match source.kind() {
                    std::io::ErrorKind::NotFound => "check the path: there is no such file",
                    std::io::ErrorKind::PermissionDenied => "allow it to be read: `chmod u+r FILE`",
                    _ => "give the path of a .npz, .npy or .safetensors file",
                }
                .to_owned(),
            ),
            Self::Write { .. } => None,
        }
    }
}
