//! A store: a folder of runs and memoised analyses.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use concertina_table::Table;

use crate::batch::Batch;
use crate::content::{Content, RUN_TABLE, RUNS, TENSORS_ENDING, TRIALS};
use crate::disk::{Disk, Mode, NewFile, StepHook};
use crate::place::{Found, entries};
use crate::process::Process;
use crate::{
    Error, Finding, Incident, Memo, MemoKey, Result, RunFolder, RunKey, Tensors, TrialsKey, Usage, claim,
    layout, usage, verify,
};

/// What publishing waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Files are flushed to disk before they get their names: they survive a power failure.
    #[default]
    PowerFailure,
    /// Nothing is flushed. A killed process still leaves complete files or none. After a power failure some
    /// files may be damaged, which is found, and they are computed again.
    Process,
}

/// How to open a store.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let root = folder.path().join("runs");
/// use concertina_store::{Durability, StoreOptions};
/// let store = StoreOptions::new().durability(Durability::Process).open(&root)?;
/// assert!(store.keys()?.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct StoreOptions {
    read_only: bool,
    durability: Durability,
    claim_timeout: Duration,
    hook: Option<StepHook>,
}

impl std::fmt::Debug for StoreOptions {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("StoreOptions")
            .field("read_only", &self.read_only)
            .field("durability", &self.durability)
            .field("claim_timeout", &self.claim_timeout)
            .finish_non_exhaustive()
    }
}

impl Default for StoreOptions {
    fn default() -> Self {
        // One minute. A network file system may show a heartbeat up to a minute late (nfs(5), `acregmax`),
        // and a run takes less; otherwise arbitrary.
        let claim_timeout = Duration::from_secs(60);
        Self { read_only: false, durability: Durability::default(), claim_timeout, hook: None }
    }
}

impl StoreOptions {
    /// The defaults: the store is opened for reading and writing, is safe against power failure, and claims
    /// time out after a minute.
    pub fn new() -> Self {
        Self::default()
    }

    /// If true, nothing is created or changed, and damaged files stay where they are.
    pub fn read_only(mut self, read_only: bool) -> Self {
        self.read_only = read_only;
        self
    }

    /// What publishing waits for.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// How long the holder of a claim may be silent before the claim is taken over.
    pub fn claim_timeout(mut self, timeout: Duration) -> Self {
        self.claim_timeout = timeout;
        self
    }

    /// Sets a hook that is called before each step of publishing, for tests of what survives.
    pub fn step_hook(mut self, hook: StepHook) -> Self {
        self.hook = Some(hook);
        self
    }

    /// Opens a store. A folder that is empty or does not exist becomes one (unless `read_only`).
    ///
    /// # Errors
    /// [`Error::NoStore`], [`Error::NotAStore`], [`Error::NewerLayout`], [`Error::DamagedFormat`],
    /// [`Error::NotAFolder`], and failures of the system.
    pub fn open(self, root: impl AsRef<Path>) -> Result<Store> {
        let (disk, claim_timeout) = self.disk(root.as_ref())?;
        layout::settle(&disk)?;
        if !disk.read_only {
            // This is housekeeping: a store that cannot be written to can still be read.
            let _ = disk.sweep();
            let _ = claim::sweep(&disk);
        }
        Ok(Store { disk: Arc::new(disk), claim_timeout })
    }

    fn disk(self, root: &Path) -> Result<(Disk, Duration)> {
        match fs::metadata(root) {
            Ok(metadata) if !metadata.is_dir() => {
                return Err(Error::NotAFolder { path: root.to_owned(), found: "a file" });
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // another process may have made the folder since, which is not a link
                if root.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink()) {
                    return Err(Error::NotAFolder { path: root.to_owned(), found: "a link to nothing" });
                }
                if self.read_only {
                    return Err(Error::NoStore { path: root.to_owned() });
                }
                fs::create_dir_all(root).map_err(|error| Error::io("make the folder", root, error))?;
            }
            Err(error) => return Err(Error::io("open the store", root, error)),
        }
        let root = root.canonicalize().map_err(|error| Error::io("open the store", root, error))?;
        let disk = Disk {
            root,
            read_only: self.read_only,
            durability: self.durability,
            hook: self.hook,
            process: Process::current(),
            in_place: Mutex::default(),
        };
        Ok((disk, self.claim_timeout))
    }
}

/// A store: a folder of runs and memoised analyses. It is cheap to clone, and can be used from many threads.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) disk: Arc<Disk>,
    pub(crate) claim_timeout: Duration,
}

impl Store {
    /// Opens a store. A folder that is empty or does not exist becomes one.
    ///
    /// # Errors
    /// As [`StoreOptions::open`].
    pub fn open(root: impl AsRef<Path>) -> Result<Self> {
        StoreOptions::new().open(root)
    }

    /// Opens a store for reading only. Nothing is created or changed.
    ///
    /// # Errors
    /// As [`StoreOptions::open`].
    pub fn read_only(root: impl AsRef<Path>) -> Result<Self> {
        StoreOptions::new().read_only(true).open(root)
    }

    /// Writes a damaged or missing `FORMAT` again, if everything else at the top of the folder looks like a
    /// store.
    ///
    /// # Errors
    /// [`Error::NotAStore`] if it does not; [`Error::NewerLayout`]; failures of the system.
    pub fn repair_format(root: impl AsRef<Path>) -> Result<Self> {
        let (disk, _) = StoreOptions::new().disk(root.as_ref())?;
        match layout::settle(&disk) {
            Err(error @ (Error::DamagedFormat { .. } | Error::NotAStore { .. })) => {
                if !layout::repair(&disk)? {
                    return Err(error);
                }
            }
            settled => settled?,
        }
        Self::open(root)
    }

    /// The folder, as an absolute path without links.
    pub fn root(&self) -> &Path {
        &self.disk.root
    }

    /// One run's folder, which need not exist yet.
    pub fn run(&self, key: &RunKey) -> RunFolder {
        RunFolder::new(self.clone(), *key)
    }

    /// The keys of all runs, sorted. Anything else in the folder is ignored.
    ///
    /// # Errors
    /// Failures of the system, and [`Error::LeadsOut`].
    pub fn keys(&self) -> Result<Vec<RunKey>> {
        let mut keys = Vec::new();
        for shard in self.shards(RUNS)? {
            for (name, entry) in entries(&shard)? {
                let Ok(key) = name.parse::<RunKey>() else { continue };
                let folder = entry.file_type().is_ok_and(|kind| kind.is_dir() || kind.is_symlink());
                if folder && shard.ends_with(key.shard()) {
                    keys.push(key);
                }
            }
        }
        keys.sort_unstable();
        Ok(keys)
    }

    /// Whether the store has more than this number of runs. Looks at no more of them than necessary.
    ///
    /// # Errors
    /// As [`Store::keys`].
    pub fn has_more_runs_than(&self, runs: usize) -> Result<bool> {
        let mut count = 0;
        for shard in self.shards(RUNS)? {
            let is_key = |(name, _): &(String, fs::DirEntry)| name.parse::<RunKey>().is_ok();
            count += entries(&shard)?.iter().filter(|entry| is_key(entry)).count();
            if count > runs {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The folders with names of two hexadecimal digits.
    pub(crate) fn shards(&self, top: &str) -> Result<Vec<PathBuf>> {
        let Some(folder) = self.disk.folder(Path::new(top))? else { return Ok(Vec::new()) };
        let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let mut shards = Vec::new();
        for (name, _) in entries(&folder)? {
            if name.len() == 2 && name.bytes().all(digit) {
                shards.extend(self.disk.folder(&Path::new(top).join(name))?);
            }
        }
        Ok(shards)
    }

    /// A memoised result; `None` if it is missing or was damaged.
    ///
    /// # Errors
    /// Failures of the system.
    pub fn memo(&self, key: &MemoKey) -> Result<Option<Table>> {
        let content = Content::Memo(*key);
        self.disk.read(&content.path(), |file, length| content.table(file, length))
    }

    /// Trials that runs were trained on; `None` if they are missing or were damaged.
    ///
    /// # Errors
    /// Failures of the system.
    pub fn trials(&self, key: &TrialsKey) -> Result<Option<Tensors>> {
        let content = Content::Trials(*key);
        self.disk.read(&content.path(), |file, length| content.tensors(file, length))
    }

    /// Whether there is a file of these trials, which may be damaged.
    ///
    /// # Errors
    /// Failures of the system.
    pub fn has_trials(&self, key: &TrialsKey) -> Result<bool> {
        Ok(matches!(self.disk.open(&Content::Trials(*key).path())?, Found::File(..)))
    }

    /// The keys of all trials in the store, sorted.
    ///
    /// # Errors
    /// Failures of the system.
    pub fn trials_keys(&self) -> Result<Vec<TrialsKey>> {
        let Some(folder) = self.disk.folder(Path::new(TRIALS))? else { return Ok(Vec::new()) };
        let names = entries(&folder)?.into_iter().map(|(name, _)| name);
        Ok(names.filter_map(|name| name.strip_suffix(TENSORS_ENDING)?.parse().ok()).collect())
    }

    /// Adds rows to a memoised result: see [`Batch::memo`].
    ///
    /// # Errors
    /// [`Error::Table`]; failures of the system.
    pub fn publish_memo(&self, memo: &Memo, table: Table, by: &'static str) -> Result<()> {
        let mut batch = self.batch();
        batch.memo(memo, table, by);
        batch.publish().map(drop)
    }

    /// Starts a batch: many files, flushed together.
    pub fn batch(&self) -> Batch<'_> {
        Batch::new(self)
    }

    /// Writes the table of runs at the top of the store, which is derived from the rest.
    ///
    /// It is removed whenever a file of a run changes. The process that writes it checks afterwards whether a
    /// run has changed since the table was made. If so, it writes the table again or removes it
    /// ([`Store::remove_run_table`]).
    ///
    /// # Errors
    /// Failures of the system.
    pub fn write_run_table(&self, csv: impl Into<Vec<u8>>) -> Result<()> {
        let file = NewFile { path: RUN_TABLE.into(), parts: vec![csv.into()], mode: Mode::Replace };
        self.disk.publish(&[file]).map(drop)
    }

    /// Removes the table of runs.
    ///
    /// # Errors
    /// Failures of the system.
    pub fn remove_run_table(&self) -> Result<()> {
        self.disk.remove(&self.disk.root.join(RUN_TABLE))
    }

    /// The damaged files found so far, by path: those in `set-aside/`, and those this store could not move
    /// there.
    ///
    /// # Errors
    /// Failures of the system.
    pub fn incidents(&self) -> Result<Vec<Incident>> {
        self.disk.incidents()
    }

    /// How much space the store takes, by kind of file and, for memoised results, by analysis.
    ///
    /// # Errors
    /// Failures of the system.
    pub fn usage(&self) -> Result<Vec<Usage>> {
        usage::usage(self)
    }

    /// Reads every byte of the store and reports what is wrong. Nothing is changed.
    ///
    /// # Errors
    /// Failures of the system.
    pub fn verify(&self) -> Result<Vec<Finding>> {
        verify::verify(self)
    }

    /// Sets aside what [`Store::verify`] finds damaged, keeps the undamaged checkpoints of a damaged pack,
    /// and removes what killed processes left. Returns what was found.
    ///
    /// # Errors
    /// Failures of the system.
    pub fn repair(&self) -> Result<Vec<Finding>> {
        verify::repair(self)
    }
}
