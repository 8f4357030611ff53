//! Two methods for the same number, on random networks of every kind, nonlinearity and regime.

mod opinion;

use concertina_analysis::Analysis;
use concertina_analysis::{PcaSnapshots, Timesteps, effective_dimension};
use concertina_numerics::linalg::{centre, eigenvalues, product, qr, svd, symmetric_eigen};
use ndarray::{Array2, ArrayView2};
use opinion::cases::Case;
use proptest::prelude::*;

/// A network in one of ten regimes: as drawn, marginal, growing, saturated, silent and so on.
fn networks() -> impl Strategy<Value = Case> {
    (0..1000_u64, 0..1000_u64).prop_map(|(seed, number)| Case::new(seed, number, 40))
}

/// The states of a network at each timestep of the trial, if they are finite.
fn clouds(case: &Case) -> Vec<Array2<f32>> {
    let inputs = case.task.trials(concertina_model::task::Ask::Analysis { count: case.samples }).inputs;
    let steps: Vec<usize> = (0..case.params.trial_steps()).collect();
    let of = |network: &concertina_model::network::Network| network.states_at(&inputs, &steps);
    let all = case.checkpoints.iter().flat_map(|(_, network)| of(network).expect("shapes agree"));
    all.filter(|cloud| cloud.iter().all(|entry| entry.is_finite())).collect()
}

fn matrices(case: &Case) -> impl Iterator<Item = Array2<f64>> {
    let recurrent = case.checkpoints.iter().flat_map(|(_, network)| &network.weights().recurrent);
    recurrent.map(|matrix| matrix.mapv(f64::from))
}

fn largest(values: ArrayView2<f64>) -> f64 {
    values.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn the_traces_and_the_eigenvalues_of_the_covariance_give_the_same_dimension(case in networks()) {
        for cloud in clouds(&case) {
            let found = effective_dimension(cloud.view()).expect("finite");
            let (_, centred) = centre(cloud.mapv(f64::from).view());
            let scale = 1.0 / largest(centred.view()).max(f64::MIN_POSITIVE);
            let centred = centred * scale;
            let covariance = product(centred.t(), centred.view());
            let (values, _) = symmetric_eigen(covariance.view()).expect("it converges");
            let expected = values.sum().powi(2) / values.dot(&values);
            match found {
                Some(found) => prop_assert!((found / expected - 1.0).abs() < 1e-10, "{found} {expected}"),
                None => {
                    let spread = values.sum().max(0.0).sqrt() / scale;
                    let rounding = 1e-6 * f64::from(cloud.mapv(|entry| entry * entry).sum()).sqrt();
                    prop_assert!(spread <= rounding + 1e-40, "{}: {spread:e} {rounding:e}", case.place);
                }
            }
        }
    }

    #[test]
    fn states_have_a_first_component_if_and_only_if_they_have_a_dimension(case in networks()) {
        if clouds(&case).len() < case.params.trial_steps() * case.checkpoints.len() {
            return Ok(()); // out of range
        }
        let (samples, timesteps) = (case.samples, Timesteps::All);
        let snapshots = PcaSnapshots { samples, drawn: 0, components: 1, timesteps, extend_to: None, state: None };
        let table = snapshots.run(&case.subject()).expect("valid");
        let (kinds, timesteps) =
            (table.texts("kind").expect("there"), table.integers("timestep").expect("there"));
        let ratios = table.floats("pc1").expect("there");
        let rows = (0..table.row_count())
            .filter(|row| kinds[*row].as_deref() == Some("explained_variance_ratio") && timesteps[*row] >= Some(0));
        for (row, cloud) in rows.zip(clouds(&case)) {
            let dimension = effective_dimension(cloud.view()).expect("finite");
            prop_assert_eq!(ratios[row].is_some(), dimension.is_some(), "{}", case.place);
            if let (Some(ratio), Some(dimension)) = (ratios[row], dimension) {
                // (Σ λ)² / Σ λ² lies between 1 / p² and 1 / p for the largest share p.
                prop_assert!(dimension * ratio <= 1.0 / ratio * (1.0 + 1e-9), "{dimension} {ratio}");
                prop_assert!(dimension * ratio >= 1.0 - 1e-9, "{dimension} {ratio}");
            }
        }
    }

    #[test]
    fn squares_of_singular_values_are_the_eigenvalues_of_the_gram_matrix(case in networks()) {
        for matrix in matrices(&case) {
            let squares = svd(matrix.view()).expect("it converges").singular_values.mapv(|value| value * value);
            let gram = product(matrix.view(), matrix.t());
            let (symmetric, _) = symmetric_eigen(gram.view()).expect("it converges");
            let general = eigenvalues(gram.view()).expect("it converges");
            let rounding = 1e-13 * squares[0];
            for ((square, symmetric), general) in squares.iter().zip(symmetric).zip(general) {
                prop_assert!((square - symmetric).abs() <= rounding, "{square} {symmetric}");
                prop_assert!((general - square).norm() <= rounding, "{square} {general}");
            }
        }
    }

    #[test]
    fn eigenvalues_singular_values_and_qr_factors_agree_on_determinant_and_trace(case in networks()) {
        for matrix in matrices(&case) {
            let values = eigenvalues(matrix.view()).expect("it converges");
            let singular = svd(matrix.view()).expect("it converges").singular_values;
            let upper = qr(matrix.view()).expect("finite").upper;
            let norm = singular[0];
            let sum: f64 = values.iter().map(|value| value.re).sum();
            let rounding = 1e-13 * norm * values.len() as f64;
            prop_assert!((sum - matrix.diag().sum()).abs() <= rounding, "the trace: {sum}");
            let least = singular[singular.len() - 1];
            if least <= 1e-10 * norm {
                continue; // practically singular
            }
            let by_eigenvalues: f64 = values.iter().map(|value| value.norm().ln()).sum();
            let by_singular_values: f64 = singular.iter().map(|value| value.ln()).sum();
            let by_factors: f64 = upper.diag().iter().map(|entry| entry.abs().ln()).sum();
            let rounding = 1e-13 * norm / least * values.len() as f64;
            prop_assert!((by_eigenvalues - by_factors).abs() <= rounding, "{by_eigenvalues} {by_factors}");
            prop_assert!((by_singular_values - by_factors).abs() <= rounding, "{by_singular_values} {by_factors}");
        }
    }
}
