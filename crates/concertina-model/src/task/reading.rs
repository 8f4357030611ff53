//! Checks that arrays are trials: their shapes, types and values. Every error says what to do.

use std::collections::BTreeMap;

use concertina_arrays::{Arrays, Member};
use ndarray::{Array2, Array3, ArrayD, ArrayView1, Ix2, Ix3};

use super::{Inputs, Mask, Target, Targets, TaskShape, Trials};
use crate::error::{Error, Result};

/// The largest class, and the largest condition. It is arbitrary: numbers that are not labels are often
/// larger. Single precision represents it exactly.
const MOST_NUMBERED: i64 = 1_000_000;

/// The arrays that trials are made of.
const NAMES: [&str; 4] = ["inputs", "targets", "mask", "condition"];

/// The set that trials belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Training,
    Validation,
}

impl Part {
    /// The name of an array of these trials.
    pub(super) fn of(self, name: &str) -> String {
        match self {
            Self::Training => name.to_owned(),
            Self::Validation => format!("val_{name}"),
        }
    }
}

/// An error that says what was expected of an array, what was found, and what to do.
pub(super) fn wrong(
    array: &str,
    expected: impl Into<String>,
    found: impl Into<String>,
    hint: impl Into<String>,
) -> Error {
    let (array, expected, found, hint) = (format!("`{array}`"), expected.into(), found.into(), hint.into());
    Error::Trials { array, expected, found, hint }
}

fn axes(shape: &[usize]) -> String {
    let axes: Vec<String> = shape.iter().map(usize::to_string).collect();
    format!("({})", axes.join(", "))
}

/// The trials in the arrays of a file, and those for validation, if there are any.
pub(super) fn read(arrays: &Arrays) -> Result<(Trials, Option<Trials>)> {
    misspelt(arrays)?;
    let training = Reader { arrays, part: Part::Training }.trials()?;
    let has_validation = NAMES.iter().any(|name| arrays.contains_key(&Part::Validation.of(name)));
    let validation =
        has_validation.then(|| Reader { arrays, part: Part::Validation }.trials()).transpose()?;
    Ok((training, validation))
}

/// Refuses a name that is nearly one of ours: a mask that is called `masks` would otherwise be ignored.
fn misspelt(arrays: &Arrays) -> Result<()> {
    let names: Vec<String> =
        [Part::Training, Part::Validation].iter().flat_map(|part| NAMES.map(|name| part.of(name))).collect();
    let absent = || names.iter().filter(|name| !arrays.contains_key(*name)).map(String::as_str);
    for found in arrays.keys().filter(|found| !names.contains(found)) {
        if let Some(nearest) = concertina_names::nearest(found, absent()) {
            return Err(wrong(
                nearest,
                format!("`{nearest}`, or no array of a similar name"),
                format!("`{found}`"),
                format!("rename `{found}` to `{nearest}`, or to another name if it is something else"),
            ));
        }
    }
    Ok(())
}

/// The arrays of one part.
struct Reader<'a> {
    arrays: &'a Arrays,
    part: Part,
}

impl Reader<'_> {
    fn trials(&self) -> Result<Trials> {
        let inputs = self.inputs()?;
        let (count, timesteps, _) = inputs.dim();
        let mask = self.mask(count, timesteps)?;
        let targets = self.targets(count, timesteps, mask.as_ref())?;
        let conditions = self.conditions(count)?;
        let mask = mask.map_or(Mask::Last(timesteps), Mask::At);
        Ok(Trials { inputs: Inputs::Timed(inputs), targets, mask, conditions })
    }

    fn member(&self, name: &str) -> Option<&Member> {
        self.arrays.get(&self.part.of(name))
    }

    /// The error for an array of the wrong type or shape.
    fn refuse(&self, name: &str, expected: &str, hint: &str) -> Error {
        let found = match self.member(name) {
            Some(Member::Numbers(array) | Member::Guessed(array)) => {
                format!("numbers {}", axes(array.shape()))
            }
            Some(Member::Integers(array)) => format!("integers {}", axes(array.shape())),
            Some(Member::Truths(array)) => format!("truth values {}", axes(array.shape())),
            Some(Member::Other(found) | Member::Plain(found)) => found.clone(),
            None if self.arrays.is_empty() => "no array".to_owned(),
            None => {
                let names: Vec<String> =
                    self.arrays.keys().take(10).map(|name| format!("`{name}`")).collect();
                format!("no such array, only {}", names.join(", "))
            }
        };
        wrong(&self.part.of(name), expected, found, hint)
    }

    fn inputs(&self) -> Result<Array3<f32>> {
        let numbers = match self.member("inputs") {
            Some(Member::Numbers(array) | Member::Guessed(array)) => Some(array.mapv(|number| number as f32)),
            Some(Member::Integers(array)) => Some(array.mapv(|number| number as f32)),
            Some(Member::Truths(array)) => Some(array.mapv(|truth| f32::from(u8::from(truth)))),
            _ => None,
        };
        numbers.and_then(|array| array.into_dimensionality::<Ix3>().ok()).ok_or_else(|| {
            self.refuse(
                "inputs",
                "numbers (trials, timesteps, inputs)",
                "in Python: `numpy.savez(\"trials.npz\", inputs=x, targets=y)`; a single input needs an axis too: `x[..., None]`",
            )
        })
    }

    /// Where the loss counts; `None` if there is no mask.
    fn mask(&self, count: usize, timesteps: usize) -> Result<Option<Array2<bool>>> {
        let hint = "in Python: `mask.astype(bool)`; the loss counts where it is true, with the same weight everywhere";
        let expected =
            format!("truth values, or only 0 and 1, ({count}, {timesteps}) as (trials, timesteps)");
        let truths = match self.member("mask") {
            None => return Ok(None),
            Some(Member::Truths(array)) => Some(array.clone()),
            Some(Member::Integers(array)) => truths(array.iter().map(|one| *one as f64), array.shape()),
            Some(Member::Numbers(array) | Member::Guessed(array)) => {
                truths(array.iter().copied(), array.shape())
            }
            Some(Member::Other(_) | Member::Plain(_)) => None,
        };
        let mask = truths.and_then(|array| array.into_dimensionality::<Ix2>().ok());
        match mask.filter(|mask| mask.dim() == (count, timesteps)) {
            Some(mask) => Ok(Some(mask)),
            None => Err(self.refuse("mask", &expected, hint)),
        }
    }

    fn targets(&self, count: usize, timesteps: usize, mask: Option<&Array2<bool>>) -> Result<Targets> {
        let integers = match self.member("targets") {
            Some(Member::Integers(array)) => Some(array.clone()),
            Some(Member::Truths(array)) => Some(array.mapv(i64::from)),
            Some(Member::Numbers(array) | Member::Guessed(array)) if array.ndim() == 3 => {
                return self.reals(array.mapv(|number| number as f32), count, timesteps);
            }
            _ => None,
        };
        let counts = |trial: usize, step: usize| mask.is_none_or(|mask| mask[[trial, step]]);
        match integers {
            Some(array) if array.shape() == [count] => {
                let number = |(trial, class): (usize, &i64)| self.numbered("targets", *class, &[trial]);
                Ok(Targets::Class(array.iter().enumerate().map(number).collect::<Result<_>>()?))
            }
            Some(array) if array.shape() == [count, timesteps] => {
                let mut classes = Array2::zeros((count, timesteps));
                for ((trial, step), class) in classes.indexed_iter_mut() {
                    if counts(trial, step) {
                        *class = self.numbered("targets", array[[trial, step]], &[trial, step])?;
                    }
                }
                Ok(Targets::ClassAt(classes))
            }
            Some(array) if array.ndim() == 3 => {
                self.reals(array.mapv(|number| number as f32), count, timesteps)
            }
            _ => Err(self.refuse("targets", &expected_targets(count, timesteps), TARGETS_HINT)),
        }
    }

    fn reals(&self, array: ArrayD<f32>, count: usize, timesteps: usize) -> Result<Targets> {
        match array.into_dimensionality::<Ix3>() {
            Ok(targets) if targets.dim().0 == count && targets.dim().1 == timesteps => {
                Ok(Targets::Real(targets))
            }
            _ => Err(self.refuse("targets", &expected_targets(count, timesteps), TARGETS_HINT)),
        }
    }

    fn conditions(&self, count: usize) -> Result<Vec<u32>> {
        let hint = "number the conditions: `numpy.unique(conditions, return_inverse=True)[1]`";
        match self.member("condition") {
            None => Ok(Vec::new()),
            Some(Member::Integers(array)) if array.shape() == [count] => {
                let number = |(trial, one): (usize, &i64)| self.numbered("condition", *one, &[trial]);
                array.iter().enumerate().map(number).collect()
            }
            Some(_) => Err(self.refuse("condition", &format!("integers ({count}), one per trial"), hint)),
        }
    }

    /// Checks the number of a class or a condition.
    fn numbered(&self, name: &str, number: i64, place: &[usize]) -> Result<u32> {
        if (0..=MOST_NUMBERED).contains(&number) {
            return Ok(number as u32);
        }
        Err(wrong(
            &self.part.of(name),
            format!("integers from 0 to {MOST_NUMBERED}"),
            format!("{number} at {}", axes(place)),
            match name {
                "targets" => "number the classes from 0; exclude timesteps without a class with `mask`",
                _ => "number the conditions: `numpy.unique(conditions, return_inverse=True)[1]`",
            },
        ))
    }
}

const TARGETS_HINT: &str = "in Python: `targets.astype(int)` if they are classes, `targets[..., None]` if they are one real number at each timestep";

fn expected_targets(count: usize, timesteps: usize) -> String {
    format!(
        "integers ({count}) or ({count}, {timesteps}) for classes, or numbers ({count}, {timesteps}, outputs)"
    )
}

/// Numbers as truth values; `None` if one is neither 0 nor 1.
fn truths(numbers: impl Iterator<Item = f64>, shape: &[usize]) -> Option<ArrayD<bool>> {
    let truth = |number: f64| match number {
        0.0 => Some(false),
        1.0 => Some(true),
        _ => None,
    };
    ArrayD::from_shape_vec(shape, numbers.map(truth).collect::<Option<Vec<bool>>>()?).ok()
}

/// Checks trials and brings them into the one form that their content has. Targets are 0 where the loss does
/// not count, and a mask that is true at the last timesteps of every trial is replaced by their number.
pub(super) fn settled(mut trials: Trials, part: Part) -> Result<Trials> {
    let Inputs::Timed(inputs) = &trials.inputs else {
        let expected = "an input at every timestep, (trials, timesteps, inputs)";
        return Err(wrong(&part.of("inputs"), expected, "one stimulus per trial", "give `Inputs::Timed`"));
    };
    let (count, timesteps, width) = inputs.dim();
    if count == 0 || timesteps == 0 || width == 0 {
        let found = axes(&[count, timesteps, width]);
        let expected = "numbers (trials, timesteps, inputs), at least one of each";
        return Err(wrong(&part.of("inputs"), expected, found, "check the shape of the array"));
    }
    if let Some((place, value)) = inputs.indexed_iter().find(|(_, value)| !value.is_finite()) {
        return Err(not_finite(&part.of("inputs"), *value, &[place.0, place.1, place.2]));
    }
    trials.mask = settled_mask(trials.mask, count, timesteps, part)?;
    settle_targets(&mut trials.targets, &trials.mask, [count, timesteps], part)?;
    let found = trials.conditions.len();
    if found != 0 && found != count {
        let expected = format!("{count}, one per trial");
        return Err(wrong(&part.of("condition"), expected, found.to_string(), "give one per trial"));
    }
    Ok(trials)
}

fn not_finite(array: &str, value: f32, place: &[usize]) -> Error {
    let hint = "replace missing values with 0, and exclude their timesteps with `mask`";
    wrong(array, "finite numbers in single precision", format!("{value} at {}", axes(place)), hint)
}

fn settled_mask(mask: Mask, count: usize, timesteps: usize, part: Part) -> Result<Mask> {
    let name = part.of("mask");
    let mask = match mask {
        Mask::Last(last) if last <= timesteps => Mask::Last(last),
        Mask::Last(last) => {
            let expected = format!("at most the {timesteps} timesteps of a trial");
            return Err(wrong(&name, expected, last.to_string(), "choose fewer timesteps"));
        }
        Mask::At(mask) if mask.dim() != (count, timesteps) => {
            let (expected, found) = (axes(&[count, timesteps]), axes(mask.shape()));
            return Err(wrong(&name, expected, found, "give one row per trial"));
        }
        Mask::At(mask) => {
            let last = mask.row(0).iter().rev().take_while(|counts| **counts).count();
            let is_last = |row: ArrayView1<'_, bool>| {
                row.iter().enumerate().all(|(step, counts)| *counts == (step + last >= timesteps))
            };
            if mask.outer_iter().all(is_last) { Mask::Last(last) } else { Mask::At(mask) }
        }
    };
    let counts_any = match &mask {
        Mask::Last(last) => *last > 0,
        Mask::At(mask) => mask.iter().any(|counts| *counts),
    };
    if counts_any {
        return Ok(mask);
    }
    Err(wrong(
        &name,
        "at least one timestep at which the loss counts",
        "none in any trial",
        "set it to true where the network should respond",
    ))
}

fn settle_targets(
    targets: &mut Targets,
    mask: &Mask,
    [count, timesteps]: [usize; 2],
    part: Part,
) -> Result<()> {
    let name = part.of("targets");
    let counts = |trial: usize, step: usize| match mask {
        Mask::Last(last) => step + last >= timesteps,
        Mask::At(mask) => mask[[trial, step]],
    };
    let found = match targets {
        Targets::Class(classes) => vec![classes.len()],
        Targets::ClassAt(classes) => classes.shape().to_vec(),
        Targets::Real(targets) => targets.shape().to_vec(),
    };
    let fits = match &found[..] {
        [trials] => *trials == count,
        [trials, steps] => [*trials, *steps] == [count, timesteps],
        [trials, steps, outputs] => [*trials, *steps] == [count, timesteps] && *outputs > 0,
        _ => false,
    };
    if !fits {
        return Err(wrong(&name, expected_targets(count, timesteps), axes(&found), TARGETS_HINT));
    }
    match targets {
        Targets::Class(_) => {}
        Targets::ClassAt(classes) => {
            classes
                .indexed_iter_mut()
                .filter(|(place, _)| !counts(place.0, place.1))
                .for_each(|(_, class)| *class = 0);
        }
        Targets::Real(targets) => {
            for ((trial, step, output), target) in targets.indexed_iter_mut() {
                if !counts(trial, step) {
                    *target = 0.0;
                } else if !target.is_finite() {
                    return Err(not_finite(&name, *target, &[trial, step, output]));
                }
            }
        }
    }
    Ok(())
}

/// The sizes of two sets of trials, which must be the same.
pub(super) fn common_shape(training: &Trials, validation: &Trials) -> Result<TaskShape> {
    let sizes = |trials: &Trials| (trials.inputs.timesteps().unwrap_or(0), trials.inputs.dimension());
    let ((timesteps, inputs), other) = (sizes(training), sizes(validation));
    if (timesteps, inputs) != other {
        return Err(wrong(
            "val_inputs",
            format!("{timesteps} timesteps and {inputs} inputs, as in `inputs`"),
            format!("{} and {}", other.0, other.1),
            "pad shorter trials with zeros, and exclude the padding with `mask`",
        ));
    }
    let target = match (&training.targets, &validation.targets) {
        (Targets::Real(own), Targets::Real(other)) if own.dim().2 == other.dim().2 => {
            Target::Real(own.dim().2)
        }
        (Targets::Class(_), Targets::Class(_)) | (Targets::ClassAt(_), Targets::ClassAt(_)) => {
            Target::Classes(classes(training, validation)?)
        }
        _ => {
            return Err(wrong(
                "val_targets",
                "targets of the same type and width as `targets`",
                "a different type or width",
                "save `targets` and `val_targets` with the same type and the same number of outputs",
            ));
        }
    };
    if training.conditions.is_empty() != validation.conditions.is_empty() {
        let (have, lack) = match training.conditions.is_empty() {
            true => ("val_condition", "condition"),
            false => ("condition", "val_condition"),
        };
        let hint = format!("give both `{have}` and `{lack}`, or neither");
        return Err(wrong(lack, format!("an array, because `{have}` is given"), "none", hint));
    }
    let all = training.conditions.iter().chain(&validation.conditions);
    let conditions = all.max().map_or(0, |most| *most as usize + 1);
    Ok(TaskShape { inputs, target, timesteps, conditions })
}

/// The number of classes, which is one more than the largest class.
fn classes(training: &Trials, validation: &Trials) -> Result<usize> {
    let largest = [training, validation].into_iter().map(|trials| match &trials.targets {
        Targets::Class(classes) => classes.iter().max().copied().unwrap_or(0),
        Targets::ClassAt(classes) => classes.iter().max().copied().unwrap_or(0),
        Targets::Real(_) => 0,
    });
    match largest.max().unwrap_or(0) {
        0 => Err(wrong(
            "targets",
            "at least two classes, numbered from 0",
            "only class 0",
            "if they are real numbers, give them an axis of outputs: `targets[..., None].astype(\"float32\")`",
        )),
        largest => Ok(largest as usize + 1),
    }
}

/// The trials of a set, read from the arrays that a store keeps.
pub(super) fn from_tensors(tensors: &BTreeMap<String, ArrayD<f32>>, part: Part) -> Result<Trials> {
    let find = |name: &str| tensors.get(&part.of(name));
    let lost = |name: &str| {
        wrong(
            &part.of(name),
            "an array as a store writes it",
            "none, or one of another shape",
            "give the file again: `task.file=FILE`",
        )
    };
    let inputs = find("inputs").and_then(|array| array.clone().into_dimensionality::<Ix3>().ok());
    let inputs = inputs.ok_or_else(|| lost("inputs"))?;
    let targets = find("targets").ok_or_else(|| lost("targets"))?;
    let whole = |array: &ArrayD<f32>| array.iter().map(|number| *number as u32).collect::<Vec<u32>>();
    let targets = match targets.ndim() {
        1 => Targets::Class(whole(targets)),
        2 => {
            let classes = targets.mapv(|number| number as u32).into_dimensionality::<Ix2>();
            Targets::ClassAt(classes.map_err(|_| lost("targets"))?)
        }
        _ => Targets::Real(targets.clone().into_dimensionality::<Ix3>().map_err(|_| lost("targets"))?),
    };
    let mask = match (find("mask"), find("last")) {
        (Some(mask), _) => {
            let mask = mask.mapv(|number| number != 0.0).into_dimensionality::<Ix2>();
            Mask::At(mask.map_err(|_| lost("mask"))?)
        }
        (None, Some(last)) => Mask::Last(whole(last).first().copied().unwrap_or(0) as usize),
        (None, None) => return Err(lost("mask")),
    };
    let conditions = find("condition").map_or_else(Vec::new, whole);
    Ok(Trials { inputs: Inputs::Timed(inputs), targets, mask, conditions })
}
