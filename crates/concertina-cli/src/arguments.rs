//! What can be typed: commands and options, with their help.

mod cluster;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use concertina::DeviceChoice;
use concertina::plot::Theme;

pub(crate) use cluster::{JobAction, Jobs, Submit, Worker};

const AFTER_HELP: &str = "\
Exit status: 0 success; 1 a run or an analysis failed, or a claim was contradicted; 2 wrong usage or parameters; 3 the store could not be used;
4 a claim is undecided; 75 a worker or a job ended before its plan was complete; 130 interrupted, or not confirmed. A run that diverges is a result, not a failure: it is listed and marked as diverged.

Examples:
  concertina figures fig2                       Figure 2, five realisations
  concertina train gain=20,250 seed=0..5        ten runs
  concertina analyse lyapunov gain=20,250       their Lyapunov spectra, before and after training
  concertina runs list --where 'gain = 250 and input_dim = 2'";

/// Where runs are kept unless a folder is named.
pub(crate) const USUAL_STORE: &str = "./concertina";

/// Trains many small recurrent networks, keeps every run, analyses representations, draws figures
#[derive(Debug, Parser)]
#[command(name = "concertina", version, arg_required_else_help = true, after_help = AFTER_HELP, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) everywhere: Everywhere,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options that every command has.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Everywhere {
    /// Where runs and analyses are kept
    #[arg(
        long,
        value_name = "DIR",
        env = "CONCERTINA_STORE",
        default_value = USUAL_STORE,
        global = true,
        hide_env_values = true
    )]
    pub(crate) store: PathBuf,
    /// How many runs train at the same time [default: one per core]
    #[arg(long, short, value_name = "N", global = true, value_parser = jobs, allow_negative_numbers = true)]
    pub(crate) jobs: Option<usize>,
    /// Show no progress, only results, warnings and errors
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say more: where things are kept, what was loaded, how long it took
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Draw figures of the paper, training what they need
    Figures(Figures),
    /// Draw figures and say, claim by claim, whether the paper was reproduced: report.html, report.json
    Reproduce(Reproduce),
    /// Draw your own figure, from a recipe in the format of the paper's recipes
    Plot(Plot),
    /// Train one parameter set or a sweep
    Train(Train),
    /// Work on plans, which `--plan` of other commands writes, together with other workers
    Worker(Worker),
    /// Hand plans, or what a command would train and compute, to a cluster
    ///
    /// Packs the missing runs into as few tasks as give each about half an hour of work, writes a script that
    /// starts a worker for each into the store, and submits it.
    Submit(Submit),
    /// List what was submitted, what the engine says of it, and what is done; cancel, resubmit, wait
    Jobs(Jobs),
    /// Run one analysis on runs, training those that are missing, and print a tidy table
    Analyse(Analyse),
    /// List the analyses and their settings: name, default, values, meaning
    Analyses(Analyses),
    /// List, show, remove, export and import runs of the store
    #[command(subcommand)]
    Runs(Runs),
    /// Find, check, repair and merge stores
    #[command(subcommand)]
    Store(Store),
    /// Show the store in the browser, with a playground where a network trains
    View(View),
    /// List every parameter: name, the published code's name, default, range, meaning
    Params(Params),
    /// List the devices that can train, with a one-second benchmark of each
    Devices(Devices),
    /// Describe program, machine and store, to report a problem
    ///
    /// Changes nothing. Exit status 0 means that nothing is wrong, 3 that something is wrong with the
    /// store, and 1 that this machine computes wrong numbers.
    Doctor(Doctor),
    /// Print BibTeX entries for the program and for what a study used
    Cite(Cite),
    /// Write what a paper's methods section must say about figures or runs
    ///
    /// Equations, initial weights, task, optimizer, seeds, analyses, tests, versions, commit and machine,
    /// with a table and the references in BibTeX.
    Methods(Methods),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write manual pages for `man`, one per command
    Manual {
        /// Where to write them
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
}

/// Which runs: a file, then overrides.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// A TOML file with sections as `concertina params` lists them (or JSON with the published code's
    /// names), then overrides: `gain=250`, `network.gain=20,250`, `g_radius=250`, `seed=0..5`
    #[arg(value_name = "FILE | NAME=VALUE")]
    pub(crate) arguments: Vec<String>,
    /// Realisations: `0..5` (without the 5), `0..=4`, `0,3,7`; the same as `seed=0..5`
    #[arg(long, value_name = "SEEDS")]
    pub(crate) seeds: Option<String>,
}

/// How to train.
#[derive(Debug, Args)]
pub(crate) struct Training {
    /// Train runs again that are in the store already, and compare bit-for-bit
    #[arg(long)]
    pub(crate) rerun: bool,
    /// First remove the requested runs from the store, together with the results of their analyses; asks
    /// before removing
    #[arg(long, conflicts_with_all = ["rerun", "print"])]
    pub(crate) clear: bool,
    /// Answer yes to what `--clear` asks
    #[arg(long, requires = "clear")]
    pub(crate) yes: bool,
    /// Which checkpoints to keep
    #[arg(long, value_name = "WHICH")]
    pub(crate) keep: Option<Keep>,
    /// What trains the runs: `cpu`, `gpu`, `gpu:N` (as `concertina devices` numbers them), or `auto`, which
    /// takes a GPU if that is faster. Runs that a GPU trains have other keys [default: cpu]
    #[arg(long, value_name = "DEVICE")]
    pub(crate) device: Option<DeviceChoice>,
    /// Print the parameters and the key of every run, and stop
    #[arg(long)]
    pub(crate) print: bool,
    /// Write what is asked for to a file, for `concertina worker`, and stop; nothing is trained
    #[arg(long, value_name = "FILE", conflicts_with_all = ["rerun", "clear", "print"])]
    pub(crate) plan: Option<PathBuf>,
}

/// Which checkpoints to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Keep {
    /// All checkpoints of the schedule, `train.saves_per_epoch`
    All,
    /// Those that are still needed: none that was analysed during training
    Needed,
    /// The first and the last
    Ends,
}

/// How to print a table on standard output.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Listing {
    /// As JSON: an array with one object per row
    #[arg(long, conflicts_with = "csv")]
    pub(crate) json: bool,
    /// As CSV
    #[arg(long)]
    pub(crate) csv: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Figures {
    /// Figures, such as fig2 [default: Figures 1 to 5a]
    #[arg(value_name = "FIG")]
    pub(crate) figures: Vec<String>,
    /// Every figure of the paper that has a recipe
    #[arg(long, conflicts_with = "figures")]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) drawing: Drawing,
}

#[derive(Debug, Args)]
pub(crate) struct Reproduce {
    /// Figures, such as fig2, or your own recipes, such as my.toml [default: Figures 1 to 5a]
    #[arg(value_name = "FIG")]
    pub(crate) figures: Vec<String>,
    /// Every figure of the paper that has a recipe
    #[arg(long, conflicts_with = "figures")]
    pub(crate) all: bool,
    /// Published tables to compare ours with, in place of those that are built in
    #[arg(long, value_name = "DIR", env = "CONCERTINA_REFERENCE", hide_env_values = true)]
    pub(crate) reference: Option<PathBuf>,
    /// Print the report as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Add realisations to undecided claims, by a test that stays valid under such repeated looks
    #[arg(long, conflicts_with = "rerun")]
    pub(crate) until_decided: bool,
    /// With `--until-decided`: the most realisations of a claim
    #[arg(long, value_name = "N", default_value_t = 100, requires = "until_decided")]
    pub(crate) most: usize,
    #[command(flatten)]
    pub(crate) drawing: Drawing,
}

#[derive(Debug, Args)]
pub(crate) struct Plot {
    /// A recipe, in the format of the paper's recipes (docs/guides/your-own-figure.md)
    #[arg(value_name = "FILE", required = true)]
    pub(crate) recipes: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) drawing: Drawing,
}

/// How to draw.
#[derive(Debug, Args)]
pub(crate) struct Drawing {
    /// Five realisations, seeds 0 to 4 (the default)
    #[arg(long, conflicts_with_all = ["full", "seeds"])]
    pub(crate) fast: bool,
    /// Thirty realisations, seeds 0 to 29, as in the paper
    #[arg(long, conflicts_with = "seeds")]
    pub(crate) full: bool,
    /// Other realisations: `0..10`
    #[arg(long, value_name = "SEEDS")]
    pub(crate) seeds: Option<String>,
    /// Another value for a parameter of every run
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,
    /// The folder to draw into
    #[arg(long, value_name = "DIR", default_value = "figures")]
    pub(crate) out: PathBuf,
    /// What the figures are for
    #[arg(long, value_enum, default_value_t = Size::Paper)]
    pub(crate) size: Size,
    #[command(flatten)]
    pub(crate) training: Training,
}

/// What figures are drawn for.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Size {
    /// A journal: 183 mm across, text of 5 to 7 points
    Paper,
    /// Slides: 338 mm across, text of 14 to 16 points, and thicker lines
    Talk,
}

impl Size {
    pub(crate) fn theme(self) -> Theme {
        match self {
            Self::Paper => Theme::default(),
            Self::Talk => Theme::talk(),
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Train {
    #[command(flatten)]
    pub(crate) which: Which,
    #[command(flatten)]
    pub(crate) training: Training,
    #[command(flatten)]
    pub(crate) listing: Listing,
}

#[derive(Debug, Args)]
pub(crate) struct Analyse {
    /// The analysis; `concertina analyses` lists them
    #[arg(value_name = "NAME")]
    pub(crate) analysis: Option<String>,
    #[command(flatten)]
    pub(crate) which: Which,
    /// A setting of the analysis: `exponents=5`
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) with: Vec<String>,
    /// A run in the store by its key, or the beginning of it, in place of parameters
    #[arg(long = "run", value_name = "KEY", conflicts_with_all = ["arguments", "seeds"], value_parser = key)]
    pub(crate) runs: Vec<String>,
    /// States from a file in place of runs, of any network or brain: (trials, units) or (trials, timesteps,
    /// units) as .npy, .npz or .safetensors; `concertina runs states` writes such files
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["arguments", "seeds", "runs", "checkpoints", "rerun", "clear", "keep", "print"]
    )]
    pub(crate) states: Option<PathBuf>,
    /// The file with the arrays `labels` and `conditions` of the states, one whole number for each trial
    /// [default: the file of the states]
    #[arg(long, value_name = "FILE", requires = "states")]
    pub(crate) labels: Option<PathBuf>,
    /// What keys the random numbers of an analysis of states [default: 0]
    #[arg(long = "seed", value_name = "SEED", requires = "states")]
    pub(crate) seed_of_states: Option<u64>,
    /// Which checkpoints: `ends`, `first`, `last`, `last:10` (the last ten), `every:5` (epochs), `all`, or
    /// epochs: `0,5,12`
    #[arg(long, value_name = "WHICH", default_value = "ends")]
    pub(crate) checkpoints: String,
    /// Write the table to a file, in the format of its extension: .csv, .json or .parquet
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) training: Training,
    #[command(flatten)]
    pub(crate) listing: Listing,
}

#[derive(Debug, Args)]
pub(crate) struct View {
    /// The port to listen on, on this machine only [default: any that is free]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub(crate) port: u16,
    /// Print the address, and do not open it
    #[arg(long)]
    pub(crate) no_open: bool,
    /// Begin with the page of a run, by its key or the beginning of it
    #[arg(long, value_name = "KEY", value_parser = key)]
    pub(crate) run: Option<String>,
    /// Let the playground keep its network as a run; without this, the store is only read
    #[arg(long)]
    pub(crate) allow_training: bool,
    /// The folder of figures and reports to show
    #[arg(long, value_name = "DIR", default_value = "figures")]
    pub(crate) figures: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Analyses {
    /// Only this analysis
    #[arg(value_name = "NAME")]
    pub(crate) analysis: Option<String>,
    /// In Markdown, with one section per analysis
    #[arg(long, conflicts_with_all = ["json", "csv"])]
    pub(crate) markdown: bool,
    #[command(flatten)]
    pub(crate) listing: Listing,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Runs {
    /// List runs, one row per run
    List {
        /// Only these runs: `gain = 250 and validation_accuracy > 0.9`
        #[arg(long = "where", value_name = "CONDITION")]
        condition: Option<String>,
        /// These columns: `key,gain,validation_loss,finished,wall_seconds` [default: those that differ
        /// between the runs]
        #[arg(long, value_name = "NAMES", value_delimiter = ',')]
        columns: Vec<String>,
        /// Sort by these columns; a minus sorts from largest to smallest:
        /// `--sort=-validation_accuracy,seed` [default: by key]
        #[arg(long, value_name = "NAMES", value_delimiter = ',', allow_hyphen_values = true)]
        sort: Vec<String>,
        /// Write the table to a file, in the format of its extension: .csv, .json or .parquet
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        #[command(flatten)]
        listing: Listing,
    },
    /// Show one run: parameters, checkpoints, history
    Show {
        /// Its key, or the beginning of it
        #[arg(value_parser = key)]
        key: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove runs and the results of their analyses
    Rm(Remove),
    /// Remove what is no longer of use: results of outdated versions or of removed runs, and files that
    /// killed processes left behind
    Gc(Collect),
    /// Write runs for NumPy and PyTorch: one run as an archive (.npz), several as a folder of archives with
    /// a table
    Export(Export),
    /// Write the states of a run at a checkpoint, with the inputs, labels and conditions of their trials:
    /// .npz or .safetensors
    States(States),
    /// Keep a network that was trained elsewhere as a run: weights as .pt, .npz or .safetensors
    Import(Import),
    /// Show how much space is taken by checkpoints, states and memoised analyses
    Du {
        #[command(flatten)]
        listing: Listing,
    },
}

/// Which runs of the store.
#[derive(Debug, Args)]
pub(crate) struct Chosen {
    /// Their keys, or the beginnings of them
    #[arg(value_name = "KEY", required_unless_present = "condition", value_parser = key)]
    pub(crate) keys: Vec<String>,
    /// All these runs: `gain = 250 and input_dim = 2`
    #[arg(long = "where", value_name = "CONDITION", conflicts_with = "keys")]
    pub(crate) condition: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Remove {
    #[command(flatten)]
    pub(crate) chosen: Chosen,
    /// Print what would be removed, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) listing: Listing,
}

#[derive(Debug, Args)]
pub(crate) struct Collect {
    /// Of finished runs, keep only these checkpoints: `ends`, `last:10`, `every:5`, `0,5,12`; the others
    /// are recomputed, bit-for-bit, when they are needed
    #[arg(long, value_name = "WHICH")]
    pub(crate) checkpoints: Option<String>,
    /// Remove damaged files that were set aside
    #[arg(long)]
    pub(crate) set_aside: bool,
    /// Remove results of analyses that this version does not know, such as a newer version's or your own
    #[arg(long)]
    pub(crate) unknown_analyses: bool,
    /// Print what would be removed, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) listing: Listing,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    #[command(flatten)]
    pub(crate) chosen: Chosen,
    /// Where to write: `run.npz` for one run, a new or empty folder for any number of runs
    #[arg(long, value_name = "PATH")]
    pub(crate) out: PathBuf,
    /// Which of the kept checkpoints: `ends`, `first`, `last`, `last:10`, `every:5`, `all`, or epochs:
    /// `0,5,12`
    #[arg(long, value_name = "WHICH", default_value = "all")]
    pub(crate) checkpoints: String,
    #[command(flatten)]
    pub(crate) listing: Listing,
}

#[derive(Debug, Args)]
pub(crate) struct States {
    /// The key of the run, or the beginning of it
    #[arg(value_name = "KEY", value_parser = key)]
    pub(crate) key: String,
    /// Where to write: a new file, `states.npz` or `states.safetensors`
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Which checkpoint: `first`, `last`, or an epoch
    #[arg(long, value_name = "WHICH", default_value = "last")]
    pub(crate) checkpoint: String,
    /// How many trials, as in the setting of analyses
    #[arg(long, value_name = "N", default_value_t = 500)]
    pub(crate) samples: usize,
    /// Continue the trials to this timestep, with zero input
    #[arg(long, value_name = "TIMESTEP")]
    pub(crate) extend_to: Option<i64>,
    /// Only these timesteps, from 0: `0,4,9` [default: all]
    #[arg(long, value_name = "TIMESTEPS", value_delimiter = ',')]
    pub(crate) timesteps: Vec<usize>,
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The network after training, or the only network: a .pt, .pth, .npz, .npy or .safetensors file with
    /// the names of PyTorch's RNN and Linear, of the published code, or ours; or an archive written by
    /// `runs export`, a folder of such archives, or an output folder of the published code
    #[arg(value_name = "WEIGHTS")]
    pub(crate) weights: PathBuf,
    /// The network before training
    #[arg(long, value_name = "WEIGHTS")]
    pub(crate) before: Option<PathBuf>,
    /// Which array is which, where its name does not tell; `.T` transposes it:
    /// `recurrent_weights=h2h.weight.T`; `none` says that it is missing
    #[arg(long = "name", value_name = "OURS=THEIRS")]
    pub(crate) names: Vec<String>,
    #[command(flatten)]
    pub(crate) which: Which,
    #[command(flatten)]
    pub(crate) listing: Listing,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Store {
    /// Print where the store is
    Where,
    /// Read every file of the store and check it
    Verify {
        #[command(flatten)]
        listing: Listing,
    },
    /// Set damaged files aside and keep what is undamaged; what is set aside is recomputed when it is
    /// needed
    Repair {
        #[command(flatten)]
        listing: Listing,
    },
    /// Copy every run and result of another store into this one
    Merge {
        /// The other store, which is only read
        #[arg(value_name = "DIR")]
        other: PathBuf,
        #[command(flatten)]
        listing: Listing,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Params {
    /// As a table in Markdown
    #[arg(long, conflicts_with_all = ["json", "paper"])]
    pub(crate) markdown: bool,
    /// Show the published code's names first
    #[arg(long)]
    pub(crate) paper: bool,
    /// As JSON: an array with one object per parameter
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Devices {
    /// Only list the devices, and leave out the benchmark
    #[arg(long)]
    pub(crate) list: bool,
    #[command(flatten)]
    pub(crate) listing: Listing,
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Read every file of the store and check it
    #[arg(long)]
    pub(crate) verify: bool,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Methods {
    /// Figures (`fig2`), runs of the store by their keys, a recipe, or a file of parameters and then
    /// overrides: `gain=250`
    #[arg(value_name = "FIG | KEY | FILE | NAME=VALUE", required = true)]
    pub(crate) subjects: Vec<String>,
    /// Of figures: thirty realisations, seeds 0 to 29, instead of five
    #[arg(long, conflicts_with = "seeds")]
    pub(crate) full: bool,
    /// Other realisations: `0..10`
    #[arg(long, value_name = "SEEDS")]
    pub(crate) seeds: Option<String>,
    /// Of figures that were reproduced with `--until-decided`
    #[arg(long)]
    pub(crate) until_decided: bool,
    /// With `--until-decided`: the most realisations of a claim
    #[arg(long, value_name = "N", default_value_t = 100, requires = "until_decided")]
    pub(crate) most: usize,
    /// The format
    #[arg(long, value_name = "FORMAT", default_value = "markdown", conflicts_with = "json")]
    pub(crate) format: MethodsFormat,
    /// As JSON: sections, table and references
    #[arg(long)]
    pub(crate) json: bool,
}

/// The format of a methods section.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum MethodsFormat {
    /// Markdown, with formulas in LaTeX
    Markdown,
    /// LaTeX, with the package amsmath
    Latex,
}

#[derive(Debug, Args)]
pub(crate) struct Cite {
    /// Figures, recipes of your own (my.toml) and analyses that were used [default: all analyses]
    #[arg(value_name = "FIG | ANALYSIS")]
    pub(crate) used: Vec<String>,
}

/// A key or the beginning of one. It must not be empty, because that would match any run.
fn key(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("expected a key or the beginning of one".to_owned()),
        key => Ok(key.to_owned()),
    }
}

/// A number of threads.
fn jobs(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(number @ 1..=4096) => Ok(number),
        _ => Err("expected a whole number from 1 to 4096".to_owned()),
    }
}
