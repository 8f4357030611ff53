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
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// The file is empty.
    #[error("the file is empty")]
    Empty,
    /// The file is larger than the limit, or claims to contain more.
    #[error("expected at most {limit} bytes, found {found}")]
    TooLarge {
        /// The limit.
        limit: u64,
        /// The number of bytes found, as far as they were counted.
        found: u64,
    },
    /// The file is a pickle that `torch.save` did not write: a program rather than data.
    #[error(
        "expected .npz, .npy, .safetensors or a file of `torch.save`, found a pickle, which is a program rather than data"
    )]
    Pickle,
    /// The file of PyTorch asks for something that is not data: a function, a class, or an instruction that
    /// builds neither.
    #[error("expected tensors, numbers and text, found {found}; nothing was run")]
    Program {
        /// What it is.
        kind: Program,
        /// What was found, with its name.
        found: String,
    },
    /// The file name has another ending.
    #[error("expected a file name that ends in .npz, .npy, .safetensors, .pt or .pth, found `.{found}`")]
    Format {
        /// The ending.
        found: String,
    },
    /// The file violates its format.
    #[error("not {format}: {reason}")]
    Damaged {
        /// The format.
        format: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// A required member of the file is not an array of floating-point numbers, or cannot be read.
    #[error("`{name}`: expected an array of floating-point numbers, found {found}")]
    Type {
        /// The member.
        name: String,
        /// What was found.
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

/// What a file of PyTorch contains that is not data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Program {
    /// An object of a class, such as a whole module.
    Object,
    /// A module that was compiled by TorchScript.
    Script,
    /// A function, or a class that is called like one.
    Call,
    /// An instruction that is not needed for data.
    Instruction,
}

/// How to save arrays with NumPy in a form that can be read here.
const SAVE_AS_NUMBERS: &str = "save the required arrays as plain numbers: `numpy.savez(\"weights.npz\", name=array.astype(\"float32\"))`";

impl Error {
    /// What the user can do about it, if anything.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Pickle => Some(
                "in Python: `numpy.savez(\"weights.npz\", **{name: value.cpu().numpy() for name, value in model.state_dict().items()})`"
                    .to_owned(),
            ),
            Self::Program { kind, .. } => Some(
                match kind {
                    Program::Object => {
                        "save what the module has learnt, where its class is defined: `torch.save(torch.load(\"FILE\", weights_only=False).state_dict(), \"weights.pt\")`"
                    }
                    Program::Script => {
                        "save its tensors: `torch.save(torch.jit.load(\"FILE\").state_dict(), \"weights.pt\")`"
                    }
                    Program::Call => {
                        "if you trust the file, save its state dict alone: `torch.save(model.state_dict(), \"weights.pt\")`; if not, do not load it in Python, because loading it runs this"
                    }
                    Program::Instruction => {
                        "save the state dict again with a current PyTorch: `torch.save(model.state_dict(), \"weights.pt\")`"
                    }
                }
                .to_owned(),
            ),
            Self::Format { .. } => Some(
                "save with `torch.save(model.state_dict(), \"weights.pt\")`, `numpy.savez` or `safetensors.torch.save_file`"
                    .to_owned(),
            ),
            Self::Type { .. } => Some(format!("if NumPy reads it, {SAVE_AS_NUMBERS}")),
            Self::TooLarge { .. } => Some("save only the weights, without the state of an optimizer".to_owned()),
            Self::Damaged { format: ".npy" | ".npz", .. } => Some(format!(
                "if `numpy.load` reads the file, {SAVE_AS_NUMBERS}; if not, it is truncated or of another kind: copy it again from its source"
            )),
            Self::Damaged { format: "a file of PyTorch", .. } => Some(
                "if `torch.load` reads the file, save it again: `torch.save(model.state_dict(), \"weights.pt\")`; if not, it is truncated or of another kind: copy it again from its source"
                    .to_owned(),
            ),
            Self::Damaged { .. } => Some(
                "if `safetensors.torch.load_file` does not read it either, it is truncated or of another kind: copy it again from its source"
                    .to_owned(),
            ),
            Self::Empty => Some("the program that wrote it has not finished, or failed: write it again".to_owned()),
            Self::Read { source, .. } => Some(
                match source.kind() {
                    std::io::ErrorKind::NotFound => "check the path: the file does not exist",
                    std::io::ErrorKind::PermissionDenied => "make it readable: `chmod u+r FILE`",
                    _ => "give the path of a .npz, .npy, .safetensors or .pt file",
                }
                .to_owned(),
            ),
            Self::Write { .. } => None,
        }
    }
}
