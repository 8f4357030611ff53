//! The peak performance of one core of this machine.

use std::hint::black_box;
use std::time::Instant;

use concertina_numerics::kernels::{Level, Operation, dispatch, with_level};

/// Multiply-adds of one chain in one run: about a millisecond in all.
const TERMS: usize = 20_000;

/// Floating-point operations per second of independent multiply-adds in single precision, with the widest
/// vectors.
///
/// The fastest of several short runs, with few chains (which 16 registers can hold) and with many.
pub fn peak() -> f64 {
    with_level(Level::best(), || rate::<96>().max(rate::<192>()))
}

fn rate<const CHAINS: usize>() -> f64 {
    let mut fastest = f64::INFINITY;
    for _ in 0..20 {
        let chains = Chains::<CHAINS> { factor: black_box(0.999), term: black_box(0.001) };
        let start = Instant::now();
        black_box(dispatch(chains));
        fastest = fastest.min(start.elapsed().as_secs_f64());
    }
    2.0 * (CHAINS * TERMS) as f64 / fastest
}

/// A struct and not a closure, because a closure over so many numbers is not always inlined, and then lacks
/// the wide instructions.
struct Chains<const CHAINS: usize> {
    factor: f32,
    term: f32,
}

impl<const CHAINS: usize> Operation for Chains<CHAINS> {
    type Output = [f32; CHAINS];

    #[inline(always)]
    fn run(self) -> [f32; CHAINS] {
        let mut sums = [0.5_f32; CHAINS];
        for _ in 0..TERMS {
            for sum in &mut sums {
                *sum = sum.mul_add(self.factor, self.term);
            }
        }
        sums
    }
}
