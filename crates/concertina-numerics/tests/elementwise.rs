//! Elementwise maps and sums, compared with plain `f64` loops, and their bits on every instruction set.

use concertina_numerics::kernels::{
    Level, Rows, add_row, column_sums, dispatch, logistic_derivative_mul, logistic_in_place, product,
    relu_derivative_mul, relu_in_place, scale_in_place, scaled_add, softplus_derivative_mul,
    softplus_in_place, squared_norm, tanh_derivative_mul, tanh_in_place, with_level,
};
use concertina_numerics::random::{Purpose, Stream};
use ndarray::Array2;
use proptest::prelude::*;

/// Checks positive floats, `step` apart in the order of floats, from the bits `first` up to and including
/// `last`.
fn check_tanh(first: u32, last: u32, step: usize) {
    let all: Vec<u32> = (first..=last).step_by(step).collect();
    let mut worst = (0.0, 0.0);
    for bits in all.chunks(1 << 16) {
        let arguments: Vec<f32> = bits.iter().map(|bits| f32::from_bits(*bits)).collect();
        let mut values = arguments.clone();
        tanh_in_place(&mut values);
        let mut negative: Vec<f32> = arguments.iter().map(|x| -x).collect();
        tanh_in_place(&mut negative);
        for ((x, y), minus) in arguments.iter().zip(&values).zip(&negative) {
            let exact = libm::tanh(f64::from(*x));
            let nearest = exact as f32;
            let ulp = f64::from(f32::from_bits(nearest.to_bits() + 1)) - f64::from(nearest);
            // below a power of two, the unit in the last place is half as large
            let ulp = if f64::from(nearest) > exact && nearest.to_bits().trailing_zeros() >= 23 {
                ulp / 2.0
            } else {
                ulp
            };
            let error = (f64::from(*y) - exact).abs() / ulp;
            if error > worst.0 {
                worst = (error, *x);
            }
            assert_eq!(*minus, -y, "tanh is odd at {x:e}");
            assert!(*y <= 1.0, "tanh({x:e}) = {y}");
        }
    }
    assert!(worst.0 <= 2.0, "error of {:.3} ulp at {:e}", worst.0, worst.1);
}

#[test]
fn tanh_is_within_2_ulp_on_a_dense_sample_of_all_floats() {
    check_tanh(0, f32::INFINITY.to_bits() - 1, 20_011);
    check_tanh(1e-3_f32.to_bits(), 9.1_f32.to_bits(), 101);
}

#[test]
#[ignore = "some seconds: every float between 2^-14 and 9.1; run with --ignored"]
fn tanh_is_within_2_ulp_everywhere() {
    check_tanh(2.0_f32.powi(-14).to_bits(), 9.1_f32.to_bits(), 1);
}

#[test]
fn tanh_is_exact_where_it_has_to_be() {
    let mut values =
        [0.0, -0.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, 1e-40, f32::MAX, f32::MIN_POSITIVE];
    tanh_in_place(&mut values);
    assert_eq!(values[0].to_bits(), 0.0_f32.to_bits());
    assert_eq!(values[1].to_bits(), (-0.0_f32).to_bits());
    assert_eq!(values[2], 1.0);
    assert_eq!(values[3], -1.0);
    assert!(values[4].is_nan());
    assert_eq!(values[5], 1e-40);
    assert_eq!(values[6], 1.0);
    assert_eq!(values[7], f32::MIN_POSITIVE);
}

/// The exact softplus of a number, without overflow.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + libm::log1p(libm::exp(-x.abs()))
}

#[test]
fn softplus_keeps_its_digits_on_a_dense_sample_of_all_floats() {
    for bits in (0..f32::INFINITY.to_bits())
        .step_by(20_011)
        .chain((1e-3_f32.to_bits()..110_f32.to_bits()).step_by(1009))
    {
        let x = f32::from_bits(bits);
        let mut values = [x, -x];
        softplus_in_place(&mut values);
        for (x, found) in [x, -x].into_iter().zip(values) {
            let exact = softplus(f64::from(x));
            // a unit in the last place is at most 1.2e-7 of a normal number, and 1.4e-45 of others, of
            // which two are lost
            let error = (f64::from(found) - exact).abs();
            assert!(error <= 4.0 * 1.2e-7 * exact + 3e-45, "softplus({x:e}) = {found:e}, not {exact:e}");
        }
    }
}

#[test]
fn softplus_and_its_slope_are_exact_where_they_have_to_be() {
    let mut values = [0.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, f32::MAX, -f32::MAX, 100.0];
    softplus_in_place(&mut values);
    assert_eq!((values[0], values[1], values[2]), (std::f32::consts::LN_2, f32::INFINITY, 0.0));
    assert!(values[3].is_nan());
    assert_eq!((values[4], values[5], values[6]), (f32::MAX, 0.0, 100.0));
    let mut slopes = [1.0; 5];
    softplus_derivative_mul(&mut slopes, &[0.0, f32::INFINITY, 1e-30, 20.0, f32::MAX]);
    assert_eq!(slopes, [0.0, 1.0, 1e-30, 1.0, 1.0]);
    let mut slopes = [1.0];
    softplus_derivative_mul(&mut slopes, &[f32::NAN]);
    assert!(slopes[0].is_nan());
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn normal(count: usize, seed: u64) -> Vec<f32> {
    let mut values = vec![0.0; count];
    Stream::new(seed, Purpose::new("elementwise"), 0).fill_normal(&mut values);
    values
}

/// The results of every map for some numbers, one after the other.
fn all_maps(values: &[f32], others: &[f32], scale: f32) -> Vec<Vec<f32>> {
    let mapped = |map: &dyn Fn(&mut [f32])| {
        let mut values = values.to_vec();
        map(&mut values);
        values
    };
    let columns = 7;
    let rows = values.len() / columns;
    let array =
        Array2::from_shape_vec((rows, columns), values[..rows * columns].to_vec()).expect("lengths agree");
    let mut added = Rows::from_array(array.view());
    add_row(added.view_mut(), &[scale; 7]);
    let mut sums = vec![1.0; columns];
    column_sums(&mut sums, Rows::from_array(array.view()).view(), true);
    vec![
        mapped(&tanh_in_place),
        mapped(&relu_in_place),
        mapped(&|x| tanh_derivative_mul(x, others)),
        mapped(&|x| relu_derivative_mul(x, others)),
        mapped(&|x| scale_in_place(x, scale)),
        mapped(&|x| scaled_add(x, scale, others)),
        added.as_slice().to_vec(),
        sums,
        vec![squared_norm(values) as f32],
        mapped(&softplus_in_place),
        mapped(&logistic_in_place),
        mapped(&|x| softplus_derivative_mul(x, others)),
        mapped(&|x| logistic_derivative_mul(x, others)),
    ]
}

proptest! {
    #[test]
    fn maps_have_the_same_bits_on_every_level(count in 0_usize..700, seed in 0_u64..1000, scale in -2.0_f32..2.0) {
        let (values, others) = (normal(count, seed), normal(count, seed + 1));
        let expected = with_level(Level::PORTABLE, || all_maps(&values, &others, scale));
        for level in Level::available() {
            let found = with_level(level, || all_maps(&values, &others, scale));
            for (map, (found, expected)) in found.iter().zip(&expected).enumerate() {
                prop_assert_eq!(bits(found), bits(expected), "map {} on {}", map, level);
            }
        }
    }

    #[test]
    fn maps_do_what_plain_loops_do(count in 0_usize..100, seed in 0_u64..1000, scale in -2.0_f32..2.0) {
        let (values, others) = (normal(count, seed), normal(count, seed + 1));
        let maps = all_maps(&values, &others, scale);
        for i in 0..count {
            let (x, h, s) = (f64::from(values[i]), f64::from(others[i]), f64::from(scale));
            let close = |found: f32, exact: f64| (f64::from(found) - exact).abs() <= 2e-6 * (1.0 + x.abs() * (1.0 + h * h));
            prop_assert!(close(maps[0][i], x.tanh()));
            prop_assert_eq!(maps[1][i], values[i].max(0.0));
            prop_assert!(close(maps[2][i], x * (1.0 - h * h)));
            prop_assert_eq!(maps[3][i], if h > 0.0 { values[i] } else { 0.0 });
            prop_assert_eq!(maps[4][i], values[i] * scale);
            prop_assert!(close(maps[5][i], s.mul_add(h, x)));
            prop_assert!(close(maps[9][i], libm::log1p(x.exp())));
            prop_assert!(close(maps[10][i], 1.0 / (1.0 + (-x).exp())));
            prop_assert!(h < 0.0 || close(maps[11][i], x * -(-h).exp_m1()));
            prop_assert!(close(maps[12][i], x * h * (1.0 - h)));
        }
        let exact: f64 = values.iter().map(|x| f64::from(*x).powi(2)).sum();
        prop_assert!((squared_norm(&values) - exact).abs() <= 1e-12 * exact);
    }

    #[test]
    fn column_sums_are_the_product_with_a_row_of_ones(
        rows in 0_usize..600, columns in 0_usize..140, seed in 0_u64..1000, accumulate: bool,
    ) {
        let array = Array2::from_shape_vec((rows, columns), normal(rows * columns, seed)).expect("lengths agree");
        let start = normal(columns, seed + 1);
        let mut sums = start.clone();
        column_sums(&mut sums, Rows::from_array(array.view()).view(), accumulate);
        let mut out = Rows::zeros(1, columns);
        out.row_mut(0).copy_from_slice(&start);
        let ones = Rows::from_array(Array2::from_elem((1, rows), 1.0).view());
        let panels = concertina_numerics::kernels::Panels::from_row_major(array.view());
        product(out.view_mut(), ones.view(), &panels, accumulate);
        for (sum, product) in sums.iter().zip(out.row(0)) {
            prop_assert_eq!(sum, product);
        }
    }
}

#[test]
fn relu_keeps_nan_so_that_divergence_is_detected() {
    let mut values = [f32::NAN, -1.0, 2.0];
    relu_in_place(&mut values);
    assert!(values[0].is_nan());
    assert_eq!(values[1..], [0.0, 2.0]);
}

#[test]
fn a_dispatched_loop_returns_its_result_and_the_level_is_restored() {
    let before = Level::current().name();
    let sum = with_level(Level::PORTABLE, || {
        assert_eq!(Level::current().name(), "portable");
        dispatch(|| [1.0_f32, 2.0, 3.0].iter().sum::<f32>())
    });
    assert_eq!(sum, 6.0);
    assert_eq!(Level::current().name(), before);
}
