//! Publishes many files together.

use std::collections::BTreeSet;

use concertina_table::Table;
use serde_json::Value;

use crate::container::MAX_HEADER_BYTES;
use crate::content::Content;
use crate::disk::{Mode, NewFile, Outcome};
use crate::merge::{MemoRows, Merge, PackedCheckpoints};
use crate::sealed::{seal_json, seal_text};
use crate::{CheckpointId, Error, Memo, Result, RunFolder, Store, Tensors, TrialsKey};

/// Which checkpoints to keep.
#[derive(Debug, Clone, Copy)]
pub enum Keep<'a> {
    /// All checkpoints.
    All,
    /// Only these, if they exist.
    Only(&'a BTreeSet<CheckpointId>),
}

impl Keep<'_> {
    pub(crate) fn keeps(&self, id: CheckpointId) -> bool {
        match self {
            Self::All => true,
            Self::Only(ids) => ids.contains(&id),
        }
    }
}

/// The outcome of publishing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Published {
    /// The number of files written.
    pub written: usize,
    /// The number of files that existed already, undamaged, and were kept.
    pub already_there: usize,
}

/// Many files, of one or several runs, that are published together.
///
/// Flushing takes most of the time, and the disk flushes many files in about the time of one. Each file
/// appears completely or not at all, after all of them were flushed: first packed checkpoints and memoised
/// results, then the others in the order in which they were added. A state to resume from therefore never
/// appears before the results of the training up to it.
#[must_use = "nothing is written before `publish`"]
pub struct Batch<'a> {
    store: &'a Store,
    files: Vec<(Content, NewFile)>,
    merges: Vec<Box<dyn Merge + 'a>>,
    already_there: usize,
}

impl std::fmt::Debug for Batch<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Batch")
            .field("files", &self.files.len())
            .field("merges", &self.merges.len())
            .finish_non_exhaustive()
    }
}

impl<'a> Batch<'a> {
    pub(crate) fn new(store: &'a Store) -> Self {
        Self { store, files: Vec::new(), merges: Vec::new(), already_there: 0 }
    }

    fn add(&mut self, content: Content, parts: Vec<Vec<u8>>, mode: Mode) {
        self.files.push((content, NewFile { path: content.path(), parts, mode }));
    }

    fn add_table(&mut self, content: Content, table: &Table, mode: Mode) -> Result<()> {
        let bytes = table
            .to_labelled_parquet(&content.subject())
            .map_err(|source| Error::Table { path: self.store.root().join(content.path()), source })?;
        self.add(content, vec![bytes], mode);
        Ok(())
    }

    fn add_tensors(&mut self, content: Content, tensors: &Tensors, mode: Mode) -> Result<()> {
        check_names(tensors)?;
        let parts = tensors.to_parts(&content.subject());
        check_header(self.store, &content, &parts)?;
        self.add(content, parts.into(), mode);
        Ok(())
    }

    /// Adds a run's parameters. Existing ones are kept.
    pub fn params(&mut self, run: &RunFolder, text: &str) {
        let content = Content::Params(*run.key());
        self.add(content, vec![seal_text(&content.subject(), text)], Mode::IfAbsent);
    }

    /// Adds a run's history, which replaces the previous one.
    ///
    /// # Errors
    /// [`Error::Table`].
    pub fn history(&mut self, run: &RunFolder, table: &Table) -> Result<()> {
        self.add_table(Content::History(*run.key()), table, Mode::Replace)
    }

    /// Adds a run's provenance, which replaces the previous one.
    pub fn provenance(&mut self, run: &RunFolder, value: &Value) {
        let content = Content::Provenance(*run.key());
        self.add(content, vec![seal_json(&content.subject(), value)], Mode::Replace);
    }

    /// Adds the state from which a run is resumed, which replaces the previous one.
    ///
    /// # Errors
    /// [`Error::HeaderTooLarge`], [`Error::TensorName`].
    pub fn resume(&mut self, run: &RunFolder, tensors: &Tensors) -> Result<()> {
        self.add_tensors(Content::Resume(*run.key()), tensors, Mode::Replace)
    }

    /// Adds checkpoints as loose files. Existing ones, loose or packed, are kept.
    ///
    /// # Errors
    /// [`Error::HeaderTooLarge`], [`Error::TensorName`]; failures of the system while looking for packed
    /// ones.
    pub fn checkpoints(&mut self, run: &RunFolder, checkpoints: &[(CheckpointId, &Tensors)]) -> Result<()> {
        let pack = run.open_pack()?;
        for &(id, tensors) in checkpoints {
            if pack.as_ref().is_some_and(|pack| pack.contains(id)) {
                self.already_there += 1;
                continue;
            }
            self.add_tensors(Content::Checkpoint(*run.key(), id), tensors, Mode::IfAbsent)?;
        }
        Ok(())
    }

    /// Adds checkpoints to one file with all existing ones (which stay as they are), and keeps only those
    /// that `keep` names.
    pub fn packed(&mut self, run: &RunFolder, checkpoints: &[(CheckpointId, &'a Tensors)], keep: Keep<'a>) {
        self.merges.push(Box::new(PackedCheckpoints::new(run.clone(), checkpoints.to_vec(), keep)));
    }

    /// Adds trials that runs are trained on. Existing ones are kept.
    ///
    /// # Errors
    /// [`Error::HeaderTooLarge`], [`Error::TensorName`].
    pub fn trials(&mut self, key: &TrialsKey, tensors: &Tensors) -> Result<()> {
        self.add_tensors(Content::Trials(*key), tensors, Mode::IfAbsent)
    }

    /// Adds rows to a memoised result: those whose integer in the column `by` it does not have yet. Existing
    /// rows are kept.
    pub fn memo(&mut self, memo: &Memo, table: Table, by: &'static str) {
        self.merges.push(Box::new(MemoRows::new(memo.clone(), table, by)));
    }

    /// True if there is nothing to publish.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.merges.is_empty()
    }

    /// Writes, flushes and renames all files.
    ///
    /// # Errors
    /// Failures of the system, after which some of the files may exist, each complete.
    /// [`Error::HeaderTooLarge`], [`Error::TensorName`], [`Error::Table`].
    pub fn publish(self) -> Result<Published> {
        let Self { store, files, mut merges, already_there } = self;
        let mut all = Vec::new();
        let mut merging = Vec::new();
        for merge in &mut merges {
            let file = merge.merge(store)?;
            merging.push(file.is_some());
            all.extend(file);
        }
        let merged = all.len();
        let (contents, plain): (Vec<_>, Vec<_>) = files.into_iter().unzip();
        all.extend(plain);
        let outcomes = store.disk.publish(&all)?;
        let (of_merged, of_plain) = outcomes.split_at(merged);
        let count = |outcomes: &[Outcome]| outcomes.iter().filter(|&&one| one == Outcome::Written).count();
        let mut published = Published { written: count(&outcomes), already_there };
        let mut again = Vec::new();
        for ((outcome, content), file) in of_plain.iter().zip(&contents).zip(all.drain(merged..)) {
            match outcome {
                Outcome::Written => {}
                // The first publisher wins, if its file is undamaged.
                Outcome::Kept if is_whole(store, content)? => published.already_there += 1,
                Outcome::Kept | Outcome::Changed => again.push(file),
            }
        }
        published.written += again.len();
        if !again.is_empty() {
            store.disk.publish(&again)?;
        }
        let mut of_merged = of_merged.iter();
        for (merge, wrote) in merges.iter_mut().zip(merging) {
            match wrote.then(|| of_merged.next()).flatten() {
                Some(Outcome::Changed | Outcome::Kept) => {
                    published.written += merge.merge_until_done(store)?
                }
                Some(Outcome::Written) | None => merge.settle(store)?,
            }
        }
        Ok(published)
    }
}

/// True if the existing file is undamaged; otherwise it was set aside.
fn is_whole(store: &Store, content: &Content) -> Result<bool> {
    Ok(store.disk.read(&content.path(), |file, length| content.check(file, length))?.is_some())
}

/// Checks the names of tensors. The container reserves one name.
pub(crate) fn check_names(tensors: &Tensors) -> Result<()> {
    match tensors.arrays.keys().find(|name| name.is_empty() || *name == "__metadata__") {
        Some(name) => Err(Error::TensorName { found: name.clone() }),
        None => Ok(()),
    }
}

pub(crate) fn check_header(store: &Store, content: &Content, parts: &[Vec<u8>; 2]) -> Result<()> {
    let found = parts[0].len() as u64;
    if found > MAX_HEADER_BYTES {
        let path = store.root().join(content.path());
        return Err(Error::HeaderTooLarge { path, limit: MAX_HEADER_BYTES, found });
    }
    Ok(())
}
