//! `concertina figures`

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
    let drawn = drawn?;
    let files: String = drawn.files.iter().map(|path| format!("{}\n", path.display())).collect();
    print(files.as_bytes())?;
    for problem in &drawn.problems {
        say(&format!("warning: {problem}"));
    }
    conclude(&drawn.runs, everywhere.quiet)?;
    match drawn.failures.is_empty() {
        true => Ok(()),
        false => {
            let of = drawn.failures.len();
            Err(Failure::Runs { failures: drawn.failures, of })
        }
    }
}
