//! The table of all runs in a store, an index that saves reading them again, and the table as a file.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;

use concertina_model::Checkpoint;
use concertina_model::params::PARAMETERS;
use concertina_store::{RUN_TABLE, RunKey, Stamp, Store};
use concertina_table::{Scalar, Table, Values};

use super::Library;
use super::columns::{self, MEASURES, TIMES};
use super::stored::Glance;
use super::trials::KeptTrials;
use crate::error::Result;
use crate::params_table;

/// The largest number of runs in a store for which every command keeps the run table up to date. Arbitrary:
/// reading this many takes a few hundredths of a second.
pub(crate) const FEW_RUNS: usize = 500;
/// How often the run table is made again because runs change in the meantime. Arbitrary: each repetition
/// means that another process has just finished a run.
const SETTLING_ATTEMPTS: usize = 8;

/// What the index contains. The number is raised when rows are read from the folders in a different way. A
/// change of columns needs no new number, because it makes old indexes unusable by itself.
pub(super) const INDEX: &str = "runs 2";
/// The columns of the index that are not in the run table.
const STAMP: [&str; 3] = ["stamp.changed", "stamp.checkpoints_changed", "stamp.number"];
/// The number of runs read again from which on the index is written. Below that, reading is as fast.
/// Arbitrary: a few hundredths of a second.
const WORTH_AN_INDEX: usize = 500;

/// One row per run, sorted by key. `threads` threads read at the same time.
///
/// Runs whose folders have not changed since the last look are not read: see [`Store::index`].
pub(crate) fn table(store: &Store, threads: usize) -> Result<Table> {
    let now = store.file_system_time();
    let stamps = store.stamps(threads)?;
    let index = usable(store.index(INDEX)?)?;
    let known = index.as_ref().map_or_else(|| Ok(BTreeMap::new()), places)?;
    let mut kept = Vec::new(); // of the index
    let mut changed = Vec::new();
    for (key, stamp) in &stamps {
        match known.get(key) {
            Some((place, indexed)) if *indexed == stamp.to_numbers() => kept.push(*place),
            _ => changed.push((key, stamp)),
        }
    }
    let rows = params_table::stack(read(store, &changed, threads)?)?;
    let mut table = match index {
        Some(index) if kept.len() == index.row_count() => index,
        Some(index) => {
            let kept: BTreeSet<usize> = kept.into_iter().collect();
            index.filter(|row| kept.contains(&row))
        }
        None => Table::new(),
    };
    if !changed.is_empty() {
        let settled = |stamp: &Stamp| now.is_some_and(|now| stamp.is_settled(now));
        let worth = changed.iter().filter(|(_, stamp)| settled(stamp)).count() >= WORTH_AN_INDEX;
        if worth {
            let settled: Vec<bool> = changed.iter().map(|(_, stamp)| settled(stamp)).collect();
            let mut index = table.clone();
            index.append(&rows.filter(|row| settled[row]))?;
            // A failure is ignored: without the index, the next look only takes longer.
            let _ = store.publish_index(&index.sort_by(&["key"])?, INDEX);
        }
        table.append(&rows)?;
        table = table.sort_by(&["key"])?;
    }
    shown(&table)
}

/// The columns of the run table, of rows with those of the index.
pub(super) fn shown(rows: &Table) -> Result<Table> {
    let names: Vec<&str> = columns::all().into_iter().filter(|name| rows.has_column(name)).collect();
    Ok(rows.select(&names)?)
}

/// The rows of all runs as in an index.
#[cfg(test)]
pub(super) fn with_stamps(store: &Store, threads: usize) -> Result<Table> {
    let stamps = store.stamps(threads)?;
    let runs: Vec<_> = stamps.iter().map(|(key, stamp)| (key, stamp)).collect();
    params_table::stack(read(store, &runs, threads)?)
}

/// The run table as in `runs.csv`: without times, so that stores of the same runs have the same file.
pub(crate) fn view(table: &Table) -> Result<Vec<u8>> {
    let names: Vec<&str> = table.column_names().filter(|name| !TIMES.contains(name)).collect();
    let mut csv = Vec::new();
    table.select(&names)?.write_csv(&mut csv)?;
    Ok(csv)
}

/// An index, if it has the columns that this program writes.
pub(super) fn usable(index: Option<Table>) -> Result<Option<Table>> {
    let whole = |index: &Table| columns::all().into_iter().chain(STAMP).eq(index.column_names());
    Ok(index.filter(whole))
}

/// The state of the index.
#[derive(Debug)]
pub(crate) struct IndexState {
    /// Whether this program can use it; `None` without an index.
    pub(crate) usable: Option<bool>,
    /// The number of runs whose folders have changed since the index was written, or that it lacks.
    pub(crate) outdated: usize,
}

/// Compares the index with the folders of runs.
pub(crate) fn index_state(store: &Store, threads: usize) -> Result<IndexState> {
    let index = usable(store.index(INDEX)?)?;
    let exists = store.has_index();
    let known = index.as_ref().map_or_else(|| Ok(BTreeMap::new()), places)?;
    let is_outdated = |(key, stamp): &&(RunKey, Stamp)| {
        known.get(key).is_none_or(|(_, indexed)| *indexed != stamp.to_numbers())
    };
    let outdated = store.stamps(threads)?.iter().filter(is_outdated).count();
    Ok(IndexState { usable: exists.then_some(index.is_some()), outdated })
}

/// The row of each run in an index, and the stamp of its folder.
fn places(index: &Table) -> Result<BTreeMap<RunKey, (usize, [i64; 3])>> {
    let place = |(place, row): (usize, Option<_>)| row.map(|(key, stamp)| (key, (place, stamp)));
    Ok(stamps(index)?.into_iter().enumerate().filter_map(place).collect())
}

/// A run and the stamp of its folder, as numbers.
pub(super) type Stamped = (RunKey, [i64; 3]);

/// The key and the stamp in each row of an index; `None` if one is missing.
pub(super) fn stamps(index: &Table) -> Result<Vec<Option<Stamped>>> {
    let keys = index.texts("key")?;
    let stamp = STAMP.map(|name| index.integers(name));
    let [changed, checkpoints, number] = stamp;
    let (changed, checkpoints, number) = (changed?, checkpoints?, number?);
    let row = |(row, key): (usize, Option<String>)| {
        Some((key?.parse().ok()?, [changed[row]?, checkpoints[row]?, number[row]?]))
    };
    Ok(keys.into_iter().enumerate().map(row).collect())
}

/// One table per run, each a row with the stamp of the run's folder. `threads` threads read at the same time.
pub(super) fn read(store: &Store, runs: &[(&RunKey, &Stamp)], threads: usize) -> Result<Vec<Table>> {
    let size = runs.len().div_ceil(threads.max(1)).max(1);
    let trials = KeptTrials::of(store);
    let stamped = |(key, stamp): &(&RunKey, &Stamp)| {
        let mut row = row(store, key, &trials)?;
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

fn row(store: &Store, key: &RunKey, trials: &KeptTrials<'_>) -> Result<Table> {
    let folder = store.run(key);
    let glance = Glance::at(&folder, trials)?;
    let (last, times) = (glance.last_record(), glance.times());
    let Glance { params, status, reached, .. } = glance;
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
    cells.extend(MEASURES.map(|(name, of)| (name.to_owned(), last.as_ref().map(of).into())));
    cells.extend(TIMES.map(str::to_owned).into_iter().zip(times));
    let column = |(name, cell): (String, Scalar)| {
        let values = if cell.is_null() { columns::empty(&name) } else { Values::constant(&cell, 1) };
        (name, values)
    };
    Ok(Table::from_columns(cells.into_iter().map(column))?)
}

impl Library<'_> {
    /// Every run in the store, one row per run.
    pub(crate) fn run_table(&self) -> Result<Table> {
        table(self.store, self.settings.jobs)
    }

    /// Writes the run table to `runs.csv`, if the store has few runs.
    ///
    /// In a larger store, looking at every run would take longer than most work. There the table was removed
    /// when the first run changed, and a listing writes it again ([`Library::list`]).
    pub(crate) fn write_run_table(&self) -> Result<()> {
        match self.store.has_more_runs_than(FEW_RUNS)? {
            true => Ok(()),
            false => self.settle_run_table(self.run_table()?),
        }
    }

    /// Writes the run table unless the file is up to date. If other processes change runs meanwhile, the
    /// table is made again; if they keep changing runs, it is left to them.
    pub(crate) fn settle_run_table(&self, mut table: Table) -> Result<()> {
        let store = self.store;
        for _ in 0..SETTLING_ATTEMPTS {
            let csv = view(&table)?;
            if std::fs::read(store.root().join(RUN_TABLE)).is_ok_and(|there| there == csv) {
                return Ok(());
            }
            if let Err(error) = store.write_run_table(csv) {
                self.settings.warn(&format!("cannot write the run table: {error}")); // nothing depends on this file
                return Ok(());
            }
            let again = self.run_table()?;
            if again == table {
                return Ok(());
            }
            table = again;
        }
        Ok(store.remove_run_table()?)
    }

    /// Writes the run table if it was removed, or has other columns, such as those of an earlier version.
    pub(super) fn restore_run_table(&self, table: &Table) -> Result<()> {
        let store = self.store;
        if table.is_empty() || self.read_only {
            return Ok(());
        }
        let header = view(&table.filter(|_| false))?;
        let mut start = vec![0; header.len()];
        let read = std::fs::File::open(store.root().join(RUN_TABLE))
            .and_then(|mut file| file.read_exact(&mut start));
        match read {
            Ok(()) if start == header => Ok(()),
            _ => self.settle_run_table(table.clone()),
        }
    }
}
