//! Judges claims and compares published tables, from runs to a report.

mod support;

use std::path::Path;

use concertina::recipe::{PublishedTables, Recipe, SeedChoice, Verdict};
use concertina::{FigurePlan, Report, Study};

/// A figure of small runs whose effective dimension over time is compared with a table that the test
/// writes.
const RECIPE: &str = r#"
figure = "own"
title = "A small figure"

[runs.all]
parameters = { network.units = 16, task.input_dim = 6, task.clusters = 8, task.delay = 4, task.train_samples = 40, train.epochs = 4 }
sweep = { network.gain = [20.0, 250.0] }

[[panels]]
letter = "a"
runs = "all"
analysis = { analysis = "effective_dimension", samples = 40 }
checkpoints = "ends"
draw = { x = "timestep", y = "effective_dimension", hue = "gain", style = "stage", band = "mean_sd" }

[[claims]]
name = "dimension"
statement = "The effective dimension is above one."
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

fn judged(study: &Study, recipe: &str, seeds: u64, published: &PublishedTables, folder: &Path) -> Report {
    let recipe = Recipe::from_toml("own.toml", recipe).expect("a recipe");
    let seeds = SeedChoice::These((0..seeds).collect());
    let plan = FigurePlan::with_claims(vec![recipe], &seeds, []).expect("valid");
    let (computed, drawn) = study.figures(&plan, folder).expect("drawn");
    let report = study.judge(&plan, &computed, &drawn, published, "concertina reproduce").expect("judged");
    report.write(&drawn, folder).expect("written");
    report
}

/// Our own table in place of the published one, with one point changed if `planted`.
fn table_of_ours(folder: &Path, study: &Study, planted: bool) -> PublishedTables {
    let recipe = Recipe::from_toml("own.toml", RECIPE).expect("a recipe");
    let plan = FigurePlan::new(vec![recipe], &SeedChoice::These((0..5).collect()), []).expect("valid");
    let mut table = study.compute(&plan).expect("computed").tables(0)[0].clone();
    if planted {
        let (timesteps, gains) =
            (table.integers("timestep").expect("it exists"), table.floats("gain").expect("it exists"));
        let stages = table.texts("stage").expect("it exists");
        let wrong = |row: usize| {
            timesteps[row] == Some(2) && gains[row] == Some(250.0) && stages[row].as_deref() == Some("after")
        };
        let mut changed = table.filter(wrong);
        let values = changed.floats("effective_dimension").expect("it exists");
        let raised: Vec<Option<f64>> = values.iter().map(|value| value.map(|value| value + 50.0)).collect();
        let columns: Vec<_> = changed
            .columns()
            .map(|(name, values)| match name {
                "effective_dimension" => (name.to_owned(), raised.clone().into()),
                _ => (name.to_owned(), values.clone()),
            })
            .collect();
        changed = concertina::table::Table::from_columns(columns).expect("columns of one length");
        table = table.filter(|row| !wrong(row));
        table.append(&changed).expect("the same columns");
    }
    let mut csv = Vec::new();
    table.write_csv(&mut csv).expect("written");
    std::fs::create_dir_all(folder).expect("a folder");
    std::fs::write(folder.join("fig2_effective_dimension.csv"), csv).expect("written");
    PublishedTables::in_folder(folder).expect("it has a table")
}

#[test]
fn claims_that_hold_and_tables_that_agree_are_reproduced_and_a_planted_difference_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let study = support::open(&folder.path().join("store"), 2);
    let right = table_of_ours(&folder.path().join("right"), &study, false);
    let report = judged(&study, RECIPE, 5, &right, &folder.path().join("figures"));
    assert!(report.passed);
    assert_eq!((report.counts.reproduced, report.counts.compared, report.counts.disagree), (1, 2 * 2 * 5, 0));
    let [claim] = &report.figures[0].claims[..] else { panic!("one claim") };
    assert_eq!((claim.verdict, claim.findings.len(), claim.published.len()), (Verdict::Reproduced, 4, 4));
    assert_eq!(
        claim.findings[0].mean, claim.published[0].mean,
        "our own table is in place of the published one"
    );

    let wrong = table_of_ours(&folder.path().join("wrong"), &study, true);
    let report = judged(&study, RECIPE, 5, &wrong, &folder.path().join("figures"));
    assert!(!report.passed);
    assert_eq!((report.counts.reproduced, report.counts.disagree), (1, 1));
    let disagree: Vec<_> =
        report.figures[0].published[0].points.iter().filter(|point| point.disagrees).collect();
    assert_eq!(disagree[0].comparison.point[0].value, "250");
}

#[test]
fn a_claim_that_does_not_hold_fails_and_too_few_realisations_give_no_verdict() {
    let folder = tempfile::tempdir().expect("a folder");
    let study = support::open(&folder.path().join("store"), 2);
    let right = table_of_ours(&folder.path().join("right"), &study, false);
    let figures = folder.path().join("figures");
    let wrong = RECIPE.replace("than = 1", "than = 100");
    // The claim has four groups: six realisations give p = 1/64 for the opposite, seven give 1/128 < 0.05 /
    // 4.
    let report = judged(&study, &wrong, 6, &right, &figures);
    assert!(!report.passed && !report.is_contradicted());
    assert_eq!((report.counts.contradicted, report.counts.undecided), (0, 1));
    let report = judged(&study, &wrong, 7, &right, &figures);
    assert!(!report.passed && report.is_contradicted());
    assert_eq!((report.counts.contradicted, report.counts.undecided), (1, 0));
    let report = judged(&study, RECIPE, 4, &right, &figures);
    assert!(!report.passed, "four of four prove nothing");
    assert_eq!((report.counts.reproduced, report.counts.undecided), (0, 1));
    let report = judged(&study, RECIPE, 1, &right, &figures);
    assert_eq!((report.counts.compared, report.counts.not_compared), (0, 20));
}

#[test]
fn a_claim_that_cannot_be_judged_beside_one_that_holds_does_not_pass() {
    let folder = tempfile::tempdir().expect("a folder");
    let study = support::open(&folder.path().join("store"), 2);
    let right = table_of_ours(&folder.path().join("right"), &study, false);
    // Three of three are enough for the second claim and too few for the first.
    let claim = &RECIPE
        [RECIPE.find("[[claims]]").expect("it exists")..RECIPE.find("[[published]]").expect("it exists")];
    let second = claim.replace("name = \"dimension\"", "name = \"again\"") + "test = { every = 3 }\n\n";
    let both = RECIPE.replace("[[published]]", &format!("{second}[[published]]"));
    let report = judged(&study, &both, 3, &right, &folder.path().join("figures"));
    assert_eq!((report.counts.reproduced, report.counts.undecided), (1, 1));
    assert!(!report.passed, "one claim is open");
    let page = std::fs::read_to_string(folder.path().join("figures/report.html")).expect("written");
    assert!(page.contains("Open: there are not enough realisations to decide everything"), "{page}");
}

#[test]
fn realisations_are_added_to_undecided_claims_until_they_are_decided() {
    let folder = tempfile::tempdir().expect("a folder");
    let study = support::open(&folder.path().join("store"), 2);
    let decided = |recipe: &str, first: u64, most: usize| {
        let recipe = Recipe::from_toml("own.toml", recipe).expect("a recipe");
        let seeds = SeedChoice::These((0..first).collect());
        let plan = FigurePlan::with_claims(vec![recipe], &seeds, []).expect("valid");
        let mut plan = plan.until_decided(most).expect("as many as there are to begin with");
        let mut rounds = Vec::new();
        let told =
            &mut |round: &concertina::Round| rounds.push((round.undecided, round.realisations, round.runs));
        let computed = study.compute_until_decided(&mut plan, told).expect("computed");
        let drawn = study.draw_in_memory(&plan, &computed).expect("drawn");
        let report =
            study.judge(&plan, &computed, &drawn, &PublishedTables::shipped(), "test").expect("judged");
        (report, rounds)
    };
    let claims = RECIPE.replace(&RECIPE[RECIPE.find("[[published]]").expect("it exists")..], "");
    let five = SeedChoice::These((0..5).collect());
    let recipe = Recipe::from_toml("own.toml", &claims).expect("a recipe");
    let fewer = FigurePlan::with_claims(vec![recipe], &five, []).expect("valid").until_decided(3);
    assert_eq!(
        fewer.expect_err("refused").to_string(),
        "`--most`: expected at least 5 realisations, the number to begin with, found 3"
    );
    // Two realisations decide nothing, five do; the report says by how many looks.
    let (report, rounds) = decided(&claims, 2, 20);
    assert!(report.passed);
    assert_eq!(rounds, [(1, 5, 2 * 3)]);
    let finding = &report.figures[0].claims[0].findings[0];
    assert_eq!((finding.looks.as_slice(), finding.p), (&[2, 5][..], Some(1.0 / 32.0)));
    assert_eq!(report.until_decided, Some(20));
    // The opposite, in four groups, takes eight.
    let (report, rounds) = decided(&claims.replace("than = 1", "than = 100"), 5, 20);
    assert!(report.is_contradicted());
    assert_eq!(rounds, [(1, 8, 2 * 3)]);
    let power = report.figures[0].claims[0].power.clone().expect("it is tested");
    assert!(power.starts_with("With two looks, at up to 8 realisations, an effect of 1."), "{power}");
    // What cannot be decided stays undecided, and ends.
    let (report, rounds) = decided(&claims.replace("than = 1", "than = 100"), 5, 6);
    assert_eq!((report.counts.undecided, rounds.len()), (1, 1));
}

#[test]
fn the_report_says_where_each_claim_comes_from() {
    let folder = tempfile::tempdir().expect("a folder");
    let study = support::open(&folder.path().join("store"), 2);
    let right = table_of_ours(&folder.path().join("right"), &study, false);
    let sourced = RECIPE.replace(
        "table = \"a\"\nvalue",
        "source = { paper = \"figure 2e: <curves> end lower\" }\ntable = \"a\"\nvalue",
    );
    for (recipe, html, from, detail) in [
        (RECIPE, "Source: the recipe's own reading<", "own_reading", serde_json::Value::Null),
        (
            &sourced,
            "Source: the paper: figure 2e: &lt;curves&gt; end lower<",
            "paper",
            "figure 2e: <curves> end lower".into(),
        ),
    ] {
        let report = judged(&study, recipe, 1, &right, &folder.path().join("figures"));
        let json = serde_json::json!(report);
        let source = &json["figures"][0]["claims"][0]["source"];
        assert_eq!((&source["from"], &source["detail"]), (&from.into(), &detail));
        let page = std::fs::read_to_string(folder.path().join("figures/report.html")).expect("written");
        assert!(page.contains(html), "{page}");
    }
}

#[test]
fn runs_that_diverge_are_left_out_with_the_reason_and_nothing_passes_without_any() {
    let folder = tempfile::tempdir().expect("a folder");
    let study = support::open(&folder.path().join("store"), 2);
    let right = table_of_ours(&folder.path().join("right"), &study, false);
    let wild = r#"train.epochs = 4, network.nonlinearity = "linear", train.optimizer = "sgd", train.learning_rate = 1e6, train.loss = "mse" }"#;
    let recipe = RECIPE.replace("train.epochs = 4 }", wild);
    let report = judged(&study, &recipe, 5, &right, &folder.path().join("figures"));
    assert!(!report.passed);
    assert_eq!((report.counts.reproduced, report.counts.undecided), (0, 1));
    let left_out = &report.figures[0].claims[0].findings[0].left_out;
    assert_eq!(left_out.len(), 5);
    assert!(left_out[0].reason.starts_with("diverged at epoch"), "{}", left_out[0].reason);
    assert_eq!(report.counts.compared, 0);
}

#[test]
fn the_report_is_a_self_contained_page_and_json_of_the_documented_layout() {
    let folder = tempfile::tempdir().expect("a folder");
    let study = support::open(&folder.path().join("store"), 2);
    let right = table_of_ours(&folder.path().join("right"), &study, false);
    judged(&study, RECIPE, 5, &right, &folder.path().join("figures"));
    let page = std::fs::read_to_string(folder.path().join("figures/report.html")).expect("written");
    assert!(page.contains("<svg") && page.contains("The effective dimension is above one."));
    for outside in ["src=", "href=\"http", "@import", "url(http"] {
        assert!(!page.contains(outside), "the page needs `{outside}`");
    }
    for tag in ["section", "details", "table", "figure", "div", "p", "h2", "h3"] {
        let open = page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count();
        assert_eq!(open, page.matches(&format!("</{tag}>")).count(), "{tag}");
    }
    let json = std::fs::read_to_string(folder.path().join("figures/report.json")).expect("written");
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let schema = Report::schema();
    fits(&json, &schema, &schema, "report");
}

/// Checks that a value fits its schema: it has the required names and no unknown ones.
fn fits(value: &serde_json::Value, schema: &serde_json::Value, root: &serde_json::Value, place: &str) {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.strip_prefix("#/$defs/")) {
        return fits(value, &root["$defs"][name], root, place);
    }
    if let Some(all) = schema["required"].as_array() {
        for name in all.iter().filter_map(serde_json::Value::as_str) {
            assert!(value.get(name).is_some(), "{place} has no `{name}`");
        }
    }
    if let (Some(object), Some(known)) = (value.as_object(), schema["properties"].as_object()) {
        for (name, inner) in object {
            if let Some(schema) = known.get(name) {
                fits(inner, schema, root, &format!("{place}.{name}"));
            } else {
                assert!(
                    schema.get("$ref").is_some() || schema.get("allOf").is_some(),
                    "{place}: unknown `{name}`"
                );
            }
        }
    }
    if let Some(list) = value.as_array() {
        list.iter().for_each(|inner| fits(inner, &schema["items"], root, &format!("{place}[]")));
    }
}

#[test]
fn the_documented_schema_is_that_of_the_code() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/report.schema.json");
    let text = format!("{:#}\n", Report::schema());
    if std::env::var_os("CONCERTINA_BLESS").is_some() {
        std::fs::write(path, &text).expect("written");
    }
    let there = std::fs::read_to_string(path).unwrap_or_default();
    assert!(there == text, "{path} has drifted; CONCERTINA_BLESS=1 writes it again");
}

#[test]
fn every_claim_of_a_shipped_recipe_is_about_an_existing_table_and_columns() {
    let folder = tempfile::tempdir().expect("a folder");
    let study = support::open(&folder.path().join("store"), 2);
    // Small enough for a test. Figures whose batches are larger than that are left out.
    let small = ["network.units=12", "task.train_samples=20", "task.val_samples=10", "task.clusters=6"];
    for name in ["fig2", "fig3", "fig4", "fig5a", "fig5d", "ed1", "ed2", "ed6", "ed10"] {
        let recipe = Recipe::shipped(name).expect("shipped");
        let set = small.into_iter().chain(["train.epochs=1", "train.saves_per_epoch=1"]);
        let plan = FigurePlan::with_claims(vec![recipe], &SeedChoice::These(vec![0]), set).expect("valid");
        let (computed, drawn) = study.figures(&plan, folder.path().join("figures")).expect("drawn");
        let report = study.judge(&plan, &computed, &drawn, &PublishedTables::shipped(), "").expect("judged");
        for claim in &report.figures[0].claims {
            for finding in &claim.findings {
                let nothing = finding.left_out.iter().find(|one| one.reason == "no such rows");
                assert!(nothing.is_none(), "{name}, {}: {finding:?}", claim.name);
            }
        }
    }
}
