//! `concertina train`

use concertina::WorkPlan;

use super::{asked, conclude, plan, print_runs};
use crate::arguments::{Everywhere, Train};
use crate::output::{Failure, print_table};

pub(crate) fn run(everywhere: &Everywhere, train: &Train) -> Result<(), Failure> {
    let Train { which, training, listing } = train;
    let sweep = asked(everywhere, which)?;
    if training.print {
        return print_runs(&sweep);
    }
    if let Some(path) = &training.plan {
        return plan::write(everywhere, &WorkPlan::of_training(&sweep, training.keep()), path);
    }
    let (study, progress) = everywhere.study(training, sweep.varied(), &sweep)?;
    let runs = study.train(&sweep);
    progress.finish();
    let runs = runs?;
    print_table(&runs.table()?, *listing, None)?;
    conclude(&runs, everywhere.quiet)
}

/// What the command would train.
pub(crate) fn planned(everywhere: &Everywhere, train: &Train) -> Result<WorkPlan, Failure> {
    Ok(WorkPlan::of_training(&asked(everywhere, &train.which)?, train.training.keep()))
}
