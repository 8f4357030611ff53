//! Decoding: separable and shuffled classes, folds, and refusals.

mod common;

use concertina_analysis::{
    Analysis, Classifier, Decoding, DecodingTarget, DecodingTest, Error, Timesteps, decoding,
};
use concertina_numerics::random::{Purpose, Stream};
use concertina_table::Table;
use ndarray::{Array3, s};

fn normal(shape: (usize, usize, usize), number: u64) -> Array3<f64> {
    let mut stream = Stream::new(number, Purpose::new("decoded clouds"), 0);
    Array3::from_shape_simple_fn(shape, || stream.normal())
}

fn column(table: &Table, name: &str) -> Vec<Option<f64>> {
    table.floats(name).expect("a column of numbers")
}

/// Trials of the classes in turn.
fn in_turn(trials: usize, classes: u32) -> Vec<u32> {
    (0..trials as u32).map(|trial| trial % classes).collect()
}

#[test]
fn shuffled_classes_are_decoded_at_chance() {
    for (classes, classifier) in [(2, Classifier::Logistic), (3, Classifier::Logistic), (3, Classifier::Svm)]
    {
        let mut accuracies = Vec::new();
        for seed in 0..40 {
            let mut labels = in_turn(60, classes);
            Stream::new(seed, Purpose::new("shuffled"), 0).shuffle(&mut labels);
            let settings = Decoding { classifier, ..Decoding::default() };
            let found =
                decoding(&settings, normal((1, 60, 5), seed).view(), &labels, None, seed).expect("ok");
            accuracies.push(found.across()[[0, 0]]);
        }
        let mean = accuracies.iter().sum::<f64>() / 40.0;
        let variance = accuracies.iter().map(|one| (one - mean).powi(2)).sum::<f64>() / 39.0;
        // stratified folds of balanced classes are slightly below chance on average
        let off = (mean - 1.0 / f64::from(classes)).abs();
        assert!(off < 4.0 * (variance / 40.0).sqrt(), "{classes} classes: {mean}");
    }
}

#[test]
fn a_code_that_moves_to_other_units_is_decoded_at_each_timestep_but_not_across() {
    let labels = in_turn(80, 2);
    let mut states = normal((3, 80, 3), 1) * 0.1;
    for (trial, label) in labels.iter().enumerate() {
        let sign = if *label == 1 { 1.0 } else { -1.0 };
        states[[0, trial, 0]] += sign; // the first two timesteps have the same code
        states[[1, trial, 0]] += sign;
        states[[2, trial, 1]] += sign;
    }
    let found = decoding(&Decoding::default(), states.view(), &labels, None, 0).expect("it applies");
    let across = found.across();
    for (trained, tested) in [(0, 0), (0, 1), (1, 0), (1, 1), (2, 2)] {
        assert_eq!(across[[trained, tested]], 1.0);
    }
    for (trained, tested) in [(0, 2), (2, 0), (1, 2), (2, 1)] {
        assert!((across[[trained, tested]] - 0.5).abs() < 0.3, "{across}");
    }
}

#[test]
fn the_analysis_gives_what_the_function_gives_at_the_same_timestep_and_across() {
    let run = common::Run::trained(common::small());
    let samples = run.samples(30);
    for target in [DecodingTarget::Class, DecodingTarget::Condition] {
        let testing = DecodingTest::Across;
        let across = Decoding { samples: 30, target, testing, folds: 3, ..Decoding::default() };
        let same = Decoding { testing: DecodingTest::Same, ..across.clone() };
        let (of_across, of_same) = (across.run(&run.subject()), same.run(&run.subject()));
        let (of_across, of_same) = (of_across.expect("it applies"), of_same.expect("it applies"));
        let states = run.checkpoints[1].1.states_at(&samples.shown, &[0, 1, 2, 3, 4]).expect("shapes agree");
        let states = Array3::from_shape_fn((5, 30, 16), |(step, trial, unit)| states[step][[trial, unit]]);
        let labels = if target == DecodingTarget::Class { &samples.labels } else { &samples.clusters };
        let found =
            decoding(&across, states.view(), labels, None, run.params.seed).expect("it applies").across();
        let rows = |table: &Table| -> Vec<Option<f64>> {
            let (updates, timesteps) =
                (table.integers("update").expect("there"), table.integers("timestep").expect("there"));
            let other = table.integers("test_timestep").unwrap_or_else(|_| timesteps.clone());
            let all = column(table, "accuracy");
            let wanted = |row: &usize| {
                updates[*row] == Some(4) && timesteps[*row] >= Some(0) && other[*row] >= Some(0)
            };
            (0..all.len()).filter(wanted).map(|row| all[row]).collect()
        };
        assert_eq!(rows(&of_across), found.iter().copied().map(Some).collect::<Vec<_>>());
        assert_eq!(rows(&of_same), found.diag().iter().copied().map(Some).collect::<Vec<_>>());
        let undefined = column(&of_across, "accuracy").iter().filter(|one| one.is_none()).count();
        assert_eq!(undefined, 2 * 2 * 5, "between the input and each timestep, of both checkpoints");
    }
}

#[test]
fn folds_are_stratified_and_the_same_when_drawn_again() {
    // with one feature that identifies nothing, only the shares of classes can be learnt
    let labels: Vec<u32> = (0..50).map(|trial| u32::from(trial < 10)).collect();
    let states = Array3::<f64>::zeros((1, 50, 1));
    let settings = Decoding::default();
    let found = decoding(&settings, states.view(), &labels, None, 3).expect("it applies");
    assert_eq!(found.accuracy.slice(s![.., 0, 0]).to_vec(), [0.8; 5], "two of ten trials in every fold");
    let states = normal((2, 50, 4), 2);
    let once = decoding(&settings, states.view(), &labels, None, 3).expect("it applies");
    assert_eq!(once, decoding(&settings, states.view(), &labels, None, 3).expect("it applies"));
}

#[test]
fn problems_without_a_classifier_are_refused() {
    let settings = Decoding::default();
    let states = normal((1, 10, 2), 4);
    let refused = |labels: &[u32], folds: Option<&[usize]>| {
        decoding(&settings, states.view(), labels, folds, 0).expect_err("refused").to_string()
    };
    assert!(refused(&[1; 10], None).contains("samples of 1 classes"));
    let alone = [0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    assert!(refused(&alone, None).contains("trials of which all of class 1 are in one fold"));
    assert!(
        refused(&in_turn(10, 2), Some(&[0, 0, 2, 2, 0, 0, 2, 2, 0, 0])).contains("every fold needs a trial")
    );
    assert_eq!(refused(&[0, 1], None), "labels: expected (trials) = (10), found [2]");
    assert_eq!(refused(&in_turn(10, 2), Some(&[0])), "folds: expected (trials) = (10), found [1]");

    let mut params = common::small();
    params.task.clusters = 60;
    params.task.input_dim = 40;
    params.network.units = 200;
    let run = common::Run::untrained(params);
    let clusters =
        Decoding { target: DecodingTarget::Condition, timesteps: Timesteps::Last, ..Decoding::default() };
    let error = clusters.check(&run.params).expect_err("refused");
    assert!(matches!(error, Error::NotApplicable { .. }));
    assert!(error.hint().is_some_and(|hint| hint.contains("classifier = svm")), "{error}");
    let svm = Decoding { classifier: Classifier::Svm, ..clusters };
    let table = svm.run(&run.subject()).expect("it applies");
    assert_eq!(table.booleans("converged").expect("there"), [Some(true)]);
    assert!(column(&table, "accuracy")[0] > Some(0.5), "clusters are narrow: {table:?}");
}
