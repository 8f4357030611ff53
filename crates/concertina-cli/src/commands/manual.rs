//! `concertina manual`

use std::path::Path;

use clap::CommandFactory;
use concertina::Error;

use crate::arguments::Arguments;
use crate::output::{Failure, say};

pub(crate) fn run(folder: &Path, quiet: bool) -> Result<(), Failure> {
    let failed = |source| Error::Write { source, path: folder.to_owned() };
    std::fs::create_dir_all(folder).map_err(failed)?;
    clap_mangen::generate_to(Arguments::command(), folder).map_err(failed)?;
    if !quiet {
        say(&format!("`man -l {}` shows the first page", folder.join("concertina.1").display()));
    }
    Ok(())
}
