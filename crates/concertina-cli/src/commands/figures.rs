//! `concertina figures` and `concertina plot`

use std::path::PathBuf;
use std::sync::Arc;

use concertina::recipe::{Recipe, SeedChoice};
use concertina::{
    Computed, FigurePlan, Outlook, Share, Study, WorkPlan, all_recipes, key_of, recipes, seeds,
};

use super::conclude;
use crate::arguments::{Drawing, Everywhere, Figures, Plot};
use crate::output::{Failure, print, say};
use crate::progress::{Progress, approximately};

pub(crate) fn run(everywhere: &Everywhere, figures: &Figures) -> Result<(), Failure> {
    draw(everywhere, &figures.drawing, asked_recipes(figures)?)
}

fn asked_recipes(figures: &Figures) -> Result<Vec<Recipe>, Failure> {
    Ok(match figures.all {
        true => all_recipes()?,
        false => recipes(figures.figures.iter().map(String::as_str))?,
    })
}

/// What `figures` would train and compute.
pub(super) fn planned(figures: &Figures) -> Result<WorkPlan, Failure> {
    work_plan(&figures.drawing, asked_recipes(figures)?)
}

/// What `plot` would train and compute.
pub(super) fn planned_plot(plot: &Plot) -> Result<WorkPlan, Failure> {
    work_plan(&plot.drawing, read(&plot.recipes)?)
}

fn work_plan(drawing: &Drawing, recipes: Vec<Recipe>) -> Result<WorkPlan, Failure> {
    let set = drawing.set.iter().map(String::as_str);
    let plan = FigurePlan::new(recipes, &asked_seeds(drawing)?, set)?;
    Ok(WorkPlan::of_figures(&plan, drawing.training.keep())?)
}

pub(crate) fn plot(everywhere: &Everywhere, plot: &Plot) -> Result<(), Failure> {
    draw(everywhere, &plot.drawing, read(&plot.recipes)?)
}

/// The user's own recipes.
pub(super) fn read(paths: &[PathBuf]) -> Result<Vec<Recipe>, Failure> {
    let recipes = paths.iter().map(|path| Recipe::from_path(path)).collect::<Result<Vec<_>, _>>();
    Ok(recipes.map_err(concertina::Error::from)?)
}

/// The requested realisations.
pub(super) fn asked_seeds(drawing: &Drawing) -> Result<SeedChoice, Failure> {
    Ok(match (&drawing.seeds, drawing.full) {
        (Some(text), _) => seeds(text)?,
        (None, true) => SeedChoice::Full,
        (None, false) => SeedChoice::Fast,
    })
}

/// Opens a study that will compute a plan, after printing what that will take. `None` if nothing more was
/// wanted.
pub(super) fn begin(
    everywhere: &Everywhere,
    drawing: &Drawing,
    plan: &FigurePlan,
) -> Result<Option<(Study, Arc<Progress>)>, Failure> {
    if drawing.training.print {
        let mut text = String::new();
        for (number, params) in plan.runs().iter().enumerate() {
            let gap = if number > 0 { "\n" } else { "" };
            text.push_str(&format!("{gap}# run {}\n{}", key_of(params), params.to_toml()));
        }
        // With `--print` nothing is created: without a store, every run is still to be trained.
        let scratch;
        let study = match everywhere.builder().read_only() {
            Ok(study) => study,
            Err(error) if everywhere.store.exists() => return Err(error.into()),
            Err(_) => {
                scratch = tempfile::tempdir().map_err(Failure::Output)?;
                everywhere.builder_in(scratch.path()).open()?
            }
        };
        if !everywhere.quiet {
            tell(&study.outlook(plan)?, true);
        }
        print(text.as_bytes())?;
        return Ok(None);
    }
    if let Some(path) = &drawing.training.plan {
        super::plan::write(everywhere, &WorkPlan::of_figures(plan, drawing.training.keep())?, path)?;
        return Ok(None);
    }
    let (study, progress) = everywhere.study(&drawing.training, &plan.varied(), plan.runs())?;
    if !everywhere.quiet {
        tell(&study.outlook(plan)?, everywhere.verbose);
    }
    progress.begin();
    Ok(Some((study, progress)))
}

fn draw(everywhere: &Everywhere, drawing: &Drawing, recipes: Vec<Recipe>) -> Result<(), Failure> {
    let set = drawing.set.iter().map(String::as_str);
    let plan = FigurePlan::new(recipes, &asked_seeds(drawing)?, set)?.with_theme(drawing.size.theme());
    let Some((study, progress)) = begin(everywhere, drawing, &plan)? else { return Ok(()) };
    let drawn = study.figures(&plan, &drawing.out);
    progress.finish();
    let (computed, drawn) = drawn?;
    // The composed figures; the single panels in their folders only if `--verbose` is given.
    let inside = |path: &&PathBuf| everywhere.verbose || path.parent() == Some(drawing.out.as_path());
    let all: Vec<&PathBuf> = drawn.figures.iter().flat_map(|figure| &figure.files).collect();
    let shown: String =
        all.iter().copied().filter(inside).map(|path| format!("{}\n", path.display())).collect();
    print(shown.as_bytes())?;
    if !everywhere.quiet && !everywhere.verbose {
        say(&format!(
            "{} files in {}, panel by panel, with their data as CSV",
            all.len(),
            drawing.out.display()
        ));
    }
    for problem in &drawn.problems {
        say(&format!("warning: {problem}"));
    }
    conclude_all(computed, everywhere.quiet)
}

/// Prints the final messages about runs and their results, and returns whether any of it failed.
pub(super) fn conclude_all(computed: Computed, quiet: bool) -> Result<(), Failure> {
    let of = computed.runs.len();
    let mut failures = match conclude(&computed.runs, quiet) {
        Ok(()) => Vec::new(),
        Err(Failure::Runs { failures, .. }) => failures,
        Err(other) => return Err(other),
    };
    failures.extend(computed.failures);
    match failures.is_empty() {
        true => Ok(()),
        false => Err(Failure::Runs { failures, of }),
    }
}

/// Prints what will be done, figure by figure if asked.
fn tell(outlook: &Outlook, by_figure: bool) {
    let Outlook { total, figures, jobs, .. } = outlook;
    if by_figure {
        let width = figures.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, share) in figures {
            say(&format!("{name:width$}  {}", describe(share)));
        }
    }
    let cores = if *jobs == 1 { "one core".to_owned() } else { format!("{jobs} cores") };
    match total.trained == 0 && total.analyses == 0 {
        true => say(&format!("{} runs, all loaded", total.runs)),
        false => say(&format!("{} on {cores}, measured on this machine", describe(total))),
    }
}

fn describe(share: &Share) -> String {
    let Share { runs, loaded, trained, epochs, analyses, seconds, .. } = *share;
    let plural = if runs == 1 { "" } else { "s" };
    format!(
        "{runs} run{plural}: {loaded} loaded, {trained} to train ({epochs} epochs), {analyses} analyses to compute; about {}",
        approximately(seconds)
    )
}
