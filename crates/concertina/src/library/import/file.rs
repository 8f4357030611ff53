//! The arrays of a file of weights or in memory. Arrays that are stored as two factors are combined.
//!
//! PyTorch stores a weight-normed array as a size `g` and a direction `v` (`weight_hh_l0_g`,
//! `weight_hh_l0_v`; newer: `parametrizations.weight_hh_l0.original0`, `.original1`). The weights are
//! `g v / |v|`, where the norm is taken over each row, or over all entries for which `g` has a single number.
//! Such a pair appears here under the plain name. Other parametrizations (`..._orig`,
//! `parametrizations.*.original`) store arrays from which a program computes the weights; these are refused.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use concertina_arrays::{Arrays, Member};
use ndarray::{Array1, Array2, ArrayD, Dimension, Ix1, Ix2};

use super::{Matrix, Vector};
use crate::error::{Error, Result};
use crate::hint::Hint;

/// The largest number of names in a message. Arbitrary: a network has a dozen arrays.
const MOST_NAMES: usize = 20;

/// What a name refers to.
enum Entry {
    /// Numbers, and the arrays of the file from which they are made, unless that is the array of this name.
    Numbers { array: ArrayD<f64>, made_of: Vec<String>, guessed: bool },
    /// An array from which weights are computed, and the name of these weights here, if it is known.
    Factor { whole: Option<String> },
    /// A value that is not an array, in words.
    Plain(String),
    /// Something that cannot be read, and why.
    Unread(String),
}

/// The arrays of a file, or in memory.
pub(super) struct File<'a> {
    /// The path, or the name for arrays in memory in messages.
    path: &'a Path,
    in_memory: bool,
    entries: BTreeMap<String, Entry>,
    /// The names as they are in the file.
    stored: BTreeSet<String>,
    /// The arrays that were used.
    used: RefCell<BTreeSet<String>>,
    notes: RefCell<Vec<String>>,
}

/// The prefix of a name before an ending: `rnn.` for `rnn.weight_hh_l0` and `weight_hh_l0`.
pub(super) fn before<'n>(name: &'n str, ending: &str) -> Option<&'n str> {
    let prefix = name.strip_suffix(ending)?;
    (prefix.is_empty() || prefix.ends_with(['.', '/'])).then_some(prefix)
}

/// The last part of a name.
pub(super) fn last_part(name: &str) -> &str {
    name.rsplit(['.', '/']).next().unwrap_or(name)
}

/// The shape of an array, as Python writes it.
pub(super) fn shape_of(array: &ArrayD<f64>) -> String {
    let axes: Vec<String> = array.shape().iter().map(usize::to_string).collect();
    format!("({})", axes.join(", "))
}

/// Whether the name is that of an optimizer's state, such as `optimizer_state_dict.state.0.exp_avg` (PyTorch)
/// or `W_rec/Adam` (TensorFlow). Its arrays have the shapes of the weights, but are none.
fn is_of_optimizer(name: &str) -> bool {
    let of_adam =
        ["Adam", "Adam_1", "exp_avg", "exp_avg_sq", "max_exp_avg_sq", "momentum_buffer", "square_avg"];
    name.split(['.', '/']).any(|part| of_adam.contains(&part) || part.to_ascii_lowercase().contains("optim"))
}

/// The plain name of a parametrized array: `rnn.weight_hh_l0` for `rnn.parametrizations.weight_hh_l0`.
fn plain_name(parametrized: &str) -> Option<String> {
    let (module, tensor) = parametrized.rsplit_once('.')?;
    Some(format!("{}{tensor}", before(module, "parametrizations")?))
}

/// The plain name of a weight-normed array and the name of its `v`, from the name of its `g`.
fn normed(g: &str) -> Option<(String, String)> {
    if let Some(plain) = g.strip_suffix("_g") {
        return Some((plain.to_owned(), format!("{plain}_v")));
    }
    let plain = g.strip_suffix(".original0")?;
    Some((plain_name(plain)?, format!("{plain}.original1")))
}

/// Whether weights are computed from an array of this name; if so, the plain name of these weights, if it is
/// known.
fn factor(name: &str) -> Option<Option<String>> {
    if let Some(plain) = name.strip_suffix("_orig") {
        return Some(Some(plain.to_owned()));
    }
    if name.contains("parametrizations.") {
        return Some(name.strip_suffix(".original").and_then(plain_name));
    }
    let of_torch =
        |plain: &&str| last_part(plain).starts_with("weight") || last_part(plain).starts_with("bias");
    let ends = ["_g", "_v", "_u"].into_iter();
    ends.filter_map(|end| name.strip_suffix(end)).find(of_torch).map(|plain| Some(plain.to_owned()))
}

/// `g v / |v|`, with the norm of `v` over the axes along which `g` has one number; `None` if their shapes do
/// not match.
fn put_together(g: &ArrayD<f64>, v: &ArrayD<f64>) -> Option<ArrayD<f64>> {
    let g = if g.ndim() == 0 { g.clone().into_shape_with_order(vec![1; v.ndim()]).ok()? } else { g.clone() };
    let fits = g.ndim() == v.ndim() && g.shape().iter().zip(v.shape()).all(|(g, v)| g == v || *g == 1);
    if !fits {
        return None;
    }
    let mut squares = ArrayD::<f64>::zeros(g.raw_dim());
    let place = |index: &ndarray::IxDyn| {
        let axes = index.slice().iter().zip(g.shape()).map(|(at, length)| at % length);
        ndarray::IxDyn(&axes.collect::<Vec<usize>>())
    };
    v.indexed_iter().for_each(|(index, value)| squares[place(&index)] += value * value);
    let mut weights = v.clone();
    for (index, weight) in weights.indexed_iter_mut() {
        let at = place(&index);
        *weight *= g[&at] / squares[&at].sqrt();
    }
    Some(weights)
}

impl<'a> File<'a> {
    pub(super) fn new(path: &'a Path, in_memory: bool, arrays: &Arrays) -> Self {
        let mut entries = BTreeMap::new();
        let numbers = |name: &str| arrays.get(name).and_then(|member| member.numbers(name).ok());
        for (name, member) in arrays {
            let entry = match member {
                _ if name.starts_with("__MACOSX/") => {
                    Entry::Unread("a file of macOS, not an array".to_owned())
                }
                Member::Plain(words) => Entry::Plain(words.clone()),
                Member::Integers(array) if array.ndim() == 0 => Entry::Plain(array.sum().to_string()),
                Member::Integers(_) | Member::Truths(_) | Member::Other(_) => {
                    Entry::Unread(member.in_words().to_owned())
                }
                Member::Numbers(array) | Member::Guessed(array) => match factor(name) {
                    Some(whole) => Entry::Factor { whole },
                    None => Entry::Numbers {
                        array: array.clone(),
                        made_of: Vec::new(),
                        guessed: matches!(member, Member::Guessed(_)),
                    },
                },
            };
            entries.insert(name.clone(), entry);
        }
        for g in arrays.keys() {
            let Some((plain, v)) = normed(g) else { continue };
            let Some(array) = numbers(g).zip(numbers(&v)).and_then(|(g, v)| put_together(g, v)) else {
                continue;
            };
            let whole = match arrays.contains_key(&plain) {
                true => Entry::Unread(format!("it is given both whole and as `{g}` and `{v}`")),
                false => Entry::Numbers { array, made_of: vec![g.clone(), v.clone()], guessed: false },
            };
            for factor in [g, &v] {
                entries.insert(factor.clone(), Entry::Factor { whole: Some(plain.clone()) });
            }
            entries.insert(plain, whole);
        }
        // An array that a program computes is refused, rather than not found, if it is asked for by its plain
        // name.
        for name in arrays.keys() {
            if let Some(Entry::Factor { whole: Some(plain) }) = entries.get(name) {
                let plain = plain.clone();
                entries.entry(plain).or_insert(Entry::Factor { whole: None });
            }
        }
        let stored = arrays.keys().cloned().collect();
        Self { path, in_memory, entries, stored, used: RefCell::default(), notes: RefCell::default() }
    }

    pub(super) fn wrong(&self, reason: String, hint: &str) -> Error {
        Error::Import { reason, hint: Some(Hint::text(hint)), path: self.path.to_owned() }
    }

    /// One hint for files, or another for arrays in memory.
    pub(super) fn either<'h>(&self, of_file: &'h str, in_memory: &'h str) -> &'h str {
        if self.in_memory { in_memory } else { of_file }
    }

    /// How to say, in a hint, which array is which.
    pub(super) fn naming(&self, ours: &str, theirs: &str) -> String {
        match self.in_memory {
            true => format!("`{ours}={theirs}` in `names`"),
            false => format!("`--name {ours}={theirs}`"),
        }
    }

    pub(super) fn note(&self, note: String) {
        let mut notes = self.notes.borrow_mut();
        if !notes.contains(&note) {
            notes.push(note);
        }
    }

    pub(super) fn into_notes(self) -> Vec<String> {
        self.notes.into_inner()
    }

    /// Whether an array of this name exists, readable or not.
    pub(super) fn has(&self, name: &str) -> bool {
        self.entries.get(name).is_some_and(|entry| !matches!(entry, Entry::Plain(_)))
    }

    /// The number of this name, which is a value by itself or an array of one element.
    pub(super) fn number(&self, name: &str) -> Option<f64> {
        match self.entries.get(name)? {
            Entry::Numbers { array, .. } if array.len() == 1 => array.first().copied(),
            Entry::Plain(words) => words.parse().ok(),
            _ => None,
        }
    }

    /// The text of this name, which is a value by itself, without its quotes.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        match self.entries.get(name)? {
            Entry::Plain(words) => words.strip_prefix('\'')?.strip_suffix('\''),
            _ => None,
        }
    }

    /// The names with this ending. They include arrays that cannot be read, because one of these may be
    /// meant.
    pub(super) fn ending(&self, last: &str) -> Vec<&str> {
        let names = self.entries.iter().filter(|(name, entry)| {
            !name.starts_with("__MACOSX/") && !is_of_optimizer(name) && !matches!(entry, Entry::Plain(_))
        });
        names.filter(|(name, _)| before(name, last).is_some()).map(|(name, _)| name.as_str()).collect()
    }

    /// The names with this ending that cannot be used: the array cannot be read, or weights are computed from
    /// it.
    pub(super) fn unusable(&self, last: &str) -> Vec<&str> {
        let is_unusable = |name: &&str| !matches!(self.entries.get(*name), Some(Entry::Numbers { .. }));
        self.ending(last).into_iter().filter(is_unusable).collect()
    }

    /// The arrays that have not been used so far, without those of an optimizer.
    pub(super) fn left(&self) -> Vec<(&str, &ArrayD<f64>)> {
        let used = self.used.borrow();
        let numbers = self.entries.iter().filter_map(|(name, entry)| match entry {
            Entry::Numbers { array, made_of, .. } => {
                let is_used = used.contains(name) || made_of.iter().any(|part| used.contains(part));
                (!is_used && !is_of_optimizer(name)).then_some((name.as_str(), array))
            }
            _ => None,
        });
        numbers.collect()
    }

    /// What was not used of the file: arrays with their shapes, and what could not be read, with the reason.
    /// The state of an optimizer, which can be long, comes last.
    pub(super) fn not_used(&self) -> (Vec<String>, Vec<String>) {
        let used = self.used.borrow();
        let (mut not_used, mut not_read) = (Vec::new(), Vec::new());
        let (of_optimizer, others): (Vec<&String>, Vec<&String>) =
            self.stored.iter().filter(|name| !used.contains(*name)).partition(|name| is_of_optimizer(name));
        for name in others.into_iter().chain(of_optimizer) {
            match &self.entries[name] {
                Entry::Numbers { array, .. } => not_used.push(format!("`{name}` {}", shape_of(array))),
                Entry::Factor { .. } => not_used.push(format!("`{name}`")),
                Entry::Plain(words) => not_used.push(format!("`{name}`: {words}")),
                Entry::Unread(reason) => not_read.push(format!("`{name}`: {reason}")),
            }
        }
        (not_used, not_read)
    }

    /// The available arrays, for messages.
    pub(super) fn listed(&self) -> String {
        let names: Vec<String> = self
            .entries
            .iter()
            .filter_map(|(name, entry)| match entry {
                Entry::Numbers { array, .. } => Some(format!("`{name}` {}", shape_of(array))),
                Entry::Factor { whole: None } => Some(format!("`{name}`")),
                _ => None,
            })
            .collect();
        let more = names.len().saturating_sub(MOST_NAMES);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        match names.is_empty() {
            true => "no array of numbers".to_owned(),
            false => format!("{}{more}", names[..names.len().min(MOST_NAMES)].join(", ")),
        }
    }

    /// The numbers of an array that is used, and a description of their origin.
    pub(super) fn array(&self, name: &str) -> Result<(&ArrayD<f64>, String)> {
        match self.entries.get(name) {
            None => Err(self.wrong(format!("no array `{name}`"), &format!("available: {}", self.listed()))),
            Some(Entry::Unread(found) | Entry::Plain(found)) => {
                let (name, found) = (name.to_owned(), found.clone());
                let source = concertina_arrays::Error::Type { name, found };
                if self.in_memory {
                    let hint = "give it as floating-point numbers: `array.astype(\"float32\")`";
                    return Err(self.wrong(source.to_string(), hint));
                }
                Err(Error::Arrays { source, path: self.path.to_owned() })
            }
            Some(Entry::Factor { whole }) => Err(self.is_factor(name, whole.as_deref())),
            Some(Entry::Numbers { array, made_of, guessed }) => {
                let mut used = self.used.borrow_mut();
                used.insert(name.to_owned());
                used.extend(made_of.iter().cloned());
                drop(used);
                if *guessed {
                    self.note("two-byte values without a type name were read as bfloat16".to_owned());
                }
                let origin = match made_of.as_slice() {
                    [g, v] => format!("{name}, from {g} and {v}"),
                    _ => name.to_owned(),
                };
                Ok((array, origin))
            }
        }
    }

    /// The error for an array from which weights are computed.
    fn is_factor(&self, name: &str, whole: Option<&str>) -> Error {
        let reason = format!("`{name}`: expected weights, found what a parametrization computes them from");
        let plain = whole.filter(|plain| matches!(self.entries.get(*plain), Some(Entry::Numbers { .. })));
        match plain {
            Some(plain) => {
                self.wrong(reason, &format!("the combined weights are called `{plain}`: give that name, with `.T` to transpose them"))
            }
            None => self.wrong(
                reason,
                self.either(
                    "save the weights that the model uses, as in `numpy.savez(\"weights.npz\", recurrent_weights=model.rnn.weight_hh_l0.detach().numpy().T, ...)`",
                    "give the weights that the model uses: `model.rnn.weight_hh_l0.detach().numpy().T` as `recurrent_weights`, and so on",
                ),
            ),
        }
    }

    /// Numbers rounded to single precision, in which they must be finite.
    fn rounded<D: Dimension>(
        &self,
        name: &str,
        array: ndarray::ArrayView<'_, f64, D>,
    ) -> Result<ndarray::Array<f32, D>> {
        let rounded = array.mapv(|number| number as f32);
        for ((index, number), rounded) in array.indexed_iter().zip(&rounded) {
            if !rounded.is_finite() {
                let found = match number.is_finite() {
                    true => format!("{number:e}, beyond single precision,"),
                    false => number.to_string(),
                };
                return Err(self.wrong(
                    format!("`{name}`: expected finite numbers, found {found} at {index:?}"),
                    "the network has diverged: take its weights from an earlier epoch",
                ));
            }
            if *number != 0.0 && *rounded == 0.0 {
                self.note(format!("`{name}`: numbers too small for single precision became zero"));
            }
        }
        Ok(rounded)
    }

    pub(super) fn matrix(&self, name: &str, transposed: bool) -> Result<Matrix> {
        let (array, origin) = self.array(name)?;
        let Ok(matrix) = array.view().into_dimensionality::<Ix2>() else {
            return Err(self.wrong(
                format!("`{name}`: expected a matrix, found shape {:?}", array.shape()),
                self.either(
                    "save one matrix; take one from a stack of checkpoints with `array[-1]`",
                    "give one matrix; take one from a stack of checkpoints with `array[-1]`",
                ),
            ));
        };
        let matrix: Array2<f32> = self.rounded(name, matrix)?;
        Ok(match transposed {
            true => Matrix {
                array: matrix.t().as_standard_layout().into_owned(),
                origin: format!("{origin}, transposed"),
            },
            false => Matrix { array: matrix, origin },
        })
    }

    /// A vector, or a matrix with one column.
    pub(super) fn vector(&self, name: &str) -> Result<Vector> {
        let (array, origin) = self.array(name)?;
        self.as_vector(name, array).map(|array| Vector { array, origin })
    }

    /// A state, which may be a row or a column, or have further axes of length 1.
    pub(super) fn state(&self, name: &str, lengths: &[usize]) -> Result<Vector> {
        let (array, origin) = self.array(name)?;
        let long = array.shape().iter().filter(|length| **length != 1).count();
        if long > 1 || !lengths.contains(&array.len()) {
            let lengths: Vec<String> = lengths.iter().map(usize::to_string).collect();
            return Err(self.wrong(
                format!(
                    "`{name}`: expected one state of {} numbers, found shape {:?}",
                    lengths.join(" or "),
                    array.shape()
                ),
                "all trials start from the same state: give that of one trial",
            ));
        }
        let flat = array.iter().copied().collect::<Array1<f64>>();
        self.rounded(name, flat.view()).map(|array| Vector { array, origin })
    }

    pub(super) fn as_vector(&self, name: &str, array: &ArrayD<f64>) -> Result<Array1<f32>> {
        let column = array.ndim() == 2 && array.shape()[1] == 1;
        let plain = if column { array.index_axis(ndarray::Axis(1), 0) } else { array.view() };
        match plain.into_dimensionality::<Ix1>() {
            Ok(vector) => self.rounded(name, vector),
            Err(_) => Err(self.wrong(
                format!("`{name}`: expected a vector, found shape {:?}", array.shape()),
                "in Python: `array.ravel()`",
            )),
        }
    }
}
