//! The run table kept in memory, for a program that shows it while runs are trained elsewhere.

use std::cmp::Ordering;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use concertina_store::{RunKey, Stamp, Store};
use concertina_table::Table;

use super::run_table;
use crate::error::Result;
use crate::params_table;

/// If a folder changed less than this long before it was read, it may change again without getting another
/// stamp. Longer than the steps of 2 seconds in which file systems keep times (FAT).
const TOO_FRESH: Duration = Duration::from_secs(4);
/// A folder whose stamp is older than this by the clock of this machine has settled, unless the clock of the
/// file system is later by as much. Arbitrary.
const LONG_AGO: Duration = Duration::from_secs(60);
/// The number of runs that a thread reads before it looks at the time. Arbitrary: a hundredth of a second.
const AT_ONCE: usize = 32;

/// The run table, and what is not in it yet.
#[derive(Debug, Clone)]
pub struct RunsSeen {
    /// The run table as [`Study::run_table`](crate::Study::run_table) gives it, of the runs that have been
    /// read. If nothing has changed, it is the same table as before.
    pub table: Arc<Table>,
    /// The number of runs that are new or have changed, and that have not been read yet.
    pub unread: usize,
}

/// Looks at the runs of a store again and again. Every look reads only the runs that are new or have changed.
///
/// Nothing is written. The first look uses the index that [`Study::run_table`](crate::Study::run_table) has
/// written, if there is one.
#[derive(Debug)]
pub struct RunWatch {
    store: Store,
    threads: usize,
    started: bool,
    /// The rows in memory, with the columns of the index; sorted by key.
    rows: Table,
    /// What is known of each row, in the same order.
    known: Vec<Known>,
    table: Arc<Table>,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    key: RunKey,
    stamp: [i64; 3],
    /// When this stamp was first seen.
    seen: Instant,
    /// Whether any later change has another stamp.
    settled: bool,
}

/// A run to read: a stamp and when it was first seen.
type Changed = (RunKey, Stamp, Instant);

impl RunWatch {
    pub(crate) fn new(store: Store, threads: usize) -> Self {
        let (rows, known, table) = (Table::new(), Vec::new(), Arc::default());
        Self { store, threads, started: false, rows, known, table }
    }

    /// Looks at the store. After `patience`, no further run is read in this look; at least a few are read in
    /// each.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store).
    pub fn look(&mut self, patience: Duration) -> Result<RunsSeen> {
        let begin = Instant::now();
        if !self.started {
            self.begin()?;
        }
        let now = SystemTime::now();
        let stamps = self.store.stamps(self.threads)?;
        let (kept, changed) = self.compare(&stamps);
        let (read, rows) = self.read(&changed, begin, patience)?;
        let unread = changed.len() - read;
        if read > 0 || kept.len() < self.known.len() {
            self.take(&kept, &changed[..read], rows, now)?;
        }
        Ok(RunsSeen { table: Arc::clone(&self.table), unread })
    }

    /// Begins with the index.
    fn begin(&mut self) -> Result<()> {
        self.started = true;
        let Some(index) = run_table::usable(self.store.index(run_table::INDEX)?)? else { return Ok(()) };
        let stamps = run_table::stamps(&index)?;
        // An index is sorted by key. One that is not was not written by this program.
        if stamps.iter().any(Option::is_none) || !stamps.is_sorted_by_key(|stamp| stamp.map(|(key, _)| key)) {
            return Ok(());
        }
        let seen = Instant::now();
        let known = |(key, stamp)| Known { key, stamp, seen, settled: true };
        self.known = stamps.into_iter().flatten().map(known).collect();
        self.rows = index;
        self.table = Arc::new(run_table::shown(&self.rows)?);
        Ok(())
    }

    /// The rows that stay, and the runs to read. Rows of runs that have changed stay until they are read.
    fn compare(&self, stamps: &[(RunKey, Stamp)]) -> (Vec<usize>, Vec<Changed>) {
        let (mut kept, mut changed) = (Vec::with_capacity(self.known.len()), Vec::new());
        let mut place = 0;
        for (key, stamp) in stamps {
            while self.known.get(place).is_some_and(|known| known.key < *key) {
                place += 1; // removed from the store
            }
            let Some(known) = self.known.get(place).filter(|known| known.key == *key) else {
                changed.push((*key, *stamp, Instant::now()));
                continue;
            };
            kept.push(place);
            if known.stamp != stamp.to_numbers() {
                changed.push((*key, *stamp, Instant::now()));
            } else if !known.settled && known.seen.elapsed() > TOO_FRESH {
                changed.push((*key, *stamp, known.seen));
            }
        }
        (kept, changed)
    }

    /// Reads runs until the time is over. Returns how many, and their rows.
    fn read(&self, changed: &[Changed], begin: Instant, patience: Duration) -> Result<(usize, Table)> {
        let mut read = 0;
        let mut parts = Vec::new();
        for some in changed.chunks(AT_ONCE * self.threads.max(1)) {
            let runs: Vec<_> = some.iter().map(|(key, stamp, _)| (key, stamp)).collect();
            parts.extend(run_table::read(&self.store, &runs, self.threads)?);
            read += some.len();
            if begin.elapsed() > patience {
                break;
            }
        }
        Ok((read, params_table::stack(parts)?))
    }

    /// Puts rows that were read into their places.
    fn take(&mut self, kept: &[usize], read: &[Changed], rows: Table, now: SystemTime) -> Result<()> {
        let is_read = |key: &RunKey| read.binary_search_by(|(other, ..)| other.cmp(key)).is_ok();
        let kept: Vec<usize> =
            kept.iter().copied().filter(|&place| !is_read(&self.known[place].key)).collect();
        let mut known: Vec<Known> = kept.iter().map(|&place| self.known[place]).collect();
        known.extend(read.iter().map(|(key, stamp, seen)| Known {
            key: *key,
            stamp: stamp.to_numbers(),
            seen: *seen,
            settled: seen.elapsed() > TOO_FRESH || stamp.is_settled(now - LONG_AGO),
        }));
        let mut below = match kept.len() == self.known.len() {
            true => std::mem::take(&mut self.rows),
            false => self.rows.take(&kept),
        };
        below.append(&rows)?;
        let mut order: Vec<usize> = (0..known.len()).collect();
        order.sort_by(|&one, &other| known[one].key.cmp(&known[other].key));
        if order.iter().enumerate().any(|(place, &row)| place.cmp(&row) != Ordering::Equal) {
            below = below.take(&order);
            known = order.iter().map(|&row| known[row]).collect();
        }
        (self.rows, self.known) = (below, known);
        let table = run_table::shown(&self.rows)?;
        if table != *self.table {
            self.table = Arc::new(table);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use concertina_model::params::Params;
    use concertina_store::StoreOptions;
    use serde_json::json;

    use super::*;
    use crate::library::listing::key_of;

    /// Makes a run that has parameters and nothing else.
    fn publish(store: &Store, seed: u64) -> RunKey {
        let params = Params { seed, ..Params::default() }.check().expect("valid");
        let key = key_of(&params);
        store.run(&key).publish_params(&params.to_annotated_toml()).expect("published");
        key
    }

    fn watch(root: &Path) -> RunWatch {
        RunWatch::new(Store::read_only(root).expect("opens"), 2)
    }

    #[test]
    fn what_is_kept_in_memory_is_the_table_of_the_store() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = StoreOptions::new().open(folder.path()).expect("a store");
        let mut watch = watch(folder.path());
        let mut look = || watch.look(Duration::from_secs(60)).expect("looked");
        assert!(look().table.is_empty());
        let keys: Vec<RunKey> = (0..70).map(|seed| publish(&store, seed)).collect();
        let seen = look();
        assert_eq!((seen.table.row_count(), seen.unread), (70, 0));
        assert_eq!(*seen.table, run_table::table(&store, 1).expect("a table"));
        assert!(Arc::ptr_eq(&seen.table, &look().table), "nothing has changed");
        // one run changes, one is removed and one is added, in one look
        store
            .run(&keys[3])
            .publish_provenance(&json!({ "progress": { "epoch": 1, "update": 7 } }))
            .expect("ok");
        std::fs::remove_dir_all(store.run(&keys[9]).path()).expect("removed");
        publish(&store, 1000);
        let again = look();
        assert_eq!(again.table.row_count(), 70);
        assert_eq!(*again.table, run_table::table(&store, 1).expect("a table"));
    }

    #[test]
    fn without_patience_a_look_shows_a_part_and_says_what_is_missing() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = StoreOptions::new().open(folder.path()).expect("a store");
        for seed in 0..150 {
            publish(&store, seed);
        }
        let mut watch = watch(folder.path());
        let mut counts = Vec::new();
        loop {
            let seen = watch.look(Duration::ZERO).expect("looked");
            assert_eq!(seen.table.row_count() + seen.unread, 150);
            counts.push(seen.unread);
            if seen.unread == 0 {
                assert_eq!(*seen.table, run_table::table(&store, 1).expect("a table"));
                break;
            }
        }
        assert_eq!(counts, [86, 22, 0], "64 runs at once");
    }

    #[test]
    fn rows_of_the_index_are_not_read_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = StoreOptions::new().open(folder.path()).expect("a store");
        let keys: Vec<RunKey> = (0..5).map(|seed| publish(&store, seed)).collect();
        let read = run_table::with_stamps(&store, 1).expect("read");
        // a mark that only the index has
        let mut marked = read.clone();
        marked.set_constant("status", "complete".into());
        store.publish_index(&marked, run_table::INDEX).expect("published");
        let mut watch = watch(folder.path());
        let seen = watch.look(Duration::from_secs(60)).expect("looked");
        assert_eq!(seen.table.texts("status").expect("texts"), vec![Some("complete".to_owned()); 5]);
        store.run(&keys[0]).publish_provenance(&json!({})).expect("published");
        let seen = watch.look(Duration::from_secs(60)).expect("looked");
        let unfinished = |status: &Option<String>| status.as_deref() == Some("unfinished");
        assert_eq!(
            seen.table.texts("status").expect("texts").iter().filter(|one| unfinished(one)).count(),
            1
        );
    }
}
