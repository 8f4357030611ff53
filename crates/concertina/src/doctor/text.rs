//! The report of a diagnosis as text.

use super::{Diagnosis, NumberCheck, Problem, Severity, StoreReport};
use crate::hint::Hint;

impl Diagnosis {
    /// The report for people, to be pasted: sections of aligned lines, with the problems last. `words` says
    /// a hint in the terms of the front end.
    pub fn to_text(&self, words: impl Fn(&Hint) -> String) -> String {
        let Diagnosis { program, machine, numbers, environment, store, problems } = self;
        let mut text = String::new();
        let known = |value: Option<String>| value.unwrap_or_else(|| "unknown".to_owned());
        section(
            &mut text,
            "program",
            [
                ("version", format!("concertina {}", program.version)),
                ("commit", known(program.commit.map(str::to_owned))),
                ("compiled for", program.target.clone()),
                ("build", if program.debug { "with debug assertions" } else { "release" }.to_owned()),
            ],
        );
        section(
            &mut text,
            "machine",
            [
                ("system", machine.system.clone()),
                ("processor", known(machine.processor.clone())),
                ("cores", machine.cores.to_string()),
                ("memory", known(machine.memory.map(describe_size))),
                ("open files", known(machine.open_files.map(|files| format!("{files} at most")))),
                (
                    "instructions",
                    format!("{} (features: {})", machine.instructions, machine.features.join(", ")),
                ),
            ],
        );
        section(&mut text, "numbers", outcomes(numbers));
        let variables = environment.iter().map(|(name, value)| (name.as_str(), value.clone()));
        section(&mut text, "environment", variables);
        if let Some(store) = store {
            of_store(&mut text, store, !self.store_is_wrong());
        }
        let (notes, wrong): (Vec<&Problem>, Vec<&Problem>) =
            problems.iter().partition(|problem| problem.severity == Severity::Note);
        listed(&mut text, "problems", &wrong, &words);
        listed(&mut text, "notes", &notes, &words);
        text
    }
}

fn section<'a>(text: &mut String, title: &str, lines: impl IntoIterator<Item = (&'a str, String)>) {
    let mut lines = lines.into_iter().peekable();
    if lines.peek().is_none() {
        return;
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(&format!("{title}\n"));
    lines.for_each(|(name, value)| line(text, name, &value));
}

fn line(text: &mut String, name: &str, value: &str) {
    text.push_str(format!("  {name:<14} {value}").trim_end());
    text.push('\n');
}

/// A line per quantity: with which instructions it is right, and where it is not.
fn outcomes(checks: &[NumberCheck]) -> Vec<(&str, String)> {
    let mut lines: Vec<(&str, String)> = Vec::new();
    for NumberCheck { quantity, instructions, right, .. } in checks {
        let outcome = format!("{} with {instructions}", if *right { "right" } else { "WRONG" });
        match lines.iter_mut().find(|(known, _)| known == quantity) {
            Some((_, outcomes)) => *outcomes = format!("{outcomes}, {outcome}"),
            None => lines.push((quantity, outcome)),
        }
    }
    lines
}

/// The store: its state, the claims of processes, and files that were set aside.
fn of_store(text: &mut String, store: &StoreReport, usable: bool) {
    section(text, "store", state_of(store, usable));
    for claim in &store.claims {
        let state = if claim.is_stale { "stale" } else { "live" };
        let place = if claim.is_here { "on this machine" } else { "on another machine, or before a restart" };
        let pid = claim.pid.map_or_else(|| "unknown".to_owned(), |pid| pid.to_string());
        let (run, age) = (&claim.run, claim.age.unwrap_or_default());
        line(text, "claim", &format!("run {run}, {state}: process {pid} {place}, last seen {age} s ago"));
    }
    for incident in &store.set_aside {
        line(text, "set aside", &format!("{}: {}", incident.path.display(), incident.reason));
    }
}

/// The state of a store. Lines about facts that are not known are left out.
fn state_of(store: &StoreReport, usable: bool) -> Vec<(&'static str, String)> {
    let either = |is: bool, [yes, no]: [&str; 2]| if is { yes } else { no }.to_owned();
    let clock = |seconds: f64| match seconds {
        0.0 => "agrees with this machine's".to_owned(),
        seconds => format!("{seconds:+.1} s from this machine's"),
    };
    let layout = |layout: u64| format!("{layout} (newest that this version reads: {})", store.newest_layout);
    let statuses = store.statuses.as_ref().filter(|statuses| !statuses.is_empty()).map(|statuses| {
        let each: Vec<String> = statuses.iter().map(|(name, count)| format!("{count} {name}")).collect();
        format!(" ({})", each.join(", "))
    });
    let runs = store.runs.map(|runs| format!("{runs}{}", statuses.unwrap_or_default()));
    let is_there = match (store.exists, usable) {
        (true, _) => "",
        (false, true) => " (no store yet)",
        (false, false) => " (not a store)",
    };
    let lines = [
        ("folder", Some(format!("{}{is_there}", store.path))),
        ("format", store.layout.map(layout)),
        ("file system", store.file_system.clone()),
        ("free", store.free.map(describe_size)),
        ("writable", store.writable.map(|is| either(is, ["yes", "no"]))),
        ("renaming", store.replaces.map(|is| either(is, ["replaces files", "DOES NOT REPLACE FILES"]))),
        ("creating", store.creates_once.map(|is| either(is, ["keeps taken names", "LOSES TAKEN NAMES"]))),
        ("clock", store.clock_ahead.map(clock)),
        ("runs", runs),
        ("analyses", store.analyses.map(|count| count.to_string())),
        ("trials", store.trials.map(|count| count.to_string())),
        ("unfinished", store.left_over.filter(|count| *count > 0).map(|count| count.to_string())),
        ("index", store.index.clone()),
        ("runs.csv", store.run_table.clone()),
    ];
    lines.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

fn listed(text: &mut String, title: &str, problems: &[&Problem], words: impl Fn(&Hint) -> String) {
    if problems.is_empty() {
        return;
    }
    text.push_str(&format!("\n{title}\n"));
    for problem in problems {
        text.push_str(&format!("  * {}\n", problem.message));
        if let Some(hint) = &problem.hint {
            text.push_str(&format!("    hint: {}\n", words(hint)));
        }
    }
}

/// A number of bytes, for people to read.
pub fn describe_size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..10_000_000 => format!("{} kB", bytes / 1000),
        10_000_000..10_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}
