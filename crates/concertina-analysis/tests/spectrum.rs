//! The spectrum of the recurrent weights in cases where it is known.

mod common;

use concertina_analysis::{Analysis, Spectrum};
use concertina_model::params::NetworkKind;
use concertina_numerics::linalg::{orthogonal_factor, product};
use concertina_numerics::random::{Purpose, Stream};
use concertina_table::Table;
use ndarray::{Array2, s};

const NUMBERS: Purpose = Purpose::new("test numbers");
const UNITS: usize = 16;

/// The analysis of a vanilla network with these recurrent weights.
fn of(weights: &Array2<f64>) -> Table {
    let run = common::Run::untrained(common::small())
        .with_weights(|network| network.recurrent[0] = weights.mapv(|weight| weight as f32));
    Spectrum::default().run(&run.subject()).expect("it applies")
}

fn gaussian(seed: u64) -> Array2<f64> {
    let mut stream = Stream::new(seed, NUMBERS, 0);
    Array2::from_shape_simple_fn((UNITS, UNITS), || stream.normal())
}

fn floats(table: &Table, column: &str) -> Vec<f64> {
    table.floats(column).expect("there").into_iter().map(|value| value.expect("defined")).collect()
}

fn assert_all_close(found: &[f64], expected: &[f64], absolute: f64) {
    let is_close = |(found, expected): (&f64, &f64)| (found - expected).abs() <= absolute;
    assert!(
        found.len() == expected.len() && found.iter().zip(expected).all(is_close),
        "expected {expected:?}, found {found:?}"
    );
}

#[test]
fn a_diagonal_matrix_is_normal_and_has_its_entries_twice() {
    let entries: Vec<f64> = (0..UNITS).map(|unit| (unit as f64 - 6.25) / 4.0).collect();
    let table = of(&Array2::from_diag(&ndarray::arr1(&entries)));
    let mut by_modulus = entries.clone();
    by_modulus.sort_by(|a, b| b.abs().total_cmp(&a.abs()));
    let moduli: Vec<f64> = by_modulus.iter().map(|entry| entry.abs()).collect();
    assert_all_close(&floats(&table, "real"), &by_modulus, 1e-14);
    assert_all_close(&floats(&table, "imaginary"), &[0.0; UNITS], 0.0);
    assert_all_close(&floats(&table, "modulus"), &moduli, 1e-14);
    assert_all_close(&floats(&table, "singular_value"), &moduli, 1e-14);
    assert_all_close(&floats(&table, "spectral_radius"), &[moduli[0]; UNITS], 1e-14);
    assert_all_close(&floats(&table, "departure_from_normality"), &[0.0; UNITS], 1e-7);
    assert_eq!(table.integers("index").expect("there"), (1..=UNITS as i64).map(Some).collect::<Vec<_>>());
    assert_eq!(table.integers("timestep").expect("all null"), [None; UNITS]);
}

#[test]
fn a_non_cyclic_shift_has_only_zero_eigenvalues_and_departs_from_normality_by_its_whole_norm() {
    let weights = Array2::from_shape_fn((UNITS, UNITS), |(from, to)| f64::from(u8::from(from + 1 == to)));
    let table = of(&weights);
    let norm = ((UNITS - 1) as f64).sqrt();
    assert_all_close(&floats(&table, "spectral_radius"), &[0.0; UNITS], 1e-14);
    assert_all_close(&floats(&table, "departure_from_normality"), &[norm; UNITS], 1e-14);
    assert_all_close(&floats(&table, "relative_departure_from_normality"), &[1.0; UNITS], 1e-14);
    let mut singular_values = [1.0; UNITS];
    singular_values[UNITS - 1] = 0.0;
    assert_all_close(&floats(&table, "singular_value"), &singular_values, 1e-14);
}

#[test]
fn a_network_without_loops_has_spectral_radius_zero_whatever_the_order_of_its_units() {
    let mut order: Vec<usize> = (0..UNITS).collect();
    let mut stream = Stream::new(4, NUMBERS, 0);
    stream.shuffle(&mut order);
    let mut weights = Array2::zeros((UNITS, UNITS));
    for later in 0..UNITS {
        for earlier in 0..later {
            weights[[order[earlier], order[later]]] = stream.normal();
        }
    }
    let table = of(&weights);
    assert_all_close(&floats(&table, "spectral_radius"), &[0.0; UNITS], 0.0);
    assert_all_close(&floats(&table, "relative_departure_from_normality"), &[1.0; UNITS], 1e-15);
}

#[test]
fn a_scaled_rotation_is_normal_and_every_modulus_and_singular_value_is_its_scale() {
    let weights = orthogonal_factor(gaussian(1).view()).expect("finite") * 1.5;
    let table = of(&weights);
    assert_all_close(&floats(&table, "modulus"), &[1.5; UNITS], 1e-6);
    assert_all_close(&floats(&table, "singular_value"), &[1.5; UNITS], 1e-6);
    assert_all_close(&floats(&table, "relative_departure_from_normality"), &[0.0; UNITS], 1e-3);
    let (real, imaginary) = (floats(&table, "real"), floats(&table, "imaginary"));
    assert!((real.iter().sum::<f64>() - weights.diag().sum()).abs() < 1e-5, "the trace");
    assert!(imaginary.iter().sum::<f64>().abs() < 1e-12 && imaginary[0] > 0.0, "{imaginary:?}");
}

#[test]
fn an_upper_triangular_matrix_departs_by_the_norm_of_its_strict_triangle() {
    // The matrix is in Schur form: Henrici's departure is the norm of its strict triangle.
    let weights = Array2::from_shape_fn((UNITS, UNITS), |(i, j)| match i.cmp(&j) {
        std::cmp::Ordering::Less => ((3 * i + 5 * j) % 8) as f64 / 8.0,
        std::cmp::Ordering::Equal => (i + 1) as f64 / 4.0,
        std::cmp::Ordering::Greater => 0.0,
    });
    let table = of(&weights);
    let above: f64 =
        (0..UNITS).map(|i| weights.slice(s![i, i + 1..]).mapv(|entry| entry * entry).sum()).sum();
    assert_all_close(&floats(&table, "departure_from_normality"), &[above.sqrt(); UNITS], 1e-10);
    let whole = weights.mapv(|entry| entry * entry).sum();
    let relative = (above / whole).sqrt();
    assert_all_close(&floats(&table, "relative_departure_from_normality"), &[relative; UNITS], 1e-10);
}

#[test]
fn it_is_invariant_under_rotations_and_scales_with_the_weights() {
    let (weights, turn) = (gaussian(2), orthogonal_factor(gaussian(3).view()).expect("finite"));
    let table = of(&weights);
    let turned = of(&product(product(turn.t(), weights.view()).view(), turn.view()));
    let scaled = of(&(&weights * 4.0));
    for column in ["modulus", "singular_value", "spectral_radius", "departure_from_normality"] {
        let expected = floats(&table, column);
        assert_all_close(&floats(&turned, column), &expected, 1e-4);
        let four_times: Vec<f64> = expected.iter().map(|value| 4.0 * value).collect();
        assert_all_close(&floats(&scaled, column), &four_times, 1e-12);
    }
}

#[test]
fn weights_of_zero_have_no_relative_departure() {
    let table = of(&Array2::zeros((UNITS, UNITS)));
    assert_all_close(&floats(&table, "departure_from_normality"), &[0.0; UNITS], 0.0);
    assert_eq!(table.floats("relative_departure_from_normality").expect("there"), [None; UNITS]);
}

#[test]
fn an_untrained_network_has_the_spectral_radius_given_by_its_gain() {
    let mut params = common::small();
    params.network.kind = NetworkKind::Leaky;
    params.network.gain = Some(3.0);
    let table = Spectrum::default().run(&common::Run::untrained(params).subject()).expect("it applies");
    assert_all_close(&floats(&table, "spectral_radius"), &[3.0; UNITS], 1e-6);
}

#[test]
fn a_feedforward_network_has_a_spectrum_for_each_layer_but_the_first() {
    let mut params = common::small();
    params.network.kind = NetworkKind::Feedforward;
    let run = common::Run::untrained(params.clone())
        .with_weights(|weights| weights.recurrent[2] = Array2::from_diag_elem(UNITS, 7.0));
    let table = Spectrum::default().run(&run.subject()).expect("it applies");
    let layers: Vec<Option<i64>> = (1..5).flat_map(|layer| [Some(layer); UNITS]).collect();
    assert_eq!(table.integers("timestep").expect("there"), layers);
    let radii = floats(&table, "spectral_radius");
    assert_eq!(radii.iter().position(|radius| (radius - 7.0).abs() < 1e-12), Some(2 * UNITS), "layer 3");

    params.task.delay = 1;
    let error = Spectrum::default().run(&common::Run::untrained(params).subject()).expect_err("refused");
    assert_eq!(
        error.to_string(),
        "`spectrum` does not apply to a feedforward network of one layer: \
         its only weights are those of the input and of the readout"
    );
}
