//! States in files: read for analyses, and written from runs.

use std::path::Path;

use concertina_analysis::{GivenStates, StatesAt, Timestep};
use concertina_arrays::{Arrays, Member, Npz, Safetensors};
use concertina_model::Checkpoint;
use concertina_model::task::Inputs;
use ndarray::{Array1, Array2, Array3, ArrayD, Axis, Ix2, Ix3};

use crate::error::{Error, Result};
use crate::hint::Hint;
use crate::request::write_new;
use crate::run::Run;
use crate::selection::CheckpointSelection;

/// The names of arrays in files of states.
const STATES: &str = "states";
const LABELS: &str = "labels";
const CONDITIONS: &str = "conditions";
const TIMESTEPS: &str = "timesteps";

/// Reads states, (trials, units) or (trials, timesteps, units), with their labels and conditions, from
/// `.npy`, `.npz` or safetensors.
///
/// A file with a single array has the states, whatever its name. Otherwise they are the array `states`. The
/// arrays `labels` and `conditions`, of the same file or of another one, number the class and the condition
/// of each trial. An array `timesteps` numbers the timesteps, from 0 if there is none. States that are all
/// numbers of single precision are analysed as such, as those of a run are.
///
/// # Errors
/// [`Error::Arrays`] if a file cannot be read; [`Error::States`] says which array was expected.
pub fn read_states(states: &Path, labels: Option<&Path>, seed: u64) -> Result<GivenStates> {
    let file = read(states)?;
    let array = only_or_named(&file, STATES, states)?;
    let array = match array {
        Member::Numbers(array) | Member::Guessed(array) => array.clone(),
        Member::Integers(array) => array.mapv(|entry| entry as f64),
        other => {
            return Err(wrong(
                states,
                STATES,
                "numbers",
                other.in_words(),
                "save the states as floating-point numbers",
            ));
        }
    };
    let found = format!("{:?}", array.shape());
    let array: Array3<f64> = match array.ndim() {
        2 => array.into_dimensionality::<Ix2>().expect("two axes").insert_axis(Axis(1)),
        3 => array.into_dimensionality::<Ix3>().expect("three axes"),
        axes => {
            let hint = match axes {
                ..2 => "with a single trial, add an axis in front: `states[None]`",
                _ => "join axes: `states.reshape(trials, timesteps, units)`",
            };
            let expected = "(trials, units) or (trials, timesteps, units)";
            return Err(wrong(states, STATES, expected, &found, hint));
        }
    };
    let (trials, count, _) = array.dim();
    let timesteps = match file.get(TIMESTEPS) {
        Some(member) => timesteps_of(member, count, states)?,
        None => (0..count as i64).map(Timestep).collect(),
    };
    let other = labels.map(read).transpose()?;
    let mut found = [None, None];
    for (name, found) in [LABELS, CONDITIONS].into_iter().zip(&mut found) {
        let from = match (&other, labels) {
            // the only array of a file of labels has the labels
            (Some(other), Some(path))
                if other.len() == 1 && name == LABELS && !other.contains_key(CONDITIONS) =>
            {
                other.values().next().map(|member| (member, path))
            }
            (Some(other), Some(path)) => other.get(name).map(|member| (member, path)),
            _ => None,
        };
        let from = from.or_else(|| file.get(name).map(|member| (member, states)));
        *found = from.map(|(member, path)| numbered(member, name, trials, path)).transpose()?;
    }
    if let (Some(path), [None, None]) = (labels, &found) {
        let names = listed(&other.unwrap_or_default());
        return Err(wrong(
            path,
            LABELS,
            "whole numbers, one for each trial",
            &names,
            "name the array `labels`",
        ));
    }
    let [classes, conditions] = found;
    let is_single = array.iter().all(|entry| f64::from(*entry as f32) == *entry || !entry.is_finite());
    let at_each = array.axis_iter(Axis(1));
    let states = match is_single {
        true => StatesAt::Single(at_each.map(|one| one.mapv(|entry| entry as f32)).collect()),
        false => StatesAt::Double(at_each.map(|one| one.as_standard_layout().into_owned()).collect()),
    };
    Ok(GivenStates { timesteps, states, classes, conditions, seed })
}

fn read(path: &Path) -> Result<Arrays> {
    concertina_arrays::read(path).map_err(|source| Error::Arrays { source, path: path.to_owned() })
}

/// The array of this name, or the only one.
fn only_or_named<'a>(file: &'a Arrays, name: &str, path: &Path) -> Result<&'a Member> {
    let mut all = file.values();
    match (file.get(name), all.next(), all.next()) {
        (Some(named), ..) => Ok(named),
        (None, Some(only), None) => Ok(only),
        _ => Err(wrong(
            path,
            name,
            "an array of this name, or a single array",
            &listed(file),
            "name the array of states `states`",
        )),
    }
}

/// The names in a file, for messages.
fn listed(file: &Arrays) -> String {
    let names: Vec<String> = file.keys().take(10).map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "no array".to_owned() } else { names.join(", ") }
}

/// Whole numbers, one for each trial.
fn numbered(member: &Member, name: &str, trials: usize, path: &Path) -> Result<Vec<u32>> {
    let whole = whole_numbers(member);
    if let Some(array) = whole.as_ref().filter(|array| array.ndim() == 1 && array.len() != trials) {
        let expected = format!("{trials} numbers, one for each trial");
        let hint = "the first axis of the states has the trials";
        return Err(wrong(path, name, &expected, &array.len().to_string(), hint));
    }
    let numbers: Option<Vec<u32>> = whole
        .filter(|array| array.ndim() == 1 && array.len() == trials)
        .and_then(|array| array.iter().map(|number| u32::try_from(*number).ok()).collect());
    numbers.ok_or_else(|| {
        let expected = format!("whole numbers from 0, ({trials}), one for each trial");
        let hint = "number them: `numpy.unique(labels, return_inverse=True)[1]`";
        wrong(path, name, &expected, &described(member), hint)
    })
}

fn timesteps_of(member: &Member, count: usize, path: &Path) -> Result<Vec<Timestep>> {
    let numbers = whole_numbers(member).filter(|array| array.ndim() == 1 && array.len() == count);
    let increasing = numbers.filter(|array| {
        let all: Vec<i64> = array.iter().copied().collect();
        all.windows(2).all(|pair| pair[0] < pair[1])
    });
    let expected = format!("increasing whole numbers, ({count}), one for each timestep");
    increasing.map(|array| array.iter().copied().map(Timestep).collect()).ok_or_else(|| {
        wrong(path, TIMESTEPS, &expected, &described(member), "leave the array out to count from 0")
    })
}

/// The whole numbers of an array, if all its numbers are whole.
fn whole_numbers(member: &Member) -> Option<ArrayD<i64>> {
    match member {
        Member::Integers(array) => Some(array.clone()),
        Member::Truths(array) => Some(array.mapv(i64::from)),
        Member::Numbers(array) | Member::Guessed(array) => {
            let whole = |entry: &f64| *entry == entry.trunc() && entry.abs() < 1e15;
            array.iter().all(whole).then(|| array.mapv(|entry| entry as i64))
        }
        _ => None,
    }
}

fn described(member: &Member) -> String {
    match member {
        Member::Numbers(array) | Member::Guessed(array) => format!("numbers {:?}", array.shape()),
        Member::Integers(array) => format!("integers {:?}", array.shape()),
        Member::Truths(array) => format!("truth values {:?}", array.shape()),
        other => other.in_words().to_owned(),
    }
}

fn wrong(path: &Path, array: &str, expected: &str, found: &str, hint: &str) -> Error {
    Error::States {
        reason: format!("`{array}`: expected {expected}, found {found}"),
        hint: Hint::text(hint),
        path: path.to_owned(),
    }
}

/// Which states of a run are written.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct StatesOf {
    /// Number of trials that the network is shown, as in analyses.
    pub samples: usize,
    /// Continue the trials to this timestep, with zero input.
    pub extend_to: Option<Timestep>,
    /// Only these timesteps; all if empty.
    pub timesteps: Vec<usize>,
}

impl Default for StatesOf {
    fn default() -> Self {
        Self { samples: 500, extend_to: None, timesteps: Vec::new() }
    }
}

impl Run {
    /// Writes the states of the network at a checkpoint, and the trials that it was shown, into a new `.npz`
    /// or safetensors file that [`read_states`] reads.
    ///
    /// It has the arrays `states` (trials, timesteps, units), `inputs` (trials, timesteps, inputs),
    /// `timesteps`, where known `labels` and `conditions` (trials), and `epoch` and `update`. The text
    /// `description.json`, among the metadata of a safetensors file, names the axes of each array and has the
    /// parameters of the run.
    ///
    /// # Errors
    /// [`Error::Write`], also if the file exists; as [`Run::states`].
    pub fn write_states(&self, checkpoint: Checkpoint, which: &StatesOf, file: &Path) -> Result<()> {
        check_states_format(file)?;
        let (trials, states) = self.states(checkpoint, which.samples, which.extend_to)?;
        let count = states.dim().1;
        let chosen: Vec<usize> =
            if which.timesteps.is_empty() { (0..count).collect() } else { which.timesteps.clone() };
        if let Some(wrong) = chosen.iter().find(|timestep| **timestep >= count) {
            return Err(Error::Analysis(concertina_analysis::Error::Parameter {
                analysis: STATES,
                parameter: TIMESTEPS,
                expected: format!("timesteps from 0 to {}", count - 1),
                found: wrong.to_string(),
                hint: "continue the trials with a later `extend_to`, or leave the timestep out".to_owned(),
            }));
        }
        let vector = |numbers: Vec<i64>| Array1::from(numbers).into_dyn();
        let whole = |numbers: &[u32]| vector(numbers.iter().map(|number| i64::from(*number)).collect());
        let real = [
            (STATES, states.select(Axis(1), &chosen).into_dyn()),
            ("inputs", timed(&trials.inputs, count).select(Axis(1), &chosen).into_dyn()),
        ];
        let mut integers = vec![
            (TIMESTEPS, vector(chosen.iter().map(|timestep| *timestep as i64).collect())),
            ("epoch", vector(vec![checkpoint.epoch.0 as i64])),
            ("update", vector(vec![checkpoint.update.0 as i64])),
        ];
        integers.extend(trials.labels().map(|labels| (LABELS, whole(&labels))));
        if !trials.conditions.is_empty() {
            integers.push((CONDITIONS, whole(&trials.conditions)));
        }
        let described = serde_json::json!({
            "axes": {
                "states": ["trials", "timesteps", "units"],
                "inputs": ["trials", "timesteps", "inputs"],
                "timesteps": ["timesteps"],
                "labels": ["trials"],
                "conditions": ["trials"],
            },
            "params": self.params(),
        });
        let described = format!("{described:#}\n");
        let bytes = if ends_in(file, "npz") {
            let mut npz = Npz::new();
            real.iter().try_for_each(|(name, array)| npz.array(name, array))?;
            integers.iter().try_for_each(|(name, array)| npz.array(name, array))?;
            npz.text("description.json", &described)?;
            npz.finish()?
        } else {
            let mut tensors = Safetensors::default();
            real.iter().for_each(|(name, array)| tensors.array(name, array));
            integers.iter().for_each(|(name, array)| tensors.array(name, array));
            tensors.text("description.json", &described);
            tensors.finish()?
        };
        write_new(file, &bytes)
    }
}

impl Run {
    /// The only checkpoint of a selection.
    ///
    /// # Errors
    /// [`Error::OneCheckpoint`] if there are several, or none.
    pub fn one_checkpoint(&self, selection: &CheckpointSelection) -> Result<Checkpoint> {
        let chosen = selection.resolve(self.params(), self.record().end);
        match chosen.iter().collect::<Vec<_>>().as_slice() {
            [one] => Ok(**one),
            all => Err(Error::OneCheckpoint { found: all.len() }),
        }
    }
}

/// Checks, before anything is computed, that [`Run::write_states`] knows the format.
///
/// # Errors
/// [`Error::StatesFormat`].
pub fn check_states_format(file: &Path) -> Result<()> {
    match ends_in(file, "npz") || ends_in(file, "safetensors") {
        true => Ok(()),
        false => Err(Error::StatesFormat { path: file.to_owned() }),
    }
}

fn ends_in(file: &Path, ending: &str) -> bool {
    file.extension().is_some_and(|found| found.eq_ignore_ascii_case(ending))
}

/// The inputs at each timestep, zero after the last, (trials, timesteps, inputs).
fn timed(inputs: &Inputs, timesteps: usize) -> Array3<f32> {
    let mut all = Array3::zeros((inputs.len(), timesteps, inputs.dimension()));
    for (timestep, mut at) in all.axis_iter_mut(Axis(1)).enumerate() {
        let shown: Option<Array2<f32>> = match inputs {
            Inputs::Held { stimuli, hold } => (timestep < *hold).then(|| stimuli.clone()),
            Inputs::Timed(inputs) => {
                (timestep < inputs.dim().1).then(|| inputs.index_axis(Axis(1), timestep).to_owned())
            }
        };
        if let Some(shown) = shown {
            at.assign(&shown);
        }
    }
    all
}
