//! Untrusted recipes and tables that once took excessive memory or time, or ended the process.

use concertina_plot::{Panel, Schematic};
use concertina_recipe::{Error, PUBLISHED, PublishedTables, Recipe};
use concertina_table::{Scalar, Table, Values};

fn refused(runs: &str, analysis: &str) -> String {
    let text = format!(
        "figure = \"mine\"\n[[panels]]\nletter = \"a\"\nruns = \"all\"\nanalysis = {analysis}\n\
         draw = {{ x = \"epoch\", y = \"loss\" }}\n[runs.all]\n{runs}\n"
    );
    match Recipe::from_toml("mine.toml", &text) {
        Err(error @ Error::Syntax { .. }) => error.to_string(),
        other => panic!("expected an error, found {other:?}"),
    }
}

const LOSS: &str = "{ analysis = \"loss\" }";

#[test]
fn a_product_of_axes_does_not_fill_the_memory() {
    let axis = |name: &str| format!("sweep.{name} = [{}]\n", vec!["1"; 100].join(", "));
    let reason = refused(&[axis("a"), axis("b"), axis("c"), axis("d")].concat(), LOSS);
    assert!(reason.contains("`runs.all`: expected at most 100000 combinations, found 100000000"), "{reason}");
}

#[test]
fn long_parameters_in_many_combinations_do_not_fill_the_memory() {
    let list = vec!["1"; 1000].join(", ");
    let axis = |name: &str| format!("sweep.{name} = [{}]\n", vec!["1"; 300].join(", "));
    let reason = refused(&[format!("parameters.x = [{list}]\n"), axis("a"), axis("b")].concat(), LOSS);
    assert!(reason.contains("expected at most 5000000 values of parameters in all"), "{reason}");
}

#[test]
fn many_sets_of_many_seeds_do_not_fill_the_memory() {
    let sets: String = (0..2000).map(|set| format!("[runs.x{set}]\nseeds = \"0..100000\"\n")).collect();
    assert!(refused(&sets, LOSS).contains("expected at most 100 sets of runs"));
    assert!(refused("seeds = \"0..1000000\"", LOSS).contains("expected `figure`, `0..5` or `0..=4`"));
}

#[test]
fn many_analyses_of_a_panel_are_not_compared_pairwise() {
    let analyses: Vec<String> = (0..4000)
        .map(|number| format!("{{ analysis = \"pca_snapshots\", samples = {} }}", number + 10))
        .collect();
    assert!(refused("", &format!("[{}]", analyses.join(", "))).contains("expected at most 32 analyses"));
}

#[test]
fn a_recipe_of_megabytes_is_not_read() {
    let text = "# a word\n".repeat(100_000);
    let error = Recipe::from_toml("mine.toml", &text).expect_err("too long");
    assert!(error.to_string().contains("expected at most 262144 bytes, found 900000"), "{error}");
}

#[test]
fn numbers_at_the_end_of_64_bits_in_a_published_table_are_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let (name, _) = PUBLISHED[0];
    for (column, number) in [("layer", i64::MIN), ("index", i64::MAX)] {
        let text = format!("g_radius,seed,num_epochs,loader_workers,{column}\n20,0,1,0,{number}\n");
        std::fs::write(folder.path().join(format!("{name}.csv")), text).expect("written");
        let tables = PublishedTables::in_folder(folder.path()).expect("it has one");
        let error = tables.read(name).expect_err("it is past 64 bits");
        assert!(matches!(error, Error::Published { .. }), "{error}");
    }
}

#[test]
fn data_far_outside_the_limits_do_not_fill_the_memory() {
    let columns =
        [("epoch", Values::from(vec![0_i64, 1, 2])), ("loss", Values::from(vec![0.5, 1e300, -1e300]))];
    let mut table = Table::from_columns(columns).expect("columns of one length");
    table.set_constant("gain", Scalar::from("a"));
    let mut other = table.clone();
    other.set_constant("gain", Scalar::from("b"));
    table.append(&other).expect("the same columns");
    for to in [1e-9, 1e-300, 5e-324, 1e300] {
        let panel = Panel::lines(&table).x("epoch").y("loss").hue("gain").y_limits(0.0, to).x_limits(0.0, to);
        assert!(panel.draw().is_ok(), "{to}");
    }
}

#[test]
fn a_schematic_of_a_billion_timesteps_or_classes_is_refused() {
    for (what, huge) in [(Schematic::Task, "delay"), (Schematic::Network, "classes")] {
        let names = ["delay", "hold", "evaluate", "input_dim", "units", "classes"];
        let columns =
            names.map(|name| (name, Values::from(vec![if name == huge { 1_000_000_000_i64 } else { 1 }])));
        let table = Table::from_columns(columns).expect("columns of one length");
        let error = Panel::schematic(&table, what).draw().expect_err("too many to be drawn");
        assert!(
            error.to_string().contains("expected at most 1000 for a schematic, found 1000000000"),
            "{error}"
        );
    }
}
