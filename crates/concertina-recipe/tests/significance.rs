//! Brackets above the data show the significance of claims, and only of claims that a panel can show.

use concertina_plot::Theme;
use concertina_recipe::{Findings, Recipe};
use concertina_table::{Table, Values};

const RECIPE: &str = r#"
figure = "mine"

[runs.all]
sweep = { network.gain = [20, 250] }

[[panels]]
letter = "a"
runs = "all"
analysis = { analysis = "effective_dimension", samples = 100 }
checkpoints = "ends"
significance = ["compression"]

[panels.draw]
x = { column = "stage", words = true }
y = "effective_dimension"
facet = "gain"
keep = "timestep = 9"
band = "paired"

[[claims]]
name = "compression"
statement = "Training compresses."
table = "a"
value = "effective_dimension"
where = { timestep = 9 }
each = { gain = [20, 250] }
compare = { column = "stage", first = "after", second = "before" }
expect = "less"
"#;

/// Networks that training compresses at gain 20, and neither compresses nor expands at gain 250.
fn table() -> Table {
    table_with(5.0)
}

/// The same with another value before training at gain 250.
fn table_with(before: f64) -> Table {
    let rows = [20, 250].into_iter().flat_map(|gain| (0..5).map(move |seed| (gain, seed)));
    let rows: Vec<(i64, i64, &str)> =
        rows.flat_map(|(gain, seed)| ["before", "after"].map(|stage| (gain, seed, stage))).collect();
    let dimension = |&(gain, seed, stage): &(i64, i64, &str)| match (gain, stage) {
        (20, "after") => 2.0,
        (250, "after") => 5.0 + if seed % 2 == 0 { 1.0 } else { -1.5 },
        (250, _) => before,
        _ => 5.0,
    };
    Table::from_columns([
        ("gain", Values::from(rows.iter().map(|row| row.0).collect::<Vec<_>>())),
        ("seed", Values::from(rows.iter().map(|row| row.1).collect::<Vec<_>>())),
        ("stage", Values::from(rows.iter().map(|row| row.2.to_owned()).collect::<Vec<_>>())),
        ("timestep", Values::from(vec![9; rows.len()])),
        ("effective_dimension", Values::from(rows.iter().map(dimension).collect::<Vec<_>>())),
    ])
    .expect("equal lengths")
}

#[test]
fn each_group_of_a_claim_has_its_bracket() {
    let recipe = Recipe::from_toml("mine.toml", RECIPE).expect("a recipe");
    let drawn = recipe.draw(&Theme::default(), &[table()]).expect("drawn");
    let count = |text: &str| drawn.svg().matches(text).count();
    assert_eq!((count(">*<"), count(">n.s.<")), (1, 1), "p is 1/32 at gain 20, and about a half at 250");
    assert!(drawn.problems().is_empty(), "{:?}", drawn.problems());
    let unknown = recipe.draw_with(&Theme::default(), &[table()], &Findings::new()).expect("drawn");
    assert!(!unknown.svg().contains(">*<"), "nothing was found about the claim");
    let without = recipe.without_claims();
    assert_eq!(without.draw(&Theme::default(), &[table()]).expect("drawn").svg(), drawn.svg());
}

#[test]
fn a_claim_that_could_not_be_tested_is_among_the_problems_of_its_panel() {
    let recipe = Recipe::from_toml("mine.toml", RECIPE).expect("a recipe");
    let drawn = recipe.draw(&Theme::default(), &[table_with(f64::NAN)]).expect("drawn");
    let count = |text: &str| drawn.svg().matches(text).count();
    assert_eq!((count(">*<"), count(">n.s.<")), (1, 0));
    let missing = "1 of 2 marks of significance are not drawn: no realisation could be tested";
    assert!(drawn.problems().iter().any(|problem| problem.contains(missing)), "{:?}", drawn.problems());
}

#[test]
fn a_claim_about_other_rows_than_a_panel_draws_has_no_bracket_there() {
    let text = RECIPE.replacen("where = { timestep = 9 }", "where = { timestep = 9, gain = 20 }", 1);
    let text = text.replacen("each = { gain = [20, 250] }\n", "", 1);
    let recipe = Recipe::from_toml("mine.toml", &text).expect("a recipe");
    let error = recipe.draw(&Theme::default(), &[table()]).expect_err("the panel draws both gains");
    assert!(error.to_string().contains("the claim is about other rows than the panel draws"), "{error}");
}

#[test]
fn claims_that_a_panel_cannot_show_are_refused_with_place_and_remedy() {
    let wrong = |from: &str, to: &str| {
        let text = RECIPE.replacen(from, to, 1);
        assert_ne!(text, RECIPE, "{from}");
        let error = Recipe::from_toml("mine.toml", &text).expect_err(to);
        error.to_string()
    };
    let place = "panel `a` cannot show the significance of `compression`: ";
    let cases = [
        ("[\"compression\"]", "[\"compresion\"]", "unknown claim `compresion` at line 12"),
        ("\ny = \"effective_dimension\"", "\ny = \"timestep\"", "the claim is about `effective_dimension`"),
        ("column = \"stage\", words", "column = \"epoch\", words", "does not compare values of `epoch`"),
        ("expect = \"less\"", "expect = \"less\"\ntest = { every = 3 }", "its test has no p-value"),
        (
            "expect = \"less\"",
            "expect = \"less\"\nreduce = { over = \"epoch\", take = \"max\" }",
            "what `reduce` makes of several rows",
        ),
        ("facet = \"gain\"\n", "", "nothing in the panel distinguishes values of `gain`"),
        ("[panels.draw]", "[panels.draw]\nkind = \"scatter\"", "only lines over words have brackets"),
    ];
    for (from, to, expected) in cases {
        let found = wrong(from, to);
        assert!(found.contains(expected), "{found}");
        assert!(found.starts_with(place) || expected.starts_with("unknown"), "{found}");
    }
}
