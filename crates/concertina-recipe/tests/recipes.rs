//! Recipes: what they need, and the errors if they are wrong.

use concertina_analysis::Analysis as _;
use concertina_model::selection::CheckpointSelection;
use concertina_recipe::{Error, RECIPES, Recipe, SeedChoice};

fn text_of(error: &Error) -> String {
    error.hint().map_or_else(|| error.to_string(), |hint| format!("{error}\nhint: {hint}"))
}

const SMALL: &str = r#"
figure = "mine"

[parameters]
task.input_dim = 2

[runs.all]
parameters = { train.epochs = 3 }
sweep = { gain = [20, 250] }

[[panels]]
letter = "a"
runs = "all"
analysis = { analysis = "effective_dimension" }
checkpoints = "ends"

[panels.draw]
x = "timestep"
y = { column = "effective_dimension", from = 0 }
hue = "gain"
band = "gamma"
"#;

/// The error for the small recipe with `from` replaced by `to`.
#[track_caller]
fn wrong(from: &str, to: &str) -> String {
    assert!(SMALL.contains(from), "{from}");
    text_of(&Recipe::from_toml("mine.toml", &SMALL.replace(from, to)).expect_err("it should not parse"))
}

#[test]
fn every_shipped_recipe_parses_under_its_name() {
    for (name, text) in RECIPES {
        let recipe =
            Recipe::from_toml(name, text).unwrap_or_else(|error| panic!("{name}: {}", text_of(&error)));
        assert_eq!(recipe.figure, *name);
        assert!(
            recipe.layout.rows.iter().map(|row| row.panels.len()).sum::<usize>() == recipe.panels.len(),
            "{name}"
        );
    }
}

#[test]
fn a_figure_has_several_names() {
    for name in ["fig2", "2", "figure2", "Fig2"] {
        assert_eq!(Recipe::shipped(name).expect("it is shipped").figure, "fig2");
    }
    insta::assert_snapshot!(text_of(&Recipe::shipped("fgi2").expect_err("misspelt")), @r#"
        unknown figure `fgi2`
        hint: did you mean `fig2`?
    "#);
}

#[test]
fn figure_two_needs_each_table_once() {
    let recipe = Recipe::shipped("fig2").expect("it is shipped");
    let requirements = recipe.requirements();
    let panels: Vec<String> = requirements
        .iter()
        .filter(|requirement| requirement.is_drawn())
        .map(|requirement| requirement.panels.join(""))
        .collect();
    assert_eq!(panels, ["b", "c", "d", "e", "fg"]);
    assert!(
        requirements[panels.len()..].iter().all(|requirement| !requirement.is_drawn()),
        "drawn ones first"
    );
    assert_eq!(requirements[0].checkpoints, CheckpointSelection::Epochs(vec![0, 1, 5, 10, 12]));
    assert_eq!(requirements[0].runs.seeds.resolve(&SeedChoice::Fast, &recipe.seeds), [0]);
    assert_eq!(requirements[0].runs.seeds.resolve(&SeedChoice::These(vec![7, 8]), &recipe.seeds), [7]);
    assert_eq!(requirements[3].runs.seeds.resolve(&SeedChoice::Fast, &recipe.seeds), [0, 1, 2, 3, 4]);
    assert_eq!(requirements[3].runs.seeds.resolve(&SeedChoice::Full, &recipe.seeds).len(), 30);
    let points = requirements[2].points();
    let spelled: Vec<String> =
        points[1].assignments.iter().map(|a| format!("{}={}", a.name, a.text())).collect();
    assert_eq!(
        spelled,
        [
            "task.input_dim=200",
            "task.train_samples=400",
            "task.val_samples=100",
            "train.epochs=10",
            "network.gain=250.0"
        ]
    );
}

#[test]
fn parameters_that_change_together_are_one_axis() {
    let text = SMALL.replace(
        "sweep = { gain = [20, 250] }",
        "sweep = { gain = [20], noise = [{ label = \"none\" }, { network.dropout = 0.05, label = \"dropout\" }] }\nseeds = \"0..3\"",
    );
    let recipe = Recipe::from_toml("mine.toml", &text).expect("it parses");
    let requirement = &recipe.requirements()[0];
    let points = requirement.points();
    assert_eq!(points.len(), 2);
    assert_eq!(points[1].columns, [("noise".to_owned(), "dropout".to_owned())]);
    assert!(points[1].assignments.iter().any(|a| a.name == "network.dropout" && a.text() == "0.05"));
    assert!(!points[0].assignments.iter().any(|a| a.name.contains("dropout")));
    assert_eq!(requirement.runs.seeds.resolve(&SeedChoice::Full, &recipe.seeds), [0, 1, 2]);
    assert_eq!(requirement.runs.seeds.resolve(&SeedChoice::These(vec![9]), &recipe.seeds), [9]);
}

#[test]
fn a_wrong_recipe_is_reported_with_place_and_remedy() {
    insta::assert_snapshot!(wrong("hue = ", "hu = "), @r#"
        unknown key `hu` at line 20, column 1 of mine.toml
        hint: did you mean `hue`?
    "#);
    insta::assert_snapshot!(wrong("band = \"gamma\"", "band = \"gama\""), @r#"
        unknown value `gama` at line 21, column 8 of mine.toml
        hint: did you mean `gamma`?
    "#);
    insta::assert_snapshot!(wrong("band = \"gamma\"", "kind = \"line\""), @r#"
        unknown value `line` at line 21, column 8 of mine.toml
        hint: did you mean `lines`?
    "#);
    insta::assert_snapshot!(wrong("runs = \"all\"", "runs = \"al\""), @r#"
        unknown set of runs `al` at line 13, column 8 of mine.toml
        hint: did you mean `all`?
    "#);
    insta::assert_snapshot!(wrong("{ analysis = \"effective_dimension\" }", "{ samples = 3 }"), @r#"
        expected the name of an analysis, found none at line 14, column 12 of mine.toml
        hint: analysis = { analysis = "effective_dimension" }
    "#);
    insta::assert_snapshot!(wrong("from = 0", "form = 0"), @r#"
        unknown key `form` at line 19, column 39 of mine.toml
        hint: did you mean `from`?
    "#);
    insta::assert_snapshot!(wrong("from = 0", "from = \"low\""), @r#"expected a number, found string "low" at line 19, column 46 of mine.toml"#);
    insta::assert_snapshot!(wrong("checkpoints = \"ends\"", "checkpoints = \"end\""), @r#"
        unknown value `end` at line 15, column 15 of mine.toml
        hint: did you mean `ends`?
    "#);
    insta::assert_snapshot!(wrong("checkpoints = \"ends\"", "checkpoints = [0, -1]"), @"expected a whole number of at least 0, found integer `-1` at line 15, column 19 of mine.toml");
    insta::assert_snapshot!(wrong("x = \"timestep\"\n", ""), @r#"
        panel `a` has no `x` at line 12, column 10 of mine.toml
        hint: name the column: draw.x = "timestep"
    "#);
    insta::assert_snapshot!(wrong("letter = \"a\"", "letter = \"../a\""), @"expected a panel letter of letters, digits, `_` and `-`, found `../a` at line 12, column 10 of mine.toml");
    insta::assert_snapshot!(wrong("figure = \"mine\"", "figure = \"mine"), @r#"invalid basic string, expected `"` at line 2, column 15 of mine.toml"#);
    insta::assert_snapshot!(wrong("sweep = { gain = [20, 250] }", "sweep = { gain = [] }"), @"axis `gain` of `runs.all` has no values in mine.toml");
    insta::assert_snapshot!(wrong("[20, 250] }", "[20, 250] }\nseeds = \"5..2\""), @"expected `figure`, `0..5` or `0..=4`, found `5..2` at line 10, column 9 of mine.toml");
    let layout = "figure = \"mine\"\nlayout = { rows = [{ panels = [\"b\"], height_mm = 40 }] }";
    insta::assert_snapshot!(wrong("figure = \"mine\"", layout), @r#"
        unknown panel `b` at line 3, column 32 of mine.toml
        hint: known: `a`
    "#);
}

#[test]
fn snapshots_stay_inside_the_folder_of_their_figure() {
    for path in ["../up", "/etc/passwd", "a/../../b"] {
        let said = wrong("hue = ", &format!("snapshot_file = \"{path}\"\nhue = "));
        assert!(said.starts_with("expected a path inside the figure's folder"), "{said}");
    }
}

#[test]
fn a_missing_file_is_reported_with_its_path() {
    let error =
        Recipe::from_path(std::path::Path::new("no/such/recipe.toml")).expect_err("it does not exist");
    insta::assert_snapshot!(text_of(&error), @"cannot read no/such/recipe.toml");
}

#[test]
fn a_panel_of_several_analyses_needs_each_once() {
    let both = r#"[
    { analysis = "effective_dimension", timesteps = "last" },
    { analysis = "weight_variance" },
]"#;
    let text = SMALL.replace("{ analysis = \"effective_dimension\" }", both);
    let second = r#"
[[panels]]
letter = "b"
runs = "all"
analysis = { analysis = "weight_variance" }
checkpoints = "ends"
draw = { x = "update", y = "weight_variance" }
"#;
    let recipe = Recipe::from_toml("mine.toml", &format!("{text}{second}")).expect("it parses");
    let asked: Vec<(String, String)> = recipe
        .requirements()
        .iter()
        .map(|one| (one.analysis.name().to_owned(), one.panels.join("")))
        .collect();
    assert_eq!(
        asked,
        [("effective_dimension".to_owned(), "a".to_owned()), ("weight_variance".to_owned(), "ab".to_owned())]
    );
}

#[test]
fn wrong_analyses_and_drawings_are_reported() {
    let one = "{ analysis = \"effective_dimension\" }";
    insta::assert_snapshot!(wrong(one, "[]"), @r#"
    expected the name of an analysis, found none at line 14, column 12 of mine.toml
    hint: analysis = { analysis = "effective_dimension" }
    "#);
    insta::assert_snapshot!(wrong(one, &format!("[{one}, {one}]")), @"expected different analyses, found one twice at line 14, column 12 of mine.toml");
    insta::assert_snapshot!(wrong(one, "\"loss\""), @r#"expected an analysis `{ analysis = "effective_dimension" }`, or a list of these, found string "loss" at line 14, column 12 of mine.toml"#);
    insta::assert_snapshot!(wrong("hue = ", "kind = \"schematic\"\nhue = "), @r#"
    panel `a` has no `schematic` at line 12, column 10 of mine.toml
    hint: draw.schematic = "task", "network", "cell" or "weights"
    "#);
    insta::assert_snapshot!(wrong("hue = ", "share_y = \"columns\"\nhue = "), @r#"
    unknown value `columns` at line 20, column 11 of mine.toml
    hint: known: `rows`
    "#);
}

#[test]
fn columns_of_a_sweep_are_its_axes_what_changes_along_them_and_their_labels() {
    let text = SMALL.replace(
        "sweep = { gain = [20, 250] }",
        "sweep = { network.gain = [20], noise = [{ label = \"none\" }, { network.dropout = 0.05, label = \"dropout\" }] }",
    );
    let recipe = Recipe::from_toml("mine.toml", &text).expect("it parses");
    let columns: Vec<String> = recipe.runs["all"].columns().into_iter().collect();
    assert_eq!(columns, ["dropout", "gain", "noise"]);
}

#[test]
fn analyses_and_parameters_are_checked_when_a_recipe_is_read() {
    insta::assert_snapshot!(wrong("\"effective_dimension\" }", "\"efective_dimension\" }"), @r"
    unknown analysis `efective_dimension` at line 14, column 12 of mine.toml
    hint: did you mean `effective_dimension`?
    ");
    insta::assert_snapshot!(wrong("\"effective_dimension\" }", "\"effective_dimension\", sample = 3 }"), @r"
    analysis `effective_dimension`: unknown setting `sample` at line 14, column 12 of mine.toml
    hint: did you mean `samples`?
    ");
    insta::assert_snapshot!(wrong("\"effective_dimension\" }", "\"effective_dimension\", samples = \"many\" }"), @r"
    analysis `effective_dimension`: `samples`: expected a whole number, found `many` at line 14, column 12 of mine.toml
    hint: `samples`: Samples, spread evenly over the clusters; at least 2. The default is 500
    ");
    insta::assert_snapshot!(wrong("task.input_dim", "task.inptu_dim"), @r"
    unknown parameter `task.inptu_dim` at line 5, column 6 of mine.toml
    hint: did you mean `task.input_dim`?
    ");
    insta::assert_snapshot!(wrong("train.epochs = 3", "train.epochs = \"few\""), @r"
    `train.epochs`: expected a whole number of at least 0, found `few` at line 8, column 22 of mine.toml
    hint: `train.epochs`: how long to train, in epochs; the default is 12
    ");
    insta::assert_snapshot!(wrong("gain = [20, 250]", "gian = [20, 250]"), @r"
    unknown parameter `gian` at line 9, column 11 of mine.toml
    hint: did you mean `network.gain`?
    ");
    insta::assert_snapshot!(wrong("gain = [20, 250]", "size = [{ label = \"small\", units = 20 }, { units = 0 }]"), @r"
    `network.units`: expected a whole number from 1 to 100,000, found 0 at line 9, column 11 of mine.toml
    hint: `network.units`: the number of units, in each layer of a feedforward network; the default is 200
    ");
}
