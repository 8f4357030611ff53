//! The description of a parameter: its names, its values, and the field that holds it.

use std::fmt;

use super::Params;
use super::kinds::ChoiceNames;
use super::value::{Value, spell};
use crate::{Error, Result};

/// The largest count. It is arbitrary, but low enough that sums and products of two counts stay exact.
pub(super) const MOST: u64 = 1_000_000_000;

/// The most numbers in a list of [`Kind::Nonzero`]. It is arbitrary. Conditions of pairs of them, which are
/// counted in 32 bits, have room.
const MOST_LISTED: usize = 1000;

/// The type and the range of a parameter's values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// A whole number.
    Whole {
        /// The smallest.
        least: u64,
        /// The largest.
        most: u64,
    },
    /// A whole number, or none.
    OptionalWhole {
        /// The smallest.
        least: u64,
        /// The largest.
        most: u64,
    },
    /// A finite number in an interval.
    Real(Interval),
    /// A finite number in an interval, or none, which is replaced by a number that depends on other
    /// parameters. Messages and tables only describe the number.
    OptionalReal(Interval),
    /// True or false.
    Boolean,
    /// One of a closed set.
    Choice(&'static [ChoiceNames]),
    /// Imported weights, or none ([`super::ImportedWeights`]).
    Imported,
    /// Imported trials, or none ([`super::TrialSource`]).
    Trials,
    /// Numbers of epochs, in increasing order.
    Epochs,
    /// At least one finite number; none of them is 0.
    Nonzero,
    /// How often checkpoints are kept ([`super::SavesPerEpoch`]).
    Saves,
}

/// An interval of real numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Interval {
    /// Every finite number.
    All,
    /// 0 <= x.
    NotNegative,
    /// 0 <= x <= 1.
    Unit,
    /// 0 <= x < 1.
    UnitBelowOne,
    /// 0 < x <= 1.
    UnitAboveZero,
}

impl Interval {
    /// Whether a number lies in the interval; NaN lies in none.
    pub fn contains(self, number: f64) -> bool {
        match self {
            Self::All => true,
            Self::NotNegative => number >= 0.0,
            Self::Unit => (0.0..=1.0).contains(&number),
            Self::UnitBelowOne => (0.0..1.0).contains(&number),
            Self::UnitAboveZero => number > 0.0 && number <= 1.0,
        }
    }
}

/// Describes the numbers in the interval, for messages and tables.
impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::All => "a finite number",
            Self::NotNegative => "a number of at least 0",
            Self::Unit => "a number from 0 to 1",
            Self::UnitBelowOne => "a number of at least 0 and below 1",
            Self::UnitAboveZero => "a number above 0 and at most 1",
        })
    }
}

/// Describes the values of this kind, for messages and tables.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole { least, most } => write_range(f, *least, *most),
            Self::OptionalWhole { least, most } => {
                write_range(f, *least, *most)?;
                f.write_str(", or none")
            }
            Self::Real(interval) | Self::OptionalReal(interval) => interval.fmt(f),
            Self::Boolean => f.write_str("`true` or `false`"),
            Self::Choice(names) => {
                for (place, names) in names.iter().enumerate() {
                    let before = if place == 0 { "one of " } else { ", " };
                    write!(f, "{before}`{}`", names.name)?;
                }
                Ok(())
            }
            Self::Imported => f.write_str("`imported-` and 32 hexadecimal digits, or none"),
            Self::Trials => f.write_str("the path of a `.npz` file, or none"),
            Self::Epochs => f.write_str("an increasing list of epochs, as in [30, 60]"),
            Self::Nonzero => {
                let most = grouped(MOST_LISTED as u64);
                write!(f, "a list of 1 to {most} finite numbers other than 0, as in [-0.2, 0.2]")
            }
            Self::Saves => {
                f.write_str("a whole number of at least 1, one over a whole number, or a list of these")
            }
        }
    }
}

fn write_range(f: &mut fmt::Formatter<'_>, least: u64, most: u64) -> fmt::Result {
    if most < MOST {
        write!(f, "a whole number from {least} to {}", grouped(most))
    } else {
        write!(f, "a whole number of at least {least}")
    }
}

/// A count with commas between its thousands.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

impl Kind {
    /// Whether a value of the right type is in range.
    fn holds(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::OptionalWhole { .. } | Self::OptionalReal(_), Value::None) => true,
            (Self::Whole { least, most } | Self::OptionalWhole { least, most }, Value::Integer(number)) => {
                (i128::from(*least)..=i128::from(*most)).contains(number)
            }
            (Self::Real(interval) | Self::OptionalReal(interval), Value::Real(number)) => {
                number.is_finite() && interval.contains(*number)
            }
            (Self::Epochs, Value::List(items)) => {
                items.windows(2).all(|pair| match pair {
                    [Value::Integer(first), Value::Integer(second)] => first < second,
                    _ => false,
                }) && items.iter().all(|item| matches!(item, Value::Integer(1..=1_000_000_000)))
            }
            (Self::Nonzero, Value::List(items)) => {
                let is_right = |item: &Value| matches!(item, Value::Real(number) if number.is_finite() && *number != 0.0);
                (1..=MOST_LISTED).contains(&items.len()) && items.iter().all(is_right)
            }
            (Self::Saves, Value::List(_)) => true,
            (Self::Saves, Value::Integer(times)) => *times > 0, // 0 is allowed only within a list
            (Self::Saves, Value::Real(_)) => true,
            (Self::Boolean | Self::Choice(_) | Self::Imported | Self::Trials, _) => true,
            _ => false,
        }
    }
}

/// The condition under which a parameter has an effect.
#[derive(Clone, Copy)]
pub struct Condition {
    /// In words, for tables: ``only with `network.kind = leaky` ``.
    pub text: &'static str,
    pub(super) holds: fn(&Params) -> bool,
    /// Whether the condition nearly always holds. A value out of range is then refused even where the
    /// parameter has no effect.
    pub(super) is_usual: bool,
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

/// One parameter: everything about it that messages, tables, files and keys use.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Parameter {
    /// Its full name: section, point, field.
    pub path: &'static str,
    /// The published code's names for it.
    pub published: &'static [&'static str],
    /// Its values.
    pub kind: Kind,
    /// Unit of its values; empty if they have none.
    pub unit: &'static str,
    /// What it is, in one line.
    pub meaning: &'static str,
    /// Whether it is part of a run's key. The others only say how far a run is trained and what is kept of
    /// it.
    pub part_of_key: bool,
    /// Its defaults where other parameters change it, in words; empty if they do not.
    pub other_defaults: &'static str,
    /// When it has an effect; `None`: always.
    pub condition: Option<Condition>,
    pub(super) get: fn(&Params) -> Value,
    /// False if the value is of the wrong type.
    pub(super) put: fn(&mut Params, &Value) -> bool,
}

impl Parameter {
    /// Its name on command lines and in tables: the last part of its path, or `task` for `task.kind`, because
    /// `kind` alone is that of the network.
    pub fn name(&self) -> &'static str {
        if self.path == "task.kind" { "task" } else { self.field() }
    }

    /// The last part of its path.
    pub fn field(&self) -> &'static str {
        self.path.rsplit('.').next().unwrap_or(self.path)
    }

    /// The section of its path; empty for `seed`.
    pub fn section(&self) -> &'static str {
        self.path.split_once('.').map_or("", |(section, _)| section)
    }

    /// Its value in a set of parameters.
    pub fn value(&self, params: &Params) -> Value {
        (self.get)(params)
    }

    /// Its default value.
    pub fn default_value(&self) -> Value {
        self.value(&Params::default())
    }

    /// Its default value, for tables and messages. For a number that is filled in when parameters are
    /// checked, it is what the default network has.
    pub fn shown_default(&self) -> Value {
        match self.kind {
            Kind::OptionalReal(_) => self.usual(&Params::default()),
            _ => self.default_value(),
        }
    }

    /// Whether it has an effect in this set of parameters.
    pub fn applies(&self, params: &Params) -> bool {
        self.condition.is_none_or(|condition| (condition.holds)(params))
            && super::imported::counts(self.path, params)
    }

    /// Gives it a value.
    ///
    /// # Errors
    /// [`Error::Parameter`] if the value is of the wrong type or out of range; `params` is then unchanged.
    pub fn set(&self, params: &mut Params, value: &Value) -> Result<()> {
        let before = self.value(params);
        let read = (self.put)(params, &value.untexted());
        if read && self.kind.holds(&self.value(params)) {
            return Ok(());
        }
        if read {
            (self.put)(params, &before); // restores the old value, whether or not it is in range
        }
        Err(self.refuse(value))
    }

    /// The error for a value that the parameter cannot have.
    fn refuse(&self, value: &Value) -> Error {
        let value = value.untexted();
        let is_real = matches!(self.kind, Kind::Real(_) | Kind::OptionalReal(_));
        let finite = !(is_real && matches!(value, Value::Real(number) if !number.is_finite()));
        let expected = match (self.kind, &value) {
            _ if !finite => "a finite number".to_owned(),
            (Kind::Whole { most, .. } | Kind::OptionalWhole { most, .. }, Value::Integer(number))
                if *number > i128::from(most) =>
            {
                format!("a whole number of at most {}", grouped(most))
            }
            _ => self.kind.to_string(),
        };
        Error::Parameter {
            parameter: self.path.to_owned(),
            expected,
            found: value.to_string(),
            hint: Some(self.hint(&value)),
        }
    }

    /// A hint after a wrong value: the nearest choice, or a description of the parameter.
    fn hint(&self, found: &Value) -> String {
        if let (Kind::Choice(names), Value::Text(text)) = (self.kind, found) {
            let candidates = names.iter().flat_map(|names| names.published.iter().chain([&names.name]));
            if let Some(nearest) = concertina_names::nearest(text, candidates.copied()) {
                return format!("did you mean `{nearest}`?");
            }
        }
        if self.kind == Kind::Saves {
            return "as in `4`, `0.25` or `1/3`, or a list with an entry for each epoch: `[2, 0, 0.5]`"
                .to_owned();
        }
        let unit = if self.unit.is_empty() { String::new() } else { format!(", in {}", self.unit) };
        let default = match self.shown_default() {
            Value::Real(number) => spell(number),
            other => other.to_string(),
        };
        format!("`{}`: {}{unit}; the default is {default}", self.path, self.meaning)
    }
}
