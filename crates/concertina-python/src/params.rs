//! Parameters, and sweeps over them.

use std::fmt::Write as _;

use concertina::key_of;
use concertina::model::params::{
    self as model, ChoiceNames, Kind, Note, PARAMETERS, Parameter, ValidParams, ValidSweep, Value, parameter,
};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::OrRaise;
use crate::trials::Trials;
use crate::values::{parameter_value, python_value};
use crate::words;

/// The checked parameters of a run.
#[pyclass(frozen, module = "concertina._core")]
pub(crate) struct Params {
    pub(crate) valid: ValidParams,
}

#[pymethods]
impl Params {
    /// Makes parameters from names and values, in this order. What is left out has its default.
    #[new]
    fn new(given: Vec<(String, Bound<'_, PyAny>)>) -> PyResult<Self> {
        let mut sweep = model::Sweep::of(model::Params::default());
        for (name, value) in given {
            sweep.set(&name, &parameter_value(&name, &value)?).or_raise()?;
        }
        let sweep = sweep.check().or_raise()?;
        Ok(Self { valid: sweep[0].clone() })
    }

    /// The names and values in a text, which is TOML or JSON.
    #[staticmethod]
    fn read<'py>(
        py: Python<'py>,
        text: &str,
        json: bool,
    ) -> PyResult<Vec<(&'static str, Bound<'py, PyAny>)>> {
        let sweep = if json { model::Sweep::from_json(text) } else { model::Sweep::from_toml(text) };
        let sweep = sweep.or_raise()?;
        let given = sweep.given();
        let params = concertina::one_of(sweep).or_raise()?;
        let given = PARAMETERS.iter().filter(|parameter| given.contains(parameter.path));
        given.map(|one| Ok((one.path, python_value(py, &one.value(&params))?))).collect()
    }

    /// The value of a parameter, by any of its names.
    fn value<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        python_value(py, &parameter(name).or_raise()?.value(&self.valid))
    }

    /// The trials that were made elsewhere, if the task uses such trials.
    fn trials(&self) -> Option<Trials> {
        self.valid.task.arrays().map(|arrays| Trials::of(arrays.clone()))
    }

    /// As TOML, with what each parameter means.
    fn toml(&self) -> String {
        self.valid.to_annotated_toml()
    }

    /// The key of the run: 64 hexadecimal digits.
    fn key(&self) -> String {
        key_of(&self.valid).to_string()
    }

    /// The text whose hash is the key: what differs from the defaults, in canonical spelling.
    fn canonical(&self) -> String {
        self.valid.canonical()
    }
}

/// The checked runs of a sweep.
#[pyclass(frozen, module = "concertina._core")]
pub(crate) struct Sweep {
    pub(crate) valid: ValidSweep,
}

/// Parameters that change together along an axis of a sweep: names, each with its values.
type Group<'py> = Vec<(String, Vec<Bound<'py, PyAny>>)>;

#[pymethods]
impl Sweep {
    /// Every combination of groups. The parameters in a group change together.
    #[new]
    fn new(groups: Vec<Group<'_>>) -> PyResult<Self> {
        let mut sweep = model::Sweep::of(model::Params::default());
        for group in groups {
            let mut columns = Vec::with_capacity(group.len());
            for (name, values) in group {
                let values: PyResult<Vec<Value>> =
                    values.iter().map(|value| parameter_value(&name, value)).collect();
                columns.push((name, values?));
            }
            sweep = match <[_; 1]>::try_from(columns) {
                Ok([(name, values)]) => match &values[..] {
                    [value] => {
                        sweep.set(&name, value).or_raise()?;
                        sweep
                    }
                    _ => sweep.vary(&name, values),
                },
                Err(columns) => sweep.vary_together(columns),
            };
        }
        Ok(Self { valid: sweep.check().or_raise()? })
    }

    /// Exactly these runs.
    #[staticmethod]
    fn of(runs: Vec<PyRef<'_, Params>>) -> Option<Self> {
        let valid = ValidSweep::of_runs(runs.iter().map(|run| run.valid.clone()).collect())?;
        Some(Self { valid })
    }

    fn __len__(&self) -> usize {
        self.valid.len()
    }

    /// The runs, each with its parameters.
    fn runs(&self) -> Vec<Params> {
        self.valid.iter().map(|valid| Params { valid: valid.clone() }).collect()
    }

    /// Notes on these runs.
    fn notes(&self) -> Vec<String> {
        self.valid.notes().iter().map(|note: &Note| words::of_python(&note.to_string())).collect()
    }
}

/// All parameters, each described by a dictionary.
#[pyfunction]
pub(crate) fn parameters<'py>(py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
    PARAMETERS.iter().map(|parameter| described(py, parameter)).collect()
}

fn described<'py>(py: Python<'py>, parameter: &Parameter) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("name", parameter.name())?;
    dict.set_item("path", parameter.path)?;
    dict.set_item("published", parameter.published)?;
    dict.set_item("type", type_of(parameter))?;
    dict.set_item("is_list", matches!(parameter.kind, Kind::Epochs | Kind::Nonzero | Kind::Saves))?;
    dict.set_item("values", parameter.kind.to_string())?;
    dict.set_item("default", python_value(py, &parameter.shown_default())?)?;
    dict.set_item("other_defaults", parameter.other_defaults)?;
    dict.set_item("unit", parameter.unit)?;
    dict.set_item("meaning", words::of_python(parameter.meaning))?;
    dict.set_item("condition", parameter.condition.map(|condition| condition.text))?;
    dict.set_item("part_of_key", parameter.part_of_key)?;
    Ok(dict)
}

/// The type of a parameter's values as a Python annotation.
fn type_of(parameter: &Parameter) -> String {
    match &parameter.kind {
        Kind::Whole { .. } => "int".to_owned(),
        Kind::OptionalWhole { .. } => "int | None".to_owned(),
        // a number that is filled in is not none for users
        Kind::OptionalReal(_) if parameter.shown_default() == Value::None => "float | None".to_owned(),
        Kind::Real(_) | Kind::OptionalReal(_) => "float".to_owned(),
        Kind::Boolean => "bool".to_owned(),
        Kind::Choice(names) => literal(names),
        Kind::Imported => "str | None".to_owned(),
        Kind::Trials => "str | PathLike[str] | Trials | None".to_owned(),
        Kind::Epochs => "Sequence[int]".to_owned(),
        Kind::Nonzero => "Sequence[float]".to_owned(),
        Kind::Saves => "float | Sequence[float]".to_owned(),
    }
}

fn literal(names: &[ChoiceNames]) -> String {
    let mut text = String::from("Literal[");
    for (place, names) in names.iter().enumerate() {
        let comma = if place == 0 { "" } else { ", " };
        let _ = write!(text, "{comma}\"{}\"", names.name); // writing to a string cannot fail
    }
    text.push(']');
    text
}
