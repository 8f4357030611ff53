//! Functions shared by the integration tests: small runs, and stores compared byte by byte.

#![allow(dead_code, unreachable_pub, reason = "every test target uses another part of it")]

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use concertina::analyses::AnalysisSpec;
use concertina::model::params::{NetworkKind, Params, Sweep, TaskKind, ValidParams, ValidSweep};
use concertina::table::Table;
use concertina::{Event, EventKind, Observer, Study};
use concertina_arrays::{Member, Npz, read_member, read_npz};
use ndarray::ArrayD;

/// A run that takes a few milliseconds.
pub fn small() -> Params {
    let mut params = Params::default();
    params.network.units = 16;
    params.task.input_dim = 6;
    params.task.clusters = 8;
    params.task.delay = 4;
    params.task.train_samples = 40;
    params.task.val_samples = Some(20);
    params.train.epochs = 6;
    params
}

/// One run.
pub fn one(params: Params) -> ValidSweep {
    Sweep::of(params).check().expect("valid parameters")
}

pub fn open(folder: &Path, jobs: usize) -> Study {
    Study::builder(folder).jobs(NonZeroUsize::new(jobs).expect("not zero")).open().expect("a store")
}

/// Sets a flag when this many epochs have been trained.
struct StopAfter {
    epochs: AtomicUsize,
    flag: Arc<AtomicBool>,
}

impl Observer for StopAfter {
    fn observe(&self, event: &Event) {
        if matches!(event.kind, EventKind::Trained { .. }) && self.epochs.fetch_sub(1, Ordering::Relaxed) == 1
        {
            self.flag.store(true, Ordering::Relaxed);
        }
    }
}

/// A study that is interrupted when this many epochs have been trained.
pub fn stopped_after(folder: &Path, epochs: usize) -> Study {
    let flag = Arc::new(AtomicBool::new(epochs == 0));
    let observer = StopAfter { epochs: AtomicUsize::new(epochs), flag: Arc::clone(&flag) };
    Study::builder(folder).observer(Arc::new(observer)).cancel(flag).open().expect("a store")
}

/// A temporary folder, in memory if the system has such a place, because stores flush many small files one by
/// one.
pub fn in_memory() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    folder.expect("a folder")
}

/// Every file of a store with its bytes, by its path below the root. Provenance is left out, because it has
/// times and machines.
pub fn contents(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of the store") {
            let path = entry.expect("an entry").path();
            if path.is_symlink() {
                found.insert(path.strip_prefix(root).expect("below the root").to_owned(), b"a link".to_vec());
            } else if path.is_dir() {
                folders.push(path);
            } else if path.file_name().is_some_and(|name| name != "provenance.json") {
                let bytes = std::fs::read(&path).expect("a file of the store");
                found.insert(path.strip_prefix(root).expect("below the root").to_owned(), bytes);
            }
        }
    }
    found
}

/// Asserts that two stores have the same files. Reports which files differ rather than printing their bytes.
#[track_caller]
pub fn assert_same_store(left: &Path, right: &Path, what: &str) {
    let (left, right) = (contents(left), contents(right));
    let names = |contents: &BTreeMap<PathBuf, Vec<u8>>| contents.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&left), names(&right), "{what}: other files");
    for (path, bytes) in &left {
        assert!(bytes == &right[path], "{what}: {} differs", path.display());
    }
}

/// The cells of a result that the documentation of its analysis does not explain: infinite numbers, and nulls
/// (which stand for NaN in a table) where none may be.
pub fn unexplained(analysis: &AnalysisSpec, params: &ValidParams, table: &Table) -> Vec<String> {
    let mut found = Vec::new();
    for (name, values) in table.columns() {
        for row in 0..values.len() {
            let cell = values.get(row).expect("a row of the table");
            let wrong = match cell.as_float() {
                Some(number) => !number.is_finite(),
                None => cell.is_null() && !null_is_explained(analysis, params, table, name, row),
            };
            if wrong {
                let timestep = table.scalar(row, "timestep").ok();
                let epoch = table.scalar(row, "epoch").expect("every table has it");
                found.push(format!(
                    "`{name}` is {cell:?} in row {row}, epoch {epoch:?}, timestep {timestep:?}"
                ));
            }
        }
    }
    found
}

/// Whether the documentation of an analysis mentions a null in this place.
fn null_is_explained(
    analysis: &AnalysisSpec,
    params: &ValidParams,
    table: &Table,
    column: &str,
    row: usize,
) -> bool {
    let is_null = |name: &str| table.scalar(row, name).expect("a column").is_null();
    let integer = |name: &str| table.scalar(row, name).expect("a column").as_integer();
    let at_input = || integer("timestep") == Some(-1);
    match (analysis, column) {
        // undefined where all states are equal up to rounding; the test of the closed forms checks where
        (AnalysisSpec::EffectiveDimension(_), "effective_dimension") => true,
        // trials with real targets have no class
        (AnalysisSpec::PcaSnapshots(_), "class") if params.shape().classes().is_none() => true,
        // trials of a file may have no conditions
        (AnalysisSpec::PcaSnapshots(_), "cluster") if params.shape().conditions == 0 => true,
        (AnalysisSpec::PcaSnapshots(_), "sample" | "cluster" | "class") => {
            let kind = table.scalar(row, "kind").expect("a column");
            kind.as_text() != Some("sample") && (column != "class" || kind.as_text() != Some("readout"))
        }
        // a component that the states do not have is null in every row of the checkpoint and timestep
        (AnalysisSpec::PcaSnapshots(_), _) if column.starts_with("pc") => {
            (0..table.row_count()).all(|other| {
                let same = |name: &str| table.scalar(row, name).ok() == table.scalar(other, name).ok();
                !(same("epoch") && same("update") && same("timestep"))
                    || table.scalar(other, column).expect("a column").is_null()
            })
        }
        (AnalysisSpec::Lyapunov(_), "exponent") => true, // -∞, or unknown
        (AnalysisSpec::Lyapunov(_), "standard_error") => is_null("exponent"),
        (AnalysisSpec::Lyapunov(asked), "kaplan_yorke_dimension" | "entropy_rate") => {
            let unknown = |row| table.scalar(row, "converged").is_ok_and(|cell| cell == false.into());
            asked.exponents.unwrap_or(10) < params.network.units || (0..table.row_count()).any(unknown)
        }
        (AnalysisSpec::Lyapunov(_), "reason") => {
            table.scalar(row, "converged").is_ok_and(|cell| cell == true.into())
        }
        (AnalysisSpec::ClusterHoldout(asked), "training_accuracy_sd" | "testing_accuracy_sd") => {
            asked.splits == 1
        }
        (AnalysisSpec::Saturation(_), _) => at_input(),
        // no such pair: at most one sample per class, or so few that all may belong to the same class
        (AnalysisSpec::ClassDistances(asked), "within_class_distance") => {
            asked.samples <= params.task.classes
        }
        (AnalysisSpec::ClassDistances(asked), "across_class_distance") => {
            asked.samples < params.task.clusters
        }
        (AnalysisSpec::OrthogonalCompression(_), "orthogonal_compression") => true,
        (AnalysisSpec::WeightVariance(asked), "weight_variance") => row + 1 < asked.window,
        (AnalysisSpec::Autocorrelation(_), "autocorrelation") => integer("samples") == Some(0),
        (AnalysisSpec::Autocorrelation(_), "autocorrelation_sd") => integer("samples") < Some(2),
        // the state has a single number, and thus one eigenvalue and one component
        (AnalysisSpec::FixedPoints(_), "next_modulus" | "pc2") if params.network.units == 1 => true,
        // starts that are all equal, or on a line, have fewer components
        (AnalysisSpec::FixedPoints(_), "pc1" | "pc2") => true,
        (AnalysisSpec::FixedPoints(_), _) => is_null("index"), // nothing was found
        // arrays that are not trained or did not change, kernels of equal entries, targets without classes
        (AnalysisSpec::Kernel(_), column) => !matches!(column, "block" | "trained"),
        (AnalysisSpec::ManifoldCapacity(_), "samples" | "unconverged" | "centre_norm") => false,
        (AnalysisSpec::ManifoldCapacity(_), _) => true, // the set, and centres that coincide
        (AnalysisSpec::Performance(_), column) => match column {
            "condition" => params.shape().conditions == 0,
            // in trials of a file, the loss of a condition may count nowhere
            "accuracy" | "chose_positive" | "mse" if params.task.kind == TaskKind::Trials => true,
            "accuracy" => params.shape().classes().is_none(),
            "chose_positive" => params.shape().classes() != Some(2),
            "mse" => params.shape().classes().is_some(),
            "r2" => true, // classes, or targets that do not vary
            "coherence" => !matches!(params.task.kind, TaskKind::Integration | TaskKind::Context),
            "attended" | "other_coherence" => params.task.kind != TaskKind::Context,
            "sample_item" | "test_item" => params.task.kind != TaskKind::Match,
            "frequency" => params.task.kind != TaskKind::Sine,
            _ => false,
        },
        // undefined where all states are equal up to rounding, or without a reference
        (AnalysisSpec::RepresentationSimilarity(_), column) => column != "other_timestep",
        (AnalysisSpec::IntrinsicDimension(_), column) => column != "duplicates",
        (AnalysisSpec::Decoding(_), "accuracy" | "accuracy_sd") => {
            at_input() != (integer("test_timestep") == Some(-1))
        }
        (AnalysisSpec::FiniteTime(_), "rate") => integer("undefined") > Some(0),
        (AnalysisSpec::FiniteTime(_), "standard_deviation") => {
            integer("undefined") > Some(0) || integer("trials") == Some(1)
        }
        (AnalysisSpec::CovariantVectors(_), "reason") => {
            table.scalar(row, "converged").is_ok_and(|cell| cell == true.into())
        }
        // where there are no unstable or no stable directions
        (AnalysisSpec::CovariantVectors(_), "mean_principal_angle" | "smallest_principal_angle") => true,
        // a single vector has no angle to another
        (AnalysisSpec::CovariantVectors(_), column) => {
            column != "first" && (is_null("second") || !is_null("reason"))
        }
        (AnalysisSpec::Spectrum(_), "timestep") => params.network.kind != NetworkKind::Feedforward,
        (AnalysisSpec::Spectrum(_), "relative_departure_from_normality") => {
            table.floats("singular_value").expect("a column")[row] == Some(0.0)
        }
        _ => false,
    }
}

/// Copies a folder with everything in it.
pub fn copied(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("made");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        match path.is_dir() {
            true => copied(&path, &target),
            false => drop(std::fs::copy(&path, &target).expect("copied")),
        }
    }
}

/// An archive that `runs export` wrote, as version 0.1.0 wrote it: without what makes it the same run again.
pub fn without_seal(archive: &Path, to: &Path) {
    let is_kept = |name: &str| !name.starts_with("state/") && !name.starts_with("trials/");
    rewritten(archive, to, |name, _| is_kept(name), |name, text| (name == "params.json").then_some(text));
}

/// Writes an archive again with changed arrays of weights and states, and with changed texts. Arrays for
/// which `change` returns false and texts that become none are left out.
pub fn rewritten(
    archive: &Path,
    to: &Path,
    change: impl Fn(&str, &mut ArrayD<f32>) -> bool,
    change_text: impl Fn(&str, String) -> Option<String>,
) {
    let bytes = std::fs::read(archive).expect("read");
    let mut npz = Npz::new();
    for (name, member) in read_npz(&bytes).expect("an archive") {
        match member {
            Member::Numbers(array) if name.starts_with("history/") => {
                npz.array(&name, &array).expect("added")
            }
            Member::Numbers(array) => {
                let mut array = array.mapv(|number| number as f32);
                if change(&name, &mut array) {
                    npz.array(&name, &array).expect("added");
                }
            }
            Member::Integers(array) => npz.array(&name, &array).expect("added"),
            _ => {
                let text = read_member(&bytes, &name).expect("read").expect("it is there");
                if let Some(text) = change_text(&name, String::from_utf8(text).expect("text")) {
                    npz.text(&name, &text).expect("added");
                }
            }
        }
    }
    std::fs::write(to, npz.finish().expect("an archive")).expect("written");
}
