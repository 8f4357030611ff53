//! `concertina runs`

use std::path::PathBuf;

use concertina::{Condition, check_table_format, run_table_column, usage_table};

use crate::arguments::{Everywhere, Listing, Runs};
use crate::output::{Failure, aligned, print, print_table};

pub(crate) fn run(everywhere: &Everywhere, runs: &Runs) -> Result<(), Failure> {
    match runs {
        Runs::List { condition, columns, out, listing } => {
            list(everywhere, condition.as_deref(), columns, out.as_ref(), *listing)
        }
        Runs::Show { key, json } => show(everywhere, key, *json),
        Runs::Du { listing } => {
            let usage = everywhere.builder().read_only()?.usage()?;
            print_table(&usage_table(&usage)?, *listing, None)
        }
    }
}

fn list(
    everywhere: &Everywhere,
    condition: Option<&str>,
    columns: &[String],
    out: Option<&PathBuf>,
    listing: Listing,
) -> Result<(), Failure> {
    let condition = condition.map(|text| Condition::parse(text, &run_table_column)).transpose()?;
    let columns = columns.iter().map(|name| run_table_column(name)).collect::<Result<Vec<_>, _>>()?;
    if let Some(out) = out {
        check_table_format(out)?;
    }
    let study = everywhere.builder().read_only()?;
    let for_people = !(listing.json || listing.csv || out.is_some());
    let table = study.list(condition.as_ref(), &columns, for_people)?;
    print_table(&table, listing, out.map(PathBuf::as_path))
}

fn show(everywhere: &Everywhere, key: &str, json: bool) -> Result<(), Failure> {
    let study = everywhere.builder().read_only()?;
    let run = study.stored_run(key)?;
    if json {
        return print(format!("{:#}\n", run.to_json()).as_bytes());
    }
    let mut text = format!("run {}\nin {}\n{}, ", run.key, run.folder.display(), run.status);
    match run.reached {
        Some(reached) => text.push_str(&format!(
            "{} epochs, {} updates, {} checkpoints kept\n",
            reached.epoch.0,
            reached.update.0,
            run.checkpoints.len()
        )),
        None => text.push_str("nothing to go on from\n"),
    }
    if let Some(params) = &run.params {
        text.push_str(&format!("\n{}", params.to_annotated_toml()));
    }
    if !run.history.is_empty() {
        text.push_str(&format!("\n{}", aligned(&run.history)));
    }
    print(text.as_bytes())
}
