//! Maintaining a store: removing, collecting, exporting, importing, merging, repairing.

use std::process::Stdio;

use crate::support::{Place, SMALL, Said, assert_same_store};

fn trained(place: &Place, store: &str, more: &[&str]) {
    let arguments = [&["train", "-q", "--store", store], &SMALL[..], more].concat();
    place.run(&arguments).expect_success();
}

fn run(place: &Place, words: &str) -> Said {
    place.run(&words.split(' ').collect::<Vec<_>>())
}

fn lines(said: Said) -> usize {
    said.expect_success().stdout.lines().count()
}

#[test]
fn runs_are_removed_after_asking_and_a_dry_run_changes_nothing() {
    let place = Place::new();
    trained(&place, "s", &["gain=20,250", "seed=0..2"]);
    trained(&place, "kept", &["gain=20", "seed=0..2"]);
    let before = place.store("s");
    let dry =
        place.run(&["runs", "rm", "--where", "gain = 250", "--dry-run", "--store", "s"]).expect_success();
    assert!(dry.stdout.lines().count() == 3 && dry.stderr.starts_with("would remove"), "{}", dry.snapshot());
    // There is no terminal to ask on.
    let asked = place.run(&["runs", "rm", "--where", "gain = 250", "--store", "s"]);
    assert_eq!(asked.status, Some(2), "{}", asked.snapshot());
    assert!(
        asked.stderr.contains("remove 2 runs") && asked.stderr.contains("hint: `--yes`"),
        "{}",
        asked.stderr
    );
    assert_same_store(&place.store("s"), &before, "nothing was removed");
    let removed = place
        .run(&["runs", "rm", "--where", "gain = 250", "--yes", "--store", "s", "--json"])
        .expect_success();
    let removed: serde_json::Value = serde_json::from_str(&removed.stdout).expect("JSON");
    assert_eq!((removed.as_array().map(Vec::len), &removed[0]["kind"]), (Some(2), &"run".into()));
    assert_same_store(&place.store("s"), &place.store("kept"), "as if they had never been");
    let unknown = run(&place, "runs rm abcdef --yes --store s");
    assert_eq!(unknown.status, Some(2), "{}", unknown.snapshot());
    assert_eq!(run(&place, "runs rm --store s").status, Some(2), "no runs are named");
    assert_eq!(run(&place, "runs gc --store nowhere").status, Some(3), "no store is created");
    assert!(!place.path("nowhere").exists());
}

#[test]
fn clear_removes_the_requested_runs_and_trains_them_again() {
    let place = Place::new();
    trained(&place, "s", &["gain=20,250"]);
    let before = place.store("s");
    let arguments = |more: &[&'static str]| {
        [&["train", "--csv", "--store", "s"], &SMALL[..], &["gain=250", "-q"], more].concat()
    };
    let refused = place.run(&arguments(&["--clear"]));
    assert_eq!(refused.status, Some(2), "{}", refused.snapshot());
    assert_same_store(&place.store("s"), &before, "nothing was removed");
    let done = place.run(&arguments(&["--clear", "--yes"])).expect_success();
    assert!(done.stdout.contains(",trained,"), "{}", done.stdout);
    assert_same_store(&place.store("s"), &before, "the same bytes again");
    assert_eq!(place.run(&arguments(&["--yes"])).status, Some(2), "`--yes` without `--clear`");
}

#[test]
fn checkpoints_are_thinned_out_and_recomputed() {
    let place = Place::new();
    trained(&place, "s", &["gain=20,250"]);
    let before = place.store("s");
    let would = run(&place, "runs gc --checkpoints ends --dry-run --csv --store s").expect_success().stdout;
    assert_same_store(&place.store("s"), &before, "a dry run");
    assert_eq!(run(&place, "runs gc --checkpoints ends --csv --store s").expect_success().stdout, would);
    assert_eq!(lines(run(&place, "runs gc --checkpoints ends --store s")), 0, "nothing is left to remove");
    trained(&place, "s", &["gain=20,250"]);
    assert_same_store(&place.store("s"), &before, "recomputed");
    assert_eq!(run(&place, "runs gc --checkpoints some --store s").status, Some(2));
}

#[test]
fn a_damaged_store_is_repaired_and_says_so() {
    let place = Place::new();
    trained(&place, "s", &["gain=20,250"]);
    let before = place.store("s");
    let params = before.keys().find(|path| path.ends_with("params.toml")).expect("it exists").clone();
    std::fs::write(place.path("s").join(&params), "no = 1\n").expect("writable");
    std::fs::write(place.path("s/FORMAT"), "").expect("writable");
    let refused = run(&place, "store verify --store s");
    assert_eq!(refused.status, Some(3), "{}", refused.snapshot());
    let repaired = run(&place, "store repair --store s").expect_success();
    assert!(
        repaired.stdout.contains("params.toml") && repaired.stderr.contains("1 damaged files set aside"),
        "{}",
        repaired.snapshot()
    );
    run(&place, "store verify --store s").expect_success();
    trained(&place, "s", &["gain=20,250"]);
    run(&place, "runs gc --set-aside -q --store s").expect_success();
    assert_same_store(&place.store("s"), &before, "repaired, and trained again");
    assert_eq!(run(&place, "store repair --store nowhere").status, Some(3));
    std::fs::create_dir(place.path("other")).expect("made");
    place.write("other/thesis.tex", "precious");
    assert_eq!(run(&place, "store repair --store other").status, Some(3), "it is not turned into a store");
    assert_eq!(std::fs::read_dir(place.path("other")).expect("it exists").count(), 1);
}

#[test]
fn stores_are_merged_and_differences_are_reported() {
    let place = Place::new();
    trained(&place, "left", &["seed=0..2"]);
    trained(&place, "right", &["seed=1..4"]);
    trained(&place, "both", &["seed=0..4"]);
    let merged = run(&place, "store merge right --csv --store left").expect_success().stdout;
    assert_eq!((merged.matches(",added,").count(), merged.matches(",same,").count()), (2, 1), "{merged}");
    assert_same_store(&place.store("left"), &place.store("both"), "merged");
    assert_eq!(run(&place, "store merge nowhere --store left").status, Some(3));
    run(&place, "store merge left --store left").expect_success();
    // A run whose stored parameters differ in the other store. A file that describes another run is damaged,
    // so an empty file is used here.
    let params =
        place.store("right").into_keys().find(|path| path.ends_with("params.toml")).expect("it exists");
    std::fs::write(place.path("right").join(params), "").expect("writable");
    let left = run(&place, "store merge right --store left");
    assert_eq!(left.status, Some(1), "{}", left.snapshot());
    assert!(
        left.stdout.contains("damaged") && left.stderr.contains("1 of 3 runs were not taken"),
        "{}",
        left.snapshot()
    );
}

#[test]
fn runs_are_exported_and_imported() {
    let place = Place::new();
    trained(&place, "s", &["gain=20,250"]);
    let key = run(&place, "runs list --csv --columns key --store s")
        .expect_success()
        .stdout
        .lines()
        .nth(1)
        .expect("a run")
        .to_owned();
    run(&place, &format!("runs export {key} --out one.npz --store s")).expect_success();
    let again = run(&place, &format!("runs export {key} --out one.npz --store s"));
    assert_eq!(again.status, Some(3));
    assert!(again.stderr.contains("nothing is overwritten"), "{}", again.stderr);
    let two = place.run(&["runs", "export", "--where", "gain > 0", "--out", "two.npz", "--store", "s"]);
    assert_eq!(two.status, Some(2), "{}", two.snapshot());
    let said = place.run(&[
        "runs",
        "export",
        "--where",
        "gain > 0",
        "--out",
        "all",
        "--checkpoints",
        "last",
        "--csv",
        "--store",
        "s",
    ]);
    assert_eq!(lines(said), 3);
    assert_eq!(std::fs::read_to_string(place.path("all/runs.csv")).expect("written").lines().count(), 3);
    // What is exported can be imported: one archive, and a folder of them.
    let back = run(&place, "runs import one.npz --store back").expect_success();
    assert!(back.stdout.contains("7 checkpoints, the last after 6 epochs"), "{}", back.snapshot());
    assert!(back.stdout.starts_with(&format!("run {key}\n")), "the same run: {}", back.snapshot());
    let all = run(&place, "runs import all --csv --store back");
    assert_eq!(lines(all), 3);
    let other = run(&place, "runs import one.npz delay=20 --store back").expect_success();
    assert!(other.stdout.contains("imported as a network, not as the run itself"), "{}", other.snapshot());
    std::fs::copy(
        concat!(env!("CARGO_MANIFEST_DIR"), "/../concertina/tests/data/weights.safetensors"),
        place.path("rnn.safetensors"),
    )
    .expect("copied");
    let imported = run(&place, "runs import rnn.safetensors clusters=4 delay=3 --json --store theirs")
        .expect_success()
        .stdout;
    let imported: serde_json::Value = serde_json::from_str(&imported).expect("JSON");
    assert_eq!(imported[0]["was_there"], false);
    let run_key = imported[0]["run"].as_str().expect("a key");
    let analysed = run(&place, &format!("analyse accuracy --run {} --csv -q --store theirs", &run_key[..12]))
        .expect_success()
        .stdout;
    assert!(analysed.lines().nth(1).is_some_and(|line| line.starts_with("0,after,0,0,")), "{analysed}");
    assert_eq!(run(&place, "analyse accuracy --run ffff --store theirs").status, Some(2));
    for (words, expected) in [
        ("runs import rnn.pt", "No such file"),
        ("runs import nothing.npz", "cannot read"),
        ("runs import rnn.safetensors units=7", "expected 7, as given, found 4"),
        ("runs import rnn.safetensors seed=0..2", "found a sweep of 2"),
        ("runs import rnn.safetensors --name bias", "expected `name=value`"),
        ("runs import rnn.safetensors --name weights=x", "expected one of `input_weights`"),
        ("runs import rnn.safetensors --name bias=rnn.nothing", "no array `rnn.nothing`"),
        ("runs import rnn.safetensors --before rnn.safetensors epochs=0", "`train.epochs` of at least 1"),
    ] {
        let said = run(&place, &format!("{words} --store none"));
        assert_eq!(said.status, Some(2), "{words}: {}", said.snapshot());
        assert!(said.stderr.contains(expected) && said.stderr.contains("hint:"), "{words}: {}", said.stderr);
    }
    let listed =
        place.command(&["runs", "list", "--store", "none"]).stdout(Stdio::piped()).output().expect("it runs");
    assert!(listed.stdout.is_empty(), "nothing was kept");
}
