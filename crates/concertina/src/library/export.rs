//! Exports runs: one as an archive that NumPy reads, or several as a folder of archives with a table.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use concertina_arrays::Npz;
use concertina_model::Checkpoint;
use concertina_store::RunKey;
use concertina_table::{Scalar, Table, Values};
use ndarray::{ArrayD, Axis};

use super::Library;
use super::arrays::add_recurrent_weights;
use super::history;
use super::progress::{Status, id_of};
use super::removal::long_enough;
use super::sealed::{HISTORY, PARAMS, SEAL, STATE, Seal, Sealed, TRIALS};
use super::stored::{self, StoredRun};
use crate::error::{Error, Result};
use crate::request::write_new;
use crate::selection::{CheckpointSelection, End};

/// The name of the table in a folder of exported runs.
pub(crate) const TABLE: &str = "runs.csv";

/// A run that was exported.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exported {
    /// The run.
    pub run: RunKey,
    /// The file.
    pub file: PathBuf,
    /// How many checkpoints of it are in the file.
    pub checkpoints: usize,
    /// Its size.
    pub bytes: u64,
}

impl Library<'_> {
    /// Writes a run as an archive that `numpy.load` reads.
    pub(crate) fn export(
        &self,
        run: &RunKey,
        selection: &CheckpointSelection,
        file: &Path,
    ) -> Result<Exported> {
        let (bytes, checkpoints) = self.archive(run, selection)?;
        write_new(file, &bytes)?;
        Ok(Exported { run: *run, file: file.to_owned(), checkpoints, bytes: bytes.len() as u64 })
    }

    /// Writes runs into a new or empty folder: one archive per run, as [`Library::export`] does, and
    /// `runs.csv`, with one row per run that has the name of its `file`, its key, its status and every
    /// parameter.
    pub(crate) fn export_all(
        &self,
        runs: &[RunKey],
        selection: &CheckpointSelection,
        folder: &Path,
    ) -> Result<Vec<Exported>> {
        let failed = |source| Error::Write { source, path: folder.to_owned() };
        std::fs::create_dir_all(folder).map_err(failed)?;
        if std::fs::read_dir(folder).map_err(failed)?.next().is_some() {
            return Err(failed(std::io::Error::new(
                std::io::ErrorKind::AlreadyExists,
                "the folder is not empty",
            )));
        }
        let mut exported = Vec::with_capacity(runs.len());
        for run in runs {
            if self.settings.cancelled() {
                return Err(Error::Interrupted);
            }
            exported.push(self.export(run, selection, &folder.join(format!("{}.npz", run.short())))?);
        }
        let files: BTreeMap<String, String> = exported
            .iter()
            .map(|one| {
                (one.run.to_string(), one.file.file_name().unwrap_or_default().to_string_lossy().into_owned())
            })
            .collect();
        let table = self.run_table()?;
        let keys = table.texts("key")?;
        let file = |row: usize| keys[row].as_ref().and_then(|key| files.get(key));
        let chosen: Vec<usize> = (0..table.row_count()).filter(|&row| file(row).is_some()).collect();
        let mut with_files = Table::from_columns([(
            "file",
            Values::Text(chosen.iter().map(|&row| file(row).cloned()).collect()),
        )])?;
        for (name, values) in table.filter(|row| file(row).is_some()).columns() {
            if name != "folder" {
                with_files.push_column(name, values.clone())?;
            }
        }
        let mut csv = Vec::new();
        with_files.write_csv(&mut csv)?;
        write_new(&folder.join(TABLE), &csv)?;
        Ok(exported)
    }

    fn archive(&self, key: &RunKey, selection: &CheckpointSelection) -> Result<(Vec<u8>, usize)> {
        let store = self.store;
        let run = stored::look(store, *key)?;
        let wanted = chosen(&run, selection)?;
        let read =
            store.run(key).read_checkpoints(&wanted.iter().map(|one| id_of(*one)).collect::<Vec<_>>())?;
        let mut there = Vec::new();
        let mut stacks: BTreeMap<String, Vec<ArrayD<f32>>> = BTreeMap::new();
        for (checkpoint, tensors) in wanted.iter().zip(read) {
            let Some(mut tensors) = tensors else { continue };
            if let Some(params) = &run.params {
                add_recurrent_weights(params, &mut tensors)?;
            }
            there.push(*checkpoint);
            for (name, array) in tensors.arrays {
                stacks.entry(name).or_default().push(array);
            }
        }
        if there.is_empty() {
            return Err(Error::NothingToExport { run: key.short() });
        }
        let mut npz = Npz::new();
        let counters =
            |of: fn(&Checkpoint) -> u64| there.iter().map(|one| of(one) as i64).collect::<Vec<i64>>();
        npz.vector("epoch", &counters(|one| one.epoch.0))?;
        npz.vector("update", &counters(|one| one.update.0))?;
        let mut arrays = BTreeMap::new();
        for (name, stack) in &stacks {
            let views: Vec<_> = stack.iter().map(|array| array.view()).collect();
            let stacked =
                ndarray::stack(Axis(0), &views).map_err(|_| Error::NothingToExport { run: key.short() })?;
            arrays.insert(name.clone(), stacked);
        }
        drop(stacks);
        for name in run.history.column_names() {
            let numbers: Vec<f64> =
                run.history.floats(name)?.into_iter().map(|cell| cell.unwrap_or(f64::NAN)).collect();
            npz.vector(&format!("{HISTORY}{name}"), &numbers)?;
        }
        let params = format!("{:#}\n", serde_json::json!(run.params));
        npz.text(PARAMS, &params)?;
        // An imported network is named by its weights, and needs nothing more to be the same run.
        if let Some(own) = run.params.as_ref().filter(|params| params.network.weights.is_none()) {
            let state = store.run(key).read_resume()?;
            let metadata = state.as_ref().map(|state| state.metadata.clone());
            let state = state.into_iter().flat_map(|state| state.arrays);
            let trials = own.task.arrays().map(|trials| trials.to_tensors()).into_iter().flatten();
            arrays.extend(state.map(|(name, array)| (format!("{STATE}{name}"), array)));
            arrays.extend(trials.map(|(name, array)| (format!("{TRIALS}{name}"), array)));
            let content = Sealed { params: &params, checkpoints: &there, arrays };
            let history = history::from_table(&run.history);
            let (seal, sealed) = Seal::new(key.to_string(), history, run.provenance, metadata, content);
            npz.text(SEAL, &format!("{:#}\n", serde_json::json!(seal)))?;
            arrays = sealed;
        }
        for (name, array) in &arrays {
            npz.array(name, array)?;
        }
        Ok((npz.finish()?, there.len()))
    }
}

/// The checkpoints of a selection. A run without parameters has the ones in the store.
fn chosen(run: &StoredRun, selection: &CheckpointSelection) -> Result<Vec<Checkpoint>> {
    let (Some(params), Some(reached)) = (&run.params, run.reached) else {
        return Ok(run.checkpoints.clone());
    };
    if *selection == CheckpointSelection::All {
        return Ok(run.checkpoints.clone());
    }
    let params = long_enough(params, reached.epoch.0)?;
    let diverged = run.status == Status::Diverged.name();
    let end = End { epoch: reached.epoch.0, update: reached.update, diverged };
    Ok(selection.resolve(&params, end).into_iter().collect())
}

/// What was exported, one row per run: `run`, `file`, `checkpoints`, `bytes`.
///
/// # Errors
/// None in practice: all columns have the same length.
pub fn exported_table(exported: &[Exported]) -> Result<Table> {
    let rows = exported.iter().map(|one| {
        crate::params_table::row([
            ("run".to_owned(), one.run.to_string().into()),
            ("file".to_owned(), one.file.display().to_string().into()),
            ("checkpoints".to_owned(), Scalar::Integer(one.checkpoints as i64)),
            ("bytes".to_owned(), Scalar::Integer(one.bytes as i64)),
        ])
    });
    crate::params_table::stack(rows.collect::<Result<_>>()?)
}
