//! Losses: how far the outputs of a trial are from their targets.
//!
//! A loss is computed from one output row and its label. The caller takes the mean over the batch and over
//! the evaluated timesteps (`docs/reference/model.md#losses`). Values and derivatives are computed in f64
//! whatever the precision of the network, which costs little because there are only `batch × outputs` of
//! them.

mod cross_entropy;
mod mse;
mod mse_scalar;

use crate::params::LossKind;

/// The target of the output of a sample's own class in the squared losses, as in the published code.
pub const TARGET: f64 = 0.7;

impl LossKind {
    /// The loss of one output row and its derivative.
    ///
    /// # Shapes
    /// `output` and `derivative`: (outputs); `derivative` is overwritten with ∂loss/∂output.
    pub fn of_sample(self, output: &[f64], label: u32, derivative: &mut [f64]) -> f64 {
        debug_assert_eq!(output.len(), derivative.len());
        match self {
            LossKind::CrossEntropy => cross_entropy::of_sample(output, label, derivative),
            LossKind::Mse => mse::of_sample(output, label, derivative),
            LossKind::MseScalar => mse_scalar::of_sample(output, label, derivative),
            LossKind::Zero => {
                derivative.fill(0.0);
                output.iter().fold(0.0, |zero, value| zero + 0.0 * value) // NaN if an output is not finite
            }
        }
    }

    /// The loss of one output row whose targets are real numbers, and its derivative: the mean over outputs
    /// of `(y - t)²`, or zero.
    ///
    /// # Shapes
    /// `output`, `target` and `derivative`: (outputs); `derivative` is overwritten with ∂loss/∂output.
    ///
    /// # Panics
    /// If the loss is defined for classes only.
    pub fn of_target(self, output: &[f64], target: &[f64], derivative: &mut [f64]) -> f64 {
        match self {
            LossKind::Mse => mse::of_target(output, target, derivative),
            LossKind::Zero => self.of_sample(output, 0, derivative),
            LossKind::CrossEntropy | LossKind::MseScalar => {
                unreachable!("the check of the parameters refuses losses for classes here")
            }
        }
    }
}

/// The class that an output row predicts: the sign of a scalar output, otherwise the largest entry (the first
/// among equals).
pub fn predicted_class<T: Copy + PartialOrd + Default>(output: &[T]) -> u32 {
    if let [scalar] = output {
        return u32::from(*scalar > T::default());
    }
    let mut best = 0;
    for (class, value) in output.iter().enumerate() {
        if *value > output[best] {
            best = class;
        }
    }
    u32::try_from(best).expect("there are fewer than 2^32 classes")
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [LossKind; 3] = [LossKind::CrossEntropy, LossKind::Mse, LossKind::MseScalar];

    #[test]
    fn derivatives_agree_with_central_differences() {
        for kind in KINDS {
            let output: &[f64] = if kind == LossKind::MseScalar { &[0.3] } else { &[0.3, -1.2, 0.8] };
            let label = 1;
            let mut derivative = vec![0.0; output.len()];
            let mut scratch = derivative.clone();
            kind.of_sample(output, label, &mut derivative);
            for entry in 0..output.len() {
                let step = 1e-6;
                let mut shifted = output.to_vec();
                shifted[entry] += step;
                let above = kind.of_sample(&shifted, label, &mut scratch);
                shifted[entry] -= 2.0 * step;
                let below = kind.of_sample(&shifted, label, &mut scratch);
                assert!(
                    ((above - below) / (2.0 * step) - derivative[entry]).abs() < 1e-9,
                    "{kind:?} {entry}"
                );
            }
        }
    }

    #[test]
    fn the_zero_loss_teaches_nothing() {
        let mut derivative = [1.0, 2.0];
        assert_eq!(LossKind::Zero.of_sample(&[3.0, 4.0], 1, &mut derivative), 0.0);
        assert_eq!(derivative, [0.0, 0.0]);
        assert_eq!(LossKind::Zero.of_sample(&[-3.0, -0.0], 1, &mut derivative).to_bits(), 0);
    }

    #[test]
    fn outputs_that_are_nan_or_infinite_have_no_finite_loss() {
        for kind in KINDS.into_iter().chain([LossKind::Zero]) {
            for wrong in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                let outputs = if kind == LossKind::MseScalar { vec![wrong] } else { vec![0.5, wrong] };
                for label in 0..outputs.len() as u32 {
                    if kind == LossKind::CrossEntropy && wrong < 0.0 && label == 0 {
                        continue; // the other class has the probability 0
                    }
                    let loss = kind.of_sample(&outputs, label, &mut vec![0.0; outputs.len()]);
                    assert!(!loss.is_finite(), "{kind:?} of {outputs:?}, class {label}: {loss}");
                }
            }
        }
    }

    #[test]
    fn the_class_is_the_sign_of_a_scalar_output_or_the_largest_of_several() {
        assert_eq!(predicted_class(&[0.2]), 1);
        assert_eq!(predicted_class(&[-0.2]), 0);
        assert_eq!(predicted_class(&[0.1, 0.5, 0.5]), 1);
    }
}
