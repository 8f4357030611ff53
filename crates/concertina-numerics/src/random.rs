//! Stand-in.
#![allow(missing_docs, missing_debug_implementations)]
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
#[derive(Clone, Copy, Debug)]
pub struct Purpose([u8; 16]);
impl Purpose { pub const fn new(name: &str) -> Self { let b = name.as_bytes(); let mut o = [0; 16]; let mut i = 0; while i < b.len() && i < 16 { o[i] = b[i]; i += 1; } Purpose(o) } }
#[derive(Clone, Debug)]
pub struct Stream(ChaCha8Rng);
impl Stream {
    pub fn new(seed: u64, purpose: Purpose, index: u64) -> Self { let mut k = [0u8; 32]; k[..8].copy_from_slice(&seed.to_le_bytes()); k[8..24].copy_from_slice(&purpose.0); k[24..].copy_from_slice(&index.to_le_bytes()); Stream(ChaCha8Rng::from_seed(k)) }
    pub fn uniform(&mut self) -> f64 { (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64 }
    pub fn below(&mut self, n: u32) -> u32 { (self.uniform() * f64::from(n)) as u32 }
    pub fn normal(&mut self) -> f64 { let u = 1.0 - self.uniform(); let v = self.uniform(); (-2.0 * libm::log(u)).sqrt() * libm::cos(std::f64::consts::TAU * v) }
    pub fn fill_normal(&mut self, o: &mut [f32]) { for x in o { *x = self.normal() as f32 } }
    pub fn fill_uniform(&mut self, o: &mut [f32]) { for x in o { *x = self.uniform() as f32 } }
    pub fn shuffle<T>(&mut self, v: &mut [T]) { for i in (1..v.len()).rev() { let j = self.below(i as u32 + 1) as usize; v.swap(i, j); } }
    pub fn choose(&mut self, n: usize, k: usize) -> Vec<usize> { let mut v: Vec<usize> = (0..n).collect(); self.shuffle(&mut v); v.truncate(k); v }
}
