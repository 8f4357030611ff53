//! What can go wrong with a table.

/// Result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong with a table.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The table does not have the requested column.
    #[error("unknown column `{name}`, the table has {}", listed(known))]
    UnknownColumn {
        /// The name requested.
        name: String,
        /// The names of the columns that exist.
        known: Vec<String>,
    },
    /// A column holds another kind of values than the one requested.
    #[error("column `{name}`: expected {expected} values, found {found}")]
    Kind {
        /// The column.
        name: String,
        /// The kind requested.
        expected: &'static str,
        /// The kind it has.
        found: &'static str,
    },
    /// Vectors of one column differ in length.
    #[error("column `{name}`: expected vectors of {expected} numbers, found one of {found}")]
    Width {
        /// The column.
        name: String,
        /// The length of the first vector.
        expected: usize,
        /// Another length.
        found: usize,
    },
    /// A condition compares a column of vectors.
    #[error("column `{name}`: expected single values to compare, found vectors")]
    VectorCondition {
        /// The column.
        name: String,
    },
    /// A column is longer or shorter than those before it.
    #[error("column `{name}`: expected {expected} rows, found {found}")]
    Length {
        /// The column.
        name: String,
        /// Rows of the table so far.
        expected: usize,
        /// Rows of this column.
        found: usize,
    },
    /// Two columns have the same name.
    #[error("column `{name}` occurs twice")]
    DuplicateColumn {
        /// The name.
        name: String,
    },
    /// The requested row is past the end.
    #[error("row {row} is past the end of a table of {rows} rows")]
    Row {
        /// The row requested, counted from 0.
        row: usize,
        /// The number of rows.
        rows: usize,
    },
    /// Two tables cannot be joined, because both have several rows with the same key.
    #[error("cannot join the tables by {}: both have several rows for {row}", listed(columns))]
    Ambiguous {
        /// The columns that should name a row.
        columns: Vec<String>,
        /// Their values in the rows that cannot be distinguished.
        row: String,
    },
    /// Two tables cannot be joined, because no row of one matches a row of the other.
    #[error("cannot join the tables by {}: no row of one matches a row of the other", listed(columns))]
    NoPartner {
        /// The columns that should name a row.
        columns: Vec<String>,
    },
    /// A condition on rows cannot be read.
    #[error("expected {expected}, found {found}, in the condition `{text}`")]
    Condition {
        /// The whole condition.
        text: String,
        /// What would be valid there.
        expected: String,
        /// What was found.
        found: String,
    },
    /// The CSV cannot be read or written.
    #[error("cannot read or write the table as csv")]
    Csv {
        /// The error of the CSV library.
        source: ::csv::Error,
    },
    /// The JSON is not an array of flat records.
    #[error("expected an array of records with plain values, found {found}")]
    Json {
        /// What was found instead, and where.
        found: String,
    },
    /// The JSON cannot be written.
    #[error("cannot write the table as json")]
    JsonWrite {
        /// The error of the JSON library.
        source: serde_json::Error,
    },
    /// The Parquet file cannot be read or written.
    #[error("cannot read or write the table as parquet")]
    Parquet {
        /// The error of the Parquet library.
        source: ::parquet::errors::ParquetError,
    },
    /// The Parquet bytes contain something that this crate does not write.
    #[error("not a table written by concertina: {found}")]
    ForeignParquet {
        /// What was found.
        found: String,
    },
    /// The Parquet bytes changed after they were written.
    #[error("damaged table: expected checksum {expected}, found {found}")]
    Checksum {
        /// The BLAKE3 checksum written in the file, or a note that it is missing.
        expected: String,
        /// The BLAKE3 checksum of the bytes that were read.
        found: String,
    },
    /// An undamaged table, but of something else.
    #[error("expected the table of `{expected}`, found that of `{found}`")]
    Label {
        /// The label requested.
        expected: String,
        /// The label written in the file.
        found: String,
    },
    /// More cells or text than a single table may hold.
    #[error("table too large: at most {limit} {unit}, found {found}")]
    TooLarge {
        /// What is counted.
        unit: &'static str,
        /// The limit.
        limit: usize,
        /// What was found, at least.
        found: usize,
    },
}

impl Error {
    /// What the user can do about it, if anything.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownColumn { known, .. } if known.is_empty() => {
                Some("the table is empty: nothing was written to it".to_owned())
            }
            Self::Condition { .. } => Some("as in `gain = 250 and (input_dim = 2 or seed < 3)`".to_owned()),
            Self::Kind { name, found: "vector", .. } => Some(format!(
                "write the table as csv, where each number of a vector has its own column: `{name}[0]`, `{name}[1]`, ..."
            )),
            Self::Width { .. } => Some("use separate tables for networks of different sizes".to_owned()),
            Self::VectorCondition { .. } => Some("choose rows by columns with single values".to_owned()),
            Self::DuplicateColumn { .. } => {
                Some("choose a different column or name for one of them".to_owned())
            }
            Self::Checksum { .. } => Some(
                "the file changed after it was written: restore it from a copy, or recompute it".to_owned(),
            ),
            Self::ForeignParquet { .. } => {
                Some("save tables of other programs as csv, and read that".to_owned())
            }
            Self::TooLarge { .. } => Some("split the table by run, or keep fewer columns".to_owned()),
            Self::Json { .. } => Some(r#"the expected form is [{"epoch": 0, "loss": 1.5}, ...]"#.to_owned()),
            _ => None,
        }
    }
}

/// Names in backticks with commas, or "no columns".
fn listed(names: &[String]) -> String {
    if names.is_empty() {
        return "no columns".to_owned();
    }
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
