//! Parameters at the edge of their ranges: each either works, with every number explained, or is refused with a reason.
//!
//! A table turns a number that is none into null, so that nulls are what is looked at: each must be one that the documentation of
//! its analysis speaks of, in the place that it speaks of ([`support::unexplained`]). `--nocapture` shows what came of every case.

mod support;

use concertina::prelude::*;
use concertina::{Error, ErrorKind};
use support::{in_memory, open, unexplained};

/// What is to come of a case.
#[derive(Debug, Clone, Copy)]
enum Fate {
    /// It trains to its end, and every analysis that applies says something.
    Works,
    /// It trains until the loss or a weight is no number, and what is kept before that can be analysed.
    Diverges,
    /// It cannot be trained, with a message that has these words.
    Fails(&'static str),
    /// It is no valid set of parameters; the message has these words.
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
    ("clusters=1", Refused("`task.clusters`: expected a cluster for each of 2 classes at least, found 1")),
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
        Refused("`task.classes`: expected 2 with `train.loss = mse_scalar`, found 3"),
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

/// Every analysis, small.
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
];

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
