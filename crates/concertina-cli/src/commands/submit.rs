//! `concertina submit`

use clap::Parser;
use clap::error::ErrorKind;
use concertina::table::Table;
use concertina::{
    Error, Hint, Job, JobOptions, Packing, Study, WorkPlan, Workload, submission_table, user_defaults,
};

use super::{analyse, figures, jobs, reproduce, train};
use crate::arguments::{Arguments, Command, Everywhere, Listing, Submit};
use crate::output::{Failure, print, print_table, say};
use crate::progress::approximately;

/// The commands whose work can be submitted.
const COMMANDS: [&str; 5] = ["train", "analyse", "figures", "reproduce", "plot"];

pub(crate) fn run(everywhere: &Everywhere, submit: &Submit) -> Result<(), Failure> {
    let options = submit.options.typed().or(user_defaults()?);
    let (everywhere, command) =
        match submit.what.first().is_some_and(|word| COMMANDS.contains(&word.as_str())) {
            true => {
                let Arguments { everywhere, command } = parse(everywhere, &submit.what);
                (everywhere, Some(command))
            }
            false => (everywhere.clone(), None),
        };
    let is_new = !everywhere.store.exists();
    let scratch;
    let study = match (submit.dry_run, everywhere.builder().read_only()) {
        (false, _) => everywhere.builder().open()?,
        (true, Ok(study)) => study,
        (true, Err(error)) if everywhere.store.exists() => return Err(error.into()),
        // Without a store, everything is missing.
        (true, Err(_)) => {
            scratch = tempfile::tempdir().map_err(Failure::Output)?;
            everywhere.builder_in(scratch.path()).open()?
        }
    };
    let plan = match &command {
        Some(command) => plan_of(&everywhere, command),
        None => study.read_plans(&submit.what).map_err(Failure::from),
    };
    let plan = or_without_store(is_new, &study, plan)?;
    let work = or_without_store(is_new, &study, study.workload(&plan))?;
    if work.missing == 0 {
        if !everywhere.quiet {
            say(&format!("nothing to do: the store has {}", all(work.runs)));
        }
        if submit.listing.json || submit.listing.csv {
            print_table(&Table::new(), submit.listing, None)?;
        }
        return match (submit.wait, command) {
            (true, Some(command)) => super::run(&Arguments { everywhere, command }),
            _ => Ok(()),
        };
    }
    if !everywhere.quiet {
        say(&about(&work));
    }
    if submit.dry_run {
        let packing = Packing::of(&work, &options);
        return report(submit.listing, None, &work, &packing, |packing| {
            format!("{}, at most {}", tasks(packing), approximately(packing.time.as_secs_f64()))
        });
    }
    let words: &[String] = if command.is_some() { &submit.what } else { &[] };
    let program = std::env::current_exe().map_err(|error| Error::Job {
        reason: format!("cannot find the path of this program: {error}"),
        hint: None,
    })?;
    let job = or_without_store(is_new, &study, study.write_job(&plan, &work, &options, &program, words))?;
    if submit.print {
        let script =
            std::fs::read(job.script()).map_err(|source| Error::Read { source, path: job.script() })?;
        print(&script)?;
        if !everywhere.quiet {
            let (number, script, store) = (job.number, job.script(), everywhere.store_option());
            say(&format!(
                "job {number} was written and not submitted: {}\n`concertina{store} jobs resubmit {number}` submits it",
                script.display()
            ));
        }
        return Ok(());
    }
    let packing = job.packing(&work, &options);
    let job = or_without_store(is_new, &study, hand_over(&everywhere, &study, job, &work, &options))?;
    match submit.wait {
        true => jobs::wait(&everywhere, &study, job, &plan),
        false => report(submit.listing, Some(&job), &work, &packing, |_| job.number.to_string()),
    }
}

/// Prints what was or would be submitted: as a table if that is wanted, or else as a line.
fn report(
    listing: Listing,
    job: Option<&Job>,
    work: &Workload,
    packing: &Packing,
    line: impl FnOnce(&Packing) -> String,
) -> Result<(), Failure> {
    match listing.json || listing.csv {
        true => print_table(&submission_table(job, work, packing)?, listing, None),
        false => print(format!("{}\n", line(packing)).as_bytes()),
    }
}

/// What was obtained. If it failed, a store that was made for it is removed again.
fn or_without_store<T, E: Into<Failure>>(
    is_new: bool,
    study: &Study,
    obtained: Result<T, E>,
) -> Result<T, Failure> {
    obtained.map_err(|error| {
        if is_new {
            study.discard_if_empty();
        }
        error.into()
    })
}

/// Submits a job, and says what was submitted.
pub(super) fn hand_over(
    everywhere: &Everywhere,
    study: &Study,
    job: Job,
    work: &Workload,
    options: &JobOptions,
) -> Result<Job, Failure> {
    let packing = job.packing(work, options);
    let job = study.submit(job, work, options)?;
    if let (false, Some(last)) = (everywhere.quiet, job.submissions.last()) {
        let id = if last.id.is_empty() { String::new() } else { format!(", {}", last.id) };
        say(&format!("job {}{id}: {}", job.number, tasks(&packing)));
        say(&format!("logs: {}", job.folder().join("log-*.txt").display()));
    }
    Ok(job)
}

/// Parses the words of a command, which may repeat options that every command has.
pub(super) fn parse(everywhere: &Everywhere, words: &[String]) -> Arguments {
    let mut typed = vec!["concertina".to_owned(), format!("--store={}", everywhere.store.display())];
    typed.extend(everywhere.jobs.map(|jobs| format!("--jobs={jobs}")));
    typed.extend(everywhere.quiet.then(|| "--quiet".to_owned()));
    typed.extend(everywhere.verbose.then(|| "--verbose".to_owned()));
    typed.extend_from_slice(words);
    Arguments::try_parse_from(typed).unwrap_or_else(|error| {
        if error.kind() != ErrorKind::UnknownArgument {
            error.exit();
        }
        // Nothing can be done if this cannot be printed.
        let _ = error.print();
        say("\nhint: options of `submit` come before the command: `concertina submit --time 1h train gain=20`");
        std::process::exit(crate::USAGE.into())
    })
}

/// What a command would train and compute.
fn plan_of(everywhere: &Everywhere, command: &Command) -> Result<WorkPlan, Failure> {
    let (training, plan) = match command {
        Command::Train(train) => (&train.training, Some(train::planned(everywhere, train)?)),
        Command::Analyse(analyse) => (&analyse.training, analyse::planned(everywhere, analyse)?),
        Command::Figures(figures) => (&figures.drawing.training, Some(figures::planned(figures)?)),
        Command::Plot(plot) => (&plot.drawing.training, Some(figures::planned_plot(plot)?)),
        Command::Reproduce(reproduce) => (&reproduce.drawing.training, Some(reproduce::planned(reproduce)?)),
        _ => return Err(nothing("another command").into()),
    };
    let given = [
        (training.rerun, "`--rerun`"),
        (training.clear, "`--clear`"),
        (training.print, "`--print`"),
        (training.plan.is_some(), "`--plan`"),
    ];
    match (given.into_iter().find(|(given, _)| *given), plan) {
        (Some((_, option)), _) => Err(nothing(option).into()),
        (None, Some(plan)) => Ok(plan),
        (None, None) => Err(nothing("`--states`").into()),
    }
}

/// Something was asked for that is not work for a cluster.
fn nothing(found: &str) -> Error {
    Error::Job {
        reason: format!("expected runs to train or analyse, found {found}"),
        hint: Some(Hint::Text("options of `submit`, such as `--print`, come before the command".to_owned())),
    }
}

fn all(runs: usize) -> String {
    if runs == 1 { "the run".to_owned() } else { format!("all {runs} runs") }
}

/// `2000 of 2000 runs are missing: about 33 min on one core, measured here`
fn about(work: &Workload) -> String {
    let Workload { runs, missing, seconds, .. } = *work;
    format!(
        "{missing} of {runs} runs are missing: about {} on one core, measured here",
        approximately(seconds)
    )
}

/// `2 tasks with 1 core: about 17 min`
pub(super) fn tasks(packing: &Packing) -> String {
    let Packing { tasks, cores, seconds, .. } = *packing;
    let tasks = if tasks == 1 { "1 task".to_owned() } else { format!("{tasks} tasks") };
    let cores = if cores == 1 { "1 core".to_owned() } else { format!("{cores} cores") };
    format!("{tasks} with {cores}: about {}", approximately(seconds))
}
