//! Each command does what its help says.

use std::process::Stdio;

use crate::support::{Place, SMALL, assert_said, assert_same_store, regex_escape};

#[test]
fn training_prints_a_table_of_runs_and_a_line_for_each_that_was_trained() {
    let place = Place::new();
    let said = place.run_small(&["train", "--jobs", "1"], &["gain=20,250", "seed=0..2"]);
    assert_said!(place, said);
    let said = place.run_small(&["train", "--jobs", "1"], &["gain=20,250", "--seeds", "0..2"]);
    assert_said!(place, said);
}

#[test]
fn one_job_and_two_leave_the_same_store_and_print_the_same() {
    let place = Place::new();
    let train = |store: &str, jobs: &str| {
        place
            .run_small(&["train", "-q"], &["gain=20,250", "seed=0..3", "--store", store, "--jobs", jobs])
            .expect_success()
    };
    assert_eq!(train("one", "1").stdout, train("two", "2").stdout);
    assert_same_store(&place.store("one"), &place.store("two"), "one job and two");
}

#[test]
fn print_shows_the_parameters_and_the_key_of_every_run_and_trains_nothing() {
    let place = Place::new();
    let ours = place.run(&["train", "gain=250", "input_dim=2", "delay=10", "--print"]).expect_success();
    let theirs = place.run(&["train", "g_radius=250", "X_dim=2", "n_lag=10", "--print"]).expect_success();
    assert_eq!(ours.stdout, theirs.stdout);
    assert_said!(place, ours);
    assert!(!place.path("concertina").exists());
    // The output is itself a parameter file for the same run.
    place.write("printed.toml", &ours.stdout);
    let again = place.run(&["train", "printed.toml", "--print"]).expect_success();
    assert_eq!(again.stdout, ours.stdout);
}

#[test]
fn an_analysis_is_a_tidy_table_in_any_format() {
    let place = Place::new();
    let analyse = |more: &[&str]| {
        let first = ["analyse", "effective_dimension", "-q", "--with", "samples=32"];
        place.run_small(&[&first, more].concat(), &["gain=20,250"]).expect_success().stdout
    };
    let csv = analyse(&["--csv"]);
    assert_eq!(csv.lines().next(), Some("gain,seed,stage,epoch,update,timestep,effective_dimension"));
    assert_eq!(csv.lines().count(), 1 + 2 * 2 * 5);
    let json: serde_json::Value = serde_json::from_str(&analyse(&["--json"])).expect("JSON");
    assert_eq!(json.as_array().map(Vec::len), Some(20));
    assert!(json[0]["effective_dimension"].is_f64() && json[0]["stage"] == "before");
    assert_eq!(analyse(&["--out", "table.csv"]), "");
    assert_eq!(std::fs::read_to_string(place.path("table.csv")).expect("written"), csv);
    analyse(&["--out", "table.parquet"]);
    assert!(place.path("table.parquet").exists());
}

#[test]
fn runs_are_listed_filtered_and_shown() {
    let place = Place::new();
    place.run_small(&["train", "-q"], &["gain=20,250", "seed=0..2"]).expect_success();
    let list = |more: &[&str]| place.run(&[&["runs", "list"], more].concat()).expect_success().stdout;
    assert_eq!(list(&[]).lines().count(), 5);
    assert_eq!(list(&["--where", "g_radius = 250 and seed > 0"]).lines().count(), 2);
    assert_eq!(list(&["--columns", "gain,seed", "--csv"]).lines().next(), Some("network.gain,seed"));
    let json: serde_json::Value = serde_json::from_str(&list(&["--json"])).expect("JSON");
    let key = json[0]["key"].as_str().expect("a key");
    assert_eq!((key.len(), &json[0]["status"], &json[0]["epochs"]), (64, &"complete".into(), &6.into()));
    let shown = place.run(&["runs", "show", &key[..10]]).expect_success().stdout;
    assert!(
        shown.contains(key) && shown.contains("7 checkpoints") && shown.contains("validation_loss"),
        "{shown}"
    );
    let shown = place.run(&["runs", "show", &key[..10], "--json"]).expect_success().stdout;
    let shown: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!(shown["history"].as_array().map(Vec::len), Some(6));
    assert_eq!(shown["checkpoints"][6]["update"], 24);
    assert_eq!(shown["params"]["network"]["units"], 16);
}

#[test]
fn disk_usage_is_listed_by_kind_and_analysis() {
    let place = Place::new();
    place
        .run_small(&["analyse", "effective_dimension", "-q", "--with", "samples=32"], &["gain=20,250"])
        .expect_success();
    let said = place.run(&["runs", "du", "--json"]).expect_success();
    let rows: serde_json::Value = serde_json::from_str(&said.stdout).expect("JSON");
    let row = |kind: &str| {
        let rows = rows.as_array().expect("an array");
        rows.iter()
            .find(|row| row["kind"] == kind)
            .unwrap_or_else(|| panic!("no {kind}: {}", said.stdout))
            .clone()
    };
    let analysis = row("analysis");
    assert_eq!((&analysis["analysis"], &analysis["files"]), (&"effective_dimension".into(), &2.into()));
    assert_eq!(analysis["superseded"], false);
    assert!(row("checkpoints")["bytes"].as_u64() > Some(10_000) && row("history")["files"] == 2);
    // Every byte of the store is listed.
    let listed: u64 = rows.as_array().expect("an array").iter().filter_map(|row| row["bytes"].as_u64()).sum();
    let store = place.path("concertina");
    let provenance = |path: &std::path::Path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    let keys = place.run(&["runs", "list", "--columns", "folder", "--csv"]).expect_success().stdout;
    let left_out: u64 =
        keys.lines().skip(1).map(|folder| provenance(&store.join(folder).join("provenance.json"))).sum();
    let there: usize = place.store("concertina").values().map(Vec::len).sum();
    assert_eq!(listed, there as u64 + left_out);
}

#[test]
fn an_empty_listing_is_empty_in_every_format() {
    let place = Place::new();
    place.run_small(&["train", "-q"], &[]).expect_success();
    let list = |more: &[&str]| {
        place.run(&[&["runs", "list", "--where", "seed = 99"], more].concat()).expect_success().stdout
    };
    let json: serde_json::Value = serde_json::from_str(&list(&["--json"])).expect("JSON");
    assert_eq!(json, serde_json::json!([]));
    assert_eq!(list(&["--csv"]).lines().count(), 1);
}

#[test]
fn parameters_are_listed_for_people_and_programs() {
    let place = Place::new();
    let listed = |more: &[&str]| place.run(&[&["params"], more].concat()).expect_success().stdout;
    assert!(listed(&[]).contains("network.gain") && listed(&[]).contains("g_radius"));
    assert!(listed(&[]).contains("network.gain (g_radius) = 20; 1.5 with"));
    assert!(listed(&["--paper"]).starts_with("model_seed (seed) = 0\n"));
    assert!(listed(&[]).lines().all(|line| line.chars().count() < 160), "{}", listed(&[]));
    assert!(listed(&["--markdown"]).starts_with("| parameter |"));
    let json: serde_json::Value = serde_json::from_str(&listed(&["--json"])).expect("JSON");
    let gain = json.as_array().expect("an array").iter().find(|row| row["parameter"] == "network.gain");
    let gain = gain.expect("a row");
    assert_eq!(gain["default"], "20");
    assert_eq!(gain["other_defaults"], "1.5 with network.kind = rate or network.excitatory");
}

#[test]
fn references_and_completions_are_printed() {
    let place = Place::new();
    let cited = place.run(&["cite", "lyapunov"]).expect_success().stdout;
    assert!(cited.contains("@article{benettin1980,") && cited.contains("@article{farrell2022,"));
    for shell in ["bash", "zsh", "fish"] {
        assert!(place.run(&["completions", shell]).expect_success().stdout.contains("concertina"));
    }
}

#[test]
fn the_store_says_where_it_is_and_whether_it_is_whole() {
    let place = Place::new();
    place.run_small(&["train", "-q"], &[]).expect_success();
    let place_of_store = place.run(&["store", "where"]).expect_success().stdout;
    assert!(place_of_store.trim().ends_with("concertina"));
    place.run(&["store", "verify"]).expect_success();
    let key = place.run(&["runs", "list", "--columns", "folder", "--csv"]).expect_success().stdout;
    let folder = key.lines().nth(1).expect("a run").to_owned();
    let file = place.path("concertina").join(folder).join("resume.safetensors");
    let mut bytes = std::fs::read(&file).expect("it exists");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&file, bytes).expect("written");
    let said = place.run(&["store", "verify", "--csv"]);
    assert_eq!(said.status, Some(3));
    assert!(
        said.stdout.contains("damaged") && said.stdout.contains("resume.safetensors"),
        "{}",
        said.snapshot()
    );
    assert!(said.stderr.contains("hint: "));
}

#[test]
fn the_store_may_be_named_by_the_environment() {
    let place = Place::new();
    let status = place
        .command(&[&["train", "-q"], &SMALL[..]].concat())
        .env("CONCERTINA_STORE", "elsewhere")
        .stdout(Stdio::null())
        .status()
        .expect("it runs");
    assert!(
        status.success() && place.path("elsewhere/FORMAT").exists() && !place.path("concertina").exists()
    );
}

#[test]
fn a_reader_that_goes_away_is_not_an_error() {
    let place = Place::new();
    let mut child =
        place.command(&["params"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn runs_that_are_trained_again_agree_bit_for_bit() {
    let place = Place::new();
    place.run_small(&["train", "-q"], &["seed=0..2"]).expect_success();
    let said = place.run_small(&["train", "--rerun"], &["seed=0..2"]).expect_success();
    assert_eq!(
        said.stderr.matches("7 checkpoints and 6 epochs of history agree bit-for-bit").count(),
        2,
        "{}",
        said.stderr
    );
}

#[test]
fn figures_are_drawn_and_the_second_time_nothing_is_trained() {
    let place = Place::new();
    let small = ["units=24", "train_samples=60", "val_samples=20", "epochs=2", "delay=4"];
    let mut arguments = vec!["figures", "fig2", "--seeds", "0..2"];
    small.iter().for_each(|set| arguments.extend(["--set", set]));
    let printed = place.run(&[&arguments[..], &["--print"]].concat()).expect_success();
    let runs = printed.stdout.matches("# run ").count();
    assert!(runs >= 4 && !place.path("figures").exists(), "{runs}");
    let first = place.run(&arguments).expect_success();
    assert!(first.stdout.contains("figures/fig2.pdf"), "{}", first.snapshot());
    let panel =
        |letter: &str| std::fs::read(place.path(&format!("figures/fig2/{letter}.csv"))).expect("drawn");
    let before: Vec<_> = ["d", "e", "g"].map(panel).into();
    let second = place.run(&arguments).expect_success();
    assert!(second.stderr.contains(&format!("{runs} runs: 0 trained, {runs} loaded; ")), "{}", second.stderr);
    assert_eq!(second.stdout, first.stdout);
    let after: Vec<_> = ["d", "e", "g"].map(panel).into();
    assert!(before == after);
}

/// A figure whose one claim holds, compared with a published table of the same runs.
const RECIPE: &str = r#"
figure = "own"

[parameters]
network.units = 16
task = { input_dim = 6, clusters = 8, delay = 4, train_samples = 40, val_samples = 20 }
train.epochs = 6

[runs.all]
sweep = { network.gain = [20.0, 250.0] }

[[panels]]
letter = "a"
runs = "all"
analysis = { analysis = "effective_dimension", samples = 32 }
checkpoints = "ends"
draw = { x = "timestep", y = "effective_dimension", hue = "gain", style = "stage", band = "mean_sd" }

[[claims]]
name = "above_one"
statement = "The effective dimension of the states is above one."
table = "a"
value = "effective_dimension"
where = { timestep = 0 }
each = { gain = [20, 250], stage = ["before", "after"] }
expect = "greater"
than = 1

[[published]]
table = "a"
file = "fig2_effective_dimension"
keys = ["gain", "stage", "timestep"]
values = { effective_dimension = { resolution = 0.01 } }
"#;

#[test]
fn reproducing_ends_well_only_if_no_claim_fails_and_no_published_table_disagrees() {
    let place = Place::new();
    place.write("own.toml", RECIPE);
    let analyse = ["analyse", "effective_dimension", "-q", "--with", "samples=32", "--csv"];
    let table = place.run_small(&analyse, &["gain=20,250", "seed=0..5"]).expect_success().stdout;
    std::fs::create_dir(place.path("reference")).expect("a folder");
    let plant = |text: &str| place.write("reference/fig2_effective_dimension.csv", text);
    let reproduce = |more: &[&str]| {
        place.run(&[&["reproduce", "own.toml", "--reference", "reference"][..], more].concat())
    };

    plant(&table);
    let said = reproduce(&["-q"]).expect_success();
    assert!(
        said.stdout.contains("above_one") && said.stdout.contains("0 of 20 points disagree"),
        "{}",
        said.stdout
    );
    for file in ["figures/report.html", "figures/report.json", "figures/own.pdf", "figures/runs.csv"] {
        assert!(place.path(file).exists(), "{file}");
    }
    let json: serde_json::Value =
        serde_json::from_str(&reproduce(&["-q", "--json"]).expect_success().stdout).expect("JSON");
    assert_eq!((&json["passed"], &json["counts"]["reproduced"]), (&true.into(), &1.into()));

    // Wrong numbers in the published table: all five realisations of one point are off by a hundred.
    let wrong: Vec<String> = table
        .lines()
        .map(|line| match line.starts_with("250.0,") && line.contains(",after,") && line.contains(",2,") {
            true => format!(
                "{}1{}",
                &line[..=line.rfind(',').expect("columns")],
                &line[line.rfind(',').expect("columns") + 1..]
            ),
            false => line.to_owned(),
        })
        .collect();
    plant(&format!("{}\n", wrong.join("\n")));
    let said = reproduce(&["-q"]);
    assert_eq!(said.status, Some(1), "{}", said.snapshot());
    assert!(
        said.stdout.contains("DISAGREES") && said.stdout.contains("1 of 20 points disagree"),
        "{}",
        said.stdout
    );

    plant(&table);
    place.write("own.toml", &RECIPE.replace("than = 1", "than = 100"));
    // The opposite in four groups: five realisations are too few to say, and eight are enough.
    let said = reproduce(&["-q"]);
    assert_eq!(said.status, Some(4), "{}", said.snapshot());
    assert!(said.stdout.contains("undecided"), "{}", said.stdout);
    assert!(
        said.stdout.contains("own, above_one: With five realisations, an effect of 1.7 standard deviations"),
        "{}",
        said.stdout
    );
    assert!(said.stderr.contains("error: 1 claim is undecided"), "{}", said.stderr);
    let said = reproduce(&["--until-decided", "--most", "20"]);
    assert_eq!(said.status, Some(1), "{}", said.snapshot());
    assert!(said.stdout.contains("CONTRADICTED"), "{}", said.stdout);
    assert!(
        said.stderr.contains("1 claim is undecided: adding 6 runs, up to 8 realisations"),
        "{}",
        said.stderr
    );
    assert!(said.stderr.contains("error: 1 claim is contradicted, 0 points"), "{}", said.stderr);

    // One realisation proves nothing, so the command does not succeed.
    place.write("own.toml", RECIPE);
    let said = reproduce(&["-q", "--seeds", "0"]);
    assert_eq!(said.status, Some(4));
    assert!(
        said.stderr.contains("not enough realisations") && said.stderr.contains("hint: "),
        "{}",
        said.stderr
    );
    let said = place.run(&["reproduce", "own.toml", "--reference", "nowhere"]);
    assert_eq!(said.status, Some(2), "{}", said.snapshot());
}

#[test]
fn figures_say_how_many_runs_of_how_many_failed() {
    let place = Place::new();
    // The states of a linear network with that gain become infinite immediately. The runs train to their end,
    // but the analysis fails.
    let infinite =
        RECIPE.replace("gain = [20.0, 250.0]", "gain = [20.0, 1e10]").replace("delay = 4", "delay = 8");
    let infinite =
        infinite.replace("train.epochs = 6", "train.epochs = 1\nnetwork.nonlinearity = \"linear\"");
    let infinite = infinite.replace("checkpoints = \"ends\"", "checkpoints = \"first\"");
    place.write("own.toml", infinite.split("[[claims]]").next().expect("a beginning"));
    let said = place.run(&["plot", "own.toml", "--seeds", "0..3", "-q"]);
    assert_eq!(said.status, Some(1), "{}", said.snapshot());
    assert!(said.stderr.ends_with("\n3 of 6 failed\n"), "{}", said.snapshot());
    let said = place.run(&["reproduce", "own.toml", "--seeds", "0..3", "-q"]);
    assert_eq!(said.status, Some(1), "{}", said.snapshot());
    assert!(said.stderr.ends_with("\n3 of 6 failed\n"), "{}", said.snapshot());
}

#[test]
fn a_value_that_no_run_has_is_reported_before_anything_is_trained() {
    let place = Place::new();
    place.write("own.toml", &RECIPE.replace("draw = { x", "draw = { keep = { gain = [20, 21] }, x"));
    let said = place.run(&["plot", "own.toml"]);
    assert_eq!(said.status, Some(2), "{}", said.snapshot());
    assert!(said.stderr.contains("panel `a`: `keep`: no row has `21` in column `gain`"), "{}", said.stderr);
    assert!(said.stderr.contains("hint: `gain` has `20`, `250`"), "{}", said.stderr);
    place.write("own.toml", &RECIPE.replace("gain = [20, 250], stage", "gain = [20, 251], stage"));
    let said = place.run(&["reproduce", "own.toml"]);
    assert_eq!(said.status, Some(2), "{}", said.snapshot());
    assert!(said.stderr.contains("claim `above_one`: no row has `251` in column `gain`"), "{}", said.stderr);
    assert!(!place.path("concertina").exists(), "no store is created for an invalid recipe");
}

#[test]
fn a_band_that_a_log_axis_cannot_show_is_reported() {
    let place = Place::new();
    let log = RECIPE.replace("y = \"effective_dimension\"", "y = { column = \"loss\", scale = \"log\" }");
    let log =
        log.replace("analysis = \"effective_dimension\", samples = 32", "analysis = \"loss\", samples = 32");
    let log = log
        .replace("x = \"timestep\"", "x = \"epoch\"")
        .replace("train.epochs = 6", "train.epochs = 6\ntrain.learning_rate = 0.05");
    place.write("own.toml", log.split("[[claims]]").next().expect("a beginning"));
    let said = place.run(&["plot", "own.toml"]).expect_success();
    assert!(said.stderr.contains("warning: own, panel a: the error bars of"), "{}", said.stderr);
    assert!(said.stderr.contains("reach 0 or below"), "{}", said.stderr);
}

#[test]
fn a_damaged_file_is_reported_and_recomputed() {
    let place = Place::new();
    place.run_small(&["train", "-q"], &[]).expect_success();
    let before = place.store("concertina");
    let packed = |path: &&std::path::PathBuf| path.ends_with("checkpoints.safetensors");
    let file = place.path("concertina").join(before.keys().find(packed).expect("a packed file"));
    let mut bytes = std::fs::read(&file).expect("it exists");
    bytes[20] ^= 4;
    std::fs::write(&file, bytes).expect("written");
    let said = place.run_small(&["train"], &[]).expect_success();
    assert!(said.stderr.contains("warning: damaged file, set aside as set-aside/"), "{}", said.snapshot());
    assert!(said.stdout.contains("recomputed"), "{}", said.snapshot());
    let mut after = place.store("concertina");
    after.retain(|path, _| !path.starts_with("set-aside"));
    assert_same_store(&after, &before, "damaged and recomputed");
}
