//! The source of a claim.

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, MapAccess, Visitor, value::MapAccessDeserializer},
};

/// The source of a claim: in a recipe, `{ paper = "..." }`, `{ published_code = "..." }` or `{ own_reading =
/// "..." }`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Origin {
    /// The kind of source.
    pub from: OriginKind,
    /// The passage of the paper in our words, the table of the published code, or the basis of our reading.
    /// Null if the recipe does not give it.
    pub detail: Option<String>,
}

/// The kind of source of a claim.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OriginKind {
    /// The paper, in its text or in a figure.
    Paper,
    /// The numbers of the published code, in a table that is built into the program.
    PublishedCode,
    /// The author of the recipe.
    #[default]
    OwnReading,
}

impl OriginKind {
    /// The kind in words, for a report.
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
                        "expected a few words on the source of the claim, found none",
                    ));
                }
                Ok(Origin { from, detail: Some(detail) })
            }
        }
        deserializer.deserialize_any(OriginVisitor)
    }
}
