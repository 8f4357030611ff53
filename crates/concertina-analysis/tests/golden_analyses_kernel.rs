//! Tangent kernels and their measures, compared with reference numbers at their stated tolerances.

use concertina_analysis::kernel::{
    Tangents, centred_alignment, kernel_alignment, kernel_distance, kernel_spectrum, label_kernel,
    weight_change,
};
use concertina_model::network::{Connectivity, Equations, Weights};
use concertina_model::params::{LossKind, NetworkKind, Nonlinearity};
use concertina_model::reference::Parameters;
use concertina_model::task::Inputs;
use concertina_testing::compare::{assert_close, assert_close_to_largest, assert_number};
use concertina_testing::golden::{Fixture, analyses};
use ndarray::{Array1, Array2, Ix1, Ix2};

/// The tolerances that the fixture states.
const KERNELS: f64 = 1e-11;
const MEASURES: f64 = 1e-10;
const SINGULAR_VALUES: f64 = 1e-12;

fn matrix(fixture: &Fixture, name: &str) -> Array2<f64> {
    fixture.f64(name).into_dimensionality::<Ix2>().expect("a matrix")
}

fn vector(fixture: &Fixture, name: &str) -> Array1<f64> {
    fixture.f64(name).into_dimensionality::<Ix1>().expect("a vector")
}

fn labels(fixture: &Fixture, case: &str) -> Vec<u32> {
    fixture.i64(&format!("{case}.y")).iter().map(|label| *label as u32).collect()
}

fn assert_measure(what: &str, found: Option<f64>, expected: f64) {
    assert_number(what, found.expect("defined"), expected, MEASURES * expected.abs().max(1.0));
}

/// The alignments with the labels under this prefix, and the ranks if there are any.
fn check_measures(fixture: &Fixture, prefix: &str, kernel: &Array2<f64>, labels: &[u32]) {
    let same = label_kernel(labels);
    let name = format!("{prefix}.label_alignment");
    let found = kernel_alignment(kernel.view(), same.view()).expect("finite");
    assert_measure(&name, found, fixture.scalar(&name));
    let name = format!("{prefix}.label_alignment_centred");
    let found = centred_alignment(kernel.view(), same.view()).expect("finite");
    assert_measure(&name, found, fixture.scalar(&name));
    let name = format!("{prefix}.label_alignment_signed");
    if fixture.has(&name) {
        let signed = same.mapv(|same| 2.0 * same - 1.0);
        let found = kernel_alignment(kernel.view(), signed.view()).expect("finite");
        assert_measure(&name, found, fixture.scalar(&name));
    }
    let name = format!("{prefix}.eigenvalues");
    if fixture.has(&name) {
        let (values, ranks) = kernel_spectrum(kernel.view()).expect("finite");
        let ranks = ranks.expect("not zero");
        assert_close_to_largest(&name, Array1::from(values).view(), vector(fixture, &name).view(), KERNELS);
        let of_entropy = format!("{prefix}.effective_rank");
        assert_measure(&of_entropy, Some(ranks.effective_rank), fixture.scalar(&of_entropy));
        let of_squares = format!("{prefix}.participation");
        assert_measure(&of_squares, Some(ranks.participation), fixture.scalar(&of_squares));
    }
}

#[test]
fn golden_analyses_tangent_kernels_and_their_measures() {
    let Some(fixture) = analyses::open("kernel", &["*"]) else { return };
    for case in fixture.cases(".K") {
        check_measures(&fixture, &case, &matrix(&fixture, &format!("{case}.K")), &labels(&fixture, &case));
    }
    for case in fixture.cases(".T") {
        let is_rate = fixture.has(&format!("{case}.alpha"));
        let equations = Equations {
            kind: if is_rate { NetworkKind::Rate } else { NetworkKind::Vanilla },
            nonlinearity: if case == "linear" { Nonlinearity::Linear } else { Nonlinearity::Tanh },
            dt: if is_rate { fixture.scalar(&format!("{case}.alpha")) } else { 1.0 },
            leak: true,
            steps: fixture.scalar(&format!("{case}.T")) as usize,
            hold: fixture.scalar(&format!("{case}.hold")) as usize,
            evaluate: 1,
            loss: LossKind::CrossEntropy,
        };
        let stimuli = matrix(&fixture, &format!("{case}.X"));
        let read_at = vec![equations.steps - 1; stimuli.nrows()];
        let inputs = Inputs::Held { stimuli, hold: equations.hold };
        let mut totals = Vec::new();
        let mut all = Vec::new();
        for stage in ["before", "after"] {
            let array = |name: &str| format!("{case}.{stage}.{name}");
            let arrays = Parameters {
                input: matrix(&fixture, &format!("{case}.U")),
                recurrent: vec![matrix(&fixture, &array("W"))],
                biases: vec![vector(&fixture, &array("b"))],
                readout: matrix(&fixture, &array("R")),
                readout_bias: vector(&fixture, &array("c")),
                initial_state: None,
            };
            let connectivity = Connectivity::full(&shapes_of(&arrays));
            let trained = [false, true, true, true, true];
            let tangents = Tangents {
                equations: &equations,
                connectivity: &connectivity,
                arrays: &arrays,
                trained: &trained,
            };
            let found = tangents.kernels(&inputs, &read_at).expect("finite");
            assert!(found.blocks[0].is_none());
            assert_close(&case, found.outputs.view(), matrix(&fixture, &array("outputs")).view(), 1e-12);
            for (block, name) in found.blocks[1..].iter().zip(["W", "b", "R", "c"]) {
                let name = array(&format!("kernel_{name}"));
                let block = block.as_ref().expect("trained");
                assert_close_to_largest(&name, block.view(), matrix(&fixture, &name).view(), KERNELS);
            }
            let total = found.total();
            let name = array("kernel");
            assert_close_to_largest(&name, total.view(), matrix(&fixture, &name).view(), KERNELS);
            check_measures(&fixture, &format!("{case}.{stage}"), &total, &labels(&fixture, &case));
            totals.push(total);
            all.push(arrays);
        }
        let (before, after) = (totals[0].view(), totals[1].view());
        let name = format!("{case}.kernel_distance");
        assert_measure(&name, kernel_distance(after, before).expect("finite"), fixture.scalar(&name));
        let name = format!("{case}.kernel_alignment_uncentred");
        assert_measure(&name, kernel_alignment(after, before).expect("finite"), fixture.scalar(&name));
        for (matrix, before, after) in
            [("W", &all[0].recurrent[0], &all[1].recurrent[0]), ("R", &all[0].readout, &all[1].readout)]
        {
            let change = weight_change(before.view(), after.view()).expect("finite");
            let name = |of: &str| format!("{case}.change_{matrix}.{of}");
            let expected = vector(&fixture, &name("singular_values"));
            assert_close_to_largest(
                &name("singular_values"),
                Array1::from(change.singular_values).view(),
                expected.view(),
                SINGULAR_VALUES,
            );
            let ranks = change.ranks.expect("it changed");
            for (of, found) in [
                ("relative", change.relative),
                ("effective_rank", Some(ranks.effective_rank)),
                ("participation", Some(ranks.participation)),
                ("stable_rank", change.stable_rank),
            ] {
                assert_measure(&name(of), found, fixture.scalar(&name(of)));
            }
        }
    }
    fixture.finish();
}

/// Weights of the same shapes.
fn shapes_of(arrays: &Parameters) -> Weights {
    Weights {
        input: arrays.input.mapv(|entry| entry as f32),
        recurrent: arrays.recurrent.iter().map(|matrix| matrix.mapv(|entry| entry as f32)).collect(),
        biases: arrays.biases.iter().map(|bias| bias.mapv(|entry| entry as f32)).collect(),
        readout: arrays.readout.mapv(|entry| entry as f32),
        readout_bias: arrays.readout_bias.mapv(|entry| entry as f32),
        initial_state: None,
    }
}
