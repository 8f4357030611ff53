//! Engines: programs that start workers. They are asked through their own commands.

use std::io::{ErrorKind as IoErrorKind, Write};
use std::process::{Command, Output, Stdio};

use serde::{Deserialize, Serialize};

use super::record::Job;
use super::script;
use crate::error::{Error, Result};
use crate::hint::Hint;

/// What starts workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum EngineKind {
    /// Slurm, by `sbatch`, `squeue` and `scancel`.
    Slurm,
    /// A script of the user's own that starts workers by any other program.
    Template,
}

/// Tasks that an engine knows of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Queued {
    pub(super) pending: usize,
    pub(super) running: usize,
}

fn failed(reason: String, hint: Option<Hint>) -> Error {
    Error::Job { reason, hint }
}

/// Runs a command of an engine, and returns what it printed.
fn ask(program: &str, command: &mut Command) -> Result<Output> {
    command.output().map_err(|error| match error.kind() {
        IoErrorKind::NotFound => failed(
            format!("expected the command `{program}` of an engine, found none on the PATH"),
            Some(Hint::NoEngine),
        ),
        _ => failed(format!("cannot run `{program}`: {error}"), None),
    })
}

/// What a command printed on standard output, or an error with what it printed on standard error.
fn printed(program: &str, output: &Output) -> Result<String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    let said = match text(&output.stderr) {
        said if said.is_empty() => format!("`{program}` ended with {}", output.status),
        said => said,
    };
    let hint = if program == "sbatch" { advice(&said) } else { None };
    Err(failed(format!("the engine refused: {said}"), hint))
}

/// What to do if no node has as much as was asked for.
const TOO_LARGE: &str = "no node is that large: `sinfo --format='%P %c %m'` lists their cores and memory; ask \
    for less with `--cpus-per-task` and `--mem`";

/// What to do about a refusal of Slurm: words of its message, and a hint. The first that fits counts. The
/// message about an account also speaks of partitions, and the one about a policy of limits and QOS.
const ADVICE: [(&str, &str); 13] = [
    ("unable to contact", "`scontrol ping` says whether Slurm's controller answers; try again later"),
    ("unrecognized option", "`--sbatch` passes on options as they are typed; `sbatch --help` lists them"),
    (
        "policy",
        "`sacctmgr show associations user=$USER` lists your limits; a longer `--task-time` makes fewer tasks",
    ),
    ("account", "`sacctmgr show associations user=$USER` lists your accounts; choose one with `--account`"),
    (
        "qos",
        "`sacctmgr show associations user=$USER format=account,qos` lists what you may use; choose with `--qos`",
    ),
    ("partition", "`sinfo` lists the partitions; choose one with `--partition`"),
    ("time limit", "`sinfo --format='%P %l'` lists the limits of time; ask for less with `--time`"),
    ("feature", "`sinfo --format='%P %f'` lists the features of nodes; name them with `--constraint`"),
    ("node configuration", TOO_LARGE),
    ("more processors", TOO_LARGE),
    ("cpu count", TOO_LARGE),
    ("memory", "`sinfo --format='%P %m'` lists the memory of nodes in MB; ask for less with `--mem`"),
    (
        "array",
        "`scontrol show config` says how large an array may be, `MaxArraySize`; a longer `--task-time` makes fewer tasks",
    ),
];

fn advice(said: &str) -> Option<Hint> {
    let said = said.to_lowercase();
    ADVICE.iter().find(|(words, _)| said.contains(words)).map(|(_, hint)| Hint::text(*hint))
}

/// Hands the script of a job to its engine. Returns what the engine calls it.
pub(super) fn submit(job: &Job, tasks: usize, parallel: Option<usize>) -> Result<String> {
    match job.engine {
        EngineKind::Slurm => {
            let written = script::array_of(job).and_then(|(_, parallel)| parallel);
            let parallel = parallel.or(written).map_or(String::new(), |most| format!("%{most}"));
            let mut command = Command::new("sbatch");
            command.arg("--parsable").arg(format!("--array=1-{tasks}{parallel}")).arg(job.script());
            let said = printed("sbatch", &ask("sbatch", &mut command)?)?;
            // `id`, or `id;cluster`; a plug-in may print lines before
            let id = said.lines().last().unwrap_or_default().split(';').next().unwrap_or_default();
            Ok(id.trim().to_owned())
        }
        EngineKind::Template => {
            let script = job.script();
            let text = std::fs::read_to_string(&script)
                .map_err(|source| Error::Read { source, path: script.clone() })?;
            // Its first line may name another shell.
            let shell = text.lines().next().and_then(|first| first.strip_prefix("#!")).unwrap_or("sh");
            let mut words = shell.split_whitespace();
            let program = words.next().unwrap_or("sh");
            let mut command = Command::new(program);
            command.args(words).arg(&script).stderr(Stdio::inherit());
            let output = ask(program, &mut command)?;
            let said = printed("the template", &output)?;
            Ok(said.lines().next().unwrap_or_default().to_owned())
        }
    }
}

/// How many tasks of the submissions of a job wait and run; `None` if that cannot be found out.
pub(super) fn queued(job: &Job) -> Result<Option<Queued>> {
    match job.engine {
        EngineKind::Slurm => {
            // All jobs of the user: an engine that is asked for a job of last week refuses to answer.
            let mut command = Command::new("squeue");
            command.args(["--me", "--noheader", "--array", "--format=%F %T"]);
            let said = printed("squeue", &ask("squeue", &mut command)?)?;
            let mut queued = Queued::default();
            for line in said.lines() {
                let Some((id, state)) = line.trim().split_once(' ') else { continue };
                if job.submissions.iter().any(|submission| submission.id == id) {
                    match state.trim() {
                        "RUNNING" | "COMPLETING" | "CONFIGURING" | "SUSPENDED" | "STAGE_OUT" => {
                            queued.running += 1
                        }
                        _ => queued.pending += 1,
                    }
                }
            }
            Ok(Some(queued))
        }
        EngineKind::Template => {
            let (Some(last), Ok(text)) = (job.submissions.last(), std::fs::read_to_string(job.script()))
            else {
                return Ok(None);
            };
            let Some(command) = script::directive(&text, false, &last.id) else { return Ok(None) };
            let output = ask("sh", Command::new("sh").args(["-c", &command]))?;
            // It succeeds as long as the engine knows of the job.
            let running = if output.status.success() { last.tasks } else { 0 };
            Ok(Some(Queued { pending: 0, running }))
        }
    }
}

/// Takes back what the engine was given.
pub(super) fn cancel(job: &Job) -> Result<()> {
    match job.engine {
        EngineKind::Slurm => {
            let ids = job.submissions.iter().map(|submission| &submission.id).filter(|id| !id.is_empty());
            let output = ask("scancel", Command::new("scancel").args(ids))?;
            // A job that has ended is unknown to Slurm after a while.
            let gone = String::from_utf8_lossy(&output.stderr).contains("Invalid job id");
            if gone { Ok(()) } else { printed("scancel", &output).map(drop) }
        }
        EngineKind::Template => {
            let script = job.script();
            let text = std::fs::read_to_string(&script)
                .map_err(|source| Error::Read { source, path: script.clone() })?;
            for submission in &job.submissions {
                let Some(command) = script::directive(&text, true, &submission.id) else {
                    return Err(failed(
                        "the template of this job does not say how to cancel it".to_owned(),
                        Some(Hint::text("a line `# concertina cancel: qdel {{id}}` of a template says it")),
                    ));
                };
                printed("sh", &ask("sh", Command::new("sh").args(["-c", &command]))?)?;
            }
            Ok(())
        }
    }
}

/// Writes the script of a job.
pub(super) fn write_script(job: &Job, text: &str) -> Result<()> {
    let path = job.script();
    let failed = |source| Error::Write { source, path: path.clone() };
    let mut file = std::fs::File::create_new(&path).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)
}
