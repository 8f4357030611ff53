//! The guides `docs/guides/your-own-figure.md` and `docs/guides/your-own-task.md` work as written.

mod support;

use std::path::PathBuf;

use concertina::FigurePlan;
use concertina_arrays::Npz;
use concertina_recipe::{Recipe, SeedChoice};
use ndarray::{Array2, Array3};

fn guide(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/guides").join(name)
}

#[test]
fn the_guide_covers_the_whole_recipe() {
    let text = std::fs::read_to_string(guide("your-own-figure.md")).expect("the guide");
    let recipe = std::fs::read_to_string(guide("expansion.toml")).expect("its recipe");
    let blocks: Vec<&str> =
        text.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default()).collect();
    let of_recipe: Vec<&&str> = blocks.iter().filter(|block| recipe.contains(**block)).collect();
    assert_eq!(
        (blocks.len(), of_recipe.len()),
        (4, 3),
        "all blocks except the example of a labelled axis are in the recipe"
    );
    let shown: usize =
        of_recipe.iter().map(|block| block.lines().filter(|line| !line.is_empty()).count()).sum();
    let lines = recipe.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).count();
    assert_eq!(lines - shown, 3, "everything but the layout is shown");
}

#[test]
fn the_recipe_of_the_guide_is_drawn() {
    let folder = tempfile::tempdir().expect("a folder");
    let recipe = || Recipe::from_path(&guide("expansion.toml")).expect("a recipe");
    let whole = FigurePlan::new(vec![recipe()], &SeedChoice::Fast, []).expect("valid");
    assert_eq!(whole.runs().len(), 7 * 3 * 2 * 3);
    let small = ["train.epochs=1", "task.train_samples=40", "task.clusters=10"];
    let plan = FigurePlan::new(vec![recipe()], &SeedChoice::These(vec![0, 1]), small).expect("valid");
    let study = support::open(&folder.path().join("store"), 2);
    let (computed, drawn) = study.figures(&plan, folder.path().join("figures")).expect("drawn");
    assert!(computed.failures.is_empty());
    // For two realisations, as for the guide's three, the interval is the range, as the guide says.
    let [problem] = drawn.problems.as_slice() else { panic!("{:?}", drawn.problems) };
    assert!(problem.contains("too few realisations for an interval of 0.95"), "{problem}");
    let table = std::fs::read_to_string(folder.path().join("figures/expansion/a.csv")).expect("drawn");
    assert_eq!(table.lines().count(), 1 + 7 * 3 * 2);
}

#[test]
fn the_claim_of_the_guide_can_be_judged() {
    let text = std::fs::read_to_string(guide("your-own-figure.md")).expect("the guide");
    let claim =
        text.split("```text\n[[claims]]").nth(1).expect("a claim").split("```").next().expect("its end");
    let recipe = std::fs::read_to_string(guide("expansion.toml")).expect("its recipe");
    let recipe =
        Recipe::from_toml("expansion.toml", &format!("{recipe}\n[[claims]]{claim}")).expect("a recipe");
    let small = ["train.epochs=1", "task.train_samples=40", "task.clusters=10"];
    let plan = FigurePlan::with_claims(vec![recipe], &SeedChoice::These(vec![0]), small)
        .expect("every value exists");
    assert_eq!(plan.recipes()[0].claims.len(), 1);
}

#[test]
fn the_recipe_of_the_guide_to_tasks_is_drawn_from_a_file_of_trials() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("trials.npz");
    let mut npz = Npz::new();
    let coherence = |trial: usize| (trial * 5 % 6) as i64;
    let inputs = Array3::from_shape_fn((60, 30, 2), |(trial, step, input)| match (step < 25, input) {
        (true, 0) => coherence(trial) as f32 / 5.0 - 0.5,
        (false, 1) => 1.0,
        _ => 0.0,
    });
    npz.array("inputs", &inputs.into_dyn()).expect("added");
    npz.vector("targets", &(0..60).map(|trial| i64::from(coherence(trial) > 2)).collect::<Vec<_>>())
        .expect("added");
    npz.array("mask", &Array2::from_shape_fn((60, 30), |(_, step)| step >= 25).into_dyn()).expect("added");
    npz.vector("condition", &(0..60).map(coherence).collect::<Vec<_>>()).expect("added");
    std::fs::write(&file, npz.finish().expect("written")).expect("written");

    let recipe = Recipe::from_path(&guide("evidence.toml")).expect("a recipe");
    let there = format!("task.file={}", file.display());
    let small = ["train.epochs=1", "network.units=8", there.as_str()];
    let plan = FigurePlan::new(vec![recipe], &SeedChoice::Fast, small).expect("valid");
    let study = support::open(&folder.path().join("store"), 2);
    let (computed, _) = study.figures(&plan, folder.path().join("figures")).expect("drawn");
    assert!(computed.failures.is_empty());
    let table = std::fs::read_to_string(folder.path().join("figures/evidence/a.csv")).expect("drawn");
    assert_eq!(table.lines().count(), 1 + 2 * 2, "the mean of two networks, before and after");
}

#[test]
fn two_recipes_with_the_same_name_are_refused() {
    let recipe = || Recipe::from_path(&guide("expansion.toml")).expect("a recipe");
    let error = FigurePlan::new(vec![recipe(), recipe()], &SeedChoice::Fast, [])
        .expect_err("one would overwrite the other");
    assert_eq!(error.to_string(), "two recipes are for the figure `expansion`");
}
