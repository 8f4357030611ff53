//! The program and the machine.

use concertina_model::params::ValidParams;
use serde_json::Value;

use super::text::{Block, list, prose};
use crate::library::listing::key_of;
use crate::library::provenance;
use crate::study::Study;

/// A program and a machine that trained runs.
#[derive(Debug, PartialEq)]
struct Maker {
    version: String,
    commit: Option<String>,
    clean: Option<bool>,
    machine: String,
}

impl Maker {
    fn this() -> Self {
        let features = provenance::cpu_features().into_iter().map(str::to_owned).collect::<Vec<_>>();
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: provenance::commit().map(str::to_owned),
            clean: provenance::clean_tree(),
            machine: machine(std::env::consts::ARCH, &features, std::env::consts::OS),
        }
    }

    /// The program and machine of a session of training, as provenance has them.
    fn of(session: &Value) -> Option<Self> {
        let text = |name: &str| session.get(name).and_then(Value::as_str);
        let features = session.get("cpu_features").and_then(Value::as_array);
        let features: Vec<String> =
            features.into_iter().flatten().filter_map(|one| Some(one.as_str()?.to_owned())).collect();
        Some(Self {
            version: text("version")?.to_owned(),
            commit: text("commit").map(str::to_owned),
            clean: session.get("clean_tree").and_then(Value::as_bool),
            machine: machine(text("architecture")?, &features, text("operating_system")?),
        })
    }

    fn program(&self) -> String {
        let commit = match (&self.commit, self.clean) {
            (None, _) => String::new(),
            (Some(commit), Some(true)) => format!(" (commit {commit})"),
            (Some(commit), _) => format!(" (commit {commit}, with changes that were not committed)"),
        };
        format!("{}{commit}", self.version)
    }
}

fn machine(architecture: &str, features: &[String], system: &str) -> String {
    match features {
        [] => format!("{architecture}, {system}"),
        features => format!("{architecture} with {}, {system}", list(features, "and")),
    }
}

/// Those that trained the runs in the store; this program, if the store has none of the runs.
fn makers(runs: &[&ValidParams], study: Option<&Study>) -> (Vec<Maker>, bool) {
    let mut makers: Vec<Maker> = Vec::new();
    for run in runs {
        let stored = study.and_then(|study| study.stored_run(&key_of(run).to_string()).ok());
        let sessions = stored.and_then(|run| run.provenance?.get("training")?.as_array().cloned());
        for maker in sessions.iter().flatten().filter_map(Maker::of) {
            if !makers.contains(&maker) {
                makers.push(maker);
            }
        }
    }
    match makers.is_empty() {
        true => (vec![Maker::this()], false),
        false => (makers, true),
    }
}

fn each(makers: &[Maker], of: impl Fn(&Maker) -> String) -> Vec<String> {
    let mut all: Vec<String> = makers.iter().map(of).collect();
    all.sort();
    all.dedup();
    all
}

pub(super) fn describe(runs: &[&ValidParams], study: Option<&Study>) -> Vec<Block> {
    let (makers, _) = makers(runs, study);
    vec![prose(format!(
        "Networks were trained and analysed with Concertina {} [@concertina] on processors of the kind {}. Results do not depend on the number of threads, and the same version gives the same bits on processors of the same kind. The parameters below, and the defaults of that version for all others, repeat every run. The code is available at {}.",
        list(&each(&makers, Maker::program), "and"),
        list(&each(&makers, |maker| maker.machine.clone()), "and"),
        env!("CARGO_PKG_REPOSITORY"),
    ))]
}

pub(super) fn rows(runs: &[&ValidParams], study: Option<&Study>) -> Vec<(String, String)> {
    let (makers, stored) = makers(runs, study);
    let whose = if stored { "" } else { " (this program; the store has none of the runs)" };
    vec![
        ("version".to_owned(), format!("{}{whose}", list(&each(&makers, Maker::program), "and"))),
        ("machine".to_owned(), list(&each(&makers, |maker| maker.machine.clone()), "and")),
    ]
}
