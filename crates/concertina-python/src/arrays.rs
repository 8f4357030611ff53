//! Conversion from and to NumPy arrays.

use concertina::arrays::Member;
use ndarray::{Array2, Dimension, Ix2};
use numpy::{
    Element, PyArrayDescrMethods, PyArrayDyn, PyArrayMethods, PyReadonlyArray, PyUntypedArray,
    PyUntypedArrayMethods,
};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::errors::shape_error;
use crate::table::Table;

/// What an argument must be: its name, and the names of its axes.
#[derive(Clone, Copy)]
pub(crate) struct Argument {
    pub(crate) name: &'static str,
    pub(crate) axes: &'static [&'static str],
}

impl Argument {
    pub(crate) const fn new(name: &'static str, axes: &'static [&'static str]) -> Self {
        Self { name, axes }
    }

    /// Describes the expected array in words.
    fn expected(self, of: &str) -> String {
        format!("an array of {of} ({})", self.axes.join(", "))
    }
}

/// Real numbers of a NumPy array in their original precision, single or double.
pub(crate) enum Reals<'py, D: Dimension> {
    Single(PyReadonlyArray<'py, f32, D>),
    Double(PyReadonlyArray<'py, f64, D>),
}

/// Evaluates the same expression for both precisions, with the view bound to a name.
macro_rules! each_precision {
    ($reals:expr, $view:ident => $do:expr) => {
        match &$reals {
            $crate::arrays::Reals::Single(array) => {
                let $view = array.as_array();
                $do
            }
            $crate::arrays::Reals::Double(array) => {
                let $view = array.as_array();
                $do
            }
        }
    };
}
pub(crate) use each_precision;

/// The real numbers of an argument with the right number of axes. Arrays of float32 and float64 are used
/// without a copy; others are converted to float64.
pub(crate) fn reals<'py, D: Dimension>(
    argument: Argument,
    given: &Bound<'py, PyAny>,
) -> PyResult<Reals<'py, D>> {
    let array = aligned(argument, given, "real numbers")?;
    check_axes(argument, &array, "real numbers")?;
    if let Ok(single) = array.cast::<PyArrayDyn<f32>>() {
        return Ok(Reals::Single(with_axes(single)?));
    }
    Ok(Reals::Double(with_axes(&as_type::<f64>(argument, &array, "real numbers")?)?))
}

/// The same in double precision, converted if necessary.
pub(crate) fn doubles<'py, D: Dimension>(
    argument: Argument,
    given: &Bound<'py, PyAny>,
) -> PyResult<PyReadonlyArray<'py, f64, D>> {
    converted(argument, given)
}

/// The same in single precision, converted if necessary.
pub(crate) fn singles<'py, D: Dimension>(
    argument: Argument,
    given: &Bound<'py, PyAny>,
) -> PyResult<PyReadonlyArray<'py, f32, D>> {
    converted(argument, given)
}

/// Real numbers, converted to one precision.
fn converted<'py, T: Element, D: Dimension>(
    argument: Argument,
    given: &Bound<'py, PyAny>,
) -> PyResult<PyReadonlyArray<'py, T, D>> {
    let array = aligned(argument, given, "real numbers")?;
    check_axes(argument, &array, "real numbers")?;
    with_axes(&as_type::<T>(argument, &array, "real numbers")?)
}

/// Whole numbers of at least 0, one per entry: classes or conditions.
pub(crate) fn labels(argument: Argument, given: &Bound<'_, PyAny>) -> PyResult<Vec<u32>> {
    const WHAT: &str = "whole numbers of at least 0";
    let array = aligned(argument, given, WHAT)?;
    check_axes(argument, &array, WHAT)?;
    let array = as_type::<i64>(argument, &array, WHAT)?;
    let number = |label: &i64| {
        u32::try_from(*label).map_err(|_| {
            shape_error(
                argument.name,
                &argument.expected(WHAT),
                &format!("{label} among them"),
                Some("`numpy.unique(labels, return_inverse=True)[1]` numbers them"),
            )
        })
    };
    array.readonly().as_array().iter().map(number).collect()
}

/// Truth values, or numbers that are 0 or 1.
pub(crate) fn truths(argument: Argument, given: &Bound<'_, PyAny>) -> PyResult<Array2<bool>> {
    const WHAT: &str = "truth values";
    let array = aligned(argument, given, WHAT)?;
    check_axes(argument, &array, WHAT)?;
    let array = as_type::<bool>(argument, &array, WHAT)?;
    Ok(with_axes::<bool, Ix2>(&array)?.as_array().to_owned())
}

/// An array as a member of a file of arrays, so that the code that reads trials and weights from files can
/// read it too.
pub(crate) fn member(name: &str, given: &Bound<'_, PyAny>) -> PyResult<Member> {
    let argument = Argument { name: "array", axes: &[] };
    let array = aligned(argument, given, "numbers")
        .map_err(|_| shape_error(name, "an array of numbers", &what(given), None))?;
    let kind = kind_of(&array)?;
    Ok(match kind {
        'f' => Member::Numbers(as_type::<f64>(argument, &array, "numbers")?.to_owned_array()),
        'i' | 'u' => Member::Integers(as_type::<i64>(argument, &array, "numbers")?.to_owned_array()),
        'b' => Member::Truths(as_type::<bool>(argument, &array, "numbers")?.to_owned_array()),
        _ => Member::Other(format!("an array of {}", array.dtype())),
    })
}

/// The given object as an array whose numbers are aligned in memory as the processor needs them.
fn aligned<'py>(
    argument: Argument,
    given: &Bound<'py, PyAny>,
    of: &str,
) -> PyResult<Bound<'py, PyUntypedArray>> {
    static REQUIRE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let py = given.py();
    let refuse = || shape_error(argument.name, &argument.expected(of), &what(given), hint_for(given));
    if given.is_instance_of::<Table>() || given.hasattr("_table")? {
        return Err(refuse());
    }
    let require = REQUIRE.import(py, "numpy", "require")?;
    let array = require.call1((given, py.None(), "A")).map_err(|_| refuse())?;
    array.cast_into::<PyUntypedArray>().map_err(|_| refuse())
}

fn check_axes(argument: Argument, array: &Bound<'_, PyUntypedArray>, of: &str) -> PyResult<()> {
    if array.ndim() == argument.axes.len() {
        return Ok(());
    }
    let found = format!("one of shape {}", shape_in_words(array.shape()));
    Err(shape_error(argument.name, &argument.expected(of), &found, None))
}

/// An array whose numbers have a given type, without a copy if they have it already.
fn as_type<'py, T: Element>(
    argument: Argument,
    array: &Bound<'py, PyUntypedArray>,
    of: &str,
) -> PyResult<Bound<'py, PyArrayDyn<T>>> {
    if let Ok(array) = array.cast::<PyArrayDyn<T>>() {
        return Ok(array.clone());
    }
    let target = numpy::dtype::<T>(array.py());
    let (from, to) = (kind_of(array)?, char::from(target.kind()));
    let allowed = match to {
        'f' => "fiub",
        'i' => "iub",
        _ => "b",
    };
    if !allowed.contains(from) {
        let found = match from {
            'U' | 'S' => "one of texts".to_owned(),
            'O' => "one of Python objects".to_owned(),
            _ => format!("one of {}", array.dtype()),
        };
        return Err(shape_error(argument.name, &argument.expected(of), &found, None));
    }
    Ok(array.call_method1("astype", (target,))?.cast_into::<PyArrayDyn<T>>()?)
}

fn kind_of(array: &Bound<'_, PyUntypedArray>) -> PyResult<char> {
    Ok(char::from(array.dtype().kind()))
}

fn with_axes<'py, T: Element, D: Dimension>(
    array: &Bound<'py, PyArrayDyn<T>>,
) -> PyResult<PyReadonlyArray<'py, T, D>> {
    // only the number of axes is checked, and that was checked above
    array.as_any().extract()
}

/// Describes in words what was given.
fn what(given: &Bound<'_, PyAny>) -> String {
    let name =
        given.get_type().qualname().map_or_else(|_| "something else".to_owned(), |name| name.to_string());
    match name.as_str() {
        "NoneType" => "None".to_owned(),
        name if name.starts_with(['A', 'E', 'I', 'O']) => format!("an {name}"),
        name => format!("a {name}"),
    }
}

fn hint_for(given: &Bound<'_, PyAny>) -> Option<&'static str> {
    let is_table = given.hasattr("_table").unwrap_or_default();
    is_table.then_some(
        "a column of a table is an array: `table[\"name\"]`; `run.states(...)` gives the states of a run",
    )
}

/// A shape as Python writes it: `(500, 200)`.
pub(crate) fn shape_in_words(shape: &[usize]) -> String {
    let axes: Vec<String> = shape.iter().map(usize::to_string).collect();
    match axes.as_slice() {
        [one] => format!("({one},)"),
        _ => format!("({})", axes.join(", ")),
    }
}
