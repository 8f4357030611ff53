//! Analyses as data: how they are read from tables, and the spelling of their settings in the keys of
//! results.

use std::fmt::Write as _;

use concertina_analysis::{Analysis, AnalysisSpec, Setting};
use concertina_table::{Scalar, Table};
use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::error::{Error, Result, suggestion};

/// An analysis from a table, with its name under `analysis` next to its settings.
///
/// # Errors
/// [`Error::UnknownAnalysis`] with the nearest name; [`Error::AnalysisSetting`] for an unknown setting or a
/// value of the wrong type.
pub(crate) fn from_table(table: toml::Table) -> Result<AnalysisSpec> {
    AnalysisSpec::from_table(table).map_err(|error| match error {
        concertina_analysis::Error::UnknownAnalysis { name } => {
            let hint = suggestion(&name, AnalysisSpec::NAMES.iter().copied());
            Error::UnknownAnalysis { name, hint }
        }
        concertina_analysis::Error::Setting { analysis, reason, hint } => {
            Error::AnalysisSetting { analysis, reason, hint: Some(hint) }
        }
        other => other.into(),
    })
}

/// An analysis by its name, with settings as in `exponents=5`.
///
/// # Errors
/// [`Error::UnknownAnalysis`] with the nearest name, [`Error::AnalysisSetting`].
pub fn analysis<'a>(name: &str, settings: impl IntoIterator<Item = &'a str>) -> Result<AnalysisSpec> {
    let plain = name.trim().to_ascii_lowercase().replace('-', "_");
    let wrong = |reason| Error::AnalysisSetting { analysis: plain.clone(), reason, hint: None };
    let optional: Vec<String> = match AnalysisSpec::named(&plain) {
        Ok(spec) => spec.settings().into_iter().filter(Setting::is_optional).map(|one| one.name).collect(),
        Err(_) => Vec::new(), // reported below
    };
    let mut table = toml::Table::new();
    table.insert("analysis".to_owned(), toml::Value::String(plain.clone()));
    let mut given: Vec<&str> = Vec::new();
    for text in settings {
        let Some((setting, value)) = text.split_once('=').filter(|(setting, _)| !setting.trim().is_empty())
        else {
            return Err(wrong(format!("expected `name=value`, found `{text}`")));
        };
        let (setting, value) = (setting.trim(), value.trim());
        if given.contains(&setting) {
            return Err(wrong(format!("`{setting}` is given twice")));
        }
        given.push(setting);
        // A setting that is none is left out.
        let none = ["none", "null"].contains(&&*value.to_ascii_lowercase());
        if !(none && optional.iter().any(|name| name == setting)) {
            table.insert(setting.to_owned(), typed(value));
        }
    }
    from_table(table)
}

/// An analysis by its name, with settings as JSON values, for front ends that do not read text.
///
/// # Errors
/// As [`analysis`].
pub fn analysis_with(name: &str, settings: serde_json::Map<String, Value>) -> Result<AnalysisSpec> {
    let optional: Vec<String> = analysis(name, [])?
        .settings()
        .into_iter()
        .filter(Setting::is_optional)
        .map(|setting| setting.name)
        .collect();
    let mut table = toml::Table::new();
    table.insert("analysis".to_owned(), toml::Value::String(name.to_owned()));
    for (setting, value) in settings {
        let value = match value {
            // a setting that is none is left out
            Value::Null if optional.contains(&setting) => continue,
            Value::Null => toml::Value::String("none".to_owned()),
            value => toml::Value::try_from(value).map_err(|source| Error::AnalysisSetting {
                analysis: name.to_owned(),
                reason: format!("`{setting}`: {source}"),
                hint: None,
            })?,
        };
        table.insert(setting, value);
    }
    from_table(table)
}

/// A value as written in TOML; a bare word is text.
fn typed(text: &str) -> toml::Value {
    format!("value = {text}")
        .parse::<toml::Table>()
        .ok()
        .and_then(|mut table| table.remove("value"))
        .unwrap_or_else(|| toml::Value::String(text.to_owned()))
}

/// Every analysis, or one, as a table with one row per analysis and one row for each of its settings:
/// `analysis`, `version`, `setting`, `default`, `values`, `meaning`. In the row of an analysis, `setting`,
/// `default` and `values` are null, and `meaning` is what it measures.
///
/// # Errors
/// [`Error::UnknownAnalysis`].
pub fn analysis_table(name: Option<&str>) -> Result<Table> {
    let mut rows = Vec::new();
    for spec in listed(name)? {
        let cells = |setting: Scalar, default: Scalar, values: Scalar, meaning: String| {
            crate::params_table::row([
                ("analysis".to_owned(), spec.name().into()),
                ("version".to_owned(), Scalar::Integer(spec.version().into())),
                ("setting".to_owned(), setting),
                ("default".to_owned(), default),
                ("values".to_owned(), values),
                ("meaning".to_owned(), Scalar::Text(meaning)),
            ])
        };
        rows.push(cells(Scalar::Null, Scalar::Null, Scalar::Null, spec.summary())?);
        for setting in spec.settings() {
            let default = setting.default_text().into();
            let values = setting.values.replace('`', "").into();
            rows.push(cells(setting.name.into(), default, values, setting.meaning)?);
        }
    }
    crate::params_table::stack(rows)
}

/// The settings of an analysis, each with the JSON schema that gives its type, for front ends that generate
/// code.
///
/// # Errors
/// [`Error::UnknownAnalysis`].
pub fn analysis_settings(name: &str) -> Result<Vec<(Setting, Value)>> {
    let spec = analysis(name, [])?;
    let fields = schema(spec.name());
    let typed = |setting: Setting| {
        let schema = fields["properties"][&setting.name].clone();
        (setting, schema)
    };
    Ok(spec.settings().into_iter().map(typed).collect())
}

/// The JSON schema of an analysis, including those of its settings.
fn schema(analysis: &str) -> Value {
    let generator =
        SchemaSettings::default().with(|settings| settings.inline_subschemas = true).into_generator();
    macro_rules! of {
        ($($name:ident: $analysis:ident,)*) => {
            match analysis {
                $(stringify!($name) => generator.into_root_schema_for::<concertina_analysis::$analysis>().to_value(),)*
                _ => Value::Null,
            }
        };
    }
    concertina_analysis::each_analysis!(of)
}

/// Every analysis, or one, in Markdown, with one section per analysis.
///
/// # Errors
/// [`Error::UnknownAnalysis`].
pub fn analyses_markdown(name: Option<&str>) -> Result<String> {
    let mut text = String::new();
    for spec in listed(name)? {
        let _ = write!(text, "## `{}`\n\n{}\n\n", spec.name(), spec.summary()); // writing to a string cannot fail
        let settings = spec.settings();
        if !settings.is_empty() {
            text.push_str("| setting | default | values | meaning |\n|---|---|---|---|\n");
        }
        for setting in &settings {
            let (default, Setting { name, values, meaning, .. }) = (setting.default_text(), setting);
            let _ = writeln!(text, "| `{name}` | {default} | {values} | {meaning} |");
        }
        if !settings.is_empty() {
            text.push('\n');
        }
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    Ok(text)
}

fn listed(name: Option<&str>) -> Result<Vec<AnalysisSpec>> {
    match name {
        Some(name) => Ok(vec![self::analysis(name, [])?]),
        None => Ok(AnalysisSpec::NAMES.iter().filter_map(|name| AnalysisSpec::named(name).ok()).collect()),
    }
}

/// Whether an analysis has a setting of this name.
///
/// # Errors
/// [`Error::UnknownAnalysis`].
pub fn has_setting(analysis: &str, setting: &str) -> Result<bool> {
    let settings = self::analysis(analysis, [])?.settings();
    Ok(settings.iter().any(|known| known.name == setting))
}

/// The settings of an analysis in their canonical spelling: JSON with sorted names, without the name of the
/// analysis.
///
/// This makes an analysis the same whether it comes from a struct, a recipe or a command line.
pub(crate) fn canonical(analysis: &dyn Analysis) -> Result<String> {
    let mut value = analysis.settings_value().map_err(|source| Error::AnalysisSetting {
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

/// JSON with sorted names, whatever order the map keeps.
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

    use super::{analysis, analysis_settings, canonical};
    use crate::Error;

    #[test]
    fn analyses_are_found_by_their_names_and_settings() {
        assert!(analysis("lyapunov", ["exponents=3", "stopping=paper"]).is_ok());
        assert!(analysis("effective-dimension", []).is_ok());
        let Err(Error::UnknownAnalysis { hint, .. }) = analysis("lyapunow", []) else { panic!("unknown") };
        assert_eq!(hint, "did you mean `lyapunov`?");
        assert!(matches!(analysis("lyapunov", ["exponent=3"]), Err(Error::AnalysisSetting { .. })));
        assert!(matches!(analysis("lyapunov", ["exponents=many"]), Err(Error::AnalysisSetting { .. })));
    }

    #[test]
    fn settings_have_types() {
        let settings = analysis_settings("lyapunov").expect("known");
        let of = |name: &str| &settings.iter().find(|(one, _)| one.name == name).expect("a setting").1;
        assert_eq!(of("exponents")["type"], serde_json::json!(["integer", "null"]));
        for name in AnalysisSpec::NAMES {
            let settings = analysis_settings(name).expect("known");
            assert!(settings.iter().all(|(_, schema)| schema.is_object()), "{name}: {settings:?}");
        }
        assert!(matches!(analysis_settings("lyapunow"), Err(Error::UnknownAnalysis { .. })));
    }

    #[test]
    fn an_analysis_as_a_struct_and_as_data_has_one_spelling() {
        let analysis = EffectiveDimension { samples: 77, ..Default::default() };
        let text = canonical(&analysis).expect("plain data");
        assert_eq!(text, canonical(&AnalysisSpec::from(analysis)).expect("plain data"));
        assert_eq!(text, r#"{"extend_to":null,"samples":77,"timesteps":"all"}"#);
    }
}
