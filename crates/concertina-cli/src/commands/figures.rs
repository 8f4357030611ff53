//! `concertina figures`

use std::path::PathBuf;

use concertina::drawing::SeedChoice;
use concertina::{FigurePlan, all_recipes, key_of, recipes, seeds};

use super::conclude;
use crate::arguments::{Everywhere, Figures};
use crate::output::{Failure, print, say};

pub(crate) fn run(everywhere: &Everywhere, figures: &Figures) -> Result<(), Failure> {
    let recipes = match figures.all {
        true => all_recipes()?,
        false => recipes(figures.figures.iter().map(String::as_str))?,
    };
    let seeds = match (&figures.seeds, figures.full) {
        (Some(text), _) => seeds(text)?,
        (None, true) => SeedChoice::Full,
        (None, false) => SeedChoice::Fast,
    };
    let plan = FigurePlan::new(recipes, &seeds, figures.set.iter().map(String::as_str))?;
    if figures.training.print {
        let mut text = String::new();
        for (number, params) in plan.runs().iter().enumerate() {
            let gap = if number > 0 { "\n" } else { "" };
            text.push_str(&format!("{gap}# run {}\n{}", key_of(params), params.to_toml()));
        }
        return print(text.as_bytes());
    }
    let (study, progress) = everywhere.study(&figures.training, &["network.gain"])?;
    let drawn = study.figures(&plan, &figures.out);
    progress.finish();
    let (computed, drawn) = drawn?;
    // The composed figures; what is inside their folders, panel by panel, only if asked.
    let inside = |path: &&PathBuf| everywhere.verbose || path.parent() == Some(figures.out.as_path());
    let all: Vec<&PathBuf> = drawn.figures.iter().flat_map(|figure| &figure.files).collect();
    let shown: String =
        all.iter().copied().filter(inside).map(|path| format!("{}\n", path.display())).collect();
    print(shown.as_bytes())?;
    if !everywhere.quiet && !everywhere.verbose {
        say(&format!(
            "{} files in {}, panel by panel, with their data as CSV",
            all.len(),
            figures.out.display()
        ));
    }
    for problem in &drawn.problems {
        say(&format!("warning: {problem}"));
    }
    conclude(&computed.runs, everywhere.quiet)?;
    match computed.failures.is_empty() {
        true => Ok(()),
        false => {
            let of = computed.failures.len();
            Err(Failure::Runs { failures: computed.failures, of })
        }
    }
}
