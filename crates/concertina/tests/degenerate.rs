//! Parameters at the edge of their ranges. Each set either works, with every number explained, or is refused
//! with a reason.
//!
//! A table turns NaN and infinite numbers into null, so the tests look at nulls: the documentation of an
//! analysis must mention each of them, in the place where it occurs ([`support::unexplained`]). `--nocapture`
//! shows the outcome of every case.

#![expect(clippy::print_stdout, reason = "`--nocapture` shows the outcome of every case")]

mod support;

use concertina::prelude::*;
use concertina::{Error, ErrorKind};
use support::{in_memory, open, unexplained};

/// The expected outcome of a case.
#[derive(Debug, Clone, Copy)]
enum Fate {
    /// It trains to its end, and every analysis that applies has a result.
    Works,
    /// It trains until the loss or a weight is NaN or infinite, and the checkpoints before that can be
    /// analysed.
    Diverges,
    /// It cannot be trained; the message has these words.
    Fails(&'static str),
    /// It is not a valid set of parameters; the message has these words.
    Refused(&'static str),
}

use Fate::{Diverges, Fails, Refused, Works};

fn tiny() -> Params {
    let mut params = Params::default();
    params.network.units = 6;
    params.task.input_dim = 3;
    params.task.clusters = 6;
    params.task.delay = 3;
    params.task.train_samples = 12;
    params.task.val_samples = Some(4);
    params.train.batch = 4;
    params.train.epochs = 1;
    params
}

const RUNS: &[(&str, Fate)] = &[
    ("", Works),
    // Counts.
    ("epochs=0", Works),
    ("units=1", Works),
    ("units=1 input_dim=1", Works),
    ("units=1 input_dim=1 gain=0", Works),
    ("units=1 kind=leaky", Works),
    ("units=2 input_dim=5", Works),
    ("units=2 input_dim=5 kind=leaky random_fraction=0", Works),
    ("units=2 input_dim=5 kind=feedforward", Works),
    ("units=2 input_dim=5 input_weights=diagonal", Refused("`task.input_dim`: expected at most the 2 units")),
    ("input_dim=6 input_weights=diagonal", Works),
    ("input_dim=1", Works),
    ("classes=1", Refused("`task.classes`: expected a whole number of at least 2, found 1")),
    (
        "clusters=1",
        Refused("`task.clusters`: expected at least one cluster for each of the 2 classes, found 1"),
    ),
    ("clusters=2", Works),
    ("clusters=6 classes=6", Works),
    ("clusters=5 classes=3 loss=mse", Works),
    ("train_samples=1 batch=1 val_samples=1", Works),
    ("train_samples=1 batch=1 val_samples=none", Works),
    ("train_samples=3 batch=2", Works),
    ("val_samples=0", Refused("`task.val_samples`: expected a whole number of at least 1, or none, found 0")),
    ("batch=12", Works),
    ("batch=5", Works),
    ("batch=13", Refused("`train.batch`: expected at most the 12 samples of an epoch, found 13")),
    ("batch=0", Refused("`train.batch`: expected a whole number of at least 1, found 0")),
    ("delay=1", Works),
    ("delay=1 kind=leaky", Works),
    ("delay=1 kind=feedforward", Works),
    ("delay=0", Refused("`task.delay`: expected a whole number of at least 1, found 0")),
    ("delay=1 hold=3 evaluate=3", Works),
    ("delay=1 hold=1 evaluate=2", Refused("`task.evaluate`: expected at most the trial's 1 timesteps")),
    ("seed=9223372036854775807", Works),
    (
        "seed=9223372036854775808",
        Refused("`seed`: expected a whole number of at most 9,223,372,036,854,775,807"),
    ),
    ("frozen=true", Works),
    // Scales of weights.
    ("gain=0", Works),
    ("gain=0 dt=1", Works),
    ("gain=0 dt=1 nonlinearity=linear", Works),
    ("gain=0 dt=1 kind=feedforward", Works),
    ("gain=0 kind=leaky", Works),
    ("gain=0 dt=1 kind=leaky", Works),
    ("gain=0 dt=1 kind=leaky leak=false", Works),
    ("gain=0 nonlinearity=relu", Works),
    ("gain=0 dt=1 nonlinearity=relu", Works),
    ("gain=250 dt=1", Works),
    ("gain=1e-40", Works),
    ("gain=5e-324 dt=1", Works),
    ("gain=1e20", Works),
    ("gain=1e20 nonlinearity=relu", Works),
    ("gain=1e20 nonlinearity=linear", Works),
    ("gain=1e36 dt=1", Works),
    ("gain=1e300", Fails("network.gain")),
    ("gain=1e300 kind=leaky", Fails("network.gain")),
    ("gain=-1", Refused("`network.gain`: expected a number of at least 0, found -1")),
    ("gain=inf", Refused("`network.gain`: expected a finite number, found inf")),
    ("gain=nan", Refused("`network.gain`: expected a finite number, found NaN")),
    ("dt=0", Refused("`network.dt`: expected a number above 0 and at most 1, found 0")),
    ("dt=5e-324", Works),
    ("input_scale=0", Works),
    ("input_scale=0 nonlinearity=relu", Works),
    ("input_scale=0 nonlinearity=relu kind=leaky", Works),
    ("input_scale=0 nonlinearity=relu kind=feedforward", Works),
    ("input_scale=0 gain=0 dt=1", Works),
    ("input_scale=1e-45", Works),
    ("input_scale=1e-42 nonlinearity=linear", Works),
    ("input_scale=1e30", Works),
    ("input_scale=1e30 nonlinearity=relu", Works),
    ("input_scale=1e300", Fails("network.input_scale")),
    ("input_scale=1e300 input_weights=diagonal", Fails("network.input_scale")),
    ("readout_scale=0", Works),
    ("readout_scale=0 train_readout=false biases=false", Works),
    ("readout_scale=1e-44", Works),
    ("readout_scale=1e30", Works),
    ("readout_scale=1e30 loss=mse_scalar", Diverges),
    ("readout_scale=1e300", Fails("network.readout_scale")),
    // Inputs.
    ("cluster_std=0", Works),
    ("cluster_std=0 nonlinearity=relu gain=0 dt=1", Works),
    ("cluster_std=5e-324", Works),
    ("cluster_std=1e-40", Works),
    ("cluster_std=1e300", Fails("cannot place 6 clusters")),
    ("cluster_std=2", Fails("cannot place 6 clusters")),
    // Losses and what is trained.
    ("loss=zero", Works),
    ("loss=mse", Works),
    ("loss=mse_scalar", Works),
    (
        "loss=mse_scalar classes=3",
        Refused("`task.classes`: expected 2 classes with `train.loss = mse_scalar`, found 3"),
    ),
    ("loss=zero gradient_noise=1 gradient_noise_scaled=true", Works),
    ("loss=zero weight_decay=1e10 optimizer=sgd learning_rate=1 train_samples=40", Diverges),
    ("loss=zero weight_decay=1e300 optimizer=sgd", Diverges),
    ("train_input=true train_readout=false biases=false", Works),
    // Optimizers.
    ("learning_rate=0", Works),
    ("learning_rate=5e-324", Works),
    ("learning_rate=1e30", Works),
    ("learning_rate=1e30 optimizer=sgd", Works),
    ("learning_rate=1e30 optimizer=adam", Works),
    ("learning_rate=1e30 nonlinearity=relu", Diverges),
    ("learning_rate=1e30 nonlinearity=linear", Diverges),
    ("learning_rate=1e38", Diverges),
    ("learning_rate=1e300", Diverges),
    ("learning_rate=1e300 optimizer=sgd", Diverges),
    ("learning_rate=1e300 optimizer=adam", Diverges),
    ("learning_rate=1e300 optimizer=sgd_rmsprop mix=0.5", Diverges),
    ("learning_rate=1e300 saves_per_epoch=100", Diverges),
    ("learning_rate=-1", Refused("`train.learning_rate`: expected a number of at least 0, found -1")),
    ("momentum=0.9999999999", Works),
    ("momentum=1", Refused("`train.momentum`: expected a number of at least 0 and below 1, found 1")),
    ("weight_decay=1e300", Diverges),
    ("gradient_noise=1e300", Diverges),
    ("gradient_noise=1e300 gradient_noise_scaled=true gradient_noise_on=all", Diverges),
    ("gradient_noise=5e-324", Works),
    ("dropout=0.99", Works),
    ("dropout=0.99999999999", Works),
    ("dropout=0.99999999999 nonlinearity=linear", Works),
    ("dropout=1", Refused("`network.dropout`: expected a number of at least 0 and below 1, found 1")),
    ("unit_noise=5e-324", Works),
    ("unit_noise=1e30", Works),
    ("unit_noise=1e300", Diverges),
    ("gradients=condensed nonlinearity=linear batch=1", Works),
    ("gradients=condensed nonlinearity=linear gain=0 dt=1 delay=1", Works),
    ("gradients=split batch=12", Works),
    // Schedules.
    ("epochs=0 saves_per_epoch=[]", Works),
    (
        "epochs=1 saves_per_epoch=[]",
        Refused("`train.saves_per_epoch`: expected one entry for each of 1 epochs, found 0 entries"),
    ),
    ("epochs=1 saves_per_epoch=[0]", Works),
    ("saves_per_epoch=1000000000", Works),
    ("saves_per_epoch=0", Refused("`train.saves_per_epoch`: expected a whole number of at least 1")),
    ("scheduler=multistep milestones=[]", Refused("`train.milestones`: expected at least one epoch")),
    ("scheduler=onecycle epochs=0", Refused("`train.cycle_epochs`: expected the length of the cycle")),
    ("scheduler=onecycle epochs=1 scheduler_patience=1", Works),
    ("scheduler=step scheduler_patience=0", Refused("`train.scheduler_patience`: expected at least 1 epoch")),
    ("scheduler=plateau scheduler_patience=0 scheduler_factor=5e-324 epochs=3", Works),
    ("scheduler=cyclic_halving scheduler_patience=1 epochs=3", Works),
    ("stop_after=1 epochs=3 learning_rate=0 frozen=true", Works),
];

/// Every analysis, with small settings.
const ANALYSES: &[&str] = &[
    "effective_dimension samples=12",
    "accuracy samples=12",
    "loss samples=12",
    "pca_snapshots samples=12 drawn=12 components=1",
    "lyapunov exponents=1 burn_in=20 max_iterations=100 initial_conditions=3",
    "lyapunov exponents=1 stopping=paper",
    "cluster_holdout samples=12",
    "cluster_holdout samples=12 classifier=svm splits=1",
    "saturation samples=12",
    "class_distances samples=12",
    "orthogonal_compression samples=12",
    "orthogonal_compression samples=12 reference=class_means",
    "weight_variance window=2",
    "weight_variance window=2 of=product",
    "autocorrelation samples=12",
    "spectrum",
    "fixed_points starts=8 max_iterations=60",
    "representation_similarity samples=12",
    "representation_similarity samples=12 between=timestep distance=correlation",
    "intrinsic_dimension samples=12 k_min=2 k_max=4",
    "decoding samples=12 folds=2",
    "decoding samples=12 folds=2 target=condition testing=across classifier=svm",
    "kernel samples=12",
    "manifold_capacity samples=12 directions=5",
    "manifold_capacity samples=12 directions=5 manifolds=class",
];

/// Settings of analyses at the edge of their ranges, on the run of `tiny` (6 units, 6 clusters, 3 timesteps)
/// with these changes.
const SETTINGS: &[(&str, &str, Fate)] = &[
    ("effective_dimension samples=0", "", Refused("expected at least 2, found 0")),
    ("effective_dimension samples=1", "", Refused("expected at least 2, found 1")),
    ("effective_dimension samples=2", "", Works),
    ("effective_dimension samples=3 timesteps=[0] ", "clusters=2", Works),
    (
        "effective_dimension samples=1000000000000",
        "",
        Refused("expected at most 1000000, found 1000000000000"),
    ),
    ("effective_dimension timesteps=[]", "", Refused("expected at least one timestep, found an empty list")),
    (
        "effective_dimension timesteps=[-2]",
        "",
        Refused("expected timesteps from -1, the input, to 9999, found -2"),
    ),
    ("effective_dimension samples=5 extend_to=40", "", Works),
    (
        "effective_dimension extend_to=1",
        "",
        Refused("expected a timestep from 2, the last of the trial, to 9999, found 1"),
    ),
    ("effective_dimension extend_to=1000000", "", Refused("expected a timestep from 2")),
    ("effective_dimension extend_to=5", "kind=feedforward", Refused("its timesteps are its layers")),
    ("accuracy samples=0", "", Refused("expected at least 1, found 0")),
    ("accuracy samples=1", "", Works),
    ("accuracy samples=1000000000000", "", Refused("expected at most 1000000, found 1000000000000")),
    ("loss samples=1", "", Works),
    ("loss samples=0", "", Refused("expected at least 1, found 0")),
    ("pca_snapshots samples=2 drawn=2 components=6", "", Works),
    ("pca_snapshots samples=2 drawn=0 components=1", "", Works),
    ("pca_snapshots samples=12 drawn=12 components=6", "input_scale=0", Works),
    ("pca_snapshots samples=1 drawn=1", "", Refused("expected at least 2, found 1")),
    ("pca_snapshots samples=5 drawn=6", "", Refused("expected at most 5, the samples, found 6")),
    ("pca_snapshots components=0", "", Refused("expected at least 1, found 0")),
    ("pca_snapshots components=7", "", Refused("expected at most 6, the number of units, found 7")),
    ("lyapunov exponents=6 burn_in=0 max_iterations=1 initial_conditions=2", "", Works),
    ("lyapunov exponents=6 burn_in=50 max_iterations=60 initial_conditions=2", "gain=0 dt=1", Works),
    (
        "lyapunov exponents=6 burn_in=50 max_iterations=60 initial_conditions=2",
        "gain=0 dt=1 kind=leaky",
        Works,
    ),
    ("lyapunov exponents=2 burn_in=50 max_iterations=60", "gain=250 dt=1 nonlinearity=relu", Works),
    ("lyapunov exponents=2 burn_in=5 max_iterations=60 tolerance=1e-300", "", Works),
    ("lyapunov exponents=0", "", Refused("expected at least 1, found 0")),
    ("lyapunov exponents=7", "", Refused("expected at most 6, the number of units, found 7")),
    ("lyapunov exponents=1 max_iterations=0", "", Refused("expected at least 1, found 0")),
    ("lyapunov exponents=1 initial_conditions=1", "", Refused("expected at least 2, found 1")),
    (
        "lyapunov exponents=1 initial_conditions=1000000000000",
        "",
        Refused("expected at most 10000, found 1000000000000"),
    ),
    ("lyapunov exponents=1 tolerance=0", "", Refused("expected a positive number, found 0")),
    ("lyapunov exponents=1 tolerance=inf", "", Refused("expected a positive number, found inf")),
    ("lyapunov exponents=1 stopping=paper burn_in=3", "", Refused("`paper` has its own settings, found 3")),
    ("cluster_holdout samples=5", "", Refused("expected at least 6, found 5")),
    ("cluster_holdout samples=6 splits=1", "", Works),
    ("cluster_holdout samples=12 splits=0", "", Refused("expected at least 1, found 0")),
    (
        "cluster_holdout samples=12 splits=1000000000000",
        "",
        Refused("expected at most 10000, found 1000000000000"),
    ),
    ("cluster_holdout samples=12 c=0", "", Refused("expected a positive number, found 0")),
    ("cluster_holdout samples=12 c=1e-300", "", Works),
    ("cluster_holdout samples=12 c=1e12", "", Works),
    ("cluster_holdout samples=12 c=1e300", "", Works),
    ("cluster_holdout samples=12 c=1e300 classifier=svm", "", Works),
    ("cluster_holdout samples=12 c=1e-300 classifier=svm", "", Works),
    ("cluster_holdout samples=12", "input_scale=0 gain=0 dt=1 biases=false", Works),
    ("cluster_holdout samples=12 classifier=svm", "input_scale=0 gain=0 dt=1 biases=false", Works),
    ("cluster_holdout samples=12", "clusters=6 classes=3", Works),
    ("cluster_holdout samples=12 training_share=0", "", Refused("expected a share between 0 and 1, found 0")),
    ("cluster_holdout samples=12 training_share=1", "", Refused("expected a share between 0 and 1, found 1")),
    ("cluster_holdout samples=12 training_share=1e-300", "", Works),
    ("cluster_holdout samples=12 training_share=0.9999999999", "", Works),
    ("saturation samples=1", "", Works),
    ("saturation samples=0", "", Refused("expected at least 1, found 0")),
    ("class_distances samples=1", "", Refused("expected at least 2, found 1")),
    ("class_distances samples=2", "", Works),
    ("class_distances samples=6", "classes=6", Works),
    ("orthogonal_compression samples=1", "", Refused("expected at least 2, found 1")),
    ("orthogonal_compression samples=2", "", Works),
    ("orthogonal_compression samples=12", "input_dim=6 units=2", Works),
    ("orthogonal_compression samples=12", "readout_scale=0 train_readout=false", Works),
    ("orthogonal_compression samples=12 reference=class_means", "cluster_std=0 gain=0 dt=1", Works),
    ("weight_variance window=1", "", Refused("expected at least 2, found 1")),
    ("weight_variance window=1000000000000", "", Works),
    ("weight_variance window=2 of=product", "delay=1", Works),
    ("weight_variance window=2 of=product", "epochs=0", Works),
    ("autocorrelation samples=1", "", Works),
    ("autocorrelation samples=12 timesteps=[-1]", "nonlinearity=relu input_scale=0", Works),
    ("spectrum", "units=1", Works),
    ("fixed_points starts=1 max_iterations=1", "", Works),
    ("fixed_points starts=3 noise=1e300", "", Works),
    ("fixed_points starts=3", "units=1 gain=0", Works),
    ("fixed_points starts=3", "gain=250 dt=1 nonlinearity=relu", Works),
    ("fixed_points starts=3", "gain=250 dt=1 nonlinearity=linear", Works),
    ("fixed_points starts=3 slow=1e300 tolerance=1e-300 unique=1e300", "", Works),
    ("fixed_points starts=0", "", Refused("expected at least 1, found 0")),
    ("kernel samples=1", "", Refused("expected at least 2, found 1")),
    ("kernel samples=20000", "", Refused("expected at most 10000, found 20000")),
    ("manifold_capacity directions=1", "", Refused("expected at least 2, found 1")),
    ("manifold_capacity samples=6 directions=2", "units=1", Works),
    ("fixed_points starts=1000000000000", "", Refused("expected at most 10000, found 1000000000000")),
    ("fixed_points noise=-1", "", Refused("expected zero or a positive number, found -1")),
    ("fixed_points unique=0", "", Refused("expected a positive number, found 0")),
    ("fixed_points input=[1]", "", Refused("numbers, one for each input, found 1 numbers")),
    ("fixed_points", "kind=feedforward", Refused("it maps an input to an output once")),
    ("spectrum", "gain=0 dt=1 learning_rate=0", Works),
    ("representation_similarity samples=3", "", Refused("expected at least 4, found 3")),
    ("representation_similarity samples=4 reference=previous", "", Works),
    ("representation_similarity samples=12 distance=correlation", "units=1", Works),
    ("representation_similarity between=timestep reference=last", "", Refused("expected no `reference`")),
    ("representation_similarity measure=cka distance=correlation", "", Refused("expected no `distance`")),
    ("intrinsic_dimension samples=3", "", Refused("expected at least 4, found 3")),
    ("intrinsic_dimension samples=12", "", Works),
    ("intrinsic_dimension samples=12 discarded=0.999 k_min=2 k_max=3", "units=1", Works),
    ("intrinsic_dimension samples=12 k_min=2 k_max=3", "input_scale=0 gain=0 dt=1 biases=false", Works),
    ("intrinsic_dimension discarded=0", "", Refused("expected a share between 0 and 1, found 0")),
    ("intrinsic_dimension k_max=1000000000000", "", Refused("expected at most 1000, found 1000000000000")),
    ("decoding samples=4", "", Refused("expected at least 5, found 4")),
    ("decoding samples=12 folds=1", "", Refused("expected at least 2, found 1")),
    ("decoding samples=12 c=0", "", Refused("expected a positive number, found 0")),
    ("decoding samples=12 c=1e-300", "", Works),
    ("decoding samples=12", "input_scale=0 gain=0 dt=1 biases=false", Works),
];

#[test]
fn every_setting_of_an_analysis_at_an_edge_works_with_every_number_explained_or_is_refused_with_a_reason() {
    let folder = in_memory();
    let study = open(folder.path(), 1);
    let mut troubles = Vec::new();
    for (text, changes, fate) in SETTINGS {
        let mut sweep = Sweep::of(tiny());
        settings(changes).into_iter().for_each(|change| sweep.assign(change).expect("in range"));
        let sweep = sweep.check().expect("valid");
        let analysis = spec(text);
        match (study.analyse(&sweep, &analysis, &CheckpointSelection::Ends), fate) {
            (Ok(analysed), Works) => {
                troubles
                    .extend(analysed.failures.iter().map(|failure| format!("{text}, {changes}: {failure}")));
                let unexplained = unexplained(&analysis, analysed.runs.first().params(), &analysed.table);
                troubles.extend(unexplained.into_iter().map(|cell| format!("{text}, {changes}: {cell}")));
            }
            (Err(error), Refused(words)) if error.to_string().contains(words) && error.hint().is_some() => {
                println!("{text}, {changes}: {error} | {:?}", error.hint());
            }
            (Err(error), _) => troubles.push(format!("{text}, {changes}: {error}, hint {:?}", error.hint())),
            (Ok(_), _) => troubles.push(format!("{text}, {changes}: not refused")),
        }
    }
    assert!(troubles.is_empty(), "{} troubles:\n{}", troubles.len(), troubles.join("\n"));
}

/// The numbers in a column at the checkpoint before training and at this timestep.
fn before(table: &Table, column: &str, timestep: i64) -> Vec<Option<f64>> {
    let (epochs, timesteps) = (table.integers("epoch").expect("epochs"), table.integers("timestep").ok());
    let numbers = table.floats(column).expect("a column of numbers");
    let here = |row: &usize| {
        epochs[*row] == Some(0)
            && timesteps
                .as_ref()
                .is_none_or(|timesteps| timesteps[*row].is_none_or(|found| found == timestep))
    };
    (0..numbers.len()).filter(here).map(|row| numbers[row]).collect()
}

#[test]
fn outputs_that_are_nan_or_infinite_have_no_accuracy_and_no_loss() {
    let folder = in_memory();
    let study = open(folder.path(), 1);
    for loss in ["cross_entropy", "mse", "mse_scalar", "zero"] {
        for text in ["accuracy samples=12", "loss samples=12"] {
            let mut sweep = Sweep::of(tiny());
            let changes = ["gain=1e36", "dt=1", "nonlinearity=linear", "epochs=0"].map(str::to_owned);
            let changes = changes.into_iter().chain([format!("loss={loss}")]);
            changes.for_each(|change| sweep.assign(&change).expect("in range"));
            let sweep = sweep.check().expect("valid");
            let analysed =
                study.analyse(&sweep, &spec(text), &CheckpointSelection::First).expect("it applies");
            let failure =
                analysed.failures.first().unwrap_or_else(|| panic!("{loss}, {text}: {:?}", analysed.table));
            assert!(failure.to_string().contains("loss: expected finite numbers, found"), "{failure}");
            assert!(failure.hint().is_some(), "{failure}");
        }
    }
}

#[test]
fn runs_at_an_edge_have_the_numbers_of_their_closed_forms() {
    let folder = in_memory();
    let study = open(folder.path(), 1);
    let found = |changes: &str, text: &str, column: &str, timestep: i64| {
        let mut sweep = Sweep::of(tiny());
        settings(changes).into_iter().for_each(|change| sweep.assign(change).expect("in range"));
        let sweep = sweep.check().expect("valid");
        let analysed = study.analyse(&sweep, &spec(text), &CheckpointSelection::First).expect("it applies");
        assert!(analysed.failures.is_empty(), "{:?}", analysed.failures);
        before(&analysed.table, column, timestep)
    };
    let close = |found: &[Option<f64>], expected: &[f64], what: &str| {
        let near = |(found, expected): (&Option<f64>, &f64)| {
            found.is_some_and(|found| (found - expected).abs() <= 1e-6 * (1.0 + expected.abs()))
        };
        assert!(
            found.len() == expected.len() && found.iter().zip(expected).all(near),
            "{what}: {found:?}, not {expected:?}"
        );
    };

    // States that are all equal have no dimension, no autocorrelation if they are zero, and no distance.
    let silent = "input_scale=0";
    assert_eq!(found(silent, "effective_dimension samples=12", "effective_dimension", 0), [None]);
    assert_eq!(found(silent, "autocorrelation samples=12", "autocorrelation", 1), [None]);
    assert_eq!(found(silent, "class_distances samples=12", "across_class_distance", 1), [Some(0.0)]);
    assert_eq!(found(silent, "saturation samples=12", "saturation", 1), [Some(0.0)]);
    assert_eq!(found(silent, "saturation samples=12", "saturation_sd", 1), [Some(0.0)]);
    assert_eq!(found(silent, "orthogonal_compression samples=12", "orthogonal_compression", 1), [None]);
    assert_eq!(
        found(silent, "pca_snapshots samples=12 drawn=0 components=1 timesteps=[0]", "pc1", 0),
        [None; 4]
    );
    // If the outputs are equal, the first class is chosen, and the loss is that of a guess.
    let chance = found(silent, "loss samples=12", "loss", -1);
    close(&chance, &[std::f64::consts::LN_2], "the loss of two equal outputs");
    assert_eq!(found(silent, "accuracy samples=12", "accuracy", -1), [Some(0.5)]);
    close(&found("input_scale=0 loss=mse", "loss samples=12", "loss", -1), &[0.245], "0.7² / 2");
    close(&found("input_scale=0 loss=mse_scalar", "loss samples=12", "loss", -1), &[0.49], "0.7²");
    assert_eq!(found("loss=zero", "loss samples=12", "loss", -1), [Some(0.0)]);

    // Without spread, there are as many states as clusters. Two points lie on a line.
    close(
        &found("cluster_std=0 clusters=2", "effective_dimension samples=12", "effective_dimension", 0),
        &[1.0],
        "two points",
    );
    close(
        &found("cluster_std=0 clusters=2 ", "effective_dimension samples=12", "effective_dimension", -1),
        &[1.0],
        "two points",
    );
    close(
        &found("cluster_std=0 clusters=2", "class_distances samples=12", "within_class_distance", 1),
        &[0.0],
        "two points",
    );
    // One unit has one dimension.
    close(&found("units=1", "effective_dimension samples=12", "effective_dimension", 1), &[1.0], "one unit");

    // W = (1 - dt) I: eigenvalues, exponents, and, if the network is linear, states that shrink by a factor
    // of 1 - dt in each step.
    let halving = "gain=0 dt=0.5 nonlinearity=linear";
    close(&found(halving, "spectrum", "modulus", -1), &[0.5; 6], "eigenvalues");
    close(
        &found(halving, "spectrum", "departure_from_normality", -1),
        &[0.0; 6],
        "a multiple of the identity is normal",
    );
    let exponents = "lyapunov exponents=6 burn_in=5 max_iterations=60 initial_conditions=2";
    close(&found(halving, exponents, "exponent", -1), &[-1.0; 6], "halving is one bit per timestep");
    close(
        &found(halving, "lyapunov exponents=6 stopping=paper", "exponent", -1),
        &[-1.0; 6],
        "by the other rule",
    );
    close(&found("gain=0 dt=0.5 kind=leaky", exponents, "exponent", -1), &[-1.0; 6], "the leak alone");
    close(&found(halving, exponents, "kaplan_yorke_dimension", -1), &[0.0; 6], "a fixed point");
    close(&found(halving, exponents, "entropy_rate", -1), &[0.0; 6], "a fixed point");
    close(
        &found(halving, "autocorrelation samples=12", "autocorrelation", 2),
        &[1.0],
        "states keep their direction",
    );
    let sizes = [0, 1]
        .map(|timestep| found(halving, "saturation samples=12", "saturation", timestep)[0].expect("a mean"));
    assert_eq!(sizes[1], 0.5 * sizes[0]);

    // W = 0: the network forgets immediately, and no direction is left.
    let blank = "gain=0 dt=1";
    close(&found(blank, "spectrum", "spectral_radius", -1), &[0.0; 6], "no weights");
    assert_eq!(found(blank, "spectrum", "relative_departure_from_normality", -1), [None; 6]);
    for rule in [exponents, "lyapunov exponents=6 stopping=paper"] {
        assert_eq!(found(blank, rule, "exponent", -1), [None; 6], "null is -∞");
        assert_eq!(found(blank, rule, "standard_error", -1), [None; 6]);
        close(&found(blank, rule, "kaplan_yorke_dimension", -1), &[0.0; 6], "everything ends in one point");
        close(&found(blank, rule, "entropy_rate", -1), &[0.0; 6], "everything ends in one point");
    }
    assert_eq!(found(blank, "saturation samples=12", "saturation", 1), [Some(0.0)]);
    assert_eq!(found(blank, "effective_dimension samples=12", "effective_dimension", 1), [None]);

    // One relu unit: it dies, or it grows without bound.
    let unit = "units=1 input_dim=1 nonlinearity=relu gain=2 dt=1";
    let signs: Vec<Option<f64>> = (0..6)
        .flat_map(|seed| {
            found(
                &format!("{unit} seed={seed}"),
                "lyapunov exponents=1 burn_in=0 max_iterations=50 initial_conditions=4",
                "exponent",
                -1,
            )
        })
        .collect();
    assert!(signs.iter().flatten().all(|exponent| *exponent <= 1.0 + 1e-9), "{signs:?}");
    assert!(signs.contains(&None), "{signs:?}");
}

fn settings(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

fn spec(text: &str) -> AnalysisSpec {
    let words = settings(text);
    concertina::analysis(words[0], words[1..].iter().copied()).expect("an analysis")
}

#[test]
fn every_run_at_an_edge_works_with_every_number_explained_or_is_refused_with_a_reason() {
    let folder = in_memory();
    let study = open(folder.path(), 1);
    let mut troubles_found = Vec::new();
    let mut done = 0;
    for (case, fate) in RUNS {
        let mut sweep = Sweep::of(tiny());
        let checked =
            settings(case).into_iter().try_for_each(|text| sweep.assign(text)).and_then(|()| sweep.check());
        let sweep = match (checked, fate) {
            (Err(error), Refused(words)) => {
                println!("{case}: {error} | {:?}", error.hint());
                done += 1;
                if !error.to_string().contains(words) || error.hint().is_none() {
                    troubles_found.push(format!("{case}: {error}, hint {:?}", error.hint()));
                }
                continue;
            }
            (Err(error), _) => {
                troubles_found.push(format!("{case}: refused: {error}"));
                continue;
            }
            (Ok(_), Refused(words)) => {
                troubles_found.push(format!("{case}: not refused with {words}"));
                continue;
            }
            (Ok(sweep), _) => sweep,
        };
        let runs = study.train(&sweep).expect("the store works");
        let run = runs.first();
        println!("{case}: {:?}", run.outcome());
        match (run.outcome(), fate) {
            (Outcome::Complete, Works) | (Outcome::Diverged(_), Diverges) => {}
            (Outcome::Failed { message, hint }, Fails(words)) => {
                done += 1;
                if !message.contains(words) || hint.is_none() {
                    troubles_found.push(format!("{case}: {message}, hint {hint:?}"));
                }
                continue;
            }
            (outcome, fate) => {
                troubles_found.push(format!("{case}: {outcome:?} instead of {fate:?}"));
            }
        }
        for text in ANALYSES {
            done += 1;
            let analysis = spec(text);
            let analysed = match study.analyse(&sweep, &analysis, &CheckpointSelection::Ends) {
                Ok(analysed) => analysed,
                Err(Error::Analysis(error)) if error.hint().is_some() => {
                    println!("    {text}: {error} | {:?}", error.hint());
                    continue;
                }
                Err(error) => {
                    troubles_found.push(format!("{case}, {text}: {error} ({:?})", error.hint()));
                    continue;
                }
            };
            for failure in &analysed.failures {
                println!("    {text}: {failure} | {:?}", failure.hint());
                if failure.hint().is_none() || failure.kind() != ErrorKind::Run {
                    troubles_found.push(format!("{case}, {text}: {failure} ({:?})", failure.hint()));
                }
                if matches!(fate, Works | Diverges) {
                    troubles_found.push(format!("{case}, {text}: {failure}"));
                }
            }
            troubles_found.extend(
                unexplained(&analysis, run.params(), &analysed.table)
                    .into_iter()
                    .map(|trouble| format!("{case}, {text}: {trouble}")),
            );
        }
    }
    println!("{done} done");
    assert!(troubles_found.is_empty(), "{} troubles:\n{}", troubles_found.len(), troubles_found.join("\n"));
}
