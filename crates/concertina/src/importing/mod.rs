//! Networks that were trained elsewhere: weights from NumPy and PyTorch as a run like others.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use concertina_arrays::Arrays;
use concertina_model::Checkpoint;
use concertina_model::network::{Network, Weights};
use concertina_model::params::{ImportedWeights, LossKind, NetworkKind, Params, ValidParams};
use concertina_model::task::Task;
use concertina_store::{Claimed, Keep, RunKey, Tensors};
use concertina_table::{Scalar, Table};
use ndarray::{Array1, Array2, ArrayD, Ix1, Ix2};
use serde_json::json;

use crate::error::{Error, Result};
use crate::selection::after_epoch;
use crate::study::Study;
use crate::training::provenance::now;
use crate::training::{Progress, id_of, params_toml, tensors_of};

/// Weights to import.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Import {
    /// The network after training, or the only one: a `.npz` or `.safetensors` file.
    pub weights: PathBuf,
    /// The network before training.
    pub before: Option<PathBuf>,
    /// Parameters. Sizes are taken from the weights; `train.epochs` says after how many epochs `weights` are, if there is a network before.
    pub params: Params,
    /// Which array is which, where its name does not say so: from our names to those in the file; `.T` after one means transposed.
    pub names: BTreeMap<String, String>,
}

impl Import {
    /// These weights, with default parameters and names that say what is what.
    pub fn of(weights: impl Into<PathBuf>) -> Self {
        Self { weights: weights.into(), before: None, params: Params::default(), names: BTreeMap::new() }
    }
}

/// What came of an import.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Imported {
    /// The key of the run.
    pub run: RunKey,
    /// Its parameters, which name it: `network.weights` is a hash of the weights.
    pub params: ValidParams,
    /// Which array became which: our name, and how it was made of those in the file.
    pub arrays: Vec<(&'static str, String)>,
    /// Whether the store had it already.
    pub was_there: bool,
}

/// A matrix or vector of a file, and where it is from.
struct Found<T> {
    array: T,
    /// In words, for people: `rnn.weight_hh_l0, transposed`.
    origin: String,
}

type Matrix = Found<Array2<f32>>;
type Vector = Found<Array1<f32>>;

/// The arrays of one network.
struct Reading<'a> {
    arrays: &'a Arrays,
    names: &'a BTreeMap<String, String>,
    path: &'a Path,
}

/// The names that importing knows, ours first; the others are PyTorch's (`torch.nn.RNN`, `torch.nn.RNNCell`), whose matrices act from
/// the left and are transposed here.
const OURS: [&str; 5] =
    [Weights::INPUT, Weights::RECURRENT, Weights::BIAS, Weights::READOUT, Weights::READOUT_BIAS];

impl Study {
    /// Keeps weights from elsewhere as a run, so that they can be analysed and drawn as any other. It is not trained here.
    ///
    /// # Errors
    /// [`Error::Arrays`] and [`Error::Import`] say what is wrong with the file; a parameter that does not go with the weights;
    /// [`Error::Store`].
    pub fn import(&self, import: &Import) -> Result<Imported> {
        let after = read(&import.weights, &import.names)?;
        let before = import.before.as_ref().map(|path| read(path, &import.names)).transpose()?;
        let mut params = import.params.clone();
        fit(&mut params, &after.0, &import.weights)?;
        let epoch = match before {
            Some(_) if params.train.epochs == 0 => {
                return Err(Error::Import {
                    reason: "expected `train.epochs` of at least 1 with a network before training, found 0"
                        .to_owned(),
                    hint: Some("say after how many epochs the weights are: `epochs=12`".to_owned()),
                    path: import.weights.clone(),
                });
            }
            Some(_) => params.train.epochs,
            None => 0,
        };
        let fingerprint = |weights: &Weights| tensors_of(weights).fingerprint();
        let mut identity = format!("after {}\n", fingerprint(&after.0));
        if let Some((weights, _)) = &before {
            identity.push_str(&format!("before {}\n", fingerprint(weights)));
        }
        params.network.weights = Some(name_of(&identity)?);
        let params = params.check()?;
        Task::new(&params)?;
        let mut networks = vec![(after_epoch(&params, epoch), &import.weights, &after.0)];
        if let (Some((weights, _)), Some(path)) = (&before, &import.before) {
            networks.insert(0, (Checkpoint::START, path, weights));
        }
        for (_, path, weights) in &networks {
            let lookup = weights.tensors().into_iter().collect::<BTreeMap<_, _>>();
            let weights = Weights::from_tensors(&params, |name| lookup.get(name).cloned())
                .map_err(|error| Error::from(error).in_file(path))?;
            Network::new(&params, weights).map_err(|error| Error::from(error).in_file(path))?;
        }
        let was_there = self.keep(&params, &networks, &after.1)?;
        self.write_run_table()?;
        let run = RunKey::of(&params.canonical());
        Ok(Imported { run, params, arrays: after.1, was_there })
    }

    /// Publishes imported networks; true if they were there.
    fn keep(
        &self,
        params: &ValidParams,
        networks: &[(Checkpoint, &PathBuf, &Weights)],
        arrays: &[(&'static str, String)],
    ) -> Result<bool> {
        let store = &self.shared.store;
        let key = RunKey::of(&params.canonical());
        let folder = store.run(&key);
        let there: BTreeSet<_> = folder.checkpoint_ids()?.into_iter().collect();
        let complete = networks.iter().all(|(checkpoint, ..)| there.contains(&id_of(*checkpoint)));
        if complete && folder.params()?.is_some() && folder.provenance()?.is_some() {
            return Ok(true);
        }
        let claim = folder.claim()?;
        if let Claimed::Held(holder) = &claim {
            return Err(Error::RunFailed {
                run: key.short(),
                message: format!("process {} on {} imports it just now", holder.pid, holder.host),
                hint: Some("try again in a moment".to_owned()),
            });
        }
        let tensors: Vec<(Checkpoint, Tensors)> =
            networks.iter().map(|(checkpoint, _, weights)| (*checkpoint, tensors_of(weights))).collect();
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
        });
        let mut batch = store.batch();
        batch.params(&folder, &params_toml(params));
        batch.packed(&folder, &given, Keep::All);
        batch.provenance(&folder, &json!({ "progress": progress, "training": [], "imported": imported }));
        batch.publish()?;
        drop(claim);
        Ok(false)
    }
}

/// What was imported, in one row: `run`, `weights`, `was_there`, and each array of ours with what it was made of.
///
/// # Errors
/// None in practice: columns have one length.
pub fn imported_table(imported: &Imported) -> Result<Table> {
    let name = imported.params.network.weights.map(|name| name.to_string());
    let mut cells: Vec<(String, Scalar)> = vec![
        ("run".to_owned(), imported.run.to_string().into()),
        ("weights".to_owned(), name.map_or(Scalar::Null, Scalar::Text)),
        ("was_there".to_owned(), Scalar::Boolean(imported.was_there)),
    ];
    cells.extend(imported.arrays.iter().map(|(ours, theirs)| ((*ours).to_owned(), theirs.clone().into())));
    crate::params_table::row(cells)
}

/// The name of weights with these fingerprints.
fn name_of(identity: &str) -> Result<ImportedWeights> {
    let digits = &RunKey::of(identity).to_string()[..32];
    Ok(format!("imported-{digits}").parse()?)
}

/// Takes sizes from the weights; a size that was given and is another is an error.
fn fit(params: &mut Params, weights: &Weights, path: &Path) -> Result<()> {
    let usual = Params::default();
    let (input_dim, units) = weights.input.dim();
    let outputs = weights.readout.ncols();
    let check = |name: &str, given: usize, usual: usize, found: usize| match given == usual || given == found
    {
        true => Ok(found),
        false => Err(Error::Import {
            reason: format!("`{name}`: expected {given}, as given, found {found} in the weights"),
            hint: Some(format!("leave `{name}` out: it is taken from the weights")),
            path: path.to_owned(),
        }),
    };
    if !matches!(params.network.kind, NetworkKind::Vanilla | NetworkKind::Leaky) {
        return Err(Error::Import {
            reason: format!("expected `network.kind` of vanilla or leaky, found {}", params.network.kind),
            hint: Some("layers of a feedforward network cannot be imported".to_owned()),
            path: path.to_owned(),
        });
    }
    params.network.units = check("network.units", params.network.units, usual.network.units, units)?;
    params.task.input_dim = check("task.input_dim", params.task.input_dim, usual.task.input_dim, input_dim)?;
    if outputs == 1 {
        params.train.loss = LossKind::MseScalar; // the one loss of a single output
    } else {
        params.task.classes = check("task.classes", params.task.classes, usual.task.classes, outputs)?;
    }
    Ok(())
}

/// The weights in a file, and which array became which.
fn read(path: &Path, names: &BTreeMap<String, String>) -> Result<(Weights, Vec<(&'static str, String)>)> {
    let arrays =
        concertina_arrays::read(path).map_err(|source| Error::Arrays { source, path: path.to_owned() })?;
    Reading { arrays: &arrays, names, path }.weights()
}

impl Reading<'_> {
    fn weights(&self) -> Result<(Weights, Vec<(&'static str, String)>)> {
        if let Some(unknown) = self.names.keys().find(|name| !OURS.contains(&name.as_str())) {
            return Err(self.wrong(
                format!("expected one of `{}`, found `{unknown}`", OURS.join("`, `")),
                "as in `--name recurrent_weights=h2h.weight.T`",
            ));
        }
        for other in ["weight_ih_l1", "weight_ih_l0_reverse"] {
            if let Some(name) = self.ending(other).first() {
                return Err(self.wrong(
                    format!("expected one layer in one direction, found `{name}`"),
                    "networks of several layers cannot be imported",
                ));
            }
        }
        let recurrent = self.matrix(Weights::RECURRENT, &["weight_hh_l0", "weight_hh"])?;
        let units = recurrent.array.nrows();
        if recurrent.array.ncols() != units {
            return Err(self.wrong(
                format!(
                    "expected square recurrent weights, found {:?} ({})",
                    recurrent.array.dim(),
                    recurrent.origin
                ),
                "gated networks (LSTM, GRU) cannot be imported: their equations are others",
            ));
        }
        let input = self.matrix(Weights::INPUT, &["weight_ih_l0", "weight_ih"])?;
        let (readout, readout_bias) = self.readout()?;
        let bias = self.bias(units)?;
        let expect = |what: &str, expected: usize, found: usize, origin: &str| match expected == found {
            true => Ok(()),
            false => Err(self.wrong(
                format!("`{what}`: expected {expected} units, found {found} ({origin})"),
                "`.T` after an array's name transposes it: `--name input_weights=w_in.T`",
            )),
        };
        expect(Weights::INPUT, units, input.array.ncols(), &input.origin)?;
        expect(Weights::BIAS, units, bias.array.len(), &bias.origin)?;
        expect(Weights::READOUT, units, readout.array.nrows(), &readout.origin)?;
        if readout_bias.array.len() != readout.array.ncols() {
            return Err(self.wrong(
                format!(
                    "`{}`: expected {} outputs, found {} ({})",
                    Weights::READOUT_BIAS,
                    readout.array.ncols(),
                    readout_bias.array.len(),
                    readout_bias.origin
                ),
                "the readout's weights and bias belong together",
            ));
        }
        let arrays = vec![
            (Weights::INPUT, input.origin),
            (Weights::RECURRENT, recurrent.origin),
            (Weights::BIAS, bias.origin),
            (Weights::READOUT, readout.origin),
            (Weights::READOUT_BIAS, readout_bias.origin),
        ];
        let weights = Weights {
            input: input.array,
            recurrent: vec![recurrent.array],
            biases: vec![bias.array],
            readout: readout.array,
            readout_bias: readout_bias.array,
        };
        Ok((weights, arrays))
    }

    fn wrong(&self, reason: String, hint: &str) -> Error {
        Error::Import { reason, hint: Some(hint.to_owned()), path: self.path.to_owned() }
    }

    /// The names in the file whose last part is this.
    fn ending(&self, last: &str) -> Vec<&str> {
        let ends = |name: &&String| {
            name.strip_suffix(last).is_some_and(|before| before.is_empty() || before.ends_with('.'))
        };
        self.arrays.keys().filter(ends).map(String::as_str).collect()
    }

    /// What somebody said, or our own name if it is there: the array's name, and whether it is transposed.
    fn named(&self, ours: &'static str) -> Option<(&str, bool)> {
        match self.names.get(ours) {
            Some(name) if self.arrays.contains_key(name) => Some((name, false)),
            Some(name) => Some(name.strip_suffix(".T").map_or((name.as_str(), false), |name| (name, true))),
            None => self.arrays.contains_key(ours).then_some((ours, false)),
        }
    }

    /// The one array whose name ends in one of PyTorch's.
    fn one(&self, theirs: &[&str]) -> Result<Option<&str>> {
        for last in theirs {
            match *self.ending(last) {
                [] => {}
                [name] => return Ok(Some(name)),
                ref several => {
                    return Err(self.wrong(
                        format!("expected one array `{last}`, found `{}`", several.join("`, `")),
                        "save the one network alone, or name its arrays with `--name`",
                    ));
                }
            }
        }
        Ok(None)
    }

    fn missing(&self, ours: &str, theirs: &[&str]) -> Error {
        let there: Vec<_> = self.arrays.keys().take(20).map(String::as_str).collect();
        let theirs: Vec<_> = theirs.iter().map(|name| format!(" or `{name}`")).collect();
        let hint = format!(
            "say which it is: `--name {ours}=ARRAY`, with `.T` after it if its rows are where our columns are"
        );
        self.wrong(
            format!("expected an array `{ours}`{}, found `{}`", theirs.concat(), there.join("`, `")),
            &hint,
        )
    }

    fn array(&self, name: &str) -> Result<&ndarray::ArrayD<f64>> {
        let member = self.arrays.get(name).ok_or_else(|| {
            let there: Vec<_> = self.arrays.keys().take(20).map(String::as_str).collect();
            self.wrong(format!("no array `{name}`"), &format!("there are `{}`", there.join("`, `")))
        })?;
        member.numbers(name).map_err(|source| Error::Arrays { source, path: self.path.to_owned() })
    }

    fn matrix_at(&self, name: &str, transposed: bool) -> Result<Matrix> {
        let array = self.array(name)?;
        let matrix: Array2<f32> = match array.view().into_dimensionality::<Ix2>() {
            Ok(matrix) => matrix.mapv(|number| number as f32),
            Err(_) => {
                return Err(self.wrong(
                    format!("`{name}`: expected a matrix, found shape {:?}", array.shape()),
                    "stacks of checkpoints are imported one by one: `array[-1]`",
                ));
            }
        };
        let (array, how) = if transposed {
            (matrix.t().as_standard_layout().into_owned(), ", transposed")
        } else {
            (matrix, "")
        };
        Ok(Found { array, origin: format!("{name}{how}") })
    }

    fn vector_at(&self, name: &str) -> Result<Vector> {
        let array: &ArrayD<f64> = self.array(name)?;
        match array.view().into_dimensionality::<Ix1>() {
            Ok(vector) => Ok(Found { array: vector.mapv(|number| number as f32), origin: name.to_owned() }),
            Err(_) => Err(self.wrong(
                format!("`{name}`: expected a vector, found shape {:?}", array.shape()),
                "in Python: `array.ravel()`",
            )),
        }
    }

    fn matrix(&self, ours: &'static str, theirs: &[&str]) -> Result<Matrix> {
        if let Some((name, transposed)) = self.named(ours) {
            return self.matrix_at(name, transposed);
        }
        match self.one(theirs)? {
            Some(name) => self.matrix_at(name, true),
            None => Err(self.missing(ours, theirs)),
        }
    }

    /// PyTorch has two biases, which are added; without any they are zero.
    fn bias(&self, units: usize) -> Result<Vector> {
        if let Some((name, _)) = self.named(Weights::BIAS) {
            return self.vector_at(name);
        }
        let input = self.one(&["bias_ih_l0", "bias_ih"])?;
        let recurrent = self.one(&["bias_hh_l0", "bias_hh"])?;
        match (input, recurrent) {
            (Some(input), Some(recurrent)) => {
                let (a, b) = (self.array(input)?, self.array(recurrent)?);
                if a.shape() != b.shape() {
                    return Err(self.wrong(
                        format!(
                            "expected `{input}` and `{recurrent}` of one shape, found {:?} and {:?}",
                            a.shape(),
                            b.shape()
                        ),
                        "save the network again",
                    ));
                }
                // Added as they are, and rounded once.
                let sum = (a + b).into_dimensionality::<Ix1>().map_err(|_| {
                    self.wrong(
                        format!("`{input}`: expected a vector, found shape {:?}", a.shape()),
                        "in Python: `array.ravel()`",
                    )
                })?;
                Ok(Found {
                    array: sum.mapv(|number| number as f32),
                    origin: format!("{input} + {recurrent}"),
                })
            }
            (Some(name), None) | (None, Some(name)) => self.vector_at(name),
            (None, None) => Ok(Found { array: Array1::zeros(units), origin: "none: zero".to_owned() }),
        }
    }

    /// Weights and bias of the readout: ours, or those of the one `torch.nn.Linear`.
    fn readout(&self) -> Result<(Matrix, Vector)> {
        let (weights, module) = match self.named(Weights::READOUT) {
            Some((name, transposed)) => (self.matrix_at(name, transposed)?, name.strip_suffix("weight")),
            None => {
                let linear = self.ending("weight");
                match *linear {
                    [name] => (self.matrix_at(name, true)?, name.strip_suffix("weight")),
                    [] => return Err(self.missing(Weights::READOUT, &["linear.weight"])),
                    ref several => {
                        return Err(self.wrong(
                            format!("expected one readout, found `{}`", several.join("`, `")),
                            "say which: `--name readout_weights=linear.weight.T --name readout_bias=linear.bias`",
                        ));
                    }
                }
            }
        };
        let outputs = weights.array.ncols();
        let theirs =
            module.map(|module| format!("{module}bias")).filter(|name| self.arrays.contains_key(name));
        let bias = match (self.named(Weights::READOUT_BIAS), theirs) {
            (Some((name, _)), _) => self.vector_at(name)?,
            (None, Some(name)) => self.vector_at(&name)?,
            (None, None) => Found { array: Array1::zeros(outputs), origin: "none: zero".to_owned() },
        };
        Ok((weights, bias))
    }
}
