//! Rates of the kernels as shares of this core's own peak, an FMA loop in registers measured beside each of them.
//!
//! `cargo bench -p concertina-numerics --bench kernels` prints one line a kernel and instruction set: the fastest of many
//! short runs, since a slower one says something about the neighbours only.
#![allow(clippy::print_stdout)] // it is what a benchmark is for

use std::hint::black_box;
use std::time::Instant;

use concertina_numerics::kernels::{
    Level, Panels, Rows, add_row, column_sums, dispatch, product, product_transposed_a, squared_norm,
    tanh_derivative_mul, tanh_in_place, with_level,
};
use concertina_numerics::random::{Purpose, Stream};
use ndarray::Array2;

/// Seconds of the fastest of `runs` runs of `repeats` calls, for one call.
fn fastest(runs: usize, repeats: usize, mut call: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..runs {
        let start = Instant::now();
        for _ in 0..repeats {
            call();
        }
        best = best.min(start.elapsed().as_secs_f64() / repeats as f64);
    }
    best
}

/// Gigaflops of independent multiply-adds with the widest vectors: a dozen of them, which 16 registers hold.
fn peak() -> f64 {
    with_level(Level::best(), || peak_of::<96>().max(peak_of::<192>()))
}

fn peak_of<const SUMS: usize>() -> f64 {
    const TERMS: usize = 20_000;
    let (factor, term) = (black_box(0.999_f32), black_box(0.001_f32));
    let seconds = fastest(50, 1, || {
        let sums = dispatch(
            #[inline(always)]
            || {
                let mut sums = [0.5_f32; SUMS];
                for _ in 0..TERMS {
                    for sum in &mut sums {
                        *sum = sum.mul_add(factor, term);
                    }
                }
                sums
            },
        );
        black_box(sums);
    });
    2e-9 * (SUMS * TERMS) as f64 / seconds
}

fn numbers(rows: usize, columns: usize) -> Array2<f32> {
    let mut array = Array2::zeros((rows, columns));
    let mut stream = Stream::new(0, Purpose::new("benchmark"), 0);
    array.mapv_inplace(|_: f32| stream.uniform() as f32 - 0.5);
    array
}

fn report(name: &str, multiplications: usize, call: impl FnMut()) {
    let flop = 2.0 * multiplications as f64;
    let seconds = fastest(50, (1e6 / flop) as usize + 1, call);
    let (rate, peak) = (1e-9 * flop / seconds, peak());
    println!(
        "{name:32} {:9.2} us  {rate:6.1} GFLOP/s  {:5.1}% of {peak:.1}",
        1e6 * seconds,
        100.0 * rate / peak
    );
}

fn report_each(name: &str, count: usize, call: impl FnMut()) {
    let seconds = fastest(50, 20, call);
    println!("{name:32} {:9.2} us  {:6.3} ns each", 1e6 * seconds, 1e9 * seconds / count as f64);
}

fn products() {
    for (m, k, n) in
        [(1, 200, 200), (4, 200, 200), (10, 200, 200), (10, 200, 2), (20, 200, 200), (800, 200, 200)]
    {
        let (a, b) = (Rows::from_array(numbers(m, k).view()), Panels::from_row_major(numbers(k, n).view()));
        let mut out = Rows::zeros(m, n);
        report(&format!("product {m}x{k} by {k}x{n}"), m * k * n, || {
            product(out.view_mut(), black_box(a.view()), black_box(&b), false);
        });
    }
    for (k, m, n) in [(10, 200, 2), (90, 200, 200), (1000, 200, 200), (8000, 200, 200)] {
        let (a, b) = (Rows::from_array(numbers(k, m).view()), Rows::from_array(numbers(k, n).view()));
        let mut out = Panels::zeros(m, n);
        report(&format!("gradient {m}x{k} by {k}x{n}"), m * k * n, || {
            product_transposed_a(&mut out, black_box(a.view()), black_box(b.view()), false);
        });
    }
}

fn maps() {
    let weights = Panels::from_row_major(numbers(200, 200).view());
    let mut transposed = weights.clone();
    report_each("transpose 200x200", 40_000, || black_box(&weights).pack_transposed_into(&mut transposed));
    report_each("squared_norm 200x200", 40_000, || {
        black_box(squared_norm(black_box(weights.as_slice())));
    });
    let states = Rows::from_array(numbers(10, 200).view());
    let mut delta = states.clone();
    report_each("copy and tanh 10x200", 2000, || {
        delta.as_mut_slice().copy_from_slice(black_box(states.as_slice()));
        tanh_in_place(delta.as_mut_slice());
    });
    report_each("tanh_derivative_mul 10x200", 2000, || {
        tanh_derivative_mul(delta.as_mut_slice(), black_box(states.as_slice()));
    });
    let mut bias = vec![0.5; 200];
    report_each("add_row 10x200", 2000, || add_row(delta.view_mut(), black_box(&bias)));
    let stacked = Rows::from_array(numbers(90, 200).view());
    report_each("column_sums 90x200", 18_000, || column_sums(&mut bias, black_box(stacked.view()), false));
    let mut stream = Stream::new(0, Purpose::new("benchmark"), 1);
    let mut values = vec![0.0; 40_000];
    report_each("fill_normal", 40_000, || stream.fill_normal(black_box(&mut values)));
    report_each("fill_uniform", 40_000, || stream.fill_uniform(black_box(&mut values)));
    report_each("normal", 1000, || {
        black_box((0..1000).map(|_| stream.normal()).sum::<f64>());
    });
}

fn main() {
    for level in Level::available().into_iter().filter(|level| level.name() != Level::PORTABLE.name()) {
        println!("{level}");
        with_level(level, || {
            products();
            maps();
        });
    }
}
