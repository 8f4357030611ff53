//! Files that grow: existing and added content are merged into one file.

use std::collections::{BTreeMap, BTreeSet};

use concertina_table::Table;

use crate::content::{CHECKPOINTS, Content, run_path};
use crate::damage::Damage;
use crate::disk::{Mode, NewFile, Outcome};
use crate::place::FileId;
use crate::{CheckpointId, Error, Keep, Memo, Result, RunFolder, Store, Tensors, batch, pack};

/// How often a file is merged again if other processes replace it meanwhile. Arbitrary: several times the
/// number of writers that can be expected. With claims there is one writer, and eight writers that ignore
/// claims must each get their turn.
const MERGES: usize = 64;

/// Content to be added to a file to which other processes may be adding at the same time.
pub(crate) trait Merge {
    /// The existing content with what is added; `None` if the file has everything already. Existing content
    /// wins.
    fn merge(&mut self, store: &Store) -> Result<Option<NewFile>>;

    /// Called when the last merge is in place.
    fn settle(&self, store: &Store) -> Result<()>;

    /// Merges again after another process replaced the file between our reading and our renaming. Returns how
    /// many files were written.
    fn merge_until_done(&mut self, store: &Store) -> Result<usize> {
        for attempt in 1..=MERGES {
            let Some(mut file) = self.merge(store)? else {
                self.settle(store)?;
                return Ok(0);
            };
            if attempt == MERGES {
                file.mode = Mode::Replace;
            }
            if store.disk.publish(std::slice::from_ref(&file))? == [Outcome::Written] {
                self.settle(store)?;
                return Ok(1);
            }
        }
        Ok(0)
    }
}

/// Rows to add to a memoised result.
#[derive(Debug)]
pub(crate) struct MemoRows {
    memo: Memo,
    table: Table,
    by: &'static str,
}

impl MemoRows {
    pub(crate) fn new(memo: Memo, table: Table, by: &'static str) -> Self {
        Self { memo, table, by }
    }
}

impl Merge for MemoRows {
    /// Adds the rows whose value of `by` is new. All rows are sorted by `by`, so that the result does not
    /// depend on the order of writing.
    fn merge(&mut self, store: &Store) -> Result<Option<NewFile>> {
        let content = Content::Memo(*self.memo.key());
        let path = content.path();
        store.disk.clear(&path)?;
        let current = FileId::at(&store.root().join(&path));
        let there = store.disk.read(&path, |file, length| content.table(file, length))?;
        let failed = |source| Error::Table { path: store.root().join(&path), source };
        let merged = match &there {
            // The file reads as missing, so a damaged one was set aside.
            None => self.table.clone(),
            Some(there) => {
                let known: BTreeSet<i64> =
                    there.integers(self.by).map_err(failed)?.into_iter().flatten().collect();
                let own = self.table.integers(self.by).map_err(failed)?;
                let new = self.table.filter(|row| own[row].is_none_or(|value| !known.contains(&value)));
                if new.is_empty() {
                    return Ok(None);
                }
                let mut merged = there.clone();
                merged.append(&new).map_err(failed)?;
                merged
            }
        };
        let current = if there.is_some() { current } else { FileId::at(&store.root().join(&path)) };
        let merged = merged.sort_by(&[self.by]).map_err(failed)?;
        let bytes = merged.to_labelled_parquet(&self.memo.label()).map_err(failed)?;
        Ok(Some(NewFile { path, parts: vec![bytes], mode: Mode::ReplaceIf(current) }))
    }

    fn settle(&self, _store: &Store) -> Result<()> {
        Ok(())
    }
}

/// Checkpoints to add to a run's pack.
#[derive(Debug)]
pub(crate) struct PackedCheckpoints<'a> {
    run: RunFolder,
    given: Vec<(CheckpointId, &'a Tensors)>,
    keep: Keep<'a>,
    /// Loose files that are superfluous after the last merge.
    loose: BTreeSet<CheckpointId>,
}

impl<'a> PackedCheckpoints<'a> {
    pub(crate) fn new(run: RunFolder, given: Vec<(CheckpointId, &'a Tensors)>, keep: Keep<'a>) -> Self {
        Self { run, given, keep, loose: BTreeSet::new() }
    }
}

impl Merge for PackedCheckpoints<'_> {
    /// Merges packed, loose and given checkpoints.
    fn merge(&mut self, store: &Store) -> Result<Option<NewFile>> {
        let content = Content::Pack(*self.run.key());
        let path = content.path();
        store.disk.clear(&path)?;
        let mut current = FileId::at(&store.root().join(&path));
        let mut all: BTreeMap<CheckpointId, Tensors> = BTreeMap::new();
        let mut changed = false;
        if let Some(mut pack) = self.run.open_pack()? {
            let ids: Vec<_> = pack.ids().collect();
            let mut damage = None;
            for id in ids {
                if !self.keep.keeps(id) {
                    changed = true;
                    continue;
                }
                match pack.read(id) {
                    Ok(tensors) => all.extend(tensors.map(|tensors| (id, tensors))),
                    Err(Damage::Io(error)) => {
                        return Err(Error::io("read", &store.root().join(&path), error));
                    }
                    Err(Damage::Content(reason)) => damage = Some(format!("checkpoint {id}: {reason}")),
                }
            }
            if let Some(reason) = damage {
                store.disk.set_aside(&path, &reason, current)?;
                current = FileId::at(&store.root().join(&path));
                changed = true;
            }
        } else {
            // The pack may have been damaged and just been set aside.
            current = FileId::at(&store.root().join(&path));
        }
        let mut loose = self.run.loose_ids()?;
        for &id in loose.iter().filter(|&&id| self.keep.keeps(id)) {
            if !all.contains_key(&id) {
                let content = Content::Checkpoint(*self.run.key(), id);
                let read = store.disk.read(&content.path(), |file, length| content.tensors(file, length))?;
                changed |= read.is_some();
                all.extend(read.map(|tensors| (id, tensors)));
            }
        }
        let mut together: BTreeMap<CheckpointId, &Tensors> =
            all.iter().map(|(id, tensors)| (*id, tensors)).collect();
        for &(id, tensors) in self.given.iter().filter(|(id, _)| self.keep.keeps(*id)) {
            batch::check_names(tensors)?;
            if let std::collections::btree_map::Entry::Vacant(place) = together.entry(id) {
                place.insert(tensors);
                changed = true;
            }
        }
        // A file that could not be read now must not be removed.
        loose.retain(|id| !self.keep.keeps(*id) || together.contains_key(id));
        let parts = changed.then(|| pack::encode(self.run.key(), &together));
        self.loose = loose;
        let Some(parts) = parts else { return Ok(None) };
        batch::check_header(store, &content, &parts)?;
        Ok(Some(NewFile { path, parts: parts.into(), mode: Mode::ReplaceIf(current) }))
    }

    /// Removes loose files that the pack now holds, or that are not to be kept.
    fn settle(&self, store: &Store) -> Result<()> {
        for &id in &self.loose {
            store.disk.remove(&store.root().join(Content::Checkpoint(*self.run.key(), id).path()))?;
        }
        let folder = store.root().join(run_path(self.run.key())).join(CHECKPOINTS);
        if folder.exists() {
            store.disk.remove_empty_folder(&folder);
        }
        Ok(())
    }
}
