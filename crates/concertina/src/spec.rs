//! Analyses as data: from tables, and the spelling of their settings that results are remembered by.

use concertina_analysis::{Analysis, AnalysisSpec};
use serde_json::Value;

use crate::error::{Error, Result, suggestion};

/// An analysis from a table: its name under `analysis`, settings beside it.
///
/// # Errors
/// [`Error::UnknownAnalysis`] with the nearest name; [`Error::AnalysisSetting`] for a setting that it does not have, or a value of the
/// wrong type.
pub(crate) fn from_table(table: toml::Table) -> Result<AnalysisSpec> {
    let name = table.get("analysis").and_then(toml::Value::as_str).unwrap_or_default().to_owned();
    if !AnalysisSpec::NAMES.contains(&&*name) {
        let hint = suggestion(&name, AnalysisSpec::NAMES.iter().copied());
        return Err(Error::UnknownAnalysis { name, hint });
    }
    toml::Value::Table(table).try_into().map_err(|source: toml::de::Error| Error::AnalysisSetting {
        analysis: name.clone(),
        reason: source.message().to_owned(),
        hint: settings(&name).map(|settings| format!("its settings are {settings}")),
    })
}

/// The settings of an analysis with their defaults, for messages; `None` if it has none.
fn settings(name: &str) -> Option<String> {
    let spec = AnalysisSpec::named(name).ok()?;
    let value = serde_json::to_value(spec).ok()?;
    let named = value.as_object()?.iter().filter(|(name, _)| *name != "analysis");
    let settings: Vec<String> =
        named.map(|(name, value)| format!("`{name}` ({})", value.to_string().replace('"', ""))).collect();
    (!settings.is_empty()).then(|| settings.join(", "))
}

/// The settings of an analysis in one spelling: JSON with sorted names, without the name of the analysis.
///
/// So an analysis is the same whether it comes as a struct, from a recipe or from a command line.
pub(crate) fn canonical<A: Analysis>(analysis: &A) -> Result<String> {
    let mut value = serde_json::to_value(analysis).map_err(|source| Error::AnalysisSetting {
        analysis: analysis.name().to_owned(),
        reason: source.to_string(),
        hint: None,
    })?;
    if let Some(settings) = value.as_object_mut() {
        settings.remove("analysis");
    }
    let mut text = String::new();
    write_sorted(&value, &mut text);
    Ok(text)
}

/// JSON with sorted names, whatever order the map at hand keeps.
fn write_sorted(value: &Value, text: &mut String) {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(name, _)| name.as_str());
            text.push('{');
            for (place, (name, value)) in entries.into_iter().enumerate() {
                text.push_str(if place > 0 { "," } else { "" });
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                write_sorted(value, text);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (place, item) in items.iter().enumerate() {
                text.push_str(if place > 0 { "," } else { "" });
                write_sorted(item, text);
            }
            text.push(']');
        }
        plain => text.push_str(&plain.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use concertina_analysis::{AnalysisSpec, EffectiveDimension};

    use super::canonical;

    #[test]
    fn a_struct_and_its_data_are_remembered_under_one_name() {
        let analysis = EffectiveDimension { samples: 77, ..Default::default() };
        let text = canonical(&analysis).expect("plain data");
        assert_eq!(text, canonical(&AnalysisSpec::from(analysis)).expect("plain data"));
        assert_eq!(text, r#"{"extend_to":null,"samples":77,"timesteps":"all"}"#);
    }
}
