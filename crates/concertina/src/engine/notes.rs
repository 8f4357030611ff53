//! Notes that workers leave for each other: everything in this portion of a plan is done.
//!
//! Without them, each of a thousand workers would look at every run of a plan to find that others have
//! trained it. The runs of a large plan are in portions, and each worker goes through the portions in an
//! order of its own. A worker that finds a portion done leaves a note, and the others pass over it.
//!
//! A note counts only if it was left after the work of the reader began, by the clock of the file system. It
//! is therefore as good as a look at the runs themselves, and nothing is lost if it is seen late or removed.

use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use concertina_store::{RunKey, Store};

use super::pool::lock;
use super::question::Demand;

/// Groups of runs in a portion. Arbitrary: many, so that there are few notes, and so few that a worker is
/// through with a portion after some minutes.
const PORTION: usize = 400;
/// Plans with fewer portions have none. A look at a thousand runs takes less than a second.
const LEAST_PORTIONS: usize = 3;
/// Time between two looks for a note.
const PAUSE: Duration = Duration::from_secs(1);
/// Age of notes that are of no use to any worker, because none works that long.
const OLD: Duration = Duration::from_secs(30 * 86_400);

struct Portion {
    path: PathBuf,
    /// Runs that this process does not know to be done.
    left: AtomicUsize,
    is_noted: AtomicBool,
    looked: Mutex<Option<Instant>>,
}

/// The portions of a plan, and the notes about them.
pub(crate) struct Notes {
    since: SystemTime,
    portions: Vec<Portion>,
    /// The portion of each demand.
    of: Vec<usize>,
}

/// What is demanded of a run, as a text.
fn text(key: &RunKey, demand: &Demand<'_>) -> String {
    let train = &demand.params.train;
    let mut text = format!(
        "{key} {} {:?} {:?} {:?} {}",
        train.epochs, train.saves_per_epoch, train.stop_after, demand.keep, demand.train
    );
    for question in &demand.questions {
        text.push_str(&format!(" {} {:?}", question.computation(), question.selection()));
    }
    text
}

impl Notes {
    /// Sorts groups of demands into portions, in an order of this process. The cost of a group in a large
    /// plan becomes a power of two, so that whole portions cost the same. `None` if the plan is too small for
    /// notes, or the store takes none.
    pub(crate) fn new(
        store: &Store,
        demands: &[Demand<'_>],
        keys: &[RunKey],
        groups: &mut [(f64, Vec<usize>)],
        order: &RandomState,
    ) -> Option<Self> {
        if groups.len() < LEAST_PORTIONS * PORTION {
            return None;
        }
        let folder = store.root().join("jobs").join("done");
        fs::create_dir_all(&folder).ok()?;
        let since = store.file_system_time()?;
        remove_old(&folder, since);
        for (cost, _) in groups.iter_mut() {
            *cost = cost.max(f64::MIN_POSITIVE).log2().floor().exp2();
        }
        // The same portions in every process, whatever the order of the plan.
        groups
            .sort_by(|(a, left), (b, right)| b.total_cmp(a).then_with(|| keys[left[0]].cmp(&keys[right[0]])));
        let (mut portions, mut of, mut sorted) = (Vec::new(), vec![0; demands.len()], Vec::new());
        for class in groups.chunk_by(|(a, _), (b, _)| a == b) {
            for members in class.chunks(PORTION) {
                let mut all = String::new();
                for &place in members.iter().flat_map(|(_, places)| places) {
                    all.push_str(&text(&keys[place], &demands[place]));
                    all.push('\n');
                    of[place] = portions.len();
                }
                // A digest like any other.
                let path = folder.join(RunKey::of(&all).to_string());
                let token = order.hash_one(&path);
                sorted.extend(members.iter().map(|group| (token, group.clone())));
                let left = AtomicUsize::new(members.iter().map(|(_, places)| places.len()).sum());
                portions.push(Portion {
                    path,
                    left,
                    is_noted: AtomicBool::new(false),
                    looked: Mutex::default(),
                });
            }
        }
        sorted.sort_by_cached_key(|(token, (_, places))| (*token, order.hash_one(keys[places[0]])));
        for (group, (_, sorted)) in groups.iter_mut().zip(sorted) {
            *group = sorted;
        }
        Some(Self { since, portions, of })
    }

    /// Whether another process left a note about the portion of this demand.
    pub(crate) fn is_done(&self, place: usize) -> bool {
        let portion = &self.portions[self.of[place]];
        if portion.is_noted.load(Ordering::Relaxed) {
            return true;
        }
        let mut looked = lock(&portion.looked);
        if looked.is_some_and(|time| time.elapsed() < PAUSE) {
            return false;
        }
        *looked = Some(Instant::now());
        let time = fs::metadata(&portion.path).and_then(|data| data.modified());
        let is_noted = time.is_ok_and(|time| time >= self.since);
        portion.is_noted.store(is_noted, Ordering::Relaxed);
        is_noted
    }

    /// Notes that the store has everything that a demand asks for, which is said once for each demand. Leaves
    /// a note if it was the last of its portion.
    pub(crate) fn found_done(&self, place: usize) {
        let portion = &self.portions[self.of[place]];
        if portion.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            // A note that cannot be written costs others some looks.
            let _ = fs::write(&portion.path, "");
        }
    }
}

/// Removes notes that no worker needs any more.
fn remove_old(folder: &Path, now: SystemTime) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let time = entry.metadata().and_then(|data| data.modified());
        if time.is_ok_and(|time| now.duration_since(time).is_ok_and(|age| age > OLD)) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use concertina_model::params::{Params, Sweep, ValidSweep};

    use super::*;

    fn sweep(epochs: u64) -> ValidSweep {
        let mut base = Params::default();
        base.train.epochs = epochs;
        Sweep::of(base).seeds(0..1300).check().expect("valid")
    }

    /// What a process knows when it begins to work on a sweep, and the order of its runs.
    fn begin(store: &Store, sweep: &ValidSweep) -> (Notes, Vec<usize>) {
        let demand = |params| Demand { params, questions: Vec::new(), train: true, keep: None };
        let demands: Vec<Demand<'_>> = sweep.iter().map(demand).collect();
        let keys: Vec<RunKey> = sweep.iter().map(|params| RunKey::of(&params.canonical())).collect();
        let mut groups: Vec<_> = (0..demands.len()).map(|place| (3.0, vec![place])).collect();
        let notes =
            Notes::new(store, &demands, &keys, &mut groups, &RandomState::new()).expect("a large plan");
        (notes, groups.into_iter().map(|(_, places)| places[0]).collect())
    }

    #[test]
    fn a_portion_that_one_process_found_done_is_passed_over_by_others() {
        let folder = tempfile::tempdir().expect("a folder");
        let (store, sweep) = (Store::open(folder.path()).expect("a store"), sweep(1));
        let (ours, order) = begin(&store, &sweep);
        let (theirs, others) = begin(&store, &sweep);
        assert_ne!(order, others, "each process has an order of its own");
        let portion = ours.of[order[0]];
        let size = order.iter().filter(|&&place| ours.of[place] == portion).count();
        let (inside, outside) = order.split_at(size);
        assert!(inside.iter().all(|&place| ours.of[place] == portion), "a portion stays together");
        inside[1..].iter().for_each(|&place| ours.found_done(place));
        assert!(!theirs.is_done(inside[0]), "one run is missing");
        ours.found_done(inside[0]);
        std::thread::sleep(PAUSE);
        assert!(inside.iter().all(|&place| theirs.is_done(place)));
        assert!(!outside.iter().any(|&place| theirs.is_done(place)));
        let (longer, _) = begin(&store, &self::sweep(2));
        assert!(!longer.is_done(inside[0]), "the same runs with more epochs are another plan");
    }

    #[test]
    fn a_note_from_before_the_work_began_does_not_count() {
        let folder = tempfile::tempdir().expect("a folder");
        let (store, sweep) = (Store::open(folder.path()).expect("a store"), sweep(1));
        let (ours, order) = begin(&store, &sweep);
        (0..sweep.len()).for_each(|place| ours.found_done(place));
        assert!(ours.is_done(order[0]));
        std::thread::sleep(Duration::from_millis(50));
        let (later, _) = begin(&store, &sweep);
        assert!(!later.is_done(order[0]), "something may have been removed since");
    }

    #[test]
    fn a_small_plan_has_no_portions() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path()).expect("a store");
        assert!(Notes::new(&store, &[], &[], &mut [], &RandomState::new()).is_none());
        assert!(!folder.path().join("jobs").exists());
    }
}
