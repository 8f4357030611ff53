//! `concertina methods`

use std::path::{Path, PathBuf};

use concertina::model::params::ValidParams;
use concertina::recipe::{RECIPES, SeedChoice};
use concertina::{Error, FigurePlan, Methods, recipes, seeds, sweep};

use super::figures::read;
use crate::arguments::{Everywhere, Methods as Arguments, MethodsFormat};
use crate::output::{Failure, print};

pub(crate) fn run(everywhere: &Everywhere, arguments: &Arguments) -> Result<(), Failure> {
    let methods = describe(everywhere, arguments)?;
    let text = match (arguments.json, arguments.format) {
        (true, _) => methods.to_json(),
        (false, MethodsFormat::Markdown) => methods.to_markdown(),
        (false, MethodsFormat::Latex) => methods.to_latex(),
    };
    print(text.as_bytes())
}

fn describe(everywhere: &Everywhere, arguments: &Arguments) -> Result<Methods, Failure> {
    let subjects: Vec<&str> = arguments.subjects.iter().map(String::as_str).collect();
    if subjects.iter().all(|name| is_key(name) && !is_figure(name)) {
        refuse_options_of_figures(arguments)?;
        if arguments.seeds.is_some() {
            return Err(Failure::OnlyOfFigures { option: "--seeds" });
        }
        let study = everywhere.builder().read_only()?;
        let sweep = study.stored_sweep(subjects)?;
        let runs: Vec<ValidParams> = sweep.iter().cloned().collect();
        return Ok(Methods::of_runs(&runs, Some(&study)));
    }
    // Where there is a store, it says which program and machine trained the runs.
    let study = everywhere.builder().read_only().ok();
    let of_parameters = |name: &&str| name.contains('=') || (Path::new(name).is_file() && !is_recipe(name));
    if subjects.iter().any(of_parameters) {
        refuse_options_of_figures(arguments)?;
        let sweep = sweep(subjects, arguments.seeds.as_deref())?;
        let runs: Vec<ValidParams> = sweep.check().map_err(Error::from)?.iter().cloned().collect();
        return Ok(Methods::of_runs(&runs, study.as_ref()));
    }
    let (files, figures): (Vec<&str>, Vec<&str>) = subjects.into_iter().partition(|name| is_recipe(name));
    let mut wanted = match figures.is_empty() {
        true => Vec::new(),
        false => recipes(figures)?,
    };
    wanted.extend(read(&files.iter().map(PathBuf::from).collect::<Vec<_>>())?);
    let choice = match (&arguments.seeds, arguments.full) {
        (Some(text), _) => seeds(text)?,
        (None, true) => SeedChoice::Full,
        (None, false) => SeedChoice::Fast,
    };
    let plan = FigurePlan::with_claims(wanted, &choice, [])?;
    let plan = if arguments.until_decided { plan.until_decided(arguments.most)? } else { plan };
    Ok(Methods::of_figures(&plan, study.as_ref()))
}

/// Options that say nothing about runs are not passed over in silence.
fn refuse_options_of_figures(arguments: &Arguments) -> Result<(), Failure> {
    let given = [("--full", arguments.full), ("--until-decided", arguments.until_decided)];
    match given.into_iter().find(|(_, is_given)| *is_given) {
        Some((option, _)) => Err(Failure::OnlyOfFigures { option }),
        None => Ok(()),
    }
}

fn is_key(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_hexdigit())
}

fn is_figure(name: &str) -> bool {
    let plain = name.trim().to_ascii_lowercase().replace('-', "_");
    RECIPES.iter().any(|(known, _)| *known == plain)
}

/// Whether a file is a recipe: it names a figure, which a file of parameters cannot.
fn is_recipe(name: &str) -> bool {
    let text = std::fs::read_to_string(name).unwrap_or_default();
    text.lines().any(|line| line.split_once('=').is_some_and(|(key, _)| key.trim() == "figure"))
}
