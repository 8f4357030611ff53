//! `concertina analyse`

use concertina::{CheckpointSelection, Outcome, analysis, check_table_format, sweep};

use super::{conclude, print_runs};
use crate::arguments::{Analyse, Everywhere};
use crate::output::{Failure, print_table};

pub(crate) fn run(everywhere: &Everywhere, analyse: &Analyse) -> Result<(), Failure> {
    let Analyse { analysis: name, which, runs, with, checkpoints, out, training, listing } = analyse;
    let analysis = analysis(name, with.iter().map(String::as_str))?;
    let at: CheckpointSelection = checkpoints.parse()?;
    if let Some(out) = out {
        check_table_format(out)?;
    }
    let sweep = if runs.is_empty() {
        let sweep = sweep(which.arguments.iter().map(String::as_str), which.seeds.as_deref())?;
        sweep.check().map_err(concertina::Error::from)?
    } else {
        everywhere.builder().read_only()?.stored_sweep(runs.iter().map(String::as_str))?
    };
    if training.print {
        return print_runs(&sweep);
    }
    let (study, progress) = everywhere.study(training, sweep.varied(), &sweep)?;
    let analysed = study.analyse(&sweep, &analysis, &at);
    progress.finish();
    let analysed = analysed?;
    if analysed.runs.iter().any(|run| *run.outcome() == Outcome::Interrupted) {
        return Err(Failure::Interrupted); // half a table could be taken for a whole one
    }
    print_table(&analysed.table, *listing, out.as_deref())?;
    conclude(&analysed.runs, everywhere.quiet)?;
    match analysed.failures.is_empty() {
        true => Ok(()),
        false => Err(Failure::Runs { failures: analysed.failures, of: sweep.len() }),
    }
}
