//! Manual pages, completions, and the environment, against the commands there are.

use std::collections::BTreeSet;
use std::process::Command;

use crate::support::Place;

/// The names of a command's subcommands, as its help lists them.
fn subcommands(place: &Place, command: &[String]) -> Vec<String> {
    let arguments: Vec<&str> = command.iter().map(String::as_str).chain(["--help"]).collect();
    let help = place.run(&arguments).expect_success().stdout;
    let Some((_, listed)) = help.split_once("\nCommands:\n") else { return Vec::new() };
    let lines = listed.lines().take_while(|line| !line.is_empty());
    let names = lines.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    names.filter(|name| !["", "help"].contains(name)).map(str::to_owned).collect()
}

fn add_pages(place: &Place, command: &[String], pages: &mut BTreeSet<String>) {
    let parts: Vec<&str> = std::iter::once("concertina").chain(command.iter().map(String::as_str)).collect();
    pages.insert(format!("{}.1", parts.join("-")));
    for name in subcommands(place, command) {
        add_pages(place, &[command, &[name]].concat(), pages);
    }
}

#[test]
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn every_command_has_a_page_that_renders_without_warnings() {
    let place = Place::new();
    let said = place.run(&["manual", "man/man1"]).expect_success();
    assert!(said.stdout.is_empty() && said.stderr.contains("man/man1/concertina.1"), "{}", said.snapshot());
    let mut expected = BTreeSet::new();
    add_pages(&place, &[], &mut expected);
    let folder = place.path("man/man1");
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.expect("an entry").file_name().into_string().expect("UTF-8")
    };
    let found: BTreeSet<String> = std::fs::read_dir(&folder).expect("made").map(name).collect();
    assert_eq!(found, expected);
    assert!(found.len() > 20 && found.contains("concertina-runs-list.1"), "{found:?}");
    for page in &found {
        let text = std::fs::read_to_string(folder.join(page)).expect("a page");
        assert!(text.contains("\n.SH SYNOPSIS\n") && text.contains("\n.SH OPTIONS\n"), "{page}: {text}");
        let mut groff = Command::new("groff");
        let Ok(rendered) = groff.args(["-man", "-ww", "-Tutf8"]).arg(folder.join(page)).output() else {
            eprintln!("skipped: no `groff` to render {page}");
            continue;
        };
        assert!(rendered.status.success() && rendered.stderr.is_empty(), "{page}: {rendered:?}");
    }
}

#[test]
fn pages_are_the_same_each_time() {
    let place = Place::new();
    for folder in ["one", "two"] {
        place.run(&["manual", folder, "-q"]).expect_success();
    }
    assert_eq!(place.store("one"), place.store("two"));
}

#[test]
fn pages_that_cannot_be_written_are_an_error() {
    let place = Place::new();
    place.write("pages", "no folder\n");
    let said = place.run(&["manual", "pages"]);
    assert_eq!(said.status, Some(3));
    assert!(said.stderr.starts_with("error: cannot write: "), "{}", said.snapshot());
}

#[test]
fn completions_are_offered_for_every_shell() {
    let place = Place::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = place.run(&["completions", shell]).expect_success().stdout;
        for command in ["doctor", "manual"] {
            assert!(script.contains(command), "{shell} does not complete `{command}`");
        }
    }
}

/// The doctor notes variables that no program reads: it has to know those that the help names.
#[test]
fn the_environment_variables_of_the_help_are_those_that_are_known() {
    let place = Place::new();
    let mut pages = BTreeSet::new();
    add_pages(&place, &[], &mut pages);
    place.run(&["manual", "man", "-q"]).expect_success();
    let mut named = BTreeSet::new();
    for page in pages {
        let text = std::fs::read_to_string(place.path("man").join(page)).expect("a page");
        let text = text.replace("\\fB", " ").replace("\\fR", " ");
        let names = text.split(|sign: char| !sign.is_ascii_alphanumeric() && sign != '_');
        named.extend(names.filter(|name| name.starts_with("CONCERTINA_")).map(str::to_owned));
    }
    assert_eq!(named.into_iter().collect::<Vec<_>>(), concertina::ENVIRONMENT_VARIABLES);
}
