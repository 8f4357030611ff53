//! The linear classifiers that analyses fit to states.

use std::collections::BTreeSet;

use concertina_numerics::classify::{LinearClassifier, LinearSvm, LogisticRegression};
use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// A linear classifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Classifier {
    /// Logistic regression with a squared penalty.
    #[default]
    Logistic,
    /// Linear support vector machine.
    Svm,
}

impl Classifier {
    /// Fits to the optimum, which does not depend on where the search begins. Starting from a similar
    /// classifier, `start`, halves the time.
    pub(crate) fn fit(
        self,
        c: f64,
        states: ArrayView2<f64>,
        labels: &[u32],
        classes: usize,
        start: Option<&LinearClassifier>,
    ) -> Result<LinearClassifier> {
        let (logistic, svm) = (LogisticRegression { c }, LinearSvm { c });
        let fitted = match (self, start) {
            (Self::Logistic, None) => logistic.fit(states, labels, classes),
            (Self::Logistic, Some(start)) => logistic.fit_from(states, labels, classes, start),
            (Self::Svm, None) => svm.fit(states, labels, classes),
            (Self::Svm, Some(start)) => svm.fit_from(states, labels, classes, start),
        };
        Ok(fitted?)
    }
}

/// The classes of samples, numbered from 0 in the order of their labels, and the number of classes.
///
/// # Errors
/// [`Error::NotApplicable`] for fewer than two classes.
pub(crate) fn numbered(analysis: &'static str, labels: &[u32]) -> Result<(Vec<u32>, usize)> {
    let classes: Vec<u32> = labels.iter().copied().collect::<BTreeSet<u32>>().into_iter().collect();
    if classes.len() < 2 {
        return Err(Error::NotApplicable {
            analysis,
            subject: format!("samples of {} classes", classes.len()),
            reason: "a classifier separates at least two classes",
            hint: "use samples of at least two classes",
        });
    }
    let number = |label: &u32| classes.partition_point(|class| class < label) as u32;
    Ok((labels.iter().map(number).collect(), classes.len()))
}
