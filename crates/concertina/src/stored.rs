//! What is in a store, without training anything: the run table, and a look at one run.

use concertina_model::Checkpoint;
use concertina_model::params::{PARAMETERS, Params, ValidParams};
use concertina_store::{RunFolder, RunKey, Store};
use concertina_table::{Scalar, Table};

use crate::error::{Error, Result};
use crate::params_table;
use crate::training::{Progress, checkpoint_of};

/// The file of the run table: a view, rebuilt from the folders.
pub(crate) const VIEW: &str = "runs.csv";

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
            _ if loose => "unfinished",
            Some(progress) if progress.diverged.is_some() => "diverged",
            Some(_) => "complete",
            None => "unfinished",
        };
        Ok(Self { params, status, reached, checkpoints })
    }
}

/// A row a run, sorted by key; `threads` read at once.
pub(crate) fn table(store: &Store, threads: usize) -> Result<Table> {
    let keys = store.keys()?;
    let size = keys.len().div_ceil(threads.max(1)).max(1);
    let parts = std::thread::scope(|scope| {
        let readers: Vec<_> = keys
            .chunks(size)
            .map(|keys| scope.spawn(|| keys.iter().map(|key| row(store, key)).collect::<Result<Vec<_>>>()))
            .collect();
        let read = |reader: std::thread::ScopedJoinHandle<'_, _>| {
            reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        readers.into_iter().map(read).collect::<Result<Vec<_>>>()
    })?;
    params_table::stack(parts.into_iter().flatten().collect())
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

/// The run whose key begins so.
pub(crate) fn find(store: &Store, beginning: &str) -> Result<StoredRun> {
    let beginning = beginning.trim().to_ascii_lowercase();
    let mut keys: Vec<RunKey> =
        store.keys()?.into_iter().filter(|key| key.to_string().starts_with(&beginning)).collect();
    let key = match (keys.pop(), keys.len()) {
        (None, _) => return Err(Error::UnknownRun { key: beginning }),
        (Some(key), 0) => key,
        (Some(_), others) => return Err(Error::AmbiguousRun { key: beginning, count: others + 1 }),
    };
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
    const OWN: [&str; 5] = ["key", "folder", "status", "epochs", "updates"];
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
