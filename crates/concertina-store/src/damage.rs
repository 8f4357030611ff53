//! Why the content of a file cannot be used.

use std::io;

/// Why the content of a file cannot be used: it is damaged, or the system failed.
#[derive(Debug)]
pub(crate) enum Damage {
    /// The content is wrong; the text is the incident's reason.
    Content(String),
    /// The system failed while reading, so nothing is known about the content.
    Io(io::Error),
}

impl Damage {
    pub(crate) fn content(reason: impl Into<String>) -> Self {
        Self::Content(reason.into())
    }
}

impl From<io::Error> for Damage {
    /// A file that ends early is damaged. Any other error is a failure of the system.
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::content("the file ends early"),
            _ => Self::Io(error),
        }
    }
}
