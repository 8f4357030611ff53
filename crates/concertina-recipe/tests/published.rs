//! Published tables: the copies that are built into the program, and comparisons with them.

use concertina_plot::ErrorBar;
use concertina_recipe::{Error, Evidence, PUBLISHED, PointComparison, PublishedTables, Recipe, compare};
use concertina_table::{Table, Values};
use concertina_testing::reference;

/// Six significant digits: far more than five realisations can resolve.
fn rounded(table: &Table) -> Table {
    let round = |value: f64| format!("{value:.5e}").parse().expect("a number");
    let columns = table.columns().map(|(name, values)| match values {
        Values::Float(cells) => (name, Values::Float(cells.iter().map(|cell| cell.map(round)).collect())),
        other => (name, other.clone()),
    });
    Table::from_columns(columns).expect("columns of one length")
}

#[test]
fn the_copies_are_the_tables_of_the_published_code() {
    let Some(folder) = reference::folder().filter(|folder| folder.is_dir()) else { return };
    let tables = PublishedTables::in_folder(folder).expect("it has tables");
    for (name, text) in PUBLISHED {
        let found = tables.read(name).expect("a table");
        assert!(found.path.is_some(), "{name} is not in the folder");
        let mut csv = Vec::new();
        rounded(&found.table).write_csv(&mut csv).expect("written");
        let csv = String::from_utf8(csv).expect("UTF-8");
        let path = format!("{}/../../recipes/reference/{name}.csv", env!("CARGO_MANIFEST_DIR"));
        if std::env::var_os("CONCERTINA_BLESS").is_some() {
            std::fs::write(path, &csv).expect("written");
        } else {
            assert!(
                csv == *text,
                "recipes/reference/{name}.csv has drifted; CONCERTINA_BLESS=1 writes it again"
            );
        }
    }
}

fn shipped(name: &str) -> Table {
    PublishedTables::shipped().read(name).expect("a shipped table").table
}

/// Compares a table with the published one as figure 2's recipe does for `file`.
fn compared(file: &str, ours: &Table, published: &Table) -> Vec<PointComparison> {
    let recipe = Recipe::shipped("fig2").expect("a recipe");
    let how = recipe.published.iter().find(|one| one.file.as_ref() == file).expect("it is compared");
    compare(how, &Evidence { table: ours, seeds: &[], absent: &[] }, published)
        .expect("they have these columns")
}

#[test]
fn a_table_agrees_with_itself_at_every_point() {
    let table = shipped("fig2_effective_dimension");
    let all = compared("fig2_effective_dimension", &table, &table);
    assert_eq!(all.len(), 2 * 2 * 11);
    assert!(
        all.iter().all(|one| one.p == Some(1.0) && one.ours == one.published && one.ours.realisations == 5)
    );
    let first = &all[0];
    assert_eq!(first.quantity, "effective_dimension");
    let point: Vec<(&str, &str)> =
        first.point.iter().map(|level| (level.column.as_str(), level.value.as_str())).collect();
    assert_eq!(point, [("gain", "20"), ("stage", "after"), ("timestep", "-1")]);
    let losses = shipped("fig2_accuracy");
    let how = Recipe::shipped("fig2").expect("a recipe");
    let how = how.published.iter().find(|one| one.values.contains_key("loss")).expect("losses are compared");
    let all = compare(how, &Evidence { table: &losses, seeds: &[], absent: &[] }, &losses).expect("columns");
    let at = |epoch: &str| {
        let there = |one: &&PointComparison| one.point.iter().any(|level| level.value == epoch);
        all.iter().rfind(there).expect("a point").ours.mean.expect("five values")
    };
    // the geometric mean of losses of about a thousandth; losses of 2e-10 count as the floor
    assert!((1e-4..1e-2).contains(&at("1")), "{}", at("1"));
    assert!((at("12") / 6e-8 - 1.0).abs() < 1e-12, "{}", at("12"));
}

#[test]
fn a_planted_difference_is_seen_where_it_is_and_only_there() {
    let published = shipped("fig2_effective_dimension");
    let planted = |timestep: &i64| *timestep == 5;
    let timesteps = published.integers("timestep").expect("a column");
    let values = published.floats("effective_dimension").expect("a column");
    let moved = values.iter().zip(&timesteps).map(|(value, timestep)| {
        value.map(|value| if timestep.as_ref().is_some_and(planted) { 1.5 * value } else { value })
    });
    let columns = published.columns().map(|(name, values)| match name {
        "effective_dimension" => (name, Values::Float(moved.clone().collect())),
        _ => (name, values.clone()),
    });
    let ours = Table::from_columns(columns).expect("columns");
    for one in compared("fig2_effective_dimension", &ours, &published) {
        let there = one.point.iter().any(|level| level.column == "timestep" && level.value == "5");
        let p = one.p.expect("five and five");
        assert!(if there { p < 0.01 } else { p == 1.0 }, "{one:?}");
    }
}

#[test]
fn a_point_that_is_missing_here_is_not_compared_and_there() {
    let published = shipped("fig2_effective_dimension");
    let one_seed = published.filter(|row| published.integers("seed").expect("a column")[row] == Some(0));
    for (ours, realisations) in [(Table::new(), 0), (one_seed, 1)] {
        let all = compared("fig2_effective_dimension", &ours, &published);
        assert_eq!(all.len(), 44);
        assert!(all.iter().all(|one| one.p.is_none() && one.ours.realisations == realisations));
    }
}

#[test]
fn a_published_table_without_rows_agrees_with_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let read = |text: &str| {
        std::fs::write(folder.path().join("fig2_effective_dimension.csv"), text).expect("written");
        let tables = PublishedTables::in_folder(folder.path()).expect("it has one");
        tables
            .read("fig2_effective_dimension")
            .map(|read| read.table.row_count())
            .map_err(|error| error.to_string())
    };
    let ours = "seed,gain,stage,timestep,effective_dimension\n";
    assert_eq!(read(&format!("{ours}0,20,after,9,1.5\n")), Ok(1));
    assert_eq!(
        read(ours),
        Err("published table `fig2_effective_dimension`: expected at least one row, found none".to_owned())
    );
    // A table with the published code's own columns, in which a worker drew the samples of all rows.
    let theirs = "loader_workers,seed,g_radius,num_epochs,layer,effective_dimension\n";
    assert!(
        read(&format!("{theirs}1,0,20,12,10,1.5\n"))
            .expect_err("no row counts")
            .contains("expected rows with `loader_workers` 0")
    );
    assert_eq!(read(&format!("{theirs}0,0,20,12,10,1.5\n")), Ok(1));
}

#[test]
fn parameters_of_a_published_table_have_our_names_and_select_our_rows() {
    let published = shipped("ed1_effective_dimension");
    assert_eq!(published.texts("loss").expect("a column")[0].as_deref(), Some("mse"));
    assert_eq!(published.integers("delay").expect("a column")[0], Some(6));
    let recipe = Recipe::shipped("ed1").expect("a recipe");
    let [how] = recipe.published.as_slice() else { panic!("one table") };
    // Our table also varies the number of units, which the published table does not mention.
    let mut ours = published.clone();
    ours.set_constant("units", 200_i64.into());
    let mut larger = ours.clone();
    larger.set_constant("units", 300_i64.into());
    ours.append(&larger).expect("the same columns");
    let all =
        compare(how, &Evidence { table: &ours, seeds: &[], absent: &[] }, &published).expect("compared");
    assert_eq!(all.len(), 7 + 11, "timesteps of the input and after, of both delays");
    assert!(all.iter().all(|one| one.p == Some(1.0) && one.ours.realisations == 5), "{all:?}");
}

#[test]
fn a_realisation_with_two_values_at_a_point_is_refused() {
    let recipe = Recipe::shipped("fig2").expect("a recipe");
    let mut how =
        recipe.published.iter().find(|one| one.file.as_ref() == "fig2_lyapunov").expect("it exists").clone();
    how.keys.retain(|column| column != "index");
    let table = shipped("fig2_lyapunov");
    let error = compare(&how, &Evidence { table: &table, seeds: &[], absent: &[] }, &table)
        .expect_err("ten exponents");
    insta::assert_snapshot!(error, @"published table `fig2_lyapunov`: expected one `exponent` per realisation and point, found several: name more columns as `keys`");
}

#[test]
fn a_folder_without_any_of_the_tables_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let error = PublishedTables::in_folder(folder.path()).expect_err("it is empty");
    assert!(matches!(error, Error::NoPublished { .. }));
    std::fs::write(folder.path().join("fig2_lyapunov.csv"), "seed,gain,epoch,index,exponent\n0,20,0,1,0.5\n")
        .expect("written");
    let tables = PublishedTables::in_folder(folder.path()).expect("it has one");
    assert_eq!(tables.read("fig2_lyapunov").expect("that one").table.row_count(), 1);
    assert_eq!(tables.read("fig2_accuracy").expect("the program's").path, None);
}

/// The published summaries over seeds, recomputed with our error bars from the published rows of single
/// seeds.
///
/// For accuracies, the published fit is made at one location and evaluated at another, 1e-4 apart, so that
/// the ends of its bands may differ by about that
/// (`docs/reference/model.md#differences-from-the-published-code`).
#[test]
fn our_error_bars_of_published_rows_agree_with_the_published_ones() {
    let Some(summaries) = reference::table("summary_over_seeds") else { return };
    let mut compared = 0;
    for row in summaries.iter().filter(|row| row.i64("loader_workers") == 0) {
        let quantity = row.text("quantity");
        let file = match quantity {
            "effective_dimension" => "effective_dimension",
            "LR_training" | "LR_testing" => "cluster_holdout",
            _ => "accuracy",
        };
        let per_seed =
            reference::table(&format!("{}_{file}", row.text("figure"))).expect("next to the summaries");
        let place = |column: &str| (!row.text(column).is_empty()).then(|| row.text(column));
        let values: Vec<f64> = per_seed
            .iter()
            .filter(|one| {
                ["loader_workers", "g_radius", "num_epochs"].iter().all(|key| one.text(key) == row.text(key))
            })
            .filter(|one| {
                ["layer", "epoch"].iter().all(|key| place(key).is_none_or(|place| one.text(key) == place))
            })
            .filter_map(|one| one.number(quantity))
            .collect();
        assert_eq!(values.len() as i64, row.i64("n_seeds"), "{row:?}");
        let mean = ErrorBar::MeanSd.summarise(&values, 0).expect("there are values");
        assert!((mean.centre - row.f64("mean")).abs() < 1e-6 * (1.0 + row.f64("mean").abs()), "{row:?}");
        let column = if file == "effective_dimension" { "effective_dimension" } else { "accuracy" };
        let tolerance = if file == "effective_dimension" { 1e-4 } else { 3e-4 };
        let Some(median) = row.number("gamma_median") else { continue };
        let bar = ErrorBar::Gamma.for_column(column).summarise(&values, 0).expect("the published fit worked");
        let (low, high) = bar.interval.expect("a band");
        for (name, ours, theirs) in [
            ("median", bar.centre, median),
            ("low", low, row.f64("gamma_low")),
            ("high", high, row.f64("gamma_high")),
        ] {
            assert!(
                (ours - theirs).abs() < tolerance * theirs.abs().max(1.0),
                "{name}: {ours} for {theirs}: {row:?}"
            );
        }
        compared += 1;
    }
    assert!(compared > 800, "only {compared} summaries");
}
