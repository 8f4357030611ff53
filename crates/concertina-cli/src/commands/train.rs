//! `concertina train`

use concertina::sweep;

use super::{conclude, print_runs};
use crate::arguments::{Everywhere, Train};
use crate::output::{Failure, print_table};

pub(crate) fn run(everywhere: &Everywhere, train: &Train) -> Result<(), Failure> {
    let Train { which, training, listing } = train;
    let sweep = sweep(which.arguments.iter().map(String::as_str), which.seeds.as_deref())?;
    let sweep = sweep.check().map_err(concertina::Error::from)?;
    if training.print {
        return print_runs(&sweep);
    }
    let (study, progress) = everywhere.study(training, sweep.varied(), &sweep)?;
    let runs = study.train(&sweep);
    progress.finish();
    let runs = runs?;
    print_table(&runs.table()?, *listing, None)?;
    conclude(&runs, everywhere.quiet)
}
