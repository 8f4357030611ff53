//! Where a claim comes from.

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, MapAccess, Visitor, value::MapAccessDeserializer},
};

/// Where a claim comes from: in a recipe `{ paper = "..." }`, `{ published_code = "..." }` or `{ own_reading
/// = "..." }`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Origin {
    /// Who says so.
    pub from: OriginKind,
    /// Where the paper says it, in our words; which table of the published code shows it; or what our reading
    /// rests on. Null where the recipe does not say.
    pub detail: Option<String>,
}

/// Who says what a claim says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OriginKind {
    /// The paper, in its text or by what a figure shows.
    Paper,
    /// The numbers that the published code gives, in a table that comes with the program.
    PublishedCode,
    /// The author of the recipe.
    #[default]
    OwnReading,
}

impl OriginKind {
    /// In words, for a report.
    pub fn words(self) -> &'static str {
        match self {
            Self::Paper => "the paper",
            Self::PublishedCode => "the published code",
            Self::OwnReading => "the recipe's own reading",
        }
    }
}

impl<'de> Deserialize<'de> for Origin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Default, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        struct Said {
            paper: Option<String>,
            published_code: Option<String>,
            own_reading: Option<String>,
        }
        struct OriginVisitor;
        impl<'de> Visitor<'de> for OriginVisitor {
            type Value = Origin;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(
                    "`{ paper = \"...\" }`, `{ published_code = \"...\" }` or `{ own_reading = \"...\" }`",
                )
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Origin, A::Error> {
                let Said { paper, published_code, own_reading } =
                    Said::deserialize(MapAccessDeserializer::new(map))?;
                let (from, detail) = match (paper, published_code, own_reading) {
                    (Some(detail), None, None) => (OriginKind::Paper, detail),
                    (None, Some(detail), None) => (OriginKind::PublishedCode, detail),
                    (None, None, Some(detail)) => (OriginKind::OwnReading, detail),
                    _ => {
                        return Err(de::Error::custom(
                            "expected one of `paper`, `published_code`, `own_reading`",
                        ));
                    }
                };
                if detail.trim().is_empty() {
                    return Err(de::Error::custom(
                        "expected where the claim comes from in a few words, found none",
                    ));
                }
                Ok(Origin { from, detail: Some(detail) })
            }
        }
        deserializer.deserialize_any(OriginVisitor)
    }
}
