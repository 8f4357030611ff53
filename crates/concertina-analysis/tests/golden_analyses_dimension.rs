//! Intrinsic dimensions, compared with reference numbers at their stated tolerances.

use concertina_analysis::{IntrinsicDimension, intrinsic_dimension};
use concertina_testing::compare::{assert_number_relative, assert_relative};
use concertina_testing::golden::{Fixture, analyses};
use ndarray::{ArrayView1, Ix1, Ix2};

const TOLERANCE: f64 = 1e-10;

/// Compares a number if the cloud has it.
fn compare(fixture: &Fixture, name: &str, found: Option<f64>) {
    if fixture.has(name) {
        assert_number_relative(name, found.expect("defined"), fixture.scalar(name), TOLERANCE);
    }
}

fn compare_all(fixture: &Fixture, name: &str, found: Option<&[f64]>) {
    if fixture.has(name) {
        let expected = fixture.f64(name).into_dimensionality::<Ix1>().expect("a vector");
        assert_relative(name, ArrayView1::from(found.expect("defined")), expected.view(), TOLERANCE);
    }
}

#[test]
fn golden_analyses_intrinsic_dimensions_are_those_of_other_programs() {
    let Some(fixture) = analyses::open("intrinsic_dimension", &["*"]) else { return };
    for cloud in fixture.cases(".X") {
        let name = |array: &str| format!("{cloud}.{array}");
        let states = fixture.f64(&name("X")).into_dimensionality::<Ix2>().expect("a matrix");
        let mut settings = IntrinsicDimension::default();
        if fixture.has(&name("k1")) {
            settings.k_min = fixture.scalar(&name("k1")) as usize;
            settings.k_max = fixture.scalar(&name("k2")) as usize;
        }
        let found = intrinsic_dimension(&settings, states.view()).expect("finite");

        let count = |array: &str, found: Option<usize>| {
            if fixture.has(&name(array)) {
                assert_eq!(
                    found.map(|found| found as f64),
                    Some(fixture.scalar(&name(array))),
                    "{cloud}.{array}"
                );
            }
        };
        count("distinct", Some(states.nrows() - found.duplicates));
        count("components_90", found.components_90);
        compare(&fixture, &name("twonn"), found.twonn.map(|twonn| twonn.dimension));
        compare(&fixture, &name("twonn_ml"), found.twonn.map(|twonn| twonn.ml));
        compare(&fixture, &name("twonn_ml_unbiased"), found.twonn.map(|twonn| twonn.ml_unbiased));
        compare(&fixture, &name("twonn_ml_censored"), found.twonn.map(|twonn| twonn.ml_censored));
        let levina_bickel = found.levina_bickel.as_ref();
        compare(&fixture, &name("levina_bickel"), levina_bickel.map(|found| found.dimension));
        compare_all(&fixture, &name("levina_bickel_k"), levina_bickel.map(|found| &*found.by_neighbours));
        let correlation = found.correlation.as_ref();
        compare(&fixture, &name("correlation"), correlation.map(|found| found.dimension));
        compare(&fixture, &name("correlation_two_radii"), correlation.map(|found| found.between_ends));
        compare_all(&fixture, &name("radii"), correlation.map(|found| &*found.radii));
        compare_all(&fixture, &name("correlation_sum"), correlation.map(|found| &*found.shares));
        let participation = found.participation.expect("the cloud has variance");
        compare(&fixture, &name("participation"), Some(participation.ratio));
        for (array, found) in [
            ("participation_corrected", participation.corrected),
            ("participation_corrected_both", participation.corrected_both),
        ] {
            if fixture.scalar(&name(array)) > 0.0 {
                compare(&fixture, &name(array), found);
            } else {
                // the fixture has the quotient of estimates even if one is not positive
                assert_eq!(found, None, "{cloud}.{array}");
            }
        }
        compare(&fixture, &name("tr_C_squared"), participation.squared_trace);
        compare(&fixture, &name("tr_C2"), participation.trace_of_square);
    }
    fixture.finish();
}
