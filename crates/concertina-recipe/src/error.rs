//! Errors that can occur between a recipe and a verdict.

use std::path::PathBuf;

use concertina_names::suggestion;
use concertina_plot::syntax::{Place, SyntaxError, at};

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A recipe is invalid.
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
    /// A name in a recipe refers to something that does not exist.
    #[error("unknown {what} `{found}`{}", at(.place.as_ref(), .name))]
    Unknown {
        /// The kind of thing.
        what: &'static str,
        /// What was found.
        found: String,
        /// The known names.
        known: Vec<String>,
        /// Where.
        place: Option<Place>,
        /// The file, or a name in place of it.
        name: String,
    },
    /// There is no recipe with that name.
    #[error("unknown figure `{found}`")]
    UnknownFigure {
        /// The requested name.
        found: String,
        /// The known names.
        known: Vec<String>,
    },
    /// Two recipes have the same name.
    #[error("two recipes are for the figure `{figure}`")]
    SameFigure {
        /// The name.
        figure: String,
    },
    /// A claim needs something that its table does not have.
    #[error("claim `{claim}`: {message}")]
    Claim {
        /// Its name.
        claim: String,
        /// What was expected and what was found.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
    /// A published table is invalid.
    #[error("published table `{table}`: {message}")]
    Published {
        /// Its name.
        table: String,
        /// What was expected and what was found.
        message: String,
    },
    /// A folder has none of the published tables.
    #[error("expected published tables such as `{example}.csv`, found none in {}", folder.display())]
    NoPublished {
        /// The name of one of them.
        example: &'static str,
        /// The folder.
        folder: PathBuf,
    },
    /// A recipe needs a different number of tables.
    #[error("figure `{figure}`: expected {expected} tables, found {found}")]
    Tables {
        /// The figure.
        figure: String,
        /// How many requirements it has.
        expected: usize,
        /// The number of tables that were given.
        found: usize,
    },
    /// A panel cannot be drawn.
    #[error(transparent)]
    Plot(#[from] concertina_plot::Error),
    /// A table cannot be read or written.
    #[error(transparent)]
    Table(#[from] concertina_table::Error),
    /// A file cannot be read.
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
            Self::Plot(error) => error.hint(),
            Self::Syntax(error) => error.hint.clone(),
            Self::Claim { hint, .. } => hint.clone(),
            Self::Unknown { found, known, .. } | Self::UnknownFigure { found, known } => {
                Some(suggestion(found, known.iter().map(String::as_str), "known:"))
            }
            Self::SameFigure { .. } => {
                Some("their files would overwrite each other: give one of them another `figure`".to_owned())
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
