//! The analyses of figures, and the tests of their claims.

use concertina_analysis::{Analysis, AnalysisSpec, Settings};
use concertina_model::params::ValidParams;
use concertina_plot::ErrorBar;
use concertina_recipe::{Recipe, Test};
use serde_json::Value;

use super::text::{Block, counted, list, prose};
use super::what_varies;
use crate::report::FigurePlan;
use crate::selection::CheckpointSelection;

/// What was computed, from which runs, at which checkpoints.
pub(super) fn describe(plan: &FigurePlan) -> Vec<Block> {
    let mut blocks = vec![prose(
        "Analyses were computed in double precision from the states, in single precision, of networks without noise and dropout. Samples for analyses were drawn separately from those for training and validation. Timestep 0 is the first state, and timestep -1 the input.",
    )];
    let mut analyses: Vec<&AnalysisSpec> = Vec::new();
    for (analysis, _) in &plan.questions {
        if !analyses.contains(&analysis) {
            analyses.push(analysis);
        }
    }
    for analysis in analyses {
        blocks.push(prose(one(analysis)));
    }
    for (recipe, needed) in plan.recipes.iter().zip(&plan.needed) {
        for (requirement, needed) in recipe.requirements().iter().zip(needed) {
            let mut places: Vec<usize> = needed.parts.iter().map(|part| part.run).collect();
            places.sort_unstable();
            places.dedup();
            let runs: Vec<&ValidParams> = places.iter().map(|&place| &plan.runs[place]).collect();
            let panels = match requirement.panels.as_slice() {
                [] => format!("For the tests of {}", recipe.figure),
                [one] => format!("For panel {one} of {}", recipe.figure),
                several => format!("For panels {} of {}", list(several, "and"), recipe.figure),
            };
            let varied = what_varies(&plan.runs, &runs);
            let varied = if varied.is_empty() { String::new() } else { format!(" ({varied})") };
            blocks.push(prose(format!(
                "{panels}, `{}` was computed from {}{varied}, {}.",
                requirement.analysis.name(),
                counted(runs.len(), "run", "runs"),
                checkpoints(&requirement.checkpoints)
            )));
        }
    }
    blocks
}

/// An analysis with its settings and sources.
fn one(analysis: &AnalysisSpec) -> String {
    let mut settings: Vec<String> = Vec::new();
    if let Ok(Value::Object(map)) = analysis.settings_value() {
        let given = map.iter().filter(|(name, value)| *name != "analysis" && !value.is_null());
        settings.extend(given.map(|(name, value)| {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            format!("`{name}` = {value}")
        }));
        settings.sort();
    }
    let settings =
        if settings.is_empty() { String::new() } else { format!(" Settings: {}.", settings.join(", ")) };
    let sources: Vec<String> = analysis.references().iter().map(|key| (*key).to_owned()).collect();
    let sources = if sources.is_empty() { String::new() } else { format!(" [@{}]", sources.join("; @")) };
    let summary = analysis.summary();
    let summary = summary.trim().trim_end_matches('.');
    format!("`{}` (version {}): {summary}{sources}.{settings}", analysis.name(), analysis.version())
}

fn checkpoints(which: &CheckpointSelection) -> String {
    match which {
        CheckpointSelection::Ends => "before and after training".to_owned(),
        CheckpointSelection::First => "before training".to_owned(),
        CheckpointSelection::Last => "after training".to_owned(),
        CheckpointSelection::All => "at all checkpoints of training".to_owned(),
        CheckpointSelection::LastOf(count) => format!("at the last {count} checkpoints"),
        CheckpointSelection::Every(epochs) => format!("every {epochs} epochs, and before and after training"),
        CheckpointSelection::Epochs(epochs) => {
            let epochs: Vec<String> = epochs.iter().map(u64::to_string).collect();
            format!("after {} epochs of training", list(&epochs, "and"))
        }
    }
}

/// How error bars and claims were computed.
pub(super) fn tests(plan: &FigurePlan) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut bands: Vec<String> = Vec::new();
    for band in plan.recipes.iter().flat_map(|recipe| &recipe.panels).filter_map(|panel| panel.draw.band) {
        let words = band_in_words(band);
        if !bands.contains(&words) {
            bands.push(words);
        }
    }
    if !bands.is_empty() {
        blocks.push(prose(format!(
            "Lines and bands in figures show {} over realisations.",
            list(&bands, "or")
        )));
    }
    let claims = || plan.recipes.iter().flat_map(|recipe: &Recipe| &recipe.claims);
    if claims().next().is_none() {
        return blocks;
    }
    blocks.push(prose("Realisations, which differ in their seeds, are the units of all statistics: several samples or timesteps of a realisation were first reduced to one number. No realisation was left out, except those whose training diverged or whose value is undefined."));
    if claims().any(|claim| claim.test == Test::Wilcoxon) {
        let how = match plan.most {
            None => "each with all realisations at once".to_owned(),
            Some(most) => format!(
                "by a group-sequential version of it [@reynolds1975; @lan1983; @fairbanks1982]: to the realisations above, others with the next seeds were added for undecided claims, half as many again at each look, up to {most}. Of the level, 62.5% was spent at the first look, and the rest in equal parts at the others; p-values are those of stagewise ordering"
            ),
        };
        blocks.push(prose(format!("Claims were tested by Wilcoxon's exact one-sided signed-rank test [@wilcoxon1945] over realisations, {how}. Values of a realisation were compared within it, ratios as logarithms. A claim was called reproduced if p < 0.05 in every group, and contradicted if the opposite had p < 0.05 divided by the number of groups in one of them. Otherwise it was called undecided. Intervals of means are 95% intervals by Student's t. P-values of different claims were not corrected for each other.")));
    }
    if plan.recipes.iter().any(|recipe| recipe.shown_claims().next().is_some()) {
        blocks.push(prose("In figures, brackets show the p-values of these tests: *** p < 0.001, ** p < 0.01, * p < 0.05, n.s. otherwise."));
    }
    if claims().any(|claim| matches!(claim.test, Test::Every(_))) {
        blocks.push(prose("Claims about figures with few realisations were called reproduced if they held in every realisation, and contradicted if they failed in one."));
    }
    if plan.recipes.iter().any(|recipe| !recipe.published.is_empty()) {
        blocks.push(prose("Means over realisations were compared with those of the published code, point by point, by Welch's test [@welch1947] with Holm's correction [@holm1979] over all points."));
    }
    blocks
}

fn band_in_words(band: ErrorBar) -> String {
    match band {
        ErrorBar::Gamma => {
            "the median and the central 75% of a gamma distribution fitted to the values (mirrored at 1 for accuracies)"
                .to_owned()
        }
        ErrorBar::GammaReflected => {
            "the median and the central 75% of a gamma distribution fitted to the values mirrored at 1".to_owned()
        }
        ErrorBar::MeanCi { level } => format!("the mean and its {}% bootstrap interval", 100.0 * level),
        ErrorBar::MeanSd => "the mean and one standard deviation to either side".to_owned(),
        ErrorBar::MedianIqr => "the median and the quartiles".to_owned(),
        ErrorBar::Lines => "each value and the mean".to_owned(),
        ErrorBar::Paired => "each value, joined within realisations, and the mean".to_owned(),
        ErrorBar::Box => "the median, the quartiles, the smallest and the largest value".to_owned(),
        // Error bars that are added later.
        other => format!("{other:?}"),
    }
}

/// The claims, for the table.
pub(super) fn rows(plan: &FigurePlan) -> Vec<(String, String)> {
    let of = |recipe: &Recipe| -> Vec<(String, String)> {
        let name = |name: &str| format!("claim `{}/{name}`", recipe.figure);
        recipe
            .claims
            .iter()
            .map(|claim| (name(claim.name.as_ref()), claim.statement.as_ref().clone()))
            .collect()
    };
    plan.recipes.iter().flat_map(of).collect()
}
