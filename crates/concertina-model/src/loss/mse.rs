//! `mse`: the mean over outputs of `(y - 0.7 onehot)²`.

use super::TARGET;

pub(super) fn of_sample(output: &[f64], label: u32, derivative: &mut [f64]) -> f64 {
    let count = output.len() as f64;
    let mut total = 0.0;
    for (class, (slope, value)) in derivative.iter_mut().zip(output).enumerate() {
        let target = if class == label as usize { TARGET } else { 0.0 };
        let error = value - target;
        total += error * error;
        *slope = 2.0 * error / count;
    }
    total / count
}
