//! The syntax of conditions.

use std::fmt;

use super::{Condition, Node, Operator, joined};
use crate::{Error, Result, Scalar};

/// The columns that a condition may refer to, and their values.
pub trait Columns {
    /// The error type, which also covers unknown names.
    type Error: From<Error>;

    /// The column with this name, in any of its spellings.
    ///
    /// # Errors
    /// If no such column exists.
    fn column(&self, name: &str) -> Result<String, Self::Error>;

    /// Converts a value to the form that it has in cells of the column.
    ///
    /// # Errors
    /// If the column cannot be compared with this value: a few words on what it can be compared with.
    fn value(&self, column: &str, text: &str, quoted: bool) -> Result<Scalar, String> {
        let _ = column;
        Ok(if quoted { Scalar::Text(text.to_owned()) } else { Scalar::of_word(text) })
    }

    /// Whether values of the column are ordered.
    fn is_ordered(&self, column: &str) -> bool {
        let _ = column;
        true
    }

    /// Whether values of the column may be abbreviated everywhere.
    fn may_be_cut(&self, column: &str) -> bool {
        let _ = column;
        false
    }
}

/// Columns about which nothing is known: every name is accepted as it is, numbers are compared with numbers,
/// and everything else is compared as text.
#[derive(Debug, Clone, Copy, Default)]
pub struct AnyColumn;

impl Columns for AnyColumn {
    type Error = Error;

    fn column(&self, name: &str) -> Result<String> {
        Ok(name.to_owned())
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
    /// Reads a condition on a table with these columns.
    ///
    /// # Errors
    /// [`Error::Condition`] if the text cannot be parsed, or if a column does not have such values; the error
    /// of `columns` for an unknown name.
    pub fn parse<C: Columns>(text: &str, columns: &C) -> Result<Self, C::Error> {
        let mut parser = Parser { text, tokens: tokens(text)?, place: 0, depth: 0, columns };
        let node = parser.any()?;
        match parser.tokens.get(parser.place) {
            None => Ok(Self(node)),
            Some(_) => Err(parser.expected("`and`, `or` or the end").into()),
        }
    }
}

impl std::str::FromStr for Condition {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text, &AnyColumn)
    }
}

/// Maximum nesting of parentheses and `not`: more than a user types, and few enough not to overflow a stack.
const DEEPEST: usize = 64;

struct Parser<'a, C> {
    text: &'a str,
    tokens: Vec<Token>,
    place: usize,
    depth: usize,
    columns: &'a C,
}

impl<C: Columns> Parser<'_, C> {
    fn any(&mut self) -> Result<Node, C::Error> {
        let first = self.all()?;
        let mut nodes = vec![first];
        while self.take_word("or") {
            nodes.push(self.all()?);
        }
        Ok(joined(nodes, Node::Or))
    }

    fn all(&mut self) -> Result<Node, C::Error> {
        let first = self.one()?;
        let mut nodes = vec![first];
        while self.take_word("and") {
            nodes.push(self.one()?);
        }
        Ok(joined(nodes, Node::And))
    }

    fn one(&mut self) -> Result<Node, C::Error> {
        if self.depth == DEEPEST {
            return Err(self.expected(&format!("at most {DEEPEST} nested parentheses")).into());
        }
        self.depth += 1;
        let node = if self.take_word("not") {
            Node::Not(Box::new(self.one()?))
        } else if self.take(&Token::Open) {
            let node = self.any()?;
            if !self.take(&Token::Close) {
                return Err(self.expected("`)`").into());
            }
            node
        } else {
            self.comparison()?
        };
        self.depth -= 1;
        Ok(node)
    }

    fn comparison(&mut self) -> Result<Node, C::Error> {
        let Some(Token::Word(name)) = self.tokens.get(self.place).cloned() else {
            return Err(self.expected("the name of a parameter or column").into());
        };
        self.place += 1;
        let Some(Token::Compare(operator)) = self.tokens.get(self.place).cloned() else {
            return Err(self.expected("one of `=`, `!=`, `<`, `<=`, `>`, `>=`").into());
        };
        self.place += 1;
        let (text, quoted) = match self.tokens.get(self.place) {
            Some(Token::Word(word)) => (word.clone(), false),
            Some(Token::Quoted(text)) => (text.clone(), true),
            _ => return Err(self.expected("a number or a word").into()),
        };
        let column = self.columns.column(&name)?;
        let (operator, value) = self.typed(&column, operator, &text, quoted)?;
        self.place += 1;
        Ok(Node::Compare { column, operator, value })
    }

    /// The comparison of a column with a value that it may have. Errors point to the value.
    fn typed(
        &self,
        column: &str,
        operator: Operator,
        text: &str,
        quoted: bool,
    ) -> Result<(Operator, Scalar)> {
        let value = self
            .columns
            .value(column, text, quoted)
            .map_err(|expected| self.expected(&format!("{expected} for `{column}`")))?;
        if !operator.is_equality() && (value.is_null() || !self.columns.is_ordered(column)) {
            let beside = if value.is_null() { "none" } else { column };
            let expected = format!("`=` or `!=` with `{beside}`");
            return Err(Error::Condition {
                text: self.text.to_owned(),
                expected,
                found: format!("`{}`", Token::Compare(operator)),
            });
        }
        let operator = match operator {
            Operator::Equal if self.columns.may_be_cut(column) => Operator::Begins,
            Operator::NotEqual if self.columns.may_be_cut(column) => Operator::BeginsNot,
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

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open => f.write_str("("),
            Self::Close => f.write_str(")"),
            Self::Compare(operator) => operator.fmt(f),
            Self::Word(text) | Self::Quoted(text) => f.write_str(text),
        }
    }
}

/// Whether a text can be written without quotes and is read as this text and nothing else.
pub(super) fn is_word(text: &str) -> bool {
    let plain = |sign: char| !(sign.is_whitespace() || "()=!<>'\"".contains(sign));
    let joins = ["and", "or", "not"].iter().any(|word| text.eq_ignore_ascii_case(word));
    !text.is_empty() && text.chars().all(plain) && !joins && Scalar::of_word(text).as_text().is_some()
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
    use super::{AnyColumn, Condition};
    use crate::{Error, Result, Scalar, Table, Values};

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
        let condition = Condition::parse(text, &AnyColumn)?;
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
    fn and_binds_more_tightly_than_or_and_parentheses_bind_most_tightly() -> Result<()> {
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
    fn whole_numbers_are_compared_exactly() -> Result<()> {
        let table =
            Table::from_columns([("seed", Values::Integer(vec![Some(1 << 53), Some((1 << 53) + 1)]))])?;
        let condition = Condition::parse("seed = 9007199254740993", &AnyColumn)?;
        assert_eq!(condition.rows(&table)?.row_count(), 1);
        Ok(())
    }

    #[test]
    fn conditions_that_cannot_be_parsed_are_errors() {
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
        assert!(matches!(rows("colour = 3"), Err(Error::UnknownColumn { .. })));
    }

    #[test]
    fn a_cell_is_the_same_however_it_is_spelled() {
        for (cell, value) in [
            (Scalar::Float(0.001), "1e-3"),
            (Scalar::Text("1e-3".to_owned()), "0.001"),
            (Scalar::Integer(20), "20.0"),
            (Scalar::Boolean(true), "true"),
            (Scalar::Float(f64::INFINITY), "inf"),
        ] {
            assert!(cell.is_same(&Scalar::Text(value.to_owned())), "{cell:?} is {value}");
            assert!(cell.is_same(&Scalar::of_word(value)), "{cell:?} is {value}");
        }
        assert!(!Scalar::Null.is_same(&Scalar::Text(String::new())));
        assert!(!Scalar::Boolean(true).is_same(&Scalar::Integer(1)));
    }

    #[test]
    fn a_displayed_condition_parses_to_the_same_condition() -> Result<()> {
        for text in [
            "gain = 250",
            "gain >= 2.5 and (loss = 'cross entropy' or loss != \"it's\")",
            "not (seed = 0 and frozen = true) or gain = none",
            "name = '20' and other != 'and'",
        ] {
            let condition = Condition::parse(text, &AnyColumn)?;
            assert_eq!(condition.to_string().parse::<Condition>()?, condition, "{text}: {condition}");
        }
        let lists = Condition::one_of("gain", [20.0, 250.0]).and(Condition::one_of("stage", ["after"]));
        assert_eq!(lists.to_string(), "(gain = 20 or gain = 250) and stage = after");
        Ok(())
    }

    #[test]
    fn a_partly_known_row_may_fulfil_a_condition_that_its_known_cells_do_not_exclude() -> Result<()> {
        let known = |column: &str| (column == "gain").then_some(Scalar::Float(250.0));
        for (text, may) in [
            ("gain = 250 and stage = after", true),
            ("gain = 20 and stage = after", false),
            ("gain = 20 or stage = after", true),
            ("not gain = 250", false),
            ("not stage = after", true),
            ("not (gain = 250 or stage = after)", false),
        ] {
            assert_eq!(Condition::parse(text, &AnyColumn)?.may_hold(&known), may, "{text}");
        }
        Ok(())
    }

    #[test]
    fn named_values_are_those_that_cells_may_have() -> Result<()> {
        let condition =
            Condition::parse("a = 1 or not (b = 2 or not c = x) and d > 3 and e != 4", &AnyColumn)?;
        let named: Vec<&str> = condition.named().into_iter().map(|(column, _)| column).collect();
        assert_eq!(named, ["a", "c"]);
        assert_eq!(condition.columns().into_iter().collect::<Vec<_>>(), ["a", "b", "c", "d", "e"]);
        assert!(condition.lists().is_none() && Condition::default().is_empty());
        Ok(())
    }
}
