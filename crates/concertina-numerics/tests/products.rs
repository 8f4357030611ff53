//! Products, compared bit-for-bit with their definition on every instruction set, and with plain `f64` loops.

use concertina_numerics::kernels::{
    BLOCK, Level, Panels, Rows, product, product_transposed_a, with_level, with_threads,
};
use concertina_numerics::random::{Purpose, Stream};
use ndarray::{Array2, ArrayView2};
use proptest::prelude::*;

fn matrix(rows: usize, columns: usize, seed: u64) -> Array2<f32> {
    let mut array = Array2::zeros((rows, columns));
    let mut stream = Stream::new(seed, Purpose::new("product tests"), 0);
    array.mapv_inplace(|_: f32| stream.normal() as f32);
    array
}

/// The product in the order of summation that the kernels guarantee.
fn defined(
    start: Option<ArrayView2<'_, f32>>,
    a: ArrayView2<'_, f32>,
    b: ArrayView2<'_, f32>,
) -> Array2<f32> {
    Array2::from_shape_fn((a.nrows(), b.ncols()), |(i, j)| {
        let mut total = start.map(|start| start[(i, j)]);
        for first in (0..a.ncols()).step_by(BLOCK) {
            let mut sum = 0.0;
            for k in first..a.ncols().min(first + BLOCK) {
                sum = a[(i, k)].mul_add(b[(k, j)], sum);
            }
            total = Some(total.map_or(sum, |total| total + sum));
        }
        total.unwrap_or(0.0)
    })
}

/// The slow twin: the sum of products in `f64`, and the sum of their absolute values, which sets the scale of
/// the rounding.
fn plain(a: ArrayView2<'_, f32>, b: ArrayView2<'_, f32>, i: usize, j: usize) -> (f64, f64) {
    (0..a.ncols()).fold((0.0, 0.0), |(sum, scale), k| {
        let term = f64::from(a[(i, k)]) * f64::from(b[(k, j)]);
        (sum + term, scale + term.abs())
    })
}

fn bits(array: &Array2<f32>) -> Vec<u32> {
    array.iter().map(|value| value.to_bits()).collect()
}

fn check_product(m: usize, k: usize, n: usize, seed: u64) {
    let (a, b, start) = (matrix(m, k, seed), matrix(k, n, seed + 1), matrix(m, n, seed + 2));
    let expected = defined(None, a.view(), b.view());
    let accumulated = defined(Some(start.view()), a.view(), b.view());
    for ((i, j), found) in expected.indexed_iter() {
        let (sum, scale) = plain(a.view(), b.view(), i, j);
        let bound = f64::from(f32::EPSILON) * scale * (1.0 + k.min(BLOCK) as f64 + (k / BLOCK) as f64);
        assert!(
            (f64::from(*found) - sum).abs() <= bound,
            "({m}, {k}, {n}) at {:?}: {found} for {sum}",
            (i, j)
        );
    }
    let (rows, panels) = (Rows::from_array(a.view()), Panels::from_row_major(b.view()));
    let (columns, right) = (Rows::from_array(a.t()), Rows::from_array(b.view()));
    for level in Level::available() {
        with_level(level, || {
            let mut out = Rows::from_array(start.view());
            product(out.view_mut(), rows.view(), &panels, true);
            assert_eq!(bits(&out.to_array()), bits(&accumulated), "product + {level} ({m}, {k}, {n})");
            product(out.view_mut(), rows.view(), &panels, false);
            assert_eq!(bits(&out.to_array()), bits(&expected), "product {level} ({m}, {k}, {n})");
            let mut clean = Rows::zeros(m, n);
            clean.view_mut().copy_from_array(out.to_array().view());
            assert_eq!(clean, out, "padding of rows, {level} ({m}, {k}, {n})");

            let mut out = Panels::from_row_major(start.view());
            product_transposed_a(&mut out, columns.view(), right.view(), true);
            assert_eq!(bits(&out.to_array()), bits(&accumulated), "transposed + {level} ({m}, {k}, {n})");
            product_transposed_a(&mut out, columns.view(), right.view(), false);
            assert_eq!(bits(&out.to_array()), bits(&expected), "transposed {level} ({m}, {k}, {n})");
            let clean = Panels::from_row_major(out.to_array().view());
            assert_eq!(clean, out, "padding of panels, {level} ({m}, {k}, {n})");
        });
    }
}

#[test]
fn products_have_the_bits_of_their_definition_at_awkward_sizes() {
    for m in [0, 1, 2, 3, 4, 7, 12, 13, 25] {
        for k in [0, 1, 2, 17, 255, 256, 257] {
            for n in [0, 1, 2, 8, 9, 16, 17, 24, 25, 31, 32, 33, 64, 130] {
                check_product(m, k, n, (m * 7 + k * 3 + n) as u64);
            }
        }
    }
}

#[test]
fn products_of_the_papers_size_have_the_bits_of_their_definition() {
    check_product(10, 200, 200, 1);
    check_product(200, 90, 200, 2);
    check_product(10, 200, 2, 3);
    check_product(1, 200, 200, 4);
    check_product(10, 800, 50, 5);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn products_have_the_bits_of_their_definition_at_random_sizes(
        m in 0_usize..40, k in 0_usize..600, n in 0_usize..150, seed in 0_u64..1000,
    ) {
        check_product(m, k, n, seed);
    }

    #[test]
    fn the_transpose_of_panels_is_the_transpose(k in 0_usize..80, n in 0_usize..80, seed in 0_u64..1000) {
        let array = matrix(k, n, seed);
        let panels = Panels::from_row_major(array.view());
        prop_assert_eq!(&panels.to_array(), &array);
        for level in Level::available() {
            let mut transposed = Panels::from_row_major(matrix(n, k, seed + 1).view());
            with_level(level, || panels.pack_transposed_into(&mut transposed));
            prop_assert_eq!(&transposed, &Panels::from_row_major(array.t()));
        }
    }
}

#[test]
fn a_product_over_stacked_rows_is_the_product_of_its_blocks() {
    let (states, weights) = (matrix(30, 20, 1), Panels::from_row_major(matrix(20, 20, 2).view()));
    let mut stacked = Rows::zeros(40, 20);
    stacked.rows_mut(0..10).copy_from(Rows::from_array(states.view()).rows(0..10));
    for step in 1..4 {
        let (before, now) = stacked.split_at_mut(step * 10);
        let before = before.view().rows((step - 1) * 10..step * 10);
        product(now.into_rows(0..10), before, &weights, false);
    }
    let mut expected = states.slice(ndarray::s![..10, ..]).to_owned();
    for step in 1..4 {
        expected = defined(None, expected.view(), weights.to_array().view());
        assert_eq!(stacked.rows(step * 10..step * 10 + 10).to_array(), expected);
    }
}

/// Large enough for three threads, with panels of every width.
#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let (m, k, n) = (30, 900, 1016);
    let (a, b, start) = (matrix(m, k, 1), matrix(k, n, 2), matrix(m, n, 3));
    let (rows, panels) = (Rows::from_array(a.view()), Panels::from_row_major(b.view()));
    let (columns, right) = (Rows::from_array(a.t()), Rows::from_array(b.view()));
    let products = |accumulate: bool| {
        let mut out = Rows::from_array(start.view());
        product(out.view_mut(), rows.view(), &panels, accumulate);
        let mut transposed = Panels::from_row_major(start.view());
        product_transposed_a(&mut transposed, columns.view(), right.view(), accumulate);
        [out.to_array(), transposed.to_array()]
    };
    for accumulate in [false, true] {
        let alone = products(accumulate);
        assert_eq!(bits(&alone[0]), bits(&alone[1]));
        for threads in [2, 3, 40] {
            let together = with_threads(threads, || products(accumulate));
            assert_eq!(together.each_ref().map(bits), alone.each_ref().map(bits), "{threads} threads");
        }
    }
}
