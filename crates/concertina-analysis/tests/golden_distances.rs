//! Distances and orthogonal compression, compared with reference numbers (`distances` in the golden fixtures)
//! at their stated tolerance.

use concertina_analysis::{class_distances, compression_beside_class_means, orthogonal_compression};
use concertina_testing::compare::assert_number_relative;
use concertina_testing::golden::Fixture;
use ndarray::{Array2, Axis, Ix2};

const TOLERANCE: f64 = 1e-10;

#[test]
fn golden_distances_agree_pooled_for_each_class_and_for_two_of_the_classes() {
    let Some(fixture) = Fixture::open_part("distances", "pairs") else { return };
    for case in fixture.cases(".H") {
        let (states, labels) = (matrix(&fixture, &format!("{case}.H")), labels(&fixture, &case));
        let found = class_distances(states.view(), &labels).expect("finite");
        let assert = |name: &str, found: Option<f64>, expected: f64| {
            assert_number_relative(&format!("{case} {name}"), found.expect("pairs"), expected, TOLERANCE);
        };
        assert("within", found.within, fixture.scalar(&format!("{case}.d_within")));
        assert("across", found.across, fixture.scalar(&format!("{case}.d_across")));

        let of = |meant: &dyn Fn(u32) -> bool| {
            let samples: Vec<usize> = (0..labels.len()).filter(|sample| meant(labels[*sample])).collect();
            let labels: Vec<u32> = samples.iter().map(|sample| labels[*sample]).collect();
            class_distances(states.select(Axis(0), &samples).view(), &labels).expect("finite")
        };
        for (class, expected) in (0..).zip(fixture.f64(&format!("{case}.d_within_per_class"))) {
            assert(&format!("class {class}"), of(&|label| label == class).within, expected);
        }
        let two = of(&|label| label < 2);
        assert("within of two", two.within, fixture.scalar(&format!("{case}.d_within_two_class")));
        assert("across of two", two.across, fixture.scalar(&format!("{case}.d_across_two_class")));
    }
    fixture.finish();
}

#[test]
fn golden_orthogonal_compression_agrees_for_one_output_for_two_and_beside_class_means() {
    let Some(fixture) = Fixture::open_part("distances", "orthogonal compression") else { return };
    for mixed in ["*.class1_ratio_mixed", "*.ratio_mixed", "*.class1_ratio_mixed_sign_range"] {
        fixture.ignore(mixed, "the published code's product of unrelated bases depends on arbitrary signs");
    }
    for case in fixture.cases(".h0") {
        let array = |name: &str| matrix(&fixture, &format!("{case}.{name}"));
        let (states, initial, readouts) = (array("h"), array("h0"), array("readouts"));
        let labels = labels(&fixture, &case);
        let components = fixture.scalar(&format!("{case}.num_components")) as usize;
        let compression = |outputs: usize| {
            let readout = readouts.slice(ndarray::s![..outputs, ..]).reversed_axes(); // (units, outputs)
            let ratios = orthogonal_compression(states.view(), initial.view(), readout, &labels, components);
            ratios.expect("finite").into_iter().collect::<Option<Vec<f64>>>().expect("defined")
        };
        let assert = |name: &str, found: f64| {
            let expected = fixture.scalar(&format!("{case}.{name}"));
            assert_number_relative(&format!("{case} {name}"), found, expected, TOLERANCE);
        };
        assert("scalar_ratio", compression(1)[0]);
        let two = compression(2);
        assert("class0_ratio", two[0]);
        assert("class1_ratio", two[1]);
        assert("ratio", (two[0] + two[1]) / 2.0);
        let beside_means = compression_beside_class_means(states.view(), initial.view(), &labels);
        assert("input_separation_ratio", beside_means.expect("finite").expect("defined"));
    }
    fixture.finish();
}

fn matrix(fixture: &Fixture, name: &str) -> Array2<f64> {
    fixture.f64(name).into_dimensionality::<Ix2>().expect("a matrix")
}

fn labels(fixture: &Fixture, case: &str) -> Vec<u32> {
    fixture.i64(&format!("{case}.y")).iter().map(|label| *label as u32).collect()
}
