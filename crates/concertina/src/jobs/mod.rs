//! Jobs: plans that are handed to a scheduler, which starts workers for them.
//!
//! No scheduler is written here. An engine that exists starts processes, and the store's claims hand out the
//! runs. A job is a folder in the store, `jobs/<number>`: the plan, the script that the engine is given, a
//! record of its submissions, and the logs of its tasks.

mod engine;
mod options;
mod packing;
mod record;
mod script;
mod study;
mod words;

pub use engine::EngineKind;
pub use options::{JobOptions, user_defaults};
pub use packing::{Packing, Workload};
pub use record::{Job, Submission};
pub use study::{JobState, JobStatus, job_table, submission_table};
pub use words::{parse_duration, shell_word};
