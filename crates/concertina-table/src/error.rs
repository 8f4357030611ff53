//! What can go wrong with a table.

/// Result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong with a table.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A column was asked for that the table does not have.
    #[error("unknown column `{name}`, the table has {}", listed(known))]
    UnknownColumn {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// A column holds another kind of values than the one asked for.
    #[error("column `{name}`: expected {expected} values, found {found}")]
    Kind {
        /// The column.
        name: String,
        /// The kind asked for.
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
    /// Two columns have one name.
    #[error("column `{name}` is there twice")]
    DuplicateColumn {
        /// The name.
        name: String,
    },
    /// A row was asked for past the end.
    #[error("row {row} is past the end of a table of {rows} rows")]
    Row {
        /// The row asked for, counted from 0.
        row: usize,
        /// How many there are.
        rows: usize,
    },
    /// Two tables cannot be joined: both have several rows of one name.
    #[error("cannot join the tables by {}: both have several rows for {row}", listed(columns))]
    Ambiguous {
        /// The columns that should name a row.
        columns: Vec<String>,
        /// Their values in the rows that cannot be told apart.
        row: String,
    },
    /// Two tables cannot be joined: no row of one has a partner in the other.
    #[error("cannot join the tables by {}: no row of one has a partner in the other", listed(columns))]
    NoPartner {
        /// The columns that should name a row.
        columns: Vec<String>,
    },
    /// A condition on rows cannot be read.
    #[error("expected {expected}, found {found}, in the condition `{text}`")]
    Condition {
        /// The whole condition.
        text: String,
        /// What would go on.
        expected: String,
        /// What is there.
        found: String,
    },
    /// CSV that cannot be read or written.
    #[error("cannot read or write the table as csv")]
    Csv {
        /// What the CSV library says.
        source: ::csv::Error,
    },
    /// JSON that is not an array of flat records.
    #[error("expected an array of records with plain values, found {found}")]
    Json {
        /// What stands there instead, and where.
        found: String,
    },
    /// JSON that cannot be written.
    #[error("cannot write the table as json")]
    JsonWrite {
        /// What the JSON library says.
        source: serde_json::Error,
    },
    /// Parquet that cannot be read or written.
    #[error("cannot read or write the table as parquet")]
    Parquet {
        /// What the Parquet library says.
        source: ::parquet::errors::ParquetError,
    },
    /// Parquet bytes that hold something this crate does not write.
    #[error("not a table of concertina: {found}")]
    ForeignParquet {
        /// What was found.
        found: String,
    },
    /// Parquet bytes that changed since they were written.
    #[error("damaged table: expected checksum {expected}, found {found}")]
    Checksum {
        /// BLAKE3 written in the file, or a note that it is missing.
        expected: String,
        /// BLAKE3 of the bytes that were read.
        found: String,
    },
    /// A whole table, but of something else.
    #[error("expected the table of `{expected}`, found that of `{found}`")]
    Label {
        /// The label asked for.
        expected: String,
        /// The label written in the file.
        found: String,
    },
    /// More cells or text than one table may hold.
    #[error("table too large: at most {limit} {unit}, found {found}")]
    TooLarge {
        /// What is counted.
        unit: &'static str,
        /// The limit.
        limit: usize,
        /// What was found (at least).
        found: usize,
    },
}

impl Error {
    /// What the user can do about it, if there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownColumn { known, .. } if known.is_empty() => {
                Some("the table is empty: nothing was written to it".to_owned())
            }
            Self::Condition { .. } => Some("as in `gain = 250 and (input_dim = 2 or seed < 3)`".to_owned()),
            Self::Kind { name, found: "vector", .. } => Some(format!(
                "write the table as csv: there each number of a vector has a column, `{name}[0]`, `{name}[1]`, ..."
            )),
            Self::Width { .. } => Some("keep tables of networks of different sizes apart".to_owned()),
            Self::VectorCondition { .. } => Some("choose rows by columns that hold one value".to_owned()),
            Self::DuplicateColumn { .. } => Some("take another column for one of them".to_owned()),
            Self::Checksum { .. } => Some(
                "the file changed after it was written: take it from a copy, or have it computed again"
                    .to_owned(),
            ),
            Self::ForeignParquet { .. } => Some("save foreign tables as csv, and read that".to_owned()),
            Self::TooLarge { .. } => Some("split the table by run, or keep fewer columns".to_owned()),
            Self::Json { .. } => Some(r#"expected is [{"epoch": 0, "loss": 1.5}, ...]"#.to_owned()),
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
