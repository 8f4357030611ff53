//! `concertina analyse`

use concertina::model::params::{ValidSweep, parameter};
use concertina::prelude::AnalysisSpec;
use concertina::{
    CheckpointSelection, Error, Outcome, WorkPlan, analysis, check_table_format, has_setting, read_states,
};

use super::{asked, conclude, print_runs};
use crate::arguments::{Analyse, Everywhere};
use crate::output::{Failure, print_table};

pub(crate) fn run(everywhere: &Everywhere, analyse: &Analyse) -> Result<(), Failure> {
    let Analyse { out, training, listing, .. } = analyse;
    let (analysis, at) = question(analyse)?;
    if analyse.states.is_some() {
        return on_states(&analysis, analyse);
    }
    let sweep = subjects(everywhere, analyse)?;
    if training.print {
        return print_runs(&sweep);
    }
    if let Some(path) = &training.plan {
        let plan = WorkPlan::of_analysis(&sweep, &analysis, &at, training.keep())?;
        return super::plan::write(everywhere, &plan, path);
    }
    let (study, progress) = everywhere.study(training, sweep.varied(), &sweep)?;
    let analysed = study.analyse(&sweep, &analysis, &at);
    progress.finish();
    let analysed = analysed?;
    if analysed.runs.iter().any(|run| *run.outcome() == Outcome::Interrupted) {
        return Err(Failure::Interrupted); // half a table could be mistaken for a whole one
    }
    print_table(&analysed.table, *listing, out.as_deref())?;
    conclude(&analysed.runs, everywhere.quiet)?;
    match analysed.failures.is_empty() {
        true => Ok(()),
        false => Err(Failure::Runs { failures: analysed.failures, of: sweep.len() }),
    }
}

/// The analysis and the checkpoints that are asked for.
fn question(analyse: &Analyse) -> Result<(AnalysisSpec, CheckpointSelection), Failure> {
    let Analyse { analysis: name, which, with, checkpoints, out, .. } = analyse;
    let name = name_of(name.as_deref())?;
    let analysis = analysis(name, with.iter().map(String::as_str))?;
    no_settings(name, &which.arguments)?;
    let at = checkpoints.parse().map_err(Error::from)?;
    if let Some(out) = out {
        check_table_format(out)?;
    }
    Ok((analysis, at))
}

/// The runs to analyse.
fn subjects(everywhere: &Everywhere, analyse: &Analyse) -> Result<ValidSweep, Failure> {
    match analyse.runs.is_empty() {
        true => asked(everywhere, &analyse.which),
        false => {
            let keys = analyse.runs.iter().map(String::as_str);
            Ok(everywhere.builder().read_only()?.stored_sweep(keys)?)
        }
    }
}

/// What the command would train and compute; `None` if it analyses states from a file.
pub(super) fn planned(everywhere: &Everywhere, analyse: &Analyse) -> Result<Option<WorkPlan>, Failure> {
    if analyse.states.is_some() {
        return Ok(None);
    }
    let (analysis, at) = question(analyse)?;
    let sweep = subjects(everywhere, analyse)?;
    Ok(Some(WorkPlan::of_analysis(&sweep, &analysis, &at, analyse.training.keep())?))
}

/// Analyses states from a file.
fn on_states(analysis: &AnalysisSpec, analyse: &Analyse) -> Result<(), Failure> {
    let Some(states) = &analyse.states else { return Ok(()) };
    let given = read_states(states, analyse.labels.as_deref(), analyse.seed_of_states.unwrap_or_default())?;
    let table = analysis.run_on_states(&given).map_err(Error::from)?;
    print_table(&table, analyse.listing, analyse.out.as_deref())
}

/// The name of the analysis, which is the first argument.
fn name_of(name: Option<&str>) -> Result<&str, Error> {
    match name {
        Some(name) if !name.contains('=') => Ok(name),
        found => Err(Error::NoAnalysis { found: found.map(str::to_owned) }),
    }
}

/// The other arguments are parameters of runs. Settings of the analysis are given with `--with`.
fn no_settings(analysis: &str, arguments: &[String]) -> Result<(), Error> {
    for text in arguments {
        let Some((name, _)) = text.split_once('=') else { continue };
        if parameter(name).is_err() && has_setting(analysis, name.trim())? {
            return Err(Error::AnalysisSetting {
                analysis: analysis.to_owned(),
                reason: format!("`{}` is a setting of the analysis, not a parameter of runs", name.trim()),
                hint: Some(format!("`--with {text}`")),
            });
        }
    }
    Ok(())
}
