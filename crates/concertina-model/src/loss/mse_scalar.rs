//! `mse_scalar`: `(y - 0.7 (2 label - 1))²` for two classes and one output.

use super::TARGET;

pub(super) fn of_sample(output: &[f64], label: u32, derivative: &mut [f64]) -> f64 {
    let target = if label == 0 { -TARGET } else { TARGET };
    let error = output[0] - target;
    derivative[0] = 2.0 * error;
    error * error
}
