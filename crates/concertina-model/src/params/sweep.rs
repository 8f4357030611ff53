//! Sweeps: base parameters, and parameters that take several values.

use std::collections::{BTreeSet, HashSet};
use std::ops::Deref;
use std::sync::Arc;

use super::elsewhere::passed_over;
use super::names::{Refused, assign_or_hold, parameter};
use super::parameter::Parameter;
use super::read::{Entry, json_entries, toml_entries};
use super::value::{Value, split};
use super::{Note, PARAMETERS, Params, PassedOver, SavesPerEpoch, TrialSource, TrialsName, ValidParams};
use crate::error::at_line;
use crate::task::TrialArrays;
use crate::{Error, Result};

/// The parameter whose values are files, so that `../trials.npz` is not read as a range.
const FILE: &str = "task.file";

/// The most runs in a sweep. It is arbitrary, enough for thirty realisations of three thousand parameter
/// sets. A sweep with more is probably a mistake.
pub const MOST_RUNS: usize = 100_000;

/// The most entries of lists in all runs of a sweep together. It is arbitrary: a hundred for each of
/// [`MOST_RUNS`] runs, 160 MB. Every run has its own copy of `train.saves_per_epoch` and `train.milestones`,
/// so without a limit a short file could fill the memory.
const MOST_LISTED: usize = 10_000_000;

/// Base parameters, and the parameters that vary, each with its values. Every combination is a run.
///
/// ```
/// use concertina_model::params::{Params, Sweep};
/// let sweep = Sweep::of(Params::default()).gain([20.0, 250.0]).seeds(0..5).check()?;
/// assert_eq!(sweep.len(), 10);
/// assert_eq!(sweep.varied(), ["network.gain", "seed"]);
/// assert_eq!((sweep[1].gain(), sweep[1].seed), (20.0, 1)); // the last axis runs fastest
/// # Ok::<(), concertina_model::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sweep {
    base: Params,
    axes: Vec<Axis>,
    /// The paths of the parameters of the base that were given explicitly, even if with their default values.
    given: BTreeSet<&'static str>,
    /// Values that were refused and are not in the base, but whose parameters may turn out to have no effect.
    held: Vec<Refused>,
    passed_over: Vec<PassedOver>,
}

/// An axis of the sweep: one parameter, or several that vary together.
#[derive(Debug, Clone, PartialEq)]
struct Axis {
    /// At least one.
    columns: Vec<Column>,
}

impl Axis {
    /// How many values its parameters take. `check_axes` checks that it is the same for all of them.
    fn len(&self) -> usize {
        self.columns.first().map_or(0, |column| column.values.len())
    }
}

/// A parameter that varies.
#[derive(Debug, Clone, PartialEq)]
struct Column {
    /// The name as it was given: a published name may set more than one parameter.
    name: String,
    values: Vec<Value>,
}

impl Column {
    fn of(name: &str, values: impl IntoIterator<Item = impl Into<Value>>) -> Self {
        let values = values.into_iter().take(MOST_RUNS + 1).map(Into::into).collect();
        Self { name: name.trim().to_owned(), values }
    }

    /// The path of its parameter, or the name itself if there is no such parameter; `check` reports that.
    fn path(&self) -> &str {
        parameter(&self.name).map_or(&self.name, |parameter| parameter.path)
    }
}

impl Sweep {
    /// A sweep of one run.
    pub fn of(base: Params) -> Self {
        Self { base, ..Self::default() }
    }

    /// Varies `network.gain`.
    pub fn gain(self, gains: impl IntoIterator<Item = f64>) -> Self {
        self.vary("network.gain", gains)
    }

    /// Varies `seed`: the realisations.
    pub fn seeds(self, seeds: impl IntoIterator<Item = u64>) -> Self {
        self.vary("seed", seeds)
    }

    /// Varies a parameter, by any of its names. If it varies already, it takes the new values instead. If it
    /// varies together with others, it leaves that group and becomes the last axis.
    pub fn vary(mut self, name: &str, values: impl IntoIterator<Item = impl Into<Value>>) -> Self {
        self.put(Column::of(name, values));
        self
    }

    /// Varies parameters together: all of them take their first values, then all their second, and so on. The
    /// group becomes the last axis, and is crossed with the others. A parameter that varies already leaves
    /// its previous axis. A group without parameters changes nothing.
    ///
    /// Lists of different lengths, and a parameter that is given twice, are reported by [`Sweep::check`].
    ///
    /// ```
    /// use concertina_model::params::{Params, Sweep};
    /// let sweep = Sweep::of(Params::default())
    ///     .vary_together([("units", vec![50, 100]), ("train_samples", vec![400, 800])])
    ///     .seeds(0..3)
    ///     .check()?;
    /// assert_eq!(sweep.len(), 6);
    /// assert_eq!(sweep.varied(), ["network.units", "task.train_samples", "seed"]);
    /// # Ok::<(), concertina_model::Error>(())
    /// ```
    pub fn vary_together<N: AsRef<str>>(
        mut self,
        columns: impl IntoIterator<Item = (N, impl IntoIterator<Item = impl Into<Value>>)>,
    ) -> Self {
        let columns = columns.into_iter().map(|(name, values)| Column::of(name.as_ref(), values));
        let columns: Vec<Column> = columns.collect();
        for column in &columns {
            self.held.retain(|other| !other.is_of(column.path()));
            self.take_out(column.path());
        }
        if !columns.is_empty() {
            self.axes.push(Axis { columns });
        }
        self
    }

    /// Base parameters with overrides from a command line, each as in [`Sweep::assign`].
    ///
    /// # Errors
    /// As [`Sweep::assign`].
    pub fn parse<'a>(base: Params, overrides: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let mut sweep = Self::of(base);
        for text in overrides {
            sweep.assign(text)?;
        }
        Ok(sweep)
    }

    /// Reads a sweep from TOML: parameters as in [`Params::from_toml`], and a section `[sweep]` that gives
    /// each varying parameter a list of values, or a range as in [`Sweep::assign`], in quotes: `seed =
    /// "0..5"`.
    ///
    /// # Errors
    /// As [`Params::from_toml`]; [`Error::EmptyAxis`], [`Error::TooManyRuns`].
    pub fn from_toml(text: &str) -> Result<Self> {
        let (varied, fixed): (Vec<Entry>, Vec<Entry>) =
            toml_entries(text)?.into_iter().partition(|entry| entry.section == "sweep");
        let mut sweep = Self::of_entries(&fixed)?;
        for Entry { name, value, line, .. } in varied {
            let values = match value {
                Value::List(values) => Ok(values),
                Value::Text(text) => axis_values(&name, &text),
                value => Ok(vec![value]),
            };
            let column = values.map(|values| Column { name, values });
            column.and_then(|column| sweep.put_checked(column)).map_err(at_line(line))?;
        }
        Ok(sweep)
    }

    /// Reads the parameters of one run from a JSON object, as [`Params::from_json`].
    ///
    /// # Errors
    /// As [`Params::from_json`].
    pub fn from_json(text: &str) -> Result<Self> {
        Self::of_entries(&json_entries(text)?)
    }

    fn of_entries(entries: &[Entry]) -> Result<Self> {
        let mut sweep = Self::default();
        let (held, given) = sweep.base.apply_or_hold(entries)?;
        sweep.held = held;
        sweep.given = given.into_iter().collect();
        sweep.passed_over = entries.iter().filter_map(Entry::passed_over).collect();
        Ok(sweep)
    }

    /// Reads an override `name=value`, or an axis: `gain=20,250`, `seed=0..5` (without the 5), `seed=0..=4`,
    /// `gain=20..=260..40` (in steps of 40), or a mixture. The value of a parameter that takes lists is
    /// written in brackets: `saves_per_epoch=[2,1,0.5]`. A value given earlier under any of the parameter's
    /// names is replaced.
    ///
    /// # Errors
    /// [`Error::NotAnAssignment`], [`Error::EmptyAxis`], [`Error::TooManyRuns`], and as [`Params::set`].
    pub fn assign(&mut self, text: &str) -> Result<()> {
        let Some((name, values)) = text.split_once('=').filter(|(name, _)| !name.trim().is_empty()) else {
            return Err(Error::NotAnAssignment { text: text.to_owned() });
        };
        let column = Column { values: axis_values(name, values)?, name: name.trim().to_owned() };
        match &column.values[..] {
            [value] => self.set(&column.name, value),
            _ => self.put_checked(column),
        }
    }

    /// Sets a parameter, by any of its names, to one value in all runs. A value given earlier under any of
    /// its names is replaced.
    ///
    /// # Errors
    /// As [`Params::set`].
    pub fn set(&mut self, name: &str, value: &Value) -> Result<()> {
        let column = Column { values: Vec::new(), name: name.trim().to_owned() };
        let held = assign_or_hold(&mut self.base, &column.name, value, None)?;
        self.passed_over.extend(passed_over(&column.name, value));
        self.take_out(column.path());
        self.given.extend(parameter(&column.name).map(|parameter| parameter.path));
        self.held.retain(|other| !other.is_of(column.path()));
        self.held.extend(held);
        Ok(())
    }

    /// The parameters that all runs share unless they vary.
    pub fn base(&self) -> &Params {
        &self.base
    }

    /// The paths of the parameters that were given explicitly: in a file, as an override or as an axis. A
    /// parameter given its default value counts. The values in the initial [`Params`] do not.
    pub fn given(&self) -> BTreeSet<&'static str> {
        let varied = self.columns().filter_map(|column| parameter(&column.name).ok());
        self.given.iter().copied().chain(varied.map(|parameter| parameter.path)).collect()
    }

    /// The parameters of the only run, not checked yet; `None` if there are several runs.
    ///
    /// # Errors
    /// [`Error::Parameter`].
    pub fn only(&self) -> Result<Option<Params>> {
        let one = self.columns().all(|column| column.values.len() == 1);
        one.then(|| self.combination(0)).transpose()
    }

    /// Every parameter that varies.
    fn columns(&self) -> impl Iterator<Item = &Column> {
        self.axes.iter().flat_map(|axis| &axis.columns)
    }

    fn put_checked(&mut self, column: Column) -> Result<()> {
        if column.values.is_empty() {
            return Err(Error::EmptyAxis { parameter: column.path().to_owned() });
        }
        parameter(&column.name)?;
        let mut scratch = self.base.clone();
        // Whether a held value is an error depends on the combination, so it is decided later.
        column
            .values
            .iter()
            .try_for_each(|value| assign_or_hold(&mut scratch, &column.name, value, None).map(drop))?;
        self.put(column);
        Ok(())
    }

    fn put(&mut self, column: Column) {
        self.held.retain(|other| !other.is_of(column.path()));
        let alone = |axis: &&mut Axis| matches!(&axis.columns[..], [one] if one.path() == column.path());
        match self.axes.iter_mut().find(alone) {
            Some(axis) => axis.columns = vec![column],
            None => {
                self.take_out(column.path());
                self.axes.push(Axis { columns: vec![column] });
            }
        }
    }

    /// Stops varying a parameter.
    fn take_out(&mut self, path: &str) {
        self.axes.iter_mut().for_each(|axis| axis.columns.retain(|column| column.path() != path));
        self.axes.retain(|axis| !axis.columns.is_empty());
    }

    /// Checks that all axes can be crossed.
    fn check_axes(&self) -> Result<()> {
        for axis in &self.axes {
            let mut paths = BTreeSet::new();
            for column in &axis.columns {
                let path = parameter(&column.name)?.path;
                if column.values.is_empty() {
                    return Err(Error::EmptyAxis { parameter: path.to_owned() });
                }
                if !paths.insert(path) {
                    return Err(Error::GivenTwice { parameter: path.to_owned() });
                }
            }
            if axis.columns.iter().any(|column| column.values.len() != axis.len()) {
                let length = |column: &Column| (column.path().to_owned(), column.values.len());
                return Err(Error::UnequalAxes { lengths: axis.columns.iter().map(length).collect() });
            }
        }
        Ok(())
    }

    /// Every combination, checked. The axes are in the order in which they were given, and the last runs
    /// fastest.
    ///
    /// Combinations that differ only in parameters without effect are one run.
    ///
    /// # Errors
    /// As [`Params::check`] for the first run that is not valid; [`Error::EmptyAxis`]; [`Error::UnequalAxes`]
    /// and [`Error::GivenTwice`] for parameters that vary together; [`Error::TooManyRuns`] above 100,000
    /// runs, or if lists would have more than 10,000,000 entries in all runs together.
    pub fn check(mut self) -> Result<ValidSweep> {
        self.check_axes()?;
        let count = self.axes.iter().map(Axis::len).fold(1_usize, usize::saturating_mul);
        let most = MOST_RUNS.min(MOST_LISTED / self.longest_list().max(1));
        if count > most {
            return Err(Error::TooManyRuns { most, found: count });
        }
        self.read_trials();
        let mut distinct = Distinct::default();
        for place in 0..count {
            distinct.push(self.combination(place)?.check()?);
        }
        let runs = distinct.runs;
        let notes = self.notes(count, &runs);
        let varied = self.axes.iter().filter(|axis| axis.len() > 1).flat_map(|axis| &axis.columns);
        let varied = varied
            .map(|column| parameter(&column.name).map(|parameter| parameter.path))
            .collect::<Result<_>>()?;
        Ok(ValidSweep { runs, varied, notes })
    }

    /// Reads each file of trials once, rather than for every run. A file that cannot be read is left for
    /// [`Params::check`], which decides whether that matters.
    fn read_trials(&mut self) {
        let read = |source: &TrialSource| match source {
            TrialSource::File(path) => TrialArrays::read(path).ok().map(Arc::new),
            TrialSource::Stored(_) | TrialSource::Arrays(_) => None,
        };
        self.replace_trials(read);
    }

    /// Replaces the names of trials with the trials, where `find` has them; usually from a store.
    pub fn take_trials(mut self, find: impl Fn(TrialsName) -> Option<Arc<TrialArrays>>) -> Self {
        self.replace_trials(|source| match source {
            TrialSource::Stored(name) => find(*name),
            TrialSource::File(_) | TrialSource::Arrays(_) => None,
        });
        self
    }

    fn replace_trials(&mut self, find: impl Fn(&TrialSource) -> Option<Arc<TrialArrays>>) {
        if let Some(arrays) = self.base.task.file.as_ref().and_then(&find) {
            self.base.task.file = Some(TrialSource::Arrays(arrays));
        }
        let columns = self.axes.iter_mut().flat_map(|axis| &mut axis.columns);
        let of_files = columns.filter(|column| column.path() == FILE);
        for value in of_files.flat_map(|column| &mut column.values) {
            if let Value::Text(text) = value
                && let Ok(source) = text.trim().parse()
                && let Some(arrays) = find(&source)
            {
                *value = Value::Trials(arrays);
            }
        }
    }

    /// The notes on these runs.
    fn notes(&self, combinations: usize, runs: &[ValidParams]) -> Vec<Note> {
        let mut notes: Vec<Note> = self.passed_over.iter().cloned().map(Note::PassedOver).collect();
        for parameter in PARAMETERS {
            let Some(condition) = parameter.condition else { continue };
            let default = parameter.default_value();
            let varies = |column: &Column| column.path() == parameter.path && column.values.len() > 1;
            let value = parameter.value(&self.base);
            let given = value != default && value != parameter.usual(&self.base)
                || self.columns().any(varies)
                || self.held.iter().any(|refused| refused.is_of(parameter.path));
            if given && !runs.iter().any(|run| parameter.applies(run)) {
                notes.push(Note::WithoutEffect { path: parameter.path, only_with: condition.text });
            }
        }
        notes.extend(repeated(combinations, runs));
        notes
    }

    /// An upper bound on the number of entries in a list of any run.
    fn longest_list(&self) -> usize {
        let entries = |value: &Value| match value {
            Value::List(items) => items.len(),
            Value::Text(text) => text.matches([',', '_']).count() + 1,
            _ => 1,
        };
        let train = &self.base.train;
        let saves = if let SavesPerEpoch::Each(rates) = &train.saves_per_epoch { rates.len() } else { 1 };
        let varied = self.columns().filter_map(|column| column.values.iter().map(entries).max());
        varied.max().unwrap_or(0).max(saves).max(train.milestones.len()).max(self.base.task.coherences.len())
    }

    fn combination(&self, place: usize) -> Result<Params> {
        let mut params = self.base.clone();
        let mut held = Vec::new();
        let mut stride = 1;
        for axis in self.axes.iter().rev() {
            let place = place / stride % axis.len();
            for column in &axis.columns {
                held.extend(assign_or_hold(&mut params, &column.name, &column.values[place], None)?);
            }
            stride *= axis.len();
        }
        self.held.iter().chain(&held).try_for_each(|refused| refused.check(&params))?;
        Ok(params)
    }
}

/// Reads seeds as users type them: `0..5` (without the 5), `0..=4`, `0,3,7`, or a mixture. Repeated seeds
/// count once.
///
/// # Errors
/// [`Error::EmptyAxis`], [`Error::TooManyRuns`], [`Error::Parameter`].
pub fn seeds(text: &str) -> Result<Vec<u64>> {
    let seed = parameter("seed")?;
    let (mut seen, mut seeds) = (HashSet::new(), Vec::new());
    let mut params = Params::default();
    for value in axis_values(seed.path, text)? {
        seed.set(&mut params, &value)?;
        if seen.insert(params.seed) {
            seeds.push(params.seed);
        }
    }
    Ok(seeds)
}

/// The values of an axis in a text; at least one.
fn axis_values(name: &str, text: &str) -> Result<Vec<Value>> {
    let path = parameter(name).map_or(name.trim(), |parameter| parameter.path);
    let mut values = Vec::new();
    for item in split(text) {
        if item.contains("..") && !item.starts_with(['[', '(']) && path != FILE {
            values.extend(range(path, item)?);
        } else {
            values.push(Value::Text(item.to_owned()));
        }
        // Checked after each item, because a range of a hundred thousand takes only ten bytes.
        if values.len() > MOST_RUNS {
            return Err(Error::TooManyRuns { most: MOST_RUNS, found: values.len() });
        }
    }
    if values.is_empty() {
        return Err(Error::EmptyAxis { parameter: path.to_owned() });
    }
    Ok(values)
}

/// `0..5`, `0..=4`, `20..=260..40`.
fn range(path: &str, text: &str) -> Result<Vec<Value>> {
    let wrong = || Error::Parameter {
        parameter: path.to_owned(),
        expected: "a range of whole numbers".to_owned(),
        found: format!("`{text}`"),
        hint: Some("as in `0..5`, `0..=4` or `20..=260..40`; list other numbers: `0.5,1`".to_owned()),
    };
    let number = |text: &str| match Value::parse(text) {
        Value::Integer(number) => i64::try_from(number).map(i128::from).map_err(|_| wrong()),
        _ => Err(wrong()),
    };
    let mut parts = text.split("..");
    let (Some(first), Some(last)) = (parts.next(), parts.next()) else { return Err(wrong()) };
    let (last, included) = last.strip_prefix('=').map_or((last, false), |last| (last, true));
    let (first, last) = (number(first)?, number(last)?);
    let step = parts.next().map_or(Ok(1), number)?;
    if step < 1 || parts.next().is_some() {
        return Err(wrong());
    }
    let span = last - first + i128::from(included);
    if span <= 0 {
        return Err(Error::EmptyAxis { parameter: path.to_owned() });
    }
    let count = usize::try_from((span + step - 1) / step).unwrap_or(usize::MAX);
    if count > MOST_RUNS {
        return Err(Error::TooManyRuns { most: MOST_RUNS, found: count });
    }
    Ok((0..count).map(|place| Value::Integer(first + place as i128 * step)).collect())
}

/// Runs without repetitions. Runs are the same if they have the same key, length and checkpoints.
#[derive(Default)]
struct Distinct {
    runs: Vec<ValidParams>,
    seen: HashSet<(String, u64, SavesPerEpoch, Option<u64>)>,
}

impl Distinct {
    fn push(&mut self, run: ValidParams) {
        let train = &run.train;
        let what = (run.canonical(), train.epochs, train.saves_per_epoch.clone(), train.stop_after);
        if self.seen.insert(what) {
            self.runs.push(run);
        }
    }
}

/// A note if some of the requested runs are the same.
fn repeated(combinations: usize, runs: &[ValidParams]) -> Option<Note> {
    (runs.len() < combinations).then_some(Note::Repeated { combinations, runs: runs.len() })
}

/// The runs of a sweep, checked. Reads like a slice of [`ValidParams`].
#[derive(Debug, Clone, PartialEq)]
pub struct ValidSweep {
    runs: Vec<ValidParams>,
    varied: Vec<&'static str>,
    notes: Vec<Note>,
}

impl ValidSweep {
    /// These runs, in this order, without repetitions; `None` if there are none.
    ///
    /// ```
    /// use concertina_model::params::{Params, ValidSweep};
    /// let mut runs = vec![Params::default().check()?; 2];
    /// runs.push(Params { seed: 1, ..Params::default() }.check()?);
    /// let sweep = ValidSweep::of_runs(runs).expect("there are runs");
    /// assert_eq!((sweep.len(), sweep.varied()), (2, &["seed"][..]));
    /// # Ok::<(), concertina_model::Error>(())
    /// ```
    pub fn of_runs(runs: Vec<ValidParams>) -> Option<Self> {
        let (given, mut distinct) = (runs.len(), Distinct::default());
        runs.into_iter().for_each(|run| distinct.push(run));
        let runs = distinct.runs;
        let (varied, notes) = (varied(runs.iter()), repeated(given, &runs).into_iter().collect());
        (!runs.is_empty()).then_some(Self { runs, varied, notes })
    }

    /// The paths of the parameters with more than one value, in the order of the axes.
    pub fn varied(&self) -> &[&'static str] {
        &self.varied
    }

    /// Notes on what was requested: arguments that were ignored, parameters without effect, combinations that
    /// are the same run.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }
}

impl Deref for ValidSweep {
    type Target = [ValidParams];

    fn deref(&self) -> &[ValidParams] {
        &self.runs
    }
}

impl IntoIterator for ValidSweep {
    type Item = ValidParams;
    type IntoIter = std::vec::IntoIter<ValidParams>;

    fn into_iter(self) -> Self::IntoIter {
        self.runs.into_iter()
    }
}

impl<'a> IntoIterator for &'a ValidSweep {
    type Item = &'a ValidParams;
    type IntoIter = std::slice::Iter<'a, ValidParams>;

    fn into_iter(self) -> Self::IntoIter {
        self.runs.iter()
    }
}

/// A sweep of one run.
impl From<ValidParams> for ValidSweep {
    fn from(run: ValidParams) -> Self {
        Self { runs: vec![run], varied: Vec::new(), notes: Vec::new() }
    }
}

/// The paths of the parameters that differ among these sets.
pub fn varied<'a>(mut sets: impl Iterator<Item = &'a ValidParams> + Clone) -> Vec<&'static str> {
    let Some(first) = sets.next() else { return Vec::new() };
    let differs = |parameter: &&Parameter| {
        let value = parameter.value(first);
        sets.clone().any(|params| parameter.value(params) != value)
    };
    PARAMETERS.iter().filter(differs).map(|parameter| parameter.path).collect()
}
