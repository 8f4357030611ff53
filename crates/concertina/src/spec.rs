//! Analyses as data.

use concertina_analysis::{Accuracy, Analysis, EffectiveDimension, Loss, Lyapunov, Subject};
use concertina_model::params::ValidParams;
use concertina_table::Table;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Any analysis, as data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "analysis", rename_all = "snake_case")]
pub enum AnalysisSpec {
    /// See [`EffectiveDimension`].
    EffectiveDimension(EffectiveDimension),
    /// See [`Accuracy`].
    Accuracy(Accuracy),
    /// See [`Loss`].
    Loss(Loss),
    /// See [`Lyapunov`].
    Lyapunov(Lyapunov),
}

macro_rules! each {
    ($self:ident, $analysis:ident => $what:expr) => {
        match $self {
            Self::EffectiveDimension($analysis) => $what,
            Self::Accuracy($analysis) => $what,
            Self::Loss($analysis) => $what,
            Self::Lyapunov($analysis) => $what,
        }
    };
}

impl Analysis for AnalysisSpec {
    fn name(&self) -> &'static str {
        each!(self, analysis => analysis.name())
    }
    fn version(&self) -> u32 {
        each!(self, analysis => analysis.version())
    }
    fn references(&self) -> &'static [&'static str] {
        each!(self, analysis => analysis.references())
    }
    fn per_checkpoint(&self) -> bool {
        each!(self, analysis => analysis.per_checkpoint())
    }
    fn check(&self, params: &ValidParams) -> concertina_analysis::Result<()> {
        each!(self, analysis => analysis.check(params))
    }
    fn run(&self, subject: &Subject) -> concertina_analysis::Result<Table> {
        each!(self, analysis => analysis.run(subject))
    }
}

/// The settings of an analysis in one spelling, without its name.
pub(crate) fn canonical<A: Analysis>(analysis: &A) -> Result<String> {
    let mut value = serde_json::to_value(analysis).map_err(|source| Error::AnalysisSetting {
        analysis: analysis.name().to_owned(),
        reason: source.to_string(),
        hint: None,
    })?;
    if let Some(settings) = value.as_object_mut() {
        settings.remove("analysis");
    }
    Ok(value.to_string())
}

/// The names of all analyses.
pub const ANALYSES: &[&str] = &["effective_dimension", "accuracy", "loss", "lyapunov"];

impl AnalysisSpec {
    /// From a table: the name under `analysis`, settings beside it.
    pub fn from_table(table: toml::Table) -> Result<Self> {
        let name = table.get("analysis").and_then(toml::Value::as_str).unwrap_or_default().to_owned();
        toml::Value::Table(table).try_into().map_err(|source: toml::de::Error| Error::AnalysisSetting {
            analysis: name,
            reason: source.message().to_owned(),
            hint: None,
        })
    }
}
