//! The index of runs: what was known of each run at the last look, and whether its folder has changed since.
//!
//! Reading the files of a hundred thousand runs takes half a minute, but checking whether their folders have
//! changed takes a fraction of a second. The index is derived from the folders: if it is deleted, damaged or
//! old, it is made again.

use std::fs::Metadata;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use concertina_table::Table;

use crate::content::{CHECKPOINTS, RUNS};
use crate::disk::{Mode, NewFile};
use crate::sealed::read_all;
use crate::{Error, Result, RunKey, Store};

/// The name of the file.
pub(crate) const INDEX: &str = "index.parquet";
/// The largest size of the index in bytes: 2^30, as for any table. Arbitrary.
const MAX_BYTES: u64 = 1 << 30;
/// If a folder changed less than this long before it was read, it may change again without getting another
/// time: file systems keep times in steps of up to 2 seconds (FAT).
const TOO_FRESH: Duration = Duration::from_secs(3);

/// A stamp of the state of a run's folder. If the stamp has changed, the files may have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// When the folder, and its folder of loose checkpoints, last changed: nanoseconds since 1970, or 0 if
    /// there is no such folder.
    changed: [i64; 2],
    /// The number of the folder in its file system.
    number: i64,
}

impl Stamp {
    /// The stamp as numbers, for a table.
    pub fn to_numbers(self) -> [i64; 3] {
        [self.changed[0], self.changed[1], self.number]
    }

    fn of(folder: &Metadata, checkpoints: Option<&Metadata>) -> Self {
        let (changed, number) = times(folder);
        Self { changed: [changed, checkpoints.map_or(0, |metadata| times(metadata).0)], number }
    }

    /// Whether any change after this moment is certain to change the stamp.
    pub fn is_settled(&self, now: SystemTime) -> bool {
        let newest = u64::try_from(self.changed[0].max(self.changed[1])).unwrap_or(u64::MAX);
        UNIX_EPOCH.checked_add(Duration::from_nanos(newest)).is_some_and(|newest| newest + TOO_FRESH < now)
    }
}

/// When the entries of a folder changed, and the folder's number. This is the time of change rather than that
/// of modification, which copying resets.
#[cfg(unix)]
pub(crate) fn times(metadata: &Metadata) -> (i64, i64) {
    use std::os::unix::fs::MetadataExt;
    let changed = metadata.ctime().saturating_mul(1_000_000_000).saturating_add(metadata.ctime_nsec());
    (changed, metadata.ino().cast_signed())
}

#[cfg(not(unix))]
pub(crate) fn times(metadata: &Metadata) -> (i64, i64) {
    let since = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    (since.and_then(|since| i64::try_from(since.as_nanos()).ok()).unwrap_or(0), 0)
}

impl Store {
    /// The keys of all runs, sorted, each with the stamp of its folder.
    ///
    /// # Errors
    /// As [`Store::keys`].
    pub fn stamps(&self, threads: usize) -> Result<Vec<(RunKey, Stamp)>> {
        let keys = self.keys()?;
        let size = keys.len().div_ceil(threads.max(1)).max(1);
        let look = |key: &RunKey| {
            let folder = self.root().join(RUNS).join(key.shard()).join(key.to_string());
            let checkpoints = folder.join(CHECKPOINTS).symlink_metadata().ok();
            // A run that was removed meanwhile is left out. A link is followed, because its target is what
            // changes.
            folder.metadata().ok().map(|metadata| (*key, Stamp::of(&metadata, checkpoints.as_ref())))
        };
        let parts = std::thread::scope(|scope| {
            let looking: Vec<_> = keys
                .chunks(size)
                .map(|keys| scope.spawn(move || keys.iter().filter_map(look).collect::<Vec<_>>()))
                .collect();
            let all = looking.into_iter().map(|part| part.join());
            all.map(|part| part.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect::<Vec<_>>()
        });
        Ok(parts.into_iter().flatten().collect())
    }

    /// The index that [`Store::publish_index`] wrote under this label; `None` if there is none, or it cannot
    /// be used.
    ///
    /// # Errors
    /// Failures of the system.
    pub fn index(&self, label: &str) -> Result<Option<Table>> {
        let read = self.disk.inspect(Path::new(INDEX), |file, length| {
            let bytes = read_all(file, length, MAX_BYTES)?;
            Ok(Table::from_labelled_parquet(&bytes, label).ok())
        })?;
        Ok(read.ok().flatten().flatten())
    }

    /// Whether an index exists. It need not be usable.
    pub fn has_index(&self) -> bool {
        self.root().join(INDEX).symlink_metadata().is_ok()
    }

    /// Writes an index, which replaces the previous one.
    ///
    /// # Errors
    /// [`Error::Table`]; failures of the system.
    pub fn publish_index(&self, table: &Table, label: &str) -> Result<()> {
        let failed = |source| Error::Table { path: self.root().join(INDEX), source };
        let bytes = table.to_labelled_parquet(label).map_err(failed)?;
        self.disk.publish(&[NewFile { path: INDEX.into(), parts: vec![bytes], mode: Mode::Replace }])?;
        Ok(())
    }

    /// The current time by the clock of the file system, which all hosts share; `None` if nothing can be
    /// written.
    pub fn file_system_time(&self) -> Option<SystemTime> {
        let staged = self.disk.stage(&[], &mut Default::default()).ok()?;
        staged.as_file().metadata().ok()?.modified().ok()
    }
}
