//! The linear support vector machine.

use faer::MatMut;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, concatenate, s};

use super::design::Design;
use super::linear::{LinearClassifier, check_labels, check_start, score_count};
use super::newton::{Objective, Optimum, minimise};
use crate::Result;

const OPERATION: &str = "support vector machine";

/// A linear support vector machine with squared hinge loss, in which the intercept is penalised like a
/// weight.
///
/// Minimises `(|w|² + b²)/2 + c Σ max(0, 1 - t (x w + b))²`, with `t` = 1 for one class and -1 for the
/// others. For two classes this class is class 1. For more classes, each class is separated from the rest.
///
/// # Source
/// Keerthi & DeCoste, Journal of Machine Learning Research 6 (2005), 341: the finite Newton method. The
/// objective is that of LIBLINEAR and of scikit-learn's `LinearSVC`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LinearSvm {
    /// Inverse strength of the penalty, positive.
    pub c: f64,
}

impl Default for LinearSvm {
    fn default() -> Self {
        Self { c: 1.0 }
    }
}

impl LinearSvm {
    /// Fits to samples `x`, (samples, features), with labels 0 to `classes` - 1.
    ///
    /// A fit that does not reach the optimum is returned with `converged` false. A class may have no samples:
    /// unlike in logistic regression, its intercept is penalised and does not diverge.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape), [`Error::NotFinite`](crate::Error::NotFinite),
    /// [`Error::UnknownLabel`](crate::Error::UnknownLabel),
    /// [`Error::TooFewSamples`](crate::Error::TooFewSamples), [`Error::OutOfRange`](crate::Error::OutOfRange)
    /// for wrong arguments.
    pub fn fit(&self, x: ArrayView2<f64>, labels: &[u32], classes: usize) -> Result<LinearClassifier> {
        self.search(x, labels, classes, None)
    }

    /// Fits as [`fit`](Self::fit) does, beginning from another classifier. The optimum is the same, but is
    /// reached in fewer steps from a nearby start.
    ///
    /// # Errors
    /// As [`fit`](Self::fit), and [`Error::Shape`](crate::Error::Shape) if `start` is for other features or
    /// classes.
    pub fn fit_from(
        &self,
        x: ArrayView2<f64>,
        labels: &[u32],
        classes: usize,
        start: &LinearClassifier,
    ) -> Result<LinearClassifier> {
        check_start(OPERATION, start, classes, x.ncols())?;
        self.search(x, labels, classes, Some(start))
    }

    fn search(
        &self,
        x: ArrayView2<f64>,
        labels: &[u32],
        classes: usize,
        start: Option<&LinearClassifier>,
    ) -> Result<LinearClassifier> {
        super::check_c(self.c)?;
        check_labels(OPERATION, x, labels, classes)?;
        let features = x.ncols();
        // The intercept is a weight on a feature that is always 1.
        let augmented = concatenate![Axis(1), x, Array2::ones((x.nrows(), 1))];
        let design = Design::new(augmented.view(), false)?;

        let scores = score_count(classes);
        let mut fitted = LinearClassifier {
            coefficients: Array2::zeros((scores, features)),
            intercepts: Array1::zeros(scores),
            converged: true,
            iterations: 0,
            gradient_norm: 0.0,
        };
        for row in 0..scores {
            let positive = if classes == 2 { 1 } else { row };
            let signs: Vec<f64> =
                labels.iter().map(|&label| if label as usize == positive { 1.0 } else { -1.0 }).collect();
            let point = start.map_or_else(
                || vec![0.0; design.parameters()],
                |start| {
                    let intercept = ArrayView1::from(std::slice::from_ref(&start.intercepts[row]));
                    design
                        .project(concatenate![Axis(0), start.coefficients.row(row), intercept].view())
                        .to_vec()
                },
            );
            let mut optimum = self.minimum(&design, &signs, point);
            let mut weights = design.to_features(ArrayView1::from(&optimum.point));
            if !optimum.converged {
                let design = Design::along_principal_axes(augmented.view(), false)?;
                let again = self.minimum(&design, &signs, vec![0.0; design.parameters()]);
                if again.converged {
                    weights = design.to_features(ArrayView1::from(&again.point));
                    optimum = again;
                }
            }
            fitted.coefficients.row_mut(row).assign(&weights.slice(s![..features]));
            fitted.intercepts[row] = weights[features];
            fitted.converged &= optimum.converged;
            fitted.iterations = fitted.iterations.max(optimum.iterations);
            fitted.gradient_norm = fitted.gradient_norm.max(optimum.gradient_norm);
        }
        Ok(fitted)
    }

    fn minimum(&self, design: &Design, signs: &[f64], start: Vec<f64>) -> Optimum {
        minimise(&SquaredHinge { design, signs, c: self.c }, start)
    }
}

struct SquaredHinge<'a> {
    design: &'a Design,
    signs: &'a [f64],
    c: f64,
}

impl SquaredHinge<'_> {
    /// `max(0, 1 - t (x w + b))` for each sample.
    fn slacks(&self, point: &[f64]) -> Vec<f64> {
        let scores = self.design.scores(point);
        scores.iter().zip(self.signs).map(|(score, sign)| (1.0 - sign * score).max(0.0)).collect()
    }
}

impl Objective for SquaredHinge<'_> {
    fn value(&self, point: &[f64]) -> f64 {
        let squares = |values: &[f64]| values.iter().map(|value| value * value).sum::<f64>();
        0.5 * squares(point) + self.c * squares(&self.slacks(point))
    }

    fn gradient(&self, point: &[f64]) -> Vec<f64> {
        let mut gradient = point.to_vec();
        let slacks = self.slacks(point);
        let residuals: Vec<f64> =
            slacks.iter().zip(self.signs).map(|(slack, sign)| -2.0 * self.c * sign * slack).collect();
        self.design.add_transposed_product(&residuals, &mut gradient);
        gradient
    }

    fn hessian(&self, point: &[f64], mut out: MatMut<'_, f64>) {
        let weight = |slack: f64| if slack > 0.0 { 2.0 * self.c } else { 0.0 };
        let weights: Vec<f64> = self.slacks(point).into_iter().map(weight).collect();
        self.design.weighted_gram(&weights, out.as_mut());
        for k in 0..point.len() {
            out[(k, k)] += 1.0;
        }
    }

    fn all_scores(&self, point: &[f64]) -> Vec<f64> {
        self.design.scores(point)
    }
}
