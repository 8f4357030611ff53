//! The Python in the guides runs: NumPy reads exported runs, and weights from NumPy are imported. Needs
//! Python 3 with `venv` and the network, to install NumPy into a separate folder. Slow, and run only when
//! this target is named:
//!
//! ```sh
//! cargo test --release -p concertina-cli --test slow_python -- --nocapture
//! ```

#[path = "cli/support.rs"]
#[allow(dead_code, unused_imports, unused_macros, reason = "another target uses the rest")]
mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use support::Place;

/// The guides whose Python is run.
const EXCHANGE: &str = include_str!("../../../docs/guides/import-and-export.md");
const TASK: &str = include_str!("../../../docs/guides/your-own-task.md");

/// The blocks of a language in a guide, in order, without their fences.
fn blocks(guide: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let parts = guide.split(&fence).skip(1);
    parts.map(|part| part.split("```").next().unwrap_or_default().to_owned()).collect()
}

/// A Python with NumPy, in a folder that is kept for the next time.
fn python() -> PathBuf {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("python");
    let python = place.join("bin/python");
    let has_numpy = |python: &Path| {
        Command::new(python).args(["-c", "import numpy"]).status().is_ok_and(|status| status.success())
    };
    if !has_numpy(&python) {
        let made = Command::new("python3").args(["-m", "venv"]).arg(&place).status().expect("python3 exists");
        assert!(made.success(), "python3 -m venv");
        let installed = Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "numpy"])
            .status()
            .expect("pip exists");
        assert!(installed.success(), "pip install numpy");
    }
    python
}

/// Runs the commands of a block.
fn run_shell(place: &Place, text: &str) {
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let words: Vec<&str> = line.split('#').next().unwrap_or_default().split_whitespace().collect();
        assert_eq!(words[0], "concertina", "{line}");
        // Conditions are quoted in the guide.
        let mut arguments: Vec<String> = Vec::new();
        let mut quoted: Option<String> = None;
        for word in &words[1..] {
            match &mut quoted {
                None if word.starts_with('\'') && !word.ends_with('\'') => {
                    quoted = Some(word[1..].to_owned())
                }
                None => arguments.push(word.trim_matches('\'').to_owned()),
                Some(text) => {
                    text.push(' ');
                    text.push_str(word.trim_end_matches('\''));
                    if word.ends_with('\'') {
                        arguments.extend(quoted.take());
                    }
                }
            }
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        place.run(&arguments).expect_success();
    }
}

/// What a program prints.
fn run_python(place: &Place, text: &str) -> String {
    let output =
        Command::new(python()).args(["-c", text]).current_dir(place.folder.path()).output().expect("it runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\n{errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_guides_python_reads_what_is_exported_and_writes_what_is_imported() {
    let place = Place::new();
    let (shell, programs) = (blocks(EXCHANGE, "sh"), blocks(EXCHANGE, "python"));
    assert_eq!(
        (shell.len(), programs.len()),
        (2, 3),
        "the blocks of the guide have changed: adapt the order below"
    );
    run_shell(&place, &shell[0]);
    let read = run_python(&place, &programs[0]);
    assert_eq!(read.lines().count(), 4, "{read}");
    let computed = run_python(&place, &programs[1]);
    assert!(computed.trim().parse::<f64>().is_ok_and(|accuracy| accuracy > 0.8), "{computed}");
    run_python(&place, &programs[2]);
    run_shell(&place, &shell[1]);
}

#[test]
fn the_guides_trials_are_made_by_numpy_learnt_and_drawn() {
    let place = Place::new();
    let recipe = include_str!("../../../docs/guides/evidence.toml");
    std::fs::write(place.folder.path().join("evidence.toml"), recipe).expect("written");
    run_python(&place, &blocks(TASK, "python")[0]);
    run_shell(&place, &blocks(TASK, "sh")[0]);
    let table = place.run(&["runs", "list", "--csv"]).expect_success().stdout;
    assert_eq!(table.lines().count(), 1 + 6, "{table}");
}
