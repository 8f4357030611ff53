//! Procrustes distances and dissimilarity matrices, compared with reference numbers at their stated
//! tolerances. `tests/cka.rs` does the same for centred kernel alignment.

use concertina_analysis::{RdmDistance, procrustes_angle, rdm, rdm_similarity};
use concertina_testing::compare::{assert_close, assert_number};
use concertina_testing::golden::{Fixture, analyses};
use ndarray::{Array2, ArrayView2, Axis, Ix1, Ix2, Ix3};

const TOLERANCE: f64 = 1e-10;
/// With an offset of a thousand times the states, fewer digits are left.
const WITH_OFFSET: f64 = 1e-8;

const DISTANCES: [(&str, RdmDistance); 3] = [
    ("euclidean", RdmDistance::Euclidean),
    ("sqeuclidean", RdmDistance::Sqeuclidean),
    ("correlation", RdmDistance::Correlation),
];

fn matrix(fixture: &Fixture, name: &str) -> Array2<f64> {
    fixture.f64(name).into_dimensionality::<Ix2>().expect("a matrix")
}

/// Each measure of a pair with its name in the fixture.
fn measures(x: ArrayView2<f64>, y: ArrayView2<f64>) -> Vec<(String, Option<f64>)> {
    let mut all = vec![("procrustes".to_owned(), procrustes_angle(x, y).expect("finite"))];
    for (name, distance) in DISTANCES {
        let found = rdm_similarity(x, y, distance).expect("finite");
        all.push((format!("rdm_{name}_pearson"), found.map(|found| found.pearson)));
        all.push((format!("rdm_{name}_spearman"), found.map(|found| found.spearman)));
    }
    all
}

#[test]
fn golden_analyses_distances_of_shapes_and_of_dissimilarity_matrices() {
    let arrays = ["*.X", "*.Y", "*.procrustes", "*.rdm_*", "time.states"];
    let Some(fixture) = analyses::open("representation_similarity", &arrays) else { return };
    let mut compared = 0;
    for case in fixture.cases(".X") {
        let (x, y) = (matrix(&fixture, &format!("{case}.X")), matrix(&fixture, &format!("{case}.Y")));
        let tolerance = if case == "offset" { WITH_OFFSET } else { TOLERANCE };
        for (name, found) in measures(x.view(), y.view()) {
            let name = format!("{case}.{name}");
            if fixture.has(&name) {
                assert_number(&name, found.expect("defined"), fixture.scalar(&name), tolerance);
                compared += 1;
            }
        }
        for (name, distance) in DISTANCES {
            let name = format!("{case}.rdm_{name}_X");
            if fixture.has(&name) {
                let found = rdm(x.view(), distance).expect("finite").expect("defined");
                let expected = fixture.f64(&name).into_dimensionality::<Ix1>().expect("a vector");
                assert_close(&name, found.view(), expected.view(), TOLERANCE);
            }
        }
    }
    assert!(compared > 0);
    let states = fixture.f64("time.states").into_dimensionality::<Ix3>().expect("three axes");
    let steps = states.len_of(Axis(0));
    for now in 0..steps {
        for then in 0..steps {
            let (x, y) = (states.index_axis(Axis(0), now), states.index_axis(Axis(0), then));
            for (name, found) in measures(x, y) {
                let name = format!("time.{name}");
                if fixture.has(&name) {
                    let expected = matrix(&fixture, &name)[[now, then]];
                    assert_number(&name, found.expect("defined"), expected, TOLERANCE);
                }
            }
        }
    }
    fixture.finish();
}
