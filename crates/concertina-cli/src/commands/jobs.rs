//! `concertina jobs`

use std::io::{IsTerminal, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use concertina::{
    Error, Hint, Job, JobState, JobStatus, Standing, Study, WorkPlan, job_table, user_defaults,
};

use super::submit;
use crate::arguments::{Everywhere, JobAction, Jobs};
use crate::interrupt;
use crate::output::{Failure, print, print_table, say};
use crate::progress::{approximately, bar};

/// Time between two looks at the first, and at most. Arbitrary: a cluster's engine must not be asked often.
const FIRST_LOOK: Duration = Duration::from_millis(500);
const LAST_LOOK: Duration = Duration::from_secs(15);
/// Looking may take one part in this many of the time.
const SHARE: u32 = 20;
/// Bytes at the end of a log that are read.
const END: u64 = 1 << 16;

pub(crate) fn run(everywhere: &Everywhere, jobs: &Jobs) -> Result<(), Failure> {
    match &jobs.action {
        None => list(everywhere, jobs),
        Some(JobAction::Cancel { numbers }) => cancel(everywhere, numbers),
        Some(JobAction::Logs { number, lines }) => logs(everywhere, *number, *lines),
        Some(JobAction::Resubmit { number, dry_run }) => resubmit(everywhere, *number, *dry_run),
        Some(JobAction::Wait { number }) => {
            let study = everywhere.builder().open_existing()?;
            let job = study.job(*number)?;
            let plan = study.read_plans([job.plan()])?;
            wait(everywhere, &study, job, &plan)
        }
    }
}

/// Asks the engine and the store about a job.
fn status_of(study: &Study, job: &Job) -> Result<JobStatus, Failure> {
    let plan = study.read_plans([job.plan()])?;
    Ok(study.job_status(job, &plan, &mut Standing::of(&plan))?)
}

fn list(everywhere: &Everywhere, jobs: &Jobs) -> Result<(), Failure> {
    let study = everywhere.builder().open_existing()?;
    let mut all = Vec::new();
    for job in study.jobs_of_store()? {
        all.push(status_of(&study, &job)?);
    }
    if !all.is_empty() || jobs.listing.json || jobs.listing.csv {
        print_table(&job_table(&all)?, jobs.listing, None)?;
    } else if !everywhere.quiet {
        say("the store has no jobs");
    }
    if let Some(problem) = all.iter().find_map(|status| status.problem.as_ref()) {
        say(&format!("warning: {problem}"));
    }
    Ok(())
}

fn cancel(everywhere: &Everywhere, numbers: &[u64]) -> Result<(), Failure> {
    let study = everywhere.builder().open_existing()?;
    for &number in numbers {
        let job = study.job(Some(number))?;
        let status = status_of(&study, &job)?;
        if status.state.is_over() {
            say(&format!("job {number} is {}: nothing to cancel", status.state.name()));
            continue;
        }
        study.cancel_job(status.job)?;
        if !everywhere.quiet {
            let (done, runs) = (status.done, job.runs);
            let store = everywhere.store_option();
            say(&format!(
                "job {number} was cancelled: {done} of {runs} runs are done; `concertina{store} jobs resubmit {number}` continues"
            ));
        }
    }
    Ok(())
}

fn logs(everywhere: &Everywhere, number: Option<u64>, lines: usize) -> Result<(), Failure> {
    let job = everywhere.builder().read_only()?.job(number)?;
    let mut text = String::new();
    for path in job.logs()? {
        let end = end_of(&path, lines).map_err(|source| Error::Read { source, path: path.clone() })?;
        text.push_str(&format!("==> {} <==\n{end}", path.display()));
    }
    if text.is_empty() && !everywhere.quiet {
        say(&format!("job {} has no logs: no task of it has begun", job.number));
    }
    print(text.as_bytes())
}

/// The last lines of a file.
fn end_of(path: &Path, lines: usize) -> std::io::Result<String> {
    let mut file = std::fs::File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(END)))?;
    let mut bytes = Vec::new();
    file.take(END).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let all: Vec<&str> = text.lines().collect();
    Ok(all[all.len().saturating_sub(lines)..].iter().map(|line| format!("{line}\n")).collect())
}

fn resubmit(everywhere: &Everywhere, number: Option<u64>, dry_run: bool) -> Result<(), Failure> {
    let study = match dry_run {
        true => everywhere.builder().read_only()?,
        false => everywhere.builder().open_existing()?,
    };
    let job = study.job(number)?;
    let plan = study.read_plans([job.plan()])?;
    let status = study.job_status(&job, &plan, &mut Standing::of(&plan))?;
    if matches!(status.state, JobState::Waiting | JobState::Running) {
        let number = job.number;
        return Err(Error::Job {
            reason: format!("job {number} is {}: its tasks work on what is missing", status.state.name()),
            hint: Some(Hint::Text(format!("`concertina jobs cancel {number}` takes it back first"))),
        }
        .into());
    }
    let work = study.workload(&plan)?;
    if work.missing == 0 {
        if !everywhere.quiet {
            say(&format!("nothing to do: job {} is complete", job.number));
        }
        return Ok(());
    }
    if dry_run {
        let packing = job.packing(&work, &user_defaults()?);
        return print(format!("{}\n", submit::tasks(&packing)).as_bytes());
    }
    let job = submit::hand_over(everywhere, &study, job, &work, &user_defaults()?)?;
    print(format!("{}\n", job.number).as_bytes())
}

/// Waits for a job, and then runs the command that it was submitted for.
pub(super) fn wait(everywhere: &Everywhere, study: &Study, job: Job, plan: &WorkPlan) -> Result<(), Failure> {
    let stop = interrupt::flag();
    let shown = (!everywhere.quiet && std::io::stderr().is_terminal()).then(|| bar(plan.len() as u64));
    let mut standing = Standing::of(plan);
    let (begin, mut first) = (Instant::now(), None);
    let (mut pause, mut overs, mut warned) = (FIRST_LOOK, 0, false);
    loop {
        let look = Instant::now();
        let status = study.job_status(&job, plan, &mut standing)?;
        let before = *first.get_or_insert(status.done);
        if let Some(bar) = &shown {
            bar.set_position(status.done as u64);
            bar.set_message(message(&status, status.done - before, begin.elapsed()));
        }
        if let (false, Some(problem)) = (warned, &status.problem) {
            say(&format!("warning: {problem}; waiting for the store alone"));
            warned = true;
        }
        if status.state == JobState::Complete {
            break;
        }
        // A task may have ended between the two questions: whatever it did last is seen the second time.
        overs = if status.state.is_over() { overs + 1 } else { 0 };
        if overs == 2 {
            if let Some(bar) = &shown {
                bar.finish_and_clear();
            }
            let (number, state) = (job.number, status.state.name());
            return Err(Failure::JobOver { number, state, left: plan.len() - status.done, of: plan.len() });
        }
        let next = look + pause.max(look.elapsed() * SHARE);
        while Instant::now() < next {
            if stop.load(Ordering::Relaxed) {
                if let Some(bar) = &shown {
                    bar.finish_and_clear();
                }
                say(&format!("job {0} goes on; `concertina jobs wait {0}` waits for it", job.number));
                return Err(Failure::Interrupted);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        pause = (pause * 2).min(LAST_LOOK);
    }
    if let Some(bar) = &shown {
        bar.finish_and_clear();
    }
    if !everywhere.quiet {
        say(&format!("job {}: all {} runs are done", job.number, plan.len()));
    }
    if job.command.is_empty() {
        return Ok(());
    }
    let mut everywhere = everywhere.clone();
    everywhere.store = study.folder();
    std::env::set_current_dir(&job.typed_in)
        .map_err(|source| Error::Read { source, path: job.typed_in.clone() })?;
    super::run(&submit::parse(&everywhere, &job.command))
}

/// `120/2000 runs done, 8 tasks running, 2 waiting, 16 min left`
fn message(status: &JobStatus, news: usize, time: Duration) -> String {
    let JobStatus { job, done, pending, running, .. } = status;
    let mut text = format!("{done}/{} runs done", job.runs);
    if let (Some(pending), Some(running)) = (pending, running) {
        text.push_str(&format!(", {running} tasks running, {pending} waiting"));
    }
    if news > 0 {
        let each = time.as_secs_f64() / news as f64;
        text.push_str(&format!(", {} left", approximately(each * (job.runs - done) as f64)));
    }
    text
}
