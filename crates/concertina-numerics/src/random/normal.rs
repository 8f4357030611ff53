//! Normal numbers from random words, by the Box-Muller transform in single precision.

/// Words, and numbers, of a block.
pub(super) const BLOCK: usize = 64;

/// Transforms whole blocks of words; the last block of `out` may be cut short.
///
/// In a block, words 0..32 are radii and words 32..64 are angles; cosines come first, then sines.
pub(super) fn transform(words: &[u32], out: &mut [f32]) {
    for (words, out) in words.chunks_exact(BLOCK).zip(out.chunks_mut(BLOCK)) {
        for (i, to) in out.iter_mut().enumerate() {
            let (radius, angle) = (words[i % 32], words[32 + i % 32]);
            let radius = libm::sqrtf(-2.0 * libm::logf((radius as f32 + 0.5) * 2.0f32.powi(-32)));
            let angle = (f64::from(angle) * (std::f64::consts::TAU / 4_294_967_296.0)) as f32;
            *to = radius * if i < 32 { libm::cosf(angle) } else { libm::sinf(angle) };
        }
    }
}
