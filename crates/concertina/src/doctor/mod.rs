//! What there is to know about a program, its machine and its store when something went wrong.

mod machine;
mod numbers;
mod privacy;
mod store;
mod text;

use std::path::Path;

use serde::{Serialize, Serializer};

use crate::hint::Hint;

pub use machine::{ENVIRONMENT_VARIABLES, MachineReport, ProgramReport};
pub use numbers::NumberCheck;
pub use store::{ClaimSummary, StoreReport};
pub use text::describe_size;

/// What [`doctor`] found.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Diagnosis {
    /// The program.
    pub program: ProgramReport,
    /// The machine that it runs on.
    pub machine: MachineReport,
    /// Whether this machine computes the numbers that every machine computes.
    pub numbers: Vec<NumberCheck>,
    /// The environment variables that begin with `CONCERTINA_`, with their values.
    pub environment: Vec<(String, String)>,
    /// The store; `None` if none was asked about.
    pub store: Option<StoreReport>,
    /// What is wrong, and what is worth knowing, with what to do about it.
    pub problems: Vec<Problem>,
}

/// Something that is wrong, or worth knowing.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// What to do about it. Serialised as a text.
    #[serde(serialize_with = "as_text")]
    pub hint: Option<Hint>,
}

fn as_text<S: Serializer>(hint: &Option<Hint>, serializer: S) -> Result<S::Ok, S::Error> {
    hint.as_ref().map(Hint::to_string).serialize(serializer)
}

/// How bad a [`Problem`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Severity {
    /// Worth knowing; nothing fails because of it.
    Note,
    /// The machine computes other numbers than it should.
    Numbers,
    /// The store is damaged, or cannot be used.
    Store,
}

impl Problem {
    fn note(message: impl Into<String>, hint: impl Into<Option<Hint>>) -> Self {
        Self { severity: Severity::Note, message: message.into(), hint: hint.into() }
    }

    fn store(message: impl Into<String>, hint: impl Into<Option<Hint>>) -> Self {
        Self { severity: Severity::Store, message: message.into(), hint: hint.into() }
    }

    /// An error of the store, with the hint that it brings.
    fn of(error: &concertina_store::Error) -> Self {
        use concertina_store::Error as Store;
        // the message of the others says it all
        let source = std::error::Error::source(error);
        let source = source.filter(|_| matches!(error, Store::Io { .. } | Store::Table { .. }));
        let because = source.map_or_else(String::new, |source| format!(": {source}"));
        Self::store(format!("{error}{because}"), error.hint().map(Hint::Text))
    }
}

impl Diagnosis {
    /// Whether something is wrong with the store.
    pub fn store_is_wrong(&self) -> bool {
        self.problems.iter().any(|problem| problem.severity == Severity::Store)
    }
}

/// Describes the program, the machine and, if a folder is given, the store in it. The result can be pasted
/// into a report of a problem.
///
/// Nothing is changed: a store that does not exist is not made, and damaged files stay where they are. Only
/// the file system is probed, with files in the store's `incoming/` that are removed again. Paths below the
/// user's home folder are written with `~`, and other hosts are not named.
///
/// It takes a second at most, because it opens few files of the store. With `verify` it reads every file.
///
/// ```
/// let folder = tempfile::tempdir()?;
/// let diagnosis = concertina::doctor(Some(&folder.path().join("runs")), false);
/// assert_eq!(diagnosis.program.version, env!("CARGO_PKG_VERSION"));
/// assert!(!diagnosis.store_is_wrong());
/// assert!(!diagnosis.store.is_some_and(|store| store.exists));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn doctor(folder: Option<&Path>, verify: bool) -> Diagnosis {
    let mut problems = Vec::new();
    let numbers = numbers::check(&mut problems);
    let environment = machine::environment(&mut problems);
    let store = folder.map(|folder| store::look(folder, verify, &mut problems));
    for problem in &mut problems {
        problem.message = privacy::without_home(&problem.message);
        if let Some(Hint::Text(text)) = &mut problem.hint {
            *text = privacy::without_home(text);
        }
    }
    problems.sort_by_key(|problem| problem.severity == Severity::Note);
    let mut distinct: Vec<Problem> = Vec::new();
    for problem in problems {
        // one cause is often met several times
        if !distinct.contains(&problem) {
            distinct.push(problem);
        }
    }
    Diagnosis {
        program: machine::program(),
        machine: machine::machine(),
        numbers,
        environment,
        store,
        problems: distinct,
    }
}
