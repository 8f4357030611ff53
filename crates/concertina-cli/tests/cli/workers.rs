//! Plans, and workers that share them.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::{Place, SMALL, assert_same_store};

/// Analyses of ten small runs at every epoch.
const RECIPE: &str = r#"
figure = "own"

[parameters]
network.units = 16
task = { input_dim = 6, clusters = 8, delay = 4, train_samples = 40, val_samples = 20 }
train.epochs = 6

[runs.all]
sweep = { network.gain = [20.0, 250.0] }
seeds = { first = 5 }

[[panels]]
letter = "a"
runs = "all"
analysis = { analysis = "effective_dimension", samples = 30, timesteps = "last" }
checkpoints = "all"
draw = { x = "epoch", y = "effective_dimension", hue = "gain", band = "lines" }

[[panels]]
letter = "b"
runs = "all"
analysis = { analysis = "weight_variance" }
checkpoints = "all"
draw = { x = "epoch", y = "weight_variance", hue = "gain", band = "lines" }
"#;

/// A place with a plan of twelve small runs, `sweep.plan`, and the store `whole` in which they were trained
/// by one process.
fn planned() -> Place {
    let place = Place::new();
    place
        .run_small(&["train"], &["gain=20,250", "seed=0..6", "--quiet", "--store", "whole"])
        .expect_success();
    let said = place
        .run_small(&["train"], &["gain=20,250", "seed=0..6", "--plan", "sweep.plan", "--store", "shared"])
        .expect_success();
    assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("", "sweep.plan: 12 runs\n"));
    place
}

#[test]
fn workers_leave_what_one_process_leaves() {
    let place = planned();
    let mut workers: Vec<_> = (0..3)
        .map(|_| {
            let mut command = place.command(&["worker", "sweep.plan", "--store", "shared", "--jobs", "1"]);
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs")
        })
        .collect();
    for worker in &mut workers {
        assert_eq!(worker.wait().expect("it ends").code(), Some(0));
    }
    assert_same_store(&place.store("shared"), &place.store("whole"), "three workers");
    let again = place.run(&["worker", "sweep.plan", "--store", "shared", "--json"]).expect_success();
    assert!(
        again.stdout.starts_with(r#"[{"diverged":0,"epochs":0,"failed":0,"runs":12,"#),
        "{}",
        again.stdout
    );
    assert!(again.stderr.starts_with("complete: 12 runs, 0 trained here (0 epochs); "), "{}", again.stderr);
}

#[test]
fn workers_on_a_local_disk_leave_what_one_process_leaves() {
    let place = planned();
    place
        .run(&["worker", "sweep.plan", "--store", "shared", "--scratch", "local", "--jobs", "1"])
        .expect_success();
    assert_same_store(&place.store("shared"), &place.store("whole"), "a local disk");
    assert!(place.store("local").is_empty(), "nothing is left there");
}

#[test]
fn a_figure_is_computed_by_workers_and_then_drawn_from_the_store() {
    let place = Place::new();
    place.write("own.toml", RECIPE);
    place.run(&["plot", "own.toml", "--quiet", "--store", "whole"]).expect_success();
    for (store, more) in [("shared", &[][..]), ("merged", &["--scratch", "local"][..])] {
        let (plan, with) = (format!("{store}.plan"), ["--store", store]);
        let said = place.run(&[&["plot", "own.toml", "--plan", &plan][..], &with].concat()).expect_success();
        assert_eq!(said.stderr, format!("{store}.plan: 10 runs, 20 analyses\n"));
        assert!(!place.path("drawn").exists(), "a plan draws nothing");
        place.run(&[&["worker", &plan][..], &with, more].concat()).expect_success();
        assert_same_store(&place.store(store), &place.store("whole"), store);
        let drawn =
            place.run(&[&["plot", "own.toml", "--out", "drawn"][..], &with].concat()).expect_success();
        assert!(drawn.stderr.contains("10 runs, all loaded"), "{}", drawn.stderr);
        std::fs::remove_dir_all(place.path("drawn")).expect("drawn");
    }
}

#[test]
fn an_analysis_can_be_planned_and_plans_are_joined() {
    let place = planned();
    place
        .run_small(
            &["analyse", "accuracy"],
            &["gain=20", "seed=0..6", "--plan", "accuracy.plan", "--store", "shared"],
        )
        .expect_success();
    let plans = ["sweep.plan", "accuracy.plan"];
    let said = place
        .run(&[&["worker", "--dry-run", "--csv", "--store", "shared"][..], &plans].concat())
        .expect_success();
    assert_eq!(said.stdout.lines().next(), Some("run,gain,seed,epochs_left,analyses_left"));
    assert_eq!(said.stdout.lines().count(), 1 + 12 + 6, "{}", said.stdout);
    assert_eq!(said.stderr, "18 of 18 runs are missing or unfinished\n");
    place.run(&[&["worker", "--store", "shared", "--quiet"][..], &plans].concat()).expect_success();
    let said =
        place.run(&[&["worker", "--dry-run", "--store", "shared"][..], &plans].concat()).expect_success();
    assert_eq!(
        (said.stdout.as_str(), said.stderr.as_str()),
        ("", "0 of 18 runs are missing or unfinished\n")
    );
}

#[test]
fn a_dry_run_changes_nothing() {
    let place = planned();
    let before = place.store("shared");
    place.run(&["worker", "sweep.plan", "--store", "shared", "--dry-run", "--json"]).expect_success();
    assert_same_store(&place.store("shared"), &before, "a dry run");
}

/// Parameters of a run of an hour, of which an epoch takes milliseconds.
const LONG: [&str; 7] = [
    "units=64",
    "input_dim=20",
    "clusters=20",
    "train_samples=400",
    "epochs=200000",
    "saves_per_epoch=0.1",
    "gain=20",
];

/// The number of epochs of the only run in a store, which is unfinished.
fn epochs(place: &Place, store: &str) -> u64 {
    let listed = place
        .run(&["runs", "list", "--store", store, "--csv", "--columns", "status,epochs"])
        .expect_success();
    let epochs = listed.stdout.lines().nth(1).and_then(|line| line.strip_prefix("unfinished,"));
    epochs.and_then(|epochs| epochs.parse().ok()).unwrap_or(0)
}

#[test]
fn a_time_limit_ends_with_the_status_for_more_and_keeps_epochs() {
    let place = Place::new();
    place
        .run(&[&["train"][..], &LONG, &["--plan", "long.plan", "--store", "shared"]].concat())
        .expect_success();
    for more in [&[][..], &["--scratch", "local"][..]] {
        let before = if place.path("shared/runs").exists() { epochs(&place, "shared") } else { 0 };
        let begin = Instant::now();
        let worker = ["worker", "long.plan", "--store", "shared", "--time-limit", "5s"];
        let said = place.run(&[&worker[..], more].concat());
        assert_eq!(said.status, Some(75), "{}", said.snapshot());
        assert!(said.stderr.contains("1 of 1 runs are unfinished"), "{}", said.stderr);
        assert!(
            said.stderr.contains("hint: start a worker on the same plans to continue"),
            "{}",
            said.stderr
        );
        // generous: other tests run at the same time
        assert!(begin.elapsed() < Duration::from_secs(60), "{:?}", begin.elapsed());
        assert!(epochs(&place, "shared") > before, "{more:?}");
    }
}

#[test]
#[cfg(unix)]
fn signals_end_a_worker_with_the_status_for_more_and_keep_epochs() {
    for signal in SIGNALS {
        let place = Place::new();
        place
            .run(&[&["train"][..], &LONG, &["--plan", "long.plan", "--store", "shared"]].concat())
            .expect_success();
        let mut worker = place.command(&["worker", "long.plan", "--store", "shared"]);
        let child = worker.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it runs");
        // published: an epoch was trained
        while !place.path("shared/runs").exists() {
            std::thread::sleep(Duration::from_millis(5));
        }
        send(signal, &child);
        let output = child.wait_with_output().expect("it ends");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(75), "{signal}: {stderr}");
        assert!(stderr.contains("stopped: 1 of 1 runs are unfinished"), "{signal}: {stderr}");
        assert!(epochs(&place, "shared") > 0, "{signal}");
    }
}

#[cfg(unix)]
fn send(signal: &str, child: &std::process::Child) {
    let sent = std::process::Command::new("kill").arg(signal).arg(child.id().to_string()).status();
    assert!(sent.expect("sent").success());
}

#[cfg(unix)]
const SIGNALS: [&str; 5] = ["-TERM", "-USR1", "-INT", "-HUP", "-XCPU"];

/// Runs of a few milliseconds: most of the time is spent on publishing.
#[test]
#[cfg(unix)]
fn signals_while_runs_are_published_lose_nothing() {
    let place = Place::new();
    let runs = ["train", "units=8", "input_dim=6", "clusters=8", "train_samples=20", "val_samples=10"];
    let runs = [&runs[..], &["delay=2", "epochs=2", "seed=0..400"]].concat();
    place.run(&[&runs[..], &["--quiet", "--store", "whole"]].concat()).expect_success();
    place.run(&[&runs[..], &["--plan", "sweep.plan", "--store", "shared"]].concat()).expect_success();
    for (round, signal) in SIGNALS.iter().cycle().take(10).enumerate() {
        let more: &[&str] = if round < 5 { &[] } else { &["--scratch", "local"] };
        let worker = ["worker", "sweep.plan", "--store", "shared", "--jobs", "2", "--quiet"];
        let mut command = place.command(&[&worker[..], more].concat());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
        // Claims: the handlers are installed.
        while !place.path("shared/claims").exists() && child.try_wait().expect("asked").is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(40 + 7 * round as u64));
        send(signal, &child);
        let status = child.wait().expect("it ends").code();
        assert!(matches!(status, Some(0 | 75)), "{signal}: {status:?}");
        let left = place.path("local").exists() && !place.store("local").is_empty();
        assert!(!left, "{signal}: something is left on the local disk");
    }
    place.run(&["worker", "sweep.plan", "--store", "shared", "--quiet"]).expect_success();
    assert_same_store(&place.store("shared"), &place.store("whole"), "ten signals");
    place.run(&["store", "verify", "--store", "shared"]).expect_success();
}

#[test]
#[cfg(unix)]
fn signals_end_a_worker_that_waits_for_the_run_of_another() {
    let place = Place::new();
    place
        .run(&[&["train"][..], &LONG, &["--plan", "long.plan", "--store", "shared"]].concat())
        .expect_success();
    let start = |more: &[&str]| {
        let worker = ["worker", "long.plan", "--store", "shared", "--jobs", "1", "--verbose"];
        let mut command = place.command(&[&worker[..], more].concat());
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it runs")
    };
    let holder = start(&[]);
    while !place.path("shared/runs").exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let claims = place.path("shared/claims");
    let held = || -> Vec<Vec<u8>> {
        let entries = std::fs::read_dir(&claims).expect("claims");
        entries.map(|entry| std::fs::read(entry.expect("an entry").path()).unwrap_or_default()).collect()
    };
    let before = held();
    for (signal, more) in SIGNALS.iter().zip([&[][..], &["--scratch", "local"]].into_iter().cycle()) {
        let waiting = start(more);
        std::thread::sleep(Duration::from_millis(500));
        send(signal, &waiting);
        let output = waiting.wait_with_output().expect("it ends");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(75), "{signal}: {stderr}");
        assert!(stderr.contains("0 trained here"), "{signal}: {stderr}");
        assert_eq!(held(), before, "{signal}: the other process still holds the run");
    }
    send("-TERM", &holder);
    assert_eq!(holder.wait_with_output().expect("it ends").status.code(), Some(75));
    assert!(epochs(&place, "shared") > 0);
    assert!(held().is_empty());
}

#[test]
#[cfg(unix)]
fn the_runs_of_killed_workers_are_taken_over() {
    let place = planned();
    for (round, more) in [&[][..], &["--scratch", "local"][..], &[][..]].iter().enumerate() {
        let worker = ["worker", "sweep.plan", "--store", "shared", "--jobs", "1"];
        let mut command = place.command(&[&worker[..], more].concat());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
        std::thread::sleep(Duration::from_millis(20 + 60 * round as u64));
        child.kill().expect("killed"); // SIGKILL: nothing can be tidied up
        child.wait().expect("it ends");
    }
    place.run(&["worker", "sweep.plan", "--store", "shared", "--quiet"]).expect_success();
    assert_same_store(&place.store("shared"), &place.store("whole"), "three workers were killed");
}

/// A plan of 1,300 runs has portions, about which workers leave notes.
#[test]
#[cfg(unix)]
fn a_large_plan_whose_workers_are_killed_ends_as_that_of_one_process() {
    let place = Place::new();
    let runs = ["train", "units=8", "input_dim=6", "clusters=8", "train_samples=20", "val_samples=10"];
    let runs = [&runs[..], &["delay=2", "epochs=2", "seed=0..1300"]].concat();
    place.run(&[&runs[..], &["--quiet", "--store", "whole"]].concat()).expect_success();
    let said = place.run(&[&runs[..], &["--plan", "sweep.plan", "--store", "shared"]].concat());
    assert_eq!(said.expect_success().stderr, "sweep.plan: 1300 runs\n");
    let start = |more: &[&str]| {
        let worker = ["worker", "sweep.plan", "--store", "shared", "--jobs", "1", "--quiet"];
        let mut command = place.command(&[&worker[..], more].concat());
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs")
    };
    let mut survivors = [start(&[]), start(&["--scratch", "local"])];
    for round in 0..6 {
        let mut doomed = start(if round % 2 == 0 { &[] } else { &["--scratch", "local"] });
        std::thread::sleep(Duration::from_millis(70 + 90 * round));
        doomed.kill().expect("killed");
        doomed.wait().expect("it ends");
    }
    for worker in &mut survivors {
        assert_eq!(worker.wait().expect("it ends").code(), Some(0));
    }
    place.run(&["worker", "sweep.plan", "--store", "shared", "--quiet"]).expect_success();
    let mut shared = place.store("shared");
    shared.retain(|path, _| !path.starts_with("jobs"));
    assert_same_store(&shared, &place.store("whole"), "six workers were killed");
    let notes = std::fs::read_dir(place.path("shared/jobs/done")).expect("notes").count();
    assert_eq!(notes, 4, "one for each portion of 400 runs");
}

#[test]
fn a_worker_with_a_local_disk_leaves_notes_about_a_large_plan() {
    let place = Place::new();
    let runs = ["train", "units=8", "input_dim=6", "clusters=8", "train_samples=10", "val_samples=5"];
    let runs = [&runs[..], &["delay=2", "epochs=1", "seed=0..1200"]].concat();
    place.run(&[&runs[..], &["--plan", "sweep.plan", "--store", "shared"]].concat()).expect_success();
    let worker = ["worker", "sweep.plan", "--store", "shared", "--scratch", "local"];
    let said = place.run(&worker).expect_success();
    assert!(said.stderr.contains("complete: 1200 runs, 1200 trained here"), "{}", said.stderr);
    assert_eq!(std::fs::read_dir(place.path("shared/jobs/done")).expect("notes").count(), 3);
    let again = place.run(&worker).expect_success();
    assert!(again.stderr.contains("complete: 1200 runs, 0 trained here"), "{}", again.stderr);
}

#[test]
fn a_summary_says_how_far_the_plan_is() {
    let place = planned();
    let said = place.run(&["worker", "sweep.plan", "--store", "shared", "--summary"]).expect_success();
    assert!(said.stderr.contains("/12 runs done, "), "{}", said.stderr);
}

#[test]
fn what_is_no_plan_for_this_version_is_refused() {
    let place = planned();
    let refused = |arguments: &[&str], reason: &str, hint: &str| {
        let said = place.run(&[arguments, &["--store", "shared"]].concat());
        assert_eq!(said.status, Some(2), "{}", said.snapshot());
        assert!(said.stderr.contains(reason) && said.stderr.contains(hint), "{}", said.stderr);
    };
    let text = std::fs::read_to_string(place.path("sweep.plan")).expect("written");
    place.write("newer.plan", &text.replace("\"concertina_plan\":1", "\"concertina_plan\":2"));
    let again = "hint: write the plan again with this version of the program";
    refused(&["worker", "newer.plan"], "expected a plan of version 1, found version 2: newer.plan", again);
    place.write("other.plan", &text.replacen("\"key\":\"", "\"key\":\"0", 1));
    refused(&["worker", "other.plan"], "run 0 of a plan of version 0.1.0: expected run ", again);
    place.write("sweep.toml", "gain = 20\n");
    refused(
        &["worker", "sweep.toml"],
        "expected a plan, found something else",
        "hint: `--plan FILE` of `train`",
    );
    refused(&["worker", "nowhere.plan"], "cannot read the plan: ", "hint: `--plan FILE` of `train`");
    refused(&["worker"], "<PLAN>", "Usage: concertina worker");
    refused(&["worker", "sweep.plan", "--time-limit", "55"], "expected a time as in `55m`", "--time-limit");
    let exists =
        place.run(&[&["train"][..], &SMALL, &["--plan", "sweep.plan", "--store", "shared"]].concat());
    assert_eq!(exists.status, Some(3), "{}", exists.snapshot());
    assert!(exists.stderr.contains("nothing is overwritten"), "{}", exists.stderr);
    let both = place.run(&[&["train"][..], &SMALL, &["--plan", "more.plan", "--rerun"]].concat());
    assert_eq!(both.status, Some(2), "{}", both.snapshot());
    assert!(!place.path("more.plan").exists());
}
