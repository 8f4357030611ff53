//! A study: a store and what can be done with it.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use concertina::store::Removal;
use concertina::table::Condition;
use concertina::{
    self as facade, DeviceChoice, Keep, Outcome, RunColumns, Settings, collected_table, findings_table,
    merged_table, usage_table,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::errors::OrRaise;
use crate::figures::{self, Asked, Figure, Report};
use crate::methods::{Written, written};
use crate::network::Network;
use crate::params::Sweep;
use crate::runs::Runs;
use crate::table::Table;
use crate::work::{interrupted, work};

/// A store, a number of jobs, and the device that trains.
#[pyclass(frozen, module = "concertina._core")]
pub(crate) struct Study {
    pub(crate) study: facade::Study,
    pub(crate) jobs: Option<NonZeroUsize>,
    device: DeviceChoice,
}

/// The settings for a request.
pub(crate) fn settings(jobs: Option<NonZeroUsize>) -> Settings {
    jobs.map_or_else(Settings::default, |jobs| Settings::default().jobs(jobs))
}

/// Which checkpoints are kept, from the name of the choice.
fn kept(keep: &str) -> Keep {
    match keep {
        "ends" => Keep::Ends,
        "needed" => Keep::Needed,
        _ => Keep::All,
    }
}

impl Study {
    pub(crate) fn settings(&self) -> Settings {
        settings(self.jobs).device(self.device)
    }
}

#[pymethods]
impl Study {
    /// Opens the store in a folder. A folder that is empty or does not exist becomes a store.
    #[new]
    #[pyo3(signature = (folder, jobs, read_only, device="cpu"))]
    fn new(
        py: Python<'_>,
        folder: PathBuf,
        jobs: Option<NonZeroUsize>,
        read_only: bool,
        device: &str,
    ) -> PyResult<Self> {
        let wrong = |expected| PyValueError::new_err(format!("`device`: {expected}, found `{device}`"));
        let device = device.parse().map_err(wrong)?;
        let mut builder = facade::Study::builder(folder);
        if let Some(jobs) = jobs {
            builder = builder.jobs(jobs);
        }
        let study = py.detach(|| if read_only { builder.read_only() } else { builder.open() }).or_raise()?;
        Ok(Self { study, jobs, device })
    }

    /// The folder of the store.
    fn folder(&self) -> PathBuf {
        self.study.folder()
    }

    /// Loads the runs of a sweep, and trains what is missing.
    fn train(
        &self,
        py: Python<'_>,
        sweep: &Sweep,
        keep: &str,
        rerun: bool,
        report: Option<Py<PyAny>>,
    ) -> PyResult<Runs> {
        let settings = self.settings().keep(kept(keep)).rerun(rerun);
        let runs = work(py, settings, sweep.valid.varied(), report, |settings| {
            self.study.with_settings(settings).train(&sweep.valid)
        })?;
        if runs.iter().any(|run| *run.outcome() == Outcome::Interrupted) {
            return Err(interrupted());
        }
        Ok(Runs::new(runs, self.jobs))
    }

    /// The positions of the runs of a sweep that `train` would train, each with its estimated cost.
    fn missing(&self, py: Python<'_>, sweep: &Sweep, keep: &str, rerun: bool) -> PyResult<Vec<(usize, f64)>> {
        let settings = self.settings().keep(kept(keep)).rerun(rerun);
        let missing = py.detach(|| self.study.with_settings(settings).missing(&sweep.valid)).or_raise()?;
        Ok(missing.into_iter().map(|one| (one.place, one.work)).collect())
    }

    /// Every run in the store, one row per run.
    fn table(&self, py: Python<'_>) -> PyResult<Table> {
        Ok(py.detach(|| self.study.run_table()).or_raise()?.into())
    }

    /// The keys of the runs that fulfil a condition, or of all runs.
    fn keys(&self, condition: Option<&str>) -> PyResult<Vec<String>> {
        let condition = condition.map(|text| Condition::parse(text, &RunColumns)).transpose().or_raise()?;
        let condition = condition.unwrap_or_default();
        let keys = self.study.keys_where(&condition).or_raise()?;
        Ok(keys.iter().map(ToString::to_string).collect())
    }

    /// Runs in the store, found by the beginnings of their keys, each as far as it was trained.
    fn stored(&self, py: Python<'_>, keys: Vec<String>, report: Option<Py<PyAny>>) -> PyResult<Runs> {
        let sweep = self.study.stored_sweep(keys.iter().map(String::as_str)).or_raise()?;
        // as they are stored, whatever trained them
        let runs = work(py, settings(self.jobs), sweep.varied(), report, |settings| {
            self.study.with_settings(settings).train(&sweep)
        })?;
        Ok(Runs::new(runs, self.jobs))
    }

    /// Stores a network as a run without training, and returns its key.
    fn keep(&self, py: Python<'_>, network: &Network) -> PyResult<String> {
        let read = network.read()?;
        let imported = py.detach(|| self.study.import_read(read)).or_raise()?;
        Ok(imported.run.to_string())
    }

    /// Removes runs, or lists what would be removed.
    fn remove(&self, py: Python<'_>, keys: Vec<String>, dry_run: bool) -> PyResult<Table> {
        let keys = keys
            .iter()
            .map(|key| self.study.key_of_run(key))
            .collect::<facade::Result<Vec<_>>>()
            .or_raise()?;
        let removal = if dry_run { Removal::DryRun } else { Removal::Now };
        let collected = py.detach(|| self.study.remove(&keys, removal)).or_raise()?;
        Ok(collected_table(&collected).or_raise()?.into())
    }

    /// Copies every run of another store that this one does not have.
    fn merge(&self, py: Python<'_>, other: &Self) -> PyResult<Table> {
        let merged = py.detach(|| self.study.merge(&other.study)).or_raise()?;
        Ok(merged_table(&merged).or_raise()?.into())
    }

    /// Reads every byte of the store. One row per problem.
    fn verify(&self, py: Python<'_>) -> PyResult<Table> {
        let findings = py.detach(|| self.study.verify()).or_raise()?;
        Ok(findings_table(&findings).or_raise()?.into())
    }

    /// Reads every byte of the store, and sets damaged files aside. One row per problem.
    fn repair(&self, py: Python<'_>) -> PyResult<Table> {
        let findings = py.detach(|| self.study.repair()).or_raise()?;
        Ok(findings_table(&findings).or_raise()?.into())
    }

    /// How much space each kind of file takes.
    fn usage(&self, py: Python<'_>) -> PyResult<Table> {
        let usage = py.detach(|| self.study.usage()).or_raise()?;
        Ok(usage_table(&usage).or_raise()?.into())
    }

    /// Writes runs as archives that NumPy reads, with a table of them.
    fn export(&self, py: Python<'_>, keys: Vec<String>, at: &str, folder: PathBuf) -> PyResult<Table> {
        let keys = keys
            .iter()
            .map(|key| self.study.key_of_run(key))
            .collect::<facade::Result<Vec<_>>>()
            .or_raise()?;
        let at = at.parse().or_raise()?;
        let exported = py.detach(|| self.study.export_all(&keys, &at, Path::new(&folder))).or_raise()?;
        Ok(facade::exported_table(&exported).or_raise()?.into())
    }

    /// Draws figures; see [`figures::figures`].
    fn figures(
        &self,
        py: Python<'_>,
        asked: &Asked,
        report: Option<Py<PyAny>>,
    ) -> PyResult<(Vec<Figure>, Runs, Vec<String>)> {
        figures::figures(py, self, asked, report)
    }

    /// Judges claims; see [`figures::reproduce`].
    fn reproduce(
        &self,
        py: Python<'_>,
        asked: &Asked,
        most: Option<usize>,
        command: &str,
        report: Option<Py<PyAny>>,
    ) -> PyResult<Report> {
        figures::reproduce(py, self, asked, most, command, report)
    }

    /// The methods of figures: plain values, Markdown and LaTeX.
    fn methods<'py>(&self, py: Python<'py>, asked: &Asked, most: Option<usize>) -> PyResult<Written<'py>> {
        written(py, &asked.methods(&self.study, most)?)
    }

    /// The methods of runs: plain values, Markdown and LaTeX.
    fn methods_of<'py>(&self, py: Python<'py>, runs: &Runs) -> PyResult<Written<'py>> {
        written(py, &facade::Methods::of_runs(&runs.params(), Some(&self.study)))
    }
}
