//! The result of fitting a linear classifier.

use ndarray::{Array1, Array2, ArrayView2};

use crate::linalg::{check_finite, product};
use crate::{Error, Result};

/// A fitted linear classifier: scores are `x coefficientsᵀ + intercepts`.
///
/// Two classes share a single row of coefficients, and a positive score means class 1. With more classes
/// there is one row per class, and the class with the largest score is predicted (the first one if there are
/// several).
#[derive(Debug, Clone, PartialEq)]
pub struct LinearClassifier {
    /// Weights, (1 or classes, features).
    pub coefficients: Array2<f64>,
    /// Intercepts, (1 or classes).
    pub intercepts: Array1<f64>,
    /// Whether the optimum was reached to rounding. If not, this is the best point found.
    pub converged: bool,
    /// Number of Newton steps (the largest over the classes if they are fitted one by one).
    pub iterations: usize,
    /// Largest magnitude of an entry of the gradient of the loss where the fit stopped.
    pub gradient_norm: f64,
}

impl LinearClassifier {
    /// Scores of samples, (samples, 1 or classes).
    ///
    /// # Errors
    /// [`Error::Shape`] unless `x` has as many features as the classifier, [`Error::NotFinite`].
    pub fn scores(&self, x: ArrayView2<f64>) -> Result<Array2<f64>> {
        const OPERATION: &str = "classifier scores";
        let features = self.coefficients.ncols();
        if x.ncols() != features {
            let expected = format!("(samples, features) = (any, {features})");
            return Err(Error::Shape { operation: OPERATION, expected, found: x.shape().to_vec() });
        }
        check_finite(OPERATION, &x)?;
        Ok(product(x, self.coefficients.t()) + &self.intercepts)
    }

    /// The predicted class of each sample.
    ///
    /// # Errors
    /// As [`scores`](Self::scores).
    pub fn predict(&self, x: ArrayView2<f64>) -> Result<Vec<u32>> {
        let scores = self.scores(x)?;
        let class_of = |row: ndarray::ArrayView1<f64>| {
            if row.len() == 1 {
                return u32::from(row[0] > 0.0);
            }
            let best = row.iter().zip(0_u32..).fold((f64::NEG_INFINITY, 0), |best, (&score, class)| {
                if score > best.0 { (score, class) } else { best }
            });
            best.1
        };
        Ok(scores.outer_iter().map(class_of).collect())
    }

    /// The fraction of samples whose class is predicted correctly, in [0, 1].
    ///
    /// # Errors
    /// As [`scores`](Self::scores), and [`Error::TooFewSamples`] without samples, [`Error::Shape`] unless
    /// there is one label per sample.
    pub fn accuracy(&self, x: ArrayView2<f64>, labels: &[u32]) -> Result<f64> {
        const OPERATION: &str = "accuracy";
        check_label_count(OPERATION, &x, labels)?;
        if labels.is_empty() {
            return Err(Error::TooFewSamples { operation: OPERATION, needed: 1, found: 0 });
        }
        let hits = self.predict(x)?.iter().zip(labels).filter(|(found, label)| found == label).count();
        Ok(hits as f64 / labels.len() as f64)
    }
}

fn check_label_count(operation: &'static str, x: &ArrayView2<f64>, labels: &[u32]) -> Result<()> {
    if x.nrows() == labels.len() {
        return Ok(());
    }
    let expected = format!("(samples) = ({}) labels", x.nrows());
    Err(Error::Shape { operation, expected, found: vec![labels.len()] })
}

/// Checks the data of a fit: finite features, one label per sample, labels below `classes`, at least one
/// sample and two classes.
///
/// # Errors
/// [`Error::Shape`], [`Error::NotFinite`], [`Error::UnknownLabel`], [`Error::TooFewSamples`],
/// [`Error::OutOfRange`].
pub(super) fn check_labels(
    operation: &'static str,
    x: ArrayView2<f64>,
    labels: &[u32],
    classes: usize,
) -> Result<()> {
    if classes < 2 {
        return Err(Error::OutOfRange { name: "classes", range: "of at least 2", value: classes as f64 });
    }
    check_label_count(operation, &x, labels)?;
    if labels.is_empty() {
        return Err(Error::TooFewSamples { operation, needed: 1, found: 0 });
    }
    if let Some((index, &label)) = labels.iter().enumerate().find(|&(_, &label)| label as usize >= classes) {
        return Err(Error::UnknownLabel { label, index, classes });
    }
    check_finite(operation, &x)
}

/// The number of rows of coefficients for a number of classes.
pub(super) fn score_count(classes: usize) -> usize {
    if classes == 2 { 1 } else { classes }
}

/// Checks that the start of a fit has the shape of its result.
pub(super) fn check_start(
    operation: &'static str,
    start: &LinearClassifier,
    classes: usize,
    features: usize,
) -> Result<()> {
    let wanted = (score_count(classes), features);
    if start.coefficients.dim() == wanted && start.intercepts.len() == wanted.0 {
        return Ok(());
    }
    let expected = format!("a start with coefficients (scores, features) = {wanted:?}");
    Err(Error::Shape { operation, expected, found: start.coefficients.shape().to_vec() })
}
