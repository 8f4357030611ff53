//! What one core of this machine can do at most.

use std::hint::black_box;
use std::time::Instant;

use concertina_numerics::kernels::{Level, dispatch, with_level};

/// Multiply-adds of one chain in one go: about a millisecond in all.
const TERMS: usize = 20_000;

/// Floating-point operations a second of independent multiply-adds in single precision, with the widest vectors.
///
/// The fastest of some short goes, of few chains (16 registers hold them) and of many.
pub fn peak() -> f64 {
    with_level(Level::best(), || rate::<96>().max(rate::<192>()))
}

fn rate<const CHAINS: usize>() -> f64 {
    let (factor, term) = (black_box(0.999_f32), black_box(0.001_f32));
    let mut fastest = f64::INFINITY;
    for _ in 0..20 {
        let start = Instant::now();
        let sums = dispatch(
            #[inline(always)]
            || {
                let mut sums = [0.5_f32; CHAINS];
                for _ in 0..TERMS {
                    for sum in &mut sums {
                        *sum = sum.mul_add(factor, term);
                    }
                }
                sums
            },
        );
        black_box(sums);
        fastest = fastest.min(start.elapsed().as_secs_f64());
    }
    2.0 * (CHAINS * TERMS) as f64 / fastest
}
