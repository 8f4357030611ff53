//! Removes runs, memoised results, and what was set aside. Only files that a store writes are ever removed.

use std::collections::BTreeSet;
use std::fs::{self, File, Metadata};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use crate::claim::Claimed;
use crate::content::{ANALYSES, CHECKPOINTS, Content, MAX_TABLE_BYTES, TABLE_ENDING, run_path};
use crate::incident::SET_ASIDE;
use crate::layout::FORMAT;
use crate::merge::{Merge, PackedCheckpoints};
use crate::place::entries;
use crate::{CheckpointId, Error, Holder, Keep, Memo, MemoKey, Result, RunFolder, RunKey, Store, TrialsKey};
use concertina_table::Table;

/// How long trials are kept without a run that names them. Arbitrary: far longer than it takes to begin a
/// run.
const NEW: Duration = Duration::from_secs(3600);

/// What was removed, or would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Removed {
    /// The number of files.
    pub files: u64,
    /// Their size in bytes.
    pub bytes: u64,
}

impl Removed {
    fn add(&mut self, path: &Path) {
        self.files += 1;
        self.bytes += path.symlink_metadata().map_or(0, |metadata| metadata.len());
    }
}

impl std::ops::AddAssign for Removed {
    fn add_assign(&mut self, other: Self) {
        self.files += other.files;
        self.bytes += other.bytes;
    }
}

/// Whether to remove files, or only to count them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// Count what would be removed.
    DryRun,
    /// Remove it.
    Now,
}

/// The outcome of a request to remove a run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum RunRemoval {
    /// It was removed, or would be.
    Done(Removed),
    /// Another process is training it: nothing was done.
    Held(Holder),
}

/// A memoised result as described in its file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemoEntry {
    /// Its key.
    pub key: MemoKey,
    /// The analysis.
    pub analysis: String,
    /// The version of the analysis.
    pub version: u32,
    /// The run to which it belongs.
    pub run: RunKey,
    /// Its description in the file.
    pub(crate) about: String,
}

impl MemoEntry {
    /// The result, to be published elsewhere.
    pub fn memo(&self) -> Memo {
        Memo::read(self.key, &self.about)
    }
}

impl RunFolder {
    /// Removes the run: every file of it that a store writes. Other files in its folder stay, and so does the
    /// folder in that case.
    ///
    /// The state to resume from is removed early and the parameters last, so that a partly removed run reads
    /// as an unfinished one.
    ///
    /// # Errors
    /// Failures of the system; [`Error::OpenedReadOnly`](crate::Error::OpenedReadOnly).
    pub fn remove(&self, removal: Removal) -> Result<RunRemoval> {
        let disk = &self.store.disk;
        let claim = match removal {
            Removal::DryRun => None,
            Removal::Now => match self.claim()? {
                Claimed::Mine(claim) => Some(claim),
                Claimed::Held(holder) => return Ok(RunRemoval::Held(holder)),
            },
        };
        let key = *self.key();
        let own = [Content::Provenance(key), Content::Resume(key), Content::History(key), Content::Pack(key)];
        let loose = self.loose_ids()?.into_iter().map(|id| Content::Checkpoint(key, id));
        let mut removed = Removed::default();
        for content in own.into_iter().chain(loose).chain([Content::Params(key)]) {
            let path = disk.root.join(content.path());
            let there = disk.folder(&run_path(&key))?.is_some();
            // Anything else than a file is left to `repair`.
            if !there || !path.symlink_metadata().is_ok_and(|metadata| metadata.is_file()) {
                continue;
            }
            removed.add(&path);
            if removal == Removal::Now {
                disk.remove(&path)?;
            }
        }
        if removal == Removal::Now {
            let folder = self.path();
            disk.remove_empty_folder(&folder.join(CHECKPOINTS));
            disk.remove_empty_folder(&folder);
            folder.parent().into_iter().for_each(|shard| disk.remove_empty_folder(shard));
        }
        drop(claim);
        Ok(RunRemoval::Done(removed))
    }
}

/// The outcome of a request to thin out the checkpoints of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Thinning {
    /// The checkpoints were removed, or would be.
    Done {
        /// The number of checkpoints.
        checkpoints: usize,
        /// By how many bytes the file is smaller.
        bytes: u64,
    },
    /// Another process is training it: nothing was done.
    Held(Holder),
}

impl RunFolder {
    /// Removes the checkpoints that are not to be kept.
    ///
    /// # Errors
    /// As [`RunFolder::pack`](RunFolder::pack).
    pub fn thin(&self, keep: &BTreeSet<CheckpointId>, removal: Removal) -> Result<Thinning> {
        let before = self.checkpoint_ids()?;
        let checkpoints = before.iter().filter(|id| !keep.contains(id)).count();
        if checkpoints == 0 {
            return Ok(Thinning::Done { checkpoints, bytes: 0 });
        }
        let keep = Keep::Only(keep);
        let bytes = match removal {
            Removal::DryRun => {
                let after = PackedCheckpoints::new(self.clone(), Vec::new(), keep).merge(&self.store)?;
                let after = after.map_or(0, |file| file.parts.iter().map(|part| part.len() as u64).sum());
                self.checkpoint_bytes()?.saturating_sub(after)
            }
            Removal::Now => {
                let claim = match self.claim()? {
                    Claimed::Mine(claim) => claim,
                    Claimed::Held(holder) => return Ok(Thinning::Held(holder)),
                };
                let before = self.checkpoint_bytes()?;
                self.pack(keep)?;
                drop(claim);
                before.saturating_sub(self.checkpoint_bytes()?)
            }
        };
        Ok(Thinning::Done { checkpoints, bytes })
    }

    fn checkpoint_bytes(&self) -> Result<u64> {
        let loose = self.loose_ids()?.into_iter().map(|id| Content::Checkpoint(*self.key(), id));
        let size = |content: Content| {
            let path = self.store.root().join(content.path());
            path.symlink_metadata().map_or(0, |metadata| metadata.len())
        };
        Ok(loose.chain([Content::Pack(*self.key())]).map(size).sum())
    }
}

impl Store {
    /// Removes the folder of a store that was made in vain: one that has its version, perhaps empty folders,
    /// and nothing else. Anything else stays. Returns whether it was removed.
    pub fn remove_if_empty(&self) -> bool {
        if self.disk.read_only {
            return false;
        }
        let names = || entries(&self.disk.root).map(|all| all.into_iter().map(|(name, _)| name));
        let Ok(folders) = names() else { return false };
        // A folder with something in it is not removed.
        for name in folders.filter(|name| name != FORMAT) {
            if fs::remove_dir(self.disk.root.join(name)).is_err() {
                return false;
            }
        }
        names().is_ok_and(|mut names| names.all(|name| name == FORMAT))
            && fs::remove_file(self.disk.root.join(FORMAT)).is_ok()
            && fs::remove_dir(&self.disk.root).is_ok()
    }

    /// Removes trials that were made elsewhere, unless they were added within the last hour: the first run
    /// that is trained on them may not exist yet.
    ///
    /// # Errors
    /// Failures of the system; [`Error::OpenedReadOnly`].
    pub fn remove_trials(&self, key: &TrialsKey, removal: Removal) -> Result<Removed> {
        let mut removed = Removed::default();
        let path = self.root().join(Content::Trials(*key).path());
        let age = path.symlink_metadata().and_then(|metadata| metadata.modified());
        let age = age.ok().and_then(|modified| modified.elapsed().ok());
        if !self.has_trials(key)? || age.is_none_or(|age| age < NEW) {
            return Ok(removed);
        }
        removed.add(&path);
        if removal == Removal::Now {
            self.disk.remove(&path)?;
        }
        Ok(removed)
    }

    /// The number of memoised results in the store. No file is opened.
    ///
    /// # Errors
    /// Failures of the system.
    pub fn memo_count(&self) -> Result<usize> {
        let mut count = 0;
        for shard in self.shards(ANALYSES)? {
            count += entries(&shard)?.iter().filter(|(name, _)| name.ends_with(TABLE_ENDING)).count();
        }
        Ok(count)
    }

    /// Every memoised result, sorted by key. Damaged ones are left out.
    ///
    /// # Errors
    /// Failures of the system.
    pub fn memos(&self) -> Result<Vec<MemoEntry>> {
        let mut memos = Vec::new();
        for shard in self.shards(ANALYSES)? {
            for (name, entry) in entries(&shard)? {
                let key = name.strip_suffix(TABLE_ENDING).and_then(|name| name.parse::<MemoKey>().ok());
                let Some(key) = key.filter(|key| shard.ends_with(key.shard())) else { continue };
                memos.extend(read_entry(key, &entry.path())?);
            }
        }
        memos.sort_by_key(|memo| memo.key);
        Ok(memos)
    }

    /// Removes a memoised result.
    ///
    /// # Errors
    /// Failures of the system; [`Error::OpenedReadOnly`](crate::Error::OpenedReadOnly).
    pub fn remove_memo(&self, key: &MemoKey, removal: Removal) -> Result<Removed> {
        self.remove_file(&Content::Memo(*key).path(), removal)
    }

    /// Removes unfinished files of ended processes.
    ///
    /// # Errors
    /// Failures of the system; [`Error::OpenedReadOnly`](crate::Error::OpenedReadOnly).
    pub fn remove_left_over(&self, removal: Removal) -> Result<Removed> {
        let mut removed = Removed::default();
        for path in self.disk.left_over()? {
            removed.add(&path);
            if removal == Removal::Now {
                self.disk.remove(&path)?;
            }
        }
        Ok(removed)
    }

    /// Permanently removes damaged files that were set aside.
    ///
    /// # Errors
    /// Failures of the system; [`Error::OpenedReadOnly`](crate::Error::OpenedReadOnly).
    pub fn remove_set_aside(&self, removal: Removal) -> Result<Removed> {
        let mut removed = Removed::default();
        let Some(folder) = self.disk.folder(Path::new(SET_ASIDE))? else { return Ok(removed) };
        for (name, entry) in entries(&folder)? {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                removed += self.remove_below(&Path::new(SET_ASIDE).join(name), removal)?;
            }
        }
        Ok(removed)
    }

    /// Removes the empty folders of runs.
    ///
    /// # Errors
    /// Failures of the system; [`Error::OpenedReadOnly`](crate::Error::OpenedReadOnly).
    pub fn remove_empty_runs(&self, removal: Removal) -> Result<usize> {
        let mut count = 0;
        for key in self.keys()? {
            let folder = self.run(&key).path();
            if entries(&folder)?.is_empty()
                && folder.symlink_metadata().is_ok_and(|metadata| metadata.is_dir())
            {
                count += 1;
                if removal == Removal::Now {
                    self.disk.check_writable()?;
                    self.disk.remove_empty_folder(&folder);
                }
            }
        }
        Ok(count)
    }

    fn remove_file(&self, relative: &Path, removal: Removal) -> Result<Removed> {
        let mut removed = Removed::default();
        let path = self.disk.root.join(relative);
        let folder = relative.parent().unwrap_or(Path::new(""));
        if self.disk.folder(folder)?.is_none()
            || !path.symlink_metadata().is_ok_and(|metadata| !metadata.is_dir())
        {
            return Ok(removed);
        }
        removed.add(&path);
        if removal == Removal::Now {
            self.disk.remove(&path)?;
        }
        Ok(removed)
    }

    /// Removes a folder with everything in it. Links are removed, not followed.
    fn remove_below(&self, relative: &Path, removal: Removal) -> Result<Removed> {
        let mut removed = Removed::default();
        let path: PathBuf = self.disk.root.join(relative);
        for (name, entry) in entries(&path)? {
            let below = relative.join(name);
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                removed += self.remove_below(&below, removal)?;
            } else {
                removed.add(&entry.path());
                if removal == Removal::Now {
                    self.disk.remove(&entry.path())?;
                }
            }
        }
        if removal == Removal::Now {
            self.disk.check_writable()?;
            self.disk.remove_empty_folder(&path);
        }
        Ok(removed)
    }
}

/// The description of a memoised result in its file; `None` if the file is damaged or not a result.
pub(crate) fn read_entry(key: MemoKey, path: &Path) -> Result<Option<MemoEntry>> {
    // A file that is too large is not one of our tables, and is not read.
    let readable = |metadata: Metadata| metadata.is_file() && metadata.len() <= MAX_TABLE_BYTES;
    let read = File::open(path).and_then(|file| file.metadata().map(readable));
    let bytes = match read {
        Ok(true) => fs::read(path),
        Ok(false) => return Ok(None),
        Err(error) => Err(error),
    };
    let bytes = match bytes {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io("read", path, error)),
    };
    // Damaged files are left to `verify`.
    let Ok(label) = Table::parquet_label(&bytes) else { return Ok(None) };
    Ok(entry_of(key, &label))
}

/// Reads a label that [`Memo::label`](crate::Memo::label) wrote.
fn entry_of(key: MemoKey, label: &str) -> Option<MemoEntry> {
    let (_, about) = label.split_once(": ")?;
    let (what, run) = about.rsplit_once(" of run ")?;
    let (analysis, version) = what.rsplit_once(' ')?;
    if analysis.is_empty() {
        return None;
    }
    Some(MemoEntry {
        key,
        analysis: analysis.to_owned(),
        version: version.parse().ok()?,
        run: run.parse().ok()?,
        about: about.to_owned(),
    })
}
