//! Spectrum and variance of the weights.

use concertina_analysis::{Analysis, Spectrum, VaryingWeights, WeightVariance};
use concertina_model::network::Network;
use concertina_model::params::NetworkKind;

use super::algebra::{Matrix, eigenvalues, singular};
use super::cases::{Case, Regime};
use super::forward::rows;
use super::ledger::Ledger;
use super::{deviation, mean, squares};

pub(crate) fn spectrum(case: &Case, ledger: &mut Ledger) {
    if Spectrum::default().check(&case.params).is_err() {
        return; // one layer
    }
    let table = Spectrum::default().run(&case.subject()).expect("it applies");
    let column = |name| table.floats(name).expect("there");
    let names =
        ["real", "imaginary", "modulus", "singular_value", "spectral_radius", "departure_from_normality"];
    let columns = names.map(column);
    let relative = column("relative_departure_from_normality");
    let units = case.params.network.units;
    let matrices = case.checkpoints.iter().flat_map(|(_, network)| &network.weights().recurrent);
    for (number, matrix) in matrices.enumerate() {
        let place = format!("matrix {number} of {}", case.place);
        let matrix = rows(matrix.outer_iter());
        let own = number * units..(number + 1) * units;
        let found = columns
            .each_ref()
            .map(|column| column[own.clone()].iter().flatten().copied().collect::<Vec<f64>>());
        compare_singular(&matrix, &found[3], &place, ledger);
        compare_eigenvalues(case.regime, &matrix, &found, relative[own.start], &place, ledger);
    }
    assert_eq!(table.row_count() % units, 0, "{}", case.place);
}

fn compare_singular(matrix: &Matrix, found: &[f64], place: &str, ledger: &mut Ledger) {
    let expected = singular(matrix);
    for (found, (expected, _)) in found.iter().zip(&expected) {
        let largest = expected.max(f64::MIN_POSITIVE).max(squares(matrix).sqrt());
        ledger.compare("singular values", place, Some(*found), Some(*expected), largest, 1e-13);
    }
}

fn compare_eigenvalues(
    regime: Regime,
    matrix: &Matrix,
    found: &[Vec<f64>; 6],
    relative: Option<f64>,
    place: &str,
    ledger: &mut Ledger,
) {
    let [real, imaginary, modulus, _, radius, departure] = found;
    let norm = squares(matrix).sqrt();
    // Without loops they are the diagonal; rounding alone would spread its repetitions over a circle.
    let exact = regime == Regime::WithoutLoops;
    let mut expected: Vec<(f64, f64)> = if exact {
        (0..matrix.len()).map(|unit| (matrix[unit][unit], 0.0)).collect()
    } else {
        eigenvalues(matrix)
    };
    let squares_of_moduli: f64 =
        expected.iter().map(|(real, imaginary)| real * real + imaginary * imaginary).sum();
    let largest = expected.iter().map(|(real, imaginary)| real.hypot(*imaginary)).fold(0.0, f64::max);
    let falling = modulus.windows(2).all(|pair| pair[0] >= pair[1] * (1.0 - 1e-15));
    ledger.holds("eigenvalues, order", place, falling, || format!("{modulus:?}"));
    let tolerance = if exact { 0.0 } else { 1e-9 };
    for (real, imaginary) in real.iter().zip(imaginary) {
        let apart = |other: &(f64, f64)| (real - other.0).hypot(imaginary - other.1);
        let nearest = (0..expected.len())
            .min_by(|one, other| apart(&expected[*one]).total_cmp(&apart(&expected[*other])));
        let nearest = expected.swap_remove(nearest.expect("as many"));
        ledger.compare("eigenvalues", place, Some(apart(&nearest)), Some(0.0), norm, tolerance);
    }
    ledger.compare("spectral radius", place, Some(radius[0]), Some(largest), norm, tolerance);
    let departed = (squares(matrix) - squares_of_moduli).max(0.0).sqrt();
    ledger.compare(
        "departure from normality",
        place,
        Some(departure[0].powi(2)),
        Some(departed.powi(2)),
        norm * norm,
        1e-9,
    );
    let expected = (norm > 0.0).then(|| departure[0] / norm);
    ledger.compare("departure from normality", place, relative, expected, 1.0, 1e-15);
}

pub(crate) fn variance(case: &Case, ledger: &mut Ledger) {
    for (of, kind) in [
        (VaryingWeights::Readout, "weight variance, readout"),
        (VaryingWeights::Product, "weight variance, product"),
    ] {
        let window = 2;
        let table = WeightVariance { of, window }.run(&case.subject()).expect("it applies");
        let found = table.floats("weight_variance").expect("there");
        let sets: Vec<Vec<f64>> = case.checkpoints.iter().map(|(_, network)| entries(network, of)).collect();
        for (last, found) in found.into_iter().enumerate() {
            let place = format!("checkpoint {last} of {}", case.place);
            let expected = (last + 1).checked_sub(window).map(|first| {
                let of_entry = |entry: usize| {
                    let values: Vec<f64> = sets[first..=last].iter().map(|set| set[entry]).collect();
                    deviation(&values).expect("two of them").powi(2)
                };
                mean(&(0..sets[last].len()).map(of_entry).collect::<Vec<f64>>()).expect("entries")
            });
            let size =
                sets.iter().flatten().fold(f64::MIN_POSITIVE, |largest, entry| largest.max(entry.abs()));
            ledger.compare(kind, &place, found, expected, (size * size).max(f64::MIN_POSITIVE), 1e-12);
        }
    }
}

/// The readout, or what it sees of the state after the first step in a linear network.
fn entries(network: &Network, of: VaryingWeights) -> Vec<f64> {
    let mut seen = rows(network.weights().readout.outer_iter());
    if of == VaryingWeights::Product {
        for step in (1..network.trial_steps()).rev() {
            seen = one_step_earlier(network, step, &seen);
        }
    }
    seen.into_iter().flatten().collect()
}

fn one_step_earlier(network: &Network, step: usize, seen: &Matrix) -> Matrix {
    let layered = network.kind() == NetworkKind::Feedforward;
    let matrix = rows(network.weights().recurrent[if layered { step - 1 } else { 0 }].outer_iter());
    let leaky = network.kind() == NetworkKind::Leaky;
    let kept = if network.leak() { 1.0 - network.dt() } else { 1.0 };
    let entry = |from: usize, output: usize| {
        let through: f64 = (0..seen.len()).map(|to| matrix[from][to] * seen[to][output]).sum();
        if leaky { kept * seen[from][output] + network.dt() * through } else { through }
    };
    (0..seen.len()).map(|from| (0..seen[0].len()).map(|output| entry(from, output)).collect()).collect()
}
