//! Effective dimensions, compared with reference numbers (`dimension` in the golden fixtures) at their stated
//! tolerances.

mod common;

use concertina_analysis::effective_dimension;
use concertina_model::network::{Network, Weights};
use concertina_model::task::Inputs;
use concertina_testing::compare::{assert_close, assert_number_relative};
use concertina_testing::golden::Fixture;
use ndarray::{Array1, Array2, Array3, ArrayView2, Axis, Ix1, Ix2, Ix3};

#[test]
fn golden_dimension_agrees_in_both_precisions_and_along_trials() {
    let Some(fixture) = Fixture::open_part("dimension", "dimension") else { return };
    for case in fixture.cases(".X").iter().filter(|case| *case != "rnn") {
        let x = matrix(&fixture, &format!("{case}.X"));
        if !fixture.has(&format!("{case}.dimension")) {
            assert_eq!(effective_dimension(x.view()).expect("finite"), None, "{case} has no variance");
            continue;
        }
        let found = effective_dimension(x.view()).expect("finite").expect("it has variance");
        for name in ["dimension", "dimension_swapped"] {
            assert_number_relative(case, found, fixture.scalar(&format!("{case}.{name}")), 1e-10);
        }
        let single = x.mapv(|entry| entry as f32);
        let found = effective_dimension(single.view()).expect("finite").expect("it has variance");
        assert_number_relative(case, found, fixture.scalar(&format!("{case}.dimension_float32")), 1e-5);
    }
    for case in fixture.cases(".hid") {
        along_trials(&fixture, &case);
    }
    fixture.finish();
}

/// Compares the dimensions of the stored states, of states recomputed in f64, and of the states of our
/// network in f32.
fn along_trials(fixture: &Fixture, case: &str) {
    let stored =
        fixture.f64(&format!("{case}.hid")).into_dimensionality::<Ix3>().expect("(time, trials, units)");
    let expected = fixture.f64(&format!("{case}.dimension")).into_dimensionality::<Ix1>().expect("a vector");
    let hold = fixture.scalar(&format!("{case}.n_hold")) as usize;
    let (inputs, input_weights) = (matrix(fixture, "rnn.X"), matrix(fixture, "rnn.Win"));
    let (recurrent, bias) = (
        matrix(fixture, "rnn.Wrec"),
        fixture.f64("rnn.brec").into_dimensionality::<Ix1>().expect("a vector"),
    );
    let dimension =
        |states: ArrayView2<f64>| effective_dimension(states).expect("finite").expect("it has variance");

    let mut state = Array2::zeros((inputs.nrows(), recurrent.nrows()));
    assert_number_relative(&format!("{case} inputs"), dimension(inputs.view()), expected[0], 1e-10);
    for (step, stored) in stored.outer_iter().enumerate() {
        let what = format!("{case} step {step}");
        let shown = if step < hold { inputs.dot(&input_weights) } else { Array2::zeros(state.dim()) };
        state = (state.dot(&recurrent) + shown + &bias).mapv(f64::tanh);
        assert_close(&what, state.view(), stored, 1e-12);
        assert_number_relative(&what, dimension(stored), expected[step + 1], 1e-10);
    }

    let (network, steps) =
        (network(&inputs, &input_weights, &recurrent, &bias, hold), stored.len_of(Axis(0)));
    let states: Array3<f32> = network
        .states(&Inputs::Held { stimuli: inputs.mapv(|entry| entry as f32), hold }, steps)
        .expect("shapes agree");
    for step in 0..steps {
        let found =
            effective_dimension(states.index_axis(Axis(1), step)).expect("finite").expect("it has variance");
        assert_number_relative(
            &format!("{case} step {step} of the network"),
            found,
            expected[step + 1],
            1e-5,
        );
    }
}

fn network(
    inputs: &Array2<f64>,
    input_weights: &Array2<f64>,
    recurrent: &Array2<f64>,
    bias: &Array1<f64>,
    hold: usize,
) -> Network {
    let mut params = common::small();
    params.task.input_dim = inputs.ncols();
    params.task.hold = hold;
    params.network.units = recurrent.nrows();
    let outputs = params.task.classes;
    let single = |weights: &Array2<f64>| weights.mapv(|weight| weight as f32);
    let weights = Weights {
        input: single(input_weights),
        recurrent: vec![single(recurrent)],
        biases: vec![bias.mapv(|entry| entry as f32)],
        readout: Array2::zeros((recurrent.nrows(), outputs)),
        readout_bias: Array1::zeros(outputs),
        initial_state: None,
    };
    Network::new(&params.check().expect("valid"), weights).expect("finite weights")
}

fn matrix(fixture: &Fixture, name: &str) -> Array2<f64> {
    fixture.f64(name).into_dimensionality::<Ix2>().expect("a matrix")
}
