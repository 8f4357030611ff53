//! Centred kernel alignment: reference numbers, closed forms, and undefined cases.

use concertina_analysis::{Error, cka, cka_debiased};
use concertina_numerics::linalg::orthogonal_factor;
use concertina_numerics::random::{Purpose, Stream};
use concertina_testing::compare::assert_number;
use concertina_testing::golden::{Fixture, analyses};
use ndarray::{Array2, ArrayView2, Axis, Ix2, Ix3, arr2};

/// The tolerance that the fixture states.
const TOLERANCE: f64 = 1e-10;

fn normal(samples: usize, units: usize, number: u64) -> Array2<f64> {
    let mut stream = Stream::new(number, Purpose::new("cka of clouds"), 0);
    Array2::from_shape_simple_fn((samples, units), || stream.normal())
}

fn matrix(fixture: &Fixture, name: &str) -> Array2<f64> {
    fixture.f64(name).into_dimensionality::<Ix2>().expect("a matrix")
}

#[test]
fn golden_analyses_alignments_are_those_of_other_programs() {
    let arrays = ["*.X", "*.Y", "*.cka", "*.cka_debiased", "time.states"];
    let Some(fixture) = analyses::open("representation_similarity", &arrays) else { return };
    for case in fixture.cases(".X") {
        let (x, y) = (matrix(&fixture, &format!("{case}.X")), matrix(&fixture, &format!("{case}.Y")));
        let expected = fixture.scalar(&format!("{case}.cka"));
        assert_number(&case, cka(x.view(), y.view()).expect("finite").expect("defined"), expected, TOLERANCE);
        let name = format!("{case}.cka_debiased");
        if fixture.has(&name) {
            let found = cka_debiased(x.view(), y.view()).expect("finite").expect("defined");
            assert_number(&name, found, fixture.scalar(&name), TOLERANCE);
        }
    }
    let states = fixture.f64("time.states").into_dimensionality::<Ix3>().expect("three axes");
    let (biased, debiased) = (matrix(&fixture, "time.cka"), matrix(&fixture, "time.cka_debiased"));
    for ((now, then), expected) in biased.indexed_iter() {
        let (x, y) = (states.index_axis(Axis(0), now), states.index_axis(Axis(0), then));
        assert_number("time", cka(x, y).expect("finite").expect("defined"), *expected, TOLERANCE);
        let found = cka_debiased(x, y).expect("finite").expect("defined");
        assert_number("time, debiased", found, debiased[[now, then]], TOLERANCE);
    }
    fixture.finish();
}

#[test]
fn rotations_scalings_and_shifts_change_nothing() {
    let x = normal(60, 5, 1).mapv(|entry| entry as f32);
    let rotation = orthogonal_factor(normal(5, 5, 2).view()).expect("a rotation").mapv(|entry| entry as f32);
    let y = x.dot(&rotation) * 250.0 + 30.0;
    assert_number("cka", cka(x.view(), y.view()).expect("finite").expect("defined"), 1.0, 1e-5);
    assert_number("debiased", cka_debiased(x.view(), y.view()).expect("finite").expect("defined"), 1.0, 1e-5);
}

#[test]
fn independent_clouds_have_the_debiased_mean_zero_and_a_biased_one_above() {
    let pairs: Vec<(f64, f64)> = (0..400)
        .map(|number| {
            let (x, y) = (normal(20, 30, 2 * number), normal(20, 30, 2 * number + 1));
            let biased = cka(x.view(), y.view()).expect("finite").expect("defined");
            (biased, cka_debiased(x.view(), y.view()).expect("finite").expect("defined"))
        })
        .collect();
    let mean = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / pairs.len() as f64;
    assert!(mean(|pair| pair.0) > 0.5, "few samples of many units look alike");
    let debiased = mean(|pair| pair.1);
    let variance =
        pairs.iter().map(|pair| (pair.1 - debiased).powi(2)).sum::<f64>() / (pairs.len() - 1) as f64;
    let standard_error = (variance / pairs.len() as f64).sqrt();
    assert!(debiased.abs() < 4.0 * standard_error, "{debiased} ± {standard_error}");
}

#[test]
fn few_units_and_many_give_the_same_by_either_product() {
    // with 40 samples, 3 by 3 units use one product and 200 by 200 the other; padding with constant units
    // changes nothing
    let (x, y) = (normal(40, 3, 5), normal(40, 3, 6));
    let wide = |narrow: &Array2<f64>| {
        let mut wide = Array2::from_elem((40, 200), 7.0);
        wide.slice_mut(ndarray::s![.., ..3]).assign(narrow);
        wide
    };
    let (few, many) = (cka(x.view(), y.view()), cka(wide(&x).view(), wide(&y).view()));
    assert_number(
        "cka",
        few.expect("finite").expect("defined"),
        many.expect("finite").expect("defined"),
        1e-12,
    );
}

#[test]
fn undefined_alignments_are_none_and_invalid_states_are_errors() {
    let (x, point) = (normal(6, 3, 7), Array2::from_elem((6, 2), 0.3));
    assert_eq!(cka(x.view(), point.view()).expect("finite"), None);
    assert_eq!(cka_debiased(point.view(), x.view()).expect("finite"), None);
    assert_eq!(cka(x.view(), Array2::<f32>::zeros((6, 0)).view()).expect("finite"), None);
    let refused = |x: ArrayView2<f64>, y: ArrayView2<f64>| cka_debiased(x, y).expect_err("refused");
    let three = x.slice(ndarray::s![..3, ..]);
    assert!(matches!(refused(three, three), Error::TooFewSamples { expected: 4, found: 3, .. }));
    assert_eq!(
        refused(x.view(), three).to_string(),
        "second states: expected (samples, units) = (6, any), as the first, found [3, 3]"
    );
    let mut wrong = x.clone();
    wrong[[2, 1]] = f64::NAN;
    assert_eq!(
        refused(x.view(), wrong.view()).to_string(),
        "second states: expected finite numbers, found NaN at sample 2, unit 1"
    );
    // at both ends of the range of numbers
    let far = arr2(&[[1e300, 0.0], [-1e300, 1e299], [0.0, 2e300]]);
    assert_number("large", cka(far.view(), far.view()).expect("finite").expect("defined"), 1.0, 1e-12);
}
