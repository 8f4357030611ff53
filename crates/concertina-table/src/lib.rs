//! Tidy tables: typed columns, one row per observation; CSV, JSON and Parquet.
//!
//! A [`Table`] holds named columns of equal length, in order. A column is one of five kinds ([`Values`]), and
//! every cell may be null. *Undefined is null*: a NaN becomes null. Infinities are kept. A cell may hold a
//! vector, such as the state of a network. All vectors of a column have the same length.
//!
//! | file | kinds | column order | null | differences |
//! |---|---|---|---|---|
//! | Parquet | kept | kept | kept | none: what is read equals what was written |
//! | JSON records | kept | by name through [`Table::to_json`], kept by [`Table::write_json`] | `null` | infinities are the texts `inf` and `-inf` |
//! | CSV | inferred | kept | empty cell | an empty text is read as null, and each number of a vector has its own column; see [`Table::read_csv`] |
//!
//! ```
//! use concertina_table::{Table, Values};
//! let table = Table::from_columns([
//!     ("epoch", Values::from(vec![0_i64, 1, 2])),
//!     ("loss", Values::from(vec![1.5, f64::NAN, 0.25])),
//! ])?;
//! assert_eq!(table.floats("loss")?, [Some(1.5), None, Some(0.25)]);
//! let bytes = table.to_parquet()?;
//! assert_eq!(Table::from_parquet(&bytes)?, table);
//! # Ok::<(), concertina_table::Error>(())
//! ```

mod condition;
mod csv;
mod error;
mod fence;
mod grouping;
mod join;
mod json;
mod parquet;
mod scalar;
mod table;
mod values;

pub use condition::{AnyColumn, Columns, Condition, OneOf};
pub use error::{Error, Result};
pub use scalar::Scalar;
pub use table::Table;
pub use values::Values;
