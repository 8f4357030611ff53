//! The script that an engine is given.

use std::path::Path;

use super::options::JobOptions;
use super::packing::{Packing, Workload};
use super::record::{FAILED, Job};
use super::words::{clock, shell_word};
use crate::error::{Error, Result};
use crate::hint::Hint;

/// Seconds within which a task that fails has not begun its work: the program is missing on the node, or the
/// store cannot be read there.
const AT_ONCE: u32 = 5;
/// Tasks that fail at once before the others are cancelled.
const FAILURES: u32 = 3;

/// A path as an option of `#SBATCH`, in which `%` would begin a pattern.
fn sbatch_path(path: &Path) -> String {
    let text = path.display().to_string().replace('%', "%%");
    if text.contains(char::is_whitespace) { format!("\"{text}\"") } else { text }
}

/// The batch script for Slurm.
pub(super) fn slurm(
    job: &Job,
    work: &Workload,
    packing: &Packing,
    options: &JobOptions,
    program: &Path,
    store: &Path,
) -> Result<String> {
    let line_break = |text: &&String| text.contains(['\n', '\r']);
    let texts = [
        &options.mem,
        &options.partition,
        &options.account,
        &options.qos,
        &options.constraint,
        &options.sbatch,
    ];
    if let Some(text) = texts.into_iter().flatten().find(line_break) {
        return Err(Error::Job {
            reason: format!("expected an option of one line, found {text:?}"),
            hint: None,
        });
    }
    let Packing { tasks, cores, time, .. } = *packing;
    let number = job.number;
    let parallel = options.array_parallelism.map_or(String::new(), |most| format!("%{most}"));
    let mut head = vec![
        format!("--job-name=concertina-{number}"),
        format!("--array=1-{tasks}{parallel}"),
        format!("--cpus-per-task={cores}"),
        format!("--time={}", clock(time)),
        "--requeue".to_owned(),
        format!("--signal=B:USR1@{}", packing.warning().as_secs()),
        "--open-mode=append".to_owned(),
        format!("--output={}", sbatch_path(&job.folder().join("log-%A_%a.txt")).replace("%%A_%%a", "%A_%a")),
    ];
    for (name, value) in [
        ("mem", &options.mem),
        ("partition", &options.partition),
        ("account", &options.account),
        ("qos", &options.qos),
        ("constraint", &options.constraint),
    ] {
        head.extend(value.as_ref().map(|value| format!("--{name}={}", shell_word(value))));
    }
    head.extend(options.sbatch.clone());
    let head: String = head.into_iter().map(|option| format!("#SBATCH {option}\n")).collect();
    let scratch = match &options.scratch {
        Some(scratch) => format!(" --scratch \"{scratch}\""),
        None => String::new(),
    };
    let (store, program) =
        (shell_word(&store.display().to_string()), shell_word(&program.display().to_string()));
    let (about, missing, seconds) = (about(job), work.missing, work.seconds.ceil());
    Ok(format!(
        r#"#!/bin/bash
# Job {number}: {about}.
# {missing} runs are missing, about {seconds} s of work on one core. {tasks} tasks share it.
# This script can be edited, and submitted by hand with sbatch.
{head}
store={store}
job=$store/jobs/{number}
task="${{SLURM_ARRAY_JOB_ID}}_$SLURM_ARRAY_TASK_ID"

# Slurm signals only this shell with USR1, before the time is up. The worker publishes what it has, and exits
# with 75, which means that there is more to do. TERM reaches the worker by itself, and a second one would end
# it immediately.
worker= again= warned=
trap 'again=yes warned=yes; [ -z "$worker" ] || kill -USR1 "$worker" 2>/dev/null' USR1
trap 'again=yes' TERM
summary=   # one task looks at the whole plan, for its log
[ "$SLURM_ARRAY_TASK_ID" -ne 1 ] || summary=--summary
{program} worker "$job/plan" --store "$store" --jobs "$SLURM_CPUS_PER_TASK" $summary{scratch} &
worker=$!
status=0
wait "$worker" || status=$?
while [ -n "$again" ]; do   # a signal ended `wait`, perhaps before the worker did
    again= status=0
    wait "$worker" || status=$?
done

if [ -n "$warned" ] && [ "$status" -eq 75 ] && [ "$SECONDS" -ge {AT_ONCE} ]; then
    echo "the time is up, and there is more to do: task $task is put into the queue again"
    scontrol requeue "$task"
    sleep 60   # Slurm ends this script
elif [ "$status" -gt 1 ] && [ "$status" -ne 75 ] && [ "$SECONDS" -lt {AT_ONCE} ]; then
    echo "$task ended with status $status in its first seconds" | tee -a "$job/{FAILED}"
    if [ "$(wc -l < "$job/{FAILED}")" -ge {FAILURES} ]; then
        echo "{FAILURES} tasks ended in their first seconds: the other tasks are cancelled"
        scancel "$SLURM_ARRAY_JOB_ID"
    fi
fi
exit "$status"
"#
    ))
}

/// How many tasks the script of a job asks Slurm for, and how many of them may run at the same time.
pub(super) fn array_of(job: &Job) -> Option<(usize, Option<usize>)> {
    array(&std::fs::read_to_string(job.script()).ok()?)
}

fn array(script: &str) -> Option<(usize, Option<usize>)> {
    let array = script.lines().find_map(|line| line.strip_prefix("#SBATCH --array=1-"))?.trim();
    match array.split_once('%') {
        Some((tasks, parallel)) => Some((tasks.parse().ok()?, parallel.parse().ok())),
        None => Some((array.parse().ok()?, None)),
    }
}

/// What a job is for.
fn about(job: &Job) -> String {
    match job.command.is_empty() {
        true => format!("a plan of {} runs", job.runs),
        false => {
            job.command.iter().map(|word| shell_word(word)).collect::<Vec<_>>().join(" ").replace('\n', " ")
        }
    }
}

/// The beginnings of lines of a template that say how to cancel a job, and how to ask whether it still runs.
const CANCEL: &str = "# concertina cancel: ";
const STATUS: &str = "# concertina status: ";

/// The command of a template that cancels a job, or asks for its status, with the engine's name of the job.
pub(super) fn directive(script: &str, cancel: bool, id: &str) -> Option<String> {
    let beginning = if cancel { CANCEL } else { STATUS };
    let line = script.lines().find_map(|line| line.strip_prefix(beginning))?;
    Some(line.trim().replace("{{id}}", &shell_word(id)))
}

/// A template with its placeholders filled in.
pub(super) fn fill(
    template: &str,
    job: &Job,
    packing: &Packing,
    options: &JobOptions,
    program: &Path,
    store: &Path,
) -> Result<String> {
    let word = |path: &Path| shell_word(&path.display().to_string());
    let Packing { tasks, cores, time, .. } = *packing;
    let mut command =
        format!("{} worker {} --store {} --jobs {cores}", word(program), word(&job.plan()), word(store));
    if let Some(scratch) = &options.scratch {
        command.push_str(&format!(" --scratch \"{scratch}\""));
    }
    // An engine that limits the time of a task may end it without a warning.
    if options.time.is_some() {
        command.push_str(&format!(" --time-limit {}s", (time - packing.warning()).as_secs()));
    }
    let values = [
        ("command", command),
        ("tasks", tasks.to_string()),
        ("cores", cores.to_string()),
        ("time", clock(time)),
        ("minutes", time.as_secs().div_ceil(60).to_string()),
        ("job", word(job.folder())),
        ("name", format!("concertina-{}", job.number)),
    ];
    let names = || values.iter().map(|(name, _)| format!("{{{{{name}}}}}")).collect::<Vec<_>>().join(", ");
    let wrong = |reason: String| Error::Job {
        reason,
        hint: Some(Hint::Text(format!("placeholders of a template: {}", names()))),
    };
    let mut filled = String::new();
    let mut has_command = false;
    for line in template.lines() {
        let mut rest = line;
        let asks = line.starts_with(CANCEL) || line.starts_with(STATUS);
        while let Some((before, after)) = rest.split_once("{{") {
            let Some((name, after)) = after.split_once("}}") else { break };
            filled.push_str(before);
            match values.iter().find(|(known, _)| *known == name.trim()) {
                Some((known, value)) => {
                    has_command |= *known == "command";
                    filled.push_str(value);
                }
                None if asks && name.trim() == "id" => filled.push_str("{{id}}"),
                None => return Err(wrong(format!("unknown placeholder `{{{{{name}}}}}` in the template"))),
            }
            rest = after;
        }
        filled.push_str(rest);
        filled.push('\n');
    }
    match has_command {
        true => Ok(filled),
        false => Err(wrong("expected a template with `{{command}}`, found none".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::engine::EngineKind;
    use super::*;

    fn job(store: &Path) -> Job {
        let packing = Packing::of(&Workload::default(), &JobOptions::default());
        Job::new(store, EngineKind::Template, 3, &packing, String::new()).expect("made")
    }

    fn filled(template: &str, options: &JobOptions) -> Result<String> {
        let store = tempfile::tempdir().expect("a folder");
        let work = Workload { runs: 3, missing: 3, seconds: 3.0, longest: 1.0 };
        let packing = Packing::of(&work, options);
        fill(
            template,
            &job(store.path()),
            &packing,
            options,
            Path::new("/bin/concertina"),
            Path::new("/a store"),
        )
    }

    #[test]
    fn a_template_is_filled_in_and_shell_variables_are_left_alone() {
        let options = JobOptions { cpus_per_task: Some(2), ..JobOptions::default() };
        let text = "#!/bin/sh\n# concertina cancel: qdel {{id}}\n\
                    seq {{tasks}} | x ${HOME} -p {{ cores }} '{{command}}'\n";
        let text = filled(text, &options).expect("valid");
        assert!(text.contains("seq 1 | x ${HOME} -p 2 '/bin/concertina worker "), "{text}");
        assert!(text.contains(" --store '/a store' --jobs 2'\n"), "{text}");
        assert_eq!(directive(&text, true, "7.server"), Some("qdel 7.server".to_owned()));
        assert_eq!(directive(&text, false, "7.server"), None);
        let limited = JobOptions { time: Some(Duration::from_secs(3600)), ..options };
        assert!(filled("{{command}}", &limited).expect("valid").contains(" --time-limit 3480s"));
    }

    #[test]
    fn a_template_without_a_command_or_with_an_unknown_placeholder_is_refused() {
        let reason = |text: &str| filled(text, &JobOptions::default()).expect_err(text).to_string();
        assert_eq!(reason("echo\n"), "expected a template with `{{command}}`, found none");
        assert_eq!(reason("{{command}} {{id}}\n"), "unknown placeholder `{{id}}` in the template");
    }

    #[test]
    fn the_script_for_slurm_has_the_options_that_were_given() {
        let store = tempfile::tempdir().expect("a folder");
        let mut job = job(store.path());
        job.command = ["train".to_owned(), "gain=20,250".to_owned()].to_vec();
        let options = JobOptions {
            partition: Some("short".to_owned()),
            array_parallelism: Some(2),
            sbatch: Some("--nice=5 --exclusive".to_owned()),
            scratch: Some("$TMPDIR".to_owned()),
            ..JobOptions::default()
        };
        let work = Workload { runs: 4000, missing: 4000, seconds: 4000.0, longest: 1.0 };
        let script = |options: &JobOptions| {
            slurm(
                &job,
                &work,
                &Packing::of(&work, options),
                options,
                Path::new("/bin/concertina"),
                store.path(),
            )
        };
        let text = script(&options).expect("valid");
        assert_eq!(array(&text), Some((3, Some(2))));
        assert_eq!(array(&script(&JobOptions::default()).expect("valid")), Some((3, None)));
        for line in [
            "#SBATCH --array=1-3%2",
            "#SBATCH --partition=short",
            "#SBATCH --requeue",
            "#SBATCH --signal=B:USR1@120",
            "#SBATCH --open-mode=append",
            "#SBATCH --nice=5 --exclusive",
            "# Job 1: train gain=20,250.",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}: {text}");
        }
        assert!(text.contains("$summary --scratch \"$TMPDIR\" &\n"), "{text}");
        assert!(text.contains("/jobs/1/log-%A_%a.txt\n"), "{text}");
        let broken = JobOptions { qos: Some("a\nb".to_owned()), ..options };
        assert!(script(&broken).expect_err("two lines").to_string().contains("found \"a\\nb\""));
    }
}
