//! What is in a store, without training anything: the run table, and a look at one run.

use std::collections::{BTreeMap, BTreeSet};

use concertina_model::Checkpoint;
use concertina_model::params::{PARAMETERS, Params, ValidParams};
use concertina_store::{RunFolder, RunKey, Stamp, Store};
use concertina_table::{Scalar, Table};

use crate::error::{Error, Result};
use crate::params_table;
use crate::training::{Progress, checkpoint_of};

/// The file of the run table: a view, rebuilt from the folders.
pub(crate) const VIEW: &str = "runs.csv";

/// How far a run in a store has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Complete,
    Diverged,
    Unfinished,
}

impl Status {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Diverged => "diverged",
            Self::Unfinished => "unfinished",
        }
    }
}

/// A run as the store has it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StoredRun {
    /// Its key.
    pub key: RunKey,
    /// Its folder.
    pub folder: std::path::PathBuf,
    /// Its parameters; `None` if the file is damaged or not there.
    pub params: Option<ValidParams>,
    /// `complete`, `diverged` or `unfinished`.
    pub status: &'static str,
    /// How far it has come: epochs and updates of its newest state or checkpoint.
    pub reached: Option<Checkpoint>,
    /// The checkpoints that are there.
    pub checkpoints: Vec<Checkpoint>,
    /// Loss, accuracy and learning rate, an epoch a row; empty if there is none.
    pub history: Table,
    /// When and how it was trained.
    pub provenance: Option<serde_json::Value>,
}

/// The columns of the run table that are no parameters.
const OWN: [&str; 5] = ["key", "folder", "status", "epochs", "updates"];

/// What the run table says of a run.
struct Glance {
    params: Option<ValidParams>,
    status: &'static str,
    reached: Option<Checkpoint>,
    checkpoints: Vec<Checkpoint>,
}

impl Glance {
    fn at(folder: &RunFolder) -> Result<Self> {
        let params = match folder.params()? {
            Some(text) => Params::from_stored_toml(&text).and_then(Params::check).ok(),
            None => None,
        };
        let checkpoints: Vec<Checkpoint> = folder.checkpoint_ids()?.into_iter().map(checkpoint_of).collect();
        let progress = Progress::noted(folder)?;
        let loose = folder.path().join("checkpoints").exists();
        let state = progress.as_ref().map(|progress| Checkpoint::new(progress.epoch, progress.update));
        let reached = checkpoints.last().copied().max(state);
        let status = match progress {
            _ if loose => Status::Unfinished,
            Some(progress) if progress.diverged.is_some() => Status::Diverged,
            Some(_) => Status::Complete,
            None => Status::Unfinished,
        };
        Ok(Self { params, status: status.name(), reached, checkpoints })
    }
}

/// What the index is of: another set of parameters makes another index.
const INDEX: &str = "runs 1";
/// The columns of the index that are no columns of the run table.
const STAMP: [&str; 3] = ["stamp.changed", "stamp.checkpoints_changed", "stamp.number"];
/// Runs that are read anew at which the index is written: below, reading is as fast. Arbitrary: a few hundredths of a second.
const WORTH_AN_INDEX: usize = 500;

/// A row a run, sorted by key; `threads` read at once.
///
/// Runs whose folders have not changed since the last look are not read: see [`Store::index`].
pub(crate) fn table(store: &Store, threads: usize) -> Result<Table> {
    let now = store.file_system_time();
    let stamps = store.stamps(threads)?;
    let index = usable(store.index(INDEX)?)?;
    let known = index.as_ref().map_or_else(|| Ok(BTreeMap::new()), places)?;
    let mut kept = Vec::new(); // of the index
    let mut anew = Vec::new();
    for (key, stamp) in &stamps {
        match known.get(&key.to_string()) {
            Some((place, indexed)) if *indexed == stamp.to_numbers() => kept.push(*place),
            _ => anew.push((key, stamp)),
        }
    }
    let rows = params_table::stack(read(store, &anew, threads)?)?;
    let mut table = match index {
        Some(index) if kept.len() == index.row_count() => index,
        Some(index) => {
            let kept: BTreeSet<usize> = kept.into_iter().collect();
            index.filter(|row| kept.contains(&row))
        }
        None => Table::new(),
    };
    if !anew.is_empty() {
        let settled = |stamp: &Stamp| now.is_some_and(|now| stamp.is_settled(now));
        let worth = anew.iter().filter(|(_, stamp)| settled(stamp)).count() >= WORTH_AN_INDEX;
        if worth {
            let settled: Vec<bool> = anew.iter().map(|(_, stamp)| settled(stamp)).collect();
            let mut index = table.clone();
            index.append(&rows.filter(|row| settled[row]))?;
            // A convenience: without it the next look takes longer.
            let _ = store.publish_index(&index.sort_by(&["key"])?, INDEX);
        }
        table.append(&rows)?;
        table = table.sort_by(&["key"])?;
    }
    let names: Vec<&str> = columns().into_iter().filter(|name| table.has_column(name)).collect();
    Ok(table.select(&names)?)
}

/// The columns of the run table, in order.
fn columns() -> Vec<&'static str> {
    let parameters = PARAMETERS.iter().filter(|parameter| parameter.part_of_key);
    OWN.into_iter().chain(parameters.map(|parameter| parameter.path)).collect()
}

/// An index, if it has the columns that this program writes.
fn usable(index: Option<Table>) -> Result<Option<Table>> {
    let whole = |index: &Table| columns().into_iter().chain(STAMP).eq(index.column_names());
    Ok(index.filter(whole))
}

/// Where in an index each run stands, and what its folder was like.
fn places(index: &Table) -> Result<BTreeMap<String, (usize, [i64; 3])>> {
    let keys = index.texts("key")?;
    let stamp = STAMP.map(|name| index.integers(name));
    let [changed, checkpoints, number] = stamp;
    let (changed, checkpoints, number) = (changed?, checkpoints?, number?);
    let place = |(place, key): (usize, Option<String>)| {
        Some((key?, (place, [changed[place]?, checkpoints[place]?, number[place]?])))
    };
    Ok(keys.into_iter().enumerate().filter_map(place).collect())
}

/// Rows of runs with what their folders were like, a table each; `threads` read at once.
fn read(store: &Store, runs: &[(&RunKey, &Stamp)], threads: usize) -> Result<Vec<Table>> {
    let size = runs.len().div_ceil(threads.max(1)).max(1);
    let stamped = |(key, stamp): &(&RunKey, &Stamp)| {
        let mut row = row(store, key)?;
        for (name, number) in STAMP.into_iter().zip(stamp.to_numbers()) {
            row.set_constant(name, Scalar::Integer(number));
        }
        Ok(row)
    };
    let parts = std::thread::scope(|scope| {
        let readers: Vec<_> = runs
            .chunks(size)
            .map(|runs| scope.spawn(move || runs.iter().map(stamped).collect::<Result<Vec<_>>>()))
            .collect();
        let read = |reader: std::thread::ScopedJoinHandle<'_, _>| {
            reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        readers.into_iter().map(read).collect::<Result<Vec<_>>>()
    })?;
    Ok(parts.into_iter().flatten().collect())
}

fn row(store: &Store, key: &RunKey) -> Result<Table> {
    let folder = store.run(key);
    let Glance { params, status, reached, .. } = Glance::at(&folder)?;
    let relative = folder.path();
    let relative = relative.strip_prefix(store.root()).unwrap_or(&relative).display().to_string();
    let number =
        |of: fn(&Checkpoint) -> u64| reached.map_or(Scalar::Null, |last| Scalar::Integer(of(&last) as i64));
    let mut cells: Vec<(String, Scalar)> = vec![
        ("key".to_owned(), key.to_string().into()),
        ("folder".to_owned(), relative.into()),
        ("status".to_owned(), status.into()),
        ("epochs".to_owned(), number(|last| last.epoch.0)),
        ("updates".to_owned(), number(|last| last.update.0)),
    ];
    for parameter in PARAMETERS.iter().filter(|parameter| parameter.part_of_key) {
        let value =
            params.as_ref().map_or(Scalar::Null, |params| params_table::cell(&parameter.value(params)));
        cells.push((parameter.path.to_owned(), value));
    }
    params_table::row(cells)
}

/// The key that begins so, of a run in the store.
pub(crate) fn key(store: &Store, beginning: &str) -> Result<RunKey> {
    let beginning = beginning.trim().to_ascii_lowercase();
    let mut keys: Vec<RunKey> =
        store.keys()?.into_iter().filter(|key| key.to_string().starts_with(&beginning)).collect();
    match (keys.pop(), keys.len()) {
        (None, _) => Err(Error::UnknownRun { key: beginning }),
        (Some(key), 0) => Ok(key),
        (Some(_), others) => Err(Error::AmbiguousRun { key: beginning, count: others + 1 }),
    }
}

/// A run, as the store has it.
pub(crate) fn look(store: &Store, key: RunKey) -> Result<StoredRun> {
    let folder = store.run(&key);
    let Glance { params, status, reached, checkpoints } = Glance::at(&folder)?;
    Ok(StoredRun {
        key,
        folder: folder.path(),
        params,
        status,
        reached,
        checkpoints,
        history: folder.history()?.unwrap_or_default(),
        provenance: folder.provenance()?,
    })
}

/// The column of the run table that a name, in any spelling, stands for.
///
/// # Errors
/// [`Error::UnknownColumn`].
pub fn run_table_column(name: &str) -> Result<String> {
    if OWN.contains(&name) {
        return Ok(name.to_owned());
    }
    match concertina_model::params::parameter(name) {
        Ok(parameter) if parameter.path == "train.epochs" => Ok("epochs".to_owned()),
        Ok(parameter) if parameter.part_of_key => Ok(parameter.path.to_owned()),
        Ok(parameter) => Err(Error::UnknownColumn {
            name: name.to_owned(),
            hint: format!(
                "`{}` is not part of a run: it may change from one day to the next",
                parameter.path
            ),
        }),
        Err(error) => Err(Error::UnknownColumn {
            name: name.to_owned(),
            hint: error.hint().unwrap_or_else(|| "`concertina params` lists every parameter".to_owned()),
        }),
    }
}
