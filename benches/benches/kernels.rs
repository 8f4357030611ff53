//! Rates of the kernels, and their shares of this core's peak, on every instruction set of this processor.

use std::hint::black_box;

use anyhow::Result;
use concertina_benches::{Session, Work};
use concertina_numerics::kernels::{
    Level, Panels, Rows, add_row, column_sums, product, product_transposed_a, squared_norm,
    tanh_derivative_mul, tanh_in_place, with_level,
};
use concertina_numerics::random::{Purpose, Stream};
use ndarray::Array2;

fn main() -> Result<()> {
    let mut session = Session::from_args("kernels")?;
    for level in Level::available().into_iter().filter(|level| level.name() != Level::PORTABLE.name()) {
        products(&mut session, level);
        maps(&mut session, level);
    }
    session.finish()
}

fn numbers(rows: usize, columns: usize) -> Array2<f32> {
    let mut array = Array2::zeros((rows, columns));
    let mut stream = Stream::new(0, Purpose::new("benchmark"), 0);
    array.mapv_inplace(|_: f32| stream.uniform() as f32 - 0.5);
    array
}

fn products(session: &mut Session<'_>, level: Level) {
    for (m, k, n) in [
        (1, 200, 200),
        (4, 200, 200),
        (10, 200, 200),
        (10, 200, 2),
        (20, 200, 200),
        (800, 200, 200),
        (800, 200, 1),
    ] {
        let (a, b) = (Rows::from_array(numbers(m, k).view()), Panels::from_row_major(numbers(k, n).view()));
        let mut out = Rows::zeros(m, n);
        session.case(format!("{level}: product {m}x{k} by {k}x{n}"), flops(m * k * n), move || {
            with_level(level, || product(out.view_mut(), black_box(a.view()), black_box(&b), false));
        });
    }
    for (k, m, n) in [(10, 200, 2), (90, 200, 200), (1000, 200, 200), (8000, 200, 200), (800, 1, 200)] {
        let (a, b) = (Rows::from_array(numbers(k, m).view()), Rows::from_array(numbers(k, n).view()));
        let mut out = Panels::zeros(m, n);
        session.case(format!("{level}: gradient {m}x{k} by {k}x{n}"), flops(m * k * n), move || {
            with_level(level, || {
                product_transposed_a(&mut out, black_box(a.view()), black_box(b.view()), false);
            });
        });
    }
}

fn flops(multiplications: usize) -> Work {
    Work::Flops(2.0 * multiplications as f64)
}

fn maps(session: &mut Session<'_>, level: Level) {
    let mut each = |name: &str, count: usize, mut run: Box<dyn FnMut()>| {
        session.case(format!("{level}: {name}"), Work::Each(count), move || with_level(level, &mut run));
    };
    let weights = Panels::from_row_major(numbers(200, 200).view());
    let mut transposed = weights.clone();
    let from = weights.clone();
    each(
        "transpose 200x200",
        40_000,
        Box::new(move || black_box(&from).pack_transposed_into(&mut transposed)),
    );
    each(
        "squared_norm 200x200",
        40_000,
        Box::new(move || {
            black_box(squared_norm(black_box(weights.as_slice())));
        }),
    );
    let states = Rows::from_array(numbers(10, 200).view());
    let (from, mut to) = (states.clone(), states.clone());
    each(
        "copy and tanh 10x200",
        2000,
        Box::new(move || {
            to.as_mut_slice().copy_from_slice(black_box(from.as_slice()));
            tanh_in_place(to.as_mut_slice());
        }),
    );
    let mut delta = states.clone();
    each(
        "tanh_derivative_mul 10x200",
        2000,
        Box::new(move || tanh_derivative_mul(delta.as_mut_slice(), black_box(states.as_slice()))),
    );
    let (mut rows, bias) = (Rows::zeros(10, 200), vec![0.5; 200]);
    each("add_row 10x200", 2000, Box::new(move || add_row(rows.view_mut(), black_box(&bias))));
    let (stacked, mut sums) = (Rows::from_array(numbers(90, 200).view()), vec![0.0; 200]);
    each(
        "column_sums 90x200",
        18_000,
        Box::new(move || column_sums(&mut sums, black_box(stacked.view()), false)),
    );
    let mut values = vec![0.0; 40_000];
    let mut stream = Stream::new(0, Purpose::new("benchmark"), 1);
    each("fill_normal", 40_000, Box::new(move || stream.fill_normal(black_box(&mut values))));
    let mut values = vec![0.0; 40_000];
    let mut stream = Stream::new(0, Purpose::new("benchmark"), 1);
    each("fill_uniform", 40_000, Box::new(move || stream.fill_uniform(black_box(&mut values))));
}
