//! How much space the files of a store take.

use std::collections::BTreeMap;
use std::fs::DirEntry;
use std::path::Path;

use crate::content::{ANALYSES, CHECKPOINTS, TABLE_ENDING, TRIALS, run_path};
use crate::disk::INCOMING;
use crate::incident::SET_ASIDE;
use crate::place::entries;
use crate::remove::read_entry;
use crate::{Result, Store};

/// The space that files of one kind take.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// The kind of file: `params`, `checkpoints`, `resume`, `history`, `provenance`, `analysis`, `trials`,
    /// `views`, `incoming`, `set-aside`, `other`.
    pub kind: &'static str,
    /// For an analysis: its name and version.
    pub analysis: Option<(String, u32)>,
    /// The number of files.
    pub files: u64,
    /// Their size in bytes.
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
                CHECKPOINTS => return Ok(()), // a folder, counted below
                _ => "other",
            };
            add(&mut totals, kind, None, entry)
        })?;
        each(store, &folder.join(CHECKPOINTS), &mut |_, entry| add(&mut totals, "checkpoints", None, entry))?;
    }
    for shard in store.shards(ANALYSES)? {
        let folder = Path::new(ANALYSES).join(shard.file_name().unwrap_or_default());
        each(store, &folder, &mut |name, entry| {
            let key = name.strip_suffix(TABLE_ENDING).and_then(|name| name.parse().ok());
            let memo = key.map(|key| read_entry(key, &entry.path())).transpose()?.flatten();
            let analysis = memo.map(|memo| (memo.analysis, memo.version));
            let kind = if analysis.is_some() { "analysis" } else { "other" };
            add(&mut totals, kind, analysis, entry)
        })?;
    }
    for (folder, kind) in [(TRIALS, "trials"), (INCOMING, "incoming"), (SET_ASIDE, "set-aside")] {
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
    // Another process may have renamed it while publishing.
    if let Ok(metadata) = entry.metadata() {
        let (files, bytes) = totals.entry((kind, analysis)).or_default();
        *files += 1;
        *bytes += metadata.len();
    }
    Ok(())
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
