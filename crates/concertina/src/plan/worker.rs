//! Works on a plan, together with any number of other processes.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use concertina_store::RunKey;
use concertina_table::{Scalar, Table};

use super::WorkPlan;
use crate::engine::{self, lacks};
use crate::error::{Error, Result};
use crate::event::{Event, EventKind, Observer};
use crate::library::trials::{self, KeptTrials};
use crate::params_table;
use crate::record::{Outcome, RunRecord, Source};
use crate::request::write_new;
use crate::study::Study;

/// What a worker did.
#[derive(Debug)]
#[non_exhaustive]
pub struct Worked {
    /// The runs of the plan.
    pub runs: usize,
    /// Runs that were trained here, at least in part.
    pub trained: usize,
    /// Runs that are unfinished because a stop was requested or the time was up.
    pub unfinished: usize,
    /// What failed: runs, and analyses of runs.
    pub failures: Vec<Error>,
    /// The time that it took.
    pub time: Duration,
}

/// How far a plan is done, by whatever process. It remembers what was done, so that a second look is quick.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Standing {
    /// The runs of the plan.
    pub runs: usize,
    /// Runs of which the store has everything that is asked for.
    pub done: usize,
    /// Runs that processes are currently working on.
    pub running: usize,
    is_done: Vec<bool>,
}

impl Standing {
    /// Nothing is known yet.
    pub fn of(plan: &WorkPlan) -> Self {
        Self { runs: plan.len(), done: 0, running: 0, is_done: vec![false; plan.len()] }
    }

    /// Whether nothing is missing.
    pub fn is_complete(&self) -> bool {
        self.done == self.runs
    }
}

/// Passes events on, and remembers analyses that failed.
struct Failures {
    observer: Arc<dyn Observer>,
    analyses: Mutex<BTreeSet<(RunKey, String)>>,
}

impl Observer for Failures {
    fn observe(&self, event: &Event) {
        if let EventKind::Analysed { run, analysis, result: Err(reason), .. } = &event.kind {
            let message = format!("`{analysis}`: {reason}");
            self.analyses.lock().unwrap_or_else(PoisonError::into_inner).insert((*run, message));
        }
        self.observer.observe(event);
    }
}

impl Study {
    /// Writes a plan to a new file. The store keeps the trials that its runs need and that were made
    /// elsewhere, so that workers find them.
    ///
    /// # Errors
    /// [`Error::Write`], also if the file exists; [`Error::Store`].
    pub fn write_plan(&self, plan: &WorkPlan, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let mut known = BTreeSet::new();
        for params in plan.runs() {
            if params.task.arrays().is_some_and(|arrays| known.insert(arrays.name().to_string())) {
                trials::keep(&self.context.store, params)?;
            }
        }
        let wrong = |error: serde_json::Error| Error::Write { source: error.into(), path: path.to_owned() };
        write_new(path, plan.to_text().map_err(wrong)?.as_bytes())
    }

    /// Reads plans, and joins them.
    ///
    /// # Errors
    /// [`Error::Read`]; [`Error::Plan`] if a file is not a plan, or one that a program of another version
    /// wrote and that means something else here.
    pub fn read_plans(&self, paths: impl IntoIterator<Item = impl AsRef<Path>>) -> Result<WorkPlan> {
        let kept = KeptTrials::of(&self.context.store);
        let read = |path: &Path| WorkPlan::read(path, &|name| kept.find(name));
        let plans: Vec<WorkPlan> =
            paths.into_iter().map(|path| read(path.as_ref())).collect::<Result<_>>()?;
        Ok(WorkPlan::join(plans))
    }

    /// Trains and analyses what a plan asks for, together with all other processes that work on it, until the
    /// store has all of it. Results are published and not returned.
    ///
    /// Each run is claimed by the process that works on it, the longest first. When nothing is left but runs
    /// that other processes hold, it waits for those: it takes over the runs of a process that dies.
    ///
    /// # Errors
    /// [`Error::Store`] if the store cannot be used; also if an analysis does not apply to its run.
    pub fn work(&self, plan: &WorkPlan) -> Result<Worked> {
        let begin = Instant::now();
        let questions = plan.questions()?;
        self.worked(plan, begin, |study| {
            let context = &study.context;
            engine::publish(&context.store, &context.settings, &context.seats, &plan.demands(&questions))
        })
    }

    /// Counts the outcomes of `work`, which is given a study that remembers failures.
    pub(super) fn worked(
        &self,
        plan: &WorkPlan,
        begin: Instant,
        work: impl FnOnce(&Study) -> Result<Vec<RunRecord>>,
    ) -> Result<Worked> {
        let mut settings = self.context.settings.clone();
        let failed =
            Arc::new(Failures { observer: Arc::clone(&settings.observer), analyses: Mutex::default() });
        settings.observer = failed.clone();
        let records = work(&self.with_settings(settings))?;
        self.after_work()?;
        let of_runs = records.iter().filter(|run| matches!(run.outcome, Outcome::Failed { .. }));
        let mut failures: Vec<Error> = of_runs.filter_map(RunRecord::failure).collect();
        let analyses = failed.analyses.lock().unwrap_or_else(PoisonError::into_inner);
        failures.extend(analyses.iter().map(|(run, message)| Error::RunFailed {
            run: run.short(),
            message: message.clone(),
            hint: None,
        }));
        let count = |is: &dyn Fn(&RunRecord) -> bool| records.iter().filter(|run| is(run)).count();
        Ok(Worked {
            runs: plan.len(),
            trained: count(&|run| !matches!(run.source, Source::Loaded | Source::Nothing)),
            unfinished: count(&|run| run.outcome == Outcome::Interrupted),
            failures,
            time: begin.elapsed(),
        })
    }

    /// Looks up how far a plan is done. What the standing says is done is not looked up again.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn look_at(&self, plan: &WorkPlan, standing: &mut Standing) -> Result<()> {
        let (store, settings) = (&self.context.store, &self.context.settings);
        let questions = plan.questions()?;
        let mut open = BTreeSet::new();
        for (demand, is_done) in plan.demands(&questions).iter().zip(&mut standing.is_done) {
            if *is_done || settings.cancelled() {
                continue;
            }
            *is_done = lacks(store, settings, demand)?.is_none();
            if !*is_done {
                open.insert(RunKey::of(&demand.params.canonical()).to_string());
            }
        }
        standing.done = standing.is_done.iter().filter(|is_done| **is_done).count();
        let claims = store.claims(store.file_system_time().unwrap_or_else(SystemTime::now))?;
        standing.running = claims.iter().filter(|claim| !claim.is_stale && open.contains(&claim.run)).count();
        Ok(())
    }

    /// What the store lacks of a plan, one row per run: `run`, the parameters that vary, `seed`,
    /// `epochs_left` to train, and `analyses_left` to compute, each at one checkpoint.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn missing_of(&self, plan: &WorkPlan) -> Result<Table> {
        let (store, settings) = (&self.context.store, &self.context.settings);
        let questions = plan.questions()?;
        let varied = concertina_model::params::varied(plan.runs());
        let mut rows = Vec::new();
        for demand in plan.demands(&questions) {
            let Some(ahead) = lacks(store, settings, &demand)? else { continue };
            let key = RunKey::of(&demand.params.canonical()).to_string();
            let mut row = vec![("run".to_owned(), key.into())];
            row.extend(params_table::identity(demand.params, &varied));
            let analyses: usize = ahead.analyses.values().sum();
            row.push(("epochs_left".to_owned(), Scalar::Integer(ahead.epochs as i64)));
            row.push(("analyses_left".to_owned(), Scalar::Integer(analyses as i64)));
            rows.push(params_table::row(row)?);
        }
        params_table::stack(rows)
    }
}
