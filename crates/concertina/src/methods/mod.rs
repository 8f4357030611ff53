//! What the methods section of a paper must say about runs and figures.

mod analyses;
mod network;
mod software;
mod task;
mod text;
mod training;

use std::collections::BTreeSet;

use concertina_model::params::{PARAMETERS, ValidParams, parameter, varied};
use serde_json::{Value, json};

use crate::cite::entries_of;
use crate::report::FigurePlan;
use crate::study::Study;
use text::{Block, citations, distinct, latex, latex_prose, list, markdown, ranges};

/// The methods of runs or figures: prose with equations, a table, and references.
#[derive(Debug, Clone)]
pub struct Methods {
    sections: Vec<(&'static str, Vec<Block>)>,
    table: Vec<(String, String)>,
    /// Of `references.bib`.
    citations: BTreeSet<String>,
}

impl Methods {
    /// The methods of runs. Where the store of a study has a run, the program and machine that trained it
    /// are named, and otherwise this program and this machine.
    pub fn of_runs(runs: &[ValidParams], study: Option<&Study>) -> Self {
        let runs: Vec<&ValidParams> = runs.iter().collect();
        Self::new(&runs, Vec::new(), Vec::new(), study)
    }

    /// The methods of figures: of their runs, their analyses and the tests of their claims.
    pub fn of_figures(plan: &FigurePlan, study: Option<&Study>) -> Self {
        let runs: Vec<&ValidParams> = plan.runs().iter().collect();
        let sections = vec![("Analyses", analyses::describe(plan)), ("Statistics", analyses::tests(plan))];
        Self::new(&runs, sections, analyses::rows(plan), study)
    }

    fn new(
        runs: &[&ValidParams],
        more: Vec<(&'static str, Vec<Block>)>,
        more_rows: Vec<(String, String)>,
        study: Option<&Study>,
    ) -> Self {
        let mut sections = vec![
            ("Task", task::describe(runs)),
            ("Networks", network::describe(runs)),
            ("Training", training::describe(runs)),
        ];
        sections.extend(more);
        sections.push(("Software", software::describe(runs, study)));
        sections.retain(|(_, blocks)| !blocks.is_empty());
        let mut table = parameters(runs);
        table.extend(more_rows);
        table.extend(software::rows(runs, study));
        let citations = sections.iter().flat_map(|(_, blocks)| citations(blocks)).collect();
        Self { sections, table, citations }
    }

    /// The keys of what is cited.
    pub(crate) fn citations(&self) -> &BTreeSet<String> {
        &self.citations
    }

    /// What is cited, in BibTeX.
    fn references(&self) -> String {
        entries_of(&self.citations)
    }

    /// In Markdown, with formulas between dollar signs and in `math` fences, citations as `[@key]`, a
    /// table, and the references in BibTeX.
    pub fn to_markdown(&self) -> String {
        let mut out = "# Methods\n\n".to_owned();
        for (title, blocks) in &self.sections {
            out.push_str(&format!("## {title}\n\n{}", markdown(blocks)));
        }
        out.push_str("## Parameters\n\n| | |\n|---|---|\n");
        for (name, value) in &self.table {
            out.push_str(&format!("| {name} | {} |\n", value.replace('|', "\\|")));
        }
        out.push_str(&format!("\n## References\n\n```bibtex\n{}\n```\n", self.references().trim_end()));
        out
    }

    /// In LaTeX, to be included in a document with the package `amsmath`. The references are in BibTeX, as
    /// comments at the end.
    pub fn to_latex(&self) -> String {
        let mut out = "\\section*{Methods}\n\n".to_owned();
        for (title, blocks) in &self.sections {
            out.push_str(&format!("\\subsection*{{{title}}}\n\n{}", latex(blocks)));
        }
        out.push_str("\\subsection*{Parameters}\n\n\\begin{tabular}{lp{0.6\\textwidth}}\n");
        for (name, value) in &self.table {
            out.push_str(&format!("{} & {} \\\\\n", latex_prose(name), latex_prose(value)));
        }
        out.push_str("\\end{tabular}\n\n");
        self.references().trim_end().lines().for_each(|line| out.push_str(&format!("% {line}\n")));
        out
    }

    /// As JSON: `sections` with `title` and `text` (Markdown), `table` with `name` and `value`, and
    /// `references` (BibTeX). It ends with a line break.
    pub fn to_json(&self) -> String {
        let section = |(title, blocks): &(&str, Vec<Block>)| json!({ "title": title, "text": markdown(blocks).trim_end() });
        let row = |(name, value): &(String, String)| json!({ "name": name, "value": value });
        let value: Value = json!({
            "sections": self.sections.iter().map(section).collect::<Vec<_>>(),
            "table": self.table.iter().map(row).collect::<Vec<_>>(),
            "references": self.references(),
        });
        format!("{value:#}\n")
    }
}

/// The parameters that differ from the defaults or vary, and those that every methods section names.
fn parameters(runs: &[&ValidParams]) -> Vec<(String, String)> {
    const ALWAYS: [&str; 13] = [
        "seed",
        "task.kind",
        "network.kind",
        "network.units",
        "network.nonlinearity",
        "network.gain",
        "train.epochs",
        "train.batch",
        "train.loss",
        "train.optimizer",
        "train.learning_rate",
        "train.scheduler",
        "train.gradients",
    ];
    let usual = concertina_model::params::Params::default().check().ok();
    let shown = |path: &str| {
        ALWAYS.contains(&path)
            || parameter(path).is_ok_and(|known| {
                runs.iter()
                    .any(|run| usual.as_ref().is_none_or(|usual| known.value(run) != known.value(usual)))
            })
    };
    let mut rows = vec![("runs".to_owned(), runs.len().to_string())];
    for known in PARAMETERS.iter().filter(|known| shown(known.path)) {
        rows.push((format!("`{}`", known.path), values_of(known.path, runs)));
    }
    rows
}

/// The values that runs have of a parameter.
fn values_of(path: &str, runs: &[&ValidParams]) -> String {
    if path == "seed" {
        return ranges(distinct(runs, |params| params.seed));
    }
    match parameter(path) {
        Ok(known) => list(&distinct(runs, |params| known.value(params).to_string()), "or"),
        Err(_) => String::new(),
    }
}

/// The parameters that vary among all runs, with their values in some of them: `network.gain` 20 or 250.
fn what_varies(all: &[ValidParams], some: &[&ValidParams]) -> String {
    let paths = varied(all.iter());
    let said: Vec<String> = paths.iter().map(|path| format!("`{path}` {}", values_of(path, some))).collect();
    said.join(", ")
}
