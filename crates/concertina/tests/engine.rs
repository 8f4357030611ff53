//! Training and analysing at the same time.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use concertina::analyses::{Analysis, effective_dimension};
use concertina::prelude::*;
use concertina::{Event, EventKind, FigurePlan, Observer, Source};
use concertina_recipe::{PublishedTables, Recipe, SeedChoice};
use ndarray::{Axis, s};
use support::{assert_same_store, one, open, small};

fn dimension() -> AnalysisSpec {
    EffectiveDimension { samples: 40, ..Default::default() }.into()
}

/// Requests a stop after this many epochs.
struct StopAfter {
    epochs: AtomicU64,
    trained: AtomicU64,
    cancel: Arc<AtomicBool>,
}

impl Observer for StopAfter {
    fn observe(&self, event: &Event) {
        if let EventKind::Trained { .. } = event.kind
            && self.trained.fetch_add(1, Ordering::SeqCst) + 1 >= self.epochs.load(Ordering::SeqCst)
        {
            self.cancel.store(true, Ordering::SeqCst);
        }
    }
}

#[test]
fn an_analysis_over_training_that_is_interrupted_at_any_epoch_never_makes_training_go_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let sweep = one(small());
    let whole = Study::builder(folder.path().join("whole")).keep(Keep::Needed).open().expect("a store");
    let expected = whole.analyse(&sweep, &dimension(), &CheckpointSelection::All).expect("analysed").table;
    assert_eq!(expected.row_count(), 7 * 5);
    let mut trained = 0;
    for stop in [1, 2, 1, 100] {
        let cancel = Arc::new(AtomicBool::new(false));
        let observer =
            Arc::new(StopAfter { epochs: stop.into(), trained: 0.into(), cancel: Arc::clone(&cancel) });
        let study = Study::builder(folder.path().join("in_parts"))
            .keep(Keep::Needed)
            .observer(observer.clone())
            .cancel(cancel)
            .open()
            .expect("a store");
        let analysed = study.analyse(&sweep, &dimension(), &CheckpointSelection::All).expect("analysed");
        trained += observer.trained.load(Ordering::SeqCst);
        match stop {
            100 => assert_eq!(analysed.table, expected),
            _ => assert_eq!(*analysed.runs.first().outcome(), Outcome::Interrupted),
        }
    }
    assert_eq!(trained, 6, "each epoch once");
    assert_same_store(
        &folder.path().join("in_parts"),
        &folder.path().join("whole"),
        "four starts compared with one",
    );
}

#[test]
fn weights_that_were_analysed_during_training_are_not_kept_but_the_last_are_available() {
    let folder = tempfile::tempdir().expect("a folder");
    let study = Study::builder(folder.path()).keep(Keep::Needed).open().expect("a store");
    let sweep = one(small());
    study.analyse(&sweep, &dimension(), &CheckpointSelection::All).expect("analysed");
    let stored = study.stored_run("").expect("one run");
    assert!(stored.checkpoints.is_empty());
    assert_eq!(stored.reached.map(|reached| reached.epoch.0), Some(6));
    // The weights come from the state to resume from, without training.
    let again = study.analyse(&sweep, &Accuracy { samples: 30 }.into(), &CheckpointSelection::Ends);
    let again = again.expect("analysed");
    assert_eq!(again.runs.first().source(), Source::Loaded);
    let all = open(&folder.path().join("all"), 1).analyse(
        &sweep,
        &Accuracy { samples: 30 }.into(),
        &CheckpointSelection::Ends,
    );
    assert_eq!(again.table, all.expect("analysed").table);
}

#[test]
fn answers_about_more_checkpoints_are_added_to_those_remembered() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut longer = small();
    longer.train.epochs = 9;
    let study = open(folder.path(), 1);
    study.analyse(&one(small()), &dimension(), &CheckpointSelection::All).expect("analysed");
    study.analyse(&one(longer.clone()), &dimension(), &CheckpointSelection::All).expect("analysed");
    let files = |study: &Study| {
        let usage = study.usage().expect("a list");
        usage
            .iter()
            .filter(|one| one.kind == "analysis")
            .map(|one| (one.files, one.analysis.clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        files(&study),
        [(1, Some(("effective_dimension".to_owned(), Analysis::version(&dimension()))))]
    );
    let fresh = open(&folder.path().join("fresh"), 1);
    fresh.analyse(&one(longer), &dimension(), &CheckpointSelection::All).expect("analysed");
    let analyses = |folder: &std::path::Path| support::contents(&folder.join("analyses"));
    assert!(
        analyses(folder.path()) == analyses(&folder.path().join("fresh")),
        "6 and then 9 epochs compared with 9"
    );
}

const RECIPE: &str = r#"
figure = "own"

[runs.all]
parameters = { network.units = 16, task.input_dim = 6, task.clusters = 8, task.delay = 4, task.train_samples = 40, train.epochs = 4 }
sweep = { network.gain = [20.0, 250.0] }

[runs.wild]
parameters = { network.units = 16, task.input_dim = 6, task.clusters = 8, task.delay = 4, task.train_samples = 40, train.epochs = 4, network.nonlinearity = "linear", train.optimizer = "sgd", train.learning_rate = 1e6, train.loss = "mse" }

[[panels]]
letter = "a"
runs = "all"
analysis = { analysis = "effective_dimension", samples = 40 }
checkpoints = "ends"
draw = { x = "timestep", y = "effective_dimension", hue = "gain", style = "stage", band = "mean_sd" }

[[panels]]
letter = "b"
runs = "wild"
analysis = { analysis = "effective_dimension", samples = 40, timesteps = "last" }
checkpoints = "all"
draw = { x = "epoch", y = "effective_dimension", band = "lines" }
"#;

#[test]
fn the_outlook_counts_what_is_missing_and_a_run_that_diverges_does_not_end_the_work() {
    let folder = tempfile::tempdir().expect("a folder");
    let recipe = Recipe::from_toml("own.toml", RECIPE).expect("a recipe");
    let seeds = SeedChoice::These(vec![0, 1]);
    let plan = FigurePlan::new(vec![recipe], &seeds, []).expect("valid");
    assert_eq!(plan.runs().len(), 4 + 2);
    let study = open(&folder.path().join("store"), 2);
    let before = study.outlook(&plan).expect("an outlook");
    assert_eq!((before.total.runs, before.total.trained, before.total.epochs), (6, 6, 24));
    assert_eq!((before.total.analyses, before.total.loaded), (4 * 2 + 2 * 5, 0));
    assert!(before.total.seconds > 0.0);
    assert_eq!(before.figures[0].1.epochs, 24);
    assert!(study.run_table().expect("a table").is_empty(), "a look changes nothing");

    let (computed, drawn) = study.figures(&plan, folder.path().join("figures")).expect("drawn");
    let outcomes: Vec<&str> = computed.runs.iter().map(|run| run.outcome().name()).collect();
    assert_eq!(outcomes, ["complete", "complete", "complete", "complete", "diverged", "diverged"]);
    assert!(drawn.figures[0].svg().is_some());
    let listed = std::fs::read_to_string(drawn.runs.as_ref().expect("written")).expect("written");
    assert_eq!(listed.matches(",diverged,").count(), 2, "{listed}");
    assert!(listed.starts_with("key,nonlinearity,gain,") && listed.lines().count() == 7, "{listed}");
    assert_eq!(computed.tables(0)[0].row_count(), 4 * 2 * 5);
    assert!(computed.spent.epochs >= 16);
    let in_memory = study.draw_in_memory(&plan, &computed).expect("drawn");
    assert_eq!(in_memory.figures[0].svg(), drawn.figures[0].svg());
    assert!(in_memory.runs.is_none() && in_memory.figures[0].files.is_empty());
    let report =
        study.judge(&plan, &computed, &in_memory, &PublishedTables::default(), "test").expect("judged");
    assert!(report.to_html(&in_memory).contains("<svg"));

    let after = study.outlook(&plan).expect("an outlook");
    assert_eq!((after.total.loaded, after.total.trained, after.total.analyses), (6, 0, 0));
    assert_eq!(after.total.seconds, 0.0);
}

#[test]
fn any_number_of_threads_gives_the_same_store_and_the_same_tables() {
    let folder = tempfile::tempdir().expect("a folder");
    let recipe = Recipe::from_toml("own.toml", RECIPE).expect("a recipe");
    let plan = FigurePlan::new(vec![recipe], &SeedChoice::These(vec![0, 1, 2]), []).expect("valid");
    let mut tables = Vec::new();
    for jobs in [1, 2, 5] {
        let store = folder.path().join(jobs.to_string());
        let computed = open(&store, jobs).compute(&plan).expect("computed");
        tables.push(computed.tables(0).to_vec());
        assert_same_store(&folder.path().join("1"), &store, "one thread compared with several");
    }
    assert!(tables.iter().all(|table| *table == tables[0]));
}

#[test]
fn states_of_a_run_are_those_that_analyses_use() {
    let folder = tempfile::tempdir().expect("a folder");
    let runs = open(folder.path(), 1).train(&one(small())).expect("trains");
    let (run, last) = (runs.first(), runs.first().last_checkpoint());
    let (trials, states) = run.states(last, 30, None).expect("states");
    assert_eq!((trials.len(), states.dim()), (30, (30, run.params().trial_steps(), 16)));
    let (_, further) = run.states(last, 30, Some(Timestep(9))).expect("states");
    assert_eq!(further.dim(), (30, 10, 16));
    assert_eq!(further.slice(s![.., ..states.dim().1, ..]), states);
    let analysis = EffectiveDimension { samples: 30, extend_to: Some(Timestep(9)), ..Default::default() };
    let table = run.analyse_at(&analysis, &CheckpointSelection::Last).expect("analysed");
    let found = table.floats("effective_dimension").expect("numbers");
    let there = further.index_axis(Axis(1), 9).mapv(f64::from);
    let expected = effective_dimension(there.view()).expect("computed").expect("defined");
    let last_row = found.last().copied().flatten().expect("defined");
    assert!((last_row - expected).abs() < 1e-9 * expected, "{last_row} {expected}");
    for (samples, timestep, what) in [(1, 9, "samples"), (30, 0, "extend_to"), (30, i64::MAX, "extend_to")] {
        let error = run.states(last, samples, Some(Timestep(timestep))).expect_err("refused").to_string();
        assert!(error.starts_with(&format!("`states.{what}`: expected")), "{error}");
    }
}
