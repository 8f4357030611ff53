//! Every analysis as a function of arrays: it gives the same numbers as for a run, and errors for invalid
//! arrays.

mod common;

use concertina_analysis::lyapunov::{Autonomous, Rule};
use concertina_analysis::{
    Analysis, Autocorrelation, ClassDistances, ClusterHoldout, EffectiveDimension, FixedPoints, Lyapunov,
    OrthogonalCompression, PcaSnapshot, PcaSnapshots, Reference, Saturation, Spectrum, Timesteps,
    WeightVariance, autocorrelation, class_distances, cluster_holdout, compression_beside_class_means,
    effective_dimension, evaluate_outputs, fixed_points, lyapunov, orthogonal_compression, pca_snapshots,
    rates, saturation, spectrum, weight_variance,
};
use concertina_model::network::Network;
use concertina_model::params::{LossKind, NetworkKind, Nonlinearity, Params};
use concertina_model::task::{Ask, Inputs, Mask, Targets, Trials};
use concertina_numerics::kernels::{self, Panels, Rows};
use concertina_numerics::random::{Purpose, Stream};
use concertina_numerics::statistics::mean;
use concertina_table::Table;
use ndarray::{Array1, Array2, Array3, Axis, arr1, arr2, s};

use common::{Run, each_kind, small};

const SAMPLES: usize = 30;
/// The stream that draws the timesteps of starts in the analysis `fixed_points`.
const TIMESTEPS: Purpose = Purpose::new("fixed pts when");

/// The states of the run's last network at every timestep of a trial, (samples, timesteps, units).
fn states(run: &Run) -> Array3<f32> {
    let (_, network) = run.checkpoints.last().expect("a network");
    network.states(&run.samples(SAMPLES).shown, run.params.trial_steps()).expect("it runs")
}

/// The rows of the last checkpoint from timestep 0 on.
fn rows_along_time(table: &Table, run: &Run) -> Table {
    let (last, _) = run.checkpoints.last().expect("a checkpoint");
    let (updates, timesteps) = (floats(table, "update"), floats(table, "timestep"));
    let of_last = Some(last.update.0 as f64);
    table.filter(|row| updates[row] == of_last && timesteps[row] >= Some(0.0))
}

fn floats(table: &Table, column: &str) -> Vec<Option<f64>> {
    table.floats(column).expect("there")
}

fn bits(values: &[Option<f64>]) -> Vec<Option<u64>> {
    values.iter().map(|value| value.map(f64::to_bits)).collect()
}

/// Checks that a column of a table has these numbers, bit-for-bit.
fn assert_column(table: &Table, column: &str, expected: impl IntoIterator<Item = Option<f64>>) {
    let expected: Vec<Option<f64>> = expected.into_iter().collect();
    assert_eq!(bits(&floats(table, column)), bits(&expected), "{column}");
}

/// Checks that two tables agree, except for columns that only the first has.
fn assert_same_columns(of_run: &Table, of_arrays: &Table, less: &[&str]) {
    let kept: Vec<&str> = of_run.column_names().filter(|name| !less.contains(name)).collect();
    assert_eq!(kept, of_arrays.column_names().collect::<Vec<&str>>());
    for name in kept {
        assert_eq!(of_run.column(name).expect("there"), of_arrays.column(name).expect("there"), "{name}");
    }
}

#[test]
fn measures_of_states_are_those_of_the_run_bit_for_bit() {
    for params in each_kind() {
        let run = Run::trained(params);
        let (samples, states) = (run.samples(SAMPLES), states(&run));
        let at_each = || states.axis_iter(Axis(1));

        let dimension = EffectiveDimension { samples: SAMPLES, ..Default::default() };
        let table = rows_along_time(&dimension.run(&run.subject()).expect("it applies"), &run);
        let found = at_each().map(|states| effective_dimension(states).expect("finite"));
        assert_column(&table, "effective_dimension", found);

        let distances = ClassDistances { samples: SAMPLES, ..Default::default() };
        let table = rows_along_time(&distances.run(&run.subject()).expect("it applies"), &run);
        let found = at_each().map(|states| class_distances(states, &samples.labels).expect("finite").across);
        assert_column(&table, "across_class_distance", found);

        let resemblance = Autocorrelation { samples: SAMPLES, ..Default::default() };
        let table = rows_along_time(&resemblance.run(&run.subject()).expect("it applies"), &run);
        let found = autocorrelation(states.view()).expect("finite");
        assert_column(&table, "autocorrelation", found.iter().map(|found| found.mean));
        assert_column(&table, "autocorrelation_sd", found.iter().map(|found| found.standard_deviation));
        assert_column(&table, "samples", found.iter().map(|found| Some(found.samples as f64)));

        let saturated = Saturation { samples: SAMPLES, ..Default::default() };
        let table = rows_along_time(&saturated.run(&run.subject()).expect("it applies"), &run);
        let is_leaky = matches!(run.params.network.kind, NetworkKind::Leaky | NetworkKind::Rate);
        let found: Vec<_> = at_each()
            .map(|states| match is_leaky {
                true => saturation(rates(states, run.params.network.nonlinearity).view()),
                false => saturation(states),
            })
            .collect::<Result<_, _>>()
            .expect("finite");
        assert_column(&table, "saturation", found.iter().map(|found| Some(found.mean)));
        assert_column(&table, "saturation_sd", found.iter().map(|found| Some(found.standard_deviation)));
    }
}

#[test]
fn held_out_clusters_are_those_of_the_run_bit_for_bit() {
    let run = Run::trained(small());
    let (samples, states) = (run.samples(SAMPLES), states(&run));
    let settings = ClusterHoldout { samples: SAMPLES, splits: 3, ..Default::default() };
    let table = rows_along_time(&settings.run(&run.subject()).expect("it applies"), &run);
    let found: Vec<_> = states
        .axis_iter(Axis(1))
        .map(|states| {
            cluster_holdout(&settings, states, &samples.labels, &samples.clusters, run.params.seed)
                .expect("finite")
        })
        .collect();
    assert_column(&table, "training_accuracy", found.iter().map(|found| Some(found.training_accuracy)));
    assert_column(&table, "testing_accuracy", found.iter().map(|found| Some(found.testing_accuracy)));
    assert_column(&table, "training_accuracy_sd", found.iter().map(|found| found.training_accuracy_sd));
    assert_column(&table, "testing_accuracy_sd", found.iter().map(|found| found.testing_accuracy_sd));
    assert!(found.iter().all(|found| found.converged));

    let named_otherwise: Vec<u32> = samples.labels.iter().map(|label| 7 + 1_000_000_000 * label).collect();
    let last = states.index_axis(Axis(1), run.params.trial_steps() - 1);
    let again = cluster_holdout(&settings, last, &named_otherwise, &samples.clusters, run.params.seed);
    assert_eq!(again.expect("finite"), found[found.len() - 1], "the labels themselves do not matter");
}

#[test]
fn snapshots_of_components_are_those_of_the_run_bit_for_bit() {
    let run = Run::trained(small());
    let states = states(&run);
    let timesteps = Timesteps::these(0..run.params.trial_steps() as i64);
    let settings = PcaSnapshots {
        samples: SAMPLES,
        drawn: SAMPLES,
        components: 3,
        timesteps,
        extend_to: None,
        state: None,
    };
    let table = rows_along_time(&settings.run(&run.subject()).expect("it applies"), &run);
    let snapshots = pca_snapshots(states.view(), 3).expect("finite");
    let kinds = table.texts("kind").expect("there");
    let of_kind = |kind: &str| table.filter(|row| kinds[row].as_deref() == Some(kind));
    for component in 0..3 {
        let column = format!("pc{}", component + 1);
        let scores = snapshots.iter().flat_map(|snapshot| snapshot.scores.column(component).to_vec());
        assert_column(&of_kind("sample"), &column, scores.map(Some));
        let means = snapshots.iter().map(|snapshot| Some(snapshot.mean[component]));
        assert_column(&of_kind("mean"), &column, means);
        let shares = snapshots.iter().map(|snapshot| Some(snapshot.explained_variance_ratio[component]));
        assert_column(&of_kind("explained_variance_ratio"), &column, shares);
    }
    assert!(snapshots.iter().all(|snapshot| snapshot.components.dim() == (16, 3)));
}

#[test]
fn compression_is_that_of_the_run_bit_for_bit() {
    let run = Run::trained(small());
    let (samples, now) = (run.samples(SAMPLES), states(&run));
    let steps = run.params.trial_steps();
    let before = run.checkpoints[0].1.states(&samples.shown, steps).expect("it runs");
    let readout = run.checkpoints[1].1.weights().readout.mapv(f64::from);
    for reference in [Reference::Readout, Reference::ClassMeans] {
        let settings = OrthogonalCompression { samples: SAMPLES, reference, ..Default::default() };
        let table = rows_along_time(&settings.run(&run.subject()).expect("it applies"), &run);
        let found = (0..steps).map(|step| {
            let [now, before] = [&now, &before].map(|states| states.index_axis(Axis(1), step));
            let labels = &samples.labels;
            match reference {
                Reference::ClassMeans => compression_beside_class_means(now, before, labels).expect("finite"),
                Reference::Readout => {
                    let ratios = orthogonal_compression(now, before, readout.view(), labels, 12);
                    mean(&ratios.expect("finite").into_iter().collect::<Option<Vec<f64>>>().expect("defined"))
                }
            }
        });
        assert_column(&table, "orthogonal_compression", found);
    }
}

#[test]
fn the_variance_and_the_spectrum_of_weights_are_those_of_the_run_bit_for_bit() {
    for kind in [NetworkKind::Vanilla, NetworkKind::Feedforward] {
        let mut params = small();
        params.network.kind = kind;
        let run = Run::trained(params);
        let readouts: Vec<Array2<f64>> =
            run.checkpoints.iter().map(|(_, network)| network.weights().readout.mapv(f64::from)).collect();
        let readouts: Vec<_> = readouts.iter().map(|readout| readout.view()).collect();
        let along_training = ndarray::stack(Axis(0), &readouts).expect("of one shape");
        let settings = WeightVariance { window: 2, ..Default::default() };
        let table = settings.run(&run.subject()).expect("it applies");
        let found = weight_variance(along_training.view(), 2).expect("finite");
        assert!(found[0].is_none() && found[1] > Some(0.0));
        assert_column(&table, "weight_variance", found);

        let table = Spectrum::default().run(&run.subject()).expect("it applies");
        let mut found = Table::new();
        for (_, network) in &run.checkpoints {
            for weights in &network.weights().recurrent {
                let matrix = spectrum(weights.mapv(f64::from).view()).expect("finite");
                found.append(&matrix.table().expect("a table")).expect("the same columns");
            }
        }
        assert_same_columns(&table, &found, &["epoch", "update", "timestep"]);
    }
}

#[test]
fn exponents_and_fixed_points_are_those_of_the_run_bit_for_bit() {
    for kind in [NetworkKind::Vanilla, NetworkKind::Gru] {
        let mut params = small();
        params.network.kind = kind;
        let run = Run::untrained(params);
        let system = Autonomous::of(&run.checkpoints[0].1).expect("finite").expect("recurrent");
        let settings = Lyapunov { exponents: Some(3), max_iterations: 600, ..Default::default() };
        let of_run = settings.run(&run.subject()).expect("it applies");
        let (exponents, of_arrays) = lyapunov(&settings, &system, run.params.seed).expect("it applies");
        assert_same_columns(&of_run, &of_arrays, &["epoch", "update"]);
        assert_eq!(exponents.exponents.len(), 3);

        let settings = FixedPoints { starts: 20, ..Default::default() };
        let of_run = settings.run(&run.subject()).expect("it applies");
        let states = run.checkpoints[0].1.states(&run.samples(20).shown, 5).expect("it runs");
        let start = |start: usize| {
            let timestep = Stream::new(run.params.seed, TIMESTEPS, start as u64).below(5);
            states.slice(s![start, timestep as usize, ..]).mapv(f64::from)
        };
        let starts: Vec<_> = (0..20).map(start).collect();
        let starts: Vec<_> = starts.iter().map(|start| start.view()).collect();
        let starts = ndarray::stack(Axis(0), &starts).expect("of one shape");
        let mut of_arrays = fixed_points(&settings, &system, starts.view()).expect("it applies");
        let found = of_arrays.integers("start").expect("there");
        assert_eq!(found, of_run.integers("start_trial").expect("there"));
        let kept: Vec<String> = of_arrays.column_names().map(str::to_owned).collect();
        let kept: Vec<&str> = kept.iter().map(String::as_str).filter(|name| *name != "start").collect();
        of_arrays = of_arrays.select(&kept).expect("there");
        assert_same_columns(&of_run, &of_arrays, &["epoch", "update", "start_trial", "start_timestep"]);
    }
}

/// The outputs that the forward pass of the network computes, (trials, timesteps, outputs).
fn outputs(network: &Network, inputs: &Inputs, steps: usize) -> Array3<f32> {
    let states = network.states(inputs, steps).expect("it runs");
    let weights = network.weights();
    let mut outputs = Array3::zeros((inputs.len(), steps, weights.readout.ncols()));
    let panels = Panels::from_row_major(weights.readout.view());
    for (step, states) in states.axis_iter(Axis(1)).enumerate() {
        let mut rows = Rows::zeros(inputs.len(), weights.readout.ncols());
        kernels::product(rows.view_mut(), Rows::from_array(states).view(), &panels, false);
        kernels::add_row(rows.view_mut(), weights.readout_bias.as_slice().expect("a vector"));
        outputs.slice_mut(s![.., step, ..]).assign(&rows.to_array());
    }
    outputs
}

#[test]
fn outputs_are_evaluated_like_their_network_bit_for_bit() {
    for loss in [LossKind::CrossEntropy, LossKind::Mse, LossKind::MseScalar, LossKind::Zero] {
        let mut params = small();
        params.train.loss = loss;
        params.task.evaluate = 2;
        let run = Run::trained(params);
        let (_, network) = &run.checkpoints[1];
        let trials = run.task.trials(Ask::Analysis { count: 150 });
        let outputs = outputs(network, &trials.inputs, run.params.trial_steps());
        let found = evaluate_outputs(outputs.view(), &trials.targets, &trials.mask, loss).expect("finite");
        assert_eq!(found, network.evaluate(&trials).expect("it runs"), "{loss:?}");
        assert!(found.accuracy.is_some() && found.r2.is_none());

        let mut mask = Array2::from_elem((150, run.params.trial_steps()), false);
        mask.indexed_iter_mut()
            .for_each(|((trial, step), counts)| *counts = step >= 3 && (trial + step) % 3 > 0);
        let masked = Trials { mask: Mask::At(mask), ..trials.clone() };
        let found = evaluate_outputs(outputs.view(), &masked.targets, &masked.mask, loss).expect("finite");
        assert_eq!(found, network.evaluate(&masked).expect("it runs"), "{loss:?} with a mask");

        // `Network::outputs` sums in a different order.
        let states = network.states(&trials.inputs, run.params.trial_steps()).expect("it runs");
        let each = states.axis_iter(Axis(1)).map(|states| network.outputs(states).expect("of its units"));
        let each: Vec<Array2<f32>> = each.collect();
        let each: Vec<_> = each.iter().map(|outputs| outputs.view()).collect();
        let close = ndarray::stack(Axis(1), &each).expect("of one shape");
        let found = evaluate_outputs(close.view(), &trials.targets, &trials.mask, loss).expect("finite");
        let expected = network.evaluate(&trials).expect("it runs");
        assert!((found.loss - expected.loss).abs() < 1e-6, "{loss:?}: {found:?}");
    }
}

#[test]
fn real_targets_are_evaluated_like_the_network_bit_for_bit() {
    let mut params = Params::default();
    params.task.kind = concertina_model::params::TaskKind::FlipFlop;
    params.train.loss = LossKind::Mse;
    params.network.units = 16;
    let run = Run::untrained(params);
    let (_, network) = &run.checkpoints[0];
    let trials = run.task.trials(Ask::Analysis { count: 70 });
    let outputs = outputs(network, &trials.inputs, run.params.trial_steps());
    let found =
        evaluate_outputs(outputs.view(), &trials.targets, &trials.mask, LossKind::Mse).expect("finite");
    assert_eq!(found, network.evaluate(&trials).expect("it runs"));
    assert!(found.accuracy.is_none() && found.r2.is_some());
    let error = evaluate_outputs(outputs.view(), &trials.targets, &trials.mask, LossKind::CrossEntropy);
    assert_eq!(
        error.expect_err("a loss of classes").to_string(),
        "targets: expected classes, which the loss requires, found real numbers"
    );
}

#[test]
fn outputs_that_cannot_be_evaluated_are_refused_and_named() {
    let refused = |outputs: Array3<f32>, targets: Targets, mask: Mask, loss: LossKind| {
        evaluate_outputs(outputs.view(), &targets, &mask, loss).expect_err("refused").to_string()
    };
    let (two, last) = (|| Array3::<f32>::zeros((2, 3, 2)), || Mask::Last(1));
    let classes = |labels: &[u32]| Targets::Class(labels.to_vec());
    use LossKind::{CrossEntropy, Mse, MseScalar};
    assert_eq!(refused(two(), classes(&[0, 1, 1]), last(), Mse), "`targets`: expected shape [2], found [3]");
    assert_eq!(
        refused(two(), classes(&[0, 2]), last(), CrossEntropy),
        "targets: expected classes from 0 to 1, found 2 in trial 1"
    );
    let at_each = Targets::ClassAt(arr2(&[[0, 0, 0], [0, 9, 0]]));
    assert_eq!(
        refused(two(), at_each, last(), Mse),
        "targets: expected classes from 0 to 1, found 9 in trial 1"
    );
    assert_eq!(
        refused(two(), classes(&[0, 1]), last(), MseScalar),
        "outputs: expected one output, whose sign is the class, found 2"
    );
    assert_eq!(
        refused(Array3::zeros((1, 3, 1)), classes(&[1]), last(), CrossEntropy),
        "outputs: expected one output per class, at least two, found 1"
    );
    assert_eq!(
        refused(Array3::zeros((0, 3, 2)), classes(&[]), last(), Mse),
        "`outputs`: expected shape [1, 3, 2], found [0, 3, 2]"
    );
    assert_eq!(
        refused(Array3::zeros((1, 3, 0)), classes(&[0]), last(), Mse),
        "`outputs`: expected shape [1, 3, 1], found [1, 3, 0]"
    );
    let reals = Targets::Real(Array3::zeros((2, 3, 1)));
    assert_eq!(refused(two(), reals, last(), Mse), "`targets`: expected shape [2, 3, 2], found [2, 3, 1]");
    let reals = Targets::Real(Array3::zeros((2, 2, 2)));
    assert_eq!(refused(two(), reals, last(), Mse), "`targets`: expected shape [2, 3], found [2, 2]");
    assert_eq!(refused(two(), classes(&[0, 1]), Mask::Last(4), Mse), "`mask`: expected shape [3], found [4]");
    let narrow = Mask::At(Array2::from_elem((2, 2), true));
    assert_eq!(refused(two(), classes(&[0, 1]), narrow, Mse), "`mask`: expected shape [2, 3], found [2, 2]");
    for nowhere in [Mask::Last(0), Mask::At(Array2::from_elem((2, 3), false))] {
        assert_eq!(
            refused(two(), classes(&[0, 1]), nowhere, Mse),
            "mask: expected at least one timestep at which the loss counts, found none"
        );
    }
    let mut wrong = two();
    wrong[[1, 2, 0]] = f32::NAN;
    assert_eq!(
        refused(wrong.clone(), classes(&[0, 1]), last(), Mse),
        "`outputs`: expected finite numbers, found NaN at [1, 2, 0]"
    );
    let elsewhere = Mask::At(arr2(&[[false, true, true], [true, true, false]]));
    assert!(
        evaluate_outputs(wrong.view(), &classes(&[0, 1]), &elsewhere, Mse).is_ok(),
        "masked entries may be anything"
    );
    let mut targets = Array3::zeros((2, 3, 2));
    targets[[0, 2, 1]] = f32::INFINITY;
    assert_eq!(
        refused(two(), Targets::Real(targets), last(), Mse),
        "`targets`: expected finite numbers, found inf at [0, 2, 1]"
    );
}

#[test]
fn arrays_of_wrong_shapes_are_refused_and_named() {
    let states = Array2::<f32>::zeros((4, 3));
    let settings = ClusterHoldout::default();
    let holdout = |settings: &ClusterHoldout, units: usize, labels: &[u32], clusters: &[u32]| {
        let states = Array2::<f64>::zeros((4, units));
        cluster_holdout(settings, states.view(), labels, clusters, 1).expect_err("refused").to_string()
    };
    assert_eq!(holdout(&settings, 3, &[0, 1], &[0, 1, 2, 3]), "labels: expected (samples) = (4), found [2]");
    assert_eq!(holdout(&settings, 3, &[0, 0, 1, 1], &[]), "clusters: expected (samples) = (4), found [0]");
    assert_eq!(
        holdout(&settings, 0, &[0, 0, 1, 1], &[0, 1, 2, 3]),
        "states: expected (samples, units) = (4, any), with at least one unit, found [4, 0]"
    );
    assert!(
        holdout(&settings, 3, &[5; 4], &[0, 1, 2, 3])
            .starts_with("`cluster_holdout` does not apply to samples of 1 classes")
    );
    assert!(
        holdout(&settings, 3, &[0, 0, 0, u32::MAX], &[0, 1, 2, 3])
            .contains("class 1 has 1 of the conditions")
    );
    assert!(
        holdout(&settings, 3, &[0, 0, 1, 1], &[0, 1, 1, 2]).contains("one condition and several classes")
    );
    let none = ClusterHoldout { splits: 0, ..settings };
    assert_eq!(
        holdout(&none, 3, &[0, 0, 1, 1], &[0, 1, 2, 3]),
        "`cluster_holdout.splits`: expected at least 1, found 0"
    );

    let refused = |weights: Array2<f64>| spectrum(weights.view()).expect_err("refused").to_string();
    assert_eq!(
        refused(Array2::zeros((2, 3))),
        "weights: expected (units, units) = (2, 2), with at least one unit, found [2, 3]"
    );
    assert_eq!(
        refused(Array2::zeros((0, 0))),
        "weights: expected (units, units) = (1, 1), with at least one unit, found [0, 0]"
    );
    assert_eq!(
        refused(arr2(&[[1.0, f64::NAN], [0.0, 1.0]])),
        "weights: expected finite numbers, found NaN at unit 0 to unit 1"
    );

    let refused = |rates: Array2<f32>| saturation(rates.view()).expect_err("refused").to_string();
    assert_eq!(refused(Array2::zeros((0, 3))), "saturation: expected at least 1 samples, found 0");
    assert_eq!(
        refused(Array2::zeros((2, 0))),
        "rates: expected (samples, units) = (2, any), with at least one unit, found [2, 0]"
    );

    let snapshots = |states: Array3<f64>, components| {
        pca_snapshots(states.view(), components).expect_err("refused").to_string()
    };
    assert_eq!(
        snapshots(Array3::zeros((1, 2, 3)), 2),
        "principal components: expected at least 2 samples, found 1"
    );
    assert_eq!(
        snapshots(Array3::zeros((4, 2, 3)), 0),
        "`pca_snapshots.components`: expected at least 1, found 0"
    );
    let before = PcaSnapshot::of(states.view(), 2, None).expect("finite");
    let error = PcaSnapshot::of(Array2::<f32>::zeros((5, 3)).view(), 2, Some(&before)).expect_err("refused");
    assert_eq!(error.to_string(), "states: expected (samples, units) = (4, 3), as before, found [5, 3]");

    let error = weight_variance(Array3::zeros((3, 2, 2)).view(), 1).expect_err("refused");
    assert_eq!(error.to_string(), "`weight_variance.window`: expected at least 2, found 1");

    let readout = arr2(&[[1.0], [f64::NAN], [0.0]]);
    let error = orthogonal_compression(states.view(), states.view(), readout.view(), &[0; 4], 2);
    assert_eq!(
        error.expect_err("refused").to_string(),
        "readout: expected finite numbers, found NaN at unit 1, output 0"
    );

    let unit = Autonomous::new(arr2(&[[0.5]]), arr1(&[0.0]), Nonlinearity::Tanh, Rule::Map).expect("finite");
    let points = |settings: &FixedPoints, starts: Array2<f64>| {
        fixed_points(settings, &unit, starts.view()).expect_err("refused").to_string()
    };
    assert_eq!(
        points(&FixedPoints::default(), Array2::zeros((2, 3))),
        "starts: expected (starts, units) = (any, 1), found [2, 3]"
    );
    assert_eq!(
        points(&FixedPoints { tolerance: 0.0, ..Default::default() }, Array2::zeros((2, 1))),
        "`fixed_points.tolerance`: expected a positive number, found 0"
    );
    let error = lyapunov(&Lyapunov { exponents: Some(2), ..Default::default() }, &unit, 0);
    assert_eq!(
        error.expect_err("refused").to_string(),
        "`lyapunov.exponents`: expected at most 1, the number of units, found 2"
    );
}

#[test]
fn states_that_are_nan_or_infinite_are_named_with_their_timestep() {
    let mut states = Array3::<f64>::zeros((3, 4, 2));
    states[[2, 1, 0]] = f64::INFINITY;
    let expected = "states at timestep 1: expected finite numbers, found inf at sample 2, unit 0";
    assert_eq!(autocorrelation(states.view()).expect_err("refused").to_string(), expected);
    assert_eq!(pca_snapshots(states.view(), 2).expect_err("refused").to_string(), expected);
    let mut weights = Array3::<f64>::zeros((3, 4, 2));
    weights[[2, 1, 0]] = f64::NAN;
    assert_eq!(
        weight_variance(weights.view(), 2).expect_err("refused").to_string(),
        "weights: expected finite numbers, found NaN at checkpoint 2, from 1 to 0"
    );
}

#[test]
fn empty_arrays_give_empty_results_and_no_panic() {
    let nothing = autocorrelation(Array3::<f32>::zeros((0, 2, 3)).view()).expect("no bad state");
    assert!(nothing.iter().all(|found| found.mean.is_none() && found.samples == 0));
    assert_eq!(nothing.len(), 2);
    let of_no_units = autocorrelation(Array3::<f32>::zeros((2, 2, 0)).view()).expect("no bad state");
    assert!(of_no_units.iter().all(|found| found.samples == 0));
    assert!(autocorrelation(Array3::<f32>::zeros((2, 0, 3)).view()).expect("no bad state").is_empty());
    assert!(pca_snapshots(Array3::<f32>::zeros((2, 0, 3)).view(), 2).expect("no bad state").is_empty());
    for units in [0, 3] {
        let equal = pca_snapshots(Array3::<f32>::ones((4, 2, units)).view(), 2).expect("no bad state");
        assert!(equal.iter().all(|snapshot| snapshot.resolved == 0 && snapshot.scores.dim() == (4, 0)));
    }
    assert!(weight_variance(Array3::zeros((0, 2, 2)).view(), 2).expect("no bad weight").is_empty());
    assert_eq!(weight_variance(Array3::zeros((3, 0, 2)).view(), 2).expect("no bad weight"), [None; 3]);
    let zeros = spectrum(Array2::zeros((2, 2)).view()).expect("finite");
    assert_eq!((zeros.norm, zeros.relative_departure_from_normality()), (0.0, None));
    let unit = Autonomous::new(arr2(&[[0.5]]), arr1(&[0.0]), Nonlinearity::Tanh, Rule::Map).expect("finite");
    let table = fixed_points(&FixedPoints::default(), &unit, Array2::zeros((0, 1)).view()).expect("no start");
    assert_eq!((table.row_count(), floats(&table, "index")), (1, vec![None]));
}

#[test]
fn the_whole_range_of_double_precision_is_supported() {
    let turning = |size: f64| {
        let state = |angle: f64| arr1(&[size * angle.cos(), size * angle.sin()]);
        let of_trial: Vec<Array1<f64>> = [0.0, 1.0, 2.0].map(state).to_vec();
        let of_trial: Vec<_> = of_trial.iter().map(|state| state.view()).collect();
        ndarray::stack(Axis(0), &of_trial).expect("of one shape").insert_axis(Axis(0))
    };
    for size in [1e-300, 1.0, 1e300] {
        let found = autocorrelation(turning(size).view()).expect("finite");
        for (angle, found) in [0.0_f64, 1.0, 2.0].into_iter().zip(&found) {
            assert!((found.mean.expect("an angle") - angle.cos()).abs() < 1e-15, "{size}: {found:?}");
        }
        let rates = arr2(&[[size, -size], [0.0, 2.0 * size]]);
        let found = saturation(rates.view()).expect("finite");
        assert!((found.mean / size - 1.0).abs() < 1e-15, "{size}: {found:?}");
        assert!((found.standard_deviation / size - 0.5_f64.sqrt()).abs() < 1e-15, "{size}: {found:?}");
        let shear = spectrum(arr2(&[[0.0, size], [0.0, 0.0]]).view()).expect("finite");
        assert_eq!(shear.relative_departure_from_normality(), Some(1.0));
        assert!((shear.norm / size - 1.0).abs() < 1e-15, "{shear:?}");
    }
}

#[test]
fn rates_are_the_nonlinearity_of_states_in_either_precision() {
    let states = arr2(&[[-2.0, 0.0, 0.5], [3.0, -0.1, 1.0]]);
    for (nonlinearity, expected) in [
        (Nonlinearity::Tanh, (|state: f64| state.tanh()) as fn(f64) -> f64),
        (Nonlinearity::Relu, |state| state.max(0.0)),
        (Nonlinearity::Linear, |state| state),
    ] {
        let (double, expected) = (rates(states.view(), nonlinearity), states.mapv(expected));
        assert!((&double - &expected).iter().all(|off| off.abs() < 1e-15), "{nonlinearity:?}");
        let single = rates(states.mapv(|state| state as f32).t(), nonlinearity);
        let off = &single.t().mapv(f64::from) - &expected;
        assert!(off.iter().all(|off| off.abs() < 1e-6), "{nonlinearity:?}");
    }
}
