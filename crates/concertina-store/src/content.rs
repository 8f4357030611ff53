//! The kinds of files in a store: where each is, and how it is read.

use std::fs::File;
use std::path::{Path, PathBuf};

use concertina_table::Table;
use serde_json::Value;

use crate::damage::Damage;
use crate::pack::{self, Pack};
use crate::sealed::{read_all, unseal_json, unseal_text};
use crate::{CheckpointId, MemoKey, RunKey, Tensors, TrialsKey};

/// The largest file of a table, in bytes: 2^30. Arbitrary: a table's own limits are lower.
pub(crate) const MAX_TABLE_BYTES: u64 = 1 << 30;
/// The folder of runs.
pub(crate) const RUNS: &str = "runs";
/// The table of runs at the top of a store, which is derived from the rest.
pub const RUN_TABLE: &str = "runs.csv";
/// The folder of memoised analyses.
pub(crate) const ANALYSES: &str = "analyses";
/// The folder of trials that were made elsewhere and that runs were trained on.
pub(crate) const TRIALS: &str = "trials";
/// A run's folder of loose checkpoints.
pub(crate) const CHECKPOINTS: &str = "checkpoints";
/// The ending of a file of tensors.
pub(crate) const TENSORS_ENDING: &str = ".safetensors";
/// The ending of a memoised table.
pub(crate) const TABLE_ENDING: &str = ".parquet";

/// A run's folder below the root.
pub(crate) fn run_path(run: &RunKey) -> PathBuf {
    Path::new(RUNS).join(run.shard()).join(run.to_string())
}

/// A file of the store that is checked on reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    Params(RunKey),
    Checkpoint(RunKey, CheckpointId),
    Pack(RunKey),
    Resume(RunKey),
    History(RunKey),
    Provenance(RunKey),
    Memo(MemoKey),
    Trials(TrialsKey),
}

impl Content {
    /// The kinds of files in a run's own folder.
    pub(crate) fn of_run(run: RunKey) -> [Self; 5] {
        [Self::Params(run), Self::Pack(run), Self::History(run), Self::Resume(run), Self::Provenance(run)]
    }

    /// Its place below the root.
    pub(crate) fn path(&self) -> PathBuf {
        match self {
            Self::Params(run) => run_path(run).join("params.toml"),
            Self::Checkpoint(run, id) => {
                run_path(run).join(CHECKPOINTS).join(format!("{id}{TENSORS_ENDING}"))
            }
            Self::Pack(run) => run_path(run).join("checkpoints.safetensors"),
            Self::Resume(run) => run_path(run).join("resume.safetensors"),
            Self::History(run) => run_path(run).join("history.parquet"),
            Self::Provenance(run) => run_path(run).join("provenance.json"),
            Self::Memo(key) => Path::new(ANALYSES).join(key.shard()).join(format!("{key}{TABLE_ENDING}")),
            Self::Trials(key) => Path::new(TRIALS).join(format!("{key}{TENSORS_ENDING}")),
        }
    }

    /// The subject that is written into the file, so that a file in the wrong place is found.
    pub(crate) fn subject(&self) -> String {
        match self {
            Self::Params(run) => format!("run {run} params"),
            Self::Checkpoint(run, id) => pack::subject(run, *id),
            Self::Pack(run) => format!("run {run} checkpoints"),
            Self::Resume(run) => format!("run {run} resume"),
            Self::History(run) => format!("run {run} history"),
            Self::Provenance(run) => format!("run {run} provenance"),
            Self::Memo(key) => format!("memo {key}"),
            Self::Trials(key) => format!("trials {key}"),
        }
    }

    /// Reads the whole file and checks every byte.
    pub(crate) fn check(&self, file: File, length: u64) -> Result<(), Damage> {
        match self {
            Self::Params(_) => self.text(file, length).map(drop),
            Self::Checkpoint(..) | Self::Resume(_) | Self::Trials(_) => self.tensors(file, length).map(drop),
            Self::History(_) | Self::Memo(_) => self.table(file, length).map(drop),
            Self::Provenance(_) => self.json(file, length).map(drop),
            Self::Pack(run) => {
                let mut pack = Pack::open(file, length, run)?;
                let ids: Vec<_> = pack.ids().collect();
                for id in ids {
                    pack.read(id).map_err(|damage| match damage {
                        Damage::Content(reason) => Damage::Content(format!("checkpoint {id}: {reason}")),
                        io => io,
                    })?;
                }
                Ok(())
            }
        }
    }

    pub(crate) fn text(&self, file: File, length: u64) -> Result<String, Damage> {
        unseal_text(&self.subject(), file, length)
    }

    pub(crate) fn json(&self, file: File, length: u64) -> Result<Value, Damage> {
        unseal_json(&self.subject(), file, length)
    }

    pub(crate) fn tensors(&self, mut file: File, length: u64) -> Result<Tensors, Damage> {
        Tensors::read(&mut file, length, &self.subject())
    }

    pub(crate) fn table(&self, file: File, length: u64) -> Result<Table, Damage> {
        let bytes = read_all(file, length, MAX_TABLE_BYTES)?;
        Table::from_labelled_parquet(&bytes, &self.subject())
            .map_err(|error| Damage::content(error.to_string()))
    }
}
