//! Reference tables: results of the published code, as CSV files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// One row of a reference table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    table: String,
    line: u64,
    fields: BTreeMap<String, String>,
}

/// The folder with the tables: `CONCERTINA_REFERENCE`, or `../shared/reference/paper` beside the project.
pub fn folder() -> Option<PathBuf> {
    let root = crate::folder::workspace_root();
    crate::folder::first_of("CONCERTINA_REFERENCE", &[root.join("../shared/reference/paper")])
}

/// The rows of `<name>.csv` in the order of the file. `None` if the file is missing, which is reported.
///
/// # Panics
/// If the file exists but is not a table.
pub fn table(name: &str) -> Option<Vec<Record>> {
    let path = folder().map(|folder| folder.join(format!("{name}.csv"))).filter(|path| path.is_file());
    let Some(path) = path else {
        crate::folder::missing(&format!("reference/{name}.csv"));
        return None;
    };
    Some(read(name, &path))
}

fn read(name: &str, path: &Path) -> Vec<Record> {
    let shown = path.display();
    let mut reader =
        csv::Reader::from_path(path).unwrap_or_else(|error| panic!("cannot read {shown}: {error}"));
    let headers = reader.headers().unwrap_or_else(|error| panic!("cannot read {shown}: {error}")).clone();
    reader
        .records()
        .map(|row| {
            let row = row.unwrap_or_else(|error| panic!("cannot read {shown}: {error}"));
            let line = row.position().map_or(0, csv::Position::line);
            let fields =
                headers.iter().zip(&row).map(|(column, cell)| (column.to_owned(), cell.to_owned())).collect();
            Record { table: name.to_owned(), line, fields }
        })
        .collect()
}

impl Record {
    /// The text of a cell.
    ///
    /// # Panics
    /// If there is no such column.
    pub fn text(&self, column: &str) -> &str {
        self.fields.get(column).unwrap_or_else(|| {
            let columns: Vec<&str> = self.fields.keys().map(String::as_str).collect();
            panic!("`{}` has no column `{column}`; available: {}", self.table, columns.join(", "))
        })
    }

    /// The number in a cell.
    ///
    /// # Panics
    /// If there is no such column, or the cell is not a number.
    pub fn f64(&self, column: &str) -> f64 {
        self.number(column)
            .unwrap_or_else(|| panic!("`{}`, line {}: `{column}` is empty", self.table, self.line))
    }

    /// The number in a cell; `None` if the cell is empty.
    ///
    /// # Panics
    /// If there is no such column, or the cell has something else.
    pub fn number(&self, column: &str) -> Option<f64> {
        let text = self.text(column);
        let parse = |text: &str| {
            text.parse().unwrap_or_else(|_| {
                panic!("`{}`, line {}: `{column}` should be a number, found `{text}`", self.table, self.line)
            })
        };
        (!text.is_empty()).then(|| parse(text))
    }

    /// The whole number in a cell.
    ///
    /// # Panics
    /// If there is no such column, or the cell is not a whole number.
    pub fn i64(&self, column: &str) -> i64 {
        let text = self.text(column);
        text.parse().unwrap_or_else(|_| {
            panic!(
                "`{}`, line {}: `{column}` should be a whole number, found `{text}`",
                self.table, self.line
            )
        })
    }

    /// The names of the columns, sorted.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.fields.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_row_by_row_with_quoted_and_empty_cells() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("made_up.csv");
        std::fs::write(&path, "panel,seed,value\n\"f,g\",3,0.5\nb,4,\n").expect("a written file");
        let rows = read("made_up", &path);
        assert_eq!(rows.len(), 2);
        assert_eq!((rows[0].text("panel"), rows[0].i64("seed"), rows[0].f64("value")), ("f,g", 3, 0.5));
        assert_eq!((rows[1].text("panel"), rows[1].number("value")), ("b", None));
        assert_eq!(rows[0].columns().collect::<Vec<_>>(), ["panel", "seed", "value"]);
    }

    #[test]
    fn the_available_reference_tables_can_be_read() {
        let Some(rows) = table("final_metrics") else { return };
        assert!(!rows.is_empty());
        assert!(rows.iter().all(|row| row.i64("seed") >= 0));
    }
}
