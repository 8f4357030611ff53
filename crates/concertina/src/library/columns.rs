//! The columns of the run table: their names, and the values they may be compared with.

use concertina_model::params::{Kind, PARAMETERS, Params, Value};
use concertina_model::trainer::EpochRecord;
use concertina_table::{Scalar, Values};

use super::progress::Status;
use crate::error::{Error, Result};
use crate::hint::Hint;
use crate::params_table;

/// The columns of the run table that are not parameters and come before them.
const OWN: [&str; 5] = ["key", "folder", "status", "epochs", "updates"];
/// A result of the last epoch of a run.
pub(super) type Measure = (&'static str, fn(&EpochRecord) -> Option<f64>);
pub(super) const MEASURES: [Measure; 4] = [
    ("training_loss", |record| Some(record.training_loss)),
    ("training_accuracy", |record| record.training_accuracy),
    ("validation_loss", |record| Some(record.validation_loss)),
    ("validation_accuracy", |record| record.validation_accuracy),
];
/// When a run was last trained, and how long all of its training took. These differ between machines.
pub(crate) const TIMES: [&str; 2] = ["finished", "wall_seconds"];

/// The columns of the run table, in order.
pub(super) fn all() -> Vec<&'static str> {
    let parameters = PARAMETERS.iter().filter(|parameter| parameter.part_of_key);
    let measures = MEASURES.iter().map(|(name, _)| *name);
    OWN.into_iter().chain(parameters.map(|parameter| parameter.path)).chain(measures).chain(TIMES).collect()
}

/// An empty cell of a column of the run table. It has the type of the column, so that no run changes that
/// type.
pub(super) fn empty(column: &str) -> Values {
    let parameter = PARAMETERS.iter().find(|parameter| parameter.path == column);
    match (column, parameter.map(|parameter| parameter.kind)) {
        ("epochs" | "updates", _) | (_, Some(Kind::Whole { .. } | Kind::OptionalWhole { .. })) => {
            Values::Integer(vec![None])
        }
        (_, Some(Kind::Boolean)) => Values::Boolean(vec![None]),
        ("key" | "folder" | "status" | "finished", _) => Values::Text(vec![None]),
        (_, Some(Kind::Real(_) | Kind::OptionalReal(_)) | None) => Values::Float(vec![None]),
        (_, Some(_)) => Values::Text(vec![None]),
    }
}

/// The column of the run table that a name means, in any spelling.
///
/// # Errors
/// [`Error::UnknownColumn`].
pub fn run_table_column(name: &str) -> Result<String> {
    let own = OWN.into_iter().chain(MEASURES.map(|(name, _)| name)).chain(TIMES);
    if own.clone().any(|column| column == name) {
        return Ok(name.to_owned());
    }
    let unknown = |hint| Error::UnknownColumn { name: name.to_owned(), hint };
    let unknown_for = |why: String| unknown(Hint::Text(why));
    if let Some((_, column)) = OTHER_NAMES.iter().find(|(other, _)| name.eq_ignore_ascii_case(other)) {
        return Err(unknown_for(format!("the column is called `{column}` here")));
    }
    match concertina_model::params::parameter(name) {
        Ok(parameter) if parameter.path == "train.epochs" => Ok("epochs".to_owned()),
        Ok(parameter) if parameter.part_of_key => Ok(parameter.path.to_owned()),
        Ok(parameter) => Err(unknown_for(format!(
            "`{}` is not part of a run: it may change from one request to the next",
            parameter.path
        ))),
        Err(error) => Err(unknown(match concertina_names::nearest(name, own) {
            Some(found) => Hint::Text(format!("did you mean `{found}`?")),
            None => error.hint().map_or(Hint::ListParameters, Hint::Text),
        })),
    }
}

/// Names that other programs use for some of the columns.
const OTHER_NAMES: [(&str, &str); 16] = [
    ("outcome", "status"),
    ("state", "status"),
    ("accuracy", "validation_accuracy"),
    ("acc", "validation_accuracy"),
    ("val_acc", "validation_accuracy"),
    ("val_accuracy", "validation_accuracy"),
    ("test_accuracy", "validation_accuracy"),
    ("val_loss", "validation_loss"),
    ("test_loss", "validation_loss"),
    ("train_acc", "training_accuracy"),
    ("train_accuracy", "training_accuracy"),
    ("train_loss", "training_loss"),
    ("when", "finished"),
    ("date", "finished"),
    ("duration", "wall_seconds"),
    ("seconds", "wall_seconds"),
];

/// A value as a column of the run table stores it: choices by their canonical names, numbers as numbers.
///
/// # Errors
/// What the column may be compared with, if the value is not of that kind.
pub(crate) fn column_value(column: &str, text: &str, quoted: bool) -> Result<Scalar, String> {
    let plain = if quoted { Scalar::Text(text.to_owned()) } else { Scalar::of_word(text) };
    if plain.is_null() {
        return Ok(plain);
    }
    let number = || plain.as_float().map(|_| plain.clone()).ok_or_else(|| "a number or `none`".to_owned());
    match column {
        "key" => {
            let digits = text.to_ascii_lowercase();
            let hexadecimal = digits.len() <= 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            hexadecimal
                .then_some(Scalar::Text(digits))
                .ok_or_else(|| "a key or the beginning of one".to_owned())
        }
        "status" => match Status::ALL.iter().any(|status| status.name() == text) {
            true => Ok(Scalar::from(text)),
            false => Err(Status::ALL.map(|status| format!("`{}`", status.name())).join(", ")),
        },
        "folder" | "finished" => Ok(Scalar::from(text)),
        _ => match PARAMETERS.iter().find(|parameter| parameter.path == column) {
            Some(parameter) if !is_numeric(&parameter.kind) => {
                let mut params = Params::default();
                let read = parameter.set(&mut params, &Value::Text(text.to_owned()));
                let cell = || params_table::cell(&parameter.value(&params));
                read.map(|()| cell()).map_err(|_| parameter.kind.to_string())
            }
            _ => number(),
        },
    }
}

/// Whether the values of a column have an order that a user may refer to.
pub(crate) fn is_ordered(column: &str) -> bool {
    match PARAMETERS.iter().find(|parameter| parameter.path == column) {
        Some(parameter) => is_numeric(&parameter.kind),
        None => column != "status",
    }
}

fn is_numeric(kind: &Kind) -> bool {
    matches!(kind, Kind::Whole { .. } | Kind::OptionalWhole { .. } | Kind::Real(_) | Kind::OptionalReal(_))
}
