//! The command on machines without a GPU, without a driver, and with a driver that does not work.

use std::path::Path;
use std::process::{Command, Output};

/// The command in a folder, with this variable set for Vulkan or for the loader of libraries.
fn concertina(folder: &Path, variables: &[(&str, &Path)], arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_concertina"));
    command.args(arguments).current_dir(folder).envs(variables.iter().copied());
    command.output().expect("the command begins")
}

const RUNS: [&str; 8] = [
    "train",
    "units=12",
    "input_dim=6",
    "clusters=8",
    "train_samples=40",
    "epochs=2",
    "seed=0..3",
    "--device=gpu",
];

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// Trains where no device works, and checks that the CPU does all and that the reason is given.
fn falls_back(variables: &[(&str, &Path)], reason: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let output = concertina(folder.path(), variables, &RUNS);
    let said = text(&output.stderr);
    assert!(output.status.success(), "{said}");
    let warning = format!("warning: {reason}; all runs are trained on the CPU\n");
    assert!(said.contains(&warning), "{said}");
    assert!(said.contains("3 trained"), "{said}");
    // the same with `auto`, which loads them
    let mut auto = RUNS;
    auto[7] = "--device=auto";
    let output = concertina(folder.path(), variables, &auto);
    let said = text(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains(&format!("note: {reason}; all runs are trained on the CPU\n")), "{said}");
    assert!(said.contains("3 loaded"), "{said}");
    // and nothing is listed but the CPU
    let output = concertina(folder.path(), variables, &["devices", "--list", "--json"]);
    let listed = text(&output.stdout);
    assert!(output.status.success() && listed.contains("\"cpu\"") && !listed.contains("gpu:0"), "{listed}");
}

#[test]
fn without_a_gpu_the_cpu_trains() {
    falls_back(&[("VK_DRIVER_FILES", Path::new("/nonexistent"))], "no GPU was found");
}

#[test]
fn without_vulkan_the_cpu_trains() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("libvulkan.so.1"), "not a library").expect("written");
    falls_back(&[("LD_LIBRARY_PATH", folder.path())], "no GPU was found");
}

#[test]
fn with_a_driver_that_does_not_work_the_cpu_trains() {
    let folder = tempfile::tempdir().expect("a folder");
    let broken = folder.path().join("libbroken.so");
    std::fs::write(&broken, "not a library").expect("written");
    let about = serde_json::json!({
        "file_format_version": "1.0.0",
        "ICD": { "library_path": broken, "api_version": "1.3.0" },
    });
    let file = folder.path().join("broken.json");
    std::fs::write(&file, about.to_string()).expect("written");
    falls_back(&[("VK_DRIVER_FILES", &file)], "no GPU was found");
}

#[test]
fn devices_are_measured_and_listed_as_json() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = concertina(folder.path(), &[], &["devices", "--json"]);
    let rows: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let rows = rows.as_array().expect("rows");
    assert!(rows.len() > 1 && rows[0]["device"] == "cpu" && rows[1]["device"] == "gpu:0", "{rows:?}");
    for row in rows {
        assert!(row["updates_per_second"].as_f64().is_some_and(|rate| rate > 0.0), "{row}");
    }
}

#[test]
fn clear_removes_the_runs_of_the_device_that_is_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = |arguments: &[&str]| {
        let output = concertina(folder.path(), &[], arguments);
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stderr)
    };
    let cpu = &RUNS[..7];
    run(cpu);
    run(&RUNS);
    let clear = |device: &'static str| [cpu, &["--clear", "--yes", device]].concat();
    let said = run(&clear("--device=gpu"));
    assert!(said.contains("3 trained"), "{said}");
    assert!(run(cpu).contains("3 loaded"));
    run(&clear("--device=cpu"));
    assert!(run(&RUNS).contains("3 loaded"));
    // `auto` may mean both
    run(&clear("--device=auto"));
    assert!(run(&RUNS).contains("3 trained"));
}
