//! Cross-validated classifiers over time, compared with reference numbers at their stated tolerances.

use concertina_analysis::{Decoding, decoding};
use concertina_testing::compare::assert_close;
use concertina_testing::golden::analyses;
use ndarray::{Array1, Array2, Ix1, Ix2, Ix3, Ix4, s};

/// Of the coefficients. Accuracies are exact, up to the rounding of a quotient and a mean.
const TOLERANCE: f64 = 1e-8;
const QUOTIENT: f64 = 1e-15;

#[test]
fn golden_analyses_classifiers_and_accuracies_are_those_of_other_programs() {
    let Some(fixture) = analyses::open("decoding", &["*"]) else { return };
    for set in fixture.cases(".states") {
        let name = |array: &str| format!("{set}.{array}");
        let numbers = |array: &str| fixture.i64(&name(array)).into_iter().collect::<Vec<i64>>();
        let labels: Vec<u32> = numbers("y").into_iter().map(|label| label as u32).collect();
        let folds: Vec<usize> = numbers("fold").into_iter().map(|fold| fold as usize).collect();
        let states = fixture.f64(&name("states")).into_dimensionality::<Ix3>().expect("three axes");
        let found =
            decoding(&Decoding::default(), states.view(), &labels, Some(&folds), 0).expect("it applies");
        assert!(found.converged, "{set}");
        assert_eq!(found.classifiers.len(), fixture.scalar(&name("folds")) as usize);

        let expected = fixture.f64(&name("accuracy")).into_dimensionality::<Ix3>().expect("three axes");
        assert_close(&name("accuracy"), found.accuracy.view(), expected.view(), QUOTIENT);
        let across = fixture.f64(&name("across")).into_dimensionality::<Ix2>().expect("a matrix");
        assert_close(&name("across"), found.across().view(), across.view(), QUOTIENT);
        let same = fixture.f64(&name("same")).into_dimensionality::<Ix1>().expect("a vector");
        assert_close(&name("same"), found.across().diag(), same.view(), QUOTIENT);

        let weights = fixture.f64(&name("coef")).into_dimensionality::<Ix4>().expect("four axes");
        let intercepts = fixture.f64(&name("intercept")).into_dimensionality::<Ix3>().expect("three axes");
        for (fold, classifiers) in found.classifiers.iter().enumerate() {
            for (timestep, classifier) in classifiers.iter().enumerate() {
                // two classes: half of the coefficients for each, with opposite signs
                let (mut rows, mut constants) =
                    (classifier.coefficients.clone(), classifier.intercepts.clone());
                if rows.nrows() == 1 {
                    let signs = Array2::from_shape_vec((2, 1), vec![-0.5, 0.5]).expect("a column");
                    rows = signs.dot(&rows);
                    constants = Array1::from(vec![-constants[0] / 2.0, constants[0] / 2.0]);
                }
                let what = format!("{set}, fold {fold}, timestep {timestep}");
                assert_close(&what, rows.view(), weights.slice(s![fold, timestep, .., ..]), TOLERANCE);
                assert_close(&what, constants.view(), intercepts.slice(s![fold, timestep, ..]), TOLERANCE);
            }
        }
    }
    fixture.finish();
}
