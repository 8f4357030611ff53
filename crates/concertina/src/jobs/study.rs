//! Makes jobs, hands them to their engines, and looks after them.

use std::path::Path;
use std::time::Duration;

use concertina_table::{Scalar, Table};

use super::engine::{self, EngineKind, Queued};
use super::options::JobOptions;
use super::packing::{Packing, Workload};
use super::record::{FAILED, Job, Submission};
use super::script;
use crate::engine::{Pace, lacks};
use crate::error::{Error, Result};
use crate::hint::Hint;
use crate::library::provenance::now;
use crate::params_table;
use crate::plan::{Standing, WorkPlan};
use crate::study::Study;

/// Seconds that a run takes besides training and analysing, to be looked up, claimed and published.
/// Arbitrary: a few flushed files on a local disk.
const PUBLISHING: f64 = 0.02;

/// How a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum JobState {
    /// It was written and not submitted.
    Written,
    /// The engine has tasks that wait, and none that runs.
    Waiting,
    /// Tasks of it run.
    Running,
    /// The store has everything.
    Complete,
    /// It was cancelled, and something is missing.
    Cancelled,
    /// Tasks failed as soon as they began, and something is missing.
    Failed,
    /// The engine has no task of it left, and something is missing.
    Ended,
    /// Something is missing, and the engine cannot be asked.
    Unknown,
}

impl JobState {
    /// Its name, in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Written => "not submitted",
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Complete => "complete",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
            Self::Ended => "ended",
            Self::Unknown => "unknown",
        }
    }

    /// Whether nothing more happens by itself.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Written | Self::Complete | Self::Cancelled | Self::Failed | Self::Ended)
    }
}

/// What the engine says of a job, and what the store says is done.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct JobStatus {
    /// The job.
    pub job: Job,
    /// How it stands.
    pub state: JobState,
    /// Runs of which the store has everything.
    pub done: usize,
    /// Tasks that wait for a node; `None` if the engine cannot be asked.
    pub pending: Option<usize>,
    /// Tasks that run.
    pub running: Option<usize>,
    /// What the engine answered instead.
    pub problem: Option<String>,
}

impl Job {
    /// How the missing work of a job is packed if it is submitted now. A script that was not submitted yet
    /// says how many tasks it has, as it was edited. A template always does.
    pub fn packing(&self, work: &Workload, options: &JobOptions) -> Packing {
        let task_time = self.task_seconds.map(Duration::from_secs).or(options.task_time);
        let options = JobOptions { cpus_per_task: Some(self.cores), task_time, ..options.clone() };
        let tasks = match self.engine {
            EngineKind::Slurm if self.submissions.is_empty() => {
                script::array_of(self).map(|(tasks, _)| tasks)
            }
            EngineKind::Slurm => None,
            EngineKind::Template => Some(self.tasks),
        };
        tasks.map_or_else(|| Packing::of(work, &options), |tasks| Packing::into_tasks(tasks, work, &options))
    }
}

impl Study {
    /// Looks up what the store lacks of a plan, and estimates from a short measurement how long it takes: one
    /// epoch of every shape of run, and each analysis once. Nothing of it is kept.
    ///
    /// # Errors
    /// [`Error::Store`]; also if an analysis does not apply to its run.
    pub fn workload(&self, plan: &WorkPlan) -> Result<Workload> {
        let (store, settings) = (&self.context.store, &self.context.settings);
        let questions = plan.questions()?;
        let mut demands = Vec::new();
        let mut ahead = Vec::new();
        for demand in plan.demands(&questions) {
            if let Some(missing) = lacks(store, settings, &demand)? {
                ahead.push(missing);
                demands.push(demand);
            }
        }
        let pace = Pace::measure(settings.jobs, &demands, &ahead)?;
        let mut work = Workload { runs: plan.len(), missing: demands.len(), ..Workload::default() };
        for (demand, ahead) in demands.iter().zip(&ahead) {
            let seconds = pace.seconds(demand, ahead)? + PUBLISHING;
            work.seconds += seconds;
            work.longest = work.longest.max(seconds);
        }
        Ok(work)
    }

    /// Writes a job: its plan and its script. It is handed to its engine by [`Study::submit`].
    ///
    /// `program` is the command `concertina` as the nodes find it. `command` are the arguments of the command
    /// that the plan is for, typed in the current folder.
    ///
    /// # Errors
    /// [`Error::Write`]; [`Error::Job`] if the options are wrong; [`Error::Read`] of a template.
    pub fn write_job(
        &self,
        plan: &WorkPlan,
        work: &Workload,
        options: &JobOptions,
        program: &Path,
        command: &[String],
    ) -> Result<Job> {
        let packing = Packing::of(work, options);
        let engine = options.engine();
        let template = match (engine, &options.template) {
            (EngineKind::Template, None) => {
                return Err(Error::Job {
                    reason: "expected a template, found none".to_owned(),
                    hint: Some(Hint::text(
                        "a template is a script that starts workers, with `{{command}}` in it",
                    )),
                });
            }
            (EngineKind::Template, Some(path)) => Some(
                std::fs::read_to_string(path).map_err(|source| Error::Read { source, path: path.clone() })?,
            ),
            (EngineKind::Slurm, _) => None,
        };
        let store = self.folder();
        let mut job = Job::new(&store, engine, plan.len(), &packing, now())?;
        job.task_seconds = Some(Packing::task_time(options).as_secs());
        (job.command, job.typed_in) = (command.to_vec(), std::env::current_dir().unwrap_or_default());
        let write = || {
            let text = match &template {
                Some(template) => script::fill(template, &job, &packing, options, program, &store)?,
                None => script::slurm(&job, work, &packing, options, program, &store)?,
            };
            self.write_plan(plan, job.plan())?;
            engine::write_script(&job, &text)?;
            job.write()
        };
        match write() {
            Ok(()) => Ok(job),
            Err(error) => {
                job.discard();
                Err(error)
            }
        }
    }

    /// Hands a job to its engine, with as many tasks as the missing work is packed into. The script is taken
    /// as it is now.
    ///
    /// # Errors
    /// [`Error::Job`] with what the engine answered. If the job had never been submitted, it is removed.
    pub fn submit(&self, job: Job, work: &Workload, options: &JobOptions) -> Result<Job> {
        let Packing { tasks, .. } = job.packing(work, options);
        // Another submission may work on another machine, or with other options.
        let _ = std::fs::remove_file(job.folder().join(FAILED));
        match engine::submit(&job, tasks, options.array_parallelism) {
            Ok(id) => {
                let mut job = job;
                job.submissions.push(Submission { id, tasks, time: now() });
                (job.cancelled, job.complete) = (false, false);
                job.write()?;
                Ok(job)
            }
            Err(error) => {
                if job.submissions.is_empty() {
                    job.discard();
                }
                Err(error)
            }
        }
    }

    /// Removes the folder of a store in which nothing is, as one that was made for a job that its engine
    /// refused.
    pub fn discard_if_empty(&self) {
        self.context.store.remove_if_empty();
    }

    /// The jobs of the store, by number.
    ///
    /// # Errors
    /// [`Error::Read`]; [`Error::Job`] if the record of one is damaged.
    pub fn jobs_of_store(&self) -> Result<Vec<Job>> {
        Job::all(&self.folder())
    }

    /// One job of the store; without a number, the last one.
    ///
    /// # Errors
    /// [`Error::Job`] if there is none; [`Error::Read`].
    pub fn job(&self, number: Option<u64>) -> Result<Job> {
        let last = || Ok::<_, Error>(Job::all(&self.folder())?.last().map(|job| job.number));
        match number.map_or_else(last, |number| Ok(Some(number)))? {
            Some(number) => Job::read(&self.folder(), number),
            None => Err(Error::Job {
                reason: "the store has no jobs".to_owned(),
                hint: Some(Hint::text("`submit` makes one; `--store` names another store")),
            }),
        }
    }

    /// Asks the engine and the store about a job. What the standing says is done is not looked up again.
    ///
    /// # Errors
    /// [`Error::Store`]; [`Error::Plan`] if its plan cannot be read.
    pub fn job_status(&self, job: &Job, plan: &WorkPlan, standing: &mut Standing) -> Result<JobStatus> {
        let mut job = job.clone();
        let (queued, problem) = match (job.complete, job.submissions.is_empty()) {
            (false, false) => match engine::queued(&job) {
                Ok(queued) => (queued, None),
                Err(error) => (None, Some(error.to_string())),
            },
            _ => (Some(Queued::default()), None),
        };
        // After the engine: what a task does between the two looks is not overlooked.
        if job.complete {
            standing.done = standing.runs;
        } else {
            self.look_at(plan, standing)?;
        }
        if standing.is_complete() && !job.complete && !self.context.read_only {
            job.complete = true;
            job.write()?;
        }
        let state = match queued {
            _ if standing.is_complete() => JobState::Complete,
            _ if job.submissions.is_empty() => JobState::Written,
            None => JobState::Unknown,
            Some(Queued { running: 1.., .. }) => JobState::Running,
            Some(Queued { pending: 1.., .. }) => JobState::Waiting,
            _ if job.cancelled => JobState::Cancelled,
            _ if job.folder().join(FAILED).exists() => JobState::Failed,
            _ => JobState::Ended,
        };
        Ok(JobStatus {
            job,
            state,
            done: standing.done,
            pending: queued.map(|queued| queued.pending),
            running: queued.map(|queued| queued.running),
            problem,
        })
    }

    /// Takes a job back from its engine. What its workers have published is kept.
    ///
    /// # Errors
    /// [`Error::Job`] with what the engine answered; [`Error::Write`].
    pub fn cancel_job(&self, mut job: Job) -> Result<Job> {
        engine::cancel(&job)?;
        job.cancelled = true;
        job.write()?;
        Ok(job)
    }
}

/// What is submitted, or would be, as a table of one row: `job` and `id`, what the engine calls it, if it was
/// submitted; `runs` of the plan, `missing` of them; `tasks`, `cores` of each, the `seconds` that each is
/// expected to take, and `time`, the seconds that it may take.
///
/// # Errors
/// [`Error::Table`].
pub fn submission_table(job: Option<&Job>, work: &Workload, packing: &Packing) -> Result<Table> {
    let count = |count: usize| Scalar::Integer(count as i64);
    let id = job.and_then(|job| job.submissions.last()).map(|last| last.id.clone());
    let row = params_table::row([
        ("job".to_owned(), job.map_or(Scalar::Null, |job| Scalar::Integer(job.number as i64))),
        ("id".to_owned(), id.filter(|id| !id.is_empty()).map_or(Scalar::Null, Scalar::Text)),
        ("runs".to_owned(), count(work.runs)),
        ("missing".to_owned(), count(work.missing)),
        ("tasks".to_owned(), count(packing.tasks)),
        ("cores".to_owned(), count(packing.cores)),
        ("seconds".to_owned(), packing.seconds.into()),
        ("time".to_owned(), Scalar::Integer(packing.time.as_secs() as i64)),
    ])?;
    params_table::stack(vec![row])
}

/// Jobs as a table: `job`, `state`, `runs`, `done`, `pending`, `running`, `engine`, `id`, `submitted`,
/// `command`.
///
/// # Errors
/// [`Error::Table`].
pub fn job_table(jobs: &[JobStatus]) -> Result<Table> {
    let count = |count: Option<usize>| count.map_or(Scalar::Null, |count| Scalar::Integer(count as i64));
    let row = |status: &JobStatus| {
        let job = &status.job;
        let text = |text: Option<&String>| text.map_or(Scalar::Null, |text| Scalar::Text(text.clone()));
        let last = job.submissions.last();
        let engine = match job.engine {
            EngineKind::Slurm => "slurm",
            EngineKind::Template => "template",
        };
        let command = job.command.iter().map(|word| super::shell_word(word)).collect::<Vec<_>>().join(" ");
        params_table::row([
            ("job".to_owned(), Scalar::Integer(job.number as i64)),
            ("state".to_owned(), Scalar::Text(status.state.name().to_owned())),
            ("runs".to_owned(), Scalar::Integer(job.runs as i64)),
            ("done".to_owned(), Scalar::Integer(status.done as i64)),
            ("pending".to_owned(), count(status.pending)),
            ("running".to_owned(), count(status.running)),
            ("engine".to_owned(), Scalar::Text(engine.to_owned())),
            ("id".to_owned(), text(last.map(|last| &last.id).filter(|id| !id.is_empty()))),
            ("submitted".to_owned(), text(last.map(|last| &last.time))),
            ("command".to_owned(), text(Some(&command).filter(|command| !command.is_empty()))),
        ])
    };
    params_table::stack(jobs.iter().map(row).collect::<Result<_>>()?)
}
