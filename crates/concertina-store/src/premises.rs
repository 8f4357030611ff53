//! What a store stands on: its file system, and whether that does what publishing relies on.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::SystemTime;

use tempfile::{NamedTempFile, TempPath};

use crate::disk::{Disk, INCOMING};
use crate::process::token;
use crate::{Durability, Error, Result, Store};

/// A file system, as far as the system tells.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Premises {
    /// Its type, as in `ext4` or `nfs4`.
    pub kind: Option<String>,
    /// Bytes that this user can still write.
    pub free: Option<u64>,
    /// Bytes in all.
    pub size: Option<u64>,
}

impl Premises {
    /// The file system of a folder, or of the nearest folder above it that exists.
    pub fn of(folder: &Path) -> Self {
        let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        let Some(there) = absolute.ancestors().find_map(|path| path.canonicalize().ok()) else {
            return Self::default();
        };
        let (free, size) = space(&there).unzip();
        Self { kind: kind(&there), free, size }
    }
}

#[cfg(unix)]
fn space(folder: &Path) -> Option<(u64, u64)> {
    let found = rustix::fs::statvfs(folder).ok()?;
    Some((found.f_bavail.saturating_mul(found.f_frsize), found.f_blocks.saturating_mul(found.f_frsize)))
}

#[cfg(not(unix))]
fn space(_: &Path) -> Option<(u64, u64)> {
    None
}

/// The type of the file system that is mounted nearest above a folder (proc_pid_mountinfo(5)).
fn kind(folder: &Path) -> Option<String> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let mut found: Option<(PathBuf, &str)> = None;
    for line in mounts.lines() {
        let Some((mount, rest)) = line.split_once(" - ") else { continue };
        let (Some(point), Some(kind)) = (mount.split(' ').nth(4), rest.split(' ').next()) else { continue };
        let point = PathBuf::from(point.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\"));
        // Of mounts at one place the last covers the others.
        if folder.starts_with(&point)
            && found.as_ref().is_none_or(|(best, _)| point.components().count() >= best.components().count())
        {
            found = Some((point, kind));
        }
    }
    found.map(|(_, kind)| kind.to_owned())
}

/// What a file system did with files that were made to see what it does. All of them are removed again.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Probe {
    /// Whether renaming a file over another one replaces it. Publishing relies on that.
    pub replaces: bool,
    /// Whether a file gets a name only if no other file has it. Publishing relies on that.
    pub creates_once: bool,
    /// The time of a file made in between, by the clock of the file system.
    pub time: SystemTime,
    /// The time on this machine before and after that.
    pub between: [SystemTime; 2],
}

impl Store {
    /// Writes a few files into `incoming/` to see whether the file system does what publishing relies on, and
    /// removes them. Nothing else changes, even if the store was opened for reading.
    ///
    /// # Errors
    /// The system's failures: the store cannot be written.
    pub fn probe(&self) -> Result<Probe> {
        let disk = Disk {
            root: self.disk.root.clone(),
            read_only: false,
            durability: Durability::Process,
            hook: self.disk.hook.clone(),
            process: self.disk.process.clone(),
            in_place: Mutex::default(),
        };
        let incoming = disk.root.join(INCOMING);
        let was_there = incoming.is_dir();
        let probed = probe(&disk);
        if !was_there {
            // Fails if another process writes there meanwhile, and then it is needed.
            let _ = fs::remove_dir(&incoming);
        }
        probed
    }
}

fn probe(disk: &Disk) -> Result<Probe> {
    let stage = |text: &str| disk.stage(&[text.into()], &mut BTreeSet::new());
    let before = SystemTime::now();
    let first = stage("first")?;
    let after = SystemTime::now();
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error| Error::io("read", &path, error)
    };
    let time = first.as_file().metadata().and_then(|metadata| metadata.modified());
    let time = time.map_err(failed(first.path()))?;
    let name = format!("{}{}.tmp", disk.process.now().prefix(), token());
    let place = disk.root.join(INCOMING).join(name);
    let removed_at_the_end = TempPath::try_from_path(&place).map_err(failed(&place))?;
    let holds = |text: &str| fs::read(&place).is_ok_and(|bytes| bytes == text.as_bytes());
    let creates = persist_new(first, &place).is_ok() && holds("first");
    let refused = persist_new(stage("second")?, &place)
        .is_err_and(|error| error.kind() == io::ErrorKind::AlreadyExists);
    let creates_once = creates && refused && holds("first");
    let replaces = stage("third")?.persist(&place).is_ok() && holds("third");
    drop(removed_at_the_end);
    Ok(Probe { replaces, creates_once, time, between: [before, after] })
}

fn persist_new(file: NamedTempFile, place: &Path) -> io::Result<()> {
    file.persist_noclobber(place).map(drop).map_err(|error| error.error)
}

#[cfg(test)]
mod tests {
    use super::{Premises, kind};
    use crate::Store;

    #[test]
    fn a_probe_finds_what_publishing_relies_on_and_leaves_no_trace() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path().join("store")).expect("a store");
        let names = || {
            let mut names: Vec<_> = std::fs::read_dir(store.root())
                .expect("listed")
                .map(|entry| entry.expect("an entry").file_name())
                .collect();
            names.sort();
            names
        };
        std::fs::remove_dir(store.root().join("incoming")).expect("empty");
        let before = names();
        let probe = Store::read_only(store.root()).expect("a store").probe().expect("it can be written");
        assert!(probe.replaces && probe.creates_once, "{probe:?}");
        assert_eq!(names(), before);
    }

    #[test]
    fn the_file_system_of_a_folder_that_does_not_exist_is_that_of_the_folder_above() {
        let folder = tempfile::tempdir().expect("a folder");
        let (above, below) = (Premises::of(folder.path()), Premises::of(&folder.path().join("a/b")));
        assert_eq!((above.kind, above.size), (below.kind, below.size));
        if cfg!(target_os = "linux") {
            assert_eq!(kind(std::path::Path::new("/proc/self")).as_deref(), Some("proc"));
        }
    }
}
