//! The command `concertina`: parses what was typed, calls the facade, prints the result.

mod arguments;
mod commands;
mod hint;
mod interrupt;
mod output;
mod progress;

use std::process::ExitCode;

use clap::Parser;
use concertina::ErrorKind;

use crate::arguments::Arguments;
use crate::output::{Failure, is_broken_pipe};

/// Exit statuses, as `concertina --help` lists them.
const RUN_FAILED: u8 = 1;
const USAGE: u8 = 2;
const STORE: u8 = 3;
const UNDECIDED: u8 = 4;
/// The failure is temporary, as `sysexits.h` calls it: the same command again continues.
const MORE: u8 = 75;
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match commands::run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Output(error)) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(failure) => {
            output::print_failure(&failure);
            ExitCode::from(status(&failure))
        }
    }
}

fn status(failure: &Failure) -> u8 {
    match failure {
        Failure::Output(_) => STORE,
        Failure::Runs { .. } | Failure::Contradicted(_) => RUN_FAILED,
        Failure::Undecided(_) => UNDECIDED,
        Failure::Interrupted | Failure::NotConfirmed => INTERRUPTED,
        Failure::More { .. } | Failure::JobOver { .. } => MORE,
        Failure::NotAsked { .. } | Failure::OnlyOfFigures { .. } | Failure::Serving(_) => USAGE,
        Failure::Diagnosed { in_store: true, .. } => STORE,
        Failure::Diagnosed { in_store: false, .. } => RUN_FAILED,
        Failure::Concertina(error) => match error.kind() {
            ErrorKind::Run => RUN_FAILED,
            ErrorKind::Store => STORE,
            ErrorKind::Interrupted => INTERRUPTED,
            _ => USAGE,
        },
    }
}
