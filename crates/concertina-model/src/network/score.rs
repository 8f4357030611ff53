//! What a batch scores: its loss, and how many of its samples are classified correctly.

use concertina_numerics::kernels::Rows;

use super::Equations;
use crate::loss::predicted_class;

/// The mean loss of a batch, and the number of samples whose class its last output names.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Score {
    pub(crate) loss: f64,
    pub(crate) correct: usize,
}

/// Room for one output row and its derivative in f64.
#[derive(Debug)]
pub(crate) struct Scorer {
    output: Vec<f64>,
    derivative: Vec<f64>,
}

impl Scorer {
    pub(crate) fn new(outputs: usize) -> Self {
        Scorer { output: vec![0.0; outputs], derivative: vec![0.0; outputs] }
    }

    /// Scores the outputs of these samples, whose loss is a share of the mean over a batch of so many; writes the derivative of its mean loss into `by_output` if there is one.
    ///
    /// # Shapes
    /// `outputs` and `by_output`: (evaluate × samples, outputs), time-major; `labels`: (samples).
    pub(crate) fn score(
        &mut self,
        equations: &Equations,
        outputs: &Rows,
        labels: &[u32],
        batch: usize,
        mut by_output: Option<&mut Rows>,
    ) -> Score {
        let share = 1.0 / (batch * equations.evaluate) as f64;
        let mut score = Score::default();
        for evaluated in 0..equations.evaluate {
            for (sample, label) in labels.iter().enumerate() {
                let output = outputs.row(evaluated * labels.len() + sample);
                for (wide, value) in self.output.iter_mut().zip(output) {
                    *wide = f64::from(*value);
                }
                score.loss += equations.loss.of_sample(&self.output, *label, &mut self.derivative) * share;
                if let Some(rows) = &mut by_output {
                    let row = rows.row_mut(evaluated * labels.len() + sample);
                    for (narrow, value) in row.iter_mut().zip(&self.derivative) {
                        *narrow = (value * share) as f32;
                    }
                }
                if evaluated + 1 == equations.evaluate {
                    score.correct += usize::from(predicted_class(output) == *label);
                }
            }
        }
        score
    }
}
