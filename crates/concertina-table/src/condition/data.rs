//! Conditions in settings files: a text, or the values that the cells of columns may have.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{self, IntoDeserializer as _, MapAccess, SeqAccess, Visitor},
};

use super::{AnyColumn, Condition, Node, joined};
use crate::Scalar;

/// The values that a cell may have: in a settings file, a single value or a list of values.
#[derive(Debug, Clone, PartialEq)]
pub struct OneOf(pub Vec<Scalar>);

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ConditionVisitor;
        impl<'de> Visitor<'de> for ConditionVisitor {
            type Value = Condition;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a condition: `{ gain = 250, stage = [\"before\", \"after\"] }`, or a text such as `\"gain > 20\"`")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Condition, E> {
                Condition::parse(text, &AnyColumn).map_err(E::custom)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Condition, A::Error> {
                let mut columns: Vec<(String, Vec<Scalar>)> = Vec::new();
                while let Some((column, OneOf(values))) = map.next_entry()? {
                    columns.push((column, values));
                }
                columns.sort_by(|(a, _), (b, _)| a.cmp(b));
                let nodes = columns.into_iter().map(|(column, values)| Node::OneOf { column, values });
                Ok(Condition(joined(nodes.collect(), Node::And)))
            }
        }
        deserializer.deserialize_any(ConditionVisitor)
    }
}

impl<'de> Deserialize<'de> for OneOf {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOfVisitor;
        impl<'de> Visitor<'de> for OneOfVisitor {
            type Value = OneOf;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, a text, true or false, or a list of them")
            }
            fn visit_str<E: de::Error>(self, value: &str) -> Result<OneOf, E> {
                Ok(OneOf(vec![value.into()]))
            }
            fn visit_i64<E: de::Error>(self, value: i64) -> Result<OneOf, E> {
                Ok(OneOf(vec![value.into()]))
            }
            fn visit_u64<E: de::Error>(self, value: u64) -> Result<OneOf, E> {
                Ok(OneOf(vec![Scalar::deserialize(value.into_deserializer())?]))
            }
            fn visit_f64<E: de::Error>(self, value: f64) -> Result<OneOf, E> {
                Ok(OneOf(vec![Scalar::Float(value)]))
            }
            fn visit_bool<E: de::Error>(self, value: bool) -> Result<OneOf, E> {
                Ok(OneOf(vec![value.into()]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<OneOf, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = list.next_element()? {
                    values.push(value);
                }
                if values.is_empty() {
                    return Err(de::Error::custom("expected at least one value, found none"));
                }
                Ok(OneOf(values))
            }
        }
        deserializer.deserialize_any(OneOfVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Condition, String> {
        let mut table: toml::Table = format!("keep = {text}").parse().expect("TOML");
        let keep: Result<Condition, toml::de::Error> = table.remove("keep").expect("a value").try_into();
        keep.map_err(|error| error.message().to_owned())
    }

    #[test]
    fn columns_with_values_and_a_text_give_the_same_condition() {
        for (data, text) in [
            ("{ gain = 250 }", "gain = 250"),
            (
                "{ stage = [\"before\", \"after\"], gain = 0.5 }",
                "gain = 0.5 and (stage = before or stage = after)",
            ),
            ("{ frozen = true, input = \"2 dimensions\" }", "frozen = true and input = '2 dimensions'"),
            ("\"gain > 20 and not seed = 0\"", "gain > 20 and not (seed = 0)"),
            ("{}", ""),
        ] {
            assert_eq!(read(data).map(|condition| condition.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn invalid_conditions_are_refused_with_the_reason() {
        for (data, said) in [
            ("{ gain = [] }", "expected at least one value, found none"),
            ("{ gain = [[20]] }", "expected a number, a text, or true or false"),
            ("\"gain >\"", "expected a number or a word, found the end, in the condition `gain >`"),
            ("20", "expected a condition"),
        ] {
            let error = read(data).expect_err(data);
            assert!(error.contains(said), "{data}: {error}");
        }
    }
}
