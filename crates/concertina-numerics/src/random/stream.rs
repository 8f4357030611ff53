//! A stream of random numbers.

use std::fmt;

use rand_chacha::ChaCha8Core;
use rand_chacha::rand_core::SeedableRng;
use rand_chacha::rand_core::block::Generator;

use super::Purpose;
use super::normal::{self, BLOCK};

/// A stream of random numbers: ChaCha with 8 rounds and the key seed | purpose | index.
///
/// The key's 32 bytes are the seed (8 bytes, little endian), the purpose (16 bytes) and the index (8 bytes,
/// little endian); the nonce is zero. Every method consumes 32-bit words of the key stream in order, and
/// documents how many.
///
/// # Source
/// Bernstein, ChaCha, a variant of Salsa20 (2008).
#[derive(Clone)]
pub struct Stream {
    core: ChaCha8Core,
    words: [u32; WORDS],
    used: usize,
    spare: Option<f64>,
}

/// Number of words that the generator makes in one call.
const WORDS: usize = 64;

/// Number of blocks of normal numbers that are transformed together. It does not change the numbers.
const GROUP: usize = 8;

impl Stream {
    /// The stream of a seed for a purpose. The index distinguishes streams with the same purpose (epochs,
    /// layers, repeats).
    #[must_use]
    pub fn new(seed: u64, purpose: Purpose, index: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..24].copy_from_slice(purpose.as_bytes());
        key[24..].copy_from_slice(&index.to_le_bytes());
        Self { core: ChaCha8Core::from_seed(key), words: [0; WORDS], used: WORDS, spare: None }
    }

    /// A number in [0, 1), a multiple of 2⁻⁵³. Consumes two words.
    pub fn uniform(&mut self) -> f64 {
        (self.long_word() >> 11) as f64 * f64::EPSILON * 0.5
    }

    /// A whole number in 0..bound, uniformly distributed; 0 for a bound of 0. Consumes one word, rarely more.
    ///
    /// # Source
    /// Lemire, Fast random integer generation in an interval, ACM TOMACS 29 (2019), algorithm 5.
    pub fn below(&mut self, bound: u32) -> u32 {
        let mut wide = u64::from(self.word()) * u64::from(bound);
        if (wide as u32) < bound {
            let threshold = bound.wrapping_neg() % bound;
            while (wide as u32) < threshold {
                wide = u64::from(self.word()) * u64::from(bound);
            }
        }
        (wide >> 32) as u32
    }

    /// A number from the standard normal distribution, in double precision.
    ///
    /// Uses the polar form of the Box-Muller transform. Numbers come in pairs, and the second is kept for the
    /// next call.
    ///
    /// # Source
    /// Marsaglia and Bray, A convenient method for generating normal variables, SIAM Review 6 (1964).
    pub fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        loop {
            let x = 2.0f64.mul_add(self.uniform(), -1.0);
            let y = 2.0f64.mul_add(self.uniform(), -1.0);
            let square = x * x + y * y;
            if square < 1.0 && square > 0.0 {
                let factor = (-2.0 * libm::log(square) / square).sqrt();
                self.spare = Some(y * factor);
                return x * factor;
            }
        }
    }

    /// Fills a slice with numbers from the standard normal distribution.
    ///
    /// Consumes whole blocks of 64 words, one block for up to 64 numbers. A shorter slice therefore receives
    /// the first numbers of a longer one, but two fills of 10 differ from one fill of 20.
    pub fn fill_normal(&mut self, out: &mut [f32]) {
        let mut words = [[0; BLOCK]; GROUP];
        let (whole, rest) = out.as_chunks_mut::<BLOCK>();
        for group in whole.chunks_mut(GROUP) {
            let words = &mut words[..group.len()];
            self.fill_words(words.as_flattened_mut());
            normal::transform(words, group);
        }
        if !rest.is_empty() {
            let mut last = [[0.0; BLOCK]];
            self.fill_words(&mut words[0]);
            normal::transform(&words[..1], &mut last);
            rest.copy_from_slice(&last[0][..rest.len()]);
        }
    }

    /// Fills a slice with numbers in [0, 1), multiples of 2⁻²⁴. Consumes one word per number.
    pub fn fill_uniform(&mut self, out: &mut [f32]) {
        let mut words = [0; WORDS];
        for chunk in out.chunks_mut(WORDS) {
            let words = &mut words[..chunk.len()];
            self.fill_words(words);
            for (value, word) in chunk.iter_mut().zip(words) {
                *value = (*word >> 8) as f32 * (f32::EPSILON * 0.5);
            }
        }
    }

    /// Puts items into random order, with all orders equally likely (Fisher-Yates, from the front).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        self.draw_first(items, items.len());
    }

    /// Draws `k` of the numbers 0..n without replacement, in the order drawn; all of them if there are fewer
    /// than `k`.
    pub fn choose(&mut self, n: usize, k: usize) -> Vec<usize> {
        let mut numbers: Vec<usize> = (0..n).collect();
        self.draw_first(&mut numbers, k);
        numbers.truncate(k);
        numbers
    }

    /// Replaces the first `k` items by items drawn from all.
    fn draw_first<T>(&mut self, items: &mut [T], k: usize) {
        for i in 0..k.min(items.len().saturating_sub(1)) {
            let other = i + self.index_below(items.len() - i);
            items.swap(i, other);
        }
    }

    fn index_below(&mut self, bound: usize) -> usize {
        match u32::try_from(bound) {
            Ok(bound) => self.below(bound) as usize,
            Err(_) => {
                // for at least 2³² items: reject 64-bit words past the last multiple of the bound
                let bound = bound as u64;
                loop {
                    let word = self.long_word();
                    if word <= u64::MAX - (u64::MAX % bound + 1) % bound {
                        return (word % bound) as usize;
                    }
                }
            }
        }
    }

    fn word(&mut self) -> u32 {
        if self.used == WORDS {
            self.core.generate(&mut self.words);
            self.used = 0;
        }
        self.used += 1;
        self.words[self.used - 1]
    }

    fn long_word(&mut self) -> u64 {
        let low = u64::from(self.word());
        low | u64::from(self.word()) << 32
    }

    fn fill_words(&mut self, mut out: &mut [u32]) {
        while !out.is_empty() {
            if self.used == WORDS {
                self.core.generate(&mut self.words);
                self.used = 0;
            }
            let count = out.len().min(WORDS - self.used);
            let (now, later) = out.split_at_mut(count);
            now.copy_from_slice(&self.words[self.used..self.used + count]);
            self.used += count;
            out = later;
        }
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").finish_non_exhaustive()
    }
}
