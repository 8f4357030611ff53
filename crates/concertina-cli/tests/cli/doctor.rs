//! `concertina doctor`: what it finds, what it tells, and that it changes nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::SystemTime;

use crate::support::{Place, Said};

/// Everything in a folder, with its bytes and the time of its last change.
fn everything(place: &Place) -> BTreeMap<PathBuf, (Option<SystemTime>, Vec<u8>)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![place.folder.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path.clone());
                // `incoming/` is where the file system is probed
                found.insert(path, (None, Vec::new()));
            } else {
                let time = path.metadata().and_then(|metadata| metadata.modified()).expect("a time");
                let bytes = std::fs::read(&path).expect("a file");
                found.insert(path, (Some(time), bytes));
            }
        }
    }
    found
}

/// Runs the doctor with the test's folder as the home folder; nothing may be changed by it.
#[track_caller]
fn doctor(place: &Place, arguments: &[&str]) -> Said {
    let before = everything(place);
    let mut command = place.command(&[&["doctor"], arguments].concat());
    let output = command.env("HOME", place.folder.path()).output().expect("the command runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    let said =
        Said { status: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) };
    assert!(everything(place) == before, "something was changed\n{}", said.snapshot());
    said
}

/// What is said of the store, and after it; the machine is another one each time.
fn of_store(said: &Said) -> String {
    let (_, store) = said.stdout.split_once("\nstore\n").expect("a section");
    format!("exit status: {}\n{store}-----\n{}", said.status.unwrap_or(-1), said.stderr)
}

macro_rules! assert_found {
    ($said:expr) => {{
        let mut settings = insta::Settings::clone_current();
        settings.add_filter(r"file system    \w+", "file system    [KIND]");
        settings.add_filter(r"free           .*", "free           [SIZE]");
        settings.add_filter(r"\b[0-9a-f]{64}\b", "[KEY]");
        settings.add_filter(r"\b[0-9a-f]{12}\b", "[KEY]");
        settings.add_filter(r"set-aside/[0-9a-f]{16}", "set-aside/[TOKEN]");
        settings.add_filter(r"\b\d+ s ago", "[AGE] ago");
        settings.bind(|| insta::assert_snapshot!(of_store(&$said)));
    }};
}

/// A store with one run.
fn with_a_run() -> Place {
    let place = Place::new();
    place.run_small(&["train", "-q"], &[]).expect_success();
    place
}

#[test]
fn without_a_store_it_says_so() {
    let place = Place::new();
    assert_found!(doctor(&place, &[]));
}

#[test]
fn it_describes_program_machine_and_numbers() {
    let place = Place::new();
    let said = doctor(&place, &["--store", "elsewhere"]).expect_success();
    for expected in [
        concat!("  version        concertina ", env!("CARGO_PKG_VERSION"), "\n"),
        "\nmachine\n",
        "  cores ",
        "  random numbers right with portable",
        "  training       right with portable",
        "  folder         ~/elsewhere (no store yet)\n",
    ] {
        assert!(said.stdout.contains(expected), "{expected:?} is missing\n{}", said.snapshot());
    }
    assert!(!said.stdout.contains(&place.folder.path().display().to_string()), "the home folder is named");
}

#[test]
fn a_fresh_store_is_well() {
    assert_found!(doctor(&with_a_run(), &[]));
}

#[test]
fn every_file_is_read_if_asked_for() {
    assert_found!(doctor(&with_a_run(), &["--verify"]));
}

#[test]
fn a_damaged_format_is_a_problem() {
    let place = with_a_run();
    place.write("concertina/FORMAT", "concertina st\n");
    assert_found!(doctor(&place, &[]));
}

#[test]
fn a_newer_format_is_a_problem() {
    let place = with_a_run();
    place.write("concertina/FORMAT", "concertina store 99\n");
    assert_found!(doctor(&place, &["--verify"]));
}

#[test]
fn another_folder_than_a_store_is_a_problem() {
    let place = Place::new();
    std::fs::create_dir(place.path("concertina")).expect("made");
    place.write("concertina/letter.txt", "Dear all\n");
    assert_found!(doctor(&place, &[]));
}

#[test]
fn a_file_in_place_of_the_store_is_a_problem() {
    let place = Place::new();
    place.write("concertina", "no folder\n");
    assert_found!(doctor(&place, &[]));
}

/// The only run of a store.
fn run_folder(place: &Place) -> PathBuf {
    let only = |folder: PathBuf| {
        let mut entries = std::fs::read_dir(folder).expect("a folder");
        entries.next().expect("an entry").expect("readable").path()
    };
    only(only(place.path("concertina/runs")))
}

#[test]
fn a_damaged_file_is_a_problem_and_stays_where_it_is() {
    let place = with_a_run();
    std::fs::write(run_folder(&place).join("history.parquet"), "PAR").expect("written");
    assert_found!(doctor(&place, &[]));
}

#[test]
fn files_that_were_set_aside_are_listed() {
    let place = with_a_run();
    std::fs::write(run_folder(&place).join("history.parquet"), "PAR").expect("written");
    place.run(&["store", "repair", "-q"]).expect_success();
    place.run_small(&["train", "-q"], &[]).expect_success();
    assert_found!(doctor(&place, &[]));
}

#[test]
fn stale_claims_and_unfinished_files_are_notes() {
    let place = with_a_run();
    let key = run_folder(&place).file_name().expect("a key").to_string_lossy().into_owned();
    std::fs::create_dir_all(place.path("concertina/claims")).expect("made");
    let claim = r#"{"host":"a","machine":"0123456789abcdef","pid":1,"started":1,"token":"fedcba9876543210"}"#;
    let file = place.path(&format!("concertina/claims/{key}.json"));
    std::fs::write(&file, claim).expect("written");
    let long_ago = SystemTime::now() - std::time::Duration::from_secs(3 * 24 * 3600);
    let set_back = |path: &PathBuf| {
        std::fs::File::options()
            .write(true)
            .open(path)
            .and_then(|file| file.set_modified(long_ago))
            .expect("set");
    };
    set_back(&file);
    place.write("concertina/incoming/0123456789abcdef-1-1-x.tmp", "half");
    set_back(&place.path("concertina/incoming/0123456789abcdef-1-1-x.tmp"));
    assert_found!(doctor(&place, &[]));
}

#[test]
fn a_live_claim_is_no_problem() {
    let place = with_a_run();
    std::fs::create_dir_all(place.path("concertina/claims")).expect("made");
    let claim = r#"{"host":"a","machine":"0123456789abcdef","pid":7,"started":1,"token":"fedcba9876543210"}"#;
    place.write(&format!("concertina/claims/{}.json", "ab".repeat(32)), claim);
    assert_found!(doctor(&place, &[]));
}

#[test]
fn an_edited_run_table_is_noted() {
    let place = with_a_run();
    place.write("concertina/runs.csv", "key\nmine\n");
    assert_found!(doctor(&place, &[]));
}

#[test]
fn a_misspelt_environment_variable_is_noted() {
    let place = Place::new();
    let output =
        place.command(&["doctor"]).env("CONCERTINA_STROE", "runs").output().expect("the command runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(output.status.code(), Some(0));
    assert!(text.contains("  CONCERTINA_STROE runs\n"), "{text}");
    assert!(text.contains("    hint: did you mean `CONCERTINA_STORE`?\n"), "{text}");
}

#[test]
#[cfg(unix)]
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn a_store_that_cannot_be_written_is_a_problem_and_described() {
    use std::os::unix::fs::PermissionsExt;
    let place = with_a_run();
    let incoming = place.path("concertina/incoming");
    let set = |mode: u32| {
        std::fs::set_permissions(&incoming, std::fs::Permissions::from_mode(mode)).expect("set");
    };
    set(0o555);
    if std::fs::write(incoming.join("probe"), "").is_ok() {
        // The superuser may write anywhere; nothing can be tested then.
        eprintln!("skipped: this user may write to a folder without permission");
        return;
    }
    let said = doctor(&place, &[]);
    set(0o755);
    assert_eq!(said.status, Some(3), "{}", said.snapshot());
    for expected in [
        "  writable       no\n",
        "  runs           1 (1 complete)\n",
        "  * permission denied: cannot create a file in ~/concertina/incoming\n    hint: ask the owner",
    ] {
        assert!(said.stdout.contains(expected), "{expected:?} is missing\n{}", said.snapshot());
    }
}

#[test]
fn as_json_it_has_the_same_in_fields() {
    let place = with_a_run();
    place.write("concertina/runs.csv", "key\nmine\n");
    let said = doctor(&place, &["--json", "--verify"]).expect_success();
    let found: serde_json::Value = serde_json::from_str(&said.stdout).expect("JSON");
    assert_eq!(found["program"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(found["store"]["path"], "~/concertina");
    assert_eq!(found["store"]["statuses"], serde_json::json!({ "complete": 1 }));
    assert_eq!(found["store"]["verified"], true);
    assert_eq!(found["problems"][0]["severity"], "note");
    assert!(found["problems"][0]["hint"].as_str().is_some_and(|hint| hint.starts_with("remove the file")));
    assert!(
        found["numbers"].as_array().is_some_and(|checks| checks.iter().all(|check| check["right"] == true))
    );
}
