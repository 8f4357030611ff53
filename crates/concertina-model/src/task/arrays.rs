//! `trials`: imported trials, from a file or from arrays in memory.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use concertina_numerics::random::{Purpose, Stream};
use ndarray::{Array1, ArrayD};

use super::reading::{self, Part};
use super::{Ask, Inputs, Mask, Targets, Task, TaskShape, Trials};
use crate::error::{Error, Result};
use crate::params::{TaskParams, TrialsName, ValidParams};

const ORDER: Purpose = Purpose::new("trials order");

/// Imported trials, in a training set and a validation set: the task of `task.kind = trials`.
///
/// ```
/// use concertina_model::params::{Params, TaskKind};
/// use concertina_model::task::{Inputs, Mask, Targets, TrialArrays, Trials};
/// use ndarray::Array3;
///
/// // The target is the input of the previous timestep.
/// let inputs = Array3::from_shape_fn((40, 10, 1), |(trial, step, _)| ((3 * trial + step) % 5) as f32);
/// let mut targets = Array3::zeros((40, 10, 1));
/// targets.slice_mut(ndarray::s![.., 1.., ..]).assign(&inputs.slice(ndarray::s![.., ..9, ..]));
/// let trials = Trials {
///     inputs: Inputs::Timed(inputs),
///     targets: Targets::Real(targets),
///     mask: Mask::Last(9),
///     conditions: Vec::new(),
/// };
/// let mut params = Params::default();
/// params.task.kind = TaskKind::Trials;
/// params.task.file = Some(TrialArrays::new(trials, None)?.into());
/// let params = params.check()?;
/// assert_eq!((params.train_samples(), params.val_samples(), params.outputs()), (34, 6, 1));
/// # Ok::<(), concertina_model::Error>(())
/// ```
#[derive(Clone)]
pub struct TrialArrays {
    training: Trials,
    validation: Trials,
    shape: TaskShape,
    name: TrialsName,
}

/// Trials with the same content are equal.
impl PartialEq for TrialArrays {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl fmt::Debug for TrialArrays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { training, validation, shape, name } = self;
        let mut shown = f.debug_struct("TrialArrays");
        shown.field("name", name).field("training", &training.len()).field("validation", &validation.len());
        shown.field("shape", shape).finish()
    }
}

impl TrialArrays {
    /// Trials for training and for validation. If there are none for validation, the last 15% of the trials
    /// (rounded, at least one) are used for that.
    ///
    /// # Errors
    /// [`Error::Trials`] names the part that is wrong. Expected are inputs at every timestep, (trials,
    /// timesteps, inputs); finite numbers; at least two classes, numbered from 0; and, in each set, at least
    /// one timestep at which the loss counts.
    pub fn new(trials: Trials, validation: Option<Trials>) -> Result<Self> {
        let (training, validation) = match validation {
            Some(validation) => (trials, validation),
            None => split(trials)?,
        };
        let training = reading::settled(training, Part::Training)?;
        let validation = reading::settled(validation, Part::Validation)?;
        let shape = reading::common_shape(&training, &validation)?;
        let name = TrialsName::of(content_hash(&tensors(&training, &validation)));
        Ok(Self { training, validation, shape, name })
    }

    /// Reads a `.npz` file with these arrays:
    ///
    /// * `inputs`, (trials, timesteps, inputs).
    /// * `targets`: integers, (trials) or (trials, timesteps), for classes; numbers, (trials, timesteps,
    ///   outputs), for real targets.
    /// * `mask`, (trials, timesteps): true where the loss counts. Without it, the loss counts everywhere.
    /// * `condition`, (trials), integers: the conditions, if trials have any.
    /// * `val_inputs`, `val_targets`, `val_mask` and `val_condition`: the same for the trials of the
    ///   validation set; see [`TrialArrays::new`].
    ///
    /// # Errors
    /// [`Error::TrialsFile`] if the file cannot be read; [`Error::Trials`] if an array is wrong.
    pub fn read(path: &Path) -> Result<Self> {
        let failed = |source| Error::TrialsFile { source, path: path.to_owned() };
        let arrays = concertina_arrays::read(path).map_err(failed)?;
        Self::of_arrays(&arrays).map_err(|error| error.in_trials_of(path))
    }

    /// Trials in the arrays of a file, as in [`TrialArrays::read`].
    ///
    /// # Errors
    /// [`Error::Trials`].
    pub fn of_arrays(arrays: &concertina_arrays::Arrays) -> Result<Self> {
        let (trials, validation) = reading::read(arrays)?;
        Self::new(trials, validation)
    }

    /// The name of the trials: a hash of their content, whatever file they came from.
    pub fn name(&self) -> TrialsName {
        self.name
    }

    /// The training set.
    pub fn training(&self) -> &Trials {
        &self.training
    }

    /// The validation set, which analyses use too.
    pub fn validation(&self) -> &Trials {
        &self.validation
    }

    /// The sizes of the trials.
    pub fn shape(&self) -> &TaskShape {
        &self.shape
    }

    /// All of the content as single-precision arrays, under the names of [`TrialArrays::read`]. Where the
    /// loss counts at the last timesteps of every trial, `last` says at how many and replaces `mask`. Stores
    /// keep trials in this form.
    pub fn to_tensors(&self) -> BTreeMap<String, ArrayD<f32>> {
        tensors(&self.training, &self.validation)
    }

    /// Reads the result of [`TrialArrays::to_tensors`].
    ///
    /// # Errors
    /// [`Error::Trials`].
    pub fn from_tensors(tensors: &BTreeMap<String, ArrayD<f32>>) -> Result<Self> {
        let of = |part: Part| reading::from_tensors(tensors, part);
        Self::new(of(Part::Training)?, Some(of(Part::Validation)?))
    }
}

/// Splits off the last 15% for validation.
fn split(trials: Trials) -> Result<(Trials, Trials)> {
    let count = trials.len();
    let validating = ((0.15 * count as f64).round() as usize).max(1);
    if validating >= count {
        return Err(reading::wrong(
            "inputs",
            "at least two trials, one to train on and one to validate with",
            format!("{count}"),
            "give more trials, or those to validate with as `val_inputs` and `val_targets`",
        ));
    }
    let all: Vec<usize> = (0..count).collect();
    let (training, validation) = all.split_at(count - validating);
    Ok((trials.select(training), trials.select(validation)))
}

fn tensors(training: &Trials, validation: &Trials) -> BTreeMap<String, ArrayD<f32>> {
    let mut tensors = BTreeMap::new();
    for (part, trials) in [(Part::Training, training), (Part::Validation, validation)] {
        let mut put = |name: &str, array: ArrayD<f32>| drop(tensors.insert(part.of(name), array));
        if let Inputs::Timed(inputs) = &trials.inputs {
            put("inputs", inputs.clone().into_dyn());
        }
        put(
            "targets",
            match &trials.targets {
                Targets::Class(classes) => numbers(classes),
                Targets::ClassAt(classes) => classes.mapv(|class| class as f32).into_dyn(),
                Targets::Real(targets) => targets.clone().into_dyn(),
            },
        );
        if let Mask::At(mask) = &trials.mask {
            put("mask", mask.mapv(|counts| if counts { 1.0 } else { 0.0 }).into_dyn());
        }
        if let Mask::Last(last) = trials.mask {
            put("last", numbers(&[last as u32]));
        }
        if !trials.conditions.is_empty() {
            put("condition", numbers(&trials.conditions));
        }
    }
    tensors
}

fn numbers(integers: &[u32]) -> ArrayD<f32> {
    integers.iter().map(|&integer| integer as f32).collect::<Array1<f32>>().into_dyn()
}

/// The first half of the BLAKE3 hash of names, shapes and values. Frozen by a test, because it is part of the
/// keys of runs.
fn content_hash(tensors: &BTreeMap<String, ArrayD<f32>>) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"concertina trials 1");
    let mut bytes = Vec::new();
    for (name, array) in tensors {
        for length in [name.len(), array.ndim()].iter().chain(array.shape()) {
            hasher.update(&(*length as u64).to_le_bytes());
        }
        hasher.update(name.as_bytes());
        bytes.clear();
        array.iter().for_each(|value| bytes.extend_from_slice(&value.to_le_bytes()));
        hasher.update(&bytes);
    }
    let hash = hasher.finalize();
    hash.as_bytes()[..16].try_into().expect("half of 32 bytes")
}

const READ: &str = "check() has read them";

/// The task that shows imported trials.
#[derive(Clone, Debug)]
pub struct FromArrays {
    arrays: Arc<TrialArrays>,
    seed: u64,
}

impl FromArrays {
    /// The task of a realisation.
    pub(super) fn new(params: &ValidParams) -> Self {
        let arrays = params.task.arrays().expect(READ);
        Self { arrays: Arc::clone(arrays), seed: params.seed }
    }

    /// The sizes of its trials.
    pub(super) fn shape(task: &TaskParams) -> TaskShape {
        task.arrays().expect(READ).shape
    }
}

impl Task for FromArrays {
    fn shape(&self) -> TaskShape {
        self.arrays.shape
    }

    /// Training trials are shuffled differently in every epoch; validation trials keep their order. An
    /// analysis gets the requested number of validation trials, or all if there are fewer. They are taken
    /// from the conditions in turn, and are in the order of the file.
    fn trials(&self, ask: Ask) -> Trials {
        let TrialArrays { training, validation, .. } = &*self.arrays;
        match ask {
            Ask::Training(epoch) => {
                let mut order: Vec<usize> = (0..training.len()).collect();
                Stream::new(self.seed, ORDER, epoch).shuffle(&mut order);
                training.select(&order)
            }
            Ask::Validation(_) => validation.clone(),
            Ask::Analysis { count } => validation.select(&spread(validation, count)),
        }
    }
}

/// Selects `count` trials, spread as evenly over the conditions as possible, in the order of the file.
fn spread(trials: &Trials, count: usize) -> Vec<usize> {
    let mut rounds: BTreeMap<u32, usize> = BTreeMap::new();
    let mut places: Vec<(usize, usize)> = (0..trials.len())
        .map(|trial| {
            let of_condition = trials.conditions.get(trial).map(|one| rounds.entry(*one).or_default());
            let round = of_condition.map_or(0, |round| std::mem::replace(round, *round + 1));
            (round, trial)
        })
        .collect();
    places.sort_unstable();
    places.truncate(count);
    let mut chosen: Vec<usize> = places.into_iter().map(|(_, trial)| trial).collect();
    chosen.sort_unstable();
    chosen
}
