//! Zeros, single samples, equal values, and numbers near both ends of the range: they have closed forms or
//! are refused with a reason.

use concertina_numerics::classify::{LinearSvm, LogisticRegression};
use concertina_numerics::linalg::{Pca, eigenvalues, qr, spectral_radius, svd, symmetric_eigen};
use concertina_numerics::random::{Purpose, Stream};
use concertina_numerics::statistics::gamma::{AnchoredGamma, GammaFit};
use concertina_numerics::statistics::{bootstrap, holm, signed_rank, student, welch};
use ndarray::{Array2, arr2};

const NUMBERS: Purpose = Purpose::new("test numbers");

#[test]
fn a_matrix_of_zeros_has_eigenvalues_and_singular_values_of_zero() {
    for n in [1, 2, 7] {
        let zeros: Array2<f64> = Array2::zeros((n, n));
        assert!(eigenvalues(zeros.view()).expect("eigenvalues").iter().all(|value| value.norm() == 0.0));
        assert_eq!(spectral_radius(zeros.view()), Ok(0.0));
        assert!(svd(zeros.view()).expect("factors").singular_values.iter().all(|value| *value == 0.0));
        assert!(symmetric_eigen(zeros.view()).expect("eigenvalues").0.iter().all(|value| *value == 0.0));
        assert!(qr(zeros.view()).expect("factors").upper.iter().all(|entry| *entry == 0.0));
        let pca = Pca::fit(Array2::zeros((3, n)).view(), n).expect("components");
        assert_eq!((pca.rank, pca.explained_variance_ratio.sum()), (0, 0.0));
    }
}

#[test]
fn a_nilpotent_matrix_has_spectral_radius_zero_and_non_zero_singular_values() {
    let shift = Array2::from_shape_fn((4, 4), |(i, j)| f64::from(i + 1 == j));
    assert_eq!(spectral_radius(shift.view()), Ok(0.0));
    let found = svd(shift.view()).expect("factors").singular_values;
    assert!(
        found.iter().zip([1.0, 1.0, 1.0, 0.0]).all(|(found, expected)| (found - expected).abs() < 1e-15),
        "{found}"
    );
}

/// The range of single precision, which weights and states have.
const SCALES: [f64; 5] = [1e-45, 1e-38, 1.0, 1e30, 3e38];

#[test]
fn spectra_scale_with_the_matrix_over_the_whole_range_of_single_precision() {
    let a = arr2(&[[1.0, 2.0, 0.0], [-2.0, 1.0, 0.5], [0.25, 0.0, 3.0]]);
    let (radius, values) =
        (spectral_radius(a.view()).expect("a radius"), svd(a.view()).expect("factors").singular_values);
    for scale in SCALES {
        let scaled = &a * scale;
        let found = spectral_radius(scaled.view()).expect("a radius");
        assert!((found / scale / radius - 1.0).abs() < 1e-13, "{scale}: {found}");
        let found = svd(scaled.view()).expect("factors").singular_values;
        assert!((&found / scale - &values).iter().all(|off| off.abs() < 1e-13), "{scale}: {found}");
        let samples = &arr2(&[[1.0, 2.0], [-1.0, 0.0], [0.0, 3.0], [2.0, 2.0]]) * scale;
        let pca = Pca::fit(samples.view(), 2).expect("components");
        assert_eq!(pca.rank, 2, "{scale}");
        assert!((pca.explained_variance_ratio.sum() - 1.0).abs() < 1e-14, "{scale}");
    }
}

#[test]
fn a_network_without_loops_has_the_eigenvalues_of_its_diagonal_whatever_the_order_of_its_units() {
    for n in [3, 10, 30, 60] {
        let mut stream = Stream::new(5, NUMBERS, n as u64);
        let mut order: Vec<usize> = (0..n).collect();
        stream.shuffle(&mut order);
        let mut diagonal = vec![0.0; n];
        let mut weights = Array2::zeros((n, n));
        for later in 0..n {
            for earlier in 0..later {
                weights[[order[earlier], order[later]]] = stream.normal();
            }
            diagonal[later] = (later / 2) as f64 / n as f64; // zero for the first two, then in pairs
            weights[[order[later], order[later]]] = diagonal[later];
        }
        diagonal.reverse(); // decreasing
        let found = eigenvalues(weights.view()).expect("eigenvalues");
        assert!(found.iter().all(|value| value.im == 0.0), "{found:?}");
        assert_eq!(found.iter().map(|value| value.re).collect::<Vec<_>>(), diagonal);
    }
}

#[test]
fn blocks_that_feed_one_another_in_one_direction_have_the_eigenvalues_of_each() {
    // A rotation drives a growing unit, which drives another rotation; the units are mixed.
    let mut weights: Array2<f64> = Array2::zeros((5, 5));
    for (one, other, angle) in [(3, 0, 0.5_f64), (4, 2, 1.2)] {
        weights[[one, one]] = angle.cos();
        weights[[other, other]] = angle.cos();
        weights[[one, other]] = angle.sin();
        weights[[other, one]] = -angle.sin();
    }
    weights[[1, 1]] = 1.5;
    weights[[3, 1]] = 1e6;
    weights[[1, 4]] = 1e6;
    let found = eigenvalues(weights.view()).expect("eigenvalues");
    assert_eq!((found[0].re, found[0].im), (1.5, 0.0));
    let mut angles: Vec<f64> = found[1..].iter().map(|value| value.arg()).collect();
    angles.sort_by(f64::total_cmp);
    for (found, expected) in angles.iter().zip([-1.2, -0.5, 0.5, 1.2]) {
        assert!((found - expected).abs() < 1e-14, "{angles:?}");
    }
}

#[test]
fn singular_values_and_eigenvalues_scale_over_the_whole_range_of_double_precision() {
    let a = arr2(&[[1.0, 2.0, 0.0], [-2.0, 1.0, 0.5], [0.25, 0.0, 3.0]]);
    let (radius, values) =
        (spectral_radius(a.view()).expect("a radius"), svd(a.view()).expect("factors").singular_values);
    for scale in [1e-300, 1e-250, 1e-200, 1e-150, 1e150, 1e200, 1e300] {
        let found = svd((&a * scale).view()).expect("factors").singular_values;
        assert!((&found / scale - &values).iter().all(|off| off.abs() < 1e-13), "{scale:e}: {found}");
        let found = spectral_radius((&a * scale).view()).expect("a radius");
        assert!((found / scale / radius - 1.0).abs() < 1e-13, "{scale:e}: {found}");
        let (found, _) = symmetric_eigen((&a.dot(&a.t()) * scale).view()).expect("eigenvalues");
        assert!(
            (&found / scale - &values * &values).iter().all(|off| off.abs() < 1e-13),
            "{scale:e}: {found}"
        );
        let pca = Pca::fit((&arr2(&[[1.0, 2.0], [-1.0, 0.0], [0.0, 3.0]]) * scale).view(), 2);
        let pca = pca.expect("components");
        assert_eq!(pca.rank, 2, "{scale:e}");
        assert!((pca.explained_variance_ratio.sum() - 1.0).abs() < 1e-14, "{scale:e}");
    }
}

#[test]
fn equal_samples_are_assigned_to_the_more_frequent_class() {
    for value in [0.0, 1.0, 1e-45, 3e38] {
        let x = Array2::from_elem((5, 3), value);
        let labels = [0, 1, 1, 1, 0];
        let logistic = LogisticRegression { c: 1.0 }.fit(x.view(), &labels, 2).expect("a fit");
        assert!(logistic.converged, "{value}: {logistic:?}");
        assert_eq!(logistic.accuracy(x.view(), &labels), Ok(0.6), "{value}");
        let svm = LinearSvm { c: 1.0 }.fit(x.view(), &labels, 2).expect("a fit");
        assert!(
            svm.coefficients.iter().chain(&svm.intercepts).all(|weight| weight.is_finite()),
            "{value}: {svm:?}"
        );
        assert_eq!(svm.accuracy(x.view(), &labels), Ok(0.6), "{value}");
    }
    // The optimum: an intercept of ln(3 / 2), and weights of zero.
    let fitted =
        LogisticRegression { c: 1.0 }.fit(Array2::zeros((5, 3)).view(), &[0, 1, 1, 1, 0], 2).expect("a fit");
    assert!(
        (fitted.intercepts[0] - 1.5_f64.ln()).abs() < 1e-12
            && fitted.coefficients.iter().all(|weight| *weight == 0.0)
    );
}

#[test]
fn one_sample_per_class_is_enough_for_a_classifier_and_a_single_class_is_not() {
    let x = arr2(&[[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 2.0]]);
    for classes in [2, 3] {
        let (x, labels) = (x.slice(ndarray::s![..classes, ..]), &[0, 1, 2][..classes]);
        assert_eq!(
            LogisticRegression { c: 1.0 }.fit(x, labels, classes).expect("a fit").accuracy(x, labels),
            Ok(1.0)
        );
        assert_eq!(LinearSvm { c: 1.0 }.fit(x, labels, classes).expect("a fit").accuracy(x, labels), Ok(1.0));
    }
    let error = LogisticRegression { c: 1.0 }.fit(x.view(), &[1, 1, 1], 2).expect_err("no sample of class 0");
    assert!(error.hint().is_some(), "{error}");
    let svm = LinearSvm { c: 1.0 }.fit(x.view(), &[1, 1, 1], 2).expect("its intercept is penalised");
    assert_eq!(svm.accuracy(x.view(), &[1, 1, 1]), Ok(1.0));
    assert!(LogisticRegression { c: 1.0 }.fit(x.view(), &[0, 0, 0], 1).is_err());
}

#[test]
fn welchs_test_does_not_depend_on_the_unit_of_its_samples() {
    let (a, b) = ([1.0, 2.0, 4.0], [3.0, 5.0, 4.5, 6.0]);
    let expected = welch::p_value(&a, &b, 0.0).expect("enough samples");
    for unit in [1e-300, 1e-100, 1e-80, 1e80, 1e100, 1e300] {
        let (a, b) = (a.map(|value| value * unit), b.map(|value| value * unit));
        let found = welch::p_value(&a, &b, 0.0).expect("enough samples");
        assert!((found / expected - 1.0).abs() < 1e-12, "{unit}: {found} should be {expected}");
        let resolved = welch::p_value(&a, &b, 0.5 * unit).expect("enough samples");
        assert!((0.0..=1.0).contains(&resolved), "{unit}: {resolved}");
    }
}

#[test]
fn nan_and_infinite_samples_have_no_p_value() {
    assert_eq!(welch::p_value(&[1.0, f64::NAN], &[1.0, 2.0], 0.0), None);
    assert_eq!(welch::p_value(&[1.0, 2.0], &[1.0, f64::INFINITY], 0.0), None);
    assert_eq!(signed_rank::p_above(&[1.0, f64::NAN]), None);
}

#[test]
fn single_and_equal_values_have_the_statistics_that_are_defined() {
    assert_eq!(signed_rank::p_above(&[1.0]), Some(0.5));
    assert_eq!(signed_rank::p_above(&[-1.0]), Some(1.0));
    assert_eq!(signed_rank::p_above(&[0.0]), Some(1.0));
    assert_eq!(signed_rank::p_above(&[2.0; 4]), Some(1.0 / 16.0));
    assert_eq!(signed_rank::p_above(&[5e-324; 4]), Some(1.0 / 16.0));
    assert_eq!(signed_rank::p_above(&[f64::INFINITY, 1.0]), Some(0.25));
    assert!(signed_rank::p_above(&vec![1.0; 400]).is_some_and(|p| p > 0.0 && p < 1e-100));
    assert_eq!(student::mean_interval(&[0.0; 3], 0.95), Some((0.0, 0.0)));
    assert_eq!(student::mean_interval(&[1.0], 0.95), None);
    assert_eq!(holm::adjusted(&[0.5]), [0.5]);
    let one = bootstrap::mean_interval(&[3.0], 0.95, 10, |_| 0).expect("an interval");
    assert_eq!((one.mean, one.low, one.high), (3.0, 3.0, 3.0));
}

#[test]
fn gamma_fits_of_samples_of_very_different_size_are_distributions() {
    for samples in
        [&[1e-20, 1.0][..], &[1e-300, 1.0, 2.0], &[5e-324, 1e300], &[1.0, 1e17], &[1e-5, 1e-4, 1e12]]
    {
        let fit = GammaFit::fit(samples, 0.0).expect("samples are above the location");
        let GammaFit::Distribution { shape, scale, .. } = fit else { panic!("{samples:?}: {fit:?}") };
        assert!(shape > 0.0 && shape.is_finite() && scale > 0.0 && scale.is_finite(), "{samples:?}: {fit:?}");
        let (low, high) = fit.central_interval(0.75).expect("an interval");
        assert!(low <= fit.median() && fit.median() <= high && high.is_finite(), "{samples:?}: {low} {high}");
    }
}

/// The equation of the maximum is `ln k - ψ(k) = ln mean - mean of ln`. For a small shape,
/// `ψ(k) = -1/k - γ + O(k)`.
#[test]
fn the_shape_fitted_to_two_samples_a_hundred_decades_apart_solves_its_equation() {
    let fit = GammaFit::fit(&[1e-100, 1.0], 0.0).expect("a fit");
    let GammaFit::Distribution { shape, scale, .. } = fit else { panic!("{fit:?}") };
    let spread = 0.5_f64.ln() + 50.0 * std::f64::consts::LN_10;
    const EULER: f64 = 0.577_215_664_901_532_9;
    let left = shape.ln() + 1.0 / shape + EULER;
    assert!((left - spread).abs() < 0.02, "{left} should be {spread}");
    assert!((shape * scale - 0.5).abs() < 1e-12);
}

#[test]
fn gamma_fits_of_one_value_of_equal_values_and_of_zeros_are_points() {
    for value in [0.0, 1.0, 0.9999, 5e-324, 1e300, -3.0] {
        for count in [1, 2, 30] {
            let fit = AnchoredGamma::fit(&vec![value; count], 0.9999, 0.0, false).expect("a point");
            assert_eq!((fit.median(), fit.central_interval(0.75)), (value, Ok((value, value))));
        }
    }
}
