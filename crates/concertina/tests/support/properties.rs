//! Random valid parameters, including the edges of every range, and what holds for every run.

#![allow(unreachable_pub, reason = "shared by two test targets")]

use std::path::Path;
use std::sync::Arc;

use concertina::analyses::{Analysis as _, AnalysisSpec};
use concertina::model::network::Weights;
use concertina::model::params::{
    Arithmetic, GradientMethod, GradientNoiseTarget, InitialState, InitialWeights, InputWeights, Interval,
    Kind, LossKind, NetworkKind, Nonlinearity, PARAMETERS, Params, SavesPerEpoch, Sweep, TaskKind,
    ValidParams, ValidSweep, Value,
};
use concertina::model::task::{Inputs, Mask, Targets, TrialArrays, Trials};
use concertina::model::trainer::EpochRecord;
use concertina::{CheckpointSelection, Outcome, Run, Source, Study};
use ndarray::{Array2, Array3};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};

use crate::support::{in_memory, open, unexplained};

/// Checks the first `cases` sets of parameters of the sequence that `seed` names. They are the same in every
/// run of the test.
pub fn check(cases: u32, seed: u64, analyses: usize) {
    let config = Config {
        cases,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        max_shrink_iters: 200,
        ..Config::default()
    };
    let outcome = TestRunner::new(config)
        .run(&(valid(), any::<u64>()), |(params, number)| holds(&params, number, analyses));
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

/// Any valid small parameters.
fn valid() -> impl Strategy<Value = ValidParams> {
    proptest::collection::vec(any::<u64>(), PARAMETERS.len()).prop_map(|numbers| {
        let mut params = Params::default();
        for (parameter, number) in PARAMETERS.iter().zip(numbers) {
            let value = value(parameter.path, parameter.kind, number);
            parameter.set(&mut params, &value).unwrap_or_else(|error| panic!("{error}"));
        }
        under_the_rules(params).check().unwrap_or_else(|error| panic!("{error}"))
    })
}

/// A value in the range of its parameter, usual or at an edge.
fn value(path: &str, kind: Kind, number: u64) -> Value {
    let pick = number / 8;
    let of = |values: &[f64]| Value::Real(values[pick as usize % values.len()]);
    let usual = !number.is_multiple_of(4);
    match (path, kind) {
        ("seed", _) => Value::from([0, 1, pick % 1000, i64::MAX as u64][number as usize % 4]),
        ("task.cluster_std", _) if usual => of(&[0.02, 0.05]),
        ("task.cluster_std", _) => of(&[0.0, 5e-324, 1e-40, 0.3, 1e300]),
        (_, Kind::OptionalReal(_)) if number.is_multiple_of(3) => Value::None,
        ("task.noise", _) if usual => of(&[0.0, 0.1, 1.0]),
        ("task.noise", _) => of(&[5e-324, 1e-40, 1e30]),
        ("network.gain", _) if usual => of(&[1.0, 20.0, 250.0]),
        ("train.learning_rate", _) if usual => of(&[1e-3, 1e-2, 1.0]),
        (
            "train.weight_decay" | "train.gradient_noise" | "network.unit_noise" | "network.initial_noise",
            _,
        ) if usual => of(&[0.0, 1e-3, 0.1]),
        ("network.density", _) if usual => of(&[1.0, 0.8]),
        ("network.input_scale" | "network.readout_scale", _) if usual => of(&[1.0, 0.3]),
        (_, Kind::Real(Interval::All) | Kind::OptionalReal(Interval::All)) => {
            of(&[0.0, 1.0, -2.0, 5e-324, -1e30, 1e300])
        }
        (_, Kind::Real(Interval::NotNegative) | Kind::OptionalReal(Interval::NotNegative)) => {
            of(&[0.0, 5e-324, 1e-40, 1e-8, 1e8, 1e30, 1e300, f64::MAX])
        }
        (_, Kind::Real(Interval::UnitAboveZero) | Kind::OptionalReal(Interval::UnitAboveZero)) => {
            of(&[0.01, 0.5, 1.0, 5e-324, 1.0 - f64::EPSILON])
        }
        (_, Kind::Real(Interval::UnitBelowOne) | Kind::OptionalReal(Interval::UnitBelowOne)) => {
            of(&[0.0, 0.0, 0.3, 0.9, 1.0 - f64::EPSILON, 5e-324])
        }
        (_, Kind::Real(Interval::Unit) | Kind::OptionalReal(Interval::Unit)) => of(&[0.0, 0.5, 1.0, 5e-324]),
        (_, Kind::Boolean) => Value::Boolean(number.is_multiple_of(2)),
        (_, Kind::Choice(names)) => Value::from(names[pick as usize % names.len()].name),
        (_, Kind::Trials) => Value::Trials(Arc::new(trials(pick))),
        (_, Kind::Nonzero) => match number % 4 {
            0 => Value::from(vec![-1e30, 5e-324, 1e30]),
            _ => Value::from(vec![-0.5, 0.1, 0.5]),
        },
        (_, Kind::Epochs) => Value::from(vec![1 + pick % 2, 4 + pick % 3]),
        (_, Kind::Imported) => Value::None, // nothing to train
        ("train.epochs", _) => Value::from(1_u64),
        (_, Kind::OptionalWhole { .. }) if number.is_multiple_of(2) => Value::None,
        (_, Kind::Whole { least, .. } | Kind::OptionalWhole { least, .. }) => {
            Value::from(least + pick % most_of(path))
        }
        (_, Kind::Saves) => match number % 4 {
            0 => Value::from(1 + pick % 5),
            1 => Value::Real(0.5),
            2 => Value::List(vec![Value::from(pick % 3)]),
            _ => Value::from(1_000_000_000_u64),
        },
    }
}

/// A few trials: with classes, one per trial or at every timestep, or with real targets; with and without a
/// mask and conditions.
fn trials(pick: u64) -> TrialArrays {
    let (count, timesteps, inputs) = (7 + pick as usize % 9, 1 + pick as usize % 4, 1 + pick as usize % 2);
    let number = |place: usize| ((place * 37 + pick as usize) % 11) as f32 / 5.0 - 1.0;
    let targets = match pick % 3 {
        0 => Targets::Class((0..count as u32).map(|trial| trial % 2).collect()),
        1 => Targets::ClassAt(Array2::from_shape_fn((count, timesteps), |(trial, step)| {
            ((trial + step) % 2) as u32
        })),
        _ => Targets::Real(Array3::from_shape_fn((count, timesteps, 2), |(trial, step, output)| {
            number(trial + 3 * step + 7 * output)
        })),
    };
    let mask = match pick / 3 % 3 {
        0 => Mask::Last(1),
        1 => Mask::Last(timesteps),
        _ => Mask::At(Array2::from_shape_fn((count, timesteps), |(trial, step)| (trial + step) % 3 > 0)),
    };
    let trials = Trials {
        inputs: Inputs::Timed(Array3::from_shape_fn((count, timesteps, inputs), |(trial, step, input)| {
            number(5 * trial + step + 2 * input)
        })),
        targets,
        mask,
        conditions: if pick.is_multiple_of(2) {
            (0..count as u32).map(|trial| trial / 2 % 3).collect()
        } else {
            Vec::new()
        },
    };
    TrialArrays::new(trials.clone(), Some(trials)).expect("they can be trained on")
}

/// How far a count may go beyond its least value, so that a run takes milliseconds.
fn most_of(path: &str) -> u64 {
    match path {
        "task.delay" | "task.hold" | "task.evaluate" | "train.scheduler_patience" => 4,
        "task.classes" => 3,
        "task.train_samples" | "train.batch" => 14,
        _ => 7,
    }
}

/// The same parameters, changed to obey the rules between them.
fn under_the_rules(mut params: Params) -> Params {
    let Params { task, network, train, .. } = &mut params;
    if network.kind == NetworkKind::Feedforward {
        (task.hold, task.evaluate) = (1, 1);
        task.kind = TaskKind::Clusters;
    }
    network.initial_noise = network.initial_noise.min(1e30);
    if network.kind == NetworkKind::Feedforward {
        (network.rank, network.excitatory, network.density) = (None, None, 1.0);
        (network.initial_state, network.initial_noise) = (InitialState::Zero, 0.0);
        network.train_recurrent = true;
    }
    if let Some(rank) = &mut network.rank {
        *rank = 1 + (*rank - 1) % network.units;
        network.density = 1.0;
    }
    let is_signed = network.rank.is_none() && network.init == InitialWeights::Standard;
    network.excitatory = network.excitatory.filter(|_| is_signed && !network.kind.is_gated());
    if network.excitatory.is_some() {
        network.excitatory = network.excitatory.map(|share| share.max(0.5));
        network.units = network.units.max(2);
    }
    if network.density < 1.0 {
        network.random_fraction = 1.0;
    }
    if !network.train_recurrent {
        network.initial_state = InitialState::Zero;
        (network.train_input, network.train_readout) = (false, true);
        train.gradient_noise_on = GradientNoiseTarget::All;
    }
    if network.input_weights == InputWeights::Diagonal {
        task.input_dim = task.input_dim.min(network.units);
        task.bits = task.bits.min(network.units);
        match task.kind {
            TaskKind::Trials => network.units = network.units.max(2),
            TaskKind::Context => network.units = network.units.max(4),
            TaskKind::Match => {
                network.units = network.units.max(2);
                task.stimuli = task.stimuli.min(network.units);
            }
            _ => {}
        }
    }
    if train.loss == LossKind::MseScalar {
        task.classes = 2;
    }
    task.clusters = task.clusters.max(task.classes);
    task.delay = task.delay.max(1);
    task.evaluate = task.evaluate.min(task.delay + task.hold - 1);
    train.batch = train.batch.min(match task.arrays() {
        Some(arrays) => arrays.training().len(),
        None => task.train_samples,
    });
    let is_linear = network.nonlinearity == Nonlinearity::Linear && !network.kind.is_gated();
    let starts_from_zero = network.initial_state == InitialState::Zero && network.initial_noise == 0.0;
    let is_linear = is_linear && starts_from_zero;
    if !is_linear || network.rank.is_some() || network.dropout > 0.0 || task.kind != TaskKind::Clusters {
        train.gradients = GradientMethod::Automatic;
    }
    train.scheduler_patience = train.scheduler_patience.max(1);
    train.cycle_epochs = Some(train.scheduler_patience + 1);
    if let SavesPerEpoch::Each(rates) = &train.saves_per_epoch {
        train.epochs = rates.len() as u64;
    }
    // a GPU trains the others
    params.train.arithmetic = Arithmetic::Cpu;
    if params.train.loss != LossKind::Zero {
        let mut without_loss = params.clone();
        without_loss.train.loss = LossKind::Zero;
        let valid = without_loss.check().unwrap_or_else(|error| panic!("{error}"));
        if valid.shape().classes().is_none() {
            params.train.loss = LossKind::Mse;
        }
    }
    params
}

/// Every analysis, with settings that the number chooses.
fn analyses(params: &ValidParams, number: u64) -> Vec<AnalysisSpec> {
    let samples = ["2", "3", "12", "30"][number as usize % 4];
    let timesteps = ["all", "last", "[0]", "[-1, 0]"][number as usize / 4 % 4];
    let exponents = if number.is_multiple_of(2) { 1 } else { params.network.units.min(3) };
    let stopping = if number.is_multiple_of(3) { "paper" } else { "converged" };
    AnalysisSpec::NAMES
        .iter()
        .map(|name| {
            let mut settings: Vec<String> = Vec::new();
            match *name {
                "effective_dimension" | "saturation" | "class_distances" | "autocorrelation" => {
                    settings.extend([format!("samples={samples}"), format!("timesteps={timesteps}")]);
                }
                "orthogonal_compression" => {
                    let reference = ["readout", "class_means"][number as usize / 2 % 2];
                    settings.extend([format!("samples={samples}"), format!("reference={reference}")]);
                }
                "manifold_capacity" => {
                    settings.extend([
                        format!("samples={samples}"),
                        format!("timesteps={timesteps}"),
                        "directions=5".to_owned(),
                    ]);
                }
                "accuracy" | "loss" | "performance" | "kernel" => settings.push(format!("samples={samples}")),
                "pca_snapshots" => {
                    let components = 1 + number as usize % params.network.units;
                    settings.extend([
                        format!("samples={samples}"),
                        "drawn=1".to_owned(),
                        format!("components={components}"),
                    ]);
                }
                "lyapunov" => {
                    settings.extend([format!("exponents={exponents}"), format!("stopping={stopping}")]);
                    if stopping == "converged" {
                        settings.extend(
                            ["burn_in=5", "max_iterations=60", "initial_conditions=2"].map(str::to_owned),
                        );
                    }
                }
                "cluster_holdout" => {
                    let classifier = ["logistic", "svm"][number as usize % 2];
                    settings.extend([
                        format!("samples={}", params.task.clusters.max(20)),
                        format!("classifier={classifier}"),
                        "splits=2".to_owned(),
                    ]);
                }
                "weight_variance" => {
                    let of = ["readout", "product"][number as usize % 2];
                    settings.extend([format!("of={of}"), "window=2".to_owned()]);
                }
                "representation_similarity" => {
                    let between = ["checkpoint", "timestep"][number as usize % 2];
                    settings.extend(["samples=12".to_owned(), format!("between={between}")]);
                }
                "intrinsic_dimension" => {
                    settings.extend(["samples=12", "k_min=2", "k_max=5"].map(str::to_owned));
                }
                "decoding" => {
                    let testing = ["same", "across"][number as usize % 2];
                    settings.extend(["folds=2".to_owned(), format!("testing={testing}")]);
                }
                "fixed_points" => {
                    settings.extend(["starts=5", "max_iterations=40"].map(str::to_owned));
                }
                _ => {}
            }
            concertina::analysis(name, settings.iter().map(String::as_str)).expect("an analysis")
        })
        .filter(|analysis| analysis.check(params).is_ok())
        .collect()
}

fn one(params: &ValidParams) -> ValidSweep {
    Sweep::of(params.clone().into_params()).check().expect("valid")
}

fn trained(study: &Study, params: &ValidParams) -> Run {
    study.train(&one(params)).expect("the store works").first().clone()
}

/// Every bit of weights, by name.
type Bits = Vec<(String, Vec<u32>)>;

fn bits(weights: &Weights) -> Bits {
    weights
        .tensors()
        .into_iter()
        .map(|(name, array)| (name, array.iter().map(|entry| entry.to_bits()).collect()))
        .collect()
}

fn weights_at_the_ends(run: &Run) -> Result<Vec<Bits>, TestCaseError> {
    let ends = [concertina::model::Checkpoint::START, run.last_checkpoint()];
    ends.into_iter()
        .map(|end| {
            let weights = run.weights(end).map_err(|error| TestCaseError::fail(error.to_string()))?;
            let finite =
                weights.tensors().iter().all(|(_, array)| array.iter().all(|entry| entry.is_finite()));
            prop_assert!(finite, "weights at {end} are NaN or infinite");
            Ok(bits(&weights))
        })
        .collect()
}

/// A history as text. Histories with the same text are equal, because every number has a unique shortest
/// spelling.
fn spelled(history: &[EpochRecord]) -> String {
    format!("{history:?}")
}

/// Checks what holds for every run. `count` of the analyses are also made during training.
fn holds(params: &ValidParams, number: u64, count: usize) -> Result<(), TestCaseError> {
    let folder = in_memory();
    let place = |name: &str| folder.path().join(name);
    let selection = CheckpointSelection::Ends;

    let run = trained(&open(&place("store"), 1), params);
    if let Outcome::Failed { message, hint } = run.outcome() {
        let known = message.starts_with("cannot place")
            || message.contains("the largest number in single precision")
            || message.contains("a loop among the units");
        prop_assert!(known && hint.is_some(), "{message}, hint {hint:?}");
        return Ok(());
    }
    prop_assert!(matches!(run.outcome(), Outcome::Complete | Outcome::Diverged(_)));

    // The stored parameters name the same run, and everything comes back bit-for-bit.
    let fresh = open(&place("store"), 1);
    let stored = fresh.stored_run(&run.key().to_string()).expect("the run");
    let stored = stored.params.expect("its parameters can be read");
    prop_assert_eq!(stored.canonical(), params.canonical());
    let loaded = trained(&fresh, params);
    prop_assert_eq!(loaded.source(), Source::Loaded);
    prop_assert_eq!(loaded.outcome(), run.outcome());
    prop_assert_eq!(loaded.key(), run.key());
    prop_assert_eq!(spelled(loaded.history()), spelled(run.history()));
    let weights = weights_at_the_ends(&loaded)?;
    prop_assert_eq!(&weights, &weights_at_the_ends(&run)?);
    prop_assert_eq!(&weights, &weights_at_the_ends(&trained(&open(&place("again"), 1), params))?);

    // Every analysis has a result, which is the same during training as from the store.
    let all = analyses(params, number);
    for (place_in_all, analysis) in all.iter().enumerate() {
        let analysed = fresh.analyse(&one(params), analysis, &selection).expect("it applies");
        for failure in &analysed.failures {
            prop_assert!(failure.hint().is_some(), "{}: {failure}", analysis.name());
            let said = failure.to_string();
            // a class may have a single condition, as one file or one list of coherences gives it
            let may_lack = params.task.kind != TaskKind::Clusters;
            let refused = may_lack && analysis.name() == "cluster_holdout" && said.contains("condition");
            prop_assert!(said.contains("expected finite numbers") || refused, "{}: {said}", analysis.name());
        }
        let unexplained = unexplained(analysis, params, &analysed.table);
        prop_assert!(unexplained.is_empty(), "{}: {}", analysis.canonical(), unexplained.join("; "));
        if (place_in_all + number as usize) % all.len() < count {
            let passing = open(&place(&format!("passing {place_in_all}")), 1);
            let passing = passing.analyse(&one(params), analysis, &selection).expect("it applies");
            prop_assert_eq!(&passing.table, &analysed.table, "{}", analysis.canonical());
            prop_assert_eq!(passing.failures.len(), analysed.failures.len(), "{}", analysis.canonical());
        }
    }

    longer(params, &place("store"), &place("longer"))
}

/// Continuing training gives the same as training for longer in one call.
fn longer(params: &ValidParams, store: &Path, other: &Path) -> Result<(), TestCaseError> {
    let params = params.with_epochs(2).expect("few epochs");
    let (extended, in_one_call) = (trained(&open(store, 1), &params), trained(&open(other, 1), &params));
    prop_assert_eq!(extended.key(), in_one_call.key());
    prop_assert_eq!(extended.outcome(), in_one_call.outcome());
    prop_assert_eq!(spelled(extended.history()), spelled(in_one_call.history()));
    prop_assert_eq!(weights_at_the_ends(&extended)?, weights_at_the_ends(&in_one_call)?);
    Ok(())
}
