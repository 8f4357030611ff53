//! Parameters as text: in files, in keys, and in the table of all parameters.

use std::fmt::Write as _;

use super::field::Field;
use super::parameter::{Kind, Parameter};
use super::registry::PARAMETERS;
use super::value::{Value, spell};
use super::{GradientMethod, Params, ValidParams};

/// The first line of the canonical form. Its number is raised only if the same text were to mean a different
/// computation.
const SCHEMA: &str = "concertina run 1";

impl Params {
    /// All parameters as TOML, which [`Params::from_toml`] reads back as the same parameters. Parameters that
    /// are none are left out.
    pub fn to_toml(&self) -> String {
        let mut text = String::new();
        for_each_section(&mut text, |text, parameter| {
            let value = parameter.value(self);
            if value != Value::None {
                push_line(text, parameter, &value);
            }
        });
        text
    }
}

impl ValidParams {
    /// The text whose hash is a run's key: the parameters that determine the computation, in one spelling.
    ///
    /// The first line is the version of the schema. It is followed by a line `path = value` for every
    /// parameter that is part of the key and differs from its default, sorted by path. Numbers are the
    /// shortest decimals that read back as the same bits. So a parameter that is added later, with a default
    /// that means "as before", changes no key, and neither does a change in the order of the registry.
    /// Defaults, once released, stay.
    ///
    /// `train.epochs`, `train.saves_per_epoch` and `train.stop_after` are left out: they say how far a run is
    /// trained and what is kept of it, but change none of its bits up to that point, so that a run of
    /// 24 epochs extends one of 12.
    pub fn canonical(&self) -> String {
        let mut lines: Vec<String> = PARAMETERS
            .iter()
            .filter(|parameter| parameter.part_of_key && parameter.value(self) != parameter.usual(self))
            .map(|parameter| format!("{} = {}\n", parameter.path, file_spelling(&parameter.value(self))))
            .collect();
        lines.sort_unstable();
        lines.insert(0, format!("{SCHEMA}\n"));
        lines.concat()
    }

    /// All parameters as TOML, with the meaning, unit and published name of each in a comment.
    ///
    /// [`Params::from_toml`] reads it back as the same parameters.
    pub fn to_annotated_toml(&self) -> String {
        let mut text =
            "# Parameters of a run of Concertina; in brackets the published code's names.\n".to_owned();
        for_each_section(&mut text, |text, parameter| {
            let start = text.len();
            let value = parameter.value(self);
            if value == Value::None {
                let _ = write!(text, "# {} is none", parameter.field()); // writing to a string cannot fail
            } else {
                push_line(text, parameter, &value);
                text.pop();
            }
            let width = text.len() - start;
            let _ = write!(text, "{:1$} # {2}", "", 32_usize.saturating_sub(width), parameter.meaning);
            if !parameter.unit.is_empty() {
                let _ = write!(text, ", in {}", parameter.unit);
            }
            for published in parameter.published.iter().filter(|name| **name != parameter.field()) {
                let _ = write!(text, " ({published})");
            }
            if !parameter.applies(self) {
                text.push_str("; without effect here");
            }
            text.push('\n');
        });
        text
    }
}

/// Calls `push` for every parameter in order, with a heading before each section.
fn for_each_section(text: &mut String, mut push: impl FnMut(&mut String, &Parameter)) {
    let mut section = "";
    for parameter in PARAMETERS {
        if parameter.section() != section {
            section = parameter.section();
            let _ = writeln!(text, "\n[{section}]"); // writing to a string cannot fail
        }
        push(text, parameter);
    }
}

fn push_line(text: &mut String, parameter: &Parameter, value: &Value) {
    let _ = writeln!(text, "{} = {}", parameter.field(), file_spelling(value)); // writing to a string cannot fail
}

/// A value as TOML, in one spelling.
fn file_spelling(value: &Value) -> String {
    match value {
        Value::Text(text) => toml::Value::from(text.as_str()).to_string(),
        Value::Trials(arrays) => format!("\"{}\"", arrays.name()),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(file_spelling).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Real(number) => spell(*number),
        other => other.to_string(),
    }
}

impl Parameter {
    /// The value that the canonical form of these parameters leaves out.
    pub(super) fn usual(&self, params: &Params) -> Value {
        match self.path {
            "task.val_samples" => Value::from(params.task.default_val_samples()),
            "network.gain" => Value::Real(params.network.default_gain()),
            "network.gate_bias" => Value::Real(params.network.default_gate_bias()),
            "train.gradients" => GradientMethod::Backpropagation.show(),
            _ => self.default_value(),
        }
    }

    /// Its default, as it is written in a table.
    pub fn default_text(&self) -> String {
        match self.shown_default() {
            Value::Text(text) => text,
            other => file_spelling(&other),
        }
    }

    /// All its defaults, as they are written in a table: the usual one, and those that depend on other
    /// parameters.
    pub fn defaults_text(&self) -> String {
        match self.other_defaults {
            "" => self.default_text(),
            others => format!("{}; {others}", self.default_text()),
        }
    }

    /// Its values, as they are described in a table: choices with the published code's names.
    pub fn values_text(&self) -> String {
        let or_none = match (self.kind, self.shown_default()) {
            (Kind::OptionalReal(_), Value::None) => ", or none",
            _ => "",
        };
        let Kind::Choice(choices) = self.kind else { return format!("{}{or_none}", self.kind) };
        let named = |(name, published): (&str, &[&str])| match published.first() {
            Some(published) => format!("`{name}` (`{published}`)"),
            None => format!("`{name}`"),
        };
        let choices: Vec<String> = choices.iter().map(|names| named((names.name, names.published))).collect();
        choices.join(", ")
    }
}

/// The table of all parameters in Markdown, from which `docs/reference/parameters.md` is made.
pub fn parameters_markdown() -> String {
    let mut text =
        "| parameter | published code | default | values | meaning |\n|---|---|---|---|---|\n".to_owned();
    for parameter in PARAMETERS {
        let published: Vec<String> = parameter.published.iter().map(|name| format!("`{name}`")).collect();
        let unit = if parameter.unit.is_empty() { String::new() } else { format!(", in {}", parameter.unit) };
        let condition = parameter.condition.map_or(String::new(), |c| format!("; only with {}", c.text));
        let key = if parameter.part_of_key { "" } else { "; not part of the key" };
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} | {}{unit}{condition}{key} |",
            parameter.path,
            published.join(", "),
            parameter.defaults_text(),
            parameter.values_text(),
            parameter.meaning,
        ); // writing to a string cannot fail
    }
    text
}
