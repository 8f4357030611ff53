//! The registry agrees with the fields of the parameters, and is consistent.

use std::collections::BTreeSet;

use super::*;

#[test]
fn every_parameter_can_be_set_by_its_path_its_last_part_and_its_published_names() {
    for parameter in PARAMETERS {
        let other = another_value(parameter);
        let mut by_path = Params::default();
        by_path.set_value(parameter.path, &other).expect("the value is in range");
        assert_ne!(by_path, Params::default(), "{}", parameter.path);
        for name in parameter.published.iter().chain([&parameter.name()]) {
            let mut by_name = Params::default();
            by_name.set_value(name, &other).expect("the value is in range");
            assert_eq!(by_name, by_path, "{name}");
            assert_eq!(by_name.get(name).expect("the name is known"), other, "{name}");
        }
    }
}

/// A value in range that is not the default.
fn another_value(parameter: &Parameter) -> Value {
    let candidates = match parameter.kind {
        Kind::Whole { .. } | Kind::OptionalWhole { .. } => vec![Value::from(7)],
        Kind::Real(_) | Kind::OptionalReal(_) => vec![Value::Real(0.25)],
        Kind::Boolean => vec![Value::Boolean(true), Value::Boolean(false)],
        Kind::Choice(names) => names.iter().map(|names| Value::from(names.name)).collect(),
        Kind::Imported => vec![Value::from(ImportedWeights::of([0xab; 16]).to_string())],
        Kind::Trials => vec![Value::from("trials.npz")],
        Kind::Nonzero => vec![Value::from(vec![-0.5, 0.25])],
        Kind::Epochs => vec![Value::from(vec![3, 5])],
        Kind::Saves => vec![Value::Real(0.5)],
    };
    let mut candidates = candidates.into_iter().filter(|value| *value != parameter.default_value());
    candidates.next().expect("one candidate is not the default")
}

#[test]
fn every_field_has_one_parameter_and_every_parameter_has_a_field() {
    let json = serde_json::to_value(Params::default()).expect("parameters are JSON");
    let mut fields = BTreeSet::new();
    for (name, value) in json.as_object().expect("a struct is an object") {
        match value.as_object() {
            Some(section) => fields.extend(section.keys().map(|field| format!("{name}.{field}"))),
            None => assert!(fields.insert(name.clone())),
        }
    }
    let paths: BTreeSet<String> = PARAMETERS.iter().map(|parameter| parameter.path.to_owned()).collect();
    assert_eq!(paths, fields);
    assert_eq!(paths.len(), PARAMETERS.len());
}

#[test]
fn no_name_means_two_parameters() {
    let mut owners: std::collections::BTreeMap<&str, &str> = std::collections::BTreeMap::new();
    for parameter in PARAMETERS {
        let names: BTreeSet<&str> =
            parameter.published.iter().copied().chain([parameter.name(), parameter.path]).collect();
        for name in names {
            assert_eq!(owners.insert(name, parameter.path), None, "{name}");
        }
    }
}

#[test]
fn every_choice_is_recognised_in_every_spelling_and_case() {
    for parameter in PARAMETERS {
        let Kind::Choice(choices) = parameter.kind else { continue };
        let mut seen = BTreeSet::new();
        for names in choices {
            for spelling in names.published.iter().chain([&names.name]) {
                assert!(seen.insert(*spelling), "{spelling} names two values of {}", parameter.path);
                for spelling in [(*spelling).to_owned(), spelling.to_uppercase(), format!("'{spelling}'")] {
                    let params = with(&[&format!("{}={spelling}", parameter.path)]);
                    assert_eq!(parameter.value(&params), Value::from(names.name));
                }
            }
        }
    }
}

#[test]
fn choices_have_the_same_names_for_serde_as_in_the_registry() {
    for parameter in PARAMETERS {
        let Kind::Choice(choices) = parameter.kind else { continue };
        for names in choices {
            let params = with(&[&format!("{}={}", parameter.path, names.name)]);
            let json = serde_json::to_value(&params).expect("parameters are JSON");
            assert_eq!(json[parameter.section()][parameter.field()], names.name);
        }
    }
}

/// Defaults are left out of keys, so changing one would change the keys of stored runs.
#[test]
fn defaults_never_change() {
    let defaults: Vec<String> = PARAMETERS
        .iter()
        .map(|parameter| format!("{} = {}", parameter.path, parameter.default_text()))
        .collect();
    insta::assert_snapshot!(defaults.join("\n"), @r"
seed = 0
task.kind = clusters
task.input_dim = 200
task.clusters = 60
task.classes = 2
task.cluster_std = 0.02
task.delay = 10
task.hold = 1
task.evaluate = 1
task.bits = 3
task.pulse = 0.1
task.timesteps = 100
task.coherences = [-0.512, -0.256, -0.128, -0.064, -0.032, 0.032, 0.064, 0.128, 0.256, 0.512]
task.noise = 1
task.stimulus = 20
task.response = 5
task.stimuli = 4
task.sample = 5
task.test = 5
task.frequencies = 51
task.file = none
task.frozen = false
task.train_samples = 800
task.val_samples = none
network.kind = vanilla
network.units = 200
network.nonlinearity = tanh
network.gain = 20
network.dt = 0.01
network.leak = true
network.input_weights = orthogonal
network.init = standard
network.gate_gain = 1
network.gate_bias = 0
network.input_scale = 1
network.readout_scale = 1
network.random_fraction = 1
network.rank = none
network.random_part = false
network.excitatory = none
network.excitatory_readout = false
network.density = 1
network.train_recurrent = true
network.biases = true
network.train_input = false
network.train_readout = true
network.dropout = 0
network.unit_noise = 0
network.initial_state = zero
network.initial_noise = 0
network.weights = none
train.epochs = 12
train.batch = 10
train.loss = cross_entropy
train.optimizer = rmsprop
train.mix = 0.5
train.learning_rate = 0.001
train.momentum = 0
train.weight_decay = 0
train.gradient_noise = 0
train.gradient_noise_on = recurrent
train.gradient_noise_scaled = false
train.gradients = automatic
train.arithmetic = cpu
train.scheduler = plateau
train.scheduler_patience = 5
train.scheduler_factor = 0.5
train.milestones = []
train.cycle_epochs = none
train.stop_after = none
train.saves_per_epoch = 1
");
}

#[test]
fn the_table_has_a_row_for_every_parameter_with_its_published_names() {
    let table = parameters_markdown();
    assert_eq!(table.lines().count(), PARAMETERS.len() + 2);
    for parameter in PARAMETERS {
        let row = table.lines().find(|row| row.starts_with(&format!("| `{}` |", parameter.path)));
        let row = row.expect("every parameter has a row");
        assert!(parameter.published.iter().all(|name| row.contains(&format!("`{name}`"))), "{row}");
        assert_eq!(row.matches('|').count(), 6, "{row}");
    }
}
