//! Arbitrary parameters. Each is in range, but the rules between them need not hold.

use std::sync::{Arc, LazyLock};

use ndarray::Array3;
use proptest::prelude::*;

use super::*;
use crate::task::{Inputs, Mask, Targets, TrialArrays, Trials};

/// Arbitrary parameters in range. One number per parameter decides its value.
pub(super) fn params() -> impl Strategy<Value = Params> {
    proptest::collection::vec(any::<u64>(), PARAMETERS.len()).prop_map(|numbers| {
        let mut params = Params::default();
        for (parameter, number) in PARAMETERS.iter().zip(numbers) {
            let value = value(parameter.kind, number);
            parameter.set(&mut params, &value).unwrap_or_else(|error| panic!("{error}"));
        }
        params
    })
}

/// The one set of trials that they use, with two classes.
pub(super) fn trials() -> Arc<TrialArrays> {
    static TRIALS: LazyLock<Arc<TrialArrays>> = LazyLock::new(|| {
        let trials = Trials {
            inputs: Inputs::Timed(Array3::from_elem((20, 3, 1), 0.5)),
            targets: Targets::Class((0..20).map(|trial| trial % 2).collect()),
            mask: Mask::Last(1),
            conditions: Vec::new(),
        };
        Arc::new(TrialArrays::new(trials, None).expect("the trials are valid"))
    });
    Arc::clone(&TRIALS)
}

/// Arbitrary valid parameters: those above, adjusted to satisfy the rules between them.
pub(super) fn valid() -> impl Strategy<Value = ValidParams> {
    params().prop_map(|mut params| {
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
            if task.kind == TaskKind::Match {
                network.units = network.units.max(2);
                task.stimuli = task.stimuli.min(network.units);
            }
            if task.kind == TaskKind::Context {
                network.units = network.units.max(4);
            }
        }
        if train.loss == LossKind::MseScalar {
            task.classes = 2;
        }
        task.clusters = task.clusters.max(task.classes);
        task.delay = task.delay.max(1);
        task.evaluate = task.evaluate.min(task.delay + task.hold - 1);
        if task.kind == TaskKind::Trials {
            task.file = Some(TrialSource::Arrays(trials()));
        }
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
        if params.unsuited_to_gpu().is_some() {
            params.train.arithmetic = Arithmetic::Cpu;
        }
        let train = &mut params.train;
        train.scheduler_patience = train.scheduler_patience.max(1);
        train.cycle_epochs = Some(train.scheduler_patience);
        if let SavesPerEpoch::Each(rates) = &train.saves_per_epoch {
            train.epochs = rates.len() as u64;
        }
        if crate::task::shape(&params).classes().is_none() && params.train.loss != LossKind::Zero {
            params.train.loss = LossKind::Mse;
        }
        params.check().unwrap_or_else(|error| panic!("{error}"))
    })
}

fn value(kind: Kind, number: u64) -> Value {
    let part = (number >> 11) as f64 / 2_f64.powi(53); // [0, 1)
    match kind {
        Kind::Whole { least, most } => Value::from(least + number % (most - least + 1)),
        Kind::OptionalWhole { .. } if number.is_multiple_of(2) => Value::None,
        Kind::OptionalWhole { least, most } => Value::from(least + number % (most - least + 1)),
        Kind::OptionalReal(_) if number.is_multiple_of(2) => Value::None,
        Kind::Real(Interval::NotNegative) | Kind::OptionalReal(Interval::NotNegative) => {
            Value::Real(part * 10_f64.powi((number % 41) as i32 - 20))
        }
        Kind::Real(Interval::UnitAboveZero) => Value::Real(1.0 - part),
        Kind::Real(_) | Kind::OptionalReal(_) => Value::Real(part),
        Kind::Boolean => Value::Boolean(number.is_multiple_of(2)),
        Kind::Choice(names) => Value::from(names[number as usize % names.len()].name),
        Kind::Imported if number.is_multiple_of(2) => Value::None,
        Kind::Imported => Value::from(ImportedWeights::of(u128::from(number).to_le_bytes()).to_string()),
        Kind::Trials if number.is_multiple_of(2) => Value::None,
        Kind::Trials => Value::Trials(trials()),
        Kind::Nonzero => Value::from(vec![-1.0 + part, 10_f64.powi((number % 41) as i32 - 20)]),
        Kind::Epochs => Value::from(vec![1 + number % 10, 11 + number % 1000]),
        Kind::Saves => match number % 4 {
            0 => Value::from(1 + number % 1000),
            1 => Value::Real(1.0 / (2 + number % 1_000_000) as f64),
            2 => Value::List(vec![]),
            _ => Value::List(vec![Value::from(0_u64), Value::Real(1.0 / 3.0), Value::from(number % 1000)]),
        },
    }
}
