//! What to cite for a study.

mod software;

use std::collections::BTreeSet;
use std::path::Path;

use concertina_analysis::{Analysis, AnalysisSpec};
use concertina_recipe::{OTHER_RECIPES, RECIPES, Recipe, SeedChoice};

use crate::error::{Error, Result, suggestion};
use crate::methods::Methods;
use crate::report::{FigurePlan, is_recipe_file};

/// Every reference, in BibTeX.
const REFERENCES: &str = include_str!("../../../references.bib");

/// The paper whose model this is.
const PAPER: &str = "farrell2022";

/// BibTeX for analyses, and for figures with their networks, tasks, training, analyses and tests; for all
/// analyses if nothing is named. A name that ends in `.toml` is the file of a recipe. The program itself
/// comes first, and the paper is always included.
///
/// # Errors
/// [`Error::UnknownSource`] for what is neither an analysis nor a figure; [`Error::Recipe`] for a file.
pub fn bibliography<'a>(used: impl IntoIterator<Item = &'a str>) -> Result<String> {
    let mut keys = BTreeSet::from([PAPER.to_owned()]);
    let mut any = false;
    for name in used {
        any = true;
        keys.extend(references_of(name)?);
    }
    if !any {
        for analysis in AnalysisSpec::NAMES {
            keys.extend(references_of(analysis)?);
        }
    }
    Ok(entries_of(&keys))
}

/// BibTeX for the program and for entries by their keys; keys that are unknown are passed over.
pub(crate) fn entries_of(keys: &BTreeSet<String>) -> String {
    let used = entries().filter(|(key, _)| keys.contains(*key)).map(|(_, entry)| entry.to_owned());
    std::iter::once(software::entry()).chain(used).map(|entry| format!("{entry}\n\n")).collect()
}

fn references_of(name: &str) -> Result<BTreeSet<String>> {
    let plain = name.trim().to_ascii_lowercase().replace('-', "_");
    let of = |analysis: &AnalysisSpec| analysis.references().iter().map(|key| (*key).to_owned());
    if let Ok(analysis) = AnalysisSpec::named(&plain) {
        return Ok(of(&analysis).collect());
    }
    let recipe = match is_recipe_file(name) {
        true => Recipe::from_path(Path::new(name))?,
        false => Recipe::shipped(&plain).map_err(|_| {
            let figures = RECIPES.iter().chain(OTHER_RECIPES).map(|(name, _)| *name);
            let names = AnalysisSpec::NAMES.iter().copied().chain(figures);
            Error::UnknownSource { name: name.to_owned(), hint: suggestion(&plain, names) }
        })?,
    };
    let mut keys: BTreeSet<String> =
        recipe.requirements().iter().flat_map(|requirement| of(&requirement.analysis)).collect();
    let plan = FigurePlan::with_claims(vec![recipe], &SeedChoice::Fast, [])?;
    keys.extend(Methods::of_figures(&plan, None).citations().iter().cloned());
    Ok(keys)
}

/// The entries of the file, by their keys, in its order.
fn entries() -> impl Iterator<Item = (&'static str, &'static str)> {
    REFERENCES.split("\n\n").filter_map(|entry| {
        let entry = entry.trim();
        let (_, rest) = entry.split_once('{')?;
        let (key, _) = rest.split_once(',')?;
        Some((key, entry))
    })
}

#[cfg(test)]
mod tests {
    use super::{bibliography, entries, references_of};
    use concertina_analysis::AnalysisSpec;

    #[test]
    fn every_reference_of_every_analysis_is_in_the_file() {
        for analysis in AnalysisSpec::NAMES {
            for key in references_of(analysis).expect("an analysis") {
                assert!(
                    entries().filter(|(known, _)| *known == key).count() == 1,
                    "`{key}` of `{analysis}` is not once in references.bib"
                );
            }
        }
    }

    #[test]
    fn what_was_used_is_cited_and_nothing_else() {
        let text = bibliography(["effective_dimension"]).expect("an analysis");
        assert!(text.starts_with("@software{concertina,"));
        assert!(text.contains("@article{farrell2022,") && text.contains("@article{gao2017,"));
        assert!(!text.contains("benettin1980"));
        assert!(bibliography(["fig2"]).expect("a figure").contains("benettin1980"));
        assert!(bibliography(["fog2"]).is_err());
    }

    #[test]
    fn a_figure_cites_its_networks_tasks_training_and_tests_too() {
        let text = bibliography(["low_rank"]).expect("a figure");
        assert!(text.contains("{mastrogiuseppe2018,"), "{text}");
        let text = bibliography(["fig2"]).expect("a figure");
        assert!(text.contains("{tieleman2012,"), "the optimizer: {text}");
    }

    #[test]
    fn every_key_is_used_for_one_entry() {
        let mut known = std::collections::BTreeSet::new();
        for (key, _) in entries() {
            assert!(known.insert(key), "two entries are named `{key}`");
        }
    }
}
