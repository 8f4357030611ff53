//! Conditions on the rows of a table: `gain = 250 and (input_dim = 2 or seed < 3)`.

use std::cmp::Ordering;

use concertina_table::{Scalar, Table};

use crate::error::{Error, Result};

/// A condition on a row of the run table.
///
/// Comparisons `=`, `!=`, `<`, `<=`, `>`, `>=` of a column with a number, a word or a text in quotes, joined by `and`, `or`,
/// `not` and parentheses; `and` binds closer than `or`. Nothing is equal to a cell that is empty, nor less or greater.
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
    /// Reads a condition; `column` turns a name, in any spelling, into a column of the table.
    ///
    /// # Errors
    /// [`Error::Condition`] says where it cannot be read; whatever `column` returns for a name that it does not know.
    pub fn parse(text: &str, column: &dyn Fn(&str) -> Result<String>) -> Result<Self> {
        let mut parser = Parser { text, tokens: tokens(text)?, place: 0, depth: 0, column };
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
}

impl Node {
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
            return matches!((self, equal), (Self::Equal, true) | (Self::NotEqual, false));
        }
        let order = match (cell.as_float(), value.as_float()) {
            (Some(cell), Some(value)) => cell.partial_cmp(&value),
            (None, None) => Some(cell.total_cmp(value)),
            _ => Some(cell.to_string().cmp(&value.to_string())), // a key that looks like a number
        };
        match self {
            Self::Equal => order == Some(Ordering::Equal),
            Self::NotEqual => order != Some(Ordering::Equal),
            Self::Less => order == Some(Ordering::Less),
            Self::LessOrEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
            Self::Greater => order == Some(Ordering::Greater),
            Self::GreaterOrEqual => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
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
        let value = match self.tokens.get(self.place) {
            Some(Token::Word(word)) => scalar(word),
            Some(Token::Quoted(text)) => Scalar::Text(text.clone()),
            _ => return Err(self.expected("a number or a word")),
        };
        self.place += 1;
        Ok(Node::Compare { column: (self.column)(&name)?, operator, value })
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
            Self::Compare(Operator::Equal) => "=",
            Self::Compare(Operator::NotEqual) => "!=",
            Self::Compare(Operator::Less) => "<",
            Self::Compare(Operator::LessOrEqual) => "<=",
            Self::Compare(Operator::Greater) => ">",
            Self::Compare(Operator::GreaterOrEqual) => ">=",
            Self::Word(text) | Self::Quoted(text) => text,
        })
    }
}

/// What a word stands for: a number, a truth value, nothing, or itself.
fn scalar(word: &str) -> Scalar {
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
