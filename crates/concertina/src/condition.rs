//! Conditions on the rows of a table: `gain = 250 and (input_dim = 2 or seed < 3)`.

use std::cmp::Ordering;

use concertina_table::{Scalar, Table};

use crate::error::{Error, Result};
use crate::stored;

/// A condition on a row of a table, of the run table first of all ([`Condition::of_runs`]).
///
/// Comparisons `=`, `!=`, `<`, `<=`, `>`, `>=` of a column with a number, a word or a text in quotes, joined
/// by `and`, `or`, `not` and parentheses; `and` binds closer than `or`. `none` is equal to a cell that is
/// empty, and nothing else is; nothing is less or greater.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition(Node);

#[derive(Debug, Clone, PartialEq)]
enum Node {
    /// All of these, side by side: a long chain is no deep tree, which would be too deep for a stack.
    And(Vec<Node>),
    /// One of these at least.
    Or(Vec<Node>),
    Not(Box<Node>),
    Compare {
        column: String,
        operator: Operator,
        value: Scalar,
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
    /// The text begins so: of keys, which may be cut short everywhere.
    Begins,
    BeginsNot,
}

impl Operator {
    fn is_equality(self) -> bool {
        matches!(self, Self::Equal | Self::NotEqual | Self::Begins | Self::BeginsNot)
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Open,
    Close,
    Compare(Operator),
    Word(String),
    Quoted(String),
}

impl Condition {
    /// Reads a condition on the run table. Names and values may be spelled as elsewhere (`g_radius = 2.5e2`,
    /// `loss = cce`), and a key may be cut short.
    ///
    /// # Errors
    /// [`Error::Condition`] says where it cannot be read, or that a column has no such values;
    /// [`Error::UnknownColumn`].
    pub fn of_runs(text: &str) -> Result<Self> {
        Self::read(text, &stored::run_table_column, true)
    }

    /// Reads a condition; `column` turns a name, in any spelling, into a column of the table. What the column
    /// holds is not known, so numbers are compared with numbers and all else as texts.
    ///
    /// # Errors
    /// [`Error::Condition`] says where it cannot be read; whatever `column` returns for a name that it does not know.
    pub fn parse(text: &str, column: &dyn Fn(&str) -> Result<String>) -> Result<Self> {
        Self::read(text, column, false)
    }

    fn read(text: &str, column: &dyn Fn(&str) -> Result<String>, of_runs: bool) -> Result<Self> {
        let mut parser = Parser { text, tokens: tokens(text)?, place: 0, depth: 0, column, of_runs };
        let node = parser.any()?;
        match parser.tokens.get(parser.place) {
            None => Ok(Self(node)),
            Some(_) => Err(parser.expected("`and`, `or` or the end")),
        }
    }

    /// Whether a row fulfils it.
    ///
    /// # Errors
    /// When the table has no such column.
    pub fn holds(&self, table: &Table, row: usize) -> Result<bool> {
        self.0.holds(table, row)
    }

    /// The rows that fulfil it.
    ///
    /// # Errors
    /// When the table has no such column.
    pub fn rows(&self, table: &Table) -> Result<Table> {
        let kept: Vec<bool> =
            (0..table.row_count()).map(|row| self.holds(table, row)).collect::<Result<_>>()?;
        Ok(table.filter(|row| kept[row]))
    }

    /// Whether it looks at a column.
    pub(crate) fn is_about(&self, column: &str) -> bool {
        self.0.is_about(column)
    }
}

impl Node {
    fn is_about(&self, name: &str) -> bool {
        match self {
            Self::And(nodes) | Self::Or(nodes) => nodes.iter().any(|node| node.is_about(name)),
            Self::Not(inner) => inner.is_about(name),
            Self::Compare { column, .. } => column == name,
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
            Self::Compare { column, operator, value } => operator.holds(&table.scalar(row, column)?, value),
        })
    }
}

impl Operator {
    fn holds(self, cell: &Scalar, value: &Scalar) -> bool {
        if cell.is_null() || value.is_null() {
            let equal = cell.is_null() && value.is_null();
            return matches!((self, equal), (Self::Equal, true) | (Self::NotEqual | Self::BeginsNot, false));
        }
        if let (Self::Begins | Self::BeginsNot, Scalar::Text(cell), Scalar::Text(value)) = (self, cell, value)
        {
            return cell.starts_with(value) == (self == Self::Begins);
        }
        let order = match (cell, value) {
            (Scalar::Integer(cell), Scalar::Integer(value)) => Some(cell.cmp(value)), // exact, however large
            _ => Self::order(cell, value),
        };
        match self {
            Self::Equal | Self::Begins => order == Some(Ordering::Equal),
            Self::NotEqual | Self::BeginsNot => order != Some(Ordering::Equal),
            Self::Less => order == Some(Ordering::Less),
            Self::LessOrEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
            Self::Greater => order == Some(Ordering::Greater),
            Self::GreaterOrEqual => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        }
    }

    fn order(cell: &Scalar, value: &Scalar) -> Option<Ordering> {
        match (cell.as_float(), value.as_float()) {
            (Some(cell), Some(value)) => cell.partial_cmp(&value),
            (None, None) => Some(cell.total_cmp(value)),
            _ => Some(cell.to_string().cmp(&value.to_string())), // a text that looks like a number
        }
    }
}

/// Most parentheses and `not` inside each other: more than anybody types, and no stack runs out.
const DEEPEST: usize = 64;

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    place: usize,
    depth: usize,
    column: &'a dyn Fn(&str) -> Result<String>,
    /// Whether the columns are those of the run table, so that it is known what they hold.
    of_runs: bool,
}

impl Parser<'_> {
    fn any(&mut self) -> Result<Node> {
        let first = self.all()?;
        let mut nodes = vec![first];
        while self.take_word("or") {
            nodes.push(self.all()?);
        }
        Ok(joined(nodes, Node::Or))
    }

    fn all(&mut self) -> Result<Node> {
        let first = self.one()?;
        let mut nodes = vec![first];
        while self.take_word("and") {
            nodes.push(self.one()?);
        }
        Ok(joined(nodes, Node::And))
    }

    fn one(&mut self) -> Result<Node> {
        if self.depth == DEEPEST {
            return Err(self.expected(&format!("at most {DEEPEST} parentheses inside each other")));
        }
        self.depth += 1;
        let node = if self.take_word("not") {
            Node::Not(Box::new(self.one()?))
        } else if self.take(&Token::Open) {
            let node = self.any()?;
            if !self.take(&Token::Close) {
                return Err(self.expected("`)`"));
            }
            node
        } else {
            self.comparison()?
        };
        self.depth -= 1;
        Ok(node)
    }

    fn comparison(&mut self) -> Result<Node> {
        let Some(Token::Word(name)) = self.tokens.get(self.place).cloned() else {
            return Err(self.expected("the name of a parameter or column"));
        };
        self.place += 1;
        let Some(Token::Compare(operator)) = self.tokens.get(self.place).cloned() else {
            return Err(self.expected("one of `=`, `!=`, `<`, `<=`, `>`, `>=`"));
        };
        self.place += 1;
        let (text, quoted) = match self.tokens.get(self.place) {
            Some(Token::Word(word)) => (word.clone(), false),
            Some(Token::Quoted(text)) => (text.clone(), true),
            _ => return Err(self.expected("a number or a word")),
        };
        let column = (self.column)(&name)?;
        let (operator, value) = match (self.of_runs, quoted) {
            (true, _) => self.typed(&column, operator, &text, quoted)?,
            (false, true) => (operator, Scalar::Text(text)),
            (false, false) => (operator, scalar(&text)),
        };
        self.place += 1;
        Ok(Node::Compare { column, operator, value })
    }

    /// The comparison of a column of the run table with a value that it may have; the place is the value's.
    fn typed(
        &self,
        column: &str,
        operator: Operator,
        text: &str,
        quoted: bool,
    ) -> Result<(Operator, Scalar)> {
        let value = stored::column_value(column, text, quoted)
            .map_err(|expected| self.expected(&format!("{expected} for `{column}`")))?;
        if !operator.is_equality() && (value.is_null() || !stored::is_ordered(column)) {
            let beside = if value.is_null() { "none" } else { column };
            let expected = format!("`=` or `!=` beside `{beside}`");
            return Err(Error::Condition {
                text: self.text.to_owned(),
                expected,
                found: format!("`{}`", Token::Compare(operator)),
            });
        }
        let operator = match operator {
            Operator::Equal if column == "key" => Operator::Begins,
            Operator::NotEqual if column == "key" => Operator::BeginsNot,
            other => other,
        };
        Ok((operator, value))
    }

    fn take(&mut self, token: &Token) -> bool {
        let found = self.tokens.get(self.place) == Some(token);
        self.place += usize::from(found);
        found
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = matches!(self.tokens.get(self.place), Some(Token::Word(found)) if found.eq_ignore_ascii_case(word));
        self.place += usize::from(found);
        found
    }

    fn expected(&self, expected: &str) -> Error {
        let found = match self.tokens.get(self.place) {
            Some(token) => format!("`{token}`"),
            None => "the end".to_owned(),
        };
        Error::Condition { text: self.text.to_owned(), expected: expected.to_owned(), found }
    }
}

/// One node is itself, several are joined.
fn joined(mut nodes: Vec<Node>, join: fn(Vec<Node>) -> Node) -> Node {
    match nodes.pop() {
        Some(only) if nodes.is_empty() => only,
        last => {
            nodes.extend(last);
            join(nodes)
        }
    }
}

impl std::fmt::Display for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Open => "(",
            Self::Close => ")",
            Self::Compare(Operator::Equal | Operator::Begins) => "=",
            Self::Compare(Operator::NotEqual | Operator::BeginsNot) => "!=",
            Self::Compare(Operator::Less) => "<",
            Self::Compare(Operator::LessOrEqual) => "<=",
            Self::Compare(Operator::Greater) => ">",
            Self::Compare(Operator::GreaterOrEqual) => ">=",
            Self::Word(text) | Self::Quoted(text) => text,
        })
    }
}

/// What a word stands for: a number, a truth value, nothing, or itself.
pub(crate) fn scalar(word: &str) -> Scalar {
    if let Ok(number) = word.parse::<i64>() {
        return Scalar::Integer(number);
    }
    if let Ok(number) = word.parse::<f64>()
        && number.is_finite()
    {
        return Scalar::Float(number);
    }
    match &*word.to_ascii_lowercase() {
        "true" => Scalar::Boolean(true),
        "false" => Scalar::Boolean(false),
        "none" | "null" => Scalar::Null,
        _ => Scalar::Text(word.to_owned()),
    }
}

fn tokens(text: &str) -> Result<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let operators = [
            ("<=", Operator::LessOrEqual),
            (">=", Operator::GreaterOrEqual),
            ("!=", Operator::NotEqual),
            ("<>", Operator::NotEqual),
            ("==", Operator::Equal),
            ("=", Operator::Equal),
            ("<", Operator::Less),
            (">", Operator::Greater),
        ];
        let operator = operators.into_iter().find(|(sign, _)| rest.starts_with(sign));
        let length = match (first, operator) {
            ('(', _) => {
                tokens.push(Token::Open);
                1
            }
            (')', _) => {
                tokens.push(Token::Close);
                1
            }
            (_, Some((sign, operator))) => {
                tokens.push(Token::Compare(operator));
                sign.len()
            }
            ('\'' | '"', _) => {
                let Some(length) = rest[1..].find(first) else {
                    return Err(Error::Condition {
                        text: text.to_owned(),
                        expected: format!("a closing {first}"),
                        found: "the end".to_owned(),
                    });
                };
                tokens.push(Token::Quoted(rest[1..=length].to_owned()));
                length + 2
            }
            _ => {
                let ends = |sign: char| sign.is_whitespace() || "()=!<>'\"".contains(sign);
                let length = rest.find(ends).unwrap_or(rest.len()).max(first.len_utf8());
                tokens.push(Token::Word(rest[..length].to_owned()));
                length
            }
        };
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use concertina_table::{Table, Values};

    use super::Condition;
    use crate::error::{Error, Result};

    fn table() -> Table {
        Table::from_columns([
            ("gain", Values::Float(vec![Some(20.0), Some(250.0), Some(250.0), None])),
            ("seed", Values::Integer(vec![Some(0), Some(0), Some(1), Some(2)])),
            ("loss", Values::from(vec!["mse", "cross_entropy", "mse", "zero"])),
            ("frozen", Values::Boolean(vec![Some(true), Some(false), Some(false), None])),
        ])
        .expect("columns of one length")
    }

    fn rows(text: &str) -> Result<Vec<usize>> {
        let table = table();
        let condition = Condition::parse(text, &|name| Ok(name.to_owned()))?;
        let mut kept = Vec::new();
        for row in 0..table.row_count() {
            if condition.holds(&table, row)? {
                kept.push(row);
            }
        }
        Ok(kept)
    }

    #[test]
    fn comparisons_choose_rows() -> Result<()> {
        assert_eq!(rows("gain = 250")?, [1, 2]);
        assert_eq!(rows("gain=2.5e2")?, [1, 2]);
        assert_eq!(rows("gain != 250")?, [0, 3]);
        assert_eq!(rows("gain < 250")?, [0]);
        assert_eq!(rows("seed >= 1")?, [2, 3]);
        assert_eq!(rows("loss = mse")?, [0, 2]);
        assert_eq!(rows("loss = 'mse'")?, [0, 2]);
        assert_eq!(rows("frozen = true")?, [0]);
        assert_eq!(rows("gain = none")?, [3]);
        Ok(())
    }

    #[test]
    fn and_binds_closer_than_or_and_parentheses_closest() -> Result<()> {
        assert_eq!(rows("seed = 2 or gain = 250 and seed = 0")?, [1, 3]);
        assert_eq!(rows("(seed = 2 or gain = 250) and seed = 0")?, [1]);
        assert_eq!(rows("not (seed = 0) AND not loss = zero")?, [2]);
        Ok(())
    }

    #[test]
    fn a_long_chain_does_not_overflow_the_stack() -> Result<()> {
        for word in ["and", "or"] {
            let long = vec!["gain = 250"; 200_000].join(&format!(" {word} "));
            assert_eq!(rows(&long)?, [1, 2], "{word}");
        }
        Ok(())
    }

    #[test]
    fn values_of_runs_are_read_as_elsewhere_and_refused_where_a_column_has_none_such() {
        let text = |condition: &str| format!("{:?}", Condition::of_runs(condition).expect("right").0);
        assert_eq!(text("loss = cce"), text("train.loss = cross_entropy"));
        assert_eq!(text("network != Sompolinsky"), text("kind != leaky"));
        assert_eq!(text("frozen = True"), text("frozen = 1"));
        assert_eq!(text("milestones = '[30,60]'"), text("milestones = '[30, 60]'"));
        assert!(text("key = 123456789012").contains("Begins, value: Text(\"123456789012\")"));
        for (wrong, expected) in [
            ("gain > high", "expected a number or `none` for `network.gain`, found `high`"),
            ("seed = '3'", "expected a number or `none` for `seed`, found `3`"),
            ("validation_accuracy > good", "expected a number or `none` for `validation_accuracy`"),
            ("loss = crossentropy", "expected one of `cross_entropy`, `mse`"),
            ("loss < mse", "expected `=` or `!=` beside `train.loss`, found `<`"),
            ("frozen = perhaps", "expected `true` or `false` for `task.frozen`, found `perhaps`"),
            (
                "status = completed",
                "expected `complete`, `diverged`, `unfinished` for `status`, found `completed`",
            ),
            ("key = xyz", "expected a key or the beginning of one for `key`"),
            ("gain > none", "expected `=` or `!=` beside `none`, found `>`"),
        ] {
            let error = Condition::of_runs(wrong).expect_err(wrong).to_string();
            assert!(error.starts_with(expected), "{wrong}: {error}");
        }
        for right in
            ["gain < -1", "dt = 7", "val_samples = none", "finished > 2026-11-27", "wall_seconds >= 0.5"]
        {
            Condition::of_runs(right).expect(right);
        }
    }

    #[test]
    fn whole_numbers_are_compared_exactly() -> Result<()> {
        let table =
            Table::from_columns([("seed", Values::Integer(vec![Some(1 << 53), Some((1 << 53) + 1)]))])?;
        let condition = Condition::of_runs("seed = 9007199254740993")?;
        assert_eq!(condition.rows(&table)?.row_count(), 1);
        Ok(())
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        for text in [
            "",
            "gain",
            "gain =",
            "gain = 1 seed = 2",
            "(gain = 1",
            "= 3",
            "gain = 'x",
            "and",
            "!",
            "gain = 1 or",
            "é",
        ] {
            assert!(matches!(rows(text), Err(Error::Condition { .. })), "{text:?}");
        }
        let deep = "(".repeat(100_000);
        assert!(matches!(rows(&deep), Err(Error::Condition { .. })));
        assert!(matches!(rows("colour = 3"), Err(Error::Table(_))));
    }
}
