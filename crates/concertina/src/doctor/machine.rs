//! The program, the machine that it runs on, and the environment.

use std::fs;

use concertina_numerics::kernels::Level;
use serde::Serialize;

use super::{Problem, privacy};
use crate::hint::Hint;
use crate::library::provenance;

/// The environment variables that the program reads.
pub const ENVIRONMENT_VARIABLES: [&str; 2] = ["CONCERTINA_REFERENCE", "CONCERTINA_STORE"];
/// What their names begin with.
const PREFIX: &str = "CONCERTINA_";

/// The program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ProgramReport {
    /// Its version.
    pub version: &'static str,
    /// The commit that it was built from, if `CONCERTINA_COMMIT` named it to the compiler.
    pub commit: Option<&'static str>,
    /// What it was compiled for, as in `x86_64-linux-gnu`.
    pub target: String,
    /// Whether it was compiled with the checks that slow it down.
    pub debug: bool,
}

/// The machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct MachineReport {
    /// The operating system.
    pub system: String,
    /// The processor, by its maker's name.
    pub processor: Option<String>,
    /// How many threads can run at the same time.
    pub cores: usize,
    /// Bytes of memory that the process may use: those of the machine, or of its control group.
    pub memory: Option<u64>,
    /// How many files may be open at the same time.
    pub open_files: Option<u64>,
    /// The instruction set that the kernels use.
    pub instructions: &'static str,
    /// What the processor can do that matters for the kernels; provenance lists the same.
    pub features: Vec<&'static str>,
}

pub(super) fn program() -> ProgramReport {
    let environment = [("gnu", cfg!(target_env = "gnu")), ("musl", cfg!(target_env = "musl"))];
    let environment = environment.into_iter().chain([("msvc", cfg!(target_env = "msvc"))]);
    let names = [std::env::consts::ARCH, std::env::consts::OS].into_iter();
    let names = names.chain(environment.filter(|(_, is)| *is).map(|(name, _)| name));
    ProgramReport {
        version: env!("CARGO_PKG_VERSION"),
        commit: option_env!("CONCERTINA_COMMIT"),
        target: names.collect::<Vec<_>>().join("-"),
        debug: cfg!(debug_assertions),
    }
}

pub(super) fn machine() -> MachineReport {
    MachineReport {
        system: system(),
        processor: field("/proc/cpuinfo", "model name", ':'),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        memory: concertina_model::machine_memory(),
        open_files: open_files(),
        instructions: Level::best().name(),
        features: provenance::cpu_features(),
    }
}

/// As in `Debian GNU/Linux 13 (trixie), Linux 6.12.9`.
fn system() -> String {
    let name = field("/etc/os-release", "PRETTY_NAME", '=');
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").ok();
    let kernel = kernel.map(|release| format!("Linux {}", release.trim()));
    let known: Vec<String> =
        name.map(|name| name.trim_matches('"').to_owned()).into_iter().chain(kernel).collect();
    if known.is_empty() { std::env::consts::OS.to_owned() } else { known.join(", ") }
}

/// The value of the first line that begins with a name and a separator.
fn field(file: &str, name: &str, separator: char) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let value = |line: &str| {
        let (found, value) = line.split_once(separator)?;
        (found.trim() == name).then(|| value.trim().to_owned())
    };
    text.lines().find_map(value).filter(|value| !value.is_empty())
}

/// The limit that counts, not the one up to which it may be raised.
fn open_files() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/limits").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

/// The variables that are set; a note about those that no program reads.
pub(super) fn environment(problems: &mut Vec<Problem>) -> Vec<(String, String)> {
    let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
    let mut set: Vec<(String, String)> = std::env::vars_os()
        .map(|(name, value)| (text(name), privacy::without_home(&text(value))))
        .filter(|(name, _)| name.starts_with(PREFIX))
        .collect();
    set.sort();
    for (name, _) in set.iter().filter(|(name, _)| !ENVIRONMENT_VARIABLES.contains(&name.as_str())) {
        let hint = crate::error::suggestion(name, ENVIRONMENT_VARIABLES);
        problems.push(Problem::note(
            format!("the program does not read the environment variable `{name}`"),
            Hint::Text(hint),
        ));
    }
    set
}
