//! `concertina analyse`

use concertina::{CheckpointSelection, analysis, check_table_format, sweep};

use super::{conclude, print_runs};
use crate::arguments::{Analyse, Everywhere};
use crate::output::{Failure, print_table};

pub(crate) fn run(everywhere: &Everywhere, analyse: &Analyse) -> Result<(), Failure> {
    let Analyse { analysis: name, which, with, checkpoints, out, training, listing } = analyse;
    let analysis = analysis(name, with.iter().map(String::as_str))?;
    let at: CheckpointSelection = checkpoints.parse()?;
    if let Some(out) = out {
        check_table_format(out)?;
    }
    let sweep = sweep(which.arguments.iter().map(String::as_str), which.seeds.as_deref())?;
    let sweep = sweep.check().map_err(concertina::Error::from)?;
    if training.print {
        return print_runs(&sweep);
    }
    let (study, progress) = everywhere.study(training, sweep.varied())?;
    let analysed = study.analyse(&sweep, &analysis, &at);
    progress.finish();
    let analysed = analysed?;
    print_table(&analysed.table, *listing, out.as_deref())?;
    conclude(&analysed.runs, everywhere.quiet)?;
    match analysed.failures.is_empty() {
        true => Ok(()),
        false => Err(Failure::Runs { failures: analysed.failures, of: sweep.len() }),
    }
}
