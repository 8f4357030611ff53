//! Tables made with the published code, and how ours are compared with them.
//!
//! A copy of the tables is built into the program, from `recipes/reference`, whose README says what they are
//! and how they were made. A folder can be used instead. Columns may have our names or the published code's.

mod columns;
mod comparison;

use std::path::{Path, PathBuf};

use concertina_table::Table;

pub use comparison::{Moments, PointComparison, compare};

use crate::{Error, Result};

macro_rules! published {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../../../recipes/reference/", $name, ".csv")))),*]
    };
}

/// Name and text of every published table that is built into the program.
pub const PUBLISHED: &[(&str, &str)] = published![
    "fig2_accuracy",
    "fig2_cluster_holdout",
    "fig2_effective_dimension",
    "fig2_lyapunov",
    "fig2d_accuracy",
    "fig3_accuracy",
    "fig3_cluster_holdout",
    "fig3_effective_dimension",
    "fig3_lyapunov",
    "fig3_saturation",
    "fig4_accuracy",
    "fig4_cluster_holdout",
    "fig4_effective_dimension",
    "fig4_lyapunov",
    "ed1_effective_dimension",
];

/// Where published tables are read from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublishedTables {
    folder: Option<PathBuf>,
}

/// A published table, with our names of columns.
#[derive(Clone, Debug, PartialEq)]
pub struct PublishedTable {
    /// The contents, with one row per realisation and point.
    pub table: Table,
    /// The file that it was read from; `None` if it is the program's own copy.
    pub path: Option<PathBuf>,
}

impl PublishedTables {
    /// The copies that are built into the program.
    pub fn shipped() -> Self {
        Self::default()
    }

    /// The tables in a folder, `fig2_lyapunov.csv` and so on. Tables that are missing there are the
    /// program's.
    ///
    /// # Errors
    /// [`Error::NoPublished`] if the folder has none of them.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Result<Self> {
        let folder = folder.into();
        let there = |(name, _): &(&str, &str)| file_of(&folder, name).is_file();
        match PUBLISHED.iter().any(there) {
            true => Ok(Self { folder: Some(folder) }),
            false => Err(Error::NoPublished { example: PUBLISHED[0].0, folder }),
        }
    }

    /// A table by its name.
    ///
    /// # Errors
    /// [`Error::Unknown`]; [`Error::File`] or [`Error::Table`] if it cannot be read; [`Error::Published`] for
    /// invalid columns.
    pub fn read(&self, name: &str) -> Result<PublishedTable> {
        let path = self.folder.as_deref().map(|folder| file_of(folder, name)).filter(|path| path.is_file());
        let table = match &path {
            Some(path) => {
                let file = std::fs::File::open(path).map_err(|source| Error::File {
                    action: "read",
                    path: path.clone(),
                    source,
                })?;
                Table::read_csv(file)?
            }
            None => match PUBLISHED.iter().find(|(known, _)| *known == name) {
                Some((_, text)) => Table::read_csv(text.as_bytes())?,
                None => {
                    return Err(Error::Unknown {
                        what: "published table",
                        found: name.to_owned(),
                        known: PUBLISHED.iter().map(|(known, _)| (*known).to_owned()).collect(),
                        place: None,
                        name: "the program".to_owned(),
                    });
                }
            },
        };
        let table = columns::ours(name, &table)?;
        // A table without points would agree with everything.
        if table.is_empty() {
            let message = "expected at least one row, found none".to_owned();
            return Err(Error::Published { table: name.to_owned(), message });
        }
        Ok(PublishedTable { table, path })
    }
}

fn file_of(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.csv"))
}
