//! The evaluation of given outputs, whatever network they come from.

use std::ops::Range;

use concertina_numerics::kernels::Rows;
use ndarray::{Array2, ArrayView3, s};

use super::batch::Batch;
use super::score::Scorer;
use super::{Evaluation, PASS, Total, score_in_parts};
use crate::error::{Error, Result};
use crate::params::LossKind;
use crate::task::{InputsRef, Mask, Targets, Trials, TrialsRef};
use crate::trainer::BatchRecord;

/// Loss, accuracy and `R²` of these outputs.
///
/// The arithmetic is that of [`Network::evaluate`](super::Network::evaluate), so the same outputs give the
/// same bits. [`Network::outputs`](super::Network::outputs) sums in another order, so its outputs, and what
/// is computed from them, differ in the last digits of f32.
///
/// # Shapes
/// `outputs`: (trials, timesteps, outputs). The targets are one class per trial, or classes (trials,
/// timesteps), or real numbers (trials, timesteps, outputs). A mask is (trials, timesteps).
///
/// # Returns
/// The mean loss over the (trial, timestep) pairs at which it counts (cross-entropy in nats), the share of
/// trials whose class is predicted, and, for real targets, the share of their variance that is explained.
///
/// # Undefined
/// The accuracy is `None` if targets are real numbers. `r2` is `None` for classes, and if targets do not
/// vary.
///
/// # Errors
/// [`Error::Shape`]; [`Error::NotFinite`] names the first output or target that is NaN or infinite where the
/// loss counts; [`Error::Trials`] for a class without an output, a loss that does not fit the targets, and a
/// mask with which the loss counts nowhere.
///
/// # Source
/// `farrell2022`, Methods. Differs in: the class is the sign of a scalar output.
///
/// # Example
/// One of two trials is classified correctly:
/// ```
/// use concertina_model::network::evaluate_outputs;
/// use concertina_model::params::LossKind;
/// use concertina_model::task::{Mask, Targets};
/// use ndarray::arr3;
///
/// let outputs = arr3(&[[[0.7, 0.0]], [[0.7, 0.0]]]);
/// let targets = Targets::Class(vec![0, 1]);
/// let found = evaluate_outputs(outputs.view(), &targets, &Mask::Last(1), LossKind::Mse)?;
/// assert_eq!(found.accuracy, Some(0.5));
/// # Ok::<(), concertina_model::Error>(())
/// ```
pub fn evaluate_outputs(
    outputs: ArrayView3<f32>,
    targets: &Targets,
    mask: &Mask,
    loss: LossKind,
) -> Result<Evaluation> {
    let (count, steps, width) = outputs.dim();
    let none = Array2::zeros((count, 0));
    let inputs = InputsRef::Held { stimuli: none.view(), hold: 0 };
    let trials = TrialsRef { inputs, targets: targets.view(), mask: mask.view() };
    let found = outputs.shape().to_vec();
    if count == 0 || width == 0 {
        let expected = vec![count.max(1), steps, width.max(1)];
        return Err(Error::Shape { what: "outputs".to_owned(), expected, found });
    }
    trials.check()?;
    check_targets(targets, width, loss)?;

    let (total, scorer) = total_of(outputs, trials, loss, true)?;
    if trials.share() == 0.0 {
        return refuse("mask", "at least one timestep at which the loss counts", "none");
    }
    Ok(total.evaluation(targets.are_classes(), &scorer))
}

/// The score of a batch whose outputs were computed elsewhere, without the norm of its gradient. Outputs may
/// be NaN or infinite, and the loss is then not finite either.
///
/// # Shapes
/// `outputs`: (samples of `range`, timesteps, outputs).
///
/// # Errors
/// [`Error::Shape`].
pub fn score_outputs(
    outputs: ArrayView3<f32>,
    trials: &Trials,
    range: Range<usize>,
    loss: LossKind,
) -> Result<BatchRecord> {
    let part = trials.slice(range);
    let weight = part.weight();
    let (total, _) = total_of(outputs, part, loss, false)?;
    let loss = total.loss / weight.max(1) as f64;
    Ok(BatchRecord { loss, correct: total.correct, weight, gradient_norm: 0.0 })
}

/// The sums over the scores of these trials, of which each has a row of outputs at every timestep. If
/// `finite`, outputs and targets must be finite where the loss counts.
fn total_of(
    outputs: ArrayView3<f32>,
    trials: TrialsRef<'_>,
    loss: LossKind,
    finite: bool,
) -> Result<(Total, Scorer)> {
    let (_, steps, width) = outputs.dim();
    let mut batch = Batch::new(0, 0);
    let mut scorer = Scorer::new(width);
    let total = score_in_parts(trials, PASS, |first, part| {
        batch.load_compared(steps, part)?;
        let mut rows = Rows::zeros(batch.evaluated_count() * part.len(), width);
        for (evaluated, step) in batch.evaluated().iter().cloned().flatten().enumerate() {
            let from = evaluated * part.len();
            let at_step = outputs.slice(s![first..first + part.len(), step, ..]);
            rows.rows_mut(from..from + part.len()).copy_from_array(at_step);
            for sample in (0..part.len()).filter(|_| finite) {
                let Some(target) = batch.target(evaluated, sample) else { continue };
                let index = |place: usize| vec![first + sample, step, place];
                check_finite("outputs", rows.row(from + sample), index)?;
                check_finite("targets", target.real().unwrap_or_default(), index)?;
            }
        }
        Ok(scorer.score(loss, &rows, &batch, part.share(), None))
    })?;
    Ok((total, scorer))
}

/// Checks that this loss can be computed from this many outputs and these targets.
fn check_targets(targets: &Targets, outputs: usize, loss: LossKind) -> Result<()> {
    match (targets, loss) {
        (Targets::Real(targets), LossKind::Mse | LossKind::Zero) => {
            let (trials, steps, found) = targets.dim();
            if found != outputs {
                let (expected, found) = (vec![trials, steps, outputs], targets.shape().to_vec());
                return Err(Error::Shape { what: "targets".to_owned(), expected, found });
            }
            return Ok(());
        }
        (Targets::Real(_), LossKind::CrossEntropy | LossKind::MseScalar) => {
            return refuse("targets", "classes, which the loss requires", "real numbers");
        }
        (_, LossKind::MseScalar) if outputs != 1 => {
            return refuse("outputs", "one output, whose sign is the class", &format!("{outputs}"));
        }
        (_, LossKind::CrossEntropy | LossKind::Mse) if outputs < 2 => {
            return refuse("outputs", "one output per class, at least two", &format!("{outputs}"));
        }
        (Targets::Class(_) | Targets::ClassAt(_), _) => {}
    }
    let classes = outputs.max(2);
    let first_beyond =
        |(place, class): (usize, &u32)| (*class as usize >= classes).then_some((place, *class));
    let beyond = match targets {
        Targets::Class(labels) => labels.iter().enumerate().find_map(first_beyond),
        Targets::ClassAt(labels) => labels
            .outer_iter()
            .enumerate()
            .find_map(|(trial, labels)| labels.iter().map(|class| (trial, class)).find_map(first_beyond)),
        Targets::Real(_) => None,
    };
    match beyond {
        Some((trial, class)) => refuse(
            "targets",
            &format!("classes from 0 to {}", classes - 1),
            &format!("{class} in trial {trial}"),
        ),
        None => Ok(()),
    }
}

fn check_finite(what: &str, row: &[f32], index: impl Fn(usize) -> Vec<usize>) -> Result<()> {
    match row.iter().enumerate().find(|(_, value)| !value.is_finite()) {
        Some((place, value)) => {
            let (index, value) = (index(place), f64::from(*value));
            Err(Error::NotFinite { what: what.to_owned(), index, value })
        }
        None => Ok(()),
    }
}

fn refuse<T>(array: &str, expected: &str, found: &str) -> Result<T> {
    Err(Error::Trials {
        array: array.to_owned(),
        expected: expected.to_owned(),
        found: found.to_owned(),
        hint: "see the losses in docs/reference/model.md#losses".to_owned(),
    })
}
