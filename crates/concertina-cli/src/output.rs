//! What is printed: results on standard output, everything else on standard error.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::Path;

use concertina::prelude::Table;
use concertina::table::{Scalar, Values};
use concertina::{Counts, Error, write_table};

use crate::arguments::Listing;
use crate::hint;

/// Why a command ends without having done everything it was asked to do.
#[derive(Debug)]
pub(crate) enum Failure {
    /// An error of the facade.
    Concertina(Error),
    /// Standard output cannot be written.
    Output(io::Error),
    /// The viewer cannot serve.
    Serving(io::Error),
    /// Some runs or analyses failed; the others were completed.
    Runs {
        /// The error of each.
        failures: Vec<Error>,
        /// How many runs and analyses there were in all.
        of: usize,
    },
    /// A claim is contradicted, or a published table disagrees.
    Contradicted(Counts),
    /// Something is undecided, or nothing could be judged.
    Undecided(Counts),
    /// `concertina doctor` found something wrong.
    Diagnosed {
        /// How many problems.
        wrong: usize,
        /// Whether one of them is the store's.
        in_store: bool,
    },
    /// A worker stopped before its plans were complete.
    More {
        /// How many runs are unfinished.
        left: usize,
        /// Of how many.
        of: usize,
    },
    /// A job ended before its plan was complete.
    JobOver {
        /// Its number.
        number: u64,
        /// How it ended.
        state: &'static str,
        /// How many runs are unfinished.
        left: usize,
        /// Of how many.
        of: usize,
    },
    /// A stop was requested.
    Interrupted,
    /// The user answered no.
    NotConfirmed,
    /// An option that is about figures was given for runs.
    OnlyOfFigures {
        /// The option.
        option: &'static str,
    },
    /// There is no terminal to ask on.
    NotAsked {
        /// What was to be done.
        what: String,
    },
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Concertina(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// Whether the reader of our output has gone away, as `head` does. That is no error.
pub(crate) fn is_broken_pipe(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}

/// Prints a message on standard error. If it cannot be written, the program goes on.
pub(crate) fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// "1 claim is", "2 claims are".
fn counted(count: usize, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}

/// Prints an error, followed by a hint.
pub(crate) fn print_failure(failure: &Failure) {
    match failure {
        Failure::Concertina(error) => print_error(error),
        Failure::Serving(error) => say(&format!("error: {error}\n\nhint: leave out `--port` for a free one")),
        Failure::Output(error) => say(&format!("error: cannot write to standard output: {error}")),
        Failure::Interrupted => print_error(&Error::Interrupted),
        Failure::Diagnosed { wrong, .. } => {
            say(&format!("error: {} found", counted(*wrong, "problem", "problems")));
        }
        Failure::More { left, of } => say(&format!(
            "stopped: {left} of {of} runs are unfinished, or were not looked at\n\nhint: start a worker on the same plans to continue"
        )),
        Failure::JobOver { number, state, left, of } => say(&format!(
            "error: job {number} is {state}: {left} of {of} runs are missing\n\nhint: `concertina jobs logs {number}` shows what its workers said; `concertina jobs resubmit {number}` submits what is missing"
        )),
        Failure::NotConfirmed => say("nothing was removed"),
        Failure::OnlyOfFigures { option } => {
            say(&format!(
                "error: `{option}` is about figures and recipes, but runs are described\n\nhint: leave out `{option}`"
            ));
        }
        Failure::NotAsked { what } => {
            say(&format!(
                "error: expected a terminal to ask for confirmation: {what}?\n\nhint: `--yes` does it without asking"
            ));
        }
        Failure::Contradicted(counts) => say(&format!(
            "error: {} contradicted, {}",
            counted(counts.contradicted, "claim is", "claims are"),
            counted(
                counts.disagree,
                "point of published tables disagrees",
                "points of published tables disagree"
            ),
        )),
        Failure::Undecided(counts) => say(&match (counts.undecided, counts.not_compared) {
            (0, 0) => "error: there is nothing to judge: the recipes have no claims".to_owned(),
            (0, points) => format!(
                "error: {} too few realisations to be compared\n\nhint: `--full` or `--seeds 0..10` asks for more",
                counted(points, "point of published tables has", "points of published tables have"),
            ),
            (claims, _) => format!(
                "error: {} undecided: there are not enough realisations\n\nhint: `--until-decided` adds some, or ask for more, as in `--full`",
                counted(claims, "claim is", "claims are"),
            ),
        }),
        Failure::Runs { failures, of } => {
            // Many runs often fail for the same reason. It is printed once, with the first of them.
            let mut said: Vec<String> = Vec::new();
            for failure in failures {
                let text = failure.to_string();
                let reason = text.split_once(": ").map_or(text.as_str(), |(_, reason)| reason).to_owned();
                if !said.contains(&reason) {
                    print_error(failure);
                    said.push(reason);
                }
            }
            if *of > 1 {
                say(&format!("\n{} of {of} failed", count_failed(failures)));
            }
        }
    }
}

/// How many failed. A run counts once, even if several of its analyses failed.
fn count_failed(failures: &[Error]) -> usize {
    let run =
        |failure: &Error| if let Error::RunFailed { run, .. } = failure { Some(run.clone()) } else { None };
    let runs: BTreeSet<String> = failures.iter().filter_map(run).collect();
    runs.len() + failures.iter().filter(|failure| run(failure).is_none()).count()
}

fn print_error(error: &Error) {
    say(&format!("error: {error}"));
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let text = cause.to_string();
        if !error.to_string().contains(text.trim_end()) {
            say(&format!("  because: {text}"));
        }
        source = cause.source();
    }
    if let Some(hint) = error.hint() {
        say(&format!("\nhint: {}", hint::words(&hint)));
    }
}

/// Prints a table as CSV, as JSON or aligned for people; or writes it to a file.
pub(crate) fn print_table(table: &Table, listing: Listing, out: Option<&Path>) -> Result<(), Failure> {
    if let Some(path) = out {
        write_table(table, path)?;
        return Ok(());
    }
    let mut bytes = Vec::new();
    if listing.json {
        table.write_json(&mut bytes).map_err(Error::from)?;
        bytes.push(b'\n');
    } else if listing.csv {
        table.write_csv(&mut bytes).map_err(Error::from)?;
    } else {
        bytes = aligned(table).into_bytes();
    }
    print(&bytes)
}

/// Writes to standard output.
pub(crate) fn print(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes)?;
    stdout.flush()?;
    Ok(())
}

/// A table for people: numbers right-aligned, texts left-aligned, with two spaces between columns.
pub(crate) fn aligned(table: &Table) -> String {
    if table.column_count() == 0 {
        return String::new();
    }
    let mut columns: Vec<(Vec<String>, bool)> = Vec::new();
    for (name, values) in table.columns() {
        let numeric = matches!(values, Values::Float(_) | Values::Integer(_));
        let mut cells = vec![name.to_owned()];
        cells.extend(
            (0..table.row_count()).map(|row| values.get(row).map_or_else(String::new, |cell| short(&cell))),
        );
        columns.push((cells, numeric));
    }
    let widths: Vec<usize> = columns
        .iter()
        .map(|(cells, _)| cells.iter().map(|cell| cell.chars().count()).max().unwrap_or(0))
        .collect();
    let mut text = String::new();
    for row in 0..=table.row_count() {
        let mut line = String::new();
        for ((cells, numeric), width) in columns.iter().zip(&widths) {
            if !line.is_empty() {
                line.push_str("  ");
            }
            let cell = &cells[row];
            line.push_str(&if *numeric { format!("{cell:>width$}") } else { format!("{cell:<width$}") });
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Rows for people whose texts are too long for a table. `entry` writes one row, and is given the text of
/// each of its columns, which is `None` where the cell is empty.
pub(crate) fn entries(table: &Table, entry: impl Fn(&dyn Fn(&str) -> Option<String>) -> String) -> String {
    let text = |row: usize, name: &str| {
        let (_, values) = table.columns().find(|(known, _)| *known == name)?;
        values.get(row).filter(|cell| !matches!(cell, Scalar::Null)).map(|cell| short(&cell))
    };
    (0..table.row_count()).map(|row| entry(&|name| text(row, name))).collect()
}

/// A cell for people: four significant digits.
fn short(cell: &Scalar) -> String {
    match cell {
        Scalar::Float(number) => short_number(*number),
        Scalar::Null => "-".to_owned(),
        Scalar::Vector(numbers) => short_vector(numbers),
        other => other.to_string(),
    }
}

/// A vector for people: its first three numbers, and the total number if there are more.
fn short_vector(numbers: &[f64]) -> String {
    let mut texts: Vec<String> = numbers.iter().take(3).map(|number| short_number(*number)).collect();
    if numbers.len() > texts.len() {
        texts.push(format!("... {} numbers", numbers.len()));
    }
    format!("[{}]", texts.join(", "))
}

fn short_number(number: f64) -> String {
    let size = number.abs();
    if number == number.trunc() && size < 1e6 {
        return format!("{number:.0}");
    }
    if !(1e-3..1e6).contains(&size) {
        return format!("{number:.3e}");
    }
    let decimals = (3 - size.log10().floor() as i32).clamp(0, 6) as usize;
    let text = format!("{number:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::{short_number, short_vector};

    #[test]
    fn vectors_for_people_are_cut_short() {
        assert_eq!(short_vector(&[0.123456, -2.0]), "[0.1235, -2]");
        assert_eq!(short_vector(&[0.5; 200]), "[0.5, 0.5, 0.5, ... 200 numbers]");
        assert_eq!(short_vector(&[]), "[]");
    }

    #[test]
    fn numbers_for_people_have_four_digits() {
        assert_eq!(short_number(0.123456), "0.1235");
        assert_eq!(short_number(250.0), "250");
        assert_eq!(short_number(12.3456), "12.35");
        assert_eq!(short_number(1.5e-10), "1.500e-10");
        assert_eq!(short_number(0.0), "0");
        assert_eq!(short_number(-0.5), "-0.5");
        assert_eq!(short_number(f64::INFINITY), "inf");
    }
}
