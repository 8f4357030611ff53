//! The store as it was when it was last looked at. A thread looks again when that was some time ago, and
//! pages get what is known meanwhile.

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use concertina::table::Table;
use concertina::{RunWatch, Study};
use hyper::StatusCode;

use crate::answer::{Refusal, Result};

/// The store is looked at again after this long, and after this many times what the last look took: a store
/// of 100,000 runs must not keep a core busy.
const FRESH: Duration = Duration::from_millis(1500);
const REST: u32 = 10;
/// How long a page waits for a new look. A store of a few hundred runs is looked at in less; for a larger one
/// the page shows what was there before.
const PATIENCE: Duration = Duration::from_millis(300);
/// How long a page waits for the very first look, before it says that the store is being read.
const FIRST_PATIENCE: Duration = Duration::from_secs(10);
/// The first rows are shown after this long; the time doubles from look to look, because each puts all rows
/// in order.
const FIRST_LOOK: Duration = Duration::from_millis(500);
const LONGEST_LOOK: Duration = Duration::from_secs(8);

/// What looks at the store have found.
#[derive(Debug)]
pub(crate) struct Look {
    /// The run table; empty if the folder does not have a store yet.
    pub(crate) table: Arc<Table>,
    /// Runs that are not in the table yet, or have changed.
    pub(crate) unread: usize,
    /// Whether the folder has a store.
    pub(crate) exists: bool,
    /// Grows whenever something of this has changed.
    pub(crate) version: u64,
}

#[derive(Debug)]
struct Seen {
    found: Option<Result<Arc<Look>>>,
    at: Instant,
    took: Duration,
    /// Whether a thread is looking.
    looking: bool,
}

impl Seen {
    fn is_stale(&self) -> bool {
        self.found.is_none() || self.at.elapsed() >= FRESH.max(self.took * REST)
    }
}

/// A store on the shelf: read when it is needed, never written.
#[derive(Debug)]
pub(crate) struct Shelf {
    folder: PathBuf,
    seen: Mutex<Seen>,
    found: Condvar,
    /// The open store.
    study: Mutex<Option<Study>>,
    /// Its runs, in memory.
    runs: Mutex<Option<RunWatch>>,
}

impl Shelf {
    pub(crate) fn new(folder: PathBuf) -> Self {
        let seen = Seen { found: None, at: Instant::now(), took: Duration::ZERO, looking: false };
        let (study, runs) = (Mutex::new(None), Mutex::new(None));
        Self { folder, seen: Mutex::new(seen), found: Condvar::new(), study, runs }
    }

    /// The store, as it was a short while ago; a large one as far as it has been read.
    ///
    /// # Errors
    /// When the folder is not a store, or cannot be read.
    pub(crate) fn look(self: &Arc<Self>) -> Result<Arc<Look>> {
        let mut seen = self.lock();
        let stale = seen.is_stale();
        if stale && !seen.looking {
            let shelf = Arc::downgrade(self);
            let thread = std::thread::Builder::new().name("shelf".to_owned());
            thread.spawn(move || keep_looking(&shelf)).map_err(|error| {
                Refusal::new(StatusCode::SERVICE_UNAVAILABLE, format!("no thread to read the store: {error}"))
            })?;
            seen.looking = true;
        }
        if seen.looking {
            let begun = seen.at;
            let patience = match &seen.found {
                None => FIRST_PATIENCE,
                // another look would come too late
                Some(Ok(look)) if look.unread > 0 || seen.took > PATIENCE => Duration::ZERO,
                Some(_) => PATIENCE,
            };
            let waits = |seen: &mut Seen| seen.found.is_none() || (seen.looking && seen.at == begun);
            seen = self
                .found
                .wait_timeout_while(seen, patience, waits)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        seen.found.clone().unwrap_or_else(|| {
            Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "the folder of the store takes long to read")
                .hint("try again in a moment"))
        })
    }

    /// What a look would find without waiting; `None` if it was some time ago.
    pub(crate) fn fresh(&self) -> Option<Result<Arc<Look>>> {
        let seen = self.lock();
        seen.found.clone().filter(|_| !seen.is_stale())
    }

    /// The open store.
    ///
    /// # Errors
    /// When there is none yet, or it cannot be read.
    pub(crate) fn study(&self) -> Result<Study> {
        let mut study = self.study.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.exists() {
            *study = None;
            return Err(Refusal::not_found("the store has no runs yet"));
        }
        match &*study {
            Some(study) => Ok(study.clone()),
            None => Ok(study.insert(Study::builder(&self.folder).read_only()?).clone()),
        }
    }

    /// The store has changed for sure: the next look is a new one.
    pub(crate) fn changed(&self) {
        let mut seen = self.lock();
        seen.took = Duration::ZERO;
        seen.at = Instant::now().checked_sub(FRESH).unwrap_or(seen.at);
    }

    /// The folder, for people.
    pub(crate) fn folder(&self) -> String {
        let absolute = std::path::absolute(&self.folder);
        absolute.as_deref().unwrap_or(&self.folder).display().to_string()
    }

    /// An empty folder is a store that has not begun.
    pub(crate) fn exists(&self) -> bool {
        std::fs::read_dir(&self.folder).is_ok_and(|mut entries| entries.next().is_some())
    }

    /// Looks once. Returns whether there is more to read.
    fn look_once(&self, patience: Duration) -> bool {
        let start = Instant::now();
        let found = self.see(patience);
        let mut seen = self.lock();
        let before = seen.found.as_ref().and_then(|found| found.as_ref().ok());
        let found = found.map(|(table, unread, exists)| match before {
            Some(before)
                if Arc::ptr_eq(&before.table, &table)
                    && (before.unread, before.exists) == (unread, exists) =>
            {
                Arc::clone(before)
            }
            before => {
                let version = before.map_or(1, |before| before.version + 1);
                Arc::new(Look { table, unread, exists, version })
            }
        });
        let more = found.as_ref().is_ok_and(|look| look.unread > 0);
        (seen.found, seen.at, seen.took, seen.looking) = (Some(found), Instant::now(), start.elapsed(), more);
        drop(seen);
        self.found.notify_all();
        more
    }

    fn see(&self, patience: Duration) -> Result<(Arc<Table>, usize, bool)> {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.exists() {
            *runs = None;
            let before = self.lock().found.clone();
            let empty = before.and_then(Result::ok).filter(|look| !look.exists);
            return Ok((empty.map_or_else(Arc::default, |look| Arc::clone(&look.table)), 0, false));
        }
        let watch = match &mut *runs {
            Some(watch) => watch,
            none => none.insert(self.study()?.watch_runs()),
        };
        let seen = watch.look(patience)?;
        Ok((seen.table, seen.unread, true))
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks until all runs are read, or the viewer has ended.
fn keep_looking(shelf: &Weak<Shelf>) {
    let _done = Looking(shelf);
    let mut patience = FIRST_LOOK;
    while let Some(shelf) = shelf.upgrade() {
        if !shelf.look_once(patience) {
            return;
        }
        patience = (patience * 2).min(LONGEST_LOOK);
    }
}

/// The thread that looks. However it ends, another one may begin.
struct Looking<'a>(&'a Weak<Shelf>);

impl Drop for Looking<'_> {
    fn drop(&mut self) {
        if let Some(shelf) = self.0.upgrade() {
            shelf.lock().looking = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use concertina::model::params::{Params, Sweep};

    use super::*;

    fn sweep(seeds: std::ops::Range<u64>) -> concertina::model::params::ValidSweep {
        let mut params = Params::default();
        (params.network.units, params.task.input_dim, params.task.clusters) = (4, 3, 4);
        (params.task.train_samples, params.train.epochs) = (10, 1);
        Sweep::of(params).seeds(seeds).check().expect("valid")
    }

    #[test]
    fn runs_that_are_trained_meanwhile_are_seen_and_a_store_that_is_gone_as_well() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("store");
        let shelf = Arc::new(Shelf::new(root.clone()));
        let look = || {
            shelf.changed();
            shelf.look().expect("looked")
        };
        assert!(!look().exists && shelf.study().is_err());
        Study::open(&root).expect("a store").train(&sweep(0..2)).expect("trained");
        let two = look();
        assert_eq!((two.table.row_count(), two.unread, two.exists), (2, 0, true));
        assert_eq!(look().version, two.version, "nothing has changed");
        Study::open(&root).expect("a store").train(&sweep(2..3)).expect("trained");
        assert!(look().table.row_count() == 3 && shelf.study().is_ok());
        std::fs::remove_dir_all(&root).expect("removed");
        let gone = look();
        assert_eq!((gone.table.row_count(), gone.exists), (0, false));
        assert!(gone.version > two.version && shelf.study().is_err());
    }
}
