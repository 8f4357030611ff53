//! A gated network from end to end: trained, interrupted, stored, imported, analysed.

mod support;

use std::collections::BTreeMap;

use concertina::analyses::AnalysisSpec;
use concertina::model::network::{Network, Weights};
use concertina::model::params::{NetworkKind, Params, Sweep};
use concertina::model::task::{Ask, Inputs};
use concertina::{Import, Outcome};
use concertina_arrays::Npz;
use ndarray::{Array2, ArrayD, Axis};
use support::open;

fn params() -> Params {
    let mut params = Params::default();
    params.network.kind = NetworkKind::Gru;
    (params.network.units, params.network.gain) = (20, Some(1.0));
    (params.task.input_dim, params.task.clusters, params.task.delay) = (6, 8, 5);
    (params.task.train_samples, params.train.epochs) = (60, 4);
    params
}

/// Plain loops in f64: `nn.GRU` as written in its documentation.
fn states(weights: &Weights, stimulus: &[f32], steps: usize) -> Vec<Vec<f64>> {
    let units = weights.recurrent[0].nrows();
    let sigmoid = |a: f64| 1.0 / (1.0 + (-a).exp());
    let mut state = vec![0.0; units];
    let mut states = Vec::new();
    for step in 0..steps {
        let input = |column: usize| -> f64 {
            let shown = if step == 0 { stimulus } else { &[] };
            let sum: f64 = shown
                .iter()
                .enumerate()
                .map(|(i, x)| f64::from(*x) * f64::from(weights.input[[i, column]]))
                .sum();
            sum + f64::from(weights.biases[0][column])
        };
        let recurrent = |column: usize| -> f64 {
            let sum: f64 = (0..units).map(|i| state[i] * f64::from(weights.recurrent[0][[i, column]])).sum();
            sum + f64::from(weights.biases[1][column])
        };
        let next = |unit: usize| {
            let reset = sigmoid(input(unit) + recurrent(unit));
            let update = sigmoid(input(units + unit) + recurrent(units + unit));
            let candidate = (input(2 * units + unit) + reset * recurrent(2 * units + unit)).tanh();
            (1.0 - update) * candidate + update * state[unit]
        };
        state = (0..units).map(next).collect();
        states.push(state.clone());
    }
    states
}

fn assert_states(network: &Network, inputs: &Inputs, steps: usize) {
    let found = network.states(inputs, steps).expect("shapes agree");
    let stimuli = inputs.stimuli().expect("held");
    for (trial, stimulus) in stimuli.outer_iter().enumerate() {
        let expected = states(network.weights(), &stimulus.to_vec(), steps);
        for (step, state) in expected.iter().enumerate() {
            for (unit, value) in state.iter().enumerate() {
                let found = f64::from(found[[trial, step, unit]]);
                assert!((found - value).abs() < 1e-5, "{trial} {step} {unit}: {found} and {value}");
            }
        }
    }
}

#[test]
fn a_gru_is_trained_extended_bit_for_bit_and_analysed_by_every_analysis_that_applies() {
    let folder = tempfile::tempdir().expect("a folder");
    let sweep = |epochs: u64| {
        let mut params = params();
        params.train.epochs = epochs;
        Sweep::of(params).check().expect("valid")
    };
    let whole = open(&folder.path().join("whole"), 1).train(&sweep(4)).expect("trains");
    let study = open(&folder.path().join("parts"), 1);
    study.train(&sweep(2)).expect("trains");
    let parts = study.train(&sweep(4)).expect("extends");
    assert_eq!(parts.first().outcome(), &Outcome::Complete);
    for checkpoint in whole.first().checkpoints() {
        let of = |runs: &concertina::Runs| runs.first().weights(checkpoint).expect("kept");
        assert_eq!(of(&whole), of(&parts), "{checkpoint}");
    }
    let run = parts.first();
    let network = run.network(run.last_checkpoint()).expect("kept");
    let trials = run.task().expect("the clusters fit").trials(Ask::Analysis { count: 12 });
    assert_states(&network, &trials.inputs, 5);
    for name in AnalysisSpec::NAMES {
        let analysis = AnalysisSpec::named(name).expect("known");
        match parts.analyse(&analysis) {
            Ok(table) => assert!(!table.is_empty(), "{name}"),
            Err(error) => {
                assert_eq!(*name, "spectrum", "{error}");
                assert!(error.to_string().contains("its units have gates"), "{error}");
            }
        }
    }
}

#[test]
fn a_gru_from_pytorch_is_imported_by_its_names() {
    let network = Network::initial(&params().check().expect("valid")).expect("drawn");
    let mut weights = network.weights().clone();
    for (place, bias) in weights.biases.iter_mut().enumerate() {
        bias.iter_mut()
            .enumerate()
            .for_each(|(unit, value)| *value = ((3 * unit + place) as f32).sin() / 3.0);
    }
    let network = Network::new(&params().check().expect("valid"), weights.clone()).expect("finite");
    let transposed = |array: &Array2<f32>| array.t().as_standard_layout().to_owned().into_dyn();
    let arrays: BTreeMap<&str, ArrayD<f32>> = BTreeMap::from([
        ("rnn.weight_ih_l0", transposed(&weights.input)),
        ("rnn.weight_hh_l0", transposed(&weights.recurrent[0])),
        ("rnn.bias_ih_l0", weights.biases[0].clone().into_dyn()),
        ("rnn.bias_hh_l0", weights.biases[1].clone().into_dyn()),
        ("readout.weight", transposed(&weights.readout)),
        ("readout.bias", weights.readout_bias.clone().into_dyn()),
    ]);
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, arrays: &BTreeMap<&str, ArrayD<f32>>| {
        let mut npz = Npz::new();
        arrays.iter().for_each(|(name, array)| npz.array(name, array).expect("added"));
        let path = folder.path().join(name);
        std::fs::write(&path, npz.finish().expect("an archive")).expect("written");
        path
    };
    let study = open(&folder.path().join("store"), 1);
    let imported = study.import(&Import::of(write("gru.npz", &arrays))).expect("imported");
    let sweep = study.stored_sweep([imported.run.to_string().as_str()]).expect("it exists");
    assert_eq!(sweep.iter().next().expect("one").network.kind, NetworkKind::Gru);
    let runs = study.train(&sweep).expect("loads");
    let read = runs.first().network(runs.first().last_checkpoint()).expect("a network");
    assert_eq!(read.weights(), network.weights());
    let stimuli = Array2::from_shape_fn((4, 6), |(trial, input)| ((7 * trial + input) as f32).cos());
    assert_states(&read, &Inputs::Held { stimuli, hold: 1 }, 6);

    let mut as_vanilla = Import::of(write("again.npz", &arrays));
    as_vanilla.params.network.kind = NetworkKind::Leaky;
    let error = study.import(&as_vanilla).expect_err("it has gates");
    assert!(
        error.to_string().contains("expected gru, because the weights have gates, found leaky"),
        "{error}"
    );
    let four = |array: &ArrayD<f32>| {
        ndarray::concatenate(Axis(0), &[array.view(), array.slice_axis(Axis(0), (..20).into())])
            .expect("joined")
    };
    let lstm = arrays
        .iter()
        .map(|(name, array)| (*name, if name.starts_with("rnn") { four(array) } else { array.clone() }));
    let imported = study.import(&Import::of(write("lstm.npz", &lstm.collect()))).expect("an LSTM");
    let sweep = study.stored_sweep([imported.run.to_string().as_str()]).expect("it exists");
    assert_eq!(sweep.iter().next().expect("one").network.kind, NetworkKind::Lstm);
    let runs = study.train(&sweep).expect("loads");
    let read = runs.first().network(runs.first().last_checkpoint()).expect("a network");
    let weights = network.weights();
    let once = |array: ndarray::ArrayView2<f32>| -> ArrayD<f32> {
        ndarray::concatenate(Axis(1), &[array, array.slice(ndarray::s![.., ..20])])
            .expect("joined")
            .into_dyn()
    };
    // the blocks keep their order, which is PyTorch's: i, f, g, o
    assert_eq!(read.weights().recurrent[0].clone().into_dyn(), once(weights.recurrent[0].view()));
    assert_eq!(read.weights().input.clone().into_dyn(), once(weights.input.view()));
}
