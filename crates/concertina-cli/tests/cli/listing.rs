//! Listing runs and analyses: filtered, sorted, and never silently incomplete.

use crate::support::{Place, Said, assert_said, regex_escape};

fn trained(place: &Place, more: &[&str]) {
    place.run_small(&["train", "-q"], more).expect_success();
}

fn list(place: &Place, more: &[&str]) -> Said {
    place.run(&[&["runs", "list"], more].concat())
}

#[test]
fn runs_are_filtered_shown_and_sorted_by_their_outcome() {
    let place = Place::new();
    trained(&place, &["gain=20,250", "seed=0..3"]);
    let shown = |more: &[&str]| list(&place, more).expect_success().stdout;
    let columns = "training_loss,training_accuracy,validation_loss,validation_accuracy,finished,wall_seconds";
    let all = shown(&["--csv", "--columns", columns]);
    assert_eq!(all.lines().next(), Some(columns));
    assert!(all.lines().skip(1).all(|line| line.split(',').all(|cell| !cell.is_empty())), "{all}");
    let losses = |more: &[&str]| -> Vec<f64> {
        let csv = shown(&[&["--csv", "--columns", "validation_loss"], more].concat());
        csv.lines().skip(1).map(|line| line.parse().expect("a number")).collect()
    };
    let rising = losses(&["--sort", "validation_loss"]);
    assert!(rising.len() == 6 && rising.is_sorted(), "{rising:?}");
    let mut falling = rising.clone();
    falling.reverse();
    assert_eq!(losses(&["--sort=-validation_loss"]), falling);
    assert_eq!(losses(&["--sort", "-validation_loss"]), falling);
    let middle = format!("validation_loss <= {}", rising[2]);
    assert_eq!(losses(&["--where", &middle, "--sort", "validation_loss"]), rising[..3]);
    let two = shown(&["--csv", "--columns", "gain,seed", "--sort=-gain,seed"]);
    assert_eq!(two.lines().nth(1), Some("250.0,0"));
    assert_eq!(losses(&["--where", "status = complete and finished > 2020 and wall_seconds > 0"]).len(), 6);
    assert!(shown(&[]).lines().next().is_some_and(|header| header.contains("validation_accuracy")));
    // The table that training prints uses the same column names.
    let printed = place.run_small(&["train", "-q", "--csv"], &["gain=20,250", "seed=0..3"]).expect_success();
    assert!(printed.stdout.starts_with("key,gain,seed,status,source,"), "{}", printed.stdout);
}

#[test]
fn a_condition_that_no_run_can_fulfil_is_an_error_and_not_an_empty_list() {
    let place = Place::new();
    trained(&place, &["loss=mse"]);
    for condition in [
        "gain > high",
        "loss = crossentropy",
        "status = completed",
        "outcome = complete",
        "key = xyz",
        "loss < mse",
        "val_acc > 0.9",
        "validation_acuracy > 0.9",
    ] {
        for arguments in [vec!["runs", "list"], vec!["runs", "rm", "--yes"], vec!["runs", "rm", "--dry-run"]]
        {
            let said = place.run(&[&arguments[..], &["--where", condition]].concat());
            assert_eq!(said.status, Some(2), "{condition}: {}", said.snapshot());
            assert!(said.stderr.contains("hint:"), "{condition}: {}", said.stderr);
        }
    }
    let outcome = list(&place, &["--where", "outcome = complete"]).stderr;
    assert!(outcome.contains("the column is called `status` here"), "{outcome}");
    assert_eq!(
        list(&place, &["--where", "loss = mean_square_error"]).expect_success().stdout.lines().count(),
        2
    );
    let key = list(&place, &["--csv", "--columns", "key"]).stdout.lines().nth(1).expect("a run").to_owned();
    let short = format!("key = {}", &key[..12]);
    assert_eq!(list(&place, &["--where", &short]).expect_success().stdout.lines().count(), 2);
    let none = place.run(&["runs", "rm", "--yes", "--where", "seed = 99"]).expect_success();
    assert!(none.stderr.contains("no run in the store fulfils `seed = 99`"), "{}", none.stderr);
    assert_eq!(place.run(&["runs", "rm", "--yes", ""]).status, Some(2), "an empty key matches no run");
    assert_eq!(list(&place, &["--csv"]).stdout.lines().count(), 2, "nothing was removed");
    assert_said!(place, list(&place, &["--where", "gain > high"]));
}

#[test]
fn runs_that_cannot_be_read_are_not_silently_passed_over() {
    let place = Place::new();
    trained(&place, &["seed=0..2"]);
    let folder =
        list(&place, &["--csv", "--columns", "folder"]).stdout.lines().nth(1).expect("a run").to_owned();
    std::fs::write(place.path("concertina").join(folder).join("params.toml"), "damaged\n").expect("writable");
    let said = list(&place, &["--csv", "--where", "seed >= 0"]).expect_success();
    assert_eq!(said.stdout.lines().count(), 2, "{}", said.stdout);
    assert!(
        said.stderr.contains("warning: 1 run in the store cannot be read by this version"),
        "{}",
        said.stderr
    );
    assert!(said.stderr.contains("warning: damaged file, set aside as"), "{}", said.stderr);
}

#[test]
fn analyses_are_listed_with_their_settings() {
    let place = Place::new();
    let said = |more: &[&str]| place.run(&[&["analyses"], more].concat()).expect_success().stdout;
    let json: serde_json::Value = serde_json::from_str(&said(&["--json"])).expect("JSON");
    let rows = json.as_array().expect("an array");
    for name in concertina::analyses::AnalysisSpec::NAMES {
        let own: Vec<_> = rows.iter().filter(|row| row["analysis"] == *name).collect();
        assert!(own[0]["setting"].is_null() && own[0]["meaning"].is_string(), "{name}");
        assert!(own[1..].iter().all(|row| row["setting"].is_string() && row["values"].is_string()), "{name}");
        assert!(said(&["--markdown"]).contains(&format!("## `{name}`\n")), "{name}");
    }
    let one = said(&["cluster-holdout", "--csv"]);
    assert_eq!(one.lines().next(), Some("analysis,version,setting,default,values,meaning"));
    assert!(one.contains("training_share,0.8,a number,") && !one.contains("lyapunov"), "{one}");
    assert!(said(&["lyapunov"]).contains("exponents"));
    assert_said!(place, place.run(&["analyses", "lyapunow"]));
}

#[test]
fn an_analysis_without_a_name_says_which_are_available() {
    let place = Place::new();
    for arguments in [&["analyse"][..], &["analyse", "gain=250"]] {
        let said = place.run(arguments);
        assert_eq!(said.status, Some(2), "{}", said.snapshot());
        let all = concertina::analyses::AnalysisSpec::NAMES;
        assert!(all.iter().all(|name| said.stderr.contains(&format!("`{name}`"))), "{}", said.stderr);
        assert!(said.stderr.contains("`concertina analyses`"), "{}", said.stderr);
    }
}

#[test]
fn a_setting_of_an_analysis_among_the_parameters_is_pointed_to_with() {
    let place = Place::new();
    let said = place.run_small(&["analyse", "lyapunov"], &["exponents=5"]);
    assert_eq!(said.status, Some(2), "{}", said.snapshot());
    assert!(said.stderr.contains("hint: `--with exponents=5`"), "{}", said.stderr);
    let analyse = |with: &[&str]| {
        let with: Vec<&str> = with.iter().flat_map(|with| ["--with", with]).collect();
        place.run_small(&[&["analyse", "effective_dimension", "-q"], &with[..]].concat(), &[])
    };
    for (with, expected) in [
        (&["gain=3"][..], "`network.gain` is a parameter of runs"),
        (&["sample=3"], "did you mean `samples`?"),
        (&["samples=many"], "`samples`: expected a whole number, found `many`"),
        (&["samples=2.5"], "`samples`: expected a whole number, found `2.5`"),
        (&["samples=-3"], "`samples`: expected a whole number, found `-3`"),
        (
            &["timesteps=first"],
            "`timesteps`: expected `all`, `last`, or a list of whole numbers, found `first`",
        ),
        (&["samples=20", "samples=30"], "`samples` is given twice"),
        (&["samples"], "expected `name=value`, found `samples`"),
    ] {
        let said = analyse(with);
        assert_eq!(said.status, Some(2), "{with:?}: {}", said.snapshot());
        assert!(said.stderr.contains(expected), "{with:?}: {}", said.stderr);
    }
    analyse(&["samples=20", "extend_to=none"]).expect_success();
    analyse(&["samples=20", "timesteps=[-1, 0]"]).expect_success();
}

#[test]
fn a_default_that_does_not_fit_a_network_is_not_refused_as_if_the_user_had_given_it() {
    let place = Place::new();
    let many_clusters = ["clusters=600", "input_dim=200", "units=200", "train_samples=40"];
    place.run_small(&["analyse", "cluster_holdout", "--with", "splits=1"], &many_clusters).expect_success();
    for analysis in ["lyapunov", "pca_snapshots"] {
        place.run_small(&["analyse", analysis], &["units=2", "input_dim=2", "clusters=4"]).expect_success();
    }
    let said = place.run_small(
        &["analyse", "lyapunov", "--with", "exponents=10"],
        &["units=2", "input_dim=2", "clusters=4"],
    );
    assert_eq!(said.status, Some(2), "{}", said.snapshot());
    assert!(said.stderr.contains("expected at most 2, the number of units, found 10"), "{}", said.stderr);
}

#[test]
fn epochs_that_some_runs_do_not_have_are_not_silently_left_out() {
    let place = Place::new();
    let analyse = |more: &[&str]| place.run_small(&["analyse", "accuracy", "-q", "--csv"], more);
    for epochs in ["epochs=8,6", "epochs=6,8"] {
        let said = analyse(&[epochs, "--checkpoints", "0,7"]);
        assert_eq!(said.status, Some(2), "{}", said.snapshot());
        assert!(said.stderr.contains("expected an epoch up to 6"), "{}", said.stderr);
    }
    let diverging = ["nonlinearity=linear", "loss=mse", "optimizer=sgd", "learning_rate=1e6"];
    let said = analyse(&[&diverging[..], &["--checkpoints", "0,6"]].concat()).expect_success();
    assert!(said.stderr.contains("warning: 1 of 1 runs diverged"), "{}", said.stderr);
    let all_stay = place.run(&["runs", "gc", "--checkpoints", "0,50", "--dry-run"]).expect_success();
    assert!(all_stay.stderr.contains("has no epoch 50: all of its checkpoints stay"), "{}", all_stay.stderr);
    assert!(
        said.stderr.contains("before epoch 6: it has no rows for epochs after its end"),
        "{}",
        said.stderr
    );
}

#[test]
fn a_parameter_without_effect_is_reported_and_not_refused_for_its_value() {
    let place = Place::new();
    for arguments in [["scheduler=onecycle", "scheduler_factor=10"], ["optimizer=adam", "momentum=1.5"]] {
        let said = place.run_small(&["train", "-q"], &[&arguments[..], &["scheduler_patience=1"]].concat());
        let said = said.expect_success();
        assert!(said.stderr.starts_with("note: `train."), "{}", said.stderr);
        assert!(said.stderr.contains("has no effect here: it counts only with"), "{}", said.stderr);
    }
}

#[test]
fn a_published_dictionary_is_trained_with_notes_on_what_is_not_a_parameter() {
    let place = Place::new();
    place.write(
        "params.json",
        r#"{"N": 16, "X_dim": 6, "X_clusters": 8, "n_lag": 4, "num_train_samples_per_epoch": 40, "num_epochs": 2,
        "num_test_samples_per_epoch": 20, "multiprocess_lock": null, "out_dir": null, "rerun": false}"#,
    );
    let said = place.run(&["train", "params.json", "--csv", "-q"]).expect_success();
    for name in ["rerun", "multiprocess_lock", "out_dir"] {
        assert!(said.stderr.contains(&format!("note: `{name}` is ignored")), "{}", said.stderr);
    }
    place.write("rerun.json", r#"{"N": 16, "rerun": true}"#);
    let said = place.run(&["train", "rerun.json"]);
    assert_eq!(said.status, Some(2), "{}", said.snapshot());
    assert!(said.stderr.contains("hint: `--rerun` trains again"), "{}", said.stderr);
}

#[test]
fn a_device_that_this_program_cannot_use_is_named_and_the_runs_are_trained_on_the_cpu() {
    let place = Place::new();
    assert_eq!(place.run(&["params", "--device", "cpu"]).status, Some(2), "where it would do nothing");
    assert_eq!(place.run(&["train", "--device", "tpu"]).status, Some(2));
    if cfg!(feature = "gpu") {
        return;
    }
    let said = place.run_small(&["train", "--device", "gpu"], &["epochs=1"]).expect_success();
    assert!(said.stderr.contains("built without GPUs"), "{}", said.stderr);
    assert!(said.stderr.contains("trained on the CPU"), "{}", said.stderr);
}

#[test]
fn a_run_that_is_named_twice_counts_once() {
    let place = Place::new();
    trained(&place, &["seed=0..2"]);
    let keys = list(&place, &["--csv", "--columns", "key"]).stdout;
    let keys: Vec<&str> = keys.lines().skip(1).collect();
    let rows = |keys: &[&str]| {
        let named: Vec<&str> = keys.iter().flat_map(|key| ["--run", key]).collect();
        let first = ["analyse", "accuracy", "--checkpoints", "last", "--csv", "-q"];
        let said = place.run(&[&first[..], &named[..]].concat()).expect_success();
        (said.stdout.lines().count() - 1, said.stderr.contains("is named twice, and counts once"))
    };
    assert_eq!(rows(&[keys[0], keys[1]]), (2, false));
    assert_eq!(rows(&[keys[0], &keys[0][..12], keys[1]]), (2, true));
    let twice = place.run_small(&["train", "-q"], &["seed=7", "--seeds", "0..2"]);
    assert_eq!(twice.status, Some(2), "{}", twice.snapshot());
    assert!(twice.stderr.contains("`seed` is given twice"), "{}", twice.stderr);
}
