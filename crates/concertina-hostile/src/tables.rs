//! Tables: Parquet, CSV, JSON, and the published tables.

use std::path::PathBuf;
use std::sync::OnceLock;

use concertina_recipe::{Evidence, PUBLISHED, PublishedTables, Recipe, compare};
use concertina_table::{Error, Table};

use crate::{reseal, store::fast_folder, tell};

/// A Parquet file of the store, unchanged and with a corrected checksum.
pub fn parquet(bytes: &[u8]) {
    if let Err(error @ Error::Checksum { .. }) = read_parquet(bytes)
        && let Some(resealed) = reseal::by_reason(bytes, &error.to_string())
    {
        let _ = read_parquet(&resealed);
    }
}

fn read_parquet(bytes: &[u8]) -> Result<(), Error> {
    let label = Table::parquet_label(bytes);
    let read = Table::from_parquet(bytes).inspect_err(|error| tell(error));
    if let (Ok(label), Ok(_)) = (&label, &read) {
        // The text before the colon is the subject.
        let subject = label.split_once(": ").map_or(&**label, |(subject, _)| subject);
        assert!(Table::from_labelled_parquet(bytes, subject).is_ok());
    }
    if let Err(error) = Table::from_labelled_parquet(bytes, "memo") {
        tell(&error);
    }
    let table = read?;
    let written = table.to_parquet().expect("a table that was read can be written");
    assert_eq!(Table::from_parquet(&written).expect("what is written is read"), table);
    Ok(())
}

/// Comma-separated values.
pub fn csv(bytes: &[u8]) {
    let table = match Table::read_csv(bytes) {
        Ok(table) => table,
        Err(error) => return tell(&error),
    };
    let mut written = Vec::new();
    table.write_csv(&mut written).expect("a table that was read can be written");
    let again = Table::read_csv(&*written).expect("what is written is read");
    assert_eq!(again, table, "{}", String::from_utf8_lossy(&written));
}

/// JSON records.
pub fn json(bytes: &[u8]) {
    let Ok(value) = serde_json::from_slice(bytes) else { return };
    let table = match Table::from_json(&value) {
        Ok(table) => table,
        Err(error) => return tell(&error),
    };
    let mut names: Vec<&str> = table.column_names().collect();
    names.sort_unstable();
    let table = table.select(&names).expect("its own names");
    assert_eq!(Table::from_json(&table.to_json()).expect("what is written is read"), table);
    let mut written = Vec::new();
    table.write_json(&mut written).expect("a table that was read can be written");
    let value = serde_json::from_slice(&written).expect("what is written is json");
    assert_eq!(Table::from_json(&value).expect("what is written is read"), table);
}

/// A published table in a folder of the user; the first byte selects which table it replaces.
pub fn published(bytes: &[u8]) {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let (name, _) = PUBLISHED[usize::from(*first) % PUBLISHED.len()];
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| fast_folder("published"));
    let path = folder.join(format!("{name}.csv"));
    std::fs::write(&path, bytes).expect("the folder is ours");
    let read = PublishedTables::in_folder(folder).and_then(|tables| tables.read(name));
    std::fs::remove_file(&path).expect("it was just written");
    let table = match read {
        Ok(read) => read.table,
        Err(error) => return tell(&error),
    };
    static RECIPES: OnceLock<Vec<Recipe>> = OnceLock::new();
    let recipes = RECIPES.get_or_init(|| {
        ["fig2", "fig3", "fig4"].map(|name| Recipe::shipped(name).expect("it is shipped")).into()
    });
    for how in recipes.iter().flat_map(|recipe| &recipe.published).filter(|how| how.file.as_ref() == name) {
        let ours = Evidence { table: &table, seeds: &[0, 1], absent: &[] };
        if let Err(error) = compare(how, &ours, &table) {
            tell(&error);
        }
    }
}
