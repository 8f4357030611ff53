//! One file per command. Each turns what was typed into a call of the facade, and prints the result.

mod analyse;
mod analyses;
mod cite;
mod completions;
mod devices;
mod doctor;
mod figures;
mod jobs;
mod manual;
mod methods;
mod params;
mod plan;
mod reproduce;
mod runs;
mod store;
mod submit;
mod train;
mod view;
mod worker;

use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use concertina::model::params::{ValidParams, ValidSweep};
use concertina::store::{Removal, RunKey};
use concertina::{
    Collected, Error, Hint, Keep, Outcome, Run, Study, StudyBuilder, key_of, shell_word, sweep,
};

use crate::arguments::{Arguments, Command, Everywhere, Keep as KeepArgument, Training, USUAL_STORE, Which};
use crate::interrupt;
use crate::output::{Failure, print, say};
use crate::progress::{Progress, Talk, Warnings};

/// Carries out the command.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let everywhere = &arguments.everywhere;
    match &arguments.command {
        Command::Figures(figures) => figures::run(everywhere, figures),
        Command::Reproduce(reproduce) => reproduce::run(everywhere, reproduce),
        Command::Plot(plot) => figures::plot(everywhere, plot),
        Command::Train(train) => train::run(everywhere, train),
        Command::Worker(worker) => worker::run(everywhere, worker),
        Command::Submit(submit) => submit::run(everywhere, submit),
        Command::Jobs(jobs) => jobs::run(everywhere, jobs),
        Command::Analyse(analyse) => analyse::run(everywhere, analyse),
        Command::Analyses(analyses) => analyses::run(analyses),
        Command::Runs(runs) => runs::run(everywhere, runs),
        Command::Store(store) => store::run(everywhere, store),
        Command::View(view) => view::run(everywhere, view),
        Command::Params(params) => params::run(params),
        Command::Devices(devices) => devices::run(devices),
        Command::Doctor(doctor) => doctor::run(everywhere, doctor),
        Command::Cite(cite) => cite::run(cite),
        Command::Methods(methods) => methods::run(everywhere, methods),
        Command::Completions { shell } => completions::run(*shell),
        Command::Manual { folder } => manual::run(folder, everywhere.quiet),
    }
}

impl Training {
    /// Which checkpoints to keep, if the user chose.
    fn keep(&self) -> Option<Keep> {
        self.keep.map(|keep| match keep {
            KeepArgument::All => Keep::All,
            KeepArgument::Needed => Keep::Needed,
            KeepArgument::Ends => Keep::Ends,
        })
    }
}

impl Everywhere {
    fn talk(&self) -> Talk {
        match (self.quiet, self.verbose) {
            (true, _) => Talk::Quiet,
            (false, true) => Talk::Verbose,
            (false, false) => Talk::Normal,
        }
    }

    fn builder(&self) -> StudyBuilder {
        self.builder_in(&self.store)
    }

    /// ` --store DIR` as a shell reads it, for a suggested command; nothing where the store is the default
    /// one.
    fn store_option(&self) -> String {
        match self.store == Path::new(USUAL_STORE) && std::env::var_os("CONCERTINA_STORE").is_none() {
            true => String::new(),
            false => format!(" --store={}", shell_word(&self.store.to_string_lossy())),
        }
    }

    /// A builder like `builder`'s, for another folder.
    fn builder_in(&self, folder: &Path) -> StudyBuilder {
        let builder = Study::builder(folder).observer(Arc::new(Warnings));
        match self.jobs.and_then(NonZeroUsize::new) {
            Some(jobs) => builder.jobs(jobs),
            None => builder,
        }
    }

    /// A study that trains, shows progress, and can be interrupted.
    /// With `--clear`, the requested runs are removed first.
    fn study(
        &self,
        training: &Training,
        varied: &[&'static str],
        runs: &[ValidParams],
    ) -> Result<(Study, Arc<Progress>), Failure> {
        let progress = Arc::new(Progress::new(self.talk(), varied));
        let mut builder =
            self.builder().rerun(training.rerun).observer(progress.clone()).cancel(interrupt::flag());
        if let Some(keep) = training.keep() {
            builder = builder.keep(keep);
        }
        if let Some(device) = training.device {
            builder = builder.device(device);
        }
        let study = builder.open()?;
        if self.talk() == Talk::Verbose {
            say(&format!("store {}", study.folder().display()));
        }
        if training.clear {
            let there: BTreeSet<RunKey> = study.keys()?.into_iter().collect();
            let device = training.device.unwrap_or_default();
            let asked = runs.iter().flat_map(|params| device.keys_of(params));
            let asked: BTreeSet<RunKey> = asked.filter(|key| there.contains(key)).collect();
            remove(&study, &asked.into_iter().collect::<Vec<_>>(), training.yes)?;
        }
        Ok((study, progress))
    }
}

/// The requested runs. Prints a note on each argument that is passed over, has no effect, or repeats another.
fn asked(everywhere: &Everywhere, which: &Which) -> Result<ValidSweep, Failure> {
    let sweep = sweep(which.arguments.iter().map(String::as_str), which.seeds.as_deref())?;
    let sweep = sweep.take_trials(|name| everywhere.builder().read_only().ok()?.trials(name));
    let sweep = sweep.check().map_err(Error::from)?;
    sweep.notes().iter().for_each(|note| say(&format!("note: {note}")));
    Ok(sweep)
}

/// Removes runs after asking. It is an error if another process is training one of them.
fn remove(study: &Study, runs: &[RunKey], yes: bool) -> Result<Vec<Collected>, Failure> {
    let would = study.remove(runs, Removal::DryRun)?;
    let bytes: u64 = would.iter().map(|one| one.bytes).sum();
    if !runs.is_empty() {
        let what = format!("remove {} from {}", amount(runs.len(), bytes), study.folder().display());
        confirm(&what, yes)?;
    }
    Ok(study.remove(runs, Removal::Now)?)
}

/// A number of runs and their size.
fn amount(runs: usize, bytes: u64) -> String {
    let plural = if runs == 1 { "" } else { "s" };
    format!("{runs} run{plural} ({})", concertina::describe_size(bytes))
}

/// Asks on the terminal. Without a terminal, `yes` must be given.
fn confirm(what: &str, yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Err(Failure::NotAsked { what: what.to_owned() });
    }
    say(&format!("{what}? [y/N]"));
    let mut answer = String::new();
    stdin.read_line(&mut answer)?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::NotConfirmed),
    }
}

/// Prints the parameters and the key of every run.
fn print_runs(sweep: &ValidSweep) -> Result<(), Failure> {
    let mut text = String::new();
    for (number, params) in sweep.iter().enumerate() {
        if number > 0 {
            text.push('\n');
        }
        text.push_str(&format!("# run {}\n{}", key_of(params), params.to_toml()));
    }
    print(text.as_bytes())
}

/// Prints the final messages about runs that were trained again and runs that diverged, and returns whether
/// any failed.
fn conclude(runs: &[Run], quiet: bool) -> Result<(), Failure> {
    let mut differ = Vec::new();
    for run in runs {
        let Some(comparison) = run.comparison() else { continue };
        let key = run.key().short();
        match &comparison.difference {
            None if quiet => {}
            None => say(&format!(
                "run {key}: trained again; {} checkpoints and {} epochs of history agree bit-for-bit",
                comparison.checkpoints, comparison.epochs
            )),
            Some(difference) => differ.push(Error::RunFailed {
                run: key,
                message: format!("training it again gave a different result: {difference}"),
                hint: Some(Hint::Text("another processor may round sums differently; `concertina runs show` says where it was trained".to_owned())),
            }),
        }
    }
    let diverged: Vec<&Run> =
        runs.iter().filter(|run| matches!(run.outcome(), Outcome::Diverged(_))).collect();
    if !diverged.is_empty() && quiet {
        say(&format!("warning: {} of {} runs diverged", diverged.len(), runs.len()));
    } else if !diverged.is_empty() {
        say(&format!("\n{} of {} runs diverged:", diverged.len(), runs.len()));
        for run in diverged {
            if let Outcome::Diverged(divergence) = run.outcome() {
                say(&format!("  run {} {divergence}", run.key().short()));
            }
        }
        say("\nhint: lower `train.learning_rate`");
    }
    let failures: Vec<Error> = runs
        .iter()
        .filter_map(|run| match run.outcome() {
            Outcome::Failed { message, hint } => Some(Error::RunFailed {
                run: run.key().short(),
                message: message.clone(),
                hint: hint.clone(),
            }),
            _ => None,
        })
        .chain(differ)
        .collect();
    if !failures.is_empty() {
        return Err(Failure::Runs { failures, of: runs.len() });
    }
    if runs.iter().any(|run| *run.outcome() == Outcome::Interrupted) {
        return Err(Failure::Interrupted);
    }
    Ok(())
}
