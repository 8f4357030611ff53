//! The keys of runs.

use proptest::prelude::*;

use super::*;

/// Frozen: a change here would change the key of every stored run.
#[test]
fn canonical_texts_are_frozen() {
    assert_eq!(valid(&[]).canonical(), "concertina run 1\n");
    let low = valid(&["input_dim=2", "gain=250", "epochs=120", "seed=4"]);
    insta::assert_snapshot!(low.canonical(), @r"
concertina run 1
network.gain = 250
seed = 4
task.input_dim = 2
");
    let everything = valid(&[
        "seed=9223372036854775807",
        "input_dim=3",
        "clusters=12",
        "classes=3",
        "cluster_std=0.1",
        "delay=6",
        "hold=2",
        "evaluate=3",
        "frozen=true",
        "train_samples=1000",
        "val_samples=50",
        "kind=leaky",
        "units=64",
        "nonlinearity=relu",
        "gain=1.5",
        "dt=0.1",
        "leak=false",
        "input_weights=diagonal",
        "input_scale=2",
        "readout_scale=1e-7",
        "random_fraction=0.3",
        "biases=false",
        "train_input=true",
        "train_readout=false",
        "dropout=0.05",
        "unit_noise=1e20",
        "batch=32",
        "loss=mse",
        "optimizer=sgd_rmsprop",
        "mix=0.9",
        "learning_rate=0.0002",
        "momentum=0.9",
        "weight_decay=1e-5",
        "gradient_noise=0.30000000000000004",
        "gradient_noise_on=all",
        "gradient_noise_scaled=true",
        "scheduler=onecycle",
        "scheduler_patience=3",
        "cycle_epochs=30",
        "epochs=40",
        "saves_per_epoch=0.5",
        "stop_after=9",
    ]);
    insta::assert_snapshot!(everything.canonical(), @r#"
concertina run 1
network.biases = false
network.dropout = 0.05
network.dt = 0.1
network.gain = 1.5
network.input_scale = 2
network.input_weights = "diagonal"
network.kind = "leaky"
network.leak = false
network.nonlinearity = "relu"
network.random_fraction = 0.3
network.readout_scale = 1e-7
network.train_input = true
network.train_readout = false
network.unit_noise = 1e20
network.units = 64
seed = 9223372036854775807
task.classes = 3
task.cluster_std = 0.1
task.clusters = 12
task.delay = 6
task.evaluate = 3
task.frozen = true
task.hold = 2
task.input_dim = 3
task.train_samples = 1000
task.val_samples = 50
train.batch = 32
train.cycle_epochs = 30
train.gradient_noise = 0.30000000000000004
train.gradient_noise_on = "all"
train.gradient_noise_scaled = true
train.learning_rate = 0.0002
train.loss = "mse"
train.mix = 0.9
train.momentum = 0.9
train.optimizer = "sgd_rmsprop"
train.scheduler = "onecycle"
train.scheduler_patience = 3
train.weight_decay = 1e-5
"#);
    insta::assert_snapshot!(valid(&["scheduler=multistep", "milestones=[5,8]", "scheduler_factor=0.1"]).canonical(), @r#"
concertina run 1
train.milestones = [5, 8]
train.scheduler = "multistep"
train.scheduler_factor = 0.1
"#);
}

#[test]
fn the_spelling_of_a_value_does_not_matter() {
    let key = |overrides: &[&str]| valid(overrides).canonical();
    for spelling in ["gain=250", "network.gain=250.0", "g_radius=2.5e2", "gain='250'", "gain=0.25e3"] {
        assert_eq!(key(&[spelling]), key(&["gain=250"]), "{spelling}");
    }
    assert_eq!(key(&["gain=20.0", "loss=cce", "val_samples=100"]), key(&[]));
    assert_eq!(key(&["train_samples=400", "val_samples=60"]), key(&["train_samples=400"]));
    assert_eq!(key(&["unit_noise=-0.0"]), key(&[]));
}

#[test]
fn epochs_saves_and_stopping_are_not_part_of_the_key() {
    let key = |overrides: &[&str]| valid(overrides).canonical();
    assert_eq!(key(&["epochs=24", "saves_per_epoch=4", "stop_after=3"]), key(&[]));
}

#[test]
fn parameters_without_effect_do_not_change_the_key() {
    for (without, with_effect) in [
        ("mix=0.9", "optimizer=sgd_rmsprop"),
        ("gradient_noise_on=all", "gradient_noise=0.5"),
        ("gradient_noise_scaled=true", "gradient_noise=0.5"),
        ("random_fraction=0.5", "kind=leaky"),
        ("leak=false", "kind=leaky"),
        ("milestones=[3]", "scheduler=multistep"),
        ("cycle_epochs=30", "scheduler=onecycle"),
    ] {
        assert_eq!(valid(&[without]).canonical(), valid(&[]).canonical(), "{without}");
        let other = if with_effect == "scheduler=multistep" { "milestones=[4]" } else { "seed=0" };
        assert_ne!(
            valid(&[without, with_effect]).canonical(),
            valid(&[other, with_effect]).canonical(),
            "{without}"
        );
    }
    for (without, where_) in [
        ("momentum=0.9", "optimizer=adam"),
        ("scheduler_patience=7", "scheduler=none"),
        ("scheduler_factor=0.1", "scheduler=none"),
        ("scheduler_factor=0.1", "scheduler=onecycle"),
    ] {
        assert_eq!(valid(&[without, where_]).canonical(), valid(&[where_]).canonical(), "{without} {where_}");
        assert_ne!(valid(&[without]).canonical(), valid(&[]).canonical(), "{without}");
    }
}

/// Runs by backpropagation keep the key that they had before there was a choice of methods.
#[test]
fn the_gradient_method_is_part_of_the_key_where_it_changes_bits() {
    let key = |overrides: &[&str]| valid(overrides).canonical();
    assert_eq!(key(&["gradients=backpropagation"]), key(&[]));
    assert_eq!(key(&["gradients=split"]), key(&[]), "a small batch is one part");
    assert_eq!(key(&["batch=64", "gradients=backpropagation"]), key(&["batch=64"]));
    assert_eq!(key(&["batch=65", "gradients=split"]), key(&["batch=65"]));
    assert_ne!(key(&["batch=65", "gradients=backpropagation"]), key(&["batch=65"]));
    let linear = ["nonlinearity=linear", "loss=mse_scalar"];
    let of_linear = |more: &[&'static str]| key(&[&linear[..], more].concat());
    assert_eq!(of_linear(&["gradients=condensed"]), of_linear(&[]));
    assert_ne!(of_linear(&["gradients=backpropagation"]), of_linear(&[]));
    assert_eq!(of_linear(&["batch=1", "gradients=backpropagation"]), of_linear(&["batch=1"]));
    assert_eq!(of_linear(&["dropout=0.1", "gradients=backpropagation"]), of_linear(&["dropout=0.1"]));
    let old = Params::from_stored_toml("[network]\nnonlinearity = \"linear\"").and_then(Params::check);
    assert_eq!(old.expect("valid").train.gradients, GradientMethod::Backpropagation);
}

proptest! {
    #[test]
    fn a_key_depends_on_every_parameter_that_is_part_of_it_and_has_an_effect(
        (one, other) in (arbitrary::valid(), arbitrary::valid()), place in 0..PARAMETERS.len(),
    ) {
        let parameter = &PARAMETERS[place];
        let mut changed = one.clone().into_params();
        parameter.set(&mut changed, &parameter.value(&other)).expect("it is in range");
        if let Ok(changed) = changed.check() {
            let same = parameter.value(&changed) == parameter.value(&one) || !parameter.part_of_key;
            prop_assert_eq!(changed.canonical() == one.canonical(), same, "{}", parameter.path);
        }
    }

    #[test]
    fn a_key_reads_back_as_the_parameters_that_it_names(valid in arbitrary::valid()) {
        let canonical = valid.canonical();
        let (_, assignments) = canonical.split_once('\n').expect("the schema's version has a line");
        let mut named = Params::from_stored_toml(assignments).expect("it was written by us");
        named.task.take_trials(|_| Some(arbitrary::trials()));
        prop_assert_eq!(named.check().expect("it was valid").canonical(), canonical);
    }

    #[test]
    fn a_number_reads_back_from_its_spelling(number in proptest::num::f64::POSITIVE | proptest::num::f64::ZERO) {
        if number.is_finite() {
            let spelled = crate::params::value::spell(number);
            prop_assert_eq!(spelled.parse::<f64>().expect("it is a number").to_bits(), number.to_bits());
        }
    }
}

#[test]
fn imported_weights_are_part_of_the_key_and_read_back() {
    let name = "imported-00112233445566778899aabbccddeeff";
    let params = valid(&[&format!("weights={name}")]);
    assert_eq!(params.canonical(), format!("concertina run 1\nnetwork.weights = \"{name}\"\n"));
    assert_eq!(Params::from_toml(&params.to_toml()).expect("ours").check().expect("valid"), params);
    for wrong in [
        "imported-0011",
        "00112233445566778899aabbccddeeff",
        "imported-00112233445566778899AABBCCDDEEFF",
        "0",
    ] {
        assert!(Params::default().set("weights", wrong).is_err(), "{wrong}");
    }
}

#[test]
fn parameters_without_effect_on_an_imported_network_are_not_part_of_its_key() {
    let weights = format!("network.weights={}", ImportedWeights::of([7; 16]));
    let key = |more: &[&str]| valid(&[&[weights.as_str()], more].concat()).canonical();
    let plain = key(&[]);
    for without in [
        "seed=4",
        "gain=250",
        "dt=0.5",
        "input_weights=diagonal",
        "input_scale=2",
        "readout_scale=2",
        "biases=false",
        "train_input=true",
        "train_readout=false",
        "dropout=0.1",
        "unit_noise=0.1",
        "frozen=true",
        "train_samples=5",
        "val_samples=5",
        "batch=20",
        "loss=mse",
        "loss=zero",
        "optimizer=adam",
        "learning_rate=1",
        "momentum=0.5",
        "weight_decay=0.1",
        "gradient_noise=0.1",
        "gradients=split",
        "scheduler=onecycle",
        "scheduler_patience=9",
        "epochs=3",
        "saves_per_epoch=2",
        "stop_after=2",
    ] {
        assert_eq!(key(&[without]), plain, "{without}");
    }
    for counts in [
        "units=4",
        "input_dim=4",
        "clusters=4",
        "classes=3",
        "cluster_std=0.1",
        "delay=4",
        "hold=2",
        "evaluate=2",
        "kind=leaky",
        "nonlinearity=relu",
        "loss=mse_scalar",
    ] {
        assert_ne!(key(&[counts]), plain, "{counts}");
    }
    assert_ne!(key(&["kind=leaky", "dt=0.5"]), key(&["kind=leaky"]));
    assert_ne!(key(&["kind=leaky", "leak=false"]), key(&["kind=leaky"]));
    assert_eq!(key(&["kind=leaky", "random_fraction=0.5"]), key(&["kind=leaky"]));
    let seeds = Sweep::parse(Params::default(), [weights.as_str(), "seed=0..8"]).and_then(Sweep::check);
    assert_eq!(seeds.expect("valid").len(), 1, "one realisation");
}
