//! Every analysis as one type: what a recipe or a command line says.

use concertina_model::params::ValidParams;
use concertina_table::Table;
use serde::{Deserialize, Serialize};

use crate::settings::schema_of;
use crate::{
    Accuracy, Analysis, Autocorrelation, ClassDistances, ClusterHoldout, EffectiveDimension, Error, Loss,
    Lyapunov, OrthogonalCompression, PcaSnapshots, Result, Saturation, Spectrum, Subject, WeightVariance,
};

macro_rules! analyses {
    ($($name:ident: $kind:ident,)*) => {
        /// One of the analyses, with its parameters: `{ analysis = "lyapunov", exponents = 10, stopping = "paper" }`.
        ///
        /// Reads from and writes to anything serde knows; parameters left out have their defaults, and unknown ones are
        /// refused.
        ///
        /// ```
        /// use concertina_analysis::AnalysisSpec;
        ///
        /// let text = r#"{"analysis": "effective_dimension", "timesteps": "last"}"#;
        /// let spec: AnalysisSpec = serde_json::from_str(text)?;
        /// assert_eq!(spec.canonical(), r#"effective_dimension 3 {"samples":500,"timesteps":"last","extend_to":null}"#);
        /// # Ok::<(), serde_json::Error>(())
        /// ```
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "analysis", rename_all = "snake_case")]
        pub enum AnalysisSpec {
            $(#[doc = concat!("`", stringify!($name), "`: [`", stringify!($kind), "`].")]
            $kind($kind),)*
        }

        /// The same expression for every analysis.
        macro_rules! each {
            ($spec:expr, $analysis:ident => $do:expr) => {
                match $spec {
                    $(AnalysisSpec::$kind($analysis) => $do,)*
                }
            };
        }

        $(impl From<$kind> for AnalysisSpec {
            fn from(analysis: $kind) -> Self {
                Self::$kind(analysis)
            }
        })*

        impl AnalysisSpec {
            /// The names of all analyses, in the order of the documentation.
            pub const NAMES: &'static [&'static str] = &[$($kind::NAME),*];

            /// The analysis of this name with default parameters.
            ///
            /// # Errors
            /// [`Error::UnknownAnalysis`].
            pub fn named(name: &str) -> Result<Self> {
                match name {
                    $($kind::NAME => Ok(Self::$kind($kind::default())),)*
                    _ => Err(Error::UnknownAnalysis { name: name.to_owned() }),
                }
            }
        }
    };
}

analyses! {
    effective_dimension: EffectiveDimension,
    accuracy: Accuracy,
    loss: Loss,
    pca_snapshots: PcaSnapshots,
    lyapunov: Lyapunov,
    cluster_holdout: ClusterHoldout,
    saturation: Saturation,
    class_distances: ClassDistances,
    orthogonal_compression: OrthogonalCompression,
    weight_variance: WeightVariance,
    autocorrelation: Autocorrelation,
    spectrum: Spectrum,
}

impl AnalysisSpec {
    /// What names a result besides the network it is of: name, version, and every parameter, defaults filled in.
    ///
    /// However it was spelled, the same analysis has the same text; changing it makes kept results go unused.
    pub fn canonical(&self) -> String {
        format!("{} {} {}", self.name(), self.version(), self.fields())
    }

    /// The parameters as JSON, in the order of the fields.
    pub(crate) fn fields(&self) -> String {
        let parameters = each!(self, analysis => serde_json::to_string(analysis));
        parameters.expect("parameters are plain data with text keys")
    }

    /// The fields with their types and documentation.
    pub(crate) fn schema(&self) -> schemars::Schema {
        each!(self, analysis => schema_of(analysis))
    }
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

    fn shows_samples(&self) -> bool {
        each!(self, analysis => analysis.shows_samples())
    }

    fn check(&self, params: &ValidParams) -> Result<()> {
        each!(self, analysis => analysis.check(params))
    }

    fn run(&self, subject: &Subject) -> Result<Table> {
        each!(self, analysis => analysis.run(subject))
    }
}
