//! Logistic regression.

use faer::MatMut;
use ndarray::{Array1, Array2, ArrayView2};

use super::design::Design;
use super::linear::{LinearClassifier, check_labels, check_start, score_count};
use super::newton::{Objective, Optimum, minimise};
use crate::linalg::centre;
use crate::{Error, Result};

const OPERATION: &str = "logistic regression";

/// Logistic regression with a squared penalty on the weights, none on the intercepts.
///
/// For two classes, minimises `|w|²/2 + c Σ ln(1 + exp(-t (x w + b)))`, with `t` = 1 for class 1 and -1 for
/// class 0. For more classes, minimises `|W|²/2 - c Σ ln softmax(x Wᵀ + b)[label]`, with intercepts of mean 0
/// (their common part has no effect).
///
/// # Source
/// Bishop, Pattern Recognition and Machine Learning (2006), sections 4.3.2 to 4.3.4; the objective is that of
/// scikit-learn's `LogisticRegression`, which stops short of the optimum.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogisticRegression {
    /// Inverse strength of the penalty, positive.
    pub c: f64,
}

impl Default for LogisticRegression {
    fn default() -> Self {
        Self { c: 1.0 }
    }
}

impl LogisticRegression {
    /// Fits to samples `x`, (samples, features), with labels 0 to `classes` - 1.
    ///
    /// A fit that does not reach the optimum is returned with `converged` false.
    ///
    /// # Errors
    /// [`Error::EmptyClass`] if a class has no sample, since its intercept would diverge. [`Error::Shape`],
    /// [`Error::NotFinite`], [`Error::UnknownLabel`], [`Error::TooFewSamples`], [`Error::OutOfRange`] for
    /// wrong arguments.
    pub fn fit(&self, x: ArrayView2<f64>, labels: &[u32], classes: usize) -> Result<LinearClassifier> {
        self.search(x, labels, classes, None)
    }

    /// Fits as [`fit`](Self::fit) does, beginning from another classifier. The optimum is the same, but is
    /// reached in fewer steps from a nearby start.
    ///
    /// # Errors
    /// As [`fit`](Self::fit), and [`Error::Shape`] if `start` is for other features or classes.
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
        if let Some(class) = (0..classes).find(|&class| labels.iter().all(|&label| label as usize != class)) {
            return Err(Error::EmptyClass { class, classes });
        }
        // The intercepts are not penalised, so centring only shifts them. It makes the second derivative well
        // conditioned.
        let (mean, centred) = centre(x);
        let design = Design::new(centred.view(), true)?;
        let scores = score_count(classes);
        let width = design.parameters() - 1;

        let mut point = vec![0.0; scores * design.parameters()];
        if let Some(start) = start {
            for (row, block) in point.chunks_exact_mut(width + 1).enumerate() {
                let weights = start.coefficients.row(row);
                block[..width].copy_from_slice(&design.project(weights).to_vec());
                block[width] = start.intercepts[row] + weights.dot(&mean);
            }
            if scores > 1 {
                take_away_common_part(&mut point, width + 1);
            }
        }
        let optimum = self.minimum(&design, labels, classes, point);
        if !optimum.converged {
            let design = Design::along_principal_axes(centred.view(), true)?;
            let start = vec![0.0; scores * design.parameters()];
            let optimum = self.minimum(&design, labels, classes, start);
            if optimum.converged {
                return Ok(assemble(&design, &mean, scores, optimum));
            }
        }
        Ok(assemble(&design, &mean, scores, optimum))
    }

    fn minimum(&self, design: &Design, labels: &[u32], classes: usize, start: Vec<f64>) -> Optimum {
        if classes == 2 {
            let signs = labels.iter().map(|&label| if label == 1 { 1.0 } else { -1.0 }).collect();
            minimise(&TwoClasses { design, signs, c: self.c }, start)
        } else {
            minimise(&ManyClasses { design, labels, classes, c: self.c }, start)
        }
    }
}

/// Subtracts the mean over blocks from each block: the part common to all classes, which is zero at an
/// optimum.
fn take_away_common_part(point: &mut [f64], width: usize) {
    let classes = point.len() / width;
    for k in 0..width {
        let common = point.iter().skip(k).step_by(width).sum::<f64>() / classes as f64;
        point.iter_mut().skip(k).step_by(width).for_each(|entry| *entry -= common);
    }
}

/// The classifier in terms of the original features.
fn assemble(design: &Design, mean: &Array1<f64>, scores: usize, optimum: Optimum) -> LinearClassifier {
    let mut coefficients = Array2::zeros((scores, mean.len()));
    let mut intercepts = Array1::zeros(scores);
    for (row, block) in optimum.point.chunks_exact(design.parameters()).enumerate() {
        let (intercept, weights) = block.split_last().expect("a block ends in its intercept");
        let weights = design.to_features(ndarray::ArrayView1::from(weights));
        intercepts[row] = intercept - weights.dot(mean);
        coefficients.row_mut(row).assign(&weights);
    }
    if scores > 1 {
        let common = intercepts.sum() / scores as f64;
        intercepts -= common;
    }
    let Optimum { converged, iterations, gradient_norm, .. } = optimum;
    LinearClassifier { coefficients, intercepts, converged, iterations, gradient_norm }
}

/// The objective for two classes: weights, then the intercept.
struct TwoClasses<'a> {
    design: &'a Design,
    signs: Vec<f64>,
    c: f64,
}

impl TwoClasses<'_> {
    /// `t (x w + b)` for each sample.
    fn margins(&self, point: &[f64]) -> Vec<f64> {
        self.design.scores(point).iter().zip(&self.signs).map(|(score, sign)| score * sign).collect()
    }
}

/// `1 / (1 + exp(x))`, without overflow.
fn complement(x: f64) -> f64 {
    if x > 0.0 {
        let e = libm::exp(-x);
        e / (1.0 + e)
    } else {
        1.0 / (1.0 + libm::exp(x))
    }
}

/// `ln(1 + exp(-x))`, without overflow.
fn log_loss(x: f64) -> f64 {
    libm::log1p(libm::exp(-x.abs())) + (-x).max(0.0)
}

fn half_square(weights: &[f64]) -> f64 {
    0.5 * weights.iter().map(|weight| weight * weight).sum::<f64>()
}

impl Objective for TwoClasses<'_> {
    fn value(&self, point: &[f64]) -> f64 {
        let losses: f64 = self.margins(point).into_iter().map(log_loss).sum();
        half_square(&point[..point.len() - 1]) + self.c * losses
    }

    fn gradient(&self, point: &[f64]) -> Vec<f64> {
        let mut gradient = point.to_vec();
        gradient[point.len() - 1] = 0.0;
        let residuals: Vec<f64> = self
            .margins(point)
            .iter()
            .zip(&self.signs)
            .map(|(&margin, sign)| -self.c * sign * complement(margin))
            .collect();
        self.design.add_transposed_product(&residuals, &mut gradient);
        gradient
    }

    fn hessian(&self, point: &[f64], mut out: MatMut<'_, f64>) {
        let weight = |margin: f64| self.c * complement(margin) * complement(-margin);
        let weights: Vec<f64> = self.margins(point).into_iter().map(weight).collect();
        self.design.weighted_gram(&weights, out.as_mut());
        for k in 0..point.len() - 1 {
            out[(k, k)] += 1.0;
        }
    }

    fn all_scores(&self, point: &[f64]) -> Vec<f64> {
        self.design.scores(point)
    }
}

/// The objective for more classes: for each class its weights, then its intercept.
struct ManyClasses<'a> {
    design: &'a Design,
    labels: &'a [u32],
    classes: usize,
    c: f64,
}

impl ManyClasses<'_> {
    /// Scores by class, then sample.
    fn scores(&self, point: &[f64]) -> Vec<Vec<f64>> {
        point.chunks_exact(self.design.parameters()).map(|block| self.design.scores(block)).collect()
    }

    /// The probabilities, by class and then sample, and 1 minus each of them, both to full relative
    /// precision: at an optimum of separable classes, the gradient and the second derivative consist of the
    /// small ones among both.
    fn probabilities(&self, point: &[f64]) -> [Vec<Vec<f64>>; 2] {
        let mut table = self.scores(point);
        let mut lacking = table.clone();
        for sample in 0..self.design.samples() {
            let column = table.iter().map(|scores| scores[sample]).enumerate();
            let (best, top) =
                column.fold(
                    (0, f64::NEG_INFINITY),
                    |best, (class, score)| {
                        if score > best.1 { (class, score) } else { best }
                    },
                );
            let (mut sum, mut others) = (0.0, 0.0);
            for (class, scores) in table.iter_mut().enumerate() {
                scores[sample] = libm::exp(scores[sample] - top);
                sum += scores[sample];
                others += if class == best { 0.0 } else { scores[sample] };
            }
            for (class, (scores, lacking)) in table.iter_mut().zip(&mut lacking).enumerate() {
                scores[sample] /= sum;
                lacking[sample] = if class == best { others / sum } else { 1.0 - scores[sample] };
            }
        }
        [table, lacking]
    }
}

impl Objective for ManyClasses<'_> {
    fn value(&self, point: &[f64]) -> f64 {
        let width = self.design.parameters();
        let penalty: f64 = point.chunks_exact(width).map(|block| half_square(&block[..width - 1])).sum();
        let table = self.scores(point);
        let loss = |(sample, &label): (usize, &u32)| {
            let own = table[label as usize][sample];
            let top = table.iter().fold(f64::NEG_INFINITY, |top, scores| top.max(scores[sample]));
            let others = table.iter().enumerate().filter(|(class, _)| *class != label as usize);
            let others: f64 = others.map(|(_, scores)| libm::exp(scores[sample] - top)).sum();
            if own == top {
                return libm::log1p(others); // to full relative precision even if tiny
            }
            top - own + libm::log(others + libm::exp(own - top))
        };
        penalty + self.c * self.labels.iter().enumerate().map(loss).sum::<f64>()
    }

    fn gradient(&self, point: &[f64]) -> Vec<f64> {
        let width = self.design.parameters();
        let mut gradient = point.to_vec();
        let [probabilities, lacking] = self.probabilities(point);
        for (class, block) in gradient.chunks_exact_mut(width).enumerate() {
            block[width - 1] = 0.0;
            let pairs = probabilities[class].iter().zip(&lacking[class]);
            let residual = |(&label, (present, lacking)): (&u32, (&f64, &f64))| {
                self.c * if label as usize == class { -lacking } else { *present }
            };
            let residuals: Vec<f64> = self.labels.iter().zip(pairs).map(residual).collect();
            self.design.add_transposed_product(&residuals, block);
        }
        gradient
    }

    fn hessian(&self, point: &[f64], mut out: MatMut<'_, f64>) {
        let width = self.design.parameters();
        let [probabilities, lacking] = self.probabilities(point);
        for row in 0..self.classes {
            for column in 0..=row {
                let mut block = out.as_mut().submatrix_mut(row * width, column * width, width, width);
                if row == column {
                    let pairs = probabilities[row].iter().zip(&lacking[row]);
                    let weights: Vec<f64> = pairs.map(|(p, lacking)| self.c * p * lacking).collect();
                    self.design.weighted_gram(&weights, block.as_mut());
                    for k in 0..width - 1 {
                        block[(k, k)] += 1.0;
                    }
                } else {
                    let pairs = probabilities[row].iter().zip(&probabilities[column]);
                    let weights: Vec<f64> = pairs.map(|(p, q)| -self.c * p * q).collect();
                    self.design.signed_weighted_gram(&weights, block.as_mut());
                }
            }
        }
        // Along the part common to all classes, the function is flat except for the penalty, and the gradient
        // is zero because the search starts without such a part. Curvature added there does not change the
        // step, and an amount similar to that elsewhere keeps its precision.
        for k in 0..width {
            let own = (0..self.classes).map(|class| out[(class * width + k, class * width + k)]);
            let curvature = own.sum::<f64>() / self.classes as f64;
            for row in 0..self.classes {
                for column in 0..=row {
                    out[(row * width + k, column * width + k)] += curvature;
                }
            }
        }
    }

    fn all_scores(&self, point: &[f64]) -> Vec<f64> {
        self.scores(point).concat()
    }
}
