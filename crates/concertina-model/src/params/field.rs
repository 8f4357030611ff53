//! Conversion between the types of fields and [`Value`].

use std::sync::Arc;

use super::kinds::Choice;
use super::saves::{SaveRate, SavesPerEpoch};
use super::value::Value;
use super::{
    Arithmetic, GradientMethod, GradientNoiseTarget, ImportedWeights, InitialState, InitialWeights,
    InputWeights, LossKind, NetworkKind, Nonlinearity, OptimizerKind, SchedulerKind, TaskKind, TrialSource,
};

/// A type that a parameter can have.
pub(super) trait Field: Sized {
    /// `None` if the value is of another type. The range is checked by the registry.
    fn read(value: &Value) -> Option<Self>;

    /// The value in the one spelling that is used in files and keys.
    fn show(&self) -> Value;
}

/// The value as a whole number, if that loses nothing: 1e3 is whole, 0.5 is not.
fn whole(value: &Value) -> Option<i128> {
    const EXACT: f64 = 9_007_199_254_740_992.0; // 2^53: beyond it f64 skips whole numbers
    match *value {
        Value::Integer(number) => Some(number),
        Value::Real(number) if number.fract() == 0.0 && number.abs() <= EXACT => Some(number as i128),
        _ => None,
    }
}

macro_rules! whole_field {
    ($($kind:ty)*) => {$(
        impl Field for $kind {
            fn read(value: &Value) -> Option<Self> {
                whole(value)?.try_into().ok()
            }

            fn show(&self) -> Value {
                Value::from(*self)
            }
        }
    )*};
}

whole_field!(usize u64);

impl Field for f64 {
    fn read(value: &Value) -> Option<Self> {
        match *value {
            Value::Integer(number) => Some(number as f64),
            Value::Real(number) => Some(number + 0.0), // -0 is 0
            _ => None,
        }
    }

    fn show(&self) -> Value {
        Value::Real(*self)
    }
}

impl Field for ImportedWeights {
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Text(text) => text.parse().ok(),
            _ => None,
        }
    }

    fn show(&self) -> Value {
        Value::from(self.to_string())
    }
}

impl Field for TrialSource {
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Text(text) => text.parse().ok(),
            Value::Trials(arrays) => Some(Self::Arrays(Arc::clone(arrays))),
            _ => None,
        }
    }

    fn show(&self) -> Value {
        match self {
            Self::Arrays(arrays) => Value::Trials(Arc::clone(arrays)),
            named => Value::from(named.to_string()),
        }
    }
}

impl Field for bool {
    fn read(value: &Value) -> Option<Self> {
        match *value {
            Value::Boolean(value) => Some(value),
            Value::Integer(0) => Some(false),
            Value::Integer(1) => Some(true),
            _ => None,
        }
    }

    fn show(&self) -> Value {
        Value::Boolean(*self)
    }
}

impl<T: Field> Field for Option<T> {
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::None => Some(None),
            value => T::read(value).map(Some),
        }
    }

    fn show(&self) -> Value {
        self.as_ref().map_or(Value::None, T::show)
    }
}

impl Field for Vec<u64> {
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::List(items) => items.iter().map(u64::read).collect(),
            _ => None,
        }
    }

    fn show(&self) -> Value {
        Value::from(self.clone())
    }
}

impl Field for Vec<f64> {
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::List(items) => items.iter().map(f64::read).collect(),
            _ => None,
        }
    }

    fn show(&self) -> Value {
        Value::from(self.clone())
    }
}

impl Field for SaveRate {
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Text(text) => {
                let epochs: u64 = text.strip_prefix("1/")?.trim().parse().ok()?;
                (epochs >= 1).then(|| Self::from_f64(1.0 / epochs as f64)).flatten()
            }
            value => Self::from_f64(f64::read(value)?),
        }
    }

    fn show(&self) -> Value {
        match *self {
            Self::PerEpoch(times) => Value::from(times),
            rate => Value::Real(rate.as_f64()),
        }
    }
}

impl Field for SavesPerEpoch {
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::List(items) => items.iter().map(SaveRate::read).collect::<Option<_>>().map(Self::Each),
            value => SaveRate::read(value).map(Self::Same),
        }
    }

    fn show(&self) -> Value {
        match self {
            Self::Same(rate) => rate.show(),
            Self::Each(rates) => Value::List(rates.iter().map(SaveRate::show).collect()),
        }
    }
}

macro_rules! choice_field {
    ($($kind:ty)*) => {$(
        impl Field for $kind {
            fn read(value: &Value) -> Option<Self> {
                match value {
                    Value::Text(text) => Self::from_name(text),
                    Value::None => Self::from_name("none"),
                    _ => None,
                }
            }

            fn show(&self) -> Value {
                Value::from(self.name())
            }
        }

        impl From<$kind> for Value {
            fn from(choice: $kind) -> Self {
                choice.show()
            }
        }
    )*};
}

choice_field!(TaskKind NetworkKind Nonlinearity InputWeights InitialWeights InitialState LossKind OptimizerKind SchedulerKind GradientMethod Arithmetic GradientNoiseTarget);
