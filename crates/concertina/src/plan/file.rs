//! The file of a plan: JSON, with one line per run.
//!
//! Parameters that have their defaults are left out. Each run has its key and each analysis its version, so
//! that a program which means something else by the same parameters refuses the file.

use std::path::Path;
use std::sync::Arc;

use concertina_analysis::{Analysis, AnalysisSpec};
use concertina_model::params::{Params, TrialsName, ValidParams};
use concertina_model::task::TrialArrays;
use concertina_store::RunKey;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{PlannedRun, WorkPlan};
use crate::error::{Error, Result};
use crate::hint::Hint;
use crate::selection::CheckpointSelection;
use crate::settings::Keep;

/// The version of the format that this program writes, and the only one that it reads.
const VERSION: u64 = 1;

/// The largest file that is read. Arbitrary: a hundred thousand runs take 30 MB.
const MOST_BYTES: u64 = 1 << 30;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct QuestionLine {
    analysis: Value,
    version: u32,
    checkpoints: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RunLine {
    key: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    train: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    analyses: Vec<usize>,
    keep: String,
    params: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanFile {
    #[serde(rename = "concertina_plan")]
    _version: u64,
    program: String,
    analyses: Vec<QuestionLine>,
    runs: Vec<RunLine>,
}

/// The version of a plan, whatever else its file contains.
#[derive(Deserialize)]
struct Head {
    concertina_plan: u64,
}

fn keep_name(keep: Keep) -> &'static str {
    match keep {
        Keep::All => "all",
        Keep::Needed => "needed",
        Keep::Ends => "ends",
    }
}

fn keep_of(name: &str) -> Option<Keep> {
    [Keep::All, Keep::Needed, Keep::Ends].into_iter().find(|keep| keep_name(*keep) == name)
}

/// A selection as it is written on the command line, which is how it is read back.
fn selection_text(at: &CheckpointSelection) -> String {
    match at {
        CheckpointSelection::Ends => "ends".to_owned(),
        CheckpointSelection::First => "first".to_owned(),
        CheckpointSelection::Last => "last".to_owned(),
        CheckpointSelection::All => "all".to_owned(),
        CheckpointSelection::LastOf(count) => format!("last:{count}"),
        CheckpointSelection::Every(epochs) => format!("every:{epochs}"),
        CheckpointSelection::Epochs(epochs) => {
            epochs.iter().map(u64::to_string).collect::<Vec<_>>().join(",")
        }
    }
}

/// The parameters that differ from their defaults, in sections.
fn params_map(
    params: &ValidParams,
    defaults: &Map<String, Value>,
) -> Result<Map<String, Value>, serde_json::Error> {
    let Value::Object(all) = serde_json::to_value(params)? else { return Ok(Map::new()) };
    let mut kept = Map::new();
    for (name, value) in all {
        let usual = defaults.get(&name);
        match (value, usual) {
            (Value::Object(mut section), Some(Value::Object(usual))) => {
                section.retain(|field, value| usual.get(field) != Some(value));
                if !section.is_empty() {
                    kept.insert(name, Value::Object(section));
                }
            }
            (value, usual) if usual != Some(&value) => drop(kept.insert(name, value)),
            _ => {}
        }
    }
    Ok(kept)
}

impl WorkPlan {
    /// The text of the file.
    pub(crate) fn to_text(&self) -> Result<String, serde_json::Error> {
        let defaults = match serde_json::to_value(Params::default())? {
            Value::Object(defaults) => defaults,
            _ => Map::new(),
        };
        let mut questions = Vec::with_capacity(self.questions.len());
        for (analysis, at) in &self.questions {
            let line = QuestionLine {
                analysis: serde_json::to_value(analysis)?,
                version: analysis.version(),
                checkpoints: selection_text(at),
            };
            questions.push(serde_json::to_string(&line)?);
        }
        let mut runs = Vec::with_capacity(self.runs.len());
        for run in &self.runs {
            let line = RunLine {
                key: RunKey::of(&run.params.canonical()).to_string(),
                train: run.train,
                analyses: run.questions.clone(),
                keep: keep_name(run.keep).to_owned(),
                params: params_map(&run.params, &defaults)?,
            };
            runs.push(serde_json::to_string(&line)?);
        }
        Ok(format!(
            "{{\"concertina_plan\":{VERSION},\"program\":\"{}\",\n\"analyses\":[{}],\n\"runs\":[\n{}\n]}}\n",
            env!("CARGO_PKG_VERSION"),
            questions.join(",\n"),
            runs.join(",\n")
        ))
    }

    /// Reads a file. `find` returns trials that the store keeps.
    pub(crate) fn read(path: &Path, find: &dyn Fn(TrialsName) -> Option<Arc<TrialArrays>>) -> Result<Self> {
        let failed = |source: std::io::Error| Error::Plan {
            reason: format!("cannot read the plan: {source}"),
            hint: Some(Hint::WritePlan),
            path: path.to_owned(),
        };
        let bytes = std::fs::metadata(path).map_err(failed)?.len();
        if bytes > MOST_BYTES {
            let reason = format!("expected a plan of at most {MOST_BYTES} bytes, found {bytes}");
            return Err(Error::Plan { reason, hint: None, path: path.to_owned() });
        }
        let text = std::fs::read_to_string(path).map_err(failed)?;
        Self::from_text(&text, find).map_err(|(reason, hint)| Error::Plan {
            reason,
            hint,
            path: path.to_owned(),
        })
    }

    fn from_text(
        text: &str,
        find: &dyn Fn(TrialsName) -> Option<Arc<TrialArrays>>,
    ) -> Result<Self, (String, Option<Hint>)> {
        let again = || Some(Hint::text("write the plan again with this version of the program"));
        let broken = |error: serde_json::Error| {
            (format!("expected a plan, found something else: {error}"), Some(Hint::WritePlan))
        };
        let Head { concertina_plan } = serde_json::from_str(text).map_err(broken)?;
        if concertina_plan != VERSION {
            return Err((
                format!("expected a plan of version {VERSION}, found version {concertina_plan}"),
                again(),
            ));
        }
        let PlanFile { program, analyses, runs, .. } = serde_json::from_str(text).map_err(broken)?;
        let mut plan = Self::default();
        for (number, line) in analyses.into_iter().enumerate() {
            let wrong = |error: String| {
                (format!("analysis {number} of a plan of version {program}: {error}"), again())
            };
            let analysis: AnalysisSpec =
                serde_json::from_value(line.analysis).map_err(|error| wrong(error.to_string()))?;
            if analysis.version() != line.version {
                let (name, ours, theirs) = (analysis.name(), analysis.version(), line.version);
                return Err(wrong(format!("expected version {ours} of `{name}`, found version {theirs}")));
            }
            let at = line
                .checkpoints
                .parse()
                .map_err(|error: concertina_model::Error| wrong(error.to_string()))?;
            plan.questions.push((analysis, at));
        }
        for (number, line) in runs.into_iter().enumerate() {
            let wrong =
                |error: String| (format!("run {number} of a plan of version {program}: {error}"), again());
            let params = params_of(line.params, find).map_err(|error| wrong(error.to_string()))?;
            let key = RunKey::of(&params.canonical()).to_string();
            if key != line.key {
                return Err(wrong(format!("expected run {key}, found {}", line.key)));
            }
            if let Some(question) = line.analyses.iter().find(|question| **question >= plan.questions.len()) {
                return Err(wrong(format!("there is no analysis {question}")));
            }
            let Some(keep) = keep_of(&line.keep) else {
                return Err(wrong(format!(
                    "expected `all`, `needed` or `ends` for `keep`, found `{}`",
                    line.keep
                )));
            };
            plan.runs.push(PlannedRun { params, questions: line.analyses, train: line.train, keep });
        }
        Ok(plan)
    }
}

fn params_of(
    map: Map<String, Value>,
    find: &dyn Fn(TrialsName) -> Option<Arc<TrialArrays>>,
) -> Result<ValidParams, concertina_model::Error> {
    let mut params = Params::from_json(&Value::Object(map).to_string())?;
    params.task.take_trials(find);
    params.check()
}

#[cfg(test)]
mod tests {
    use concertina_model::params::Sweep;

    use super::*;

    fn plan() -> WorkPlan {
        let mut base = Params::default();
        (base.train.epochs, base.train.stop_after) = (7, Some(3));
        base.set("saves_per_epoch", "0.5").expect("a rate");
        let sweep = Sweep::of(base).gain([1.0 / 3.0, 250.0]).seeds(0..3).check().expect("valid");
        let analysis = crate::analysis("effective_dimension", ["samples=70"]).expect("known");
        let at = "last:2".parse().expect("a selection");
        let analysed = WorkPlan::of_analysis(&sweep, &analysis, &at, Some(Keep::Ends)).expect("it applies");
        WorkPlan::join([WorkPlan::of_training(&sweep, None), analysed])
    }

    #[test]
    fn what_is_written_is_read() {
        let plan = plan();
        let text = plan.to_text().expect("plain data");
        assert_eq!(WorkPlan::from_text(&text, &|_| None).expect("a plan"), plan);
        assert_eq!(plan.len(), 12, "they keep other checkpoints");
        assert_eq!(text.lines().count(), 2 + 1 + 12 + 1, "one line per run");
    }

    #[test]
    fn every_shipped_figure_and_every_selection_can_be_planned() {
        let recipes = crate::all_recipes().expect("shipped");
        let figures = FigurePlanOf(recipes).plan();
        let text = figures.to_text().expect("plain data");
        assert_eq!(WorkPlan::from_text(&text, &|_| None).expect("a plan"), figures);
        for text in ["ends", "first", "last", "all", "last:3", "every:5", "0,5,12"] {
            let at: CheckpointSelection = text.parse().expect("a selection");
            assert_eq!(selection_text(&at), text);
        }
    }

    struct FigurePlanOf(Vec<concertina_recipe::Recipe>);

    impl FigurePlanOf {
        fn plan(self) -> WorkPlan {
            let seeds = concertina_recipe::SeedChoice::These(vec![0]);
            let plan = crate::FigurePlan::with_claims(self.0, &seeds, []).expect("a plan");
            WorkPlan::of_figures(&plan, None).expect("they apply")
        }
    }

    #[test]
    fn a_plan_that_means_something_else_here_is_refused() {
        let text = plan().to_text().expect("plain data");
        let reason = |from: &str, to: &str| {
            assert!(text.contains(from), "{from}");
            let changed = text.replacen(from, to, 1);
            WorkPlan::from_text(&changed, &|_| None).expect_err("another plan").0
        };
        assert_eq!(
            reason("\"concertina_plan\":1", "\"concertina_plan\":2"),
            "expected a plan of version 1, found version 2"
        );
        assert!(
            reason("\"version\":", "\"version\":9").contains("of `effective_dimension`, found version 9")
        );
        assert!(reason("250", "251").contains("expected run "), "another key");
        assert!(reason("\"analyses\":[0]", "\"analyses\":[7]").contains("there is no analysis 7"));
        assert!(reason("\"keep\":\"ends\"", "\"keep\":\"some\"").contains("found `some`"));
        assert!(reason("\"runs\":[", "\"runs\":[,").contains("expected a plan, found something else"));
        assert!(reason("\"epochs\":7", "\"epocs\":7").contains("epocs"));
        let half = &text[..text.len() / 2];
        assert!(WorkPlan::from_text(half, &|_| None).is_err());
    }
}
