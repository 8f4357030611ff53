//! The folder of a job in the store.

use std::fs;
use std::io::{self, ErrorKind as IoErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::engine::EngineKind;
use super::packing::Packing;
use crate::error::{Error, Result};
use crate::hint::Hint;

/// The folder of jobs in a store.
const JOBS: &str = "jobs";
/// The files in the folder of a job.
const RECORD: &str = "job.json";
const PLAN: &str = "plan";
const SCRIPT: &str = "batch.sh";
/// Tasks that failed within their first seconds, one line each. The script writes it.
pub(super) const FAILED: &str = "failed";
/// The beginning of the names of logs.
const LOG: &str = "log-";

/// A job of a store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Job {
    /// Its number in the store.
    pub number: u64,
    /// What starts its workers.
    pub engine: EngineKind,
    /// The runs of its plan.
    pub runs: usize,
    /// Cores of each task.
    pub cores: usize,
    /// Tasks that its script was written for. Slurm is told their number with every submission, and a
    /// template starts as many as it says.
    #[serde(default)]
    pub tasks: usize,
    /// Seconds of work that each task is given, if possible.
    #[serde(default)]
    pub task_seconds: Option<u64>,
    /// The arguments of the command that draws or prints what the plan is for; none if it was submitted as a
    /// plan.
    pub command: Vec<String>,
    /// The folder in which that command was typed.
    pub typed_in: PathBuf,
    /// When it was made, in UTC.
    pub made: String,
    /// What the engine was given so far.
    pub submissions: Vec<Submission>,
    /// Whether it was cancelled after the last submission.
    pub cancelled: bool,
    /// Whether the store had everything once.
    pub complete: bool,
    #[serde(skip)]
    folder: PathBuf,
}

/// Tasks that an engine was given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Submission {
    /// What the engine calls it; empty if the engine did not say.
    pub id: String,
    /// How many tasks.
    pub tasks: usize,
    /// When, in UTC.
    pub time: String,
}

impl Job {
    /// Makes the folder of a new job, with the next free number.
    pub(super) fn new(
        store: &Path,
        engine: EngineKind,
        runs: usize,
        packing: &Packing,
        made: String,
    ) -> Result<Self> {
        let parent = store.join(JOBS);
        let failed = |source: io::Error, path: &Path| Error::Write { source, path: path.to_owned() };
        fs::create_dir_all(&parent).map_err(|source| failed(source, &parent))?;
        let mut number = numbers(store)?.last().map_or(1, |last| last + 1);
        let folder = loop {
            let folder = parent.join(number.to_string());
            match fs::create_dir(&folder) {
                Ok(()) => break folder,
                // Another process made it since.
                Err(error) if error.kind() == IoErrorKind::AlreadyExists => number += 1,
                Err(source) => return Err(failed(source, &folder)),
            }
        };
        Ok(Self {
            number,
            engine,
            runs,
            cores: packing.cores,
            tasks: packing.tasks,
            task_seconds: None,
            command: Vec::new(),
            typed_in: PathBuf::new(),
            made,
            submissions: Vec::new(),
            cancelled: false,
            complete: false,
            folder,
        })
    }

    /// Reads the record of a job.
    pub(super) fn read(store: &Path, number: u64) -> Result<Self> {
        let folder = store.join(JOBS).join(number.to_string());
        let path = folder.join(RECORD);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == IoErrorKind::NotFound => {
                let known = numbers(store)?;
                let list = known.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
                let found = if known.is_empty() {
                    "the store has no jobs".to_owned()
                } else {
                    format!("the jobs of this store are {list}")
                };
                return Err(Error::Job {
                    reason: format!("there is no job {number}"),
                    hint: Some(Hint::Text(found)),
                });
            }
            Err(source) => return Err(Error::Read { source, path }),
        };
        let job: Self = serde_json::from_str(&text).map_err(|error| Error::Job {
            reason: format!(
                "expected the record of a job, found something else: {error}: {}",
                path.display()
            ),
            hint: Some(Hint::text("remove the folder: what was computed is not in it")),
        })?;
        Ok(Self { folder, number, ..job })
    }

    /// Every job of a store that has a record, by number.
    pub(super) fn all(store: &Path) -> Result<Vec<Self>> {
        let recorded = |number: &u64| store.join(JOBS).join(number.to_string()).join(RECORD).exists();
        numbers(store)?.into_iter().filter(recorded).map(|number| Self::read(store, number)).collect()
    }

    /// Writes the record.
    pub(super) fn write(&self) -> Result<()> {
        let path = self.folder.join(RECORD);
        let failed = |source: io::Error| Error::Write { source, path: path.clone() };
        let text = serde_json::to_string_pretty(self).map_err(|error| failed(error.into()))?;
        // Renaming replaces the file at once; the name is that of this process.
        let new = self.folder.join(format!("{RECORD}.{}", std::process::id()));
        fs::File::create(&new)
            .and_then(|mut file| {
                file.write_all(format!("{text}\n").as_bytes()).and_then(|()| file.sync_all())
            })
            .and_then(|()| fs::rename(&new, &path))
            .map_err(failed)
    }

    /// Removes the folder of a job that was not submitted.
    pub(super) fn discard(self) {
        // What cannot be removed has no record, or is listed as not submitted.
        let _ = fs::remove_dir_all(&self.folder);
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The file of its plan.
    pub fn plan(&self) -> PathBuf {
        self.folder.join(PLAN)
    }

    /// The script that the engine is given. It may be edited.
    pub fn script(&self) -> PathBuf {
        self.folder.join(SCRIPT)
    }

    /// The logs of its tasks, by name.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub fn logs(&self) -> Result<Vec<PathBuf>> {
        let failed = |source| Error::Read { source, path: self.folder.clone() };
        let mut logs = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.file_name().to_string_lossy().starts_with(LOG) {
                logs.push(entry.path());
            }
        }
        logs.sort_by_cached_key(|path| natural(&path.to_string_lossy()));
        Ok(logs)
    }
}

/// A name in which numbers are padded, so that 10 comes after 9.
fn natural(name: &str) -> String {
    let mut padded = String::new();
    let mut digits = String::new();
    for sign in name.chars().chain(['\0']) {
        if sign.is_ascii_digit() {
            digits.push(sign);
            continue;
        }
        if !digits.is_empty() {
            padded.push_str(&format!("{digits:0>20}"));
            digits.clear();
        }
        padded.push(sign);
    }
    padded
}

/// The numbers of the jobs of a store.
fn numbers(store: &Path) -> Result<Vec<u64>> {
    let path = store.join(JOBS);
    let entries = match fs::read_dir(&path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == IoErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(Error::Read { source, path }),
    };
    let number = |entry: io::Result<fs::DirEntry>| entry.ok()?.file_name().to_str()?.parse().ok();
    let mut numbers: Vec<u64> = entries.filter_map(number).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::super::{JobOptions, Workload};
    use super::*;

    fn job(store: &Path) -> Result<Job> {
        let packing = Packing::into_tasks(1, &Workload::default(), &JobOptions::default());
        Job::new(store, EngineKind::Slurm, 3, &packing, String::new())
    }

    #[test]
    fn two_jobs_never_have_the_same_number() {
        let store = tempfile::tempdir().expect("a folder");
        let make = || {
            let job = job(store.path()).expect("made");
            job.write().expect("written");
            job.number
        };
        let numbers = std::thread::scope(|scope| {
            let all: Vec<_> = (0..8).map(|_| scope.spawn(make)).collect();
            let mut numbers: Vec<u64> = all.into_iter().map(|one| one.join().expect("made")).collect();
            numbers.sort_unstable();
            numbers
        });
        assert_eq!(numbers, (1..=8).collect::<Vec<_>>());
        assert_eq!(Job::all(store.path()).expect("read").len(), 8);
        let error = Job::read(store.path(), 9).expect_err("none");
        assert_eq!(error.to_string(), "there is no job 9");
    }

    #[test]
    fn logs_are_sorted_by_their_numbers() {
        let store = tempfile::tempdir().expect("a folder");
        let job = job(store.path()).expect("made");
        for name in ["log-7_10.txt", "log-7_9.txt", "log-12_1.txt", "batch.sh"] {
            fs::write(job.folder().join(name), "").expect("written");
        }
        let logs = job.logs().expect("read");
        let names: Vec<_> = logs.iter().map(|path| path.file_name().unwrap_or_default()).collect();
        assert_eq!(names, ["log-7_9.txt", "log-7_10.txt", "log-12_1.txt"]);
    }
}
