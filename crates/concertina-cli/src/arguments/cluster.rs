//! Commands for work on many machines.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use concertina::{EngineKind, JobOptions, parse_duration};

use super::Listing;

#[derive(Debug, Args)]
pub(crate) struct Worker {
    /// Plans, which `--plan FILE` of `train`, `analyse`, `figures`, `reproduce` and `plot` writes
    #[arg(value_name = "PLAN", required = true)]
    pub(crate) plans: Vec<PathBuf>,
    /// Stop after this time: `55m`, `1h30m`, `90s`, or as in Slurm, `1-12:00:00`. No epoch begins that cannot
    /// be published before
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(crate) time_limit: Option<Duration>,
    /// Print one line per minute: runs done, running, rate, expected end
    #[arg(long)]
    pub(crate) summary: bool,
    /// Work in a folder on a local disk, and merge what is finished into the store
    #[arg(long, value_name = "DIR")]
    pub(crate) scratch: Option<PathBuf>,
    /// Print what is missing, one row per run, and change nothing
    #[arg(long, conflicts_with_all = ["time_limit", "summary", "scratch"])]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) listing: Listing,
}

/// What starts workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    /// Slurm: `sbatch`, `squeue`, `scancel`
    Slurm,
    /// A script of your own, `--template`, that starts workers by any other program
    Template,
}

#[derive(Debug, Args)]
pub(crate) struct Submit {
    /// Plans, or a command that has `--plan`, with its arguments: `train gain=20,250 seed=0..5`,
    /// `figures fig5b --full`. Options of `submit` come before it
    #[arg(value_name = "PLAN | COMMAND", required = true, trailing_var_arg = true)]
    pub(crate) what: Vec<String>,
    /// Print what would be submitted, and change nothing
    #[arg(long, conflicts_with_all = ["print", "wait"])]
    pub(crate) dry_run: bool,
    /// Write the job and print its script, to be edited or submitted by hand
    #[arg(long, conflicts_with_all = ["wait", "json", "csv"])]
    pub(crate) print: bool,
    /// Wait until it is done, and then draw or print what the command asks for
    #[arg(long, conflicts_with_all = ["json", "csv"])]
    pub(crate) wait: bool,
    #[command(flatten)]
    pub(crate) listing: Listing,
    #[command(flatten)]
    pub(crate) options: Options,
}

/// How a job is run. What is not given is taken from the user's `concertina.toml`.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "How it is run (defaults: section [submit] of ~/.config/concertina.toml)")]
pub(crate) struct Options {
    /// What starts the workers [default: slurm]
    #[arg(long, value_name = "ENGINE")]
    engine: Option<Engine>,
    /// A script with `{{command}}`, the command of a worker, and optionally `{{tasks}}`, `{{cores}}`,
    /// `{{time}}`, `{{minutes}}`, `{{job}}`, `{{name}}`. It is filled in and run
    #[arg(long, value_name = "FILE")]
    template: Option<PathBuf>,
    /// How much work each task is given, if possible [default: 30m]
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    task_time: Option<Duration>,
    /// The time that each task may take [default: twice the expected time]
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    time: Option<Duration>,
    /// Cores of each task, each of which works on one run at a time [default: 1]
    #[arg(long, value_name = "N", value_parser = super::jobs)]
    cpus_per_task: Option<usize>,
    /// Memory of each task
    #[arg(long, value_name = "SIZE")]
    mem: Option<String>,
    /// The partition
    #[arg(long, value_name = "NAME")]
    partition: Option<String>,
    /// The account to charge
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// The quality of service
    #[arg(long, value_name = "NAME")]
    qos: Option<String>,
    /// Features that nodes must have
    #[arg(long, value_name = "FEATURES")]
    constraint: Option<String>,
    /// The most tasks that run at the same time
    #[arg(long, value_name = "N", value_parser = super::jobs)]
    array_parallelism: Option<usize>,
    /// Further options of sbatch: `--sbatch='--exclude=node7 --nice'`
    #[arg(long, value_name = "OPTIONS", allow_hyphen_values = true)]
    sbatch: Option<String>,
    /// A folder on a local disk of the nodes to work in, as of `worker`: `--scratch '$TMPDIR'`
    #[arg(long, value_name = "DIR")]
    scratch: Option<String>,
}

impl Options {
    /// The options as they were typed.
    pub(crate) fn typed(&self) -> JobOptions {
        let Self { template, task_time, time, cpus_per_task, array_parallelism, .. } = self.clone();
        let Self { mem, partition, account, qos, constraint, sbatch, scratch, .. } = self.clone();
        let engine = self.engine.map(|engine| match engine {
            Engine::Slurm => EngineKind::Slurm,
            Engine::Template => EngineKind::Template,
        });
        let mut options = JobOptions::default();
        (options.engine, options.template, options.task_time, options.time) =
            (engine, template, task_time, time);
        (options.cpus_per_task, options.array_parallelism) = (cpus_per_task, array_parallelism);
        (options.mem, options.partition, options.account, options.qos) = (mem, partition, account, qos);
        (options.constraint, options.sbatch, options.scratch) = (constraint, sbatch, scratch);
        options
    }
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Jobs {
    #[command(subcommand)]
    pub(crate) action: Option<JobAction>,
    #[command(flatten)]
    pub(crate) listing: Listing,
}

#[derive(Debug, Subcommand)]
pub(crate) enum JobAction {
    /// Take jobs back from their engines; what their workers have published is kept
    Cancel {
        /// Their numbers
        #[arg(value_name = "JOB", required = true)]
        numbers: Vec<u64>,
    },
    /// Print the ends of the logs of a job's tasks
    Logs {
        /// Its number [default: the last job]
        #[arg(value_name = "JOB")]
        number: Option<u64>,
        /// How many lines of each log
        #[arg(long, value_name = "N", default_value_t = 10)]
        lines: usize,
    },
    /// Submit what is missing of a job again, with its script as it is now
    Resubmit {
        /// Its number [default: the last job]
        #[arg(value_name = "JOB")]
        number: Option<u64>,
        /// Print what would be submitted, and change nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Wait until a job is done, and then draw or print what its command asks for
    Wait {
        /// Its number [default: the last job]
        #[arg(value_name = "JOB")]
        number: Option<u64>,
    },
}
