//! Reproduction: a report that judges every claim of the recipes and compares every published table with
//! ours.

use concertina_recipe::{Finding, Level, Origin, PointComparison, Verdict};
use schemars::JsonSchema;
use serde::Serialize;

/// Whether the paper was reproduced, claim by claim and table by table, with the evidence.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Report {
    /// The version of the report's layout, which is raised when the layout changes.
    pub layout: u32,
    /// Whether nothing failed and nothing is open: every run and analysis was completed, every claim and
    /// comparison holds, and there was something to judge.
    pub passed: bool,
    /// Runs and analyses that failed, and why.
    pub failures: Vec<String>,
    /// Up to how many realisations were added until claims were decided; null if none were.
    pub until_decided: Option<usize>,
    /// Verdicts and comparisons, counted.
    pub counts: Counts,
    /// Figure by figure.
    pub figures: Vec<FigureReport>,
    /// Where the time went.
    pub spent: TimeSpent,
    /// How and where the report was made.
    pub made: Made,
}

/// Verdicts and comparisons, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Counts {
    /// Claims for which there is evidence in every group.
    pub reproduced: usize,
    /// Claims with evidence for the opposite, in some group.
    pub contradicted: usize,
    /// Claims for which the realisations are too few to say.
    pub undecided: usize,
    /// Points of published tables that were compared.
    pub compared: usize,
    /// Those whose means differ by more than the joint sampling error, by Holm's method over all of them.
    pub disagree: usize,
    /// Points with too few realisations to be compared.
    pub not_compared: usize,
}

/// The report on a figure.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct FigureReport {
    /// Its name, as in `fig2`.
    pub figure: String,
    /// What it shows.
    pub title: String,
    /// Where it comes from.
    pub source: Option<String>,
    /// Its claims.
    pub claims: Vec<ClaimReport>,
    /// The published tables with which its own tables are compared.
    pub published: Vec<PublishedReport>,
    /// The runs from which it is made.
    pub runs: RunsReport,
    /// What could not be drawn, and why.
    pub problems: Vec<String>,
}

/// A claim and its verdict.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct ClaimReport {
    /// Its name, which is unique in the figure.
    pub name: String,
    /// What it says.
    pub statement: String,
    /// Where it comes from: the paper, the published code, or the recipe's own reading.
    pub source: Origin,
    /// The verdict over all groups.
    pub verdict: Verdict,
    /// The quantity and the test, in words.
    pub test: String,
    /// What the test could have found, in a sentence; null if the claim is tested otherwise.
    pub power: Option<String>,
    /// Group by group.
    pub findings: Vec<Finding>,
    /// The same quantity in the published code's table, group by group; empty if there is none.
    pub published: Vec<PublishedValue>,
}

/// The mean of a claim's quantity over the realisations of the published code.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct PublishedValue {
    /// Which group.
    pub group: Vec<Level>,
    /// The mean.
    pub mean: Option<f64>,
    /// The number of realisations.
    pub realisations: usize,
}

/// A published table, point by point.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct PublishedReport {
    /// The table, by the name of its file.
    pub file: String,
    /// The columns that were compared.
    pub quantities: Vec<String>,
    /// The folder it was read from; null for the program's own copy.
    pub folder: Option<String>,
    /// Points that were compared.
    pub compared: usize,
    /// Those that disagree.
    pub disagree: usize,
    /// Points with too few realisations.
    pub not_compared: usize,
    /// Every point.
    pub points: Vec<ComparedPoint>,
}

/// A point of a published table, compared with ours.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct ComparedPoint {
    /// The comparison without correction for multiple tests.
    #[serde(flatten)]
    pub comparison: PointComparison,
    /// Its p-value, corrected for all comparisons of the report.
    pub adjusted_p: Option<f64>,
    /// Whether the corrected p-value is below 0.05.
    pub disagrees: bool,
}

/// The runs of a figure.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct RunsReport {
    /// The number of runs.
    pub count: usize,
    /// Parameters that differ from the defaults in the same way in all of them, by path.
    pub common: Vec<Level>,
    /// The paths of those that vary.
    pub varied: Vec<String>,
    /// Each run: its key, what distinguishes it from the others, how it ended.
    pub runs: Vec<RunReport>,
}

/// A run.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct RunReport {
    /// Its key in the store.
    pub key: String,
    /// What distinguishes it from the others: `gain 250, seed 3`.
    pub label: String,
    /// `complete`, `diverged` or `failed`.
    pub outcome: String,
    /// Where it came from: `trained`, `loaded`, ...
    pub source: String,
}

/// Where the time went.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct TimeSpent {
    /// Runs.
    pub runs: usize,
    /// Runs that the store had.
    pub loaded: usize,
    /// Epochs that were trained.
    pub epochs: u64,
    /// Seconds spent training, summed over threads.
    pub training_seconds: f64,
    /// The time of each analysis.
    pub analyses: Vec<AnalysisTime>,
    /// Wall time in seconds from the first look at the store to the last answer.
    pub wall_seconds: f64,
}

/// The time spent on an analysis.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct AnalysisTime {
    /// Its name.
    pub analysis: String,
    /// The number of checkpoints at which it was computed.
    pub checkpoints: u64,
    /// Seconds, summed over threads.
    pub seconds: f64,
}

/// How and where a report was made.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Made {
    /// When, in UTC.
    pub when: String,
    /// The command that repeats it.
    pub command: String,
    /// The program's version.
    pub version: String,
    /// The commit from which it was built; null if it was not built in its repository.
    pub commit: Option<String>,
    /// Whether it was built from that commit without changes; null without a commit.
    pub clean_tree: Option<bool>,
    /// The processor's architecture.
    pub architecture: String,
    /// The features of the processor.
    pub cpu_features: Vec<String>,
    /// The operating system.
    pub operating_system: String,
    /// Threads that worked side by side.
    pub threads: usize,
}

impl Report {
    /// The layout of the report as a JSON schema.
    pub fn schema() -> serde_json::Value {
        schemars::schema_for!(Report).to_value()
    }

    /// Whether something is known to be wrong: a run or an analysis failed, a claim is contradicted, or a
    /// point of a published table disagrees. What is undecided does not count.
    pub fn is_contradicted(&self) -> bool {
        !self.failures.is_empty() || self.counts.contradicted + self.counts.disagree > 0
    }

    /// The report as JSON, with a line break at its end.
    pub fn to_json(&self) -> String {
        format!("{:#}\n", serde_json::json!(self))
    }
}
