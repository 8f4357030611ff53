//! Conditions on the rows of a table: `gain = 250 and (input_dim = 2 or seed < 3)`.

mod data;
mod syntax;

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt;

pub use data::OneOf;
pub use syntax::{AnyColumn, Columns};

use crate::{Error, Result, Scalar, Table, Values};

/// A condition on the rows of a table. The default is fulfilled by every row.
///
/// Written as text and read by [`Condition::parse`], it consists of comparisons `=`, `!=`, `<`, `<=`, `>`,
/// `>=` of a column with a number, a word or a quoted text, joined by `and`, `or`, `not` and parentheses,
/// where `and` binds more tightly than `or`. `none` equals an empty cell and nothing else, and is neither
/// less nor greater than any value.
///
/// In a settings file, it is such a text, or a table of columns with the value or the values that their cells
/// may have, `{ gain = 250, stage = ["before", "after"] }`.
///
/// ```
/// use concertina_table::{AnyColumn, Condition, Table, Values};
/// let table = Table::from_columns([("gain", Values::from(vec![20.0, 250.0])), ("seed", Values::from(vec![0_i64, 1]))])?;
/// let condition = Condition::parse("gain = 2.5e2 or seed > 7", &AnyColumn)?;
/// assert_eq!(condition.rows(&table)?.integers("seed")?, [Some(1)]);
/// # Ok::<(), concertina_table::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Condition(Node);

#[derive(Debug, Clone, PartialEq)]
enum Node {
    /// All of these must hold. They are stored side by side, because a deep tree for a long chain would
    /// overflow the stack.
    And(Vec<Node>),
    /// At least one of these must hold.
    Or(Vec<Node>),
    Not(Box<Node>),
    Compare {
        column: String,
        operator: Operator,
        value: Scalar,
    },
    /// The cell equals one of these.
    OneOf {
        column: String,
        values: Vec<Scalar>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    /// The text begins with this. For keys, which may be abbreviated everywhere.
    Begins,
    BeginsNot,
}

impl Default for Condition {
    fn default() -> Self {
        Self(Node::And(Vec::new()))
    }
}

impl Condition {
    /// Is fulfilled by the rows whose cell in a column is one of these values.
    pub fn one_of(column: &str, values: impl IntoIterator<Item = impl Into<Scalar>>) -> Self {
        let values = values.into_iter().map(Into::into).collect();
        Self(Node::OneOf { column: column.to_owned(), values })
    }

    /// Is fulfilled by the rows that fulfil both.
    pub fn and(self, other: Self) -> Self {
        let parts = |node| match node {
            Node::And(nodes) => nodes,
            node => vec![node],
        };
        let mut nodes = parts(self.0);
        nodes.extend(parts(other.0));
        Self(joined(nodes, Node::And))
    }

    /// Whether it is empty, so that every row fulfils it.
    pub fn is_empty(&self) -> bool {
        matches!(&self.0, Node::And(nodes) if nodes.is_empty())
    }

    /// Whether a row fulfils it.
    ///
    /// # Errors
    /// When the table has no such column, or vectors in it.
    pub fn holds(&self, table: &Table, row: usize) -> Result<bool> {
        self.0.holds(table, row)
    }

    /// Whether a row of which only some cells are known may fulfil it. `cell` returns the known cells.
    pub fn may_hold(&self, cell: &dyn Fn(&str) -> Option<Scalar>) -> bool {
        self.0.possible(cell).0
    }

    /// The rows that fulfil it.
    ///
    /// # Errors
    /// When the table has no such column, or vectors in it.
    pub fn rows(&self, table: &Table) -> Result<Table> {
        let kept: Vec<bool> =
            (0..table.row_count()).map(|row| self.holds(table, row)).collect::<Result<_>>()?;
        Ok(table.filter(|row| kept[row]))
    }

    /// Whether it refers to a column.
    pub fn is_about(&self, column: &str) -> bool {
        self.columns().contains(column)
    }

    /// The columns that it refers to.
    pub fn columns(&self) -> BTreeSet<&str> {
        let mut columns = BTreeSet::new();
        self.0.walk(true, &mut |column, _| {
            columns.insert(column);
        });
        columns
    }

    /// For each column, the values that it names as allowed for a cell, in the order in which they appear.
    /// Values that it only excludes are not among them.
    pub fn named(&self) -> Vec<(&str, &[Scalar])> {
        let mut named = Vec::new();
        self.0.walk(true, &mut |column, values| {
            if let Some(values) = values {
                named.push((column, values));
            }
        });
        named
    }

    /// The values that each column may have, if the condition consists of nothing else.
    pub fn lists(&self) -> Option<Vec<(&str, &[Scalar])>> {
        fn list(node: &Node) -> Option<(&str, &[Scalar])> {
            match node {
                Node::OneOf { column, values } => Some((column, values)),
                _ => None,
            }
        }
        match &self.0 {
            Node::And(nodes) => nodes.iter().map(list).collect(),
            node => list(node).map(|only| vec![only]),
        }
    }
}

impl Node {
    /// Calls `see` with every column, and with the values that its cells may have if the condition names any.
    fn walk<'n>(&'n self, wanted: bool, see: &mut dyn FnMut(&'n str, Option<&'n [Scalar]>)) {
        match self {
            Self::And(nodes) | Self::Or(nodes) => nodes.iter().for_each(|node| node.walk(wanted, see)),
            Self::Not(inner) => inner.walk(!wanted, see),
            Self::Compare { column, operator, value } => {
                let named = wanted && *operator == Operator::Equal && !value.is_null();
                see(column, named.then_some(std::slice::from_ref(value)));
            }
            Self::OneOf { column, values } => see(column, wanted.then_some(values)),
        }
    }

    fn holds(&self, table: &Table, row: usize) -> Result<bool> {
        Ok(match self {
            Self::And(nodes) => {
                for node in nodes {
                    if !node.holds(table, row)? {
                        return Ok(false);
                    }
                }
                true
            }
            Self::Or(nodes) => {
                for node in nodes {
                    if node.holds(table, row)? {
                        return Ok(true);
                    }
                }
                false
            }
            Self::Not(inner) => !inner.holds(table, row)?,
            Self::Compare { column, .. } | Self::OneOf { column, .. } => {
                if matches!(table.column(column)?, Values::Vector(_)) {
                    return Err(Error::VectorCondition { name: column.clone() });
                }
                self.holds_of(&table.scalar(row, column)?)
            }
        })
    }

    /// Whether a comparison holds for a cell.
    fn holds_of(&self, cell: &Scalar) -> bool {
        match self {
            Self::Compare { operator, value, .. } => operator.holds(cell, value),
            Self::OneOf { values, .. } => values.iter().any(|value| Operator::Equal.holds(cell, value)),
            Self::And(_) | Self::Or(_) | Self::Not(_) => false,
        }
    }

    /// Whether it may hold, and whether it may fail, for a row of which some cells are known.
    fn possible(&self, cell: &dyn Fn(&str) -> Option<Scalar>) -> (bool, bool) {
        match self {
            Self::And(nodes) => nodes.iter().fold((true, false), |(yes, no), node| {
                let one = node.possible(cell);
                (yes && one.0, no || one.1)
            }),
            Self::Or(nodes) => nodes.iter().fold((false, true), |(yes, no), node| {
                let one = node.possible(cell);
                (yes || one.0, no && one.1)
            }),
            Self::Not(inner) => {
                let (yes, no) = inner.possible(cell);
                (no, yes)
            }
            Self::Compare { column, .. } | Self::OneOf { column, .. } => match cell(column) {
                Some(cell) => {
                    let holds = self.holds_of(&cell);
                    (holds, !holds)
                }
                None => (true, true),
            },
        }
    }
}

impl Operator {
    fn is_equality(self) -> bool {
        matches!(self, Self::Equal | Self::NotEqual | Self::Begins | Self::BeginsNot)
    }

    fn holds(self, cell: &Scalar, value: &Scalar) -> bool {
        if cell.is_null() || value.is_null() {
            let equal = cell.is_null() && value.is_null();
            return matches!((self, equal), (Self::Equal, true) | (Self::NotEqual | Self::BeginsNot, false));
        }
        if let (Self::Begins | Self::BeginsNot, Scalar::Text(cell), Scalar::Text(value)) = (self, cell, value)
        {
            return cell.starts_with(value) == (self == Self::Begins);
        }
        match self {
            Self::Equal | Self::Begins => cell.is_same(value),
            Self::NotEqual | Self::BeginsNot => !cell.is_same(value),
            Self::Less => order(cell, value) == Some(Ordering::Less),
            Self::LessOrEqual => matches!(order(cell, value), Some(Ordering::Less | Ordering::Equal)),
            Self::Greater => order(cell, value) == Some(Ordering::Greater),
            Self::GreaterOrEqual => matches!(order(cell, value), Some(Ordering::Greater | Ordering::Equal)),
        }
    }
}

fn order(cell: &Scalar, value: &Scalar) -> Option<Ordering> {
    if let (Scalar::Integer(cell), Scalar::Integer(value)) = (cell, value) {
        return Some(cell.cmp(value)); // exact for any size
    }
    match (cell.as_float(), value.as_float()) {
        (Some(cell), Some(value)) => cell.partial_cmp(&value),
        (None, None) => Some(cell.total_cmp(value)),
        _ => Some(cell.to_string().cmp(&value.to_string())), // for a text that looks like a number
    }
}

/// Joins several nodes. A single node is returned as it is.
fn joined(mut nodes: Vec<Node>, join: fn(Vec<Node>) -> Node) -> Node {
    match nodes.pop() {
        Some(only) if nodes.is_empty() => only,
        last => {
            nodes.extend(last);
            join(nodes)
        }
    }
}

/// Writes a text that [`Condition::parse`] reads as the same condition, unless a text in it contains both
/// kinds of quotes. A condition that every row fulfils is an empty text.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let chain = |f: &mut fmt::Formatter<'_>, nodes: &[Self], word: &str| {
            for (place, node) in nodes.iter().enumerate() {
                f.write_str(if place > 0 { word } else { "" })?;
                let inside = match node {
                    Self::And(_) | Self::Or(_) => true,
                    Self::OneOf { values, .. } => values.len() > 1,
                    Self::Not(_) | Self::Compare { .. } => false,
                };
                if inside { write!(f, "({node})")? } else { write!(f, "{node}")? }
            }
            Ok(())
        };
        match self {
            Self::And(nodes) => chain(f, nodes, " and "),
            Self::Or(nodes) => chain(f, nodes, " or "),
            Self::Not(inner) => write!(f, "not ({inner})"),
            Self::Compare { column, operator, value } => {
                write!(f, "{column} {operator} ")?;
                spell(f, value)
            }
            Self::OneOf { column, values } => {
                for (place, value) in values.iter().enumerate() {
                    write!(f, "{}{column} = ", if place > 0 { " or " } else { "" })?;
                    spell(f, value)?;
                }
                Ok(())
            }
        }
    }
}

fn spell(f: &mut fmt::Formatter<'_>, value: &Scalar) -> fmt::Result {
    match value {
        Scalar::Null => f.write_str("none"),
        Scalar::Text(text) if syntax::is_word(text) => f.write_str(text),
        Scalar::Text(text) if text.contains('\'') => write!(f, "\"{text}\""),
        Scalar::Text(text) => write!(f, "'{text}'"),
        other => f.write_str(&other.word()),
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal | Self::Begins => "=",
            Self::NotEqual | Self::BeginsNot => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        })
    }
}
