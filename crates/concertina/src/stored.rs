//! What is in a store, without training anything: the run table, and a look at one run.

use std::collections::{BTreeMap, BTreeSet};

use concertina_model::Checkpoint;
use concertina_model::params::{Kind, PARAMETERS, Params, ValidParams, Value};
use concertina_model::trainer::EpochRecord;
use concertina_store::{RunFolder, RunKey, Stamp, Store};
use concertina_table::{Scalar, Table, Values};

use crate::error::{Error, Result};
use crate::history;
use crate::params_table;
use crate::training::{Progress, checkpoint_of};

/// How far a run in a store has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Complete,
    Diverged,
    Unfinished,
}

impl Status {
    const ALL: [Self; 3] = [Self::Complete, Self::Diverged, Self::Unfinished];

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

/// The columns of the run table that are no parameters, and stand before them.
const OWN: [&str; 5] = ["key", "folder", "status", "epochs", "updates"];
/// What a run came to in its last epoch.
type Measure = (&'static str, fn(&EpochRecord) -> f64);
const MEASURES: [Measure; 4] = [
    ("training_loss", |record| record.training_loss),
    ("training_accuracy", |record| record.training_accuracy),
    ("validation_loss", |record| record.validation_loss),
    ("validation_accuracy", |record| record.validation_accuracy),
];
/// When it was last trained, and how long all of its training took: other machines, other numbers.
pub(crate) const TIMES: [&str; 2] = ["finished", "wall_seconds"];

/// What the run table says of a run.
struct Glance {
    params: Option<ValidParams>,
    status: &'static str,
    reached: Option<Checkpoint>,
    checkpoints: Vec<Checkpoint>,
    history: Option<Table>,
    provenance: Option<serde_json::Value>,
}

impl Glance {
    fn at(folder: &RunFolder) -> Result<Self> {
        let params = match folder.params()? {
            Some(text) => Params::from_stored_toml(&text).and_then(Params::check).ok(),
            None => None,
        };
        let checkpoints: Vec<Checkpoint> = folder.checkpoint_ids()?.into_iter().map(checkpoint_of).collect();
        let (history, provenance) = (folder.history()?, folder.provenance()?);
        let progress = provenance.as_ref().and_then(Progress::in_provenance);
        let loose = folder.path().join("checkpoints").exists();
        let state = progress.as_ref().map(|progress| Checkpoint::new(progress.epoch, progress.update));
        let reached = checkpoints.last().copied().max(state);
        let status = match progress {
            _ if loose => Status::Unfinished,
            Some(progress) if progress.diverged.is_some() => Status::Diverged,
            Some(_) => Status::Complete,
            None => Status::Unfinished,
        };
        Ok(Self { params, status: status.name(), reached, checkpoints, history, provenance })
    }

    /// What its history says of the last epoch that it has come to.
    fn last_record(&self) -> Option<EpochRecord> {
        let epoch = usize::try_from(self.reached?.epoch.0).ok()?;
        let history = history::from_table(self.history.as_ref()?)?;
        history.into_iter().nth(epoch.checked_sub(1)?)
    }

    /// When it was last trained, and the seconds that all of its training took.
    fn times(&self) -> [Scalar; 2] {
        let training = self.provenance.as_ref().and_then(|provenance| provenance.get("training")?.as_array());
        let Some(training) = training.filter(|training| !training.is_empty()) else {
            return [Scalar::Null, Scalar::Null];
        };
        let finished = training.last().and_then(|last| last.get("finished")?.as_str());
        let seconds = training.iter().filter_map(|one| one.get("wall_seconds")?.as_f64()).sum::<f64>();
        [finished.map_or(Scalar::Null, Scalar::from), seconds.into()]
    }
}

/// What the index is of. Raised when a row is read from the folders otherwise; other columns make another
/// index of themselves.
const INDEX: &str = "runs 2";
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

/// The run table as `runs.csv` has it: without times, so that stores of the same runs have the same file.
pub(crate) fn view(table: &Table) -> Result<Vec<u8>> {
    let names: Vec<&str> = table.column_names().filter(|name| !TIMES.contains(name)).collect();
    let mut csv = Vec::new();
    table.select(&names)?.write_csv(&mut csv)?;
    Ok(csv)
}

/// The columns of the run table, in order.
fn columns() -> Vec<&'static str> {
    let parameters = PARAMETERS.iter().filter(|parameter| parameter.part_of_key);
    let measures = MEASURES.iter().map(|(name, _)| *name);
    OWN.into_iter().chain(parameters.map(|parameter| parameter.path)).chain(measures).chain(TIMES).collect()
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
    let glance = Glance::at(&folder)?;
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
        let values = if cell.is_null() { empty(&name) } else { Values::constant(&cell, 1) };
        (name, values)
    };
    Ok(Table::from_columns(cells.into_iter().map(column))?)
}

/// An empty cell of a column of the run table: of the type of the others, so that no run changes theirs.
fn empty(column: &str) -> Values {
    let parameter = PARAMETERS.iter().find(|parameter| parameter.path == column);
    match (column, parameter.map(|parameter| parameter.kind)) {
        ("epochs" | "updates", _) | (_, Some(Kind::Whole { .. } | Kind::OptionalWhole { .. })) => {
            Values::Integer(vec![None])
        }
        (_, Some(Kind::Boolean)) => Values::Boolean(vec![None]),
        ("key" | "folder" | "status" | "finished", _) => Values::Text(vec![None]),
        (_, Some(Kind::Real(_)) | None) => Values::Float(vec![None]),
        (_, Some(_)) => Values::Text(vec![None]),
    }
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
    let Glance { params, status, reached, checkpoints, history, provenance } = Glance::at(&folder)?;
    Ok(StoredRun {
        key,
        folder: folder.path(),
        params,
        status,
        reached,
        checkpoints,
        history: history.unwrap_or_default(),
        provenance,
    })
}

/// The column of the run table that a name, in any spelling, stands for.
///
/// # Errors
/// [`Error::UnknownColumn`].
pub fn run_table_column(name: &str) -> Result<String> {
    let own = OWN.into_iter().chain(MEASURES.map(|(name, _)| name)).chain(TIMES);
    if own.clone().any(|column| column == name) {
        return Ok(name.to_owned());
    }
    let unknown = |hint| Error::UnknownColumn { name: name.to_owned(), hint };
    if let Some((_, column)) = OTHER_NAMES.iter().find(|(other, _)| name.eq_ignore_ascii_case(other)) {
        return Err(unknown(format!("it is the column `{column}` here")));
    }
    match concertina_model::params::parameter(name) {
        Ok(parameter) if parameter.path == "train.epochs" => Ok("epochs".to_owned()),
        Ok(parameter) if parameter.part_of_key => Ok(parameter.path.to_owned()),
        Ok(parameter) => Err(unknown(format!(
            "`{}` is not part of a run: it may change from one day to the next",
            parameter.path
        ))),
        Err(error) => Err(unknown(match concertina_names::nearest(name, own) {
            Some(found) => format!("did you mean `{found}`?"),
            None => error.hint().unwrap_or_else(|| "`concertina params` lists every parameter".to_owned()),
        })),
    }
}

/// What some columns are called elsewhere.
const OTHER_NAMES: [(&str, &str); 16] = [
    ("outcome", "status"),
    ("state", "status"),
    ("accuracy", "validation_accuracy"),
    ("acc", "validation_accuracy"),
    ("val_acc", "validation_accuracy"),
    ("val_accuracy", "validation_accuracy"),
    ("test_accuracy", "validation_accuracy"),
    ("val_loss", "validation_loss"),
    ("test_loss", "validation_loss"),
    ("train_acc", "training_accuracy"),
    ("train_accuracy", "training_accuracy"),
    ("train_loss", "training_loss"),
    ("when", "finished"),
    ("date", "finished"),
    ("duration", "wall_seconds"),
    ("seconds", "wall_seconds"),
];

/// A value as a column of the run table has it: choices by our name, numbers as numbers.
///
/// # Errors
/// What the column may be compared with, where that is something else.
pub(crate) fn column_value(column: &str, text: &str, quoted: bool) -> Result<Scalar, String> {
    let plain = if quoted { Scalar::Text(text.to_owned()) } else { Scalar::of_word(text) };
    if plain.is_null() {
        return Ok(plain);
    }
    let number = || plain.as_float().map(|_| plain.clone()).ok_or_else(|| "a number or `none`".to_owned());
    match column {
        "key" => {
            let digits = text.to_ascii_lowercase();
            let hexadecimal = digits.len() <= 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            hexadecimal
                .then_some(Scalar::Text(digits))
                .ok_or_else(|| "a key or the beginning of one".to_owned())
        }
        "status" => match Status::ALL.iter().any(|status| status.name() == text) {
            true => Ok(Scalar::from(text)),
            false => Err(Status::ALL.map(|status| format!("`{}`", status.name())).join(", ")),
        },
        "folder" | "finished" => Ok(Scalar::from(text)),
        _ => match PARAMETERS.iter().find(|parameter| parameter.path == column) {
            Some(parameter) if !is_numeric(&parameter.kind) => {
                let mut params = Params::default();
                let read = parameter.set(&mut params, &Value::Text(text.to_owned()));
                let cell = || params_table::cell(&parameter.value(&params));
                read.map(|()| cell()).map_err(|_| parameter.kind.to_string())
            }
            _ => number(),
        },
    }
}

/// Whether values of a column have an order that a user may mean.
pub(crate) fn is_ordered(column: &str) -> bool {
    match PARAMETERS.iter().find(|parameter| parameter.path == column) {
        Some(parameter) => is_numeric(&parameter.kind),
        None => column != "status",
    }
}

fn is_numeric(kind: &Kind) -> bool {
    matches!(kind, Kind::Whole { .. } | Kind::OptionalWhole { .. } | Kind::Real(_))
}
