#![doc = include_str!("../../../README.md")]

mod answer;
mod cite;
mod condition;
mod context;
mod device;
mod doctor;
mod engine;
mod error;
mod event;
mod hint;
mod jobs;
mod library;
mod methods;
mod params_table;
mod plan;
mod record;
mod report;
mod request;
mod run;
mod selection;
mod settings;
mod spec;
mod states;
mod study;
mod tally;
mod time_limit;

pub use concertina_analysis as analyses;
pub use concertina_arrays as arrays;
pub use concertina_model as model;
pub use concertina_model::params::parameters_markdown;
pub use concertina_plot as plot;
pub use concertina_recipe as recipe;
pub use concertina_store as store;
pub use concertina_table as table;
pub use concertina_table::Condition;

pub use answer::{Answers, LyapunovExponent, LyapunovSpectra};
pub use cite::bibliography;
pub use condition::RunColumns;
pub use device::{CpuReport, DeviceChoice, DevicesReport, GpuReport, devices, devices_table};
pub use doctor::{
    ClaimSummary, Diagnosis, ENVIRONMENT_VARIABLES, MachineReport, NumberCheck, Problem, ProgramReport,
    Severity, StoreReport, describe_size, doctor,
};
pub use engine::{Missing, Spent};
pub use error::{Error, ErrorKind, Result};
pub use event::{Event, EventKind, Observer, Unobserved};
pub use hint::Hint;
pub use jobs::{
    EngineKind, Job, JobOptions, JobState, JobStatus, Packing, Submission, Workload, job_table,
    parse_duration, shell_word, submission_table, user_defaults,
};
pub use library::columns::run_table_column;
pub use library::export::{Exported, exported_table};
pub use library::import::{Import, ImportSource, Imported, ReadImport, imported_table};
pub use library::listing::{
    RunListing, Sorting, concise, findings_table, key_of, parameter_table, run_label, usage_table,
};
pub use library::merge::{MergeFate, Merged, merged_table};
pub use library::removal::{Collected, Garbage, collected_table};
pub use library::stored::StoredRun;
pub use library::watch::{RunWatch, RunsSeen};
pub use methods::Methods;
pub use plan::{Standing, WorkPlan, Worked};
pub use record::{Comparison, Difference, Divergence, Outcome, RunRecord, Source};
pub use report::{
    AnalysisTime, ClaimReport, ComparedPoint, Computed, Counts, Drawn, DrawnFigure, FigurePlan, FigureReport,
    Made, Outlook, PublishedReport, PublishedValue, Report, Round, RunReport, RunsReport, Share, TimeSpent,
    all_recipes, recipes,
};
pub use request::{check_table_format, one_of, read_sweep, seeds, sweep, write_table};
pub use run::{Run, Runs};
pub use selection::CheckpointSelection;
pub use settings::{Keep, Settings};
pub use spec::{analyses_markdown, analysis, analysis_settings, analysis_table, analysis_with, has_setting};
pub use states::{StatesOf, check_states_format, read_states};
pub use study::{Analysed, Study, StudyBuilder};
pub use tally::{Tally, describe};

/// What most programs need.
///
/// ```
/// use concertina::prelude::*;
///
/// fn main() -> concertina::Result<()> {
///     # let folder = tempfile::tempdir().expect("a folder");
///     # std::env::set_current_dir(folder.path()).expect("the folder exists");
///     let mut base = Params::default();                        // the paper's defaults
///     base.task.input_dim = 2;
///     base.train.epochs = 120;
///     # (base.train.epochs, base.network.units, base.task.train_samples) = (2, 24, 40); // small enough for a test
///     let sweep = Sweep::of(base).gain([20.0, 250.0]).seeds(0..5).check()?;
///     let study = Study::open("runs")?;                        // a store and a pool of threads
///     let runs = study.train(&sweep)?;                         // loads what exists, trains the rest
///     let dimension = runs.analyse(&EffectiveDimension { samples: 500, ..Default::default() })?;
///     let spectrum = runs.first().analyse(&Lyapunov { exponents: Some(10), ..Default::default() })?;
///     println!("{:.3} bits per timestep", spectrum.largest().bits_per_timestep());
///     Panel::lines(&dimension).x("timestep").y("effective_dimension").hue("gain").style("stage")
///         .band(ErrorBar::Gamma).save("dimension.pdf")?;       // also writes .svg, .png and .csv
///     # assert!(std::path::Path::new("dimension.pdf").exists() && std::path::Path::new("dimension.csv").exists());
///     Ok(())
/// }
/// ```
pub mod prelude {
    pub use concertina_analysis::{AnalysisSpec, Timestep, Timesteps};
    pub use concertina_model::params::{Params, Sweep, ValidParams};
    pub use concertina_plot::{ErrorBar, Panel};
    pub use concertina_table::Table;

    pub use crate::{CheckpointSelection, DeviceChoice, Keep, Outcome, Run, Runs, Study};

    /// Every analysis.
    macro_rules! names {
        ($($name:ident: $analysis:ident,)*) => { pub use concertina_analysis::{$($analysis),*}; };
    }
    concertina_analysis::each_analysis!(names);
}
