//! JSON schemas of what a recipe may spell in several ways, and so reads itself.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::{Axis, ErrorBar, Share, drawing::AxisTable};

/// One cell of a table: a number, a text, or true or false.
pub fn scalar(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["number", "string", "boolean"] })
}

/// Values in an order.
pub fn order(generator: &mut SchemaGenerator) -> Schema {
    let scalar = scalar(generator);
    json_schema!({ "type": "array", "items": scalar, "minItems": 1 })
}

/// A value, or a list of the values that count.
pub fn one_of(generator: &mut SchemaGenerator) -> Schema {
    let scalar = scalar(generator);
    json_schema!({ "anyOf": [scalar, { "type": "array", "items": scalar, "minItems": 1 }] })
}

/// Columns and the values they may have.
pub fn columns(generator: &mut SchemaGenerator) -> Schema {
    let one_of = one_of(generator);
    json_schema!({ "type": "object", "additionalProperties": one_of })
}

/// A condition as a text, or columns and the values they may have.
pub fn condition(generator: &mut SchemaGenerator) -> Schema {
    let columns = columns(generator);
    json_schema!({ "anyOf": [{ "type": "string" }, columns] })
}

impl JsonSchema for Axis {
    fn schema_name() -> Cow<'static, str> {
        "Axis".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let table = AxisTable::json_schema(generator);
        json_schema!({
            "description": "A column along an axis: its name, or a table that says more.",
            "anyOf": [{ "type": "string" }, table]
        })
    }
}

impl JsonSchema for Share {
    fn schema_name() -> Cow<'static, str> {
        "Share".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Which facets share their vertical scale: all of them, none, or those in a row.",
            "enum": [true, false, "rows"]
        })
    }
}

impl JsonSchema for ErrorBar {
    fn schema_name() -> Cow<'static, str> {
        "ErrorBar".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "How a point and a band are computed from the values of several realisations.",
            "anyOf": [
                { "enum": ErrorBar::NAMES },
                {
                    "type": "object",
                    "properties": {
                        "mean_ci": {
                            "description": "Mean and a bootstrap interval of this level.",
                            "type": "number",
                            "exclusiveMinimum": 0,
                            "exclusiveMaximum": 1
                        }
                    },
                    "required": ["mean_ci"],
                    "additionalProperties": false
                }
            ]
        })
    }
}
