//! Errors that can occur between a table and a file.

use std::path::PathBuf;

use crate::syntax::SyntaxError;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A theme is invalid.
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
    /// A panel needs something that its table does not have.
    #[error("panel `{panel}`: {message}")]
    Panel {
        /// Its letter or file name.
        panel: String,
        /// What was expected and what was found.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
    /// The shipped typeface cannot draw a character.
    #[error("no glyph for `{character}` in the text `{text}`")]
    Glyph {
        /// The character.
        character: char,
        /// The text that contains it.
        text: String,
    },
    /// A formula between two `$` cannot be read.
    #[error("the formula `${formula}$` cannot be read: found {reason}")]
    Formula {
        /// The formula.
        formula: String,
        /// What cannot be read.
        reason: String,
    },
    /// A table cannot be read or written.
    #[error(transparent)]
    Table(#[from] concertina_table::Error),
    /// The SVG cannot be laid out.
    #[error("cannot lay out the drawing")]
    Svg {
        /// Why.
        source: Box<usvg::Error>,
    },
    /// The PDF cannot be written.
    #[error("cannot make the PDF: {reason}")]
    Pdf {
        /// Why.
        reason: String,
    },
    /// The PNG cannot be written.
    #[error("cannot make the PNG: {reason}")]
    Png {
        /// Why.
        reason: String,
    },
    /// A file cannot be written.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
}

impl Error {
    /// What to do about it, if that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Syntax(error) => error.hint.clone(),
            Self::Panel { hint, .. } => hint.clone(),
            Self::Glyph { .. } => {
                Some("figures are set in Liberation Sans, which has Latin, Greek and Cyrillic letters; write superscripts and subscripts as `^{...}` and `_{...}`".to_owned())
            }
            Self::Formula { .. } => {
                Some(r"formulas have letters, `_`, `^`, Greek letters (`\alpha`), operators (`\times`, `\le`), functions (`\tanh`) and `\mathrm{...}`; a dollar is `\$`".to_owned())
            }
            Self::File { source, .. } if source.kind() == std::io::ErrorKind::PermissionDenied => {
                Some("is the folder writable?".to_owned())
            }
            Self::Table(concertina_table::Error::UnknownColumn { name, known }) if !known.is_empty() => {
                let name = concertina_names::nearest(name, known.iter().map(String::as_str))?;
                Some(format!("did you mean `{name}`?"))
            }
            Self::Table(error) => error.hint(),
            _ => None,
        }
    }
}

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
