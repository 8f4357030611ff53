//! Measures the times of the classifiers and the decompositions at the sizes of the published analyses.
#![expect(clippy::print_stdout, reason = "an example prints its result")]

use std::time::Instant;

use concertina_numerics::classify::{LinearSvm, LogisticRegression};
use concertina_numerics::linalg::{self, Pca};
use ndarray::Array2;

/// The shortest time of ten calls, in milliseconds.
fn shortest_milliseconds<T>(mut call: impl FnMut() -> T) -> f64 {
    (0..10).fold(f64::INFINITY, |shortest, _| {
        let start = Instant::now();
        std::hint::black_box(call());
        shortest.min(start.elapsed().as_secs_f64() * 1e3)
    })
}

fn main() {
    let mut state = 1_u64;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / f64::from(1_u32 << 30) - 1.0
    };
    for (samples, features) in [(400, 200), (400, 10), (100, 200)] {
        let x = Array2::from_shape_simple_fn((samples, features), &mut uniform);
        for classes in [2, 3] {
            let label = |row: ndarray::ArrayView1<f64>| {
                let score = row.sum() / (features as f64).sqrt() + 0.3 * uniform();
                (0..classes - 1).filter(|&k| score > f64::from(k) - 0.5 * f64::from(classes - 2)).count()
                    as u32
            };
            let labels: Vec<u32> = x.outer_iter().map(label).collect();
            let classes = classes as usize;
            let size = format!("{samples} x {features}, {classes} classes");
            let (logistic, svm) = (LogisticRegression::default(), LinearSvm::default());
            let fit = logistic.fit(x.view(), &labels, classes).expect("a fit");
            let time = shortest_milliseconds(|| logistic.fit(x.view(), &labels, classes));
            println!("logistic, {size}: {time:.2} ms, {} steps", fit.iterations);
            let fit = svm.fit(x.view(), &labels, classes).expect("a fit");
            let time = shortest_milliseconds(|| svm.fit(x.view(), &labels, classes));
            println!("svm, {size}: {time:.2} ms, {} steps", fit.iterations);
        }
    }
    let x = Array2::from_shape_simple_fn((500, 200), &mut uniform);
    println!("principal components, 500 x 200: {:.2} ms", shortest_milliseconds(|| Pca::fit(x.view(), 10)));
    let a = Array2::from_shape_simple_fn((200, 200), &mut uniform);
    println!("eigenvalues, 200 x 200: {:.2} ms", shortest_milliseconds(|| linalg::eigenvalues(a.view())));
    println!(
        "orthogonal factor, 200 x 200: {:.2} ms",
        shortest_milliseconds(|| linalg::orthogonal_factor(a.view()))
    );
}
