//! Initialisation formulas, covariance spectra and principal components, compared with stored ones.

use concertina_numerics::linalg::{self, Complex64, Pca};
use concertina_testing::compare::{
    assert_close, assert_close_to_largest, assert_number, assert_number_relative, assert_relative,
};
use concertina_testing::golden::Fixture;
use ndarray::{Array1, Array2, ArrayD, ArrayView2, Ix2, arr0, s};

fn matrix(fixture: &Fixture, name: &str) -> Array2<f64> {
    two_dimensional(fixture.f64(name))
}

fn two_dimensional(array: ArrayD<f64>) -> Array2<f64> {
    array.into_dimensionality::<Ix2>().expect("an array with two axes")
}

fn complex(fixture: &Fixture, prefix: &str) -> Vec<Complex64> {
    let (re, im) = (fixture.f64(&format!("{prefix}_re")), fixture.f64(&format!("{prefix}_im")));
    re.iter().zip(&im).map(|(&re, &im)| Complex64::new(re, im)).collect()
}

/// Checks that both lists contain the same numbers, in any order.
fn assert_same_set(what: &str, found: &[Complex64], expected: &[Complex64], absolute: f64) {
    assert_eq!(found.len(), expected.len(), "{what}: number of eigenvalues");
    let mut left = found.to_vec();
    for &wanted in expected {
        let distance = |value: &Complex64| (value - wanted).norm();
        let nearest = (0..left.len()).min_by(|&a, &b| distance(&left[a]).total_cmp(&distance(&left[b])));
        let nearest = left.swap_remove(nearest.expect("as many left as expected"));
        let off = distance(&nearest);
        assert!(
            off <= absolute,
            "{what}: expected {wanted}, nearest found {nearest}, off {off:.3e}, tolerance {absolute:.1e}"
        );
    }
}

/// The absolute tolerances of the fixtures, for entries and for eigenvalues, of small and of paper-sized
/// matrices.
fn tolerances(units: usize) -> (f64, f64) {
    if units <= 24 { (1e-12, 1e-12) } else { (1e-10, 1e-9) }
}

/// The columns in which another entry equals the largest to ten digits, so that the sign rule leaves the sign
/// to rounding.
fn undecided_signs(vectors: ArrayView2<f64>) -> Vec<usize> {
    let undecided = |column: &usize| {
        let mut magnitudes: Vec<f64> = vectors.column(*column).iter().map(|entry| entry.abs()).collect();
        magnitudes.sort_by(f64::total_cmp);
        magnitudes.len() > 1
            && magnitudes[magnitudes.len() - 2] >= (1.0 - 1e-10) * magnitudes[magnitudes.len() - 1]
    };
    (0..vectors.ncols()).filter(undecided).collect()
}

/// Gives the named columns of `found` the signs they have in `expected`.
fn adopt_signs(found: &mut Array2<f64>, expected: &Array2<f64>, columns: &[usize]) {
    for &column in columns.iter().filter(|&&column| column < expected.ncols()) {
        if found.column(column).dot(&expected.column(column)) < 0.0 {
            found.column_mut(column).mapv_inplace(|entry| -entry);
        }
    }
}

#[test]
fn golden_initial_weights_follow_from_their_gaussian_numbers() {
    let Some(fixture) = Fixture::open("init") else { return };
    for case in fixture.cases(".orthogonal") {
        let raw = matrix(&fixture, &format!("{case}.raw"));
        let (units, inputs) = raw.dim();
        let (tolerance, _) = tolerances(units);
        let orthogonal = linalg::orthogonal_factor(raw.view()).expect("a factor");
        let expected = fixture.f64(&format!("{case}.orthogonal"));
        assert_close(&format!("{case}, orthogonal factor"), orthogonal.view(), expected.view(), tolerance);

        let mean_magnitude =
            orthogonal.iter().map(|entry| entry.abs()).sum::<f64>() / orthogonal.len() as f64;
        let factor = fixture.scalar(&format!("{case}.input_scale")) / mean_magnitude / (inputs as f64).sqrt();
        let input = orthogonal.t().mapv(|entry| entry * factor); // (inputs, units)
        let expected = fixture.f64(&format!("{case}.Win"));
        assert_close(&format!("{case}, input weights"), input.view(), expected.view(), tolerance);
    }

    for case in fixture.cases(".J_lambda_max_abs") {
        let raw = matrix(&fixture, &format!("{case}.raw"));
        let units = raw.nrows();
        let (tolerance, of_eigenvalues) = tolerances(units);
        let random = raw / (units as f64).sqrt();
        let radius = linalg::spectral_radius(random.view()).expect("a radius");
        let expected = fixture.scalar(&format!("{case}.J_lambda_max_abs"));
        assert_number(&format!("{case}, spectral radius"), radius, expected, of_eigenvalues);

        let found = linalg::eigenvalues(random.view()).expect("eigenvalues");
        let expected = complex(&fixture, &format!("{case}.J_eig"));
        assert_same_set(&format!("{case}, eigenvalues"), &found, &expected, of_eigenvalues);
        let moduli = |values: &[Complex64]| values.iter().map(|value| value.norm()).collect::<Array1<f64>>();
        let (found, expected) = (moduli(&found), moduli(&expected));
        assert_close(&format!("{case}, order of eigenvalues"), found.view(), expected.view(), of_eigenvalues);

        let dt = fixture.scalar(&format!("{case}.dt"));
        let gains = fixture.cases(".Wrec").into_iter().filter_map(|name| {
            let gain = name.strip_prefix(&format!("{case}_g"))?.replace('p', ".").parse::<f64>();
            Some((name.clone(), gain.expect("a gain in the array's name")))
        });
        for (name, gain) in gains {
            let recurrent = Array2::<f64>::eye(units) * (1.0 - dt) + &random * (dt * gain / radius);
            let expected = fixture.f64(&format!("{name}.Wrec"));
            assert_close(&format!("{name}, recurrent weights"), recurrent.view(), expected.view(), tolerance);
            let found = linalg::eigenvalues(recurrent.view()).expect("eigenvalues");
            let expected = complex(&fixture, &format!("{name}.eig"));
            assert_same_set(&format!("{name}, eigenvalues"), &found, &expected, of_eigenvalues);
        }
    }

    for case in fixture.cases(".raw_J") {
        let raw = matrix(&fixture, &format!("{case}.raw_J"));
        let (tolerance, _) = tolerances(raw.nrows());
        let orthogonal =
            linalg::orthogonal_factor(matrix(&fixture, &format!("{case}.raw_Q")).view()).expect("a factor");
        let gain = fixture.scalar(&format!("{case}.g"));
        let share = fixture.scalar(&format!("{case}.proportion"));
        let random = &raw * (share * gain / linalg::spectral_radius(raw.view()).expect("a radius"));
        let original = &random + &orthogonal * (1.0 - share);
        let scaled = &random + &orthogonal.t() * ((1.0 - share) * gain);
        for (name, found) in [("Wrec_original", original), ("Wrec_scaled", scaled)] {
            let expected = fixture.f64(&format!("{case}.{name}"));
            assert_close(&format!("{case}, {name}"), found.view(), expected.view(), tolerance);
        }
    }

    for case in fixture.cases(".wout_scale") {
        let raw = matrix(&fixture, &format!("{case}.raw"));
        let (tolerance, _) = tolerances(raw.nrows());
        let factor = fixture.scalar(&format!("{case}.wout_scale")) * 0.3 / (raw.nrows() as f64).sqrt();
        let expected = fixture.f64(&format!("{case}.Wout"));
        assert_close(&format!("{case}, readout weights"), (raw * factor).view(), expected.view(), tolerance);
    }
    fixture.finish();
}

#[test]
fn golden_covariance_spectra_and_ranks_agree() {
    const TOLERANCE: f64 = 1e-10;
    let Some(fixture) = Fixture::open_part("dimension", "spectrum") else { return };
    for case in fixture.cases(".eigenvalues") {
        let x = matrix(&fixture, &format!("{case}.X"));
        let (samples, features) = x.dim();
        let (_, centred) = linalg::centre(x.view());
        let scale = 1.0 / (samples - 1) as f64;
        let covariance = linalg::product(centred.t(), centred.view()) * scale;
        let (values, _) = linalg::symmetric_eigen(covariance.view()).expect("a decomposition");
        let expected = fixture.f64(&format!("{case}.eigenvalues"));
        assert_close_to_largest(&format!("{case}, eigenvalues"), values.view(), expected.view(), TOLERANCE);

        let swapped = if samples < features {
            let gram = linalg::product(centred.view(), centred.t()) * scale;
            linalg::symmetric_eigen(gram.view()).expect("a decomposition").0
        } else {
            values
        };
        let expected = fixture.f64(&format!("{case}.eigenvalues_swapped"));
        assert_close_to_largest(
            &format!("{case}, swapped eigenvalues"),
            swapped.view(),
            expected.view(),
            TOLERANCE,
        );

        let rank = Pca::fit(x.view(), 0).expect("components").rank;
        assert_number(&format!("{case}, rank"), rank as f64, fixture.scalar(&format!("{case}.rank")), 0.0);
    }
    fixture.finish();
}

#[test]
fn golden_principal_components_agree() {
    let (variances, vectors) = (1e-10, 1e-8);
    let (Some(data), Some(fixture)) = (Fixture::borrow("dimension"), Fixture::open("pca")) else { return };
    for case in fixture.cases(".components") {
        let name = |array: &str| format!("{case}.{array}");
        let x = matrix(&data, &name("X"));
        let components = matrix(&fixture, &name("components"));
        let pca = Pca::fit(x.view(), components.ncols()).expect("components");
        let rank = pca.rank;
        assert_number(&name("rank"), rank as f64, fixture.scalar(&name("rank")), 0.0);
        assert_close_to_largest(&name("mean"), pca.mean.view(), fixture.f64(&name("mean")).view(), variances);

        for (array, found) in [
            ("singular_values", &pca.singular_values),
            ("explained_variance", &pca.explained_variance),
            ("explained_variance_ratio", &pca.explained_variance_ratio),
        ] {
            // Relative where there is variance. Past the rank, both sides are only rounding errors.
            let expected = fixture.f64(&name(array)).into_dimensionality::<ndarray::Ix1>().expect("one axis");
            let (found_some, expected_some) = (found.slice(s![..rank]), expected.slice(s![..rank]));
            assert_relative(&name(array), found_some, expected_some, variances);
            assert_close_to_largest(&name(array), found.view(), expected.view(), variances);
        }
        let undecided = undecided_signs(components.view());
        let mut found = pca.components.clone();
        adopt_signs(&mut found, &components, &undecided);
        assert_close(&name("components"), found.view(), components.view(), vectors);
        let mut found = pca.project(x.view()).expect("coordinates");
        let expected = matrix(&fixture, &name("projection"));
        adopt_signs(&mut found, &expected, &undecided);
        assert_close(&name("projection"), found.view(), expected.view(), vectors);

        // If there are fewer samples than features, the published PCA by covariance first transposes the
        // centred data. It then takes the coordinates of the features along the left singular vectors, in
        // each of which the largest entry is positive.
        if fixture.has(&name("covariance_swap.projection")) {
            let transposed = linalg::centre(x.view()).1.reversed_axes();
            let gram = linalg::product(transposed.t(), transposed.view());
            let mut directions = linalg::symmetric_eigen(gram.view()).expect("a decomposition").1;
            for mut direction in directions.columns_mut() {
                let peak =
                    direction.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs())).expect("an entry");
                direction *= &arr0(peak.signum());
            }
            let expected = matrix(&fixture, &name("covariance_swap.projection"));
            let mut found = linalg::product(transposed.view(), directions.slice(s![.., ..expected.ncols()]));
            adopt_signs(&mut found, &expected, &undecided_signs(directions.view()));
            assert_close(&name("covariance_swap.projection"), found.view(), expected.view(), vectors);
        }
        let total = pca.explained_variance_ratio.sum();
        assert_number_relative(&name("explained_variance_ratio, sum"), total, 1.0, 1e-12);
    }
    fixture.finish();
}
