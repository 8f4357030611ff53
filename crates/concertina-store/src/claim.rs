//! Claims, with which a process tells others that it is training a run.
//!
//! A claim only avoids duplicate work. It is a file in `claims/`, created by the first process and refreshed
//! during the work. No lock is held. A process that loses a claim continues and publishes the same bytes, or
//! finds that they exist already.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::disk::Disk;
use crate::place::{Found, entries};
use crate::process::{Process, token};
use crate::{Error, Result, RunKey, Store};

/// The folder of claims.
pub(crate) const CLAIMS: &str = "claims";

/// The content of a claim file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    #[serde(flatten)]
    process: Process,
    token: String,
}

/// The tokens of the live claims of this process. A claim file of this process whose token is not among them
/// could not be removed, and no thread works under it.
static LIVE: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

fn live() -> MutexGuard<'static, BTreeSet<String>> {
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The answer to a request for a claim.
#[derive(Debug)]
#[must_use = "a claim is given back when it is dropped"]
pub enum Claimed {
    /// This process holds the run until the claim is dropped.
    Mine(Claim),
    /// Another process is training the run, and showed life recently.
    Held(Holder),
}

/// The process that holds a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Holder {
    /// The host's name.
    pub host: String,
    /// The process number.
    pub pid: u32,
    /// How long ago it last showed life, by the clock of the file system.
    pub age: Duration,
}

/// A claim that this process holds. Dropping it gives it back.
#[derive(Debug)]
pub struct Claim {
    disk: Arc<Disk>,
    path: PathBuf,
    note: Note,
    file: File,
}

impl Claim {
    /// Shows life. Returns false if another process took over the claim because this one was silent for too
    /// long.
    ///
    /// Call it at least every third of the time-out
    /// ([`StoreOptions::claim_timeout`](crate::StoreOptions::claim_timeout)). A process may continue even
    /// after false: what it publishes is the same, or exists already.
    ///
    /// # Errors
    /// [`Error::DiskFull`] and similar errors, if the claim cannot be refreshed.
    pub fn beat(&mut self) -> Result<bool> {
        if !self.is_mine() {
            return Ok(false);
        }
        // Writes the same bytes into our own file, so only its time changes. The time is by the file system's
        // clock, which all hosts share.
        let bytes = encode(&self.note);
        let write = |file: &mut File| file.seek(SeekFrom::Start(0)).and_then(|_| file.write_all(&bytes));
        write(&mut self.file).map_err(|error| Error::io("refresh the claim", &self.path, error))?;
        Ok(true)
    }

    fn is_mine(&self) -> bool {
        File::open(&self.path).ok().and_then(|file| decode(file).ok().flatten()).as_ref() == Some(&self.note)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        live().remove(&self.note.token);
        // A forked child does not give back what its parent holds.
        if self.note.process.pid == std::process::id() && self.is_mine() {
            // A claim that cannot be removed times out.
            let _ = self.disk.remove(&self.path);
        }
    }
}

fn encode(note: &Note) -> Vec<u8> {
    let mut bytes = serde_json::to_vec(note).expect("a note is plain text");
    bytes.push(b'\n');
    bytes
}

/// Reads a claim file; `None` if it is not a claim (any more).
fn decode(file: File) -> io::Result<Option<Note>> {
    let mut bytes = Vec::new();
    file.take(1 << 12).read_to_end(&mut bytes)?;
    Ok(serde_json::from_slice(&bytes).ok())
}

fn place(run: &RunKey) -> PathBuf {
    Path::new(CLAIMS).join(format!("{run}.json"))
}

/// Asks for a claim on a run.
pub(crate) fn claim(disk: &Arc<Disk>, run: &RunKey, timeout: Duration) -> Result<Claimed> {
    disk.check_writable()?;
    let note = Note { process: disk.process.now(), token: token() };
    // This comes before another thread can find the claim file. A claim that is not given leaves no trace.
    live().insert(note.token.clone());
    let claimed = ask(disk, run, timeout, &note);
    if !matches!(claimed, Ok(Claimed::Mine(_))) {
        live().remove(&note.token);
    }
    claimed
}

fn ask(disk: &Arc<Disk>, run: &RunKey, timeout: Duration, note: &Note) -> Result<Claimed> {
    let relative = place(run);
    let path = disk.root.join(&relative);
    let mut dirty = BTreeSet::new();
    disk.make_folder(Path::new(CLAIMS), &mut dirty)?;
    let mut staged = disk.stage(&[encode(note)], &mut dirty)?;
    let mine =
        |file| Claimed::Mine(Claim { disk: Arc::clone(disk), path: path.clone(), note: note.clone(), file });
    // A few rounds, because an existing claim may disappear before it is looked at.
    for _ in 0..16 {
        staged = match disk.place_new(staged, &path)? {
            Ok(file) => return Ok(mine(file)),
            Err(staged) => staged,
        };
        // Our own file is new, so its time is the current time of the file system.
        let now = modified(staged.as_file()).unwrap_or_else(|_| SystemTime::now());
        match look(disk, &relative, now, timeout)? {
            State::Gone => {}
            State::Held(holder) => return Ok(Claimed::Held(holder)),
            State::Stale => {
                let file = disk.place_over(staged, &path)?;
                let claim = Claim { disk: Arc::clone(disk), path: path.clone(), note: note.clone(), file };
                // If two processes took it over at the same time, the file is now that of the second.
                if claim.is_mine() {
                    return Ok(Claimed::Mine(claim));
                }
                return Ok(match look(disk, &relative, now, timeout)? {
                    State::Held(holder) => Claimed::Held(holder),
                    State::Gone | State::Stale => Claimed::Mine(claim),
                });
            }
        }
    }
    // Other processes keep taking and giving back the claim: nothing is lost by continuing without a claim
    // file.
    let file = staged.into_file();
    Ok(mine(file))
}

enum State {
    Gone,
    Stale,
    Held(Holder),
}

fn modified(file: &File) -> io::Result<SystemTime> {
    file.metadata()?.modified()
}

fn look(disk: &Disk, relative: &Path, now: SystemTime, timeout: Duration) -> Result<State> {
    let path = disk.root.join(relative);
    let file = match disk.open(relative)? {
        Found::Nothing => return Ok(State::Gone),
        Found::Wrong(reason) => {
            disk.set_aside(relative, &reason, None)?;
            return Ok(State::Gone);
        }
        Found::File(file, ..) => file,
    };
    let read = modified(&file).and_then(|time| Ok((time, decode(file)?)));
    let (time, note) = read.map_err(|error| Error::io("read the claim", &path, error))?;
    let Some(Note { process, token }) = note else { return Ok(State::Stale) };
    let own = disk.process.now();
    if process == own && !live().contains(&token) {
        return Ok(State::Stale);
    }
    let age = now.duration_since(time).unwrap_or_default();
    if age >= timeout || own.knows_dead(&process.machine, process.pid, process.started) {
        return Ok(State::Stale);
    }
    Ok(State::Held(Holder { host: process.host, pid: process.pid, age }))
}

/// A claim as it lies in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClaimNote {
    /// The run, in 64 hexadecimal digits; whatever stands there if the file has another name.
    pub run: String,
    /// Who made it; `None` if the file cannot be read as a claim.
    pub holder: Option<Holder>,
    /// Whether the process runs on this machine.
    pub is_here: bool,
    /// Whether it can be taken over: its process has ended, or was silent for longer than the time-out.
    pub is_stale: bool,
}

impl Store {
    /// The claims in the store, by run. Changes nothing, not even a claim that is stale.
    ///
    /// `now` is the time by the clock of the file system ([`Store::file_system_time`]).
    ///
    /// # Errors
    /// The system's failures.
    pub fn claims(&self, now: SystemTime) -> Result<Vec<ClaimNote>> {
        let Some(folder) = self.disk.folder(Path::new(CLAIMS))? else { return Ok(Vec::new()) };
        let own = self.disk.process.now();
        let mut claims = Vec::new();
        for (name, entry) in entries(&folder)? {
            let opened = File::open(entry.path()).and_then(|file| Ok((modified(&file)?, decode(file)?)));
            // Given back meanwhile: no claim any more.
            let Ok((time, note)) = opened else { continue };
            let age = now.duration_since(time).unwrap_or_default();
            let run = name.strip_suffix(".json").unwrap_or(&name).to_owned();
            claims.push(match note {
                None => ClaimNote { run, holder: None, is_here: false, is_stale: true },
                Some(Note { process, .. }) => ClaimNote {
                    run,
                    is_here: process.machine == own.machine,
                    is_stale: age >= self.claim_timeout
                        || own.knows_dead(&process.machine, process.pid, process.started),
                    holder: Some(Holder { host: process.host, pid: process.pid, age }),
                },
            });
        }
        Ok(claims)
    }
}

/// Removes claims of processes that have certainly ended.
pub(crate) fn sweep(disk: &Disk) -> Result<()> {
    let Some(folder) = disk.folder(Path::new(CLAIMS))? else { return Ok(()) };
    let own = disk.process.now();
    for (_, entry) in entries(&folder)? {
        let Ok(file) = File::open(entry.path()) else { continue };
        if let Ok(Some(Note { process, .. })) = decode(file)
            && own.knows_dead(&process.machine, process.pid, process.started)
        {
            disk.remove(&entry.path())?;
        }
    }
    Ok(())
}
