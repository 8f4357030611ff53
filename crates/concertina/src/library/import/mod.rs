//! Networks that were trained elsewhere: weights from NumPy and PyTorch become runs like any other.

mod exported;
mod file;
mod fit;
mod lookup;
mod outcome;
mod published;
mod rates;
mod reading;
mod same;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use concertina_arrays::Arrays;
use concertina_model::Checkpoint;
use concertina_model::network::{Network, Weights};
use concertina_model::params::{ImportedWeights, NetworkKind, Params, TaskKind};
use concertina_model::task;
use concertina_store::{Claimed, Keep, RunKey, Tensors};
use concertina_table::Table;
use ndarray::{Array1, Array2};
use serde_json::json;

use self::exported::Archive;
use self::file::File;
use self::fit::Fitted;
use self::reading::Read;
use super::Library;
use super::arrays::tensors_of;
use super::export::TABLE;
use super::parameters::params_toml;
use super::progress::{Progress, id_of};
use super::provenance::now;
use super::trials;
use crate::error::{Error, Result};
use crate::hint::Hint;
use crate::selection::after_epoch;

pub(crate) use self::lookup::{folder_of, unplaced};
pub use self::outcome::{Imported, ReadImport, imported_table};

/// Where weights to import are.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ImportSource {
    /// In a `.npz`, `.npy`, `.safetensors`, `.pt` or `.pth` file, an archive that `runs export` wrote, a
    /// folder of such archives, or an output folder of the published code.
    File(PathBuf),
    /// In memory.
    Arrays {
        /// What messages call them, in place of a path: `state dict`.
        name: String,
        /// The arrays by name.
        arrays: Arrays,
    },
}

impl ImportSource {
    /// What messages call it: the path, or the name for arrays in memory.
    fn label(&self) -> &Path {
        match self {
            Self::File(path) => path,
            Self::Arrays { name, .. } => Path::new(name),
        }
    }
}

impl<P: Into<PathBuf>> From<P> for ImportSource {
    fn from(path: P) -> Self {
        Self::File(path.into())
    }
}

/// Weights to import.
///
/// ```
/// use std::collections::BTreeMap;
/// use concertina::Import;
/// use concertina::arrays::Member;
/// # let (input, recurrent) = (ndarray::ArrayD::zeros(vec![4, 2]), ndarray::ArrayD::from_elem(vec![4, 4], 0.1));
/// let arrays = BTreeMap::from([
///     ("rnn.weight_ih_l0".to_owned(), Member::Numbers(input)), // as in a state dict of PyTorch
///     ("rnn.weight_hh_l0".to_owned(), Member::Numbers(recurrent)),
/// ]);
/// let read = Import::of_arrays("state dict", arrays).read()?;
/// assert_eq!(read[0].params().network.units, 4);
/// assert_eq!(read[0].assumed()[0], "network.kind = vanilla");
/// # Ok::<(), concertina::Error>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Import {
    /// The network after training, or the only one.
    pub weights: ImportSource,
    /// The network before training.
    pub before: Option<ImportSource>,
    /// Parameters. Sizes are taken from the weights. If there is a network before training, `train.epochs`
    /// says after how many epochs `weights` were taken.
    pub params: Params,
    /// The paths of the parameters that were given explicitly, even if their values are the defaults, as
    /// [`Sweep::given`](concertina_model::params::Sweep::given) returns them. Parameters that differ from
    /// their defaults always count as given.
    pub given: BTreeSet<&'static str>,
    /// Which array is which, where the names do not say so: a map from our names to those of the arrays. `.T`
    /// after a name means that the array is transposed, and `none` that the network has no such array.
    pub names: BTreeMap<String, String>,
}

impl Import {
    /// The weights in a file, with default parameters, and no names because those in the file suffice.
    pub fn of(weights: impl Into<PathBuf>) -> Self {
        Self::from_source(ImportSource::File(weights.into()))
    }

    /// The same for arrays in memory, such as PyTorch's state dict. Messages call them `name`.
    pub fn of_arrays(name: impl Into<String>, arrays: Arrays) -> Self {
        Self::from_source(ImportSource::Arrays { name: name.into(), arrays })
    }

    fn from_source(weights: ImportSource) -> Self {
        Self {
            weights,
            before: None,
            params: Params::default(),
            given: BTreeSet::new(),
            names: BTreeMap::new(),
        }
    }

    /// Reads the weights, and checks everything that can be checked without a store. Returns one network, or
    /// one per run of a folder of exported runs or of the published code's.
    ///
    /// # Errors
    /// [`Error::Arrays`] and [`Error::Import`] say what is wrong with a file or an array; a parameter that
    /// does not fit the weights.
    pub fn read(&self) -> Result<Vec<ReadImport>> {
        let folder = match &self.weights {
            ImportSource::File(path) if path.is_dir() => path,
            _ => return Ok(vec![self.read_one()?]),
        };
        if let Some(runs) = published::read(self, folder)? {
            return Ok(runs);
        }
        let listed = listed_in(folder)?;
        if self.before.is_some() && listed.len() > 1 {
            return Err(wrong(
                folder,
                format!("expected one run with a network before training, found {}", listed.len()),
                "import the archives in the folder one by one",
            ));
        }
        listed.into_iter().map(|path| Self { weights: path.into(), ..self.clone() }.read_one()).collect()
    }

    fn read_one(&self) -> Result<ReadImport> {
        let (source, label) = (Source::open(&self.weights)?, self.weights.label());
        let mut as_network = None;
        if let Some(archive) = &source.archive {
            match self.same_run(archive, label)? {
                Ok(same) => return Ok(same),
                Err(reason) => as_network = reason,
            }
        }
        let mut fitted =
            Fitted::of(self, source.archive.as_ref().and_then(|archive| archive.params.clone()))?;
        let place = source.archive.as_ref().map(Archive::last);
        let mut after = source.weights(place, &fitted.params, &self.names)?;
        if fitted.params.network.kind != NetworkKind::Feedforward || source.archive.is_none() {
            if let Some(step) = after.step_of_rates {
                fitted.take_rates(step, after.nonlinearity, label)?;
            }
            fitted.take_sizes(&after.weights, label)?;
        }
        after.notes.extend(
            as_network.map(|reason| format!("imported as a network, not as the run itself: {reason}")),
        );
        let mut before = self.read_before(&source, &fitted, &mut after)?;
        if let Some((_, before)) = &mut before {
            share_initial_state(&mut after.weights, before);
        }
        fitted.take_initial_state(&after.weights, label)?;
        let name = name_of(&after.weights, before.as_ref().map(|(_, weights)| weights))?;
        if fitted.is_given("network.weights") && self.params.network.weights != Some(name) {
            return Err(wrong(
                label,
                format!(
                    "`network.weights`: expected {}, as given, found {name}",
                    shown(self.params.network.weights)
                ),
                "leave `network.weights` out: it is a hash of the weights",
            ));
        }
        fitted.params.network.weights = Some(name);
        let without_effect = fitted.without_effect(before.is_some());
        let (assumed, trials) = fitted.assumed(&after.weights);
        let params = fitted.params.check()?;
        let checkpoint = match (&source.archive, place) {
            (Some(archive), Some(place)) => archive.checkpoints[place],
            _ if before.is_some() => after_epoch(&params, params.train.epochs),
            _ => Checkpoint::START,
        };
        // A network by itself is the only one of its run.
        let checkpoint = if before.is_some() { checkpoint } else { Checkpoint::START };
        let mut networks = vec![(checkpoint, label.to_owned(), after.weights)];
        networks.splice(0..0, before.map(|(path, weights)| (Checkpoint::START, path, weights)));
        for (_, path, weights) in &networks {
            let lookup = weights.tensors().into_iter().collect::<BTreeMap<_, _>>();
            let weights = Weights::from_tensors(&params, |name| lookup.get(name).cloned())
                .and_then(|weights| Network::new(&params, weights));
            weights.map_err(|error| Error::Import {
                reason: error.to_string(),
                hint: error.hint().map(Hint::Text),
                path: path.clone(),
            })?;
        }
        if let Err(error) = task::of(&params) {
            after.notes.push(format!(
                "no samples can be shown to it: {error}; give other `clusters` or `cluster_std` for analyses of its states"
            ));
        }
        let Read { arrays, not_used, not_read, notes, .. } = after;
        Ok(ReadImport {
            params,
            networks,
            arrays,
            not_used,
            not_read,
            assumed,
            trials,
            without_effect,
            notes,
            run: None,
        })
    }

    /// The network before training: that of the file that was given for it, or the first checkpoint of an
    /// exported run.
    fn read_before(
        &self,
        source: &Source<'_>,
        fitted: &Fitted,
        after: &mut Read,
    ) -> Result<Option<(PathBuf, Weights)>> {
        if let Some(archive) = &source.archive {
            after.notes.push(format!(
                "an exported run: the network after {} epochs, one of {} checkpoints in the file{}",
                archive.checkpoints[archive.last()].epoch.0,
                archive.checkpoints.len(),
                match (&self.before, archive.starts()) {
                    (None, true) => ", with the network before training",
                    _ => "",
                }
            ));
            let of_clusters = archive.params.as_ref().filter(|params| params.task.kind == TaskKind::Clusters);
            if let Some(seed) = of_clusters.map(|params| params.seed).filter(|seed| *seed != 0) {
                after.notes.push(format!(
                    "it was trained on the clusters of seed {seed}, but analyses of an imported network draw those of seed 0, so accuracies are for clusters that it has not seen; `concertina store merge` takes over a run unchanged"
                ));
            }
        }
        let Some(before) = &self.before else {
            let Some(archive) = source.archive.as_ref().filter(|archive| archive.starts()) else {
                return Ok(None);
            };
            let read = source.weights(Some(archive.first()), &fitted.params, &self.names)?;
            return Ok(Some((source.label.to_owned(), read.weights)));
        };
        if fitted.params.train.epochs == 0 {
            return Err(wrong(
                source.label,
                "expected `train.epochs` of at least 1 with a network before training, found 0".to_owned(),
                "say after how many epochs the weights were taken: `epochs=12`",
            ));
        }
        if source.archive.is_none() && !fitted.is_given("train.epochs") {
            after.notes.push(format!(
                "{} epochs are assumed between the two networks, because `epochs=` does not say otherwise",
                fitted.params.train.epochs
            ));
        }
        let other = Source::open(before)?;
        let place = other.archive.as_ref().map(Archive::first);
        let read = other.weights(place, &fitted.params, &self.names)?;
        for (what, names) in [("not used", read.not_used), ("not read", read.not_read)] {
            let news: Vec<String> = names
                .into_iter()
                .filter(|name| !after.not_used.contains(name) && !after.not_read.contains(name))
                .collect();
            if !news.is_empty() {
                after.notes.push(format!("{what} of {}: {}", other.label.display(), news.join(", ")));
            }
        }
        Ok(Some((other.label.to_owned(), read.weights)))
    }
}

fn wrong(path: &Path, reason: String, hint: &str) -> Error {
    Error::Import { reason, hint: Some(Hint::text(hint)), path: path.to_owned() }
}

fn shown(weights: Option<ImportedWeights>) -> String {
    weights.map_or_else(|| "none".to_owned(), |weights| weights.to_string())
}

/// Gives both networks an initial state if one of them has it: zero is one, too.
fn share_initial_state(after: &mut Weights, before: &mut Weights) {
    let length = after.initial_state.as_ref().or(before.initial_state.as_ref()).map(Array1::len);
    if let Some(length) = length {
        for weights in [after, before] {
            weights.initial_state.get_or_insert_with(|| Array1::zeros(length));
        }
    }
}

/// The archives in a folder that `runs export` wrote.
fn listed_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let path = folder.join(TABLE);
    let Ok(file) = std::fs::File::open(&path) else {
        return Err(wrong(
            folder,
            "expected a file of weights, a folder that `runs export` wrote, or an output folder of the published code, found another folder"
                .to_owned(),
            "give one of the files in it",
        ));
    };
    let files = Table::read_csv(file).and_then(|table| table.texts("file"));
    let files = files.map_err(|error| Error::from(error).in_file(&path))?;
    let files: Vec<PathBuf> = files.into_iter().flatten().map(|file| folder.join(file)).collect();
    match files.is_empty() {
        true => {
            Err(wrong(folder, format!("expected runs in `{TABLE}`, found none"), "export some runs first"))
        }
        false => Ok(files),
    }
}

/// The arrays of an import.
struct Source<'a> {
    /// What messages call them.
    label: &'a Path,
    arrays: Cow<'a, Arrays>,
    archive: Option<Archive>,
    in_memory: bool,
}

impl<'a> Source<'a> {
    fn open(source: &'a ImportSource) -> Result<Self> {
        let (label, in_memory) = (source.label(), matches!(source, ImportSource::Arrays { .. }));
        let path = match source {
            ImportSource::File(path) => path,
            ImportSource::Arrays { arrays, .. } => {
                return Ok(Self { label, arrays: Cow::Borrowed(arrays), archive: None, in_memory });
            }
        };
        let failed = |source| Error::Arrays { source, path: path.to_owned() };
        let is_npz = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("npz"));
        if !is_npz {
            let arrays = Cow::Owned(concertina_arrays::read(path).map_err(failed)?);
            return Ok(Self { label, arrays, archive: None, in_memory });
        }
        let bytes = concertina_arrays::read_bytes(path).map_err(failed)?;
        let arrays = concertina_arrays::read_npz(&bytes).map_err(failed)?;
        let archive = Archive::of(path, &arrays, &bytes)?;
        Ok(Self { label, arrays: Cow::Owned(arrays), archive, in_memory })
    }

    /// The weights among the arrays, or those of one checkpoint of an exported run.
    fn weights(
        &self,
        place: Option<usize>,
        params: &Params,
        names: &BTreeMap<String, String>,
    ) -> Result<Read> {
        let read = |arrays: &Arrays| reading::weights(File::new(self.label, self.in_memory, arrays), names);
        let (Some(archive), Some(place)) = (&self.archive, place) else { return read(&self.arrays) };
        let arrays = archive.at(place);
        if params.network.kind != NetworkKind::Feedforward {
            return read(&arrays);
        }
        // The names of layers have numbers: the archive uses only our names.
        let params = params.clone().check()?;
        let find = |name: &str| Some(arrays.get(name)?.numbers(name).ok()?.mapv(|number| number as f32));
        let weights = Weights::from_tensors(&params, find).map_err(|error| {
            wrong(
                self.label,
                error.to_string(),
                "an exported feedforward network has as many layers as its `task.delay`",
            )
        })?;
        let arrays = vec![(Weights::RECURRENT, format!("{}.*", Weights::RECURRENT))];
        let (not_used, not_read, notes) = Default::default();
        Ok(Read { weights, arrays, step_of_rates: None, nonlinearity: None, not_used, not_read, notes })
    }
}

/// A matrix or vector, and where it comes from.
struct Found<T> {
    array: T,
    /// Its origin in words, for people: `rnn.weight_hh_l0, transposed`.
    origin: String,
}

type Matrix = Found<Array2<f32>>;
type Vector = Found<Array1<f32>>;

impl Library<'_> {
    /// Keeps weights from elsewhere as a run, so that they can be analysed and drawn like any other. The run
    /// is not trained here, unless it is one that was exported.
    pub(crate) fn import(&self, import: &Import) -> Result<Imported> {
        let mut read = import.read()?;
        match (read.pop(), read.len()) {
            (Some(one), 0) => self.import_read(one),
            (_, others) => Err(wrong(
                import.weights.label(),
                format!("expected one run, found {} in the folder", others + 1),
                "import what is in the folder one by one",
            )),
        }
    }

    /// Keeps a network that was read.
    pub(crate) fn import_read(&self, read: ReadImport) -> Result<Imported> {
        let (run, was_there) = match &read.run {
            Some(run) => (run.key, self.take_over(&read, run)?),
            None => self.keep(&read)?,
        };
        self.write_run_table()?;
        let ReadImport { params, arrays, not_used, not_read, assumed, trials, without_effect, notes, .. } =
            read;
        Ok(Imported {
            run,
            params,
            arrays,
            not_used,
            not_read,
            assumed,
            trials,
            without_effect,
            notes,
            was_there,
        })
    }

    /// Publishes imported networks. Returns the key of the run, and true if the store had them.
    fn keep(&self, read: &ReadImport) -> Result<(RunKey, bool)> {
        let ReadImport { params, networks, arrays, .. } = read;
        let store = self.store;
        let key = RunKey::of(&params.canonical());
        let folder = store.run(&key);
        let there: BTreeSet<_> = folder.checkpoint_ids()?.into_iter().collect();
        let ours: BTreeSet<_> = networks.iter().map(|(checkpoint, ..)| id_of(*checkpoint)).collect();
        if let (false, Some(other)) = (there.is_subset(&ours), there.last()) {
            return Err(wrong(
                &networks[networks.len() - 1].1,
                format!("the store has these networks already, after {} epochs of training", other.epoch),
                &format!("give `epochs={}`, or remove run {} first", other.epoch, key.short()),
            ));
        }
        if there == ours && folder.params()?.is_some() && folder.provenance()?.is_some() {
            return Ok((key, true));
        }
        if there.is_empty() {
            let epochs = networks.iter().map(|(checkpoint, ..)| checkpoint.epoch.0).collect();
            if let Some(earlier) = lookup::earlier(self.store, self.settings.jobs, params, &epochs)? {
                return Ok((earlier, true));
            }
        }
        let claim = folder.claim()?;
        if let Claimed::Held(holder) = &claim {
            return Err(Error::RunFailed {
                run: key.short(),
                message: format!("process {} on {} is importing it", holder.pid, holder.host),
                hint: Some(Hint::text("try again in a moment")),
            });
        }
        let tensors: Vec<(Checkpoint, Tensors)> =
            networks.iter().map(|(checkpoint, _, weights)| (*checkpoint, imported(weights))).collect();
        let given: Vec<_> = tensors.iter().map(|(one, tensors)| (id_of(*one), tensors)).collect();
        let last = tensors.last().map_or(Checkpoint::START, |(one, _)| *one);
        let progress = Progress { epoch: last.epoch.0, update: last.update.0, diverged: None };
        let files: Vec<String> = networks
            .iter()
            .map(|(_, path, _)| path.file_name().unwrap_or_default().to_string_lossy().into_owned())
            .collect();
        let origins: BTreeMap<_, _> = arrays.iter().map(|(name, origin)| (*name, origin)).collect();
        let imported = json!({
            "version": env!("CARGO_PKG_VERSION"), "finished": now(), "files": files, "arrays": origins,
            "not_used": read.not_used, "assumed": read.assumed,
        });
        trials::keep(store, params)?;
        let mut batch = store.batch();
        batch.params(&folder, &params_toml(params));
        batch.packed(&folder, &given, Keep::All);
        batch.provenance(&folder, &json!({ "progress": progress, "training": [], "imported": imported }));
        batch.publish()?;
        drop(claim);
        Ok((key, false))
    }
}

/// The arrays of an imported network, which is not trained.
fn imported(weights: &Weights) -> Tensors {
    tensors_of(&weights.clone().into())
}

/// The name of weights: a hash of their bits, and of those of the network before training.
fn name_of(after: &Weights, before: Option<&Weights>) -> Result<ImportedWeights> {
    let fingerprint = |weights: &Weights| imported(weights).fingerprint();
    let mut identity = format!("after {}\n", fingerprint(after));
    if let Some(before) = before {
        identity.push_str(&format!("before {}\n", fingerprint(before)));
    }
    let digits = &RunKey::of(&identity).to_string()[..32];
    Ok(format!("imported-{digits}").parse()?)
}
