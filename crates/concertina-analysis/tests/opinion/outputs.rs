//! Accuracy and loss, from the outputs that the states give.

use concertina_analysis::{Accuracy, Loss};
use concertina_model::params::LossKind;

use super::Subject;
use super::algebra::through;
use super::forward::rows;
use super::ledger::Ledger;

/// The loss and accuracy of a checkpoint.
struct Score {
    loss: f64,
    /// The number of samples that are certainly classified correctly, and of those that might be.
    correct: (usize, usize),
    /// The largest sum of the magnitudes of the terms of an output.
    magnitude: f64,
}

pub(crate) fn check(subject: &Subject, ledger: &mut Ledger) {
    let samples = subject.case.samples;
    let accuracies = subject.of(&Accuracy { samples }).floats("accuracy").expect("there");
    let losses = subject.of(&Loss { samples }).floats("loss").expect("there");
    for (checkpoint, (accuracy, loss)) in accuracies.into_iter().zip(losses).enumerate() {
        let place = format!("checkpoint {checkpoint} of {}", subject.case.place);
        let Score { loss: expected, correct: (least, most), magnitude } = score(subject, checkpoint);
        let scale = match subject.case.params.train.loss {
            LossKind::CrossEntropy => 1.0 + magnitude,
            _ => (1.0 + magnitude).powi(2),
        };
        ledger.compare("loss", &place, loss, Some(expected), scale, 1e-5);
        if least == most {
            ledger.compare("accuracy", &place, accuracy, Some(least as f64 / samples as f64), 1.0, 1e-15);
        } else {
            ledger.undecided("accuracy");
        }
    }
}

fn score(subject: &Subject, checkpoint: usize) -> Score {
    let weights = subject.case.checkpoints[checkpoint].1.weights();
    let readout = rows(weights.readout.outer_iter());
    let sizes = readout.iter().map(|row| row.iter().map(|entry| entry.abs()).collect()).collect();
    let bias: Vec<f64> = weights.readout_bias.iter().map(|entry| f64::from(*entry)).collect();
    let last = subject.case.params.trial_steps();
    let evaluated = last + 1 - subject.case.params.task.evaluate..=last;
    let mut score = Score { loss: 0.0, correct: (0, 0), magnitude: 0.0 };
    let count = subject.samples.labels.len() * evaluated.clone().count();
    for step in evaluated {
        for (state, label) in subject.clouds[checkpoint][step].iter().zip(&subject.samples.labels) {
            let outputs: Vec<f64> = through(state, &readout).iter().zip(&bias).map(|(y, c)| y + c).collect();
            let magnitudes: Vec<f64> = state.iter().map(|entry| entry.abs()).collect();
            let magnitude = through(&magnitudes, &sizes).into_iter().fold(0.0, f64::max);
            score.magnitude = score.magnitude.max(magnitude);
            score.loss += loss(subject.case.params.train.loss, &outputs, *label as usize) / count as f64;
            if step == last {
                let (least, most) = right(&outputs, *label as usize, 1e-5 * magnitude);
                score.correct.0 += usize::from(least);
                score.correct.1 += usize::from(most);
            }
        }
    }
    score
}

fn loss(kind: LossKind, outputs: &[f64], label: usize) -> f64 {
    let target = |class: usize| if class == label { 0.7 } else { 0.0 };
    match kind {
        LossKind::CrossEntropy => {
            let top = outputs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            top + outputs.iter().map(|output| (output - top).exp()).sum::<f64>().ln() - outputs[label]
        }
        LossKind::Mse => {
            let errors = outputs.iter().enumerate().map(|(class, output)| (output - target(class)).powi(2));
            errors.sum::<f64>() / outputs.len() as f64
        }
        LossKind::MseScalar => (outputs[0] - if label == 0 { -0.7 } else { 0.7 }).powi(2),
        LossKind::Zero => 0.0,
    }
}

/// Whether an output gives the right class whatever its rounding, and whether it might.
fn right(outputs: &[f64], label: usize, rounding: f64) -> (bool, bool) {
    let (own, others) = match outputs {
        [scalar] if label == 1 => (*scalar, 0.0),
        [scalar] => (0.0, *scalar),
        _ => {
            let others =
                outputs.iter().enumerate().filter(|(class, _)| *class != label).map(|(_, output)| *output);
            (outputs[label], others.fold(f64::NEG_INFINITY, f64::max))
        }
    };
    (own - others > rounding, own - others >= -rounding)
}
