//! Errors of the facade as Python exceptions.

use std::error::Error as _;

use concertina::{Error, ErrorKind, Hint};
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;

use crate::words;

/// The module of the exception classes.
const MODULE: &str = "concertina._errors";

/// Converts Rust errors into Python exceptions.
pub(crate) trait OrRaise<T> {
    /// The value, or the exception that corresponds to the error.
    fn or_raise(self) -> PyResult<T>;

    /// The same for calls in which only an argument, an array or a setting, can be wrong.
    fn or_refuse(self) -> PyResult<T>;
}

impl<T, E: Into<Error>> OrRaise<T> for Result<T, E> {
    fn or_raise(self) -> PyResult<T> {
        self.map_err(|error| exception(&error.into()))
    }

    fn or_refuse(self) -> PyResult<T> {
        use concertina::analyses::Error as Analysis;
        self.map_err(|error| match error.into() {
            Error::Analysis(error @ Analysis::NotFinite { .. }) => raised(
                "ShapeError",
                &error.to_string(),
                Some(&Hint::Text("`numpy.isfinite` finds them".to_owned())),
            ),
            Error::Analysis(error @ Analysis::TooFewSamples { .. }) => {
                raised("ShapeError", &error.to_string(), None)
            }
            Error::Analysis(error @ Analysis::NotApplicable { .. }) => {
                raised("ParameterError", &error.to_string(), None)
            }
            error => exception(&error),
        })
    }
}

/// The exception that corresponds to an error of the facade.
pub(crate) fn exception(error: &Error) -> PyErr {
    if matches!(error.kind(), ErrorKind::Interrupted) {
        return PyKeyboardInterrupt::new_err(());
    }
    let class = match error.kind() {
        ErrorKind::Run => "RunFailed",
        ErrorKind::Store => "StoreError",
        _ if is_about_a_file(error) => "StoreError",
        _ if is_about_an_array(error) => "ShapeError",
        _ => "ParameterError",
    };
    let mut message = words::of_python(&error.to_string());
    let mut source = error.source();
    while let Some(reason) = source {
        // most messages contain their reason already
        if !message.contains(&reason.to_string()) {
            message.push_str(&format!(": {reason}"));
        }
        source = reason.source();
    }
    // arrays in memory have no file whose name could end the message
    raised(class, message.trim_end_matches(": arrays"), error.hint().as_ref())
}

/// An exception of a class of the package.
pub(crate) fn raised(class: &str, message: &str, hint: Option<&Hint>) -> PyErr {
    Python::attach(|py| {
        let made = PyModule::import(py, MODULE)
            .and_then(|module| module.getattr(class))
            .and_then(|class| class.call1((message, hint.map(words::hint))));
        made.map_or_else(|error| error, PyErr::from_value)
    })
}

/// An error about an array of the wrong shape or type, or with numbers that it cannot have.
pub(crate) fn shape_error(argument: &str, expected: &str, found: &str, hint: Option<&str>) -> PyErr {
    let hint = hint.map(|hint| Hint::Text(hint.to_owned()));
    raised("ShapeError", &format!("`{argument}`: expected {expected}, found {found}"), hint.as_ref())
}

/// Whether a file cannot be read or written.
fn is_about_a_file(error: &Error) -> bool {
    use concertina::plot::Error as Plot;
    use concertina::recipe::Error as Recipe;
    matches!(
        error,
        Error::Read { .. }
            | Error::Write { .. }
            | Error::Plot(Plot::File { .. })
            | Error::Recipe(Recipe::File { .. } | Recipe::Plot(Plot::File { .. }))
    )
}

/// Whether the error is about an array: its shape, its type or one of its numbers.
fn is_about_an_array(error: &Error) -> bool {
    use concertina::analyses::Error as Analysis;
    use concertina::model::Error as Model;
    use concertina::table::Error as Table;
    let of_model =
        |error: &Model| matches!(error, Model::Shape { .. } | Model::Trials { .. } | Model::NotFinite { .. });
    match error {
        Error::Model(error) => of_model(error),
        Error::Analysis(
            Analysis::Shape { .. } | Analysis::NotFinite { .. } | Analysis::TooFewSamples { .. },
        ) => true,
        Error::Analysis(Analysis::Model(error)) => of_model(error),
        Error::Table(Table::Length { .. } | Table::Width { .. }) => true,
        Error::Arrays { .. } | Error::Archive(_) | Error::Import { .. } => true,
        _ => false,
    }
}
