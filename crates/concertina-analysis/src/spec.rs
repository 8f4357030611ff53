//! Any analysis as a single type, as named in a recipe or on the command line.

use concertina_model::params::ValidParams;
use concertina_table::Table;
use serde::{Deserialize, Serialize};

use crate::settings::{Setting, schema_of};
use crate::*;

macro_rules! analyses {
    ($($name:ident: $kind:ident,)*) => {
        /// One of the analyses, with its parameters: `{ analysis = "lyapunov", exponents = 10, stopping =
        /// "paper" }`.
        ///
        /// It can be read from and written to any format that serde supports. Parameters that are left out
        /// have their defaults, and unknown ones are refused.
        ///
        /// ```
        /// use concertina_analysis::AnalysisSpec;
        ///
        /// let text = r#"{"analysis": "effective_dimension", "timesteps": "last"}"#;
        /// let spec: AnalysisSpec = serde_json::from_str(text)?;
        /// let canonical = r#"effective_dimension 3 {"samples":500,"timesteps":"last","extend_to":null}"#;
        /// assert_eq!(spec.canonical(), canonical);
        /// # Ok::<(), serde_json::Error>(())
        /// ```
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "analysis", rename_all = "snake_case")]
        pub enum AnalysisSpec {
            $(#[doc = concat!("`", stringify!($name), "`: [`", stringify!($kind), "`].")]
            $kind($kind),)*
        }

        /// Evaluates the same expression for every analysis.
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
            pub const NAMES: &'static [&'static str] = &[$(stringify!($name)),*];

            /// The analysis of this name with default parameters.
            ///
            /// # Errors
            /// [`Error::UnknownAnalysis`].
            pub fn named(name: &str) -> Result<Self> {
                $(if name == stringify!($name) {
                    return Ok(Self::$kind($kind::default()));
                })*
                Err(Error::UnknownAnalysis { name: name.to_owned() })
            }
        }
    };
}

crate::each_analysis!(analyses);

impl AnalysisSpec {
    /// The text that, together with the network, identifies a result: the name, the version and every
    /// parameter, with defaults filled in.
    ///
    /// The same analysis has the same text, however it was spelled. If the text changes, stored results are
    /// no longer used.
    pub fn canonical(&self) -> String {
        format!("{} {} {}", self.name(), self.version(), self.fields())
    }

    /// Reads an analysis from a table with its name under `analysis` and its settings as further entries.
    ///
    /// # Errors
    /// [`Error::UnknownAnalysis`]; [`Error::Setting`] for a setting that does not exist, or a value of the
    /// wrong type.
    pub fn from_table(table: toml::Table) -> Result<Self> {
        let name = table.get("analysis").and_then(toml::Value::as_str).unwrap_or_default().to_owned();
        if !AnalysisSpec::NAMES.contains(&&*name) {
            return Err(Error::UnknownAnalysis { name });
        }
        let settings = AnalysisSpec::named(&name)?.settings();
        let wrong = |reason: String, hint: String| Error::Setting { analysis: name.clone(), reason, hint };
        let mut table = table;
        for (alias, setting) in aliases(&name) {
            let Some(value) = table.remove(*alias) else { continue };
            if table.insert((*setting).to_owned(), value).is_some() {
                let reason = format!("`{alias}` and `{setting}` are two names of one setting");
                return Err(wrong(reason, "leave one of them out".to_owned()));
            }
        }
        let unknown =
            |key: &&String| *key != "analysis" && !settings.iter().any(|setting| setting.name == **key);
        if let Some(key) = table.keys().find(unknown) {
            return Err(wrong(format!("unknown setting `{key}`"), hint_of_unknown(key, &settings)));
        }
        let alone = |setting: &&Setting| {
            let one = table.get(&setting.name).map(|value| (setting.name.clone(), value.clone()));
            let analysis = ("analysis".to_owned(), toml::Value::from(name.as_str()));
            one.is_some_and(|one| {
                toml::Value::Table([analysis, one].into_iter().collect()).try_into::<AnalysisSpec>().is_err()
            })
        };
        if let Some(setting) = settings.iter().find(alone) {
            let Setting { name, values, meaning, .. } = setting;
            let found = table[name].to_string().replace('"', "");
            let default = setting.default_text();
            return Err(wrong(
                format!("`{name}`: expected {values}, found `{found}`"),
                format!("`{name}`: {meaning} The default is {default}"),
            ));
        }
        toml::Value::Table(table).try_into().map_err(|source: toml::de::Error| {
            wrong(source.message().to_owned(), hint_of_unknown("", &settings))
        })
    }

    /// The parameters as JSON, in the order of the fields.
    pub(crate) fn fields(&self) -> String {
        let parameters = each!(self, analysis => analysis.settings_json());
        parameters.expect("parameters are plain data with text keys")
    }

    /// The fields with their types and documentation, as a JSON schema.
    pub fn schema(&self) -> schemars::Schema {
        each!(self, analysis => schema_of(analysis))
    }
}

/// Names of settings in other programs, each with ours. Serde knows them, too.
fn aliases(analysis: &str) -> &'static [(&'static str, &'static str)] {
    match analysis {
        FixedPoints::NAME => &fixed_points::ALIASES,
        _ => &[],
    }
}

/// A hint for an unknown setting: the nearest name, or all settings.
fn hint_of_unknown(key: &str, settings: &[Setting]) -> String {
    if let Some(found) = concertina_names::nearest(key, settings.iter().map(|setting| setting.name.as_str()))
    {
        return format!("did you mean `{found}`?");
    }
    if let Ok(parameter) = concertina_model::params::parameter(key) {
        return format!("`{}` is a parameter of runs, not a setting of the analysis", parameter.path);
    }
    if settings.is_empty() {
        return "this analysis has no settings".to_owned();
    }
    let each = |setting: &Setting| format!("`{}` ({})", setting.name, setting.default_text());
    format!("its settings are {}", settings.iter().map(each).collect::<Vec<_>>().join(", "))
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
