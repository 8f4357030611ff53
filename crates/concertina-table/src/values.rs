//! The cells of one column.

use crate::Scalar;

/// The cells of one column: all of one kind, each may be null.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Numbers with fraction.
    Float(Vec<Option<f64>>),
    /// Whole numbers.
    Integer(Vec<Option<i64>>),
    /// Texts.
    Text(Vec<Option<String>>),
    /// True or false.
    Boolean(Vec<Option<bool>>),
}

/// The same expression for each kind of column.
macro_rules! each_kind {
    ($values:expr, $cells:ident => $do:expr) => {
        match $values {
            Values::Float($cells) => $do,
            Values::Integer($cells) => $do,
            Values::Text($cells) => $do,
            Values::Boolean($cells) => $do,
        }
    };
}

/// The same vector operation for each kind of column, giving a column of that kind.
macro_rules! map_kind {
    ($values:expr, $cells:ident => $do:expr) => {
        match $values {
            Values::Float($cells) => Values::Float($do),
            Values::Integer($cells) => Values::Integer($do),
            Values::Text($cells) => Values::Text($do),
            Values::Boolean($cells) => Values::Boolean($do),
        }
    };
}

impl Values {
    /// How many cells there are, nulls included.
    pub fn len(&self) -> usize {
        each_kind!(self, cells => cells.len())
    }

    /// True if there are no cells.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The kind in words: `float`, `integer`, `text` or `boolean`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Float(_) => "float",
            Self::Integer(_) => "integer",
            Self::Text(_) => "text",
            Self::Boolean(_) => "boolean",
        }
    }

    /// One cell, or `None` past the end.
    pub fn get(&self, row: usize) -> Option<Scalar> {
        Some(match self {
            Self::Float(cells) => Scalar::from(*cells.get(row)?),
            Self::Integer(cells) => Scalar::from(*cells.get(row)?),
            Self::Text(cells) => Scalar::from(cells.get(row)?.clone()),
            Self::Boolean(cells) => Scalar::from(*cells.get(row)?),
        })
    }

    /// A column of `rows` times one value; null makes a float column of nulls.
    pub fn constant(value: &Scalar, rows: usize) -> Self {
        match value {
            Scalar::Float(value) => Self::Float(vec![Some(*value); rows]).without_nan(),
            Scalar::Integer(value) => Self::Integer(vec![Some(*value); rows]),
            Scalar::Text(value) => Self::Text(vec![Some(value.clone()); rows]),
            Scalar::Boolean(value) => Self::Boolean(vec![Some(*value); rows]),
            Scalar::Null => Self::Float(vec![None; rows]),
        }
    }

    /// True if every cell is null (also without cells).
    pub fn is_all_null(&self) -> bool {
        each_kind!(self, cells => cells.iter().all(Option::is_none))
    }

    pub(crate) fn without_nan(mut self) -> Self {
        if let Self::Float(cells) = &mut self {
            for cell in cells {
                if cell.is_some_and(f64::is_nan) {
                    *cell = None;
                }
            }
        }
        self
    }

    pub(crate) fn take(&self, rows: &[usize]) -> Self {
        fn of<T: Clone>(cells: &[T], rows: &[usize]) -> Vec<T> {
            rows.iter().map(|&row| cells[row].clone()).collect()
        }
        map_kind!(self, cells => of(cells, rows))
    }

    /// The cells of these rows, null where there is none.
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

    /// Puts `other` after `self`; false (and nothing done) if the kinds do not go together.
    pub(crate) fn extend(&mut self, other: &Self) -> bool {
        let no_kind_yet = self.is_all_null();
        match (&mut *self, other) {
            (Self::Float(cells), Self::Float(more)) => cells.extend_from_slice(more),
            (Self::Integer(cells), Self::Integer(more)) => cells.extend_from_slice(more),
            (Self::Text(cells), Self::Text(more)) => cells.extend_from_slice(more),
            (Self::Boolean(cells), Self::Boolean(more)) => cells.extend_from_slice(more),
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
}
