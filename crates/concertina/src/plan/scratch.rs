//! Works on a plan in a folder that is local to this machine, and merges what was done into the shared store,
//! a portion at a time.
//!
//! A shared file system is slow with many small files, and a local disk is not. Claims are in the shared
//! store, so that other processes know of the work. A portion takes its runs as far as the shared store has
//! them, works on them in a store of its own, and merges that store back. If the process is killed, a portion
//! is lost at most.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use concertina_store::{Claim, Claimed, Durability, RunKey, Store, StoreOptions};

use super::WorkPlan;
use super::worker::Worked;
use crate::engine::{self, Demand, Notes, Seats, cost, lacks, lock, patience};
use crate::error::{Error, Result};
use crate::hint::Hint;
use crate::library::UPDATE;
use crate::library::merge::{self, MergeFate};
use crate::record::{Outcome, RunRecord, Source};
use crate::study::Study;

/// Runs per thread in a portion. Arbitrary: several, so that threads are rarely idle at the end of a portion,
/// and few, so that little is lost if the process is killed.
const PER_THREAD: usize = 4;

/// Time between two signs of life, as for a run in training.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// A folder of this process that is removed when it is dropped.
struct Folder(PathBuf);

impl Folder {
    /// A new folder with a name that no other process uses.
    fn new(parent: &Path) -> Result<Self> {
        let failed = |path: &Path, source| Error::Write { source, path: path.to_owned() };
        std::fs::create_dir_all(parent).map_err(|source| failed(parent, source))?;
        let token = RandomState::new().hash_one(std::process::id());
        let path = parent.join(format!("concertina-{}-{token:016x}", std::process::id()));
        std::fs::create_dir(&path).map_err(|source| failed(&path, source))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // what cannot be removed is in a folder for temporary files
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs that this process has claimed.
struct Portion<'a> {
    places: Vec<usize>,
    demands: Vec<Demand<'a>>,
    claims: Vec<Claim>,
}

impl Study {
    /// As [`Study::work`], with `scratch`, a folder on a local disk, for everything that is not finished.
    ///
    /// # Errors
    /// As [`Study::work`]; [`Error::Write`] if the folder cannot be used.
    pub fn work_in_scratch(&self, plan: &WorkPlan, scratch: impl AsRef<Path>) -> Result<Worked> {
        let begin = Instant::now();
        let questions = plan.questions()?;
        let scratch = scratch.as_ref();
        self.worked(plan, begin, |study| Scratch { study, scratch, demands: plan.demands(&questions) }.work())
    }
}

struct Scratch<'a> {
    study: &'a Study,
    scratch: &'a Path,
    demands: Vec<Demand<'a>>,
}

impl<'a> Scratch<'a> {
    fn store(&self) -> &'a Store {
        &self.study.context.store
    }

    fn key(&self, place: usize) -> RunKey {
        RunKey::of(&self.demands[place].params.canonical())
    }

    fn demand(&self, place: usize) -> Demand<'a> {
        let demand = &self.demands[place];
        Demand { questions: demand.questions.clone(), ..*demand }
    }

    fn record(&self, place: usize, outcome: Outcome) -> RunRecord {
        RunRecord::unfinished(self.demands[place].params, self.key(place), outcome)
    }

    fn work(&self) -> Result<Vec<RunRecord>> {
        let settings = &self.study.context.settings;
        let mut records: Vec<RunRecord> =
            (0..self.demands.len()).map(|place| self.record(place, Outcome::Interrupted)).collect();
        let imported = |place: &usize| self.demands[*place].params.network.weights.is_some();
        let (here, rest): (Vec<usize>, Vec<usize>) = (0..self.demands.len()).partition(imported);
        let (mut open, notes) = self.order(rest);
        // Imported networks are only analysed, and their weights may be those of another run.
        let demands: Vec<Demand<'_>> = here.iter().map(|&place| self.demand(place)).collect();
        if !demands.is_empty() {
            let context = &self.study.context;
            let done = engine::publish(&context.store, &context.settings, &context.seats, &demands)?;
            here.into_iter().zip(done).for_each(|(place, record)| records[place] = record);
        }
        let mut looks = 0;
        while !open.is_empty() && !settings.cancelled() {
            let Some(portion) = self.claim(&mut open, notes.as_ref(), &mut records)? else {
                if !open.is_empty() {
                    std::thread::sleep(patience(looks));
                    looks += 1;
                }
                continue;
            };
            looks = 0;
            let tried = portion.places.clone();
            for (place, record) in tried.iter().copied().zip(self.serve(portion)?) {
                if let Some(notes) = &notes
                    && lacks(self.store(), settings, &self.demands[place])?.is_none()
                {
                    notes.found_done(place);
                }
                records[place] = record;
            }
            if tried.iter().any(|&place| records[place].outcome == Outcome::Interrupted) {
                break; // there is no time for another epoch
            }
        }
        Ok(records)
    }

    /// Runs in the order in which they are worked on: the longest first, and among equals in an order of this
    /// process. With notes about the portions of a large plan that other processes found done.
    fn order(&self, places: Vec<usize>) -> (Vec<usize>, Option<Notes>) {
        let order = RandomState::new();
        let keys: Vec<RunKey> = (0..self.demands.len()).map(|place| self.key(place)).collect();
        let cost = |place: usize| cost(self.demands[place].params);
        let mut groups: Vec<_> = places.into_iter().map(|place| (cost(place), vec![place])).collect();
        groups.sort_by_cached_key(|(_, places)| order.hash_one(keys[places[0]]));
        let notes = Notes::new(self.store(), &self.demands, &keys, &mut groups, &order);
        groups.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        (groups.into_iter().flat_map(|(_, places)| places).collect(), notes)
    }

    /// Claims the next runs of which something is missing, and removes them from those that are open. Runs
    /// that are complete are removed, too. `None` if other processes hold all that are left.
    fn claim(
        &self,
        open: &mut Vec<usize>,
        notes: Option<&Notes>,
        records: &mut [RunRecord],
    ) -> Result<Option<Portion<'a>>> {
        let (store, settings) = (self.store(), &self.study.context.settings);
        let mut portion = Portion { places: Vec::new(), demands: Vec::new(), claims: Vec::new() };
        let mut held = Vec::new();
        let mut keys = BTreeSet::new();
        let mut rest = std::mem::take(open).into_iter();
        while portion.places.len() < settings.jobs * PER_THREAD && !settings.cancelled() {
            let Some(place) = rest.next() else { break };
            let (demand, key) = (&self.demands[place], self.key(place));
            let complete = |records: &mut [RunRecord]| {
                records[place] =
                    RunRecord { source: Source::Loaded, ..self.record(place, Outcome::Complete) };
            };
            if notes.is_some_and(|notes| notes.is_done(place)) {
                complete(records);
                continue;
            }
            let found_done = |records: &mut [RunRecord]| {
                complete(records);
                notes.inspect(|notes| notes.found_done(place));
            };
            if lacks(store, settings, demand)?.is_none() {
                found_done(records);
                continue;
            }
            // Another request for the same run waits for the next portion.
            if !keys.insert(key) {
                held.push(place);
                continue;
            }
            match store.run(&key).claim()? {
                Claimed::Held(_) => held.push(place),
                Claimed::Mine(claim) if lacks(store, settings, demand)?.is_none() => {
                    // Another process finished it between the two looks.
                    drop(claim);
                    found_done(records);
                }
                Claimed::Mine(claim) => {
                    portion.places.push(place);
                    portion.claims.push(claim);
                    portion.demands.push(self.demand(place));
                }
            }
        }
        // Those that others hold come last.
        *open = rest.chain(held).collect();
        Ok((!portion.places.is_empty()).then_some(portion))
    }

    /// Works on a portion in a store of its own, and merges it into the shared store.
    fn serve(&self, portion: Portion<'a>) -> Result<Vec<RunRecord>> {
        let Portion { demands, claims, .. } = portion;
        let (shared, settings) = (self.store(), &self.study.context.settings);
        let folder = Folder::new(self.scratch)?;
        // What is lost in a power failure is computed again.
        let own = StoreOptions::new().durability(Durability::Process).open(&folder.0)?;
        let keys: Vec<RunKey> = demands.iter().map(|demand| RunKey::of(&demand.params.canonical())).collect();
        for (demand, key) in demands.iter().zip(&keys) {
            if shared.run(key).exists()? {
                merge::take_claimed(&own, shared, *key, &[], &mut BTreeSet::new())?;
            }
            self.recall(&own, demand, key)?;
        }
        let claims = Mutex::new(claims);
        let records = beating(&claims, || {
            let mut records = engine::publish(&own, settings, &Seats::new(settings.jobs), &demands)?;
            let differ = self.merge(&own, &keys)?;
            for record in records.iter_mut().filter(|record| differ.contains(&record.key)) {
                record.outcome = not_taken();
            }
            Ok(records)
        })?;
        drop(claims);
        Ok(records)
    }

    /// Merges the store of a portion into the shared one. Returns the runs that differ there, which were not
    /// taken.
    fn merge(&self, own: &Store, keys: &[RunKey]) -> Result<BTreeSet<RunKey>> {
        let (shared, mut differ) = (self.store(), BTreeSet::new());
        let mut memos = merge::memos_by_run(own)?;
        for key in keys {
            let memos = memos.remove(key).unwrap_or_default();
            if own.run(key).exists()? {
                let merged = merge::take_claimed(shared, own, *key, &memos, &mut BTreeSet::new())?;
                if merged.fate == MergeFate::Differs {
                    differ.insert(*key);
                }
                continue;
            }
            // Analyses of networks before training need no run.
            for memo in memos {
                if let Some(table) = own.memo(&memo.key)? {
                    shared.publish_memo(&memo.memo(), table, UPDATE)?;
                }
            }
        }
        Ok(differ)
    }

    /// Copies the results that the shared store has of a run and that are asked for again.
    fn recall(&self, own: &Store, demand: &Demand<'_>, key: &RunKey) -> Result<()> {
        for question in demand.questions.iter().filter(|question| question.per_checkpoint()) {
            let memo = question.memo(key, &BTreeSet::new());
            if let Some(table) = self.store().memo(memo.key())? {
                own.publish_memo(&memo, table, UPDATE)?;
            }
        }
        Ok(())
    }
}

/// The outcome of a run that the shared store has with other bits.
fn not_taken() -> Outcome {
    Outcome::Failed {
        message: "what was computed here differs from what the store has, and was not taken".to_owned(),
        hint: Some(Hint::VerifyStoreOrCompareMachines),
    }
}

/// Does work while another thread shows life for the claims.
fn beating<T>(claims: &Mutex<Vec<Claim>>, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let beat = scope.spawn(|| {
            let mut beaten = Instant::now();
            while !done.load(Ordering::Relaxed) {
                std::thread::park_timeout(HEARTBEAT.saturating_sub(beaten.elapsed()));
                if beaten.elapsed() >= HEARTBEAT {
                    // a claim that cannot be refreshed times out, and the run may be trained twice
                    lock(claims).iter_mut().for_each(|claim| drop(claim.beat()));
                    beaten = Instant::now();
                }
            }
        });
        let worked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        done.store(true, Ordering::Relaxed);
        beat.thread().unpark();
        worked.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
