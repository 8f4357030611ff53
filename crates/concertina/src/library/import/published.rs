//! Output folders of the published code: a table of parameters, and a folder of checkpoints for each run.
//!
//! ```text
//! output_table.csv              one row per run: its number, and the parameters under their published names
//! run_0/epoch_0_save_0.pt       the network before training
//! run_0/epoch_1_save_0.pt       and in epoch 1
//! ```
//!
//! A folder with the checkpoints of a single run is read, too; its table is beside them, or in the folder
//! above.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};

use concertina_model::params::{PARAMETERS, Params};
use concertina_table::{Scalar, Table};

use super::{Import, ReadImport, wrong};
use crate::error::{Error, Result};

/// The names of the table in versions of the published code.
const TABLES: [&str; 3] = ["run_table.csv", "output_table.csv", "param_table.csv"];
/// The columns that may hold the number of a run. pandas gives the first column no name.
const NUMBERS: [&str; 6] = ["", "Unnamed: 0", "run_id", "run_number", "run", "id"];
/// The most names in a message. Arbitrary: a row has fifty.
const MOST_NAMES: usize = 20;

/// The files of one run.
struct RunFolder {
    path: PathBuf,
    /// By epoch, and number within the epoch.
    checkpoints: BTreeMap<(u64, u64), PathBuf>,
}

/// The parameters in a row of the table.
struct Row {
    params: Params,
    given: BTreeSet<&'static str>,
    /// The columns that change nothing in an imported network and cannot be read as parameters.
    idle: Vec<String>,
}

/// The number in `run_12`.
fn number_of(name: &str) -> Option<u64> {
    name.strip_prefix("run_")?.parse().ok()
}

/// The epoch and the number within it in `epoch_3_save_0.pt`.
fn place_of(name: &str) -> Option<(u64, u64)> {
    let stem = name.strip_suffix(".pt").or_else(|| name.strip_suffix(".pth"))?;
    let (epoch, save) = stem.strip_prefix("epoch_")?.split_once("_save_")?;
    Some((epoch.parse().ok()?, save.parse().ok()?))
}

/// The names in a folder, sorted.
fn names_in(folder: &Path) -> Result<Vec<String>> {
    let failed = |source| {
        let path = folder.to_owned();
        Error::Arrays { source: concertina_arrays::Error::Read { path: path.clone(), source }, path }
    };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        names.extend(entry.map_err(failed)?.file_name().into_string());
    }
    names.sort();
    Ok(names)
}

impl RunFolder {
    /// `None` if there are no checkpoints in it.
    fn open(path: PathBuf) -> Result<Option<Self>> {
        let names = names_in(&path)?;
        let places = names.iter().filter_map(|name| Some((place_of(name)?, path.join(name))));
        let checkpoints: BTreeMap<_, _> = places.collect();
        Ok((!checkpoints.is_empty()).then_some(Self { path, checkpoints }))
    }

    fn number(&self) -> Option<u64> {
        number_of(self.path.file_name()?.to_str()?)
    }
}

/// Reads the runs in an output folder of the published code; `None` if it is another folder. Parameters that
/// the import gives take precedence over those of the table.
pub(super) fn read(import: &Import, folder: &Path) -> Result<Option<Vec<ReadImport>>> {
    let mut runs = Vec::from_iter(RunFolder::open(folder.to_owned())?);
    let alone = !runs.is_empty();
    if !alone {
        let mut numbers: Vec<u64> = names_in(folder)?.iter().filter_map(|name| number_of(name)).collect();
        numbers.sort_unstable();
        for number in numbers {
            let path = folder.join(format!("run_{number}"));
            if path.is_dir() {
                runs.extend(RunFolder::open(path)?);
            }
        }
    }
    let here = TABLES.iter().map(|name| folder.join(name));
    let above = TABLES.iter().filter(|_| alone).filter_map(|name| Some(folder.parent()?.join(name)));
    let table = here.chain(above).find(|path| path.is_file());
    if runs.is_empty() {
        return match table {
            None => Ok(None),
            Some(_) => Err(wrong(
                folder,
                "expected checkpoints `run_0/epoch_0_save_0.pt`, ..., found none".to_owned(),
                "give the folder to which the published code wrote its table and its runs",
            )),
        };
    }
    if import.before.is_some() {
        return Err(wrong(
            folder,
            "expected one file of weights with a network before training, found an output folder of the published code".to_owned(),
            "leave out the network before training: it is `epoch_0_save_0.pt` of each run",
        ));
    }
    let table = table.map(|path| TableOfRuns::open(path, alone)).transpose()?;
    let mut read: Vec<ReadImport> =
        runs.iter().map(|run| read_run(import, run, table.as_ref())).collect::<Result<_>>()?;
    if let (Some(table), false, Some(first)) = (&table, alone, read.first_mut()) {
        let there: BTreeSet<u64> = runs.iter().filter_map(RunFolder::number).collect();
        let missing: Vec<String> = table
            .rows
            .keys()
            .filter(|number| !there.contains(number))
            .map(|number| format!("run_{number}"))
            .collect();
        if !missing.is_empty() {
            let more = if missing.len() > MOST_NAMES { ", ..." } else { "" };
            let some = missing[..missing.len().min(MOST_NAMES)].join("`, `");
            first
                .notes
                .push(format!("not imported, because the folder has no checkpoints of it: `{some}`{more}"));
        }
    }
    Ok(Some(read))
}

/// Reads the last network of a run, and that before training.
fn read_run(import: &Import, run: &RunFolder, table: Option<&TableOfRuns>) -> Result<ReadImport> {
    let row = table.map(|table| table.row(run, import)).transpose()?;
    let first = run.checkpoints.first_key_value().expect("a run has checkpoints");
    let last = run.checkpoints.last_key_value().expect("a run has checkpoints");
    let mut one = Import { weights: last.1.clone().into(), ..import.clone() };
    if let Some(row) = &row {
        (one.params, one.given) = (row.params.clone(), row.given.clone());
    }
    let epochs = last.0.0;
    let has_before = *first.0 == (0, 0) && epochs > 0;
    if has_before {
        one.before = Some(first.1.clone().into());
        (one.params.train.epochs, _) = (epochs, one.given.insert("train.epochs"));
    }
    let mut read = one.read_one()?;
    // The row gives every parameter, with or without effect.
    read.without_effect.retain(|path| import.given.contains(path));
    let file = last.1.file_name().unwrap_or_default().to_string_lossy();
    read.notes.push(format!(
        "an output folder of the published code: `{file}`, one of {} checkpoints of `{}`{}",
        run.checkpoints.len(),
        run.path.file_name().unwrap_or_default().to_string_lossy(),
        if has_before { ", with the network before training" } else { "" }
    ));
    match row {
        None => read.notes.push(format!(
            "no table `{}` says its parameters: give those that differ from the defaults",
            TABLES.join("`, `")
        )),
        Some(row) => {
            let given = row.given.contains("train.epochs");
            if given && row.params.train.epochs != epochs {
                read.notes.push(format!(
                    "the table says {} epochs, the last checkpoint is of epoch {epochs}",
                    row.params.train.epochs
                ));
            }
            if !row.idle.is_empty() {
                read.notes
                    .push(format!("columns of the table without effect here: `{}`", row.idle.join("`, `")));
            }
        }
    }
    Ok(read)
}

/// The table of an output folder.
struct TableOfRuns {
    path: PathBuf,
    table: Table,
    /// The rows by the number of the run.
    rows: BTreeMap<u64, usize>,
    /// The column of numbers, if there is one.
    numbers: Option<String>,
    /// The only row, if there is one only and it belongs to the only run.
    only: Option<usize>,
}

impl TableOfRuns {
    fn open(path: PathBuf, alone: bool) -> Result<Self> {
        let failed = |error: concertina_table::Error| {
            wrong(
                &path,
                error.to_string(),
                "if it was edited, save it as CSV in the spreadsheet program again; or move it away, and give the parameters by hand",
            )
        };
        let file = File::open(&path).map_err(|source| Error::Arrays {
            source: concertina_arrays::Error::Read { path: path.clone(), source },
            path: path.clone(),
        })?;
        let table = Table::read_csv(file).map_err(failed)?;
        let names: Vec<&str> = table.columns().map(|(name, _)| name).collect();
        let numbers = NUMBERS.iter().find(|name| names.contains(name)).map(|name| (*name).to_owned());
        let mut rows = BTreeMap::new();
        if let Some(name) = &numbers {
            let column = table.integers(name).map_err(failed)?;
            for (place, number) in column.iter().enumerate() {
                rows.extend(
                    number.and_then(|number| u64::try_from(number).ok()).map(|number| (number, place)),
                );
            }
        }
        let only = (alone && table.row_count() == 1).then_some(0);
        Ok(Self { path, table, rows, numbers, only })
    }

    /// The parameters of a run. Those that the import gives replace those of the table.
    fn row(&self, run: &RunFolder, import: &Import) -> Result<Row> {
        let place = match run.number().filter(|_| self.numbers.is_some()) {
            Some(number) => self.rows.get(&number).copied(),
            None => self.only,
        };
        let Some(place) = place else {
            return Err(wrong(
                &self.path,
                format!(
                    "expected a row of `{}`, found numbers of runs in {}",
                    run.path.file_name().unwrap_or_default().to_string_lossy(),
                    self.numbers.as_ref().map_or_else(
                        || "no column".to_owned(),
                        |name| format!("column `{name}`, but not this one")
                    )
                ),
                "the first column is the number of the run; to give the parameters by hand, import one file of it",
            ));
        };
        // What an imported network depends on.
        let mut imported = import.params.clone();
        imported.network.weights = "imported-00000000000000000000000000000000".parse().ok();
        let mut row = Row { params: Params::default(), given: BTreeSet::new(), idle: Vec::new() };
        for (name, values) in self.table.columns() {
            let is_number = self.numbers.as_deref() == Some(name) || NUMBERS[..2].contains(&name);
            let text = match values.get(place) {
                _ if is_number => continue,
                None | Some(Scalar::Null) => continue,
                Some(Scalar::Text(text)) => text,
                // pandas writes whole numbers as 200.0 if another row has none.
                Some(Scalar::Float(number)) if number.fract() == 0.0 && number.abs() < 1e15 => {
                    format!("{number:.0}")
                }
                Some(other) => other.to_string(),
            };
            let Some(parameter) = PARAMETERS.iter().find(|parameter| {
                parameter.published.contains(&name) || parameter.path == name || parameter.name() == name
            }) else {
                // Some names of the published code set no parameter here, or several.
                match row.params.set(name, &text) {
                    Ok(()) => {}
                    Err(_) => row.idle.push(name.to_owned()),
                }
                continue;
            };
            if is_given(import, parameter.path) {
                continue;
            }
            match row.params.set(name, &text) {
                Ok(()) => drop(row.given.insert(parameter.path)),
                Err(error) if parameter.applies(&imported) => {
                    let hint = format!(
                        "give it by hand, which replaces that of the table: `{}=...`",
                        parameter.name()
                    );
                    let number = self.number_at(place);
                    return Err(wrong(&self.path, format!("run {number}, column `{name}`: {error}"), &hint));
                }
                Err(_) => row.idle.push(name.to_owned()),
            }
        }
        for parameter in PARAMETERS.iter().filter(|parameter| is_given(import, parameter.path)) {
            parameter.set(&mut row.params, &parameter.value(&import.params))?;
            row.given.insert(parameter.path);
        }
        Ok(row)
    }

    fn number_at(&self, place: usize) -> u64 {
        self.rows.iter().find(|(_, row)| **row == place).map_or(0, |(number, _)| *number)
    }
}

/// Whether a parameter was given for the import.
fn is_given(import: &Import, path: &str) -> bool {
    let parameter = PARAMETERS.iter().find(|parameter| parameter.path == path);
    import.given.contains(path)
        || parameter.is_some_and(|parameter| parameter.value(&import.params) != parameter.default_value())
}
