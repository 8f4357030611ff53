//! The layout's version, in the file `FORMAT`.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::claim::CLAIMS;
use crate::content::{ANALYSES, RUN_TABLE, RUNS, TRIALS};
use crate::disk::{Disk, INCOMING, Mode, NewFile};
use crate::incident::SET_ASIDE;
use crate::index::INDEX;
use crate::place::{Found, entries};
use crate::{Error, Result};

/// The newest layout this version knows, and the one it writes.
pub const VERSION: u64 = 1;
/// The content of `FORMAT`.
pub(crate) const LINE: &str = "concertina store 1\n";
/// The name of the file.
pub(crate) const FORMAT: &str = "FORMAT";
/// The folder of jobs that were submitted. Those who submit them write it; a store only tolerates it.
const JOBS: &str = "jobs";
/// All names that may appear at the top of a store.
const TOP: [&str; 10] = [FORMAT, INCOMING, SET_ASIDE, INDEX, RUNS, ANALYSES, TRIALS, CLAIMS, RUN_TABLE, JOBS];

/// Checks that this folder is a store of a known layout. Makes it one if it is empty and may be written to.
pub(crate) fn settle(disk: &Disk) -> Result<()> {
    if check(disk)? {
        return Ok(());
    }
    let stranger = entries(&disk.root)?.into_iter().map(|(name, _)| name).find(|name| name != INCOMING);
    if let Some(found) = stranger {
        // Another process may have made the store between the two looks.
        return if check(disk)? { Ok(()) } else { Err(Error::NotAStore { path: disk.root.clone(), found }) };
    }
    if disk.read_only {
        return Err(Error::NoStore { path: disk.root.clone() });
    }
    write(disk, Mode::IfAbsent)?;
    if check(disk)? { Ok(()) } else { Err(Error::NoStore { path: disk.root.clone() }) }
}

/// True if `FORMAT` exists and is valid, false if it is missing.
fn check(disk: &Disk) -> Result<bool> {
    let path = disk.root.join(FORMAT);
    let damaged = |found: &str| Err(Error::DamagedFormat { path: path.clone(), found: found.to_owned() });
    let mut bytes = Vec::new();
    match disk.open(Path::new(FORMAT))? {
        Found::Nothing => return Ok(false),
        Found::Wrong(reason) => return damaged(&reason),
        Found::File(file, ..) => {
            read_start(file, &mut bytes).map_err(|error| Error::io("read", &path, error))?
        }
    };
    let text = String::from_utf8_lossy(&bytes);
    let number = text.trim_end().strip_prefix("concertina store ").and_then(|number| number.parse().ok());
    match number {
        Some(found) if found > VERSION => Err(Error::NewerLayout { path, found, supported: VERSION }),
        Some(VERSION) => Ok(true),
        _ => damaged(text.lines().next().unwrap_or_default()),
    }
}

/// Reads the start of the file. The line is 19 bytes long; nothing beyond 64 bytes is read, whatever the file
/// holds.
fn read_start(file: File, bytes: &mut Vec<u8>) -> std::io::Result<usize> {
    file.take(64).read_to_end(bytes)
}

/// Writes `FORMAT` again if everything else looks like a store; returns false if it does not.
pub(crate) fn repair(disk: &Disk) -> Result<bool> {
    let names: BTreeSet<String> = entries(&disk.root)?.into_iter().map(|(name, _)| name).collect();
    let known = names.iter().all(|name| TOP.contains(&name.as_str()));
    if !known || !(names.contains(RUNS) || names.contains(ANALYSES)) {
        return Ok(false);
    }
    write(disk, Mode::Replace)?;
    Ok(true)
}

fn write(disk: &Disk, mode: Mode) -> Result<()> {
    disk.publish(&[NewFile { path: FORMAT.into(), parts: vec![LINE.into()], mode }])?;
    Ok(())
}
