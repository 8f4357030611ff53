//! Jobs: submitted to stand-ins for Slurm and to scripts of the user's own.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::support::{Place, Said, assert_same_store};

const RUNS: [&str; 9] = [
    "train",
    "units=16",
    "input_dim=6",
    "clusters=8",
    "train_samples=40",
    "val_samples=20",
    "epochs=4",
    "gain=20,250",
    "seed=0..3",
];

/// Runs every task of an array, one after the other, as Slurm would.
const SBATCH: &str = r#"#!/bin/bash
echo "$*" >> submitted
[ ! -e refused ] || { cat refused >&2; exit 1; }
for last; do :; done
tasks=${TASKS:-$(sed -n 's/^#SBATCH --array=1-\([0-9]*\).*/\1/p' "$last")}
export SLURM_ARRAY_JOB_ID=$((40 + $(wc -l < submitted))) SLURM_CPUS_PER_TASK=2
[ -e held ] || for SLURM_ARRAY_TASK_ID in $(seq "$tasks"); do
    export SLURM_ARRAY_TASK_ID
    bash "$last" >> "$(dirname "$last")/log-${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID.txt" 2>&1
done
echo "$SLURM_ARRAY_JOB_ID"
"#;
const SQUEUE: &str = "#!/bin/bash\necho \"$*\" > asked\ncat queue 2>/dev/null || true\n";
const SCANCEL: &str = "#!/bin/bash\necho \"$*\" >> cancelled\nrm -f queue\n";

/// A folder with a Slurm that trains at once.
fn with_slurm() -> Place {
    let place = Place::new();
    std::fs::create_dir(place.path("bin")).expect("made");
    for (name, text) in [("sbatch", SBATCH), ("squeue", SQUEUE), ("scancel", SCANCEL)] {
        executable(&place, &format!("bin/{name}"), text);
    }
    place
}

fn executable(place: &Place, name: &str, text: &str) {
    place.write(name, text);
    let all = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(place.path(name), all).expect("executable");
}

/// Runs a command with the stand-ins before everything else on the PATH.
fn run(place: &Place, arguments: &[&str], environment: &[(&str, &str)]) -> Said {
    let path = std::env::var("PATH").expect("a path");
    let mut command = place.command(arguments);
    command.env("PATH", format!("{}:{path}", place.path("bin").display()));
    command.envs(environment.iter().copied());
    place.said(&mut command)
}

fn submit(place: &Place, options: &[&str]) -> Said {
    run(place, &[&["submit"], options, &RUNS].concat(), &[])
}

fn jobs(place: &Place, arguments: &[&str]) -> Said {
    run(place, &[&["jobs"], arguments].concat(), &[])
}

/// The files of the store without the jobs.
fn trained(place: &Place, name: &str) -> BTreeMap<PathBuf, Vec<u8>> {
    place.store(name).into_iter().filter(|(path, _)| !path.starts_with("jobs")).collect()
}

fn read(place: &Place, name: &str) -> String {
    std::fs::read_to_string(place.path(name)).expect("written")
}

#[test]
fn a_job_leaves_the_store_of_a_single_process() {
    let place = with_slurm();
    place.run(&[&RUNS[..], &["--store", "whole", "--quiet"]].concat()).expect_success();
    let said = submit(&place, &[]).expect_success();
    assert_eq!(said.stdout, "1\n");
    assert!(said.stderr.contains("6 of 6 runs are missing: about "), "{}", said.stderr);
    assert!(said.stderr.contains("job 1, 41: 1 task with 1 core: about "), "{}", said.stderr);
    assert_same_store(&trained(&place, "concertina"), &trained(&place, "whole"), "trained by a job");
    let again = submit(&place, &[]).expect_success();
    assert_eq!(again.stderr, "nothing to do: the store has all 6 runs\n");
    assert_eq!(submit(&place, &["--json", "-q"]).expect_success().stdout.trim(), "[\n]");
    assert_eq!(read(&place, "submitted").lines().count(), 1, "nothing was submitted");
    let listed = jobs(&place, &["--csv"]).expect_success().stdout;
    assert!(
        listed.starts_with("job,state,runs,done,pending,running,engine,id,submitted,command\n"),
        "{listed}"
    );
    assert!(listed.contains("\n1,complete,6,6,0,0,slurm,41,2"), "{listed}");
    assert!(jobs(&place, &["logs"]).expect_success().stdout.contains("complete: 6 runs"));
    place.run(&["store", "verify"]).expect_success();
}

#[test]
fn a_dry_run_changes_nothing_and_print_submits_nothing() {
    let place = with_slurm();
    let said = submit(&place, &["--dry-run", "--cpus-per-task", "2"]).expect_success();
    assert!(said.stdout.starts_with("1 task with 2 cores: about "), "{}", said.stdout);
    assert!(!place.path("concertina").exists());
    let said = submit(&place, &["--dry-run", "--csv"]).expect_success();
    let row = said.stdout.strip_prefix("job,id,runs,missing,tasks,cores,seconds,time\n,,6,6,1,1,");
    assert!(row.is_some_and(|row| row.ends_with(",600\n")), "{}", said.stdout);
    let options =
        ["--print", "--partition=short", "--time=1h", "--sbatch=--nice --exclude=a1", "--scratch=$TMPDIR"];
    let said = submit(&place, &options).expect_success();
    assert_eq!(said.stdout, read(&place, "concertina/jobs/1/batch.sh"));
    for line in ["#SBATCH --partition=short", "#SBATCH --time=01:00:00", "#SBATCH --nice --exclude=a1"] {
        assert!(said.stdout.lines().any(|found| found == line), "{}", said.stdout);
    }
    assert!(said.stderr.contains("job 1 was written and not submitted"), "{}", said.stderr);
    assert!(!place.path("submitted").exists());
    assert!(jobs(&place, &["--csv"]).expect_success().stdout.contains("\n1,not submitted,6,0,"));
    let planned = jobs(&place, &["resubmit", "1", "--dry-run"]).expect_success().stdout;
    assert!(planned.starts_with("1 task with 1 core: about "), "{planned}");
    assert!(!place.path("submitted").exists());
    // the script is taken as it was edited, and so is how many of its tasks run at a time
    let script = said.stdout.replace(" --scratch \"$TMPDIR\"", " --scratch /tmp");
    let script = script.replace("#SBATCH --array=1-1\n", "#SBATCH --array=1-2%3\n");
    place.write("concertina/jobs/1/batch.sh", &script);
    jobs(&place, &["resubmit", "1"]).expect_success();
    assert!(read(&place, "submitted").starts_with("--parsable --array=1-2%3 "));
    assert!(jobs(&place, &["--csv"]).expect_success().stdout.contains("\n1,complete,6,6,"));
}

#[test]
fn a_cancelled_job_is_resubmitted_for_what_is_missing() {
    let place = with_slurm();
    place.write("held", "");
    place.write("queue", "41 RUNNING\n41 PENDING\n41 PENDING\n7 RUNNING\n");
    submit(&place, &[]).expect_success();
    let listed = jobs(&place, &["--json"]).expect_success().stdout;
    for cell in ["\"state\":\"running\"", "\"done\":0", "\"pending\":2", "\"running\":1"] {
        assert!(listed.replace(": ", ":").contains(cell), "{cell}: {listed}");
    }
    let running = jobs(&place, &["resubmit"]);
    assert_eq!(running.status, Some(2), "{}", running.snapshot());
    assert!(
        running.stderr.contains("hint: `concertina jobs cancel 1` takes it back first"),
        "{}",
        running.stderr
    );
    let said = jobs(&place, &["cancel", "1"]).expect_success();
    assert!(said.stderr.contains("job 1 was cancelled: 0 of 6 runs are done"), "{}", said.stderr);
    assert_eq!(read(&place, "cancelled"), "41\n");
    assert!(jobs(&place, &["--csv"]).expect_success().stdout.contains("\n1,cancelled,6,0,0,0,"));
    assert!(jobs(&place, &["cancel", "1"]).expect_success().stderr.contains("nothing to cancel"));
    let waited = jobs(&place, &["wait"]);
    assert_eq!(waited.status, Some(75), "{}", waited.snapshot());
    assert!(waited.stderr.contains("job 1 is cancelled: 6 of 6 runs are missing"), "{}", waited.stderr);
    std::fs::remove_file(place.path("held")).expect("removed");
    jobs(&place, &["resubmit"]).expect_success();
    let table = jobs(&place, &["wait", "1", "--quiet"]).expect_success().stdout;
    assert_eq!(table.lines().count(), 7, "{table}");
    assert!(jobs(&place, &["--csv"]).expect_success().stdout.contains("\n1,complete,6,6,0,0,slurm,42,"));
}

#[test]
fn what_was_waited_for_is_printed_as_the_command_prints_it() {
    let place = with_slurm();
    let said = submit(&place, &["--wait"]).expect_success();
    assert!(said.stderr.contains("job 1: all 6 runs are done\n"), "{}", said.stderr);
    assert_eq!(said.stdout, place.run(&RUNS).expect_success().stdout);
    let nothing = submit(&place, &["--wait"]).expect_success();
    assert_eq!(nothing.stdout, said.stdout, "nothing was left to do, and it is printed all the same");
}

#[test]
fn plans_are_submitted_and_share_what_is_missing() {
    let place = with_slurm();
    place.run(&[&RUNS[..], &["--plan", "sweep.plan"]].concat()).expect_success();
    let analyse = [&["analyse", "effective_dimension"], &RUNS[1..], &["--plan", "dimension.plan"]].concat();
    place.run(&analyse).expect_success();
    let said = run(&place, &["submit", "sweep.plan", "dimension.plan"], &[]).expect_success();
    assert!(said.stderr.contains("12 of 12 runs are missing"), "{}", said.stderr);
    place.run(&["worker", "sweep.plan", "dimension.plan", "--dry-run"]).expect_success();
    let more = run(
        &place,
        &[&["submit", "-q", "analyse", "lyapunov"], &RUNS[1..], &["--with", "exponents=1"]].concat(),
        &[],
    );
    assert_eq!(more.expect_success().stdout, "2\n");
    let figure =
        ["submit", "-q", "figures", "fig2", "--seeds", "0..1", "--set", "units=16", "--set", "epochs=1"];
    assert_eq!(run(&place, &figure, &[]).expect_success().stdout, "3\n");
    let listed = jobs(&place, &["--csv"]).expect_success().stdout;
    assert_eq!(listed.matches(",complete,").count(), 3, "{listed}");
}

#[test]
fn tasks_that_fail_at_once_cancel_the_others_after_the_third() {
    let place = with_slurm();
    submit(&place, &["--print"]).expect_success();
    let script = read(&place, "concertina/jobs/1/batch.sh");
    let program = script.lines().find(|line| line.contains(" worker \"$job/plan\"")).expect("the worker");
    place.write("concertina/jobs/1/batch.sh", &script.replace(program, "/nowhere/concertina &"));
    run(&place, &["jobs", "resubmit"], &[("TASKS", "4")]).expect_success();
    assert_eq!(read(&place, "cancelled"), "41\n41\n", "after the third task and the fourth");
    assert!(jobs(&place, &["--csv"]).expect_success().stdout.contains("\n1,failed,6,0,"));
    let logs = jobs(&place, &["logs"]).expect_success().stdout;
    for line in [
        "/nowhere/concertina: No such file",
        "41_3 ended with status 127",
        "3 tasks ended in their first seconds",
    ] {
        assert!(logs.contains(line), "{line}: {logs}");
    }
}

#[test]
fn what_the_engine_says_is_passed_on() {
    let place = with_slurm();
    // what Slurm 22.05 and 24.11 say
    for (said, hint) in [
        ("sbatch: error: invalid partition specified: fast", "`sinfo` lists the partitions"),
        (
            "sbatch: error: Batch job submission failed: Invalid account or account/partition combination specified",
            "`sacctmgr show associations user=$USER` lists your accounts",
        ),
        ("sbatch: error: Batch job submission failed: Invalid qos specification", "choose with `--qos`"),
        (
            "sbatch: error: Batch job submission failed: Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)",
            "lists your limits",
        ),
        (
            "sbatch: error: Batch job submission failed: Requested time limit is invalid (missing or exceeds some limit)",
            "ask for less with `--time`",
        ),
        ("sbatch: error: Batch job submission failed: Invalid feature specification", "with `--constraint`"),
        (
            "sbatch: error: Batch job submission failed: Requested node configuration is not available",
            "`--cpus-per-task` and `--mem`",
        ),
        (
            "sbatch: error: Batch job submission failed: More processors requested than permitted",
            "`--cpus-per-task` and `--mem`",
        ),
        ("sbatch: error: Batch job submission failed: Invalid job array specification", "`MaxArraySize`"),
        (
            "sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)",
            "`scontrol ping`",
        ),
    ] {
        place.write("refused", said);
        let refused = submit(&place, &[]);
        assert_eq!(refused.status, Some(2), "{}", refused.snapshot());
        let error = format!("error: the engine refused: {said}\n");
        assert!(refused.stderr.contains(&error), "{}", refused.stderr);
        let hinted = refused.stderr.split_once("hint: ").is_some_and(|(_, hinted)| hinted.contains(hint));
        assert!(hinted, "{hint}: {}", refused.stderr);
        assert!(!place.path("concertina").exists(), "a store was made in vain");
    }
    std::fs::create_dir(place.path("mine")).expect("made");
    submit(&place, &["--store", "mine"]);
    assert!(place.path("mine").exists(), "it was there before");
    submit(&place, &["--print", "--store", "kept"]).expect_success();
    submit(&place, &["--store", "kept"]);
    assert!(place.path("kept/jobs/1").exists(), "it has a job");
}

#[test]
fn without_an_engine_other_ways_are_named() {
    let place = Place::new();
    let mut command = place.command(&[&["submit"], &RUNS[..]].concat());
    let said = place.said(command.env("PATH", place.path("bin")));
    assert_eq!(said.status, Some(2), "{}", said.snapshot());
    assert!(
        said.stderr.contains("expected the command `sbatch` of an engine, found none"),
        "{}",
        said.stderr
    );
    assert!(said.stderr.contains("hint: `--engine template` starts workers"), "{}", said.stderr);
}

#[test]
fn wrong_submissions_are_refused() {
    let place = with_slurm();
    let refused = |arguments: &[&str], reason: &str| {
        let said = run(&place, &[&["submit"], arguments].concat(), &[]);
        assert_eq!(said.status, Some(2), "{}", said.snapshot());
        assert!(said.stderr.contains(reason), "{reason}: {}", said.stderr);
    };
    refused(&[], "<PLAN | COMMAND>");
    refused(&["nowhere.plan"], "cannot read the plan: ");
    refused(&["train", "gain=20", "--print"], "expected runs to train or analyse, found `--print`");
    refused(&["train", "gain=20", "--rerun"], "expected runs to train or analyse, found `--rerun`");
    refused(&["train", "gain=20", "--partition=a"], "hint: options of `submit` come before the command");
    refused(&["--engine", "template", "train", "gain=20", "units=8"], "expected a template, found none");
    refused(&["--time", "soon", "train"], "expected a time as in `55m`");
    refused(&["train", "gane=20"], "unknown parameter `gane`");
    assert!(!place.path("concertina").exists(), "a store was made in vain");
    assert_eq!(run(&Place::new(), &["jobs"], &[]).status, Some(3), "without a store");
    submit(&place, &["--print"]).expect_success();
    let said = jobs(&place, &["cancel", "4"]);
    assert!(
        said.stderr.contains("there is no job 4\n\nhint: the jobs of this store are 1"),
        "{}",
        said.stderr
    );
}

#[test]
fn defaults_are_read_from_the_users_file() {
    let place = with_slurm();
    std::fs::create_dir(place.path("config")).expect("made");
    place.write("config/concertina.toml", "[submit]\naccount = \"lab\"\npartition = \"short\"\n");
    let script = submit(&place, &["--print", "--partition", "long"]).expect_success().stdout;
    assert!(
        script.contains("#SBATCH --account=lab\n") && script.contains("#SBATCH --partition=long\n"),
        "{script}"
    );
    place.write("config/concertina.toml", "[submit]\nacount = \"lab\"\n");
    let said = submit(&place, &["--print"]);
    assert_eq!(said.status, Some(2), "{}", said.snapshot());
    assert!(
        said.stderr.contains("unknown field `acount`") && said.stderr.contains("concertina.toml"),
        "{}",
        said.stderr
    );
}

#[test]
fn a_template_starts_workers_by_any_program() {
    let place = Place::new();
    place.run(&[&RUNS[..], &["--store", "whole", "--quiet"]].concat()).expect_success();
    let text = "#!/bin/sh\n# concertina cancel: touch taken-back-{{id}}\n# concertina status: test ! -e taken-back-{{id}}\nfor task in $(seq {{tasks}}); do {{command}} --quiet; done\necho batch.7\n";
    place.write("mine.sh", text);
    let template = ["submit", "--template", "mine.sh", "--cpus-per-task", "2"];
    let said = place.run(&[&template[..], &RUNS].concat()).expect_success();
    assert!(said.stderr.contains("job 1, batch.7: 1 task with 2 cores"), "{}", said.stderr);
    assert_same_store(&trained(&place, "concertina"), &trained(&place, "whole"), "trained by a template");
    // one that starts nothing yet
    place.write("mine.sh", &text.replace("{{command}} --quiet", ": {{command}}"));
    let more = ["train", "units=8", "input_dim=6", "clusters=8", "train_samples=40", "epochs=1"];
    place.run(&[&template[..], &more].concat()).expect_success();
    assert!(
        place
            .run(&["jobs", "--csv"])
            .expect_success()
            .stdout
            .contains("\n2,running,1,0,0,1,template,batch.7,")
    );
    let listed = place.run(&["jobs", "--json"]).expect_success().stdout;
    assert!(listed.replace(": ", ":").contains("\"running\":1"), "{listed}");
    place.run(&["jobs", "cancel", "2"]).expect_success();
    assert!(place.path("taken-back-batch.7").exists());
    assert!(place.run(&["jobs", "--csv"]).expect_success().stdout.contains("\n2,cancelled,1,0,"));
    place.write("none.sh", "echo\n");
    let said = place.run(&[&["submit", "--template", "none.sh"], &more[..]].concat());
    assert!(said.stderr.contains("expected a template with `{{command}}`, found none"), "{}", said.stderr);
}

/// What is left of a job may need fewer tasks, but its script starts as many as before.
#[test]
fn a_template_that_is_submitted_again_has_the_tasks_of_its_script() {
    let place = Place::new();
    place.write(
        "mine.sh",
        "#!/bin/sh\n# concertina status: true\n[ -e held ] || for task in $(seq {{tasks}}); do {{command}} --quiet; done\n",
    );
    place.write("held", "");
    let template = ["submit", "--template", "mine.sh", "--task-time", "1s"];
    let mut long = RUNS;
    long[6] = "epochs=60000";
    let said = place.run(&[&template[..], &long].concat()).expect_success();
    assert!(said.stderr.contains("job 1: 6 tasks with 1 core"), "{}", said.stderr);
    place.write("concertina/jobs/1/batch.sh", "#!/bin/sh\n");
    let said = place.run(&["jobs", "resubmit", "1"]).expect_success();
    assert!(said.stderr.contains("job 1: 6 tasks with 1 core"), "{}", said.stderr);
    let record = read(&place, "concertina/jobs/1/job.json");
    assert_eq!(record.matches("\"tasks\": 6").count(), 3, "{record}");
}

/// As in docs/guides/cluster.md.
#[test]
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn gnu_parallel_with_a_lost_worker_leaves_the_store_of_a_single_process() {
    if std::process::Command::new("parallel").arg("--version").output().is_err() {
        eprintln!("skipped: no GNU parallel");
        return;
    }
    let place = Place::new();
    place.run(&[&RUNS[..], &["--store", "whole", "--quiet"]].concat()).expect_success();
    // The first worker is killed after its first run, or by the time it is done.
    place.write(
        "parallel.sh",
        "#!/bin/bash\nworker() {\n    {{command}} --quiet &\n    worker=$!\n    if [ \"$1\" = 1 ]; then\n        until [ -n \"$(ls concertina/runs 2>/dev/null)\" ]; do sleep 0.01; done\n        kill -9 $worker\n        return 1\n    fi\n    wait $worker\n}\nexport -f worker\nSHELL=/bin/bash parallel --will-cite -j3 --retries 2 worker ::: 1 2 3\ntrue\n",
    );
    let said = place.run(&[&["submit", "--wait", "--template", "parallel.sh"], &RUNS[..]].concat());
    let said = said.expect_success();
    assert_eq!(said.stdout.lines().count(), 7, "{}", said.snapshot());
    place.run(&["worker", "concertina/jobs/1/plan", "--quiet"]).expect_success();
    assert_same_store(&trained(&place, "concertina"), &trained(&place, "whole"), "a worker was lost");
}

#[test]
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn a_store_that_rsync_copied_is_merged_either_way() {
    if std::process::Command::new("rsync").arg("--version").output().is_err() {
        eprintln!("skipped: no rsync");
        return;
    }
    let place = Place::new();
    let runs = |store: &str, seeds: &str| {
        let seeds = format!("seed={seeds}");
        let mut arguments = RUNS.to_vec();
        arguments[8] = &seeds;
        place.run(&[&arguments[..], &["--store", store, "--quiet"]].concat()).expect_success();
    };
    runs("whole", "0..5");
    runs("laptop", "0..3");
    runs("cluster", "2..5");
    let copy = |from: &str, to: &str| {
        let mut rsync = std::process::Command::new("rsync");
        rsync.args(["-a", &format!("{from}/"), to]).current_dir(place.folder.path());
        assert!(rsync.status().expect("rsync runs").success());
    };
    copy("cluster", "from_cluster");
    place.run(&["store", "merge", "from_cluster", "--store", "laptop"]).expect_success();
    copy("laptop", "from_laptop");
    place.run(&["store", "merge", "from_laptop", "--store", "cluster"]).expect_success();
    for store in ["laptop", "cluster"] {
        place.run(&["runs", "list", "--store", store]).expect_success();
        let (ours, whole) = (trained(&place, store), trained(&place, "whole"));
        for (path, bytes) in whole.iter().filter(|(path, _)| path.starts_with("runs")) {
            assert_eq!(ours.get(path), Some(bytes), "{store}: {}", path.display());
        }
        let count =
            |files: &BTreeMap<PathBuf, Vec<u8>>| files.keys().filter(|path| path.starts_with("runs")).count();
        assert_eq!(count(&ours), count(&whole), "{store}");
        place.run(&["store", "verify", "--store", store]).expect_success();
    }
}
