//! The settings of each analysis, derived from the structs, their defaults and their documentation.

use std::borrow::Cow;
use std::fmt;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserializer as _;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use crate::{Analysis, AnalysisSpec, Timesteps};

/// A setting of an analysis: a field of its struct.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Setting {
    /// Its name.
    pub name: String,
    /// Its default.
    pub default: Value,
    /// A description of its possible values.
    pub values: String,
    /// Its meaning, and any restrictions on its values.
    pub meaning: String,
}

impl Setting {
    /// Whether it may be `none`.
    pub fn is_optional(&self) -> bool {
        self.values.ends_with(NONE)
    }

    /// Its default, as a user would type it.
    pub fn default_text(&self) -> String {
        match &self.default {
            Value::Null => "none".to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }
}

/// The end of the description of the values of an optional setting.
const NONE: &str = ", or none";

impl AnalysisSpec {
    /// What the analysis measures, in a sentence or two.
    pub fn summary(&self) -> String {
        first_paragraph(self.schema().get("description"))
    }

    /// All of its documentation, as in the source: Markdown, with the sections `Returns`, `Source` and
    /// others.
    pub fn documentation(&self) -> String {
        self.schema().get("description").and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// The settings, in the order of the fields.
    pub fn settings(&self) -> Vec<Setting> {
        let schema = self.schema();
        let defaults = serde_json::to_value(self).unwrap_or_default();
        let setting = |name: String| {
            let field = schema.get("properties").and_then(|fields| fields.get(&name));
            let field = field.cloned().unwrap_or_default();
            Setting {
                default: defaults[&name].clone(),
                values: values(&field),
                meaning: all_paragraphs(field.get("description")),
                name,
            }
        };
        let mut all = names(&self.fields());
        // optional settings that results are not identified by, unless they are given
        let known = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
        let left_out: Vec<String> =
            known.map(|(name, _)| name.clone()).filter(|one| !all.contains(one)).collect();
        all.extend(left_out);
        all.into_iter().map(setting).collect()
    }

    /// Whether all settings of the analysis have their defaults.
    pub fn is_default(&self) -> bool {
        Self::named(self.name()).is_ok_and(|default| default == *self)
    }
}

/// The schema of a type, with the schemas of its fields inlined.
pub(crate) fn schema_of<T: JsonSchema>(_: &T) -> Schema {
    let settings = SchemaSettings::default().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<T>()
}

/// The names of the members of a JSON object, in order.
fn names(object: &str) -> Vec<String> {
    struct Names;
    impl<'de> Visitor<'de> for Names {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<String>, A::Error> {
            let mut names = Vec::new();
            while let Some((name, _)) = map.next_entry::<String, IgnoredAny>()? {
                names.push(name);
            }
            Ok(names)
        }
    }
    serde_json::Deserializer::from_str(object).deserialize_map(Names).unwrap_or_default()
}

/// A description of the possible values of a field.
fn values(schema: &Value) -> String {
    let several = schema.get("anyOf").or(schema.get("oneOf")).and_then(Value::as_array);
    if let Some(alternatives) = several {
        let constants: Option<Vec<&Value>> = alternatives.iter().map(|one| one.get("const")).collect();
        return match constants {
            Some(constants) => one_of(constants),
            None => alternatives.iter().map(values).collect::<Vec<_>>().join(", or "),
        };
    }
    if let Some(constants) = schema.get("enum").and_then(Value::as_array) {
        return one_of(constants.iter());
    }
    match schema.get("type") {
        Some(Value::Array(types)) => {
            types.iter().map(|one| of_type(one, schema)).collect::<Vec<_>>().join(", or ")
        }
        Some(one) => of_type(one, schema),
        None => String::new(),
    }
}

fn one_of<'a>(constants: impl IntoIterator<Item = &'a Value>) -> String {
    let quoted = |value: &Value| format!("`{}`", value.as_str().map_or(value.to_string(), str::to_owned));
    constants.into_iter().map(quoted).collect::<Vec<_>>().join(", ")
}

fn of_type(name: &Value, schema: &Value) -> String {
    match name.as_str().unwrap_or_default() {
        "integer" => "a whole number".to_owned(),
        "number" => "a number".to_owned(),
        "boolean" => "`true`, `false`".to_owned(),
        "null" => "none".to_owned(),
        "array" => format!("a list of {}s", values(&schema["items"]).trim_start_matches("a ")),
        other => format!("a {other}"),
    }
}

fn first_paragraph(documentation: Option<&Value>) -> String {
    let text = documentation.and_then(Value::as_str).unwrap_or_default();
    plain(text.split("\n\n").next().unwrap_or_default())
}

fn all_paragraphs(documentation: Option<&Value>) -> String {
    plain(documentation.and_then(Value::as_str).unwrap_or_default())
}

/// Documentation as plain text: a single line, in which links are replaced by their text.
fn plain(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.replace("[`", "`").replace("`]", "`")
}

/// Describes the format that is read: a word, or a list.
impl JsonSchema for Timesteps {
    fn schema_name() -> Cow<'static, str> {
        "Timesteps".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [{ "enum": ["all", "last"] }, { "type": "array", "items": { "type": "integer" } }]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_of_every_analysis_has_its_default_its_values_and_a_meaning() {
        for name in AnalysisSpec::NAMES {
            let spec = AnalysisSpec::named(name).expect("it is in the list");
            assert!(spec.is_default() && spec.summary().ends_with('.'), "{name}: {}", spec.summary());
            let fields = serde_json::to_value(&spec).expect("plain data");
            let settings = spec.settings();
            let is_written = |setting: &&Setting| fields.get(&setting.name).is_some();
            let unwritten = settings.iter().filter(|setting| !is_written(setting));
            assert!(unwritten.clone().all(Setting::is_optional), "{name}");
            let written = fields.as_object().map_or(0, serde_json::Map::len) + unwritten.count();
            assert_eq!(settings.len() + 1, written, "{name}");
            for setting in settings {
                assert_eq!(setting.default, fields[&setting.name], "{name}");
                assert!(!setting.values.is_empty() && !setting.meaning.is_empty(), "{name}: {setting:?}");
                let rest = setting.meaning.contains('[') && setting.meaning.contains("`]");
                assert!(!setting.meaning.contains('\n') && !rest, "{name}: {setting:?}");
            }
        }
    }

    #[test]
    fn values_are_described_in_words() {
        let settings = |name: &str| AnalysisSpec::named(name).expect("it is in the list").settings();
        let described = |name: &str, setting: &str| {
            let found = settings(name).into_iter().find(|one| one.name == setting);
            found.unwrap_or_else(|| panic!("{name} has no {setting}")).values
        };
        assert_eq!(described("effective_dimension", "samples"), "a whole number");
        assert_eq!(described("effective_dimension", "extend_to"), "a whole number, or none");
        assert_eq!(
            described("effective_dimension", "timesteps"),
            "`all`, `last`, or a list of whole numbers"
        );
        assert_eq!(described("lyapunov", "stopping"), "`converged`, `paper`");
        assert_eq!(described("lyapunov", "tolerance"), "a number");
        let order: Vec<String> = settings("cluster_holdout").into_iter().map(|one| one.name).collect();
        assert_eq!(order[..3], ["samples", "timesteps", "extend_to"]);
    }
}
