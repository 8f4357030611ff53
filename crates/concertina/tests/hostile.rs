//! Requests that untrusted users may make.

use concertina::FigurePlan;
use concertina::recipe::{Recipe, SeedChoice};

const RECIPE: &str = r#"
figure = "mine"
[[panels]]
letter = "a"
runs = "all"
analysis = { analysis = "loss" }
draw = { x = "epoch", y = "loss" }
[runs.all]
sweep = { gain = [20, 250] }
"#;

#[test]
fn a_plan_of_many_seeds_is_refused_or_made_quickly() {
    let plan = |seeds| {
        let recipe = Recipe::from_toml("mine.toml", RECIPE).expect("a recipe");
        FigurePlan::new(vec![recipe], &SeedChoice::These((0..seeds).collect()), [])
    };
    let error = plan(100_000).expect_err("twice as many");
    assert!(error.to_string().contains("at most 100,000 runs in a sweep, found 200,000"), "{error}");
    let start = std::time::Instant::now();
    assert_eq!(plan(20_000).expect("many, but fine").runs().len(), 40_000);
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}
