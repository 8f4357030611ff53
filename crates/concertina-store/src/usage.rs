//! What takes how much room.

use std::collections::BTreeMap;
use std::fs::{self, DirEntry, File};
use std::path::Path;

use concertina_table::Table;

use crate::content::{ANALYSES, CHECKPOINTS, MAX_TABLE_BYTES, TABLE_ENDING, run_path};
use crate::disk::INCOMING;
use crate::incident::SET_ASIDE;
use crate::place::entries;
use crate::{Error, Result, Store};

/// Room that files of one kind take.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// The kind of file: `params`, `checkpoints`, `resume`, `history`, `provenance`, `analysis`, `views`, `incoming`, `set-aside`,
    /// `other`.
    pub kind: &'static str,
    /// Of an analysis: its name and version.
    pub analysis: Option<(String, u32)>,
    /// How many files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

type Totals = BTreeMap<(&'static str, Option<(String, u32)>), (u64, u64)>;

pub(crate) fn usage(store: &Store) -> Result<Vec<Usage>> {
    let mut totals = Totals::new();
    for key in store.keys()? {
        let folder = run_path(&key);
        each(store, &folder, &mut |name, entry| {
            let kind = match name {
                "params.toml" => "params",
                "checkpoints.safetensors" => "checkpoints",
                "resume.safetensors" => "resume",
                "history.parquet" => "history",
                "provenance.json" => "provenance",
                CHECKPOINTS => return Ok(()), // a folder, below
                _ => "other",
            };
            add(&mut totals, kind, None, entry)
        })?;
        each(store, &folder.join(CHECKPOINTS), &mut |_, entry| add(&mut totals, "checkpoints", None, entry))?;
    }
    for shard in store.shards(ANALYSES)? {
        let folder = Path::new(ANALYSES).join(shard.file_name().unwrap_or_default());
        each(store, &folder, &mut |name, entry| {
            let analysis = if name.ends_with(TABLE_ENDING) { analysis_of(entry)? } else { None };
            let kind = if analysis.is_some() { "analysis" } else { "other" };
            add(&mut totals, kind, analysis, entry)
        })?;
    }
    for (folder, kind) in [(INCOMING, "incoming"), (SET_ASIDE, "set-aside")] {
        deep(store, Path::new(folder), &mut |entry| add(&mut totals, kind, None, entry))?;
    }
    each(store, Path::new(""), &mut |_, entry| {
        if entry.file_type().is_ok_and(|kind| kind.is_file()) {
            add(&mut totals, "views", None, entry)?;
        }
        Ok(())
    })?;
    Ok(totals
        .into_iter()
        .map(|((kind, analysis), (files, bytes))| Usage { kind, analysis, files, bytes })
        .collect())
}

fn add(
    totals: &mut Totals,
    kind: &'static str,
    analysis: Option<(String, u32)>,
    entry: &DirEntry,
) -> Result<()> {
    // Whoever publishes just now may have renamed it.
    if let Ok(metadata) = entry.metadata() {
        let (files, bytes) = totals.entry((kind, analysis)).or_default();
        *files += 1;
        *bytes += metadata.len();
    }
    Ok(())
}

/// What a memoised result is of, if it is one.
fn analysis_of(entry: &DirEntry) -> Result<Option<(String, u32)>> {
    let path = entry.path();
    // What is too large to be read is no table of ours, and is not read.
    let small = |file: &File| file.metadata().map(|metadata| metadata.len() <= MAX_TABLE_BYTES);
    let read =
        File::open(&path).and_then(|file| if small(&file)? { fs::read(&path).map(Some) } else { Ok(None) });
    let bytes = match read {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Ok(None),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io("read", &path, error)),
    };
    // Damaged ones are `verify`'s concern.
    let Ok(label) = Table::parquet_label(&bytes) else { return Ok(None) };
    let about = label.split_once(": ").map(|(_, about)| about).unwrap_or_default();
    let mut words = about.split(' ');
    let name = words.next().filter(|name| !name.is_empty()).map(str::to_owned);
    Ok(name.zip(words.next().and_then(|version| version.parse().ok())))
}

fn each(store: &Store, folder: &Path, visit: &mut dyn FnMut(&str, &DirEntry) -> Result<()>) -> Result<()> {
    let Some(absolute) = store.disk.folder(folder)? else { return Ok(()) };
    entries(&absolute)?.iter().try_for_each(|(name, entry)| visit(name, entry))
}

fn deep(store: &Store, folder: &Path, visit: &mut dyn FnMut(&DirEntry) -> Result<()>) -> Result<()> {
    each(store, folder, &mut |name, entry| match entry.file_type().is_ok_and(|kind| kind.is_dir()) {
        true => deep(store, &folder.join(name), visit),
        false => visit(entry),
    })
}
