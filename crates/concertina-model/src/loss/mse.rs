//! `mse`: the mean over outputs of `(y - t)²`; the target `t` of a class is `0.7 onehot`.

use super::TARGET;

pub(super) fn of_sample(output: &[f64], label: u32, derivative: &mut [f64]) -> f64 {
    squared(output, |class| if class == label as usize { TARGET } else { 0.0 }, derivative)
}

pub(super) fn of_target(output: &[f64], target: &[f64], derivative: &mut [f64]) -> f64 {
    squared(output, |place| target[place], derivative)
}

#[inline]
fn squared(output: &[f64], target: impl Fn(usize) -> f64, derivative: &mut [f64]) -> f64 {
    let count = output.len() as f64;
    let mut total = 0.0;
    for (place, (slope, value)) in derivative.iter_mut().zip(output).enumerate() {
        let error = value - target(place);
        total += error * error;
        *slope = 2.0 * error / count;
    }
    total / count
}
