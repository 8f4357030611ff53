//! The score of a batch: its loss, and how many of its outputs are right.

use concertina_numerics::kernels::Rows;

use super::batch::{Batch, TargetRef};
use crate::loss::predicted_class;
use crate::params::LossKind;

/// The mean loss of a batch, and how often an output predicts the right class.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Score {
    pub(crate) loss: f64,
    pub(crate) correct: usize,
}

/// Scores outputs. It has buffers for one output row and its derivative in f64.
#[derive(Debug)]
pub(crate) struct Scorer {
    output: Vec<f64>,
    derivative: Vec<f64>,
    target: Vec<f64>,
    /// The sums for the explained variance of real targets.
    pub(crate) residuals: Residuals,
}

impl Scorer {
    pub(crate) fn new(outputs: usize) -> Self {
        let zeros = || vec![0.0; outputs];
        Scorer {
            output: zeros(),
            derivative: zeros(),
            target: zeros(),
            residuals: Residuals { sums: zeros(), squares: zeros(), errors: zeros(), count: 0 },
        }
    }

    /// Scores the outputs of a batch. `share` is the weight of one (sample, timestep) pair in the mean loss.
    /// The derivative of the loss is written into `by_output`, if that is given.
    ///
    /// # Shapes
    /// `outputs` and `by_output`: (evaluated × samples, outputs), in time-major order.
    pub(crate) fn score(
        &mut self,
        loss: LossKind,
        outputs: &Rows,
        batch: &Batch,
        share: f64,
        mut by_output: Option<&mut Rows>,
    ) -> Score {
        let mut score = Score::default();
        for evaluated in 0..batch.evaluated_count() {
            for sample in 0..batch.count() {
                let row = evaluated * batch.count() + sample;
                let Some(target) = batch.target(evaluated, sample) else {
                    if let Some(rows) = &mut by_output {
                        rows.row_mut(row).fill(0.0);
                    }
                    continue;
                };
                let output = outputs.row(row);
                score.loss += self.of_pair(loss, output, target) * share;
                if let Some(rows) = &mut by_output {
                    for (narrow, value) in rows.row_mut(row).iter_mut().zip(&self.derivative) {
                        *narrow = (value * share) as f32;
                    }
                }
                if let TargetRef::Class(label) = target
                    && batch.is_judged(evaluated)
                {
                    score.correct += usize::from(predicted_class(output) == label);
                }
            }
        }
        score
    }

    /// Returns the loss of one (sample, timestep) pair, and leaves its derivative in `self.derivative`.
    fn of_pair(&mut self, loss: LossKind, output: &[f32], target: TargetRef<'_>) -> f64 {
        for (wide, value) in self.output.iter_mut().zip(output) {
            *wide = f64::from(*value);
        }
        match target {
            TargetRef::Class(label) => loss.of_sample(&self.output, label, &mut self.derivative),
            TargetRef::Real(target) => {
                for (wide, value) in self.target.iter_mut().zip(target) {
                    *wide = f64::from(*value);
                }
                self.residuals.add(&self.output, &self.target);
                loss.of_target(&self.output, &self.target, &mut self.derivative)
            }
        }
    }
}

/// Sums over (sample, timestep) pairs with real targets, for the share of their variance that is explained.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Residuals {
    count: usize,
    /// For each output: the sums of targets, of their squares, and of squared errors.
    sums: Vec<f64>,
    squares: Vec<f64>,
    errors: Vec<f64>,
}

impl Residuals {
    fn add(&mut self, output: &[f64], target: &[f64]) {
        self.count += 1;
        for (place, (output, target)) in output.iter().zip(target).enumerate() {
            self.sums[place] += target;
            self.squares[place] += target * target;
            self.errors[place] += (output - target) * (output - target);
        }
    }

    /// Resets all sums.
    pub(crate) fn clear(&mut self) {
        self.count = 0;
        for sums in [&mut self.sums, &mut self.squares, &mut self.errors] {
            sums.fill(0.0);
        }
    }

    /// `1 - Σ (y - t)² / Σ (t - mean t)²` over pairs and outputs, with the mean of each output; `None` if
    /// there are no pairs, or if targets do not vary.
    pub(crate) fn explained(&self) -> Option<f64> {
        let count = self.count as f64;
        let spread = |(sum, square): (&f64, &f64)| square - sum * sum / count;
        let total: f64 = self.sums.iter().zip(&self.squares).map(spread).sum();
        (self.count > 0 && total > 0.0).then(|| 1.0 - self.errors.iter().sum::<f64>() / total)
    }
}
