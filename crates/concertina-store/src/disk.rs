//! Publishing. This is the only module that changes anything on disk.
//!
//! A file is written in `incoming/`, flushed, and renamed to its place; then its folder is flushed. Whenever
//! the writer is killed, a reader therefore finds a complete file or none. What the writer leaves behind is
//! in one folder, under a name that identifies the process.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, DirEntry, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tempfile::NamedTempFile;

use crate::content::{RUN_TABLE, RUNS};
use crate::place::FileId;
use crate::process::Process;
use crate::{Durability, Error, Incident, Result};

/// Where files are written before they are renamed to their place.
pub(crate) const INCOMING: &str = "incoming";

/// The age from which an unfinished file of another machine counts as left over. Arbitrary, because writing
/// takes seconds.
const LEFT_OVER_AFTER: Duration = Duration::from_secs(24 * 3600);

/// The largest number of threads that flush the files of one batch. On ext4, five files took 30 ms one after
/// another and 8 ms in parallel, because the journal serves waiting writers together (virtual disk, 2 cores,
/// November 2026). More waiting writers gain nothing.
const FLUSHING_THREADS: usize = 8;

/// How often a folder is made again after other processes removed it. Arbitrary: for each repetition, another
/// process must finish packing at that moment.
const PLACING_ATTEMPTS: usize = 16;

/// A step of publishing; see [`StepHook`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Creating a folder.
    MakeFolder,
    /// Creating the unfinished file.
    Create,
    /// Writing its bytes.
    Write,
    /// Flushing it to disk.
    Flush,
    /// Renaming it to its place, or moving a damaged file away.
    Rename,
    /// Flushing the folder.
    FlushFolder,
    /// Removing a file or folder.
    Remove,
}

/// Called before each step of publishing with the path concerned. An error that it returns is treated as a
/// failure of the system.
///
/// It is meant for tests of what survives: it can fail at every k-th step, or kill the process there.
pub type StepHook = Arc<dyn Fn(Step, &Path) -> io::Result<()> + Send + Sync>;

/// What to do if the place is taken.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mode {
    /// Keep the existing file: the first writer wins.
    IfAbsent,
    /// Replace the existing file.
    Replace,
    /// Replace the existing file if it is still this one (`None`: if there is still none).
    ReplaceIf(Option<FileId>),
}

/// A file to publish; its path is below the root.
#[derive(Debug)]
pub(crate) struct NewFile {
    pub(crate) path: PathBuf,
    pub(crate) parts: Vec<Vec<u8>>,
    pub(crate) mode: Mode,
}

/// The outcome of publishing a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Written,
    /// The place was taken, and the existing file was kept.
    Kept,
    /// The existing file was not the one to replace.
    Changed,
}

/// The folder that a store owns.
pub(crate) struct Disk {
    pub(crate) root: PathBuf,
    pub(crate) read_only: bool,
    pub(crate) durability: Durability,
    pub(crate) hook: Option<StepHook>,
    /// The process that opened the store; [`Process::now`] gives the one that works with it.
    pub(crate) process: Process,
    /// Damage that could not be moved away.
    pub(crate) in_place: Mutex<Vec<Incident>>,
}

impl fmt::Debug for Disk {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Disk")
            .field("root", &self.root)
            .field("read_only", &self.read_only)
            .field("durability", &self.durability)
            .finish_non_exhaustive()
    }
}

/// A guard that keeps the table of runs removed while runs change.
struct Changing<'a>(Option<&'a Disk>);

impl Changing<'_> {
    fn take_away(&self) {
        if let Self(Some(disk)) = self {
            let _ = fs::remove_file(disk.root.join(RUN_TABLE)); // it usually does not exist, and nothing depends on it
        }
    }
}

impl Drop for Changing<'_> {
    fn drop(&mut self) {
        self.take_away();
    }
}

impl Disk {
    /// Removes the table of runs if one of these files belongs to a run. It is removed now, because the
    /// process may be killed in what follows, and again when the guard is dropped, because another process
    /// may have written a table meanwhile.
    fn changing<'a>(&self, mut paths: impl Iterator<Item = &'a Path>) -> Changing<'_> {
        let of_a_run = |path: &Path| path.strip_prefix(&self.root).unwrap_or(path).starts_with(RUNS);
        let changing = Changing(paths.any(of_a_run).then_some(self));
        changing.take_away();
        changing
    }

    /// Publishes files in this order. All are written and flushed before the first is renamed.
    pub(crate) fn publish(&self, files: &[NewFile]) -> Result<Vec<Outcome>> {
        self.check_writable()?;
        let mut dirty = BTreeSet::new();
        let mut staged = Vec::with_capacity(files.len());
        for file in files {
            if let Some(folder) = file.path.parent() {
                self.make_folder(folder, &mut dirty)?;
            }
            self.clear(&file.path)?;
            if matches!(file.mode, Mode::IfAbsent) && self.root.join(&file.path).symlink_metadata().is_ok() {
                staged.push(None);
                continue;
            }
            staged.push(Some(self.stage(&file.parts, &mut dirty)?));
        }
        self.flush(staged.iter().flatten())?;
        let _changing = self.changing(files.iter().map(|file| &*file.path));
        let mut outcomes = Vec::with_capacity(files.len());
        for (file, staged) in files.iter().zip(staged) {
            let path = self.root.join(&file.path);
            let outcome = match staged {
                None => Outcome::Kept,
                Some(staged) => self.place(staged, &path, file.mode, &mut dirty)?,
            };
            if let (Outcome::Written, Some(folder)) = (outcome, path.parent()) {
                dirty.insert(folder.to_owned());
            }
            outcomes.push(outcome);
        }
        self.flush_folders(&dirty)?;
        Ok(outcomes)
    }

    /// Writes an unfinished file.
    pub(crate) fn stage(&self, parts: &[Vec<u8>], dirty: &mut BTreeSet<PathBuf>) -> Result<NamedTempFile> {
        self.check_writable()?;
        self.make_folder(Path::new(INCOMING), dirty)?;
        let folder = self.root.join(INCOMING);
        let create = || {
            self.step(Step::Create, &folder)?;
            let prefix = self.process.now().prefix();
            let mut builder = tempfile::Builder::new();
            builder.prefix(&prefix).suffix(".tmp");
            // The usual permissions of a new file, so that users of a shared store can read it if the umask
            // allows.
            #[cfg(unix)]
            builder.permissions(<fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o666));
            builder.tempfile_in(&folder)
        };
        let mut file = create().map_err(|error| Error::io("create a file in", &folder, error))?;
        let write = |file: &mut NamedTempFile| {
            self.step(Step::Write, file.path())?;
            parts.iter().try_for_each(|part| file.write_all(part))
        };
        write(&mut file).map_err(|error| Error::io("write", file.path(), error))?;
        Ok(file)
    }

    fn flush<'a>(&self, files: impl Iterator<Item = &'a NamedTempFile>) -> Result<()> {
        if self.durability == Durability::Process {
            return Ok(());
        }
        let files: Vec<_> = files.collect();
        for file in &files {
            self.step(Step::Flush, file.path()).map_err(|error| Error::io("flush", file.path(), error))?;
        }
        let flush = |file: &NamedTempFile| {
            file.as_file().sync_all().map_err(|error| Error::io("flush", file.path(), error))
        };
        if let [file] = files.as_slice() {
            return flush(file);
        }
        std::thread::scope(|scope| {
            let size = files.len().div_ceil(FLUSHING_THREADS).max(1);
            let waiters: Vec<_> = files
                .chunks(size)
                .map(|files| scope.spawn(move || files.iter().try_for_each(|file| flush(file))))
                .collect();
            waiters.into_iter().try_for_each(|waiter| waiter.join().expect("flushing does not panic"))
        })
    }

    /// Renames an unfinished file to its place.
    fn place(
        &self,
        file: NamedTempFile,
        path: &Path,
        mode: Mode,
        dirty: &mut BTreeSet<PathBuf>,
    ) -> Result<Outcome> {
        let failed = |error| Error::io("rename a new file to", path, error);
        if let Mode::ReplaceIf(expected) = mode
            && FileId::at(path) != expected
        {
            return Ok(Outcome::Changed);
        }
        let mut file = file;
        for attempt in 0.. {
            self.step(Step::Rename, path).map_err(failed)?;
            let placed = match mode {
                Mode::IfAbsent => file.persist_noclobber(path),
                Mode::Replace | Mode::ReplaceIf(_) => file.persist(path),
            };
            let error = match placed {
                Ok(_) => break,
                Err(error) => error,
            };
            match error.error.kind() {
                io::ErrorKind::AlreadyExists if matches!(mode, Mode::IfAbsent) => return Ok(Outcome::Kept),
                // Another process packed the run's checkpoints meanwhile and removed their empty folder.
                io::ErrorKind::NotFound if attempt < PLACING_ATTEMPTS && error.file.path().exists() => {
                    let relative = path.strip_prefix(&self.root).ok().and_then(Path::parent);
                    self.make_folder(relative.unwrap_or(Path::new("")), dirty)?;
                    file = error.file;
                }
                _ => return Err(failed(error.error)),
            }
        }
        Ok(Outcome::Written)
    }

    /// Renames an unfinished file to its place if the place is free, and otherwise gives it back.
    pub(crate) fn place_new(
        &self,
        file: NamedTempFile,
        path: &Path,
    ) -> Result<std::result::Result<File, NamedTempFile>> {
        let failed = |error| Error::io("rename a new file to", path, error);
        self.step(Step::Rename, path).map_err(failed)?;
        match file.persist_noclobber(path) {
            Ok(file) => Ok(Ok(file)),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(Err(error.file)),
            Err(error) => Err(failed(error.error)),
        }
    }

    /// Renames an unfinished file to its place, which may be taken.
    pub(crate) fn place_over(&self, file: NamedTempFile, path: &Path) -> Result<File> {
        let failed = |error| Error::io("rename a new file to", path, error);
        self.step(Step::Rename, path).map_err(failed)?;
        file.persist(path).map_err(|error| failed(error.error))
    }

    /// Moves a file or folder within the store; false if it does not exist (any more).
    pub(crate) fn rename(&self, from: &Path, to: &Path) -> io::Result<bool> {
        self.step(Step::Rename, from)?;
        let _changing = self.changing([from, to].into_iter());
        match fs::rename(from, to) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Makes one folder, which may exist. Remembers in `dirty` which folder got a new entry.
    pub(crate) fn make_one_folder(&self, path: &Path, dirty: &mut BTreeSet<PathBuf>) -> Result<()> {
        self.check_writable()?;
        let make = || {
            self.step(Step::MakeFolder, path)?;
            match fs::create_dir(path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
                made => made.map(|()| true),
            }
        };
        if make().map_err(|error| Error::io("make the folder", path, error))? {
            dirty.extend(path.parent().map(Path::to_owned));
        }
        Ok(())
    }

    /// Flushes folders, the deepest first.
    pub(crate) fn flush_folders(&self, folders: &BTreeSet<PathBuf>) -> Result<()> {
        if self.durability == Durability::Process {
            return Ok(());
        }
        for folder in folders.iter().rev() {
            let flush = || {
                self.step(Step::FlushFolder, folder)?;
                // Only Unix can open a folder as a file.
                if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
            };
            match flush() {
                // The folder was removed meanwhile (`checkpoints/` after packing), so there is nothing to
                // flush.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                flushed => flushed.map_err(|error| Error::io("flush the folder", folder, error))?,
            }
        }
        Ok(())
    }

    /// Removes a file, if it exists.
    pub(crate) fn remove(&self, path: &Path) -> Result<()> {
        self.check_writable()?;
        let _changing = self.changing([path].into_iter());
        match self.step(Step::Remove, path).and_then(|()| fs::remove_file(path)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed.map_err(|error| Error::io("remove", path, error)),
        }
    }

    /// Removes a folder if it is empty.
    pub(crate) fn remove_empty_folder(&self, path: &Path) {
        if self.step(Step::Remove, path).is_ok() {
            let _changing = self.changing([path].into_iter());
            let _ = fs::remove_dir(path);
        }
    }

    /// The files that ended processes left in `incoming/`.
    pub(crate) fn left_over(&self) -> Result<Vec<PathBuf>> {
        let Some(folder) = self.folder(Path::new(INCOMING))? else { return Ok(Vec::new()) };
        let old = |entry: &DirEntry| {
            let age = entry.metadata().and_then(|metadata| metadata.modified()).ok()?.elapsed().ok()?;
            Some(age > LEFT_OVER_AFTER)
        };
        let left = crate::place::entries(&folder)?.into_iter();
        let own = self.process.now();
        let left = left.filter(|(name, entry)| own.knows_left_over(name) || old(entry).unwrap_or(false));
        Ok(left.map(|(_, entry)| entry.path()).collect())
    }

    /// Removes the files that ended processes left in `incoming/`.
    pub(crate) fn sweep(&self) -> Result<()> {
        self.left_over()?.iter().try_for_each(|path| self.remove(path))
    }

    pub(crate) fn check_writable(&self) -> Result<()> {
        if self.read_only {
            return Err(Error::OpenedReadOnly { path: self.root.clone() });
        }
        Ok(())
    }

    fn step(&self, step: Step, path: &Path) -> io::Result<()> {
        self.hook.as_ref().map_or(Ok(()), |hook| hook(step, path))
    }
}
