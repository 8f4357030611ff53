//! Parameters from files: TOML, and JSON (a Python dict dumped as JSON).

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::elsewhere::{PassedOver, passed_over};
use super::names::{Refused, assign_or_hold, parameter, parameter_in};
use super::value::Value;
use super::{GradientMethod, Params};
use crate::error::at_line;
use crate::{Error, Result};
use concertina_names::nearest;

const SECTIONS: [&str; 3] = ["task", "network", "train"];

/// A name in a file, and its value.
pub(super) struct Entry {
    /// The table that contains it; empty at the top.
    pub(super) section: String,
    pub(super) name: String,
    pub(super) value: Value,
    /// Line in the file, from 1.
    pub(super) line: Option<usize>,
}

impl Entry {
    /// The name that [`assign`] takes.
    fn full_name(&self) -> Result<&str> {
        match &*self.section {
            "" => Ok(&self.name),
            section if SECTIONS.contains(&section) && self.passed_over().is_some() => Ok(&self.name),
            section if SECTIONS.contains(&section) => {
                let parameter = parameter_in(section, &self.name)?;
                // A published name may set more than the one parameter, so the name is kept.
                Ok(if parameter.field() == self.name { parameter.path } else { &self.name })
            }
            section => Err(unknown_section(section)),
        }
    }

    /// The entry itself, if it is not a parameter and its value requests nothing.
    pub(super) fn passed_over(&self) -> Option<PassedOver> {
        passed_over(&self.name, &self.value)
    }
}

fn unknown_section(name: &str) -> Error {
    let hint = match nearest(name, SECTIONS) {
        _ if name == "sweep" => "one set of parameters is expected here, not a sweep".to_owned(),
        Some(nearest) => format!("did you mean `[{nearest}]`?"),
        None => "`concertina params` lists every parameter".to_owned(),
    };
    Error::UnknownSection { name: name.to_owned(), hint }
}

impl Params {
    /// Reads parameters from TOML: `seed` at the top, then `[task]`, `[network]`, `[train]`. What is left out
    /// has its default. At the top, every parameter may also be given under the published code's name or the
    /// last part of its path.
    ///
    /// # Errors
    /// [`Error::Toml`] with line, column and snippet; [`Error::AtLine`] around an unknown name, a parameter
    /// given twice, a wrong type or a value out of range.
    pub fn from_toml(text: &str) -> Result<Self> {
        let mut params = Self::default();
        params.apply(&toml_entries(text)?)?;
        Ok(params)
    }

    /// Reads the parameters that were stored with a run, in TOML.
    ///
    /// What is left out was not yet a parameter when the run was stored, and gets the value that means "as
    /// before": [`GradientMethod::Backpropagation`].
    ///
    /// # Errors
    /// As [`Params::from_toml`].
    pub fn from_stored_toml(text: &str) -> Result<Self> {
        let mut params = Self::default();
        params.train.gradients = GradientMethod::Backpropagation;
        params.apply(&toml_entries(text)?)?;
        Ok(params)
    }

    /// Sets the parameters in a TOML table, which is as in [`Params::from_toml`], and leaves the rest
    /// unchanged.
    ///
    /// # Errors
    /// As [`Params::from_toml`], without line numbers.
    pub fn apply_table(&mut self, table: &toml::Table) -> Result<()> {
        let mut entries = toml_entries(&table.to_string())?;
        entries.iter_mut().for_each(|entry| entry.line = None);
        self.apply(&entries)
    }

    /// Reads parameters from a JSON object: flat with the published code's names (a Python dict after
    /// `json.dumps`), or with sections as in [`Params::from_toml`].
    ///
    /// # Errors
    /// [`Error::Json`], and as [`Params::from_toml`], without line numbers.
    pub fn from_json(text: &str) -> Result<Self> {
        let mut params = Self::default();
        params.apply(&json_entries(text)?)?;
        Ok(params)
    }

    /// Sets every entry, each parameter once. If one is wrong, all parameters stay as they were. The value of
    /// a parameter that has no effect with the others is not checked.
    pub(super) fn apply(&mut self, entries: &[Entry]) -> Result<()> {
        let mut changed = self.clone();
        let (refused, _) = changed.apply_or_hold(entries)?;
        refused.iter().try_for_each(|refused| refused.check(&changed))?;
        *self = changed;
        Ok(())
    }

    /// As [`Params::apply`], except that refused values of parameters that may have no effect are returned.
    /// The second result is the paths of the parameters that were given.
    pub(super) fn apply_or_hold(&mut self, entries: &[Entry]) -> Result<(Vec<Refused>, Vec<&'static str>)> {
        let mut given: Vec<&'static str> = Vec::new();
        let mut held = Vec::new();
        for entry in entries {
            let add_line = at_line(entry.line);
            let name = entry.full_name().map_err(&add_line)?;
            if let Ok(parameter) = parameter(name) {
                if given.contains(&parameter.path) {
                    return Err(add_line(Error::GivenTwice { parameter: parameter.path.to_owned() }));
                }
                given.push(parameter.path);
            }
            held.extend(assign_or_hold(self, name, &entry.value, entry.line)?);
        }
        Ok((held, given))
    }
}

/// The names in a JSON object, at its top level or in sections, and their values.
pub(super) fn json_entries(text: &str) -> Result<Vec<Entry>> {
    let object: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(text).map_err(|source| Error::Json { source })?;
    let entry =
        |section: String, name, value| Entry { section, name, value: from_json_value(value), line: None };
    let mut entries = Vec::new();
    for (name, value) in object {
        match value {
            serde_json::Value::Object(section) => {
                entries.extend(section.into_iter().map(|(field, value)| entry(name.clone(), field, value)));
            }
            value => entries.push(entry(String::new(), name, value)),
        }
    }
    Ok(entries)
}

/// The names in a TOML file in the order of the file, and their values.
pub(super) fn toml_entries(text: &str) -> Result<Vec<Entry>> {
    let table = DeTable::parse(text).map_err(|source| Error::Toml { source: Box::new(source) })?;
    let lines = Lines::of(text);
    let mut entries = Vec::new();
    let top = table.get_ref();
    for (name, value) in in_order(top) {
        let line = lines.at(name.span().start);
        let name = name.get_ref().to_string();
        if let DeValue::Table(section) = value.get_ref() {
            for (field, value) in in_order(section) {
                let line = lines.at(field.span().start);
                let field = field.get_ref().to_string();
                if value.get_ref().is_table() {
                    return Err(at_line(Some(line))(no_value(format!("{name}.{field}"), "a table")));
                }
                let value = from_toml_value(value.get_ref());
                entries.push(Entry { section: name.clone(), name: field, value, line: Some(line) });
            }
            if section.is_empty() && !SECTIONS.contains(&&*name) && name != "sweep" {
                return Err(at_line(Some(line))(unknown_section(&name)));
            }
        } else if value
            .get_ref()
            .as_array()
            .is_some_and(|items| items.iter().any(|item| item.get_ref().is_table()))
        {
            return Err(at_line(Some(line))(no_value(name, "a list of tables")));
        } else {
            let value = from_toml_value(value.get_ref());
            entries.push(Entry { section: String::new(), name, value, line: Some(line) });
        }
    }
    Ok(entries)
}

/// The error for a table where a value should be.
fn no_value(parameter: String, found: &str) -> Error {
    Error::Parameter {
        parameter,
        expected: "a value".to_owned(),
        found: found.to_owned(),
        hint: Some("the sections are `[task]`, `[network]` and `[train]`, in single brackets".to_owned()),
    }
}

type Pair<'a, 'i> = (&'a Spanned<std::borrow::Cow<'i, str>>, &'a Spanned<DeValue<'i>>);

/// The pairs of a table in the order of the file.
fn in_order<'a, 'i>(table: &'a DeTable<'i>) -> Vec<Pair<'a, 'i>> {
    let mut pairs: Vec<_> = table.iter().collect();
    pairs.sort_by_key(|(name, _)| name.span().start);
    pairs
}

/// Where the lines of a text end. Kept, because a file may have many names, and counting lines again for each
/// would be slow.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(place, _)| place).collect())
    }

    /// The line that contains a byte, from 1.
    fn at(&self, place: usize) -> usize {
        self.0.partition_point(|end| *end < place) + 1
    }
}

fn from_toml_value(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Boolean(value) => Value::Boolean(*value),
        DeValue::Integer(number) => i128::from_str_radix(number.as_str(), number.radix())
            .map_or_else(|_| Value::Text(number.as_str().to_owned()), Value::Integer),
        DeValue::Float(number) => {
            number.as_str().parse().map_or_else(|_| Value::Text(number.as_str().to_owned()), Value::Real)
        }
        DeValue::Array(items) => {
            Value::List(items.iter().map(|item| from_toml_value(item.get_ref())).collect())
        }
        DeValue::Datetime(time) => Value::Text(time.to_string()),
        DeValue::Table(_) => Value::Text("a table".to_owned()),
    }
}

fn from_json_value(value: serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::None,
        serde_json::Value::Bool(value) => Value::Boolean(value),
        serde_json::Value::Number(number) => match (number.as_i128(), number.as_f64()) {
            (Some(whole), _) => Value::Integer(whole),
            (None, Some(real)) => Value::Real(real),
            (None, None) => Value::Text(number.to_string()),
        },
        serde_json::Value::String(text) => Value::Text(text),
        serde_json::Value::Array(items) => Value::List(items.into_iter().map(from_json_value).collect()),
        serde_json::Value::Object(_) => Value::Text("an object".to_owned()),
    }
}
