//! The errors of a store.

use std::io;
use std::path::{Path, PathBuf};

/// Result with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// An error of a store.
///
/// A damaged file is not an error: it is set aside, listed by [`Store::incidents`](crate::Store::incidents),
/// and reads as missing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no store at the path.
    #[error("no store at {}", path.display())]
    NoStore {
        /// Where a store was expected.
        path: PathBuf,
    },
    /// The folder holds something else.
    #[error("expected a store or an empty folder, found `{found}` and no `FORMAT` in {}", path.display())]
    NotAStore {
        /// The folder.
        path: PathBuf,
        /// One of the things in it.
        found: String,
    },
    /// The store was written by a newer version.
    #[error("expected a store of layout {supported} or older, found layout {found} in {}", path.display())]
    NewerLayout {
        /// The file `FORMAT`.
        path: PathBuf,
        /// The layout it names.
        found: u64,
        /// The newest layout this version knows.
        supported: u64,
    },
    /// The layout's version cannot be read.
    #[error("expected `concertina store <number>`, found `{found}` in {}", path.display())]
    DamagedFormat {
        /// The file `FORMAT`.
        path: PathBuf,
        /// The beginning of what it holds.
        found: String,
    },
    /// There is a file, or a link to nothing, where a folder should be.
    #[error("expected a folder, found {found} at {}", path.display())]
    NotAFolder {
        /// The path.
        path: PathBuf,
        /// What was found there.
        found: &'static str,
    },
    /// A link leads out of the store.
    #[error("link leads out of the store, to {}: {}", target.display(), path.display())]
    LeadsOut {
        /// The link.
        path: PathBuf,
        /// Where it leads.
        target: PathBuf,
    },
    /// The store was opened for reading only.
    #[error("store was opened for reading only: {}", path.display())]
    OpenedReadOnly {
        /// The store.
        path: PathBuf,
    },
    /// No space, or no quota, is left.
    #[error("disk is full: cannot {action} {}", path.display())]
    DiskFull {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// The file system does not allow writing.
    #[error("file system is read-only: cannot {action} {}", path.display())]
    ReadOnlyFileSystem {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// The user does not have the permission.
    #[error("permission denied: cannot {action} {}", path.display())]
    PermissionDenied {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// Any other failure of the file system.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// A table cannot be written.
    #[error("cannot write the table {}", path.display())]
    Table {
        /// The file for which it was meant.
        path: PathBuf,
        /// Why.
        source: concertina_table::Error,
    },
    /// Tensors or metadata are too large for one file.
    #[error("header too large: at most {limit} bytes, found {found}, for {}", path.display())]
    HeaderTooLarge {
        /// The file for which it was meant.
        path: PathBuf,
        /// The limit in bytes.
        limit: u64,
        /// The size of the header, in bytes.
        found: u64,
    },
    /// A tensor has a name that the file format reserves.
    #[error("tensor cannot be named `{found}`")]
    TensorName {
        /// The name.
        found: String,
    },
    /// A text is not a key.
    #[error("expected a key of 64 hexadecimal digits, found `{found}`")]
    Key {
        /// The text.
        found: String,
    },
    /// A text is not a checkpoint.
    #[error("expected a checkpoint as `<epoch>_<update>`, found `{found}`")]
    Checkpoint {
        /// The text.
        found: String,
    },
}

impl Error {
    /// What the user can do about it, if anything.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoStore { .. } => {
                "check the path; training creates a store there if there is none".to_owned()
            }
            Self::NotAStore { .. } => "name an empty or a new folder".to_owned(),
            Self::NewerLayout { .. } => "install the newest version; the store was not changed".to_owned(),
            Self::DamagedFormat { .. } => {
                format!("if this is a store, put the line `{}` into the file", crate::layout::LINE.trim_end())
            }
            Self::NotAFolder { path, .. } => format!("move {} away, then try again", path.display()),
            Self::LeadsOut { .. } => {
                "open the store at its real path, or replace the link by a folder".to_owned()
            }
            Self::OpenedReadOnly { .. } => "open the store for writing".to_owned(),
            Self::DiskFull { .. } => {
                "free some space and start again: finished work is kept, and no file is incomplete".to_owned()
            }
            Self::ReadOnlyFileSystem { .. } => {
                "name a store in a folder that can be written to; this one can be read".to_owned()
            }
            Self::PermissionDenied { path, .. } => {
                format!("ask the owner of {} for access, or name another store", path.display())
            }
            Self::Io { source, .. } if source.raw_os_error() == Some(24) => {
                "too many open files: raise the limit with `ulimit -n`, or use fewer threads".to_owned()
            }
            Self::Io { source, .. } if source.kind() == io::ErrorKind::CrossesDevices => {
                "all folders of a store must be on the same file system".to_owned()
            }
            Self::Table { source, .. } => return source.hint(),
            Self::HeaderTooLarge { .. } => "keep fewer checkpoints of this run".to_owned(),
            Self::Key { .. } => "copy a key from the list of runs".to_owned(),
            Self::Checkpoint { .. } => "an example is `12_960`".to_owned(),
            Self::Io { .. } | Self::TensorName { .. } => return None,
        })
    }

    /// Classifies a failure of the system by what the user can do about it.
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::DiskFull { action, path, source }
            }
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnlyFileSystem { action, path, source },
            io::ErrorKind::PermissionDenied => Self::PermissionDenied { action, path, source },
            io::ErrorKind::NotADirectory => Self::NotAFolder { path, found: "a file above it" },
            _ => Self::Io { action, path, source },
        }
    }
}
