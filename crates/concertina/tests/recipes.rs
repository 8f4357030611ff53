//! The shipped recipes: how many runs each needs, and with which parameters.

use std::collections::BTreeSet;

use concertina::model::params::{PARAMETERS, ValidParams};
use concertina::{FigurePlan, all_recipes, recipes, seeds};

/// The runs of a figure with the paper's own number of seeds, or with five if it leaves the number open.
fn runs(figure: &str) -> Vec<ValidParams> {
    let recipe = recipes([figure]).unwrap_or_else(|error| panic!("{figure}: {error}"));
    let plan = FigurePlan::new(recipe, &Default::default(), []);
    plan.unwrap_or_else(|error| panic!("{figure}: {error}")).runs().to_vec()
}

/// The combinations of values of these parameters, in order.
fn combinations(runs: &[ValidParams], paths: &[&str]) -> Vec<String> {
    let value = |run: &ValidParams, path: &str| {
        let parameter = PARAMETERS.iter().find(|parameter| parameter.path == path);
        let value = parameter.unwrap_or_else(|| panic!("no parameter `{path}`")).value(run);
        value.to_string().replace('`', "")
    };
    let found: BTreeSet<String> = runs
        .iter()
        .map(|run| paths.iter().map(|path| value(run, path)).collect::<Vec<_>>().join(" "))
        .collect();
    found.into_iter().collect()
}

/// The number of runs, counted by hand from the paper's figures: parameter sets times seeds.
const RUNS: [(&str, usize); 16] = [
    ("fig1", 1),             // a run of figure 3
    ("fig2", 2 * 5 + 2 * 5), // 12 epochs; 10 epochs of 400 samples
    ("fig3", 2 * 5),
    ("fig4", 2 * 5),
    ("fig5a", 2 * 5 + 2 * 5),
    ("fig5b", 4 * 3),
    ("fig5c", 3),
    ("fig5d", 2 * 3 * 2 * 3),
    ("fig6b", 3 * 4 * 3),
    ("fig6c", 3 * 4 * 3),
    ("ed1", 2 * 2 * 4 * 2 * 5),
    ("ed2", 2 * 2 * 4 * 2 * 5),
    ("ed3", 2 * 2 * 4 * 2 * 5),
    ("ed4", 2 * 2 * 4 * 2 * 5),
    ("ed6", 2 * 2 * 2 * 5),
    ("ed10", 2 * 2 * 7 * 5),
];

#[test]
fn each_figure_needs_as_many_runs_as_the_paper_says() {
    let names: Vec<String> =
        all_recipes().expect("they parse").into_iter().map(|recipe| recipe.figure).collect();
    assert_eq!(names, RUNS.map(|(name, _)| name));
    for (figure, expected) in RUNS {
        assert_eq!(runs(figure).len(), expected, "{figure}");
    }
}

#[test]
fn a_run_that_several_figures_share_is_counted_once() {
    let plan = FigurePlan::new(all_recipes().expect("they parse"), &Default::default(), []);
    let all: usize = RUNS.iter().map(|(_, runs)| runs).sum();
    // Figure 1 shares its run with figure 3, and figure 6b shares the runs without noise with figure 5b.
    // Extended data figure 1 shares runs with figure 2, and extended data figure 2 with figure 3. All runs of
    // extended data figure 6 are in figures 2 and 3 and extended data figures 1 and 2. Extended data figure
    // 10 shares gain 20 in two dimensions and in 200.
    let shared = 1 + 12 + 10 + 10 + 40 + 10;
    assert_eq!(plan.expect("they are valid").runs().len(), all - shared);
}

#[test]
fn seeds_are_those_of_the_paper_unless_others_are_asked_for() {
    assert_eq!(combinations(&runs("fig5b"), &["seed"]), ["0", "1", "2"]);
    assert_eq!(combinations(&runs("fig5c"), &["seed"]), ["0"]);
    let asked = seeds("5,6").expect("two seeds");
    let plan = FigurePlan::new(recipes(["fig5b"]).expect("shipped"), &asked, []).expect("valid");
    assert_eq!(combinations(plan.runs(), &["seed"]), ["5", "6"]);
}

#[test]
fn main_figures_differ_from_the_defaults_where_the_paper_says_so() {
    let usual = ["task.input_dim", "network.gain", "train.epochs", "train.loss", "train.learning_rate"];
    assert_eq!(
        combinations(&runs("fig2"), &[&usual[..], &["task.train_samples"]].concat()),
        [
            "200 20 10 cross_entropy 0.001 400",
            "200 20 12 cross_entropy 0.001 800",
            "200 250 10 cross_entropy 0.001 400",
            "200 250 12 cross_entropy 0.001 800",
        ]
    );
    let expected = ["2 20 120 cross_entropy 0.001", "2 250 120 cross_entropy 0.001"];
    for (figure, weights) in [("fig3", "orthogonal"), ("fig4", "diagonal")] {
        assert_eq!(combinations(&runs(figure), &usual), expected, "{figure}");
        assert_eq!(combinations(&runs(figure), &["network.input_weights"]), [weights], "{figure}");
    }
    assert_eq!(
        combinations(&runs("fig5a"), &usual),
        ["2 20 120 mse 0.001", "2 250 120 mse 0.001", "200 20 12 mse 0.005", "200 250 12 mse 0.005"]
    );
}

#[test]
fn runs_over_updates_have_four_hundred_checkpoints() {
    let linear = "mse_scalar linear rmsprop 0.0001 none 20 200 10";
    let paths = [
        "train.loss",
        "network.nonlinearity",
        "train.optimizer",
        "train.learning_rate",
        "train.scheduler",
        "network.gain",
        "task.input_dim",
        "task.delay",
    ];
    let schedule = ["train.batch", "train.epochs", "train.saves_per_epoch"];
    for figure in ["fig5b", "fig6b", "fig6c"] {
        let runs = runs(figure);
        assert_eq!(combinations(&runs, &paths), [linear], "{figure}");
        assert_eq!(
            combinations(&runs, &schedule),
            ["1 40 10", "10 400 1", "50 2000 0.2", "800 32000 0.0125"],
            "{figure}"
        );
        for run in &runs {
            assert_eq!(run.checkpoints().iter().count(), 401, "{figure}, batches of {}", run.train.batch);
        }
    }
    for run in runs("fig5d") {
        assert_eq!(run.checkpoints().iter().count(), 401);
    }
    for run in runs("fig5c") {
        assert_eq!(run.checkpoints().iter().count(), 41);
    }
}

#[test]
fn noise_decay_and_depth_are_those_of_the_paper() {
    assert_eq!(
        combinations(&runs("fig6b"), &["network.dropout", "network.unit_noise"]),
        ["0 0", "0 0.05", "0.05 0"]
    );
    assert_eq!(combinations(&runs("fig6c"), &["train.weight_decay"]), ["0.0001", "0.1", "1e-5"]);
    let runs_c = runs("fig5c");
    let sgd = [
        "train.optimizer",
        "train.learning_rate",
        "task.delay",
        "train.batch",
        "train.epochs",
        "train.scheduler",
    ];
    assert_eq!(combinations(&runs_c, &sgd), ["sgd 0.0002 2 800 51200 plateau"]);
    assert_eq!(combinations(&runs_c, &["train.gradient_noise"]), ["0", "0.5", "1"]);
    assert_eq!(combinations(&runs_c, &["train.scheduler_patience"]), ["100000"]);
    let runs_d = runs("fig5d");
    assert_eq!(combinations(&runs_d, &["train.batch", "train.epochs"]), ["10 800"]);
    assert_eq!(
        combinations(&runs_d, &["network.nonlinearity", "task.delay", "network.train_readout"]).len(),
        2 * 3 * 2
    );
    assert_eq!(combinations(&runs_d, &["task.delay"]), ["2", "3", "4"]);
}

#[test]
fn extended_data_figures_cover_their_grids() {
    let size = ["task.delay", "network.units"];
    for figure in ["ed1", "ed2", "ed3", "ed4"] {
        let runs = runs(figure);
        assert_eq!(combinations(&runs, &size), ["10 200", "14 200", "14 300", "6 200"], "{figure}");
        assert_eq!(combinations(&runs, &["train.learning_rate"]), ["0.0001", "0.001"], "{figure}");
        assert_eq!(combinations(&runs, &["network.gain"]), ["20", "250"], "{figure}");
    }
    let losses = combinations(&runs("ed1"), &["train.loss", "train.epochs", "task.input_dim"]);
    assert_eq!(losses, ["cross_entropy 12 200", "mse 120 200"]);
    for (figure, dimension) in [("ed2", 2), ("ed3", 4), ("ed4", 10)] {
        let found = combinations(&runs(figure), &["task.input_dim", "task.clusters", "train.epochs"]);
        assert_eq!(found, [format!("{dimension} 120 120"), format!("{dimension} 60 120")], "{figure}");
    }
    let regimes = combinations(&runs("ed6"), &["task.input_dim", "train.epochs"]);
    assert_eq!(regimes, ["2 120", "200 12"]);
    let runs = runs("ed10");
    assert_eq!(combinations(&runs, &["network.gain"]), ["100", "140", "180", "20", "220", "260", "60"]);
    assert_eq!(combinations(&runs, &["task.input_dim", "train.epochs"]), ["2 120", "200 120"]);
}

#[test]
fn recipes_that_are_not_from_the_paper_are_found_by_name_and_valid() {
    for (name, _) in concertina::recipe::OTHER_RECIPES {
        let plan = FigurePlan::new(recipes([*name]).expect("it parses"), &Default::default(), []);
        assert!(!plan.expect("its runs are valid").runs().is_empty(), "{name}");
        assert!(all_recipes().expect("they parse").iter().all(|recipe| recipe.figure != *name), "{name}");
    }
}
