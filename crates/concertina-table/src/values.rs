//! The cells of one column.

use crate::Scalar;

/// The cells of one column, all of the same kind. Each may be null.
///
/// All vectors of a column have the same length, its width; a table refuses others. A vector is either known
/// completely or null: one that contains NaN becomes null.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Floating-point numbers.
    Float(Vec<Option<f64>>),
    /// Whole numbers.
    Integer(Vec<Option<i64>>),
    /// Texts.
    Text(Vec<Option<String>>),
    /// True or false.
    Boolean(Vec<Option<bool>>),
    /// Vectors of numbers, all of the same length.
    Vector(Vec<Option<Vec<f64>>>),
}

/// Evaluates the same expression for each kind of column.
macro_rules! each_kind {
    ($values:expr, $cells:ident => $do:expr) => {
        match $values {
            Values::Float($cells) => $do,
            Values::Integer($cells) => $do,
            Values::Text($cells) => $do,
            Values::Boolean($cells) => $do,
            Values::Vector($cells) => $do,
        }
    };
}

/// Applies the same operation on the cells of each kind of column, giving a column of that kind.
macro_rules! map_kind {
    ($values:expr, $cells:ident => $do:expr) => {
        match $values {
            Values::Float($cells) => Values::Float($do),
            Values::Integer($cells) => Values::Integer($do),
            Values::Text($cells) => Values::Text($do),
            Values::Boolean($cells) => Values::Boolean($do),
            Values::Vector($cells) => Values::Vector($do),
        }
    };
}

impl Values {
    /// The number of cells, including nulls.
    pub fn len(&self) -> usize {
        each_kind!(self, cells => cells.len())
    }

    /// True if there are no cells.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The kind in words: `float`, `integer`, `text`, `boolean` or `vector`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Float(_) => "float",
            Self::Integer(_) => "integer",
            Self::Text(_) => "text",
            Self::Boolean(_) => "boolean",
            Self::Vector(_) => "vector",
        }
    }

    /// The number of elements of each vector; `None` for other kinds, and if all cells are null.
    pub fn width(&self) -> Option<usize> {
        match self {
            Self::Vector(cells) => cells.iter().flatten().next().map(Vec::len),
            _ => None,
        }
    }

    /// One cell, or `None` past the end.
    pub fn get(&self, row: usize) -> Option<Scalar> {
        Some(match self {
            Self::Float(cells) => Scalar::from(*cells.get(row)?),
            Self::Integer(cells) => Scalar::from(*cells.get(row)?),
            Self::Text(cells) => Scalar::from(cells.get(row)?.clone()),
            Self::Boolean(cells) => Scalar::from(*cells.get(row)?),
            Self::Vector(cells) => cells.get(row)?.clone().map_or(Scalar::Null, Scalar::Vector),
        })
    }

    /// A column of `rows` equal cells; null gives a float column of nulls.
    pub fn constant(value: &Scalar, rows: usize) -> Self {
        match value {
            Scalar::Float(value) => Self::Float(vec![Some(*value); rows]).without_nan(),
            Scalar::Integer(value) => Self::Integer(vec![Some(*value); rows]),
            Scalar::Text(value) => Self::Text(vec![Some(value.clone()); rows]),
            Scalar::Boolean(value) => Self::Boolean(vec![Some(*value); rows]),
            Scalar::Vector(value) => Self::Vector(vec![Some(value.clone()); rows]).without_nan(),
            Scalar::Null => Self::Float(vec![None; rows]),
        }
    }

    /// True if every cell is null, or if there are no cells.
    pub fn is_all_null(&self) -> bool {
        each_kind!(self, cells => cells.iter().all(Option::is_none))
    }

    pub(crate) fn without_nan(mut self) -> Self {
        match &mut self {
            Self::Float(cells) => {
                cells.iter_mut().for_each(|cell| *cell = cell.filter(|number| !number.is_nan()));
            }
            Self::Vector(cells) => {
                let undefined = |cell: &Option<Vec<f64>>| cell.iter().flatten().copied().any(f64::is_nan);
                cells.iter_mut().filter(|cell| undefined(cell)).for_each(|cell| *cell = None);
            }
            Self::Integer(_) | Self::Text(_) | Self::Boolean(_) => {}
        }
        self
    }

    pub(crate) fn take(&self, rows: &[usize]) -> Self {
        fn of<T: Clone>(cells: &[T], rows: &[usize]) -> Vec<T> {
            rows.iter().map(|&row| cells[row].clone()).collect()
        }
        map_kind!(self, cells => of(cells, rows))
    }

    /// The cells of these rows, and null where a row is `None`.
    pub(crate) fn pick(&self, rows: &[Option<usize>]) -> Self {
        fn of<T: Clone>(cells: &[Option<T>], rows: &[Option<usize>]) -> Vec<Option<T>> {
            rows.iter().map(|row| row.and_then(|row| cells[row].clone())).collect()
        }
        map_kind!(self, cells => of(cells, rows))
    }

    /// `rows` nulls of the kind of `self`.
    pub(crate) fn nulls_like(&self, rows: usize) -> Self {
        map_kind!(self, _cells => vec![None; rows])
    }

    /// The length of a vector that differs from that of the first; `None` if all have the same length.
    pub(crate) fn other_width(&self) -> Option<usize> {
        let (Self::Vector(cells), Some(width)) = (self, self.width()) else { return None };
        cells.iter().flatten().map(Vec::len).find(|length| *length != width)
    }

    /// Appends `other` to `self`. Returns false and changes nothing if the kinds, or the widths of vectors,
    /// are incompatible.
    pub(crate) fn extend(&mut self, other: &Self) -> bool {
        let (no_kind_yet, width) = (self.is_all_null(), self.width());
        match (&mut *self, other) {
            (Self::Float(cells), Self::Float(more)) => cells.extend_from_slice(more),
            (Self::Integer(cells), Self::Integer(more)) => cells.extend_from_slice(more),
            (Self::Text(cells), Self::Text(more)) => cells.extend_from_slice(more),
            (Self::Boolean(cells), Self::Boolean(more)) => cells.extend_from_slice(more),
            (Self::Vector(_), Self::Vector(_)) if differ(width, other.width()) => return false,
            (Self::Vector(cells), Self::Vector(more)) => cells.extend_from_slice(more),
            (Self::Float(cells), Self::Integer(more)) => cells.extend(widened(more)),
            (Self::Integer(cells), Self::Float(more)) if !other.is_all_null() => {
                let mut wide: Vec<_> = widened(cells).collect();
                wide.extend_from_slice(more);
                *self = Self::Float(wide);
            }
            _ if other.is_all_null() => {
                let rows = other.len();
                each_kind!(self, cells => cells.extend(std::iter::repeat_n(None, rows)));
            }
            _ if no_kind_yet => {
                let mut cells = other.nulls_like(self.len());
                cells.extend(other);
                *self = cells;
            }
            _ => return false,
        }
        true
    }
}

/// Whether vectors of these widths cannot be in the same column.
fn differ(width: Option<usize>, other: Option<usize>) -> bool {
    width.zip(other).is_some_and(|(width, other)| width != other)
}

pub(crate) fn widened(cells: &[Option<i64>]) -> impl Iterator<Item = Option<f64>> + '_ {
    cells.iter().map(|cell| cell.map(|value| value as f64))
}

macro_rules! from_vectors {
    ($($kind:ident($cell:ty): $($source:ty),+;)*) => {$($(
        impl From<Vec<$source>> for Values {
            /// NaN becomes null.
            fn from(cells: Vec<$source>) -> Self {
                Self::$kind(cells.into_iter().map(|cell| Some(<$cell>::from(cell))).collect()).without_nan()
            }
        }
        impl From<Vec<Option<$source>>> for Values {
            /// NaN becomes null.
            fn from(cells: Vec<Option<$source>>) -> Self {
                Self::$kind(cells.into_iter().map(|cell| cell.map(<$cell>::from)).collect()).without_nan()
            }
        }
    )+)*};
}
from_vectors! {
    Float(f64): f64, f32;
    Integer(i64): i64, i32, u32;
    Text(String): String, &str;
    Boolean(bool): bool;
    Vector(Vec<f64>): Vec<f64>;
}
