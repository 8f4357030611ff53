//! `concertina runs`

use std::path::Path;

use concertina::store::{Removal, RunKey};
use concertina::{
    CheckpointSelection, Collected, Condition, Error, Garbage, Import, RunListing, Study, check_table_format,
    collected_table, concise, exported_table, imported_table, one_of, run_table_column, sweep, usage_table,
};

use super::{remove, size};
use crate::arguments::{
    Chosen, Collect, Everywhere, Export, Import as ImportArguments, Listing, Remove, Runs,
};
use crate::interrupt;
use crate::output::{Failure, aligned, print, print_table, say};

pub(crate) fn run(everywhere: &Everywhere, runs: &Runs) -> Result<(), Failure> {
    match runs {
        Runs::List { condition, columns, sort, out, listing } => {
            let mut wanted = RunListing::default();
            wanted.condition = condition.as_deref().map(Condition::of_runs).transpose()?;
            wanted.columns = columns.iter().map(|name| run_table_column(name)).collect::<Result<_, _>>()?;
            wanted.sort = sort.iter().map(|name| name.parse()).collect::<Result<_, _>>()?;
            list(everywhere, wanted, out.as_deref(), *listing)
        }
        Runs::Show { key, json } => show(everywhere, key, *json),
        Runs::Rm(remove) => rm(everywhere, remove),
        Runs::Gc(collect) => gc(everywhere, collect),
        Runs::Export(arguments) => export(everywhere, arguments),
        Runs::Import(arguments) => import(everywhere, arguments),
        Runs::Du { listing } => {
            let usage = everywhere.builder().read_only()?.usage()?;
            print_table(&usage_table(&usage)?, *listing, None)
        }
    }
}

fn list(
    everywhere: &Everywhere,
    mut wanted: RunListing,
    out: Option<&Path>,
    listing: Listing,
) -> Result<(), Failure> {
    if let Some(out) = out {
        check_table_format(out)?;
    }
    // For writing, because the index may be out of date.
    let study = everywhere.builder().open_existing()?;
    wanted.for_people = !(listing.json || listing.csv || out.is_some());
    print_table(&study.list(&wanted)?, listing, out)
}

/// The keys of the runs that are meant.
fn keys(study: &Study, chosen: &Chosen) -> Result<Vec<RunKey>, Failure> {
    match &chosen.condition {
        Some(text) => {
            let keys = study.keys_where(&Condition::of_runs(text)?)?;
            if keys.is_empty() {
                say(&format!("no run in the store fulfils `{text}`"));
            }
            Ok(keys)
        }
        None => Ok(chosen.keys.iter().map(|key| study.key_of_run(key)).collect::<Result<_, _>>()?),
    }
}

/// What was removed, as asked; people read sums, programs every line.
fn tell_removed(
    collected: &[Collected],
    listing: Listing,
    dry_run: bool,
    quiet: bool,
) -> Result<(), Failure> {
    if listing.json || listing.csv || !collected.is_empty() {
        let mut table = collected_table(collected)?;
        if !(listing.json || listing.csv) {
            table = concise(&table)?;
        }
        print_table(&table, listing, None)?;
    }
    let gone = |one: &&Collected| one.stays.is_none();
    let bytes: u64 = collected.iter().filter(gone).map(|one| one.bytes).sum();
    if !quiet {
        let verb = if dry_run { "would remove" } else { "removed" };
        say(&format!("{verb} {}", size(bytes)));
    }
    tell_kept(collected);
    match collected.iter().find_map(|one| Some((one.run?, one.stays.clone()?))) {
        Some((run, message)) => {
            let hint = Some("wait for it, then try again".to_owned());
            Err(Failure::Concertina(Error::RunFailed { run: run.short(), message, hint }))
        }
        None => Ok(()),
    }
}

/// What stays although it is of no use to this version: it may be to another, or to its owner.
fn tell_kept(collected: &[Collected]) {
    let kept = collected.iter().filter(|one| one.stays.is_some() && one.run.is_none());
    let (mut count, mut bytes, mut names) = (0, 0, Vec::new());
    for one in kept {
        (count, bytes) = (count + one.count, bytes + one.bytes);
        names.extend(one.analysis.as_ref().map(|(name, version)| format!("`{name}` {version}")));
    }
    if count > 0 {
        say(&format!(
            "kept {count} results ({}) of analyses that this version does not know: {}\n\nhint: `--unknown-analyses` removes them",
            size(bytes),
            names.join(", ")
        ));
    }
}

fn rm(everywhere: &Everywhere, arguments: &Remove) -> Result<(), Failure> {
    let Remove { chosen, dry_run, yes, listing } = arguments;
    let builder = everywhere.builder();
    let study = if *dry_run { builder.read_only()? } else { builder.open_existing()? };
    let keys = keys(&study, chosen)?;
    let collected =
        if *dry_run { study.remove(&keys, Removal::DryRun)? } else { remove(&study, &keys, *yes)? };
    tell_removed(&collected, *listing, *dry_run, everywhere.quiet)
}

fn gc(everywhere: &Everywhere, arguments: &Collect) -> Result<(), Failure> {
    let Collect { checkpoints, set_aside, unknown_analyses, dry_run, listing } = arguments;
    let mut garbage = Garbage::default();
    garbage.all_checkpoints_but = checkpoints.as_deref().map(str::parse).transpose()?;
    garbage.set_aside = *set_aside;
    garbage.unknown_analyses = *unknown_analyses;
    let builder = everywhere.builder();
    let (study, removal) = match dry_run {
        true => (builder.read_only()?, Removal::DryRun),
        false => (builder.open_existing()?, Removal::Now),
    };
    tell_removed(&study.collect(&garbage, removal)?, *listing, *dry_run, everywhere.quiet)
}

fn export(everywhere: &Everywhere, arguments: &Export) -> Result<(), Failure> {
    let Export { chosen, out, checkpoints, listing } = arguments;
    let selection: CheckpointSelection = checkpoints.parse()?;
    let study = everywhere.builder().cancel(interrupt::flag()).read_only()?;
    let keys = keys(&study, chosen)?;
    let archive = out.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("npz"));
    let exported = match keys.as_slice() {
        [key] if archive => vec![study.export(key, &selection, out)?],
        _ if archive => return Err(Error::OneArchive { found: keys.len(), path: out.clone() }.into()),
        keys => study.export_all(keys, &selection, out)?,
    };
    print_table(&exported_table(&exported)?, *listing, None)
}

fn import(everywhere: &Everywhere, arguments: &ImportArguments) -> Result<(), Failure> {
    let ImportArguments { weights, before, names, which, listing } = arguments;
    let sweep = sweep(which.arguments.iter().map(String::as_str), which.seeds.as_deref())?;
    let mut import = Import::of(weights);
    import.before = before.clone();
    import.params = one_of(sweep)?;
    for text in names {
        let Some((ours, theirs)) = text.split_once('=') else {
            return Err(Error::from(concertina::model::Error::NotAnAssignment { text: text.clone() }).into());
        };
        import.names.insert(ours.trim().to_owned(), theirs.trim().to_owned());
    }
    let study = everywhere.builder().open()?;
    let imported = study.import(&import)?;
    if listing.json || listing.csv {
        return print_table(&imported_table(&imported)?, *listing, None);
    }
    let mut text = format!(
        "run {}\n{}network.weights = \"{}\"\n",
        imported.run,
        if imported.was_there { "was there already\n" } else { "" },
        imported.params.network.weights.map(|name| name.to_string()).unwrap_or_default(),
    );
    for (ours, theirs) in &imported.arrays {
        text.push_str(&format!("{ours:<17} from {theirs}\n"));
    }
    print(text.as_bytes())?;
    if !everywhere.quiet {
        let short = imported.run.short();
        say(&format!(
            "`concertina analyse lyapunov --run {short}` analyses it; `concertina runs show {short}` shows its parameters"
        ));
    }
    Ok(())
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
