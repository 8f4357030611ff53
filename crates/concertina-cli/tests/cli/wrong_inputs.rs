//! Errors say what is wrong and what to do, and the exit status tells what kind of error it is.

use crate::support::{Place, Said, assert_said, regex_escape};

fn train(place: &Place, arguments: &[&str]) -> Said {
    place.run(&[&["train"], arguments].concat())
}

#[test]
fn an_unknown_parameter() {
    let place = Place::new();
    assert_said!(place, train(&place, &["colour=3"]));
}

#[test]
fn a_viewer_of_a_file_or_of_a_run_that_does_not_exist() {
    let place = Place::new();
    place.write("file", "not a store");
    let said = place.run(&["view", "--no-open", "--store", "file"]);
    assert_eq!(said.status, Some(3), "{}", said.stderr);
    assert!(said.stderr.contains("expected a folder, found a file"), "{}", said.stderr);
    train(&place, &["units=8", "input_dim=4", "clusters=4", "train_samples=20", "epochs=1"]).expect_success();
    let said = place.run(&["view", "--no-open", "--run", "zzz"]);
    assert_eq!(said.status, Some(2), "{}", said.stderr);
    assert!(said.stderr.contains("zzz"), "{}", said.stderr);
}

#[test]
fn a_misspelt_parameter() {
    let place = Place::new();
    assert_said!(place, train(&place, &["network.gian=250"]));
}

#[test]
fn a_negative_number() {
    let place = Place::new();
    assert_said!(place, train(&place, &["units=-5"]));
}

#[test]
fn not_a_number() {
    let place = Place::new();
    assert_said!(place, train(&place, &["learning_rate=nan"]));
}

#[test]
fn a_word_for_a_number() {
    let place = Place::new();
    assert_said!(place, train(&place, &["gain=strong"]));
}

#[test]
fn a_misspelt_choice() {
    let place = Place::new();
    assert_said!(place, train(&place, &["optimizer=rmsporp"]));
}

#[test]
fn clusters_that_do_not_fit() {
    let place = Place::new();
    assert_said!(place, train(&place, &["input_dim=2", "cluster_std=0.5", "-q"]));
}

#[test]
fn parameters_that_do_not_go_together() {
    let place = Place::new();
    assert_said!(place, train(&place, &["network=feedforward", "hold=3"]));
}

#[test]
fn a_mistake_in_toml() {
    let place = Place::new();
    place.write("run.toml", "[network]\ngain = 250\nunits = = 3\n");
    assert_said!(place, train(&place, &["run.toml"]));
}

#[test]
fn an_unknown_section() {
    let place = Place::new();
    place.write("run.toml", "[netwrok]\ngain = 250\n");
    assert_said!(place, train(&place, &["run.toml"]));
}

#[test]
fn an_unknown_parameter_in_a_file() {
    let place = Place::new();
    place.write("run.toml", "seed = 3\n\n[network]\ngian = 250\n");
    assert_said!(place, train(&place, &["run.toml"]));
}

#[test]
fn a_missing_file() {
    let place = Place::new();
    assert_said!(place, train(&place, &["nowhere.toml"]));
}

#[test]
fn a_second_file() {
    let place = Place::new();
    place.write("run.toml", "seed = 3\n");
    assert_said!(place, train(&place, &["run.toml", "other.toml"]));
}

#[test]
fn seeds_that_cannot_be_parsed() {
    let place = Place::new();
    assert_said!(place, train(&place, &["--seeds", "0..x"]));
}

#[test]
fn no_seeds() {
    let place = Place::new();
    assert_said!(place, train(&place, &["seed=3..3"]));
}

#[test]
fn zero_threads() {
    let place = Place::new();
    assert_said!(place, train(&place, &["--jobs", "0"]));
}

#[test]
fn a_negative_number_of_threads() {
    let place = Place::new();
    assert_said!(place, train(&place, &["--jobs", "-1"]));
}

#[test]
fn a_store_from_the_future() {
    let place = Place::new();
    std::fs::create_dir(place.path("concertina")).expect("made");
    place.write("concertina/FORMAT", "concertina store 99\n");
    assert_said!(place, train(&place, &["seed=0"]));
}

#[test]
fn a_folder_with_something_else() {
    let place = Place::new();
    std::fs::create_dir(place.path("concertina")).expect("made");
    place.write("concertina/letter.txt", "Dear all\n");
    assert_said!(place, train(&place, &["seed=0"]));
}

#[test]
fn a_file_in_place_of_the_store() {
    let place = Place::new();
    place.write("concertina", "no folder\n");
    assert_said!(place, train(&place, &["seed=0"]));
}

#[test]
fn a_file_on_the_way_to_the_store() {
    let place = Place::new();
    place.write("notes", "no folder\n");
    assert_said!(place, train(&place, &["seed=0", "--store", "notes/runs"]));
}

#[test]
#[cfg(unix)]
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn a_folder_without_permission() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let locked = place.path("locked");
    std::fs::create_dir(&locked).expect("made");
    std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o555)).expect("set");
    let bypassed = std::fs::write(locked.join("probe"), "").is_ok();
    if bypassed {
        // The superuser may write anywhere, so nothing can be tested.
        eprintln!("skipped: this user may write to a folder without permission");
        return;
    }
    assert_said!(place, train(&place, &["seed=0", "--store", "locked/runs"]));
}

#[test]
fn no_store_to_list() {
    let place = Place::new();
    assert_said!(place, place.run(&["runs", "list"]));
}

#[test]
fn a_learning_rate_that_diverges_is_a_result() {
    let place = Place::new();
    let said = place.run_small(
        &["train"],
        &["nonlinearity=linear", "loss=mse", "optimizer=sgd", "learning_rate=1e-3,1e6", "--jobs", "1"],
    );
    assert_said!(place, said);
}

#[test]
fn an_unknown_figure() {
    let place = Place::new();
    assert_said!(place, place.run(&["figures", "fog2"]));
}

#[test]
fn an_empty_range_of_seeds_for_figures() {
    let place = Place::new();
    assert_said!(place, place.run(&["figures", "fig2", "--seeds", "5..2"]));
}

#[test]
fn fast_and_full_together() {
    let place = Place::new();
    assert_said!(place, place.run(&["figures", "--fast", "--full"]));
}

#[test]
fn an_override_of_figures_without_a_value() {
    let place = Place::new();
    assert_said!(place, place.run(&["figures", "fig2", "--set", "units"]));
}

#[test]
fn an_unknown_analysis() {
    let place = Place::new();
    assert_said!(place, place.run(&["analyse", "lyapunow"]));
}

#[test]
fn an_unknown_setting_of_an_analysis() {
    let place = Place::new();
    assert_said!(place, place.run(&["analyse", "lyapunov", "--with", "exponent=3"]));
}

#[test]
fn a_setting_of_an_analysis_out_of_range() {
    let place = Place::new();
    assert_said!(place, place.run(&["analyse", "lyapunov", "--with", "exponents=0"]));
}

#[test]
fn an_analysis_that_makes_no_sense_for_a_network() {
    let place = Place::new();
    assert_said!(place, place.run_small(&["analyse", "lyapunov"], &["network=feedforward"]));
}

#[test]
fn checkpoints_that_cannot_be_parsed() {
    let place = Place::new();
    assert_said!(place, place.run(&["analyse", "accuracy", "--checkpoints", "middle"]));
}

#[test]
fn an_epoch_past_the_end() {
    let place = Place::new();
    assert_said!(place, place.run(&["analyse", "accuracy", "--checkpoints", "0,13"]));
}

#[test]
fn a_table_in_an_unknown_format() {
    let place = Place::new();
    assert_said!(place, place.run(&["analyse", "accuracy", "--out", "accuracy.xlsx"]));
}

#[test]
fn a_condition_that_cannot_be_read() {
    let place = Place::new();
    place.run_small(&["train", "-q"], &[]).expect_success();
    assert_said!(place, place.run(&["runs", "list", "--where", "gain = 250 and"]));
}

#[test]
fn a_condition_on_an_unknown_column() {
    let place = Place::new();
    place.run_small(&["train", "-q"], &[]).expect_success();
    assert_said!(place, place.run(&["runs", "list", "--where", "gian = 250"]));
}

#[test]
fn a_run_that_does_not_exist() {
    let place = Place::new();
    place.run_small(&["train", "-q"], &[]).expect_success();
    assert_said!(place, place.run(&["runs", "show", "xyz"]));
}

#[test]
fn a_misspelt_command() {
    let place = Place::new();
    assert_said!(place, place.run(&["tran", "seed=0"]));
}

#[test]
fn nothing_to_cite_by_that_name() {
    let place = Place::new();
    assert_said!(place, place.run(&["cite", "fog2"]));
}

#[test]
fn a_figure_whose_runs_are_impossible() {
    let place = Place::new();
    let said = place.run(&[
        "figures",
        "fig2",
        "--seeds",
        "0",
        "--quiet",
        "--set",
        "input_dim=2",
        "--set",
        "cluster_std=0.5",
    ]);
    assert_said!(place, said);
}

/// A recipe of one panel, with one text replaced by another.
fn recipe(place: &Place, from: &str, to: &str) -> Said {
    const RECIPE: &str = r#"
figure = "own"

[parameters]
task.input_dim = 2

[runs.all]
sweep = { network.gain = [20.0, 250.0] }

[[panels]]
letter = "a"
runs = "all"
analysis = { analysis = "effective_dimension", samples = 40 }
draw = { x = "timestep", y = "effective_dimension", hue = "gain" }
"#;
    assert!(RECIPE.contains(from), "`{from}` is not in the recipe");
    place.write("own.toml", &RECIPE.replace(from, to));
    place.run(&["plot", "own.toml"])
}

#[test]
fn a_missing_recipe() {
    let place = Place::new();
    assert_said!(place, place.run(&["plot", "own.toml"]));
}

#[test]
fn a_recipe_with_a_misspelt_parameter() {
    let place = Place::new();
    assert_said!(place, recipe(&place, "input_dim", "inptu_dim"));
}

#[test]
fn a_recipe_with_a_misspelt_analysis() {
    let place = Place::new();
    assert_said!(
        place,
        recipe(&place, "\"effective_dimension\", samples", "\"efective_dimension\", samples")
    );
}

#[test]
fn a_recipe_with_an_unknown_setting_of_an_analysis() {
    let place = Place::new();
    assert_said!(place, recipe(&place, "samples = 40", "sample = 40"));
}

#[test]
fn a_recipe_whose_panel_has_no_such_runs() {
    let place = Place::new();
    assert_said!(place, recipe(&place, "runs = \"all\"", "runs = \"al\""));
}
