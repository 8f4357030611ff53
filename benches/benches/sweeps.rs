//! The cost of runs in addition to their training: at the same time on several cores, and with checkpoints
//! kept.

use std::collections::BTreeSet;
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::thread;

use anyhow::{Context, Result};
use concertina::model::params::{Params, Sweep, ValidSweep};
use concertina::model::trainer::Trainer;
use concertina::{Keep, Study};
use concertina_benches::{Session, Work};

/// Runs of a sweep: a multiple of common numbers of cores.
const RUNS: u64 = 8;

fn main() -> Result<()> {
    let mut session = Session::from_args("sweeps")?;
    let one = sweep(1)?;
    let params = one.first().context("a run")?.clone();
    session.case("a run of 12 epochs, in memory", Work::Whole, move || {
        let mut trainer = Trainer::new(&params).expect("the clusters fit");
        for _ in 0..12 {
            trainer.train_epoch(&BTreeSet::new(), &mut |_, _| {}).expect("it does not diverge");
        }
        black_box(trainer.weights());
    });
    for (keep, name) in [(Keep::Ends, "first and last"), (Keep::All, "every epoch")] {
        let one = one.clone();
        session.case(format!("a run of 12 epochs into a store, {name} kept"), Work::Whole, move || {
            train(&one, 1, keep);
        });
    }

    let runs = sweep(RUNS)?;
    let cores = thread::available_parallelism().map_or(1, usize::from);
    for jobs in [1, cores] {
        let runs = runs.clone();
        session.case(
            format!("{RUNS} runs of 12 epochs into a store, {jobs} at once"),
            Work::Whole,
            move || {
                train(&runs, jobs, Keep::All);
            },
        );
    }
    session.finish()
}

/// The runs of Figure 2.
fn sweep(runs: u64) -> Result<ValidSweep> {
    Ok(Sweep::of(Params::default()).seeds(0..runs).check()?)
}

/// Trains into a new store.
fn train(sweep: &ValidSweep, jobs: usize, keep: Keep) {
    let folder = tempfile::tempdir().expect("a folder for a store");
    let jobs = NonZeroUsize::new(jobs).expect("at least one");
    let study = Study::builder(folder.path().join("store")).jobs(jobs).keep(keep).open().expect("a store");
    black_box(study.train(sweep).expect("it trains"));
}
