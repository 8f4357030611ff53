//! What a schematic needs to know of its runs: columns with a single value.

use concertina_table::{Scalar, Table};

use crate::{Error, Result};

/// The largest number of things that are drawn one by one: arbitrary, more than fit on a page.
const MOST_DRAWN: usize = 1000;

/// The table of a schematic, whose columns are parameters: `delay`, or with its section `task.delay`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings<'a> {
    pub(super) table: &'a Table,
    /// The name of the panel in errors.
    pub(super) panel: &'a str,
}

impl Settings<'_> {
    fn wrong<T>(&self, message: String, hint: String) -> Result<T> {
        Err(Error::Panel { panel: self.panel.to_owned(), message, hint: Some(hint) })
    }

    /// The column of a parameter: by its whole name, or the last part of it.
    fn column<'n>(&self, parameter: &'n str) -> Option<&'n str> {
        let short = match parameter {
            "task.kind" => "task",
            "network.kind" => "network",
            other => other.rsplit('.').next().unwrap_or(other),
        };
        [parameter, short].into_iter().find(|name| self.table.has_column(name))
    }

    /// The value of a column that has a single one; `None` if there is no such column, or it is empty.
    /// `example` is a value for the hint of the error.
    fn single(&self, parameter: &str, example: &str) -> Result<Option<String>> {
        let Some(column) = self.column(parameter) else { return Ok(None) };
        let values = self.table.distinct(column)?;
        match values.as_slice() {
            [] => Ok(None),
            [value] => Ok(Some(value.clone())),
            several => self.wrong(
                format!("expected one value of `{column}` for the schematic, found {}", several.len()),
                one_value(parameter, example),
            ),
        }
    }

    /// A word, or `otherwise` without such a column.
    pub(super) fn word(&self, parameter: &str, otherwise: &str) -> Result<String> {
        Ok(self.single(parameter, otherwise)?.unwrap_or_else(|| otherwise.to_owned()))
    }

    /// Whether a parameter is `true`; `otherwise` without such a column.
    pub(super) fn flag(&self, parameter: &str, otherwise: bool) -> Result<bool> {
        let word = self.word(parameter, if otherwise { "true" } else { "false" })?;
        match word.as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            other => self.wrong(
                format!("expected `true` or `false` in column `{parameter}`, found `{other}`"),
                one_value(parameter, "true"),
            ),
        }
    }

    /// A number above 0; `None` without such a column.
    pub(super) fn number(&self, parameter: &str, example: &str) -> Result<Option<f64>> {
        let Some(word) = self.single(parameter, example)? else { return Ok(None) };
        match word.parse::<f64>() {
            Ok(number) if number.is_finite() && number > 0.0 => Ok(Some(number)),
            _ => self.wrong(
                format!("expected a number above 0 in column `{parameter}`, found `{word}`"),
                one_value(parameter, example),
            ),
        }
    }

    /// A count; `None` without such a column.
    pub(super) fn count_if_any(&self, parameter: &str, example: &str) -> Result<Option<usize>> {
        let Some(word) = self.single(parameter, example)? else { return Ok(None) };
        match word.parse() {
            Ok(count) => Ok(Some(count)),
            Err(_) => self.wrong(
                format!("expected a count in column `{}`, found `{word}`", short(parameter)),
                one_value(parameter, example),
            ),
        }
    }

    /// A count.
    pub(super) fn count(&self, parameter: &str, example: &str) -> Result<usize> {
        match self.count_if_any(parameter, example)? {
            Some(count) => Ok(count),
            None => self.wrong(
                format!("expected a column `{}` for the schematic, found none", short(parameter)),
                one_value(parameter, example),
            ),
        }
    }

    /// [`Settings::count`] of things that are drawn one by one.
    pub(super) fn few(&self, parameter: &str, example: &str) -> Result<usize> {
        let found = self.count(parameter, example)?;
        if found > MOST_DRAWN {
            let column = short(parameter);
            return self.wrong(
                format!("`{column}`: expected at most {MOST_DRAWN} for a schematic, found {found}"),
                "draw the schematic of smaller runs".to_owned(),
            );
        }
        Ok(found)
    }

    /// An error for a word that is none of those known.
    pub(super) fn unknown<T>(&self, what: &str, found: &str, known: &[&str]) -> Result<T> {
        self.wrong(
            format!("there is no schematic of {what} `{found}`"),
            concertina_names::suggestion(found, known.to_vec(), "known:"),
        )
    }
}

fn short(parameter: &str) -> &str {
    parameter.rsplit('.').next().unwrap_or(parameter)
}

fn one_value(parameter: &str, example: &str) -> String {
    let value = match Scalar::of_word(example) {
        Scalar::Text(text) => format!("\"{text}\""),
        _ => example.to_owned(),
    };
    format!("make it an axis of the sweep with one value, as in sweep = {{ {parameter} = [{value}] }}")
}

/// `10 timesteps`, `1 timestep`.
pub(super) fn counted(count: usize, one: &str, several: &str) -> String {
    let number = crate::ticks::plain(count as f64);
    format!("{number} {}", if count == 1 { one } else { several })
}
