//! The analysis `kernel`: central differences for every kind of network and connectivity, closed forms, and
//! undefined cases.

mod common;

use concertina_analysis::kernel::{
    ShownTrials, Tangents, kernel, kernel_distance, label_kernel, weight_change,
};
use concertina_analysis::{Analysis, Error, Kernel, Subject};
use concertina_model::network::{Network, TrainedWeights, is_trained};
use concertina_model::params::{InitialState, NetworkKind, Nonlinearity, Params, TaskKind, ValidParams};
use concertina_model::reference::Parameters;
use concertina_model::task::{Ask, Inputs};
use concertina_table::Table;
use ndarray::{Array2, Array3, arr2};

/// Networks of every kind and connectivity, with every array trained or not.
fn networks() -> Vec<Params> {
    let mut all = Vec::new();
    for mut params in common::each_kind() {
        let smooth = params.network.nonlinearity != Nonlinearity::Relu;
        if !smooth {
            continue; // central differences are no derivatives at its kinks
        }
        (params.network.units, params.task.input_dim) = (5, 3);
        (params.task.clusters, params.task.delay) = (4, 4);
        params.network.train_input = true;
        all.push(params);
    }
    let mut base = all[0].clone();
    base.network.train_input = true;
    for (kind, rank, random_part) in
        [(NetworkKind::Vanilla, 2, true), (NetworkKind::Rate, 1, false), (NetworkKind::Gru, 2, true)]
    {
        let mut params = base.clone();
        (params.network.kind, params.network.rank, params.network.random_part) =
            (kind, Some(rank), random_part);
        all.push(params);
    }
    for kind in [NetworkKind::Vanilla, NetworkKind::Gru, NetworkKind::Lstm, NetworkKind::Leaky] {
        let mut params = base.clone();
        (params.network.kind, params.network.density) = (kind, 0.6);
        all.push(params);
    }
    for (readout, density) in [(true, 1.0), (false, 0.7)] {
        let mut params = base.clone();
        params.network.kind = NetworkKind::Rate;
        params.network.nonlinearity = Nonlinearity::Softplus;
        params.network.excitatory = Some(0.6);
        params.network.excitatory_readout = readout;
        params.network.density = density;
        all.push(params);
    }
    for kind in [NetworkKind::Vanilla, NetworkKind::Rate, NetworkKind::Gru, NetworkKind::Lstm] {
        let mut params = base.clone();
        (params.network.kind, params.network.initial_state) = (kind, InitialState::Trained);
        params.network.gain = Some(2.0); // at 20, third derivatives make the differences inexact
        all.push(params);
    }
    let mut low_rank = all.last().expect("of the loop").clone();
    (low_rank.network.kind, low_rank.network.rank) = (NetworkKind::Rate, Some(2));
    all.push(low_rank);
    let mut reservoir = base.clone();
    (reservoir.network.train_recurrent, reservoir.network.train_input) = (false, false);
    all.push(reservoir);
    let mut flip_flop = base;
    flip_flop.task.kind = TaskKind::FlipFlop;
    all.push(flip_flop);
    all
}

/// A network in f64, as [`Tangents`] has it.
struct InDouble {
    params: ValidParams,
    weights: TrainedWeights,
    arrays: Parameters,
    trained: Vec<bool>,
}

impl InDouble {
    fn of(params: Params) -> Self {
        let params = params.check().expect("valid");
        let weights = TrainedWeights::draw(&params).expect("drawn");
        let parts = weights.connectivity().parts();
        let frozen = |name: &str| parts.iter().any(|part| part.name == name && !part.trained);
        let names: Vec<String> = weights.tensors().into_iter().map(|(name, _)| name).collect();
        let trained = names.iter().map(|name| is_trained(&params, name) && !frozen(name)).collect();
        let arrays = weights.arrays();
        let arrays = Parameters {
            input: row_major(&arrays.input),
            recurrent: arrays.recurrent.iter().map(row_major).collect(),
            biases: arrays.biases.iter().map(|bias| bias.mapv(|entry| f64::from(entry) + 0.05)).collect(),
            readout: row_major(&arrays.readout),
            readout_bias: arrays.readout_bias.mapv(f64::from),
            initial_state: arrays
                .initial_state
                .as_ref()
                .map(|state| (0..state.len()).map(|unit| 0.1 * (unit as f64).sin()).collect()),
        };
        Self { params, weights, arrays, trained }
    }

    fn equations(&self) -> concertina_model::network::Equations {
        concertina_model::network::Equations::new(&self.params)
    }

    /// The outputs at these timesteps with these arrays, in the plain loops of the reference.
    fn outputs(&self, arrays: &Parameters, inputs: &Inputs<f64>, read_at: &[usize]) -> Array2<f64> {
        let equations = self.equations();
        let mut whole = arrays.clone();
        whole.recurrent = self.weights.connectivity().weights(&arrays.recurrent);
        let states = equations.states_on(&whole, inputs);
        let outputs: Vec<_> = states.iter().map(|state| equations.outputs(&whole, state)).collect();
        Array2::from_shape_fn((read_at.len(), outputs[0].ncols()), |(trial, output)| {
            outputs[read_at[trial]][[trial, output]]
        })
    }

    /// The kernel of one array, by central differences of every trained entry.
    fn by_differences(&self, array: usize, inputs: &Inputs<f64>, read_at: &[usize]) -> Array2<f64> {
        let name = &self.weights.tensors()[array].0;
        let entries = self.weights.connectivity().trained_entries(name);
        let mut kernel = Array2::zeros((read_at.len(), read_at.len()));
        let step = 1e-5;
        for entry in 0..length_of(&self.arrays, array) {
            if let Some(entries) = &entries {
                let columns = self.weights.tensors()[array].1.shape()[1];
                let column = (entry % columns).min(entries.ncols() - 1);
                if !entries[[entry / columns, column]] {
                    continue;
                }
            }
            let moved = |by: f64| {
                let mut arrays = self.arrays.clone();
                *entry_of(&mut arrays, array, entry) += by;
                self.outputs(&arrays, inputs, read_at)
            };
            let slope = (moved(step) - moved(-step)) / (2.0 * step);
            kernel += &slope.dot(&slope.t());
        }
        kernel
    }
}

fn row_major(array: &Array2<f32>) -> Array2<f64> {
    array.mapv(f64::from).as_standard_layout().into_owned()
}

fn length_of(arrays: &Parameters, array: usize) -> usize {
    let mut arrays = arrays.clone();
    slices(&mut arrays)[array].len()
}

fn entry_of(arrays: &mut Parameters, array: usize, entry: usize) -> &mut f64 {
    &mut slices(arrays).swap_remove(array)[entry]
}

fn slices(arrays: &mut Parameters) -> Vec<&mut [f64]> {
    let mut all = vec![arrays.input.as_slice_mut().expect("row-major")];
    all.extend(arrays.recurrent.iter_mut().map(|one| one.as_slice_mut().expect("row-major")));
    all.extend(arrays.biases.iter_mut().map(|one| one.as_slice_mut().expect("contiguous")));
    all.push(arrays.readout.as_slice_mut().expect("row-major"));
    all.push(arrays.readout_bias.as_slice_mut().expect("contiguous"));
    all.extend(arrays.initial_state.iter_mut().map(|one| one.as_slice_mut().expect("contiguous")));
    all
}

#[test]
fn kernels_are_those_of_central_differences() {
    for params in networks() {
        let network = InDouble::of(params);
        let (kind, steps) = (network.params.network.kind, network.params.trial_steps());
        let run = common::Run::untrained(network.params.clone().into_params());
        let trials = run.task.trials(Ask::Analysis { count: 5 });
        let trials = trials.select(&(0..trials.len().min(5)).collect::<Vec<_>>());
        let inputs = match &trials.inputs {
            Inputs::Held { stimuli, hold } => Inputs::Held { stimuli: stimuli.mapv(f64::from), hold: *hold },
            Inputs::Timed(inputs) => Inputs::Timed(inputs.mapv(f64::from)),
        };
        // different trials are read at different timesteps
        let read_at: Vec<usize> =
            (0..inputs.len()).map(|trial| (steps - 1).saturating_sub(trial % 3)).collect();
        let equations = network.equations();
        let tangents = Tangents {
            equations: &equations,
            connectivity: network.weights.connectivity(),
            arrays: &network.arrays,
            trained: &network.trained,
        };
        let found = tangents.kernels(&inputs, &read_at).expect("finite");
        let outputs = network.outputs(&network.arrays, &inputs, &read_at);
        assert!((&found.outputs - &outputs).iter().all(|off| off.abs() < 1e-12), "{kind}");
        assert!(network.trained.contains(&true));
        for (array, kernel) in found.blocks.iter().enumerate() {
            assert_eq!(kernel.is_some(), network.trained[array]);
            let Some(kernel) = kernel else { continue };
            let expected = network.by_differences(array, &inputs, &read_at);
            let scale = expected.iter().fold(1e-3, |most: f64, entry| most.max(entry.abs()));
            let off = (kernel - &expected).iter().fold(0.0, |most: f64, off| most.max(off.abs()));
            let name = &network.weights.tensors()[array].0;
            assert!(off < 1e-7 * scale, "{kind}, {name}: {off} of {scale}");
        }
    }
}

fn numbers(table: &Table, block: &str, column: &str) -> Vec<Option<f64>> {
    let blocks = table.texts("block").expect("there");
    let values = table.floats(column).expect("there");
    blocks
        .iter()
        .zip(values)
        .filter(|(one, _)| one.as_deref() == Some(block))
        .map(|(_, value)| value)
        .collect()
}

#[test]
fn the_kernel_of_a_reservoir_is_the_gram_matrix_of_its_states() {
    let mut params = common::small();
    params.network.train_recurrent = false;
    params.network.biases = false;
    let run = common::Run::trained(params);
    let table = Kernel { samples: 30 }.run(&run.subject()).expect("it applies");
    let samples = run.samples(30);
    let states = run.checkpoints[0].1.states(&samples.shown, 5).expect("states");
    let last = states.index_axis(ndarray::Axis(1), 4).mapv(f64::from);
    let gram = last.dot(&last.t()) * run.params.outputs() as f64;
    let found = numbers(&table, "all", "mean_kernel");
    let expected = gram.diag().mean().expect("trials");
    // states that do not change have a kernel that does not change
    assert!((found[0].expect("defined") / expected - 1.0).abs() < 1e-5, "{found:?} {expected}");
    assert_eq!(found[0], found[1]);
    assert_eq!(numbers(&table, "all", "kernel_distance"), [Some(0.0), Some(0.0)]);
    assert_eq!(numbers(&table, "recurrent_weights", "relative_change"), [Some(0.0), Some(0.0)]);
    assert_eq!(numbers(&table, "recurrent_weights", "change_effective_rank"), [None, None]);
    assert_eq!(numbers(&table, "recurrent_weights", "mean_kernel"), [None, None]);
    let moved = numbers(&table, "readout_weights", "relative_change");
    assert!(moved[0] == Some(0.0) && moved[1] > Some(0.0), "{moved:?}");
}

#[test]
fn before_training_nothing_has_moved_and_changes_have_low_rank_where_weights_do() {
    let mut params = common::small();
    (params.network.rank, params.network.random_part) = (Some(2), true);
    let run = common::Run::untrained(params);
    let before = Kernel { samples: 20 }.run(&run.subject()).expect("it applies");
    assert_eq!(numbers(&before, "all", "kernel_distance"), [Some(0.0)]);
    assert_eq!(numbers(&before, "recurrent_m", "relative_change"), [Some(0.0)]);
    assert_eq!(numbers(&before, "recurrent_random_part", "mean_kernel"), [None]);
    assert_eq!(numbers(&before, "readout_bias", "relative_change"), [None], "it is zero before training");
    assert_eq!(numbers(&before, "readout_bias", "label_alignment_centred"), [None], "it is constant");
    assert!(numbers(&before, "recurrent_weights", "relative_change") == [Some(0.0)]);

    // weights without their factors are refused
    let network = Network::new(&run.params, run.checkpoints[0].1.weights().clone()).expect("finite");
    let checkpoints = [(run.checkpoints[0].0, network)];
    let subject = concertina_analysis::Subject { checkpoints: &checkpoints, ..run.subject() };
    let error = Kernel { samples: 20 }.run(&subject).expect_err("refused");
    assert!(matches!(error, Error::NotApplicable { .. }), "{error}");
}

#[test]
fn measures_have_their_closed_forms_and_undefined_cases() {
    let (a, b) = (label_kernel(&[0, 0, 1, 1]), label_kernel(&[0, 1, 0, 1]));
    assert_eq!(kernel_distance(a.view(), a.view()).expect("finite"), Some(0.0));
    let apart = kernel_distance(a.view(), b.view()).expect("finite").expect("defined");
    assert!((apart - 1.0).abs() < 1e-15, "centred, the two partitions are orthogonal: {apart}");
    let constant = Array2::from_elem((4, 4), 0.3);
    assert_eq!(kernel_distance(a.view(), constant.view()).expect("finite"), None);
    assert_eq!(kernel_distance(a.view(), Array2::zeros((4, 4)).view()).expect("finite"), None);
    let error = kernel_distance(a.view(), Array2::zeros((3, 3)).view()).expect_err("refused");
    assert_eq!(
        error.to_string(),
        "second kernel: expected (trials, trials) = (4, 4), as the first, found [3, 3]"
    );
    let same = weight_change(arr2(&[[0.0, 0.0]]).view(), arr2(&[[0.0, 0.0]]).view()).expect("finite");
    assert_eq!((same.relative, same.ranks, same.stable_rank), (None, None, None));
    // of rank one, with every measure of rank equal to 1
    let outer = Array2::from_shape_fn((6, 4), |(i, j)| (i + 1) as f64 * (j as f64 - 1.5));
    let change = weight_change(Array2::zeros((6, 4)).view(), outer.view()).expect("finite");
    let ranks = change.ranks.expect("it changed");
    for rank in [ranks.effective_rank, ranks.participation, change.stable_rank.expect("it changed")] {
        assert!((rank - 1.0).abs() < 1e-12, "{change:?}");
    }
}

/// The function of plain arrays has the numbers of the analysis of a run, for networks of every kind.
#[test]
fn the_kernel_of_given_trials_is_that_of_the_run() {
    for params in networks() {
        let run = common::Run::untrained(params);
        let initial = TrainedWeights::draw(&run.params).expect("drawn");
        let mut arrays = initial.arrays().clone();
        arrays.recurrent.iter_mut().for_each(|matrix| *matrix *= 1.1);
        arrays.readout *= 0.9;
        let learned = TrainedWeights::new(initial.connectivity().clone(), arrays);
        let network = |weights| Network::of_trained(&run.params, weights).expect("finite");
        let (before, now) = (network(initial), network(learned));
        let checkpoints = [(run.checkpoints[0].0, now.clone())];
        let subject = Subject { checkpoints: &checkpoints, ..run.subject() };
        let of_run = Kernel { samples: 12 }.run(&subject).expect("it applies");
        let steps = run.params.trial_steps();
        let trials = run.task.trials(Ask::Analysis { count: 12 });
        let inputs = match &trials.inputs {
            Inputs::Timed(inputs) => inputs.mapv(f64::from),
            Inputs::Held { stimuli, hold } => {
                Array3::from_shape_fn((stimuli.nrows(), steps, stimuli.ncols()), |(trial, step, input)| {
                    if step < *hold { stimuli[[trial, input]].into() } else { 0.0 }
                })
            }
        };
        let shown = ShownTrials { inputs: Inputs::Timed(inputs), ..ShownTrials::of(&trials, steps) };
        let found = kernel(&run.params, &now, Some(&before), None, &shown).expect("it applies");
        assert_eq!(of_run.row_count(), found.row_count());
        assert!(found.floats("kernel_distance").expect("there")[0].is_some_and(|distance| distance > 0.0));
        for (name, _) in found.columns() {
            let (Ok(ours), Ok(theirs)) = (found.floats(name), of_run.floats(name)) else { continue };
            for (ours, theirs) in ours.into_iter().zip(theirs) {
                match (ours, theirs) {
                    (Some(ours), Some(theirs)) => assert_close_number(name, ours, theirs),
                    both => assert_eq!(both.0, both.1, "{name}"),
                }
            }
        }
    }
}

fn assert_close_number(what: &str, found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{what}: {found}, {expected}");
}

#[test]
fn trials_that_do_not_fit_the_network_are_refused() {
    let run = common::Run::trained(common::small());
    let network = &run.checkpoints[0].1;
    let inputs = run.params.inputs();
    let shown = |inputs: usize, read_at: &[usize], labels: Option<Vec<u32>>| ShownTrials {
        inputs: Inputs::Timed(Array3::zeros((2, 4, inputs))),
        read_at: read_at.to_vec(),
        labels,
    };
    let refused = |shown: ShownTrials| {
        kernel(&run.params, network, None, None, &shown).expect_err("refused").to_string()
    };
    assert!(refused(shown(inputs + 1, &[3, 3], None)).starts_with("inputs: expected"));
    assert!(refused(shown(inputs, &[3], None)).starts_with("timesteps to read: expected 2 timesteps"));
    assert_eq!(
        refused(shown(inputs, &[3, 3], Some(vec![0]))),
        "labels: expected one for each of 2 trials, found [1]"
    );
    let mut wider = common::small();
    wider.network.units += 1;
    let other = common::Run::untrained(wider);
    let error =
        kernel(&run.params, network, Some(&other.checkpoints[0].1), None, &shown(inputs, &[3, 3], None));
    assert!(matches!(error, Err(Error::Shape { what: "arrays before training", .. })));
}
