//! `cross_entropy`: the softmax cross-entropy in nats.

/// `-log softmax(y)[label]`, computed after subtracting the largest output so that nothing overflows. The
/// derivative is ∂/∂y = softmax(y) - onehot.
pub(super) fn of_sample(output: &[f64], label: u32, derivative: &mut [f64]) -> f64 {
    let largest = output.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut total = 0.0;
    for (probability, value) in derivative.iter_mut().zip(output) {
        *probability = libm::exp(value - largest);
        total += *probability;
    }
    for probability in derivative.iter_mut() {
        *probability /= total;
    }
    let own = label as usize;
    derivative[own] -= 1.0;
    // -log of the probability of the sample's own class. When that is nearly one, log1p of the sum of the
    // others keeps the digits.
    let others = -derivative[own];
    if others < 0.5 {
        let others: f64 =
            derivative.iter().enumerate().filter(|(class, _)| *class != own).map(|(_, p)| p).sum();
        derivative[own] = -others;
        -libm::log1p(-others)
    } else {
        libm::log(total) - (output[own] - largest)
    }
}
