//! Reading and writing: TOML, JSON, command lines.

use proptest::prelude::*;

use super::*;

const PUBLISHED: &[&str] = &[
    "N=200",
    "num_epochs=120",
    "num_train_samples_per_epoch=800",
    "num_test_samples_per_epoch=100",
    "X_clusters=60",
    "X_dim=2",
    "num_classes=2",
    "n_lag=10",
    "g_radius=250",
    "wout_scale=1.",
    "clust_sig=.02",
    "input_scale=1.0",
    "n_hold=1",
    "n_out=1",
    "loss='cce'",
    "optimizer='rmsprop'",
    "dt=.01",
    "momentum=0",
    "learning_rate=1e-3",
    "batch_size=10",
    "freeze_input=False",
    "network='vanilla_rnn'",
    "Win='diagonal_first_two'",
    "patience_before_stopping=6000",
    "hid_nonlin='tanh'",
    "saves_per_epoch=1",
    "model_seed=3",
    "rerun=False",
    "l2_regularization=0",
    "dropout_p=0",
    "unit_injected_noise=0",
    "scheduler='plateau'",
    "learning_patience=5",
    "scheduler_factor=0.5",
    "use_biases=True",
    "Wrec_rand_proportion=1",
    "train_output_weights=True",
    "input_style='hypercube'",
    "grad_noise=0",
    "grad_noise_type=None",
];

#[test]
fn a_published_parameter_set_has_the_key_of_the_same_parameters_in_our_names() {
    let published: Vec<&str> = PUBLISHED.iter().copied().filter(|text| !text.starts_with("rerun")).collect();
    let ours = valid(&["input_dim=2", "gain=250", "network.input_weights=diagonal", "epochs=120", "seed=3"]);
    assert_eq!(valid(&published).canonical(), ours.canonical());
}

#[test]
fn a_python_dict_as_json_means_the_same_as_toml_with_sections() {
    let json = Params::from_json(
        r#"{"N": 100, "X_dim": 2, "n_lag": 10, "g_radius": 250, "network": "sompolinsky", "Win": "orthog", "loss":
        "mse_scalar", "optimizer": "sgd_rmsprop_comb_0.3", "freeze_input": true, "scheduler": "onecyclelr",
        "num_test_samples_per_epoch": null, "num_train_samples_per_epoch": 400, "saves_per_epoch": [1, 0, 2],
        "num_epochs": 3, "learning_patience": 1}"#,
    );
    let toml = Params::from_toml(
        r#"
        [task]
        input_dim = 2
        frozen = true
        train_samples = 400
        [network]
        kind = "leaky"
        units = 100
        gain = 250
        [train]
        loss = "mse_scalar"
        optimizer = "sgd_rmsprop"
        mix = 0.3
        scheduler = "onecycle"
        epochs = 3
        scheduler_patience = 1
        saves_per_epoch = [1, 0, 2]
        "#,
    );
    assert_eq!(json.expect("the JSON is valid"), toml.expect("the TOML is valid"));
}

#[test]
fn toml_accepts_published_names_at_the_top_and_in_their_section() {
    let top = Params::from_toml("g_radius = 250\nnetwork = \"sompolinsky\"\nn_lag = 6");
    let sections = Params::from_toml("[task]\nn_lag = 6\n[network]\nkind = \"leaky\"\ng_radius = 2.5e2");
    assert_eq!(top.expect("the TOML is valid"), sections.expect("the TOML is valid"));
}

#[test]
fn a_table_changes_what_it_contains_and_nothing_else() {
    let table: toml::Table =
        "[network]\ngain = 250\n[train]\nsaves_per_epoch = [2, 1, 0.5]".parse().expect("TOML");
    let mut params = with(&["input_dim=2"]);
    params.apply_table(&table).expect("the table is valid");
    assert_eq!(params, with(&["input_dim=2", "gain=250", "saves_per_epoch=[2,1,0.5]"]));
}

#[test]
fn a_wrong_table_changes_nothing() {
    let table: toml::Table = "[network]\ngain = 250\nunits = -1".parse().expect("TOML");
    let mut params = Params::default();
    params.apply_table(&table).expect_err("the units are negative");
    assert_eq!(params, Params::default());
}

#[test]
fn python_spellings_of_values_are_read() {
    assert_eq!(
        with(&["use_biases=False", "stop_after=None", "scheduler=None"]),
        with(&["biases=false", "train.scheduler=none"])
    );
    assert_eq!(
        with(&["hid_nonlin=\"relu\"", "dt=.5", "N=1_000", "n_lag=1e1"]),
        with(&["nonlinearity=relu", "dt=0.5", "units=1000"])
    );
    assert_eq!(with(&["num_test_samples_per_epoch=na"]), Params::default());
}

#[test]
fn published_names_that_mean_two_parameters_set_both() {
    let mixture = with(&["optimizer=sgd_rmsprop_comb_0.25"]);
    assert_eq!(mixture, with(&["optimizer=sgd_rmsprop", "mix=0.25"]));
    let noise = with(&["grad_noise_type=output_scaled"]);
    assert_eq!(noise, with(&["gradient_noise_on=readout", "gradient_noise_scaled=true"]));
    for milestones in ["learning_patience=[30, 60]", "learning_patience=30_60", "milestones=(30,60)"] {
        assert_eq!(with(&[milestones]).train.milestones, [30, 60], "{milestones}");
    }
}

#[test]
fn saves_are_a_number_a_fraction_or_a_list() {
    let saves = |text: &str| with(&[&format!("saves_per_epoch={text}")]).train.saves_per_epoch;
    assert_eq!(saves("10"), SavesPerEpoch::Same(SaveRate::PerEpoch(10)));
    for quarter in ["0.25", "1/4", "'1/4'"] {
        assert_eq!(saves(quarter), SavesPerEpoch::Same(SaveRate::EveryEpochs(4)), "{quarter}");
    }
    assert_eq!(saves("0.00078125"), SavesPerEpoch::Same(SaveRate::EveryEpochs(1280)));
    assert_eq!(saves("0.33"), SavesPerEpoch::Same(SaveRate::EveryEpochs(3)));
    let list = vec![SaveRate::PerEpoch(2), SaveRate::PerEpoch(0), SaveRate::EveryEpochs(2)];
    assert_eq!(saves("[2,0,0.5]"), SavesPerEpoch::Each(list));
}

#[test]
fn annotated_toml_explains_every_parameter() {
    let text =
        valid(&["gain=250", "input_dim=2", "scheduler=onecycle", "saves_per_epoch=1/3"]).to_annotated_toml();
    insta::assert_snapshot!(text, @r#"
# Parameters of a run of Concertina; in brackets the published code's names.
seed = 0                         # the realisation: keys every stream of random numbers (model_seed)

[task]
kind = "clusters"                # the task
input_dim = 2                    # the dimension of the input space (X_dim)
clusters = 60                    # the number of Gaussian clusters (X_clusters)
classes = 2                      # the number of class labels (num_classes)
cluster_std = 0.02               # the standard deviation of a cluster, per coordinate (clust_sig)
delay = 10                       # the time from stimulus onset to the end of evaluation (`clusters`), or without input before the response or test, in timesteps (n_lag)
hold = 1                         # the time for which the input is shown, in timesteps (n_hold)
evaluate = 1                     # the time over which the loss is evaluated, at the end of a trial, in timesteps (n_out)
bits = 3                         # the number of input lines, each with an output that remembers its last pulse; without effect here
pulse = 0.1                      # the probability of a pulse at a timestep, on each line; without effect here
timesteps = 100                  # the length of a trial, in timesteps; without effect here
coherences = [-0.512, -0.256, -0.128, -0.064, -0.032, 0.032, 0.064, 0.128, 0.256, 0.512] # the coherences: the mean of the evidence at a timestep, whose sign is the right choice; without effect here
noise = 1                        # the standard deviation of the evidence at a timestep; without effect here
stimulus = 20                    # the time for which evidence is shown, in timesteps; without effect here
response = 5                     # the time after the delay, in which the loss counts, in timesteps; without effect here
stimuli = 4                      # the number of items, each with an input line; without effect here
sample = 5                       # the time for which the first item is shown, in timesteps; without effect here
test = 5                         # the time for which the second item is shown, in which the loss counts, in timesteps; without effect here
frequencies = 51                 # the number of frequencies, equally spaced from 0.1 to 0.6 radians per timestep; without effect here
# file is none                   # the trials: arrays `inputs` and `targets`, perhaps `mask` and `condition`; without effect here
frozen = false                   # the same samples every epoch, rather than fresh ones (freeze_input)
train_samples = 800              # the number of training samples per epoch (num_train_samples_per_epoch)
val_samples = 100                # the number of validation samples per epoch (none: 100 with 800 for training, otherwise 15%) (num_test_samples_per_epoch)

[network]
kind = "vanilla"                 # the equations of the network (network)
units = 200                      # the number of units, in each layer of a feedforward network (N)
nonlinearity = "tanh"            # the transfer function of a unit (hid_nonlin)
gain = 250                       # the spectral radius of the random part of the recurrent weights (g_radius)
dt = 0.01                        # the step of the discretisation, in time constants
leak = true                      # the leak of a leaky network; false is the published code's update; without effect here
input_weights = "orthogonal"     # the kind of initial input weights (Win)
init = "standard"                # the rule of the initial weights
gate_gain = 1                    # the spectral radius of each gate's recurrent weights; that of the candidate's is `network.gain`; without effect here
gate_bias = 0                    # the bias before training of the gate that keeps the state; without effect here
input_scale = 1                  # the factor of the input weights
readout_scale = 1                # the factor of the readout weights (wout_scale)
random_fraction = 1              # the random share of the recurrent weights, the rest is orthogonal (Wrec_rand_proportion); without effect here
# rank is none                   # the rank of the trained part of the recurrent weights, in each block of a gated network (none: not restricted)
random_part = false              # keep the random recurrent weights beside the part of low rank; they are not trained; without effect here
# excitatory is none             # the share of excitatory units under Dale's law (none: units have connections of both signs)
excitatory_readout = false       # read out excitatory units only; without effect here
density = 1                      # the probability that a recurrent connection exists
train_recurrent = true           # train the recurrent weights; false is a reservoir, of which only the readout is trained
biases = true                    # train the biases; otherwise they stay zero (use_biases)
train_input = false              # train the input weights (train_input_weights)
train_readout = true             # train the readout weights (train_output_weights)
dropout = 0                      # the probability that a unit is dropped, in training (dropout_p)
unit_noise = 0                   # the standard deviation of the noise on every unit, in training (unit_injected_noise)
initial_state = "zero"           # the state before the first timestep: zero, or trained
initial_noise = 0                # the standard deviation of the noise on the state before the first timestep, in every trial
# weights is none                # weights from elsewhere, as `concertina runs import` names them (none: drawn from the seed)

[train]
epochs = 12                      # how long to train, in epochs (num_epochs)
batch = 10                       # the number of samples in a batch (batch_size)
loss = "cross_entropy"           # the loss
optimizer = "rmsprop"            # the optimizer
mix = 0.5                        # the share of rmsprop, the rest is plain gradient descent; without effect here
learning_rate = 0.001            # the learning rate at the start; the highest of the cyclic schedules
momentum = 0                     # the momentum of sgd and rmsprop
weight_decay = 0                 # the weight decay, added to the gradient (l2_regularization)
gradient_noise = 0               # the standard deviation of the noise on the gradient (grad_noise)
gradient_noise_on = "recurrent"  # the weights whose gradient is noisy (grad_noise_type); without effect here
gradient_noise_scaled = false    # rescale the noise to the norm of the gradient; without effect here
gradients = "backpropagation"    # how gradients are computed; condensed, a batch of a linear network costs hardly more than a sample (automatic: the fastest)
arithmetic = "cpu"               # the processor whose arithmetic the run has; usually set by the choice of a device
scheduler = "onecycle"           # how the learning rate changes from epoch to epoch
scheduler_patience = 5           # patience of `plateau`, step of `step`, half a cycle of the cyclic ones, rise of `onecycle`, in epochs (learning_patience)
scheduler_factor = 0.5           # the factor of the learning rate; lowest over highest rate of the cyclic ones; without effect here
milestones = []                  # the epochs after which the learning rate is lowered; without effect here
cycle_epochs = 12                # the length of the schedule (none: `train.epochs`, which then names the run), in epochs
# stop_after is none             # how long to go on without a better validation loss, in epochs (patience_before_stopping)
saves_per_epoch = 0.3333333333333333 # checkpoints kept in each epoch (1/k: in every k-th), or a list with an entry per epoch
"#);
}

proptest! {
    #[test]
    fn reading_what_was_written_gives_the_same_parameters(params in arbitrary::params()) {
        prop_assert_eq!(&Params::from_toml(&params.to_toml()).expect("it was written by us"), &params);
        let json = serde_json::to_string(&params).expect("parameters are JSON");
        prop_assert_eq!(&serde_json::from_str::<Params>(&json).expect("it was written by us"), &params);
        prop_assert_eq!(&Params::from_json(&json).expect("it was written by us"), &params);
        let toml = toml::to_string(&params).expect("parameters are TOML");
        prop_assert_eq!(&toml::from_str::<Params>(&toml).expect("it was written by us"), &params);
    }

    #[test]
    fn annotated_toml_reads_back_and_checking_twice_changes_nothing(valid in arbitrary::valid()) {
        let mut again = Params::from_toml(&valid.to_annotated_toml()).expect("it was written by us");
        prop_assert_eq!(&again, &*valid);
        again.task.take_trials(|_| Some(arbitrary::trials()));
        prop_assert_eq!(again.check().expect("it was valid"), valid);
    }

    #[test]
    fn no_text_makes_reading_panic(text in "\\PC*", name in "[a-zA-Z_.]*") {
        let _ = Params::from_toml(&text);
        let _ = Params::from_json(&text);
        let _ = Params::default().set(&name, &text);
        let _ = Sweep::from_toml(&text);
        let _ = Sweep::default().assign(&format!("{name}={text}"));
        for parameter in PARAMETERS {
            let _ = Params::default().set(parameter.path, &text);
            let _ = Sweep::default().assign(&format!("{}={text}", parameter.path));
        }
    }
}

/// A parameter set as the scripts of the published code write it, including `rerun`, which is not a parameter
/// of a run.
#[test]
fn a_published_dictionary_with_rerun_false_is_read() {
    let ours = valid(&["input_dim=2", "gain=250", "network.input_weights=diagonal", "epochs=120", "seed=3"]);
    assert_eq!(valid(PUBLISHED).canonical(), ours.canonical());
    let sweep = Sweep::parse(Params::default(), PUBLISHED.iter().copied()).expect("it is valid");
    let sweep = sweep.check().expect("valid");
    let notes: Vec<String> = sweep.notes().iter().map(ToString::to_string).collect();
    assert_eq!(
        notes,
        ["`rerun` is ignored because it is not a parameter of a run: `--rerun` trains again and compares"]
    );
    let json = Sweep::from_json(
        r#"{"N": 30, "multiprocess_lock": null, "out_dir": "", "n_cores": 1, "save_model_weights": true, "verbose": 0,
        "device": "cpu", "rerun": false}"#,
    );
    let json = json.and_then(Sweep::check).expect("the JSON is valid");
    assert_eq!((json.notes().len(), json[0].canonical()), (7, valid(&["units=30"]).canonical()));
    let toml = Params::from_toml("[network]\nN = 30\n[train]\nrerun = false\n");
    assert_eq!(toml.expect("the TOML is valid"), with(&["units=30"]));
}

#[test]
fn an_argument_that_requests_something_is_refused_with_what_to_use_instead() {
    for (text, instead) in [
        ("rerun=true", "`--rerun`"),
        ("rerun=1", "`--rerun`"),
        ("out_dir=results", "`--store`"),
        ("table_path='a/b.csv'", "`--store`"),
        ("device=cuda:0", "`--device gpu`"),
        ("n_jobs=8", "`--jobs`"),
        ("verbose=2", "`-v`"),
        ("seeds=5", "`--seeds 0..5`"),
        ("rerun=false,true", "`--rerun`"),
        ("train.rerun=true", "`--rerun`"),
    ] {
        let error = Sweep::parse(Params::default(), [text]).expect_err(text);
        assert!(matches!(error, Error::NotAParameter { .. }), "{text}: {error:?}");
        assert!(error.hint().is_some_and(|hint| hint.contains(instead)), "{text}: {:?}", error.hint());
    }
}

#[test]
fn a_wrong_value_of_a_parameter_without_effect_is_ignored_in_any_order() {
    let sweep = |overrides: &[&str]| {
        Sweep::parse(Params::default(), overrides.iter().copied()).and_then(Sweep::check)
    };
    for (without, beside) in [
        ("scheduler_factor=10", "scheduler=onecycle"),
        ("scheduler_factor=0", "scheduler=none"),
        ("scheduler_patience=-1", "scheduler=none"),
        ("learning_patience=[8,5]", "scheduler=none"),
        ("momentum=1.5", "optimizer=adam"),
        ("momentum=none", "optimizer=adam"),
        ("mix=7", "optimizer=sgd"),
        ("random_fraction=-2", "kind=vanilla"),
        ("leak=perhaps", "kind=vanilla"),
        ("milestones=[8,5]", "scheduler=plateau"),
        ("cycle_epochs=0", "scheduler=plateau"),
        ("gradient_noise_on=elsewhere", "gradient_noise=0"),
        ("gradient_noise_scaled=2", "gradient_noise=0"),
    ] {
        let expected = sweep(&[beside]).expect(beside);
        for overrides in [[without, beside], [beside, without]] {
            let runs = sweep(&overrides).unwrap_or_else(|error| panic!("{overrides:?}: {error}"));
            assert_eq!(runs[0], expected[0], "{overrides:?}");
            let noted = runs.notes().iter().all(|note| matches!(note, Note::WithoutEffect { .. }));
            assert!(noted && !runs.notes().is_empty(), "{overrides:?}: {:?}", runs.notes());
        }
    }
    // The same for fields of the struct, a file, a file with later overrides, and JSON.
    let mut open = Params::default();
    (open.train.optimizer, open.train.momentum) = (OptimizerKind::Adam, f64::NAN);
    assert_eq!(open.check().expect("no effect").canonical(), valid(&["optimizer=adam"]).canonical());
    let toml = "[train]\nmomentum = 1.5\noptimizer = \"adam\"\n";
    assert_eq!(Params::from_toml(toml).expect("no effect"), with(&["optimizer=adam"]));
    let mut file = Sweep::from_toml("[train]\nmomentum = 1.5\n").expect("it may have no effect");
    assert!(file.clone().check().is_err());
    file.assign("optimizer=adam").expect("valid");
    assert_eq!(file.check().expect("no effect")[0], valid(&["optimizer=adam"]));
    assert!(Params::from_json(r#"{"scheduler_factor": null, "scheduler": null}"#).is_ok());
    // Where the parameter has an effect, the value is an error, also in a sweep, and its line is reported.
    let error = sweep(&["optimizer=adam,sgd", "momentum=0.5,1.5"]).expect_err("sgd has a momentum");
    assert!(
        error
            .to_string()
            .contains("`train.momentum`: expected a number of at least 0 and below 1, found 1.5")
    );
    let error =
        Sweep::from_toml("seed = 1\n[train]\nmomentum = 1.5\n").and_then(Sweep::check).expect_err("wrong");
    assert!(error.to_string().starts_with("line 3: `train.momentum`"), "{error}");
    assert!(sweep(&["momentum=1.5", "momentum=0.5"]).is_ok(), "the later value replaces it");
    assert!(sweep(&["optimizer=sgd_rmsprop_comb_2"]).is_err(), "this optimizer makes the mix have an effect");
}

#[test]
fn foreign_names_of_parameters_are_answered_with_ours() {
    for (name, ours) in [
        ("lr", "`train.learning_rate`"),
        ("LR", "`train.learning_rate`"),
        ("train.lr", "`train.learning_rate`"),
        ("hidden_size", "`network.units`"),
        ("N_rec", "`network.units`"),
        ("activation", "`network.nonlinearity`"),
        ("alpha", "`network.dt`"),
        ("tau", "`network.dt`"),
        ("sigma_rec", "`network.unit_noise`"),
        ("spectral_rad", "`network.gain`"),
        ("g", "`network.gain`"),
        ("N_in", "`task.input_dim`"),
        ("N_out", "`task.classes`"),
        ("W_rec", "`concertina runs import`"),
        ("training_iters", "`train.epochs`"),
        ("dale_ratio", "`network.excitatory`"),
        ("p_conn", "`network.density`"),
        ("random_state", "`seed`"),
    ] {
        let error = Params::default().set(name, "1").expect_err(name);
        assert!(matches!(error, Error::UnknownParameter { .. }), "{name}: {error:?}");
        assert!(error.hint().is_some_and(|hint| hint.contains(ours)), "{name}: {:?}", error.hint());
    }
}

#[test]
fn combinations_that_are_the_same_run_are_noted() {
    let notes = |overrides: &[&str]| {
        let sweep = Sweep::parse(Params::default(), overrides.iter().copied()).and_then(Sweep::check);
        sweep.expect("valid").notes().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(notes(&["gain=20,250", "seed=0..3"]), [""; 0]);
    let repeated = "some are given twice, or differ only in parameters without effect";
    assert_eq!(notes(&["seed=0,0,1"]), [format!("3 combinations are 2 runs: {repeated}")]);
    assert_eq!(
        notes(&["optimizer=adam,rmsprop", "momentum=0,0.5"]),
        [format!("4 combinations are 3 runs: {repeated}")]
    );
    assert_eq!(
        notes(&["leak=false"]),
        ["`network.leak` has no effect here: it counts only with `network.kind = leaky`"]
    );
}
