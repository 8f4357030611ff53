//! Linear classifiers, compared with stored optima and with scikit-learn.

use concertina_numerics::classify::{LinearClassifier, LinearSvm, LogisticRegression};
use concertina_testing::compare::{assert_close, assert_number};
use concertina_testing::golden::Fixture;
use ndarray::{Array2, Ix2};

/// The stored classifiers that converged, and the tolerances of our coefficients. Accuracies must be exact.
const CONVERGED: [(&str, f64); 2] = [("optimum", 1e-8), ("sklearn", 1e-5)];
/// scikit-learn's default settings stop short of the optimum, by up to this much in the coefficients.
const UNCONVERGED: (&str, f64) = ("default", 3e-2);

fn samples(fixture: &Fixture, features: &str, labels: &str) -> (Array2<f64>, Vec<u32>) {
    let x = fixture.f64(features).into_dimensionality::<Ix2>().expect("two axes");
    let labels = fixture.i64(labels).iter().map(|&label| u32::try_from(label).expect("a label")).collect();
    (x, labels)
}

#[test]
fn golden_classifiers_reach_the_stored_optima() {
    let Some(fixture) = Fixture::open("classifiers") else { return };
    for set in fixture.cases(".X") {
        let (x, labels) = samples(&fixture, &format!("{set}.X"), &format!("{set}.y"));
        let (x_test, labels_test) = samples(&fixture, &format!("{set}.X_test"), &format!("{set}.y_test"));
        let classes = 1 + labels.iter().chain(&labels_test).copied().max().expect("labels") as usize;
        let logistic = LogisticRegression::default().fit(x.view(), &labels, classes).expect("a fit");
        let svm = LinearSvm::default().fit(x.view(), &labels, classes).expect("a fit");
        for (kind, found) in [("logistic", logistic), ("svm", svm)] {
            assert!(found.converged, "{set}, {kind}: gradient {}", found.gradient_norm);
            for (stored, tolerance) in CONVERGED {
                compare(&fixture, &format!("{set}.{kind}.{stored}"), &found, tolerance, kind == "logistic");
                for (part, x, labels) in [("train", &x, &labels), ("test", &x_test, &labels_test)] {
                    let name = format!("{set}.{kind}.{stored}.accuracy_{part}");
                    let accuracy = found.accuracy(x.view(), labels).expect("an accuracy");
                    // The same fraction of samples, whose last bit depends on the order of the division.
                    assert_number(&name, accuracy, fixture.scalar(&name), 1e-15);
                }
            }
            let (stored, tolerance) = UNCONVERGED;
            let name = format!("{set}.{kind}.{stored}.coef");
            assert_close(&name, found.coefficients.view(), fixture.f64(&name).view(), tolerance);
        }
    }
    fixture
        .ignore("*.default.intercept", "the objective is nearly flat along it, and no tolerance is stated");
    fixture.ignore("*.default.accuracy_*", "a classifier short of the optimum may predict otherwise");
    fixture.finish();
}

/// Compares coefficients and intercepts. Those of a softmax are compared up to their common part.
fn compare(fixture: &Fixture, prefix: &str, found: &LinearClassifier, tolerance: f64, softmax: bool) {
    let coefficients = fixture.f64(&format!("{prefix}.coef"));
    assert_close(&format!("{prefix}.coef"), found.coefficients.view(), coefficients.view(), tolerance);
    let mut intercepts = fixture.f64(&format!("{prefix}.intercept"));
    if softmax && intercepts.len() > 1 {
        let common = intercepts.sum() / intercepts.len() as f64;
        intercepts -= common;
    }
    assert_close(&format!("{prefix}.intercept"), found.intercepts.view(), intercepts.view(), tolerance);
}
