//! The analyses from which a panel is drawn.

use std::fmt;

use concertina_analysis::AnalysisSpec;
use concertina_plot::syntax::with_hint;
use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};

/// The most analyses whose tables are joined. Arbitrary: the paper's panels have two, and each is compared
/// with all others.
const MOST: usize = 32;

/// One analysis or several, each with its name under `analysis` and its settings next to it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Analyses(pub Vec<AnalysisSpec>);

/// An analysis in a recipe.
struct Named(AnalysisSpec);

impl<'de> Deserialize<'de> for Named {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        analysis(deserializer).map(Self)
    }
}

/// Reads one analysis.
///
/// # Errors
/// The analysis is not named, does not exist, or does not have these settings; with a hint.
pub(crate) fn analysis<'de, D: Deserializer<'de>>(deserializer: D) -> Result<AnalysisSpec, D::Error> {
    let table = toml::Table::deserialize(deserializer)?;
    if !matches!(table.get("analysis"), Some(toml::Value::String(_))) {
        return Err(none_named());
    }
    AnalysisSpec::from_table(table).map_err(|error| with_hint(&error, error.hint()))
}

fn none_named<E: de::Error>() -> E {
    let hint = "analysis = { analysis = \"effective_dimension\" }".to_owned();
    with_hint("expected the name of an analysis, found none", Some(hint))
}

impl<'de> Deserialize<'de> for Analyses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnalysesVisitor;
        impl<'de> Visitor<'de> for AnalysesVisitor {
            type Value = Analyses;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an analysis `{ analysis = \"effective_dimension\" }`, or a list of these")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Analyses, A::Error> {
                Ok(Analyses(vec![analysis(MapAccessDeserializer::new(map))?]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Analyses, A::Error> {
                let mut analyses = Vec::new();
                while let Some(Named(analysis)) = list.next_element()? {
                    if analyses.len() == MOST {
                        return Err(de::Error::custom(format!(
                            "expected at most {MOST} analyses, found more"
                        )));
                    }
                    if analyses.contains(&analysis) {
                        return Err(de::Error::custom("expected different analyses, found one twice"));
                    }
                    analyses.push(analysis);
                }
                if analyses.is_empty() {
                    return Err(none_named());
                }
                Ok(Analyses(analyses))
            }
        }
        deserializer.deserialize_any(AnalysesVisitor)
    }
}
