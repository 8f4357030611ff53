//! Killed or interrupted at any moment, the same command continues and ends with the same bytes.

use std::process::Stdio;
use std::time::Duration;

use crate::support::{Place, assert_same_store};

/// Runs that take long enough to be killed midway: about a second in all.
const RUNS: [&str; 9] = [
    "train",
    "units=64",
    "input_dim=20",
    "clusters=20",
    "train_samples=400",
    "epochs=60",
    "saves_per_epoch=0.1",
    "gain=20,250",
    "--quiet",
];

/// Numbers that look random and are the same every time, so that a failure can be repeated: Lehmer's
/// generator.
fn moments(count: usize) -> impl Iterator<Item = Duration> {
    let mut state = 20221124_u64;
    std::iter::repeat_with(move || {
        state = state * 48_271 % 2_147_483_647;
        Duration::from_millis(20 + state % 400)
    })
    .take(count)
}

#[test]
#[cfg(unix)]
fn killed_at_ten_moments_it_ends_with_the_bytes_of_an_uninterrupted_run() {
    let place = Place::new();
    let with = |store: &'static str| [&RUNS[..], &["--store", store]].concat();
    place.run(&with("whole")).expect_success();
    for moment in moments(10) {
        let mut child = place
            .command(&with("killed"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it runs");
        std::thread::sleep(moment);
        child.kill().expect("killed"); // SIGKILL: nothing can be tidied up
        child.wait().expect("it ends");
    }
    place.run(&with("killed")).expect_success();
    assert_same_store(&place.store("killed"), &place.store("whole"), "killed ten times");
}

/// Analyses at every epoch, taken during training, of runs that take about a second in all.
const RECIPE: &str = r#"
figure = "own"

[parameters]
network.units = 64
task = { input_dim = 20, clusters = 20, train_samples = 400 }
train.epochs = 60

[runs.all]
sweep = { network.gain = [20.0, 250.0] }
seeds = { first = 1 }

[[panels]]
letter = "a"
runs = "all"
analysis = { analysis = "effective_dimension", samples = 100, timesteps = "last" }
checkpoints = "all"
draw = { x = "epoch", y = "effective_dimension", hue = "gain", band = "lines" }

[[panels]]
letter = "b"
runs = "all"
analysis = { analysis = "accuracy", samples = 100 }
checkpoints = "all"
draw = { x = "epoch", y = "accuracy", hue = "gain", band = "lines" }
"#;

#[test]
#[cfg(unix)]
fn a_figure_killed_at_ten_moments_ends_with_the_bytes_of_an_uninterrupted_one() {
    let place = Place::new();
    place.write("own.toml", RECIPE);
    let with = |store: &'static str, out: &'static str| {
        ["plot", "own.toml", "--quiet", "--store", store, "--out", out]
    };
    place.run(&with("whole", "whole_drawn")).expect_success();
    for moment in moments(10) {
        let mut child = place
            .command(&with("killed", "killed_drawn"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it runs");
        std::thread::sleep(moment);
        child.kill().expect("killed");
        child.wait().expect("it ends");
    }
    place.run(&with("killed", "killed_drawn")).expect_success();
    for panel in ["own/a.csv", "own/b.csv"] {
        let drawn = |folder: &str| std::fs::read(place.path(folder).join(panel)).expect("drawn");
        assert!(drawn("killed_drawn") == drawn("whole_drawn"), "{panel}");
    }
    let whole = place.store("whole");
    assert_same_store(&place.store("killed"), &whole, "killed ten times");
    let kept = |path: &std::path::PathBuf| path.ends_with("checkpoints.safetensors");
    assert!(!whole.keys().any(kept), "these weights will not be needed again");
}

#[test]
#[cfg(unix)]
fn two_processes_at_the_same_runs_leave_what_one_leaves() {
    let place = Place::new();
    let with = |store: &'static str| [&RUNS[..], &["--store", store]].concat();
    place.run(&with("one")).expect_success();
    let mut processes: Vec<_> = (0..3)
        .map(|_| {
            place
                .command(&with("three"))
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .expect("it runs")
        })
        .collect();
    for process in &mut processes {
        assert!(process.wait().expect("it ends").success());
    }
    assert_same_store(&place.store("three"), &place.store("one"), "three processes");
}

/// Sends signals, one after another, to a long run, some time after it began. Returns how it ended and what
/// it printed.
#[cfg(unix)]
fn signalled(place: &Place, store: &str, signals: &[&str], after: Duration) -> (Option<i32>, String) {
    let arguments = [&RUNS[..], &["epochs=200000", "--store", store, "--jobs", "1"]].concat();
    let child =
        place.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    // When training has begun, the handlers are installed and the store exists and is not empty.
    while !place.path(store).join("claims").exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(after);
    for signal in signals {
        let sent = std::process::Command::new("kill").arg(signal).arg(child.id().to_string()).status();
        assert!(sent.expect("sent").success());
    }
    let output = child.wait_with_output().expect("it ends");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
#[cfg(unix)]
fn warning_signals_of_a_cluster_do_not_kill_and_keep_what_is_done() {
    for signal in ["-INT", "-TERM", "-HUP", "-USR1", "-USR2", "-XCPU"] {
        let place = Place::new();
        // on a busy machine the first epoch may not have begun
        let keeps_epochs = [100, 400, 1600, 6400, 25_600].into_iter().any(|milliseconds| {
            let after = Duration::from_millis(milliseconds);
            let store = format!("stopped{milliseconds}");
            let (status, stderr) = signalled(&place, &store, &[signal], after);
            assert_eq!(status, Some(130), "{signal}: {stderr}");
            let hint = "hint: run the same command again to continue from here";
            assert!(stderr.contains(hint), "{signal}: {stderr}");
            let listed = place
                .run(&["runs", "list", "--store", &store, "--csv", "--columns", "status,epochs"])
                .expect_success();
            let epochs = listed.stdout.lines().nth(1).and_then(|line| line.strip_prefix("unfinished,"));
            let epochs = epochs.unwrap_or_else(|| panic!("{signal}: {}", listed.stdout));
            !epochs.is_empty() && epochs != "0"
        });
        assert!(keeps_epochs, "{signal}");
    }
}

#[test]
#[cfg(unix)]
fn repeated_warnings_do_not_end_the_process_immediately() {
    let place = Place::new();
    let (status, stderr) = signalled(
        &place,
        "warned",
        &["-USR1", "-XCPU", "-XCPU", "-USR2", "-TERM", "-XCPU"],
        Duration::from_millis(300),
    );
    assert_eq!(status, Some(130), "{stderr}");
    assert!(stderr.contains("hint: run the same command again to continue from here"), "{stderr}");
    assert_eq!(stderr.matches("stopping:").count(), 1, "{stderr}");
}
