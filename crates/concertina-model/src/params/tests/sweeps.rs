//! Sweeps.

use super::*;

fn runs(overrides: &[&str]) -> ValidSweep {
    let sweep = Sweep::parse(Params::default(), overrides.iter().copied()).and_then(Sweep::check);
    sweep.unwrap_or_else(|error| panic!("{overrides:?}: {error}"))
}

#[test]
fn two_gains_and_five_seeds_are_ten_runs_and_the_last_axis_runs_fastest() {
    let sweep = runs(&["gain=20,250", "seed=0..5"]);
    let pairs: Vec<(f64, u64)> = sweep.iter().map(|run| (run.gain(), run.seed)).collect();
    assert_eq!(pairs[..6], [(20.0, 0), (20.0, 1), (20.0, 2), (20.0, 3), (20.0, 4), (250.0, 0)]);
    assert_eq!((pairs.len(), sweep.varied()), (10, &["network.gain", "seed"][..]));
    assert_eq!(sweep, runs(&["g_radius=20.0,2.5e2", "model_seed=0..=4"]));
    assert_eq!(
        sweep,
        Sweep::of(Params::default()).gain([20.0, 250.0]).seeds(0..5).check().expect("it is valid")
    );
}

#[test]
fn a_single_value_is_an_override_and_not_an_axis() {
    let sweep = runs(&["input_dim=2", "gain=20,250", "seed=7"]);
    assert_eq!((sweep.len(), sweep.varied()), (2, &["network.gain"][..]));
    assert!(sweep.iter().all(|run| run.task.input_dim == 2 && run.seed == 7));
}

#[test]
fn ranges_have_steps_and_mix_with_lists() {
    let gains = |text| runs(&[text]).iter().map(|run| run.gain()).collect::<Vec<_>>();
    assert_eq!(gains("gain=20..=260..40"), [20.0, 60.0, 100.0, 140.0, 180.0, 220.0, 260.0]);
    assert_eq!(gains("gain=20..260..40"), [20.0, 60.0, 100.0, 140.0, 180.0, 220.0]);
    assert_eq!(gains("gain=0..2, 250"), [0.0, 1.0, 250.0]);
}

#[test]
fn values_that_are_lists_are_written_in_brackets() {
    let sweep = runs(&["epochs=3", "saves_per_epoch=[2,1,0.5],1"]);
    assert_eq!(sweep.len(), 2);
    assert_eq!(sweep[0].get("saves_per_epoch").expect("known").to_string(), "[2, 1, 0.5]");
}

#[test]
fn later_values_replace_earlier_ones() {
    assert_eq!(runs(&["gain=20,250", "g_radius=1,2,3"]).len(), 3);
    assert_eq!(runs(&["gain=20,250", "gain=5"])[0].gain(), 5.0);
    assert_eq!(runs(&["gain=5", "gain=20,250"]).len(), 2);
}

#[test]
fn combinations_that_are_the_same_run_count_once() {
    let sweep = runs(&["optimizer=adam,rmsprop", "momentum=0,0.5"]);
    let runs: Vec<_> = sweep.iter().map(|run| (run.train.optimizer, run.train.momentum)).collect();
    assert_eq!(
        runs,
        [(OptimizerKind::Adam, 0.0), (OptimizerKind::Rmsprop, 0.0), (OptimizerKind::Rmsprop, 0.5)]
    );
}

#[test]
fn runs_that_differ_only_in_epochs_are_both_kept() {
    let sweep = runs(&["epochs=12,120"]);
    assert_eq!(sweep.len(), 2);
    assert_eq!(sweep[0].canonical(), sweep[1].canonical());
}

#[test]
fn a_published_name_that_sets_two_parameters_can_vary() {
    let sweep = runs(&["optimizer=sgd,sgd_rmsprop_comb_0.1,sgd_rmsprop_comb_0.2"]);
    let runs: Vec<_> = sweep.iter().map(|run| (run.train.optimizer, run.train.mix)).collect();
    assert_eq!(
        runs,
        [(OptimizerKind::Sgd, 0.5), (OptimizerKind::SgdRmsprop, 0.1), (OptimizerKind::SgdRmsprop, 0.2)]
    );
}

#[test]
fn the_axes_of_a_file_are_in_a_separate_section_and_keep_their_order() {
    let sweep = Sweep::from_toml(
        "[task]\ninput_dim = 2\n[sweep]\nunits = [50, 100]\ngain = [20, 250]\nseed = \"0..3\"\nbatch = \"5,10\"",
    );
    let sweep = sweep.and_then(Sweep::check).expect("the file is valid");
    assert_eq!(sweep.varied(), ["network.units", "network.gain", "seed", "train.batch"]);
    assert_eq!((sweep.len(), sweep[0].task.input_dim), (24, 2));
}

#[test]
fn any_parameter_can_vary_from_rust() {
    let sweep = Sweep::of(Params::default())
        .vary("network.units", [100, 200])
        .vary("nonlinearity", [Nonlinearity::Tanh, Nonlinearity::Linear])
        .vary("biases", [true, false])
        .check();
    assert_eq!(sweep.expect("all are valid").len(), 8);
    let unknown = Sweep::of(Params::default()).vary("gian", [1.0]).check();
    assert!(matches!(unknown, Err(Error::UnknownParameter { .. })));
}

#[test]
fn a_parameter_given_with_its_default_value_counts_as_given() {
    let given = |sweep: crate::Result<Sweep>| sweep.expect("a sweep").given().into_iter().collect::<Vec<_>>();
    assert!(given(Ok(Sweep::of(Params::default()))).is_empty());
    assert_eq!(given(Sweep::parse(Params::default(), ["N=200", "seed=0..3"])), ["network.units", "seed"]);
    let toml = "[network]\nunits = 200\n[sweep]\ngain = [20]\n";
    assert_eq!(given(Sweep::from_toml(toml)), ["network.gain", "network.units"]);
    assert_eq!(
        given(Sweep::from_json(r#"{"N": 200, "task": {"delay": 10}}"#)),
        ["network.units", "task.delay"]
    );
}

#[test]
fn parameters_that_vary_together_are_one_axis_among_others() {
    let sweep = || {
        Sweep::of(Params::default())
            .gain([20.0, 250.0])
            .vary_together([("N", vec![50, 100]), ("task.train_samples", vec![400, 800])])
            .seeds(0..2)
    };
    let found = sweep().check().expect("it is valid");
    assert_eq!(found.varied(), ["network.gain", "network.units", "task.train_samples", "seed"]);
    let run = |run: &ValidParams| (run.gain(), run.network.units, run.task.train_samples, run.seed);
    let first: Vec<_> = found.iter().take(5).map(run).collect();
    assert_eq!(
        first,
        [
            (20.0, 50, 400, 0),
            (20.0, 50, 400, 1),
            (20.0, 100, 800, 0),
            (20.0, 100, 800, 1),
            (250.0, 50, 400, 0)
        ]
    );
    assert_eq!(found.len(), 8);
    let given: Vec<_> = sweep().given().into_iter().collect();
    assert_eq!(given, ["network.gain", "network.units", "seed", "task.train_samples"]);
    // If one of them is varied separately later, it becomes the last axis. The others stay together.
    let apart = sweep().vary("units", [10, 20, 30]).check().expect("it is valid");
    assert_eq!(apart.varied(), ["network.gain", "task.train_samples", "seed", "network.units"]);
    assert_eq!((apart.len(), apart[1].network.units), (24, 20));
    // One that is set to a single value no longer varies.
    let mut fixed = sweep();
    fixed.assign("units=70").expect("a value");
    let fixed = fixed.check().expect("it is valid");
    assert_eq!(fixed.varied(), ["network.gain", "task.train_samples", "seed"]);
    assert!(fixed.iter().all(|run| run.network.units == 70));
    // A new group takes its parameters out of their previous axes.
    let moved = sweep().vary_together([("seed", vec![7, 8, 9]), ("units", vec![10, 20, 30])]);
    let moved = moved.check().expect("it is valid");
    assert_eq!(moved.varied(), ["network.gain", "task.train_samples", "seed", "network.units"]);
    assert_eq!((moved.len(), moved[1].seed, moved[1].network.units), (12, 8, 20));
    let alone = Sweep::of(Params::default()).vary_together([("seed", 0..3)]).check().expect("it is valid");
    assert_eq!(alone, runs(&["seed=0..3"]));
    let nothing = Sweep::of(Params::default()).vary_together(Vec::<(&str, Vec<u64>)>::new());
    assert_eq!(nothing.only().expect("one run"), Some(Params::default()));
}

#[test]
fn parameters_that_vary_together_must_have_equally_many_values() {
    let together = |columns: [(&str, Vec<u64>); 2]| Sweep::of(Params::default()).vary_together(columns);
    let error = together([("seed", vec![1, 2, 3]), ("N", vec![50, 100])]).check().expect_err("three and two");
    assert_eq!(
        error.to_string(),
        "parameters that vary together: expected the same number of values for each, found 3 for `seed`, 2 for `network.units`"
    );
    assert!(error.hint().is_some());
    assert!(together([("seed", vec![1]), ("N", vec![50, 100])]).only().expect("no value is wrong").is_none());
    let empty = together([("seed", vec![1]), ("N", Vec::new())]);
    assert!(matches!(empty.check(), Err(Error::EmptyAxis { .. })));
    let twice = together([("N", vec![1]), ("network.units", vec![2])]);
    assert!(matches!(twice.check(), Err(Error::GivenTwice { .. })));
    let unknown = together([("N", vec![1]), ("sead", vec![2])]);
    assert!(matches!(unknown.check(), Err(Error::UnknownParameter { .. })));
    // A group multiplies the number of runs only once.
    let many = |count: u64| {
        together([("seed", (0..count).collect()), ("task.train_samples", (10..count + 10).collect())])
    };
    assert!(matches!(many(100_001).check(), Err(Error::TooManyRuns { .. })));
    assert_eq!(many(1000).check().expect("not too many").len(), 1000);
    let notes = together([("seed", vec![0, 1]), ("milestones", vec![3, 4])]).check();
    let notes = notes.expect("it has no effect").notes().to_vec();
    assert!(
        notes.iter().any(|note| matches!(note, Note::WithoutEffect { path: "train.milestones", .. })),
        "{notes:?}"
    );
}

#[test]
fn sets_of_runs_are_merged_without_repetitions() {
    let mut all: Vec<ValidParams> = runs(&["seed=0..2"]).into_iter().chain(runs(&["seed=1..3"])).collect();
    all.extend(runs(&["seed=0", "epochs=7"]));
    let sweep = ValidSweep::of_runs(all).expect("there are runs");
    assert_eq!((sweep.len(), sweep.varied()), (4, &["seed", "train.epochs"][..]));
    assert_eq!(sweep.notes(), [Note::Repeated { combinations: 5, runs: 4 }]);
    assert_eq!(ValidSweep::of_runs(Vec::new()), None);
}
