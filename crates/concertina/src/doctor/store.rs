//! What is known of a store after a quick look.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, SystemTime};

use concertina_store::{
    ClaimNote, Error as StoreError, FindingKind, Incident, LAYOUT, Premises, Probe, RUN_TABLE, Removal, Store,
};
use concertina_table::Table;
use serde::Serialize;

use super::{Problem, privacy};
use crate::error::Result;
use crate::hint::Hint;
use crate::library::listing::amount;
use crate::library::run_table::{self, FEW_RUNS, IndexState};

/// Free space below which there is a note. Arbitrary: room for thousands of small runs.
const LITTLE_SPACE: u64 = 1_000_000_000;
/// A difference between clocks that gets a note, in seconds. Arbitrary: nothing but times that are written
/// down for people depends on it.
const LARGE_SKEW: f64 = 60.0;
/// Most problems of one kind that are listed one by one. Arbitrary: a screenful.
const LISTED: usize = 20;

/// A store, as far as a quick look tells. What is not known is null.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct StoreReport {
    /// Where it is, or would be.
    pub path: String,
    /// Whether there is a store, usable or not.
    pub exists: bool,
    /// The version of its layout, from the file `FORMAT`.
    pub layout: Option<u64>,
    /// The newest layout that this program reads, and the one that it writes.
    pub newest_layout: u64,
    /// The type of the file system, as in `ext4`.
    pub file_system: Option<String>,
    /// Bytes that can still be written.
    pub free: Option<u64>,
    /// Whether it can be written.
    pub writable: Option<bool>,
    /// Whether renaming a file over another one replaces it.
    pub replaces: Option<bool>,
    /// Whether a file gets a name only if no other file has it.
    pub creates_once: Option<bool>,
    /// Seconds by which the clock of the file system is ahead of the machine's.
    pub clock_ahead: Option<f64>,
    /// How many runs it holds.
    pub runs: Option<usize>,
    /// How many of them have each status; null where finding out would take long.
    pub statuses: Option<BTreeMap<String, usize>>,
    /// How many results of analyses it holds.
    pub analyses: Option<usize>,
    /// How many sets of trials it holds.
    pub trials: Option<usize>,
    /// Which processes train runs.
    pub claims: Vec<ClaimSummary>,
    /// The files that were found damaged and set aside.
    pub set_aside: Vec<Incident>,
    /// Unfinished files of processes that have ended.
    pub left_over: Option<u64>,
    /// The index of runs, in words.
    pub index: Option<String>,
    /// The file `runs.csv`, in words.
    pub run_table: Option<String>,
    /// Whether every file was read.
    pub verified: bool,
}

/// A claim: a process trains a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ClaimSummary {
    /// The run, by the first 12 digits of its key.
    pub run: String,
    /// The number of the process; null if the claim cannot be read.
    pub pid: Option<u32>,
    /// Whether the process belongs to this machine.
    pub is_here: bool,
    /// Seconds since it last showed life.
    pub age: Option<u64>,
    /// Whether the process has ended, or was silent for too long.
    pub is_stale: bool,
}

impl From<ClaimNote> for ClaimSummary {
    fn from(claim: ClaimNote) -> Self {
        Self {
            run: claim.run.chars().take(12).collect(),
            pid: claim.holder.as_ref().map(|holder| holder.pid),
            is_here: claim.is_here,
            age: claim.holder.as_ref().map(|holder| holder.age.as_secs()),
            is_stale: claim.is_stale,
        }
    }
}

/// Looks at the store in a folder.
pub(super) fn look(folder: &Path, verify: bool, problems: &mut Vec<Problem>) -> StoreReport {
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let premises = Premises::of(&absolute);
    let mut report = StoreReport {
        path: privacy::without_home(&absolute.display().to_string()),
        newest_layout: LAYOUT,
        file_system: premises.kind,
        free: premises.free,
        ..StoreReport::default()
    };
    match Store::read_only(&absolute) {
        Ok(store) => {
            (report.exists, report.layout) = (true, Some(LAYOUT));
            report.examine(&store, verify, problems);
        }
        Err(StoreError::NoStore { .. }) => {}
        Err(error) => {
            if let StoreError::NewerLayout { found, .. } = &error {
                report.layout = Some(*found);
            }
            report.exists = !matches!(error, StoreError::NotAStore { .. } | StoreError::NotAFolder { .. });
            problems.push(Problem::of(&error));
        }
    }
    if let Some(free) = report.free.filter(|free| *free < LITTLE_SPACE) {
        let hint = Hint::text("free some space: training stops with an error when the disk is full");
        problems.push(Problem::note(format!("only {} MB are free for the store", free / 1_000_000), hint));
    }
    report
}

/// A value, or nothing and a problem.
fn or_problem<T>(found: Result<T>, problems: &mut Vec<Problem>) -> Option<T> {
    found
        .map_err(|error| match &error {
            crate::Error::Store(error) => problems.push(Problem::of(error)),
            error => problems.push(Problem::store(error.to_string(), error.hint())),
        })
        .ok()
}

impl StoreReport {
    fn examine(&mut self, store: &Store, verify: bool, problems: &mut Vec<Problem>) {
        let now = self.probe(store, problems);
        self.runs = or_problem(store.keys().map_err(Into::into), problems).map(|keys| keys.len());
        self.analyses = or_problem(store.memo_count().map_err(Into::into), problems);
        self.trials = or_problem(store.trials_keys().map_err(Into::into), problems).map(|keys| keys.len());
        self.list(store, problems);
        self.claims(store, now, problems);
        if verify {
            self.verified = true;
            let findings = or_problem(store.verify().map_err(Into::into), problems).unwrap_or_default();
            let damaged = findings.into_iter().filter(|finding| finding.kind == FindingKind::Damaged);
            let damaged = damaged.map(|finding| (finding.path.display().to_string(), finding.reason));
            report_damage(damaged.collect(), problems);
        }
        self.incidents(store, problems);
        let left_over = store.remove_left_over(Removal::DryRun).map_err(Into::into);
        self.left_over = or_problem(left_over, problems).map(|left_over| left_over.files);
        if let Some(count @ 1..) = self.left_over {
            let message =
                format!("{} of processes that have ended", amount(count as usize, "unfinished file"));
            let hint = Hint::text("harmless: removed when the store is next opened for writing");
            problems.push(Problem::note(message, hint));
        }
    }

    /// What the file system does; returns the time by its clock.
    fn probe(&mut self, store: &Store, problems: &mut Vec<Problem>) -> SystemTime {
        let probed = store.probe();
        self.writable = Some(probed.is_ok());
        let Some(probe) = or_problem(probed.map_err(Into::into), problems) else { return SystemTime::now() };
        (self.replaces, self.creates_once) = (Some(probe.replaces), Some(probe.creates_once));
        let skew = skew(&probe);
        self.clock_ahead = Some(skew);
        let hint = || Hint::text("keep the store on another file system");
        if !probe.replaces {
            let message = "the file system does not replace a file when another one is renamed over it";
            problems.push(Problem::store(message, hint()));
        }
        if !probe.creates_once {
            let message = "the file system does not keep a second file from taking the name of the first";
            problems.push(Problem::store(message, hint()));
        }
        if skew.abs() > LARGE_SKEW {
            let message = format!("the clock of the file system differs by {skew:+.0} s from this machine's");
            let hint = Hint::text("harmless: only times in provenance come from this machine's clock");
            problems.push(Problem::note(message, hint));
        }
        probe.time
    }

    /// The runs by status, the index, and the table of runs.
    fn list(&mut self, store: &Store, problems: &mut Vec<Problem>) {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let Some(state) = or_problem(run_table::index_state(store, threads), problems) else { return };
        let IndexState { usable, outdated } = state;
        let runs = self.runs.unwrap_or_default();
        self.index = Some(match usable {
            None => "none".to_owned(),
            Some(false) => "cannot be used, and is written again when needed".to_owned(),
            Some(true) if outdated == 0 => "up to date".to_owned(),
            Some(true) => format!("{outdated} of {} to be read again", amount(runs, "run")),
        });
        let csv = std::fs::read(store.root().join(RUN_TABLE)).ok();
        self.run_table = Some(if csv.is_some() { "present" } else { "absent" }.to_owned());
        if outdated > FEW_RUNS {
            return; // reading so many takes long
        }
        let Some(table) = or_problem(run_table::table(store, threads), problems) else { return };
        self.statuses = or_problem(statuses(&table), problems);
        let lacking = or_problem(unreadable(&table), problems).unwrap_or_default();
        if lacking > 0 {
            let message =
                format!("the parameters of {} cannot be read by this version", amount(lacking, "run"));
            let hint = Hint::text("they were written by a newer version, or are damaged or lost");
            problems.push(Problem::note(message, hint));
        }
        let damaged = store.incidents().is_ok_and(|all| all.iter().any(|one| one.set_aside.is_none()));
        if let (Some(csv), Ok(expected), false) = (csv, run_table::view(&table), damaged)
            && csv != expected
        {
            self.run_table = Some("differs from the runs".to_owned());
            let message = format!("`{RUN_TABLE}` does not show what the store holds");
            let hint = Hint::text("remove the file: it is written again when runs are listed");
            problems.push(Problem::note(message, hint));
        }
    }

    fn claims(&mut self, store: &Store, now: SystemTime, problems: &mut Vec<Problem>) {
        let claims = or_problem(store.claims(now).map_err(Into::into), problems).unwrap_or_default();
        self.claims = claims.into_iter().map(ClaimSummary::from).collect();
        let stale = self.claims.iter().filter(|claim| claim.is_stale).count();
        if stale > 0 {
            let message = format!("{} of processes that have ended or are silent", amount(stale, "claim"));
            let hint = Hint::text("harmless: the next process that needs these runs trains them");
            problems.push(Problem::note(message, hint));
        }
    }

    /// Damage that was found: now, or earlier.
    fn incidents(&mut self, store: &Store, problems: &mut Vec<Problem>) {
        let incidents = or_problem(store.incidents().map_err(Into::into), problems).unwrap_or_default();
        let (set_aside, in_place): (Vec<_>, Vec<_>) =
            incidents.into_iter().partition(|incident| incident.set_aside.is_some());
        if !self.verified {
            let damaged = in_place.into_iter().map(|one| (one.path.display().to_string(), one.reason));
            report_damage(damaged.collect(), problems);
        }
        if !set_aside.is_empty() {
            let message = format!("{} found and set aside earlier", amount(set_aside.len(), "damaged file"));
            problems.push(Problem::note(message, Hint::RemoveSetAside));
        }
        self.set_aside = set_aside;
    }
}

fn report_damage(mut damaged: Vec<(String, String)>, problems: &mut Vec<Problem>) {
    let more = damaged.len().saturating_sub(LISTED);
    damaged.truncate(LISTED);
    for (path, reason) in damaged {
        problems.push(Problem::store(format!("damaged file: {reason}: {path}"), Hint::RepairStore));
    }
    if more > 0 {
        problems.push(Problem::store(format!("{} more", amount(more, "damaged file")), Hint::RepairStore));
    }
}

/// Seconds by which the file system's clock is ahead. Times of files come in steps, so a file may seem a
/// little older than it is.
fn skew(probe: &Probe) -> f64 {
    let [before, after] = probe.between;
    let seconds = |later: SystemTime, earlier: SystemTime| {
        later.duration_since(earlier).unwrap_or(Duration::ZERO).as_secs_f64()
    };
    let skew = seconds(probe.time, after) - seconds(before, probe.time);
    (skew * 10.0).round() / 10.0 + 0.0
}

/// How many runs have each status.
fn statuses(table: &Table) -> Result<BTreeMap<String, usize>> {
    let mut statuses = BTreeMap::new();
    if table.has_column("status") {
        for status in table.texts("status")?.into_iter().flatten() {
            *statuses.entry(status).or_default() += 1;
        }
    }
    Ok(statuses)
}

/// How many runs have parameters that cannot be read.
fn unreadable(table: &Table) -> Result<usize> {
    if !table.has_column("seed") {
        return Ok(0);
    }
    Ok(table.integers("seed")?.iter().filter(|seed| seed.is_none()).count())
}
