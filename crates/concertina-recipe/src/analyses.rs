//! The analyses that a panel is drawn from.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};

/// Most analyses whose tables are joined: arbitrary, the paper's panels have two; each is compared with all others.
const MOST: usize = 32;

/// One analysis or several, each its name under `analysis` with its settings beside it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Analyses(pub Vec<toml::Table>);

impl<'de> Deserialize<'de> for Analyses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnalysesVisitor;
        impl<'de> Visitor<'de> for AnalysesVisitor {
            type Value = Analyses;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an analysis `{ analysis = \"effective_dimension\" }`, or a list of such")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Analyses, A::Error> {
                Ok(Analyses(vec![toml::Table::deserialize(MapAccessDeserializer::new(map))?]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Analyses, A::Error> {
                let mut analyses = Vec::new();
                while let Some(analysis) = list.next_element()? {
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
                Ok(Analyses(analyses))
            }
        }
        deserializer.deserialize_any(AnalysesVisitor)
    }
}
