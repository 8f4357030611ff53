//! The format of recipes as a JSON schema, for editors and for the reference pages.

use std::borrow::Cow;

use concertina_analysis::AnalysisSpec;
use concertina_model::params::PARAMETERS;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use crate::{Analyses, Recipe, SeedRule, Seeds, Test};

impl Recipe {
    /// The format of recipes as a JSON schema.
    ///
    /// Whatever can be read fits it. What fits it may still be refused, as names of columns, panels and
    /// parameters are checked when a recipe is read.
    pub fn schema() -> Value {
        schemars::schema_for!(Self).to_value()
    }
}

/// Parameters by section and name. Further spellings are allowed, so values are not described.
pub(crate) fn parameters(_: &mut SchemaGenerator) -> Schema {
    let mut all = Map::new();
    for parameter in PARAMETERS {
        let about = json!({ "description": parameter.meaning });
        let section = parameter.path.strip_suffix(&format!(".{}", parameter.field()));
        let place = match section {
            Some(section) => {
                let table = json!({ "properties": {} });
                let table = all.entry(section).or_insert(table);
                &mut table["properties"][parameter.field()]
            }
            None => all.entry(parameter.path).or_insert(Value::Null),
        };
        *place = about;
    }
    json_schema!({ "type": "object", "properties": all })
}

/// Some of a run's checkpoints.
pub(crate) fn checkpoints(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "anyOf": [
            { "enum": ["last", "first", "ends", "all"] },
            {
                "type": "object",
                "properties": {
                    "last": { "description": "So many of the last.", "type": "integer", "minimum": 1 }
                },
                "required": ["last"],
                "additionalProperties": false
            },
            { "description": "Epochs.", "type": "array", "items": whole(), "minItems": 1 }
        ],
        "default": "last"
    })
}

/// Where a claim comes from.
pub(crate) fn origin(_: &mut SchemaGenerator) -> Schema {
    let one = |name: &str| json!({ "required": [name] });
    json_schema!({
        "type": "object",
        "properties": {
            "paper": { "description": "Where the paper says it.", "type": "string" },
            "published_code": { "description": "Which table of the published code shows it.", "type": "string" },
            "own_reading": { "description": "What the author's own reading rests on.", "type": "string" }
        },
        "additionalProperties": false,
        "oneOf": [one("paper"), one("published_code"), one("own_reading")]
    })
}

/// One analysis: its name under `analysis`, settings beside it.
pub(crate) fn analysis(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<Analysis>()
}

struct Analysis;

impl JsonSchema for Analysis {
    fn schema_name() -> Cow<'static, str> {
        "Analysis".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let specs =
            AnalysisSpec::NAMES.iter().filter_map(|name| Some((name, AnalysisSpec::named(name).ok()?)));
        let all: Vec<Value> = specs
            .map(|(name, spec)| {
                let schema = spec.schema();
                let fields = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
                let own = ("analysis".to_owned(), json!({ "const": name }));
                let properties: Map<String, Value> = [own].into_iter().chain(fields).collect();
                json!({
                    "title": name,
                    "description": spec.summary(),
                    "type": "object",
                    "properties": properties,
                    "required": ["analysis"],
                    "additionalProperties": false
                })
            })
            .collect();
        json_schema!({ "oneOf": all })
    }
}

impl JsonSchema for Analyses {
    fn schema_name() -> Cow<'static, str> {
        "Analyses".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let analysis = analysis(generator);
        json_schema!({
            "description": "An analysis with its settings, or a list of analyses whose tables are joined.",
            "anyOf": [analysis, { "type": "array", "items": analysis, "minItems": 1, "uniqueItems": true }]
        })
    }
}

impl JsonSchema for Seeds {
    fn schema_name() -> Cow<'static, str> {
        "Seeds".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A list of seeds, or a range as in `0..5`, without the 5.",
            "anyOf": [{ "type": "string" }, { "type": "array", "items": whole(), "minItems": 1 }]
        })
    }
}

impl JsonSchema for SeedRule {
    fn schema_name() -> Cow<'static, str> {
        "SeedRule".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let own = generator.subschema_for::<Seeds>();
        json_schema!({
            "description": "The seeds of the figure (`figure`), the first few of them, or other seeds.",
            "anyOf": [
                { "const": "figure" },
                {
                    "type": "object",
                    "properties": { "first": { "type": "integer", "minimum": 1 } },
                    "required": ["first"],
                    "additionalProperties": false
                },
                own
            ],
            "default": "figure"
        })
    }
}

impl JsonSchema for Test {
    fn schema_name() -> Cow<'static, str> {
        "Test".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "When a claim counts as reproduced: by Wilcoxon's one-sided signed-rank test over \
                            realisations, or if it holds in every one of at least so many.",
            "anyOf": [
                { "const": "wilcoxon" },
                {
                    "type": "object",
                    "properties": { "every": { "type": "integer", "minimum": 1 } },
                    "required": ["every"],
                    "additionalProperties": false
                }
            ],
            "default": "wilcoxon"
        })
    }
}

fn whole() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}
