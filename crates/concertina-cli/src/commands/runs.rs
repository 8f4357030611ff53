//! `concertina runs`

use std::path::Path;

use concertina::prelude::{Table, Timestep};
use concertina::store::{Removal, RunKey};
use concertina::{
    CheckpointSelection, Collected, Condition, Error, Garbage, Hint, Import, Imported, RunColumns,
    RunListing, StatesOf, Study, check_states_format, check_table_format, collected_table, concise,
    describe_size, exported_table, imported_table, one_of, run_table_column, sweep, usage_table,
};

use super::remove;
use crate::arguments::{
    Chosen, Collect, Everywhere, Export, Import as ImportArguments, Listing, Remove, Runs, States,
};
use crate::interrupt;
use crate::output::{Failure, aligned, print, print_table, say};

pub(crate) fn run(everywhere: &Everywhere, runs: &Runs) -> Result<(), Failure> {
    match runs {
        Runs::List { condition, columns, sort, out, listing } => {
            let mut wanted = RunListing::default();
            wanted.condition =
                condition.as_deref().map(|text| Condition::parse(text, &RunColumns)).transpose()?;
            wanted.columns = columns.iter().map(|name| run_table_column(name)).collect::<Result<_, _>>()?;
            wanted.sort = sort.iter().map(|name| name.parse()).collect::<Result<_, _>>()?;
            list(everywhere, wanted, out.as_deref(), *listing)
        }
        Runs::Show { key, json } => show(everywhere, key, *json),
        Runs::Rm(remove) => rm(everywhere, remove),
        Runs::Gc(collect) => gc(everywhere, collect),
        Runs::Export(arguments) => export(everywhere, arguments),
        Runs::States(arguments) => states(everywhere, arguments),
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

/// The keys of the chosen runs.
fn keys(study: &Study, chosen: &Chosen) -> Result<Vec<RunKey>, Failure> {
    match &chosen.condition {
        Some(text) => {
            let keys = study.keys_where(&Condition::parse(text, &RunColumns)?)?;
            if keys.is_empty() {
                say(&format!("no run in the store fulfils `{text}`"));
            }
            Ok(keys)
        }
        None => Ok(chosen.keys.iter().map(|key| study.key_of_run(key)).collect::<Result<_, _>>()?),
    }
}

/// Prints what was removed: sums for people, every line for programs.
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
        say(&format!("{verb} {}", describe_size(bytes)));
    }
    tell_kept(collected);
    match collected.iter().find_map(|one| Some((one.run?, one.stays.clone()?))) {
        Some((run, message)) => {
            let hint = Some(Hint::Text("wait for it, then try again".to_owned()));
            Err(Failure::Concertina(Error::RunFailed { run: run.short(), message, hint }))
        }
        None => Ok(()),
    }
}

/// Reports what was kept although this version cannot use it: another version, or its owner, may.
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
            describe_size(bytes),
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
    garbage.all_checkpoints_but = checkpoints.as_deref().map(str::parse).transpose().map_err(Error::from)?;
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
    let selection: CheckpointSelection = checkpoints.parse().map_err(Error::from)?;
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

fn states(everywhere: &Everywhere, arguments: &States) -> Result<(), Failure> {
    let States { key, out, checkpoint, samples, extend_to, timesteps } = arguments;
    check_states_format(out)?;
    let selection: CheckpointSelection = checkpoint.parse().map_err(Error::from)?;
    let study = everywhere.builder().cancel(interrupt::flag()).open_existing()?;
    let sweep = study.stored_sweep([key.as_str()])?;
    let runs = study.train(&sweep)?;
    let run = runs.first();
    let mut which = StatesOf::default();
    which.samples = *samples;
    which.extend_to = extend_to.map(Timestep);
    which.timesteps.clone_from(timesteps);
    run.write_states(run.one_checkpoint(&selection)?, &which, out)?;
    if !everywhere.quiet {
        say(&format!(
            "`concertina analyse effective_dimension --states {}` analyses them",
            super::shell_word(&out.to_string_lossy())
        ));
    }
    Ok(())
}

fn import(everywhere: &Everywhere, arguments: &ImportArguments) -> Result<(), Failure> {
    let ImportArguments { weights, before, names, which, listing } = arguments;
    let sweep = sweep(which.arguments.iter().map(String::as_str), which.seeds.as_deref())?;
    let mut import = Import::of(weights);
    import.before = before.clone().map(Into::into);
    import.given = sweep.given();
    import.params = one_of(sweep)?;
    for text in names {
        let assignment = text
            .split_once('=')
            .filter(|(ours, theirs)| !ours.trim().is_empty() && !theirs.trim().is_empty());
        let Some((ours, theirs)) = assignment else {
            return Err(Error::from(concertina::model::Error::NotAnAssignment { text: text.clone() }).into());
        };
        if import.names.insert(ours.trim().to_owned(), theirs.trim().to_owned()).is_some() {
            let parameter = ours.trim().to_owned();
            return Err(Error::from(concertina::model::Error::GivenTwice { parameter }).into());
        }
    }
    // Read before the store is opened, so that a file that cannot be read leaves nothing behind.
    let read = import.read()?;
    let study = everywhere.builder().open()?;
    let imported = read.into_iter().map(|one| study.import_read(one)).collect::<Result<Vec<_>, _>>()?;
    if listing.json || listing.csv {
        let mut table = Table::new();
        for one in &imported {
            table.append(&imported_table(one)?).map_err(Error::from)?;
        }
        return print_table(&table, *listing, None);
    }
    for one in &imported {
        print(in_words(one).as_bytes())?;
        if !everywhere.quiet {
            let short = one.run.short();
            let store = everywhere.store_option();
            say(&format!(
                "`concertina analyse spectrum --run {short}{store}` analyses it; `concertina runs show {short}{store}` shows its parameters"
            ));
        }
    }
    Ok(())
}

/// The most names listed in a line. The number is arbitrary: an optimizer's state has two names per array.
const MOST_NAMES: usize = 20;

/// What was imported: which array was used as which, and what became of the rest of the file.
fn in_words(imported: &Imported) -> String {
    let mut text = format!("run {}\n", imported.run);
    if imported.was_there {
        text.push_str("was in the store already\n");
    }
    if let Some(name) = imported.params.network.weights {
        text.push_str(&format!("network.weights = \"{name}\"\n"));
    }
    for (ours, theirs) in &imported.arrays {
        text.push_str(&format!("{ours:<17} from {theirs}\n"));
    }
    let without_effect: Vec<String> = imported.without_effect.iter().map(|&path| path.to_owned()).collect();
    for (what, said) in [
        ("not used", &imported.not_used),
        ("not read", &imported.not_read),
        ("assumed", &imported.assumed),
        ("shown trials of", &imported.trials),
        ("without effect", &without_effect),
    ] {
        if said.is_empty() {
            continue;
        }
        let more = said.len().saturating_sub(MOST_NAMES);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        text.push_str(&format!("{what:<17} {}{more}\n", said[..said.len().min(MOST_NAMES)].join(", ")));
    }
    imported.notes.iter().for_each(|note| text.push_str(&format!("{:<17} {note}\n", "note")));
    text
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
        None => text.push_str("no checkpoint to continue from\n"),
    }
    if let Some(params) = &run.params {
        text.push_str(&format!("\n{}", params.to_annotated_toml()));
    }
    if !run.history.is_empty() {
        text.push_str(&format!("\n{}", aligned(&run.history)));
    }
    print(text.as_bytes())
}
