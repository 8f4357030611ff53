//! Properties that every fit of a linear classifier must have.

use concertina_numerics::classify::{LinearClassifier, LinearSvm, LogisticRegression};
use concertina_numerics::{Error, Result};
use ndarray::{Array1, Array2, ArrayView2, Axis, arr2, concatenate, s};
use proptest::prelude::*;

/// Numbers in [-1, 1) without a pattern, from a linear congruential sequence.
fn scrambled(rows: usize, columns: usize, seed: u64) -> Array2<f64> {
    let mut state = seed;
    Array2::from_shape_simple_fn((rows, columns), || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / f64::from(1_u32 << 30) - 1.0
    })
}

/// Labels in turn, so that all classes occur.
fn labels_in_turn(samples: usize, classes: u32) -> Vec<u32> {
    (0..samples as u32).map(|k| (k * 7 + k / 3) % classes).collect()
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Logistic,
    Svm,
}

fn fit(kind: Kind, c: f64, x: ArrayView2<f64>, labels: &[u32], classes: usize) -> Result<LinearClassifier> {
    match kind {
        Kind::Logistic => LogisticRegression { c }.fit(x, labels, classes),
        Kind::Svm => LinearSvm { c }.fit(x, labels, classes),
    }
}

/// Derivatives of the objective with respect to weights and intercepts, written like the formula.
fn gradient(
    kind: Kind,
    c: f64,
    x: ArrayView2<f64>,
    labels: &[u32],
    found: &LinearClassifier,
) -> (Array2<f64>, Array1<f64>) {
    let scores = x.dot(&found.coefficients.t()) + &found.intercepts; // (samples, scores)
    let mut residuals = Array2::zeros(scores.dim());
    for (sample, &label) in labels.iter().enumerate() {
        let row = scores.row(sample);
        for class in 0..row.len() {
            let positive = if row.len() == 1 { 1 } else { class };
            let t = if label as usize == positive { 1.0 } else { -1.0 };
            residuals[[sample, class]] = match kind {
                Kind::Svm => -2.0 * c * t * (1.0 - t * row[class]).max(0.0),
                Kind::Logistic if row.len() == 1 => -c * t / (1.0 + (t * row[0]).exp()),
                Kind::Logistic => {
                    let sum: f64 = row.iter().map(|score| (score - row[class]).exp()).sum();
                    c * (1.0 / sum - f64::from(u8::from(label as usize == class)))
                }
            };
        }
    }
    let by_weights = residuals.t().dot(&x) + &found.coefficients;
    let penalised = if matches!(kind, Kind::Svm) { 1.0 } else { 0.0 };
    (by_weights, residuals.sum_axis(Axis(0)) + &found.intercepts * penalised)
}

fn largest<'a>(values: impl IntoIterator<Item = &'a f64>) -> f64 {
    values.into_iter().fold(0.0, |largest, value| largest.max(value.abs()))
}

fn assert_optimal(
    what: &str,
    kind: Kind,
    c: f64,
    x: ArrayView2<f64>,
    labels: &[u32],
    found: &LinearClassifier,
) {
    let (by_weights, by_intercepts) = gradient(kind, c, x, labels, found);
    let scale = 1.0 + c * largest(x) * labels.len() as f64;
    let off = largest(by_weights.iter().chain(&by_intercepts));
    assert!(off <= 1e-10 * scale, "{what}, {kind:?}: gradient {off:.1e} at scale {scale:.1e}");
    assert!(found.converged, "{what}, {kind:?}: not converged, gradient norm {:.1e}", found.gradient_norm);
}

/// Data sets that are hard in one way or another.
fn hard_sets() -> Vec<(&'static str, Array2<f64>)> {
    let plain = scrambled(40, 6, 1);
    let rank_two = scrambled(40, 2, 2).dot(&scrambled(2, 9, 3));
    let separable = concatenate![
        Axis(1),
        plain,
        Array2::from_shape_fn((40, 1), |(k, _)| 1e3 * f64::from(labels_in_turn(40, 2)[k]))
    ];
    let with_constant = concatenate![Axis(1), plain, Array2::from_elem((40, 1), 5.0)];
    let mut scales = plain.clone();
    for (column, mut values) in scales.columns_mut().into_iter().enumerate() {
        values *= 10.0_f64.powi(2 * column as i32 - 6);
    }
    vec![
        ("nearly constant features", &plain * 1e-9 + 0.7),
        ("constant features", Array2::from_elem((40, 6), 0.3)),
        ("zeros", Array2::zeros((40, 3))),
        ("no features", Array2::zeros((40, 0))),
        ("a constant feature", with_constant),
        ("rank deficient", rank_two),
        ("separable", separable),
        ("far from the origin", &plain + 1e3),
        ("mixed scales", scales),
        ("more features than samples", scrambled(40, 90, 5)),
        ("as many features as samples", scrambled(40, 40, 6)),
        ("one repeated sample", scrambled(1, 50, 7).broadcast((40, 50)).expect("repeated").to_owned()),
        ("plain", plain),
    ]
}

#[test]
fn the_gradient_vanishes_at_every_optimum_however_hard_the_data() {
    for (what, x) in hard_sets() {
        for classes in [2, 3, 5] {
            let labels = labels_in_turn(x.nrows(), classes);
            for (kind, c) in
                [(Kind::Logistic, 1.0), (Kind::Svm, 1.0), (Kind::Logistic, 100.0), (Kind::Svm, 0.01)]
            {
                let found = fit(kind, c, x.view(), &labels, classes as usize).expect("a fit");
                assert_optimal(
                    &format!("{what}, {classes} classes, c {c}"),
                    kind,
                    c,
                    x.view(),
                    &labels,
                    &found,
                );
            }
        }
    }
}

#[test]
fn separable_classes_are_separated_with_finite_weights() {
    let x = arr2(&[[-3.0, 0.1], [-2.0, -0.3], [2.5, 0.2], [3.0, 0.0]]);
    let labels = [0, 0, 1, 1];
    for kind in [Kind::Logistic, Kind::Svm] {
        let found = fit(kind, 1e4, x.view(), &labels, 2).expect("a fit");
        assert_optimal("separable", kind, 1e4, x.view(), &labels, &found);
        assert_eq!(found.accuracy(x.view(), &labels), Ok(1.0));
    }
}

#[test]
fn without_informative_features_the_intercept_is_the_log_odds() {
    // If all features are zero, the intercept is the log odds of the classes, whatever the penalty.
    let labels: Vec<u32> = (0..12).map(|k| u32::from(k < 9)).collect();
    let found = LogisticRegression::default().fit(Array2::zeros((12, 1)).view(), &labels, 2).expect("a fit");
    assert!((found.intercepts[0] - 3.0_f64.ln()).abs() < 1e-12, "{}", found.intercepts[0]);
    assert_eq!(found.coefficients[[0, 0]], 0.0);
}

#[test]
fn swapping_two_classes_reverses_the_sign() {
    for kind in [Kind::Logistic, Kind::Svm] {
        let x = scrambled(50, 4, 9);
        let labels = labels_in_turn(50, 2);
        let swapped: Vec<u32> = labels.iter().map(|label| 1 - label).collect();
        let (one, other) = (fit(kind, 1.0, x.view(), &labels, 2), fit(kind, 1.0, x.view(), &swapped, 2));
        let (one, other) = (one.expect("a fit"), other.expect("a fit"));
        assert!(largest(&(&one.coefficients + &other.coefficients)) < 1e-10);
        assert!(largest(&(&one.intercepts + &other.intercepts)) < 1e-10);
    }
}

#[test]
fn renaming_classes_renames_the_rows() {
    for kind in [Kind::Logistic, Kind::Svm] {
        let x = scrambled(60, 5, 11);
        let labels = labels_in_turn(60, 4);
        let renamed: Vec<u32> = labels.iter().map(|label| (label + 1) % 4).collect();
        let (one, other) = (fit(kind, 1.0, x.view(), &labels, 4), fit(kind, 1.0, x.view(), &renamed, 4));
        let (one, other) = (one.expect("a fit"), other.expect("a fit"));
        for class in 0..4 {
            let renamed = (class + 1) % 4;
            assert!(largest(&(&one.coefficients.row(class) - &other.coefficients.row(renamed))) < 1e-10);
            assert!((one.intercepts[class] - other.intercepts[renamed]).abs() < 1e-10);
        }
    }
}

#[test]
fn features_that_are_always_zero_do_not_change_the_optimum() {
    // With 30 samples and 10 features the problem is solved in feature space, and with 50 more features in
    // the span of the samples. The optimum is the same.
    let x = scrambled(30, 10, 13);
    let wide = concatenate![Axis(1), x, Array2::zeros((30, 50))];
    for (kind, classes) in [(Kind::Logistic, 2), (Kind::Logistic, 3), (Kind::Svm, 2), (Kind::Svm, 3)] {
        let labels = labels_in_turn(30, classes);
        let narrow = fit(kind, 1.0, x.view(), &labels, classes as usize).expect("a fit");
        let wide = fit(kind, 1.0, wide.view(), &labels, classes as usize).expect("a fit");
        let off = &wide.coefficients.slice(s![.., ..10]) - &narrow.coefficients;
        assert!(largest(&off) < 1e-10 && largest(wide.coefficients.slice(s![.., 10..])) < 1e-12);
        assert!(largest(&(&wide.intercepts - &narrow.intercepts)) < 1e-10);
    }
}

#[test]
fn a_warm_start_ends_at_the_same_optimum_in_no_more_steps() {
    for (features, classes) in [(8, 2), (8, 3), (120, 2), (120, 3)] {
        let x = scrambled(80, features, 17);
        let nearby = &x + &(scrambled(80, features, 18) * 1e-3);
        let labels = labels_in_turn(80, classes as u32);
        let (logistic, svm) = (LogisticRegression::default(), LinearSvm::default());
        let cold = [logistic.fit(x.view(), &labels, classes), svm.fit(x.view(), &labels, classes)];
        let start = [logistic.fit(nearby.view(), &labels, classes), svm.fit(nearby.view(), &labels, classes)];
        let [logistic_start, svm_start] = start.map(|fit| fit.expect("a fit"));
        let warm = [
            logistic.fit_from(x.view(), &labels, classes, &logistic_start),
            svm.fit_from(x.view(), &labels, classes, &svm_start),
        ];
        for (cold, warm) in cold.into_iter().zip(warm) {
            let (cold, warm) = (cold.expect("a fit"), warm.expect("a fit"));
            assert!(
                warm.converged && warm.iterations <= cold.iterations,
                "{} of {}",
                warm.iterations,
                cold.iterations
            );
            assert!(largest(&(&warm.coefficients - &cold.coefficients)) < 1e-9);
            assert!(largest(&(&warm.intercepts - &cold.intercepts)) < 1e-9);
        }
    }
}

#[test]
fn features_of_large_magnitude_reach_their_optimum_before_they_count_as_converged() {
    // Multiplying features by `s` divides the weights by `s`, if `c` is divided by `s²`.
    let x = scrambled(60, 5, 21);
    for classes in [2, 3] {
        let labels = labels_in_turn(60, classes);
        let separable =
            concatenate![Axis(1), x, Array2::from_shape_fn((60, 1), |(k, _)| f64::from(labels[k]))];
        for scale in [1e4, 1e8, 1e10, 1e12, 1e16] {
            let large = &separable * scale;
            let found = fit(Kind::Logistic, 1.0, large.view(), &labels, classes as usize).expect("a fit");
            let expected = fit(Kind::Logistic, scale * scale, separable.view(), &labels, classes as usize);
            let expected = expected.expect("a fit").coefficients;
            let off = largest(&(&found.coefficients * scale - &expected)) / largest(&expected);
            assert!(
                found.converged && off < 1e-6,
                "{classes} classes, {scale:e}: {} {off:e}",
                found.converged
            );
        }
    }
}

#[test]
fn a_rare_class_under_a_strong_penalty_has_its_odds_before_the_fit_counts_as_converged() {
    let x = scrambled(60, 5, 22);
    let labels: Vec<u32> = (0..60).map(|sample| u32::from(sample == 7)).collect();
    for c in [1e-12, 1e-14, 1e-16, 1e-30] {
        let found = fit(Kind::Logistic, c, x.view(), &labels, 2).expect("a fit");
        let off = found.intercepts[0] + 59.0_f64.ln();
        assert!(found.converged && off.abs() < 1e-9, "{c:e}: {} {off:e}", found.converged);
    }
}

#[test]
fn wrong_arguments_are_named() {
    let x = scrambled(4, 2, 1);
    let fit = |labels: &[u32], classes| LogisticRegression::default().fit(x.view(), labels, classes);
    assert_eq!(fit(&[0, 0, 0, 0], 2), Err(Error::EmptyClass { class: 1, classes: 2 }));
    assert_eq!(fit(&[0, 1, 2, 0], 2), Err(Error::UnknownLabel { label: 2, index: 2, classes: 2 }));
    let message = fit(&[0, 1], 2).expect_err("too few labels").to_string();
    assert_eq!(message, "logistic regression: expected (samples) = (4) labels, found [2]");
    let message = LinearSvm { c: 0.0 }.fit(x.view(), &[0, 1, 0, 1], 2).expect_err("no c").to_string();
    assert_eq!(message, "`c`: expected a number above 0, found 0");
    assert_eq!(
        fit(&[0, 1, 0, 1], 1).expect_err("one class").to_string(),
        "`classes`: expected a number of at least 2, found 1"
    );
    let mut broken = x.clone();
    broken[[2, 1]] = f64::NAN;
    let error = LinearSvm::default().fit(broken.view(), &[0, 1, 0, 1], 2).expect_err("not finite");
    assert!(matches!(error, Error::NotFinite { index, .. } if index == [2, 1]));
    let found = fit(&[0, 1, 0, 1], 2).expect("a fit");
    assert!(found.predict(scrambled(3, 5, 1).view()).is_err());
    assert!(LinearSvm::default().fit_from(scrambled(4, 5, 1).view(), &[0, 1, 0, 1], 2, &found).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn random_problems_are_solved(
        samples in 4..40_usize, features in 1..60_usize, classes in 2..5_u32, c_log10 in -3.0..3.0_f64, seed: u64,
    ) {
        let x = scrambled(samples.max(20), features, seed);
        let labels = labels_in_turn(x.nrows(), classes);
        let c = 10.0_f64.powf(c_log10);
        for kind in [Kind::Logistic, Kind::Svm] {
            let found = fit(kind, c, x.view(), &labels, classes as usize).expect("a fit");
            assert_optimal("random", kind, c, x.view(), &labels, &found);
        }
    }
}
