//! Publishing many files at once.

use std::collections::{BTreeMap, BTreeSet};

use concertina_table::Table;
use serde_json::Value;

use crate::container::MAX_HEADER_BYTES;
use crate::content::{CHECKPOINTS, Content, run_path};
use crate::damage::Damage;
use crate::disk::{Mode, NewFile, Outcome};
use crate::place::FileId;
use crate::sealed::{seal_json, seal_text};
use crate::{CheckpointId, Error, MemoKey, Result, RunFolder, Store, Tensors, pack};

/// How often a pack is merged anew if others replace it meanwhile. Arbitrary, several times the writers one may expect: with claims
/// there is one, and eight that ignore claims must each get their turn.
const MERGES: usize = 64;

/// Which checkpoints to keep.
#[derive(Debug, Clone, Copy)]
pub enum Keep<'a> {
    /// All there are.
    All,
    /// These, if they are there.
    Only(&'a BTreeSet<CheckpointId>),
}

impl Keep<'_> {
    fn keeps(&self, id: CheckpointId) -> bool {
        match self {
            Self::All => true,
            Self::Only(ids) => ids.contains(&id),
        }
    }
}

/// What came of publishing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Published {
    /// Files written.
    pub written: usize,
    /// Files that were there already, whole, and stayed.
    pub already_there: usize,
}

/// Many files, of one run or of many, published together.
///
/// Flushing is what takes time, and the disk takes many files in about the time of one. Files appear in the
/// order in which they were added, each whole or not at all, after all of them were flushed; packed checkpoints come last.
#[derive(Debug)]
#[must_use = "nothing is written before `publish`"]
pub struct Batch<'a> {
    store: &'a Store,
    files: Vec<(Content, NewFile)>,
    packs: Vec<PackJob<'a>>,
    already_there: usize,
}

#[derive(Debug)]
struct PackJob<'a> {
    run: RunFolder,
    given: Vec<(CheckpointId, &'a Tensors)>,
    keep: Keep<'a>,
}

/// A pack to write, and the loose files it makes superfluous.
struct Merged {
    file: Option<NewFile>,
    loose: BTreeSet<CheckpointId>,
}

impl<'a> Batch<'a> {
    pub(crate) fn new(store: &'a Store) -> Self {
        Self { store, files: Vec::new(), packs: Vec::new(), already_there: 0 }
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

    /// Adds a run's parameters; those that are there stay.
    pub fn params(&mut self, run: &RunFolder, text: &str) {
        let content = Content::Params(*run.key());
        self.add(content, vec![seal_text(&content.subject(), text)], Mode::IfAbsent);
    }

    /// Adds a run's history, in place of the one before.
    ///
    /// # Errors
    /// [`Error::Table`].
    pub fn history(&mut self, run: &RunFolder, table: &Table) -> Result<()> {
        self.add_table(Content::History(*run.key()), table, Mode::Replace)
    }

    /// Adds a run's provenance, in place of the one before.
    pub fn provenance(&mut self, run: &RunFolder, value: &Value) {
        let content = Content::Provenance(*run.key());
        self.add(content, vec![seal_json(&content.subject(), value)], Mode::Replace);
    }

    /// Adds the state a run resumes from, in place of the one before.
    ///
    /// # Errors
    /// [`Error::HeaderTooLarge`], [`Error::TensorName`].
    pub fn resume(&mut self, run: &RunFolder, tensors: &Tensors) -> Result<()> {
        self.add_tensors(Content::Resume(*run.key()), tensors, Mode::Replace)
    }

    /// Adds checkpoints as loose files; those that are there, loose or packed, stay.
    ///
    /// # Errors
    /// [`Error::HeaderTooLarge`], [`Error::TensorName`]; the system's failures while looking for packed ones.
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

    /// Adds checkpoints in one file with all that are there (those stay as they are), and keeps of all of them only `keep`.
    pub fn packed(&mut self, run: &RunFolder, checkpoints: &[(CheckpointId, &'a Tensors)], keep: Keep<'a>) {
        self.packs.push(PackJob { run: run.clone(), given: checkpoints.to_vec(), keep });
    }

    /// Adds a memoised result; one that is there stays.
    ///
    /// # Errors
    /// [`Error::Table`].
    pub fn memo(&mut self, key: &MemoKey, table: &Table) -> Result<()> {
        self.add_table(Content::Memo(*key), table, Mode::IfAbsent)
    }

    /// Writes, flushes and renames all files.
    ///
    /// # Errors
    /// The system's failures: some files may be there then, each whole. [`Error::HeaderTooLarge`], [`Error::TensorName`].
    pub fn publish(self) -> Result<Published> {
        let Self { store, files, mut packs, already_there } = self;
        let (contents, mut files): (Vec<_>, Vec<_>) = files.into_iter().unzip();
        let mut published = Published { written: 0, already_there };
        let plain = files.len();
        let mut merged = Vec::new();
        for job in &packs {
            merged.push(job.merge(store)?);
        }
        for merge in &mut merged {
            files.extend(merge.file.take());
        }
        let outcomes = store.disk.publish(&files)?;
        let mut again = Vec::new();
        for ((outcome, content), file) in outcomes.iter().zip(&contents).zip(files.drain(..plain)) {
            match outcome {
                Outcome::Written => published.written += 1,
                // Whoever was first has it, if it is whole.
                Outcome::Kept if is_whole(store, content)? => published.already_there += 1,
                Outcome::Kept | Outcome::Changed => again.push(file),
            }
        }
        published.written += again.len();
        if !again.is_empty() {
            store.disk.publish(&again)?;
        }
        let changed = outcomes[plain..].contains(&Outcome::Changed);
        published.written += outcomes[plain..].iter().filter(|&&outcome| outcome == Outcome::Written).count();
        if !changed {
            for (job, merge) in packs.iter().zip(&merged) {
                job.remove_loose(store, &merge.loose)?;
            }
            return Ok(published);
        }
        for job in packs.drain(..) {
            published.written += job.merge_until_done(store)?;
        }
        Ok(published)
    }
}

impl PackJob<'_> {
    /// What is packed, loose and given, in one file; what was there first wins.
    fn merge(&self, store: &Store) -> Result<Merged> {
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
            // It may have been damaged, and set aside just now.
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
            check_names(tensors)?;
            if let std::collections::btree_map::Entry::Vacant(place) = together.entry(id) {
                place.insert(tensors);
                changed = true;
            }
        }
        // What could not be read just now is not ours to remove.
        loose.retain(|id| !self.keep.keeps(*id) || together.contains_key(id));
        if !changed {
            return Ok(Merged { file: None, loose });
        }
        let parts = pack::encode(self.run.key(), &together);
        check_header(store, &content, &parts)?;
        Ok(Merged {
            file: Some(NewFile { path, parts: parts.into(), mode: Mode::ReplaceIf(current) }),
            loose,
        })
    }

    /// Others replaced the pack between our reading and our renaming: merge with theirs.
    fn merge_until_done(&self, store: &Store) -> Result<usize> {
        for attempt in 1..=MERGES {
            let mut merged = self.merge(store)?;
            let Some(file) = &mut merged.file else {
                self.remove_loose(store, &merged.loose)?;
                return Ok(0);
            };
            if attempt == MERGES {
                file.mode = Mode::Replace;
            }
            if store.disk.publish(std::slice::from_ref(file))? == [Outcome::Written] {
                self.remove_loose(store, &merged.loose)?;
                return Ok(1);
            }
        }
        Ok(0)
    }

    /// Removes loose files that the pack holds now, or that are not to be kept.
    fn remove_loose(&self, store: &Store, loose: &BTreeSet<CheckpointId>) -> Result<()> {
        for &id in loose {
            store.disk.remove(&store.root().join(Content::Checkpoint(*self.run.key(), id).path()))?;
        }
        let folder = store.root().join(run_path(self.run.key())).join(CHECKPOINTS);
        if folder.exists() {
            store.disk.remove_empty_folder(&folder);
        }
        Ok(())
    }
}

/// True if what is there is whole; if not, it was set aside.
fn is_whole(store: &Store, content: &Content) -> Result<bool> {
    Ok(store.disk.read(&content.path(), |file, length| content.check(file, length))?.is_some())
}

/// The container keeps one name for itself.
fn check_names(tensors: &Tensors) -> Result<()> {
    match tensors.arrays.keys().find(|name| name.is_empty() || *name == "__metadata__") {
        Some(name) => Err(Error::TensorName { found: name.clone() }),
        None => Ok(()),
    }
}

fn check_header(store: &Store, content: &Content, parts: &[Vec<u8>; 2]) -> Result<()> {
    let found = parts[0].len() as u64;
    if found > MAX_HEADER_BYTES {
        let path = store.root().join(content.path());
        return Err(Error::HeaderTooLarge { path, limit: MAX_HEADER_BYTES, found });
    }
    Ok(())
}
