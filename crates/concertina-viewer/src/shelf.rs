//! The store as it was when it was last looked at, and looked at again when that was some time ago.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use concertina::Study;
use concertina::table::Table;

use crate::answer::Result;

/// The store is looked at again after this long, and after this many times what the last look took: a store
/// of 100,000 runs must not keep a core busy.
const FRESH: Duration = Duration::from_millis(1500);
const REST: u32 = 10;

/// What a look at the store found.
#[derive(Debug)]
pub(crate) struct Look {
    /// The store; `None` if the folder does not have one yet.
    pub(crate) study: Option<Study>,
    /// Its run table.
    pub(crate) table: Table,
    /// Grows whenever the table has changed.
    pub(crate) version: u64,
}

#[derive(Debug)]
struct Seen {
    look: Arc<Look>,
    at: Instant,
    took: Duration,
}

/// A store on the shelf: read when it is needed, never written.
#[derive(Debug)]
pub(crate) struct Shelf {
    folder: PathBuf,
    seen: Mutex<Option<Seen>>,
}

impl Shelf {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, seen: Mutex::new(None) }
    }

    /// The store, as it was a short while ago at most.
    ///
    /// # Errors
    /// When the folder is not a store, or cannot be read.
    pub(crate) fn look(&self) -> Result<Arc<Look>> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(seen) = &*seen
            && seen.at.elapsed() < FRESH.max(seen.took * REST)
        {
            return Ok(Arc::clone(&seen.look));
        }
        let start = Instant::now();
        let before = seen.take().map(|seen| seen.look);
        let study = match before.as_ref().and_then(|before| before.study.clone()) {
            Some(study) if self.exists() => Some(study),
            _ if self.exists() => Some(Study::builder(&self.folder).read_only()?),
            _ => None,
        };
        let table = study.as_ref().map(Study::run_table).transpose()?.unwrap_or_default();
        let look = match before {
            Some(before) if before.table == table && before.study.is_some() == study.is_some() => before,
            before => {
                let version = before.map_or(1, |before| before.version + 1);
                Arc::new(Look { study, table, version })
            }
        };
        *seen = Some(Seen { look: Arc::clone(&look), at: Instant::now(), took: start.elapsed() });
        Ok(look)
    }

    /// The store has changed for sure: the next look is a new one.
    pub(crate) fn changed(&self) {
        if let Some(seen) = &mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner) {
            seen.took = Duration::ZERO;
            seen.at = Instant::now().checked_sub(FRESH).unwrap_or(seen.at);
        }
    }

    /// The folder, for people.
    pub(crate) fn folder(&self) -> String {
        let absolute = std::path::absolute(&self.folder);
        absolute.as_deref().unwrap_or(&self.folder).display().to_string()
    }

    /// An empty folder is a store that has not begun.
    fn exists(&self) -> bool {
        std::fs::read_dir(&self.folder).is_ok_and(|mut entries| entries.next().is_some())
    }
}
